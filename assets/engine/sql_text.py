"""Values inside the text of a query, where a parameter cannot stand."""

from pathlib import Path


def literal(value: str | Path) -> str:
    """A text or a path as a SQL string."""
    return "'" + str(value).replace("'", "''") + "'"
