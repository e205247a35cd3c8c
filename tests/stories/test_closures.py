"""Pharmacies that close, and areas that depend on one: domain page deserts 4.5."""

from __future__ import annotations

from tests.stories.test_access import area, areas, north, only

AS_OF = "2026-06-30"

PART_D = only("retail_pharmacy", standard="PART_D")

# 500 people per square mile: the limit is 15 miles.
TWO_TOWNS = {
    "raw.adequacy_base": PART_D,
    "raw.zcta": areas(area("00001", 0, 500), area("00002", 1, 700)),
}


def test_an_area_with_one_address_within_the_limit_depends_on_it(story):
    """Two NPIs at one counter are one address; a second address frees the area."""
    story(
        given=TWO_TOWNS
        | {
            "raw.pharmacy": f"""
                npi | latitude   | longitude | site_id | state
                a   | {north(1)} | 0         | counter | TX
                b   | {north(1)} | 0         | counter | TX
                c   | {north(2)} | 1         | -       | NM
                d   | {north(15)} | 1        | -       | NM
            """
        },
        expect={"facts.keystone": "standard_id | npi | state | zcta_count | population\nPART_D | a | TX | 1 | 500"},
    )


def test_what_closes_soon_is_told_with_distances_before_and_after(story):
    """Closing today is closed already; tomorrow and in 90 days count, in 91 days not yet (settings)."""
    story(
        given=TWO_TOWNS
        | {
            "raw.pharmacy": f"""
                npi | latitude    | longitude | closed_date
                a   | {north(1)}  | 0         | 2026-07-01
                b   | {north(2)}  | 0         | 2026-09-28
                c   | {north(16)} | 0         | 2026-09-29
                d   | {north(3)}  | 1         | 2026-07-31
                e   | {north(4)}  | 1         | -
                f   | {north(0)}  | 1         | 2026-06-30
            """,
            "raw.eligibility": """
                person_id | zip_code | enrollment_start_date | enrollment_end_date | death_date
                ann       | 00001    | 2026-01-01            | -                   | -
                bob       | 00001    | 2026-01-01            | 2026-06-30          | -
                cal       | 00001    | 2026-01-01            | 2026-06-29          | -
                dee       | 00001    | 2026-01-01            | -                   | 2026-06-30
                eve       | 99999    | 2026-01-01            | -                   | -
            """,
        },
        expect={
            "facts.closing_site": "npi | closing_date\na | 2026-07-01\nb | 2026-09-28\nd | 2026-07-31",
            "facts.closure_effect": """
                zcta  | before_npi | before_miles | after_npi | after_miles | is_desert_before | is_desert_after | is_new_desert | population | member_count
                00001 | a          | 1            | c         | 16          | no               | yes             | yes           | 500        | 2
                00002 | d          | 3            | e         | 4           | no               | no              | no            | 700        | 0
            """,
        },
    )


def test_when_all_six_close_the_next_is_unknown(story):
    """The sixth is within the limit, so that nothing tells whether the seventh is; with nobody left it is too far."""
    closing = "\n".join(f"p{n} | {north(n)} | 0 | 2026-07-01" for n in range(1, 7))
    story(
        given=TWO_TOWNS
        | {"raw.pharmacy": f"npi | latitude | longitude | closed_date\n{closing}\np7 | {north(7)} | 0 | -"},
        expect={
            "facts.closure_effect": """
                zcta  | before_npi | after_npi | after_miles | is_desert_after
                00001 | p1         | -         | -           | -
                # The second town is 69 miles away and was in a desert before.
                00002 | p1         | -         | -           | yes
            """
        },
    )
    story(
        given=TWO_TOWNS | {"raw.pharmacy": f"npi | latitude | longitude | closed_date\n{closing}"},
        expect={"facts.closure_effect": "zcta | after_npi | is_desert_after\n00001 | - | yes\n00002 | - | yes"},
    )


def test_a_closure_makes_no_desert_where_incomes_are_not_low(story):
    """WITT2024 asks for low income (deserts 1.3); USC_NCPA only for its half mile, which is undecided in the third area."""
    story(
        given={
            "raw.adequacy_base": only("retail_pharmacy"),
            "raw.zcta": areas(
                area("00001", 0, 5000, low_income="yes", vehicles=0),
                area("00002", 10, 5000, low_income="no", vehicles=0),
                area("00003", 20, 5000, vehicles=0.5),
            ),
            "raw.pharmacy": "npi | latitude | longitude | closed_date\n"
            + "\n".join(
                f"{npi}{lon} | {north(miles)} | {lon} | {closed}"
                for lon in (0, 10, 20)
                for npi, miles, closed in (("a", 0.3, "2026-07-01"), ("b", 0.9 if lon == 20 else 1.5, "-"))
            ),
        },
        expect={
            "facts.closure_effect": """
                zcta  | standard_id | before_miles | after_miles | is_desert_before | is_desert_after | is_new_desert
                00001 | PART_D      | 0.3          | 1.5         | no               | no              | no
                00001 | QATO2014    | 0.3          | 1.5         | no               | yes             | yes
                00001 | USC_NCPA    | 0.3          | 1.5         | no               | yes             | yes
                00001 | WITT2024    | 0.3          | 1.5         | no               | yes             | yes
                00002 | PART_D      | 0.3          | 1.5         | no               | no              | no
                00002 | QATO2014    | 0.3          | 1.5         | no               | no              | no
                00002 | USC_NCPA    | 0.3          | 1.5         | no               | yes             | yes
                00002 | WITT2024    | 0.3          | 1.5         | no               | no              | no
                00003 | PART_D      | 0.3          | 0.9         | no               | no              | no
                00003 | QATO2014    | 0.3          | 0.9         | -                | -               | -
                00003 | USC_NCPA    | 0.3          | 0.9         | no               | -               | -
                00003 | WITT2024    | 0.3          | 0.9         | -                | -               | -
            """
        },
    )
