-- What each pharmacy is asked to do tonight, in the order in which to do it.
--
-- Sensitive codes appear under their public name (interface 3.1). Pregnancy-dependent rows expire two days after
-- their night, so that a failed night cannot keep one alive. Rows of one conversation with a member are numbered, the
-- lead ask first. A row that stands for one that the pharmacy already holds names it. Programme and service are those
-- of the family that the row shows. A medicine is named only to a pharmacy that dispensed it, of several all of them:
-- elsewhere the row has a sentence that names none, and no subject (rules 6.2).
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
),

dispensed_gaps as (
    select ranked_gap.gap_id
    from outreach.ranked_gap
    inner join outreach.ledger
        on ranked_gap.gap_id = ledger.gap_id
    inner join raw.gap_code
        on
            ledger.gap_code = gap_code.gap_code
            and gap_code.undispensed_reason is not null
    inner join facts.named_fill
        on
            ledger.member_key = named_fill.member_key
            and ledger.subject = named_fill.subject
            and ledger.gap_family = coalesce(named_fill.gap_family, ledger.gap_family)
    inner join core.fill
        on named_fill.fill_key = fill.fill_key
    where ranked_gap.list_rank is not null
    group by ranked_gap.gap_id
    having
        count(distinct named_fill.medicine) = count(
            distinct case when fill.dispensing_provider_npi = ranked_gap.pharmacy_npi then named_fill.medicine end
        )
)

select
    ranked_gap.pharmacy_npi,
    ranked_gap.list_rank,
    cast($as_of as date) as as_of,
    ranked_gap.state,
    case
        when gap.score >= $band_urgent_score or gap.severity >= $band_urgent_severity then 'urgent'
        when gap.score >= $band_high_score then 'high'
        else 'routine'
    end as priority_band,
    gap.person_id,
    gap.gap_id,
    case when gap.is_sensitive then gap_code.public_code else gap.gap_code end as gap_code,
    case when gap.is_sensitive then gap_code.public_family else gap.gap_family end as gap_family,
    case
        when gap.is_sensitive then gap_code.public_subject
        when gap_code.undispensed_reason is null or dispensed_gaps.gap_id is not null then gap.subject
    end as subject,
    gap_code.queue,
    ranked_gap.bundle_rank,
    ranked_gap.bundle_rank = 1 as is_lead_ask,
    superseded_gaps.gap_id as supersedes_gap_id,
    case when gap.is_sensitive then coalesce(gap_code.public_action, gap.action) else gap.action end as action,
    case
        when
            not gap.is_sensitive
            and gap_code.undispensed_reason is not null
            and dispensed_gaps.gap_id is null
            then gap_code.undispensed_reason
        else gap.reason
    end as reason,
    gap.due_date,
    gap.days_left,
    gap.score,
    gap.severity,
    gap.impactability,
    gap.urgency,
    gap.confidence,
    gap.social,
    gap.channel_reach,
    coalesce(preference.language, member.language) as language,
    case when gap_code.is_pregnancy_dependent then cast($as_of as date) + 2 end as expires_date,
    eligible_gap.programme,
    eligible_gap.service_code
from outreach.ranked_gap
inner join outreach.gap
    on ranked_gap.gap_id = gap.gap_id
inner join outreach.eligible_gap
    on ranked_gap.gap_id = eligible_gap.gap_id
inner join raw.gap_code
    on gap.gap_code = gap_code.gap_code
inner join core.member
    on gap.person_id = member.person_id
left join core.preference
    on gap.person_id = preference.person_id
left join dispensed_gaps
    on ranked_gap.gap_id = dispensed_gaps.gap_id
left join superseded_gaps
    on
        gap.person_id = superseded_gaps.person_id
        and gap.gap_family = superseded_gaps.gap_family
        and gap.subject is not distinct from superseded_gaps.subject
        and ranked_gap.pharmacy_npi = superseded_gaps.pharmacy_npi
        and superseded_gaps.recency = 1
where ranked_gap.list_rank is not null
order by
    ranked_gap.state,
    ranked_gap.pharmacy_npi,
    ranked_gap.list_rank
