-- Contact columns of each listed row: what the treating pharmacy needs to call, and nothing that it did not dispense.
--
-- The drug, prescription and last fill are shown only where this pharmacy dispensed them (rules 6.2); a channel
-- that the member restricted is blank. These columns are in the per-pharmacy files only (interface 3.1).
with

dispensed as (
    select
        worklist.gap_id,
        drug.ingredients,
        fill.rx_number,
        fill.fill_date,
        row_number() over (
            partition by worklist.gap_id
            order by fill.fill_key desc
        ) as recency
    from outreach.worklist
    inner join outreach.ledger
        on worklist.gap_id = ledger.gap_id
    inner join facts.subject_fill
        on
            ledger.member_key = subject_fill.member_key
            and ledger.subject = subject_fill.subject
    inner join core.fill
        on
            subject_fill.fill_key = fill.fill_key
            and worklist.pharmacy_npi = fill.dispensing_provider_npi
    inner join core.drug
        on fill.drug_key = drug.drug_key
),

-- An outcome names the person or only the gap: the sheet that goes with a delivery carries the gap alone.
attempts as (
    select
        coalesce(outreach_outcome.person_id, ledger.person_id) as person_id,
        cast(count(*) as integer) as contact_attempts_90d
    from raw.outreach_outcome
    left join outreach.ledger
        on outreach_outcome.gap_id = ledger.gap_id
    where
        cast(outreach_outcome.attempted_at as date) > cast($as_of as date) - 90
        and cast(outreach_outcome.attempted_at as date) <= cast($as_of as date)
    group by coalesce(outreach_outcome.person_id, ledger.person_id)
)

select
    worklist.gap_id,
    worklist.pharmacy_npi,
    member.first_name,
    member.last_name,
    member.birth_date,
    case
        when coalesce(concat(';', member_preference.restricted_channels, ';') like '%;phone;%', false) then null
        else member.phone
    end as phone,
    member_preference.best_contact_time,
    coalesce(attempts.contact_attempts_90d, 0) as contact_attempts_90d,
    dispensed.ingredients as related_drug,
    dispensed.rx_number,
    dispensed.fill_date as last_fill_date
from outreach.worklist
inner join core.member
    on worklist.person_id = member.person_id
left join raw.member_preference
    on worklist.person_id = member_preference.person_id
left join attempts
    on worklist.person_id = attempts.person_id
left join dispensed
    on
        worklist.gap_id = dispensed.gap_id
        and dispensed.recency = 1
order by worklist.gap_id
