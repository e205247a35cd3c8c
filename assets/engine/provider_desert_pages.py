"""The page of care that is too far away: what each gap code asks of whom, when, and what counts as met.

Rules and value sets come from `data_contracts/`. What queries alone decide is told with a link to them.
"""

from __future__ import annotations

from collections.abc import Callable

from assets.engine.desert_registry import CareSet, DesertRule, read_desert_rules
from assets.engine.markdown_pages import gap_row, in_words, render, rule_columns, set_fields, untold_lines, value_set
from assets.engine.registry import GapCode, read_families, read_value_sets

TEMPLATE = "provider_desert_page.md.jinja"
FAMILY = "provider_desert"

# Fields of a rule and of its sets that the page tells in words; every other one that is set is shown by its name.
TOLD = {
    "gap_code", "kind", "service", "standard_id", "min_age", "enrolled_days", "after_days", "within_days", "clean_days",
    "first_days", "gap_days", "fewest_fills", "slack_days", "times_nearest", "more_miles", "recorded_days", "needs",
    "starts", "met", "place", "reason", "source",
}  # fmt: skip
TOLD_OF_SET = {
    "value_set", "categories", "clinicians", "since", "dates", "classes", "is_inpatient", "group", "at_least",
}  # fmt: skip

CARE = "sql/facts/desert_care.sql"
# Sets of the rules that no file holds -> what they are, and the query that makes them.
DERIVED = {
    "pdc_diabetes": ("Measured for diabetes medicine this year and below 80 % of days covered so far", CARE),
    "mental_health_visit": (
        "A visit with a diagnosis of `mental_health_condition` on its claim, whoever gives it",
        CARE,
    ),
}


def provider_desert_pages() -> dict[str, str]:
    """File name -> text of the page."""
    return {f"{FAMILY}.md": _page()}


def _page() -> str:
    family = read_families()[FAMILY]
    sets = [value_set(name) for name in _named_sets()]
    return render(
        TEMPLATE,
        family=family,
        family_id=FAMILY,
        overview=[
            (f"[`{code}`](#{code.lower()})", *gap_row(code, gap)[1:], _public(gap))
            for code, gap in family.codes.items()
        ],
        sections=[(code, gap.action, _rule_table(_rules(code))) for code, gap in family.codes.items()],
        derived=[(f"`{name}`", words, f"[`{query}`](../../{query})") for name, (words, query) in DERIVED.items()],
        value_sets=sets,
        is_prefixed=any(s["is_prefixed"] for s in sets),
    )


def _rules(code: str) -> dict[str, DesertRule]:
    return {name: rule for name, rule in read_desert_rules().items() if rule.gap_code == code}


def _public(gap: GapCode) -> str:
    return f"`{gap.public_code}`" if gap.sensitive else ""


def _rule_table(rules: dict[str, DesertRule]) -> str:
    """What the rules of a code say."""
    lines: list[tuple[str, Callable[[DesertRule], str]]] = [
        ("Too far away", lambda rule: f"{in_words(rule.service)}, by `{rule.standard_id}`"),
        ("Who is asked", _who),
        ("What calls for it", _calls),
        ("When", _when),
        ("What counts as met", lambda rule: _sets(rule.met)),
        ("A pharmacist's word holds it back for", lambda rule: f"{rule.recorded_days} days"),
        (
            "Sentence on the list",
            lambda rule: rule.reason.replace("{distance}", f"the nearest {rule.place} is {{distance}} miles away"),
        ),
        *untold_lines(rules.values(), TOLD),
        ("Source", lambda rule: rule.source),
    ]
    return rule_columns(rules, lines)


def _who(rule: DesertRule) -> str:
    if rule.kind == "pregnancy":
        return "Members in tier A or B of whom maternal rules may speak"
    words = [f"From {rule.min_age} years on"] if rule.min_age else ["Any age"]
    if rule.enrolled_days > 1:
        words.append(f"enrolled for {rule.enrolled_days} days" + " before the start" * (rule.kind == "start"))
    return ", ".join(words)


def _calls(rule: DesertRule) -> str:
    if rule.kind == "start":
        return f"{_sets(rule.starts)}: none of the same in the {rule.clean_days} days before"
    if rule.kind == "pregnancy":
        return "A pregnancy"
    if rule.kind == "chronic_fills":
        return (
            f"One ingredient on {rule.fewest_fills} fill dates in 180 days, supply ended at most {rule.slack_days} days ago; "
            f"also where the pharmacy in use is more than {rule.times_nearest:g} times as far as the nearest and at least "
            f"{rule.more_miles:g} miles farther"
        )
    if rule.kind == "closure":
        return (
            "The pharmacy of most fills in 180 days closes or leaves the network within the days of the setting "
            "`access.closure_days`, before or after tonight; no desert is asked for"
        )
    return "; and ".join(_sets(sets) for sets in rule.needs.values()) or "Nothing else"


def _when(rule: DesertRule) -> str:
    if rule.kind == "start":
        return f"From {rule.after_days} days after the start on, until it is {rule.within_days} days old"
    if rule.kind == "pregnancy":
        return f"From {rule.gap_days} days after the last visit on; without one, from {rule.first_days} days after the LMP on"
    if rule.kind == "closure":
        return (
            "Due before the doors close and before the supply ends; over once all that is supplied was filled elsewhere"
        )
    return "Due on the last day supplied" if rule.kind == "chronic_fills" else ""


def _sets(entries: tuple[CareSet, ...]) -> str:
    """Sets of one role: any of them is enough, or so many of a group together."""
    groups: dict[str | int, list[CareSet]] = {}
    for number, entry in enumerate(entries):
        groups.setdefault(entry.group or number, []).append(entry)
    return "; or ".join(" and ".join(_set(entry) for entry in group) for group in groups.values())


def _set(entry: CareSet) -> str:
    words = [f"`{entry.value_set}`"]
    if entry.categories:
        words.append(f"({', '.join(map(in_words, entry.categories))})")
    if entry.clinicians:
        words.append(f"by {', '.join(map(in_words, entry.clinicians))}")
    if entry.is_inpatient:
        words.append("in a hospital stay")
    if entry.dates > 1:
        words.append(f"on {entry.dates} days")
    if entry.classes > 1:
        words.append(f"of {entry.classes} classes")
    if isinstance(entry.since, int):
        words.append(f"in the last {entry.since} days")
    elif entry.since == "trigger":
        words.append("after the day of the start")
    return " ".join(words) + "".join(f", `{field}` {value}" for field, value in set_fields(entry, TOLD_OF_SET).items())


def _named_sets() -> list[str]:
    named = [s.value_set for rule in read_desert_rules().values() for _, _, s in rule.sets()]
    return [
        name
        for name in dict.fromkeys(["clinician_specialty", *named, "mental_health_condition"])
        if name in read_value_sets()
    ]
