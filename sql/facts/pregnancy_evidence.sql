-- Each code that dates a pregnancy, with the first day of the last menstrual period (LMP) that it implies, and whether
-- and why it counts.
--
-- One row per member, date, claim and code. Left out are unpaid claims, claims of laboratories and imaging alone
-- (unless it is imaging that itself dates a pregnancy), claims whose diagnosis is a negative test, cultures that
-- nothing ties to a pregnancy (maternal 1.6, steps 1, 2), and weeks coded up to 28 days after a loss, which are left
-- over (L4). `lmp_cluster` numbers the pregnancies that the two best classes speak of: dates more than 56 days apart
-- are not one pregnancy (step 3). It is the same whatever order the claims arrive in.
with

residual_weeks as (
    select distinct
        maternal_event.member_key,
        maternal_event.event_date
    from facts.maternal_event
    inner join facts.loss_trigger
        on
            maternal_event.member_key = loss_trigger.member_key
            and maternal_event.event_date between loss_trigger.trigger_date and loss_trigger.trigger_date + 28
            and not loss_trigger.is_miscoded
    where maternal_event.code like 'Z3A%'
),

negative_claims as (
    select distinct
        maternal_event.member_key,
        maternal_event.claim_id
    from facts.maternal_event
    where maternal_event.value_set = 'pregnancy_negative'
),

diagnosed_claims as (
    select distinct
        maternal_event.member_key,
        maternal_event.claim_id
    from facts.maternal_event
    where
        maternal_event.code_system = 'icd10cm'
        and maternal_event.value_set in (
            'pregnancy_week', 'pregnancy_procedure_timing', 'pregnancy_trimester', 'pregnancy_state'
        )
),

dating_codes as (
    select
        maternal_event.member_key,
        maternal_event.event_date,
        maternal_event.claim_id,
        maternal_event.code_system,
        maternal_event.code,
        maternal_event.value_set,
        pregnancy_evidence_rule.evidence_class,
        maternal_event.event_date - pregnancy_evidence_rule.high_days as earliest_lmp_date,
        maternal_event.event_date - pregnancy_evidence_rule.point_days as lmp_date,
        maternal_event.event_date - pregnancy_evidence_rule.low_days as latest_lmp_date,
        case
            when not maternal_event.is_paid then 'not_paid'
            when
                maternal_event.is_diagnostic
                and not (
                    maternal_event.value_set = 'pregnancy_procedure_timing'
                    and (maternal_event.is_imaging or maternal_event.code between '70000' and '79999')
                )
                then 'diagnostic_claim'
            when negative_claims.claim_id is not null and diagnosed_claims.claim_id is null then 'negative_test'
            -- The same laboratory codes serve a sore throat.
            when
                maternal_event.category = 'strep_b'
                and diagnosed_claims.claim_id is null
                then 'unspecific_test'
            when residual_weeks.member_key is not null then 'after_loss'
        end as left_out_reason
    from facts.maternal_event
    inner join raw.pregnancy_evidence_rule
        on
            maternal_event.value_set = pregnancy_evidence_rule.value_set
            and maternal_event.category = pregnancy_evidence_rule.category
    left join negative_claims
        on
            maternal_event.member_key = negative_claims.member_key
            and maternal_event.claim_id = negative_claims.claim_id
    left join diagnosed_claims
        on
            maternal_event.member_key = diagnosed_claims.member_key
            and maternal_event.claim_id = diagnosed_claims.claim_id
    left join residual_weeks
        on
            case when maternal_event.code like 'Z3A%' then maternal_event.member_key end = residual_weeks.member_key
            and maternal_event.event_date = residual_weeks.event_date
),

ordered_lmps as (
    select
        dating_codes.*,
        lag(dating_codes.lmp_date) over (
            partition by
                dating_codes.member_key,
                dating_codes.evidence_class <= 2 and dating_codes.left_out_reason is null
            order by dating_codes.lmp_date, dating_codes.event_date, dating_codes.claim_id, dating_codes.code
        ) as lmp_date_before
    from dating_codes
),

clustered_lmps as (
    select
        ordered_lmps.*,
        case
            when ordered_lmps.evidence_class <= 2 and ordered_lmps.left_out_reason is null
                then cast(
                    1 + sum(
                        case
                            when ordered_lmps.lmp_date > ordered_lmps.lmp_date_before + 56 then 1
                            else 0
                        end
                    ) over (
                        partition by
                            ordered_lmps.member_key,
                            ordered_lmps.evidence_class <= 2 and ordered_lmps.left_out_reason is null
                        order by
                            ordered_lmps.lmp_date,
                            ordered_lmps.event_date,
                            ordered_lmps.claim_id,
                            ordered_lmps.code
                        rows unbounded preceding
                    ) as integer
                )
        end as lmp_cluster
    from ordered_lmps
)

select
    clustered_lmps.member_key,
    clustered_lmps.event_date,
    clustered_lmps.claim_id,
    clustered_lmps.code_system,
    clustered_lmps.code,
    clustered_lmps.value_set,
    clustered_lmps.evidence_class,
    clustered_lmps.earliest_lmp_date,
    clustered_lmps.lmp_date,
    clustered_lmps.latest_lmp_date,
    clustered_lmps.lmp_cluster,
    clustered_lmps.left_out_reason is null as is_counted,
    clustered_lmps.left_out_reason
from clustered_lmps
order by
    clustered_lmps.member_key,
    clustered_lmps.event_date,
    clustered_lmps.claim_id,
    clustered_lmps.code_system,
    clustered_lmps.code
