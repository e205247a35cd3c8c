-- Each gap's statuses over time: `valid_to` is the first day on which a status no longer held, null while it does.
--
-- The history of sensitive codes and of those that depend on a pregnancy is restricted (interface 3.1). Such a gap may
-- vanish without closing: its last status then ends tonight, and nothing says why.
with

earlier_statuses as (
    select
        state_gap_history.gap_id,
        state_gap_history.valid_from,
        state_gap_history.status,
        state_gap_history.valid_to,
        state_gap_history.is_restricted,
        state_gap_history.is_restricted
        and state_gap_history.status <> 'closed'
        and gap_state.gap_id is null as is_vanished
    from raw.state_gap_history
    left join outreach.gap_state
        on state_gap_history.gap_id = gap_state.gap_id
),

known_gaps as (
    select
        gap_state.gap_id,
        gap_state.status,
        gap_state.is_sensitive or gap_code.is_pregnancy_dependent as is_restricted
    from outreach.gap_state
    inner join raw.gap_code
        on gap_state.gap_code = gap_code.gap_code
    union all
    -- A life that a claim ends while the next one begins is in no other table of tonight.
    select
        earlier_life.gap_id,
        'closed' as status,
        earlier_life.is_restricted
    from outreach.earlier_life
    where earlier_life.closed_date = cast($as_of as date)
),

changed_gaps as (
    select
        known_gaps.gap_id,
        known_gaps.status,
        known_gaps.is_restricted
    from known_gaps
    left join earlier_statuses
        on
            known_gaps.gap_id = earlier_statuses.gap_id
            and earlier_statuses.valid_to is null
    where
        earlier_statuses.gap_id is null
        or earlier_statuses.status <> known_gaps.status
)

select
    earlier_statuses.gap_id,
    earlier_statuses.valid_from,
    earlier_statuses.status,
    case
        when
            earlier_statuses.valid_to is null
            and (changed_gaps.gap_id is not null or earlier_statuses.is_vanished)
            then cast($as_of as date)
        else earlier_statuses.valid_to
    end as valid_to,
    earlier_statuses.is_restricted
from earlier_statuses
left join changed_gaps
    on earlier_statuses.gap_id = changed_gaps.gap_id
union all
select
    changed_gaps.gap_id,
    cast($as_of as date) as valid_from,
    changed_gaps.status,
    cast(null as date) as valid_to,
    changed_gaps.is_restricted
from changed_gaps
