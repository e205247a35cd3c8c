"""Files become rows of text without losing a line, or are refused with one line that names the file."""

from __future__ import annotations

import gzip
from pathlib import Path

import duckdb
import polars as pl
import pytest

from assets.engine import landing
from assets.engine.errors import InputError
from assets.engine.landing import InputFile, files_of_folder, land
from assets.engine.layout import read_layout, source_files
from assets.engine.text_rows import refused_lines

pytestmark = pytest.mark.survival("bad files")

HEADER = b"id,name,day\n"


# Until the query's own names are none of DuckDB's keywords.
def rows_of(path: Path, delimiter: str = ",", quote: str = '"') -> tuple[list[tuple], list[tuple[int, str]], int]:
    """Rows as (line number, values), refused lines as (line number, reasons), and the number of both."""
    with duckdb.connect(config={"threads": 2}) as con:
        landed = land(con, InputFile(path, path.name), 0, delimiter, quote)
        columns = ", ".join(f'"{name}"' for name in landed.header)
        rows = con.execute(f"select line_number, {columns} from ({landed.query}) order by line_number").fetchall()
        refused = []
        if landed.rejects_table:
            refused = con.execute(refused_lines(landed.rejects_table, "table", "'file'") + " order by line").fetchall()
        return rows, [(line, reasons) for _, _, line, reasons in refused], landed.line_count


@pytest.fixture
def text(tmp_path: Path):
    """Write a CSV file and read it."""

    def read(content: bytes, delimiter: str = ",", quote: str = '"') -> tuple[list[tuple], list[tuple[int, str]], int]:
        path = tmp_path / "table.csv"
        path.write_bytes(content)
        return rows_of(path, delimiter, quote)

    return read


PLAIN = [(2, "1", "ann", "2026-01-01"), (3, "2", "bob", "2026-01-02")]
BODY = b"1,ann,2026-01-01\n2,bob,2026-01-02\n"
SPELLINGS = {
    "plain": HEADER + BODY,
    "no last line end": HEADER + BODY.rstrip(b"\n"),
    "Windows line ends": (HEADER + BODY).replace(b"\n", b"\r\n"),
    "Windows line ends, no last one": (HEADER + BODY).replace(b"\n", b"\r\n").rstrip(b"\r\n"),
    "byte order mark": b"\xef\xbb\xbf" + HEADER + BODY,
    "header in capitals": HEADER.upper() + BODY,
    "quoted": b'"id","name","day"\n"1","ann","2026-01-01"\n"2","bob","2026-01-02"\n',
    "spaces in the header": b"id , name, day\n" + BODY,
}


@pytest.mark.parametrize("content", SPELLINGS.values(), ids=SPELLINGS)
def test_spelling_of_a_file_does_not_matter(text, content: bytes) -> None:
    assert text(content) == (PLAIN, [], 2)


@pytest.mark.parametrize("content", SPELLINGS.values(), ids=SPELLINGS)
def test_zipped_is_the_same(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(content))
    assert rows_of(path) == (PLAIN, [], 2)


def test_values_stay_as_they_are(text) -> None:
    content = HEADER + b'0007," O\'Neil, ""Ann"" ",\n,"",NULL\n1e5,#7,na\n'
    assert text(content)[0] == [
        (2, "0007", ' O\'Neil, "Ann" ', None),
        (3, None, None, "NULL"),
        (4, "1e5", "#7", "na"),
    ]


def test_letters_of_all_languages(text) -> None:
    [row] = text(HEADER + "1,Zoë Ångström 李,x\n".encode())[0]
    assert row[2] == "Zoë Ångström 李"


def test_pipes_and_quotes_as_ordinary_characters(text) -> None:
    assert text(b'id|name\n1|5" x 3"\n2|"\n', "|", "")[0] == [(2, "1", '5" x 3"'), (3, "2", '"')]


BLANKS = {
    "between": (b"1,a,x\n\n2,b,y\n", [2, 4]),
    "after the header": (b"\n1,a,x\n2,b,y\n", [3, 4]),
    "several": (b"1,a,x\n\n\n\n2,b,y\n", [2, 6]),
    "at the end": (b"1,a,x\n2,b,y\n\n\n", [2, 3]),
}


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"], ids=["Unix", "Windows"])
@pytest.mark.parametrize("case", BLANKS)
def test_blank_lines_are_no_rows_and_keep_the_count(text, case: str, ends: bytes) -> None:
    body, lines = BLANKS[case]
    rows, refused, count = text((HEADER + body).replace(b"\n", ends))
    assert ([row[0] for row in rows], refused, count) == (lines, [], 2)


