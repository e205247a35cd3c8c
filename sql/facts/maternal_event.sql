-- Every code in the claims that tells of a pregnancy, its end or doubt about it: one pass over lines and diagnoses.
--
-- One row per member, claim, date and code of a value set. Nothing is left out here for want of payment: what is not
-- paid, or voided, counts for suppression (maternal 1.7, 1.8). `is_diagnostic` marks claims of laboratories, pathology
-- and imaging alone, which prove no ongoing pregnancy (maternal 1.6, step 1); `is_imaging` those among them of imaging
-- alone.
with

found_codes as (
    select
        medical_line.member_key,
        medical_line.claim_id,
        medical_line.service_date as event_date,
        maternal_code.code_system,
        maternal_code.code,
        maternal_code.value_set,
        maternal_code.category,
        medical_line.is_paid and not medical_line.is_void as is_paid,
        medical_line.is_void as is_voided
    from core.medical_line
    inner join facts.maternal_code
        on
            maternal_code.code_system = 'hcpcs'
            and medical_line.hcpcs_code = maternal_code.code
    union all
    select
        medical_line.member_key,
        medical_line.claim_id,
        medical_line.service_date as event_date,
        maternal_code.code_system,
        maternal_code.code,
        maternal_code.value_set,
        maternal_code.category,
        medical_line.is_paid and not medical_line.is_void as is_paid,
        medical_line.is_void as is_voided
    from core.medical_line
    inner join facts.maternal_code
        on
            maternal_code.code_system = 'ms_drg'
            and medical_line.drg_code = maternal_code.code
    union all
    select
        diagnosis.member_key,
        diagnosis.claim_id,
        diagnosis.diagnosis_date as event_date,
        maternal_code.code_system,
        maternal_code.code,
        maternal_code.value_set,
        maternal_code.category,
        diagnosis.is_paid,
        diagnosis.is_voided
    from core.diagnosis
    inner join facts.maternal_code
        on
            maternal_code.code_system = 'icd10cm'
            and diagnosis.code = maternal_code.code
    where diagnosis.code_system = 'icd-10-cm'
    union all
    select
        procedure.member_key,
        procedure.claim_id,
        procedure.procedure_date as event_date,
        maternal_code.code_system,
        maternal_code.code,
        maternal_code.value_set,
        maternal_code.category,
        procedure.is_paid,
        procedure.is_voided
    from core.procedure
    inner join facts.maternal_code
        on
            maternal_code.code_system = 'icd10pcs'
            and procedure.code = maternal_code.code
    union all
    select
        voided_line.member_key,
        voided_line.claim_id,
        voided_line.service_date as event_date,
        maternal_code.code_system,
        maternal_code.code,
        maternal_code.value_set,
        maternal_code.category,
        false as is_paid,
        true as is_voided
    from core.voided_line
    inner join facts.maternal_code
        on
            (maternal_code.code_system = 'hcpcs' and voided_line.hcpcs_code = maternal_code.code)
            or (maternal_code.code_system = 'ms_drg' and voided_line.drg_code = maternal_code.code)
),

claims as (
    select distinct
        found_codes.member_key,
        found_codes.claim_id
    from found_codes
),

emergency_codes as (
    select
        code_group.code_system,
        code_group.code
    from facts.code_group
    where code_group.value_set = 'emergency_visit'
),

claim_kinds as (
    select
        claims.member_key,
        claims.claim_id,
        min(
            coalesce(medical_line.place_of_service_code, '') = '81'
            or coalesce(medical_line.hcpcs_code between '70000' and '89999', false)
        ) as is_diagnostic,
        min(coalesce(medical_line.hcpcs_code between '70000' and '79999', false)) as is_imaging,
        max(
            coalesce(medical_line.place_of_service_code, '') = '23'
            or emergency_services.code is not null
            or emergency_centers.code is not null
        ) as is_emergency
    from claims
    inner join core.medical_line
        on
            claims.member_key = medical_line.member_key
            and claims.claim_id = medical_line.claim_id
    left join emergency_codes as emergency_services
        on
            emergency_services.code_system = 'hcpcs'
            and medical_line.hcpcs_code = emergency_services.code
    left join emergency_codes as emergency_centers
        on
            emergency_centers.code_system = 'revenue_center'
            and medical_line.revenue_center_code = emergency_centers.code
    group by
        claims.member_key,
        claims.claim_id
)

select
    found_codes.member_key,
    found_codes.event_date,
    found_codes.claim_id,
    found_codes.value_set,
    found_codes.code_system,
    found_codes.code,
    max(found_codes.category) as category,
    max(found_codes.is_paid) as is_paid,
    min(found_codes.is_voided) as is_voided,
    coalesce(max(claim_kinds.is_diagnostic), false) as is_diagnostic,
    coalesce(max(claim_kinds.is_imaging), false) as is_imaging,
    coalesce(max(claim_kinds.is_emergency), false) as is_emergency
from found_codes
left join claim_kinds
    on
        found_codes.member_key = claim_kinds.member_key
        and found_codes.claim_id = claim_kinds.claim_id
group by
    found_codes.member_key,
    found_codes.event_date,
    found_codes.claim_id,
    found_codes.value_set,
    found_codes.code_system,
    found_codes.code
order by
    found_codes.member_key,
    found_codes.event_date,
    found_codes.claim_id,
    found_codes.value_set,
    found_codes.code_system,
    found_codes.code
