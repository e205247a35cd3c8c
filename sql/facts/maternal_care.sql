-- Care that maternal rules ask about, of members who are or were lately pregnant: one row per member, value set, day
-- and claim.
--
-- Paid claims only, and diagnoses of unpaid ones, which can hold a gap back but neither call for nor close one.
-- `supply_end_date` is the last day that fills of the set supply, early refills queued; a prenatal vitamin without
-- usable days supply lasts one a day, none longer than 100 days (maternal 2.1). An office visit counts where its claim
-- has a pregnancy diagnosis and its clinician, if known, gives prenatal care; pumps and a screening of the mother also
-- on the infant's number. From eligibility and earlier episodes come means, age and the years since the last birth.
with

mothers as (
    select distinct pregnancy.member_key
    from facts.pregnancy
    where
        pregnancy.status in ('current', 'overdue', 'stale')
        or (pregnancy.status = 'ended' and pregnancy.end_date > cast($as_of as date) - 366)
),

infants as (
    select
        mother.member_key,
        infant.member_key as infant_key
    from mothers
    inner join core.member as mother
        on mothers.member_key = mother.member_key
    inner join core.member as infant
        on
            mother.subscriber_id = infant.subscriber_id
            and infant.birth_date between cast($as_of as date) - 366 and cast($as_of as date)
),

asked_codes as (
    select distinct
        code_category.value_set,
        code_category.code_system,
        code_category.code,
        code_category.category
    from facts.code_category
    inner join raw.prenatal_rule_set
        on code_category.value_set = prenatal_rule_set.value_set
),

pregnancy_claims as (
    select distinct
        pregnancy_evidence.member_key,
        pregnancy_evidence.claim_id
    from facts.pregnancy_evidence
    where
        pregnancy_evidence.is_counted
        and pregnancy_evidence.code_system = 'icd10cm'
),

-- Clinicians who are known, and known for something else: their visits are not prenatal care.
taxonomies as (
    select
        provider.npi,
        unnest(string_split(provider.taxonomy_code, ';')) as code
    from raw.provider
),

other_clinicians as (
    select taxonomies.npi
    from taxonomies
    left join raw.value_set
        on
            value_set.value_set = 'prenatal_clinician'
            and taxonomies.code >= value_set.code
            and taxonomies.code <= coalesce(value_set.last_code, value_set.code)
    group by taxonomies.npi
    having count(value_set.code) = 0
),

services as (
    select
        mothers.member_key,
        asked_codes.value_set,
        asked_codes.category,
        medical_line.service_date as event_date,
        medical_line.claim_id,
        true as is_paid
    from core.medical_line
    inner join mothers
        on medical_line.member_key = mothers.member_key
    inner join asked_codes
        on
            asked_codes.code_system = 'hcpcs'
            and medical_line.hcpcs_code = asked_codes.code
    left join pregnancy_claims
        on
            medical_line.member_key = pregnancy_claims.member_key
            and medical_line.claim_id = pregnancy_claims.claim_id
    left join other_clinicians
        on medical_line.rendering_npi = other_clinicians.npi
    where
        medical_line.is_paid
        and not medical_line.is_void
        and (
            asked_codes.value_set <> 'prenatal_visit'
            or asked_codes.category <> 'visit'
            or (pregnancy_claims.claim_id is not null and other_clinicians.npi is null)
        )
    union all
    select
        infants.member_key,
        asked_codes.value_set,
        asked_codes.category,
        medical_line.service_date as event_date,
        medical_line.claim_id,
        true as is_paid
    from core.medical_line
    inner join infants
        on medical_line.member_key = infants.infant_key
    inner join asked_codes
        on
            asked_codes.code_system = 'hcpcs'
            and medical_line.hcpcs_code = asked_codes.code
            and (
                asked_codes.value_set in ('breast_pumps', 'breast_pump_supplies')
                or (asked_codes.value_set = 'depression_screening' and asked_codes.category = 'infant_visit')
            )
    where
        medical_line.is_paid
        and not medical_line.is_void
    union all
    select
        mothers.member_key,
        asked_codes.value_set,
        asked_codes.category,
        diagnosis.diagnosis_date as event_date,
        diagnosis.claim_id,
        diagnosis.is_paid
    from core.diagnosis
    inner join mothers
        on diagnosis.member_key = mothers.member_key
    inner join asked_codes
        on
            asked_codes.code_system = 'icd10cm'
            and diagnosis.code = asked_codes.code
    where
        diagnosis.code_system = 'icd-10-cm'
        and not diagnosis.is_voided
    union all
    select
        mothers.member_key,
        'pregnancy_week_visits' as value_set,
        cast(null as varchar) as category,
        pregnancy_evidence.event_date,
        pregnancy_evidence.claim_id,
        true as is_paid
    from facts.pregnancy_evidence
    inner join mothers
        on pregnancy_evidence.member_key = mothers.member_key
    inner join core.medical_line
        on
            pregnancy_evidence.member_key = medical_line.member_key
            and pregnancy_evidence.claim_id = medical_line.claim_id
            and medical_line.claim_type = 'professional'
    where
        pregnancy_evidence.is_counted
        and pregnancy_evidence.evidence_class = 1
),

-- 50 mg of morphine or more a day: strength times units a day times the conversion factor of the ingredient. Of a
-- combination the least number is the opioid's; a strength by volume tells nothing of a unit.
strength_numbers as (
    select
        drug.drug_key,
        unnest(regexp_extract_all(drug.strength, '[0-9]+[.]?[0-9]*')) as number_text
    from core.drug
    where
        lower(drug.strength) like '%mg%'
        and lower(drug.strength) not like '%ml%'
),

