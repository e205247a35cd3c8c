"""The door: an input table from its files into `raw.<table>`, with every row accounted for.

A bad row is set aside in `door.<table>_rejected` with file, line and all its reasons, the codes of a refused claim in
`door.<table>_refused_code`, a refused wish or report in `door.<table>_refused_word`; a bad file stops the night with
one line. Counts go to `door.<table>_count` as (measure, detail, row_count).
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import duckdb

from assets.engine import claim_view, door, refused_code, refused_word, returned_file
from assets.engine.contract import Contract, all_contracts
from assets.engine.errors import InputError, one_line
from assets.engine.landing import (
    SHEET_TABLES,
    Folder,
    InputFile,
    Landed,
    files_of_folder,
    land,
    open_rows,
    reading,
    settle,
)
from assets.engine.layout import Layout, land_source
from assets.engine.model import Model
from assets.engine.raw_copy import Copy
from assets.engine.refused_word import WORD_TABLES
from assets.engine.sql_text import literal
from assets.engine.text_file import EXPANSION_RATIO
from assets.engine.text_rows import one_thread, refused_lines
from assets.engine.transaction import transaction

REQUIRED_TABLES = ("eligibility", "pharmacy_claim", "medical_claim")

# Claims carry versions, reversals and rebillings of one event; core tells them apart. Everywhere else a row that is
# equal in every column is a duplicate at once.
VERSIONED_TABLES = ("pharmacy_claim", "medical_claim")

REJECTED_DDL = "source_table VARCHAR, source_file VARCHAR, line_number BIGINT, reasons VARCHAR"
COUNT_DDL = "source_table VARCHAR, measure VARCHAR, detail VARCHAR, row_count BIGINT"


@dataclass(frozen=True)
class Inputs:
    """The files of one night: what lies where, before anything is read."""

    layout: Layout
    claims: Folder
    reference: Folder | None
    expansion_ratio: int = EXPANSION_RATIO

    def files_of(self, table: str) -> tuple[InputFile, ...]:
        """The files of a canonical table: beside the claims first, then in the reference folder."""
        if table in self.claims.tables:
            return self.claims.tables[table]
        return self.reference.tables.get(table, ()) if self.reference else ()


def input_contracts() -> dict[str, Contract]:
    """The canonical input tables, by name."""
    return {c.key[1]: c for c in all_contracts("raw") if c.table.source is None}


def find_inputs(layout: Layout, folder: Path, reference: Path | None, expansion_ratio: int = EXPANSION_RATIO) -> Inputs:
    """List the input and reference folders.

    Args:
        layout: How the delivery is read.
        folder: The input folder.
        reference: The folder of reference tables.
        expansion_ratio: How many times its own size a compressed file may unpack to.

    Raises:
        InputError: A folder is absent or a table is there twice.
    """
    tables = set(input_contracts())
    return Inputs(
        layout,
        files_of_folder(folder, tables if not layout.sources else tables - layout.tables),
        files_of_folder(reference, tables) if reference else None,
        expansion_ratio,
    )


def keep_ignored(con: duckdb.DuckDBPyConnection, inputs: Inputs) -> None:
    """Keep the names in the input folder that belong to no table, for the manifest."""
    con.execute("create or replace table door.ignored (name VARCHAR)")
    for name in inputs.claims.ignored:
        con.execute("insert into door.ignored values (?)", [name])


def load_table(con: duckdb.DuckDBPyConnection, contract: Contract, inputs: Inputs, folder: Path) -> int:
    """Replace `raw.<table>` from its files and return its row count.

    Args:
        con: Connection to the working warehouse.
        contract: The input table's contract.
        inputs: The night's files.
        folder: The input folder, for layouts that map their own files.

    Raises:
        InputError: A required table is absent or without a single row, or a file cannot be read.
    """
    table = contract.key[1]
    con.execute("create schema if not exists raw; create schema if not exists door")
    files = inputs.files_of(table)
    is_seen = table in VERSIONED_TABLES and not inputs.layout.maps(table) and all(file.is_parquet for file in files)
    known = claim_view.known_files(con, contract, files) if is_seen else claim_view.Known()
    if not known.files:
        con.execute(f"create or replace table door.{table}_rejected ({REJECTED_DDL})")
        refused_code.create(con, table)
        con.execute(f"create or replace table door.{table}_count ({COUNT_DDL})")
        if table in WORD_TABLES:
            refused_word.create(con, table)
        claim_view.drop(con, contract)
    if is_seen and files:
        base = _show_files(con, contract, files, known, inputs.expansion_ratio)
    else:
        base = _store_files(con, contract, inputs, folder)
    if table in REQUIRED_TABLES and base == 0:
        has_files = inputs.layout.maps(table) or bool(files)
        found = "no row" if has_files else "no file"
        raise InputError(
            f"{table}: found {found}; this table is required (one file or folder {table}.csv, .csv.gz or .parquet)"
        )
    _count(con, table, "read", "", base)
    if table not in VERSIONED_TABLES:
        _remove_copies(con, contract)
    [[rows]] = con.execute(f"select count(*) from raw.{table}").fetchall()
    _count(con, table, "stored", "", rows)
    return rows


def gather(con: duckdb.DuckDBPyConnection, contract: Contract) -> int:
    """Replace a table of what the door counted or set aside, of all input tables together, and return its row count."""
    name = contract.key[1]
    suffix = "count" if name == "ingested" else name
    tables = WORD_TABLES if suffix == "refused_word" else sorted(input_contracts())
    union = " union all ".join(f"select * from door.{table}_{suffix}" for table in tables)
    con.execute(f"create or replace table {contract.id} as select * from ({union}) order by all")
    [[rows]] = con.execute(f"select count(*) from {contract.id}").fetchall()
    return rows


def _store_files(con: duckdb.DuckDBPyConnection, contract: Contract, inputs: Inputs, folder: Path) -> int:
    """Copy the accepted rows of a table into `raw.<table>` and return the number of all.

    One transaction: between files the engine would write what it has to its place on disk, and again after the next one.
    """
    table = contract.key[1]
    is_claims, is_mapped = table in VERSIONED_TABLES, inputs.layout.maps(table)
    files = inputs.files_of(table)
    is_text = not is_mapped and not all(file.is_parquet for file in files)
    with one_thread(con) if is_text else nullcontext():
        # An error ends a transaction, and one in a file that was sent back does not end the night.
        returned = _land_returned(con, contract, files, inputs.expansion_ratio) if table in SHEET_TABLES else None
        with transaction(con):
            if is_mapped:
                copy = Copy(contract, contract.columns, is_shown=is_claims)
                copy.create(con)
                base = _load_mapped(con, copy, inputs, folder)
            else:
                landed = (
                    returned
                    if returned is not None
                    else [
                        (file, _land(con, contract, file, number, inputs.expansion_ratio))
                        for number, file in enumerate(files)
                    ]
                )
                found = {name for _, one in landed for name in one.header} if is_claims else contract.columns
                copy = Copy(contract, [name for name in contract.columns if name in found], is_shown=is_claims)
                copy.create(con)
                base = 0
                for file, one in landed:
                    with reading(file):
                        base += _load_file(con, copy, file, one, base)
            _set_aside(con, contract, copy.name)
            if is_claims:
                refused_code.keep(con, contract, copy.refused())
            if table in WORD_TABLES:
                refused_word.keep(con, contract, copy.refused())
            copy.settle(con)
    return base


def _show_files(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    files: tuple[InputFile, ...],
    known: claim_view.Known,
    expansion_ratio: int,
) -> int:
    """Make `raw.<table>` a view of Parquet files and return the number of their rows, the refused ones included.

    Counts and refused rows of the files that are known stand as they are; those of the others come beside them.
    """
    table = contract.key[1]
    con.execute(f"delete from door.{table}_count where measure in ('read', 'stored', 'blank')")
    old = [
        (file, open_rows(con, file, number, expansion_ratio=expansion_ratio)) for number, file in enumerate(known.files)
    ]
    unknown = [file for file in files if file not in known.files]
    stamps = {file.path: claim_view.stamp_of(file.path) for file in unknown}
    new = [
        (file, _land(con, contract, file, number, expansion_ratio))
        for number, file in enumerate(unknown, start=len(known.files))
    ]
    parts = claim_view.parts_of(new, first=len(old))
    claim_view.judge(con, contract, parts)
    _set_aside(con, contract, "judged")
    _sum_repairs(con, table)
    claim_view.show(con, contract, known, claim_view.parts_of(old), parts, stamps)
    if con.execute("select row_id from judged where reasons is not null limit 1").fetchone():
        queries = [
            door.typed_select(
                contract,
                f"select * from ({part.landed()}) where row_id in (select row_id from door.{table}_refused)",
                part.declared,
            )
            for part in parts
        ]
        refused_code.keep(con, contract, " union all ".join(f"select * from ({query})" for query in queries))
    con.execute("drop table judged")
    _count(con, table, "blank", "", 0)
    return sum(one.line_count for _, one in (*old, *new))


def _sum_repairs(con: duckdb.DuckDBPyConnection, table: str) -> None:
    """One count of repairs for each column, however many nights they came in."""
    repaired = con.execute(
        f"select detail, sum(row_count) from door.{table}_count where measure = 'repaired' group by detail order by detail"
    ).fetchall()
    con.execute(f"delete from door.{table}_count where measure = 'repaired'")
    for detail, rows in repaired:
        _count(con, table, "repaired", detail, rows)


def _land(
    con: duckdb.DuckDBPyConnection, contract: Contract, file: InputFile, number: int, expansion_ratio: int
) -> Landed:
    """One file as rows, after a look at its columns.

    Raises:
        InputError: It lacks a column that the table requires, or holds no single values in one.
    """
    table = contract.key[1]
    # Rows that nobody filled in are looked for first: such a file, a form, is read more than once.
    landing = land if contract.table.blank_without else open_rows
    landed = landing(con, file, number, expansion_ratio=expansion_ratio)
    required = [p.name for p in contract.properties if p.is_column_required]
    if missing := [name for name in required if name not in landed.header]:
        raise InputError(f"{file.label}: found no column {', '.join(missing)}; {table} requires {', '.join(required)}")
    if nested := [name for name in contract.columns if name in landed.nested]:
        raise InputError(f"{file.label}: found lists or structs in {', '.join(nested)}; a single value is expected")
    _count_columns(con, contract, landed)
    return landed


def _land_returned(
    con: duckdb.DuckDBPyConnection, contract: Contract, files: tuple[InputFile, ...], expansion_ratio: int
) -> list[tuple[InputFile, Landed]]:
    """Files that people sent back as rows, but those that are set aside: one pharmacy's must not keep back all lists."""
    found = []
    for number, file in enumerate(files):
        try:
            landed = _land(con, contract, file, number, expansion_ratio)
            landed = returned_file.as_copy(con, file, landed, number)
        except InputError as refusal:
            if landed := returned_file.mend(con, contract, file, number, refusal):
                _count_columns(con, contract, landed)
                found.append((file, landed))
        else:
            refused_word.read_again(con, contract, file, landed)
            found.append((file, landed))
    return found


