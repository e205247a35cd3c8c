-- Medical claim lines that do not stand, with the bucket that takes them (interface 2.1).
--
-- 1. Rows equal in every column are one delivery: the copies are `duplicate`.
-- 2. An institutional claim with frequency 8 voids, with frequency 7 replaces, the claims of the same person, facility,
--    start date and first two bill-type digits; all but the last replacement are `netted`. A later original survives
--    a void that already had something to void: it is a new bill. Without an original the 7 or 8 is kept.
-- 3. A line with a negative amount is a reversal transaction: it cancels one positive row of the same claim id and
--    line, both `netted`; without one it is `rejected`.
-- 4. Of the versions of a claim line the last stands; if it is `reversed`, nothing stands.
-- Only lines that repeat, reverse, are negative or are a 7 or 8 are looked at closely; the rest stand as they are.
with

repeated_lines as (
    select
        medical_claim.claim_id,
        medical_claim.claim_line_number
    from raw.medical_claim
    group by
        medical_claim.claim_id,
        medical_claim.claim_line_number
    having
        count(*) > 1
        or count(*) filter (
            where medical_claim.claim_status = 'reversed'
            or medical_claim.paid_amount < 0
        ) > 0
),

contested_lines as (
    select
        medical_claim.row_id,
        medical_claim.claim_id,
        medical_claim.claim_line_number,
        medical_claim.ingest_datetime,
        medical_claim.file_date,
        medical_claim.paid_date,
        medical_claim.source_file,
        medical_claim.line_number,
        coalesce(medical_claim.claim_status = 'reversed', false) as is_reversed,
        coalesce(medical_claim.paid_amount < 0, false) as is_transaction,
        -- Columns in interface order, joined by a character below every printable one: byte order of the whole row.
        concat_ws(
            chr(31),
            coalesce(medical_claim.claim_type, ''),
            coalesce(medical_claim.person_id, ''),
            coalesce(cast(medical_claim.claim_start_date as varchar), ''),
            coalesce(cast(medical_claim.claim_end_date as varchar), ''),
            coalesce(cast(medical_claim.claim_line_start_date as varchar), ''),
            coalesce(cast(medical_claim.claim_line_end_date as varchar), ''),
            coalesce(cast(medical_claim.admission_date as varchar), ''),
            coalesce(cast(medical_claim.discharge_date as varchar), ''),
            coalesce(medical_claim.discharge_disposition_code, ''),
            coalesce(medical_claim.place_of_service_code, ''),
            coalesce(medical_claim.bill_type_code, ''),
            coalesce(medical_claim.drg_code, ''),
            coalesce(medical_claim.revenue_center_code, ''),
            coalesce(medical_claim.hcpcs_code, ''),
            coalesce(medical_claim.hcpcs_modifier_1, ''),
            coalesce(medical_claim.hcpcs_modifier_2, ''),
            coalesce(medical_claim.hcpcs_modifier_3, ''),
            coalesce(medical_claim.hcpcs_modifier_4, ''),
            coalesce(medical_claim.hcpcs_modifier_5, ''),
            coalesce(medical_claim.rendering_npi, ''),
            coalesce(medical_claim.billing_npi, ''),
            coalesce(medical_claim.facility_npi, ''),
            coalesce(cast(medical_claim.paid_date as varchar), ''),
            coalesce(cast(medical_claim.paid_amount as varchar), ''),
            coalesce(medical_claim.diagnosis_code_type, ''),
            coalesce(medical_claim.diagnosis_code_1, ''),
            coalesce(medical_claim.diagnosis_code_2, ''),
            coalesce(medical_claim.diagnosis_code_3, ''),
            coalesce(medical_claim.diagnosis_code_4, ''),
            coalesce(medical_claim.diagnosis_code_5, ''),
            coalesce(medical_claim.diagnosis_code_6, ''),
            coalesce(medical_claim.diagnosis_code_7, ''),
            coalesce(medical_claim.diagnosis_code_8, ''),
            coalesce(medical_claim.diagnosis_code_9, ''),
            coalesce(medical_claim.diagnosis_code_10, ''),
            coalesce(medical_claim.diagnosis_code_11, ''),
            coalesce(medical_claim.diagnosis_code_12, ''),
            coalesce(medical_claim.diagnosis_code_13, ''),
            coalesce(medical_claim.diagnosis_code_14, ''),
            coalesce(medical_claim.diagnosis_code_15, ''),
            coalesce(medical_claim.diagnosis_code_16, ''),
            coalesce(medical_claim.diagnosis_code_17, ''),
            coalesce(medical_claim.diagnosis_code_18, ''),
            coalesce(medical_claim.diagnosis_code_19, ''),
            coalesce(medical_claim.diagnosis_code_20, ''),
            coalesce(medical_claim.diagnosis_code_21, ''),
            coalesce(medical_claim.diagnosis_code_22, ''),
            coalesce(medical_claim.diagnosis_code_23, ''),
            coalesce(medical_claim.diagnosis_code_24, ''),
            coalesce(medical_claim.diagnosis_code_25, ''),
            coalesce(medical_claim.procedure_code_1, ''),
            coalesce(medical_claim.procedure_code_2, ''),
            coalesce(medical_claim.procedure_code_3, ''),
            coalesce(medical_claim.procedure_code_4, ''),
            coalesce(medical_claim.procedure_code_5, ''),
            coalesce(medical_claim.procedure_code_6, ''),
            coalesce(medical_claim.procedure_code_7, ''),
            coalesce(medical_claim.procedure_code_8, ''),
            coalesce(medical_claim.procedure_code_9, ''),
            coalesce(medical_claim.procedure_code_10, ''),
            coalesce(medical_claim.procedure_code_11, ''),
            coalesce(medical_claim.procedure_code_12, ''),
            coalesce(medical_claim.procedure_code_13, ''),
            coalesce(medical_claim.procedure_code_14, ''),
            coalesce(medical_claim.procedure_code_15, ''),
            coalesce(medical_claim.procedure_code_16, ''),
            coalesce(medical_claim.procedure_code_17, ''),
            coalesce(medical_claim.procedure_code_18, ''),
            coalesce(medical_claim.procedure_code_19, ''),
            coalesce(medical_claim.procedure_code_20, ''),
            coalesce(medical_claim.procedure_code_21, ''),
            coalesce(medical_claim.procedure_code_22, ''),
            coalesce(medical_claim.procedure_code_23, ''),
            coalesce(medical_claim.procedure_code_24, ''),
            coalesce(medical_claim.procedure_code_25, ''),
            coalesce(medical_claim.claim_status, ''),
            coalesce(cast(medical_claim.file_date as varchar), ''),
            coalesce(cast(medical_claim.ingest_datetime as varchar), '')
        ) as row_text
    from raw.medical_claim
    inner join repeated_lines
        on
            medical_claim.claim_id = repeated_lines.claim_id
            and medical_claim.claim_line_number = repeated_lines.claim_line_number
),

