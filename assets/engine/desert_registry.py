"""Registry of deserts as gaps: which service each code is about, what calls for it and what counts as met.

It is reviewed data, read from `data_contracts/desert_rules.yaml`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Literal

from pydantic import Field, ValidationError

from assets.engine.errors import SettingsError
from assets.engine.registry_file import Entry, read_yaml, refusal


class CareSet(Entry):
    """One value set of a desert rule: which of it counts, and how far back."""

    value_set: str
    categories: tuple[str, ...] = ()
    clinicians: tuple[str, ...] = ()
    since: int | Literal["ever", "trigger"] = "ever"
    dates: int = Field(default=1, ge=1)
    classes: int = Field(default=1, ge=1)
    is_inpatient: bool = False
    group: str | None = None
    at_least: int = Field(default=1, ge=1)


class DesertRule(Entry):
    """One rule of a desert gap; its key names it in the evidence."""

    gap_code: str
    kind: Literal["care", "start", "pregnancy", "chronic_fills", "closure"]
    service: str
    standard_id: str
    place: str
    min_age: int = Field(default=0, ge=0)
    enrolled_days: int = Field(default=1, ge=1)
    after_days: int | None = Field(default=None, ge=0)
    within_days: int | None = Field(default=None, ge=1)
    clean_days: int | None = Field(default=None, ge=1)
    first_days: int | None = Field(default=None, ge=1)
    gap_days: int | None = Field(default=None, ge=1)
    fewest_fills: int | None = Field(default=None, ge=1)
    slack_days: int | None = Field(default=None, ge=0)
    times_nearest: float | None = Field(default=None, ge=1)
    more_miles: float | None = Field(default=None, ge=0)
    recorded_days: int = Field(default=90, ge=1)
    needs: dict[str, tuple[CareSet, ...]] = Field(default={})
    starts: tuple[CareSet, ...] = ()
    met: tuple[CareSet, ...] = ()
    reason: str
    source: str

    def sets(self) -> Iterator[tuple[str, str, CareSet]]:
        """Role, group and set of everything that the rule names."""
        for group, sets in self.needs.items():
            yield from (("need", group, s) for s in sets)
        for role, sets in (("start", self.starts), ("met", self.met)):
            yield from ((role, s.group or str(place), s) for place, s in enumerate(sets, start=1))


@cache
def read_desert_rules() -> dict[str, DesertRule]:
    """Rules of desert gaps by name, in the order of the file.

    Raises:
        SettingsError: The file says something that is not allowed.
    """
    try:
        rules = {name: DesertRule.model_validate(entry) for name, entry in read_yaml("desert_rules.yaml").items()}
    except ValidationError as error:
        raise refusal("desert_rules.yaml", error) from error
    if lone := sorted(name for name, r in rules.items() if (r.kind == "start") != bool(r.starts and r.after_days)):
        raise SettingsError(f"desert_rules.yaml: found {lone}; of kind start are those with starts and after_days")
    return rules


def _between_semicolons(names: tuple[str, ...]) -> str | None:
    return f";{';'.join(names)};" if names else None


def _rules() -> list[tuple[Any, ...]]:
    return [
        (
            number, name, r.gap_code, r.kind, r.service, r.standard_id, r.min_age, r.enrolled_days, r.after_days,
            r.within_days, r.clean_days, r.first_days, r.gap_days, r.fewest_fills, r.slack_days, r.times_nearest,
            r.more_miles, r.recorded_days, r.place, r.reason, r.source,
        )
        for number, (name, r) in enumerate(read_desert_rules().items(), start=1)
    ]  # fmt: skip


def _rule_sets() -> list[tuple[Any, ...]]:
    named = [
        (number, role, group, s)
        for number, rule in enumerate(read_desert_rules().values(), start=1)
        for role, group, s in rule.sets()
    ]
    return [
        (
            key, number, role, group, s.at_least, s.value_set, _between_semicolons(s.categories),
            _between_semicolons(s.clinicians), "days" if isinstance(s.since, int) else s.since,
            s.since if isinstance(s.since, int) else None, s.dates, s.classes, s.is_inpatient,
        )
        for key, (number, role, group, s) in enumerate(named, start=1)
    ]  # fmt: skip


# Tables of the registry -> their rows, in their contracts' column order.
DESERT_TABLES: dict[str, Callable[[], list[tuple[Any, ...]]]] = {
    "desert_rule": _rules,
    "desert_rule_set": _rule_sets,
}
