"""Small deliveries for the tests of what a night survives, and what became of them at the door."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from assets.engine import ingest
from assets.engine.contract import contract_for
from assets.engine.errors import CaregapsError
from assets.engine.layout import read_layout

NOBODY = 65534


@dataclass(frozen=True)
class Outcome:
    """One line, or rows: accepted ones by line, and why others were set aside."""

    line: str = ""
    accepted: tuple[int, ...] = ()
    rejected: tuple[tuple[int, str], ...] = ()


def load(con: duckdb.DuckDBPyConnection, folder: Path, table: str = "eligibility") -> Outcome:
    """What becomes of a table; every row that was read is in one of the buckets, and no error is any but ours."""
    __tracebackhide__ = True
    try:
        inputs = ingest.find_inputs(read_layout("tuva"), folder, None)
        ingest.load_table(con, contract_for("raw", table), inputs, folder)
    except CaregapsError as error:
        return Outcome(str(error))
    counts = dict(
        con.execute(
            f"select measure, sum(row_count)::bigint from door.{table}_count "
            "where measure in ('read', 'stored', 'duplicate', 'netted') group by measure"
        ).fetchall()
    )
    rejected = con.execute(f"select line_number, reasons from door.{table}_rejected order by all").fetchall()
    accepted = con.execute(f"select line_number from raw.{table} order by all").fetchall()
    assert counts["read"] == len(accepted) + len(rejected) + counts.get("duplicate", 0) + counts.get("netted", 0)
    return Outcome("", tuple(line for (line,) in accepted), tuple(rejected))


@contextmanager
def as_an_ordinary_user() -> Iterator[None]:
    """To the superuser every mode is readable."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
