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

-- Few pairs of places recur over all members.
pharmacy_pairs as (
    select distinct
        located.zcta,
        located.npi
    from located
),

area_pairs as (
    select distinct
        located.zcta,
        located.usual_zcta
    from located
    where located.usual_zcta is not null
),

pharmacy_miles as (
    select
        pharmacy_pairs.zcta,
        pharmacy_pairs.npi,
        2 * 3958.7613 * asin(
            least(
                1,
                sqrt(
                    power(sin(radians(pharmacy.latitude - zcta.latitude) / 2), 2)
                    + cos(radians(zcta.latitude)) * cos(radians(pharmacy.latitude))
                    * power(sin(radians(pharmacy.longitude - zcta.longitude) / 2), 2)
                )
            )
        ) as miles
    from pharmacy_pairs
    inner join core.zcta
        on pharmacy_pairs.zcta = zcta.zcta
    inner join core.pharmacy
        on pharmacy_pairs.npi = pharmacy.npi
),

area_miles as (
    select
        area_pairs.zcta,
        area_pairs.usual_zcta,
        2 * 3958.7613 * asin(
            least(
                1,
                sqrt(
                    power(sin(radians(usual.latitude - home.latitude) / 2), 2)
                    + cos(radians(home.latitude)) * cos(radians(usual.latitude))
                    * power(sin(radians(usual.longitude - home.longitude) / 2), 2)
                )
            )
        ) as miles
    from area_pairs
    inner join core.zcta as home
        on area_pairs.zcta = home.zcta
    inner join core.zcta as usual
        on area_pairs.usual_zcta = usual.zcta
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
left join pharmacy_miles
    on
        located.zcta = pharmacy_miles.zcta
        and located.npi = pharmacy_miles.npi
left join area_miles
    on
        located.zcta = area_miles.zcta
        and located.usual_zcta = area_miles.usual_zcta
order by located.member_key
