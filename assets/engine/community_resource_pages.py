"""The page of connection to community resources: who is asked, which needs there are, what each code asks.

Programmes, tiers, categories and codes come from `data_contracts/`; how a gap opens and closes is told with a link to
the queries that decide it.
"""

from __future__ import annotations

from assets.engine.markdown_pages import gap_row, render, table, value_set
from assets.engine.programme_registry import NeedCategory, Phase, Programme, read_programmes, read_social_needs
from assets.engine.registry import read_families

TEMPLATE = "community_resource_page.md.jinja"
FAMILY = "community_resource"

VALUE_SETS = ("social_need", "social_risk_assessment", "community_navigation", "diabetes_diagnosis")

POPULATIONS = {
    "documented_need": "Adults with a need on record that may be named",
    "diabetes": "Adults with diabetes: two days with a diagnosis in 24 months, or one and a fill of diabetes medicine",
    "pregnant_tier_a": "Adults who are pregnant, [tier A](../maternal.md), of whom maternal care may speak tonight",
}
CODES = {
    "documented_need": "COMMUNITY_NEED",
    "diabetes": "COMMUNITY_OFFER",
    "pregnant_tier_a": "COMMUNITY_OFFER_MATERNAL",
}
TIERS = {
    "documented": "A diagnosis code on a paid claim of the last twelve months",
    "screened": "A positive answer to a screening, or a paid social risk assessment, of the last twelve months",
    "indicated": "Medicaid, both payers, or extra help with drug costs, in eligibility",
    "area": "A ZIP code of low income, or in the most vulnerable quarter of the Social Vulnerability Index",
    "none": "Nothing of it is known",
}
NAMED = ("documented", "screened")


def community_resource_pages() -> dict[str, str]:
    """File name -> text of the page."""
    return {f"{FAMILY}.md": _page()}


def _page() -> str:
    family, needs = read_families()[FAMILY], read_social_needs()
    sets = [value_set(name, "Category" if name == "social_need" else "Class") for name in VALUE_SETS]
    return render(
        TEMPLATE,
        family=family,
        family_id=FAMILY,
        codes=[(*gap_row(code, gap), "yes" if gap.pregnancy_dependent else "") for code, gap in family.codes.items()],
        programmes=[
            (name, p.title, p.source, _populations(p), _phases(p))
            for name, p in read_programmes().items()
            if FAMILY in p.gap_families
        ],
        tiers=[
            (f"`{name}`", TIERS[name], "yes" if name in NAMED else "never", f"{tier.severity:g}")
            for name, tier in needs.tiers.items()
        ],
        categories=[_category(name, entry) for name, entry in needs.categories.items() if entry.words],
        unlisted=[f"`{name}`" for name, entry in needs.categories.items() if not entry.words],
        value_sets=sets,
    )


def _populations(programme: Programme) -> str:
    rows = [(f"`{name}`", POPULATIONS[name], f"`{CODES[name]}`") for name in programme.populations]
    return table(["Population", "Who", "Code"], rows)


def _phases(programme: Programme) -> str:
    return table(["From", "States", ""], [_phase(phase) for phase in programme.phases])


def _phase(phase: Phase) -> tuple[str, str, str]:
    start = str(phase.start) if phase.start else "not yet"
    return start, ", ".join(phase.states) or "all", "assumed: no source states the day" if phase.is_assumed else ""


def _category(name: str, entry: NeedCategory) -> tuple[str, str, str, str]:
    asked = f"Only by `{entry.gap_code}`" if entry.gap_code else f"help with {entry.words}"
    code = f"`{entry.code or name}`, {entry.display}"
    return f"`{name}`", asked, code, ", ".join(entry.terms)
