"""The outcome sheet: what it offers, and that it comes back through the door as it is."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from assets.engine.contract import contract_for
from assets.engine.errors import InputError
from assets.engine.ingest import find_inputs, load_table
from assets.engine.landing import InputFile, files_of_folder, land
from assets.engine.layout import read_layout
from assets.engine.outcome_sheet import COLUMNS, offered_outcomes, write_sheet
from assets.engine.outreach_registry import read_outreach_outcomes
from tests.outcome_sheets import fill_in, send_back

NPI = "1234567893"
# All digits, and one that a spreadsheet would take for 1 with many zeros behind it.
GAPS = ["0123456789abcdef", "0000000000000012", "1e00000000000004"]


@pytest.fixture(params=["csv", "xlsx"])
def sheet(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A sheet of three rows."""
    rows = pa.table({"list_rank": [1, 2, 3], "gap_id": GAPS, "pharmacy_npi": [NPI] * 3, "reason": ["x"] * 3})
    return write_sheet(rows, tmp_path / f"outcome_sheet_pharmacy_npi={NPI}", request.param).path


def load(folder: Path) -> tuple[list[tuple], dict[str, int], list[tuple]]:
    """Accepted rows, what was counted, and refused rows of the outcomes in an input folder."""
    with duckdb.connect(config={"threads": 1}) as con:
        layout = read_layout("tuva")
        load_table(con, contract_for("raw", "outreach_outcome"), find_inputs(layout, folder, None), folder)
        rows = con.execute(
            "select gap_id, attempted_at::varchar, outcome_code, channel, staff_role, next_contact_date::varchar, "
            "pharmacy_npi, line_number from raw.outreach_outcome order by line_number"
        ).fetchall()
        counts = con.execute(
            "select measure || detail, row_count from door.outreach_outcome_count where measure not like '%column'"
        ).fetchall()
        return rows, dict(counts), con.execute("from door.outreach_outcome_rejected").fetchall()


def test_a_sheet_comes_back_as_it_is(sheet: Path, tmp_path: Path) -> None:
    """Two rows are answered, one of them in full; the third is no report, and nothing is refused."""
    folder = tmp_path / "input"
    folder.mkdir()
    full = {
        "attempted_at": "2026-06-29", "outcome_code": "REACHED_CALLBACK", "channel": "phone", "staff_role": "pharmacist",
        "next_contact_date": "2026-07-03",
    }  # fmt: skip
    send_back(sheet, folder, {1: {"attempted_at": "2026-06-28", "outcome_code": "NO_ANSWER"}, 3: full})
    rows, counts, refused = load(folder)
    assert rows == [
        (GAPS[0], "2026-06-28 00:00:00", "NO_ANSWER", None, None, None, NPI, 2),
        (GAPS[2], "2026-06-29 00:00:00", "REACHED_CALLBACK", "phone", "pharmacist", "2026-07-03", NPI, 4),
    ]
    assert refused == []
    assert (counts["read"], counts["stored"], counts["blank"]) == (2, 2, 1)


@pytest.mark.parametrize(
    ("mark", "first"),
    [
        ("", "gap_id"),
        ("\ufeff", "list_rank"),
        ("\ufeff", "gap_id"),
        ("\ufeff", '"gap_id"'),
        ("\ufeff" * 2, "list_rank"),
    ],
    ids=["no mark", "a mark", "before a name that is read", "before a quote", "two marks"],
)
def test_a_mark_before_the_first_name_is_no_part_of_it(tmp_path: Path, mark: str, first: str) -> None:
    """A program that takes the mark of a sheet for text and writes one of its own leaves two."""
    (tmp_path / "outreach_outcome").mkdir()
    names, values = [first, "attempted_at", "outcome_code"], [GAPS[0], "2026-06-28", "OPT_OUT"]
    if first == "list_rank":
        names, values = [first, "gap_id", *names[1:]], ["1", *values]
    text = f"{mark}{','.join(names)}\n{','.join(values)}\n"
    (tmp_path / "outreach_outcome" / "a.csv").write_text(text, encoding="utf-8")
    rows, _, refused = load(tmp_path)
    assert [(row[0], row[2]) for row in rows] == [(GAPS[0], "OPT_OUT")]
    assert refused == []


def test_a_sheet_that_nobody_filled_in_is_no_report(sheet: Path, tmp_path: Path) -> None:
    """However many rows it has: refused rows would stop the night."""
    folder = tmp_path / "input"
    folder.mkdir()
    send_back(sheet, folder, {})
    rows, counts, refused = load(folder)
    assert (rows, refused) == ([], [])
    assert (counts["read"], counts["blank"]) == (0, 3)


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_a_sheet_of_an_empty_list_comes_back_as_it_is(tmp_path: Path, suffix: str) -> None:
    rows = pa.table({name: pa.array([], pa.string()) for name in ("list_rank", "gap_id", "pharmacy_npi")})
    folder = tmp_path / "outreach_outcome"
    folder.mkdir()
    write_sheet(rows, folder / f"outcome_sheet_pharmacy_npi={NPI}", suffix)
    rows, counts, refused = load(tmp_path)
    assert (rows, counts["read"], refused) == ([], 0, [])


