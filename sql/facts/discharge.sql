-- Discharges that the plan may act on: one row per member and chain of stays, of the last discharge of the chain.
--
-- A notice outranks the claim of the same stay; of several notices the first to arrive starts the clock. Contact is due
-- two business days after the discharge (weekends and federal holidays left out). A discharge of which the plan learned
-- later than that was missed at the source, not by a pharmacy. `not_asked_reason` says why nobody is called (maternal
-- 3.1, 3.2): after a birth, or a stay in which a pregnancy was lost or in doubt, care after birth or a care manager has
-- its own words, and where only a notice tells of the stay of somebody who is or was lately pregnant, none may guess
-- what it was. 130 days back: the longest window and the stays before it.
with

last_episodes as (
    select
        facility_stay.member_key,
        facility_stay.chain,
        max(facility_stay.episode) as episode,
        min(facility_stay.admission_date) as first_admission_date,
        max(facility_stay.episode_end_date) as last_end_date,
        max(facility_stay.stay_kind = 'acute') as is_acute,
        max(facility_stay.is_psychiatric or facility_stay.stay_kind = 'psychiatric') as is_psychiatric,
        max(facility_stay.destination = 'died') as is_fatal
    from facts.facility_stay
    group by
        facility_stay.member_key,
        facility_stay.chain
    having max(facility_stay.episode_end_date) > cast($as_of as date) - 130
),

final_records as (
    select
        facility_stay.*,
        row_number() over (
            partition by facility_stay.member_key, facility_stay.chain
            order by
                case when facility_stay.trigger_source = 'notice' then 0 else 1 end asc,
                facility_stay.end_date desc,
                facility_stay.notified_at desc nulls last,
                facility_stay.record_number desc
        ) as choice
    from facts.facility_stay
    inner join last_episodes
        on
            facility_stay.member_key = last_episodes.member_key
            and facility_stay.chain = last_episodes.chain
            and facility_stay.episode = last_episodes.episode
    where
        facility_stay.has_discharge
        and (
            facility_stay.end_date = facility_stay.episode_end_date
            -- A notice may date the discharge a day before the bill does.
            or (
                facility_stay.trigger_source = 'notice'
                and facility_stay.end_date = facility_stay.episode_end_date - 1
                and coalesce(facility_stay.destination <> 'facility', true)
            )
        )
),

ends as (
    select
        final_records.member_key,
        final_records.chain,
        max(case when final_records.choice = 1 then final_records.end_date end) as discharge_date,
        max(case when final_records.choice = 1 then final_records.trigger_source end) as trigger_source,
        max(case when final_records.choice = 1 then final_records.discharged_at end) as discharged_at,
        max(case when final_records.choice = 1 then final_records.facility_npi end) as facility_npi,
        max(case when final_records.choice = 1 then final_records.destination end) as chosen_destination,
        case
            when max(final_records.destination = 'facility') then 'facility'
            else max(final_records.destination)
        end as any_destination,
        max(final_records.destination = 'died') as is_fatal,
        max(final_records.destination = 'hospice') as is_hospice,
        min(final_records.notified_at) as notified_at,
        min(case when final_records.trigger_source = 'notice' then final_records.notified_date end) as notice_date,
        min(final_records.notified_date) as notified_date
    from final_records
    group by
        final_records.member_key,
        final_records.chain
),

claimed_episodes as (
    select distinct
        facility_stay.member_key,
        facility_stay.chain,
        facility_stay.episode
    from facts.facility_stay
    where facility_stay.trigger_source = 'claim'
),

stay_claims as (
    select
        facility_stay.member_key,
        facility_stay.chain,
        min(facility_stay.claim_id) as claim_id,
        max(
            transition_care.value_set in (
                'delivery', 'live_birth', 'newborn', 'pregnancy_loss', 'pregnancy_hold'
            )
        ) as is_maternity,
        max(
            transition_care.value_set = 'sensitive_stay'
            and transition_care.is_principal
        ) as is_sensitive
    from facts.facility_stay
    left join facts.transition_care
        on
            facility_stay.member_key = transition_care.member_key
            and facility_stay.claim_id = transition_care.claim_id
    where facility_stay.trigger_source = 'claim'
    group by
        facility_stay.member_key,
        facility_stay.chain
),

hospice_members as (
    select distinct facility_bill.member_key
    from facts.facility_bill
    where
        facility_bill.stay_kind = 'hospice'
        and facility_bill.bill_end_date > cast($as_of as date) - 180
    union
    select coverage_status.member_key
    from core.coverage_status
    where
        coverage_status.status = 'hospice'
        and cast($as_of as date) between coverage_status.status_start_date and coverage_status.status_end_date
),

losses as (
    select
        suppression.member_key,
        suppression.trigger_date
    from facts.suppression
    where suppression.released_by is null
),

-- A loss or a doubt around the stay, and a pregnancy that may go on or ended lately.
pregnancy_signs as (
    select
        last_episodes.member_key,
        last_episodes.chain,
        max(
            losses.trigger_date >= last_episodes.first_admission_date - 7
            and losses.trigger_date <= last_episodes.last_end_date + 7
        ) as is_certain,
        max(
            losses.trigger_date >= last_episodes.first_admission_date - 42
            and losses.trigger_date <= last_episodes.last_end_date + 42
        ) as is_possible
    from last_episodes
    inner join losses
        on last_episodes.member_key = losses.member_key
    group by
        last_episodes.member_key,
        last_episodes.chain
    union all
    select
        last_episodes.member_key,
        last_episodes.chain,
        false as is_certain,
        max(pregnancy.end_date is null or pregnancy.end_date >= last_episodes.first_admission_date - 42) as is_possible
    from last_episodes
    inner join facts.pregnancy
        on last_episodes.member_key = pregnancy.member_key
    group by
        last_episodes.member_key,
        last_episodes.chain
),

