"""Medicines to review in a pregnancy, told as stories: maternal 2.3, 1.6 (step 7) and 1.8; edge case 18.

A fill of d days on day f is on hand from f through f + d - 1. One line is one member; the shorthand is that of
`maternity.py`. Tonight is Tuesday 2026-06-30, and the first evidence of each pregnancy was on day 60.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import pytest

from assets.engine.maternal_registry import read_pregnancy
from assets.engine.registry import value_set_rows
from tests.stories import maternity
from tests.story import Story

MODEL = "gaps.medication_review"
AS_OF = "2026-06-30"


@pytest.fixture
def mothers(teller: Story) -> Callable[..., None]:
    """Tell a table of members: `mothers(table, model, which rows, as_of)`; see `maternity.py`."""
    return partial(maternity.tell, teller)


def of_the_subject(case: maternity.Case) -> str:
    """The rows of the case's medicine."""
    return f"subject = '{(case['subject'] or '').replace('_', ' ')}'"


# The three urgencies. Today is today; soon is two business days after fill and pregnancy are known; info has no day.
URGENCIES = """
    subject              | at   | tier | events                      | row
    isotretinoin         | g100 | A    | t-9 rx:isotretinoin/30      | open code=MED_REVIEW_TODAY start=t-9 end=g287 due=t0 severity=none confidence=1 sensitive=no says=Contact_the_prescriber_today_to_review_isotretinoin
    mycophenolate_mofetil | g100 | A   | t-9 rx:mofetil/30           | open code=MED_REVIEW_TODAY
    valproate_sodium     | g100 | A    | t-9 rx:valproate/30         | open code=MED_REVIEW_TODAY
    testosterone         | g100 | A    | t-9 rx:testosterone-gel/30  | open code=MED_REVIEW_TODAY
    lisinopril           | g100 | A    | t-9 rx:lisinopril/30        | open code=MED_REVIEW_SOON due=t0 says=Review_lisinopril_with_the_prescriber
    lisinopril           | g100 | A    | t-9 rx:lisinopril-hctz/30   | open code=MED_REVIEW_SOON
    lithium_carbonate    | g100 | A    | t-9 rx:lithium/30           | open code=MED_REVIEW_SOON
    methadone            | g100 | A    | t-9 rx:methadone/30         | open code=MED_REVIEW_SOON
    buprenorphine        | g100 | A    | t-9 rx:bup-patch/28         | open code=MED_REVIEW_SOON
    buprenorphine        | g100 | A    | t-9 rx:buprenorphine/28     | -
    atorvastatin         | g100 | A    | t-9 rx:atorvastatin/30      | open code=MED_REVIEW_INFO due=none confidence=1
    metformin            | g100 | A    | t-9 rx:metformin/30         | -
    dolutegravir         | g100 | A    | t-9 rx:dolutegravir/30      | -
    lamotrigine          | g100 | A    | t-9 rx:lamotrigine/30       | -
    aspirin              | g200 | A    | t-9 rx:aspirin-81/30        | -
    lisinopril           | g100 | A    | -                           | -
"""

# A day on hand from the LMP to the expected date (280): g-30 to g-1 is none, g-30 to g0 is one.
OVERLAP = """
    subject    | at   | tier | events                                          | row
    lisinopril | g100 | A    | g-30 rx:lisinopril/30                           | -
    lisinopril | g100 | A    | g-30 rx:lisinopril/31                           | open start=g-30
    lisinopril | g100 | A    | g0 rx:lisinopril/                               | open
    lisinopril | g100 | A    | g-1 rx:lisinopril/                              | -
    lisinopril | g100 | A    | g-9 rx:lisinopril/30; t-3 rx:lisinopril/30      | open start=t-3
    lisinopril | g287 | A    | g280 rx:lisinopril/30                           | open
    lisinopril | g287 | A    | g281 rx:lisinopril/30                           | -
    lisinopril | p10  | -    | g200 rx:lisinopril/30                           | -
"""