def _count_columns(con: duckdb.DuckDBPyConnection, contract: Contract, landed: Landed) -> None:
    """Count the columns of a file that nobody knows, and those of the contract that it lacks."""
    for name in landed.header:
        if name not in contract.columns:
            _count(con, contract.key[1], "unknown_column", one_line(name), 1)
    for name in contract.columns:
        if name not in landed.header:
            _count(con, contract.key[1], "absent_column", name, 1)


def _load_file(con: duckdb.DuckDBPyConnection, copy: Copy, file: InputFile, landed: Landed, base: int) -> int:
    """Append one file and return the number of its rows, the refused ones included."""
    contract = copy.contract
    table = contract.key[1]
    query, blanks = _without_blanks(con, contract, landed.query)
    _count(con, table, "blank", "", blanks)
    label = literal(file.label)
    # Rows are numbered, not lines: lines have gaps, and begin at 2 in text and at 1 in Parquet.
    query = f"select *, {label} as source_file, {base}::bigint + row_number() over () as row_id from ({query})"
    if landed.is_open:
        # To describe the query would open the file once more.
        rows = copy.append(con, query, dict.fromkeys(landed.header, "VARCHAR"))
        settle(con, file, landed, copy.name, rows, base)
        if table in WORD_TABLES:
            refused_word.read_again(con, contract, file, landed)
    else:
        copy.append(con, query)
    if landed.rejects_table:
        con.execute(f"insert into door.{table}_rejected {refused_lines(landed.rejects_table, table, label)}")
    return landed.line_count - blanks


