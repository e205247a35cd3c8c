"""Raw: the input tables through the door, the registries, and the state of the night before."""

from collections.abc import Callable

import dagster as dg

from assets.engine import ingest, kept, registry, state
from assets.engine.contract import Contract, all_contracts
from assets.engine.layout import read_layout
from assets.engine.reference import load_shipped
from assets.resources import NightResource
from assets.schema import column_schema
from assets.table import POOL, contract_check, record, timed

RAW = "raw"


def raw_asset(
    contract: Contract, kind: str, deps: list[dg.AssetKey] | None = None
) -> Callable[[Callable[..., dg.MaterializeResult]], dg.AssetsDefinition]:
    """The decorator of one raw table's asset."""
    return dg.asset(
        key=contract.key,
        deps=deps,
        group_name=RAW,
        description=contract.table.description,
        kinds={"duckdb", kind},
        pool=POOL,
        metadata={"dagster/column_schema": column_schema(contract)},
        check_specs=[contract_check(contract)],
    )


def input_asset(contract: Contract) -> dg.AssetsDefinition:
    """One input table, from its files."""

    @raw_asset(contract, "file")
    def asset(context: dg.AssetExecutionContext, night: NightResource) -> dg.MaterializeResult:
        with night.open(context.run) as (con, plan):
            with timed() as seconds:
                inputs = ingest.find_inputs(
                    read_layout(plan.layout), plan.input, plan.reference, plan.settings.limits.expansion_ratio
                )
                rows = ingest.load_table(con, contract, inputs, plan.input) or load_shipped(con, contract)
            if contract.key[1] == ingest.REQUIRED_TABLES[0]:
                ingest.keep_ignored(con, inputs)
            return record(con, plan, contract, rows, seconds[-1])

    return asset


def registry_asset(contract: Contract) -> dg.AssetsDefinition:
    """One registry table, from `data_contracts/`."""

    @raw_asset(contract, "yaml")
    def asset(context: dg.AssetExecutionContext, night: NightResource) -> dg.MaterializeResult:
        with night.open(context.run) as (con, plan):
            with timed() as seconds:
                rows = registry.load_registry(con, contract.key[1], plan.reference)
            return record(con, plan, contract, rows, seconds[-1])

    return asset


def state_asset(contract: Contract) -> dg.AssetsDefinition:
    """One table of the newest earlier night's state."""

    @raw_asset(contract, "parquet")
    def asset(context: dg.AssetExecutionContext, night: NightResource) -> dg.MaterializeResult:
        with night.open(context.run) as (con, plan):
            with timed() as seconds:
                rows = state.load_state(con, contract.key[1], plan.output, plan.as_of)
            return record(con, plan, contract, rows, seconds[-1])

    return asset


def kept_asset(contract: Contract) -> dg.AssetsDefinition:
    """What the working warehouse keeps from night to night."""

    @raw_asset(contract, "duckdb")
    def asset(context: dg.AssetExecutionContext, night: NightResource) -> dg.MaterializeResult:
        with night.open(context.run) as (con, plan):
            with timed() as seconds:
                rows = kept.load_known_members(con, contract.ddl())
            return record(con, plan, contract, rows, seconds[-1])

    return asset


def door_asset(contract: Contract) -> dg.AssetsDefinition:
    """What the door set aside or counted, all input tables together."""

    @raw_asset(contract, "sql", deps=[dg.AssetKey([RAW, t]) for t in sorted(ingest.input_contracts())])
    def asset(context: dg.AssetExecutionContext, night: NightResource) -> dg.MaterializeResult:
        with night.open(context.run) as (con, plan):
            with timed() as seconds:
                rows = ingest.gather(con, contract)
            return record(con, plan, contract, rows, seconds[-1])

    return asset


def reject_share_check() -> dg.AssetChecksDefinition:
    """Too many refused rows are a broken delivery, not bad rows: the night stops before publication."""

    @dg.asset_check(
        asset=dg.AssetKey([RAW, "rejected"]),
        name="few_rows_are_rejected",
        description="No input table has more refused rows than settings allow (share and number).",
        blocking=True,
        pool=POOL,
        additional_deps=[dg.AssetKey([RAW, "ingested"])],
    )
    def check(context: dg.AssetCheckExecutionContext, night: NightResource) -> dg.AssetCheckResult:
        with night.open(context.run) as (con, plan):
            limits = plan.settings.limits
            tables = con.execute(
                "select source_table, rejected_rows, read_rows from (select source_table, count(*) as rejected_rows "
                "from raw.rejected group by source_table) inner join (select source_table, sum(row_count) as read_rows "
                "from raw.ingested where measure = 'read' group by source_table) using (source_table) "
                "where rejected_rows >= ? and rejected_rows > ? * read_rows order by source_table",
                [limits.reject_rows, limits.reject_share],
            ).fetchall()
            reasons = {
                table: con.execute(
                    "select reason from (select unnest(string_split(reasons, ';')) as reason from raw.rejected "
                    "where source_table = ?) group by reason order by count(*) desc, reason limit 1",
                    [table],
                ).fetchall()[0][0]
                for table, _, _ in tables
            }
        message = "; ".join(
            f"raw.{t}: {n:,} of {read:,} rows are rejected, most for {reasons[t]}; at most {limits.reject_share:.0%} is allowed"
            for t, n, read in tables
        )
        return dg.AssetCheckResult(passed=not tables, description=message or None, metadata={"tables": len(tables)})

    return check


def assets() -> list[dg.AssetsDefinition]:
    """Every asset of the raw layer."""
    found = []
    for contract in all_contracts(RAW):
        match contract.table.source:
            case None:
                found.append(input_asset(contract))
            case "registry":
                found.append(registry_asset(contract))
            case "state":
                found.append(state_asset(contract))
            case "kept":
                found.append(kept_asset(contract))
            case "door":
                found.append(door_asset(contract))
    return found
