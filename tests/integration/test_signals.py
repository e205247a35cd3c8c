"""A night that is asked to end, or is killed: one line where there can be one, and the next run is as if nothing had been."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from assets.engine.run_record import is_held, lock_file
from tests.integration.nightly_run import ROOT

pytestmark = pytest.mark.survival("faults")

# The command with a job of one step, which is long at work: in a query, or in Python.
# A test run in the background of a shell hands on that SIGINT is ignored; a person at a terminal does not.
LONG_NIGHT = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
import dagster as dg
import pipelines.launch
from assets import publication
from assets.resources import NightResource
from pipelines import nightly
from pipelines.cli import main

@dg.asset(partitions_def=publication.nights(None, "UTC"))
def work(context, night: NightResource) -> None:
    with night.open(context.run) as (con, _):
        print("at work", flush=True)
        if sys.argv[1] == "query":
            con.execute("select max(hash(a.range + b.range)) from range(3000000) a, range(3000000) b").fetchall()
        time.sleep(120)

def definitions(last_night=None):
    return dg.Definitions(
        assets=[work], jobs=[nightly.job()], resources={"night": NightResource()}, executor=dg.in_process_executor
    )

pipelines.launch.build_defs = definitions
sys.exit(main(sys.argv[2:]))
"""


@pytest.fixture
def delivery(tmp_path: Path) -> Path:
    folder = tmp_path / "input"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("where", ["query", "python"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ids=lambda n: n.name)
def test_a_night_that_is_stopped(delivery: Path, tmp_path: Path, number: signal.Signals, where: str) -> None:
    output, storage = tmp_path / "output", tmp_path / "storage"
    storage.mkdir()
    environment = {
        **os.environ, "DAGSTER_HOME": str(ROOT), "CAREGAPS_DAGSTER_STORAGE": str(storage), "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    night = ["run", "--input", str(delivery), "--output", str(output), "--as-of", "2026-06-30"]
    with subprocess.Popen(
        [sys.executable, "-c", LONG_NIGHT, where, *night],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=environment,
    ) as process:  # fmt: skip
        assert process.stdout.readline() == "at work\n"
        assert is_held(lock_file(output))
        process.send_signal(number)
        _, error = process.communicate(timeout=60)
    assert not is_held(lock_file(output))
    record = json.loads((output / ".warehouse" / "last_run.json").read_text(encoding="utf-8"))
    if number == signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
        assert record["outcome"] == "running", "the lock that nobody holds tells that it was killed"
    else:
        assert process.returncode == 1
        assert error.rstrip().splitlines()[-1].startswith("error: run: interrupted; the night before it is still")
        assert "Traceback" not in error
        assert record["outcome"] == "failed"
    assert not (output / "latest").exists()
