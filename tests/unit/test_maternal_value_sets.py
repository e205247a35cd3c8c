"""Laws of the maternal value sets, checked against every official ICD-10-CM code: above all, what counts as a loss."""

from __future__ import annotations

import re
from importlib.util import find_spec
from itertools import pairwise, product

import pytest

from assets.engine.registry import read_value_sets, value_set_rows
from assets.engine.trimester import members, titles

# Not imported here: that reads every code there is, in each process that collects.
pytestmark = pytest.mark.skipif(find_spec("simple_icd_10_cm") is None, reason="simple_icd_10_cm is not installed")

# A code belongs to the first of these that holds it ; no two of them share one.
GROUPS = ("pregnancy_loss", "pregnancy_hold", "delivery", "pregnancy_week", "pregnancy_trimester", "pregnancy_state")

# Every trigger that stops all messages at once, as the specification names it; a star takes in what follows.
LOSS_DIAGNOSES = "O00* O01* O020 O021 O0289 O029 O03* O04* O08* O364* P95 Z332 Z371 Z373 Z374 Z376* Z377*"
LOSS_CODES = {
    "hcpcs": "59100 59120 59121 59130 59135 59136 59140 59150 59151 59870 59812 59820 59821 59830 59840 59841 59850 "
    "59851 59852 59855 59856 59857 01964 01965 01966 S0190 S0191 S0199 S2260 S2262 S2265 S2266 S2267",
    "icd10pcs": "10A00ZZ 10A03ZZ 10A04ZZ 10A07Z6 10A07ZW 10A07ZX 10A07ZZ 10A08ZZ 10D27ZZ 10D28ZZ 10T20ZZ 10T23ZZ "
    "10T24ZZ 10T27ZZ 10T28ZZ",
    "ms_drg": "770 777 779",
}

# Ranges without a billable code today: O02.2 and what follows is a loss as far as O02.81, shortened codes among them.
# Z59.1 was billable until it was divided in October 2022.
SPARE = {"pregnancy_loss": {"O022"}, "social_need": {"Z591"}}

# Where a code of pregnancy without timing may come from.
STATE_BLOCKS = re.compile(r"O1[0-6]|O2[0-9]|O3\d|O4[0-8]|O98|O99|O9A")
OTHER_STAGE = re.compile(r"childbirth|puerper|postpartum", re.IGNORECASE)


@pytest.fixture(scope="module")
def names() -> dict[str, str]:
    return titles()


@pytest.fixture(scope="module")
def held(names) -> dict[str, set[str]]:
    return {name: members(name, names) for name in (*GROUPS, "postpartum", "live_birth", "pregnancy_negative")}


def in_set(name: str, system: str, code: str) -> bool:
    return any(
        first <= code <= (last or first) for _, first, last, kind, *_ in value_set_rows(name, None) if kind == system
    )


def starred(names: dict[str, str], patterns: str) -> set[str]:
    found = {p: {c for c in names if (c.startswith(p[:-1]) if p.endswith("*") else c == p)} for p in patterns.split()}
    assert all(found.values()), "a pattern without an official code"
    return set().union(*found.values())


def test_every_loss_diagnosis_of_the_specification_and_no_other_is_a_loss(names, held) -> None:
    assert held["pregnancy_loss"] == starred(names, LOSS_DIAGNOSES)


@pytest.mark.parametrize("system", LOSS_CODES)
def test_every_other_loss_code_is_a_loss(system: str) -> None:
    assert [code for code in LOSS_CODES[system].split() if not in_set("pregnancy_loss", system, code)] == []


def test_shortened_loss_codes_still_stop_messages() -> None:
    for code in ("O00", "O02", "O028", "O03", "O036", "O04", "O08", "O364", "O364XX"):
        assert in_set("pregnancy_loss", "icd10cm", code)


def test_an_abnormal_hcg_trend_holds_and_is_no_loss(held) -> None:
    assert "O0281" in held["pregnancy_hold"] - held["pregnancy_loss"]
    assert not in_set("pregnancy_loss", "icd10cm", "O0281")


