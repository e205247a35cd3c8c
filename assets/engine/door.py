"""The typed door: from a contract, the SQL that repairs, types and judges each value of a landed row.

Each column becomes a typed value and, where that fails, a reason: `missing_<column>` or `invalid_<column>`. Nothing
is ever defaulted. A repair (a lost leading zero, a dot in a code, `05-Jan-2026`) is counted, by column.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from assets.engine.contract import CONTRACTS, Contract, Property
from assets.engine.sql_text import literal

# Types a Parquet file may declare that need no reading as text.
NATIVE = {
    "integer": ("TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT"),
    "bigint": ("TINYINT", "SMALLINT", "INTEGER", "BIGINT"),
    "number": ("FLOAT", "DOUBLE"),
    "date": ("DATE",),
    "timestamp": ("TIMESTAMP",),
    "boolean": ("BOOLEAN",),
}

DATE_FORMS = "['%Y-%m-%d', '%d-%b-%Y', '%Y-%m-%d %H:%M:%S', '%Y-%m-%dT%H:%M:%S', '%Y-%m-%d %H:%M:%S.%f']"

# What a spreadsheet of the country makes of a date in a text file that it saves again; the two-digit year first, since
# the other form would take it for a year of antiquity.
US_DATE_FORMS = (
    "['%m/%d/%y', '%m/%d/%Y', '%m/%d/%y %H:%M', '%m/%d/%Y %H:%M', '%m/%d/%Y %H:%M:%S', '%m/%d/%Y %I:%M:%S %p']"
)

TRUE = "('1', 'true', 't', 'y', 'yes', '1.0')"
FALSE = "('0', 'false', 'f', 'n', 'no', '0.0')"


@cache
def _state_cases(text: str) -> str:
    with (CONTRACTS / "reference" / "us_states.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    by_name = " ".join(f"when '{row['name'].lower()}' then '{row['code']}'" for row in rows)
    codes = ", ".join(f"'{row['code']}'" for row in rows)
    return f"case when upper({text}) in ({codes}) then upper({text}) else case lower({text}) {by_name} end end"


def _without_float(text: str) -> str:
    """A code that a spreadsheet turned into a float: `450.0` is `450`."""
    return f"regexp_replace({text}, '^([0-9]+)\\.0*$', '\\1')"


def _split(text: str, order: str) -> str:
    parts = f"list_filter(list_transform(string_split({text}, ';'), lambda part: trim(part)), lambda part: part <> '')"
    return f"nullif(array_to_string({order.format(parts)}, ';'), '')"


def _padded(text: str, length: int) -> str:
    digits = _without_float(text)
    return f"case when regexp_full_match({digits}, '[0-9]{{1,{length}}}') then lpad({digits}, {length}, '0') end"


def _ndc(text: str) -> str:
    # FDA's ten digits come as 4-4-2, 5-3-2 or 5-4-1; billing pads the short segment to 5-4-2.
    hyphens = "'[0-9]{1,5}-[0-9]{1,4}-[0-9]{1,2}'"
    parts = " || ".join(f"lpad(split_part({text}, '-', {i}), {n}, '0')" for i, n in ((1, 5), (2, 4), (3, 2)))
    return f"case when regexp_full_match({text}, {hyphens}) then {parts} else {_padded(text, 11)} end"


def _zip(text: str) -> str:
    digits = _without_float(text)
    return (
        f"case when regexp_full_match({digits}, '[0-9]{{1,5}}') then lpad({digits}, 5, '0') "
        f"when regexp_full_match({digits}, '[0-9]{{6,9}}') then left(lpad({digits}, 9, '0'), 5) "
        f"when regexp_full_match({text}, '[0-9]{{1,5}}-[0-9]{{0,4}}') then lpad(split_part({text}, '-', 1), 5, '0') end"
    )


def _bill_type(text: str) -> str:
    digits = f"upper({_without_float(text)})"
    return (
        f"case when regexp_full_match({digits}, '0?[0-9]{{2}}[0-9A-Z]') then right({digits}, 3) "
        f"when regexp_full_match({digits}, '[0-9]{{1,2}}') then lpad({digits}, 3, '0') end"
    )


FORMATS = {
    "ndc": _ndc,
    "npi": _without_float,
    "zip": _zip,
    "zcta": lambda text: _padded(text, 5),
    "county_fips": lambda text: _padded(text, 5),
    "bill_type": _bill_type,
    "icd": lambda text: f"upper(replace(replace({text}, '.', ''), ' ', ''))",
    "code": lambda text: f"upper(replace(replace({_without_float(text)}, '.', ''), ' ', ''))",
    "lower": lambda text: f"lower({text})",
    "gap_code": lambda text: f"upper({text})",
    "state": _state_cases,
    "ingredients": lambda text: _split(f"lower({text})", "list_sort(list_distinct({}))"),
    "list": lambda text: _split(text, "{}"),
}


# Formats whose usual text needs nothing: it is its own value.
USUAL = {
    "ndc": "[0-9]{11}",
    "zip": "[0-9]{5}",
    "zcta": "[0-9]{5}",
    "county_fips": "[0-9]{5}",
    "bill_type": "[0-9]{2}[0-9A-Z]",
}

# Of a text in one of these no rule makes null.
NEVER_NULL = {None, "npi", "icd", "code", "lower", "gap_code"}


def text_of(column: str, declared: str) -> str:
    """A landed column as trimmed text, null where empty."""
    text = f'"{column}"' if declared == "VARCHAR" else f'"{column}"::varchar'
    return f"nullif(trim({text}, ' \t'), '')"


def _quick_text_of(column: str) -> str:
    """`text_of` a column of text, asked for by those values alone that begin or end with a blank or are empty."""
    # Nothing that begins with a space or a tab, and no empty text, comes after the first mark that is printed.
    is_open = f"\"{column}\" < '!' or ends_with(\"{column}\", ' ') or ends_with(\"{column}\", '\t')"
    return f'case when {is_open} then {text_of(column, "VARCHAR")} else "{column}" end'


def value_of(p: Property, text: str) -> str:
    """SQL that turns text into the property's type, null where no rule can."""
    if p.logical_type in {"integer", "bigint"}:
        digits = _without_float(text)
        return f"case when regexp_full_match({digits}, '[+-]?[0-9]+') then try_cast({digits} as {p.sql_type}) end"
    if p.logical_type == "number":
        return f"case when isfinite(try_cast({text} as double)) then try_cast({text} as double) end"
    us_date = f", try_strptime({text}, {US_DATE_FORMS})" if p.options.format == "us_date" else ""
    if p.logical_type == "date":
        return f"coalesce(try_strptime({text}, {DATE_FORMS}){us_date})::date"
    if p.logical_type == "timestamp":
        return f"coalesce(try_cast({text} as timestamp), try_strptime({text}, {DATE_FORMS}){us_date})"
    if p.logical_type == "boolean":
        return f"case when lower({text}) in {TRUE} then true when lower({text}) in {FALSE} then false end"
    value = FORMATS[p.options.format](text) if p.options.format else text
    return f"lower({value})" if p.enum else value