# First trimester to 13w6d (97), second from 14w0d (98), 20w0d (140).
CONDITIONS = """
    subject      | at   | tier | events                                       | row
    methimazole  | g97  | A    | t0 rx:methimazole/30                         | open code=MED_REVIEW_SOON
    methimazole  | g98  | A    | t-1 rx:methimazole/30                        | -
    trimethoprim | g97  | A    | t-9 rx:cotrimoxazole/10                      | open
    trimethoprim | g98  | A    | t-9 rx:cotrimoxazole/10                      | -
    doxycycline  | g97  | A    | t-1 rx:doxycycline/30                        | -
    doxycycline  | g98  | A    | t-1 rx:doxycycline/30                        | open
    doxycycline  | g120 | A    | g90 rx:doxycycline/8                         | -
    doxycycline  | g120 | A    | g90 rx:doxycycline/9                         | open
    minocycline  | g120 | A    | t-9 rx:minocycline-foam/30                   | -
    ibuprofen    | g139 | A    | t-1 rx:ibuprofen/30                          | -
    ibuprofen    | g140 | A    | t-1 rx:ibuprofen/30                          | open
    ibuprofen    | g160 | A    | g130 rx:ibuprofen/10                         | -
    ibuprofen    | g160 | A    | g130 rx:ibuprofen/11                         | open
    diclofenac   | g160 | A    | t-9 rx:diclofenac-gel/30                     | -
    ketorolac    | g160 | A    | t-9 rx:ketorolac-drops/30                    | -
    # One tablet of fluconazole is no repeated use: two are, or one fill of several days.
    fluconazole  | g100 | A    | t-9 rx:fluconazole/1/1                       | -
    fluconazole  | g100 | A    | t-9 rx:fluconazole/7/1                       | -
    fluconazole  | g100 | A    | t-20 rx:fluconazole/1/1; t-9 rx:fluconazole/1/1 | open
    fluconazole  | g100 | A    | g-1 rx:fluconazole/1/1; t-9 rx:fluconazole/1/1 | -
    fluconazole  | g100 | A    | t-9 rx:fluconazole/7/7                       | open
    # Warfarin with a mechanical valve is the specialist's.
    warfarin     | g100 | A    | t-9 rx:warfarin/30                           | open code=MED_REVIEW_TODAY
    warfarin     | g100 | A    | t-9 rx:warfarin/30; g-900 dx:Z952            | -
    warfarin     | g100 | A    | t-9 rx:warfarin/30; g-900 denied dx:Z952     | open
    warfarin     | g100 | A    | t-9 rx:warfarin/30; g-900 dx:Z953            | open
"""

# Any tier but X, and no stale evidence; in tier C under public names and without the medicine.
TIERS = """
    subject      | at   | tier | events                                              | row
    isotretinoin | g100 | B    | t-9 rx:isotretinoin/30                              | open confidence=0.7 sensitive=no
    isotretinoin | g100 | C    | t-9 rx:isotretinoin/30                              | open confidence=0.4 sensitive=yes says=Review_the_current_medicines_with_the_prescriber.
    isotretinoin | g100 | X    | t-9 rx:isotretinoin/30                              | -
    isotretinoin | g100 | A    | t-9 rx:isotretinoin/30; preg:status=stale           | -
    isotretinoin | g290 | A    | t-30 rx:isotretinoin/30; preg:status=overdue        | -
    isotretinoin | g100 | A    | t-9 rx:isotretinoin/30; preg:status=suppressed      | -
    isotretinoin | g100 | A    | t-9 rx:isotretinoin/30; preg:status=outcome_unknown | -
    isotretinoin | g100 | A    | t-9 rx:isotretinoin/30; preg:referral_reason=minor  | -
    isotretinoin | g100 | A    | t-9 rx:isotretinoin/30; t-2 stay                    | -
    isotretinoin | g100 | A    | t-9 rx:isotretinoin/30; t-2 stay:t-1                | open
    isotretinoin | g100 | A    | t-9 rx:isotretinoin/30; who:enrollment_end_date=t-1 | -
    isotretinoin | g100 | A    | t-9 rx:isotretinoin/30; who:death_date=t0           | -
    # A severe condition is the clinicians', and the review still the pharmacist's.
    isotretinoin | g100 | A    | t-9 rx:isotretinoin/30; t-3 dx:O1412                | open
"""