told_pregnancies as (
    select
        pregnancy_signs.member_key,
        pregnancy_signs.chain,
        max(pregnancy_signs.is_certain) as is_certain,
        max(pregnancy_signs.is_possible) as is_possible
    from pregnancy_signs
    group by
        pregnancy_signs.member_key,
        pregnancy_signs.chain
),

open_members as (
    select
        last_episodes.member_key,
        max(last_episodes.chain) as chain
    from last_episodes
    left join ends
        on
            last_episodes.member_key = ends.member_key
            and last_episodes.chain = ends.chain
    where ends.member_key is null
    group by last_episodes.member_key
),

contact_days as (
    select max(transition_rule.end_business_days) as business_days
    from raw.transition_rule
    where transition_rule.notice = 'in_time'
),

dated_discharges as (
    select
        last_episodes.member_key,
        last_episodes.chain,
        last_episodes.first_admission_date,
        last_episodes.last_end_date,
        last_episodes.is_acute,
        coalesce(last_episodes.is_psychiatric, false)
        or coalesce(stay_claims.is_sensitive, false) as is_sensitive,
        coalesce(stay_claims.is_maternity, false)
        or coalesce(told_pregnancies.is_certain, false) as is_maternity,
        claimed_episodes.member_key is null
        and coalesce(told_pregnancies.is_possible, false) as is_pregnancy_possible,
        stay_claims.claim_id,
        ends.discharge_date,
        ends.discharged_at,
        ends.trigger_source,
        ends.facility_npi,
        case
            when ends.is_fatal or last_episodes.is_fatal then 'died'
            when ends.is_hospice then 'hospice'
            else coalesce(ends.chosen_destination, ends.any_destination, 'home')
        end as destination,
        ends.notified_at,
        coalesce(ends.notice_date, ends.notified_date) as notified_date,
        due_days.calendar_date as contact_due_date
    from last_episodes
    cross join contact_days
    left join ends
        on
            last_episodes.member_key = ends.member_key
            and last_episodes.chain = ends.chain
    left join claimed_episodes
        on
            last_episodes.member_key = claimed_episodes.member_key
            and last_episodes.chain = claimed_episodes.chain
            and last_episodes.episode = claimed_episodes.episode
    left join stay_claims
        on
            last_episodes.member_key = stay_claims.member_key
            and last_episodes.chain = stay_claims.chain
    left join told_pregnancies
        on
            last_episodes.member_key = told_pregnancies.member_key
            and last_episodes.chain = told_pregnancies.chain
    left join raw.business_day as discharge_days
        on ends.discharge_date = discharge_days.calendar_date
    left join raw.business_day as due_days
        on
            due_days.is_business_day
            and discharge_days.business_day_number + contact_days.business_days = due_days.business_day_number
)

select
    dated_discharges.member_key,
    dated_discharges.chain,
    'discharge ' || cast(dated_discharges.discharge_date as varchar) as subject,
    case
        when dated_discharges.destination = 'died' or member.death_date <= cast($as_of as date) then 'died'
        when dated_discharges.destination = 'hospice' or hospice_members.member_key is not null then 'hospice'
        when dated_discharges.discharge_date is null or open_members.chain > dated_discharges.chain then 'in_facility'
        when not dated_discharges.is_acute then 'not_acute'
        when dated_discharges.is_maternity then 'maternity'
        when dated_discharges.is_pregnancy_possible then 'pregnancy_possible'
        when cast(member.birth_date + interval 18 year as date) > dated_discharges.discharge_date then 'minor'
        when member.is_institutional then 'institutional'
        when dated_discharges.destination = 'facility' then 'deferred'
    end as not_asked_reason,
    dated_discharges.first_admission_date,
    last_admissions.admission_date,
    dated_discharges.discharge_date,
    dated_discharges.discharged_at,
    dated_discharges.destination,
    dated_discharges.trigger_source,
    dated_discharges.facility_npi,
    dated_discharges.claim_id,
    dated_discharges.is_sensitive,
    dated_discharges.notified_date,
    dated_discharges.notified_at,
    dated_discharges.notified_at + interval 24 hour as sla_due_at,
    dated_discharges.contact_due_date,
    -- A claim that tells no load date has arrived in time if it is here in time.
    coalesce(dated_discharges.notified_date, cast($as_of as date)) > dated_discharges.contact_due_date
        as is_missed_at_source
from dated_discharges
inner join core.member
    on dated_discharges.member_key = member.member_key
inner join (
    select
        facility_stay.member_key,
        facility_stay.chain,
        max(facility_stay.episode_start_date) as admission_date
    from facts.facility_stay
    group by
        facility_stay.member_key,
        facility_stay.chain
) as last_admissions
    on
        dated_discharges.member_key = last_admissions.member_key
        and dated_discharges.chain = last_admissions.chain
left join hospice_members
    on dated_discharges.member_key = hospice_members.member_key
left join open_members
    on dated_discharges.member_key = open_members.member_key
order by
    dated_discharges.member_key,
    dated_discharges.chain
