"""The page of medicines to review in a pregnancy: three urgencies, their ingredients by class, their conditions.

Lists and conditions come from `data_contracts/`. What queries alone decide is told with a link to them.
"""

from __future__ import annotations

from assets.engine.markdown_pages import codes, gap_row, in_words, render, table, value_set, value_set_table, weeks
from assets.engine.maternal_registry import ReviewList, read_pregnancy
from assets.engine.registry import read_families

TEMPLATE = "pregnancy_review_page.md.jinja"
PAGE = "pregnancy_review"
FAMILY = "medication_review"
URGENCIES = {"today": "Today", "soon": "Soon", "info": "To know of"}


def pregnancy_review_pages() -> dict[str, str]:
    """File name -> text of the page."""
    return {f"{PAGE}.md": _page()}


def pregnancy_review_line() -> tuple[str, str, str]:
    """The page as a line of the index."""
    codes_named = ", ".join(f"`{review.gap_code}`" for review in read_pregnancy().review)
    return f"[`{PAGE}`]({PAGE}.md)", "Medicines to review in a pregnancy", codes_named


def _page() -> str:
    pregnancy, gaps = read_pregnancy(), read_families()[FAMILY].codes
    spared = [value_set(c.spared_by) for c in pregnancy.review_conditions if c.spared_by]
    return render(
        TEMPLATE,
        family=FAMILY,
        gap_rows=[
            (*gap_row(r.gap_code, gaps[r.gap_code]), f"`{gaps[r.gap_code].public_code}`") for r in pregnancy.review
        ],
        urgencies=[
            (URGENCIES[r.urgency], r.gap_code, gaps[r.gap_code].action, value_set(r.value_set), _table(r))
            for r in pregnancy.review
        ],
        value_sets=spared,
    )


def _table(review: ReviewList) -> str:
    """One row per class and source: its ingredients, and what it asks for beyond a fill."""
    ingredients: dict[tuple[str, str], list[str]] = {}
    for row in value_set_table(review.value_set):
        form = f" ({row['form']})" if row.get("form") else ""
        ingredients.setdefault((row["category"], row["source"]), []).append(codes(row) + form)
    return table(
        ["Class", "Ingredients", "Counts only", "Source"],
        [
            (in_words(category), ", ".join(names), _condition(category), source)
            for (category, source), names in ingredients.items()
        ],
    )


def _condition(category: str) -> str:
    words: list[str] = []
    for condition in read_pregnancy().review_conditions:
        if condition.category != category:
            continue
        if condition.from_gestational_day is not None:
            words.append(f"on hand on {weeks(condition.from_gestational_day)} or later")
        if condition.until_gestational_day is not None:
            words.append(f"filled by {weeks(condition.until_gestational_day)}, and through that day")
        if condition.fewest_doses > 1:
            words.append(f"taken on {condition.fewest_doses} days or more")
        if condition.is_systemic:
            words.append("no product for the eye, the ear or the skin")
        if condition.spared_by:
            words.append(f"without a claim of `{condition.spared_by}`, which is a specialist's")
    return "; ".join(words)
