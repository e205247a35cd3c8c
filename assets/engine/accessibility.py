"""Two-step floating catchments (E2SFCA): how much care is within reach of each area, with all who share it counted.

Luo and Qi 2009. First each area's supply is divided among the people within its zones, who count by the weight of their
zone; then each area adds up what falls to it. What is divided is what arrives: over all areas, people times access is
the supply that anyone can reach.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from assets.engine.sphere import Floats, chord_of_miles, miles_of_chord

# Around one block of areas about as many pairs are held at once. Measured: more are slower, for they leave the caches.
PAIRS = 100_000


@dataclass(frozen=True)
class Zones:
    """Upper ends of the zones, nearest first, and what a site in each counts."""

    up_to: Floats
    weight: Floats

    def weight_of(self, distance: Floats) -> Floats:
        """The weight of each distance; 0 beyond the last zone."""
        return np.append(self.weight, 0)[np.searchsorted(self.up_to, distance, side="left")]


def pair_weights(points: Floats, miles: Floats, zones: Zones, base: Floats, per_mile: Floats) -> csr_array:
    """What a site at each area (column) counts for the people of each area (row).

    Args:
        points: Unit vectors, one row an area.
        miles: How far the last zone of each area may reach, in miles; not a number reaches nothing.
        zones: The zones, in the unit that `base` and `per_mile` make of miles.
        base: What each area's people add to a distance, such as minutes to park.
        per_mile: What a mile is for them.
    """
    rows, columns, weights = [], [], []
    usable = np.flatnonzero(np.isfinite(miles) & (miles >= 0))
    tree = cKDTree(points) if len(points) else None
    if tree is not None and len(usable):
        radius = chord_of_miles(np.full(1, miles[usable].max() + 0.001))[0]
        expected = tree.query_ball_point(points[usable], radius, return_length=True)
        for some in np.split(usable, np.flatnonzero(np.diff(np.cumsum(expected) // PAIRS)) + 1):
            found = cKDTree(points[some]).sparse_distance_matrix(tree, radius, output_type="ndarray")
            row = some[found["i"]]
            # Rounded as published before a zone is chosen, so that 10 miles are 10 miles.
            distance = np.round(miles_of_chord(found["v"]), 3)
            weight = zones.weight_of(np.round(base[row] + per_mile[row] * distance, 3))
            counts = weight > 0
            rows.append(row[counts].astype(np.int32))
            columns.append(found["j"][counts].astype(np.int32))
            weights.append(weight[counts])
    size = (len(points), len(points))
    if not rows:
        return csr_array(size)
    pairs = csr_array((np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))), shape=size)
    pairs.sort_indices()
    return pairs


def two_step(pairs: csr_array, people: Floats, supply: Floats) -> Floats:
    """Supply per person of each area; supply that nobody can reach falls to nobody."""
    demand = pairs.T @ people
    ratio = np.divide(supply, demand, out=np.zeros_like(demand), where=demand > 0)
    return pairs @ ratio


def supply_of_areas(points: Floats, places: Floats, amount: Floats, most_miles: float) -> Floats:
    """How much supply stands at each area: a site counts at the area whose point is nearest, unless all are too far."""
    distance, area = cKDTree(points).query(places)
    is_near = distance <= chord_of_miles(np.full(1, most_miles))[0]
    return np.bincount(area[is_near], weights=amount[is_near], minlength=len(points)).astype(np.float64)
