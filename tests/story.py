"""Stories: a few rows in, the rows that must come out, both as tables that a pharmacist can read.

A story names only the columns that matter. Types come from the contract (of a table without one, from a build on empty
inputs), other columns from the contract's examples; a table that is not given exists and is empty. Raw rows that do not
name a `claim_id` are claims of their own. The named columns and exactly the rows are compared, in any order.
"""

from __future__ import annotations

import datetime
import hashlib
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import duckdb

from assets.engine import relation
from assets.engine.contract import CONTRACTS, Contract, all_contracts, contract_for
from assets.engine.families import all_models
from assets.engine.model import Model
from assets.engine.registry import load_registry
from assets.engine.settings import read_settings
from assets.engine.warehouse import SCHEMAS, build, columns_of

# What the door adds to every input row.
PLACE = (("source_file", "VARCHAR"), ("line_number", "BIGINT"), ("row_id", "BIGINT"))

Row = tuple[str | None, ...]


class StoryError(Exception):
    """A story that is not well told: a table, column or setting that is not there."""


def read_table(text: str) -> tuple[list[str], list[Row]]:
    """Column names and rows of a pipe table; an empty cell or `-` is null, a line that begins with `#` is a comment.

    Raises:
        StoryError: A row has more or fewer cells than the header.
    """
    lines = [line.strip() for line in text.splitlines()]
    cells = [[c.strip() for c in line.split("|")] for line in lines if line and not line.startswith("#")]
    if not cells:
        return [], []
    header, *rows = cells
    for row in rows:
        if len(row) != len(header):
            raise StoryError(f"{' | '.join(row)}: found {len(row)} cells; the header has {len(header)}")
    return header, [tuple(None if c in {"", "-"} else c for c in row) for row in rows]


def empty_warehouse() -> duckdb.DuckDBPyConnection:
    """A connection to a warehouse in memory: every raw table there and empty, the registries loaded."""
    con = duckdb.connect(config={"threads": 1})
    con.execute("".join(f"create schema {schema};" for schema in SCHEMAS))
    for contract in all_contracts("raw"):
        if contract.table.source == "registry":
            load_registry(con, contract.key[1], None)
        else:
            place = "".join(f", {name} {kind}" for name, kind in PLACE) if contract.table.source is None else ""
            con.execute(f"create table {contract.id} ({contract.ddl()}{place})")
    return con


@cache
def _models() -> dict[str, Model]:
    return {model.name: model for model in all_models()}


def models_for(targets: Iterable[str], given: Iterable[str] = ()) -> list[Model]:
    """The models that the targets need, in building order; a given table is not built, nor is what only it reads."""
    wanted, stack, given = set(), list(targets), set(given)
    while stack:
        name = stack.pop()
        if name not in _models():
            if name.startswith("raw."):
                continue
            raise StoryError(f"{name}: found no such model; allowed are {sorted(_models())}")
        if name not in wanted and name not in given:
            wanted.add(name)
            stack += [".".join(key) for key in _models()[name].inputs]
    return [model for name, model in _models().items() if name in wanted]


def parameters(as_of: str | datetime.date, **overrides: Any) -> dict[str, Any]:
    """SQL parameters: the as-of date and the repository's settings, with what a story sets otherwise.

    Raises:
        StoryError: An override is no setting.
    """
    day = as_of if isinstance(as_of, datetime.date) else datetime.date.fromisoformat(as_of)
    # Nobody is held out unless a story says so: a rule is told of everyone, whatever they would draw.
    params = {"as_of": day, **read_settings().params(), "control_percent": 0}
    if unknown := sorted(overrides.keys() - params.keys()):
        raise StoryError(f"settings: found {unknown}; allowed are {sorted(params)}")
    return params | overrides


def build_models(
    con: duckdb.DuckDBPyConnection,
    targets: Iterable[str],
    as_of: str | datetime.date,
    given: Iterable[str] = (),
    **overrides: Any,
) -> None:
    """Build the targets and everything that they need, except tables that are given."""
    params = parameters(as_of, **overrides)
    for model in models_for(targets, given):
        build(con, model, params)


@cache
def _blueprint() -> dict[str, list[tuple[str, str]]]:
    """Columns and types of every built table, from a build on empty inputs."""
    con = empty_warehouse()
    build_models(con, _models(), "2026-06-30")
    return {name: columns_of(con, name) for name in _models()}


