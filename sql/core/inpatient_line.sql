-- Lines of bills that may be of inpatient care: the one pass over claim lines that stays and discharges are found in.
--
-- Institutional, paid and no void, of a type of bill that `inpatient_bill` lists or that a stay is made of (interface
-- 2.1), or with a diagnosis-related group and no type.
with

digits as (
    select told.digit
    from (values ('0'), ('1'), ('2'), ('3'), ('4'), ('5'), ('6'), ('7'), ('8'), ('9')) as told (digit)
),

bill_types as (
    select concat(facility_types.digit, care_types.digit) as code
    from digits as facility_types
    cross join digits as care_types
    inner join raw.value_set
        on
            concat(facility_types.digit, care_types.digit) >= value_set.code
            and concat(facility_types.digit, care_types.digit) <= coalesce(value_set.last_code, value_set.code)
    where value_set.value_set = 'inpatient_bill'
    union
    select stays.code
    from (values ('11'), ('18'), ('21'), ('41')) as stays (code)
)

select
    medical_line.member_key,
    medical_line.claim_id,
    medical_line.bill_type_code,
    medical_line.drg_code,
    medical_line.revenue_center_code,
    coalesce(medical_line.admission_date, medical_line.claim_start_date) as admission_date,
    coalesce(medical_line.discharge_date, medical_line.claim_end_date) as bill_end_date,
    medical_line.discharge_date is not null as is_discharge_dated,
    medical_line.discharge_disposition_code,
    medical_line.facility_npi,
    medical_line.principal_diagnosis_code,
    medical_line.received_date
from core.medical_line
left join bill_types
    on substr(medical_line.bill_type_code, 1, 2) = bill_types.code
where
    medical_line.claim_type = 'institutional'
    and medical_line.is_paid
    and not medical_line.is_void
    and (
        bill_types.code is not null
        or (medical_line.bill_type_code is null and medical_line.drg_code is not null)
    )
