"""Rules of tests and of specialty medicines are refused with one clear line where they say something impossible."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from assets.engine import monitoring_registry, specialty_registry
from assets.engine.errors import SettingsError
from assets.engine.registry_file import read_yaml


def rule_of(count: int) -> dict[str, Any]:
    """So many tests of one rule."""
    return {f"test {number}": [{"value_set": "a1c_tests"}] for number in range(count)}


WRONG: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "a medicine and a subject": (lambda rules: rules["methotrexate_group"].update(subject="x"), "methotrexate_group"),
    "a start without its frame": (lambda rules: rules["tuberculosis"].update(frame="rolling"), "tuberculosis"),
    "a year with days": (lambda rules: rules["eye"].update(days=365), "eye"),
    "four tests": (lambda rules: rules["a1c"].update(tests=rule_of(4)), "tests: .* at most 3"),
    "an unknown word": (lambda rules: rules["a1c"].update(dayz=365), "dayz"),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_impossible_rule_is_refused_by_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil, told = WRONG[name]
    rules = copy.deepcopy(read_yaml("monitoring_rules.yaml"))
    spoil(rules)
    monkeypatch.setattr(monitoring_registry, "read_yaml", lambda _: rules)
    with pytest.raises(SettingsError, match=r"monitoring_rules\.yaml: .*" + told):
        monitoring_registry.read_monitoring_rules.__wrapped__()


def test_three_tests_are_not_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = copy.deepcopy(read_yaml("monitoring_rules.yaml"))
    rules["a1c"].update(tests=rule_of(3))
    monkeypatch.setattr(monitoring_registry, "read_yaml", lambda _: rules)
    assert len(monitoring_registry.read_monitoring_rules.__wrapped__()["a1c"].tests) == 3


def test_a_year_without_an_amount_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = copy.deepcopy(read_yaml("specialty_rules.yaml"))
    rules["medication_therapy_management"]["years"][2027] = {}
    monkeypatch.setattr(specialty_registry, "read_yaml", lambda _: rules)
    with pytest.raises(SettingsError, match=r"years\.2027\.cost_threshold"):
        specialty_registry.read_specialty_rules.__wrapped__()


def test_phases_follow_each_other_without_a_hole() -> None:
    """A day has one phase: each ends the day before the next begins, the last with the rule."""
    for rule in specialty_registry.read_specialty_rules().refills.values():
        rows = [row for row in specialty_registry.SPECIALTY_TABLES["refill_phase"]() if row[1] == rule.gap_code]
        days = [day for row in rows for day in range(row[4], row[5] + 1)]
        assert days == list(range(rule.phases[0].from_day, rule.last_day + 1))
        assert {row[7] for row in rows} == {45}
