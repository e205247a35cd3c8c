-- Members of whom programmes ask: enrolled tonight, alive and not in hospice; with the days of that enrolment.
select
    member.member_key,
    enrollment.enrollment_start_date,
    enrollment.enrollment_end_date
from core.member
inner join core.enrollment
    on
        member.member_key = enrollment.member_key
        and cast($as_of as date) between enrollment.enrollment_start_date and enrollment.enrollment_end_date
where
    coalesce(member.death_date > cast($as_of as date), true)
    and member.member_key not in (
        select member_status.member_key
        from facts.member_status
        where member_status.status = 'hospice'
    )
order by member.member_key
