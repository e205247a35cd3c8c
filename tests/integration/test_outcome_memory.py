"""What pharmacies report is remembered: a file of outcomes need not be delivered again (rules 6.7)."""

from __future__ import annotations

import datetime
from pathlib import Path

import duckdb
import pytest

from assets.engine.contract import contract_for
from assets.engine.families import all_models
from assets.engine.outreach_registry import read_outreach_outcomes
from assets.engine.settings import read_settings
from assets.engine.warehouse import build
from bench.outreach import AS_OF, build_sample
from sample_data.generate import generate

LATER = AS_OF + datetime.timedelta(days=1)


def tables(con: duckdb.DuckDBPyConnection, as_of: datetime.date) -> dict[str, list[tuple[object, ...]]]:
    """Every table from facts on, built for a night."""
    params = {"as_of": as_of, **read_settings().params()}
    models = [model for model in all_models() if model.key[0] in {"facts", "gaps", "outreach"}]
    for model in models:
        build(con, model, params)
    return {model.name: con.execute(f"from {model.name} order by all").fetchall() for model in models}


@pytest.fixture(scope="module")
def reported(tmp_path_factory) -> duckdb.DuckDBPyConnection:
    """A night with an outcome of every kind for each kind of gap that the night before listed."""
    folder = tmp_path_factory.mktemp("memory")
    generate(400, 7, folder / "sample")
    con = duckdb.connect(config={"threads": 1})
    build_sample(con, Path(folder / "sample"))
    con.execute("delete from raw.outreach_outcome")
    codes = sorted(code for code, outcome in read_outreach_outcomes().items() if outcome.offered)
    con.execute(
        "insert into raw.outreach_outcome by name select timestamp '2026-06-29 15:00:00' as attempted_at, "
        "list_extract(?, 1 + (row_number() over (order by gap_code, gap_id) % ?)::integer) as outcome_code, gap_id, "
        "pharmacy_npi, 'phone' as channel, 'pharmacist' as staff_role from raw.state_release",
        [codes, len(codes)],
    )
    return con


def test_a_night_after_the_file_is_gone_knows_what_it_said(reported):
    told = tables(reported, AS_OF)
    columns = ", ".join(contract_for("raw", "state_contact_attempt").columns)
    reported.execute(f"insert into raw.state_contact_attempt by name select {columns} from facts.known_attempt")
    with_file = tables(reported, LATER)
    reported.execute("delete from raw.outreach_outcome")
    without = tables(reported, LATER)
    assert told["facts.contact_attempt"]
    assert without["facts.contact_attempt"] == with_file["facts.contact_attempt"]
    assert [name for name in told if without[name] != with_file[name]] == []
