"""The year as a line of text: worked by hand, a column is 5 days and the last of a month what remains."""

from __future__ import annotations

from datetime import date

import pytest

from assets.engine.timeline import LEGEND, draw

MONTHS = " Jan   Feb   Mar   Apr   May   Jun   Jul   Aug   Sep   Oct   Nov   Dec"


def bar(*months: str) -> str:
    assert all(len(month) == 6 for month in months)
    return f"|{''.join(months)}|"


def line(segments, start, end, as_of) -> str:
    return draw(segments, start, end, as_of, as_of.year)[1]


def test_a_whole_drawing() -> None:
    # 30 days from 15 January reach 13 February; the refill of 1 March reaches 30 March; nothing until 10 April.
    segments = [
        (date(2026, 1, 15), date(2026, 2, 13), True),
        (date(2026, 2, 14), date(2026, 2, 28), False),
        (date(2026, 3, 1), date(2026, 3, 30), True),
        (date(2026, 3, 31), date(2026, 4, 10), False),
    ]
    assert draw(segments, date(2026, 1, 15), date(2026, 12, 31), date(2026, 4, 10), 2026) == [
        MONTHS,
        "|--+#####+...#####+..                                                    |",
        "                    ^ as of 2026-04-10",
        "5 days a character, 3 to 6 at the end of a month: # supply on every day, + on some, . on none,",
        "- no day that counts: outside the treatment period, a stay, no usable supply. Blank: to come.",
    ]


def test_a_year_covered_to_the_day_is_full() -> None:
    for year in (2025, 2026, 2028):
        whole = [(date(year, 1, 1), date(year, 12, 31), True)]
        assert line(whole, date(year, 1, 1), date(year, 12, 31), date(year, 6, 30)) == f"|{'#' * 72}|"


# The last column of a month: 29 February alone decides in a leap year, 31 January and 31 December elsewhere.
@pytest.mark.parametrize(
    ("start", "end", "february", "march"),
    [
        (date(2028, 2, 1), date(2028, 2, 29), "######", "......"),
        (date(2028, 2, 1), date(2028, 2, 28), "#####+", "......"),
        (date(2026, 2, 1), date(2026, 2, 28), "######", "......"),
        (date(2026, 2, 1), date(2026, 2, 25), "#####.", "......"),
        (date(2026, 2, 6), date(2026, 3, 5), ".#####", "#....."),
        (date(2026, 2, 7), date(2026, 3, 6), ".+####", "#+...."),
        (date(2026, 2, 5), date(2026, 3, 4), "+#####", "+....."),
    ],
)
def test_a_column_is_full_only_if_all_its_days_are_covered(start: date, end: date, february: str, march: str) -> None:
    year = start.year
    first, last = date(year, 1, 1), date(year, 3, 31)
    segments = [(start, end, True)]
    segments.append((first, date.fromordinal(start.toordinal() - 1), False))
    segments.append((date.fromordinal(end.toordinal() + 1), last, False))
    drawn = line(segments, first, last, date(year, 12, 31))
    assert drawn == bar("......", february, march, *["------"] * 9)


def test_days_before_the_index_date_and_after_the_end_are_dashes() -> None:
    # Index 10 January, a day of the second column; end 20 November, the last day of the fourth.
    drawn = line(
        [(date(2025, 1, 10), date(2025, 11, 20), True)], date(2025, 1, 10), date(2025, 11, 20), date(2025, 12, 31)
    )
    assert drawn == bar("-+####", *["######"] * 9, "####--", "------")


def test_supply_on_hand_is_drawn_past_the_as_of_date_and_the_rest_is_still_to_come() -> None:
    # As of 30 June with supply through 9 July: the second column of July has four of its five days.
    drawn = line(
        [(date(2026, 6, 10), date(2026, 7, 9), True)], date(2026, 6, 10), date(2026, 12, 31), date(2026, 6, 30)
    )
    assert drawn == bar(*["------"] * 5, "-+####", "#+    ", *["      "] * 5)


def test_supply_past_the_treatment_period_is_cut() -> None:
    segments = [(date(2025, 12, 1), date(2026, 2, 28), True)]
    assert line(segments, date(2026, 1, 6), date(2026, 1, 25), date(2026, 3, 1)) == bar("-####-", *["------"] * 11)


def test_stay_days_between_intervals_are_dashes() -> None:
    # Covered, a stay from 6 to 15 January that no interval holds, then uncovered through the as-of date.
    segments = [(date(2025, 1, 1), date(2025, 1, 5), True), (date(2025, 1, 16), date(2025, 1, 31), False)]
    drawn = line(segments, date(2025, 1, 1), date(2025, 12, 31), date(2025, 1, 31))
    assert drawn == bar("#--...", *["      "] * 11)


def test_a_member_who_was_not_enrolled_has_no_day_that_counts() -> None:
    assert line([], date(2026, 1, 6), None, date(2026, 3, 1)) == f"|{'-' * 72}|"


@pytest.mark.parametrize(
    ("as_of", "pointer"),
    [
        (date(2026, 1, 1), " ^ as of 2026-01-01"),
        (date(2026, 1, 5), " ^ as of 2026-01-05"),
        (date(2026, 1, 6), "  ^ as of 2026-01-06"),
        (date(2026, 1, 31), "      ^ as of 2026-01-31"),
        (date(2026, 2, 1), "       ^ as of 2026-02-01"),
        (date(2028, 2, 29), "            ^ as of 2028-02-29"),
        (date(2026, 12, 31), "                                                       as of 2026-12-31 ^"),
    ],
)
def test_the_caret_stands_below_the_as_of_date(as_of: date, pointer: str) -> None:
    drawn = draw([], date(as_of.year, 1, 1), date(as_of.year, 12, 31), as_of, as_of.year)
    assert drawn[2] == pointer


def test_every_day_of_the_year_fits_in_100_columns_of_ascii() -> None:
    for day in range(date(2028, 1, 1).toordinal(), date(2028, 12, 31).toordinal() + 1):
        drawn = draw([], date(2028, 1, 1), date(2028, 12, 31), date.fromordinal(day), 2028)
        assert all(text.isascii() and len(text) <= 100 and text == text.rstrip() for text in drawn)


def test_a_year_that_is_over_has_no_caret() -> None:
    drawn = draw([], date(2025, 1, 1), date(2025, 12, 31), date(2026, 3, 1), 2025)
    assert drawn == [MONTHS, f"|{'-' * 72}|", *LEGEND]
