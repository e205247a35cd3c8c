"""Access on real geography: 53,435 pharmacies of NPPES, 33,791 ZCTAs, CMS's limits of 2026.

What is published (deserts 5) was measured by road and by person; here a ZCTA's people stand at its point, as the crow
flies, and a pharmacy without coordinates stands at its ZIP's. That brings short distances too near and leaves long ones
about right. The pharmacies are some 90 % of the nation's, the land is that of a ZCTA's largest part.
"""

from __future__ import annotations

import math
from typing import Any

import duckdb
import pytest

from assets.engine.contract import contract_for
from assets.engine.warehouse import violations
from bench.access_check import PAGE, REFERENCE, Found, find, page, prepare

NEEDED = {
    "points": "zcta_centroid.csv",
    "people": "zcta_population_acs2023.csv",
    "counties": "zcta_primary_county_2020.csv",
    "types": "hsd2026_county.csv",
    "limits": "hsd2026_county_time_distance.parquet",
    "pharmacies": "nppes_pharmacy_orgs_2025_partial.parquet",
    "zips": "zip_to_zcta_2015_uds.csv",
}

pytestmark = pytest.mark.skipif(
    not all((REFERENCE / name).is_file() for name in NEEDED.values()),
    reason="no ../shared/data/reference with ZCTAs, pharmacies and CMS's limits beside the repository",
)

MODELS = ("facts.access", "facts.accessibility", "facts.keystone")


def read(name: str) -> str:
    """A file as SQL reads it, all text."""
    return f"read_csv('{REFERENCE / NEEDED[name]}', all_varchar = true, header = true)"


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """A warehouse built on the real files: reference tables, the door, the models of a night."""
    con = duckdb.connect(config={"threads": 2})
    prepare(con, REFERENCE, tmp_path_factory.mktemp("reference"))
    return con


@pytest.fixture(scope="module")
def found(con) -> Found:
    return find(con)


