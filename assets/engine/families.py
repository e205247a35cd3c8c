"""The union of all gap families: generated, so that nothing lists families by hand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from graphlib import TopologicalSorter
from pathlib import Path

from assets.engine.computed import COMPUTED
from assets.engine.contract import contract_for
from assets.engine.model import SQL, Model, sql_models
from assets.engine.registry import read_families

# What every family's table begins with; its own evidence columns follow.
FAMILY_COLUMNS = (
    "member_key",
    "gap_code",
    "subject",
    "status",
    "window_start_date",
    "window_end_date",
    "due_date",
    "severity",
    "confidence",
    "reason",
    "evidence",
)

# A family whose rows differ in sensitivity says so in this column; elsewhere the code alone decides.
SENSITIVE_COLUMN = "is_sensitive"


@dataclass(frozen=True)
class EveryGap(Model):
    """`outreach.every_gap`: all families under the columns that they share, with the registry's weights."""

    path: Path = SQL / "outreach" / "every_gap.sql"

    @cached_property
    def sql(self) -> str:
        """One branch per registered family; the registry supplies what a family leaves null."""
        branches = "\nunion all\n".join(
            "select\n    "
            + ",\n    ".join([*(f"{family}.{c}" for c in FAMILY_COLUMNS), _sensitive(family)])
            + f"\nfrom gaps.{family}"
            for family in sorted(read_families())
        )
        shared = {"severity": "coalesce(found_gaps.severity, gap_code.severity) as severity"}
        columns = ",\n    ".join(shared.get(c, f"found_gaps.{c}") for c in FAMILY_COLUMNS)
        return (
            "-- Every gap of every family registered in gap_families.yaml, with the severity, impactability and action of "
            "its code.\n-- Generated: a new family appears here by being registered.\n"
            f"with\n\nfound_gaps as (\n{branches}\n)\n\nselect\n    {columns},\n    gap_code.gap_family,\n"
            "    gap_code.impactability,\n    gap_code.action,\n"
            "    gap_code.is_sensitive or found_gaps.is_sensitive as is_sensitive\nfrom found_gaps\ninner join raw.gap_code\n"
            "    on found_gaps.gap_code = gap_code.gap_code\n"
        )


def _sensitive(family: str) -> str:
    has_column = SENSITIVE_COLUMN in contract_for("gaps", family).columns
    return f"{family}.{SENSITIVE_COLUMN}" if has_column else f"false as {SENSITIVE_COLUMN}"


@cache
def all_models() -> tuple[Model, ...]:
    """Every model of the flow, the generated union and the computed ones included, each after what it reads."""
    models = {model.key: model for model in (*sql_models(), EveryGap(), *COMPUTED)}
    # Sorted, so that every process builds in the same order.
    graph = {key: sorted(i for i in model.inputs if i in models) for key, model in sorted(models.items())}
    return tuple(models[key] for key in TopologicalSorter(graph).static_order())
