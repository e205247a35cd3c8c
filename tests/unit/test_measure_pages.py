"""Measure pages say what the registries and contracts say, and the ones in `docs/` are current."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from assets.engine import (
    adherence_pages,
    care_transition_pages,
    community_resource_pages,
    concurrent_use_pages,
    measure_pages,
    monitoring_pages,
    prenatal_supply_pages,
    provider_desert_pages,
    statin_use_pages,
)
from assets.engine.contract import contract_for
from assets.engine.desert_registry import read_desert_rules
from assets.engine.markdown_pages import LONG, MARK, value_set, weeks
from assets.engine.maternal_registry import PrenatalRule, RuleSet, read_pregnancy, read_prenatal_rules
from assets.engine.model import ROOT, SQL
from assets.engine.monitoring_registry import MonitoringRule, read_monitoring_rules
from assets.engine.programme_registry import read_programmes, read_social_needs
from assets.engine.registry import (
    FORM_COLUMN,
    REASONS,
    VALUE_SET_HEADER,
    Measure,
    read_concurrent_use,
    read_families,
    read_measures,
    read_statin_use,
    read_value_sets,
    value_set_rows,
)
from assets.engine.specialty_registry import read_specialty_rules
from assets.engine.transition_registry import TransitionRule, read_transition_rules
from pipelines.cli import main

PAGES = measure_pages.PAGES
MEASURES = read_measures().measures
CONCURRENT_USE = read_concurrent_use()
STATIN_USE = read_statin_use()
RULES = read_prenatal_rules()
DESERT_RULES = read_desert_rules()
REVIEW = read_pregnancy().review
NAMES = [
    *MEASURES, *CONCURRENT_USE, "ddi", "supd", "prenatal_supply", "pregnancy_review", "care_transition", "community_resource", "provider_desert",
    "diabetes", "specialty", "mtm",
]  # fmt: skip


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, str]:
    target = tmp_path_factory.mktemp("pages")
    return {path.name: path.read_text(encoding="utf-8") for path in measure_pages.write_pages(target)}


def prose(text: str) -> str:
    return " ".join(text.split())


def section(page: str, heading: str) -> str:
    """What stands under a heading, through the next of its kind."""
    assert f"\n## {heading}\n" in page, heading
    return page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def query(schema: str, table: str) -> str:
    return (SQL / schema / f"{table}.sql").read_text(encoding="utf-8")


def names_value_set(page: str, name: str) -> bool:
    """Whether a page shows a value set: its title, and its rows or the file that holds them."""
    entry, rows = read_value_sets()[name], value_set_rows(name, None)
    if f"### {entry.title} (`{name}`, version {entry.version})" not in page and f"`{name}`, {entry.title}" not in page:
        return False
    if len(rows) > LONG:
        return f"data_contracts/value_sets/{name}.csv" in page
    return all(f"`{row[1]}" in page for row in rows if row[1] != "!")


def test_the_pages_in_docs_are_current() -> None:
    assert measure_pages.stale_pages(PAGES) == [], "run `caregaps docs`"


def test_every_measure_has_a_page_and_the_index_links_it(pages) -> None:
    assert set(pages) == {"README.md", *(f"{name}.md" for name in NAMES)}
    for name in NAMES:
        assert f"]({name}.md)" in pages["README.md"]


def test_every_page_says_that_it_is_generated(pages) -> None:
    assert all(page.startswith(MARK + "\n# ") for page in pages.values())


def test_every_gap_code_is_on_a_page(pages) -> None:
    for family in read_families().values():
        for code in family.codes:
            assert any(f"`{code}`" in page for name, page in pages.items() if name != "README.md"), code


@pytest.mark.parametrize("measure_id", sorted(MEASURES))
def test_a_page_names_its_parameters_drugs_reasons_columns_and_codes(pages, measure_id: str) -> None:
    page, measure = pages[f"{measure_id}.md"], MEASURES[measure_id]
    assert measure.title in page
    assert f"{measure.threshold_percent} percent" in prose(page)
    assert f"A treatment period of {measure.min_treatment_days} days or more" in page
    assert measure.source in page
    for row in value_set_rows(measure.value_set, None):
        assert f"`{row[1]}`" in page
    for exclusion in measure.exclusions:
        assert f"`{exclusion.reason}`" in page
        assert read_value_sets()[exclusion.value_set].title in page
    for column in contract_for("outreach", "adherence").columns:
        assert f"| `{column}` |" in page
    for code in read_families()["adherence"].codes:
        assert f"| `{code}` |" in page


@pytest.mark.parametrize("measure_id", [*sorted(MEASURES), *sorted(CONCURRENT_USE), "supd"])
def test_a_page_says_what_it_does_not_claim(pages, measure_id: str) -> None:
    claims = prose(pages[f"{measure_id}.md"].partition("## What it does not claim")[2])
    assert "Follows publicly described CMS/PQA logic; not a certified rate." in claims
    assert "Cash, discount-card, VA and sample fills are invisible." in claims
    assert "No paid claim is not the same as not taking" in claims


# 292 of 365 is exactly 80 %; 90 % of 365 is 328.5, so 329 (domain rule 1.4). 91 days before the year ends: 2 October.
@pytest.mark.parametrize(
    ("measure_id", "words"),
    [
        ("pdc_statins", "292 covered days are enough, 291 are not, and 73 may be missed"),
        ("pdc_statins", "a first fill after 2 October is too late"),
        ("pdc_arv", "329 covered days are enough, 328 are not, and 36 may be missed"),
        ("pdc_arv", "A day is covered when at least 3 different ingredients of the class are supplied on it."),
        ("pdc_doac", "| 180 days or more from the first to the last of these fills | `short_span` |"),
        ("pdc_ra", "| A paid claim with a diagnosis of rheumatoid arthritis in the year | `no_diagnosis` |"),
        ("pdc_ra", "| 56 days supply or more on these fills together | `low_supplied_days` |"),
        ("pdc_diabetes", "| glp1 agonist | `wegovy` |"),
        ("pdc_diabetes", "| insulin | `insulin*` |"),
        ("pdc_statins", "| 2024 to 2025 | continuous | treatment_period | yes |"),
    ],
)
def test_the_definition_is_built_from_the_parameters(pages, measure_id: str, words: str) -> None:
    assert words in prose(pages[f"{measure_id}.md"])


def test_a_parameter_that_the_registry_gains_is_on_the_page() -> None:
    class Wider(Measure):
        max_gap_days: int | None = None

    plain = MEASURES["pdc_statins"].model_dump()
    assert "max_gap_days" not in adherence_pages.adherence_page("pdc_statins", Wider(**plain))
    page = adherence_pages.adherence_page("pdc_statins", Wider(**plain, max_gap_days=30))
    assert "| `max_gap_days` | 30 |" in page


def test_every_reason_that_a_page_gives_is_a_published_one() -> None:
    named = [*adherence_pages.CONDITIONS.values(), adherence_pages.ENROLLMENT, adherence_pages.STAY]
    assert {reason for _, reason in named} <= set(REASONS)


@pytest.mark.parametrize("use_id", sorted(CONCURRENT_USE))
def test_a_page_of_concurrent_use_names_its_parameters_drugs_and_conditions(pages, use_id: str) -> None:
    page, use = pages[f"{use_id}.md"], CONCURRENT_USE[use_id]
    assert f"# {use.title} (`{use_id}`)" in page
    assert use.medicines in prose(page)
    assert use.source in page
    for field, value in use.model_dump().items():
        if field.startswith("min_"):
            assert (f"| `{field}` | {value} |" in page) == (value is not None), field
    for name in [use.index_value_set, use.other_value_set, use.left_out_value_set, *use.exclusions]:
        assert name is None or names_value_set(page, name), name
    for name in use.exclusions:
        assert f"| `{name}` |" in section(page, "Who and what is left out")
    assert f"| `{use.gap_code}` |" in section(page, "The gap")
    assert "Nothing" in section(page, "What differs by measurement year")


# 31 December less 30 days is 1 December.
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cob", "From 30 such days on, the prescribers are asked to review them."),
        ("cob", "| The first of these fills by 1 December, 30 days before the year ends | `late_index` |"),
        ("cob", "All products of a class are one medicine"),
        ("cob", "| injection | any |"),
        ("poly_ach", "| 65 or older on 1 January of the year | `under_age` |"),
        ("poly_ach", "Every ingredient is a medicine of its own"),
        ("supd", "| 40 or older on 1 January of the year | `under_40` |"),
        ("supd", "| 75 or younger on that day | `over_75` |"),
        ("supd", "| The first of them by 2 October, 90 days before the year ends | `late_index` |"),
        ("supd", "at most 1 hole, of at most 31 days | `enrollment_gap` |"),
        (
            "supd",
            "| `pregnancy_lactation_fertility` | The member is not measured: a fill in the year. | `fertility_drugs`",
        ),
    ],
)
def test_the_other_definitions_are_built_from_the_parameters(pages, name: str, words: str) -> None:
    assert words in prose(pages[f"{name}.md"])


def test_limits_that_a_measure_of_concurrent_use_lacks_are_not_on_its_page(pages) -> None:
    assert "late_index" not in pages["poly_ach.md"]
    assert "low_supplied_days" not in pages["poly_ach.md"]


def test_reasons_of_the_other_pages_are_those_of_the_queries() -> None:
    for _, reason in concurrent_use_pages.CONDITIONS.values():
        assert f"then '{reason}'" in query("facts", "concurrent_use")
    for _, reason in statin_use_pages.CONDITIONS:
        assert f"then '{reason}'" in query("facts", "statin_use")


def test_the_page_of_statin_use_names_its_parameters_drugs_and_conditions(pages) -> None:
    page = pages["supd.md"]
    assert f"# {STATIN_USE.title} (`supd`)" in page
    assert STATIN_USE.source in page
    for field in ("min_age", "max_age", "min_fill_dates", "min_index_days", "max_holes", "max_hole_days"):
        assert f"| `{field}` | {getattr(STATIN_USE, field)} |" in page
    assert names_value_set(page, STATIN_USE.statin_value_set)
    for name in STATIN_USE.treated_value_sets:
        assert names_value_set(page, name), name
    for exclusion in STATIN_USE.exclusions:
        assert f"| `{exclusion.reason}` |" in page
        assert names_value_set(page, exclusion.value_set), exclusion.value_set
    assert f"| `{STATIN_USE.gap_code}` |" in section(page, "The gap")


def test_the_query_of_statin_use_has_a_place_for_every_reason_of_the_registry() -> None:
    places = re.findall(r"reason_number = (\d+)", query("facts", "statin_use"))
    assert [int(place) for place in places] == list(range(1, len(STATIN_USE.reasons) + 1))
    assert f"'{STATIN_USE.gap_code}' as gap_code" in query("gaps", "diabetes")


def rule_sets(rule: PrenatalRule) -> list[RuleSet]:
    return [*rule.needs, *rule.closes, *rule.stops, *rule.lowers]


@pytest.mark.parametrize("rule_id", RULES)
def test_a_prenatal_rule_is_told_in_the_section_of_its_code(pages, rule_id: str) -> None:
    page, rule = pages["prenatal_supply.md"], RULES[rule_id]
    told = section(page, f"`{rule.gap_code}`")
    assert f"| `{rule_id}` |" in told
    assert rule.reason in told
    assert rule.source in told
    for entry in rule_sets(rule):
        assert f"`{entry.value_set}`" in told
        assert all(category.replace("_", " ") in told for category in entry.categories)
    for moment in (rule.start, rule.end, rule.due):
        for anchor, day in moment.items():
            assert f"day {day})" in told or (anchor != "lmp" and f"{day} days" in told) or day in {0, 1}
    if rule.later and rule.later.reason:
        assert rule.later.reason in told
    for state in rule.season.unknown_in if rule.season else []:
        assert state in told


@pytest.mark.parametrize("code", read_families()["prenatal_supply"].codes)
def test_every_maternal_code_has_a_section(pages, code: str) -> None:
    page = pages["prenatal_supply.md"]
    assert read_families()["prenatal_supply"].codes[code].action in section(page, f"`{code}`")
    assert f"[`{code}`](#{code.lower()})" in page


def test_every_value_set_of_a_prenatal_rule_has_its_place(pages) -> None:
    page = pages["prenatal_supply.md"]
    derived = section(page, "Sets that a query makes")
    for entry in (entry for rule in RULES.values() for entry in rule_sets(rule)):
        if entry.value_set in read_value_sets():
            assert names_value_set(page, entry.value_set), entry.value_set
        else:
            assert f"| `{entry.value_set}` |" in derived
    for name in {e.value_set for e in [*read_pregnancy().evidence, *read_pregnancy().outcome_codes]}:
        assert f"[`{name}`](../../data_contracts/value_sets/{name}.csv)" in page


def test_what_a_query_makes_is_said_as_the_query_says_it() -> None:
    """No set of a rule without words, no words for a set of no rule, and the words of the query still there."""
    named = {(e.value_set, category) for rule in RULES.values() for e in rule_sets(rule) for category in e.categories}
    named |= {(e.value_set, None) for rule in RULES.values() for e in rule_sets(rule)}
    assert set(prenatal_supply_pages.derived_sets()) <= set(prenatal_supply_pages.DERIVED) <= named
    for made, derived in prenatal_supply_pages.DERIVED.items():
        assert derived.phrase in (ROOT / derived.query).read_text(encoding="utf-8"), made


@pytest.mark.parametrize(
    ("day", "shown"), [(0, "0w0d (day 0)"), (83, "11w6d (day 83)"), (189, "27w0d (day 189)"), (258, "36w6d (day 258)")]
)
def test_days_are_shown_in_weeks_too(day: int, shown: str) -> None:
    assert weeks(day) == shown


def rule(**fields) -> PrenatalRule:
    plain = {
        "gap_code": "TDAP", "population": "pregnant", "start": {"lmp": 189}, "end": {"lmp": 280},
        "reason": "Ask.", "source": "Source",
    }  # fmt: skip
    return PrenatalRule(**plain | fields)


def test_a_rule_in_words() -> None:
    told = prenatal_supply_pages._rule_table
    gap = read_families()["prenatal_supply"].codes["TDAP"]
    plain = told(gap, {"plain": rule()})
    assert "| Who is asked | Pregnant, tier A or B |" in plain
    assert "| Window | 27w0d (day 189) to 40w0d (day 280) of the pregnancy |" in plain
    assert "| What calls for it | The pregnancy itself |" in plain
    assert "| What closes it | No claim |" in plain
    assert f"| Severity | {gap.severity:g} |" in plain
    assert "Season" not in plain
    full = told(
        gap,
        {
            "full": rule(
                population="postpartum", needs_live_birth=True, start={"trigger": 0}, end={"delivery": 42}, severity=12,
                season={"start": "09-01", "end": "01-31", "unknown_in": ["AK"]}, is_over_the_counter=True,
                needs=[{"value_set": "a", "since": "ever", "until_gestational_day": -1}, {"value_set": "b", "since": 30}],
                closes=[{"value_set": "c", "since": "lmp", "kind": "supply", "slack_days": 6}],
                stops=[
                    {"value_set": "d", "since": "07-01", "group": "both", "at_least": 2},
                    {"value_set": "e", "since": "delivery", "group": "both", "at_least": 2},
                ],
                lowers=[{"value_set": "f", "categories": ["one_two"], "since": "lmp"}],
            )
        },
    )  # fmt: skip
    assert "| Who is asked | After a paid live birth |" in full
    assert "| Window | The day of what calls for it, to 6w0d (day 42) after the birth |" in full
    assert "| What calls for it | `a` ever, recorded before the LMP; or `b` in the last 30 days |" in full
    assert "| What closes it | `c` since the LMP with supply on hand or ended at most 6 days ago |" in full
    assert "| What holds it back | `d` since the last 1 July, together with `e` since the birth |" in full
    assert "| Severity is halved by | `f` (one two) since the LMP |" in full
    assert "| Severity | 12 |" in full
    assert "| Season | 1 September to 31 January; never in AK, where local guidance decides |" in full
    assert "Halved: often bought without a claim" in full


def test_a_field_that_a_prenatal_rule_gains_is_on_the_page() -> None:
    class Wider(PrenatalRule):
        most_calls: int | None = None

    class WiderSet(RuleSet):
        least_units: int | None = None

    gap = read_families()["prenatal_supply"].codes["TDAP"]
    wider = Wider(**rule().model_dump(), most_calls=3)
    assert "| `most_calls` | 3 |" in prenatal_supply_pages._rule_table(gap, {"wider": wider})
    assert "`least_units` 2" in prenatal_supply_pages._sets([WiderSet(value_set="a", since="ever", least_units=2)])


def test_every_medicine_to_review_is_listed_with_its_conditions(pages) -> None:
    page = pages["pregnancy_review.md"]
    for review in REVIEW:
        assert f"(`{review.gap_code}`)" in page
        for row in value_set_rows(review.value_set, None):
            assert f"`{row[1]}" in page, row[1]
            assert f"| {row[7].replace('_', ' ')} |" in page, row[7]
    for condition in read_pregnancy().review_conditions:
        for day in (condition.from_gestational_day, condition.until_gestational_day):
            assert day is None or weeks(day) in page
        assert condition.spared_by is None or names_value_set(page, condition.spared_by)


@pytest.mark.parametrize("name", ["prenatal_supply", "pregnancy_review"])
def test_a_maternal_page_says_first_whose_rules_it_holds(pages, name: str) -> None:
    top = prose(pages[f"{name}.md"].partition("\n|")[0])
    assert "Rules of this project after public sources" in top
    assert "A decision about a person is a clinician's." in top
    assert "[loss suppression](../maternal.md)" in top


def test_a_long_value_set_is_told_by_its_classes() -> None:
    shown = value_set("pregnancy_trimester")
    assert shown["is_long"]
    assert len(shown["table"].splitlines()) < LONG
    assert sum(int(row.split("|")[2].replace(",", "")) for row in shown["table"].splitlines()[2:]) == len(
        value_set_rows("pregnancy_trimester", None)
    )


def test_the_command_fails_where_a_page_is_stale(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(measure_pages, "PAGES", tmp_path)
    assert main(["docs"]) == 0
    assert main(["docs", "--check"]) == 0
    (tmp_path / "prenatal_supply.md").write_text("by hand\n", encoding="utf-8")
    (tmp_path / "supd.md").unlink()
    assert main(["docs", "--check"]) == 1
    assert "prenatal_supply.md, supd.md not current" in capsys.readouterr().err


def test_a_changed_a_missing_and_a_retired_page_are_stale(tmp_path: Path) -> None:
    measure_pages.write_pages(tmp_path)
    assert measure_pages.stale_pages(tmp_path) == []
    (tmp_path / "pdc_ras.md").unlink()
    (tmp_path / "pdc_statins.md").write_text("by hand\n", encoding="utf-8")
    (tmp_path / "pdc_gone.md").write_text(MARK + "\n", encoding="utf-8")
    (tmp_path / "notes.md").write_text("somebody's own\n", encoding="utf-8")
    assert measure_pages.stale_pages(tmp_path) == ["pdc_gone.md", "pdc_ras.md", "pdc_statins.md"]
    measure_pages.write_pages(tmp_path)
    assert measure_pages.stale_pages(tmp_path) == []
    assert not (tmp_path / "pdc_gone.md").exists()
    assert (tmp_path / "notes.md").read_text(encoding="utf-8") == "somebody's own\n"


def test_the_same_registries_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = measure_pages.write_pages(tmp_path / "a"), measure_pages.write_pages(tmp_path / "b")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_links_of_a_page_lead_somewhere() -> None:
    for page in [*PAGES.glob("*.md"), ROOT / "docs" / "value-sets.md"]:
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_the_value_set_page_names_the_header_and_every_code_system() -> None:
    page = (ROOT / "docs" / "value-sets.md").read_text(encoding="utf-8")
    assert ",".join([*VALUE_SET_HEADER, FORM_COLUMN]) in page
    systems = next(p for p in contract_for("raw", "value_set").properties if p.name == "code_system").enum
    for system in systems or []:
        assert f"| `{system}` |" in page


def test_the_page_of_transitions_tells_every_rule_and_value_set(pages) -> None:
    """What the rules say is on the page: windows, sets, outcomes, sentences and sources."""
    page = pages["care_transition.md"]
    for name, rule in read_transition_rules().items():
        assert f"`{name}`" in section(page, f"`{rule.gap_code}`")
        assert rule.source in page
        assert rule.reason in page
        assert all(f"`{code}`" in page for code in rule.recorded)
    assert all(names_value_set(page, name) for name in care_transition_pages.named_sets())
    assert "Day 0 to the end of business day 2 after the discharge" in section(page, "`TOC_CONTACT`")
    assert "or 2 documented attempts" in section(page, "`TOC_CONTACT`")
    assert "by pharmacist, clinical pharmacist" in section(page, "`MRP`")
    assert "filled in the 90 days before the admission" in section(page, "`DISCHARGE_RX_NOT_FILLED`")


def test_a_new_field_of_a_transition_rule_appears_by_its_name() -> None:
    """Nobody has to remember the page."""

    class Wider(TransitionRule):
        most_calls: int = 1

    rule = read_transition_rules()["toc_contact"]
    wider = Wider(**rule.model_dump(), most_calls=3)
    assert "| `most_calls` | 3 |" in care_transition_pages.rule_table({"wider": wider})


def test_the_pages_of_diabetes_and_specialty_tell_every_rule_and_value_set(pages) -> None:
    for name, rule in read_monitoring_rules().items():
        page = pages[f"{rule.gap_family}.md"]
        assert f"`{name}`" in section(page, f"`{rule.gap_code}`")
        assert rule.reason in page
        assert rule.source in page
    assert all(names_value_set(pages["diabetes.md"], name) for name in monitoring_pages.named_sets("diabetes"))
    assert all(names_value_set(pages["specialty.md"], name) for name in monitoring_pages.named_sets("specialty"))
    assert "no more than 4 days apart" in section(pages["diabetes.md"], "`KED`")
    assert "in the first 6 months of the therapy the last 56" in section(pages["specialty.md"], "`LAB_MTX_LEF_SSZ`")


def test_the_pages_of_specialty_and_mtm_tell_phases_and_years(pages) -> None:
    rules = read_specialty_rules()
    for rule in rules.refills.values():
        told = section(pages["specialty.md"], f"`{rule.gap_code}`")
        assert all(phase.reason in told and f"`{phase.name}`" in told for phase in rule.phases)
    for year, of_year in rules.medication_therapy_management.years.items():
        assert f"| {year} | {of_year.cost_threshold:,} |" in pages["mtm.md"]
    assert names_value_set(pages["mtm.md"], "mtm_conditions")


def test_a_new_field_of_a_monitoring_rule_appears_by_its_name() -> None:
    """Nobody has to remember the page."""

    class Wider(MonitoringRule):
        most_calls: int = 1

    wider = Wider(**read_monitoring_rules()["a1c"].model_dump(), most_calls=3)
    assert "| `most_calls` | 3 |" in monitoring_pages.rule_table({"wider": wider})


def test_the_page_of_community_resources_names_programmes_tiers_categories_and_codes(pages) -> None:
    page, needs = pages["community_resource.md"], read_social_needs()
    for name, programme in read_programmes().items():
        is_told = "community_resource" in programme.gap_families
        assert (f"### {programme.title} (`{name}`)" in page) == is_told
        if not is_told:
            continue
        assert all(f"| {phase.start} |" in page for phase in programme.phases)
        assert all(f"| `{population}` |" in page for population in programme.populations)
    assert all(f"| `{tier}` |" in page for tier in needs.tiers)
    assert community_resource_pages.TIERS.keys() == needs.tiers.keys()
    for name, entry in needs.categories.items():
        assert (f"| `{name}` |" in page) == bool(entry.words), name
    for name in community_resource_pages.VALUE_SETS:
        assert names_value_set(page, name), name
    # What the page says of days is what the queries do.
    for words, query_words in {"for 30 days": "+ 30", "for 90": "+ 90", "180 days": "then 180 else 90"}.items():
        assert words in prose(page)
        assert query_words in query("facts", "referral_hold")


@pytest.mark.parametrize("rule_id", DESERT_RULES)
def test_a_desert_rule_is_told_in_the_section_of_its_code(pages, rule_id: str) -> None:
    rule = DESERT_RULES[rule_id]
    told = section(pages["provider_desert.md"], f"`{rule.gap_code}`")
    sentence = rule.reason.replace("{distance}", f"the nearest {rule.place} is {{distance}} miles away")
    assert {f"`{rule_id}`", sentence, rule.source} <= {c.strip() for line in told.splitlines() for c in line.split("|")}
    assert f"by `{rule.standard_id}`" in told
    for _, _, entry in rule.sets():
        assert f"`{entry.value_set}`" in told
        assert entry.value_set in provider_desert_pages.DERIVED or names_value_set(
            pages["provider_desert.md"], entry.value_set
        )


def test_what_a_query_makes_of_deserts_is_made_there() -> None:
    named = {entry.value_set for rule in DESERT_RULES.values() for _, _, entry in rule.sets()}
    assert named - set(read_value_sets()) == set(provider_desert_pages.DERIVED)
    care = query("facts", "desert_care")
    assert "'mental_health_visit' as value_set" in care
    assert "and not adherence.is_adherent" in care
