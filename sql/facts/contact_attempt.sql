-- What pharmacies have reported of attempts up to tonight.
select
    known_attempt.person_id,
    known_attempt.attempted_at,
    known_attempt.outcome_code,
    known_attempt.gap_id,
    known_attempt.gap_code,
    known_attempt.subject,
    known_attempt.is_of_any_subject,
    known_attempt.told_subject,
    known_attempt.pharmacy_npi,
    known_attempt.channel,
    known_attempt.staff_role,
    known_attempt.next_contact_date,
    known_attempt.phone_digest,
    known_attempt.attempted_date,
    known_attempt.is_attempt,
    known_attempt.is_live_contact,
    known_attempt.is_call,
    known_attempt.hold,
    known_attempt.closes_as,
    known_attempt.ends_as,
    known_attempt.is_loss,
    known_attempt.is_undated
from facts.known_attempt
where not known_attempt.is_to_come
