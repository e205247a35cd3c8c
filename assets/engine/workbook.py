"""Workbooks as rows of cells. One that was made to harm, or broke on its way, is one line like any other file."""

from __future__ import annotations

import os
import re
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from assets.engine.errors import InputError

Rows = Sequence[Sequence[Any]]

# The place of a cell or of a row in a sheet: r="C12", r="12".
PLACE = re.compile(rb"""\br\s*=\s*["']([A-Za-z]*)([0-9]+)["']""")
LONGEST_PLACE, MOST_LETTERS, BLOCK = 64, 3, 1 << 22
# Of memory, for each cell of a sheet, empty or not.
CELL_BYTES = 16


def read_sheets(path: Path, label: str, largest: int) -> dict[str, Rows]:
    """Every sheet of a workbook by name, in its order, with its rows from the first one down.

    Args:
        path: The workbook.
        label: What a message calls it.
        largest: Bytes that it may unpack to: it is read into memory as a whole.

    Raises:
        InputError: It is no workbook, is damaged, needs a password or is too large.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    unreadable = f"{label}: not readable as a workbook; a complete one without a password is expected"
    try:
        _refuse_large(path, label, largest)
        with _without_panics():
            book = CalamineWorkbook.from_path(str(path))
            return {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names}
    except (CalamineError, zipfile.BadZipFile, NotImplementedError, ValueError, IndexError, OverflowError) as error:
        raise InputError(unreadable) from error
    except BaseException as error:
        # What the reader's own language calls a panic is no Exception here.
        if type(error).__name__ != "PanicException":
            raise
        raise InputError(unreadable) from error


def _refuse_large(path: Path, label: str, largest: int) -> None:
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as parts:
        if sum(part.file_size for part in parts.infolist()) > largest:
            raise InputError(f"{label}: found more than {largest >> 20} MB in the workbook; less is expected")
        # The reader makes room for every cell up to the last one, and where there is none ends the whole process.
        if max((_cells_up_to_the_last(parts, part) for part in parts.infolist()), default=0) > largest // CELL_BYTES:
            raise InputError(f"{label}: found a cell far beyond the others; a sheet without it is expected")


def _cells_up_to_the_last(parts: zipfile.ZipFile, part: zipfile.ZipInfo) -> int:
    """Rows times columns of a sheet, by the places that its cells name."""
    if "worksheets/" not in part.filename.lower():
        return 0
    last_row, last_column, kept = 1, 1, b""
    with parts.open(part) as stream:
        while block := stream.read(BLOCK):
            for letters, digits in PLACE.findall(kept + block):
                last_row = max(last_row, int(digits[:12]))
                if len(letters) > MOST_LETTERS:
                    return sys.maxsize
                last_column = max(last_column, sum(26**at * (c - 64) for at, c in enumerate(reversed(letters.upper()))))
            kept = block[-LONGEST_PLACE:]
    return last_row * last_column


@contextmanager
def _without_panics() -> Iterator[None]:
    """Keep what a panic prints, which may quote a cell, off stderr."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
