-- Pregnancies as the claims tell them on the as-of date: each that ended, and the one that may go on.
--
-- One row per member and episode, numbered by outcome. The last episode has no outcome yet: its LMP is the median of
-- the dated weeks, or where there is none the middle of what its best evidence allows; a tier says how sure it is, a
-- status whether it may be spoken of at all (maternal 1.6 and 1.8). Published in the restricted part only.
with

last_outcomes as (
    select
        pregnancy_outcome.member_key,
        max(pregnancy_outcome.outcome_number) as outcome_number,
        max(pregnancy_outcome.end_date + pregnancy_outcome_rule.retry_days) as residual_through_date
    from facts.pregnancy_outcome
    inner join raw.pregnancy_outcome_rule
        on pregnancy_outcome.outcome = pregnancy_outcome_rule.outcome
    group by pregnancy_outcome.member_key
),

-- Evidence of a pregnancy that began after the last outcome and its recovery, as far back as a pregnancy can last. What
-- can only have begun before is left-over coding, whenever it is dated (maternal 1.5, step 5; 1.6, steps 1 and 5).
recent_evidence as (
    select
        pregnancy_evidence.member_key,
        pregnancy_evidence.event_date,
        pregnancy_evidence.claim_id,
        pregnancy_evidence.evidence_class,
        greatest(
            pregnancy_evidence.earliest_lmp_date, last_outcomes.residual_through_date + 1
        ) as earliest_lmp_date,
        greatest(pregnancy_evidence.lmp_date, last_outcomes.residual_through_date + 1) as lmp_date,
        pregnancy_evidence.latest_lmp_date,
        pregnancy_evidence.lmp_cluster,
        coalesce(last_outcomes.outcome_number, 0) + 1 as episode,
        cast(
            pregnancy_evidence.event_date - lag(pregnancy_evidence.event_date) over (
                partition by pregnancy_evidence.member_key
                order by pregnancy_evidence.event_date, pregnancy_evidence.claim_id, pregnancy_evidence.code
            ) as integer
        ) as days_since_previous
    from facts.pregnancy_evidence
    left join last_outcomes
        on pregnancy_evidence.member_key = last_outcomes.member_key
    where
        pregnancy_evidence.is_counted
        and pregnancy_evidence.event_date > cast($as_of as date) - 308
        and pregnancy_evidence.latest_lmp_date > coalesce(last_outcomes.residual_through_date, date '1900-01-01')
),

-- A silence of more than 300 days separates pregnancies, whatever the codes say.
silences as (
    select
        recent_evidence.member_key,
        max(recent_evidence.event_date) as heard_again_date
    from recent_evidence
    where recent_evidence.days_since_previous > 300
    group by recent_evidence.member_key
),

cluster_dates as (
    select
        recent_evidence.member_key,
        recent_evidence.lmp_cluster,
        min(recent_evidence.lmp_date) as earliest_lmp_date,
        max(recent_evidence.lmp_date) as latest_lmp_date,
        min(recent_evidence.event_date) as first_date,
        row_number() over (
            partition by recent_evidence.member_key
            order by max(recent_evidence.event_date) desc, recent_evidence.lmp_cluster desc
        ) as recency
    from recent_evidence
    where recent_evidence.lmp_cluster is not null
    group by
        recent_evidence.member_key,
        recent_evidence.lmp_cluster
),

