"""The workbook of a list: what its page prints can be read, and says what the pharmacist's guide tells to look at."""

from __future__ import annotations

import datetime
import math
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pyarrow as pa
import pytest
from python_calamine import CalamineWorkbook

from assets.engine.contract import contract_for
from assets.engine.delivery import CONTACT_COLUMNS
from assets.engine.list_page import HIDDEN, PRINTED, write_page
from assets.engine.model import ROOT

NPI, AS_OF = "1234567893", datetime.date(2026, 6, 30)
NAME = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
COLUMNS = [*contract_for("outreach", "worklist").columns, *CONTACT_COLUMNS]
LETTER_INCHES, LEAST_POINTS = 11, 8
ROW = {
    "pharmacy_npi": NPI, "list_rank": 1, "as_of": AS_OF, "state": "TX", "priority_band": "urgent", "person_id": "P1",
    "gap_id": "0123456789abcdef", "gap_code": "ADHERENCE_LATE", "queue": "medication_review", "bundle_rank": 2,
    "is_lead_ask": True, "supersedes_gap_id": "fedcba9876543210", "action": "Call", "reason": "Late.",
    "due_date": datetime.date(2026, 7, 5), "days_left": 5, "language": "es", "expires_date": datetime.date(2026, 7, 2),
    "first_name": "Ana", "last_name": "Peña", "birth_date": datetime.date(1950, 1, 2), "phone": "+15125550100",
    "best_contact_time": "evenings", "related_drug": "atorvastatin", "rx_number": "0012",
    "last_fill_date": datetime.date(2026, 6, 1),
}  # fmt: skip


class Page:
    """A workbook as it was written."""

    def __init__(self, path: Path) -> None:
        """Read its only sheet, its styles and its names."""
        with zipfile.ZipFile(path) as book:
            self.sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
            self.styles = ElementTree.fromstring(book.read("xl/styles.xml"))
            self.book = book.read("xl/workbook.xml").decode()
        self.header, *self.rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()

    def columns(self) -> list[tuple[float, bool]]:
        """Width in pixels of the screen, and whether it is hidden, of each column."""
        found = {}
        for col in self.sheet.iter(f"{NAME}col"):
            for at in range(int(col.attrib["min"]), int(col.attrib["max"]) + 1):
                found[at] = (math.trunc(float(col.attrib["width"]) * 7 + 0.5), col.get("hidden") == "1")
        return [found[at] for at in range(1, len(self.header) + 1)]

    def printed(self) -> int:
        """How many columns are printed, from the first on."""
        [letters] = re.findall(r"_xlnm.Print_Area[^>]*>[^<]*!\$A\$1:\$([A-Z]+)\$", self.book)
        return sum(26**at * (ord(c) - 64) for at, c in enumerate(reversed(letters)))

    def points(self) -> float:
        """The smallest letters of the page on paper, after it was fitted to one page of Letter across."""
        margins = self.sheet.find(f"{NAME}pageMargins").attrib
        inches = LETTER_INCHES - float(margins["left"]) - float(margins["right"])
        columns = self.columns()[: self.printed()]
        scale = math.floor(min(1, inches / (sum(width for width, _ in columns) / 96)) * 100) / 100
        sizes = [float(size.attrib["val"]) for size in self.styles.find(f"{NAME}fonts").iter(f"{NAME}sz")]
        formats = [int(xf.attrib["fontId"]) for xf in self.styles.find(f"{NAME}cellXfs")]
        used = {int(cell.get("s", "0")) for cell in self.sheet.iter(f"{NAME}c")}
        return scale * min(sizes[formats[style]] for style in used)

    def visible(self) -> set[str]:
        return {name for name, (_, hidden) in zip(self.header, self.columns(), strict=True) if not hidden}

    def cell(self, name: str, line: int = 0) -> object:
        return self.rows[line][self.header.index(name)]


def write(path: Path, kind: str, *rows: dict, name: str | None = "Corner Drugs") -> Page:
    contract = contract_for("outreach", kind)
    types = {p.name: p.logical_type for p in (*contract.properties, *contract_for("outreach", "contact").properties)}
    kinds = {"integer": pa.int32(), "date": pa.date32(), "boolean": pa.bool_(), "number": pa.float64()}
    names = COLUMNS if kind == "worklist" else contract.columns
    schema = pa.schema([(n, kinds.get(types[n], pa.string())) for n in names], metadata={"as_of": str(AS_OF)})
    write_page(pa.Table.from_pylist([{n: row.get(n) for n in names} for row in rows], schema), path, kind, NPI, name)
    return Page(path)


@pytest.fixture
def page(tmp_path: Path) -> Page:
    return write(
        tmp_path / "a.xlsx", "worklist", ROW, {**ROW, "list_rank": 2, "is_lead_ask": False, "queue": "routine"}
    )


@pytest.fixture
def recall(tmp_path: Path) -> Page:
    told = {
        "pharmacy_npi": NPI,
        "gap_id": "0123456789abcdef",
        "state": "TX",
        "recalled_date": AS_OF,
        "reason": "NOT_ELIGIBLE",
    }
    return write(tmp_path / "recall.xlsx", "recall", told)


