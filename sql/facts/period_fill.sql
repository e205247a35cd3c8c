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
        count(*) over (
            partition by treatment_period.period_key, class_fill.fill_key
        ) as target_count
    from facts.class_fill
    inner join facts.treatment_period
        on
            class_fill.member_key = treatment_period.member_key
            and class_fill.measure_key = treatment_period.measure_key
            and class_fill.fill_date between treatment_period.index_date and treatment_period.treatment_end_date
    where class_fill.days_supply is not null
)

select
    fills.period_key,
    fills.fill_key,
    fills.ingredient_key,
    fills.fill_day,
    fills.days_supply,
    max(fills.target_count) over (
        partition by fills.period_key, fills.ingredient_key
    ) > 1 as is_coupled
from fills
order by
    fills.period_key,
    fills.ingredient_key,
    fills.fill_key
