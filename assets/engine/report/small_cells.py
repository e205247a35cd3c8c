"""Small counts of people, hidden so that no sum on the page gives them back.

Three rules. A count of 1 to `small_cell - 1` is small and shows as "<11"; zero and larger counts show. A row or column
that adds up, and in which exactly one cell is hidden, also hides its next smallest cell, which shows as "11+". And
every small count must still have at least two possible values for a reader who solves all the sums on the page together
(two hidden counts of ten that add up to 20, or two tables that share a total, are not hidden by the second rule alone).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

Cell = tuple[str, ...]


class Mark(Enum):
    """What stands in the place of a hidden count."""

    SMALL = "small"
    LARGE = "large"
    WITHHELD = "withheld"
    UNSAID = "unsaid"


@dataclass(frozen=True)
class Sum:
    """A sum that a reader can do: `total` is what `parts` add up to."""

    total: Cell
    parts: tuple[Cell, ...]

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Everything that the sum ties together."""
        return (self.total, *self.parts)


@dataclass
class Counts:
    """Every count of people on the page, and every sum among them; one object, since tables share totals.

    `unsaid` holds remainders that the page never shows but that a reader may find by subtraction, `kept_back` counts that
    an earlier page hid, whatever their size.
    """

    values: dict[Cell, int] = field(default_factory=dict)
    sums: list[Sum] = field(default_factory=list)
    unsaid: set[Cell] = field(default_factory=set)
    kept_back: set[Cell] = field(default_factory=set)

    def add(self, cell: Cell, count: int) -> None:
        """Add to a count, which starts at zero."""
        self.values[cell] = self.values.get(cell, 0) + int(count)

    def total(self, total: Cell, parts: Iterable[Cell]) -> None:
        """State that `parts` add up to `total`; a new total is computed, cells not yet counted are zero."""
        parts = tuple(parts)
        for part in parts:
            self.values.setdefault(part, 0)
        counted = sum(self.values[part] for part in parts)
        if self.values.setdefault(total, counted) != counted:
            raise ValueError(f"{total[0]}: the parts do not add up to the total")
        self.sums.append(Sum(total, parts))

    def hide(self, small_cell: int) -> Published:
        """The counts as they may be shown."""
        marks = hidden_cells(self.values, self.sums, small_cell, self.unsaid, self.kept_back)
        return Published(self.values, marks, small_cell)


@dataclass(frozen=True)
class Published:
    """Counts as they may be shown; nothing else of this package may reach the page or a chart."""

    values: Mapping[Cell, int]
    marks: Mapping[Cell, Mark]
    small_cell: int

    def number(self, *cell: str) -> int | None:
        """The count, or None where it is hidden."""
        return None if cell in self.marks else self.values.get(cell, 0)

    def text(self, *cell: str) -> str:
        """The count as a table cell or a chart label."""
        match self.marks.get(cell):
            case None:
                return f"{self.values.get(cell, 0):,}"
            case Mark.SMALL:
                return f"<{self.small_cell}"
            case Mark.LARGE:
                return f"{self.small_cell}+"
            case Mark.WITHHELD | Mark.UNSAID:
                return "withheld"

    def words(self, *cell: str) -> str:
        """The count within a sentence."""
        match self.marks.get(cell):
            case Mark.SMALL:
                return f"fewer than {self.small_cell}"
            case Mark.LARGE:
                return f"{self.small_cell} or more"
            case Mark.WITHHELD | Mark.UNSAID:
                return "an undisclosed number"
            case None:
                return self.text(*cell)

    def percent(self, part: Cell, whole: Cell) -> str | None:
        """A share to one decimal; None where either count is hidden or the whole is zero."""
        above, below = self.number(*part), self.number(*whole)
        return None if above is None or not below else f"{100 * above / below:.1f} %"


def lone_count(count: int, small_cell: int) -> str:
    """A count of people with which nothing else that is told adds up, as text; a small one is hidden."""
    return f"<{small_cell}" if 0 < count < small_cell else f"{count:,}"


def size_classes(parts: Mapping[str, int], total: int, bounds: Sequence[int]) -> dict[str, int]:
    """The largest bound that each part reaches, for parts of a known total that are shown by class alone.

    The first bound is the smallest count that may be told of; smaller parts are absent. A total less the bounds could
    still fix what is absent: the smallest parts are left out until at least the first bound is unexplained.
    """
    classes = {part: max(bound for bound in bounds if bound <= n) for part, n in parts.items() if n >= bounds[0]}
    while classes and total - sum(classes.values()) < bounds[0]:
        del classes[min(classes, key=lambda part: (parts[part], part))]
    return classes


