-- Products that count for each measure, one row per target ingredient, and products whose use excludes a member.
--
-- A product in an excluding group is never a target: sacubitril/valsartan is not valsartan, and an insulin combined
-- with a GLP-1 agonist is insulin. Weight-loss brands of a target ingredient are no target either.
-- Source: CMS Star Ratings Technical Notes 2026, D08 to D10 and attachment L.
with

barred_products as (
    select distinct
        measure_exclusion.measure_key,
        drug_group.drug_key,
        measure_exclusion.kind,
        measure_exclusion.reason
    from raw.measure_exclusion
    inner join facts.drug_group
        on measure_exclusion.value_set = drug_group.value_set
    where measure_exclusion.kind in ('drug', 'product')
)

select
    measure.measure_key,
    drug_group.drug_key,
    drug_group.ingredient_key,
    row_number() over (
        partition by measure.measure_key, drug_group.drug_key
        order by drug_group.ingredient_key
    ) = 1 as is_first_ingredient,
    count(*) over (partition by measure.measure_key, drug_group.drug_key) > 1 as is_combination,
    cast(null as varchar) as exclusion_reason
from raw.measure
inner join facts.drug_group
    on measure.value_set = drug_group.value_set
where
    not exists (
        select 1
        from barred_products
        where
            barred_products.measure_key = measure.measure_key
            and barred_products.drug_key = drug_group.drug_key
    )
union all
select
    barred_products.measure_key,
    barred_products.drug_key,
    cast(null as integer) as ingredient_key,
    cast(null as boolean) as is_first_ingredient,
    cast(null as boolean) as is_combination,
    barred_products.reason as exclusion_reason
from barred_products
where barred_products.kind = 'drug'
order by
    measure_key,
    drug_key,
    ingredient_key
