-- Diagnosis codes of the delivery that a value set names, on whatever day.
--
-- No rule can ask for any other, so that `core.diagnosis` holds these alone. Ranges are matched here, once per distinct
-- code; a scan of one column tells its distinct codes from its dictionary.
with

present_codes as (
    select medical_claim.diagnosis_code_1 as code
    from raw.medical_claim
    union
    select medical_claim.diagnosis_code_2
    from raw.medical_claim
    union
    select medical_claim.diagnosis_code_3
    from raw.medical_claim
    union
    select medical_claim.diagnosis_code_4
    from raw.medical_claim
    union
    select medical_claim.diagnosis_code_5
    from raw.medical_claim
    union
    select medical_claim.diagnosis_code_6
    from raw.medical_claim
    union
    select medical_claim.diagnosis_code_7
    from raw.medical_claim
    union
    select medical_claim.diagnosis_code_8
    from raw.medical_claim
    union
    select medical_claim.diagnosis_code_9
    from raw.medical_claim
    union
    select medical_claim.diagnosis_code_10
    from raw.medical_claim
    union
    select medical_claim.diagnosis_code_11
    from raw.medical_claim
    union
    select medical_claim.diagnosis_code_12
    from raw.medical_claim
    union
    select medical_claim.diagnosis_code_13
    from raw.medical_claim
    union
    select medical_claim.diagnosis_code_14
    from raw.medical_claim
    union
    select medical_claim.diagnosis_code_15
    from raw.medical_claim
    union
    select medical_claim.diagnosis_code_16
    from raw.medical_claim
    union
    select medical_claim.diagnosis_code_17
    from raw.medical_claim
    union
    select medical_claim.diagnosis_code_18
    from raw.medical_claim
    union
    select medical_claim.diagnosis_code_19
    from raw.medical_claim
    union
    select medical_claim.diagnosis_code_20
    from raw.medical_claim
    union
    select medical_claim.diagnosis_code_21
    from raw.medical_claim
    union
    select medical_claim.diagnosis_code_22
    from raw.medical_claim
    union
    select medical_claim.diagnosis_code_23
    from raw.medical_claim
    union
    select medical_claim.diagnosis_code_24
    from raw.medical_claim
    union
    select medical_claim.diagnosis_code_25
    from raw.medical_claim
)

select distinct present_codes.code
from present_codes
inner join raw.value_set
    on
        value_set.code_system = 'icd10cm'
        and present_codes.code >= value_set.code
        and present_codes.code <= coalesce(value_set.last_code, value_set.code)
order by present_codes.code