def rows(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return con.execute(query).fetchall()


# Share of the people of some areas for whom a condition holds.
SHARE = "sum(population) filter (where {}) / sum(population)"


def within(con: duckdb.DuckDBPyConnection, miles: float) -> float:
    """The share of the nation within so many miles of a retail pharmacy."""
    [[share]] = rows(
        con,
        f"select {SHARE.format(f'nearest_miles <= {miles}')} from facts.access inner join core.zcta using (zcta) "
        "where standard_id = 'PART_D'",
    )
    return share


def test_every_area_and_every_pharmacy_is_there(con) -> None:
    assert rows(con, "select count(*), count(distinct zcta) from core.zcta") == [(33_791, 33_791)]
    assert rows(con, "select count(*) from facts.access") == [(33_791 * 11,)]
    # Deserts 5: 335.56 million people.
    assert rows(con, "select sum(population) from core.zcta")[0][0] == pytest.approx(335.56e6, rel=1e-4)
    # Deserts 2 and 4.6: 41,235 NPIs have a retail taxonomy first; 43,032 with those who have 3336C0003X in another slot.
    [[npis, supply]] = rows(
        con, "select count(distinct npi), count(distinct npi) filter (where is_supply) from core.site"
    )
    assert npis == 43_032
    # No more than one in 300 lacks a place.
    assert supply / npis > 0.995


@pytest.mark.parametrize(
    "table",
    [
        *MODELS,
        "core.zcta",
        "core.service",
        "core.site",
        "facts.judged_standard",
        "facts.access_limit",
        "facts.nearest_site",
        "facts.site_count",
    ],
)
def test_contracts_hold_on_real_data(con, table: str) -> None:
    assert violations(con, contract_for(*table.split("."))) == {}


@pytest.mark.parametrize(
    ("urbanicity", "miles", "share"), [("urban", 2, 0.961), ("suburban", 5, 0.984), ("rural", 15, 0.961)]
)
def test_part_d_by_class(con, urbanicity: str, miles: int, share: float) -> None:
    """Deserts 5, the smoke test on the same points: 96.1, 98.4 and 96.1 % within 2, 5 and 15 miles."""
    [[found]] = rows(
        con,
        f"select {SHARE.format(f'nearest_miles <= {miles}')} from facts.access inner join core.zcta using (zcta) "
        f"where standard_id = 'PART_D' and urbanicity = '{urbanicity}'",
    )
    assert found == pytest.approx(share, abs=0.015)


def test_beyond_one_five_and_ten_miles_by_density(found: Found) -> None:
    """Deserts 5: 6.0 % beyond 1, 5 or 10 miles, and 9.2 % beyond 1, 2 or 10, of the same points without incomes."""
    assert found.beyond["WITT2024"] == pytest.approx(0.060, abs=0.005)
    assert found.beyond["USC_NCPA"] == pytest.approx(0.092, abs=0.005)
    # Half a mile where few have a car can only add to them.
    assert found.low_vehicle > found.beyond["WITT2024"]


@pytest.mark.parametrize(("miles", "share"), [(5, 0.889), (10, 0.965)])
def test_far_from_a_pharmacy_as_published(con, miles: int, share: float) -> None:
    """Berenbrok 2022: 88.9 and 96.5 % of the nation within 5 and 10 miles by road."""
    assert within(con, miles) == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize(("miles", "share"), [(1, 0.481), (2, 0.731)])
def test_near_a_pharmacy_the_points_flatter(con, miles: int, share: float) -> None:
    """Berenbrok 2022: 48.1 and 73.1 % within 1 and 2 miles. A pharmacy at the point of its ZIP is 0 miles from its people."""
    assert share < within(con, miles) < 0.85


def test_keystone_pharmacies_as_in_the_prototype(con) -> None:
    """Deserts 4.5: 11.5 % of the nation depend on one site by the 1, 2 and 10 mile rule; published 8.9 % by travel time."""
    [[share]] = rows(
        con,
        "select (select sum(population) from facts.keystone where standard_id = 'USC_NCPA') / sum(population) from core.zcta",
    )
    assert share == pytest.approx(0.115, abs=0.02)


def test_limits_come_from_cms_nearly_everywhere(con) -> None:
    """A county's own limits, else the base by county type; Connecticut's counties are those of 2020 here."""
    found = dict(
        rows(
            con,
            "select coalesce(limit_source, 'none'), count(*) / (select count(*) from facts.access where standard_id = 'HSD_2026') "
            "from facts.access where standard_id = 'HSD_2026' group by all",
        )
    )
    assert found["county"] > 0.995
    assert found.get("none", 0) < 0.002
    assert rows(
        con,
        "select distinct limit_source from facts.access where standard_id = 'HSD_2026' and county_fips similar to '09[0-9]{3}'",
    ) == [("county",)]


def test_most_base_limits_are_the_county_s_own(con) -> None:
    """Deserts 0: 5.4 % of CMS's cells are looser than the base table, none stricter."""
    [[looser, stricter]] = rows(
        con,
        "select count(*) filter (where own.max_miles > base.max_miles) / count(*), "
        "count(*) filter (where own.max_miles < base.max_miles) from raw.adequacy_standard as own inner join "
        f"(select county_fips_by_name as county_fips, any_value(county_type) as county_type from {read('types')} group by all) "
        "as counties using (county_fips) inner join raw.adequacy_base as base on base.service = own.service "
        "and base.area_class = counties.county_type",
    )
    assert looser == pytest.approx(0.054, abs=0.02)
    assert stricter == 0


@pytest.mark.parametrize("zcta", ["00601", "02138", "99546", "96813", "96799", "59011", "10001"])
def test_the_nearest_is_that_of_every_distance(con, zcta: str) -> None:
    """Puerto Rico, lost zeros, Adak, Honolulu and what has few neighbours, against the haversine formula over all sites."""
    [[latitude, longitude]] = rows(con, f"select latitude, longitude from core.zcta where zcta = '{zcta}'") or [
        [None, None]
    ]
    if latitude is None:
        pytest.skip(f"{zcta} is no ZCTA of the file")
    every = []
    for npi, lat, lon in rows(con, "select npi, latitude, longitude from core.site where is_supply"):
        a, b = math.radians(latitude), math.radians(lat)
        h = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(lon - longitude) / 2) ** 2
        every.append((round(2 * 3958.7613 * math.asin(math.sqrt(h)) * 1000), npi))
    every.sort()
    found = rows(
        con,
        "select cast(miles * 1000 as bigint), npi from facts.nearest_site inner join core.zcta using (zcta_key) "
        f"inner join core.site on nearest_site.supplier_key = site.site_row where zcta = '{zcta}' order by place",
    )
    assert found == every[:6]
    [[reach, providers]] = rows(
        con,
        f"select cast(reach_miles * 1000 as bigint), provider_count from facts.access where zcta = '{zcta}' and standard_id = 'PART_D'",
    )
    assert providers == (None if reach is None else sum(distance <= reach for distance, _ in every))


def test_accessibility_divides_what_can_be_reached(con) -> None:
    """Deserts 4.4: 1.267 of 1.292 pharmacies per 10,000 people arrive; the rest has nobody within reach."""
    [[arrived, supply]] = rows(
        con,
        "select sum(accessibility * population) / sum(population), 10000 * sum(supply) / sum(population) "
        "from facts.accessibility inner join core.zcta using (zcta)",
    )
    assert float(supply) == pytest.approx(1.23, abs=0.07)
    assert 0.97 < float(arrived) / float(supply) <= 1


def test_the_page_says_what_the_files_give(found: Found) -> None:
    assert PAGE.read_text(encoding="utf-8") == page(found), "`make access-check` rewrites docs/access-check.md"
