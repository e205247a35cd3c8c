"""Tables that are carried on: what is news, what has everything built from the start, and that either gives the same."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest

from assets.engine import claim_view, code_digest, ingest, kept, news, warehouse
from assets.engine.contract import CONTRACTS, contract_for
from assets.engine.errors import InputError
from assets.engine.families import all_models
from assets.engine.layout import read_layout
from assets.engine.model import ROOT
from assets.engine.registry import load_registry
from assets.engine.settings import read_settings
from assets.engine.warehouse import SCHEMAS

DAY = datetime.timedelta(1)
AS_OF = datetime.date(2026, 6, 29)
INPUTS = ("eligibility", "medical_claim", "pharmacy_claim", "provider", "member_consent", "drug")
MODELS = ("core.member", "core.consent_scope", "core.consent", "core.withheld_claim", "core.drug")
KEPT = (
    "core.medical_claim_removed",
    "core.medical_line",
    "core.diagnosis",
    "core.pharmacy_claim_removed",
    "core.fill",
    "core.voided_line",
)
DOOR = ("door.medical_claim_rejected", "door.medical_claim_refused_code", "door.medical_claim_count")
# The tests' members are few, so that any news would be too much.
MUCH = 1e9


def billed(rows: Iterable[tuple[str, str, str]]) -> str:
    """Claim ids, persons and days as a table of the engine."""
    told = ", ".join(f"('{claim}', '{person}', date '{day}')" for claim, person, day in rows)
    return f"(values {told})"


@dataclass
class Plan:
    """A plan of three members with a claim each a month, in a folder to which files are added."""

    folder: Path
    con: duckdb.DuckDBPyConnection
    members: list[str] = field(default_factory=lambda: ["P1", "P2", "P3"])
    as_of: datetime.date = AS_OF

    def write(self, name: str, query: str) -> Path:
        path = self.folder / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        self.con.execute(f"copy ({query}) to '{path}' (format parquet)")
        return path

    def eligibility(self) -> None:
        people = ", ".join(f"('{member}')" for member in self.members)
        self.write(
            "eligibility",
            "select person_id, date '1980-01-01' as birth_date, date '2025-01-01' as enrollment_start_date "
            f"from (values {people}) as t (person_id)",
        )

    def lines(self, name: str, *rows: tuple[str, str, str], status: str = "paid", more: str = "") -> Path:
        """Medical claims: claim id, person, day, and what else they say."""
        return self.write(
            f"medical_claim/{name}",
            "select claim_id, 1 as claim_line_number, 'professional' as claim_type, person_id, claim_start_date, "
            f"'E119' as diagnosis_code_1, '{status}' as claim_status, 10.0 as paid_amount, '1992000008' as rendering_npi{more} "
            f"from {billed(rows)} as t (claim_id, person_id, claim_start_date)",
        )

    def fills(self, name: str, *rows: tuple[str, str, str], quantity: int = 30) -> Path:
        return self.write(
            f"pharmacy_claim/{name}",
            "select claim_id, 1 as claim_line_number, person_id, '00093505698' as ndc_code, dispensing_date, "
            f"{quantity} as quantity, {quantity} as days_supply, 'paid' as claim_status "
            f"from {billed(rows)} as t (claim_id, person_id, dispensing_date)",
        )

    def night(self, con: duckdb.DuckDBPyConnection | None = None) -> None:
        """Load and build up to the kept tables."""
        con = con or self.con
        self.load(*INPUTS, con=con)
        kept.load_known_members(con, contract_for("raw", "known_member").ddl())
        self.build(*MODELS, *KEPT, con=con)

    def load(self, *names: str, con: duckdb.DuckDBPyConnection | None = None) -> None:
        """Load input tables of what is delivered now, and of whoever is a member now."""
        self.eligibility()
        inputs = ingest.find_inputs(read_layout("tuva"), self.folder, None)
        for name in names:
            ingest.load_table(con or self.con, contract_for("raw", name), inputs, self.folder)

    def build(self, *names: str, con: duckdb.DuckDBPyConnection | None = None) -> None:
        models = {model.name: model for model in all_models()}
        for name in names:
            warehouse.build(con or self.con, models[name], {"as_of": self.as_of, **read_settings().params()})
            kept.settle(con or self.con, name, is_sound=True)

    def record(self, name: str) -> tuple[int, str] | None:
        return self.con.execute(
            "select changed_rows, generation from door.kept_table where table_name = ?", [name]
        ).fetchone()

    def rows(self, name: str, con: duckdb.DuckDBPyConnection | None = None) -> list[tuple[Any, ...]]:
        return (con or self.con).execute(f"from {name} order by all").fetchall()

    def check(self) -> None:
        """Every kept table is what an empty warehouse would make of the same files, with members numbered the same."""
        with duckdb.connect() as fresh:
            prepare(fresh)
            fresh.execute(f"create table raw.known_member ({contract_for('raw', 'known_member').ddl()})")
            for person, key in self.con.execute(
                "select person_id, member_key from core.member union select * from raw.known_member"
            ).fetchall():
                fresh.execute("insert into raw.known_member values (?, ?)", [person, key])
            self.night(fresh)
            for name in (*KEPT, *DOOR):
                assert self.rows(name) == self.rows(name, fresh), name


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("".join(f"create schema if not exists {schema};" for schema in SCHEMAS))
    for name in ("value_set", "consent_word", "gap_code", "programme"):
        load_registry(con, name, None)
    for name in ("refused_word", "zcta", "zip_zcta"):
        con.execute(f"create table raw.{name} ({contract_for('raw', name).ddl()})")
    con.execute("create table core.zip_area (zip_code varchar, zcta varchar)")


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plan]:
    monkeypatch.setattr(kept, "LARGEST_SHARE", MUCH)
    monkeypatch.setattr(kept, "LARGEST_DISORDER", MUCH)
    with duckdb.connect(str(tmp_path / "w.duckdb"), config={"threads": 1}) as con:
        prepare(con)
        plan = Plan(tmp_path / "input", con)
        plan.lines(
            "1",
            ("A", "P1", "2026-01-05"),
            ("B", "P2", "2026-01-06"),
            ("C", "P3", "2026-07-01"),
            ("Z", "P9", "2026-01-07"),
        )
        plan.fills("1", ("F", "P1", "2026-01-05"), ("G", "P2", "2026-01-06"))
        plan.night()
        yield plan


def is_carried_on(plan: Plan, name: str = "core.medical_line") -> bool:
    """Whether a table is still the one of the first night: a mark in a row without news stands."""
    return plan.con.execute(f"select count(*) from {name} where claim_id = 'MARK'").fetchall() != [(0,)]


def mark(plan: Plan, person: str) -> None:
    for name in ("core.medical_line", "core.diagnosis"):
        plan.con.execute(
            f"update {name} set claim_id = 'MARK' where member_key in "
            "(select member_key from core.member where person_id = ?)", [person],
        )  # fmt: skip


def test_only_what_the_news_touches_is_computed_anew(plan: Plan) -> None:
    mark(plan, "P2")
    plan.lines("2", ("D", "P1", "2026-02-05"))
    plan.night()
    assert [row[1] for row in plan.rows("core.medical_line")] == ["A", "D", "MARK"]
    assert [row[1] for row in plan.rows("core.diagnosis")] == ["A", "D", "MARK"]
    # One more row of the same member, and one row that was written again.
    assert plan.record("core.medical_line") == (2, plan.record("core.diagnosis")[1])


def later_version(plan: Plan) -> None:
    plan.lines("2", ("A", "P1", "2026-01-05"), more=", date '2026-02-01' as paid_date, 'Z3A20' as hcpcs_code")


def reversal(plan: Plan) -> None:
    plan.lines("2", ("A", "P1", "2026-01-05"), status="reversed", more=", date '2026-02-01' as paid_date")


def same_claim_of_another(plan: Plan) -> None:
    """P1's new row bears the id of P2's claim: only one of the two versions stands."""
    plan.lines("2", ("B", "P1", "2026-01-06"), more=", date '2026-02-01' as paid_date")


def chain_of_shared_claims(plan: Plan) -> None:
    """P1's new row ties P2, whose other claim ties P3: three persons, of whom one has news."""
    plan.lines("2", ("B2", "P2", "2026-02-01"), ("B2", "P3", "2026-02-01"))
    plan.night()
    plan.lines("3", ("B", "P1", "2026-01-06"), more=", date '2026-02-01' as paid_date")


