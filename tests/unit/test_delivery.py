"""What pharmacies receive: cut by offset, safe to open, and nobody's file under another's name."""

from __future__ import annotations

import csv
import datetime
import zipfile
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest

from assets.engine.contract import contract_for
from assets.engine.delivery import CONTACT_COLUMNS, as_cell, write_worklists
from assets.engine.errors import PublicationError

VALID, OTHER = "1234567893", "1679576722"


@pytest.fixture
def con():
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("create schema outreach")
        for name in ("worklist", "contact"):
            connection.execute(f"create table outreach.{name} ({contract_for('outreach', name).ddl()})")
        yield connection


def put(
    con: duckdb.DuckDBPyConnection, npi: str, state: str, rank: int, reason: str = "Refill is late.", **contact: object
) -> None:
    """One row of a list with its contact columns."""
    gap = f"{rank:08x}{int(npi) % 2**32:08x}"
    row = contract_for("outreach", "worklist").default_row() | {
        "pharmacy_npi": npi, "state": state, "list_rank": rank, "gap_id": gap, "reason": reason, "as_of": "2026-06-30",
    }  # fmt: skip
    con.execute(f"insert into outreach.worklist values ({', '.join('?' * len(row))})", list(row.values()))
    row = contract_for("outreach", "contact").default_row() | {"gap_id": gap, "pharmacy_npi": npi} | contact
    con.execute(f"insert into outreach.contact values ({', '.join('?' * len(row))})", list(row.values()))


def read(path: Path) -> pl.DataFrame:
    return pl.read_parquet(path, hive_partitioning=False)


def test_lists_are_cut_at_states_and_pharmacies(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    for npi, state, ranks in ((VALID, "TX", 3), (OTHER, "NC", 1), (OTHER, "TX", 2)):
        for rank in range(ranks, 0, -1):
            put(con, npi, state, rank if state != "TX" or npi == VALID else rank + 10)
    write_worklists(con, tmp_path / "w", ("parquet",), {"as_of": "2026-06-30"})
    files = sorted(p.relative_to(tmp_path / "w").as_posix() for p in (tmp_path / "w").rglob("*.parquet"))
    assert [f for f in files if "outcome" not in f] == [
        f"state=NC/pharmacy_npi={OTHER}.parquet", "state=NC/worklist.parquet",
        f"state=TX/pharmacy_npi={VALID}.parquet", f"state=TX/pharmacy_npi={OTHER}.parquet", "state=TX/worklist.parquet",
    ]  # fmt: skip
    state = read(tmp_path / "w" / "state=TX" / "worklist.parquet")
    assert state.columns == contract_for("outreach", "worklist").columns
    assert list(zip(state["pharmacy_npi"], state["list_rank"], strict=True)) == [
        (VALID, 1), (VALID, 2), (VALID, 3), (OTHER, 11), (OTHER, 12),
    ]  # fmt: skip
    own = read(tmp_path / "w" / "state=TX" / f"pharmacy_npi={VALID}.parquet")
    assert own.columns == [*state.columns, *CONTACT_COLUMNS]
    assert own["list_rank"].to_list() == [1, 2, 3]


@pytest.mark.parametrize("npi", ["../../../etc", "12345/7893", "ABCDEFGHIJ", "123456789", "1234567893\n", "١٢٣٤٥٦٧٨٩٣"])
def test_what_is_no_npi_never_becomes_a_path(con: duckdb.DuckDBPyConnection, tmp_path: Path, npi: str) -> None:
    put(con, VALID, "TX", 1)
    con.execute("update outreach.worklist set pharmacy_npi = ?", [npi])
    with pytest.raises(PublicationError, match="pharmacy_npi") as refused:
        write_worklists(con, tmp_path / "w", ("parquet",), {})
    assert npi not in str(refused.value)
    assert not list(tmp_path.rglob("pharmacy_npi=*"))


def test_no_rows_make_no_folder(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    write_worklists(con, tmp_path / "w", ("parquet", "csv", "xlsx"), {})
    assert not (tmp_path / "w").exists()


def test_metadata_is_in_every_parquet_file(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    put(con, VALID, "TX", 1)
    write_worklists(con, tmp_path / "w", ("parquet",), {"as_of": "2026-06-30", "contract_version": "1.0.0"})
    for path in (tmp_path / "w").rglob("*.parquet"):
        metadata = pq.read_schema(path).metadata
        assert metadata[b"contract_version"] == b"1.0.0"


def test_only_the_configured_formats_are_written(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    put(con, VALID, "TX", 1)
    write_worklists(con, tmp_path / "w", ("csv",), {})
    names = {p.name for p in (tmp_path / "w" / "state=TX").iterdir() if not p.name.startswith("outcome_sheet")}
    assert names == {"worklist.parquet", f"pharmacy_npi={VALID}.csv"}


EVIL = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x","y")']


@pytest.mark.parametrize("text", EVIL)
def test_cell_that_would_be_a_formula_is_text(text: str) -> None:
    assert as_cell(text) == "'" + text


@pytest.mark.parametrize(
    "value", ["Refill is late.", "", None, 3, Decimal("-1.5"), datetime.date(2026, 1, 1), "a=b", " =1"]
)
def test_other_cells_stay_as_they_are(value: object) -> None:
    assert as_cell(value) == value


def test_csv_carries_hostile_text_as_text(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    put(
        con,
        VALID,
        "TX",
        1,
        reason='=cmd|"/C calc"!A0',
        first_name="@evil",
        last_name='O"Neil, Zoë\nx',
        phone="+15125550100",
    )
    write_worklists(con, tmp_path / "w", ("csv",), {})
    with (tmp_path / "w" / "state=TX" / f"pharmacy_npi={VALID}.csv").open(encoding="utf-8", newline="") as lines:
        [row] = list(csv.DictReader(lines))
    assert row["reason"].startswith("'=cmd")
    assert row["first_name"] == "'@evil"
    assert row["last_name"] == 'O"Neil, Zoë\nx'
    assert not [v for v in row.values() if v.startswith(("=", "+", "-", "@"))]


def test_spreadsheet_has_no_formula_and_keeps_codes_as_text(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    put(con, VALID, "TX", 1, reason="=1+1", first_name="@evil", rx_number="000123", phone="http://x.example")
    write_worklists(con, tmp_path / "w", ("xlsx",), {})
    with zipfile.ZipFile(tmp_path / "w" / "state=TX" / f"pharmacy_npi={VALID}.xlsx") as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        strings = book.read("xl/sharedStrings.xml").decode()
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet
    assert "000123" in strings
    assert VALID in strings


def test_same_rows_give_the_same_bytes(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    for rank in (2, 1, 3):
        put(con, VALID, "TX", rank)
    for folder in ("one", "other"):
        write_worklists(con, tmp_path / folder, ("parquet", "csv"), {"as_of": "2026-06-30"})
    for path in (tmp_path / "one").rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "other" / path.relative_to(tmp_path / "one")).read_bytes()
