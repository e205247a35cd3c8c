"""What stands of the delivered claims, told as stories: interface 2.1, versions and reversals.

A row's `row_id` is its number in the story. Quantities are named where a rule reads them.
"""

from __future__ import annotations

from tests.stories.formulary import GIVEN as GIVEN

AS_OF = "2026-12-31"


# Versions


def test_the_latest_version_of_a_line_stands(story):
    """The latest by ingest_datetime, then file_date, then paid_date, nulls first; the others are netted."""
    story(
        given={
            "raw.pharmacy_claim": """
                person_id | claim_id | ndc_code  | dispensing_date | days_supply | ingest_datetime     | file_date  | paid_date
                ann       | A        | metformin | 2026-01-01      | 30          | 2026-02-02 08:00:00 | 2026-02-01 | 2026-02-01
                ann       | A        | metformin | 2026-01-01      | 31          | 2026-02-01 08:00:00 | 2026-03-01 | 2026-03-01
                ann       | B        | metformin | 2026-02-01      | 30          | -                   | 2026-03-01 | -
                ann       | B        | metformin | 2026-02-01      | 31          | -                   | 2026-02-01 | 2026-04-01
                ann       | C        | metformin | 2026-03-01      | 30          | -                   | -          | 2026-04-01
                ann       | C        | metformin | 2026-03-01      | 31          | -                   | -          | -
            """
        },
        expect={
            "core.fill": """
                claim_id | days_supply
                A        | 30
                B        | 30
                C        | 30
            """,
            "core.pharmacy_claim_removed": """
                row_id | bucket | reason
                2      | netted | -
                4      | netted | -
                6      | netted | -
            """,
        },
    )


def test_lines_of_one_claim_are_no_versions(story):
    """Versions are those of one claim id and line."""
    story(
        given={
            "raw.pharmacy_claim": """
                person_id | claim_id | claim_line_number | ndc_code  | dispensing_date | days_supply
                ann       | A        | 1                 | metformin | 2026-01-01      | 30
                ann       | A        | 2                 | glipizide | 2026-01-01      | 30
            """
        },
        expect={
            "core.fill": """
                claim_id | claim_line_number | ndc_code
                A        | 1                 | metformin
                A        | 2                 | glipizide
            """,
            "core.pharmacy_claim_removed": "",
        },
    )


def test_a_reversed_last_version_leaves_nothing(story):
    """If the version that stands is `reversed`, nothing stands; among versions of one time `reversed` is last."""
    story(
        given={
            "raw.pharmacy_claim": """
                person_id | claim_id | ndc_code  | dispensing_date | days_supply | claim_status | file_date
                ann       | A        | metformin | 2026-01-01      | 30          | paid         | 2026-01-02
                ann       | A        | metformin | 2026-01-01      | 30          | reversed     | 2026-01-09
                ann       | B        | metformin | 2026-02-01      | 30          | reversed     | -
                ann       | B        | metformin | 2026-02-01      | 30          | paid         | -
                ann       | C        | metformin | 2026-03-01      | 30          | reversed     | 2026-03-02
            """
        },
        expect={
            "core.fill": "",
            "core.pharmacy_claim_removed": """
                row_id | bucket
                1      | netted
                2      | netted
                3      | netted
                4      | netted
                5      | netted
            """,
        },
    )


def test_a_claim_paid_again_after_its_reversal_stands(story):
    """Only the last version counts; `adjusted` counts as paid."""
    story(
        given={
            "raw.pharmacy_claim": """
                person_id | claim_id | ndc_code  | dispensing_date | days_supply | claim_status | file_date
                ann       | A        | metformin | 2026-01-01      | 30          | paid         | 2026-01-02
                ann       | A        | metformin | 2026-01-01      | 30          | reversed     | 2026-01-09
                ann       | A        | metformin | 2026-01-01      | 60          | adjusted     | 2026-01-16
            """
        },
        expect={
            "core.fill": """
                claim_id | days_supply
                A        | 60
            """,
            "core.pharmacy_claim_removed": """
                row_id | bucket
                1      | netted
                2      | netted
            """,
        },
    )


