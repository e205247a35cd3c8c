"""How a registry file of `data_contracts/` is read: YAML into frozen models, or one clear line."""

from __future__ import annotations

from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from assets.engine.contract import CONTRACTS
from assets.engine.errors import SettingsError
from assets.engine.yaml_file import yaml_value


class Entry(BaseModel):
    """One entry: nothing unknown, nothing changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def read_yaml(name: str) -> Any:
    """The content of one file.

    Raises:
        SettingsError: It is no YAML, or says something twice.
    """
    return parse_yaml(name, (CONTRACTS / name).read_text(encoding="utf-8"))


def parse_yaml(name: str, text: str) -> Any:
    """The content of a file's text.

    Raises:
        SettingsError: It is no YAML, or says something twice.
    """
    try:
        return yaml_value(text)
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise SettingsError(f"{name}: {line}{error.problem}; YAML that says each thing once is expected") from error


def refusal(name: str, error: ValidationError, *above: str) -> SettingsError:
    """The first thing that a file says and may not; `above` is where in the file the entry stands."""
    first = error.errors()[0]
    return SettingsError(f"{name}: {'.'.join(map(str, (*above, *first['loc'])))}: {first['msg'].lower()}")
