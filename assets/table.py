"""What the asset of every table shares: its stamp, its line in the log, and the check of its contract in the same step."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import duckdb

from assets.engine import kept, warehouse
from assets.engine.contract import Contract
from assets.engine.night import Night
from assets.resources import log

POOL = "duckdb"
CHECK = "contract"


def contract_check(contract: Contract) -> dg.AssetCheckSpec:
    """The contract of one table as a blocking check: nothing reads a table that came out as it must not."""
    return dg.AssetCheckSpec(
        CHECK,
        asset=dg.AssetKey(contract.key),
        description=f"Columns, types, keys, bounds and rules of data_contracts/{contract.key[0]}/{contract.key[1]}.odcs.yaml.",
        blocking=True,
    )


def record(
    con: duckdb.DuckDBPyConnection,
    night: Night,
    contract: Contract,
    rows: int,
    seconds: float,
    lineage: dg.TableColumnLineage | None = None,
) -> dg.MaterializeResult:
    """Stamp a built table with its night, tell the log, judge it by its contract, and return what Dagster shows of it.

    What breaks the contract is told in counts and rule names, never in values.
    """
    con.execute(
        "insert or replace into door.built values (?, ?, ?, ?, ?)",
        [contract.id, night.as_of, night.digest, rows, seconds],
    )
    broken = dict(sorted(warehouse.broken_rules(con, contract).items()))
    told = kept.settle(con, contract.id, is_sound=not broken) if contract.table.kept else None
    log.info("%s: %s rows, %.1f s%s", contract.id, f"{rows:,}", seconds, f", {told}" if told else "")
    message = ", ".join(f"{rule} on {count:,} of {rows:,} rows" for rule, count in broken.items())
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": rows,
            "seconds": round(seconds, 3),
            "as_of": str(night.as_of),
            **({"built": told} if told else {}),
            **({"dagster/column_lineage": lineage} if lineage else {}),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name=CHECK,
                passed=not broken,
                description=f"{contract.id}: contract failed: {message}" if broken else None,
                metadata={"rules_broken": len(broken), "rows": rows, **broken},
            )
        ],
    )


@contextmanager
def timed() -> Iterator[list[float]]:
    """Seconds since entry, as the last element of the yielded list once the block ends."""
    started = time.perf_counter()
    seconds: list[float] = []
    yield seconds
    seconds.append(time.perf_counter() - started)
