"""The code location: what Dagster loads, when it runs, and what it may run beside."""

from __future__ import annotations

import datetime
import json
import os
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

import pipelines.definitions
from assets.engine.computed import COMPUTED
from assets.engine.contract import all_contracts
from assets.engine.errors import InputError
from assets.engine.families import all_models
from assets.engine.model import LAYERS as SQL_LAYERS
from assets.engine.model import ROOT, SQL
from assets.engine.settings import Settings, read_settings
from assets.history import end_killed_runs, forget_runs
from assets.publication import KEY
from pipelines.definitions import build_defs
from pipelines.nightly import JOB

pytestmark = pytest.mark.filterwarnings("ignore:Parameter `partitions_def`:DeprecationWarning")

LAYERS = ("raw", "core", "facts", "gaps", "outreach")


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return build_defs()


@pytest.fixture(scope="module")
def graph(definitions: dg.Definitions):
    return definitions.resolve_asset_graph()


def keys_of(names) -> set[dg.AssetKey]:
    return {dg.AssetKey(list(name)) for name in names}


# One name in four places ----------------------------------------------------------------------------------------------


def test_definitions_load(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)


def test_every_sql_file_has_an_asset_and_a_contract(graph) -> None:
    files = {(p.parent.name, p.stem) for layer in SQL_LAYERS for p in (SQL / layer).glob("*.sql")}
    contracts = {c.key for layer in LAYERS for c in all_contracts(layer)}
    assert keys_of(files) <= graph.materializable_asset_keys
    assert files <= contracts
    built = contracts - {c.key for c in all_contracts("raw")}
    without_file = {("outreach", "every_gap"), *(model.key for model in COMPUTED)}
    assert built - files == without_file, "contracts without a model; the union is generated, geometry is computed"


def test_every_table_is_an_asset_and_nothing_else_is(graph) -> None:
    contracts = keys_of(c.key for layer in LAYERS for c in all_contracts(layer))
    assert graph.materializable_asset_keys == contracts | {KEY}
    assert graph.external_asset_keys == set()


def test_dependencies_are_the_tables_that_a_model_reads(graph) -> None:
    for model in all_models():
        assert graph.get(dg.AssetKey(model.key)).parent_keys == keys_of(model.inputs), model.name


def test_publication_comes_after_everything(graph) -> None:
    assert graph.get(KEY).parent_keys == graph.materializable_asset_keys - {KEY}


def test_groups_are_layers(graph) -> None:
    for key in graph.materializable_asset_keys - {KEY}:
        assert graph.get(key).group_name == key.path[0]


def test_every_asset_says_what_it_is(graph) -> None:
    for key in graph.materializable_asset_keys:
        assert graph.get(key).description, key
    for model in all_models():
        node = graph.get(dg.AssetKey(model.key))
        assert node.description == model.description
        assert node.code_version == model.version
        columns = node.metadata["dagster/column_schema"].columns
        assert all(column.description for column in columns)


# Checks ---------------------------------------------------------------------------------------------------------------


def test_every_table_has_a_blocking_contract_check(definitions: dg.Definitions, graph) -> None:
    specs = {key: graph.get_check_spec(key) for key in graph.asset_check_keys}
    contracts = {key.asset_key for key, spec in specs.items() if key.name == "contract" and spec.blocking}
    assert contracts == graph.materializable_asset_keys - {KEY}
    assert all(spec.description for spec in specs.values())


def test_checks_at_the_borders_say_their_severity(graph) -> None:
    blocking = {key.name for key in graph.asset_check_keys if graph.get_check_spec(key).blocking}
    assert {"few_rows_are_rejected", "every_list_starts_at_one", "every_gap_is_listed_once"} <= blocking
    assert "worklist_size_is_near_last_night" not in blocking


def test_one_pool_holds_every_asset_and_every_check(definitions: dg.Definitions) -> None:
    nodes = [asset.op for asset in definitions.assets] + [check.node_def for check in definitions.asset_checks]
    assert [node.name for node in nodes if node.pool != "duckdb"] == []


# When it runs ---------------------------------------------------------------------------------------------------------


