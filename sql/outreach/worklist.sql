-- What each pharmacy is asked to do tonight, in the order in which to do it.
--
-- Sensitive codes appear under their public name (interface 3.1). Pregnancy-dependent rows expire two days after
-- their night, so that a failed night cannot keep one alive. Rows of one conversation with a member are numbered, the
-- lead ask first. A row that stands for one that the pharmacy already holds names it. Programme and service are those
-- of the family that the row shows.
with

superseded_gaps as (
    select
        closed_gaps.gap_id,
        closed_gaps.person_id,
        closed_gaps.gap_family,
        closed_gaps.subject,
        state_release.pharmacy_npi,
        row_number() over (
            partition by
                closed_gaps.person_id,
                closed_gaps.gap_family,
                closed_gaps.subject,
                state_release.pharmacy_npi
            order by
                state_release.last_listed_date desc,
                closed_gaps.gap_id asc
        ) as recency
    from outreach.ledger as closed_gaps
    inner join raw.state_release
        on closed_gaps.gap_id = state_release.gap_id
    where
        closed_gaps.closing_reason = 'superseded'
        and closed_gaps.closed_date > cast($as_of as date) - 35
)

select
    ranked_gap.pharmacy_npi,
    ranked_gap.list_rank,
    cast($as_of as date) as as_of,
    ranked_gap.state,
    case
        when scored_gap.score >= $band_urgent_score or scored_gap.severity >= $band_urgent_severity then 'urgent'
        when scored_gap.score >= $band_high_score then 'high'
        else 'routine'
    end as priority_band,
    ledger.person_id,
    ledger.gap_id,
    case when ledger.is_sensitive then gap_code.public_code else ledger.gap_code end as gap_code,
    case when ledger.is_sensitive then gap_code.public_family else ledger.gap_family end as gap_family,
    case when ledger.is_sensitive then gap_code.public_subject else ledger.subject end as subject,
    gap_code.queue,
    ranked_gap.bundle_rank,
    ranked_gap.bundle_rank = 1 as is_lead_ask,
    superseded_gaps.gap_id as supersedes_gap_id,
    case when ledger.is_sensitive then coalesce(gap_code.public_action, ledger.action) else ledger.action end as action,
    ledger.reason,
    ledger.due_date,
    scored_gap.days_left,
    scored_gap.score,
    scored_gap.severity,
    scored_gap.impactability,
    scored_gap.urgency,
    scored_gap.confidence,
    scored_gap.social,
    scored_gap.channel_reach,
    coalesce(member_preference.language, member.language) as language,
    case when gap_code.is_pregnancy_dependent then cast($as_of as date) + 2 end as expires_date,
    eligible_gap.programme,
    eligible_gap.service_code
from outreach.ranked_gap
inner join outreach.ledger
    on ranked_gap.gap_id = ledger.gap_id
inner join outreach.eligible_gap
    on ranked_gap.gap_id = eligible_gap.gap_id
inner join outreach.scored_gap
    on ranked_gap.gap_id = scored_gap.gap_id
inner join raw.gap_code
    on ledger.gap_code = gap_code.gap_code
inner join core.member
    on ledger.member_key = member.member_key
left join raw.member_preference
    on ledger.person_id = member_preference.person_id
left join superseded_gaps
    on
        ledger.person_id = superseded_gaps.person_id
        and ledger.gap_family = superseded_gaps.gap_family
        and ledger.subject is not distinct from superseded_gaps.subject
        and ranked_gap.pharmacy_npi = superseded_gaps.pharmacy_npi
        and superseded_gaps.recency = 1
where ranked_gap.list_rank is not null
order by
    ranked_gap.state,
    ranked_gap.pharmacy_npi,
    ranked_gap.list_rank
