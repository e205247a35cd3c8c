"""Great circles: distances in statute miles between points given in degrees, on a sphere of the earth's mean radius.

Points are unit vectors, so that nothing is special about poles, the antimeridian or the equator; the chord between two
of them grows with the arc, which is what a k-d tree needs.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

# Mean radius of the earth, 6371.0088 km (IUGG), in statute miles.
RADIUS_MILES = 3958.7613

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def unit_vectors(latitude: Floats, longitude: Floats) -> Floats:
    """One row of x, y and z for each point."""
    phi, theta = np.radians(latitude), np.radians(longitude)
    return np.column_stack((np.cos(phi) * np.cos(theta), np.cos(phi) * np.sin(theta), np.sin(phi)))


def miles_of_chord(chord: Floats) -> Floats:
    """Miles along the sphere between points that are this chord apart."""
    return 2 * RADIUS_MILES * np.arcsin(np.minimum(chord / 2, 1))


def chord_of_miles(miles: Floats) -> Floats:
    """Chord between points that are these miles apart; half the way around is the farthest."""
    return 2 * np.sin(np.minimum(miles / (2 * RADIUS_MILES), np.pi / 2))


def thousandths(chord: Floats) -> Integers:
    """Distances as they are published and compared: whole thousandths of a mile."""
    return np.rint(miles_of_chord(chord) * 1000).astype(np.int64)


def flat_points(vectors: Floats) -> Floats:
    """Points on the plane of the equator as seen from the south pole, where circles stay circles (stereographic)."""
    return vectors[:, :2] / (1 + vectors[:, 2:])


def flat_caps(centers: Floats, chord: Floats) -> tuple[Floats, Floats]:
    """The circles on that plane which hold what is within a chord of each centre; the south pole is in none of them."""
    height = 1 + centers[:, 2] - chord**2 / 2
    return centers[:, :2] / height[:, None], chord * np.sqrt(1 - chord**2 / 4) / height
