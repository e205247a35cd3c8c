"""The sheet on which a pharmacy reports: a row per row of its list, to be filled in and sent back as it is.

It names rows by `gap_id` and place alone, so that it may travel unencrypted. The door takes it as `outreach_outcome`;
rows without a date and an outcome are no reports.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from assets.engine.files import Written, write, written
from assets.engine.outreach_registry import OutreachOutcome, read_outreach_outcomes

COLUMNS = (
    "list_rank",
    "gap_id",
    "attempted_at",
    "outcome_code",
    "channel",
    "staff_role",
    "next_contact_date",
    "pharmacy_npi",
)
FILLED_IN = ("attempted_at", "outcome_code", "channel", "staff_role", "next_contact_date")

CHANNELS = ("phone", "in_person", "sms", "mail")
STAFF_ROLES = ("pharmacist", "technician", "intern")

# Digits alone, and what a spreadsheet takes for a number with its zeros left out: 123e45.
READS_AS_NUMBER = re.compile("[0-9]+(e[0-9]+)?")

WIDTHS = {"gap_id": 20, "outcome_code": 28}

# Text stays text. In memory: a night that is killed would leave rows of people in the machine's folder of temporary files.
WORKBOOK = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}


def offered_outcomes() -> dict[str, OutreachOutcome]:
    """Outcomes of the drop-down: those whose very name tells nothing of a member (rule L6)."""
    return {code: outcome for code, outcome in read_outreach_outcomes().items() if outcome.offered}


def write_sheet(rows: pa.Table, stem: Path, suffix: str) -> Written:
    """Write `<stem>.csv` or `<stem>.xlsx` for the rows of one list."""
    path = Path(f"{stem}.{suffix}")
    blank = [None] * rows.num_rows
    lines = list(zip(*(blank if c in FILLED_IN else rows.column(c).to_pylist() for c in COLUMNS), strict=True))
    if suffix == "csv":
        stream = io.StringIO(newline="")
        kept = [
            [_kept_text(value) if name == "gap_id" else value for name, value in zip(COLUMNS, line, strict=True)]
            for line in lines
        ]
        csv.writer(stream, lineterminator="\n").writerows([COLUMNS, *kept])
        # As the list itself: a spreadsheet that opens and saves it keeps what it says.
        return write(path, stream.getvalue().encode("utf-8-sig"))
    _write_workbook(path, lines)
    return written(path)


def _kept_text(gap_id: str) -> str:
    """An id as a spreadsheet keeps it in a text file: one that reads as a number would come back rounded."""
    return f"'{gap_id}" if READS_AS_NUMBER.fullmatch(gap_id) else gap_id


def _write_workbook(path: Path, lines: Sequence[Sequence[Any]]) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(str(path), WORKBOOK) as book:
        sheet, codes = book.add_worksheet("Outcomes"), book.add_worksheet("Codes")
        heading = book.add_format({"bold": True, "bottom": 1})
        plain = book.add_format({"num_format": "@", "locked": True})
        text = book.add_format({"num_format": "@", "locked": False, "bg_color": "#FFF9E5"})
        date = book.add_format({"num_format": "yyyy-mm-dd", "locked": False, "bg_color": "#FFF9E5"})
        for at, name in enumerate(COLUMNS):
            sheet.write_string(0, at, name, heading)
            sheet.set_column(at, at, WIDTHS.get(name, 16))
        for number, line in enumerate(lines, start=1):
            for at, (name, value) in enumerate(zip(COLUMNS, line, strict=True)):
                if name in FILLED_IN:
                    sheet.write_blank(number, at, None, date if name.endswith(("_at", "_date")) else text)
                elif isinstance(value, str):
                    sheet.write_string(number, at, value, plain)
                else:
                    sheet.write_number(number, at, value)
        offered = offered_outcomes()
        for at, name in enumerate(("outcome_code", "meaning")):
            codes.write_string(0, at, name, heading)
            codes.set_column(at, at, 36)
        for number, (code, outcome) in enumerate(offered.items(), start=1):
            codes.write_string(number, 0, code)
            codes.write_string(number, 1, outcome.title)
        # A warning, not a stop: what the drop-down does not offer may be typed.
        lists = {
            "outcome_code": f"=Codes!$A$2:$A${len(offered) + 1}",
            "channel": [*CHANNELS],
            "staff_role": [*STAFF_ROLES],
        }
        for name, source in lists.items():
            at = COLUMNS.index(name)
            sheet.data_validation(
                1, at, max(1, len(lines)), at, {"validate": "list", "source": source, "error_type": "warning"}
            )
        sheet.freeze_panes(1, 2)
        sheet.protect("", {"format_columns": True, "sort": True})
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
