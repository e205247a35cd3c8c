-- Every gap known tonight: what the families found, and what an earlier night opened that is no longer there.
--
-- A gap keeps its id while it lives and gets a new one when it opens again (interface 3.1); the id is a salted digest,
-- so that it says nothing of the person. A gap that vanished is `closed`: for the reason that its subject ended, such
-- as a readmission, as `superseded` where the family, of whose codes one at a time stands for a subject, now says
-- another, as `expired` where its window is over, or where it is of a pregnancy and no claim closes it, else as
-- `resolved`. Closed gaps stay through their calendar year.
--
-- A later claim is the best proof that a gap is closed (`resolved`), a pharmacy's record the next (`documented`), a
-- member's word the last (`reported`). A gap that only a report closes stays closed while claims may still follow, and
-- opens again under a new id where none has; a claim that follows makes it `resolved` (rules 6.7). Families that take
-- words on their own terms (`facts.closing_word`) tell of a gap as long as claims do not close it: it is closed here.
-- In a pregnancy a decline closes as well (`declined`), and is no proof. Where one code at a time stands for a subject,
-- what is reported of one of them is reported of the other.
--
-- After a loss nothing here depends on the pregnancy: neither what a family found nor what an earlier night knew
-- (maternal 1.7, L2; interface 3.1). Gaps of codes that are skipped tonight, as maternal lists are held back (L9) or an
-- input is missing (interface 2), are absent too, and live on in `outreach.gap_state`: that nobody could look closes
-- nothing. What is under review because of a pregnancy is `suppressed` meanwhile.
with

speakable_codes as (
    select
        told_code.gap_code,
        gap_code.is_moved_by_claim,
        gap_code.is_closed_by_claim
    from facts.told_code
    inner join raw.gap_code
        on told_code.gap_code = gap_code.gap_code
    where told_code.skipped_reason is null
),

dependent_codes as (
    select
        gap_code.gap_code,
        gap_code.gap_family
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
        every_gap.is_sensitive,
        -- What a claim answered is asked again later: what was open before is another life, which the claim closed.
        every_gap.status = 'prospective' and speakable_codes.is_moved_by_claim as is_moved_on
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
        or every_gap.member_key not in (select standing_loss.member_key from facts.standing_loss)
),

-- What a word closes on its family's own terms lives on as closed where the gap was open when it came. Where it was
-- not, nothing is asked while the word stands, and what had closed otherwise stays as it was.
unasked_words as (
    select
        closing_word.member_key,
        closing_word.gap_code,
        closing_word.subject
    from facts.closing_word
    inner join core.member
        on closing_word.member_key = member.member_key
    left join raw.state_gap
        on
            member.person_id = state_gap.person_id
            and closing_word.gap_code = state_gap.gap_code
            and closing_word.subject is not distinct from state_gap.subject
    where
        coalesce(
            state_gap.status = 'closed'
            and state_gap.closing_reason not in ('documented', 'reported', 'declined'),
            true
        )
),

told_gaps as (
    select
        current_gaps.*,
        case closing_word.closing_reason
            when 'documented' then 2
            when 'reported' then 1
            when 'declined' then 0
        end as word_proof
    from current_gaps
    left join facts.closing_word
        on
            current_gaps.member_key = closing_word.member_key
            and current_gaps.gap_code = closing_word.gap_code
            and current_gaps.subject is not distinct from closing_word.subject
    left join unasked_words
        on
            current_gaps.member_key = unasked_words.member_key
            and current_gaps.gap_code = unasked_words.gap_code
            and current_gaps.subject is not distinct from unasked_words.subject
    where unasked_words.member_key is null
),

-- Subjects of which one code at a time stands, and of which one stands tonight; where a claim moved its window on, from
-- which day it asks again.
told_subjects as (
    select
        current_gaps.person_id,
        current_gaps.gap_family,
        current_gaps.subject,
        max(case when current_gaps.is_moved_on then current_gaps.window_start_date end) as moved_date
    from current_gaps
    inner join raw.gap_code
        on
            current_gaps.gap_code = gap_code.gap_code
            and gap_code.is_one_per_subject
    group by
        current_gaps.person_id,
        current_gaps.gap_family,
        current_gaps.subject
),