def test_one_job_runs_everything_in_one_process(definitions: dg.Definitions, graph) -> None:
    job = definitions.resolve_job_def(JOB)
    assert [j.name for j in definitions.jobs] == [JOB]
    assert set(job.asset_layer.selected_asset_keys) == graph.materializable_asset_keys
    assert set(job.asset_layer.asset_graph.asset_check_keys) == graph.asset_check_keys
    assert job.executor_def.name == "in_process"
    assert job.partitions_def is not None


def test_schedule_is_at_four_in_the_configured_zone_and_off(definitions: dg.Definitions) -> None:
    [schedule] = definitions.schedules
    assert schedule.cron_schedule == "0 4 * * *"
    assert schedule.execution_timezone == "America/New_York"
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
    assert schedule.job_name == JOB


@pytest.mark.parametrize(
    ("now", "as_of"),
    [
        # 04:00 in New York is 08:00 or 09:00 UTC; the night is the day before there, on both sides of the clock change.
        ("2026-03-31T08:00:00+00:00", "2026-03-30"),
        ("2026-03-08T08:00:00+00:00", "2026-03-07"),
        ("2026-11-01T09:00:00+00:00", "2026-10-31"),
        ("2027-01-01T09:00:00+00:00", "2026-12-31"),
        ("2024-03-01T09:00:00+00:00", "2024-02-29"),
    ],
)
def test_schedule_asks_for_the_day_before(definitions: dg.Definitions, now: str, as_of: str) -> None:
    [schedule] = definitions.schedules
    with dg.build_schedule_context(
        scheduled_execution_time=datetime.datetime.fromisoformat(now), repository_def=definitions.get_repository_def()
    ) as context:
        tick = schedule.evaluate_tick(context)
    [request] = tick.run_requests
    assert (request.partition_key, request.run_key) == (as_of, as_of)


def test_schedule_is_on_where_settings_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read_settings()
    on = settings.model_copy(update={"schedule": settings.schedule.model_copy(update={"enabled": True})})
    monkeypatch.setattr(pipelines.definitions, "read_settings", lambda: on)
    [schedule] = build_defs().schedules
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING


# The sensor -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The input folder that the sensor watches."""
    settings = read_settings()
    watched = settings.model_copy(update={"paths": settings.paths.model_copy(update={"input": tmp_path})})
    monkeypatch.setattr(pipelines.definitions, "read_settings", lambda: watched)
    return tmp_path


def sensors_of(definitions: dg.Definitions) -> dict[str, dg.SensorDefinition]:
    return {sensor.name: sensor for sensor in definitions.sensors}


def tick_of_sensor() -> Any:
    """What the sensor answers now."""
    definitions = build_defs()
    sensor = sensors_of(definitions)["delivery_done"]
    with dg.build_sensor_context(
        instance=dg.DagsterInstance.ephemeral(), repository_def=definitions.get_repository_def()
    ) as context:
        return sensor.evaluate_tick(context)


def test_sensor_waits_for_the_marker(door: Path) -> None:
    (door / "pharmacy_claim.csv").write_text("still being written", encoding="utf-8")
    tick = tick_of_sensor()
    assert not tick.run_requests
    assert ".done" in tick.skip_message


def test_empty_marker_asks_for_yesterday(door: Path) -> None:
    (door / ".done").write_text("", encoding="utf-8")
    [request] = tick_of_sensor().run_requests
    today = datetime.datetime.now(tz=datetime.UTC).date()
    assert datetime.date.fromisoformat(request.partition_key) in {today - datetime.timedelta(days=n) for n in (1, 2)}


@pytest.mark.parametrize("text", ["2026-03-31", "2026-03-31\n", "  2026-03-31\r\n"])
def test_marker_names_the_night(door: Path, text: str) -> None:
    (door / ".done").write_text(text, encoding="utf-8")
    [request] = tick_of_sensor().run_requests
    assert request.partition_key == "2026-03-31"


