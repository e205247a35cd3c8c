"""Dagster's own SQLite storage, with its connections kept open between events.

Dagster opens a database, compiles each statement and syncs the disk anew for every event, and a night has thousands:
that was a third of a small night's CPU time. Tables, files and their places stay Dagster's.
"""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy
import sqlalchemy.event
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage, SqliteStorageConfig, _event_logs_directory
from dagster._serdes import ConfigurableClassData
from sqlalchemy.pool import QueuePool

# The databases of this many runs stay open: the index of all runs, the run at hand, and those that the UI compares.
KEPT_OPEN = 4


class KeptEventLog(SqliteEventLogStorage):
    """The event log, a database per run and an index of all, with the latest used ones kept open."""

    def __init__(self, base_dir: str) -> None:
        self._engines: OrderedDict[str, sqlalchemy.Engine] = OrderedDict()
        super().__init__(base_dir)

    def _engine(self, shard: str) -> sqlalchemy.Engine:
        if shard in self._engines and not Path(self.path_for_shard(shard)).exists():
            self._engines.pop(shard).dispose()
            self._initialized_dbs.discard(shard)
        if shard not in self._engines:
            engine = sqlalchemy.create_engine(
                self.conn_string_for_shard(shard),
                poolclass=QueuePool,
                pool_size=1,
                connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
            )
            sqlalchemy.event.listen(engine, "connect", _sync_at_checkpoints)
            self._engines[shard] = engine
        self._engines.move_to_end(shard)
        while len(self._engines) > KEPT_OPEN:
            self._engines.popitem(last=False)[1].dispose()
        return self._engines[shard]

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sqlalchemy.Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    def delete_events(self, run_id: str) -> None:
        """Forget a run, its database with it: emptied, it would stay at its full size."""
        super().delete_events(run_id)
        with self._db_lock:
            if run_id in self._engines:
                self._engines.pop(run_id).dispose()
            self._initialized_dbs.discard(run_id)
            for suffix in ("", "-wal", "-shm"):
                Path(f"{self.path_for_shard(run_id)}{suffix}").unlink(missing_ok=True)

    def dispose(self) -> None:
        """Close what is open."""
        with self._db_lock:
            while self._engines:
                self._engines.popitem()[1].dispose()
        super().dispose()


class RunHistory(DagsterSqliteStorage):
    """Runs, events and schedules in SQLite files below one folder."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage = KeptEventLog(_event_logs_directory(base_dir))

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: SqliteStorageConfig) -> "RunHistory":
        """What `dagster.yaml` asks for."""
        return cls(inst_data=inst_data, **config_value)


def _sync_at_checkpoints(connection: object, _: object) -> None:
    # With a write-ahead log this can lose the last events of a run that the power cut ended, never the database.
    connection.execute("pragma synchronous = normal")  # pyright: ignore[reportAttributeAccessIssue]
