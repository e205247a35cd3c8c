-- Adherence as published: `facts.adherence` under its text ids.
select
    member.person_id,
    measure.measure_id,
    cast($as_of as date) as as_of,
    adherence.measurement_year,
    adherence.is_eligible,
    adherence.exclusion_reason,
    adherence.index_date,
    adherence.treatment_end_date,
    adherence.treatment_days,
    adherence.covered_days,
    adherence.pdc,
    adherence.is_adherent,
    adherence.full_treatment_days,
    adherence.allowed_missed_days,
    adherence.missed_days,
    adherence.remaining_missed_days,
    adherence.is_reachable,
    adherence.projected_pdc,
    adherence.best_possible_pdc,
    adherence.covered_through_date,
    adherence.refill_due_date,
    adherence.days_late,
    adherence.last_impactable_date,
    adherence.surplus_days,
    adherence.fill_date_count,
    adherence.unusable_fill_count,
    adherence.last_days_supply,
    adherence.needed_days_supply,
    adherence.needed_refills,
    adherence.is_90_day_candidate,
    adherence.member_years
from facts.adherence
inner join core.member
    on adherence.member_key = member.member_key
inner join raw.measure
    on adherence.measure_key = measure.measure_key
order by
    member.person_id,
    measure.measure_id
