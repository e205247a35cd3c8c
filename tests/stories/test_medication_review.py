"""Medicines on hand together (COB, POLY_ACH), told as stories: rules 2.

Days are counted by hand: a fill of d days on day f is on hand from f through f + d - 1, never moved; a day counts when
enough different medicines are on hand, once. Measurement year 2026; members are born in 1950 unless a story says so.
"""

from __future__ import annotations

import pytest

MODEL = "gaps.medication_review"
AS_OF = "2026-12-31"
FACT = "facts.concurrent_use"

FORMULARY = """
    ndc_code           | ingredients                              | brand_name | route         | dose_form
    oxycodone          | acetaminophen;oxycodone                  | -          | oral          | tablet
    tramadol           | tramadol                                 | -          | -             | -
    fentanyl           | fentanyl                                 | -          | transdermal   | patch
    morphine-shot      | morphine                                 | -          | intravenous   | solution
    bup-patch          | buprenorphine                            | -          | transdermal   | system
    belbuca            | buprenorphine                            | Belbuca    | buccal        | film
    butrans            | buprenorphine                            | Butrans    | -             | -
    bup-tablet         | buprenorphine                            | -          | sublingual    | tablet
    bup-unknown        | buprenorphine                            | -          | -             | -
    suboxone           | buprenorphine;naloxone                   | Suboxone   | sublingual    | film
    bunavail           | buprenorphine;naloxone                   | Bunavail   | buccal        | film
    sublocade          | buprenorphine                            | Sublocade  | subcutaneous  | prefilled syringe
    lorazepam          | lorazepam                                | -          | oral          | tablet
    alprazolam         | alprazolam                               | -          | oral          | tablet
    lorazepam-shot     | lorazepam                                | -          | intramuscular | injectable solution
    oxybutynin         | oxybutynin                               | -          | oral          | tablet
    oxybutynin-patch   | oxybutynin                               | -          | transdermal   | patch
    hydroxyzine        | hydroxyzine                              | -          | oral          | tablet
    amitriptyline      | amitriptyline                            | -          | oral          | tablet
    atropine-drops     | atropine                                 | -          | ophthalmic    | solution
    doxepin-cream      | doxepin                                  | -          | topical       | cream
    chlordiazepoxide-clidinium | chlordiazepoxide;clidinium       | -          | oral          | capsule
    atropine-hyoscyamine | atropine;hyoscyamine                   | -          | oral          | tablet
    lisinopril         | lisinopril                               | -          | oral          | tablet
"""

GIVEN = {
    "raw.drug": FORMULARY,
    "raw.eligibility": """
        person_id | birth_date | enrollment_start_date
        ann       | 1950-01-01 | 2018-01-01
        bob       | 1950-01-01 | 2018-01-01
    """,
}


def claims(*fills: str) -> str:
    """Fills `date drug days`, of ann."""
    header = "person_id | dispensing_date | ndc_code | days_supply\n"
    return header + "\n".join("ann | " + " | ".join(fill.split()) for fill in fills)


def days(count: int, first: str, last: str) -> dict[str, str]:
    """The overlap of ann's one measure and, from 30 days on, her gap."""
    return {
        FACT: f"concurrent_days | first_concurrent_date | last_concurrent_date\n{count} | {first} | {last}",
        MODEL: f"concurrent_days | window_start_date\n{count} | {first}" if count >= 30 else "",
    }


# Opioids from 1 to 30 January and from 1 to 30 March; benzodiazepines from 1 January to 1 March, 60 days.
OPIOIDS = ("2026-01-01 oxycodone 30", "2026-03-01 tramadol 30")
CALMING = ("2026-01-01 lorazepam 30", "2026-01-31 alprazolam 30")


def test_both_on_hand_for_thirty_days_is_a_gap(story):
    """January: 30 days. On 1 March the second opioid meets the last day of the second benzodiazepine: 31."""
    story(
        given={"raw.pharmacy_claim": claims(*OPIOIDS, *CALMING)},
        expect="""
            gap_code | subject | status | window_start_date | window_end_date | due_date | concurrent_days | last_concurrent_date
            COB      | cob     | open   | 2026-01-01        | 2026-12-31      | -        | 31              | 2026-03-01
        """,
    )


