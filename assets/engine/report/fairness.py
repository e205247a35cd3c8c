"""Who the lists reach: members on lists, their places and their closures by age, sex, race, ethnicity, income and place.

Race and ethnicity are read here, after every list is made, and nowhere else; no rule, score or list knows them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import duckdb

from assets.engine.report.small_cells import Cell, Counts

ALL = "all"
UNKNOWN = "Unknown"
OTHERS = "All other values"
# More values than these are a matter of spelling, and their counts too small to say anything.
MOST_VALUES = 8
# What is counted of each group, and of which two parts each whole is made.
PARTS = {"open": ("listed", "unlisted"), "listed": ("upper", "lower"), "opened": ("closed", "standing")}
COLUMNS = ("open", "listed", "unlisted", "upper", "lower", "opened", "closed", "standing")

# One row per member with a gap. A place is that of the member's first row, as a share of the pharmacy's list. Gaps that
# another one stands for are not counted, as in `closure_rate`.
MEMBERS = """
with

list_lengths as (
    select pharmacy_npi, count(*) as row_count from outreach.worklist group by pharmacy_npi
),

places as (
    select worklist.person_id, min((worklist.list_rank - 0.5) / list_lengths.row_count) as place
    from outreach.worklist
    inner join list_lengths using (pharmacy_npi)
    group by worklist.person_id
),

lives as (
    select person_id, status, status_reason, opened_date from outreach.gap
    union all
    select person_id, 'closed' as status, closing_reason as status_reason, opened_date from outreach.earlier_life
),

gaps as (
    select
        person_id,
        bool_or(status = 'open') as is_open,
        bool_or(opened_date is not null and status_reason is distinct from 'superseded') as is_opened,
        bool_or(status = 'closed' and status_reason in ('resolved', 'documented', 'reported')) as is_closed
    from lives
    group by person_id
),

recorded as (
    select
        person_id,
        max_by(lower(trim(race)), (enrollment_start_date, lower(trim(race)))) as race,
        max_by(lower(trim(ethnicity)), (enrollment_start_date, lower(trim(ethnicity)))) as ethnicity
    from raw.eligibility
    group by person_id
)

select
    case
        when date_add(member.birth_date, interval 18 year) > $as_of then 'Under 18'
        when date_add(member.birth_date, interval 45 year) > $as_of then '18 to 44'
        when date_add(member.birth_date, interval 65 year) > $as_of then '45 to 64'
        when date_add(member.birth_date, interval 75 year) > $as_of then '65 to 74'
        when date_add(member.birth_date, interval 85 year) > $as_of then '75 to 84'
        else '85 and over'
    end as age,
    member.gender as sex,
    recorded.race,
    recorded.ethnicity,
    case when member.is_dual_or_lis then 'Yes' when not member.is_dual_or_lis then 'No' end as dual,
    zcta.county_type as rurality,
    gaps.is_open,
    places.place is not null as is_listed,
    coalesce(places.place <= 0.5, false) as is_upper,
    gaps.is_opened,
    gaps.is_opened and gaps.is_closed as is_closed
