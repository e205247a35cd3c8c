-- Pharmacy claim lines that do not stand, with the bucket that takes them (interface 2.1).
--
-- 1. Rows equal in every column are one delivery: the copies are `duplicate`.
-- 2. A row with a negative quantity, days supply or amount is a reversal transaction. It cancels one positive row of
--    the same claim id and line (its mirror image where there is one), else one standing row of the same person,
--    pharmacy, NDC, date and absolute quantities; both are `netted`. Without an original it is `rejected`.
-- 3. Of the versions of a claim line the last stands; if it is `reversed`, nothing stands. The others are `netted`.
-- 4. The same prescription, fill number, date, person and NDC under another claim id is a `duplicate`; a denied or
--    pended claim never stands in for a paid one.
-- Only lines that repeat, reverse or are negative are looked at closely; the rest stand as they are.
with

repeated_lines as (
    select
        pharmacy_claim.claim_id,
        pharmacy_claim.claim_line_number
    from raw.pharmacy_claim
    group by
        pharmacy_claim.claim_id,
        pharmacy_claim.claim_line_number
    having
        count(*) > 1
        or count(*) filter (
            where pharmacy_claim.claim_status = 'reversed'
            or pharmacy_claim.quantity < 0
            or pharmacy_claim.days_supply < 0
            or pharmacy_claim.paid_amount < 0
        ) > 0
),

contested_lines as (
    select
        pharmacy_claim.row_id,
        pharmacy_claim.claim_id,
        pharmacy_claim.claim_line_number,
        pharmacy_claim.person_id,
        pharmacy_claim.dispensing_provider_npi,
        pharmacy_claim.ndc_code,
        pharmacy_claim.dispensing_date,
        pharmacy_claim.ingest_datetime,
        pharmacy_claim.file_date,
        pharmacy_claim.paid_date,
        pharmacy_claim.source_file,
        pharmacy_claim.line_number,
        coalesce(abs(pharmacy_claim.quantity), -1) as absolute_quantity,
        coalesce(abs(pharmacy_claim.days_supply), -1) as absolute_days_supply,
        coalesce(pharmacy_claim.claim_status = 'reversed', false) as is_reversed,
        coalesce(pharmacy_claim.quantity < 0, false)
        or coalesce(pharmacy_claim.days_supply < 0, false)
        or coalesce(pharmacy_claim.paid_amount < 0, false) as is_transaction,
        -- Columns in interface order, joined by a character below every printable one: byte order of the whole row.
        concat_ws(
            chr(31),
            coalesce(pharmacy_claim.person_id, ''),
            coalesce(cast(pharmacy_claim.dispensing_date as varchar), ''),
            coalesce(pharmacy_claim.ndc_code, ''),
            coalesce(cast(pharmacy_claim.days_supply as varchar), ''),
            coalesce(pharmacy_claim.dispensing_provider_npi, ''),
            coalesce(pharmacy_claim.prescribing_provider_npi, ''),
            coalesce(cast(pharmacy_claim.quantity as varchar), ''),
            coalesce(cast(pharmacy_claim.refills as varchar), ''),
            coalesce(pharmacy_claim.rx_number, ''),
            coalesce(cast(pharmacy_claim.fill_number as varchar), ''),
            coalesce(cast(pharmacy_claim.paid_date as varchar), ''),
            coalesce(cast(pharmacy_claim.paid_amount as varchar), ''),
            coalesce(cast(pharmacy_claim.allowed_amount as varchar), ''),
            coalesce(cast(pharmacy_claim.copayment_amount as varchar), ''),
            coalesce(cast(pharmacy_claim.in_network_flag as varchar), ''),
            coalesce(pharmacy_claim.pharmacy_service_type, ''),
            coalesce(pharmacy_claim.compound_code, ''),
            coalesce(pharmacy_claim.claim_status, ''),
            coalesce(cast(pharmacy_claim.file_date as varchar), ''),
            coalesce(cast(pharmacy_claim.ingest_datetime as varchar), ''),
            coalesce(pharmacy_claim.reject_codes, '')
        ) as row_text
    from raw.pharmacy_claim
    inner join repeated_lines
        on
            pharmacy_claim.claim_id = repeated_lines.claim_id
            and pharmacy_claim.claim_line_number = repeated_lines.claim_line_number
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
    where copy_numbers.copy_number = 1
),

mirror_ranks as (
    select
        versions.*,
        row_number() over (
            partition by
                versions.claim_id,
                versions.claim_line_number,
                versions.is_transaction,
                versions.absolute_quantity,
                versions.absolute_days_supply
            order by versions.version_number
        ) as mirror_rank
    from versions
),