@pytest.mark.parametrize("content", [b"yesterday", b"2026-02-30", b"\xff\xfe\x00", b"2026-03-31 2026-04-01"])
def test_marker_without_sense_asks_for_nothing_and_repeats_nothing(door: Path, content: bytes) -> None:
    (door / ".done").write_bytes(content)
    tick = tick_of_sensor()
    assert not tick.run_requests
    assert "YYYY-MM-DD" in tick.skip_message
    assert "yesterday" not in tick.skip_message


@pytest.mark.parametrize("text", ["2017-12-31", "2199-01-01"])
def test_marker_with_a_date_that_no_night_can_have_asks_for_nothing(door: Path, text: str) -> None:
    (door / ".done").write_text(text, encoding="utf-8")
    assert not tick_of_sensor().run_requests


def test_a_marker_asks_once_and_a_new_delivery_asks_again(door: Path) -> None:
    (door / ".done").write_text("2026-03-31", encoding="utf-8")
    keys = [tick_of_sensor().run_requests[0].run_key for _ in range(2)]
    assert keys[0] == keys[1]
    os.utime(door / ".done", ns=(0, 1_000))
    assert tick_of_sensor().run_requests[0].run_key != keys[0]


def test_sensor_is_off_until_switched_on(definitions: dg.Definitions) -> None:
    sensor = sensors_of(definitions)["delivery_done"]
    assert sensor.default_status is dg.DefaultSensorStatus.STOPPED
    assert sensor.job_name == JOB


# Told in time ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An output whose operator is told of by a program that keeps the messages."""
    settings = read_settings()
    program = ("/bin/sh", "-c", f"cat >> '{tmp_path / 'messages'}'; echo >> '{tmp_path / 'messages'}'")
    changed = settings.model_copy(
        update={
            "paths": settings.paths.model_copy(update={"output": tmp_path / "output"}),
            "notify": settings.notify.model_copy(update={"command": program}),
        }
    )
    monkeypatch.setattr(pipelines.definitions, "read_settings", lambda: changed)
    return tmp_path


def messages(folder: Path) -> list[dict[str, Any]]:
    path = folder / "messages"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def test_sensors_that_tell_are_on_where_a_program_is_named(definitions: dg.Definitions, told: Path) -> None:
    for name in ("night_failed", "night_watch"):
        assert sensors_of(definitions)[name].default_status is dg.DefaultSensorStatus.STOPPED
        assert sensors_of(build_defs())[name].default_status is dg.DefaultSensorStatus.RUNNING


def test_the_watch_tells_each_thing_once(told: Path) -> None:
    definitions = build_defs()
    sensor = sensors_of(definitions)["night_watch"]
    (told / "output").mkdir()
    cursor = None
    for _ in range(3):
        with dg.build_sensor_context(
            instance=dg.DagsterInstance.ephemeral(), repository_def=definitions.get_repository_def(), cursor=cursor
        ) as context:
            tick = sensor.evaluate_tick(context)
        cursor = tick.cursor
        assert not tick.run_requests
    [message] = messages(told)
    assert message["event"] == "needs_attention"
    assert message["found"] == "no night is published"
    assert message["next_step"] == "run `caregaps run`"


def test_a_failed_run_is_told_with_its_line(told: Path) -> None:
    @dg.op
    def step() -> None:
        raise InputError("medical_claim: found no file; this table is required")

    @dg.job
    def nightly() -> None:
        step()

    with dg.DagsterInstance.ephemeral() as instance:
        result = nightly.execute_in_process(
            instance=instance, raise_on_error=False, tags={"dagster/partition": "2026-06-30"}
        )
        [failure] = [event for event in result.all_events if event.event_type is dg.DagsterEventType.RUN_FAILURE]
        sensor = sensors_of(build_defs())["night_failed"]
        sensor(
            dg.build_run_status_sensor_context(
                sensor_name="night_failed",
                dagster_event=failure,
                dagster_instance=instance,
                dagster_run=result.dagster_run,
            ).for_run_failure()
        )
    [message] = messages(told)
    assert message == {
        "event": "night_failed", "found": "medical_claim: found no file; this table is required",
        "next_step": "see docs/runbook.md; the night before is still published", "output": str(told / "output"),
        "as_of": "2026-06-30", "run_id": result.run_id,
    }  # fmt: skip


