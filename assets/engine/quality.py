"""Great Expectations at the two borders: what tonight's delivery and tonight's worklists look like as a whole.

Contracts judge rows; these suites judge the data set, on small profile tables and on worklists without their members.
Only numbers leave this module: a column of a worklist is never aggregated into an `observed`, it is counted.
"""

from __future__ import annotations

import html
import importlib
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import duckdb
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from assets.engine.contract import CONTRACTS
from assets.engine.errors import ContractError
from assets.engine.sql_text import literal, sql_path

BORDERS = ("raw", "outreach")
EXPECTATIONS = CONTRACTS / "expectations"

Severity = Literal["error", "warning"]

# Expectations whose result is a count of rows or an aggregate; nothing else is let in, so that no result holds a row.
COUNTED = (
    "expect_column_pair_values_a_to_be_greater_than_b",
    "expect_column_pair_values_to_be_equal",
    "expect_column_values_to_be_between",
    "expect_column_values_to_be_in_set",
    "expect_column_values_to_not_be_null",
)
AGGREGATED = ("expect_column_max_to_be_between", "expect_column_min_to_be_between")

# What each border hands to its suite. A worklist leaves its members, its gaps and its sentences behind.
EXPORTS: dict[str, dict[str, str]] = {
    "raw": {
        "input_profile": "select source_table, measure, detail, value, row_count from core.input_profile",
    },
    "outreach": {
        "worklist_profile": """
            select
                pharmacy_npi, state, weekly_capacity, row_count, urgent_count, min_list_rank, max_list_rank,
                list_rank_count, cast(min_score as double) as min_score, cast(max_score as double) as max_score
            from outreach.worklist_profile
        """,
        "worklist": """
            select
                pharmacy_npi, list_rank, priority_band, gap_family, cast(score as double) as score,
                coalesce(trim(person_id) <> '', false) as has_person,
                coalesce(trim(reason) <> '', false) as has_reason,
                coalesce(trim(gap_id) <> '', false) as has_gap_id,
                count(*) over (partition by gap_id) as gap_row_count
            from outreach.worklist
        """,
    },
}

# The catalogue is only read, and DuckDB fetches no extension for it.
ENGINE_OPTIONS = "access_mode=READ_ONLY&autoinstall_known_extensions=false&autoload_known_extensions=false"

# The profile table of each border that is published, and so there to compare the next night with.
COMPARED = {"raw": "input_profile", "outreach": "worklist_profile"}

# What the suites judge: tonight beside the last published night. Without one, `previous_*` is null on every row.
COMPARISONS: dict[str, dict[str, str]] = {
    "raw": {
        "input_profile": """
            select
                source_table, measure, detail, tonight.value, tonight.row_count,
                previous.value as previous_value,
                coalesce(tonight.value, 0) / nullif(previous.value, 0) as growth,
                tonight.value - previous.value as change
            from tonight_input_profile as tonight
            full join previous_input_profile as previous using (source_table, measure, detail)
        """,
    },
    "outreach": {
        "worklist_volume": """
            with volumes as (
                select 'tonight' as night, state, pharmacy_npi, row_count, urgent_count, min_score, max_score
                from tonight_worklist_profile
                union all
                select 'previous' as night, state, pharmacy_npi, row_count, urgent_count, min_score, max_score
                from previous_worklist_profile
            ),
            totals as (
                select
                    night,
                    case when grouping(state) = 1 then 'all' else 'state' end as level,
                    case when grouping(state) = 1 then '' else coalesce(state, '') end as level_value,
                    sum(row_count) as row_count,
                    count(distinct pharmacy_npi) as pharmacy_count,
                    sum(urgent_count) / sum(row_count) as urgent_share,
                    max(row_count) / sum(row_count) as largest_list_share,
                    max(max_score) - min(min_score) as score_spread
                from volumes
                group by grouping sets ((night), (night, state))
            )
            select
                level, level_value, tonight.row_count, tonight.pharmacy_count, tonight.urgent_share,
                tonight.largest_list_share, tonight.score_spread,
                previous.row_count as previous_row_count, previous.pharmacy_count as previous_pharmacy_count,
                coalesce(tonight.row_count, 0) / previous.row_count as row_growth,
                coalesce(tonight.pharmacy_count, 0) / previous.pharmacy_count as pharmacy_growth
            from (from totals where night = 'tonight') as tonight
            full join (from totals where night = 'previous') as previous using (level, level_value)
        """,
        "worklist_profile": "from tonight_worklist_profile",
        "worklist": "from tonight_worklist",
    },
}


