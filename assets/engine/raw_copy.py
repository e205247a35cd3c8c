"""A copy of an input table: its rows typed and judged, the refused ones among them until all are told.

Claims have some ninety columns, of which a delivery fills a third, and to write a column of nothing takes as long as one
of codes: of claims the copy holds what the files have, and `raw.<table>` is a view of its accepted rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from assets.engine import door
from assets.engine.contract import Contract

JUDGED = "source_file VARCHAR, line_number BIGINT, row_id BIGINT, reasons VARCHAR, repairs BIGINT"


def copy_name(contract: Contract) -> str:
    """The table that holds the rows of claims that are no view of their files."""
    return f"door.{contract.key[1]}_copy"


@dataclass(frozen=True)
class Copy:
    """One table's copy: `columns` are those of the contract that it holds; `is_shown` for one that a view shows."""

    contract: Contract
    columns: Sequence[str]
    is_shown: bool

    @property
    def name(self) -> str:
        """Where the rows are until they are told apart; those of a table that no view shows are on no disk before."""
        return copy_name(self.contract) if self.is_shown else "copied"

    def create(self, con: duckdb.DuckDBPyConnection) -> None:
        """Make the empty table."""
        types = "".join(f'"{p.name}" {p.sql_type}, ' for p in self.contract.properties if p.name in self.columns)
        con.execute(f"create or replace {'' if self.is_shown else 'temp '}table {self.name} ({types}{JUDGED})")

    def append(self, con: duckdb.DuckDBPyConnection, landed: str, declared: dict[str, str] | None = None) -> int:
        """Type landed rows, the refused ones with their reasons, and return how many they are.

        Args:
            con: Connection to the working warehouse.
            landed: Query with landed columns and `source_file`, `line_number`, `row_id`.
            declared: Landed column -> its type, where that is known.
        """
        declared = declared or {row[0]: row[1] for row in con.execute(f"describe {landed}").fetchall()}
        names = "".join(f'"{name}", ' for name in self.columns)
        [[rows]] = con.execute(
            f"insert into {self.name} by name select {names}{door.PLACE}, reasons, repairs "
            f"from ({door.typed_select(self.contract, landed, declared)})"
        ).fetchall()
        return rows

    def refused(self) -> str:
        """Query of the refused rows, every column of the contract in its place."""
        return f"{self._rows()} where reasons is not null"

    def settle(self, con: duckdb.DuckDBPyConnection) -> None:
        """Leave the accepted rows alone in `raw.<table>`, their judgement told."""
        if not self.is_shown:
            con.execute(f"create table {self.contract.id} as {self._rows()} where reasons is null")
            con.execute(f"drop table {self.name}")
            return
        [[refused]] = con.execute(f"select count(reasons) from {self.name}").fetchall()
        accepted = " where reasons is null" if refused else ""
        con.execute(f"create view {self.contract.id} as {self._rows()}{accepted}")

    def _rows(self) -> str:
        columns = ", ".join(
            f'"{p.name}"' if p.name in self.columns else f'null::{p.sql_type} as "{p.name}"'
            for p in self.contract.properties
        )
        return f"select {columns}, {door.PLACE} from {self.name}"
