"""The report hides small counts from addition and subtraction, escapes what the data says, and names no member."""

from __future__ import annotations

import datetime
import html
import html.parser
import json
import random
import re
from collections.abc import Mapping
from pathlib import Path

import duckdb
import numpy as np
import pytest
from scipy.optimize import LinearConstraint, milp

from assets.engine.contract import contract_for
from assets.engine.report import REASONS, render_fairness, write_report
from assets.engine.report.fairness import MOST_VALUES, OTHERS, read_fairness
from assets.engine.report.figures import read_night
from assets.engine.report.places import read_places
from assets.engine.report.small_cells import Cell, Counts, Mark, Published, hidden_cells, size_classes
from assets.engine.report.trends import Trends, read_trends

Connection = duckdb.DuckDBPyConnection
AS_OF = datetime.date(2026, 6, 30)
SMALL_CELL = 11
HOSTILE = """</text></svg><script>alert("1")</script><img src='http://x.example/a' onerror=alert(1)>{{ 7*7 }}&"""


def test_every_reason_for_which_a_gap_is_not_listed_has_its_words() -> None:
    [reason] = [p for p in contract_for("outreach", "ranked_gap").properties if p.name == "status_reason"]
    assert set(reason.enum or ()) <= set(REASONS)


def counted(*rows: list[int]) -> Counts:
    """A table of counts with row totals, column totals and a grand total."""
    counts = Counts()
    columns = range(len(rows[0]))
    for r, row in enumerate(rows):
        for c, count in enumerate(row):
            counts.add((str(r), str(c)), count)
        counts.total((str(r), "all"), [(str(r), str(c)) for c in columns])
    for c in columns:
        counts.total(("all", str(c)), [(str(r), str(c)) for r in range(len(rows))])
    counts.total(("all", "all"), [(str(r), "all") for r in range(len(rows))])
    counts.total(("all", "all"), [("all", str(c)) for c in columns])
    return counts


def shown_row(shown: Published, row: str, columns: int) -> list[str]:
    return [shown.text(row, str(c)) for c in [*range(columns), "all"]]


@pytest.mark.parametrize(
    ("count", "text", "words"),
    [
        (0, "0", "0"),
        (1, "<11", "fewer than 11"),
        (10, "<11", "fewer than 11"),
        (11, "11", "11"),
        (1234, "1,234", "1,234"),
    ],
)
def test_small_counts_are_hidden_and_zero_is_not(count: int, text: str, words: str) -> None:
    counts = Counts()
    counts.add(("one",), count)
    shown = counts.hide(SMALL_CELL)
    assert shown.text("one") == text
    assert shown.words("one") == words
    assert (shown.number("one") is None) == (text == "<11")


def test_nothing_is_hidden_where_the_setting_is_off() -> None:
    assert counted([1, 2], [3, 4]).hide(1).marks == {}


def test_a_lone_small_count_hides_its_next_smallest_neighbour() -> None:
    counts = Counts()
    for name, count in {"a": 5, "b": 40, "c": 12, "d": 0}.items():
        counts.add((name,), count)
    counts.total(("all",), [("a",), ("b",), ("c",), ("d",)])
    shown = counts.hide(SMALL_CELL)
    assert [shown.text(name) for name in ("a", "b", "c", "d", "all")] == ["<11", "40", "11+", "0", "57"]


def test_two_small_counts_hide_nothing_else() -> None:
    counts = Counts()
    for name, count in {"a": 5, "b": 40, "c": 7}.items():
        counts.add((name,), count)
    counts.total(("all",), [("a",), ("b",), ("c",)])
    assert set(counts.hide(SMALL_CELL).marks) == {("a",), ("c",)}


def test_the_only_count_above_zero_hides_the_total_with_it() -> None:
    counts = Counts()
    counts.add(("a",), 5)
    counts.total(("all",), [("a",), ("b",)])
    shown = counts.hide(SMALL_CELL)
    assert [shown.text(name) for name in ("a", "b", "all")] == ["<11", "0", "<11"]


def test_rows_and_columns_protect_each_other() -> None:
    shown = counted([5, 40, 60], [30, 20, 70], [50, 80, 90]).hide(SMALL_CELL)
    assert shown_row(shown, "0", 3) == ["<11", "11+", "60", "105"]
    assert shown_row(shown, "1", 3) == ["11+", "11+", "70", "120"]
    assert shown_row(shown, "2", 3) == ["50", "80", "90", "220"]


@pytest.mark.parametrize("parts", [(10, 10), (1, 1, 30)])
def test_small_counts_that_their_total_would_fix_need_a_third(parts: tuple[int, ...]) -> None:
    """Ten and ten make 20 in only one way; so do one and one, once the 30 is known."""
    counts = Counts()
    cells = [(str(i),) for i in range(len(parts))]
    for cell, count in zip(cells, parts, strict=True):
        counts.add(cell, count)
    counts.total(("all",), cells)
    marks = hidden_cells(counts.values, counts.sums, SMALL_CELL)
    assert Mark.LARGE in marks.values()


def test_a_total_shared_by_two_tables_does_not_give_a_count_away() -> None:
    counts = Counts()
    for name, count in {"a": 5, "b": 40, "c": 30, "d": 15}.items():
        counts.add((name,), count)
    counts.total(("all",), [("a",), ("b",)])
    counts.total(("all",), [("c",), ("d",)])
    shown = counts.hide(SMALL_CELL)
    assert [shown.text(name) for name in ("a", "b")] == ["<11", "11+"]


