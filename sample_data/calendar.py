"""Dates as whole days since 1970-01-01, which is how columns are computed here; `NONE` is a missing one."""

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from sample_data import FIRST_DATE, LAST_DATE
from sample_data.draw import Integers

HERE = Path(__file__).parent
EPOCH = date(1970, 1, 1)
NONE = -(2**31)


def day(value: date) -> int:
    """The day number of a date."""
    return (value - EPOCH).days


FIRST = day(FIRST_DATE)
LAST = day(LAST_DATE)
MONTHS = np.array([day(date(2024 + (m // 12), m % 12 + 1, 1)) for m in range(6, 31)])
"""First days of the months from 2024-07 through 2026-07."""


def dates(name: str, days: Integers) -> pl.Series:
    """A DATE column; `NONE` becomes null."""
    return numbers(name, days).cast(pl.Int32).cast(pl.Date)


def numbers(name: str, values: Integers) -> pl.Series:
    """An integer column; `NONE` becomes null."""
    column = pl.Series(name, np.asarray(values, dtype=np.int64))
    return column.set(column == NONE, None)


def texts(name: str, options: list[str] | pl.Series, positions: Integers) -> pl.Series:
    """A text column picked from `options`; position -1 becomes null."""
    pool = pl.Series(name, [*options, None], dtype=pl.String)
    return pool.gather(np.where(positions < 0, len(pool) - 1, positions))
