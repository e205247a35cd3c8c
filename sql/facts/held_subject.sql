-- Subjects that nobody should be called about yet, and why: medicines under review, a discharge that is deferred.
--
-- While a member is in another facility after the hospital, contact waits for the discharge from there (transitions
-- 3.1). A measure is held where a drug of its class is on a list of reviews and was filled in the year before the
-- pregnancy or in it, whether or not a review is asked for tonight: no refill of it is called for before the prescriber
-- has decided; the same holds of the specialty rows of a medicine, not of its review. Statin use (SUPD) is held for
-- every pregnancy that may go on. What specialty rules ask for, no measure asks for as well.
with

pregnancies as (
    select
        pregnancy.member_key,
        pregnancy.lmp_date
    from facts.pregnancy
    where pregnancy.status in ('current', 'overdue', 'stale')
),

reviewed_measure_drugs as (
    select distinct
        measure_drug.drug_key,
        measure.measure_id
    from facts.measure_drug
    inner join raw.measure
        on measure_drug.measure_key = measure.measure_key
    inner join facts.drug_group
        on measure_drug.drug_key = drug_group.drug_key
    inner join raw.pregnancy_review_list
        on drug_group.value_set = pregnancy_review_list.value_set
    where measure_drug.ingredient_key is not null
),

held as (
    select
        pregnancies.member_key,
        reviewed_measure_drugs.measure_id as subject,
        cast(null as varchar) as gap_family,
        'clinical_review' as holding_reason
    from pregnancies
    inner join core.fill
        on
            pregnancies.member_key = fill.member_key
            and fill.fill_date >= pregnancies.lmp_date - 365
    inner join reviewed_measure_drugs
        on fill.drug_key = reviewed_measure_drugs.drug_key
    union
    select
        pregnancies.member_key,
        'supd' as subject,
        cast(null as varchar) as gap_family,
        'clinical_review' as holding_reason
    from pregnancies
    union
    select
        pregnancies.member_key,
        therapy.product as subject,
        'specialty' as gap_family,
        'clinical_review' as holding_reason
    from pregnancies
    inner join facts.therapy
        on pregnancies.member_key = therapy.member_key
    inner join facts.drug_group
        on therapy.last_drug_key = drug_group.drug_key
    inner join raw.pregnancy_review_list
        on drug_group.value_set = pregnancy_review_list.value_set
    union
    -- A refill that specialty rules ask for is not asked for by a measure as well.
    select
        therapy.member_key,
        measure.measure_id as subject,
        cast(null as varchar) as gap_family,
        'specialty_refill' as holding_reason
    from facts.therapy
    inner join raw.refill_phase
        on
            therapy.is_oncology = refill_phase.is_oncology
            and not refill_phase.is_lost
            and cast(cast($as_of as date) - therapy.supply_end_date as integer)
            between refill_phase.from_day and refill_phase.last_day
    inner join facts.measure_drug
        on
            therapy.last_drug_key = measure_drug.drug_key
            and measure_drug.ingredient_key is not null
    inner join raw.measure
        on measure_drug.measure_key = measure.measure_key
    where
        (therapy.is_specialty or therapy.is_oncology)
        and not therapy.is_switched
    union
    select
        discharge.member_key,
        discharge.subject,
        cast(null as varchar) as gap_family,
        'deferred' as holding_reason
    from facts.discharge
    where discharge.not_asked_reason = 'deferred'
)

-- Of two reasons the first in the order of the alphabet, which is a review.
select
    held.member_key,
    held.subject,
    max(held.gap_family) as gap_family,
    min(held.holding_reason) as holding_reason
from held
group by
    held.member_key,
    held.subject
order by
    held.member_key,
    held.subject
