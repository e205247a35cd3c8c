-- The measurement year of the as-of date and the rules that hold in it: one row.
select
    measure_year.measurement_year,
    make_date(measure_year.measurement_year, 1, 1) as year_start_date,
    make_date(measure_year.measurement_year, 12, 31) as year_end_date,
    cast($as_of as date) as as_of,
    measure_year.enrollment_rule,
    measure_year.drug_exclusion_window,
    measure_year.is_stay_adjusted
from raw.measure_year
where measure_year.measurement_year = extract(year from cast($as_of as date))
