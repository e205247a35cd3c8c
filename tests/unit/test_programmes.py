"""The registry of programmes: what the file may say, and the one line that tells where it says something else."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from assets.engine.errors import SettingsError
from assets.engine.programme_registry import (
    PROGRAMME_TABLES,
    check_programmes,
    listed_codes,
    read_programmes,
)
from assets.engine.registry import read_families
from assets.engine.registry_file import parse_yaml

GOOD: dict[str, Any] = {
    "calls": {
        "title": "Calls",
        "source": "A contract",
        "gap_families": ["adherence"],
        "populations": ["everyone"],
        "weekly_capacity": 5,
        "phases": [{"start": "2026-01-01", "states": ["NC", "TX"]}, {"start": None}],
        "services": {
            "CALL": {"completed": ["REACHED_COMPLETED"], "attempted": ["UTR3"], "once_per": "quarter"},
        },
    }
}


def changed(where: str, value: Any) -> dict[str, Any]:
    """The good file with one value at a dotted place; a new key is allowed."""
    content = copy.deepcopy(GOOD)
    *way, last = where.split(".")
    at: Any = content
    for key in way:
        at = at[int(key)] if isinstance(at, list) else at[key]
    at[int(last) if isinstance(at, list) else last] = value
    return content


def test_the_good_file_is_good() -> None:
    programme = check_programmes(GOOD)["calls"]
    assert programme.weekly_capacity == 5
    assert programme.phases[0].states == ("NC", "TX")


BAD = {
    "calls.phases.0.states": (["TX", "ZZ"], "calls.phases.0.states: found ['ZZ']; states are"),
    "calls.phases.1": ({"start": "2026-02-01", "states": ["TX"]}, "calls.phases: found ['TX'] in two phases"),
    "calls.phases.0": ({"start": "2026-01-01"}, "calls.phases: found ['every state'] in two phases"),
    "calls.phases.0.start": ("someday", "calls.phases.0.start: input should be a valid date"),
    "calls.phases": ([], "calls.phases: tuple should have at least 1 item"),
    "calls.gap_families": (["adherance"], "calls.gap_families: found ['adherance']; families are adherence, care_"),
    "calls.populations": (["everybody"], "calls.populations.0: input should be 'everyone'"),
    "calls.weekly_capacity": (-1, "calls.weekly_capacity: input should be greater than or equal to 0"),
    "calls.services.CALL.completed": (["REFERRED"], "found ['REFERRED']; outcomes that pay as completed are"),
    "calls.services.CALL.attempted": (["REACHED_COMPLETED"], "found ['REACHED_COMPLETED']; outcomes that pay as attempt"),
    "calls.services.CALL.gap_codes": (["PNV_NONE"], "CALL.gap_codes: found ['PNV_NONE']; gap codes of its families"),
    "calls.services.CALL.once_per": ("week", "once_per: input should be 'month', 'quarter' or 'year'"),
    "calls.services.OTHER": (
        {"completed": ["REACHED_COMPLETED"], "once_per": "year"}, "OTHER: found ADHERENCE_AT_RISK, which CALL serves",
    ),
    "calls.services.call": ({"completed": ["REACHED_COMPLETED"], "once_per": "year"}, "string should match pattern"),
    "calls.price": (12, "calls.price: extra inputs are not permitted"),
    "calls": (None, "calls: input should be a valid dictionary"),
}  # fmt: skip


@pytest.mark.parametrize("where", BAD)
def test_what_the_file_may_not_say_is_one_line(where: str) -> None:
    value, line = BAD[where]
    with pytest.raises(SettingsError) as refused:
        check_programmes(changed(where, value))
    message = str(refused.value)
    assert message.startswith("programmes.yaml: ")
    assert line in message
    assert "\n" not in message


def test_community_resources_need_somebody_to_offer_to() -> None:
    with pytest.raises(SettingsError, match=r"calls.populations: found 'everyone' for community_resource"):
        check_programmes(changed("calls.gap_families", ["community_resource"]))


@pytest.mark.parametrize("content", [None, [], "calls"])
def test_a_file_without_programmes_is_one_line(content: Any) -> None:
    with pytest.raises(SettingsError, match=r"programmes.yaml: found no programmes"):
        check_programmes(content)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("calls: {title: a}\ncalls: {title: b}\n", "line 1: found ['calls'] twice"),
        ("calls:\n  - {start: 2027-01-01, states: [OH}\n", "line 2: "),
        ("calls:\n\t- a\n", "line 2: "),
    ],
)
def test_what_is_no_yaml_names_its_line(text: str, line: str) -> None:
    with pytest.raises(SettingsError, match=r"^programmes.yaml: ") as refused:
        parse_yaml("programmes.yaml", text)
    assert line in str(refused.value)


def test_one_line_starts_a_programme_in_a_state() -> None:
    before = check_programmes(changed("calls.phases", [{"start": "2026-01-01", "states": ["TX"]}]))["calls"].phases
    after = check_programmes(
        changed("calls.phases", [{"start": "2026-01-01", "states": ["TX"]}, {"start": "2027-01-01", "states": ["OH"]}])
    )["calls"].phases
    assert after[: len(before)] == before
    assert (str(after[-1].start), after[-1].states) == ("2027-01-01", ("OH",))


def test_every_family_is_in_a_programme_of_the_seed_and_every_listed_code_has_a_service() -> None:
    programmes = read_programmes()
    named = {family for p in programmes.values() for family in p.gap_families}
    assert {"adherence", "care_transition", "community_resource", "diabetes", "medication_review"} <= named
    assert {"prenatal_supply", "provider_desert"} <= named
    served = {code for _, code, service, _ in PROGRAMME_TABLES["programme_service"]() if service}
    # What can no longer be closed is never listed.
    assert {code for family in named for code in listed_codes()[family]} - served == {"ADHERENCE_LOST"}


def test_a_public_code_belongs_to_its_public_family() -> None:
    public = {c.public_code for f in read_families().values() for c in f.codes.values() if c.public_code}
    assert {"REFILL_REVIEW", "CHECK_IN", "SAFETY_KIT"} <= set(listed_codes()["medication_review"])
    assert public <= {code for codes in listed_codes().values() for code in codes}


def test_nothing_that_lists_show_of_a_programme_speaks_of_a_pregnancy() -> None:
    """Maternal 1.7, L6: programme and service stand on lists."""
    shown = [*read_programmes(), *(s for p in read_programmes().values() for s in p.services)]
    assert not [text for text in shown for word in ("pregnan", "baby", "maternal", "prenatal") if word in text.lower()]
