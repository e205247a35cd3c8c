"""What-if: closures that are asked for, against distances worked out anew without the sites that close."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest

from assets.engine.whatif import effect_of_closing
from tests.stories.test_access import only
from tests.story import build_models, empty_warehouse, give, parameters

AS_OF = "2026-06-30"
AREAS, PHARMACIES = 40, 60


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    """Areas and pharmacies on a small map; pharmacies 0 to 9 stand together, far from the others."""
    rng = np.random.default_rng(11)
    con = empty_warehouse()
    give(con, "raw.adequacy_base", only("retail_pharmacy", standard="PART_D"))
    rows = [
        f"{n:05} | {lat:.4f} | {lon:.4f} | 5000 | 10 | yes" for n, (lat, lon) in enumerate(rng.uniform(0, 1, (AREAS, 2)))
    ]
    far = "99999 | 5 | 5 | 800 | 10 | no"
    give(con, "raw.zcta", "\n".join(["zcta | latitude | longitude | population | land_sq_mi | low_income", *rows, far]))
    places = np.concatenate([rng.uniform(5, 5.05, (10, 2)), rng.uniform(0, 1, (PHARMACIES - 10, 2))])
    rows = [f"{npi(n)} | {lat:.4f} | {lon:.4f}" for n, (lat, lon) in enumerate(places)]
    give(con, "raw.pharmacy", "\n".join(["npi | latitude | longitude", *rows]))
    give(con, "raw.eligibility", "person_id | zip_code | enrollment_start_date\nann | 00003 | 2026-01-01")
    build_models(con, ["facts.closure_effect"], AS_OF)
    return con


def npi(number: int) -> str:
    return f"{1_000_000_000 + number}"


def effect(con: duckdb.DuckDBPyConnection, closed: list[str]) -> dict[str, dict]:
    rows = effect_of_closing(con, closed, parameters(AS_OF)).to_pylist()
    return {row["zcta"]: row for row in rows}


def distances(con: duckdb.DuckDBPyConnection, closed: list[str]) -> dict[str, tuple]:
    """The nearest pharmacy that stays open and its miles, by ZCTA, from every distance in SQL."""
    rows = con.execute(
        "select zcta.zcta, npi, round(2 * 3958.7613 * asin(sqrt(power(sin(radians(site.latitude - zcta.latitude) / 2), 2) "
        "+ cos(radians(site.latitude)) * cos(radians(zcta.latitude)) "
        "* power(sin(radians(site.longitude - zcta.longitude) / 2), 2))), 3) as miles "
        "from core.zcta cross join core.site where npi not in (select unnest(?)) "
        "qualify row_number() over (partition by zcta.zcta order by miles, npi) = 1",
        [closed],
    ).fetchall()
    return {zcta: (npi, miles) for zcta, npi, miles in rows}


@pytest.mark.parametrize("count", [1, 7, 30, 45])
def test_the_next_one_is_the_nearest_that_stays_open(con, count):
    rng = np.random.default_rng(count)
    closed = sorted(npi(n) for n in 10 + rng.permutation(PHARMACIES - 10)[:count])
    before, after = distances(con, []), distances(con, closed)
    found = effect(con, closed)
    assert set(found) == {zcta for zcta, (nearest, _) in before.items() if nearest in closed}
    for zcta, row in found.items():
        assert (row["before_npi"], float(row["before_miles"])) == before[zcta]
        assert (row["after_npi"], float(row["after_miles"])) == after[zcta]
        # 500 people per square mile: 15 miles.
        assert row["is_desert_after"] == (after[zcta][1] > 15)
        assert row["is_new_desert"] == (after[zcta][1] > 15 >= before[zcta][1])
        assert row["member_count"] == (zcta == "00003")


def test_where_all_six_close_the_seventh_is_found(con):
    closed = [npi(n) for n in range(9)]
    [row] = effect(con, closed).values()
    assert (row["zcta"], row["after_npi"]) == ("99999", npi(9))
    assert not row["is_new_desert"]
    [row] = effect(con, [npi(n) for n in range(10)]).values()
    assert row["after_npi"] == distances(con, [npi(n) for n in range(10)])["99999"][0]
    assert row["after_miles"] > 15
    assert row["is_new_desert"]


def test_where_all_close_everyone_is_too_far(con):
    rows = effect(con, [npi(n) for n in range(PHARMACIES)])
    assert len(rows) == AREAS + 1
    assert all(r["after_npi"] is None and r["is_desert_after"] for r in rows.values())


@pytest.mark.parametrize("closed", [[], ["1999999999"]])
def test_closing_nobody_changes_nothing(con, closed):
    assert effect(con, closed) == {}


def test_nothing_is_written_but_what_is_temporary(con):
    tables = "select table_schema, table_name from information_schema.tables order by all"
    before = con.execute(tables).fetchall()
    effect(con, [npi(1), npi(1), npi(2)])
    assert con.execute(tables).fetchall() == before


def test_a_warehouse_opened_for_reading_will_do(con, tmp_path):
    path = tmp_path / "warehouse.duckdb"
    con.execute(f"attach '{path}' as copy")
    con.execute("copy from database memory to copy; detach copy")
    with duckdb.connect(str(path), read_only=True) as reader:
        assert effect(reader, [npi(11)]) == effect(con, [npi(11)])
