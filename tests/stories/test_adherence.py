"""PDC, told as stories.

G and D rows are the golden tests of the domain page, section 6; TN25 and TN26 are CMS's Star Ratings Technical Notes
2025 and 2026. Dates of CMS's examples, printed as 20XX, are put into the year whose rule they show.
"""

from __future__ import annotations

import pytest

from tests.stories.formulary import GIVEN as GIVEN

MODEL = "outreach.adherence"
AS_OF = "2026-12-31"

# Two fills that keep a member of any statin story in the denominator.
TWO_STATIN_FILLS = """
    person_id | dispensing_date | ndc_code     | days_supply
    ann       | 2026-01-01      | atorvastatin | 90
    ann       | 2026-04-01      | atorvastatin | 90
"""


# Golden rows of CMS, PQA and the domain page


def test_a_switch_without_overlap_covers_every_day(story):
    """G1, TN25 attachment L example 1: benazepril 1/1 59 days, captopril 3/1 31 days, period 1/1 to 3/31: 90/90."""
    story(
        as_of="2023-12-31",
        given={
            "raw.eligibility": """
                person_id | enrollment_start_date | enrollment_end_date
                ann       | 2023-01-01            | 2023-03-31
            """,
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code   | days_supply
                ann       | 2023-01-01      | benazepril | 59
                ann       | 2023-03-01      | captopril  | 31
            """,
        },
        expect="""
            person_id | measure_id | treatment_days | covered_days | pdc | exclusion_reason
            ann       | pdc_ras    | 90             | 90           | 1   | short_treatment_period
        """,
    )


def test_the_same_ingredient_is_shifted_and_another_is_not(story):
    """G2b, TN25 and TN26 attachment L example 3: lisinopril/HCTZ moves to 2/1, benazepril/HCTZ stays: 62/90, 62/120.

    Without the shift it would be 59/90 (G2a). HCTZ, which both combinations hold, is no target and shifts nothing.
    """
    story(
        as_of="2023-12-31",
        given={
            "raw.eligibility": """
                person_id | enrollment_start_date | enrollment_end_date
                ann       | 2023-01-01            | 2023-03-31
                bob       | 2023-01-01            | 2023-04-30
            """,
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code        | days_supply
                ann       | 2023-01-01      | lisinopril      | 31
                ann       | 2023-01-16      | lisinopril-hctz | 31
                ann       | 2023-02-01      | benazepril-hctz | 28
                bob       | 2023-01-01      | lisinopril      | 31
                bob       | 2023-01-16      | lisinopril-hctz | 31
                bob       | 2023-02-01      | benazepril-hctz | 28
            """,
        },
        expect="""
            person_id | treatment_days | covered_days | pdc    | is_adherent
            ann       | 90             | 62           | 0.6889 | no
            bob       | 120            | 62           | 0.5167 | no
        """,
    )


def test_a_shifted_refill_and_a_parallel_drug(story):
    """G3b, TN25 and TN26 attachment L example 5: lisinopril of 3/16 is not moved by captopril: 105/120."""
    story(
        as_of="2023-12-31",
        given={
            "raw.eligibility": """
                person_id | enrollment_start_date | enrollment_end_date
                ann       | 2023-01-01            | 2023-04-30
            """,
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code        | days_supply
                ann       | 2023-01-01      | lisinopril      | 31
                ann       | 2023-01-16      | lisinopril-hctz | 31
                ann       | 2023-03-01      | captopril       | 31
                ann       | 2023-03-16      | lisinopril      | 31
            """,
        },
        expect="""
            person_id | treatment_days | covered_days | pdc    | is_adherent | is_eligible
            ann       | 120            | 105          | 0.8750 | yes         | yes
        """,
    )


# CMS's fifteen days are 1 to 15 January 2025, which is too short to be measured; the days count all the same.
STAY_EXAMPLES = {
    "supply met in a stay is used after it: 12/15 becomes 12/13 (G4, TN26 L-6 and L-7)": (
        ["01 | 8", "12 | 4"],
        ("05", "06"),
        "13 | 12 | 0.9231",
    ),
    "supply that finds no day after the stay is lost: 11/15 becomes 9/13 (G5, TN26 L-8 and L-9)": (
        ["01 | 7", "12 | 4"],
        ("12", "13"),
        "13 | 9 | 0.6923",
    ),
    "two days find a place between the fills: 11/15 becomes 9/11 (G6, TN26 L-10 and L-11)": (
        ["01 | 3", "06 | 4", "12 | 4"],
        ("06", "09"),
        "11 | 9 | 0.8182",
    ),
    "the next fill moves on by a day: 9/15 becomes 9/12 (G7, TN26 L-12 and L-13)": (
        ["01 | 4", "07 | 5"],
        ("02", "04"),
        "12 | 9 | 0.7500",
    ),
}


@pytest.mark.parametrize(("fills", "stay", "days"), STAY_EXAMPLES.values(), ids=STAY_EXAMPLES)
def test_stay(story, fills, stay, days):
    """TN26 attachment L, inpatient examples."""
    lines = "\n".join(f"ann | lisinopril | 2025-01-{fill}" for fill in fills)
    story(
        as_of="2025-12-31",
        given={
            "raw.eligibility": """
                person_id | enrollment_start_date | enrollment_end_date
                ann       | 2025-01-01            | 2025-01-15
            """,
            "raw.pharmacy_claim": f"""
                person_id | ndc_code | dispensing_date | days_supply
                {lines}
            """,
            "raw.medical_claim": f"""
                person_id | claim_type    | bill_type_code | claim_start_date | discharge_date
                ann       | institutional | 111            | 2025-01-{stay[0]} | 2025-01-{stay[1]}
            """,
        },
        expect=f"""
            person_id | exclusion_reason       | treatment_days | covered_days | pdc
            ann       | short_treatment_period | {days}
        """,
    )


def test_stays_are_left_in_from_2026(story):
    """Domain rule 1.1: no stay adjustment for measurement year 2026. The example is G4: 12/15."""
    story(
        given={
            "raw.eligibility": """
                person_id | enrollment_start_date | enrollment_end_date
                ann       | 2026-01-01            | 2026-01-15
            """,
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code   | days_supply
                ann       | 2026-01-01      | lisinopril | 8
                ann       | 2026-01-12      | lisinopril | 4
            """,
            "raw.medical_claim": """
                person_id | claim_type    | bill_type_code | claim_start_date | discharge_date
                ann       | institutional | 111            | 2026-01-05       | 2026-01-06
            """,
        },
        expect="""
            person_id | treatment_days | covered_days
            ann       | 15             | 12
        """,
    )


