-- Every open gap with the programme that it is raised under, and whether none has begun for it (programmes.yaml).
--
-- A programme has begun for a gap when it names the family, a phase of it has begun in the member's state of residence
-- or everywhere, and the member is of one of its populations. Of several the first by name counts. A family that no
-- programme names is free: such a gap is raised everywhere, as nobody's. A sensitive row is asked under a programme of
-- the family that lists show for it, since another would tell what the row does not; whether it may be raised its own
-- family decides.
with

open_gaps as (
    select
        ledger.gap_id,
        ledger.member_key,
        coalesce(member.state, zcta.state) as home_state,
        ledger.gap_family,
        case when ledger.is_sensitive then gap_code.public_family else ledger.gap_family end as list_family,
        case when ledger.is_sensitive then gap_code.public_code else ledger.gap_code end as list_code
    from outreach.ledger
    left join raw.gap_code
        on ledger.gap_code = gap_code.gap_code
    left join core.member
        on ledger.member_key = member.member_key
    left join raw.zcta
        on member.zip_code = zcta.zcta
    where ledger.status = 'open'
),

asked_families as (
    select
        open_gaps.gap_id,
        open_gaps.member_key,
        open_gaps.home_state,
        open_gaps.gap_family
    from open_gaps
    union
    select
        open_gaps.gap_id,
        open_gaps.member_key,
        open_gaps.home_state,
        open_gaps.list_family as gap_family
    from open_gaps
),

begun_phases as (
    select distinct
        programme.programme_id,
        programme.gap_family,
        programme.population,
        programme.state
    from raw.programme
    where programme.start_date <= cast($as_of as date)
),

begun_programmes as (
    select
        asked_families.gap_id,
        asked_families.gap_family,
        min(begun_phases.programme_id) as programme
    from asked_families
    inner join begun_phases
        on asked_families.gap_family = begun_phases.gap_family
    left join facts.programme_member
        on
            asked_families.member_key = programme_member.member_key
            and begun_phases.programme_id = programme_member.programme_id
            and begun_phases.gap_family = programme_member.gap_family
            and begun_phases.population = programme_member.population
    where
        (
            begun_phases.state is null
            or begun_phases.state = asked_families.home_state
        )
        and (
            begun_phases.population = 'everyone'
            or programme_member.member_key is not null
        )
    group by
        asked_families.gap_id,
        asked_families.gap_family
),

named_families as (
    select distinct programme.gap_family
    from raw.programme
)

select
    open_gaps.gap_id,
    listed_programmes.programme,
    programme_service.service_code,
    programme_service.weekly_capacity,
    named_families.gap_family is not null
    and own_programmes.programme is null as is_held_back
from open_gaps
left join begun_programmes as own_programmes
    on
        open_gaps.gap_id = own_programmes.gap_id
        and open_gaps.gap_family = own_programmes.gap_family
left join begun_programmes as listed_programmes
    on
        open_gaps.gap_id = listed_programmes.gap_id
        and open_gaps.list_family = listed_programmes.gap_family
left join named_families
    on open_gaps.gap_family = named_families.gap_family
left join raw.programme_service
    on
        listed_programmes.programme = programme_service.programme_id
        and open_gaps.list_code = programme_service.gap_code
order by open_gaps.gap_id
