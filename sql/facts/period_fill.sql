-- Class fills inside each treatment period, one row per target ingredient, with the day of the period they fall on.
--
-- `is_coupled` marks ingredients that a combination of two target ingredients ties to another in the same period:
-- their supplies move together (rules 1.5, variant C). Fills without usable days supply have none to move.
with

fills as (
    select
        treatment_period.period_key,
        class_fill.fill_key,
        class_fill.ingredient_key,
        cast(class_fill.fill_date - treatment_period.index_date as integer) as fill_day,
        class_fill.days_supply,
        class_fill.is_combination
    from facts.class_fill
    inner join facts.treatment_period
        on
            class_fill.member_key = treatment_period.member_key
            and class_fill.measure_key = treatment_period.measure_key
            and class_fill.fill_date between treatment_period.index_date and treatment_period.treatment_end_date
    where class_fill.days_supply is not null
),

coupled_ingredients as (
    select distinct
        fills.period_key,
        fills.ingredient_key
    from fills
    where fills.is_combination
)

select
    fills.period_key,
    fills.fill_key,
    fills.ingredient_key,
    fills.fill_day,
    fills.days_supply,
    coupled_ingredients.period_key is not null as is_coupled
from fills
left join coupled_ingredients
    on
        fills.period_key = coupled_ingredients.period_key
        and fills.ingredient_key = coupled_ingredients.ingredient_key
order by
    fills.period_key,
    fills.ingredient_key,
    fills.fill_key
