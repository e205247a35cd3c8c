-- How alike the two arms of each programme are: members by age, risk, state and dual or low-income subsidy.
--
-- What was known on the night of the draw, of those whom `effect` compares. Risk is the band of the score. A level in
-- which either arm has 1 to 10 members shows no counts, nor does the programme's covariate then: the rest would give it
-- back. Nor does a programme of which 1 to 10 members of an arm were drawn since any of the times that `effect` shows:
-- they are what is more here than there (rules 6.4).
with

compared_members as (
    select
        holdout_arm.programme,
        holdout_arm.arm,
        holdout_arm.score,
        holdout_arm.age,
        holdout_arm.state,
        holdout_arm.is_dual_or_lis
    from outreach.holdout_arm
    where holdout_arm.is_randomised
),

levelled_members as (
    select
        compared_members.programme,
        compared_members.arm,
        'age' as covariate,
        case
            when compared_members.age < 18 then 'under 18'
            when compared_members.age < 45 then '18 to 44'
            when compared_members.age < 65 then '45 to 64'
            else '65 and over'
        end as covariate_level
    from compared_members
    union all
    select
        compared_members.programme,
        compared_members.arm,
        'risk' as covariate,
        case
            when compared_members.score >= $band_urgent_score then 'urgent'
            when compared_members.score >= $band_high_score then 'high'
            else 'routine'
        end as covariate_level
    from compared_members
    union all
    select
        compared_members.programme,
        compared_members.arm,
        'state' as covariate,
        coalesce(compared_members.state, 'unknown') as covariate_level
    from compared_members
    union all
    select
        compared_members.programme,
        compared_members.arm,
        'dual_or_subsidy' as covariate,
        case
            when compared_members.is_dual_or_lis then 'yes'
            when not compared_members.is_dual_or_lis then 'no'
            else 'unknown'
        end as covariate_level
    from compared_members
),

counts as (
    select
        levelled_members.programme,
        levelled_members.covariate,
        levelled_members.covariate_level,
        count(*) filter (where levelled_members.arm = 'outreach') as outreach_count,
        count(*) filter (where levelled_members.arm = 'control') as control_count
    from levelled_members
    group by
        levelled_members.programme,
        levelled_members.covariate,
        levelled_members.covariate_level
),

arm_counts as (
    select
        compared_members.programme,
        count(*) filter (where compared_members.arm = 'outreach') as outreach_total,
        count(*) filter (where compared_members.arm = 'control') as control_total
    from compared_members
    group by compared_members.programme
),

-- Programmes of which `effect` shows those followed for some time, so that the few drawn since could be told.
telling_programmes as (
    select distinct arm_counts.programme
    from arm_counts
    inner join outreach.effect
        on arm_counts.programme = effect.programme
    where
        not effect.is_suppressed
        and (
            (
                arm_counts.outreach_total > effect.outreach_count
                and arm_counts.outreach_total - effect.outreach_count < $small_cell
            )
            or (
                arm_counts.control_total > effect.control_count
                and arm_counts.control_total - effect.control_count < $small_cell
            )
        )
),

totals as (
    select
        counts.*,
        sum(counts.outreach_count) over (partition by counts.programme, counts.covariate) as outreach_total,
        sum(counts.control_count) over (partition by counts.programme, counts.covariate) as control_total,
        max(
            case
                when
                    (counts.outreach_count > 0 and counts.outreach_count < $small_cell)
                    or (counts.control_count > 0 and counts.control_count < $small_cell)
                    or telling_programmes.programme is not null
                    then 1
                else 0
            end
        ) over (partition by counts.programme, counts.covariate) as has_small_cell
    from counts
    left join telling_programmes
        on counts.programme = telling_programmes.programme
)

select
    totals.programme,
    totals.covariate,
    totals.covariate_level,
    cast($as_of as date) as as_of,
    totals.has_small_cell = 1 as is_suppressed,
    case when totals.has_small_cell = 0 then cast(totals.outreach_count as integer) end as outreach_count,
    case when totals.has_small_cell = 0 then cast(totals.control_count as integer) end as control_count,
    case
        when totals.has_small_cell = 0 and totals.outreach_total > 0
            then cast(round(totals.outreach_count / cast(totals.outreach_total as double), 4) as decimal(9, 4))
    end as outreach_share,
    case
        when totals.has_small_cell = 0 and totals.control_total > 0
            then cast(round(totals.control_count / cast(totals.control_total as double), 4) as decimal(9, 4))
    end as control_share
from totals
order by
    totals.programme,
    totals.covariate,
    totals.covariate_level
