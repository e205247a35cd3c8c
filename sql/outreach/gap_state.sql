-- The gaps that the next night must know: tonight's ledger, and maternal gaps that are held back with their gate.
--
-- A gap that nobody may publish tonight is neither closed nor forgotten: it keeps its id for the night on which the
-- gate is open again.
select
    ledger.gap_id,
    ledger.person_id,
    ledger.gap_family,
    ledger.gap_code,
    ledger.subject,
    ledger.status,
    ledger.closing_reason,
    ledger.window_start_date,
    ledger.window_end_date,
    ledger.due_date,
    ledger.opened_date,
    ledger.closed_date,
    ledger.severity,
    ledger.impactability,
    ledger.confidence,
    ledger.action,
    ledger.reason,
    ledger.evidence,
    ledger.is_sensitive
from outreach.ledger
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
order by gap_id
