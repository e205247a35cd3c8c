"""Who works with whom, told as small plans (specialty 4.2: licence, then language, therapy area, prior relationship, load).

Costs are worked out by hand: 400 for an interpreter, 200 for an area that is not covered, 100 for a stranger or 50 for
a pharmacist of the pharmacy whose list it is, and up to 40 for the share of places that are taken.
"""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa

from assets.engine import assign
from assets.engine.assign import Pharmacist, load_cost, plan
from assets.engine.contract import contract_for

COLUMNS = contract_for("outreach", "assignment_case").columns
SCHEMA = pa.schema(
    [(name, {"score": pa.decimal128(9, 4), "due_date": pa.date32()}.get(name, pa.string())) for name in COLUMNS]
)


def case(person: str, **other) -> dict:
    usual = {
        "gap_id": person, "person_id": person, "state": "TX", "language": "en", "gap_family": "specialty",
        "gap_code": "SP_LATE_REFILL", "therapy_areas": None, "pharmacy_npi": "1", "priority_band": "high",
        "score": Decimal(20), "due_date": None,
    }  # fmt: skip
    return usual | other


def cases(*rows: dict) -> pa.Table:
    return pa.Table.from_pylist(list(rows), SCHEMA)


def pharmacist(name: str, places: int = 10, states: str = "TX", **other) -> Pharmacist:
    lists = {key: frozenset(value.split()) if isinstance(value, str) else value for key, value in other.items()}
    return Pharmacist(name, frozenset(states.split()), places, **lists)


def who(table: pa.Table) -> dict[str, str | None]:
    """Case -> pharmacist, or the reason why there is none."""
    return {row["gap_id"]: row["pharmacist_id"] or row["unassigned_reason"] for row in table.to_pylist()}


def row(table: pa.Table, gap_id: str) -> dict:
    [found] = [r for r in table.to_pylist() if r["gap_id"] == gap_id]
    return found


def test_a_licence_in_the_state_of_the_member_is_a_must() -> None:
    """However well all else fits: the one from Oklahoma knows the member, the area and the pharmacy."""
    best = pharmacist("ok", states="OK", therapy_areas="oncology", pharmacies="1")
    result = plan(cases(case("ann", therapy_areas="oncology")), [best, pharmacist("tx")], {("ann", "ok")})
    assert who(result) == {"ann": "tx"}
    assert who(plan(cases(case("ann")), [best])) == {"ann": "no_licence"}
    assert row(plan(cases(case("ann")), [best]), "ann")["explanation"] == (
        "No pharmacist of the file is licensed in TX."
    )


def test_a_member_whose_state_nobody_knows_has_no_pharmacist() -> None:
    assert who(plan(cases(case("ann", state=None)), [pharmacist("tx")])) == {"ann": "unknown_state"}


def test_language_is_a_must_without_an_interpreter() -> None:
    spanish = cases(case("ann", language="es"))
    assert who(plan(spanish, [pharmacist("a"), pharmacist("b", languages="en es")])) == {"ann": "b"}
    assert who(plan(spanish, [pharmacist("a")])) == {"ann": "no_language"}
    with_help = plan(spanish, [pharmacist("a", has_interpreter=True)])
    assert who(with_help) == {"ann": "a"}
    assert row(with_help, "ann")["language_cost"] == 400
    assert "Needs an interpreter for es." in row(with_help, "ann")["explanation"]


def test_a_language_weighs_more_than_area_and_acquaintance_together() -> None:
    """Interpreter 400 + 0 + 0 against 0 + 200 + 100, and 39 for a full week: 400 > 339."""
    able = pharmacist("a", therapy_areas="oncology", has_interpreter=True)
    busy = pharmacist("b", 40, languages="es", accepted=frozenset(f"x{i}" for i in range(39)))
    result = plan(cases(case("ann", language="es", therapy_areas="oncology")), [able, busy], {("ann", "a")})
    assert who(result) == {"ann": "b"}
    found = row(result, "ann")
    assert [found[t] for t in (*assign.TERMS, "total_cost")] == [0, 200, 100, 39, 339]


