"""A disk that is really full, under the working warehouse, what its queries spill and the output; and too little memory.

Whatever it is too small for: one line, status 1, the night before in place, and with space the next run succeeds. The
disk is a small file system of memory where the machine lets one be mounted, else a limit on the size of a file.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration.nightly_run import ROOT

pytestmark = [pytest.mark.survival("faults"), pytest.mark.timeout(1800)]

OWN_MOUNTS = ["unshare", "--user", "--map-root-user", "--mount"]
FULL = ("could not be written (", "the disk ran out; free space beside the warehouse")
MEMORY = "working.duckdb: memory ran out; raise limits.memory_gb in settings.toml"

CASES = {
    "no room at all": FULL,
    "room for a tenth of a night": FULL,
    "room for half a night": FULL,
    "half the room when publication begins": FULL,
    # What cannot be spilled must stay in memory: either of the two would help.
    "a disk that is full while a query spills": (*FULL, MEMORY),
    "too little memory": (MEMORY,),
}


def can_mount(folder: Path) -> bool:
    if shutil.which("unshare") is None:
        return False
    command = [*OWN_MOUNTS, "mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What became of each case."""
    folder = tmp_path_factory.mktemp("full")
    kind, prefix = ("tmpfs", OWN_MOUNTS) if can_mount(folder) else ("limit", [])
    done = subprocess.run(
        [*prefix, sys.executable, "-m", "tests.faults.full_disk", str(folder), kind],
        capture_output=True, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return {found["case"]: found for found in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("case", CASES)
def test_a_machine_that_is_too_small_leaves_the_night_before(told: dict[str, dict[str, Any]], case: str) -> None:
    found = told[case]
    assert found["status"] == 1
    assert found["lines"] == 1, found["error"]
    line = found["error"].rstrip().splitlines()[-1]
    assert line.startswith("error: ")
    assert any(words in line for words in CASES[case]), line
    assert "Traceback" not in found["error"]
    if "publication" in case:
        assert line.startswith("error: OUTPUT: could not be written ("), line
    assert found["is_as_before"], "readers see something else than the night before"
    assert found["left"] == [], "what was half-written takes the space that the next run needs"


def test_with_space_the_next_run_succeeds_without_help(told: dict[str, dict[str, Any]]) -> None:
    found = told["the next ordinary run"]
    assert found["status"] == 0, found["error"]
    assert found["is_whole"]
    assert set(told) == {*CASES, "the next ordinary run"}
