-- Products that count for each measure of concurrent use, and the medicine that each counts as.
--
-- Where a measure names a second value set, all products of a value set are one medicine (1 the index class, 2 the
-- other): two opioids at once are not concurrent use. Where it names none, every ingredient is a medicine of its own,
-- each ingredient of a combination by itself. Forms whose days supply says nothing of days on hand are left out.
-- Source: PQA measure overviews COB and POLY-ACH; forms: CMS Part D patient safety measures, medication lists.
with

listed_products as (
    select
        concurrent_use.concurrent_use_key,
        drug_group.drug_key,
        case when concurrent_use.other_value_set is null then drug_group.ingredient_key else 1 end as medicine_key,
        true as is_index
    from raw.concurrent_use
    inner join facts.drug_group
        on concurrent_use.index_value_set = drug_group.value_set
    union all
    select
        concurrent_use.concurrent_use_key,
        drug_group.drug_key,
        2 as medicine_key,
        false as is_index
    from raw.concurrent_use
    inner join facts.drug_group
        on concurrent_use.other_value_set = drug_group.value_set
)

select distinct
    listed_products.concurrent_use_key,
    listed_products.drug_key,
    listed_products.medicine_key,
    listed_products.is_index
from listed_products
where
    not exists (
        select 1
        from raw.concurrent_use
        inner join facts.drug_group
            on concurrent_use.left_out_value_set = drug_group.value_set
        where
            concurrent_use.concurrent_use_key = listed_products.concurrent_use_key
            and drug_group.drug_key = listed_products.drug_key
    )
order by
    listed_products.concurrent_use_key,
    listed_products.drug_key,
    listed_products.medicine_key
