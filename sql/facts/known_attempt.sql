-- Every reported outcome of an attempt to close a gap that the house knows of: tonight's files, and what earlier nights
-- knew. `facts.contact_attempt` is what of it counts tonight.
--
-- A report names the gap by its id or the person with a code; an id is looked up in what the night before knew, or in
-- what is still known of earlier lists. A code that lists show in place of others means the member's rows that it
-- stood for (interface 3.1). Files need not be delivered again: a word on contact or death, and a care manager's, is
-- remembered for ever (`is_remembered`), the rest for 400 days, what lies ahead until its day. A wrong number is
-- remembered with a digest of the number, so that a new one may be called.
--
-- A word without a day that can be read, also in a row that was refused, counts from the night that first read it. So
-- does one that nobody may be called against (`is_binding`) and whose day lies ahead: to miss one does harm (rules 6.2
-- and 6.7). What takes a protection away (`is_lifting`) needs its own day. An opt-out or a death is of whomever it may
-- speak of, the member that it names and the one whose row it answers.
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
        outcome_word.outcome_code,
        outreach_outcome.gap_id,
        outreach_outcome.gap_code,
        outreach_outcome.subject,
        outreach_outcome.pharmacy_npi,
        outreach_outcome.channel,
        outreach_outcome.staff_role,
        outreach_outcome.next_contact_date
    from raw.outreach_outcome
    inner join core.outcome_word
        on outreach_outcome.outcome_code = outcome_word.word
    union all
    -- A day that no file may tell, such as one of the year 26, is no day.
    select
        refused_word.person_id,
        case
            when cast(refused_word.attempted_at as date) between date '1900-01-01' and date '2100-12-31'
                then refused_word.attempted_at
        end as attempted_at,
        outcome_word.outcome_code,
        refused_word.gap_id,
        refused_word.gap_code,
        refused_word.subject,
        refused_word.pharmacy_npi,
        refused_word.channel,
        refused_word.staff_role,
        refused_word.next_contact_date
    from raw.refused_word
    inner join core.outcome_word
        on refused_word.outcome_code = outcome_word.word
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

-- Somebody may stand here twice: of what they said the same once stands in the end.
gap_members as (
    select
        state_gap.gap_id,
        state_gap.person_id
    from raw.state_gap
    union all
    select
        state_release.gap_id,
        state_release.person_id
    from raw.state_release
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
    union all
    select
        gap_members.person_id,
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
    inner join gap_members
        on
            named_outcomes.gap_id = gap_members.gap_id
            and named_outcomes.person_id <> gap_members.person_id
    inner join raw.outreach_outcome_code
        on
            named_outcomes.outcome_code = outreach_outcome_code.outcome_code
            and outreach_outcome_code.is_binding
            and outreach_outcome_code.is_remembered
),

state_attempts as (
    select
        state_contact_attempt.person_id,
        state_contact_attempt.attempted_at,
        outcome_word.outcome_code,
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
        state_contact_attempt.is_undated
    from raw.state_contact_attempt
    inner join core.outcome_word
        on state_contact_attempt.outcome_code = outcome_word.word
),

-- An older version kept no word on whether a day was given; the days that it gave itself begin at midnight.
first_words as (
    select
        state_attempts.person_id,
        state_attempts.outcome_code,
        coalesce(state_attempts.gap_id, state_attempts.gap_code) as gap,
        min(state_attempts.attempted_at) as attempted_at
    from state_attempts
    where
        coalesce(
            state_attempts.is_undated,
            state_attempts.attempted_at = cast(cast(state_attempts.attempted_at as date) as timestamp)
        )
    group by
        state_attempts.person_id,
        state_attempts.outcome_code,
        coalesce(state_attempts.gap_id, state_attempts.gap_code)
),

-- A death that is first read without a day is not before what was confirmed up to that night: nobody could say so. What
-- is confirmed after that night lifts it, though its file is still there.
confirmed_lives as (
    select
        meant_outcomes.person_id,
        meant_outcomes.attempted_at
    from meant_outcomes
    where
        meant_outcomes.outcome_code = 'ALIVE_CONFIRMED'
        and meant_outcomes.staff_role = 'care_manager'
    union all
    select
        state_attempts.person_id,
        state_attempts.attempted_at
    from state_attempts
    where
        state_attempts.outcome_code = 'ALIVE_CONFIRMED'
        and state_attempts.staff_role = 'care_manager'
),

last_confirmed_lives as (
    select
        confirmed_lives.person_id,
        'DECEASED_REPORTED' as outcome_code,
        max(confirmed_lives.attempted_at) as attempted_at
    from confirmed_lives
    where cast(confirmed_lives.attempted_at as date) <= cast($as_of as date)
    group by confirmed_lives.person_id
),

