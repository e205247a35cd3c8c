"""Statin use in persons with diabetes (SUPD), told as stories: rules 2, CMS Star Ratings Technical Notes 2026, D12.

Measurement year 2026. Members are born in 1960 (65 on 1 January) and enrolled from 2018 on unless a story says otherwise.
"""

from __future__ import annotations

import pytest

from tests.stories.formulary import FORMULARY
from tests.stories.formulary import GIVEN as SHARED

MODEL = "gaps.diabetes"
AS_OF = "2026-06-30"
# These stories are of SUPD alone; the other codes have theirs in test_diabetes_care.py.
GIVEN = SHARED | {
    "facts.monitoring_need": "member_key",
    "raw.drug": FORMULARY
    + """
        clomiphene | clomiphene | -
    """,
}

# Metformin on two dates: ann is measured from 5 March on.
TREATED = """
    person_id | dispensing_date | ndc_code  | days_supply
    ann       | 2026-01-10      | metformin | 30
    ann       | 2026-03-05      | metformin | 30
"""

OPEN = """
    status | window_start_date | window_end_date | due_date
    open   | 2026-03-05        | 2026-12-31      | 2026-12-31
"""

FACT = "facts.statin_use"


def reason(*reasons: str) -> dict[str, str]:
    """The reasons why ann is not measured, and nobody's gap."""
    return {
        FACT: f"is_eligible | exclusion_reason\n{'no' if reasons else 'yes'} | {';'.join(reasons) or '-'}",
        MODEL: OPEN if not reasons else "",
    }


def fills(*dates: str, drug: str = "metformin") -> str:
    """Ann's fills of a drug."""
    header = "person_id | dispensing_date | ndc_code | days_supply\n"
    return header + "\n".join(f"ann | {day} | {drug} | 30" for day in dates)


def test_two_diabetes_fills_and_no_statin_is_a_gap(story):
    """The window opens on the second fill date, on which the member is first measured."""
    story(
        given={"raw.pharmacy_claim": TREATED},
        expect="""
            gap_code | subject | status | window_start_date | window_end_date | due_date   | fill_date_count | index_date
            SUPD     | supd    | open   | 2026-03-05        | 2026-12-31      | 2026-12-31 | 2               | 2026-01-10
        """,
    )


def test_the_sentence_speaks_of_claims_and_not_of_taking(story):
    """Rules 5.14: cash, discount-card and sample fills are invisible."""
    story(
        given={"raw.pharmacy_claim": TREATED},
        expect="""
            reason
            No paid claim for a cholesterol medicine (statin) this year; diabetes medicine filled on 2 dates since 2026-01-10. Ask the prescriber whether a statin fits, by 2026-12-31.
        """,
    )


def test_the_evidence_names_both_claims(story):
    """Decision 9: the claims, the rule and its source."""
    story(
        given={"raw.pharmacy_claim": TREATED},
        expect="""
            evidence
            {"claims":[{"claim_id":"C0001","fill_date":"2026-01-10","days_supply":30},{"claim_id":"C0002","fill_date":"2026-03-05","days_supply":30}],"index_date":"2026-01-10","fill_date_count":2,"rule":"SUPD, 2 fill dates of diabetes medicine and no statin fill in the year, age 40 to 75","source":"CMS Star Ratings Technical Notes 2026, D12"}
        """,
    )


# One statin fill this year, of any strength, alone or combined, with or without usable days supply, meets the measure.
MET = {
    "a statin before the diabetes fills": "ann | 2026-01-01 | rosuvastatin | 90",
    "a statin on the as-of date": "ann | 2026-06-30 | atorvastatin | 30",
    "a combination with a statin": "ann | 2026-02-01 | ezetimibe-simvastatin | 30",
    "a statin that is a diabetes medicine too": "ann | 2026-02-01 | simvastatin-sitagliptin | 30",
    "a statin without usable days supply": "ann | 2026-02-01 | atorvastatin | -",
}


@pytest.mark.parametrize("fill", MET.values(), ids=MET.keys())
def test_a_statin_meets_the_measure(story, fill):
    """One statin fill in the year, any intensity."""
    story(given={"raw.pharmacy_claim": TREATED + fill}, expect="")


