"""`caregaps compare --config`: the same night with other settings, told in counts; nothing is written."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from assets.engine import registry, trial
from assets.engine.compare import ALL, count
from assets.engine.settings import read_settings
from assets.engine.trial import trial_of
from pipelines.cli import main
from tests.integration.nightly_run import FIRST, SECOND, SETTINGS, Season, manifest_of, rows, tree, write_settings


def compare(season: Season, settings: Path, capsys: pytest.CaptureFixture[str], *more: object) -> tuple[int, str, str]:
    arguments = ["compare", str(season.output), "--config", str(settings), "--warehouse", str(season.second_warehouse)]
    status = main([*arguments, *map(str, more)])
    told = capsys.readouterr()
    return status, told.out, told.err


def test_a_changed_threshold_tells_who_enters_and_writes_nothing(season: Season, tmp_path: Path, capsys) -> None:
    settings = write_settings(tmp_path / "s.toml", SETTINGS | {"refill_due_days = 7 ": "refill_due_days = 30 "})
    before = tree(season.output), season.second_warehouse.read_bytes()
    status, told, _ = compare(season, settings, capsys)
    assert (tree(season.output), season.second_warehouse.read_bytes()) == before
    assert status == 0
    assert told.startswith(f"Night of {SECOND}, and the same night with other settings.\nWhat differs:\n")
    assert "\n  refill_due_days: 7 -> 30\nMembers: " in told
    assert "prospective" in told, "what was not due yet is why a row enters"
    assert "SYN" not in told


def test_the_same_settings_move_nobody(season: Season, capsys) -> None:
    """The trial is made by the night's own models: built once more, every table that settings reach is as it was."""
    status, told, _ = compare(season, season.settings, capsys)
    assert status == 0
    assert "No setting differs." in told
    settings = read_settings(season.settings)
    unknown = manifest_of(season.second) | {"settings": {}}
    with trial_of(season.second_warehouse, unknown, settings, Path("/nonexistent")) as (con, _):
        for table in ("worklist", "gap"):
            [(kind,)] = con.execute(
                "select count(*) from duckdb_tables() where database_name = 'memory' and schema_name = 'outreach' "
                f"and table_name = '{table}'"
            ).fetchall()
            assert kind == 1, "built anew"
            differing = con.execute(
                f"select count(*) from (from outreach.{table} except all from night.outreach.{table})"
            ).fetchall()
            assert differing == [(0,)]


def test_without_a_comparison_group_its_rows_enter(season: Season, tmp_path: Path) -> None:
    """Rules 6.9: nobody is held out at 0 percent; every held row has a place again, or a reason of its own."""
    settings = read_settings(
        write_settings(tmp_path / "s.toml", SETTINGS | {"control_percent = 10 ": "control_percent = 0 "})
    )
    with trial_of(season.second_warehouse, manifest_of(season.second), settings, tmp_path) as (con, changes):
        assert changes == ["control_percent: 10 -> 0"]
        sides = [{name: f"{where}outreach.{name}" for name in ("worklist", "gap")} for where in ("night.", "")]
        held = "select count(*) from {}outreach.gap where status_reason = 'holdout'"
        assert con.execute(held.format("night.")).fetchall() != [(0,)]
        assert con.execute(held.format("")).fetchall() == [(0,)]
        counts = count(con, *sides).values
        [(listed_before,)] = con.execute("select count(*) from night.outreach.worklist").fetchall()
        [(listed_after,)] = con.execute("select count(*) from outreach.worklist").fetchall()
    assert counts["enter", "holdout"] > 0
    assert counts[ALL, "before"] == listed_before
    assert counts[ALL, "after"] == listed_after == listed_before - counts[ALL, "leave"] + counts[ALL, "enter"]


def test_a_changed_weight_of_the_registry_is_tried_too(
    season: Season, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half the severity is half the score, on every row; what the night holds stays."""

    def halved(con: duckdb.DuckDBPyConnection, table: str, reference: Path | None) -> int:
        rows = registry.load_registry(con, table, reference)
        if table == "gap_code":
            con.execute("update raw.gap_code set severity = severity / 2 where gap_family = 'adherence'")
        return rows

    monkeypatch.setattr(trial, "load_registry", halved)
    settings = read_settings(season.settings)
    with trial_of(season.second_warehouse, manifest_of(season.second), settings, tmp_path) as (con, changes):
        assert changes == ["registry gap_code: differs from the night's"]
        [(found, halves)] = con.execute(
            "select count(*), count(*) filter (where abs(new.score * 2 - old.score) <= 0.0001) from outreach.gap as new "
            "inner join night.outreach.gap as old using (gap_id) where new.gap_family = 'adherence' and new.status = 'open'"
        ).fetchall()
        assert found == halves > 0


def test_a_warehouse_of_another_night_is_refused(season: Season, tmp_path: Path, capsys) -> None:
    output = tmp_path / "output"
    output.mkdir()
    (output / "latest").symlink_to(season.first)
    status = main(
        ["compare", str(output), "--config", str(season.settings), "--warehouse", str(season.second_warehouse)]
    )
    assert status == 1
    assert "not those of the published night" in capsys.readouterr().err


def test_two_nights_of_the_season_differ_as_their_tables_do(season: Season, tmp_path: Path, capsys) -> None:
    outputs = []
    for name, night in (("before", season.first), ("after", season.second)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "latest").symlink_to(night)
        outputs.append(str(tmp_path / name))
    assert main(["compare", *outputs]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"Night of {FIRST} in ")
    lists = [season.table("worklist", night) for night in (season.first, season.second)]
    with duckdb.connect() as con:
        sides = [
            {"worklist": one, "gap": season.table("gap", night)}
            for one, night in zip(lists, (season.first, season.second), strict=True)
        ]
        counts = count(con, *sides).values
    [(kept,)] = rows(f"select count(*) from {lists[0]} as b inner join {lists[1]} as a using (gap_id, state)")
    assert counts[ALL, "stay"] == kept
    [(people,)] = rows(
        f"select count(*) from (select person_id from {lists[1]} except select person_id from {lists[0]})"
    )
    assert counts["member", "enter"] == people
