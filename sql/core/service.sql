-- The services whose suppliers access.yaml tells by their taxonomy, numbered by name.
--
-- Whether suppliers are known at all tells an area without care from a table that was not delivered.
select
    cast(row_number() over (order by served.service) as integer) as service_key,
    served.service,
    served.supplier,
    case served.supplier
        when 'pharmacy' then pharmacies.row_count
        else providers.row_count
    end > 0 as is_known
from (
    select distinct
        service_taxonomy.service,
        service_taxonomy.supplier
    from raw.service_taxonomy
) as served
cross join (select count(*) as row_count from raw.pharmacy) as pharmacies
cross join (select count(*) as row_count from raw.provider) as providers
order by service_key
