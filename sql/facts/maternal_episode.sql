-- Pregnancies and births that may be spoken of tonight: each member at most one pregnancy and one latest birth.
--
-- None while the gate is closed, after an unlifted loss, in doubt, of a member in hospital, not enrolled or under 18,
-- and none beyond 41 weeks (maternal 1.6 to 1.8). A live birth is a paid one, or a birth of which a newborn of the
-- family has paid claims (maternal 1.7, L5).
with

-- Births without a stated outcome of which a newborn of the family has paid claims (maternal 1.7, L5).
linked_births as (
    select distinct
        pregnancy.member_key,
        pregnancy.episode
    from facts.pregnancy
    inner join core.member as mother
        on pregnancy.member_key = mother.member_key
    inner join core.member as infant
        on
            mother.subscriber_id = infant.subscriber_id
            and infant.birth_date between pregnancy.end_date - 7 and pregnancy.end_date + 7
    inner join core.medical_line
        on
            infant.member_key = medical_line.member_key
            and medical_line.is_paid
            and not medical_line.is_void
    where pregnancy.outcome in ('live_birth', 'delivery')
),

-- Severe conditions are a clinician's: a pregnant member with one is on no routine list (maternal 2, BP_MONITOR).
severe_members as (
    select distinct
        pregnancy.member_key,
        pregnancy.episode
    from facts.pregnancy
    inner join facts.maternal_care
        on
            pregnancy.member_key = maternal_care.member_key
            and maternal_care.value_set = 'severe_preeclampsia'
            and pregnancy.lmp_date <= maternal_care.event_date
    where pregnancy.end_date is null
)

select
    pregnancy.member_key,
    pregnancy.episode,
    case when pregnancy.end_date is null then 'pregnant' else 'postpartum' end as population,
    pregnancy.status,
    coalesce(pregnancy.tier, 'A') as tier,
    pregnancy.lmp_date,
    pregnancy.end_date as delivery_date,
    pregnancy.gestational_age_days,
    pregnancy.least_gestational_age_days,
    cast(cast($as_of as date) - pregnancy.last_evidence_date as integer) as evidence_age_days,
    pregnancy.last_evidence_date,
    coalesce(pregnancy.outcome = 'live_birth' and pregnancy.is_paid_outcome, false)
    or linked_births.member_key is not null as is_live_birth,
    severe_members.member_key is not null as is_severe,
    enrolled_member.enrollment_start_date,
    member.state
from facts.pregnancy
cross join facts.maternal_gate
inner join core.member
    on pregnancy.member_key = member.member_key
inner join facts.enrolled_member
    on pregnancy.member_key = enrolled_member.member_key
left join linked_births
    on
        pregnancy.member_key = linked_births.member_key
        and pregnancy.episode = linked_births.episode
left join severe_members
    on
        pregnancy.member_key = severe_members.member_key
        and pregnancy.episode = severe_members.episode
where
    maternal_gate.closed_reason is null
    and pregnancy.referral_reason is null
    and coalesce(member.death_date > cast($as_of as date), true)
    and (
        (pregnancy.status in ('current', 'stale') and coalesce(pregnancy.tier, 'X') <> 'X')
        or (
            pregnancy.status = 'ended'
            and pregnancy.outcome in ('live_birth', 'delivery')
            and pregnancy.end_date > cast($as_of as date) - 366
        )
    )
    and pregnancy.member_key not in (
        select standing_loss.member_key
        from facts.standing_loss
    )
    and pregnancy.member_key not in (
        select stay.member_key
        from core.stay
        where cast($as_of as date) between stay.admission_date and stay.discharge_date
    )
    -- A new pregnancy ends the time after the last birth.
    and (
        pregnancy.end_date is null
        or not exists (
            select 1
            from facts.pregnancy as later
            where
                later.member_key = pregnancy.member_key
                and later.episode > pregnancy.episode
        )
    )
order by
    pregnancy.member_key,
    pregnancy.episode
