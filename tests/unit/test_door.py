"""The typed door: what it repairs, what it refuses and with which reason; nothing is ever defaulted."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from assets.engine import door, ingest
from assets.engine.contract import Contract, contract_for
from assets.engine.errors import InputError
from assets.engine.layout import read_layout
from assets.engine.sql_text import literal
from assets.engine.warehouse import misshapen

pytestmark = pytest.mark.survival("bad rows")

DAY = datetime.date


@pytest.fixture(scope="module")
def con():
    with duckdb.connect(config={"threads": 1}) as connection:
        yield connection


def through_the_door(
    con: duckdb.DuckDBPyConnection, table: str, column: str, text: str | None
) -> tuple[Any, str | None, bool]:
    """One value of one column, the row's other required columns being sound: its typed value, reasons, repaired or not."""
    contract = contract_for("raw", table)
    row = {p.name: str(p.examples[0]) for p in contract.properties if p.is_column_required}
    row[column] = text
    landed = "select " + ", ".join(
        [*(f"{'null::varchar' if v is None else literal(v)} as \"{c}\"" for c, v in row.items()),
         "'f' as source_file", "2::bigint as line_number", "2::bigint as row_id"]
    )  # fmt: skip
    declared = {r[0]: r[1] for r in con.execute(f"describe {landed}").fetchall()}
    [found] = con.execute(
        f'select "{column}", reasons, repairs from ({door.typed_select(contract, landed, declared)})'
    ).fetchall()
    bit = [*door.repairable(contract), door.family(column)].index(door.family(column))
    return found[0], found[1], bool(found[2] >> bit & 1)


def cases(table: str, column: str, told: dict[str | None, Any]) -> list[Any]:
    """Text in, value out; a value in a one-tuple was repaired; `...` means refused as invalid."""
    return [pytest.param(table, column, text, value, id=f"{column}-{text!r}") for text, value in told.items()]


VALUES = [
    # National Drug Codes: 11 digits; lost zeros come back, FDA's hyphenated forms are padded to 5-4-2.
    *cases("pharmacy_claim", "ndc_code", {
        "99999000101": "99999000101", "2322730": ("00002322730",), "00002-3227-30": ("00002322730",),
        "0002-3227-30": ("00002322730",), "50242-040-62": ("50242004062",), "60575-4112-1": ("60575411201",),
        "2322730.0": ("00002322730",), " 99999000101 ": "99999000101",
        "999990001012": ..., "99999-00011-01": ..., "ABC": ..., "9999900010A": ..., "-5": ..., "1e10": ...,
    }),
    *cases("eligibility", "zip_code", {
        "78701": "78701", "2139": ("02139",), "2139.0": ("02139",), "787011234": ("78701",), "21391234": ("02139",),
        "78701-1234": ("78701",), "02139-": ("02139",), "7870112345": ..., "SW1A 1AA": ..., "": None,
    }),
    *cases("zcta", "zcta", {"601": ("00601",), "00601": "00601", "123456": ..., "0601 ": ("00601",)}),
    *cases("adequacy_standard", "county_fips", {"1001": ("01001",), "48453": "48453", "1001.0": ("01001",), "484530": ...}),
    *cases("medical_claim", "bill_type_code", {
        "111": "111", "0111": ("111",), "11": ("011",), "13I": "13I", "13i": ("13I",), "111.0": ("111",), "1111": ...,
        "XYZ": ...,
    }),
    *cases("medical_claim", "diagnosis_code_1", {"E11.9": ("E119",), "e119": ("E119",), "E119": "E119", " N18.6 ": ("N186",)}),
    *cases("eligibility", "state", {
        "TX": "TX", "tx": ("TX",), "North Carolina": ("NC",), "new  york": ..., "District of Columbia": ("DC",), "ZZ": ...,
        "Texas ": ("TX",), "PR": "PR",
    }),
    *cases("pharmacy_claim", "dispensing_date", {
        "2026-02-28": DAY(2026, 2, 28), "28-Feb-2026": (DAY(2026, 2, 28),), "2026-02-28 00:00:00": (DAY(2026, 2, 28),),
        "2026-02-28T10:11:12": (DAY(2026, 2, 28),), "2024-02-29": DAY(2024, 2, 29), "2026-02-29": ..., "02/28/2026": ...,
        "20260228": ..., "2026-13-01": ..., "1899-12-31": ..., "2101-01-01": ..., "0000-00-00": ..., "46081": ...,
    }),
    *cases("pharmacy_claim", "days_supply", {
        "30": 30, "030": (30,), "30.0": (30,), "-30": -30, "+30": (30,), "0": 0, "400": 400, "30.5": ..., "30 days": ...,
        "": None, "99999999999": ..., "0x1E": ..., "1e2": ...,
    }),
    *cases("pharmacy_claim", "quantity", {
        "30": 30.0, "30.5": 30.5, "-1": -1.0, "1e2": 100.0, "": None, "nan": ..., "inf": ..., "1,000": ..., "ten": ...,
    }),
    *cases("eligibility", "hospice_flag", {
        "1": True, "true": True, "Y": True, "yes": True, "T": True, "1.0": True, "0": False, "FALSE": False, "n": False,
        "": None, "2": ..., "maybe": ...,
    }),
    *cases("pharmacy_claim", "claim_status", {"paid": "paid", "PAID": "paid", "Reversed": "reversed", "": None, "voided": ...}),
    *cases("medical_claim", "claim_type", {"professional": "professional", "INSTITUTIONAL": "institutional", "dental": ...}),
    *cases("drug", "ingredients", {
        "metformin": "metformin", "Glipizide; METFORMIN": "glipizide;metformin", "metformin;glipizide;metformin": "glipizide;metformin",
        ";; ": ...,
    }),
    *cases("pharmacy", "npi", {"1234567893": "1234567893", "1234567893.0": ("1234567893",), "PCP1": "PCP1"}),
    *cases("eligibility", "person_id", {"P1": "P1", " P1\t": "P1", "0001": "0001", "NULL": "NULL"}),
]  # fmt: skip


