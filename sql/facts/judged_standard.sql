-- The standards by which access is judged, numbered by service and name: all that the base table or the input offers
-- for a service of access.yaml.
--
-- What the registry does not describe is a standard of the input: judged by county type, in miles and minutes.
with

offered as (
    select
        adequacy_base.standard_id,
        adequacy_base.service
    from raw.adequacy_base
    union
    select
        adequacy_standard.standard_id,
        adequacy_standard.service
    from raw.adequacy_standard
)

select
    cast(row_number() over (order by offered.service, offered.standard_id) as integer) as standard_key,
    service.service_key,
    offered.service,
    offered.standard_id,
    coalesce(access_standard.area, 'county_type') as area,
    coalesce(access_standard.has_minutes, true) as has_minutes,
    coalesce(access_standard.income, 'none') as income,
    coalesce(access_standard.method, 'modelled') as method,
    access_standard.low_vehicle_share
from offered
inner join core.service
    on offered.service = service.service
left join raw.access_standard
    on offered.standard_id = access_standard.standard_id
order by standard_key
