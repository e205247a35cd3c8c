-- Every refused row with its file, line and reasons: those that the door set aside and reversals without an original.
--
-- A line that a layout maps to several rows, all refused for the same reasons, is named once.
select
    rejected.source_table,
    rejected.source_file,
    rejected.line_number,
    rejected.reasons
from raw.rejected
union
select
    'pharmacy_claim' as source_table,
    pharmacy_claim.source_file,
    pharmacy_claim.line_number,
    pharmacy_claim_removed.reason as reasons
from core.pharmacy_claim_removed
inner join raw.pharmacy_claim
    on pharmacy_claim_removed.row_id = pharmacy_claim.row_id
where pharmacy_claim_removed.bucket = 'rejected'
union
select
    'medical_claim' as source_table,
    medical_claim.source_file,
    medical_claim.line_number,
    medical_claim_removed.reason as reasons
from core.medical_claim_removed
inner join raw.medical_claim
    on medical_claim_removed.row_id = medical_claim.row_id
where medical_claim_removed.bucket = 'rejected'
order by
    source_table,
    source_file,
    line_number,
    reasons
