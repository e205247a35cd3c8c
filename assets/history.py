"""What Dagster remembers of runs: those that were killed are ended, those that are old are forgotten."""

import datetime
from pathlib import Path
from typing import Any

import dagster as dg

AT_WORK = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]


def night_config(run: dg.DagsterRun) -> dict[str, Any]:
    """What a run was told of its night; empty where it took the settings'."""
    config: Any = run.run_config
    return config.get("resources", {}).get("night", {}).get("config", {})


def end_killed_runs(instance: dg.DagsterInstance, output: Path) -> int:
    """End the runs of an output that say that they are at work, and return their number.

    Whoever holds the output's lock knows that none of them is: a killed run would hold back the queue for hours.
    """
    ended = 0
    for run in instance.get_runs(dg.RunsFilter(statuses=AT_WORK)):
        if night_config(run).get("output") == str(output):
            instance.report_run_failed(run, "The process was killed; the night before is still published.")
            ended += 1
    return ended


def forget_runs(instance: dg.DagsterInstance, days: int) -> int:
    """Forget runs that ended longer ago than settings say, and return their number."""
    before = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days)
    ended = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    old = instance.get_runs(dg.RunsFilter(statuses=ended, updated_before=before))
    for run in old:
        instance.delete_run(run.run_id)
    return len(old)
