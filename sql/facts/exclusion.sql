-- Every reason for which a treatment period is not measured: one row per period and reason that applies.
--
-- The window of the drug exclusions follows the year's rule. Age is that on the first day of the year. Numbers are the
-- order in which a published row names its reasons.
-- Source: CMS Star Ratings Technical Notes 2025 and 2026, D08 to D10; proxies: rules 1.3.
with

drug_exclusions as (
    select distinct
        treatment_period.period_key,
        measure_drug.exclusion_reason as reason
    from facts.treatment_period
    cross join facts.measurement_year
    inner join facts.measure_drug
        on
            treatment_period.measure_key = measure_drug.measure_key
            and measure_drug.exclusion_reason is not null
    inner join core.fill
        on
            treatment_period.member_key = fill.member_key
            and measure_drug.drug_key = fill.drug_key
            and fill.fill_date between measurement_year.year_start_date and measurement_year.as_of
    where
        measurement_year.drug_exclusion_window = 'measurement_year'
        or fill.fill_date between treatment_period.index_date and treatment_period.treatment_end_date
),

-- An ingredient is part of the regimen from its second date of service on, whatever the days supply (PQA, PDC-ARV
-- pharmacy version).
ingredient_counts as (
    select
        repeated_ingredients.period_key,
        count(*) as ingredient_count
    from (
        select
            treatment_period.period_key,
            class_fill.ingredient_key
        from facts.treatment_period
        inner join raw.measure
            on
                treatment_period.measure_key = measure.measure_key
                and measure.min_ingredients > 1
        inner join facts.class_fill
            on
                treatment_period.member_key = class_fill.member_key
                and treatment_period.measure_key = class_fill.measure_key
                and class_fill.fill_date between treatment_period.index_date and treatment_period.treatment_end_date
        group by
            treatment_period.period_key,
            class_fill.ingredient_key
        having min(class_fill.fill_date) < max(class_fill.fill_date)
    ) as repeated_ingredients
    group by repeated_ingredients.period_key
),

stay_days as (
    select
        period_stay.period_key,
        sum(period_stay.end_day - period_stay.start_day + 1) as stay_days
    from facts.period_stay
    group by period_stay.period_key
)

select
    treatment_period.period_key,
    'under_18' as reason,
    1 as reason_number
from facts.treatment_period
inner join raw.measure
    on treatment_period.measure_key = measure.measure_key
inner join core.member
    on treatment_period.member_key = member.member_key
cross join facts.measurement_year
where member.birth_date > make_date(measurement_year.measurement_year - measure.min_age, 1, 1)
union all
select
    treatment_period.period_key,
    'one_fill_date' as reason,
    2 as reason_number
from facts.treatment_period
inner join raw.measure
    on treatment_period.measure_key = measure.measure_key
where treatment_period.fill_date_count < measure.min_fill_dates
union all
select
    treatment_period.period_key,
    'short_treatment_period' as reason,
    3 as reason_number
from facts.treatment_period
inner join raw.measure
    on treatment_period.measure_key = measure.measure_key
where treatment_period.calendar_days < measure.min_treatment_days
union all
select
    treatment_period.period_key,
    'enrollment_gap' as reason,
    4 as reason_number
from facts.treatment_period
where not treatment_period.is_continuously_enrolled
union all
select
    treatment_period.period_key,
    measure_exclusion.reason,
    measure_exclusion.reason_number
from facts.treatment_period
inner join raw.measure_exclusion
    on
        treatment_period.measure_key = measure_exclusion.measure_key
        and measure_exclusion.kind = 'status'
inner join facts.member_status
    on
        treatment_period.member_key = member_status.member_key
        and measure_exclusion.value_set = member_status.status
union all
select
    drug_exclusions.period_key,
    drug_exclusions.reason,
    measure_exclusion.reason_number
from drug_exclusions
inner join facts.treatment_period
    on drug_exclusions.period_key = treatment_period.period_key
inner join raw.measure_exclusion
    on
        treatment_period.measure_key = measure_exclusion.measure_key
        and drug_exclusions.reason = measure_exclusion.reason
union all
select
    treatment_period.period_key,
    'stay_spans_treatment_period' as reason,
    9 as reason_number
from facts.treatment_period
inner join stay_days
    on treatment_period.period_key = stay_days.period_key
where stay_days.stay_days >= treatment_period.calendar_days
union all
select
    treatment_period.period_key,
    'no_diagnosis' as reason,
    10 as reason_number
from facts.treatment_period
inner join raw.measure
    on treatment_period.measure_key = measure.measure_key
where
    measure.diagnosis_value_set is not null
    and not exists (
        select 1
        from facts.member_status
        where
            member_status.member_key = treatment_period.member_key
            and member_status.status = measure.diagnosis_value_set
    )
union all
select
    treatment_period.period_key,
    'low_supplied_days' as reason,
    11 as reason_number
from facts.treatment_period
inner join raw.measure
    on treatment_period.measure_key = measure.measure_key
where coalesce(treatment_period.supplied_days, 0) < measure.min_supplied_days
union all
select
    treatment_period.period_key,
    'short_span' as reason,
    12 as reason_number
from facts.treatment_period
inner join raw.measure
    on treatment_period.measure_key = measure.measure_key
where
    coalesce(cast(treatment_period.last_fill_date - treatment_period.index_date as integer), 0) < measure.min_span_days
union all
select
    treatment_period.period_key,
    'few_ingredients' as reason,
    13 as reason_number
from facts.treatment_period
inner join raw.measure
    on treatment_period.measure_key = measure.measure_key
left join ingredient_counts
    on treatment_period.period_key = ingredient_counts.period_key
where
    measure.min_ingredients > 1
    and coalesce(ingredient_counts.ingredient_count, 0) < measure.min_ingredients
order by
    period_key,
    reason_number
