-- The products that maternal rules name, by value set: their own sets, and those that only strength or name tells.
--
-- A prenatal vitamin is what the drug table flags, what is named like one, or folic acid with iron and four vitamins or
-- more (maternal 2.1); it holds iron, yet is no treatment of anaemia. Aspirin alone is low-dose up to 162 mg or where
-- no strength is stated; folic acid alone counts by its strength. `category` is that of the ingredient or brand.
with

strengths as (
    select
        drug.drug_key,
        drug.ingredients,
        drug.is_prenatal_vitamin,
        coalesce(drug.brand_name, '') as brand_name,
        coalesce(drug.product_class, '') as product_class,
        drug.ingredients not like '%;%' as is_single,
        try_cast(regexp_extract(lower(coalesce(drug.strength, '')), '([0-9]+[.]?[0-9]*) *m(c?)g', 1) as double)
        / case
            when regexp_extract(lower(coalesce(drug.strength, '')), '([0-9]+[.]?[0-9]*) *m(c?)g', 2) = 'c' then 1000
            else 1
        end as milligrams
    from core.drug
),

vitamin_counts as (
    select
        drug_ingredient.drug_key,
        max(
            case
                when
                    ingredient.ingredient in ('folic acid', 'l-methylfolate')
                    or ingredient.ingredient like 'levomefol%'
                    then 1
                else 0
            end
        ) as has_folate,
        max(
            case when ingredient.ingredient like '%iron%' or ingredient.ingredient like 'ferr%' then 1 else 0 end
        ) as has_iron,
        count(distinct case
            when
                ingredient.ingredient in (
                    'ascorbic acid', 'biotin', 'cholecalciferol', 'cyanocobalamin', 'ergocalciferol', 'niacin',
                    'niacinamide', 'pantothenic acid', 'pyridoxine', 'riboflavin', 'thiamine', 'vitamin a', 'vitamin e',
                    'vitamin b 12', 'vitamin d'
                )
                then ingredient.ingredient
        end) as vitamin_count
    from core.drug_ingredient
    inner join core.ingredient
        on drug_ingredient.ingredient_key = ingredient.ingredient_key
    group by drug_ingredient.drug_key
),

prenatal_vitamins as (
    select strengths.drug_key
    from strengths
    left join vitamin_counts
        on strengths.drug_key = vitamin_counts.drug_key
    where
        strengths.is_prenatal_vitamin
        or regexp_matches(
            concat_ws(' ', strengths.brand_name, strengths.ingredients, strengths.product_class),
            '\bpnv\b|prenat|vitafol|citranatal|vinate|se-natal|ob complete|natachew|select-ob|nestabs|trinate|elite-ob'
        )
        or (vitamin_counts.has_folate = 1 and vitamin_counts.has_iron = 1 and vitamin_counts.vitamin_count >= 4)
),

-- A product that fits two categories of a set has the first.
listed_drugs as (
    select
        drug_category.value_set,
        drug_category.drug_key,
        min(drug_category.category) as category
    from facts.drug_category
    where drug_category.value_set in (select prenatal_rule_set.value_set from raw.prenatal_rule_set)
    group by
        drug_category.value_set,
        drug_category.drug_key
)

select
    listed_drugs.value_set,
    listed_drugs.drug_key,
    listed_drugs.category
from listed_drugs
where
    listed_drugs.value_set <> 'iron_drugs'
    or listed_drugs.drug_key not in (select prenatal_vitamins.drug_key from prenatal_vitamins)
union all
select
    'prenatal_vitamins' as value_set,
    prenatal_vitamins.drug_key,
    cast(null as varchar) as category
from prenatal_vitamins
union all
select distinct
    strength_limits.value_set,
    strengths.drug_key,
    cast(null as varchar) as category
from strengths
inner join facts.drug_group
    on strengths.drug_key = drug_group.drug_key
inner join (
    values
    ('low_dose_aspirin', 'aspirin', 0, 162),
    ('folic_acid_400_mcg', 'folic_acid', 0.4, 1000),
    ('folic_acid_one_mg', 'folic_acid', 1, 1000)
) as strength_limits (value_set, ingredient_set, least_milligrams, most_milligrams)
    on drug_group.value_set = strength_limits.ingredient_set
where
    strengths.is_single
    and coalesce(
        strengths.milligrams between strength_limits.least_milligrams and strength_limits.most_milligrams,
        -- A strength that is not stated is the usual one: 81 mg of aspirin, 0.4 mg of folic acid.
        strength_limits.least_milligrams < 1
    )
order by
    value_set,
    drug_key
