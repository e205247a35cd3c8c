"""What goes with a release: the bill of materials lists the lock, the audit fails loudly, the threat model's tests exist."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

from assets.engine.model import ROOT

LOCKED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def recipe(program: str) -> list[str]:
    """The arguments with which the Makefile calls a program of the environment."""
    [line] = [ln for ln in (ROOT / "Makefile").read_text(encoding="utf-8").splitlines() if f"$(BIN)/{program}" in ln]
    return shlex.split(line)[1:]


def test_the_bill_of_materials_lists_exactly_what_is_locked(tmp_path: Path) -> None:
    target = tmp_path / "bill.json"
    *arguments, place = recipe("cyclonedx-py")
    assert arguments[-1] == "--output-file"
    assert place.startswith("dist/")
    command = [sys.executable, "-m", "cyclonedx_py", *arguments, str(target), "--no-validate"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    bill = json.loads(target.read_text(encoding="utf-8"))
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["name"] == "caregaps"
    listed = [(part["name"], part["version"]) for part in bill["components"]]
    assert len(listed) > 100
    assert sorted(listed) == sorted(LOCKED.findall(lock))
    told = [h["content"] for part in bill["components"] for r in part["externalReferences"] for h in r["hashes"]]
    assert sorted(told) == sorted(HASH.findall(lock))


def test_the_audit_passes_over_nothing_in_silence() -> None:
    """Without `--strict` a package that could not be asked about counts as one without vulnerabilities."""
    arguments = recipe("pip-audit")
    assert "--strict" in arguments
    assert "--ignore-vuln" not in arguments
    assert {"requirements.lock", "requirements-dev.lock"} <= set(arguments)


def test_the_ui_is_for_this_machine_alone() -> None:
    """It has no login."""
    assert recipe("dg dev") == ["dev", "--host", "127.0.0.1", "--port", "$(PORT)"]
    assert "telemetry:\n  enabled: false\n" in (ROOT / "dagster.yaml").read_text(encoding="utf-8")


def test_what_the_threat_model_relies_on_is_there() -> None:
    """Every test that it names; `::test` alone is of the file named before it."""
    text, file = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8"), ""
    named = re.findall(r"`(tests/[\w/]+\.py)?(?:::(\w+))?`", text)
    assert len(named) > 25
    for path, test in named:
        file = path or file
        assert (ROOT / file).is_file(), file
        if test:
            assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8"), f"{file}::{test}"