def test_ten_single_members_are_withheld_altogether() -> None:
    """Ten counts of at least one that add up to at most ten would all be one."""
    counts = Counts()
    cells = [(str(i),) for i in range(10)]
    for cell in cells:
        counts.add(cell, 1)
    counts.total(("all",), cells)
    assert Mark.WITHHELD in counts.hide(SMALL_CELL).marks.values()


def test_an_unsaid_remainder_hides_nothing_unless_it_is_small() -> None:
    for remainder, expected in ((50, "40"), (5, "11+")):
        counts = Counts(unsaid={("rest",)})
        counts.add(("a",), 40)
        counts.add(("rest",), remainder)
        counts.total(("all",), [("a",), ("rest",)])
        assert counts.hide(SMALL_CELL).text("a") == expected


def test_shares_of_hidden_counts_are_hidden() -> None:
    counts = Counts()
    for name, count in {"reached": 50, "missed": 5, "none": 0}.items():
        counts.add((name,), count)
    counts.total(("all",), [("reached",), ("missed",)])
    shown = counts.hide(SMALL_CELL)
    assert shown.percent(("reached",), ("all",)) is None
    assert shown.percent(("all",), ("none",)) is None
    assert shown.percent(("all",), ("all",)) == "100.0 %"


def test_parts_that_do_not_add_up_are_refused() -> None:
    counts = Counts()
    counts.add(("all",), 3)
    counts.add(("a",), 2)
    with pytest.raises(ValueError, match="do not add up"):
        counts.total(("all",), [("a",)])


@pytest.mark.parametrize("seed", range(8))
def test_no_small_count_can_be_worked_out_of_a_random_table(seed: int) -> None:
    """For every small count another table exists with the same shown cells, marks and sums."""
    dice = random.Random(seed)
    counts = counted(*[[dice.choice([0, 1, 3, 10, 11, 12, 30, 200]) for _ in range(3)] for _ in range(4)])
    marks = counts.hide(SMALL_CELL).marks
    for cell in [cell for cell, mark in marks.items() if mark is Mark.SMALL]:
        assert any(another_fits(counts, marks, cell, step) for step in (1, -1)), (
            f"{cell} is the only value that fits {counts.values}"
        )


def another_fits(counts: Counts, marks: Mapping[Cell, Mark], cell: Cell, step: int) -> bool:
    """Whether whole numbers fit the shown cells, the marks and the sums when one cell is moved by a step or more."""
    cells = sorted(counts.values)
    ranges = {Mark.SMALL: (1, SMALL_CELL - 1), Mark.LARGE: (SMALL_CELL, 10**6), Mark.WITHHELD: (0, 10**6)}
    low, high = [], []
    for one in cells:
        lowest, highest = ranges[marks[one]] if one in marks else (counts.values[one],) * 2
        if one == cell:
            lowest = max(lowest, counts.values[one] + 1) if step > 0 else lowest
            highest = min(highest, counts.values[one] - 1) if step < 0 else highest
        if lowest > highest:
            return False
        low.append(lowest)
        high.append(highest)
    rows = [[(-1 if one == s.total else 0) + s.parts.count(one) for one in cells] for s in counts.sums]
    within = LinearConstraint(np.eye(len(cells)), low, high)  # pyright: ignore[reportArgumentType]
    fits = [LinearConstraint(rows, 0, 0), within]
    found = milp([0] * len(cells), constraints=fits, integrality=[1] * len(cells))
    return bool(found.success)


# The page itself, on a night small enough to read: two states, one sensitive code, hostile names.


@pytest.fixture
def night() -> Connection:
    con = duckdb.connect()
    con.execute(
        """
        create schema raw; create schema core; create schema facts; create schema outreach;
        create table core.member (member_key integer, state varchar, person_id varchar, birth_date date, gender varchar,
            is_dual_or_lis boolean, zip_code varchar);
        create table raw.eligibility (person_id varchar, enrollment_start_date date, race varchar, ethnicity varchar);
        create table raw.zcta (zcta varchar, county_type varchar);
        create table facts.pregnancy (member_key integer, status varchar, tier varchar, gestational_age_days integer,
            referral_reason varchar);
        create table facts.maternal_gate (closed_reason varchar);
        insert into facts.maternal_gate values (null);
        create table raw.gap_code (gap_code varchar, gap_family varchar, action varchar, is_sensitive boolean,
            public_code varchar, public_family varchar);
        insert into raw.gap_code values
            ('ADHERENCE_LATE', 'adherence', 'Call about a refill', false, null, null),
            ('HIV_LATE', 'specialty', 'Call about HIV medicine', true, 'REFILL_REVIEW', 'medication_review'),
            ('SECRET', 'specialty', 'Nobody may read this', true, null, null);
        create table raw.measure (measure_id varchar, title varchar, drug_class varchar, threshold_percent integer);
        create table core.pharmacy (npi varchar, name varchar, zip_code varchar);
        create table core.zcta (zcta varchar, state varchar, county_fips varchar, latitude double, longitude double,
            population integer);
        create table core.zip_area (zip_code varchar, zcta varchar);
        create table facts.access (zcta varchar, service varchar, method varchar, is_desert boolean);
        create table outreach.worklist (pharmacy_npi varchar, state varchar, priority_band varchar, person_id varchar,
            gap_id varchar, gap_code varchar, gap_family varchar, as_of date, list_rank integer);
        create table outreach.gap (gap_id varchar, person_id varchar, gap_code varchar, status varchar,
            status_reason varchar, as_of date, is_sensitive boolean, opened_date date);
        create table outreach.earlier_life (person_id varchar, opened_date date, closing_reason varchar);
        create table outreach.gap_history (gap_id varchar, valid_from date, status varchar, valid_to date);
        create table outreach.adherence (person_id varchar, measure_id varchar, is_eligible boolean,
            pdc decimal(9, 4), is_adherent boolean);
        create table outreach.measure_rate (measure_id varchar, level varchar, level_value varchar, numerator integer,
            denominator integer);
        create table outreach.measure_rate_history (measure_id varchar, level varchar, level_value varchar, as_of date,
            numerator integer, denominator integer);
        create table outreach.effect (programme varchar, horizon_days integer, outreach_count integer,
            control_count integer, outreach_rate decimal(9, 4), control_rate decimal(9, 4), difference decimal(9, 4),
            difference_low decimal(9, 4), difference_high decimal(9, 4), left_out_count integer);
        create table core.reconciliation (source_table varchar, bucket varchar, row_count bigint);
        create table core.rejected (source_table varchar, source_file varchar, line_number bigint, reasons varchar);
        create table core.set_apart (source_table varchar, reason varchar, row_count bigint);
        """
    )
    return con


