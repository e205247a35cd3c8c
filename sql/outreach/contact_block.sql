-- Members whom no list may name tonight, with the first reason that holds (rules 6.2).
--
-- `do_not_contact` is the member's own wish, an opt-out in a conversation, a consent to all contact that is over, or to
-- what nobody knows, and whatever the plan blocks: litigation, a fraud hold, a restricted record, a guardian who has
-- not authorised contact. Mail that came back blocks nobody who can be called. A report that somebody has died stands
-- until a care manager of the plan says that they are alive. Nobody knows what a preference row that was refused asks
-- for: it holds until it can be read.
with

reports as (
    select
        contact_attempt.person_id,
        max(case when contact_attempt.outcome_code = 'OPT_OUT' then 1 else 0 end) as is_opted_out,
        max(case when contact_attempt.outcome_code = 'DECEASED_REPORTED' then contact_attempt.attempted_at end)
            as deceased_reported_at,
        max(
            case
                when contact_attempt.outcome_code = 'ALIVE_CONFIRMED' and contact_attempt.staff_role = 'care_manager'
                    then contact_attempt.attempted_at
            end
        ) as alive_confirmed_at
    from facts.contact_attempt
    where contact_attempt.outcome_code in ('OPT_OUT', 'DECEASED_REPORTED', 'ALIVE_CONFIRMED')
    group by contact_attempt.person_id
),

withdrawals as (
    select distinct consent.person_id
    from core.consent
    where
        consent.is_of_all_contact
        and not consent.is_valid
),

blocks as (
    select
        member.member_key,
        case
            when
                member.death_date <= cast($as_of as date)
                or reports.deceased_reported_at >= coalesce(reports.alive_confirmed_at, reports.deceased_reported_at)
                then 'deceased'
            when enrollment.member_key is null then 'not_enrolled'
            when hospice.member_key is not null then 'hospice'
            when
                reports.is_opted_out = 1
                or not preference.is_readable
                or preference.is_do_not_contact
                or preference.consent_until < cast($as_of as date)
                or (
                    preference.contact_block_reason <> 'returned_mail'
                    and (
                        preference.contact_block_reason <> 'guardianship'
                        or not coalesce(guardian_consents.is_valid, false)
                    )
                )
                or withdrawals.person_id is not null
                then 'do_not_contact'
            when member.is_institutional then 'institutional'
        end as block_reason
    from core.member
    left join core.enrollment
        on
            member.member_key = enrollment.member_key
            and cast($as_of as date) between enrollment.enrollment_start_date and enrollment.enrollment_end_date
    left join (
        select distinct coverage_status.member_key
        from core.coverage_status
        where
            coverage_status.status = 'hospice'
            and cast($as_of as date) between coverage_status.status_start_date and coverage_status.status_end_date
    ) as hospice
        on member.member_key = hospice.member_key
    left join reports
        on member.person_id = reports.person_id
    left join withdrawals
        on member.person_id = withdrawals.person_id
    left join core.consent as guardian_consents
        on
            member.person_id = guardian_consents.person_id
            and guardian_consents.scope = 'authorised_contact'
    left join core.preference
        on member.person_id = preference.person_id
)

select
    blocks.member_key,
    blocks.block_reason
from blocks
where blocks.block_reason is not null
order by blocks.member_key
