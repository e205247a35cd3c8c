"""What pharmacies receive: cut by offset, safe to open, and nobody's file under another's name."""

from __future__ import annotations

import base64
import csv
import datetime
import hashlib
import os
import tempfile
import zipfile
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest
from python_calamine import CalamineWorkbook

from assets.engine.contract import contract_for
from assets.engine.delivery import (
    CONTACT_COLUMNS,
    as_cell,
    write_emptied_lists,
    write_log,
    write_recalls,
    write_worklists,
)
from assets.engine.delivery_keys import Key, read_keys
from assets.engine.errors import PublicationError

VALID, OTHER = "1234567893", "1679576722"


@pytest.fixture
def con():
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("create schema outreach; create schema core")
        for name in (
            "outreach.worklist", "outreach.contact", "outreach.emptied_list", "outreach.recall", "core.pharmacy",
        ):  # fmt: skip
            connection.execute(f"create table {name} ({contract_for(*name.split('.')).ddl()})")
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


@pytest.mark.parametrize("state", ["..", "T/", "tx", "TEX", "TX\n"])
def test_what_is_no_state_never_becomes_a_path(con: duckdb.DuckDBPyConnection, tmp_path: Path, state: str) -> None:
    put(con, VALID, "TX", 1)
    con.execute("update outreach.worklist set state = ?", [state])
    with pytest.raises(PublicationError, match="state"):
        write_worklists(con, tmp_path / "w", ("parquet",), {})
    assert not list(tmp_path.rglob("*.parquet"))


