"""What the report counts, read from the warehouse and from last night's published tables.

Sensitive codes are counted under their public names (interface 3.1), and counts of people leave this module only inside
`Counts`, together with every sum that connects them. Rows of input files and pharmacies are not people.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from assets.engine.report.memory import shown_totals
from assets.engine.report.small_cells import Counts

BANDS = ("urgent", "high", "routine")
# Where a gap stands: `open` is split by whether a pharmacy has it on its list.
STANDINGS = ("listed", "unlisted", "prospective", "lost", "closed")
ALL = "all"
BUCKETS = ("read", "accepted", "rejected", "duplicate", "netted")
BUSIEST = 15
TRIMESTERS = ("first", "second", "third")

# The internal name of a sensitive gap never meets the page: without a public name it is only "Confidential".
PUBLIC_CODE = "case when gap.is_sensitive then coalesce(gap_code.public_code, 'CONFIDENTIAL') else gap.gap_code end"
ACTIONS = "select gap_code, action from raw.gap_code where not is_sensitive"


@dataclass(frozen=True)
class Pharmacy:
    """One pharmacy with a list."""

    npi: str
    name: str
    state: str


@dataclass(frozen=True)
class Measure:
    """One adherence measure with at least one eligible member."""

    measure_id: str
    title: str
    drug_class: str
    threshold_percent: int

    @property
    def name(self) -> str:
        """The drug class as a heading; its own capitals, as in HIV, stay."""
        return self.drug_class[:1].upper() + self.drug_class[1:]


@dataclass
class Night:
    """One night's figures; `counts` holds the people, everything else may be shown as it is."""

    as_of: datetime.date
    previous: datetime.date | None = None
    counts: Counts = field(default_factory=Counts)
    states: list[str] = field(default_factory=list)
    changed_states: list[str] = field(default_factory=list)
    pharmacies: list[Pharmacy] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    kind_name: str = "family"
    codes: list[str] = field(default_factory=list)
    actions: dict[str, str] = field(default_factory=dict)
    standings: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    moves: list[tuple[str, str]] = field(default_factory=list)
    pregnant_states: list[str] = field(default_factory=list)
    measures: list[Measure] = field(default_factory=list)
    measured_states: list[str] = field(default_factory=list)
    inputs: list[tuple[str, dict[str, int]]] = field(default_factory=list)
    rejected: list[tuple[str, str, int]] = field(default_factory=list)
    set_apart: list[tuple[str, str, int]] = field(default_factory=list)

    def pharmacies_in(self, state: str) -> int:
        """How many pharmacies of a state have a list."""
        return sum(pharmacy.state == state for pharmacy in self.pharmacies)

    def unreconciled(self) -> list[str]:
        """Input tables whose rows are not all accounted for."""
        return [table for table, rows in self.inputs if rows["read"] != sum(rows[bucket] for bucket in BUCKETS[1:])]


def read_night(con: duckdb.DuckDBPyConnection, as_of: datetime.date, previous: Path | None) -> Night:
    """Everything that the report says about one night."""
    night = Night(as_of)
    _read_lists(con, night)
    _read_gaps(con, night)
    _read_reasons(con, night)
    if previous is not None:
        _read_changes(con, night, previous)
    _read_pregnancies(con, night)
    _read_rates(con, night)
    _read_quality(con, night)
    return night


