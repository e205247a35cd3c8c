"""The code location: what Dagster loads. Assembly only; nothing is computed here."""

import datetime

import dagster as dg

from assets import models, publication, quality, raw
from assets.engine.settings import read_settings
from assets.resources import NightResource
from pipelines import nightly


def build_defs(last_night: datetime.date | None = None) -> dg.Definitions:
    """The definitions; `last_night` makes room for an as-of date after today."""
    settings = read_settings()
    partitions = publication.nights(last_night, settings.schedule.time_zone)
    job = nightly.job()
    return dg.Definitions(
        assets=[*raw.assets(), *models.assets(), publication.night_asset(partitions)],
        asset_checks=[raw.reject_share_check(), *quality.checks()],
        jobs=[job],
        schedules=[nightly.schedule(settings, job)],
        sensors=[nightly.sensor(settings, job), nightly.failure_sensor(settings), nightly.watch(settings)],
        resources={"night": NightResource()},
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What `dg` finds."""
    return build_defs()
