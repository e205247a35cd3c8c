"""Great Expectations over a catalogue of DuckDB views: silent, calling nobody, and telling numbers only."""

from __future__ import annotations

import importlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any

from assets.engine.suite import COUNTED, Expectation

# The catalogue is only read, and DuckDB fetches no extension for it.
ENGINE_OPTIONS = "access_mode=READ_ONLY&autoinstall_known_extensions=false&autoload_known_extensions=false"


def judged(catalogue: Path, expectations: Sequence[Expectation]) -> dict[str, tuple[bool, float | int | None]]:
    """Run expectations through Great Expectations: name -> passed, observed."""
    # Read when GX is imported; nothing of a claims system is told to anyone.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    with warnings.catch_warnings(), _quiet("great_expectations"), _quiet("duckdb_engine"):
        warnings.simplefilter("ignore")
        gx = great_expectations()
        from great_expectations.data_context.types.base import (
            DataContextConfig,
            InMemoryStoreBackendDefaults,
            ProgressBarsConfig,
        )
        from great_expectations.expectations.registry import get_expectation_impl

        config = DataContextConfig(
            store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
            progress_bars=ProgressBarsConfig(globally=False),
            analytics_enabled=False,
        )
        with duckdb_in_gx():
            context = gx.get_context(mode="ephemeral", project_config=config)
            source = context.data_sources.add_sql(
                "catalogue", connection_string=f"duckdb:///{catalogue}?{ENGINE_OPTIONS}", create_temp_table=False
            )
            try:
                found = {}
                for e in expectations:
                    asset = source.add_table_asset(e.name, table_name=f"judged_{e.name}")
                    batch = asset.add_batch_definition_whole_table("all").get_batch()
                    rule = get_expectation_impl(e.type)(**e.kwargs)
                    # BASIC without examples: counts and aggregates, no value of a row.
                    result = batch.validate(
                        rule, result_format={"result_format": "BASIC", "partial_unexpected_count": 0}
                    )
                    told = result.result.get("unexpected_count" if e.type in COUNTED else "observed_value")
                    found[e.name] = bool(result.success), _number(told)
                return found
            finally:
                engine = source.get_execution_engine()
                engine.close()
                engine.engine.dispose()


def great_expectations() -> ModuleType:
    """Import Great Expectations without Spark Connect, which it asks for where pyspark is installed.

    A process whose main module has no file, as a run that the UI launched, pyspark takes for its own doctests and ends.
    """
    name = "pyspark.sql.connect"
    before = {name: sys.modules[name]} if name in sys.modules else {}
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        return importlib.import_module("great_expectations")
    finally:
        del sys.modules[name]
        sys.modules.update(before)


@contextmanager
def duckdb_in_gx() -> Iterator[None]:
    """Let Great Expectations keep one connection to DuckDB open while a result is read.

    GX 1.24 has no DuckDB engine: it closes the connection before it reads the rows, which DuckDB then no longer has.
    Taken back on leaving, so that nothing else in the process sees it. `tests/unit/test_quality.py` fails on the day
    that GX no longer needs it.
    """
    great_expectations()
    from great_expectations.execution_engine import sqlalchemy_execution_engine as sql_engine

    dialect = Enum("dialect", {"DUCKDB": "duckdb"}, type=str)
    before = sql_engine._PERSISTED_CONNECTION_DIALECTS  # noqa: SLF001 - the only place where GX can be told
    sql_engine._PERSISTED_CONNECTION_DIALECTS = (*before, dialect.DUCKDB)  # noqa: SLF001
    try:
        yield
    finally:
        sql_engine._PERSISTED_CONNECTION_DIALECTS = before  # noqa: SLF001


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Silence a library's log: its messages may quote a query's result."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)


def _number(value: Any) -> float | int | None:
    """A number as plain int or float with four decimals; anything else is nobody's business."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return value if isinstance(value, int) else round(float(value), 4)
