-- The gaps that the next night must know: tonight's ledger, and maternal gaps that are held back with their gate.
--
-- A gap that nobody may publish tonight is neither closed nor forgotten: it keeps its id for the night on which the
-- gate is open again.
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
cross join facts.maternal_gate
inner join raw.gap_code
    on state_gap.gap_code = gap_code.gap_code
inner join core.member
    on state_gap.person_id = member.person_id
where
    maternal_gate.closed_reason is not null
    and gap_code.is_pregnancy_dependent
    and member.member_key not in (
        select suppression.member_key
        from facts.suppression
        where
            suppression.rule = 'L1'
            and suppression.released_by is null
    )
