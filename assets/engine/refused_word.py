"""What can be read of rows and lines that the door refuses where they carry words of people: it holds contact back.

A line that is no row is read again cell by cell: cut or padded to the header, quotes as they come. Cells of a report may
have moved, so that an outcome against which nobody may be called counts wherever it stands beside a gap (rules 6.2, 6.7).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import product
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from assets.engine import door
from assets.engine.contract import Contract, contract_for
from assets.engine.outreach_registry import meant_outcome, read_outreach_outcomes
from assets.engine.registry import read_families
from assets.engine.value import AROUND_IDS

if TYPE_CHECKING:
    from assets.engine.landing import InputFile, Landed

# A refused row of these may still say that somebody must not be called: what of it can be read is kept.
WORD_TABLES = ("member_consent", "member_preference", "outreach_outcome")

GAP_ID = re.compile("[0-9a-f]{16}")
MOST_TOLD = 50
IDS = {"person_id", "scope"}

Cells = Sequence[str]


def create(con: duckdb.DuckDBPyConnection, table: str) -> None:
    """Make the empty table of a table's refused words."""
    con.execute(f"create or replace table door.{table}_refused_word ({contract_for('raw', 'refused_word').ddl()})")


def keep(con: duckdb.DuckDBPyConnection, contract: Contract, refused: str) -> None:
    """Keep what can be read of a query of refused rows, typed, that name a member or a gap."""
    table = contract.key[1]
    columns = contract_for("raw", "refused_word").columns
    told = ", ".join(f'"{name}"' for name in columns if name in contract.columns)
    named = " or ".join(f"{name} is not null" for name in ("person_id", "gap_id") if name in contract.columns)
    con.execute(
        f"insert into door.{table}_refused_word by name select distinct '{table}' as source_table, {told} "
        f"from ({refused}) where {named}"
    )


def read_again(con: duckdb.DuckDBPyConnection, contract: Contract, file: InputFile, landed: Landed) -> None:
    """Read the lines of a landed text file once more that the engine refused: its rejects table names them."""
    if landed.rejects_table is None:
        return
    refused = {line for (line,) in con.execute(f"select distinct line from {landed.rejects_table}").fetchall()}
    if not refused:
        return
    with file.open() as stream:
        lines = [
            (number, readings(as_text(line), ",")) for number, line in enumerate(stream, start=1) if number in refused
        ]
    tell_unread(con, contract, file.label, keep_lines(con, contract, landed.header, lines))


def as_text(line: bytes) -> str:
    """A line as text, whatever its bytes: those that are not UTF-8 are most often of an older Windows."""
    try:
        return line.decode("utf-8").strip("\r\n")
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace").strip("\r\n")


def readings(line: str, delimiter: str) -> list[list[str]]:
    """The cells of a line, in each way that it can be read: its quotes as the format has them, and as they come."""
    found = []
    if '"' in line:
        try:
            found += [cells for cells in csv.reader([line], delimiter=delimiter, strict=True) if cells]
        except csv.Error:
            found.clear()
    return [*found, line.replace('"', "").split(delimiter)]


def keep_lines(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    header: Cells,
    lines: Iterable[tuple[int, list[list[str]]]],
) -> list[int]:
    """Keep what can be read of lines that are no rows, and return the numbers of those that say something unheard.

    Args:
        con: Connection to the working warehouse.
        contract: The input table's contract.
        header: The file's names by their places, in lower case; empty where it has none.
        lines: Numbers of lines, and their cells in each way that they can be read.
    """
    words, unread = [], []
    for number, found in lines:
        told = _outcomes(header, found) if "outcome_code" in contract.columns else _wishes(contract, header, found)
        words += told
        if not told and not _is_silent(contract, header, found[0]):
            unread.append(number)
    if words:
        names = contract.columns
        columns = [pa.array([word.get(name) for word in words], pa.string()) for name in names]
        con.register("words", pa.table(columns, names=names))
        landed = "select *, '' as source_file, 0::bigint as line_number, 0::bigint as row_id from words"
        keep(con, contract, door.typed_select(contract, landed, dict.fromkeys(names, "VARCHAR")))
        con.unregister("words")
    return unread


def tell_unread(con: duckdb.DuckDBPyConnection, contract: Contract, label: str, lines: Sequence[int]) -> None:
    """Count lines of a file that say something nobody could read, and word the warning about them."""
    if not lines:
        return
    told = ", ".join(map(str, lines[:MOST_TOLD]))
    more = f" and {len(lines) - MOST_TOLD} more" if len(lines) > MOST_TOLD else ""
    text = f"{label}: nothing can be read of line {told}{more}; look there for a wish not to be contacted"
    tell(con, contract, "unread_line", text, len(lines))