@pytest.mark.parametrize(
    ("told", "reason"),
    [({"attempted_at": "2026-06-28"}, "missing_outcome_code"), ({"outcome_code": "NO_ANSWER"}, "missing_attempted_at")],
)
def test_half_a_report_is_refused_with_its_reason(sheet: Path, tmp_path: Path, told: dict, reason: str) -> None:
    folder = tmp_path / "input"
    folder.mkdir()
    send_back(sheet, folder, {2: told})
    rows, counts, refused = load(folder)
    assert rows == []
    assert refused == [("outreach_outcome", f"outreach_outcome/{sheet.name}", 3, reason)]
    assert (counts["read"], counts["blank"]) == (1, 2)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("6/9/2026", "2026-06-09 00:00:00"),
        ("06/29/26", "2026-06-29 00:00:00"),
        ("6/29/2026 14:05", "2026-06-29 14:05:00"),
        ("29-Jun-26", "2026-06-29 00:00:00"),
        ("29-JUN-2026", "2026-06-29 00:00:00"),
        ("2/29/2024", "2024-02-29 00:00:00"),
        ("2026-06-29", "2026-06-29 00:00:00"),
        ("13/29/2026", None),
        ("2/29/2026", None),
        # The engine would take the first for the year 29.
        ("29-06-26", None),
        ("infinity", None),
        ("epoch", None),
        ("6/29/2026 9:15 AM", "2026-06-29 09:15:00"),
        ("6/29/26 9:15 PM", "2026-06-29 21:15:00"),
        ("6/29/2026 9:15:30 pm", "2026-06-29 21:15:30"),
        ("6/29/2026 12:15am", "2026-06-29 00:15:00"),
        ("6/29/2026\u202f9:15\u202fp.m.", "2026-06-29 21:15:00"),
        ('"June 29, 2026"', "2026-06-29 00:00:00"),
        ('"Monday, June 29, 2026"', "2026-06-29 00:00:00"),
        ('"JUN. 29, 2026 9:15 AM"', "2026-06-29 09:15:00"),
        ("Sept 9 2026", "2026-09-09 00:00:00"),
        ("May 5 2026", "2026-05-05 00:00:00"),
        ("6-29-2026", "2026-06-29 00:00:00"),
        ("2026-06-29 9:15 PM", "2026-06-29 21:15:00"),
        ("20260629", "2026-06-29 00:00:00"),
        ("46202", "2026-06-29 00:00:00"),
        ("46202.385", "2026-06-29 09:14:24"),
        # A day first, a day that is none, a day without a year, too few or too many digits.
        ("29/06/2026", None),
        ("29-06-2026", None),
        ("6/31/2026", None),
        ("June 31 2026", None),
        ("6/29", None),
        ("6/29/2", None),
        ("6/29/202", None),
        ("06-29-26", None),
        ("2026121", None),
        ("12345", None),
        ("6/29/2026 14:15 PM", None),
        ("Mary 5 2026", None),
    ],
)
def test_a_spreadsheet_that_saves_text_again_writes_its_own_dates(tmp_path: Path, text: str, day: str | None) -> None:
    """A CSV sheet that was opened and saved in a spreadsheet: month first, no zeros."""
    (tmp_path / "outreach_outcome").mkdir()
    (tmp_path / "outreach_outcome" / "a.csv").write_bytes(
        f"\ufefflist_rank,gap_id,attempted_at,outcome_code\r\n1,{GAPS[0]},{text},no_answer\r\n".encode()
    )
    rows, _, refused = load(tmp_path)
    assert [r[1] for r in rows] == ([day] if day else [])
    assert [r[3] for r in refused] == ([] if day else ["invalid_attempted_at"])


@pytest.mark.parametrize(
    "text",
    [GAPS[0], "'" + GAPS[0], GAPS[0].upper(), f"  {GAPS[0]}\t", f"\u00a0{GAPS[0]}", f"\u2019{GAPS[0].upper()} "],
    ids=["as it is", "apostrophe", "capitals", "blanks", "a blank that is not seen", "all of it"],
)
def test_an_id_is_known_however_it_is_spelled(tmp_path: Path, text: str) -> None:
    (tmp_path / "outreach_outcome.csv").write_text(
        f"gap_id,attempted_at,outcome_code\n{text},2026-06-29,OPT_OUT\u00a0\n", encoding="utf-8"
    )
    rows, _, refused = load(tmp_path)
    assert [(row[0], row[2]) for row in rows] == [(GAPS[0], "OPT_OUT")]
    assert refused == []


