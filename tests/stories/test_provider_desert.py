"""Care that is too far away, told as stories: deserts 4.2, 4.3 and 4.6, interface 3.1.

One line is one member; `deserts.py` says how to read it. Home is 00001, where everything is too far, unless `who` says
otherwise: 00002 is near to all, 00003 too far by a hair. Tonight is 2026-06-30; t-364 is 2025-07-01, the first of 365 days.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import pytest

from assets.engine.access_registry import ACCESS_TABLES
from assets.engine.desert_registry import read_desert_rules
from assets.engine.markdown_pages import value_set_table
from assets.engine.registry import read_families, read_value_sets
from tests.stories import maternity
from tests.stories.deserts import PLACES, Case, cases_of, found_gaps, problem
from tests.stories.maternal import claim, claims, women
from tests.stories.outreach import members, rows
from tests.story import Story

AS_OF = "2026-06-30"
MODEL = "gaps.provider_desert"

# Enrolled for 12 months, no visit to primary care in 12 months; in 24 where younger than 50 and without a chronic
# diagnosis. The deficit is 0.5 everywhere: 45 x 1.5 / 2 = 33.75.
PD_PCP = """
    who                       | events                                    | row
    -                         | -                                         | open severity=33.75 confidence=1 due=none says=40.0_miles
    # Need and access: each alone is no gap.
    zip_code=00002            | -                                         | -
    zip_code=00011            | -                                         | -
    -                         | t-10 visit:99213@pcp                      | -
    # Nearer or farther than the limit by less than the error of the distance.
    zip_code=00003            | -                                         | open confidence=0.7 severity=33.75
    # From 50 years on 365 days, before 730.
    -                         | t-364 visit:99213@pcp                     | -
    -                         | t-365 visit:99213@pcp                     | open start=t says=since_2025-07-01
    -                         | t-400 visit:99213@pcp                     | open start=t-35
    age:50                    | t-365 visit:99213@pcp                     | open rule=primary_care_from_50
    age:49                    | t-365 visit:99213@pcp                     | -
    age:49                    | t-729 visit:99213@pcp                     | -
    age:49                    | t-730 visit:99213@pcp                     | open rule=primary_care_two_years says=since_2024-07-01
    birth_date=1976-07-01     | t-365 visit:99213@pcp                     | -
    # A chronic diagnosis, whenever it was made, asks for 365 days; a paid one.
    age:49                    | t-365 visit:99213@pcp; t-900 dx:I10       | open rule=primary_care_chronic
    age:49                    | t-365 visit:99213@pcp; t-900 denied dx:I10 | -
    age:49                    | t-365 visit:99213@pcp; t-900 dx:E119      | open
    age:49                    | t-365 visit:99213@pcp; t-900 dx:I509      | open
    age:49                    | t-365 visit:99213@pcp; t-900 dx:I2510     | open
    age:49                    | t-365 visit:99213@pcp; t-900 dx:J449      | open
    age:49                    | t-365 visit:99213@pcp; t-900 dx:J4520     | open
    age:49                    | t-365 visit:99213@pcp; t-900 dx:N183      | open
    age:49                    | t-365 visit:99213@pcp; t-900 dx:C509      | open
    age:49                    | t-365 visit:99213@pcp; t-900 dx:B20       | open
    age:49                    | t-365 visit:99213@pcp; t-900 dx:J069      | -
    # A laboratory that looks for it says nothing.
    age:49                    | t-365 visit:99213@pcp; t-900 visit:80053+dx:E119 | -
    # Who gives it: primary care by the first code; unknown to the provider table counts, another specialty does not.
    -                         | t-10 visit:99213@internist                | -
    -                         | t-10 visit:99213@cardio                   | open
    -                         | t-10 visit:99213@stranger                 | -
    -                         | t-10 visit:99213                          | -
    -                         | t-10 denied visit:99213@pcp               | open
    -                         | t-10 visit:80053@pcp                      | open
    # Preventive, at home, at a health center, by video or telephone: met.
    -                         | t-10 visit:G0439@pcp                      | -
    -                         | t-10 visit:99396@pcp                      | -
    -                         | t-10 visit:99348@pcp                      | -
    -                         | t-10 visit:T1015                          | -
    -                         | t-10 visit:98005@pcp                      | -
    -                         | t-10 visit:99442@pcp                      | -
    # Enrolled throughout the 12 months; holes of 45 days are bridged, of 46 not.
    from:t-364                | -                                         | open
    from:t-363                | -                                         | -
    span:2020-01-01..t-147 span:t-101.. | -                               | open
    span:2020-01-01..t-148 span:t-101.. | -                               | -
    span:2020-01-01..t-1      | -                                         | -
    span:2020-01-01..t        | -                                         | open
    age:18                    | -                                         | open
    age:17                    | -                                         | -
    # Excluded: hospice, death, a facility, the hospital tonight, a ZIP of another state, no ZIP.
    hospice_flag=yes          | -                                         | -
    -                         | t-20 bill:812                             | -
    death_date=t              | -                                         | -
    long_term_institutional_flag=yes | -                                  | -
    -                         | t-20 ltc rx:metformin/30@near             | -
    -                         | t-20 ltc rx:metformin/30@near; t-10 rx:metformin/30@near | open
    -                         | t-3 stay:                                 | -
    -                         | t-9 stay:t-1                              | open
    state=LA                  | -                                         | -
    state=                    | -                                         | open
    zip_code=                 | -                                         | -
    zip_code=99999            | -                                         | -
    # Most retail fills more than 100 miles beyond the nearest pharmacy (3 miles) tell of a home elsewhere; mail does not.
    zip_code=00007            | t-20 rx:metformin/30@winter               | open
    zip_code=00007            | t-20 rx:metformin/30@exile                | -
    zip_code=00007            | t-20 mail rx:metformin/30@exile           | open
    zip_code=00007            | t-20 rx:metformin/30@mail                 | open
    zip_code=00007            | t-180 rx:metformin/30@exile               | open
    zip_code=00007            | t-20 rx:metformin/30@exile; t-50 rx:metformin/30@winter; t-80 rx:lisinopril/30@winter | open
    # What a pharmacist reports closes it in the ledger; claims do here.
    -                         | t-1 said:PD_PCP=REACHED_COMPLETED         | open