-- What the families find tonight beside what the night before knew: either may be alone. A row of before that has no
-- `member_key` here is a gap that no family finds any more.
matched_gaps as (
    select
        told_gaps.member_key,
        coalesce(told_gaps.person_id, state_gap.person_id) as person_id,
        coalesce(told_gaps.gap_family, state_gap.gap_family) as gap_family,
        coalesce(told_gaps.gap_code, state_gap.gap_code) as gap_code,
        coalesce(told_gaps.subject, state_gap.subject) as subject,
        coalesce(told_gaps.status, 'closed') as status,
        -- Dates may be null tonight, where they were not before.
        case
            when told_gaps.member_key is null then state_gap.window_start_date
            else told_gaps.window_start_date
        end as window_start_date,
        case
            when told_gaps.member_key is null then state_gap.window_end_date
            else told_gaps.window_end_date
        end as window_end_date,
        case when told_gaps.member_key is null then state_gap.due_date else told_gaps.due_date end as due_date,
        coalesce(told_gaps.severity, state_gap.severity) as severity,
        coalesce(told_gaps.impactability, state_gap.impactability) as impactability,
        coalesce(told_gaps.confidence, state_gap.confidence) as confidence,
        coalesce(told_gaps.is_sensitive, state_gap.is_sensitive) as is_sensitive,
        told_gaps.word_proof,
        coalesce(told_gaps.is_moved_on, false) as is_moved_on,
        coalesce(
            told_gaps.is_moved_on
            and told_gaps.window_start_date > state_gap.window_start_date
            and state_gap.opened_date is not null
            and coalesce(state_gap.closing_reason in ('documented', 'reported', 'declined'), true)
            -- What comes after its window, as with a new year, answers nothing.
            and coalesce(state_gap.window_end_date >= cast($as_of as date), true),
            false
        ) as is_renewed,
        state_gap.gap_id as known_gap_id,
        state_gap.status as known_status,
        state_gap.closing_reason as known_closing_reason,
        state_gap.opened_date as known_opened_date,
        state_gap.closed_date as known_closed_date
    from told_gaps
    full outer join raw.state_gap
        on
            told_gaps.person_id = state_gap.person_id
            and told_gaps.gap_code = state_gap.gap_code
            and told_gaps.subject is not distinct from state_gap.subject
),

-- What closes these codes, and who may say so, their own rules tell, and nothing else does.
own_terms as (
    select distinct transition_rule.gap_code
    from raw.transition_rule
),

-- What is said of the sister of a gap, the code that stood for its subject in the same run, is said of the gap; only
-- urgent medicine safety hears no word but its own. A report that names no subject means the subjects that stood.
sister_gaps as (
    select
        matched_gaps.person_id,
        matched_gaps.gap_code,
        matched_gaps.subject,
        state_gap.gap_code as sister_code,
        case
            when state_gap.closing_reason in ('resolved', 'expired', 'declined', 'deceased', 'not_enrolled')
                then state_gap.closed_date
            when matched_gaps.is_moved_on and matched_gaps.window_start_date > state_gap.window_start_date
                then matched_gaps.window_start_date
            else state_gap.opened_date
        end as since_date
    from matched_gaps
    inner join raw.gap_code
        on
            matched_gaps.gap_code = gap_code.gap_code
            and gap_code.is_one_per_subject
            and not gap_code.is_weekly_cap_exempt
    inner join raw.state_gap
        on
            matched_gaps.person_id = state_gap.person_id
            and matched_gaps.gap_family = state_gap.gap_family
            and matched_gaps.subject is not distinct from state_gap.subject
            and matched_gaps.gap_code <> state_gap.gap_code
    where matched_gaps.status in ('open', 'prospective')
),

