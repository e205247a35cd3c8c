-- How far is too far: the limits of each ZCTA, service and standard, and the distance at which they are reached.
--
-- A county's own limits hold where the input has them, else those of the area's class: its county type, or its density
-- (42 CFR 422.116, 423.100; the literature's definitions on ZCTAs, deserts 1.3). Where many households have no vehicle
-- a shorter limit holds, for some standards only if incomes are low too. CMS names the eight counties that Connecticut
-- had until 2022, other sources its planning regions; both lead to the limits. A definition of pharmacy deserts that
-- asks for low income makes no other area a desert, and says nothing of areas without people or income data.
--
-- `reach_miles` is the longest distance within every limit, as the crow flies and in whole thousandths of a mile, so
-- that counting sites within it agrees with judging the nearest one; less than 0 means that no distance is.
-- `limit_key` numbers the rows by ZCTA, service and standard; every area has as many.
with

-- The codes under which an area's county may stand, its own first.
named_counties as (
    select
        zcta.zcta_key,
        zcta.county_fips,
        1 as preference
    from core.zcta
    where zcta.county_fips is not null
    union all
    select
        zcta.zcta_key,
        connecticut_county.county_fips,
        2 as preference
    from raw.connecticut_county
    inner join core.zcta
        on connecticut_county.zcta = zcta.zcta
    where
        zcta.county_fips = connecticut_county.planning_region_fips
        and connecticut_county.county_fips is not null
    union all
    select
        zcta.zcta_key,
        connecticut_county.planning_region_fips,
        3 as preference
    from raw.connecticut_county
    inner join core.zcta
        on connecticut_county.zcta = zcta.zcta
    where
        zcta.county_fips = connecticut_county.county_fips
        and connecticut_county.planning_region_fips is not null
),

county_limits as (
    select
        ranked.zcta_key,
        ranked.standard_key,
        ranked.max_miles,
        ranked.max_minutes,
        ranked.min_count
    from (
        select
            named_counties.zcta_key,
            judged_standard.standard_key,
            adequacy_standard.max_miles,
            adequacy_standard.max_minutes,
            adequacy_standard.min_count,
            row_number() over (
                partition by named_counties.zcta_key, judged_standard.standard_key
                order by named_counties.preference
            ) as choice
        from named_counties
        inner join raw.adequacy_standard
            on named_counties.county_fips = adequacy_standard.county_fips
        inner join facts.judged_standard
            on
                adequacy_standard.service = judged_standard.service
                and adequacy_standard.standard_id = judged_standard.standard_id
    ) as ranked
    where ranked.choice = 1
),

class_limits as (
    select
        judged_standard.standard_key,
        adequacy_base.area_class,
        adequacy_base.max_miles,
        adequacy_base.max_minutes,
        adequacy_base.min_count
    from facts.judged_standard
    inner join raw.adequacy_base
        on
            judged_standard.service = adequacy_base.service
            and judged_standard.standard_id = adequacy_base.standard_id
),

classed_areas as (
    select
        zcta.zcta_key,
        access_standard.standard_id,
        density_class.area_class
    from core.zcta
    inner join raw.access_standard
        on access_standard.area = 'density'
    inner join raw.density_class
        on
            access_standard.standard_id = density_class.standard_id
            and (density_class.at_least is null or zcta.density >= density_class.at_least)
            and (density_class.more_than is null or zcta.density > density_class.more_than)
            and (density_class.at_most is null or zcta.density <= density_class.at_most)
            and (density_class.less_than is null or zcta.density < density_class.less_than)
    where zcta.density is not null
),

judged_areas as (
    select
        zcta.zcta_key,
        judged_standard.standard_key,
        judged_standard.service_key,
        zcta.base_minutes,
        zcta.minutes_per_mile,
        judged_standard.has_minutes,
        judged_standard.income,
        case judged_standard.area
            when 'county_type' then zcta.county_type
            else classed_areas.area_class
        end as area_class,
        zcta.households_without_vehicle >= judged_standard.low_vehicle_share as is_low_vehicle,
        zcta.is_low_income,
        case
            when judged_standard.method = 'zcta_approximation' and zcta.population = 0 then null
            when judged_standard.income = 'desert' then zcta.is_low_income
            else true
        end as is_desert_if_far
    from core.zcta
    cross join facts.judged_standard
    left join classed_areas
        on
            zcta.zcta_key = classed_areas.zcta_key
            and judged_standard.standard_id = classed_areas.standard_id
),

limited_areas as (
    select
        judged_areas.zcta_key,
        judged_areas.standard_key,
        judged_areas.service_key,
        judged_areas.base_minutes,
        judged_areas.minutes_per_mile,
        judged_areas.area_class,
        judged_areas.is_desert_if_far,
        county_limits.max_miles as county_miles,
        class_limits.max_miles as class_miles,
        -- A shorter limit replaces the class's own; without one there is nothing to replace.
        case
            when county_limits.max_miles is null and class_limits.max_miles is not null and judged_areas.is_low_vehicle
                then vehicle_limits.max_miles
        end as vehicle_miles,
        judged_areas.income <> 'low_vehicle' or judged_areas.is_low_income as is_vehicle_limit,
        case
            when judged_areas.has_minutes then coalesce(county_limits.max_minutes, class_limits.max_minutes)
        end as max_minutes,
        coalesce(county_limits.min_count, class_limits.min_count) as min_count
    from judged_areas
    left join county_limits
        on
            judged_areas.zcta_key = county_limits.zcta_key
            and judged_areas.standard_key = county_limits.standard_key
    left join class_limits
        on
            judged_areas.standard_key = class_limits.standard_key
            and judged_areas.area_class = class_limits.area_class
    left join class_limits as vehicle_limits
        on
            judged_areas.standard_key = vehicle_limits.standard_key
            and vehicle_limits.area_class = 'low_vehicle'
),

limits as (
    select
        limited_areas.zcta_key,
        limited_areas.standard_key,
        limited_areas.service_key,
        limited_areas.base_minutes,
        limited_areas.minutes_per_mile,
        limited_areas.area_class,
        limited_areas.is_desert_if_far,
        case
            when limited_areas.county_miles is not null then 'county'
            when limited_areas.vehicle_miles is not null and limited_areas.is_vehicle_limit then 'low_vehicle'
            when limited_areas.class_miles is not null then 'base'
        end as limit_source,
        cast(
            round(
                coalesce(
                    limited_areas.county_miles,
                    case when limited_areas.is_vehicle_limit then limited_areas.vehicle_miles end,
                    limited_areas.class_miles
                ),
                3
            ) as decimal(9, 3)
        ) as threshold_miles,
        -- Incomes would decide whether this shorter limit holds, and are not known.
        cast(
            round(case when limited_areas.is_vehicle_limit is null then limited_areas.vehicle_miles end, 3)
            as decimal(9, 3)
        ) as undecided_miles,
        cast(round(limited_areas.max_minutes, 3) as decimal(9, 3)) as threshold_minutes,
        limited_areas.min_count
    from limited_areas
),

-- Few pairs of limits recur over all areas: the reach of each is found once, from a guess and its neighbours.
limit_pairs as (
    select distinct
        limits.threshold_miles,
        limits.threshold_minutes,
        limits.base_minutes,
        limits.minutes_per_mile,
        cast(
            floor(
                1000 * least(
                    cast(limits.threshold_miles as double) / $circuity_factor,
                    coalesce(
                        (cast(limits.threshold_minutes as double) - cast(limits.base_minutes as double))
                        / cast(limits.minutes_per_mile as double),
                        99999
                    )
                )
            ) as integer
        ) as guess
    from limits
    where
        limits.threshold_miles is not null
        and (limits.threshold_minutes is null or limits.minutes_per_mile is not null)
),

guesses as (
    select
        limit_pairs.threshold_miles,
        limit_pairs.threshold_minutes,
        limit_pairs.base_minutes,
        limit_pairs.minutes_per_mile,
        cast(cast(limit_pairs.guess + steps.step as decimal(12, 3)) / 1000 as decimal(9, 3)) as miles
    from limit_pairs
    cross join (
        values
        (-1),
        (0),
        (1)
    ) as steps (step)
),

reaches as (
    select
        guesses.base_minutes,
        guesses.minutes_per_mile,
        guesses.threshold_miles,
        guesses.threshold_minutes,
        greatest(
            max(guesses.miles) filter (
                where guesses.miles * cast($circuity_factor as decimal(9, 4)) <= guesses.threshold_miles
                and (
                    guesses.threshold_minutes is null
                    or cast(
                        round(guesses.base_minutes + guesses.minutes_per_mile * guesses.miles, 3) as decimal(9, 3)
                    ) <= guesses.threshold_minutes
                )
            ),
            cast(-1 as decimal(9, 3))
        ) as reach_miles
    from guesses
    group by
        guesses.base_minutes,
        guesses.minutes_per_mile,
        guesses.threshold_miles,
        guesses.threshold_minutes
)

select
    cast((limits.zcta_key - 1) * standard_counts.row_count + limits.standard_key as integer) as limit_key,
    limits.zcta_key,
    limits.standard_key,
    limits.service_key,
    limits.area_class,
    limits.limit_source,
    limits.is_desert_if_far,
    limits.threshold_miles,
    limits.threshold_minutes,
    limits.undecided_miles,
    limits.min_count,
    reaches.reach_miles
from limits
cross join (select count(*) as row_count from facts.judged_standard) as standard_counts
left join reaches
    on
        limits.base_minutes is not distinct from reaches.base_minutes
        and limits.minutes_per_mile is not distinct from reaches.minutes_per_mile
        and limits.threshold_miles = reaches.threshold_miles
        and limits.threshold_minutes is not distinct from reaches.threshold_minutes