def _contract(name: str) -> Contract | None:
    schema, table = name.split(".")
    return contract_for(schema, table) if (CONTRACTS / schema / f"{table}.odcs.yaml").exists() else None


def _shape(name: str) -> tuple[list[tuple[str, str]], dict[str, Any]]:
    """Columns with types, and the row that a story does not mention."""
    contract = _contract(name)
    if contract is None:
        if name not in _models():
            raise StoryError(f"{name}: found neither a contract nor a model; allowed are tables that have one")
        return _blueprint()[name], {}
    columns = [(p.name, p.sql_type) for p in contract.properties]
    if contract.key[0] == "raw" and contract.table.source is None:
        columns += PLACE
    return columns, contract.default_row()


def give(con: duckdb.DuckDBPyConnection, name: str, text: str) -> None:
    """Replace the rows of a table by those of a pipe table.

    Raises:
        StoryError: The table or a column is not there.
    """
    columns, defaults = _shape(name)
    types = dict(columns)
    header, rows = read_table(text)
    if unknown := sorted(set(header) - types.keys()):
        raise StoryError(f"{name}: found the columns {unknown}; allowed are {sorted(types)}")
    if name.startswith("raw."):
        con.execute(f"delete from {name}")
    else:
        con.execute(f"create or replace table {name} ({', '.join(f'{c} {kind}' for c, kind in columns)})")
    full = []
    for number, row in enumerate(rows, start=1):
        values = defaults | {"source_file": f"{name.split('.')[1]}.csv", "line_number": number + 1, "row_id": number}
        if "claim_id" in types:
            values["claim_id"] = f"C{number:04}"
        values |= dict(zip(header, row, strict=True))
        full.append([_plain(values.get(c), types[c]) for c in types])
    if full:
        casts = ", ".join(f"cast(? as {kind})" for kind in types.values())
        con.execute(
            f"insert into {name} values {', '.join([f'({casts})'] * len(full))}", [v for row in full for v in row]
        )


def _plain(value: Any, kind: str) -> str | None:
    if kind == "BOOLEAN" and isinstance(value, str):
        return {"yes": "true", "no": "false"}.get(value, value)
    return None if value is None else str(value)


def rows_of(con: duckdb.DuckDBPyConnection, name: str, columns: list[str]) -> list[Row]:
    """The named columns of a table as text, in the table's order, booleans as yes and no."""
    types = dict(columns_of(con, name))
    if unknown := sorted(set(columns) - types.keys()):
        raise StoryError(f"{name}: found the columns {unknown}; allowed are {sorted(types)}")
    shown = [
        f"case when {c} then 'yes' when not {c} then 'no' end" if types[c] == "BOOLEAN" else f"cast({c} as varchar)"
        for c in columns
    ]
    return con.execute(f"select {', '.join(shown)} from {name}").fetchall()


def expected_rows(con: duckdb.DuckDBPyConnection, name: str, columns: list[str], rows: list[Row]) -> list[Row]:
    """Expected cells as the table's own types write them, so that `0.8` is `0.8000` in a DECIMAL(9,4)."""
    types = dict(columns_of(con, name))
    casts = [
        "cast(? as varchar)" if types[c] == "BOOLEAN" else f"cast(cast(? as {types[c]}) as varchar)" for c in columns
    ]
    return [con.execute(f"select {', '.join(casts)}", list(row)).fetchall()[0] for row in rows]


def difference(columns: list[str], expected: list[Row], found: list[Row]) -> str:
    """Expected and found rows side by side: `-` is missing, `+` is unexpected; empty when they are the same."""
    missing, unexpected = Counter(expected) - Counter(found), Counter(found) - Counter(expected)
    if not missing and not unexpected:
        return ""
    same = Counter(found) & Counter(expected)
    marked = [(" ", r) for r in same.elements()] + [("-", r) for r in missing.elements()]
    marked += [("+", r) for r in unexpected.elements()]
    shown = [(mark, [c or "-" for c in row]) for mark, row in marked]
    table = [("", columns), *sorted(shown, key=lambda line: (line[1], line[0] != "-"))]
    widths = [max(len(row[i]) for _, row in table) for i in range(len(columns))]
    return "\n".join(
        f"{mark:1} {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))}".rstrip()
        for mark, row in table
    )


