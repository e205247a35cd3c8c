"""Spark as the engine of the SQL models: the same files, in Spark's dialect, for those who outgrow one machine.

The door, the computed models, checks and publication stay with DuckDB. What DuckDB holds and a model reads is handed
over as Parquet; what Spark makes is written as Parquet, read by the models after it, and loaded into the working
warehouse, so that everything downstream is the same code whichever engine ran.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
from sqlglot import exp

from assets.engine import relation
from assets.engine.contract import contract_for
from assets.engine.errors import ModelError, SettingsError
from assets.engine.model import LAYERS, Model, to_dialect
from assets.engine.settings import Spark as SparkSettings
from assets.engine.spark_setup import folder_of
from assets.engine.spark_steps import Step, steps_of
from assets.engine.sql_text import literal
from assets.engine.warehouse import cause_of, columns_of

# Where the two spell a type differently. A timestamp has no time zone in either.
SPARK_TYPES = {"VARCHAR": "STRING", "INTEGER": "INT", "TIMESTAMP": "TIMESTAMP_NTZ"}

# What makes Spark answer as DuckDB does, and what our plans need of it; `spark.conf` in settings.toml goes before.
SEMANTICS = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.jsonGenerator.ignoreNullFields": "false",
}
DEFAULTS = {
    "spark.app.name": "caregaps",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # Errors of tasks quote the value that they met.
    "spark.log.level": "OFF",
    "spark.executor.syncLogLevel.enabled": "true",
    # Exponential in columns that pass through many steps; ours have up to a hundred.
    "spark.sql.constraintPropagation.enabled": "false",
    "spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version": "2",
    "spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
}
LOCAL = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}

# Loggers of pyspark that quote a failed query and the value that it met.
QUOTING_LOGGERS = ("SQLQueryContextLogger", "DataFrameQueryContextLogger")

LOST = "its workers were lost", "run the night again once they are back"

# Words in an error's text, what they tell, and what to do.
CAUSES = (
    (
        ("outofmemory", "heap space", "gc overhead"),
        "memory ran out",
        "raise spark.memory_gb in settings.toml, or the workers' memory",
    ),
    (("no space left", "disk quota"), "no space left on a device", "free space where driver and workers write"),
    (
        ("executorlost", "executor lost", "lost executor", "cancelled", "removed our application", "shut down"),
        *LOST,
    ),
)

# How often workers are counted, and how long the end of a session is waited for.
WATCH_SECONDS = 2
PATIENCE_SECONDS = 20.0


class Spark:
    """One session, begun with the first model that asks for it and ended with the night."""

    def __init__(self, settings: SparkSettings, warehouse: Path) -> None:
        """Nothing is started yet.

        Args:
            settings: The section `spark` of the settings.
            warehouse: The working warehouse, beside which tables are handed over unless settings name a folder.
        """
        self._settings = settings
        self._folder = folder_of(settings, warehouse)
        self._session: Any = None
        self._gateway: Any = None
        self._known: set[tuple[str, str]] = set()
        self._ended = threading.Event()

    def create(self, con: duckdb.DuckDBPyConnection, model: Model, params: dict[str, Any]) -> None:
        """Replace a model's table, in Spark and in the warehouse.

        Args:
            con: Connection to the working warehouse.
            model: The model; one that Python computes is DuckDB's.
            params: The parameters that the model names, and no others.

        Raises:
            ModelError: Spark could not start, or could not carry the query out.
        """
        if model.kind == "python":
            model.create(con, params)
            self._known.discard(model.key)
            return
        contract = contract_for(*model.key)
        self._start()
        with self._telling(model.name):
            for key in sorted(model.inputs - self._known):
                self._hand_over(con, key)
            *steps, answer = steps_of(model.tree)
            for step in steps:
                self._take(step, params)
            columns = [(p.name, p.sql_type) for p in contract.properties]
            self._write(
                answer.query, params, self._place(model.key), [(name, _spark_type(kind)) for name, kind in columns]
            )
            for step in steps:
                self._session.catalog.dropTempView(step.name)
            shutil.rmtree(self._folder / "steps", ignore_errors=True)
            self._register(model.key, columns)
        # In the order of the query's ORDER BY: Spark numbers the files of a sorted result in its order.
        if relation.kind(con, model.name) == "view":
            relation.drop(con, model.name)
        con.execute(f"create or replace table {model.name} ({contract.ddl()})")
        if files := _parts(self._place(model.key)):
            con.execute(f"insert into {model.name} by name from read_parquet(?, hive_partitioning = false)", [files])

    @contextmanager
    def _telling(self, name: str) -> Iterator[None]:
        """Errors of Spark as one line without a value.

        Raises:
            ModelError: Spark could not carry a query out.
        """
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        try:
            yield
        except (PySparkException, Py4JError, ConnectionError) as error:
            if os.environ.get("CAREGAPS_TRACEBACK"):
                raise
            is_ended = is_stopped = False
            if not isinstance(error, PySparkException):
                with suppress(subprocess.TimeoutExpired):
                    self._gateway.proc.wait(timeout=2)
                    is_ended = True
            if not is_ended:
                with suppress(Exception):
                    is_stopped = self._session.sparkContext._jsc.sc().isStopped()  # noqa: SLF001
            found, remedy = cause_of_spark(error, is_ended=is_ended, is_stopped=is_stopped)
            raise ModelError(f"{name}: Spark failed ({found}); {remedy}") from error

    def _take(self, step: Step, params: dict[str, Any]) -> None:
        """Carry one step out and give its rows the step's name.

        A recursion is taken round by round, each reading the rows of the one before under that name, until one has none.
        """
        places = [self._folder / "steps" / step.name / "0"]
        columns = self._write(step.query, params, places[0])
        while step.next_round is not None and any(pq.read_metadata(file).num_rows for file in _parts(places[-1])):
            self._view(step.name, columns, places[-1:])
            places.append(places[0].with_name(str(len(places))))
            self._write(step.next_round, params, places[-1], columns)
        self._view(step.name, columns, places)

    def _write(
        self, query: exp.Query, params: dict[str, Any], place: Path, columns: list[tuple[str, str]] | None = None
    ) -> list[tuple[str, str]]:
        """Write a query's answer as Parquet, in `columns` of the same order where they are given; return what it has."""
        frame = self._session.sql(to_dialect(query, "spark"), args=params)
        if columns is not None:
            frame = frame.selectExpr(*(f"cast(`{name}` as {kind}) as `{name}`" for name, kind in columns))
        frame.write.mode("overwrite").parquet(str(place))
        return frame.dtypes

    def _view(self, name: str, columns: list[tuple[str, str]], places: list[Path]) -> None:
        schema = ", ".join(f"`{column}` {kind}" for column, kind in columns)
        frame = self._session.read.schema(schema).parquet(*map(str, places))
        frame.createOrReplaceTempView(name)

    def close(self) -> None:
        """End the session with the Java process behind it, and remove every row that it was handed or made."""
        session, self._session = self._session, None
        if session is None:
            return
        gateway = self._gateway
        self._ended.set()

        def stop() -> None:
            # Of a process that is gone pyspark warns on stderr; the night has told it already.
            with suppress(Exception), warnings.catch_warnings(action="ignore"):
                session.stop()
                gateway.shutdown()

        # A cluster is told; a driver that no longer answers is not waited for.
        stopping = threading.Thread(target=stop, daemon=True)
        stopping.start()
        stopping.join(PATIENCE_SECONDS)
        _end_process(gateway)
        shutil.rmtree(self._folder, ignore_errors=True)
        self._known.clear()

    def _start(self) -> None:
        """Begin the session, unless it has begun.

        Raises:
            SettingsError: There is no Java, or the master does not answer.
        """
        if self._session is not None:
            return
        from pyspark import SparkConf, SparkContext
        from pyspark.java_gateway import launch_gateway
        from pyspark.logger import PySparkLogger
        from pyspark.sql import SparkSession

        for name in QUOTING_LOGGERS:
            PySparkLogger.getLogger(name).disabled = True
        logging.getLogger().addFilter(_is_not_of_py4j)
        # Of a run that was cut off: its rows are of people.
        shutil.rmtree(self._folder, ignore_errors=True)
        try:
            self._folder.mkdir(parents=True, mode=0o700)
        except OSError as error:
            raise cause_of(error, str(self._folder)) or error from error
        conf = SparkConf().setMaster(self._settings.master).setAll(list(self._conf().items()))
        # What Spark prints may quote values; whoever asks for tracebacks asks for them too.
        silent = {} if os.environ.get("CAREGAPS_TRACEBACK") else dict.fromkeys(("stdout", "stderr"), subprocess.DEVNULL)
        self._gateway = None
        try:
            self._gateway = launch_gateway(conf, silent)
            with _keeping_signals():
                self._session = SparkSession(SparkContext(conf=conf, gateway=self._gateway))
        except Exception as error:
            _end_process(self._gateway)
            shutil.rmtree(self._folder, ignore_errors=True)
            raise SettingsError(
                f"spark.master: found no session on {self._settings.master} ({_condition(error)}); Java 17 and a master "
                "that answers are expected"
            ) from error
        for schema in ("raw", *LAYERS):
            self._session.sql(f"create database if not exists {schema}")
        self._ended.clear()
        if not self._is_local:
            threading.Thread(target=self._watch, args=[self._session.sparkContext], daemon=True).start()

    @property
    def _is_local(self) -> bool:
        """Whether the driver does the work itself; `local-cluster` has workers."""
        return self._settings.master == "local" or self._settings.master.startswith("local[")

    def _conf(self) -> dict[str, str]:
        scratch = self._folder / "scratch"
        return {
            **DEFAULTS,
            **(LOCAL if self._is_local else {}),
            "spark.driver.memory": f"{int(self._settings.memory_gb * 1000)}m",
            "spark.sql.shuffle.partitions": str(self._settings.partitions),
            "spark.local.dir": str(scratch),
            "spark.sql.warehouse.dir": str(scratch / "warehouse"),
            "spark.driver.defaultJavaOptions": f'"-Djava.io.tmpdir={self._folder}"',
            **{k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in self._settings.conf.items()},
            **SEMANTICS,
        }

    def _watch(self, context: Any) -> None:
        """Cancel what no worker is left to answer: Spark would wait for one until the morning."""
        absent = 0
        while not self._ended.wait(WATCH_SECONDS):
            with suppress(Exception):
                # The driver is among those who hold memory.
                absent = 0 if context._jsc.sc().getExecutorMemoryStatus().size() > 1 else absent + WATCH_SECONDS  # noqa: SLF001
                if absent >= self._settings.worker_wait_seconds:
                    context.cancelAllJobs()

    def _place(self, key: tuple[str, str]) -> Path:
        return self._folder / "tables" / ".".join(key)

    def _hand_over(self, con: duckdb.DuckDBPyConnection, key: tuple[str, str]) -> None:
        """Let Spark read a table that DuckDB holds."""
        place, name = self._place(key), ".".join(key)
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        con.execute(f"copy {name} to {literal(place / 'part-0.parquet')} (format parquet)")
        self._register(key, columns_of(con, name))

    def _register(self, key: tuple[str, str], columns: list[tuple[str, str]]) -> None:
        name = ".".join(key)
        self._session.sql(f"drop table if exists {name}")
        ddl = ", ".join(f"`{column}` {_spark_type(kind)}" for column, kind in columns)
        place = str(self._place(key)).replace("\\", "\\\\").replace("'", "\\'")
        self._session.sql(f"create table {name} ({ddl}) using parquet location '{place}'")
        self._known.add(key)


