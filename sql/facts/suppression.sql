-- What holds pregnancy messages back: losses (L1) and doubts (L3), and what lifted them.
--
-- A loss never lapses. It is lifted by the proof of a new pregnancy alone: two dated weeks, at least seven days apart,
-- both 28 days or more after the loss, with an LMP that lies after it by the lag of its kind, and no week of the same
-- pregnancy that disagrees with another by more than 14 days; or by a care manager who has the member's own word that
-- the loss was miscoded (L4). A doubt holds for 28 days, and then until a dated week that follows it.
with

-- The weeks after each loss, one row per loss, pregnancy and day, and whether they could prove a new pregnancy.
later_weeks as (
    select distinct
        loss_trigger.member_key,
        loss_trigger.trigger_date,
        pregnancy_evidence.lmp_cluster,
        pregnancy_evidence.event_date,
        pregnancy_evidence.lmp_date,
        pregnancy_evidence.lmp_date > loss_trigger.trigger_date + loss_trigger.proof_lag_days as is_proving
    from facts.loss_trigger
    inner join facts.pregnancy_evidence
        on
            loss_trigger.member_key = pregnancy_evidence.member_key
            and pregnancy_evidence.evidence_class = 1
            and pregnancy_evidence.is_counted
            and pregnancy_evidence.event_date >= loss_trigger.trigger_date + 28
),

proofs as (
    select
        later_weeks.member_key,
        later_weeks.trigger_date,
        later_weeks.lmp_cluster,
        max(case when later_weeks.is_proving then later_weeks.event_date end) as proof_date
    from later_weeks
    group by
        later_weeks.member_key,
        later_weeks.trigger_date,
        later_weeks.lmp_cluster
    having
        cast(
            max(case when later_weeks.is_proving then later_weeks.event_date end)
            - min(case when later_weeks.is_proving then later_weeks.event_date end) as integer
        ) >= 7
        and cast(max(later_weeks.lmp_date) - min(later_weeks.lmp_date) as integer) <= 14
),

proof_claims as (
    select
        proofs.member_key,
        proofs.trigger_date,
        min(pregnancy_evidence.claim_id) as released_by
    from proofs
    inner join facts.pregnancy_evidence
        on
            proofs.member_key = pregnancy_evidence.member_key
            and proofs.lmp_cluster = pregnancy_evidence.lmp_cluster
            and proofs.proof_date = pregnancy_evidence.event_date
            and pregnancy_evidence.evidence_class = 1
            and pregnancy_evidence.is_counted
    group by
        proofs.member_key,
        proofs.trigger_date
),

first_evidence as (
    select
        pregnancy_evidence.member_key,
        min(pregnancy_evidence.event_date) as first_date
    from facts.pregnancy_evidence
    where
        pregnancy_evidence.is_counted
        and pregnancy_evidence.event_date > cast($as_of as date) - 308
    group by pregnancy_evidence.member_key
),

-- A delivery code without proof of a delivery is a doubt; so is a negative test after positive evidence.
doubts as (
    select
        maternal_event.member_key,
        maternal_event.event_date as trigger_date,
        min(maternal_event.claim_id) as claim_id
    from facts.maternal_event
    inner join first_evidence
        on maternal_event.member_key = first_evidence.member_key
    where
        maternal_event.event_date > cast($as_of as date) - 308
        and (
            maternal_event.value_set = 'pregnancy_hold'
            or (maternal_event.value_set = 'delivery' and maternal_event.category = 'intrapartum')
            or (
                maternal_event.value_set = 'pregnancy_negative'
                and maternal_event.code = 'Z3202'
                and maternal_event.event_date >= first_evidence.first_date
            )
            or (
                maternal_event.value_set = 'pregnancy_hold_emergency'
                and maternal_event.is_emergency
                -- The other codes of bleeding tell of a pregnancy themselves.
                and (maternal_event.code <> 'N939' or maternal_event.event_date >= first_evidence.first_date)
            )
        )
    group by
        maternal_event.member_key,
        maternal_event.event_date
),

dispelled_doubts as (
    select
        doubts.member_key,
        doubts.trigger_date,
        min(pregnancy_evidence.claim_id) as released_by
    from doubts
    inner join facts.pregnancy_evidence
        on
            doubts.member_key = pregnancy_evidence.member_key
            and pregnancy_evidence.evidence_class = 1
            and pregnancy_evidence.is_counted
            and doubts.trigger_date < pregnancy_evidence.event_date
    where cast($as_of as date) > doubts.trigger_date + 28
    group by
        doubts.member_key,
        doubts.trigger_date
)

select
    loss_trigger.member_key,
    'L1' as rule,
    loss_trigger.trigger_date,
    loss_trigger.claim_id,
    coalesce(
        proof_claims.released_by,
        case when loss_trigger.is_miscoded then 'care_manager' end
    ) as released_by,
    loss_trigger.trigger_source,
    loss_trigger.proof_lag_days,
    loss_trigger.is_voided
from facts.loss_trigger
left join proof_claims
    on
        loss_trigger.member_key = proof_claims.member_key
        and loss_trigger.trigger_date = proof_claims.trigger_date
union all
select
    doubts.member_key,
    'L3' as rule,
    doubts.trigger_date,
    doubts.claim_id,
    dispelled_doubts.released_by,
    'claim' as trigger_source,
    cast(null as integer) as proof_lag_days,
    false as is_voided
from doubts
left join dispelled_doubts
    on
        doubts.member_key = dispelled_doubts.member_key
        and doubts.trigger_date = dispelled_doubts.trigger_date
order by
    member_key,
    rule,
    trigger_date
