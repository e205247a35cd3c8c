-- Every ZIP Code Tabulation Area with its density, its county, and what a mile from it takes.
--
-- What the input does not say stays null, and so does whatever rests on it. A county without a type takes that of its
-- population and density (42 CFR 422.116(c)), both summed over the areas of the table whose both are known. Minutes are
-- modelled by density from miles as the crow flies, free flow (deserts 3.2); the congestion factor is that of settings
-- and touches the densest areas alone. People may live as far from the area's point as two thirds of the radius of a
-- circle of its land (deserts 3.1).
--
-- The class of maternity care is told, else it follows from the county's hospitals, providers, births and insurance in
-- the order desert, full, low or moderate (March of Dimes; deserts 1.5).
with

areas as (
    select
        zcta.zcta,
        zcta.county_fips,
        case
            when zcta.land_sq_mi > 0 then cast(zcta.population as double) / zcta.land_sq_mi
        end as density,
        zcta.population,
        zcta.land_sq_mi
    from raw.zcta
),

counties as (
    select
        areas.county_fips,
        cast(sum(areas.population) as double) as population,
        cast(sum(areas.population) as double) / sum(areas.land_sq_mi) as density
    from areas
    where
        areas.county_fips is not null
        and areas.density is not null
    group by areas.county_fips
),

county_types as (
    select
        counties.county_fips,
        case
            when
                (counties.population >= 1000000 and counties.density >= 1000)
                or (counties.population >= 500000 and counties.density >= 1500)
                or counties.density >= 5000
                then 'Large Metro'
            when counties.density < 10 then 'CEAC'
            when
                counties.population >= 200000
                or (counties.population >= 50000 and counties.density >= 100)
                or (counties.population >= 10000 and counties.density >= 1000)
                then 'Metro'
            when
                counties.population >= 50000
                or (counties.population >= 10000 and counties.density >= 50)
                then 'Micro'
            else 'Rural'
        end as county_type
    from counties
),

maternity_counties as (
    select
        zcta.zcta,
        zcta.obstetric_hospitals,
        case
            when zcta.obstetric_providers = 0 then 0
            when zcta.births > 0 then 10000 * zcta.obstetric_providers / zcta.births
        end as providers_per_10000_births,
        zcta.women_uninsured
    from raw.zcta
),

maternity_classes as (
    select
        maternity_counties.zcta,
        case
            when
                maternity_counties.obstetric_hospitals = 0
                and maternity_counties.providers_per_10000_births = 0
                then 'desert'
            when
                maternity_counties.obstetric_hospitals >= 2
                or maternity_counties.providers_per_10000_births >= 60
                then 'full'
            when
                maternity_counties.obstetric_hospitals is null
                or maternity_counties.providers_per_10000_births is null
                then null
            when maternity_counties.women_uninsured >= 0.1 then 'low'
            when maternity_counties.women_uninsured < 0.1 then 'moderate'
        end as maternity_class
    from maternity_counties
),

told_types as (
    select
        zcta.zcta,
        case replace(lower(trim(zcta.county_type)), ' ', '')
            when 'largemetro' then 'Large Metro'
            when 'metro' then 'Metro'
            when 'micro' then 'Micro'
            when 'rural' then 'Rural'
            when 'ceac' then 'CEAC'
        end as county_type,
        case lower(replace(trim(zcta.maternity_class), ' access', ''))
            when 'desert' then 'desert'
            when 'maternity care desert' then 'desert'
            when 'low' then 'low'
            when 'moderate' then 'moderate'
            when 'full' then 'full'
        end as maternity_class
    from raw.zcta
)

select
    cast(row_number() over (order by zcta.zcta) as integer) as zcta_key,
    zcta.zcta,
    zcta.latitude,
    zcta.longitude,
    zcta.state,
    zcta.county_fips,
    coalesce(told_types.county_type, county_types.county_type) as county_type,
    told_types.county_type is null and county_types.county_type is not null as is_county_type_derived,
    zcta.population,
    zcta.land_sq_mi,
    areas.density,
    travel_time.density_class,
    density_class.area_class as urbanicity,
    cast(travel_time.base_minutes * travel_factors.factor as decimal(9, 4)) as base_minutes,
    cast(travel_time.minutes_per_mile * travel_factors.factor as decimal(9, 4)) as minutes_per_mile,
    travel_time.mean_error_minutes,
    case
        when zcta.land_sq_mi > 0 then cast(round(0.67 * sqrt(zcta.land_sq_mi / 3.141592653589793), 3) as decimal(9, 3))
    end as uncertainty_miles,
    zcta.svi,
    zcta.households_without_vehicle,
    zcta.low_income as is_low_income,
    zcta.hpsa_score,
    coalesce(told_types.maternity_class, maternity_classes.maternity_class) as maternity_class,
    zcta.delivery_hospital_minutes
from raw.zcta
inner join areas
    on zcta.zcta = areas.zcta
inner join told_types
    on zcta.zcta = told_types.zcta
inner join maternity_classes
    on zcta.zcta = maternity_classes.zcta
left join county_types
    on zcta.county_fips = county_types.county_fips
left join raw.travel_time
    on
        areas.density >= travel_time.at_least
        and (travel_time.less_than is null or areas.density < travel_time.less_than)
left join (
    select
        congested.density_class,
        case
            when congested.is_congested then cast($congestion_factor as decimal(9, 4))
            else cast(1 as decimal(9, 4))
        end as factor
    from raw.travel_time as congested
) as travel_factors
    on travel_time.density_class = travel_factors.density_class
left join raw.density_class
    on
        density_class.standard_id = 'PART_D'
        and (density_class.at_least is null or areas.density >= density_class.at_least)
        and (density_class.more_than is null or areas.density > density_class.more_than)
        and (density_class.at_most is null or areas.density <= density_class.at_most)
        and (density_class.less_than is null or areas.density < density_class.less_than)
order by zcta.zcta
