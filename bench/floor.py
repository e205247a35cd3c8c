"""Floors that a night and its steps are set beside: what nobody can leave out.

Of the whole night: to scan the claim columns that it reads, to scan and sort the fills on their delivered text ids, to
scan the diagnosis columns. Of one step: to read what it reads once, and to write what it writes once more; what lies
above is the step's own joining, sorting and counting.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import duckdb
from sqlglot import exp

from assets.engine.computed import Computed
from assets.engine.contract import contract_for
from assets.engine.errors import InputError
from assets.engine.families import all_models
from assets.engine.ingest import find_inputs
from assets.engine.layout import read_layout
from assets.engine.model import Model
from assets.engine.sql_text import literal
from bench.measuring import open_database, timed

# What a night reads of claims at least once; the diagnosis columns are scanned apart.
FILL_COLUMNS = (
    "claim_id", "claim_line_number", "person_id", "ndc_code", "dispensing_date", "days_supply", "quantity",
    "dispensing_provider_npi", "claim_status", "paid_amount",
)  # fmt: skip
LINE_COLUMNS = (
    "claim_id", "claim_line_number", "claim_type", "person_id", "claim_start_date", "claim_end_date",
    "claim_line_start_date", "bill_type_code", "drg_code", "revenue_center_code", "hcpcs_code", "facility_npi",
    "rendering_npi", "place_of_service_code", "discharge_disposition_code", "claim_status", "paid_amount",
)  # fmt: skip
SORT = "person_id, dispensing_date, claim_id, claim_line_number"


def source(delivery: Path, name: str) -> str:
    """The files of a delivered table as a table of the engine: one or many, Parquet or text."""
    files = find_inputs(read_layout("tuva"), delivery, None).files_of(name)
    if not files:
        raise InputError(f"{name}: found no file in {delivery}; this table is required")
    if len({file.is_parquet for file in files}) > 1:
        raise InputError(f"{name}: found Parquet and text; a benchmark takes a delivery of one kind")
    paths = f"[{', '.join(literal(file.path) for file in files)}], union_by_name = true, hive_partitioning = false"
    return f"read_parquet({paths})" if files[0].is_parquet else f"read_csv({paths}, all_varchar = true)"


def floors(delivery: Path, threads: int, memory_gb: float) -> dict[str, float]:
    """CPU seconds of each part of the floor of a night."""
    con = duckdb.connect(config={"threads": threads, "memory_limit": f"{memory_gb}GB"})
    fills, lines = source(delivery, "pharmacy_claim"), source(delivery, "medical_claim")
    codes = [c for c in contract_for("raw", "medical_claim").columns if c.startswith("diagnosis_code_")]
    fill_columns, line_columns, code_columns = (
        present(con, relation, columns)
        for relation, columns in ((fills, FILL_COLUMNS), (lines, LINE_COLUMNS), (lines, codes))
    )
    sort = (
        f"select sum(try_cast(days_supply as integer) * place), max(ndc_code), max(dispensing_provider_npi) from "
        f"(select {', '.join(fill_columns)}, row_number() over (order by {SORT}) as place from {fills})"
    )
    found = {
        "scan of the fills": scan(con, fills, fill_columns),
        "scan of the medical lines": scan(con, lines, line_columns),
        "scan and sort of the fills": timed(lambda: con.execute(sort).fetchall())[0],
        "scan of the diagnosis columns": scan(con, lines, code_columns),
    }
    con.close()
    return found


def step_floors(
    warehouse: Path, night: Path, deliveries: dict[str, str], threads: int, memory_gb: float
) -> dict[str, float]:
    """CPU seconds of each step's own floor, by asset.

    Args:
        warehouse: The working warehouse that a night left.
        night: The folder that it published.
        deliveries: The delivered tables as DuckDB reads them, by the name of their `raw` table.
        threads: Threads of the night.
        memory_gb: Memory limit of the night.
    """
    con = open_database(warehouse, threads, memory_gb)
    found = {model.name: model_floor(con, model) for model in all_models() if is_stored(con, model.name)}
    found |= {name: scan(con, files, columns_of(con, files)) for name, files in deliveries.items()}
    con.close()
    return {**found, "publication": publication_floor(night)}


def model_floor(con: duckdb.DuckDBPyConnection, model: Model) -> float:
    """CPU seconds of reading the columns that a model names of each table it reads, and of writing its rows anew."""
    cpu = sum(scan(con, name, columns) for name, columns in read_columns(con, model).items())
    cpu += timed(lambda: con.execute(f"create table main.rows_again as from {model.name}"))[0]
    con.execute("drop table main.rows_again")
    return cpu


def read_columns(con: duckdb.DuckDBPyConnection, model: Model) -> dict[str, list[str]]:
    """Of each table that a model reads, the columns that it names; each counts once, however often it is read."""
    tables: dict[str, set[str]] = defaultdict(set)
    trees = model.trees.values() if isinstance(model, Computed) else (model.tree,)
    for read in (table for tree in trees for table in tree.find_all(exp.Table) if table.db):
        tables[read.alias_or_name].add(f"{read.db}.{read.name}")
    named: dict[str, set[str]] = {name: set() for names in tables.values() for name in names}
    for column in (column for tree in trees for column in tree.find_all(exp.Column)):
        for name in tables.get(column.table, ()):
            named[name].add(column.name)
    return {name: present(con, name, columns) for name, columns in named.items()}


def columns_of(con: duckdb.DuckDBPyConnection, relation: str) -> list[str]:
    """Columns of a table, or of files that are read as one."""
    return [column for column, *_ in con.execute(f"describe from {relation}").fetchall()]


def present(con: duckdb.DuckDBPyConnection, relation: str, columns: Iterable[str]) -> list[str]:
    """Those of some columns that a relation has, in its order."""
    wanted = set(columns)
    return [column for column in columns_of(con, relation) if column in wanted]


def is_stored(con: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Whether a model's rows are written: a view costs nothing until it is read."""
    found = con.execute("select 1 from duckdb_tables() where schema_name || '.' || table_name = ?", [name]).fetchone()
    return found is not None


def scan(con: duckdb.DuckDBPyConnection, relation: str, columns: list[str]) -> float:
    """CPU seconds of reading some columns of every row."""
    read = ", ".join(f"max({column})" for column in columns) or "count(*)"
    return timed(lambda: con.execute(f"select {read} from {relation}").fetchall())[0]


def table_bytes(warehouse: Path) -> dict[str, int]:
    """Bytes of the blocks that hold each table's rows; a table whose blocks are not full shares them with others."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        [[block]] = con.execute("select block_size from pragma_database_size()").fetchall()
        names = con.execute("select schema_name || '.' || table_name from duckdb_tables()").fetchall()
        blocks = "select count(distinct block_id) from pragma_storage_info(?) where block_id >= 0"
        return {name: block * con.execute(blocks, [name]).fetchall()[0][0] for (name,) in names}


def publication_floor(night: Path) -> float:
    """CPU seconds of writing every Parquet file of a night once more, and of copying every other file."""
    con = duckdb.connect()
    with tempfile.TemporaryDirectory(dir=night.parent) as folder:
        again = Path(folder) / "again"

        def write() -> None:
            for path in sorted(p for p in night.rglob("*") if p.is_file()):
                if path.suffix == ".parquet" and path.stat().st_size > 1_000_000:
                    con.execute(f"copy (from read_parquet('{path}')) to '{again}' (format parquet, compression zstd)")
                else:
                    shutil.copyfile(path, again)

        return timed(write)[0]
