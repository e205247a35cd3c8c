-- How whole each member's enrolment is in the measurement year, from its first day through the as-of date or death.
--
-- Only members with a diabetes medicine in the year: nothing else is asked of anybody (SUPD).
-- A hole before the first span and one after the last count like one between two spans. Enrolment that is known to end
-- later is no hole yet; `enrolled_through_date` says when it ends, so that nothing is asked for after that.
-- Source: CMS Star Ratings Technical Notes 2026, D12 (continuous enrolment with one permitted gap).
with

spans as (
    select
        enrollment.member_key,
        enrollment.enrollment_start_date,
        enrollment.enrollment_end_date,
        measurement_year.year_start_date,
        measurement_year.year_end_date,
        least(measurement_year.as_of, coalesce(member.death_date, measurement_year.as_of)) as judged_through_date,
        lag(enrollment.enrollment_end_date) over (
            partition by enrollment.member_key
            order by enrollment.enrollment_start_date
        ) as earlier_end_date,
        lead(enrollment.enrollment_start_date) over (
            partition by enrollment.member_key
            order by enrollment.enrollment_start_date
        ) as next_start_date
    from core.enrollment
    inner join facts.measurement_year
        on
            enrollment.enrollment_start_date <= measurement_year.year_end_date
            and enrollment.enrollment_end_date >= measurement_year.year_start_date
    inner join core.member
        on enrollment.member_key = member.member_key
    where enrollment.member_key in (select diabetes_fill.member_key from facts.diabetes_fill)
),

holes as (
    select
        spans.member_key,
        cast(
            least(spans.enrollment_start_date - 1, spans.judged_through_date)
            - coalesce(spans.earlier_end_date, spans.year_start_date - 1) as integer
        ) as hole_days
    from spans
    union all
    select
        spans.member_key,
        cast(spans.judged_through_date - spans.enrollment_end_date as integer) as hole_days
    from spans
    where spans.next_start_date is null
)

select
    spans.member_key,
    coalesce(min(counted_holes.hole_count), 0) as hole_count,
    coalesce(min(counted_holes.longest_hole_days), 0) as longest_hole_days,
    least(max(spans.enrollment_end_date), min(spans.year_end_date)) as enrolled_through_date
from spans
left join (
    select
        holes.member_key,
        cast(count(*) as integer) as hole_count,
        max(holes.hole_days) as longest_hole_days
    from holes
    where holes.hole_days > 0
    group by holes.member_key
) as counted_holes
    on spans.member_key = counted_holes.member_key
group by spans.member_key
order by spans.member_key
