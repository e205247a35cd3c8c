"""One table inside a downloaded file: a CSV (plain, gzipped or in a zip), a sheet of a workbook, or a Parquet file.

Names of columns are compared without case, spaces and punctuation: `ZIP_CODE`, `Zip Code` and a padded `INTPTLONG   `
are what they look like. Values stay text until a source reads them.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import re
import shutil
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from assets.engine.errors import InputError
from assets.engine.sql_text import literal, sql_path
from assets.engine.workbook import Rows, read_sheets

TEXT = (".csv", ".txt", ".tsv", ".dat")
WORKBOOK = (".xlsx", ".xls", ".xlsm")
DELIMITERS = ",|\t;"
# Workbooks and some CSV files have a title, or labels, above their header.
HEAD_LINES = 6
HEAD_BYTES = 1 << 20
# Text files up to this size are read once more, for their encoding and their blank lines.
RECONCILED_BYTES = 1 << 30
# Of a workbook when unpacked: it is read into memory as a whole.
LARGEST_DOWNLOAD = 1 << 29
LONGEST_LINE = 1 << 24


@dataclass(frozen=True, eq=False)
class Part:
    """One table of a download; `heads` are the lines that may be its header, each with the lines before it."""

    label: str
    path: Path
    heads: tuple[tuple[int, tuple[str, ...]], ...]
    member: str | None = None
    delimiter: str = ","
    encoding: str = "utf-8"
    rows: Rows | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The file's own name, without folders, in lower case."""
        return (self.member or self.path.name).rsplit("/", 1)[-1].lower()


@dataclass(frozen=True)
class Opened:
    """A part that DuckDB can read: its columns by plain name, and where refused lines are kept."""

    relation: str
    columns: tuple[str, ...]
    rejects: str | None
    line_count: int | None


def plain(name: str) -> str:
    """A header as columns are compared: lower case, one underscore for anything that is no letter or digit."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def parts_of(path: Path, label: str, scratch: Path) -> Iterator[Part]:
    """Every table that a file may hold; none for a kind of file that is not read here.

    Raises:
        InputError: The file is damaged.
    """
    suffix = path.suffix.lower()
    try:
        if suffix == ".zip":
            yield from _members(path, label, scratch)
        elif suffix in WORKBOOK:
            yield from _sheets(path, label)
        elif suffix == ".parquet":
            yield Part(label, path, ((0, tuple(map(plain, pq.read_schema(path).names))),))
        elif suffix in TEXT or (suffix == ".gz" and Path(path.stem).suffix.lower() in TEXT):
            with gzip.open(path, "rb") if suffix == ".gz" else path.open("rb") as stream:
                yield from _text(Part(label, path, ()), stream)  # type: ignore[arg-type]
    except (pa.ArrowException, EOFError, UnicodeDecodeError, zlib.error, gzip.BadGzipFile, csv.Error) as error:
        raise InputError(f"{label}: not readable; a complete file of its kind is expected") from error
    except NotImplementedError as error:
        raise InputError(f"{label}: found a zip file of a kind that is not read here; unzip it first") from error
    except zipfile.BadZipFile as error:
        raise InputError(f"{label}: found a damaged zip file; download it again") from error
    except OSError as error:
        raise InputError(f"{label}: not readable ({error.strerror}); a readable file is expected") from error


def _members(path: Path, label: str, scratch: Path) -> Iterator[Part]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            suffix = Path(info.filename).suffix.lower()
            if Path(info.filename).name.startswith("._") or info.is_dir():
                continue
            inner = f"{label}/{info.filename.rsplit('/', 1)[-1]}"
            if info.flag_bits & 1:
                raise InputError(f"{label}: found a zip file with a password; unzip it first")
            if suffix in WORKBOOK:
                yield from _sheets(_extract(archive, info, scratch), inner)
            elif suffix in TEXT:
                with archive.open(info) as stream:
                    yield from _text(Part(inner, path, (), info.filename), stream)  # type: ignore[arg-type]


def _extract(archive: zipfile.ZipFile, info: zipfile.ZipInfo, scratch: Path) -> Path:
    free = shutil.disk_usage(scratch).free
    if info.file_size > free:
        raise InputError(
            f"{info.filename}: {info.file_size / 1e9:,.1f} GB unzipped and {free / 1e9:,.1f} GB free; "
            "free space in the output folder, or unzip elsewhere"
        )
    target = scratch / f"{len(list(scratch.iterdir()))}_{Path(info.filename).name}"
    with archive.open(info) as source, target.open("wb") as copy:
        shutil.copyfileobj(source, copy, 1 << 22)
    return target


def _text(part: Part, stream: BinaryIO) -> Iterator[Part]:
    start = stream.read(HEAD_BYTES)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\x00" in start:
        raise InputError(f"{part.label}: not UTF-8 text; UTF-8 or Latin-1 text is expected")
    encoding = "utf-8" if _is_utf8(start) else "latin-1"
    lines = start.decode(encoding, errors="replace").removeprefix("\ufeff").splitlines()[:HEAD_LINES]
    if not lines:
        return
    delimiter = max(DELIMITERS, key=lambda d: max(line.count(d) for line in lines))
    heads = tuple((at, _names(next(csv.reader([line], delimiter=delimiter), []))) for at, line in enumerate(lines))
    yield replace(part, heads=heads, delimiter=delimiter, encoding=encoding)


def _is_utf8(start: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return False
    return True


def _sheets(path: Path, label: str) -> Iterator[Part]:
    from assets.engine.reference_files.hsd_workbook import is_hsd, unpivot

    sheets = read_sheets(path, label, LARGEST_DOWNLOAD)
    tables = unpivot(sheets, label) if is_hsd(sheets) else sheets
    for name, rows in tables.items():
        heads = tuple((at, _names(_cell(value) or "" for value in row)) for at, row in enumerate(rows[:HEAD_LINES]))
        yield Part(f"{label}[{name}]", path, heads, path.name.lower(), rows=rows)


def _names(values: Iterable[str]) -> tuple[str, ...]:
    """Column names that differ: HRSA's last column has no name, and a repeat is numbered."""
    names: list[str] = []
    for at, value in enumerate(values, start=1):
        name = plain(value) or f"unnamed_{at}"
        names.append(name if name not in names else f"{name}_{at}")
    return tuple(names)


