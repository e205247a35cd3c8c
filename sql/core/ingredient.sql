-- Every active ingredient that a product of the drug table holds, with an integer key.
with

names as (
    select distinct unnest(string_split(drug.ingredients, ';')) as ingredient
    from core.drug
)

select
    cast(row_number() over (order by names.ingredient) as integer) as ingredient_key,
    names.ingredient
from names
order by ingredient_key
