"""Quality at the two borders: what tonight's delivery and tonight's worklists look like as a whole.

Contracts judge rows; these suites judge the data set, tonight's beside that of the last published night.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from assets.engine.border import COMPARED, COMPARISONS, EXPORTS
from assets.engine.errors import ContractError
from assets.engine.gx import judged
from assets.engine.sql_text import literal, sql_path
from assets.engine.suite import Severity, Suite, read_suite


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
        found = judged(catalogue, due) if due else {}
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
