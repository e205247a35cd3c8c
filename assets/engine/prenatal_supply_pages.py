"""The page of maternal care and supplies: what each gap code asks of whom, when, and what closes it.

Windows, codes and sentences come from `data_contracts/`. What queries alone decide is told with a link to them.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from assets.engine.markdown_pages import (
    WEEK,
    day_of_year,
    gap_row,
    in_words,
    render,
    rule_columns,
    set_fields,
    untold_lines,
    value_set,
    value_set_table,
    weeks,
)
from assets.engine.maternal_registry import Later, PrenatalRule, RuleSet, Season, read_pregnancy, read_prenatal_rules
from assets.engine.registry import GapCode, read_families, read_value_sets

TEMPLATE = "prenatal_supply_page.md.jinja"
FAMILY = "prenatal_supply"

# Fields of a rule and of its value sets that the page tells in words; every other one that is set is shown by its name.
TOLD = {
    "gap_code", "setting", "population", "lowest_tier", "uses_least_gestational_age", "needs_live_birth",
    "most_evidence_age_days", "start", "end", "due", "due_enrolled_days", "season", "severity", "later",
    "recorded_days", "is_over_the_counter", "needs", "closes", "stops", "lowers", "reason", "source",
}  # fmt: skip
TOLD_OF_SET = {
    "value_set", "categories", "since", "from_day", "kind", "slack_days", "line_days", "until_gestational_day", "claims",
    "group", "at_least",
}  # fmt: skip

SINCE = {
    "ever": "ever",
    "lmp": "since the LMP",
    "delivery": "since the birth",
    "trigger": "from the day of what calls for it on",
}
ANCHORS = {
    "lmp": "of the pregnancy",
    "delivery": "after the birth",
    "trigger": "after what calls for it",
    "supply": "after the supply ends",
    "due": "after the due date",
}


class Derived(NamedTuple):
    """What a query makes: what it holds, the query with the words that say so, and the value set it starts from."""

    words: str
    query: str
    phrase: str
    value_set: str | None = None


DRUGS, CARE = "sql/facts/maternal_drug.sql", "sql/facts/maternal_care.sql"
INCOME = "Medicaid, or both payers or extra help with drug costs, in eligibility"

# A set, or a set and its class, of which no file has codes.
DERIVED: dict[tuple[str, str | None], Derived] = {
    ("prenatal_vitamins", None): Derived(
        "A product that the drug table marks as one, that is named like one, or that holds folic acid with iron and "
        "four vitamins or more",
        DRUGS,
        "vitamin_count >= 4",
    ),
    ("folic_acid_400_mcg", None): Derived(
        "`folic_acid` alone, 0.4 mg or more or without a stated strength",
        DRUGS,
        "('folic_acid_400_mcg', 'folic_acid', 0.4, 1000)",
        "folic_acid",
    ),
    ("folic_acid_one_mg", None): Derived(
        "`folic_acid` alone, 1 mg or more", DRUGS, "('folic_acid_one_mg', 'folic_acid', 1, 1000)", "folic_acid"
    ),
    ("low_dose_aspirin", None): Derived(
        "`aspirin` alone, 162 mg or less or without a stated strength",
        DRUGS,
        "('low_dose_aspirin', 'aspirin', 0, 162)",
        "aspirin",
    ),
    ("pregnancy_week_visits", None): Derived(
        "A visit whose claim names the week of the pregnancy", CARE, "pregnancy_evidence.evidence_class = 1"
    ),
    ("income_support", None): Derived(INCOME, CARE, "member.is_dual_or_lis"),
    ("pump_billed_to_infant", None): Derived(
        "A Medicaid programme that pays for pumps under the infant's number, while no infant is linked",
        CARE,
        "'pump_billed_to_infant' as value_set",
    ),
    ("high_dose_opioids", None): Derived(
        "A fill of an opioid that equals 50 mg of morphine a day or more, by the factors of `opioid_mme`",
        CARE,
        ">= 50",
        "opioid_mme",
    ),
    ("preeclampsia_moderate_risk", "income"): Derived(INCOME, CARE, "('preeclampsia_moderate_risk', 'income')"),
    ("preeclampsia_moderate_risk", "age"): Derived(
        "35 years or older on day 280 of the pregnancy", CARE, "interval 35 year as date) <= pregnancy.lmp_date + 280"
    ),
    ("preeclampsia_moderate_risk", "long_interval"): Derived(
        "More than ten years between the last birth and the LMP", CARE, "interval 10 year as date) < pregnancy.lmp_date"
    ),
}
# What the classes of a value set are, where they are none.
CLASS_TITLES = {"opioid_mme": "Factor"}


def prenatal_supply_pages() -> dict[str, str]:
    """File name -> text of the page."""
    return {f"{FAMILY}.md": _page()}


def _page() -> str:
    family = read_families()[FAMILY]
    sets = [value_set(name, CLASS_TITLES.get(name, "Class")) for name in _named_sets()]
    return render(
        TEMPLATE,
        family=family,
        family_id=FAMILY,
        overview=[
            (f"[`{code}`](#{code.lower()})", *gap_row(code, gap)[1:], in_words(gap.queue), _public(gap, _rules(code)))
            for code, gap in family.codes.items()
        ],
        sections=[
            (code, gap.action, [*_rules(code)], _rule_table(gap, _rules(code))) for code, gap in family.codes.items()
        ],
        derived=[_derived_row(*made) for made in _derived()],
        value_sets=sets,
        is_prefixed=any(s["is_prefixed"] for s in sets),
        telling=[_telling_row(name, uses) for name, uses in _telling_sets().items()],
    )


def _rules(code: str) -> dict[str, PrenatalRule]:
    return {name: rule for name, rule in read_prenatal_rules().items() if rule.gap_code == code}


def _rule_table(gap: GapCode, rules: dict[str, PrenatalRule]) -> str:
    """What the rules of a code say; nothing where a code has none."""
    lines: list[tuple[str, Callable[[PrenatalRule], str]]] = [
        ("Holds where", lambda rule: f"`maternal.{rule.setting}` is on in the settings" if rule.setting else ""),
        ("Who is asked", _who),
        ("What calls for it", lambda rule: _sets(rule.needs) or f"The {_event(rule)} itself"),
        ("Window", _window),
        ("Due", _due),
        ("Season", lambda rule: _season(rule.season) if rule.season else ""),
        ("What closes it", lambda rule: _sets(rule.closes, is_closing=True) or "No claim"),
        ("What holds it back", lambda rule: _sets(rule.stops)),
        ("A pharmacist's word closes it for", _recorded),
        ("Severity", lambda rule: _severity(gap, rule)),
        ("Severity is halved by", lambda rule: _sets(rule.lowers)),
        ("Weight", lambda rule: "Halved: often bought without a claim" if rule.is_over_the_counter else ""),
        ("Sentence on the list", _sentence),
        *untold_lines(rules.values(), TOLD),
        ("Source", lambda rule: rule.source),
    ]
    return rule_columns(rules, lines) if rules else ""


def _event(rule: PrenatalRule) -> str:
    return "birth" if rule.population == "postpartum" else "pregnancy"


def _who(rule: PrenatalRule) -> str:
    if rule.population == "postpartum":
        words = ["After a paid live birth" if rule.needs_live_birth else "After a live birth or a delivery"]
    else:
        tiers = "ABC"[: "ABC".index(rule.lowest_tier) + 1]
        words = [f"Pregnant, tier {tiers[0]}" if len(tiers) == 1 else f"Pregnant, tier {_either(tiers)}"]
    if rule.uses_least_gestational_age:
        words.append("below tier A only where the least that the pregnancy may have reached is in the window")
    if rule.most_evidence_age_days is not None:
        words.append(f"the last evidence at most {rule.most_evidence_age_days} days old")
    return ", ".join(words)


def _either(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


def _window(rule: PrenatalRule) -> str:
    [(first, first_day)], [(last, last_day)] = rule.start.items(), rule.end.items()
    if first == last:
        return f"{weeks(first_day)} to {weeks(last_day)} {ANCHORS[first]}"
    start = _moment(first, first_day)
    return f"{start[:1].upper()}{start[1:]}, to {_moment(last, last_day)}"


def _due(rule: PrenatalRule) -> str:
    words = [_moment(anchor, day) for anchor, day in rule.due.items()] or ["The end of the window"]
    if rule.due_enrolled_days is not None:
        words.append(f"not before {rule.due_enrolled_days} days after enrolment began")
    return ", ".join(words)


def _recorded(rule: PrenatalRule) -> str:
    return "This pregnancy" if rule.recorded_days is None else f"{rule.recorded_days} days"


def _severity(gap: GapCode, rule: PrenatalRule) -> str:
    first = f"{gap.severity if rule.severity is None else rule.severity:g}"
    if rule.later is None or rule.later.severity is None:
        return first
    return f"{first}; from {_later(rule.later)} on {rule.later.severity:g}"


def _sentence(rule: PrenatalRule) -> str:
    if rule.later is None or rule.later.reason is None:
        return rule.reason
    return f"{rule.reason} From {_later(rule.later)} on: {rule.later.reason}"


def _later(later: Later) -> str:
    [(anchor, day)] = later.start.items()
    return _moment(anchor, day)


def _moment(anchor: str, day: int) -> str:
    if anchor == "lmp" or day >= WEEK:
        return f"{weeks(day)} {ANCHORS[anchor]}"
    if day == 0:
        return ANCHORS[anchor].replace("after", "the day of")
    return f"{day} {'day' if day == 1 else 'days'} {ANCHORS[anchor]}"


def _season(season: Season) -> str:
    words = f"{_calendar_day(season.start)} to {_calendar_day(season.end)}"
    states = ", ".join(season.unknown_in)
    return f"{words}; never in {states}, where local guidance decides" if states else words


def _calendar_day(month_day: str) -> str:
    return day_of_year(datetime.date.fromisoformat(f"2024-{month_day}"))


def _sets(sets: Sequence[RuleSet], *, is_closing: bool = False) -> str:
    """Value sets of one role: any of them is enough, those of a group that must hold together are joined."""
    groups: dict[Any, list[RuleSet]] = {}
    for place, entry in enumerate(sets):
        groups.setdefault(entry.group or place, []).append(entry)
    return "; or ".join(_group(entries, is_closing=is_closing) for entries in groups.values())


def _group(sets: Sequence[RuleSet], *, is_closing: bool) -> str:
    told, fewest = [_set(entry, is_closing=is_closing) for entry in sets], max(entry.at_least for entry in sets)
    if fewest == 1:
        return "; or ".join(told)
    return ", together with ".join(told) if fewest == len(told) else f"{fewest} of these: {', '.join(told)}"


def _set(entry: RuleSet, *, is_closing: bool) -> str:
    words = [f"`{entry.value_set}`"]
    if entry.categories:
        words.append(f"({', '.join(map(in_words, entry.categories))})")
    words.append(_since(entry))
    if entry.claims > 1:
        words.append(f"on {entry.claims} different claims")
    if entry.kind == "supply":
        words.append("with supply on hand" + f" or ended at most {entry.slack_days} days ago" * (entry.slack_days > 0))
    told = " ".join(words)
    if entry.line_days is not None:
        told += f" (a line without days supply counts as {entry.line_days} days)"
    if (until := entry.until_gestational_day) is not None:
        told += f", enough through {weeks(until)}" if is_closing else f", recorded {_until(until)}"
    return told + "".join(f", `{field}` {value}" for field, value in set_fields(entry, TOLD_OF_SET).items())


def _since(entry: RuleSet) -> str:
    if isinstance(entry.since, int):
        return f"in the last {entry.since:,} days"
    if entry.from_day:
        return f"from {_moment(entry.since, entry.from_day)} on"
    return SINCE.get(entry.since) or f"since the last {_calendar_day(entry.since)}"


def _until(day: int) -> str:
    if day < 0:
        return "before the LMP" if day == -1 else f"{-day} days before the LMP or earlier"
    return f"by {weeks(day)}" if day else "by the day of the LMP"


def _public(gap: GapCode, rules: dict[str, PrenatalRule]) -> str:
    """The code that lists show, and when."""
    if gap.sensitive:
        return f"`{gap.public_code}`"
    return f"`{gap.public_code}` in tier C" if any(rule.lowest_tier == "C" for rule in rules.values()) else ""


def _rule_sets() -> list[RuleSet]:
    rules = read_prenatal_rules().values()
    return [entry for r in rules for role in (r.needs, r.closes, r.stops, r.lowers) for entry in role]


def derived_sets() -> list[tuple[str, str | None]]:
    """Sets of the rules, and classes of a set, that no file holds: a query makes them."""
    made: dict[tuple[str, str | None], None] = {}
    for entry in _rule_sets():
        if entry.value_set not in read_value_sets():
            made[entry.value_set, None] = None
            continue
        classes = {row["category"] for row in value_set_table(entry.value_set)}
        made |= {(entry.value_set, category): None for category in entry.categories if category not in classes}
    return list(made)


def _derived() -> list[tuple[str, str | None]]:
    """What queries make, with classes that they add to one that has codes too."""
    classes = {(entry.value_set, category) for entry in _rule_sets() for category in entry.categories}
    return list(dict.fromkeys([*derived_sets(), *(made for made in DERIVED if made in classes)]))


def _named_sets() -> list[str]:
    """Value sets of the rules, and those from which a query makes a set, in the order of first mention."""
    named: list[str] = []
    for entry in _rule_sets():
        derived = DERIVED.get((entry.value_set, None))
        named += [entry.value_set, *([derived.value_set] if derived and derived.value_set else [])]
    return [name for name in dict.fromkeys(named) if name in read_value_sets()]


def _derived_row(name: str, category: str | None) -> tuple[str, str, str]:
    derived = DERIVED.get((name, category), Derived("See the query", CARE, ""))
    shown = f"`{name}`" if category is None else f"`{name}` ({in_words(category)})"
    return shown, derived.words, f"[`{derived.query}`](../../{derived.query})"


def _telling_sets() -> dict[str, list[str]]:
    """Value sets that date or end a pregnancy -> what each is used for."""
    pregnancy = read_pregnancy()
    uses: dict[str, dict[str, None]] = {}
    for evidence in pregnancy.evidence:
        uses.setdefault(evidence.value_set, {})[f"evidence of class {evidence.evidence_class}"] = None
    for outcome in pregnancy.outcome_codes:
        uses.setdefault(outcome.value_set, {})[in_words(outcome.outcome)] = None
    return {name: list(told) for name, told in uses.items()}


def _telling_row(name: str, uses: Sequence[str]) -> tuple[str, str, str, str]:
    entry, rows = read_value_sets()[name], len(value_set_table(name))
    return f"[`{name}`](../../data_contracts/value_sets/{name}.csv)", entry.title, f"{rows:,}", ", ".join(uses)