judged_outcomes as (
    select
        meant_outcomes.*,
        meant_outcomes.attempted_at is null
        or (
            cast(meant_outcomes.attempted_at as date) > cast($as_of as date)
            and coalesce(outreach_outcome_code.is_binding, false)
        ) as is_undated
    from meant_outcomes
    left join raw.outreach_outcome_code
        on meant_outcomes.outcome_code = outreach_outcome_code.outcome_code
    where
        meant_outcomes.person_id is not null
        and (
            meant_outcomes.attempted_at is not null
            or not coalesce(outreach_outcome_code.is_lifting, false)
        )
),

-- Told again by a file that is still there, a word without a usable day is of the night that first read it.
dated_outcomes as (
    select
        judged_outcomes.person_id,
        case
            when judged_outcomes.is_undated
                then coalesce(
                    first_words.attempted_at,
                    greatest(cast(cast($as_of as date) as timestamp), last_confirmed_lives.attempted_at)
                )
            else judged_outcomes.attempted_at
        end as attempted_at,
        judged_outcomes.outcome_code,
        judged_outcomes.gap_id,
        judged_outcomes.gap_code,
        judged_outcomes.subject,
        judged_outcomes.is_of_any_subject,
        judged_outcomes.told_subject,
        judged_outcomes.pharmacy_npi,
        judged_outcomes.channel,
        judged_outcomes.staff_role,
        judged_outcomes.next_contact_date,
        judged_outcomes.is_undated
    from judged_outcomes
    left join first_words
        on
            judged_outcomes.person_id = first_words.person_id
            and judged_outcomes.outcome_code = first_words.outcome_code
            and coalesce(judged_outcomes.gap_id, judged_outcomes.gap_code) = first_words.gap
    left join last_confirmed_lives
        on
            judged_outcomes.person_id = last_confirmed_lives.person_id
            and judged_outcomes.outcome_code = last_confirmed_lives.outcome_code
),

known_attempts as (
    select
        dated_outcomes.person_id,
        dated_outcomes.attempted_at,
        dated_outcomes.outcome_code,
        dated_outcomes.gap_id,
        dated_outcomes.gap_code,
        dated_outcomes.subject,
        dated_outcomes.is_of_any_subject,
        dated_outcomes.told_subject,
        dated_outcomes.pharmacy_npi,
        dated_outcomes.channel,
        dated_outcomes.staff_role,
        dated_outcomes.next_contact_date,
        case
            when dated_outcomes.outcome_code = 'WRONG_NUMBER'
                then substr(sha256(concat_ws('|', $salt, translate(member.phone, '()-. +', ''))), 1, 16)
        end as phone_digest,
        dated_outcomes.is_undated,
        1 as source_rank
    from dated_outcomes
    left join core.member
        on dated_outcomes.person_id = member.person_id
    union all
    select
        state_attempts.*,
        0 as source_rank
    from state_attempts
    left join raw.outreach_outcome_code
        on state_attempts.outcome_code = outreach_outcome_code.outcome_code
    where
        coalesce(outreach_outcome_code.is_remembered, false)
        or cast(state_attempts.attempted_at as date) > cast($as_of as date) - 400
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
        ) as version,
        bool_or(known_attempts.is_undated) over (
            partition by
                known_attempts.person_id,
                known_attempts.attempted_at,
                known_attempts.outcome_code,
                known_attempts.gap_id,
                case when known_attempts.gap_id is null then known_attempts.gap_code end,
                case when known_attempts.gap_id is null then known_attempts.subject end,
                known_attempts.told_subject
        ) as is_any_undated
    from known_attempts
),

-- By these an attempt is no call; whatever else it was made by, and what nobody told, is one.
other_channels as (
    select channel_word.word
    from raw.channel_word
    where channel_word.channel in ('mail', 'other')
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
    -- An outcome that nobody registered is an attempt all the same, and a person must look at what it says.
    coalesce(outreach_outcome_code.is_attempt, true) as is_attempt,
    coalesce(outreach_outcome_code.is_live_contact, false) as is_live_contact,
    coalesce(outreach_outcome_code.is_attempt, true)
    and other_channels.word is null as is_call,
    case when outreach_outcome_code.outcome_code is null then 'pending' else outreach_outcome_code.hold end as hold,
    outreach_outcome_code.closes_as,
    outreach_outcome_code.ends_as,
    coalesce(outreach_outcome_code.is_loss, false) as is_loss,
    -- Of a word that an older version kept what tonight's file says of it.
    coalesce(numbered_attempts.is_undated, numbered_attempts.is_any_undated, false) as is_undated
from numbered_attempts
left join raw.outreach_outcome_code
    on numbered_attempts.outcome_code = outreach_outcome_code.outcome_code
left join other_channels
    on regexp_replace(lower(numbered_attempts.channel), '[^a-z0-9]+', '', 'g') = other_channels.word
where numbered_attempts.version = 1
order by
    numbered_attempts.person_id,
    numbered_attempts.attempted_at,
    numbered_attempts.outcome_code,
    numbered_attempts.gap_id,
    numbered_attempts.gap_code,
    numbered_attempts.subject,
    numbered_attempts.told_subject
