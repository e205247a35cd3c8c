-- The ingredients of each product: one row per product and ingredient, whatever its strength, form or maker.
with

named as (
    select
        drug.drug_key,
        unnest(string_split(drug.ingredients, ';')) as ingredient
    from core.drug
)

select
    named.drug_key,
    ingredient.ingredient_key
from named
inner join core.ingredient
    on named.ingredient = ingredient.ingredient
order by
    named.drug_key,
    ingredient.ingredient_key
