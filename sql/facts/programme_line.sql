-- Claim lines with a service that a programme asks about: the one pass over claim lines for all of them.
--
-- One row per line and code of `facts.asked_code` that its member is asked for; of eye visits with the clinician. Lines
-- that are not paid are kept: they count for what takes a stay off every list (maternal 1.7).
select
    medical_line.member_key,
    asked_code.asked_code_key,
    medical_line.service_date as event_date,
    medical_line.claim_id,
    case when asked_code.value_set = 'eye_exam' then medical_line.rendering_npi end as rendering_npi,
    medical_line.is_paid and not medical_line.is_void as is_paid
from core.medical_line
inner join facts.asked_code
    on
        asked_code.code_system = 'hcpcs'
        and medical_line.hcpcs_code = asked_code.code
        and medical_line.service_date between asked_code.first_date and asked_code.last_date
left join facts.asked_member
    on
        medical_line.member_key = asked_member.member_key
        and asked_code.population_key = asked_member.population_key
where
    asked_member.member_key is not null
    or asked_code.population = 'everyone'