def test_no_rows_make_no_folder(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    write_worklists(con, tmp_path / "w", ("parquet", "csv", "xlsx"), {})
    assert not (tmp_path / "w").exists()


def empty(con: duckdb.DuckDBPyConnection, npi: str, state: str) -> None:
    """A pharmacy that had a list yesterday and has none tonight."""
    con.execute("insert into outreach.emptied_list values (?, ?, date '2026-06-29')", [npi, state])


def test_a_list_that_became_empty_replaces_the_one_before(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """In every format, with its sheet and its lines in the log; the state's record has the rows of the others."""
    formats = ("parquet", "csv", "xlsx")
    put(con, VALID, "TX", 1)
    for npi, state in ((OTHER, "TX"), ("1003000126", "NC")):
        empty(con, npi, state)
    metadata = {"as_of": "2026-06-30"}
    lists = [*write_worklists(con, tmp_path / "w", formats, metadata)]
    delivered = write_emptied_lists(con, tmp_path / "w", formats, metadata)
    texas, carolina = tmp_path / "w" / "state=TX", tmp_path / "w" / "state=NC"
    names = {f"pharmacy_npi={OTHER}.{form}" for form in formats} | {f"outcome_sheet_pharmacy_npi={OTHER}.xlsx"}
    assert {p.name for p in texas.iterdir() if OTHER in p.name} == names
    full, none = (read(texas / f"pharmacy_npi={npi}.parquet") for npi in (VALID, OTHER))
    assert (none.schema, len(none)) == (full.schema, 0)
    assert pq.read_schema(texas / f"pharmacy_npi={OTHER}.parquet").metadata[b"as_of"] == b"2026-06-30"
    lines = [(texas / f"pharmacy_npi={npi}.csv").read_text(encoding="utf-8-sig").splitlines() for npi in (VALID, OTHER)]
    assert lines[1] == lines[0][:1]
    [header] = CalamineWorkbook.from_path(str(texas / f"pharmacy_npi={OTHER}.xlsx")).get_sheet_by_index(0).to_python()
    assert set(none.columns) <= set(header)
    assert [len(read(folder / "worklist.parquet")) for folder in (texas, carolina)] == [1, 0]
    assert [(d.state, d.pharmacy_npi, d.kind, d.row_count) for d in delivered if d.pharmacy_npi == OTHER] == [
        *[("TX", OTHER, "worklist", 0)] * 3, ("TX", OTHER, "outcome_sheet", 0),
    ]  # fmt: skip
    write_log(tmp_path / "delivery_log.csv", [*lists, *delivered], "2026-06-30")
    log = pl.read_csv(tmp_path / "delivery_log.csv", infer_schema=False)
    assert set(log.filter(pl.col("row_count") == "0")["pharmacy_npi"]) == {OTHER, "1003000126"}
    assert log.height == 12


def test_an_empty_list_is_encrypted_as_any(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    text = write_key(tmp_path / "keys", VALID)
    for npi in (VALID, OTHER):
        empty(con, npi, "TX")
    keys = read_keys(tmp_path / "keys")
    delivered = write_emptied_lists(con, tmp_path / "w", ("parquet",), {"as_of": "2026-06-30"}, keys)
    assert [(d.pharmacy_npi, d.kind, d.key_id, d.withheld_reason) for d in delivered] == [
        (VALID, "worklist", keys[VALID].key_id, None), (VALID, "outcome_sheet", None, None),
        (OTHER, "worklist", None, "no_key"),
    ]  # fmt: skip
    path = tmp_path / "w" / "state=TX" / f"pharmacy_npi={VALID}.parquet"
    properties = pe.create_decryption_properties(footer_key=base64.b64decode(text))
    assert pq.ParquetFile(path, decryption_properties=properties).read().num_rows == 0
    con.execute(f"pragma add_parquet_key('mine', '{text}')")
    assert con.execute(f"from read_parquet('{path}', encryption_config = {{footer_key: 'mine'}})").fetchall() == []


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


EVIL = ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x","y")', "＝1+1", "＋1", "－1", "＠SUM(A1)"]


@pytest.mark.parametrize("text", EVIL)
def test_cell_that_would_be_a_formula_is_text(text: str) -> None:
    assert as_cell(text) == "'" + text


@pytest.mark.parametrize("text", ["\t=1", "\r=1", "\n=1", "\x00=1", "\ufeff=1"])
def test_control_character_before_a_formula_hides_none(text: str) -> None:
    assert as_cell(text) == "' =1"


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\x00b", "a\u2028b", "a\x85b", "a\x1ab"])
def test_no_cell_goes_over_several_lines(text: str) -> None:
    assert as_cell(text) == "a b"


def test_long_text_and_old_dates_are_in_the_workbook(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """A cell holds 32,767 characters, and its calendar begins in 1900: neither may be left out without a word."""
    put(con, VALID, "TX", 1, reason="x" * 40_000, birth_date=datetime.date(1899, 12, 31))
    put(con, VALID, "TX", 2, reason="a\nb", birth_date=datetime.date(1900, 1, 2))
    write_worklists(con, tmp_path / "w", ("xlsx",), {})
    book = CalamineWorkbook.from_path(str(tmp_path / "w" / "state=TX" / f"pharmacy_npi={VALID}.xlsx"))
    header, first, second = book.get_sheet_by_index(0).to_python()
    reason, birth_date = header.index("reason"), header.index("birth_date")
    assert (first[reason], first[birth_date]) == ("x" * 32_767, "1899-12-31")
    assert (second[reason], second[birth_date]) == ("a b", datetime.date(1900, 1, 2))


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
    with (tmp_path / "w" / "state=TX" / f"pharmacy_npi={VALID}.csv").open(encoding="utf-8-sig", newline="") as lines:
        [row] = list(csv.DictReader(lines))
    assert row["reason"].startswith("'=cmd")
    assert row["first_name"] == "'@evil"
    assert row["last_name"] == 'O"Neil, Zoë x'
    assert not [v for v in row.values() if v.startswith(("=", "+", "-", "@"))]


def test_csv_says_that_it_is_utf_8(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Excel on Windows takes it for the code page of the desk otherwise; the digest is of all that was written."""
    put(con, VALID, "TX", 1, first_name="Íñigo", last_name="Peña")
    con.execute(
        "insert into outreach.recall (pharmacy_npi, gap_id, state, recalled_date, reason) "
        f"values ('{VALID}', '0123456789abcdef', 'TX', '2026-06-30', 'NOT_ELIGIBLE')"
    )
    delivered = [one for write in (write_worklists, write_recalls) for one in write(con, tmp_path / "w", ("csv",), {})]
    assert sorted(d.kind for d in delivered) == ["outcome_sheet", "recall", "worklist"]
    for one in delivered:
        content = one.file.path.read_bytes()
        assert content.startswith(b"\xef\xbb\xbf")
        assert content.count(b"\xef\xbb\xbf") == 1
        assert (one.file.sha256, one.file.size) == (hashlib.sha256(content).hexdigest(), len(content))
    table = con.execute(f"from read_csv('{tmp_path}/w/state=TX/pharmacy_npi={VALID}.csv', all_varchar = true)").pl()
    assert table.columns == [*contract_for("outreach", "worklist").columns, *CONTACT_COLUMNS]
    assert table.select("pharmacy_npi", "first_name", "last_name").rows() == [(VALID, "Íñigo", "Peña")]


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


def test_a_workbook_names_the_pharmacy_that_it_is_for(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """In the head of every page, with the night: a sheet that lies in a printer tells nothing else of them."""
    put(con, VALID, "TX", 1)
    put(con, OTHER, "TX", 2)
    pharmacy = contract_for("core", "pharmacy").default_row() | {"npi": VALID, "name": "Corner Drugs"}
    con.execute(f"insert into core.pharmacy values ({', '.join('?' * len(pharmacy))})", list(pharmacy.values()))
    write_worklists(con, tmp_path / "w", ("xlsx",), {"as_of": "2026-06-30"})
    headers = {}
    for npi in (VALID, OTHER):
        with zipfile.ZipFile(tmp_path / "w" / "state=TX" / f"pharmacy_npi={npi}.xlsx") as book:
            sheet = book.read("xl/worksheets/sheet1.xml").decode()
        headers[npi] = sheet.split("<oddHeader>")[1].split("</oddHeader>")[0].replace("&amp;", "&")
    assert headers == {
        VALID: f"&LWorklist&CCorner Drugs NPI {VALID}&Ras of 2026-06-30",
        OTHER: f"&LWorklist&C NPI {OTHER}&Ras of 2026-06-30",
    }


def test_workbooks_need_no_temporary_files(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A night that is killed would leave rows of people there, and nobody would remove them."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    put(con, VALID, "TX", 1)
    delivered = write_worklists(con, tmp_path / "w", ("xlsx",), {})
    assert sorted(d.kind for d in delivered) == ["outcome_sheet", "worklist"]


def test_same_rows_give_the_same_bytes(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    for rank in (2, 1, 3):
        put(con, VALID, "TX", rank)
    for folder in ("one", "other"):
        write_worklists(con, tmp_path / folder, ("parquet", "csv"), {"as_of": "2026-06-30"})
    for path in (tmp_path / "one").rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "other" / path.relative_to(tmp_path / "one")).read_bytes()


# Encryption -----------------------------------------------------------------------------------------------------------


def write_key(folder: Path, npi: str, secret: bytes | None = None) -> str:
    """A key file as `openssl rand -base64 32` makes it, and its text."""
    folder.mkdir(mode=0o700, exist_ok=True)
    text = base64.b64encode(os.urandom(32) if secret is None else secret).decode()
    path = folder / f"{npi}.key"
    path.write_text(text + "\n", encoding="ascii")
    path.chmod(0o600)
    return text


@pytest.fixture
def encrypted(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """Lists and recalls of two pharmacies, each under its own key, and the keys as text."""
    keys = {npi: write_key(tmp_path / "keys", npi) for npi in (VALID, OTHER)}
    for npi in keys:
        put(con, npi, "TX", 1 if npi == VALID else 2, first_name="Zoe")
        con.execute(
            "insert into outreach.recall (pharmacy_npi, gap_id, state, recalled_date, reason) "
            "values (?, '0123456789abcdef', 'TX', '2026-06-30', 'NOT_ELIGIBLE')",
            [npi],
        )
    for write in (write_worklists, write_recalls):
        write(con, tmp_path / "w", ("parquet",), {"as_of": "2026-06-30"}, read_keys(tmp_path / "keys"))
    return tmp_path / "w" / "state=TX", keys


@pytest.mark.parametrize("name", ["pharmacy_npi", "recall_pharmacy_npi"])
def test_pyarrow_and_duckdb_read_a_pharmacys_file_with_its_key_alone(
    encrypted: tuple[Path, dict[str, str]], name: str
) -> None:
    folder, keys = encrypted
    path = folder / f"{name}={VALID}.parquet"
    properties = pe.create_decryption_properties(footer_key=base64.b64decode(keys[VALID]))
    frame = pq.ParquetFile(path, decryption_properties=properties).read()
    assert frame.column("pharmacy_npi").to_pylist() == [VALID]
    with duckdb.connect() as con:
        con.execute(f"pragma add_parquet_key('mine', '{keys[VALID]}')")
        con.execute(f"pragma add_parquet_key('other', '{keys[OTHER]}')")
        read = f"from read_parquet('{path}', hive_partitioning = false, encryption_config = {{footer_key: '%s'}})"
        assert con.sql(read % "mine").to_arrow_table().to_pylist() == frame.to_pylist()
        with pytest.raises(duckdb.Error):
            con.execute(read % "other").fetchall()
        with pytest.raises(duckdb.Error):
            con.execute(f"from read_parquet('{path}')").fetchall()
    for secret in (None, pe.create_decryption_properties(footer_key=base64.b64decode(keys[OTHER]))):
        with pytest.raises(OSError, match=r"[Ee]ncrypt|decrypt"):
            pq.ParquetFile(path, decryption_properties=secret)


def test_nothing_of_an_encrypted_file_is_in_the_clear(encrypted: tuple[Path, dict[str, str]]) -> None:
    """Names of columns and metadata neither; the state's file, which is the plan's own, is not encrypted."""
    folder, keys = encrypted
    for npi, text in keys.items():
        for path in folder.glob(f"*pharmacy_npi={npi}.parquet"):
            content = path.read_bytes()
            assert content[:4] == content[-4:] == b"PARE"
            for word in (b"gap_id", b"Zoe", b"as_of", npi.encode(), text.encode()):
                assert word not in content
    assert pq.read_table(folder / "worklist.parquet").num_rows == 2
    assert {p.name for p in folder.iterdir() if p.suffix != ".parquet"} == {
        f"outcome_sheet_pharmacy_npi={npi}.csv" for npi in keys
    }


def test_a_pharmacy_without_a_key_gets_no_file_and_the_log_says_so(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    text = write_key(tmp_path / "keys", VALID)
    put(con, VALID, "TX", 1)
    put(con, OTHER, "TX", 2)
    keys = read_keys(tmp_path / "keys")
    delivered = write_worklists(con, tmp_path / "w", ("parquet",), {}, keys)
    assert not list((tmp_path / "w").rglob(f"*{OTHER}*"))
    write_log(tmp_path / "delivery_log.csv", delivered, "2026-06-30")
    with (tmp_path / "delivery_log.csv").open(encoding="utf-8", newline="") as lines:
        log = list(csv.DictReader(lines))
    assert [(r["pharmacy_npi"], r["kind"], r["is_encrypted"], r["withheld_reason"]) for r in log] == [
        (VALID, "outcome_sheet", "false", ""), (VALID, "worklist", "true", ""), (OTHER, "worklist", "false", "no_key"),
    ]  # fmt: skip
    for row in log[:2]:
        content = (tmp_path / row["path"]).read_bytes()
        assert (row["sha256"], row["bytes"]) == (hashlib.sha256(content).hexdigest(), str(len(content)))
    assert log[1]["key_id"] == keys[VALID].key_id
    assert (log[2]["path"], log[2]["sha256"]) == ("", "")
    assert text not in (tmp_path / "delivery_log.csv").read_text(encoding="utf-8")


def test_a_key_is_never_printed() -> None:
    secret = os.urandom(32)
    shown = f"{Key(secret)!r} {Key(secret)} {[Key(secret)]}"
    assert base64.b64encode(secret).decode() not in shown
    assert str(secret) not in shown


def break_keys(folder: Path, case: str) -> None:
    """Spoil a good folder of two keys in one way."""
    path = folder / f"{VALID}.key"
    match case:
        case "open folder":
            folder.chmod(0o750)
        case "open file":
            path.chmod(0o640)
        case "short":
            # DuckDB would take these 32 characters for the key itself.
            path.write_text(base64.b64encode(b"x" * 24).decode(), encoding="ascii")
        case "no base64":
            path.write_text("correct horse battery staple", encoding="ascii")
        case "no text":
            path.write_bytes(b"\xff" * 32)
        case "empty":
            path.write_text("", encoding="ascii")
        case "one key twice":
            path.write_bytes((folder / f"{OTHER}.key").read_bytes())
        case "no folder":
            folder.rename(folder.with_name("elsewhere"))


@pytest.mark.parametrize(
    ("case", "line"),
    {
        "open folder": "others may read the folder", "open file": "others may read 1 of 2 key files",
        "short": f"{VALID}.key: found no key", "no base64": f"{VALID}.key: found no key",
        "no text": f"{VALID}.key: found no key", "empty": f"{VALID}.key: found no key",
        "one key twice": "found one key in several files", "no folder": "cannot be read",
    }.items(),
)  # fmt: skip
def test_keys_that_are_no_secret_are_refused_in_one_line(tmp_path: Path, case: str, line: str) -> None:
    folder = tmp_path / "keys"
    texts = [write_key(folder, npi) for npi in (VALID, OTHER)]
    assert set(read_keys(folder)) == {VALID, OTHER}
    break_keys(folder, case)
    with pytest.raises(PublicationError, match=r"delivery.key_folder") as refused:
        read_keys(folder)
    assert line in str(refused.value)
    assert not [text for text in (*texts, "horse") if text in str(refused.value)]