@pytest.mark.parametrize(("table", "column", "text", "expected"), VALUES)
def test_value_through_the_door(
    con: duckdb.DuckDBPyConnection, table: str, column: str, text: str, expected: Any
) -> None:
    value, reasons, repaired = through_the_door(con, table, column, text)
    if expected is ...:
        assert reasons == f"invalid_{column}"
        return
    assert reasons is None
    if isinstance(expected, tuple):
        assert (value, repaired) == (expected[0], True)
    else:
        assert (value, repaired) == (expected, False)


@pytest.mark.parametrize(
    ("table", "column"),
    [("pharmacy_claim", "person_id"), ("pharmacy_claim", "ndc_code"), ("pharmacy_claim", "dispensing_date"),
     ("eligibility", "birth_date"), ("medical_claim", "claim_type"), ("pharmacy", "state"), ("zcta", "latitude")],
)  # fmt: skip
@pytest.mark.parametrize("text", [None, "", "  ", "\t"], ids=["null", "empty", "spaces", "tab"])
def test_required_value_that_is_not_there_is_missing(
    con: duckdb.DuckDBPyConnection, table: str, column: str, text: str | None
) -> None:
    assert through_the_door(con, table, column, text)[:2] == (None, f"missing_{column}")


@pytest.mark.parametrize("text", ["infinity", "-infinity", "epoch", "Infinity"])
@pytest.mark.parametrize(
    ("table", "column"), [("pharmacy_claim", "dispensing_date"), ("discharge_notice", "discharged_at")]
)
def test_a_word_of_the_engine_is_no_day(con: duckdb.DuckDBPyConnection, table: str, column: str, text: str) -> None:
    """DuckDB's `strptime` answers 1900-01-01 for them, and its cast a day of its own."""
    assert through_the_door(con, table, column, text)[:2] == (None, f"invalid_{column}")


ODD_TEXTS = [
    None, "", " ", "\t", " \t ", "0", "-0", "+1", " 1", "1 ", "1\t", "\n1", "007", "1.", "1.0", "1.50", "1e3", "1_000", "0x1",
    "2147483647", "2147483648", "-2147483648", "nan", "inf", "-inf", "1e400", "0.1", ".5", "5.", "infinity", "-infinity",
    "2026-01-05", " 2026-01-05", "2026-1-5", "2026-01-32", "2024-02-29", "2025-02-29", "0000-01-01", "0001-01-01",
    "0044-03-15 (BC)", "9999-12-31", "10000-01-01", "-2026-01-0", "05-Jan-2026", "1/5/26", "01/05/2026", "epoch",
    "2026-01-05 00:00:00", "2026-01-05T10:11:12", "2026-01-05 10:11:12.5", "20260105", "true", "True", "TRUE ", "t", "y", "f",
    "false", "99999000101", "9999900010", "99999-0001-01", "0099999000101", "９９９９９000101", "78701", "2139", "78701-1234",
    "2139.0", "111", "0111", "11", "13i", "13I", "13Ä", "TX", "tx", "Texas", "E11.9", "e119", "E 11 9", "É119", ".", " . ",
    "450.0", "450.00", "45a.0", "paid", "PAID", "paid ", "void", "professional", "1234567893", "1234567893.0", "PCP.1",
    "a;B; a", ";;", "!", "\u00a0x\u00a0", "x\u3000", "\x1f1",
]  # fmt: skip


