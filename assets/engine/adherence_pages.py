"""Adherence pages: one Markdown page per PDC measure, from the registry, the value sets and the published contract.

What a measure is, is never said here: a page that reads wrong is mended in `data_contracts/`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from assets.engine.contract import contract_for
from assets.engine.markdown_pages import (
    BARRED,
    day_before_year_end,
    exclusion_row,
    gap_row,
    meaning,
    parameter_rows,
    render,
    set_fields,
    table,
    text,
    value_set,
)
from assets.engine.registry import Measure, MeasurementYear, read_families, read_measures, read_value_sets

TEMPLATE = "measure_page.md.jinja"
FAMILY = "adherence"

# Fields with a place of their own on the page; every other one is a parameter.
PLACED = {"title", "drug_class", "value_set", "source", "exclusions", "confidence"}

# Parameter -> condition in words, and the reason that the row gives where it fails.
CONDITIONS = {
    "min_age": ("{} or older on 1 January of the year", "under_18"),
    "min_fill_dates": ("Fills on {} different dates or more in the treatment period", "one_fill_date"),
    "min_treatment_days": ("A treatment period of {} days or more", "short_treatment_period"),
    "diagnosis_value_set": ("A paid claim with a diagnosis of {} in the year", "no_diagnosis"),
    "min_supplied_days": ("{} days supply or more on these fills together", "low_supplied_days"),
    "min_span_days": ("{} days or more from the first to the last of these fills", "short_span"),
    "min_ingredients": ("{} different ingredients or more, each filled on two dates or more", "few_ingredients"),
}
ENROLLMENT = (
    "Enrolled without a gap through the treatment period; with member-years, on the index date",
    "enrollment_gap",
)
STAY = (
    "Not in hospital or a nursing facility for all of it, in years that take stays out",
    "stay_spans_treatment_period",
)

KINDS = {
    "status": BARRED,
    "drug": "The member is not measured: a fill in the window of the year's rule. The product never counts as supply.",
    "product": "The product does not count as supply; the member stays in.",
}

TECHNICAL_NOTES = "CMS Star Ratings Technical Notes"
RULES = (
    ("Early refills of the same ingredient move; different ingredients do not", "high", f"{TECHNICAL_NOTES} 2026, L"),
    ("Supply of the year before is not counted", "high", f"{TECHNICAL_NOTES} 2026, data source"),
    ("Stay days are taken out of both sides through 2025", "high", f"{TECHNICAL_NOTES} 2026, L"),
    ("Stay days stay in from 2026", "medium", "Secondary sources"),
    ("Member-years through 2023, continuous enrolment from 2024", "high", f"{TECHNICAL_NOTES} 2025 and 2026"),
    ("Age is that on 1 January", "medium", "Secondary sources; the notes name no day"),
    ("A combination of several target ingredients moves as one claim", "medium", "PQA specification of about 2013"),
    ("Two fills of one ingredient on one day are used one after the other", "medium", "Follows from the rule"),
    ("Codes that stand for hospice, kidney disease and diagnoses", "low", "Ours; review by a clinician"),
)

# How far an ingredient list is to be trusted, by how its source begins.
INGREDIENT_SOURCES = {"CMS": "high", "PQA specification": "high", "FDA approval": "medium", "Public ingredient": "low"}


def adherence_pages() -> dict[str, str]:
    """File name -> text of every page of an adherence measure."""
    return {f"{measure_id}.md": adherence_page(measure_id, m) for measure_id, m in _measures()}


def adherence_index() -> str:
    """The adherence measures as a table."""
    rows = [
        (f"[`{i}`]({i}.md)", m.title, f"{m.threshold_percent} %", text(getattr(m, "confidence", "")), m.source)
        for i, m in _measures()
    ]
    return table(["Measure", "Title", "Adherent from", "Confidence", "Source"], rows)


def _measures() -> list[tuple[str, Measure]]:
    return sorted(read_measures().measures.items())


def adherence_page(measure_id: str, measure: Measure) -> str:
    """The page of one measure."""
    years = read_measures().years
    published = contract_for("outreach", FAMILY)
    parameters = set_fields(measure, PLACED)
    target = value_set(measure.value_set)
    products = [value_set(e.value_set) for e in measure.exclusions if e.kind == "product"]
    conditions = [str(value) for field, value in parameters.items() if field.endswith("value_set")]
    barring = [e.value_set for e in measure.exclusions if e.kind != "product"]
    others = [value_set(name) for name in dict.fromkeys([*conditions, *barring])]
    codes = read_families()[FAMILY].codes.items()
    is_sensitive = bool(getattr(measure, "is_sensitive", False))
    ingredients = getattr(measure, "min_ingredients", 1)
    return render(
        TEMPLATE,
        measure_id=measure_id,
        measure=measure,
        needed_days=365 - 365 * (100 - measure.threshold_percent) // 100,
        last_index_day=day_before_year_end(measure.min_treatment_days - 1),
        conditions=list(_conditions(parameters)),
        exclusions=[exclusion_row(e.reason, KINDS[e.kind], e.value_set) for e in measure.exclusions],
        covered_day=(
            "A day is covered when at least one drug of the class is supplied on it."
            if ingredients == 1
            else f"A day is covered when at least {ingredients} different ingredients of the class are supplied on it."
        ),
        parameters=parameter_rows(measure, PLACED, "measure"),
        year_fields=[f"`{field}`" for field in MeasurementYear.model_fields],
        year_rows=list(_year_rows(years)),
        year_meanings=[(f, meaning("measure_year", MeasurementYear, f)) for f in MeasurementYear.model_fields],
        target=target,
        products=products,
        others=others,
        is_prefixed=any(s["is_prefixed"] for s in [target, *products, *others]),
        published=published.table,
        columns=[
            (f"`{p.name}`", p.logical_type, "no" if p.required else "yes", p.description) for p in published.properties
        ],
        gap_sql=f"sql/gaps/{FAMILY}.sql",
        gap_header=["Code", "Asked of the pharmacist", "Severity", "Impactability", *["Public code"] * is_sensitive],
        gap_rows=[[*gap_row(code, c), *[f"`{c.public_code or code}`"] * is_sensitive] for code, c in codes],
        is_sensitive=is_sensitive,
        confidence=getattr(measure, "confidence", "not graded"),
        rules=[*RULES, *_ingredient_rules(target["sources"])],
    )


def _conditions(parameters: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for field, (words, reason) in CONDITIONS.items():
        if field in parameters:
            value = parameters[field]
            shown = _value_set_title(value) if field.endswith("value_set") else text(value)
            yield words.format(shown), f"`{reason}`"
    for words, reason in (ENROLLMENT, STAY):
        yield words, f"`{reason}`"


def _year_rows(years: Mapping[int, MeasurementYear]) -> Iterator[list[str]]:
    for rule, held in itertools.groupby(sorted(years.items()), key=lambda year: year[1]):
        same = [year for year, _ in held]
        span = f"{same[0]} to {same[-1]}" if len(same) > 1 else f"{same[0]}"
        yield [span, *(text(getattr(rule, field)) for field in type(rule).model_fields)]


def _ingredient_rules(sources: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    for source in sources:
        levels = [level for start, level in INGREDIENT_SOURCES.items() if source.startswith(start)]
        yield "Ingredients that count", levels[0] if levels else "not graded", source


def _value_set_title(name: str) -> str:
    return read_value_sets()[name].title.lower()
