"""The working warehouse: one DuckDB file, one writer, one model built at a time."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from assets.engine import claim_view, kept, news, relation
from assets.engine.contract import Contract, contract_for
from assets.engine.errors import CaregapsError, ContractError, ModelError, PublicationError, WarehouseError
from assets.engine.machine import DISK_WORDS
from assets.engine.memory import memory_limit
from assets.engine.model import Model

SCHEMAS = ("door", "raw", "core", "facts", "gaps", "outreach")
BUILT_COLUMNS = {"table_name", "as_of", "settings_digest", "row_count", "seconds"}
BUILT_DDL = (
    "create table if not exists door.built "
    "(table_name VARCHAR primary key, as_of DATE, settings_digest VARCHAR, row_count BIGINT, seconds DOUBLE)"
)


# What says of tables that outlive a night what they were built from.
BOOKS = {
    "door.kept_table": kept.KEPT_DDL,
    "door.kept_member": kept.MEMBER_DDL,
    "door.kept_withheld": kept.WITHHELD_DDL,
    "door.judged_file": claim_view.JUDGED_FILE_DDL,
    "door.judged_table": claim_view.JUDGED_TABLE_DDL,
    "changed.basis": news.BASIS_DDL,
}


def file_below(output: Path) -> Path:
    """The working warehouse of a folder of published nights, where nobody names another."""
    return output / ".warehouse" / "working.duckdb"


def engine_config(threads: int, memory_gb: float, spill: Path) -> dict[str, Any]:
    """How the engine is set up wherever models are built.

    Args:
        threads: Threads that DuckDB may use.
        memory_gb: Memory limit in gigabytes, lowered to what there is; beyond it DuckDB spills.
        spill: The folder that it spills to.
    """
    return {
        "threads": threads,
        "memory_limit": f"{int(memory_limit(memory_gb) * 1000)}MB",
        "temp_directory": str(spill),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        # A delivery that is written anew under the same name is read anew.
        "enable_external_file_cache": False,
        # Files of a database begun so write text of few distinct values at three fifths of the cost of the default.
        "storage_compatibility_version": "v1.3.0",
    }


def connect(path: Path, threads: int, memory_gb: float) -> duckdb.DuckDBPyConnection:
    """Open the working warehouse for writing.

    Args:
        path: The DuckDB file; its folder is made, for the service user only.
        threads: Threads that DuckDB may use.
        memory_gb: Memory limit in gigabytes; beyond it DuckDB spills beside the file.

    Raises:
        PublicationError: Another process holds the file, or nobody may write it.
        WarehouseError: It is no working warehouse, or a damaged one, or bears the name of a layer.
    """
    # The engine calls a database by the name of its file, and could not tell it from the schema of that name.
    if path.stem in (*SCHEMAS, news.SCHEMA):
        raise WarehouseError(
            f"{path.name}: found a working warehouse named as one of its layers; another name is expected"
        )
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    spill = spill_folder(path)
    # Of a run that was cut off: its rows are of people, and nobody else would remove them.
    shutil.rmtree(spill, ignore_errors=True)
    try:
        con = duckdb.connect(str(path), config=engine_config(threads, memory_gb, spill))
    except (duckdb.Error, RuntimeError) as error:
        if "set lock" in str(error).lower():
            raise PublicationError(
                f"{path.name}: the working warehouse is held by another run; wait for that run to end"
            ) from error
        if told := cause_of(error, str(path.parent)):
            raise told from error
        raise WarehouseError(f"{path.name}: the file is not a readable warehouse; --fresh replaces it") from error
    try:
        path.chmod(0o600)
        _claim(con, path)
    except BaseException:
        con.close()
        raise
    return con


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Open the working warehouse for reading within the block, or say why that cannot be.

    Raises:
        PublicationError: The file is not there, a run holds it, or it cannot be read.
    """
    if not path.is_file():
        raise PublicationError(f"{path}: found no working warehouse; run `caregaps run` first")
    try:
        yield
    except duckdb.Error as error:
        raise PublicationError(
            f"{path.name}: a run is at work or the file cannot be read; wait for it to end"
        ) from error


def connect_for_reading(path: Path) -> duckdb.DuckDBPyConnection:
    """Open the working warehouse; nothing in it can be changed.

    Raises:
        PublicationError: The file is not there, a run holds it, or it cannot be read.
    """
    with reading(path):
        return duckdb.connect(str(path), read_only=True)


def spill_folder(path: Path) -> Path:
    """Where a warehouse's queries spill, and checks keep what they throw away."""
    return path.with_suffix(".tmp")