def test_two_episodes_of_three_months_are_half_a_member_year(story):
    """G8, TN25: enrolled three months, out six, in three, criteria met in both: 0.5 member-years.

    2020, because January to March has 91 days in a leap year only. The row is the episode of the last class fill
    (interface 2.1). Bob's second episode has one fill date, so that only his first counts, though the row is the second.
    """
    story(
        as_of="2020-12-31",
        given={
            "raw.eligibility": """
                person_id | enrollment_start_date | enrollment_end_date
                ann       | 2020-01-01            | 2020-03-31
                ann       | 2020-10-01            | 2020-12-31
                bob       | 2020-01-01            | 2020-03-31
                bob       | 2020-10-01            | 2020-12-31
            """,
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2020-01-01      | atorvastatin | 30
                ann       | 2020-02-01      | atorvastatin | 30
                ann       | 2020-10-01      | atorvastatin | 30
                ann       | 2020-11-01      | atorvastatin | 30
                bob       | 2020-01-01      | atorvastatin | 30
                bob       | 2020-02-01      | atorvastatin | 30
                bob       | 2020-10-01      | atorvastatin | 30
            """,
        },
        expect="""
            person_id | index_date | treatment_end_date | treatment_days | covered_days | exclusion_reason | member_years
            ann       | 2020-10-01 | 2020-12-31         | 92             | 60           | -                | 0.5
            bob       | 2020-10-01 | 2020-12-31         | 92             | 30           | one_fill_date    | 0.25
        """,
    )


def test_member_years_end_with_2023(story):
    """TN25 and TN26: member-years through measurement year 2023, none from 2024."""
    story(
        as_of="2023-12-31",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2023-01-01      | atorvastatin | 90
                ann       | 2023-04-01      | atorvastatin | 90
            """
        },
        expect="""
            person_id | member_years
            ann       | 1
        """,
    )
    story(given={"raw.pharmacy_claim": TWO_STATIN_FILLS}, expect="person_id | member_years\nann | -")


def test_two_drugs_on_one_day_are_one_fill_date(story):
    """G10, PQA example: lisinopril and losartan both on 2018-01-01 for 90 days: not in the denominator."""
    story(
        as_of="2018-12-31",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code   | days_supply
                ann       | 2018-01-01      | lisinopril | 90
                ann       | 2018-01-01      | losartan   | 90
            """
        },
        expect="""
            person_id | fill_date_count | covered_days | exclusion_reason
            ann       | 1               | 90           | one_fill_date
        """,
    )


def test_supply_past_the_year_is_cut(story):
    """G11, PQA example: the third fill starts on 10-03 and is cut at 12-31: 270/282."""
    story(
        as_of="2018-12-31",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code   | days_supply
                ann       | 2018-03-25      | lisinopril | 90
                ann       | 2018-07-05      | lisinopril | 90
                ann       | 2018-09-25      | lisinopril | 90
            """
        },
        expect="""
            person_id | index_date | treatment_days | covered_days | pdc    | covered_through_date
            ann       | 2018-03-25 | 282            | 270          | 0.9574 | 2018-12-31
        """,
    )


def test_a_first_fill_in_october_is_too_late(story):
    """G13, PQA example: 10-04, 11-01 (starts 11-03), 12-15, 30 days each; 89 days are fewer than 91."""
    story(
        as_of="2018-12-31",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code   | days_supply
                ann       | 2018-10-04      | lisinopril | 30
                ann       | 2018-11-01      | lisinopril | 30
                ann       | 2018-12-15      | lisinopril | 30
            """
        },
        expect="""
            person_id | treatment_days | covered_days | exclusion_reason
            ann       | 89             | 77           | short_treatment_period
        """,
    )


def test_fills_without_overlap(story):
    """G19, Leslie 2007, with its days put into 2026: 02-17, 06-13 and 08-11, 30 days each, 180 days to 08-15: 65/180."""
    story(
        given={
            "raw.eligibility": """
                person_id | enrollment_start_date | enrollment_end_date
                ann       | 2018-01-01            | 2026-08-15
            """,
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2026-02-17      | atorvastatin | 30
                ann       | 2026-06-13      | atorvastatin | 30
                ann       | 2026-08-11      | atorvastatin | 30
            """,
        },
        expect="""
            person_id | treatment_days | covered_days | pdc
            ann       | 180            | 65           | 0.3611
        """,
    )


def test_pdc_to_date_counts_days_through_the_as_of_date(story):
    """G21, The Thriving Pharmacist: 30 days, refill on day 25, the next on day 65; days 0 to 64: 60/65."""
    story(
        as_of="2025-03-06",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2025-01-01      | atorvastatin | 30
                ann       | 2025-01-26      | atorvastatin | 30
                ann       | 2025-03-07      | atorvastatin | 30
            """
        },
        expect="""
            person_id | treatment_days | covered_days | pdc    | fill_date_count
            ann       | 65             | 60           | 0.9231 | 2
        """,
    )


def test_the_last_index_date_that_counts_is_october_2(story):
    """D1: 2025-10-02 to 12-31 is 91 days, 10-03 is 90; in a leap year too (domain pitfall 12)."""
    claims = """
        person_id | dispensing_date | ndc_code     | days_supply
        ann       | {year}-10-02    | atorvastatin | 30
        ann       | {year}-11-01    | atorvastatin | 30
        bob       | {year}-10-03    | atorvastatin | 30
        bob       | {year}-11-02    | atorvastatin | 30
    """
    for year in (2024, 2025):
        story(
            as_of=f"{year}-12-31",
            given={"raw.pharmacy_claim": claims.format(year=year)},
            expect="""
                person_id | full_treatment_days | is_eligible | exclusion_reason
                ann       | 91                  | yes         | -
                bob       | 90                  | no          | short_treatment_period
            """,
        )


def test_eighty_percent_exactly_passes(story):
    """D2: 292/365 passes, 291/365 does not (domain rule 1.4: integers decide)."""
    story(
        as_of="2025-12-31",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code  | days_supply
                ann       | 2025-01-01      | metformin | 90
                ann       | 2025-04-01      | metformin | 90
                ann       | 2025-06-30      | metformin | 90
                ann       | 2025-12-10      | metformin | 30
                bob       | 2025-01-01      | metformin | 90
                bob       | 2025-04-01      | metformin | 90
                bob       | 2025-06-30      | metformin | 90
                bob       | 2025-12-11      | metformin | 30
            """
        },
        expect="""
            person_id | treatment_days | covered_days | pdc    | is_adherent
            ann       | 365            | 292          | 0.8000 | yes
            bob       | 365            | 291          | 0.7973 | no
        """,
    )


