"""Values inside the text of a query, where a parameter cannot stand."""

import re
from pathlib import Path


def literal(value: str | Path) -> str:
    """A text or a path as a SQL string."""
    return "'" + str(value).replace("'", "''") + "'"


def sql_path(path: Path) -> str:
    """A path as a SQL string that names this file alone: to the engine `*`, `?` and `[` are patterns."""
    return literal(re.sub(r"([*?\[])", r"[\1]", str(path)))


def identifier(name: str) -> str:
    """A name as SQL, whatever it is made of."""
    return '"' + name.replace('"', '""') + '"'
