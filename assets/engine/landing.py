"""Input files as rows of text: which files a folder holds, and one file read without losing a line.

Nothing is typed here. A CSV file whose physical lines do not add up to rows plus refused lines is not read at all:
an unclosed quote swallows good rows silently, and nothing else tells. What would fill memory or disk is refused while it
is counted, before the engine opens it.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from assets.engine.errors import InputError, one_line
from assets.engine.machine import refuse_for_machine
from assets.engine.sql_text import identifier, sql_path
from assets.engine.text_file import EXPANSION_RATIO, refuse_bomb, refuse_repeats, scan_lines
from assets.engine.text_rows import gaps_of, reader, renumber
from assets.engine.workbook import read_sheets

SUFFIXES = (".parquet", ".csv", ".csv.gz")
WORKBOOK = ".xlsx"
# Tables that people fill in: for these a workbook is a form of the table too.
SHEET_TABLES = ("outreach_outcome",)
LARGEST_WORKBOOK = 1 << 26
DONE_MARKER = ".done"
# What a spreadsheet program leaves beside a file that somebody has open, and a desktop in every folder.
LOCKS, LEFT_BY_DESKTOPS = ("~$", ".~lock."), (".DS_Store",)
BLOCK = 1 << 22
# Columns that landing and the door add to every row; a file's own of these names are not read.
ADDED_COLUMNS = ("line_number", "source_file", "row_id")
# What the engine tells of a row of a Parquet file, unless the file has a column of the name.
ENGINE_COLUMNS = ("file_row_number", "file_index")
# Parquet types that no column of any table has a reading for.
NO_VALUE = ("STRUCT", "MAP", "UNION", "VARIANT", "GEOMETRY")


@dataclass(frozen=True)
class InputFile:
    """One file of one input table; `label` is its path relative to the input folder."""

    path: Path
    label: str

    @property
    def is_parquet(self) -> bool:
        """Whether the file is Parquet rather than text."""
        return self.path.suffix.lower() == ".parquet"

    @property
    def is_zipped(self) -> bool:
        """Whether the file is text that was compressed."""
        return self.path.suffix.lower() == ".gz"

    @property
    def is_workbook(self) -> bool:
        """Whether the file is a spreadsheet's own."""
        return self.path.suffix.lower() == WORKBOOK

    def open(self) -> BinaryIO:
        """The file's bytes, unzipped."""
        return gzip.open(self.path, "rb") if self.is_zipped else self.path.open("rb")  # type: ignore[return-value]

    def blocks(self) -> Iterator[bytes]:
        """The file's bytes, a few megabytes at a time."""
        with self.open() as stream:
            while block := stream.read(BLOCK):
                # A Windows line end is never cut in two.
                yield block + stream.read(1) if block.endswith(b"\r") else block


@dataclass(frozen=True)
class Folder:
    """What an input folder holds: the files of each table, and the names that are no file of any, in a table's folder too."""

    tables: dict[str, tuple[InputFile, ...]]
    ignored: tuple[str, ...]


@dataclass(frozen=True)
class Landed:
    """One file in the warehouse, as text: the query that yields it and the lines that never became rows.

    `nested` are the columns of a Parquet file whose values are no single value. Of such a file `columns` is the select
    list and `declared` the types of its columns; both are empty for text. `is_open` says that the query reads a text file,
    of which `blanks` are the blank lines and `rejects_table` will have the refused ones.
    """

    query: str
    header: tuple[str, ...]
    line_count: int
    rejects_table: str | None
    nested: frozenset[str] = frozenset()
    columns: str = ""
    declared: tuple[tuple[str, str], ...] = ()
    blanks: tuple[int, ...] = ()
    is_open: bool = False


def stem(name: str) -> str | None:
    """The table that a file name stands for, or None for a name that is no input file; endings in whatever case."""
    for suffix in (*SUFFIXES, WORKBOOK):
        if name.lower().endswith(suffix):
            table = name[: -len(suffix)]
            return table if suffix != WORKBOOK or table in SHEET_TABLES else None
    return None


