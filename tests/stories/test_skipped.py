"""What a missing input hides is neither closed nor forgotten: interface 2, a family whose input is missing is skipped.

As of 30 June 2026. A gap is named after its member.
"""

from __future__ import annotations

import pytest

from tests.stories.outreach import members, rows
from tests.stories.test_closing import STATE, enrolled, night

MODEL = "outreach.ledger"
AS_OF = "2026-06-30"

NO_DRUG = """
    source_table | measure | row_count
    drug         | stored  | 0
    provider     | stored  | 7
    pharmacy     | stored  | 7
"""
KNOWN = ["ann open - 2026-05-01 -", "bea closed documented 2026-05-01 2026-06-10", "zoe open - 2026-05-01 -"]
HISTORY = """
    gap_id | valid_from | status | valid_to   | is_restricted
    ann    | 2026-05-01 | open   | -          | no
    bea    | 2026-05-01 | open   | 2026-06-10 | no
    bea    | 2026-06-10 | closed | -          | no
    zoe    | 2026-05-01 | open   | -          | no
"""


def test_gaps_of_a_skipped_family_are_held_as_they_are(story):
    """Without `drug` no late refill can be seen: none is told, closed or forgotten, whoever left; nor is one opened (new).

    Of what another family finds, such as a primary care desert, everything is told as ever, and what it no longer finds
    is closed.
    """
    given = night(["new"], KNOWN)
    story(
        given=given
        | {
            "core.member": members(["ann", "bea", "new"]),
            "core.enrollment": enrolled(3),
            "raw.ingested": NO_DRUG,
            "outreach.every_gap": """
                member_key | gap_code       | gap_family      | subject     | status | window_start_date
                3          | ADHERENCE_LATE | adherence       | pdc_statins | open   | 2026-04-01
                1          | PD_PCP         | provider_desert | -           | open   | -
            """,
            "raw.state_gap": given["raw.state_gap"]
            + "\nfar | ann | provider_desert | PD_PCP | - | open | - | 2026-06-01 | - | - | -"
            + "\nmet | bea | provider_desert | PD_PCP | - | open | - | 2026-06-01 | - | - | -",
            "raw.state_gap_history": HISTORY,
        },
        expect={
            "outreach.ledger": """
                gap_id | gap_code | status | closing_reason
                far    | PD_PCP   | open   | -
                met    | PD_PCP   | closed | resolved
            """,
            "outreach.gap_state": """
                gap_id | gap_code       | status | closing_reason | opened_date | closed_date
                ann    | ADHERENCE_LATE | open   | -              | 2026-05-01  | -
                bea    | ADHERENCE_LATE | closed | documented     | 2026-05-01  | 2026-06-10
                zoe    | ADHERENCE_LATE | open   | -              | 2026-05-01  | -
                far    | PD_PCP         | open   | -              | 2026-06-01  | -
                met    | PD_PCP         | closed | resolved       | 2026-06-01  | 2026-06-30
            """,
            "outreach.gap_history": HISTORY
            + """
                far    | 2026-06-30 | open   | -          | no
                met    | 2026-06-30 | closed | -          | no
            """,
        },
    )


def test_on_the_next_whole_night_they_go_on_under_their_ids(story):
    """What was held is found again, or closed on the night that can see it; a year that ended meanwhile changes no id."""
    story(
        as_of="2027-01-02",
        given=night(["ann"], ["ann open - 2026-05-01 -", "bea open - 2026-05-01 -"])
        | {"raw.ingested": NO_DRUG.replace("| 0", "| 7")},
        expect="""
            gap_id | status | closing_reason | opened_date | closed_date
            ann    | open   | -              | 2026-05-01  | -
            bea    | closed | expired        | 2026-05-01  | 2027-01-02
        """,
    )


def test_on_the_first_night_nothing_is_told_and_nothing_held(story):
    """No night before: what a skipped family would say without its input is said by nobody."""
    story(
        given=night(["ann"], []) | {"raw.ingested": NO_DRUG},
        expect={"outreach.ledger": "gap_id", "outreach.gap_state": "gap_id", "outreach.gap_history": "gap_id"},
    )