copy_numbers as (
    select
        contested_lines.*,
        row_number() over (
            partition by contested_lines.claim_id, contested_lines.claim_line_number, contested_lines.row_text
            order by contested_lines.source_file, contested_lines.line_number, contested_lines.row_id
        ) as copy_number
    from contested_lines
),

adjustment_groups as (
    select distinct
        medical_claim.person_id,
        medical_claim.facility_npi,
        medical_claim.claim_start_date,
        substr(medical_claim.bill_type_code, 1, 2) as facility_type
    from raw.medical_claim
    where
        medical_claim.claim_type = 'institutional'
        and substr(medical_claim.bill_type_code, 3, 1) in ('7', '8')
        and coalesce(medical_claim.claim_status, 'paid') in ('paid', 'adjusted')
),

-- One bill is a claim id at one frequency; its load times are those of its latest line.
bills as (
    select
        medical_claim.person_id,
        medical_claim.facility_npi,
        medical_claim.claim_start_date,
        substr(medical_claim.bill_type_code, 1, 2) as facility_type,
        medical_claim.claim_id,
        substr(medical_claim.bill_type_code, 3, 1) as frequency,
        case
            when coalesce(medical_claim.claim_status, 'paid') not in ('paid', 'adjusted') then 0
            when substr(medical_claim.bill_type_code, 3, 1) = '7' then 1
            when substr(medical_claim.bill_type_code, 3, 1) = '8' then 2
            else 0
        end as adjustment,
        coalesce(medical_claim.claim_status, 'paid') in ('paid', 'adjusted', 'reversed') as is_adjudicated,
        max(medical_claim.ingest_datetime) as ingest_datetime,
        max(medical_claim.file_date) as file_date,
        max(medical_claim.paid_date) as paid_date
    from raw.medical_claim
    inner join adjustment_groups
        on
            medical_claim.person_id = adjustment_groups.person_id
            and medical_claim.facility_npi is not distinct from adjustment_groups.facility_npi
            and medical_claim.claim_start_date = adjustment_groups.claim_start_date
            and substr(medical_claim.bill_type_code, 1, 2) = adjustment_groups.facility_type
    where medical_claim.claim_type = 'institutional'
    group by
        medical_claim.person_id,
        medical_claim.facility_npi,
        medical_claim.claim_start_date,
        substr(medical_claim.bill_type_code, 1, 2),
        medical_claim.claim_id,
        substr(medical_claim.bill_type_code, 3, 1),
        case
            when coalesce(medical_claim.claim_status, 'paid') not in ('paid', 'adjusted') then 0
            when substr(medical_claim.bill_type_code, 3, 1) = '7' then 1
            when substr(medical_claim.bill_type_code, 3, 1) = '8' then 2
            else 0
        end,
        coalesce(medical_claim.claim_status, 'paid') in ('paid', 'adjusted', 'reversed')
),

