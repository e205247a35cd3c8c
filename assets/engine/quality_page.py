"""`report/quality.html`: every expectation of both borders, with what was found and what is allowed.

A ratio with four decimals gives back the count that it was made of, as soon as the whole is known: 0.0285 of 246 is
seven. What the page tells of one names no count (interface 3, small cells).
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Sequence
from pathlib import Path

from assets.engine.quality import ExpectationResult
from assets.engine.report.small_cells import lone_count
from assets.engine.report.words import plain
from assets.engine.suite import COUNTED, Expectation, read_suite

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #1b1b1b; }
.scroll { overflow-x: auto; margin-bottom: 2rem; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; font-weight: 600; padding: .5rem 0; }
th, td { border-bottom: 1px solid #ccc; padding: .4rem .6rem; text-align: left; vertical-align: top; }
th[scope="row"] { width: 60%; }
th small { font-weight: 400; }
td.number { font-variant-numeric: tabular-nums; }
tr.failed { background: #fbeaea; }
@media (max-width: 30rem) { table { font-size: .8125rem; } th, td { padding: .3rem .2rem; } }
@media print { .scroll { overflow: visible; } tr { break-inside: avoid; } caption { break-after: avoid; } }
"""

TITLES = {"raw": "The delivery", "outreach": "The worklists"}
MEASURE = re.compile(r"measure = '(\w+)'")
# Rows of a delivered file and days are no counts of people.
EXACT = ("rows", "age_days")


def write_data_docs(results: Sequence[ExpectationResult], target: Path, small_cell: int) -> None:
    """Write the results of both borders as one self-contained page.

    Great Expectations' own Data Docs take their layout from nine CDNs and carry a context id and the clock; stripped
    of those nothing readable is left. This page loads nothing and is the same bytes for the same results.

    Args:
        results: Results of any borders, in the order in which they are shown.
        target: The HTML file; its folder exists.
        small_cell: Counts of people below this number are hidden.
    """
    failed = [r for r in results if not r.passed]
    errors = sum(r.severity == "error" for r in failed)
    sections = []
    for border in dict.fromkeys(r.border for r in results):
        rows = "\n".join(_row(r, small_cell) for r in results if r.border == border)
        sections.append(
            f'<div class="scroll" role="region" aria-label="{TITLES[border]}" tabindex="0">\n'
            f"<table>\n<caption>{TITLES[border]}</caption>\n<thead><tr>"
            '<th scope="col">Result</th><th scope="col">Expectation</th><th scope="col">Found</th>'
            f'<th scope="col">Allowed</th></tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>'
        )
    summary = f"Expectations: {len(results)}. Errors: {errors}. Warnings: {len(failed) - errors}."
    target.write_text(
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Data quality</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>Data quality</h1>\n"
        f"<p>{summary}</p>\n" + "\n".join(sections) + "\n</main>\n</body>\n</html>\n",
        encoding="utf-8",
    )


def told(result: ExpectationResult, small_cell: int) -> str:
    """What an expectation found, in words that give no small count of people back.

    A ratio that keeps its bounds says only that; a share that does not is told by the tenth that it lies in, which of
    the hundred rows that a suite asks for holds ten; any other ratio by the bound that it broke.
    """
    if result.observed is None:
        return "nothing"
    kind = _kind(result)
    if kind == "rows of lists":
        return lone_count(round(result.observed), small_cell)
    if kind == "exact":
        return f"{result.observed:,.4f}".rstrip("0").rstrip(".")
    if result.passed:
        return "within bounds"
    if kind == "share":
        upper = max(math.ceil(round(result.observed * 10, 4)), 1)
        return f"{(upper - 1) / 10:g} to {upper / 10:g}"
    return _side(result)


def _expectation(result: ExpectationResult) -> Expectation | None:
    return next((e for e in read_suite(result.border).expectations if e.name == result.name), None)


def _kind(result: ExpectationResult) -> str:
    """What the number of a result is; one that nothing is known of is told as little of as may be."""
    expectation = _expectation(result)
    if expectation is None:
        return "ratio"
    if expectation.type in COUNTED:
        # The other counted tables have a row per list, state or input table.
        return "rows of lists" if expectation.table == "worklist" else "exact"
    column, measure = expectation.kwargs["column"], MEASURE.search(expectation.rows)
    name = measure[1] if measure and column == "value" else column
    return "exact" if name in EXACT else "share" if "share" in name.split("_") else "ratio"


def _side(result: ExpectationResult) -> str:
    expectation = _expectation(result)
    low = None if expectation is None else expectation.kwargs.get("min_value")
    high = None if expectation is None else expectation.kwargs.get("max_value")
    if low is not None and result.observed is not None and result.observed < low:
        return f"less than {low:,}"
    return "out of bounds" if high is None else f"more than {high:,}"


def _row(result: ExpectationResult, small_cell: int) -> str:
    if not result.passed:
        verdict = result.severity
    elif result.observed is None:
        verdict = "nothing to judge"
    else:
        verdict = "passed"
    found = "" if result.observed is None else told(result, small_cell)
    return (
        f'<tr class="{"passed" if result.passed else "failed"}"><td>{verdict}</td>'
        f'<th scope="row">{html.escape(plain(result.name))}<br><small>{html.escape(result.description)}</small></th>'
        f'<td class="number">{found}</td><td>{html.escape(result.allowed)}</td></tr>'
    )
