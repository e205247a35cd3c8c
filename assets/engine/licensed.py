"""Value sets that an operator brings: read before the night begins, so that none is passed over in silence."""

from __future__ import annotations

from pathlib import Path

from assets.engine.errors import SettingsError
from assets.engine.registry import read_value_sets, value_set_rows


def check_value_sets(reference: Path | None) -> None:
    """Refuse an operator's value sets that would be passed over in silence, or that no night could use.

    Raises:
        SettingsError: A file bears no value set's name, or cannot be read as one.
    """
    folder = reference / "value_sets" if reference else None
    if folder is None or not folder.exists():
        return
    try:
        found = sorted(p.name for p in folder.iterdir() if p.suffix.lower() == ".csv" and not p.name.startswith("."))
    except OSError as error:
        raise SettingsError(
            f"value_sets: cannot be listed ({error.strerror}); a folder of CSV files is expected"
        ) from error
    known = {f"{name}.csv" for name in read_value_sets()}
    if unknown := [name for name in found if name not in known]:
        raise SettingsError(
            f"value_sets/{unknown[0]}: found no value set of this name; names are those of data_contracts/value_sets"
        )
    for name in found:
        value_set_rows(name.removesuffix(".csv"), reference)
