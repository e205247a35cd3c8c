"""Random member histories, and how they become rows of the raw tables."""

from __future__ import annotations

import random
import zlib
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import duckdb

from tests.reference.day_by_day import Fill, History, Span, Stay

# Drugs of one class, combinations among them, and the drug that excludes from it.
SINGLES = ("metformin", "glipizide", "linagliptin")
COMBINATIONS = ("glipizide-metformin", "linagliptin-metformin", "empagliflozin-linagliptin-metformin")
INSULIN = "insulin glargine"
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
    products = SINGLES + COMBINATIONS if draw.random() < 0.3 else SINGLES
    drug = draw.choice(products)
    for number in range(draw.randint(1, 14)):
        supply = draw.choice(SUPPLIES) if draw.random() < 0.3 else draw.choice((30, 90))
        fills.append(Fill(day, f"{person_id}-{draw.randint(0, 9)}{number:02}", drug, supply))
        if draw.random() < 0.15:
            drug = draw.choice(products)
        step = draw.choice((0, 1, 5, 14, 45)) if draw.random() < 0.4 else (supply or 30) + draw.randint(-8, 12)
        day += timedelta(days=max(0, step))
    if draw.random() < 0.1:
        fills.append(Fill(first - timedelta(days=draw.randint(1, 60)), f"{person_id}-prior", drug, 90))
    if draw.random() < 0.1:
        fills.append(Fill(last, f"{person_id}-last", drug, 30))
    if draw.random() < 0.1:
        around = draw.choice((fills[0].day, fills[0].day - timedelta(days=1), some_day()))
        fills.append(Fill(around, f"{person_id}-other", INSULIN, 30, is_excluding=True))

    stays = []
    if draw.random() < 0.4:
        for _ in range(draw.randint(1, 4)):
            admission = draw.choice((some_day(), fills[0].day, fills[-1].day, first - timedelta(days=20)))
            stays.append(Stay(admission, admission + timedelta(days=draw.choice((0, 1, 3, 10, 40, 400)))))
    return History(person_id, birth, tuple(spans), tuple(fills), tuple(stays), death)


def regimens(seed: int, count: int, as_of: date) -> list[History]:
    """That many members who take one drug to four side by side, in lives of all kinds."""
    draw = random.Random(seed)
    return [regimen(draw, f"P{number:05}", as_of) for number in range(count)]


def regimen(draw: random.Random, person_id: str, as_of: date) -> History:
    """One member with a history of one drug, and up to three drugs beside it that are refilled about in time."""
    alone = history(draw, person_id, as_of)
    fills = list(alone.fills)
    for drug in range(draw.choice((0, 1, 2, 2, 3))):
        product = draw.choice(SINGLES + COMBINATIONS if draw.random() < 0.3 else SINGLES)
        supply = draw.choice((30, 30, 90))
        day = alone.fills[0].day + timedelta(days=draw.choice((0, 0, 3, 40)))
        for number in range(draw.choice((1, 2, 4, 13))):
            usable = None if draw.random() < 0.05 else supply
            fills.append(Fill(day, f"{person_id}-{draw.randint(0, 9)}{drug}{number:02}", product, usable))
            day += timedelta(days=supply + draw.choice((-5, 0, 0, 2, 12)))
    return replace(alone, fills=tuple(fills))


def _text(value: date | int | str | bool | None) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool | int) else f"'{value}'"


