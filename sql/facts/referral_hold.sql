-- Needs that a member is not asked about again yet: one row per member and category (community 5.3).
--
-- For 90 days after a referral was completed or the matter was settled, and for 180 days after it was declined; while a
-- referral is under way, for 30 days, after which the pharmacist asks whether it helped. A referral completed without
-- a word of what was done is not closed: its gap waits. An organization that declines turns itself down, not the
-- member: the need stays. Help from a navigator holds everything back for 90 days (category null). What settled a
-- matter is `proof`: a pharmacy's or a service's record, or what a member said (rules 6.7).
with

recorded_outcomes as (
    select
        member.member_key,
        coalesce(
            named_category.category,
            gap_category.category,
            'sdoh-category-unspecified'
        ) as category,
        contact_attempt.outcome_code,
        contact_attempt.ends_as,
        contact_attempt.attempted_date as event_date
    from facts.contact_attempt
    inner join core.member
        on contact_attempt.person_id = member.person_id
    inner join raw.gap_code
        on
            contact_attempt.gap_code = gap_code.gap_code
            and gap_code.gap_family = 'community_resource'
    left join raw.social_need_category as named_category
        on lower(contact_attempt.told_subject) = named_category.category
    left join raw.social_need_category as gap_category
        on contact_attempt.subject = gap_category.category
    where contact_attempt.outcome_code in ('REACHED_COMPLETED', 'GAP_ALREADY_CLOSED', 'REACHED_DECLINED')
),

holds as (
    select
        recorded_outcomes.member_key,
        recorded_outcomes.category,
        case when recorded_outcomes.outcome_code = 'REACHED_DECLINED' then 'declined' else 'completed' end
            as hold_reason,
        recorded_outcomes.ends_as as proof,
        recorded_outcomes.event_date
        + case when recorded_outcomes.outcome_code = 'REACHED_DECLINED' then 180 else 90 end as hold_until_date
    from recorded_outcomes
    union all
    select
        referral.member_key,
        referral.category,
        case
            when referral.status in ('rejected', 'cancelled') then 'declined'
            when referral.is_closed_loop then 'completed'
            when referral.status = 'completed' then 'unverified'
            else 'under_way'
        end as hold_reason,
        case when referral.is_closed_loop then 'documented' end as proof,
        case
            when referral.status in ('rejected', 'cancelled') then cast(referral.status_at as date) + 180
            when referral.status = 'completed' then cast(referral.status_at as date) + 90
            else cast(referral.created_at as date) + 30
        end as hold_until_date
    from facts.referral
    where
        coalesce(referral.status_reason, '') <> 'NOT_ELIGIBLE'
        and (
            referral.status in ('requested', 'accepted', 'in-progress', 'on-hold', 'completed')
            or (
                referral.status in ('rejected', 'cancelled')
                and coalesce(referral.declined_by, 'member') = 'member'
            )
        )
    union all
    select
        programme_line.member_key,
        cast(null as varchar) as category,
        'navigated' as hold_reason,
        cast(null as varchar) as proof,
        max(programme_line.event_date) + 90 as hold_until_date
    from facts.programme_line
    inner join facts.asked_code
        on
            programme_line.asked_code_key = asked_code.asked_code_key
            and asked_code.value_set = 'community_navigation'
    where programme_line.is_paid
    group by programme_line.member_key
),

standing_holds as (
    select
        holds.*,
        row_number() over (
            partition by holds.member_key, holds.category
            order by
                -- What ends the matter outranks what only waits.
                holds.hold_reason in ('declined', 'completed', 'navigated') desc,
                holds.hold_until_date desc,
                holds.hold_reason asc,
                holds.proof asc nulls last
        ) as choice
    from holds
    where holds.hold_until_date > cast($as_of as date)
)

select
    standing_holds.member_key,
    standing_holds.category,
    standing_holds.hold_reason,
    case when standing_holds.hold_reason = 'completed' then standing_holds.proof end as proof,
    standing_holds.hold_until_date
from standing_holds
where standing_holds.choice = 1
order by
    standing_holds.member_key,
    standing_holds.category