def _spark_type(kind: str) -> str:
    return SPARK_TYPES.get(kind, kind)


def _parts(place: Path) -> list[str]:
    """The files of a table, in the order of their numbers."""
    return sorted(str(path) for path in place.glob("part-*.parquet"))


def _is_not_of_py4j(record: logging.LogRecord) -> bool:
    """Whether others than the line to Java log it: that one logs what it was sent when it breaks."""
    return "py4j" not in Path(record.pathname).parts


def cause_of_spark(error: Exception, *, is_ended: bool, is_stopped: bool = False) -> tuple[str, str]:
    """What is told of an error of Spark, and what to do; its own text may quote a value.

    Args:
        error: What pyspark raised.
        is_ended: Whether the Java process is gone.
        is_stopped: Whether Spark itself ended the session: a master does once workers die as fast as they begin, and
            what was asked meanwhile fails in whatever part of it came last.
    """
    if is_ended:
        return "its Java process ended", "run the night again; give the machine more memory if it comes back"
    text = str(error).lower()
    for words, found, remedy in CAUSES:
        if any(word in text for word in words):
            return found, remedy
    if is_stopped:
        return LOST
    return _condition(error), "CAREGAPS_TRACEBACK=1 shows more"


def _condition(error: Exception) -> str:
    """The name of an error of Spark."""
    return getattr(error, "getCondition", lambda: None)() or type(error).__name__


@contextmanager
def _keeping_signals() -> Iterator[None]:
    """A context that pyspark makes takes Ctrl-C for itself, beyond its own end."""
    before = signal.getsignal(signal.SIGINT)
    yield
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, before)


def _end_process(gateway: Any) -> None:
    """End the Java process of a session, which outlives it, and let another begin."""
    from pyspark import SparkContext

    if gateway is not None:
        gateway.proc.kill()
        gateway.proc.wait()
        gateway.proc.stdin.close()
    SparkContext._gateway = SparkContext._jvm = SparkContext._active_spark_context = None  # noqa: SLF001
