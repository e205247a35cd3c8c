"""The suites at the borders: what they let through, what they stop, and that only numbers come out of them."""

import contextlib
import json
import logging
import shutil
import socket
import subprocess
import sys
import time
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest

from assets.engine import gx, quality, warehouse
from assets.engine.border import BORDERS, COMPARED
from assets.engine.errors import ContractError
from assets.engine.gx import duckdb_in_gx, great_expectations
from assets.engine.model import ROOT, SQL, Model
from assets.engine.quality import ExpectationResult, run_suite
from assets.engine.quality_page import told, write_data_docs
from assets.engine.suite import COUNTED, EXPECTATIONS, Expectation, expectation_specs, read_suite

AS_OF = date(2026, 3, 31)
SMALL_CELL = 11
PROFILES = {"raw": "core/input_profile.sql", "outreach": "outreach/worklist_profile.sql"}

# Two hundred members in two states with twelve fills each, at 25 pharmacies that list five rows each.
NIGHT = """
create schema core; create schema outreach;
create table core.member as
    select i::integer as member_key, 'PERSON-' || i as person_id, case when i < 100 then 'TX' else 'NM' end as state
    from range(200) as t(i);
create table core.drug as select '0000000000' || i as ndc_code from range(5) as t(i);
create table core.pharmacy as
    select (1999000000 + i)::varchar as npi, 10::integer as weekly_capacity from range(25) as t(i);
create table core.fill as
    select
        (i % 200)::integer as member_key,
        date '2026-03-30' - (i // 200 * 28)::integer as fill_date,
        case when i % 4 = 0 then 90 else 30 end::integer as days_supply,
        (1999000000 + i % 25)::varchar as dispensing_provider_npi
    from range(2400) as t(i);
create table core.medical_line as select date '2026-03-20' as claim_start_date from range(200);
create table core.reconciliation as
    select source_table, bucket, (case bucket when 'read' then 500 when 'accepted' then 480 else 0 end)::bigint as row_count
    from (values ('eligibility'), ('pharmacy_claim'), ('medical_claim'), ('drug'), ('pharmacy')) as t(source_table),
    (values ('read'), ('accepted'), ('rejected'), ('duplicate'), ('netted')) as b(bucket);
create table core.set_apart as
    select * from (values
        ('pharmacy_claim', 'unknown_ndc', 3::bigint), ('pharmacy_claim', 'unusable_days_supply', 2),
        ('pharmacy_claim', 'unlinked', 1), ('pharmacy_claim', 'invalid_npi', 0), ('medical_claim', 'unlinked', 0)
    ) as t(source_table, reason, row_count);
create table outreach.worklist as
    select
        (1999000000 + i // 5)::varchar as pharmacy_npi, (i % 5 + 1)::integer as list_rank, date '2026-03-31' as as_of,
        case when i < 60 then 'TX' else 'NM' end as state, case when i % 5 = 0 then 'urgent' else 'routine' end as priority_band,
        'PERSON-' || i % 40 as person_id, 'gap-' || i as gap_id, 'ADHERENCE_LATE' as gap_code, 'adherence' as gap_family,
        'SUBJECT' as subject, 'REASON for PERSON-' || i % 40 as reason, (40 - i % 5)::decimal(9, 4) as score
    from range(125) as t(i);
"""