class Expectation(BaseModel):
    """One entry of a suite: which rows of which table are judged, by which Great Expectations rule."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern="^[a-z][a-z0-9_]*$")
    severity: Severity
    description: str
    table: str
    rows: str = "true"
    type: str
    kwargs: dict[str, Any]

    @model_validator(mode="after")
    def _tells_no_value(self) -> Expectation:
        allowed = COUNTED if self.table == "worklist" else COUNTED + AGGREGATED
        if self.type not in allowed:
            raise ValueError(f"{self.type!r} is not allowed on {self.table}; allowed are {sorted(allowed)}")
        return self

    @property
    def compares(self) -> bool:
        """Whether it needs an earlier night."""
        return "previous_" in self.rows

    @property
    def allowed(self) -> str:
        """The bounds in words, for a reader of the page."""
        low, high = self.kwargs.get("min_value"), self.kwargs.get("max_value")
        if self.type in COUNTED:
            if low is None or high is None:
                return "no exception"
            return f"no row but {low:,}" if low == high else f"no row outside {low:,} to {high:,}"
        return " and ".join(
            f"{word} {limit:,}" for word, limit in (("at least", low), ("at most", high)) if limit is not None
        )


class Suite(BaseModel):
    """One file under `data_contracts/expectations/`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    border: Literal["raw", "outreach"]
    expectations: tuple[Expectation, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_once_and_known_tables(self) -> Suite:
        names = [e.name for e in self.expectations]
        if repeats := sorted({n for n in names if names.count(n) > 1}):
            raise ValueError(f"{repeats} are named twice; each name once is allowed")
        tables = COMPARISONS[self.border]
        if unknown := sorted({e.table for e in self.expectations} - tables.keys()):
            raise ValueError(f"{unknown} are not tables of this border; allowed are {sorted(tables)}")
        return self


@dataclass(frozen=True)
class ExpectationResult:
    """What one expectation found.

    `observed` is a count or an aggregate, and None where there was nothing to judge (which passes) or where the rule
    could not be run (which fails).
    """

    border: str
    name: str
    severity: Severity
    passed: bool
    observed: float | int | None
    description: str
    allowed: str


@cache
def read_suite(border: str, folder: Path = EXPECTATIONS) -> Suite:
    """Read the suite of a border.

    Raises:
        ContractError: There is no such suite, or it says something that is not allowed.
    """
    where = f"data_contracts/expectations/{border}.json"
    if border not in BORDERS:
        raise ContractError(f"{border!r} is not a border; borders are {sorted(BORDERS)}")
    try:
        return Suite.model_validate_json((folder / f"{border}.json").read_text(encoding="utf-8"))
    except OSError as error:
        raise ContractError(f"{where}: found no readable file; a suite of expectations is expected") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise ContractError(f"{where}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def expectation_specs(border: str) -> list[tuple[str, Severity, str]]:
    """Name, severity and description of every expectation of a border, without importing Great Expectations."""
    return [(e.name, e.severity, e.description) for e in read_suite(border).expectations]


def run_suite(
    con: duckdb.DuckDBPyConnection, border: str, previous: Path | None, scratch: Path
) -> list[ExpectationResult]:
    """Judge tonight's tables at a border.

    Args:
        con: Connection to the working warehouse, profile tables built.
        border: `raw` or `outreach`.
        previous: Folder of the last published night; None on a first night. A night that was published without
            profile tables compares with nothing.
        scratch: Folder for throwaway files; emptied of them again.

    Returns:
        One result per expectation, in the order of the suite.

    Raises:
        ContractError: The suite or a table that it needs is missing.
    """
    suite = read_suite(border)
    scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix=f"quality_{border}_", dir=scratch) as folder:
        catalogue = Path(folder) / "catalogue.duckdb"
        counts, is_comparable = _catalogue(con, suite, previous, catalogue)
        due = [e for e in suite.expectations if counts[e.name]]
        found = _judged(catalogue, due) if due else {}
    results = []
    for e in suite.expectations:
        passed, observed = found.get(e.name, (is_comparable or not e.compares, None))
        results.append(ExpectationResult(border, e.name, e.severity, passed, observed, e.description, e.allowed))
    return results


def _catalogue(
    con: duckdb.DuckDBPyConnection, suite: Suite, previous: Path | None, path: Path
) -> tuple[dict[str, int], bool]:
    """Write a DuckDB file of views over Parquet, one per expectation.

    Returns:
        The number of rows that each expectation has to judge, and whether the previous night, if any, was readable.
    """
    exports = EXPORTS[suite.border]
    for table, query in exports.items():
        try:
            con.execute(f"copy ({query}) to {literal(path.parent / f'{table}.parquet')} (format parquet)")
        except duckdb.CatalogException as error:
            raise ContractError(f"{suite.border} suite: found no {table}; build the profile models first") from error
    with duckdb.connect(str(path), config={"threads": 2}) as catalogue:
        for table in exports:
            file = path.parent / f"{table}.parquet"
            catalogue.execute(f"create view tonight_{table} as from read_parquet({sql_path(file)})")
        compared = COMPARED[suite.border]
        file = None if previous is None else previous / "tables" / f"{compared}.parquet"
        is_comparable = _remember(catalogue, compared, file)
        for table, query in COMPARISONS[suite.border].items():
            catalogue.execute(f"create view {table} as {query}")
        counts = {}
        for e in suite.expectations:
            catalogue.execute(f"create view judged_{e.name} as from {e.table} where {e.rows}")
            [[counts[e.name]]] = catalogue.execute(f"select count(*) from judged_{e.name}").fetchall()
    return counts, is_comparable


def _remember(catalogue: duckdb.DuckDBPyConnection, table: str, file: Path | None) -> bool:
    """Load a profile table of an earlier night, empty where there is none; False where it cannot be read.

    A column that the earlier night did not have yet is null; a damaged file fails the comparisons, never the night.
    """
    catalogue.execute(f"create table previous_{table} as from tonight_{table} where false")
    if file is None or not file.exists():
        return True
    wanted = {row[0] for row in catalogue.execute(f"describe previous_{table}").fetchall()}
    try:
        there = {row[0] for row in catalogue.execute(f"describe from read_parquet({sql_path(file)})").fetchall()}
        columns = ", ".join(sorted(wanted & there)) or "null"
        catalogue.execute(f"insert into previous_{table} by name select {columns} from read_parquet({sql_path(file)})")
    except duckdb.Error:
        return False
    return True


def _judged(catalogue: Path, expectations: Sequence[Expectation]) -> dict[str, tuple[bool, float | int | None]]:
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


STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #1b1b1b; }
table { border-collapse: collapse; width: 100%; margin-bottom: 2rem; }
caption { text-align: left; font-weight: 600; padding: .5rem 0; }
th, td { border-bottom: 1px solid #ccc; padding: .4rem .6rem; text-align: left; vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
tr.failed { background: #fbeaea; }
"""

TITLES = {"raw": "The delivery", "outreach": "The worklists"}


def write_data_docs(results: Sequence[ExpectationResult], target: Path) -> None:
    """Write the results of both borders as one self-contained page.

    Great Expectations' own Data Docs take their layout from nine CDNs and carry a context id and the clock; stripped
    of those nothing readable is left. This page loads nothing and is the same bytes for the same results.

    Args:
        results: Results of any borders, in the order in which they are shown.
        target: The HTML file; its folder exists.
    """
    failed = [r for r in results if not r.passed]
    errors = sum(r.severity == "error" for r in failed)
    sections = []
    for border in dict.fromkeys(r.border for r in results):
        rows = "\n".join(_row(r) for r in results if r.border == border)
        sections.append(
            f"<table>\n<caption>{TITLES[border]}</caption>\n<thead><tr>"
            '<th scope="col">Result</th><th scope="col">Expectation</th><th scope="col">Found</th>'
            f'<th scope="col">Allowed</th></tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>'
        )
    summary = f"Expectations: {len(results)}. Errors: {errors}. Warnings: {len(failed) - errors}."
    target.write_text(
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Data quality</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>Data quality</h1>\n"
        f"<p>{summary}</p>\n" + "\n".join(sections) + "\n</main>\n</body>\n</html>\n",
        encoding="utf-8",
    )


def _row(result: ExpectationResult) -> str:
    if not result.passed:
        verdict = result.severity
    elif result.observed is None:
        verdict = "nothing to judge"
    else:
        verdict = "passed"
    found = "" if result.observed is None else f"{result.observed:,}"
    return (
        f'<tr class="{"passed" if result.passed else "failed"}"><td>{verdict}</td>'
        f'<th scope="row">{html.escape(result.name.replace("_", " "))}<br><small>{html.escape(result.description)}</small></th>'
        f'<td class="number">{found}</td><td>{html.escape(result.allowed)}</td></tr>'
    )


RESULTS = "door.border_result"
RESULTS_DDL = (
    f"create table if not exists {RESULTS} (border VARCHAR, number INTEGER, name VARCHAR, severity VARCHAR, "
    "passed BOOLEAN, observed DOUBLE, description VARCHAR, allowed VARCHAR)"
)


def keep_results(con: duckdb.DuckDBPyConnection, border: str, results: Sequence[ExpectationResult]) -> None:
    """Keep a border's results in the warehouse until the night is published."""
    con.execute(RESULTS_DDL)
    con.execute(f"delete from {RESULTS} where border = ?", [border])
    rows = [
        (r.border, n, r.name, r.severity, r.passed, r.observed, r.description, r.allowed) for n, r in enumerate(results)
    ]
    if rows:
        con.executemany(f"insert into {RESULTS} values (?, ?, ?, ?, ?, ?, ?, ?)", rows)


def kept_results(con: duckdb.DuckDBPyConnection) -> list[ExpectationResult]:
    """The results that were kept, border by border, in suite order."""
    con.execute(RESULTS_DDL)
    rows = con.execute(
        "select border, name, severity, passed, observed, description, allowed "
        f"from {RESULTS} order by border desc, number"
    ).fetchall()
    return [ExpectationResult(*row) for row in rows]