# The prescriber's answer about the same medicine holds for 90 days; a word to the member is no answer.
ANSWERS = """
    subject    | at   | tier | events                                                                         | row
    lisinopril | g200 | A    | t-9 rx:lisinopril/30; t-90 said:MED_REVIEW_SOON/lisinopril=PRESCRIBER_ACCEPTED | documented
    lisinopril | g200 | A    | t-9 rx:lisinopril/30; t-91 said:MED_REVIEW_SOON/lisinopril=PRESCRIBER_ACCEPTED | open
    lisinopril | g200 | A    | t-9 rx:lisinopril/30; t0 said:MED_REVIEW_SOON/lisinopril=PRESCRIBER_REJECTED   | documented
    lisinopril | g200 | A    | t-9 rx:lisinopril/30; t-9 said:MED_REVIEW_SOON/lisinopril=PRESCRIBER_CONTACTED | open
    lisinopril | g200 | A    | t-9 rx:lisinopril/30; t-9 said:MED_REVIEW_SOON/lisinopril=REACHED_COMPLETED    | open
    lisinopril | g200 | A    | t-9 rx:lisinopril/30; t-9 said:MED_REVIEW_SOON/atenolol=PRESCRIBER_ACCEPTED    | open
"""

TABLES = {
    "urgencies": URGENCIES, "overlap": OVERLAP, "conditions": CONDITIONS, "tiers": TIERS, "answers": ANSWERS,
}  # fmt: skip


@pytest.mark.parametrize("text", TABLES.values(), ids=TABLES)
def test_review(mothers, text):
    """Which medicine, how soon, on hand when, in which tier, until what answer."""
    mothers(text, MODEL, of_the_subject, AS_OF)


@pytest.mark.parametrize(
    ("as_of", "due"),
    [
        ("2026-06-29", "2026-07-01"),  # Monday: Wednesday
        ("2026-06-30", "2026-07-02"),
        ("2026-07-01", "2026-07-03"),
        ("2026-07-02", "2026-07-06"),  # Thursday: Monday
        ("2026-07-03", "2026-07-07"),  # Friday: Tuesday
        ("2026-07-04", "2026-07-07"),
        ("2026-07-05", "2026-07-07"),
    ],
)
def test_soon_is_two_business_days(mothers, as_of, due):
    """Maternal 2.3: counted from when both the fill and the pregnancy are known, and never before tonight."""
    text = f"""
        subject    | at   | tier | events                                                | row
        lisinopril | g100 | A    | t0 rx:lisinopril/30                                   | open due={due}
        lisinopril | g100 | A    | t-20 rx:lisinopril/30; preg:first_evidence_date=t0    | open due={due}
        lisinopril | g100 | A    | t-20 rx:lisinopril/30                                 | open due={as_of}
    """
    mothers(text, MODEL, of_the_subject, as_of)


def test_a_closed_gate_keeps_reviews_back(mothers):
    """Maternal 1.7, L9."""
    text = "subject | at | tier | events | row\n isotretinoin | g100 | A | t-9 rx:isotretinoin/30 | -"
    gate = "missing_value_sets | closed_reason\n0 | medical_feed_stale"
    mothers(text, MODEL, of_the_subject, AS_OF, gate=gate)


# An outcome sheet names the gap by its id, and shows public codes only: what the id stands for decides.
SENT = """
    gap_id | person_id | gap_code         | subject
    g1     | m001      | MED_REVIEW_TODAY | isotretinoin
    g2     | m001      | NALOXONE_COPREG  | episode 1
"""
RETURNED = """
    gap_id | gap_code      | outcome_code        | attempted_at
    g1     | REFILL_REVIEW | PRESCRIBER_ACCEPTED | 2026-06-29 10:00:00
    g2     | SAFETY_KIT    | REACHED_COMPLETED   | 2026-06-29 10:00:00
"""


def test_an_answer_under_a_public_code_counts_for_what_was_sent(mothers):
    """Interface 3.1: the list of tier C says neither code nor medicine, so that a returned sheet cannot either."""
    more = {"raw.state_gap": SENT, "raw.outreach_outcome": RETURNED}
    text = "subject | at | tier | events | row\n isotretinoin | g100 | C | t-9 rx:isotretinoin/30 | documented"
    mothers(text, MODEL, of_the_subject, AS_OF, more=more)
    text = "at | tier | events | row\n g100 | C | t-9 rx:methadone/30 | documented"
    mothers(text, "gaps.prenatal_supply", lambda case: "gap_code = 'NALOXONE_COPREG'", AS_OF, more=more)


