"""Who would enter and who would leave the lists, as counts: of two published nights, or of one with other settings.

Counts of people pass through the report's small cells before they are told; nothing is written.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from assets.engine.errors import PublicationError
from assets.engine.releases import last_night
from assets.engine.report.small_cells import Counts, Published
from assets.engine.settings import Settings
from assets.engine.sql_text import sql_path
from assets.engine.trial import changed_settings, trial_of

ALL = "all"
BANDS = ("urgent", "high", "routine")
CHANGES = ("before", "leave", "stay", "enter", "after")

# Rows of both lists by what they are about, so that another salt, hence other ids, makes no row new. Rows that public
# names make alike are told apart by their id where both lists have it, and the rest of them by their number.
NAMED = """
create temp table {side}_row as
select
    person_id, coalesce(state, 'Unknown') as state, gap_family, gap_code, subject, priority_band, pharmacy_npi, gap_id
from {rows}
"""
MATCHED = """
create temp table pair as
with
kept as (
    select distinct b.gap_id, b.state
    from before_row as b
    inner join after_row as a
        on b.gap_id = a.gap_id and b.person_id = a.person_id and b.state = a.state and b.gap_code = a.gap_code
        and b.subject is not distinct from a.subject
),
before_turn as ({before_turn}),
after_turn as ({after_turn})
select
    coalesce(b.person_id, a.person_id) as person_id, coalesce(b.state, a.state) as state,
    coalesce(b.gap_family, a.gap_family) as gap_family, b.priority_band as band_before, a.priority_band as band_after,
    b.pharmacy_npi <> a.pharmacy_npi as is_moved, b.gap_id as gap_before, a.gap_id as gap_after,
    coalesce(b.gap_code, a.gap_code) as gap_code, coalesce(b.subject, a.subject) as subject,
    case when b.gap_id is null then 'enter' when a.gap_id is null then 'leave' else 'stay' end as change
from before_turn as b
full join after_turn as a
    on b.person_id = a.person_id and b.state = a.state and b.gap_code = a.gap_code
    and b.subject is not distinct from a.subject and b.kept_id is not distinct from a.kept_id and b.turn = a.turn
"""
TURN = """
    select
        side.*, kept.gap_id as kept_id,
        row_number() over (
            partition by side.person_id, side.state, side.gap_code, side.subject, kept.gap_id order by side.gap_id
        ) as turn
    from {side}_row as side
    left join kept on side.gap_id = kept.gap_id and side.state = kept.state
"""
# Why a row is only on one of the lists: what the other night says of its gap. A gap that closed and one that is not
# there at all look the same, since a loss may be why.
REASONS = """
select
    case
        when gap.gap_id is null or gap.status = 'closed' then 'no_gap'
        when gap.status <> 'open' then gap.status
        else coalesce(gap.status_reason, 'other_state')
    end as reason,
    count(*)
from pair
left join {gaps} as gap
    on pair.person_id = gap.person_id
    and (
        pair.{gap_id} = gap.gap_id
        or (pair.gap_code = gap.gap_code and pair.subject is not distinct from gap.subject)
    )
