"""What Dagster shows of a table's columns: documentation from the contract, lineage from the SQL."""

import json
from functools import cache

import dagster as dg
import duckdb

from assets.engine.contract import Contract, all_contracts
from assets.engine.model import Model

LAYERS = ("raw", "core", "facts", "gaps", "outreach")


def column_schema(contract: Contract) -> dg.TableSchema:
    """Columns with their meaning, types, keys and bounds; examples are left out."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                p.name,
                p.sql_type,
                p.description,
                constraints=dg.TableColumnConstraints(
                    nullable=not p.required,
                    unique=contract.grain == [p.name],
                    other=[rule for rule in p.broken() if rule != "not_null"],
                ),
                tags={"classification": p.classification} if p.classification else None,
            )
            for p in contract.properties
        ]
    )


@cache
def _types() -> dict[str, dict[str, dict[str, str]]]:
    types: dict[str, dict[str, dict[str, str]]] = {}
    for layer in LAYERS:
        for contract in all_contracts(layer):
            columns = {p.name: p.sql_type for p in contract.properties}
            if layer == "raw" and contract.table.source is None:
                columns |= {"source_file": "VARCHAR", "line_number": "BIGINT", "row_id": "BIGINT"}
            types.setdefault(layer, {})[contract.key[1]] = columns
    return types


@cache
def _lineage(model: Model) -> dict[str, list[tuple[str, str, str]]]:
    return model.column_lineage(_types())


def column_lineage(con: duckdb.DuckDBPyConnection, model: Model) -> dg.TableColumnLineage:
    """Which columns each column is computed from; kept in the warehouse, since parsing takes longer than building."""
    con.execute(
        "create table if not exists door.lineage (table_name VARCHAR primary key, version VARCHAR, columns VARCHAR)"
    )
    known = con.execute(
        "select columns from door.lineage where table_name = ? and version = ?", [model.name, model.version]
    ).fetchall()
    if known:
        found = json.loads(known[0][0])
    else:
        found = _lineage(model)
        con.execute(
            "insert or replace into door.lineage values (?, ?, ?)", [model.name, model.version, json.dumps(found)]
        )
    return dg.TableColumnLineage(
        {
            column: [dg.TableColumnDep(dg.AssetKey([schema, table]), source) for schema, table, source in sources]
            for column, sources in found.items()
        }
    )
