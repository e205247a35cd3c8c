"""Random member histories, and how they become rows of the raw tables."""

from __future__ import annotations

import random
from datetime import date, timedelta

import duckdb

from tests.reference.day_by_day import Fill, History, Span, Stay

# Single-target drugs of one class, and the drug that excludes from it.
DRUGS = ("lisinopril", "losartan", "captopril")
EXCLUDING = "sacubitril-valsartan"
SUPPLIES = (1, 7, 14, 28, 30, 30, 30, 60, 90, 90, 100, 365, 366, 0, None)


def histories(seed: int, count: int, as_of: date) -> list[History]:
    """That many members, each of another kind of life, around the as-of date's year."""
    draw = random.Random(seed)
    return [history(draw, f"P{number:05}", as_of) for number in range(count)]


def history(draw: random.Random, person_id: str, as_of: date) -> History:
    """One member: usually enrolled throughout and refilling about in time; every rule is broken by some."""
    year = as_of.year
    first, last = date(year, 1, 1), date(year, 12, 31)

    def some_day(low: date = first, high: date = last) -> date:
        return low + timedelta(days=draw.randint(0, (high - low).days))

    birth = date(1950, 6, 1)
    if draw.random() < 0.1:
        birth = date(year - 18, 1, 1) + timedelta(days=draw.choice((-1, 0, 1, 200)))
    death = some_day() if draw.random() < 0.08 else None

    spans = [Span(date(year - 2, 5, 1))]
    kind = draw.random()
    if kind < 0.15:
        hole = some_day()
        spans = [Span(date(year - 1, 1, 1), hole), Span(hole + timedelta(days=draw.choice((1, 2, 2, 30))), None)]
    elif kind < 0.25:
        spans = [Span(some_day(), draw.choice((None, last)))]
    elif kind < 0.35:
        spans = [Span(date(year - 1, 1, 1), some_day())]
    elif kind < 0.45:
        start = date(year, draw.choice((1, 2, 5)), 1)
        spans = [Span(start, start + timedelta(days=draw.choice((89, 90, 91, 120)))), Span(date(year, 9, 30), last)]
    elif kind < 0.5:
        spans = [Span(date(year - 1, 1, 1), some_day()), Span(date(year, 1, 1), some_day())]
    if draw.random() < 0.05:
        flagged = draw.choice(
            (
                Span(date(year - 1, 1, 1), date(year - 1, 12, 31), True),
                Span(date(year - 1, 1, 1), first, True),
                Span(last, None, True),
            )
        )
        spans.append(flagged)

    fills = []
    day = draw.choice((first, first, some_day(), date(year, 10, draw.choice((1, 2, 3)))))
    drug = draw.choice(DRUGS)
    for number in range(draw.randint(1, 14)):
        supply = draw.choice(SUPPLIES) if draw.random() < 0.3 else draw.choice((30, 90))
        fills.append(Fill(day, f"{person_id}-{draw.randint(0, 9)}{number:02}", drug, supply))
        if draw.random() < 0.15:
            drug = draw.choice(DRUGS)
        step = draw.choice((0, 1, 5, 14, 45)) if draw.random() < 0.4 else (supply or 30) + draw.randint(-8, 12)
        day += timedelta(days=max(0, step))
    if draw.random() < 0.1:
        fills.append(Fill(first - timedelta(days=draw.randint(1, 60)), f"{person_id}-prior", drug, 90))
    if draw.random() < 0.1:
        fills.append(Fill(last, f"{person_id}-last", drug, 30))
    if draw.random() < 0.1:
        around = draw.choice((fills[0].day, fills[0].day - timedelta(days=1), some_day()))
        fills.append(Fill(around, f"{person_id}-other", EXCLUDING, 30, is_excluding=True))

    stays = []
    if draw.random() < 0.4:
        for _ in range(draw.randint(1, 4)):
            admission = draw.choice((some_day(), fills[0].day, fills[-1].day, first - timedelta(days=20)))
            stays.append(Stay(admission, admission + timedelta(days=draw.choice((0, 1, 3, 10, 40, 400)))))
    return History(person_id, birth, tuple(spans), tuple(fills), tuple(stays), death)


def _text(value: date | int | str | bool | None) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool | int) else f"'{value}'"


def insert(con: duckdb.DuckDBPyConnection, table: str, columns: tuple[str, ...], rows: list[tuple]) -> None:
    """Replace a raw table's rows, numbered in the order given."""
    con.execute(f"delete from raw.{table}")
    if not rows:
        return
    lines = (
        f"({', '.join(map(_text, row))}, '{table}.csv', {number + 1}, {number})"
        for number, row in enumerate(rows, start=1)
    )
    names = ", ".join((*columns, "source_file", "line_number", "row_id"))
    con.execute(f"insert into raw.{table} ({names}) values {', '.join(lines)}")


def load(con: duckdb.DuckDBPyConnection, members: list[History], shuffle: random.Random | None = None) -> None:
    """Put histories into the raw tables, in their own order or in any."""
    drugs = [(d, d) for d in DRUGS] + [(EXCLUDING, "sacubitril;valsartan")]
    tables = {
        "drug": (("ndc_code", "ingredients"), drugs),
        "eligibility": (
            ("person_id", "birth_date", "enrollment_start_date", "enrollment_end_date", "death_date", "hospice_flag"),
            [(m.person_id, m.birth, s.start, s.end, m.death, s.is_hospice) for m in members for s in m.spans],
        ),
        "pharmacy_claim": (
            ("person_id", "claim_id", "claim_line_number", "dispensing_date", "ndc_code", "days_supply"),
            [(m.person_id, f.claim_id, 1, f.day, f.ingredient, f.days_supply) for m in members for f in m.fills],
        ),
        "medical_claim": (
            (
                "person_id",
                "claim_id",
                "claim_line_number",
                "claim_type",
                "bill_type_code",
                "claim_start_date",
                "discharge_date",
            ),
            [
                (m.person_id, f"{m.person_id}-{i}", 1, "institutional", "111", s.admission, s.discharge)
                for m in members
                for i, s in enumerate(m.stays)
            ],
        ),
    }
    for table, (columns, rows) in tables.items():
        if shuffle:
            shuffle.shuffle(rows)
        insert(con, table, columns, rows)
