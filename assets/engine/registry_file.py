"""How a registry file of `data_contracts/` is read: YAML into frozen models, or one clear line."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from assets.engine.contract import CONTRACTS
from assets.engine.errors import SettingsError
from assets.engine.yaml_file import read_yaml_file


class Entry(BaseModel):
    """One entry: nothing unknown, nothing changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def read_yaml(name: str) -> Any:
    """The content of one file."""
    return read_yaml_file(CONTRACTS / name)


def refusal(name: str, error: ValidationError) -> SettingsError:
    """The first thing that a file says and may not."""
    first = error.errors()[0]
    return SettingsError(f"{name}: {'.'.join(map(str, first['loc']))}: {first['msg'].lower()}")
