-- Each fill's supply on the days it is meant for: a refill of the same ingredient begins when the earlier supply ends.
--
-- Days are counted from the index date, which is day 0. The shift cascades and is closed form: with S the supply of
-- the same ingredient dispensed before, a fill starts on S plus the running maximum of (fill day - S). Another
-- ingredient of the class is not shifted (CMS Star Ratings Technical Notes 2026, attachment L, examples 1 to 3).
-- Ingredients that a combination ties together are queued in `facts.coupled_supply`.
with

queued_fills as (
    select
        period_fill.period_key,
        period_fill.ingredient_key,
        period_fill.fill_key,
        period_fill.fill_day,
        period_fill.days_supply,
        cast(
            coalesce(
                sum(period_fill.days_supply) over (
                    partition by period_fill.period_key, period_fill.ingredient_key
                    order by period_fill.fill_key
                    rows between unbounded preceding and 1 preceding
                ),
                0
            ) as integer
        ) as supplied_before
    from facts.period_fill
    where not period_fill.is_coupled
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
union all
select
    coupled_supply.period_key,
    coupled_supply.ingredient_key,
    coupled_supply.fill_key,
    coupled_supply.start_day,
    coupled_supply.end_day
from facts.coupled_supply
order by
    period_key,
    start_day,
    fill_key,
    ingredient_key
