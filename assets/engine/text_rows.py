"""A text file as the engine reads it: the rows in their order, and which physical line each of them is.

The engine tells the lines that it refuses when it has read all of them, and no line that is blank: rows are numbered as
they come, and those behind a line that is no row are renumbered.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa

from assets.engine.errors import InputError
from assets.engine.sql_text import literal, sql_path
from assets.engine.text_file import refuse_many

if TYPE_CHECKING:
    from assets.engine.landing import InputFile

LONGEST_LINE = 1 << 24

# What DuckDB calls a line that it refuses, in the words of `raw.rejected`.
LINE_REASONS = {
    "MISSING COLUMNS": "too_few_columns",
    "TOO MANY COLUMNS": "too_many_columns",
    "INVALID ENCODING": "invalid_encoding",
    "UNQUOTED VALUE": "invalid_quoting",
    "LINE SIZE OVER MAXIMUM": "line_too_long",
}


def reader(path: Path, header: Sequence[str], delimiter: str, quote: str, name: str) -> str:
    """A text file as a table of the engine, every column text; refused lines go to the temporary `<name>_rejects`."""
    columns = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in header)
    # By itself the engine knows a compressed file by an ending in small letters alone.
    compression = "gzip" if path.suffix.lower() == ".gz" else "none"
    return (
        f"read_csv({sql_path(path)}, auto_detect = false, header = true, columns = {{{columns}}}, "
        f"delim = {literal(delimiter)}, quote = {literal(quote)}, escape = {literal(quote)}, strict_mode = true, "
        f"compression = '{compression}', max_line_size = {LONGEST_LINE}, hive_partitioning = false, store_rejects = true, "
        f"rejects_limit = 0, rejects_table = '{name}_rejects', rejects_scan = '{name}_scans')"
    )


def gaps_of(
    con: duckdb.DuckDBPyConnection, file: InputFile, rejects_table: str, blanks: Sequence[int], expected: int, rows: int
) -> tuple[int, list[int]]:
    """The number of refused lines of a file that was read, and where rows have lines between them that are none.

    Args:
        con: Connection that read the file.
        file: The file.
        rejects_table: What the reader filled.
        blanks: Numbers of its blank lines.
        expected: Its lines but the header and blank ones.
        rows: Its rows.

    Returns:
        The number, and of each line that is no row the ordinal of the row behind it (the first row is 1), going up.

    Raises:
        InputError: Rows and refused lines are not all that is expected, or too many are refused.
    """
    refused = [line for (line,) in con.execute(f"select distinct line from {rejects_table}").fetchall()]
    refuse_many(file, len(refused))
    if rows + len(refused) != expected:
        raise InputError(
            f"{file.label}: {expected} lines became {rows} rows and {len(refused)} refused lines; "
            "every line must be one row (look for an unclosed quote or a line break inside quotes)"
        )
    ordinals = [line - 1 - at for at, line in enumerate(sorted({*refused, *blanks}))]
    return len(refused), [ordinal for ordinal in ordinals if ordinal <= rows]


def renumber(con: duckdb.DuckDBPyConnection, table: str, gaps: Sequence[int], base: int) -> None:
    """Move the `line_number` of rows on by the lines before them that are no rows.

    Args:
        con: Connection to the working warehouse.
        table: Where the rows are, numbered from 2 on.
        gaps: Of `gaps_of`.
        base: Rows up to this `row_id` are of other files; 0 where there are none.
    """
    if not gaps:
        return
    ordinals = np.asarray(gaps)

    def lines_before(ordinal: pa.ChunkedArray) -> pa.Array:
        return pa.array(np.searchsorted(ordinals, ordinal.to_numpy(), side="right"))

    # A join of the rows with the gaps takes a hundred times as long, and more memory than a large file.
    con.create_function("lines_before", lines_before, ["BIGINT"], "BIGINT", type="arrow")  # type: ignore[arg-type]
    which = f"and row_id > {base}" if base else ""
    con.execute(
        f"update {table} set line_number = line_number + lines_before(line_number - 1) "
        f"where line_number > {gaps[0]} {which}"
    )
    con.remove_function("lines_before")


@contextmanager
def one_thread(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Work with one thread: where rows are numbered as they come, a second one has nothing to do but to wait, busily.

    It goes around a transaction, not into one: after an error nothing can be set within.
    """
    [[threads]] = con.execute("select current_setting('threads')").fetchall()
    con.execute("set threads = 1")
    try:
        yield
    finally:
        # A connection that was closed meanwhile has no threads to give back, and no error of its own to tell.
        with suppress(duckdb.Error):
            con.execute(f"set threads = {threads}")


def refused_lines(rejects_table: str, table: str, label: str) -> str:
    """Query of the lines that the reader refused, as rows of `raw.rejected`; `label` is the file as a SQL literal."""
    cases = " ".join(f"when '{kind}' then '{reason}'" for kind, reason in LINE_REASONS.items())
    return (
        f"select '{table}', {label}, line, string_agg(reason, ';' order by reason) from (select distinct line, "
        f"case error_type {cases} else 'unreadable_line' end as reason from {rejects_table}) group by line"
    )
