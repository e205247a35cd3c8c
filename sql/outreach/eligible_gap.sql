-- Every open gap with its pharmacy and, where nobody may raise it tonight, the first reason why (rules 6.2 to 6.5).
--
-- What the member wished goes first, then what was reported of this gap, then whether anybody can act on it. Calls are
-- spaced over all programmes; medicines to review are talked over with the prescriber, so that no cap on calls to the
-- member holds them. Three attempts are counted for as long as the gap lives, a decline for the gap under any id.
with

gap_attempts as (
    select
        ledger.gap_id,
        contact_attempt.attempted_at,
        contact_attempt.attempted_date,
        contact_attempt.is_attempt,
        contact_attempt.hold,
        contact_attempt.next_contact_date,
        contact_attempt.attempted_date >= ledger.opened_date as is_of_this_life
    from outreach.ledger
    inner join facts.contact_attempt
        on
            ledger.person_id = contact_attempt.person_id
            and ledger.gap_code = contact_attempt.gap_code
            and (
                contact_attempt.is_of_any_subject
                or ledger.subject is not distinct from contact_attempt.subject
            )
    where ledger.status = 'open'
),

last_words as (
    select
        gap_attempts.gap_id,
        max(gap_attempts.attempted_at) as attempted_at
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
        max(case when gap_attempts.hold = 'duplicate' and gap_attempts.is_of_this_life then 1 else 0 end)
            as is_duplicate,
        max(case when gap_attempts.hold = 'unable_to_reach' and gap_attempts.is_of_this_life then 1 else 0 end)
            as is_given_up,
        count(
            distinct case
                when gap_attempts.is_attempt and gap_attempts.is_of_this_life then gap_attempts.attempted_at
            end
        ) as attempt_count,
        -- The last word counts: an agreed day, or the usual wait for what is under way.
        max(
            case
                when gap_attempts.attempted_at = last_words.attempted_at
                    then coalesce(
                        gap_attempts.next_contact_date,
                        case when gap_attempts.hold = 'pending' then gap_attempts.attempted_date + $pending_days end
                    )
            end
        ) as pending_until_date
    from gap_attempts
    inner join last_words
        on gap_attempts.gap_id = last_words.gap_id
    group by gap_attempts.gap_id
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
    coalesce(gap_code.queue = 'medication_review' or gap_code.is_weekly_cap_exempt, false) as is_weekly_cap_exempt,
    coalesce(gap_code.is_holdout_exempt, false) as is_holdout_exempt,
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
        when holds.is_declined = 1 then 'declined'
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
