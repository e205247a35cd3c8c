"""Files that people filled in and sent back: read as far as they can be, and set aside where they cannot.

A pharmacy's file that no program would write must not keep the lists from all others, and may hold an opt-out. What the
engine refuses is read once more, in memory: with semicolons or tabs, as UTF-16, with mixed line ends, with a title above
the header, with columns that have no name. A file without its header is set aside, and the manifest says so.
"""

from __future__ import annotations

import csv
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import duckdb
import pyarrow as pa

from assets.engine import refused_word
from assets.engine.contract import Contract
from assets.engine.errors import InputError
from assets.engine.landing import ADDED_COLUMNS, LARGEST_WORKBOOK, InputFile, Landed, cell_text, reading
from assets.engine.text_file import MOST_REFUSED
from assets.engine.workbook import read_sheets

DELIMITERS = ",;\t|"
LINE_END = re.compile("\r\n|\n|\r")
# Above its header a sheet may have a title and what a spreadsheet says of its delimiter.
MOST_TITLES = 20
# What `errors="surrogateescape"` makes of a byte that is no text.
NO_TEXT = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True)
class Line:
    """One line behind the header: its cells, each way in which it can be read, and what is wrong with it."""

    number: int
    cells: Sequence[str]
    readings: list[list[str]]
    fault: str | None = None


@dataclass(frozen=True)
class Table:
    """The lines of a file by its header, whose names are in lower case and empty where a column has none."""

    header: tuple[str, ...]
    lines: list[Line]


def as_copy(con: duckdb.DuckDBPyConnection, file: InputFile, landed: Landed, number: int) -> Landed:
    """A landed file as rows of its own: one that is damaged further down is known before any row is taken in.

    Raises:
        InputError: It cannot be read to its end.
    """
    if not file.is_parquet:
        return landed
    with reading(file):
        con.execute(f"create or replace temp table landing_{number} as {landed.query}")
    return replace(landed, query=f"select * from landing_{number}")


def mend(
    con: duckdb.DuckDBPyConnection, contract: Contract, file: InputFile, number: int, refusal: InputError
) -> Landed | None:
    """Read a file once more that was refused; None where it is set aside, its words kept as far as they can be read.

    Args:
        con: Connection to the working warehouse, outside a transaction.
        contract: The input table's contract.
        file: The file.
        number: A number unique to the file within this load.
        refusal: Why it was refused.
    """
    required = {p.name for p in contract.properties if p.is_column_required}
    try:
        sheets = _pages(file)
    except (InputError, OSError, EOFError, zlib.error):
        sheets = []
    found = next((table for page in sheets if (table := _table(page, required, contract.columns))), None)
    if found is None or sum(line.fault is not None for line in found.lines) > MOST_REFUSED:
        _set_aside(con, contract, file, refusal, sheets)
        return None
    refused = [line for line in found.lines if line.fault]
    lines = [(line.number, line.readings) for line in refused]
    refused_word.tell_unread(con, contract, file.label, refused_word.keep_lines(con, contract, found.header, lines))
    return _landed(con, number, found)


def _set_aside(
    con: duckdb.DuckDBPyConnection, contract: Contract, file: InputFile, refusal: InputError, pages: list[list[Line]]
) -> None:
    filled = [line for page in pages for line in page if any(text.strip() for text in line.cells)]
    unread = refused_word.keep_lines(con, contract, (), [(line.number, line.readings) for line in filled])
    reason = str(refusal).removeprefix(f"{file.label}: ")
    told = f"{len(filled) - len(unread)} of its {len(filled)} lines still hold contact back, the others tell nothing"
    text = f"{file.label}: the file is set aside: {reason}; {told if filled else 'none of its lines can be read'}"
    refused_word.tell(con, contract, "set_aside", text, 1)


def _pages(file: InputFile) -> list[list[Line]]:
    """The lines of a file, or of each sheet of a workbook, split where any delimiter stands; none of a large file."""
    if file.is_parquet:
        return []
    if file.is_workbook:
        sheets = read_sheets(file.path, file.label, LARGEST_WORKBOOK)
        rows = [[[cell_text(value) or "" for value in row] for row in sheet] for sheet in sheets.values()]
        return [[Line(at, cells, [cells]) for at, cells in enumerate(sheet, start=1)] for sheet in rows]
    content = b""
    for block in file.blocks():
        content += block
        if len(content) > LARGEST_WORKBOOK:
            return []
    lines = LINE_END.split(_decoded(content))
    return [[Line(at, [line], [_split(line)]) for at, line in enumerate(lines, start=1)]]


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    if b"\x00" in content[:4]:
        return content.decode("utf-16-le" if content[1:2] == b"\x00" else "utf-16-be", "replace")
    return content.decode("utf-8", "surrogateescape").lstrip("\ufeff")


