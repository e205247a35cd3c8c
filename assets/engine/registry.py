"""Registries: measures, year rules, gap families and value sets, read from `data_contracts/` into `raw`.

They are reviewed data. A measure, a year or a gap code is a row here, never an `if` in a query.
"""

from __future__ import annotations

import csv
import datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

import duckdb
from pydantic import Field, ValidationError

from assets.engine.access_registry import ACCESS_TABLES
from assets.engine.contract import CONTRACTS, contract_for
from assets.engine.desert_registry import DESERT_TABLES
from assets.engine.errors import SettingsError
from assets.engine.interaction_registry import INTERACTION_TABLES
from assets.engine.maternal_registry import MATERNAL_TABLES
from assets.engine.monitoring_registry import MONITORING_TABLES
from assets.engine.outreach_registry import OUTREACH_TABLES
from assets.engine.programme_registry import PROGRAMME_TABLES
from assets.engine.registry_file import Entry, check_codes, read_yaml, refusal
from assets.engine.skipped import need_rows
from assets.engine.specialty_registry import SPECIALTY_TABLES
from assets.engine.transition_registry import TRANSITION_TABLES

RULE_TABLES = (
    ACCESS_TABLES
    | DESERT_TABLES
    | INTERACTION_TABLES
    | MATERNAL_TABLES
    | MONITORING_TABLES
    | PROGRAMME_TABLES
    | SPECIALTY_TABLES
    | TRANSITION_TABLES
)
"""Registry tables of the rule files that have a module of their own."""

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


class Exclusion(Entry):
    """Why a member or a product does not count for a measure."""

    reason: str
    kind: Literal["status", "drug", "product"]
    value_set: str


class Measure(Entry):
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


class MeasurementYear(Entry):
    """The rules of one measurement year."""

    enrollment_rule: Literal["member_years", "continuous"]
    drug_exclusion_window: Literal["measurement_year", "treatment_period"]
    is_stay_adjusted: bool


class Measures(Entry):
    """`data_contracts/measures.yaml`."""

    measures: dict[str, Measure]
    years: dict[int, MeasurementYear]


class ConcurrentUse(Entry):
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


class StatinUse(Entry):
    """`data_contracts/statin_use.yaml`: the measure of statin use in people with diabetes."""

    title: str
    gap_code: str
    treated_value_sets: tuple[str, ...] = Field(min_length=1)
    statin_value_set: str
    min_age: int = Field(ge=0)
    max_age: int = Field(ge=0)
    min_fill_dates: int = Field(ge=1)
    min_index_days: int = Field(ge=0)
    max_holes: int = Field(ge=0)
    max_hole_days: int = Field(ge=0)
    confidence: Literal["high", "medium", "low"]
    source: str
    exclusions: list[Exclusion]

    @property
    def reasons(self) -> list[str]:
        """Why a member is not measured, in the order in which a row names them."""
        return list(dict.fromkeys(e.reason for e in self.exclusions if e.kind != "product"))


class GapCode(Entry):
    """One gap code: what it asks for and how much it weighs before anything is known of the member."""

    action: str
    needs: tuple[str, ...] = ()
    severity: float = Field(ge=0, le=100)
    impactability: float = Field(ge=0, le=1)
    sensitive: bool
    pregnancy_dependent: bool
    queue: Literal["routine", "medication_review"] = "routine"
    public_code: str | None = None
    public_family: str | None = None
    public_subject: str | None = None
    public_action: str | None = None
    undispensed_reason: str | None = Field(default=None, min_length=1)
    weekly_cap_exempt: bool = False
    holdout_exempt: bool = False
    manufacturer_funded: bool = False
    moved_by_claim: bool = False
    closed_by_claim: bool = True


class Family(Entry):
    """One gap family; its key names the SQL file, the contract and the story test."""

    title: str
    source: str
    needs: tuple[str, ...] = ()
    needs_year: str | None = None
    one_code_per_subject: bool = False
    codes: dict[str, GapCode]

    @property
    def is_pregnancy_dependent(self) -> bool:
        """Whether every code of the family depends on a pregnancy."""
        return all(code.pregnancy_dependent for code in self.codes.values())


class ValueSet(Entry):
    """Version and title of one value set."""

    version: str
    title: str


