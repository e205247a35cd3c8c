"""The page of statin use in diabetes, from its registry.

How a gap opens and closes is said by `sql/gaps/diabetes.sql`; numbers, drugs and conditions come from `data_contracts/`.
"""

from __future__ import annotations

from assets.engine.markdown_pages import (
    BARRED,
    day_before_year_end,
    exclusion_row,
    gap_row,
    parameter_rows,
    render,
    table,
    value_set,
)
from assets.engine.registry import measurement_years, read_families, read_statin_use

TEMPLATE = "statin_use_page.md.jinja"
FAMILY = "diabetes"

# Fields with a place of their own on the page; every other one is a parameter.
PLACED = {"title", "gap_code", "treated_value_sets", "statin_value_set", "exclusions", "confidence", "source"}

KINDS = {
    "status": BARRED,
    "drug": "The member is not measured: a fill in the year.",
    "product": "The product is no diabetes medicine; the member stays in.",
}

# Conditions in words, and the reason that the row gives where one fails.
CONDITIONS = (
    ("{s.min_age} or older on 1 January of the year", "under_40"),
    ("{s.max_age} or younger on that day", "over_75"),
    ("Fills of diabetes medicine on {s.min_fill_dates} different dates or more, while enrolled", "one_fill_date"),
    ("The first of them by {day}, {s.min_index_days} days before the year ends", "late_index"),
    ("Enrolled to date, or to death: at most {s.max_holes} hole, of at most {s.max_hole_days} days", "enrollment_gap"),
)

RULES = (
    ("A statin of any strength in the year meets the measure", "high", "CMS Star Ratings Technical Notes 2026, D12"),
    ("Conditions count any time in the year", "high", "CMS Star Ratings Technical Notes 2026, D12"),
    ("Insulin is a diabetes medicine", "medium", "Secondary sources"),
    ("Age is that on 1 January", "medium", "Secondary sources; the notes name no day"),
    ("One calendar month is 31 days, at its longest", "medium", "Ours"),
    ("Codes that stand for the conditions", "low", "Ours; review by a clinician"),
)


def statin_use_pages() -> dict[str, str]:
    """File name -> text of the page."""
    return {f"{_subject()}.md": _page()}


def statin_use_index() -> str:
    """The measure as a table."""
    statin_use = read_statin_use()
    row = (
        f"[`{_subject()}`]({_subject()}.md)", statin_use.title, f"`{statin_use.gap_code}`", statin_use.confidence,
        statin_use.source,
    )  # fmt: skip
    return table(["Measure", "Title", "Gap code", "Confidence", "Source"], [row])


def _subject() -> str:
    return read_statin_use().gap_code.lower()


def _page() -> str:
    statin_use, years = read_statin_use(), measurement_years()
    of_kind = {
        kind: [value_set(e.value_set) for e in statin_use.exclusions if e.kind == kind]
        for kind in ("product", "status", "drug")
    }
    treated = [value_set(name) for name in statin_use.treated_value_sets]
    statins = value_set(statin_use.statin_value_set)
    return render(
        TEMPLATE,
        subject=_subject(),
        statin_use=statin_use,
        conditions=[
            (words.format(s=statin_use, day=day_before_year_end(statin_use.min_index_days)), f"`{reason}`")
            for words, reason in CONDITIONS
        ],
        exclusions=[exclusion_row(e.reason, KINDS[e.kind], e.value_set) for e in statin_use.exclusions],
        parameters=parameter_rows(statin_use, PLACED, "statin_use"),
        first_year=years[0],
        last_year=years[-1],
        treated=treated,
        statins=statins,
        products=of_kind["product"],
        value_sets=[*of_kind["status"], *of_kind["drug"]],
        is_prefixed=any(s["is_prefixed"] for s in [*treated, statins, *(s for sets in of_kind.values() for s in sets)]),
        family=FAMILY,
        gap=gap_row(statin_use.gap_code, read_families()[FAMILY].codes[statin_use.gap_code]),
        rules=RULES,
    )
