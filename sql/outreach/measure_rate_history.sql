-- Rates of each measure night by night: tonight's, and those that earlier nights kept.
--
-- Every night of the last 35 days stays, of earlier ones the last night of each month, for two years. A night that is
-- run again replaces its own rates alone, since it reads the state of the night before it.
with

state_nights as (
    select distinct state_measure_rate.as_of
    from raw.state_measure_rate
    where state_measure_rate.as_of < cast($as_of as date)
),

earlier_nights as (
    select
        state_nights.as_of,
        row_number() over (
            partition by extract(year from state_nights.as_of), extract(month from state_nights.as_of)
            order by state_nights.as_of desc
        ) as place_from_end_of_month
    from state_nights
),

kept_nights as (
    select earlier_nights.as_of
    from earlier_nights
    where
        earlier_nights.as_of > cast($as_of as date) - 35
        or (
            earlier_nights.place_from_end_of_month = 1
            and earlier_nights.as_of > cast($as_of as date) - 731
        )
)

select
    state_measure_rate.measure_id,
    state_measure_rate.level,
    state_measure_rate.level_value,
    state_measure_rate.as_of,
    state_measure_rate.numerator,
    state_measure_rate.denominator,
    state_measure_rate.rate
from raw.state_measure_rate
inner join kept_nights
    on state_measure_rate.as_of = kept_nights.as_of
union all
select
    measure_rate.measure_id,
    measure_rate.level,
    measure_rate.level_value,
    measure_rate.as_of,
    measure_rate.numerator,
    measure_rate.denominator,
    measure_rate.rate
from outreach.measure_rate
order by
    measure_id,
    level,
    level_value,
    as_of
