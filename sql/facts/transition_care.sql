-- Services, diagnoses and procedures that the rules after a discharge ask about, of members who were lately in a
-- facility.
--
-- One row per member, value set, category, day and claim. `is_principal` is a diagnosis that its inpatient bill names
-- first, or the diagnosis-related group that was made from it. What tells of a birth, a loss or a doubt about a
-- pregnancy is kept unpaid too: it takes a stay off every list (maternal 1.7). One pass over claim lines, one over
-- diagnoses and one over procedures, of these members only.
with

recent_members as (
    select facility_stay.member_key
    from facts.facility_stay
    group by facility_stay.member_key
    having max(facility_stay.end_date) > cast($as_of as date) - 130
),

asked_sets as (
    select transition_rule_set.value_set
    from raw.transition_rule_set
    union
    select kept.value_set
    from (
        values
        ('sensitive_stay'), ('delivery'), ('live_birth'), ('newborn'), ('pregnancy_loss'), ('pregnancy_hold')
    ) as kept (value_set)
),

asked_codes as (
    select
        code_category.value_set,
        code_category.code_system,
        code_category.code,
        code_category.category
    from facts.code_category
    inner join asked_sets
        on code_category.value_set = asked_sets.value_set
),

findings as (
    select
        medical_line.member_key,
        asked_codes.value_set,
        asked_codes.category,
        medical_line.service_date as event_date,
        medical_line.claim_id,
        false as is_principal,
        medical_line.is_paid and not medical_line.is_void as is_paid
    from core.medical_line
    inner join recent_members
        on medical_line.member_key = recent_members.member_key
    inner join asked_codes
        on
            asked_codes.code_system = 'hcpcs'
            and medical_line.hcpcs_code = asked_codes.code
    where medical_line.service_date > cast($as_of as date) - 1100
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
