"""Registries of outreach: one meaning of a word, and nothing by which a protection could be lifted unawares."""

from __future__ import annotations

from typing import Any

import pytest

from assets.engine.errors import SettingsError
from assets.engine.outreach_registry import (
    check_contact_words,
    check_outreach_outcomes,
    meant_outcome,
    read_contact_words,
    read_outreach_outcomes,
)

DECLINED = {"title": "Declined", "also": ["REFUSED"]}
CHANNELS: dict[str, Any] = {"channels": {"phone": ["call"]}, "scopes": {"programme": {"words": ["program"]}}}


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ({"DECLINED": DECLINED, "SAID_NO": DECLINED}, "found 'REFUSED' for SAID_NO beside DECLINED; one meaning of a word"),
        ({"DECLINED": DECLINED, "RE_FUSED": {"title": "No"}}, "found 'RE_FUSED' for RE_FUSED beside DECLINED"),
        ({"ALIVE": DECLINED | {"lifts": True}}, "ALIVE.also: found ['REFUSED']; what lifts has no other word"),
        ({"DECLINED": DECLINED | {"also": ["said no"]}}, "DECLINED.also.0: string should match"),
        ({"DECLINED": DECLINED | {"also": ["_"]}}, "DECLINED.also.0: string should match"),
    ],
)  # fmt: skip
def test_outcomes_that_are_refused(content: dict[str, Any], line: str) -> None:
    with pytest.raises(SettingsError) as refused:
        check_outreach_outcomes(content)
    assert line in str(refused.value)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (CHANNELS | {"channels": {"phone": ["call"], "mail": ["call"]}}, "channels: found 'call' for mail beside phone"),
        (CHANNELS | {"channels": {"telepathy": ["think"]}}, "channels.telepathy"),
        (CHANNELS | {"channels": {"phone": ["Call"]}}, "channels.phone.0: string should match"),
        (CHANNELS | {"scopes": {"programme": {}, "phone": {"words": ["programme"]}}}, "scopes: found 'programme' for phone"),
        (CHANNELS | {"scopes": {"programme": {"word": ["program"]}}}, "scopes.programme.word"),
    ],
)  # fmt: skip
def test_words_that_are_refused(content: dict[str, Any], line: str) -> None:
    with pytest.raises(SettingsError) as refused:
        check_contact_words(content)
    assert line in str(refused.value)


def test_the_shipped_words() -> None:
    """What holds contact back is binding; what lifts stands for itself; the channels of the outcome sheet are known."""
    outcomes = read_outreach_outcomes()
    assert all(outcome.binding for outcome in outcomes.values() if outcome.loss)
    assert {code for code, outcome in outcomes.items() if outcome.lifts} == {
        "ALIVE_CONFIRMED",
        "LOSS_MISCODED_CONFIRMED",
    }
    assert meant_outcome("Opted out (by phone)") == "OPT_OUT"
    assert meant_outcome("Spoke to husband") is None
    assert "inperson" in read_contact_words().channels["other"]
