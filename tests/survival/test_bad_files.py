"""Files that are broken, disguised or made to harm: one line that names the file and what is expected, or the good rows."""

from __future__ import annotations

import datetime
import gzip
import io
import os
import random
import shutil
import socket
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow.parquet.encryption import create_encryption_properties

from assets.engine import text_file
from tests.survival.deliveries import Outcome, as_an_ordinary_user, load

pytestmark = pytest.mark.survival("bad files")

HEADER = b"person_id,birth_date,enrollment_start_date\n"
ONE, TWO = b"P1,1960-01-01,2025-01-01\n", b"P2,1961-01-01,2025-01-01\n"
PLAIN = HEADER + ONE + TWO
SECRETS = ("P1", "P2", "1960-01-01", "1961-01-01")


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 2}) as connection:
        yield connection


def bad(*lines: tuple[int, str], accepted: tuple[int, ...] = (2, 3)) -> Outcome:
    return Outcome("", accepted, lines)


def said(outcome: Outcome, name: str, *fragments: str) -> None:
    """The line names the file and what is expected, and no value of a row."""
    __tracebackhide__ = True
    assert outcome.line.startswith(f"{name}: "), outcome
    assert len(outcome.line.splitlines()) == 1
    for fragment in fragments:
        assert fragment in outcome.line, outcome.line
    assert not [secret for secret in SECRETS if secret in outcome.line], outcome.line


# Text -----------------------------------------------------------------------------------------------------------------

