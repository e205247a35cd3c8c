-- Words that close a gap on its family's own terms, for as long as they stand: one row per member, code and subject.
--
-- After a stay what the rules of data_contracts/transition_rules.yaml name closes it, from the day of discharge on, by
-- whom they name; so do so many documented attempts, which pay as contact (transitions 3.2). Care that is too far away
-- is done or in hand for the `recorded_days` of its rule (deserts 4.2). A need of daily life is settled for 90 days
-- (community 5.3). What is asked in a pregnancy is done for the `recorded_days` of its rule, or through the pregnancy,
-- and a medicine is reviewed for 90 days by the prescriber's answer (maternal 2 and 2.3).
--
-- A decline closes nothing: the gap stays open, and says so (rules 6.3). In a pregnancy alone it ends the gap, for 180
-- days, and is no proof of anything.
--
-- The families themselves tell what claims say, whatever was reported: what they no longer find, a claim has closed,
-- and that can be said of those who were called and of the comparison group alike (rules 6.7 and 6.9).
with

-- A pharmacy's word: of the gap it answers, or of the member and code since the discharge.
discharge_words as (
    select
        discharge.member_key,
        discharge.subject,
        transition_rule.gap_code,
        transition_rule.transition_rule_key,
        transition_rule.attempts,
        contact_attempt.attempted_at,
        contact_attempt.outcome_code,
        contact_attempt.outcome_code in ('NO_ANSWER', 'LEFT_VM', 'LANGUAGE_BARRIER', 'WRONG_NUMBER', 'UTR3')
        or (
            contact_attempt.outcome_code like 'REACHED%'
            and contact_attempt.outcome_code <> 'REACHED_DECLINED'
        ) as is_attempt,
        transition_rule.recorded like concat('%;', contact_attempt.outcome_code, ';%')
        and (
            transition_rule.recorded_roles is null
            or coalesce(contact_attempt.staff_role, '') = ''
            or transition_rule.recorded_roles like concat('%;', contact_attempt.staff_role, ';%')
        ) as is_recorded
    from facts.contact_attempt
    inner join core.member
        on contact_attempt.person_id = member.person_id
    inner join raw.transition_rule
        on contact_attempt.gap_code = transition_rule.gap_code
    inner join facts.discharge
        on
            member.member_key = discharge.member_key
            and discharge.subject = coalesce(contact_attempt.subject, discharge.subject)
            and discharge.discharge_date <= cast(contact_attempt.attempted_at as date)
    where discharge.not_asked_reason is null
),

settled_rules as (
    select
        discharge_words.member_key,
        discharge_words.subject,
        discharge_words.gap_code,
        max(
            case
                when not discharge_words.is_recorded then null
                when discharge_words.outcome_code = 'GAP_ALREADY_CLOSED' then 1
                else 2
            end
        ) as recorded_proof,
        count(distinct case when discharge_words.is_attempt then discharge_words.attempted_at end) as attempt_count,
        discharge_words.attempts
    from discharge_words
    group by
        discharge_words.member_key,
        discharge_words.subject,
        discharge_words.gap_code,
        discharge_words.transition_rule_key,
        discharge_words.attempts
),

recorded_days as (
    select
        desert_rule.gap_code,
        max(desert_rule.recorded_days) as recorded_days
    from raw.desert_rule
    group by desert_rule.gap_code
),

-- What is said of a gap in a pregnancy. 2 is a pharmacy's record, 1 a member's word, 0 a decline.
pregnancy_words as (
    select
        member.member_key,
        contact_attempt.gap_code,
        contact_attempt.attempted_date,
        contact_attempt.ends_as,
        case contact_attempt.ends_as
            when 'documented' then 2
            when 'reported' then 1
            else 0
        end as proof
    from facts.contact_attempt
    inner join core.member
        on contact_attempt.person_id = member.person_id
    where
        contact_attempt.outcome_code in ('REACHED_COMPLETED', 'REACHED_DECLINED', 'GAP_ALREADY_CLOSED', 'REFERRED')
),

proofs as (
    select
        settled_rules.member_key,
        settled_rules.gap_code,
        settled_rules.subject,
        case
            when settled_rules.attempt_count >= settled_rules.attempts then 2
            else settled_rules.recorded_proof
        end as proof
    from settled_rules
    union all
    select
        member.member_key,
        contact_attempt.gap_code,
        cast(null as varchar) as subject,
        case contact_attempt.ends_as when 'documented' then 2 else 1 end as proof
    from facts.contact_attempt
    inner join core.member
        on contact_attempt.person_id = member.person_id
    inner join recorded_days
        on contact_attempt.gap_code = recorded_days.gap_code
    where
        contact_attempt.outcome_code in ('REACHED_COMPLETED', 'GAP_ALREADY_CLOSED', 'REFERRED')
        and contact_attempt.attempted_date > cast($as_of as date) - recorded_days.recorded_days
    union all
    select
        referral_hold.member_key,
        gap_code.gap_code,
        referral_hold.category as subject,
        case referral_hold.proof when 'documented' then 2 else 1 end as proof
    from facts.referral_hold
    inner join raw.gap_code
        on gap_code.gap_family = 'community_resource'
    where referral_hold.hold_reason = 'completed'
    union all
    select
        pregnancy_words.member_key,
        pregnancy_words.gap_code,
        concat('episode ', maternal_rule.episode) as subject,
        pregnancy_words.proof
    from pregnancy_words
    inner join facts.maternal_rule
        on
            pregnancy_words.member_key = maternal_rule.member_key
            and pregnancy_words.gap_code = maternal_rule.gap_code
    where
        pregnancy_words.attempted_date >= case
            when pregnancy_words.ends_as = 'declined' then cast($as_of as date) - 179
            else coalesce(cast($as_of as date) - maternal_rule.recorded_days + 1, maternal_rule.lmp_date)
        end
    union all
    select
        pregnancy_words.member_key,
        pregnancy_words.gap_code,
        concat('episode ', maternal_episode.episode) as subject,
        pregnancy_words.proof
    from pregnancy_words
    inner join facts.maternal_episode
        on
            pregnancy_words.member_key = maternal_episode.member_key
            and maternal_episode.population = 'pregnant'
    where
        pregnancy_words.gap_code = 'MATERNAL_CHECK_IN'
        and pregnancy_words.attempted_date
        > cast($as_of as date) - case when pregnancy_words.ends_as = 'declined' then 180 else 90 end
    union all
    -- The prescriber's answer about the same medicine, however urgent its review is by now.
    select
        member.member_key,
        pregnancy_review.gap_code,
        pregnancy_review.ingredient as subject,
        2 as proof
    from facts.contact_attempt
    inner join core.member
        on contact_attempt.person_id = member.person_id
    inner join facts.pregnancy_review
        on
            member.member_key = pregnancy_review.member_key
            and contact_attempt.subject = pregnancy_review.ingredient
    where
        contact_attempt.outcome_code in ('PRESCRIBER_ACCEPTED', 'PRESCRIBER_REJECTED')
        and contact_attempt.attempted_date >= cast($as_of as date) - 90
)

select
    proofs.member_key,
    proofs.gap_code,
    proofs.subject,
    case max(proofs.proof)
        when 2 then 'documented'
        when 1 then 'reported'
        else 'declined'
    end as closing_reason
from proofs
where proofs.proof is not null
group by
    proofs.member_key,
    proofs.gap_code,
    proofs.subject
order by
    proofs.member_key,
    proofs.gap_code,
    proofs.subject
