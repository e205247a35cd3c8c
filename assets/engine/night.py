"""One night: what is read, what it is as of, where it goes. Resolved once, then handed to every step."""

from __future__ import annotations

import datetime
import hashlib
import importlib.util
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from assets.engine.errors import SettingsError
from assets.engine.registry import measurement_years, read_value_sets, value_set_file
from assets.engine.settings import SHIPPED_SALT, Settings
from assets.engine.warehouse import file_below

ENGINES = ("duckdb", "spark")


@dataclass(frozen=True)
class Night:
    """The resolved arguments of one night."""

    as_of: datetime.date
    input: Path
    output: Path
    settings: Settings
    layout: str = "tuva"
    reference: Path | None = None
    warehouse_file: Path | None = None
    engine: str = "duckdb"

    def __post_init__(self) -> None:
        """Refuse what no step could carry out.

        Raises:
            SettingsError: The year has no rules, or the engine is unknown or not installed.
        """
        years = measurement_years()
        if self.as_of.year not in years:
            raise SettingsError(f"as_of: found {self.as_of}; rules cover the years {years[0]} to {years[-1]}")
        if odd := sorted(set("*?[") & set(str(self.output))):
            raise SettingsError(
                f"output: found {' '.join(odd)} in the path, a pattern to the engine; another is expected"
            )
        if self.engine not in ENGINES:
            raise SettingsError(f"engine: found {self.engine!r}; allowed are {', '.join(ENGINES)}")
        if self.engine == "spark" and importlib.util.find_spec("pyspark") is None:
            raise SettingsError("engine: found no pyspark; spark needs the extra: .venv/bin/pip install -e '.[spark]'")

    @cached_property
    def warehouse(self) -> Path:
        """The working warehouse: a cache that may be deleted at any time."""
        return self.warehouse_file or file_below(self.output)

    @cached_property
    def params(self) -> dict[str, Any]:
        """SQL parameters by name."""
        return {**self.settings.params(), "as_of": self.as_of}

    @cached_property
    def value_set_versions(self) -> dict[str, str]:
        """The version of every value set that this night uses; `licensed` for the operator's own."""
        return {name: value_set_file(name, self.reference)[1] for name in sorted(read_value_sets())}

    @cached_property
    def digest(self) -> str:
        """Sixteen hex digits over everything but the input that can change a published row."""
        meaning = [self.settings.digest(), self.value_set_versions, self.layout]
        return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()[:16]

    def warnings(self) -> list[str]:
        """What the operator should know before the first row is read."""
        shipped = self.settings.identity.salt == SHIPPED_SALT
        return ["identity.salt is the shipped default; set your own in settings.toml"] if shipped else []
