-- Each fill's supply on the days it is meant for: a refill of the same ingredient begins when the earlier supply ends.
--
-- Days are counted from the index date, which is day 0. The shift cascades and is closed form: with S the supply of
-- the same ingredient dispensed before, a fill starts on S plus the running maximum of (fill day - S). Another
-- ingredient of the class is not shifted (CMS Star Ratings Technical Notes 2026, attachment L, examples 1 to 3).
-- Fills outside the treatment period and fills without usable days supply give no supply.
with

fills as (
    select
        treatment_period.period_key,
        class_fill.ingredient_key,
        class_fill.fill_key,
        cast(class_fill.fill_date - treatment_period.index_date as integer) as fill_day,
        class_fill.days_supply
    from facts.class_fill
    inner join facts.treatment_period
        on
            class_fill.member_key = treatment_period.member_key
            and class_fill.measure_key = treatment_period.measure_key
            and class_fill.fill_date between treatment_period.index_date and treatment_period.treatment_end_date
    where class_fill.days_supply is not null
),

queued_fills as (
    select
        fills.period_key,
        fills.ingredient_key,
        fills.fill_key,
        fills.fill_day,
        fills.days_supply,
        cast(
            coalesce(
                sum(fills.days_supply) over (
                    partition by fills.period_key, fills.ingredient_key
                    order by fills.fill_key
                    rows between unbounded preceding and 1 preceding
                ),
                0
            ) as integer
        ) as supplied_before
    from fills
),

shifted_fills as (
    select
        queued_fills.period_key,
        queued_fills.ingredient_key,
        queued_fills.fill_key,
        queued_fills.days_supply,
        queued_fills.supplied_before + max(queued_fills.fill_day - queued_fills.supplied_before) over (
            partition by queued_fills.period_key, queued_fills.ingredient_key
            order by queued_fills.fill_key
            rows unbounded preceding
        ) as start_day
    from queued_fills
)

select
    shifted_fills.period_key,
    shifted_fills.ingredient_key,
    shifted_fills.fill_key,
    shifted_fills.start_day,
    shifted_fills.start_day + shifted_fills.days_supply - 1 as end_day
from shifted_fills
order by
    shifted_fills.period_key,
    shifted_fills.start_day,
    shifted_fills.fill_key
