"""What the report says of earlier nights: lists and rates over time, what is new in the delivery, what outreach does.

Of an earlier night only totals are read. Those of its lists are shown where its own page showed them (`memory`), last
night's where the table of changes does too. A rate is left out where a count of it is small, or where every state's part
of one is, since then only its absence protects the parts.
"""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from assets.engine.releases import nights
from assets.engine.report.figures import ALL, Night
from assets.engine.report.memory import shown_totals
from assets.engine.report.small_cells import Published
from assets.engine.status import matter_of

Point = tuple[datetime.date, float]


@dataclass(frozen=True)
class Effect:
    """One row of `outreach.effect`; a suppressed one has no figures."""

    programme: str
    days: int
    outreach_count: int | None
    control_count: int | None
    left_out_count: int | None
    outreach_rate: float | None
    control_rate: float | None
    difference: float | None
    low: float | None
    high: float | None


@dataclass
class Trends:
    """Earlier nights beside tonight, with nothing in it that may not be shown."""

    listed: list[Point] = field(default_factory=list)
    rates: dict[str, list[Point]] = field(default_factory=dict)
    read_before: dict[str, int] = field(default_factory=dict)
    known_matters: frozenset[str] = frozenset()
    effects: list[Effect] = field(default_factory=list)

    def is_new(self, warning: str) -> bool:
        """Whether last night warned of nothing of the kind; other numbers make no new warning."""
        return matter_of(warning) not in self.known_matters

    def moved(self, measure_id: str, since: datetime.date | None) -> str | None:
        """By how many points a rate moved since the night before, with its sign; None where that night hides it."""
        points = self.rates.get(measure_id, [])
        return f"{points[-1][1] - points[-2][1]:+.1f}" if len(points) > 1 and points[-2][0] == since else None


def read_trends(con: duckdb.DuckDBPyConnection, night: Night, previous: Path | None, shown: Published) -> Trends:
    """Everything that the report says of earlier nights.

    Args:
        con: A warehouse that holds the night.
        night: Tonight's figures.
        previous: The folder of the last published night, or None on the first.
        shown: Tonight's counts as they may be shown.
    """
    trends = Trends(effects=_read_effects(con))
    if previous is not None:
        for as_of, folder in nights(previous.parent).items():
            total = shown_totals(folder).get(ALL) if as_of < night.as_of else None
            if as_of == night.previous and shown.number("change", ALL, "before") is None:
                total = None
            if total is not None:
                trends.listed.append((as_of, total))
        if (file := previous / "manifest.json").is_file():
            last = json.loads(file.read_text(encoding="utf-8"))
            trends.known_matters = frozenset(map(matter_of, last["warnings"]))
            trends.read_before = {table: counts["read"] for table, counts in last["inputs"].items()}
    if (tonight := shown.number("listed", ALL, ALL)) is not None:
        trends.listed.append((night.as_of, tonight))
    _read_rates(con, night, shown, trends)
    return trends


def _is_showable(total: int, largest_part: int, small_cell: int) -> bool:
    return total == 0 or min(total, largest_part) >= small_cell


def _read_rates(con: duckdb.DuckDBPyConnection, night: Night, shown: Published, trends: Trends) -> None:
    rows = con.execute(
        """
        select
            measure_id, as_of, max(numerator) filter (level = 'all'), max(denominator - numerator) filter (level = 'all'),
            max(numerator) filter (level = 'state'), max(denominator - numerator) filter (level = 'state')
        from outreach.measure_rate_history
        where level in ('all', 'state') and as_of < ?
        group by all order by all
        """,
        [night.as_of],
    ).fetchall()
    for measure_id, as_of, reached, missed, most_reached, most_missed in rows:
        parts = ((reached, most_reached), (missed, most_missed))
        if all(_is_showable(total, total if most is None else most, shown.small_cell) for total, most in parts):
            trends.rates.setdefault(measure_id, []).append((as_of, round(100 * reached / (reached + missed), 1)))
    for measure in night.measures:
        name = measure.measure_id
        reached, measured = shown.number("rate", name, ALL, "reached"), shown.number("rate", name, ALL, ALL)
        if reached is not None and measured:
            trends.rates.setdefault(name, []).append((night.as_of, round(100 * reached / measured, 1)))
        else:
            # A line that ends before tonight would pass for tonight's.
            trends.rates.pop(name, None)


def _read_effects(con: duckdb.DuckDBPyConnection) -> list[Effect]:
    """The table as published: it hides small counts itself."""
    rows = con.execute(
        "select programme, horizon_days, outreach_count, control_count, left_out_count, outreach_rate, control_rate, "
        "difference, difference_low, difference_high from outreach.effect order by programme, horizon_days"
    ).fetchall()
    return [Effect(*row[:5], *(None if value is None else float(value) for value in row[5:])) for row in rows]