ordered_bills as (
    select
        bills.*,
        row_number() over (
            partition by bills.person_id, bills.facility_npi, bills.claim_start_date, bills.facility_type
            order by
                bills.ingest_datetime asc nulls first,
                bills.file_date asc nulls first,
                bills.paid_date asc nulls first,
                bills.adjustment asc,
                bills.claim_id asc,
                bills.frequency asc,
                bills.is_adjudicated asc
        ) as bill_number
    from bills
),

adjusted_bills as (
    select
        ordered_bills.*,
        min(case when ordered_bills.adjustment < 2 then ordered_bills.bill_number end) over (
            partition by
                ordered_bills.person_id,
                ordered_bills.facility_npi,
                ordered_bills.claim_start_date,
                ordered_bills.facility_type
        ) as first_bill_number,
        max(case when ordered_bills.adjustment > 0 then ordered_bills.bill_number end) over (
            partition by
                ordered_bills.person_id,
                ordered_bills.facility_npi,
                ordered_bills.claim_start_date,
                ordered_bills.facility_type
        ) as last_adjustment_number
    from ordered_bills
),

fallen_bills as (
    select distinct
        adjusted_bills.person_id,
        adjusted_bills.facility_npi,
        adjusted_bills.claim_start_date,
        adjusted_bills.facility_type,
        adjusted_bills.claim_id,
        adjusted_bills.frequency
    from adjusted_bills
    where
        -- A void goes with what it voids; alone it is kept and counted `no_original`.
        (adjusted_bills.adjustment = 2 and adjusted_bills.first_bill_number is not null)
        or (
            adjusted_bills.adjustment < 2
            and (
                adjusted_bills.bill_number < adjusted_bills.last_adjustment_number
                -- Load times that put the adjustment first: it still speaks of the bill that came after it.
                or (
                    adjusted_bills.adjustment = 0
                    and adjusted_bills.first_bill_number > adjusted_bills.last_adjustment_number
                )
            )
        )
),

fallen_by_adjustment as (
    select medical_claim.row_id
    from raw.medical_claim
    inner join fallen_bills
        on
            medical_claim.person_id = fallen_bills.person_id
            and medical_claim.facility_npi is not distinct from fallen_bills.facility_npi
            and medical_claim.claim_start_date = fallen_bills.claim_start_date
            and substr(medical_claim.bill_type_code, 1, 2) = fallen_bills.facility_type
            and medical_claim.claim_id = fallen_bills.claim_id
            and substr(medical_claim.bill_type_code, 3, 1) = fallen_bills.frequency
    where medical_claim.claim_type = 'institutional'
),

versions as (
    select
        copy_numbers.*,
        row_number() over (
            partition by copy_numbers.claim_id, copy_numbers.claim_line_number, copy_numbers.is_transaction
            order by
                copy_numbers.ingest_datetime asc nulls first,
                copy_numbers.file_date asc nulls first,
                copy_numbers.paid_date asc nulls first,
                copy_numbers.is_reversed asc,
                copy_numbers.row_text asc
        ) as version_number
    from copy_numbers
    where
        copy_numbers.copy_number = 1
        and copy_numbers.row_id not in (select fallen_by_adjustment.row_id from fallen_by_adjustment)
),

line_pairs as (
    select
        reversals.row_id as reversal_row_id,
        originals.row_id as original_row_id
    from versions as reversals
    inner join versions as originals
        on
            reversals.claim_id = originals.claim_id
            and reversals.claim_line_number = originals.claim_line_number
            and reversals.version_number = originals.version_number
    where
        reversals.is_transaction
        and not originals.is_transaction
),

remaining_versions as (
    select
        versions.*,
        row_number() over (
            partition by versions.claim_id, versions.claim_line_number
            order by versions.version_number desc
        ) as recency
    from versions
    where
        not versions.is_transaction
        and versions.row_id not in (select line_pairs.original_row_id from line_pairs)
),

fallen_rows as (
    select
        copy_numbers.row_id,
        'duplicate' as bucket
    from copy_numbers
    where copy_numbers.copy_number > 1
    union all
    select
        fallen_by_adjustment.row_id,
        'netted' as bucket
    from fallen_by_adjustment
    where
        fallen_by_adjustment.row_id not in (
            select copy_numbers.row_id
            from copy_numbers
            where copy_numbers.copy_number > 1
        )
    union all
    select
        line_pairs.reversal_row_id,
        'netted'
    from line_pairs
    union all
    select
        line_pairs.original_row_id,
        'netted'
    from line_pairs
    union all
    select
        remaining_versions.row_id,
        'netted'
    from remaining_versions
    where
        remaining_versions.recency > 1
        or remaining_versions.is_reversed
    union all
    select
        versions.row_id,
        'rejected'
    from versions
    where
        versions.is_transaction
        and versions.row_id not in (select line_pairs.reversal_row_id from line_pairs)
)

select
    fallen_rows.row_id,
    fallen_rows.bucket,
    case when fallen_rows.bucket = 'rejected' then 'reversal_without_original' end as reason
from fallen_rows
order by fallen_rows.row_id