# Kind -> content and either what the line must say, or the rows.
TEXT: dict[str, tuple[bytes, list[str] | Outcome]] = {
    "empty": (b"", ["empty file", "header line"]),
    "byte order mark alone": (b"\xef\xbb\xbf", ["first line is blank"]),
    "line ends alone": (b"\n\n\n", ["first line is blank"]),
    "spaces alone": (b"   \n", ["first line is blank"]),
    "header alone": (HEADER, ["required"]),
    "header without a line end": (HEADER[:-1], ["required"]),
    "no header": (ONE + TWO, ["no column person_id, birth_date", "requires"]),
    "no header, a value twice": (b"P1,1960-01-01,1960-01-01\n", ["column 2", "once"]),
    "missing column": (PLAIN.replace(b",birth_date", b""), ["no column birth_date"]),
    "column twice": (HEADER[:-1] + b",Birth_Date\n" + ONE, ["birth_date", "once"]),
    "column without a name": (b"a,," + HEADER + ONE, ["without a name"]),
    "pipes": (PLAIN.replace(b",", b"|"), ["'|'", "','"]),
    "semicolons": (PLAIN.replace(b",", b";"), ["';'"]),
    "tabs": (PLAIN.replace(b",", b"\t"), ["'\\t'"]),
    "a page of an error": (b"<html><body>502 Bad Gateway</body></html>\n", ["no column"]),
    "a comment above the header": (b"# export\n" + PLAIN, ["no column"]),
    "UTF-16": (PLAIN.decode().encode("utf-16"), ["UTF-8"]),
    "UTF-16, big end first, no mark": (PLAIN.decode().encode("utf-16-be"), ["UTF-8"]),
    "UTF-32": (PLAIN.decode().encode("utf-32"), ["UTF-8"]),
    "header in Latin-1": (b"n\xe4me," + HEADER + ONE, ["header is not UTF-8"]),
    "a row in Latin-1": (HEADER + b"Ren\xe9,1960-01-01,2025-01-01\n" + ONE + TWO, bad((2, "invalid_encoding"), accepted=(3, 4))),
    "a row in Windows-1252": (HEADER + ONE + TWO + b"O\x92N,1960-01-01,2025-01-01\n", bad((4, "invalid_encoding"))),
    "byte order mark": (b"\xef\xbb\xbf" + PLAIN, bad()),
    "two byte order marks": (b"\xef\xbb\xbf\xef\xbb\xbf" + PLAIN, ["no column person_id"]),
    "Windows line ends": (PLAIN.replace(b"\n", b"\r\n"), bad()),
    "Macintosh line ends": (PLAIN.replace(b"\n", b"\r"), ["CR alone"]),
    "mixed line ends": (HEADER.replace(b"\n", b"\r\n") + ONE + TWO, ["one kind of line end"]),
    "NUL byte": (PLAIN + b"P\x003,1960-01-01,2025-01-01\n", ["NUL"]),
    "NUL byte at the end": (PLAIN + b"\x00", ["NUL"]),
    "end of file of old": (PLAIN + b"\x1a", bad((4, "too_few_columns"))),
    "unclosed quote in the header": (b'"' + PLAIN, ["unclosed quote"]),
    "unclosed quote in the first row": (HEADER + b'"P3,1960-01-01,2025-01-01\n' + ONE + TWO, ["unclosed quote"]),
    "unclosed quote in the last row": (PLAIN + b'"P3,1960-01-01,2025-01-01\n', bad((4, "invalid_quoting"))),
    "unclosed quote in the last field": (PLAIN + b'P3,1960-01-01,"2025-01-01', bad((4, "invalid_quoting"))),
    "text after a quote": (PLAIN + b'"P"3,1960-01-01,2025-01-01\n', bad((4, "invalid_quoting"))),
    "line break inside quotes": (PLAIN + b'"P\n3",1960-01-01,2025-01-01\n', ["line break inside quotes"]),
    "too few and too many columns": (PLAIN + b"P3\nP4,1960-01-01,2025-01-01,x,y\n", bad((4, "too_few_columns"), (5, "too_many_columns"))),
    "another row's header": (PLAIN + HEADER, bad((4, "invalid_birth_date;invalid_enrollment_start_date"))),
    "header of a megabyte": (b"a" * (1 << 20) + b"," + PLAIN, ["first line is longer"]),
    "no line end in sight": (b"x" * (5 << 20), ["first line is longer"]),
    "a name of a megabyte less": (b"a" * 200_000 + b"," + HEADER + ONE, ["header is not readable as CSV"]),
    "six thousand columns": (b"".join(b"c%d," % n for n in range(6000)) + PLAIN, ["6,003 columns"]),
    "names that the door uses itself": (
        b"line_number,source_file,row_id,ordinal_0,reasons,repairs,t_person_id," + HEADER + b"9,9,9,9,9,9,9," + ONE,
        bad(accepted=(2,)),
    ),
    "a name that is a statement": (b"\"a'); drop table raw.eligibility; --\"," + HEADER + b"1," + ONE, bad(accepted=(2,))),
    "gzip without its ending": (gzip.compress(PLAIN), ["UTF-8"]),
    "a value of sixteen megabytes": (
        PLAIN + b'"' + b"x" * (17 << 20) + b'",1960-01-01,2025-01-01\n', bad((4, "line_too_long"))
    ),
    "a hundred thousand blank lines": (HEADER + b"\n" * 100_000 + ONE + TWO, bad(accepted=(100_002, 100_003))),
}  # fmt: skip
FORMS = ("eligibility.csv", "eligibility.csv.gz", "eligibility/part.csv")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", TEXT)
def test_text(con: duckdb.DuckDBPyConnection, tmp_path: Path, kind: str, form: str) -> None:
    content, expected = TEXT[kind]
    if form != FORMS[0] and len(content) > 4 << 20:
        pytest.skip("large, and the same in every form")
    path = tmp_path / form
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(content, 1) if form.endswith(".gz") else content)
    found = load(con, tmp_path)
    if isinstance(expected, Outcome):
        assert found == expected
    elif expected == ["required"]:
        said(found, "eligibility", "no row", "required")
    else:
        said(found, form, *expected)


# Containers -----------------------------------------------------------------------------------------------------------


def zipped(content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("eligibility.csv", content)
    return stream.getvalue()


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 255]) + content[at + 1 :]


