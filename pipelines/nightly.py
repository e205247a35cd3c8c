"""The nightly job, its schedule and its sensor: when a night runs, and for which date."""

import datetime
from zoneinfo import ZoneInfo

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from assets.engine.errors import SettingsError
from assets.engine.landing import DONE_MARKER
from assets.engine.registry import measurement_years
from assets.engine.settings import Settings

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


def is_night(as_of: datetime.date) -> bool:
    """Whether the calendar of nights has this date."""
    today = datetime.datetime.now(datetime.UTC).date()
    return as_of <= today and as_of.year in measurement_years()


def _status(settings: Settings) -> dg.DefaultScheduleStatus:
    return dg.DefaultScheduleStatus.RUNNING if settings.schedule.enabled else dg.DefaultScheduleStatus.STOPPED