def is_part(table: str, name: str) -> bool:
    """Whether a file of this name in the table's own folder is a part of it, whatever it is called."""
    endings = (*SUFFIXES, WORKBOOK) if table in SHEET_TABLES else SUFFIXES
    return not name.startswith(LOCKS) and name.lower().endswith(endings)


def files_of_folder(folder: Path, names: set[str]) -> Folder:
    """Sort an input folder into tables (one file or one folder each) and names that are ignored.

    Args:
        folder: The input folder.
        names: Tables of the layout.

    Raises:
        InputError: The folder is absent, or one table is there in two forms.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: found no such folder; a folder of input tables is expected")
    forms: dict[str, list[tuple[InputFile, ...]]] = {}
    ignored: list[str] = []
    try:
        for entry in sorted(folder.iterdir()):
            if entry.name == DONE_MARKER or entry.name.startswith((*LOCKS, *LEFT_BY_DESKTOPS)):
                continue
            table, files = _form_of(entry, names)
            if files:
                forms.setdefault(table, []).append(files)
            taken = {file.path for file in files}
            parts = entry.iterdir() if table and entry.is_dir() else [entry]
            ignored.extend(
                one_line(p.relative_to(folder).as_posix())
                for p in sorted(parts)
                if p not in taken and (p == entry or not p.name.startswith((".", *LOCKS)))
            )
    except OSError as error:
        raise InputError(
            f"{one_line(str(folder))}: cannot be listed ({error.strerror}); readable folders are expected"
        ) from error
    for table, found in forms.items():
        if len(found) > 1:
            labels = ", ".join(sorted(files[0].label for files in found))
            raise InputError(f"{table}: found in {len(found)} forms ({labels}); one file or one folder is allowed")
    return Folder({table: found[0] for table, found in forms.items()}, tuple(ignored))


def _form_of(entry: Path, names: set[str]) -> tuple[str, tuple[InputFile, ...]]:
    """The table that an entry of the input folder is a form of, empty for none, and its files.

    Raises:
        InputError: The entry bears a table's name and cannot be its file or its folder.
    """
    table = stem(entry.name)
    if entry.name.startswith("."):
        return "", ()
    if table in names:
        return table, (input_file(entry, entry.name),)
    if entry.name not in names:
        return "", ()
    if not entry.is_dir():
        raise InputError(
            f"{entry.name}: found a file without an ending, or a link to nothing; {entry.name}{SUFFIXES[0]}, .csv or "
            ".csv.gz, or a folder of such files, is expected"
        )
    parts = sorted(p for p in entry.iterdir() if not p.name.startswith(".") and is_part(entry.name, p.name))
    return entry.name, tuple(input_file(p, f"{entry.name}/{p.name}") for p in parts)


def input_file(path: Path, label: str) -> InputFile:
    """A file of an input table.

    Raises:
        InputError: It is none that can be read from beginning to end, or its name is no text.
    """
    label = one_line(label)
    if path.is_dir():
        raise InputError(f"{label}: found a folder; a file of this name is expected, or a folder named for its table")
    if not path.is_file():
        raise InputError(f"{label}: found a link to nothing, a pipe or a device; an ordinary file is expected")
    try:
        os.fspath(path).encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{label}: found a file name that is not UTF-8; another name is expected") from error
    return InputFile(path, label)


def land(
    con: duckdb.DuckDBPyConnection,
    file: InputFile,
    number: int,
    delimiter: str = ",",
    quote: str = '"',
    expansion_ratio: int = EXPANSION_RATIO,
) -> Landed:
    """Make one file readable as rows, as often as they are asked for: as `open_rows`, of a text file a copy, settled.

    Raises:
        InputError: The file cannot be read as its kind promises.
    """
    landed = open_rows(con, file, number, delimiter, quote, expansion_ratio)
    if not landed.is_open:
        return landed
    name = f"landing_{number}"
    with reading(file):
        con.execute(f"create or replace temp table {name} as {landed.query}")
    [[rows]] = con.execute(f"select count(*) from {name}").fetchall()
    refused = settle(con, file, landed, name, rows)
    rejects_table = landed.rejects_table if refused else None
    return replace(landed, query=f"select * from {name}", rejects_table=rejects_table, is_open=False)


def open_rows(
    con: duckdb.DuckDBPyConnection,
    file: InputFile,
    number: int,
    delimiter: str = ",",
    quote: str = '"',
    expansion_ratio: int = EXPANSION_RATIO,
) -> Landed:
    """Make one file readable as rows: a query with its columns in lower case plus BIGINT `line_number`.

    Text files yield VARCHAR columns, and are read by the query, which may run once; `settle` then accounts for their
    lines. Parquet keeps the types that it declares.

    Args:
        con: Connection to the working warehouse.
        file: The file.
        number: A number unique to the file within this load; names its landing and rejects tables.
        delimiter: Field separator of text files in this layout.
        quote: Quote character of text files in this layout; empty where quotes are ordinary characters.
        expansion_ratio: How many times its own size a compressed file may unpack to.

    Raises:
        InputError: The file cannot be read as its kind promises.
    """
    with reading(file):
        if file.is_parquet:
            return _land_parquet(con, file, expansion_ratio)
        if file.is_workbook:
            return _land_workbook(con, file, number)
        return _open_csv(con, file, number, delimiter, quote, expansion_ratio)


@contextmanager
def reading(file: InputFile) -> Iterator[None]:
    """What the engine and the system say of a file that they cannot read, as one line that quotes no value from it."""
    try:
        yield
    except duckdb.Error as error:
        refuse_for_machine(error, file.label)
        # What is wrong with our own query is no fault of the file.
        if not is_of_file(error):
            raise
        kind = "Parquet" if file.is_parquet else "CSV"
        raise InputError(f"{file.label}: not readable as {kind}; {_kind(error)}") from error
    except (OSError, EOFError, UnicodeDecodeError, zlib.error, pa.ArrowException) as error:
        refuse_for_machine(error, file.label)
        raise InputError(f"{file.label}: not readable; a complete, readable file is expected") from error


def is_of_file(error: duckdb.Error) -> bool:
    """Whether an engine error tells of bytes that it read; a broken Parquet footer is told by the base class."""
    return type(error) is duckdb.Error or isinstance(
        error, (duckdb.IOException, duckdb.InvalidInputException, duckdb.SerializationException)
    )


def _kind(error: duckdb.Error) -> str:
    """What an engine error says of the file, without quoting a value from it."""
    text = str(error)
    if "state machine" in text:
        return "one kind of line end and RFC 4180 quoting are expected"
    if "encoding" in text:
        return "UTF-8 text in every value is expected"
    return "a complete file of that format is expected"


def _land_parquet(con: duckdb.DuckDBPyConnection, file: InputFile, expansion_ratio: int) -> Landed:
    # DuckDB renames a second column of the same name without a word; the file's own schema does not.
    try:
        metadata = pq.read_metadata(file.path)
        refuse_repeats(file, tuple(metadata.schema.to_arrow_schema().names))
    except pa.ArrowException as error:
        refuse_for_machine(error, file.label)
        raise InputError(
            f"{file.label}: not readable as Parquet; a complete file of that format is expected"
        ) from error
    # A billion equal values take a few bytes: one byte each is the least that they will be.
    refuse_bomb(file, metadata.num_rows * metadata.num_columns, expansion_ratio)
    source = parquet_source([file], metadata.num_rows)
    for name in metadata.schema.to_arrow_schema().names:
        if name.lower() in ENGINE_COLUMNS:
            raise InputError(f"{file.label}: found a column {name.lower()}; another name is expected")
    types = {row[0]: row[1] for row in con.execute(f"describe select * from {source}").fetchall()}
    own = {n: kind for n, kind in types.items() if n.lower() not in ADDED_COLUMNS}
    columns = [f"{identifier(n)} as {identifier(n.lower())}" for n in own]
    select_list = ", ".join([*columns, "(file_row_number + 1)::bigint as line_number"])
    nested = frozenset(n.lower() for n, kind in types.items() if kind.endswith("]") or kind.startswith(NO_VALUE))
    header, declared = tuple(n.lower() for n in types), tuple((n.lower(), kind) for n, kind in own.items())
    query = f"select {select_list} from {source}"
    return Landed(query, header, metadata.num_rows, None, nested, select_list, declared)


def parquet_source(files: Sequence[InputFile], rows: int) -> str:
    """Parquet files of one shape, in this order, as a table of the engine: so many rows, `ENGINE_COLUMNS` when asked for."""
    paths = ", ".join(sql_path(file.path) for file in files)
    # A folder named `state=TX` above a file is no column of it; a small first file does not stand for the size of all.
    options = f"hive_partitioning = false, binary_as_string = true, explicit_cardinality = {max(rows, 1)}"
    return f"read_parquet([{paths}], {options})"


def _land_workbook(con: duckdb.DuckDBPyConnection, file: InputFile, number: int) -> Landed:
    """The first sheet, its first row the header; dates as ISO text, numbers as they were typed, empty rows left out."""
    rows = next(iter(read_sheets(file.path, file.label, LARGEST_WORKBOOK).values()), [])
    cells = [[cell_text(value) for value in row] for row in rows]
    width = max((at + 1 for row in cells for at, text in enumerate(row) if text), default=0)
    names = tuple((text or "").lower() for text in cells[0][:width]) if width else ()
    if not names:
        raise InputError(f"{file.label}: found an empty file; a header line is expected")
    if "" in names:
        raise InputError(
            f"{file.label}: the header has {names.count('')} columns without a name; a name each is expected"
        )
    refuse_repeats(file, names)
    filled = [(*row[:width], line) for line, row in enumerate(cells[1:], start=2) if any(row)]
    columns = list(zip(*filled, strict=True)) or [()] * (width + 1)
    table = pa.table(
        [*(pa.array(column, pa.string()) for column in columns[:-1]), pa.array(columns[-1], pa.int64())],
        names=[*names, "line_number"],
    )
    con.register("workbook", table)
    con.execute(f"create or replace temp table landing_{number} as select * from workbook")
    con.unregister("workbook")
    return Landed(f"select * from landing_{number}", names, len(filled), None)


def cell_text(value: Any) -> str | None:
    """A cell of a workbook as the text that was typed, None where it is empty."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip() or None