def test_a_reversal_touches_no_other_claim(story):
    """Claim B is another dispensing of the same drug on the same day."""
    story(
        given={
            "raw.pharmacy_claim": """
                person_id | claim_id | ndc_code  | dispensing_date | days_supply | claim_status
                ann       | A        | metformin | 2026-01-01      | 30          | reversed
                ann       | B        | metformin | 2026-01-01      | 30          | paid
            """
        },
        expect={"core.fill": "claim_id\nB", "core.pharmacy_claim_removed": "row_id | bucket\n1 | netted"},
    )


def test_denied_and_pended_claims_are_kept_and_are_no_fills(story):
    """They count for suppression rules only. A claim that was paid and is denied in its last version is no fill."""
    story(
        given={
            "raw.pharmacy_claim": """
                person_id | claim_id | ndc_code  | dispensing_date | days_supply | claim_status | file_date
                ann       | A        | metformin | 2026-01-01      | 30          | denied       | 2026-01-02
                ann       | B        | metformin | 2026-02-01      | 30          | pended       | 2026-02-02
                ann       | C        | metformin | 2026-03-01      | 30          | paid         | 2026-03-02
                ann       | C        | metformin | 2026-03-01      | 30          | denied       | 2026-03-09
            """
        },
        expect={
            "core.fill": "",
            "core.pharmacy_claim_removed": """
                row_id | bucket
                3      | netted
            """,
        },
    )


# Reversal transactions


def test_a_negative_row_cancels_the_positive_row_of_its_line(story):
    """Negative quantity, days supply or paid amount; both are netted."""
    story(
        given={
            "raw.pharmacy_claim": """
                person_id | claim_id | ndc_code  | dispensing_date | days_supply | quantity | paid_amount
                ann       | A        | metformin | 2026-01-01      | 30          | 60       | 12.5
                ann       | A        | metformin | 2026-01-01      | -30         | -60      | -12.5
                ann       | B        | metformin | 2026-02-01      | 30          | 60       | 12.5
                ann       | B        | metformin | 2026-02-01      | 30          | 60       | -12.5
                ann       | C        | metformin | 2026-03-01      | 30          | 60       | 12.5
                ann       | C        | metformin | 2026-03-01      | -30         | 60       | 12.5
                ann       | D        | metformin | 2026-04-01      | 30          | 60       | 12.5
            """
        },
        expect={
            "core.fill": "claim_id\nD",
            "core.pharmacy_claim_removed": """
                row_id | bucket | reason
                1      | netted | -
                2      | netted | -
                3      | netted | -
                4      | netted | -
                5      | netted | -
                6      | netted | -
            """,
        },
    )


def test_a_negative_row_cancels_one_row_only(story):
    """Paid, reversed and paid again under one claim id: one of the two positive rows stands."""
    story(
        given={
            "raw.pharmacy_claim": """
                person_id | claim_id | ndc_code  | dispensing_date | days_supply | quantity | file_date
                ann       | A        | metformin | 2026-01-01      | 30          | 60       | 2026-01-02
                ann       | A        | metformin | 2026-01-01      | -30         | -60      | 2026-01-05
                ann       | A        | metformin | 2026-01-01      | 30          | 60       | 2026-01-09
            """
        },
        expect={
            "core.fill": "claim_id | days_supply\nA | 30",
            "core.pharmacy_claim_removed": """
                row_id | bucket
                1      | netted
                2      | netted
            """,
        },
    )


def test_a_negative_row_finds_its_original_under_another_claim_id(story):
    """Same person, pharmacy, NDC, date and absolute quantities; of two such claims one is cancelled."""
    story(
        given={
            "raw.pharmacy_claim": """
                person_id | claim_id | ndc_code  | dispensing_date | days_supply | quantity | dispensing_provider_npi
                ann       | A        | metformin | 2026-01-01      | 30          | 60       | north
                ann       | B        | metformin | 2026-01-01      | 30          | 60       | north
                ann       | X        | metformin | 2026-01-01      | -30         | -60      | north
            """,
            "raw.ingested": """
                source_table   | measure | row_count
                pharmacy_claim | read    | 3
                pharmacy_claim | stored  | 3
            """,
        },
        expect={
            "core.fill": "days_supply\n30",
            "core.reconciliation": """
                source_table   | bucket    | row_count
                pharmacy_claim | read      | 3
                pharmacy_claim | accepted  | 1
                pharmacy_claim | rejected  | 0
                pharmacy_claim | duplicate | 0
                pharmacy_claim | netted    | 2
            """,
        },
    )


