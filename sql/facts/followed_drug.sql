-- Products that specialty rules or monitoring rules follow, with what the drug table says of each.
--
-- Where the table is silent on whether a product is specialty, fills tell (see `facts.therapy`). Oral cancer medicines
-- are followed whatever it says.
with

marks as (
    select
        drug_group.drug_key,
        max(drug_group.value_set = 'oncology_drugs') as is_oncology,
        max(drug_group.value_set = monitoring_rule.medicines) as is_monitored
    from facts.drug_group
    left join raw.monitoring_rule
        on drug_group.value_set = monitoring_rule.medicines
    group by drug_group.drug_key
)

select
    drug.drug_key,
    drug.ingredients as product,
    coalesce(drug.product_class, drug.ingredients) as product_class,
    drug.is_specialty,
    coalesce(marks.is_oncology, false) and coalesce(drug.route, 'oral') like '%oral%' as is_oncology,
    drug.is_maintenance,
    coalesce(marks.is_monitored, false) as is_monitored,
    sensitive_drug.drug_key is not null as is_sensitive
from core.drug
left join marks
    on drug.drug_key = marks.drug_key
left join facts.sensitive_drug
    on drug.drug_key = sensitive_drug.drug_key
where
    coalesce(drug.is_specialty, true)
    or marks.is_oncology
    or marks.is_monitored
order by drug.drug_key