def test_no_medicine_has_two_urgencies():
    """One row per member and medicine: no ingredient is on two lists, whatever its range of names."""
    spans = [
        (row[1], row[2] or row[1], row[8])
        for review in read_pregnancy().review
        for row in value_set_rows(review.value_set, None)
    ]
    spans.sort(key=lambda span: span[:2])
    assert [(one, two) for one, two in pairwise(spans) if two[0] <= one[1] and one[2] == two[2]] == []


# Gaps that would ask for a refill are held meanwhile ------------------------------------------------------------------

ANN = """
    person_id | birth_date | gender | enrollment_start_date | phone        | zip_code
    ann       | 1985-03-01 | female | 2018-01-01            | 512-555-0100 | 79901
"""
GIVEN = {
    "raw.drug": maternity.FORMULARY + "ozempic | semaglutide | Ozempic | - | - | - | - | -",
    "raw.eligibility": ANN,
    "facts.maternal_gate": "missing_value_sets\n0",
    "facts.suppression": "",
    "facts.pregnancy_evidence": "",
}


def pregnant(status: str = "current", tier: str = "A") -> str:
    """Ann, on day 100 tonight: the LMP was on 2026-03-22."""
    return f"""
        member_key | status   | tier   | lmp_date   | gestational_age_days | first_evidence_date | last_evidence_date
        1          | {status} | {tier} | 2026-03-22 | 100                  | 2026-05-20          | 2026-06-20
    """


def filled(*fills: str) -> str:
    """Ann's fills, `date drug days`."""
    header = "person_id | dispensing_date | ndc_code | days_supply | dispensing_provider_npi\n"
    return header + "\n".join("ann | " + " | ".join(fill.split()) + " | north" for fill in fills)


# The year before the LMP of 2026-03-22 begins on 2025-03-22.
HELD = {
    "a medicine to review holds its measure": ("current", "A", "2026-06-01 lisinopril 30", ("pdc_ras", "supd")),
    "in tier C": ("current", "C", "2026-06-01 lisinopril 30", ("pdc_ras", "supd")),
    "in doubt": ("current", "X", "2026-06-01 lisinopril 30", ("pdc_ras", "supd")),
    "on stale evidence": ("stale", "A", "2026-06-01 lisinopril 30", ("pdc_ras", "supd")),
    "overdue": ("overdue", "A", "2026-06-01 lisinopril 30", ("pdc_ras", "supd")),
    "a statin": ("current", "A", "2026-06-01 atorvastatin 30", ("pdc_statins", "supd")),
    "one diabetes medicine of several": ("current", "A", "2026-06-01 ozempic 28", ("pdc_diabetes", "supd")),
    "a medicine that is not reviewed": ("current", "A", "2026-06-01 metformin 30", ("supd",)),
    "over before the pregnancy": ("current", "A", "2025-03-22 lisinopril 30", ("pdc_ras", "supd")),
    "long over": ("current", "A", "2025-03-21 lisinopril 30", ("supd",)),
    "after a birth": ("ended", "-", "2026-06-01 lisinopril 30", ()),
    "after a loss": ("suppressed", "-", "2026-06-01 lisinopril 30", ()),
    "when nobody knows": ("outcome_unknown", "-", "2026-06-01 lisinopril 30", ()),
}


@pytest.mark.parametrize(("status", "tier", "fill", "subjects"), HELD.values(), ids=HELD)
def test_held_subjects(story, status, tier, fill, subjects):
    """No refill of a medicine under review is called for, whether or not a review is asked for tonight."""
    story(
        model="facts.held_subject",
        given={"facts.pregnancy": pregnant(status, tier), "raw.pharmacy_claim": filled(fill)},
        expect="member_key | subject\n" + "\n".join(f"1 | {subject}" for subject in subjects),
    )


# Lisinopril from 1 January through 30 April: late tonight, and still to be saved this year.
LATE = ("2026-01-01 lisinopril 90", "2026-04-01 lisinopril 30")


def test_a_late_refill_becomes_a_review(story):
    """Issue 4, point 4: the adherence gap is `suppressed`, its reason is `clinical_review`, and the review is open."""
    story(
        given={
            "facts.pregnancy": pregnant(),
            "raw.pharmacy_claim": filled(*LATE),
            "gaps.prenatal_supply": "",
        },
        expect={
            "outreach.gap": """
                gap_code        | subject    | status     | status_reason
                ADHERENCE_LATE  | pdc_ras    | suppressed | clinical_review
                MED_REVIEW_SOON | lisinopril | open       | no_pharmacy
            """,
        },
    )


