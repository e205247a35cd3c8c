-- Every gap known tonight: what the families found, and what an earlier night opened that is no longer there.
--
-- A gap keeps its id while it lives and gets a new one when it opens again (interface 3.1); the id is a salted digest,
-- so that it says nothing of the person. A gap that vanished is `closed`: for the reason that its subject ended, such
-- as a readmission, as `superseded` where the family, of whose codes one at a time stands for a subject, now says
-- another, as `expired` where its window is over, else as `resolved`. Closed gaps stay through their calendar year.
--
-- A later claim is the best proof that a gap is closed (`resolved`), a pharmacy's record the next (`documented`), a
-- member's word the last (`reported`). A gap that only a report closes stays closed while claims may still follow, and
-- opens again under a new id where none has; a claim that follows makes it `resolved` (rules 6.7).
--
-- After a loss nothing here depends on the pregnancy: neither what a family found nor what an earlier night knew
-- (maternal 1.7, L2; interface 3.1). While maternal lists are held back (L9) their gaps are absent too, and live on in
-- `outreach.gap_state`. What is under review because of a pregnancy is `suppressed` meanwhile.
with

lost_members as (
    select distinct suppression.member_key
    from facts.suppression
    where
        suppression.rule = 'L1'
        and suppression.released_by is null
),

speakable_codes as (
    select gap_code.gap_code
    from raw.gap_code
    cross join facts.maternal_gate
    where
        not gap_code.is_pregnancy_dependent
        or maternal_gate.closed_reason is null
),

dependent_codes as (
    select gap_code.gap_code
    from raw.gap_code
    where gap_code.is_pregnancy_dependent
),

current_gaps as (
    select
        member.person_id,
        every_gap.member_key,
        every_gap.gap_family,
        every_gap.gap_code,
        every_gap.subject,
        case
            when
                held_subject.member_key is not null
                and coalesce(held_subject.gap_family = every_gap.gap_family, true)
                and every_gap.status in ('open', 'prospective')
                then 'suppressed'
            else every_gap.status
        end as status,
        every_gap.window_start_date,
        every_gap.window_end_date,
        every_gap.due_date,
        every_gap.severity,
        every_gap.impactability,
        every_gap.confidence,
        every_gap.action,
        every_gap.reason,
        every_gap.evidence,
        every_gap.is_sensitive
    from outreach.every_gap
    inner join core.member
        on every_gap.member_key = member.member_key
    inner join speakable_codes
        on every_gap.gap_code = speakable_codes.gap_code
    left join facts.held_subject
        on
            every_gap.member_key = held_subject.member_key
            and every_gap.subject = held_subject.subject
    where
        every_gap.gap_code not in (select dependent_codes.gap_code from dependent_codes)
        or every_gap.member_key not in (select lost_members.member_key from lost_members)
),

-- Subjects of which one code at a time stands, and of which one stands tonight.
told_subjects as (
    select distinct
        current_gaps.person_id,
        current_gaps.gap_family,
        current_gaps.subject
    from current_gaps
    inner join raw.gap_code
        on
            current_gaps.gap_code = gap_code.gap_code
            and gap_code.is_one_per_subject
),

-- Gaps that families still find and a report of this life of theirs says are done: 2 is a pharmacy's record.
reported_gaps as (
    select
        current_gaps.person_id,
        current_gaps.gap_code,
        current_gaps.subject,
        max(case contact_attempt.closes_as when 'documented' then 2 else 1 end) as proof
    from current_gaps
    inner join facts.contact_attempt
        on
            current_gaps.person_id = contact_attempt.person_id
            and current_gaps.gap_code = contact_attempt.gap_code
            and (
                contact_attempt.is_of_any_subject
                or current_gaps.subject is not distinct from contact_attempt.subject
            )
    left join raw.state_gap
        on
            current_gaps.person_id = state_gap.person_id
            and current_gaps.gap_code = state_gap.gap_code
            and current_gaps.subject is not distinct from state_gap.subject
    where
        contact_attempt.closes_as is not null
        and current_gaps.status in ('open', 'prospective')
        and contact_attempt.attempted_date > cast($as_of as date) - $report_stands_days
        and contact_attempt.attempted_date >= coalesce(
            case
                when state_gap.closing_reason not in ('documented', 'reported') then state_gap.closed_date
                else state_gap.opened_date
            end,
            current_gaps.window_start_date,
            contact_attempt.attempted_date
        )
    group by
        current_gaps.person_id,
        current_gaps.gap_code,
        current_gaps.subject
),