LONG = gzip.compress(PLAIN * 300)
GZIP: dict[str, tuple[bytes, list[str] | Outcome]] = {
    "no gzip": (PLAIN, ["complete"]),
    "no byte": (b"", ["empty file"]),
    "two bytes": (LONG[:2], ["complete"]),
    "half": (LONG[: len(LONG) // 2], ["complete"]),
    "without its length": (LONG[:-4], ["complete"]),
    "another checksum": (LONG[:-8] + b"abcd" + LONG[-4:], ["complete"]),
    "another length": (LONG[:-4] + b"abcd", ["complete"]),
    "a byte changed": (flipped(LONG, 40), ["complete"]),
    "something after it": (gzip.compress(PLAIN) + b"something", ["complete"]),
    "zipped": (zipped(PLAIN), ["complete"]),
    "twice": (gzip.compress(gzip.compress(PLAIN)), ["UTF-8"]),
    "in two parts": (gzip.compress(HEADER + ONE[:9]) + gzip.compress(ONE[9:] + TWO), bad()),
    "with an empty part": (gzip.compress(PLAIN) + gzip.compress(b""), bad()),
}


@pytest.mark.parametrize("kind", GZIP)
def test_gzip(con: duckdb.DuckDBPyConnection, tmp_path: Path, kind: str) -> None:
    content, expected = GZIP[kind]
    (tmp_path / "eligibility.csv.gz").write_bytes(content)
    found = load(con, tmp_path)
    if isinstance(expected, Outcome):
        assert found == expected
    else:
        said(found, "eligibility.csv.gz", *expected)


BOMBS = {
    "spaces": b" " * (1 << 22),
    "blank lines": b"\n" * (1 << 22),
    "rows": PLAIN * 60_000,
    "one long row": b"x" * (1 << 22),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_bomb_is_not_unpacked(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """No more than 200 times its size, above a size that no machine minds; here that is a quarter of a megabyte."""
    monkeypatch.setattr(text_file, "ALWAYS_UNPACKED", 1 << 18)
    (tmp_path / "eligibility.csv.gz").write_bytes(gzip.compress(HEADER + BOMBS[kind], 9))
    said(load(con, tmp_path), "eligibility.csv.gz", "more than 200 times", "limits.expansion_ratio")


def test_small_file_may_unpack_to_anything(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "eligibility.csv.gz").write_bytes(gzip.compress(HEADER + ONE + TWO * 20_000))
    assert load(con, tmp_path).accepted == (2, 3)


def test_million_blank_lines_are_a_damaged_file(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_file, "MOST_BLANK", 1000)
    (tmp_path / "eligibility.csv").write_bytes(HEADER + b"\n" * 1000 + ONE)
    assert load(con, tmp_path).accepted == (1002,)
    (tmp_path / "eligibility.csv").write_bytes(HEADER + b"\n" * 1001 + ONE)
    said(load(con, tmp_path), "eligibility.csv", "1,000 blank lines")


WRONG_THROUGHOUT = {
    "a column too many": ONE[:-1] + b",5,6\n",
    "a column too few": b"P1,1960-01-01\n",
    "Latin-1": b"Ren\xe9,1960-01-01,2025-01-01\n",
}


@pytest.mark.parametrize("kind", WRONG_THROUGHOUT)
def test_large_file_that_is_wrong_throughout_never_meets_the_engine(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Each refused line would take the engine 2 kB of memory: 40 million lines with a column too many, 80 GB."""
    monkeypatch.setattr(text_file, "MOST_REFUSED", 1000)
    (tmp_path / "eligibility.csv").write_bytes(HEADER + WRONG_THROUGHOUT[kind] * 3000)
    said(load(con, tmp_path), "eligibility.csv", "about 3,001 lines", "at most 1,000")


def test_lines_that_are_refused_here_and_there_are_counted(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_file, "MOST_REFUSED", 1000)
    rows = [b"P%d,1960-01-01,2025-01-01\n" % n for n in range(5000)]
    (tmp_path / "eligibility.csv").write_bytes(HEADER + b"".join(rows) + b"broken\n" * 1000)
    found = load(con, tmp_path)
    assert (len(found.accepted), len(found.rejected)) == (5000, 1000)
    (tmp_path / "eligibility.csv").write_bytes(HEADER + b"".join(rows) + b"broken\n" * 1001)
    said(load(con, tmp_path), "eligibility.csv", "found 1,001 lines", "at most 1,000")


# Parquet --------------------------------------------------------------------------------------------------------------

DAY = datetime.date


def members(**columns: Any) -> pa.Table:
    return pa.table(
        {
            "person_id": pa.array(["P1", "P2"]),
            "birth_date": pa.array([DAY(1960, 1, 1), DAY(1961, 1, 1)]),
            "enrollment_start_date": pa.array([DAY(2025, 1, 1)] * 2),
        }
        | columns
    )


GOOD = bad(accepted=(1, 2))
NO_DATE = Outcome("", (), ((1, "invalid_birth_date"), (2, "invalid_birth_date")))
TYPES: dict[str, tuple[pa.Table, list[str] | Outcome]] = {
    "as it should be": (members(), GOOD),
    "numbers for text": (members(person_id=pa.array([1, 2])), GOOD),
    "unsigned numbers for text": (members(person_id=pa.array([2**64 - 1, 1], pa.uint64())), GOOD),
    "codes of a dictionary": (members(person_id=pa.array(["P1", "P2"]).dictionary_encode()), GOOD),
    "large text": (members(person_id=pa.array(["P1", "P2"], pa.large_string())), GOOD),
    "bytes that are text": (members(person_id=pa.array([b"P1", b"P2"])), GOOD),
    "bytes that are no text": (members(person_id=pa.array([b"P1", b"\xff\xfe"])), ["UTF-8"]),
    "moments for dates": (members(birth_date=pa.array([datetime.datetime(1960, 1, 1)] * 2)), GOOD),
    "text for dates": (members(birth_date=pa.array(["1960-01-01", "05-Jan-1960"])), GOOD),
    "moments with a zone for dates": (members(birth_date=pa.array([datetime.datetime(1960, 1, 1)] * 2, pa.timestamp("us", "UTC"))), NO_DATE),
    "times for dates": (members(birth_date=pa.array([datetime.time(1)] * 2)), NO_DATE),
    "lengths of time for dates": (members(birth_date=pa.array([datetime.timedelta(1)] * 2)), NO_DATE),
    "numbers for dates": (members(birth_date=pa.array([1.5, 2.5])), NO_DATE),
    "truth for dates": (members(birth_date=pa.array([True, False])), NO_DATE),
    "nothing": (members(person_id=pa.nulls(2)), Outcome("", (), ((1, "missing_person_id"), (2, "missing_person_id")))),
    "structs": (members(person_id=pa.array([{"a": 1}, {"a": 2}])), ["lists or structs in person_id"]),
    "lists": (members(person_id=pa.array([["a"], ["b"]])), ["lists or structs in person_id"]),
    "maps": (members(person_id=pa.array([[("a", 1)], [("b", 1)]], pa.map_(pa.string(), pa.int64()))), ["lists or structs in person_id"]),
    "structs where nobody reads": (members(other=pa.array([{"a": 1}, {"a": 2}])), GOOD),
    "missing column": (members().drop_columns("birth_date"), ["no column birth_date"]),
    "column twice": (members(Person_ID=pa.array(["x", "y"])), ["'person_id'", "once"]),
    "no column": (pa.table({}), ["Parquet"]),
    "no row": (members().slice(0, 0), ["required"]),
    "names that the door uses itself": (members(line_number=[9, 9], source_file=[9, 9], row_id=[9, 9], reasons=["x", "y"], filename=["x", "y"]), GOOD),
    "the engine's own name": (members(file_row_number=[9, 9]), ["column file_row_number"]),
    "a name that is a statement": (members(**{'a" from raw.eligibility; --': [1, 2]}), GOOD),
    "a name of two lines": (members(**{"a\nb": [1, 2]}), GOOD),
    "text with breaks and NUL": (members(person_id=pa.array(["P\n1", "P\x002"])), GOOD),
}  # fmt: skip


@pytest.mark.parametrize("form", ["eligibility.parquet", "eligibility/part.parquet"])
@pytest.mark.parametrize("kind", TYPES)
def test_parquet_types(con: duckdb.DuckDBPyConnection, tmp_path: Path, kind: str, form: str) -> None:
    table, expected = TYPES[kind]
    (tmp_path / form).parent.mkdir(exist_ok=True)
    pq.write_table(table, tmp_path / form)
    found = load(con, tmp_path)
    if isinstance(expected, Outcome):
        assert found == expected
    elif expected == ["required"]:
        said(found, "eligibility", "no row")
    else:
        said(found, form, *expected)


def parquet(**options: Any) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.concat_tables([members()] * 2000), stream, **options)
    return stream.getvalue()


PARQUET = {
    "text": lambda whole: PLAIN,
    "no byte": lambda whole: b"",
    "the mark alone": lambda whole: b"PAR1",
    "without its end": lambda whole: whole[:-100],
    "half": lambda whole: whole[: len(whole) // 2],
    "without its beginning": lambda whole: whole[100:],
    "broken footer": lambda whole: flipped(whole, len(whole) - 60),
    "broken length of the footer": lambda whole: whole[:-8] + b"\xff\xff\xff\x7f" + whole[-4:],
    "broken text": lambda whole: whole.replace(b"P1", b"\xff\xfe"),
    "zipped": gzip.compress,
}


@pytest.mark.parametrize("kind", PARQUET)
def test_broken_parquet(con: duckdb.DuckDBPyConnection, tmp_path: Path, kind: str) -> None:
    whole = parquet(compression="none", write_statistics=False)
    (tmp_path / "eligibility.parquet").write_bytes(PARQUET[kind](whole))
    said(load(con, tmp_path), "eligibility.parquet", "not readable", "expected")


@pytest.mark.parametrize("seed", range(20))
def test_parquet_with_changed_bytes_is_a_line_or_its_rows(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, seed: int
) -> None:
    pick = random.Random(seed)
    content = bytearray(parquet())
    for _ in range(pick.choice((1, 3, 20))):
        content[pick.randrange(4, len(content) - 8)] = pick.randrange(256)
    (tmp_path / "eligibility.parquet").write_bytes(bytes(content))
    found = load(con, tmp_path)
    if found.line:
        said(found, "eligibility.parquet", "expected")


def test_encrypted_parquet(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    keys = create_encryption_properties(footer_key=b"0" * 16)
    pq.write_table(members(), tmp_path / "eligibility.parquet", encryption_properties=keys)
    said(load(con, tmp_path), "eligibility.parquet", "not readable")


def test_parquet_of_a_billion_equal_values_is_not_unpacked(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_file, "ALWAYS_UNPACKED", 1 << 18)
    one = members().slice(0, 1).combine_chunks()
    pq.write_table(
        one.take(pa.array([0] * 3_000_000, pa.int32())), tmp_path / "eligibility.parquet", compression="zstd"
    )
    said(load(con, tmp_path), "eligibility.parquet", "more than 200 times", "limits.expansion_ratio")


# Places ---------------------------------------------------------------------------------------------------------------


def at(folder: Path, name: str, content: bytes = PLAIN) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "eligibility.csv")


def listener(folder: Path) -> None:
    here = os.getcwd()
    os.chdir(folder)  # A socket's path is short.
    try:
        socket.socket(socket.AF_UNIX).bind("eligibility.csv")
    finally:
        os.chdir(here)


def name_of_no_text(folder: Path) -> None:
    (folder / "eligibility").mkdir()
    (Path(os.fsdecode(os.fsencode(folder) + b"/eligibility/a\xff.csv"))).write_bytes(PLAIN)


PLACES: dict[str, tuple[Callable[[Path], object], str, list[str]]] = {
    "a folder for a file": (lambda f: at(f / "eligibility.csv", "part.csv") if (f / "eligibility.csv").mkdir() is None else 0, "eligibility.csv", ["a folder"]),
    "a folder for a Parquet file": (lambda f: (f / "eligibility.parquet").mkdir(), "eligibility.parquet", ["a folder"]),
    "a file for a folder": (lambda f: at(f, "eligibility"), "eligibility", ["without an ending", ".csv.gz"]),
    "a folder for a part": (lambda f: at(f, "eligibility/b.csv") and (f / "eligibility" / "a.csv").mkdir(), "eligibility/a.csv", ["a folder"]),
    "a link to nothing": (lambda f: (f / "eligibility.csv").symlink_to("nowhere"), "eligibility.csv", ["link to nothing"]),
    "a link to itself": (lambda f: (f / "eligibility.csv").symlink_to("eligibility.csv"), "eligibility.csv", ["link to nothing"]),
    "a folder's link to itself": (lambda f: (f / "eligibility").symlink_to("eligibility"), "eligibility", ["link to nothing"]),
    "a link to the folder above": (lambda f: (f / "eligibility").symlink_to("."), "eligibility", ["no file"]),
    "a part's link to itself": (lambda f: at(f, "eligibility/b.csv") and (f / "eligibility" / "a.csv").symlink_to("a.csv"), "eligibility/a.csv", ["link to nothing"]),
    "a pipe": (pipe, "eligibility.csv", ["a pipe", "ordinary file"]),
    "a socket": (listener, "eligibility.csv", ["ordinary file"]),
    "a device without end": (lambda f: (f / "eligibility.csv").symlink_to("/dev/zero"), "eligibility.csv", ["a device"]),
    "a name that is no text": (name_of_no_text, "eligibility/a\\udcff.csv", ["not UTF-8"]),
    "a name of two lines": (lambda f: at(f, "eligibility/a\nerror: b.csv", b"x\n"), "eligibility/a\\nerror: b.csv", ["no column"]),
    "two forms": (lambda f: at(f, "eligibility.csv") and at(f, "eligibility.csv.gz"), "eligibility", ["2 forms"]),
}  # fmt: skip


@pytest.mark.parametrize("kind", PLACES)
def test_place(con: duckdb.DuckDBPyConnection, tmp_path: Path, kind: str) -> None:
    make, name, fragments = PLACES[kind]
    make(tmp_path)
    said(load(con, tmp_path), name, *fragments)


NAMES = [
    "*.csv",
    "b?.csv",
    "[ab].csv",
    "it's.csv",
    "a'); drop table raw.eligibility; --.csv",
    "person_id=Z.csv",
    "$HOME.csv",
]


@pytest.mark.parametrize("name", NAMES)
def test_name_of_a_file_is_no_pattern_and_no_statement(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, name: str
) -> None:
    """To the engine `*` is every file and `person_id=Z` a column: rows would be read twice, or be given to one person."""
    at(tmp_path, f"eligibility/{name}", HEADER + ONE)
    at(tmp_path, "eligibility/b1.csv", HEADER + TWO)
    assert load(con, tmp_path) == bad(accepted=(2, 2))
    assert con.execute("select person_id from raw.eligibility order by all").fetchall() == [("P1",), ("P2",)]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_name_of_a_folder_is_no_column(con: duckdb.DuckDBPyConnection, tmp_path: Path, suffix: str) -> None:
    folder = tmp_path / "state=TX" / "person_id=Z" / "load[1]*?"
    folder.mkdir(parents=True)
    if suffix == "csv":
        at(folder, "eligibility.csv")
    else:
        pq.write_table(members(), folder / "eligibility.parquet")
    assert len(load(con, folder).accepted) == 2
    rows = con.execute("select person_id, state from raw.eligibility order by all").fetchall()
    assert rows == [("P1", None), ("P2", None)]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may reach."""
    folder = Path(tempfile.mkdtemp(prefix="caregaps-"))
    folder.chmod(0o755)
    yield folder
    for path in folder.rglob("*"):
        if path.is_dir():
            path.chmod(0o755)
    shutil.rmtree(folder)


MODES = {
    "file": ("eligibility.csv", "eligibility.csv", "readable"),
    "zipped file": ("eligibility.csv.gz", "eligibility.csv.gz", "readable"),
    "Parquet file": ("eligibility.parquet", "eligibility.parquet", "readable"),
    "part": ("eligibility/part.csv", "eligibility/part.csv", "readable"),
    "folder of parts": ("eligibility/part.csv", "eligibility", "cannot be listed (Permission denied)"),
    "input folder": ("eligibility.csv", ".", "cannot be listed (Permission denied)"),
}


@pytest.mark.parametrize("kind", MODES)
def test_what_may_not_be_read(con: duckdb.DuckDBPyConnection, open_folder: Path, kind: str) -> None:
    name, closed, fragment = MODES[kind]
    at(open_folder, name)
    (open_folder / closed).chmod(0)
    with as_an_ordinary_user():
        found = load(con, open_folder)
    open_folder.chmod(0o755)
    assert fragment in found.line, found
    assert (
        closed if closed.startswith("eligibility.") else str(open_folder.name) if "listed" in fragment else name
    ) in found.line