where pair.change = '{change}'
group by all order by all
"""
MEMBERS = """
with
changes as (
    select
        person_id,
        case
            when bool_and(change = 'enter') then 'enter'
            when bool_and(change = 'leave') then 'leave'
            else 'stay'
        end as change
    from pair
    group by person_id
)
select change, count(*) from changes group by all order by all
"""


def compare_nights(before: Path, after: Path, settings: Settings) -> Iterator[str]:
    """Tell how the lists of two published outputs differ, line by line.

    Args:
        before: Folder of published nights.
        after: Another one.
        settings: Say how small a count is hidden.

    Raises:
        PublicationError: Nothing is published in one of them, or it cannot be read.
    """
    manifests = [_manifest(output) for output in (before, after)]
    yield f"Night of {manifests[0]['as_of']} in {before}, and of {manifests[1]['as_of']} in {after}."
    yield from _differences(changed_settings(*(manifest.get("settings", {}) for manifest in manifests)))
    with duckdb.connect() as con:
        tables = [
            {name: f"read_parquet({sql_path(output / 'latest' / 'tables' / f'{name}.parquet')}, hive_partitioning = false)"
             for name in ("worklist", "gap")}
            for output in (before, after)
        ]  # fmt: skip
        try:
            found = count(con, *tables)
        except (duckdb.IOException, PermissionError) as error:
            raise PublicationError(
                f"{before}, {after}: a night could not be read; the group of `delivery.group` may read both"
            ) from error
    yield from describe(found, _small_cell(settings, *manifests))


def compare_settings(output: Path, warehouse: Path, settings: Settings) -> Iterator[str]:
    """Tell how the lists of the last published night would differ with other settings, line by line.

    Args:
        output: Folder of published nights.
        warehouse: The working warehouse of the last night.
        settings: The settings to try.

    Raises:
        PublicationError: Nothing is published there, or the working warehouse is not of that night.
    """
    manifest = _manifest(output)
    with tempfile.TemporaryDirectory() as scratch, trial_of(warehouse, manifest, settings, Path(scratch)) as trial:
        con, changes = trial
        yield f"Night of {manifest['as_of']}, and the same night with other settings."
        yield from _differences(changes)
        sides = [{name: f"{where}outreach.{name}" for name in ("worklist", "gap")} for where in ("night.", "")]
        found = count(con, *sides)
    yield from describe(found, _small_cell(settings, manifest))


def _manifest(output: Path) -> dict[str, Any]:
    try:
        return last_night(output)[1]
    except PublicationError as error:
        # Who compares may be of no group that reads the night; who wrote it always is.
        if isinstance(error.__cause__, OSError):
            raise PublicationError(
                f"{output}: found no published night that can be read; run `caregaps run` first"
            ) from error
        raise


def _small_cell(settings: Settings, *manifests: dict[str, Any]) -> int:
    """The strictest that any side asks for: no trial lowers what a night hides."""
    return max(settings.outreach.small_cell, *(m.get("settings", {}).get("small_cell", 0) for m in manifests))


def _differences(changes: list[str]) -> Iterator[str]:
    yield "What differs:" if changes else "No setting differs."
    for line in changes:
        yield f"  {line}"


def count(con: duckdb.DuckDBPyConnection, before: dict[str, str], after: dict[str, str]) -> Counts:
    """Rows and members that enter, leave and stay, with every sum that connects them.

    Args:
        con: A connection that can read the tables.
        before: SQL of `worklist` and `gap` as they are.
        after: SQL of both as they would be.
    """
    counts = Counts()
    con.execute(NAMED.format(side="before", rows=before["worklist"]))
    con.execute(NAMED.format(side="after", rows=after["worklist"]))
    con.execute(MATCHED.format(before_turn=TURN.format(side="before"), after_turn=TURN.format(side="after")))
    for level in ("state", "gap_family"):
        for value, change, rows in con.execute(
            f"select {level}, change, count(*) from pair group by all order by all"
        ).fetchall():
            counts.add((level, value, change), rows)
        _add_up(counts, level)
    _count_bands(con, counts)
    [[moved, unmoved]] = con.execute(
        "select count(*) filter (where is_moved), count(*) filter (where not is_moved) from pair where change = 'stay'"
    ).fetchall()
    counts.add(("moved",), moved)
    counts.add(("unmoved",), unmoved)
    # Nobody is told how many stay where they are; whoever subtracts finds it.
    counts.total((ALL, "stay"), [("moved",), ("unmoved",)])
    for change, gaps, gap_id in (("leave", after["gap"], "gap_before"), ("enter", before["gap"], "gap_after")):
        found = con.execute(REASONS.format(gaps=gaps, gap_id=gap_id, change=change)).fetchall()
        for reason, rows in found:
            counts.add((change, reason), rows)
        if found:
            counts.total((ALL, change), [(change, reason) for reason, _ in found])
    people = con.execute(MEMBERS).fetchall()
    for change, members in people:
        counts.add(("member", change), members)
    _ends(counts, ("member",), ("leave", "stay", "enter"))
    return counts


def _ends(counts: Counts, cell: tuple[str, ...], changes: tuple[str, ...]) -> None:
    """What was there before, and what is there after."""
    counts.total((*cell, "before"), [(*cell, change) for change in changes if change != "enter"])
    counts.total((*cell, "after"), [(*cell, change) for change in changes if change != "leave"])


def _add_up(counts: Counts, level: str) -> None:
    values = sorted({cell[1] for cell in counts.values if cell[0] == level})
    for value in values:
        _ends(counts, (level, value), ("leave", "stay", "enter"))
    for change in CHANGES:
        counts.total((ALL, change), [(level, value, change) for value in values])
    _ends(counts, (ALL,), ("leave", "stay", "enter"))


def _count_bands(con: duckdb.DuckDBPyConnection, counts: Counts) -> None:
    """Rows by band: those that stay may come up from a lower band or down from a higher one."""
    place = "case {band} " + " ".join(f"when '{band}' then {turn}" for turn, band in enumerate(BANDS)) + " end"
    down = f"{place.format(band='band_after')} > {place.format(band='band_before')}"
    for before, after, change, is_down, rows in con.execute(
        f"select band_before, band_after, change, {down}, count(*) from pair group by all order by all"
    ).fetchall():
        if change == "stay" and before != after:
            counts.add(("band", before, "out"), rows)
            counts.add(("band", after, "in"), rows)
            counts.add(("band", ALL, "down" if is_down else "up"), rows)
        else:
            counts.add(("band", after or before, change), rows)
    for band in BANDS:
        counts.total(("band", band, "before"), [("band", band, c) for c in ("leave", "out", "stay")])
        counts.total(("band", band, "after"), [("band", band, c) for c in ("in", "stay", "enter")])
    for change in ("before", "leave", "enter", "after"):
        counts.total((ALL, change), [("band", band, change) for band in BANDS])
    moved = [("band", ALL, "up"), ("band", ALL, "down")]
    counts.total((ALL, "stay"), [*moved, *(("band", band, "stay") for band in BANDS)])
    for change in ("in", "out"):
        counts.total(("band", ALL, "changed"), [("band", band, change) for band in BANDS])
    counts.total(("band", ALL, "changed"), moved)


def describe(counts: Counts, small_cell: int) -> Iterator[str]:
    """The counts as lines for a terminal; small ones are hidden, and what would give them back."""
    shown = counts.hide(small_cell)

    def total(*cell: str) -> str:
        return shown.words(*cell)

    yield (
        f"Members: {total('member', 'enter')} enter the lists, {total('member', 'leave')} leave them, "
        f"{total('member', 'stay')} stay."
    )
    yield (
        f"Rows: {total(ALL, 'enter')} enter, {total(ALL, 'leave')} leave, {total(ALL, 'stay')} stay, "
        f"{total('moved')} of them with another pharmacy."
    )
    for title, level in (("state", "state"), ("family", "gap_family")):
        keys = sorted({cell[1] for cell in counts.values if cell[0] == level})
        yield from _table(shown, title, [(key, [(level, key, change) for change in CHANGES]) for key in keys], CHANGES)
    bands = ("before", "leave", "out", "in", "enter", "after")
    yield from _table(shown, "band", [(band, [("band", band, change) for change in bands]) for band in BANDS], bands)
    for change, title in (("enter", "Why rows enter"), ("leave", "Why rows leave")):
        reasons = [(cell[1], [cell]) for cell in sorted(counts.values) if cell[0] == change and len(cell) == 2]
        if reasons:
            other = "before" if change == "enter" else "after"
            yield from _table(shown, f"{title}: their gap {other}", reasons, ("rows",))
    if shown.marks:
        yield f"<{small_cell} stands for 1 to {small_cell - 1}; {small_cell}+ hides what would give such a count back."


def _table(shown: Published, title: str, lines: list[tuple[str, list[Any]]], heads: tuple[str, ...]) -> Iterator[str]:
    width = max(len(title), *(len(name) for name, _ in lines), 18) if lines else 18
    yield ""
    yield f"{title:<{width}}" + "".join(f"{head:>9}" for head in heads)
    for name, cells in lines:
        yield f"{name:<{width}}" + "".join(f"{shown.text(*cell):>9}" for cell in cells)
