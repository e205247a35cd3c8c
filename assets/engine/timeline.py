"""The year of one member and measure as a line of text, for people who read evidence in a terminal.

A column is `#` only if every one of its days is covered: where several days share a column, doubt shows as `+`.
"""

from __future__ import annotations

import calendar
import datetime
from collections.abc import Iterable, Iterator
from typing import Literal

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
COLUMNS_PER_MONTH = 6
DAYS_PER_COLUMN = 5

Day = Literal["covered", "uncovered", "ahead", "out"]

LEGEND = [
    "5 days a character, 3 to 6 at the end of a month: # supply on every day, + on some, . on none,",
    "- no day that counts: outside the treatment period, a stay, no usable supply. Blank: to come.",
]


def draw(
    segments: Iterable[tuple[datetime.date, datetime.date, bool]],
    index_date: datetime.date,
    treatment_end_date: datetime.date | None,
    as_of: datetime.date,
    year: int,
) -> list[str]:
    """Draw the year: months, coverage, the as-of date below it, and a legend; at most 100 columns of ASCII.

    Args:
        segments: `(start_date, end_date, is_covered)`, closed on both sides and disjoint; what lies outside the
            treatment period is not drawn.
        index_date: First day of the treatment period.
        treatment_end_date: Its last day; None for a member who was not enrolled.
        as_of: Last day that is known. Later days are covered by supply on hand, or still to come.
        year: The year to draw.
    """
    intervals = list(segments)

    def state(day: datetime.date) -> Day:
        if treatment_end_date is None or not index_date <= day <= treatment_end_date:
            return "out"
        for start, end, is_covered in intervals:
            if start <= day <= end:
                return "covered" if is_covered else "uncovered"
        return "ahead" if day > as_of else "out"

    columns = [_mark([state(day) for day in days]) for days in _columns(year)]
    months = "".join(name.ljust(COLUMNS_PER_MONTH) for name in MONTHS)
    lines = [f" {months}".rstrip(), f"|{''.join(columns)}|"]
    if as_of.year == year:
        lines.append(_pointer(1 + _column(as_of), f"as of {as_of}", len(columns) + 2))
    return [*lines, *LEGEND]


def _columns(year: int) -> Iterator[list[datetime.date]]:
    """The days of each column: five, and what remains of the month in its last."""
    for month in range(1, 13):
        length = calendar.monthrange(year, month)[1]
        days = [datetime.date(year, month, day) for day in range(1, length + 1)]
        last = (COLUMNS_PER_MONTH - 1) * DAYS_PER_COLUMN
        for start in range(0, last, DAYS_PER_COLUMN):
            yield days[start : start + DAYS_PER_COLUMN]
        yield days[last:]


def _column(day: datetime.date) -> int:
    return (day.month - 1) * COLUMNS_PER_MONTH + min((day.day - 1) // DAYS_PER_COLUMN, COLUMNS_PER_MONTH - 1)


def _mark(days: list[Day]) -> str:
    if "covered" in days:
        return "#" if set(days) == {"covered"} else "+"
    if "uncovered" in days:
        return "."
    return " " if "ahead" in days else "-"


def _pointer(column: int, label: str, width: int) -> str:
    """A caret below the column, its label on the side that has room."""
    right = f"{'^'.rjust(column + 1)} {label}"
    return right if len(right) <= width else f"{label} ^".rjust(column + 1)
