-- Pharmacies that are open on the as-of date and whose closing date is known and near (settings, access.closure_days).
select
    pharmacy.npi,
    pharmacy.closed_date as closing_date
from raw.pharmacy
where
    (pharmacy.opened_date is null or pharmacy.opened_date <= $as_of)
    and pharmacy.closed_date > $as_of
    and pharmacy.closed_date <= cast($as_of as date) + cast($closure_days as integer)
order by pharmacy.npi
