-- The ZCTA that each ZIP code lies in: its own where it is one, else what the table zip_zcta says.
--
-- Post office boxes and large customers have ZIP codes without an area. A ZIP code that neither table knows has no row,
-- and whatever stands there has no place on the map.
with

named as (
    select
        zcta.zcta as zip_code,
        zcta.zcta,
        1 as preference
    from raw.zcta
    union all
    select
        zip_zcta.zip_code,
        area.zcta,
        2 as preference
    from raw.zip_zcta
    inner join raw.zcta as area
        on zip_zcta.zcta = area.zcta
)

select
    ranked.zip_code,
    ranked.zcta
from (
    select
        named.zip_code,
        named.zcta,
        row_number() over (
            partition by named.zip_code
            order by named.preference
        ) as choice
    from named
) as ranked
where ranked.choice = 1
order by ranked.zip_code
