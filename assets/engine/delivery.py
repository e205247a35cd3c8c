"""What pharmacies receive: one file per state as the record, one file per pharmacy with contact columns.

The files are written from one sorted frame, cut by offset: no scan per pharmacy.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assets.engine.contract import contract_for
from assets.engine.errors import PublicationError

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

# Only this becomes a path, whatever an input holds.
FILE_NAME = re.compile("[0-9]{10}")

# A cell that begins with one of these is a formula to a spreadsheet; a leading apostrophe makes it text.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_worklists(
    con: duckdb.DuckDBPyConnection, folder: Path, formats: tuple[str, ...], metadata: dict[str, str]
) -> None:
    """Write `state=XX/worklist.parquet` and `state=XX/pharmacy_npi=N.<format>` below `folder`.

    Args:
        con: Connection to the working warehouse.
        folder: The night's `worklists` folder.
        formats: What each pharmacy receives: any of parquet, csv, xlsx.
        metadata: Key-value pairs of every Parquet file.

    Raises:
        PublicationError: A pharmacy's identifier cannot be a file name.
    """
    columns = contract_for("outreach", "worklist").columns
    public = ", ".join(f"worklist.{c}" for c in columns)
    contact = ", ".join(f"contact.{c}" for c in CONTACT_COLUMNS)
    rows = con.sql(
        f"select {public}, {contact} from outreach.worklist "
        "inner join outreach.contact on worklist.gap_id = contact.gap_id "
        "order by worklist.state, worklist.pharmacy_npi, worklist.list_rank"
    ).to_arrow_table()
    if rows.num_rows == 0:
        return
    rows = rows.replace_schema_metadata(metadata)
    folder.mkdir(exist_ok=True)
    for state, start, stop in _runs(rows.column("state")):
        state_rows = rows.slice(start, stop - start)
        target = folder / f"state={state}"
        target.mkdir()
        pq.write_table(state_rows.select(columns), target / "worklist.parquet", compression="zstd")
        for npi, first, last in _runs(state_rows.column("pharmacy_npi")):
            _write_pharmacy(state_rows.slice(first, last - first), target / f"pharmacy_npi={_file_name(npi)}", formats)


def write_recalls(
    con: duckdb.DuckDBPyConnection, folder: Path, formats: tuple[str, ...], metadata: dict[str, str]
) -> None:
    """Write `state=XX/recall_pharmacy_npi=N.<format>` below `folder`: the rows that each pharmacy is to take off.

    Args:
        con: Connection to the working warehouse.
        folder: The night's `worklists` folder.
        formats: What each pharmacy receives.
        metadata: Key-value pairs of every Parquet file.

    Raises:
        PublicationError: A pharmacy's identifier cannot be a file name.
    """
    rows = con.sql(
        "select pharmacy_npi, gap_id, state, recalled_date, reason from outreach.recall "
        "order by state, pharmacy_npi, gap_id"
    ).to_arrow_table()
    if rows.num_rows == 0:
        return
    rows = rows.replace_schema_metadata(metadata)
    for state, start, stop in _runs(rows.column("state")):
        state_rows = rows.slice(start, stop - start)
        target = folder / f"state={state}"
        target.mkdir(parents=True, exist_ok=True)
        for npi, first, last in _runs(state_rows.column("pharmacy_npi")):
            _write_pharmacy(
                state_rows.slice(first, last - first), target / f"recall_pharmacy_npi={_file_name(npi)}", formats
            )


def _file_name(npi: str) -> str:
    if not FILE_NAME.fullmatch(npi):
        raise PublicationError("outreach: found a pharmacy_npi that is not ten digits; no file can bear it")
    return npi


def _runs(column: pa.ChunkedArray) -> list[tuple[str, int, int]]:
    """Equal neighbours of a sorted column, as (value, first row, row after the last)."""
    encoded = pc.call_function("run_end_encode", [column.combine_chunks()])
    ends = encoded.run_ends.to_pylist()
    return list(zip(encoded.values.to_pylist(), [0, *ends[:-1]], ends, strict=True))


def _write_pharmacy(rows: pa.Table, stem: Path, formats: tuple[str, ...]) -> None:
    if "parquet" in formats:
        pq.write_table(rows, f"{stem}.parquet", compression="zstd")
    if "csv" in formats:
        with Path(f"{stem}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(rows.column_names)
            writer.writerows([as_cell(v) for v in row.values()] for row in rows.to_pylist())
    if "xlsx" in formats:
        _write_xlsx(rows, Path(f"{stem}.xlsx"))


def as_cell(value: object) -> object:
    """A value that no spreadsheet takes for a formula."""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return "'" + value
    return value


def _write_xlsx(rows: pa.Table, path: Path) -> None:
    import xlsxwriter

    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        sheet = book.add_worksheet("Worklist")
        heading = book.add_format({"bold": True, "bottom": 1})
        date = book.add_format({"num_format": "yyyy-mm-dd"})
        wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        for at, name in enumerate(rows.column_names):
            sheet.write_string(0, at, name, heading)
            sheet.set_column(at, at, 60 if name in {"reason", "action"} else 16)
            is_date = pa.types.is_date(rows.schema.field(name).type)
            for line, value in enumerate(rows.column(name).to_pylist(), start=1):
                if value is None:
                    continue
                if isinstance(value, str):
                    sheet.write_string(line, at, value, wrapped)
                elif is_date:
                    sheet.write_datetime(line, at, value, date)
                else:
                    sheet.write_number(line, at, float(value))
        sheet.freeze_panes(1, 2)
        sheet.autofilter(0, 0, rows.num_rows, rows.num_columns - 1)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
