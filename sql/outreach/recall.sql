-- Rows to take off, by pharmacy: which row and since when, and nothing that says why (interface 3).
--
-- Named for 35 nights, so that a pharmacy that missed a delivery still learns of it.
select
    release.pharmacy_npi,
    release.gap_id,
    release.state,
    release.recalled_date,
    'NOT_ELIGIBLE' as reason
from outreach.release
where release.recalled_date > cast($as_of as date) - 35
order by
    release.pharmacy_npi,
    release.gap_id
