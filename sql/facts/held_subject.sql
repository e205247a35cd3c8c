-- Subjects that nobody should be called about while the member is pregnant: the medicines are under review instead.
--
-- A measure is held where a drug of its class is reviewed, statin use (SUPD) for every pregnancy that may go on.
select distinct
    pregnancy_review.member_key,
    measure.measure_id as subject
from facts.pregnancy_review
inner join core.fill
    on pregnancy_review.last_fill_key = fill.fill_key
inner join facts.measure_drug
    on
        fill.drug_key = measure_drug.drug_key
        and measure_drug.ingredient_key is not null
inner join raw.measure
    on measure_drug.measure_key = measure.measure_key
union
select
    pregnancy.member_key,
    'supd' as subject
from facts.pregnancy
where pregnancy.status in ('current', 'overdue', 'stale')
order by
    member_key,
    subject
