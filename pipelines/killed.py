"""What is kept and told of a night whose process was killed: what `pipelines.launch` does for one that fails itself."""

from __future__ import annotations

import datetime
from contextlib import suppress
from pathlib import Path

from assets.engine.errors import CaregapsError
from assets.engine.notify import Message, notify
from assets.engine.run_record import RunRecord, end, lock, lock_file, published_since
from assets.engine.settings import read_settings
from pipelines.cli import parser


def remember(arguments: list[str], error: str, began: float) -> bool:
    """Tell the operator's program of a killed night, and keep it for `caregaps status`.

    Args:
        arguments: Arguments of the command that was killed.
        error: The line that the operator sees.
        began: When the command began, in seconds since 1970.

    Returns:
        Whether the night had been published before: then nothing is told.

    Raises:
        CaregapsError: The command was not one that could have begun a night.
    """
    options = parser().parse_args(arguments)
    settings = read_settings(options.config)
    output: Path = options.output.absolute()
    since = datetime.datetime.fromtimestamp(int(began), datetime.UTC)
    known = RunRecord.read(output)
    is_ours = known is not None and known.is_since(since)
    as_of = datetime.date.fromisoformat(known.as_of) if known and is_ours else options.as_of
    if as_of and published_since(output, as_of, since):
        return True
    notify(
        settings.notify.command,
        Message("night_failed", error, "see docs/runbook.md", str(output), str(as_of) if as_of else None),
    )
    if as_of and lock_file(output).parent.is_dir():
        with suppress(CaregapsError, OSError), lock(lock_file(output)):
            end(output, as_of, known.run_id if known and is_ours else "", error)
    return False
