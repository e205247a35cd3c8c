-- Losses that the next night must know: tonight's, and those of people whom eligibility does not name tonight.
select
    suppression.person_id,
    suppression.rule,
    suppression.trigger_date,
    suppression.claim_id,
    suppression.released_by,
    suppression.trigger_source,
    suppression.proof_lag_days,
    suppression.is_voided
from outreach.suppression
where suppression.rule = 'L1'
union all
select
    state_suppression.person_id,
    state_suppression.rule,
    state_suppression.trigger_date,
    state_suppression.claim_id,
    state_suppression.released_by,
    state_suppression.trigger_source,
    state_suppression.proof_lag_days,
    state_suppression.is_voided
from raw.state_suppression
where
    state_suppression.rule = 'L1'
    and state_suppression.person_id not in (select member.person_id from core.member)
order by
    person_id,
    rule,
    trigger_date