def hidden_cells(
    values: Mapping[Cell, int],
    sums: Iterable[Sum],
    small_cell: int,
    unsaid: Iterable[Cell] = (),
    kept_back: Iterable[Cell] = (),
) -> dict[Cell, Mark]:
    """Which counts are hidden, and behind which mark."""
    marks = {cell: Mark.UNSAID for cell in unsaid if values[cell] > 0}
    marks |= {cell: Mark.LARGE for cell in kept_back if values[cell] >= small_cell}
    marks |= {cell: Mark.SMALL for cell, count in values.items() if 0 < count < small_cell}
    for group in _connected(sums):
        _hide_within(group, values, marks, small_cell)
    return marks


def _hide_within(group: list[Sum], values: Mapping[Cell, int], marks: dict[Cell, Mark], small_cell: int) -> None:
    """Hide further cells of one group of connected sums until no small count in it can be worked out."""
    cells = sorted({cell for one in group for cell in one.cells})
    _hide_partners(group, values, marks)
    # Hiding more never narrows what is possible, so a cell found safe stays safe.
    for exposed in [cell for cell in cells if cell in marks]:
        near = {cell for one in group if exposed in one.cells for cell in one.cells}
        while marks[exposed] is Mark.SMALL and _is_known(exposed, group, values, marks, small_cell):
            partner = _smallest_shown(near, values, marks) or _smallest_shown(cells, values, marks)
            if partner is None:
                # Nothing is left to hide beside it, so not even its size is said.
                marks[exposed] = Mark.WITHHELD
            else:
                marks[partner] = Mark.LARGE
                _hide_partners(group, values, marks)


def _hide_partners(group: list[Sum], values: Mapping[Cell, int], marks: dict[Cell, Mark]) -> None:
    """A hidden cell never stands alone in a sum: its next smallest neighbour is hidden too.

    A large remainder may: finding it gives nothing away.
    """
    found = True
    while found:
        found = False
        for one in group:
            hidden = [marks[cell] for cell in one.cells if cell in marks]
            if len(hidden) != 1 or hidden == [Mark.UNSAID]:
                continue
            partner = _smallest_shown(one.parts, values, marks) or _smallest_shown(one.cells, values, marks)
            if partner is not None:
                marks[partner] = Mark.LARGE
                found = True


def _smallest_shown(cells: Iterable[Cell], values: Mapping[Cell, int], marks: Mapping[Cell, Mark]) -> Cell | None:
    """The smallest shown count above zero; ties go to the first name."""
    shown = [(values[cell], cell) for cell in cells if cell not in marks and values[cell] > 0]
    return min(shown)[1] if shown else None


def _is_known(
    cell: Cell, group: list[Sum], values: Mapping[Cell, int], marks: Mapping[Cell, Mark], small_cell: int
) -> bool:
    """Whether the shown counts and the sums leave this cell a single possible value."""
    from scipy.optimize import linprog  # slow to import

    hidden = sorted({c for one in group for c in one.cells if c in marks})
    place = {c: i for i, c in enumerate(hidden)}
    equations, constants = [], []
    for one in group:
        row, constant = [0] * len(hidden), 0
        for c, sign in ((one.total, -1), *((part, 1) for part in one.parts)):
            if c in place:
                row[place[c]] += sign
            else:
                constant -= sign * values[c]
        if any(row):
            equations.append(row)
            constants.append(constant)
    if not equations:
        return False
    bounds = [_said(marks[c], small_cell) for c in hidden]
    for sign in (-1, 1):
        goal = [sign if c == cell else 0 for c in hidden]
        reached = linprog(goal, A_eq=equations, b_eq=constants, bounds=bounds, method="highs")
        if not reached.success or abs(_whole(sign * reached.fun, sign) - values[cell]) >= 1:
            return False
    return True


def _whole(bound: float, sign: int) -> int:
    """The last whole number within a bound of the solver, whose sign says which side it is on."""
    return math.floor(bound + 1e-6) if sign < 0 else math.ceil(bound - 1e-6)


def _said(mark: Mark, small_cell: int) -> tuple[int, int | None]:
    """The range that a mark itself gives away."""
    match mark:
        case Mark.SMALL:
            return 1, small_cell - 1
        case Mark.LARGE:
            return small_cell, None
        case Mark.WITHHELD | Mark.UNSAID:
            return 0, None


def _connected(sums: Iterable[Sum]) -> Iterator[list[Sum]]:
    """Sums in groups that share no cell, so that each can be solved alone."""
    waiting = list(sums)
    while waiting:
        group, reach = [waiting.pop(0)], set()
        reach.update(group[0].cells)
        joined = True
        while joined:
            joined = [one for one in waiting if reach.intersection(one.cells)]
            for one in joined:
                reach.update(one.cells)
            group.extend(joined)
            waiting = [one for one in waiting if one not in joined]
        yield group
