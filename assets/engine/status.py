"""The operator's first question: what is published, how old is it, is a run at work, what became of the last one.

What needs a person is told as a problem with what to do next; the same problems reach the notifier.
"""

from __future__ import annotations

import datetime
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assets.engine.errors import PublicationError
from assets.engine.releases import MANIFEST, last_night, night_before, nights
from assets.engine.run_record import RunRecord, is_held, lock_file

# A night is as of yesterday; one more day is a night that was missed.
MAX_AGE_DAYS = 2
BORDERS = ("raw border:", "outreach border:")
NUMBER = re.compile(r"\b\d[\d,.]*\b")


@dataclass(frozen=True)
class Problem:
    """Something that needs a person: what was found, and what to do next."""

    found: str
    remedy: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.found}; {self.remedy}"


@dataclass(frozen=True)
class Status:
    """What is known of an output without opening a table."""

    output: Path
    today: datetime.date
    manifest: dict[str, Any] | None
    before: dict[str, Any] | None
    run: RunRecord | None
    is_running: bool
    night_count: int

    @property
    def age_days(self) -> int | None:
        """Days since the last night's as-of date; negative when the clock is behind it."""
        return (
            None if self.manifest is None else (self.today - datetime.date.fromisoformat(self.manifest["as_of"])).days
        )

    def problems(self, max_age_days: int = MAX_AGE_DAYS) -> list[Problem]:
        """What needs a person, the most urgent first."""
        found = []
        run, age = self.run, self.age_days
        if run and run.outcome == "failed":
            found.append(
                Problem(f"the last run, of the night of {run.as_of}, failed: {run.error}", "see docs/runbook.md")
            )
        elif run and run.outcome == "running" and not self.is_running:
            found.append(
                Problem(f"the last run, of the night of {run.as_of}, was cut off (begun {run.started})", "run it again")
            )
        if age is None:
            if not self.is_running:
                found.append(Problem("no night is published", "run `caregaps run`"))
        elif age > max_age_days:
            found.append(
                Problem(
                    f"the last night is {age} days old, at most {max_age_days} are allowed",
                    "look for the delivery and the schedule, then run the missing night",
                )
            )
        elif age < 0:
            found.append(
                Problem(f"the last night is {-age} days ahead of the clock", "set the clock, or remove that night")
            )
        known = _border_warnings(self.before)
        return found + [
            Problem(warning, "look at report/quality.html before the lists go out")
            for name, warning in _border_warnings(self.manifest).items()
            if name not in known
        ]


def _border_warnings(manifest: dict[str, Any] | None) -> dict[str, str]:
    """What the suites at the borders found unusual in a night, by what was expected."""
    warnings = [w for w in (manifest or {}).get("warnings", []) if w.startswith(BORDERS)]
    return {matter_of(warning): warning for warning in warnings}


def matter_of(warning: str) -> str:
    """What a warning is about, whatever was found and counted: by it two nights' warnings are compared."""
    return NUMBER.sub("#", warning.partition(" Found ")[0])


def read_status(output: Path) -> Status:
    """Look at a folder of published nights.

    Raises:
        PublicationError: There is no such folder, or its last night cannot be read.
    """
    if not output.is_dir():
        raise PublicationError(f"{output}: found no such folder; the --output of a run is expected")
    manifest = last_night(output)[1] if (output / "latest").is_symlink() or (output / "latest").exists() else None
    before = None
    if manifest:
        as_of = datetime.date.fromisoformat(manifest["as_of"])
        earlier = night_before(output, as_of)
        before = _manifest(earlier) if earlier else None
    return Status(
        output,
        datetime.datetime.now(datetime.UTC).date(),
        manifest,
        before,
        RunRecord.read(output),
        is_held(lock_file(output)),
        len(nights(output)),
    )


def _manifest(night: Path) -> dict[str, Any] | None:
    try:
        return json.loads((night / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def describe_output(output: Path, max_age_days: int | None = None) -> Iterator[str]:
    """Describe a folder of published nights, line by line, its problems last.

    Args:
        output: Folder of published nights.
        max_age_days: For a monitor: an older night is a problem, and the last problem an error.

    Raises:
        PublicationError: There is no such folder or, with `max_age_days`, something needs a person.
    """
    status = read_status(output)
    if status.manifest is None:
        yield "last night:  none published yet"
    else:
        manifest = status.manifest
        yield f"last night:  {manifest['as_of']}, {status.age_days} days ago, run {manifest['run_id']}"
        yield f"warnings:    {len(manifest['warnings'])}"
        yield f"rejects:     {_rejects(manifest)}"
        yield f"lists:       {_lists(manifest, status.before)}"
    yield f"nights:      {status.night_count}"
    yield f"run:         {_run(status)}"
    yield f"disk used:   {_size(output) / 1e6:,.1f} MB, {shutil.disk_usage(output).free / 1e6:,.1f} MB free"
    is_judged = max_age_days is not None
    problems = status.problems(MAX_AGE_DAYS if max_age_days is None else max_age_days)
    for problem in problems[:-1] if is_judged else problems:
        yield f"problem:     {problem}"
    if is_judged and problems:
        raise PublicationError(f"{output}: {problems[-1]}")


def _rejects(manifest: dict[str, Any]) -> str:
    rejected = {table: counts["rejected_rows"] for table, counts in manifest["inputs"].items()}
    read = sum(counts["read"] for counts in manifest["inputs"].values())
    most = max(rejected, key=lambda table: rejected[table], default="")
    where = f", most in {most}" if most and rejected[most] else ""
    return f"{sum(rejected.values()):,} of {read:,} rows{where}"


def _lists(manifest: dict[str, Any], before: dict[str, Any] | None) -> str:
    rows = _listed(manifest)
    if before is None:
        return f"{rows:,} rows, no night before to compare with"
    earlier = _listed(before)
    change = f" ({(rows - earlier) / earlier:+.0%})" if earlier else ""
    return f"{rows:,} rows, {earlier:,} on {before['as_of']}{change}"


def _listed(manifest: dict[str, Any]) -> int:
    return manifest["assets"].get("outreach.worklist", {}).get("rows", 0)


def _run(status: Status) -> str:
    run = status.run
    if status.is_running:
        known = run and run.outcome == "running"
        return f"in progress, night of {run.as_of}, since {run.started}" if run and known else "in progress"
    if run is None:
        return "none"
    if run.outcome == "running":
        return f"none; the last one, of {run.as_of}, was cut off"
    return f"none; the last one, of {run.as_of}, {run.outcome} at {run.ended}"


def _size(output: Path) -> int:
    """Bytes below a folder; what a run removes meanwhile does not count."""
    total = 0
    for path in output.rglob("*"):
        with suppress(OSError):
            total += path.lstat().st_size
    return total
