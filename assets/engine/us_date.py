"""Days as people of the country type them and as their spreadsheets write them: month first, or a number of days.

A day first (`29/06/2026`) is none: below thirteen nobody could tell which is which. Each spelling has its shape before it
has its format, since the engine's own reading takes one digit for a year, and `infinity` and `epoch` for one of 1900.
"""

from __future__ import annotations

CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")

# The shape of a spelling in capitals, with or without a time behind it, and its formats. A year of four digits is asked
# for first: that of two would take it for a year of antiquity, or the other way round.
SHAPES = {
    "[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}": ("%m/%d/%Y",),
    "[0-9]{1,2}-[0-9]{1,2}-[0-9]{4}": ("%m-%d-%Y",),
    "[0-9]{1,2}/[0-9]{1,2}/[0-9]{2}": ("%m/%d/%y",),
    "[0-9]{1,2}-[A-Z]{3}-[0-9]{2}": ("%d-%b-%y",),
    "[A-Z]{3,9} [0-9]{1,2} [0-9]{4}": ("%b %d %Y", "%B %d %Y"),
    "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}": ("%Y-%m-%d",),
    "[0-9]{8}": ("%Y%m%d",),
}

# A cell of a workbook that nobody formatted as a date holds days since this one; of 2009 to 2119.
FIRST_DAY, SERIAL = "timestamp '1899-12-30'", "[4-7][0-9]{4}([.][0-9]+)?"
SECONDS = 86400


def us_moment(text: str) -> str:
    """SQL of the moment that a text spells, null where it has none of the shapes; `text` is trimmed text as SQL."""
    # Blanks of any kind, some of which are not seen; a comma behind the day, the weekday before it; `9:15pm`, `p.m.`
    plain = f"regexp_replace(upper(translate({text}, ',\u00a0\u202f', '   ')), '\\s+', ' ', 'g')"
    plain = f"regexp_replace({plain}, '^(MON|TUES|WEDNES|THURS|FRI|SATUR|SUN)DAY ', '')"
    plain = f"regexp_replace({plain}, '^([A-Z]{{3}})(T?)[.]? ([0-9])', '\\1 \\3')"
    plain = f"regexp_replace({plain}, ' ?([AP])[.]?M[.]?$', ' \\1M')"
    cases = " ".join(
        f"when regexp_full_match({plain}, '{shape}( .*)?') then "
        f"try_strptime({plain}, {[form + clock for form in forms for clock in CLOCKS]})"
        for shape, forms in SHAPES.items()
    )
    days = f"try_cast({text} as double)"
    serial = f"{FIRST_DAY} + to_seconds(round({days} * {SECONDS})::bigint)"
    return f"case when regexp_full_match({text}, '{SERIAL}') then {serial} {cases} end"