closing_reports as (
    select
        matched_gaps.person_id,
        matched_gaps.gap_code,
        matched_gaps.subject,
        contact_attempt.closes_as,
        contact_attempt.attempted_date
    from matched_gaps
    inner join facts.contact_attempt
        on
            matched_gaps.person_id = contact_attempt.person_id
            and matched_gaps.gap_code = contact_attempt.gap_code
            and (
                contact_attempt.is_of_any_subject
                or matched_gaps.subject is not distinct from contact_attempt.subject
            )
    where
        matched_gaps.status in ('open', 'prospective')
        and matched_gaps.gap_code not in (select own_terms.gap_code from own_terms)
        and contact_attempt.attempted_date >= coalesce(
            case
                when matched_gaps.is_renewed then matched_gaps.window_start_date
                when matched_gaps.known_closing_reason not in ('documented', 'reported')
                    then matched_gaps.known_closed_date
                else matched_gaps.known_opened_date
            end,
            matched_gaps.window_start_date,
            contact_attempt.attempted_date
        )
    union all
    select
        sister_gaps.person_id,
        sister_gaps.gap_code,
        sister_gaps.subject,
        contact_attempt.closes_as,
        contact_attempt.attempted_date
    from sister_gaps
    inner join facts.contact_attempt
        on
            sister_gaps.person_id = contact_attempt.person_id
            and sister_gaps.sister_code = contact_attempt.gap_code
            and (
                contact_attempt.is_of_any_subject
                or sister_gaps.subject is not distinct from contact_attempt.subject
            )
            and sister_gaps.since_date <= contact_attempt.attempted_date
),

-- Gaps that families still find and a report of this life of theirs says are done: 2 is a pharmacy's record.
reported_gaps as (
    select
        closing_reports.person_id,
        closing_reports.gap_code,
        closing_reports.subject,
        max(case closing_reports.closes_as when 'documented' then 2 else 1 end) as proof
    from closing_reports
    where
        closing_reports.closes_as is not null
        and closing_reports.attempted_date > cast($as_of as date) - $report_stands_days
    group by
        closing_reports.person_id,
        closing_reports.gap_code,
        closing_reports.subject
),

-- A gap that only a report had closed lives on while a report stands; any other closed one begins a new life, and so
-- does one that a claim has moved on.
found_gaps as (
    select
        matched_gaps.*,
        coalesce(greatest(matched_gaps.word_proof, reported_gaps.proof), matched_gaps.word_proof, reported_gaps.proof)
            as proof,
        coalesce(
            not matched_gaps.is_renewed
            and (
                matched_gaps.known_status <> 'closed'
                or (
                    matched_gaps.known_closing_reason in ('documented', 'reported', 'declined')
                    and coalesce(matched_gaps.word_proof, reported_gaps.proof) is not null
                )
            ),
            false
        ) as is_living
    from matched_gaps
    left join reported_gaps
        on
            matched_gaps.person_id = reported_gaps.person_id
            and matched_gaps.gap_code = reported_gaps.gap_code
            and matched_gaps.subject is not distinct from reported_gaps.subject
    where matched_gaps.member_key is not null
),

continued_gaps as (
    select
        case
            when found_gaps.is_living then found_gaps.known_gap_id
            -- A gap that opens again over the same window must not take the id of the one that closed.
            else substr(
                sha256(
                    concat_ws(
                        '|',
                        $salt,
                        found_gaps.person_id,
                        found_gaps.gap_code,
                        coalesce(found_gaps.subject, ''),
                        cast(found_gaps.window_start_date as varchar),
                        found_gaps.known_gap_id
                    )
                ),
                1,
                16
            )
        end as gap_id,
        found_gaps.person_id,
        found_gaps.member_key,
        found_gaps.gap_family,
        found_gaps.gap_code,
        found_gaps.subject,
        case when found_gaps.proof is not null then 'closed' else found_gaps.status end as status,
        case found_gaps.proof
            when 2 then 'documented'
            when 1 then 'reported'
            when 0 then 'declined'
        end as closing_reason,
        found_gaps.window_start_date,
        found_gaps.window_end_date,
        found_gaps.due_date,
        coalesce(
            case when found_gaps.is_living then found_gaps.known_opened_date end,
            case when found_gaps.status = 'open' then cast($as_of as date) end
        ) as opened_date,
        case
            when found_gaps.proof is not null
                then coalesce(
                    case when found_gaps.is_living then found_gaps.known_closed_date end, cast($as_of as date)
                )
        end as closed_date,
        found_gaps.severity,
        found_gaps.impactability,
        found_gaps.confidence,
        found_gaps.is_sensitive,
        found_gaps.is_renewed,
        true as is_found
    from found_gaps
),

