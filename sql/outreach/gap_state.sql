-- The gaps that the next night must know: tonight's ledger, and gaps of codes of which nothing is said tonight.
--
-- A gap that nobody may publish, or that nobody could look for, is neither closed nor forgotten: it keeps its id for
-- the night on which its code is told again. After a loss nothing is left of one that depends on the pregnancy
-- (maternal 1.7, L2); of somebody whom eligibility no longer names, a loss could not be seen.
select
    gap.gap_id,
    gap.person_id,
    gap.gap_family,
    gap.gap_code,
    gap.subject,
    gap.status,
    case when gap.status = 'closed' then gap.status_reason end as closing_reason,
    gap.window_start_date,
    gap.window_end_date,
    gap.due_date,
    gap.opened_date,
    gap.closed_date,
    gap.severity,
    gap.impactability,
    gap.confidence,
    gap.action,
    gap.reason,
    gap.evidence,
    gap.is_sensitive
from outreach.gap
union all
select
    state_gap.gap_id,
    state_gap.person_id,
    state_gap.gap_family,
    state_gap.gap_code,
    state_gap.subject,
    state_gap.status,
    state_gap.closing_reason,
    state_gap.window_start_date,
    state_gap.window_end_date,
    state_gap.due_date,
    state_gap.opened_date,
    state_gap.closed_date,
    state_gap.severity,
    state_gap.impactability,
    state_gap.confidence,
    state_gap.action,
    state_gap.reason,
    state_gap.evidence,
    state_gap.is_sensitive
from raw.state_gap
inner join facts.told_code
    on state_gap.gap_code = told_code.gap_code
left join core.member
    on state_gap.person_id = member.person_id
where
    told_code.skipped_reason is not null
    and (
        not told_code.is_pregnancy_dependent
        or coalesce(member.member_key not in (select standing_loss.member_key from facts.standing_loss), false)
    )
