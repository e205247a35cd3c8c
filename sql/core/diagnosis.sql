-- Diagnosis codes long: one row per member, claim, date and code, in place of 25 columns.
--
-- A code on a denied or pended claim has `is_paid` false: it counts for suppression rules only (interface 2.1). So does
-- one on a line that a void, reversal or later version took away: `is_voided` where no standing line carries it.
with

claims as (
    select
        member.member_key,
        medical_claim.claim_id,
        coalesce(medical_claim.claim_line_start_date, medical_claim.claim_start_date) as diagnosis_date,
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
        coalesce(
            medical_claim.diagnosis_code_type like '%9%' and medical_claim.diagnosis_code_type not like '%10%', false
        ) as is_ninth_revision,
        -- Few claims have more than five: a list of 25 for all of them would be mostly empty, and dear to unfold.
        unnest(
            case
                when
                    coalesce(
                        medical_claim.diagnosis_code_6,
                        medical_claim.diagnosis_code_7,
                        medical_claim.diagnosis_code_8,
                        medical_claim.diagnosis_code_9,
                        medical_claim.diagnosis_code_10,
                        medical_claim.diagnosis_code_11,
                        medical_claim.diagnosis_code_12,
                        medical_claim.diagnosis_code_13,
                        medical_claim.diagnosis_code_14,
                        medical_claim.diagnosis_code_15,
                        medical_claim.diagnosis_code_16,
                        medical_claim.diagnosis_code_17,
                        medical_claim.diagnosis_code_18,
                        medical_claim.diagnosis_code_19,
                        medical_claim.diagnosis_code_20,
                        medical_claim.diagnosis_code_21,
                        medical_claim.diagnosis_code_22,
                        medical_claim.diagnosis_code_23,
                        medical_claim.diagnosis_code_24,
                        medical_claim.diagnosis_code_25
                    ) is null
                    then [
                        medical_claim.diagnosis_code_1,
                        medical_claim.diagnosis_code_2,
                        medical_claim.diagnosis_code_3,
                        medical_claim.diagnosis_code_4,
                        medical_claim.diagnosis_code_5
                    ]
                else [
                    medical_claim.diagnosis_code_1,
                    medical_claim.diagnosis_code_2,
                    medical_claim.diagnosis_code_3,
                    medical_claim.diagnosis_code_4,
                    medical_claim.diagnosis_code_5,
                    medical_claim.diagnosis_code_6,
                    medical_claim.diagnosis_code_7,
                    medical_claim.diagnosis_code_8,
                    medical_claim.diagnosis_code_9,
                    medical_claim.diagnosis_code_10,
                    medical_claim.diagnosis_code_11,
                    medical_claim.diagnosis_code_12,
                    medical_claim.diagnosis_code_13,
                    medical_claim.diagnosis_code_14,
                    medical_claim.diagnosis_code_15,
                    medical_claim.diagnosis_code_16,
                    medical_claim.diagnosis_code_17,
                    medical_claim.diagnosis_code_18,
                    medical_claim.diagnosis_code_19,
                    medical_claim.diagnosis_code_20,
                    medical_claim.diagnosis_code_21,
                    medical_claim.diagnosis_code_22,
                    medical_claim.diagnosis_code_23,
                    medical_claim.diagnosis_code_24,
                    medical_claim.diagnosis_code_25
                ]
            end
        ) as code
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
        coalesce(medical_claim.claim_line_start_date, medical_claim.claim_start_date) <= $as_of
        and coalesce(medical_claim_removed.bucket, '') <> 'duplicate'
),

-- However a feed writes the type: what is not ICD-9 is ICD-10, whose codes alone begin with a letter other than E and
-- V, so that no spelling hides a loss.
typed_codes as (
    select
        claims.*,
        case
            when claims.is_ninth_revision and (claims.code < 'A' or substr(claims.code, 1, 1) in ('E', 'V'))
                then 'icd-9-cm'
            else 'icd-10-cm'
        end as code_system
    from claims
    where claims.code is not null
)

select
    typed_codes.member_key,
    typed_codes.claim_id,
    typed_codes.diagnosis_date,
    typed_codes.code_system,
    typed_codes.code,
    max(typed_codes.is_paid) as is_paid,
    min(typed_codes.is_voided) as is_voided
from typed_codes
group by
    typed_codes.member_key,
    typed_codes.claim_id,
    typed_codes.diagnosis_date,
    typed_codes.code_system,
    typed_codes.code
order by typed_codes.member_key
