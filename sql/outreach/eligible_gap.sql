-- Every open gap with its pharmacy and, where nobody may raise it tonight, the first reason why (rules 6.2 to 6.5).
--
-- What the member wished goes first, then what was reported of this gap, then whether anybody can act on it. Calls are
-- spaced over all programmes; medicines to review are talked over with the prescriber, so that no cap on calls to the
-- member holds them. Attempts that reached nobody are counted for as long as the ask goes on: three, and somebody who
-- answers begins the count anew. A decline stands for the gap under any id, and of a need of daily life as well where a
-- community service heard it (community 5.3).
--
-- Where one code at a time stands for a subject, another is the same ask: what was said of the one was said of the
-- other, and the ask goes on from the night on which the first row of an unbroken chain of them opened. Only urgent
-- medicine safety hears no word but its own.
--
-- A day that the member agreed to is kept: this list is read on the morning after the as-of date, so that a call agreed
-- for that morning stands on it, though somebody called within the week. The four conversations in 90 days hold it.
with

-- Rows that stood for one subject after each other. One that opened on the night on which it superseded another goes on
-- with its ask; any other begins one.
followed_rows as (
    select
        ledger.gap_id,
        ledger.person_id,
        ledger.gap_family,
        ledger.gap_code,
        ledger.subject,
        ledger.status,
        ledger.opened_date,
        ledger.closed_date,
        gap_code.is_weekly_cap_exempt,
        lag(case when ledger.closing_reason = 'superseded' then ledger.closed_date end) over (
            partition by ledger.person_id, ledger.gap_family, ledger.subject
            order by
                ledger.opened_date asc nulls first,
                ledger.closed_date asc nulls last,
                ledger.gap_id asc
        ) as superseded_date
    from outreach.ledger
    inner join raw.gap_code
        on
            ledger.gap_code = gap_code.gap_code
            and gap_code.is_one_per_subject
    where ledger.person_id in (select contact_attempt.person_id from facts.contact_attempt)
),

numbered_rows as (
    select
        followed_rows.*,
        sum(case when followed_rows.superseded_date = followed_rows.opened_date then 0 else 1 end) over (
            partition by followed_rows.person_id, followed_rows.gap_family, followed_rows.subject
            order by
                followed_rows.opened_date asc nulls first,
                followed_rows.closed_date asc nulls last,
                followed_rows.gap_id asc
            rows unbounded preceding
        ) as ask_number
    from followed_rows
),

asks as (
    select
        numbered_rows.gap_id,
        numbered_rows.person_id,
        numbered_rows.gap_family,
        numbered_rows.gap_code,
        numbered_rows.subject,
        numbered_rows.status,
        numbered_rows.is_weekly_cap_exempt,
        min(numbered_rows.opened_date) over (
            partition by
                numbered_rows.person_id,
                numbered_rows.gap_family,
                numbered_rows.subject,
                numbered_rows.ask_number
        ) as asked_date
    from numbered_rows
),

-- A report that names no subject means, of a sister code, the subjects for which that code stood.
said_words as (
    select
        ledger.gap_id,
        contact_attempt.attempted_at,
        contact_attempt.attempted_date,
        contact_attempt.is_attempt,
        contact_attempt.is_live_contact,
        contact_attempt.hold,
        contact_attempt.next_contact_date,
        coalesce(asks.asked_date, ledger.opened_date) as asked_date
    from outreach.ledger
    inner join facts.contact_attempt
        on
            ledger.person_id = contact_attempt.person_id
            and ledger.gap_code = contact_attempt.gap_code
            and (
                contact_attempt.is_of_any_subject
                or ledger.subject is not distinct from contact_attempt.subject
            )
    left join asks
        on
            ledger.gap_id = asks.gap_id
            and not asks.is_weekly_cap_exempt
    where ledger.status = 'open'
    union all
    select
        asks.gap_id,
        contact_attempt.attempted_at,
        contact_attempt.attempted_date,
        contact_attempt.is_attempt,
        contact_attempt.is_live_contact,
        contact_attempt.hold,
        contact_attempt.next_contact_date,
        asks.asked_date
    from asks
    inner join facts.contact_attempt
        on
            asks.person_id = contact_attempt.person_id
            and asks.gap_code <> contact_attempt.gap_code
    inner join raw.gap_code
        on
            contact_attempt.gap_code = gap_code.gap_code
            and asks.gap_family = gap_code.gap_family
            and gap_code.is_one_per_subject
    left join asks as sisters
        on
            contact_attempt.person_id = sisters.person_id
            and contact_attempt.gap_code = sisters.gap_code
            and asks.subject is not distinct from sisters.subject
    where
        asks.status = 'open'
        and not asks.is_weekly_cap_exempt
        and case
            when contact_attempt.is_of_any_subject then sisters.gap_id is not null
            else asks.subject is not distinct from contact_attempt.subject
        end
),

