-- Every reported outcome of an attempt to close a gap that the house knows of: tonight's files, and what earlier nights
-- knew. `facts.contact_attempt` is what of it counts tonight.
--
-- A report names the gap by its id or the person with a code; an id is looked up in what the night before knew, or in
-- what is still known of earlier lists. A code that lists show in place of others means the member's rows that it
-- stood for (interface 3.1). Files need not be delivered again: a word on contact or death, and a care manager's, is
-- remembered for ever, the rest for 400 days, what lies ahead until its day. A wrong number is remembered with a digest
-- of the number, so that a new one may be called.
--
-- A word that nobody may be called against (`is_binding`) counts from the night that reads it where its day is missing
-- or lies ahead, and where something else in its row had it refused: to miss one does harm (rules 6.2, 6.7).
with

ranked_releases as (
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

latest_releases as (
    select
        ranked_releases.gap_id,
        ranked_releases.person_id,
        ranked_releases.gap_code,
        ranked_releases.pharmacy_npi
    from ranked_releases
    where ranked_releases.recency = 1
),

told_outcomes as (
    select
        outreach_outcome.person_id,
        outreach_outcome.attempted_at,
        outreach_outcome.outcome_code,
        outreach_outcome.gap_id,
        outreach_outcome.gap_code,
        outreach_outcome.subject,
        outreach_outcome.pharmacy_npi,
        outreach_outcome.channel,
        outreach_outcome.staff_role,
        outreach_outcome.next_contact_date
    from raw.outreach_outcome
    union all
    select
        refused_word.person_id,
        refused_word.attempted_at,
        refused_word.outcome_code,
        refused_word.gap_id,
        refused_word.gap_code,
        refused_word.subject,
        refused_word.pharmacy_npi,
        refused_word.channel,
        refused_word.staff_role,
        refused_word.next_contact_date
    from raw.refused_word
    where refused_word.outcome_code is not null
),

named_outcomes as (
    select
        coalesce(told_outcomes.person_id, state_gap.person_id, latest_releases.person_id) as person_id,
        told_outcomes.attempted_at,
        told_outcomes.outcome_code,
        told_outcomes.gap_id,
        coalesce(state_gap.gap_code, latest_releases.gap_code, told_outcomes.gap_code) as gap_code,
        case when state_gap.gap_id is not null then state_gap.subject else told_outcomes.subject end as subject,
        state_gap.gap_id is null and told_outcomes.subject is null as is_of_any_subject,
        told_outcomes.subject as told_subject,
        coalesce(told_outcomes.pharmacy_npi, latest_releases.pharmacy_npi) as pharmacy_npi,
        told_outcomes.channel,
        told_outcomes.staff_role,
        told_outcomes.next_contact_date
    from told_outcomes
    left join raw.state_gap
        on told_outcomes.gap_id = state_gap.gap_id
    left join latest_releases
        on told_outcomes.gap_id = latest_releases.gap_id
),

-- Whether a row of before stood under its public code is known while its gap is; after that it may have.
shown_codes as (
    select
        state_gap.person_id,
        gap_code.public_code,
        state_gap.gap_code
    from raw.state_gap
    inner join raw.gap_code
        on state_gap.gap_code = gap_code.gap_code
    where
        state_gap.is_sensitive
        and gap_code.public_code <> state_gap.gap_code
    union
    select
        latest_releases.person_id,
        gap_code.public_code,
        latest_releases.gap_code
    from latest_releases
    inner join raw.gap_code
        on latest_releases.gap_code = gap_code.gap_code
    left join raw.state_gap
        on latest_releases.gap_id = state_gap.gap_id
    where
        state_gap.gap_id is null
        and gap_code.public_code <> latest_releases.gap_code
),

meant_outcomes as (
    select
        named_outcomes.person_id,
        named_outcomes.attempted_at,
        named_outcomes.outcome_code,
        named_outcomes.gap_id,
        named_outcomes.gap_code,
        named_outcomes.subject,
        named_outcomes.is_of_any_subject,
        named_outcomes.told_subject,
        named_outcomes.pharmacy_npi,
        named_outcomes.channel,
        named_outcomes.staff_role,
        named_outcomes.next_contact_date
    from named_outcomes
    union all
    select
        named_outcomes.person_id,
        named_outcomes.attempted_at,
        named_outcomes.outcome_code,
        cast(null as varchar) as gap_id,
        shown_codes.gap_code,
        cast(null as varchar) as subject,
        true as is_of_any_subject,
        named_outcomes.told_subject,
        named_outcomes.pharmacy_npi,
        named_outcomes.channel,
        named_outcomes.staff_role,
        named_outcomes.next_contact_date
    from named_outcomes
    inner join shown_codes
        on
            named_outcomes.person_id = shown_codes.person_id
            and named_outcomes.gap_code = shown_codes.public_code
),

first_words as (
    select
        state_contact_attempt.person_id,
        state_contact_attempt.outcome_code,
        coalesce(state_contact_attempt.gap_id, state_contact_attempt.gap_code) as gap,
        min(state_contact_attempt.attempted_at) as attempted_at
    from raw.state_contact_attempt
    group by
        state_contact_attempt.person_id,
        state_contact_attempt.outcome_code,
        coalesce(state_contact_attempt.gap_id, state_contact_attempt.gap_code)
),

-- Told again by a file that is still there, a word without a usable day is of the night that first read it.
dated_outcomes as (
    select
        meant_outcomes.person_id,
        case
            when
                coalesce(outreach_outcome_code.is_binding, false)
                and coalesce(cast(meant_outcomes.attempted_at as date) > cast($as_of as date), true)
                then coalesce(first_words.attempted_at, cast(cast($as_of as date) as timestamp))
            else meant_outcomes.attempted_at
        end as attempted_at,
        meant_outcomes.outcome_code,
        meant_outcomes.gap_id,
        meant_outcomes.gap_code,
        meant_outcomes.subject,
        meant_outcomes.is_of_any_subject,
        meant_outcomes.told_subject,
        meant_outcomes.pharmacy_npi,
        meant_outcomes.channel,
        meant_outcomes.staff_role,
        meant_outcomes.next_contact_date
    from meant_outcomes
    left join raw.outreach_outcome_code
        on meant_outcomes.outcome_code = outreach_outcome_code.outcome_code
    left join first_words
        on
            meant_outcomes.person_id = first_words.person_id
            and meant_outcomes.outcome_code = first_words.outcome_code
            and coalesce(meant_outcomes.gap_id, meant_outcomes.gap_code) = first_words.gap
    where meant_outcomes.person_id is not null
),

known_attempts as (
    select
        dated_outcomes.*,
        case
            when dated_outcomes.outcome_code = 'WRONG_NUMBER'
                then substr(sha256(concat_ws('|', $salt, translate(member.phone, '()-. +', ''))), 1, 16)
        end as phone_digest,
        1 as source_rank
    from dated_outcomes
    left join core.member
        on dated_outcomes.person_id = member.person_id
    where dated_outcomes.attempted_at is not null
    union all
    select
        state_contact_attempt.person_id,
        state_contact_attempt.attempted_at,
        state_contact_attempt.outcome_code,
        state_contact_attempt.gap_id,
        state_contact_attempt.gap_code,
        state_contact_attempt.subject,
        state_contact_attempt.is_of_any_subject,
        state_contact_attempt.told_subject,
        state_contact_attempt.pharmacy_npi,
        state_contact_attempt.channel,
        state_contact_attempt.staff_role,
        state_contact_attempt.next_contact_date,
        state_contact_attempt.phone_digest,
        0 as source_rank
    from raw.state_contact_attempt
    where
        state_contact_attempt.outcome_code in (
            'OPT_OUT', 'DECEASED_REPORTED', 'ALIVE_CONFIRMED', 'LOSS_MISCODED_CONFIRMED'
        )
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
                case when known_attempts.gap_id is null then known_attempts.subject end,
                known_attempts.told_subject
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
    numbered_attempts.told_subject,
    numbered_attempts.pharmacy_npi,
    numbered_attempts.channel,
    numbered_attempts.staff_role,
    numbered_attempts.next_contact_date,
    numbered_attempts.phone_digest,
    cast(numbered_attempts.attempted_at as date) as attempted_date,
    cast(numbered_attempts.attempted_at as date) > cast($as_of as date) as is_to_come,
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
    numbered_attempts.subject,
    numbered_attempts.told_subject
