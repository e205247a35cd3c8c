-- Services, diagnoses and procedures that the rules after a discharge ask about, of members who were lately in a
-- facility.
--
-- One row per member, value set, category, day and claim. `is_principal` is a diagnosis that its inpatient bill names
-- first, or the diagnosis-related group that was made from it. What tells of a birth, a loss or a doubt about a
-- pregnancy is kept unpaid too: it takes a stay off every list (maternal 1.7). One pass over diagnoses and one over
-- procedures, of these members only; claim lines were read for `facts.programme_line`.
with

asked_codes as (
    select
        asked_code.asked_code_key,
        asked_code.value_set,
        asked_code.code_system,
        asked_code.code,
        asked_code.category,
        asked_code.first_date
    from facts.asked_code
    where asked_code.population = 'stay'
),

recent_members as (
    select asked_member.member_key
    from facts.asked_member
    where asked_member.population_key = 4
),

findings as (
    select
        programme_line.member_key,
        asked_codes.value_set,
        asked_codes.category,
        programme_line.event_date,
        programme_line.claim_id,
        false as is_principal,
        programme_line.is_paid
    from facts.programme_line
    inner join asked_codes
        on programme_line.asked_code_key = asked_codes.asked_code_key
    union all
    select
        facility_bill.member_key,
        asked_codes.value_set,
        asked_codes.category,
        facility_bill.bill_end_date as event_date,
        facility_bill.claim_id,
        true as is_principal,
        true as is_paid
    from facts.facility_bill
    inner join asked_codes
        on
            asked_codes.code_system = 'ms_drg'
            and facility_bill.drg_code = asked_codes.code
    union all
    select
        diagnosis.member_key,
        asked_codes.value_set,
        asked_codes.category,
        diagnosis.diagnosis_date as event_date,
        diagnosis.claim_id,
        coalesce(facility_bill.principal_diagnosis_code = diagnosis.code, false) as is_principal,
        diagnosis.is_paid
    from core.diagnosis
    inner join recent_members
        on diagnosis.member_key = recent_members.member_key
    inner join asked_codes
        on
            asked_codes.code_system = 'icd10cm'
            and diagnosis.code = asked_codes.code
            and diagnosis.diagnosis_date >= asked_codes.first_date
    left join facts.facility_bill
        on
            diagnosis.member_key = facility_bill.member_key
            and diagnosis.claim_id = facility_bill.claim_id
    where
        diagnosis.code_system = 'icd-10-cm'
        and not diagnosis.is_voided
        and diagnosis.diagnosis_date > cast($as_of as date) - 400
    union all
    select
        procedure.member_key,
        asked_codes.value_set,
        asked_codes.category,
        procedure.procedure_date as event_date,
        procedure.claim_id,
        false as is_principal,
        procedure.is_paid
    from core.procedure
    inner join recent_members
        on procedure.member_key = recent_members.member_key
    inner join asked_codes
        on
            asked_codes.code_system = 'icd10pcs'
            and procedure.code = asked_codes.code
            and procedure.procedure_date >= asked_codes.first_date
    where
        not procedure.is_voided
        and procedure.procedure_date > cast($as_of as date) - 400
)

select
    findings.member_key,
    findings.value_set,
    findings.category,
    findings.event_date,
    findings.claim_id,
    max(findings.is_principal) as is_principal,
    max(findings.is_paid) as is_paid
from findings
group by
    findings.member_key,
    findings.value_set,
    findings.category,
    findings.event_date,
    findings.claim_id
order by
    findings.member_key,
    findings.value_set,
    findings.category,
    findings.event_date,
    findings.claim_id
