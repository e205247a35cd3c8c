"""What a reference source is: how its files look, which of its columns are read, and what was found in them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import duckdb

from assets.engine.reference_files.part import Part


@dataclass
class Finding:
    """What reading one part told: rows, and what was repaired or left out."""

    source: Source
    part: Part
    row_count: int = 0
    notes: list[str] = field(default_factory=list)

    def tell(self, count: int | None, words: str) -> None:
        """Note a count that is not zero."""
        if count:
            self.notes.append(f"{count:,} {words}")


@dataclass(frozen=True, eq=False)
class Source:
    """One public file, as its publisher names it.

    Attributes:
        key: Short name of the source.
        title: What its publisher calls it.
        url: Where it is downloaded.
        gives: What it is for, in words that finish "without it ...".
        name: Pattern of its file names; a file so named without the required columns is an error.
        columns: Column read -> the headers that may carry it, in the spelling of `plain`.
        required: Columns that make a file this one.
        load: Reads `landed` (the columns as text, null where empty) into tables of the schema `ref`.
        reads_all: Every file counts (monthly and weekly, one per discipline); otherwise the newest alone.
        is_large: Read from the file in one pass, never copied first.
    """

    key: str
    title: str
    url: str
    gives: str
    name: str
    columns: dict[str, tuple[str, ...]]
    required: tuple[str, ...]
    load: Callable[[duckdb.DuckDBPyConnection, Finding], None]
    reads_all: bool = False
    is_large: bool = False

    def head_in(self, part: Part) -> int | None:
        """The line of the part that is this source's header, or None."""
        for at, (_, names) in enumerate(part.heads):
            if all(self.header_of(column, names) for column in self.required):
                return at
        return None

    def header_of(self, column: str, names: tuple[str, ...]) -> str | None:
        """The header that carries a column."""
        return next((alias for alias in self.columns[column] if alias in names), None)

    def is_named_like(self, part: Part) -> bool:
        """Whether the file's name says that it is this source."""
        return re.search(self.name, part.name) is not None

    def missing_in(self, part: Part) -> list[str]:
        """Required columns that the likeliest header lacks."""
        lacking = [[c for c in self.required if not self.header_of(c, names)] for _, names in part.heads]
        return min(lacking, key=len, default=list(self.required))


def count_of(con: duckdb.DuckDBPyConnection, query: str) -> int:
    """The number that a query yields."""
    [[number]] = con.execute(query).fetchall()
    return int(number or 0)
