-- Subjects that nobody should be called about while the member is pregnant: the medicines are under review instead.
--
-- A measure is held where a drug of its class is on a list of reviews and was filled in the year before the pregnancy
-- or in it, whether or not a review is asked for tonight: no refill of it is called for before the prescriber has
-- decided. Statin use (SUPD) is held for every pregnancy that may go on.
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
)

select distinct
    pregnancies.member_key,
    reviewed_measure_drugs.measure_id as subject
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
    'supd' as subject
from pregnancies
order by
    member_key,
    subject