@dataclass(frozen=True)
class _Shortcut:
    """What spares the usual text of a column its dear reading, without another answer for any text.

    `holds` is SQL that is true where `value` is what `value_of` would say; both may name the column `q_<name>`, which is
    `tried`. `is_spelling` says that such a text is spelled as its value is, so that nothing in it was repaired.
    """

    holds: str
    value: str
    tried: str | None = None
    is_spelling: bool = True


def _shortcut(p: Property, text: str) -> _Shortcut | None:
    """The shortcut of a column, None where every text is read in the same way."""
    tried = f"q_{p.name}"
    if p.logical_type in {"integer", "bigint"}:
        return _Shortcut(f"{tried}::varchar = {text}", tried, f"try_cast({text} as {p.sql_type})")
    if p.logical_type == "number":
        return _Shortcut(f"isfinite({tried})", tried, f"try_cast({text} as double)")
    if p.logical_type == "date":
        # Ten characters leave out what the engine spells as a date and no form of ours is: infinity, years BC.
        return _Shortcut(f"strlen({text}) = 10 and {tried}::varchar = {text}", tried, f"try_cast({text} as date)")
    if p.logical_type == "boolean":
        return _Shortcut(f"{text} in ('true', 'false')", f"{text} = 'true'")
    if p.enum:
        usual = [name for name in p.enum if p.options.format in {None, "lower"} and name == name.lower()]
        return _Shortcut(f"{text} in ({', '.join(map(literal, usual))})", text) if usual else None
    if p.options.format in USUAL:
        return _Shortcut(f"regexp_full_match({text}, '{USUAL[p.options.format]}')", text)
    if p.options.format == "npi":
        return _Shortcut(f"not contains({text}, '.')", text)
    if p.options.format in {"icd", "code"}:
        return _Shortcut(
            f"not contains({text}, '.') and not contains({text}, ' ')", f"upper({text})", is_spelling=False
        )
    return None


def _counts_repairs(p: Property) -> bool:
    """Whether a changed spelling is worth counting; letter case of words and decimals are not."""
    return p.logical_type in {"date", "integer"} or p.options.format in {
        "ndc", "zip", "zcta", "county_fips", "bill_type", "icd", "code", "state", "npi",
    }  # fmt: skip


def family(column: str) -> str:
    """Repeated columns share one count: `diagnosis_code_7` is `diagnosis_code`."""
    return column.rstrip("0123456789").rstrip("_") if column[-1].isdigit() else column


def repairable(contract: Contract) -> list[str]:
    """Column families whose repairs are counted, in contract order."""
    return list(dict.fromkeys(family(p.name) for p in contract.properties if _counts_repairs(p)))


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

    def is_told(self) -> str:
        """Whether a row has a reason, a repair or a change: a cheaper question than which."""
        families = [*self.repairs.values(), *self.changes.values()]
        return " or ".join([self.is_refused(), *(f"({condition})" for found in families for condition in found)])


