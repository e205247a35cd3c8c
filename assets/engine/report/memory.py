"""What a night's page shows of the size of its lists, kept beside it for the pages of later nights.

A total that one page hides must not stand on the next: it would give back the small count for whose sake it was hidden.
Which totals a page hid depends on the night before it, so that it is remembered rather than worked out again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from assets.engine.report.small_cells import Published

FILE = "listed.json"


def keep_totals(report: Path, places: Iterable[str], shown: Published, every_band: str) -> None:
    """Write the lists' totals by place as the page shows them; a hidden one is null."""
    totals = {place: shown.number("listed", place, every_band) for place in sorted(places)}
    (report / FILE).write_text(json.dumps(totals, indent=1) + "\n", encoding="utf-8", newline="\n")


def shown_totals(published: Path) -> dict[str, int | None]:
    """The totals of a published night; empty where nothing is remembered."""
    try:
        return json.loads((published / "report" / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
