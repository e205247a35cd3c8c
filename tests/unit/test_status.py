"""`caregaps status`: what an operator asks first, and a status that a monitor can read."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from assets.engine.notify import Message, notify
from assets.engine.run_record import begin, end, lock, lock_file
from assets.engine.status import describe_output, read_status
from pipelines.cli import main

TODAY = datetime.datetime.now(datetime.UTC).date()
BORDER = "outreach border: The worklists are near last night's in size. Found "


def publish(output: Path, age: int, rows: int = 100, warnings: tuple[str, ...] = ()) -> datetime.date:
    """A night as its manifest tells of it."""
    as_of = TODAY - datetime.timedelta(age)
    release = output / ".nights" / f"{as_of}.0123456789abcdef"
    release.mkdir(parents=True)
    told = {
        "as_of": str(as_of), "run_id": f"run-{as_of}", "warnings": list(warnings), "files": [],
        "inputs": {"eligibility": {"read": 400, "rejected_rows": 0}, "pharmacy_claim": {"read": 600, "rejected_rows": 7}},
        "assets": {"outreach.worklist": {"rows": rows}},
    }  # fmt: skip
    (release / "manifest.json").write_text(json.dumps(told), encoding="utf-8")
    (output / f"as_of={as_of}").symlink_to(f".nights/{release.name}")
    (output / "latest").unlink(missing_ok=True)
    (output / "latest").symlink_to(f"as_of={as_of}")
    (output / ".warehouse").mkdir(exist_ok=True)
    return as_of


def ask(output: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, str], str]:
    """The command's status, its lines by their heading, and its error."""
    capsys.readouterr()
    status = main(["status", "--output", str(output), *(options or ("--max-age-days", "2"))])
    said = capsys.readouterr()
    lines = dict(line.split(":", 1) for line in said.out.splitlines())
    return status, {k: v.strip() for k, v in lines.items()}, said.err.strip()


def test_a_good_night_is_status_zero(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    publish(tmp_path, 2, rows=100)
    as_of = publish(tmp_path, 1, rows=110)
    end(tmp_path, as_of, "run")
    status, said, error = ask(tmp_path, capsys)
    assert (status, error) == (0, "")
    assert said["last night"] == f"{as_of}, 1 days ago, run run-{as_of}"
    assert said["rejects"] == "7 of 1,000 rows, most in pharmacy_claim"
    assert said["lists"] == f"110 rows, 100 on {as_of - datetime.timedelta(1)} (+10%)"
    assert said["run"].startswith(f"none; the last one, of {as_of}, published at ")


def test_a_run_at_work_is_told_with_its_night(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    publish(tmp_path, 1)
    held = lock(lock_file(tmp_path))
    begin(tmp_path, TODAY, "run")
    status, said, _ = ask(tmp_path, capsys)
    held.close()
    assert status == 0
    assert said["run"].startswith(f"in progress, night of {TODAY}, since ")


@pytest.mark.survival("faults")
def test_a_run_that_was_killed_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody could write that it ended: the lock that nobody holds tells it."""
    publish(tmp_path, 1)
    begin(tmp_path, TODAY, "run")
    status, said, error = ask(tmp_path, capsys)
    assert status == 1
    assert said["run"] == f"none; the last one, of {TODAY}, was cut off"
    assert error.startswith(f"error: {tmp_path}: the last run, of the night of {TODAY}, was cut off")
    assert error.endswith("run it again")


def test_why_the_last_run_failed_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    publish(tmp_path, 1)
    end(tmp_path, TODAY, "run", "medical_claim: found no file; this table is required")
    status, _, error = ask(tmp_path, capsys)
    assert status == 1
    assert "medical_claim: found no file" in error
    assert error.count("\n") == 0


@pytest.mark.parametrize(("age", "allowed", "status"), [(2, 2, 0), (3, 2, 1), (3, 3, 0), (0, 2, 0)])
def test_a_late_night_is_a_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], age: int, allowed: int, status: int
) -> None:
    publish(tmp_path, age)
    found, _, error = ask(tmp_path, capsys, "--max-age-days", str(allowed))
    assert found == status
    assert ("days old" in error) == bool(status)


@pytest.mark.survival("faults")
def test_a_night_ahead_of_the_clock_is_a_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    publish(tmp_path, -40)
    status, _, error = ask(tmp_path, capsys)
    assert status == 1
    assert "40 days ahead of the clock; set the clock" in error


def test_an_output_without_a_night_is_a_problem_until_one_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(tmp_path, capsys)[0] == 1
    held = lock(lock_file(tmp_path))
    assert ask(tmp_path, capsys)[0] == 0
    held.close()


@pytest.mark.survival("faults")
@pytest.mark.parametrize("content", ["", "{", "[]", '{"as_of": "yesterday"}'])
def test_a_manifest_that_cannot_be_read_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    publish(tmp_path, 1)
    (tmp_path / "latest" / "manifest.json").write_text(content, encoding="utf-8")
    status, _, error = ask(tmp_path, capsys)
    assert status == 1
    assert "manifest of the last night cannot be read; restore" in error


def test_what_is_unusual_at_a_border_is_told_on_its_first_night(tmp_path: Path) -> None:
    publish(tmp_path, 2, warnings=("identity.salt is the shipped default",))
    publish(tmp_path, 1, warnings=(f"{BORDER}0.2.",))
    [problem] = read_status(tmp_path).problems()
    assert problem.found.startswith(BORDER)
    publish(tmp_path, 0, warnings=(f"{BORDER}0.3.",))
    assert read_status(tmp_path).problems() == []


def test_without_a_limit_problems_are_lines_and_no_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    publish(tmp_path, 5)
    assert main(["status", "--output", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert "problem:     the last night is 5 days old" in said.out


def test_all_problems_are_told(tmp_path: Path) -> None:
    publish(tmp_path, 5)
    end(tmp_path, TODAY, "run", "no space")
    lines = []
    with pytest.raises(Exception, match="5 days old"):
        lines.extend(describe_output(tmp_path, 2))
    told = list(read_status(tmp_path).problems())
    assert [p.found.split(",")[0] for p in told] == ["the last run", "the last night is 5 days old"]


# The notifier ---------------------------------------------------------------------------------------------------------


def test_the_operators_program_gets_the_message(tmp_path: Path) -> None:
    message = Message("night_failed", "medical_claim: found no file", "see docs/runbook.md", "/out", "2026-06-30", "r1")
    target = tmp_path / "message.json"
    assert notify(("/bin/sh", "-c", f"cat > '{target}'"), message)
    assert json.loads(target.read_text(encoding="utf-8")) == {
        "event": "night_failed", "found": "medical_claim: found no file", "next_step": "see docs/runbook.md",
        "output": "/out", "as_of": "2026-06-30", "run_id": "r1",
    }  # fmt: skip


@pytest.mark.parametrize("command", [(), ("/nowhere/page",), ("/bin/false",)])
def test_a_message_that_cannot_be_delivered_fails_nothing(command: tuple[str, ...]) -> None:
    assert notify(command, Message("needs_attention", "late", "look", "/out")) is False
