-- Every reported outcome of an attempt to close a gap: tonight's files, and what earlier nights knew.
--
-- A report names the gap by its id or the person with a code; an id is looked up in what the night before knew, or in
-- what was on lists in the last half year. Files need not be delivered again: an opt-out is remembered for ever, the
-- rest for 400 days. A wrong number is remembered with a digest of the number, so that a new one may be called.
with

latest_releases as (
    select
        state_release.gap_id,
        state_release.person_id,
        state_release.gap_code,
        state_release.pharmacy_npi,
        row_number() over (
            partition by state_release.gap_id
            order by
                state_release.last_listed_date desc,
                state_release.pharmacy_npi asc
        ) as recency
    from raw.state_release
),

reported_attempts as (
    select
        coalesce(outreach_outcome.person_id, state_gap.person_id, latest_releases.person_id) as person_id,
        outreach_outcome.attempted_at,
        outreach_outcome.outcome_code,
        outreach_outcome.gap_id,
        coalesce(state_gap.gap_code, latest_releases.gap_code, outreach_outcome.gap_code) as gap_code,
        case when state_gap.gap_id is not null then state_gap.subject else outreach_outcome.subject end as subject,
        state_gap.gap_id is null and outreach_outcome.subject is null as is_of_any_subject,
        coalesce(outreach_outcome.pharmacy_npi, latest_releases.pharmacy_npi) as pharmacy_npi,
        outreach_outcome.channel,
        outreach_outcome.staff_role,
        outreach_outcome.next_contact_date
    from raw.outreach_outcome
    left join raw.state_gap
        on outreach_outcome.gap_id = state_gap.gap_id
    left join latest_releases
        on
            outreach_outcome.gap_id = latest_releases.gap_id
            and latest_releases.recency = 1
    where cast(outreach_outcome.attempted_at as date) <= cast($as_of as date)
),

known_attempts as (
    select
        reported_attempts.person_id,
        reported_attempts.attempted_at,
        reported_attempts.outcome_code,
        reported_attempts.gap_id,
        reported_attempts.gap_code,
        reported_attempts.subject,
        reported_attempts.is_of_any_subject,
        reported_attempts.pharmacy_npi,
        reported_attempts.channel,
        reported_attempts.staff_role,
        reported_attempts.next_contact_date,
        case
            when reported_attempts.outcome_code = 'WRONG_NUMBER'
                then substr(sha256(concat_ws('|', $salt, translate(member.phone, '()-. +', ''))), 1, 16)
        end as phone_digest,
        1 as source_rank
    from reported_attempts
    left join core.member
        on reported_attempts.person_id = member.person_id
    where reported_attempts.person_id is not null
    union all
    select
        state_contact_attempt.person_id,
        state_contact_attempt.attempted_at,
        state_contact_attempt.outcome_code,
        state_contact_attempt.gap_id,
        state_contact_attempt.gap_code,
        state_contact_attempt.subject,
        state_contact_attempt.is_of_any_subject,
        state_contact_attempt.pharmacy_npi,
        state_contact_attempt.channel,
        state_contact_attempt.staff_role,
        state_contact_attempt.next_contact_date,
        state_contact_attempt.phone_digest,
        0 as source_rank
    from raw.state_contact_attempt
    where
        state_contact_attempt.outcome_code in ('OPT_OUT', 'DECEASED_REPORTED')
        or cast(state_contact_attempt.attempted_at as date) > cast($as_of as date) - 400
),

-- A file that is still there tells again what is known: what was known first stands, with the number of that night.
numbered_attempts as (
    select
        known_attempts.*,
        row_number() over (
            partition by
                known_attempts.person_id,
                known_attempts.attempted_at,
                known_attempts.outcome_code,
                known_attempts.gap_id,
                case when known_attempts.gap_id is null then known_attempts.gap_code end,
                case when known_attempts.gap_id is null then known_attempts.subject end
            order by
                known_attempts.source_rank asc,
                known_attempts.is_of_any_subject asc,
                known_attempts.pharmacy_npi asc nulls last,
                known_attempts.channel asc nulls last,
                known_attempts.staff_role asc nulls last,
                known_attempts.next_contact_date desc nulls last
        ) as version
    from known_attempts
)

select
    numbered_attempts.person_id,
    numbered_attempts.attempted_at,
    numbered_attempts.outcome_code,
    numbered_attempts.gap_id,
    numbered_attempts.gap_code,
    numbered_attempts.subject,
    numbered_attempts.is_of_any_subject,
    numbered_attempts.pharmacy_npi,
    numbered_attempts.channel,
    numbered_attempts.staff_role,
    numbered_attempts.next_contact_date,
    numbered_attempts.phone_digest,
    cast(numbered_attempts.attempted_at as date) as attempted_date,
    -- An outcome that nobody registered is an attempt all the same.
    coalesce(outreach_outcome_code.is_attempt, true) as is_attempt,
    coalesce(outreach_outcome_code.is_live_contact, false) as is_live_contact,
    coalesce(outreach_outcome_code.is_attempt, true)
    and coalesce(numbered_attempts.channel, 'phone') in ('phone', 'call', 'telephone', 'voice') as is_call,
    outreach_outcome_code.hold,
    outreach_outcome_code.closes_as,
    outreach_outcome_code.ends_as
from numbered_attempts
left join raw.outreach_outcome_code
    on numbered_attempts.outcome_code = outreach_outcome_code.outcome_code
where numbered_attempts.version = 1
order by
    numbered_attempts.person_id,
    numbered_attempts.attempted_at,
    numbered_attempts.outcome_code,
    numbered_attempts.gap_id,
    numbered_attempts.gap_code,
    numbered_attempts.subject
