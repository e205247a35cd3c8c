"""The trimester set is what the official titles say, never what a digit's position suggests."""

from __future__ import annotations

import csv
from importlib.util import find_spec

import pytest

from assets.engine import trimester

# Not imported here: that reads every code there is, in each process that collects.
pytestmark = pytest.mark.skipif(find_spec("simple_icd_10_cm") is None, reason="simple_icd_10_cm is not installed")


@pytest.fixture(scope="module")
def names() -> dict[str, str]:
    return trimester.titles()


@pytest.fixture(scope="module")
def told(names) -> dict[str, str]:
    return trimester.trimesters(names)


def test_the_file_is_current(names) -> None:
    with trimester.FILE.open(encoding="utf-8", newline="") as lines:
        _, *rows = csv.reader(lines)
    assert rows == trimester.trimester_rows(names), "run `python -m assets.engine.trimester`"


def test_the_rows_hold_exactly_the_codes_whose_title_tells_a_trimester(names, told) -> None:
    held = {}
    for first, last, *_, category in trimester.trimester_rows(names):
        for code in (code for code in names if code[0] in "OZ"):
            if first <= code <= (last or first):
                assert code not in held, f"{code} is held twice"
                held[code] = category
    assert held == told


def test_the_file_is_written_as_it_stands(tmp_path) -> None:
    written = tmp_path / "pregnancy_trimester.csv"
    assert trimester.write(written) == len(trimester.FILE.read_text(encoding="utf-8").splitlines()) - 1
    assert written.read_bytes() == trimester.FILE.read_bytes()


@pytest.mark.parametrize(
    "code, expected",
    [
        ("Z3401", "first"),
        ("Z3402", "second"),
        ("Z3403", "third"),
        ("O09511", "first"),
        ("O09512", "second"),
        ("O09513", "third"),
        ("O30001", "first"),
        ("O111", "first"),  # the fourth character tells it here
        ("O2412", None),  # childbirth, though the digit says second
        ("O99212", "second"),
        ("O360111", "first"),  # the seventh character is the fetus
        ("O360123", "second"),
        ("O360135", "third"),
        ("O360193", None),
        ("O24410", None),  # diet controlled: the title tells no trimester
        ("O30009", None),
        ("Z3400", None),
        ("Z3A12", None),
        ("O364XX1", None),  # a loss
        ("O3112X0", None),  # a hold
        ("O3101X0", None),  # a papyraceous fetus, a hold too
        ("O42012", None),  # intrapartum
        ("O6013X0", None),  # two trimesters and a delivery
        ("O1003", None),  # puerperium
    ],
)
def test_hand_checked_examples(names, told, code: str, expected: str | None) -> None:
    assert code in names
    assert told.get(code) == expected
