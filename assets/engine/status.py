"""The operator's first question: what is published, how old is it, is a run at work, how much disk is used."""

from __future__ import annotations

import datetime
import fcntl
import json
from collections.abc import Iterator
from pathlib import Path

from assets.engine.errors import PublicationError
from assets.engine.state import nights


def describe_output(output: Path) -> Iterator[str]:
    """Describe a folder of published nights, line by line.

    Raises:
        PublicationError: There is no such folder.
    """
    if not output.is_dir():
        raise PublicationError(f"{output}: found no such folder; the --output of a run is expected")
    published = nights(output)
    manifest_file = output / "latest" / "manifest.json"
    if not manifest_file.is_file():
        yield "last night:  none published yet"
    else:
        manifest = json.loads(manifest_file.read_text(encoding="utf-8"))
        as_of = datetime.date.fromisoformat(manifest["as_of"])
        age = (datetime.datetime.now(datetime.UTC).date() - as_of).days
        yield f"last night:  {as_of}, {age} days ago, run {manifest['run_id']}"
        yield f"warnings:    {len(manifest['warnings'])}"
    yield f"nights:      {len(published)}"
    yield f"run:         {'in progress' if is_held(output / '.warehouse' / 'working.lock') else 'none'}"
    size = sum(p.stat().st_size for p in output.rglob("*") if p.is_file() and not p.is_symlink())
    yield f"disk used:   {size / 1e6:,.1f} MB"


def is_held(lock: Path) -> bool:
    """Whether a process works on the output right now."""
    if not lock.exists():
        return False
    with lock.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False