def insert(con: duckdb.DuckDBPyConnection, table: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
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


PHONES = (None, "5125550100", "512-555-0199")
PHARMACIES = ("1000000004", "1000000012", "1000000020", "1000000038")


def _pick(text: str, choices: tuple[str | None, ...]) -> str | None:
    """A choice that depends on the text alone, so that it is the same in every order of rows."""
    return choices[zlib.crc32(text.encode()) % len(choices)]


def load(con: duckdb.DuckDBPyConnection, members: list[History], shuffle: random.Random | None = None) -> None:
    """Put histories into the raw tables, in their own order or in any."""
    products = (*SINGLES, *COMBINATIONS)
    tables: dict[str, tuple[tuple[str, ...], list[tuple[Any, ...]]]] = {
        "drug": (("ndc_code", "ingredients"), [(d, d.replace("-", ";")) for d in (*products, INSULIN)]),
        "pharmacy": (
            ("npi", "state", "zip_code", "ncpdp_id", "weekly_capacity"),
            [(npi, "TX", "78701", _pick(npi, ("7", "8")), i * 20) for i, npi in enumerate(PHARMACIES)],
        ),
        "eligibility": (
            (
                "person_id",
                "birth_date",
                "enrollment_start_date",
                "enrollment_end_date",
                "death_date",
                "hospice_flag",
                "phone",
            ),
            [
                (m.person_id, m.birth, s.start, s.end, m.death, s.is_hospice, _pick(f"{m.person_id}{s}", PHONES))
                for m in members
                for s in m.spans
            ],
        ),
        "pharmacy_claim": (
            (
                "person_id",
                "claim_id",
                "claim_line_number",
                "dispensing_date",
                "ndc_code",
                "days_supply",
                "dispensing_provider_npi",
            ),
            [
                (m.person_id, f.claim_id, 1, f.day, f.product, f.days_supply, _pick(f.claim_id, (*PHARMACIES, None)))
                for m in members
                for f in m.fills
            ],
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


STATUSES = (None, None, "paid", "adjusted", "reversed", "denied")
LOADED = (None, "2025-02-01", "2025-02-02")


def delivered_claims(seed: int, count: int) -> list[tuple[Any, ...]]:
    """Pharmacy claim rows as feeds deliver them: versions, copies, reversals and rebillings of few events."""
    draw = random.Random(seed)
    rows: list[tuple[Any, ...]] = []
    for _ in range(count):
        if rows and draw.random() < 0.15:
            rows.append(draw.choice(rows))
            continue
        sign = draw.choice((1, 1, 1, 1, -1))
        quantity = draw.choice((30, 30, 60, None))
        number = draw.randint(1, max(1, count // 4))
        rows.append(
            (
                f"P{number % 7}",
                f"C{number + draw.choice((0, 0, 0, 1))}",
                1,
                date(2025, 1, 1) + timedelta(days=draw.choice((0, 0, 0, 1))),
                draw.choice(SINGLES[:2]),
                sign * draw.choice((30, 30, 90)),
                None if quantity is None else sign * quantity,
                draw.choice((None, "7", "8")),
                draw.choice((None, 0, 1)),
                draw.choice(PHARMACIES[:2]),
                draw.choice(STATUSES),
                draw.choice(LOADED),
                draw.choice(LOADED),
            )
        )
    return rows


CLAIM_COLUMNS = (
    "person_id",
    "claim_id",
    "claim_line_number",
    "dispensing_date",
    "ndc_code",
    "days_supply",
    "quantity",
    "rx_number",
    "fill_number",
    "dispensing_provider_npi",
    "claim_status",
    "file_date",
    "paid_date",
)


def delivered_bills(seed: int, count: int) -> list[tuple[Any, ...]]:
    """Institutional bills of few stays: originals, replacements, voids, versions, copies and negative amounts."""
    draw = random.Random(seed)
    rows: list[tuple[Any, ...]] = []
    for _ in range(count):
        if rows and draw.random() < 0.15:
            rows.append(draw.choice(rows))
            continue
        number = draw.randint(1, max(1, count // 4))
        start = date(2025, 1, 1) + timedelta(days=number % 5)
        rows.append(
            (
                f"P{number % 7}",
                f"M{number + draw.choice((0, 0, 0, 1))}",
                draw.choice((1, 1, 2)),
                "institutional",
                draw.choice(("111", "111", "111", "117", "118", "211")),
                start,
                start + timedelta(days=draw.choice((2, 9))),
                draw.choice((None, "30")),
                draw.choice((None, "clinic")),
                draw.choice((10, 10, 10, -10)),
                draw.choice(STATUSES),
                draw.choice(LOADED),
                draw.choice(LOADED),
            )
        )
    return rows


BILL_COLUMNS = (
    "person_id",
    "claim_id",
    "claim_line_number",
    "claim_type",
    "bill_type_code",
    "claim_start_date",
    "discharge_date",
    "discharge_disposition_code",
    "facility_npi",
    "paid_amount",
    "claim_status",
    "file_date",
    "paid_date",
)
