"""The page of medicines that are not used together: the pairs, their words and where they are from.

Pairs and classes come from `data_contracts/`. What queries alone decide is told with a link to them.
"""

from __future__ import annotations

from assets.engine.interaction_registry import Side, read_interactions
from assets.engine.markdown_pages import gap_row, in_words, render, table, value_set
from assets.engine.registry import read_families

PAGE = "ddi"
FAMILY = "medication_review"


def drug_interaction_pages() -> dict[str, str]:
    """File name -> text of the page."""
    return {f"{PAGE}.md": _page()}


def drug_interaction_line() -> tuple[str, str, str]:
    """The page as a line of the index."""
    return f"[`{PAGE}`]({PAGE}.md)", "Medicines that are not used together", f"`{read_interactions().gap_code}`"


def _page() -> str:
    rules = read_interactions()
    gap = read_families()[FAMILY].codes[rules.gap_code]
    named = dict.fromkeys(s.value_set for i in rules.interactions.values() for s in (i.first, i.second))
    return render(
        "drug_interaction_page.md.jinja",
        family_id=FAMILY,
        rules=rules,
        gap=(*gap_row(rules.gap_code, gap), f"`{gap.public_code}`"),
        pairs=table(
            ["Pair", "Title", "First", "Second", "Washout, days", "Severity", "Public code always", "Words on the list", "Source"],
            [
                (
                    f"`{name}`", i.title, _side(i.first), _side(i.second), str(i.washout_days or ""), f"{i.severity:g}",
                    "yes" if i.is_sensitive else "", i.medicines, i.source,
                )
                for name, i in rules.interactions.items()
            ],
        ),
        value_sets=[value_set(name) for name in named],
    )  # fmt: skip


def _side(side: Side) -> str:
    return ", ".join(map(in_words, side.categories)) or f"`{side.value_set}`"
