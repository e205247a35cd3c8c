-- Pharmacies on which an area depends: the only address within the limits of a standard, with whom they serve alone.
--
-- Should it close, its areas are beyond the limits (deserts 4.5; the vulnerability index of Mathis 2025 is 1 there).
select
    access.standard_id,
    pharmacy.npi,
    pharmacy.state,
    cast(count(*) as integer) as zcta_count,
    cast(sum(zcta.population) as bigint) as population
from facts.access
inner join core.pharmacy
    on access.nearest_npi = pharmacy.npi
inner join core.zcta
    on access.zcta = zcta.zcta
where
    access.site_count = 1
    and access.service in (
        select service_taxonomy.service
        from raw.service_taxonomy
        where service_taxonomy.supplier = 'pharmacy'
    )
group by
    access.standard_id,
    pharmacy.npi,
    pharmacy.state
order by
    access.standard_id,
    pharmacy.npi
