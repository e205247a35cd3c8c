"""Registries of the programmes: who is asked what, where and from when, what pays, and which social needs there are.

They are reviewed data, read from `data_contracts/programmes.yaml` and `data_contracts/social_needs.yaml`. A programme
that names what does not exist is refused: a misspelt state or family would start nothing, silently.
"""

from __future__ import annotations

import csv
import datetime
from collections.abc import Callable, Iterable
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from assets.engine.contract import CONTRACTS
from assets.engine.errors import SettingsError
from assets.engine.outreach_registry import read_outreach_outcomes
from assets.engine.registry_file import Entry, read_yaml, refusal

FILE = "programmes.yaml"

Population = Literal["everyone", "documented_need", "diabetes", "pregnant_tier_a"]

# The family whose gaps are opened by a population of a programme, not by a rule of its own.
OFFERED_FAMILY = "community_resource"


class Phase(Entry):
    """From when a programme holds in which states; without states everywhere, without a start not yet."""

    start: datetime.date | None = None
    states: tuple[Annotated[str, Field(pattern="[A-Z]{2}")], ...] = ()
    is_assumed: bool = False


class Service(Entry):
    """What is paid for (rules 6.8): which outcomes complete it or earn an attempt's fee, and how often."""

    gap_codes: tuple[str, ...] = ()
    completed: tuple[str, ...] = Field(min_length=1)
    attempted: tuple[str, ...] = ()
    once_per: Literal["month", "quarter", "year"]


class Programme(Entry):
    """One programme; its key names it on lists and in evidence."""

    title: str
    source: str
    gap_families: tuple[str, ...] = Field(min_length=1)
    populations: tuple[Population, ...] = Field(min_length=1)
    phases: tuple[Phase, ...] = Field(min_length=1)
    weekly_capacity: int | None = Field(default=None, ge=0)
    services: dict[Annotated[str, Field(pattern="[A-Z][A-Z0-9_]{1,31}")], Service] = Field(default={})


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
    return check_programmes(read_yaml(FILE))


def check_programmes(content: Any) -> dict[str, Programme]:
    """The programmes of a file's content.

    Raises:
        SettingsError: It says something that is not allowed, or names what does not exist.
    """
    programmes = {}
    for name, entry in _mapping(content).items():
        try:
            programmes[name] = Programme.model_validate(entry)
        except ValidationError as error:
            raise refusal(FILE, error, str(name)) from error
        _refuse_unknown(name, programmes[name])
    return programmes


def _mapping(content: Any) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise SettingsError(f"{FILE}: found no programmes; names with their entries are expected")
    return content


def _refuse_unknown(name: str, programme: Programme) -> None:
    """Refuse what a programme names and nobody knows, and what contradicts itself."""
    families = listed_codes()
    _subset(f"{name}.gap_families", programme.gap_families, families, "families")
    for number, phase in enumerate(programme.phases):
        _subset(f"{name}.phases.{number}.states", phase.states, us_states(), "states")
    states = [state for phase in programme.phases for state in phase.states or ("every state",)]
    if repeats := sorted({state for state in states if states.count(state) > 1}):
        raise SettingsError(f"{FILE}: {name}.phases: found {repeats} in two phases; each begins once")
    if OFFERED_FAMILY in programme.gap_families and "everyone" in programme.populations:
        raise SettingsError(
            f"{FILE}: {name}.populations: found 'everyone' for {OFFERED_FAMILY}; it needs the populations to offer to"
        )
    codes = {code for family in programme.gap_families for code in families[family]}
    outcomes = read_outreach_outcomes()
    served: dict[str, str] = {}
    for code, service in programme.services.items():
        where = f"{name}.services.{code}"
        _subset(f"{where}.gap_codes", service.gap_codes, codes, "gap codes of its families")
        for kind in ("completed", "attempted"):
            paying = {o for o, entry in outcomes.items() if entry.pays == kind}
            _subset(f"{where}.{kind}", getattr(service, kind), paying, f"outcomes that pay as {kind}")
        for gap_code in service.gap_codes or sorted(codes):
            if gap_code in served:
                raise SettingsError(
                    f"{FILE}: {where}: found {gap_code}, which {served[gap_code]} serves; one service per gap code is allowed"
                )
            served[gap_code] = code


def _subset(where: str, found: Iterable[str], allowed: Iterable[str], kind: str) -> None:
    allowed = sorted(allowed)
    if unknown := sorted(set(found) - set(allowed)):
        raise SettingsError(f"{FILE}: {where}: found {unknown}; {kind} are {', '.join(allowed)}")


@cache
def listed_codes() -> dict[str, tuple[str, ...]]:
    """Gap family -> the codes under which its rows stand on lists, public ones of sensitive rows included."""
    families = read_yaml("gap_families.yaml")
    codes: dict[str, set[str]] = {family: set(entry["codes"]) for family, entry in families.items()}
    for entry in families.values():
        for code in entry["codes"].values():
            if code.get("public_code"):
                codes[code["public_family"]].add(code["public_code"])
    return {family: tuple(sorted(found)) for family, found in codes.items()}


@cache
def us_states() -> frozenset[str]:
    """Codes of states and territories."""
    with (CONTRACTS / "reference" / "us_states.csv").open(encoding="utf-8") as lines:
        return frozenset(row["code"] for row in csv.DictReader(lines))


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
        (name, family, population, number, state, phase.start, phase.is_assumed, p.source)
        for name, p in read_programmes().items()
        for family in p.gap_families
        for population in p.populations
        for number, phase in enumerate(p.phases, start=1)
        for state in phase.states or (None,)
    ]


def _services() -> list[tuple[Any, ...]]:
    rows = []
    for name, p in read_programmes().items():
        codes = sorted({code for family in p.gap_families for code in listed_codes()[family]})
        service_of = {code: service_code for service_code, s in p.services.items() for code in (s.gap_codes or codes)}
        rows += [(name, code, service_of.get(code), p.weekly_capacity) for code in codes]
    return rows


def _service_outcomes() -> list[tuple[Any, ...]]:
    return [
        (name, code, outcome, kind, service.once_per)
        for name, p in read_programmes().items()
        for code, service in p.services.items()
        for kind in ("completed", "attempted")
        for outcome in getattr(service, kind)
    ]


# Tables of these registries -> their rows, in their contracts' column order.
PROGRAMME_TABLES: dict[str, Callable[[], list[tuple[Any, ...]]]] = {
    "programme": _programmes,
    "programme_service": _services,
    "programme_outcome": _service_outcomes,
    "social_need_tier": lambda: [
        (name, rank, t.severity) for rank, (name, t) in enumerate(read_social_needs().tiers.items(), start=1)
    ],
    "social_need_category": lambda: [
        (name, c.code or name, c.display, c.words, c.gap_code) for name, c in read_social_needs().categories.items()
    ],
}