-- Of several pregnancies the one seen last. Weaker evidence belongs to it from conception on, 14 days after the LMP; up
-- to the first dated day only where its own LMP is no more than 56 days away: else it speaks of the pregnancy before
-- (maternal 1.6, step 3).
episode_evidence as (
    select
        recent_evidence.member_key,
        recent_evidence.episode,
        recent_evidence.event_date,
        recent_evidence.claim_id,
        recent_evidence.evidence_class,
        recent_evidence.earliest_lmp_date,
        recent_evidence.lmp_date,
        recent_evidence.latest_lmp_date,
        -- Evidence without timing dates a pregnancy where it first occurs, and nowhere else.
        recent_evidence.evidence_class < 5
        or recent_evidence.event_date = min(
            case when recent_evidence.evidence_class = 5 then recent_evidence.event_date end
        ) over (partition by recent_evidence.member_key) as is_timed
    from recent_evidence
    left join silences
        on recent_evidence.member_key = silences.member_key
    left join cluster_dates
        on
            recent_evidence.member_key = cluster_dates.member_key
            and cluster_dates.recency = 1
    where
        recent_evidence.event_date >= coalesce(silences.heard_again_date, recent_evidence.event_date)
        and (
            cluster_dates.member_key is null
            or recent_evidence.lmp_cluster = cluster_dates.lmp_cluster
            or (
                recent_evidence.lmp_cluster is null
                and recent_evidence.event_date >= cluster_dates.earliest_lmp_date + 14
                and (
                    recent_evidence.event_date >= cluster_dates.first_date
                    or recent_evidence.lmp_date
                    between cluster_dates.earliest_lmp_date - 56 and cluster_dates.latest_lmp_date + 56
                )
            )
        )
),

best_classes as (
    select
        episode_evidence.member_key,
        min(episode_evidence.evidence_class) as best_class
    from episode_evidence
    where episode_evidence.is_timed
    group by episode_evidence.member_key
),

best_lmps as (
    select distinct
        episode_evidence.member_key,
        episode_evidence.event_date,
        episode_evidence.lmp_date,
        episode_evidence.earliest_lmp_date,
        episode_evidence.latest_lmp_date
    from episode_evidence
    inner join best_classes
        on
            episode_evidence.member_key = best_classes.member_key
            and episode_evidence.evidence_class = best_classes.best_class
    where episode_evidence.is_timed
),

placed_lmps as (
    select
        best_lmps.member_key,
        best_lmps.lmp_date,
        row_number() over (
            partition by best_lmps.member_key
            order by best_lmps.lmp_date, best_lmps.event_date
        ) as place,
        count(*) over (partition by best_lmps.member_key) as place_count
    from best_lmps
),

