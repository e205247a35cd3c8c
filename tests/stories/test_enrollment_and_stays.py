"""Unbroken enrolment and institutional stays, told as stories: interface 2.1, domain rules 1.2 and 1.6."""

from __future__ import annotations

import pytest

from tests.stories.formulary import GIVEN as GIVEN

AS_OF = "2025-12-31"


# Enrolment


def test_spans_that_overlap_or_touch_are_one(story):
    """Domain rule 1.2: a hole of one day parts two spans; one span inside another changes nothing."""
    story(
        given={
            "raw.eligibility": """
                person_id | enrollment_start_date | enrollment_end_date
                ann       | 2025-01-01            | 2025-03-31
                ann       | 2025-04-01            | 2025-06-30
                ann       | 2025-07-02            | 2025-12-31
                bob       | 2025-01-01            | 2025-12-31
                bob       | 2025-02-01            | 2025-03-31
                bob       | 2025-12-15            | 2026-01-31
                cal       | 2025-01-01            | 2025-01-01
                cal       | 2025-01-01            | 2025-01-01
            """
        },
        expect={
            "core.enrollment": """
                member_key | enrollment_start_date | enrollment_end_date
                1          | 2025-01-01            | 2025-06-30
                1          | 2025-07-02            | 2025-12-31
                2          | 2025-01-01            | 2026-01-31
                3          | 2025-01-01            | 2025-01-01
            """
        },
    )


def test_an_open_span_has_no_end_but_death(story):
    """Interface section 2: a null end is open. Death ends every span; what begins after it is none.

    Ann's death is in one of her spans only.
    """
    story(
        given={
            "raw.eligibility": """
                person_id | enrollment_start_date | enrollment_end_date | death_date
                ann       | 2025-01-01            | 2025-05-31          | -
                ann       | 2025-06-01            | -                   | 2025-08-15
                bob       | 2025-01-01            | -                   | -
                cal       | 2025-01-01            | 2025-03-31          | 2025-02-01
                cal       | 2025-03-01            | 2025-12-31          | 2025-02-01
            """
        },
        expect={
            "core.enrollment": """
                member_key | enrollment_start_date | enrollment_end_date
                1          | 2025-01-01            | 2025-08-15
                2          | 2025-01-01            | 2199-12-31
                3          | 2025-01-01            | 2025-02-01
            """
        },
    )


def test_a_hole_is_no_hole_when_another_span_covers_it(story):
    """A long span bridges two short ones, in whatever order they are delivered."""
    story(
        given={
            "raw.eligibility": """
                person_id | enrollment_start_date | enrollment_end_date
                ann       | 2025-07-01            | 2025-12-31
                ann       | 2025-01-01            | 2025-03-31
                ann       | 2025-02-01            | 2025-06-30
            """
        },
        expect={
            "core.enrollment": """
                member_key | enrollment_start_date | enrollment_end_date
                1          | 2025-01-01            | 2025-12-31
            """
        },
    )


def test_a_member_is_who_the_latest_span_says(story):
    """The span that starts last; members are numbered in byte order of person_id."""
    story(
        given={
            "raw.eligibility": """
                person_id | enrollment_start_date | plan   | phone
                zoe       | 2025-01-01            | gold   | 1
                Zoe       | 2025-06-01            | silver | 2
                Zoe       | 2025-01-01            | gold   | 3
            """
        },
        expect={
            "core.member": """
                member_key | person_id | plan   | phone
                1          | Zoe       | silver | 2
                2          | zoe       | gold   | 1
            """
        },
    )


