-- Access to care: one row per ZCTA, service and standard, with the nearest site, the limits, and what they make of it.
--
-- A desert has its nearest site beyond the limit of miles or of modelled minutes; beyond the limit is the distance
-- test alone (interface 3). A judgement is borderline where the distance is nearer to its limit than people may live
-- from the area's point, or the minutes to theirs than the model errs (deserts 3.1, 3.2). Whatever rests on something
-- unknown is null: a table of suppliers that was not delivered, a density, a county. Where suppliers are known and
-- none of them serves, everyone is too far. The deficit is 0 within the limits and tends to 1 far beyond them (deserts
-- 4.3).
with

nearest_sites as (
    select
        nearest_site.zcta_key,
        nearest_site.service_key,
        nearest_site.miles,
        site.npi
    from facts.nearest_site
    inner join core.site
        on nearest_site.supplier_key = site.site_row
    where nearest_site.place = 1
),

measured as (
    select
        access_limit.limit_key,
        zcta.zcta,
        judged_standard.service,
        judged_standard.standard_id,
        nearest_sites.npi as nearest_npi,
        nearest_sites.miles as nearest_miles,
        nearest_sites.miles * cast($circuity_factor as decimal(9, 4)) as judged_miles,
        cast(
            round(zcta.base_minutes + zcta.minutes_per_mile * nearest_sites.miles, 3) as decimal(9, 3)
        ) as nearest_minutes,
        case
            when service.is_known and access_limit.reach_miles is not null
                then coalesce(site_count.provider_count, 0)
        end as provider_count,
        case
            when service.is_known and access_limit.reach_miles is not null then coalesce(site_count.site_count, 0)
        end as site_count,
        access_limit.threshold_miles,
        access_limit.threshold_minutes,
        access_limit.undecided_miles,
        access_limit.reach_miles,
        access_limit.min_count,
        service.is_known and nearest_sites.npi is null as is_unserved,
        judged_standard.income,
        judged_standard.method,
        access_limit.is_desert_if_far,
        access_limit.area_class,
        access_limit.limit_source,
        zcta.uncertainty_miles,
        case
            when zcta.uncertainty_miles is not null
                then greatest(zcta.mean_error_minutes, zcta.minutes_per_mile * zcta.uncertainty_miles)
        end as uncertainty_minutes,
        zcta.is_low_income,
        zcta.county_fips,
        zcta.county_type
    from facts.access_limit
    inner join core.zcta
        on access_limit.zcta_key = zcta.zcta_key
    inner join facts.judged_standard
        on access_limit.standard_key = judged_standard.standard_key
    inner join core.service
        on judged_standard.service_key = service.service_key
    left join nearest_sites
        on
            access_limit.zcta_key = nearest_sites.zcta_key
            and judged_standard.service_key = nearest_sites.service_key
    left join facts.site_count
        on access_limit.limit_key = site_count.limit_key
),

judged as (
    select
        measured.*,
        case
            when measured.threshold_miles is null then null
            when measured.is_unserved then true
            else measured.judged_miles > measured.threshold_miles
        end as is_beyond_limit,
        case
            when measured.threshold_miles is null then null
            when measured.is_unserved then true
            when measured.threshold_minutes is null then measured.judged_miles > measured.threshold_miles
            else
                measured.judged_miles > measured.threshold_miles
                or measured.nearest_minutes > measured.threshold_minutes
        end as is_too_far,
        abs(measured.judged_miles - measured.threshold_miles) < measured.uncertainty_miles as is_near_distance,
        abs(measured.nearest_minutes - measured.threshold_minutes) < measured.uncertainty_minutes as is_near_time,
        greatest(
            cast(measured.judged_miles as double) / cast(nullif(measured.threshold_miles, 0) as double),
            cast(measured.nearest_minutes as double) / cast(nullif(measured.threshold_minutes, 0) as double)
        ) - 1 as excess
    from measured
),

decided as (
    select
        judged.*,
        case
            when judged.is_desert_if_far is null then null
            -- Beyond the shorter limit, and incomes would tell whether it holds.
            when not judged.is_too_far and judged.judged_miles > judged.undecided_miles then null
            else judged.is_desert_if_far and judged.is_too_far
        end as is_desert
    from judged
)

select
    decided.zcta,
    decided.service,
    decided.standard_id,
    decided.nearest_npi,
    decided.nearest_miles,
    decided.nearest_minutes,
    cast(decided.provider_count as integer) as provider_count,
    cast(decided.site_count as integer) as site_count,
    decided.threshold_miles,
    decided.threshold_minutes,
    decided.is_desert,
    decided.is_beyond_limit,
    case
        when decided.is_unserved then false
        when decided.threshold_minutes is null then decided.is_near_distance
        else decided.is_near_distance or decided.is_near_time
    end as is_borderline,
    cast(
        case
            when decided.is_too_far is null then null
            when decided.is_unserved then 1
            when not decided.is_too_far then 0
            else round(1 - exp(-greatest(decided.excess, 0)), 4)
        end as decimal(9, 4)
    ) as access_deficit,
    decided.county_fips,
    decided.county_type,
    decided.area_class,
    decided.limit_source,
    decided.min_count,
    decided.reach_miles,
    decided.undecided_miles,
    decided.uncertainty_miles,
    decided.is_low_income,
    decided.income,
    decided.method
from decided
