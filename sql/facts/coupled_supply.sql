-- Supply of fills whose ingredients a combination ties together: the whole claim moves behind the latest supply of any
-- target ingredient that it shares (rules 1.5, variant C: the literal wording of PQA's step 2).
--
-- This has no window form, so it recurses by claim over the coupled ingredients of few members, one row per period,
-- claim and ingredient: `end_day` is how far that ingredient is supplied once the claim is queued.
with recursive

fills as (
    select
        period_fill.period_key,
        period_fill.fill_key,
        min(period_fill.fill_day) as fill_day,
        min(period_fill.days_supply) as days_supply,
        cast(
            row_number() over (
                partition by period_fill.period_key
                order by period_fill.fill_key
            ) as integer
        ) as fill_number
    from facts.period_fill
    where period_fill.is_coupled
    group by
        period_fill.period_key,
        period_fill.fill_key
),

ingredients as (
    select distinct
        period_fill.period_key,
        period_fill.ingredient_key
    from facts.period_fill
    where period_fill.is_coupled
),

fill_ingredients as (
    select
        fills.period_key,
        fills.fill_number,
        fills.fill_key,
        fills.fill_day,
        fills.days_supply,
        ingredients.ingredient_key,
        period_fill.fill_key is not null as is_in_fill
    from fills
    inner join ingredients
        on fills.period_key = ingredients.period_key
    left join facts.period_fill
        on
            fills.period_key = period_fill.period_key
            and fills.fill_key = period_fill.fill_key
            and ingredients.ingredient_key = period_fill.ingredient_key
),

queued_fills as (
    select
        fill_ingredients.period_key,
        fill_ingredients.fill_number,
        fill_ingredients.fill_key,
        fill_ingredients.ingredient_key,
        fill_ingredients.is_in_fill,
        fill_ingredients.fill_day as start_day,
        case
            when fill_ingredients.is_in_fill then fill_ingredients.fill_day + fill_ingredients.days_supply - 1
            else -1
        end as end_day
    from fill_ingredients
    where fill_ingredients.fill_number = 1
    union all
    select
        fill_ingredients.period_key,
        fill_ingredients.fill_number,
        fill_ingredients.fill_key,
        fill_ingredients.ingredient_key,
        fill_ingredients.is_in_fill,
        greatest(
            fill_ingredients.fill_day,
            1 + max(case when fill_ingredients.is_in_fill then queued_fills.end_day else -1 end) over (
                partition by fill_ingredients.period_key
            )
        ) as start_day,
        case
            when fill_ingredients.is_in_fill
                then greatest(
                    fill_ingredients.fill_day,
                    1 + max(case when fill_ingredients.is_in_fill then queued_fills.end_day else -1 end) over (
                        partition by fill_ingredients.period_key
                    )
                ) + fill_ingredients.days_supply - 1
            else queued_fills.end_day
        end as end_day
    from queued_fills
    inner join fill_ingredients
        on
            queued_fills.period_key = fill_ingredients.period_key
            and queued_fills.ingredient_key = fill_ingredients.ingredient_key
            and queued_fills.fill_number + 1 = fill_ingredients.fill_number
)

select
    queued_fills.period_key,
    queued_fills.ingredient_key,
    queued_fills.fill_key,
    queued_fills.start_day,
    queued_fills.end_day
from queued_fills
where queued_fills.is_in_fill
order by
    queued_fills.period_key,
    queued_fills.start_day,
    queued_fills.fill_key,
    queued_fills.ingredient_key
