"""Registries: measures, year rules, gap families and value sets, read from `data_contracts/` into `raw`.

They are reviewed data. A measure, a year or a gap code is a row here, never an `if` in a query.
"""

from __future__ import annotations

import csv
import datetime
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Literal

import duckdb
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assets.engine.contract import CONTRACTS, contract_for
from assets.engine.errors import SettingsError

VALUE_SET_HEADER = ["code", "last_code", "system", "from", "to", "source", "category"]

# A value set whose drugs come in several forms has one more column: a word of the product's route or dose form.
FORM_COLUMN = "form"

# Every reason why a member is not measured, in the order in which a row names them.
REASONS = (
    "under_18",
    "one_fill_date",
    "short_treatment_period",
    "enrollment_gap",
    "hospice",
    "esrd",
    "insulin",
    "sacubitril_valsartan",
    "stay_spans_treatment_period",
    "no_diagnosis",
    "low_supplied_days",
    "short_span",
    "few_ingredients",
    "infused_biologic",
    "infused_ms_agent",
    "other_anticoagulant",
    "nebulized_bronchodilator",
)


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Exclusion(_Entry):
    """Why a member or a product does not count for a measure."""

    reason: str
    kind: Literal["status", "drug", "product"]
    value_set: str


class Measure(_Entry):
    """One adherence measure."""

    title: str
    drug_class: str
    value_set: str
    threshold_percent: int = Field(ge=1, le=100)
    min_age: int = Field(ge=0)
    min_fill_dates: int = Field(ge=1)
    min_treatment_days: int = Field(ge=1)
    min_supplied_days: int | None = Field(default=None, ge=1)
    min_span_days: int | None = Field(default=None, ge=1)
    min_ingredients: int = Field(default=1, ge=1)
    diagnosis_value_set: str | None = None
    is_sensitive: bool = False
    confidence: Literal["high", "medium", "low"] = "high"
    source: str
    exclusions: list[Exclusion]


class MeasurementYear(_Entry):
    """The rules of one measurement year."""

    enrollment_rule: Literal["member_years", "continuous"]
    drug_exclusion_window: Literal["measurement_year", "treatment_period"]
    is_stay_adjusted: bool


class Measures(_Entry):
    """`data_contracts/measures.yaml`."""

    measures: dict[str, Measure]
    years: dict[int, MeasurementYear]


class ConcurrentUse(_Entry):
    """One measure of medicines on hand together; its key is the subject of its gaps."""

    title: str
    gap_code: str
    medicines: str
    index_value_set: str
    other_value_set: str | None = None
    left_out_value_set: str | None = None
    min_age: int = Field(ge=0)
    min_fill_dates: int = Field(ge=1)
    min_supplied_days: int | None = Field(default=None, ge=1)
    min_index_days: int | None = Field(default=None, ge=0)
    min_medicines: int = Field(ge=1)
    min_concurrent_days: int = Field(ge=1)
    exclusions: list[str]
    source: str


class GapCode(_Entry):
    """One gap code: what it asks for and how much it weighs before anything is known of the member."""

    action: str
    severity: float = Field(ge=0, le=100)
    impactability: float = Field(ge=0, le=1)
    sensitive: bool
    pregnancy_dependent: bool
    queue: Literal["routine", "medication_review"] = "routine"
    public_code: str | None = None
    public_family: str | None = None
    public_subject: str | None = None


class Family(_Entry):
    """One gap family; its key names the SQL file, the contract and the story test."""

    title: str
    source: str
    needs: list[str] = []
    codes: dict[str, GapCode]

    @property
    def is_pregnancy_dependent(self) -> bool:
        """Whether every code of the family depends on a pregnancy."""
        return all(code.pregnancy_dependent for code in self.codes.values())


class EvidenceRule(_Entry):
    """How far a pregnancy was on the day of a code, in days from the LMP."""

    value_set: str
    category: str
    evidence_class: int = Field(ge=1, le=5)
    low_days: int = Field(ge=0)
    point_days: int = Field(ge=0)
    high_days: int = Field(ge=0)


class OutcomeRule(_Entry):
    """One way in which a pregnancy ends: lengths and spacings in days."""

    rank: int = Field(ge=1)
    is_birth: bool
    min_days: int
    max_days: int
    point_days: int
    retry_days: int
    days_after_birth: int
    days_after_loss: int


class OutcomeCode(_Entry):
    """The outcome that the codes of a value set propose."""

    value_set: str
    category: str
    outcome: str


class ReviewList(_Entry):
    """One list of medicines to review in a pregnancy."""

    value_set: str
    urgency: Literal["today", "soon", "info"]
    gap_code: str


class ReviewCondition(_Entry):
    """What a class of medicines asks for beyond a fill."""

    category: str
    from_gestational_day: int | None = None
    until_gestational_day: int | None = None
    fewest_fill_dates: int = 1
    spared_by: str | None = None