@pytest.mark.parametrize("contract", ingest.input_contracts().values(), ids=lambda c: c.key[1])
def test_no_shortcut_has_an_answer_of_its_own(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, contract: Contract
) -> None:
    """The usual text of a column is read in a quick way: value, reasons and repairs are those of the long way."""
    texts = ", ".join("null::varchar" if text is None else literal(text) for text in ODD_TEXTS)
    columns = ", ".join(f'texts as "{name}"' for name in contract.columns)
    landed = (
        f"select {columns}, 'f' as source_file, row_number() over () as line_number, 1::bigint as row_id "
        f"from (select unnest([{texts}]) as texts)"
    )
    declared = dict.fromkeys(contract.columns, "VARCHAR")
    quick = con.execute(f"{door.typed_select(contract, landed, declared)} order by line_number").fetchall()
    monkeypatch.setattr(door, "shortcut_of", lambda *_: None)
    monkeypatch.setattr(door, "quick_text_of", lambda column: door.text_of(column, "VARCHAR"))
    assert repr(quick) == repr(
        con.execute(f"{door.typed_select(contract, landed, declared)} order by line_number").fetchall()
    )
    assert len(quick) == len(ODD_TEXTS)


KINDS = {
    "text": dict.fromkeys(("date", "timestamp", "integer", "bigint", "number", "boolean"), "VARCHAR"),
    "its own type": {},
    "another type": {"date": "TIMESTAMP", "integer": "BIGINT", "number": "DECIMAL(18, 2)", "boolean": "INTEGER"},
}


@pytest.mark.parametrize("declared_as", KINDS)
@pytest.mark.parametrize("table", ["medical_claim", "pharmacy_claim"])
def test_what_is_judged_where_it_lies_is_what_the_door_says(
    con: duckdb.DuckDBPyConnection, table: str, declared_as: str
) -> None:
    """Column by column and doubted texts alone: refusals, repairs and changes are those of every row typed as a whole."""
    contract = contract_for("raw", table)
    kinds = {p.name: KINDS[declared_as].get(p.logical_type, p.sql_type) for p in contract.properties}
    usual = {p.name: None if p.examples[0] is None else str(p.examples[0]) for p in contract.properties}
    con.execute(f"create or replace table landed_rows ({', '.join(f'{name} {kind}' for name, kind in kinds.items())})")
    con.execute("create or replace table odd (number INTEGER, odd_text VARCHAR)")
    con.executemany("insert into odd values (?, ?)", list(enumerate(ODD_TEXTS)))
    for name in contract.columns:
        row = ", ".join(
            f"try_cast({'odd_text' if name == column else 'null' if text is None else literal(text)} as {kinds[column]})"
            for column, text in usual.items()
        )
        con.execute(f"insert into landed_rows select {row} from odd order by number")
    landed = "select *, 'f' as source_file, rowid as line_number, rowid as row_id from landed_rows"
    families = door.text_families(contract)
    texts = [p.name for p in contract.properties if p.sql_type == "VARCHAR"]
    whole = con.execute(
        f"select row_id, reasons, repairs, {', '.join(f'typed.{n} is distinct from l.{n}' for n in texts)} "
        f"from ({door.typed_select(contract, landed, kinds)}) as typed join ({landed}) as l using (row_id)"
    ).fetchall()
    expected = {}
    for row_id, reasons, repairs, *flags in whole:
        bits = {families.index(door.family(name)) for name, flag in zip(texts, flags, strict=True) if flag}
        told = (reasons, repairs, sum(1 << bit for bit in bits))
        if told != (None, 0, 0):
            expected[row_id] = told
    found = con.execute(
        f"select row_id, reasons, repairs, changes from ({door.judged_select(contract, landed, kinds)})"
    )
    assert {row_id: told for row_id, *told in found.fetchall()} == {key: list(told) for key, told in expected.items()}
    assert expected
    # A date that is declared a timestamp is spelled otherwise in every row.
    assert len(expected) < len(whole) or declared_as == "another type"


