-- What monitoring rules and medication therapy management ask about: one row per member, value set, category and day,
-- of an eye visit with what its clinician does (`unknown` where the provider table is silent), of a fill with its
-- ingredients. The claim of a medicine, filled or infused, is what a rule names that begins with it; no other claim is
-- kept.
--
-- Paid claims of members who have diabetes, take a followed medicine, or are candidates for the programme, each asked
-- for what the rules of that population name and for nothing else. One pass over diagnoses and one over fills for all
-- families that have such rules; claim lines were read for `facts.programme_line`. A disease of the programme that is
-- coded in a facility stay has `stay` after its category.
with

start_sets as (
    select distinct monitoring_rule.medicines as value_set
    from raw.monitoring_rule
    where monitoring_rule.population = 'start'
),

asked_drugs as (
    select distinct
        drug_category.value_set,
        drug_category.drug_key,
        drug.ingredients as product,
        drug_category.category,
        asked_set.population_key,
        asked_set.first_date
    from facts.drug_category
    inner join facts.asked_set
        on
            drug_category.value_set = asked_set.value_set
            and asked_set.population in ('diabetes', 'medicine')
    inner join core.drug
        on drug_category.drug_key = drug.drug_key
)

select distinct
    programme_line.member_key,
    asked_code.value_set,
    asked_code.category,
    programme_line.event_date,
    case when start_sets.value_set is not null then programme_line.claim_id end as claim_id,
    coalesce(clinician.specialty, 'unknown') as specialty,
    cast(null as varchar) as product
from facts.programme_line
inner join facts.asked_code
    on
        programme_line.asked_code_key = asked_code.asked_code_key
        and asked_code.population in ('diabetes', 'medicine', 'candidate')
left join start_sets
    on asked_code.value_set = start_sets.value_set
left join facts.clinician
    on programme_line.rendering_npi = clinician.npi
where programme_line.is_paid
union all
select distinct
    diagnosis.member_key,
    asked_code.value_set,
    case
        when stay.member_key is not null then concat(asked_code.category, ' stay')
        else asked_code.category
    end as category,
    diagnosis.diagnosis_date as event_date,
    cast(null as varchar) as claim_id,
    cast(null as varchar) as specialty,
    cast(null as varchar) as product
from core.diagnosis
inner join facts.asked_code
    on
        asked_code.code_system = 'icd10cm'
        and asked_code.population in ('diabetes', 'medicine', 'candidate')
        and diagnosis.code = asked_code.code
        and diagnosis.diagnosis_date >= asked_code.first_date
inner join facts.asked_member
    on
        diagnosis.member_key = asked_member.member_key
        and asked_code.population_key = asked_member.population_key
left join core.stay
    on
        case when asked_code.population = 'candidate' then diagnosis.member_key end = stay.member_key
        and diagnosis.diagnosis_date between stay.admission_date and stay.discharge_date
where
    diagnosis.code_system = 'icd-10-cm'
    and diagnosis.is_paid
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
    on
        fill.drug_key = asked_drugs.drug_key
        and fill.fill_date >= asked_drugs.first_date
inner join facts.asked_member
    on
        fill.member_key = asked_member.member_key
        and asked_drugs.population_key = asked_member.population_key
where not fill.is_compound