class Pregnancy(_Entry):
    """`data_contracts/pregnancy.yaml`."""

    evidence: list[EvidenceRule]
    outcomes: dict[str, OutcomeRule]
    outcome_codes: list[OutcomeCode]
    review: list[ReviewList]
    review_conditions: list[ReviewCondition]


Anchor = Literal["lmp", "delivery", "trigger", "supply"]


class RuleSet(_Entry):
    """One value set of a prenatal rule, and how far back it counts."""

    value_set: str
    categories: list[str] = []
    since: Literal["ever", "lmp", "delivery", "trigger"] | int | str
    kind: Literal["event", "supply"] = "event"
    slack_days: int = 0
    until_gestational_day: int | None = None
    dates: int = Field(default=1, ge=1)
    group: str | None = None
    at_least: int = Field(default=1, ge=1)


class Season(_Entry):
    """Months and days between which a vaccine is offered, and states that decide for themselves."""

    start: str = Field(pattern=r"[01]\d-[0-3]\d")
    end: str = Field(pattern=r"[01]\d-[0-3]\d")
    unknown_in: list[str]


class PrenatalRule(_Entry):
    """One rule of a maternal gap; its key names it in the evidence."""

    gap_code: str
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
    is_over_the_counter: bool = False
    needs: list[RuleSet] = []
    closes: list[RuleSet] = []
    stops: list[RuleSet] = []
    lowers: list[RuleSet] = []
    reason: str
    source: str


class ValueSet(_Entry):
    """Version and title of one value set."""

    version: str
    title: str


def _read(name: str) -> Any:
    return yaml.safe_load((CONTRACTS / name).read_text(encoding="utf-8"))


def _error(name: str, error: ValidationError) -> SettingsError:
    first = error.errors()[0]
    return SettingsError(f"{name}: {'.'.join(map(str, first['loc']))}: {first['msg'].lower()}")


@cache
def read_measures() -> Measures:
    """Measures and year rules.

    Raises:
        SettingsError: The file says something that is not allowed.
    """
    try:
        return Measures.model_validate(_read("measures.yaml"))
    except ValidationError as error:
        raise _error("measures.yaml", error) from error


@cache
def read_families() -> dict[str, Family]:
    """Gap families by name.

    Raises:
        SettingsError: The file says something that is not allowed.
    """
    try:
        return {name: Family.model_validate(entry) for name, entry in _read("gap_families.yaml").items()}
    except ValidationError as error:
        raise _error("gap_families.yaml", error) from error


@cache
def read_concurrent_use() -> dict[str, ConcurrentUse]:
    """Measures of concurrent use by name.

    Raises:
        SettingsError: The file says something that is not allowed.
    """
    try:
        return {name: ConcurrentUse.model_validate(entry) for name, entry in _read("concurrent_use.yaml").items()}
    except ValidationError as error:
        raise _error("concurrent_use.yaml", error) from error


@cache
def read_pregnancy() -> Pregnancy:
    """How claims tell of a pregnancy.

    Raises:
        SettingsError: The file says something that is not allowed.
    """
    try:
        return Pregnancy.model_validate(_read("pregnancy.yaml"))
    except ValidationError as error:
        raise _error("pregnancy.yaml", error) from error


@cache
def read_prenatal_rules() -> dict[str, PrenatalRule]:
    """Rules of maternal gaps by name, in the order of the file.

    Raises:
        SettingsError: The file says something that is not allowed.
    """
    try:
        return {name: PrenatalRule.model_validate(entry) for name, entry in _read("prenatal_rules.yaml").items()}
    except ValidationError as error:
        raise _error("prenatal_rules.yaml", error) from error


@cache
def read_value_sets() -> dict[str, ValueSet]:
    """Value sets by name.

    Raises:
        SettingsError: The file says something that is not allowed.
    """
    try:
        return {name: ValueSet.model_validate(entry) for name, entry in _read("value_sets.yaml").items()}
    except ValidationError as error:
        raise _error("value_sets.yaml", error) from error


def measurement_years() -> tuple[int, ...]:
    """The measurement years that the rules cover."""
    return tuple(sorted(read_measures().years))


def value_set_file(name: str, reference: Path | None) -> tuple[Path, str]:
    """The file that serves a value set, and its version: the operator's own in `--reference`, else ours."""
    if reference and (own := reference / "value_sets" / f"{name}.csv").is_file():
        return own, "licensed"
    return CONTRACTS / "value_sets" / f"{name}.csv", read_value_sets()[name].version