"""

# Diabetes (two days, one stay, or drugs) and poor control (insulin, A1c above 9, few days supplied, two classes) and no
# endocrinologist in 12 months; not every diabetic.
PD_ENDO = """
    who            | events                                               | row
    -              | t-10 rx:insulin/30@near                              | open severity=33.75 says=A1c claim=C0
    zip_code=00002 | t-10 rx:insulin/30@near                              | -
    -              | t-10 rx:metformin/30@near                            | -
    -              | t-179 rx:insulin/30@near                             | open
    -              | t-180 rx:insulin/30@near                             | -
    -              | t-10 rx:metformin/30@near; t-20 rx:glipizide/30@near | open
    -              | t-10 rx:both/30@near                                 | open
    -              | t-10 rx:metformin/30@near; t-180 rx:glipizide/30@near | -
    -              | t-10 rx:metformin/30@near; t-20 visit:3046F          | open
    -              | t-10 rx:metformin/30@near; t-365 visit:3046F         | -
    -              | t-10 rx:metformin/30@near; t-20 visit:3044F          | -
    # The latest result stands.
    -              | t-10 rx:metformin/30@near; t-90 visit:3046F; t-20 visit:3051F | -
    -              | t-10 rx:metformin/30@near; t-90 visit:3051F; t-20 visit:3046F | open
    -              | t-10 rx:metformin/30@near; t pdc:no                  | open
    -              | t-10 rx:metformin/30@near; t pdc:yes                 | -
    # A brand for weight loss tells nothing of diabetes.
    -              | t-10 rx:wegovy/30@near; t-20 visit:3046F             | -
    # By diagnosis: two days or one stay within two years.
    -              | t-20 visit:3046F; t-30 dx:E119                       | -
    -              | t-20 visit:3046F; t-30 dx:E119; t-729 dx:E109        | open
    -              | t-20 visit:3046F; t-30 dx:E119; t-730 dx:E109        | -
    -              | t-20 visit:3046F; t-30 dx:E119; t-30 dx:E109         | -
    -              | t-20 visit:3046F; t-30 inpatient dx:E119             | open
    -              | t-20 visit:3046F; t-30 dx:E089; t-90 dx:E089         | -
    # The endocrinologist, by video too; an internist is none, and neither is a stranger.
    -              | t-10 rx:insulin/30@near; t-364 visit:99214@endo      | -
    -              | t-10 rx:insulin/30@near; t-365 visit:99214@endo      | open
    -              | t-10 rx:insulin/30@near; t-100 visit:98006@endo      | -
    -              | t-10 rx:insulin/30@near; t-100 visit:99214@pcp       | open
    -              | t-10 rx:insulin/30@near; t-100 visit:99214@stranger  | open
    hospice_flag=yes | t-10 rx:insulin/30@near                            | -