def test_a_state_that_is_not_delivered_is_that_of_the_zip_code(story):
    """Interface section 2: `state` may be null. A post office box lies in the state of its ZCTA; what is told stands."""
    story(
        given={
            "raw.eligibility": """
                person_id | state | zip_code
                told      | OK    | 78701
                area      | -     | 78701
                box       | -     | 73301
                unknown   | -     | 00001
                nowhere   | -     | -
            """,
            "raw.zcta": "zcta | state\n78701 | TX",
            "raw.zip_zcta": "zip_code | zcta\n73301 | 78701",
        },
        expect={
            "core.member": """
                person_id | state
                told      | OK
                area      | TX
                box       | TX
                unknown   | -
                nowhere   | -
            """
        },
    )


@pytest.mark.parametrize(
    ("dual", "subsidy", "medicaid", "known"),
    [
        ("2", "-", "-", "yes"),
        ("08", "-", "-", "yes"),
        ("00", "-", "-", "no"),
        ("09", "-", "-", "no"),
        ("00", "yes", "-", "yes"),
        ("-", "no", "yes", "yes"),
        ("-", "no", "-", "no"),
        ("-", "-", "-", "-"),
    ],
)
def test_dual_or_low_income(story, dual, subsidy, medicaid, known):
    """Medicare dual status codes 01 to 06 and 08 are Medicaid of some kind; of whom nothing is said it stays unknown."""
    story(
        given={
            "raw.eligibility": f"""
                person_id | dual_status_code | low_income_subsidy_indicator | medicaid_indicator
                ann       | {dual}           | {subsidy}                    | {medicaid}
            """
        },
        expect={"core.member": f"person_id | is_dual_or_lis\nann | {known}"},
    )


# Stays


@pytest.mark.parametrize(
    ("claim_type", "bill_type", "is_stay"),
    [
        ("institutional", "111", True),
        ("institutional", "181", True),
        ("institutional", "211", True),
        ("institutional", "411", True),
        ("institutional", "131", False),
        ("institutional", "121", False),
        ("institutional", "221", False),
        ("institutional", "811", False),
        ("institutional", "-", False),
        ("professional", "111", False),
    ],
)
def test_bill_types_of_stays(story, claim_type, bill_type, is_stay):
    """Interface 2.1: institutional bill types 11x, 18x, 21x and 41x."""
    story(
        given={
            "raw.medical_claim": f"""
                person_id | claim_type   | bill_type_code | claim_start_date | discharge_date
                ann       | {claim_type} | {bill_type}    | 2025-03-01       | 2025-03-05
            """
        },
        expect={"core.stay": "admission_date | discharge_date" + "\n2025-03-01 | 2025-03-05" * is_stay},
    )


def test_which_bills_are_of_inpatient_care(story):
    """Interface 2.1 and transitions 3.1: facility types 11, 12, 17, 18, 21, 22, 27, 41, 47, 81 and 82, or a group alone.

    Outpatient bills (13x, 14x, 23x, 83x) are none, nor a claim of a professional, without a type or refused.
    """
    bills = "\n".join(
        f"ann | {claim} | {claim_type} | {bill} | {group} | {status} | 2025-03-01"
        for claim, claim_type, bill, group, status in [
            *((kind, "institutional", f"{kind}1", "-", "paid") for kind in range(10, 100)),
            ("group", "institutional", "-", "291", "paid"),
            ("neither", "institutional", "-", "-", "paid"),
            ("professional", "professional", "111", "291", "paid"),
            ("denied", "institutional", "111", "-", "denied"),
        ]
    )
    kept = ["11", "12", "17", "18", "21", "22", "27", "41", "47", "81", "82", "group"]
    story(
        given={
            "raw.medical_claim": f"person_id | claim_id | claim_type | bill_type_code | drg_code | claim_status | claim_start_date\n{bills}"
        },
        expect={"core.inpatient_line": "claim_id\n" + "\n".join(kept)},
    )


