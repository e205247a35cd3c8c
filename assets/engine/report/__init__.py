"""The nightly report: one self-contained page of what changed, gaps, lists, rates and data quality, without a member.

Every count of people passes through `small_cells` before it reaches the page or a chart, and every text from the data
is escaped by the template.
"""

from __future__ import annotations

import datetime
from pathlib import Path

import duckdb
import jinja2
from markupsafe import Markup, escape

from assets.engine.report.fairness import Fairness, read_fairness
from assets.engine.report.figures import ALL, BANDS, BUCKETS, BUSIEST, TRIMESTERS, Night, Pharmacy, read_night
from assets.engine.report.memory import keep_totals
from assets.engine.report.places import Places, read_places
from assets.engine.report.small_cells import Published
from assets.engine.report.trends import Trends, read_trends
from assets.engine.report.words import plain

HERE = Path(__file__).resolve().parent

REASONS = {
    "deferred": "Member is in another facility",
    "clinical_review": "Medicines are under review with the prescriber",
    "specialty_refill": "The row of a specialty medicine asks for the same refill",
    "capacity": "The pharmacy's list is full this week",
    "conversation_cap": "Three others are raised with the member first",
    "deceased": "Member has died",
    "declined": "Member declined it",
    "do_not_contact": "Member asked not to be contacted",
    "duplicate": "The same as another row",
    "frequency_cap": "Member was contacted often enough",
    "holdout": "Member is in the comparison group",
    "hospice": "Member is in hospice care",
    "institutional": "Member lives in an institution",
    "no_authorisation": "Needs the member's authorisation",
    "no_channel": "No phone number or address on record",
    "no_open_pharmacy": "Member's pharmacy has closed",
    "no_pharmacy": "No pharmacy in the network to ask",
    "no_programme": "No programme has begun for it where the member lives",
    "not_enrolled": "Coverage has ended",
    "other_pharmacy": "Another pharmacy calls the member",
    "outcome_pending": "An answer is awaited",
    "programme_capacity": "The programme's places on the list are taken",
    "state_policy": "The state keeps it off lists",
    "unable_to_reach": "Three attempts did not reach the member",
}
STANDING_TITLES = {
    "listed": "On a list",
    "unlisted": "Open, not listed",
    "prospective": "Not yet due",
    "lost": "Out of reach",
    "closed": "Closed",
    "suppressed": "Held for review",
}


def write_report(
    con: duckdb.DuckDBPyConnection,
    target: Path,
    *,
    as_of: datetime.date,
    previous: Path | None,
    small_cell: int,
    warnings: list[str],
) -> None:
    """Write `target/index.html`, `target/fairness.html` and what later nights ask of them (`memory`).

    The same tables, warnings and earlier night give the same bytes.

    Args:
        con: A warehouse that holds the night's outreach, core and raw tables.
        target: The report's folder, made where it is missing.
        as_of: The night.
        previous: The folder of the last published night, or None on the first.
        small_cell: Counts of people below this number are hidden.
        warnings: What the manifest warns of, without person-level values.
    """
    night = read_night(con, as_of, previous)
    shown = night.counts.hide(small_cell)
    page = render(night, read_places(con), shown, read_trends(con, night, previous, shown), warnings)
    target.mkdir(parents=True, exist_ok=True)
    (target / "index.html").write_text(page, encoding="utf-8", newline="\n")
    keep_totals(target, {ALL, *night.states, *night.changed_states}, shown, ALL)
    fairness = read_fairness(con, as_of)
    page = render_fairness(fairness, fairness.counts.hide(small_cell), as_of)
    (target / "fairness.html").write_text(page, encoding="utf-8", newline="\n")


def render(night: Night, places: Places, shown: Published, trends: Trends, warnings: list[str]) -> str:
    """The page as text."""
    from assets.engine.report import charts, maps  # altair takes a second to import

    return _template("page.html.jinja").render(
        night=night,
        shown=shown,
        trends=trends,
        warnings=warnings,
        style=_style(),
        all=ALL,
        bands=BANDS,
        trimesters=TRIMESTERS,
        buckets=BUCKETS,
        pharmacies=busiest(night, shown),
        standing_titles=STANDING_TITLES,
        reason_titles=REASONS,
        change_chart=charts.changes_by_state(night, shown) if night.changed_states else "",
        listed_chart=charts.over_nights(trends.listed, "Gaps on lists", "") if len(trends.listed) > 1 else "",
        rate_charts={
            name: charts.over_nights(points, "Share at target", "%")
            for name, points in trends.rates.items()
            if len(points) > 1
        },
        effect_chart=charts.effect_of_outreach(trends.effects)
        if any(effect.difference is not None for effect in trends.effects)
        else "",
        state_chart=charts.lists_by_state(night, shown) if night.states else "",
        code_charts=charts.gaps_by_code(night, shown),
        pregnancy_chart=charts.pregnancies_by_state(night, shown) if night.pregnant_states else "",
        places=places,
        pharmacy_map=maps.pharmacy_deserts(places) if "retail_pharmacy" in places.services else "",
        care_map=maps.care_deserts(places) if set(places.services) - {"retail_pharmacy"} else "",
        load_map=maps.load(night, places, shown) if night.states else "",
        pdc_charts={measure.measure_id: charts.pdc_spread(measure, shown) for measure in night.measures},
        plain=plain,
        breakable=breakable,
    )


def render_fairness(fairness: Fairness, shown: Published, as_of: datetime.date) -> str:
    """The page on fairness as text."""
    from assets.engine.report import charts

    return _template("fairness.html.jinja").render(
        fairness=fairness,
        shown=shown,
        as_of=as_of,
        all=ALL,
        style=_style(),
        charts={dimension.name: charts.shares_by_group(dimension, shown) for dimension in fairness.dimensions},
    )


def _template(name: str) -> jinja2.Template:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template(name)


def _style() -> Markup:
    return Markup((HERE / "page.css").read_text(encoding="utf-8"))  # noqa: S704


def busiest(night: Night, shown: Published) -> list[Pharmacy]:
    """The pharmacies with most rows; where the count is hidden the order does not tell it either."""

    def order(pharmacy: Pharmacy) -> tuple[int, str, str]:
        cell = ("pharmacy", pharmacy.state, pharmacy.npi)
        return -(shown.number(*cell) or 0), shown.text(*cell) if shown.number(*cell) is None else "", pharmacy.npi

    return sorted(night.pharmacies[:BUSIEST], key=order)


def breakable(name: str) -> Markup:
    """A code that a narrow column may break after its underscores."""
    return escape(name).replace("_", Markup("_<wbr>"))
