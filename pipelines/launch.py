"""One night from the command line: the nightly job in this process, on the configured Dagster instance."""

from __future__ import annotations

import datetime
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
from sqlalchemy.exc import SQLAlchemyError

from assets.engine.destination import refuse_undeliverable
from assets.engine.errors import CaregapsError, PublicationError, SettingsError
from assets.engine.ingest import find_inputs
from assets.engine.layout import read_layout
from assets.engine.licensed import check_value_sets
from assets.engine.memory import memory_limit
from assets.engine.night import Night
from assets.engine.notify import Message, notify
from assets.engine.programme_registry import read_programmes
from assets.engine.releases import nights
from assets.engine.run_record import RunRecord, begin, end, published_since
from assets.engine.settings import Settings, read_settings
from assets.engine.spark_setup import prepare as prepare_spark
from assets.engine.warehouse import discard
from assets.history import end_killed_runs
from assets.resources import log, workplace
from pipelines.definitions import build_defs
from pipelines.failure import reason_of_events, without_history_errors
from pipelines.nightly import JOB, job, schedule


def launch(
    *,
    input: Path,  # noqa: A002  (the option's name)
    output: Path,
    as_of: datetime.date | None = None,
    layout: str = "tuva",
    reference: Path | None = None,
    warehouse: Path | None = None,
    engine: str = "duckdb",
    config: Path | None = None,
    fresh: bool = False,
    instance: dg.DagsterInstance | None = None,
) -> Path:
    """Run and publish one night.

    Args:
        input: Folder of input tables.
        output: Folder of published nights.
        as_of: Last day included; yesterday in the configured time zone when None.
        layout: Layout of the input.
        reference: Folder of reference tables.
        warehouse: Working warehouse file.
        engine: Engine of the models.
        config: Settings file.
        fresh: Drop the working warehouse first.
        instance: Dagster instance; the configured one when None.

    Returns:
        The published night's folder.

    Raises:
        CaregapsError: The night was not published; the one before it still is.
    """
    settings = read_settings(config)
    began = datetime.datetime.now(datetime.UTC)
    if as_of is None:
        as_of = night_of_clock(settings, output, datetime.datetime.now(ZoneInfo(settings.schedule.time_zone)))
    night = Night(as_of, input.absolute(), output.absolute(), settings, layout, reference, warehouse, engine)
    fields: dict[str, Any] = {
        "input": str(night.input),
        "output": str(night.output),
        "layout": layout,
        "reference": str(reference.absolute()) if reference else "",
        "warehouse": str(warehouse.absolute()) if warehouse else "",
        "engine": engine,
        "config": str(config.absolute()) if config else "",
    }
    try:
        _prepare(night, fresh=fresh)
        _execute(night, fields, instance)
    except CaregapsError as error:
        if published_since(night.output, as_of, began):
            log.warning("%s; the night is published", str(error).split(";", maxsplit=1)[0])
        else:
            _remember_failure(night, str(error))
            raise
    except KeyboardInterrupt:
        if not published_since(night.output, as_of, began):
            _remember_failure(night, "run: interrupted")
        raise
    finally:
        workplace.leave()
    return night.output / f"as_of={as_of}"


def night_of_clock(settings: Settings, output: Path, now: datetime.datetime) -> datetime.date:
    """The day before `now`, unless the clock has jumped: a night of the future would hold `latest` until then.

    Raises:
        SettingsError: The clock is far past the last published night.
    """
    as_of = now.date() - datetime.timedelta(days=1)
    published = nights(output)
    if published and (past := (as_of - max(published)).days) > settings.schedule.clock_jump_days:
        raise SettingsError(
            f"as_of: the clock says {as_of}, {past} days after the last published night; set the clock, or name the "
            "night with --as-of"
        )
    return as_of


def _prepare(night: Night, *, fresh: bool) -> None:
    """Stop here, rather than after half a night, for what cannot be read; then take the output and the warehouse."""
    for folder, name in ((night.input, "--input"), (night.reference, "--reference")):
        if folder is not None and not folder.is_dir():
            raise SettingsError(f"{name}: found no folder {folder}; a readable folder is expected")
    schedule(night.settings, job())
    read_programmes()
    check_value_sets(night.reference)
    memory_limit(night.settings.limits.memory_gb)
    refuse_undeliverable(night.settings.delivery)
    find_inputs(read_layout(night.layout), night.input, night.reference)
    try:
        workplace.take(night.warehouse, night.output)
        begin(night.output, night.as_of, "")
        prepare_spark(night.engine, night.settings.spark, night.warehouse)
        if fresh:
            discard(night.warehouse)
    except OSError as error:
        raise PublicationError(
            f"{night.output}: could not be written ({error.strerror}); a writable folder is expected"
        ) from error


def _execute(night: Night, fields: dict[str, Any], instance: dg.DagsterInstance | None) -> None:
    nightly = build_defs(last_night=night.as_of).resolve_job_def(JOB)
    try:
        instance = instance or dg.DagsterInstance.get()
        end_killed_runs(instance, night.output)
        with without_history_errors():
            result = nightly.execute_in_process(
                run_config={
                    "resources": {"night": {"config": fields}},
                    "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
                },
                partition_key=night.as_of.isoformat(),
                instance=instance,
                raise_on_error=False,
            )
    except (OSError, SQLAlchemyError, sqlite3.Error) as error:
        raise PublicationError(
            f"run history: could not be written ({type(error).__name__}); free space and write access are expected "
            "where CAREGAPS_DAGSTER_STORAGE says"
        ) from error
    if not result.success:
        raise CaregapsError(reason_of_events(result.all_events, result.run_id))


def _remember_failure(night: Night, error: str) -> None:
    """Tell the operator why the night failed, and keep it for `caregaps status` unless another run is at work."""
    message = Message("night_failed", error, "see docs/runbook.md", str(night.output), str(night.as_of))
    notify(night.settings.notify.command, message)
    if (night.output / ".warehouse").is_dir():
        with suppress(CaregapsError, OSError):
            workplace.take(night.warehouse, night.output)
            known = RunRecord.read(night.output)
            is_ours = known is not None and known.outcome == "running" and known.as_of == str(night.as_of)
            run_id = known.run_id if known and is_ours else ""
            end(night.output, night.as_of, run_id, error)