mirror_pairs as (
    select
        reversals.row_id as reversal_row_id,
        originals.row_id as original_row_id
    from mirror_ranks as reversals
    inner join mirror_ranks as originals
        on
            reversals.claim_id = originals.claim_id
            and reversals.claim_line_number = originals.claim_line_number
            and reversals.absolute_quantity = originals.absolute_quantity
            and reversals.absolute_days_supply = originals.absolute_days_supply
            and reversals.mirror_rank = originals.mirror_rank
    where
        reversals.is_transaction
        and not originals.is_transaction
),

unmirrored_ranks as (
    select
        versions.*,
        row_number() over (
            partition by versions.claim_id, versions.claim_line_number, versions.is_transaction
            order by versions.version_number
        ) as line_rank
    from versions
    where
        versions.row_id not in (select mirror_pairs.reversal_row_id from mirror_pairs)
        and versions.row_id not in (select mirror_pairs.original_row_id from mirror_pairs)
),

line_pairs as (
    select
        reversals.row_id as reversal_row_id,
        originals.row_id as original_row_id
    from unmirrored_ranks as reversals
    inner join unmirrored_ranks as originals
        on
            reversals.claim_id = originals.claim_id
            and reversals.claim_line_number = originals.claim_line_number
            and reversals.line_rank = originals.line_rank
    where
        reversals.is_transaction
        and not originals.is_transaction
),

remaining_versions as (
    select
        unmirrored_ranks.*,
        row_number() over (
            partition by unmirrored_ranks.claim_id, unmirrored_ranks.claim_line_number
            order by unmirrored_ranks.version_number desc
        ) as recency
    from unmirrored_ranks
    where
        not unmirrored_ranks.is_transaction
        and unmirrored_ranks.row_id not in (select line_pairs.original_row_id from line_pairs)
),

unpaired_reversals as (
    select
        unmirrored_ranks.row_id,
        unmirrored_ranks.person_id,
        unmirrored_ranks.dispensing_provider_npi,
        unmirrored_ranks.ndc_code,
        unmirrored_ranks.dispensing_date,
        unmirrored_ranks.absolute_quantity,
        unmirrored_ranks.absolute_days_supply,
        row_number() over (
            partition by
                unmirrored_ranks.person_id,
                unmirrored_ranks.dispensing_provider_npi,
                unmirrored_ranks.ndc_code,
                unmirrored_ranks.dispensing_date,
                unmirrored_ranks.absolute_quantity,
                unmirrored_ranks.absolute_days_supply
            order by unmirrored_ranks.claim_id, unmirrored_ranks.claim_line_number, unmirrored_ranks.version_number
        ) as event_rank
    from unmirrored_ranks
    where
        unmirrored_ranks.is_transaction
        and unmirrored_ranks.row_id not in (select line_pairs.reversal_row_id from line_pairs)
),

fallen_rows as (
    select
        copy_numbers.row_id,
        'duplicate' as bucket,
        copy_numbers.is_transaction
    from copy_numbers
    where copy_numbers.copy_number > 1
    union all
    select
        mirror_pairs.reversal_row_id,
        'netted',
        true
    from mirror_pairs
    union all
    select
        mirror_pairs.original_row_id,
        'netted',
        false
    from mirror_pairs
    union all
    select
        line_pairs.reversal_row_id,
        'netted',
        true
    from line_pairs
    union all
    select
        line_pairs.original_row_id,
        'netted',
        false
    from line_pairs
    union all
    select
        remaining_versions.row_id,
        'netted',
        false
    from remaining_versions
    where
        remaining_versions.recency > 1
        or remaining_versions.is_reversed
),

event_originals as (
    select
        pharmacy_claim.row_id,
        pharmacy_claim.person_id,
        pharmacy_claim.dispensing_provider_npi,
        pharmacy_claim.ndc_code,
        pharmacy_claim.dispensing_date,
        coalesce(abs(pharmacy_claim.quantity), -1) as absolute_quantity,
        coalesce(abs(pharmacy_claim.days_supply), -1) as absolute_days_supply,
        row_number() over (
            partition by
                pharmacy_claim.person_id,
                pharmacy_claim.dispensing_provider_npi,
                pharmacy_claim.ndc_code,
                pharmacy_claim.dispensing_date,
                coalesce(abs(pharmacy_claim.quantity), -1),
                coalesce(abs(pharmacy_claim.days_supply), -1)
            order by pharmacy_claim.claim_id, pharmacy_claim.claim_line_number
        ) as event_rank
    from raw.pharmacy_claim
    where
        pharmacy_claim.person_id in (select unpaired_reversals.person_id from unpaired_reversals)
        and coalesce(pharmacy_claim.quantity, 0) >= 0
        and coalesce(pharmacy_claim.days_supply, 0) >= 0
        and coalesce(pharmacy_claim.paid_amount, 0) >= 0
        and pharmacy_claim.row_id not in (select fallen_rows.row_id from fallen_rows)
),