def test_a_leap_year_has_366_days(story):
    """D3: four fills of 90 days in 2024: 360/366. 366 // 5 = 73 days may be missed (domain section 4)."""
    story(
        as_of="2024-12-31",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2024-01-01      | atorvastatin | 90
                ann       | 2024-03-31      | atorvastatin | 90
                ann       | 2024-06-29      | atorvastatin | 90
                ann       | 2024-09-27      | atorvastatin | 90
            """
        },
        expect="""
            person_id | treatment_days | covered_days | pdc    | allowed_missed_days
            ann       | 366            | 360          | 0.9836 | 73
        """,
    )


def test_leap_day_is_a_day_of_supply(story):
    """2024-02-01 for 29 days ends on leap day; a fill of 02-29 is shifted to 03-01."""
    story(
        as_of="2024-03-30",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2024-02-01      | atorvastatin | 29
                ann       | 2024-02-29      | atorvastatin | 30
            """
        },
        expect="""
            person_id | treatment_days | covered_days | covered_through_date | refill_due_date
            ann       | 59             | 59           | 2024-03-30           | 2024-03-31
        """,
    )


def test_two_fills_of_one_drug_on_one_day_queue(story):
    """D4: 2 x metformin 30 days on 2025-01-01, 90 days on 03-15, enrolled to 06-30: 1/1-3/1 and 3/15-6/12 = 150/181."""
    story(
        as_of="2025-12-31",
        given={
            "raw.eligibility": """
                person_id | enrollment_start_date | enrollment_end_date
                ann       | 2025-01-01            | 2025-06-30
            """,
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code       | days_supply
                ann       | 2025-01-01      | metformin      | 30
                ann       | 2025-01-01      | metformin-1000 | 30
                ann       | 2025-03-15      | metformin      | 90
            """,
        },
        expect="""
            person_id | treatment_days | covered_days | pdc    | fill_date_count
            ann       | 181            | 150          | 0.8287 | 2
        """,
    )


def test_supply_of_december_gives_nothing_in_january(story):
    """D5, TN26 data source: 2024-12-20 for 90 days does not count; index 2025-02-15, 180/320. Bob has no row."""
    story(
        as_of="2025-12-31",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code  | days_supply
                ann       | 2024-12-20      | metformin | 90
                ann       | 2025-02-15      | metformin | 90
                ann       | 2025-05-16      | metformin | 90
                bob       | 2024-12-20      | metformin | 90
                bob       | 2024-12-31      | metformin | 90
            """
        },
        expect="""
            person_id | index_date | treatment_days | covered_days | pdc    | fill_date_count
            ann       | 2025-02-15 | 320            | 180          | 0.5625 | 2
        """,
    )


def test_a_fill_on_the_last_day_covers_one_day(story):
    """D7: 2025-01-01 and 04-01 for 90 days, 12-31 for 90 days: 181/365 and three fill dates."""
    story(
        as_of="2025-12-31",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code  | days_supply
                ann       | 2025-01-01      | metformin | 90
                ann       | 2025-04-01      | metformin | 90
                ann       | 2025-12-31      | metformin | 90
            """
        },
        expect="""
            person_id | covered_days | pdc    | fill_date_count
            ann       | 181          | 0.4959 | 3
        """,
    )


def test_a_combination_waits_for_both_of_its_ingredients(story):
    """D9, domain rule 1.5 variant C: the whole claim is shifted, 1/1 to 3/31: 90 days."""
    story(
        as_of="2025-12-31",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code            | days_supply
                ann       | 2025-01-01      | metformin           | 30
                ann       | 2025-01-16      | glipizide-metformin | 30
                ann       | 2025-02-01      | glipizide           | 30
            """
        },
        expect="""
            person_id | covered_days | covered_through_date
            ann       | 90           | 2025-03-31
        """,
    )


def test_a_combination_carries_one_ingredients_wait_over_to_the_other(story):
    """Domain rule 1.5, variant C. The combination of 1/20 waits for glipizide's 90 days: 4/1 to 4/30.

    Metformin of 2/1 then waits for the combination: 5/1 to 5/30, 150 days in all. Linagliptin is tied to nothing and
    starts on its own day, 4/15 to 5/14. Shifted ingredient by ingredient (variant B) it would be 134 days.
    """
    story(
        as_of="2025-12-31",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code            | days_supply
                ann       | 2025-01-01      | glipizide           | 90
                ann       | 2025-01-01      | metformin           | 30
                ann       | 2025-01-20      | glipizide-metformin | 30
                ann       | 2025-02-01      | metformin           | 30
                ann       | 2025-04-15      | linagliptin         | 30
            """
        },
        expect="""
            person_id | covered_days | covered_through_date | fill_date_count
            ann       | 150          | 2025-05-30           | 4
        """,
    )


def test_a_combination_of_three(story):
    """Domain rule 1.5, variant C: it waits for the longest supply of any of its three, here linagliptin's to 3/1."""
    story(
        as_of="2025-12-31",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code                            | days_supply
                ann       | 2025-01-01      | metformin                           | 20
                ann       | 2025-01-01      | linagliptin                         | 60
                ann       | 2025-01-15      | empagliflozin-linagliptin-metformin | 30
            """
        },
        expect="""
            person_id | covered_days | covered_through_date
            ann       | 90           | 2025-03-31
        """,
    )


def test_insulin_excludes_from_the_index_date_on(story):
    """D11, TN26: an insulin claim on the day before the index date does not exclude, on it does; on the last day too."""
    story(
        given={
            "raw.eligibility": """
                person_id | enrollment_start_date | enrollment_end_date
                ann       | 2026-01-01            | -
                bob       | 2026-01-01            | -
                cal       | 2026-01-01            | 2026-06-30
                dee       | 2026-01-01            | 2026-06-30
            """,
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code  | days_supply
                ann       | 2026-01-31      | glargine  | 30
                ann       | 2026-02-01      | metformin | 90
                ann       | 2026-05-01      | metformin | 90
                bob       | 2026-02-01      | glargine  | 30
                bob       | 2026-02-01      | metformin | 90
                bob       | 2026-05-01      | metformin | 90
                cal       | 2026-02-01      | metformin | 90
                cal       | 2026-05-01      | metformin | 90
                cal       | 2026-06-30      | glargine  | 30
                dee       | 2026-02-01      | metformin | 90
                dee       | 2026-05-01      | metformin | 90
                dee       | 2026-07-01      | glargine  | 30
            """,
        },
        expect="""
            person_id | measure_id   | is_eligible | exclusion_reason
            ann       | pdc_diabetes | yes         | -
            bob       | pdc_diabetes | no          | insulin
            cal       | pdc_diabetes | no          | insulin
            dee       | pdc_diabetes | yes         | -
        """,
    )


