-- Value sets that the programmes ask claims for: one row per set and population of whom it is asked.
--
-- What monitoring rules, medication therapy management and the rules after a discharge name, each for its own
-- population (as `facts.asked_member` numbers it) and from the first day on which it could count. What tells of a
-- birth, a loss or a doubt about a pregnancy takes a stay off every list (maternal 1.7).
with

rule_populations as (
    select
        monitoring_rule.monitoring_rule_key,
        monitoring_rule.frame,
        case when monitoring_rule.medicines is null then 'diabetes' else 'medicine' end as population
    from raw.monitoring_rule
),

asked_sets as (
    select
        monitoring_test.value_set,
        rule_populations.population,
        case
            when rule_populations.frame <> 'year' then date '0001-01-01'
            when monitoring_test.is_of_previous_year
                then make_date(cast(extract(year from cast($as_of as date)) as integer) - 1, 1, 1)
            else make_date(cast(extract(year from cast($as_of as date)) as integer), 1, 1)
        end as first_date
    from raw.monitoring_test
    inner join rule_populations
        on monitoring_test.monitoring_rule_key = rule_populations.monitoring_rule_key
    union all
    select
        monitoring_stop.value_set,
        rule_populations.population,
        case monitoring_stop.since
            when 'ever' then date '0001-01-01'
            when 'year' then make_date(cast(extract(year from cast($as_of as date)) as integer), 1, 1)
            else cast($as_of as date) - (monitoring_stop.since_days - 1)
        end as first_date
    from raw.monitoring_stop
    inner join rule_populations
        on monitoring_stop.monitoring_rule_key = rule_populations.monitoring_rule_key
    union all
    select
        monitoring_rule.medicines as value_set,
        'medicine' as population,
        date '0001-01-01' as first_date
    from raw.monitoring_rule
    where monitoring_rule.population = 'start'
    union all
    select
        transition_rule_set.value_set,
        'stay' as population,
        case transition_rule_set.since
            when 'days' then cast($as_of as date) - (transition_rule_set.since_days - 1)
            when 'discharge' then cast($as_of as date) - 130 + least(transition_rule_set.from_day, 0)
            else date '0001-01-01'
        end as first_date
    from raw.transition_rule_set
    union all
    select
        other_sets.value_set,
        other_sets.population,
        date '0001-01-01' as first_date
    from (
        values
        ('a1c_result', 'diabetes'),
        ('mtm_conditions', 'candidate'),
        ('mtm_services', 'candidate'),
        ('sensitive_stay', 'stay'),
        ('delivery', 'stay'),
        ('live_birth', 'stay'),
        ('newborn', 'stay'),
        ('pregnancy_loss', 'stay'),
        ('pregnancy_hold', 'stay')
    ) as other_sets (value_set, population)
)

select
    asked_sets.value_set,
    asked_sets.population,
    case asked_sets.population
        when 'diabetes' then 1
        when 'medicine' then 2
        when 'candidate' then 3
        when 'stay' then 4
    end as population_key,
    min(asked_sets.first_date) as first_date
from asked_sets
group by
    asked_sets.value_set,
    asked_sets.population
order by
    asked_sets.value_set,
    asked_sets.population