# A table through the door ---------------------------------------------------------------------------------------------


def load(con: duckdb.DuckDBPyConnection, folder: Path, table: str) -> dict[str, int]:
    """Load one table; the counts of the door."""
    contract = contract_for("raw", table)
    inputs = ingest.find_inputs(read_layout("tuva"), folder, None)
    ingest.load_table(con, contract, inputs, folder)
    counts = con.execute(f"select measure, detail, row_count from door.{table}_count").fetchall()
    return {f"{measure} {detail}".strip(): rows for measure, detail, rows in counts}


CLAIMS = "claim_id,claim_line_number,person_id,dispensing_date,ndc_code,days_supply"


def test_every_reason_of_a_row_is_told(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "pharmacy_claim.csv").write_text(
        f"{CLAIMS}\nC1,1,P1,2026-01-01,1,30\nC2,x,,01/02/2026,ABC,30\n,1,P1,2026-01-01,1,\n", encoding="utf-8"
    )
    counts = load(con, tmp_path, "pharmacy_claim")
    assert counts["read"] == 3
    assert counts["stored"] == 1
    assert con.execute("select source_file, line_number, reasons from door.pharmacy_claim_rejected order by 2").fetchall() == [
        (
            "pharmacy_claim.csv", 3,
            "invalid_claim_line_number;missing_person_id;invalid_dispensing_date;invalid_ndc_code",
        ),
        ("pharmacy_claim.csv", 4, "missing_claim_id"),
    ]  # fmt: skip
    assert counts["repaired ndc_code"] == 1
    assert counts["absent_column rx_number"] == 1


