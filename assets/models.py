"""Models: one asset per model, with its inputs, lineage and documentation read from the model and its contract."""

import dagster as dg

from assets.engine import warehouse
from assets.engine.contract import Contract, all_contracts, contract_for
from assets.engine.families import all_models
from assets.engine.model import Model
from assets.resources import NightResource, record
from assets.schema import LAYERS, column_lineage, column_schema

POOL = "duckdb"


def model_asset(model: Model) -> dg.AssetsDefinition:
    """One model as an asset."""

    @dg.asset(
        key=model.key,
        deps=[dg.AssetKey(i) for i in sorted(model.inputs)],
        group_name=model.key[0],
        description=model.description,
        code_version=model.version,
        kinds={"duckdb", model.kind},
        pool=POOL,
        metadata={"dagster/column_schema": column_schema(contract_for(*model.key))},
    )
    def asset(context: dg.AssetExecutionContext, night: NightResource) -> dg.MaterializeResult:
        with night.open(context.run) as (con, plan):
            rows, seconds = warehouse.build(con, model, plan.params)
            lineage = column_lineage(con, model)
            result = record(con, plan, model.name, rows, seconds)
        return dg.MaterializeResult(metadata={**(result.metadata or {}), "dagster/column_lineage": lineage})

    return asset


def contract_check(contract: Contract) -> dg.AssetChecksDefinition:
    """The contract of one table as a blocking check: what fails is told in counts and rule names."""

    @dg.asset_check(
        asset=dg.AssetKey(contract.key),
        name="contract",
        description=f"Columns, types, keys, bounds and rules of data_contracts/{contract.key[0]}/{contract.key[1]}.odcs.yaml.",
        blocking=True,
        pool=POOL,
    )
    def check(context: dg.AssetCheckExecutionContext, night: NightResource) -> dg.AssetCheckResult:
        with night.open(context.run) as (con, _):
            broken = warehouse.broken_rules(con, contract)
            [[rows]] = con.execute(f"select count(*) from {contract.id}").fetchall()
        message = ", ".join(f"{rule} on {count:,} of {rows:,} rows" for rule, count in sorted(broken.items()))
        return dg.AssetCheckResult(
            passed=not broken,
            description=f"{contract.id}: contract failed: {message}" if broken else None,
            metadata={"rules_broken": len(broken), "rows": rows, **dict(sorted(broken.items()))},
        )

    return check


def assets() -> list[dg.AssetsDefinition]:
    """Every model of every layer."""
    return [model_asset(model) for model in all_models()]


def checks() -> list[dg.AssetChecksDefinition]:
    """The contract check of every table, raw ones included."""
    return [contract_check(contract) for layer in LAYERS for contract in all_contracts(layer)]