-- A day agreed further ahead than the 90 days over which conversations are counted is a slip of the pen (2099), or a
-- wish to be left alone that other outcomes are for: it would hold the gap for ever.
gap_attempts as (
    select
        said_words.gap_id,
        said_words.attempted_at,
        said_words.attempted_date,
        said_words.is_attempt,
        said_words.is_live_contact,
        said_words.hold,
        case
            when said_words.next_contact_date is not null
                then least(said_words.next_contact_date, said_words.attempted_date + 90)
        end as agreed_date,
        said_words.attempted_date >= said_words.asked_date as is_of_this_ask
    from said_words
),

last_words as (
    select
        gap_attempts.gap_id,
        max(gap_attempts.attempted_at) as attempted_at,
        max(case when gap_attempts.is_live_contact and gap_attempts.is_of_this_ask then gap_attempts.attempted_at end)
            as answered_at
    from gap_attempts
    group by gap_attempts.gap_id
),

holds as (
    select
        gap_attempts.gap_id,
        max(
            case
                when
                    gap_attempts.hold = 'declined'
                    and gap_attempts.attempted_date > cast($as_of as date) - $declined_days
                    then 1
                else 0
            end
        ) as is_declined,
        max(case when gap_attempts.hold = 'duplicate' and gap_attempts.is_of_this_ask then 1 else 0 end)
            as is_duplicate,
        max(case when gap_attempts.hold = 'unable_to_reach' and gap_attempts.is_of_this_ask then 1 else 0 end)
            as is_given_up,
        count(
            distinct case
                when
                    gap_attempts.is_attempt
                    and gap_attempts.is_of_this_ask
                    and coalesce(gap_attempts.attempted_at > last_words.answered_at, true)
                    then gap_attempts.attempted_at
            end
        ) as attempt_count,
        -- The last word counts: an agreed day, or the usual wait for what is under way. The list of the as-of date is
        -- read on the next morning, so that the row is on the list of the night before the agreed day; nobody expects
        -- a call on the day on which the usual wait ends.
        max(
            case
                when gap_attempts.attempted_at = last_words.attempted_at
                    then coalesce(
                        gap_attempts.agreed_date - 1,
                        case when gap_attempts.hold = 'pending' then gap_attempts.attempted_date + $pending_days end
                    )
            end
        ) as pending_until_date,
        max(
            case
                when gap_attempts.attempted_at = last_words.attempted_at and gap_attempts.is_live_contact
                    then gap_attempts.agreed_date
            end
        ) as agreed_date
    from gap_attempts
    inner join last_words
        on gap_attempts.gap_id = last_words.gap_id
    group by gap_attempts.gap_id
),

-- Calls that a member agreed to and that nobody has made: due on the morning of this list, or owed for no longer than
-- an open outcome is waited for.
agreed_calls as (
    select holds.gap_id
    from holds
    inner join outreach.ledger
        on holds.gap_id = ledger.gap_id
    left join outreach.contact_pressure
        on ledger.member_key = contact_pressure.member_key
    where
        holds.agreed_date <= cast($as_of as date) + 1
        and holds.agreed_date > cast($as_of as date) - $pending_days
        and coalesce(contact_pressure.last_call_date < holds.agreed_date, true)
),

closed_pharmacies as (
    select distinct fill.member_key
    from core.fill
    inner join core.pharmacy
        on
            fill.dispensing_provider_npi = pharmacy.npi
            and not pharmacy.is_open
    where fill.fill_date > cast($as_of as date) - $last_fill_days
),

-- States that forbid a gap by its code or by its subject.
forbidden_gaps as (
    select
        ledger.gap_id,
        state_policy.state
    from outreach.ledger
    inner join raw.state_policy
        on ledger.gap_code = state_policy.gap_code
    where ledger.status = 'open'
    union
    select
        ledger.gap_id,
        state_policy.state
    from outreach.ledger
    inner join raw.state_policy
        on ledger.subject = state_policy.subject
    where ledger.status = 'open'
),

placed_gaps as (
    select
        ledger.gap_id,
        ledger.person_id,
        ledger.member_key,
        ledger.gap_family,
        ledger.gap_code,
        ledger.subject,
        ledger.due_date,
        ledger.is_sensitive,
        member.state as home_state,
        scored_gap.score,
        -- What the list will call urgent (rules 6.6).
        coalesce(scored_gap.score >= $band_urgent_score or ledger.severity >= $band_urgent_severity, false)
            as is_urgent,
        scored_gap.channel_reach,
        scored_gap.is_rural,
        attribution.pharmacy_npi,
        attribution.state
    from outreach.ledger
    inner join outreach.scored_gap
        on ledger.gap_id = scored_gap.gap_id
    left join core.member
        on ledger.member_key = member.member_key
    left join outreach.attribution
        on
            ledger.person_id = attribution.person_id
            and ledger.gap_family = attribution.gap_family
            and ledger.subject is not distinct from attribution.subject
    where ledger.status = 'open'
)

