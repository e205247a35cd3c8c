"""`caregaps whatif`: counts for the terminal, members for the service user alone."""

from __future__ import annotations

import stat
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.cli import main
from tests.integration.nightly_run import SECOND, Season, rows


@pytest.fixture(scope="module")
def warehouse(season: Season) -> Path:
    """The working warehouse as the second night left it."""
    return season.second_warehouse


@pytest.fixture(scope="module")
def busiest(warehouse: Path) -> str:
    """The regular pharmacy of the most members."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        return con.execute(
            "select npi from facts.regular_pharmacy group by npi order by count(*) desc, npi"
        ).fetchall()[0][0]


def whatif(warehouse: Path, output: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, str, str]:
    status = main(["whatif", "--output", str(output), "--warehouse", str(warehouse), *more])
    told = capsys.readouterr()
    return status, told.out, told.err


def test_members_to_call_are_in_the_restricted_part_alone(warehouse, busiest, season, tmp_path, capsys) -> None:
    status, told, _ = whatif(warehouse, tmp_path, capsys, "--close", busiest)
    assert status == 0
    assert told.startswith(f"Night of {SECOND}: 1 sites would close.\n  {busiest}  retail_pharmacy\n")
    folder = tmp_path / "restricted" / "whatif"
    calls = pl.read_parquet(folder / "call_list.parquet")
    assert len(calls) > 0
    assert set(calls["pharmacy_npi"]) == {busiest}
    assert calls["call_rank"].to_list() == list(range(1, len(calls) + 1))
    assert calls.equals(calls.sort("supply_end_date", "person_id", nulls_last=True))
    last_fill = f"select person_id from {_claims(season)} where dispensing_provider_npi = ?"
    assert set(calls["person_id"]) <= {person for (person,) in rows(last_fill, busiest)}
    for person in calls["person_id"]:
        assert person not in told
    assert pl.read_csv(folder / "call_list.csv").columns == calls.columns
    kept = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())}
    assert kept.pop("whatif") == 0o700
    assert set(kept) == {f"{name}.{form}" for name in ("call_list", "closure_effect") for form in ("csv", "parquet")}
    assert set(kept.values()) == {0o600}
    assert stat.S_IMODE((tmp_path / "restricted").stat().st_mode) == 0o700


def _claims(season: Season) -> str:
    return f"read_parquet('{season.delivery / 'pharmacy_claim.parquet'}')"


def test_small_numbers_of_members_are_hidden(warehouse, busiest, tmp_path, capsys) -> None:
    _, told, _ = whatif(warehouse, tmp_path, capsys, "--close", busiest)
    [line] = [line for line in told.splitlines() if line.startswith("Members to call: ")]
    count = len(pl.read_parquet(tmp_path / "restricted" / "whatif" / "call_list.parquet"))
    assert line.split()[3].rstrip(",") == (f"{count:,}" if count > 10 else "<11")


def test_without_a_question_every_closing_date_is_told(warehouse, season, tmp_path, capsys) -> None:
    """The pharmacies of the input that close within 90 days after the night."""
    closing = rows(
        f"select npi, closed_date from read_parquet('{season.delivery / 'pharmacy.parquet'}') "
        f"where closed_date > date '{SECOND}' and closed_date <= date '{SECOND}' + 90 order by npi"
    )
    assert closing
    status, told, _ = whatif(warehouse, tmp_path, capsys)
    assert status == 0
    lines = told.splitlines()
    assert lines[0] == f"Night of {SECOND}: {len(closing)} sites have a closing date."
    assert lines[1 : 1 + len(closing)] == [f"  {npi}  closes on {day}" for npi, day in closing]
    effect = pl.read_parquet(tmp_path / "restricted" / "whatif" / "closure_effect.parquet")
    published = pl.read_parquet(season.second / "tables" / "closure_effect.parquet", hive_partitioning=False)
    assert effect.drop("as_of").equals(published)
    assert len(effect) > 0


@pytest.mark.parametrize(
    ("closed", "found"),
    [("1111111112", "1111111112"), ("12345", "something else than NPIs"), ("", "something else than NPIs")],
)
def test_what_is_no_site_is_refused(warehouse, tmp_path, capsys, closed: str, found: str) -> None:
    status, told, complaint = whatif(warehouse, tmp_path, capsys, "--close", closed)
    assert status == 1
    [line] = complaint.splitlines()
    assert line.startswith("error: --close: ")
    assert found in line
    assert "Night of" not in told
    assert list(tmp_path.iterdir()) == []


def test_without_a_night_there_is_no_answer(tmp_path, capsys) -> None:
    assert main(["whatif", "--output", str(tmp_path), "--close", "1111111112"]) == 1
    assert "found no working warehouse" in capsys.readouterr().err
    (tmp_path / ".warehouse").mkdir()
    duckdb.connect(str(tmp_path / ".warehouse" / "working.duckdb")).close()
    assert main(["whatif", "--output", str(tmp_path), "--close", "1111111112"]) == 1
    assert "run the whole nightly job" in capsys.readouterr().err