"""

# New: none of the same in 365 days, enrolled for 180 days before; no cardiologist on the 90th day after. Open until the
# start is a year old.
PD_CARD = """
    who            | events                                               | row
    -              | t-90 dx:I509                                         | open start=t severity=33.75 says=from_2026-04-01 claim=C0
    -              | t-89 dx:I509                                         | -
    zip_code=00002 | t-90 dx:I509                                         | -
    -              | t-364 dx:I509                                        | open start=t-274
    -              | t-365 dx:I509                                        | -
    -              | t-100 dx:I509; t-465 dx:I509                         | -
    -              | t-100 dx:I509; t-466 dx:I509                         | open
    -              | t-100 dx:I110                                        | open
    -              | t-100 dx:I4891                                       | open
    -              | t-100 dx:I214                                        | open
    -              | t-100 dx:I429                                        | open
    -              | t-100 dx:I10                                         | -
    -              | t-100 denied dx:I509                                 | -
    -              | t-100 visit:71046+dx:I509                            | -
    # A new disease of the heart beside an old one; a new medicine of an old one.
    -              | t-100 dx:I4891; t-120 dx:I509; t-300 dx:I509; t-400 dx:I509; t-700 dx:I509; t-730 dx:I509 | open start=t-10
    -              | t-100 rx:entresto/30@near; t-120 dx:I509; t-300 dx:I509; t-600 dx:I509; t-700 dx:I509 | open start=t-10
    -              | t-100 rx:lisinopril/30@near                          | -
    # The earliest of two starts.
    -              | t-100 rx:entresto/30@near; t-150 dx:I509             | open start=t-60
    # A cardiologist within 12 months, before it too, by video too.
    -              | t-100 dx:I509; t visit:99214@cardio                  | -
    -              | t-100 dx:I509; t-10 visit:99442@cardio               | -
    -              | t-100 dx:I509; t-364 visit:99214@cardio              | -
    -              | t-100 dx:I509; t-365 visit:99214@cardio              | open
    -              | t-100 dx:I509; t-10 visit:99214@pcp                  | open
    -              | t-100 dx:I509; t-10 visit:93000@cardio               | open
    # Enrolled for 180 days before the start.
    from:t-280     | t-100 dx:I509                                        | open
    from:t-279     | t-100 dx:I509                                        | -
    age:17         | t-100 dx:I509                                        | -
    state=LA       | t-100 dx:I509                                        | -
"""
PD_ONC = """
    who            | events                                               | row
    -              | t-90 dx:C509                                         | open start=t severity=33.75
    -              | t-89 dx:C509                                         | -
    zip_code=00002 | t-90 dx:C509                                         | -
    -              | t-100 dx:C4490                                       | -
    -              | t-100 rx:imatinib/30@near                            | open
    -              | t-100 visit:J9271                                    | open
    -              | t-100 dx:C509; t-10 visit:99215@oncologist           | -
    -              | t-100 dx:C509; t-10 visit:98006@oncologist           | -
    -              | t-100 dx:C509; t-10 visit:99215@surgeon              | open
    death_date=t-1 | t-100 dx:C509                                        | -
"""
PD_RHEUM = """
    who            | events                                               | row
    -              | t-90 dx:M0579                                        | open start=t severity=33.75 rule=rheumatology_diagnosis
    -              | t-89 dx:M0579                                        | -
    -              | t-91 dx:M0579                                        | open says=A_diagnosis_or_a_medicine_is_new_on_claims
    zip_code=00002 | t-90 dx:M0579                                        | -
    -              | t-100 dx:M1710                                       | -
    -              | t-90 rx:adalimumab/28@near                           | open start=t rule=rheumatology_medicine says=the_nearest_joint_specialist_is
    -              | t-100 dx:M0579; t-10 visit:99214@rheum               | -
    -              | t-100 rx:adalimumab/28@near; t-10 visit:99442@rheum  | -
    # The same medicines treat skin and bowel, with specialists of their own; joints are no dermatologist's.
    -              | t-100 rx:adalimumab/28@near; t-10 visit:99214@dermatologist | -
    -              | t-100 dx:M0579; t-10 visit:99214@dermatologist       | open
    # One row of two rules: the first that holds.
    -              | t-100 dx:M0579; t-120 rx:adalimumab/28@near          | open start=t-10 rule=rheumatology_diagnosis
    long_term_institutional_flag=yes | t-100 dx:M0579                     | -
"""
# A start of medicine for depression, attention or substance use without a follow-up in 30 days.
PD_BH = """
    who            | events                                               | row
    -              | t-30 rx:sertraline/30@near                           | open start=t severity=33.75 says=Check_in
    -              | t-29 rx:sertraline/30@near                           | -
    zip_code=00002 | t-30 rx:sertraline/30@near                           | -
    -              | t-40 rx:methylphenidate/30@near                      | open
    -              | t-40 rx:buprenorphine/30@near                        | open
    -              | t-40 rx:trazodone/30@near                            | -
    -              | t-40 rx:sertraline/30@near; t-300 rx:sertraline/30@near; t-600 rx:sertraline/30@near | -
    # Another kind of medicine is another start.
    -              | t-40 rx:methylphenidate/30@near; t-300 rx:sertraline/30@near; t-600 rx:sertraline/30@near | open
    # Followed up: by those who treat it, or by anyone with the diagnosis after the day of the start.
    -              | t-40 rx:sertraline/30@near; t-10 visit:99214@psychiatrist | -
    -              | t-40 rx:sertraline/30@near; t-10 visit:98006@psychiatrist | -
    -              | t-40 rx:sertraline/30@near; t-364 visit:99214@counselor | -
    -              | t-40 rx:sertraline/30@near; t-10 visit:90834           | -
    -              | t-40 rx:sertraline/30@near; t-39 visit:99213@pcp+dx:F329 | -
    -              | t-40 rx:sertraline/30@near; t-40 visit:99213@pcp+dx:F329 | open
    -              | t-40 rx:sertraline/30@near; t-10 visit:99213@pcp+dx:J069 | open
    -              | t-40 rx:sertraline/30@near; t-10 visit:99213@pcp+dx:F17210 | open
    age:17         | t-40 rx:methylphenidate/30@near                      | -
