"""`report/quality.html`: every expectation of both borders, with what was found and what is allowed."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

from assets.engine.quality import ExpectationResult

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #1b1b1b; }
table { border-collapse: collapse; width: 100%; margin-bottom: 2rem; }
caption { text-align: left; font-weight: 600; padding: .5rem 0; }
th, td { border-bottom: 1px solid #ccc; padding: .4rem .6rem; text-align: left; vertical-align: top; }
th small { font-weight: 400; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
tr.failed { background: #fbeaea; }
"""

TITLES = {"raw": "The delivery", "outreach": "The worklists"}


def write_data_docs(results: Sequence[ExpectationResult], target: Path) -> None:
    """Write the results of both borders as one self-contained page.

    Great Expectations' own Data Docs take their layout from nine CDNs and carry a context id and the clock; stripped
    of those nothing readable is left. This page loads nothing and is the same bytes for the same results.

    Args:
        results: Results of any borders, in the order in which they are shown.
        target: The HTML file; its folder exists.
    """
    failed = [r for r in results if not r.passed]
    errors = sum(r.severity == "error" for r in failed)
    sections = []
    for border in dict.fromkeys(r.border for r in results):
        rows = "\n".join(_row(r) for r in results if r.border == border)
        sections.append(
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


def _row(result: ExpectationResult) -> str:
    if not result.passed:
        verdict = result.severity
    elif result.observed is None:
        verdict = "nothing to judge"
    else:
        verdict = "passed"
    found = "" if result.observed is None else f"{result.observed:,.4f}".rstrip("0").rstrip(".")
    return (
        f'<tr class="{"passed" if result.passed else "failed"}"><td>{verdict}</td>'
        f'<th scope="row">{html.escape(result.name.replace("_", " "))}<br><small>{html.escape(result.description)}</small></th>'
        f'<td class="number">{found}</td><td>{html.escape(result.allowed)}</td></tr>'
    )