from gaps
inner join core.member on gaps.person_id = member.person_id
left join recorded on gaps.person_id = recorded.person_id
left join places on gaps.person_id = places.person_id
left join core.zip_area on member.zip_code = zip_area.zip_code
left join raw.zcta on zip_area.zcta = zcta.zcta
"""
# A group holds every spelling of its value, capitals and blanks aside. The last of them in this order names it: the one
# delivered most often, of several the first in byte order.
SPELLINGS = """
select 'race' as name, lower(trim(race)) as value, trim(race) as spelling, count(*) as row_count
from raw.eligibility where race is not null group by all
union all
select 'ethnicity' as name, lower(trim(ethnicity)) as value, trim(ethnicity) as spelling, count(*) as row_count
from raw.eligibility where ethnicity is not null group by all
order by row_count, spelling desc
"""
ORDERS = {
    "age": ("Under 18", "18 to 44", "45 to 64", "65 to 74", "75 to 84", "85 and over"),
    "rurality": ("Large Metro", "Metro", "Micro", "Rural", "CEAC"),
}


@dataclass(frozen=True)
class Dimension:
    """One way to group members; without a known value it says nothing."""

    name: str
    title: str
    levels: tuple[str, ...]

    @property
    def is_known(self) -> bool:
        """Whether the data tells it of anybody."""
        return any(level != UNKNOWN for level in self.levels)

    def cell(self, level: str, column: str) -> Cell:
        """A count of one group."""
        return ("fair", self.name, level, column)


@dataclass
class Fairness:
    """Every group, and the counts of its members."""

    dimensions: list[Dimension] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)

    def everyone(self, column: str) -> Cell:
        """A count of all members."""
        return ("fair", ALL, ALL, column)


TITLES = {
    "age": "Age",
    "sex": "Sex",
    "race": "Race",
    "ethnicity": "Ethnicity",
    "dual": "Medicaid or low-income subsidy",
    "rurality": "County type",
}


def read_fairness(con: duckdb.DuckDBPyConnection, as_of: object) -> Fairness:
    """Members by group: with an open gap, listed, high on a list; with a gap opened this year, closed."""
    fairness = Fairness()
    counts = fairness.counts
    columns = ", ".join(
        f"count(*) filter (where is_{name}) as {name}" for name in ("open", "listed", "upper", "opened", "closed")
    )
    con.execute(f"create or replace temp table fairness_member as {MEMBERS}", {"as_of": as_of})
    spelt = {(name, value): spelling for name, value, spelling, _ in con.execute(SPELLINGS).fetchall()}
    for column in COLUMNS:
        counts.add(fairness.everyone(column), 0)
    totals = con.execute(f"select {columns} from fairness_member").fetchall()[0]
    _add(counts, (ALL, ALL), totals)
    for name, title in TITLES.items():
        rows = con.execute(f"select {name}, {columns} from fairness_member group by {name} order by {name}").fetchall()
        people = Counter({value: row[0] + row[3] for value, *row in rows if value is not None})
        kept = {value for value, _ in sorted(people.items(), key=lambda item: (-item[1], item[0]))[:MOST_VALUES]}
        levels = set()
        for value, *row in rows:
            written = spelt.get((name, value), value)
            level = UNKNOWN if value is None else _named(written) if value in kept or name in ORDERS else OTHERS
            levels.add(level)
            _add(counts, (name, level), tuple(row))
        dimension = Dimension(name, title, _ordered(name, levels))
        fairness.dimensions.append(dimension)
        for column in COLUMNS:
            counts.total(fairness.everyone(column), [dimension.cell(level, column) for level in dimension.levels])
    for group in [(ALL, ALL), *((d.name, level) for d in fairness.dimensions for level in d.levels)]:
        for whole, parts in PARTS.items():
            counts.total(("fair", *group, whole), [("fair", *group, part) for part in parts])
    con.execute("drop table fairness_member")
    return fairness


def _add(counts: Counts, group: tuple[str, str], row: tuple[int, ...]) -> None:
    members = dict(zip(("open", "listed", "upper", "opened", "closed"), row, strict=True))
    members |= {
        "unlisted": members["open"] - members["listed"],
        "lower": members["listed"] - members["upper"],
        "standing": members["opened"] - members["closed"],
    }
    for column in COLUMNS:
        counts.add(("fair", *group, column), members[column])


def _named(value: str) -> str:
    return value[:1].upper() + value[1:]


def _ordered(name: str, levels: set[str]) -> tuple[str, ...]:
    order = (*ORDERS.get(name, ()), *sorted(levels - {*ORDERS.get(name, ()), OTHERS, UNKNOWN}), OTHERS, UNKNOWN)
    return tuple(level for level in order if level in levels)
