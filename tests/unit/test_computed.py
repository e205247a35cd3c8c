"""Models that a function computes: read from their SELECTs and built as any other."""

from __future__ import annotations

from dataclasses import replace

import duckdb
import pyarrow as pa
import pytest

from assets.engine import computed
from assets.engine.computed import COMPUTED, Computed
from assets.engine.model import SQL
from assets.engine.warehouse import build


def shout(pharmacies: pa.Table) -> pa.Table:
    """One row per pharmacy, of two columns."""
    return pa.table({"npi": pharmacies["npi"], "closing_date": pharmacies["day"]})


MODEL = Computed(
    SQL / "facts" / "closing_site.sql",
    shout,
    {"pharmacies": "select npi, cast($as_of as date) as day from core.pharmacy order by npi"},
)


def test_inputs_and_parameters_come_from_the_selects() -> None:
    assert MODEL.key == ("facts", "closing_site")
    assert MODEL.inputs == {("core", "pharmacy")}
    assert MODEL.params == {"as_of"}
    assert MODEL.description == "One row per pharmacy, of two columns."
    assert MODEL.column_lineage({"core": {"pharmacy": {"npi": "VARCHAR", "state": "VARCHAR"}}}) == {
        "npi": [("core", "pharmacy", "npi")],
        "closing_date": [("core", "pharmacy", "npi")],
    }


def test_the_warehouse_builds_it_in_the_types_of_its_contract() -> None:
    with duckdb.connect() as con:
        con.execute(
            "create schema core; create schema facts; create table core.pharmacy as select 'b' as npi union select 'a'"
        )
        rows, _ = build(con, MODEL, {"as_of": "2026-06-30", "other": 1})
        assert rows == 2
        assert con.execute(
            "select npi, typeof(closing_date), closing_date::varchar from facts.closing_site"
        ).fetchall() == [
            ("a", "DATE", "2026-06-30"),
            ("b", "DATE", "2026-06-30"),
        ]
        assert con.execute("select count(*) from duckdb_views() where not internal").fetchall() == [(0,)]


def test_it_can_be_printed() -> None:
    text = MODEL.to("spark")
    assert text.splitlines()[0] == "-- One row per pharmacy, of two columns."
    assert "-- pharmacies\nselect\n" in text
    assert ":as_of" in text


def test_words_leave_the_version_and_code_changes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    source = {"text": '"""A module."""\ndef f():\n    """Doc."""\n    return 1  # why\n'}
    monkeypatch.setattr(computed.inspect, "getsource", lambda _: source["text"])
    versions = []
    for text in (
        source["text"],
        '"""Another."""\ndef f():\n    """Told anew."""\n    return 1\n',
        "def f():\n    return 2\n",
    ):
        source["text"] = text
        versions.append(replace(MODEL).version)
    assert versions[0] == versions[1] != versions[2]
    other = {"pharmacies": MODEL.reads["pharmacies"].replace("order by npi", "order by npi desc")}
    assert replace(MODEL, reads=other).version != replace(MODEL).version


def test_every_computed_table_is_built_from_nothing() -> None:
    """Empty inputs give empty tables with all their columns."""
    from tests.story import build_models, empty_warehouse

    con = empty_warehouse()
    build_models(con, [model.name for model in COMPUTED], "2026-06-30")
    for model in COMPUTED:
        assert con.execute(f"select count(*) from {model.name}").fetchall() == [(0,)]