def test_insulin_any_time_in_the_year_excludes_through_2023(story):
    """TN25: the exclusion window is the measurement period, not the treatment period; the year before is outside it."""
    story(
        as_of="2023-12-31",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code  | days_supply
                ann       | 2023-01-31      | glargine  | 30
                ann       | 2023-02-01      | metformin | 90
                ann       | 2023-05-01      | metformin | 90
                bob       | 2022-12-31      | glargine  | 30
                bob       | 2023-02-01      | metformin | 90
                bob       | 2023-05-01      | metformin | 90
            """
        },
        expect="""
            person_id | exclusion_reason
            ann       | insulin
            bob       | -
        """,
    )


def test_insulin_with_a_glp1_agonist_is_insulin(story):
    """Domain rule 1.3: a combination excludes, and its GLP-1 agonist is no fill of the measure."""
    story(
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code             | days_supply
                ann       | 2026-01-01      | metformin            | 90
                ann       | 2026-04-01      | metformin            | 90
                ann       | 2026-08-01      | degludec-liraglutide | 90
                bob       | 2026-01-01      | degludec-liraglutide | 90
                bob       | 2026-04-01      | degludec-liraglutide | 90
            """
        },
        expect="""
            person_id | fill_date_count | covered_days | exclusion_reason
            ann       | 2               | 180          | insulin
        """,
    )


def test_insulin_does_not_exclude_from_other_measures(story):
    """Domain rule 1.3: the insulin exclusion belongs to the diabetes measure alone."""
    story(
        given={"raw.pharmacy_claim": TWO_STATIN_FILLS + "ann | 2026-05-01 | glargine | 30"},
        expect="""
            person_id | measure_id  | is_eligible
            ann       | pdc_statins | yes
        """,
    )


def test_sacubitril_valsartan_is_not_valsartan(story):
    """D12: a user of sacubitril/valsartan alone is not in the RAS measure at all."""
    story(
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code             | days_supply
                ann       | 2026-01-01      | sacubitril-valsartan | 90
                ann       | 2026-04-01      | sacubitril-valsartan | 90
                ann       | 2026-07-01      | sacubitril-valsartan | 90
            """
        },
        expect="",
    )


def test_sacubitril_valsartan_excludes_a_user_of_valsartan(story):
    """TN26 D09: one claim in the treatment period excludes; before it does not, and it never gives supply."""
    story(
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code             | days_supply
                ann       | 2026-01-01      | valsartan            | 90
                ann       | 2026-04-01      | valsartan            | 90
                ann       | 2026-07-01      | sacubitril-valsartan | 90
                bob       | 2026-01-01      | sacubitril-valsartan | 90
                bob       | 2026-01-02      | valsartan            | 90
                bob       | 2026-04-02      | valsartan            | 90
            """
        },
        expect="""
            person_id | measure_id | index_date | covered_days | exclusion_reason
            ann       | pdc_ras    | 2026-01-01 | 180          | sacubitril_valsartan
            bob       | pdc_ras    | 2026-01-02 | 180          | -
        """,
    )


def test_a_stay_of_the_whole_treatment_period_excludes(story):
    """D13, TN26 attachment L step 5; one day at home is enough to be measured."""
    story(
        as_of="2025-12-31",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2025-06-01      | atorvastatin | 30
                ann       | 2025-07-01      | atorvastatin | 30
                bob       | 2025-06-01      | atorvastatin | 30
                bob       | 2025-07-01      | atorvastatin | 30
            """,
            "raw.medical_claim": """
                person_id | claim_type    | bill_type_code | claim_start_date | discharge_date
                ann       | institutional | 211            | 2025-05-01       | 2026-02-01
                bob       | institutional | 211            | 2025-06-02       | 2026-02-01
            """,
        },
        expect="""
            person_id | treatment_days | pdc | is_eligible | exclusion_reason
            ann       | 0              | -   | no          | stay_spans_treatment_period
            bob       | 1              | 1   | yes         | -
        """,
    )


def test_a_hole_of_one_day_in_enrolment_excludes(story):
    """D14, TN26: no gap in the treatment period, from measurement year 2024.

    Bob's spans touch; cal's hole is before the index date; dee leaves and never returns (domain rule 1.2: no gap).
    """
    story(
        as_of="2024-12-31",
        given={
            "raw.eligibility": """
                person_id | enrollment_start_date | enrollment_end_date
                ann       | 2024-01-01            | 2024-06-30
                ann       | 2024-07-02            | -
                bob       | 2024-01-01            | 2024-06-30
                bob       | 2024-07-01            | -
                cal       | 2024-01-01            | 2024-01-30
                cal       | 2024-02-01            | -
                dee       | 2024-01-01            | 2024-06-30
            """,
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2024-02-01      | atorvastatin | 90
                ann       | 2024-05-01      | atorvastatin | 90
                bob       | 2024-02-01      | atorvastatin | 90
                bob       | 2024-05-01      | atorvastatin | 90
                cal       | 2024-02-01      | atorvastatin | 90
                cal       | 2024-05-01      | atorvastatin | 90
                dee       | 2024-02-01      | atorvastatin | 90
                dee       | 2024-05-01      | atorvastatin | 90
            """,
        },
        expect="""
            person_id | treatment_end_date | treatment_days | exclusion_reason
            ann       | 2024-12-31         | 335            | enrollment_gap
            bob       | 2024-12-31         | 335            | -
            cal       | 2024-12-31         | 335            | -
            dee       | 2024-06-30         | 151            | -
        """,
    )