@pytest.mark.parametrize("kind", ["page", "recall"])
def test_the_page_can_be_read(kind: str, request: pytest.FixtureRequest) -> None:
    """Fitted to one page across, no letter is below 8 points: a column more or a wider one has to pass here."""
    page = request.getfixturevalue(kind)
    assert page.points() >= LEAST_POINTS
    assert page.sheet.find(f"{NAME}pageSetup").attrib["orientation"] == "landscape"
    assert page.sheet.find(f"{NAME}pageSetup").attrib["fitToHeight"] == "0"
    assert not any(hidden for _, hidden in page.columns()[: page.printed()]), "a hidden column is not printed"


def test_what_the_guide_speaks_of_is_on_the_screen() -> None:
    """Every name in its table of columns but those that it says nobody needs."""
    guide = (ROOT / "docs" / "pharmacist.md").read_text(encoding="utf-8")
    table = guide.split("## The columns")[1].split("## What the reason means")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    names = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    assert names - {"score"} == set(COLUMNS) - HIDDEN
    assert "score" in names & HIDDEN


def test_what_is_told_to_look_at_first_is_printed() -> None:
    """The names in its steps, and those of its columns that decide whether a row is worked at all."""
    guide = (ROOT / "docs" / "pharmacist.md").read_text(encoding="utf-8")
    steps = guide.split("## How to use it")[1].split("## The columns")[0]
    told = {name for name in re.findall(r"`(\w+)`", steps) if name in COLUMNS}
    printed = {name for names, _ in PRINTED["worklist"] for name in names}
    assert {"list_rank", "is_lead_ask", "phone"} <= told
    assert told | {"queue", "supersedes_gap_id", "gap_code", "expires_date", "bundle_rank", "gap_id"} <= printed


def test_every_column_is_there_once_by_itself_and_only_the_orders_are_hidden(page: Page) -> None:
    assert sorted(name for name in page.header if " " not in name) == sorted(COLUMNS)
    assert set(COLUMNS) - page.visible() == HIDDEN
    for name, value in ROW.items():
        assert page.cell(name) == ("yes" if value is True else value), name


def test_a_truth_is_a_word(page: Page) -> None:
    assert [page.cell("is_lead_ask", line) for line in (0, 1)] == ["yes", "no"]


def test_columns_that_share_a_cell_have_a_line_each(page: Page, tmp_path: Path) -> None:
    assert page.cell("gap_code queue") == "ADHERENCE_LATE\nmedication review"
    assert page.cell("first_name last_name birth_date") == "Ana\nPeña\nborn 1950-01-02"
    assert page.cell("phone best_contact_time language") == "+15125550100\nevenings\nes"
    assert page.cell("related_drug rx_number last_fill_date") == "atorvastatin\nrx 0012\n2026-06-01"
    assert page.cell("due_date days_left expires_date") == "due 2026-07-05\n5 days left\nexpires 2026-07-02"
    assert page.cell("gap_id supersedes_gap_id") == "0123456789abcdef\nin place of fedcba9876543210"
    bare = write(tmp_path / "b.xlsx", "worklist", {"pharmacy_npi": NPI, "first_name": "A\nB", "gap_id": "00"})
    assert bare.cell("first_name last_name birth_date") == "A B"
    assert bare.cell("phone best_contact_time language") == ""


def test_a_list_without_rows_is_a_page_with_its_headings(tmp_path: Path) -> None:
    """It takes the place of the list of before, and says whose and of which night it is."""
    assert write(tmp_path / "a.xlsx", "worklist").rows == []
    with zipfile.ZipFile(tmp_path / "a.xlsx") as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert f"&amp;CCorner Drugs NPI {NPI}&amp;Ras of {AS_OF}" in sheet
    assert sheet.count("<row ") == 1


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Corner Drugs", "Corner Drugs NPI"),
        ("D&D 24h\nDrugs", "D&amp;&amp;D 24h Drugs NPI"),
        (None, "&amp;C NPI"),
        ("x" * 300, f"{'x' * 80} NPI"),
    ],
    ids=["a name", "a name with the sign of a code", "no name", "an endless name"],
)
@pytest.mark.parametrize("kind", ["worklist", "recall"])
def test_every_page_says_whose_it_is_and_of_which_night(tmp_path: Path, kind: str, name: str | None, said: str) -> None:
    write(tmp_path / "a.xlsx", kind, ROW, name=name)
    with zipfile.ZipFile(tmp_path / "a.xlsx") as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    [header], [footer] = (re.findall(rf"<odd{part}>(.*?)</odd{part}>", sheet) for part in ("Header", "Footer"))
    assert f"{said} {NPI}" in header
    assert header.endswith("&amp;Ras of 2026-06-30")
    assert f"for NPI {NPI} only" in footer


def test_a_page_of_too_many_columns_would_be_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reckoning above, of the page as it once was: nineteen columns of their own."""
    once = {"worklist": tuple(((name,), 15) for name in COLUMNS if name not in HIDDEN)[:19]}
    monkeypatch.setattr("assets.engine.list_page.PRINTED", once)
    assert write(tmp_path / "a.xlsx", "worklist", ROW).points() < 6
