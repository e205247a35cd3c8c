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

spans as (
    select
        member.member_key,
        member.birth_date,
        lower(member.payer_type) as payer_type,
        max(coalesce(eligibility.mtm_opt_out, false)) as is_opted_out,
        max(
            coalesce(eligibility.is_drug_management, false)
            and coalesce(eligibility.enrollment_end_date >= cast($as_of as date), true)
        ) as is_at_risk
    from core.member
    inner join raw.eligibility
        on member.person_id = eligibility.person_id
    where
        eligibility.enrollment_start_date <= cast($as_of as date)
        and coalesce(member.death_date > cast($as_of as date), true)
    group by
        member.member_key,
        member.birth_date,
        member.payer_type
),

participants as (
    select
        spans.member_key,
        spans.is_at_risk,
        evaluations.evaluation_date,
        evaluations.quarter_start_date,
        evaluations.cost_threshold,
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
    where not spans.is_opted_out
),

-- Costs first, which few reach: only their drugs are told apart. Exact numbers, so that the order of claims decides
-- nothing.
quarter_costs as (
    select
        participants.member_key,
        participants.evaluation_date,
        participants.quarter_start_date,
        sum(cast(coalesce(fill.gross_cost, 0) as decimal(18, 2))) as gross_cost
    from participants
    inner join core.fill
        on
            participants.member_key = fill.member_key
            and participants.quarter_start_date <= fill.fill_date
            and participants.evaluation_date > fill.fill_date
    group by
        participants.member_key,
        participants.evaluation_date,
        participants.quarter_start_date,
        participants.is_at_risk,
        participants.cost_threshold
    having
        participants.is_at_risk
        or sum(cast(coalesce(fill.gross_cost, 0) as decimal(18, 2))) * 4 >= participants.cost_threshold
),

drugs as (
    select
        quarter_costs.member_key,
        quarter_costs.evaluation_date,
        drug.ingredients,
        max(coalesce(drug.is_maintenance, false)) as is_maintenance,
        max(drug.is_maintenance is null) as is_untold,
        min(fill.fill_date) <> max(fill.fill_date) as is_refilled
    from quarter_costs
    inner join core.fill
        on
            quarter_costs.member_key = fill.member_key
            and quarter_costs.quarter_start_date <= fill.fill_date
            and quarter_costs.evaluation_date > fill.fill_date
    left join core.drug
        on fill.drug_key = drug.drug_key
    group by
        quarter_costs.member_key,
        quarter_costs.evaluation_date,
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
