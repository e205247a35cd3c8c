"""Telling the operator: one program of the operator's own, with one message as JSON on its standard input.

A message names a night, a run, what was found and what to do next; never a person. That it cannot be delivered fails no
night.
"""

from __future__ import annotations

import json
import logging
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

log = logging.getLogger("caregaps")

TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Message:
    """What the operator is told."""

    event: Literal["night_failed", "needs_attention"]
    found: str
    next_step: str
    output: str
    as_of: str | None = None
    run_id: str | None = None


def notify(command: Sequence[str], message: Message) -> bool:
    """Hand a message to the operator's program, and return whether it was taken; nothing where none is named."""
    if not command:
        return False
    try:
        done = subprocess.run(  # noqa: S603  (the operator's own program, from the settings file)
            list(command), input=json.dumps(asdict(message)).encode(), timeout=TIMEOUT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("notify.command: %s; the message was not delivered", type(error).__name__)
        return False
    if done.returncode != 0:
        log.warning("notify.command: ended with status %s; the message was not delivered", done.returncode)
    return done.returncode == 0