def day_is_reached(plan: Plan) -> None:
    plan.as_of = datetime.date(2026, 7, 1)


def somebody_joins(plan: Plan) -> None:
    """P9's claim was there before them, P0 goes before all by name: their numbers come after all others."""
    plan.members += ["P9", "P0"]
    plan.lines("2", ("D", "P1", "2026-02-05"))


def somebody_leaves(plan: Plan) -> None:
    plan.members.remove("P2")


def somebody_comes_back(plan: Plan) -> None:
    plan.members.remove("P3")
    plan.night()
    plan.members.append("P4")
    plan.night()
    plan.members.append("P3")


def fill_is_reversed(plan: Plan) -> None:
    plan.fills("2", ("F", "P1", "2026-01-05"), quantity=-30)


def reversal_under_another_id(plan: Plan) -> None:
    plan.fills("2", ("R", "P2", "2026-01-06"), ("S", "P9", "2026-01-06"), quantity=-30)


def bad_row(plan: Plan, name: str = "2") -> None:
    plan.write(
        f"medical_claim/{name}",
        "select 'Q' as claim_id, -1 as claim_line_number, 'professional' as claim_type, 'P1' as person_id, "
        "date '2026-01-05' as claim_start_date, 'O039' as diagnosis_code_1",
    )


def bad_row_again(plan: Plan) -> None:
    bad_row(plan)
    plan.night()
    bad_row(plan, "3")


