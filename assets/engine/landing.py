"""Input files as rows of text: which files a folder holds, and one file read without losing a line.

Nothing is typed here. A CSV file whose physical lines do not add up to rows plus refused lines is not read at all:
an unclosed quote swallows good rows silently, and nothing else tells.
"""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from assets.engine.errors import InputError

SUFFIXES = (".parquet", ".csv", ".csv.gz")
WORKBOOK = ".xlsx"
# Tables that people fill in: for these a workbook is a form of the table too.
SHEET_TABLES = ("outreach_outcome",)
LARGEST_WORKBOOK = 1 << 26
DONE_MARKER = ".done"
BLOCK = 1 << 22
LONGEST_LINE = 1 << 24

# What DuckDB calls a line that it refuses, in the words of `raw.rejected`.
LINE_REASONS = {
    "MISSING COLUMNS": "too_few_columns",
    "TOO MANY COLUMNS": "too_many_columns",
    "INVALID ENCODING": "invalid_encoding",
    "UNQUOTED VALUE": "invalid_quoting",
    "LINE SIZE OVER MAXIMUM": "line_too_long",
}


@dataclass(frozen=True)
class InputFile:
    """One file of one input table; `label` is its path relative to the input folder."""

    path: Path
    label: str

    @property
    def is_parquet(self) -> bool:
        """Whether the file is Parquet rather than text."""
        return self.path.suffix == ".parquet"

    @property
    def is_workbook(self) -> bool:
        """Whether the file is a spreadsheet's own."""
        return self.path.suffix == WORKBOOK

    def open(self) -> BinaryIO:
        """The file's bytes, unzipped."""
        return gzip.open(self.path, "rb") if self.path.suffix == ".gz" else self.path.open("rb")  # type: ignore[return-value]

    def blocks(self) -> Iterator[bytes]:
        """The file's bytes, a few megabytes at a time."""
        with self.open() as stream:
            while block := stream.read(BLOCK):
                # A Windows line end is never cut in two.
                yield block + stream.read(1) if block.endswith(b"\r") else block


@dataclass(frozen=True)
class Folder:
    """What an input folder holds: the files of each table, and the names that belong to none."""

    tables: dict[str, tuple[InputFile, ...]]
    ignored: tuple[str, ...]


@dataclass(frozen=True)
class Landed:
    """One file in the warehouse, as text: the query that yields it and the lines that never became rows."""

    query: str
    header: tuple[str, ...]
    line_count: int
    rejects_table: str | None


def stem(name: str) -> str | None:
    """The table that a file name stands for, or None for a name that is no input file."""
    for suffix in (*SUFFIXES, WORKBOOK):
        if name.endswith(suffix):
            table = name.removesuffix(suffix)
            return table if suffix != WORKBOOK or table in SHEET_TABLES else None
    return None


def is_part(table: str, name: str) -> bool:
    """Whether a file of this name in the table's own folder is a part of it, whatever it is called."""
    # What a spreadsheet program leaves beside a file that somebody has open is none.
    return not name.startswith("~$") and name.endswith((*SUFFIXES, WORKBOOK) if table in SHEET_TABLES else SUFFIXES)


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
    ignored = []
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"{folder}: cannot be listed ({error.strerror}); a readable folder is expected") from error
    for entry in entries:
        table = entry.name if entry.is_dir() else stem(entry.name)
        if entry.name == DONE_MARKER:
            continue
        if entry.name.startswith(".") or table not in names:
            ignored.append(entry.name)
        elif entry.is_dir():
            parts = [p for p in sorted(entry.iterdir()) if not p.name.startswith(".")]
            files = tuple(
                InputFile(p, f"{entry.name}/{p.name}") for p in parts if p.is_file() and is_part(entry.name, p.name)
            )
            ignored.extend(f"{entry.name}/{p.name}" for p in parts if not (p.is_file() and is_part(entry.name, p.name)))
            if files:
                forms.setdefault(table, []).append(files)
        else:
            forms.setdefault(table, []).append((InputFile(entry, entry.name),))
    for table, found in forms.items():
        if len(found) > 1:
            labels = ", ".join(sorted(files[0].label for files in found))
            raise InputError(f"{table}: found in {len(found)} forms ({labels}); one file or one folder is allowed")
    return Folder({table: found[0] for table, found in forms.items()}, tuple(ignored))


