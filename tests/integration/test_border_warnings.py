"""What a border found reaches the manifest and the pages as words that give no small count back."""

from __future__ import annotations

import json
from collections.abc import Iterator

import duckdb
import pytest

from assets.engine.quality import ExpectationResult, keep_results
from tests.faults.prepared import NIGHT, Publish


@pytest.fixture
def urgent(prepared: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All rows of lists but five of 246 are urgent."""
    told = ExpectationResult(
        "outreach", "few_rows_are_urgent", "warning", False, 0.9797, "Urgent rows are a minority.", "at most 0.5"
    )
    keep_results(prepared, "outreach", [told])
    yield
    keep_results(prepared, "outreach", [])


@pytest.mark.usefixtures("urgent")
def test_a_share_out_of_bounds_is_told_by_its_tenth(publish: Publish) -> None:
    folder = publish(NIGHT, "urgent").folder
    warning = "outreach border: Urgent rows are a minority. Found 0.9 to 1."
    assert warning in json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["warnings"]
    assert ">0.9 to 1<" in (folder / "report" / "quality.html").read_text(encoding="utf-8")
    for path in (folder / "manifest.json", folder / "report" / "quality.html"):
        assert "0.9797" not in path.read_text(encoding="utf-8")
