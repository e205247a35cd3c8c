"""The page of care after a hospital stay: what each gap code asks, in which days, and what closes it.

Windows, codes and sentences come from `data_contracts/`. What queries alone decide is told with a link to them.
"""

from __future__ import annotations

from collections.abc import Callable

from assets.engine.markdown_pages import gap_row, in_words, render, rule_columns, untold_lines, value_set
from assets.engine.registry import read_families, read_value_sets
from assets.engine.transition_registry import TransitionRule, TransitionSet, read_transition_rules

TEMPLATE = "care_transition_page.md.jinja"
FAMILY = "care_transition"

# Fields of a rule that the page tells in words; every other one that is set is shown by its name.
TOLD = {
    "gap_code", "notice", "start_day", "end_day", "end_business_days", "due_day", "needs", "closes", "medicines",
    "prior_days", "most_supply_days", "recorded", "recorded_roles", "attempts", "reason", "source",
}  # fmt: skip
NOTICES = {
    "any": "Every discharge that is acted on",
    "in_time": "Known by the end of the window; known later it is lost at the source",
    "within_30_days": "Known within 30 days",
    "later": "Known more than 30 days after",
}
# Sets that decide which discharges are acted on, and how.
FACTS = ("inpatient_bill", "inpatient_room", "discharge_status", "facility_kind", "sensitive_stay")


def care_transition_pages() -> dict[str, str]:
    """File name -> text of the page."""
    return {f"{FAMILY}.md": _page()}


def _page() -> str:
    family = read_families()[FAMILY]
    return render(
        TEMPLATE,
        family=family,
        family_id=FAMILY,
        overview=[
            (f"[`{code}`](#{code.lower()})", *gap_row(code, gap)[1:], f"`{gap.public_code}`")
            for code, gap in family.codes.items()
        ],
        sections=[(code, gap.action, rule_table(_rules(code))) for code, gap in family.codes.items()],
        value_sets=[value_set(name) for name in named_sets()],
    )


def _rules(code: str) -> dict[str, TransitionRule]:
    return {name: rule for name, rule in read_transition_rules().items() if rule.gap_code == code}


def rule_table(rules: dict[str, TransitionRule]) -> str:
    """What the rules of a code say."""
    lines: list[tuple[str, Callable[[TransitionRule], str]]] = [
        ("Discharges", lambda rule: NOTICES[rule.notice]),
        ("What calls for it", _needs),
        ("Window", _window),
        ("Due", lambda rule: f"Day {rule.due_day}" if rule.due_day is not None else "The end of the window"),
        ("What closes it", _closes),
        ("Outcomes that close it", _recorded),
        ("Sentence on the list", lambda rule: rule.reason),
        *untold_lines(rules.values(), TOLD),
        ("Source", lambda rule: rule.source),
    ]
    return rule_columns(rules, lines)


def _window(rule: TransitionRule) -> str:
    if rule.end_business_days is not None:
        return f"Day {rule.start_day} to the end of business day {rule.end_business_days} after the discharge"
    return f"Day {rule.start_day} to {rule.end_day}"


def _needs(rule: TransitionRule) -> str:
    words = "; or ".join(map(_set, rule.needs))
    if rule.medicines:
        kinds = ", ".join(f"{m.title} ({', '.join(f'`{s}`' for s in m.value_sets)})" for m in rule.medicines)
        asked = f"no fill since the admission, and the supply before it used up, of any of: {kinds}"
        if rule.prior_days is not None:
            asked += f"; filled in the {rule.prior_days} days before the admission"
        if rule.most_supply_days is not None:
            asked += f"; a supply that ended in the stay or within {rule.most_supply_days} days after it"
        words = f"{words}; and {asked}" if words else asked
    return words or "The discharge itself"


def _closes(rule: TransitionRule) -> str:
    words = [_set(entry) for entry in rule.closes]
    if rule.medicines:
        words.append("a fill since the admission")
    return "; or ".join(words)


def _recorded(rule: TransitionRule) -> str:
    words = ", ".join(f"`{code}`" for code in rule.recorded)
    if rule.recorded_roles:
        words += f", by {', '.join(map(in_words, rule.recorded_roles))} where the row tells a role"
    return words + (f"; or {rule.attempts} documented attempts" if rule.attempts else "")


def _set(entry: TransitionSet) -> str:
    words = [f"`{entry.value_set}`"]
    if entry.categories:
        words.append(f"({', '.join(map(in_words, entry.categories))})")
    if entry.is_principal:
        words.append("as the principal diagnosis or the group")
    if isinstance(entry.since, int):
        words.append(f"in the last {entry.since:,} days")
    elif entry.since == "stay":
        words.append("on a bill of the stay, or of one within 30 days before it")
    else:
        words.append(f"from day {entry.from_day} on")
    return " ".join(words)


def named_sets() -> list[str]:
    """Value sets of the rules in the order of first mention, and those of the facts."""
    rules = read_transition_rules().values()
    named = [s.value_set for r in rules for s in (*r.needs, *r.closes)]
    named += [name for r in rules for m in r.medicines for name in m.value_sets]
    return [name for name in dict.fromkeys([*named, *FACTS]) if name in read_value_sets()]
