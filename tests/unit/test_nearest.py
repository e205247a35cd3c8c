"""Nearest suppliers and counts within a distance, against every distance worked out by the haversine formula."""

from __future__ import annotations

import math

import numpy as np
import pytest

from assets.engine.nearest import Places, count_within, nearest
from assets.engine.sphere import (
    RADIUS_MILES,
    chord_of_miles,
    flat_caps,
    flat_points,
    miles_of_chord,
    thousandths,
    unit_vectors,
)

# Latitude and longitude, the longitude from -180 to 180.
PLACES = {
    "Austin": (30.2672, -97.7431),
    "Anchorage": (61.2181, -149.9003),
    "Adak": (51.88, -176.6581),
    "Attu": (52.9, 172.9),
    "Honolulu": (21.3069, -157.8583),
    "Hilo": (19.7241, -155.0868),
    "San Juan": (18.4655, -66.1057),
    "Guam": (13.4443, 144.7937),
    "Pago Pago": (-14.2756, -170.702),
    "Boston": (42.3601, -71.0589),
    "north pole": (90.0, 0.0),
    "south pole": (-90.0, 77.0),
    "date line east": (10.0, 180.0),
    "date line west": (10.0, -180.0),
    "equator": (0.0, 0.0),
    "its antipode": (0.0, 180.0),
}


