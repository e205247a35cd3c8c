-- The treatment period to date as alternating covered and uncovered intervals, with the fills that each covered one
-- rests on. Dates are calendar dates; where the year's rule takes stays out, a covered interval may span stay days.
--
-- Closed on both sides; covered intervals end with the treatment period, uncovered ones with the as-of date or the
-- period, whichever is first. Source: CMS Star Ratings Technical Notes 2026, attachment L.
with

runs as (
    select
        community_block.period_key,
        community_block.start_day,
        least(community_block.end_day, adherence.full_treatment_days - 1) as end_day,
        community_block.first_fill_key,
        community_block.last_fill_key,
        adherence.treatment_days,
        lead(community_block.start_day) over (
            partition by community_block.period_key
            order by community_block.block_number
        ) as next_start_day
    from facts.community_block
    inner join facts.adherence
        on community_block.period_key = adherence.period_key
    where community_block.start_day < adherence.full_treatment_days
),

-- Days before the first supply: the index fill had no usable days supply, or supply was moved past a stay.
first_runs as (
    select
        runs.period_key,
        min(runs.start_day) as start_day
    from runs
    group by runs.period_key
),

segments as (
    select
        first_runs.period_key,
        false as is_covered,
        0 as start_day,
        first_runs.start_day - 1 as end_day,
        cast(null as bigint) as first_fill_key,
        cast(null as bigint) as last_fill_key
    from first_runs
    where first_runs.start_day > 0
    union all
    select
        runs.period_key,
        true as is_covered,
        runs.start_day,
        runs.end_day,
        runs.first_fill_key,
        runs.last_fill_key
    from runs
    union all
    select
        runs.period_key,
        false as is_covered,
        runs.end_day + 1 as start_day,
        least(coalesce(runs.next_start_day, runs.treatment_days), runs.treatment_days) - 1 as end_day,
        cast(null as bigint) as first_fill_key,
        cast(null as bigint) as last_fill_key
    from runs
    where runs.end_day + 1 < least(coalesce(runs.next_start_day, runs.treatment_days), runs.treatment_days)
),

stay_offsets as (
    select
        segments.period_key,
        segments.start_day,
        cast(
            sum(
                case
                    when period_stay.community_day <= segments.start_day
                        then period_stay.end_day - period_stay.start_day + 1
                    else 0
                end
            ) as integer
        ) as start_offset,
        cast(
            sum(
                case
                    when period_stay.community_day <= segments.end_day
                        then period_stay.end_day - period_stay.start_day + 1
                    else 0
                end
            ) as integer
        ) as end_offset
    from segments
    inner join facts.period_stay
        on segments.period_key = period_stay.period_key
    group by
        segments.period_key,
        segments.start_day
)

select
    adherence.member_key,
    adherence.measure_key,
    segments.period_key,
    adherence.index_date + (segments.start_day + coalesce(stay_offsets.start_offset, 0)) as start_date,
    adherence.index_date + (segments.end_day + coalesce(stay_offsets.end_offset, 0)) as end_date,
    segments.is_covered,
    segments.end_day - segments.start_day + 1 as counted_days,
    segments.first_fill_key,
    segments.last_fill_key
from segments
inner join facts.adherence
    on segments.period_key = adherence.period_key
left join stay_offsets
    on
        segments.period_key = stay_offsets.period_key
        and segments.start_day = stay_offsets.start_day
order by
    adherence.member_key,
    adherence.measure_key,
    start_date