def _rows(con: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    return con.execute(query, list(parameters)).fetchall()


def _read_lists(con: duckdb.DuckDBPyConnection, night: Night) -> None:
    """Listed rows by state and band, by state and pharmacy, and by state and family (or the only family's codes)."""
    counts = night.counts
    listed = _rows(
        con,
        """
        select coalesce(state, 'Unknown'), priority_band, pharmacy_npi, gap_family, gap_code, count(*)
        from outreach.worklist group by all order by all
        """,
    )
    families = sorted({row[3] for row in listed})
    night.states = sorted({row[0] for row in listed})
    night.kind_name = "family" if len(families) > 1 else "code"
    night.kinds = families if len(families) > 1 else sorted({row[4] for row in listed})
    for state, band, npi, family, code, rows in listed:
        counts.add(("listed", state, band), rows)
        counts.add(("pharmacy", state, npi), rows)
        counts.add(("kind", state, family if len(families) > 1 else code), rows)
    for state in night.states:
        counts.total(("listed", state, ALL), [("listed", state, band) for band in BANDS])
        counts.total(("listed", state, ALL), [("kind", state, kind) for kind in night.kinds])
    for band in BANDS:
        counts.total(("listed", ALL, band), [("listed", state, band) for state in night.states])
    for kind in night.kinds:
        counts.total(("kind", ALL, kind), [("kind", state, kind) for state in night.states])
    counts.total(("listed", ALL, ALL), [("listed", state, ALL) for state in night.states])
    counts.total(("listed", ALL, ALL), [("listed", ALL, band) for band in BANDS])
    counts.total(("listed", ALL, ALL), [("kind", ALL, kind) for kind in night.kinds])

    names = dict(_rows(con, "select npi, name from core.pharmacy"))
    rows_of = {cell[1:]: rows for cell, rows in counts.values.items() if cell[0] == "pharmacy"}
    busiest_first = sorted(rows_of, key=lambda cell: (-rows_of[cell], cell[1]))
    night.pharmacies = [Pharmacy(npi, names.get(npi) or "", state) for state, npi in busiest_first]
    # What the shown pharmacies leave of their state's total is a count too: it may be that of one pharmacy.
    for state, npi in busiest_first[BUSIEST:]:
        counts.add(("pharmacy", state, ""), counts.values.pop(("pharmacy", state, npi)))
    for state in night.states:
        shown = [("pharmacy", state, npi) for where, npi in busiest_first[:BUSIEST] if where == state]
        counts.total(("listed", state, ALL), [*shown, ("pharmacy", state, "")])
        counts.unsaid.add(("pharmacy", state, ""))


def _read_gaps(con: duckdb.DuckDBPyConnection, night: Night) -> None:
    """Gaps by public code and by where they stand."""
    counts = night.counts
    gaps = _rows(
        con,
        f"""
        select
            {PUBLIC_CODE},
            case
                when gap.status = 'open' and gap.status_reason is null then 'listed'
                when gap.status = 'open' then 'unlisted'
                else gap.status
            end,
            count(*)
        from outreach.gap
        left join raw.gap_code on gap.gap_code = gap_code.gap_code
        group by all order by all
        """,
    )
    night.codes = sorted({code for code, _, _ in gaps})
    found = {standing for _, standing, _ in gaps}
    night.standings = [s for s in STANDINGS if s in found or s in ("listed", "unlisted")] + sorted(found - {*STANDINGS})
    for code, standing, rows in gaps:
        counts.add(("gap", code, standing), rows)
    for code in night.codes:
        counts.total(("gap", code, ALL), [("gap", code, standing) for standing in night.standings])
    for standing in night.standings:
        counts.total(("gap", ALL, standing), [("gap", code, standing) for code in night.codes])
    counts.total(("gap", ALL, ALL), [("gap", code, ALL) for code in night.codes])
    counts.total(("gap", ALL, ALL), [("gap", ALL, standing) for standing in night.standings])
    # The same gaps seen from two sides: a reader may fill one table in from the other.
    for code in night.kinds:
        same = (("gap", code, "listed"), ("kind", ALL, code))
        if counts.values.get(same[0]) == counts.values[same[1]]:
            counts.total(same[0], [same[1]])
    if counts.values[("gap", ALL, "listed")] == counts.values[("listed", ALL, ALL)]:
        counts.total(("gap", ALL, "listed"), [("listed", ALL, ALL)])
    actions = _rows(con, ACTIONS)
    night.actions = {code: action for code, action in actions if action}


def _read_pregnancies(con: duckdb.DuckDBPyConnection, night: Night) -> None:
    """Pregnancies that go on, by the member's state and trimester (14 and 28 weeks); none while the gate is closed."""
    counts = night.counts
    found = _rows(
        con,
        """
        select
            coalesce(member.state, 'Unknown'),
            case
                when pregnancy.gestational_age_days < 98 then 'first'
                when pregnancy.gestational_age_days < 196 then 'second'
                else 'third'
            end,
            count(*)
        from facts.pregnancy
        cross join facts.maternal_gate
        inner join core.member on pregnancy.member_key = member.member_key
        where
            maternal_gate.closed_reason is null
            and pregnancy.status = 'current'
            and pregnancy.tier in ('A', 'B', 'C')
            and pregnancy.referral_reason is null
        group by all order by all
        """,
    )
    night.pregnant_states = sorted({state for state, _, _ in found})
    for state, trimester, people in found:
        counts.add(("pregnancy", state, trimester), people)
    for state in night.pregnant_states:
        counts.total(("pregnancy", state, ALL), [("pregnancy", state, trimester) for trimester in TRIMESTERS])
    for trimester in (*TRIMESTERS, ALL):
        counts.total(
            ("pregnancy", ALL, trimester), [("pregnancy", state, trimester) for state in night.pregnant_states]
        )
    counts.total(("pregnancy", ALL, ALL), [("pregnancy", ALL, trimester) for trimester in TRIMESTERS])


def _read_reasons(con: duckdb.DuckDBPyConnection, night: Night) -> None:
    """Open gaps that are on no list, by reason."""
    reasons = _rows(
        con,
        """
        select status_reason, count(*) from outreach.gap
        where status = 'open' and status_reason is not null group by 1 order by 1
        """,
    )
    night.reasons = [reason for reason, _ in reasons]
    for reason, rows in reasons:
        night.counts.add(("reason", reason), rows)
    night.counts.total(("gap", ALL, "unlisted"), [("reason", reason) for reason in night.reasons])


def _read_changes(con: duckdb.DuckDBPyConnection, night: Night, previous: Path) -> None:
    """List rows kept, new and gone per state, and gaps whose status changed, since the last published night.

    A row is kept while the same gap is on a list of the same state. Gaps that left the ledger altogether are not
    counted: why they left may be confidential.
    """
    counts = night.counts
    worklist, gap = previous / "tables" / "worklist.parquet", previous / "tables" / "gap.parquet"
    if not (worklist.is_file() and gap.is_file()):
        return
    ((night.previous,),) = _rows(
        con,
        """
        select max(as_of) from (
            select as_of from read_parquet(?) union all select as_of from read_parquet(?)
        )
        """,
        [str(worklist), str(gap)],
    )
    if night.previous is None:
        return
    changes = _rows(
        con,
        """
        select
            coalesce(before.state, tonight.state),
            case when before.gap_id is null then 'new' when tonight.gap_id is null then 'gone' else 'kept' end,
            count(*)
        from (select gap_id, coalesce(state, 'Unknown') as state from read_parquet(?)) as before
        full join (select gap_id, coalesce(state, 'Unknown') as state from outreach.worklist) as tonight
            on before.gap_id = tonight.gap_id and before.state = tonight.state
        group by all order by all
        """,
        [str(worklist)],
    )
    night.changed_states = sorted({state for state, _, _ in changes})
    for state, change, rows in changes:
        counts.add(("change", state, change), rows)
    for state in night.changed_states:
        counts.total(("change", state, "before"), [("change", state, "kept"), ("change", state, "gone")])
        counts.total(("listed", state, ALL), [("change", state, "kept"), ("change", state, "new")])
    for change in ("before", "kept", "new", "gone"):
        counts.total(("change", ALL, change), [("change", state, change) for state in night.changed_states])
    counts.total(("change", ALL, "before"), [("change", ALL, "kept"), ("change", ALL, "gone")])
    hidden = {place for place, total in shown_totals(previous).items() if total is None}
    counts.kept_back |= {("change", place, "before") for place in hidden.intersection([*night.changed_states, ALL])}
    counts.total(("listed", ALL, ALL), [("change", ALL, "kept"), ("change", ALL, "new")])

    moves = _rows(
        con,
        """
        select coalesce(earlier.status, 'none'), later.status, count(*)
        from outreach.gap_history as later
        inner join outreach.gap on later.gap_id = gap.gap_id
        left join outreach.gap_history as earlier
            on later.gap_id = earlier.gap_id and earlier.valid_from <= ?
            and (earlier.valid_to is null or earlier.valid_to > ?)
        where
            later.valid_from > ? and later.valid_from <= ? and later.valid_to is null
            and earlier.status is distinct from later.status
        group by all order by all
        """,
        [night.previous, night.previous, night.previous, night.as_of],
    )
    night.moves = [(before, after) for before, after, _ in moves]
    for before, after, rows in moves:
        counts.add(("move", before, after), rows)


def _read_rates(con: duckdb.DuckDBPyConnection, night: Night) -> None:
    """Members measured, at target and below it, in all and by state; and how their PDC is spread in steps of ten."""
    counts = night.counts
    rates = _rows(
        con,
        """
        select measure_id, level, level_value, numerator, denominator from outreach.measure_rate
        where level in ('all', 'state') order by all
        """,
    )
    known = _rows(con, "select measure_id, title, drug_class, threshold_percent from raw.measure order by measure_id")
    measured = {row[0] for row in rates if row[1] == "all" and row[4] > 0}
    night.measures = [Measure(*row) for row in known if row[0] in measured]
    night.measured_states = sorted({row[2] for row in rates if row[1] == "state"})
    for measure_id, level, value, numerator, denominator in rates:
        where = ALL if level == "all" else value
        counts.add(("rate", measure_id, where, "reached"), numerator)
        counts.add(("rate", measure_id, where, "missed"), denominator - numerator)
    steps = _rows(
        con,
        """
        select measure_id, least(cast(floor(pdc * 10) as integer), 9), is_adherent, count(*) from outreach.adherence
        where is_eligible and pdc is not null group by all order by all
        """,
    )
    for measure_id, step, _, members in steps:
        counts.add(("pdc", measure_id, str(step)), members)
    for measure in night.measures:
        _connect_rates(night, measure)


def _connect_rates(night: Night, measure: Measure) -> None:
    """State every sum among one measure's counts."""
    counts, name = night.counts, measure.measure_id
    for state in [ALL, *night.measured_states]:
        counts.total(("rate", name, state, ALL), [("rate", name, state, part) for part in ("reached", "missed")])
    for part in ("reached", "missed", ALL):
        states = [("rate", name, state, part) for state in night.measured_states]
        # Members without a state are in no row, yet a reader finds their number by subtraction.
        rest = counts.values[("rate", name, ALL, part)] - sum(counts.values[cell] for cell in states)
        counts.add(("rate", name, "", part), rest)
        counts.total(("rate", name, ALL, part), [*states, ("rate", name, "", part)])
    bins = [("pdc", name, str(step)) for step in range(10)]
    at_target = [cell for cell in bins if int(cell[2]) * 10 >= measure.threshold_percent]
    for cell in bins:
        counts.add(cell, 0)
    for whole, parts in ((ALL, bins), ("reached", at_target), ("missed", [b for b in bins if b not in at_target])):
        if counts.values[("rate", name, ALL, whole)] == sum(counts.values[cell] for cell in parts):
            counts.total(("rate", name, ALL, whole), parts)


def _read_quality(con: duckdb.DuckDBPyConnection, night: Night) -> None:
    """Rows of input files by what became of them; tables without a single row are left out."""
    tables: dict[str, dict[str, int]] = {}
    buckets = _rows(con, "select source_table, bucket, row_count from core.reconciliation order by all")
    for table, bucket, rows in buckets:
        tables.setdefault(table, dict.fromkeys(BUCKETS, 0))[bucket] = int(rows)
    night.inputs = [(table, buckets) for table, buckets in sorted(tables.items()) if any(buckets.values())]
    night.rejected = _rows(
        con,
        """
        select source_table, reason, count(*)
        from (select source_table, trim(unnest(string_split(reasons, ';'))) as reason from core.rejected)
        group by all order by all
        """,
    )
    night.set_apart = _rows(
        con, "select source_table, reason, row_count from core.set_apart where row_count > 0 order by all"
    )
