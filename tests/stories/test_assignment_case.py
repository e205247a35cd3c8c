"""What pharmacists of the plan are given to work, told as stories: specialty 4.2 of the domain page, matching.

The tables before it are given as they stand on a night; gap ids are names, so that a story can be read.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

MODEL = "outreach.assignment_case"
AS_OF = "2026-06-30"

GIVEN = {
    "core.member": """
        member_key | person_id | state
        1          | ann       | TX
        2          | bob       | -
    """,
    "core.drug": """
        drug_key | ingredients
        1        | imatinib
        2        | methotrexate
        3        | methotrexate
        4        | eculizumab
        5        | adalimumab;other
    """,
    "facts.drug_group": """
        value_set                 | drug_key | ingredient_key
        oncology_drugs            | 1        | 1
        oncology_drugs            | 2        | 2
        rheumatology_drugs        | 3        | 2
        hepatitis_b_screened_drugs | 4       | 3
        antiretrovirals           | 5        | 4
        ms_agents                 | 5        | 5
    """,
}


@pytest.fixture
def listed(story):
    """Rows of the list with what the ledger knows of them; `shown` is the family that the list tells."""

    def tell(rows: str, expect: str) -> None:
        cells = [[c.strip() for c in line.split("|")] for line in rows.strip().splitlines()]
        worklist = [["gap_id", "person_id", "gap_code", "gap_family", "pharmacy_npi", "list_rank", "language"]]
        ledger = [["gap_id", "person_id", "member_key", "gap_code", "gap_family", "subject", "is_sensitive"]]
        for place, (gap_id, person, code, family, shown, subject, sensitive) in enumerate(cells[1:], 1):
            key = {"ann": "1", "bob": "2"}[person]
            ledger.append([gap_id, person, key, code, family, subject, sensitive])
            if shown != "unlisted":
                public = code if shown == family else "REFILL_REVIEW"
                worklist.append([gap_id, person, public, shown, "1999000015", str(place), "es"])
        text = {name: "\n".join(" | ".join(row) for row in table) for name, table in (("w", worklist), ("l", ledger))}
        story(given={"outreach.worklist": text["w"], "outreach.ledger": text["l"]}, expect=expect)

    return tell


def test_listed_rows_of_three_programmes_are_cases(listed) -> None:
    """What no list may hold tonight nobody is given; the state is that of the home, null where it is unknown."""
    listed(
        """
        gap_id | person | code           | family          | shown           | subject | sensitive
        a      | ann    | CMR_DUE        | mtm             | mtm             | mtm 2026 | no
        b      | bob    | TOC_CONTACT    | care_transition | care_transition | 2026-06-28 | no
        c      | ann    | ADHERENCE_LATE | adherence       | adherence       | pdc_statins | no
        d      | ann    | SP_LATE_REFILL | specialty       | unlisted        | imatinib | no
        """,
        """
        gap_id | person_id | state | language | gap_family      | gap_code    | therapy_areas   | pharmacy_npi
        a      | ann       | TX    | es       | mtm             | CMR_DUE     | mtm             | 1999000015
        b      | bob       | -     | es       | care_transition | TOC_CONTACT | care_transition | 1999000015
        """,
    )


def test_areas_are_those_of_the_medicine_or_of_the_condition_else_the_family(listed) -> None:
    """Methotrexate treats cancer and joints: either fits. Nobody registered an area of eculizumab."""
    listed(
        """
        gap_id | person | code            | family          | shown           | subject      | sensitive
        a      | ann    | ONC_ADH         | specialty       | specialty       | imatinib     | no
        b      | ann    | LAB_MTX_LEF_SSZ | specialty       | specialty       | methotrexate | no
        c      | ann    | SP_LATE_REFILL  | specialty       | specialty       | eculizumab   | no
        d      | ann    | CARDIAC_REHAB   | care_transition | care_transition | 2026-06-28   | no
        e      | ann    | MRP             | care_transition | care_transition | imatinib     | no
        f      | ann    | SP_ABANDON_FIRST | specialty      | specialty       | unknown      | no
        """,
        """
        gap_id | therapy_areas
        a      | oncology
        b      | oncology;rheumatology
        c      | specialty
        d      | cardiology
        e      | care_transition
        f      | specialty
        """,
    )


def test_a_sensitive_row_keeps_its_public_names_and_tells_no_area(listed) -> None:
    """Rules 6.4: the medicine would be named by the pharmacist that it goes to."""
    listed(
        """
        gap_id | person | code           | family          | shown             | subject          | sensitive
        a      | ann    | SP_LATE_REFILL | specialty       | medication_review | adalimumab;other | yes
        b      | ann    | CARDIAC_REHAB  | care_transition | medication_review | 2026-06-28       | yes
        c      | ann    | SP_LATE_REFILL | specialty       | specialty         | adalimumab;other | no
        """,
        """
        gap_id | gap_family        | gap_code       | therapy_areas
        a      | medication_review | REFILL_REVIEW  | -
        b      | medication_review | REFILL_REVIEW  | -
        c      | specialty         | SP_LATE_REFILL | neurology
        """,
    )


def test_pharmacists_of_the_input_are_published_in_the_codes_of_the_cases(story: Callable[..., None]) -> None:
    """Interface 2: pharmacist_id is all that must be there."""
    story(
        given={
            "raw.pharmacist": """
                pharmacist_id | pharmacy_npi | licence_states | languages | therapy_areas | weekly_capacity
                r2            | 1999000023   | tx;OK          | EN;es     | Oncology      | 20
                r2            | 1999000015   | TX             | -         | -             | 5
                r1            | -            | -              | -         | -             | -
            """
        },
        model="outreach.assignment_pharmacist",
        expect="""
            pharmacist_id | pharmacy_npi | licence_states | languages | therapy_areas | weekly_capacity
            r1            | -            | -              | -         | -             | -
            r2            | 1999000015   | TX             | -         | -             | 5
            r2            | 1999000023   | TX;OK          | en;es     | oncology      | 20
        """,
    )


def test_lines_that_say_the_same_of_a_pharmacist_are_one(story: Callable[..., None]) -> None:
    """Interface 3: a row per pharmacist, pharmacy and what is said of them there; of the same the largest capacity."""
    story(
        given={
            "raw.pharmacist": """
                pharmacist_id | pharmacy_npi | licence_states | languages | therapy_areas | weekly_capacity
                r1            | 1999000015   | TX             | en        | oncology      | 5
                r1            | 1999000015   | tx             | EN        | Oncology      | 6
                r1            | 1999000015   | TX             | es        | oncology      | 7
            """
        },
        model="outreach.assignment_pharmacist",
        expect="""
            pharmacist_id | pharmacy_npi | licence_states | languages | therapy_areas | weekly_capacity
            r1            | 1999000015   | TX             | en        | oncology      | 6
            r1            | 1999000015   | TX             | es        | oncology      | 7
        """,
    )
