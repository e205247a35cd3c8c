-- What monitoring rules and medication therapy management ask about: one row per member, value set, category and day,
-- of an eye visit with what its clinician does (`unknown` where the provider table is silent), of a fill with its
-- ingredients. The claim of a medicine, filled or infused, is what a rule names that begins with it; no other claim is
-- kept.
--
-- Paid claims of members who have diabetes, take a followed medicine, or are candidates for the programme. One pass
-- over claim lines, one over diagnoses and one over fills for all families that have such rules. Diseases of the
-- programme are read for its candidates alone; one that is coded in a facility stay has `stay` after its category.
with

asked_members as (
    select
        asked.member_key,
        max(asked.is_monitored) as is_monitored,
        max(asked.is_candidate) as is_candidate
    from (
        select
            diabetes_member.member_key,
            true as is_monitored,
            false as is_candidate
        from facts.diabetes_member
        union all
        select
            therapy.member_key,
            true as is_monitored,
            false as is_candidate
        from facts.therapy
        where therapy.is_monitored
        union all
        select
            management_candidate.member_key,
            false as is_monitored,
            true as is_candidate
        from facts.management_candidate
    ) as asked
    group by asked.member_key
),

start_sets as (
    select distinct monitoring_rule.medicines as value_set
    from raw.monitoring_rule
    where monitoring_rule.population = 'start'
),

asked_sets as (
    select
        monitoring_test.value_set,
        false as is_of_programme
    from raw.monitoring_test
    union
    select
        monitoring_stop.value_set,
        false as is_of_programme
    from raw.monitoring_stop
    union
    select
        start_sets.value_set,
        false as is_of_programme
    from start_sets
    union
    select
        programme_sets.value_set,
        programme_sets.is_of_programme
    from (
        values ('a1c_result', false), ('mtm_conditions', true), ('mtm_services', true)
    ) as programme_sets (value_set, is_of_programme)
),

asked_codes as (
    select
        code_category.value_set,
        code_category.code_system,
        code_category.code,
        code_category.category,
        asked_sets.is_of_programme,
        start_sets.value_set is not null as is_start
    from facts.code_category
    inner join asked_sets
        on code_category.value_set = asked_sets.value_set
    left join start_sets
        on code_category.value_set = start_sets.value_set
),

asked_drugs as (
    select distinct
        drug_category.value_set,
        drug_category.drug_key,
        drug.ingredients as product,
        drug_category.category
    from facts.drug_category
    inner join asked_sets
        on drug_category.value_set = asked_sets.value_set
    inner join core.drug
        on drug_category.drug_key = drug.drug_key
)

select distinct
    medical_line.member_key,
    asked_codes.value_set,
    asked_codes.category,
    medical_line.service_date as event_date,
    case when asked_codes.is_start then medical_line.claim_id end as claim_id,
    coalesce(clinician.specialty, 'unknown') as specialty,
    cast(null as varchar) as product
from core.medical_line
inner join asked_members
    on medical_line.member_key = asked_members.member_key
inner join asked_codes
    on
        asked_codes.code_system = 'hcpcs'
        and medical_line.hcpcs_code = asked_codes.code
left join facts.clinician
    on case when asked_codes.value_set = 'eye_exam' then medical_line.rendering_npi end = clinician.npi
where
    medical_line.is_paid
    and not medical_line.is_void
    and (
        (asked_codes.is_of_programme and asked_members.is_candidate)
        or (not asked_codes.is_of_programme and asked_members.is_monitored)
    )
union all
select distinct
    diagnosis.member_key,
    asked_codes.value_set,
    case
        when asked_codes.is_of_programme and stay.member_key is not null then concat(asked_codes.category, ' stay')
        else asked_codes.category
    end as category,
    diagnosis.diagnosis_date as event_date,
    cast(null as varchar) as claim_id,
    cast(null as varchar) as specialty,
    cast(null as varchar) as product
from core.diagnosis
inner join asked_members
    on diagnosis.member_key = asked_members.member_key
inner join asked_codes
    on
        asked_codes.code_system = 'icd10cm'
        and diagnosis.code = asked_codes.code
left join core.stay
    on
        case when asked_codes.is_of_programme then diagnosis.member_key end = stay.member_key
        and diagnosis.diagnosis_date between stay.admission_date and stay.discharge_date
where
    diagnosis.code_system = 'icd-10-cm'
    and diagnosis.is_paid
    and (
        (asked_codes.is_of_programme and asked_members.is_candidate)
        or (not asked_codes.is_of_programme and asked_members.is_monitored)
    )
union all
select distinct
    fill.member_key,
    asked_drugs.value_set,
    asked_drugs.category,
    fill.fill_date as event_date,
    fill.claim_id,
    cast(null as varchar) as specialty,
    asked_drugs.product
from core.fill
inner join asked_members
    on
        fill.member_key = asked_members.member_key
        and asked_members.is_monitored
inner join asked_drugs
    on fill.drug_key = asked_drugs.drug_key
where not fill.is_compound
order by
    member_key,
    value_set
