"""What-if: closures that are asked for, against distances worked out anew without the sites that close."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest

from assets.engine.whatif import effect_of_closing, members_to_call
from tests.stories.test_access import area, areas, north, only
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
        f"{n:05} | {lat:.4f} | {lon:.4f} | 5000 | 10 | yes"
        for n, (lat, lon) in enumerate(rng.uniform(0, 1, (AREAS, 2)))
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


# Members to call ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def towns() -> duckdb.DuckDBPyConnection:
    """Two towns of 500 per square mile, where 15 miles are the limit; a and b serve the first, c the second."""
    con = empty_warehouse()
    give(con, "raw.adequacy_base", only("retail_pharmacy", standard="PART_D"))
    give(con, "raw.zcta", areas(area("00001", 0, 500), area("00002", 1, 700)))
    give(
        con,
        "raw.pharmacy",
        f"""
        npi | latitude    | longitude | closed_date
        a   | {north(1)}  | 0         | 2026-08-15
        b   | {north(16)} | 0         | -
        c   | {north(2)}  | 1         | -
        """,
    )
    people = ("ann", "bob", "cal", "dee", "eve", "fay", "gus", "hal")
    give(
        con,
        "raw.eligibility",
        "person_id | zip_code | phone | enrollment_start_date | death_date | hospice_flag\n"
        + "\n".join(
            f"{name} | {'00002' if name == 'eve' else '00001'} | 5125550100 | 2026-01-01 | "
            f"{'2026-06-30' if name == 'fay' else '-'} | {'yes' if name == 'gus' else '-'}"
            for name in people
        ),
    )
    give(
        con,
        "raw.member_preference",
        """
        person_id | do_not_contact | restricted_channels
        bob       | no             | sms;phone
        dee       | yes            | -
        """,
    )
    # Consent to calls that is over.
    give(con, "raw.member_consent", "person_id | scope | valid_from | valid_to\nhal | phone | 2025-01-01 | 2026-06-29")
    give(
        con,
        "raw.pharmacy_claim",
        """
        person_id | dispensing_provider_npi | dispensing_date | days_supply
        # Runs out on the day before the others; two of three fills are there.
        ann       | a                       | 2026-04-20      | 30
        ann       | b                       | 2026-05-20      | 30
        ann       | a                       | 2026-06-10      | 30
        bob       | a                       | 2026-06-25      | 30
        cal       | b                       | 2026-06-25      | 30
        dee       | a                       | 2026-06-01      | 30
        eve       | a                       | 2026-06-11      | 30
        fay       | a                       | 2026-06-01      | 30
        gus       | a                       | 2026-06-01      | 30
        # Nothing is supplied any more, and where they went is where they would go.
        hal       | a                       | 2026-03-01      | 30
        """,
    )
    build_models(
        con,
        ["facts.closure_effect", "facts.pharmacy_need", "outreach.contact_block", "outreach.contact_channel"],
        AS_OF,
    )
    return con


def called(con: duckdb.DuckDBPyConnection, *closed: str) -> list[dict]:
    params = parameters(AS_OF)
    return members_to_call(con, closed, effect_of_closing(con, closed, params), params).to_pylist()


def test_whoever_runs_out_first_is_called_first(towns):
    """Deserts 4.2: ranked by run-out. 30 days from 10, 11 and 25 June end on 9, 10 and 24 July; no supply comes last."""
    rows = called(towns, "a")
    assert [(r["call_rank"], r["person_id"], str(r["supply_end_date"])) for r in rows] == [
        (1, "ann", "2026-07-09"),
        (2, "eve", "2026-07-10"),
        (3, "bob", "2026-07-24"),
        (4, "hal", "None"),
    ]


def test_the_call_list_says_where_they_can_go_instead(towns):
    """From the first town b is next, 16 miles away and too far; the second has its own pharmacy, which stays.

    A degree is 69.0934 miles: from the second town a is at the root of 69.0934 and 1 squared.
    """
    rows = {r["person_id"]: r for r in called(towns, "a")}
    assert {
        name: (str(r["before_miles"]), r["after_npi"], str(r["after_miles"]), r["is_new_desert"])
        for name, r in rows.items()
    } == {
        "ann": ("1.000", "b", "16.000", True),
        "bob": ("1.000", "b", "16.000", True),
        "eve": ("69.101", "c", "2.000", False),
        "hal": ("1.000", "b", "16.000", True),
    }
    assert {str(r["closing_date"]) for r in rows.values()} == {"2026-08-15"}


def test_a_phone_that_may_not_be_called_is_blank(towns):
    """Rule 6.2: as on lists, a number that the member restricted, or whose consent is over."""
    rows = {r["person_id"]: r["phone"] for r in called(towns, "a")}
    assert rows == {"ann": "5125550100", "bob": None, "eve": "5125550100", "hal": None}


def test_a_phone_that_was_reported_wrong_is_blank(towns):
    """Rule 6.7: a number that is wrong is not called; the member stays on the call list."""
    towns.execute("begin")
    towns.execute("update outreach.contact_channel set is_wrong_number = true, is_phone_usable = false")
    rows = {r["person_id"]: r["phone"] for r in called(towns, "a")}
    towns.execute("rollback")
    assert rows == dict.fromkeys(("ann", "bob", "eve", "hal"))


def test_only_the_pharmacies_that_are_asked_for_close(towns):
    """The closing date of a is in the data, and is left out of a question about b."""
    assert [(r["person_id"], r["closing_date"], r["after_npi"]) for r in called(towns, "b")] == [("cal", None, "a")]
    assert [r["person_id"] for r in called(towns, "a", "b")] == ["ann", "eve", "bob", "cal", "hal"]
    assert called(towns, "c") == []
    assert called(towns, "1999999999") == []