def land(
    con: duckdb.DuckDBPyConnection, file: InputFile, number: int, delimiter: str = ",", quote: str = '"'
) -> Landed:
    """Make one file readable as rows: a query with its columns in lower case plus BIGINT `line_number`.

    Text files yield VARCHAR columns; Parquet keeps the types that it declares.

    Args:
        con: Connection to the working warehouse.
        file: The file.
        number: A number unique to the file within this load; names its landing and rejects tables.
        delimiter: Field separator of text files in this layout.
        quote: Quote character of text files in this layout; empty where quotes are ordinary characters.

    Raises:
        InputError: The file cannot be read as its kind promises.
    """
    try:
        if file.is_parquet:
            return _land_parquet(con, file)
        if file.is_workbook:
            return _land_workbook(con, file, number)
        return _land_csv(con, file, number, delimiter, quote)
    except duckdb.Error as error:
        raise InputError(
            f"{file.label}: not readable as {'Parquet' if file.is_parquet else 'CSV'}; {_kind(error)}"
        ) from error
    except (OSError, EOFError, gzip.zlib.error) as error:  # type: ignore[attr-defined]
        raise InputError(f"{file.label}: not readable; a complete, readable file is expected") from error


def _kind(error: duckdb.Error) -> str:
    """What an engine error says of the file, without quoting a value from it."""
    text = str(error)
    if "state machine" in text:
        return "one kind of line end and RFC 4180 quoting are expected"
    return "a complete file of that format is expected"


def _land_parquet(con: duckdb.DuckDBPyConnection, file: InputFile) -> Landed:
    source = f"read_parquet({_literal(str(file.path))}, file_row_number = true)"
    # DuckDB renames a second column of the same name without a word; the file's own schema does not.
    try:
        _refuse_repeats(file, tuple(pq.read_schema(file.path).names))
    except pa.ArrowException as error:
        raise InputError(
            f"{file.label}: not readable as Parquet; a complete file of that format is expected"
        ) from error
    described = con.execute(f"describe select * from {source}").fetchall()
    names = tuple(row[0] for row in described if row[0] != "file_row_number")
    [[rows]] = con.execute(f"select count(*) from {source}").fetchall()
    columns = ", ".join(f"{_identifier(n)} as {_identifier(n.lower())}" for n in names)
    query = f"select {columns}, (file_row_number + 1)::bigint as line_number from {source}"
    return Landed(query, tuple(n.lower() for n in names), rows, None)


