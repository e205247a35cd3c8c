"""The typed door: from a contract, the SQL that repairs, types and judges each value of a landed row.

Each column becomes a typed value and, where that fails, a reason: `missing_<column>` or `invalid_<column>`. Nothing
is ever defaulted. A repair (a lost leading zero, a dot in a code, `05-Jan-2026`) is counted, by column.
"""

from __future__ import annotations

import csv
from functools import cache

from assets.engine.contract import CONTRACTS, Contract, Property

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


def text_of(column: str, declared: str) -> str:
    """A landed column as trimmed text, null where empty."""
    text = f'"{column}"' if declared == "VARCHAR" else f'"{column}"::varchar'
    return f"nullif(trim({text}, ' \t'), '')"


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
    texts, values, reasons = [], [], []
    repairs: dict[str, list[str]] = {name: [] for name in repairable(contract)}
    for p in contract.properties:
        kind = declared.get(p.name)
        if kind is None:
            values.append(f'null::{p.sql_type} as "{p.name}"')
            if p.required:
                reasons.append(f"'missing_{p.name}'")
            continue
        if kind in NATIVE.get(p.logical_type, ()):
            texts.append(f'"{p.name}" as "t_{p.name}"')
            value = (
                f"t_{p.name}::{p.sql_type}"
                if p.logical_type != "number"
                else f"case when isfinite(t_{p.name}) then t_{p.name}::double end"
            )
        else:
            texts.append(f'{text_of(p.name, kind)} as "t_{p.name}"')
            value = value_of(p, f"t_{p.name}")
            if _counts_repairs(p) and kind != "BOOLEAN":
                repairs[family(p.name)].append(f't_{p.name} <> "{p.name}"::varchar')
        values.append(f'{value} as "{p.name}"')
        if p.required:
            reasons.append(f"case when t_{p.name} is null then 'missing_{p.name}' end")
        broken = [f'"{p.name}" is null', *(c for rule, c in p.broken().items() if rule != "not_null")]
        reasons.append(f"case when t_{p.name} is not null and ({' or '.join(broken)}) then 'invalid_{p.name}' end")
    reasons += [
        f"case when {condition} then '{reason}' end" for reason, condition in contract.table.reject_when.items()
    ]
    flags = " + ".join(
        f"case when {' or '.join(found)} then {1 << bit} else 0 end"
        for bit, found in enumerate(repairs.values())
        if found
    )
    columns = ", ".join(f'"{p.name}"' for p in contract.properties)
    place = "source_file, line_number, row_id"
    return (
        f"with landed as ({landed}), texts as (select {', '.join([*texts, place])} from landed), "
        f"typed as (select *, {', '.join(values)} from texts) "
        f"select {columns}, {place}, nullif(concat_ws(';', {', '.join(reasons) or 'null'}), '') as reasons, "
        f"({flags or 0})::bigint as repairs from typed"
    )