def _without_blanks(con: duckdb.DuckDBPyConnection, contract: Contract, query: str) -> tuple[str, int]:
    """Landed rows but those that nobody filled in, as the contract understands it, and how many those are."""
    if not contract.table.blank_without:
        return query, 0
    empty = " and ".join(
        f"coalesce(trim(\"{name}\"::varchar, ' \t'), '') = ''" for name in contract.table.blank_without
    )
    [[blanks]] = con.execute(f"select count(*) from ({query}) where {empty}").fetchall()
    return f"select * from ({query}) where not ({empty})", blanks


def _load_mapped(con: duckdb.DuckDBPyConnection, copy: Copy, inputs: Inputs, folder: Path) -> int:
    """Load a table that the layout maps from files of its own, and return the number of mapped rows."""
    table = copy.contract.key[1]
    model = Model(inputs.layout.mapping(table))
    lost = 0
    for _, source in sorted(model.inputs):
        lost += land_source(con, inputs.layout, source, folder, table, inputs.expansion_ratio)
    con.execute(f"create or replace temp table mapped as select *, row_number() over () as row_id from ({model.sql})")
    rows = copy.append(con, "select * from mapped")
    con.execute("drop table mapped")
    return rows + lost


def _set_aside(con: duckdb.DuckDBPyConnection, contract: Contract, judged: str) -> None:
    """Name the refused rows of a table of judged ones among the rejects, and count the repairs of the others."""
    table = contract.key[1]
    con.execute(
        f"insert into door.{table}_rejected select '{table}', source_file, line_number, reasons "
        f"from {judged} where reasons is not null"
    )
    families = door.repairable(contract)
    if not families:
        return
    # A few kinds of repaired rows: to sum bit by bit over all rows takes as long as to read them.
    kinds = con.execute(
        f"select repairs, count(*) from {judged} where reasons is null and repairs <> 0 group by repairs"
    ).fetchall()
    for bit, name in enumerate(families):
        if rows := sum(count for repairs, count in kinds if repairs >> bit & 1):
            _count(con, table, "repaired", name, rows)