@pytest.mark.survival("faults")
def test_a_run_that_was_killed_is_ended_by_the_next_one() -> None:
    """Its lock ended with its process; in Dagster's books it would hold the queue for hours."""
    with dg.DagsterInstance.ephemeral() as instance:
        config = {"resources": {"night": {"config": {"output": "/out"}}}}
        for output in ("/out", "/elsewhere"):
            config["resources"]["night"]["config"]["output"] = output
            instance.create_run_for_job(
                build_defs().resolve_job_def(JOB), run_config=json.loads(json.dumps(config)),
                status=dg.DagsterRunStatus.STARTED,
            )  # fmt: skip
        assert end_killed_runs(instance, Path("/out")) == 1
        assert sorted(run.status.value for run in instance.get_runs()) == ["FAILURE", "STARTED"]


@pytest.mark.survival("repetition")
def test_old_runs_are_forgotten_with_their_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @dg.op
    def step() -> None:
        """Nothing."""

    @dg.job
    def nightly() -> None:
        step()

    monkeypatch.setenv("CAREGAPS_DAGSTER_STORAGE", str(tmp_path))
    with dg.DagsterInstance.from_config(str(ROOT)) as instance:
        old = nightly.execute_in_process(instance=instance).run_id
        assert list(tmp_path.rglob(f"{old}.db*"))
        assert forget_runs(instance, days=1) == 0
        assert forget_runs(instance, days=-1) == 1
        assert instance.get_runs() == []
        assert not list(tmp_path.rglob(f"{old}*")), "its log, or what its database kept open"
        # The next run is kept as ever.
        run = nightly.execute_in_process(instance=instance).run_id
        assert instance.all_logs(run)


# Nights and their age -------------------------------------------------------------------------------------------------


def test_only_publication_is_partitioned_by_night(graph) -> None:
    partitioned = {key for key in graph.materializable_asset_keys if graph.get(key).partitions_def}
    assert partitioned == {KEY}
    nights = graph.get(KEY).partitions_def
    assert isinstance(nights, dg.DailyPartitionsDefinition)
    assert nights.get_first_partition_key() == "2018-01-01"
    keys = nights.get_partition_keys()
    yesterday = datetime.datetime.now(tz=datetime.UTC).date() - datetime.timedelta(days=1)
    assert str(yesterday) in keys
    assert {"2020-02-29", "2024-02-29"} <= set(keys)


def test_a_night_ahead_of_the_calendar_has_a_partition() -> None:
    nights = build_defs(datetime.date(2027, 12, 31)).resolve_asset_graph().get(KEY).partitions_def
    assert "2027-12-31" in nights.get_partition_keys()


def test_lists_that_grow_old_are_noticed(graph) -> None:
    policy = graph.get(KEY).freshness_policy
    assert policy.fail_window.to_timedelta() == datetime.timedelta(hours=36)
    assert policy.warn_window.to_timedelta() < policy.fail_window.to_timedelta()


# The instance ---------------------------------------------------------------------------------------------------------


def instance_settings() -> dict:
    return yaml.safe_load((ROOT / "dagster.yaml").read_text(encoding="utf-8"))


def test_nothing_is_told_to_anyone() -> None:
    assert instance_settings()["telemetry"] == {"enabled": False}
    assert instance_settings()["nux"] == {"enabled": False}


def test_one_run_at_a_time_writes_the_warehouse() -> None:
    assert instance_settings()["concurrency"]["pools"]["default_limit"] == 1


def test_instance_loads_with_its_storage_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAREGAPS_DAGSTER_STORAGE", str(tmp_path))
    with dg.DagsterInstance.from_config(str(ROOT)) as instance:
        assert not instance.telemetry_enabled
        assert instance.nux_enabled is False
        assert str(tmp_path) in instance.storage_directory()


def test_settings_are_frozen() -> None:
    assert Settings.model_config["frozen"] is True
    assert Settings.model_config["extra"] == "forbid"
