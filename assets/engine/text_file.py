"""A text file before the engine opens it: its header, its lines, and whether reading it would fill memory or disk.

One pass over the bytes, a few megabytes at a time, whatever the file claims to be.
"""

from __future__ import annotations

import csv
import io
from functools import cache
from typing import TYPE_CHECKING

from assets.engine.contract import all_contracts
from assets.engine.errors import InputError

if TYPE_CHECKING:
    from assets.engine.landing import InputFile

LONGEST_HEADER = 1 << 20
MOST_COLUMNS = 5_000

# A compressed file may unpack to this many times its size; gzip reaches 1,032, claims some 5 to 30. Small files may more.
EXPANSION_RATIO = 200
ALWAYS_UNPACKED = 1 << 24

# Lines that are no rows. Beyond this many of one file DuckDB 1.5.6 loses some of those that it refuses, and takes 2 kB of
# memory for each, whatever its limit; and a file with a million blank lines was damaged on its way.
MOST_REFUSED = 100_000
MOST_BLANK = 1_000_000
# One block in so many is looked at, a few lines of it, before the engine meets a file that is wrong throughout.
SAMPLED_BLOCK, SAMPLED_LINES = 16, 200


def scan_lines(
    file: InputFile, delimiter: str, quote: str, expansion_ratio: int
) -> tuple[tuple[str, ...], int, list[int]]:
    """Header names in lower case, the number of physical lines, and the numbers of blank ones.

    Raises:
        InputError: The file is no text, has no header, or holds what would fill memory or disk.
    """
    first, lines, blanks, tail, line_end = b"", 0, [], b"", b"\n"
    samples: list[list[bytes]] = []
    unpacked = 0
    for at_block, block in enumerate(file.blocks()):
        if lines == 0 and not first:
            first = block.split(b"\n", 1)[0]
            if block.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in first:
                raise InputError(f"{file.label}: not UTF-8 text; UTF-8 with or without a byte order mark is expected")
            if len(first) > LONGEST_HEADER:
                raise InputError(f"{file.label}: the first line is longer than 1 MB; a header line is expected")
        if b"\x00" in block:
            raise InputError(f"{file.label}: found NUL bytes; UTF-8 text is expected")
        unpacked += len(block)
        if file.is_zipped and unpacked > ALWAYS_UNPACKED:
            refuse_bomb(file, unpacked, expansion_ratio)
        if at_block % SAMPLED_BLOCK == 0:
            samples.append(block[: 1 << 18].split(b"\n")[1:-1][:SAMPLED_LINES])
        joined = tail + block
        if (
            b"\n\n" in joined
            or b"\n\r\n" in joined
            or (joined.startswith((b"\n", b"\r\n")) and lines == 0 and not tail)
        ):
            # Rare: number the blank lines of this block one by one.
            number = lines if tail[-1:] != b"" else 0
            for at, line in enumerate(block.split(b"\n")[:-1]):
                is_start_of_line = at > 0 or not tail or tail.endswith(b"\n")
                if is_start_of_line and line.strip(b"\r") == b"":
                    blanks.append(number + at + 1)
            if len(blanks) > MOST_BLANK:
                raise InputError(f"{file.label}: found more than {MOST_BLANK:,} blank lines; a row on each is expected")
        lines += block.count(line_end)
        tail = joined[-2:]
    if tail and not tail.endswith(b"\n"):
        lines += 1
    if lines == 0:
        raise InputError(f"{file.label}: found an empty file; a header line is expected")
    names = _header_names(file, first, delimiter)
    _refuse_throughout(file, samples, lines, len(names), delimiter, quote)
    return names, lines, blanks


