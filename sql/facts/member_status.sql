-- What a member's own year says of them, by value set: hospice, end-stage renal disease, a diagnosis that a measure
-- needs. One row per member and value set that applies.
--
-- Any time in the measurement year, from eligibility or, as a proxy, from paid claims.
-- Source: CMS Star Ratings Technical Notes 2026, D08 to D10; proxies: rules 1.3.
select
    medical_line.member_key,
    code_group.value_set as status
from core.medical_line
inner join facts.measurement_year
    on medical_line.service_date between measurement_year.year_start_date and measurement_year.as_of
inner join facts.code_group
    on
        code_group.code_system = 'bill_type'
        and substr(medical_line.bill_type_code, 1, 2) = code_group.code
where
    medical_line.is_paid
union
select
    medical_line.member_key,
    code_group.value_set as status
from core.medical_line
inner join facts.measurement_year
    on medical_line.service_date between measurement_year.year_start_date and measurement_year.as_of
inner join facts.code_group
    on
        code_group.code_system = 'revenue_center'
        and medical_line.revenue_center_code = code_group.code
where
    medical_line.is_paid
union
select
    medical_line.member_key,
    code_group.value_set as status
from core.medical_line
inner join facts.measurement_year
    on medical_line.service_date between measurement_year.year_start_date and measurement_year.as_of
inner join facts.code_group
    on
        code_group.code_system = 'hcpcs'
        and medical_line.hcpcs_code = code_group.code
where
    medical_line.is_paid
union
select
    diagnosis.member_key,
    code_group.value_set as status
from core.diagnosis
inner join facts.measurement_year
    on diagnosis.diagnosis_date between measurement_year.year_start_date and measurement_year.as_of
inner join facts.code_group
    on
        code_group.code_system = 'icd10cm'
        and diagnosis.code = code_group.code
where
    diagnosis.is_paid
    and diagnosis.code_system = 'icd-10-cm'
union
select
    coverage_status.member_key,
    coverage_status.status
from core.coverage_status
inner join facts.measurement_year
    on
        coverage_status.status_start_date <= measurement_year.year_end_date
        and extract(year from coverage_status.status_end_date) >= measurement_year.measurement_year
order by
    member_key,
    status
