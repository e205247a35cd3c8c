"""The same rows in another order and in other forms publish the same bytes, whatever race and ethnicity they tell."""

from __future__ import annotations

import datetime
import gzip
from pathlib import Path

import duckdb
import polars as pl
import pytest

from assets.engine.night import Night
from assets.engine.settings import read_settings
from tests.integration.growing_plan import publish_night, report_of_two_lines, workshop
from tests.integration.nightly_run import FIRST, Season, manifest_of, parquet_files

# Forms of a table: (rows in one file, None for one file; suffix; header in upper case)
FORMS = {
    "text": {
        "eligibility": (None, "csv.gz", True),
        "pharmacy_claim": (3000, "csv", False),
        "medical_claim": (None, "csv", True),
        "pharmacy": (None, "csv", True),
        "drug": (50, "csv.gz", False),
        "zcta": (None, "csv", False),
        "provider": (None, "csv", False),
        "member_preference": (None, "csv", True),
        "discharge_notice": (None, "csv.gz", False),
        "community_service": (None, "csv", True),
        "outreach_outcome": (1, "csv", True),
    },
    "parts": {
        "eligibility": (200, "parquet", False),
        "pharmacy_claim": (None, "csv.gz", True),
        "medical_claim": (6000, "parquet", True),
        "pharmacy": (7, "csv", False),
        "drug": (None, "csv", True),
        "zcta": (700, "parquet", False),
        "provider": (None, "csv.gz", True),
        "member_preference": (None, "parquet", False),
        "discharge_notice": (1, "csv", False),
        "community_service": (9, "parquet", False),
        "outreach_outcome": (None, "csv.gz", False),
    },
}


def read_table(folder: Path, table: str) -> pl.DataFrame:
    """A table of the delivery as delivered: Parquet typed, CSV as text."""
    if (file := folder / f"{table}.parquet").exists():
        return pl.read_parquet(file)
    return pl.read_csv(folder / f"{table}.csv", infer_schema=False)


def write_form(
    frame: pl.DataFrame, folder: Path, table: str, part_rows: int | None, suffix: str, is_upper: bool
) -> None:
    """Write a table, rows and columns shuffled, as one file or as a folder of parts."""
    frame = frame.sample(fraction=1, shuffle=True, seed=5)
    columns = frame.columns[::-1]
    columns = columns[3:] + columns[:3]
    frame = frame.select(columns)
    if is_upper:
        frame = frame.rename(str.upper)
    if part_rows is None:
        write_file(frame, folder / f"{table}.{suffix}", suffix)
        return
    (folder / table).mkdir()
    for number, part in enumerate(frame.iter_slices(part_rows)):
        # No part follows the order of another: each has its columns in an order of its own.
        turned = part.columns[number % 5 :] + part.columns[: number % 5]
        write_file(part.select(turned), folder / table / f"p{number}.{suffix}", suffix)


def write_file(frame: pl.DataFrame, path: Path, suffix: str) -> None:
    if suffix == "parquet":
        frame.write_parquet(path, row_group_size=500)
        return
    text = frame.write_csv(datetime_format="%Y-%m-%d %H:%M:%S").encode()
    path.write_bytes(gzip.compress(text) if suffix.endswith("gz") else text)


def other_people(members: pl.DataFrame) -> pl.DataFrame:
    """The same members with each race turned into another, and an ethnicity where there was none: inputs of no list."""
    races = members["race"].drop_nulls().unique().sort().to_list()
    assert len(races) > 1
    turned = pl.col("race").replace_strict(races, races[1:] + races[:1], default=None)
    return members.with_columns(race=turned, ethnicity=pl.col("race"))


@pytest.fixture(scope="module", params=sorted(FORMS))
def reshaped(
    request: pytest.FixtureRequest, first_night: Season, delivery: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The first night once more, from the same rows in another form, in an output folder of its own."""
    folder = tmp_path_factory.mktemp("reshaped")
    forms = FORMS[request.param]
    assert {p.name.split(".")[0] for p in delivery.iterdir() if not p.name.startswith((".", "notes", "truth"))} == set(
        forms
    )
    for table, form in forms.items():
        frame = read_table(delivery, table)
        write_form(other_people(frame) if table == "eligibility" else frame, folder, table, *form)
    output = tmp_path_factory.mktemp("reshaped_output") / "output"
    # By its parts what the nightly job published: the comparison is of both.
    with report_of_two_lines(), workshop(output.parent / "working.duckdb") as con:
        publish_night(con, Night(FIRST, folder, output, read_settings(first_night.settings)))
    return output / f"as_of={FIRST}"


def test_every_parquet_file_has_the_same_bytes(first_night: Season, reshaped: Path) -> None:
    assert parquet_files(reshaped) == parquet_files(first_night.first)


def test_restricted_parquet_files_have_the_same_bytes(first_night: Season, reshaped: Path) -> None:
    assert parquet_files(reshaped.parent / "restricted" / reshaped.name) == parquet_files(
        first_night.output / "restricted" / reshaped.name
    )


def test_the_database_has_the_same_content(first_night: Season, reshaped: Path) -> None:
    with duckdb.connect() as con:
        con.execute(f"attach '{first_night.first / 'warehouse.duckdb'}' as one (read_only)")
        con.execute(f"attach '{reshaped / 'warehouse.duckdb'}' as other (read_only)")
        tables = {
            name: [
                t
                for (t,) in con.execute(
                    f"select table_name from duckdb_tables() where database_name = '{name}' order by 1"
                ).fetchall()
            ]
            for name in ("one", "other")
        }
        assert tables["one"] == tables["other"]
        for table in tables["one"]:
            rows = {name: con.execute(f"from {name}.{table}").fetchall() for name in ("one", "other")}
            if table == "rejected":
                # A row's place differs, what is wrong with it does not.
                rows = {name: sorted((r[0], r[3]) for r in found) for name, found in rows.items()}
            assert rows["one"] == rows["other"], table


def test_the_counts_are_the_same(first_night: Season, reshaped: Path) -> None:
    one, other = manifest_of(first_night.first), manifest_of(reshaped)
    for told in (*one["inputs"].values(), *other["inputs"].values()):
        # A file that declares its types has less to repair.
        told.pop("repaired")
    assert one["inputs"] == other["inputs"]
    # `raw.ingested` counts by file.
    rows = [{n: a["rows"] for n, a in m["assets"].items() if n != "raw.ingested"} for m in (one, other)]
    assert rows[0] == rows[1]
    assert one["settings_digest"] == other["settings_digest"]
    # The folders differ in what lies beside the tables, and each night says so.
    beside = "input folder: files ignored"
    assert [w for w in one["warnings"] if not w.startswith(beside)] == [
        w for w in other["warnings"] if not w.startswith(beside)
    ]


def test_the_rejected_rows_name_the_new_files(reshaped: Path) -> None:
    rejected = pl.read_parquet(reshaped / "tables" / "rejected.parquet", hive_partitioning=False)
    for row in rejected.iter_rows(named=True):
        assert row["source_file"].split("/")[0].split(".")[0] == row["source_table"]
        assert row["line_number"] >= 1


def test_night_is_that_of_the_first_run(first_night: Season) -> None:
    # Guard of the comparison: the first night has lists, gaps of several codes, and members with stays.
    gaps = first_night.table("gap", first_night.first)
    with duckdb.connect() as con:
        [(codes, people)] = con.execute(
            f"select count(distinct gap_code), count(distinct person_id) from {gaps}"
        ).fetchall()
    assert codes >= 3
    assert people > 100
    assert datetime.date(2026, 6, 23) == FIRST
