"""Pregnancies, ends, losses and doubts, against a second reading of the rules in plain Python (`tests/reference`)."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta

import duckdb
import pytest

from tests.properties.histories import insert
from tests.reference.pregnancy import DOUBTS, OUTCOMES, POSTPARTUM, Claim, read
from tests.story import build_models, empty_warehouse

MEMBERS = 1200
AS_OF = date(2026, 6, 18)
BIRTHS = ("Z370", "Z370", "O80", "59409", "Z379", "Z371", "O364XX0", "Z373")
EARLY_LOSSES = ("O039", "O021", "59820", "O045", "Z332", "O0090", "O019")
UNTIMED = ("Z331", "Z3201", "Z3490", "O139")
EXAMINATIONS = ("76813", "76811", "J2790", "O480")
CLAIM_COLUMNS = (
    "person_id", "claim_id", "claim_line_number", "claim_type", "claim_start_date", "place_of_service_code",
    "diagnosis_code_1", "hcpcs_code", "claim_status",
)  # fmt: skip


def life(draw: random.Random, number: int) -> list[Claim]:
    """A pregnancy or a few in a row: coded well or badly, seen often or seldom, ended or not, some claims unpaid."""
    claims: list[Claim] = []

    def add(day: date, code: str, *, paid: bool = True, laboratory: bool = False) -> None:
        claims.append(Claim(f"{number:05}-{len(claims):03}", day, code, paid, laboratory))

    begun = draw.choice(((20, 320), (80, 290), (275, 310), (320, 700)))
    lmps = [AS_OF - timedelta(days=draw.randint(*begun))]
    for lmp in lmps:
        length = draw.choice((280, 274, 290, 60, 80, 100, 150, 230, None, None, None))
        last = min(lmp + timedelta(days=length or 330), AS_OF + timedelta(days=2))
        visits(draw, add, lmp, last)
        end = lmp + timedelta(days=length or 999)
        if end <= AS_OF + timedelta(days=1):
            ends = BIRTHS if (end - lmp).days > 140 else EARLY_LOSSES
            add(end, draw.choice(ends), paid=draw.random() > 0.05)
            if draw.random() < 0.5:
                late = draw.choice((0, 1, 2, 10, 27, 28, 29, 40, 56, 60, 70))
                add(end + timedelta(days=late), draw.choice((*ends, "Z3A39", "Z3A12", "Z331")))
            if draw.random() < 0.4:
                add(end + timedelta(days=draw.choice((1, 20, 45))), draw.choice(sorted(POSTPARTUM)))
            if draw.random() < 0.7 and len(lmps) < 3:
                lmps.append(end + timedelta(days=draw.choice((5, 13, 14, 15, 27, 28, 29, 60, 120))))
        for codes, chance, latest in ((DOUBTS, 0.12, 200), (POSTPARTUM, 0.04, 200), (OUTCOMES, 0.06, 300)):
            if draw.random() < chance:
                day = AS_OF - timedelta(days=draw.randint(0, latest))
                add(day, draw.choice(sorted(codes)), paid=draw.random() > 0.3)
    return claims


def visits(draw: random.Random, add, lmp: date, last: date) -> None:
    """Visits until the pregnancy ends: mostly dated weeks, or mostly trimesters; weeks that err now and then."""
    errors = draw.choice(((0, 0, 0, 0, 0, -7, 5, 14, 15, -20, 29, 57, -60), (0, 0, 0, -3, 3, 7)))
    trimesters, untimed = draw.choice(((0.2, 0.3), (0.2, 0.3), (0.2, 0.3), (0.8, 0.95)))
    pauses = draw.choice(((7, 14, 21, 28), (3, 5, 7), (20, 35, 43), (36, 60, 90)))
    day = lmp + timedelta(days=draw.randint(25, 90))
    while day < last:
        age = (day - lmp).days + draw.choice(errors)
        chance = draw.random()
        if chance < trimesters:
            code = "O0991" if age < 98 else "Z3492" if age < 196 else "O09523"
        elif chance < untimed:
            code = draw.choice(UNTIMED)
        elif chance < untimed + 0.04:
            code = draw.choice(EXAMINATIONS)
        else:
            code = "Z3A01" if age < 56 else f"Z3A{age // 7:02}" if age < 301 else "Z3A49"
        laboratory = draw.random() < 0.05 and code not in EXAMINATIONS
        add(day, code, paid=draw.random() > 0.07, laboratory=laboratory)
        day += timedelta(days=draw.choice(pauses))


def row(person_id: str, claim: Claim) -> tuple[object, ...]:
    is_service = claim.code[0].isdigit() or claim.code == "J2790"
    return (
        person_id, claim.claim_id, 1, "professional", claim.day, "81" if claim.laboratory else "11",
        None if is_service else claim.code, claim.code if is_service else None, None if claim.paid else "denied",
    )  # fmt: skip


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with empty_warehouse() as connection:
        yield connection


@pytest.mark.parametrize("seed", [20260618])
def test_the_sql_reads_claims_as_the_rules_say(con, seed):
    """Maternal 1.2 to 1.8: outcomes, L1 with L4, L3, status, tier and LMP of thousands of random lives."""
    draw = random.Random(seed)
    people = {f"P{number:05}": life(draw, number) for number in range(MEMBERS)}
    insert(
        con, "medical_claim", CLAIM_COLUMNS, [row(person, claim) for person, lived in people.items() for claim in lived]
    )
    columns = ("person_id", "birth_date", "gender", "enrollment_start_date")
    insert(con, "eligibility", columns, [(p, date(1994, 1, 1), "female", date(2018, 1, 1)) for p in people])
    build_models(con, ["facts.pregnancy"], AS_OF)

    found = defaultdict(lambda: {"ended": [], "losses": {}, "doubts": {}, "open": (None, None, None)})
    query = "select person_id, outcome, end_date from facts.pregnancy_outcome inner join core.member using (member_key) order by end_date"
    for person, outcome, day in con.execute(query).fetchall():
        found[person]["ended"].append((outcome, day))
    query = "select person_id, rule, trigger_date, released_by is not null from facts.suppression inner join core.member using (member_key)"
    for person, rule, day, is_lifted in con.execute(query).fetchall():
        found[person]["losses" if rule == "L1" else "doubts"][day] = is_lifted
    query = """
        select distinct person_id, status, tier, case when status <> 'suppressed' then lmp_date end
        from facts.pregnancy
        inner join core.member using (member_key)
        where end_date is null or status = 'suppressed'
    """
    for person, *state in con.execute(query).fetchall():
        found[person]["open"] = tuple(state)

    expected = {}
    for person, lived in people.items():
        reading = read(lived, AS_OF)
        expected[person] = {
            "ended": [(ended.outcome, ended.day) for ended in reading.ended],
            "losses": reading.losses,
            "doubts": reading.doubts,
            "open": (reading.status, reading.tier, reading.lmp),
        }
    assert {person: (seen, found[person]) for person, seen in expected.items() if seen != found[person]} == {}
    # Every answer occurs, so that agreement means something.
    answers = {seen["open"][:2] for seen in expected.values()}
    told = {(status, tier) for status in ("current", "stale") for tier in "ABCX"}
    assert answers >= told | {("overdue", "A"), ("outcome_unknown", None), ("suppressed", None), (None, None)}
    assert {lifted for seen in expected.values() for lifted in seen["losses"].values()} == {True, False}
    assert {lifted for seen in expected.values() for lifted in seen["doubts"].values()} == {True, False}
