"""How a registry file of `data_contracts/` is read: YAML into frozen models, or one clear line."""

from __future__ import annotations

from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from assets.engine.contract import CONTRACTS
from assets.engine.errors import SettingsError
from assets.engine.yaml_file import yaml_value

# Every system that a claim, a product or a provider names codes of.
CODE_SYSTEMS = (
    "bill_type",
    "brand_name",
    "discharge_status",
    "hcpcs",
    "icd10cm",
    "icd10pcs",
    "ingredient",
    "ms_drg",
    "ndc",
    "revenue_center",
    "taxonomy",
)


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


def check_codes(name: str, rows: list[dict[str, Any]]) -> None:
    """Refuse rows of a value set that no query could use.

    Raises:
        SettingsError: There is none, or one without a code, of another width or of a system that no claim knows.
    """
    if not rows:
        raise SettingsError(f"value_sets/{name}.csv: found no row; at least one code is expected")
    for found, what in (
        (
            sum(None in row or row["category"] is None for row in rows),
            "with more or fewer cells than the header; as many are expected",
        ),
        (
            sum(not (row["code"] and row["system"] and row["source"]) for row in rows),
            "without code, system or source; each needs all three",
        ),
        (
            sum(row["system"] not in CODE_SYSTEMS for row in rows),
            f"of an unknown system; systems are {', '.join(CODE_SYSTEMS)}",
        ),
    ):
        if found:
            raise SettingsError(f"value_sets/{name}.csv: found {found} rows {what}")