@pytest.mark.parametrize(
    ("gap_id", "cell"),
    [
        ("0123456789012345", "'0123456789012345"),
        ("1234567890e12345", "'1234567890e12345"),
        ("e123456789012345", "e123456789012345"),
        ("12e4567890e12345", "12e4567890e12345"),
        ("123456789012345e", "123456789012345e"),
        ("0123456789abcdef", "0123456789abcdef"),
    ],
)
def test_a_csv_sheet_keeps_ids_from_becoming_numbers(tmp_path: Path, gap_id: str, cell: str) -> None:
    """A spreadsheet that saves it again would round them, and the door would know no row of that id."""
    rows = pa.table({"list_rank": [1], "gap_id": [gap_id], "pharmacy_npi": [NPI]})
    text = write_sheet(rows, tmp_path / "sheet", "csv").path.read_text(encoding="utf-8-sig")
    assert text.splitlines()[1] == f"1,{cell},,,,,,{NPI}"
    book = write_sheet(rows, tmp_path / "sheet", "xlsx").path
    assert CalamineWorkbook.from_path(str(book)).get_sheet_by_index(0).to_python()[1][1] == gap_id


def test_what_can_be_read_of_a_refused_report_is_kept(tmp_path: Path) -> None:
    """Rules 6.2, 6.7: an opt-out is one whatever else is wrong with its row; a row that names nobody tells of nobody."""
    (tmp_path / "outreach_outcome.csv").write_text(
        "gap_id,person_id,gap_code,attempted_at,outcome_code,next_contact_date\n"
        f"{GAPS[0]},,,2026-06-29,OPT_OUT,none\n"
        ",P1,tdap,1 July 2026,opt-out,\n"
        f"{GAPS[1]},,,,Not Eligible,\n"
        ",,,2026-06-29,OPT_OUT,none\n",
        encoding="utf-8",
    )
    with duckdb.connect(config={"threads": 1}) as con:
        inputs = find_inputs(read_layout("tuva"), tmp_path, None)
        load_table(con, contract_for("raw", "outreach_outcome"), inputs, tmp_path)
        kept = con.execute(
            "select gap_id, person_id, gap_code, attempted_at::date::varchar, outcome_code "
            "from door.outreach_outcome_refused_word order by all"
        ).fetchall()
        [[accepted]] = con.execute("select count(*) from raw.outreach_outcome").fetchall()
    assert accepted == 0
    assert kept == [
        (GAPS[1], None, None, None, "NOT_ELIGIBLE"),
        (GAPS[0], None, None, "2026-06-29", "OPT_OUT"),
        (None, "P1", "TDAP", None, "OPT_OUT"),
    ]


def test_the_workbook_offers_codes_that_tell_nothing(tmp_path: Path) -> None:
    """Maternal 1.7, L6: a sheet goes to every pharmacy. Every offered code is one that the door knows."""
    rows = pa.table({"list_rank": [1], "gap_id": GAPS[:1], "pharmacy_npi": [NPI]})
    path = write_sheet(rows, tmp_path / "sheet", "xlsx").path
    with zipfile.ZipFile(path) as book:
        text = " ".join(book.read(name).decode() for name in book.namelist() if name.endswith(".xml"))
    page = text.lower()
    for word in ("pregnan", "baby", "due date", "loss", "miscarriage", "stillbirth", "infant", "<f>"):
        assert word not in page
    assert '<dataValidation type="list" errorStyle="warning"' in text
    codes = CalamineWorkbook.from_path(str(path)).get_sheet_by_name("Codes").to_python()
    assert [row[0] for row in codes[1:]] == list(offered_outcomes())
    assert {"REACHED_COMPLETED", "NO_ANSWER", "NOT_ELIGIBLE", "OPT_OUT"} <= set(offered_outcomes())
    assert set(offered_outcomes()) < set(read_outreach_outcomes())


def test_a_sheet_names_nobody(sheet: Path) -> None:
    known = CalamineWorkbook.from_path(str(sheet)).get_sheet_by_index(0).to_python() if sheet.suffix == ".xlsx" else [
        line.split(",") for line in sheet.read_text(encoding="utf-8-sig").splitlines()
    ]  # fmt: skip
    assert tuple(known[0]) == COLUMNS
    assert [str(row[1]).removeprefix("'") for row in known[1:]] == GAPS
    assert {cell for row in known[1:] for at, cell in enumerate(row) if COLUMNS[at] not in {"list_rank", "gap_id"}} == {
        "", NPI,
    }  # fmt: skip


# Workbooks at the door ------------------------------------------------------------------------------------------------


