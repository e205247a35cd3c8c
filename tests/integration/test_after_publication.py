"""What happens around a night whose job is one step: after its publication, before its door, beside its warehouse."""

import datetime
import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy.exc import OperationalError

import pipelines.launch
from assets import publication
from assets.engine import memory
from assets.engine.run_record import RunRecord, end
from assets.resources import NightResource, workplace
from pipelines import nightly
from pipelines.cli import main
from tests.integration.nightly_run import write_settings

pytestmark = pytest.mark.survival("faults")

AS_OF = datetime.date(2026, 6, 30)
Work = Callable[..., None]
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """The command with a job that does `work`; its status and what it said."""
    (tmp_path / "input").mkdir()
    monkeypatch.setattr(pipelines.launch, "find_inputs", lambda *_: None)

    def go(work: Work, *options: object, instance: dg.DagsterInstance | None = None) -> tuple[int, str]:
        @dg.asset(partitions_def=publication.nights(None, "UTC"))
        def step(context: dg.AssetExecutionContext, night: NightResource) -> None:
            with night.open(context.run) as (con, plan):
                work(con, plan, context)

        def definitions(last_night: datetime.date | None = None) -> dg.Definitions:
            return dg.Definitions(
                assets=[step], jobs=[nightly.job()], resources={"night": NightResource()},
                executor=dg.in_process_executor,
            )  # fmt: skip

        monkeypatch.setattr(pipelines.launch, "build_defs", definitions)
        monkeypatch.setattr(dg.DagsterInstance, "get", lambda: instance or dg.DagsterInstance.ephemeral())
        night = ["run", "--input", tmp_path / "input", "--output", tmp_path / "output", "--as-of", AS_OF]
        status = main([str(a) for a in (*night, *options)])
        return status, capsys.readouterr().err

    return go


def nothing(*_: object) -> None:
    pass


def full_from_now_on(monkeypatch: pytest.MonkeyPatch, instance: dg.DagsterInstance) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OperationalError("SELECT 1", {}, sqlite3.OperationalError("disk I/O error"))

    monkeypatch.setattr(instance, "handle_new_event", refuse)


