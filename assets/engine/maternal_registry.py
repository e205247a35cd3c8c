"""Registries of maternal care: what dates and ends a pregnancy, what to review in it, and the rules of its gaps.

They are reviewed data, read from `data_contracts/pregnancy.yaml` and `data_contracts/prenatal_rules.yaml`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from assets.engine.registry_file import Entry, read_yaml, refusal


class EvidenceRule(Entry):
    """How far a pregnancy was on the day of a code, in days from the LMP."""

    value_set: str
    category: str
    evidence_class: int = Field(ge=1, le=5)
    low_days: int = Field(ge=0)
    point_days: int = Field(ge=0)
    high_days: int = Field(ge=0)


class OutcomeRule(Entry):
    """One way in which a pregnancy ends: lengths and spacings in days."""

    rank: int = Field(ge=1)
    is_birth: bool
    min_days: int
    max_days: int
    point_days: int
    retry_days: int
    days_after_birth: int
    days_after_loss: int


class OutcomeCode(Entry):
    """The outcome that the codes of a value set propose."""

    value_set: str
    category: str
    outcome: str


class ReviewList(Entry):
    """One list of medicines to review in a pregnancy."""

    value_set: str
    urgency: Literal["today", "soon", "info"]
    gap_code: str


class ReviewCondition(Entry):
    """What a class of medicines asks for beyond a fill."""

    category: str
    from_gestational_day: int | None = None
    until_gestational_day: int | None = None
    fewest_doses: int = 1
    is_systemic: bool = False
    spared_by: str | None = None


class Pregnancy(Entry):
    """`data_contracts/pregnancy.yaml`."""

    evidence: list[EvidenceRule]
    outcomes: dict[str, OutcomeRule]
    outcome_codes: list[OutcomeCode]
    review: list[ReviewList]
    review_conditions: list[ReviewCondition]


# How far back a value set counts: an anchor, a month and day, or (as a number) days.
SINCE = r"ever|lmp|delivery|trigger|[01]\d-[0-3]\d"

Anchor = Literal["lmp", "delivery", "trigger", "supply"]


class RuleSet(Entry):
    """One value set of a prenatal rule, and how far back it counts."""

    value_set: str
    categories: tuple[str, ...] = ()
    since: int | Annotated[str, Field(pattern=SINCE)]
    kind: Literal["event", "supply"] = "event"
    slack_days: int = 0
    line_days: int | None = Field(default=None, ge=1)
    from_day: int = 0
    until_gestational_day: int | None = None
    claims: int = Field(default=1, ge=1)
    group: str | None = None
    at_least: int = Field(default=1, ge=1)


class Season(Entry):
    """Months and days between which a vaccine is offered, and states that decide for themselves."""

    start: str = Field(pattern=r"[01]\d-[0-3]\d")
    end: str = Field(pattern=r"[01]\d-[0-3]\d")
    unknown_in: list[str]


class Later(Entry):
    """What a rule says from a day inside its window on."""

    start: dict[Literal["lmp", "delivery", "due"], int] = Field(min_length=1, max_length=1)
    severity: float | None = Field(default=None, ge=0, le=100)
    reason: str | None = None


class PrenatalRule(Entry):
    """One rule of a maternal gap; its key names it in the evidence."""

    gap_code: str
    setting: Literal["aspirin_moderate_risk"] | None = None
    population: Literal["pregnant", "postpartum"]
    lowest_tier: Literal["A", "B", "C"] = "B"
    uses_least_gestational_age: bool = False
    needs_live_birth: bool = False
    most_evidence_age_days: int | None = None
    start: dict[Anchor, int] = Field(min_length=1, max_length=1)
    end: dict[Anchor, int] = Field(min_length=1, max_length=1)
    due: dict[Anchor, int] = Field(default={}, max_length=1)
    due_enrolled_days: int | None = None
    season: Season | None = None
    severity: float | None = Field(default=None, ge=0, le=100)
    later: Later | None = None
    recorded_days: int | None = Field(default=None, ge=1)
    is_over_the_counter: bool = False
    needs: tuple[RuleSet, ...] = ()
    closes: tuple[RuleSet, ...] = ()
    stops: tuple[RuleSet, ...] = ()
    lowers: tuple[RuleSet, ...] = ()
    reason: str
    source: str


@cache
def read_pregnancy() -> Pregnancy:
    """How claims tell of a pregnancy.

    Raises:
        SettingsError: The file says something that is not allowed.
    """
    try:
        return Pregnancy.model_validate(read_yaml("pregnancy.yaml"))
    except ValidationError as error:
        raise refusal("pregnancy.yaml", error) from error


@cache
def read_prenatal_rules() -> dict[str, PrenatalRule]:
    """Rules of maternal gaps by name, in the order of the file.

    Raises:
        SettingsError: The file says something that is not allowed.
    """
    try:
        return {name: PrenatalRule.model_validate(entry) for name, entry in read_yaml("prenatal_rules.yaml").items()}
    except ValidationError as error:
        raise refusal("prenatal_rules.yaml", error) from error


def _prenatal_rules() -> list[tuple[Any, ...]]:
    rows = []
    for number, (name, r) in enumerate(read_prenatal_rules().items(), start=1):
        anchors = [pair for anchor in (r.start, r.end, r.due or r.end) for pair in anchor.items()]
        season = (r.season.start, r.season.end, ";".join(r.season.unknown_in)) if r.season else (None, None, None)
        later = (*next(iter(r.later.start.items())), r.later.severity, r.later.reason) if r.later else (None,) * 4
        rows.append((
            number, name, r.gap_code, r.setting, r.population, r.lowest_tier, r.uses_least_gestational_age, r.needs_live_birth,
            r.most_evidence_age_days, *(part for pair in anchors for part in pair), r.due_enrolled_days, *season,
            r.severity, *later, r.recorded_days, r.is_over_the_counter, r.reason, r.source,
        ))  # fmt: skip
    return rows


def _prenatal_rule_sets() -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for number, rule in enumerate(read_prenatal_rules().values(), start=1):
        roles = {"need": rule.needs, "close": rule.closes, "stop": rule.stops, "lower": rule.lowers}
        for role, sets in roles.items():
            for place, s in enumerate(sets, start=1):
                days = s.since if isinstance(s.since, int) else None
                season = s.since if isinstance(s.since, str) and s.since[0].isdigit() else None
                since = "days" if days is not None else "season" if season else s.since
                rows.append((
                    len(rows) + 1, number, role, s.group or str(place), s.at_least, s.value_set,
                    f";{';'.join(s.categories)};" if s.categories else None, since, days, season, s.from_day, s.kind,
                    s.slack_days, s.line_days, s.until_gestational_day, s.claims,
                ))  # fmt: skip
    return rows


# Tables of the pregnancy registries -> their rows, in their contracts' column order.
MATERNAL_TABLES: dict[str, Callable[[], list[tuple[Any, ...]]]] = {
    "pregnancy_evidence_rule": lambda: [
        (e.value_set, e.category, e.evidence_class, e.low_days, e.point_days, e.high_days)
        for e in read_pregnancy().evidence
    ],
    "pregnancy_outcome_rule": lambda: [
        (
            name, o.rank, o.is_birth, o.min_days, o.max_days, o.point_days, o.retry_days, o.days_after_birth,
            o.days_after_loss,
        )
        for name, o in read_pregnancy().outcomes.items()
    ],
    "outcome_code": lambda: [(o.value_set, o.category, o.outcome) for o in read_pregnancy().outcome_codes],
    "pregnancy_review_list": lambda: [(r.value_set, r.urgency, r.gap_code) for r in read_pregnancy().review],
    "pregnancy_review_condition": lambda: [
        (c.category, c.from_gestational_day, c.until_gestational_day, c.fewest_doses, c.is_systemic, c.spared_by)
        for c in read_pregnancy().review_conditions
    ],
    "prenatal_rule": _prenatal_rules,
    "prenatal_rule_set": _prenatal_rule_sets,
}  # fmt: skip
