"""What stands under a name in the working warehouse: a table that holds its rows, or a view that reads others'."""

from __future__ import annotations

import duckdb


def kind(con: duckdb.DuckDBPyConnection, name: str) -> str | None:
    """`view` or `table`; None where nothing bears the name, which is `schema.table`."""
    found = con.execute(
        "with known as (select database_name, schema_name, view_name as name, 'view' as kind from duckdb_views() "
        "union all select database_name, schema_name, table_name, 'table' from duckdb_tables()) "
        "select kind from known where database_name = current_database() and schema_name = ? and name = ?",
        name.split("."),
    ).fetchone()
    return found[0] if found else None


def drop(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """Remove what bears the name, whichever it is; what a view reads is not its to remove."""
    con.execute(f"drop {kind(con, name) or 'table'} if exists {name}")
