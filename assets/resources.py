"""The one resource: which night is run, on what, into what, and the warehouse it works in."""

import atexit
import datetime
import errno
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO
from zoneinfo import ZoneInfo

import dagster as dg
import duckdb

from assets.engine import releases, warehouse
from assets.engine.destination import refuse_undeliverable
from assets.engine.errors import CaregapsError, PublicationError, SettingsError, WarehouseError
from assets.engine.memory import memory_limit
from assets.engine.night import Night
from assets.engine.run_record import RunRecord, begin, end, lock, lock_file
from assets.engine.settings import read_settings
from assets.engine.spark import Spark
from assets.engine.spark_setup import prepare

# Dagster's own tag of a partitioned run.
PARTITION_TAG = "dagster/partition"

# What a disk refuses; other errors of files are a step's own to explain.
DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO}

log = logging.getLogger("caregaps")


class _Workplace:
    """What this process holds: the output and the warehouse, locked against other processes, open from step to step."""

    def __init__(self) -> None:
        self._held: tuple[Path, Path] | None = None
        self._locks: list[IO[str]] = []
        self._con: duckdb.DuckDBPyConnection | None = None
        self._spark: Spark | None = None
        self._umask: int | None = None

    def take(self, path: Path, output: Path) -> None:
        """Lock an output and a warehouse for this process: two nights never interleave.

        Raises:
            PublicationError: Another process holds one of them.
        """
        if self._held == (path, output):
            return
        self.leave()
        for file in (lock_file(output), path.with_suffix(".lock")):
            try:
                self._locks.append(lock(file))
            except PublicationError:
                self.leave()
                raise
        self._held = path, output
        # Only now it is sure to be nobody's: what a killed run left would keep a full disk full, and no run could end.
        releases.clear_drafts(output)

    def holds(self, output: Path) -> bool:
        """Whether this process holds an output."""
        return self._held is not None and self._held[1] == output

    def connect(self, night: Night) -> duckdb.DuckDBPyConnection:
        """The open connection to a warehouse; opening it anew for every step would take longer than the steps."""
        path, limits = night.warehouse, night.settings.limits
        self.take(path, night.output)
        if self._con is None:
            if (lowered := memory_limit(limits.memory_gb)) < limits.memory_gb:
                log.warning(
                    "limits.memory_gb: found %.1f, more than the machine has beside the night itself; DuckDB takes %.1f",
                    limits.memory_gb,
                    lowered,
                )
            if night.warehouse_file is not None and self._umask is None:
                # The engine makes files beside it all night, rows of people in them, in a folder that may be anyone's.
                self._umask = os.umask(0o077)
            try:
                self._con = warehouse.connect(path, limits.threads, limits.memory_gb)
            except WarehouseError as error:
                if night.warehouse_file is not None:
                    raise
                # The file below the output is ours alone, and a cache: a new one changes no published byte.
                log.warning("%s; a new one takes its place", str(error).split(";")[0])
                warehouse.discard(path)
                self._con = warehouse.connect(path, limits.threads, limits.memory_gb)
        return self._con

    def engine(self, night: Night) -> warehouse.Create:
        """What answers the models of a night."""
        if night.engine != "spark":
            return warehouse.by_duckdb
        if self._spark is None:
            self._spark = Spark(night.settings.spark, night.warehouse)
        return self._spark.create

    def drop(self, night: Night) -> None:
        """Close a warehouse that is damaged and, where it is ours alone, remove it, so that the next run begins anew."""
        self._close()
        if night.warehouse_file is None:
            with suppress(OSError):
                warehouse.discard(night.warehouse)

    def leave(self) -> None:
        """Close and unlock."""
        self._close()
        for handle in self._locks:
            handle.close()
        self._held, self._locks = None, []

    def _close(self) -> None:
        spark, self._spark = self._spark, None
        if spark is not None:
            spark.close()
        con, self._con = self._con, None
        if con is not None:
            with suppress(duckdb.Error):
                # A signal ends the waiting for a query, not the query: closing would wait until its tasks are through.
                con.interrupt()
                con.close()
        if self._umask is not None:
            os.umask(self._umask)
            self._umask = None


workplace = _Workplace()
# A run that the UI ends leaves through the interpreter's exit, where an open connection waits for its query.
atexit.register(workplace.leave)


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
        """A connection to the working warehouse, and the night it is for.

        Raises:
            CaregapsError: The machine failed the step: memory, disk, a damaged warehouse.
        """
        night = self.plan(run)
        try:
            try:
                con = workplace.connect(night)
                known = RunRecord.read(night.output)
                if known is None or known.run_id != run.run_id:
                    begin(night.output, night.as_of, run.run_id)
                    refuse_undeliverable(night.settings.delivery)
                    prepare(night.engine, night.settings.spark, night.warehouse)
                yield con, night
            except (duckdb.Error, OSError, MemoryError) as error:
                if isinstance(error, OSError) and error.errno not in DISK_ERRORS:
                    raise
                if told := warehouse.cause_of(error, night.warehouse.name):
                    raise told from error
                if told := warehouse.damage_of(error, night.warehouse):
                    workplace.drop(night)
                    raise told from error
                raise
        except CaregapsError as error:
            # A run that was refused the output leaves the record to the one that is at work.
            if workplace.holds(night.output):
                end(night.output, night.as_of, run.run_id, str(error))
            raise
