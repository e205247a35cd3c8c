"""A small working warehouse, ready to publish: every table there, two pharmacies with a list, rows to recall and state.

Building one takes seconds, publishing it a fraction of one; what is true of publishing it is true of publishing a night.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import duckdb

from assets.engine.contract import all_contracts
from assets.engine.night import Night
from assets.engine.publish import LAYERS, Release
from assets.engine.warehouse import BUILT_DDL
from tests.story import _models, build_models, empty_warehouse, give

NIGHT = datetime.date(2026, 6, 30)
RETENTION, REPLACED = 7, 2

# Publishes a night of that date whose lists and state say so.
Publish = Callable[[datetime.date, str], Release]


def prepare(path: Path) -> None:
    """Write the warehouse."""
    con = empty_warehouse()
    build_models(con, _models(), NIGHT)
    con.execute("create table door.ignored (name VARCHAR)")
    con.execute(BUILT_DDL)
    for name, text in ROWS.items():
        give(con, name, text)
    con.execute(f"attach '{path}' as kept; copy from database memory to kept; checkpoint kept; detach kept")
    con.close()


ROWS = {
    "outreach.worklist": """
        pharmacy_npi | state | list_rank | person_id | gap_id | as_of | reason
        1234567893   | TX    | 1         | ann       | g1     | 2026-06-30 | first
        1234567893   | TX    | 2         | bea       | g2     | 2026-06-30 | second
    """,
    "outreach.contact": "gap_id\ng1\ng2",
    "outreach.recall": """
        pharmacy_npi | state | gap_id | recalled_date
        1234567893   | TX    | g0     | 2026-06-30
    """,
    "outreach.gap": "gap_id\ng1\ng2",
}


def stamp(con: duckdb.DuckDBPyConnection, night: Night, mark: str) -> None:
    """Make the warehouse's tables those of a night whose lists and state say `mark`."""
    con.execute("delete from door.built")
    names = [contract.id for layer in LAYERS for contract in all_contracts(layer)]
    con.execute(f"insert into door.built select unnest({names!r}), date '{night.as_of}', '{night.digest}', 0, 0.0")
    con.execute("update outreach.worklist set reason = ?, as_of = ?", [mark, night.as_of])
    con.execute("update outreach.gap set reason = ?", [mark])
