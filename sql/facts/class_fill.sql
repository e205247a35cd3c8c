-- Fills of each measure's drugs in the measurement year through the as-of date, one row per target ingredient.
--
-- Only fills dated in the year count: supply carried over from December gives nothing in January (CMS Star Ratings
-- Technical Notes 2026, data source of D08 to D10). Compounds are left out: their NDC names one part only.
select
    measure_drug.measure_key,
    fill.member_key,
    fill.fill_key,
    fill.fill_date,
    fill.days_supply,
    measure_drug.ingredient_key,
    measure_drug.is_first_ingredient,
    measure_drug.is_combination
from core.fill
inner join facts.measure_drug
    on
        fill.drug_key = measure_drug.drug_key
        and measure_drug.ingredient_key is not null
inner join facts.measurement_year
    on fill.fill_date between measurement_year.year_start_date and measurement_year.as_of
where not fill.is_compound
order by
    fill.fill_key,
    measure_drug.measure_key,
    measure_drug.ingredient_key