def test_parts_of_a_table_are_one_table(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    folder = tmp_path / "pharmacy_claim"
    folder.mkdir()
    (folder / "a.csv").write_text(f"{CLAIMS}\nC1,1,P1,2026-01-01,1,30\n", encoding="utf-8")
    (folder / "b.csv").write_text(
        f"DAYS_SUPPLY,surplus,{CLAIMS.removesuffix(',days_supply')}\n,x,C2,1,P1,2026-01-02,2\n", encoding="utf-8"
    )
    pl.DataFrame(
        {"claim_id": ["C3"], "claim_line_number": [1], "person_id": ["P1"], "dispensing_date": [DAY(2026, 1, 3)],
         "ndc_code": [3], "days_supply": [30.0]}
    ).write_parquet(folder / "c.parquet")  # fmt: skip
    counts = load(con, tmp_path, "pharmacy_claim")
    assert counts["read"] == counts["stored"] == 3
    assert counts["unknown_column surplus"] == 1
    rows = con.execute(
        "select claim_id, dispensing_date, ndc_code, days_supply, source_file, line_number from raw.pharmacy_claim order by 1"
    ).fetchall()
    assert rows == [
        ("C1", DAY(2026, 1, 1), "00000000001", 30, "pharmacy_claim/a.csv", 2),
        ("C2", DAY(2026, 1, 2), "00000000002", None, "pharmacy_claim/b.csv", 2),
        ("C3", DAY(2026, 1, 3), "00000000003", 30, "pharmacy_claim/c.parquet", 1),
    ]


@pytest.mark.parametrize("case", ["CSV then Parquet", "line numbers with gaps"])
def test_every_row_has_a_row_id_of_its_own(con: duckdb.DuckDBPyConnection, tmp_path: Path, case: str) -> None:
    # Rows are removed by row_id: two rows that share one would fall together.
    folder = tmp_path / "pharmacy_claim"
    folder.mkdir()
    if case == "CSV then Parquet":
        (folder / "a.csv").write_text(f"{CLAIMS}\nC1,1,P1,2026-01-01,1,30\n", encoding="utf-8")
        row = {"claim_id": ["C2"], "claim_line_number": [1], "person_id": ["P1"], "dispensing_date": [DAY(2026, 1, 3)]}
        pl.DataFrame(row | {"ndc_code": ["3"], "days_supply": [30]}).write_parquet(folder / "b.parquet")
    else:
        # Two blank lines before the only row: it is line 4, and the next file's third row is line 4 - 1 + 1.
        (folder / "a.csv").write_text(f"{CLAIMS}\n\n\nC1,1,P1,2026-01-01,1,30\n", encoding="utf-8")
        lines = "".join(f"C{n},1,P1,2026-01-01,1,30\n" for n in range(2, 6))
        (folder / "b.csv").write_text(f"{CLAIMS}\n{lines}", encoding="utf-8")
    load(con, tmp_path, "pharmacy_claim")
    assert con.execute("select count(*) - count(distinct row_id) from raw.pharmacy_claim").fetchall() == [(0,)]


def test_equal_rows_are_duplicates_and_the_last_of_a_key_stands(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "drug.csv").write_text(
        "ndc_code,ingredients,strength\n1,metformin,500\n00000000001,Metformin,500\n1,metformin,850\n2,glipizide,5\n",
        encoding="utf-8",
    )
    counts = load(con, tmp_path, "drug")
    assert (counts["read"], counts["duplicate"], counts["netted"], counts["stored"]) == (4, 1, 1, 2)
    assert con.execute("select ndc_code, strength from raw.drug order by 1").fetchall() == [
        ("00000000001", "850"), ("00000000002", "5"),
    ]  # fmt: skip


def test_versions_of_a_claim_all_come_in(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    row = "C1,1,P1,2026-01-01,1,30"
    (tmp_path / "pharmacy_claim.csv").write_text(f"{CLAIMS}\n{row}\n{row}\n", encoding="utf-8")
    counts = load(con, tmp_path, "pharmacy_claim")
    assert (counts["read"], counts["stored"]) == (2, 2)


def test_optional_table_that_is_absent_is_empty(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    counts = load(con, tmp_path, "member_preference")
    assert (counts["read"], counts["stored"]) == (0, 0)
    with pytest.raises(InputError, match="eligibility: found no file"):
        load(con, tmp_path, "eligibility")


def test_claims_beside_win_over_the_reference_folder(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    claims, reference = tmp_path / "claims", tmp_path / "reference"
    for folder, name in ((claims, "metformin"), (reference, "glipizide")):
        folder.mkdir()
        (folder / "drug.csv").write_text(f"ndc_code,ingredients\n1,{name}\n", encoding="utf-8")
    (reference / "pharmacy.csv").write_text("npi,state,zip_code\n1234567893,TX,78701\n", encoding="utf-8")
    inputs = ingest.find_inputs(read_layout("tuva"), claims, reference)
    assert [f.path for f in inputs.files_of("drug")] == [claims / "drug.csv"]
    assert [f.path for f in inputs.files_of("pharmacy")] == [reference / "pharmacy.csv"]


def test_codes_of_a_refused_claim_are_kept(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Refused for a status, an amount, a missing line number or date: what the row says of a loss is not lost."""
    (tmp_path / "medical_claim.csv").write_text(
        "claim_id,claim_line_number,claim_type,person_id,claim_start_date,claim_status,paid_amount,file_date,"
        "diagnosis_code_1,diagnosis_code_25,hcpcs_code,procedure_code_2,drg_code\n"
        "A,1,professional,P1,2026-01-05,settled,,,O03.9,z37.1,59812,,\n"
        "B,1,professional,P2,2026-01-06,,much,,O021,,,,\n"
        "C,,institutional,P3,2026-01-07,,,,,,,10A07ZX,770\n"
        "D,1,professional,P4,soon,,,2026-01-09,O021,,,,\n"
        "E,1,professional,,2026-01-05,,,,O021,,,,\n"
        "F,1,professional,P6,2026-01-05,,,,O021,,,,\n"
    )
    load(con, tmp_path, "medical_claim")
    assert con.execute(
        "select person_id, claim_id, service_date, code_system, code from door.medical_claim_refused_code order by all"
    ).fetchall() == [
        ("P1", "A", DAY(2026, 1, 5), "hcpcs", "59812"),
        ("P1", "A", DAY(2026, 1, 5), "icd10cm", "O039"),
        ("P1", "A", DAY(2026, 1, 5), "icd10cm", "Z371"),
        ("P2", "B", DAY(2026, 1, 6), "icd10cm", "O021"),
        ("P3", "C", DAY(2026, 1, 7), "icd10pcs", "10A07ZX"),
        ("P3", "C", DAY(2026, 1, 7), "ms_drg", "770"),
        ("P4", "D", DAY(2026, 1, 9), "icd10cm", "O021"),
    ]


# A copy of claims -----------------------------------------------------------------------------------------------------


def test_lines_that_are_no_rows_move_the_numbers_of_those_behind_them(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """In each file by its own lines: a blank line, one with a value too many, a refused row."""
    (tmp_path / "pharmacy_claim").mkdir()
    row = "C{},1,P1,2026-01-01,1,30\n"
    first = [
        row.format(1),
        "\n",
        row.format(2),
        "C3,1,P1,2026-01-01,1,30,7\n",
        row.format(4),
        "C5,x,P1,2026-01-01,1,30\n",
    ]
    (tmp_path / "pharmacy_claim" / "1.csv").write_text(f"{CLAIMS}\n{''.join(first)}", encoding="utf-8")
    (tmp_path / "pharmacy_claim" / "2.csv").write_text(
        f"{CLAIMS}\n{row.format(6)}\n{row.format(7)}\n", encoding="utf-8"
    )
    counts = load(con, tmp_path, "pharmacy_claim")
    assert (counts["read"], counts["stored"]) == (7, 5)
    assert con.execute(
        "select claim_id, source_file[-5:], line_number from raw.pharmacy_claim order by row_id"
    ).fetchall() == [("C1", "1.csv", 2), ("C2", "1.csv", 4), ("C4", "1.csv", 6), ("C6", "2.csv", 2), ("C7", "2.csv", 4)]
    assert con.execute("select line_number, reasons from door.pharmacy_claim_rejected order by all").fetchall() == [
        (5, "too_many_columns"),
        (7, "invalid_claim_line_number"),
    ]


def test_columns_of_claims_that_no_file_has_are_null_and_kept_nowhere(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    (tmp_path / "pharmacy_claim").mkdir()
    (tmp_path / "pharmacy_claim" / "1.csv").write_text(f"{CLAIMS}\nC1,1,P1,2026-01-01,1,30\n", encoding="utf-8")
    (tmp_path / "pharmacy_claim" / "2.csv").write_text(
        f"{CLAIMS},rx_number\nC2,1,P1,2026-01-01,1,30,R2\n", encoding="utf-8"
    )
    load(con, tmp_path, "pharmacy_claim")
    assert con.execute("select claim_id, rx_number, quantity from raw.pharmacy_claim order by all").fetchall() == [
        ("C1", None, None),
        ("C2", "R2", None),
    ]
    kept = {row[0] for row in con.execute("describe door.pharmacy_claim_copy").fetchall()}
    assert "rx_number" in kept
    assert "quantity" not in kept
    assert misshapen(con, contract_for("raw", "pharmacy_claim")) == {}


def test_a_table_that_fails_leaves_nothing_half_loaded(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """The second of two files has a line break inside quotes, which shows when its rows are there."""
    (tmp_path / "pharmacy_claim").mkdir()
    (tmp_path / "pharmacy_claim" / "1.csv").write_text(f"{CLAIMS}\nC1,1,P1,2026-01-01,1,30\n", encoding="utf-8")
    broken = tmp_path / "pharmacy_claim" / "2.csv"
    broken.write_text(f'{CLAIMS}\n"C\n2",1,P1,2026-01-01,1,30\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"^pharmacy_claim/2\.csv: 2 lines became 1 rows and 0 refused lines"):
        load(con, tmp_path, "pharmacy_claim")
    assert (
        con.execute("select table_name from duckdb_tables() where table_name like 'pharmacy_claim_copy'").fetchall()
        == []
    )
    broken.unlink()
    assert load(con, tmp_path, "pharmacy_claim")["stored"] == 1


@pytest.mark.parametrize("is_broken", [False, True], ids=["read", "broken off"])
def test_no_thread_stays_away_from_what_comes_after_a_text_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, is_broken: bool
) -> None:
    (tmp_path / "pharmacy_claim.csv").write_text(f"{CLAIMS}\nC1,1,P1,2026-01-01,1,30\n", encoding="utf-8")
    used = []

    sound = door.typed_select

    def typed_select(*asked: Any) -> str:
        used.append(connection.execute("select current_setting('threads')").fetchone())
        return f"select * replace (error('broken off') as claim_id) from ({sound(*asked)})"

    with duckdb.connect(config={"threads": 2}) as connection:
        if is_broken:
            monkeypatch.setattr(door, "typed_select", typed_select)
            with pytest.raises(InputError, match=r"^pharmacy_claim\.csv: not readable as CSV; a complete file"):
                load(connection, tmp_path, "pharmacy_claim")
            assert used == [(1,)]
            monkeypatch.undo()
        assert connection.execute("select current_setting('threads')").fetchone() == (2,)
        assert load(connection, tmp_path, "pharmacy_claim")["stored"] == 1
        assert connection.execute("select current_setting('threads')").fetchone() == (2,)
