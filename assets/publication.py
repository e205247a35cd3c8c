"""Publication: the one partitioned asset, so that the UI shows which nights exist and can run a past one again."""

import datetime
from contextlib import suppress

import dagster as dg
from sqlalchemy.exc import SQLAlchemyError

from assets.engine.contract import all_contracts
from assets.engine.publish import publish
from assets.engine.run_record import end
from assets.history import forget_runs
from assets.resources import NightResource, log
from assets.schema import LAYERS
from assets.table import POOL

FIRST_NIGHT = "2018-01-01"
KEY = dg.AssetKey(["published", "night"])


def nights(last_night: datetime.date | None, time_zone: str) -> dg.DailyPartitionsDefinition:
    """One partition per as-of date; `last_night` opens later ones, for a night that is run ahead of the calendar."""
    today = datetime.datetime.now(datetime.UTC).date()
    ahead = max(1, (last_night - today).days + 2) if last_night else 1
    return dg.DailyPartitionsDefinition(start_date=FIRST_NIGHT, timezone=time_zone, end_offset=ahead)


def night_asset(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """The published night."""
    tables = [c.key for layer in LAYERS for c in all_contracts(layer)]

    @dg.asset(
        key=KEY,
        deps=[dg.AssetKey(key) for key in tables],
        group_name="published",
        description=(
            "The night as pharmacies and analysts read it: tables, worklists, report, manifest and restricted part, "
            "switched in by one rename."
        ),
        kinds={"parquet", "duckdb"},
        pool=POOL,
        partitions_def=partitions,
        freshness_policy=dg.FreshnessPolicy.time_window(
            fail_window=datetime.timedelta(hours=36), warn_window=datetime.timedelta(hours=26)
        ),
    )
    def asset(context: dg.AssetExecutionContext, night: NightResource) -> dg.MaterializeResult:
        with night.open(context.run) as (con, plan):
            release = publish(con, plan, context.run.run_id)
            end(plan.output, plan.as_of, context.run.run_id)
            [[built_seconds]] = con.execute("select sum(seconds) from door.built").fetchall()
            # The night is published: a history that cannot be written is no reason to say otherwise.
            with suppress(OSError, SQLAlchemyError):
                forget_runs(context.instance, plan.settings.schedule.run_history_days)
        for warning in release.warnings:
            log.warning("%s", warning)
        log.info("published: to the disk and shown in %.2f s", release.switch_seconds)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": release.worklist_rows,
                "folder": dg.MetadataValue.path(str(release.folder)),
                "report": dg.MetadataValue.path(str(release.folder / "report" / "index.html")),
                "files": release.file_count,
                "is_new_release": release.is_new,
                "warnings": len(release.warnings),
                "switch_seconds": round(release.switch_seconds, 3),
                "switch_share": round(release.switch_seconds / max(built_seconds, 0.001), 4),
            }
        )

    return asset
