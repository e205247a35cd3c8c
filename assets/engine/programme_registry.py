"""Registries of the programmes: who is offered what, where and from when, and which social needs there are.

They are reviewed data, read from `data_contracts/programmes.yaml` and `data_contracts/social_needs.yaml`.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from assets.engine.registry_file import Entry, read_yaml, refusal

Population = Literal["documented_need", "diabetes", "pregnant_tier_a"]


class Phase(Entry):
    """From when a programme holds in which states; without states everywhere, without a start not yet."""

    start: datetime.date | None = None
    states: tuple[Annotated[str, Field(pattern="[A-Z]{2}")], ...] = ()
    is_assumed: bool = False


class Programme(Entry):
    """One programme; its key names it in evidence."""

    title: str
    source: str
    populations: tuple[Population, ...] = Field(min_length=1)
    phases: tuple[Phase, ...] = Field(min_length=1)


class NeedTier(Entry):
    """How sure a need is."""

    severity: float = Field(ge=0, le=100)


class NeedCategory(Entry):
    """One kind of social need; without words it is never listed."""

    code: str | None = None
    display: str
    words: str | None = None
    gap_code: str | None = None
    terms: tuple[str, ...] = ()


class SocialNeeds(Entry):
    """`data_contracts/social_needs.yaml`."""

    tiers: dict[Literal["documented", "screened", "indicated", "area", "none"], NeedTier]
    categories: dict[str, NeedCategory]


@cache
def read_programmes() -> dict[str, Programme]:
    """Programmes by name.

    Raises:
        SettingsError: The file says something that is not allowed.
    """
    try:
        return {name: Programme.model_validate(entry) for name, entry in read_yaml("programmes.yaml").items()}
    except ValidationError as error:
        raise refusal("programmes.yaml", error) from error


@cache
def read_social_needs() -> SocialNeeds:
    """Tiers and categories of social need.

    Raises:
        SettingsError: The file says something that is not allowed.
    """
    try:
        return SocialNeeds.model_validate(read_yaml("social_needs.yaml"))
    except ValidationError as error:
        raise refusal("social_needs.yaml", error) from error


def _programmes() -> list[tuple[Any, ...]]:
    return [
        (name, population, number, state, phase.start, phase.is_assumed, p.source)
        for name, p in read_programmes().items()
        for population in p.populations
        for number, phase in enumerate(p.phases, start=1)
        for state in phase.states or (None,)
    ]


# Tables of these registries -> their rows, in their contracts' column order.
PROGRAMME_TABLES: dict[str, Callable[[], list[tuple[Any, ...]]]] = {
    "programme": _programmes,
    "social_need_tier": lambda: [
        (name, rank, t.severity) for rank, (name, t) in enumerate(read_social_needs().tiers.items(), start=1)
    ],
    "social_need_category": lambda: [
        (name, c.code or name, c.display, c.words, c.gap_code) for name, c in read_social_needs().categories.items()
    ],
}