-- A gap of a pregnancy may be gone on the night of its word, with the pregnancy: how it ended is told by the best word.
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
        on
            state_gap.gap_code = dependent_codes.gap_code
            and dependent_codes.gap_family in ('prenatal_supply', 'medication_review')
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

-- A word that came with the last day of its gap, or after it, is proof that no later claim can follow any more.
last_words as (
    select
        state_gap.gap_id,
        case contact_attempt.closes_as when 'documented' then 2 else 1 end as proof
    from raw.state_gap
    inner join facts.contact_attempt
        on
            state_gap.person_id = contact_attempt.person_id
            and state_gap.gap_code = contact_attempt.gap_code
            and (
                contact_attempt.is_of_any_subject
                or state_gap.subject is not distinct from contact_attempt.subject
            )
            and state_gap.opened_date <= contact_attempt.attempted_date
    where
        contact_attempt.closes_as is not null
        and state_gap.gap_code not in (select own_terms.gap_code from own_terms)
    union all
    select
        state_gap.gap_id,
        case closing_word.closing_reason when 'documented' then 2 else 1 end as proof
    from raw.state_gap
    inner join core.member
        on state_gap.person_id = member.person_id
    inner join facts.closing_word
        on
            member.member_key = closing_word.member_key
            and state_gap.gap_code = closing_word.gap_code
            and state_gap.subject is not distinct from closing_word.subject
),

last_proofs as (
    select
        last_words.gap_id,
        max(last_words.proof) as proof
    from last_words
    group by last_words.gap_id
),

-- Whatever else ends a gap of a pregnancy (a birth, a doubt, a stay in hospital), these a claim has closed.
claim_closures as (
    select distinct
        maternal_rule.member_key,
        maternal_rule.gap_code,
        concat('episode ', maternal_rule.episode) as subject
    from facts.maternal_rule
    where maternal_rule.is_closed
),

-- Of the dead, and of those whom nobody insures any more, no claim is to be seen: that a gap is gone proves nothing.
vanished_gaps as (
    select
        matched_gaps.person_id,
        member.member_key,
        matched_gaps.gap_family,
        matched_gaps.gap_code,
        matched_gaps.subject,
        matched_gaps.status,
        matched_gaps.window_start_date,
        matched_gaps.window_end_date,
        matched_gaps.due_date,
        matched_gaps.severity,
        matched_gaps.impactability,
        matched_gaps.confidence,
        matched_gaps.is_sensitive,
        matched_gaps.known_gap_id,
        matched_gaps.known_status,
        matched_gaps.known_closing_reason,
        matched_gaps.known_opened_date as opened_date,
        matched_gaps.known_closed_date,
        -- A window without an end is not over.
        coalesce(matched_gaps.window_end_date >= cast($as_of as date), true) as is_in_window,
        case
            when member.death_date <= cast($as_of as date) then 'deceased'
            when enrollment.member_key is null then 'not_enrolled'
        end as leaving_reason
    from matched_gaps
    left join core.member
        on matched_gaps.person_id = member.person_id
    left join core.enrollment
        on
            member.member_key = enrollment.member_key
            and cast($as_of as date) between enrollment.enrollment_start_date and enrollment.enrollment_end_date
    where
        matched_gaps.member_key is null
        and extract(year from coalesce(matched_gaps.known_closed_date, cast($as_of as date)))
        = extract(year from cast($as_of as date))
        and matched_gaps.gap_code in (select speakable_codes.gap_code from speakable_codes)
),

-- Members whom a measure of adherence judges tonight: that it asks nothing of them is what their fills say.
judged_subjects as (
    select
        adherence.member_key,
        measure.measure_id as subject
    from facts.adherence
    inner join raw.measure
        on adherence.measure_key = measure.measure_key
    where
        adherence.exclusion_reason is null
        and adherence.pdc is not null
),

