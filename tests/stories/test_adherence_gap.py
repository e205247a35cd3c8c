"""Adherence gaps, told as stories: the table of domain section 4.1, row by row, and both sides of each boundary.

Measurement year 2026, so that from 1 January 365 days are measured and 365 // 5 = 73 may be missed.
"""

from __future__ import annotations

from tests.stories.formulary import GIVEN as GIVEN

MODEL = "outreach.ledger"

# Supply from 1 January to 1 March 2026, 60 days: due 03-02; 73 missed days later, on 05-14, a refill is the last chance.
TWO_MONTHS = """
    person_id | dispensing_date | ndc_code     | days_supply
    ann       | 2026-01-01      | atorvastatin | 30
    ann       | 2026-01-31      | atorvastatin | 30
"""


def test_nobody_excluded_has_a_gap(story):
    """Row 1: excluded, or a treatment period under 91 days. Every one of them has been out of supply for months."""
    story(
        as_of="2026-12-31",
        given={
            "raw.eligibility": """
                person_id | birth_date | enrollment_start_date | hospice_flag
                ann       | 2009-01-01 | 2025-01-01            | -
                bob       | 1960-01-01 | 2026-01-02            | -
                cal       | 1960-01-01 | 2025-01-01            | yes
                dee       | 1960-01-01 | 2025-01-01            | -
                eve       | 1960-01-01 | 2025-01-01            | -
            """,
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2026-01-01      | atorvastatin | 30
                ann       | 2026-02-01      | atorvastatin | 30
                bob       | 2026-01-01      | atorvastatin | 30
                bob       | 2026-02-01      | atorvastatin | 30
                cal       | 2026-01-01      | atorvastatin | 30
                cal       | 2026-02-01      | atorvastatin | 30
                dee       | 2026-10-03      | atorvastatin | 10
                dee       | 2026-11-01      | atorvastatin | 10
                eve       | 2026-10-03      | atorvastatin | 10
            """,
        },
        expect="",
    )


def test_the_threshold_is_lost_on_the_day_after_the_last_impactable_date(story):
    """Row 2, domain section 4: R = 0 still reaches 80 % exactly, (365 - 73) / 365; R = -1 does not."""
    for as_of, code, status in (
        ("2026-05-14", "ADHERENCE_LATE", "open"),
        ("2026-05-15", "ADHERENCE_LOST", "lost"),
        ("2026-12-31", "ADHERENCE_LOST", "lost"),
    ):
        story(
            as_of=as_of,
            given={"raw.pharmacy_claim": TWO_MONTHS},
            expect=f"""
                person_id | gap_family | subject     | gap_code | status   | due_date   | window_start_date | window_end_date
                ann       | adherence  | pdc_statins | {code}   | {status} | 2026-05-14 | 2026-03-02        | 2026-12-31
            """,
        )


def test_a_first_fill_is_open_from_seven_days_before_it_runs_out(story):
    """Row 3. Supply from 03-01 through 03-30: prospective on 03-22, open on 03-23, open still when it has run out."""
    for as_of, status in (("2026-03-22", "prospective"), ("2026-03-23", "open"), ("2026-04-05", "open")):
        story(
            as_of=as_of,
            given={
                "raw.pharmacy_claim": """
                    person_id | dispensing_date | ndc_code     | days_supply
                    ann       | 2026-03-01      | atorvastatin | 30
                """
            },
            expect=f"""
                person_id | gap_code             | status   | window_start_date
                ann       | ADHERENCE_FIRST_FILL | {status} | 2026-03-31
            """,
        )


def test_a_first_fill_can_be_lost_too(story):
    """First match: row 2 before row 3. From 03-01 306 days, 61 may be missed: 03-31 + 61 days is 05-31."""
    for as_of, code, status in (
        ("2026-05-31", "ADHERENCE_FIRST_FILL", "open"),
        ("2026-06-01", "ADHERENCE_LOST", "lost"),
    ):
        story(
            as_of=as_of,
            given={
                "raw.pharmacy_claim": """
                    person_id | dispensing_date | ndc_code     | days_supply
                    ann       | 2026-03-01      | atorvastatin | 30
                """
            },
            expect=f"""
                person_id | gap_code | status
                ann       | {code}   | {status}
            """,
        )


def test_a_long_first_fill_is_a_first_fill_all_the_same(story):
    """First match: row 3 before row 4, though 365 days of supply carry the member through the year."""
    story(
        as_of="2026-03-01",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2026-01-01      | atorvastatin | 365
            """
        },
        expect="""
            person_id | gap_code             | status
            ann       | ADHERENCE_FIRST_FILL | prospective
        """,
    )