class Story:
    """One warehouse in memory for story after story: each finds what it gives and what rests on that, and nothing else.

    As `make` would, it builds only what differs from what the stories before left: a model is built anew where its
    settings or the rows of a table that it reads are others. Raw tables that a story does not give are as they began.
    """

    def __init__(self) -> None:
        """Set the raw tables up once."""
        self.con = empty_warehouse()
        # Per table, what it was made from and what it holds.
        self._made: dict[str, str] = {}
        self._holds: dict[str, str] = {}

    def tell(
        self,
        model: str,
        as_of: str,
        given: Mapping[str, str],
        expect: str | Mapping[str, str],
        params: Mapping[str, Any],
    ) -> None:
        """Build what the model needs from the given tables and compare.

        Args:
            model: The table that `expect` shows.
            as_of: Last day included.
            given: Table name -> pipe table; raw tables, or built tables in place of their models.
            expect: The rows that must come out, or table name -> rows for several tables.
            params: Settings that differ from `settings.toml`, by name.

        Raises:
            AssertionError: Other rows came out.
        """
        __tracebackhide__ = True
        expectations = expect if isinstance(expect, Mapping) else {model: expect}
        self.prepare(expectations, as_of, given, **params)
        differences = []
        for name, text in expectations.items():
            columns, rows = read_table(text)
            columns = columns or [c for c, _ in columns_of(self.con, name)]
            found = rows_of(self.con, name, columns)
            if diff := difference(columns, expected_rows(self.con, name, columns, rows), found):
                differences.append(f"{name}: - is missing, + was not expected\n{textwrap.indent(diff, '  ')}")
        if differences:
            raise AssertionError("\n\n".join(differences))

    def prepare(
        self, targets: Iterable[str], as_of: str | datetime.date, given: Mapping[str, str], **overrides: Any
    ) -> duckdb.DuckDBPyConnection:
        """Bring the warehouse to the given tables and what the targets need of them.

        Args:
            targets: Tables that are asked for.
            as_of: Last day included.
            given: Table name -> pipe table.
            overrides: Settings that differ from `settings.toml`, by name.

        Returns:
            The warehouse, to read; `aside` lends it to who writes.
        """
        params = parameters(as_of, **overrides)
        for name in [n for n in self._made if n.startswith("raw.") and n not in given]:
            self._begin_anew(name)
        for name, text in given.items():
            if self._is_news(name, text):
                give(self.con, name, text)
                self._made[name] = self._holds[name] = _mark(text)
        for model in models_for(targets, given):
            told = [(name, params[name]) for name in sorted(model.params)]
            inputs = [(name, self._holds.get(name)) for name in sorted(".".join(key) for key in model.inputs)]
            if self._is_news(model.name, told, inputs):
                rows, _ = build(self.con, model, params)
                self._made[model.name] = _mark(told, inputs)
                self._holds[model.name] = self._content(model, rows)
        return self.con

    @contextmanager
    def aside(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The warehouse with raw tables as they began, for what is told in other ways; what is written is forgotten."""
        con = self.prepare([], "2026-06-30", {})
        con.execute("begin")
        try:
            yield con
        finally:
            con.execute("rollback")

    def _is_news(self, name: str, *made_from: object) -> bool:
        """Whether a table is to be made anew; until it is made, nobody may take it for any that was."""
        if self._made.get(name) == _mark(*made_from):
            return False
        self._made[name] = ""
        if relation.kind(self.con, name) == "view":
            relation.drop(self.con, name)
        return True

    def _content(self, model: Model, rows: int) -> str:
        """A mark of the rows in their order; of a view, or where to read them costs more than to build on, of what made it."""
        if contract_for(*model.key).table.physical_type == "view" or rows > 1000:
            return self._made[model.name]
        return _mark(self.con.execute(f"from {model.name}").fetchall()) if rows else "no row"

    def _begin_anew(self, name: str) -> None:
        """A raw table as it was before any story gave it."""
        if contract_for(*name.split(".")).table.source == "registry":
            load_registry(self.con, name.removeprefix("raw."), None)
        else:
            self.con.execute(f"delete from {name}")
        del self._made[name]
        self._holds.pop(name, None)


def _mark(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()
