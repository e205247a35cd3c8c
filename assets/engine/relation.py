"""What stands under a name in the working warehouse: a table that holds its rows, or a view that reads others'."""

from __future__ import annotations

import duckdb


def is_view(con: duckdb.DuckDBPyConnection, key: tuple[str, str]) -> bool:
    """Whether `(schema, name)` is a view."""
    [[views]] = con.execute(
        "select count(*) from duckdb_views() where database_name = current_database() and schema_name = ? "
        "and view_name = ?",
        list(key),
    ).fetchall()
    return views > 0


def drop(con: duckdb.DuckDBPyConnection, key: tuple[str, str]) -> None:
    """Remove `(schema, name)`, whichever it is; what a view reads is not its to remove."""
    con.execute(f"drop {'view' if is_view(con, key) else 'table'} if exists {'.'.join(key)}")
