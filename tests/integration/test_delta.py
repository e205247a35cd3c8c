"""A night that carries on from the one before comes to what a night from the start comes to, table by table.

Ten nights after a first one, some a day and some a week apart, over which claims come late, are corrected, reversed and billed
again, and members join, leave, come back, die and are said to be dead. Every night brings new files beside the old ones.
`make test` takes the first night and one two weeks later, `make test-slow` all of them.
"""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from assets.engine import kept
from assets.engine import publish as publisher
from assets.engine.contract import Contract, all_contracts
from assets.engine.families import all_models
from assets.engine.kept import OTHER_INPUTS
from assets.engine.news import CLAIM_DAYS
from assets.engine.night import Night
from assets.engine.settings import read_settings
from assets.engine.sql_text import sql_path
from tests.faults.trials import write_two_files
from tests.integration.growing_plan import (
    ALIVE,
    COMES_BACK,
    DAY,
    DIES,
    JOINS,
    LEAVES,
    SAID_DEAD,
    START,
    Plan,
    publish_night,
    workshop,
)
from tests.integration.nightly_run import tree, write_settings

LAYERS = ("raw", "core", "facts", "gaps", "outreach")
KEPT = sorted(contract.id for layer in LAYERS for contract in all_contracts(layer) if contract.table.kept)
# Days on which something is told of a member, the day after, and days on which only claims come.
DAYS = (0, 1, 2, 3, JOINS, SAID_DEAD, LEAVES, ALIVE, DIES, COMES_BACK, COMES_BACK + 1)
TWO_DAYS = (0, SAID_DEAD)

pytestmark = [pytest.mark.timeout(1800)]


class Course:
    """The same plan, night after night: carried on in one warehouse, and built from the start in another."""

    def __init__(self, folder: Path, settings: Path) -> None:
        self.plan = Plan(folder / "sample", folder / "input")
        self.folder = folder
        self.settings = read_settings(settings)

    def night(self, as_of: datetime.date, output: str) -> Night:
        return Night(as_of, self.plan.folder, self.folder / output, self.settings)

    def from_the_start(self, as_of: datetime.date, output: str, numbers: list[tuple[str, int]]) -> Path:
        """Publish the night from an empty warehouse in which members have these numbers, and return the warehouse."""
        path = self.folder / "fresh" / "working.duckdb"
        shutil.rmtree(path.parent, ignore_errors=True)
        with workshop(path) as con:
            con.execute("create table raw.known_member (person_id VARCHAR, member_key INTEGER)")
            if numbers:
                con.executemany("insert into raw.known_member values (?, ?)", numbers)
            publish_night(con, self.night(as_of, output))
        return path


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Course]:
    monkeypatch.setattr(publisher, "write_report", write_two_files)
    # Of so few members most have news each night; that is no reason here to build everything from the start.
    monkeypatch.setattr(kept, "LARGEST_SHARE", 1e9)
    return Course(tmp_path, write_settings(tmp_path / "settings.toml", {}))


def difference(con: duckdb.DuckDBPyConnection, contract: Contract) -> int:
    """Rows of a table that only one of the two warehouses has."""
    one, other = (f"from {side}.{contract.id}" for side in ("carried", "fresh"))
    return sum(
        con.execute(f"select count(*) from ({left} except all {right})").fetchall()[0][0]
        for left, right in ((one, other), (other, one))
    )


def published(output: Path) -> dict[str, str]:
    """Every published file with its mark, but those that tell how long the night took."""
    return {name: mark for name, mark in tree(output).items() if name.endswith((".parquet", ".csv"))}


@pytest.mark.parametrize(
    "days", [pytest.param(TWO_DAYS, id="two nights"), pytest.param(DAYS, id="eleven nights", marks=pytest.mark.slow)]
)
def test_a_night_that_carries_on_equals_one_from_the_start(course: Course, days: tuple[int, ...]) -> None:
    path = course.folder / "carried" / "working.duckdb"
    since, changed, found = None, {}, {}
    for day in days:
        as_of = START + day * DAY
        course.plan.deliver_news(as_of, since)
        with workshop(path) as con:
            numbers = []
            if since:
                numbers = con.execute("select person_id, member_key from core.member").fetchall()
                numbers += con.execute("from raw.known_member anti join core.member using (person_id)").fetchall()
            publish_night(con, course.night(as_of, "carried_out"))
            rows = con.execute("select table_name, changed_rows from door.kept_table").fetchall()
            for name, count in rows:
                changed.setdefault(name, []).append(count)
        fresh = course.from_the_start(as_of, "fresh_out", numbers)
        with duckdb.connect() as con:
            con.execute(
                f"attach {sql_path(path)} as carried (read_only); attach {sql_path(fresh)} as fresh (read_only)"
            )
            for layer in LAYERS:
                for contract in all_contracts(layer):
                    found[contract.id] = difference(con, contract)
        assert {name: rows for name, rows in found.items() if rows} == {}, as_of
        assert published(course.folder / "carried_out") == published(course.folder / "fresh_out"), as_of
        since = as_of
    assert sorted(changed) == KEPT
    for name, counts in changed.items():
        assert sum(later > earlier for earlier, later in pairwise(counts)) >= len(days) // 2, (name, counts)


@pytest.mark.parametrize("model", [model for model in all_models() if model.name in KEPT], ids=lambda model: model.name)
def test_kept_models_read_claims_of_one_kind_and_what_is_watched(model) -> None:
    inputs = {".".join(key) for key in model.inputs}
    claims = {f"raw.{table}" for table in CLAIM_DAYS}
    assert len(inputs & claims) == 1
    assert inputs <= claims | OTHER_INPUTS | set(KEPT)
    assert model.params <= {"as_of"}
