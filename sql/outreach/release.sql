-- Rows that pharmacies hold or held: when each was first and last on a list, and when it was taken back.
--
-- A row is taken back when the gap depends on a pregnancy and is open no more, whatever the reason, or when its member
-- may no longer be contacted: a reason that told one from the other would tell of a loss (interface 3, recall). So it
-- is when another row stands for it, or when another pharmacy has it now, so that two do not call. A row that the
-- pharmacy has finished needs no recall. Rows are forgotten half a year after they were last listed.
with

finished_gaps as (
    select distinct contact_attempt.gap_id
    from facts.contact_attempt
    where
        contact_attempt.gap_id is not null
        and contact_attempt.outcome_code in (
            'REACHED_COMPLETED', 'REACHED_DECLINED', 'GAP_ALREADY_CLOSED', 'OPT_OUT', 'DUPLICATE', 'DECEASED_REPORTED'
        )
),

open_gaps as (
    select ledger.gap_id
    from outreach.ledger
    where ledger.status = 'open'
),

superseded_gaps as (
    select ledger.gap_id
    from outreach.ledger
    where ledger.closing_reason = 'superseded'
),

moved_gaps as (
    select
        worklist.gap_id,
        worklist.pharmacy_npi
    from outreach.worklist
),

earlier_releases as (
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
        or superseded_gaps.gap_id is not null
        or moved_gaps.pharmacy_npi <> state_release.pharmacy_npi as is_recalled,
        finished_gaps.gap_id is not null as is_finished
    from raw.state_release
    inner join raw.gap_code
        on state_release.gap_code = gap_code.gap_code
    left join open_gaps
        on state_release.gap_id = open_gaps.gap_id
    left join superseded_gaps
        on state_release.gap_id = superseded_gaps.gap_id
    left join moved_gaps
        on state_release.gap_id = moved_gaps.gap_id
    left join core.member
        on state_release.person_id = member.person_id
    left join outreach.contact_block
        on member.member_key = contact_block.member_key
    left join finished_gaps
        on state_release.gap_id = finished_gaps.gap_id
    where state_release.last_listed_date > cast($as_of as date) - 183
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
        when earlier_releases.is_recalled and not earlier_releases.is_finished then cast($as_of as date)
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
