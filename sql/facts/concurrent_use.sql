-- Days to date on which members had medicines on hand that are better reviewed together, for each such measure.
--
-- One row for everyone with a fill of the measure's index class in the year, measured or not; `exclusion_reason` lists
-- the reasons why not (of several conditions the first in byte order). Fill dates and supply are those of the medicine
-- with most of them: POLY-ACH asks for two claims of the same medicine, COB's opioids are one. Age is that on the first
-- day of the year; conditions count any time in the year. Enrolment is not tested: days are counted from claims alone.
-- Source: PQA measure overviews COB and POLY-ACH; the latest index date of COB: rules 2 (confidence medium).
with

medicines as (
    select
        concurrent_fill.concurrent_use_key,
        concurrent_fill.member_key,
        concurrent_fill.medicine_key,
        concurrent_fill.is_index,
        min(concurrent_fill.fill_date) as index_date,
        cast(count(distinct concurrent_fill.fill_date) as integer) as fill_date_count,
        cast(coalesce(sum(concurrent_fill.days_supply), 0) as integer) as supplied_days
    from facts.concurrent_fill
    group by
        concurrent_fill.concurrent_use_key,
        concurrent_fill.member_key,
        concurrent_fill.medicine_key,
        concurrent_fill.is_index
),

treated as (
    select
        medicines.concurrent_use_key,
        medicines.member_key,
        min(medicines.index_date) as index_date,
        max(medicines.fill_date_count) as fill_date_count,
        max(medicines.supplied_days) as supplied_days
    from medicines
    where medicines.is_index
    group by
        medicines.concurrent_use_key,
        medicines.member_key
),

shared_days as (
    select
        concurrent_segment.concurrent_use_key,
        concurrent_segment.member_key,
        cast(
            sum(cast(concurrent_segment.end_date - concurrent_segment.start_date as integer) + 1) as integer
        ) as concurrent_days,
        min(concurrent_segment.start_date) as first_concurrent_date,
        max(concurrent_segment.end_date) as last_concurrent_date
    from facts.concurrent_segment
    group by
        concurrent_segment.concurrent_use_key,
        concurrent_segment.member_key
),

-- The latest claim of each counted medicine that was on hand on the last such day: what the finding rests on.
carriers as (
    select
        concurrent_fill.concurrent_use_key,
        concurrent_fill.member_key,
        concurrent_fill.medicine_key,
        max(concurrent_fill.fill_key) as fill_key
    from shared_days
    inner join facts.concurrent_fill
        on
            shared_days.concurrent_use_key = concurrent_fill.concurrent_use_key
            and shared_days.member_key = concurrent_fill.member_key
            and shared_days.last_concurrent_date between concurrent_fill.fill_date and concurrent_fill.supply_end_date
    inner join medicines
        on
            concurrent_fill.concurrent_use_key = medicines.concurrent_use_key
            and concurrent_fill.member_key = medicines.member_key
            and concurrent_fill.medicine_key = medicines.medicine_key
    inner join raw.concurrent_use
        on
            concurrent_fill.concurrent_use_key = concurrent_use.concurrent_use_key
            and medicines.fill_date_count >= concurrent_use.min_fill_dates
    group by
        concurrent_fill.concurrent_use_key,
        concurrent_fill.member_key,
        concurrent_fill.medicine_key
),

conditions as (
    select
        treated.concurrent_use_key,
        treated.member_key,
        min(member_status.status) as condition_name
    from treated
    inner join raw.concurrent_use
        on treated.concurrent_use_key = concurrent_use.concurrent_use_key
    inner join facts.member_status
        on
            treated.member_key = member_status.member_key
            and concat(';', concurrent_use.exclusions, ';') like concat('%;', member_status.status, ';%')
    group by
        treated.concurrent_use_key,
        treated.member_key
),

judged as (
    select
        treated.*,
        coalesce(shared_days.concurrent_days, 0) as concurrent_days,
        concurrent_use.min_concurrent_days,
        shared_days.first_concurrent_date,
        shared_days.last_concurrent_date,
        nullif(
            concat_ws(
                ';',
                case
                    when
                        member.birth_date > make_date(measurement_year.measurement_year - concurrent_use.min_age, 1, 1)
                        then 'under_age'
                end,
                case when treated.fill_date_count < concurrent_use.min_fill_dates then 'few_fill_dates' end,
                case when treated.supplied_days < concurrent_use.min_supplied_days then 'low_supplied_days' end,
                case
                    when
                        cast(measurement_year.year_end_date - treated.index_date as integer)
                        < concurrent_use.min_index_days
                        then 'late_index'
                end,
                conditions.condition_name
            ),
            ''
        ) as exclusion_reason
    from treated
    cross join facts.measurement_year
    inner join raw.concurrent_use
        on treated.concurrent_use_key = concurrent_use.concurrent_use_key
    inner join core.member
        on treated.member_key = member.member_key
    left join shared_days
        on
            treated.concurrent_use_key = shared_days.concurrent_use_key
            and treated.member_key = shared_days.member_key
    left join conditions
        on
            treated.concurrent_use_key = conditions.concurrent_use_key
            and treated.member_key = conditions.member_key
),

claims as (
    select
        carriers.concurrent_use_key,
        carriers.member_key,
        min(carriers.fill_key) as first_fill_key,
        max(carriers.fill_key) as last_fill_key
    from carriers
    group by
        carriers.concurrent_use_key,
        carriers.member_key
)

select
    judged.concurrent_use_key,
    judged.member_key,
    judged.exclusion_reason is null as is_eligible,
    judged.exclusion_reason,
    judged.concurrent_days >= judged.min_concurrent_days as is_concurrent,
    judged.index_date,
    judged.fill_date_count,
    judged.supplied_days,
    judged.concurrent_days,
    judged.first_concurrent_date,
    judged.last_concurrent_date,
    claims.first_fill_key,
    claims.last_fill_key
from judged
left join claims
    on
        judged.concurrent_use_key = claims.concurrent_use_key
        and judged.member_key = claims.member_key
order by
    judged.concurrent_use_key,
    judged.member_key