def _split(line: str) -> list[str]:
    return re.split(f"[{DELIMITERS}]", _clean(line).replace('"', ""))


def _clean(text: str) -> str:
    """A text in which bytes that are not UTF-8 are taken for those of an older Windows."""
    return refused_word.as_text(text.encode("utf-8", "surrogateescape")) if NO_TEXT.search(text) else text


def _table(page: list[Line], required: set[str], columns: Sequence[str]) -> Table | None:
    """The table of a page from its header on, which has every column that is required and none that is read twice."""
    for at, line in enumerate(page[:MOST_TITLES]):
        is_sheet = len(line.cells) != 1
        for delimiter in DELIMITERS:
            cells = line.cells if is_sheet else refused_word.readings(_clean(line.cells[0]), delimiter)[0]
            header = tuple(re.sub("[ -]+", "_", name.strip().lower()) for name in cells)
            if required <= set(header) and not any(header.count(name) > 1 for name in columns):
                behind = page[at + 1 :]
                return Table(header, behind if is_sheet else _records(behind, len(header), delimiter))
    return None


def _records(lines: list[Line], width: int, delimiter: str) -> list[Line]:
    """Lines of text as lines of cells; a cell whose quotes hold a line break spans several."""
    records: list[Line] = []
    reader = csv.reader((f"{line.cells[0]}\n" for line in lines), delimiter=delimiter, strict=True)
    done, is_sound = 0, True
    try:
        for cells in reader:
            is_sound = is_sound and not _has_swallowed(cells, width, delimiter)
            records.append(_record(lines[done].number, cells, [cells], width))
            done = reader.line_num
    except csv.Error:
        is_sound = False
    return records if is_sound else [_single(line.number, line.cells[0], width, delimiter) for line in lines]


def _has_swallowed(cells: Sequence[str], width: int, delimiter: str) -> bool:
    """Whether a quote that was never closed took rows in: a line within the cell has as many delimiters as they."""
    parts = (part for text in cells if "\n" in text for part in text.split("\n"))
    return any(part.count(delimiter) >= width - 1 for part in parts)


def _single(number: int, text: str, width: int, delimiter: str) -> Line:
    """A line of text by itself, in a file whose quotes do not close."""
    found = refused_word.readings(_clean(text), delimiter)
    record = _record(number, found[0], found, width)
    fault = (
        "INVALID ENCODING" if NO_TEXT.search(text) else "UNQUOTED VALUE" if '"' in text and len(found) == 1 else None
    )
    return replace(record, fault=fault) if fault else record


def _record(number: int, cells: Sequence[str], found: list[list[str]], width: int) -> Line:
    """Cells of a line, with what the door says of it; empty ones beyond the header are none."""
    beyond = any(text.strip() for text in cells[width:])
    fault = "TOO MANY COLUMNS" if beyond else "MISSING COLUMNS" if len(cells) < width and any(cells) else None
    if any(NO_TEXT.search(text) for text in cells):
        fault = "INVALID ENCODING"
        found = [[_clean(text) for text in cells] for cells in found]
    return Line(number, cells, found, fault)


def _landed(con: duckdb.DuckDBPyConnection, number: int, found: Table) -> Landed:
    rows = [line for line in found.lines if not line.fault and any(text.strip() for text in line.cells)]
    refused = [line for line in found.lines if line.fault]
    texts: dict[str, list[str]] = {}
    for at, name in enumerate(found.header):
        column = [line.cells[at] if at < len(line.cells) else "" for line in rows]
        # A column without a name is ignored as one that nobody knows; of two unknown ones of a name the last is told.
        if name or any(text.strip() for text in column):
            texts[name or f"nameless_{at + 1}"] = column
    columns = {name: pa.array(column, pa.string()) for name, column in texts.items() if name not in ADDED_COLUMNS}
    columns["line_number"] = pa.array([line.number for line in rows], pa.int64())
    landing, rejects = f"landing_{number}", f"landing_{number}_rejects"
    _store(con, landing, pa.table(columns))
    con.execute(f"drop table if exists {rejects}")
    _store(
        con, rejects, pa.table({"line": [r.number for r in refused], "error_type": [r.fault or "" for r in refused]})
    )
    return Landed(f"select * from {landing}", tuple(texts), len(rows) + len(refused), rejects if refused else None)


def _store(con: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> None:
    con.register("sent_back", rows)
    con.execute(f"create or replace temp table {name} as select * from sent_back")
    con.unregister("sent_back")