"""
# Two fill dates of an ingredient in 180 days, supply ended at most 30 days ago; PART_D too far, or the pharmacy in use
# more than twice as far as the nearest and 5 miles more. 00002: nearest 3 miles; 00006: nearest 6.
PD_RX = """
    who            | events                                               | row
    -              | t-50 rx:metformin/30@near; t-20 rx:metformin/30@near | open start=t-20 end=t+9 due=t+9 severity=33.75 says=is_supplied_through_2026-07-09
    zip_code=00010 | t-50 rx:metformin/30@stays; t-20 rx:metformin/30@stays | open
    zip_code=00002 | t-50 rx:metformin/30@n2; t-20 rx:metformin/30@n2     | -
    -              | -                                                    | -
    -              | t-20 rx:metformin/30@near                            | -
    -              | t-20 rx:metformin/30@near; t-20 rx:metformin/30@near | -
    -              | t-50 rx:lisinopril/30@near; t-20 rx:metformin/30@near | -
    -              | t-50 rx:metformin/30@near; t-20 rx:both/30@near      | open says=the_nearest_pharmacy_in_the_network_is
    -              | t-20 rx:metformin/30@near; t-179 rx:metformin/30@near | open
    -              | t-20 rx:metformin/30@near; t-180 rx:metformin/30@near | -
    # t-59 and 30 days: supplied through t-30.
    -              | t-89 rx:metformin/30@near; t-59 rx:metformin/30@near | open due=t-30 says=was_supplied_through_2026-05-31
    -              | t-60 rx:metformin/30@near; t-29 rx:metformin/30@near | open due=t says=is_supplied_through_2026-06-30
    -              | t-90 rx:metformin/30@near; t-60 rx:metformin/30@near | -
    # Of several medicines the first to run out.
    -              | t-50 rx:metformin/30@near; t-20 rx:metformin/30@near; t-40 rx:lisinopril/30@near; t-10 rx:lisinopril/15@near | open due=t+4
    # Mail order is no reason to leave anyone out.
    -              | t-50 mail rx:metformin/30@mail; t-20 mail rx:metformin/30@mail | open
    # 8.000 miles are 5 more than 3, 7.999 are not; 12.000 are twice 6, 12.001 more.
    zip_code=00002 | t-50 rx:metformin/30@far8; t-20 rx:metformin/30@far8 | open severity=22.5 confidence=1 says=the_one_in_use_8.0
    zip_code=00002 | t-50 rx:metformin/30@far7; t-20 rx:metformin/30@far7 | -
    zip_code=00006 | t-50 rx:metformin/30@twice; t-20 rx:metformin/30@twice | -
    zip_code=00006 | t-50 rx:metformin/30@more; t-20 rx:metformin/30@more | open severity=22.5
    # The pharmacy in use is that of most fills, then of the latest.
    zip_code=00002 | t-50 rx:metformin/30@far8; t-20 rx:metformin/30@far7; t-10 rx:lisinopril/30@far8 | open
    zip_code=00002 | t-50 rx:metformin/30@far7; t-20 rx:metformin/30@far8 | open
    zip_code=00002 | t-50 rx:metformin/30@far8; t-20 rx:metformin/30@far7 | -
    hospice_flag=yes | t-50 rx:metformin/30@near; t-20 rx:metformin/30@near | -
    age:5          | t-50 rx:metformin/30@near; t-20 rx:metformin/30@near | open