living_gaps as (
    select
        state_gap.gap_id,
        state_gap.person_id,
        state_gap.gap_code,
        state_gap.subject,
        state_gap.opened_date,
        state_gap.closed_date
    from raw.state_gap
    left join reported_gaps
        on
            state_gap.person_id = reported_gaps.person_id
            and state_gap.gap_code = reported_gaps.gap_code
            and state_gap.subject is not distinct from reported_gaps.subject
    where
        state_gap.status <> 'closed'
        or (
            state_gap.closing_reason in ('documented', 'reported')
            and reported_gaps.person_id is not null
        )
),

-- A gap that opens again over the same window must not take the id of the one that closed.
closed_gaps as (
    select
        state_gap.gap_id,
        state_gap.person_id,
        state_gap.gap_code,
        state_gap.subject
    from raw.state_gap
    where state_gap.status = 'closed'
),

continued_gaps as (
    select
        coalesce(
            living_gaps.gap_id,
            substr(
                sha256(
                    concat_ws(
                        '|',
                        $salt,
                        current_gaps.person_id,
                        current_gaps.gap_code,
                        coalesce(current_gaps.subject, ''),
                        cast(current_gaps.window_start_date as varchar),
                        closed_gaps.gap_id
                    )
                ),
                1,
                16
            )
        ) as gap_id,
        current_gaps.person_id,
        current_gaps.member_key,
        current_gaps.gap_family,
        current_gaps.gap_code,
        current_gaps.subject,
        case when reported_gaps.person_id is not null then 'closed' else current_gaps.status end as status,
        case reported_gaps.proof
            when 2 then 'documented'
            when 1 then 'reported'
        end as closing_reason,
        current_gaps.window_start_date,
        current_gaps.window_end_date,
        current_gaps.due_date,
        coalesce(
            living_gaps.opened_date, case when current_gaps.status = 'open' then cast($as_of as date) end
        ) as opened_date,
        case
            when reported_gaps.person_id is not null then coalesce(living_gaps.closed_date, cast($as_of as date))
        end as closed_date,
        current_gaps.severity,
        current_gaps.impactability,
        current_gaps.confidence,
        current_gaps.action,
        current_gaps.reason,
        current_gaps.evidence,
        current_gaps.is_sensitive
    from current_gaps
    left join living_gaps
        on
            current_gaps.person_id = living_gaps.person_id
            and current_gaps.gap_code = living_gaps.gap_code
            and current_gaps.subject is not distinct from living_gaps.subject
    left join closed_gaps
        on
            current_gaps.person_id = closed_gaps.person_id
            and current_gaps.gap_code = closed_gaps.gap_code
            and current_gaps.subject is not distinct from closed_gaps.subject
    left join reported_gaps
        on
            current_gaps.person_id = reported_gaps.person_id
            and current_gaps.gap_code = reported_gaps.gap_code
            and current_gaps.subject is not distinct from reported_gaps.subject
),

-- Families of pregnancies take a pharmacist's word themselves: their gap is gone on the same night.
ending_reports as (
    select
        state_gap.gap_id,
        max(
            case contact_attempt.ends_as
                when 'documented' then 3
                when 'reported' then 2
                else 1
            end
        ) as proof
    from raw.state_gap
    inner join dependent_codes
        on state_gap.gap_code = dependent_codes.gap_code
    inner join facts.contact_attempt
        on
            state_gap.person_id = contact_attempt.person_id
            and state_gap.gap_code = contact_attempt.gap_code
            and (
                contact_attempt.is_of_any_subject
                or state_gap.subject is not distinct from contact_attempt.subject
            )
            and contact_attempt.attempted_date >= coalesce(state_gap.opened_date, contact_attempt.attempted_date)
    where
        contact_attempt.ends_as is not null
        and state_gap.status <> 'closed'
    group by state_gap.gap_id
),

