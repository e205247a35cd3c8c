"""Laws of the geometry of access: the tree is exact, and floating catchments divide without loss."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.engine.accessibility import Zones, pair_weights, two_step
from assets.engine.geography import accessibility
from assets.engine.nearest import Places, count_within, nearest
from assets.engine.sphere import thousandths, unit_vectors

# Coordinates of a coarse grid meet, poles and date line included; those of a fine one do not.
SCATTERS = {
    "everywhere": (-90, 90, -180, 180, 3),
    "a coarse grid": (-90, 90, -180, 180, -1),
    "around the date line": (50, 70, 170, 190, 2),
    "around the pole": (86, 90, -180, 180, 2),
    "one county": (34.5, 35.5, -97.5, -96.5, 3),
    "one county of streets": (34.5, 35.5, -97.5, -96.5, 1),
    "the far south": (-60, -20, 100, 180, 1),
}

scattered = pytest.mark.parametrize("scatter", SCATTERS.values(), ids=SCATTERS)
seeds = st.integers(0, 2**32 - 1)


def scatter_points(rng: np.random.Generator, scatter: tuple[float, ...], count: int) -> tuple[np.ndarray, np.ndarray]:
    low, high, west, east, decimals = scatter
    latitude = np.clip(rng.uniform(low, high, count).round(int(decimals)), -90, 90)
    longitude = (rng.uniform(west, east, count).round(int(decimals)) + 180) % 360 - 180
    return latitude, longitude


def every_distance(points: np.ndarray, sites: np.ndarray) -> np.ndarray:
    """Thousandths of a mile between each point (row) and each site (column)."""
    return thousandths(np.linalg.norm(points[:, None] - sites[None], axis=2))


@scattered
@settings(max_examples=25, deadline=None)
@given(seed=seeds)
def test_the_tree_finds_what_every_distance_says(scatter, seed) -> None:
    rng = np.random.default_rng(seed)
    latitude, longitude = scatter_points(rng, scatter, int(rng.integers(1, 200)))
    points = unit_vectors(*scatter_points(rng, scatter, 30))
    supplier = rng.integers(0, max(1, len(latitude) // int(rng.integers(1, 4))), len(latitude))
    distance = every_distance(points, unit_vectors(latitude, longitude))
    found, miles = nearest(points, Places.of(latitude, longitude), supplier, 6)
    for row in range(len(points)):
        best = {s: distance[row, supplier == s].min() for s in np.unique(supplier).tolist()}
        ranked = sorted((d, s) for s, d in best.items())[:6]
        assert [(d, s) for d, s in zip(miles[row], found[row], strict=True) if s >= 0] == ranked


@scattered
@settings(max_examples=25, deadline=None)
@given(seed=seeds)
def test_counts_are_what_every_distance_says(scatter, seed) -> None:
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 200))
    latitude, longitude = scatter_points(rng, scatter, size)
    points = unit_vectors(*scatter_points(rng, scatter, 30))
    kinds = [np.arange(size), rng.integers(0, size, size), rng.integers(0, max(1, size // 5), size)]
    # Few limits at a time: what is too far apart for the longest is counted otherwise than what is not.
    limits = rng.choice([-1, 0, 500, 5_000, 60_000, 1_000_000, 9_000_000, 20_000_000], int(rng.integers(1, 4)))
    reach = rng.choice(limits, 30)
    is_within = every_distance(points, unit_vectors(latitude, longitude)) <= reach[:, None]
    for kind, found in zip(kinds, count_within(points, reach, Places.of(latitude, longitude), *kinds), strict=True):
        assert found.tolist() == [len(np.unique(kind[row])) for row in is_within]


@scattered
@settings(max_examples=25, deadline=None)
@given(seed=seeds)
def test_what_is_divided_is_what_arrives(scatter, seed) -> None:
    """Deserts 4.4: over all areas, people times access is the supply that somebody can reach."""
    rng = np.random.default_rng(seed)
    points = unit_vectors(*scatter_points(rng, scatter, 60))
    people = rng.choice([0, 1, 500, 40_000], 60).astype(float)
    supply = rng.choice([0, 0.5, 1, 30], 60).astype(float)
    zones = Zones(np.array([5.0, 10, 20, 30]), np.array([1, 0.68, 0.22, 0.05]))
    base, per_mile = rng.uniform(0, 8, 60), rng.uniform(1, 2, 60)
    pairs = pair_weights(points, (30 - base) / per_mile, zones, base, per_mile)
    access = two_step(pairs, people, supply)
    is_reached = (pairs.T @ people) > 0
    assert (access >= 0).all()
    assert np.isclose((access * people).sum(), supply[is_reached].sum())


@scattered
@settings(max_examples=10, deadline=None)
@given(seed=seeds)
def test_pairs_are_what_every_distance_says(scatter, seed) -> None:
    rng = np.random.default_rng(seed)
    points = unit_vectors(*scatter_points(rng, scatter, 40))
    zones = Zones(np.array([5.0, 30]), np.array([1, 0.5]))
    pairs = pair_weights(points, np.full(40, 30.0), zones, np.zeros(40), np.ones(40)).toarray()
    distance = every_distance(points, points)
    assert np.array_equal(pairs, np.where(distance <= 5_000, 1, np.where(distance <= 30_000, 0.5, 0)))


def test_people_times_access_is_supply_in_the_table() -> None:
    """The table's rounding aside: half of a hundred-thousandth of a doctor for each of a million people."""
    rng = np.random.default_rng(4)
    latitude, longitude = scatter_points(rng, SCATTERS["one county"], 300)
    zcta = pa.table(
        {
            "zcta": [f"{n:05}" for n in range(300)],
            "latitude": latitude,
            "longitude": longitude,
            "population": pa.array([None, *rng.integers(0, 40_000, 299).tolist()], pa.int32()),
            "base_minutes": np.zeros(300),
            "minutes_per_mile": np.ones(300),
        }
    )
    latitude, longitude = scatter_points(rng, SCATTERS["one county"], 500)
    site = pa.table(
        {
            "supplier_key": np.sort(rng.integers(0, 300, 500)),
            "latitude": latitude,
            "longitude": longitude,
            "is_accepting": rng.integers(0, 10, 500) > 0,
        }
    )
    zone = pa.table({"unit": ["miles"] * 2, "up_to": [5.0, 30], "weight": [1.0, 0.2]})
    service = pa.table({"service_key": [1], "service": ["primary_care"], "row_count": [500]})
    found = accessibility(zcta, service, site, zone).to_pydict()
    people = [n or 0 for n in zcta["population"].to_pylist()]
    arrived = sum(n * a for n, a in zip(people, found["accessibility"], strict=True)) / 10_000
    assert arrived == pytest.approx(sum(found["supply"]), abs=sum(people) * 5e-9)
    # Each doctor who takes new patients somewhere is one, wherever they sit.
    accepting = {
        n
        for n, is_accepting in zip(*site.select(["supplier_key", "is_accepting"]).to_pydict().values(), strict=True)
        if is_accepting
    }
    assert sum(found["supply"]) == pytest.approx(len(accepting), abs=0.05)