def haversine(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Great-circle miles, by the formula as it stands in textbooks."""
    (lat1, lon1), (lat2, lon2) = ([math.radians(x) for x in p] for p in (a, b))
    h = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * RADIUS_MILES * math.asin(math.sqrt(min(1, h)))


def vectors(points: list[tuple[float, float]]):
    latitude, longitude = np.array(points, float).reshape(-1, 2).T
    return unit_vectors(latitude, longitude)


def places(points: list[tuple[float, float]]) -> Places:
    latitude, longitude = np.array(points, float).reshape(-1, 2).T
    return Places.of(latitude, longitude)


def by_hand(point, sites, suppliers, count) -> list[tuple[int, int]]:
    """Suppliers and thousandths of a mile, from every distance."""
    best: dict[int, int] = {}
    for site, supplier in zip(sites, suppliers, strict=True):
        distance = round(haversine(point, site) * 1000)
        best[supplier] = min(distance, best.get(supplier, distance))
    ranked = sorted((distance, supplier) for supplier, distance in best.items())
    return [(supplier, distance) for distance, supplier in ranked[:count]]


def check(points, sites, suppliers, count=6) -> None:
    supplier, distance = nearest(vectors(points), places(sites), np.array(suppliers, np.int64), count)
    for row, point in enumerate(points):
        told = [(s, d) for s, d in zip(supplier[row].tolist(), distance[row].tolist(), strict=True) if s >= 0]
        assert told == by_hand(point, sites, suppliers, count), point


# Distances ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PLACES)
def test_distances_are_those_of_the_haversine_formula(name: str) -> None:
    start = vectors([PLACES[name]])
    for other in PLACES.values():
        chord = np.linalg.norm(vectors([other]) - start, axis=1)
        # Half the way around the formula itself knows a few inches.
        assert miles_of_chord(chord)[0] == pytest.approx(haversine(PLACES[name], other), abs=1e-4)


@pytest.mark.parametrize(
    ("a", "b", "miles"),
    [
        # A degree of a meridian, and the quarter and the half of the way around.
        ((0, 0), (1, 0), 2 * math.pi * RADIUS_MILES / 360),
        ((0, 0), (90, 0), math.pi * RADIUS_MILES / 2),
        ((0, 0), (0, 180), math.pi * RADIUS_MILES),
        # 0.2 of a degree across the date line, at the equator.
        ((0, 179.9), (0, -179.9), 2 * math.pi * RADIUS_MILES / 1800),
        # At 60 degrees a degree of longitude is half as long.
        ((60, 0), (60, 0.001), math.pi * RADIUS_MILES / 360_000),
        ((90, 0), (90, 123), 0),
        ((10, 180), (10, -180), 0),
    ],
)
def test_known_distances(a, b, miles) -> None:
    chord = np.linalg.norm(vectors([b]) - vectors([a]), axis=1)
    assert miles_of_chord(chord)[0] == pytest.approx(miles, rel=1e-9, abs=1e-9)


def test_a_chord_and_its_miles_are_each_others_inverse() -> None:
    miles = np.array([0, 0.001, 1, 15, 1000, 12_000])
    assert miles_of_chord(chord_of_miles(miles)) == pytest.approx(miles, rel=1e-9)
    assert chord_of_miles(np.array([99_999.0]))[0] == 2


# The nearest ----------------------------------------------------------------------------------------------------------


def test_six_of_the_places_from_each_of_them() -> None:
    points = list(PLACES.values())
    check(points, points, range(len(points)))


def test_fewer_sites_than_places() -> None:
    check([(30, -97), (61, -150)], [(31, -97), (30, -98)], [0, 1])
    check([(30, -97)], [(31, -97)], [0])


def test_no_sites_and_no_points() -> None:
    nobody = np.array([], np.int64)
    supplier, distance = nearest(vectors([(30, -97)]), places([]), nobody, 6)
    assert supplier.tolist() == distance.tolist() == [[-1] * 6]
    supplier, _ = nearest(vectors([]), places([(30, -97)]), np.array([0]), 6)
    assert supplier.shape == (0, 6)


def test_ties_fall_to_the_lower_supplier_at_one_point() -> None:
    """A hundred suppliers at one point, given in any order: the first six, whoever is asked."""
    order = np.random.default_rng(1).permutation(100)
    check([(30, -97), (31, -97)], [(30, -97)] * 100, order)


def test_ties_between_points_are_settled_however_many() -> None:
    """Fifty points on a circle around the pole, all as far: the tree alone would give any of them."""
    ring = [(89.9, 7.2 * n - 180) for n in range(50)]
    order = np.random.default_rng(2).permutation(50)
    check([(90, 0)], ring, order)
    # One within: it is the nearest, the rest as before.
    check([(90, 0)], [*ring, (89.95, 3)], [*order, 50])


def test_a_thousandth_of_a_mile_is_a_tie() -> None:
    """Distances are compared as published: 0.2 feet apart is as far."""
    near = 5 / 69.0934
    check([(0, 0)], [(near + 4e-7, 0), (near, 0)], [0, 1])
    check([(0, 0)], [(near + 4e-5, 0), (near, 0)], [0, 1])


def test_a_supplier_at_several_places_counts_once_at_the_nearest() -> None:
    sites = [(0, 1), (0, 2), (0, 3), (0, 4), (0, 5), (0, 6), (0, 7), (0, 8), (0, 9)]
    check([(0, 0), (0, 10)], sites, [0, 0, 0, 0, 0, 0, 1, 2, 3])
    # Many of one and the same before the others.
    crowd = [(0, 1 + n / 1000) for n in range(200)]
    check([(0, 0)], [*crowd, *sites], [7] * 200 + [0, 0, 1, 1, 2, 3, 4, 5, 6])


def test_the_same_supplier_twice_at_one_place_is_one() -> None:
    check([(0, 0)], [(0, 1), (0, 1), (0, 1), (0, 2)], [0, 0, 1, 0])


def test_the_order_of_rows_decides_nothing() -> None:
    rng = np.random.default_rng(3)
    sites, suppliers = rng.uniform(-10, 10, (500, 2)).round(1), rng.integers(0, 300, 500)
    points = vectors([tuple(p) for p in rng.uniform(-10, 10, (50, 2))])
    first = nearest(points, places(sites), suppliers, 6)
    shuffle = rng.permutation(500)
    second = nearest(points, places(sites[shuffle]), suppliers[shuffle], 6)
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])


# Counts ---------------------------------------------------------------------------------------------------------------


def test_the_distance_itself_is_within() -> None:
    """As published: 5.0004 miles are 5.000, and 5.0006 are not."""
    degree = 180 / (math.pi * RADIUS_MILES)
    sites = [(5 * degree, 0), (5.0004 * degree, 0), (5.0006 * degree, 0)]
    [counts] = count_within(vectors([(0, 0)]), np.array([5000]), places(sites), np.arange(3))
    assert counts.tolist() == [2]
    assert thousandths(np.linalg.norm(vectors(sites) - vectors([(0, 0)]), axis=1)).tolist() == [5000, 5000, 5001]


def test_less_than_nothing_reaches_nobody() -> None:
    here = [(30, -97)]
    [counts] = count_within(vectors(here * 2), np.array([-1, 0]), places(here), np.array([0]))
    assert counts.tolist() == [0, 1]


def test_counts_of_two_kinds_at_once() -> None:
    """Four suppliers at three addresses, one of them at two places, all within reach of the first point only."""
    sites = [(0, 0), (0, 0), (0, 0.01), (0, 0.02), (0, 0.02)]
    npi, address = np.array([0, 1, 1, 2, 3]), np.array([5, 5, 6, 7, 7])
    points = vectors([(0, 0), (0, 90)])
    npis, addresses = count_within(points, np.array([2000, 2000]), places(sites), npi, address)
    assert npis.tolist() == [4, 0]
    assert addresses.tolist() == [3, 0]


def test_a_supplier_on_both_sides_is_counted_once() -> None:
    """Two places of one supplier, each the whole reach away from the point between them; a third is out of any reach."""
    degree = 180 / (math.pi * RADIUS_MILES)
    sites = [(5 * degree, 0), (-5 * degree, 0), (60, 0), (0, 5 * degree)]
    [counts] = count_within(vectors([(0, 0)]), np.array([5000]), places(sites), np.array([0, 0, 0, 1]))
    assert counts.tolist() == [2]


@pytest.mark.parametrize("pairs", [4_000_000, 10], ids=["all at once", "halved"])
@pytest.mark.parametrize("each", [1, 12], ids=["a supplier for a place", "a crowd at each"])
def test_counts_are_those_of_every_distance(monkeypatch, each: int, pairs: int) -> None:
    """Suppliers with one address or several, near and far, at places that have few of them or many."""
    monkeypatch.setattr("assets.engine.nearest.PAIRS", pairs)
    rng = np.random.default_rng(each)
    towns = rng.uniform((30, -98), (31, -97), (40, 2))
    at = rng.integers(0, 40, 40 * each)
    # In half of the towns nobody has a second address elsewhere.
    npi = np.where(at < 20, rng.integers(0, 32 * each, 40 * each), 10_000 + np.arange(40 * each))
    address = at * 3 + rng.integers(0, 3, 40 * each)
    points, reach = rng.uniform((30, -98), (31, -97), (20, 2)), np.array([3000, 15_000, 15_000, 40_000] * 5)
    found = count_within(vectors(points.tolist()), reach, places(towns[at].tolist()), npi, address)
    for row, point in enumerate(points.tolist()):
        is_near = np.array([round(haversine(point, town) * 1000) <= reach[row] for town in towns[at].tolist()])
        assert [counts[row] for counts in found] == [len(np.unique(kind[is_near])) for kind in (npi, address)]


def test_a_place_that_is_written_in_two_ways_is_one() -> None:
    """Zero and minus zero are the same longitude."""
    sites, npi = places([(30, 0.0), (30, -0.0), (30, 0.0)]), np.array([0, 0, 1])
    [counts] = count_within(vectors([(30, 0)]), np.array([0]), sites, npi)
    assert counts.tolist() == [2]
    supplier, _ = nearest(vectors([(30, 0)]), sites, npi, 3)
    assert supplier.tolist() == [[0, 1, -1]]


def test_circles_stay_circles_on_the_plane() -> None:
    """What is within a chord on the sphere is within the circle on the plane, from the pole to south of the equator."""
    sites = vectors([(latitude, longitude) for latitude in range(-25, 91, 5) for longitude in range(-180, 180, 15)])
    centers = vectors([PLACES[name] for name in ("Austin", "Attu", "Pago Pago", "north pole", "date line east")])
    for miles in (0.001, 300, 1234, 2345):
        chord = chord_of_miles(np.full(len(centers), miles))
        is_within = np.linalg.norm(centers[:, None] - sites, axis=2) <= chord[:, None]
        middle, radius = flat_caps(centers, chord)
        is_flat = np.linalg.norm(middle[:, None] - flat_points(sites), axis=2) <= radius[:, None]
        assert is_flat.tolist() == is_within.tolist()


def test_nobody_to_count() -> None:
    [counts] = count_within(vectors([(30, -97)]), np.array([1000]), places([]), np.array([], np.int64))
    assert counts.tolist() == [0]