# Who is measured


def test_eighteen_on_the_first_day_of_the_year(story):
    """Domain rule 1.2: age on 1 January. A birthday on 1 January is in time, on 2 January it is not."""
    story(
        given={
            "raw.eligibility": """
                person_id | birth_date
                ann       | 2008-01-01
                bob       | 2008-01-02
                cal       | 2008-02-29
            """,
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2026-01-01      | atorvastatin | 90
                ann       | 2026-04-01      | atorvastatin | 90
                bob       | 2026-01-01      | atorvastatin | 90
                bob       | 2026-04-01      | atorvastatin | 90
                cal       | 2026-01-01      | atorvastatin | 90
                cal       | 2026-04-01      | atorvastatin | 90
            """,
        },
        expect="""
            person_id | is_eligible | exclusion_reason
            ann       | yes         | -
            bob       | no          | under_18
            cal       | no          | under_18
        """,
    )


def test_two_fills_of_different_drugs_of_the_class_are_enough(story):
    """Domain rule 1.2: two unique dates of service of any target drug; one is not enough."""
    story(
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2026-01-01      | atorvastatin | 30
                ann       | 2026-01-02      | rosuvastatin | 30
                bob       | 2026-01-01      | atorvastatin | 30
            """
        },
        expect="""
            person_id | fill_date_count | exclusion_reason
            ann       | 2               | -
            bob       | 1               | one_fill_date
        """,
    )


def test_enrolment_that_ends_before_91_days(story):
    """TN26: treatment period of at least 91 days; 2026-01-01 to 04-01 is 91 days, to 03-31 it is 90."""
    story(
        given={
            "raw.eligibility": """
                person_id | enrollment_start_date | enrollment_end_date
                ann       | 2025-01-01            | 2026-04-01
                bob       | 2025-01-01            | 2026-03-31
            """,
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2026-01-01      | atorvastatin | 30
                ann       | 2026-02-01      | atorvastatin | 30
                bob       | 2026-01-01      | atorvastatin | 30
                bob       | 2026-02-01      | atorvastatin | 30
            """,
        },
        expect="""
            person_id | full_treatment_days | exclusion_reason
            ann       | 91                  | -
            bob       | 90                  | short_treatment_period
        """,
    )


def test_stay_days_do_not_shorten_the_91_days(story):
    """Domain rule 1.6: the 91-day test uses the calendar period. 2025-10-02 to 12-31 less a stay of ten days."""
    story(
        as_of="2025-12-31",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2025-10-02      | atorvastatin | 30
                ann       | 2025-11-01      | atorvastatin | 30
            """,
            "raw.medical_claim": """
                person_id | claim_type    | bill_type_code | claim_start_date | discharge_date
                ann       | institutional | 111            | 2025-12-01       | 2025-12-10
            """,
        },
        expect="""
            person_id | full_treatment_days | covered_days | is_eligible
            ann       | 81                  | 60           | yes
        """,
    )


def test_death_ends_the_treatment_period(story):
    """Domain pitfall 13: death is no exclusion; the period ends with it, whatever enrolment says."""
    story(
        given={
            "raw.eligibility": """
                person_id | enrollment_start_date | enrollment_end_date | death_date
                ann       | 2025-01-01            | -                   | 2026-06-30
                bob       | 2025-01-01            | 2026-05-31          | 2026-06-30
            """,
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2026-01-01      | atorvastatin | 90
                ann       | 2026-04-01      | atorvastatin | 90
                ann       | 2026-06-30      | atorvastatin | 90
                ann       | 2026-07-01      | atorvastatin | 90
                bob       | 2026-01-01      | atorvastatin | 90
                bob       | 2026-04-01      | atorvastatin | 90
            """,
        },
        expect="""
            person_id | treatment_end_date | treatment_days | covered_days | fill_date_count | is_eligible
            ann       | 2026-06-30         | 181            | 181          | 3               | yes
            bob       | 2026-05-31         | 151            | 151          | 2               | yes
        """,
    )


def test_fills_after_the_treatment_end_are_ignored_for_everything(story):
    """Domain pitfall 7: neither a fill date nor supply. Bob has no fill before the end, and still has a row."""
    story(
        given={
            "raw.eligibility": """
                person_id | enrollment_start_date | enrollment_end_date
                ann       | 2025-01-01            | 2026-06-30
                bob       | 2025-01-01            | 2026-06-30
            """,
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2026-01-01      | atorvastatin | 90
                ann       | 2026-07-01      | atorvastatin | 90
                bob       | 2026-07-01      | atorvastatin | 90
                bob       | 2026-10-01      | atorvastatin | 90
            """,
        },
        expect="""
            person_id | fill_date_count | treatment_days | pdc    | is_eligible
            ann       | 1               | 181            | 0.4972 | no
            bob       | 0               | 0              | -      | no
        """,
    )


def test_a_fill_before_enrolment_is_a_hole(story):
    """TN26: enrolled without a gap from the index date on; the index date is the first class fill of the year."""
    story(
        given={
            "raw.eligibility": """
                person_id | enrollment_start_date
                ann       | 2026-01-02
            """,
            "raw.pharmacy_claim": TWO_STATIN_FILLS,
        },
        expect="""
            person_id | index_date | exclusion_reason
            ann       | 2026-01-01 | enrollment_gap
        """,
    )


