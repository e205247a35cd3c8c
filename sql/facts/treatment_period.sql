-- The time over which each member is measured: from the first class fill to the end of enrolment, life or year.
--
-- From 2024 the period runs to the last day of enrolment in the year and must be enrolled without a hole; through 2023
-- every enrolment episode with a class fill is a period of its own (member-years). The index date is the first class
-- fill in the year, or in the episode. Fills after the end are ignored for everything (rules 1.2 and 5.7); those inside
-- are summed here.
-- Source: CMS Star Ratings Technical Notes 2025 and 2026, D08 to D10.
with

enrolled_spans as (
    select
        enrollment.member_key,
        enrollment.enrollment_start_date as span_start_date,
        least(enrollment.enrollment_end_date, measurement_year.year_end_date) as span_end_date,
        -- The class fills that the span answers for: its own, or under continuous enrolment all of the year's.
        case
            when measurement_year.enrollment_rule = 'continuous' then measurement_year.year_start_date
            else enrollment.enrollment_start_date
        end as fills_from_date,
        case
            when measurement_year.enrollment_rule = 'continuous' then measurement_year.year_end_date
            else enrollment.enrollment_end_date
        end as fills_through_date,
        row_number() over (
            partition by enrollment.member_key
            order by enrollment.enrollment_start_date desc
        ) as recency,
        measurement_year.enrollment_rule
    from core.enrollment
    inner join facts.measurement_year
        on
            enrollment.enrollment_start_date <= measurement_year.year_end_date
            and enrollment.enrollment_end_date >= measurement_year.year_start_date
),

measured_spans as (
    select
        enrolled_spans.member_key,
        enrolled_spans.span_start_date,
        enrolled_spans.span_end_date,
        enrolled_spans.fills_from_date,
        enrolled_spans.fills_through_date
    from enrolled_spans
    where
        enrolled_spans.enrollment_rule = 'member_years'
        or enrolled_spans.recency = 1
),

-- Of a fill with several target ingredients one row counts.
class_dates as (
    select
        class_fill.member_key,
        class_fill.measure_key,
        class_fill.fill_date,
        min(class_fill.fill_key) as first_fill_key,
        max(class_fill.fill_key) as last_fill_key,
        cast(sum(class_fill.days_supply) as integer) as supplied_days,
        count(*) filter (where class_fill.days_supply is null) as unusable_fill_count
    from facts.class_fill
    where class_fill.is_first_ingredient
    group by
        class_fill.member_key,
        class_fill.measure_key,
        class_fill.fill_date
),

episode_dates as (
    select
        class_dates.member_key,
        class_dates.measure_key,
        class_dates.fill_date,
        class_dates.first_fill_key,
        class_dates.last_fill_key,
        class_dates.supplied_days,
        class_dates.unusable_fill_count,
        measured_spans.span_start_date,
        measured_spans.span_end_date,
        class_dates.fill_date <= measured_spans.span_end_date as is_in_period
    from class_dates
    left join measured_spans
        on
            class_dates.member_key = measured_spans.member_key
            and class_dates.fill_date >= measured_spans.fills_from_date
            and class_dates.fill_date <= measured_spans.fills_through_date
),

episodes as (
    select
        episode_dates.member_key,
        episode_dates.measure_key,
        episode_dates.span_start_date,
        episode_dates.span_end_date,
        min(episode_dates.fill_date) as index_date,
        max(episode_dates.fill_date) as last_class_fill_date,
        cast(count(*) filter (where episode_dates.is_in_period) as integer) as fill_date_count,
        max(episode_dates.fill_date) filter (where episode_dates.is_in_period) as last_fill_date,
        min(episode_dates.first_fill_key) as index_fill_key,
        -- Where enrolment ended before the first fill, the last one of that day is shown.
        coalesce(
            max(episode_dates.last_fill_key) filter (where episode_dates.is_in_period),
            min(episode_dates.last_fill_key)
        ) as last_fill_key,
        cast(sum(episode_dates.supplied_days) filter (where episode_dates.is_in_period) as integer) as supplied_days,
        cast(
            coalesce(sum(episode_dates.unusable_fill_count) filter (where episode_dates.is_in_period), 0) as integer
        ) as unusable_fill_count
    from episode_dates
    group by
        episode_dates.member_key,
        episode_dates.measure_key,
        episode_dates.span_start_date,
        episode_dates.span_end_date
)

select
    cast(
        row_number() over (
            order by episodes.member_key asc, episodes.measure_key asc, episodes.span_start_date asc nulls first
        ) as integer
    ) as period_key,
    episodes.member_key,
    episodes.measure_key,
    episodes.index_date,
    episodes.span_end_date as treatment_end_date,
    coalesce(cast(episodes.span_end_date - episodes.index_date as integer) + 1, 0) as calendar_days,
    coalesce(episodes.span_start_date <= episodes.index_date and episodes.span_end_date >= episodes.index_date, false)
        as is_continuously_enrolled,
    episodes.fill_date_count,
    episodes.last_fill_date,
    episodes.index_fill_key,
    episodes.last_fill_key,
    episodes.supplied_days,
    episodes.unusable_fill_count,
    -- Through 2023 the row that is published is the episode that holds the last class fill (interface 2.1).
    row_number() over (
        partition by episodes.member_key, episodes.measure_key
        order by episodes.last_class_fill_date desc, episodes.span_start_date desc nulls last
    ) = 1 as is_latest,
    -- Calendar months of the episode that lie in the year, of twelve.
    coalesce(
        cast(
            (
                extract(year from episodes.span_end_date)
                - extract(year from greatest(episodes.span_start_date, measurement_year.year_start_date))
            )
            * 12
            + extract(month from episodes.span_end_date)
            - extract(month from greatest(episodes.span_start_date, measurement_year.year_start_date))
            + 1 as integer
        ),
        0
    ) as enrolled_months
from episodes
cross join facts.measurement_year
order by period_key