def test_two_claims_of_one_day_are_a_first_fill(story):
    """Row 3 counts fill dates, not claims (domain pitfall 3). 30 + 30 days queue through 03-01."""
    story(
        as_of="2026-02-28",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2026-01-01      | atorvastatin | 30
                ann       | 2026-01-01      | atorvastatin | 30
            """
        },
        expect="""
            person_id | gap_code             | status | window_start_date
            ann       | ADHERENCE_FIRST_FILL | open   | 2026-03-02
        """,
    )


def test_whoever_passes_without_another_fill_has_no_gap(story):
    """Row 4. Ann's supply of 2 x 146 days is 292/365, 80 % exactly; bob's of 291 is not. On 11-30 both are out."""
    story(
        as_of="2026-11-30",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2026-01-01      | atorvastatin | 146
                ann       | 2026-05-27      | atorvastatin | 146
                bob       | 2026-01-01      | atorvastatin | 146
                bob       | 2026-05-27      | atorvastatin | 145
            """
        },
        expect="""
            person_id | gap_code       | status | window_start_date | due_date
            bob       | ADHERENCE_LATE | open   | 2026-10-19        | 2026-12-31
        """,
    )


def test_a_refill_is_late_on_the_day_it_is_due(story):
    """Row 5, domain section 4: late when A >= due. Supply ends on 03-01: prospective on that day, open on 03-02."""
    for as_of, status, late in (("2026-03-01", "prospective", 0), ("2026-03-02", "open", 1)):
        story(
            as_of=as_of,
            given={"raw.pharmacy_claim": TWO_MONTHS},
            expect={
                "outreach.ledger": f"""
                    person_id | gap_code       | status
                    ann       | ADHERENCE_LATE | {status}
                """,
                "gaps.adherence": f"days_late\n{late}",
            },
        )


# Ten days from 1 January, then 30 days from 15 March: 63 days missed, 10 left, due 04-14. Bob came a day earlier:
# 62 missed, 11 left, due 04-13.
TEN_DAYS_LEFT = """
    person_id | dispensing_date | ndc_code     | days_supply
    ann       | 2026-01-01      | atorvastatin | 10
    ann       | 2026-03-15      | atorvastatin | 30
    bob       | 2026-01-01      | atorvastatin | 10
    bob       | 2026-03-14      | atorvastatin | 30
"""


def test_ten_days_left_are_a_risk_and_eleven_are_not(story):
    """Row 6 and row 7: at risk with remaining_missed_days <= 10; open when due within 7 days (04-07), not 8."""
    for as_of, status in (("2026-04-06", "prospective"), ("2026-04-07", "open"), ("2026-04-12", "open")):
        story(
            as_of=as_of,
            given={"raw.pharmacy_claim": TEN_DAYS_LEFT},
            expect=f"""
                person_id | gap_code          | status
                ann       | ADHERENCE_AT_RISK | {status}
                bob       | ADHERENCE_LATE    | prospective
            """,
        )


def test_at_risk_becomes_late(story):
    """First match: row 5 before row 6. Due 04-14 for ann, 04-13 for bob; both are late on 04-14."""
    story(
        as_of="2026-04-14",
        given={"raw.pharmacy_claim": TEN_DAYS_LEFT},
        expect="""
            person_id | gap_code       | status
            ann       | ADHERENCE_LATE | open
            bob       | ADHERENCE_LATE | open
        """,
    )


