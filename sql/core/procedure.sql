-- Procedure codes (ICD-10-PCS) long: one row per member, claim, date and code, in place of 25 columns.
--
-- Denied, pended and voided ones are kept as in `core.diagnosis`: they count for suppression rules only.
with

claims as (
    select
        member.member_key,
        medical_claim.claim_id,
        coalesce(medical_claim.claim_line_start_date, medical_claim.claim_start_date) as procedure_date,
        coalesce(medical_claim.claim_status, 'paid') in ('paid', 'adjusted')
        and medical_claim_removed.row_id is null
        and withheld_claim.row_id is null
        and not coalesce(
            medical_claim.claim_type = 'institutional' and substr(medical_claim.bill_type_code, 3, 1) = '8', false
        ) as is_paid,
        medical_claim_removed.row_id is not null
        or coalesce(
            medical_claim.claim_type = 'institutional' and substr(medical_claim.bill_type_code, 3, 1) = '8', false
        ) as is_voided,
        unnest([
            medical_claim.procedure_code_1,
            medical_claim.procedure_code_2,
            medical_claim.procedure_code_3,
            medical_claim.procedure_code_4,
            medical_claim.procedure_code_5,
            medical_claim.procedure_code_6,
            medical_claim.procedure_code_7,
            medical_claim.procedure_code_8,
            medical_claim.procedure_code_9,
            medical_claim.procedure_code_10,
            medical_claim.procedure_code_11,
            medical_claim.procedure_code_12,
            medical_claim.procedure_code_13,
            medical_claim.procedure_code_14,
            medical_claim.procedure_code_15,
            medical_claim.procedure_code_16,
            medical_claim.procedure_code_17,
            medical_claim.procedure_code_18,
            medical_claim.procedure_code_19,
            medical_claim.procedure_code_20,
            medical_claim.procedure_code_21,
            medical_claim.procedure_code_22,
            medical_claim.procedure_code_23,
            medical_claim.procedure_code_24,
            medical_claim.procedure_code_25
        ]) as code
    from raw.medical_claim
    inner join core.member
        on medical_claim.person_id = member.person_id
    left join core.medical_claim_removed
        on medical_claim.row_id = medical_claim_removed.row_id
    left join core.withheld_claim
        on
            medical_claim.row_id = withheld_claim.row_id
            and withheld_claim.source_table = 'medical_claim'
    where
        -- They belong on hospital bills; one elsewhere is read too, in any position, so that no setting hides a loss.
        coalesce(
            medical_claim.procedure_code_1,
            medical_claim.procedure_code_2,
            medical_claim.procedure_code_3,
            medical_claim.procedure_code_4,
            medical_claim.procedure_code_5,
            medical_claim.procedure_code_6,
            medical_claim.procedure_code_7,
            medical_claim.procedure_code_8,
            medical_claim.procedure_code_9,
            medical_claim.procedure_code_10,
            medical_claim.procedure_code_11,
            medical_claim.procedure_code_12,
            medical_claim.procedure_code_13,
            medical_claim.procedure_code_14,
            medical_claim.procedure_code_15,
            medical_claim.procedure_code_16,
            medical_claim.procedure_code_17,
            medical_claim.procedure_code_18,
            medical_claim.procedure_code_19,
            medical_claim.procedure_code_20,
            medical_claim.procedure_code_21,
            medical_claim.procedure_code_22,
            medical_claim.procedure_code_23,
            medical_claim.procedure_code_24,
            medical_claim.procedure_code_25
        ) is not null
        and coalesce(medical_claim.claim_line_start_date, medical_claim.claim_start_date) <= $as_of
        and coalesce(medical_claim_removed.bucket, '') <> 'duplicate'
)

select
    claims.member_key,
    claims.claim_id,
    claims.procedure_date,
    claims.code,
    max(claims.is_paid) as is_paid,
    min(claims.is_voided) as is_voided
from claims
where claims.code is not null
group by
    claims.member_key,
    claims.claim_id,
    claims.procedure_date,
    claims.code
order by
    claims.member_key,
    claims.procedure_date,
    claims.claim_id,
    claims.code
