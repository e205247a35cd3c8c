"""Floating catchments (E2SFCA), told as stories: domain page deserts 4.4."""

from __future__ import annotations

from tests.stories.test_access import PCP, area, areas, north

AS_OF = "2026-06-30"
MODEL = "facts.accessibility"

MILES = """
    zone | unit  | up_to | weight
    1    | miles | 5     | 1
    2    | miles | 10    | 0.68
    3    | miles | 20    | 0.22
    4    | miles | 30    | 0.05
"""


def test_who_shares_a_site_is_counted(story):
    """Areas of 1,000, 2,000 and 500 people, 10 and 31 miles north of the first; two doctors in the first, one in the second.

    The first area's doctors are shared by 1,000 + 0.68 * 2,000 = 2,360 people, the second's by 2,000 + 0.68 * 1,000 +
    0.05 * 500 = 2,705: the third area is 21 miles from the second and 31 from the first.
    """
    story(
        given={
            "raw.accessibility_zone": MILES,
            "raw.zcta": areas(
                area("00001", 0, 1000), area("00002", 0, 2000, latitude=north(10)), area("00003", 0, 500, latitude=north(31))
            ),
            "raw.provider": f"""
                npi | taxonomy_code | latitude  | longitude | accepts_new_patients
                a   | {PCP}         | 0         | 0         | -
                b   | {PCP}         | 0.001     | 0         | yes
                c   | {PCP}         | {north(9)} | 0        | -
                # Takes nobody new.
                d   | {PCP}         | 0         | 0         | no
            """,
        },
        # 10,000 * (2 / 2360 + 0.68 / 2705), 10,000 * (0.68 * 2 / 2360 + 1 / 2705), 10,000 * 0.05 / 2705
        expect="""
            zcta  | service      | supply | accessibility
            00001 | primary_care | 2      | 10.9884
            00002 | primary_care | 1      | 9.4596
            00003 | primary_care | 0      | 0.1848
        """,
    )  # fmt: skip


def test_zones_may_be_minutes(story):
    """At 500 people per square mile 10 miles are 5.4 + 16.4 = 21.8 minutes: within 30 and not within 20."""
    story(
        given={
            "raw.accessibility_zone": "zone | unit | up_to | weight\n1 | minutes | 20 | 1\n2 | minutes | 30 | 0.5",
            "raw.zcta": areas(
                area("00001", 0, 500), area("00002", 0, 500, latitude=north(10)), area("00003", 5, "-"),
                area("00004", 0, 500, latitude=north(15.1)),
            ),
            "raw.provider": f"npi | taxonomy_code | latitude | longitude\na | {PCP} | 0 | 0\nb | {PCP} | 0 | 5",
        },
        # 500 + 0.5 * 500 people. 15.1 miles are 30.16 minutes. An area whose people are unknown reaches and shares nothing.
        expect="""
            zcta  | supply | accessibility
            00001 | 1      | 13.3333
            00002 | 0      | 6.6667
            00003 | 1      | 0
            00004 | 0      | 0
        """,
    )  # fmt: skip


def test_a_doctor_at_two_addresses_is_at_each_for_half_the_week(story):
    story(
        given={
            "raw.accessibility_zone": MILES,
            "raw.zcta": areas(area("00001", 0, 1000), area("00002", 10, 2000)),
            "raw.provider": f"npi | taxonomy_code | latitude | longitude\na | {PCP} | 0 | 0\na | {PCP} | 0 | 10",
        },
        expect="zcta | supply | accessibility\n00001 | 0.5 | 5\n00002 | 0.5 | 2.5",
    )


def test_without_people_nothing_is_known(story):
    story(
        given={
            "raw.accessibility_zone": MILES,
            "raw.zcta": areas(area("00001", 0, "-"), area("00002", 10, 0)),
            "raw.provider": f"npi | taxonomy_code | latitude | longitude\na | {PCP} | 0 | 0",
        },
        expect="",
    )