def test_one_allowed_day_is_left_and_two_are(story):
    """Wording (rules 4.1): of 365 days 73 may be missed. Ann missed 72, 11 January to 23 March, bob 71."""
    story(
        as_of="2026-04-20",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2026-01-01      | atorvastatin | 10
                ann       | 2026-03-24      | atorvastatin | 30
                bob       | 2026-01-01      | atorvastatin | 10
                bob       | 2026-03-23      | atorvastatin | 30
            """
        },
        expect={
            "gaps.adherence": """
                gap_code          | reason
                ADHERENCE_AT_RISK | Supply of cholesterol medicine lasts through 2026-04-22; 1 of 73 allowed days without a paid claim is left this year.
                ADHERENCE_AT_RISK | Supply of cholesterol medicine lasts through 2026-04-21; 2 of 73 allowed days without a paid claim are left this year.
            """
        },
    )


def test_the_two_limits_are_settings(story):
    """Row 6: `at_risk_missed_days` and `refill_due_days`."""
    story(
        as_of="2026-04-06",
        at_risk_missed_days=11,
        refill_due_days=8,
        given={"raw.pharmacy_claim": TEN_DAYS_LEFT},
        expect="""
            person_id | gap_code          | status
            ann       | ADHERENCE_AT_RISK | open
            bob       | ADHERENCE_AT_RISK | open
        """,
    )
    story(
        as_of="2026-04-06",
        refill_due_days=6,
        given={"raw.pharmacy_claim": TEN_DAYS_LEFT + "cal | 2026-03-01 | atorvastatin | 43"},
        expect="""
            person_id | gap_code             | status
            ann       | ADHERENCE_AT_RISK    | prospective
            bob       | ADHERENCE_LATE       | prospective
            cal       | ADHERENCE_FIRST_FILL | open
        """,
    )


def test_no_usable_supply_is_no_gap(story):
    """Interface 2.1: a fill without usable days supply has no PDC, and without a PDC nothing is late."""
    story(
        as_of="2026-12-31",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2026-01-01      | atorvastatin | -
                ann       | 2026-02-01      | atorvastatin | 0
            """
        },
        expect="",
    )


