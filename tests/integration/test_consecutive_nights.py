"""Consecutive nights through every model: claims come late, are corrected and reversed, and history stays consistent.

Seventy with `make nights`; `make test-slow` takes seven of them, ten days apart, `make test` the first two of these. Each is
built and published by its parts; some are run once more by the nightly job, which must come to the same bytes.
"""

from __future__ import annotations

import datetime
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest

from assets.engine import publish as publisher
from assets.engine.night import Night
from assets.engine.publish import Release
from assets.engine.releases import damaged_files, nights, restricted_part
from assets.engine.settings import read_settings
from tests.faults.trials import marks, write_two_files
from tests.integration.growing_plan import DAY, DAYS, START, Plan, publish_night, workshop
from tests.integration.nightly_run import run_night, tree, write_settings

NIGHTS = int(os.environ.get("CAREGAPS_NIGHTS", "7"))
RETENTION = 5

pytestmark = [pytest.mark.survival("repetition"), pytest.mark.timeout(14400 if NIGHTS > 7 else 1800)]

HISTORY = """
select * from read_parquet('{public}/tables/gap_history.parquet', hive_partitioning = false)
union all
select * from read_parquet('{secret}/gap_history.parquet', hive_partitioning = false)
"""
STATE = "select * from read_parquet('{secret}/state/state_gap.parquet', hive_partitioning = false)"

# Each yields what must not be.
HISTORY_RULES = {
    "a spell ends after it began, and not after tonight": """
        select gap_id from history where valid_to <= valid_from or valid_to > $as_of or valid_from > $as_of
    """,
    "a gap is never in two spells at once": """
        select earlier.gap_id from history as earlier inner join history as later
            on earlier.gap_id = later.gap_id and earlier.valid_from < later.valid_from
        where coalesce(earlier.valid_to, date '2999-12-31') > later.valid_from
    """,
    "what a night told of the past stays": """
        select gap_id from earlier_history as told left join history as now using (gap_id, valid_from)
        where now.status is distinct from told.status
            or (told.valid_to is not null and now.valid_to is distinct from told.valid_to)
            or (told.valid_to is null and now.valid_to < $as_of)
    """,
    "nothing begins in the past": """
        select now.gap_id from history as now anti join earlier_history as told using (gap_id, valid_from)
        where now.valid_from < $as_of and exists (select * from earlier_history)
    """,
    "the current spell says what the gap is": """
        select gap_id from history inner join gap using (gap_id)
        where history.valid_to is null and history.status is distinct from gap.status
    """,
    "a gap opened, and closed after it opened": """
        select gap_id from gap where opened_date > $as_of or closed_date > $as_of or closed_date < opened_date
    """,
    "a closed gap says when, and one that is not closed does not": """
        select gap_id from gap where (status = 'closed') <> (closed_date is not null)
    """,
    "an open gap keeps the night on which it opened": """
        select gap_id from gap inner join earlier_gap using (gap_id)
        where gap.status = 'open' and earlier_gap.status = 'open' and gap.opened_date <> earlier_gap.opened_date
    """,
    "a person has a code and subject once": """
        select any_value(gap_id) from gap group by person_id, gap_code, subject having count(*) > 1
    """,
}


def broken(con: duckdb.DuckDBPyConnection, rule: str, as_of: datetime.date) -> int:
    """How many gaps break a rule."""
    query = f"select count(*) from ({HISTORY_RULES[rule]}) where $as_of is not null"
    [[count]] = con.execute(query, {"as_of": as_of}).fetchall()
    return count


# One gap that was open on 1 April and closed on the 10th, tonight and as the night before knew it.
SOUND = """
create table history as from (values
    ('g', date '2026-04-01', 'open', date '2026-04-10'), ('g', date '2026-04-10', 'closed', null)
) as t (gap_id, valid_from, status, valid_to);
create table gap as select 'g' as gap_id, 'p' as person_id, 'CODE' as gap_code, 's' as subject, 'closed' as status,
    date '2026-04-01' as opened_date, date '2026-04-10' as closed_date;
create table earlier_history as select 'g' as gap_id, date '2026-04-01' as valid_from, 'open' as status, null::date as valid_to;
create table earlier_gap as select * replace ('open' as status, null::date as closed_date) from gap;
"""
HARM = {
    "a spell ends after it began, and not after tonight": "update history set valid_to = valid_from where status = 'open'",
    "a gap is never in two spells at once": "update history set valid_to = null",
    "what a night told of the past stays": "update history set status = 'lost' where valid_from = '2026-04-01'",
    "nothing begins in the past": "insert into history values ('h', '2026-04-02', 'open', null)",
    "the current spell says what the gap is": "update gap set status = 'lost'",
    "a gap opened, and closed after it opened": "update gap set opened_date = '2026-04-11'",
    "a closed gap says when, and one that is not closed does not": "update gap set closed_date = null",
    "an open gap keeps the night on which it opened": "update gap set status = 'open', opened_date = '2026-04-02'",
    "a person has a code and subject once": "insert into gap select * replace ('h' as gap_id) from gap",
}


