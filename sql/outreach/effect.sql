-- What outreach does: gaps that claims close within 30, 60 and 90 days, of everyone drawn, in either arm.
--
-- By intention to treat: members count in the arm that they were drawn for, contacted or not, once they were followed
-- for as long. Whom no draw put there, since they were on a list before it, is in neither count (`left_out_count`):
-- they would make one arm another kind of people. The interval of the difference is Newcombe's, from the Wilson
-- intervals of both arms at 95 %. A row in which a count of people from 1 to 10 stands, or follows, shows no counts and
-- no rates. Nor does one that, taken from a shorter time of the same programme, leaves such a count: of those drawn
-- between, or of those closed between.
with

followed_members as (
    select
        holdout_arm.programme,
        horizons.horizon_days,
        holdout_arm.arm,
        holdout_arm.is_randomised,
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
        arms.arm,
        count(*) filter (where followed_members.is_randomised and followed_members.arm = arms.arm) as member_count,
        sum(
            case
                when followed_members.is_randomised and followed_members.arm = arms.arm then followed_members.is_closed
                else 0
            end
        ) as closed_count,
        count(*) filter (where not followed_members.is_randomised) as left_out_count
    from followed_members
    cross join (values ('outreach'), ('control')) as arms (arm)
    group by
        followed_members.programme,
        followed_members.horizon_days,
        arms.arm
),

judged_counts as (
    select
        counts.*,
        bool_or(
            counts.member_count < $small_cell
            or (counts.closed_count > 0 and counts.closed_count < $small_cell)
            or (
                counts.member_count - counts.closed_count > 0
                and counts.member_count - counts.closed_count < $small_cell
            )
        ) over (
            partition by counts.programme, counts.horizon_days
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
            and longer.arm = shorter.arm
            and longer.horizon_days > shorter.horizon_days
    where
        not shorter.is_small
        and (
            (
                shorter.member_count > longer.member_count
                and shorter.member_count - longer.member_count < $small_cell
            )
            -- The same members at both times: what is more are those closed between.
            or (
                shorter.member_count = longer.member_count
                and longer.closed_count > shorter.closed_count
                and longer.closed_count - shorter.closed_count < $small_cell
            )
        )
),

-- Whom no draw put into an arm: of a longer time, where a shorter one would tell of 1 to 10 of them.
telling_left_outs as (
    select distinct
        longer.programme,
        longer.horizon_days
    from judged_counts as longer
    inner join judged_counts as shorter
        on
            longer.programme = shorter.programme
            and longer.arm = shorter.arm
            and longer.horizon_days > shorter.horizon_days
    where
        shorter.left_out_count > longer.left_out_count
        and shorter.left_out_count - longer.left_out_count < $small_cell
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
        shown_counts.arm,
        shown_counts.member_count,
        shown_counts.closed_count / cast(shown_counts.member_count as double) as rate,
        (
            2 * shown_counts.closed_count + 3.8416
            - 1.96 * sqrt(
                3.8416
                + 4 * shown_counts.closed_count * (shown_counts.member_count - shown_counts.closed_count)
                / cast(shown_counts.member_count as double)
            )
        ) / (2 * (shown_counts.member_count + 3.8416)) as low,
        (
            2 * shown_counts.closed_count + 3.8416
            + 1.96 * sqrt(
                3.8416
                + 4 * shown_counts.closed_count * (shown_counts.member_count - shown_counts.closed_count)
                / cast(shown_counts.member_count as double)
            )
        ) / (2 * (shown_counts.member_count + 3.8416)) as high
    from shown_counts
    where not shown_counts.is_suppressed
)

select
    shown_counts.programme,
    cast(shown_counts.horizon_days as integer) as horizon_days,
    cast($as_of as date) as as_of,
    shown_counts.is_suppressed,
    cast(outreach.member_count as integer) as outreach_count,
    cast(control.member_count as integer) as control_count,
    cast(round(outreach.rate, 4) as decimal(9, 4)) as outreach_rate,
    cast(round(control.rate, 4) as decimal(9, 4)) as control_rate,
    cast(round(outreach.rate - control.rate, 4) as decimal(9, 4)) as difference,
    cast(
        round(
            outreach.rate - control.rate
            - sqrt(
                (outreach.rate - outreach.low) * (outreach.rate - outreach.low)
                + (control.high - control.rate) * (control.high - control.rate)
            ),
            4
        ) as decimal(9, 4)
    ) as difference_low,
    cast(
        round(
            outreach.rate - control.rate
            + sqrt(
                (outreach.high - outreach.rate) * (outreach.high - outreach.rate)
                + (control.rate - control.low) * (control.rate - control.low)
            ),
            4
        ) as decimal(9, 4)
    ) as difference_high,
    case
        when
            not shown_counts.is_suppressed
            and telling_left_outs.programme is null
            and (shown_counts.left_out_count = 0 or shown_counts.left_out_count >= $small_cell)
            then cast(shown_counts.left_out_count as integer)
    end as left_out_count
from shown_counts
left join intervals as outreach
    on
        shown_counts.programme = outreach.programme
        and shown_counts.horizon_days = outreach.horizon_days
        and outreach.arm = 'outreach'
left join intervals as control
    on
        shown_counts.programme = control.programme
        and shown_counts.horizon_days = control.horizon_days
        and control.arm = 'control'
left join telling_left_outs
    on
        shown_counts.programme = telling_left_outs.programme
        and shown_counts.horizon_days = telling_left_outs.horizon_days
where shown_counts.arm = 'outreach'
order by
    shown_counts.programme,
    shown_counts.horizon_days
