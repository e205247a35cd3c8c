"""The golden lists' one option."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """`pytest tests/golden --rewrite-golden`: write the lists anew; the difference is reviewed like code."""
    parser.addoption("--rewrite-golden", action="store_true", help="write tests/golden/<STATE>.csv anew")
