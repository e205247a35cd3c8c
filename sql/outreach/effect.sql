-- What outreach does: gaps that claims close within 30, 60 and 90 days, of everyone drawn, in either arm.
--
-- By intention to treat: members count in the arm that they were drawn for, contacted or not, once they were followed
-- for as long. The interval of the difference is Newcombe's, from the Wilson intervals of both arms at 95 %. A row in
-- which a count of people from 1 to 10 stands, or follows, shows no counts and no rates. Nor does one that, taken from
-- a shorter time of the same programme, leaves such a count: of those drawn between, or of those closed between.
with

followed_members as (
    select
        holdout_arm.programme,
        horizons.horizon_days,
        holdout_arm.arm,
        case
            when holdout_arm.claim_closed_date <= holdout_arm.assigned_date + horizons.horizon_days then 1
            else 0
        end as is_closed
    from outreach.holdout_arm
    cross join (values (30), (60), (90)) as horizons (horizon_days)
    where holdout_arm.assigned_date <= cast($as_of as date) - horizons.horizon_days
),

counts as (
    select
        followed_members.programme,
        followed_members.horizon_days,
        count(*) filter (where followed_members.arm = 'outreach') as outreach_count,
        count(*) filter (where followed_members.arm = 'control') as control_count,
        sum(case when followed_members.arm = 'outreach' then followed_members.is_closed else 0 end) as outreach_closed,
        sum(case when followed_members.arm = 'control' then followed_members.is_closed else 0 end) as control_closed
    from followed_members
    group by
        followed_members.programme,
        followed_members.horizon_days
),

judged_counts as (
    select
        counts.*,
        least(counts.outreach_count, counts.control_count) < $small_cell
        or (counts.outreach_closed > 0 and counts.outreach_closed < $small_cell)
        or (counts.control_closed > 0 and counts.control_closed < $small_cell)
        or (
            counts.outreach_count - counts.outreach_closed > 0
            and counts.outreach_count - counts.outreach_closed < $small_cell
        )
        or (
            counts.control_count - counts.control_closed > 0
            and counts.control_count - counts.control_closed < $small_cell
        ) as is_small
    from counts
),

telling_differences as (
    select distinct
        longer.programme,
        longer.horizon_days
    from judged_counts as longer
    inner join judged_counts as shorter
        on
            longer.programme = shorter.programme
            and longer.horizon_days > shorter.horizon_days
    where
        not shorter.is_small
        and (
            (
                shorter.outreach_count > longer.outreach_count
                and shorter.outreach_count - longer.outreach_count < $small_cell
            )
            or (
                shorter.control_count > longer.control_count
                and shorter.control_count - longer.control_count < $small_cell
            )
            -- The same members at both times: what is more are those closed between.
            or (
                shorter.outreach_count = longer.outreach_count
                and longer.outreach_closed > shorter.outreach_closed
                and longer.outreach_closed - shorter.outreach_closed < $small_cell
            )
            or (
                shorter.control_count = longer.control_count
                and longer.control_closed > shorter.control_closed
                and longer.control_closed - shorter.control_closed < $small_cell
            )
        )
),

shown_counts as (
    select
        judged_counts.*,
        judged_counts.is_small or telling_differences.programme is not null as is_suppressed
    from judged_counts
    left join telling_differences
        on
            judged_counts.programme = telling_differences.programme
            and judged_counts.horizon_days = telling_differences.horizon_days
),

-- 3.8416 is the square of 1.96.
intervals as (
    select
        shown_counts.programme,
        shown_counts.horizon_days,
        shown_counts.outreach_count,
        shown_counts.control_count,
        shown_counts.outreach_closed / cast(shown_counts.outreach_count as double) as outreach_rate,
        shown_counts.control_closed / cast(shown_counts.control_count as double) as control_rate,
        (
            2 * shown_counts.outreach_closed + 3.8416
            - 1.96 * sqrt(
                3.8416
                + 4 * shown_counts.outreach_closed * (shown_counts.outreach_count - shown_counts.outreach_closed)
                / cast(shown_counts.outreach_count as double)
            )
        ) / (2 * (shown_counts.outreach_count + 3.8416)) as outreach_low,
        (
            2 * shown_counts.outreach_closed + 3.8416
            + 1.96 * sqrt(
                3.8416
                + 4 * shown_counts.outreach_closed * (shown_counts.outreach_count - shown_counts.outreach_closed)
                / cast(shown_counts.outreach_count as double)
            )
        ) / (2 * (shown_counts.outreach_count + 3.8416)) as outreach_high,
        (
            2 * shown_counts.control_closed + 3.8416
            - 1.96 * sqrt(
                3.8416
                + 4 * shown_counts.control_closed * (shown_counts.control_count - shown_counts.control_closed)
                / cast(shown_counts.control_count as double)
            )
        ) / (2 * (shown_counts.control_count + 3.8416)) as control_low,
        (
            2 * shown_counts.control_closed + 3.8416
            + 1.96 * sqrt(
                3.8416
                + 4 * shown_counts.control_closed * (shown_counts.control_count - shown_counts.control_closed)
                / cast(shown_counts.control_count as double)
            )
        ) / (2 * (shown_counts.control_count + 3.8416)) as control_high
    from shown_counts
    where not shown_counts.is_suppressed
)

select
    shown_counts.programme,
    cast(shown_counts.horizon_days as integer) as horizon_days,
    cast($as_of as date) as as_of,
    shown_counts.is_suppressed,
    cast(intervals.outreach_count as integer) as outreach_count,
    cast(intervals.control_count as integer) as control_count,
    cast(round(intervals.outreach_rate, 4) as decimal(9, 4)) as outreach_rate,
    cast(round(intervals.control_rate, 4) as decimal(9, 4)) as control_rate,
    cast(round(intervals.outreach_rate - intervals.control_rate, 4) as decimal(9, 4)) as difference,
    cast(
        round(
            intervals.outreach_rate - intervals.control_rate
            - sqrt(
                (intervals.outreach_rate - intervals.outreach_low) * (intervals.outreach_rate - intervals.outreach_low)
                + (intervals.control_high - intervals.control_rate) * (intervals.control_high - intervals.control_rate)
            ),
            4
        ) as decimal(9, 4)
    ) as difference_low,
    cast(
        round(
            intervals.outreach_rate - intervals.control_rate
            + sqrt(
                (intervals.outreach_high - intervals.outreach_rate)
                * (intervals.outreach_high - intervals.outreach_rate)
                + (intervals.control_rate - intervals.control_low) * (intervals.control_rate - intervals.control_low)
            ),
            4
        ) as decimal(9, 4)
    ) as difference_high
from shown_counts
left join intervals
    on
        shown_counts.programme = intervals.programme
        and shown_counts.horizon_days = intervals.horizon_days
order by
    shown_counts.programme,
    shown_counts.horizon_days
