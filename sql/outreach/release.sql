-- Rows that pharmacies hold or held: when each was first and last on a list, and when it was taken back.
--
-- A row is taken back when it may not be worked any more (rules 6.7): when its gap depends on a pregnancy and is open
-- no more, whatever the reason, or when its member may no longer be contacted, about anything or about this (rules 6.2
-- and 6.4): a reason that told one from the other would tell of a loss (interface 3, recall). So it is when another row
-- stands for it, when the member is back in hospital, while a rule holds the gap back, and when another pharmacy has it
-- now, or calls the member about something else, so that two do not call. What only waits, for an outcome or a place on
-- the list, is not taken back, nor is what this pharmacy has finished.
--
-- Rows are forgotten half a year after they were last listed. One that a programme may have paid for stays as long as
-- its report: only what is known of January makes a service of September its duplicate (rules 6.8).
with

-- What a pharmacy reported of its own rows. A gap that was declined may be listed again when that has run out: the
-- report then answers a listing that is over.
answered_rows as (
    select
        state_release.gap_id,
        state_release.pharmacy_npi,
        max(
            case
                when
                    contact_attempt.outcome_code in (
                        'REACHED_COMPLETED',
                        'REACHED_DECLINED',
                        'GAP_ALREADY_CLOSED',
                        'OPT_OUT',
                        'DUPLICATE',
                        'DECEASED_REPORTED'
                    )
                    and contact_attempt.attempted_date > state_release.last_listed_date - $declined_days
                    then 1
                else 0
            end
        ) as is_finished,
        max(
            case
                when
                    programme_outcome.outcome_code is not null
                    and contact_attempt.attempted_date > cast($as_of as date) - 400
                    then 1
                else 0
            end
        ) as is_payable
    from raw.state_release
    inner join facts.contact_attempt
        on
            state_release.gap_id = contact_attempt.gap_id
            and state_release.pharmacy_npi = contact_attempt.pharmacy_npi
            and state_release.first_listed_date <= contact_attempt.attempted_date
    left join raw.programme_outcome
        on
            state_release.programme = programme_outcome.programme_id
            and state_release.service_code = programme_outcome.service_code
            and contact_attempt.outcome_code = programme_outcome.outcome_code
    group by
        state_release.gap_id,
        state_release.pharmacy_npi
),

-- Gaps that wait for no report and no place: nobody may work them tonight.
barred_gaps as (
    select ledger.gap_id
    from outreach.ledger
    left join outreach.scored_gap
        on ledger.gap_id = scored_gap.gap_id
    where
        ledger.status = 'suppressed'
        or ledger.closing_reason in ('superseded', 'superseded_readmit', 'deceased', 'not_enrolled')
        -- Whether the member closed the last channel or it failed, the pharmacy need not know.
        or (ledger.status = 'open' and scored_gap.channel_reach = 0)
),

-- States that forbid a gap by its code or by its subject.
forbidden_gaps as (
    select
        state_release.gap_id,
        state_policy.state
    from raw.state_release
    inner join raw.state_policy
        on state_release.gap_code = state_policy.gap_code
    union
    select
        ledger.gap_id,
        state_policy.state
    from outreach.ledger
    inner join raw.state_policy
        on ledger.subject = state_policy.subject
),

open_gaps as (
    select ledger.gap_id
    from outreach.ledger
    where ledger.status = 'open'
),

moved_gaps as (
    select
        worklist.gap_id,
        worklist.pharmacy_npi
    from outreach.worklist
),

-- The one pharmacy that calls a member from tonight's lists; what no cap on calls holds, another may raise beside it.
called_members as (
    select
        worklist.person_id,
        min(worklist.pharmacy_npi) as pharmacy_npi
    from outreach.worklist
    inner join outreach.eligible_gap
        on worklist.gap_id = eligible_gap.gap_id
    where not eligible_gap.is_weekly_cap_exempt
    group by worklist.person_id
),

