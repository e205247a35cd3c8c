"""Fixtures of every test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.story import Story


@pytest.fixture(scope="session")
def _teller() -> Story:
    return Story()


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