def test_a_negative_row_without_an_original_is_rejected(story):
    """`reversal_without_original`: no claim of the same person, pharmacy, NDC, date and quantities is there."""
    story(
        given={
            "raw.pharmacy_claim": """
                person_id | claim_id | ndc_code  | dispensing_date | days_supply | quantity | dispensing_provider_npi
                ann       | X        | metformin | 2026-01-01      | -30         | -60      | north
                bob       | A        | metformin | 2026-01-01      | 30          | 60       | north
                ann       | B        | glipizide | 2026-01-01      | 30          | 60       | north
                ann       | C        | metformin | 2026-01-02      | 30          | 60       | north
                ann       | D        | metformin | 2026-01-01      | 30          | 60       | south
                ann       | E        | metformin | 2026-01-01      | 30          | 30       | north
                ann       | F        | metformin | 2026-01-01      | 60          | 60       | north
            """
        },
        expect={
            "core.pharmacy_claim_removed": """
                row_id | bucket   | reason
                1      | rejected | reversal_without_original
            """,
            "core.rejected": """
                source_table   | source_file        | line_number | reasons
                pharmacy_claim | pharmacy_claim.csv | 2           | reversal_without_original
            """,
        },
    )


def test_two_reversals_of_one_original(story):
    """A reversal cancels one row: the second finds nothing and is rejected."""
    story(
        given={
            "raw.pharmacy_claim": """
                person_id | claim_id | ndc_code  | dispensing_date | days_supply | quantity | file_date
                ann       | A        | metformin | 2026-01-01      | 30          | 60       | 2026-01-02
                ann       | A        | metformin | 2026-01-01      | -30         | -60      | 2026-01-05
                ann       | A        | metformin | 2026-01-01      | -30         | -60      | 2026-01-09
            """
        },
        expect={
            "core.fill": "",
            "core.pharmacy_claim_removed": """
                row_id | bucket   | reason
                1      | netted   | -
                2      | netted   | -
                3      | rejected | reversal_without_original
            """,
        },
    )


# Duplicates


def test_a_row_delivered_twice_is_a_duplicate(story):
    """Equal in every canonical column, be it in another file."""
    story(
        given={
            "raw.pharmacy_claim": """
                person_id | claim_id | ndc_code  | dispensing_date | days_supply | source_file
                ann       | A        | metformin | 2026-01-01      | 30          | january.csv
                ann       | A        | metformin | 2026-01-01      | 30          | january_again.csv
            """
        },
        expect={"core.fill": "claim_id\nA", "core.pharmacy_claim_removed": "row_id | bucket\n2 | duplicate"},
    )


def test_a_reversal_delivered_twice_is_one_reversal(story):
    """The copy is a duplicate, not a second reversal without an original."""
    story(
        given={
            "raw.pharmacy_claim": """
                person_id | claim_id | ndc_code  | dispensing_date | days_supply | quantity
                ann       | A        | metformin | 2026-01-01      | 30          | 60
                ann       | A        | metformin | 2026-01-01      | -30         | -60
                ann       | A        | metformin | 2026-01-01      | -30         | -60
            """
        },
        expect={
            "core.pharmacy_claim_removed": """
                row_id | bucket
                1      | netted
                2      | netted
                3      | duplicate
            """
        },
    )