@pytest.mark.parametrize("rule", HISTORY_RULES)
def test_a_rule_notices_what_it_forbids(rule: str) -> None:
    with duckdb.connect() as con:
        con.execute(SOUND)
        assert broken(con, rule, datetime.date(2026, 4, 10)) == 0
        con.execute(HARM[rule])
        assert broken(con, rule, datetime.date(2026, 4, 10)) == 1


@dataclass
class Course:
    """What happened, night by night."""

    plan: Plan
    output: Path
    con: duckdb.DuckDBPyConnection
    settings: Path
    marks: dict[datetime.date, dict[str, tuple]] = field(default_factory=dict)
    sizes: list[int] = field(default_factory=list)
    working: list[int] = field(default_factory=list)
    listed: dict[str, list[datetime.date]] = field(default_factory=dict)
    netted: list[int] = field(default_factory=list)
    statuses: set[str] = field(default_factory=set)
    compared: int = 0

    def run(self, as_of: datetime.date) -> Release:
        return publish_night(self.con, Night(as_of, self.plan.folder, self.output, read_settings(self.settings)))

    def marks_of(self, as_of: datetime.date) -> dict[str, tuple]:
        """Everything of a night, with what changes whenever it is written."""
        night = (self.output / f"as_of={as_of}").resolve()
        return {f"{p}/{n}": m for p in (night, restricted_part(night)) for n, m in marks(p).items()}

    def publish(self, as_of: datetime.date, before: datetime.date | None) -> None:
        """Deliver and publish a night, and judge it beside the night before."""
        delivered = self.plan.deliver(as_of)
        release = self.run(as_of)
        assert release.is_new
        self.remember(as_of)
        self.sizes.append(size_of(self.output / ".nights") + size_of(self.output / "restricted"))
        self.working.append(size_of(self.output.parent / "elsewhere"))
        self.check_output(as_of)
        self.check_counts(as_of, delivered)
        self.check_lists(as_of)
        self.check_history(as_of, before)

    def remember(self, as_of: datetime.date) -> None:
        self.marks[as_of] = self.marks_of(as_of)

    def check_output(self, last: datetime.date) -> None:
        """Retention holds, `latest` is the last night, and no published night was touched."""
        kept = list(nights(self.output))
        assert kept == sorted(self.marks)[-RETENTION:]
        assert (self.output / "latest").readlink() == Path(f"as_of={last}")
        for as_of in kept:
            assert self.marks_of(as_of) == self.marks[as_of], f"the night of {as_of} changed"
        for shelf in (self.output / ".nights", self.output / "restricted" / ".nights"):
            assert not [p.name for p in shelf.iterdir() if p.name.startswith(".")], "a draft was left behind"

    def check_counts(self, as_of: datetime.date, delivered: dict[str, int]) -> None:
        """Every row that was delivered is accounted for once."""
        manifest = json.loads((self.output / "latest" / "manifest.json").read_text(encoding="utf-8"))
        assert manifest["as_of"] == str(as_of)
        for table, found in manifest["inputs"].items():
            told = sum(found[bucket] for bucket in ("accepted", "rejected_rows", "duplicate", "netted"))
            assert found["read"] == told, table
        for table, rows in delivered.items():
            assert manifest["inputs"][table]["read"] == rows
        self.netted.append(manifest["inputs"]["pharmacy_claim"]["netted"])

    def check_lists(self, as_of: datetime.date) -> None:
        worklist = self.output / "latest" / "tables" / "worklist.parquet"
        people = {
            person
            for (person,) in self.con.execute(
                f"select distinct person_id from read_parquet('{worklist}', hive_partitioning = false)"
            ).fetchall()
        }
        assert not people & self.plan.gone(as_of)
        for person in people & set(self.plan.people.values()):
            self.listed.setdefault(person, []).append(as_of)

    def check_history(self, as_of: datetime.date, before: datetime.date | None) -> None:
        """The dates of every gap agree, within a night and with the night before."""
        with duckdb.connect() as con:
            for prefix, night in (("", as_of), ("earlier_", before or as_of)):
                public = (self.output / f"as_of={night}").resolve()
                places = {"public": public, "secret": restricted_part(public)}
                nothing = " limit 0" if prefix and before is None else ""
                for table, query in (("history", HISTORY), ("gap", STATE)):
                    con.execute(
                        f"create table {prefix}{table} as select * from ({query.format(**places)}) as q{nothing}"
                    )
            for rule in HISTORY_RULES:
                assert broken(con, rule, as_of) == 0, f"{as_of}: not so: {rule}"
            self.statuses |= {s for (s,) in con.execute("select distinct status from history").fetchall()}

    def check_with_the_job(self, as_of: datetime.date) -> None:
        """The nightly job finds the release there already: its Parquet files have the same bytes."""
        before = tree(self.output)
        run_night(self.plan.folder, self.output, as_of, config=self.settings)
        assert tree(self.output) == before
        self.compared += 1

    def answer(self, as_of: datetime.date) -> None:
        """The first row of the first list is called in vain, the last one reached."""
        worklist = self.output / "latest" / "tables" / "worklist.parquet"
        gaps = self.con.execute(
            f"select gap_id from read_parquet('{worklist}', hive_partitioning = false) "
            "order by state, pharmacy_npi, list_rank"
        ).fetchall()
        for (gap,), code in ((gaps[0], "no_answer"), (gaps[-1], "REACHED_COMPLETED")):
            self.plan.answers.append((gap, f"{as_of + DAY} 10:00:00", code))


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Course]:
    # Drawing the report's charts is half of publishing; it reads lists and writes no state.
    monkeypatch.setattr(publisher, "write_report", write_two_files)
    settings = write_settings(
        tmp_path / "settings.toml",
        {
            "retention_nights = 35": f"retention_nights = {RETENTION}",
            "retention_releases = 5": "retention_releases = 0",
        },
    )
    with workshop(tmp_path / "elsewhere" / "working.duckdb") as con:
        yield Course(Plan(tmp_path / "sample", tmp_path / "input"), tmp_path / "output", con, settings)


