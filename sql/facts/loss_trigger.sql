-- Every sign that a pregnancy was lost, from whichever source: one of them is enough to hold all pregnancy messages
-- back (maternal 1.7, L1).
--
-- One row per member and day. Claims count in any position, setting and payment status, voided ones too, and those
-- that the door refused for whatever else is wrong with them; one without a readable date counts from its first night.
-- Beside codes: a stay that ended in death, a fill of mifepristone 200 mg, the death of a linked infant, what a
-- pharmacy reports, and what an earlier night knew. `proof_lag_days` is how long after the day a new pregnancy's LMP
-- must lie (L4): 14 after an early loss, else 28. `is_miscoded` is a care manager's word, on the member's own, from
-- later on.
with

loss_claims as (
    select
        maternal_event.member_key,
        maternal_event.event_date as trigger_date,
        maternal_event.claim_id,
        case
            when maternal_event.category in ('ectopic', 'molar', 'miscarriage', 'induced') then 14
            else 28
        end as proof_lag_days,
        maternal_event.is_voided,
        maternal_event.category
    from facts.maternal_event
    where maternal_event.value_set = 'pregnancy_loss'
),

-- Mifepristone 300 mg treats Cushing's syndrome; a strength that is not stated counts as 200 mg.
loss_drugs as (
    select
        drug.drug_key,
        drug.ndc_code
    from core.drug
    inner join facts.drug_group
        on
            drug.drug_key = drug_group.drug_key
            and drug_group.value_set = 'pregnancy_loss_drugs'
    where
        coalesce(drug.strength, '') not like '%300%'
        and coalesce(drug.brand_name, '') not like 'korlym%'
),

loss_fills as (
    select
        member.member_key,
        pharmacy_claim.dispensing_date as trigger_date,
        pharmacy_claim.claim_id,
        14 as proof_lag_days,
        coalesce(pharmacy_claim_removed.bucket <> 'duplicate', false) as is_voided
    from raw.pharmacy_claim
    inner join core.member
        on pharmacy_claim.person_id = member.person_id
    left join core.pharmacy_claim_removed
        on pharmacy_claim.row_id = pharmacy_claim_removed.row_id
    inner join loss_drugs
        on pharmacy_claim.ndc_code = loss_drugs.ndc_code
    where pharmacy_claim.dispensing_date <= cast($as_of as date)
),

refused_losses as (
    select
        refused_code.person_id,
        refused_code.service_date,
        refused_code.claim_id,
        case
            when value_set.category in ('ectopic', 'molar', 'miscarriage', 'induced') then 14
            else 28
        end as proof_lag_days
    from raw.refused_code
    inner join raw.value_set
        on
            value_set.value_set = 'pregnancy_loss'
            and refused_code.code_system = value_set.code_system
            and case refused_code.code_system
                when 'hcpcs' then lpad(substr(refused_code.code, 1, 5), 5, '0')
                when 'ms_drg' then lpad(ltrim(refused_code.code, '0'), 3, '0')
                else refused_code.code
            end between value_set.code and coalesce(value_set.last_code, value_set.code)
    union all
    select
        refused_code.person_id,
        refused_code.service_date,
        refused_code.claim_id,
        14 as proof_lag_days
    from raw.refused_code
    inner join loss_drugs
        on refused_code.code = loss_drugs.ndc_code
    where refused_code.code_system = 'ndc'
),

fatal_stays as (
    select distinct
        medical_line.member_key,
        medical_line.claim_end_date as trigger_date,
        medical_line.claim_id
    from core.medical_line
    where medical_line.discharge_disposition_code in ('20', '40', '41', '42')
),

-- Infants of a family by the subscriber's number. Any woman of it who could be the mother may be: her own claims can
-- come later than the news, when the infant is on no file any more.
infant_losses as (
    select
        infant.subscriber_id,
        infant.birth_date,
        infant.death_date as trigger_date,
        cast(null as varchar) as claim_id
    from core.member as infant
    where
        infant.subscriber_id is not null
        and infant.death_date <= cast($as_of as date)
        and infant.death_date <= infant.birth_date + 365
    union all
    select
        infant.subscriber_id,
        infant.birth_date,
        fatal_stays.trigger_date,
        fatal_stays.claim_id
    from fatal_stays
    inner join core.member as infant
        on fatal_stays.member_key = infant.member_key
    where
        infant.subscriber_id is not null
        and fatal_stays.trigger_date <= infant.birth_date + 365
    union all
    select
        infant.subscriber_id,
        infant.birth_date,
        loss_claims.trigger_date,
        loss_claims.claim_id
    from loss_claims
    inner join core.member as infant
        on loss_claims.member_key = infant.member_key
    where
        infant.subscriber_id is not null
        and loss_claims.trigger_date <= infant.birth_date + 365
),

dependent_codes as (
    select gap_code.gap_code
    from raw.gap_code
    where gap_code.is_pregnancy_dependent
),

reports as (
    select
        contact_attempt.gap_id,
        contact_attempt.person_id,
        contact_attempt.attempted_date as trigger_date
    from facts.contact_attempt
    where
        contact_attempt.is_loss
        -- The word that an outcome sheet offers, which tells nothing by itself: of such a row it tells as much.
        or (
            contact_attempt.outcome_code = 'NOT_ELIGIBLE'
            and contact_attempt.gap_code in (select dependent_codes.gap_code from dependent_codes)
        )
),

