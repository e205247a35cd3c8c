"""`caregaps compare --config`: the same night with other settings, told in counts; nothing is written."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pytest

from assets.engine import kept, registry, trial
from assets.engine import publish as publisher
from assets.engine.compare import ALL, count
from assets.engine.errors import InputError
from assets.engine.night import Night
from assets.engine.settings import read_settings
from assets.engine.trial import trial_of
from pipelines.cli import main
from tests.faults.trials import write_two_files
from tests.integration.growing_plan import DAY, START, Plan, publish_night, workshop
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


# A night that carried on ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """The output, the working warehouse and the settings after a night that carried on from the one before."""
    folder = tmp_path_factory.mktemp("carried")
    plan, path = Plan(folder / "sample", folder / "input"), folder / "working.duckdb"
    settings = write_settings(folder / "settings.toml", {})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publisher, "write_report", write_two_files)
        # Of so few members most have news each night; that is no reason here to build everything from the start.
        patch.setattr(kept, "LARGEST_SHARE", 1e9)
        since = None
        for as_of in (START, START + 3 * DAY):
            plan.deliver_news(as_of, since)
            with workshop(path) as con:
                publish_night(con, Night(as_of, plan.folder, folder / "output", read_settings(settings)))
            since = as_of
    with duckdb.connect(str(path), read_only=True) as con:
        assert con.execute("select count(*) from duckdb_tables() where schema_name = 'changed'").fetchall() != [(0,)]
        assert con.execute("select count(*) from door.pharmacy_claim_refused").fetchall() != [(0,)]
    return folder / "output", path, settings


def differing(con: duckdb.DuckDBPyConnection, *tables: str) -> dict[str, int]:
    """Tables that the trial built anew, and how many of their rows the night has not, or has beside them."""
    anew = con.execute(
        "select concat(schema_name, '.', table_name) from duckdb_tables() where database_name = 'memory' and not temporary"
    ).fetchall()
    found = {}
    for name in tables or sorted(name for (name,) in anew):
        assert (name,) in anew, f"{name} is not built anew"
        [(found[name],)] = con.execute(
            f"select count(*) from ((from {name} except all from night.{name}) union all "
            f"(from night.{name} except all from {name}))"
        ).fetchall()
    return found


def test_a_night_that_carried_on_can_be_tried(carried: tuple[Path, Path, Path], capsys) -> None:
    """Its warehouse has one schema more; with the settings of the night nobody moves."""
    output, path, settings = carried
    assert main(["compare", str(output), "--config", str(settings), "--warehouse", str(path)]) == 0
    told = capsys.readouterr().out
    assert "No setting differs." in told
    assert "Members: 0 enter the lists, 0 leave" in told


def test_a_trial_answers_from_the_rows_of_a_night_that_carried_on(
    carried: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    """Every table that any setting reaches, built once more, is as the night made it."""
    output, path, settings = carried
    unknown = manifest_of(output / "latest") | {"settings": {}}
    with trial_of(path, unknown, read_settings(settings), tmp_path) as (con, _):
        found = differing(con)
        assert {"outreach.worklist", "outreach.gap", "facts.pharmacy_need"} <= set(found)
        assert {name: rows for name, rows in found.items() if rows} == {}


def test_a_kept_table_that_a_trial_reaches_is_built_whole(
    carried: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not carried on: the books of the night are not the trial's to write into. Here drugs are said to differ."""
    output, path, settings = carried
    monkeypatch.setattr(trial, "_changed_registries", lambda con: ["drug"])
    with trial_of(path, manifest_of(output / "latest"), read_settings(settings), tmp_path) as (con, _):
        assert differing(con, "core.fill", "outreach.worklist") == {"core.fill": 0, "outreach.worklist": 0}


def test_a_trial_of_other_claims_than_the_nights_is_refused(carried: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """Claims are read where they lie: a file that changed since would answer for another night."""
    output, path, settings = carried
    file = output.parent / "input" / "pharmacy_claim" / f"{START}.parquet"
    before = file.stat()
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    try:
        manifest = manifest_of(output / "latest")
        with trial_of(path, manifest, read_settings(settings), tmp_path) as (_, changes):
            assert changes == [], "what reads no claims can be tried all the same"
        changed = read_settings(
            write_settings(tmp_path / "s.toml", {"default_weekly_capacity = 25": "default_weekly_capacity = 1"})
        )
        with (
            pytest.raises(InputError, match=rf"^pharmacy_claim/{START}.parquet: the file was changed"),
            trial_of(path, manifest, changed, tmp_path),
        ):
            pass
    finally:
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
