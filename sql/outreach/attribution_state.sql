-- The pharmacies that the next night must know: tonight's, and those of gaps of which nothing is said tonight.
--
-- A gap that is held back or skipped for a night goes on at its pharmacy, whose days of before still count (rules 6.5).
with

held_subjects as (
    select distinct
        gap_state.person_id,
        gap_state.gap_family,
        gap_state.subject
    from outreach.gap_state
    inner join facts.told_code
        on gap_state.gap_code = told_code.gap_code
    where told_code.skipped_reason is not null
)

select
    attribution.person_id,
    attribution.gap_family,
    attribution.subject,
    attribution.pharmacy_npi,
    attribution.attribution_rule,
    attribution.fill_count,
    attribution.last_fill_date,
    attribution.attributed_date
from outreach.attribution
union all
select
    state_attribution.person_id,
    state_attribution.gap_family,
    state_attribution.subject,
    state_attribution.pharmacy_npi,
    state_attribution.attribution_rule,
    state_attribution.fill_count,
    state_attribution.last_fill_date,
    state_attribution.attributed_date
from raw.state_attribution
inner join held_subjects
    on
        state_attribution.person_id = held_subjects.person_id
        and state_attribution.gap_family = held_subjects.gap_family
        and state_attribution.subject is not distinct from held_subjects.subject
left join outreach.attribution
    on
        state_attribution.person_id = attribution.person_id
        and state_attribution.gap_family = attribution.gap_family
        and state_attribution.subject is not distinct from attribution.subject
-- Another code of the family may have been told of the same subject.
where attribution.person_id is null
