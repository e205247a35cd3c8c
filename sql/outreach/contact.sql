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
            and ledger.gap_family = coalesce(subject_fill.gap_family, ledger.gap_family)
    inner join core.fill
        on
            subject_fill.fill_key = fill.fill_key
            and worklist.pharmacy_npi = fill.dispensing_provider_npi
    inner join core.drug
        on fill.drug_key = drug.drug_key
)

select
    worklist.gap_id,
    worklist.pharmacy_npi,
    member.first_name,
    member.last_name,
    member.birth_date,
    case when not contact_channel.is_phone_restricted and not contact_channel.is_wrong_number then member.phone end
        as phone,
    preference.best_contact_time,
    coalesce(contact_pressure.attempt_count_90d, 0) as contact_attempts_90d,
    dispensed.ingredients as related_drug,
    dispensed.rx_number,
    dispensed.fill_date as last_fill_date
from outreach.worklist
inner join core.member
    on worklist.person_id = member.person_id
inner join outreach.contact_channel
    on member.member_key = contact_channel.member_key
left join core.preference
    on worklist.person_id = preference.person_id
left join outreach.contact_pressure
    on member.member_key = contact_pressure.member_key
left join dispensed
    on
        worklist.gap_id = dispensed.gap_id
        and dispensed.recency = 1
order by worklist.gap_id
