-- What holds pregnancy messages back, by person: published in the restricted part and read by the next night.
select
    member.person_id,
    suppression.rule,
    suppression.trigger_date,
    suppression.claim_id,
    suppression.released_by,
    suppression.trigger_source,
    suppression.proof_lag_days,
    suppression.is_voided
from facts.suppression
inner join core.member
    on suppression.member_key = member.member_key
order by
    member.person_id,
    suppression.rule,
    suppression.trigger_date