def test_a_history_that_is_full_once_the_night_is_published_takes_nothing_back(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    instance, told = dg.DagsterInstance.ephemeral(), tmp_path / "told"
    program = tmp_path / "tell"
    program.write_text(f"#!/bin/sh\ncat > {told}\n", encoding="utf-8")
    program.chmod(0o700)
    settings = write_settings(tmp_path / "settings.toml", {"command = []": f'command = ["{program}"]'})

    def work(_con: object, plan: object, context: dg.AssetExecutionContext) -> None:
        end(plan.output, plan.as_of, context.run.run_id)
        full_from_now_on(monkeypatch, instance)

    status, error = run(work, "--config", settings, instance=instance)
    assert status == 0, error
    assert error.count("WARNING") == 1
    assert "run history: could not be written (OperationalError); the night is published" in " ".join(error.split())
    assert not [words for words in ("SQL", "sqlalche", "Exception", "error: ") if words in error]
    assert RunRecord.read(tmp_path / "output").outcome == "published"
    assert not told.exists()


def test_a_history_that_is_full_before_fails_the_night_with_one_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    instance = dg.DagsterInstance.ephemeral()
    status, error = run(lambda *_: full_from_now_on(monkeypatch, instance), instance=instance)
    assert status == 1
    [line] = error.splitlines()
    assert line.startswith("error: run history: could not be written (OperationalError); free space and write access ")
    assert RunRecord.read(tmp_path / "output").outcome == "failed"


def test_a_night_that_is_run_again_and_fails_has_failed(run: Run, tmp_path: Path) -> None:
    """What an earlier run published is no answer of this one."""
    assert run(lambda _, plan, context: end(plan.output, plan.as_of, context.run.run_id))[0] == 0
    assert RunRecord.read(tmp_path / "output").outcome == "published"
    record = tmp_path / "output" / ".warehouse" / "last_run.json"
    before = json.loads(record.read_text(encoding="utf-8")) | {"started": "2026-07-01T04:00:00+00:00"}
    record.write_text(json.dumps(before), encoding="utf-8")
    assert run(nothing, "--reference", "nowhere")[0] == 1
    assert RunRecord.read(tmp_path / "output").outcome == "failed"


# Memory ---------------------------------------------------------------------------------------------------------------


def test_a_machine_with_less_memory_is_told_once_and_kept_to(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "memory_there", lambda: 1.5)
    limits = []
    status, error = run(lambda con, *_: limits.extend(con.execute("select current_setting('memory_limit')").fetchall()))
    assert (status, limits) == (0, [("476.8 MiB",)])
    said = " ".join(error.split())
    assert said.count("WARNING") == 1
    assert "limits.memory_gb: found 4.0, more than the machine has beside the night itself; DuckDB takes 0.5" in said


def test_a_machine_with_too_little_memory_is_refused_before_a_row_is_read(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "memory_there", lambda: 0.45)
    done = []
    status, error = run(lambda *_: done.append(1))
    assert (status, done) == (1, [])
    assert error.splitlines()[-1].startswith("error: memory: found 0.45 GB, by machine, cgroup and ulimit")


# Java -----------------------------------------------------------------------------------------------------------------

JAVAS = {
    "none": ("exit 127", "error: engine: found no Java that runs; spark needs Java 17 or later"),
    "too old": (
        "echo 'java version \"1.8.0_392\"' >&2",
        "error: engine: found Java 1.8.0_392; spark needs Java 17 or later",
    ),
    "new enough": ("echo 'openjdk version \"21.0.2\" 2024-01-16' >&2", ""),
}


@pytest.mark.parametrize("case", JAVAS)
def test_java_is_looked_for_before_a_row_is_read(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, case: str
) -> None:
    pytest.importorskip("pyspark", reason="the extra spark is not installed")
    script, line = JAVAS[case]
    java = tmp_path / "jdk" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    java.chmod(0o700)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    done = []
    status, error = run(lambda *_: done.append(1), "--engine", "spark")
    assert (status, bool(done)) == ((1, False) if line else (0, True)), error
    assert not line or error.splitlines()[-1].startswith(line)


# Rows of people beside the output -------------------------------------------------------------------------------------


@pytest.mark.parametrize("warehouse", [(), ("--warehouse", "w.duckdb")], ids=["its own", "named"])
def test_what_a_killed_night_on_spark_left_on_shared_storage_is_gone(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, warehouse: tuple[str, ...]
) -> None:
    from assets.engine.settings import Spark as SparkSettings
    from assets.engine.spark import Spark

    monkeypatch.chdir(tmp_path)
    shared = tmp_path / "shared"
    shared.mkdir()
    settings = write_settings(tmp_path / "settings.toml", {'\nfolder = ""': f'\nfolder = "{shared}"'})
    path = tmp_path / "w.duckdb" if warehouse else tmp_path / "output" / ".warehouse" / "working.duckdb"
    left = Spark(SparkSettings(folder=str(shared)), path)._folder / "tables"
    left.mkdir(parents=True)
    of_another = Spark(SparkSettings(folder=str(shared)), tmp_path / "other" / "working.duckdb")._folder
    of_another.mkdir()
    assert run(nothing, "--config", settings, *warehouse)[0] == 0
    assert list(shared.iterdir()) == [of_another]


def test_nothing_beside_a_named_warehouse_is_for_others(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "anyone"
    folder.mkdir(mode=0o755)
    modes = {}

    def work(con: object, *_: object) -> None:
        con.execute("create table raw.person as select range as n from range(10)")
        modes.update({path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()})

    before = os.umask(0o022)
    try:
        assert run(work, "--warehouse", folder / "mine.duckdb")[0] == 0
        workplace.leave()
        assert os.umask(0o022) == 0o022, "the night gives back what it found"
    finally:
        os.umask(before)
    assert modes == {"mine.duckdb": 0o600, "mine.duckdb.wal": 0o600, "mine.lock": 0o600}
