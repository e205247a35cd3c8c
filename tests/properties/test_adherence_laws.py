"""Laws of adherence over thousands of random histories, each example many members in one build.

Members do not touch each other, so the member with the fewest rows that breaks a law is the counterexample.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from assets.engine.contract import all_contracts, contract_for
from assets.engine.families import all_models
from assets.engine.publish import order_of
from assets.engine.registry import load_registry
from assets.engine.warehouse import violations
from tests.properties.histories import (
    BILL_COLUMNS,
    CLAIM_COLUMNS,
    SINGLES,
    delivered_bills,
    delivered_claims,
    histories,
    insert,
    load,
    regimens,
)
from tests.reference.day_by_day import CMS, Fill, History, Result, Rules, measure
from tests.story import build_models, empty_warehouse

MEMBERS = 200
PEOPLE = [(f"P{number}", date(1960, 1, 1), date(2020, 1, 1)) for number in range(6)]
NETTED = ("core.fill", "core.medical_line", "core.stay", "core.set_apart")
DOOR_TABLES = ("reconciliation", "input_profile")
ADHERENCE = "outreach.adherence"

# Every year rule, leap years among them, and dates on both sides of what the rules ask of a date.
AS_OF_DATES = st.sampled_from(
    [date(y, m, d) for y in (2020, 2023, 2024, 2025, 2026) for m, d in ((12, 31), (10, 2), (6, 30), (3, 31), (2, 28))]
    + [date(2024, 2, 29), date(2025, 1, 1), date(2026, 1, 1)]
)
MIDYEARS = st.sampled_from([date(2025, 8, 15), date(2024, 7, 1), date(2026, 6, 30)])
YEARS_OF_STAYS = st.sampled_from([date(2025, 12, 31), date(2025, 8, 15), date(2024, 12, 31), date(2024, 7, 1)])

OTHER_RULES = st.sampled_from(
    [
        Rules(threshold_percent=90, min_ingredients=3),
        Rules(threshold_percent=90, min_ingredients=2),
        Rules(min_ingredients=4),
        Rules(min_supplied_days=56),
        Rules(min_supplied_days=60, min_span_days=180),
        Rules(min_ingredients=2, min_supplied_days=150, min_span_days=60),
    ]
)

SEEDS = st.integers(0, 2**32 - 1)

laws = settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),  # a smaller seed is no smaller history
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

few_laws = settings(laws, max_examples=4)


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """One warehouse for the module; every example replaces all raw rows and builds anew."""
    with empty_warehouse() as connection:
        yield connection


def adherence_rows(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, Any]]:
    """Published rows of the diabetes measure by person."""
    cursor = con.execute(f"select * from {ADHERENCE} where measure_id = 'pdc_diabetes'")
    names = [d[0] for d in cursor.description]
    rows = (dict(zip(names, row, strict=True)) for row in cursor.fetchall())
    return {row["person_id"]: row for row in rows}


def ratio(part: int | None, whole: int) -> Fraction | None:
    """A share as published: four decimals, half up."""
    if part is None or whole == 0:
        return None
    return Fraction(int(Fraction(part, whole) * 10_000 + Fraction(1, 2)), 10_000)


def as_published(result: Result) -> dict[str, Any]:
    """The reference's result under the published column names."""
    return {
        "exclusion_reason": result.exclusion_reason,
        "is_eligible": result.exclusion_reason is None,
        "index_date": result.index_date,
        "treatment_end_date": result.treatment_end_date,
        "fill_date_count": result.fill_date_count,
        "treatment_days": result.treatment_days,
        "covered_days": result.covered_days,
        "pdc": ratio(result.covered_days, result.treatment_days),
        "is_adherent": result.is_adherent,
        "full_treatment_days": result.full_treatment_days,
        "allowed_missed_days": result.allowed_missed_days,
        "missed_days": result.missed_days,
        "remaining_missed_days": result.remaining_missed_days,
        "is_reachable": result.is_reachable,
        "projected_pdc": ratio(result.projected_days, result.full_treatment_days),
        "best_possible_pdc": ratio(result.best_possible_days, result.full_treatment_days),
        "covered_through_date": result.covered_through_date,
        "refill_due_date": result.refill_due_date,
        "days_late": result.days_late,
        "last_impactable_date": result.last_impactable_date,
        "member_years": None
        if result.member_years is None
        else ratio(result.member_years.numerator, result.member_years.denominator),
    }


