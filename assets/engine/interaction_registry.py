"""Registry of medicines that are not used together: pairs of value sets with words, severity and source.

It is reviewed data, read from `data_contracts/drug_interactions.yaml`; one query serves every pair.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from pydantic import Field, ValidationError

from assets.engine.registry_file import Entry, read_yaml, refusal


class Side(Entry):
    """One of the two medicines: a value set, or some of its categories."""

    value_set: str
    categories: tuple[str, ...] = ()


class Interaction(Entry):
    """One pair; its key is the subject of its gaps."""

    title: str
    medicines: str
    first: Side
    second: Side
    washout_days: int = Field(default=0, ge=0, le=60)
    is_sensitive: bool = False
    severity: float = Field(ge=0, le=100)
    source: str


class InteractionRules(Entry):
    """`data_contracts/drug_interactions.yaml`."""

    gap_code: str
    after_days: int = Field(ge=0, le=365)
    confidence: float = Field(gt=0, le=1)
    reason: str
    interactions: dict[str, Interaction] = Field(min_length=1)


@cache
def read_interactions() -> InteractionRules:
    """Pairs and what all of them share.

    Raises:
        SettingsError: The file says something that is not allowed.
    """
    try:
        return InteractionRules.model_validate(read_yaml("drug_interactions.yaml"))
    except ValidationError as error:
        raise refusal("drug_interactions.yaml", error) from error


def _interactions() -> list[tuple[Any, ...]]:
    rules = read_interactions()
    return [
        (
            key, name, i.title, rules.gap_code, i.medicines, i.washout_days, rules.after_days, i.is_sensitive, i.severity,
            rules.confidence, rules.reason, i.source,
        )
        for key, (name, i) in enumerate(rules.interactions.items(), start=1)
    ]  # fmt: skip


def _sides() -> list[tuple[Any, ...]]:
    return [
        (key, name, side.value_set, f";{';'.join(side.categories)};" if side.categories else None)
        for key, i in enumerate(read_interactions().interactions.values(), start=1)
        for name, side in (("first", i.first), ("second", i.second))
    ]


# Tables of the registry -> their rows, in their contracts' column order.
INTERACTION_TABLES: dict[str, Callable[[], list[tuple[Any, ...]]]] = {
    "drug_interaction": _interactions,
    "drug_interaction_side": _sides,
}
