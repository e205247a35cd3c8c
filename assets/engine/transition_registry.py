"""Registries of care after a discharge: the rules of its gaps, and the business days on which their clocks run.

Rules are reviewed data, read from `data_contracts/transition_rules.yaml`. Federal holidays come from the package holidays.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from functools import cache
from typing import Any, Literal

import holidays
from pydantic import Field, ValidationError

from assets.engine.registry_file import Entry, read_yaml, refusal

# The calendar covers every measurement year, the year before the first and the year after the last.
FIRST_DAY, LAST_DAY = datetime.date(2017, 1, 1), datetime.date(2028, 12, 31)
SATURDAY = 5


class TransitionSet(Entry):
    """One value set of a rule, and how far back it counts."""

    value_set: str
    categories: tuple[str, ...] = ()
    since: int | Literal["stay", "discharge"]
    from_day: int = 0
    is_principal: bool = False


class Medicine(Entry):
    """One kind of medicine: its name on the list and the value sets that hold it."""

    title: str
    value_sets: tuple[str, ...] = Field(min_length=1)


class TransitionRule(Entry):
    """One rule of a gap after a discharge; its key names it in the evidence."""

    gap_code: str
    notice: Literal["any", "in_time", "within_30_days", "later"] = "any"
    start_day: int = Field(ge=0)
    end_day: int | None = Field(default=None, ge=0)
    end_business_days: int | None = Field(default=None, ge=1)
    due_day: int | None = Field(default=None, ge=0)
    needs: tuple[TransitionSet, ...] = ()
    closes: tuple[TransitionSet, ...] = ()
    medicines: tuple[Medicine, ...] = ()
    prior_days: int | None = Field(default=None, ge=1)
    most_supply_days: int | None = Field(default=None, ge=0)
    recorded: tuple[str, ...]
    recorded_roles: tuple[str, ...] = ()
    attempts: int | None = Field(default=None, ge=1)
    reason: str
    source: str


@cache
def read_transition_rules() -> dict[str, TransitionRule]:
    """Rules of gaps after a discharge by name, in the order of the file.

    Raises:
        SettingsError: The file says something that is not allowed.
    """
    try:
        rules = {n: TransitionRule.model_validate(entry) for n, entry in read_yaml("transition_rules.yaml").items()}
    except ValidationError as error:
        raise refusal("transition_rules.yaml", error) from error
    return rules


@cache
def business_days() -> list[tuple[Any, ...]]:
    """Every day of the calendar: whether business is done, the holiday, and how many business days lie through it."""
    federal = holidays.country_holidays("US", years=range(FIRST_DAY.year, LAST_DAY.year + 2))
    rows: list[tuple[Any, ...]] = []
    number = 0
    for ordinal in range(FIRST_DAY.toordinal(), LAST_DAY.toordinal() + 1):
        day = datetime.date.fromordinal(ordinal)
        is_business_day = day.weekday() < SATURDAY and day not in federal
        number += is_business_day
        rows.append((day, is_business_day, federal.get(day), number))
    return rows


def _listed(names: tuple[str, ...]) -> str | None:
    return f";{';'.join(names)};" if names else None


def _rules() -> list[tuple[Any, ...]]:
    return [
        (
            number, name, r.gap_code, r.notice, r.start_day, r.end_day, r.end_business_days, r.due_day, bool(r.needs),
            bool(r.medicines), r.prior_days, r.most_supply_days, _listed(r.recorded), _listed(r.recorded_roles), r.attempts,
            r.reason, r.source,
        )
        for number, (name, r) in enumerate(read_transition_rules().items(), start=1)
    ]  # fmt: skip


def _rule_sets() -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for number, rule in enumerate(read_transition_rules().values(), start=1):
        for role, sets in {"need": rule.needs, "close": rule.closes}.items():
            for s in sets:
                days = s.since if isinstance(s.since, int) else None
                rows.append((
                    len(rows) + 1, number, role, s.value_set, _listed(s.categories),
                    s.since if isinstance(s.since, str) else "days", days, s.from_day, s.is_principal,
                ))  # fmt: skip
    return rows


def _medicines() -> list[tuple[Any, ...]]:
    return [
        (number, place, medicine.title, value_set)
        for number, rule in enumerate(read_transition_rules().values(), start=1)
        for place, medicine in enumerate(rule.medicines, start=1)
        for value_set in medicine.value_sets
    ]


# Tables of these registries -> their rows, in their contracts' column order.
TRANSITION_TABLES: dict[str, Callable[[], list[tuple[Any, ...]]]] = {
    "business_day": business_days,
    "transition_rule": _rules,
    "transition_rule_set": _rule_sets,
    "transition_medicine": _medicines,
}