def _header_names(file: InputFile, first: bytes, delimiter: str) -> tuple[str, ...]:
    """The names in a first line, in lower case."""
    try:
        text = first.removeprefix(b"\xef\xbb\xbf").decode("utf-8").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise InputError(f"{file.label}: the header is not UTF-8; UTF-8 text is expected") from error
    if not text.strip():
        raise InputError(f"{file.label}: the first line is blank; a header line is expected")
    if "\r" in text:
        raise InputError(f"{file.label}: found lines that end in CR alone; LF or CRLF is expected")
    try:
        # A line behind the header shows whether the header ends where its line does.
        header, *behind = csv.reader(io.StringIO(f"{text}\nx"), delimiter=delimiter)
    except csv.Error as error:
        raise InputError(f"{file.label}: the header is not readable as CSV; a line of names is expected") from error
    if not behind:
        raise InputError(f"{file.label}: the header has an unclosed quote; a line of names is expected")
    names = tuple(n.strip().lower() for n in header)
    if len(names) > MOST_COLUMNS:
        raise InputError(f"{file.label}: found {len(names):,} columns; at most {MOST_COLUMNS:,} are read")
    if len(names) <= 1:
        for other in ",|\t;":
            if other != delimiter and other in text:
                raise InputError(f"{file.label}: the header is separated by {other!r}; {delimiter!r} is expected")
    if not all(names):
        raise InputError(
            f"{file.label}: the header has {names.count('')} columns without a name; a name each is expected"
        )
    # Of a file without a header the first line is somebody's, and its values are not told.
    refuse_repeats(file, names, is_header=not _known_columns().isdisjoint(names))
    return names


def _refuse_throughout(
    file: InputFile, samples: list[list[bytes]], lines: int, width: int, delimiter: str, quote: str
) -> None:
    """Refuse a large file most of whose parts hold lines that are no rows: the engine would keep each, in memory."""
    if lines <= MOST_REFUSED:
        return
    broken = [sum(not _is_row(line, width, delimiter, quote) for line in sample) for sample in samples]
    expected = sum(broken) * lines // max(1, sum(map(len, samples)))
    if expected > 2 * MOST_REFUSED and 2 * sum(map(bool, broken)) > len(samples):
        refuse_many(file, expected, "about ")


def _is_row(line: bytes, width: int, delimiter: str, quote: str) -> bool:
    """Whether a line of a sample is a row of the header's width; what is quoted may be anything."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    if quote and quote in text:
        return True
    text = text.rstrip("\r")
    columns = text.count(delimiter) + 1
    # One delimiter at the end is none too many for the engine, and a blank line is no broken row.
    return not text or columns == width or (columns == width + 1 and text.endswith(delimiter))


def refuse_repeats(file: InputFile, names: tuple[str, ...], *, is_header: bool = True) -> None:
    """Refuse a header that has a name twice, in whatever case.

    Raises:
        InputError: It has.
    """
    lower = [n.lower() for n in names]
    if repeats := sorted({n for n in lower if lower.count(n) > 1}):
        told = repeats if is_header else [f"column {lower.index(n) + 1}" for n in repeats]
        raise InputError(f"{file.label}: found {told} more than once in the header; each column once is expected")


@cache
def _known_columns() -> frozenset[str]:
    return frozenset(column for contract in all_contracts("raw") for column in contract.columns)


def refuse_many(file: InputFile, found: int, about: str = "") -> None:
    """Refuse a file with more broken lines than can be set aside.

    Raises:
        InputError: It has more.
    """
    if found > MOST_REFUSED:
        raise InputError(
            f"{file.label}: found {about}{found:,} lines with more or fewer columns than the header, broken quotes or bytes "
            f"that are not UTF-8; at most {MOST_REFUSED:,} of one file are set aside"
        )


def refuse_bomb(file: InputFile, unpacked: int, expansion_ratio: int) -> None:
    """Refuse a file that unpacks to more than `expansion_ratio` times its size, unless it is small all the same.

    Raises:
        InputError: It does.
    """
    size = file.path.stat().st_size
    if unpacked > max(ALWAYS_UNPACKED, expansion_ratio * size):
        raise InputError(
            f"{file.label}: found more than {expansion_ratio} times its {size / 1e6:,.1f} MB when unpacked; "
            "limits.expansion_ratio in settings.toml allows no more"
        )
