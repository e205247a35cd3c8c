"""Codes of required bindings: the library knows the sets of R4 and does not refuse what is outside them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel


def codes_outside(resource: Any) -> Iterator[str]:
    """Where a validated resource holds a code that R4 does not have there, as `Class.field: code`."""
    if isinstance(resource, list):
        for item in resource:
            yield from codes_outside(item)
    if not isinstance(resource, BaseModel):
        return
    for name, field in type(resource).model_fields.items():
        value = getattr(resource, name)
        extra = field.json_schema_extra
        allowed = extra.get("enum_values") if isinstance(extra, dict) else None
        # A list that ends in `+` goes on in the specification.
        if isinstance(allowed, list) and "+" not in allowed and value is not None:
            values = value if isinstance(value, list) else [value]
            yield from (f"{type(resource).__name__}.{name}: {v}" for v in values if v not in allowed)
        else:
            yield from codes_outside(value)
