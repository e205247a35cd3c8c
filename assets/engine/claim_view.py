"""Claims as the delivery's own Parquet files: every value is judged once, and no row is copied.

To copy a claim table of eighty columns takes longer than all that a night computes from it. `raw.<table>` is a view
that types a value where it is read; `door.<table>_refused` holds the rows that it leaves out. A column whose texts all
came as they must be is read as it lies.

Files that an earlier night judged, and that lie there as they did, are not judged again: `door.judged_table` says by which
code, `door.judged_file` which files those were and the place that each keeps in the numbers of rows.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import duckdb

from assets.engine import door, relation
from assets.engine.code_digest import code_digest
from assets.engine.contract import Contract
from assets.engine.errors import InputError
from assets.engine.landing import InputFile, Landed, parquet_source, reading
from assets.engine.raw_copy import copy_name
from assets.engine.sql_text import literal

# A row is named by its file and its place in it: `row_id` goes up in the order of the delivery.
ROWS_OF_A_FILE = 1 << 36

JUDGED_FILE_DDL = (
    "source_table VARCHAR, place INTEGER, path VARCHAR, label VARCHAR, bytes BIGINT, modified_ns BIGINT, footer VARCHAR"
)
# `changes` has a bit for each family of columns whose texts did not all come as they must be; `generation` is another one
# whenever a table is judged from its first file on.
JUDGED_TABLE_DDL = "source_table VARCHAR primary key, code_digest VARCHAR, changes BIGINT, generation VARCHAR"


# Size, time and footer of a file.
Stamp = tuple[int, int, str]


@dataclass(frozen=True)
class Part:
    """Files of one shape that follow each other in the delivery; `first` is the number of the first one.

    `rows` has the number of rows of each.
    """

    files: tuple[InputFile, ...]
    columns: str
    declared: dict[str, str]
    first: int
    rows: tuple[int, ...]

    def landed(self) -> str:
        """Query of the rows as they lie, with `source_file`, `line_number` and `row_id`."""
        labels = ", ".join(literal(file.label) for file in self.files)
        return (
            f"select {self.columns}, [{labels}][file_index::bigint + 1] as source_file, "
            f"(file_index + {self.first})::bigint * {ROWS_OF_A_FILE} + file_row_number as row_id "
            f"from {parquet_source(self.files, sum(self.rows))}"
        )

    def alone(self) -> list[Part]:
        """The files one by one."""
        return [
            Part((file,), self.columns, self.declared, self.first + n, (rows,))
            for n, (file, rows) in enumerate(zip(self.files, self.rows, strict=True))
        ]


@dataclass(frozen=True)
class Known:
    """The files of a table that need no judgement any more, in the order of their places, and what it found."""

    files: tuple[InputFile, ...] = ()
    changes: int = 0
    generation: str = ""


def known_files(con: duckdb.DuckDBPyConnection, contract: Contract, files: Sequence[InputFile]) -> Known:
    """What an earlier night judged of these files, if it all stands: the same code, and no file gone or changed."""
    table = contract.key[1]
    con.execute(f"create table if not exists door.judged_table ({JUDGED_TABLE_DDL})")
    judged = con.execute(
        "select code_digest, changes, generation from door.judged_table where source_table = ?", [table]
    ).fetchone()
    if judged is None or judged[0] != code_digest() or not is_view(con, contract):
        return Known()
    seen = con.execute(
        "select path, label, bytes, modified_ns, footer from door.judged_file where source_table = ? order by place",
        [table],
    ).fetchall()
    by_path = {str(file.path): file for file in files}
    for path, label, size, modified, footer in seen:
        file = by_path.get(path)
        if not file or file.label != label or stamp_of(file.path) != (size, modified, footer):
            return Known()
    return Known(tuple(by_path[path] for path, *_ in seen), judged[1], judged[2])


def parts_of(landed: Sequence[tuple[InputFile, Landed]], first: int = 0) -> list[Part]:
    """Parquet files, those of one shape together so that one scan reads them; the first one has the number `first`."""
    parts = []
    for (columns, declared), group in groupby(landed, key=lambda one: (one[1].columns, one[1].declared)):
        files, shapes = zip(*group, strict=True)
        parts.append(Part(files, columns, dict(declared), first, tuple(shape.line_count for shape in shapes)))
        first += len(files)
    return parts


def judge(con: duckdb.DuckDBPyConnection, contract: Contract, parts: Sequence[Part]) -> None:
    """Judge every value of the files: what is not as it was landed goes to the temporary table `judged`.

    From here until `show` the table counts as never judged, so that a load that fails leaves nothing to go on with.

    Raises:
        InputError: A file cannot be read to its end.
    """
    con.execute("delete from door.judged_table where source_table = ?", [contract.key[1]])
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


def show(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    known: Known,
    parts: Sequence[Part],
    new_parts: Sequence[Part],
    stamps: Mapping[Path, Stamp],
) -> None:
    """Make `raw.<table>` a view of all judged files, and remember which files those were.

    Args:
        con: Connection to the working warehouse, with what is new in the temporary table `judged`.
        contract: The input table's contract.
        known: What was judged before.
        parts: The files judged before.
        new_parts: The files judged now.
        stamps: Of each of these, what it was before anything of it was read: one replaced meanwhile is another file.
    """
    table = contract.key[1]
    families = door.text_families(contract)
    con.execute(f"create table if not exists door.{table}_refused (row_id BIGINT)")
    con.execute(f"insert into door.{table}_refused select row_id from judged where reasons is not null order by row_id")
    [[changes]] = con.execute("select coalesce(bit_or(changes), 0) from judged where reasons is null").fetchall()
    changes |= known.changes
    as_landed = frozenset(name for bit, name in enumerate(families) if not changes >> bit & 1)
    accepted = f"where row_id not in (select row_id from door.{table}_refused)" if refused_rows(con, table) else ""
    queries = [
        f"{door.seen_select(contract, part.landed(), part.declared, as_landed)} {accepted}"
        for part in (*parts, *new_parts)
    ]
    con.execute(f"create or replace view {contract.id} as {' union all '.join(queries)}")
    for part in new_parts:
        for place, file in enumerate(part.files, start=part.first):
            con.execute(
                "insert into door.judged_file values (?, ?, ?, ?, ?, ?, ?)",
                [table, place, str(file.path), file.label, *stamps[file.path]],
            )
    con.execute(
        "insert into door.judged_table values (?, ?, ?, ?)",
        [table, code_digest(), changes, known.generation or uuid.uuid4().hex],
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
    relation.drop(con, f"door.{contract.key[1]}_refused")
    con.execute(f"create table if not exists door.judged_file ({JUDGED_FILE_DDL})")
    con.execute(f"create table if not exists door.judged_table ({JUDGED_TABLE_DDL})")
    for books in ("judged_file", "judged_table"):
        con.execute(f"delete from door.{books} where source_table = ?", [contract.key[1]])


def refuse_changed(con: duckdb.DuckDBPyConnection) -> None:
    """Refuse claims of which a file is another than the one that was judged.

    Raises:
        InputError: A file was changed or taken away since.
    """
    if relation.kind(con, "door.judged_file") is None:
        return
    judged = con.execute("select path, label, bytes, modified_ns, footer from door.judged_file").fetchall()
    for path, label, *stamp in judged:
        if stamp_of(Path(path)) != tuple(stamp):
            raise InputError(
                f"{label}: the file was changed or taken away after it was read; deliveries that stay as they are "
                "are expected, run the night again"
            )


def stamp_of(path: Path) -> Stamp:
    """Size, time and footer of a Parquet file; of one that cannot be read, what no file has.

    The footer is a digest of the end of the file, where its schema lies and, of every part, place, size and bounds.
    """
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            file.seek(-8, os.SEEK_END)
            length = int.from_bytes(file.read(4), "little")
            file.seek(-8 - length, os.SEEK_END)
            return status.st_size, status.st_mtime_ns, hashlib.sha256(file.read()).hexdigest()[:16]
    except OSError:
        return -1, -1, ""