def fill_of_before(plan: Plan) -> None:
    plan.fills("2", ("H", "P1", "2026-01-03"), ("I", "P1", "2026-01-05"), ("E", "P1", "2026-01-05"))


def file_that_sorts_first(plan: Plan) -> None:
    plan.lines("0", ("D", "P1", "2026-02-05"))


def provider_is_protected(plan: Plan, *, is_part2: bool = True) -> None:
    plan.write("provider", f"select '1992000008' as npi, '207Q00000X' as taxonomy_code, {is_part2} as is_part2")


def consent(plan: Plan, person: str, until: str = "2027-01-01") -> None:
    plan.write(
        "member_consent",
        f"select '{person}' as person_id, 'part2' as scope, date '2026-01-01' as valid_from, date '{until}' as valid_to",
    )


def consent_is_given(plan: Plan) -> None:
    """P2 of all, whose claim was withheld; P1 and P3 say nothing."""
    provider_is_protected(plan)
    plan.night()
    consent(plan, "P2")


def consent_ends(plan: Plan) -> None:
    provider_is_protected(plan)
    consent(plan, "P2")
    plan.night()
    plan.lines("2", ("D", "P1", "2026-02-05"))
    plan.night()
    consent(plan, "P2", "2026-06-01")


def protection_ends(plan: Plan) -> None:
    provider_is_protected(plan)
    plan.night()
    provider_is_protected(plan, is_part2=False)


def claim_id_of_another_and_no_files(plan: Plan) -> None:
    """Two nights without a file. The first reaches P3's claim, of whose versions P1 has a later one.

    Who had news in the first has none in the second: judged without P1's, P3's version would stand again.
    """
    plan.lines("2", ("C", "P1", "2026-01-08"), more=", date '2026-02-01' as paid_date")
    plan.night()
    plan.as_of = datetime.date(2026, 7, 1)
    plan.night()
    plan.as_of = datetime.date(2026, 7, 2)


@pytest.mark.parametrize(
    "news",
    [
        later_version, reversal, same_claim_of_another, chain_of_shared_claims, day_is_reached, somebody_joins,
        somebody_leaves, somebody_comes_back, fill_is_reversed, fill_of_before, reversal_under_another_id, bad_row, bad_row_again, file_that_sorts_first,
        provider_is_protected, protection_ends, consent_is_given, consent_ends, claim_id_of_another_and_no_files,
    ],
    ids=lambda news: news.__name__,
)  # fmt: skip
def test_news_gives_what_a_start_would(plan: Plan, news: Callable[[Plan], None]) -> None:
    generation = plan.record("core.medical_line")[1]
    news(plan)
    plan.night()
    assert plan.record("core.medical_line")[1] == generation, "all was built from the start"
    plan.check()