def test_a_fill_billed_again_under_another_claim_id_is_a_duplicate(story):
    """Same person, rx_number and fill_number, date and NDC. Any of them different or missing: two dispensings."""
    story(
        given={
            "raw.pharmacy_claim": """
                person_id | claim_id | ndc_code  | dispensing_date | days_supply | rx_number | fill_number
                ann       | A        | metformin | 2026-01-01      | 30          | 7         | 0
                ann       | B        | metformin | 2026-01-01      | 30          | 7         | 0
                ann       | C        | metformin | 2026-01-01      | 30          | 7         | 1
                ann       | D        | metformin | 2026-01-01      | 30          | 8         | 0
                ann       | E        | glipizide | 2026-01-01      | 30          | 7         | 0
                ann       | F        | metformin | 2026-01-02      | 30          | 7         | 0
                bob       | G        | metformin | 2026-01-01      | 30          | 7         | 0
                cal       | H        | metformin | 2026-01-01      | 30          | -         | 0
                cal       | I        | metformin | 2026-01-01      | 30          | -         | 0
                dee       | J        | metformin | 2026-01-01      | 30          | 7         | -
                dee       | K        | metformin | 2026-01-01      | 30          | 7         | -
            """
        },
        expect={"core.pharmacy_claim_removed": "row_id | bucket\n2 | duplicate"},
    )


def test_two_lines_of_one_claim_are_no_duplicates(story):
    """A duplicate is billed under another claim id: both lines of A stand, B does not."""
    story(
        given={
            "raw.pharmacy_claim": """
                person_id | claim_id | claim_line_number | ndc_code  | dispensing_date | days_supply | rx_number | fill_number
                ann       | A        | 1                 | metformin | 2026-01-01      | 30          | 7         | 0
                ann       | A        | 2                 | metformin | 2026-01-01      | 30          | 7         | 0
                ann       | B        | 1                 | metformin | 2026-01-01      | 30          | 7         | 0
            """
        },
        expect={"core.pharmacy_claim_removed": "row_id | bucket\n3 | duplicate"},
    )


def test_two_prescriptions_of_one_drug_on_one_day_are_two_fills(story):
    """Interface 2.1 and domain pitfall 2: a real second supply."""
    story(
        given={
            "raw.pharmacy_claim": """
                person_id | claim_id | ndc_code  | dispensing_date | days_supply | rx_number | fill_number
                ann       | A        | metformin | 2026-01-01      | 30          | 7         | 0
                ann       | B        | metformin | 2026-01-01      | 30          | 8         | 0
            """
        },
        expect={"core.fill": "claim_id\nA\nB", "core.pharmacy_claim_removed": ""},
    )


def test_a_reversed_or_denied_billing_is_no_original_of_a_duplicate(story):
    """Claim A was reversed, claim C denied: the fills billed again as B and D stand."""
    story(
        given={
            "raw.pharmacy_claim": """
                person_id | claim_id | ndc_code  | dispensing_date | days_supply | rx_number | fill_number | claim_status
                ann       | A        | metformin | 2026-01-01      | 30          | 7         | 0           | paid
                ann       | A        | metformin | 2026-01-01      | 30          | 7         | 0           | reversed
                ann       | B        | metformin | 2026-01-01      | 30          | 7         | 0           | paid
                ann       | C        | metformin | 2026-02-01      | 30          | 7         | 1           | denied
                ann       | D        | metformin | 2026-02-01      | 30          | 7         | 1           | paid
            """
        },
        expect={
            "core.fill": "claim_id\nB\nD",
            "core.pharmacy_claim_removed": """
                row_id | bucket
                1      | netted
                2      | netted
            """,
        },
    )


# What becomes a fill