def fill(con: Connection, hostile: str = "plain") -> None:
    """50 listed gaps in TX, 14 in the second state, some gaps of sensitive codes, one measure, one bad row."""
    con.execute("insert into raw.measure values ('pdc_statins', ?, ?, 80)", [hostile, hostile])
    con.execute(
        "insert into core.pharmacy values ('1999000015', ?, '78701'), ('1999000023', 'Quiet', '10001')", [hostile]
    )
    con.execute(
        """
        insert into outreach.worklist
        select case when i < 50 then '1999000015' else '1999000023' end, case when i < 50 then 'TX' else ? end,
            case when i % 3 = 0 then 'urgent' else 'routine' end, 'PERSON' || i, 'gap' || lpad(i::varchar, 6, '0'),
            case when i % 4 = 0 then 'REFILL_REVIEW' else 'ADHERENCE_LATE' end,
            case when i % 4 = 0 then 'medication_review' else 'adherence' end, date '2026-06-30', i % 50 + 1
        from range(64) as t (i)
        """,
        [hostile],
    )
    con.execute(
        """
        insert into outreach.gap
        select 'gap' || lpad(i::varchar, 6, '0'), 'PERSON' || i,
            case when i = 70 then 'SECRET' when i % 4 = 0 then 'HIV_LATE' else 'ADHERENCE_LATE' end, 'open',
            case when i >= 64 then ? end, date '2026-06-30', i = 70 or i % 4 = 0, date '2026-06-01'
        from range(80) as t (i)
        """,
        [hostile],
    )
    con.execute("insert into outreach.gap_history select gap_id, date '2026-06-30', 'open', null from outreach.gap")
    con.execute(
        """
        insert into outreach.adherence
        select 'PERSON' || i, 'pdc_statins', true, i / 100.0, i >= 80 from range(100) as t (i)
        """
    )
    # In TX 20, 12 and 13 pregnancies by trimester, 11 in the second state; then some in doubt, and some lost.
    con.execute(
        "insert into core.member (member_key, state) select i, case when i < 45 then 'TX' else ? end "
        "from range(70) as t (i)",
        [hostile],
    )
    con.execute(
        """
        insert into facts.pregnancy
        select i, case when i >= 60 then 'suppressed' else 'current' end, case when i >= 56 then 'X' else 'A' end,
            case when i < 20 then 97 when i < 32 then 98 when i < 45 then 196 else 195 end, null
        from range(70) as t (i)
        """
    )
    # Travis County: 3,000 of 4,000 people far from a pharmacy; Bexar County: all near, how far cardiology is, is unknown.
    con.execute(
        """
        insert into core.zcta values
            ('78701', 'TX', '48453', 30.27, -97.74, 1000), ('78702', 'TX', '48453', 30.26, -97.71, 3000),
            ('78201', 'TX', '48029', 29.47, -98.53, 4000), ('10001', 'NY', '36061', 40.75, -73.99, 9000);
        insert into core.zip_area select zcta, zcta from core.zcta;
        insert into facts.access
        select zcta, service, 'modelled', case when zcta = '78702' then true when service = 'cardiology'
            and zcta = '78201' then null else false end
        from core.zcta cross join unnest(['retail_pharmacy', 'cardiology']) as s (service);
        insert into facts.access select zcta, 'retail_pharmacy', 'zcta_approximation', true from core.zcta;
        """
    )
    con.execute("insert into outreach.measure_rate values ('pdc_statins', 'all', 'all', 20, 100)")
    con.execute("insert into outreach.measure_rate values ('pdc_statins', 'state', 'TX', 20, 100)")
    con.execute("insert into core.reconciliation values ('eligibility', 'read', 3), ('eligibility', 'accepted', 2)")
    con.execute("insert into core.reconciliation values ('eligibility', 'rejected', 1)")
    con.execute("insert into core.rejected values ('eligibility', 'FILE_NAME.csv', 7, ?)", [f"missing_a;{hostile}"])
    con.execute("insert into core.set_apart values ('eligibility', ?, 3), ('eligibility', 'never', 0)", [hostile])