def tell(con: duckdb.DuckDBPyConnection, contract: Contract, measure: str, text: str, rows: int) -> None:
    """Count something that the manifest warns of, in these words."""
    table = contract.key[1]
    con.execute(f"insert into door.{table}_count values (?, ?, ?, ?)", [table, measure, text, rows])


def warnings(con: duckdb.DuckDBPyConnection) -> list[str]:
    """What the manifest says of files that were set aside and of lines of which nothing could be read."""
    return [
        text
        for (text,) in con.execute(
            "select detail from raw.ingested where measure in ('set_aside', 'unread_line') order by all"
        ).fetchall()
    ]


def _is_silent(contract: Contract, header: Cells, cells: Cells) -> bool:
    """Whether nobody filled the line in: nothing in the columns that a report needs, and nothing beyond the header."""
    told = dict(zip(header, cells, strict=False)) if contract.table.blank_without else {}
    asked = [told.get(name, "") for name in contract.table.blank_without] if told else cells
    return not any(text.strip() for text in [*asked, *cells[len(header) :]])


def _at(header: Cells, cells: Cells, name: str) -> list[str]:
    """What may stand in a column: counted from the left and, where the line has more or fewer cells, from the right."""
    if name not in header:
        return []
    at, moved = header.index(name), len(cells) - len(header)
    # What is free of commas moves nothing behind it.
    places = {at} if IDS.issuperset(header[:at]) else {at, at + moved}
    return [text for place in sorted(places) if 0 <= place < len(cells) and (text := cells[place].strip())]


def _wishes(contract: Contract, header: Cells, found: Iterable[Cells]) -> list[dict[str, str]]:
    """The members, and of a consent the scopes, that a line may be about."""
    names = [name for name in ("person_id", "scope") if name in contract.columns]
    words = [
        dict(zip(names, values, strict=True))
        for cells in found
        for values in product(*(_at(header, cells, name) for name in names))
    ]
    return list({tuple(word.items()): word for word in words}.values())


def _outcomes(header: Cells, found: Sequence[Cells]) -> list[dict[str, str | None]]:
    """What a line reports: by its columns, and the outcomes nobody may be called against wherever they stand."""
    words = next(_by_columns(header, found), [])
    heard = {(word["outcome_code"], word["gap_id"]) for word in words}
    return [
        *words,
        *(word for word in _anywhere(header, found) if (word["outcome_code"], word.get("gap_id")) not in heard),
    ]


def _by_columns(header: Cells, found: Iterable[Cells]) -> Iterator[list[dict[str, str | None]]]:
    for cells in found:
        told: dict[str, str | None] = {name: text for name, text in zip(header, cells, strict=False) if name}
        code, gap_id = _outcome(told.get("outcome_code")), _gap_id(told.get("gap_id"))
        if code and (gap_id or (told.get("person_id") or "").strip()):
            yield [{**told, "outcome_code": code, "gap_id": gap_id}]


def _anywhere(header: Cells, found: Sequence[Cells]) -> list[dict[str, str | None]]:
    texts = {text.strip() for cells in found for text in cells}
    outcomes = read_outreach_outcomes()
    codes = sorted({code for text in texts if (code := _outcome(text)) and outcomes[code].binding})
    gaps = sorted({gap_id for text in texts if (gap_id := _gap_id(text))})
    if gaps:
        return [{"outcome_code": code, "gap_id": gap_id} for code, gap_id in product(codes, gaps)]
    gap_codes = sorted({_code(text) for text in texts} & _gap_codes())
    members = {text for cells in found for text in _between(header, cells, "person_id")}
    members = sorted(text for text in members if _code(text) not in _gap_codes() and not _outcome(text))
    return [
        {"outcome_code": code, "person_id": person, "gap_code": gap_code}
        for code, person, gap_code in product(codes, members, gap_codes)
    ]


def _between(header: Cells, cells: Cells, name: str) -> list[str]:
    """What may stand in a column when cells were lost or added before it or behind it."""
    if name not in header:
        return []
    first, last = sorted((header.index(name), header.index(name) + len(cells) - len(header)))
    return [text for cell in cells[max(0, first) : last + 1] if (text := cell.strip())]


def _outcome(text: str | None) -> str | None:
    """The registered outcome that a text means; what lifts a hold is heard from a sound line alone."""
    code = meant_outcome(text or "")
    return code if code and not read_outreach_outcomes()[code].lifts else None


@cache
def _gap_codes() -> frozenset[str]:
    """The codes that lists show, and those that public ones stand for."""
    codes = {code: entry for family in read_families().values() for code, entry in family.codes.items()}
    return frozenset(codes) | {entry.public_code for entry in codes.values() if entry.public_code}


def _code(text: str | None) -> str:
    """A code as the door reads one."""
    return (text or "").strip().upper().replace("-", "_").replace(" ", "_")


def _gap_id(text: str | None) -> str | None:
    plain = (text or "").strip(AROUND_IDS).lower()
    return plain if GAP_ID.fullmatch(plain) else None
