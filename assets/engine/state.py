"""State between nights: what cannot be recomputed from the input, kept with each published night.

Night D reads the newest state of a night before D, never its own, so that a night may be run again.
"""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import duckdb

from assets.engine.contract import contract_for
from assets.engine.errors import PublicationError

# Table of the warehouse -> the state table that the next night reads.
STATE_TABLES = {
    "state_gap": "outreach.gap_state",
    "state_gap_history": "outreach.gap_history",
    "state_release": "outreach.release",
    "state_suppression": "outreach.suppression_state",
    "state_referral": "outreach.referral",
    "state_attribution": "outreach.attribution",
    "state_contact_attempt": "facts.contact_attempt",
    "state_holdout_arm": "outreach.holdout_arm",
    "state_measure_rate": "outreach.measure_rate_history",
}


def nights(folder: Path) -> dict[datetime.date, Path]:
    """The published nights below a folder of `as_of=` links, oldest first."""
    found = {}
    for path in folder.glob("as_of=*"):
        try:
            found[datetime.date.fromisoformat(path.name.removeprefix("as_of="))] = path
        except ValueError:
            continue
    return dict(sorted(found.items()))


def last_night(output: Path) -> tuple[Path, dict[str, Any]]:
    """Folder and manifest of the last published night.

    The link is followed once: a night that is published meanwhile must not lend its rows to the date of this one.

    Raises:
        PublicationError: None is published.
    """
    night = (output / "latest").resolve()
    manifest = night / "manifest.json"
    if not manifest.is_file():
        raise PublicationError(f"{output}: found no published night; run `caregaps run` first")
    return night, json.loads(manifest.read_text(encoding="utf-8"))


def state_before(output: Path, as_of: datetime.date) -> Path | None:
    """The state folder of the newest published night before `as_of`."""
    published = nights(output)
    earlier = [night for night in nights(output / "restricted") if night < as_of and night in published]
    return output / "restricted" / f"as_of={max(earlier)}" / "state" if earlier else None


def load_state(con: duckdb.DuckDBPyConnection, table: str, output: Path, as_of: datetime.date) -> int:
    """Replace `raw.<table>` with the state of the newest night before `as_of`; empty on the first night.

    A night of before a column was added leaves it null: an upgrade forgets nothing.
    """
    contract = contract_for("raw", table)
    con.execute(f"create or replace table raw.{table} ({contract.ddl()})")
    folder = state_before(output, as_of)
    if folder and (path := folder / f"{table}.parquet").is_file():
        kept = f"read_parquet('{str(path).replace(chr(39), chr(39) * 2)}', hive_partitioning = false)"
        known = {name for name, *_ in con.execute(f"describe from {kept}").fetchall()}
        columns = ", ".join(f'"{c}"' for c in contract.columns if c in known)
        con.execute(f"insert into raw.{table} by name select {columns} from {kept}")
    [[rows]] = con.execute(f"select count(*) from raw.{table}").fetchall()
    return rows
