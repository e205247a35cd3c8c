"""The nearest suppliers of each point, and how many lie within a distance: exact, by a k-d tree on the unit sphere.

Distances are compared in whole thousandths of a mile and ties fall to the lower supplier, so that machine and order of
rows decide nothing. A supplier at several places counts at the nearest, and once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from assets.engine.sphere import (
    Floats,
    Integers,
    chord_of_miles,
    flat_caps,
    flat_points,
    thousandths,
    unit_vectors,
)

# Points at a time, and pairs at a time at the very most, so that the memory in use has a bound.
POINTS = 50_000
PAIRS = 4_000_000
PAIRED = 250

# Measured: counting is fastest with large leaves, comparing two trees with small ones.
LARGE_LEAF, SMALL_LEAF = 48, 16

# Measured: with more suppliers for a place than this a service is counted sooner by comparing every pair.
CROWDED = 2

# The plane is that seen from the south pole; this far south (30 degrees) and farther nothing is put on it.
SOUTH = -0.5

# Two numbers in one integer, so that one sort orders by both: a distance and a supplier, or a place and a supplier.
BITS = 32
LOW = (1 << BITS) - 1
NOBODY = np.iinfo(np.int64).max
# Odd and without a pattern: multiplied by it, the bits of a number reach all bits above them.
MIXER = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Places:
    """The different points of a list of addresses: `of_row` says at which of them each address is."""

    vectors: Floats
    of_row: Integers

    @classmethod
    def of(cls, latitude: Floats, longitude: Floats) -> Places:
        """Group addresses by their coordinates.

        One integer stands for a pair of them while they are sorted. Should two pairs share it, a point may be there
        twice, which is as if two addresses had coordinates that differ by nothing.
        """
        mixed = latitude.astype(np.float64).view(np.uint64) * MIXER
        mixed = (mixed ^ (mixed >> np.uint64(BITS))) + longitude.astype(np.float64).view(np.uint64)
        order = np.argsort(mixed * MIXER)
        latitude, longitude = latitude[order], longitude[order]
        is_new = np.append(True, (latitude[1:] != latitude[:-1]) | (longitude[1:] != longitude[:-1]))[: len(order)]
        of_row = np.empty(len(order), np.int64)
        of_row[order] = np.cumsum(is_new) - 1
        return cls(unit_vectors(latitude[is_new], longitude[is_new]), of_row)

    @cached_property
    def tree(self) -> cKDTree:
        """All places."""
        return _tree(self.vectors, SMALL_LEAF)

    def entries(self, supplier: Integers) -> tuple[Integers, Integers]:
        """Places and the suppliers at each, both sorted; the same supplier at the same place is there once."""
        keys = (self.of_row << BITS) | supplier
        keys.sort()
        keys = keys[np.append(True, keys[1:] != keys[:-1])] if len(keys) else keys
        return keys >> BITS, keys & LOW


def nearest(points: Floats, places: Places, supplier: Integers, count: int) -> tuple[Integers, Integers]:
    """The nearest suppliers of each point.

    Args:
        points: Unit vectors, one row a point.
        places: Where the addresses are.
        supplier: Whose each address is: numbers from 0, in the order in which ties fall to them.
        count: How many are wanted.

    Returns:
        Suppliers and their distances in thousandths of a mile, one row a point, nearest first, ties in the order of the
        suppliers; -1 where there are fewer.
    """
    found = np.full((len(points), count), NOBODY)
    if len(points) and len(supplier):
        place, at_place = places.entries(supplier)
        first = _first_at_each(place, at_place, len(places.vectors), count)
        has_several = bool(len(at_place) > np.count_nonzero(np.bincount(at_place)))
        for start in range(0, len(points), POINTS):
            rows = slice(start, start + POINTS)
            found[rows] = _settled(points[rows], places.tree, first, count, has_several=has_several)
    is_there = found != NOBODY
    return np.where(is_there, found & LOW, -1), np.where(is_there, found >> BITS, -1)


def _first_at_each(place: Integers, supplier: Integers, places: int, count: int) -> Integers:
    """The first suppliers of each place, one row a place; -1 where there are fewer.

    No more are needed than are asked for: whoever comes before a supplier at its place is chosen before it.
    """
    size = np.bincount(place, minlength=places)
    starts = np.cumsum(size) - size
    at = starts[:, None] + np.arange(min(count, size.max()))
    return np.where(at < (starts + size)[:, None], supplier[np.minimum(at, len(supplier) - 1)], -1)


def _settled(points: Floats, tree: cKDTree, first: Integers, count: int, *, has_several: bool) -> Integers:
    """Keys of the nearest suppliers: the tree is asked for more until nothing beyond its answer could change it."""
    found = np.full((len(points), count), NOBODY)
    open_rows, asked = np.arange(len(points)), count + 1
    while len(open_rows):
        asked = min(asked, tree.n)
        chord, place = tree.query(points[open_rows], k=np.arange(1, asked + 1))
        distance = thousandths(chord)
        supplier = first[place]
        keys = np.where(supplier >= 0, (distance[:, :, None] << BITS) | supplier, NOBODY)
        keys = keys.reshape(len(open_rows), -1)
        keys.sort(axis=1)
        if has_several:
            _drop_repeats(keys, count)
        keys = keys[:, :count]
        keys = np.pad(keys, ((0, 0), (0, count - keys.shape[1])), constant_values=NOBODY)
        # The last one wanted is nearer than the farthest place seen, so every place not seen is farther than it.
        is_settled = (keys[:, -1] >> BITS) < distance[:, -1]
        if asked == tree.n:
            is_settled[:] = True
        found[open_rows[is_settled]] = keys[is_settled]
        open_rows, asked = open_rows[~is_settled], asked * 4
    return found


def _drop_repeats(keys: Integers, count: int) -> None:
    """Keep the nearest of each supplier in sorted rows of keys, where one repeats among the first of them."""
    head = keys[:, :count] & LOW
    has_repeat = np.zeros(len(keys), bool)
    for ahead in range(1, head.shape[1]):
        has_repeat |= (head[:, ahead:] == head[:, :-ahead]).any(axis=1)
    rows = np.flatnonzero(has_repeat)
    # Sorted by supplier, and stably: of each the nearest comes first.
    supplier = keys[rows] & LOW
    order = np.argsort(supplier, axis=1, kind="stable")
    in_order = np.take_along_axis(supplier, order, axis=1)
    row, column = np.nonzero(in_order[:, 1:] == in_order[:, :-1])
    kept = keys[rows]
    kept[row, order[row, column + 1]] = NOBODY
    kept.sort(axis=1)
    keys[rows] = kept


def count_within(points: Floats, reach: Integers, places: Places, *suppliers: Integers) -> list[Integers]:
    """How many different suppliers have a place within reach of each point.

    Args:
        points: Unit vectors, one row a point.
        reach: Distance of each point in thousandths of a mile, itself within reach; less than 0 reaches nothing.
        places: Where the addresses are.
        suppliers: Whose each address is, by one or more kinds of number: NPI, street address.

    Returns:
        For each kind of number the counts, one a point.
    """
    counts = [np.zeros(len(points), np.int64) for _ in suppliers]
    rows = np.flatnonzero(reach >= 0)
    if len(rows) == 0 or len(places.vectors) == 0:
        return counts
    # Half a thousandth more is what is rounded to the reach.
    centers, radius = points[rows], chord_of_miles((reach[rows] + 0.5) / 1000)
    # Antipodes can be a rounding error more than a diameter apart.
    radius[radius >= 2] = 3
    kinds = [_Kind.of(places, supplier, 2 * radius.max()) for supplier in suppliers]
    alone = np.array([kind.alone for kind in kinds])
    if alone.sum() <= CROWDED * alone.size:
        # What all kinds have at a place is counted once for all of them, and the rest for each.
        shared = alone.min(axis=0)
        counted = [_within(centers, radius, places.vectors, rest) for rest in (shared, *(alone - shared))]
        found = [counted[0] + rest for rest in counted[1:]]
        compared = np.flatnonzero(np.any([kind.size for kind in kinds], axis=0))
        alone[:] = 0
    else:
        found = [np.zeros(len(rows), np.int64) for _ in kinds]
        compared = np.arange(len(places.vectors))
    for some, row, at in _pairs(centers, radius, places.vectors[compared]):
        for number, kind, here in zip(found, kinds, alone, strict=True):
            number[some] += kind.count(row, compared[at], here, len(some))
    for count, number in zip(counts, found, strict=True):
        count[rows] = number
    return counts


@dataclass(frozen=True)
class _Kind:
    """Suppliers by one kind of number: how many each place has alone, and who of it may be within reach elsewhere too."""

    alone: Integers
    starts: Integers
    elsewhere: Integers

    @classmethod
    def of(cls, places: Places, supplier: Integers, apart: float) -> _Kind:
        """Sort suppliers by place; places farther apart than this chord are never within reach of the same point."""
        size = len(places.vectors)
        place, at_place = places.entries(supplier)
        is_elsewhere = _is_elsewhere(places.vectors[place], at_place, apart)
        elsewhere = np.bincount(place[is_elsewhere], minlength=size)
        alone = np.bincount(place[~is_elsewhere], minlength=size)
        return cls(alone, np.append(0, np.cumsum(elsewhere)), at_place[is_elsewhere])

    @cached_property
    def size(self) -> Integers:
        """How many at each place may be within reach elsewhere too."""
        return np.diff(self.starts)

    def count(self, row: Integers, place: Integers, alone: Integers, rows: int) -> Integers:
        """Different suppliers of each row, from pairs of it and every place within its reach."""
        counts = np.bincount(row, weights=alone[place], minlength=rows).astype(np.int64)
        is_some = self.size[place] > 0
        if is_some.any():
            row, place = row[is_some], place[is_some]
            size = self.size[place]
            at = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size - self.starts[place], size)
            keys = (np.repeat(row, size) << BITS) | self.elsewhere[at]
            keys.sort()
            counts += np.bincount(keys[np.append(True, keys[1:] != keys[:-1])] >> BITS, minlength=rows)
        return counts


def _is_elsewhere(vectors: Floats, supplier: Integers, apart: float) -> npt.NDArray[np.bool_]:
    """Which addresses have another of the same supplier no farther away than this chord."""
    found = np.zeros(len(supplier), bool)
    several = np.flatnonzero((np.bincount(supplier) > 1)[supplier])
    several = several[np.argsort(supplier[several], kind="stable")]
    at = np.arange(len(several))
    for ahead in range(1, len(several)):
        # Sorted by supplier: whoever has no address so far ahead has none farther.
        at = at[at + ahead < len(several)]
        at = at[supplier[several[at]] == supplier[several[at + ahead]]]
        if not len(at):
            break
        one, other = several[at], several[at + ahead]
        # A rounding error too many costs a comparison, one too few a count.
        is_near = np.linalg.norm(vectors[one] - vectors[other], axis=1) <= apart * (1 + 1e-9)
        found[one[is_near]] = found[other[is_near]] = True
    return found


def _within(centers: Floats, radius: Floats, vectors: Floats, times: Integers) -> Integers:
    """How many places each radius holds, each counted so many times.

    In the plane, where nothing reaches far south: a third less than on the sphere.
    """
    vectors = np.repeat(vectors, times, axis=0)
    if not len(vectors):
        return np.zeros(len(centers), np.int64)
    lowest = min(vectors[:, 2].min(initial=1), (centers[:, 2] - radius**2 / 2).min())
    if lowest > SOUTH:
        vectors, (centers, radius) = flat_points(vectors), flat_caps(centers, radius)
    return _tree(vectors, LARGE_LEAF).query_ball_point(centers, radius, return_length=True)


def _tree(vectors: Floats, leaf: int) -> cKDTree:
    return cKDTree(vectors, leafsize=leaf, balanced_tree=False)


def _pairs(points: Floats, radius: Floats, vectors: Floats) -> Iterator[tuple[Integers, Integers, Integers]]:
    """Some points at a time, with all pairs of a position among these points and of a vector within its radius.

    Two trees are compared, which takes one radius at a time: limits are few. Points whose pairs could be too many, since
    so many vectors lie in a ball that holds all of theirs, are halved.
    """
    if not len(vectors):
        return
    tree = _tree(vectors, SMALL_LEAF)
    order = np.argsort(radius, kind="stable")
    changes = np.flatnonzero(np.diff(radius[order])) + 1
    left = [part for same in np.split(order, changes) for part in np.split(same, range(PAIRED, len(same), PAIRED))]
    while left:
        some = left.pop()
        middle, reach = points[some].mean(axis=0), radius[some[0]]
        ball = np.linalg.norm(points[some] - middle, axis=1).max() + reach * (1 + 1e-9)
        if len(some) > 1 and len(some) * tree.query_ball_point(middle, ball, return_length=True) > PAIRS:
            left += np.array_split(some, 2)
            continue
        found = _tree(points[some], SMALL_LEAF).sparse_distance_matrix(tree, reach, output_type="ndarray")
        yield some, found["i"], found["j"]