def page(con: Connection, folder: Path, previous: Path | None = None, warning: str = "mind") -> str:
    write_report(con, folder, as_of=AS_OF, previous=previous, small_cell=SMALL_CELL, warnings=[warning])
    return (folder / "index.html").read_text(encoding="utf-8")


@pytest.fixture
def last_night(night: Connection, tmp_path: Path) -> Path:
    """Tonight's lists without the first 20 gaps and with 15 that are gone."""
    fill(night)
    return write_last_night(night, tmp_path, came=20, went=15)


class Reader(html.parser.HTMLParser):
    """The page as a browser takes it apart: elements, attributes and the text of cells and drawings."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.numbers: list[str] = []
        self._counting = 0
        self._cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes.extend(attrs)
        if "data-small-cells" in dict(attrs):
            self._counting = 1
        self._cell = tag in ("td", "text", "dd")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("table", "figure", "div"):
            self._counting = 0
        self._cell = False

    def handle_data(self, data: str) -> None:
        if self._counting and self._cell:
            self.numbers.append(data.strip())


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    return reader


def test_no_count_of_one_to_ten_is_on_the_page(night: Connection, tmp_path: Path, last_night: Path) -> None:
    numbers = read(page(night, tmp_path, last_night)).numbers
    assert "<11" in numbers
    assert not {str(count) for count in range(1, SMALL_CELL)}.intersection(numbers)


def test_the_headline_says_what_changed(night: Connection, tmp_path: Path, last_night: Path) -> None:
    text = " ".join(page(night, tmp_path, last_night).split())
    assert "are on the lists of 2 pharmacies in 2 states." in text
    assert "Since the night of 2026-06-29, 20 came onto a list, 15 left and 44 stayed." in text


def test_a_first_night_has_nothing_to_compare_with(night: Connection, tmp_path: Path) -> None:
    fill(night)
    assert "There is no earlier night to compare with." in page(night, tmp_path)
    assert "There is no earlier night to compare with." in page(night, tmp_path, tmp_path / "gone")


def test_a_night_without_lists_still_makes_a_page(night: Connection, tmp_path: Path) -> None:
    text = page(night, tmp_path)
    assert "No pharmacy has a list tonight." in text
    assert "Nobody has been followed for 30 days yet" in text


def test_text_from_the_data_stays_text(night: Connection, tmp_path: Path) -> None:
    fill(night, HOSTILE)
    text = page(night, tmp_path, warning=HOSTILE)
    reader = read(text)
    assert not {"script", "img", "link", "iframe", "object", "use", "image", "base", "form"}.intersection(
        reader.elements
    )
    assert reader.elements.count("svg") == text.count("</svg>") == 7
    assert not [name for name, _ in reader.attributes if name.startswith("on") or name in ("src", "xlink:href")]
    assert [value for name, value in reader.attributes if name == "href"] == ["fairness.html", "quality.html"]
    assert "{{ 7*7 }}" in text
    assert text.count("&lt;script&gt;") > 5


def test_pregnancies_are_counted_by_trimester_and_state(night: Connection, tmp_path: Path) -> None:
    """The second trimester starts with day 98, the third with day 196; doubtful and lost pregnancies do not count."""
    fill(night, "OK")
    text = page(night, tmp_path)
    section = text[text.index("Pregnancies by trimester") :]
    rows = {
        state: re.sub(
            "<[^>]+>", " ", re.search(f'<th scope="row">{state}</th>(.*?)</tr>', section, re.DOTALL)[1]
        ).split()
        for state in ("TX", "OK", "All")
    }
    assert rows == {"TX": ["45", "20", "12", "13"], "OK": ["11", "0", "11", "0"], "All": ["56", "20", "23", "13"]}


def test_a_desert_is_a_share_of_the_people_of_a_county(night: Connection) -> None:
    fill(night)
    places = read_places(night)
    # Nobody is a member in New York; 3,000 of the 8,000 Texans here, 3,000 of the 4,000 whose cardiologist is known.
    assert places.states == ["TX"]
    assert places.state_share == {("TX", "retail_pharmacy"): 3000 / 8000, ("TX", "cardiology"): 3000 / 4000}
    assert places.county_share == {
        ("48453", "retail_pharmacy"): 0.75, ("48029", "retail_pharmacy"): 0, ("48453", "cardiology"): 0.75,
    }  # fmt: skip
    assert (places.out_of_reach("48453"), places.out_of_reach("48029")) == (1, None)


def test_areas_count_alike_where_the_number_of_people_is_unknown(night: Connection) -> None:
    fill(night)
    night.execute("update core.zcta set population = null where zcta = '78201'")
    assert read_places(night).state_share["TX", "retail_pharmacy"] == pytest.approx(1 / 3)


def test_maps_show_deserts_and_lists(night: Connection, tmp_path: Path) -> None:
    fill(night)
    text = page(night, tmp_path)
    assert 'aria-label="Pharmacy deserts: 1 of 2 counties."' in text
    assert 'aria-label="Provider deserts: 1 of 1 counties."' in text
    assert "37.5 %" in text
    assert "75.0 %" in text


def test_a_night_without_areas_has_no_map_of_deserts(night: Connection, tmp_path: Path) -> None:
    fill(night)
    night.execute("delete from facts.access")
    assert "deserts:" not in page(night, tmp_path)


@pytest.mark.parametrize(
    ("parts", "total", "classes"),
    [
        ({"a": 10, "b": 11, "c": 50, "d": 51, "e": 300}, 422, {"b": 11, "c": 11, "d": 51, "e": 251}),
        # 51 of 61: ten would be left, so that nine or one is told of; of 62 eleven are.
        ({"a": 51, "b": 10}, 61, {}),
        ({"a": 52, "b": 10}, 62, {"a": 51}),
        # The smallest goes first.
        ({"a": 12, "b": 60}, 72, {"b": 51}),
    ],
)
def test_a_size_class_leaves_eleven_unexplained(parts: dict[str, int], total: int, classes: dict[str, int]) -> None:
    assert size_classes(parts, total, (11, 51, 251)) == classes


def test_no_pregnancy_is_counted_while_the_gate_is_closed(night: Connection, tmp_path: Path) -> None:
    fill(night)
    night.execute("update facts.maternal_gate set closed_reason = 'medical_feed_stale'")
    assert "Pregnancies by" not in page(night, tmp_path)


def test_the_page_loads_nothing(night: Connection, tmp_path: Path, last_night: Path) -> None:
    text = page(night, tmp_path, last_night)
    reader = read(text)
    assert "http" not in text
    assert not {"script", "link", "img", "iframe"}.intersection(reader.elements)
    assert not any(word in text for word in ("url(", "@import", "@font-face", "src="))
    assert '<meta charset="utf-8">' in text
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text
    assert text.count('<svg role="img" aria-label="') == text.count("<svg")


def test_the_page_names_no_member_and_no_sensitive_code(night: Connection, tmp_path: Path, last_night: Path) -> None:
    text = page(night, tmp_path, last_night)
    members = night.execute("select person_id from outreach.gap union all select gap_id from outreach.gap").fetchall()
    assert members
    assert not [value for (value,) in members if value in text]
    assert not any(word in text for word in ("HIV", "SECRET", "Nobody may read this", "FILE_NAME"))
    assert "REFILL_" in text


def test_the_same_night_gives_the_same_bytes(night: Connection, tmp_path: Path, last_night: Path) -> None:
    first = page(night, tmp_path / "a", last_night)
    night.execute("create table outreach.turned as select * from outreach.worklist order by hash(gap_id)")
    night.execute("drop table outreach.worklist")
    night.execute("alter table outreach.turned rename to worklist")
    assert page(night, tmp_path / "b", last_night) == first


def test_abbreviations_are_written_alike_in_charts_and_tables(night: Connection, tmp_path: Path) -> None:
    fill(night)
    night.execute(
        """
        update outreach.worklist set gap_family = 'mtm' where gap_family = 'medication_review';
        update facts.access set service = 'ob_gyn' where service = 'cardiology';
        insert into outreach.gap
        select 'other' || i, 'PERSON' || i, ['PNV_LATE', 'SUPD', 'PD_PCP'][i % 3 + 1], 'open', 'capacity',
            date '2026-06-30', false, date '2026-06-01'
        from range(60) as t (i);
        insert into core.reconciliation values ('zcta', 'read', 20), ('zcta', 'accepted', 20);
        insert into core.set_apart values ('zcta', 'invalid_npi', 20);
        insert into outreach.effect values ('mtm', 30, 900, 100, 0.42, 0.36, 0.06, -0.04, 0.155, 0);
        """
    )
    text = page(night, tmp_path)
    bars = html.unescape(label(text, "Gaps per code"))
    assert [word for word in ("PNV late ", "SUPD ", "PD PCP ") if word not in bars] == []
    assert label(text, "Closures by claims,").endswith("MTM, 30 days +6.0 (-4.0 to +15.5).")
    assert '<th scope="col">MTM</th>' in text
    assert '<th scope="col">OB/GYN</th>' in text
    assert '<th scope="row">PNV late<small>' in text
    assert '<th scope="row">MTM</th><td>30</td>' in text
    assert '<th scope="row">ZCTA</th>' in text
    assert '<td class="text">Invalid NPI</td>' in text
    assert not re.search(r"\b(Mtm|Ob gyn|Zcta|Pd pcp|Pnv|Supd|npi)\b", text)


def test_many_codes_are_drawn_in_parts_on_one_scale(night: Connection, tmp_path: Path) -> None:
    """A sheet of paper holds some thirty bars; the longest bar of all, in the second part, is the measure of both."""
    night.execute(
        """
        insert into outreach.gap
        select 'more' || i, 'PERSON' || i, 'CODE_' || lpad(least(i // 20, 52)::varchar, 2, '0'), 'closed', null,
            date '2026-06-30', false, date '2026-06-01'
        from range(1200) as t (i)
        """
    )
    text = page(night, tmp_path)
    labels = [html.unescape(one) for one in re.findall('aria-label="(Gaps per code[^"]*)"', text)]
    assert [one.split(":")[0] for one in labels] == [
        f"Gaps per code, by where they stand, {part} of 2" for part in (1, 2)
    ]
    assert [len(one.split(";")) for one in labels] == [26, 27]
    bars = re.findall('<svg role="img" aria-label="Gaps per code.*?</svg>', text, re.DOTALL)
    lengths = [set(re.findall(r'd="M0,[0-9.]+h([0-9.]+)[^"]*" fill="var\(--closed\)"', bar)) for bar in bars]
    assert len(lengths[0]) == 1
    assert len(lengths[1]) == 2
    assert lengths[0] < lengths[1]


def test_a_table_that_does_not_add_up_is_named(night: Connection, tmp_path: Path) -> None:
    fill(night)
    assert "Every row is accounted for" in page(night, tmp_path)
    night.execute("update core.reconciliation set row_count = 9 where bucket = 'read'")
    assert "in: eligibility." in page(night, tmp_path)


# Earlier nights -------------------------------------------------------------------------------------------------------


def publish_earlier(folder: Path, as_of: str, listed: dict[str, int | None], warnings: list[str]) -> None:
    """What a later night reads of an earlier one, its tables aside: `listed` as its page showed it."""
    night = folder / f"as_of={as_of}"
    (night / "report").mkdir(parents=True, exist_ok=True)
    (night / "report" / "listed.json").write_text(json.dumps(listed), encoding="utf-8")
    manifest = {"warnings": warnings, "inputs": {"eligibility": {"read": 1234}}}
    (night / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def trends(con: Connection, previous: Path | None = None) -> Trends:
    night = read_night(con, AS_OF, previous)
    return read_trends(con, night, previous, night.counts.hide(SMALL_CELL))


def fairness_page(con: Connection) -> str:
    fairness = read_fairness(con, AS_OF)
    return render_fairness(fairness, fairness.counts.hide(SMALL_CELL), AS_OF)


def label(text: str, start: str) -> str:
    """What a drawing says of itself."""
    found = re.search(f'aria-label="({start}[^"]*)"', text)
    return found[1] if found else ""


def test_lists_and_rates_are_drawn_over_the_nights(night: Connection, tmp_path: Path, last_night: Path) -> None:
    """20 of 100 tonight; 15 of 100 last night and 12 of 100 before, whose rates the page of that night could show."""
    night.execute("delete from outreach.adherence")
    publish_earlier(tmp_path, "2026-06-29", {"all": 59}, ["mind"])
    publish_earlier(tmp_path, "2026-06-22", {"all": 42}, [])
    for as_of, reached in (("2026-06-22", 12), ("2026-06-29", 15), ("2026-06-30", 20)):
        for level, value in (("all", "all"), ("state", "TX")):
            night.execute(
                "insert into outreach.measure_rate_history values ('pdc_statins', ?, ?, ?, ?, 100)",
                [level, value, as_of, reached],
            )
    text = page(night, tmp_path, last_night, warning="another")
    assert label(text, "Gaps on lists") == (
        "Gaps on lists, night by night: 2026-06-22 42; 2026-06-29 59; 2026-06-30 64."
    )
    assert label(text, "Share at target") == (
        "Share at target, night by night: 2026-06-22 12.0 %; 2026-06-29 15.0 %; 2026-06-30 20.0 %."
    )
    assert "<td>+5.0</td>" in text
    assert "<td>1,234</td>" in text, "rows read last night"
    assert "<li>another <b>New since last night.</b></li>" in text


@pytest.mark.parametrize(
    ("warning", "is_new"),
    [
        ("pharmacy_claim: 4 rows after_as_of", False),
        ("pharmacy_claim: 1,204 rows after_as_of", False),
        ("medical_claim: 50 rows after_as_of", True),
        ("outreach border: Lists of 20 rows or more stay. Found 3.", False),
        ("outreach border: Lists of 20 rows or more go. Found 1.", True),
    ],
)
def test_a_warning_with_another_number_is_not_new(
    night: Connection, tmp_path: Path, last_night: Path, warning: str, is_new: bool
) -> None:
    known = ["pharmacy_claim: 50 rows after_as_of", "outreach border: Lists of 20 rows or more stay. Found 1."]
    publish_earlier(tmp_path, "2026-06-29", {}, known)
    told = f"<li>{warning} <b>New since last night.</b></li>" if is_new else f"<li>{warning}</li>"
    assert told in page(night, tmp_path, last_night, warning=warning)


@pytest.mark.parametrize(
    ("reached", "in_state", "is_drawn"),
    [
        (10, 10, False),
        (11, 11, True),
        # Eleven in two states that hide their parts: the total would have told of them on the page of that night.
        (11, 10, False),
        (90, 90, False),
        (89, 89, True),
    ],
)
def test_a_night_that_hid_its_rate_is_left_out(night: Connection, reached: int, in_state: int, is_drawn: bool) -> None:
    """Of 100 members 10 at target, or 10 below it, are few; so are the parts of all states of a total."""
    fill(night)
    night.execute("delete from outreach.adherence")
    night.execute(
        "insert into outreach.measure_rate_history values ('pdc_statins', 'all', 'all', '2026-06-29', ?, 100), "
        "('pdc_statins', 'state', 'TX', '2026-06-29', ?, ?)",
        [reached, in_state, in_state + 100 - reached],
    )
    nights = [as_of for as_of, _ in trends(night).rates["pdc_statins"]]
    assert nights == [datetime.date(2026, 6, 29)] * is_drawn + [AS_OF]


def test_nights_whose_pages_hid_their_lists_are_left_out(night: Connection, tmp_path: Path, last_night: Path) -> None:
    """Of a night that remembers nothing it is not known what its page hid."""
    publish_earlier(tmp_path, "2026-06-29", {"all": None}, [])
    publish_earlier(tmp_path, "2026-06-28", {"TX": 12}, [])
    publish_earlier(tmp_path, "2026-06-27", {"all": 17, "TX": None}, [])
    (tmp_path / "as_of=2026-06-26").mkdir()
    assert trends(night, last_night).listed == [(datetime.date(2026, 6, 27), 17), (AS_OF, 64)]


def write_last_night(con: Connection, folder: Path, came: int, went: int) -> Path:
    """Last night's lists: tonight's without `came` of its gaps, and with `went` that are gone; its page showed all."""
    tables = folder / "as_of=2026-06-29" / "tables"
    tables.mkdir(parents=True)
    con.execute(
        f"""
        copy (
            select * replace (date '2026-06-29' as as_of)
            from outreach.worklist where gap_id >= 'gap{came:06}'
            union all
            select * replace ('old' || gap_id as gap_id, date '2026-06-29' as as_of)
            from outreach.worklist where gap_id < 'gap{went:06}'
        ) to '{tables / "worklist.parquet"}'
        """
    )
    con.execute(f"copy (select * replace (date '2026-06-29' as as_of) from outreach.gap) to '{tables / 'gap.parquet'}'")
    publish_earlier(folder, "2026-06-29", {"all": 64 - came + went, "TX": 50 - came + went}, [])
    return tables.parent


def test_the_line_of_the_lists_does_not_tell_what_the_table_hides(night: Connection, tmp_path: Path) -> None:
    """Of 59 none is gone and five are new: the table hides the 59, since 64 less 59 would be the five."""
    fill(night)
    previous = write_last_night(night, tmp_path, came=5, went=0)
    publish_earlier(tmp_path, "2026-06-28", {"all": 70}, [])
    text = page(night, tmp_path, previous)
    total = re.search(r"<tfoot><tr><th scope=.row.>All</th>(.*?)</tr>", text, re.DOTALL)
    assert total is not None
    assert re.sub("<[^>]+>", " ", total[1]).split() == ["11+", "0", "11+", "&lt;11", "64"]
    assert label(text, "Gaps on lists") == "Gaps on lists, night by night: 2026-06-28 70; 2026-06-30 64."


@pytest.mark.parametrize(
    ("came", "went", "remembered"),
    [
        (20, 15, {"all": 64, "TX": 50, "plain": 14}),
        # Of 69 five are gone and none is new: tonight's 64 would tell of the five, and with the 14 so would its 50.
        (0, 5, {"all": None, "TX": None, "plain": None}),
    ],
)
def test_a_page_remembers_which_totals_it_hid(
    night: Connection, tmp_path: Path, came: int, went: int, remembered: dict[str, int | None]
) -> None:
    fill(night)
    page(night, tmp_path / "report", write_last_night(night, tmp_path, came, went))
    assert json.loads((tmp_path / "report" / "listed.json").read_text(encoding="utf-8")) == remembered


def test_the_next_page_keeps_a_hidden_total_back(night: Connection, tmp_path: Path) -> None:
    """Last night's page hid its 45 of TX and 59 of all, which the 15 gone and the 44 kept would tell together."""
    fill(night)
    previous = write_last_night(night, tmp_path, came=20, went=15)
    told = ["59", "15", "44", "20", "64"]

    def changes() -> list[str]:
        shown = read_night(night, AS_OF, previous).counts.hide(SMALL_CELL)
        cells = [("change", "all", change) for change in ("before", "gone", "kept", "new")]
        return [shown.text(*cell) for cell in [*cells, ("listed", "all", "all")]]

    assert changes() == told
    publish_earlier(tmp_path, "2026-06-29", {"all": None, "TX": None, "plain": 14}, [])
    assert changes() == ["11+", "11+", "44", "20", "64"]


def test_the_effect_is_shown_where_the_table_shows_it(night: Connection, tmp_path: Path) -> None:
    fill(night)
    night.execute(
        "insert into outreach.effect values ('adherence', 30, 900, 100, 0.42, 0.36, 0.06, -0.04, 0.155, 1200), "
        "('adherence', 60, null, null, null, null, null, null, null, null)"
    )
    text = page(night, tmp_path)
    assert "<td>42.0 % of 900</td><td>36.0 % of 100</td><td>+6.0 (-4.0 to +15.5)</td><td>1,200</td>" in text
    assert "before the draw are called whatever it says; they are left out of both groups." in text
    assert text.count('<td class="hidden">withheld</td><td class="hidden">withheld</td><td class="hidden">') == 1
    assert label(text, "Closures by claims,").endswith("Adherence, 30 days +6.0 (-4.0 to +15.5).")


# Whom the lists reach -------------------------------------------------------------------------------------------------


@pytest.fixture
def people(night: Connection) -> Connection:
    """Eighty members with a gap, 64 of them listed; by race 40, 35 and 5, the last of them on no list."""
    fill(night)
    night.execute("delete from core.member")
    night.execute(
        """
        insert into core.member
        select i, 'TX', 'PERSON' || i, case when i < 40 then date '1961-07-01' else date '1961-06-30' end,
            case when i < 50 then 'female' else 'male' end, case when i < 30 then true when i < 60 then false end, '78701'
        from range(80) as t (i);
        insert into raw.eligibility
        select 'PERSON' || i, date '2025-01-01', case when i < 40 then 'asian' when i < 75 then ' White' else 'other' end, null
        from range(80) as t (i);
        -- The latest span tells.
        insert into raw.eligibility values ('PERSON0', date '2024-01-01', 'white', null);
        insert into raw.zcta values ('78701', 'Rural');
        update outreach.gap set status = 'closed', status_reason = case when gap_id < 'gap000076' then 'resolved' else
            'declined' end
        where gap_id >= 'gap000064';
        """
    )
    return night


def groups(con: Connection) -> dict[tuple[str, str], list[int]]:
    """Members of each group: with an open gap, listed, in the upper half, with a gap this year, closed."""
    fairness = read_fairness(con, AS_OF)
    columns = ("open", "listed", "upper", "opened", "closed")
    return {
        (d.name, level): [fairness.counts.values[d.cell(level, c)] for c in columns]
        for d in fairness.dimensions
        for level in d.levels
    }


def test_members_are_counted_by_group(people: Connection) -> None:
    """65 on 30 June is 65; 50 rows make one list and 14 the other: half of 50 are 25, half of 14 are 7. A declined gap
    is not closed.
    """
    found = groups(people)
    # 0 to 39 are on the first list in places 1 to 40, 40 to 49 below them; 50 to 63 are on the second; 64 to 75 closed.
    assert found["age", "45 to 64"] == [40, 40, 25, 40, 0]
    assert found["age", "65 to 74"] == [24, 24, 7, 40, 12]
    assert found["sex", "Female"] == [50, 50, 25, 50, 0]
    assert found["sex", "Male"] == [14, 14, 7, 30, 12]
    assert found["race", "Asian"] == [40, 40, 25, 40, 0]
    assert found["race", "White"] == [24, 24, 7, 35, 11]
    assert found["race", "Other"] == [0, 0, 0, 5, 1]
    assert found["dual", "Yes"] == [30, 30, 25, 30, 0]
    assert found["dual", "No"] == [30, 30, 7, 30, 0]
    assert found["dual", "Unknown"] == [4, 4, 0, 20, 12]
    assert found["rurality", "Rural"] == [64, 64, 32, 80, 12]
    assert found["ethnicity", "Unknown"] == [64, 64, 32, 80, 12]


def test_what_closed_and_opened_again_did_close(people: Connection) -> None:
    """As in `closure_rate`: the gap of number 0 is open tonight, and a claim closed its earlier life."""
    people.execute("insert into outreach.earlier_life values ('PERSON0', date '2026-02-01', 'resolved')")
    assert groups(people)["race", "Asian"] == [40, 40, 25, 40, 1]


def test_small_groups_are_hidden_on_the_page_on_fairness(people: Connection) -> None:
    """Five of the third race hide with a partner; the share of a hidden count is withheld; what nobody tells is said."""
    text = fairness_page(people)
    numbers = read(text).numbers
    assert "<11" in numbers
    assert not {str(count) for count in range(1, SMALL_CELL)}.intersection(numbers)
    row = re.search(r'<th scope="row">Other</th>(.*?)</tr>', text, re.DOTALL)
    assert row is not None
    assert re.sub("<[^>]+>", " ", row[1]).split() == ["0", "none", "none", "&lt;11", "withheld"]
    assert "The data does not tell it." in text
    assert "PERSON" not in text
    assert "http" not in text
    assert not {"script", "link", "img", "iframe"}.intersection(read(text).elements)


def test_no_group_of_the_page_on_fairness_can_be_worked_out(people: Connection) -> None:
    counts = read_fairness(people, AS_OF).counts
    marks = counts.hide(SMALL_CELL).marks
    small = [cell for cell, mark in marks.items() if mark is Mark.SMALL]
    assert small
    for cell in small:
        assert any(another_fits(counts, marks, cell, step) for step in (1, -1)), cell


def test_a_race_is_spelt_as_most_rows_spell_it(people: Connection) -> None:
    """Capitals and blanks make no other group; of two spellings of as many rows the first in byte order stands."""
    people.execute(
        """
        update raw.eligibility set
            race = case when person_id < 'PERSON3' then 'black or african american' else ' Black or African American' end,
            ethnicity = case when person_id < 'PERSON45' then 'not hispanic' else 'Not Hispanic' end
        where person_id >= 'PERSON1' and person_id < 'PERSON6';
        update raw.eligibility set race = 'BLACK OR AFRICAN AMERICAN' where person_id = 'PERSON10';
        """
    )
    counted = people.execute("select race, count(*) from raw.eligibility group by 1 order by 1").fetchall()
    assert [row for row in counted if "merican" in row[0].lower()] == [
        (" Black or African American", 33), ("BLACK OR AFRICAN AMERICAN", 1), ("black or african american", 21),
    ]  # fmt: skip
    found = groups(people)
    assert found["race", "Black or African American"][3] == 55
    assert [level for name, level in found if name == "race" and "merican" in level.lower()] == [
        "Black or African American"
    ]
    assert "Black or African American" in fairness_page(people)


def test_of_spellings_as_frequent_the_first_in_byte_order_stands(people: Connection) -> None:
    people.execute("delete from raw.eligibility where enrollment_start_date < date '2025-01-01'")
    people.execute("update raw.eligibility set race = case when rowid % 2 = 0 then 'hawaiian' else 'HAWAIIAN' end")
    assert people.execute("select count(*) from raw.eligibility group by race").fetchall() == [(40,), (40,)]
    assert [level for name, level in groups(people) if name == "race"] == ["HAWAIIAN"]


def test_many_spellings_of_a_race_are_one_group(people: Connection) -> None:
    people.execute("update raw.eligibility set race = person_id || '<i>' where person_id > 'PERSON2'")
    levels = [level for name, level in groups(people) if name == "race"]
    assert len(levels) == MOST_VALUES + 1
    assert levels[-1] == OTHERS
    text = fairness_page(people)
    assert "<i>" not in text
    assert "&lt;i&gt;" in text
