-- Members who are enrolled tonight, and since when: holes of up to 45 days do not break an enrolment (maternal 1.6,
-- step 8; deserts 4.6).
with

enrolled_spans as (
    select
        enrollment.member_key,
        enrollment.enrollment_start_date,
        enrollment.enrollment_end_date,
        cast(
            enrollment.enrollment_start_date - lag(enrollment.enrollment_end_date) over (
                partition by enrollment.member_key
                order by enrollment.enrollment_start_date
            ) as integer
        ) as days_since_previous
    from core.enrollment
    where enrollment.enrollment_start_date <= cast($as_of as date)
)

select
    enrolled_spans.member_key,
    max(
        case when coalesce(enrolled_spans.days_since_previous, 47) > 46 then enrolled_spans.enrollment_start_date end
    ) as enrollment_start_date
from enrolled_spans
group by enrolled_spans.member_key
having max(enrolled_spans.enrollment_end_date) >= cast($as_of as date)
order by enrolled_spans.member_key
