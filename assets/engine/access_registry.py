"""Registries of access to care: who serves what, which area is urban, how far is far, and how long a mile takes.

They are reviewed data, read from `data_contracts/access.yaml` and from tables in `data_contracts/reference/`.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from assets.engine.contract import CONTRACTS
from assets.engine.errors import SettingsError
from assets.engine.registry_file import Entry, read_yaml, refusal

# The last code of a prefix: greater than any letter or digit.
LAST = "~"

Code = Annotated[str, Field(pattern=r"[0-9A-Z]{10}|[0-9A-Z]{3,9}\*")]


class Service(Entry):
    """Who serves a service."""

    supplier: Literal["pharmacy", "provider"]
    primary: tuple[Code, ...] = ()
    any: tuple[Code, ...] = ()
    source: str


class DensityClass(Entry):
    """The population densities of a class, in people per square mile."""

    at_least: float | None = None
    more_than: float | None = None
    at_most: float | None = None
    less_than: float | None = None


class Standard(Entry):
    """What a standard looks at; its limits are in `adequacy_base.csv`."""

    area: Literal["county_type", "density"]
    has_minutes: bool
    income: Literal["none", "desert", "low_vehicle"]
    method: Literal["modelled", "zcta_approximation"]
    classes: dict[str, DensityClass] = Field(default={})
    low_vehicle_share: float | None = Field(default=None, ge=0, le=1)
    source: str


class TravelTime(Entry):
    """Minutes by road of a mile as the crow flies, at a population density."""

    at_least: float = 0
    less_than: float | None = None
    base: float = Field(ge=0)
    per_mile: float = Field(gt=0)
    mean_error: float = Field(ge=0)
    is_congested: bool = False


class Zone(Entry):
    """How much a site within a distance counts."""

    up_to: float = Field(gt=0)
    weight: float = Field(gt=0, le=1)


class Accessibility(Entry):
    """The zones of the floating catchments."""

    unit: Literal["miles", "minutes"]
    zones: list[Zone] = Field(min_length=1)
    source: str


class Access(Entry):
    """`data_contracts/access.yaml`."""

    services: dict[str, Service]
    standards: dict[str, Standard]
    travel_times: dict[str, TravelTime]
    accessibility: Accessibility


@cache
def read_access() -> Access:
    """How access to care is measured.

    Raises:
        SettingsError: The file says something that is not allowed.
    """
    try:
        return Access.model_validate(read_yaml("access.yaml"))
    except ValidationError as error:
        raise refusal("access.yaml", error) from error


def _service_taxonomies() -> list[tuple[Any, ...]]:
    return [
        (name, s.supplier, slot, code.rstrip("*"), code.replace("*", LAST), s.source)
        for name, s in read_access().services.items()
        for slot, codes in (("primary", s.primary), ("any", s.any))
        for code in codes
    ]


def _density_classes() -> list[tuple[Any, ...]]:
    return [
        (standard_id, name, c.at_least, c.more_than, c.at_most, c.less_than)
        for standard_id, s in read_access().standards.items()
        for name, c in s.classes.items()
    ]


def _reference_rows(file: str, columns: dict[str, Callable[[str], Any]]) -> list[tuple[Any, ...]]:
    """The rows of a reference table; an empty cell is null.

    Raises:
        SettingsError: The file has another header or a value of another type.
    """
    with (CONTRACTS / "reference" / file).open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        if reader.fieldnames != list(columns):
            raise SettingsError(f"reference/{file}: found the header {reader.fieldnames}; {list(columns)} is expected")
        try:
            return [tuple(kind(row[name]) if row[name] else None for name, kind in columns.items()) for row in reader]
        except ValueError as error:
            raise SettingsError(f"reference/{file}: line {reader.line_num}: {error}; a number is expected") from error


# Tables of the access registries -> their rows, in their contracts' column order.
ACCESS_TABLES: dict[str, Callable[[], list[tuple[Any, ...]]]] = {
    "service_taxonomy": _service_taxonomies,
    "access_standard": lambda: [
        (name, s.area, s.has_minutes, s.income, s.method, s.low_vehicle_share, s.source)
        for name, s in read_access().standards.items()
    ],
    "density_class": _density_classes,
    "travel_time": lambda: [
        (name, t.at_least, t.less_than, t.base, t.per_mile, t.mean_error, t.is_congested)
        for name, t in read_access().travel_times.items()
    ],
    "accessibility_zone": lambda: [
        (number, read_access().accessibility.unit, z.up_to, z.weight, read_access().accessibility.source)
        for number, z in enumerate(read_access().accessibility.zones, start=1)
    ],
    "adequacy_base": lambda: _reference_rows(
        "adequacy_base.csv",
        {
            "standard_id": str, "service": str, "area_class": str, "max_miles": float, "max_minutes": float,
            "min_count": int, "source": str,
        },
    ),
    "connecticut_county": lambda: _reference_rows(
        "connecticut.csv", {"zcta": str, "county_fips": str, "planning_region_fips": str}
    ),
}  # fmt: skip
