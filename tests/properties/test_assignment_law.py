"""The law of the assignment: of all ways to place people, the plan is the one that a search of every way finds."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from assets.engine.assign import load_cost, solve

COSTS = (-1, 0, 50, 100, 200, 350)


@st.composite
def plans(draw):
    rows, columns = draw(st.integers(0, 4)), draw(st.integers(1, 3))
    cost = st.sampled_from(COSTS)
    costs = draw(st.lists(st.lists(cost, min_size=columns, max_size=columns), min_size=rows, max_size=rows))
    capacity = draw(st.lists(st.integers(0, 3), min_size=columns, max_size=columns))
    taken = draw(st.lists(st.integers(0, 3), min_size=columns, max_size=columns))
    return np.array(costs, dtype=np.int64).reshape(rows, columns), capacity, taken


def total(costs, capacity, taken, choice) -> int | None:
    """The whole cost of a choice; none where it is not allowed."""
    cost, places = 0, list(taken)
    for row, column in enumerate(choice):
        if column < 0:
            continue
        if costs[row, column] < 0 or places[column] >= capacity[column]:
            return None
        cost += int(costs[row, column]) + load_cost(places[column], capacity[column])
        places[column] += 1
    return cost


@settings(max_examples=150, deadline=None)
@given(plans())
def test_no_other_plan_serves_more_or_earlier_rows_or_costs_less(problem) -> None:
    costs, capacity, taken = problem
    found = solve(costs, capacity, taken)
    cost = total(costs, capacity, taken, found)
    assert cost is not None, "a pair that is not allowed, or more than there are places"
    ways = [
        (choice, price)
        for choice in itertools.product(range(-1, costs.shape[1]), repeat=len(costs))
        if (price := total(costs, capacity, taken, choice)) is not None
    ]
    most = max(sum(j >= 0 for j in choice) for choice, _ in ways)
    served = [j >= 0 for j in found]
    assert sum(served) == most
    # Of the ways that serve the most, the rows that come first are served first.
    assert served == max([j >= 0 for j in choice] for choice, _ in ways if sum(j >= 0 for j in choice) == most)
    assert cost == min(price for choice, price in ways if [j >= 0 for j in choice] == served)


def expected(costs, capacity, taken) -> tuple[list[bool], int]:
    """Who has a place and at what cost, by scipy: a place is a column of its own, a row counts where it adds to a matching."""
    places = [(j, load_cost(k, capacity[j])) for j in range(len(capacity)) for k in range(taken[j], capacity[j])]
    price = np.array(
        [[costs[i, j] + load if costs[i, j] >= 0 else -1 for j, load in places] for i in range(len(costs))]
    )
    served: list[int] = []
    for i in range(len(costs) if places else 0):
        found = maximum_bipartite_matching(csr_array((price[[*served, i]] >= 0).astype(int)), perm_type="column")
        served += [i] if (found >= 0).all() else []
    if not served:
        return [False] * len(costs), 0
    allowed = np.where(price[served] >= 0, price[served], 10**6)
    least = int(allowed[linear_sum_assignment(allowed)].sum())
    return [i in served for i in range(len(costs))], least


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 24), st.integers(1, 8), st.sampled_from([0, 0.4, 0.8]), st.booleans())
def test_larger_plans_cost_what_another_method_finds(seed, rows, columns, closed, is_of_few_costs) -> None:
    """Longer chains of members who change their pharmacist than a search of every way can try."""
    random = np.random.default_rng(seed)
    costs = random.choice(COSTS, (rows, columns)) if is_of_few_costs else random.integers(0, 701, (rows, columns))
    costs[random.random((rows, columns)) < closed] = -1
    capacity, taken = random.integers(0, 9, columns).tolist(), random.integers(0, 4, columns).tolist()
    found = solve(costs, capacity, taken)
    served, least = expected(costs, capacity, taken)
    assert [j >= 0 for j in found] == served
    assert total(costs, capacity, taken, found) == least
    assert solve(costs, capacity, taken) == found
