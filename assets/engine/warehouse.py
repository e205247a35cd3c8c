"""The working warehouse: one DuckDB file, one writer, one model built at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from assets.engine.contract import Contract
from assets.engine.errors import ContractError, ModelError, PublicationError
from assets.engine.model import Model

SCHEMAS = ("door", "raw", "core", "facts", "gaps", "outreach")


def file_below(output: Path) -> Path:
    """The working warehouse of a folder of published nights, where nobody names another."""
    return output / ".warehouse" / "working.duckdb"


def connect(path: Path, threads: int, memory_gb: float) -> duckdb.DuckDBPyConnection:
    """Open the working warehouse for writing.

    Args:
        path: The DuckDB file; its folder is made, for the service user only.
        threads: Threads that DuckDB may use.
        memory_gb: Memory limit in gigabytes; beyond it DuckDB spills beside the file.

    Raises:
        PublicationError: The file is no warehouse, or another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    config = {
        "threads": threads,
        "memory_limit": f"{int(memory_gb * 1000)}MB",
        "temp_directory": str(path.with_suffix(".tmp")),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        # A delivery that is written anew under the same name is read anew.
        "enable_external_file_cache": False,
    }
    try:
        con = duckdb.connect(str(path), config=config)
    except duckdb.IOException as error:
        held = "lock" in str(error).lower()
        found = "is held by another run" if held else "is not a readable warehouse"
        remedy = "wait for that run to end" if held else "--fresh replaces it"
        raise PublicationError(f"{path.name}: the working warehouse {found}; {remedy}") from error
    path.chmod(0o600)
    con.execute("".join(f"create schema if not exists {schema};" for schema in SCHEMAS))
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


def build(con: duckdb.DuckDBPyConnection, model: Model, params: dict[str, Any]) -> tuple[int, float]:
    """Replace a model's table.

    Args:
        con: Connection to the working warehouse.
        model: The model.
        params: Parameters by name; the model takes those that it names.

    Returns:
        The table's row count and the seconds that it took.

    Raises:
        ModelError: A parameter is not known, or the query fails.
    """
    if missing := model.params - params.keys():
        raise ModelError(f"{model.name} needs {sorted(missing)}; known parameters are {sorted(params)}")
    started = time.perf_counter()
    try:
        model.create(con, {name: params[name] for name in model.params})
    except (duckdb.OutOfMemoryException, MemoryError) as error:
        raise ModelError(f"{model.name}: memory ran out; raise limits.memory_gb in settings.toml") from error
    except duckdb.IOException as error:
        raise ModelError(f"{model.name}: the disk could not be written; free space beside the warehouse") from error
    [[rows]] = con.execute(f"select count(*) from {model.name}").fetchall()
    return rows, time.perf_counter() - started


def columns_of(con: duckdb.DuckDBPyConnection, name: str) -> list[tuple[str, str]]:
    """Column names and DuckDB types of a table, in order."""
    return [(row[0], row[1]) for row in con.execute(f"describe {name}").fetchall()]


def violations(con: duckdb.DuckDBPyConnection, contract: Contract) -> dict[str, int]:
    """What breaks a contract, as counts: never a value.

    Returns:
        `rule -> rows`; empty for a table that keeps its contract.

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
    if found != expected:
        return {"column order": 1}
    cursor = con.execute(contract.violations_sql())
    names = [d[0] for d in cursor.description]
    counts = dict(zip(names, cursor.fetchall()[0], strict=True))
    if counts.pop("row_count") == 0 and contract.table.rows == "always":
        counts["rows expected, none found"] = 1
    for rule in contract.table.quality:
        [[rows]] = con.execute(f"select count(*) from ({rule.query})").fetchall()
        counts[rule.name] = 0 if rows == rule.must_be else rows
    return {rule: rows for rule, rows in counts.items() if rows}


# Above this a table is checked by counting inside DuckDB rather than loaded into a frame.
FRAME_ROWS = 200_000


def broken_rules(con: duckdb.DuckDBPyConnection, contract: Contract) -> dict[str, int]:
    """What breaks a contract, as `rule -> rows`.

    Every table is judged by one counting query; an input table that fits is judged by pandera too, at the door.
    """
    broken = violations(con, contract)
    is_input = contract.key[0] == "raw" and contract.table.source is None
    if broken or not is_input:
        return broken
    [[rows]] = con.execute(f"select count(*) from {contract.id}").fetchall()
    return pandera_failures(con, contract) if 0 < rows <= FRAME_ROWS else {}


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
