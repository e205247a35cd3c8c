"""Pages of tests and visits that a condition or a medicine calls for: what each rule asks of whom, and within which days.

Rules and value sets come from `data_contracts/`; how a rule is judged is told with a link to the query that does it.
"""

from __future__ import annotations

from collections.abc import Callable

from assets.engine.markdown_pages import gap_row, in_words, render, rule_columns, untold_lines, value_set
from assets.engine.monitoring_registry import CountedSet, MonitoringRule, StopSet, read_monitoring_rules
from assets.engine.registry import read_families, read_statin_use

TEMPLATE = "diabetes_page.md.jinja"
FAMILY = "diabetes"

# Fields of a rule that the page tells in words; every other one that is set is shown by its name.
TOLD = {
    "gap_family", "gap_code", "subject", "population", "medicines", "min_age", "max_age", "frame", "days", "insulin_days",
    "young_days", "young_months", "first_days", "enrolled_days", "lapse_days", "clean_days", "grace_days", "window_days",
    "ahead_days", "due_days", "stay_days", "tests", "stops", "confidence", "reason", "source",
}  # fmt: skip
EVERY_AGE = 200


def diabetes_pages() -> dict[str, str]:
    """File name -> text of the page."""
    return {f"{FAMILY}.md": _page()}


def _page() -> str:
    family = read_families()[FAMILY]
    rules = rules_of(FAMILY)
    statin = read_statin_use().gap_code
    return render(
        TEMPLATE,
        family=family,
        family_id=FAMILY,
        statin=statin,
        statin_page=f"{statin.lower()}.md",
        overview=[(f"[`{code}`](#{code.lower()})", *gap_row(code, gap)[1:]) for code, gap in family.codes.items()],
        sections=[
            (code, gap.action, rule_table({n: r for n, r in rules.items() if r.gap_code == code}))
            for code, gap in family.codes.items()
            if code != statin
        ],
        value_sets=[value_set(name) for name in ("diabetes_diagnosis", "a1c_result", *named_sets(FAMILY))],
    )


def rules_of(family: str) -> dict[str, MonitoringRule]:
    """The rules of one family."""
    return {name: rule for name, rule in read_monitoring_rules().items() if rule.gap_family == family}


def named_sets(family: str) -> list[str]:
    """Value sets of a family's rules, in the order of first mention."""
    named: list[str] = []
    for rule in rules_of(family).values():
        named += [rule.medicines] if rule.medicines else []
        named += [s.value_set for sets in rule.tests.values() for s in sets]
        named += [s.value_set for sets in rule.stops.values() for s in sets]
    return list(dict.fromkeys(named))


def rule_table(rules: dict[str, MonitoringRule]) -> str:
    """What the rules of a code say."""
    lines: list[tuple[str, Callable[[MonitoringRule], str]]] = [
        ("Who is asked", _who),
        ("Tests, all of them", lambda rule: "; and ".join(f"{n}: {_tests(sets)}" for n, sets in rule.tests.items())),
        ("Days that count", _frame),
        ("Asked from", _start),
        ("Window ends", _end),
        ("Due", _due),
        ("Left out", lambda rule: "; or ".join(" and ".join(map(_stop, sets)) for sets in rule.stops.values())),
        ("Confidence", lambda rule: f"{rule.confidence:g}"),
        ("Sentence on the list", lambda rule: rule.reason),
        *untold_lines(rules.values(), TOLD),
        ("Source", lambda rule: rule.source),
    ]
    return rule_columns(rules, lines)


def _who(rule: MonitoringRule) -> str:
    words = {
        "diabetes": "Members with diabetes",
        "insulin": f"Members with diabetes whose insulin ended no longer than {rule.lapse_days} days ago",
        "diabetes_event": "Members with diabetes whose first diagnosis comes after a year of enrolment, or whose last A1c result "
        "is above 9 %",
        "therapy": f"A medicine of `{rule.medicines}` whose supply ended no longer than {rule.lapse_days} days ago",
        "start": f"The first medicine of `{rule.medicines}` after {rule.clean_days} enrolled days without any, whose supply "
        f"ended no longer than {rule.lapse_days} days ago",
    }[rule.population]
    if rule.max_age < EVERY_AGE:
        words += f"; {rule.min_age} to {rule.max_age} years old on 31 December"
    return words


def _frame(rule: MonitoringRule) -> str:
    if rule.frame == "year":
        return "The calendar year"
    if rule.frame == "start":
        return f"From {rule.days} days before the start through {rule.grace_days} days after it"
    if rule.frame == "after":
        return f"From {rule.first_days} days after the start on"
    words = f"The last {rule.days} days"
    if rule.young_days:
        words += f"; in the first {rule.young_months} months of the therapy the last {rule.young_days}"
    if rule.insulin_days:
        words += f"; for members who use insulin the last {rule.insulin_days}"
    return words


def _start(rule: MonitoringRule) -> str:
    words = {
        "year": "1 January",
        "start": f"{rule.grace_days} days after the start; prospective before",
        "after": f"{rule.first_days} days after the start",
    }.get(rule.frame, "the day on which the last test grows too old")
    if rule.first_days and rule.frame != "after":
        words += f", not in the first {rule.first_days} days of the therapy"
    if rule.enrolled_days > 1:
        words += f", not before {rule.enrolled_days} days of enrolment"
    if rule.ahead_days:
        words += f"; prospective for {rule.ahead_days} days before"
    if rule.stay_days:
        words += f"; nothing in a facility, nor for {rule.stay_days} days after"
    return words[0].upper() + words[1:]


def _end(rule: MonitoringRule) -> str:
    if rule.window_days:
        return f"{rule.window_days} days after the start or event"
    return "With the year or the enrolment"


def _due(rule: MonitoringRule) -> str:
    return "The end of the window" if rule.frame == "year" else f"{rule.due_days} days after the window starts"


def _tests(sets: tuple[CountedSet, ...]) -> str:
    return " or ".join(map(_test, sets))


def _test(entry: CountedSet) -> str:
    words = [f"`{entry.value_set}`"]
    if entry.categories:
        words.append(f"({', '.join(map(in_words, entry.categories))})")
    if entry.clinicians:
        words.append(f"by {', '.join(map(in_words, entry.clinicians))}")
    if entry.pair:
        words.append(f"with {in_words(entry.pair.category)} no more than {entry.pair.days} days apart")
    if entry.previous_year:
        words.append("in the year before")
    return " ".join(words)


def _stop(entry: StopSet) -> str:
    words = [f"`{entry.value_set}`"]
    if entry.categories:
        words.append(f"({', '.join(map(in_words, entry.categories))})")
    if entry.dates > 1:
        words.append(f"on {entry.dates} days")
    if entry.apart_days:
        words.append(f"{entry.apart_days} days apart")
    if isinstance(entry.since, int):
        words.append(f"in the last {entry.since} days")
    else:
        words.append({"ever": "ever", "year": "in the year"}[entry.since])
    if entry.min_age:
        words.append(f"from {entry.min_age} on")
    return " ".join(words)
