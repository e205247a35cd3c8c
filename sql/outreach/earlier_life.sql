-- Lives of gaps that closed this year and began again: when each was opened and closed, and by what proof (rules 6.7).
--
-- A gap that opens again is another gap under a new id, and takes the place of the closed one in `outreach.gap`
-- (interface 3). So does one that a claim has answered and that will be asked again: a refill closes what was late, and
-- the next is due later. What had closed it is kept here, through the calendar year as other closed gaps are: counts of
-- closures rest on it. After a loss nothing is left of what depends on the pregnancy (maternal 1.7, L2); of somebody
-- whom eligibility no longer names, a loss could not be seen.
with

lives as (
    select
        state_gap.gap_id,
        state_gap.person_id,
        state_gap.gap_family,
        state_gap.gap_code,
        state_gap.subject,
        state_gap.opened_date,
        coalesce(state_gap.closed_date, cast($as_of as date)) as closed_date,
        case when ledger.is_renewed then 'resolved' else state_gap.closing_reason end as closing_reason,
        state_gap.is_sensitive
    from raw.state_gap
    inner join outreach.ledger
        on
            state_gap.person_id = ledger.person_id
            and state_gap.gap_code = ledger.gap_code
            and state_gap.subject is not distinct from ledger.subject
            and state_gap.gap_id <> ledger.gap_id
    where
        state_gap.status = 'closed'
        or ledger.is_renewed
    union all
    select
        state_earlier_life.gap_id,
        state_earlier_life.person_id,
        state_earlier_life.gap_family,
        state_earlier_life.gap_code,
        state_earlier_life.subject,
        state_earlier_life.opened_date,
        state_earlier_life.closed_date,
        state_earlier_life.closing_reason,
        state_earlier_life.is_sensitive
    from raw.state_earlier_life
)

select
    lives.gap_id,
    lives.person_id,
    lives.gap_family,
    lives.gap_code,
    lives.subject,
    lives.opened_date,
    lives.closed_date,
    lives.closing_reason,
    lives.is_sensitive,
    lives.is_sensitive or gap_code.is_pregnancy_dependent as is_restricted
from lives
inner join raw.gap_code
    on lives.gap_code = gap_code.gap_code
left join core.member
    on lives.person_id = member.person_id
where
    extract(year from lives.closed_date) = extract(year from cast($as_of as date))
    and (
        not gap_code.is_pregnancy_dependent
        or coalesce(member.member_key not in (select standing_loss.member_key from facts.standing_loss), false)
    )
order by lives.gap_id
