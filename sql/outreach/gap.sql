-- The gap ledger as published: every gap, open or not, with its window, its score and why it is not on a list.
--
-- What is asked, why and on what evidence its family told tonight, or the last night that found it.
with

told_gaps as (
    select
        ledger.*,
        every_gap.action,
        every_gap.reason,
        every_gap.evidence
    from outreach.every_gap
    inner join outreach.ledger
        on
            every_gap.member_key = ledger.member_key
            and every_gap.gap_code = ledger.gap_code
            and every_gap.subject is not distinct from ledger.subject
    where ledger.is_found
    union all
    select
        ledger.*,
        state_gap.action,
        state_gap.reason,
        state_gap.evidence
    from raw.state_gap
    inner join outreach.ledger
        on state_gap.gap_id = ledger.gap_id
    where not ledger.is_found
)

select
    told_gaps.gap_id,
    told_gaps.person_id,
    cast($as_of as date) as as_of,
    told_gaps.gap_family,
    told_gaps.gap_code,
    told_gaps.subject,
    told_gaps.status,
    coalesce(
        told_gaps.closing_reason,
        ranked_gap.status_reason,
        case
            when told_gaps.status = 'suppressed' and coalesce(held_subject.gap_family = told_gaps.gap_family, true)
                then held_subject.holding_reason
        end
    ) as status_reason,
    told_gaps.window_start_date,
    told_gaps.window_end_date,
    told_gaps.due_date,
    scored_gap.days_left,
    told_gaps.opened_date,
    told_gaps.closed_date,
    scored_gap.severity,
    scored_gap.impactability,
    scored_gap.urgency,
    scored_gap.confidence,
    scored_gap.social,
    scored_gap.channel_reach,
    scored_gap.score,
    told_gaps.action,
    told_gaps.reason,
    told_gaps.evidence,
    told_gaps.is_sensitive
from told_gaps
inner join outreach.scored_gap
    on told_gaps.gap_id = scored_gap.gap_id
left join outreach.ranked_gap
    on told_gaps.gap_id = ranked_gap.gap_id
left join facts.held_subject
    on
        told_gaps.member_key = held_subject.member_key
        and told_gaps.subject = held_subject.subject