def _remove_copies(con: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Keep one of equal rows (`duplicate`) and, per key, the last in byte order (`netted`: a superseded version)."""
    table = contract.key[1]
    columns = [f'"{c}"' for c in contract.columns]
    steps = [("duplicate", columns, ["source_file", "line_number"])]
    if contract.grain:
        newest_first = [f"{c} desc nulls last" for c in columns if c.strip('"') not in contract.grain]
        steps.append(("netted", [f'"{c}"' for c in contract.grain], newest_first or ["line_number"]))
    for bucket, group, order in steps:
        # Rows that are alone by their digest, nearly all, are not put in order.
        digest = f"hash({', '.join(group)})"
        con.execute(
            f"create or replace temp table copies as select row_id, row_number() over (partition by {', '.join(group)} "
            f"order by {', '.join(order)}) as copy from raw.{table} "
            f"where {digest} in (select {digest} from raw.{table} group by 1 having count(*) > 1) qualify copy > 1"
        )
        [[copies]] = con.execute("select count(*) from copies").fetchall()
        if copies:
            con.execute(f"delete from raw.{table} where row_id in (select row_id from copies)")
        _count(con, table, bucket, "", copies)
    con.execute("drop table copies")


def _count(con: duckdb.DuckDBPyConnection, table: str, measure: str, detail: str, rows: int) -> None:
    con.execute(f"insert into door.{table}_count values (?, ?, ?, ?)", [table, measure, detail, rows])
