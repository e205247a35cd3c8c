-- Fills that speak of a gap's subject: the drugs of a measure, of concurrent use, of diabetes for statin use, or the
-- medicine that specialty rules follow. A subject of one family alone names it: other families call a medicine by the
-- same name.
--
-- Twelve months back, so that a gap finds its pharmacy in January too; one row per subject and fill.
with

recent_fills as (
    select
        fill.member_key,
        fill.fill_key,
        fill.drug_key
    from core.fill
    where
        fill.fill_date > cast($as_of as date) - $last_fill_days
        and not fill.is_compound
),

-- One row per subject and drug, whatever the ingredients, so that no fill is told twice and none need be told apart.
subject_drugs as (
    select
        measure.measure_id as subject,
        measure_drug.drug_key
    from facts.measure_drug
    inner join raw.measure
        on measure_drug.measure_key = measure.measure_key
    where measure_drug.ingredient_key is not null
    union
    select
        'supd' as subject,
        drug_group.drug_key
    from facts.drug_group
    where drug_group.value_set in ('diabetes_drugs', 'insulins')
),

concurrent_fills as (
    select distinct
        concurrent_use.concurrent_use_id as subject,
        concurrent_fill.member_key,
        concurrent_fill.fill_key
    from facts.concurrent_fill
    inner join raw.concurrent_use
        on concurrent_fill.concurrent_use_key = concurrent_use.concurrent_use_key
)

select
    subject_drugs.subject,
    cast(null as varchar) as gap_family,
    recent_fills.member_key,
    recent_fills.fill_key
from recent_fills
inner join subject_drugs
    on recent_fills.drug_key = subject_drugs.drug_key
union all
select
    concurrent_fills.subject,
    cast(null as varchar) as gap_family,
    concurrent_fills.member_key,
    concurrent_fills.fill_key
from concurrent_fills
union all
select
    therapy.product as subject,
    'specialty' as gap_family,
    recent_fills.member_key,
    recent_fills.fill_key
from recent_fills
inner join facts.followed_drug
    on recent_fills.drug_key = followed_drug.drug_key
inner join facts.therapy
    on
        recent_fills.member_key = therapy.member_key
        and followed_drug.product = therapy.product
