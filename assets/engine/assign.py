"""The right pharmacist for each member of the programmes: the plan of least cost, not the nearest choice one by one.

A member's rows go to one pharmacist together, for two would both call; a place is one member. Who gets a place at all is
decided before who gets whom: as many members as can be, the highest scores first (specialty 4.2, the matching paragraph).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

# What a pharmacist lacks costs more than all that comes after it in the specification's order: language, therapy area,
# prior relationship, load.
LANGUAGE_COST = 400
THERAPY_COST = 200
STRANGER_COST, SAME_PHARMACY_COST = 100, 50
LOAD_COST = 40
# More than any plan costs: of a pair that is not allowed, of a place that is not there.
FORBIDDEN = 1 << 60

REASONS = {
    "unknown_state": "Nobody knows the state that the member lives in, so no licence is known to hold there.",
    "no_licence": "No pharmacist of the file is licensed in {state}.",
    "no_language": "No pharmacist licensed in {state} speaks {language} or has an interpreter.",
    "no_capacity": "Every pharmacist who could take the member has no place left: {places} places, all taken.",
}

RESULT = pa.schema(
    [
        ("gap_id", pa.string()),
        ("person_id", pa.string()),
        ("gap_family", pa.string()),
        ("gap_code", pa.string()),
        ("priority_band", pa.string()),
        ("score", pa.decimal128(9, 4)),
        ("due_date", pa.date32()),
        ("pharmacist_id", pa.string()),
        ("is_accepted", pa.bool_()),
        ("language_cost", pa.int32()),
        ("therapy_cost", pa.int32()),
        ("prior_cost", pa.int32()),
        ("load_cost", pa.int32()),
        ("total_cost", pa.int32()),
        ("unassigned_reason", pa.string()),
        ("explanation", pa.string()),
    ]
)
TERMS = ("language_cost", "therapy_cost", "prior_cost", "load_cost")


@dataclass(frozen=True)
class Pharmacist:
    """One pharmacist today: what they bring, how many members they can take in the week and which rows they accepted."""

    pharmacist_id: str
    licence_states: frozenset[str]
    weekly_capacity: int
    languages: frozenset[str] = frozenset({"en"})
    therapy_areas: frozenset[str] = frozenset()
    pharmacies: frozenset[str] = frozenset()
    has_interpreter: bool = False
    accepted: frozenset[str] = frozenset()

    def may_take(self, member: Member) -> bool:
        """Licence, and a language or an interpreter."""
        return member.state in self.licence_states and (self.speaks_with(member) or self.has_interpreter)

    def speaks_with(self, member: Member) -> bool:
        """Whether they share a language; of a member whose language is unknown none is asked for."""
        return member.language is None or member.language in self.languages


@dataclass(frozen=True)
class Member:
    """All rows of one member, planned together."""

    person_id: str
    state: str | None
    language: str | None
    areas: frozenset[str]
    pharmacies: frozenset[str]
    score: Decimal
    rows: tuple[dict[str, Any], ...]


def plan(cases: pa.Table, pharmacists: Iterable[Pharmacist], known: Iterable[tuple[str, str]] = ()) -> pa.Table:
    """Give every case a pharmacist, or the constraint that keeps it from one.

    Args:
        cases: Rows of `outreach.assignment_case`.
        pharmacists: Everyone who may take cases today, in any order.
        known: Pairs of person_id and pharmacist_id that have worked together before.
    """
    staff = sorted(pharmacists, key=lambda p: p.pharmacist_id)
    holder = {gap_id: p for p in reversed(staff) for gap_id in p.accepted}
    members = _members(row for row in cases.to_pylist() if row["gap_id"] not in holder)
    accepted = [row for row in cases.to_pylist() if row["gap_id"] in holder]
    relations = set(known) | {(row["person_id"], holder[row["gap_id"]].pharmacist_id) for row in accepted}
    held = defaultdict(set)
    for row in accepted:
        held[row["person_id"]].add(holder[row["gap_id"]].pharmacist_id)

    # A place is a member: of rows accepted tonight count the members, of others each row.
    here = Counter(person_id for ids in held.values() for person_id in ids)
    elsewhere = Counter(holder[gap_id].pharmacist_id for gap_id in holder.keys() - {r["gap_id"] for r in accepted})
    taken = [here[p.pharmacist_id] + elsewhere[p.pharmacist_id] for p in staff]

    found = [_row(row, holder[row["gap_id"]], "Accepted by this pharmacist; left as it is.") for row in accepted]
    open_members = []
    for member in members:
        with_them = [p for p in staff if p.pharmacist_id in held[member.person_id] and p.may_take(member)]
        if with_them:
            text = "Goes with a row of this member that the pharmacist accepted."
            found += [_row(row, with_them[0], text, is_accepted=False) for row in member.rows]
        else:
            open_members.append(member)

    costs = np.full((len(open_members), len(staff)), -1, dtype=np.int64)
    for i, member in enumerate(open_members):
        for j, pharmacist in enumerate(staff):
            if pharmacist.may_take(member):
                costs[i, j] = sum(_pair_terms(member, pharmacist, relations).values())
    choice = solve(costs, [p.weekly_capacity for p in staff], taken)
    for member, j in zip(open_members, choice, strict=True):
        if j < 0:
            reason, text = _unassigned(member, staff)
            found += [{**_row(row, None, text), "unassigned_reason": reason} for row in member.rows]
            continue
        pharmacist = staff[j]
        terms = _pair_terms(member, pharmacist, relations)
        text = _explain(member, pharmacist, terms, taken[j])
        terms["load_cost"] = load_cost(taken[j], pharmacist.weekly_capacity)
        taken[j] += 1
        shown = {**terms, "total_cost": sum(terms.values())}
        found += [{**_row(row, pharmacist, text, is_accepted=False), **shown} for row in member.rows]
    found.sort(key=lambda row: row["gap_id"])
    return pa.Table.from_pylist(found, RESULT)


def solve(costs: NDArray[np.int64], capacity: Sequence[int], taken: Sequence[int]) -> list[int]:
    """The column of each row, or -1: most rows, the first ones first, then the least cost, then the first columns.

    Row by row along the cheapest augmenting path: rows that have a place may change columns, and none loses its place. Rows
    that can be served together form a matroid, so that a row without a path now has none later, and after each path the
    plan is the cheapest for the rows that have a place.

    Args:
        costs: Whole cost of each row and column; negative where the pair is not allowed.
        capacity: Places of each column.
        taken: Places of each column that are taken already.
    """
    count, columns = costs.shape
    scale = 1 + count * columns
    price = np.where(costs >= 0, costs * scale + np.arange(columns), FORBIDDEN)
    used = list(taken)

    def next_price(column: int) -> int:
        is_free = used[column] < capacity[column]
        return load_cost(used[column], capacity[column]) * scale if is_free else FORBIDDEN

    chosen = np.full(count, -1)
    placed: list[list[int]] = [[] for _ in range(columns)]
    place_price = np.array([next_price(j) for j in range(columns)], dtype=np.int64)
    # What it costs at least to move one row from a column to another, and which row that is.
    moves, movers = np.full((columns, columns), FORBIDDEN), np.full((columns, columns), -1)
    heights = np.zeros(columns + 1, dtype=np.int64)
    for row in range(count if columns else 0):
        path = _cheapest_path(price[row], moves, place_price, heights)
        arriving = row
        for column, following in zip_longest(path, path[1:]):
            leaving = None if following is None else int(movers[column, following])
            placed[column].append(arriving)
            chosen[arriving] = column
            # A column that one row joins and none leaves keeps its other moves.
            changed = [arriving]
            if leaving is not None:
                placed[column].remove(leaving)
                changed = placed[column]
                moves[column] = FORBIDDEN
            rows = np.array(changed)
            change = np.where(price[rows] < FORBIDDEN, price[rows] - price[rows, column][:, None], FORBIDDEN)
            least = change.min(axis=0)
            is_less = least < moves[column]
            moves[column, is_less] = least[is_less]
            movers[column, is_less] = rows[change.argmin(axis=0)][is_less]
            if leaving is not None:
                arriving = leaving
        if path:
            used[path[-1]] += 1
            place_price[path[-1]] = next_price(path[-1])
    return chosen.tolist()


def load_cost(taken: int, capacity: int) -> int:
    """What the next place costs when `taken` of `capacity` are taken."""
    return LOAD_COST * taken // capacity


def _cheapest_path(
    price: NDArray[np.int64], moves: NDArray[np.int64], place_price: NDArray[np.int64], heights: NDArray[np.int64]
) -> list[int]:
    """The column of a new row, that of the row it moves, and so on to one with a place; empty if no way leads to one.

    `heights` of the columns, and of the end behind them, keep every step from costing less than nothing (Johnson's
    potentials), so that nothing is looked for beyond the nearest end; a search that finds one raises them.
    """
    level, columns = heights[:-1], np.arange(len(price))
    distance, before = price - level, np.full(len(price), -1)
    end, end_distance = -1, FORBIDDEN
    changed = columns
    while True:
        ends = distance + level + place_price - heights[-1]
        end, end_distance = int(ends.argmin()), min(int(ends.min()), FORBIDDEN // 2)
        changed = changed[distance[changed] < end_distance]
        if not len(changed):
            break
        by_move = (distance + level)[changed, None] + moves[changed]
        nearest = by_move.argmin(axis=0)
        onward = by_move[nearest, columns] - level
        is_nearer = onward < distance
        distance, before = np.where(is_nearer, onward, distance), np.where(is_nearer, changed[nearest], before)
        changed = np.flatnonzero(is_nearer)
    if end_distance >= FORBIDDEN // 2:
        return []
    level += np.minimum(distance, end_distance)
    heights[-1] += end_distance
    path = [end]
    while before[path[-1]] >= 0:
        path.append(int(before[path[-1]]))
    return path[::-1]


def _members(rows: Iterable[dict[str, Any]]) -> list[Member]:
    """Members in the order in which places go: the highest score, then the identifier."""
    of_person: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row["gap_id"]):
        of_person[row["person_id"]].append(row)
    found = [
        Member(
            person_id=person_id,
            state=own[0]["state"],
            language=own[0]["language"].lower() if own[0]["language"] else None,
            areas=frozenset(area for row in own if row["therapy_areas"] for area in row["therapy_areas"].split(";")),
            pharmacies=frozenset(row["pharmacy_npi"] for row in own),
            score=max(row["score"] for row in own),
            rows=tuple(own),
        )
        for person_id, own in of_person.items()
    ]
    return sorted(found, key=lambda member: (-member.score, member.person_id))


def _pair_terms(member: Member, pharmacist: Pharmacist, relations: set[tuple[str, str]]) -> dict[str, int]:
    """The terms that do not depend on whom else the pharmacist takes."""
    if (member.person_id, pharmacist.pharmacist_id) in relations:
        prior = 0
    else:
        prior = SAME_PHARMACY_COST if member.pharmacies & pharmacist.pharmacies else STRANGER_COST
    return {
        "language_cost": 0 if pharmacist.speaks_with(member) else LANGUAGE_COST,
        "therapy_cost": 0 if not member.areas or member.areas & pharmacist.therapy_areas else THERAPY_COST,
        "prior_cost": prior,
    }


def _explain(member: Member, pharmacist: Pharmacist, terms: Mapping[str, int], taken: int) -> str:
    """One sentence a term, the licence first."""
    if member.language is None:
        language = "No language is on record."
    else:
        language = f"{'Needs an interpreter for' if terms['language_cost'] else 'Speaks'} {member.language}."
    if not member.areas:
        therapy = "No area of therapy is asked for."
    elif terms["therapy_cost"]:
        therapy = f"Does not cover {' or '.join(sorted(member.areas))}."
    else:
        therapy = f"Covers {' and '.join(sorted(member.areas & pharmacist.therapy_areas))}."
    prior = {
        0: "Has worked with the member before.",
        SAME_PHARMACY_COST: "Works at the pharmacy whose list holds the member.",
        STRANGER_COST: "Has not worked with the member before.",
    }[terms["prior_cost"]]
    load = f"{taken} of {pharmacist.weekly_capacity} places were taken."
    return f"Licensed in {member.state}. {language} {therapy} {prior} {load}"


def _unassigned(member: Member, staff: Sequence[Pharmacist]) -> tuple[str, str]:
    """The first constraint that leaves nobody for a member, and its sentence."""
    licensed = [p for p in staff if member.state in p.licence_states]
    able = [p for p in licensed if p.may_take(member)]
    if member.state is None:
        reason = "unknown_state"
    elif not licensed:
        reason = "no_licence"
    else:
        reason = "no_capacity" if able else "no_language"
    places = sum(p.weekly_capacity for p in able)
    return reason, REASONS[reason].format(state=member.state, language=member.language, places=places)


def _row(
    case: Mapping[str, Any], pharmacist: Pharmacist | None, explanation: str, *, is_accepted: bool = True
) -> dict[str, Any]:
    kept = {name: case[name] for name in RESULT.names if name in case}
    return {
        **kept,
        "pharmacist_id": pharmacist.pharmacist_id if pharmacist else None,
        "is_accepted": pharmacist is not None and is_accepted,
        "explanation": explanation,
    }