def _open_csv(
    con: duckdb.DuckDBPyConnection, file: InputFile, number: int, delimiter: str, quote: str, expansion_ratio: int
) -> Landed:
    header, lines, blanks = scan_lines(file, delimiter, quote, expansion_ratio)
    name = f"landing_{number}"
    con.execute(f"drop table if exists {name}_rejects; drop table if exists {name}_scans")
    kept = "".join(f"{identifier(column)}, " for column in header if column not in ADDED_COLUMNS)
    # The header is a line, and lines that are no rows are told only when all are read: `settle` has the last word.
    query = (
        f"select {kept}row_number() over () + 1 as line_number from {reader(file.path, header, delimiter, quote, name)}"
    )
    return Landed(query, header, lines - 1 - len(blanks), f"{name}_rejects", blanks=tuple(blanks), is_open=True)


def settle(
    con: duckdb.DuckDBPyConnection, file: InputFile, landed: Landed, table: str, rows: int, base: int = 0
) -> int:
    """Account for every line of an open file, and give its rows in a table the numbers of their lines.

    Args:
        con: Connection to the working warehouse.
        file: The file.
        landed: What `open_rows` told of it.
        table: The table that its rows went to, with their `line_number`.
        rows: How many those are.
        base: The `row_id` that comes before all of them; 0 where the table holds nothing else.

    Returns:
        How many lines the reader refused.

    Raises:
        InputError: Rows and refused lines are not all its lines, or too many are refused.
    """
    with reading(file):
        refused, gaps = gaps_of(con, file, f"{landed.rejects_table}", landed.blanks, landed.line_count, rows)
        renumber(con, table, gaps, base)
    return refused