def _claim(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Set an empty file up, and know one of ours.

    Raises:
        WarehouseError: The file holds something else, or tables of another version.
    """
    try:
        [[tables]] = con.execute("select count(*) from duckdb_tables()").fetchall()
        if tables == 0:
            con.execute("".join(f"create schema if not exists {schema};" for schema in SCHEMAS))
            con.execute(BUILT_DDL)
        is_ours = {name for name, _ in columns_of(con, "door.built")} == BUILT_COLUMNS
    except duckdb.CatalogException:
        is_ours = False
    except duckdb.Error as error:
        raise cause_of(error, str(path.parent)) or _damaged(path) from error
    if not is_ours:
        raise WarehouseError(
            f"{path.name}: the file is a database of something else or of another version; name another file, or "
            "--fresh replaces it"
        )
    _drop_old_books(con)


def _drop_old_books(con: duckdb.DuckDBPyConnection) -> None:
    """Forget what earlier nights kept where this code keeps its books otherwise: all is built from the start."""
    there = [name for name in BOOKS if relation.kind(con, name)]
    if any([column for column, _ in columns_of(con, name)] != names_in(BOOKS[name]) for name in there):
        for name in there:
            con.execute(f"drop table {name}")


def names_in(ddl: str) -> list[str]:
    """Names of the columns that a list of definitions defines."""
    return [column.split()[0] for column in ddl.split(", ")]


def discard(path: Path) -> None:
    """Remove a working warehouse with what belongs to it; it is a cache."""
    for leftover in (path, path.with_name(path.name + ".wal")):
        leftover.unlink(missing_ok=True)
    shutil.rmtree(spill_folder(path), ignore_errors=True)


def _damaged(path: Path) -> WarehouseError:
    return WarehouseError(f"{path.name}: the working warehouse is damaged; run the night again, --fresh replaces it")


# The engine's own limit, or the machine's.
MORE_MEMORY = "raise limits.memory_gb in settings.toml, or lower it where the machine has less"

# What DuckDB says of a file whose blocks are not what was written; of a full disk it speaks by errno alone.
DAMAGED = ("checksum", "corrupt", "magic bytes", "deserializ", "serializ")
FULL = (*DISK_WORDS, "disk full")
UNWRITABLE = ("read-only file system", "permission denied", "input/output error", "not permitted", "fsync failed")


def cause_of(error: BaseException, where: str) -> CaregapsError | None:
    """An error of the machine as one line that says what to do; None where it is of another kind.

    Args:
        error: What was raised. Its text may hold a person's values, so that none of it is told.
        where: The folder or file that was worked on.
    """
    text = str(error).lower()
    if isinstance(error, (duckdb.OutOfMemoryException, MemoryError)) and not any(word in text for word in FULL):
        return ModelError(f"{where}: memory ran out; {MORE_MEMORY}")
    if isinstance(error, OSError) and error.errno:
        found = os.strerror(error.errno)
    elif isinstance(error, OSError) or type(error).__module__.startswith("xlsxwriter"):
        found = type(error).__name__
    elif isinstance(error, duckdb.Error) and any(word in text for word in FULL):
        found = "No space left on device"
    elif isinstance(error, duckdb.Error) and any(word in text for word in UNWRITABLE):
        found = next(word for word in UNWRITABLE if word in text).capitalize()
    else:
        return None
    return PublicationError(f"{where}: could not be written ({found}); free space and write access are expected")


def damage_of(error: BaseException, path: Path) -> WarehouseError | None:
    """An error that says that the working warehouse itself is damaged; None where it is of another kind."""
    text = str(error).lower()
    is_fatal = isinstance(error, (duckdb.FatalException, duckdb.InternalException, duckdb.SerializationException))
    is_broken = isinstance(error, duckdb.IOException) and any(word in text for word in DAMAGED)
    return _damaged(path) if is_fatal or is_broken else None


# What replaces a model's table: DuckDB by itself, or Spark.
Create = Callable[[duckdb.DuckDBPyConnection, Model, dict[str, Any]], None]


def by_duckdb(con: duckdb.DuckDBPyConnection, model: Model, params: dict[str, Any]) -> None:
    """Replace a model's table by DuckDB's own answer, or its view by the question."""
    table = contract_for(*model.key).table
    if relation.kind(con, model.name) not in (table.physical_type, None):
        relation.drop(con, model.name)
    if table.physical_type == "view":
        con.execute(f"create or replace view {model.name} as {model.sql}")
    elif table.kept:
        kept.build(con, model, params)
    else:
        model.create(con, params)


def build(
    con: duckdb.DuckDBPyConnection, model: Model, params: dict[str, Any], create: Create = by_duckdb
) -> tuple[int, float]:
    """Replace a model's table.

    Args:
        con: Connection to the working warehouse.
        model: The model.
        params: Parameters by name; the model takes those that it names.
        create: The engine that answers.

    Returns:
        The table's row count and the seconds that it took.

    Raises:
        ModelError: A parameter is not known, or the query fails.
    """
    if missing := model.params - params.keys():
        raise ModelError(f"{model.name} needs {sorted(missing)}; known parameters are {sorted(params)}")
    started = time.perf_counter()
    try:
        if create is not by_duckdb:
            kept.forget(con, model.name)
        create(con, model, {name: params[name] for name in model.params})
    except (duckdb.OutOfMemoryException, MemoryError) as error:
        raise ModelError(f"{model.name}: memory ran out; {MORE_MEMORY}") from error
    except duckdb.Error as error:
        claim_view.refuse_changed(con)
        if isinstance(error, duckdb.IOException) and (told := cause_of(error, model.name)):
            raise told from error
        raise
    [[rows]] = con.execute(f"select count(*) from {model.name}").fetchall()
    return rows, time.perf_counter() - started


def columns_of(con: duckdb.DuckDBPyConnection, name: str) -> list[tuple[str, str]]:
    """Column names and DuckDB types of a table, in order."""
    return [(row[0], row[1]) for row in con.execute(f"describe {name}").fetchall()]


def misshapen(con: duckdb.DuckDBPyConnection, contract: Contract) -> dict[str, int]:
    """Columns of a table that are not those of its contract.

    Raises:
        ContractError: The table is not there.
    """
    try:
        found = columns_of(con, contract.id)
    except duckdb.CatalogException as error:
        raise ContractError(f"{contract.id}: found no table; build it first") from error
    if contract.key[0] == "raw" and contract.table.source is None:
        found = [c for c in found if c[0] not in {"source_file", "line_number", "row_id"}]
    expected = [(p.name, p.sql_type) for p in contract.properties]
    broken = {f"{name} {kind} expected": 1 for name, kind in expected if (name, kind) not in found}
    broken |= {f"{name} {kind} not in the contract": 1 for name, kind in found if (name, kind) not in expected}
    if broken:
        return broken
    return {} if found == expected else {"column order": 1}


def violations(con: duckdb.DuckDBPyConnection, contract: Contract) -> dict[str, int]:
    """What breaks a contract, as counts: never a value.

    Of a table that was carried on, rows that stood before were judged by this contract then, and those that it took in
    are whole persons': neither can repeat the grain of the other.

    Returns:
        `rule -> rows`; empty for a table that keeps its contract.

    Raises:
        ContractError: The table is not there.
    """
    if broken := misshapen(con, contract):
        return broken
    taken_in = kept.news_of(con, contract.id) if contract.table.kept else None
    cursor = con.execute(contract.violations_sql(taken_in))
    names = [d[0] for d in cursor.description]
    counts = dict(zip(names, cursor.fetchall()[0], strict=True))
    if counts.pop("row_count") == 0 and contract.table.rows == "always" and not taken_in:
        counts["rows expected, none found"] = 1
    for rule in contract.table.quality:
        [[rows]] = con.execute(f"select count(*) from ({rule.query})").fetchall()
        counts[rule.name] = 0 if rows == rule.must_be else rows
    return {rule: rows for rule, rows in counts.items() if rows}


# Above this a table is checked by counting inside DuckDB rather than loaded into a frame.
FRAME_ROWS = 200_000


def broken_rules(con: duckdb.DuckDBPyConnection, contract: Contract) -> dict[str, int]:
    """What breaks a contract, as `rule -> rows`.

    Every table is judged by one counting query; an input table that fits is judged by pandera too, at the door. Large
    claims that are a view were judged value by value just now, by this contract, and are not read again.
    """
    broken = misshapen(con, contract)
    is_input = contract.key[0] == "raw" and contract.table.source is None
    if broken or not is_input:
        return broken or violations(con, contract)
    [[rows]] = con.execute(f"select count(*) from {contract.id}").fetchall()
    if rows > FRAME_ROWS and claim_view.is_view(con, contract):
        return {}
    broken = violations(con, contract)
    return pandera_failures(con, contract) if not broken and 0 < rows <= FRAME_ROWS else broken


def pandera_failures(con: duckdb.DuckDBPyConnection, contract: Contract) -> dict[str, int]:
    """What pandera finds in a table, as `column check -> cases`: never a value."""
    import pandera.errors

    columns = ", ".join(f'"{c}"' for c in contract.columns)
    frame = con.sql(f"select {columns} from {contract.id}").pl()
    try:
        contract.to_pandera().validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as error:
        counts = error.failure_cases.group_by("column", "check").len().rows()
        return {f"{column} {check}": cases for column, check, cases in counts}
    return {}