# One value broken each: the expectation, and the statement that makes it false.
BROKEN = {
    "raw": {
        "every_claims_table_has_accepted_rows": "update core.reconciliation set row_count = 0 where source_table = 'medical_claim' and bucket = 'accepted'",
        "few_rows_are_rejected": "update core.reconciliation set row_count = 60 where source_table = 'drug' and bucket = 'rejected'",
        "few_rows_are_duplicates": "update core.reconciliation set row_count = 250 where source_table = 'pharmacy_claim' and bucket = 'duplicate'",
        "few_rows_are_netted": "update core.reconciliation set row_count = 250 where source_table = 'pharmacy_claim' and bucket = 'netted'",
        "few_ndcs_are_unknown": "update core.set_apart set row_count = 48 where reason = 'unknown_ndc'",
        "few_days_supply_are_unusable": "update core.set_apart set row_count = 48 where reason = 'unusable_days_supply'",
        "few_pharmacy_claims_are_unlinked": "update core.set_apart set row_count = 48 where source_table = 'pharmacy_claim' and reason = 'unlinked'",
        "few_medical_claims_are_unlinked": "update core.set_apart set row_count = 48 where source_table = 'medical_claim' and reason = 'unlinked'",
        "few_dispensing_npis_are_invalid": "update core.set_apart set row_count = 48 where reason = 'invalid_npi'",
        "few_fills_are_at_unknown_pharmacies": "delete from core.pharmacy where npi >= '1999000010'",
        "few_supplies_are_unusual": "update core.fill set days_supply = 7 where days_supply = 30",
        "few_members_lack_a_state": "update core.member set state = null where member_key < 20",
        "fills_per_member_are_plausible": "delete from core.fill where fill_date < date '2025-12-01'; update core.fill set member_key = rowid",
        "pharmacy_claims_are_recent": "update core.fill set fill_date = fill_date - 14",
        "medical_claims_are_recent": "update core.medical_line set claim_start_date = date '2026-01-01'",
        "table_sizes_are_near_last_night": "update core.reconciliation set row_count = 1001 where source_table = 'pharmacy' and bucket = 'read'",
        "pharmacy_count_is_near_last_night": "update core.fill set dispensing_provider_npi = '1999000001'",
        "no_state_is_lost_since_last_night": "update core.member set state = 'NM'",
        "members_by_state_are_near_last_night": "update core.member set state = 'NM' where member_key < 60",
        "days_supply_is_spread_as_last_night": "update core.fill set days_supply = 90 where member_key % 2 = 0",
        "unknown_ndcs_rise_slowly": "update core.set_apart set row_count = 20 where reason = 'unknown_ndc'",
    },
    "outreach": {
        "every_row_names_a_pharmacy": "update outreach.worklist set pharmacy_npi = null where gap_id = 'gap-7'",
        "every_row_names_a_member": "update outreach.worklist set person_id = null where gap_id = 'gap-7'",
        "every_row_gives_a_reason": "update outreach.worklist set reason = ' ' where gap_id = 'gap-7'",
        "every_row_names_its_gap": "update outreach.worklist set gap_id = null where gap_id = 'gap-7'",
        "every_gap_is_listed_once": "update outreach.worklist set gap_id = 'gap-8' where gap_id = 'gap-7'",
        "every_row_has_a_score": "update outreach.worklist set score = null where gap_id = 'gap-7'",
        "every_list_starts_at_one": "update outreach.worklist set list_rank = list_rank + 1 where pharmacy_npi = '1999000003'",
        "every_list_ends_at_its_length": "update outreach.worklist set list_rank = 9 where gap_id = 'gap-9'",
        "every_list_numbers_each_row": "update outreach.worklist set list_rank = null where gap_id = 'gap-7'",
        "no_list_exceeds_its_capacity": "update core.pharmacy set weekly_capacity = 4 where npi = '1999000003'",
        "few_rows_are_urgent": "update outreach.worklist set priority_band = 'urgent'",
        "no_pharmacy_dominates": "insert into outreach.worklist select * replace ('1999000000' as pharmacy_npi) from outreach.worklist limit 50",
        "scores_differ": "update outreach.worklist set score = 12",
        "worklist_size_is_near_last_night": "delete from outreach.worklist where list_rank > 2",
        "listed_pharmacies_are_near_last_night": "delete from outreach.worklist where pharmacy_npi > '1999000010'",
        "no_state_is_lost_since_last_night": "delete from outreach.worklist where state = 'NM'",
        "state_sizes_are_near_last_night": "delete from outreach.worklist where pharmacy_npi > '1999000014'",
    },
}
CASES = [(border, name) for border, broken in BROKEN.items() for name in broken]
COMPARING = [(border, e.name) for border in BORDERS for e in read_suite(border).expectations if e.compares]