def _typing(
    contract: Contract, declared: dict[str, str], as_landed: frozenset[str] = frozenset(), *, is_quick: bool = False
) -> _Typing:
    """What types a row; texts of the families `as_landed` are known to need nothing, `is_quick` takes shortcuts."""
    found = _Typing([], [], [], {name: [] for name in repairable(contract)}, {}, [], [])
    for p in contract.properties:
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
        broken = [c for rule, c in p.broken().items() if rule != "not_null"]
        if broken or p.logical_type != "string" or p.options.format not in NEVER_NULL:
            broken.insert(0, f'"{p.name}" is null')
            found.reasons.append((f"invalid_{p.name}", f"t_{p.name} is not null and ({' or '.join(broken)})"))
    found.reasons.extend(contract.table.reject_when.items())
    return found


def _read(found: _Typing, p: Property, kind: str, *, is_quick: bool) -> str:
    """SQL of the value of a column that is read as text; what it rests on goes to `found`."""
    text = f"t_{p.name}"
    value = value_of(p, text)
    repaired = f'{text} <> "{p.name}"::varchar'
    shortcut = _shortcut(p, text) if is_quick and kind == "VARCHAR" else None
    trimmed = _quick_text_of(p.name) if is_quick and kind == "VARCHAR" else text_of(p.name, kind)
    found.texts.append(f'{trimmed} as "{text}"')
    if shortcut:
        if shortcut.tried:
            found.tried.append(f'{shortcut.tried} as "q_{p.name}"')
        found.sure.append(f'{shortcut.holds} as "s_{p.name}"')
        value = f"case when s_{p.name} then {shortcut.value} else {value} end"
        # Null is no yes: what the engine cannot read may still be read, and repaired, in the long way.
        repaired = f"s_{p.name} is distinct from true and {repaired}" if shortcut.is_spelling else repaired
    if _counts_repairs(p) and kind != "BOOLEAN":
        found.repairs[family(p.name)].append(f"({repaired})")
    if kind == p.sql_type:
        found.changes.setdefault(family(p.name), []).append(f'"{p.name}" is distinct from "l_{p.name}"')
    return value


def _mask(found: Iterable[list[str]]) -> str:
    """One bit per list of conditions, set where one of them holds."""
    bits = (f"case when {' or '.join(c)} then {1 << bit} else 0 end" for bit, c in enumerate(found) if c)
    return f"({' + '.join(bits) or 0})::bigint"


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
    typing = _typing(contract, declared, is_quick=True)
    return (
        f"with landed as ({landed}), texts as (select {', '.join([*typing.texts, PLACE])} from landed), "
        f"tried as (select {', '.join(['*', *typing.tried])} from texts), "
        f"known as (select {', '.join(['*', *typing.sure])} from tried), "
        f"typed as (select *, {', '.join(typing.values)} from known) "
        f"select {_columns(contract)}, {PLACE}, case when {typing.is_refused()} then {typing.reason()} end as reasons, "
        f"{_mask(typing.repairs.values())} as repairs from typed"
    )


def judged_select(contract: Contract, landed: str, declared: dict[str, str]) -> str:
    """The query of the rows that are refused or are not as they were landed.

    Returns:
        A SELECT of `source_file`, `line_number`, `row_id`, `reasons`, `repairs` as of `typed_select`, and `changes`
        (BIGINT, one bit per column family in the order of `text_families`).
    """
    typing = _typing(contract, declared)
    texts = [p.name for p in contract.properties if declared.get(p.name) == p.sql_type == "VARCHAR"]
    landed_texts = [f'"{name}" as "l_{name}"' for name in texts]
    changes = [typing.changes.get(name, []) for name in text_families(contract)]
    return (
        f"with landed as ({landed}), "
        f"texts as (select {', '.join([*typing.texts, *landed_texts, PLACE])} from landed), "
        f"typed as (select *, {', '.join(typing.values)} from texts), "
        f"told as (select * from typed where {typing.is_told()}) "
        f"select {PLACE}, {typing.reason()} as reasons, {_mask(typing.repairs.values())} as repairs, "
        f"{_mask(changes)} as changes from told"
    )


def seen_select(contract: Contract, landed: str, declared: dict[str, str], as_landed: frozenset[str]) -> str:
    """The query of landed rows, typed, when no text of the families `as_landed` needs a repair.

    Returns:
        A SELECT of the contract's columns, `source_file`, `line_number` and `row_id`.
    """
    typing = _typing(contract, declared, as_landed)
    return (
        f"select {', '.join([*typing.values, PLACE])} "
        f"from (select {', '.join([*typing.texts, PLACE])} from ({landed}) as landed) as texts"
    )


def text_families(contract: Contract) -> list[str]:
    """Families of text columns, in contract order."""
    return list(dict.fromkeys(family(p.name) for p in contract.properties if p.sql_type == "VARCHAR"))


def _columns(contract: Contract) -> str:
    return ", ".join(f'"{p.name}"' for p in contract.properties)