NOT_MET = {
    "a statin of last year, its supply on hand": "ann | 2025-12-31 | atorvastatin | 90 | paid | -",
    "a statin after the as-of date": "ann | 2026-07-01 | atorvastatin | 30 | paid | -",
    "a denied statin": "ann | 2026-02-01 | atorvastatin | 30 | denied | -",
    "a pended statin": "ann | 2026-02-01 | atorvastatin | 30 | pended | -",
    "a reversed statin": "ann | 2026-02-01 | atorvastatin | 30 | reversed | -",
    "a compound": "ann | 2026-02-01 | atorvastatin | 30 | paid | 2",
    "ezetimibe, no statin": "ann | 2026-02-01 | ezetimibe | 30 | paid | -",
    "somebody else's statin": "bob | 2026-02-01 | atorvastatin | 30 | paid | -",
}


@pytest.mark.parametrize("fill", NOT_MET.values(), ids=NOT_MET.keys())
def test_what_is_no_statin_of_this_year(story, fill):
    """Claims dated in the year that stand as paid or adjusted (rules 1.7); compounds are left out (rules 5.5)."""
    story(
        given={
            "raw.pharmacy_claim": f"""
                person_id | dispensing_date | ndc_code  | days_supply | claim_status | compound_code
                ann       | 2026-01-10      | metformin | 30          | paid         | -
                ann       | 2026-03-05      | metformin | 30          | paid         | -
                {fill}
            """
        },
        expect=OPEN,
    )