def test_a_hold_is_every_ambiguous_code(names, held) -> None:
    assert held["pregnancy_hold"] == starred(names, "O07* O200 O310* O311* O312* O313* O0281")
    # A pregnancy of several that goes on with fewer.
    assert in_set("pregnancy_hold", "hcpcs", "59866")


def test_retained_products_are_neither_loss_nor_delivery() -> None:
    for code in ("10D17ZZ", "10D18ZZ"):
        assert not in_set("pregnancy_loss", "icd10pcs", code)
        assert not in_set("delivery", "icd10pcs", code)
    assert in_set("delivery", "icd10pcs", "10D17Z9")


def test_no_diagnosis_belongs_to_two_groups(held) -> None:
    for position, stronger in enumerate(GROUPS):
        for weaker in GROUPS[position + 1 :]:
            assert held[stronger] & held[weaker] == set(), f"{stronger} and {weaker}"
    for name in ("pregnancy_state", "pregnancy_trimester", "pregnancy_week"):
        for closing in ("postpartum", "live_birth", "pregnancy_negative"):
            assert held[name] & held[closing] == set(), f"{name} and {closing}"
    assert held["live_birth"] & held["pregnancy_loss"] == {"Z373", "Z3760", "Z3761", "Z3762", "Z3763", "Z3764", "Z3769"}


def test_titles_of_childbirth_and_puerperium_are_no_sign_of_a_pregnancy(names, held) -> None:
    later = {code for code, title in names.items() if OTHER_STAGE.search(title)}
    assert later & (held["pregnancy_state"] | held["pregnancy_trimester"] | held["pregnancy_week"]) == set()
    childbirth = {
        c for c, title in names.items() if c[0] == "O" and "childbirth" in title and "puerperium" not in title
    }
    assert childbirth <= held["delivery"]
    postpartum = {c for c, t in names.items() if c[:3] != "Z87" and re.search("puerperium|postpartum", t.lower())}
    assert postpartum <= held["postpartum"]


def test_every_code_of_pregnancy_belongs_to_a_group(names, held) -> None:
    grouped = set().union(*held.values())
    blocks = {code for code in names if STATE_BLOCKS.match(code) or code.startswith(("O09", "Z34", "Z36", "Z3A"))}
    assert blocks - grouped == set()
    outside = {c for c in held["pregnancy_state"] if not STATE_BLOCKS.match(c) and c[:3] not in {"O09", "Z34", "Z36"}}
    assert outside == {"Z331", "Z3201", "Z3A00"}


def test_weeks_are_told_by_the_code() -> None:
    rows = value_set_rows("pregnancy_week", None)
    assert [row[1] for row in rows] == [f"Z3A{week}" for week in ("01", *(f"{w:02}" for w in range(8, 43)), "49")]
    assert all(row[1] == f"Z3A{row[7]}" and row[2] is None for row in rows)


SEVERAL_CATEGORIES = {"mtm_conditions"}
"""Hypertensive heart disease with heart failure (I11.0, I13.0, I13.2) is two of the programme's diseases."""


@pytest.mark.parametrize("name", sorted(read_value_sets()))
def test_rows_hold_official_codes_and_do_not_overlap(names, name: str) -> None:
    all_rows = value_set_rows(name, None)
    # A code of such a set may stand for several categories, one of the others for one.
    parts = {row[7] for row in all_rows} if name in SEVERAL_CATEGORIES else {None}
    for part, system, form in product(parts, {row[3] for row in all_rows}, {row[8] for row in all_rows}):
        rows = [row for row in all_rows if part is None or row[7] == part]
        spans = sorted((row[1], row[2] or row[1]) for row in rows if (row[3], row[8]) == (system, form))
        assert [pair for pair in pairwise(spans) if pair[1][0] <= pair[0][1]] == []
        if system == "icd10cm":
            unknown = {first for first, last in spans if not any(first <= code <= last for code in names)}
            assert unknown <= SPARE.get(name, set())
