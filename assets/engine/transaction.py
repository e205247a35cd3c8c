"""All that is written within a block, or nothing of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit what the block wrote when it ends, and take it back when it fails."""
    con.execute("begin")
    try:
        yield
        con.execute("commit")
    except BaseException:
        # What went wrong is the error to tell; the engine may have given the transaction up by itself.
        with suppress(duckdb.Error):
            con.execute("rollback")
        raise
