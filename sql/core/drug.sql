-- Every NDC of the drug table, with an integer key.
select
    cast(row_number() over (order by drug.ndc_code) as integer) as drug_key,
    drug.ndc_code,
    drug.ingredients,
    lower(drug.brand_name) as brand_name,
    drug.dose_form,
    drug.route,
    drug.strength,
    coalesce(drug.is_prenatal_vitamin, false) as is_prenatal_vitamin,
    drug.product_class,
    drug.is_specialty,
    drug.is_maintenance
from raw.drug
order by drug_key