def profiled(*statements: str) -> duckdb.DuckDBPyConnection:
    """The good night, changed by the statements, with its profile tables built."""
    con = duckdb.connect()
    con.execute(NIGHT)
    for statement in statements:
        con.execute(statement)
    for path in PROFILES.values():
        warehouse.build(con, Model(SQL / path), {"as_of": AS_OF})
    return con


def failed(results: list[ExpectationResult]) -> set[str]:
    return {r.name for r in results if not r.passed}


def only(monkeypatch: pytest.MonkeyPatch, border: str, name: str) -> None:
    """Leave one expectation in the suite of a border."""
    suite = read_suite(border)
    one = suite.model_copy(update={"expectations": tuple(e for e in suite.expectations if e.name == name)})
    monkeypatch.setattr(quality, "read_suite", lambda _: one)


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The good night as published."""
    night = tmp_path_factory.mktemp("night")
    (night / "tables").mkdir()
    with profiled() as con:
        con.execute(f"copy core.input_profile to '{night}/tables/input_profile.parquet'")
        con.execute(f"copy outreach.worklist_profile to '{night}/tables/worklist_profile.parquet'")
    return night


@pytest.mark.parametrize("border", BORDERS)
def test_a_good_night_passes_and_every_expectation_has_something_to_judge(
    border: str, previous: Path, tmp_path: Path
) -> None:
    with profiled() as con:
        results = run_suite(con, border, previous, tmp_path)
    assert failed(results) == set()
    assert [r.name for r in results if r.observed is None] == []
    assert [(r.name, r.severity, r.description) for r in results] == expectation_specs(border)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("border", BORDERS)
def test_every_expectation_has_a_broken_night(border: str) -> None:
    assert [name for name, _, _ in expectation_specs(border)] == list(BROKEN[border])


@pytest.mark.parametrize(("border", "name"), CASES, ids=[f"{border}: {name}" for border, name in CASES])
def test_one_broken_value_fails_its_expectation(
    border: str, name: str, previous: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch, border, name)
    with profiled(BROKEN[border][name]) as con:
        [result] = run_suite(con, border, previous, tmp_path)
    assert not result.passed
    assert type(result.observed) in {int, float}


@pytest.mark.parametrize("border", BORDERS)
def test_a_first_night_passes_and_compares_with_nothing(border: str, tmp_path: Path) -> None:
    with profiled() as con:
        results = run_suite(con, border, None, tmp_path)
    assert failed(results) == set()
    assert {(border, r.name) for r in results if r.observed is None} == {c for c in COMPARING if c[0] == border}


@pytest.mark.parametrize("border", BORDERS)
def test_a_night_without_drugs_pharmacies_states_or_lists_passes(border: str, tmp_path: Path) -> None:
    nothing = (
        "delete from core.drug",
        "delete from core.pharmacy",
        "delete from outreach.worklist",
        "update core.member set state = null",
        "update core.fill set dispensing_provider_npi = null",
        "update core.set_apart set row_count = 480 where reason = 'unknown_ndc'",
        "update core.reconciliation set row_count = 0 where source_table in ('drug', 'pharmacy')",
    )
    with profiled(*nothing) as con:
        results = run_suite(con, border, None, tmp_path)
    assert failed(results) == set()
    vacuous = {r.name for r in results if r.observed is None}
    expected = {
        "raw": {"few_ndcs_are_unknown", "few_fills_are_at_unknown_pharmacies", "few_members_lack_a_state"},
        "outreach": set(BROKEN["outreach"]),
    }
    assert expected[border] <= vacuous


def test_lists_that_vanish_overnight_are_told(previous: Path, tmp_path: Path) -> None:
    with profiled("delete from outreach.worklist") as con:
        results = run_suite(con, "outreach", previous, tmp_path)
    assert failed(results) == {
        "worklist_size_is_near_last_night",
        "listed_pharmacies_are_near_last_night",
        "no_state_is_lost_since_last_night",
    }


def test_a_small_delivery_is_not_judged_by_its_shares(tmp_path: Path) -> None:
    small = (
        "delete from core.fill where member_key > 4",
        "update core.reconciliation set row_count = row_count // 10",
        "update core.reconciliation set row_count = 20 where bucket = 'rejected'",
        "update core.set_apart set row_count = 20",
    )
    with profiled(*small) as con:
        assert failed(run_suite(con, "raw", None, tmp_path)) == set()


@pytest.mark.parametrize("border", BORDERS)
def test_a_damaged_earlier_night_fails_the_comparisons_only(border: str, tmp_path: Path) -> None:
    tables = tmp_path / "night" / "tables"
    tables.mkdir(parents=True)
    (tables / f"{COMPARED[border]}.parquet").write_bytes(b"PAR1 cut off")
    with profiled() as con:
        results = run_suite(con, border, tmp_path / "night", tmp_path / "scratch")
    assert {(border, name) for name in failed(results)} == {c for c in COMPARING if c[0] == border}


def test_an_earlier_night_with_other_columns_is_compared(previous: Path, tmp_path: Path) -> None:
    tables = tmp_path / "night" / "tables"
    tables.mkdir(parents=True)
    duckdb.sql(
        f"copy (select * exclude (weekly_capacity), 1 as later from '{previous}/tables/worklist_profile.parquet') "
        f"to '{tables}/worklist_profile.parquet'"
    )
    with profiled() as con:
        results = run_suite(con, "outreach", tmp_path / "night", tmp_path / "scratch")
    assert all(r.passed and r.observed is not None for r in results)


def test_no_member_gap_or_sentence_reaches_great_expectations(
    previous: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[str] = set()

    def look(catalogue: Path, _: object) -> dict:
        with duckdb.connect(str(catalogue)) as con:
            tables = con.execute("select table_name, column_name from information_schema.columns").fetchall()
            seen.update(column for _, column in tables)
            for table in {table for table, _ in tables}:
                assert "PERSON-" not in str(con.execute(f"from {table}").fetchall())
                assert "gap-" not in str(con.execute(f"from {table}").fetchall())
        return {}

    monkeypatch.setattr(quality, "judged", look)
    with profiled() as con:
        for border in BORDERS:
            run_suite(con, border, previous, tmp_path)
    assert {"list_rank", "has_person", "value"} <= seen
    assert not seen & {"person_id", "gap_id", "reason", "subject", "evidence", "action", "due_date", "language"}


def test_no_value_leaves_a_failing_suite(
    previous: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="great_expectations")
    names = (
        "every_row_names_a_pharmacy",
        "every_row_has_a_score",
        "every_gap_is_listed_once",
        "every_list_starts_at_one",
    )
    with profiled(*(BROKEN["outreach"][name] for name in names)) as con:
        results = run_suite(con, "outreach", previous, tmp_path / "scratch")
    assert failed(results) >= set(names)
    assert {type(r.observed) for r in results} <= {int, float, type(None)}
    page = tmp_path / "quality.html"
    write_data_docs(results, page, SMALL_CELL)
    out, err = capfd.readouterr()
    assert (out, err, caplog.text) == ("", "", "")
    told = page.read_text(encoding="utf-8") + repr(results)
    assert not [secret for secret in ("PERSON-", "gap-", "REASON", "SUBJECT", "1999000") if secret in told]


def test_great_expectations_is_silent_and_calls_nobody(
    previous: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with profiled() as con:
        assert failed(run_suite(con, "raw", previous, tmp_path)) == set()


def test_a_warm_suite_takes_seconds(previous: Path, tmp_path: Path) -> None:
    with profiled() as con:
        run_suite(con, "raw", previous, tmp_path)
        started = time.perf_counter()
        run_suite(con, "outreach", previous, tmp_path)
    assert time.perf_counter() - started < 10


def test_great_expectations_still_needs_the_duckdb_workaround(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When this fails, GX reads DuckDB by itself: remove `duckdb_in_gx` and this test."""
    great_expectations()
    from great_expectations.execution_engine.sqlalchemy_dialect import GXSqlDialect

    assert "duckdb" not in {dialect.value for dialect in GXSqlDialect}
    monkeypatch.setattr(gx, "duckdb_in_gx", contextlib.nullcontext)
    with profiled() as con:
        results = run_suite(con, "raw", None, tmp_path)
    judged = {r.name for r in results if ("raw", r.name) not in COMPARING}
    assert failed(results) == judged