def test_unknown_language_asks_for_none() -> None:
    result = plan(cases(case("ann", language=None)), [pharmacist("a", languages="vi")])
    assert who(result) == {"ann": "a"}
    assert "No language is on record." in row(result, "ann")["explanation"]


def test_an_area_weighs_more_than_acquaintance() -> None:
    """0 + 100 + 0 against 200 + 0 + 0. Any area of the case fits."""
    result = plan(
        cases(case("ann", therapy_areas="oncology;rheumatology")),
        [pharmacist("a"), pharmacist("b", therapy_areas="rheumatology neurology")],
        {("ann", "a")},
    )
    assert who(result) == {"ann": "b"}
    assert "Covers rheumatology." in row(result, "ann")["explanation"]


def test_who_worked_with_the_member_before_comes_before_the_pharmacy_of_the_list_and_that_before_a_stranger() -> None:
    staff = [pharmacist("a"), pharmacist("b", pharmacies="1"), pharmacist("c")]
    assert who(plan(cases(case("ann")), staff, {("ann", "c"), ("bob", "a")})) == {"ann": "c"}
    assert who(plan(cases(case("ann")), staff)) == {"ann": "b"}
    assert row(plan(cases(case("ann")), staff), "ann")["prior_cost"] == 50


def test_acquaintance_weighs_more_than_load() -> None:
    """The pharmacy of the list, 50 + 36, against a stranger with an empty week, 100."""
    busy = pharmacist("b", 10, pharmacies="1", accepted=frozenset(f"x{i}" for i in range(9)))
    assert who(plan(cases(case("ann")), [pharmacist("a"), busy])) == {"ann": "b"}


def test_equal_cases_are_spread_by_the_share_of_places_taken() -> None:
    """Places of 10 cost 0, 4, 8, ...; of 5 they cost 0, 8, 16: of six members four and two make 24 + 8 = 32."""
    result = plan(cases(*(case(name) for name in "uvwxyz")), [pharmacist("big"), pharmacist("small", 5)])
    assert sorted(who(result).values()) == ["big"] * 4 + ["small"] * 2
    assert sum(result["load_cost"].to_pylist()) == 32


def test_places_go_to_the_highest_scores_and_the_others_hear_why() -> None:
    result = plan(
        cases(case("a", score=Decimal(10)), case("b", score=Decimal("30.5")), case("c", score=Decimal(30))),
        [pharmacist("p", 2), pharmacist("none", 0)],
    )
    assert who(result) == {"a": "no_capacity", "b": "p", "c": "p"}
    assert row(result, "a")["explanation"] == (
        "Every pharmacist who could take the member has no place left: 2 places, all taken."
    )
    assert row(result, "c")["load_cost"] == 20


def test_a_high_score_does_not_push_a_member_out_who_could_be_served_beside_it() -> None:
    """First come, first served gives `a` the cheaper `both` and leaves `b` nobody."""
    staff = [pharmacist("both", 1, "TX OK", therapy_areas="mtm"), pharmacist("tx", 1)]
    rows = cases(case("a", score=Decimal(90), therapy_areas="mtm"), case("b", state="OK"))
    assert who(plan(rows, staff)) == {"a": "tx", "b": "both"}


def test_the_plan_is_optimal_where_one_by_one_is_not() -> None:
    """One by one: `a` takes p for 0, `b` is left q for 300. Together: 50 + 0."""
    staff = [
        pharmacist("p", 1, therapy_areas="oncology mtm", pharmacies="1"),
        pharmacist("q", 1, therapy_areas="oncology", pharmacies="1"),
    ]
    rows = cases(
        case("a", score=Decimal(90), therapy_areas="oncology"),
        case("b", score=Decimal(10), therapy_areas="mtm"),
    )
    result = plan(rows, staff, {("a", "p"), ("b", "p")})
    assert who(result) == {"a": "q", "b": "p"}
    assert sum(result["total_cost"].to_pylist()) == 50


