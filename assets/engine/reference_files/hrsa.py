"""HRSA shortage areas (HPSA) and medically underserved areas (MUA): weights, never a test of distance.

Only whole counties are spread over their ZCTAs: a facility's designation, a population's or a tract's says nothing of
the county around it (deserts 1.4).
"""

from __future__ import annotations

import duckdb

from assets.engine.reference_files.source import Finding, Source, count_of

HPSA_URL = "https://data.hrsa.gov/DataDownload/DD_Files/BCD_HPSA_FCT_DET_{PC,MH}.csv"
MUA_URL = "https://data.hrsa.gov/DataDownload/DD_Files/MUA_DET.csv"


def _load_hpsa(con: duckdb.DuckDBPyConnection, finding: Finding) -> None:
    con.execute(
        "create or replace temp table component as select distinct hpsa_id, geography, lower(discipline) as discipline, "
        "lower(designation_type) as kind, upper(component) as component, upper(coalesce(status, '')) as status, "
        "try_cast(score as integer) as score from landed where hpsa_id is not null"
    )
    places = count_of(con, "select count(*) from component")
    finding.tell(finding.row_count - places, "duplicate lines, left out")
    finding.tell(
        count_of(con, "select count(*) from component where status <> 'DESIGNATED'"),
        "withdrawn or proposed for withdrawal, left out",
    )
    is_whole = "kind in ('geographic hpsa', 'high needs geographic hpsa') and component = 'SCTY'"
    con.execute("delete from ref.hpsa where discipline in (select discipline from component)")
    con.execute(
        "insert into ref.hpsa select discipline, lpad(geography, 5, '0'), max(score) from component where status = 'DESIGNATED' "
        f"and {is_whole} and regexp_full_match(geography, '[0-9]{{4,5}}') group by all"
    )
    finding.tell(
        count_of(
            con, f"select count(*) from component where status = 'DESIGNATED' and not coalesce({is_whole}, false)"
        ),
        "for a facility, a population or part of a county, not spread over the county",
    )


def _load_mua(con: duckdb.DuckDBPyConnection, finding: Finding) -> None:
    # An id is used again for another area: the name and the place belong to the key.
    con.execute(
        "create or replace temp table area as select distinct mua_id, name, county_fips, upper(kind) as kind, "
        "upper(component) as component, upper(status) as status, subdivision, tract, try_cast(imu as double) as imu "
        "from landed where mua_id is not null"
    )
    finding.tell(finding.row_count - count_of(con, "select count(*) from area"), "duplicate lines, left out")
    finding.tell(count_of(con, "select count(*) from area where status <> 'D'"), "withdrawn, left out")
    is_whole = "kind like 'MUA%' and component = 'SCTY'"
    con.execute(
        "insert into ref.mua select lpad(county_fips, 5, '0'), min(imu) from area where status = 'D' "
        f"and {is_whole} and regexp_full_match(county_fips, '[0-9]{{4,5}}') group by all"
    )
    finding.tell(
        count_of(con, f"select count(*) from area where status = 'D' and not coalesce({is_whole}, false)"),
        "for a population or part of a county, not spread over the county",
    )


HRSA = (
    Source(
        key="hpsa",
        title="HRSA health professional shortage areas",
        url=HPSA_URL,
        gives="hpsa_score and mental_health_hpsa_score are null",
        name=r"hpsa_fct_det",
        columns={
            "hpsa_id": ("hpsa_id",),
            "discipline": ("hpsa_discipline_class",),
            "designation_type": ("designation_type",),
            "score": ("hpsa_score",),
            "status": ("hpsa_status",),
            "component": ("hpsa_component_type_code",),
            "geography": ("hpsa_geography_identification_number",),
        },
        required=("hpsa_id", "discipline", "designation_type", "score", "status", "component", "geography"),
        load=_load_hpsa,
        reads_all=True,
    ),
    Source(
        key="mua",
        title="HRSA medically underserved areas",
        url=MUA_URL,
        gives="is_medically_underserved is null",
        name=r"mua_det",
        columns={
            "mua_id": ("mua_p_id",),
            "name": ("mua_p_service_area_name",),
            "kind": ("designation_type_code",),
            "status": ("mua_p_status_code",),
            "imu": ("imu_score",),
            "component": ("medically_underserved_area_population_mua_p_component_geographic_type_code",),
            "county_fips": ("state_and_county_federal_information_processing_standard_code",),
            "subdivision": ("county_subdivision_fips_code",),
            "tract": ("census_tract",),
        },
        required=("mua_id", "kind", "status", "imu", "component", "county_fips"),
        load=_load_mua,
    ),
)
