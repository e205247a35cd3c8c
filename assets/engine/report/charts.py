"""The report's charts as inline SVG, drawn from published counts only.

A hidden count has no length: it is absent, and its mark ("<11") stands where it would be. Colours are names of CSS
variables, so that one drawing serves light, dark and paper. Text reaches Vega as data and never as an expression.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Literal

import altair as alt
import vl_convert
from markupsafe import Markup, escape

from assets.engine.report.fairness import Dimension
from assets.engine.report.figures import ALL, BANDS, STANDINGS, TRIMESTERS, Measure, Night
from assets.engine.report.small_cells import Cell, Published
from assets.engine.report.trends import Effect, Point
from assets.engine.report.words import plain

WIDTH = 340  # of a phone, where a chart shows at its natural size
STEP = 22
# Labels are measured in Arial; to the left there is room for a wider font that stands in for it.
PADDING = {"left": 20, "right": 4, "top": 4, "bottom": 4}
# On paper a drawing of more bars would be cut through.
CODES_OF_A_DRAWING = 30
INK, SOFT, FAINT = "var(--ink)", "var(--soft)", "var(--line)"
# Text beside a mark, to its left or to its right.
ALIGN: dict[int, Literal["left", "right"]] = {-1: "right", 1: "left"}
BAND_COLOURS = {band: f"var(--{band})" for band in BANDS}
TRIMESTER_COLOURS = {trimester: f"var(--{trimester})" for trimester in TRIMESTERS}
STANDING_COLOURS = {standing: f"var(--{standing})" for standing in STANDINGS}
GEOMETRY = re.compile(r' (?:d|x|y|x2|y2|transform|width|height)="[^"]*"')
LONG_FRACTION = re.compile(r"(\.\d\d)\d+")
NAMESPACES = re.compile(r' xmlns(:\w+)?="[^"]*"')


def lists_by_state(night: Night, shown: Published) -> Markup:
    """Listed rows per state as bars by priority; a dashed frame is what the shown parts leave of the total."""
    parts = {state: [("listed", state, band) for band in BANDS] for state in night.states}
    totals = {state: ("listed", state, ALL) for state in night.states}
    return _bars(parts, totals, BAND_COLOURS, shown, "Listed gaps per state, by priority")


def gaps_by_code(night: Night, shown: Published) -> list[Markup]:
    """Gaps per code as bars by where they stand, on one scale; as many drawings as a sheet of paper needs."""
    cells = {code: [("gap", code, standing) for standing in night.standings] for code in night.codes}
    totals = {code: ("gap", code, ALL) for code in night.codes}
    longest = max([shown.number(*totals[c]) or sum(shown.number(*p) or 0 for p in cells[c]) for c in cells] or [0])
    drawings = math.ceil(len(cells) / CODES_OF_A_DRAWING)
    charts = []
    for number in range(drawings):
        codes = night.codes[number * len(cells) // drawings : (number + 1) * len(cells) // drawings]
        title = "Gaps per code, by where they stand" + (f", {number + 1} of {drawings}" if drawings > 1 else "")
        parts = {plain(code): cells[code] for code in codes}
        charts.append(_bars(parts, {plain(c): totals[c] for c in codes}, STANDING_COLOURS, shown, title, longest))
    return charts


def pregnancies_by_state(night: Night, shown: Published) -> Markup:
    """Pregnancies per state as bars by trimester; the first bar is all states."""
    places = {"All": ALL, **{state: state for state in night.pregnant_states}}
    parts = {name: [("pregnancy", place, trimester) for trimester in TRIMESTERS] for name, place in places.items()}
    totals = {name: ("pregnancy", place, ALL) for name, place in places.items()}
    return _bars(parts, totals, TRIMESTER_COLOURS, shown, "Pregnancies per state, by trimester")


def _bars(
    parts: dict[str, list[Cell]],
    totals: dict[str, Cell],
    colours: dict[str, str],
    shown: Published,
    title: str,
    longest: int = 1,
) -> Markup:
    segments, frames, notes = [], [], []
    for key, cells in parts.items():
        end = 0
        for cell in cells:
            if count := shown.number(*cell):
                segments.append({"key": key, "start": end, "end": end + count, "colour": colours.get(cell[-1], SOFT)})
                end += count
        total = shown.number(*totals[key])
        if total is not None and total > end:
            frames.append({"key": key, "start": end, "end": total})
        notes.append({"key": key, "end": total if total is not None else end, "note": shown.text(*totals[key])})
    ends = [note["end"] for note in notes]
    y = alt.Y(
        "key:N",
        sort=None,
        title=None,
        scale=alt.Scale(domain=list(parts), paddingInner=0.3, paddingOuter=0.15),
        axis=alt.Axis(domain=False, ticks=False, labelPadding=6, labelLimit=110),
    )
    x = alt.X(
        "start:Q",
        title=None,
        # Every bar carries its number; ticks of an axis would look like small counts.
        axis=None,
        scale=alt.Scale(domain=[0, max([*ends, longest]) * 1.2], nice=False),
    )
    colour = alt.Color("colour:N", scale=None)
    drawing = alt.layer(
        alt.Chart(alt.Data(values=segments)).mark_bar().encode(y=y, x=x, x2="end:Q", color=colour),
        alt.Chart(alt.Data(values=frames))
        .mark_bar(filled=False, stroke=SOFT, strokeDash=[3, 2], strokeWidth=1)
        .encode(y=y, x=x, x2="end:Q"),
        alt.Chart(alt.Data(values=notes))
        .mark_text(align="left", dx=4, color=INK, fontSize=11)
        .encode(y=y, x=alt.X("end:Q"), text="note:N"),
    )
    texts = [f"{note['key']} {note['note']}" for note in notes]
    height = STEP * max(len(parts), 1)
    return drawn(drawing.properties(width=WIDTH, height=height), f"{title}: {'; '.join(texts)}.")


def pdc_spread(measure: Measure, shown: Published) -> Markup:
    """Eligible members of one measure by PDC in steps of ten points, those at target in the stronger colour."""
    bins = []
    for step in range(10):
        cell = ("pdc", measure.measure_id, str(step))
        count = shown.number(*cell)
        bins.append(
            {
                "from": step * 10,
                "to": step * 10 + 10,
                "middle": step * 10 + 5,
                "members": count or 0,
                "note": shown.text(*cell),
                "colour": "var(--reached)" if step * 10 >= measure.threshold_percent else "var(--missed)",
            }
        )
    top = max([one["members"] for one in bins] + [1])
    x = alt.X(
        "from:Q",
        title="PDC to date, percent",
        scale=alt.Scale(domain=[0, 100], nice=False),
        axis=alt.Axis(values=list(range(0, 101, 20)), grid=False, domainColor=FAINT, tickColor=FAINT),
    )
    y = alt.Y("members:Q", title=None, axis=None, scale=alt.Scale(domain=[0, top * 1.12], nice=False))
    colour = alt.Color("colour:N", scale=None)
    drawing = alt.layer(
        alt.Chart(alt.Data(values=bins))
        .mark_bar(binSpacing=2)
        .encode(x=x, x2="to:Q", y=y, y2=alt.datum(0), color=colour),
        alt.Chart(alt.Data(values=bins))
        .mark_text(dy=-6, color=INK, fontSize=10)
        .encode(x=alt.X("middle:Q"), y=y, text="note:N"),
        alt.Chart(alt.Data(values=[{"from": measure.threshold_percent}]))
        .mark_rule(color=INK, strokeDash=[4, 3])
        .encode(x=x),
    )
    texts = [f"{one['from']} to {one['to']} %: {one['note']}" for one in bins]
    label = f"{measure.title}: members by PDC, target {measure.threshold_percent} %. {'; '.join(texts)}."
    return drawn(drawing.properties(width=WIDTH, height=170), label)


def changes_by_state(night: Night, shown: Published) -> Markup:
    """Rows that are new to the right and rows that are gone to the left, state by state."""
    bars, notes, texts = [], [], []
    for state in night.changed_states:
        for change, sign, colour in (("gone", -1, "var(--lost)"), ("new", 1, "var(--listed)")):
            count, text = shown.number("change", state, change), shown.text("change", state, change)
            bars.append({"key": state, "end": sign * (count or 0), "colour": colour})
            notes.append({"key": state, "end": sign * (count or 0), "note": text, "sign": sign})
            texts.append(f"{state} {text} {change}")
    reach = max([abs(bar["end"]) for bar in bars] + [1]) * 1.35
    y = alt.Y(
        "key:N",
        sort=None,
        title=None,
        scale=alt.Scale(domain=night.changed_states, paddingInner=0.3, paddingOuter=0.15),
        axis=alt.Axis(domain=False, ticks=False, labelPadding=6, labelLimit=110),
    )
    x = alt.X("end:Q", title=None, axis=None, scale=alt.Scale(domain=[-reach, reach], nice=False))
    layers = [
        alt.Chart(alt.Data(values=bars))
        .mark_bar()
        .encode(y=y, x=x, x2=alt.datum(0), color=alt.Color("colour:N", scale=None))
    ]
    for sign, align in ALIGN.items():
        layers.append(
            alt.Chart(alt.Data(values=[note for note in notes if note["sign"] == sign]))
            .mark_text(align=align, dx=4 * sign, color=INK, fontSize=11)
            .encode(y=y, x=x, text="note:N")
        )
    drawing = alt.layer(*layers).properties(width=WIDTH, height=STEP * max(len(night.changed_states), 1))
    return drawn(drawing, f"Rows that are new and gone, by state: {'; '.join(texts)}.")


def over_nights(points: list[Point], title: str, unit: str) -> Markup:
    """A figure over the nights, dated at both ends; the scale is that of the figure, not from zero."""
    first = points[0][0]
    values = [{"day": (as_of - first).days, "value": value} for as_of, value in points]
    low, high = min(value for _, value in points), max(value for _, value in points)
    margin = max((high - low) * 0.4, 1.0 if unit else 0.02 * high, 0.5)
    shape, suffix = (".1f", f" {unit}") if unit else (",.0f", "")
    x = alt.X(
        "day:Q", title=None, axis=None, scale=alt.Scale(domain=[0, max(values[-1]["day"], 1)], nice=False, padding=8)
    )
    y = alt.Y(
        "value:Q",
        title=None,
        scale=alt.Scale(domain=[max(0, low - margin), high + margin], nice=False, zero=False),
        axis=alt.Axis(
            tickCount=3,
            labelExpr=f"format(datum.value, '{shape}') + '{suffix}'",
            domain=False,
            ticks=False,
            gridColor=FAINT,
        ),
    )
    last = [{**values[-1], "note": f"{points[-1][1]:{shape}}{suffix}"}]
    dated: Any = [
        alt.Chart(alt.Data(values=[{"day": values[end]["day"], "note": str(points[end][0])}]))
        .mark_text(align=ALIGN[side], color=SOFT, fontSize=11, baseline="top", dy=6)
        .encode(x=x, y=alt.value(120), text="note:N")
        for end, side in ((0, 1), (-1, -1))
    ]
    layers = [
        alt.Chart(alt.Data(values=values)).mark_line(color="var(--listed)", strokeWidth=2).encode(x=x, y=y),
        alt.Chart(alt.Data(values=values)).mark_circle(color="var(--listed)", size=18, opacity=1).encode(x=x, y=y),
        alt.Chart(alt.Data(values=last))
        .mark_text(align="right", baseline="top", color=INK, fontSize=11, fontWeight="bold")
        .encode(x=x, y=alt.value(0), text="note:N"),
        *dated,
    ]
    told = "; ".join(f"{as_of} {value:{shape}}{suffix}" for as_of, value in points)
    return drawn(alt.layer(*layers).properties(width=WIDTH, height=120), f"{title}, night by night: {told}.")


def effect_of_outreach(effects: list[Effect]) -> Markup:
    """The difference of the arms with its interval, by programme and days; right of the line outreach closed more."""
    rows = [
        {
            "key": f"{plain(effect.programme)}, {effect.days} days",
            "difference": 100 * effect.difference,
            "low": 100 * effect.low,
            "high": 100 * effect.high,
        }
        for effect in effects
        if effect.difference is not None and effect.low is not None and effect.high is not None
    ]
    reach = max([abs(row[end]) for row in rows for end in ("low", "high")] + [5]) * 1.1
    y = alt.Y("key:N", sort=None, title=None, axis=alt.Axis(domain=False, ticks=False, labelPadding=6, labelLimit=170))
    scale = alt.Scale(domain=[-reach, reach], nice=False)
    axis = alt.Axis(tickCount=5, grid=False, domainColor=FAINT, tickColor=FAINT)
    data = alt.Data(values=rows)
    layers = [
        alt.Chart(alt.Data(values=[{"zero": 0}]))
        .mark_rule(color=SOFT, strokeDash=[3, 2])
        .encode(x=alt.X("zero:Q", scale=scale)),
        alt.Chart(data)
        .mark_rule(color="var(--listed)", strokeWidth=2)
        .encode(y=y, x=alt.X("low:Q", title="Percentage points", scale=scale, axis=axis), x2="high:Q"),
        alt.Chart(data)
        .mark_circle(color="var(--listed)", size=60, opacity=1)
        .encode(y=y, x=alt.X("difference:Q", scale=scale)),
    ]
    told = "; ".join(f"{row['key']} {row['difference']:+.1f} ({row['low']:+.1f} to {row['high']:+.1f})" for row in rows)
    return drawn(
        alt.layer(*layers).properties(width=WIDTH, height=STEP * max(len(rows), 1)),
        f"Closures by claims, outreach less comparison, in percentage points: {told}.",
    )


SHARES = (("listed", "open", "--listed"), ("upper", "listed", "--high"), ("closed", "opened", "--closed"))


def shares_by_group(dimension: Dimension, shown: Published) -> Markup:
    """Three shares of each group as dots on one line: on a list, in its upper half, closed; withheld ones are absent."""
    dots, texts = [], []
    for level in dimension.levels:
        for part, whole, colour in SHARES:
            above, below = shown.number(*dimension.cell(level, part)), shown.number(*dimension.cell(level, whole))
            if above is not None and below:
                dots.append({"key": level, "share": round(100 * above / below, 1), "colour": f"var({colour})"})
                texts.append(f"{level} {part} {100 * above / below:.1f} %")
    if not dots:
        return Markup("")
    y = alt.Y(
        "key:N",
        sort=None,
        title=None,
        scale=alt.Scale(domain=[level for level in dimension.levels if any(dot["key"] == level for dot in dots)]),
        axis=alt.Axis(domain=False, ticks=False, grid=True, gridColor=FAINT, labelPadding=6, labelLimit=150),
    )
    x = alt.X(
        "share:Q",
        title="Percent",
        scale=alt.Scale(domain=[0, 100], nice=False),
        axis=alt.Axis(values=list(range(0, 101, 20)), grid=False, domainColor=FAINT, tickColor=FAINT),
    )
    drawing = (
        alt.Chart(alt.Data(values=dots))
        .mark_circle(size=70, opacity=1)
        .encode(y=y, x=x, color=alt.Color("colour:N", scale=None))
    )
    height = STEP * len({dot["key"] for dot in dots})
    return drawn(alt.layer(drawing).properties(width=WIDTH, height=height), f"{dimension.title}: {'; '.join(texts)}.")


def drawn(drawing: alt.LayerChart | alt.FacetChart, label: str, datasets: Mapping[str, object] | None = None) -> Markup:
    """Draw without the network and name the drawing for those who hear it; `datasets` are what it names but lacks."""
    plain: dict[str, Any] = {"labelFontSize": 11, "titleFontSize": 11, "titleFontWeight": "normal"}
    spec = drawing.configure(
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"), aria=False, background="transparent", padding=PADDING,
        font="Arial, Helvetica, sans-serif",
        axis=alt.AxisConfig(labelColor=INK, titleColor=SOFT, gridColor=FAINT, **plain),
        view=alt.ViewConfig(stroke=None),
    ).to_dict(validate=False)  # fmt: skip
    svg = vl_convert.vegalite_to_svg(
        {**spec, "datasets": {**spec.get("datasets", {}), **(datasets or {})}}, allowed_base_urls=[]
    )
    # Two decimals of a pixel draw the same, and sixteen would spell out any number one looks for.
    svg = GEOMETRY.sub(lambda attribute: LONG_FRACTION.sub(r"\1", attribute[0]), svg)
    # HTML knows the namespaces of inline SVG; the page names no address at all.
    opening, rest = svg.split(">", 1)
    opening = NAMESPACES.sub("", opening).replace("<svg", f'<svg role="img" aria-label="{escape(label)}"', 1)
    return Markup(opening + ">" + rest)  # noqa: S704