@pytest.mark.parametrize("is_closed", [False, True])
def test_a_loss_goes_on_a_skipped_night_too(story, is_closed):
    """Maternal 1.7, L2: of ann's lost pregnancy nothing is held; bea's gap is, under both reasons at once only once.

    Of zoe, whom eligibility does not name, a loss could not be seen: her gap of a pregnancy goes, her late refill stays.
    """
    story(
        model="outreach.gap_state",
        given=night([], [])
        | {
            "core.member": members(["ann", "bea"]),
            "core.enrollment": enrolled(2),
            "facts.maternal_gate": f"closed_reason\n{'medical_feed_stale' if is_closed else '-'}",
            "facts.suppression": "member_key | rule | released_by\n1 | L1 | -",
            "raw.ingested": NO_DRUG,
            "raw.state_gap": rows(
                STATE,
                *(
                    f"{name} | {name} | prenatal_supply | PNV_LATE | episode 1 | open | - | 2026-06-01 | - | 2026-05-01 | 2026-07-31"
                    for name in ("ann", "bea", "zoe")
                ),
                "refill | ann | adherence | ADHERENCE_LATE | pdc_statins | open | - | 2026-06-01 | - | 2026-05-01 | 2026-07-31",
                "other | zoe | adherence | ADHERENCE_LATE | pdc_statins | open | - | 2026-06-01 | - | 2026-05-01 | 2026-07-31",
            ),
        },
        expect="gap_id | status\nbea | open\nrefill | open\nother | open",
    )


@pytest.mark.parametrize(
    ("as_of", "ingested", "gate", "expected"),
    [
        (AS_OF, "source_table", "-", {}),
        (
            AS_OF,
            NO_DRUG,
            "-",
            dict.fromkeys(("A1C", "ADHERENCE_LATE", "CMR_DUE", "PD_BH", "PNV_LATE"), "no drug table"),
        ),
        (
            AS_OF,
            NO_DRUG,
            "medical_feed_stale",
            dict.fromkeys(("A1C", "ADHERENCE_LATE", "CMR_DUE", "PD_BH"), "no drug table")
            | dict.fromkeys(("PNV_LATE", "TDAP"), "medical_feed_stale"),
        ),
        (
            "2027-06-30",
            "source_table",
            "-",
            {"CMR_DUE": "management_year: found no row for 2027; allowed are the years 2024 to 2026"},
        ),
    ],
    ids=["whole", "no_drug", "no_drug_and_gate", "silent_year"],
)
def test_why_a_code_is_skipped(story, as_of, ingested, gate, expected):
    """Interface 2: a family without its input, a code of another family that needs it, a year without rules (mtm).

    `diabetes` is skipped whole: fills tell who has it. The gate's reason goes first (maternal 1.7, L9). A table that was
    delivered is not missing, nor is one of which nothing was counted.
    """
    codes = ("A1C", "ADHERENCE_LATE", "CMR_DUE", "PD_BH", "PD_PCP", "PD_RX", "PNV_LATE", "TDAP")
    story(
        model="facts.told_code",
        as_of=as_of,
        given={
            "facts.maternal_gate": f"closed_reason\n{gate}",
            "raw.ingested": ingested,
            "raw.gap_code": rows(
                "gap_code | is_pregnancy_dependent",
                *(f"{code} | {'yes' if code in ('PNV_LATE', 'TDAP') else 'no'}" for code in codes),
            ),
        },
        expect=rows("gap_code | skipped_reason", *(f"{code} | {expected.get(code, '-')}" for code in codes)),
    )


def test_a_held_gap_keeps_its_pharmacy(story):
    """Rule 6.5: an open row is frozen for 30 days; the days go on while its family is skipped.

    Bea's subject is told under a code that is not skipped: tonight's choice. Of cal nothing is known any more.
    """
    header = "person_id | gap_family | subject | pharmacy_npi | attribution_rule | attributed_date"
    story(
        model="outreach.attribution_state",
        given={
            "facts.told_code": "gap_code | gap_family | skipped_reason\nMRP | care_transition | -\nSPECIALTY_PAUSE | care_transition | no drug table",
            "outreach.gap_state": """
                gap_id | person_id | gap_family      | gap_code        | subject
                a      | ann       | care_transition | SPECIALTY_PAUSE | discharge 2026-06-11
                b      | bea       | care_transition | SPECIALTY_PAUSE | discharge 2026-06-11
                c      | bea       | care_transition | MRP             | discharge 2026-06-11
            """,
            "outreach.attribution": f"{header}\nbea | care_transition | discharge 2026-06-11 | south | most_fills | 2026-06-30",
            "raw.state_attribution": rows(
                header,
                *(
                    f"{name} | care_transition | discharge 2026-06-11 | north | most_fills | 2026-06-12"
                    for name in ("ann", "bea", "cal")
                ),
            ),
        },
        expect="""
            person_id | pharmacy_npi | attributed_date
            ann       | north        | 2026-06-12
            bea       | south        | 2026-06-30
        """,
    )
