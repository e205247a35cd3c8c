"""Who gets which gap and in which order, told as stories: domain rules 6.2, 6.5 and 6.6, interface 3.1.

Ann's statin supply of 150 days ended on 30 May 2026; as of 30 June her refill is late and can still be made until 12
August. An NPI is the pharmacy's name, so that a story can be read.
"""

from __future__ import annotations

import hashlib

import pytest

from tests.stories.formulary import FORMULARY
from tests.stories.outreach import rows

MODEL = "outreach.worklist"
AS_OF = "2026-06-30"

PHARMACIES = """
    npi   | state | zip_code | ncpdp_id | taxonomy_code | weekly_capacity
    north | TX    | 78701    | 300      | 3336C0003X    | -
    south | OK    | 73301    | 200      | 3336C0003X    | -
    west  | TX    | 78701    | 100      | 3336C0003X    | -
    mail  | AZ    | 85001    | 050      | 3336M0002X    | -
"""

ANN = """
    person_id | phone        | zip_code | address
    ann       | 512-555-0100 | 79901    | 1 Main St
"""

# Only an identifier that can name a file can be sent a list; here every name can.
VALID = "npi | is_valid" + "".join(
    f"\n{npi} | yes" for npi in ("north", "south", "west", "mail", "near", "nearer", "shut", "far", "other")
)

LATE = """
    person_id | dispensing_date | ndc_code     | days_supply | dispensing_provider_npi
    ann       | 2026-01-01      | atorvastatin | 90          | north
    ann       | 2026-04-01      | atorvastatin | 60          | north
"""

GIVEN = {
    "raw.drug": FORMULARY + "flu-shot | influenza vaccine | -",
    "raw.eligibility": ANN,
    "raw.pharmacy": PHARMACIES,
    "raw.pharmacy_claim": LATE,
    "core.npi": VALID,
}


# The row


def test_a_late_refill_is_on_the_list_of_the_pharmacy(story):
    """Interface section 3. The state is the pharmacy's; a row that depends on no pregnancy does not expire."""
    story(
        given={},
        expect="""
            pharmacy_npi | list_rank | state | person_id | gap_code       | gap_family | subject     | due_date   | expires_date
            north        | 1         | TX    | ann       | ADHERENCE_LATE | adherence  | pdc_statins | 2026-08-12 | -
        """,
    )


def test_the_gap_id_is_a_salted_digest(story):
    """Interface 3.1: 16 hex digits of sha256 over salt, person, code, subject and window start; it changes with the salt."""
    for salt in ("one", "two"):
        text = f"{salt}|ann|ADHERENCE_LATE|pdc_statins|2026-05-31"
        story(given={}, salt=salt, expect=f"gap_id\n{hashlib.sha256(text.encode()).hexdigest()[:16]}")


