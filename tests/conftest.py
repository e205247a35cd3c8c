"""Fixtures of every test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.story import Story


@pytest.fixture(scope="session")
def _teller() -> Story:
    return Story()


SHARED_NIGHTS = {"delivery", "first_night", "season"}
"""Fixtures of `tests/integration/conftest.py` that cost a night: modules that share one stay on one core."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep on one core what shares costly fixtures: a module, or all modules that read the shared nights."""
    nights = {item.path for item in items if SHARED_NIGHTS & set(getattr(item, "fixturenames", ()))}
    for item in items:
        item.add_marker(pytest.mark.xdist_group("nights" if item.path in nights else item.path.stem))
        if mark := item.get_closest_marker("survival"):
            # Reports carry it from the processes that run the tests.
            item.user_properties.append(("survival", mark.args[0]))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """With `-m survival`, count the cases by area."""
    if "survival" not in (config.option.markexpr or ""):
        return
    counts: dict[str, Counter[str]] = {}
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, area in getattr(report, "user_properties", ()):
                if name == "survival":
                    counts.setdefault(area, Counter())[outcome] += 1
    terminalreporter.section("what a night survives")
    terminalreporter.line(f"{'area':<32}{'cases':>8}{'passed':>8}{'failed':>8}{'skipped':>8}")
    for area, found in [*sorted(counts.items()), ("all", sum(counts.values(), Counter()))]:
        failed = found["failed"] + found["error"]
        terminalreporter.line(f"{area:<32}{found.total():>8}{found['passed']:>8}{failed:>8}{found['skipped']:>8}")


@pytest.fixture
def story(_teller: Story, request: pytest.FixtureRequest) -> Callable[..., None]:
    """Tell a story: `story(given={table: rows}, expect=rows)`; see `tests/story.py`.

    A module's `MODEL` and `AS_OF` serve stories that name none; its `GIVEN` tables are there unless a story gives its own.
    """

    def tell(
        *,
        given: Mapping[str, str],
        expect: str | Mapping[str, str],
        model: str | None = None,
        as_of: str | None = None,
        **params: Any,
    ) -> None:
        __tracebackhide__ = True
        module = request.module
        everything = {**getattr(module, "GIVEN", {}), **given}
        _teller.tell(model or getattr(module, "MODEL", ""), as_of or module.AS_OF, everything, expect, params)

    return tell