def test_after_the_treatment_end_the_threshold_is_met_or_lost(story):
    """Domain section 4: nothing can be refilled once enrolment has ended. 04-10 ends 100 days: 80 covered pass, 79 do not."""
    story(
        as_of="2026-04-11",
        given={
            "raw.eligibility": """
                person_id | enrollment_end_date
                ann       | 2026-04-10
                bob       | 2026-04-10
            """,
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2026-01-01      | atorvastatin | 40
                ann       | 2026-02-10      | atorvastatin | 40
                bob       | 2026-01-01      | atorvastatin | 40
                bob       | 2026-02-10      | atorvastatin | 39
            """,
        },
        expect="""
            person_id | gap_code       | status
            bob       | ADHERENCE_LOST | lost
        """,
    )


def test_each_measure_has_a_gap_of_its_own(story):
    """Interface section 3: the subject of an adherence gap is the measure."""
    story(
        as_of="2026-03-02",
        given={
            "raw.pharmacy_claim": TWO_MONTHS
            + """
                ann | 2026-02-01 | losartan  | 90
                ann | 2026-01-01 | metformin | 90
                ann | 2026-02-01 | metformin | 90
            """
        },
        expect="""
            person_id | subject      | gap_code             | status
            ann       | pdc_diabetes | ADHERENCE_LATE       | prospective
            ann       | pdc_ras      | ADHERENCE_FIRST_FILL | prospective
            ann       | pdc_statins  | ADHERENCE_LATE       | open
        """,
    )


def test_nothing_this_year_after_a_fill_last_year(story):
    """Row 8: class fill in the prior year, none this year, supply ended. Bob's supply of 90 days is not over yet."""
    story(
        as_of="2026-02-15",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2025-11-01      | atorvastatin | 90
                bob       | 2025-12-01      | atorvastatin | 90
            """
        },
        expect="""
            person_id | subject     | gap_code              | status
            ann       | pdc_statins | ADHERENCE_NOT_STARTED | open
        """,
    )


# Over the nights

LATE_LAST_NIGHT = """
    gap_id           | person_id | gap_code       | status | opened_date | window_start_date | due_date
    aaaaaaaaaaaaaaaa | ann       | ADHERENCE_LATE | open   | 2026-03-02  | 2026-03-02        | 2026-05-14
"""


def test_a_gap_keeps_its_id_and_its_opening_while_it_lives(story):
    """Interface 3.1: gap_id is stable while open."""
    story(
        as_of="2026-03-10",
        given={"raw.pharmacy_claim": TWO_MONTHS, "raw.state_gap": LATE_LAST_NIGHT},
        expect="""
            gap_id           | gap_code       | status | opened_date | closed_date
            aaaaaaaaaaaaaaaa | ADHERENCE_LATE | open   | 2026-03-02  | -
        """,
    )


def test_a_refill_closes_the_gap(story):
    """Row 4: an earlier gap becomes `closed`. The refill of 03-10 for 300 days carries ann through the year."""
    story(
        as_of="2026-03-10",
        given={
            "raw.pharmacy_claim": TWO_MONTHS + "ann | 2026-03-10 | atorvastatin | 300",
            "raw.state_gap": LATE_LAST_NIGHT,
        },
        expect="""
            gap_id           | gap_code       | status | closing_reason | opened_date | closed_date
            aaaaaaaaaaaaaaaa | ADHERENCE_LATE | closed | resolved       | 2026-03-02  | 2026-03-10
        """,
    )


def test_another_code_of_the_same_measure_supersedes_the_gap(story):
    """Domain section 4.1: one code per member and measure. What was late is lost."""
    story(
        as_of="2026-05-15",
        given={"raw.pharmacy_claim": TWO_MONTHS, "raw.state_gap": LATE_LAST_NIGHT},
        expect="""
            gap_code       | status | closing_reason | opened_date | closed_date
            ADHERENCE_LATE | closed | superseded     | 2026-03-02  | 2026-05-15
            ADHERENCE_LOST | lost   | -              | -           | -
        """,
    )


def test_a_gap_that_opens_again_is_a_new_one(story):
    """Interface 3.1: a new gap_id on reopening. Closed on 03-10 by 20 days of supply, late again on 03-30."""
    story(
        as_of="2026-03-30",
        given={
            "raw.pharmacy_claim": TWO_MONTHS + "ann | 2026-03-10 | atorvastatin | 20",
            "raw.state_gap": """
                gap_id           | person_id | status | opened_date | closed_date | closing_reason | window_start_date
                aaaaaaaaaaaaaaaa | ann       | closed | 2026-03-02  | 2026-03-10  | resolved       | 2026-03-02
            """,
        },
        expect={
            "outreach.ledger": """
                gap_code       | status | opened_date | closed_date | window_start_date
                ADHERENCE_LATE | open   | 2026-03-30  | -           | 2026-03-30
            """,
            "outreach.gap_history": """
                valid_from | status | valid_to
                2026-03-30 | open   | -
            """,
        },
    )


def test_a_prospective_gap_opens_on_the_night_it_falls_due(story):
    """Interface section 3: `prospective` is a window that is not open yet; the history keeps both."""
    story(
        as_of="2026-03-02",
        given={
            "raw.pharmacy_claim": TWO_MONTHS,
            "raw.state_gap": """
                gap_id           | person_id | status      | opened_date | window_start_date
                aaaaaaaaaaaaaaaa | ann       | prospective | -           | 2026-03-02
            """,
            "raw.state_gap_history": """
                gap_id           | valid_from | status      | valid_to
                aaaaaaaaaaaaaaaa | 2026-02-20 | prospective | -
            """,
        },
        expect={
            "outreach.ledger": """
                gap_id           | status | opened_date
                aaaaaaaaaaaaaaaa | open   | 2026-03-02
            """,
            "outreach.gap_history": """
                gap_id           | valid_from | status      | valid_to
                aaaaaaaaaaaaaaaa | 2026-02-20 | prospective | 2026-03-02
                aaaaaaaaaaaaaaaa | 2026-03-02 | open        | -
            """,
        },
    )


def test_a_closed_gap_stays_through_its_year(story):
    """A gap closed in this calendar year is still in the ledger, one closed last year is not."""
    story(
        as_of="2026-06-30",
        given={
            "raw.pharmacy_claim": "person_id\n",
            "raw.state_gap": """
                gap_id           | person_id | status | opened_date | closed_date
                aaaaaaaaaaaaaaaa | ann       | closed | 2026-01-02  | 2026-01-10
                bbbbbbbbbbbbbbbb | bob       | closed | 2025-10-02  | 2025-12-31
            """,
        },
        expect="""
            gap_id           | status | closed_date
            aaaaaaaaaaaaaaaa | closed | 2026-01-10
        """,
    )