@cache
def read_measures() -> Measures:
    """Measures and year rules.

    Raises:
        SettingsError: The file says something that is not allowed.
    """
    try:
        return Measures.model_validate(read_yaml("measures.yaml"))
    except ValidationError as error:
        raise refusal("measures.yaml", error) from error


@cache
def read_families() -> dict[str, Family]:
    """Gap families by name.

    Raises:
        SettingsError: The file says something that is not allowed.
    """
    try:
        return {name: Family.model_validate(entry) for name, entry in read_yaml("gap_families.yaml").items()}
    except ValidationError as error:
        raise refusal("gap_families.yaml", error) from error


@cache
def read_concurrent_use() -> dict[str, ConcurrentUse]:
    """Measures of concurrent use by name.

    Raises:
        SettingsError: The file says something that is not allowed.
    """
    try:
        return {name: ConcurrentUse.model_validate(entry) for name, entry in read_yaml("concurrent_use.yaml").items()}
    except ValidationError as error:
        raise refusal("concurrent_use.yaml", error) from error


@cache
def read_statin_use() -> StatinUse:
    """The measure of statin use.

    Raises:
        SettingsError: The file says something that is not allowed.
    """
    try:
        return StatinUse.model_validate(read_yaml("statin_use.yaml"))
    except ValidationError as error:
        raise refusal("statin_use.yaml", error) from error


@cache
def read_value_sets() -> dict[str, ValueSet]:
    """Value sets by name.

    Raises:
        SettingsError: The file says something that is not allowed.
    """
    try:
        return {name: ValueSet.model_validate(entry) for name, entry in read_yaml("value_sets.yaml").items()}
    except ValidationError as error:
        raise refusal("value_sets.yaml", error) from error


def measurement_years() -> tuple[int, ...]:
    """The measurement years that the rules cover."""
    return tuple(sorted(read_measures().years))


def value_set_file(name: str, reference: Path | None) -> tuple[Path, str]:
    """The file that serves a value set, and its version: the operator's own in `--reference`, else ours."""
    if reference and (own := reference / "value_sets" / f"{name}.csv").exists():
        return own, "licensed"
    return CONTRACTS / "value_sets" / f"{name}.csv", read_value_sets()[name].version


def value_set_rows(name: str, reference: Path | None) -> list[tuple[Any, ...]]:
    """The rows of one value set in the column order of `raw.value_set`.

    Raises:
        SettingsError: The file has another header, no row, a row without a code, of a system that no claim knows or with
            a bad date.
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
            check_codes(name, rows)
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
    except (OSError, ValueError, csv.Error) as error:
        raise SettingsError(f"value_sets/{name}.csv: not readable; UTF-8 with dates YYYY-MM-DD is expected") from error


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
    if table == "statin_use":
        s = read_statin_use()
        return [
            (
                s.gap_code, s.title, ";".join(s.treated_value_sets), s.statin_value_set, s.min_age, s.max_age,
                s.min_fill_dates, s.min_index_days, s.max_holes, s.max_hole_days, s.source,
            )
        ]  # fmt: skip
    if table == "statin_use_exclusion":
        reasons = read_statin_use().reasons
        return [
            (e.value_set, e.kind, e.reason, reasons.index(e.reason) + 1 if e.reason in reasons else None)
            for e in read_statin_use().exclusions
        ]
    if rows_of := RULE_TABLES.get(table):
        return rows_of()
    if table in OUTREACH_TABLES:
        codes = ((code, c) for family in read_families().values() for code, c in family.codes.items())
        return OUTREACH_TABLES[table]([code for code, c in codes if c.pregnancy_dependent])
    if table == "gap_need":
        return need_rows(read_families(), RULE_TABLES)
    if table == "gap_code":
        return [
            (
                code, family, c.action, c.severity, c.impactability, c.sensitive, c.pregnancy_dependent, c.queue,
                c.public_code, c.public_family, c.public_subject, c.public_action,
                c.undispensed_reason, entry.one_code_per_subject,
                c.weekly_cap_exempt, c.holdout_exempt,
                c.manufacturer_funded, c.moved_by_claim, c.closed_by_claim,
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
    # Many rows to a statement: one at a time, a thousand codes take seconds.
    place = f"({', '.join('?' * len(contract.columns))})"
    for start in range(0, len(rows), 200):
        some = rows[start : start + 200]
        con.execute(
            f"insert into raw.{table} values {', '.join([place] * len(some))}", [value for row in some for value in row]
        )
    return len(rows)