def test_a_workbook_is_a_form_of_outcomes_alone(tmp_path: Path) -> None:
    for name in ("eligibility.xlsx", "pharmacy/a.xlsx", "outreach_outcome/a.xlsx"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = files_of_folder(tmp_path, {"eligibility", "pharmacy", "outreach_outcome"})
    assert {t: [f.label for f in files] for t, files in found.tables.items()} == {
        "outreach_outcome": ["outreach_outcome/a.xlsx"]
    }
    assert set(found.ignored) == {"eligibility.xlsx", "pharmacy/a.xlsx"}


@pytest.mark.parametrize("ending", [".XLSX", ".Xlsx", ".CSV", ".CSV.GZ", ".Csv.gz"])
def test_any_file_name_will_do(tmp_path: Path, ending: str) -> None:
    """A desk that writes its endings in capitals sends opt-outs too."""
    folder = tmp_path / "input"
    (folder / "outreach_outcome").mkdir(parents=True)
    form = "xlsx" if "xlsx" in ending.lower() else "csv"
    rows = pa.table({"list_rank": [1, 2, 3], "gap_id": GAPS, "pharmacy_npi": [NPI] * 3})
    sheet = write_sheet(rows, tmp_path / "sheet", form).path
    filled = fill_in(sheet, tmp_path / f"filled.{form}", {2: {"attempted_at": "2026-06-28", "outcome_code": "OPT_OUT"}})
    content = filled.read_bytes()
    target = folder / "outreach_outcome" / f"Sheet of Monday{ending}"
    target.write_bytes(gzip.compress(content) if ending.lower().endswith(".gz") else content)
    found, counts, refused = load(folder)
    assert [(row[0], row[2]) for row in found] == [(GAPS[1], "OPT_OUT")]
    assert (counts["blank"], refused) == (2, [])


def test_what_programs_leave_beside_a_sheet_is_nobodys_answer(tmp_path: Path) -> None:
    """A warning that comes every night is read by nobody; a document that somebody put there is told."""
    (tmp_path / "outreach_outcome").mkdir()
    for name in ("~$a.xlsx", ".~lock.a.xlsx#", ".DS_Store", ".hidden.csv", "notes.docx", "a.xlsx.pdf"):
        (tmp_path / "outreach_outcome" / name).write_bytes(b"x")
    for name in ("~$drug.xlsx", ".~lock.drug.csv#", ".DS_Store", "readme.md"):
        (tmp_path / name).write_bytes(b"x")
    found = files_of_folder(tmp_path, {"drug", "outreach_outcome"})
    assert found.tables == {}
    assert found.ignored == ("outreach_outcome/a.xlsx.pdf", "outreach_outcome/notes.docx", "readme.md")


def land_rows(path: Path, cells: list[list]) -> list[tuple]:
    with xlsxwriter.Workbook(str(path)) as book:
        page = book.add_worksheet()
        for line, row in enumerate(cells):
            for at, value in enumerate(row):
                page.write(line, at, value)
    with duckdb.connect(config={"threads": 1}) as con:
        landed = land(con, InputFile(path, path.name), 0)
        return con.execute(landed.query).fetchall()


def test_cells_are_text_as_they_were_typed_and_empty_rows_are_none(tmp_path: Path) -> None:
    cells = [
        ["Gap_ID", "attempted_at", "n"],
        ["00012", "2026-06-29", 3.0],
        ["", "", ""],
        [12, None, 1.5],
        [True, " a ", 0],
    ]
    assert land_rows(tmp_path / "a.xlsx", cells) == [
        ("00012", "2026-06-29", "3", 2), ("12", None, "1.5", 4), ("True", "a", "0", 5),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "line"),
    [
        ([[]], "found an empty file"),
        ([["gap_id", "", "n"], ["a", "b", "c"]], "1 columns without a name"),
        ([["gap_id", "GAP_ID"], ["a", "b"]], "found ['gap_id'] more than once"),
    ],
)
def test_a_workbook_without_a_sound_header_is_one_line(tmp_path: Path, cells: list[list], line: str) -> None:
    with pytest.raises(InputError) as refused:
        land_rows(tmp_path / "a.xlsx", cells)
    assert line in str(refused.value)


def test_what_is_no_workbook_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(b"PK\x03\x04 not really")
    with duckdb.connect() as con, pytest.raises(InputError, match=r"a.xlsx: not readable as a workbook"):
        land(con, InputFile(path, path.name), 0)


def test_a_workbook_that_unpacks_to_too_much_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assets.engine.landing.LARGEST_WORKBOOK", 100)
    with pytest.raises(InputError, match="more than 0 MB in the workbook"):
        land_rows(tmp_path / "a.xlsx", [["gap_id"], ["a"]])
