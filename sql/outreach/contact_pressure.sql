-- How often each member was contacted lately, by whom and for whichever programme (rules 6.3).
--
-- Several gaps of one conversation are one attempt; conversations of one day with one pharmacy are one contact.
with

member_attempts as (
    select
        member.member_key,
        contact_attempt.attempted_at,
        contact_attempt.attempted_date,
        contact_attempt.is_attempt,
        contact_attempt.is_live_contact,
        contact_attempt.is_call,
        concat_ws('|', cast(contact_attempt.attempted_date as varchar), contact_attempt.pharmacy_npi) as conversation
    from facts.contact_attempt
    inner join core.member
        on contact_attempt.person_id = member.person_id
)

select
    member_attempts.member_key,
    max(case when member_attempts.is_call then member_attempts.attempted_date end) as last_call_date,
    cast(
        count(
            distinct case
                when
                    member_attempts.is_live_contact
                    and member_attempts.attempted_date > cast($as_of as date) - $live_contact_days
                    then member_attempts.conversation
            end
        ) as integer
    ) as live_contact_count,
    cast(
        count(
            distinct case
                when
                    member_attempts.is_attempt
                    and member_attempts.attempted_date > cast($as_of as date) - 90
                    then member_attempts.attempted_at
            end
        ) as integer
    ) as attempt_count_90d
from member_attempts
group by member_attempts.member_key
order by member_attempts.member_key
