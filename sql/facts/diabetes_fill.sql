-- Fills of a diabetes medicine from the first day of the measurement year through the as-of date (SUPD).
--
-- Weight-loss brands of a diabetes ingredient are no diabetes medicine; compounds are left out. What evidence names of
-- a fill is kept here: fetching it later would read every fill again.
with

diabetes_drugs as (
    select distinct drug_group.drug_key
    from facts.drug_group
    inner join raw.statin_use as rule
        on concat(';', rule.treated_value_sets, ';') like concat('%;', drug_group.value_set, ';%')
    where
        not exists (
            select 1
            from raw.statin_use_exclusion
            inner join facts.drug_group as excluded_products
                on statin_use_exclusion.value_set = excluded_products.value_set
            where
                statin_use_exclusion.kind = 'product'
                and excluded_products.drug_key = drug_group.drug_key
        )
)

select
    fill.fill_key,
    fill.member_key,
    fill.fill_date,
    fill.claim_id,
    fill.days_supply
from core.fill
inner join diabetes_drugs
    on fill.drug_key = diabetes_drugs.drug_key
inner join facts.measurement_year
    on fill.fill_date between measurement_year.year_start_date and measurement_year.as_of
where not fill.is_compound
