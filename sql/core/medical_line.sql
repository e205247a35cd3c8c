-- Every medical claim line that stands, dated through the as-of date, of a member in eligibility.
--
-- Denied and pended lines are kept with `is_paid` false: they count for suppression rules only (interface 2.1).
select
    member.member_key,
    medical_claim.claim_id,
    medical_claim.claim_line_number,
    medical_claim.claim_type,
    coalesce(medical_claim.claim_line_start_date, medical_claim.claim_start_date) as service_date,
    medical_claim.claim_start_date,
    coalesce(medical_claim.claim_end_date, medical_claim.claim_start_date) as claim_end_date,
    medical_claim.admission_date,
    medical_claim.discharge_date,
    lpad(medical_claim.discharge_disposition_code, 2, '0') as discharge_disposition_code,
    medical_claim.bill_type_code,
    lpad(medical_claim.revenue_center_code, 4, '0') as revenue_center_code,
    case
        when length(medical_claim.hcpcs_code) < 5 then lpad(medical_claim.hcpcs_code, 5, '0')
        else substr(medical_claim.hcpcs_code, 1, 5)
    end as hcpcs_code,
    medical_claim.place_of_service_code,
    lpad(ltrim(medical_claim.drg_code, '0'), 3, '0') as drg_code,
    medical_claim.facility_npi,
    medical_claim.rendering_npi,
    case when medical_claim.diagnosis_code_type like '%9%' then null else medical_claim.diagnosis_code_1 end
        as principal_diagnosis_code,
    coalesce(cast(medical_claim.ingest_datetime as date), medical_claim.file_date, medical_claim.paid_date)
        as received_date,
    coalesce(medical_claim.claim_status, 'paid') in ('paid', 'adjusted')
    and withheld_claim.row_id is null as is_paid,
    coalesce(
        medical_claim.claim_type = 'institutional' and substr(medical_claim.bill_type_code, 3, 1) = '8', false
    ) as is_void
from raw.medical_claim
inner join core.member
    on medical_claim.person_id = member.person_id
left join core.withheld_claim
    on
        medical_claim.row_id = withheld_claim.row_id
        and withheld_claim.source_table = 'medical_claim'
where
    coalesce(medical_claim.claim_line_start_date, medical_claim.claim_start_date) <= $as_of
    and medical_claim.row_id not in (select medical_claim_removed.row_id from core.medical_claim_removed)
