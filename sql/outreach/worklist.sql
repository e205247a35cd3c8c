-- What each pharmacy is asked to do tonight, in the order in which to do it.
--
-- Sensitive codes appear under their public name (interface 3.1). Pregnancy-dependent rows expire two days after
-- their night, so that a failed night cannot keep one alive.
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
    cast(null as varchar) as programme,
    cast(null as varchar) as service_code
from outreach.ranked_gap
inner join outreach.ledger
    on ranked_gap.gap_id = ledger.gap_id
inner join outreach.scored_gap
    on ranked_gap.gap_id = scored_gap.gap_id
inner join raw.gap_code
    on ledger.gap_code = gap_code.gap_code
inner join core.member
    on ledger.member_key = member.member_key
left join raw.member_preference
    on ledger.person_id = member_preference.person_id
where ranked_gap.list_rank is not null
order by
    ranked_gap.state,
    ranked_gap.pharmacy_npi,
    ranked_gap.list_rank