"""
# The regular pharmacy closes within 90 days either way or leaves the network. In 00010 the nearest that stays is 30 miles
# away, twice the limit of 15: the deficit is 1 - 1/e = 0.6321, 70 x 1.6321 / 2 = 57.1235. In 00001 it is a mile: 35.
PD_CLOSE = """
    who            | events                                               | row
    zip_code=00010 | t-20 rx:metformin/30@closes90                        | open start=t-20 end=t+9 due=t+9 severity=57.1235 says=closes_on_2026-09-28
    zip_code=00010 | t-20 rx:metformin/30@closes91                        | -
    zip_code=00010 | t-20 rx:metformin/30@closed90                        | open due=t+9 says=closed_on_2026-04-01
    zip_code=00010 | t-20 rx:metformin/30@closed91                        | -
    zip_code=00010 | t-20 rx:metformin/30@closed0                         | open says=closed_on_2026-06-30
    zip_code=00010 | t-20 rx:metformin/30@stays                           | -
    # Before the doors close; the supply ends first, or they do.
    zip_code=00010 | t-20 rx:metformin/90@closes1                         | open due=t
    zip_code=00010 | t-20 rx:metformin/90@closes90                        | open due=t+69 says=ends_on_2026-09-07
    zip_code=00010 | t-29 rx:metformin/30@closed90                        | open due=t says=ends_on_2026-06-30
    zip_code=00010 | t-30 rx:metformin/30@closed90                        | open due=t-1 says=ended_on_2026-06-29
    zip_code=00010 | t-20 rx:metformin/120@closes90                       | open due=t+89
    zip_code=00010 | t-20 rx:metformin/30@closes90; t-15 rx:lisinopril/20@closes90 | open due=t+4
    # A desert is not asked for; how far the next one is decides the weight.
    -              | t-20 rx:metformin/30@goes                            | open severity=35 says=1.0_miles
    # None is left: a deficit of 1. No limit is known: half the anchor.
    zip_code=00012 | t-20 rx:metformin/30@last                            | open severity=70 says=no_other_pharmacy_in_the_network_is_known
    zip_code=00011 | t-20 rx:metformin/30@closes90                        | open severity=35
    # The regular one: most fills in 180 days, then the latest.
    zip_code=00010 | t-20 rx:metformin/30@closes90; t-30 rx:lisinopril/30@stays | open
    zip_code=00010 | t-20 rx:metformin/30@stays; t-30 rx:lisinopril/30@closes90 | -
    zip_code=00010 | t-180 rx:metformin/30@closes90                       | -
    zip_code=00010 | t-179 rx:metformin/30@closes90                       | open
    # Moved: everything supplied was last filled elsewhere. What ran out long ago is nothing to move.
    zip_code=00010 | t-80 rx:metformin/30@closed90; t-50 rx:metformin/30@closed90; t-10 rx:metformin/30@stays | -
    zip_code=00010 | t-80 rx:metformin/30@closed90; t-50 rx:lisinopril/90@closed90; t-10 rx:metformin/30@stays | open due=t+39
    zip_code=00010 | t-80 rx:lisinopril/30@closed90; t-79 rx:metformin/30@closed90; t-10 rx:metformin/30@stays | -
    zip_code=00010 | t-20 rx:flu/1@closes90                               | -
    # Out of the network, and paid as inside it within 90 days.
    zip_code=00010 | t-20 rx:metformin/30@outside                         | open due=t+9 says=no_longer_in_the_network
    zip_code=00010 | t-20 paidin rx:metformin/30@outside                  | open
    state=LA       | t-20 rx:metformin/30@closes90                        | -
