"""State between nights: what cannot be recomputed from the input, kept with each published night.

Night D reads the newest state of a night before D, never its own, so that a night may be run again.
"""

from __future__ import annotations

import datetime
from pathlib import Path

import duckdb

from assets.engine.contract import contract_for
from assets.engine.errors import PublicationError
from assets.engine.releases import SECRET, damaged_files, night_before, restricted_part
from assets.engine.sql_text import sql_path

# Table of the warehouse -> the state table that the next night reads.
STATE_TABLES = {
    "state_gap": "outreach.gap_state",
    "state_gap_history": "outreach.gap_history",
    "state_earlier_life": "outreach.earlier_life",
    "state_release": "outreach.release",
    "state_suppression": "outreach.suppression_state",
    "state_referral": "outreach.referral",
    "state_attribution": "outreach.attribution_state",
    "state_contact_attempt": "facts.known_attempt",
    "state_holdout_arm": "outreach.holdout_arm",
    "state_measure_rate": "outreach.measure_rate_history",
}


def load_state(con: duckdb.DuckDBPyConnection, table: str, output: Path, as_of: datetime.date) -> int:
    """Replace `raw.<table>` with the state of the newest night before `as_of`; empty on the first night.

    A night of before a table or column was added leaves it empty or null: an upgrade forgets nothing. A file that the
    night's manifest names must be there as it was written: an opt-out or a loss must not be forgotten in silence.

    Raises:
        PublicationError: That night's state is damaged or gone.
    """
    contract = contract_for("raw", table)
    con.execute(f"create or replace table raw.{table} ({contract.ddl()})")
    if night := night_before(output, as_of):
        secret = restricted_part(night)
        name = f"{SECRET}/state/{table}.parquet"
        if damaged_files(night, secret, name):
            raise PublicationError(
                f"{SECRET}/{night.name}/state/{table}.parquet: found a state that is not as it was written; restore "
                f"{night.name} and its restricted part from a backup, or run that night again"
            )
        if (path := secret / "state" / f"{table}.parquet").is_file():
            kept = f"read_parquet({sql_path(path)}, hive_partitioning = false)"
            known = {name for name, *_ in con.execute(f"describe from {kept}").fetchall()}
            columns = ", ".join(f'"{c}"' for c in contract.columns if c in known)
            con.execute(f"insert into raw.{table} by name select {columns} from {kept}")
    [[rows]] = con.execute(f"select count(*) from raw.{table}").fetchall()
    return rows
