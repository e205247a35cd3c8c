"""A small plan whose deliveries grow from night to night, and a night run by its parts, without Dagster's books.

Claims arrive a day or two weeks after the service, are corrected, reversed and billed again; members join, leave and come
back, die, are said to be dead, and want no calls. Everything is drawn from the claim's place, so that a night's delivery
depends on its date alone.
"""

from __future__ import annotations

import datetime
import graphlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import polars as pl
import pytest

from assets.engine import ingest, kept, publish, quality, registry, state, warehouse
from assets.engine.border import BORDERS
from assets.engine.contract import Contract, all_contracts, contract_for
from assets.engine.families import all_models
from assets.engine.layout import read_layout
from assets.engine.night import Night
from assets.engine.publish import Release
from assets.engine.reference import load_shipped
from sample_data.generate import generate
from tests.faults.trials import write_two_files

MEMBERS, SEED = 120, 7
START, DAYS = datetime.date(2026, 4, 22), 70
DAY = datetime.timedelta(1)

# On which day the plan is told what.
JOINS, LEAVES, COMES_BACK, DIES, SAID_DEAD, ALIVE, OPTS_OUT = 12, 20, 45, 33, 15, 25, 28
CLAIMS = {"pharmacy_claim": "dispensing_date", "medical_claim": "claim_start_date"}