def test_stays_that_overlap_or_touch_are_one(story):
    """Interface 2.1: stitched. A day at home parts two stays; lines of one claim are one bill."""
    story(
        given={
            "raw.medical_claim": """
                person_id | claim_id | claim_line_number | claim_type    | bill_type_code | claim_start_date | discharge_date
                ann       | A        | 1                 | institutional | 111            | 2025-03-01       | 2025-03-05
                ann       | A        | 2                 | institutional | 111            | 2025-03-01       | 2025-03-05
                ann       | B        | 1                 | institutional | 211            | 2025-03-06       | 2025-03-20
                ann       | C        | 1                 | institutional | 111            | 2025-03-10       | 2025-03-12
                ann       | D        | 1                 | institutional | 111            | 2025-03-22       | 2025-03-23
            """
        },
        expect={
            "core.stay": """
                admission_date | discharge_date
                2025-03-01     | 2025-03-20
                2025-03-22     | 2025-03-23
            """
        },
    )


def test_the_dates_of_a_stay(story):
    """Interface 2.1: no discharge date means the claim's end; the admission may be before the claim."""
    story(
        given={
            "raw.medical_claim": """
                person_id | claim_type    | bill_type_code | admission_date | claim_start_date | claim_end_date | discharge_date
                ann       | institutional | 111            | 2025-02-27     | 2025-03-01       | 2025-03-04     | 2025-03-05
                bob       | institutional | 111            | -              | 2025-03-01       | 2025-03-04     | -
                cal       | institutional | 111            | -              | 2025-03-01       | -              | -
            """
        },
        expect={
            "core.stay": """
                member_key | admission_date | discharge_date
                1          | 2025-02-27     | 2025-03-05
                2          | 2025-03-01     | 2025-03-04
                3          | 2025-03-01     | 2025-03-01
            """
        },
    )


def test_a_patient_who_is_still_there(story):
    """Interface 2.1: status 30 means through the as-of date; a later bill with a discharge ends it.

    Cal's status 30 has a discharge date, which is what counts.
    """
    story(
        given={
            "raw.medical_claim": """
                person_id | claim_type    | bill_type_code | claim_start_date | claim_end_date | discharge_date | discharge_disposition_code
                ann       | institutional | 212            | 2025-03-01       | 2025-03-31     | -              | 30
                bob       | institutional | 212            | 2025-03-01       | 2025-03-31     | -              | 30
                bob       | institutional | 214            | 2025-04-01       | 2025-04-10     | 2025-04-10     | 01
                cal       | institutional | 212            | 2025-03-01       | 2025-03-31     | 2025-03-31     | 30
            """
        },
        expect={
            "core.stay": """
                member_key | admission_date | discharge_date
                1          | 2025-03-01     | 2025-12-31
                2          | 2025-03-01     | 2025-04-10
                3          | 2025-03-01     | 2025-03-31
            """
        },
    )


def test_a_stay_ends_no_later_than_the_as_of_date(story):
    """Nothing after the as-of date is known: a discharge that is dated later, a claim that starts later."""
    story(
        as_of="2025-03-03",
        given={
            "raw.medical_claim": """
                person_id | claim_type    | bill_type_code | claim_start_date | discharge_date
                ann       | institutional | 111            | 2025-03-01       | 2025-03-05
                bob       | institutional | 111            | 2025-03-04       | 2025-03-05
            """
        },
        expect={"core.stay": "member_key | admission_date | discharge_date\n1 | 2025-03-01 | 2025-03-03"},
    )


def test_denied_and_voided_bills_are_no_stays(story):
    """Interface 2.1: denied and pended claims count for suppression rules only; a void is no stay."""
    story(
        given={
            "raw.medical_claim": """
                person_id | claim_type    | bill_type_code | claim_start_date | discharge_date | claim_status
                ann       | institutional | 111            | 2025-03-01       | 2025-03-05     | denied
                bob       | institutional | 111            | 2025-03-01       | 2025-03-05     | pended
                cal       | institutional | 118            | 2025-03-01       | 2025-03-05     | paid
                dee       | institutional | 111            | 2025-03-01       | 2025-03-05     | adjusted
            """
        },
        expect={"core.stay": "member_key\n4"},
    )
