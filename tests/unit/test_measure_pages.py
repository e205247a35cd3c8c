"""Measure pages say what the registries and contracts say, and the ones in `docs/` are current."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from assets.engine import measure_pages
from assets.engine.contract import contract_for
from assets.engine.model import ROOT
from assets.engine.registry import (
    FORM_COLUMN,
    REASONS,
    VALUE_SET_HEADER,
    Measure,
    read_families,
    read_measures,
    read_value_sets,
    value_set_rows,
)

PAGES = measure_pages.PAGES
MEASURES = read_measures().measures


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, str]:
    target = tmp_path_factory.mktemp("pages")
    return {path.name: path.read_text(encoding="utf-8") for path in measure_pages.write_pages(target)}


def prose(text: str) -> str:
    return " ".join(text.split())


def test_the_pages_in_docs_are_current() -> None:
    assert measure_pages.stale_pages(PAGES) == [], "run `caregaps docs`"


def test_every_measure_has_a_page_and_the_index_links_it(pages) -> None:
    assert set(pages) == {"README.md", *(f"{measure_id}.md" for measure_id in MEASURES)}
    for measure_id in MEASURES:
        assert f"]({measure_id}.md)" in pages["README.md"]


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


@pytest.mark.parametrize("measure_id", sorted(MEASURES))
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
    assert "max_gap_days" not in measure_pages._page("pdc_statins", Wider(**plain))
    page = measure_pages._page("pdc_statins", Wider(**plain, max_gap_days=30))
    assert "| `max_gap_days` | 30 |" in page


def test_every_reason_that_a_page_gives_is_a_published_one() -> None:
    named = [*measure_pages.CONDITIONS.values(), measure_pages.ENROLLMENT, measure_pages.STAY]
    assert {reason for _, reason in named} <= set(REASONS)


def test_a_changed_a_missing_and_a_retired_page_are_stale(tmp_path: Path) -> None:
    measure_pages.write_pages(tmp_path)
    assert measure_pages.stale_pages(tmp_path) == []
    (tmp_path / "pdc_ras.md").unlink()
    (tmp_path / "pdc_statins.md").write_text("by hand\n", encoding="utf-8")
    (tmp_path / "pdc_gone.md").write_text(measure_pages.MARK + "\n", encoding="utf-8")
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