"""
TOLD = {
    "PD_PCP": PD_PCP, "PD_ENDO": PD_ENDO, "PD_CARD": PD_CARD, "PD_ONC": PD_ONC, "PD_RHEUM": PD_RHEUM, "PD_BH": PD_BH,
    "PD_RX": PD_RX, "PD_CLOSE": PD_CLOSE,
}  # fmt: skip
EVERY_CASE = [case for code, text in TOLD.items() for case in cases_of(text, code)]


@pytest.fixture(scope="module")
def every_gap(teller: Story) -> list[list[dict[str, Any]]]:
    """The rows of every case: all of them are told at once."""
    return found_gaps(teller, EVERY_CASE)


def told(cases: list[Case], found: list[list[dict[str, Any]]]) -> None:
    __tracebackhide__ = True
    wrong = [
        f"{' | '.join(c or '-' for c in case.values())}\n      {trouble}"
        for case, rows in zip(cases, found, strict=True)
        if (trouble := problem(case, rows))
    ]
    if wrong:
        raise AssertionError(f"{len(wrong)} wrong of {len(cases)} cases:\n" + "\n".join(wrong))


@pytest.mark.parametrize("code", TOLD)
def test_gap(every_gap, code):
    """Deserts 4.2: each code open and closed, its boundaries on both sides, exclusions, telehealth and ties."""
    pairs = [(case, rows) for case, rows in zip(EVERY_CASE, every_gap, strict=True) if case["code"] == code]
    told([case for case, _ in pairs], [rows for _, rows in pairs])


# Tier A or B; the clock is the last prenatal visit, or the LMP if there is none: 14w0d is day 98, eight weeks are 56 days.
# 80 x 1.5 / 2 = 60.
PD_OB = """
    at   | tier | events                                        | row
    g97  | A    | who:zip_code=00001                            | -
    g98  | A    | who:zip_code=00001                            | open start=t0 end=g287 due=t0 severity=60 confidence=1 says=the_nearest_clinic_for_one_is_40.0_miles
    g120 | A    | who:zip_code=00001                            | open start=g98 due=g98
    g120 | B    | who:zip_code=00001                            | open confidence=0.7
    g120 | C    | who:zip_code=00001                            | -
    g120 | X    | who:zip_code=00001                            | -
    # Need and access: each alone is no gap.
    g120 | A    | who:zip_code=00002                            | -
    g120 | A    | who:zip_code=00011                            | -
    g120 | A    | who:zip_code=00003                            | open confidence=0.7
    g120 | B    | who:zip_code=00003                            | open confidence=0.49
    g120 | A    | who:zip_code=99999                            | -
    # A county without maternity care or with little of it, and no hospital for births within 30 minutes: 80 x 1 / 2 = 40.
    g120 | A    | who:zip_code=00013                            | open severity=40 says=the_county_has_no_maternity_care
    g120 | A    | who:zip_code=00014                            | open severity=40 says=the_county_has_little_maternity_care
    g120 | A    | who:zip_code=00015                            | -
    g120 | A    | who:zip_code=00016                            | -
    g120 | A    | who:zip_code=00017                            | open severity=40 says=births_is_31_minutes_away
    g120 | A    | who:zip_code=00018                            | open severity=60 says=40.0_miles
    g97  | A    | who:zip_code=00013                            | -
    g120 | A    | who:zip_code=00001; who:state=LA              | -
    # From the last visit of this pregnancy on, by video too.
    g150 | A    | who:zip_code=00001; t-55 ev:Z3A12+cpt:99213   | -
    g150 | A    | who:zip_code=00001; t-56 ev:Z3A12+cpt:99213   | open start=t0 due=t0
    g150 | A    | who:zip_code=00001; t-90 ev:Z3A12+cpt:99213; t-55 ev:Z3A14+cpt:98005 | -
    g150 | A    | who:zip_code=00001; t-90 ev:Z3A12+cpt:99213; t-55 denied ev:Z3A14+cpt:98005 | open start=t-34
    g150 | A    | who:zip_code=00001; t-10 cpt:59425            | -
    g150 | A    | who:zip_code=00001; g-1 cpt:59425             | open start=g98
    # A visit to another specialist is none of this; a visit without the reason neither.
    g150 | A    | who:zip_code=00001; t-10 ev:Z3A20+cpt:99213+npi:1000000002 | open start=g98
    g150 | A    | who:zip_code=00001; t-10 cpt:99213            | open start=g98
    # One bill at the end hides visits; a scan and a laboratory panel together tell of them.
    g150 | A    | who:zip_code=00001; t-60 cpt:80055; t-55 cpt:76805 | -
    g150 | A    | who:zip_code=00001; t-90 cpt:80055; t-56 cpt:76805 | open start=t0
    g150 | A    | who:zip_code=00001; t-55 cpt:76805            | open start=g98
    # Stale evidence, an overdue date, a severe condition, the hospital, a doubt, a loss: nothing is said.
    g150 | A    | who:zip_code=00001; preg:status=stale         | -
    g290 | A    | who:zip_code=00001; preg:status=overdue       | -
    g150 | A    | who:zip_code=00001; t-20 dx:O1412             | -
    g150 | A    | who:zip_code=00001; t-2 stay                  | -
    g150 | A    | who:zip_code=00001; t-2 loss                  | -
    g150 | A    | who:zip_code=00001; t-2 loss:L4               | open
    g150 | A    | who:zip_code=00001; preg:status=suppressed    | -
    p20  | -    | who:zip_code=00001                            | -