def value_set_rows(name: str, reference: Path | None) -> list[tuple[Any, ...]]:
    """The rows of one value set in the column order of `raw.value_set`.

    Raises:
        SettingsError: The file has another header, or a row without a code or with a bad date.
    """
    path, _ = value_set_file(name, reference)
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            if reader.fieldnames not in (VALUE_SET_HEADER, [*VALUE_SET_HEADER, FORM_COLUMN]):
                raise SettingsError(
                    f"value_sets/{name}.csv: found the header {reader.fieldnames}; {VALUE_SET_HEADER} is expected, "
                    f"and {FORM_COLUMN} after it where products come in several forms"
                )
            rows = list(reader)
            if incomplete := sum(not (row["code"] and row["system"] and row["source"]) for row in rows):
                raise SettingsError(
                    f"value_sets/{name}.csv: found {incomplete} rows without code, system or source; each needs all three"
                )
            return [
                (
                    name,
                    row["code"],
                    row["last_code"] or None,
                    row["system"],
                    datetime.date.fromisoformat(row["from"]) if row["from"] else None,
                    datetime.date.fromisoformat(row["to"]) if row["to"] else None,
                    row["source"],
                    row["category"] or None,
                    row.get(FORM_COLUMN) or None,
                )
                for row in rows
            ]
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise SettingsError(f"value_sets/{name}.csv: not readable; UTF-8 with dates YYYY-MM-DD is expected") from error


def _prenatal_rules() -> list[tuple[Any, ...]]:
    rows = []
    for number, (name, r) in enumerate(read_prenatal_rules().items(), start=1):
        anchors = [pair for anchor in (r.start, r.end, r.due or r.end) for pair in anchor.items()]
        season = (r.season.start, r.season.end, ";".join(r.season.unknown_in)) if r.season else (None, None, None)
        rows.append((
            number, name, r.gap_code, r.population, r.lowest_tier, r.uses_least_gestational_age, r.needs_live_birth,
            r.most_evidence_age_days, *(part for pair in anchors for part in pair), r.due_enrolled_days, *season,
            r.severity, r.is_over_the_counter, r.reason, r.source,
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
                    f";{';'.join(s.categories)};" if s.categories else None, since, days, season, s.kind, s.slack_days,
                    s.until_gestational_day, s.dates,
                ))  # fmt: skip
    return rows


# Tables of the pregnancy registries -> their rows, in their contracts' column order.
PREGNANCY_TABLES: dict[str, Callable[[], list[tuple[Any, ...]]]] = {
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
        (c.category, c.from_gestational_day, c.until_gestational_day, c.fewest_fill_dates, c.spared_by)
        for c in read_pregnancy().review_conditions
    ],
    "prenatal_rule": _prenatal_rules,
    "prenatal_rule_set": _prenatal_rule_sets,
}  # fmt: skip


def registry_rows(table: str, reference: Path | None) -> list[tuple[Any, ...]]:
    """The rows of one registry table, in its contract's column order."""
    measures = read_measures()
    keys = {measure_id: key for key, measure_id in enumerate(sorted(measures.measures), start=1)}
    if table == "value_set":
        return [row for name in sorted(read_value_sets()) for row in value_set_rows(name, reference)]
    if table == "measure":
        return [
            (
                keys[i], i, m.title, m.drug_class, m.value_set, m.threshold_percent, m.min_age, m.min_fill_dates,
                m.min_treatment_days, m.min_supplied_days, m.min_span_days, m.min_ingredients, m.diagnosis_value_set,
                m.is_sensitive, m.source,
            )
            for i, m in sorted(measures.measures.items())
        ]  # fmt: skip
    if table == "measure_exclusion":
        return [
            (keys[i], e.reason, e.kind, e.value_set, REASONS.index(e.reason) + 1 if e.reason in REASONS else None)
            for i, m in sorted(measures.measures.items())
            for e in m.exclusions
        ]
    if table == "measure_year":
        return [
            (year, rule.enrollment_rule, rule.drug_exclusion_window, rule.is_stay_adjusted)
            for year, rule in sorted(measures.years.items())
        ]
    if table == "concurrent_use":
        return [
            (
                key, i, c.title, c.gap_code, c.medicines, c.index_value_set, c.other_value_set, c.left_out_value_set,
                c.min_age, c.min_fill_dates, c.min_supplied_days, c.min_index_days, c.min_medicines,
                c.min_concurrent_days, ";".join(c.exclusions), c.source,
            )
            for key, (i, c) in enumerate(sorted(read_concurrent_use().items()), start=1)
        ]  # fmt: skip
    if table in PREGNANCY_TABLES:
        return PREGNANCY_TABLES[table]()
    if table == "gap_code":
        return [
            (
                code, family, c.action, c.severity, c.impactability, c.sensitive, c.pregnancy_dependent, c.queue,
                c.public_code, c.public_family, c.public_subject,
            )
            for family, entry in sorted(read_families().items())
            for code, c in sorted(entry.codes.items())
        ]  # fmt: skip
    raise KeyError(table)


def load_registry(con: duckdb.DuckDBPyConnection, table: str, reference: Path | None) -> int:
    """Replace `raw.<table>` from the registry and return its row count."""
    contract = contract_for("raw", table)
    rows = registry_rows(table, reference)
    con.execute("create schema if not exists raw")
    con.execute(f"create or replace table raw.{table} ({contract.ddl()})")
    if rows:
        con.executemany(f"insert into raw.{table} values ({', '.join('?' * len(contract.columns))})", rows)
    return len(rows)
