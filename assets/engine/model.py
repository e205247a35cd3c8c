"""SQL models: one SELECT per file, whose folder is the schema and whose name is the table.

A file declares nothing. Its inputs are the tables in FROM, its parameters the `$placeholders`, its description the
leading comment; all three are read from the parsed tree, so they cannot disagree with the query.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.lineage import Node
from sqlglot.lineage import lineage as sqlglot_lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import build_scope
from sqlglot.schema import MappingSchema

from assets.engine.errors import ModelError

ROOT = Path(__file__).resolve().parents[2]
SQL = ROOT / "sql"

# Folders of sql/ that are layers of the flow; sql/cms_rif is a layout's mapping, read at the door.
LAYERS = ("core", "facts", "gaps", "outreach")


@dataclass(frozen=True)
class Model:
    """One SQL file under `sql/`."""

    path: Path

    @property
    def kind(self) -> str:
        """What computes the table: `sql`, or `python` where a function does."""
        return "sql"

    @property
    def key(self) -> tuple[str, str]:
        """`(schema, table)`: the asset key and the DuckDB table alike."""
        return self.path.parent.name, self.path.stem

    @property
    def name(self) -> str:
        """`schema.table`."""
        return ".".join(self.key)

    @cached_property
    def sql(self) -> str:
        """The file's text, as DuckDB runs it."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> exp.Query:
        """The parsed SELECT.

        Raises:
            ModelError: The file holds anything but one SELECT.
        """
        where = f"sql/{self.key[0]}/{self.key[1]}.sql"
        try:
            statements = [s for s in sqlglot.parse(self.sql, read="duckdb") if s is not None]
        except sqlglot.ParseError as error:
            raise ModelError(f"{where}: not readable as SQL; {error.errors[0]['description']}") from error
        if len(statements) != 1 or not isinstance(statements[0], exp.Query):
            raise ModelError(f"{where}: found {len(statements)} statements; one SELECT is allowed")
        return statements[0]

    @cached_property
    def inputs(self) -> frozenset[tuple[str, str]]:
        """Tables read, as `(schema, table)`; common table expressions carry no schema and do not count."""
        return frozenset((t.db, t.name) for t in self.tree.find_all(exp.Table) if t.db)

    @cached_property
    def params(self) -> frozenset[str]:
        """Names of the `$placeholders`."""
        return frozenset(
            str(p.this) if isinstance(p.this, str) else p.name
            for p in self.tree.find_all(exp.Placeholder, exp.Parameter)
        )

    @cached_property
    def description(self) -> str:
        """The leading comment block, without its dashes."""
        lines = []
        for line in self.sql.splitlines():
            if not line.startswith("--"):
                break
            lines.append(line[2:].strip())
        return "\n".join(lines).strip()

    @cached_property
    def version(self) -> str:
        """Digest of the query without comments and layout, so that a reworded comment makes nothing stale."""
        return hashlib.sha256(self.tree.sql(dialect="duckdb", comments=False).encode()).hexdigest()[:16]

    def to(self, dialect: str) -> str:
        """The query in another engine's SQL."""
        return to_dialect(self.tree, dialect)

    def create(self, con: duckdb.DuckDBPyConnection, params: dict[str, Any]) -> None:
        """Replace the model's table.

        Args:
            con: Connection to the warehouse.
            params: The parameters that the model names, and no others.
        """
        con.execute(f"create or replace table {self.name} as {self.sql}", params)

    def column_lineage(self, schema: dict[str, dict[str, dict[str, str]]]) -> dict[str, list[tuple[str, str, str]]]:
        """Per output column the `(schema, table, column)` it is computed from.

        Args:
            schema: `{schema: {table: {column: type}}}` of every table that this model reads.
        """
        known: dict[str, Any] = {}
        for layer, table in self.inputs:
            known.setdefault(layer, {})[table] = schema[layer][table]
        # Names are lower case as they stand: to normalize them again takes most of the time.
        typed = MappingSchema(known, dialect="duckdb", normalize=False)
        tree = qualify(
            self.tree.copy(), schema=typed, dialect="duckdb", validate_qualify_columns=False, quote_identifiers=False
        )
        nodes = sqlglot_lineage(
            None, tree, typed, dialect="duckdb", scope=build_scope(tree), trim_selects=False, copy=False
        )
        return {column: sorted(_sources(node)) for column, node in nodes.items()}


def to_dialect(query: exp.Query, dialect: str) -> str:
    """A query in an engine's SQL; what the engine has no word for is an error."""
    told = query.transform(_as_duckdb_means) if dialect == "spark" else query
    return told.sql(dialect=dialect, pretty=True, unsupported_level=sqlglot.ErrorLevel.RAISE)


def _as_duckdb_means(node: exp.Expr) -> exp.Expr:
    """What Spark has a word for and means otherwise.

    Text is put together from text: Spark takes a decimal beside '' for a floating point number. Places are rounded as
    DuckDB rounds them, by a product: Spark rounds the shortest decimal that stands for a floating point number.
    """
    if isinstance(node, exp.Round) and (places := node.args.get("decimals")) is not None and places.to_py() > 0:
        power = exp.Literal.number(10 ** places.to_py())
        return exp.Div(
            this=exp.Round(this=exp.Mul(this=exp.paren(node.this), expression=power)), expression=power.copy()
        )
    if isinstance(node, (exp.Concat, exp.ConcatWs)):
        parts = [part if part.is_string else exp.cast(part, "text") for part in node.expressions]
        node.set("expressions", parts)
    return node


def _sources(top: Node) -> set[tuple[str, str, str]]:
    """Columns of tables below a node, each node visited once: columns share what they rest on."""
    sources, seen, stack = set(), set(), [top]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        stack += node.downstream
        table = node.expression.find(exp.Table) if isinstance(node.expression, exp.Table) else None
        if table is not None and table.db:
            sources.add((table.db, table.name, node.name.split(".")[-1].strip('"')))
    return sources


@cache
def sql_models() -> tuple[Model, ...]:
    """Every model that is a file, layer by layer, in name order."""
    return tuple(Model(path) for layer in LAYERS for path in sorted((SQL / layer).glob("*.sql")))
