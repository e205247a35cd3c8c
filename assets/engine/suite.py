"""The suites under `data_contracts/expectations/`: what each border expects of which rows of its tables.

A column of a worklist is counted, never aggregated, so that no result can hold a member's value.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from assets.engine.border import BORDERS, COMPARISONS
from assets.engine.contract import CONTRACTS
from assets.engine.errors import ContractError

EXPECTATIONS = CONTRACTS / "expectations"

Severity = Literal["error", "warning"]

# Expectations whose result is a count of rows or an aggregate; nothing else is let in, so that no result holds a row.
COUNTED = (
    "expect_column_pair_values_a_to_be_greater_than_b",
    "expect_column_pair_values_to_be_equal",
    "expect_column_values_to_be_between",
    "expect_column_values_to_be_in_set",
    "expect_column_values_to_not_be_null",
)
AGGREGATED = ("expect_column_max_to_be_between", "expect_column_min_to_be_between")


class Expectation(BaseModel):
    """One entry of a suite: which rows of which table are judged, by which Great Expectations rule."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern="^[a-z][a-z0-9_]*$")
    severity: Severity
    description: str
    table: str
    rows: str = "true"
    type: str
    kwargs: dict[str, Any]

    @model_validator(mode="after")
    def _tells_no_value(self) -> Expectation:
        allowed = COUNTED if self.table == "worklist" else COUNTED + AGGREGATED
        if self.type not in allowed:
            raise ValueError(f"{self.type!r} is not allowed on {self.table}; allowed are {sorted(allowed)}")
        return self

    @property
    def compares(self) -> bool:
        """Whether it needs an earlier night."""
        return "previous_" in self.rows

    @property
    def allowed(self) -> str:
        """The bounds in words, for a reader of the page."""
        low, high = self.kwargs.get("min_value"), self.kwargs.get("max_value")
        if self.type in COUNTED:
            if low is None or high is None:
                return "no exception"
            return f"no row but {low:,}" if low == high else f"no row outside {low:,} to {high:,}"
        return " and ".join(
            f"{word} {limit:,}" for word, limit in (("at least", low), ("at most", high)) if limit is not None
        )


class Suite(BaseModel):
    """One file under `data_contracts/expectations/`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    border: Literal["raw", "outreach"]
    expectations: tuple[Expectation, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_once_and_known_tables(self) -> Suite:
        names = [e.name for e in self.expectations]
        if repeats := sorted({n for n in names if names.count(n) > 1}):
            raise ValueError(f"{repeats} are named twice; each name once is allowed")
        tables = COMPARISONS[self.border]
        if unknown := sorted({e.table for e in self.expectations} - tables.keys()):
            raise ValueError(f"{unknown} are not tables of this border; allowed are {sorted(tables)}")
        return self


@cache
def read_suite(border: str, folder: Path = EXPECTATIONS) -> Suite:
    """Read the suite of a border.

    Raises:
        ContractError: There is no such suite, or it says something that is not allowed.
    """
    where = f"data_contracts/expectations/{border}.json"
    if border not in BORDERS:
        raise ContractError(f"{border!r} is not a border; borders are {sorted(BORDERS)}")
    try:
        return Suite.model_validate_json((folder / f"{border}.json").read_text(encoding="utf-8"))
    except OSError as error:
        raise ContractError(f"{where}: found no readable file; a suite of expectations is expected") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise ContractError(f"{where}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def expectation_specs(border: str) -> list[tuple[str, Severity, str]]:
    """Name, severity and description of every expectation of a border, without importing Great Expectations."""
    return [(e.name, e.severity, e.description) for e in read_suite(border).expectations]
