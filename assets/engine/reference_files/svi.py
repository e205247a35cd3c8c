"""CDC/ATSDR Social Vulnerability Index, by county or by ZCTA; -999 means missing, and zeros of FIPS codes may be lost."""

from __future__ import annotations

import duckdb

from assets.engine.reference_files.source import Finding, Source, count_of


def _number(column: str) -> str:
    return f"case when try_cast({column} as double) >= 0 then try_cast({column} as double) end"


# Tracts have 11 digits (10 without the zero), counties 5 (4), ZCTAs 5 and a location that says so.
KIND = (
    "case when location ilike 'ZCTA%' then 'zcta' when length(geography) >= 10 then 'tract' "
    "when county is not null or county_fips is not null then 'county' else 'zcta' end"
)


def _load(con: duckdb.DuckDBPyConnection, finding: Finding) -> None:
    # A newer file of the same kind takes the place of an older one.
    con.execute(f"delete from ref.svi where kind in (select {KIND} from landed)")
    con.execute(
        f"insert into ref.svi select {KIND}, lpad(geography, 5, '0'), upper(state), county, {_number('svi')}, "
        f"{_number('without_vehicle')} / 100, {_number('population')}, {_number('area')} from landed "
        f"where regexp_full_match(geography, '[0-9]{{3,11}}') and {KIND} <> 'tract'"
    )
    tracts = count_of(con, f"select count(*) from landed where {KIND} = 'tract'")
    finding.tell(tracts, "tracts, not used: the file by county or by ZCTA is needed")
    finding.tell(
        count_of(con, f"select count(*) from landed where length(geography) in (3, 4) and {KIND} <> 'tract'"),
        "FIPS codes with lost zeros, repaired",
    )
    finding.tell(
        count_of(con, "select count(*) from landed where try_cast(svi as double) < 0"), "areas without an index (-999)"
    )


SVI = Source(
    key="svi",
    title="CDC/ATSDR Social Vulnerability Index",
    url="https://www.atsdr.cdc.gov/place-health/php/svi/svi-data-documentation-download.html (county or ZCTA)",
    gives="svi is null",
    name=r"^svi_\d{4}_us.*\.(csv|zip)",
    columns={
        "geography": ("fips",),
        "county_fips": ("stcnty",),
        "county": ("county",),
        "state": ("st_abbr",),
        "location": ("location",),
        "svi": ("rpl_themes",),
        "without_vehicle": ("ep_noveh",),
        "population": ("e_totpop",),
        "area": ("area_sqmi",),
    },
    required=("geography", "svi", "location"),
    load=_load,
    reads_all=True,
)