event_pairs as (
    select
        unpaired_reversals.row_id as reversal_row_id,
        event_originals.row_id as original_row_id
    from unpaired_reversals
    inner join event_originals
        on
            unpaired_reversals.person_id = event_originals.person_id
            and unpaired_reversals.dispensing_provider_npi is not distinct from event_originals.dispensing_provider_npi
            and unpaired_reversals.ndc_code = event_originals.ndc_code
            and unpaired_reversals.dispensing_date = event_originals.dispensing_date
            and unpaired_reversals.absolute_quantity = event_originals.absolute_quantity
            and unpaired_reversals.absolute_days_supply = event_originals.absolute_days_supply
            and unpaired_reversals.event_rank = event_originals.event_rank
),

settled_rows as (
    select
        fallen_rows.row_id,
        fallen_rows.bucket,
        fallen_rows.is_transaction
    from fallen_rows
    union all
    select
        event_pairs.reversal_row_id,
        'netted',
        true
    from event_pairs
    union all
    select
        event_pairs.original_row_id,
        'netted',
        false
    from event_pairs
    union all
    select
        unpaired_reversals.row_id,
        'rejected',
        true
    from unpaired_reversals
    where unpaired_reversals.row_id not in (select event_pairs.reversal_row_id from event_pairs)
),

-- Lines of one claim are among them, and go in the end; telling claim ids apart here would cost more than all else.
rebilled_events as (
    select
        pharmacy_claim.person_id,
        pharmacy_claim.rx_number,
        pharmacy_claim.fill_number,
        pharmacy_claim.dispensing_date,
        pharmacy_claim.ndc_code
    from raw.pharmacy_claim
    where
        pharmacy_claim.rx_number is not null
        and pharmacy_claim.fill_number is not null
        and coalesce(pharmacy_claim.claim_status, 'paid') in ('paid', 'adjusted')
    group by
        pharmacy_claim.person_id,
        pharmacy_claim.rx_number,
        pharmacy_claim.fill_number,
        pharmacy_claim.dispensing_date,
        pharmacy_claim.ndc_code
    having count(*) > 1
),

rebilled_lines as (
    select
        pharmacy_claim.row_id,
        row_number() over (
            partition by
                pharmacy_claim.person_id,
                pharmacy_claim.rx_number,
                pharmacy_claim.fill_number,
                pharmacy_claim.dispensing_date,
                pharmacy_claim.ndc_code
            order by pharmacy_claim.claim_id, pharmacy_claim.claim_line_number
        ) as billing_number,
        pharmacy_claim.claim_id,
        min(pharmacy_claim.claim_id) over (
            partition by
                pharmacy_claim.person_id,
                pharmacy_claim.rx_number,
                pharmacy_claim.fill_number,
                pharmacy_claim.dispensing_date,
                pharmacy_claim.ndc_code
        ) as first_claim_id
    from raw.pharmacy_claim
    inner join rebilled_events
        on
            pharmacy_claim.person_id = rebilled_events.person_id
            and pharmacy_claim.rx_number = rebilled_events.rx_number
            and pharmacy_claim.fill_number = rebilled_events.fill_number
            and pharmacy_claim.dispensing_date = rebilled_events.dispensing_date
            and pharmacy_claim.ndc_code = rebilled_events.ndc_code
    where
        coalesce(pharmacy_claim.claim_status, 'paid') in ('paid', 'adjusted')
        and pharmacy_claim.row_id not in (select settled_rows.row_id from settled_rows)
)

select
    settled_rows.row_id,
    settled_rows.bucket,
    case when settled_rows.bucket = 'rejected' then 'reversal_without_original' end as reason,
    settled_rows.is_transaction
from settled_rows
union all
select
    rebilled_lines.row_id,
    'duplicate' as bucket,
    null as reason,
    false as is_transaction
from rebilled_lines
where
    rebilled_lines.billing_number > 1
    and rebilled_lines.claim_id <> rebilled_lines.first_claim_id
order by row_id
