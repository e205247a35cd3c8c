-- The clinical codes that the claims hold, with the value sets that each belongs to.
--
-- Ranges are matched here, once per distinct code, so that claim lines meet value sets by equality. Bill types are
-- matched by their first two characters, the facility type.
with

present_codes as (
    select distinct
        'icd10cm' as code_system,
        diagnosis.code
    from core.diagnosis
    where diagnosis.code_system = 'icd-10-cm'
    union all
    select distinct
        'hcpcs' as code_system,
        medical_line.hcpcs_code as code
    from core.medical_line
    where medical_line.hcpcs_code is not null
    union all
    select distinct
        'icd10pcs' as code_system,
        procedure.code
    from core.procedure
    union all
    select distinct
        'hcpcs' as code_system,
        voided_line.hcpcs_code as code
    from core.voided_line
    where voided_line.hcpcs_code is not null
    union all
    select distinct
        'ms_drg' as code_system,
        medical_line.drg_code as code
    from core.medical_line
    where medical_line.drg_code is not null
    union all
    select distinct
        'ms_drg' as code_system,
        voided_line.drg_code as code
    from core.voided_line
    where voided_line.drg_code is not null
    union all
    select distinct
        'revenue_center' as code_system,
        medical_line.revenue_center_code as code
    from core.medical_line
    where medical_line.revenue_center_code is not null
    union all
    select distinct
        'bill_type' as code_system,
        substr(medical_line.bill_type_code, 1, 2) as code
    from core.medical_line
    where medical_line.bill_type_code is not null
)

select distinct
    value_set.value_set,
    present_codes.code_system,
    present_codes.code
from present_codes
inner join raw.value_set
    on
        present_codes.code_system = value_set.code_system
        and present_codes.code >= value_set.code
        and present_codes.code <= coalesce(value_set.last_code, value_set.code)
where
    (value_set.from_date is null or value_set.from_date <= $as_of)
    and (value_set.to_date is null or value_set.to_date >= $as_of)
order by
    value_set.value_set,
    present_codes.code_system,
    present_codes.code