def date_goes_back(plan: Plan) -> None:
    plan.as_of = datetime.date(2026, 1, 5)


def file_is_written_anew(plan: Plan) -> None:
    plan.lines("1", ("A", "P1", "2026-01-05"), ("B", "P2", "2026-03-06"))


def file_is_taken_away(plan: Plan) -> None:
    plan.lines("2", ("D", "P1", "2026-02-05"))
    (plan.folder / "medical_claim" / "1.parquet").unlink()


def members_are_numbered_again(plan: Plan) -> None:
    """Twice, for other people, with nobody told of the numbers between: what they meant is lost."""
    plan.members = ["P0", "P2"]
    plan.load("eligibility")
    plan.con.execute("delete from raw.known_member")
    plan.build("core.member", "core.medical_line", "core.diagnosis")
    plan.members = ["P1", "P2", "P3"]
    plan.load("eligibility")
    plan.con.execute("delete from raw.known_member")
    plan.build("core.member")


def text_comes_instead(plan: Plan) -> None:
    """Two deliveries of text: the second no longer has what the first had."""
    folder = plan.folder / "medical_claim"
    for rows in (("A", "B"), ("A",)):
        for path in folder.iterdir():
            path.unlink()
        told = plan.lines("1", *((claim, {"A": "P1", "B": "P3"}[claim], "2026-01-05") for claim in rows))
        plan.con.execute(f"copy (from '{told}') to '{told.with_suffix('.csv')}' (header)")
        told.unlink()
        plan.night()


@pytest.mark.parametrize(
    "change",
    [
        date_goes_back,
        file_is_written_anew,
        file_is_taken_away,
        text_comes_instead,
        members_are_numbered_again,
    ],
    ids=lambda change: change.__name__,
)
def test_what_is_no_news_has_all_built_from_the_start(plan: Plan, change: Callable[[Plan], None]) -> None:
    mark(plan, "P2")
    change(plan)
    plan.night()
    assert not is_carried_on(plan)
    plan.check()


def told(plan: Plan, name: str) -> str | None:
    """How a table was built the last time."""
    return kept.settle(plan.con, name, is_sound=True)


def test_one_consent_is_news_of_one_member(plan: Plan) -> None:
    provider_is_protected(plan)
    plan.night()
    mark(plan, "P1")
    consent(plan, "P2")
    plan.night()
    for name in ("core.medical_line", "core.diagnosis"):
        assert is_carried_on(plan, name)
        assert told(plan, name) == "carried on with 1 rows of members with news"
    # Nothing rests any more on what was withheld before.
    assert plan.con.execute("select count(*) from door.kept_withheld").fetchall() == [(2,)]


def test_many_consents_have_all_built_from_the_start(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "LARGEST_SHARE", 0.4)
    provider_is_protected(plan)
    plan.load("provider")
    plan.build(*MODELS, "core.medical_claim_removed", "core.diagnosis")
    assert told(plan, "core.diagnosis") == "from the start: much news"
    assert plan.rows("changed.medical_claim") == [], "claims are copied for nothing"
    plan.night()
    plan.check()


def drugs(plan: Plan, *codes: str) -> None:
    plan.write("drug", f"select unnest({list(codes)}) as ndc_code, 'metformin' as ingredients")


@pytest.mark.parametrize(
    ("before", "now"),
    [
        pytest.param(("00093505698",), ("00000000001", "00093505698"), id="an NDC that sorts first"),
        pytest.param(("00000000001",), ("00000000001", "00093505698"), id="an NDC that was filled before"),
        pytest.param(("00000000001", "00093505698"), ("00000000001",), id="an NDC that is gone"),
    ],
)
def test_another_drug_table_renumbers_the_fills_that_stand(
    plan: Plan, before: tuple[str, ...], now: tuple[str, ...]
) -> None:
    drugs(plan, *before)
    plan.night()
    plan.con.execute("update core.fill set rx_number = 'MARK' where claim_id = 'G'")
    drugs(plan, *now)
    plan.fills("2", ("H", "P1", "2026-02-03"))
    plan.night()
    assert told(plan, "core.fill") == "carried on with 2 rows of members with news, and put in order"
    assert plan.con.execute("select claim_id from core.fill where rx_number = 'MARK'").fetchall() == [("G",)]
    plan.con.execute("update core.fill set rx_number = null")
    plan.check()