def test_refused_lines_keep_their_number_and_say_why(text) -> None:
    content = HEADER + b"1,ann,x\n2,bob\n3,cid,x\n4,dan,x,surplus\n\n5,eve,x\n6,f\xff,x\n7,gus,x\n"
    rows, refused, count = text(content)
    assert [(r[0], r[1]) for r in rows] == [(2, "1"), (4, "3"), (7, "5"), (9, "7")]
    assert refused == [(3, "too_few_columns"), (5, "too_many_columns"), (8, "invalid_encoding")]
    assert count == 7


def test_first_and_last_line_can_be_the_refused_ones(text) -> None:
    rows, refused, count = text(HEADER + b"1\n2,bob,x\n3\n")
    assert [r[0] for r in rows] == [3]
    assert [line for line, _ in refused] == [2, 4]
    assert count == 3


def test_line_numbers_hold_over_many_rows_and_threads(text) -> None:
    lines = [b"%d,n%d,x" % (n, n) if n % 997 else b"%d" % n for n in range(2, 60_001)]
    rows, refused, count = text(HEADER + b"\n".join(lines) + b"\n")
    assert count == 59_999
    assert [line for line, _ in refused] == [n for n in range(2, 60_001) if n % 997 == 0]
    assert all(row[0] == int(row[1]) for row in rows)


@pytest.mark.parametrize(
    ("block", "ends"),
    [(block, ends) for block in range(13, 30) for ends in (b"\n", b"\r\n")],
)
def test_blocks_do_not_show(text, monkeypatch: pytest.MonkeyPatch, block: int, ends: bytes) -> None:
    monkeypatch.setattr(landing, "BLOCK", block)
    content = HEADER + b"1,a,x\n\n22,b,y\n\n\n333,c,z\n4\n5,d,w\n\n"
    rows, refused, count = text(content.replace(b"\n", ends))
    assert [r[0] for r in rows] == [2, 4, 7, 9]
    assert [line for line, _ in refused] == [8]
    assert count == 5