-- Whoever a report may speak of: the member that it names, and the one whose row it answers, on a list still or before.
reported_members as (
    select
        reports.person_id,
        reports.trigger_date
    from reports
    union
    select
        state_gap.person_id,
        reports.trigger_date
    from reports
    inner join raw.state_gap
        on reports.gap_id = state_gap.gap_id
    union
    select
        state_release.person_id,
        reports.trigger_date
    from reports
    inner join raw.state_release
        on reports.gap_id = state_release.gap_id
),

-- The only manual way back: authenticated confirmation, logged as an outcome of a care manager.
confirmations as (
    select
        member.member_key,
        max(contact_attempt.attempted_date) as confirmed_date
    from facts.contact_attempt
    inner join core.member
        on contact_attempt.person_id = member.person_id
    where
        contact_attempt.outcome_code = 'LOSS_MISCODED_CONFIRMED'
        and contact_attempt.staff_role = 'care_manager'
    group by member.member_key
),

signs as (
    select
        loss_claims.member_key,
        loss_claims.trigger_date,
        loss_claims.claim_id,
        loss_claims.proof_lag_days,
        loss_claims.is_voided,
        'claim' as trigger_source,
        false as is_remembered
    from loss_claims
    union all
    -- Her own death, or that of a newborn billed under her number.
    select
        fatal_stays.member_key,
        fatal_stays.trigger_date,
        fatal_stays.claim_id,
        28 as proof_lag_days,
        false as is_voided,
        'claim' as trigger_source,
        false as is_remembered
    from fatal_stays
    inner join core.member
        on fatal_stays.member_key = member.member_key
    where
        fatal_stays.trigger_date <= cast($as_of as date)
        and fatal_stays.member_key in (select maternal_event.member_key from facts.maternal_event)
        and member.birth_date <= cast(fatal_stays.trigger_date - interval 10 year as date)
    union all
    select
        loss_fills.member_key,
        loss_fills.trigger_date,
        loss_fills.claim_id,
        loss_fills.proof_lag_days,
        loss_fills.is_voided,
        'fill' as trigger_source,
        false as is_remembered
    from loss_fills
    union all
    select
        member.member_key,
        coalesce(refused_losses.service_date, state_suppression.trigger_date, cast($as_of as date)) as trigger_date,
        refused_losses.claim_id,
        refused_losses.proof_lag_days,
        false as is_voided,
        'claim' as trigger_source,
        false as is_remembered
    from refused_losses
    inner join core.member
        on refused_losses.person_id = member.person_id
    left join raw.state_suppression
        on
            refused_losses.person_id = state_suppression.person_id
            and refused_losses.claim_id is not distinct from state_suppression.claim_id
            and state_suppression.rule = 'L1'
    where coalesce(refused_losses.service_date, cast($as_of as date)) <= cast($as_of as date)
    union all
    select
        mother.member_key,
        infant_losses.trigger_date,
        infant_losses.claim_id,
        28 as proof_lag_days,
        false as is_voided,
        'infant' as trigger_source,
        false as is_remembered
    from infant_losses
    inner join core.member as mother
        on infant_losses.subscriber_id = mother.subscriber_id
    where
        infant_losses.trigger_date <= cast($as_of as date)
        and coalesce(mother.gender, 'f') in ('f', 'female')
        and mother.birth_date <= cast(infant_losses.birth_date - interval 12 year as date)
        and mother.birth_date > cast(infant_losses.birth_date - interval 56 year as date)
    union all
    select
        member.member_key,
        reported_members.trigger_date,
        cast(null as varchar) as claim_id,
        28 as proof_lag_days,
        false as is_voided,
        'report' as trigger_source,
        false as is_remembered
    from reported_members
    inner join core.member
        on reported_members.person_id = member.person_id
    union all
    -- A loss that an earlier night knew stays known, whatever later deliveries leave out.
    select
        member.member_key,
        state_suppression.trigger_date,
        state_suppression.claim_id,
        state_suppression.proof_lag_days,
        state_suppression.is_voided,
        state_suppression.trigger_source,
        true as is_remembered
    from raw.state_suppression
    inner join core.member
        on state_suppression.person_id = member.person_id
    where
        state_suppression.rule = 'L1'
        and state_suppression.trigger_date <= cast($as_of as date)
)

select
    signs.member_key,
    signs.trigger_date,
    min(signs.claim_id) as claim_id,
    max(signs.proof_lag_days) as proof_lag_days,
    -- What tonight's claims say of a void goes before what an earlier night knew.
    coalesce(min(case when not signs.is_remembered then signs.is_voided end), min(signs.is_voided)) as is_voided,
    min(signs.trigger_source) as trigger_source,
    coalesce(max(confirmations.confirmed_date) > signs.trigger_date, false) as is_miscoded
from signs
left join confirmations
    on signs.member_key = confirmations.member_key
group by
    signs.member_key,
    signs.trigger_date
order by
    signs.member_key,
    signs.trigger_date
