"""Rows that are wrong in any column of any table: each is in one bucket, and no text of theirs is more than text."""

from __future__ import annotations

import csv
import datetime
import io
import re
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets.engine import ingest
from assets.engine.contract import Contract, contract_for
from assets.engine.delivery import CONTROL, FORMULA_STARTS, write_log, write_recalls, write_worklists
from assets.engine.errors import one_line
from assets.engine.layout import read_layout
from assets.engine.warehouse import broken_rules

pytestmark = pytest.mark.survival("bad rows")

TABLES = sorted(ingest.input_contracts())
VALID_NPI = "1234567893"

TRICKS = {
    "path": ["../../etc/passwd", "/etc/passwd", "C:\\windows", "a/b", "..", "~", "con", "pharmacy_npi=1.parquet", "%2e%2e%2f"],
    "formula": ["=1+1", "+1", "-1+1", "@SUM(A1)", "=cmd|' /C calc'!A0", '=HYPERLINK("http://x.example")', "＝1+1", "\t=1", "\n=1", "'=1"],
    "statement": ["'; drop table raw.eligibility; --", '" or 1=1 --', "') from raw.drug; --", "$as_of", "{0}", "%s", "?", "\\", "/*", "''''"],
    "markup": ["<script>alert(1)</script>", "</td></svg>", "{{ 7*7 }}", "{% raw %}", "&lt;", "]]>", "<!--", "javascript:alert(1)", '" onload="x'],
    "line": ["a\nb", "a\r\nb", "\r", "a\x00b", "\x1b[31m", "a\u2028b", "a\x85b", "\ufeffa", "\u202eab", "\x1a"],
    "letters": ["é", "e\u0301", "李", "😀", "ﬁ", "İ", "ß", "\u200b", "\xa0", "x" * 40_000],
    "number": ["0", "-0", "-1", "1.5", "1e400", "-1e400", "nan", "inf", "-Infinity", "2147483647", "2147483648", "-2147483649",
               "9223372036854775808", "1,000", "0x10", "1_0", "１２", "٣", "1e-400", "+", "1.0", "00000000000000000001"],
    "date": ["2026-02-28", "2026-02-29", "2024-02-29", "1900-02-29", "2026-04-31", "2026-13-01", "2026-00-10", "0000-00-00", "0001-01-01",
             "1879-12-31", "1880-01-01", "1899-12-31", "1900-01-01", "2100-12-31", "2101-01-01", "9999-12-31", "10000-01-01",
             "290000-01-01", "-0001-01-01", "infinity", "epoch", "today", "2026-1-1", "20260101", "46000", "31-Feb-2026", "05-Jan-2026",
             "2026-01-01T25:00:00", "2026-01-01 00:00:00+00", "2026-01-01T00:00:00.123456789Z"],
    "code": ["0000000000", "1234567890", "123456789", "12345678901", "99999-0001-01", "0-0-0", "ZZ", "tx", "TEXAS", "78701-", "00000",
             "E11.9.9", "O0", ";", ";;a;;", "paid ", "PAID", "reversed\u200b", "2", "maybe", "TRUE", "Y"],
    "nothing": ["", " ", "\t", "NULL", "null", "None", "NA", "N/A", "\\N", "#REF!"],
}  # fmt: skip
EVERYTHING = [None, *(text for texts in TRICKS.values() for text in texts)]


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 2}) as connection:
        yield connection


def sound_row(contract: Contract) -> dict[str, str | None]:
    """The first example of each column that has to be there, and of none of the others."""
    row: dict[str, str | None] = {p.name: None for p in contract.properties}
    return row | {p.name: str(p.examples[0]) for p in contract.properties if p.is_column_required}


def write_parquet(path: Path, contract: Contract, rows: list[dict[str, str | None]]) -> None:
    table = {name: pa.array([row[name] for row in rows], pa.string()) for name in contract.columns}
    pq.write_table(pa.table(table), path)


