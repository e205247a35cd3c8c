"""The examples of `deploy/`, as far as a machine without an engine can check them."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from assets.engine.model import ROOT
from pipelines.cli import parser

DEPLOY = ROOT / "deploy"
UNITS = sorted(p for p in DEPLOY.iterdir() if p.suffix in {".service", ".timer"})
ANALYZE = shutil.which("systemd-analyze")


def read(path: Path) -> configparser.ConfigParser:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read_string(path.read_text(encoding="utf-8"))
    return unit


def command_of(path: Path) -> list[str]:
    return shlex.split(read(path)["Service"]["ExecStart"])


@pytest.mark.parametrize("path", [p for p in UNITS if p.suffix == ".service"], ids=lambda p: p.name)
def test_a_service_runs_a_command_that_exists(path: Path) -> None:
    program, *arguments = command_of(path)
    assert program == "/opt/caregaps/.venv/bin/caregaps"
    parser().parse_args(arguments)
    assert read(path)["Service"]["User"] == "caregaps"


def test_the_night_is_walled_in() -> None:
    service = read(DEPLOY / "caregaps.service")["Service"]
    arguments = parser().parse_args(command_of(DEPLOY / "caregaps.service")[1:])
    assert service["UMask"] == "0077"
    assert service["PrivateNetwork"] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert service["ReadWritePaths"] == str(arguments.output)


def test_the_timer_fires_after_two_in_the_morning_and_after_an_outage() -> None:
    timer = read(DEPLOY / "caregaps.timer")["Timer"]
    assert timer["OnCalendar"] == "*-*-* 04:00:00", "02:30 does not exist on one night a year"
    assert timer["Persistent"] == "true"
    assert (DEPLOY / "caregaps.timer").with_suffix(".service").exists()


@pytest.mark.skipif(ANALYZE is None, reason="no systemd-analyze on the PATH")
@pytest.mark.parametrize("path", UNITS, ids=lambda p: p.name)
def test_systemd_knows_every_word(path: Path, tmp_path: Path) -> None:
    """Paths are those of the example: what is no word of systemd's is what must not be there."""
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8").replace("/opt/caregaps/.venv/bin/caregaps", "/bin/true")
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    told = subprocess.run(
        [ANALYZE, "verify", "--man=no", tmp_path / path.name],
        capture_output=True, text=True, check=False, env={**os.environ, "SYSTEMD_LOG_LEVEL": "warning"},
    )  # fmt: skip
    ours = [line for line in (told.stderr + told.stdout).splitlines() if str(tmp_path) in line]
    assert ours == []


INSTRUCTIONS = {"FROM", "RUN", "WORKDIR", "COPY", "ENV", "USER", "VOLUME", "STOPSIGNAL", "ENTRYPOINT", "CMD"}


def test_the_container_copies_what_is_there_and_ends_as_a_user() -> None:
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    lines = [line for line in re.sub(r"\\\n", " ", text).splitlines() if line.strip() and not line.startswith("#")]
    said = [line.split(maxsplit=1) for line in lines]
    assert {word for word, _ in said} <= INSTRUCTIONS
    copied = next(rest.split()[:-1] for word, rest in said if word == "COPY")
    assert all((ROOT / name).exists() for name in copied)
    assert [rest for word, rest in said if word == "USER"] == ["caregaps"]
    assert [word for word, _ in said][-2:] == ["ENTRYPOINT", "CMD"]
    assert "--require-hashes" in text
    version = re.search(r"python:(\d+)\.(\d+)", text)
    assert version
    assert f'python_version = "{version[1]}.{version[2]}"' in text or (3, 11) <= tuple(map(int, version.groups())) < (
        3,
        15,
    )


def test_the_container_leaves_out_what_is_local() -> None:
    ignored = (DEPLOY / "Containerfile.containerignore").read_text(encoding="utf-8").split()
    assert {".venv", ".dagster", "data", ".git"} <= set(ignored)
