"""What people wrote and no program would: lines that are no rows, and files that cannot be read, still hold contact back."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from assets.engine.contract import contract_for
from assets.engine.errors import InputError
from assets.engine.ingest import find_inputs, gather, load_table
from assets.engine.layout import read_layout
from assets.engine.refused_word import warnings

GAP, OTHER = "0a1b2c3d4e5f6789", "ffffffffffffffff"
SHEET = "list_rank,gap_id,attempted_at,outcome_code,channel,staff_role,next_contact_date,pharmacy_npi"
SOUND = f"9,{OTHER},2026-06-29,NO_ANSWER,phone,pharmacist,,1234567893"


class Door:
    """What the door made of the files of one table in a folder."""

    def __init__(self, folder: Path, table: str = "outreach_outcome") -> None:
        with duckdb.connect(config={"threads": 1}) as con:
            load_table(con, contract_for("raw", table), find_inputs(read_layout("tuva"), folder, None), folder)
            self.rows = con.execute(f"select * from raw.{table}").pl().to_dicts()
            self.words = con.execute(f"select * from door.{table}_refused_word order by all").pl().to_dicts()
            self.rejected = con.execute(
                f"select line_number, reasons from door.{table}_rejected order by all"
            ).fetchall()
            counted = con.execute(f"select measure, sum(row_count) from door.{table}_count group by 1").fetchall()
            con.execute(f"create table raw.ingested as from door.{table}_count")
            self.counts: dict[str, int] = {measure: int(rows) for measure, rows in counted}
            self.warnings = warnings(con)

    def told(self, *columns: str) -> list[tuple[Any, ...]]:
        """These columns of what was kept of refused lines."""
        return [tuple(word[name] for name in columns) for word in self.words]

    def accounts(self) -> None:
        """Interface 2.1: read = accepted + rejected + duplicate + netted."""
        c = self.counts
        assert c["read"] == c["stored"] + len(self.rejected) + c.get("duplicate", 0) + c.get("netted", 0)


def outcomes(folder: Path, content: bytes | str, name: str = "a.csv") -> Door:
    (folder / "outreach_outcome").mkdir(exist_ok=True)
    content = content.encode() if isinstance(content, str) else content
    (folder / "outreach_outcome" / name).write_bytes(content)
    return Door(folder)


def of_table(folder: Path, table: str, *lines: str) -> Door:
    (folder / f"{table}.csv").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return Door(folder, table)


# Lines that are no rows -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "reason", "code", "day"),
    [
        (f"1,{GAP},2026-06-30,OPT_OUT,phone,pharmacist,,123,never again", "too_many_columns", "OPT_OUT", "2026-06-30"),
        (f"1,{GAP},6/30/2026,opt-out,phone,pharmacist, RPh,,123", "too_many_columns", "OPT_OUT", "2026-06-30"),
        (f"1,{GAP},2026-06-30,NOT_PREGNANT", "too_few_columns", "NOT_PREGNANT", "2026-06-30"),
        (f"1,{GAP.upper()},,OPT_OUT", "too_few_columns", "OPT_OUT", None),
        (f"1,{GAP},2026-06-30,REACHED_DECLINED,phone", "too_few_columns", "REACHED_DECLINED", "2026-06-30"),
        (f'1,{GAP},2026-06-30,OPT_OUT,phone,"pharmacist" Ann,,123', "invalid_quoting", "OPT_OUT", "2026-06-30"),
        (f'1,"{GAP},2026-06-30,OPT_OUT",phone', "too_few_columns", "OPT_OUT", "2026-06-30"),
        # Cells that moved: the day is not where the header says, the word is heard from tonight on.
        (f"1,June, 30,{GAP},x,opt out,phone,pharmacist,,123", "too_many_columns", "OPT_OUT", None),
        (f"{GAP},LOSS", "too_few_columns", "LOSS", None),
    ],
)  # fmt: skip
def test_a_line_that_is_no_row_still_holds_contact_back(
    tmp_path: Path, line: str, reason: str, code: str, day: str | None
) -> None:
    """Interface 2.1: it stays rejected, with its reason, and what can be read of it is kept."""
    door = outcomes(tmp_path, f"{SHEET}\n{SOUND}\n{line}\n")
    assert [row["gap_id"] for row in door.rows] == [OTHER]
    assert door.rejected == [(3, reason)]
    assert [(gap, told, at and str(at.date())) for gap, told, at in door.told("gap_id", "outcome_code", "attempted_at")] == [
        (GAP, code, day)
    ]  # fmt: skip
    assert door.warnings == []
    door.accounts()


def test_bytes_that_are_not_utf_8_hide_no_opt_out(tmp_path: Path) -> None:
    line = f"1,{GAP},2026-06-30,OPT_OUT,phone,Peña,,123".encode("latin-1")
    door = outcomes(tmp_path, SHEET.encode() + b"\n" + line + b"\n")
    assert door.rejected == [(2, "invalid_encoding")]
    assert door.told("gap_id", "outcome_code") == [(GAP, "OPT_OUT")]


def test_a_member_and_a_code_name_a_row_too(tmp_path: Path) -> None:
    header = "attempted_at,note,person_id,gap_code,outcome_code"
    door = outcomes(tmp_path, f"{header}\n2026-06-30,said, never,P1,TDAP,OPT_OUT\n")
    assert ("P1", "TDAP", "OPT_OUT") in door.told("person_id", "gap_code", "outcome_code")
    assert all(word["outcome_code"] == "OPT_OUT" for word in door.words)


@pytest.mark.parametrize(
    "line",
    [
        f"1,{GAP},2026-06-30,said no,phone",
        "1,lost,2026-06-30,OPT_OUT,phone",
        # What lifts a hold is heard from a sound line alone.
        f"1,{GAP},2026-06-30,ALIVE_CONFIRMED,phone",
        f"1,{GAP},,,phone,pharmacist,,123,please never call",
    ],
)
def test_a_line_of_which_nothing_can_be_read_is_told_by_its_number(tmp_path: Path, line: str) -> None:
    door = outcomes(tmp_path, f"{SHEET}\n{SOUND}\n{line}\n")
    assert door.words == []
    [warning] = door.warnings
    assert warning.startswith("outreach_outcome/a.csv: nothing can be read of line 3;")
    assert not [word for word in line.split(",") if len(word) > 3 and word in warning]
    door.accounts()


def test_a_line_that_nobody_filled_in_says_nothing(tmp_path: Path) -> None:
    """It is rejected as ever, and nobody need look."""
    door = outcomes(tmp_path, f"{SHEET}\n1,{GAP},,\n")
    assert (door.words, door.warnings, len(door.rejected)) == ([], [], 1)


@pytest.mark.parametrize(
    "line",
    ["P1,1,member_request", "P1,1,member_request,,,,,,x", "P1,1,x,phone,en,after 5, not Mondays", '"P1,1,member_request', '"P1,1",x'],
)  # fmt: skip
def test_a_wish_that_is_no_row_holds_contact_back(tmp_path: Path, line: str) -> None:
    header = "person_id,do_not_contact,contact_block_reason,restricted_channels,language,best_contact_time"
    door = of_table(tmp_path, "member_preference", header, "P2,0,,,en,", line)
    assert [row["person_id"] for row in door.rows] == ["P2"]
    assert ("P1",) in door.told("person_id")
    assert len(door.rejected) == 1
    assert door.warnings == []
    door.accounts()


def test_a_wish_names_its_member_wherever_the_column_is(tmp_path: Path) -> None:
    door = of_table(
        tmp_path, "member_preference", "best_contact_time,person_id,do_not_contact", "after 5, not Mondays,P1,1", "P2,1"
    )
    assert {("P1",), ("P2",)} <= set(door.told("person_id"))


@pytest.mark.parametrize("line", ["P1,Programme,2020-01-01", "P1,programme,2020-01-01,2026-01-01,by letter"])
def test_a_withdrawal_that_is_no_row_is_heard(tmp_path: Path, line: str) -> None:
    door = of_table(tmp_path, "member_consent", "person_id,scope,valid_from,valid_to", line)
    assert door.told("person_id", "scope") == [("P1", "programme")]
    assert (door.warnings, len(door.rejected)) == ([], 1)


def test_a_consent_of_which_the_scope_is_lost_is_told(tmp_path: Path) -> None:
    door = of_table(tmp_path, "member_consent", "person_id,scope,valid_from,valid_to", "P1")
    assert door.words == []
    assert door.warnings == [
        "member_consent.csv: nothing can be read of line 2; look there for a wish not to be contacted"
    ]


def test_lines_are_read_again_from_compressed_files_and_many_are_told_shortly(tmp_path: Path) -> None:
    lines = [f"{n},{GAP},2026-06-30,OPT_OUT" if n == 1 else f"{n},x,,sick" for n in range(1, 82)]
    door = outcomes(tmp_path, gzip.compress("\n".join([SHEET, *lines]).encode()), "a.csv.gz")
    assert door.told("gap_id", "outcome_code") == [(GAP, "OPT_OUT")]
    assert door.warnings[0].endswith(" 51, 52 and 30 more; look there for a wish not to be contacted")
    assert door.counts["unread_line"] == 80


# Files that cannot be read --------------------------------------------------------------------------------------------

ROW = f"1,{GAP},2026-06-30,OPT_OUT,phone,pharmacist,,1234567893"
SHAPES = {
    "mixed line ends": f"{SHEET}\r\n{ROW}\r\n{SOUND}\n\r\n".encode(),
    "line ends of an old system": f"{SHEET}\r{ROW}\r{SOUND}\r".encode(),
    "a column without a name": f"{SHEET},\n{ROW},called twice\n{SOUND},\n".encode(),
    "two columns without a name": f",{SHEET},\n,{ROW},\nx,{SOUND},\n".encode(),
    "semicolons": f"{SHEET}\n{ROW}\n{SOUND}\n".replace(",", ";").encode(),
    "semicolons told": f"sep=;\n{SHEET}\n{ROW}\n{SOUND}\n".replace(",", ";").encode(),
    "tabs": f"{SHEET}\n{ROW}\n{SOUND}\n".replace(",", "\t").encode(),
    "UTF-16": f"{SHEET}\r\n{ROW}\r\n{SOUND}\r\n".encode("utf-16"),
    "UTF-16 without a mark": f"{SHEET}\r\n{ROW}\r\n{SOUND}\r\n".encode("utf-16-le"),
    "UTF-16 with tabs": f"{SHEET}\r\n{ROW}\r\n{SOUND}\r\n".replace(",", "\t").encode("utf-16"),
    "a title": f"Outcomes of June,,,,,,,\n\n{SHEET}\n{ROW}\n{SOUND}\n".encode(),
    "names for people": f"{SHEET}\n{ROW}\n{SOUND}\n".replace("outcome_code", "Outcome code").encode(),
    "a note of two lines": f'{SHEET},note\n{ROW},"called\ntwice"\n{SOUND},\n'.encode(),
    "a note twice": f"{SHEET},note,Note\n{ROW},a,b\n{SOUND},,\n".encode(),
}


@pytest.mark.parametrize("content", SHAPES.values(), ids=SHAPES)
def test_a_file_that_a_spreadsheet_made_its_own_is_read(tmp_path: Path, content: bytes) -> None:
    door = outcomes(tmp_path, content)
    rows = [
        (row["gap_id"], row["outcome_code"], str(row["attempted_at"].date()), row["pharmacy_npi"]) for row in door.rows
    ]
    assert rows == [
        (GAP, "OPT_OUT", "2026-06-30", "1234567893"), (OTHER, "NO_ANSWER", "2026-06-29", "1234567893"),
    ]  # fmt: skip
    assert (door.rejected, door.words, door.warnings) == ([], [], [])
    door.accounts()


def test_broken_lines_of_a_mended_file_are_refused_and_read_again(tmp_path: Path) -> None:
    lines = [
        "Outcomes of June", SHEET, f"1,{GAP},2026-06-30,OPT_OUT", f'{SOUND},"more"', f'8,{OTHER},,"REACHED" x,,,,', SOUND,
        f"2,{GAP},2026-06-30,LOSS,Pe\u00f1a",
    ]  # fmt: skip
    door = outcomes(tmp_path, "\n".join(lines).encode("latin-1"))
    assert [(row["gap_id"], row["line_number"]) for row in door.rows] == [(OTHER, 6)]
    assert door.rejected == [
        (3, "too_few_columns"), (4, "too_many_columns"), (5, "invalid_quoting"), (7, "invalid_encoding"),
    ]  # fmt: skip
    assert door.told("gap_id", "outcome_code") == [(GAP, "LOSS"), (GAP, "OPT_OUT"), (OTHER, "NO_ANSWER")]
    assert [warning.split(";")[0] for warning in door.warnings] == [
        "outreach_outcome/a.csv: nothing can be read of line 5"
    ]
    door.accounts()


def test_a_quote_that_is_never_closed_swallows_no_row(tmp_path: Path) -> None:
    first = f'1,{GAP},2026-06-30,OPT_OUT,phone,"pharmacist,,1234567893'
    for last in ("", f'\n3,{OTHER},2026-06-29,LEFT_VM,phone,pharmacist,,"1234567893"'):
        door = outcomes(tmp_path, f"{SHEET}\n{first}\n{SOUND}{last}\n")
        assert OTHER in [row["gap_id"] for row in door.rows]
        assert (GAP, "OPT_OUT") in door.told("gap_id", "outcome_code")
        door.accounts()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("b.csv", b"", "found an empty file; a header line is expected; none of its lines can be read"),
        ("b.csv", b"PK\x03\x04\x00\x00", "not UTF-8 text; "),
        ("b.csv", f"{GAP},2026-06-30,OPT_OUT\n1,{OTHER},x\n".encode(), "found no column attempted_at, outcome_code; "),
        ("b.csv", f"{SHEET},gap_id\n{ROW},x\n".encode(), "found ['gap_id'] more than once in the header; "),
        ("b.csv.gz", gzip.compress(SHEET.encode())[:-9], "not readable; "),
        ("b.xlsx", b"PK\x03\x04 not really", "not readable as a workbook; "),
        ("b.parquet", b"PAR1 not really", "not readable as Parquet; "),
    ],
    ids=["empty", "a workbook under another name", "no header", "a column twice", "cut off", "no workbook", "no Parquet"],
)  # fmt: skip
def test_a_file_that_cannot_be_read_keeps_back_no_other(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    """The night goes on with a warning that names the file and the reason; its words are tried line by line."""
    (tmp_path / "outreach_outcome").mkdir()
    (tmp_path / "outreach_outcome" / name).write_bytes(content)
    door = outcomes(tmp_path, f"{SHEET}\n{SOUND}\n")
    assert [row["gap_id"] for row in door.rows] == [OTHER]
    [warning] = door.warnings
    assert warning.startswith(f"outreach_outcome/{name}: the file is set aside: {reason}")
    assert GAP not in warning
    assert door.told("gap_id", "outcome_code") == ([(GAP, "OPT_OUT")] if GAP.encode() in content else [])
    assert (door.counts["read"], door.counts["set_aside"]) == (1, 1)
    door.accounts()


def test_a_file_that_is_damaged_further_down_is_set_aside_whole(tmp_path: Path) -> None:
    (tmp_path / "outreach_outcome").mkdir()
    path = tmp_path / "outreach_outcome" / "b.parquet"
    pq.write_table(
        pa.table({"gap_id": [GAP] * 9, "attempted_at": ["2026-06-30"] * 9, "outcome_code": ["NO_ANSWER"] * 9}), path
    )
    content = bytearray(path.read_bytes())
    content[4:40] = bytes(36)
    path.write_bytes(content)
    door = outcomes(tmp_path, f"{SHEET}\n{SOUND}\n")
    assert [row["gap_id"] for row in door.rows] == [OTHER]
    assert len(door.warnings) == 1


def book(path: Path, cells: list[list[Any]]) -> None:
    path.parent.mkdir(exist_ok=True)
    with xlsxwriter.Workbook(str(path)) as workbook:
        page = workbook.add_worksheet()
        for line, row in enumerate(cells):
            page.write_row(line, 0, row)


@pytest.mark.parametrize("title", [[], [["Outcomes of June"], []]], ids=["no title", "a title"])
def test_a_workbook_with_a_note_or_a_title_is_read(tmp_path: Path, title: list[list[Any]]) -> None:
    row = [1, f"'{GAP.upper()} ", 46202.385, "OPT_OUT", "", "", "", "", "called twice"]
    book(tmp_path / "outreach_outcome" / "b.xlsx", [*title, [*SHEET.split(","), ""], row])
    door = Door(tmp_path)
    [found] = door.rows
    assert (found["gap_id"], found["outcome_code"], str(found["attempted_at"])) == (
        GAP,
        "OPT_OUT",
        "2026-06-29 09:14:24",
    )
    assert found["line_number"] == 2 + len(title)
    assert (door.rejected, door.warnings, door.counts["unknown_column"]) == ([], [], 1)


def test_words_of_a_workbook_without_a_header_are_heard(tmp_path: Path) -> None:
    book(tmp_path / "outreach_outcome" / "b.xlsx", [["x", GAP, "Opt out"], [GAP, "2026-06-30"]])
    door = Door(tmp_path)
    assert door.told("gap_id", "outcome_code") == [(GAP, "OPT_OUT")]
    assert door.warnings[0].endswith("; 1 of its 2 lines still hold contact back, the others tell nothing")


@pytest.mark.parametrize("content", [SHAPES["mixed line ends"], SHAPES["a column without a name"], b""])
def test_other_tables_still_stop_the_night(tmp_path: Path, content: bytes) -> None:
    """What a program writes is broken as a whole where it is broken like this."""
    path = tmp_path / "member_preference.csv"
    path.write_bytes(content.replace(b"gap_id", b"person_id"))
    with pytest.raises(InputError):
        Door(tmp_path, "member_preference")


def test_the_door_gathers_warnings_with_the_counts(tmp_path: Path) -> None:
    """`raw.ingested` holds them, under its contract."""
    (tmp_path / "outreach_outcome").mkdir()
    (tmp_path / "outreach_outcome" / "b.csv").write_bytes(b"")
    contract = contract_for("raw", "ingested")
    with duckdb.connect(config={"threads": 1}) as con:
        from assets.engine.ingest import input_contracts

        for name in input_contracts():
            con.execute("create schema if not exists door; create schema if not exists raw")
            con.execute(
                f"create table door.{name}_count (source_table VARCHAR, measure VARCHAR, detail VARCHAR, row_count BIGINT)"
            )
        inputs = find_inputs(read_layout("tuva"), tmp_path, None)
        load_table(con, contract_for("raw", "outreach_outcome"), inputs, tmp_path)
        gather(con, contract)
        assert len(warnings(con)) == 1
        measures = {measure for (measure,) in con.execute("select distinct measure from raw.ingested").fetchall()}
    [allowed] = [p.enum for p in contract.properties if p.name == "measure"]
    assert measures <= set(allowed or [])
