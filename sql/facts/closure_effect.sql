-- What closures change: the distances before and after, by ZCTA, service and standard whose nearest site closes.
--
-- The next of the six nearest sites that stays open takes its place. Where all six close the distance afterwards is
-- unknown here, though not whether it is too far if the sixth already was. Nobody left anywhere is too far.
with

closures as (
    select distinct closing_site.npi
    from facts.closing_site
),

closed_suppliers as (
    select site.supplier_key
    from core.site
    inner join closures
        on site.npi = closures.npi
),

kept_places as (
    select
        nearest_site.zcta_key,
        nearest_site.service_key,
        min(nearest_site.place) as place
    from facts.nearest_site
    where nearest_site.supplier_key not in (select closed_suppliers.supplier_key from closed_suppliers)
    group by
        nearest_site.zcta_key,
        nearest_site.service_key
),

farthest_places as (
    select
        nearest_site.zcta_key,
        nearest_site.service_key,
        max(nearest_site.miles) as miles
    from facts.nearest_site
    group by
        nearest_site.zcta_key,
        nearest_site.service_key
),

kept_services as (
    select distinct site.service
    from core.site
    where
        site.is_supply
        and site.npi not in (select closures.npi from closures)
),

moved as (
    select
        access.zcta,
        access.service,
        access.standard_id,
        access.nearest_npi,
        access.nearest_miles,
        access.is_desert,
        access.reach_miles,
        access.undecided_miles,
        access_limit.is_desert_if_far,
        site.npi as next_npi,
        next_site.miles as next_miles,
        next_site.miles * cast($circuity_factor as decimal(9, 4)) as judged_miles,
        case
            when access.reach_miles is null then null
            when kept_services.service is null then true
            when next_site.miles is not null then next_site.miles > access.reach_miles
            when farthest_places.miles > access.reach_miles then true
        end as is_too_far
    from facts.access
    inner join closures
        on access.nearest_npi = closures.npi
    inner join core.zcta
        on access.zcta = zcta.zcta
    inner join facts.judged_standard
        on
            access.service = judged_standard.service
            and access.standard_id = judged_standard.standard_id
    inner join facts.access_limit
        on
            zcta.zcta_key = access_limit.zcta_key
            and judged_standard.standard_key = access_limit.standard_key
    inner join farthest_places
        on
            zcta.zcta_key = farthest_places.zcta_key
            and judged_standard.service_key = farthest_places.service_key
    left join kept_places
        on
            zcta.zcta_key = kept_places.zcta_key
            and judged_standard.service_key = kept_places.service_key
    left join facts.nearest_site as next_site
        on
            kept_places.zcta_key = next_site.zcta_key
            and kept_places.service_key = next_site.service_key
            and kept_places.place = next_site.place
    left join core.site
        on next_site.supplier_key = site.site_row
    left join kept_services
        on access.service = kept_services.service
),

judged as (
    select
        moved.*,
        case
            when moved.is_desert_if_far is null then null
            when not moved.is_too_far and moved.judged_miles > moved.undecided_miles then null
            else moved.is_desert_if_far and moved.is_too_far
        end as is_desert_after
    from moved
)

select
    judged.zcta,
    judged.service,
    judged.standard_id,
    judged.nearest_npi as before_npi,
    judged.nearest_miles as before_miles,
    judged.next_npi as after_npi,
    judged.next_miles as after_miles,
    judged.is_desert as is_desert_before,
    judged.is_desert_after,
    judged.is_desert_after and not judged.is_desert as is_new_desert,
    zcta.population,
    coalesce(area_member.member_count, 0) as member_count
from judged
inner join core.zcta
    on judged.zcta = zcta.zcta
left join facts.area_member
    on judged.zcta = area_member.zcta
order by
    judged.zcta,
    judged.service,
    judged.standard_id
