-- Each gap's statuses over time: `valid_to` is the first day on which a status no longer held, null while it does.
with

earlier_statuses as (
    select
        state_gap_history.gap_id,
        state_gap_history.valid_from,
        state_gap_history.status,
        state_gap_history.valid_to
    from raw.state_gap_history
),

changed_gaps as (
    select
        ledger.gap_id,
        ledger.status
    from outreach.ledger
    left join earlier_statuses
        on
            ledger.gap_id = earlier_statuses.gap_id
            and earlier_statuses.valid_to is null
    where
        earlier_statuses.gap_id is null
        or earlier_statuses.status <> ledger.status
)

select
    earlier_statuses.gap_id,
    earlier_statuses.valid_from,
    earlier_statuses.status,
    case
        when earlier_statuses.valid_to is null and changed_gaps.gap_id is not null then cast($as_of as date)
        else earlier_statuses.valid_to
    end as valid_to
from earlier_statuses
left join changed_gaps
    on earlier_statuses.gap_id = changed_gaps.gap_id
union all
select
    changed_gaps.gap_id,
    cast($as_of as date) as valid_from,
    changed_gaps.status,
    cast(null as date) as valid_to
from changed_gaps
order by
    gap_id,
    valid_from
