"""Claims as the delivery's own Parquet files: every value is judged once, and no row is copied.

To copy a claim table of eighty columns takes longer than all that a night computes from it. `raw.<table>` is a view
that types a value where it is read; `door.<table>_refused` holds the rows that it leaves out. A column whose texts all
came as they must be is read as it lies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import duckdb

from assets.engine import door, relation
from assets.engine.contract import Contract
from assets.engine.errors import InputError
from assets.engine.landing import InputFile, Landed, parquet_source, reading
from assets.engine.raw_copy import copy_name
from assets.engine.sql_text import literal

# A row is named by its file and its place in it: `row_id` goes up in the order of the delivery.
ROWS_OF_A_FILE = 1 << 36

SEEN_DDL = "source_table VARCHAR, path VARCHAR, label VARCHAR, bytes BIGINT, modified_ns BIGINT"


@dataclass(frozen=True)
class Part:
    """Files of one shape that follow each other in the delivery; `first` is the number of the first one."""

    files: tuple[InputFile, ...]
    columns: str
    declared: dict[str, str]
    first: int

    def landed(self) -> str:
        """Query of the rows as they lie, with `source_file`, `line_number` and `row_id`."""
        labels = ", ".join(literal(file.label) for file in self.files)
        return (
            f"select {self.columns}, [{labels}][file_index::bigint + 1] as source_file, "
            f"(file_index + {self.first})::bigint * {ROWS_OF_A_FILE} + file_row_number as row_id "
            f"from {parquet_source(self.files)}"
        )

    def alone(self) -> list[Part]:
        """The files one by one."""
        return [Part((file,), self.columns, self.declared, self.first + n) for n, file in enumerate(self.files)]


def parts_of(landed: Sequence[tuple[InputFile, Landed]]) -> list[Part]:
    """Parquet files, those of one shape together so that one scan reads them."""
    parts, first = [], 0
    for (columns, declared), group in groupby(landed, key=lambda one: (one[1].columns, one[1].declared)):
        files = tuple(file for file, _ in group)
        parts.append(Part(files, columns, dict(declared), first))
        first += len(files)
    return parts


def judge(con: duckdb.DuckDBPyConnection, contract: Contract, parts: Sequence[Part]) -> None:
    """Judge every value of the files: what is not as it was landed goes to the temporary table `judged`.

    Raises:
        InputError: A file cannot be read to its end.
    """
    con.execute(
        "create or replace temp table judged (source_file VARCHAR, line_number BIGINT, row_id BIGINT, reasons VARCHAR, "
        "repairs BIGINT, changes BIGINT)"
    )
    for part in parts:
        try:
            _judge(con, contract, part)
        except duckdb.Error:
            # Which file it was is told by a look at each.
            for one in part.alone():
                with reading(one.files[0]):
                    _judge(con, contract, one)
            raise


def _judge(con: duckdb.DuckDBPyConnection, contract: Contract, part: Part) -> None:
    con.execute(f"insert into judged {door.judged_select(contract, part.landed(), part.declared)}")


def show(con: duckdb.DuckDBPyConnection, contract: Contract, parts: Sequence[Part]) -> None:
    """Make `raw.<table>` a view of the judged files, and remember which files those were."""
    table = contract.key[1]
    families = door.text_families(contract)
    con.execute(
        f"create or replace table door.{table}_refused as select row_id from judged where reasons is not null order by row_id"
    )
    [[mask]] = con.execute("select coalesce(bit_or(changes), 0) from judged where reasons is null").fetchall()
    as_landed = frozenset(name for bit, name in enumerate(families) if not mask >> bit & 1)
    accepted = f"where row_id not in (select row_id from door.{table}_refused)" if refused_rows(con, table) else ""
    queries = [f"{door.seen_select(contract, part.landed(), part.declared, as_landed)} {accepted}" for part in parts]
    con.execute(f"create view {contract.id} as {' union all '.join(queries)}")
    for part in parts:
        for file in part.files:
            con.execute(
                "insert into door.seen_file values (?, ?, ?, ?, ?)",
                [table, str(file.path), file.label, *_stamp(file.path)],
            )


def refused_rows(con: duckdb.DuckDBPyConnection, table: str) -> int:
    """How many rows the view of a table leaves out."""
    [[rows]] = con.execute(f"select count(*) from door.{table}_refused").fetchall()
    return rows


def is_view(con: duckdb.DuckDBPyConnection, contract: Contract) -> bool:
    """Whether an input table is a view of its delivery's files rather than a copy."""
    return relation.kind(con, contract.id) == "view" and relation.kind(con, copy_name(contract)) is None


def drop(con: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Remove an input table, whichever it is; the files of a view are not its to remove."""
    relation.drop(con, contract.id)
    relation.drop(con, copy_name(contract))
    con.execute(f"create table if not exists door.seen_file ({SEEN_DDL})")
    con.execute("delete from door.seen_file where source_table = ?", [contract.key[1]])


def refuse_changed(con: duckdb.DuckDBPyConnection) -> None:
    """Refuse claims of which a file is another than the one that was judged.

    Raises:
        InputError: A file was changed or taken away since.
    """
    if relation.kind(con, "door.seen_file") is None:
        return
    for path, label, *stamp in con.execute("select path, label, bytes, modified_ns from door.seen_file").fetchall():
        try:
            found = _stamp(Path(path))
        except OSError:
            found = []
        if found != stamp:
            raise InputError(
                f"{label}: the file was changed or taken away after it was read; deliveries that stay as they are "
                "are expected, run the night again"
            )


def _stamp(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]