def test_an_adjusted_claim_counts_as_paid(story):
    """Interface 2.1."""
    story(
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply | claim_status
                ann       | 2026-01-10      | metformin    | 30          | adjusted
                ann       | 2026-03-05      | metformin    | 30          | adjusted
                bob       | 2026-01-10      | metformin    | 30          | paid
                bob       | 2026-03-05      | metformin    | 30          | paid
                bob       | 2026-03-05      | atorvastatin | 30          | adjusted
            """
        },
        expect=OPEN,
    )


DIABETES_FILLS = {
    "two dates": (fills("2026-01-10", "2026-03-05"), OPEN),
    "one date, two prescriptions": (fills("2026-01-10", "2026-01-10"), ""),
    "one date": (fills("2026-01-10"), ""),
    "one date this year, one last year": (fills("2025-12-31", "2026-03-05"), ""),
    "insulin twice": (fills("2026-01-10", "2026-03-05", drug="glargine"), OPEN),
    "insulin and a tablet": (fills("2026-01-10") + "\nann | 2026-03-05 | glargine | 30", OPEN),
    "insulin with a GLP-1 agonist": (fills("2026-01-10", "2026-03-05", drug="degludec-liraglutide"), OPEN),
    "a GLP-1 agonist for diabetes": (fills("2026-01-10", "2026-03-05", drug="ozempic"), OPEN),
    "a GLP-1 agonist for weight loss": (fills("2026-01-10", "2026-03-05", drug="wegovy"), ""),
    "no diabetes medicine": (fills("2026-01-10", "2026-03-05", drug="lisinopril"), ""),
}


@pytest.mark.parametrize(("claims", "expect"), DIABETES_FILLS.values(), ids=DIABETES_FILLS.keys())
def test_diabetes_fills_count_by_date(story, claims, expect):
    """Two fills of diabetes medicine, insulin among it (confidence medium), on unique dates in the year."""
    story(given={"raw.pharmacy_claim": claims}, expect=expect)


def test_the_index_date_is_at_most_on_2_october(story):
    """31 December less 2 October is 90 days; 3 October is 89. A leap year moves both dates by the same day."""
    for year in ("2026", "2024"):
        for day, expected in (("02", "yes | -"), ("03", "no | late_index")):
            story(
                as_of=f"{year}-12-31",
                given={"raw.pharmacy_claim": fills(f"{year}-10-{day}", f"{year}-12-31")},
                expect={FACT: f"is_eligible | exclusion_reason\n{expected}"},
            )


AGES = {
    "40 on 1 January": ("1986-01-01", ()),
    "40 on 2 January": ("1986-01-02", ("under_40",)),
    "75 through the whole of 1 January": ("1950-01-02", ()),
    "76 on 1 January": ("1950-01-01", ("over_75",)),
    "born on a leap day, 74": ("1952-02-29", ()),
}


@pytest.mark.parametrize(("birth_date", "reasons"), AGES.values(), ids=AGES.keys())
def test_age_is_that_on_the_first_day_of_the_year(story, birth_date, reasons):
    """40 to 75 (Blue Peak Advisors, confidence medium)."""
    story(
        given={
            "raw.eligibility": f"person_id | birth_date | enrollment_start_date\nann | {birth_date} | 2018-01-01",
            "raw.pharmacy_claim": TREATED,
        },
        expect=reason(*reasons),
    )


# Spans of ann and what follows on 30 June.
ENROLMENT = {
    "no hole": (["2018-01-01 | -"], ()),
    "a hole of 31 days, all March": (["2018-01-01 | 2026-02-28", "2026-04-01 | -"], ()),
    "a hole of 32 days": (["2018-01-01 | 2026-02-27", "2026-04-01 | -"], ("enrollment_gap",)),
    "two holes of a day": (
        ["2018-01-01 | 2026-02-01", "2026-02-03 | 2026-03-01", "2026-03-03 | -"],
        ("enrollment_gap",),
    ),
    "31 days before the first span": (["2026-02-01 | -"], ()),
    "32 days before the first span": (["2026-02-02 | -"], ("enrollment_gap",)),
    "a hole at the beginning and another": (["2026-01-02 | 2026-04-01", "2026-04-03 | -"], ("enrollment_gap",)),
    "a hole of last year that ends in it": (["2018-01-01 | 2025-06-30", "2026-01-01 | -"], ()),
    "a hole of last year that reaches into it": (["2018-01-01 | 2025-06-30", "2026-01-15 | -"], ()),
    "a second hole that is yet to come": (["2018-01-01 | 2026-02-28", "2026-03-10 | 2026-09-30", "2026-12-01 | -"], ()),
    "never enrolled this year": (["2018-01-01 | 2025-12-31"], ("enrollment_gap",)),
    "32 days out on the as-of date": (["2018-01-01 | 2026-05-29"], ("enrollment_gap",)),
}


@pytest.mark.parametrize(("spans", "reasons"), ENROLMENT.values(), ids=ENROLMENT.keys())
def test_one_hole_of_a_calendar_month_is_permitted(story, spans, reasons):
    """Continuous enrolment from the first day of the year through the as-of date with one hole of at most 31 days."""
    rows = "\n".join(f"ann | {span}" for span in spans)
    story(
        given={
            "raw.eligibility": f"person_id | enrollment_start_date | enrollment_end_date\n{rows}",
            "raw.pharmacy_claim": TREATED,
        },
        expect=reason(*reasons),
    )


def test_a_known_end_of_enrolment_is_the_last_day(story):
    """Open through the last day enrolled; lost after it, and out of the measure when the hole passes 31 days."""
    given = {
        "raw.eligibility": """
            person_id | enrollment_start_date | enrollment_end_date
            ann       | 2018-01-01            | 2026-05-31
        """,
        "raw.pharmacy_claim": TREATED,
    }
    for as_of, rows in (
        ("2026-05-31", "open | 2026-05-31"),
        ("2026-06-01", "lost | 2026-05-31"),
        ("2026-07-01", "lost | 2026-05-31"),
        ("2026-07-02", ""),
    ):
        story(as_of=as_of, given=given, expect=f"status | due_date\n{rows}" if rows else "")


def test_death_ends_the_year_and_makes_no_hole(story):
    """Rules 5.13: death is no exclusion. Half a year later there is still no hole, and nothing to do."""
    given = {
        "raw.eligibility": """
            person_id | enrollment_start_date | death_date
            ann       | 2018-01-01            | 2026-06-10
        """,
        "raw.pharmacy_claim": TREATED,
    }
    for as_of, status in (("2026-06-10", "open"), ("2026-06-11", "lost"), ("2026-12-31", "lost")):
        story(as_of=as_of, given=given, expect=f"status | due_date\n{status} | 2026-06-10")


def test_a_fill_after_the_end_of_enrolment_is_no_fill_date(story):
    """A claim without enrolment behind it is not counted (rules 5.7)."""
    story(
        given={
            "raw.eligibility": "person_id | enrollment_start_date | enrollment_end_date\nann | 2018-01-01 | 2026-06-15",
            "raw.pharmacy_claim": fills("2026-01-10", "2026-06-16"),
        },
        expect={FACT: "fill_date_count | exclusion_reason\n1 | one_fill_date", MODEL: ""},
    )


def test_the_gap_is_open_through_the_last_day_of_the_year(story):
    """A statin on 31 December still meets the measure; on 1 January another year begins."""
    story(as_of="2026-12-31", given={"raw.pharmacy_claim": TREATED}, expect=OPEN)
    story(as_of="2027-01-01", given={"raw.pharmacy_claim": TREATED}, expect="")


def test_the_window_opens_on_a_leap_day(story):
    """29 February 2024 is a fill date like any other."""
    story(
        as_of="2024-02-29",
        given={"raw.pharmacy_claim": fills("2024-02-28", "2024-02-29")},
        expect="""
            status | window_start_date | window_end_date
            open   | 2024-02-29        | 2024-12-31
        """,
    )


CONDITIONS = {
    "end-stage renal disease": ("N18.6", "esrd"),
    "dialysis": ("Z99.2", "esrd"),
    "rhabdomyolysis": ("M62.82", "myopathy_rhabdomyolysis"),
    "drug-induced myopathy": ("G72.0", "myopathy_rhabdomyolysis"),
    "myopathy without a name": ("G72.9", "myopathy_rhabdomyolysis"),
    "myositis of a thigh": ("M60.851", "myopathy_rhabdomyolysis"),
    "adverse effect of a statin": ("T46.6X5A", "myopathy_rhabdomyolysis"),
    "pregnancy": ("O24.419", "pregnancy_lactation_fertility"),
    "supervision of pregnancy": ("Z34.90", "pregnancy_lactation_fertility"),
    "weeks of gestation": ("Z3A.12", "pregnancy_lactation_fertility"),
    "lactation": ("Z39.1", "pregnancy_lactation_fertility"),
    "infertility": ("N97.9", "pregnancy_lactation_fertility"),
    "alcoholic cirrhosis": ("K70.30", "cirrhosis"),
    "other cirrhosis": ("K74.69", "cirrhosis"),
    "pre-diabetes": ("R73.03", "prediabetes"),
    "polycystic ovaries": ("E28.2", "pcos"),
}

NO_CONDITIONS = {
    "chronic kidney disease, stage 5": "N18.5",
    "type 2 diabetes": "E11.9",
    "muscle pain": "M79.10",
    "infective myositis": "M60.009",
    "hepatic fibrosis": "K74.00",
    "alcoholic fibrosis of the liver": "K70.2",
    "negative pregnancy test": "Z32.02",
    "palliative care is not hospice": "Z51.5",
    "impaired fasting glucose": "R73.01",
    "hyperandrogenism": "E28.1",
}


def claim(code: str, day: str = "2026-04-01", status: str = "paid") -> str:
    """A professional claim of ann with one diagnosis, as the door leaves it: without dots."""
    return f"""
        person_id | claim_type   | claim_start_date | diagnosis_code_1    | claim_status
        ann       | professional | {day}            | {code.replace(".", "")} | {status}
    """


@pytest.mark.parametrize(("code", "name"), CONDITIONS.values(), ids=CONDITIONS.keys())
def test_a_condition_excludes(story, code, name):
    """Any time in the measurement year."""
    story(given={"raw.pharmacy_claim": TREATED, "raw.medical_claim": claim(code)}, expect=reason(name))


@pytest.mark.parametrize("code", NO_CONDITIONS.values(), ids=NO_CONDITIONS.keys())
def test_a_neighbouring_code_does_not_exclude(story, code):
    """The other side of each value set."""
    story(given={"raw.pharmacy_claim": TREATED, "raw.medical_claim": claim(code)}, expect=reason())


DATED = {
    "first day of the year": ("2026-01-01", "paid", ("cirrhosis",)),
    "last day of last year": ("2025-12-31", "paid", ()),
    "as-of date": ("2026-06-30", "paid", ("cirrhosis",)),
    "day after it": ("2026-07-01", "paid", ()),
    "adjusted": ("2026-04-01", "adjusted", ("cirrhosis",)),
    "denied": ("2026-04-01", "denied", ()),
}


@pytest.mark.parametrize(("day", "status", "reasons"), DATED.values(), ids=DATED.keys())
def test_a_condition_counts_in_the_year_only(story, day, status, reasons):
    """Rules 5.10: an exclusion without a date filter never ends. A denied claim says nothing (interface 2.1)."""
    story(
        given={"raw.pharmacy_claim": TREATED, "raw.medical_claim": claim("K74.60", day, status)},
        expect=reason(*reasons),
    )


def test_hospice_excludes_by_flag_and_by_claim(story):
    """Hospice any time in the year, from eligibility or, as a proxy, from claims (rules 1.3)."""
    story(
        given={
            "raw.eligibility": "person_id | enrollment_start_date | hospice_flag\nann | 2018-01-01 | yes",
            "raw.pharmacy_claim": TREATED,
        },
        expect=reason("hospice"),
    )
    story(
        given={
            "raw.pharmacy_claim": TREATED,
            "raw.medical_claim": """
                person_id | claim_type    | claim_start_date | revenue_center_code
                ann       | institutional | 2026-02-01       | 0651
            """,
        },
        expect=reason("hospice"),
    )


def test_esrd_excludes_by_flag(story):
    """End-stage renal disease from eligibility counts for the years that its span touches."""
    story(
        given={
            "raw.eligibility": "person_id | enrollment_start_date | esrd_status\nann | 2018-01-01 | Y",
            "raw.pharmacy_claim": TREATED,
        },
        expect=reason("esrd"),
    )


def test_a_fertility_drug_excludes_in_its_year(story):
    """Rules 5.10: not one of an earlier year."""
    for day, reasons in (("2026-01-01", ("pregnancy_lactation_fertility",)), ("2025-12-31", ())):
        story(
            given={"raw.pharmacy_claim": TREATED + f"ann | {day} | clomiphene | 5"},
            expect=reason(*reasons),
        )


def test_every_reason_is_named_in_order(story):
    """Age, fill dates, index date, enrolment, then conditions; one reason named twice counts once."""
    story(
        as_of="2026-12-31",
        given={
            "raw.eligibility": "person_id | birth_date | enrollment_start_date\nann | 2000-01-01 | 2026-10-01",
            "raw.pharmacy_claim": fills("2026-10-03"),
            "raw.medical_claim": """
                person_id | claim_type   | claim_start_date | diagnosis_code_1 | diagnosis_code_2 | diagnosis_code_3
                ann       | professional | 2026-11-01       | E282             | N186             | Z992
            """,
        },
        expect=reason("under_40", "one_fill_date", "late_index", "enrollment_gap", "esrd", "pcos"),
    )


def test_a_statin_closes_the_gap_of_an_earlier_night(story):
    """The ledger keeps it, closed, through its year. (Insulin and a statin without days supply have no adherence gap.)"""
    story(
        given={
            "raw.pharmacy_claim": fills("2026-01-10", "2026-03-05", drug="glargine")
            + "\nann | 2026-06-30 | atorvastatin | -",
            "raw.state_gap": """
                gap_id           | person_id | gap_family | gap_code | subject | status | opened_date | window_end_date
                aaaaaaaaaaaaaaaa | ann       | diabetes   | SUPD     | supd    | open   | 2026-03-05  | 2026-12-31
            """,
        },
        expect={
            "outreach.ledger": """
                gap_id           | gap_family | gap_code | status | closing_reason | opened_date | closed_date
                aaaaaaaaaaaaaaaa | diabetes   | SUPD     | closed | resolved       | 2026-03-05  | 2026-06-30
            """
        },
    )