def test_every_reason_is_listed_in_order(story):
    """Interface section 3: reasons are joined by a semicolon in the order of the page."""
    story(
        given={
            "raw.eligibility": """
                person_id | birth_date | enrollment_start_date | enrollment_end_date | hospice_flag | esrd_status
                ann       | 2010-01-01 | 2026-01-02            | 2026-02-28          | yes          | 11
            """,
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code  | days_supply
                ann       | 2026-01-01      | metformin | 30
                ann       | 2026-01-05      | glargine  | 30
            """,
        },
        expect="""
            person_id | exclusion_reason
            ann       | under_18;one_fill_date;short_treatment_period;enrollment_gap;hospice;esrd;insulin
        """,
    )


def test_hospice_and_esrd_flags_count_for_the_years_that_their_span_touches(story):
    """Interface 2.1. Ann's flagged span ends on 1 January, bob's the day before; cal's is open; dee's flag is no."""
    story(
        given={
            "raw.eligibility": """
                person_id | enrollment_start_date | enrollment_end_date | hospice_flag | esrd_status
                ann       | 2025-01-01            | 2026-01-01          | yes          | -
                ann       | 2026-01-02            | -                   | -            | -
                bob       | 2025-01-01            | 2025-12-31          | yes          | Y
                bob       | 2026-01-01            | -                   | -            | -
                cal       | 2025-01-01            | -                   | -            | yes
                dee       | 2025-01-01            | -                   | no           | 10
            """,
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2026-01-01      | atorvastatin | 90
                ann       | 2026-04-01      | atorvastatin | 90
                bob       | 2026-01-01      | atorvastatin | 90
                bob       | 2026-04-01      | atorvastatin | 90
                cal       | 2026-01-01      | atorvastatin | 90
                cal       | 2026-04-01      | atorvastatin | 90
                dee       | 2026-01-01      | atorvastatin | 90
                dee       | 2026-04-01      | atorvastatin | 90
            """,
        },
        expect="""
            person_id | exclusion_reason
            ann       | hospice
            bob       | -
            cal       | esrd
            dee       | -
        """,
    )


PROXIES = {
    "hospice bill type 81x": ("institutional", "bill_type_code", "811", "hospice"),
    "hospice bill type 82x": ("institutional", "bill_type_code", "823", "hospice"),
    "bill type 83x is an outpatient surgery": ("institutional", "bill_type_code", "831", "-"),
    "hospice revenue code 0650": ("institutional", "revenue_center_code", "0650", "hospice"),
    "hospice revenue code 0659 without its zero": ("institutional", "revenue_center_code", "659", "hospice"),
    "revenue code 0649 is not hospice": ("institutional", "revenue_center_code", "0649", "-"),
    "revenue code 0660 is respite care": ("institutional", "revenue_center_code", "0660", "-"),
    "hospice HCPCS Q5001": ("professional", "hcpcs_code", "Q5001", "hospice"),
    "hospice HCPCS Q5010": ("professional", "hcpcs_code", "Q5010", "hospice"),
    "Q5101 is a biosimilar": ("professional", "hcpcs_code", "Q5101", "-"),
    "hospice HCPCS T2042": ("professional", "hcpcs_code", "T2042", "hospice"),
    "hospice HCPCS T2046": ("professional", "hcpcs_code", "T2046", "hospice"),
    "T2047 is not hospice": ("professional", "hcpcs_code", "T2047", "-"),
    "palliative care is not hospice": ("professional", "diagnosis_code_1", "Z515", "-"),
    "end stage renal disease": ("professional", "diagnosis_code_1", "N186", "esrd"),
    "dependence on dialysis, last of 25 codes": ("professional", "diagnosis_code_25", "Z992", "esrd"),
    "chronic kidney disease of stage 5 is not end stage": ("professional", "diagnosis_code_1", "N185", "-"),
}


@pytest.mark.parametrize(("claim_type", "column", "code", "reason"), PROXIES.values(), ids=PROXIES)
def test_proxy(story, claim_type, column, code, reason):
    """Domain rule 1.3, proxies of a pipeline that has claims alone; on by default (interface 2.1)."""
    story(
        given={
            "raw.pharmacy_claim": TWO_STATIN_FILLS,
            "raw.medical_claim": f"""
                person_id | claim_type   | claim_start_date | {column}
                ann       | {claim_type} | 2026-01-01       | {code}
            """,
        },
        expect=f"""
            person_id | exclusion_reason
            ann       | {reason}
        """,
    )


def test_a_proxy_counts_in_its_year_and_when_it_is_paid(story):
    """Domain rule 1.3: any time in the measurement year. Interface 2.1: denied and pended claims never here."""
    story(
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2026-05-01      | atorvastatin | 90
                ann       | 2026-08-01      | atorvastatin | 90
                bob       | 2026-05-01      | atorvastatin | 90
                bob       | 2026-08-01      | atorvastatin | 90
                cal       | 2026-05-01      | atorvastatin | 90
                cal       | 2026-08-01      | atorvastatin | 90
                dee       | 2026-05-01      | atorvastatin | 90
                dee       | 2026-08-01      | atorvastatin | 90
            """,
            "raw.medical_claim": """
                person_id | claim_start_date | hcpcs_code | diagnosis_code_1 | claim_status
                ann       | 2026-12-31       | -          | N186             | adjusted
                bob       | 2025-12-31       | Q5001      | N186             | paid
                cal       | 2026-06-01       | Q5001      | N186             | denied
                dee       | 2026-06-01       | Q5001      | N186             | pended
            """,
        },
        expect="""
            person_id | exclusion_reason
            ann       | esrd
            bob       | -
            cal       | -
            dee       | -
        """,
    )


# What counts as a fill and as supply


def test_the_shift_cascades(story):
    """Domain rule 1.5.2: three early refills queue one behind the other; 4 x 30 days from 1 January end on 30 April."""
    story(
        as_of="2026-06-30",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2026-01-01      | atorvastatin | 30
                ann       | 2026-01-05      | atorvastatin | 30
                ann       | 2026-01-10      | atorvastatin | 30
                ann       | 2026-01-15      | atorvastatin | 30
            """
        },
        expect="""
            person_id | covered_days | covered_through_date | surplus_days
            ann       | 120          | 2026-04-30           | 0
        """,
    )


def test_the_shift_starts_anew_after_a_gap(story):
    """Domain rule 1.5.2: a fill after the supply has ended starts on its own date."""
    story(
        as_of="2026-06-30",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2026-01-01      | atorvastatin | 30
                ann       | 2026-03-01      | atorvastatin | 30
                ann       | 2026-03-21      | atorvastatin | 30
            """
        },
        expect="""
            person_id | covered_days | covered_through_date
            ann       | 90           | 2026-04-29
        """,
    )


def test_another_ingredient_runs_in_parallel(story):
    """Domain rule 1.5.3 and 1.5.5: overlapped days of two ingredients count once, and the supply on them is lost."""
    story(
        as_of="2026-06-30",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2026-01-01      | atorvastatin | 30
                ann       | 2026-01-01      | rosuvastatin | 30
                ann       | 2026-01-16      | rosuvastatin | 30
            """
        },
        expect="""
            person_id | covered_days | covered_through_date | surplus_days
            ann       | 60           | 2026-03-01           | 30
        """,
    )


