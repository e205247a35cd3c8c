-- Social needs that claims or a screening tell of: one row per member and category, of the surest and latest evidence.
--
-- Documented: a diagnosis code on a paid claim of the last twelve months. Screened: a positive answer to a screening of
-- that time, or a paid social risk assessment, whose claim says nothing of its result and therefore names no category.
-- HCPCS G0136 is that assessment in 2024 and 2025 only, by the day of service: from 2026 on it is another service and
-- tells of no need (community 5.1). Absence of a code is not absence of need. Violence, upbringing and imprisonment are
-- restricted: they are never listed and count for nothing (community 5.1).
with

told_needs as (
    select
        diagnosis.member_key,
        code_category.category,
        'documented' as need_tier,
        diagnosis.diagnosis_date as event_date,
        diagnosis.claim_id
    from core.diagnosis
    inner join facts.code_category
        on
            code_category.value_set = 'social_need'
            and code_category.code_system = 'icd10cm'
            and diagnosis.code = code_category.code
    where
        diagnosis.code_system = 'icd-10-cm'
        and diagnosis.is_paid
    union all
    select
        member.member_key,
        social_screening.category,
        'screened' as need_tier,
        social_screening.screened_date as event_date,
        cast(null as varchar) as claim_id
    from raw.social_screening
    inner join core.member
        on social_screening.person_id = member.person_id
    where social_screening.is_positive
    union all
    select
        programme_line.member_key,
        'sdoh-category-unspecified' as category,
        'screened' as need_tier,
        programme_line.event_date,
        programme_line.claim_id
    from facts.programme_line
    inner join facts.asked_code
        on
            programme_line.asked_code_key = asked_code.asked_code_key
            and asked_code.value_set = 'social_risk_assessment'
    where programme_line.is_paid
),

recent_needs as (
    select
        told_needs.*,
        social_need_tier.tier_rank,
        social_need_category.words is null as is_restricted,
        social_need_category.words is not null
        and told_needs.category <> 'sdoh-category-unspecified' as is_nameable,
        row_number() over (
            partition by told_needs.member_key, told_needs.category
            order by
                social_need_tier.tier_rank asc,
                told_needs.event_date desc,
                told_needs.claim_id asc nulls last
        ) as choice
    from told_needs
    inner join raw.social_need_tier
        on told_needs.need_tier = social_need_tier.need_tier
    inner join raw.social_need_category
        on
            told_needs.category = social_need_category.category
            -- What only a pregnancy calls for is asked by maternal care, behind its own gate.
            and social_need_category.gap_code is null
    where
        told_needs.event_date <= cast($as_of as date)
        and told_needs.event_date >= cast(cast($as_of as date) - interval 12 month as date)
)

select
    recent_needs.member_key,
    recent_needs.category,
    recent_needs.need_tier,
    cast(recent_needs.tier_rank as integer) as tier_rank,
    recent_needs.event_date,
    recent_needs.claim_id,
    recent_needs.is_nameable,
    recent_needs.is_restricted
from recent_needs
where recent_needs.choice = 1
order by
    recent_needs.member_key,
    recent_needs.category
