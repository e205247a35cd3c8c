"""Registry of tests and visits that a condition or a medicine calls for.

It is reviewed data, read from `data_contracts/monitoring_rules.yaml`; one query serves every family that has rules here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Literal

from pydantic import Field, ValidationError

from assets.engine.errors import SettingsError
from assets.engine.registry_file import Entry, read_yaml, refusal


class Pair(Entry):
    """A second category of the same set, no more than so many days apart."""

    category: str
    days: int = Field(ge=0)


class CountedSet(Entry):
    """One value set that counts as a test."""

    value_set: str
    categories: tuple[str, ...] = ()
    clinicians: tuple[str, ...] = ()
    previous_year: bool = False
    pair: Pair | None = None


class StopSet(Entry):
    """One value set that leaves a member out."""

    value_set: str
    categories: tuple[str, ...] = ()
    since: int | Literal["ever", "year"]
    dates: int = Field(default=1, ge=1)
    apart_days: int = Field(default=0, ge=0)
    min_age: int = Field(default=0, ge=0)


class MonitoringRule(Entry):
    """One rule; its key names it in the evidence."""

    gap_family: str
    gap_code: str
    subject: str | None = None
    population: Literal["diabetes", "insulin", "diabetes_event", "therapy", "start"]
    medicines: str | None = None
    min_age: int = Field(default=0, ge=0)
    max_age: int = Field(default=200, ge=0)
    frame: Literal["rolling", "year", "start", "after"]
    days: int | None = Field(default=None, ge=1)
    insulin_days: int | None = Field(default=None, ge=1)
    young_days: int | None = Field(default=None, ge=1)
    young_months: int | None = Field(default=None, ge=1)
    first_days: int = Field(default=0, ge=0)
    enrolled_days: int = Field(default=1, ge=1)
    lapse_days: int | None = Field(default=None, ge=0)
    clean_days: int | None = Field(default=None, ge=1)
    grace_days: int = Field(default=0, ge=0)
    window_days: int | None = Field(default=None, ge=1)
    ahead_days: int = Field(default=0, ge=0)
    due_days: int = Field(ge=0)
    stay_days: int | None = Field(default=None, ge=0)
    # `facts.monitoring_need` sets three side by side.
    tests: dict[str, tuple[CountedSet, ...]] = Field(min_length=1, max_length=3)
    stops: dict[str, tuple[StopSet, ...]] = Field(default={})
    confidence: float = Field(gt=0, le=1)
    reason: str
    source: str


@cache
def read_monitoring_rules() -> dict[str, MonitoringRule]:
    """Rules by name, in the order of the file.

    Raises:
        SettingsError: The file says something that is not allowed.
    """
    try:
        rules = {n: MonitoringRule.model_validate(entry) for n, entry in read_yaml("monitoring_rules.yaml").items()}
    except ValidationError as error:
        raise refusal("monitoring_rules.yaml", error) from error
    of_medicines = {"therapy", "start"}
    if wrong := sorted(
        name
        for name, r in rules.items()
        if (r.population in of_medicines) != bool(r.medicines and r.subject is None)
        or (r.frame in {"start", "after"}) != (r.population == "start")
        or (r.frame in {"year", "after"}) != (r.days is None)
    ):
        raise SettingsError(
            f"monitoring_rules.yaml: found {wrong}; a rule of medicines names them and no subject, frames start and after "
            "go with population start, and every frame but year and after has days"
        )
    return rules


def _listed(names: tuple[str, ...]) -> str | None:
    return f";{';'.join(names)};" if names else None


def _rules() -> list[tuple[Any, ...]]:
    return [
        (
            number, name, r.gap_family, r.gap_code, r.subject, r.population, r.medicines, r.min_age, r.max_age, r.frame,
            r.days, r.insulin_days, r.young_days, r.young_months, r.first_days, r.enrolled_days, r.lapse_days, r.clean_days,
            r.grace_days, r.window_days, r.ahead_days, r.due_days, r.stay_days, len(r.tests), r.confidence, r.reason,
            r.source,
        )
        for number, (name, r) in enumerate(read_monitoring_rules().items(), start=1)
    ]  # fmt: skip


def _tests() -> list[tuple[Any, ...]]:
    found = [
        (number, place, title, s)
        for number, rule in enumerate(read_monitoring_rules().values(), start=1)
        for place, (title, sets) in enumerate(rule.tests.items(), start=1)
        for s in sets
    ]
    return [
        (
            key, number, place, title, s.value_set, _listed(s.categories), _listed(s.clinicians), s.previous_year,
            s.pair.category if s.pair else None, s.pair.days if s.pair else None,
        )
        for key, (number, place, title, s) in enumerate(found, start=1)
    ]  # fmt: skip


def _stop_sets() -> Iterator[tuple[int, str, int, StopSet]]:
    for number, rule in enumerate(read_monitoring_rules().values(), start=1):
        for group, sets in rule.stops.items():
            yield from ((number, group, len(sets), s) for s in sets)


def _stops() -> list[tuple[Any, ...]]:
    return [
        (
            key, number, group, size, s.value_set, _listed(s.categories), s.since if isinstance(s.since, str) else "days",
            s.since if isinstance(s.since, int) else None, s.dates, s.apart_days, s.min_age,
        )
        for key, (number, group, size, s) in enumerate(_stop_sets(), start=1)
    ]  # fmt: skip


# Tables of the registry -> their rows, in their contracts' column order.
MONITORING_TABLES: dict[str, Callable[[], list[tuple[Any, ...]]]] = {
    "monitoring_rule": _rules,
    "monitoring_test": _tests,
    "monitoring_stop": _stops,
}
