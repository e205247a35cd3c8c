"""Registries of outreach: what each reported outcome does, and which sensitive classes a state keeps off lists.

They are reviewed data, read from `data_contracts/outreach_outcomes.yaml` and `data_contracts/sensitive_policy.yaml`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from assets.engine.errors import SettingsError
from assets.engine.registry_file import Entry, read_yaml, refusal


class OutreachOutcome(Entry):
    """What one outcome code does."""

    title: str
    attempt: bool = False
    live: bool = False
    hold: Literal["declined", "pending", "unable_to_reach", "duplicate"] | None = None
    closes_as: Literal["documented", "reported"] | None = None
    ends_as: Literal["documented", "reported", "declined"] | None = None
    binding: bool = False
    offered: bool = True
    pays: Literal["completed", "attempted"] | None = None


class SensitiveClass(Entry):
    """The gaps of one sensitive class."""

    codes: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    is_pregnancy_dependent: bool = False


class StatePolicy(Entry):
    """What one state keeps off every list."""

    withhold: tuple[str, ...] = Field(min_length=1)


class SensitivePolicy(Entry):
    """`data_contracts/sensitive_policy.yaml`."""

    classes: dict[str, SensitiveClass]
    states: dict[Annotated[str, Field(pattern="[A-Z]{2}")], StatePolicy]


@cache
def read_outreach_outcomes() -> dict[str, OutreachOutcome]:
    """Outcomes by code.

    Raises:
        SettingsError: The file says something that is not allowed.
    """
    try:
        return {
            code: OutreachOutcome.model_validate(entry) for code, entry in read_yaml("outreach_outcomes.yaml").items()
        }
    except ValidationError as error:
        raise refusal("outreach_outcomes.yaml", error) from error


@cache
def read_sensitive_policy() -> SensitivePolicy:
    """Sensitive classes and what states keep off lists.

    Raises:
        SettingsError: The file says something that is not allowed, or a state names a class that is not there.
    """
    try:
        policy = SensitivePolicy.model_validate(read_yaml("sensitive_policy.yaml"))
    except ValidationError as error:
        raise refusal("sensitive_policy.yaml", error) from error
    refuse_unknown_classes(policy)
    return policy


def refuse_unknown_classes(policy: SensitivePolicy) -> None:
    """Refuse a state that withholds a class which the file does not define.

    Raises:
        SettingsError: One does.
    """
    for state, rules in policy.states.items():
        if unknown := sorted(set(rules.withhold) - policy.classes.keys()):
            raise SettingsError(
                f"sensitive_policy.yaml: states.{state}: found {unknown}; classes are {sorted(policy.classes)}"
            )


def withheld_gaps(policy: SensitivePolicy, dependent_codes: Iterable[str]) -> list[tuple[Any, ...]]:
    """State, class, and the code or the subject that the state keeps off lists."""
    dependent = sorted(dependent_codes)
    return [
        (state, name, code, subject)
        for state, rules in sorted(policy.states.items())
        for name in sorted(rules.withhold)
        for code, subject in [
            *((c, None) for c in sorted(policy.classes[name].codes)),
            *((c, None) for c in dependent if policy.classes[name].is_pregnancy_dependent),
            *((None, s) for s in sorted(policy.classes[name].subjects)),
        ]
    ]


def outcome_rows() -> list[tuple[Any, ...]]:
    """The rows of `raw.outreach_outcome_code`, in its contract's column order."""
    return [
        (code, o.title, o.attempt, o.live, o.hold, o.closes_as, o.ends_as, o.binding)
        for code, o in sorted(read_outreach_outcomes().items())
    ]


# Tables of the outreach registries -> their rows; the second argument names the codes that depend on a pregnancy.
OUTREACH_TABLES: dict[str, Callable[[Iterable[str]], list[tuple[Any, ...]]]] = {
    "outreach_outcome_code": lambda _: outcome_rows(),
    "state_policy": lambda dependent: withheld_gaps(read_sensitive_policy(), dependent),
}
