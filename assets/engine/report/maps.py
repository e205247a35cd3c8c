"""The report's maps as inline SVG, drawn offline over simplified state outlines (US Census cartographic boundaries)."""

from __future__ import annotations

import json
from typing import Any

import altair as alt
from markupsafe import Markup

from assets.engine.contract import CONTRACTS
from assets.engine.report.charts import FAINT, SOFT, drawn
from assets.engine.report.figures import ALL, Night
from assets.engine.report.places import County, Places
from assets.engine.report.small_cells import Published, size_classes

OUTLINE = CONTRACTS / "reference" / "state_outline.json"
OUTLINES, POINTS = "outlines", "points"
WIDTH, HEIGHT = 480, 300
SHADES = ("var(--shade-1)", "var(--shade-2)", "var(--shade-3)")
SHARE_STEPS = (0.0, 0.1, 0.5)
SERVICE_STEPS = (0, 1, 3)
LOAD_STEPS = (1, 51, 251)
LOAD_SIZES = (30, 90, 220)
# Area of a dot, and of one where nothing is wrong; larger where there are few counties to tell apart.
DOT_SIZES, FEW_DOT_SIZES, FEW = (14, 5), (44, 12), 500


def pharmacy_deserts(places: Places) -> Markup:
    """Counties by the share of their people too far from a retail pharmacy."""
    shares = {county: places.county_share.get((county, "retail_pharmacy")) for county in places.counties}
    steps = {county: sum(share > step for step in SHARE_STEPS) for county, share in shares.items() if share is not None}
    return _dots(
        places, steps, f"Pharmacy deserts: {sum(step > 0 for step in steps.values())} of {len(steps)} counties"
    )


def care_deserts(places: Places) -> Markup:
    """Counties by the number of services that most of their people have too far."""
    numbers = {county: places.out_of_reach(county) for county in places.counties}
    steps = {county: sum(n > step for step in SERVICE_STEPS) for county, n in numbers.items() if n is not None}
    return _dots(
        places, steps, f"Provider deserts: {sum(step > 0 for step in steps.values())} of {len(steps)} counties"
    )


def load(night: Night, places: Places, shown: Published) -> Markup:
    """Listed gaps: states by shade, counties of pharmacies by size class; small counts leave both empty."""
    states = {state: shown.number("listed", state, ALL) or 0 for state in night.states}
    top = max([*states.values(), 1])
    shades = {state: SHADES[min(2, 3 * n // (top + 1))] for state, n in states.items() if n}
    bounds = (shown.small_cell, *LOAD_STEPS[1:])
    circles = []
    for state in places.listed:
        if not states.get(state):
            continue
        for county, reached in size_classes(places.listed[state], states[state], bounds).items():
            circles.append(_point(places.work_counties[county], size=LOAD_SIZES[bounds.index(reached)]))
    points = (
        alt.Chart(alt.NamedData(name=POINTS))
        .mark_circle(color="var(--ink)", opacity=0.55, stroke="var(--paper)", strokeWidth=0.5)
        .encode(longitude="lon:Q", latitude="lat:Q", size=alt.Size("size:Q", scale=None))
    )
    texts = "; ".join(f"{state} {shown.text('listed', state, ALL)}" for state in night.states)
    return _map(_outline(), points, circles, shades, f"Listed gaps per state: {texts}.")


def _dots(places: Places, steps: dict[str, int], label: str) -> Markup:
    outline = _outline()
    drawable = {state["id"] for state in outline["objects"]["states"]["geometries"]}
    some, none = DOT_SIZES if len(steps) > FEW else FEW_DOT_SIZES
    points = [
        _point(places.counties[county], colour=SHADES[step - 1] if step else FAINT, size=some if step else none)
        for county, step in sorted(steps.items(), key=lambda item: (item[1], item[0]))
        if places.counties[county].state in drawable
    ]
    layer = (
        alt.Chart(alt.NamedData(name=POINTS))
        .mark_circle(opacity=1)
        .encode(
            longitude="lon:Q",
            latitude="lat:Q",
            color=alt.Color("colour:N", scale=None),
            size=alt.Size("size:Q", scale=None),
        )
    )
    return _map(outline, layer, points, {}, f"{label}.")


def _outline() -> dict[str, Any]:
    """The states of the map as TopoJSON; island territories are not on it."""
    return json.loads(OUTLINE.read_text(encoding="utf-8"))


def _point(county: County, **how: Any) -> dict[str, Any]:
    return {"lon": county.longitude, "lat": county.latitude, **how}


def _map(
    outline: dict[str, Any], layer: alt.Chart, points: list[dict[str, Any]], shades: dict[str, str], label: str
) -> Markup:
    """Points over the outlines of the states, shaded where a state has a colour.

    The data stand beside the drawing: altair copies and validates what stands within it, ten times and value by value.
    """
    for state in outline["objects"]["states"]["geometries"]:
        state["properties"] = {"colour": shades.get(state["id"], "transparent")}
    outlines = (
        alt.Chart(alt.NamedData(name=OUTLINES, format=alt.TopoDataFormat(type="topojson", feature="states")))
        .mark_geoshape(stroke=SOFT, strokeWidth=0.4)
        .encode(color=alt.Color("properties.colour:N", scale=None))
    )
    layers = [outlines, layer] if points else [outlines]
    drawing = alt.layer(*layers).project(type="albersUsa").properties(width=WIDTH, height=HEIGHT)
    return drawn(drawing, label, {OUTLINES: outline, POINTS: points})
