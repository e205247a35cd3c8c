-- What monitoring rules and medication therapy management ask about: one row per member, value set, category and day,
-- of an eye visit with what its clinician does (`unknown` where the provider table is silent), of a fill with its
-- ingredients. The claim of a medicine, filled or infused, is what a rule names that begins with it; no other claim is
-- kept.
--
-- Paid claims of members who have diabetes, take a followed medicine, or are candidates for the programme, each asked
-- for what the rules of that population name and for nothing else. One pass over claim lines, one over diagnoses and
-- one over fills for all families that have such rules. A disease of the programme that is coded in a facility stay has
-- `stay` after its category.
with

asked_members as (
    select
        asked.member_key,
        max(asked.population = 'diabetes') as is_diabetic,
        max(asked.population = 'medicine') as is_monitored,
        max(asked.population = 'candidate') as is_candidate
    from (
        select
            diabetes_member.member_key,
            'diabetes' as population
        from facts.diabetes_member
        union all
        select
            therapy.member_key,
            'medicine' as population
        from facts.therapy
        where therapy.is_monitored
        union all
        select
            management_candidate.member_key,
            'candidate' as population
        from facts.management_candidate
    ) as asked
    group by asked.member_key
),

rule_populations as (
    select
        monitoring_rule.monitoring_rule_key,
        case when monitoring_rule.medicines is null then 'diabetes' else 'medicine' end as population
    from raw.monitoring_rule
),

start_sets as (
    select distinct monitoring_rule.medicines as value_set
    from raw.monitoring_rule
    where monitoring_rule.population = 'start'
),

asked_sets as (
    select
        asked.value_set,
        max(asked.population = 'diabetes') as is_of_diabetes,
        max(asked.population = 'medicine') as is_of_medicine,
        asked.population = 'candidate' as is_of_programme
    from (
        select
            monitoring_test.value_set,
            rule_populations.population
        from raw.monitoring_test
        inner join rule_populations
            on monitoring_test.monitoring_rule_key = rule_populations.monitoring_rule_key
        union all
        select
            monitoring_stop.value_set,
            rule_populations.population
        from raw.monitoring_stop
        inner join rule_populations
            on monitoring_stop.monitoring_rule_key = rule_populations.monitoring_rule_key
        union all
        select
            start_sets.value_set,
            'medicine' as population
        from start_sets
        union all
        select
            other_sets.value_set,
            other_sets.population
        from (
            values ('a1c_result', 'diabetes'), ('mtm_conditions', 'candidate'), ('mtm_services', 'candidate')
        ) as other_sets (value_set, population)
    ) as asked
    group by
        asked.value_set,
        asked.population = 'candidate'
),

asked_codes as (
    select
        code_category.value_set,
        code_category.code_system,
        code_category.code,
        code_category.category,
        asked_sets.is_of_diabetes,
        asked_sets.is_of_medicine,
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
        drug_category.category,
        asked_sets.is_of_diabetes,
        asked_sets.is_of_medicine
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
inner join asked_codes
    on
        asked_codes.code_system = 'hcpcs'
        and medical_line.hcpcs_code = asked_codes.code
inner join asked_members
    on medical_line.member_key = asked_members.member_key
left join facts.clinician
    on case when asked_codes.value_set = 'eye_exam' then medical_line.rendering_npi end = clinician.npi
where
    medical_line.is_paid
    and not medical_line.is_void
    and (
        (asked_codes.is_of_diabetes and asked_members.is_diabetic)
        or (asked_codes.is_of_medicine and asked_members.is_monitored)
        or (asked_codes.is_of_programme and asked_members.is_candidate)
    )
union all
select distinct
    diagnosis.member_key,
    asked_codes.value_set,
    case
        when stay.member_key is not null then concat(asked_codes.category, ' stay')
        else asked_codes.category
    end as category,
    diagnosis.diagnosis_date as event_date,
    cast(null as varchar) as claim_id,
    cast(null as varchar) as specialty,
    cast(null as varchar) as product
from core.diagnosis
inner join asked_codes
    on
        asked_codes.code_system = 'icd10cm'
        and diagnosis.code = asked_codes.code
inner join asked_members
    on diagnosis.member_key = asked_members.member_key
left join core.stay
    on
        case when asked_codes.is_of_programme then diagnosis.member_key end = stay.member_key
        and diagnosis.diagnosis_date between stay.admission_date and stay.discharge_date
where
    diagnosis.code_system = 'icd-10-cm'
    and diagnosis.is_paid
    and (
        (asked_codes.is_of_diabetes and asked_members.is_diabetic)
        or (asked_codes.is_of_medicine and asked_members.is_monitored)
        or (asked_codes.is_of_programme and asked_members.is_candidate)
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
inner join asked_drugs
    on fill.drug_key = asked_drugs.drug_key
inner join asked_members
    on
        fill.member_key = asked_members.member_key
        and (
            (asked_drugs.is_of_diabetes and asked_members.is_diabetic)
            or (asked_drugs.is_of_medicine and asked_members.is_monitored)
        )
where not fill.is_compound
order by
    member_key,
    value_set
