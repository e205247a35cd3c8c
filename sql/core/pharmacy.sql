-- Every pharmacy, with its state, its place on the map and whether it can take a list on the as-of date.
--
-- Missing coordinates take the point of the ZIP's ZCTA; a pharmacy without a network flag is in the network
-- (interface 2). A mail-order pharmacy is one whose first taxonomy is 3336M0002X, a specialty pharmacy one with
-- 3336S0011X among its taxonomies (NUCC).
select
    cast(row_number() over (order by pharmacy.npi) as integer) as pharmacy_key,
    pharmacy.npi,
    pharmacy.ncpdp_id,
    pharmacy.name,
    pharmacy.state,
    pharmacy.zip_code,
    case
        when pharmacy.latitude is not null and pharmacy.longitude is not null then pharmacy.latitude
        else zcta.latitude
    end as latitude,
    case
        when pharmacy.latitude is not null and pharmacy.longitude is not null then pharmacy.longitude
        else zcta.longitude
    end as longitude,
    coalesce(pharmacy.in_network, true) as is_in_network,
    (pharmacy.opened_date is null or pharmacy.opened_date <= $as_of)
    and (pharmacy.closed_date is null or pharmacy.closed_date > $as_of) as is_open,
    coalesce(substr(pharmacy.taxonomy_code, 1, 10) = '3336M0002X', false) as is_mail_order,
    coalesce(pharmacy.taxonomy_code like '%3336S0011X%', false) as is_specialty,
    npi.is_valid as is_valid_npi,
    coalesce(pharmacy.weekly_capacity, $default_weekly_capacity) as weekly_capacity
from raw.pharmacy
inner join core.npi
    on pharmacy.npi = npi.npi
left join core.zip_area
    on pharmacy.zip_code = zip_area.zip_code
left join raw.zcta
    on zip_area.zcta = zcta.zcta
order by pharmacy_key