def write_csv(path: Path, contract: Contract, rows: list[dict[str, str | None]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(contract.columns)
        writer.writerows([["" if row[name] is None else row[name] for name in contract.columns] for row in rows])


def load(con: duckdb.DuckDBPyConnection, contract: Contract, folder: Path, count: int) -> dict[int, str]:
    """Load a table, see that each row is in one bucket and every accepted one keeps the contract; reasons by line."""
    table = contract.key[1]
    inputs = ingest.find_inputs(read_layout("tuva"), folder, None)
    ingest.load_table(con, contract, inputs, folder)
    buckets: dict[str, int] = dict(
        con.execute(
            f"select measure, sum(row_count)::bigint from door.{table}_count where measure in "
            "('read', 'stored', 'duplicate', 'netted', 'blank') group by measure"
        ).fetchall()
    )
    rejected = dict(con.execute(f"select line_number, reasons from door.{table}_rejected").fetchall())
    assert buckets["read"] + buckets["blank"] == count
    assert buckets["read"] == buckets["stored"] + len(rejected) + buckets.get("duplicate", 0) + buckets.get("netted", 0)
    assert broken_rules(con, contract) == {}
    known = {f"{kind}_{name}" for name in contract.columns for kind in ("missing", "invalid")} | set(
        contract.table.reject_when
    )
    assert {reason for reasons in rejected.values() for reason in reasons.split(";")} <= known, (
        "a reason is a column's, never a value"
    )
    return rejected


def accepted(con: duckdb.DuckDBPyConnection, contract: Contract) -> dict[int, tuple[Any, ...]]:
    columns = ", ".join(f'"{name}"' for name in contract.columns)
    rows = con.execute(f"select line_number, {columns} from raw.{contract.key[1]}").fetchall()
    return {line: tuple(values) for line, *values in rows}


@pytest.mark.parametrize("table", TABLES)
def test_everything_in_every_column(con: duckdb.DuckDBPyConnection, tmp_path: Path, table: str) -> None:
    contract = contract_for("raw", table)
    cases = [(p, text) for p in contract.properties for text in EVERYTHING]
    rows = [sound_row(contract) | {p.name: text} for p, text in cases]
    # A key of its own keeps a row from being another's version; where the key itself is tried, it may be.
    write_parquet(tmp_path / f"{table}.parquet", contract, rows)
    rejected = load(con, contract, tmp_path, len(rows))
    kept = accepted(con, contract)
    for line, (p, text) in enumerate(cases, start=1):
        told = (text or "").strip(" \t")
        reasons = rejected.get(line, "").split(";")
        if line in kept and p.logical_type == "string" and not p.options.format and not p.enum:
            assert kept[line][contract.columns.index(p.name)] == (told or None), "text comes in as it is"
        # A rule between two columns, such as an end before its start, is not judged here.
        is_judged = p.logical_type == "date" and f"invalid_{p.name}" not in contract.table.reject_when
        if is_judged and re.fullmatch(r"\d{4}-\d\d-\d\d", told):
            assert (f"invalid_{p.name}" in reasons) == (not is_day(told, p.options.minimum, p.options.maximum)), told
        if not told and p.required and line in rejected:
            assert f"missing_{p.name}" in reasons
        if p.logical_type == "integer" and told in {"2147483648", "-2147483649", "1.5", "0x10", "１２", "٣", "nan"}:
            assert f"invalid_{p.name}" in reasons, told
    assert con.execute(
        "select count(*) from information_schema.tables where table_schema = 'raw' and table_name = ?", [table]
    ).fetchall() == [(1,)]


def is_day(text: str, minimum: Any, maximum: Any) -> bool:
    try:
        day = datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return datetime.date.fromisoformat(str(minimum)) <= day <= datetime.date.fromisoformat(str(maximum))


@pytest.mark.parametrize("table", ["eligibility", "pharmacy_claim", "outreach_outcome"])
def test_text_and_parquet_say_the_same(con: duckdb.DuckDBPyConnection, tmp_path: Path, table: str) -> None:
    """One line of text is line 2, one row of Parquet row 1; what a line of text cannot hold is left out."""
    contract = contract_for("raw", table)
    texts = [text for text in EVERYTHING if not set(text or "") & {"\n", "\r", "\x00"}]
    rows = [sound_row(contract) | {p.name: text} for p in contract.properties for text in texts]
    told = []
    for suffix, write, first in (("parquet", write_parquet, 1), ("csv", write_csv, 2)):
        folder = tmp_path / suffix
        folder.mkdir()
        write(folder / f"{table}.{suffix}", contract, rows)
        rejected = load(con, contract, folder, len(rows))
        told.append(
            (
                {line - first: reasons for line, reasons in rejected.items()},
                {line - first: row for line, row in accepted(con, contract).items()},
            )
        )
    assert told[0] == told[1]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_text_anywhere(con: duckdb.DuckDBPyConnection, tmp_path: Path, data: st.DataObject) -> None:
    table = data.draw(st.sampled_from(TABLES))
    contract = contract_for("raw", table)
    value = st.none() | st.sampled_from(EVERYTHING[1:]) | TEXT
    changes = st.dictionaries(st.sampled_from(contract.columns), value, max_size=6)
    rows = [sound_row(contract) | change for change in data.draw(st.lists(changes, min_size=1, max_size=8))]
    # A path of its own: the engine remembers the content of files that it has read.
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    write_parquet(folder / f"{table}.parquet", contract, rows)
    load(con, contract, folder, len(rows))


# What leaves the night ------------------------------------------------------------------------------------------------

HOSTILE = [text for texts in TRICKS.values() for text in texts if text.strip()]


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pharmacy's files, every text of which is hostile."""
    folder = tmp_path_factory.mktemp("delivered")
    with duckdb.connect() as con:
        con.execute("create schema outreach; create schema core")
        for name in ("outreach.worklist", "outreach.contact", "outreach.recall", "core.pharmacy"):
            con.execute(f"create table {name} ({contract_for(*name.split('.')).ddl()})")
        for rank, text in enumerate(HOSTILE, start=1):
            place = {"pharmacy_npi": VALID_NPI, "state": "TX", "list_rank": rank, "gap_id": f"{rank:016x}"}
            for name in ("worklist", "contact", "recall"):
                contract = contract_for("outreach", name)
                row = {p.name: text if p.logical_type == "string" else p.examples[0] for p in contract.properties} | {
                    column: value for column, value in place.items() if column in contract.columns
                }
                con.execute(f"insert into outreach.{name} values ({', '.join('?' * len(row))})", list(row.values()))
        formats = ("parquet", "csv", "xlsx")
        files = [*write_worklists(con, folder / "w", formats, {}), *write_recalls(con, folder / "w", formats, {})]
        write_log(folder / "delivery_log.csv", files, "2026-06-30")
    return folder


def test_no_text_becomes_a_path(delivered: Path) -> None:
    found = {path.relative_to(delivered).as_posix() for path in delivered.rglob("*")}
    stems = [f"{kind}pharmacy_npi={VALID_NPI}" for kind in ("", "recall_", "outcome_sheet_")]
    assert found == {
        "w", "w/state=TX", "w/state=TX/worklist.parquet", "delivery_log.csv",
        *(f"w/state=TX/{stem}.{suffix}" for stem in stems[:2] for suffix in ("parquet", "csv", "xlsx")),
        f"w/state=TX/{stems[2]}.xlsx",
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["", "recall_"])
def test_no_text_becomes_a_formula_or_a_line(delivered: Path, kind: str) -> None:
    content = (delivered / "w" / "state=TX" / f"{kind}pharmacy_npi={VALID_NPI}.csv").read_text(encoding="utf-8-sig")
    assert len(content.splitlines()) == len(HOSTILE) + 1, "each row is one line to any reader"
    cells = [cell for row in csv.reader(io.StringIO(content)) for cell in row]
    assert not [cell for cell in cells if cell.startswith(FORMULA_STARTS) or CONTROL.search(cell)]


@pytest.mark.parametrize("kind", ["", "recall_"])
def test_no_text_becomes_a_formula_or_a_link_of_a_workbook(delivered: Path, kind: str) -> None:
    with zipfile.ZipFile(delivered / "w" / "state=TX" / f"{kind}pharmacy_npi={VALID_NPI}.xlsx") as book:
        sheet, names = book.read("xl/worksheets/sheet1.xml").decode(), book.namelist()
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet.lower()
    assert not [name for name in names if "rels/sheet" in name or "vba" in name.lower() or "external" in name.lower()]
    assert sheet.count("<row ") == len(HOSTILE) + 1


def test_parquet_keeps_text_as_it_is(delivered: Path) -> None:
    table = pq.ParquetFile(delivered / "w" / "state=TX" / f"pharmacy_npi={VALID_NPI}.parquet").read()
    assert table.column("reason").to_pylist() == HOSTILE


@pytest.mark.parametrize("text", HOSTILE)
def test_a_message_is_one_line_whatever_it_quotes(text: str) -> None:
    line = one_line(text)
    assert len(f"x{line}x".splitlines()) == 1
    assert line.isprintable()
    if text.isprintable():
        assert line == text
