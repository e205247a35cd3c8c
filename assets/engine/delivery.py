"""What pharmacies receive: one file per state as the record, one file per pharmacy with contact columns.

The files are written from one sorted frame, cut by offset: no scan per pharmacy. With keys each pharmacy's Parquet is
encrypted with its own; a pharmacy without a key gets no file at all, and the delivery log says so.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assets.engine.contract import contract_for
from assets.engine.delivery_keys import Key
from assets.engine.errors import PublicationError
from assets.engine.files import Written, write, written
from assets.engine.list_page import CONTROL, write_page
from assets.engine.outcome_sheet import write_sheet

CONTACT_COLUMNS = (
    "first_name",
    "last_name",
    "birth_date",
    "phone",
    "best_contact_time",
    "contact_attempts_90d",
    "related_drug",
    "rx_number",
    "last_fill_date",
)

# Only these become a path, whatever an input holds.
FILE_NAME = re.compile("[0-9]{10}")
STATE_NAME = re.compile("[A-Z]{2}")

# A cell that begins with one of these, or with its full-width form, is a formula to a spreadsheet; a leading apostrophe
# makes it text.
FORMULA_STARTS = tuple("=+-@＝＋－＠")

STATE_RECORD = "worklist.parquet"

LOG, LOG_COLUMNS = (
    "delivery_log.csv",
    (
        "as_of", "state", "pharmacy_npi", "kind", "path", "row_count", "bytes", "sha256", "is_encrypted", "key_id",
        "withheld_reason",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Recipient:
    """Whom a file is for, and which kind of file it is."""

    state: str
    npi: str
    kind: str
    name: str | None


@dataclass(frozen=True)
class Delivered:
    """One file for one pharmacy, or why there is none; `content` is a digest of what an encrypted file holds."""

    state: str
    pharmacy_npi: str
    kind: str
    row_count: int
    file: Written | None = None
    key_id: str | None = None
    content: str | None = None
    withheld_reason: str | None = None


def write_worklists(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    formats: tuple[str, ...],
    metadata: dict[str, str],
    keys: Mapping[str, Key] | None = None,
) -> list[Delivered]:
    """Write `state=XX/worklist.parquet`, `state=XX/pharmacy_npi=N.<format>` and outcome sheets below `folder`.

    Args:
        con: Connection to the working warehouse.
        folder: The night's `worklists` folder.
        formats: What each pharmacy receives: any of parquet, csv, xlsx.
        metadata: Key-value pairs of every Parquet file.
        keys: Keys by NPI where pharmacies' files are encrypted.

    Raises:
        PublicationError: A pharmacy's identifier cannot be a file name.
    """
    rows = _listed(con)
    names = _names(con, formats)
    delivered = []
    for state, target, state_rows in _states(rows, folder, metadata):
        _write_state(state_rows, target)
        for npi, own in _pharmacies(state_rows):
            delivered += _write_list(own, Recipient(state, npi, "worklist", names.get(npi)), target, formats, keys)
    return delivered


def write_emptied_lists(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    formats: tuple[str, ...],
    metadata: dict[str, str],
    keys: Mapping[str, Key] | None = None,
) -> list[Delivered]:
    """Write the files of `write_worklists` without a row for pharmacies on whose list nobody is left.

    Otherwise their list of an earlier night would stand and look current. A state of which no other pharmacy has a list
    has a record without rows.

    Args:
        con: Connection to the working warehouse.
        folder: The night's `worklists` folder, with the lists of tonight.
        formats: What each pharmacy receives.
        metadata: Key-value pairs of every Parquet file.
        keys: Keys by NPI where pharmacies' files are encrypted.

    Raises:
        PublicationError: A pharmacy's identifier cannot be a file name.
    """
    emptied = con.sql(
        "select pharmacy_npi, state from outreach.emptied_list order by state, pharmacy_npi"
    ).to_arrow_table()
    names = _names(con, formats)
    nobody = _listed(con, "where false").replace_schema_metadata(metadata)
    delivered = []
    for state, target, state_rows in _states(emptied, folder, metadata):
        if not (target / STATE_RECORD).exists():
            _write_state(nobody, target)
        for npi, _ in _pharmacies(state_rows):
            delivered += _write_list(nobody, Recipient(state, npi, "worklist", names.get(npi)), target, formats, keys)
    return delivered


def write_recalls(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    formats: tuple[str, ...],
    metadata: dict[str, str],
    keys: Mapping[str, Key] | None = None,
) -> list[Delivered]:
    """Write `state=XX/recall_pharmacy_npi=N.<format>` below `folder`: the rows that each pharmacy is to take off.

    Args:
        con: Connection to the working warehouse.
        folder: The night's `worklists` folder.
        formats: What each pharmacy receives.
        metadata: Key-value pairs of every Parquet file.
        keys: Keys by NPI where pharmacies' files are encrypted.

    Raises:
        PublicationError: A pharmacy's identifier cannot be a file name.
    """
    rows = con.sql(
        "select pharmacy_npi, gap_id, state, recalled_date, reason from outreach.recall "
        "order by state, pharmacy_npi, gap_id"
    ).to_arrow_table()
    names = _names(con, formats)
    return [
        one
        for state, target, state_rows in _states(rows, folder, metadata)
        for npi, own in _pharmacies(state_rows)
        for to in [Recipient(state, npi, "recall", names.get(npi))]
        for one in _write_pharmacy(own, to, target / f"recall_pharmacy_npi={npi}", formats, keys)
    ]


def write_log(path: Path, delivered: Iterable[Delivered], as_of: str) -> None:
    """Write the log of a night's deliveries: each file for each pharmacy with its digest, and what was withheld."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, LOG_COLUMNS, lineterminator="\n")
        writer.writeheader()
        for one in sorted(
            delivered, key=lambda d: (d.state, d.pharmacy_npi, d.kind, d.file.path if d.file else Path())
        ):
            line: dict[str, Any] = {
                "as_of": as_of,
                "state": one.state,
                "pharmacy_npi": one.pharmacy_npi,
                "kind": one.kind,
                "row_count": one.row_count,
                "is_encrypted": str(one.key_id is not None).lower(),
                "key_id": one.key_id,
                "withheld_reason": one.withheld_reason,
            }
            if one.file:
                line |= {
                    "path": one.file.path.relative_to(path.parent).as_posix(),
                    "bytes": one.file.size,
                    "sha256": one.file.sha256,
                }
            writer.writerow(line)


