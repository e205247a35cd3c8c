"""What stands under a name in the working warehouse: a table that holds its rows, or a view that reads others'."""

from __future__ import annotations

import duckdb


def kind(con: duckdb.DuckDBPyConnection, name: str) -> str | None:
    """`view` or `table`; None where nothing bears the name, which is `schema.table`."""
    is_view = con.execute(
        "select view_name from duckdb_views() "
        "where database_name = current_database() and schema_name = ? and view_name = ?",
        name.split("."),
    ).fetchone()
    if is_view:
        return "view"
    try:
        # DuckDB's own list of tables counts the rows of each: asked before every model, it cost as much as they did.
        con.execute(f"select 1 from {name} limit 0")
    except duckdb.CatalogException:
        return None
    return "table"


def drop(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """Remove what bears the name, whichever it is; what a view reads is not its to remove."""
    con.execute(f"drop {kind(con, name) or 'table'} if exists {name}")
