-- Whom the programmes ask about what claims hold: one row per member and population.
--
-- Populations are numbered, for millions of lines meet them: 1 diabetes, 2 a medicine that rules watch, 3 drugs and
-- costs that target for medication therapy management, 4 a stay that ended in the last 130 days, the longest window
-- after a discharge and the stays before it (transitions 3.1).
select
    diabetes_member.member_key,
    1 as population_key
from facts.diabetes_member
union all
select distinct
    therapy.member_key,
    2 as population_key
from facts.therapy
where therapy.is_monitored
union all
select distinct
    management_candidate.member_key,
    3 as population_key
from facts.management_candidate
union all
select
    facility_stay.member_key,
    4 as population_key
from facts.facility_stay
group by facility_stay.member_key
having max(facility_stay.end_date) > cast($as_of as date) - 130
order by
    member_key,
    population_key
