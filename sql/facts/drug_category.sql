-- What each product is within the drug value sets that it belongs to, with the ingredient that matched.
--
-- A product that a set sorts under several categories stands once under each, one that it does not sort with none.
select distinct
    drug_group.value_set,
    drug_group.drug_key,
    drug_group.ingredient_key,
    value_set.category
from facts.drug_group
inner join core.drug
    on drug_group.drug_key = drug.drug_key
inner join core.ingredient
    on drug_group.ingredient_key = ingredient.ingredient_key
inner join raw.value_set
    on
        drug_group.value_set = value_set.value_set
        and (
            (
                value_set.code_system = 'ingredient'
                and ingredient.ingredient >= value_set.code
                and ingredient.ingredient <= coalesce(value_set.last_code, value_set.code)
            )
            or (value_set.code_system = 'brand_name' and drug.brand_name = value_set.code)
            or (value_set.code_system = 'ndc' and drug.ndc_code = value_set.code)
        )
order by
    drug_group.value_set,
    drug_group.drug_key,
    drug_group.ingredient_key,
    value_set.category
