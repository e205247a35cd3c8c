-- Discharges that a later stay has overtaken: nobody is called about them any more, and why.
--
-- A readmission supersedes what was asked after the discharge before it; once the member is home again, it is asked
-- anew of that discharge (transitions 3.2). A transfer, or nursing care that has ended, is one episode with the stay
-- before it.
with

stay_ends as (
    select
        facility_stay.member_key,
        concat('discharge ', cast(facility_stay.end_date as varchar)) as subject,
        max(facility_stay.episode) as episode,
        max(facility_stay.chain) as chain
    from facts.facility_stay
    where
        facility_stay.has_discharge
        and facility_stay.end_date > cast($as_of as date) - 130
    group by
        facility_stay.member_key,
        facility_stay.end_date
),

last_episodes as (
    select
        facility_stay.member_key,
        facility_stay.chain,
        max(facility_stay.episode) as episode
    from facts.facility_stay
    group by
        facility_stay.member_key,
        facility_stay.chain
)

select
    stay_ends.member_key,
    stay_ends.subject,
    case
        when
            stay_ends.episode < last_episodes.episode
            or discharge.not_asked_reason = 'in_facility'
            then 'superseded_readmit'
        else 'superseded'
    end as closing_reason
from stay_ends
inner join last_episodes
    on
        stay_ends.member_key = last_episodes.member_key
        and stay_ends.chain = last_episodes.chain
left join facts.discharge
    on
        stay_ends.member_key = discharge.member_key
        and stay_ends.subject = discharge.subject
where
    discharge.subject is null
    or discharge.not_asked_reason = 'in_facility'
order by
    stay_ends.member_key,
    stay_ends.subject