def size_of(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file() and not p.is_symlink())


def test_two_nights(course: Course) -> None:
    later = START + 10 * DAY
    course.publish(START, None)
    course.answer(START)
    course.publish(later, START)
    assert not course.run(later).is_new, "the same night twice is the same night"
    course.check_output(later)


@pytest.mark.slow
def test_consecutive_nights(course: Course) -> None:
    started, processor = time.monotonic(), time.process_time()
    dates = [START + (DAYS * n // NIGHTS) * DAY for n in range(NIGHTS)]
    middle = NIGHTS // 2
    for number, as_of in enumerate(dates):
        course.publish(as_of, dates[number - 1] if number else None)
        if number == middle:
            # The night before last once more, with claims that came since: later nights stay, and so does `latest`.
            earlier = dates[number - 2]
            assert course.run(earlier).is_new
            course.remember(earlier)
            course.check_output(as_of)
            course.check_history(earlier, dates[number - 3])
        if number == middle + 1:
            assert not course.run(as_of).is_new, "the same night twice is the same night"
            course.check_output(as_of)
        if number == NIGHTS - 1 or (number == 10 and NIGHTS > 7):
            course.check_with_the_job(as_of)
        if (as_of - START).days % 5 == 0:
            course.answer(as_of)

    for link in nights(course.output).values():
        assert damaged_files(link, restricted_part(link)) == []
    # What was said would happen did: the people were on lists before or after, claims were netted, gaps closed.
    assert {"open", "closed"} <= course.statuses
    assert course.netted[-1] > course.netted[0] > 0
    everyone = course.plan.people
    assert max(course.listed[everyone["dies"]]) < START + 33 * DAY
    assert min(course.listed[everyone["joins"]]) >= START + 12 * DAY
    # A night holds what it holds; that there were many before it costs nothing but their history.
    assert max(course.sizes[RETENTION:]) < 1.5 * course.sizes[RETENTION - 1]
    assert max(course.working[RETENTION:]) < 2 * course.working[RETENTION - 1]
    print(
        f"\n{NIGHTS} nights in {time.monotonic() - started:,.0f} s ({time.process_time() - processor:,.0f} s of one core), "
        f"{course.compared} of them by the nightly job too; {len(course.plan.answers)} outcomes, "
        f"{course.netted[-1]:,} rows netted; on the disk {course.sizes[0] / 1e6:.1f} MB after one night, "
        f"{course.sizes[RETENTION - 1] / 1e6:.1f} MB after {RETENTION}, {course.sizes[-1] / 1e6:.1f} MB after {NIGHTS} "
        f"(at most {max(course.sizes) / 1e6:.1f} MB), "
        f"{course.working[0] / 1e6:.1f}, {course.working[RETENTION - 1] / 1e6:.1f} and {course.working[-1] / 1e6:.1f} MB "
        "in the working warehouse"
    )