def test_fills_run_through_the_as_of_date_whenever_they_were_loaded(story):
    """`after_as_of` reads the service date; load times never hide a row. Unlinked and unknown NDCs are counted."""
    story(
        as_of="2026-03-31",
        given={
            "raw.pharmacy_claim": """
                person_id | claim_id | ndc_code    | dispensing_date | days_supply | ingest_datetime
                ann       | A        | metformin   | 2026-03-31      | 30          | 2026-05-01 00:00:00
                ann       | B        | metformin   | 2026-04-01      | 30          | 2026-03-01 00:00:00
                zoe       | C        | metformin   | 2026-03-01      | 30          | -
                ann       | D        | 00000000000 | 2026-03-02      | 400         | -
            """
        },
        expect={
            "core.fill": """
                claim_id | fill_date  | days_supply
                D        | 2026-03-02 | -
                A        | 2026-03-31 | 30
            """,
            "core.set_apart": """
                source_table     | reason               | row_count
                discharge_notice | after_as_of          | 0
                discharge_notice | unlinked             | 0
                eligibility      | unknown_area         | 8
                medical_claim    | after_as_of          | 0
                medical_claim    | no_original          | 0
                medical_claim    | unlinked             | 0
                member_preference | unlinked            | 0
                outreach_outcome | after_as_of          | 0
                outreach_outcome | unknown_outcome      | 0
                member_preference | unknown_channel     | 0
                member_consent   | unknown_scope        | 0
                outreach_outcome | unlinked             | 0
                medical_claim    | withheld_part2       | 0
                pharmacy_claim   | withheld_part2       | 0
                pharmacy         | invalid_npi          | 0
                pharmacy         | unknown_place        | 0
                pharmacy_claim   | after_as_of          | 1
                pharmacy_claim   | invalid_npi          | 0
                pharmacy_claim   | unknown_ndc          | 1
                pharmacy_claim   | unknown_route        | 0
                pharmacy_claim   | unlinked             | 1
                pharmacy_claim   | unusable_days_supply | 1
                provider         | invalid_npi          | 0
                provider         | unknown_place        | 0
                zcta             | unknown_county_type  | 0
                zcta             | unknown_density      | 0
                zcta             | unknown_income       | 0
            """,
        },
    )


def test_a_product_without_route_or_form_is_counted_where_a_rule_asks_for_one(story):
    """Interface 2.1, `unknown_route`: A counts by pen and excludes by vein, C counts as an inhaler, E is an opioid
    whose injections are left out. B tells its form, D its route; F and G are taken in every form. The last row is a copy.
    """
    story(
        given={
            "raw.drug": """
                ndc_code | ingredients            | dose_form     | route
                a        | tocilizumab            | -             | -
                b        | tocilizumab            | auto-injector | -
                c        | budesonide;formoterol  | -             | -
                d        | glycopyrronium         | -             | oral
                e        | acetaminophen;oxycodone | -            | -
                f        | adalimumab             | -             | -
                g        | metformin              | -             | -
            """,
            "raw.pharmacy_claim": """
                person_id | claim_id | ndc_code | dispensing_date | days_supply
                ann       | A        | a        | 2026-01-01      | 28
                ann       | B        | b        | 2026-01-01      | 28
                ann       | C        | c        | 2026-01-01      | 28
                ann       | D        | d        | 2026-01-01      | 28
                ann       | E        | e        | 2026-01-01      | 28
                ann       | F        | f        | 2026-01-01      | 28
                ann       | G        | g        | 2026-01-01      | 28
                ann       | A        | a        | 2026-01-01      | 28
            """,
        },
        expect={
            "core.fill": "claim_id\nA\nB\nC\nD\nE\nF\nG",
            "core.set_apart": """
                source_table     | reason               | row_count
                discharge_notice | after_as_of          | 0
                discharge_notice | unlinked             | 0
                eligibility      | unknown_area         | 8
                medical_claim    | after_as_of          | 0
                medical_claim    | no_original          | 0
                medical_claim    | unlinked             | 0
                member_preference | unlinked            | 0
                outreach_outcome | after_as_of          | 0
                outreach_outcome | unknown_outcome      | 0
                member_preference | unknown_channel     | 0
                member_consent   | unknown_scope        | 0
                outreach_outcome | unlinked             | 0
                medical_claim    | withheld_part2       | 0
                pharmacy_claim   | withheld_part2       | 0
                pharmacy         | invalid_npi          | 0
                pharmacy         | unknown_place        | 0
                pharmacy_claim   | after_as_of          | 0
                pharmacy_claim   | invalid_npi          | 0
                pharmacy_claim   | unknown_ndc          | 0
                pharmacy_claim   | unknown_route        | 3
                pharmacy_claim   | unlinked             | 0
                pharmacy_claim   | unusable_days_supply | 0
                provider         | invalid_npi          | 0
                provider         | unknown_place        | 0
                zcta             | unknown_county_type  | 0
                zcta             | unknown_density      | 0
                zcta             | unknown_income       | 0
            """,
        },
    )