def test_other_code_judges_and_builds_from_the_start(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    generation = plan.record("core.medical_line")[1]
    mark(plan, "P2")
    monkeypatch.setattr(kept, "code_digest", lambda: "another")
    plan.night()
    assert not is_carried_on(plan)
    assert plan.record("core.medical_line")[1] == generation
    monkeypatch.setattr(claim_view, "code_digest", lambda: "another")
    plan.night()
    assert plan.record("core.medical_line")[1] != generation
    plan.check()


def test_code_is_all_that_a_kept_table_may_rest_on() -> None:
    """Every line of Python, the models that a kept one reads directly or not, and the contracts of these."""
    covered = set(code_digest.sources())
    assert set((ROOT / "assets").rglob("*.py")) <= covered
    models = {model.name: model for model in all_models()}
    waiting, seen = list(KEPT), set()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += [".".join(key) for key in models[name].inputs] if name in models else []
    assert {"core.consent", "raw.provider", "raw.consent_word"} <= seen
    assert {models[name].path for name in seen & models.keys()} <= covered
    assert {CONTRACTS / f"{name.replace('.', '/')}.odcs.yaml" for name in seen} <= covered
    assert {path for path in CONTRACTS.iterdir() if path.suffix == ".yaml"} <= covered
    assert {path for path in CONTRACTS.rglob("*.csv")} <= covered
    told = {path.relative_to(ROOT).as_posix() for path in covered}
    assert not told & {"assets/engine/report/page.html.jinja", "sql/outreach/worklist.sql"}


def test_a_file_that_was_touched_is_judged_again(plan: Plan) -> None:
    generation = plan.record("core.medical_line")[1]
    os.utime(plan.folder / "medical_claim" / "1.parquet", (1, 1))
    plan.night()
    assert plan.record("core.medical_line")[1] != generation


def test_much_news_has_all_built_from_the_start(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    mark(plan, "P2")
    plan.lines("2", ("D", "P1", "2026-02-05"))
    monkeypatch.setattr(kept, "LARGEST_SHARE", 0.4)
    plan.night()
    assert not is_carried_on(plan)
    assert plan.record("core.medical_line")[0] == 0
    plan.check()


def test_news_of_many_nights_are_not_much_news(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each night one of the three: the tables are put in order when they need it, and built from the start never."""
    monkeypatch.setattr(kept, "LARGEST_SHARE", 0.45)
    monkeypatch.setattr(kept, "LARGEST_DISORDER", 0.9)
    plan.lines("2", ("D", "P3", "2026-02-05"))
    plan.night()
    mark(plan, "P3")
    put_in_order = []
    for turn in range(5):
        plan.lines(f"3-{turn}", (f"E{turn}", f"P{1 + turn % 2}", "2026-02-05"))
        plan.night()
        said = told(plan, "core.diagnosis")
        assert said.startswith("carried on with")
        put_in_order.append("put in order" in said)
        if put_in_order[-1]:
            assert plan.record("core.diagnosis")[0] == 0
            keys = [key for (key,) in plan.con.execute("select member_key from core.diagnosis").fetchall()]
            assert keys == sorted(keys)
    assert put_in_order == [False, True, False, False, True]
    assert is_carried_on(plan)
    for name in ("core.medical_line", "core.diagnosis"):
        plan.con.execute(f"update {name} set claim_id = 'D' where claim_id = 'MARK'")
    plan.check()


def test_what_fails_half_way_is_built_from_the_start(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    mark(plan, "P2")
    plan.lines("2", ("D", "P1", "2026-02-05"))
    with monkeypatch.context() as patch:
        patch.setattr(kept, "transaction", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            plan.night()
    assert plan.record("core.medical_claim_removed") is None
    plan.night()
    assert plan.record("core.medical_claim_removed")[0] == 0
    assert is_carried_on(plan)
    plan.con.execute("update core.medical_line set claim_id = 'B' where claim_id = 'MARK'")
    plan.con.execute("update core.diagnosis set claim_id = 'B' where claim_id = 'MARK'")
    plan.check()


def test_a_table_that_broke_its_contract_is_built_from_the_start(plan: Plan) -> None:
    """Of the next one only the news would be judged. So is one that a run left before it was judged."""
    mark(plan, "P2")
    plan.lines("2", ("D", "P1", "2026-02-05"))
    plan.night()
    assert kept.settle(plan.con, "core.medical_line", is_sound=False) == "carried on with 2 rows of members with news"
    plan.con.execute("update door.kept_table set is_sound = false where table_name = 'core.diagnosis'")
    plan.lines("3", ("E", "P3", "2026-02-05"))
    plan.night()
    for name in ("core.medical_line", "core.diagnosis"):
        assert not is_carried_on(plan, name)
        assert kept.settle(plan.con, name, is_sound=True) == "from the start: no table of before that kept its contract"
    plan.check()


def test_a_run_that_was_cut_off_between_two_inserts_gathers_nobody_twice(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P3's future claim is reached by now: the run ends after their claims were added, and before they were."""
    plan.as_of = datetime.date(2026, 7, 1)
    plan.lines("2", ("D", "P1", "2026-02-05"))

    class CutOff:
        """A connection that ends the run where the persons are written that the as-of date adds."""

        def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
            self.con = con

        def __getattr__(self, name: str) -> Any:
            return getattr(self.con, name)

        def execute(self, query: str, *more: Any) -> Any:
            if (
                query.startswith("insert into changed.medical_claim_person")
                and self.con.execute("select true from added where person_id = 'P3'").fetchone()
            ):
                raise KeyboardInterrupt
            return self.con.execute(query, *more)

    with monkeypatch.context() as patch:
        add = news.add
        patch.setattr(news, "add", lambda con, *more: add(CutOff(con), *more))  # type: ignore[arg-type]
        plan.load("medical_claim")
        kept.load_known_members(plan.con, contract_for("raw", "known_member").ddl())
        plan.build(*MODELS, "core.medical_claim_removed")
        with pytest.raises(KeyboardInterrupt):
            plan.build("core.diagnosis")
    plan.build("core.medical_line")
    assert sorted(row[1] for row in plan.rows("core.medical_line")) == ["A", "B", "C", "D"]
    plan.night()
    plan.check()


def test_a_file_that_was_replaced_while_it_was_judged_is_another(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = claim_view.judge

    def replaced_meanwhile(*given: Any) -> None:
        judge(*given)
        plan.lines("2", ("D", "P2", "2026-02-06"))

    plan.lines("2", ("D", "P1", "2026-02-05"))
    with monkeypatch.context() as patch:
        patch.setattr(claim_view, "judge", replaced_meanwhile)
        plan.load("medical_claim")
    with pytest.raises(InputError, match=r"2\.parquet: the file was changed"):
        claim_view.refuse_changed(plan.con)
    plan.night()
    claim_view.refuse_changed(plan.con)
    plan.check()


def test_a_file_that_cannot_be_read_costs_nothing_of_what_was_judged(plan: Plan) -> None:
    mark(plan, "P2")
    bad = plan.write("medical_claim/2", "select 'D' as claim_id")
    with pytest.raises(InputError, match="medical_claim"):
        plan.load("medical_claim")
    bad.unlink()
    plan.lines("2", ("D", "P1", "2026-02-05"))
    plan.night()
    assert is_carried_on(plan)
    plan.con.execute("update core.medical_line set claim_id = 'B' where claim_id = 'MARK'")
    plan.con.execute("update core.diagnosis set claim_id = 'B' where claim_id = 'MARK'")
    plan.check()


def test_a_table_that_another_engine_made_is_built_from_the_start(plan: Plan) -> None:
    model = next(model for model in all_models() if model.name == "core.medical_line")
    params = {"as_of": plan.as_of, **read_settings().params()}
    warehouse.build(plan.con, model, params, lambda con, model, params: model.create(con, params))
    assert plan.record("core.medical_line") is None


def test_a_table_waits_for_what_it_rests_on(plan: Plan) -> None:
    """Lines built before the removed ones are brought up to date are not remembered as up to date."""
    plan.lines("2", ("A", "P1", "2026-01-05"), more=", date '2026-02-01' as paid_date")
    plan.load("medical_claim")
    plan.build("core.medical_line")
    assert plan.record("core.medical_line") is None
    plan.build("core.medical_claim_removed", "core.medical_line", "core.diagnosis")
    plan.check()


def test_a_number_is_never_given_twice(plan: Plan) -> None:
    def numbers() -> dict[str, int]:
        return dict(plan.con.execute("select person_id, member_key from core.member").fetchall())

    first = numbers()
    plan.members = ["P1", "P2"]
    plan.night()
    plan.members = ["P0", "P1", "P2"]
    plan.night()
    assert numbers() == {"P0": 4, "P1": first["P1"], "P2": first["P2"]}
    plan.members = ["P1", "P3"]
    plan.night()
    assert numbers() == {"P1": first["P1"], "P3": first["P3"]}


def test_judged_files_are_not_judged_again(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[str] = []
    judge = claim_view._judge

    def watched(con: duckdb.DuckDBPyConnection, contract: Any, part: claim_view.Part) -> None:
        judged.extend(file.label for file in part.files)
        judge(con, contract, part)

    monkeypatch.setattr(claim_view, "_judge", watched)
    bad_row(plan)
    plan.night()
    assert judged == ["medical_claim/2.parquet"]
    judged.clear()
    plan.night()
    assert judged == []
    assert plan.rows("door.medical_claim_rejected") == [
        ("medical_claim", "medical_claim/2.parquet", 1, "invalid_claim_line_number")
    ]
    counts = {
        measure: rows
        for measure, rows in plan.con.execute(
            "select measure, sum(row_count)::bigint from door.medical_claim_count group by measure"
        ).fetchall()
    }
    assert (counts["read"], counts["stored"]) == (5, 4)


def test_a_file_with_the_same_size_and_time_is_told_apart(plan: Plan) -> None:
    mark(plan, "P2")
    path = plan.folder / "medical_claim" / "1.parquet"
    before = path.stat()
    plan.lines(
        "1", ("A", "P1", "2026-01-05"), ("B", "P2", "2026-01-06"), ("C", "P3", "2026-07-02"), ("Z", "P9", "2026-01-07")
    )
    assert path.stat().st_size == before.st_size
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    plan.night()
    assert not is_carried_on(plan)
    plan.check()


def test_what_old_files_need_repaired_stays_repaired(plan: Plan) -> None:
    plan.lines("2", ("D", "P1", "2026-02-05"), more=", 'O00.1' as diagnosis_code_2")
    plan.night()
    plan.lines("3", ("E", "P1", "2026-02-06"), more=", 'O002' as diagnosis_code_2")
    plan.night()
    codes = "select diagnosis_code_2 from raw.medical_claim where diagnosis_code_2 is not null order by 1"
    assert plan.con.execute(codes).fetchall() == [("O001",), ("O002",)]
    repaired = "select detail, row_count from door.medical_claim_count where measure = 'repaired'"
    assert plan.con.execute(repaired).fetchall() == [("diagnosis_code", 1)]
    plan.check()


def test_the_contract_is_kept_by_what_came_in(plan: Plan) -> None:
    contract = contract_for("core", "medical_line")
    plan.lines("2", ("D", "P1", "2026-02-05"))
    plan.night()
    assert warehouse.violations(plan.con, contract) == {}
    plan.con.execute("update changed.core_medical_line set member_key = 0")
    assert warehouse.violations(plan.con, contract) == {"member_key minimum": 2}
    plan.con.execute("update core.medical_line set claim_type = null")
    kept.forget(plan.con, "core.medical_line")
    assert warehouse.violations(plan.con, contract) == {"claim_type not_null": 3}


def test_after_a_night_that_failed_tables_are_carried_on(plan: Plan) -> None:
    mark(plan, "P2")
    plan.members.append("P9")
    plan.load("eligibility")
    kept.load_known_members(plan.con, contract_for("raw", "known_member").ddl())
    plan.build("core.member")
    plan.night()
    assert is_carried_on(plan)
    for name in ("core.medical_line", "core.diagnosis"):
        plan.con.execute(f"update {name} set claim_id = 'B' where claim_id = 'MARK'")
    plan.check()
