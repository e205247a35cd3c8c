"""A night that carries on from the one before comes to what a night from the start comes to, table by table.

Ten nights after a first one, some a day and some a week apart, over which claims come late, are corrected, reversed and billed
again, and members join, leave, come back, die and are said to be dead. The drug table learns of an NDC or two, and providers come under Part 2. Every
night brings new files beside the old ones.
`make test` takes the first night and one two weeks later, `make test-slow` all of them.
"""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl
import pytest
from sqlglot import exp

from assets.engine import kept
from assets.engine import publish as publisher
from assets.engine.contract import Contract, all_contracts, contract_for
from assets.engine.families import all_models
from assets.engine.kept import OTHER_INPUTS
from assets.engine.news import CLAIM_DAYS
from assets.engine.night import Night
from assets.engine.settings import read_settings
from assets.engine.sql_text import sql_path
from tests.faults.trials import write_two_files
from tests.integration.growing_plan import (
    ALIVE,
    CLAIMS,
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
        read = {name: pl.read_parquet(self.plan.sample / f"{name}.parquet") for name in ("drug", "provider", *CLAIMS)}
        self.drugs = read["drug"].sort("ndc_code")
        # Known to the drug table later than filled; the first one moves the numbers of all others.
        filled = self.drugs.join(read["pharmacy_claim"], on="ndc_code", how="semi")["ndc_code"]
        self.new_drugs = [filled[0], filled[len(filled) // 2]]
        protected = read["provider"].filter("is_part2").select(rendering_npi="npi")
        patients = read["medical_claim"].join(protected, on="rendering_npi", how="semi")
        self.patient = patients.join(self.plan.tables["eligibility"], on="person_id", how="semi")["person_id"].min()

    def deliver(self, as_of: datetime.date, since: datetime.date | None) -> None:
        """What is news of claims and members; two NDCs that are new, and a consent of Part 2 that is given and ends."""
        self.plan.deliver_news(as_of, since)
        day = (as_of - START).days
        known = self.drugs if day >= SAID_DEAD else self.drugs.filter(~pl.col("ndc_code").is_in(self.new_drugs))
        path = self.plan.folder / "drug.parquet"
        path.unlink()
        known.write_parquet(path)
        consent = f"{self.patient},part2,{START},{START + LEAVES * DAY}\n" if day >= JOINS else ""
        (self.plan.folder / "member_consent.csv").write_text(
            f"person_id,scope,valid_from,valid_to\n{consent}", encoding="utf-8"
        )

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
    # Small enough for every table to be put in order on one night or another, and not on all.
    monkeypatch.setattr(kept, "LARGEST_DISORDER", 0.5)
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
    since, told, found, withheld = None, {}, {}, set()
    for day in days:
        as_of = START + day * DAY
        course.deliver(as_of, since)
        with workshop(path) as con:
            numbers = []
            if since:
                numbers = con.execute("select person_id, member_key from core.member").fetchall()
                numbers += con.execute("from raw.known_member anti join core.member using (person_id)").fetchall()
            publish_night(con, course.night(as_of, "carried_out"))
            withheld.add(con.execute("select count(*) from core.withheld_claim").fetchall()[0][0])
            for name, how in con.execute("select table_name, told from door.kept_table").fetchall():
                told.setdefault(name, []).append(how)
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
    assert sorted(told) == KEPT
    for name, (_, *hows) in told.items():
        assert all(how.startswith("carried on with ") for how in hows), (name, hows)
    assert any("put in order" in how for how in told["core.fill"]), "an NDC is new"
    assert len(withheld) > 1, "a consent is given"
    if len(days) > len(TWO_DAYS):
        for name, hows in told.items():
            assert 0 < sum("put in order" in how for how in hows) < len(days) - 1, (name, hows)


@pytest.mark.parametrize("model", [model for model in all_models() if model.name in KEPT], ids=lambda model: model.name)
def test_kept_models_read_claims_of_one_kind_and_what_is_watched(model) -> None:
    inputs = {".".join(key) for key in model.inputs}
    claims = {f"raw.{table}" for table in CLAIM_DAYS}
    assert len(inputs & claims) == 1
    assert inputs <= claims | OTHER_INPUTS | set(KEPT)
    assert model.params <= {"as_of"}
    # Where only drugs are numbered otherwise, the number is read anew by the NDC of the row, and nothing else is.
    if "core.drug" in inputs:
        read = {column.name for column in model.tree.find_all(exp.Column) if column.table == "drug"}
        assert read == {"drug_key", "ndc_code"}
        assert {"drug_key", "ndc_code"} <= set(contract_for(*model.key).columns)
