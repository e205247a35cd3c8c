-- Care that desert rules ask about, of members for whom one of their services is too far: one row per member, value
-- set, category, day, claim and specialty of the clinician.
--
-- Paid claims only. Every visit counts, by video too, under what its clinician does; `unknown` is a clinician of whom
-- the provider table says nothing. A diagnosis on a claim of nothing but laboratory and imaging says no more than that
-- somebody looked. Of A1c results the latest alone stands. A visit with a diagnosis of mental health follows up on it,
-- whoever gives it; diabetes medicine that supplies too few days is from the adherence measure.
with

asked_members as (
    select distinct desert_member.member_key
    from facts.desert_member
    inner join facts.access
        on desert_member.zcta = access.zcta
    inner join raw.desert_rule
        on
            access.service = desert_rule.service
            and access.standard_id = desert_rule.standard_id
            and desert_rule.kind in ('care', 'start')
    where access.is_desert
),

asked_sets as (
    select distinct desert_rule_set.value_set
    from raw.desert_rule_set
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

services as (
    select
        medical_line.member_key,
        asked_codes.value_set,
        asked_codes.category,
        medical_line.service_date as event_date,
        medical_line.claim_id,
        coalesce(clinician.specialty, 'unknown') as specialty
    from core.medical_line
    inner join asked_members
        on medical_line.member_key = asked_members.member_key
    inner join asked_codes
        on
            asked_codes.code_system = 'hcpcs'
            and medical_line.hcpcs_code = asked_codes.code
    left join facts.clinician
        on medical_line.rendering_npi = clinician.npi
    where
        medical_line.is_paid
        and not medical_line.is_void
),

known_services as (
    select services.*
    from services
    where
        services.value_set <> 'a1c_result'
        or not exists (
            select 1
            from services as later
            where
                later.value_set = 'a1c_result'
                and later.member_key = services.member_key
                and later.event_date > services.event_date
        )
),

found_diagnoses as (
    select
        diagnosis.member_key,
        asked_codes.value_set,
        asked_codes.category,
        diagnosis.diagnosis_date as event_date,
        diagnosis.claim_id
    from core.diagnosis
    inner join asked_members
        on diagnosis.member_key = asked_members.member_key
    inner join asked_codes
        on
            asked_codes.code_system = 'icd10cm'
            and diagnosis.code = asked_codes.code
    where
        diagnosis.code_system = 'icd-10-cm'
        and diagnosis.is_paid
),

diagnosis_claims as (
    select distinct
        found_diagnoses.member_key,
        found_diagnoses.claim_id
    from found_diagnoses
),

claim_kinds as (
    select
        diagnosis_claims.member_key,
        diagnosis_claims.claim_id,
        bool_and(
            coalesce(medical_line.place_of_service_code, '') = '81'
            or coalesce(medical_line.hcpcs_code between '70000' and '89999', false)
        ) as is_diagnostic,
        bool_or(coalesce(substr(medical_line.bill_type_code, 1, 2) = '11', false)) as is_inpatient
    from diagnosis_claims
    inner join core.medical_line
        on
            diagnosis_claims.member_key = medical_line.member_key
            and diagnosis_claims.claim_id = medical_line.claim_id
    group by
        diagnosis_claims.member_key,
        diagnosis_claims.claim_id
),

mental_health_claims as (
    select distinct
        diagnosis.member_key,
        diagnosis.claim_id
    from core.diagnosis
    inner join asked_members
        on diagnosis.member_key = asked_members.member_key
    inner join facts.code_group
        on
            code_group.value_set = 'mental_health_condition'
            and code_group.code_system = 'icd10cm'
            and diagnosis.code = code_group.code
    where
        diagnosis.code_system = 'icd-10-cm'
        and diagnosis.is_paid
),

-- A brand for weight loss tells nothing of diabetes.
asked_drugs as (
    select distinct
        drug_category.value_set,
        drug_category.drug_key,
        drug_category.category
    from facts.drug_category
    inner join asked_sets
        on drug_category.value_set = asked_sets.value_set
    where
        drug_category.value_set <> 'diabetes_drugs'
        or drug_category.drug_key not in (
            select drug_group.drug_key
            from facts.drug_group
            where drug_group.value_set = 'weight_loss_brands'
        )
)

select distinct
    known_services.member_key,
    known_services.value_set,
    known_services.category,
    known_services.event_date,
    known_services.claim_id,
    known_services.specialty,
    false as is_inpatient
from known_services
union all
select distinct
    services.member_key,
    'mental_health_visit' as value_set,
    services.category,
    services.event_date,
    services.claim_id,
    services.specialty,
    false as is_inpatient
from services
inner join mental_health_claims
    on
        services.member_key = mental_health_claims.member_key
        and services.claim_id = mental_health_claims.claim_id
where services.value_set = 'clinician_visit'
union all
select
    found_diagnoses.member_key,
    found_diagnoses.value_set,
    found_diagnoses.category,
    found_diagnoses.event_date,
    found_diagnoses.claim_id,
    cast(null as varchar) as specialty,
    max(claim_kinds.is_inpatient) as is_inpatient
from found_diagnoses
inner join claim_kinds
    on
        found_diagnoses.member_key = claim_kinds.member_key
        and found_diagnoses.claim_id = claim_kinds.claim_id
        and not claim_kinds.is_diagnostic
group by
    found_diagnoses.member_key,
    found_diagnoses.value_set,
    found_diagnoses.category,
    found_diagnoses.event_date,
    found_diagnoses.claim_id
union all
select distinct
    fill.member_key,
    asked_drugs.value_set,
    asked_drugs.category,
    fill.fill_date as event_date,
    fill.claim_id,
    cast(null as varchar) as specialty,
    false as is_inpatient
from core.fill
inner join asked_members
    on fill.member_key = asked_members.member_key
inner join asked_drugs
    on fill.drug_key = asked_drugs.drug_key
union all
select
    adherence.member_key,
    measure.measure_id as value_set,
    cast(null as varchar) as category,
    cast($as_of as date) as event_date,
    cast(null as varchar) as claim_id,
    cast(null as varchar) as specialty,
    false as is_inpatient
from facts.adherence
inner join raw.measure
    on adherence.measure_key = measure.measure_key
inner join asked_sets
    on measure.measure_id = asked_sets.value_set
inner join asked_members
    on adherence.member_key = asked_members.member_key
where
    adherence.is_eligible
    and not adherence.is_adherent
order by
    member_key,
    value_set,
    event_date,
    claim_id,
    category,
    specialty