def _cell(value: Any) -> str | None:
    """A cell as text; a whole number has no decimals."""
    if value is None or value == "":
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def open_part(con: duckdb.DuckDBPyConnection, part: Part, head: int, number: int, scratch: Path) -> Opened:
    """Make a part readable for DuckDB, with the header at `part.heads[head]`.

    Raises:
        InputError: There is no room to unzip it.
    """
    skipped, names = part.heads[head]
    if part.rows is not None:
        body = [[_cell(v) for v in row[: len(names)]] for row in part.rows[skipped + 1 :]]
        body = [row + [None] * (len(names) - len(row)) for row in body if any(v is not None for v in row)]
        columns = list(zip(*body, strict=True)) or [() for _ in names]
        con.register(f"sheet_{number}", pa.table([pa.array(c, pa.string()) for c in columns], names=list(names)))
        return Opened(f"sheet_{number}", names, None, None)
    if part.path.suffix.lower() == ".parquet":
        own = pq.read_schema(part.path).names
        renamed = ", ".join(f'"{name}"::varchar as "{to}"' for name, to in zip(own, names, strict=True))
        return Opened(
            f"(select {renamed} from read_parquet({sql_path(part.path)}, hive_partitioning = false))", names, None, None
        )
    path = part.path
    if part.member:
        with zipfile.ZipFile(path) as archive:
            path = _extract(archive, archive.getinfo(part.member), scratch)
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    reader = (
        f"read_csv({sql_path(path)}, auto_detect = false, hive_partitioning = false, header = true, skip = {skipped}, columns = {{{columns}}}, "
        f"delim = {literal(part.delimiter)}, quote = '\"', escape = '\"', strict_mode = true, "
        f"encoding = '{_encoding(path, part.encoding)}', max_line_size = {LONGEST_LINE}, store_rejects = true, "
        f"rejects_limit = 0, rejects_table = 'rejects_{number}', rejects_scan = 'scans_{number}')"
    )
    return Opened(reader, names, f"rejects_{number}", _line_count(path, skipped))


def _stream(path: Path) -> BinaryIO:
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb")  # type: ignore[return-value]


def _encoding(path: Path, start: str) -> str:
    """USDA's ZIP file is Latin-1, and shows it only where a name has an accent."""
    if start != "utf-8" or path.stat().st_size > RECONCILED_BYTES:
        return start
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with _stream(path) as stream:
            while block := stream.read(1 << 22):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _line_count(path: Path, skipped: int) -> int:
    """Lines below the header; blank ones do not count, except in files too large to look at each."""
    with _stream(path) as stream:
        if path.stat().st_size <= RECONCILED_BYTES:
            return sum(1 for line in stream if line.strip()) - skipped - 1
        ends = 0
        while block := stream.read(1 << 22):
            ends += block.count(b"\n")
        return ends - skipped - 1
