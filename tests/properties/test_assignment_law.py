"""The law of the assignment: of all ways to place people, the plan is the one that a search of every way finds."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.engine.assign import load_cost, solve


@st.composite
def plans(draw):
    rows, columns = draw(st.integers(0, 4)), draw(st.integers(1, 3))
    cost = st.sampled_from([-1, 0, 50, 100, 200, 350])
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
