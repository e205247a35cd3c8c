"""One landed text and the value that it stands for: formats, repairs and what is doubted at a glance."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache

from assets.engine.contract import CONTRACTS, Property
from assets.engine.sql_text import literal
from assets.engine.us_date import us_moment

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

# What a spreadsheet, or a person, puts around an id: an apostrophe has a spreadsheet take digits for text.
AROUND_IDS = " \t\u00a0'`\u2018\u2019\""

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
    # Words of codes are joined by underscores, whatever a sheet was filled in with: `opt-out` is an opt-out.
    "gap_code": lambda text: f"translate(upper(trim({text}, ' \t\u00a0')), '- ', '__')",
    "gap_id": lambda text: f"nullif(lower(trim({text}, {literal(AROUND_IDS)})), '')",
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


def quick_text_of(column: str) -> str:
    """`text_of` a column of text, asked for by those values alone that begin or end with a blank or are empty."""
    return f'case when {_is_open(column)} then {text_of(column, "VARCHAR")} else "{column}" end'


def _is_open(column: str) -> str:
    # Nothing that begins with a space or a tab, and no empty text, comes after the first mark that is printed.
    return f"\"{column}\" < '!' or ends_with(\"{column}\", ' ') or ends_with(\"{column}\", '\t')"


def value_of(p: Property, text: str) -> str:
    """SQL that turns text into the property's type, null where no rule can."""
    if p.logical_type in {"integer", "bigint"}:
        digits = _without_float(text)
        return f"case when regexp_full_match({digits}, '[+-]?[0-9]+') then try_cast({digits} as {p.sql_type}) end"
    if p.logical_type == "number":
        return f"case when isfinite(try_cast({text} as double)) then try_cast({text} as double) end"
    if p.logical_type in {"date", "timestamp"}:
        cast = f"try_cast({text} as timestamp), " if p.logical_type == "timestamp" else ""
        moment = f"coalesce({cast}try_strptime({text}, {DATE_FORMS}))::{p.sql_type}"
        # Of words such as `infinity` and `epoch` the engine makes a day, or the first one of 1900.
        plain = f"case when {text} >= '0' and {text} < ':' then {moment} end"
        return f"coalesce({us_moment(text)}::{p.sql_type}, {plain})" if p.options.format == "us_date" else plain
    if p.logical_type == "boolean":
        return f"case when lower({text}) in {TRUE} then true when lower({text}) in {FALSE} then false end"
    value = FORMATS[p.options.format](text) if p.options.format else text
    return f"lower({value})" if p.enum else value


@dataclass(frozen=True)
class Shortcut:
    """What spares the usual text of a column its dear reading, without another answer for any text.

    `holds` is SQL that is true where `value` is what `value_of` would say; both may name the column `q_<name>`, which is
    `tried`. `is_spelling` says that such a text is spelled as its value is, so that nothing in it was repaired.
    """

    holds: str
    value: str
    tried: str | None = None
    is_spelling: bool = True


def shortcut_of(p: Property, text: str, *, is_inline: bool = False) -> Shortcut | None:
    """The shortcut of a column, None where every text is read in the same way; `is_inline` needs no column `q_<name>`."""
    cast = f"try_cast({text} as {p.sql_type})"
    tried = cast if is_inline else f"q_{p.name}"
    if p.logical_type in {"integer", "bigint"}:
        return Shortcut(f"{tried}::varchar = {text}", tried, cast)
    if p.logical_type == "number":
        return Shortcut(f"isfinite({tried})", tried, cast)
    if p.logical_type == "date":
        # Ten characters leave out what the engine spells as a date and no form of ours is: infinity, years BC.
        return Shortcut(f"strlen({text}) = 10 and {tried}::varchar = {text}", tried, cast)
    if p.logical_type == "boolean":
        return Shortcut(f"{text} in ('true', 'false')", f"{text} = 'true'")
    if p.enum:
        usual = [name for name in p.enum if p.options.format in {None, "lower"} and name == name.lower()]
        return Shortcut(f"{text} in ({', '.join(map(literal, usual))})", text) if usual else None
    if p.options.format in USUAL:
        return Shortcut(f"regexp_full_match({text}, '{USUAL[p.options.format]}')", text)
    if p.options.format == "npi":
        return Shortcut(f"not contains({text}, '.')", text)
    if p.options.format in {"icd", "code"}:
        return Shortcut(f"not contains({text}, '.') and not contains({text}, ' ')", f"upper({text})", is_spelling=False)
    return None


def counts_repairs(p: Property) -> bool:
    """Whether a changed spelling is worth counting; letter case of words and decimals are not."""
    return p.logical_type in {"date", "integer"} or p.options.format in {
        "ndc", "zip", "zcta", "county_fips", "bill_type", "icd", "code", "state", "npi",
    }  # fmt: skip


def breaches_of(p: Property, value: str) -> list[str]:
    """The conditions under which a value that is there breaks the contract."""
    return [condition for rule, condition in p.broken(value).items() if rule != "not_null"]


def doubt_of(p: Property, kind: str) -> str | None:
    """SQL that is true for every landed value of which something is to tell, and for few others; None where any may be.

    It asks the landed column and nothing else, so that a scan asks it once of each text of a dictionary.

    Args:
        p: The property that the column is read as.
        kind: The type that the file declares.
    """
    column = f'"{p.name}"'
    doubts = [f"{column} is null"] if p.required else []
    if kind in NATIVE.get(p.logical_type, ()):
        doubts += [f"not isfinite({column})"] if p.logical_type == "number" else []
        doubts += breaches_of(p, column)
        return " or ".join(doubts) or "false"
    shortcut = shortcut_of(p, column, is_inline=True)
    value = value_of(p, column)
    if kind != "VARCHAR" or not (shortcut or p.sql_type == kind):
        return None
    doubts.append(_is_open(p.name))
    if shortcut:
        # What cannot be cast holds neither yes nor no.
        doubts.append(f"({column} is not null and ({shortcut.holds}) is distinct from true)")
        doubts += breaches_of(p, f"({shortcut.value})")
        doubts += [] if shortcut.is_spelling else [f"{column} <> {shortcut.value}"]
    else:
        doubts += [*breaches_of(p, column), *([] if value == column else [f"({value}) is distinct from {column}"])]
    return " or ".join(doubts)
