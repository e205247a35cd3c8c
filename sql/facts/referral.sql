-- Referrals to community services with what has come of them: one row per referral (community 5.3).
--
-- A referral is `requested` once the member's consent is on record, else a `draft` that goes nowhere. From then on the
-- newest status that came back holds. The target is the service that was proposed on the first night. Completed alone
-- is not enough: the loop is closed when the service says what it did. After a loss a referral that only the pregnancy
-- called for is called back under the reason that every other call-back has, without its category (maternal 1.7, L2 and
-- L7); one that was never sent or is over is gone.
with

lost_members as (
    select distinct standing_loss.member_key
    from facts.standing_loss
),

consents as (
    select
        consent.person_id,
        -- One that has always held is the earliest.
        case when count(consent.consent_date) = count(*) then min(consent.consent_date) end as consent_date,
        min(consent.scope) as consent_scope
    from core.consent
    where
        consent.scope in ('programme', 'referral')
        and consent.is_valid
    group by consent.person_id
),

known_referrals as (
    select
        state_referral.referral_id,
        member.member_key,
        state_referral.category,
        state_referral.gap_code,
        state_referral.created_at,
        state_referral.pharmacy_npi,
        coalesce(state_referral.service_id, service_match.service_id) as service_id,
        true as is_known
    from raw.state_referral
    inner join core.member
        on state_referral.person_id = member.person_id
    left join facts.service_match
        on
            member.member_key = service_match.member_key
            and state_referral.category = service_match.category
    union all
    select
        referral_request.referral_id,
        referral_request.member_key,
        referral_request.category,
        referral_request.gap_code,
        referral_request.created_at,
        referral_request.pharmacy_npi,
        service_match.service_id,
        false as is_known
    from facts.referral_request
    left join facts.service_match
        on
            referral_request.member_key = service_match.member_key
            and referral_request.category = service_match.category
    inner join raw.gap_code
        on referral_request.gap_code = gap_code.gap_code
    cross join facts.maternal_gate
    where
        referral_request.referral_id not in (select state_referral.referral_id from raw.state_referral)
        and (
            not gap_code.is_pregnancy_dependent
            or (
                -- While losses cannot be seen nothing is sent (L9), and what was asked before a loss never is.
                maternal_gate.closed_reason is null
                and not exists (
                    select 1
                    from facts.suppression
                    where
                        suppression.member_key = referral_request.member_key
                        and suppression.rule = 'L1'
                        and suppression.trigger_date >= cast(referral_request.created_at as date)
                )
            )
        )
),

told_statuses as (
    select
        referral_status.referral_id,
        referral_status.status,
        referral_status.status_at,
        referral_status.status_reason,
        referral_status.outcome_code,
        referral_status.declined_by
    from raw.referral_status
    where cast(referral_status.status_at as date) <= cast($as_of as date)
    union all
    select
        state_referral.referral_id,
        state_referral.status,
        state_referral.status_at,
        state_referral.status_reason,
        state_referral.outcome_code,
        state_referral.declined_by
    from raw.state_referral
    where state_referral.status <> 'draft'
),

newest_statuses as (
    select
        told_statuses.*,
        row_number() over (
            partition by told_statuses.referral_id
            order by
                told_statuses.status_at desc,
                told_statuses.outcome_code desc nulls last,
                told_statuses.status desc,
                told_statuses.status_reason desc nulls last,
                told_statuses.declined_by desc nulls last
        ) as recency
    from told_statuses
),

standing_referrals as (
    select
        known_referrals.referral_id,
        known_referrals.member_key,
        known_referrals.category,
        known_referrals.gap_code,
        known_referrals.created_at,
        known_referrals.pharmacy_npi,
        known_referrals.service_id,
        known_referrals.is_known,
        consents.consent_scope,
        consents.consent_date,
        coalesce(
            newest_statuses.status, case when consents.person_id is null then 'draft' else 'requested' end
        ) as status,
        case
            when newest_statuses.status is not null then newest_statuses.status_reason
            when consents.person_id is null then 'consent_missing'
        end as status_reason,
        coalesce(newest_statuses.status_at, known_referrals.created_at) as status_at,
        newest_statuses.outcome_code,
        newest_statuses.declined_by,
        lost_members.member_key is not null as is_recalled
    from known_referrals
    inner join core.member
        on known_referrals.member_key = member.member_key
    left join consents
        on member.person_id = consents.person_id
    left join newest_statuses
        on
            known_referrals.referral_id = newest_statuses.referral_id
            and newest_statuses.recency = 1
    left join raw.gap_code
        on known_referrals.gap_code = gap_code.gap_code
    left join lost_members
        on case when gap_code.is_pregnancy_dependent then known_referrals.member_key end = lost_members.member_key
    where cast(known_referrals.created_at as date) > cast($as_of as date) - 400
),

settled_referrals as (
    select
        standing_referrals.referral_id,
        standing_referrals.member_key,
        case when standing_referrals.is_recalled then 'sdoh-category-unspecified' else standing_referrals.category end
            as category,
        standing_referrals.gap_code,
        standing_referrals.created_at,
        standing_referrals.pharmacy_npi,
        standing_referrals.service_id,
        standing_referrals.consent_scope,
        standing_referrals.consent_date,
        case when standing_referrals.is_recalled then 'cancelled' else standing_referrals.status end as status,
        case when standing_referrals.is_recalled then 'NOT_ELIGIBLE' else standing_referrals.status_reason end
            as status_reason,
        case
            when standing_referrals.is_recalled and standing_referrals.status <> 'cancelled'
                then cast(cast($as_of as date) as timestamp)
            else standing_referrals.status_at
        end as status_at,
        case when not standing_referrals.is_recalled then standing_referrals.outcome_code end as outcome_code,
        case when not standing_referrals.is_recalled then standing_referrals.declined_by end as declined_by,
        standing_referrals.is_recalled
    from standing_referrals
    where
        not standing_referrals.is_recalled
        or (
            standing_referrals.is_known
            and (
                standing_referrals.status in ('requested', 'accepted', 'in-progress', 'on-hold')
                or (
                    standing_referrals.status = 'cancelled'
                    and standing_referrals.status_reason = 'NOT_ELIGIBLE'
                    and cast(standing_referrals.status_at as date) > cast($as_of as date) - 35
                )
            )
        )
)

select
    settled_referrals.referral_id,
    settled_referrals.member_key,
    settled_referrals.category,
    settled_referrals.gap_code,
    settled_referrals.created_at,
    settled_referrals.pharmacy_npi,
    settled_referrals.service_id,
    settled_referrals.consent_scope,
    settled_referrals.consent_date,
    settled_referrals.status,
    settled_referrals.status_reason,
    settled_referrals.status_at,
    settled_referrals.outcome_code,
    settled_referrals.declined_by,
    settled_referrals.is_recalled,
    settled_referrals.status = 'completed' and settled_referrals.outcome_code is not null as is_closed_loop,
    case
        when settled_referrals.status in ('completed', 'rejected', 'cancelled', 'failed', 'entered-in-error')
            then settled_referrals.status_at
    end as closed_at
from settled_referrals
order by settled_referrals.referral_id
