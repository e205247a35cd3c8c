-- Intervals of days through the as-of date on which enough different medicines of a measure were on hand at once.
--
-- Overlapping supply of one medicine is one run, so that a day counts once; the number of runs that hold a day is the
-- number of medicines on hand: a running sum of starts less ends. Nothing is shifted. A medicine takes part only with
-- the measure's number of different fill dates. Source: PQA measure overviews COB and POLY-ACH; rules 2.
with

repeated_medicines as (
    select
        concurrent_fill.concurrent_use_key,
        concurrent_fill.member_key,
        concurrent_fill.medicine_key
    from facts.concurrent_fill
    inner join raw.concurrent_use
        on concurrent_fill.concurrent_use_key = concurrent_use.concurrent_use_key
    group by
        concurrent_fill.concurrent_use_key,
        concurrent_fill.member_key,
        concurrent_fill.medicine_key
    having count(distinct concurrent_fill.fill_date) >= max(concurrent_use.min_fill_dates)
),

supplies as (
    select
        concurrent_fill.concurrent_use_key,
        concurrent_fill.member_key,
        concurrent_fill.medicine_key,
        concurrent_fill.fill_key,
        concurrent_fill.fill_date as start_date,
        concurrent_fill.supply_end_date as end_date,
        max(concurrent_fill.supply_end_date) over (
            partition by
                concurrent_fill.concurrent_use_key, concurrent_fill.member_key, concurrent_fill.medicine_key
            order by concurrent_fill.fill_key
            rows between unbounded preceding and 1 preceding
        ) as supplied_through_date
    from facts.concurrent_fill
    inner join repeated_medicines
        on
            concurrent_fill.concurrent_use_key = repeated_medicines.concurrent_use_key
            and concurrent_fill.member_key = repeated_medicines.member_key
            and concurrent_fill.medicine_key = repeated_medicines.medicine_key
    where concurrent_fill.days_supply is not null
),

numbered_supplies as (
    select
        supplies.concurrent_use_key,
        supplies.member_key,
        supplies.medicine_key,
        supplies.start_date,
        supplies.end_date,
        sum(case when supplies.start_date <= supplies.supplied_through_date + 1 then 0 else 1 end) over (
            partition by supplies.concurrent_use_key, supplies.member_key, supplies.medicine_key
            order by supplies.fill_key
            rows unbounded preceding
        ) as run_number
    from supplies
),

runs as (
    select
        numbered_supplies.concurrent_use_key,
        numbered_supplies.member_key,
        min(numbered_supplies.start_date) as start_date,
        max(numbered_supplies.end_date) as end_date
    from numbered_supplies
    group by
        numbered_supplies.concurrent_use_key,
        numbered_supplies.member_key,
        numbered_supplies.medicine_key,
        numbered_supplies.run_number
),

changes as (
    select
        runs.concurrent_use_key,
        runs.member_key,
        runs.start_date as change_date,
        1 as change
    from runs
    union all
    select
        runs.concurrent_use_key,
        runs.member_key,
        runs.end_date + 1 as change_date,
        -1 as change
    from runs
),

daily_changes as (
    select
        changes.concurrent_use_key,
        changes.member_key,
        changes.change_date,
        sum(changes.change) as change
    from changes
    group by
        changes.concurrent_use_key,
        changes.member_key,
        changes.change_date
),

depths as (
    select
        daily_changes.concurrent_use_key,
        daily_changes.member_key,
        daily_changes.change_date as start_date,
        lead(daily_changes.change_date) over (
            partition by daily_changes.concurrent_use_key, daily_changes.member_key
            order by daily_changes.change_date
        ) - 1 as end_date,
        cast(
            sum(daily_changes.change) over (
                partition by daily_changes.concurrent_use_key, daily_changes.member_key
                order by daily_changes.change_date
                rows unbounded preceding
            ) as integer
        ) as medicine_count
    from daily_changes
)

select
    depths.concurrent_use_key,
    depths.member_key,
    depths.start_date,
    depths.end_date,
    depths.medicine_count
from depths
inner join raw.concurrent_use
    on
        depths.concurrent_use_key = concurrent_use.concurrent_use_key
        and depths.medicine_count >= concurrent_use.min_medicines
order by
    depths.concurrent_use_key,
    depths.member_key,
    depths.start_date
