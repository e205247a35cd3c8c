-- The drug value sets that each product belongs to, by ingredient, brand name or NDC, with the ingredient that matched.
--
-- A code range is closed on both sides: the row's code is the first, `last_code` the last. Where a row names a form,
-- the product's route or dose form must contain the word: an ingredient alone cannot tell an infusion from a pen.
select distinct
    value_set.value_set,
    drug_ingredient.drug_key,
    drug_ingredient.ingredient_key
from core.drug_ingredient
inner join core.ingredient
    on drug_ingredient.ingredient_key = ingredient.ingredient_key
inner join raw.value_set
    on
        value_set.code_system = 'ingredient'
        and ingredient.ingredient >= value_set.code
        and ingredient.ingredient <= coalesce(value_set.last_code, value_set.code)
inner join core.drug
    on drug_ingredient.drug_key = drug.drug_key
where
    (
        value_set.form is null
        or concat_ws(' ', drug.route, drug.dose_form) like concat('%', value_set.form, '%')
    )
    and (value_set.from_date is null or value_set.from_date <= $as_of)
    and (value_set.to_date is null or value_set.to_date >= $as_of)
union
select distinct
    value_set.value_set,
    drug.drug_key,
    drug_ingredient.ingredient_key
from core.drug
inner join core.drug_ingredient
    on drug.drug_key = drug_ingredient.drug_key
inner join raw.value_set
    on
        (value_set.code_system = 'brand_name' and drug.brand_name = value_set.code)
        or (value_set.code_system = 'ndc' and drug.ndc_code = value_set.code)
where
    (value_set.from_date is null or value_set.from_date <= $as_of)
    and (value_set.to_date is null or value_set.to_date >= $as_of)
order by
    value_set,
    drug_key,
    ingredient_key
