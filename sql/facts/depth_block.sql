-- Unbroken runs of days on which several different ingredients were supplied at once, for measures that ask for them.
--
-- Supply of one ingredient never overlaps itself, so the number of supplies that hold a day is the number of its
-- ingredients: a running sum of starts less ends. Days count from the index date (PQA, PDC-ARV: days with at least k
-- different antiretrovirals).
with

supplies as (
    select
        supply.period_key,
        supply.fill_key,
        supply.start_day,
        supply.end_day,
        measure.min_ingredients
    from facts.supply
    inner join facts.treatment_period
        on supply.period_key = treatment_period.period_key
    inner join raw.measure
        on
            treatment_period.measure_key = measure.measure_key
            and measure.min_ingredients > 1
),

changes as (
    select
        supplies.period_key,
        supplies.min_ingredients,
        supplies.start_day as change_day,
        1 as change
    from supplies
    union all
    select
        supplies.period_key,
        supplies.min_ingredients,
        supplies.end_day + 1 as change_day,
        -1 as change
    from supplies
),

daily_changes as (
    select
        changes.period_key,
        changes.min_ingredients,
        changes.change_day,
        sum(changes.change) as change
    from changes
    group by
        changes.period_key,
        changes.min_ingredients,
        changes.change_day
),

depths as (
    select
        daily_changes.period_key,
        daily_changes.min_ingredients,
        daily_changes.change_day,
        sum(daily_changes.change) over (
            partition by daily_changes.period_key
            order by daily_changes.change_day
            rows unbounded preceding
        ) as ingredient_count,
        lead(daily_changes.change_day) over (
            partition by daily_changes.period_key
            order by daily_changes.change_day
        ) - 1 as last_day
    from daily_changes
),

deep_runs as (
    select
        depths.period_key,
        depths.change_day as start_day,
        depths.last_day as end_day,
        lag(depths.last_day) over (
            partition by depths.period_key
            order by depths.change_day
        ) as earlier_end_day
    from depths
    where depths.ingredient_count >= depths.min_ingredients
),

numbered_runs as (
    select
        deep_runs.period_key,
        deep_runs.start_day,
        deep_runs.end_day,
        sum(case when deep_runs.start_day <= deep_runs.earlier_end_day + 1 then 0 else 1 end) over (
            partition by deep_runs.period_key
            order by deep_runs.start_day
            rows unbounded preceding
        ) as block_number
    from deep_runs
),

blocks as (
    select
        numbered_runs.period_key,
        cast(numbered_runs.block_number as integer) as block_number,
        min(numbered_runs.start_day) as start_day,
        max(numbered_runs.end_day) as end_day
    from numbered_runs
    group by
        numbered_runs.period_key,
        numbered_runs.block_number
)

select
    blocks.period_key,
    blocks.block_number,
    blocks.start_day,
    blocks.end_day,
    min(supplies.fill_key) as first_fill_key,
    max(supplies.fill_key) as last_fill_key
from blocks
inner join supplies
    on
        blocks.period_key = supplies.period_key
        and blocks.start_day <= supplies.end_day
        and blocks.end_day >= supplies.start_day
group by
    blocks.period_key,
    blocks.block_number,
    blocks.start_day,
    blocks.end_day
order by
    blocks.period_key,
    blocks.block_number
