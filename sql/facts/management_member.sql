-- Who is targeted for medication therapy management this year, from when on, and the last reviews.
--
-- The first day of evaluation of the year on which drugs, cost and three core chronic diseases come together (42 CFR
-- 423.153(d)); being targeted lasts for the year. A disease takes two days with its code in 24 months, or one in a
-- facility stay. HIV and mental health count like the others and are named nowhere (rules 6.4).
with

diseases as (
    select
        management_candidate.member_key,
        management_candidate.evaluation_date,
        replace(clinical_event.category, ' stay', '') as disease
    from facts.management_candidate
    inner join raw.management_year
        on management_year.management_year = extract(year from management_candidate.evaluation_date)
    inner join facts.clinical_event
        on
            management_candidate.member_key = clinical_event.member_key
            and clinical_event.value_set = 'mtm_conditions'
            and management_candidate.evaluation_date > clinical_event.event_date
            and clinical_event.event_date
            >= make_date(
                cast(extract(year from management_candidate.evaluation_date) as integer)
                - cast(management_year.disease_months / 12 as integer),
                cast(extract(month from management_candidate.evaluation_date) as integer),
                1
            )
            and management_year.left_out_diseases
            not like concat('%;', replace(clinical_event.category, ' stay', ''), ';%')
    group by
        management_candidate.member_key,
        management_candidate.evaluation_date,
        replace(clinical_event.category, ' stay', ''),
        management_year.disease_dates
    having
        count(distinct clinical_event.event_date) >= management_year.disease_dates
        or max(clinical_event.category like '% stay')
),

disease_counts as (
    select
        diseases.member_key,
        diseases.evaluation_date,
        count(*) as disease_count
    from diseases
    group by
        diseases.member_key,
        diseases.evaluation_date
),

targeted as (
    select
        management_candidate.*,
        coalesce(disease_counts.disease_count, 0) as disease_count,
        coalesce(disease_counts.disease_count, 0) >= management_year.min_diseases
        and management_candidate.drug_count >= management_year.min_drugs
        and cast(management_candidate.quarter_cost as decimal(18, 2)) * 4 >= management_year.cost_threshold
            as is_targeted,
        management_year.like_payer_types,
        row_number() over (
            partition by management_candidate.member_key
            order by management_candidate.evaluation_date
        ) as evaluation_number
    from facts.management_candidate
    inner join raw.management_year
        on management_year.management_year = extract(year from management_candidate.evaluation_date)
    left join disease_counts
        on
            management_candidate.member_key = disease_counts.member_key
            and management_candidate.evaluation_date = disease_counts.evaluation_date
    where
        management_candidate.is_at_risk
        or (
            disease_counts.disease_count >= management_year.min_diseases
            and management_candidate.drug_count >= management_year.min_drugs
        )
),

reviews as (
    select
        clinical_event.member_key,
        max(case when clinical_event.category = 'review' then clinical_event.event_date end) as review_date,
        max(
            case
                when
                    clinical_event.category in ('review', 'follow_up')
                    and ceil(extract(month from clinical_event.event_date) / 3)
                    = ceil(extract(month from cast($as_of as date)) / 3)
                    then clinical_event.event_date
            end
        ) as quarter_review_date
    from facts.clinical_event
    where
        clinical_event.value_set = 'mtm_services'
        and extract(year from clinical_event.event_date) = extract(year from cast($as_of as date))
    group by clinical_event.member_key
)

select
    targeted.member_key,
    targeted.evaluation_date as enrolled_date,
    targeted.drug_count,
    cast(targeted.disease_count as integer) as disease_count,
    targeted.quarter_cost,
    not targeted.is_targeted as is_at_risk,
    coalesce(targeted.like_payer_types like concat('%;', lower(member.payer_type), ';%'), false) as is_like,
    reviews.review_date,
    reviews.quarter_review_date
from targeted
inner join core.member
    on targeted.member_key = member.member_key
left join reviews
    on targeted.member_key = reviews.member_key
where targeted.evaluation_number = 1
order by targeted.member_key
