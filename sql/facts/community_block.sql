-- Covered runs on the calendar of community days: stay days are out, and supply met during a stay is used after it.
--
-- A run keeps its full length; where stays push it into the next run, that one begins later (the closed form of
-- `facts.supply`, at class level), and the two are one. Without stays a run is what `facts.class_block` says.
-- Source: CMS Star Ratings Technical Notes 2026, attachment L, steps 3 and 4.
with

stayed_blocks as (
    select
        class_block.period_key,
        class_block.block_number,
        class_block.end_day - class_block.start_day + 1 as supplied_days,
        class_block.first_fill_key,
        class_block.last_fill_key,
        cast(
            class_block.start_day - sum(
                greatest(least(period_stay.end_day + 1, class_block.start_day) - period_stay.start_day, 0)
            ) as integer
        ) as community_start_day
    from facts.class_block
    inner join facts.period_stay
        on class_block.period_key = period_stay.period_key
    group by
        class_block.period_key,
        class_block.block_number,
        class_block.start_day,
        class_block.end_day,
        class_block.first_fill_key,
        class_block.last_fill_key
),

queued_blocks as (
    select
        stayed_blocks.*,
        cast(
            coalesce(
                sum(stayed_blocks.supplied_days) over (
                    partition by stayed_blocks.period_key
                    order by stayed_blocks.block_number
                    rows between unbounded preceding and 1 preceding
                ),
                0
            ) as integer
        ) as supplied_before
    from stayed_blocks
),

shifted_blocks as (
    select
        queued_blocks.period_key,
        queued_blocks.block_number,
        queued_blocks.supplied_days,
        queued_blocks.first_fill_key,
        queued_blocks.last_fill_key,
        queued_blocks.supplied_before,
        max(queued_blocks.community_start_day - queued_blocks.supplied_before) over (
            partition by queued_blocks.period_key
            order by queued_blocks.block_number
            rows unbounded preceding
        ) as uncovered_before
    from queued_blocks
)

-- Runs with the same uncovered days before them touch, now that the stay between them is out.
select
    shifted_blocks.period_key,
    min(shifted_blocks.block_number) as block_number,
    min(shifted_blocks.supplied_before) + shifted_blocks.uncovered_before as start_day,
    cast(
        min(shifted_blocks.supplied_before) + shifted_blocks.uncovered_before + sum(shifted_blocks.supplied_days) - 1
        as integer
    ) as end_day,
    min(shifted_blocks.first_fill_key) as first_fill_key,
    max(shifted_blocks.last_fill_key) as last_fill_key
from shifted_blocks
group by
    shifted_blocks.period_key,
    shifted_blocks.uncovered_before
union all
select
    class_block.period_key,
    class_block.block_number,
    class_block.start_day,
    class_block.end_day,
    class_block.first_fill_key,
    class_block.last_fill_key
from facts.class_block
where
    class_block.period_key not in (
        select period_stay.period_key
        from facts.period_stay
    )
order by
    period_key,
    block_number
