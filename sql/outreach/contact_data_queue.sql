-- Members whose contact data the plan has to clear up: a number that was reported wrong twice, a reported death that no
-- care manager has spoken to since.
--
-- The plan's own queue, in the restricted part only (rules 6.7): no pharmacy can correct either.
with

confirmations as (
    select
        contact_attempt.person_id,
        max(contact_attempt.attempted_at) as confirmed_at
    from facts.contact_attempt
    where
        contact_attempt.outcome_code = 'ALIVE_CONFIRMED'
        and contact_attempt.staff_role = 'care_manager'
    group by contact_attempt.person_id
)

select
    member.person_id,
    'wrong_number' as queue_reason,
    cast(count(distinct contact_attempt.attempted_at) as integer) as report_count,
    max(contact_attempt.attempted_date) as last_report_date
from outreach.contact_channel
inner join core.member
    on contact_channel.member_key = member.member_key
inner join facts.contact_attempt
    on
        member.person_id = contact_attempt.person_id
        and contact_attempt.outcome_code = 'WRONG_NUMBER'
where contact_channel.is_wrong_number
group by member.person_id
union all
select
    member.person_id,
    'deceased_reported' as queue_reason,
    cast(count(distinct contact_attempt.attempted_at) as integer) as report_count,
    max(contact_attempt.attempted_date) as last_report_date
from core.member
inner join facts.contact_attempt
    on
        member.person_id = contact_attempt.person_id
        and contact_attempt.outcome_code = 'DECEASED_REPORTED'
left join confirmations
    on member.person_id = confirmations.person_id
where
    coalesce(member.death_date > cast($as_of as date), true)
    and contact_attempt.attempted_at >= coalesce(confirmations.confirmed_at, contact_attempt.attempted_at)
group by member.person_id
order by
    person_id,
    queue_reason