def test_the_sentence_asks_for_a_review(story):
    """Neutral, for a pharmacist and the prescribers: no drug is named and nobody is told to stop."""
    story(
        given={"raw.pharmacy_claim": claims(*OPIOIDS, *CALMING)},
        expect="""
            reason
            Paid claims show a pain medicine (opioid) and a calming medicine (benzodiazepine) on hand together on 31 days this year, from 2026-01-01 through 2026-03-01; worth a review with the prescribers.
        """,
    )


def test_the_evidence_names_the_claims_of_the_last_day(story):
    """Decision 9. On 1 March tramadol (second claim) and alprazolam (fourth) were on hand; fills in order of dates."""
    story(
        given={"raw.pharmacy_claim": claims(*OPIOIDS, *CALMING)},
        expect="""
            evidence
            {"claims":[{"claim_id":"C0004","fill_date":"2026-01-31","days_supply":30},{"claim_id":"C0002","fill_date":"2026-03-01","days_supply":30}],"index_date":"2026-01-01","concurrent_days":31,"first_concurrent_date":"2026-01-01","last_concurrent_date":"2026-03-01","rule":"Concurrent use of opioids and benzodiazepines, 30 days or more in the year","source":"PQA measure overview, COB"}
        """,
    )


COUNTS = {
    "thirty days": (("2026-01-01 oxycodone 15", "2026-01-16 oxycodone 15", *CALMING), 30, "2026-01-01", "2026-01-30"),
    "twenty-nine days": (("2026-01-01 oxycodone 15", "2026-01-16 oxycodone 14", *CALMING), 29, "2026-01-01", "2026-01-29"),
    # 20 + 10 days, two intervals: cumulative, not consecutive.
    "in two pieces": (
        ("2026-01-01 oxycodone 20", "2026-06-01 oxycodone 10", "2026-01-01 lorazepam 20", "2026-06-01 lorazepam 30"),
        30, "2026-01-01", "2026-06-10",
    ),
    # Not moved: the second opioid, early, is on hand from 11 January to 9 February, 40 days in all and not 60.
    "an early refill is not moved": (
        ("2026-01-01 oxycodone 30", "2026-01-11 oxycodone 30", "2026-01-01 lorazepam 60", "2026-02-20 lorazepam 30"),
        40, "2026-01-01", "2026-02-09",
    ),
    # Two opioids and two benzodiazepines on the same 29 days are 29 days.
    "overlap of one class counts once": (
        ("2026-01-01 oxycodone 29", "2026-01-02 tramadol 28", "2026-01-01 lorazepam 29", "2026-01-02 alprazolam 28"),
        29, "2026-01-01", "2026-01-29",
    ),
    # A long fill goes on after a short one inside it: 5 days in January, 25 February to 1 March are 5 more.
    "a short fill inside a long one": (
        ("2026-01-01 oxycodone 60", "2026-01-05 oxycodone 3", "2026-01-01 lorazepam 5", "2026-02-25 lorazepam 10"),
        10, "2026-01-01", "2026-03-01",
    ),
    # Benzodiazepine ends on 10 January, opioid begins on it: a day. It would begin on 11 January: none.
    "a single shared day": (
        ("2026-01-10 oxycodone 30", "2026-05-01 oxycodone 30", "2026-01-01 lorazepam 10", "2026-12-01 lorazepam 5"),
        1, "2026-01-10", "2026-01-10",
    ),
    # Through 31 December: 29 days, whatever is left over for next year.
    "supply beyond the year": (
        ("2026-12-01 oxycodone 90", "2026-12-03 oxycodone 90", "2026-12-03 lorazepam 30", "2026-12-10 lorazepam 90"),
        29, "2026-12-03", "2026-12-31",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("fills", "count", "first", "last"), COUNTS.values(), ids=COUNTS.keys())
def test_days_on_hand_together(story, fills, count, first, last):
    """A day counts when both supplies are on hand; nothing is shifted; same-class overlap counts once."""
    story(given={"raw.pharmacy_claim": claims(*fills)}, expect=days(count, first, last))


def test_no_shared_day_is_no_interval(story):
    """Neighbours that touch do not meet: through 9 January, from 10 January."""
    story(
        given={
            "raw.pharmacy_claim": claims(
                "2026-01-10 oxycodone 30", "2026-05-01 oxycodone 30", "2026-01-01 lorazepam 9", "2026-12-01 lorazepam 5"
            )
        },
        expect={
            FACT: "concurrent_days | first_concurrent_date | is_eligible | is_concurrent\n0 | - | yes | no",
            "facts.concurrent_segment": "",
            MODEL: "",
        },
    )


def test_the_leap_day_is_a_day(story):
    """From 31 January through 29 February 2024 are 30 days; through 1 March of 2026 they would be 30 as well."""
    for year, last in (("2024", "2024-02-29"), ("2026", "2026-03-01")):
        story(
            as_of=f"{year}-12-31",
            given={
                "raw.pharmacy_claim": claims(
                    f"{year}-01-31 oxycodone 15", f"{year}-02-15 oxycodone 15",
                    f"{year}-01-31 lorazepam 15", f"{year}-02-15 lorazepam 15",
                )
            },
            expect=days(30, f"{year}-01-31", last),
        )  # fmt: skip


def test_days_count_through_the_as_of_date(story):
    """Supply that is still to be used is not on hand yet: 29 days on 29 January, 30 on 30 January."""
    fills = claims(
        "2026-01-01 oxycodone 60", "2026-01-02 oxycodone 60", "2026-01-01 lorazepam 60", "2026-01-02 lorazepam 60"
    )
    for as_of, count in (("2026-01-29", 29), ("2026-01-30", 30), ("2026-03-15", 61)):
        last = min(as_of, "2026-03-02")
        story(as_of=as_of, given={"raw.pharmacy_claim": fills}, expect=days(count, "2026-01-01", last))


def test_a_new_year_begins_with_nothing(story):
    """Fills dated in the year only: supply of December gives nothing in January."""
    fills = claims(
        "2026-11-01 oxycodone 30", "2026-12-01 oxycodone 90", "2026-11-01 lorazepam 30", "2026-12-01 lorazepam 90"
    )
    story(as_of="2026-12-31", given={"raw.pharmacy_claim": fills}, expect=days(61, "2026-11-01", "2026-12-31"))
    story(as_of="2027-01-01", given={"raw.pharmacy_claim": fills}, expect={FACT: "", MODEL: ""})


# What keeps ann out of the measure, or lets her in: benzodiazepines all year long.
ALL_YEAR = ("2026-01-01 lorazepam 365", "2026-01-02 lorazepam 1")

ENTRY = {
    "two dates, 15 days": (("2026-01-01 oxycodone 10", "2026-01-11 oxycodone 5"), "-"),
    "two dates, 14 days": (("2026-01-01 oxycodone 10", "2026-01-11 oxycodone 4"), "low_supplied_days"),
    "15 days that overlap": (("2026-01-01 oxycodone 8", "2026-01-02 oxycodone 7"), "-"),
    "two claims on one date": (("2026-01-01 oxycodone 30", "2026-01-01 tramadol 30"), "few_fill_dates"),
    "one claim": (("2026-01-01 oxycodone 90",), "few_fill_dates"),
    "two opioids on two dates": (("2026-01-01 oxycodone 30", "2026-02-01 fentanyl 30"), "-"),
    "one of last year": (("2025-12-31 oxycodone 30", "2026-02-01 oxycodone 30"), "few_fill_dates"),
    "a date without usable supply": (("2026-01-01 oxycodone 15", "2026-02-01 oxycodone -"), "-"),
    "first on 1 December, 30 days before the end": (("2026-12-01 oxycodone 15", "2026-12-16 oxycodone 15"), "-"),
    "first on 2 December, 29 days before": (("2026-12-02 oxycodone 15", "2026-12-16 oxycodone 15"), "late_index"),
}


@pytest.mark.parametrize(("fills", "reason"), ENTRY.values(), ids=ENTRY.keys())
def test_who_enters_the_opioid_measure(story, fills, reason):
    """At least two claims on different dates, 15 days of supply in all, the first at least 30 days before the end."""
    story(
        given={"raw.pharmacy_claim": claims(*fills, *ALL_YEAR)},
        expect={FACT: f"is_eligible | exclusion_reason\n{'yes' if reason == '-' else 'no'} | {reason}"},
    )


def test_an_excluded_member_has_no_gap(story):
    """30 December days are on hand together, from 2 December on: too late for the measure."""
    for day, reason in (("01", "-"), ("02", "late_index")):
        story(
            given={"raw.pharmacy_claim": claims(f"2026-12-{day} oxycodone 60", "2026-12-03 tramadol 60", *ALL_YEAR)},
            expect={
                FACT: f"exclusion_reason | concurrent_days\n{reason} | {32 - int(day)}",
                MODEL: "subject\ncob" if reason == "-" else "",
            },
        )


def test_the_other_medicine_needs_two_dates_too(story):
    """At least two benzodiazepine claims on different dates: two on one date are not."""
    for second, count in (("2026-01-01", 0), ("2026-01-02", 60)):
        story(
            given={
                "raw.pharmacy_claim": claims(
                    "2026-01-01 oxycodone 30", "2026-01-31 oxycodone 30", "2026-01-01 lorazepam 90",
                    f"{second} alprazolam 1",
                )
            },
            expect={
                FACT: f"is_eligible | concurrent_days | is_concurrent\nyes | {count} | {'yes' if count else 'no'}",
                MODEL: "subject\ncob" if count else "",
            },
        )  # fmt: skip


def test_benzodiazepines_alone_are_not_in_the_measure(story):
    """The opioid is the index class."""
    story(given={"raw.pharmacy_claim": claims(*ALL_YEAR)}, expect={FACT: "", MODEL: ""})


AGES = {
    "18 on 1 January": ("2008-01-01", "cob | yes | -"),
    "18 on 2 January": ("2008-01-02", "cob | no | under_age"),
    "born on a leap day": ("2008-02-29", "cob | no | under_age"),
}


@pytest.mark.parametrize(("birth_date", "expected"), AGES.values(), ids=AGES.keys())
def test_age_is_that_on_the_first_day_of_the_year(story, birth_date, expected):
    """18 and older."""
    story(
        given={
            "raw.eligibility": f"person_id | birth_date | enrollment_start_date\nann | {birth_date} | 2018-01-01",
            "raw.pharmacy_claim": claims(*OPIOIDS, *CALMING),
        },
        expect={
            FACT: f"is_eligible | exclusion_reason\n{expected.split(' | ', 1)[1]}",
            MODEL: "subject\ncob" if "yes" in expected else "",
        },
    )


# Opioids that count beside benzodiazepines of all year, and those that do not.
PRODUCTS = {
    "an oral combination": ("oxycodone", True),
    "a product of unknown form": ("tramadol", True),
    "a patch": ("fentanyl", True),
    "a buprenorphine patch": ("bup-patch", True),
    "a buccal film for pain": ("belbuca", True),
    "a pain brand of unknown form": ("butrans", True),
    "a sublingual tablet for dependence": ("bup-tablet", False),
    "buprenorphine of unknown form": ("bup-unknown", False),
    "buprenorphine with naloxone": ("suboxone", False),
    "a buccal film for dependence": ("bunavail", False),
    "a monthly injection": ("sublocade", False),
    "an infusion": ("morphine-shot", False),
    "no opioid": ("lisinopril", False),
}


@pytest.mark.parametrize(("drug", "counts"), PRODUCTS.values(), ids=PRODUCTS.keys())
def test_opioids_for_pain_count(story, drug, counts):
    """Without injectables and without products for the treatment of dependence (confidence medium)."""
    story(
        given={"raw.pharmacy_claim": claims(f"2026-01-01 {drug} 30", f"2026-01-31 {drug} 30", *ALL_YEAR)},
        expect="concurrent_days\n60" if counts else "",
    )


def test_an_injected_benzodiazepine_does_not_count(story):
    """Non-injectable benzodiazepines."""
    story(
        given={
            "raw.pharmacy_claim": claims(*OPIOIDS, "2026-01-01 lorazepam-shot 90", "2026-01-02 lorazepam-shot 90"),
        },
        expect={FACT: "is_eligible | concurrent_days\nyes | 0", MODEL: ""},
    )


STANDING = {
    "adjusted": ("adjusted", "-", "concurrent_days\n31"),
    "denied": ("denied", "-", ""),
    "reversed": ("reversed", "-", ""),
    "a compound": ("paid", "2", ""),
    "no compound": ("paid", "1", "concurrent_days\n31"),
}


@pytest.mark.parametrize(("status", "compound", "expect"), STANDING.values(), ids=STANDING.keys())
def test_claims_that_stand(story, status, compound, expect):
    """Paid and adjusted claims, no compounds. Without its second claim the opioid has one fill date."""
    story(
        given={
            "raw.pharmacy_claim": f"""
                person_id | dispensing_date | ndc_code   | days_supply | claim_status | compound_code
                ann       | 2026-01-01      | oxycodone  | 30          | paid         | -
                ann       | 2026-03-01      | tramadol   | 30          | {status}     | {compound}
                ann       | 2026-01-01      | lorazepam  | 30          | paid         | -
                ann       | 2026-01-31      | alprazolam | 30          | paid         | -
            """
        },
        expect=expect,
    )


CONDITIONS = {
    "lung cancer": ("C34.90", "cancer"),
    "melanoma": ("C43.9", "cancer"),
    "Merkel cell carcinoma": ("C4A.9", "cancer"),
    "lymphoma": ("C85.90", "cancer"),
    "leukaemia, the last category": ("C96.9", "cancer"),
    "sickle-cell crisis": ("D57.00", "sickle_cell"),
    "sickle-cell thalassaemia": ("D57.40", "sickle_cell"),
    "palliative care": ("Z51.5", "palliative_care"),
    "other skin cancer": ("C44.91", None),
    "carcinoma in situ": ("D05.10", None),
    "sickle-cell trait": ("D57.3", None),
    "history of cancer": ("Z85.3", None),
    "end-stage renal disease": ("N18.6", None),
}


@pytest.mark.parametrize(("code", "reason"), CONDITIONS.values(), ids=CONDITIONS.keys())
def test_conditions_that_exclude_from_the_opioid_measure(story, code, reason):
    """Hospice, cancer, sickle-cell disease, palliative care, any time in the year."""
    story(
        given={
            "raw.pharmacy_claim": claims(*OPIOIDS, *CALMING),
            "raw.medical_claim": f"""
                person_id | claim_type   | claim_start_date | diagnosis_code_1
                ann       | professional | 2026-12-31       | {code.replace(".", "")}
            """,
        },
        expect={
            FACT: f"is_eligible | exclusion_reason\n{'no' if reason else 'yes'} | {reason or '-'}",
            MODEL: "" if reason else "subject\ncob",
        },
    )


def test_a_condition_of_last_year_does_not_exclude(story):
    """Any time in the measurement year, and only there; a denied claim says nothing."""
    for day, status, expect in (
        ("2025-12-31", "paid", "subject\ncob"),
        ("2026-01-01", "paid", ""),
        ("2026-01-01", "denied", "subject\ncob"),
    ):
        story(
            given={
                "raw.pharmacy_claim": claims(*OPIOIDS, *CALMING),
                "raw.medical_claim": f"""
                    person_id | claim_type   | claim_start_date | diagnosis_code_1 | claim_status
                    ann       | professional | {day}            | C3490            | {status}
                """,
            },
            expect=expect,
        )


# Anticholinergics

TWO_ANTICHOLINERGICS = (
    "2026-01-01 oxybutynin 30", "2026-02-15 oxybutynin 30", "2026-01-01 hydroxyzine 15", "2026-01-16 hydroxyzine 15",
)  # fmt: skip


def test_two_anticholinergics_for_thirty_days_are_a_gap(story):
    """Both in January, 30 days: nobody's opioids."""
    story(
        given={"raw.pharmacy_claim": claims(*TWO_ANTICHOLINERGICS)},
        expect="""
            gap_code | subject  | status | window_start_date | window_end_date | due_date | concurrent_days | reason
            POLY_ACH | poly_ach | open   | 2026-01-01        | 2026-12-31      | -        | 30              | Paid claims show two or more medicines with anticholinergic effect on hand together on 30 days this year, from 2026-01-01 through 2026-01-30; worth a review with the prescribers.
        """,
    )


ANTICHOLINERGICS = {
    "29 days": (("2026-01-01 oxybutynin 29", "2026-02-15 oxybutynin 30", "2026-01-01 hydroxyzine 15",
                 "2026-01-16 hydroxyzine 15"), 29),
    # Fill dates are those of one medicine: two medicines once each are none.
    "two medicines, one date each": (("2026-01-01 oxybutynin 60", "2026-01-02 hydroxyzine 60"), None),
    "the second medicine has one date": (("2026-01-01 oxybutynin 60", "2026-01-31 oxybutynin 60",
                                          "2026-01-02 hydroxyzine 60"), 0),
    "one medicine in two forms": (("2026-01-01 oxybutynin 60", "2026-01-02 oxybutynin-patch 60"), 0),
    # Three at once are days like any other: 10 January to 8 February, 30 days, ten of them with three.
    "three at once": (("2026-01-01 oxybutynin 39", "2026-01-02 oxybutynin 1", "2026-01-10 hydroxyzine 30",
                       "2026-01-11 hydroxyzine 1", "2026-01-20 amitriptyline 10", "2026-01-21 amitriptyline 1"), 30),
    # A with B for 15 days, then B with C for 15: the pair may change.
    "another pair each time": (("2026-01-01 oxybutynin 15", "2026-01-02 oxybutynin 1", "2026-01-01 hydroxyzine 30",
                                "2026-01-02 hydroxyzine 1", "2026-01-16 amitriptyline 15",
                                "2026-01-17 amitriptyline 1"), 30),
    "eye drops": (("2026-01-01 oxybutynin 60", "2026-01-31 oxybutynin 60", "2026-01-01 atropine-drops 60",
                   "2026-01-31 atropine-drops 60"), 0),
    "a cream": (("2026-01-01 oxybutynin 60", "2026-01-31 oxybutynin 60", "2026-01-01 doxepin-cream 60",
                 "2026-01-31 doxepin-cream 60"), 0),
    # Each ingredient of a combination by itself: 1 January to 1 March.
    "two in one product": (("2026-01-01 atropine-hyoscyamine 30", "2026-01-31 atropine-hyoscyamine 30"), 60),
    "one in a combination": (("2026-01-01 chlordiazepoxide-clidinium 30", "2026-01-31 chlordiazepoxide-clidinium 30",
                              "2026-01-01 oxybutynin 60", "2026-02-01 oxybutynin 5"), 60),
    # No latest index date: 2 December to 31 December are 30 days.
    "late in the year": (("2026-12-02 oxybutynin 30", "2026-12-03 oxybutynin 30", "2026-12-02 hydroxyzine 30",
                          "2026-12-03 hydroxyzine 30"), 30),
}  # fmt: skip


@pytest.mark.parametrize(("fills", "count"), ANTICHOLINERGICS.values(), ids=ANTICHOLINERGICS.keys())
def test_days_with_two_anticholinergics(story, fills, count):
    """At least two different ones, each with two claims on different dates, on hand on the day."""
    eligible = "no | few_fill_dates | 0" if count is None else f"yes | - | {count}"
    story(
        given={"raw.pharmacy_claim": claims(*fills)},
        expect={
            FACT: f"is_eligible | exclusion_reason | concurrent_days\n{eligible}",
            MODEL: "subject\npoly_ach" if (count or 0) >= 30 else "",
        },
    )


def test_anticholinergics_are_reviewed_from_65_on(story):
    """65 on 1 January, and on 2 January."""
    for birth_date, expect in (("1961-01-01", "subject\npoly_ach"), ("1961-01-02", "")):
        story(
            given={
                "raw.eligibility": f"person_id | birth_date | enrollment_start_date\nann | {birth_date} | 2018-01-01",
                "raw.pharmacy_claim": claims(*TWO_ANTICHOLINERGICS),
            },
            expect=expect,
        )


def test_hospice_alone_excludes_from_the_anticholinergic_measure(story):
    """Cancer does not."""
    story(
        given={
            "raw.pharmacy_claim": claims(*TWO_ANTICHOLINERGICS),
            "raw.medical_claim": """
                person_id | claim_type   | claim_start_date | diagnosis_code_1
                ann       | professional | 2026-02-01       | C3490
            """,
        },
        expect="subject\npoly_ach",
    )
    story(
        given={
            "raw.eligibility": "person_id | birth_date | enrollment_start_date | hospice_flag\nann | 1950-01-01 | 2018-01-01 | yes",
            "raw.pharmacy_claim": claims(*TWO_ANTICHOLINERGICS, *OPIOIDS, *CALMING),
        },
        expect={FACT: "is_eligible | exclusion_reason\nno | hospice\nno | hospice", MODEL: ""},
    )


def test_the_evidence_names_counted_medicines_only(story):
    """On the last day, 30 January, a third medicine with one fill date and one without usable supply are not evidence."""
    story(
        given={
            "raw.pharmacy_claim": claims(
                *TWO_ANTICHOLINERGICS, "2026-01-20 amitriptyline 30", "2026-01-25 oxybutynin -",
            )
        },
        expect={
            "facts.concurrent_use": """
                concurrent_days | first_fill_key | last_fill_key
                30              | 2147483649     | 2147483651
            """,
            "core.fill": """
                fill_key   | fill_date  | ndc_code
                2147483649 | 2026-01-01 | oxybutynin
                2147483650 | 2026-01-01 | hydroxyzine
                2147483651 | 2026-01-16 | hydroxyzine
                2147483652 | 2026-01-20 | amitriptyline
                2147483653 | 2026-01-25 | oxybutynin
                2147483654 | 2026-02-15 | oxybutynin
            """,
        },
    )  # fmt: skip


def test_a_member_may_have_both_gaps(story):
    """One gap per measure; bob's medicines are his own."""
    story(
        given={
            "raw.pharmacy_claim": claims(*TWO_ANTICHOLINERGICS, *OPIOIDS, *CALMING)
            + "\nbob | 2026-01-01 | oxycodone | 30\nbob | 2026-01-31 | oxycodone | 30"
        },
        expect={
            MODEL: "gap_code | concurrent_days\nCOB | 31\nPOLY_ACH | 30",
            "outreach.every_gap": """
                gap_family        | gap_code | subject  | severity | impactability
                medication_review | COB      | cob      | 75       | 0.3
                medication_review | POLY_ACH | poly_ach | 60       | 0.35
            """,
        },
    )


def test_the_limits_are_data(story):
    """Registry rows, not queries: another measure of the same kind asks for three medicines and ten days."""
    story(
        given={
            "raw.concurrent_use": """
                concurrent_use_key | concurrent_use_id | gap_code | index_value_set  | min_medicines | min_concurrent_days
                1                  | three             | POLY_ACH | anticholinergics | 3             | 10
            """,
            "raw.pharmacy_claim": claims(
                "2026-01-01 oxybutynin 39", "2026-01-02 oxybutynin 1", "2026-01-10 hydroxyzine 30",
                "2026-01-11 hydroxyzine 1", "2026-01-20 amitriptyline 10", "2026-01-21 amitriptyline 1",
            ),
        },
        expect="subject | concurrent_days | window_start_date\nthree | 10 | 2026-01-20",
    )  # fmt: skip
