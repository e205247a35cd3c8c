-- Rates to date of each measure: adherent members over eligible members, in all and by payer, plan, state and pharmacy.
--
-- Through 2023 members count by their member-years in CMS's rate; here each counts once, as the row of its measure.
--
-- A plan is one of its payer: where two payers of the delivery call a plan alike, each is told as `payer: plan`
-- (interface 3), also of a measure of which only one of them has members. A member of such a plan without a payer is of
-- neither.
with

shared_plans as (
    select member.plan
    from core.member
    group by member.plan
    having count(distinct member.payer) > 1
),

measured as (
    select
        adherence.measure_key,
        adherence.member_key,
        case when adherence.is_adherent then 1 else 0 end as numerator
    from facts.adherence
    where
        adherence.is_eligible
        and adherence.pdc is not null
),

placed as (
    select
        measure.measure_id,
        measure.is_sensitive,
        measured.numerator,
        member.payer,
        case
            when shared_plans.plan is null then member.plan
            else member.payer || ': ' || member.plan
        end as plan,
        member.state,
        attribution.pharmacy_npi
    from measured
    inner join raw.measure
        on measured.measure_key = measure.measure_key
    inner join core.member
        on measured.member_key = member.member_key
    left join shared_plans
        on member.plan = shared_plans.plan
    left join outreach.class_pharmacy as attribution
        on
            measured.member_key = attribution.member_key
            and measured.measure_key = attribution.measure_key
),

levelled as (
    select
        placed.measure_id,
        'all' as level,
        'all' as level_value,
        placed.numerator
    from placed
    union all
    select
        placed.measure_id,
        'payer' as level,
        placed.payer as level_value,
        placed.numerator
    from placed
    union all
    select
        placed.measure_id,
        'plan' as level,
        placed.plan as level_value,
        placed.numerator
    from placed
    union all
    select
        placed.measure_id,
        'state' as level,
        placed.state as level_value,
        placed.numerator
    from placed
    union all
    select
        placed.measure_id,
        'pharmacy' as level,
        placed.pharmacy_npi as level_value,
        placed.numerator
    from placed
    -- A pharmacy's few members of a sensitive measure could be told from its rate.
    where not placed.is_sensitive
)

select
    levelled.measure_id,
    levelled.level,
    levelled.level_value,
    cast($as_of as date) as as_of,
    cast(sum(levelled.numerator) as integer) as numerator,
    cast(count(*) as integer) as denominator,
    cast(round(sum(levelled.numerator) / cast(count(*) as double), 4) as decimal(9, 4)) as rate
from levelled
where levelled.level_value is not null
group by
    levelled.measure_id,
    levelled.level,
    levelled.level_value
order by
    levelled.measure_id,
    levelled.level,
    levelled.level_value