def test_fills_of_one_day_are_ordered_by_claim_and_line(story):
    """Same-day order everywhere: date, claim_id, claim_line_number, in byte order; ann's keys begin at 1 * 2**31."""
    story(
        given={
            "raw.pharmacy_claim": """
                person_id | claim_id | claim_line_number | ndc_code  | dispensing_date | days_supply
                ann       | b        | 1                 | metformin | 2026-01-01      | 30
                ann       | B        | 2                 | metformin | 2026-01-01      | 30
                ann       | B        | 1                 | metformin | 2026-01-01      | 30
                ann       | z        | 1                 | metformin | 2025-12-31      | 30
            """
        },
        expect={
            "core.fill": """
                fill_key   | claim_id | claim_line_number
                2147483649 | z        | 1
                2147483650 | B        | 1
                2147483651 | B        | 2
                2147483652 | b        | 1
            """
        },
    )


# Medical claims


def test_frequency_8_voids_the_bill_of_the_same_stay(story):
    """Same person, facility, start date and first two bill-type digits; every other bill is left alone."""
    story(
        given={
            "raw.medical_claim": """
                person_id | claim_id | claim_type    | bill_type_code | claim_start_date | discharge_date | facility_npi
                ann       | A        | institutional | 111            | 2026-01-05       | 2026-01-09     | hospital
                ann       | B        | institutional | 118            | 2026-01-05       | 2026-01-09     | hospital
                bob       | C        | institutional | 111            | 2026-01-05       | 2026-01-09     | hospital
                ann       | D        | institutional | 111            | 2026-02-05       | 2026-02-09     | hospital
                ann       | E        | institutional | 211            | 2026-01-05       | 2026-01-06     | hospital
                ann       | F        | institutional | 111            | 2026-01-05       | 2026-01-07     | clinic
                ann       | G        | institutional | 181            | 2026-01-05       | 2026-01-08     | hospital
            """
        },
        expect={
            "core.medical_claim_removed": """
                row_id | bucket
                1      | netted
                2      | netted
            """,
            "core.medical_line": "claim_id\nC\nD\nE\nF\nG",
        },
    )


def test_frequency_7_replaces_the_bill(story):
    """Of two replacements the last stands."""
    story(
        given={
            "raw.medical_claim": """
                person_id | claim_id | claim_type    | bill_type_code | claim_start_date | discharge_date | file_date
                ann       | A        | institutional | 111            | 2026-01-05       | 2026-01-09     | 2026-02-01
                ann       | B        | institutional | 117            | 2026-01-05       | 2026-01-12     | 2026-02-08
                ann       | C        | institutional | 117            | 2026-01-05       | 2026-01-14     | 2026-02-15
            """
        },
        expect={
            "core.medical_claim_removed": """
                row_id | bucket
                1      | netted
                2      | netted
            """,
            "core.stay": """
                admission_date | discharge_date
                2026-01-05     | 2026-01-14
            """,
        },
    )


def test_a_bill_with_a_denied_line_is_replaced_once(story):
    """Frequency 7 replaces the claim, its denied line too; each row is in one bucket (interface 2.1)."""
    story(
        given={
            "raw.medical_claim": """
                person_id | claim_id | claim_line_number | claim_type    | bill_type_code | claim_start_date | claim_status
                ann       | A        | 1                 | institutional | 111            | 2026-01-05       | paid
                ann       | A        | 2                 | institutional | 111            | 2026-01-05       | denied
                ann       | B        | 1                 | institutional | 117            | 2026-01-05       | paid
            """
        },
        expect={
            "core.medical_claim_removed": """
                row_id | bucket
                1      | netted
                2      | netted
            """
        },
    )


def test_a_replacement_can_be_voided(story):
    """Original, replacement, void: nothing stands."""
    story(
        given={
            "raw.medical_claim": """
                person_id | claim_id | claim_type    | bill_type_code | claim_start_date | file_date
                ann       | A        | institutional | 111            | 2026-01-05       | 2026-02-01
                ann       | B        | institutional | 117            | 2026-01-05       | 2026-02-08
                ann       | C        | institutional | 118            | 2026-01-05       | 2026-02-15
            """
        },
        expect={"core.medical_line": "", "core.stay": ""},
    )


