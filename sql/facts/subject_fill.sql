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
)

select
    measure.measure_id as subject,
    cast(null as varchar) as gap_family,
    recent_fills.member_key,
    recent_fills.fill_key
from recent_fills
inner join facts.measure_drug
    on
        recent_fills.drug_key = measure_drug.drug_key
        and measure_drug.ingredient_key is not null
inner join raw.measure
    on measure_drug.measure_key = measure.measure_key
union
select
    concurrent_use.concurrent_use_id as subject,
    cast(null as varchar) as gap_family,
    concurrent_fill.member_key,
    concurrent_fill.fill_key
from facts.concurrent_fill
inner join raw.concurrent_use
    on concurrent_fill.concurrent_use_key = concurrent_use.concurrent_use_key
union
select
    'supd' as subject,
    cast(null as varchar) as gap_family,
    recent_fills.member_key,
    recent_fills.fill_key
from recent_fills
inner join facts.drug_group
    on
        recent_fills.drug_key = drug_group.drug_key
        and drug_group.value_set in ('diabetes_drugs', 'insulins')
union
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
order by
    member_key,
    subject,
    fill_key