def test_a_combination_is_its_target_ingredient(story):
    """Domain rule 1.5.1: ezetimibe/simvastatin is simvastatin; ezetimibe alone is no target."""
    story(
        as_of="2026-06-30",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code              | days_supply
                ann       | 2026-01-01      | ezetimibe-simvastatin | 30
                ann       | 2026-02-15      | ezetimibe-simvastatin | 30
                ann       | 2026-02-01      | ezetimibe             | 30
            """
        },
        expect="""
            person_id | measure_id  | covered_days | fill_date_count
            ann       | pdc_statins | 60           | 2
        """,
    )


def test_a_product_can_belong_to_two_measures(story):
    """Domain rule 1.8: simvastatin/sitagliptin is a statin and a diabetes drug."""
    story(
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code                | days_supply
                ann       | 2026-01-01      | simvastatin-sitagliptin | 90
                ann       | 2026-04-01      | simvastatin-sitagliptin | 90
            """
        },
        expect="""
            person_id | measure_id   | covered_days
            ann       | pdc_diabetes | 180
            ann       | pdc_statins  | 180
        """,
    )


def test_a_weight_loss_brand_is_no_diabetes_drug(story):
    """Domain rule 1.8: Wegovy is left out by product, Ozempic with the same ingredient counts; Wegovy excludes nobody."""
    story(
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code | days_supply
                ann       | 2026-01-01      | ozempic  | 28
                ann       | 2026-02-01      | ozempic  | 28
                ann       | 2026-03-01      | wegovy   | 28
                bob       | 2026-01-01      | wegovy   | 28
                bob       | 2026-02-01      | wegovy   | 28
            """
        },
        expect="""
            person_id | covered_days | fill_date_count | is_eligible
            ann       | 56           | 2               | yes
        """,
    )


def test_unusable_days_supply_is_a_fill_date_without_supply(story):
    """Interface 2.1 and domain pitfall 4: null, 0 and 366 are unusable, 1 and 365 are not; none becomes 30."""
    story(
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2026-01-01      | atorvastatin | -
                ann       | 2026-02-01      | atorvastatin | 30
                bob       | 2026-01-01      | atorvastatin | 0
                bob       | 2026-02-01      | atorvastatin | 30
                cal       | 2026-01-01      | atorvastatin | 366
                cal       | 2026-02-01      | atorvastatin | 30
                dee       | 2026-01-01      | atorvastatin | 365
                dee       | 2026-02-01      | atorvastatin | 1
                eve       | 2026-01-01      | atorvastatin | -
                eve       | 2026-02-01      | atorvastatin | 0
            """
        },
        expect="""
            person_id | index_date | fill_date_count | unusable_fill_count | covered_days | pdc    | is_eligible
            ann       | 2026-01-01 | 2               | 1                   | 30           | 0.0822 | yes
            bob       | 2026-01-01 | 2               | 1                   | 30           | 0.0822 | yes
            cal       | 2026-01-01 | 2               | 1                   | 30           | 0.0822 | yes
            dee       | 2026-01-01 | 2               | 0                   | 365          | 1      | yes
            eve       | 2026-01-01 | 2               | 2                   | -            | -      | yes
        """,
    )


def test_usable_supply_that_reaches_no_day_at_home_covers_nothing(story):
    """Interface 2.1: only fills without usable days supply have no PDC. The usable fill of 12-31 falls into a stay."""
    story(
        as_of="2025-12-31",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2025-10-01      | atorvastatin | -
                ann       | 2025-12-31      | atorvastatin | 30
            """,
            "raw.medical_claim": """
                person_id | claim_type    | bill_type_code | claim_start_date | discharge_date
                ann       | institutional | 111            | 2025-12-31       | 2025-12-31
            """,
        },
        expect="""
            person_id | treatment_days | covered_days | pdc | is_reachable
            ann       | 91             | 0            | 0   | no
        """,
    )


def test_nothing_covered_has_no_last_covered_day(story):
    """Domain section 4: covered-through is the last covered day. Cal has none: his usable fill falls into a stay."""
    story(
        as_of="2025-12-31",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                cal       | 2025-10-01      | atorvastatin | -
                cal       | 2025-12-31      | atorvastatin | 30
            """,
            "raw.medical_claim": """
                person_id | claim_type    | bill_type_code | claim_start_date | discharge_date
                cal       | institutional | 111            | 2025-12-31       | 2025-12-31
            """,
        },
        expect="""
            person_id | covered_days | covered_through_date
            cal       | 0            | -
        """,
    )


def test_unknown_ndcs_compounds_and_unpaid_claims_are_no_fills(story):
    """Interface 2.1 and domain pitfall 5: NCPDP compound code 2 is a compound, 1 is not."""
    story(
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply | compound_code | claim_status
                ann       | 2026-01-01      | atorvastatin | 30          | 1             | adjusted
                ann       | 2026-02-01      | atorvastatin | 30          | 2             | paid
                ann       | 2026-03-01      | 00000000000  | 30          | -             | paid
                ann       | 2026-04-01      | atorvastatin | 30          | -             | denied
                ann       | 2026-05-01      | atorvastatin | 30          | -             | pended
                ann       | 2026-06-01      | atorvastatin | 30          | -             | reversed
                ann       | 2026-07-01      | atorvastatin | 30          | -             | paid
            """
        },
        expect="""
            person_id | fill_date_count | covered_days
            ann       | 2               | 60
        """,
    )


def test_a_member_without_eligibility_has_no_row(story):
    """Interface 2.1: the claims of someone who is not in eligibility are unlinked."""
    story(
        given={
            "raw.eligibility": "person_id\nbob",
            "raw.pharmacy_claim": TWO_STATIN_FILLS,
        },
        expect="",
    )


# What can still be done about it


def test_the_worked_example_of_a_refill_in_time(story):
    """Domain section 4, worked: N=351, allow 70, missed 26, R=44, 142/168 to date, due 07-10, last impactable 08-23.

    Without another fill 150/351; with perfect coverage from the as-of date on 141 + 184 = 325/351.
    """
    story(
        as_of="2025-07-01",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code  | days_supply
                ann       | 2025-01-15      | metformin | 30
                ann       | 2025-02-20      | metformin | 30
                ann       | 2025-04-01      | metformin | 30
                ann       | 2025-05-05      | metformin | 30
                ann       | 2025-06-10      | metformin | 30
            """
        },
        expect={
            "outreach.adherence": """
                person_id | treatment_days | covered_days | pdc    | full_treatment_days | allowed_missed_days | missed_days
                ann       | 168            | 142          | 0.8452 | 351                 | 70                  | 26
            """,
            "facts.adherence": """
                remaining_missed_days | is_reachable | projected_pdc | best_possible_pdc | days_late | surplus_days
                44                    | yes          | 0.4274        | 0.9259            | 0         | 0
            """,
            "gaps.adherence": """
                subject      | gap_code       | status      | window_start_date | due_date   | window_end_date
                pdc_diabetes | ADHERENCE_LATE | prospective | 2025-07-10        | 2025-08-23 | 2025-12-31
            """,
        },
    )


