-- Every open gap with its pharmacy, its place in that pharmacy's queue and, where it is not listed, the reason.
--
-- The order is total: score, due date, gap code, person, subject, in byte order of published values (interface 3.1);
-- rows that public names make alike are told apart by their id.
with

capacity_of as (
    select
        pharmacy.npi,
        pharmacy.weekly_capacity
    from core.pharmacy
),

open_gaps as (
    select
        ledger.gap_id,
        ledger.person_id,
        case when ledger.is_sensitive then gap_code.public_code else ledger.gap_code end as gap_code,
        case when ledger.is_sensitive then gap_code.public_subject else ledger.subject end as subject,
        ledger.due_date,
        scored_gap.score,
        attribution.pharmacy_npi,
        attribution.state,
        case
            when contact_block.block_reason is not null then contact_block.block_reason
            when scored_gap.channel_reach = 0 then 'no_channel'
            when attribution.pharmacy_npi is null and closed_pharmacies.member_key is not null then 'no_open_pharmacy'
            when attribution.pharmacy_npi is null then 'no_pharmacy'
        end as block_reason
    from outreach.ledger
    inner join outreach.scored_gap
        on ledger.gap_id = scored_gap.gap_id
    left join raw.gap_code
        on ledger.gap_code = gap_code.gap_code
    left join outreach.attribution
        on
            ledger.person_id = attribution.person_id
            and ledger.gap_family = attribution.gap_family
            and ledger.subject is not distinct from attribution.subject
    left join outreach.contact_block
        on ledger.member_key = contact_block.member_key
    left join (
        select distinct fill.member_key
        from core.fill
        inner join core.pharmacy
            on
                fill.dispensing_provider_npi = pharmacy.npi
                and not pharmacy.is_open
        where fill.fill_date > cast($as_of as date) - $last_fill_days
    ) as closed_pharmacies
        on ledger.member_key = closed_pharmacies.member_key
    where ledger.status = 'open'
),

queued_gaps as (
    select
        open_gaps.*,
        row_number() over (
            partition by open_gaps.pharmacy_npi, open_gaps.block_reason is null
            order by
                open_gaps.score desc,
                open_gaps.due_date asc nulls last,
                open_gaps.gap_code asc,
                open_gaps.person_id asc,
                open_gaps.subject asc nulls first,
                open_gaps.gap_id asc
        ) as queue_number
    from open_gaps
)

select
    queued_gaps.gap_id,
    queued_gaps.pharmacy_npi,
    queued_gaps.state,
    case
        when queued_gaps.block_reason is not null then queued_gaps.block_reason
        when queued_gaps.queue_number > capacity_of.weekly_capacity then 'capacity'
    end as status_reason,
    case
        when queued_gaps.block_reason is null and queued_gaps.queue_number <= capacity_of.weekly_capacity
            then cast(queued_gaps.queue_number as integer)
    end as list_rank
from queued_gaps
left join capacity_of
    on queued_gaps.pharmacy_npi = capacity_of.npi
order by queued_gaps.gap_id
