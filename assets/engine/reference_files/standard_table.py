"""The `adequacy_standard` table: CMS's limits by county, for counties by FIPS code.

CMS names counties by SSA code and by name. `reference/ssa_county.csv` gives each its FIPS code, the 42 that differ by name
found by hand; islands without counties share a code, and two counties share Los Angeles: the one with most beneficiaries
speaks for all.
"""

from __future__ import annotations

import duckdb

from assets.engine.contract import CONTRACTS
from assets.engine.reference_files.hsd import SERVICES
from assets.engine.reference_files.source import count_of
from assets.engine.sql_text import literal

STANDARD = "HSD_2026"
PLAIN_NAME = (
    "regexp_replace(regexp_replace(lower({0}), "
    "'\\(.*\\)| (county|parish|borough|census area|municipio|municipality|city and borough)$', '', 'g'), '[^a-z]', '', 'g')"
)

# 42 CFR 422.116(e): a ratio of the beneficiaries whom a plan must be able to cover, at least one provider.
COVERED = "coalesce(beneficiary.required, ceil(beneficiary.beneficiaries * ratio.beneficiary_ratio))"
MIN_COUNT = f"greatest(1, ceil(({COVERED} * (ratio.min_per_1000 * 100)::bigint)::bigint / 100000))::integer"


def load_bridges(con: duckdb.DuckDBPyConnection) -> None:
    """Fill the tables of `ref` that ship with the project."""
    for table in ("ssa_county", "connecticut", "adequacy_ratio"):
        path = literal(str(CONTRACTS / "reference" / f"{table}.csv"))
        con.execute(f"insert into ref.{table} from read_csv({path}, all_varchar = true, header = true)")


def settle_limits(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Make `ref.county_limit`: per FIPS code the SSA county that speaks for it, and its type. Returns what was repaired."""
    notes = []
    con.execute(
        f"""create table ref.county_limit as
        with delivered as (
            select ssa_code, county, state, county_fips, county_type, beneficiaries from ref.hsd_county
            union all
            select distinct ssa_code, null, null, null, null, null from ref.hsd_limit
            where ssa_code not in (select ssa_code from ref.hsd_county)
        ),
        named as (
            select distinct state_of.state, {PLAIN_NAME.format("county.county")} as name, county.county_fips
            from (
                select county_fips, county from ref.zcta_county union select geography, county from ref.svi
                where kind = 'county'
            ) as county
            inner join (select distinct left(county_fips, 2) as fips, state from ref.ssa_county) as state_of
                on state_of.fips = left(county.county_fips, 2)
        )
        select
            coalesce(delivered.county_fips, bridge.county_fips, named.county_fips) as county_fips, delivered.ssa_code,
            delivered.county_type, delivered.county_fips is null as is_filled,
            count(*) over (partition by coalesce(delivered.county_fips, bridge.county_fips, named.county_fips)) as share_count
        from delivered
        left join ref.ssa_county as bridge on bridge.ssa_code = delivered.ssa_code and delivered.county_fips is null
        left join named
            on named.state = delivered.state and named.name = {PLAIN_NAME.format("delivered.county")}
            and delivered.county_fips is null and bridge.county_fips is null
        where coalesce(delivered.county_fips, bridge.county_fips, named.county_fips) is not null
        qualify row_number() over (
            partition by coalesce(delivered.county_fips, bridge.county_fips, named.county_fips)
            order by delivered.beneficiaries desc nulls last, delivered.ssa_code
        ) = 1"""
    )
    without = "select count(*) from ref.hsd_county where county_fips is null"
    known = "(select ssa_code from ref.ssa_county union select ssa_code from ref.county_limit)"
    for words, query in (
        ("SSA counties without a FIPS code, filled from their SSA code or name", f"{without} and ssa_code in {known}"),
        ("SSA counties without a FIPS code anywhere, left out", f"{without} and ssa_code not in {known}"),
        (
            "FIPS counties that several SSA counties share",
            "select count(*) from ref.county_limit where share_count > 1",
        ),
    ):
        if count := count_of(con, query):
            notes.append(f"{count:,} {words}")
    return notes


def build_standard(con: duckdb.DuckDBPyConnection) -> int:
    """Fill `raw.adequacy_standard`, and return the number of Connecticut's planning regions among its counties."""
    services = " ".join(f"when '{code}' then '{service}'" for code, service in SERVICES.items())
    con.execute(
        f"""create table ref.planning_region as
        select connecticut.planning_region_fips, connecticut.county_fips from ref.connecticut as connecticut
        left join ref.population as population on population.geography = connecticut.zcta
        where connecticut.county_fips in (select county_fips from ref.county_limit)
        and connecticut.planning_region_fips not in (select county_fips from ref.county_limit)
        group by connecticut.planning_region_fips, connecticut.county_fips
        qualify row_number() over (
            partition by connecticut.planning_region_fips
            order by sum(population.value) desc nulls last, count(*) desc, connecticut.county_fips
        ) = 1;
        insert into raw.adequacy_standard by name
        with county as (
            select county_fips, ssa_code from ref.county_limit
            union all
            select region.planning_region_fips, county_limit.ssa_code from ref.planning_region as region
            inner join ref.county_limit as county_limit on county_limit.county_fips = region.county_fips
        )
        select
            county.county_fips, case limits.hsd_code {services} end as service, '{STANDARD}' as standard_id,
            min(limits.max_miles) as max_miles, min(limits.max_minutes) as max_minutes,
            coalesce(max(minimum.min_count), max({MIN_COUNT})) as min_count
        from county
        inner join ref.hsd_limit as limits on limits.ssa_code = county.ssa_code
        left join ref.hsd_minimum as minimum
            on minimum.ssa_code = county.ssa_code and minimum.hsd_code = limits.hsd_code
        left join ref.hsd_county as beneficiary on beneficiary.ssa_code = county.ssa_code
        left join ref.adequacy_ratio as ratio
            on ratio.county_type = beneficiary.county_type and ratio.service = case limits.hsd_code {services} end
        group by county.county_fips, limits.hsd_code"""
    )
    return (
        count_of(con, "select count(*) from ref.planning_region")
        if count_of(con, "select count(*) from ref.hsd_limit")
        else 0
    )
