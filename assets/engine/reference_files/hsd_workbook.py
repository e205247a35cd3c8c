"""The CMS HSD Reference File, a workbook made for reading by eye, into the plain tables that `hsd` reads.

Its headers take three rows (name, code, Time and Distance), pairs of columns are merged, and codes are text (`012`) on
some tabs and numbers (`40`) on others. Only the tabs of providers are read: no service here is a facility.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from assets.engine.errors import InputError

TIMES, MINIMA = "Provider Time & Distance", "Minimum Provider #s"
CODE = re.compile(r"S?\d{2,3}")

Rows = Sequence[Sequence[Any]]


def is_hsd(sheets: Mapping[str, Rows]) -> bool:
    """Whether a workbook is the HSD Reference File."""
    return TIMES in {name.strip() for name in sheets}


def unpivot(sheets: Mapping[str, Rows], label: str) -> dict[str, Rows]:
    """The tabs as tables with one header row: counties, limits and minimum numbers.

    Raises:
        InputError: A tab has no row of specialty codes, or no SSA county code.
    """
    tabs = {name.strip(): rows for name, rows in sheets.items()}
    limits = [("kind", "ssa_code", "hsd_code", "max_time_min", "max_distance_mi")]
    times = _Tab(tabs[TIMES], f"{label}[{TIMES}]")
    measures = [_text(value).lower() for value in times.rows[times.code_row + 1]]
    pairs: dict[str, dict[str, int]] = {}
    for column, measure in enumerate(measures):
        if measure in {"time", "distance"} and (code := times.codes[column]):
            pairs.setdefault(code, {})[measure] = column
    for row in times.counties():
        limits += [
            ("provider", times.ssa(row), code, _text(row[pair["time"]]), _text(row[pair["distance"]]))
            for code, pair in pairs.items()
            if len(pair) == 2
        ]
    tables: dict[str, Rows] = {TIMES: limits}
    if MINIMA in tabs:
        minima = _Tab(tabs[MINIMA], f"{label}[{MINIMA}]")
        counts = [("ssa_code", "hsd_code", "min_count")]
        counties: list[tuple[str, ...]] = [
            ("ssa_code", "county", "state", "county_type", "total_beneficiaries", "beneficiaries_required_to_cover")
        ]
        for row in minima.counties():
            counts += [(minima.ssa(row), c, _text(row[at])) for at, c in enumerate(minima.codes) if c and at < len(row)]
            counties.append((minima.ssa(row), *(minima.value(row, name) for name in FACTS)))
        tables |= {MINIMA: counts, "counties": counties}
    return tables


FACTS = ("county", "state", "type", "people", "required")


class _Tab:
    """One tab: where its codes are, and which column holds which fact of the county."""

    def __init__(self, rows: Rows, label: str) -> None:
        self.rows, self.label = rows, label
        found = [at for at, row in enumerate(rows[:10]) if sum(bool(CODE.fullmatch(_code(v))) for v in row) >= 3]
        if not found:
            raise InputError(
                f"{label}: found no row of specialty codes in the first 10 rows; CMS's own tab is expected"
            )
        self.code_row = found[0]
        head = [
            " ".join(_text(row[at]) for row in rows[: self.code_row + 1] if at < len(row)).lower()
            for at in range(len(rows[self.code_row]))
        ]
        # Of a merged pair only the first column has the code.
        self.codes: list[str] = []
        for at, value in enumerate(rows[self.code_row]):
            own = _code(value) if CODE.fullmatch(_code(value)) else ""
            is_pair = not own and at > 0 and not head[at].strip()
            self.codes.append(self.codes[-1] if is_pair else own)
        self.columns = {
            name: at for at, text in reversed(list(enumerate(head))) if not self.codes[at] for name in _facts(text)
        }
        if "ssa" not in self.columns:
            raise InputError(f"{label}: found no column SSA CODE; CMS's own tab is expected")

    def counties(self) -> list[Sequence[Any]]:
        """Rows that begin with a county."""
        return [r for r in self.rows[self.code_row + 1 :] if re.fullmatch(r"\d{4,5}", _text(r[self.columns["ssa"]]))]

    def ssa(self, row: Sequence[Any]) -> str:
        """The county's SSA code, its zero put back."""
        return _text(row[self.columns["ssa"]]).zfill(5)

    def value(self, row: Sequence[Any], name: str) -> str:
        """A fact of the county, empty where the tab has no such column."""
        return _text(row[self.columns[name]]) if name in self.columns else ""


def _facts(head: str) -> list[str]:
    """Which fact of the county a heading announces."""
    words = re.sub(r"[^a-z0-9 ]", "", head).split()
    text = " ".join(words)
    if any(word.startswith("ssa") for word in words):
        return ["ssa"]
    if "designa" in text:
        return ["type"]
    if "total" in words and "benef" in text:
        return ["people"]
    if "required" in words and "benef" in text:
        return ["required"]
    if words and words[-1] in {"st", "state"} and "county" not in words:
        return ["state"]
    return ["county"] if words and words[-1] in {"county", "name"} else []


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value).strip()


def _code(value: Any) -> str:
    text = _text(value)
    return text.zfill(3) if text.isdigit() and len(text) <= 3 else text