def test_the_prescribers_answer_does_not_bring_the_refill_call_back(story):
    """The review is over for 90 days; whoever changed the medicine must not be called about a refill of the old one."""
    story(
        given={
            "facts.pregnancy": pregnant(),
            "raw.pharmacy_claim": filled(*LATE),
            "raw.outreach_outcome": """
                person_id | gap_code        | subject    | outcome_code        | attempted_at
                ann       | MED_REVIEW_SOON | lisinopril | PRESCRIBER_ACCEPTED | 2026-06-29 10:00:00
            """,
            "gaps.prenatal_supply": "",
        },
        expect={
            "outreach.gap": """
                gap_code       | subject | status     | status_reason
                ADHERENCE_LATE | pdc_ras | suppressed | clinical_review
            """,
        },
    )


def test_a_statin_gap_of_a_pregnant_member_is_held(story):
    """Edge case 18: diabetes and no statin; nobody asks for one while she is pregnant. Her statin would be reviewed."""
    metformin = ("2026-01-10 metformin 90", "2026-04-10 metformin 90")
    statin = "gap_code | subject | status | status_reason\nSUPD | supd | {} | {}"
    review = "gap_code | subject | status\nMED_REVIEW_INFO | atorvastatin | open"
    for status, row in {"current": ("suppressed", "clinical_review"), "ended": ("open", "no_pharmacy")}.items():
        story(
            given={
                "facts.pregnancy": pregnant(status),
                "raw.pharmacy_claim": filled(*metformin),
                "gaps.prenatal_supply": "",
                "gaps.adherence": "",
            },
            expect={"outreach.gap": statin.format(*row)},
        )
    story(
        given={
            "facts.pregnancy": pregnant(),
            "raw.pharmacy_claim": filled(*metformin, "2026-06-01 atorvastatin 30"),
            "gaps.prenatal_supply": "",
        },
        expect={"gaps.medication_review": review, "gaps.diabetes": "gap_code | subject"},
    )


def test_tier_c_is_on_the_list_under_public_names(story):
    """Interface 3.1: a kit, a review and a check-in, without medicine, episode or code; they expire in two days."""
    story(
        given={
            "facts.pregnancy": pregnant(tier="C"),
            "raw.pharmacy_claim": filled("2026-06-20 buprenorphine 14", "2026-06-20 isotretinoin 30"),
            "raw.pharmacy": "npi | state | zip_code | taxonomy_code\nnorth | TX | 78701 | 3336C0003X",
            "core.npi": "npi | is_valid\nnorth | yes",
        },
        expect={
            "outreach.worklist": """
                gap_code      | gap_family        | subject | queue             | action                        | reason                                                                    | expires_date
                REFILL_REVIEW | medication_review | -       | medication_review | Contact the prescriber today  | Review the current medicines with the prescriber.                         | 2026-07-02
                SAFETY_KIT    | medication_review | -       | routine           | Offer a safety kit            | Offer a safety kit and show how it is used.                               | 2026-07-02
                CHECK_IN      | medication_review | -       | routine           | Check in                      | Check in: ask whether there is anything that the pharmacy can help with.  | 2026-07-02
            """,
        },
    )


def test_tier_a_is_on_the_list_under_its_own_codes(story):
    """The pharmacist sees the medicine, and never that to stop it was meant; the safety kit stays a kit."""
    story(
        given={
            "facts.pregnancy": pregnant(tier="A"),
            "raw.pharmacy_claim": filled("2026-06-20 methadone 14"),
            "raw.pharmacy": "npi | state | zip_code | taxonomy_code\nnorth | TX | 78701 | 3336C0003X",
            "core.npi": "npi | is_valid\nnorth | yes",
        },
        expect={
            "outreach.worklist": """
                gap_code        | subject   | queue             | reason
                MED_REVIEW_SOON | methadone | medication_review | Review methadone with the prescriber, last filled on 2026-06-20. Give no advice to change it before that.
                SAFETY_KIT      | -         | routine           | Offer a safety kit and show how it is used.
                PNV_NONE        | episode 1 | routine           | Paid claims show no prenatal vitamin at hand. Many people buy one without a claim: ask, and offer one.
                PRENATAL_VISIT  | episode 1 | routine           | No paid claim for a prenatal visit yet, best made by 2026-07-04. Visits are often billed at the end: ask, and help to find a clinic.
            """,
        },
    )
