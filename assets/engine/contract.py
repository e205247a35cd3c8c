"""Data contracts: an ODCS v3.2 YAML subset per table, written once.

A contract compiles to a pandera (polars) schema, to one counting SQL query for tables too large to load, to column
documentation and to the default row of story tests. Keys that nothing here enforces are refused, so that a contract
never promises what nobody checks.
"""

from __future__ import annotations

from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assets.engine.errors import ContractError
from assets.engine.model import ROOT
from assets.engine.sql_text import literal
from assets.engine.yaml_file import yaml_value

CONTRACTS = ROOT / "data_contracts"

LogicalType = Literal[
    "string", "integer", "bigint", "number", "ratio", "miles", "minutes", "date", "timestamp", "boolean"
]

# `ratio`, `miles` and `minutes` are the published decimals of interface 3.1: rounded once, before any comparison or sort.
SQL_TYPES: dict[str, str] = {
    "string": "VARCHAR",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "number": "DOUBLE",
    "ratio": "DECIMAL(9,4)",
    "miles": "DECIMAL(9,3)",
    "minutes": "DECIMAL(9,3)",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "boolean": "BOOLEAN",
}


class Options(BaseModel):
    """Bounds and format of one property."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    minimum: int | float | str | None = None
    maximum: int | float | str | None = None
    pattern: str | None = None
    format: str | None = None


class Property(BaseModel):
    """One column: what it means and what it may hold."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: str
    logical_type: LogicalType = Field(alias="logicalType")
    description: str
    examples: list[Any] = Field(min_length=1)
    required: bool = False
    column_required: bool = Field(default=False, alias="columnRequired")
    primary_key: bool = Field(default=False, alias="primaryKey")
    classification: Literal["restricted"] | None = None
    enum: list[str] | None = None
    options: Options = Field(default=Options(), alias="logicalTypeOptions")

    @property
    def sql_type(self) -> str:
        """The DuckDB type."""
        return SQL_TYPES[self.logical_type]

    @property
    def is_column_required(self) -> bool:
        """Whether a file without this column is refused."""
        return self.required or self.column_required

    def broken(self, value: str | None = None) -> dict[str, str]:
        """Rule name -> SQL condition that is true for a value that breaks the rule: the column's, unless one is given."""
        name, rules = value or f'"{self.name}"', {}
        if self.required:
            rules["not_null"] = f"{name} is null"
        for bound, operator in (("minimum", "<"), ("maximum", ">")):
            if (limit := getattr(self.options, bound)) is not None:
                bounding = (
                    f"{self.logical_type} '{limit}'" if self.logical_type in {"date", "timestamp"} else repr(limit)
                )
                rules[bound] = f"{name} {operator} {bounding}"
        if self.options.pattern is not None:
            rules["pattern"] = f"not regexp_full_match({name}, {literal(self.options.pattern)})"
        if self.enum is not None:
            rules["enum"] = f"{name} not in ({', '.join(map(literal, self.enum))})"
        return rules


class Quality(BaseModel):
    """A rule over a table: its name is the truth asserted, its query finds the rows that deny it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    description: str
    query: str
    must_be: int = Field(default=0, alias="mustBe")


class Table(BaseModel):
    """One table's columns and dataset rules."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: str
    description: str
    properties: list[Property]
    quality: list[Quality] = []
    source: Literal["registry", "state", "door", "kept"] | None = None
    rows: Literal["always", "may_be_empty"] = "may_be_empty"
    # A view holds no rows of its own: wide rows that others hold, and few read whole, are not copied.
    physical_type: Literal["table", "view"] = Field(default="table", alias="physicalType")
    # The rows of a person rest on that person's claims alone: those of others are carried on from the night before.
    kept: bool = False
    published: bool = False
    restricted: bool = False
    reject_when: dict[str, str] = Field(default={}, alias="rejectWhen")
    blank_without: list[str] = Field(default=[], alias="blankWithout")
    sensitive_when: str | None = Field(default=None, alias="sensitiveWhen")