"""
FAR = {name: PLACES[name] for name in ("facts.access", "core.site", "facts.nearest_site", "raw.zcta")} | {
    "facts.adherence": ""
}


def test_pregnancy(teller):
    """Deserts 4.2 and 4.6: PD_OB is due at 14 weeks without a visit, or eight weeks after the last."""
    tell = partial(maternity.tell, teller, model=MODEL, which=lambda _: "gap_code = 'PD_OB'", as_of=AS_OF, more=FAR)
    tell(PD_OB)


def test_nothing_is_said_of_a_pregnancy_while_the_gate_is_closed(teller):
    """Maternal 1.7, L9: a stale feed of medical claims could hide a loss."""
    case = "at | tier | events | row\ng120 | A | who:zip_code=00001 | -"
    gate = "missing_value_sets | closed_reason\n0 | medical_feed_stale"
    maternity.tell(teller, case, MODEL, lambda _: "gap_code = 'PD_OB'", AS_OF, gate, FAR)


def test_a_loss_takes_the_row_away_the_same_night(teller):
    """Maternal 1.7, L2: PD_OB goes with a loss, from ledger, attribution and list, and a released row is recalled.

    Both are in week 31 by two dated weeks, without a visit. Bea's row was open last night and on a list. Her other rows,
    which do not depend on a pregnancy, stay.
    """
    evidence = [claim(who, days, code) for who in ("ann", "bea") for days, code in ((17, "Z3A29"), (10, "Z3A30"))]
    given = {
        **FAR,
        "raw.medical_claim": claims(*evidence, claim("bea", 3, "O039"), claim("bea", 100, "I509")),
        "raw.eligibility": women("ann", "bea", zip_code="00001", state="TX", phone="5550100100"),
        "raw.pharmacy": "npi | zip_code | state\n1234567893 | 00001 | TX",
        "raw.state_gap": """
            gap_id           | person_id | gap_family      | gap_code | subject | status | window_start_date | opened_date
            0123456789abcdef | bea       | provider_desert | PD_OB    | -       | open   | 2026-02-24        | 2026-06-20
        """,
        "raw.state_release": """
            gap_id           | person_id | pharmacy_npi | state | gap_code | first_listed_date | last_listed_date | recalled_date
            0123456789abcdef | bea       | 1234567893   | TX    | PD_OB    | 2026-06-20        | 2026-06-29       | -
        """,
    }
    con = teller.prepare(["outreach.gap", "outreach.recall"], AS_OF, given)
    ledger = con.execute("select person_id, status from outreach.ledger where gap_code = 'PD_OB'").fetchall()
    listed = con.execute("select person_id from outreach.worklist where gap_code = 'PD_OB'").fetchall()
    others = con.execute("select gap_code from outreach.gap where person_id = 'bea' order by all").fetchall()
    recalled = con.execute("select pharmacy_npi, gap_id, reason from outreach.recall").fetchall()
    assert ledger == [("ann", "open")]
    assert listed == [("ann",)]
    assert others == [("PD_CARD",), ("PD_PCP",)]
    assert recalled == [("1234567893", "0123456789abcdef", "NOT_ELIGIBLE")]


# Income, and the words of the common score -------------------------------------------------------------------------


def north_of(longitude: int) -> str:
    """Twenty miles north of the equator."""
    return f"{longitude} | {math.degrees(20 / 3958.7613):.10f}"


def test_income_weighs_and_never_decides(story):
    """Deserts 4.3: never exclude the non-poor; income only raises weight. Interface 3.1: `social` and the score.

    Metro: 10 miles and 15 minutes to primary care; 20 miles are 5.4 + 1.64 x 20 = 38.2 minutes. The excess is 38.2 / 15 - 1 =
    1.5467, the deficit 1 - exp(-1.5467) = 0.7870, the severity 45 x 1.787 / 2 = 40.2075; times 0.4 x 0.5 it is 8.0415.
    Social: (0.9 + 0.3 + 1) / 3, (0.1 + 0.02 + 0) / 3, and 0 where nothing is known. A ZIP without an area has that of its
    ZCTA. The nearest pharmacy takes the row, there being none in the ZIP.
    """
    story(
        model="outreach.gap",
        given={
            "facts.adherence": "",
            "raw.zcta": """
                zcta  | longitude | latitude | population | land_sq_mi | county_type | state | svi | households_without_vehicle | low_income
                00001 | 0         | 0        | 500        | 1          | Metro       | TX    | 0.9 | 0.3                        | yes
                00002 | 10        | 0        | 500        | 1          | Metro       | TX    | 0.1 | 0.02                       | no
                00003 | 20        | 0        | 500        | 1          | Metro       | TX    | -   | -                          | -
            """,
            "raw.zip_zcta": "zip_code | zcta\n00901 | 00001",
            "raw.provider": f"""
                npi | taxonomy_code | longitude | latitude
                a   | 207Q00000X    | {north_of(0)}
                b   | 207Q00000X    | {north_of(10)}
                c   | 207Q00000X    | {north_of(20)}
            """,
            "raw.pharmacy": f"""
                npi        | zip_code | state | longitude | latitude
                1234567893 | 00009    | TX    | {north_of(0)}
                1679576722 | 00009    | TX    | {north_of(20)}
            """,
            "raw.eligibility": """
                person_id | birth_date | enrollment_start_date | zip_code | phone      | medicaid_indicator
                ann       | 1960-01-01 | 2018-01-01            | 00901    | 5550100100 | yes
                bob       | 1960-01-01 | 2018-01-01            | 00002    | 5550100100 | no
                cal       | 1960-01-01 | 2018-01-01            | 00003    | 5550100100 | -
            """,
        },
        expect={
            "outreach.gap": """
                person_id | gap_code | subject | status | severity | social | score  | status_reason
                ann       | PD_PCP   | -       | open   | 40.2075  | 0.7333 | 9.5157 | -
                bob       | PD_PCP   | -       | open   | 40.2075  | 0.04   | 8.1219 | -
                cal       | PD_PCP   | -       | open   | 40.2075  | 0      | 8.0415 | -
            """,
            "outreach.attribution": """
                person_id | gap_family      | subject | pharmacy_npi | attribution_rule
                ann       | provider_desert | -       | 1234567893   | assigned_by_distance
                bob       | provider_desert | -       | 1234567893   | assigned_by_distance
                cal       | provider_desert | -       | 1679576722   | assigned_by_distance
            """,
        },
    )


def test_income_excludes_nobody(teller, every_gap):
    """Deserts 4.3: never exclude the non-poor. Of all the members above nobody's income was known; here all are rich."""
    header, *rows = PLACES["raw.zcta"].splitlines()
    rich = [f"{header} | svi | households_without_vehicle | low_income", *(f"{row} | 0 | 0 | no" for row in rows)]
    cases = [case | {"who": f"{case['who'] or ''} medicaid_indicator=no"} for case in EVERY_CASE]
    assert found_gaps(teller, cases, raw__zcta="\n".join(rich)) == every_gap


