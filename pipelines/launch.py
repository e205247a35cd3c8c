"""One night from the command line: the nightly job in this process, on the configured Dagster instance."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from assets.engine.delivery_keys import read_keys
from assets.engine.errors import CaregapsError, PublicationError, SettingsError
from assets.engine.ingest import find_inputs
from assets.engine.layout import read_layout
from assets.engine.licensed import check_value_sets
from assets.engine.night import Night
from assets.engine.programme_registry import read_programmes
from assets.engine.settings import read_settings
from assets.resources import workplace
from pipelines.definitions import build_defs
from pipelines.nightly import JOB


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
    if as_of is None:
        as_of = datetime.datetime.now(ZoneInfo(settings.schedule.time_zone)).date() - datetime.timedelta(days=1)
    for folder, name in ((input, "--input"), (reference, "--reference")):
        if folder is not None and not folder.is_dir():
            raise SettingsError(f"{name}: found no folder {folder}; a readable folder is expected")
    night = Night(as_of, input.absolute(), output.absolute(), settings, layout, reference, warehouse, engine)
    # What cannot be read stops here rather than after half a night: programmes, keys, the delivery.
    read_programmes()
    check_value_sets(reference)
    if settings.delivery.key_folder:
        read_keys(Path(settings.delivery.key_folder))
    find_inputs(read_layout(layout), night.input, night.reference)
    try:
        workplace.take(night.warehouse)
        if fresh:
            for leftover in (night.warehouse, night.warehouse.with_name(night.warehouse.name + ".wal")):
                leftover.unlink(missing_ok=True)
    except OSError as error:
        raise PublicationError(
            f"{output}: could not be written ({error.strerror}); a writable folder is expected"
        ) from error
    fields: dict[str, Any] = {
        "input": str(night.input),
        "output": str(night.output),
        "layout": layout,
        "reference": str(reference.absolute()) if reference else "",
        "warehouse": str(warehouse.absolute()) if warehouse else "",
        "engine": engine,
        "config": str(config.absolute()) if config else "",
    }
    job = build_defs(last_night=as_of).resolve_job_def(JOB)
    try:
        result = job.execute_in_process(
            run_config={
                "resources": {"night": {"config": fields}},
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
            partition_key=as_of.isoformat(),
            instance=instance or dg.DagsterInstance.get(),
            raise_on_error=False,
        )
    finally:
        workplace.leave()
    if not result.success:
        raise CaregapsError(reason_of_failure(result))
    return night.output / f"as_of={as_of}"


def reason_of_failure(result: dg.ExecuteInProcessResult) -> str:
    """One line that says why a run failed: our own error, else the failed check, else the step and its kind of error."""
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            while error is not None:
                if error.cls_name and "Interrupt" in error.cls_name:
                    return "run: interrupted; the night before it is still published, run it again"
                if error.cls_name and _is_ours(error.cls_name):
                    return error.message.split(": ", 1)[-1].strip()
                error = error.cause
    for check in result.get_asset_check_evaluations():
        if not check.passed and check.blocking:
            return (
                check.description
                or f"{check.asset_key.to_user_string()}: check {check.check_name} failed; it must hold"
            )
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            while error is not None and error.cause is not None:
                error = error.cause
            kind = error.cls_name if error else "unknown error"
            return f"{event.step_key}: {kind}; run {result.run_id} in the Dagster UI has the details"
    return f"run {result.run_id} did not finish; the Dagster UI has the details"


def _is_ours(name: str) -> bool:
    kinds = [CaregapsError]
    while kinds:
        kind = kinds.pop()
        if kind.__name__ == name:
            return True
        kinds.extend(kind.__subclasses__())
    return False