ended_gaps as (
    select
        state_gap.gap_id,
        state_gap.person_id,
        member.member_key,
        state_gap.gap_family,
        state_gap.gap_code,
        state_gap.subject,
        'closed' as status,
        case
            when
                state_gap.closing_reason in ('documented', 'reported')
                and state_gap.window_end_date >= cast($as_of as date)
                and state_gap.gap_code not in (select dependent_codes.gap_code from dependent_codes)
                and told_subjects.person_id is null
                then 'resolved'
            when state_gap.status = 'closed' then state_gap.closing_reason
            when ended_subject.subject is not null then ended_subject.closing_reason
            when told_subjects.person_id is not null then 'superseded'
            when ending_reports.proof = 3 then 'documented'
            when ending_reports.proof = 2 then 'reported'
            when ending_reports.proof = 1 then 'declined'
            when state_gap.window_end_date < cast($as_of as date) then 'expired'
            else 'resolved'
        end as closing_reason,
        state_gap.window_start_date,
        state_gap.window_end_date,
        state_gap.due_date,
        state_gap.opened_date,
        coalesce(state_gap.closed_date, cast($as_of as date)) as closed_date,
        state_gap.severity,
        state_gap.impactability,
        state_gap.confidence,
        state_gap.action,
        state_gap.reason,
        state_gap.evidence,
        state_gap.is_sensitive
    from raw.state_gap
    left join core.member
        on state_gap.person_id = member.person_id
    left join facts.ended_subject
        on
            member.member_key = ended_subject.member_key
            and state_gap.subject = ended_subject.subject
    left join told_subjects
        on
            state_gap.person_id = told_subjects.person_id
            and state_gap.gap_family = told_subjects.gap_family
            and state_gap.subject is not distinct from told_subjects.subject
    left join ending_reports
        on state_gap.gap_id = ending_reports.gap_id
    where
        not exists (
            select 1
            from current_gaps
            where
                current_gaps.person_id = state_gap.person_id
                and current_gaps.gap_code = state_gap.gap_code
                and current_gaps.subject is not distinct from state_gap.subject
        )
        and extract(year from coalesce(state_gap.closed_date, cast($as_of as date)))
        = extract(year from cast($as_of as date))
        and state_gap.gap_code in (select speakable_codes.gap_code from speakable_codes)
        and (
            state_gap.gap_code not in (select dependent_codes.gap_code from dependent_codes)
            or coalesce(
                member.member_key not in (select lost_members.member_key from lost_members),
                -- Of somebody whom eligibility no longer names, a loss could not be seen.
                false
            )
        )
)

select
    continued_gaps.gap_id,
    continued_gaps.person_id,
    continued_gaps.member_key,
    continued_gaps.gap_family,
    continued_gaps.gap_code,
    continued_gaps.subject,
    continued_gaps.status,
    continued_gaps.closing_reason,
    continued_gaps.window_start_date,
    continued_gaps.window_end_date,
    continued_gaps.due_date,
    continued_gaps.opened_date,
    continued_gaps.closed_date,
    continued_gaps.severity,
    continued_gaps.impactability,
    continued_gaps.confidence,
    continued_gaps.action,
    continued_gaps.reason,
    continued_gaps.evidence,
    continued_gaps.is_sensitive
from continued_gaps
union all
select
    ended_gaps.gap_id,
    ended_gaps.person_id,
    ended_gaps.member_key,
    ended_gaps.gap_family,
    ended_gaps.gap_code,
    ended_gaps.subject,
    ended_gaps.status,
    ended_gaps.closing_reason,
    ended_gaps.window_start_date,
    ended_gaps.window_end_date,
    ended_gaps.due_date,
    ended_gaps.opened_date,
    ended_gaps.closed_date,
    ended_gaps.severity,
    ended_gaps.impactability,
    ended_gaps.confidence,
    ended_gaps.action,
    ended_gaps.reason,
    ended_gaps.evidence,
    ended_gaps.is_sensitive
from ended_gaps
order by
    person_id,
    gap_code,
    subject
