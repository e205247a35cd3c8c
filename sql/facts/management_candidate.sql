-- Whom drugs and their cost target for medication therapy management: one row per member and day of evaluation.
--
-- Evaluated on the first day of each quarter, over the three months before it: eight maintenance drugs or more,
-- whatever the strength, and a gross cost that four such quarters would bring to the year's threshold (42 CFR
-- 423.153(d)). Where the drug table does not say whether a drug is for maintenance, two fill dates say so. An at-risk
-- member of a drug management program needs neither. Years without a threshold have no rows; nor have members who
-- declined the programme.
with

evaluations as (
    select
        management_year.*,
        make_date(management_year.management_year, quarters.first_month, 1) as evaluation_date,
        cast(make_date(management_year.management_year, quarters.first_month, 1) - interval 3 month as date)
            as quarter_start_date
    from raw.management_year
    cross join (
        values (1), (4), (7), (10)
    ) as quarters (first_month)
    where
        management_year.management_year = extract(year from cast($as_of as date))
        and make_date(management_year.management_year, quarters.first_month, 1) <= cast($as_of as date)
),

at_risk_members as (
    select distinct member.member_key
    from core.member
    inner join raw.eligibility
        on member.person_id = eligibility.person_id
    where
        eligibility.is_drug_management
        and eligibility.enrollment_start_date <= cast($as_of as date)
        and coalesce(eligibility.enrollment_end_date >= cast($as_of as date), true)
),

-- Costs first, which few reach: only those members are looked at, and only their drugs told apart. Exact numbers, so
-- that the order of claims decides nothing.
quarter_costs as (
    select
        fill.member_key,
        evaluations.evaluation_date,
        sum(cast(coalesce(fill.gross_cost, 0) as decimal(18, 2))) as gross_cost
    from core.fill
    inner join evaluations
        on
            fill.fill_date >= evaluations.quarter_start_date
            and fill.fill_date < evaluations.evaluation_date
    left join at_risk_members
        on fill.member_key = at_risk_members.member_key
    group by
        fill.member_key,
        evaluations.evaluation_date
    having
        max(at_risk_members.member_key) is not null
        or sum(cast(coalesce(fill.gross_cost, 0) as decimal(18, 2))) * 4 >= max(evaluations.cost_threshold)
),

spans as (
    select
        member.member_key,
        min(member.birth_date) as birth_date,
        min(lower(member.payer_type)) as payer_type,
        max(coalesce(eligibility.mtm_opt_out, false)) as is_opted_out
    from core.member
    inner join raw.eligibility
        on member.person_id = eligibility.person_id
    where
        eligibility.enrollment_start_date <= cast($as_of as date)
        and coalesce(member.death_date > cast($as_of as date), true)
        and member.member_key in (
            select quarter_costs.member_key
            from quarter_costs
            union all
            select at_risk_members.member_key
            from at_risk_members
        )
    group by member.member_key
),

participants as (
    select
        spans.member_key,
        at_risk_members.member_key is not null as is_at_risk,
        evaluations.evaluation_date,
        evaluations.quarter_start_date,
        evaluations.min_drugs
    from spans
    inner join evaluations
        on
            concat(evaluations.payer_types, evaluations.like_payer_types) like concat('%;', spans.payer_type, ';%')
            -- Dates as numbers, so that their difference is an age in its first digits.
            and (
                extract(year from evaluations.evaluation_date) * 10000
                + extract(month from evaluations.evaluation_date) * 100
                + extract(day from evaluations.evaluation_date)
            ) - (
                extract(year from spans.birth_date) * 10000
                + extract(month from spans.birth_date) * 100
                + extract(day from spans.birth_date)
            ) >= evaluations.min_age * 10000
    inner join core.enrollment
        on
            spans.member_key = enrollment.member_key
            and evaluations.evaluation_date between enrollment.enrollment_start_date and enrollment.enrollment_end_date
    left join at_risk_members
        on spans.member_key = at_risk_members.member_key
    where not spans.is_opted_out
),

drugs as (
    select
        participants.member_key,
        participants.evaluation_date,
        drug.ingredients,
        max(coalesce(drug.is_maintenance, false)) as is_maintenance,
        max(drug.is_maintenance is null) as is_untold,
        min(fill.fill_date) <> max(fill.fill_date) as is_refilled
    from participants
    inner join quarter_costs
        on
            participants.member_key = quarter_costs.member_key
            and participants.evaluation_date = quarter_costs.evaluation_date
    inner join core.fill
        on
            participants.member_key = fill.member_key
            and participants.quarter_start_date <= fill.fill_date
            and participants.evaluation_date > fill.fill_date
    left join core.drug
        on fill.drug_key = drug.drug_key
    group by
        participants.member_key,
        participants.evaluation_date,
        drug.ingredients
),

drug_counts as (
    select
        drugs.member_key,
        drugs.evaluation_date,
        count(
            distinct case
                when drugs.is_maintenance or (drugs.is_untold and drugs.is_refilled) then drugs.ingredients
            end
        ) as drug_count
    from drugs
    group by
        drugs.member_key,
        drugs.evaluation_date
)

select
    participants.member_key,
    participants.evaluation_date,
    cast(coalesce(drug_counts.drug_count, 0) as integer) as drug_count,
    cast(coalesce(quarter_costs.gross_cost, 0) as double) as quarter_cost,
    participants.is_at_risk
from participants
left join quarter_costs
    on
        participants.member_key = quarter_costs.member_key
        and participants.evaluation_date = quarter_costs.evaluation_date
left join drug_counts
    on
        participants.member_key = drug_counts.member_key
        and participants.evaluation_date = drug_counts.evaluation_date
where
    participants.is_at_risk
    or drug_counts.drug_count >= participants.min_drugs
order by
    participants.member_key,
    participants.evaluation_date