def test_the_workaround_is_taken_back() -> None:
    great_expectations()
    from great_expectations.execution_engine import sqlalchemy_execution_engine as engine

    before = engine._PERSISTED_CONNECTION_DIALECTS
    with duckdb_in_gx():
        assert "duckdb" in engine._PERSISTED_CONNECTION_DIALECTS
    assert engine._PERSISTED_CONNECTION_DIALECTS is before


def test_a_rule_that_cannot_run_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    suite = read_suite("raw")
    wrong = suite.expectations[0].model_copy(update={"kwargs": {"column": "no_such_column", "min_value": 1}})
    monkeypatch.setattr(quality, "read_suite", lambda _: suite.model_copy(update={"expectations": (wrong,)}))
    with profiled() as con:
        [result] = run_suite(con, "raw", None, tmp_path)
    assert (result.passed, result.observed) == (False, None)


def test_great_expectations_comes_in_where_the_main_module_has_no_file() -> None:
    """As in a run that the UI launched: with pyspark beside it the process would end without a word."""
    code = "from assets.engine.gx import great_expectations; great_expectations(); print('it is here')"
    done = subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "it is here\n"


def test_specs_are_read_without_great_expectations() -> None:
    code = (
        "import sys; from assets.engine import quality; "
        "from assets.engine.suite import BORDERS, expectation_specs; "
        "[expectation_specs(b) for b in BORDERS]; "
        "assert not {'great_expectations', 'pandas', 'sqlalchemy'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_only_what_must_never_be_published_is_an_error() -> None:
    severities = {b: {s for _, s, _ in expectation_specs(b)} for b in BORDERS}
    assert severities == {"raw": {"warning"}, "outreach": {"warning", "error"}}


def test_a_suite_without_tables_says_what_to_build(tmp_path: Path) -> None:
    with (
        duckdb.connect() as con,
        pytest.raises(ContractError, match=r"^raw suite: found no input_profile; build the profile"),
    ):
        run_suite(con, "raw", None, tmp_path)


SPOILED = {
    "an unknown key": ({"limit": 3}, "limit"),
    "an unknown severity": ({"severity": "critical"}, "severity"),
    "a table of the other border": ({"table": "input_profile"}, "not tables of this border"),
    "an aggregate over a worklist": ({"table": "worklist", "type": "expect_column_max_to_be_between"}, "not allowed"),
    "a rule that shows rows": ({"type": "unexpected_rows_expectation"}, "not allowed"),
}


@pytest.mark.parametrize(("change", "told"), SPOILED.values(), ids=SPOILED.keys())
def test_a_suite_refuses(change: dict, told: str, tmp_path: Path) -> None:
    path = tmp_path / "outreach.json"
    shutil.copy(EXPECTATIONS / "outreach.json", path)
    suite = json.loads(path.read_text(encoding="utf-8"))
    suite["expectations"][0] |= change
    path.write_text(json.dumps(suite), encoding="utf-8")
    with pytest.raises(ContractError, match=told):
        read_suite("outreach", tmp_path)


class Links(HTMLParser):
    """What a page would load or open."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [tag for name, _ in attrs if name in {"src", "href", "srcset", "action"}]
        self.found += [tag] * (tag in {"script", "link", "iframe", "img", "object"})


def test_the_page_loads_nothing_and_tells_every_result(tmp_path: Path) -> None:
    results = [
        ExpectationResult("raw", "few_rows_are_rejected", "warning", False, 0.25, "A <thing> & more.", "at most 0.1"),
        ExpectationResult("outreach", "no_list_exceeds_its_capacity", "error", False, 1234, "Another.", "no exception"),
        # The working warehouse keeps a count as a floating point number.
        ExpectationResult("raw", "pharmacy_claims_are_recent", "error", True, 6.0, "A fourth.", "at most 14"),
        ExpectationResult("outreach", "scores_differ", "error", True, None, "A third.", "no exception"),
    ]
    page = tmp_path / "quality.html"
    write_data_docs(results, page, SMALL_CELL)
    text = page.read_text(encoding="utf-8")
    links = Links()
    links.feed(text)
    assert links.found == []
    assert "Expectations: 4. Errors: 1. Warnings: 1." in text
    assert "A &lt;thing&gt; &amp; more." in text
    assert ">1,234<" in text
    assert ">0.2 to 0.3<" in text
    assert ">6<" in text
    assert "nothing to judge" in text
    write_data_docs(results, tmp_path / "again.html", SMALL_CELL)
    assert (tmp_path / "again.html").read_bytes() == page.read_bytes()


SHARES = [
    (border, e)
    for border in BORDERS
    for e in read_suite(border).expectations
    if e.type not in COUNTED and ("_share" in e.kwargs["column"] or "'share_of_" in e.rows)
    if e.kwargs["column"] != "change"
]
each_share = pytest.mark.parametrize(("border", "share"), SHARES, ids=[f"{b}: {e.name}" for b, e in SHARES])


def found(border: str, expectation: Expectation, observed: float) -> tuple[bool, str]:
    """What the page says of a value: whether it passed, and what was found."""
    low, high = expectation.kwargs.get("min_value"), expectation.kwargs.get("max_value")
    passed = (low is None or observed >= low) and (high is None or observed <= high)
    return passed, told(
        ExpectationResult(border, expectation.name, "warning", passed, observed, "", expectation.allowed), SMALL_CELL
    )


def test_the_share_of_urgent_rows_and_of_the_longest_list_are_among_the_shares() -> None:
    assert {"few_rows_are_urgent", "no_pharmacy_dominates", "few_members_lack_a_state"} < {e.name for _, e in SHARES}


@each_share
@pytest.mark.parametrize("whole", [100, 101, 119, 190, 246, 1000])
def test_a_share_gives_no_small_count_and_no_small_rest_back(border: str, share: Expectation, whole: int) -> None:
    """Who knows the whole and reads the page still has five counts or more to choose from; a suite asks for 100 rows."""
    assert "row_count >= 100" in share.rows
    by_text: dict[tuple[bool, str], list[int]] = {}
    for part in range(whole + 1):
        by_text.setdefault(found(border, share, round(part / whole, 4)), []).append(part)
    for counts in by_text.values():
        assert len(counts) >= 5, counts
    assert len(by_text) > 2, "a share out of bounds is told by its size"


@pytest.mark.parametrize("tonight", [246, 60, 700])
def test_growth_does_not_give_last_nights_total_back(tonight: int) -> None:
    """Where few came and nobody left, last night's total tells how many came."""
    [growth] = [e for e in read_suite("outreach").expectations if e.name == "worklist_size_is_near_last_night"]
    texts = {found("outreach", growth, round(tonight / before, 4)) for before in range(tonight - 10, tonight + 11)}
    assert texts == {(True, "within bounds")}
    assert found("outreach", growth, 0.4321)[1] == "less than 0.5"
    assert found("outreach", growth, 2.6)[1] == "more than 2"


def test_what_is_no_count_of_people_is_told_as_it_is() -> None:
    def text(border: str, name: str, observed: float | None) -> str:
        return told(ExpectationResult(border, name, "warning", False, observed, "", ""), SMALL_CELL)

    assert text("raw", "pharmacy_claims_are_recent", 45.0) == "45"
    assert text("raw", "every_claims_table_has_accepted_rows", 0.0) == "0"
    assert text("raw", "no_state_is_lost_since_last_night", 3.0) == "3"
    assert text("raw", "few_rows_are_rejected", None) == "nothing"
    # A row of a list is one gap of one member.
    assert text("outreach", "every_row_gives_a_reason", 3.0) == "<11"
    assert text("outreach", "every_row_gives_a_reason", 30.0) == "30"
    # An expectation that the suite no longer has.
    assert text("outreach", "an_older_one", 0.0285) == "out of bounds"
