"""Pregnancy codes whose official title names a trimester, as the value set `pregnancy_trimester`.

Source: the ICD-10-CM titles of CMS and NCHS (public domain), as the package simple-icd-10-cm carries them. The digit
that tells the trimester moves from category to category, so it is read from the title and never from a position.
`python -m assets.engine.trimester` writes the file anew.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from pathlib import Path

from assets.engine.contract import CONTRACTS
from assets.engine.registry import VALUE_SET_HEADER, value_set_rows

FILE = CONTRACTS / "value_sets" / "pregnancy_trimester.csv"

# A code that belongs to one of these says more than its trimester.
STRONGER = ("pregnancy_loss", "pregnancy_hold", "delivery")

_TRIMESTER = re.compile(r"\b(first|second|third) trimester")
_OTHER_STAGE = re.compile(r"childbirth|puerperium|postpartum")


def titles() -> dict[str, str]:
    """Official title of every billable ICD-10-CM code, written without the dot."""
    import simple_icd_10_cm

    return {
        code: simple_icd_10_cm.get_description(code)
        for code in simple_icd_10_cm.get_all_codes(with_dots=False)
        if simple_icd_10_cm.is_leaf(code)
    }


def members(value_set: str, codes: Iterable[str]) -> set[str]:
    """The ICD-10-CM codes among `codes` that our value set holds."""
    ranges = [
        (first, last or first) for _, first, last, system, *_ in value_set_rows(value_set, None) if system == "icd10cm"
    ]
    return {code for code in codes if any(first <= code <= last for first, last in ranges)}


def trimesters(names: dict[str, str]) -> dict[str, str]:
    """First, second or third trimester by billable code of chapter XV and of Z34."""
    found = {}
    for code, title in names.items():
        told = set(_TRIMESTER.findall(title))
        if code.startswith(("O", "Z34")) and len(told) == 1 and not _OTHER_STAGE.search(title):
            found[code] = told.pop()
    left_out = set().union(*(members(name, found) for name in STRONGER))
    return {code: trimester for code, trimester in sorted(found.items()) if code not in left_out}


def trimester_rows(names: dict[str, str]) -> list[list[str]]:
    """Rows of the value set: codes that differ in the fetus character alone become one range."""
    told, rows, done = trimesters(names), [], set()
    families: dict[str, list[str]] = {}
    for code in names:
        families.setdefault(code[:6], []).append(code)
    for code, trimester in told.items():
        if code in done:
            continue
        stem = code[:6]
        is_range = len(code) == 7 and {told.get(other) for other in families[stem]} == {trimester}
        done.update(families[stem] if is_range else [code])
        first, last = (stem, f"{stem}~") if is_range else (code, "")
        source = f"ICD-10-CM, {first[:3]}.{first[3:]}: title says {trimester} trimester"
        rows.append([first, last, "icd10cm", "2015-10-01", "", source, trimester])
    return rows


def write(path: Path) -> int:
    """Write the value set and return its row count."""
    rows = trimester_rows(titles())
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(VALUE_SET_HEADER)
        writer.writerows(rows)
    return len(rows)


if __name__ == "__main__":
    print(f"{write(FILE)} rows written to {FILE}")
