-- Every open gap with the programme that it is raised under, and whether none has begun for it (programmes.yaml).
--
-- A programme has begun for a gap when it names the family, a phase of it has begun in the member's state of residence
-- or everywhere, and the member is of one of its populations. Of several the first by name counts. A family that no
-- programme names is free: such a gap is raised everywhere, as nobody's. A sensitive row is asked under a programme of
-- the family that lists show for it, since another would tell what the row does not; whether it may be raised its own
-- family decides.
with

begun_phases as (
    select
        programme.programme_id,
        programme.gap_family,
        programme.population,
        programme.state
    from raw.programme
    where programme.start_date <= cast($as_of as date)
),

home_states as (
    select distinct member.state as home_state
    from core.member
),

-- Programmes for everyone of a state are the same for every gap of a family there.
state_programmes as (
    select
        home_states.home_state,
        begun_phases.gap_family,
        min(begun_phases.programme_id) as programme
    from home_states
    inner join begun_phases
        on coalesce(home_states.home_state = begun_phases.state, begun_phases.state is null)
    where begun_phases.population = 'everyone'
    group by
        home_states.home_state,
        begun_phases.gap_family
),

member_programmes as (
    select
        programme_member.member_key,
        programme_member.gap_family,
        min(programme_member.programme_id) as programme
    from facts.programme_member
    inner join begun_phases
        on
            programme_member.programme_id = begun_phases.programme_id
            and programme_member.gap_family = begun_phases.gap_family
            and programme_member.population = begun_phases.population
    inner join core.member
        on programme_member.member_key = member.member_key
    where coalesce(begun_phases.state = member.state, begun_phases.state is null)
    group by
        programme_member.member_key,
        programme_member.gap_family
),

named_families as (
    select distinct programme.gap_family
    from raw.programme
),

open_gaps as (
    select
        ledger.gap_id,
        ledger.member_key,
        member.state as home_state,
        ledger.gap_family,
        ledger.is_sensitive,
        case when ledger.is_sensitive then gap_code.public_family end as public_family,
        case when ledger.is_sensitive then gap_code.public_code else ledger.gap_code end as list_code
    from outreach.ledger
    left join raw.gap_code
        on ledger.gap_code = gap_code.gap_code
    left join core.member
        on ledger.member_key = member.member_key
    where ledger.status = 'open'
),

asked_gaps as (
    select
        open_gaps.gap_id,
        open_gaps.list_code,
        case
            when open_gaps.is_sensitive
                then least(public_state_programmes.programme, public_member_programmes.programme)
            else least(state_programmes.programme, member_programmes.programme)
        end as programme,
        named_families.gap_family is not null
        and state_programmes.programme is null
        and member_programmes.programme is null as is_held_back
    from open_gaps
    left join named_families
        on open_gaps.gap_family = named_families.gap_family
    left join state_programmes
        on
            open_gaps.gap_family = state_programmes.gap_family
            and open_gaps.home_state is not distinct from state_programmes.home_state
    left join member_programmes
        on
            open_gaps.gap_family = member_programmes.gap_family
            and open_gaps.member_key = member_programmes.member_key
    left join state_programmes as public_state_programmes
        on
            open_gaps.public_family = public_state_programmes.gap_family
            and open_gaps.home_state is not distinct from public_state_programmes.home_state
    left join member_programmes as public_member_programmes
        on
            open_gaps.public_family = public_member_programmes.gap_family
            and open_gaps.member_key = public_member_programmes.member_key
)

select
    asked_gaps.gap_id,
    asked_gaps.programme,
    programme_service.service_code,
    programme_service.weekly_capacity,
    asked_gaps.is_held_back
from asked_gaps
left join raw.programme_service
    on
        asked_gaps.programme = programme_service.programme_id
        and asked_gaps.list_code = programme_service.gap_code
