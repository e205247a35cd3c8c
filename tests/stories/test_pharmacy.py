"""Pharmacies, told as stories: interface sections 2 and 2.1."""

from __future__ import annotations

AS_OF = "2026-06-30"


def test_the_check_digit_of_an_npi(story):
    """CMS, NPI check digit: Luhn over 80840 and the first nine digits. 1234567893 is CMS's own example."""
    story(
        given={
            "raw.pharmacy": """
                npi
                1234567893
                1234567890
                123456789
                12345678930
                123456789X
                1000000004
                1999999984
            """
        },
        expect={
            "core.pharmacy": """
                npi         | is_valid_npi
                1234567893  | yes
                1234567890  | no
                123456789   | no
                12345678930 | no
                123456789X  | no
                1000000004  | yes
                1999999984  | yes
            """
        },
    )


def test_a_pharmacy_is_open_between_its_dates(story):
    """Interface section 2: `closed_date <= as_of` is closed; one that opens tomorrow is not open yet."""
    story(
        given={
            "raw.pharmacy": """
                npi | opened_date | closed_date
                a   | -           | -
                b   | 2026-06-30  | 2026-07-01
                c   | 2026-07-01  | -
                d   | -           | 2026-06-30
            """
        },
        expect={"core.pharmacy": "npi | is_open\na | yes\nb | yes\nc | no\nd | no"},
    )


def test_what_a_pharmacy_does_not_say(story):
    """Interface section 2: without a flag in network, without coordinates at its ZIP's point, capacity from settings.

    Mail order is the first taxonomy only.
    """
    story(
        default_weekly_capacity=9,
        given={
            "raw.zcta": """
                zcta  | latitude | longitude
                78701 | 30.5     | -97.5
            """,
            "raw.pharmacy": """
                npi | zip_code | in_network | latitude | longitude | weekly_capacity | taxonomy_code
                a   | 78701    | -          | -        | -         | -               | -
                b   | 78701    | no         | 31       | -98       | 0               | 3336C0003X;3336M0002X
                c   | 99999    | yes        | -        | -         | 3               | 3336M0002X;3336C0003X
            """,
        },
        expect={
            "core.pharmacy": """
                npi | is_in_network | latitude | longitude | weekly_capacity | is_mail_order
                a   | yes           | 30.5     | -97.5     | 9               | no
                b   | no            | 31       | -98       | 0               | no
                c   | yes           | -        | -         | 3               | yes
            """
        },
    )
