"""The command that outlives its night: whatever ends that one, the operator has one line, status 1 and a record.

The night here is a stand-in that begins, says so and does what its first argument says.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from assets.engine.run_record import is_held, lock_file
from tests.integration.nightly_run import ROOT, write_settings

pytestmark = pytest.mark.survival("faults")

STAND_IN = """
import os, signal, sys, time, types
signal.signal(signal.SIGINT, signal.default_int_handler)
own, how = os.getpid(), sys.argv.pop(1)

def launch(*, output, as_of, **_):
    from assets.engine.run_record import begin, end, lock, lock_file
    held = lock(lock_file(output))
    begin(output, as_of, "a-run")
    if how.startswith("published"):
        end(output, as_of, "a-run")
    if "killed" in how:
        os.kill(os.getpid(), signal.SIGKILL)
    if "aborted" in how:
        os.abort()
    if how == "long":
        try:
            print("at work", flush=True)
            time.sleep(60)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
            time.sleep(0.5)
            raise
    return output

stand_in = types.ModuleType("pipelines.launch")
stand_in.launch = launch
sys.modules["pipelines.launch"] = stand_in
from pipelines.entry import command
status = command()
if os.getpid() == own:
    print("parent imported", sorted({"argparse", "subprocess", "logging", "pathlib", "assets", "ctypes"} & set(sys.modules)))
sys.exit(status)
"""


class Begun:
    """A command that runs."""

    def __init__(self, tmp_path: Path, how: str) -> None:
        self.output, self.told = tmp_path / "output", tmp_path / "told.json"
        program = tmp_path / "tell"
        program.write_text(f"#!/bin/sh\ncat > {self.told}\n", encoding="utf-8")
        program.chmod(0o700)
        settings = write_settings(tmp_path / "settings.toml", {"command = []": f'command = ["{program}"]'})
        options = [
            "--input",
            str(tmp_path),
            "--output",
            str(self.output),
            "--as-of",
            "2026-06-30",
            "--config",
            settings,
        ]
        self.process = subprocess.Popen(
            [sys.executable, "-c", STAND_IN, how, "run", *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip

    def end(self) -> tuple[int, str, str]:
        out, error = self.process.communicate(timeout=60)
        return self.process.returncode, out, error

    def record(self) -> dict[str, str]:
        return json.loads((self.output / ".warehouse" / "last_run.json").read_text(encoding="utf-8"))


@pytest.fixture
def begin(tmp_path: Path) -> Callable[[str], Begun]:
    return lambda how: Begun(tmp_path, how)


@pytest.mark.parametrize(("how", "name"), [("killed", "9 (SIGKILL)"), ("aborted", "6 (SIGABRT)")])
def test_a_night_that_is_killed_is_told_in_one_line(begin: Callable[[str], Begun], how: str, name: str) -> None:
    night = begin(how)
    status, _, error = night.end()
    assert status == 1
    line = error.rstrip().splitlines()[-1]
    assert line.startswith(f"error: run: ended by signal {name}; where memory ran out ")
    assert "Traceback" not in error
    record = night.record()
    assert (record["outcome"], record["run_id"]) == ("failed", "a-run")
    assert f"error: {record['error']}" == line
    message = json.loads(night.told.read_text(encoding="utf-8"))
    assert (message["event"], message["as_of"]) == ("night_failed", "2026-06-30")
    assert f"error: {message['found']}" == line


def test_a_night_that_dies_once_published_is_published(begin: Callable[[str], Begun]) -> None:
    night = begin("published, then aborted")
    status, _, error = night.end()
    assert status == 0
    assert error.splitlines() == ["run: ended by signal 6 (SIGABRT) when the night was published already"]
    assert night.record()["outcome"] == "published"
    assert not night.told.exists()


def test_the_night_of_an_earlier_run_is_not_taken_for_this_one(begin: Callable[[str], Begun]) -> None:
    """A night is run again, and its process is killed before it has begun."""
    assert begin("published").end()[0] == 0
    time.sleep(1.1)
    night = begin("killed")
    assert night.end()[0] == 1
    assert night.record()["outcome"] == "failed"


def test_the_parent_imports_next_to_nothing_and_hands_the_status_on(begin: Callable[[str], Begun]) -> None:
    status, out, error = begin("published").end()
    assert (status, error) == (0, "")
    assert "parent imported []" in out
    assert "night:     " in out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_a_signal_reaches_the_night_once(begin: Callable[[str], Begun], number: signal.Signals) -> None:
    night = begin("long")
    assert night.process.stdout.readline() == "at work\n"
    night.process.send_signal(number)
    status, out, error = night.end()
    assert status == 1
    assert out.splitlines()[0] == "interrupted"
    assert error.splitlines() == ["error: interrupted; the night before it is still published"]


def test_a_command_that_is_killed_takes_its_night_along(begin: Callable[[str], Begun]) -> None:
    night = begin("long")
    assert night.process.stdout.readline() == "at work\n"
    assert is_held(lock_file(night.output))
    night.process.kill()
    # The end of its output is the end of the last process that held it.
    assert night.end()[0] == -signal.SIGKILL
    assert not is_held(lock_file(night.output))


# As compiled modules do that import others: an interrupt comes out of them as an ImportError.
SLOW_IMPORT = """
print('importing', flush=True)
try:
    import time
    time.sleep(60)
except KeyboardInterrupt:
    raise ImportError from None
"""


@pytest.mark.parametrize("module", ["cli", "launch"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_a_signal_while_the_program_is_imported_is_one_line(
    tmp_path: Path, number: signal.Signals, module: str
) -> None:
    package = tmp_path / "pipelines"
    package.mkdir()
    (package / "__init__.py").touch()
    (tmp_path / "assets").symlink_to(ROOT / "assets")
    for name in ("entry.py", "cli.py"):
        shutil.copy(ROOT / "pipelines" / name, package)
    (package / f"{module}.py").write_text(SLOW_IMPORT, encoding="utf-8")
    begin = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); import sys, pipelines.entry as e; "
    )
    with subprocess.Popen(
        [sys.executable, "-c", begin + "sys.exit(e.command())", "run", "--input", ".", "--output", "output"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    ) as process:  # fmt: skip
        assert process.stdout.readline() == "importing\n"
        process.send_signal(number)
        _, error = process.communicate(timeout=20)
    assert process.returncode == 1
    assert error.splitlines() == ["error: interrupted; the night before it is still published"]


def test_every_way_to_start_the_command_begins_there() -> None:
    assert 'caregaps = "pipelines.entry:command"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "pipelines.cli", "run", "--as-of", "x"],
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert run.returncode == 1
    names = [line.rpartition("|")[2].strip() for line in run.stderr.splitlines() if line.startswith("import time:")]
    assert names.index("pipelines.entry") < names.index("argparse"), "signals come first"
    assert run.stderr.splitlines()[-1] == "error: --as-of: found 'x'; a date YYYY-MM-DD is expected"


def test_too_few_addresses_are_told_before_anything_is_imported(tmp_path: Path) -> None:
    def little() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (1_500_000_000,) * 2)

    run = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "run", "--input", ".", "--output", tmp_path / "output"],
        capture_output=True, text=True, cwd=ROOT, check=False, preexec_fn=little,
    )  # fmt: skip
    assert run.returncode == 1
    assert run.stderr.startswith("error: memory: found 0.00 GB, by machine, cgroup and ulimit -v less 2 GB; at least")
    assert run.stderr.count("\n") == 1
