"""ZIP codes: the area that each lies in (UDS Mapper), its county (HUD) and how rural it is (USDA RUCA).

A ZIP code is a delivery route, not an area: post office boxes and large customers have no ZCTA of their own.
"""

from __future__ import annotations

import duckdb

from assets.engine.reference_files.source import Finding, Source, count_of
from assets.engine.value import FORMATS

# USDA's 2010 workbook wraps ZIP codes in apostrophes, to keep their zeros.
ZIP = FORMATS["zip"]("trim(zip_code, '''')")
STATE = FORMATS["state"]("state")


def _tell_repairs(con: duckdb.DuckDBPyConnection, finding: Finding) -> None:
    finding.tell(
        count_of(con, f"select count(*) from landed where {ZIP} is null"), "rows without a usable ZIP code, left out"
    )
    finding.tell(
        count_of(con, f"select count(*) from landed where {ZIP} <> zip_code"),
        "ZIP codes repaired (zeros, ZIP+4, quotes)",
    )


def _load_zcta(con: duckdb.DuckDBPyConnection, finding: Finding) -> None:
    con.execute(
        f"insert into ref.zip_zcta select {ZIP}, lpad(zcta, 5, '0'), {STATE} from landed "
        f"where {ZIP} is not null and regexp_full_match(zcta, '[0-9]{{3,5}}')"
    )
    _tell_repairs(con, finding)
    finding.tell(
        count_of(con, "select count(*) from landed where zcta is null or not regexp_full_match(zcta, '[0-9]{3,5}')"),
        "ZIP codes in no ZCTA, left out",
    )
    finding.tell(
        count_of(con, "select count(*) from ref.zip_zcta where zip_code <> zcta"), "ZIP codes that are no ZCTA"
    )


def _load_county(con: duckdb.DuckDBPyConnection, finding: Finding) -> None:
    # By residences; a ZIP of businesses alone has none, and takes all addresses.
    con.execute(
        f"insert into ref.zip_county select {ZIP} as zip, lpad(county_fips, 5, '0') as county, {STATE} from landed "
        "where zip is not null and regexp_full_match(county_fips, '[0-9]{4,5}') qualify row_number() over (partition by "
        "zip order by coalesce(try_cast(residences as double), 0) desc, coalesce(try_cast(addresses as double), 0) desc, "
        "county) = 1"
    )
    _tell_repairs(con, finding)
    split = count_of(con, f"select count(*) from (select {ZIP} as zip from landed group by zip having count(*) > 1)")
    finding.tell(split, "ZIP codes in several counties, given to the one with most residences")
    finding.tell(
        count_of(con, "select count(*) from ref.zip_county where county_fips similar to '091[1-9]0'"),
        "ZIP codes in Connecticut's planning regions",
    )


def _load_ruca(con: duckdb.DuckDBPyConnection, finding: Finding) -> None:
    con.execute(
        f"insert into ref.ruca select {ZIP} as zip, any_value({STATE}), min(try_cast(try_cast(ruca as double) as integer)) "
        f"from landed where {ZIP} is not null and try_cast(ruca as double) is not null group by zip"
    )
    _tell_repairs(con, finding)
    finding.tell(
        count_of(con, "select count(*) from ref.ruca where ruca = 99"), "ZIP codes that USDA left uncoded (99)"
    )


ZIP_FILES = (
    Source(
        key="zip_to_zcta",
        title="UDS Mapper ZIP to ZCTA",
        url="https://data.hrsa.gov/DataDownload/GeoCareNavigator/ (ZIP Code to ZCTA Crosswalk)",
        gives="ZIP codes that are no ZCTA have no place",
        name=r"zip.*to.*zcta",
        columns={
            "zip_code": ("zip_code", "zip", "zipcode"),
            "zcta": ("zcta", "zcta5"),
            "state": ("state",),
            "kind": ("zip_type", "zip_join_type", "po_name"),
        },
        required=("zip_code", "zcta", "kind"),
        load=_load_zcta,
    ),
    Source(
        key="hud_zip_county",
        title="HUD USPS ZIP to county",
        url="https://www.huduser.gov/portal/datasets/usps_crosswalk.html (ZIP-COUNTY; free account)",
        gives="counties come from the Census file alone",
        name=r"zip_county",
        columns={
            "zip_code": ("zip",),
            "county_fips": ("county", "geoid"),
            "state": ("usps_zip_pref_state", "state"),
            "residences": ("res_ratio",),
            "addresses": ("tot_ratio",),
        },
        required=("zip_code", "county_fips", "residences", "addresses"),
        load=_load_county,
    ),
    Source(
        key="ruca",
        title="USDA RUCA by ZIP code",
        url="https://www.ers.usda.gov/data-products/rural-urban-commuting-area-codes",
        gives="ruca is null",
        name=r"ruca.*zip",
        columns={
            "zip_code": ("zip_code", "zipcode"),
            "state": ("state",),
            "ruca": ("ruca1", "primaryruca", "primary_ruca"),
        },
        required=("zip_code", "ruca"),
        load=_load_ruca,
    ),
)