BROKEN = {
    "unclosed quote": (HEADER + b'1,"ann,x\n2,bob,y\n3,cid,z\n', "quote"),
    "line break inside quotes": (HEADER + b'1,"ann\nlee",x\n2,bob,y\n', "line break"),
    "empty": (b"", "empty"),
    "pipes": (b"id|name|day\n1|ann|x\n", "'|'"),
    "tabs": (b"id\tname\tday\n1\tann\tx\n", "'\\t'"),
    "semicolons": (b"id;name;day\n1;ann;x\n", "';'"),
    "UTF-16": ("id,name\n1,ann\n".encode("utf-16"), "UTF-8"),
    "UTF-16, no mark": ("id,name\n1,ann\n".encode("utf-16-be"), "UTF-8"),
    "UTF-32": ("id,name\n1,ann\n".encode("utf-32"), "UTF-8"),
    "NUL byte": (HEADER + b"1,\x00,x\n", "NUL"),
    "header in Latin-1": (b"id,n\xe4me\n1,x\n", "UTF-8"),
    "column twice": (b"id,name,ID\n1,x,2\n", "id"),
    "column without a name": (b"id,,name\n1,x,2\n", "without a name"),
    "blank header": (b"\nid,name\n1,x\n", "table.csv"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_file_that_cannot_be_read_is_one_line_that_names_it(text, case: str) -> None:
    content, fragment = BROKEN[case]
    with pytest.raises(InputError, match=r"^table\.csv: ") as refused:
        text(content)
    message = str(refused.value)
    assert fragment in message
    assert "\n" not in message
    assert "ann" not in message, "no value of a row"


def test_header_alone_is_no_row_and_no_error(text) -> None:
    assert text(HEADER) == ([], [], 0)
    assert text(HEADER.rstrip(b"\n")) == ([], [], 0)


@pytest.mark.parametrize("name", ["table.csv.gz", "table.parquet"])
@pytest.mark.parametrize(
    "content", [b"", b"no such format", gzip.compress(HEADER + BODY * 9999)[:-50]], ids=["empty", "text", "cut"]
)
def test_broken_container_is_one_line(tmp_path: Path, name: str, content: bytes) -> None:
    if name.endswith("gz") and not content:
        pytest.skip("an empty stream is an empty file, told of elsewhere")
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"^{name}: "):
        rows_of(path)


def test_parquet_keeps_types_and_numbers_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    pl.DataFrame({"ID": [7, 8], "Name": ["x", None]}).write_parquet(path)
    assert rows_of(path) == ([(1, 7, "x"), (2, 8, None)], [], 2)


def test_parquet_column_in_two_spellings_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    pl.DataFrame({"ID": [7], "id": [8]}).write_parquet(path)
    with pytest.raises(InputError, match="'id'"):
        rows_of(path)


def test_path_with_a_quote_is_a_path(tmp_path: Path) -> None:
    folder = tmp_path / "it's"
    folder.mkdir()
    (folder / "table.csv").write_bytes(HEADER + BODY)
    assert rows_of(folder / "table.csv")[0] == PLAIN
    pl.DataFrame({"id": [1]}).write_parquet(folder / "table.parquet")
    assert rows_of(folder / "table.parquet")[0] == [(1, 1)]


# Folders --------------------------------------------------------------------------------------------------------------


def test_folder_is_sorted_into_tables_parts_and_the_rest(tmp_path: Path) -> None:
    for name in ("one.csv", "two.parquet", "three.csv.gz", ".done", "readme.md", "one.txt", "other.csv", ".hidden.csv"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    for name in ("four/b.csv", "four/a.parquet", "four/.part", "four/notes.txt", ".git/one.csv", "five/deep/x.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x", encoding="utf-8")
    found = files_of_folder(tmp_path, {"one", "two", "three", "four", "five", "six"})
    assert {table: [f.label for f in files] for table, files in found.tables.items()} == {
        "one": ["one.csv"], "two": ["two.parquet"], "three": ["three.csv.gz"], "four": ["four/a.parquet", "four/b.csv"],
    }  # fmt: skip
    assert set(found.ignored) >= {
        "readme.md",
        "one.txt",
        "other.csv",
        ".hidden.csv",
        ".git",
        "four/notes.txt",
        "five/deep",
    }
    assert ".done" not in found.ignored


@pytest.mark.parametrize("pair", [("t.csv", "t.parquet"), ("t.csv", "t.csv.gz"), ("t.csv", "t/p.csv")])
def test_two_forms_of_one_table_are_refused(tmp_path: Path, pair: tuple[str, str]) -> None:
    for name in pair:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match="t: found in 2 forms"):
        files_of_folder(tmp_path, {"t"})


@pytest.mark.parametrize("ending", [".PARQUET", ".Parquet", ".CSV", ".CSV.GZ", ".csv.GZ"])
def test_the_letter_case_of_an_ending_is_no_matter(tmp_path: Path, ending: str) -> None:
    """Of a table's own file, and of a part in its folder."""
    for name in (f"one{ending}", f"two/part{ending}"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        if "parquet" in ending.lower():
            pl.DataFrame({"id": ["1", "2"], "name": ["ann", "bob"], "day": ["2026-01-01", "2026-01-02"]}).write_parquet(
                path
            )
        else:
            path.write_bytes(gzip.compress(HEADER + BODY) if "gz" in ending.lower() else HEADER + BODY)
    found = files_of_folder(tmp_path, {"one", "two"})
    assert {table: [f.label for f in files] for table, files in found.tables.items()} == {
        "one": [f"one{ending}"], "two": [f"two/part{ending}"],
    }  # fmt: skip
    assert found.ignored == ()
    assert [row[1:] for row in rows_of(tmp_path / f"one{ending}")[0]] == [row[1:] for row in PLAIN]


def test_the_letter_case_of_a_layouts_own_files_is_no_matter(tmp_path: Path) -> None:
    for name in ("Beneficiary_2024.CSV", "beneficiary_2025.csv", "BENEFICIARY_HISTORY_2024.CSV", "PDE.CSV", "pde.txt"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    sources = read_layout("cms_rif").sources
    found = {name: [file.label for file in source_files(sources[name], tmp_path)] for name in ("beneficiary", "pde")}
    assert found == {"beneficiary": ["Beneficiary_2024.CSV", "beneficiary_2025.csv"], "pde": ["PDE.CSV"]}


def test_forms_that_differ_in_letter_case_are_two(tmp_path: Path) -> None:
    for name in ("t.csv", "t.CSV"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match="t: found in 2 forms"):
        files_of_folder(tmp_path, {"t"})


def test_an_empty_folder_is_no_form_of_its_table(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "t.csv").write_text("x", encoding="utf-8")
    assert set(files_of_folder(tmp_path, {"t"}).tables) == {"t"}


def test_no_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found no such folder"):
        files_of_folder(tmp_path / "nowhere", set())
