"""Pages of specialty medicines and of medication therapy management: what each code asks, of whom, and when.

Phases, tests, thresholds and sentences come from `data_contracts/`; what queries alone decide is told with a link.
"""

from __future__ import annotations

from assets.engine.markdown_pages import gap_row, in_words, render, table, value_set
from assets.engine.monitoring_pages import named_sets, rule_table, rules_of
from assets.engine.registry import GapCode, read_families
from assets.engine.specialty_registry import RefillPhase, read_specialty_rules

SPECIALTY, MANAGEMENT = "specialty", "mtm"


def specialty_pages() -> dict[str, str]:
    """File name -> text of the pages."""
    return {f"{SPECIALTY}.md": _specialty_page(), f"{MANAGEMENT}.md": _management_page()}


def _specialty_page() -> str:
    family, rules = read_families()[SPECIALTY], read_specialty_rules()
    tests = rules_of(SPECIALTY)
    return render(
        "specialty_page.md.jinja",
        family=family,
        family_id=SPECIALTY,
        overview=[(f"[`{code}`](#{code.lower()})", *gap_row(code, gap)[1:], _public(gap)) for code, gap in family.codes.items()],
        tiers=table(["Year", "US dollars for 30 days"], [(str(y), f"{a:,}") for y, a in rules.tier_amounts.items()]),
        refills=[
            (
                rule.gap_code,
                family.codes[rule.gap_code].action,
                table(
                    ["Phase", "Days", "Status", "Severity", "Sentence on the list"],
                    _phases(rule.phases, rule.last_day),
                ),
                rule.source,
            )
            for rule in rules.refills.values()
        ],
        first_fill=rules.first_fill,
        first_fill_action=family.codes[rules.first_fill.gap_code].action,
        tests=[
            (code, gap.action, rule_table({n: r for n, r in tests.items() if r.gap_code == code}))
            for code, gap in family.codes.items()
            if any(r.gap_code == code for r in tests.values())
        ],
        value_sets=[value_set(name) for name in ("oncology_drugs", *named_sets(SPECIALTY))],
    )  # fmt: skip


def _public(gap: GapCode) -> str:
    return f"`{gap.public_code}`" if gap.public_code else ""


def _phases(phases: tuple[RefillPhase, ...], last_day: int) -> list[tuple[str, ...]]:
    last_days = [p.from_day - 1 for p in phases[1:]] + [last_day]
    return [
        (f"`{p.name}`", f"{p.from_day} to {last}", "lost" if p.is_lost else "open", f"{p.severity:g}", p.reason)
        for p, last in zip(phases, last_days, strict=True)
    ]


def _management_page() -> str:
    family, rule = read_families()[MANAGEMENT], read_specialty_rules().medication_therapy_management
    return render(
        "mtm_page.md.jinja",
        family=family,
        family_id=MANAGEMENT,
        rule=rule,
        overview=[gap_row(code, gap) for code, gap in family.codes.items()],
        years=table(
            ["Year", "Yearly cost, US dollars", "Diseases left out"],
            [
                (str(y), f"{of_year.cost_threshold:,}", ", ".join(map(in_words, of_year.left_out_diseases)))
                for y, of_year in sorted(rule.years.items())
            ],
        ),
        value_sets=[value_set(name) for name in ("mtm_conditions", "mtm_services")],
    )
