-- Where care is given: one row per service, NPI and place of it.
--
-- Taxonomies say who serves what (access.yaml); a pharmacy whose taxonomy the input does not name is a retail one. What
-- has no coordinates stands at the point of its ZIP's ZCTA, and what has neither has no place. A site is an address: as
-- the input names it, else street and ZIP code, else the coordinates, else the NPI alone. Providers who take no new
-- patients count for deserts all the same (interface 2).
--
-- Rows are numbered by service, NPI and address; a supplier, who is an NPI in a service, goes by the number of its
-- first row, so that what is found for every area need not repeat the NPI.
with

offices as (
    select
        'pharmacy' as supplier,
        pharmacy.npi,
        coalesce(delivered.taxonomy_code, '') as taxonomy_code,
        coalesce(
            delivered.site_id,
            nullif(regexp_replace(upper(delivered.address), '[^A-Z0-9]+', '', 'g'), '') || ' ' || pharmacy.zip_code
        ) as street,
        delivered.latitude is not null and delivered.longitude is not null as has_coordinates,
        pharmacy.state,
        pharmacy.zip_code,
        pharmacy.latitude,
        pharmacy.longitude,
        pharmacy.is_open,
        pharmacy.is_in_network,
        true as is_accepting
    from core.pharmacy
    inner join raw.pharmacy as delivered
        on pharmacy.npi = delivered.npi
    union all
    select
        'provider' as supplier,
        provider.npi,
        provider.taxonomy_code,
        provider.site_id as street,
        provider.latitude is not null and provider.longitude is not null as has_coordinates,
        provider.state,
        provider.zip_code,
        case
            when provider.latitude is not null and provider.longitude is not null then provider.latitude
            else zcta.latitude
        end as latitude,
        case
            when provider.latitude is not null and provider.longitude is not null then provider.longitude
            else zcta.longitude
        end as longitude,
        true as is_open,
        coalesce(provider.in_network, true) as is_in_network,
        coalesce(provider.accepts_new_patients, true) as is_accepting
    from raw.provider
    left join core.zip_area
        on provider.zip_code = zip_area.zip_code
    left join core.zcta
        on zip_area.zcta = zcta.zcta
),

listed as (
    select distinct
        offices.supplier,
        offices.taxonomy_code
    from offices
),

codes as (
    select
        listed.supplier,
        listed.taxonomy_code,
        unnest(string_split(listed.taxonomy_code, ';')) as code
    from listed
),

served as (
    select distinct
        codes.supplier,
        codes.taxonomy_code,
        service_taxonomy.service
    from codes
    inner join raw.service_taxonomy
        on
            codes.supplier = service_taxonomy.supplier
            and codes.code >= service_taxonomy.first_code
            and codes.code <= service_taxonomy.last_code
            and (service_taxonomy.slot = 'any' or codes.code = split_part(codes.taxonomy_code, ';', 1))
    union
    select distinct
        service_taxonomy.supplier,
        '' as taxonomy_code,
        service_taxonomy.service
    from raw.service_taxonomy
    where service_taxonomy.supplier = 'pharmacy'
),

-- The address of an office, apart from those who work there: a name, coordinates, or the NPI.
addressed as (
    select
        service.service_key,
        served.service,
        offices.npi,
        coalesce(offices.street, case when not offices.has_coordinates then offices.npi end) as street,
        case when offices.street is null and offices.has_coordinates then offices.latitude end as site_latitude,
        case when offices.street is null and offices.has_coordinates then offices.longitude end as site_longitude,
        offices.state,
        offices.zip_code,
        offices.latitude,
        offices.longitude,
        offices.is_open,
        offices.is_in_network,
        offices.is_accepting
    from offices
    inner join served
        on
            offices.supplier = served.supplier
            and offices.taxonomy_code = served.taxonomy_code
    inner join core.service
        on served.service = service.service
),

sites as (
    select
        places.street,
        places.site_latitude,
        places.site_longitude,
        row_number() over (
            order by
                places.street asc nulls first,
                places.site_latitude asc nulls first,
                places.site_longitude asc nulls first
        ) as site_key
    from (
        select distinct
            addressed.street,
            addressed.site_latitude,
            addressed.site_longitude
        from addressed
    ) as places
),

offered as (
    select
        addressed.service_key,
        addressed.service,
        addressed.npi,
        cast(sites.site_key as integer) as site_key,
        min(addressed.state) as state,
        min(addressed.zip_code) as zip_code,
        min(addressed.latitude) as latitude,
        min(addressed.longitude) as longitude,
        bool_or(addressed.is_open) as is_open,
        bool_or(addressed.is_in_network) as is_in_network,
        bool_or(addressed.is_accepting) as is_accepting,
        bool_or(
            addressed.is_open and addressed.is_in_network and addressed.latitude is not null
        ) as is_supply
    from addressed
    inner join sites
        on
            addressed.street is not distinct from sites.street
            and addressed.site_latitude is not distinct from sites.site_latitude
            and addressed.site_longitude is not distinct from sites.site_longitude
    group by
        addressed.service_key,
        addressed.service,
        addressed.npi,
        sites.site_key
)

select
    cast(row_number() over (order by offered.service_key, offered.npi, offered.site_key) as integer) as site_row,
    cast(rank() over (order by offered.service_key, offered.npi) as integer) as supplier_key,
    offered.service_key,
    offered.service,
    offered.npi,
    offered.site_key,
    offered.state,
    offered.zip_code,
    offered.latitude,
    offered.longitude,
    offered.is_open,
    offered.is_in_network,
    offered.is_accepting,
    offered.is_supply
from offered
order by site_row
