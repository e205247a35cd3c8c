"""State between nights: what an upgrade finds."""

from __future__ import annotations

import datetime
from pathlib import Path

import duckdb
import pytest

from assets.engine.contract import contract_for
from assets.engine.state import load_state

BEFORE, TONIGHT = datetime.date(2026, 6, 29), datetime.date(2026, 6, 30)


@pytest.mark.parametrize(
    ("table", "new", "key"),
    [
        ("state_release", ("programme", "service_code"), "gap_id"),
        ("state_holdout_arm", ("gap_code", "is_randomised"), "person_id"),
    ],
)
def test_a_night_of_before_a_column_was_added_leaves_it_null(
    tmp_path: Path, table: str, new: tuple[str, ...], key: str
) -> None:
    contract = contract_for("raw", table)
    row = {c: v for c, v in contract.default_row().items() if c not in new}
    state = tmp_path / "restricted" / f"as_of={BEFORE}" / "state"
    state.mkdir(parents=True)
    (tmp_path / f"as_of={BEFORE}").mkdir()
    (tmp_path / f"as_of={BEFORE}" / "manifest.json").write_text('{"files": []}', encoding="utf-8")
    with duckdb.connect() as con:
        con.execute("create schema raw")
        con.execute(f"create table raw.{table} ({contract.ddl()})")
        con.execute(f"insert into raw.{table} ({', '.join(row)}) values ({', '.join('?' * len(row))})", [*row.values()])
        con.execute(f"copy (select {', '.join(row)} from raw.{table}) to '{state / f'{table}.parquet'}'")
        assert load_state(con, table, tmp_path, TONIGHT) == 1
        [found] = con.sql(f"from raw.{table}").to_arrow_table().to_pylist()
    assert {name: found[name] for name in new} == dict.fromkeys(new)
    assert found[key] == row[key]
