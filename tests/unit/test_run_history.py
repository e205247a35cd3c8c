"""Dagster's storage with its connections kept open: the same events in the same files, readable beside the writer."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from assets.engine.model import ROOT
from pipelines.run_history import KEPT_OPEN, KeptEventLog


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CAREGAPS_DAGSTER_STORAGE", str(tmp_path_factory.mktemp("dagster")))
        with dg.DagsterInstance.from_config(str(ROOT)) as found:
            yield found


@dg.asset
def table() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"rows": 7})


def files_of(instance: dg.DagsterInstance) -> Path:
    return Path(instance.event_log_storage._base_dir)


def test_the_instance_uses_it(instance: dg.DagsterInstance) -> None:
    assert isinstance(instance.event_log_storage, KeptEventLog)
    assert instance.event_log_storage.has_instance


def test_events_are_where_dagster_looks_for_them(instance: dg.DagsterInstance) -> None:
    run = dg.materialize([table], instance=instance)
    own = SqliteEventLogStorage(str(files_of(instance)))
    own.register_instance(instance)
    kinds = [e.dagster_event_type for e in own.get_logs_for_run(run.run_id) if e.is_dagster_event]
    assert kinds == [e.dagster_event_type for e in instance.all_logs(run.run_id) if e.is_dagster_event]
    assert {dg.DagsterEventType.ASSET_MATERIALIZATION, dg.DagsterEventType.RUN_SUCCESS} <= set(kinds)
    assert own.get_latest_materialization_events([table.key])[table.key] is not None


def test_databases_of_many_runs_are_not_all_open(instance: dg.DagsterInstance) -> None:
    runs = [dg.materialize([table], instance=instance).run_id for _ in range(KEPT_OPEN + 3)]
    storage = instance.event_log_storage
    assert len(storage._engines) == KEPT_OPEN
    assert all(instance.all_logs(run) for run in runs)


def test_a_database_that_an_operator_removed_is_made_anew(instance: dg.DagsterInstance) -> None:
    run = dg.materialize([table], instance=instance).run_id
    for file in files_of(instance).glob(f"{run}.db*"):
        file.unlink()
    assert instance.all_logs(run) == []
    assert dg.materialize([table], instance=instance).success


def test_a_killed_writer_leaves_a_sound_database(instance: dg.DagsterInstance) -> None:
    run = dg.materialize([table], instance=instance).run_id
    with sqlite3.connect(files_of(instance) / f"{run}.db") as reader:
        assert reader.execute("pragma journal_mode").fetchone() == ("wal",)
        assert reader.execute("pragma integrity_check").fetchone() == ("ok",)
