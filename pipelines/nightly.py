"""The nightly job, its schedule and its sensor: when a night runs, and for which date."""

import datetime
import json
from zoneinfo import ZoneInfo

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from assets.engine.errors import CaregapsError, SettingsError
from assets.engine.landing import DONE_MARKER
from assets.engine.notify import Message, notify
from assets.engine.registry import measurement_years
from assets.engine.settings import Settings
from assets.engine.status import read_status
from assets.history import night_config
from assets.resources import PARTITION_TAG
from pipelines.failure import reason_of_events

JOB = "nightly"


def job() -> UnresolvedAssetJobDefinition:
    """Everything, in one run and one process: DuckDB has one writer."""
    return dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.all(),
        description="One night: claims in, gaps found, worklists published.",
        executor_def=dg.in_process_executor,
    )


def schedule(settings: Settings, nightly: UnresolvedAssetJobDefinition) -> dg.ScheduleDefinition:
    """Every night, as of the day before; off until settings turn it on."""

    def night_of(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        local = context.scheduled_execution_time.astimezone(ZoneInfo(settings.schedule.time_zone))
        as_of = (local - datetime.timedelta(days=1)).date().isoformat()
        return dg.RunRequest(run_key=as_of, partition_key=as_of)

    try:
        return dg.ScheduleDefinition(
            job=nightly,
            name="nightly_schedule",
            cron_schedule=settings.schedule.cron,
            execution_timezone=settings.schedule.time_zone,
            default_status=_status(settings),
            execution_fn=night_of,
        )
    except dg.DagsterInvalidDefinitionError as error:
        raise SettingsError(
            f"schedule.cron: found {settings.schedule.cron!r}; a cron expression of five fields is expected"
        ) from error


def sensor(settings: Settings, nightly: UnresolvedAssetJobDefinition) -> dg.SensorDefinition:
    """A night as soon as a delivery is complete: its last file is `.done`, whose text may name the as-of date.

    A file that is still being written triggers nothing.
    """
    marker = settings.paths.input / DONE_MARKER

    @dg.sensor(
        job=nightly, name="delivery_done", minimum_interval_seconds=60, default_status=dg.DefaultSensorStatus.STOPPED
    )
    def delivery_done() -> dg.RunRequest | dg.SkipReason:
        if not marker.is_file():
            return dg.SkipReason(f"no {DONE_MARKER} in the input folder yet")
        try:
            with marker.open(encoding="utf-8-sig", errors="replace") as stream:
                text = stream.read(64).strip()
        except OSError as error:
            return dg.SkipReason(f"{DONE_MARKER} cannot be read ({error.strerror}); a readable file is expected")
        yesterday = datetime.datetime.now(ZoneInfo(settings.schedule.time_zone)).date() - datetime.timedelta(days=1)
        try:
            as_of = datetime.date.fromisoformat(text) if text else yesterday
        except ValueError:
            return dg.SkipReason(f"{DONE_MARKER} holds no date YYYY-MM-DD; leave it empty or name the as-of date")
        if not is_night(as_of):
            return dg.SkipReason(
                f"{DONE_MARKER} names a date that no night can have: not after today, in a year with rules"
            )
        return dg.RunRequest(run_key=f"{as_of}@{marker.stat().st_mtime_ns}", partition_key=as_of.isoformat())

    return delivery_done


def failure_sensor(settings: Settings) -> dg.SensorDefinition:
    """Tell the operator's program of every nightly run that fails, with its last line and what to do next."""

    @dg.run_failure_sensor(name="night_failed", default_status=_told(settings), minimum_interval_seconds=30)
    def night_failed(context: dg.RunFailureSensorContext) -> None:
        output = str(night_config(context.dagster_run).get("output") or settings.paths.output)
        message = Message(
            event="night_failed",
            found=reason_of_run(context.instance, context.dagster_run.run_id),
            next_step="see docs/runbook.md; the night before is still published",
            output=output,
            as_of=context.dagster_run.tags.get(PARTITION_TAG),
            run_id=context.dagster_run.run_id,
        )
        notify(settings.notify.command, message)

    return night_failed


def watch(settings: Settings) -> dg.SensorDefinition:
    """Tell the operator's program what `caregaps status` would: a late night, a run cut off, an unusual list; once each."""

    @dg.sensor(name="night_watch", default_status=_told(settings), minimum_interval_seconds=900)
    def night_watch(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        output = settings.paths.output
        try:
            problems = [(p.found, p.remedy) for p in read_status(output).problems()]
        except CaregapsError as error:
            problems = [(str(error), "see docs/runbook.md")]
        # The age of a night grows by the day: each day it is told again.
        known = set(json.loads(context.cursor or "[]"))
        for found, remedy in problems:
            if found not in known:
                notify(settings.notify.command, Message("needs_attention", found, remedy, str(output)))
        context.update_cursor(json.dumps(sorted(found for found, _ in problems)))
        return dg.SkipReason("; ".join(found for found, _ in problems) or "nothing needs attention")

    return night_watch


def reason_of_run(instance: dg.DagsterInstance, run_id: str) -> str:
    """One line that says why a run failed, from its events."""
    return reason_of_events([entry.dagster_event for entry in instance.all_logs(run_id) if entry.dagster_event], run_id)


def _told(settings: Settings) -> dg.DefaultSensorStatus:
    return dg.DefaultSensorStatus.RUNNING if settings.notify.command else dg.DefaultSensorStatus.STOPPED


def is_night(as_of: datetime.date) -> bool:
    """Whether the calendar of nights has this date."""
    today = datetime.datetime.now(datetime.UTC).date()
    return as_of <= today and as_of.year in measurement_years()


def _status(settings: Settings) -> dg.DefaultScheduleStatus:
    return dg.DefaultScheduleStatus.RUNNING if settings.schedule.enabled else dg.DefaultScheduleStatus.STOPPED