def compare(members: list[History], found: dict[str, dict[str, Any]], as_of: date, rules: Rules = CMS) -> None:
    """Every member's row equals the reference; the shortest history that does not is told."""
    worst: tuple[int, str] | None = None
    for member in members:
        result = measure(member, as_of, rules)
        if result is None:
            continue
        expected, row = as_published(result), found.get(member.person_id)
        if row is None:
            wrong = "found no row"
        else:
            wrong = "\n".join(
                f"  {name}: expected {value}, got {row[name]}"
                for name, value in expected.items()
                if (None if row[name] is None else Fraction(row[name]) if isinstance(value, Fraction) else row[name])
                != value
            )
        size = len(member.fills) + len(member.spans) + len(member.stays)
        if wrong and (worst is None or size < worst[0]):
            worst = (size, f"as of {as_of}, {rules}\n{member}\n{wrong}")
    if worst:
        raise AssertionError(worst[1])


def published(con: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, bytes]:
    """Every outreach table as the bytes of a Parquet file, in the order in which a night publishes it."""
    found = {}
    for contract in all_contracts("outreach"):
        path = folder / f"{contract.id}.parquet"
        order = ", ".join(f"{column} nulls first" for column in order_of(contract))
        con.execute(f"copy (from {contract.id} order by {order}) to '{path}' (format parquet)")
        found[contract.id] = path.read_bytes()
    return found


@laws
@given(seed=SEEDS, as_of=AS_OF_DATES)
def test_adherence_equals_the_count_day_by_day(con, seed, as_of):
    """Domain sections 1.2 to 1.6 and 4, against `tests/reference/day_by_day.py`."""
    members = histories(seed, MEMBERS, as_of)
    load(con, members)
    build_models(con, [ADHERENCE], as_of)
    compare(members, adherence_rows(con), as_of)


@laws
@given(seed=SEEDS, as_of=YEARS_OF_STAYS)
def test_stays_are_counted_day_by_day(con, seed, as_of):
    """Domain rule 1.6: everyone has a stay or several."""
    members = [m for m in histories(seed, 3 * MEMBERS, as_of) if m.stays]
    load(con, members)
    build_models(con, [ADHERENCE], as_of)
    compare(members, adherence_rows(con), as_of)


@contextmanager
def asked_of_diabetes_drugs(con: duckdb.DuckDBPyConnection, rules: Rules) -> Iterator[None]:
    """The diabetes measure with the rules of another: it has the drugs and combinations of the histories."""
    told = ", ".join(f"{name} = ?" for name in asdict(rules))
    con.execute(f"update raw.measure set {told} where measure_id = 'pdc_diabetes'", list(asdict(rules).values()))
    try:
        yield
    finally:
        load_registry(con, "measure", None)


@laws
@given(seed=SEEDS, as_of=AS_OF_DATES, rules=OTHER_RULES)
def test_what_other_measures_ask_for_is_counted_day_by_day(con, seed, as_of, rules):
    """Domain section 2: days with several ingredients, summed days, the span between fills, 90 %."""
    members = regimens(seed, MEMBERS, as_of)
    load(con, members)
    with asked_of_diabetes_drugs(con, rules):
        build_models(con, [ADHERENCE], as_of)
    found = adherence_rows(con)
    compare(members, found, as_of, rules)
    assert any(row["is_eligible"] and row["covered_days"] for row in found.values()) or as_of.month < 4


@laws
@given(seed=SEEDS, as_of=AS_OF_DATES)
def test_covered_days_lie_between_nothing_and_everything(con, seed, as_of):
    """Domain pitfall 19: 0 <= covered <= treatment <= full treatment days; best case >= no more fills."""
    load(con, histories(seed, MEMBERS, as_of))
    build_models(con, [ADHERENCE], as_of)
    assert con.execute(f"select count(*) > {MEMBERS // 4} from {ADHERENCE}").fetchall() == [(True,)]
    broken = con.execute(
        f"""
        select * from {ADHERENCE}
        where covered_days not between 0 and treatment_days
        or treatment_days not between 0 and full_treatment_days
        or pdc not between 0 and 1
        or projected_pdc not between 0 and best_possible_pdc
        or best_possible_pdc > 1
        or missed_days not between 0 and treatment_days
        or days_late < 0
        or (is_eligible <> (exclusion_reason is null))
        """
    ).fetchall()
    assert broken == []


