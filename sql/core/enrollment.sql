-- Unbroken enrolment of each member: spans that overlap or touch are one.
--
-- A span without an end is open and ends on 2199-12-31; enrolment never outlasts death.
with

-- Two plans over the same days are one enrolment.
spans as (
    select distinct
        member.member_key,
        eligibility.enrollment_start_date as span_start_date,
        least(
            coalesce(eligibility.enrollment_end_date, date '2199-12-31'),
            coalesce(member.death_date, date '2199-12-31'),
            date '2199-12-31'
        ) as span_end_date
    from raw.eligibility
    inner join core.member
        on eligibility.person_id = member.person_id
),

ordered_spans as (
    select
        spans.member_key,
        spans.span_start_date,
        spans.span_end_date,
        max(spans.span_end_date) over (
            partition by spans.member_key
            order by spans.span_start_date, spans.span_end_date
            rows between unbounded preceding and 1 preceding
        ) as enrolled_through_date
    from spans
    where spans.span_start_date <= spans.span_end_date
),

numbered_spans as (
    select
        ordered_spans.member_key,
        ordered_spans.span_start_date,
        ordered_spans.span_end_date,
        sum(
            case when ordered_spans.span_start_date <= ordered_spans.enrolled_through_date + 1 then 0 else 1 end
        ) over (
            partition by ordered_spans.member_key
            order by ordered_spans.span_start_date, ordered_spans.span_end_date
            rows unbounded preceding
        ) as episode_number
    from ordered_spans
)

select
    numbered_spans.member_key,
    min(numbered_spans.span_start_date) as enrollment_start_date,
    max(numbered_spans.span_end_date) as enrollment_end_date
from numbered_spans
group by
    numbered_spans.member_key,
    numbered_spans.episode_number
order by
    numbered_spans.member_key,
    enrollment_start_date
