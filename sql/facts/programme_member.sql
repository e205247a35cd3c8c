-- Adults whom a programme is for tonight: one row per member, programme, gap family and population (programmes.yaml).
-- Of the population `everyone` there is no row: it is whomever the family finds.
--
-- The state is that of residence, else of the ZIP code; a member of whom neither is known is in no state. Diabetes: two
-- days with a diagnosis in 24 months, or one and a fill of diabetes medicine (community 5.2); gestational diabetes
-- alone is none. Pregnant: tier A and current, of whom maternal care may speak tonight, so that a loss, a doubt or a
-- stale feed takes the row away (maternal 1.7). A documented need is one that may be named. No one who is dead or not
-- enrolled.
with

running_phases as (
    select
        programme.programme_id,
        programme.gap_family,
        programme.population,
        programme.state,
        programme.source,
        min(programme.start_date) as start_date
    from raw.programme
    where programme.start_date <= cast($as_of as date)
    group by
        programme.programme_id,
        programme.gap_family,
        programme.population,
        programme.state,
        programme.source
),

adults as (
    select distinct
        member.member_key,
        member.state
    from core.member
    inner join core.enrollment
        on
            member.member_key = enrollment.member_key
            and cast($as_of as date) between enrollment.enrollment_start_date and enrollment.enrollment_end_date
    where
        member.state is not null
        and cast(member.birth_date + interval 18 year as date) <= cast($as_of as date)
        and coalesce(member.death_date > cast($as_of as date), true)
),

populations as (
    select
        diabetes_member.member_key,
        'diabetes' as population,
        make_date(extract(year from cast($as_of as date)), 1, 1) as window_start_date,
        make_date(extract(year from cast($as_of as date)), 12, 31) as window_end_date,
        diabetes_member.last_date as event_date,
        diabetes_member.claim_id
    from facts.diabetes_member
    union all
    select
        maternal_episode.member_key,
        'pregnant_tier_a' as population,
        maternal_episode.lmp_date + 35 as window_start_date,
        maternal_episode.lmp_date + 287 as window_end_date,
        maternal_episode.last_evidence_date as event_date,
        cast(null as varchar) as claim_id
    from facts.maternal_episode
    where
        maternal_episode.population = 'pregnant'
        and maternal_episode.tier = 'A'
        and maternal_episode.status = 'current'
        and not maternal_episode.is_severe
    union all
    select
        social_need.member_key,
        'documented_need' as population,
        min(social_need.event_date) as window_start_date,
        max(cast(social_need.event_date + interval 12 month as date)) as window_end_date,
        max(social_need.event_date) as event_date,
        cast(null as varchar) as claim_id
    from facts.social_need
    where social_need.is_nameable
    group by social_need.member_key
)

select
    populations.member_key,
    running_phases.programme_id,
    running_phases.gap_family,
    populations.population,
    greatest(populations.window_start_date, min(running_phases.start_date)) as window_start_date,
    populations.window_end_date,
    populations.event_date,
    populations.claim_id,
    min(running_phases.start_date) as programme_start_date,
    min(running_phases.source) as source
from populations
inner join adults
    on populations.member_key = adults.member_key
inner join running_phases
    on
        populations.population = running_phases.population
        and (
            running_phases.state is null
            or adults.state = running_phases.state
        )
group by
    populations.member_key,
    running_phases.programme_id,
    running_phases.gap_family,
    populations.population,
    populations.window_start_date,
    populations.window_end_date,
    populations.event_date,
    populations.claim_id
order by
    populations.member_key,
    running_phases.programme_id,
    running_phases.gap_family,
    populations.population
