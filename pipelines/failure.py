"""Why a run failed, in one line: our own error, else the failed check, else the step and its kind of error."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from typing import Any

import dagster as dg

from assets.engine.errors import CaregapsError


def reason_of_events(events: Sequence[dg.DagsterEvent], run_id: str) -> str:
    """One line that says why a run failed; never a person-level value."""
    failures = [event.step_failure_data.error for event in events if event.is_step_failure]
    for failure in failures:
        error = failure
        while error is not None:
            if error.cls_name and "Interrupt" in error.cls_name:
                return "run: interrupted; the night before it is still published, run it again"
            if error.cls_name and _is_ours(error.cls_name):
                return error.message.split(": ", 1)[-1].strip()
            error = error.cause
    for event in events:
        if event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            check = event.asset_check_evaluation_data
            if not check.passed and check.blocking:
                return (
                    check.description
                    or f"{check.asset_key.to_user_string()}: check {check.check_name} failed; it must hold"
                )
    for event in events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            while error is not None and error.cause is not None:
                error = error.cause
            kind = error.cls_name if error else "unknown error"
            return f"{event.step_key}: {kind}; run {run_id} in the Dagster UI has the details"
    return f"run {run_id} did not finish; the Dagster UI has the details"


class _WithoutHistoryErrors:
    """Standard error without what Dagster writes there of events that it cannot keep: six lines of SQL each."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, unless Dagster writes of its event log."""
        return len(text) if text.startswith("Exception while writing logger call") else self._stream.write(text)

    def flush(self) -> None:
        """Write what is held back."""
        self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def without_history_errors() -> Iterator[None]:
    """Keep Dagster's own words on a run history that cannot be written from the operator: one line of ours tells it."""
    with redirect_stderr(_WithoutHistoryErrors(sys.stderr)):
        yield


def _is_ours(name: str) -> bool:
    kinds = [CaregapsError]
    while kinds:
        kind = kinds.pop()
        if kind.__name__ == name:
            return True
        kinds.extend(kind.__subclasses__())
    return False
