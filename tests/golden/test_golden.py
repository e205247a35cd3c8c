"""Golden lists: what two states are asked to do for a small seeded sample, small enough to read.

`make golden` writes them anew; the difference is reviewed like code.
"""

from __future__ import annotations

import csv
import datetime
import difflib
import io
from pathlib import Path

import duckdb
import pytest

from assets.engine.night import Night
from assets.engine.settings import read_settings
from sample_data.generate import generate
from tests.integration.growing_plan import publish_night, report_of_two_lines, workshop

HERE = Path(__file__).parent
STATES = ("NC", "TX")
MEMBERS, SEED, AS_OF = 300, 11, datetime.date(2026, 6, 30)
COLUMNS = (
    "pharmacy_npi, list_rank, priority_band, person_id, gap_code, subject, due_date, days_left, score, severity, urgency, "
    "confidence, social, channel_reach, reason"
)


@pytest.fixture(scope="module")
def worklists(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lists of one night on the sample, with the shipped settings."""
    sample, output = tmp_path_factory.mktemp("sample"), tmp_path_factory.mktemp("golden") / "output"
    generate(MEMBERS, SEED, sample)
    with report_of_two_lines(), workshop(output.parent / "working.duckdb") as con:
        publish_night(con, Night(AS_OF, sample, output, read_settings()))
    return output / f"as_of={AS_OF}" / "worklists"


def as_text(worklists: Path, state: str) -> str:
    """A state's list as CSV."""
    with duckdb.connect() as con:
        found = con.execute(
            f"select {COLUMNS} from read_parquet('{worklists}/state={state}/worklist.parquet', hive_partitioning = false) "
            "order by pharmacy_npi, list_rank"
        )
        names = [d[0] for d in found.description]
        rows = found.fetchall()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
    return text.getvalue()


@pytest.mark.parametrize("state", STATES)
def test_list_of_the_state_is_the_reviewed_one(worklists: Path, state: str, request: pytest.FixtureRequest) -> None:
    golden, found = HERE / f"{state}.csv", as_text(worklists, state)
    if request.config.getoption("rewrite_golden", default=False):
        golden.write_text(found, encoding="utf-8")
    expected = golden.read_text(encoding="utf-8")
    difference = difflib.unified_diff(
        expected.splitlines(), found.splitlines(), f"{state}.csv", "tonight", lineterm="", n=0
    )
    assert expected == found, "run `make golden` and review:\n" + "\n".join(difference)


def test_golden_lists_are_small_and_not_empty() -> None:
    for state in STATES:
        lines = (HERE / f"{state}.csv").read_text(encoding="utf-8").splitlines()
        assert 2 <= len(lines) <= 80, state
