"""Fixtures of every test."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.story import Story

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def teller() -> Story:
    """The warehouse of the stories, one for each process."""
    return Story()


SHARED_NIGHTS = {"delivery", "first_night", "season"}
"""Fixtures of `tests/integration/conftest.py` that cost a night: modules that share one stay on one core."""


def reads_shared_nights(path: Path) -> bool:
    """Whether a test or a fixture of the module asks for a shared night."""
    functions = (n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.FunctionDef))
    return any(SHARED_NIGHTS & {argument.arg for argument in function.args.args} for function in functions)


class Cores(LoadScopeScheduling):
    """Keep on one core what shares costly fixtures: a module, or all modules that read the shared nights.

    `--dist loadgroup` would do, but with pytest 9.2 it groups nothing and says nothing (pytest-xdist issue 1386).
    """

    def __init__(self, config: pytest.Config, log: Any) -> None:
        super().__init__(config, log)
        # In order of collection, which begins with whole nights; the many small modules of the end fill both cores.
        config.option.loadscopereorder = False
        self.nights = {path.name for path in HERE.glob("integration/test_*.py") if reads_shared_nights(path)}

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.split("::", 1)[0]
        return "nights" if path.rsplit("/", 1)[-1] in self.nights else path


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Cores:
    """How the tests are handed to the cores."""
    return Cores(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let reports carry a test's area: they come from the processes that run the tests."""
    for item in items:
        if mark := item.get_closest_marker("survival"):
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
def story(teller: Story, request: pytest.FixtureRequest) -> Callable[..., None]:
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
        teller.tell(model or getattr(module, "MODEL", ""), as_of or module.AS_OF, everything, expect, params)

    return tell
