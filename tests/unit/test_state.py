"""State between nights: what an upgrade finds."""

from __future__ import annotations

import datetime
from pathlib import Path

import duckdb

from assets.engine.contract import contract_for
from assets.engine.state import load_state

BEFORE, TONIGHT = datetime.date(2026, 6, 29), datetime.date(2026, 6, 30)
NEW = ("programme", "service_code")


def test_a_night_of_before_a_column_was_added_leaves_it_null(tmp_path: Path) -> None:
    contract = contract_for("raw", "state_release")
    row = {c: v for c, v in contract.default_row().items() if c not in NEW}
    state = tmp_path / "restricted" / f"as_of={BEFORE}" / "state"
    state.mkdir(parents=True)
    (tmp_path / f"as_of={BEFORE}").mkdir()
    (tmp_path / f"as_of={BEFORE}" / "manifest.json").write_text('{"files": []}', encoding="utf-8")
    with duckdb.connect() as con:
        con.execute("create schema raw")
        con.execute(f"create table raw.state_release ({contract.ddl()})")
        con.execute(
            f"insert into raw.state_release ({', '.join(row)}) values ({', '.join('?' * len(row))})", [*row.values()]
        )
        con.execute(f"copy (select {', '.join(row)} from raw.state_release) to '{state / 'state_release.parquet'}'")
        assert load_state(con, "state_release", tmp_path, TONIGHT) == 1
        [found] = con.sql("from raw.state_release").to_arrow_table().to_pylist()
    assert {name: found[name] for name in NEW} == dict.fromkeys(NEW)
    assert found["gap_id"] == row["gap_id"]
