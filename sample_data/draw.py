"""Random numbers as a pure function of (seed, purpose, keys), whole columns at a time.

A draw has no state: adding a column, a member or a batch changes no other value. Only integer arithmetic and exact
comparisons are used, so every machine makes the same numbers.
"""

import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

STEP = np.uint64(0x9E3779B97F4A7C15)  # splitmix64, Steele et al. 2014
FIRST_MULTIPLIER = np.uint64(0xBF58476D1CE4E5B9)
SECOND_MULTIPLIER = np.uint64(0x94D049BB133111EB)
MILLION = 1_000_000


@dataclass(frozen=True)
class Draw:
    """One seed."""

    seed: int

    def bits(self, purpose: str, *keys: npt.ArrayLike) -> npt.NDArray[np.uint64]:
        """64 random bits for each combination of keys (arrays broadcast)."""
        start = (self.seed * 0x100000001 + zlib.crc32(purpose.encode())) % 2**64
        mixed = mix(np.array([start], dtype=np.uint64))
        for key in keys:
            mixed = mix(mixed + np.asarray(key).astype(np.uint64) * STEP)
        return mixed

    def integer(self, purpose: str, low: npt.ArrayLike, high: npt.ArrayLike, *keys: npt.ArrayLike) -> Integers:
        """Whole numbers from `low` through `high`."""
        span = np.asarray(high, dtype=np.int64) - np.asarray(low, dtype=np.int64) + 1
        part = (self.bits(purpose, *keys) >> np.uint64(33)).astype(np.int64)
        return np.asarray(low, dtype=np.int64) + ((part * span) >> 31)

    def chance(self, purpose: str, per_million: npt.ArrayLike, *keys: npt.ArrayLike) -> Booleans:
        """True for about `per_million` of every million."""
        return self.integer(purpose, 0, MILLION - 1, *keys) < np.asarray(per_million)

    def choice(self, purpose: str, weights: npt.ArrayLike, *keys: npt.ArrayLike) -> Integers:
        """Positions in `weights` (whole numbers), each as often as its weight says."""
        upto = np.cumsum(np.asarray(weights, dtype=np.int64))
        return np.searchsorted(upto, self.integer(purpose, 0, upto[-1] - 1, *keys), side="right")


def mix(value: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The splitmix64 finaliser, after one step."""
    value = value + STEP
    value = (value ^ (value >> np.uint64(30))) * FIRST_MULTIPLIER
    value = (value ^ (value >> np.uint64(27))) * SECOND_MULTIPLIER
    return value ^ (value >> np.uint64(31))
