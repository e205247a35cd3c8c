-- Unbroken runs of days on which enough drugs of the class were supplied: for one drug, the union over ingredients.
--
-- Days on which two ingredients overlap count once; runs that touch are one run. Days count from the index date. Both
-- windows take the same total order: the rows of a combination share start and fill.
with

ordered_supply as (
    select
        supply.period_key,
        supply.fill_key,
        supply.ingredient_key,
        supply.start_day,
        supply.end_day,
        max(supply.end_day) over (
            partition by supply.period_key
            order by supply.start_day, supply.fill_key, supply.ingredient_key
            rows between unbounded preceding and 1 preceding
        ) as supplied_through_day
    from facts.supply
    inner join facts.treatment_period
        on supply.period_key = treatment_period.period_key
    inner join raw.measure
        on
            treatment_period.measure_key = measure.measure_key
            and measure.min_ingredients = 1
),

numbered_supply as (
    select
        ordered_supply.period_key,
        ordered_supply.fill_key,
        ordered_supply.start_day,
        ordered_supply.end_day,
        sum(case when ordered_supply.start_day <= ordered_supply.supplied_through_day + 1 then 0 else 1 end) over (
            partition by ordered_supply.period_key
            order by ordered_supply.start_day, ordered_supply.fill_key, ordered_supply.ingredient_key
            rows unbounded preceding
        ) as block_number
    from ordered_supply
)

select
    numbered_supply.period_key,
    cast(numbered_supply.block_number as integer) as block_number,
    min(numbered_supply.start_day) as start_day,
    max(numbered_supply.end_day) as end_day,
    min(numbered_supply.fill_key) as first_fill_key,
    max(numbered_supply.fill_key) as last_fill_key
from numbered_supply
group by
    numbered_supply.period_key,
    numbered_supply.block_number
union all
select
    depth_block.period_key,
    depth_block.block_number,
    depth_block.start_day,
    depth_block.end_day,
    depth_block.first_fill_key,
    depth_block.last_fill_key
from facts.depth_block
order by
    period_key,
    block_number