class Contract(BaseModel):
    """One file under `data_contracts/<schema>/`."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    api_version: Literal["v3.2.0"] = Field(alias="apiVersion")
    kind: Literal["DataContract"]
    id: str
    version: str
    status: Literal["active"]
    tables: list[Table] = Field(alias="schema", min_length=1, max_length=1)

    @property
    def table(self) -> Table:
        """The one table that the contract describes."""
        return self.tables[0]

    @property
    def key(self) -> tuple[str, str]:
        """`(schema, table)`."""
        schema, table = self.id.split(".")
        return schema, table

    @cached_property
    def properties(self) -> tuple[Property, ...]:
        """Columns in published order."""
        return tuple(self.table.properties)

    @property
    def columns(self) -> list[str]:
        """Column names in published order."""
        return [p.name for p in self.properties]

    @property
    def grain(self) -> list[str]:
        """Columns that together name one row; empty where versions of a row repeat."""
        return [p.name for p in self.properties if p.primary_key]

    def ddl(self) -> str:
        """The column list of a CREATE TABLE."""
        return ", ".join(f'"{p.name}" {p.sql_type}' for p in self.properties)

    def violations_sql(self, relation: str | None = None) -> str:
        """One scan that counts, per column and rule, the rows that break it, and the repeats of the grain.

        Args:
            relation: Where the rows are, of the table itself unless it is said.

        Returns:
            A query with one row and one BIGINT column per `column rule` pair.
        """
        relation = relation or self.id
        counts = [
            f'count(*) filter (where {condition}) as "{p.name} {rule}"'
            for p in self.properties
            for rule, condition in p.broken().items()
        ]
        if self.grain:
            grain = ", ".join(f'"{c}"' for c in self.grain)
            counts.append(
                f"(select coalesce(sum(n - 1), 0) from (select count(*) as n from {relation} group by {grain}))"
                ' as "grain unique"'
            )
        return f"select count(*) as row_count{''.join(', ' + c for c in counts)} from {relation}"

    def to_pandera(self) -> Any:
        """The pandera (polars) schema: exact columns, order and types, nulls and bounds.

        Returns:
            `pandera.polars.DataFrameSchema` with `strict`, `ordered` and no coercion.
        """
        import pandera.polars as pa
        import polars as pl

        types = {
            "string": pl.String,
            "integer": pl.Int32,
            "bigint": pl.Int64,
            "number": pl.Float64,
            "ratio": pl.Decimal(9, 4),
            "miles": pl.Decimal(9, 3),
            "minutes": pl.Decimal(9, 3),
            "date": pl.Date,
            "timestamp": pl.Datetime("us"),
            "boolean": pl.Boolean,
        }
        columns = {}
        for p in self.properties:
            checks = []
            if p.enum is not None:
                checks.append(pa.Check.isin(p.enum))
            if p.options.pattern is not None:
                checks.append(pa.Check.str_matches(f"^(?:{p.options.pattern})$"))
            for bound, check in (("minimum", pa.Check.ge), ("maximum", pa.Check.le)):
                if (limit := getattr(p.options, bound)) is not None:
                    checks.append(check(_python_value(p, limit)))
            columns[p.name] = pa.Column(types[p.logical_type], checks=checks, nullable=not p.required)
        return pa.DataFrameSchema(columns, unique=self.grain or None, strict=True, ordered=True, coerce=False)

    def default_row(self) -> dict[str, Any]:
        """The first example of every column: what a story test does not mention."""
        return {p.name: p.examples[0] for p in self.properties}


def _python_value(p: Property, limit: float | str) -> Any:
    import datetime
    import decimal

    if p.logical_type == "date":
        return datetime.date.fromisoformat(str(limit))
    if p.logical_type == "timestamp":
        return datetime.datetime.fromisoformat(str(limit))
    if p.logical_type in {"ratio", "miles", "minutes"}:
        return decimal.Decimal(str(limit))
    return limit


@cache
def read_contract(path: Path) -> Contract:
    """Read one contract file.

    Raises:
        ContractError: The file is not the ODCS subset, or its id is not its path.
    """
    where = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    try:
        contract = Contract.model_validate(yaml_value(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ContractError(
            f"{where}: {place} {first['msg'].lower()}; see data_contracts/README.md for the keys"
        ) from error
    expected = f"{path.parent.name}.{path.name.removesuffix('.odcs.yaml')}"
    if contract.id != expected or contract.table.name != expected.split(".")[1]:
        raise ContractError(f"{where}: id is {contract.id!r}; allowed is {expected!r}, the file's own path")
    return contract


@cache
def contract_for(schema: str, table: str) -> Contract:
    """The contract of `schema.table`.

    Raises:
        ContractError: There is no such file.
    """
    path = CONTRACTS / schema / f"{table}.odcs.yaml"
    if not path.exists():
        raise ContractError(
            f"{schema}.{table}: found no contract; data_contracts/{schema}/{table}.odcs.yaml is expected"
        )
    return read_contract(path)


@cache
def all_contracts(schema: str) -> tuple[Contract, ...]:
    """Every contract of one layer, in name order; read once, so that a night sees one set of them."""
    return tuple(read_contract(path) for path in sorted((CONTRACTS / schema).glob("*.odcs.yaml")))
