"""The words of the pages: abbreviations as they are written, in one place for charts and tables."""

from __future__ import annotations

import pytest

from assets.engine.access_registry import read_access
from assets.engine.contract import all_contracts
from assets.engine.registry import read_families, read_measures
from assets.engine.report.words import ABBREVIATIONS, plain
from assets.engine.suite import BORDERS, expectation_specs

# Words of three letters or fewer that are written out; any other so short is an abbreviation.
SHORT_WORDS = {"a", "are", "arm", "as", "at", "by", "car", "day", "due", "eye", "few", "flu", "gap", "has", "in", "is",
               "its", "kit", "lab", "med", "no", "not", "of", "one", "per", "row", "set", "use"}  # fmt: skip
# Longer ones of the registry.
LONG_ABBREVIATIONS = {"copd", "doac", "dsmt", "ogtt", "supd", "tdap", "zcta", "npis", "ndcs"}


def registered() -> list[str]:
    """Every name of the registry that a page can show: families, codes, measures, services, tables, expectations."""
    families = read_families()
    names = [*families, *read_measures().measures, *read_access().services]
    for family in families.values():
        for code, told in family.codes.items():
            names += [name for name in (code, told.public_code, told.public_family) if name]
    names += [contract.key[1] for contract in all_contracts("raw")]
    return sorted({*names, *(name for border in BORDERS for name, _, _ in expectation_specs(border))})


def test_every_short_word_of_the_registry_is_a_word_or_a_known_abbreviation() -> None:
    words = {word for name in registered() for word in name.lower().split("_")}
    assert {"mtm", "supd", "pcp", "zcta", "pdc"} <= words
    assert {word for word in words if len(word) <= 3} - SHORT_WORDS <= ABBREVIATIONS.keys()
    assert words & LONG_ABBREVIATIONS <= ABBREVIATIONS.keys()


@pytest.mark.parametrize("name", registered())
def test_a_registered_name_is_shown_with_its_abbreviations(name: str) -> None:
    told = f" {plain(name).replace('OB/GYN', 'OB GYN')} "
    for word in name.lower().split("_"):
        spelt = ABBREVIATIONS.get(word, word)
        assert f" {spelt} " in told or told.startswith(f" {spelt[:1].upper()}{spelt[1:]} ")
    assert told[1:2] == told[1:2].upper()


def test_no_two_codes_are_shown_alike() -> None:
    """A chart has one bar per name."""
    codes = {code for family in read_families().values() for code in family.codes}
    assert len({plain(code) for code in codes}) == len(codes)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mtm", "MTM"),
        ("ob_gyn", "OB/GYN"),
        ("zcta", "ZCTA"),
        ("PD_PCP", "PD PCP"),
        ("PNV_LATE", "PNV late"),
        ("BP", "BP"),
        ("TDAP", "Tdap"),
        ("GDM_PP_OGTT", "GDM postpartum OGTT"),
        ("unknown_ndc", "Unknown NDC"),
        ("few_dispensing_npis_are_invalid", "Few dispensing NPIs are invalid"),
        ("ADHERENCE_AT_RISK", "Adherence at risk"),
        ("primary_care", "Primary care"),
        ("none", "None"),
    ],
)
def test_a_name_as_words(name: str, words: str) -> None:
    assert plain(name) == words
