"""Gap codes that are skipped: what they need is registered here, whether it is there tonight is told by `facts.told_code`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import duckdb

from assets.engine.contract import contract_for

if TYPE_CHECKING:
    from assets.engine.registry import Family


def need_rows(
    families: Mapping[str, Family], rule_tables: Mapping[str, Callable[[], list[tuple[Any, ...]]]]
) -> list[tuple[Any, ...]]:
    """The rows of `raw.gap_need`: inputs that a family or a code needs, and the years of a family's rules by year."""
    rows: list[tuple[Any, ...]] = []
    for _, family in sorted(families.items()):
        years: list[tuple[str, int]] = []
        if table := family.needs_year:
            place = contract_for("raw", table).columns.index(table)
            years = [(table, row[place]) for row in rule_tables[table]()]
        for code, entry in sorted(family.codes.items()):
            rows += [(code, table, None) for table in sorted({*family.needs, *entry.needs})]
            rows += [(code, *year) for year in years]
    return rows


def skipped_families(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Families of which no code is told tonight, and why (interface 2)."""
    return dict(
        con.execute(
            "select gap_family, string_agg(distinct skipped_reason, '; ' order by skipped_reason) from facts.told_code "
            "group by gap_family having count(skipped_reason) = count(*) order by gap_family"
        ).fetchall()
    )


def skipped_warnings(con: duckdb.DuckDBPyConnection) -> list[str]:
    """One line for each family of which codes are skipped; that maternal lists are held back is told elsewhere."""
    whole = skipped_families(con)
    found = con.execute(
        "select gap_family, skipped_reason, string_agg(gap_code, ', ' order by gap_code) from facts.told_code "
        "where skipped_reason is not null and skipped_reason is distinct from "
        "(select closed_reason from facts.maternal_gate) "
        "group by gap_family, skipped_reason order by all"
    ).fetchall()
    return [
        f"{family} is skipped: {reason}" if family in whole else f"{family}: {codes} are skipped: {reason}"
        for family, reason, codes in found
    ]
