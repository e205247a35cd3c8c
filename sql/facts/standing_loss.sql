-- Losses that hold all pregnancy messages back tonight: those that no new pregnancy and no care manager has lifted
-- (maternal 1.7, L1 and L4).
select
    suppression.member_key,
    suppression.trigger_date,
    suppression.claim_id,
    suppression.trigger_source,
    suppression.proof_lag_days,
    suppression.is_voided
from facts.suppression
where
    suppression.rule = 'L1'
    and suppression.released_by is null
