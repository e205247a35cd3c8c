"""Concurrent-use pages: one Markdown page per measure of medicines on hand together, from its registry.

How days are counted is said by `sql/facts/concurrent_*.sql`; numbers and drugs come from `data_contracts/`.
"""

from __future__ import annotations

from assets.engine.markdown_pages import (
    BARRED,
    day_before_year_end,
    exclusion_row,
    gap_row,
    parameter_rows,
    render,
    table,
    value_set,
)
from assets.engine.registry import (
    ConcurrentUse,
    measurement_years,
    read_concurrent_use,
    read_families,
    read_value_sets,
)

TEMPLATE = "concurrent_use_page.md.jinja"
FAMILY = "medication_review"

# Fields with a place of their own on the page; every other one is a parameter.
PLACED = {
    "title", "gap_code", "medicines", "index_value_set", "other_value_set", "left_out_value_set", "exclusions", "source",
}  # fmt: skip

# Parameter -> condition in words, and the reason that the row gives where it fails.
CONDITIONS = {
    "min_age": ("{value} or older on 1 January of the year", "under_age"),
    "min_fill_dates": ("Fills of {medicine} on {value} different dates or more", "few_fill_dates"),
    "min_supplied_days": ("{value} days supply or more on these fills together", "low_supplied_days"),
    "min_index_days": ("The first of these fills by {day}, {value} days before the year ends", "late_index"),
}
LEFT_OUT = "The product does not count; the member stays in."


def concurrent_use_pages() -> dict[str, str]:
    """File name -> text of every page."""
    return {f"{use_id}.md": _page(use_id, use) for use_id, use in sorted(read_concurrent_use().items())}


def concurrent_use_index() -> str:
    """The measures of concurrent use as a table."""
    rows = [
        (f"[`{i}`]({i}.md)", use.title, f"{use.min_concurrent_days} days", f"`{use.gap_code}`", use.source)
        for i, use in sorted(read_concurrent_use().items())
    ]
    return table(["Measure", "Title", "Gap from", "Gap code", "Source"], rows)


def _page(use_id: str, use: ConcurrentUse) -> str:
    years = measurement_years()
    counted = [value_set(name) for name in (use.index_value_set, use.other_value_set) if name]
    left_out = [value_set(name) for name in [use.left_out_value_set] if name]
    conditions = [value_set(name) for name in use.exclusions]
    return render(
        TEMPLATE,
        use_id=use_id,
        use=use,
        conditions=[
            (words.format(value=value, medicine=_medicine(use), day=day_before_year_end(value)), f"`{reason}`")
            for field, (words, reason) in CONDITIONS.items()
            if (value := getattr(use, field)) is not None
        ],
        exclusions=[
            *(exclusion_row(name, BARRED, name) for name in use.exclusions),
            *(exclusion_row(s["name"], LEFT_OUT, s["name"]) for s in left_out),
        ],
        parameters=parameter_rows(use, PLACED, "concurrent_use"),
        first_year=years[0],
        last_year=years[-1],
        counted=counted,
        left_out=left_out,
        value_sets=conditions,
        is_prefixed=any(s["is_prefixed"] for s in [*counted, *left_out, *conditions]),
        family=FAMILY,
        gap=gap_row(use.gap_code, read_families()[FAMILY].codes[use.gap_code]),
    )


def _medicine(use: ConcurrentUse) -> str:
    """What a member enters the measure by."""
    return read_value_sets()[use.index_value_set].title.lower() if use.other_value_set else "one of the medicines"
