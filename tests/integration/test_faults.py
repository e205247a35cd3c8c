"""Faults: whatever write fails and however the process ends, readers see the old night or the complete new one.

A file layer below the publisher fails at every call that changes something; `tests/faults` holds it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.faults.trials import FAILURES, FULLY, QUICKLY, SCENARIOS
from tests.integration.nightly_run import ROOT

COMPILER = shutil.which("cc") or shutil.which("gcc")
THOROUGH = "CAREGAPS_THOROUGH"

pytestmark = [
    pytest.mark.survival("faults"),
    pytest.mark.timeout(1800),
    pytest.mark.skipif(COMPILER is None, reason="no C compiler on the PATH: the file layer is built with it"),
    pytest.mark.skipif(sys.platform != "linux", reason="the file layer is Linux's"),
]


def trials(folder: Path, *options: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The verdicts of all attempts, by scenario and failure."""
    layer = folder / "layer.so"
    subprocess.run(
        [COMPILER, "-shared", "-fPIC", "-O2", "-o", layer, ROOT / "tests" / "faults" / "layer.c", "-ldl"], check=True
    )
    for name in ("work", "temporary"):
        (folder / name).mkdir()
    environment = {
        **os.environ, "LD_PRELOAD": str(layer), "PYTHONPATH": str(ROOT), "TMPDIR": str(folder / "temporary"),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.trials", folder / "work", *options],
        capture_output=True, text=True, cwd=ROOT, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert "terminate called" not in done.stderr, done.stderr[-3000:]
    assert not list((folder / "temporary").iterdir()), "rows of people outside the output, which nobody would remove"
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {(v["scenario"], v["failure"]): v for v in found}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, Any]]:
    return trials(tmp_path_factory.mktemp("faults"))


def judge(verdict: dict[str, Any]) -> None:
    """No attempt left anything but the old night or the new one, and every error was one line."""
    assert verdict["wrong"] == []
    assert verdict["attempts"] > 10
    for message in verdict["messages"]:
        assert "\n" not in message
        assert "could not be written" in message or message.startswith("delivery.destination: the copy failed"), message
    assert "bug" not in verdict["outcomes"]


@pytest.mark.parametrize(
    ("scenario", "failure"), [(name, failure) for name in SCENARIOS for failure in QUICKLY.get(name, ("killed",))]
)
def test_readers_see_the_old_night_or_the_new_one(
    verdicts: dict[tuple[str, str], dict[str, Any]], scenario: str, failure: str
) -> None:
    """Each write's first and last call; of the other scenarios those from the sync on."""
    judge(verdicts[scenario, failure])


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.skipif(THOROUGH not in os.environ, reason="takes minutes; `make faults`")
def test_readers_see_the_old_night_or_the_new_one_at_every_single_write(tmp_path: Path) -> None:
    """Every call of every file, every table and format, five kinds of failure; every switch in every situation."""
    started = time.monotonic()
    found = trials(tmp_path, "--thorough")
    assert set(found) == {(scenario, failure) for scenario in SCENARIOS for failure in FAILURES}
    for verdict in found.values():
        judge(verdict)
    for failure in FAILURES:
        assert found[FULLY, failure]["attempts"] == found[FULLY, failure]["writes"] > 400
    tried = sum(verdict["attempts"] for verdict in found.values())
    print(f"\n{tried:,} calls failed, {time.monotonic() - started:,.0f} s")