def _listed(con: duckdb.DuckDBPyConnection, condition: str = "") -> pa.Table:
    """The rows of tonight's lists with their contact columns, in the order of the files."""
    public = ", ".join(f"worklist.{c}" for c in contract_for("outreach", "worklist").columns)
    contact = ", ".join(f"contact.{c}" for c in CONTACT_COLUMNS)
    return con.sql(
        f"select {public}, {contact} from outreach.worklist "
        f"inner join outreach.contact on worklist.gap_id = contact.gap_id {condition} "
        "order by worklist.state, worklist.pharmacy_npi, worklist.list_rank"
    ).to_arrow_table()


def _write_state(rows: pa.Table, target: Path) -> None:
    """Write the plan's own record of a state, without contact columns."""
    columns = contract_for("outreach", "worklist").columns
    pq.write_table(rows.select(columns), target / STATE_RECORD, compression="zstd")


def _write_list(
    rows: pa.Table, to: Recipient, target: Path, formats: tuple[str, ...], keys: Mapping[str, Key] | None
) -> list[Delivered]:
    """Write one pharmacy's list and, unless it is withheld, the sheet that goes with it."""
    delivered = _write_pharmacy(rows, to, target / f"pharmacy_npi={to.npi}", formats, keys)
    if any(one.file for one in delivered):
        suffix = "xlsx" if "xlsx" in formats else "csv"
        file = write_sheet(rows, target / f"outcome_sheet_pharmacy_npi={to.npi}", suffix)
        delivered.append(Delivered(to.state, to.npi, "outcome_sheet", rows.num_rows, file))
    return delivered