def test_a_prospective_or_lost_gap_is_on_no_list(story):
    """Domain section 4.1: `lost` is never listed; only open gaps are. `gap` has all of them, without a reason."""
    story(
        given={
            "raw.eligibility": ANN + "bob | 512-555-0101 | 79901 | -",
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply | dispensing_provider_npi
                ann       | 2026-01-01      | atorvastatin | 90          | north
                ann       | 2026-04-01      | atorvastatin | 100         | north
                bob       | 2026-01-01      | atorvastatin | 30          | north
                bob       | 2026-02-01      | atorvastatin | 30          | north
            """,
        },
        expect={
            "outreach.worklist": "",
            "outreach.gap": """
                person_id | status      | status_reason
                ann       | prospective | -
                bob       | lost        | -
            """,
        },
    )


# Score: severity 50 and impactability 0.6 of ADHERENCE_LATE are the registry's. Window 05-31 to 12-31, 214 days; 43 days
# left: urgency 1 - 43/214 = 0.7991. 50 * 0.6 * 0.7991 = 23.973.


def test_the_score_is_a_product_of_rounded_factors(story):
    """Interface 3.1. Nothing is known of ann's neighbourhood or income, so social is 0."""
    story(
        given={},
        expect="""
            person_id | days_left | severity | impactability | urgency | confidence | social | channel_reach | score  | priority_band
            ann       | 43        | 50       | 0.6           | 0.7991  | 1          | 0      | 1             | 23.973 | high
        """,
    )


def test_social_is_the_mean_of_what_is_known(story):
    """Interface 3.1. Ann: (0.4 + 0.2 + 1) / 3 = 0.5333, 23.973 * (1 + 0.25 * 0.5333) = 27.1692.

    Bob has no subsidy, which is known: (0.3 + 0.1 + 0) / 3 = 0.1333, 24.7719. Cal lives where nothing is known and is
    dual: 1, 29.9663 (29.96625). Dee: low-income subsidy of unknown duals; 0.3 alone with nothing known of her: 25.771.
    """
    story(
        given={
            "raw.eligibility": """
                person_id | phone      | zip_code | dual_status_code | low_income_subsidy_indicator
                ann       | 5125550100 | 79901    | 2                | -
                bob       | 5125550100 | 79902    | 00               | no
                cal       | 5125550100 | 79903    | -                | yes
                dee       | 5125550100 | 79904    | -                | -
            """,
            "raw.zcta": """
                zcta  | svi | households_without_vehicle
                79901 | 0.4 | 0.2
                79902 | 0.3 | 0.1
                79904 | 0.3 | -
            """,
            "raw.pharmacy_claim": "\n".join(
                ["person_id | dispensing_date | ndc_code | days_supply | dispensing_provider_npi"]
                + [
                    f"{person} | {day} | atorvastatin | {days} | north"
                    for person in ("ann", "bob", "cal", "dee")
                    for day, days in (("2026-01-01", 90), ("2026-04-01", 60))
                ]
            ),
        },
        social_weight=0.25,
        expect="""
            person_id | social | score
            ann       | 0.5333 | 27.1692
            bob       | 0.1333 | 24.7719
            cal       | 1      | 29.9663
            dee       | 0.3    | 25.7710
        """,
    )


@pytest.mark.parametrize(
    ("weight", "ann", "bob", "cal"),
    [
        # (0.4 + 0.2) / 2 and 0; a score of 20 of 25 is 0.8: (0.4 + 0.2 + 0.8) / 3; alone 0.8 or 0.4 / 0.5.
        (0.0, "0.3", "0", "0.3"),
        (1.0, "0.4667", "0.8", "0.3"),
        (0.5, "0.4", "0.8", "0.3"),
    ],
)
def test_a_shortage_area_counts_with_its_weight(story, weight, ann, bob, cal):
    """Deserts 1.4: HPSA is context and need, not a distance. Weight 0.5: (0.4 + 0.2 + 0.5 * 0.8) / 2.5 = 0.4."""
    story(
        given={
            "raw.eligibility": "person_id | phone | zip_code"
            + "".join(f"\n{name} | 5125550100 | 7990{n}" for n, name in enumerate(("ann", "bob", "cal"), start=1)),
            "raw.zcta": """
                zcta  | svi | households_without_vehicle | hpsa_score
                79901 | 0.4 | 0.2                        | 20
                79902 | -   | -                          | 20
                79903 | 0.4 | 0.2                        | -
            """,
            "raw.pharmacy_claim": "\n".join(
                ["person_id | dispensing_date | ndc_code | days_supply | dispensing_provider_npi"]
                + [
                    f"{person} | {day} | atorvastatin | {days} | north"
                    for person in ("ann", "bob", "cal")
                    for day, days in (("2026-01-01", 90), ("2026-04-01", 60))
                ]
            ),
        },
        shortage_weight=weight,
        expect=f"person_id | social\nann | {ann}\nbob | {bob}\ncal | {cal}",
    )


@pytest.mark.parametrize(
    ("phone", "address", "zip_code", "reach"),
    [
        ("(512) 555-0100", "-", "-", "1"),
        ("+1 512.555.0100", "-", "-", "1"),
        ("555-0100", "1 Main St", "79901", "0.5"),
        ("no phone", "1 Main St", "79901", "0.5"),
        ("-", "1 Main St", "79901", "0.5"),
        ("-", "1 Main St", "-", "0"),
        ("-", "-", "79901", "0"),
    ],
)
def test_channel_reach(story, phone, address, zip_code, reach):
    """Interface 3.1: 1 with a usable phone, 0.5 mail only, 0 is not listed (`no_channel`)."""
    score = {"1": "23.973", "0.5": "11.9865", "0": "0"}[reach]
    listed, reason = (0, "no_channel") if reach == "0" else (1, "-")
    story(
        given={
            "raw.eligibility": f"""
                person_id | phone   | address   | zip_code
                ann       | {phone} | {address} | {zip_code}
            """
        },
        expect={
            "outreach.gap": f"""
                status | channel_reach | score   | status_reason
                open   | {reach}       | {score} | {reason}
            """,
            "outreach.worklist": "person_id" + "\nann" * listed,
        },
    )


def test_without_a_phone_column_everyone_can_be_reached(story):
    """Interface 3.1: channel_reach = 1 with no phone column at all."""
    story(
        given={
            "raw.eligibility": "person_id\nann",
            "raw.ingested": """
                source_table | measure       | detail
                eligibility  | absent_column | phone
            """,
        },
        expect="""
            person_id | channel_reach
            ann       | 1
        """,
    )


def test_urgency_is_clamped(story):
    """Interface 3.1: clamp(1 - days_left / window, 0.2, 1). Ann has 311 days left of a window of 94; bob is lost.

    Ann: 270 days of supply to 09-27, last chance day 343, 12-10, as of 02-02. 50 * 0.6 * 0.2 = 6; bob 20 * 0.1 * 1 = 2.
    """
    story(
        as_of="2026-02-02",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply | dispensing_provider_npi
                ann       | 2026-01-01      | atorvastatin | 90          | north
                ann       | 2026-02-01      | atorvastatin | 180         | north
            """
        },
        expect={
            "outreach.gap": """
                person_id | status      | days_left | urgency | score
                ann       | prospective | 311       | 0.2     | 6
            """
        },
    )
    story(
        as_of="2026-12-01",
        given={"raw.pharmacy_claim": LATE},
        expect={
            "outreach.gap": """
                person_id | status | days_left | urgency | score
                ann       | lost   | -111      | 1       | 2
            """
        },
    )


def test_a_gap_without_a_due_date_is_half_urgent(story):
    """Interface 3.1: without a due date 0.5."""
    story(
        given={
            "outreach.ledger": """
                gap_id | person_id | member_key | status | severity | impactability | confidence | due_date
                g1     | ann       | 1          | open   | 40       | 0.5           | 1          | -
            """
        },
        expect={"outreach.scored_gap": "gap_id | days_left | urgency | score\ng1 | - | 0.5 | 10"},
    )


def test_bands(story):
    """Interface 3.1: urgent at score 40 or severity 90, high at 20; both sides of each limit."""
    rows = [
        ("a", "40", "50", "urgent"),
        ("b", "39.9999", "50", "high"),
        ("c", "1", "90", "urgent"),
        ("d", "20", "89.9999", "high"),
        ("e", "19.9999", "50", "routine"),
    ]
    story(
        given={
            "outreach.ledger": "gap_id | person_id | member_key | gap_code\n"
            + "\n".join(f"{gap} | ann | 1 | ADHERENCE_LATE" for gap, *_ in rows),
            "outreach.scored_gap": "gap_id | score | severity\n" + "\n".join(f"{g} | {s} | {v}" for g, s, v, _ in rows),
            "outreach.ranked_gap": "gap_id | pharmacy_npi | list_rank | status_reason\n"
            + "\n".join(f"{row[0]} | north | {i} | -" for i, row in enumerate(rows, start=1)),
        },
        expect="gap_id | priority_band\n" + "\n".join(f"{gap} | {band}" for gap, _, _, band in rows),
    )


# Order and capacity


def test_the_order_of_a_list_is_total(story):
    """Interface 3.1: score descending, due date (nulls last), gap code, person, subject (nulls first), in byte order."""
    story(
        given={
            "outreach.ledger": """
                gap_id | person_id | gap_family | subject     | gap_code       | due_date   | status | member_key
                g1     | ann       | adherence  | pdc_statins | ADHERENCE_LATE | 2026-08-01 | open   | 1
                g2     | ann       | adherence  | -           | ADHERENCE_LATE | 2026-08-01 | open   | 1
                g3     | Zoe       | adherence  | pdc_statins | ADHERENCE_LATE | 2026-08-01 | open   | 1
                g4     | ann       | adherence  | pdc_statins | ADHERENCE_AT_RISK | 2026-08-01 | open | 1
                g5     | zoe       | adherence  | pdc_statins | ZZZ            | 2026-07-31 | open   | 1
                g6     | ann       | adherence  | pdc_ras     | AAA            | -          | open   | 1
                g7     | zoe       | adherence  | pdc_statins | ZZZ            | -          | open   | 1
            """,
            "outreach.scored_gap": """
                gap_id | score   | channel_reach
                g1     | 10      | 1
                g2     | 10      | 1
                g3     | 10      | 1
                g4     | 10      | 1
                g5     | 10      | 1
                g6     | 10      | 1
                g7     | 10.0001 | 1
            """,
            "outreach.attribution": """
                person_id | gap_family | subject     | pharmacy_npi | state
                ann       | adherence  | pdc_statins | north        | TX
                ann       | adherence  | pdc_ras     | north        | TX
                ann       | adherence  | -           | north        | TX
                zoe       | adherence  | pdc_statins | north        | TX
                Zoe       | adherence  | pdc_statins | north        | TX
            """,
            "outreach.contact_block": "member_key\n",
            "outreach.contact_pressure": "member_key\n",
        },
        max_gaps_per_conversation=9,
        expect={
            "outreach.ranked_gap": """
                list_rank | gap_id
                1         | g7
                2         | g5
                3         | g4
                4         | g3
                5         | g2
                6         | g1
                7         | g6
            """
        },
    )


THREE_LATE = """
    person_id | dispensing_date | ndc_code     | days_supply | dispensing_provider_npi
    ann       | 2026-01-01      | atorvastatin | 90          | north
    ann       | 2026-04-01      | atorvastatin | 60          | north
    bob       | 2026-01-01      | atorvastatin | 90          | north
    bob       | 2026-04-01      | atorvastatin | 60          | north
    cal       | 2026-01-01      | atorvastatin | 90          | south
    cal       | 2026-04-01      | atorvastatin | 60          | south
"""
THREE_MEMBERS = """
    person_id | phone
    ann       | 5125550100
    bob       | 5125550100
    cal       | 5125550100
"""


def test_capacity_cuts_each_list_for_itself(story):
    """Interface 3.1: what does not fit has the reason `capacity`; north takes one, south what the settings say."""
    story(
        given={
            "raw.eligibility": THREE_MEMBERS,
            "raw.pharmacy_claim": THREE_LATE,
            "raw.pharmacy": """
                npi   | weekly_capacity
                north | 1
                south | -
            """,
        },
        default_weekly_capacity=1,
        expect={
            "outreach.worklist": """
                pharmacy_npi | list_rank | person_id
                north        | 1         | ann
                south        | 1         | cal
            """,
            "outreach.gap": """
                person_id | status | status_reason
                ann       | open   | -
                bob       | open   | capacity
                cal       | open   | -
            """,
        },
    )


def test_a_pharmacy_that_takes_none(story):
    """A capacity of 0 is a capacity; a blocked member takes no place from anyone."""
    story(
        given={
            "raw.eligibility": THREE_MEMBERS,
            "raw.pharmacy_claim": THREE_LATE,
            "raw.pharmacy": """
                npi   | weekly_capacity
                north | 1
                south | 0
            """,
            "raw.member_preference": """
                person_id | do_not_contact
                ann       | yes
            """,
        },
        expect={
            "outreach.worklist": """
                pharmacy_npi | list_rank | person_id
                north        | 1         | bob
            """,
            "outreach.gap": """
                person_id | status_reason
                ann       | do_not_contact
                bob       | -
                cal       | capacity
            """,
        },
    )


# Whom no list may name (domain rule 6.2)


def test_members_whom_no_list_may_name(story):
    """Deceased, hospice, not enrolled on the as-of date, opted out, institutional resident; both sides of the dates."""
    story(
        given={
            "raw.eligibility": """
                person_id | death_date | enrollment_start_date | enrollment_end_date | hospice_flag | long_term_institutional_flag
                m01       | 2026-06-30 | 2025-01-01            | -                   | -            | -
                m02       | 2026-07-01 | 2025-01-01            | -                   | -            | -
                m03       | -          | 2025-01-01            | 2026-06-29          | -            | -
                m04       | -          | 2025-01-01            | 2026-06-30          | -            | -
                m05       | -          | 2026-07-01            | -                   | -            | -
                m06       | -          | 2025-01-01            | -                   | yes          | -
                m07       | -          | 2025-01-01            | -                   | -            | yes
                m08       | -          | 2025-01-01            | -                   | -            | -
                m09       | -          | 2025-01-01            | -                   | -            | -
                m10       | -          | 2025-01-01            | -                   | -            | -
                m11       | -          | 2025-01-01            | -                   | -            | -
                m12       | -          | 2025-01-01            | -                   | no           | no
            """,
            "raw.member_preference": """
                person_id | do_not_contact | contact_block_reason | consent_until
                m08       | yes            | -                    | -
                m09       | -              | litigation           | -
                m10       | -              | -                    | 2026-06-29
                m11       | -              | -                    | 2026-06-30
                m12       | no             | -                    | -
            """,
        },
        expect={
            "outreach.contact_block": """
                member_key | block_reason
                1          | deceased
                3          | not_enrolled
                5          | not_enrolled
                6          | hospice
                7          | institutional
                8          | do_not_contact
                9          | do_not_contact
                10         | do_not_contact
            """
        },
    )


def test_a_member_who_opted_out_is_on_no_list(story):
    """Interface 3.1: an open gap that is not on a list has a status_reason."""
    story(
        given={"raw.member_preference": "person_id | do_not_contact\nann | yes"},
        expect={
            "outreach.worklist": "",
            "outreach.gap": "person_id | status | status_reason\nann | open | do_not_contact",
        },
    )


# Attribution (domain rule 6.5)


def attributed(npi: str, rule: str, fill_count: str = "-", last_fill_date: str = "-") -> dict[str, str]:
    """Ann's row of `outreach.attribution`."""
    return {
        "outreach.attribution": f"""
            person_id | gap_family | subject     | pharmacy_npi | attribution_rule | fill_count   | last_fill_date
            ann       | adherence  | pdc_statins | {npi}        | {rule}           | {fill_count} | {last_fill_date}
        """
    }


def fills(*rows: str) -> dict[str, str]:
    """Ann's fills: date, drug, days, pharmacy, and where a story names them service type and prescription."""
    header = "dispensing_date | ndc_code | days_supply | dispensing_provider_npi | pharmacy_service_type | rx_number"
    lines = [row + " | -" * (header.count("|") - row.count("|")) for row in rows]
    return {"raw.pharmacy_claim": "person_id | " + header + "".join(f"\nann | {line}" for line in lines)}


def test_the_pharmacy_with_most_fills_of_the_class(story):
    """Rule 3. South dispensed more drugs in all, north more statins."""
    story(
        given=fills(
            "2026-01-20 | atorvastatin | 30 | north",
            "2026-02-20 | atorvastatin | 30 | north",
            "2026-03-20 | atorvastatin | 30 | south",
            "2026-03-21 | metformin    | 30 | south",
            "2026-04-21 | metformin    | 30 | south",
        )
        | {"outreach.ledger": "person_id | member_key | gap_family | subject\nann | 1 | adherence | pdc_statins"},
        expect=attributed("north", "most_class_fills", "2", "2026-02-20"),
    )


def test_the_preferred_pharmacy_comes_first(story):
    """Rule 1, before any fill; a preferred pharmacy that has closed by the as-of date does not count."""
    preferred = {"raw.member_preference": "person_id | preferred_pharmacy_npi\nann | south"}
    story(given=preferred, expect=attributed("south", "preferred"))
    for closed, npi in (("2026-06-30", "north"), ("2026-07-01", "south")):
        story(
            given=preferred
            | {
                "raw.pharmacy": f"""
                    npi   | closed_date
                    north | -
                    south | {closed}
                """
            },
            expect=attributed("north", "most_class_fills", "1", "2026-04-01")
            if npi == "north"
            else attributed("south", "preferred"),
        )


def test_the_recent_window_ends_on_the_as_of_date(story):
    """Rule 3: 180 days, the as-of date included (intervals are closed): 01-02 to 06-30. 01-01 is the day before."""
    for day, count in (("2026-01-01", "1"), ("2026-01-02", "2")):
        story(
            given=fills(f"{day} | atorvastatin | 90 | north", "2026-04-02 | atorvastatin | 58 | north"),
            expect=attributed("north", "most_class_fills", count, "2026-04-02"),
        )


def test_ties_go_to_the_latest_fill_then_days_supply_then_the_lowest_ncpdp_id(story):
    """Rule 6.5, tie-break. North's NCPDP id is 300, south's 200, west's 100."""
    story(
        given=fills("2026-03-01 | atorvastatin | 30 | north", "2026-04-01 | atorvastatin | 30 | south"),
        expect=attributed("south", "most_class_fills", "1", "2026-04-01"),
    )
    story(
        given=fills("2026-04-01 | atorvastatin | 31 | north", "2026-04-01 | rosuvastatin | 30 | south"),
        expect=attributed("north", "most_class_fills", "1", "2026-04-01"),
    )
    story(
        given=fills(
            "2026-04-01 | atorvastatin | 30 | north",
            "2026-04-01 | rosuvastatin | 30 | south",
            "2026-04-01 | ezetimibe-simvastatin | 30 | west",
        ),
        expect=attributed("west", "most_class_fills", "1", "2026-04-01"),
    )


def test_a_prescription_counts_once_a_day(story):
    """Rule 6.5: unique (rx_number, fill_date). North's two claims are one prescription, south's are two."""
    story(
        given=fills(
            "2026-04-01 | atorvastatin | 30 | north | - | 7",
            "2026-04-01 | atorvastatin | 30 | north | - | 7",
            "2026-03-31 | atorvastatin | 30 | south | - | 8",
            "2026-03-31 | rosuvastatin | 30 | south | - | 9",
        ),
        expect=attributed("south", "most_class_fills", "2", "2026-03-31"),
    )


def test_an_npi_that_fails_its_check_digit_gets_no_list(story):
    """Interface 2.1: it never becomes a file name, so that no list can reach the pharmacy."""
    story(
        given=fills(
            "2026-03-01 | atorvastatin | 30 | north",
            "2026-04-01 | atorvastatin | 30 | north",
            "2026-04-01 | rosuvastatin | 30 | south",
        )
        | {"core.npi": "npi | is_valid\nnorth | no\nsouth | yes"},
        expect=attributed("south", "most_class_fills", "1", "2026-04-01"),
    )


def test_mail_order_attributes_nobody(story):
    """Rule 6.5: neither a mail-order pharmacy nor a fill that was mailed; the next rule decides."""
    story(
        given=fills(
            "2026-01-01 | atorvastatin | 30 | mail",
            "2026-02-01 | atorvastatin | 30 | north | mail",
            "2026-02-01 | ezetimibe    | 30 | south",
        ),
        expect=attributed("south", "most_fills", "1", "2026-02-01"),
    )


def test_vaccine_fills_attribute_nobody(story):
    """Rule 6.5: one-off vaccine pharmacies are a known mis-attribution."""
    story(
        given=fills(
            "2026-01-01 | atorvastatin | 30 | mail",
            "2026-02-01 | atorvastatin | 30 | mail",
            "2026-03-01 | flu-shot     | 1  | north",
            "2026-03-02 | flu-shot     | 1  | north",
            "2026-02-01 | ezetimibe    | 30 | south",
        )
        | {
            "raw.drug": """
                ndc_code     | ingredients       | product_class
                atorvastatin | atorvastatin      | -
                ezetimibe    | ezetimibe         | -
                flu-shot     | influenza vaccine | vaccine
            """
        },
        expect=attributed("south", "most_fills", "1", "2026-02-01"),
    )


def test_the_latest_fill_within_a_year(story):
    """Rule 5: no fill in 180 days; the latest in 365 decides, however many are elsewhere."""
    story(
        as_of="2026-09-30",
        given=fills(
            "2026-01-01 | atorvastatin | 90 | mail",
            "2026-04-01 | atorvastatin | 90 | mail",
            "2025-11-01 | ezetimibe    | 30 | north",
            "2025-12-01 | ezetimibe    | 30 | north",
            "2026-01-02 | ezetimibe    | 30 | south",
        ),
        expect=attributed("south", "latest_fill", "1", "2026-01-02"),
    )


def test_the_nearest_open_network_pharmacy_of_the_zip(story):
    """Rule 6: nothing dispensed within a year by a pharmacy that can be listed; an offer, flagged as such."""
    story(
        as_of="2026-06-30",
        given=fills("2026-01-01 | atorvastatin | 90 | mail", "2026-04-01 | atorvastatin | 60 | mail")
        | {
            "raw.zcta": """
                zcta  | latitude | longitude
                79901 | 31.76    | -106.48
            """,
            "raw.pharmacy": """
                npi    | zip_code | latitude | longitude | in_network | closed_date | taxonomy_code
                near   | 79901    | 31.77    | -106.48   | -          | -           | -
                nearer | 79901    | 31.761   | -106.48   | no         | -           | -
                shut   | 79901    | 31.761   | -106.48   | -          | 2026-01-01  | -
                far    | 79901    | 31.78    | -106.48   | yes        | -           | -
                other  | 79902    | 31.76    | -106.48   | -          | -           | -
                mail   | 79901    | 31.76    | -106.48   | -          | -           | 3336M0002X
            """,
        },
        expect=attributed("near", "assigned_by_distance"),
    )


def test_fills_of_the_class_before_the_new_year_count(story):
    """Rule 3: most paid fills of the class in 180 days; as of 31 March that reaches back to October."""
    story(
        as_of="2026-03-31",
        given=fills(
            "2025-11-01 | atorvastatin | 30 | north",
            "2025-12-01 | atorvastatin | 30 | north",
            "2026-01-05 | atorvastatin | 30 | north",
            "2026-02-05 | atorvastatin | 30 | south",
        ),
        expect=attributed("north", "most_class_fills", "3", "2026-01-05"),
    )


def test_without_a_pharmacy_the_gap_says_so(story):
    """Interface section 2: no pharmacy table, or no dispensing NPI, is `no_pharmacy`; a closed one `no_open_pharmacy`."""
    for pharmacy, reason in (
        ("npi", "no_pharmacy"),
        ("npi | zip_code | closed_date\nnorth | 78701 | 2026-06-30", "no_open_pharmacy"),
    ):
        story(
            given={"raw.pharmacy": pharmacy},
            expect={
                "outreach.worklist": "",
                "outreach.gap": f"person_id | status | status_reason\nann | open | {reason}",
            },
        )
    story(
        given=fills("2026-01-01 | atorvastatin | 90 | -", "2026-04-01 | atorvastatin | 60 | -"),
        expect={"outreach.worklist": "", "outreach.gap": "person_id | status_reason\nann | no_pharmacy"},
    )


# Contact columns


def test_a_pharmacy_sees_the_drugs_that_it_dispensed(story):
    """Domain rule 6.2: ann's list goes to south, which she prefers and which dispensed one of her statins."""
    story(
        given={
            "raw.eligibility": """
                person_id | phone      | first_name | last_name | address   | zip_code
                ann       | 5125550100 | Ann        | Lee       | 1 Main St | 79901
                bob       | 5125550101 | Bob        | Ray       | -         | -
            """,
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply | dispensing_provider_npi | rx_number
                ann       | 2026-01-01      | rosuvastatin | 90          | south                   | 7
                ann       | 2026-04-01      | atorvastatin | 60          | north                   | 8
                bob       | 2026-01-01      | rosuvastatin | 90          | north                   | 9
                bob       | 2026-04-01      | atorvastatin | 60          | north                   | 10
            """,
            "raw.member_preference": """
                person_id | preferred_pharmacy_npi | restricted_channels | best_contact_time
                ann       | south                  | sms;phone           | mornings
                bob       | west                   | mail                | -
            """,
        },
        expect={
            "outreach.contact": """
                pharmacy_npi | first_name | phone      | best_contact_time | related_drug | rx_number | last_fill_date
                south        | Ann        | -          | mornings          | rosuvastatin | 7         | 2026-01-01
                west         | Bob        | 5125550101 | -                 | -            | -         | -
            """
        },
    )


def test_contact_attempts_of_ninety_days(story):
    """Interface 3.1: contact_attempts_90d. Bob was tried once, though two gaps were meant."""
    story(
        given={
            "raw.eligibility": THREE_MEMBERS,
            "raw.pharmacy_claim": THREE_LATE,
            "raw.outreach_outcome": """
                person_id | gap_code          | attempted_at
                ann       | ADHERENCE_AT_RISK | 2026-06-23 23:59:00
                ann       | ADHERENCE_AT_RISK | 2026-04-02 00:00:00
                ann       | ADHERENCE_AT_RISK | 2026-04-01 23:59:00
                ann       | ADHERENCE_AT_RISK | 2026-07-01 00:00:00
                bob       | ADHERENCE_AT_RISK | 2026-06-01 10:00:00
                bob       | ADHERENCE_LATE    | 2026-06-01 10:00:00
            """,
        },
        expect={
            "outreach.contact": """
                phone      | contact_attempts_90d
                5125550100 | 2
                5125550100 | 1
                5125550100 | 0
            """
        },
    )


def test_the_language_of_a_call(story):
    """The member's stated preference before what eligibility says."""
    story(
        given={
            "raw.eligibility": THREE_MEMBERS.replace("phone", "phone | language").replace("0100", "0100 | es"),
            "raw.pharmacy_claim": THREE_LATE,
            "raw.member_preference": """
                person_id | language
                ann       | vi
                bob       | -
            """,
        },
        expect="""
            person_id | language
            ann       | vi
            bob       | es
            cal       | es
        """,
    )


# Rates


def test_rates_by_level(story):
    """Interface section 3: adherent over eligible members; a member counts where most class fills were dispensed."""
    story(
        given={
            "raw.eligibility": """
                person_id | payer | plan | state | hospice_flag
                ann       | acme  | gold | TX    | -
                bob       | acme  | -    | OK    | -
                cal       | acme  | gold | TX    | yes
            """,
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply | dispensing_provider_npi
                ann       | 2026-01-01      | atorvastatin | 90          | north
                ann       | 2026-04-01      | atorvastatin | 90          | north
                bob       | 2026-01-01      | atorvastatin | 30          | north
                bob       | 2026-03-01      | atorvastatin | 30          | south
                cal       | 2026-01-01      | atorvastatin | 90          | north
                cal       | 2026-04-01      | atorvastatin | 90          | north
            """,
        },
        expect={
            "outreach.measure_rate": """
                measure_id  | level    | level_value | numerator | denominator | rate
                pdc_statins | all      | all         | 1         | 2           | 0.5
                pdc_statins | payer    | acme        | 1         | 2           | 0.5
                pdc_statins | plan     | gold        | 1         | 1           | 1
                pdc_statins | state    | TX          | 1         | 1           | 1
                pdc_statins | state    | OK          | 0         | 1           | 0
                pdc_statins | pharmacy | north       | 1         | 1           | 1
                pdc_statins | pharmacy | south       | 0         | 1           | 0
            """
        },
    )


def test_plans_of_one_name_at_two_payers_are_two(story):
    """Interface section 3: a plan is one of its payer. GOLD of acme and GOLD of best are told apart, in every measure.

    SILVER is of one payer alone, whose name cal's row leaves out. Whether dan's GOLD is acme's or best's nobody knows.
    """
    fills = {"ann": 90, "bob": 30, "cal": 90, "dan": 90, "eve": 90}
    story(
        given={
            "raw.eligibility": """
                person_id | payer | plan
                ann       | acme  | GOLD
                bob       | best  | GOLD
                cal       | -     | SILVER
                dan       | -     | GOLD
                eve       | acme  | SILVER
            """,
            "raw.pharmacy_claim": rows(
                "person_id | dispensing_date | ndc_code | days_supply | dispensing_provider_npi",
                *(
                    f"{name} | {day} | atorvastatin | {days} | north"
                    for name, days in fills.items()
                    for day in ("2026-01-01", "2026-04-01")
                ),
                *(f"ann | {day} | lisinopril | 90 | north" for day in ("2026-01-01", "2026-04-01")),
            ),
        },
        expect={
            "outreach.measure_rate": """
                measure_id  | level    | level_value | numerator | denominator | rate
                pdc_statins | all      | all         | 4         | 5           | 0.8
                pdc_statins | payer    | acme        | 2         | 2           | 1
                pdc_statins | payer    | best        | 0         | 1           | 0
                pdc_statins | plan     | acme: GOLD  | 1         | 1           | 1
                pdc_statins | plan     | best: GOLD  | 0         | 1           | 0
                pdc_statins | plan     | SILVER      | 2         | 2           | 1
                pdc_statins | pharmacy | north       | 4         | 5           | 0.8
                pdc_ras     | all      | all         | 1         | 1           | 1
                pdc_ras     | payer    | acme        | 1         | 1           | 1
                pdc_ras     | plan     | acme: GOLD  | 1         | 1           | 1
                pdc_ras     | pharmacy | north       | 1         | 1           | 1
            """
        },
    )


def test_rates_are_kept_night_by_night(story):
    """Interface 3: each of the last 35 days, of earlier months the last night, for two years; a night has its own rate once.

    34 days before 30 June is 27 May; 730 days before it is 30 June 2024.
    """
    nights = (
        "2024-05-31",
        "2024-06-30",
        "2026-04-10",
        "2026-04-28",
        "2026-05-26",
        "2026-05-27",
        "2026-06-29",
        "2026-06-30",
    )
    earlier = "".join(f"\npdc_ras | all | all | {night} | 1 | 4 | 0.25" for night in nights)
    header = "measure_id | level | level_value | as_of | numerator | denominator | rate"
    story(
        model="outreach.measure_rate_history",
        as_of="2026-06-30",
        given={
            "raw.state_measure_rate": header + earlier,
            "outreach.measure_rate": f"{header}\npdc_ras | all | all | 2026-06-30 | 2 | 4 | 0.5",
        },
        expect="""
            as_of      | numerator | rate
            2024-06-30 | 1         | 0.25
            2026-04-28 | 1         | 0.25
            2026-05-27 | 1         | 0.25
            2026-06-29 | 1         | 0.25
            2026-06-30 | 2         | 0.5
        """,
    )
