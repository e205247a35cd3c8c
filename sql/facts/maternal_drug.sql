-- The products that maternal rules name, by value set: their own sets, and those that only strength or name tells.
--
-- A prenatal vitamin is what the drug table flags, what is named like one, or folic acid with iron and four vitamins or
-- more (rules 2.1). Aspirin is low-dose up to 162 mg or where no strength is stated. A prenatal vitamin holds iron, yet
-- is no treatment of anaemia. `milligrams` is the first number of the strength.
with

strengths as (
    select
        drug.drug_key,
        drug.ingredients,
        drug.is_prenatal_vitamin,
        lower(coalesce(drug.brand_name, '')) as brand_name,
        try_cast(regexp_extract(lower(coalesce(drug.strength, '')), '([0-9]+[.]?[0-9]*) *mg', 1) as double) as milligrams
    from core.drug
),

vitamin_counts as (
    select
        drug_ingredient.drug_key,
        max(case when ingredient.ingredient in ('folic acid', 'levomefolate', 'levomefolic acid') then 1 else 0 end) as has_folate,
        max(case when ingredient.ingredient like '%iron%' or ingredient.ingredient like 'ferrous%' then 1 else 0 end) as has_iron,
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
            concat_ws(' ', strengths.brand_name, strengths.ingredients),
            '\bpnv\b|prenat|vitafol|citranatal|vinate|se-natal|ob complete|natachew|select-ob|nestabs|trinate|elite-ob'
        )
        or (vitamin_counts.has_folate = 1 and vitamin_counts.has_iron = 1 and vitamin_counts.vitamin_count >= 4)
)

select
    drug_group.value_set,
    drug_group.drug_key
from facts.drug_group
inner join raw.prenatal_rule_set
    on drug_group.value_set = prenatal_rule_set.value_set
where
    drug_group.value_set <> 'iron_drugs'
    or drug_group.drug_key not in (select prenatal_vitamins.drug_key from prenatal_vitamins)
union
select
    'prenatal_vitamins' as value_set,
    prenatal_vitamins.drug_key
from prenatal_vitamins
union
select
    'low_dose_aspirin' as value_set,
    strengths.drug_key
from strengths
inner join facts.drug_group
    on
        strengths.drug_key = drug_group.drug_key
        and drug_group.value_set = 'aspirin'
where coalesce(strengths.milligrams, 81) <= 162
union
select
    'folic_acid_one_mg' as value_set,
    strengths.drug_key
from strengths
inner join facts.drug_group
    on
        strengths.drug_key = drug_group.drug_key
        and drug_group.value_set = 'folic_acid'
where strengths.milligrams >= 1
order by
    value_set,
    drug_key