select
    placed_gaps.gap_id,
    placed_gaps.person_id,
    placed_gaps.member_key,
    placed_gaps.gap_family,
    case when placed_gaps.is_sensitive then gap_code.public_code else placed_gaps.gap_code end as list_code,
    case when placed_gaps.is_sensitive then gap_code.public_subject else placed_gaps.subject end as list_subject,
    coalesce(gap_code.queue, 'routine') as queue,
    placed_gaps.is_urgent,
    coalesce(gap_code.queue = 'medication_review' or gap_code.is_weekly_cap_exempt, false) as is_weekly_cap_exempt,
    coalesce(gap_code.is_holdout_exempt, false) as is_holdout_exempt,
    agreed_calls.gap_id is not null as is_agreed_call,
    placed_gaps.due_date,
    placed_gaps.score,
    placed_gaps.is_rural,
    placed_gaps.pharmacy_npi,
    placed_gaps.state,
    case
        when contact_block.block_reason is not null then contact_block.block_reason
        when not family_consents.is_valid or not programme_consents.is_valid then 'do_not_contact'
        when gap_code.is_manufacturer_funded and not coalesce(funded_consents.is_valid, false) then 'no_authorisation'
        when holds.is_duplicate = 1 then 'duplicate'
        when holds.is_declined = 1 or declined_needs.member_key is not null then 'declined'
        when holds.is_given_up = 1 or holds.attempt_count >= $max_attempts then 'unable_to_reach'
        when holds.pending_until_date > cast($as_of as date) then 'outcome_pending'
        when placed_gaps.channel_reach = 0 then 'no_channel'
        when placed_gaps.pharmacy_npi is null and closed_pharmacies.member_key is not null then 'no_open_pharmacy'
        when placed_gaps.pharmacy_npi is null then 'no_pharmacy'
        when pharmacy_policies.gap_id is not null or home_policies.gap_id is not null then 'state_policy'
        when gap_programme.is_held_back then 'no_programme'
        when
            coalesce(gap_code.queue, 'routine') = 'routine'
            and (
                contact_pressure.live_contact_count >= $max_live_contacts
                or (
                    not gap_code.is_weekly_cap_exempt
                    and agreed_calls.gap_id is null
                    and contact_pressure.last_call_date > cast($as_of as date) - $call_interval_days
                )
            )
            then 'frequency_cap'
    end as block_reason,
    gap_programme.programme,
    gap_programme.service_code,
    gap_programme.weekly_capacity as programme_capacity
from placed_gaps
left join raw.gap_code
    on placed_gaps.gap_code = gap_code.gap_code
left join outreach.gap_programme
    on placed_gaps.gap_id = gap_programme.gap_id
left join outreach.contact_block
    on placed_gaps.member_key = contact_block.member_key
left join outreach.contact_pressure
    on placed_gaps.member_key = contact_pressure.member_key
left join forbidden_gaps as pharmacy_policies
    on
        placed_gaps.gap_id = pharmacy_policies.gap_id
        and placed_gaps.state = pharmacy_policies.state
left join forbidden_gaps as home_policies
    on
        placed_gaps.gap_id = home_policies.gap_id
        and placed_gaps.home_state = home_policies.state
left join holds
    on placed_gaps.gap_id = holds.gap_id
left join agreed_calls
    on placed_gaps.gap_id = agreed_calls.gap_id
left join facts.referral_hold as declined_needs
    on
        placed_gaps.member_key = declined_needs.member_key
        and case when placed_gaps.gap_family = 'community_resource' then placed_gaps.subject end
        = declined_needs.category
        and declined_needs.hold_reason = 'declined'
-- A consent's scope may be a family, a programme, or a manufacturer's programmes.
left join core.consent as family_consents
    on
        placed_gaps.person_id = family_consents.person_id
        and placed_gaps.gap_family = family_consents.scope
left join core.consent as programme_consents
    on
        placed_gaps.person_id = programme_consents.person_id
        and gap_programme.programme = programme_consents.scope
left join core.consent as funded_consents
    on
        placed_gaps.person_id = funded_consents.person_id
        and funded_consents.scope = 'marketing'
left join closed_pharmacies
    on placed_gaps.member_key = closed_pharmacies.member_key