def test_the_last_impactable_date_is_the_last_one_that_works(story):
    """Domain section 4, worked: a fill on 08-23, then perfect, gives 281/351 (80.06 %); on 08-24 280/351 fails."""
    five_fills = """
        {0} | 2025-01-15 | metformin | 30
        {0} | 2025-02-20 | metformin | 30
        {0} | 2025-04-01 | metformin | 30
        {0} | 2025-05-05 | metformin | 30
        {0} | 2025-06-10 | metformin | 30
    """
    story(
        as_of="2025-12-31",
        given={
            "raw.pharmacy_claim": "person_id | dispensing_date | ndc_code | days_supply"
            + five_fills.format("ann")
            + "ann | 2025-08-23 | metformin | 180"
            + five_fills.format("bob")
            + "bob | 2025-08-24 | metformin | 180"
        },
        expect="""
            person_id | covered_days | pdc    | is_adherent
            ann       | 281          | 0.8006 | yes
            bob       | 280          | 0.7977 | no
        """,
    )


def test_today_is_not_missed_yet(story):
    """Domain section 4: missed days run through as_of - 1, because a fill today still covers today.

    Supply ends on 2026-01-30: on 01-31 the refill is due and one day late, but no day is missed.
    """
    for as_of, missed, late in (("2026-01-30", 0, 0), ("2026-01-31", 0, 1), ("2026-02-01", 1, 2)):
        story(
            as_of=as_of,
            given={
                "raw.pharmacy_claim": """
                    person_id | dispensing_date | ndc_code     | days_supply
                    ann       | 2026-01-01      | atorvastatin | 15
                    ann       | 2026-01-02      | atorvastatin | 15
                """
            },
            expect=f"""
                person_id | missed_days | days_late | covered_through_date | refill_due_date
                ann       | {missed}    | {late}    | 2026-01-30           | 2026-01-31
            """,
        )


def test_missed_days_run_through_the_treatment_end_once_it_is_past(story):
    """Interface 2.1. Enrolled to 2026-04-10 (100 days), supply to 03-01 (60 days): 39 missed on 04-10, 40 after it."""
    for as_of, missed, late in (("2026-04-10", 39, 40), ("2026-04-11", 40, 0), ("2026-12-31", 40, 0)):
        story(
            as_of=as_of,
            given={
                "raw.eligibility": """
                    person_id | enrollment_end_date
                    ann       | 2026-04-10
                """,
                "raw.pharmacy_claim": """
                    person_id | dispensing_date | ndc_code     | days_supply
                    ann       | 2026-01-01      | atorvastatin | 30
                    ann       | 2026-01-31      | atorvastatin | 30
                """,
            },
            expect=f"""
                person_id | treatment_days | missed_days | days_late
                ann       | 100            | {missed}    | {late}
            """,
        )


def test_a_refill_falls_due_after_a_stay(story):
    """TN26 attachment L: stay days count on neither side, so that supply of 30 days from 2025-01-01 lasts to 02-04.

    The stay of 01-29 to 02-02 leaves two days of supply for 02-03 and 02-04. Bob's supply ends on the eve of his stay:
    his refill is due when he comes home.
    """
    story(
        as_of="2025-03-01",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2025-01-01      | atorvastatin | 15
                ann       | 2025-01-16      | atorvastatin | 15
                bob       | 2025-01-01      | atorvastatin | 15
                bob       | 2025-01-16      | atorvastatin | 13
            """,
            "raw.medical_claim": """
                person_id | claim_type    | bill_type_code | claim_start_date | discharge_date
                ann       | institutional | 111            | 2025-01-29       | 2025-02-02
                bob       | institutional | 111            | 2025-01-29       | 2025-02-02
            """,
        },
        expect="""
            person_id | treatment_days | covered_days | covered_through_date | refill_due_date | missed_days | days_late
            ann       | 55             | 30           | 2025-02-04           | 2025-02-05      | 24          | 25
            bob       | 55             | 28           | 2025-01-28           | 2025-02-03      | 26          | 27
        """,
    )


def test_runs_that_a_stay_brings_together_are_one(story):
    """TN26 attachment L: stay days count on neither side. Days 0 to 29 and 40 to 69, a stay on days 20 to 44 of 2025.

    Ten days of the first supply are left for after the stay, 02-15 to 02-24; the second begins on the day after.
    """
    story(
        model="outreach.coverage_segment",
        as_of="2025-03-31",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2025-01-01      | atorvastatin | 30
                ann       | 2025-02-10      | atorvastatin | 30
            """,
            "raw.medical_claim": """
                person_id | claim_type    | bill_type_code | claim_start_date | discharge_date
                ann       | institutional | 111            | 2025-01-21       | 2025-02-14
            """,
        },
        expect="""
            person_id | start_date | end_date   | is_covered | counted_days | first_claim_id | last_claim_id
            ann       | 2025-01-01 | 2025-03-26 | yes        | 60           | C0001          | C0002
            ann       | 2025-03-27 | 2025-03-31 | no         | 5            | -              | -
        """,
    )
