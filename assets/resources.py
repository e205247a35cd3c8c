"""The one resource: which night is run, on what, into what, and the warehouse it works in."""


import datetime
import fcntl
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import duckdb

from assets.engine import warehouse
from assets.engine.errors import PublicationError, SettingsError
from assets.engine.night import Night
from assets.engine.settings import read_settings

# Dagster's own tag of a partitioned run.
PARTITION_TAG = "dagster/partition"

log = logging.getLogger("caregaps")

_held: dict[Path, Any] = {}


def hold(path: Path) -> None:
    """Hold the output for this process until it ends: two nights never interleave.

    Raises:
        PublicationError: Another process holds it.
    """
    if path in _held:
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = path.open("a")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        handle.close()
        raise PublicationError(f"{path.parent}: another run is working here; wait for it to end") from error
    _held[path] = handle


class NightResource(dg.ConfigurableResource):
    """The night of a run. Empty fields take `settings.toml`; `as_of` comes from the partition where there is one."""

    input: str = ""
    output: str = ""
    as_of: str = ""
    layout: str = "tuva"
    reference: str = ""
    warehouse: str = ""
    engine: str = "duckdb"
    config: str = ""

    def plan(self, run: dg.DagsterRun) -> Night:
        """The resolved night of a run.

        Raises:
            SettingsError: An argument says something that is not allowed.
        """
        settings = read_settings(Path(self.config) if self.config else None)
        return Night(
            as_of=self._as_of(run, settings.schedule.time_zone),
            input=Path(self.input).absolute() if self.input else settings.paths.input,
            output=Path(self.output).absolute() if self.output else settings.paths.output,
            settings=settings,
            layout=self.layout,
            reference=Path(self.reference).absolute() if self.reference else None,
            warehouse_file=Path(self.warehouse).absolute() if self.warehouse else None,
            engine=self.engine,
        )

    def _as_of(self, run: dg.DagsterRun, time_zone: str) -> datetime.date:
        text = run.tags.get(PARTITION_TAG) or self.as_of
        if not text:
            return (datetime.datetime.now(ZoneInfo(time_zone)) - datetime.timedelta(days=1)).date()
        try:
            return datetime.date.fromisoformat(text)
        except ValueError as error:
            raise SettingsError(f"as_of: found {text!r}; a date YYYY-MM-DD is expected") from error

    @contextmanager
    def open(self, run: dg.DagsterRun) -> Iterator[tuple[duckdb.DuckDBPyConnection, Night]]:
        """A connection to the working warehouse, and the night it is for."""
        night = self.plan(run)
        hold(night.warehouse.with_suffix(".lock"))
        limits = night.settings.limits
        with warehouse.connect(night.warehouse, limits.threads, limits.memory_gb) as con:
            con.execute(
                "create schema if not exists door; create table if not exists door.built (table_name VARCHAR primary key, "
                "as_of DATE, settings_digest VARCHAR, row_count BIGINT, seconds DOUBLE)"
            )
            yield con, night


def record(con: duckdb.DuckDBPyConnection, night: Night, name: str, rows: int, seconds: float) -> dg.MaterializeResult:
    """Stamp a built table with its night, tell the log, and return what Dagster shows of it."""
    con.execute("insert or replace into door.built values (?, ?, ?, ?, ?)", [name, night.as_of, night.digest, rows, seconds])
    log.info("%s: %s rows, %.1f s", name, f"{rows:,}", seconds)
    return dg.MaterializeResult(metadata={"dagster/row_count": rows, "seconds": round(seconds, 3), "as_of": str(night.as_of)})


@contextmanager
def timed() -> Iterator[list[float]]:
    """Seconds since entry, as the last element of the yielded list once the block ends."""
    started = time.perf_counter()
    seconds: list[float] = []
    yield seconds
    seconds.append(time.perf_counter() - started)
