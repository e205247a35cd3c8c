"""Registries of specialty medicines and medication therapy management: refills, first fills, targeting by year.

They are reviewed data, read from `data_contracts/specialty_rules.yaml`. What CMS sets by year is a row of its year.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from pydantic import Field, ValidationError

from assets.engine.registry_file import Entry, read_yaml, refusal


class RefillPhase(Entry):
    """What a row says from a day on, counted from the last day supplied."""

    name: str
    from_day: int
    severity: float = Field(ge=0, le=100)
    is_lost: bool = False
    reason: str


class RefillRule(Entry):
    """Refills of one kind of medicine; its key names it in the evidence."""

    gap_code: str
    is_oncology: bool
    last_day: int = Field(ge=1)
    phases: tuple[RefillPhase, ...] = Field(min_length=1)
    source: str


class FirstFillRule(Entry):
    """A first claim that was never picked up."""

    gap_code: str
    clean_days: int = Field(ge=1)
    specialty_wait_days: int = Field(ge=1)
    maintenance_wait_days: int = Field(ge=1)
    window_days: int = Field(ge=1)
    reject_codes: tuple[str, ...]
    authorization_codes: tuple[str, ...]
    authorization_wait_days: int = Field(ge=0)
    confidence: float = Field(gt=0, le=1)
    specialty_reason: str
    maintenance_reason: str
    source: str


class ManagementYear(Entry):
    """Targeting of one year."""

    cost_threshold: int = Field(ge=1)
    left_out_diseases: tuple[str, ...] = ()


class TargetedReview(Entry):
    """The review of a quarter."""

    gap_code: str
    confidence: float = Field(gt=0, le=1)
    reason: str


class ManagementRule(Entry):
    """Medication therapy management: who is targeted, and when the reviews of the year and of the quarter are due."""

    gap_code: str
    payer_types: tuple[str, ...] = Field(min_length=1)
    like_payer_types: tuple[str, ...] = ()
    min_age: int = Field(ge=0)
    min_diseases: int = Field(ge=1)
    min_drugs: int = Field(ge=1)
    disease_months: int = Field(ge=1)
    disease_dates: int = Field(ge=1)
    enrolled_days: int = Field(ge=0)
    due_days: int = Field(ge=0)
    confidence: float = Field(gt=0, le=1)
    years: dict[int, ManagementYear] = Field(min_length=1)
    reason: str
    source: str
    targeted_review: TargetedReview


class SpecialtyRules(Entry):
    """`data_contracts/specialty_rules.yaml`."""

    tier_amounts: dict[int, int]
    refills: dict[str, RefillRule]
    first_fill: FirstFillRule
    medication_therapy_management: ManagementRule


@cache
def read_specialty_rules() -> SpecialtyRules:
    """Rules of specialty medicines and of medication therapy management.

    Raises:
        SettingsError: The file says something that is not allowed.
    """
    try:
        return SpecialtyRules.model_validate(read_yaml("specialty_rules.yaml"))
    except ValidationError as error:
        raise refusal("specialty_rules.yaml", error) from error


def management_years() -> tuple[int, ...]:
    """The years for which a cost threshold is known."""
    return tuple(sorted(read_specialty_rules().medication_therapy_management.years))


def _listed(names: tuple[str, ...]) -> str:
    return f";{';'.join(names)};"


def _phases() -> list[tuple[Any, ...]]:
    rows = []
    for name, rule in read_specialty_rules().refills.items():
        last_days = [p.from_day - 1 for p in rule.phases[1:]] + [rule.last_day]
        lost_days = [p.from_day for p in rule.phases if p.is_lost]
        for phase, last_day in zip(rule.phases, last_days, strict=True):
            rows.append((
                name, rule.gap_code, rule.is_oncology, phase.name, phase.from_day, last_day, rule.phases[0].from_day,
                min([*lost_days, rule.last_day + 1]) - 1, phase.severity, phase.is_lost, phase.reason, rule.source,
            ))  # fmt: skip
    return rows


def _first_fill() -> list[tuple[Any, ...]]:
    r = read_specialty_rules().first_fill
    return [(
        r.gap_code, r.clean_days, r.specialty_wait_days, r.maintenance_wait_days, r.window_days,
        r.authorization_wait_days, r.confidence, r.specialty_reason, r.maintenance_reason, r.source,
    )]  # fmt: skip


def _management() -> list[tuple[Any, ...]]:
    r = read_specialty_rules().medication_therapy_management
    return [
        (
            year, r.gap_code, of_year.cost_threshold, _listed(of_year.left_out_diseases), _listed(r.payer_types),
            _listed(r.like_payer_types), r.min_age, r.min_diseases, r.min_drugs, r.disease_months, r.disease_dates,
            r.enrolled_days, r.due_days, r.confidence, r.reason, r.source, r.targeted_review.gap_code,
            r.targeted_review.confidence, r.targeted_review.reason,
        )
        for year, of_year in sorted(r.years.items())
    ]  # fmt: skip


# Tables of the registry -> their rows, in their contracts' column order.
SPECIALTY_TABLES: dict[str, Callable[[], list[tuple[Any, ...]]]] = {
    "specialty_tier": lambda: sorted(read_specialty_rules().tier_amounts.items()),
    "refill_phase": _phases,
    "first_fill_rule": _first_fill,
    "first_fill_reject": lambda: [
        (code, code in read_specialty_rules().first_fill.authorization_codes)
        for code in read_specialty_rules().first_fill.reject_codes
    ],
    "management_year": _management,
}