def _land_workbook(con: duckdb.DuckDBPyConnection, file: InputFile, number: int) -> Landed:
    """The first sheet, its first row the header; dates as ISO text, numbers as they were typed, empty rows left out."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with zipfile.ZipFile(file.path) as parts:
            if sum(part.file_size for part in parts.infolist()) > LARGEST_WORKBOOK:
                raise InputError(f"{file.label}: found more than 64 MB in the workbook; an outcome sheet is expected")
        rows = CalamineWorkbook.from_path(str(file.path)).get_sheet_by_index(0).to_python(skip_empty_area=False)
    except (CalamineError, zipfile.BadZipFile, IndexError) as error:
        raise InputError(
            f"{file.label}: not readable as a workbook; an .xlsx file without a password is expected"
        ) from error
    cells = [[_cell_text(value) for value in row] for row in rows]
    width = max((at + 1 for row in cells for at, text in enumerate(row) if text), default=0)
    names = tuple((text or "").lower() for text in cells[0][:width]) if width else ()
    if not names:
        raise InputError(f"{file.label}: found an empty file; a header line is expected")
    if "" in names:
        raise InputError(
            f"{file.label}: the header has {names.count('')} columns without a name; a name each is expected"
        )
    _refuse_repeats(file, names)
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


def _cell_text(value: Any) -> str | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip() or None


def _land_csv(con: duckdb.DuckDBPyConnection, file: InputFile, number: int, delimiter: str, quote: str) -> Landed:
    header, lines, blanks = _scan_lines(file, delimiter)
    source = f"landing_{number}"
    columns = ", ".join(f"{_literal(name)}: 'VARCHAR'" for name in header)
    con.execute(
        f"drop table if exists {source}_rejects; drop table if exists {source}_scans; drop table if exists {source}"
    )
    reader = (
        f"read_csv({_literal(str(file.path))}, auto_detect = false, header = true, columns = {{{columns}}}, "
        f"delim = {_literal(delimiter)}, quote = {_literal(quote)}, escape = {_literal(quote)}, strict_mode = true, "
        f"max_line_size = {LONGEST_LINE}, store_rejects = true, rejects_limit = 0, "
        f"rejects_table = '{source}_rejects', rejects_scan = '{source}_scans')"
    )
    con.execute(f"create temp table {source} as select *, row_number() over () as ordinal from {reader}")
    [[rows]] = con.execute(f"select count(*) from {source}").fetchall()
    refused = con.execute(f"select distinct line from {source}_rejects order by line").fetchall()
    gaps = sorted({line for (line,) in refused} | set(blanks))
    if rows + len(refused) != lines - 1 - len(blanks):
        raise InputError(
            f"{file.label}: {lines - 1 - len(blanks)} lines became {rows} rows and {len(refused)} refused lines; "
            "every line must be one row (look for an unclosed quote or a line break inside quotes)"
        )
    # A row's physical line is its ordinal, plus the header, plus the lines before it that are no rows.
    shifts = ", ".join(f"({line - i})" for i, line in enumerate(gaps)) or "(null)"
    query = (
        f"select {source}.* exclude (ordinal), ordinal + 1 + (select count(*) from (values {shifts}) as gap (line) "
        f"where gap.line <= ordinal + 1) as line_number from {source}"
        if gaps
        else f"select * exclude (ordinal), ordinal + 1 as line_number from {source}"
    )
    return Landed(query, header, rows + len(refused), f"{source}_rejects" if refused else None)


def refused_lines(rejects_table: str, table: str, label: str) -> str:
    """Query of the lines that the reader refused, as rows of `raw.rejected`; `label` is the file as a SQL literal."""
    cases = " ".join(f"when '{kind}' then '{reason}'" for kind, reason in LINE_REASONS.items())
    return (
        f"select '{table}', {label}, line, string_agg(reason, ';' order by reason) from (select distinct line, "
        f"case error_type {cases} else 'unreadable_line' end as reason from {rejects_table}) group by line"
    )


def _scan_lines(file: InputFile, delimiter: str) -> tuple[tuple[str, ...], int, list[int]]:
    """Header names in lower case, the number of physical lines, and the numbers of blank ones."""
    first, lines, blanks, tail, line_end = b"", 0, [], b"", b"\n"
    for block in file.blocks():
        if lines == 0 and not first:
            first = block.split(b"\n", 1)[0]
            if block.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in first:
                raise InputError(f"{file.label}: not UTF-8 text; UTF-8 with or without a byte order mark is expected")
        if b"\x00" in block:
            raise InputError(f"{file.label}: found NUL bytes; UTF-8 text is expected")
        joined = tail + block
        if (
            b"\n\n" in joined
            or b"\n\r\n" in joined
            or (joined.startswith((b"\n", b"\r\n")) and lines == 0 and not tail)
        ):
            # Rare: number the blank lines of this block one by one.
            number = lines if tail[-1:] != b"" else 0
            for at, line in enumerate(block.split(b"\n")[:-1]):
                is_start_of_line = at > 0 or not tail or tail.endswith(b"\n")
                if is_start_of_line and line.strip(b"\r") == b"":
                    blanks.append(number + at + 1)
        lines += block.count(line_end)
        tail = joined[-2:]
    if tail and not tail.endswith(b"\n"):
        lines += 1
    if lines == 0:
        raise InputError(f"{file.label}: found an empty file; a header line is expected")
    try:
        text = first.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{file.label}: the header is not UTF-8; UTF-8 text is expected") from error
    names = tuple(n.strip().lower() for n in next(csv.reader(io.StringIO(text), delimiter=delimiter), []))
    if len(names) <= 1:
        for other in ",|\t;":
            if other != delimiter and other in text:
                raise InputError(f"{file.label}: the header is separated by {other!r}; {delimiter!r} is expected")
    if not all(names):
        raise InputError(
            f"{file.label}: the header has {names.count('')} columns without a name; a name each is expected"
        )
    _refuse_repeats(file, names)
    return names, lines, blanks


def _refuse_repeats(file: InputFile, names: tuple[str, ...]) -> None:
    lower = [n.lower() for n in names]
    if repeats := sorted({n for n in lower if lower.count(n) > 1}):
        raise InputError(f"{file.label}: found {repeats} more than once in the header; each column once is expected")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
