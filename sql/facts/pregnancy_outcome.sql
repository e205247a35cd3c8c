-- How pregnancies ended: the outcomes accepted among all that the claims propose, one row per member and outcome.
--
-- Live births are taken first, then stillbirths, ectopic and molar pregnancies, induced abortions, miscarriages and
-- deliveries without a stated outcome; of one kind the earliest. Whatever lies closer to an accepted outcome than two
-- can follow each other is the same event. This has no window form: each round takes one outcome per member and drops
-- what it rules out, so there are as many rounds as outcomes (maternal 1.3 to 1.5; Matcho 2018, HIP). A birth is dated
-- by its service, a loss by the first day that spoke of it; one that a care manager knows to be miscoded ended
-- nothing.
with recursive

proposals as (
    select
        maternal_event.member_key,
        maternal_event.event_date,
        maternal_event.claim_id,
        outcome_code.outcome,
        maternal_event.is_paid
    from facts.maternal_event
    inner join raw.outcome_code
        on
            maternal_event.value_set = outcome_code.value_set
            and maternal_event.category = outcome_code.category
    inner join core.member
        on maternal_event.member_key = member.member_key
    left join facts.loss_trigger
        on
            case when maternal_event.value_set = 'pregnancy_loss' then maternal_event.member_key end
            = loss_trigger.member_key
            and maternal_event.event_date = loss_trigger.trigger_date
    where
        coalesce(member.gender, 'f') in ('f', 'female')
        -- 12 to 55 on the day: newborn codes on an infant's own claims are no birth given.
        and maternal_event.event_date >= cast(member.birth_date + interval 12 year as date)
        and maternal_event.event_date < cast(member.birth_date + interval 56 year as date)
        and not maternal_event.is_voided
        and not coalesce(loss_trigger.is_miscoded, false)
),

candidates as (
    select
        proposals.member_key,
        proposals.event_date,
        proposals.outcome,
        min(proposals.claim_id) as claim_id,
        max(proposals.is_paid) as is_paid,
        pregnancy_outcome_rule.is_birth,
        pregnancy_outcome_rule.days_after_birth,
        pregnancy_outcome_rule.days_after_loss,
        cast(
            row_number() over (
                partition by proposals.member_key
                order by
                    pregnancy_outcome_rule.outcome_rank,
                    proposals.event_date,
                    min(proposals.claim_id),
                    proposals.outcome
            ) as integer
        ) as turn
    from proposals
    inner join raw.pregnancy_outcome_rule
        on proposals.outcome = pregnancy_outcome_rule.outcome
    group by
        proposals.member_key,
        proposals.event_date,
        proposals.outcome,
        pregnancy_outcome_rule.outcome_rank,
        pregnancy_outcome_rule.is_birth,
        pregnancy_outcome_rule.days_after_birth,
        pregnancy_outcome_rule.days_after_loss
),

-- What is still open in each round; the first of a member is the one that the round accepts.
open_candidates as (
    select
        cast(1 as integer) as round_number,
        candidates.member_key,
        candidates.turn,
        candidates.event_date,
        candidates.is_birth,
        candidates.days_after_birth,
        candidates.days_after_loss,
        min(candidates.turn) over (partition by candidates.member_key) as accepted_turn
    from candidates
    union all
    select
        cast(open_candidates.round_number + 1 as integer) as round_number,
        open_candidates.member_key,
        open_candidates.turn,
        open_candidates.event_date,
        open_candidates.is_birth,
        open_candidates.days_after_birth,
        open_candidates.days_after_loss,
        min(open_candidates.turn) over (partition by open_candidates.member_key) as accepted_turn
    from open_candidates
    inner join candidates as accepted
        on
            open_candidates.member_key = accepted.member_key
            and open_candidates.accepted_turn = accepted.turn
    where
        open_candidates.turn <> accepted.turn
        and case
            when open_candidates.event_date >= accepted.event_date
                then
                    cast(open_candidates.event_date - accepted.event_date as integer) >= case
                        when accepted.is_birth then open_candidates.days_after_birth
                        else open_candidates.days_after_loss
                    end
            else
                cast(accepted.event_date - open_candidates.event_date as integer) >= case
                    when open_candidates.is_birth then accepted.days_after_birth
                    else accepted.days_after_loss
                end
        end
),

accepted_outcomes as (
    select
        candidates.member_key,
        candidates.event_date,
        candidates.outcome,
        candidates.claim_id,
        candidates.is_birth,
        lag(candidates.event_date) over (
            partition by candidates.member_key
            order by candidates.event_date
        ) as previous_date
    from open_candidates
    inner join candidates
        on
            open_candidates.member_key = candidates.member_key
            and open_candidates.turn = candidates.turn
    where open_candidates.turn = open_candidates.accepted_turn
),

-- Codes of one loss within 60 days, whichever kind of loss they name; those of the loss before are not among them.
first_loss_dates as (
    select
        accepted_outcomes.member_key,
        accepted_outcomes.event_date,
        min(candidates.event_date) as first_date
    from accepted_outcomes
    inner join candidates
        on
            accepted_outcomes.member_key = candidates.member_key
            and not candidates.is_birth
            and candidates.event_date between accepted_outcomes.event_date - 60 and accepted_outcomes.event_date
            and candidates.event_date > coalesce(accepted_outcomes.previous_date + 60, date '1900-01-01')
    where not accepted_outcomes.is_birth
    group by
        accepted_outcomes.member_key,
        accepted_outcomes.event_date
)

select
    accepted_outcomes.member_key,
    cast(
        row_number() over (
            partition by accepted_outcomes.member_key
            order by accepted_outcomes.event_date
        ) as integer
    ) as outcome_number,
    coalesce(first_loss_dates.first_date, accepted_outcomes.event_date) as end_date,
    accepted_outcomes.outcome,
    accepted_outcomes.claim_id,
    max(proposals.is_paid) as is_paid
from accepted_outcomes
left join first_loss_dates
    on
        accepted_outcomes.member_key = first_loss_dates.member_key
        and accepted_outcomes.event_date = first_loss_dates.event_date
-- A birth is claimed by hospital and doctor, not always on one day: one paid claim among them proves it.
inner join proposals
    on
        accepted_outcomes.member_key = proposals.member_key
        and proposals.event_date between accepted_outcomes.event_date - 14 and accepted_outcomes.event_date + 14
group by
    accepted_outcomes.member_key,
    accepted_outcomes.event_date,
    accepted_outcomes.outcome,
    accepted_outcomes.claim_id,
    first_loss_dates.first_date
order by
    accepted_outcomes.member_key,
    accepted_outcomes.event_date