@dataclass
class Plan:
    """The plan, and what pharmacies answered so far."""

    sample: Path
    folder: Path
    tables: dict[str, pl.DataFrame] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)
    answers: list[tuple[str, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        generate(MEMBERS, SEED, self.sample)
        self.folder.mkdir()
        for name in ("pharmacy", "provider", "drug", "zcta", "community_service"):
            (self.folder / f"{name}.parquet").symlink_to(self.sample / f"{name}.parquet")
        for name in ("eligibility", *CLAIMS):
            self.tables[name] = pl.read_parquet(self.sample / f"{name}.parquet")
        # Those with most claims, in the months before the first night.
        claims = self.tables["pharmacy_claim"].filter(pl.col("dispensing_date") < START)
        often = claims.group_by("person_id").len().sort(["len", "person_id"], descending=True)["person_id"].to_list()
        self.people = dict(zip(("leaves", "dies", "said dead", "opts out", "joins"), often, strict=False))

    def deliver(self, as_of: datetime.date) -> dict[str, int]:
        """Write what the plan knows at the end of a day, and return the rows of each claim table."""
        written = {}
        for name, date in CLAIMS.items():
            rows = arrived(self.tables[name], date, as_of)
            rows.write_parquet(self.folder / f"{name}.parquet")
            written[name] = rows.height
        self._deliver_all_but_claims(as_of)
        return written

    def deliver_news(self, as_of: datetime.date, since: datetime.date | None) -> dict[str, int]:
        """Write the claims that arrived after a day as new files beside the old ones, and return their rows."""
        written = {}
        for name, date in CLAIMS.items():
            (self.folder / name).mkdir(exist_ok=True)
            rows = arrived(self.tables[name], date, as_of, since)
            rows.write_parquet(self.folder / name / f"{as_of}.parquet")
            written[name] = rows.height
        self._deliver_all_but_claims(as_of)
        return written

    def _deliver_all_but_claims(self, as_of: datetime.date) -> None:
        day = (as_of - START).days
        self._members(day).write_parquet(self.folder / "eligibility.parquet")
        wish = f"{self.people['opts out']},1,member_request\n" if day >= OPTS_OUT else ""
        (self.folder / "member_preference.csv").write_text(
            f"person_id,do_not_contact,contact_block_reason\n{wish}", encoding="utf-8"
        )
        told = "".join(f"{gap},{moment},{code}\n" for gap, moment, code in self.answers if moment[:10] <= str(as_of))
        (self.folder / "outreach_outcome.csv").write_text(f"gap_id,attempted_at,outcome_code\n{told}", encoding="utf-8")

    def _members(self, day: int) -> pl.DataFrame:
        members = self.tables["eligibility"]
        person = pl.col("person_id")

        def dead(who: str, on: int) -> None:
            nonlocal members
            died = pl.when(person == self.people[who]).then(pl.lit(START + on * DAY)).otherwise("death_date")
            members = members.with_columns(death_date=died)

        if day < JOINS:
            members = members.filter(person != self.people["joins"])
        if day >= DIES:
            dead("dies", DIES - 3)
        if SAID_DEAD <= day < ALIVE:
            dead("said dead", SAID_DEAD - 2)
        if day >= LEAVES:
            ends = pl.when(person == self.people["leaves"]).then(pl.lit(START + (LEAVES - 2) * DAY))
            members = members.with_columns(enrollment_end_date=ends.otherwise("enrollment_end_date"))
        if day >= COMES_BACK:
            again = members.filter(person == self.people["leaves"]).head(1)
            again = again.with_columns(
                enrollment_start_date=pl.lit(START + (COMES_BACK - 5) * DAY),
                enrollment_end_date=pl.lit(None, dtype=pl.Date),
            )
            members = pl.concat([members, again])
        return members

    def gone(self, as_of: datetime.date) -> set[str]:
        """Whom no list may name that day."""
        day = (as_of - START).days
        told = {
            "joins": day < JOINS, "dies": day >= DIES, "said dead": SAID_DEAD <= day < ALIVE,
            "opts out": day >= OPTS_OUT, "leaves": LEAVES <= day < COMES_BACK,
        }  # fmt: skip
        return {self.people[who] for who, is_gone in told.items() if is_gone}


def arrived(claims: pl.DataFrame, date: str, as_of: datetime.date, since: datetime.date | None = None) -> pl.DataFrame:
    """The rows of a claim table that have arrived by the end of a day: first versions, corrections, reversals.

    Args:
        claims: Every claim that will ever be.
        date: The column with the day of service.
        as_of: The last day of arrival.
        since: The day before the first day of arrival; None for everything until then.
    """
    place = pl.int_range(pl.len())
    late = pl.when(place % 9 == 4).then(14).otherwise(1)
    first = claims.sort("claim_id", "claim_line_number", date).with_columns(
        place=place, arrival=pl.col(date) + pl.duration(days=late)
    )
    versions = [first]
    is_corrected, is_reversed = pl.col("place") % 11 == 3, pl.col("place") % 13 == 5
    after = {days: (pl.col("arrival") + pl.duration(days=days)) for days in (4, 6, 8)}
    if date == "dispensing_date":
        # Keyed in wrongly, then corrected; the correction is what the sample says.
        wrong = pl.when(is_corrected).then(pl.col("days_supply") // 2 + 1).otherwise("days_supply")
        versions = [first.with_columns(days_supply=wrong.cast(pl.Int32))]
        negative = [(-pl.col(c)).alias(c) for c in ("quantity", "days_supply", "paid_amount")]
        is_counted = (pl.col("quantity") > 0) & (pl.col("claim_status") == "paid")
        transaction = is_reversed & (pl.col("place") % 2 == 0) & is_counted & ~is_corrected
        versions.append(first.filter(transaction).with_columns(*negative, arrival=after[4]))
        is_reversed &= ~transaction
        billed_again = first.filter(is_reversed & (pl.col("place") % 3 == 0))
        versions.append(billed_again.with_columns(claim_id=pl.col("claim_id") + "B", arrival=after[8]))
    versions.append(first.filter(is_corrected).with_columns(arrival=after[6]))
    versions.append(first.filter(is_reversed).with_columns(claim_status=pl.lit("reversed"), arrival=after[8]))
    told = pl.concat(versions).with_columns(
        file_date="arrival", paid_date="arrival", ingest_datetime=pl.col("arrival").cast(pl.Datetime("us"))
    )
    is_news = pl.col("arrival") > since if since else pl.lit(value=True)
    return told.filter(is_news & (pl.col("arrival") <= as_of)).drop("place", "arrival")


# A night by its parts --------------------------------------------------------------------------------------------------


@contextmanager
def workshop(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A working warehouse of its own, open from night to night."""
    con = warehouse.connect(path, threads=1, memory_gb=2)
    try:
        yield con
    finally:
        con.close()


@contextmanager
def report_of_two_lines() -> Iterator[None]:
    """No charts within the block: to draw them is half of publishing, and the report reads lists and writes no state."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publish, "write_report", write_two_files)
        yield


def publish_night(
    con: duckdb.DuckDBPyConnection, night: Night, before_publication: Callable[[], None] = lambda: None
) -> Release:
    """Build, check and publish a night as the nightly job does, less Dagster's books and the suites at the borders."""
    inputs = ingest.find_inputs(
        read_layout(night.layout), night.input, night.reference, night.settings.limits.expansion_ratio
    )

    def built(contract: Contract, rows: int) -> None:
        con.execute(
            "insert or replace into door.built values (?, ?, ?, ?, 0.0)",
            [contract.id, night.as_of, night.digest, rows],
        )
        assert warehouse.violations(con, contract) == {}, contract.id

    raw = sorted(all_contracts("raw"), key=lambda c: c.table.source == "door")
    for contract in raw:
        built(contract, load(con, contract, night, inputs))
    ingest.keep_ignored(con, inputs)
    models = {model.name: model for model in all_models()}
    inputs_of = {model.name: {".".join(key) for key in model.inputs} for model in models.values()}
    for name in graphlib.TopologicalSorter(inputs_of).static_order():
        if name in models:
            rows, _ = warehouse.build(con, models[name], night.params)
            kept.settle(con, name, is_sound=True)
            built(contract_for(*models[name].key), rows)
    for border in BORDERS:
        quality.keep_results(con, border, [])
    before_publication()
    return publish.publish(con, night, f"by its parts {night.as_of}")


def load(con: duckdb.DuckDBPyConnection, contract: Contract, night: Night, inputs: ingest.Inputs) -> int:
    """One table of the raw layer."""
    match contract.table.source:
        case None:
            return ingest.load_table(con, contract, inputs, night.input) or load_shipped(con, contract)
        case "registry":
            return registry.load_registry(con, contract.key[1], night.reference)
        case "state":
            return state.load_state(con, contract.key[1], night.output, night.as_of)
        case "kept":
            return kept.load_known_members(con, contract.ddl())
    return ingest.gather(con, contract)