@laws
@given(seed=SEEDS, as_of=AS_OF_DATES.filter(lambda day: day.year >= 2024))
def test_another_fill_never_lowers_covered_days(con, seed, as_of):
    """Another fill, whenever it was, can only cover more. Through 2023 it can move the row to another episode."""
    members = histories(seed, MEMBERS, as_of)
    load(con, members)
    build_models(con, [ADHERENCE], as_of)
    before = adherence_rows(con)
    draw = random.Random(seed)
    first = date(as_of.year, 1, 1)
    richer = [
        replace(
            m,
            fills=(
                *m.fills,
                Fill(
                    first + timedelta(days=draw.randint(0, (as_of - first).days)),
                    f"{m.person_id}-{draw.choice(('0', '9'))}new",
                    draw.choice((*SINGLES, m.fills[0].product)),
                    draw.choice((1, 30, 90)),
                ),
            ),
        )
        for m in members
    ]
    load(con, richer)
    build_models(con, [ADHERENCE], as_of)
    after = adherence_rows(con)
    assert before.keys() <= after.keys()
    lower = {
        person: (row["covered_days"], after[person]["covered_days"])
        for person, row in before.items()
        if row["covered_days"] is not None and row["covered_days"] > (after[person]["covered_days"] or 0)
    }
    assert lower == {}


@few_laws
@given(seed=SEEDS, as_of=MIDYEARS)
def test_the_order_of_rows_and_a_second_build_change_no_byte(con, seed, as_of, tmp_path_factory):
    """Interface 3.1: the same input in any order gives byte-identical Parquet."""
    members = histories(seed, MEMBERS, as_of)
    targets = [m.name for m in all_models() if m.key[0] == "outreach"]
    folder = tmp_path_factory.mktemp("published")
    load(con, members)
    build_models(con, targets, as_of)
    once = published(con, folder)
    assert con.execute("select count(*) > 0 from outreach.worklist").fetchall() == [(True,)]
    build_models(con, targets, as_of)
    assert [name for name, bytes_ in published(con, folder).items() if bytes_ != once[name]] == []
    load(con, members, shuffle=random.Random(seed))
    build_models(con, targets, as_of)
    assert [name for name, bytes_ in published(con, folder).items() if bytes_ != once[name]] == []


@few_laws
@given(seed=SEEDS, as_of=YEARS_OF_STAYS)
def test_every_built_table_keeps_its_contract(con, seed, as_of):
    """Columns, types, nulls, bounds and grain of every table, on lives that break every rule."""
    load(con, histories(seed, MEMBERS, as_of))
    build_models(con, [m.name for m in all_models()], as_of)
    broken = {m.name: violations(con, contract_for(*m.key)) for m in all_models()}
    # Nothing was read at the door, so what it counted is not there to reconcile.
    assert {name: rules for name, rules in broken.items() if rules and not name.endswith(DOOR_TABLES)} == {}


def deliver(con: duckdb.DuckDBPyConnection, seed: int, shuffle: random.Random | None = None) -> None:
    """Put random deliveries of a few claims into the raw tables, in their own order or in any, and net them."""
    claims, bills = delivered_claims(seed, 300), delivered_bills(seed, 300)
    if shuffle:
        shuffle.shuffle(claims)
        shuffle.shuffle(bills)
    insert(con, "drug", ("ndc_code", "ingredients"), [(d, d) for d in SINGLES])
    insert(con, "eligibility", ("person_id", "birth_date", "enrollment_start_date"), PEOPLE)
    insert(con, "pharmacy_claim", CLAIM_COLUMNS, claims)
    insert(con, "medical_claim", BILL_COLUMNS, bills)
    build_models(con, NETTED, "2025-06-30")


@few_laws
@given(seed=SEEDS)
def test_the_order_of_delivery_changes_nothing_that_stands(con, seed):
    """Interface 2.1: versions, copies and reversals are told apart by their values, never by their place in a file."""
    stands = []
    for shuffle in (None, random.Random(seed)):
        deliver(con, seed, shuffle)
        # A table lies in the order of members at best; what stands in it is the law.
        stands.append({table: con.execute(f"select * from {table} order by all").fetchall() for table in NETTED})
    assert stands[0] == stands[1]
    assert all(stands[0].values())


def test_every_pharmacy_claim_is_in_one_bucket(con):
    """Interface 2.1: read = accepted + rejected + duplicate + netted, so that no row falls twice."""
    every_row_falls_once(con, "pharmacy_claim")


def test_every_medical_claim_is_in_one_bucket(con):
    """Interface 2.1: the same of medical claims."""
    every_row_falls_once(con, "medical_claim")


def every_row_falls_once(con: duckdb.DuckDBPyConnection, table: str) -> None:
    """Over many deliveries, each removed row is there, and once; every bucket is met."""
    buckets = set()
    for seed in range(8):
        deliver(con, seed)
        twice = con.execute(f"select row_id from core.{table}_removed group by row_id having count(*) > 1").fetchall()
        assert twice == [], seed
        unknown = f"select row_id from core.{table}_removed where row_id not in (select row_id from raw.{table})"
        assert con.execute(unknown).fetchall() == [], seed
        buckets |= {b for (b,) in con.execute(f"select distinct bucket from core.{table}_removed").fetchall()}
    assert buckets == {"netted", "duplicate", "rejected"}