def test_rows_of_a_member_go_to_one_pharmacist_and_take_one_place() -> None:
    result = plan(
        cases(
            case("ann", gap_id="g1", therapy_areas="mtm"),
            case("ann", gap_id="g2", therapy_areas="oncology"),
            case("bob", gap_id="g3"),
        ),
        [pharmacist("p", 1, therapy_areas="mtm"), pharmacist("q", 1, therapy_areas="oncology")],
    )
    assert who(result)["g1"] == who(result)["g2"] == "p"
    assert who(result)["g3"] == "q"


def test_accepted_work_stays_and_takes_its_place() -> None:
    """`bad` has no place left, no licence and no language for ann, and has accepted her row: it stays."""
    bad = pharmacist("bad", 1, "OK", accepted="ann")
    result = plan(cases(case("ann", language="vi"), case("bob", state="OK")), [bad, pharmacist("good")])
    assert who(result) == {"ann": "bad", "bob": "no_capacity"}
    assert row(result, "ann")["is_accepted"]
    assert row(result, "ann")["total_cost"] is None
    assert row(result, "ann")["explanation"] == "Accepted by this pharmacist; left as it is."


def test_another_row_of_a_member_goes_with_the_accepted_one_where_the_pharmacist_may_take_it() -> None:
    rows = cases(case("ann", gap_id="g1"), case("ann", gap_id="g2"))
    holder = pharmacist("z", 1, accepted="g1")
    result = plan(rows, [pharmacist("a", pharmacies="1"), holder])
    assert who(result) == {"g1": "z", "g2": "z"}
    assert [row(result, g)["is_accepted"] for g in ("g1", "g2")] == [True, False]
    unlicensed = pharmacist("z", 1, "OK", accepted="g1")
    assert who(plan(rows, [pharmacist("a"), unlicensed])) == {"g1": "z", "g2": "a"}


def test_what_was_accepted_of_another_night_takes_a_place_too() -> None:
    assert who(plan(cases(case("ann")), [pharmacist("a", 1, accepted="gone")])) == {"ann": "no_capacity"}


def test_a_tie_goes_by_identifier_and_the_order_of_rows_decides_nothing() -> None:
    staff = [pharmacist("b", 2), pharmacist("a", 2), pharmacist("c", 2)]
    assert who(plan(cases(case("ann")), staff)) == {"ann": "a"}
    rows = [case(name, score=Decimal(score)) for name, score in (("u", 5), ("v", 5), ("w", 7), ("x", 5), ("y", 7))]
    found = plan(cases(*rows), staff)
    for turned in (rows[::-1], rows[2:] + rows[:2]):
        assert plan(cases(*turned), staff[::-1]).equals(found)


def test_of_equal_plans_the_first_identifiers_are_taken() -> None:
    """One place, equal scores: ann before bob, whose gap comes first. Two members, four who are free: the first two."""
    rows = cases(case("bob", gap_id="g1"), case("ann", gap_id="g2"))
    assert who(plan(rows, [pharmacist("a", 1)])) == {"g1": "no_capacity", "g2": "a"}
    staff = [pharmacist(name, 1, accepted=f"x-{name}" if name == "b" else "") for name in "dcba"]
    assert set(who(plan(rows, staff)).values()) == {"a", "c"}
    staff = [pharmacist(name, 5) for name in "gfedcba"]
    rows = cases(*(case(name) for name in "tuvwxy"))
    assert sorted(who(plan(rows, staff)).values()) == list("abcdef")


def test_nothing_to_plan_is_an_empty_plan() -> None:
    assert plan(cases(), [pharmacist("a")]).num_rows == 0
    assert who(plan(cases(case("ann")), [])) == {"ann": "no_licence"}


def test_the_cost_of_load_is_the_share_that_is_taken() -> None:
    assert [load_cost(k, 3) for k in range(3)] == [0, 13, 26]
