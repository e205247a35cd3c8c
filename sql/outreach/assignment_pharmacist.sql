-- Pharmacists of the input, as they are when the night is published: what a plan of the day takes where its own file is
-- silent (specialty 4.2, the matching paragraph). One row per pharmacist, pharmacy and what is said of them there:
-- lines of the input that say the same are one, with the largest capacity, others stay apart.
--
-- Whoever plans takes the rows of a pharmacist together, all their lists and the largest capacity, so that nobody has
-- places twice.
--
-- Codes of states are in capitals, languages and areas in lower case, as cases have them.
select
    pharmacist.pharmacist_id,
    pharmacist.pharmacy_npi,
    upper(pharmacist.licence_states) as licence_states,
    lower(pharmacist.languages) as languages,
    lower(pharmacist.therapy_areas) as therapy_areas,
    max(pharmacist.weekly_capacity) as weekly_capacity
from raw.pharmacist
group by
    pharmacist.pharmacist_id,
    pharmacist.pharmacy_npi,
    upper(pharmacist.licence_states),
    lower(pharmacist.languages),
    lower(pharmacist.therapy_areas)
order by
    pharmacist.pharmacist_id,
    pharmacist.pharmacy_npi,
    licence_states,
    languages,
    therapy_areas
