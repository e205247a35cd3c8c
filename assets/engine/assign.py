"""The right pharmacist for each member of the programmes: the plan of least cost, not the nearest choice one by one.

A member's rows go to one pharmacist together, for two would both call; a place is one member. Who gets a place at all is
decided before who gets whom: as many members as can be, the highest scores first (specialty 4.2, the matching paragraph).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
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
    """The column of each row, or -1: most rows, the first ones first, then the least cost.

    Args:
        costs: Whole cost of each row and column; negative where the pair is not allowed.
        capacity: Places of each column.
        taken: Places of each column that are taken already.
    """
    chosen = np.full(len(costs), -1)
    free = np.array([max(c - t, 0) for c, t in zip(capacity, taken, strict=True)], dtype=np.int64)
    served = _served((costs >= 0) & (free > 0), free)
    if len(served):
        tiers = [Counter(load_cost(k, c) for k in range(t, c)) for c, t in zip(capacity, taken, strict=True)]
        chosen[served] = _cheapest(costs[served], tiers)
    return chosen.tolist()


def load_cost(taken: int, capacity: int) -> int:
    """What the next place costs when `taken` of `capacity` are taken."""
    return LOAD_COST * taken // capacity


def _served(allowed: NDArray[np.bool_], free: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows that get a place.

    Rows that can be served together form a matroid: the weights, which fall from row to row, choose the same rows as
    taking them in order and keeping whom the others leave room for.
    """
    rows = np.flatnonzero(allowed.any(axis=1))
    if not len(rows):
        return rows
    kinds, kind = np.unique(allowed[rows], axis=0, return_inverse=True)
    edge_kind, edge_column = kinds.nonzero()
    count, edges = len(rows), len(edge_kind)
    # A row that is served leaves by an edge of its kind; the edges into a column are no more than its places.
    balance = _matrix(
        [(kind, np.arange(count), 1), (edge_kind, count + np.arange(edges), -1)], len(kinds), count + edges
    )
    into = _matrix([(edge_column, count + np.arange(edges), 1)], len(free), count + edges)
    weights = np.concatenate([-np.arange(count, 0, -1), np.zeros(edges)])
    upper = np.concatenate([np.ones(count), np.full(edges, np.inf)])
    return rows[_whole_optimum(weights, upper, (balance, np.zeros(len(kinds))), (into, free))[:count] == 1]


def _cheapest(costs: NDArray[np.int64], tiers: Sequence[Mapping[int, int]]) -> NDArray[np.int64]:
    """The column of each row at the least cost, where all rows can be served; `tiers` are places by what they cost.

    Rows of equal costs are one source of a transportation problem. Of plans of equal cost one is taken that prefers
    the first columns.
    """
    kinds, kind, supply = np.unique(costs, axis=0, return_inverse=True, return_counts=True)
    edge_kind, edge_column = (kinds >= 0).nonzero()
    steps = [(j, cost, width) for j, tier in enumerate(tiers) for cost, width in sorted(tier.items())]
    edges, size = len(edge_kind), len(edge_kind) + len(steps)
    out = _matrix([(edge_kind, np.arange(edges), 1)], len(kinds), size)
    through = _matrix(
        [(edge_column, np.arange(edges), 1), (np.array([j for j, *_ in steps]), np.arange(edges, size), -1)],
        len(tiers),
        size,
    )
    from scipy.sparse import vstack

    scale = 1 + len(costs) * len(tiers)
    price = np.concatenate([kinds[edge_kind, edge_column] * scale + edge_column, [c * scale for _, c, _ in steps]])
    upper = np.concatenate([supply[edge_kind], [width for *_, width in steps]])
    equal = (vstack([out, through]), np.concatenate([supply, np.zeros(len(tiers))]))
    flow = _whole_optimum(price, upper, equal)[:edges]
    chosen = np.empty(len(costs), dtype=np.int64)
    for k in range(len(kinds)):
        here = edge_kind == k
        chosen[kind == k] = np.repeat(edge_column[here], flow[here])
    return chosen


def _matrix(parts: Sequence[tuple[NDArray[np.int64], NDArray[np.int64], int]], height: int, width: int) -> Any:
    """A sparse matrix from rows, columns and a value each."""
    from scipy.sparse import csr_array

    values = np.concatenate([np.full(len(rows), value) for rows, _, value in parts])
    place = (np.concatenate([rows for rows, *_ in parts]), np.concatenate([columns for _, columns, _ in parts]))
    return csr_array((values, place), shape=(height, width))


def _whole_optimum(
    price: NDArray[Any], upper: NDArray[Any], equal: tuple[Any, Any], at_most: tuple[Any, Any] = (None, None)
) -> NDArray[np.int64]:
    """The least-cost flow: every vertex of a network's flows is whole, and the simplex method ends in one."""
    from scipy.optimize import linprog  # slow to import

    bounds = np.column_stack([np.zeros(len(upper)), upper])
    found = linprog(price, *at_most, *equal, bounds=bounds, method="highs-ds")
    flow = np.rint(found.x).astype(np.int64)
    if not np.allclose(flow, found.x, atol=1e-6):
        raise ArithmeticError("a network flow that is not whole")
    return flow


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
