"""What became of the last run on an output: begun, published, or failed and why. One small file beside the lock.

The file tells the story, the lock tells the truth: a run that says it is at work while nobody holds the lock was killed.
Nothing in it is of a person: an error is the one line that the operator saw.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Literal, Self

from assets.engine import files
from assets.engine.errors import PublicationError

Outcome = Literal["running", "published", "failed"]

# Whoever asks whether a run is at work holds the lock for a moment.
PATIENCE_SECONDS = 2.0


@dataclass(frozen=True)
class RunRecord:
    """One run of a night."""

    as_of: str
    run_id: str
    started: str
    outcome: Outcome
    ended: str | None = None
    error: str | None = None

    @classmethod
    def read(cls, output: Path) -> Self | None:
        """The last run on an output; None where none is known."""
        try:
            return cls(**json.loads(record_file(output).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def is_since(self, moment: datetime.datetime) -> bool:
        """Whether the run began at a moment or after it, to the second."""
        return datetime.datetime.fromisoformat(self.started) >= moment.replace(microsecond=0)

    def write(self, output: Path) -> None:
        """Keep this record, whole or not at all. A record that cannot be kept fails no night."""
        path = record_file(output)
        draft = path.with_name(f".{path.name}.new")
        with contextlib.suppress(OSError):
            draft.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
            draft.chmod(files.SECRET_FILE)
            draft.replace(path)


def record_file(output: Path) -> Path:
    """Where the last run is told of."""
    return output / ".warehouse" / "last_run.json"


def lock_file(output: Path) -> Path:
    """What a run on an output holds, whichever warehouse it works in."""
    return output / ".warehouse" / "output.lock"


def begin(output: Path, as_of: datetime.date, run_id: str) -> None:
    """A run is at work."""
    RunRecord(str(as_of), run_id, _now(), "running").write(output)


def end(output: Path, as_of: datetime.date, run_id: str, error: str | None = None) -> None:
    """A run is over: its night is published, or `error` says why not."""
    before = RunRecord.read(output)
    started = before.started if before and before.outcome == "running" else _now()
    RunRecord(str(as_of), run_id, started, "failed" if error else "published", _now(), error).write(output)


def published_since(output: Path, as_of: datetime.date, moment: datetime.datetime) -> bool:
    """Whether a run that began since a moment has published a night: what goes wrong after that takes nothing back."""
    known = RunRecord.read(output)
    is_published = known is not None and known.outcome == "published" and known.as_of == str(as_of)
    return known is not None and is_published and known.is_since(moment)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def lock(path: Path) -> IO[str]:
    """Take a lock that no other process has; it ends with the process, however that ends.

    Raises:
        PublicationError: Another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=files.SECRET_FOLDER)
    handle = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, files.SECRET_FILE), "r+")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if time.monotonic() < deadline:
                time.sleep(0.1)
                continue
            handle.close()
            raise PublicationError(f"{path.parent}: another run is working here; wait for it to end") from error
        return handle


def is_held(path: Path) -> bool:
    """Whether a process holds a lock right now."""
    try:
        with path.open("r") as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
