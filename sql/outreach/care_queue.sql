-- What no pharmacy list may hold, for the plan's own clinicians and care managers: the restricted part only.
--
-- Severe conditions go to a clinician the same day. To care management go minors, members whose sex or age does not fit
-- the claims, claims that contradict each other, losses of which only voided claims tell, and care after the loss of a
-- child at or after birth, whose wording is theirs to choose (maternal 1.6 to 1.8). While the gate is closed the queue
-- is empty too: it would rest on the same evidence.
with

lost_members as (
    select
        standing_loss.member_key,
        max(standing_loss.trigger_date) as trigger_date,
        min(standing_loss.claim_id) as claim_id,
        min(standing_loss.is_voided) as is_voided,
        max(
            case
                when
                    standing_loss.proof_lag_days = 28
                    and standing_loss.trigger_source in ('claim', 'infant')
                    and not standing_loss.is_voided
                    and standing_loss.member_key in (select maternal_event.member_key from facts.maternal_event)
                    then standing_loss.trigger_date
            end
        ) as bereavement_date
    from facts.standing_loss
    group by standing_loss.member_key
),

severe_conditions as (
    select
        pregnancy.member_key,
        max(maternal_care.event_date) as event_date,
        max(maternal_care.claim_id) as claim_id
    from facts.pregnancy
    inner join facts.maternal_care
        on
            pregnancy.member_key = maternal_care.member_key
            and maternal_care.value_set = 'severe_preeclampsia'
            and pregnancy.lmp_date <= maternal_care.event_date
            and maternal_care.event_date <= coalesce(pregnancy.end_date + 42, maternal_care.event_date)
    where
        pregnancy.status in ('current', 'overdue', 'stale')
        or (pregnancy.status = 'ended' and pregnancy.end_date >= cast($as_of as date) - 42)
    group by pregnancy.member_key
),

cases as (
    select
        severe_conditions.member_key,
        'clinician' as queue,
        'severe_condition' as queue_reason,
        'today' as urgency,
        severe_conditions.event_date,
        severe_conditions.claim_id,
        cast($as_of as date) as due_date
    from severe_conditions
    where severe_conditions.member_key not in (select lost_members.member_key from lost_members)
    union all
    select
        pregnancy.member_key,
        'care_management' as queue,
        pregnancy.referral_reason as queue_reason,
        'soon' as urgency,
        pregnancy.last_evidence_date as event_date,
        cast(null as varchar) as claim_id,
        cast($as_of as date) + 7 as due_date
    from facts.pregnancy
    where
        pregnancy.referral_reason is not null
        and pregnancy.status in ('current', 'stale', 'overdue')
    union all
    select
        pregnancy.member_key,
        'care_management' as queue,
        'conflicting_evidence' as queue_reason,
        'soon' as urgency,
        pregnancy.last_evidence_date as event_date,
        cast(null as varchar) as claim_id,
        cast($as_of as date) + 7 as due_date
    from facts.pregnancy
    where
        pregnancy.tier = 'X'
        and pregnancy.status = 'current'
        and pregnancy.referral_reason is null
    union all
    select
        lost_members.member_key,
        'care_management' as queue,
        'voided_loss' as queue_reason,
        'soon' as urgency,
        lost_members.trigger_date as event_date,
        lost_members.claim_id,
        cast($as_of as date) + 7 as due_date
    from lost_members
    where lost_members.is_voided
    union all
    -- The check-up and the depression screen after such a loss matter as much, and are never a pharmacy's to offer.
    select
        lost_members.member_key,
        'care_management' as queue,
        'care_after_loss' as queue_reason,
        'soon' as urgency,
        lost_members.bereavement_date as event_date,
        lost_members.claim_id,
        lost_members.bereavement_date + 84 as due_date
    from lost_members
    where lost_members.bereavement_date > cast($as_of as date) - 84
    union all
    -- A notice says nothing of what the stay was for: until a claim does, a care manager calls, and no pharmacy.
    select
        discharge.member_key,
        'care_management' as queue,
        'discharge_in_pregnancy' as queue_reason,
        'today' as urgency,
        discharge.discharge_date as event_date,
        cast(null as varchar) as claim_id,
        discharge.contact_due_date as due_date
    from facts.discharge
    where
        discharge.not_asked_reason = 'pregnancy_possible'
        and discharge.discharge_date > cast($as_of as date) - 30
)

select
    cases.queue,
    member.person_id,
    cases.queue_reason,
    cases.urgency,
    max(cases.event_date) as event_date,
    max(cases.claim_id) as claim_id,
    min(cases.due_date) as due_date
from cases
cross join facts.maternal_gate
inner join core.member
    on cases.member_key = member.member_key
inner join core.enrollment
    on
        cases.member_key = enrollment.member_key
        and cast($as_of as date) between enrollment.enrollment_start_date and enrollment.enrollment_end_date
where
    maternal_gate.closed_reason is null
    and coalesce(member.death_date > cast($as_of as date), true)
group by
    cases.queue,
    member.person_id,
    cases.queue_reason,
    cases.urgency
order by
    cases.queue,
    member.person_id,
    cases.queue_reason
