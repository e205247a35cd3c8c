-- The gap ledger as published: every gap, open or not, with its window, its score and why it is not on a list.
select
    ledger.gap_id,
    ledger.person_id,
    cast($as_of as date) as as_of,
    ledger.gap_family,
    ledger.gap_code,
    ledger.subject,
    ledger.status,
    coalesce(
        ledger.closing_reason,
        ranked_gap.status_reason,
        case
            when ledger.status = 'suppressed' and coalesce(held_subject.gap_family = ledger.gap_family, true)
                then held_subject.holding_reason
        end
    ) as status_reason,
    ledger.window_start_date,
    ledger.window_end_date,
    ledger.due_date,
    scored_gap.days_left,
    ledger.opened_date,
    ledger.closed_date,
    scored_gap.severity,
    scored_gap.impactability,
    scored_gap.urgency,
    scored_gap.confidence,
    scored_gap.social,
    scored_gap.channel_reach,
    scored_gap.score,
    ledger.action,
    ledger.reason,
    ledger.evidence,
    ledger.is_sensitive
from outreach.ledger
inner join outreach.scored_gap
    on ledger.gap_id = scored_gap.gap_id
left join outreach.ranked_gap
    on ledger.gap_id = ranked_gap.gap_id
left join facts.held_subject
    on
        ledger.member_key = held_subject.member_key
        and ledger.subject = held_subject.subject
order by
    ledger.person_id,
    ledger.gap_code,
    ledger.subject
