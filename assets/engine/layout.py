"""Layouts: how a delivery's own files become canonical input tables.

`tuva` delivers the canonical tables themselves. Another layout is data (`data_contracts/layouts/<name>.yaml`: its
files, required columns and header aliases) plus one SELECT per canonical table in `sql/<name>/`.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
from pydantic import BaseModel, ConfigDict, ValidationError

from assets.engine.contract import CONTRACTS
from assets.engine.errors import InputError, SettingsError
from assets.engine.landing import InputFile, input_file, land
from assets.engine.model import SQL
from assets.engine.sql_text import literal
from assets.engine.text_file import EXPANSION_RATIO
from assets.engine.text_rows import refused_lines
from assets.engine.yaml_file import yaml_value


class Source(BaseModel):
    """One of a layout's own tables: its files and, per column, the headers that may carry it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    files: list[str]
    exclude: list[str] = []
    required: list[str]
    columns: dict[str, list[str]]


class Layout(BaseModel):
    """How a delivery is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    delimiter: str = ","
    quote: str = '"'
    sources: dict[str, Source] = {}

    @property
    def tables(self) -> set[str]:
        """Canonical tables that this layout maps from its own files."""
        return {path.stem for path in (SQL / self.name).glob("*.sql")}

    def maps(self, table: str) -> bool:
        """Whether the canonical table comes from this layout's own files."""
        return table in self.tables

    def mapping(self, table: str) -> Path:
        """The SELECT that yields a canonical table."""
        return SQL / self.name / f"{table}.sql"


@cache
def read_layout(name: str) -> Layout:
    """Read a layout by name.

    Raises:
        SettingsError: There is no such layout, or its file is not valid.
    """
    known = sorted({"tuva", *(path.stem for path in (CONTRACTS / "layouts").glob("*.yaml"))})
    if name not in known:
        raise SettingsError(f"--layout: found {name!r}; allowed are {', '.join(known)}")
    if name == "tuva":
        return Layout(name="tuva")
    content: dict[str, Any] = yaml_value((CONTRACTS / "layouts" / f"{name}.yaml").read_text(encoding="utf-8"))
    try:
        return Layout.model_validate({"name": name, **content})
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(f"layouts/{name}.yaml: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def source_files(source: Source, folder: Path) -> tuple[InputFile, ...]:
    """The files of one source in the input folder, in name order."""
    if not folder.is_dir():
        raise InputError(f"{folder}: found no such folder; a folder of input tables is expected")

    def bears(path: Path, patterns: Sequence[str]) -> bool:
        return any(fnmatchcase(path.name.lower(), pattern) for pattern in patterns)

    paths = [path for path in folder.iterdir() if bears(path, source.files) and not bears(path, source.exclude)]
    return tuple(input_file(path, path.name) for path in sorted(paths))


def land_source(
    con: duckdb.DuckDBPyConnection,
    layout: Layout,
    name: str,
    folder: Path,
    table: str,
    expansion_ratio: int = EXPANSION_RATIO,
) -> int:
    """Replace `<layout>.<source>` with the text of its files, and set refused lines aside for `table`.

    Args:
        con: Connection to the working warehouse.
        layout: The layout.
        name: One of its sources.
        folder: The input folder.
        table: The canonical table that is loaded.
        expansion_ratio: How many times its own size a compressed file may unpack to.

    Returns:
        The number of refused lines.

    Raises:
        InputError: A file lacks a required column or cannot be read.
    """
    source = layout.sources[name]
    columns = [*source.columns, "source_file"]
    con.execute(f"create schema if not exists {layout.name}")
    ddl = ", ".join(f'"{c}" VARCHAR' for c in columns)
    con.execute(f"create or replace temp table landed_source ({ddl}, line_number BIGINT)")
    lost = 0
    for number, file in enumerate(source_files(source, folder)):
        landed = land(con, file, number, layout.delimiter, layout.quote, expansion_ratio)
        selected, missing = [], []
        for column, aliases in source.columns.items():
            header = next((a.lower() for a in aliases if a.lower() in landed.header), None)
            if header is None and column in source.required:
                missing.append("/".join(aliases))
            selected.append(f"nullif(trim(\"{header}\"::varchar, ' \t'), '')" if header else "null")
        if missing:
            raise InputError(f"{file.label}: found no column {', '.join(missing)}; {layout.name} {name} requires it")
        label = literal(file.label)
        con.execute(
            f"insert into landed_source select {', '.join(selected)}, {label}, line_number from ({landed.query})"
        )
        if landed.rejects_table:
            con.execute(f"insert into door.{table}_rejected {refused_lines(landed.rejects_table, table, label)}")
            [[refused]] = con.execute(f"select count(distinct line) from {landed.rejects_table}").fetchall()
            lost += refused
    con.execute(f"create or replace table {layout.name}.{name} as select * from landed_source")
    con.execute("drop table landed_source")
    return lost