opioid_strengths as (
    select
        strength_numbers.drug_key,
        min(try_cast(strength_numbers.number_text as double)) as milligrams
    from strength_numbers
    group by strength_numbers.drug_key
),

high_doses as (
    select
        mothers.member_key,
        fill.fill_date,
        fill.claim_id
    from core.fill
    inner join mothers
        on fill.member_key = mothers.member_key
    inner join opioid_strengths
        on fill.drug_key = opioid_strengths.drug_key
    inner join core.drug_ingredient
        on fill.drug_key = drug_ingredient.drug_key
    inner join core.ingredient
        on drug_ingredient.ingredient_key = ingredient.ingredient_key
    inner join raw.value_set
        on
            value_set.value_set = 'opioid_mme'
            and ingredient.ingredient = value_set.code
    where
        fill.days_supply > 0
        and opioid_strengths.milligrams * fill.quantity / fill.days_supply * cast(value_set.category as double) >= 50
),

fills as (
    select
        mothers.member_key,
        maternal_drug.value_set,
        maternal_drug.category,
        fill.fill_key,
        fill.fill_date,
        fill.claim_id,
        cast(
            case
                when maternal_drug.value_set = 'prenatal_vitamins'
                    then least(coalesce(fill.days_supply, floor(fill.quantity), 0), 100)
                else coalesce(fill.days_supply, 0)
            end as integer
        ) as days_supply
    from core.fill
    inner join mothers
        on fill.member_key = mothers.member_key
    inner join facts.maternal_drug
        on fill.drug_key = maternal_drug.drug_key
),

queued_fills as (
    select
        fills.*,
        cast(
            coalesce(
                sum(fills.days_supply) over (
                    partition by fills.member_key, fills.value_set, fills.category
                    order by fills.fill_key
                    rows between unbounded preceding and 1 preceding
                ),
                0
            ) as integer
        ) as supplied_before
    from fills
),

supplies as (
    select
        queued_fills.*,
        max(queued_fills.fill_date - queued_fills.supplied_before) over (
            partition by queued_fills.member_key, queued_fills.value_set, queued_fills.category
            order by queued_fills.fill_key
            rows unbounded preceding
        ) + queued_fills.supplied_before + queued_fills.days_supply - 1 as supply_end_date
    from queued_fills
),

-- What eligibility says of means and age, how a state's Medicaid bills pumps (maternal 2, breast pump), and births of
-- long ago (maternal 2.2).
circumstances as (
    select
        mothers.member_key,
        income_sets.value_set,
        income_sets.category
    from mothers
    inner join core.member
        on mothers.member_key = member.member_key
    cross join (
        values ('income_support', null), ('preeclampsia_moderate_risk', 'income')
    ) as income_sets (value_set, category)
    where
        member.is_dual_or_lis
        or lower(member.payer_type) = 'medicaid'
    union all
    select
        mothers.member_key,
        'pump_billed_to_infant' as value_set,
        null as category
    from mothers
    inner join core.member
        on mothers.member_key = member.member_key
    where
        member.state = 'TX'
        and lower(member.payer_type) = 'medicaid'
        and mothers.member_key not in (select infants.member_key from infants)
    union all
    select
        pregnancy.member_key,
        'preeclampsia_moderate_risk' as value_set,
        'age' as category
    from facts.pregnancy
    inner join core.member
        on pregnancy.member_key = member.member_key
    where
        pregnancy.status = 'current'
        and cast(member.birth_date + interval 35 year as date) <= pregnancy.lmp_date + 280
    union all
    select
        pregnancy.member_key,
        'preeclampsia_moderate_risk' as value_set,
        'long_interval' as category
    from facts.pregnancy
    inner join facts.pregnancy as earlier
        on
            pregnancy.member_key = earlier.member_key
            and earlier.outcome in ('live_birth', 'stillbirth', 'delivery')
    where pregnancy.status = 'current'
    group by
        pregnancy.member_key,
        pregnancy.lmp_date
    having cast(max(earlier.end_date) + interval 10 year as date) < pregnancy.lmp_date
)

select distinct
    services.member_key,
    services.value_set,
    services.category,
    services.event_date,
    services.claim_id,
    services.is_paid,
    cast(null as date) as supply_end_date
from services
union all
select distinct
    supplies.member_key,
    supplies.value_set,
    supplies.category,
    supplies.fill_date as event_date,
    supplies.claim_id,
    true as is_paid,
    max(supplies.supply_end_date) over (
        partition by
            supplies.member_key, supplies.value_set, supplies.category, supplies.fill_date, supplies.claim_id
    ) as supply_end_date
from supplies
union all
select distinct
    high_doses.member_key,
    'high_dose_opioids' as value_set,
    cast(null as varchar) as category,
    high_doses.fill_date as event_date,
    high_doses.claim_id,
    true as is_paid,
    cast(null as date) as supply_end_date
from high_doses
union all
select
    circumstances.member_key,
    circumstances.value_set,
    cast(circumstances.category as varchar) as category,
    cast($as_of as date) as event_date,
    cast(null as varchar) as claim_id,
    true as is_paid,
    cast(null as date) as supply_end_date
from circumstances
order by
    member_key,
    value_set,
    event_date,
    claim_id,
    category
