-- How far the class fills of the year before would last, one row per member and measure with such a fill.
--
-- Same-ingredient fills queue as in `facts.supply`; a combination counts once per ingredient, which can only lengthen
-- it. Nothing of this enters a PDC: it says when someone who has not filled yet this year ran out.
with

fills as (
    select
        fill.member_key,
        measure_drug.measure_key,
        measure_drug.ingredient_key,
        fill.fill_key,
        cast(fill.fill_date - make_date(measurement_year.measurement_year - 1, 1, 1) as integer) as fill_day,
        coalesce(fill.days_supply, 1) as days_supply
    from core.fill
    inner join facts.measure_drug
        on
            fill.drug_key = measure_drug.drug_key
            and measure_drug.ingredient_key is not null
    inner join facts.measurement_year
        on
            fill.fill_date >= make_date(measurement_year.measurement_year - 1, 1, 1)
            and fill.fill_date < measurement_year.year_start_date
    where not fill.is_compound
),

queued_fills as (
    select
        fills.*,
        cast(
            coalesce(
                sum(fills.days_supply) over (
                    partition by fills.member_key, fills.measure_key, fills.ingredient_key
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
        queued_fills.member_key,
        queued_fills.measure_key,
        queued_fills.ingredient_key,
        queued_fills.fill_key,
        queued_fills.supplied_before + queued_fills.days_supply - 1 + max(
            queued_fills.fill_day - queued_fills.supplied_before
        ) over (
            partition by queued_fills.member_key, queued_fills.measure_key, queued_fills.ingredient_key
            order by queued_fills.fill_key
            rows unbounded preceding
        ) as end_day
    from queued_fills
)

select
    shifted_fills.member_key,
    shifted_fills.measure_key,
    make_date(measurement_year.measurement_year - 1, 1, 1) + max(shifted_fills.end_day) as supplied_through_date,
    max(shifted_fills.fill_key) as last_fill_key,
    cast(count(distinct shifted_fills.ingredient_key) as integer) as ingredient_count
from shifted_fills
cross join facts.measurement_year
group by
    shifted_fills.member_key,
    shifted_fills.measure_key,
    measurement_year.measurement_year
order by
    shifted_fills.member_key,
    shifted_fills.measure_key