known_releases as (
    select
        state_release.gap_id,
        state_release.pharmacy_npi,
        state_release.state,
        state_release.person_id,
        state_release.gap_code,
        state_release.first_listed_date,
        state_release.last_listed_date,
        state_release.recalled_date,
        state_release.programme,
        state_release.service_code,
        gap_code.is_pregnancy_dependent
        and open_gaps.gap_id is null
        or contact_block.member_key is not null
        or member.member_key is null
        or not family_consents.is_valid
        or not programme_consents.is_valid
        or (gap_code.is_manufacturer_funded and not coalesce(funded_consents.is_valid, false))
        or holder_policies.gap_id is not null
        or home_policies.gap_id is not null
        or barred_gaps.gap_id is not null
        or moved_gaps.pharmacy_npi <> state_release.pharmacy_npi
        or (
            open_gaps.gap_id is not null
            and called_members.pharmacy_npi <> state_release.pharmacy_npi
            and gap_code.queue = 'routine'
            and not gap_code.is_weekly_cap_exempt
        ) as is_taken_back,
        state_release.last_listed_date > cast($as_of as date) - 183 as is_recent,
        coalesce(answered_rows.is_finished = 1, false) as is_finished,
        coalesce(answered_rows.is_payable = 1, false) as is_payable
    from raw.state_release
    inner join raw.gap_code
        on state_release.gap_code = gap_code.gap_code
    left join open_gaps
        on state_release.gap_id = open_gaps.gap_id
    left join barred_gaps
        on state_release.gap_id = barred_gaps.gap_id
    left join moved_gaps
        on state_release.gap_id = moved_gaps.gap_id
    left join called_members
        on state_release.person_id = called_members.person_id
    left join core.member
        on state_release.person_id = member.person_id
    left join outreach.contact_block
        on member.member_key = contact_block.member_key
    left join core.consent as family_consents
        on
            state_release.person_id = family_consents.person_id
            and gap_code.gap_family = family_consents.scope
    left join core.consent as programme_consents
        on
            state_release.person_id = programme_consents.person_id
            and state_release.programme = programme_consents.scope
    left join core.consent as funded_consents
        on
            state_release.person_id = funded_consents.person_id
            and funded_consents.scope = 'marketing'
    left join forbidden_gaps as holder_policies
        on
            state_release.gap_id = holder_policies.gap_id
            and state_release.state = holder_policies.state
    left join forbidden_gaps as home_policies
        on
            state_release.gap_id = home_policies.gap_id
            and member.state = home_policies.state
    left join answered_rows
        on
            state_release.gap_id = answered_rows.gap_id
            and state_release.pharmacy_npi = answered_rows.pharmacy_npi
),

earlier_releases as (
    select
        known_releases.*,
        known_releases.is_recent
        and known_releases.is_taken_back
        and not known_releases.is_finished as is_recalled
    from known_releases
    where
        known_releases.is_recent
        or known_releases.is_payable
)

select
    coalesce(worklist.gap_id, earlier_releases.gap_id) as gap_id,
    coalesce(worklist.pharmacy_npi, earlier_releases.pharmacy_npi) as pharmacy_npi,
    coalesce(worklist.state, earlier_releases.state) as state,
    coalesce(worklist.person_id, earlier_releases.person_id) as person_id,
    coalesce(ledger.gap_code, earlier_releases.gap_code) as gap_code,
    coalesce(earlier_releases.first_listed_date, cast($as_of as date)) as first_listed_date,
    case when worklist.gap_id is not null then cast($as_of as date) else earlier_releases.last_listed_date end
        as last_listed_date,
    -- On a list again, it is recalled no more.
    case
        when worklist.gap_id is not null then null
        when earlier_releases.recalled_date is not null then earlier_releases.recalled_date
        when earlier_releases.is_recalled then cast($as_of as date)
    end as recalled_date,
    case when worklist.gap_id is not null then worklist.programme else earlier_releases.programme end as programme,
    case when worklist.gap_id is not null then worklist.service_code else earlier_releases.service_code end
        as service_code
from earlier_releases
full outer join outreach.worklist
    on
        earlier_releases.gap_id = worklist.gap_id
        and earlier_releases.pharmacy_npi = worklist.pharmacy_npi
left join outreach.ledger
    on worklist.gap_id = ledger.gap_id
order by
    gap_id,
    pharmacy_npi
