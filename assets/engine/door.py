"""The typed door: from a contract, the SQL that repairs, types and judges each value of a landed row.

Each column becomes a typed value and, where that fails, a reason: `missing_<column>` or `invalid_<column>`. Nothing
is ever defaulted. A repair (a lost leading zero, a dot in a code, `05-Jan-2026`) is counted, by column.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from assets.engine.contract import Contract, Property
from assets.engine.value import (
    NATIVE,
    NEVER_NULL,
    breaches_of,
    counts_repairs,
    doubt_of,
    quick_text_of,
    shortcut_of,
    text_of,
    value_of,
)


def family(column: str) -> str:
    """Repeated columns share one count: `diagnosis_code_7` is `diagnosis_code`."""
    return column.rstrip("0123456789").rstrip("_") if column[-1].isdigit() else column


def repairable(contract: Contract) -> list[str]:
    """Column families whose repairs are counted, in contract order."""
    return list(dict.fromkeys(family(p.name) for p in contract.properties if counts_repairs(p)))


@dataclass(frozen=True)
class _Typing:
    """The pieces of SQL that type and judge one landed row.

    `texts` are what is landed, trimmed; `values` are typed from them; `repairs` and `changes` say per column family what
    was repaired, and which text is not as it was landed. `tried` and `sure` are what shortcuts rest on.
    """

    texts: list[str]
    values: list[str]
    reasons: list[tuple[str, str]]
    repairs: dict[str, list[str]]
    changes: dict[str, list[str]]
    tried: list[str]
    sure: list[str]

    def reason(self) -> str:
        """All reasons of a row, null for an accepted one."""
        told = ", ".join(f"case when {condition} then '{reason}' end" for reason, condition in self.reasons)
        return f"nullif(concat_ws(';', {told or 'null'}), '')"

    def is_refused(self) -> str:
        """Whether a row has a reason: a cheaper question than which."""
        return " or ".join(f"({condition})" for _, condition in self.reasons) or "false"


def _typing(
    properties: Sequence[Property],
    declared: dict[str, str],
    as_landed: frozenset[str] = frozenset(),
    *,
    is_quick: bool = False,
) -> _Typing:
    """What types these columns; texts of the families `as_landed` are known to need nothing, `is_quick` takes shortcuts."""
    found = _Typing([], [], [], {}, {}, [], [])
    for p in properties:
        kind = declared.get(p.name)
        if kind is None:
            found.values.append(f'null::{p.sql_type} as "{p.name}"')
            if p.required:
                found.reasons.append((f"missing_{p.name}", "true"))
            continue
        if kind == "VARCHAR" and family(p.name) in as_landed and p.sql_type == kind:
            found.texts.append(f'"{p.name}" as "t_{p.name}"')
            found.values.append(f't_{p.name} as "{p.name}"')
            continue
        if kind in NATIVE.get(p.logical_type, ()):
            found.texts.append(f'"{p.name}" as "t_{p.name}"')
            value = (
                f"t_{p.name}::{p.sql_type}"
                if p.logical_type != "number"
                else f"case when isfinite(t_{p.name}) then t_{p.name}::double end"
            )
        else:
            value = _read(found, p, kind, is_quick=is_quick)
        found.values.append(f'{value} as "{p.name}"')
        if p.required:
            found.reasons.append((f"missing_{p.name}", f"t_{p.name} is null"))
        broken = breaches_of(p, f'"{p.name}"')
        if broken or p.logical_type != "string" or p.options.format not in NEVER_NULL:
            broken.insert(0, f'"{p.name}" is null')
            found.reasons.append((f"invalid_{p.name}", f"t_{p.name} is not null and ({' or '.join(broken)})"))
    return found


def _read(found: _Typing, p: Property, kind: str, *, is_quick: bool) -> str:
    """SQL of the value of a column that is read as text; what it rests on goes to `found`."""
    text = f"t_{p.name}"
    value = value_of(p, text)
    repaired = f'{text} <> "{p.name}"::varchar'
    shortcut = shortcut_of(p, text) if is_quick and kind == "VARCHAR" else None
    trimmed = quick_text_of(p.name) if is_quick and kind == "VARCHAR" else text_of(p.name, kind)
    found.texts.append(f'{trimmed} as "{text}"')
    if shortcut:
        if shortcut.tried:
            found.tried.append(f'{shortcut.tried} as "q_{p.name}"')
        found.sure.append(f'{shortcut.holds} as "s_{p.name}"')
        value = f"case when s_{p.name} then {shortcut.value} else {value} end"
        # Null is no yes: what the engine cannot read may still be read, and repaired, in the long way.
        repaired = f"s_{p.name} is distinct from true and {repaired}" if shortcut.is_spelling else repaired
    if counts_repairs(p) and kind != "BOOLEAN":
        found.repairs.setdefault(family(p.name), []).append(f"({repaired})")
    if kind == p.sql_type:
        found.changes.setdefault(family(p.name), []).append(f'"{p.name}" is distinct from "l_{p.name}"')
    return value


def _mask(found: Iterable[list[str]]) -> str:
    """One bit per list of conditions, set where one of them holds."""
    bits = (f"case when {' or '.join(c)} then {1 << bit} else 0 end" for bit, c in enumerate(found) if c)
    return f"({' + '.join(bits) or 0})::bigint"


def _repairs(contract: Contract, typing: _Typing) -> str:
    return _mask(typing.repairs.get(name, []) for name in repairable(contract))


PLACE = "source_file, line_number, row_id"


def typed_select(contract: Contract, landed: str, declared: dict[str, str]) -> str:
    """The query that types every landed row.

    Args:
        contract: The input table's contract.
        landed: Query with landed columns and `source_file`, `line_number`, `row_id`.
        declared: Landed column -> the type that the file declares; absent columns are null.

    Returns:
        A SELECT of the contract's columns, `source_file`, `line_number`, `row_id`, `reasons` (VARCHAR, `;`-joined, null
        for an accepted row) and `repairs` (BIGINT, one bit per column family in the order of `repairable`).
    """
    typing = _typing(contract.properties, declared, is_quick=True)
    typing.reasons.extend(contract.table.reject_when.items())
    return (
        f"with landed as ({landed}), texts as (select {', '.join([*typing.texts, PLACE])} from landed), "
        f"tried as (select {', '.join(['*', *typing.tried])} from texts), "
        f"known as (select {', '.join(['*', *typing.sure])} from tried), "
        f"typed as (select *, {', '.join(typing.values)} from known) "
        f"select {_columns(contract)}, {PLACE}, case when {typing.is_refused()} then {typing.reason()} end as reasons, "
        f"{_repairs(contract, typing)} as repairs from typed"
    )


def judged_select(contract: Contract, landed: str, declared: dict[str, str]) -> str:
    """The query of the rows that are refused or are not as they were landed.

    Each column is asked by a scan of its own, which looks closely at what is doubted and at nothing else: such a scan
    leaves out what the statistics of its file rule out, and asks a text that comes again and again once.

    Args:
        contract: An input table's contract, without rules over several columns.
        landed: Query with landed columns and `source_file`, `line_number`, `row_id`.
        declared: Landed column -> the type that the file declares; absent columns are null.

    Returns:
        A SELECT of `source_file`, `line_number`, `row_id`, `reasons`, `repairs` as of `typed_select`, and `changes`
        (BIGINT, one bit per column family in the order of `text_families`).
    """
    told = " union all ".join(
        _told_select(contract, place, landed, declared)
        for place, p in enumerate(contract.properties)
        if p.required or p.name in declared
    )
    # Reasons are few, and dear to put in order; what is repaired may be every row.
    return (
        f"with told as materialized ({told}), refused as (select row_id, string_agg(reason, ';' order by place) as reasons "
        "from told where reason is not null group by row_id), noted as (select any_value(source_file) as source_file, "
        "any_value(line_number) as line_number, row_id, bit_or(repairs) as repairs, bit_or(changes) as changes "
        f"from told group by row_id) select {PLACE}, reasons, repairs, changes from noted left join refused using (row_id) "
        "where reasons is not null or repairs <> 0 or changes <> 0"
    )


def _told_select(contract: Contract, place: int, landed: str, declared: dict[str, str]) -> str:
    """What `judged_select` tells of one column: the one at this place of the contract."""
    p = contract.properties[place]
    kind = declared.get(p.name)
    typing = _typing([p], declared)
    texts = [*typing.texts, *([f'"{p.name}" as "l_{p.name}"'] if kind == p.sql_type == "VARCHAR" else []), PLACE]
    changes = _mask(typing.changes.get(name, []) for name in text_families(contract))
    doubt = doubt_of(p, kind) if kind else None
    told = (
        f"select {PLACE}, {place} as place, {typing.reason()} as reason, {_repairs(contract, typing)} as repairs, "
        f"{changes} as changes from (select *, {', '.join(typing.values)} from (select {', '.join(texts)} "
        f"from ({landed}) where {doubt or 'true'}))"
    )
    return told if doubt else f"select * from ({told}) where reason is not null or repairs <> 0 or changes <> 0"


def seen_select(contract: Contract, landed: str, declared: dict[str, str], as_landed: frozenset[str]) -> str:
    """The query of landed rows, typed, when no text of the families `as_landed` needs a repair.

    Returns:
        A SELECT of the contract's columns, `source_file`, `line_number` and `row_id`.
    """
    typing = _typing(contract.properties, declared, as_landed)
    return (
        f"select {', '.join([*typing.values, PLACE])} "
        f"from (select {', '.join([*typing.texts, PLACE])} from ({landed}) as landed) as texts"
    )


def text_families(contract: Contract) -> list[str]:
    """Families of text columns, in contract order."""
    return list(dict.fromkeys(family(p.name) for p in contract.properties if p.sql_type == "VARCHAR"))


def _columns(contract: Contract) -> str:
    return ", ".join(f'"{p.name}"' for p in contract.properties)
