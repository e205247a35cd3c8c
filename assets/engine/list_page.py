"""The workbook of a list: what its page prints, what stands beside that on the screen, and what stays hidden.

On paper several columns share one, a line each, so that a page of Letter holds them in letters that can be read. Every
column of the list is there once by itself, under its own name.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from assets.engine.outcome_sheet import WORKBOOK

# Line breaks and other control characters, which a reader may take for the end of a row, a cell or the file.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
# What a cell of a workbook holds; a longer text would be left out without a word.
LONGEST_CELL = 32_767
# The first day that a workbook knows as a date.
FIRST_CELL_DATE = datetime.date(1900, 1, 1)
# A page's header holds 255 characters in all, and what it holds more of is left out without a word.
LONGEST_NAME = 80

# Columns of the page from left to right, each with its width: all that docs/pharmacist.md tells to look at. Together they
# must not be so wide that one page shrinks them below 8 points; the tests reckon it.
POINTS = 9
MARGIN = 0.25
PRINTED: dict[str, tuple[tuple[tuple[str, ...], float], ...]] = {
    "worklist": (
        (("list_rank",), 3.5),
        (("is_lead_ask",), 4),
        (("bundle_rank",), 3),
        (("priority_band",), 7),
        (("gap_code", "queue"), 13.5),
        (("first_name", "last_name", "birth_date"), 15),
        (("phone", "best_contact_time", "language"), 14),
        (("action",), 20),
        (("reason",), 30),
        (("related_drug", "rx_number", "last_fill_date"), 12),
        (("due_date", "days_left", "expires_date"), 12),
        # A recall names rows of earlier lists by these alone: a list on paper must bear them.
        (("gap_id", "supersedes_gap_id"), 14.5),
    ),
    "recall": ((("gap_id",), 20), (("recalled_date",), 14), (("reason",), 20)),
}
# Narrower than their own names, which stand upright.
NARROW = 8
# What a value is called where it shares a cell.
TOLD = {
    "birth_date": "born {}",
    "rx_number": "rx {}",
    "due_date": "due {}",
    "days_left": "{} days left",
    "expires_date": "expires {}",
    "supersedes_gap_id": "in place of {}",
}
# What made the order: nobody needs it to work a row.
HIDDEN = {"score", "severity", "impactability", "urgency", "confidence", "social", "channel_reach"}


def write_page(rows: pa.Table, path: Path, kind: str, npi: str, pharmacy: str | None) -> None:
    """Write one pharmacy's rows as a workbook.

    Args:
        rows: Its rows; the metadata of their schema tells the night.
        path: The workbook.
        kind: `worklist` or `recall`.
        npi: Whose they are; a list may have no row that says so.
        pharmacy: What the pharmacy is called, where the plan knows.
    """
    import xlsxwriter

    values = {name: rows.column(name).to_pylist() for name in rows.column_names}
    together = [names for names, _ in PRINTED[kind]]
    alone = [(name,) for name in rows.column_names if (name,) not in together]
    widths = dict(PRINTED[kind])
    with xlsxwriter.Workbook(str(path), WORKBOOK) as book:
        sheet = book.add_worksheet(kind.capitalize())
        plain = {"font_size": POINTS, "text_wrap": True, "valign": "top", "bottom": 4}
        text, date = book.add_format(plain), book.add_format({**plain, "num_format": "yyyy-mm-dd"})
        title = {"font_size": POINTS, "bold": True, "bottom": 1, "text_wrap": True, "valign": "bottom"}
        heading, upright = book.add_format(title), book.add_format({**title, "rotation": 90})
        for at, names in enumerate((*together, *alone)):
            width = widths.get(names, 16)
            sheet.write_string(0, at, " ".join(names), upright if width < NARROW else heading)
            sheet.set_column(at, at, width, None, {"hidden": True} if HIDDEN.issuperset(names) else {})
            for line in range(rows.num_rows):
                found: Any = values[names[0]][line] if len(names) == 1 else _lines(names, values, line)
                if found is None:
                    continue
                if isinstance(found, bool):
                    sheet.write_string(line + 1, at, "yes" if found else "no", text)
                elif isinstance(found, datetime.date) and found >= FIRST_CELL_DATE:
                    sheet.write_datetime(line + 1, at, datetime.datetime.combine(found, datetime.time()), date)
                elif isinstance(found, (str, datetime.date)):
                    sheet.write_string(line + 1, at, _cell(found) if len(names) == 1 else f"{found}", text)
                else:
                    sheet.write_number(line + 1, at, float(found), text)
        sheet.freeze_panes(1, 2)
        sheet.autofilter(0, 0, rows.num_rows, len(together) + len(alone) - 1)
        sheet.set_landscape()
        sheet.set_paper(1)  # Letter, of which the file says nothing: it is the default
        sheet.set_margins(left=MARGIN, right=MARGIN, top=0.6, bottom=0.5)
        sheet.print_area(0, 0, rows.num_rows, len(together) - 1)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        # `&` begins a code of the header.
        name = _cell(pharmacy or "")[:LONGEST_NAME].replace("&", "&&")
        night = (rows.schema.metadata or {}).get(b"as_of", b"").decode()
        title_of = {"worklist": "Worklist", "recall": "Rows to take off"}[kind]
        sheet.set_header(f"&L{title_of}&C{name} NPI {npi}&Ras of {night}", {"margin": MARGIN})
        sheet.set_footer(f"&LConfidential: for NPI {npi} only&RPage &P of &N", {"margin": MARGIN})


def _lines(names: Sequence[str], values: dict[str, list[Any]], line: int) -> str | None:
    """What several columns say of a row, a line each."""
    told = [
        TOLD.get(name, "{}").format(_cell(found).replace("_", " ") if name == "queue" else _cell(found))
        for name in names
        if (found := values[name][line]) is not None
    ]
    return "\n".join(told)[:LONGEST_CELL] or None


def _cell(value: object) -> str:
    return CONTROL.sub(" ", str(value))[:LONGEST_CELL]
