"""An outcome sheet as a pharmacist fills it in: the file that was delivered, changed in place and in nothing else."""

from __future__ import annotations

import datetime
import re
import shutil
import zipfile
from pathlib import Path

from assets.engine.outcome_sheet import COLUMNS

EPOCH = datetime.date(1899, 12, 30)


def fill_in(sheet: Path, target: Path, told: dict[int, dict[str, str]]) -> Path:
    """Copy a sheet to `target` with cells filled in: row (1 is the first of the list) -> column -> text or ISO date."""
    if sheet.suffix == ".csv":
        lines = [line.split(",") for line in sheet.read_text(encoding="utf-8").splitlines()]
        for number, cells in told.items():
            for name, text in cells.items():
                lines[number][COLUMNS.index(name)] = text
        target.write_text("".join(",".join(line) + "\n" for line in lines), encoding="utf-8")
        return target
    with zipfile.ZipFile(sheet) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    page = parts["xl/worksheets/sheet1.xml"].decode()
    for number, cells in told.items():
        for name, text in cells.items():
            place = f"{'ABCDEFGH'[COLUMNS.index(name)]}{number + 1}"
            page, count = re.subn(
                rf'<c r="{place}" s="(\d+)"/>', rf'<c r="{place}" s="\1"{_content(name, text)}</c>', page
            )
            assert count == 1, f"{place} is no empty cell"
    parts["xl/worksheets/sheet1.xml"] = page.encode()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in parts.items():
            book.writestr(name, content)
    return target


def _content(name: str, text: str) -> str:
    if name in {"attempted_at", "next_contact_date"}:
        return f"><v>{(datetime.date.fromisoformat(text) - EPOCH).days}</v>"
    return f' t="inlineStr"><is><t>{text}</t></is>'


def send_back(sheet: Path, delivery: Path, told: dict[int, dict[str, str]]) -> Path:
    """Fill a sheet in and drop it where outcomes come in, under its own name."""
    folder = delivery / "outreach_outcome"
    folder.mkdir(exist_ok=True)
    return fill_in(sheet, folder / sheet.name, told) if told else Path(shutil.copy(sheet, folder / sheet.name))
