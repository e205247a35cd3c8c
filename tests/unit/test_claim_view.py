"""Claims that are read where they lie: the same rows as a copy would hold, judged once, of files that stay as they are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from assets.engine import claim_view, ingest, warehouse
from assets.engine.contract import contract_for
from assets.engine.errors import InputError
from assets.engine.layout import read_layout
from assets.engine.model import Model

CLAIMS = contract_for("raw", "medical_claim")
REQUIRED = "'professional' as claim_type, 'P1' as person_id, date '2026-01-05' as claim_start_date"


@pytest.fixture
def con(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(tmp_path / "w.duckdb"), config={"threads": 2}) as connection:
        yield connection


@pytest.fixture
def delivery(tmp_path: Path) -> Path:
    folder = tmp_path / "input"
    (folder / "medical_claim").mkdir(parents=True)
    return folder


def write(con: duckdb.DuckDBPyConnection, delivery: Path, name: str, query: str) -> Path:
    path = delivery / "medical_claim" / name
    how = "format parquet" if name.endswith(".parquet") else "header"
    con.execute(f"copy ({query}) to '{path}' ({how})")
    return path


def load(con: duckdb.DuckDBPyConnection, delivery: Path) -> int:
    return ingest.load_table(con, CLAIMS, ingest.find_inputs(read_layout("tuva"), delivery, None), delivery)


def rows(con: duckdb.DuckDBPyConnection, columns: str) -> list[tuple[Any, ...]]:
    return con.execute(f"select {columns} from raw.medical_claim order by row_id").fetchall()


def test_files_of_two_shapes_are_one_table_in_the_order_of_their_names(
    con: duckdb.DuckDBPyConnection, delivery: Path
) -> None:
    one = (
        f"select 'A' || range as claim_id, 1 as claim_line_number, {REQUIRED}, 'E119' as diagnosis_code_1 from range(2)"
    )
    write(con, delivery, "1.parquet", one)
    write(con, delivery, "2.parquet", one.replace("'A'", "'B'"))
    # No diagnosis, the line as text, and the day as text: another shape.
    write(con, delivery, "3.parquet", f"select 'C' as claim_id, '1' as claim_line_number, {REQUIRED}")
    write(con, delivery, "4.parquet", one.replace("'A'", "'D'"))
    assert load(con, delivery) == 7
    assert rows(con, "claim_id, claim_line_number, diagnosis_code_1, source_file, line_number") == [
        ("A0", 1, "E119", "medical_claim/1.parquet", 1),
        ("A1", 1, "E119", "medical_claim/1.parquet", 2),
        ("B0", 1, "E119", "medical_claim/2.parquet", 1),
        ("B1", 1, "E119", "medical_claim/2.parquet", 2),
        ("C", 1, None, "medical_claim/3.parquet", 1),
        ("D0", 1, "E119", "medical_claim/4.parquet", 1),
        ("D1", 1, "E119", "medical_claim/4.parquet", 2),
    ]
    assert claim_view.is_view(con, CLAIMS)


def test_one_dotted_code_among_plain_ones_is_repaired(con: duckdb.DuckDBPyConnection, delivery: Path) -> None:
    """A family of columns is read as it lies only when no accepted row needs a repair, in whichever column and file."""
    plain = f"'E119' as diagnosis_code_1, 'z3a20' as hcpcs_code, {REQUIRED}"
    write(
        con,
        delivery,
        "1.parquet",
        f"select 'A' as claim_id, 1 as claim_line_number, 'I10' as diagnosis_code_2, {plain}",
    )
    write(
        con, delivery, "2.parquet",
        f"select 'B' as claim_id, 1 as claim_line_number, 'O00.1' as diagnosis_code_2, {plain}",
    )  # fmt: skip
    load(con, delivery)
    assert rows(con, "diagnosis_code_1, diagnosis_code_2, hcpcs_code") == [
        ("E119", "I10", "Z3A20"),
        ("E119", "O001", "Z3A20"),
    ]
    repaired = con.execute(
        "select detail, row_count from door.medical_claim_count where measure = 'repaired' order by 1"
    ).fetchall()
    assert repaired == [("diagnosis_code", 1), ("hcpcs_code", 2)]


def test_blanks_around_a_text_are_cut_though_nobody_counts_them(con: duckdb.DuckDBPyConnection, delivery: Path) -> None:
    write(
        con, delivery, "1.parquet", f"select ' A ' as claim_id, 1 as claim_line_number, '' as rendering_npi, {REQUIRED}"
    )
    load(con, delivery)
    assert rows(con, "claim_id, rendering_npi") == [("A", None)]


def test_a_refused_row_is_in_no_query_and_its_codes_are_kept(con: duckdb.DuckDBPyConnection, delivery: Path) -> None:
    good = f"select 'A' as claim_id, 1 as claim_line_number, {REQUIRED}, 'O039' as diagnosis_code_1"
    bad = good.replace("'A'", "'B'").replace("1 as claim_line", "-1 as claim_line")
    write(con, delivery, "1.parquet", f"{bad} union all {good}")
    # The same codes of the same claim in a file of another shape are told once.
    write(con, delivery, "2.parquet", f"select *, 'Z99' as revenue_center_code from ({bad})")
    assert load(con, delivery) == 1
    assert rows(con, "claim_id, line_number") == [("A", 2)]
    assert con.execute("from door.medical_claim_rejected order by all").fetchall() == [
        ("medical_claim", "medical_claim/1.parquet", 1, "invalid_claim_line_number"),
        ("medical_claim", "medical_claim/2.parquet", 1, "invalid_claim_line_number"),
    ]
    assert con.execute("select person_id, claim_id, code from door.medical_claim_refused_code").fetchall() == [
        ("P1", "B", "O039")
    ]


def test_a_text_file_beside_makes_all_a_copy(con: duckdb.DuckDBPyConnection, delivery: Path) -> None:
    one = f"select 'A' as claim_id, 1 as claim_line_number, {REQUIRED}"
    write(con, delivery, "1.parquet", one)
    load(con, delivery)
    write(con, delivery, "2.csv", one.replace("'A'", "'B'"))
    assert load(con, delivery) == 2
    assert not claim_view.is_view(con, CLAIMS)
    assert rows(con, "claim_id") == [("A",), ("B",)]
    claim_view.refuse_changed(con)
    (delivery / "medical_claim" / "2.csv").unlink()
    load(con, delivery)
    assert claim_view.is_view(con, CLAIMS)


@pytest.mark.parametrize("what", ["written anew", "taken away"])
def test_a_delivery_that_does_not_stay_as_it_was_is_refused(
    con: duckdb.DuckDBPyConnection, delivery: Path, what: str
) -> None:
    one = f"select 'A' as claim_id, 1 as claim_line_number, {REQUIRED}"
    path = write(con, delivery, "1.parquet", one)
    load(con, delivery)
    claim_view.refuse_changed(con)
    if what == "written anew":
        write(con, delivery, "1.parquet", one)
        os.utime(path, (1, 1))
    else:
        path.unlink()
    with pytest.raises(InputError, match=r"^medical_claim/1\.parquet: the file was changed or taken away"):
        claim_view.refuse_changed(con)


def test_the_broken_one_of_many_files_is_named(con: duckdb.DuckDBPyConnection, delivery: Path) -> None:
    one = f"select 'A' || range as claim_id, 1 as claim_line_number, {REQUIRED} from range(5000)"
    for number in range(3):
        path = write(con, delivery, f"{number}.parquet", one)
    content = bytearray(path.read_bytes())
    content[4:400] = b"\xff" * 396
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"^medical_claim/2\.parquet: not readable as Parquet"):
        load(con, delivery)


@pytest.mark.parametrize("what", ["cut short", "taken away"])
def test_a_step_that_meets_another_file_says_so(
    con: duckdb.DuckDBPyConnection, delivery: Path, tmp_path: Path, what: str
) -> None:
    path = write(con, delivery, "1.parquet", f"select 'A' as claim_id, 1 as claim_line_number, {REQUIRED}")
    load(con, delivery)
    query = tmp_path / "core" / "drug.sql"
    query.parent.mkdir()
    query.write_text("select medical_claim.claim_id from raw.medical_claim", encoding="utf-8")
    con.execute("create schema core")
    assert warehouse.build(con, Model(query), {})[0] == 1
    if what == "cut short":
        path.write_bytes(path.read_bytes()[:100])
    else:
        path.unlink()
    with pytest.raises(InputError, match=r"^medical_claim/1\.parquet: the file was changed or taken away"):
        warehouse.build(con, Model(query), {})


def test_a_small_first_file_does_not_stand_for_the_others(con: duckdb.DuckDBPyConnection, delivery: Path) -> None:
    # Taken for the size of all, one row before 5,000 had diagnoses planned five times as dear as they are.
    one = f"select 'A' || range as claim_id, 1 as claim_line_number, {REQUIRED} from range(1)"
    write(con, delivery, "1.parquet", one)
    write(con, delivery, "2.parquet", one.replace("range(1)", "range(5000)"))
    load(con, delivery)
    [[_, plan]] = con.execute("explain select claim_id from raw.medical_claim").fetchall()
    assert "~5,001 rows" in plan