-- What tells that a claim closed a gap that is gone: a claim of its own, or one that moved its subject on. For want of
-- such, that nothing asks any more; but of a pregnancy, of care that no claim tells and of a measure that judges the
-- member no longer that is no proof.
proven_gaps as (
    select
        vanished_gaps.*,
        told_subjects.person_id is not null as is_superseded,
        claim_closures.member_key is not null
        or coalesce(
            vanished_gaps.opened_date is not null
            and told_subjects.moved_date > vanished_gaps.window_start_date
            and vanished_gaps.is_in_window,
            false
        ) as is_answered,
        speakable_codes.is_closed_by_claim
        and vanished_gaps.gap_family <> 'prenatal_supply'
        and (vanished_gaps.gap_family <> 'adherence' or judged_subjects.member_key is not null)
        and vanished_gaps.is_in_window as is_unasked
    from vanished_gaps
    inner join speakable_codes
        on vanished_gaps.gap_code = speakable_codes.gap_code
    left join told_subjects
        on
            vanished_gaps.person_id = told_subjects.person_id
            and vanished_gaps.gap_family = told_subjects.gap_family
            and vanished_gaps.subject is not distinct from told_subjects.subject
    left join claim_closures
        on
            vanished_gaps.member_key = claim_closures.member_key
            and vanished_gaps.gap_code = claim_closures.gap_code
            and vanished_gaps.subject = claim_closures.subject
    left join judged_subjects
        on
            vanished_gaps.member_key = judged_subjects.member_key
            and vanished_gaps.subject = judged_subjects.subject
),

ended_gaps as (
    select
        proven_gaps.known_gap_id as gap_id,
        proven_gaps.person_id,
        proven_gaps.member_key,
        proven_gaps.gap_family,
        proven_gaps.gap_code,
        proven_gaps.subject,
        proven_gaps.status,
        case
            when
                proven_gaps.known_closing_reason in ('documented', 'reported', 'declined')
                and proven_gaps.leaving_reason is null
                and ended_subject.subject is null
                and (
                    proven_gaps.is_answered
                    or (
                        proven_gaps.is_unasked
                        and not proven_gaps.is_superseded
                        and proven_gaps.gap_code not in (select dependent_codes.gap_code from dependent_codes)
                    )
                )
                then 'resolved'
            when proven_gaps.known_status = 'closed' then proven_gaps.known_closing_reason
            when proven_gaps.leaving_reason is not null and ending_reports.proof is null
                then proven_gaps.leaving_reason
            when ended_subject.subject is not null then ended_subject.closing_reason
            when proven_gaps.is_answered then 'resolved'
            when proven_gaps.is_superseded then 'superseded'
            when ending_reports.proof = 3 then 'documented'
            when ending_reports.proof = 2 then 'reported'
            when ending_reports.proof = 1 then 'declined'
            when proven_gaps.is_unasked then 'resolved'
            when last_proofs.proof = 2 then 'documented'
            when last_proofs.proof = 1 then 'reported'
            else 'expired'
        end as closing_reason,
        proven_gaps.window_start_date,
        proven_gaps.window_end_date,
        proven_gaps.due_date,
        proven_gaps.opened_date,
        coalesce(proven_gaps.known_closed_date, cast($as_of as date)) as closed_date,
        proven_gaps.severity,
        proven_gaps.impactability,
        proven_gaps.confidence,
        proven_gaps.is_sensitive,
        false as is_renewed,
        false as is_found
    from proven_gaps
    left join facts.ended_subject
        on
            proven_gaps.member_key = ended_subject.member_key
            and proven_gaps.subject = ended_subject.subject
    left join ending_reports
        on proven_gaps.known_gap_id = ending_reports.gap_id
    left join last_proofs
        on proven_gaps.known_gap_id = last_proofs.gap_id
    where
        proven_gaps.gap_code not in (select dependent_codes.gap_code from dependent_codes)
        or coalesce(
            proven_gaps.member_key not in (select standing_loss.member_key from facts.standing_loss),
            -- Of somebody whom eligibility no longer names, a loss could not be seen.
            false
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
    continued_gaps.is_sensitive,
    continued_gaps.is_renewed,
    continued_gaps.is_found
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
    ended_gaps.is_sensitive,
    ended_gaps.is_renewed,
    ended_gaps.is_found
from ended_gaps
