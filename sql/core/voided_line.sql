-- Services and diagnosis-related groups of claim lines that a void, reversal or later version took away.
--
-- Such a line is no care. It counts for one thing: a voided loss still holds pregnancy messages back, and a person
-- looks at it (maternal 1.8).
select distinct
    member.member_key,
    medical_claim.claim_id,
    coalesce(medical_claim.claim_line_start_date, medical_claim.claim_start_date) as service_date,
    medical_claim.hcpcs_code,
    lpad(medical_claim.drg_code, 3, '0') as drg_code
from core.medical_claim_removed
inner join raw.medical_claim
    on medical_claim_removed.row_id = medical_claim.row_id
inner join core.member
    on medical_claim.person_id = member.person_id
where
    medical_claim_removed.bucket <> 'duplicate'
    and coalesce(medical_claim.claim_line_start_date, medical_claim.claim_start_date) <= $as_of
    and (medical_claim.hcpcs_code is not null or medical_claim.drg_code is not null)
order by
    member_key,
    service_date,
    claim_id,
    hcpcs_code,
    drg_code
