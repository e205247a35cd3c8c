"""Models that a function computes, where SQL would be slow or inexact: geometry on the sphere, and nothing else.

A computed model says in SELECTs what its function is handed; inputs and parameters are read from their parsed trees, as
those of any model. The function is pure: Arrow tables in, one Arrow table out, in the contract's columns.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import exp

from assets.engine import accessibility, geography, nearest, sphere
from assets.engine.contract import contract_for
from assets.engine.model import SQL, Model


@dataclass(frozen=True)
class Computed(Model):
    """One table that a Python function computes from others; `path` gives it its name as a file would."""

    path: Path
    function: Callable[..., pa.Table] = field(hash=False)
    reads: Mapping[str, str] = field(hash=False)

    @property
    def kind(self) -> str:
        """Told in Dagster beside the models that are SQL."""
        return "python"

    @cached_property
    def trees(self) -> dict[str, exp.Query]:
        """The parsed SELECT of each argument of the function."""
        return {name: sqlglot.parse_one(text, read="duckdb", into=exp.Select) for name, text in self.reads.items()}

    @cached_property
    def sql(self) -> str:
        """What the function is handed, to read; the function itself is no SQL."""
        return self.to("duckdb")

    @cached_property
    def inputs(self) -> frozenset[tuple[str, str]]:
        """Tables that the SELECTs read."""
        return frozenset((t.db, t.name) for tree in self.trees.values() for t in tree.find_all(exp.Table) if t.db)

    @cached_property
    def params(self) -> frozenset[str]:
        """Placeholders of the SELECTs."""
        return frozenset().union(*(_params(tree) for tree in self.trees.values()))

    @cached_property
    def description(self) -> str:
        """The function's docstring."""
        return inspect.getdoc(self.function) or ""

    @cached_property
    def version(self) -> str:
        """Digest of the SELECTs and of the code that computes, without comments and docstrings."""
        code = [_code(module) for module in (accessibility, geography, nearest, sphere)]
        selects = [tree.sql(dialect="duckdb", comments=False) for tree in self.trees.values()]
        return hashlib.sha256("\n".join([self.function.__name__, *selects, *code]).encode()).hexdigest()[:16]

    def to(self, dialect: str) -> str:
        """The SELECTs in an engine's SQL, each under the name of its argument."""
        function = f"{self.function.__module__}.{self.function.__name__}"
        told = "".join(f"-- {line}".rstrip() + "\n" for line in self.description.splitlines())
        return f"{told}--\n-- Computed by {function} from:\n" + "".join(
            f"\n-- {name}\n"
            f"{tree.sql(dialect=dialect, pretty=True, unsupported_level=sqlglot.ErrorLevel.RAISE).lower()};\n"
            for name, tree in self.trees.items()
        )

    def create(self, con: duckdb.DuckDBPyConnection, params: dict[str, Any]) -> None:
        """Replace the table by what the function returns, cast to the contract's types."""
        handed = {
            name: con.sql(text, params={p: params[p] for p in _params(self.trees[name])}).to_arrow_table()
            for name, text in self.reads.items()
        }
        con.register("computed_rows", self.function(**handed))
        try:
            columns = contract_for(*self.key).properties
            casts = ", ".join(f'cast("{p.name}" as {p.sql_type}) as "{p.name}"' for p in columns)
            con.execute(f"create or replace table {self.name} as select {casts} from computed_rows")
        finally:
            con.unregister("computed_rows")

    def column_lineage(self, schema: dict[str, dict[str, dict[str, str]]]) -> dict[str, list[tuple[str, str, str]]]:
        """Every column rests on all that the function is handed."""
        sources = sorted(
            {
                (table.db, table.name, column.name)
                for tree in self.trees.values()
                for table in tree.find_all(exp.Table)
                for column in tree.find_all(exp.Column)
                if column.name in schema[table.db][table.name]
            }
        )
        return {p.name: sources for p in contract_for(*self.key).properties}


def _params(tree: exp.Query) -> frozenset[str]:
    return frozenset(str(p.this) for p in tree.find_all(exp.Placeholder, exp.Parameter))


def _code(module: Any) -> str:
    tree = ast.parse(inspect.getsource(module))
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return ast.dump(tree)


POINTS = "select zcta_key, latitude, longitude from core.zcta order by zcta_key"
# Rows of sites are numbered by service, so that how many there are of each tells where it begins.
SERVICES = (
    "select service_key, service, count(site_row) as row_count from core.site where is_supply "
    "group by service_key, service order by service_key"
)
SUPPLY = "select supplier_key, site_key, latitude, longitude from core.site where is_supply order by site_row"

COMPUTED = (
    Computed(
        SQL / "facts" / "nearest_site.sql",
        geography.nearest_site,
        {"zcta": POINTS, "service": SERVICES, "site": SUPPLY},
    ),
    Computed(
        SQL / "facts" / "site_count.sql",
        geography.site_count,
        {
            "zcta": POINTS,
            "service": SERVICES,
            "site": SUPPLY,
            "reach": "select limit_key, zcta_key, service_key, cast(1000 * reach_miles as bigint) as reach "
            "from facts.access_limit where reach_miles is not null order by limit_key",
        },
    ),
    Computed(
        SQL / "facts" / "accessibility.sql",
        geography.accessibility,
        {
            "zcta": "select zcta, latitude, longitude, population, cast(base_minutes as double) as base_minutes, "
            "cast(minutes_per_mile as double) as minutes_per_mile from core.zcta order by zcta",
            "service": SERVICES,
            "site": "select supplier_key, latitude, longitude, is_accepting from core.site where is_supply "
            "order by site_row",
            "zone": "select unit, up_to, cast(weight as double) as weight from raw.accessibility_zone order by up_to",
        },
    ),
)
