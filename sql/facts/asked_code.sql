-- Clinical codes that the programmes ask claims for: one row per value set, population, code and category.
--
-- Those of `facts.asked_set`; and of everyone what tells of needs and of help that is given, by the days on which the
-- code has that meaning (community 5.1).
with

coded_sets as (
    select
        asked_set.value_set,
        asked_set.population,
        asked_set.population_key,
        code_category.code_system,
        code_category.code,
        code_category.category,
        asked_set.first_date,
        date '9999-12-31' as last_date
    from facts.code_category
    inner join facts.asked_set
        on code_category.value_set = asked_set.value_set
    union all
    select
        value_set.value_set,
        'everyone' as population,
        cast(null as integer) as population_key,
        value_set.code_system,
        value_set.code,
        value_set.category,
        coalesce(value_set.from_date, date '0001-01-01') as first_date,
        coalesce(value_set.to_date, date '9999-12-31') as last_date
    from raw.value_set
    where
        value_set.value_set in ('social_risk_assessment', 'community_navigation')
        and value_set.code_system = 'hcpcs'
)

select
    cast(
        row_number() over (
            order by
                coded_sets.value_set,
                coded_sets.population,
                coded_sets.code_system,
                coded_sets.code,
                coded_sets.category,
                coded_sets.first_date,
                coded_sets.last_date
        ) as integer
    ) as asked_code_key,
    coded_sets.value_set,
    coded_sets.population,
    coded_sets.population_key,
    coded_sets.code_system,
    coded_sets.code,
    coded_sets.category,
    coded_sets.first_date,
    coded_sets.last_date
from coded_sets
order by asked_code_key
