"""Measure pages: one Markdown page per measure and a table of them, from the registries, value sets and contracts.

What a measure is, is never said in these modules: a page that reads wrong is mended in `data_contracts/`.
"""

from __future__ import annotations

from pathlib import Path

from assets.engine.adherence_pages import adherence_index, adherence_pages
from assets.engine.care_transition_pages import care_transition_pages
from assets.engine.community_resource_pages import community_resource_pages
from assets.engine.concurrent_use_pages import concurrent_use_index, concurrent_use_pages
from assets.engine.drug_interaction_pages import drug_interaction_line, drug_interaction_pages
from assets.engine.markdown_pages import MARK, family_line, render, table
from assets.engine.model import ROOT
from assets.engine.monitoring_pages import diabetes_pages
from assets.engine.pregnancy_review_pages import pregnancy_review_line, pregnancy_review_pages
from assets.engine.prenatal_supply_pages import prenatal_supply_pages
from assets.engine.provider_desert_pages import provider_desert_pages
from assets.engine.specialty_pages import specialty_pages
from assets.engine.statin_use_pages import statin_use_index, statin_use_pages

PAGES = ROOT / "docs" / "measures"
TEMPLATE = "measure_index.md.jinja"
INDEX = "README.md"


def write_pages(target: Path) -> list[Path]:
    """Write every page below `target`, take out pages of measures that are gone, and return the pages written."""
    pages = _pages()
    target.mkdir(parents=True, exist_ok=True)
    for name in _generated(target) - pages.keys():
        (target / name).unlink()
    for name, text in pages.items():
        (target / name).write_text(text, encoding="utf-8", newline="\n")
    return [target / name for name in pages]


def stale_pages(target: Path) -> list[str]:
    """Names of pages in `target` that are missing, not current, or of a measure that is gone."""
    pages = _pages()
    stale = _generated(target) - pages.keys()
    for name, text in pages.items():
        path = target / name
        if not path.is_file() or path.read_bytes() != text.encode():
            stale.add(name)
    return sorted(stale)


def _generated(target: Path) -> set[str]:
    return {path.name for path in target.glob("*.md") if path.read_bytes().startswith(MARK.encode())}


def _listed(*lines: tuple[str, str, str]) -> str:
    return table(["Page", "Title", "Gap codes"], lines)


def _pages() -> dict[str, str]:
    """File name -> text of every page."""
    index = render(
        TEMPLATE,
        adherence=adherence_index(),
        concurrent_use=concurrent_use_index(),
        interactions=_listed(drug_interaction_line()),
        statin_use=statin_use_index(),
        maternal=_listed(family_line("prenatal_supply"), pregnancy_review_line()),
        transitions=_listed(family_line("care_transition")),
        programmes=_listed(family_line("community_resource")),
        diabetes=_listed(family_line("diabetes")),
        specialty=_listed(family_line("specialty"), family_line("mtm")),
        access=_listed(family_line("provider_desert")),
    )
    return {
        INDEX: index,
        **adherence_pages(),
        **concurrent_use_pages(),
        **drug_interaction_pages(),
        **statin_use_pages(),
        **prenatal_supply_pages(),
        **pregnancy_review_pages(),
        **care_transition_pages(),
        **community_resource_pages(),
        **provider_desert_pages(),
        **diabetes_pages(),
        **specialty_pages(),
    }
