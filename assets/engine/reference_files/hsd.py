"""CMS HSD Reference File: limits and minimum numbers by county, from its workbook or as tables taken out of it.

Counties carry SSA codes, not FIPS codes; `standard_table` joins the two.
"""

from __future__ import annotations

import duckdb

from assets.engine.reference_files.source import Finding, Source, count_of

TITLE = "CMS HSD Reference File"
URL = "https://www.cms.gov/medicare/health-drug-plans/medicare-advantage-application (HSD Reference File)"
NAME = r"^hsd2\d{3}_"

# CMS's specialty codes of the services that are measured (42 CFR 422.116(b)); S03 sums the primary care codes.
SERVICES = {
    "S03": "primary_care",
    "016": "ob_gyn",
    "012": "endocrinology",
    "008": "cardiology",
    "021": "oncology",
    "031": "rheumatology",
    "029": "psychiatry",
}

SSA = "lpad(regexp_replace(ssa_code, '\\.0*$', ''), 5, '0')"
CODE = "case when regexp_full_match(hsd_code, '[0-9]{1,2}') then lpad(hsd_code, 3, '0') else upper(hsd_code) end"
TYPES = ("Large Metro", "Metro", "Micro", "Rural", "CEAC")


def _load_counties(con: duckdb.DuckDBPyConnection, finding: Finding) -> None:
    types = " ".join(f"when '{t.lower().replace(' ', '')}' then '{t}'" for t in TYPES)
    con.execute(
        f"insert into ref.hsd_county select {SSA}, county, upper(state), lpad(county_fips, 5, '0'), "
        f"case regexp_replace(lower(county_type), '[^a-z]', '', 'g') {types} end, "
        "try_cast(replace(total_beneficiaries, ',', '') as bigint), try_cast(replace(required, ',', '') as bigint) from landed where ssa_code is not null"
    )
    counts = dict(con.execute("select county_type, count(*) from ref.hsd_county group by all").fetchall())
    finding.notes.append(", ".join(f"{kind} {counts.get(kind, 0):,}" for kind in TYPES))
    finding.tell(count_of(con, "select count(*) from landed where county_fips is null"), "counties without a FIPS code")
    finding.tell(
        count_of(con, "select count(*) from ref.hsd_county where county_type is null"), "counties of no known type"
    )


def _load_limits(con: duckdb.DuckDBPyConnection, finding: Finding) -> None:
    codes = ", ".join(f"'{code}'" for code in SERVICES)
    con.execute(
        f"insert into ref.hsd_limit select distinct {SSA}, {CODE}, try_cast(max_distance_mi as double), "
        f"try_cast(max_time_min as double) from landed where {CODE} in ({codes}) and try_cast(max_distance_mi as double) > 0 "
        "and try_cast(max_time_min as double) > 0"
    )
    kept = count_of(con, "select count(*) from ref.hsd_limit")
    finding.tell(finding.row_count - kept, "rows of specialties that are not measured here, left out")


def _load_minima(con: duckdb.DuckDBPyConnection, finding: Finding) -> None:
    codes = ", ".join(f"'{code}'" for code in SERVICES)
    con.execute(
        f"insert into ref.hsd_minimum select distinct {SSA}, {CODE}, try_cast(min_count as integer) from landed "
        f"where {CODE} in ({codes}) and try_cast(min_count as integer) is not null"
    )
    kept = count_of(con, "select count(*) from ref.hsd_minimum")
    finding.tell(finding.row_count - kept, "rows of specialties that are not measured here, left out")


SSA_NAMES = ("ssa_code", "ssa_county_code", "ssa")
HSD = (
    Source(
        key="hsd_county",
        title=f"{TITLE}, counties",
        url=URL,
        gives="county types come from population and density where these are known",
        name=NAME + r"county\.",
        columns={
            "ssa_code": SSA_NAMES,
            "county": ("county", "county_name"),
            "state": ("state", "st"),
            "county_fips": ("county_fips", "county_fips_by_name", "fips"),
            "county_type": ("county_type", "county_designation"),
            "total_beneficiaries": ("total_beneficiaries",),
            "required": ("beneficiaries_required_to_cover",),
        },
        required=("ssa_code", "county", "state", "county_type"),
        load=_load_counties,
    ),
    Source(
        key="hsd_time_distance",
        title=f"{TITLE}, time and distance",
        url=URL,
        gives="the base limits by county type hold everywhere",
        name=NAME + r".*time_distance",
        columns={
            "ssa_code": SSA_NAMES,
            "hsd_code": ("hsd_code",),
            "max_time_min": ("max_time_min", "max_minutes"),
            "max_distance_mi": ("max_distance_mi", "max_miles"),
        },
        required=("ssa_code", "hsd_code", "max_time_min", "max_distance_mi"),
        load=_load_limits,
    ),
    Source(
        key="hsd_minimum",
        title=f"{TITLE}, minimum numbers of providers",
        url=URL,
        gives="min_count follows from beneficiaries, where these are known",
        name=NAME + r"min_provider",
        columns={"ssa_code": SSA_NAMES, "hsd_code": ("hsd_code",), "min_count": ("min_count",)},
        required=("ssa_code", "hsd_code", "min_count"),
        load=_load_minima,
    ),
)
