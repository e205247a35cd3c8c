-- The retail pharmacy of most fills in the last 180 days and how far from home it is: one row per member with one.
--
-- Ties go to the latest fill, then to the lower NPI (deserts 4.2). Mail order, long-term care and vaccines are no
-- retail fills. The ZIP code of most fills tells of people who live elsewhere for part of the year (deserts 4.6).
-- Distances are great-circle miles from the point of the home's ZCTA, on a sphere of 3958.7613 miles.
with

retail_fills as (
    select
        fill.member_key,
        fill.fill_date,
        pharmacy.npi,
        pharmacy.zip_code
    from core.fill
    inner join core.pharmacy
        on fill.dispensing_provider_npi = pharmacy.npi
    left join core.drug
        on fill.drug_key = drug.drug_key
    where
        fill.fill_date > cast($as_of as date) - 180
        and not fill.is_mail_order
        and not fill.is_long_term_care
        and not pharmacy.is_mail_order
        and coalesce(drug.product_class, '') <> 'vaccine'
),

used_pharmacies as (
    select
        retail_fills.member_key,
        retail_fills.npi,
        min(retail_fills.zip_code) as zip_code,
        count(*) as fill_count,
        max(retail_fills.fill_date) as last_fill_date
    from retail_fills
    group by
        retail_fills.member_key,
        retail_fills.npi
),

regular_pharmacies as (
    select
        used_pharmacies.*,
        row_number() over (
            partition by used_pharmacies.member_key
            order by
                used_pharmacies.fill_count desc,
                used_pharmacies.last_fill_date desc,
                used_pharmacies.npi asc
        ) as choice
    from used_pharmacies
),

used_places as (
    select
        used_pharmacies.member_key,
        used_pharmacies.zip_code,
        row_number() over (
            partition by used_pharmacies.member_key
            order by
                sum(used_pharmacies.fill_count) desc,
                max(used_pharmacies.last_fill_date) desc,
                used_pharmacies.zip_code asc
        ) as choice
    from used_pharmacies
    where used_pharmacies.zip_code is not null
    group by
        used_pharmacies.member_key,
        used_pharmacies.zip_code
),

located as (
    select
        regular_pharmacies.member_key,
        home.zcta,
        regular_pharmacies.npi,
        regular_pharmacies.fill_count,
        regular_pharmacies.last_fill_date,
        used_zip.zcta as usual_zcta
    from regular_pharmacies
    inner join core.member
        on regular_pharmacies.member_key = member.member_key
    left join core.zip_area as home
        on member.zip_code = home.zip_code
    left join used_places
        on
            regular_pharmacies.member_key = used_places.member_key
            and used_places.choice = 1
    left join core.zip_area as used_zip
        on used_places.zip_code = used_zip.zip_code
    where regular_pharmacies.choice = 1
),

-- Few pairs of a home and a pharmacy, or a home and the middle of another ZCTA, recur over all members.
pairs as (
    select
        located.zcta,
        'pharmacy' as place_kind,
        pharmacy.npi as place,
        pharmacy.latitude,
        pharmacy.longitude
    from located
    inner join core.pharmacy
        on located.npi = pharmacy.npi
    union
    select
        located.zcta,
        'area' as place_kind,
        zcta.zcta as place,
        zcta.latitude,
        zcta.longitude
    from located
    inner join core.zcta
        on located.usual_zcta = zcta.zcta
),

distances as (
    select
        pairs.zcta,
        pairs.place_kind,
        pairs.place,
        2 * 3958.7613 * asin(
            least(
                1,
                sqrt(
                    power(sin(radians(pairs.latitude - zcta.latitude) / 2), 2)
                    + cos(radians(zcta.latitude)) * cos(radians(pairs.latitude))
                    * power(sin(radians(pairs.longitude - zcta.longitude) / 2), 2)
                )
            )
        ) as miles
    from pairs
    inner join core.zcta
        on pairs.zcta = zcta.zcta
)

select
    located.member_key,
    located.zcta,
    located.npi,
    cast(located.fill_count as integer) as fill_count,
    located.last_fill_date,
    cast(round(pharmacy_miles.miles, 3) as decimal(9, 3)) as miles,
    cast(round(area_miles.miles, 3) as decimal(9, 3)) as usual_area_miles
from located
left join distances as pharmacy_miles
    on
        located.zcta = pharmacy_miles.zcta
        and pharmacy_miles.place_kind = 'pharmacy'
        and located.npi = pharmacy_miles.place
left join distances as area_miles
    on
        located.zcta = area_miles.zcta
        and area_miles.place_kind = 'area'
        and located.usual_zcta = area_miles.place
order by located.member_key