def test_an_adjustment_without_an_original_is_kept(story):
    """It is counted `no_original`; a void that is kept is still no stay."""
    story(
        given={
            "raw.medical_claim": """
                person_id | claim_id | claim_type    | bill_type_code | claim_start_date | discharge_date
                ann       | A        | institutional | 117            | 2026-01-05       | 2026-01-09
                bob       | B        | institutional | 118            | 2026-01-05       | 2026-01-09
                cal       | C        | institutional | 111            | 2026-01-05       | 2026-01-09
                cal       | D        | institutional | 117            | 2026-01-05       | 2026-01-10
            """
        },
        expect={
            "core.medical_line": "claim_id\nA\nB\nD",
            "core.stay": """
                member_key | discharge_date
                1          | 2026-01-09
                3          | 2026-01-10
            """,
            "core.set_apart": """
                source_table     | reason               | row_count
                discharge_notice | after_as_of          | 0
                discharge_notice | unlinked             | 0
                eligibility      | unknown_area         | 8
                medical_claim    | after_as_of          | 0
                medical_claim    | no_original          | 2
                medical_claim    | unlinked             | 0
                member_preference | unlinked            | 0
                outreach_outcome | after_as_of          | 0
                outreach_outcome | unknown_outcome      | 0
                member_preference | unknown_channel     | 0
                member_consent   | unknown_scope        | 0
                outreach_outcome | unlinked             | 0
                medical_claim    | withheld_part2       | 0
                pharmacy_claim   | withheld_part2       | 0
                pharmacy         | invalid_npi          | 0
                pharmacy         | unknown_place        | 0
                pharmacy_claim   | after_as_of          | 0
                pharmacy_claim   | invalid_npi          | 0
                pharmacy_claim   | unknown_ndc          | 0
                pharmacy_claim   | unknown_route        | 0
                pharmacy_claim   | unlinked             | 0
                pharmacy_claim   | unusable_days_supply | 0
                provider         | invalid_npi          | 0
                provider         | unknown_place        | 0
                zcta             | unknown_county_type  | 0
                zcta             | unknown_density      | 0
                zcta             | unknown_income       | 0
            """,
        },
    )


def test_a_professional_claim_has_no_frequency(story):
    """Frequency codes are those of institutional bills."""
    story(
        given={
            "raw.medical_claim": """
                person_id | claim_id | claim_type    | bill_type_code | claim_start_date
                ann       | A        | institutional | 111            | 2026-01-05
                ann       | B        | professional  | 118            | 2026-01-05
            """
        },
        expect={"core.medical_claim_removed": ""},
    )


def test_versions_and_reversals_of_medical_lines(story):
    """The same rules as for pharmacy claims: the latest stands, a negative amount cancels, equal rows are copies."""
    story(
        given={
            "raw.medical_claim": """
                person_id | claim_id | claim_start_date | hcpcs_code | paid_amount | claim_status | file_date
                ann       | A        | 2026-01-01       | 99213      | 10          | paid         | 2026-01-02
                ann       | A        | 2026-01-01       | 99214      | 10          | paid         | 2026-01-09
                ann       | B        | 2026-02-01       | 99213      | 10          | paid         | 2026-02-02
                ann       | B        | 2026-02-01       | 99213      | -10         | paid         | 2026-02-09
                ann       | C        | 2026-03-01       | 99213      | 10          | paid         | 2026-03-02
                ann       | C        | 2026-03-01       | 99213      | 10          | reversed     | 2026-03-09
                ann       | D        | 2026-04-01       | 99213      | 10          | paid         | 2026-04-02
                ann       | D        | 2026-04-01       | 99213      | 10          | paid         | 2026-04-02
                ann       | E        | 2026-05-01       | 99213      | -10         | paid         | 2026-05-02
                ann       | F        | 2026-06-01       | 99213      | 10          | denied       | 2026-06-02
            """
        },
        expect={
            "core.medical_line": """
                claim_id | hcpcs_code | is_paid
                A        | 99214      | yes
                D        | 99213      | yes
                F        | 99213      | no
            """,
            "core.medical_claim_removed": """
                row_id | bucket    | reason
                1      | netted    | -
                3      | netted    | -
                4      | netted    | -
                5      | netted    | -
                6      | netted    | -
                8      | duplicate | -
                9      | rejected  | reversal_without_original
            """,
        },
    )
