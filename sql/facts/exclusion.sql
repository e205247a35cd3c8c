-- Every reason for which a treatment period is not measured: one row per period and reason that applies.
--
-- Hospice and end-stage renal disease count any time in the measurement year, from eligibility or, as a proxy, from
-- paid claims. The window of the drug exclusions follows the year's rule. Age is that on the first day of the year.
-- Source: CMS Star Ratings Technical Notes 2025 and 2026, D08 to D10; proxies: domain rule 1.3.
with

claim_statuses as (
    select distinct
        medical_line.member_key,
        value_set.value_set as status
    from core.medical_line
    inner join facts.measurement_year
        on medical_line.service_date between measurement_year.year_start_date and measurement_year.as_of
    inner join raw.value_set
        on
            value_set.code_system = 'bill_type'
            and substr(medical_line.bill_type_code, 1, 2) between value_set.code and coalesce(
                value_set.last_code, value_set.code
            )
    where medical_line.is_paid
    union
    select distinct
        medical_line.member_key,
        value_set.value_set as status
    from core.medical_line
    inner join facts.measurement_year
        on medical_line.service_date between measurement_year.year_start_date and measurement_year.as_of
    inner join raw.value_set
        on
            value_set.code_system = 'revenue_center'
            and medical_line.revenue_center_code between value_set.code and coalesce(
                value_set.last_code, value_set.code
            )
    where medical_line.is_paid
    union
    select distinct
        medical_line.member_key,
        value_set.value_set as status
    from core.medical_line
    inner join facts.measurement_year
        on medical_line.service_date between measurement_year.year_start_date and measurement_year.as_of
    inner join raw.value_set
        on
            value_set.code_system = 'hcpcs'
            and medical_line.hcpcs_code between value_set.code and coalesce(value_set.last_code, value_set.code)
    where medical_line.is_paid
    union
    select distinct
        diagnosis.member_key,
        value_set.value_set as status
    from core.diagnosis
    inner join facts.measurement_year
        on diagnosis.diagnosis_date between measurement_year.year_start_date and measurement_year.as_of
    inner join raw.value_set
        on
            value_set.code_system = 'icd10cm'
            and diagnosis.code between value_set.code and coalesce(value_set.last_code, value_set.code)
    where diagnosis.is_paid
    union
    select distinct
        coverage_status.member_key,
        coverage_status.status
    from core.coverage_status
    inner join facts.measurement_year
        on
            coverage_status.status_start_date <= measurement_year.year_end_date
            and extract(year from coverage_status.status_end_date) >= measurement_year.measurement_year
),

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
    case measure_exclusion.reason when 'hospice' then 5 else 6 end as reason_number
from facts.treatment_period
inner join raw.measure_exclusion
    on
        treatment_period.measure_key = measure_exclusion.measure_key
        and measure_exclusion.kind = 'status'
inner join claim_statuses
    on
        treatment_period.member_key = claim_statuses.member_key
        and measure_exclusion.value_set = claim_statuses.status
union all
select
    drug_exclusions.period_key,
    drug_exclusions.reason,
    case drug_exclusions.reason when 'insulin' then 7 else 8 end as reason_number
from drug_exclusions
union all
select
    treatment_period.period_key,
    'stay_spans_treatment_period' as reason,
    9 as reason_number
from facts.treatment_period
inner join stay_days
    on treatment_period.period_key = stay_days.period_key
where stay_days.stay_days >= treatment_period.calendar_days
order by
    period_key,
    reason_number
