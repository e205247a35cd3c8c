"""Models: one asset per model, with its inputs, lineage and documentation read from the model and its contract."""

import dagster as dg

from assets.engine import warehouse
from assets.engine.contract import contract_for
from assets.engine.families import all_models
from assets.engine.model import Model
from assets.resources import NightResource, workplace
from assets.schema import column_lineage, column_schema
from assets.table import POOL, contract_check, record


def model_asset(model: Model) -> dg.AssetsDefinition:
    """One model as an asset."""
    contract = contract_for(*model.key)

    @dg.asset(
        key=model.key,
        deps=[dg.AssetKey(i) for i in sorted(model.inputs)],
        group_name=model.key[0],
        description=model.description,
        code_version=model.version,
        kinds={"duckdb", model.kind},
        pool=POOL,
        metadata={"dagster/column_schema": column_schema(contract)},
        check_specs=[contract_check(contract)],
    )
    def asset(context: dg.AssetExecutionContext, night: NightResource) -> dg.MaterializeResult:
        with night.open(context.run) as (con, plan):
            rows, seconds = warehouse.build(con, model, plan.params, workplace.engine(plan))
            return record(con, plan, contract, rows, seconds, column_lineage(con, model))

    return asset


def assets() -> list[dg.AssetsDefinition]:
    """Every model of every layer."""
    return [model_asset(model) for model in all_models()]