def test_a_gap_that_is_gone_closes_by_itself(story):
    """Interface 3: desert gaps are open or closed, with a null subject. The code that stays is another matter."""
    story(
        model="outreach.ledger",
        given={
            **PLACES,
            "facts.adherence": "",
            "raw.eligibility": """
                person_id | birth_date | enrollment_start_date | zip_code | state
                ann       | 1960-01-01 | 2018-01-01            | 00001    | TX
            """,
            "raw.state_gap": """
                gap_id           | person_id | gap_family      | gap_code | subject | status | window_start_date | window_end_date | opened_date
                0123456789abcdef | ann       | provider_desert | PD_CARD  | -       | open   | 2026-02-24        | -               | 2026-05-01
            """,
        },
        expect="""
            person_id | gap_code | subject | status | closing_reason | closed_date
            ann       | PD_CARD  | -       | closed | resolved       | 2026-06-30
            ann       | PD_PCP   | -       | open   | -              | -
        """,
    )


def test_how_long_a_pharmacists_word_stands(story):
    """Deserts 4.2, 4.6: done or in hand for 90 days, prenatal care for eight weeks; a decline or a try closes nothing."""
    cases = {
        "PD_PCP REFERRED 2026-04-02": "documented", "PD_PCP REFERRED 2026-04-01": None,
        "PD_RX GAP_ALREADY_CLOSED 2026-06-29": "reported", "PD_CARD REACHED_COMPLETED 2026-06-29": "documented",
        "PD_OB REACHED_COMPLETED 2026-05-06": "documented", "PD_OB REACHED_COMPLETED 2026-05-05": None,
        "PD_PCP REACHED_DECLINED 2026-06-29": None, "PD_CLOSE NO_ANSWER 2026-06-29": None,
        "SUPD REACHED_COMPLETED 2026-06-29": None,
    }  # fmt: skip
    told = {f"p{number}": case for number, case in enumerate(cases, start=1)}
    story(
        model="facts.closing_word",
        given={
            "core.member": members(list(told)),
            "facts.discharge": "member_key",
            "facts.referral_hold": "member_key",
            "raw.outreach_outcome": rows(
                "person_id | gap_code | outcome_code | attempted_at",
                *(f"{name} | {' | '.join(case.split())} 10:00:00" for name, case in told.items()),
            ),
        },
        expect=rows(
            "member_key | gap_code | subject | closing_reason",
            *(
                f"{key} | {case.split()[0]} | - | {reason}"
                for key, (case, reason) in enumerate(cases.items(), start=1)
                if reason
            ),
        ),
    )


# The registry --------------------------------------------------------------------------------------------------------


def test_rules_name_what_exists():
    """Every code of the family has a rule, every rule a service of the standard's, every set its codes and clinicians."""
    rules = read_desert_rules()
    assert {rule.gap_code for rule in rules.values()} == set(read_families()["provider_desert"].codes)
    limited = {(row[1], row[0]) for row in ACCESS_TABLES["adequacy_base"]()}
    assert {(rule.service, rule.standard_id) for rule in rules.values()} <= limited
    made = {"pdc_diabetes", "mental_health_visit"}
    sets = [s for rule in rules.values() for _, _, s in rule.sets()]
    assert {s.value_set for s in sets} - made <= set(read_value_sets())
    specialties = {row["category"] for row in value_set_table("clinician_specialty")}
    for s in sets:
        assert set(s.clinicians) <= specialties | {"unknown"}, s
        classes = set() if s.value_set in made else {row["category"] for row in value_set_table(s.value_set)}
        assert set(s.categories) <= classes, s
