"""The one resource: which night is run, on what, into what, and the warehouse it works in."""

import datetime
import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
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

BUILT_DDL = (
    "create table if not exists door.built "
    "(table_name VARCHAR primary key, as_of DATE, settings_digest VARCHAR, row_count BIGINT, seconds DOUBLE)"
)


class _Workplace:
    """The warehouse that this process holds: locked against other processes and open from step to step."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._lock: IO[str] | None = None
        self._con: duckdb.DuckDBPyConnection | None = None

    def take(self, path: Path) -> None:
        """Lock a warehouse for this process: two nights never interleave.

        Raises:
            PublicationError: Another process holds it.
        """
        if self._path == path:
            return
        self.leave()
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = path.with_suffix(".lock").open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise PublicationError(f"{path.parent}: another run is working here; wait for it to end") from error
        self._path, self._lock = path, lock

    def connect(self, path: Path, threads: int, memory_gb: float) -> duckdb.DuckDBPyConnection:
        """The open connection to a warehouse; opening it anew for every step would take longer than the steps."""
        self.take(path)
        if self._con is None:
            self._con = warehouse.connect(path, threads, memory_gb)
            self._con.execute(BUILT_DDL)
        return self._con

    def leave(self) -> None:
        """Close and unlock."""
        if self._con is not None:
            self._con.close()
        if self._lock is not None:
            self._lock.close()
        self._path = self._lock = self._con = None


workplace = _Workplace()


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
        limits = night.settings.limits
        yield workplace.connect(night.warehouse, limits.threads, limits.memory_gb), night
