-- Stay days inside each treatment period, where the year's rule takes them out; empty from measurement year 2026.
--
-- `community_day` is the position of the stay on the calendar without stay days: how many community days precede it.
-- Source: CMS Star Ratings Technical Notes 2026, attachment L.
with

clipped_stays as (
    select
        treatment_period.period_key,
        cast(
            greatest(stay.admission_date, treatment_period.index_date) - treatment_period.index_date as integer
        ) as start_day,
        cast(
            least(stay.discharge_date, treatment_period.treatment_end_date) - treatment_period.index_date as integer
        ) as end_day
    from facts.treatment_period
    inner join facts.measurement_year
        on measurement_year.is_stay_adjusted
    inner join core.stay
        on
            treatment_period.member_key = stay.member_key
            and treatment_period.treatment_end_date >= stay.admission_date
            and treatment_period.index_date <= stay.discharge_date
    -- Enrolment that ended before the first fill leaves no day to take a stay from.
    where treatment_period.calendar_days > 0
),

ordered_stays as (
    select
        clipped_stays.period_key,
        clipped_stays.start_day,
        clipped_stays.end_day,
        cast(
            coalesce(
                sum(clipped_stays.end_day - clipped_stays.start_day + 1) over (
                    partition by clipped_stays.period_key
                    order by clipped_stays.start_day
                    rows between unbounded preceding and 1 preceding
                ),
                0
            ) as integer
        ) as stay_days_before
    from clipped_stays
)

select
    ordered_stays.period_key,
    ordered_stays.start_day,
    ordered_stays.end_day,
    ordered_stays.stay_days_before,
    ordered_stays.start_day - ordered_stays.stay_days_before as community_day
from ordered_stays
order by
    ordered_stays.period_key,
    ordered_stays.start_day