-- The median: of an even number the day half-way between the middle two, rounded down.
median_lmps as (
    select
        placed_lmps.member_key,
        min(placed_lmps.lmp_date)
        + cast(cast(max(placed_lmps.lmp_date) - min(placed_lmps.lmp_date) as integer) // 2 as integer) as lmp_date
    from placed_lmps
    where
        placed_lmps.place = (placed_lmps.place_count + 1) // 2
        or placed_lmps.place = (placed_lmps.place_count + 2) // 2
    group by placed_lmps.member_key
),

lmp_bounds as (
    select
        best_lmps.member_key,
        max(best_lmps.earliest_lmp_date) as earliest_lmp_date,
        min(best_lmps.latest_lmp_date) as latest_lmp_date,
        max(best_lmps.earliest_lmp_date) <= min(best_lmps.latest_lmp_date) as is_consistent,
        cast(max(best_lmps.lmp_date) - min(best_lmps.lmp_date) as integer) as spread_days
    from best_lmps
    group by best_lmps.member_key
),

trimester_bounds as (
    select
        episode_evidence.member_key,
        count(distinct episode_evidence.event_date) as trimester_dates,
        max(episode_evidence.earliest_lmp_date) <= min(episode_evidence.latest_lmp_date) as is_consistent
    from episode_evidence
    where episode_evidence.evidence_class = 4
    group by episode_evidence.member_key
),

open_episodes as (
    select
        episode_evidence.member_key,
        max(episode_evidence.episode) as episode,
        min(episode_evidence.event_date) as first_evidence_date,
        coalesce(
            max(case when episode_evidence.evidence_class <= 4 then episode_evidence.event_date end),
            max(episode_evidence.event_date)
        ) as last_evidence_date,
        cast(max(episode_evidence.event_date) - min(episode_evidence.event_date) as integer) as evidence_span_days,
        count(distinct episode_evidence.event_date) as evidence_dates,
        count(distinct case when episode_evidence.evidence_class = 1 then episode_evidence.event_date end) as week_dates
    from episode_evidence
    group by episode_evidence.member_key
),

dated_episodes as (
    select
        open_episodes.*,
        case
            when best_classes.best_class = 1 or not lmp_bounds.is_consistent then median_lmps.lmp_date
            else
                lmp_bounds.earliest_lmp_date
                + cast(
                    cast(lmp_bounds.latest_lmp_date - lmp_bounds.earliest_lmp_date as integer) // 2 as integer
                )
        end as lmp_date,
        case
            when lmp_bounds.is_consistent then lmp_bounds.latest_lmp_date else median_lmps.lmp_date + 3
        end as latest_lmp_date,
        case when best_classes.best_class = 1 then lmp_bounds.spread_days else 0 end as lmp_spread_days,
        coalesce(trimester_bounds.trimester_dates >= 2 and trimester_bounds.is_consistent, false) as has_trimesters
    from open_episodes
    inner join best_classes
        on open_episodes.member_key = best_classes.member_key
    inner join median_lmps
        on open_episodes.member_key = median_lmps.member_key
    inner join lmp_bounds
        on open_episodes.member_key = lmp_bounds.member_key
    left join trimester_bounds
        on open_episodes.member_key = trimester_bounds.member_key
),

lost_members as (
    select distinct standing_loss.member_key
    from facts.standing_loss
),

doubts as (
    select
        suppression.member_key,
        max(suppression.trigger_date) as trigger_date
    from facts.suppression
    where
        suppression.rule = 'L3'
        and suppression.released_by is null
    group by suppression.member_key
),

-- Signs that the pregnancy is over although no outcome was claimed: postpartum care, or a newborn of the family.
endings as (
    select distinct open_episodes.member_key
    from open_episodes
    inner join facts.maternal_event
        on
            open_episodes.member_key = maternal_event.member_key
            and maternal_event.value_set = 'postpartum'
            and not maternal_event.is_voided
            and open_episodes.first_evidence_date <= maternal_event.event_date
    union
    select dated_episodes.member_key
    from dated_episodes
    inner join core.member as mother
        on dated_episodes.member_key = mother.member_key
    inner join core.member as infant
        on
            mother.subscriber_id = infant.subscriber_id
            and infant.birth_date
            between least(dated_episodes.first_evidence_date, dated_episodes.lmp_date + 14) and cast($as_of as date)
),

judged_episodes as (
    select
        dated_episodes.*,
        cast(cast($as_of as date) - dated_episodes.lmp_date as integer) as gestational_age_days,
        cast(cast($as_of as date) - dated_episodes.latest_lmp_date as integer) as least_gestational_age_days,
        cast(cast($as_of as date) - dated_episodes.last_evidence_date as integer) as evidence_age_days,
        lost_members.member_key is not null as is_lost,
        endings.member_key is not null as is_over,
        dated_episodes.lmp_spread_days > 28
        or coalesce(
            doubts.trigger_date >= least(dated_episodes.first_evidence_date, dated_episodes.lmp_date + 14), false
        ) as is_in_doubt
    from dated_episodes
    left join lost_members
        on dated_episodes.member_key = lost_members.member_key
    left join doubts
        on dated_episodes.member_key = doubts.member_key
    left join endings
        on dated_episodes.member_key = endings.member_key
),

tiered_episodes as (
    select
        judged_episodes.*,
        case
            when judged_episodes.is_lost then 'suppressed'
            when judged_episodes.is_over or judged_episodes.gestational_age_days > 294 then 'outcome_unknown'
            when judged_episodes.gestational_age_days > 287 then 'overdue'
            when
                judged_episodes.evidence_age_days > case
                    when judged_episodes.gestational_age_days < 196 then 42 else 35
                end
                then 'stale'
            else 'current'
        end as status,
        case
            when judged_episodes.is_lost then null
            when judged_episodes.is_in_doubt then 'X'
            when
                judged_episodes.evidence_span_days >= 7
                and judged_episodes.week_dates >= 1
                and judged_episodes.lmp_spread_days <= 14
                then 'A'
            when
                (judged_episodes.week_dates >= 1 and judged_episodes.evidence_dates >= 2)
                or judged_episodes.has_trimesters
                then 'B'
            else 'C'
        end as evidence_tier
    from judged_episodes
    -- Nothing tells of a pregnancy of fewer than 35 days (step 5).
    where
        judged_episodes.gestational_age_days >= 35
        or judged_episodes.is_lost
),

-- The dated week nearest to an outcome says when the pregnancy began, else the trimester, else what is usual.
outcome_lmps as (
    select
        pregnancy_outcome.member_key,
        pregnancy_outcome.outcome_number,
        pregnancy_evidence.lmp_date,
        pregnancy_evidence.event_date,
        row_number() over (
            partition by pregnancy_outcome.member_key, pregnancy_outcome.outcome_number
            order by
                pregnancy_evidence.evidence_class = 4,
                abs(cast(pregnancy_outcome.end_date - pregnancy_evidence.event_date as integer)),
                pregnancy_evidence.claim_id,
                pregnancy_evidence.code
        ) as nearness
    from facts.pregnancy_outcome
    inner join raw.pregnancy_outcome_rule
        on pregnancy_outcome.outcome = pregnancy_outcome_rule.outcome
    inner join facts.pregnancy_evidence
        on
            pregnancy_outcome.member_key = pregnancy_evidence.member_key
            and pregnancy_evidence.evidence_class in (1, 4)
            and pregnancy_evidence.left_out_reason is distinct from 'not_paid'
            and pregnancy_evidence.event_date
            between pregnancy_outcome.end_date - pregnancy_outcome_rule.max_days and pregnancy_outcome.end_date + 7
            and cast(pregnancy_outcome.end_date - pregnancy_evidence.lmp_date as integer)
            between pregnancy_outcome_rule.min_days and pregnancy_outcome_rule.max_days
),

-- Losses that nothing has lifted, by the pregnancies that ended around them; an infant's death may be a year later.
lost_outcomes as (
    select distinct
        pregnancy_outcome.member_key,
        pregnancy_outcome.outcome_number
    from facts.pregnancy_outcome
    inner join facts.standing_loss
        on
            pregnancy_outcome.member_key = standing_loss.member_key
            and standing_loss.trigger_date
            between pregnancy_outcome.end_date - 308 and pregnancy_outcome.end_date + 365
),

-- No pregnancy begins before the recovery from the one before is over.
ended_episodes as (
    select
        pregnancy_outcome.member_key,
        pregnancy_outcome.outcome_number as episode,
        greatest(
            coalesce(outcome_lmps.lmp_date, pregnancy_outcome.end_date - pregnancy_outcome_rule.point_days),
            lag(pregnancy_outcome.end_date + pregnancy_outcome_rule.retry_days + 1) over (
                partition by pregnancy_outcome.member_key
                order by pregnancy_outcome.outcome_number
            )
        ) as lmp_date,
        outcome_lmps.event_date as last_evidence_date,
        pregnancy_outcome.outcome,
        pregnancy_outcome.end_date,
        pregnancy_outcome.is_paid,
        case when lost_outcomes.member_key is not null then 'suppressed' else 'ended' end as status
    from facts.pregnancy_outcome
    inner join raw.pregnancy_outcome_rule
        on pregnancy_outcome.outcome = pregnancy_outcome_rule.outcome
    left join outcome_lmps
        on
            pregnancy_outcome.member_key = outcome_lmps.member_key
            and pregnancy_outcome.outcome_number = outcome_lmps.outcome_number
            and outcome_lmps.nearness = 1
    left join lost_outcomes
        on
            pregnancy_outcome.member_key = lost_outcomes.member_key
            and pregnancy_outcome.outcome_number = lost_outcomes.outcome_number
),

episodes as (
    select
        ended_episodes.member_key,
        ended_episodes.episode,
        ended_episodes.status,
        cast(null as varchar) as tier,
        ended_episodes.lmp_date,
        ended_episodes.lmp_date as latest_lmp_date,
        cast(null as integer) as lmp_spread_days,
        cast(ended_episodes.end_date - ended_episodes.lmp_date as integer) as gestational_age_days,
        cast(null as integer) as least_gestational_age_days,
        cast(null as date) as first_evidence_date,
        ended_episodes.last_evidence_date,
        ended_episodes.outcome,
        ended_episodes.end_date,
        ended_episodes.is_paid as is_paid_outcome
    from ended_episodes
    union all
    select
        tiered_episodes.member_key,
        tiered_episodes.episode,
        tiered_episodes.status,
        case
            when tiered_episodes.status in ('current', 'stale', 'overdue') then tiered_episodes.evidence_tier
        end as tier,
        tiered_episodes.lmp_date,
        tiered_episodes.latest_lmp_date,
        tiered_episodes.lmp_spread_days,
        tiered_episodes.gestational_age_days,
        tiered_episodes.least_gestational_age_days,
        tiered_episodes.first_evidence_date,
        tiered_episodes.last_evidence_date,
        cast(null as varchar) as outcome,
        cast(null as date) as end_date,
        cast(null as boolean) as is_paid_outcome
    from tiered_episodes
    union all
    -- A loss of which claims tell no episode, such as one that a pharmacy reported.
    select
        lost_members.member_key,
        coalesce(last_outcomes.outcome_number, 0) + 1 as episode,
        'suppressed' as status,
        cast(null as varchar) as tier,
        cast(null as date) as lmp_date,
        cast(null as date) as latest_lmp_date,
        cast(null as integer) as lmp_spread_days,
        cast(null as integer) as gestational_age_days,
        cast(null as integer) as least_gestational_age_days,
        cast(null as date) as first_evidence_date,
        cast(null as date) as last_evidence_date,
        cast(null as varchar) as outcome,
        cast(null as date) as end_date,
        cast(null as boolean) as is_paid_outcome
    from lost_members
    left join last_outcomes
        on lost_members.member_key = last_outcomes.member_key
    where
        lost_members.member_key not in (select tiered_episodes.member_key from tiered_episodes)
        and lost_members.member_key not in (
            select ended_episodes.member_key
            from ended_episodes
            where ended_episodes.status = 'suppressed'
        )
)

select
    episodes.member_key,
    cast(episodes.episode as integer) as episode,
    episodes.status,
    episodes.tier,
    episodes.lmp_date,
    episodes.lmp_date + 280 as edd_date,
    episodes.gestational_age_days,
    episodes.least_gestational_age_days,
    episodes.lmp_spread_days,
    episodes.first_evidence_date,
    episodes.last_evidence_date,
    episodes.outcome,
    episodes.end_date,
    episodes.is_paid_outcome,
    -- Who may be spoken to at all (maternal 1.6, step 0): women of 18 to 50, of 51 to 55 in tier A alone.
    case
        when coalesce(member.gender, '') not in ('f', 'female') then 'sex_mismatch'
        when member.birth_date > cast(cast($as_of as date) - interval 12 year as date) then 'age_mismatch'
        when member.birth_date > cast(cast($as_of as date) - interval 18 year as date) then 'minor'
        when member.birth_date <= cast(cast($as_of as date) - interval 56 year as date) then 'age_mismatch'
        when
            member.birth_date <= cast(cast($as_of as date) - interval 51 year as date)
            and coalesce(episodes.tier, '') <> 'A'
            and episodes.end_date is null
            then 'age_unproven'
    end as referral_reason
from episodes
inner join core.member
    on episodes.member_key = member.member_key
order by
    episodes.member_key,
    episode