def _states(rows: pa.Table, folder: Path, metadata: dict[str, str]) -> Iterable[tuple[str, Path, pa.Table]]:
    """Each state with its folder and rows; no rows make no folder."""
    if rows.num_rows == 0:
        return
    rows = rows.replace_schema_metadata(metadata)
    for state, start, stop in _runs(rows.column("state")):
        if not STATE_NAME.fullmatch(state):
            raise PublicationError("outreach: found a state that is not two letters; no folder can bear it")
        target = folder / f"state={state}"
        target.mkdir(parents=True, exist_ok=True)
        yield state, target, rows.slice(start, stop - start)


def _pharmacies(rows: pa.Table) -> Iterable[tuple[str, pa.Table]]:
    """Each pharmacy of a state with its rows."""
    for npi, first, last in _runs(rows.column("pharmacy_npi")):
        if not FILE_NAME.fullmatch(npi):
            raise PublicationError("outreach: found a pharmacy_npi that is not ten digits; no file can bear it")
        yield npi, rows.slice(first, last - first)


def _runs(column: pa.ChunkedArray) -> list[tuple[str, int, int]]:
    """Equal neighbours of a sorted column, as (value, first row, row after the last)."""
    encoded = pc.call_function("run_end_encode", [column.combine_chunks()])
    ends = encoded.run_ends.to_pylist()
    return list(zip(encoded.values.to_pylist(), [0, *ends[:-1]], ends, strict=True))


def _names(con: duckdb.DuckDBPyConnection, formats: tuple[str, ...]) -> dict[str, str]:
    """What pharmacies are called, by NPI: a page of a workbook says whose it is."""
    if "xlsx" not in formats:
        return {}
    return dict(con.execute("select npi, name from core.pharmacy where name is not null").fetchall())


def _write_pharmacy(
    rows: pa.Table, to: Recipient, stem: Path, formats: tuple[str, ...], keys: Mapping[str, Key] | None
) -> list[Delivered]:
    """Write one pharmacy's rows in every format."""
    state, npi, kind = to.state, to.npi, to.kind
    if keys is not None:
        if (key := keys.get(npi)) is None:
            return [Delivered(state, npi, kind, rows.num_rows, withheld_reason="no_key")]
        file, content = _write_encrypted(rows, Path(f"{stem}.parquet"), key)
        return [Delivered(state, npi, kind, rows.num_rows, file, key.key_id, content)]
    found = []
    for suffix in formats:
        path = Path(f"{stem}.{suffix}")
        if suffix == "parquet":
            file = write(path, memoryview(_parquet(rows)))
        elif suffix == "csv":
            stream = io.StringIO(newline="")
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(rows.column_names)
            writer.writerows([as_cell(v) for v in row.values()] for row in rows.to_pylist())
            # Without its mark Excel on Windows takes UTF-8 for the code page of the desk: Peña becomes PeÃ±a.
            file = write(path, stream.getvalue().encode("utf-8-sig"))
        else:
            write_page(rows, path, kind, npi, to.name)
            file = written(path)
        found.append(Delivered(state, npi, kind, rows.num_rows, file))
    return found


def _parquet(rows: pa.Table, properties: object = None) -> pa.Buffer:
    """A few rows as Parquet.

    Dictionaries and statistics of thirty rows help no reader, and are most of what a file of forty columns costs.
    """
    stream = pa.BufferOutputStream()
    pq.write_table(
        rows,
        stream,
        compression="snappy",
        use_dictionary=False,
        write_statistics=False,
        encryption_properties=properties,
    )
    return stream.getvalue()


def _write_encrypted(rows: pa.Table, path: Path, key: Key) -> tuple[Written, str]:
    """Write Parquet that pyarrow and DuckDB read with the key alone, and return the digest of what it holds.

    One key for footer and columns: what DuckDB knows. Two encryptions of the same rows differ, so that the digest is
    that of the same file in the clear.
    """
    import pyarrow.parquet.encryption as pe

    properties = pe.create_encryption_properties(footer_key=key.secret)
    file = write(path, memoryview(_parquet(rows, properties)))
    return file, hashlib.sha256(_parquet(rows)).hexdigest()


def as_cell(value: object) -> object:
    """A value that no spreadsheet takes for a formula, and no reader for more than one cell."""
    if not isinstance(value, str):
        return value
    text = CONTROL.sub(" ", value)
    return "'" + text if value.startswith(FORMULA_STARTS) or CONTROL.match(value) else text
