"""Specialty medicines, told as stories: specialty 4.2 of the domain page.

Days are counted by hand from the page. One line is one member; the shorthand is that of `hospital.py`. Tonight is
2026-06-30; what 28 days supply on 3 June lasts through 30 June, day 0.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial

import duckdb
import pytest

from assets.engine.registry import read_families, read_value_sets
from assets.engine.specialty_registry import read_specialty_rules
from tests.stories import hospital
from tests.story import Story, build_models, give

MODEL = "gaps.specialty"
AS_OF = hospital.AS_OF
GIVEN = {
    "raw.drug": """
        ndc_code      | ingredients   | product_class | is_specialty | is_maintenance | route
        adalimumab    | adalimumab    | tnf           | yes          | yes            | subcutaneous
        etanercept    | etanercept    | tnf           | yes          | yes            | subcutaneous
        bictegravir   | bictegravir   | arv           | yes          | yes            | oral
        imatinib      | imatinib      | kinase        | yes          | yes            | oral
        tofacitinib   | tofacitinib   | jak           | -            | -              | oral
        methotrexate  | methotrexate  | dmard         | no           | yes            | oral
        leflunomide   | leflunomide   | dmard         | no           | yes            | oral
        lisinopril    | lisinopril    | ace           | no           | yes            | oral
        amoxicillin   | amoxicillin   | penicillin    | no           | no             | oral
        isoniazid     | isoniazid     | tb            | no           | no             | oral
        upadacitinib  | upadacitinib  | jak           | -            | -              | oral
        jakafi        | ruxolitinib   | jak           | -            | -              | oral
        cream         | ruxolitinib   | jak           | -            | -              | topical
        clozapine     | clozapine     | antipsychotic | no           | yes            | oral
        paliperidone  | paliperidone palmitate | antipsychotic | yes | yes            | intramuscular
    """,
    "raw.pharmacy": """
        npi        | taxonomy_code | state | zip_code
        specialist | 3336S0011X    | TX    | 75001
        corner     | 3336C0003X    | TX    | 75001
    """,
}


OTHERS = ("adherence", "care_transition", "community_resource", "diabetes", "mtm", "prenatal_supply")


@pytest.fixture
def patients(teller: Story) -> Callable[[str], None]:
    """Tell a table of members."""
    return partial(hospital.tell, teller, model=MODEL, given=GIVEN)


@pytest.fixture
def con(teller: Story) -> Iterator[duckdb.DuckDBPyConnection]:
    """The stories' warehouse, for tests that ask in SQL; what it holds is forgotten."""
    with teller.aside() as con:
        yield con


# SP_LATE_REFILL and ONC_ADH -------------------------------------------------------------------------------------------

# "list at run_out -5 (proactive), +1..+7 high, +8..+30 critical, >45 d discontinued?"
REFILLS = """
    code           | events                                                          | row
    SP_LATE_REFILL | rx adalimumab/28 06-09                                          | -
    SP_LATE_REFILL | rx adalimumab/28 06-08                                          | open start=06-30 end=08-19 due=07-05 severity=50.0000
    SP_LATE_REFILL | rx adalimumab/28 06-03                                          | open severity=50.0000 says=lasts_through_2026-06-30
    SP_LATE_REFILL | rx adalimumab/28 06-02                                          | open severity=65.0000 due=06-29
    SP_LATE_REFILL | rx adalimumab/28 05-27                                          | open severity=65.0000
    SP_LATE_REFILL | rx adalimumab/28 05-26                                          | open severity=80.0000
    SP_LATE_REFILL | rx adalimumab/28 04-19                                          | open severity=80.0000 end=06-30
    SP_LATE_REFILL | rx adalimumab/28 04-18                                          | lost says=perhaps_stopped
    SP_LATE_REFILL | rx adalimumab/28 03-05                                          | lost
    SP_LATE_REFILL | rx adalimumab/28 03-04                                          | -
    # Early refills queue: 1 to 28 May, then 29 May to 25 June.
    SP_LATE_REFILL | rx adalimumab/28 05-01; rx adalimumab/28 05-20                  | open due=06-25
    # Ten days in a nursing facility are not taken from the supply: 16 June becomes 26 June.
    SP_LATE_REFILL | rx adalimumab/28 05-20; bill 06-01..06-11 tob=211               | open due=06-26
    # After an acute stay the prescriber is asked first (transitions 3.3), until 45 days after it.
    SP_LATE_REFILL | rx adalimumab/28 05-20; bill 06-01..06-11                       | -
    SP_LATE_REFILL | rx adalimumab/28 04-20; bill 05-10..05-16                       | -
    SP_LATE_REFILL | rx adalimumab/28 04-20; bill 05-10..05-15                       | open due=05-22
    # In a facility tonight.
    SP_LATE_REFILL | rx adalimumab/28 06-02; bill 06-20..06-30 tob=112 status=30     | -
    # A switch within the class: the other medicine lasts through 7 July.
    SP_LATE_REFILL | rx adalimumab/28 05-20; rx etanercept/28 06-10                  | -
    SP_LATE_REFILL | rx adalimumab/28 06-02; rx imatinib/30 06-20                    | open
    # While an authorization is decided, 14 days long.
    SP_LATE_REFILL | rx adalimumab/28 06-02; rx adalimumab/28 06-17 denied codes=75  | -
    SP_LATE_REFILL | rx adalimumab/28 06-02; rx adalimumab/28 06-16 denied codes=75  | open
    SP_LATE_REFILL | rx adalimumab/28 06-02; rx adalimumab/28 06-17 denied codes=79  | open
    SP_LATE_REFILL | rx adalimumab/28 06-02; rx etanercept/28 06-25 status=pended    | -
    SP_LATE_REFILL | rx adalimumab/28 06-02; rx adalimumab/28 06-01 status=pended    | open
    SP_LATE_REFILL | rx adalimumab/28 06-02; who hospice_flag=yes                    | -
    SP_LATE_REFILL | rx adalimumab/28 06-02; who death_date=2026-06-30               | -
    SP_LATE_REFILL | rx adalimumab/28 06-02; who enrollment_end_date=2026-06-29      | -
    SP_LATE_REFILL | rx adalimumab/28 06-02; who enrollment_end_date=2026-06-30      | open
    # A supply that nobody knows has no end.
    SP_LATE_REFILL | rx adalimumab/0 06-02                                           | -
    SP_LATE_REFILL | rx lisinopril/28 06-02                                          | -
    # Where the drug table is silent: a specialty pharmacy, or 950 dollars for 30 days.
    SP_LATE_REFILL | rx tofacitinib/28 06-02 npi=specialist                          | open
    SP_LATE_REFILL | rx tofacitinib/28 06-02 npi=corner                              | -
    SP_LATE_REFILL | rx tofacitinib/30 05-31 npi=corner cost=950                     | open
    SP_LATE_REFILL | rx tofacitinib/30 05-31 npi=corner cost=949.99                  | -
    SP_LATE_REFILL | rx tofacitinib/15 06-15 npi=corner cost=475                     | open
    # What tells of HIV is never named (rules 6.4).
    SP_LATE_REFILL | rx bictegravir/28 06-02                                         | open sensitive=yes says=Check_in not=specialty
    # Nor what tells of mental health.
    SP_LATE_REFILL | rx paliperidone/28 06-02                                        | open sensitive=yes says=Check_in not=specialty
    # Oral cancer medicine: "list at -7 and +3".
    SP_LATE_REFILL | rx imatinib/30 05-31                                            | -
    ONC_ADH        | rx imatinib/30 06-09                                            | -
    ONC_ADH        | rx imatinib/30 06-08                                            | open start=06-30 severity=60.0000 says=check_the_plan_with_oncology
    ONC_ADH        | rx imatinib/30 06-01                                            | open severity=60.0000 says=lasts_through
    ONC_ADH        | rx imatinib/30 05-31                                            | open severity=60.0000 says=ended_on_2026-06-29
    ONC_ADH        | rx imatinib/30 05-30                                            | open severity=60.0000
    ONC_ADH        | rx imatinib/30 05-29                                            | open severity=85.0000 says=check_the_plan_with_oncology not=rrange
    ONC_ADH        | rx imatinib/30 04-17                                            | open severity=85.0000
    ONC_ADH        | rx imatinib/30 04-16                                            | lost says=check_the_plan_with_oncology
"""


def test_refills_by_days_from_the_end_of_supply(patients: Callable[[str], None]) -> None:
    patients(REFILLS)


# SP_ABANDON_FIRST -----------------------------------------------------------------------------------------------------

# "new-start claim (no same-ingredient 180 d) reversed and no paid same-ingredient/class by day 14 (non-specialty 30 d);
# or rejected 75/70/76/88 with no paid in 14 d"
STARTS = """
    code             | events                                                                 | row
    SP_ABANDON_FIRST | rx adalimumab/28 06-16 status=reversed                                 | open start=06-30 end=08-29 due=07-14
    SP_ABANDON_FIRST | rx adalimumab/28 06-17 status=reversed                                 | prospective start=07-01
    SP_ABANDON_FIRST | rx adalimumab/28 04-17 status=reversed                                 | open end=06-30
    SP_ABANDON_FIRST | rx adalimumab/28 04-16 status=reversed                                 | -
    SP_ABANDON_FIRST | rx adalimumab/28 06-10                                                 | -
    SP_ABANDON_FIRST | rx adalimumab/28 06-10 status=reversed; rx adalimumab/28 06-28         | -
    SP_ABANDON_FIRST | rx adalimumab/28 06-10 status=reversed; rx etanercept/28 06-10         | -
    SP_ABANDON_FIRST | rx adalimumab/28 06-10 status=reversed; rx etanercept/28 06-09         | open
    SP_ABANDON_FIRST | rx adalimumab/28 06-16 status=reversed; rx adalimumab/28 2025-12-18    | -
    SP_ABANDON_FIRST | rx adalimumab/28 06-16 status=reversed; rx adalimumab/28 2025-12-17    | open
    # The first of several claims decides.
    SP_ABANDON_FIRST | rx adalimumab/28 06-16 denied codes=70; rx adalimumab/28 06-25 status=reversed | open start=06-30
    SP_ABANDON_FIRST | rx adalimumab/28 06-10 denied codes=75                                 | open says=approval
    SP_ABANDON_FIRST | rx adalimumab/28 06-10 denied codes=76                                 | open
    SP_ABANDON_FIRST | rx adalimumab/28 06-10 denied codes=88                                 | open
    SP_ABANDON_FIRST | rx adalimumab/28 06-10 denied codes=79                                 | -
    SP_ABANDON_FIRST | rx adalimumab/28 06-10 denied                                          | open
    SP_ABANDON_FIRST | rx adalimumab/28 06-10 status=pended                                   | -
    SP_ABANDON_FIRST | rx lisinopril/30 05-31 status=reversed                                 | open start=06-30 says=regular_medicine
    SP_ABANDON_FIRST | rx lisinopril/30 06-01 status=reversed                                 | prospective
    SP_ABANDON_FIRST | rx amoxicillin/10 05-20 status=reversed                                | -
    SP_ABANDON_FIRST | rx tofacitinib/30 06-10 status=reversed npi=specialist                 | open
    SP_ABANDON_FIRST | rx tofacitinib/30 06-10 status=reversed npi=corner                     | -
    SP_ABANDON_FIRST | rx bictegravir/30 06-10 status=reversed                                | open sensitive=yes says=Check_in not=specialty
    SP_ABANDON_FIRST | rx adalimumab/28 06-10 status=reversed; who hospice_flag=yes           | -
"""


def test_first_fills_that_were_never_picked_up(patients: Callable[[str], None]) -> None:
    patients(STARTS)


def test_a_reversal_transaction_and_a_later_version(story: Callable[..., None]) -> None:
    """Ann's claim is cancelled by a negative row, Bob's paid again under another version, Cal's a copy (interface 2.1)."""
    story(
        given=GIVEN
        | {
            "raw.eligibility": """
                person_id | enrollment_start_date
                ann       | 2018-01-01
                bob       | 2018-01-01
                cal       | 2018-01-01
            """,
            "raw.pharmacy_claim": """
                person_id | claim_id | dispensing_date | ndc_code   | days_supply | quantity | claim_status | file_date
                ann       | A        | 2026-06-10      | adalimumab | 28          | 2        | paid         | 2026-06-11
                ann       | B        | 2026-06-10      | adalimumab | -28         | -2       | paid         | 2026-06-20
                bob       | C        | 2026-06-10      | adalimumab | 28          | 2        | paid         | 2026-06-11
                bob       | C        | 2026-06-10      | adalimumab | 28          | 2        | adjusted     | 2026-06-20
                cal       | D        | 2026-06-10      | adalimumab | 28          | 2        | paid         | 2026-06-11
                cal       | D        | 2026-06-10      | adalimumab | 28          | 2        | reversed     | 2026-06-20
            """,
        },
        expect="""
            member_key | gap_code         | subject    | status | window_start_date
            1          | SP_ABANDON_FIRST | adalimumab | open   | 2026-06-24
            # Bob began on 10 June; tests before it may still be billed for 30 days.
            2          | LAB_HBV          | adalimumab | prospective | 2026-07-10
            2          | LAB_TB_BIOLOGIC  | adalimumab | prospective | 2026-07-10
            3          | SP_ABANDON_FIRST | adalimumab | open   | 2026-06-24
        """,
    )


# Laboratory monitoring ------------------------------------------------------------------------------------------------

# "gap if none in 56 d (<6 m) or 120 d (>6 m)"; "CBC + ALT/AST + creatinine"; "suppress 30 d after inpatient".
MONITORED = """
    code            | events                                                          | row
    LAB_MTX_LEF_SSZ | rx methotrexate/90 05-02                                        | open start=05-30 due=06-27 says=blood_count,_liver_test,_creatinine
    LAB_MTX_LEF_SSZ | rx leflunomide/90 06-02                                         | open start=06-30
    LAB_MTX_LEF_SSZ | rx leflunomide/90 06-03                                         | -
    LAB_MTX_LEF_SSZ | rx methotrexate/90 05-02; cpt 85025 05-05; cpt 80053 05-05      | open start=06-30
    LAB_MTX_LEF_SSZ | rx methotrexate/90 05-02; cpt 85027 05-06; cpt 80053 05-06      | -
    LAB_MTX_LEF_SSZ | rx methotrexate/90 05-02; cpt 85025 05-20; cpt 84460 05-20      | open says=creatinine not=liver
    LAB_MTX_LEF_SSZ | rx methotrexate/90 05-02; cpt 85025 05-20; cpt 80048 05-20      | open says=liver_test not=creatinine
    LAB_MTX_LEF_SSZ | rx methotrexate/90 05-02; cpt 80053 05-20                       | open says=blood_count not=liver
    LAB_MTX_LEF_SSZ | rx methotrexate/90 05-02; cpt 85025 06-20 denied; cpt 80053 06-20 | open says=blood_count
    # Six months to the day: 120 days count.
    LAB_MTX_LEF_SSZ | rx methotrexate/90 2025-12-30; rx methotrexate/90 03-30; cpt 85025 03-02; cpt 80053 03-02 | open start=06-30
    LAB_MTX_LEF_SSZ | rx methotrexate/90 2025-12-30; rx methotrexate/90 03-30; cpt 85025 03-03; cpt 80053 03-03 | -
    LAB_MTX_LEF_SSZ | rx methotrexate/90 2025-12-31; rx methotrexate/90 03-30; cpt 85025 03-03; cpt 80053 03-03 | open start=04-28
    # The supply ended 30 days ago, and 31.
    LAB_MTX_LEF_SSZ | rx methotrexate/30 05-02                                        | open
    LAB_MTX_LEF_SSZ | rx methotrexate/30 05-01                                        | -
    LAB_MTX_LEF_SSZ | rx methotrexate/90 05-02; bill 05-25..05-31                     | -
    LAB_MTX_LEF_SSZ | rx methotrexate/90 05-02; bill 05-25..05-30                     | open
    LAB_MTX_LEF_SSZ | rx methotrexate/90 05-02; who hospice_flag=yes                  | -
    LAB_MTX_LEF_SSZ | rx lisinopril/90 05-02                                          | -
"""

# "first biologic/targeted (none in 12+ m): TB test in prior 12 months; (+30 d grace); exclude prior LTBI/TB treatment"
SCREENED = """
    code            | events                                                          | row
    LAB_TB_BIOLOGIC | rx adalimumab/28 05-31                                          | open start=06-30 due=07-14 end=11-27
    LAB_TB_BIOLOGIC | rx adalimumab/28 06-01                                          | prospective start=07-01
    LAB_TB_BIOLOGIC | rx tofacitinib/28 05-31                                         | open
    LAB_TB_BIOLOGIC | rx methotrexate/28 05-31                                        | -
    LAB_TB_BIOLOGIC | rx adalimumab/28 05-31; cpt 86480 2025-05-31                    | -
    LAB_TB_BIOLOGIC | rx adalimumab/28 05-31; cpt 86480 2025-05-30                    | open
    LAB_TB_BIOLOGIC | rx adalimumab/28 05-31; cpt 86580 06-30                         | -
    LAB_TB_BIOLOGIC | rx adalimumab/28 05-30; cpt 86481 06-30                         | open
    LAB_TB_BIOLOGIC | rx adalimumab/28 05-31; rx etanercept/28 2025-05-31             | -
    LAB_TB_BIOLOGIC | rx adalimumab/28 05-31; rx etanercept/28 2025-05-30             | open
    # An infusion is a biologic too.
    LAB_TB_BIOLOGIC | rx adalimumab/28 05-31; cpt J1745 2025-06-30                    | -
    LAB_TB_BIOLOGIC | rx adalimumab/28 05-31; dx Z227 2019-10-01                      | -
    LAB_TB_BIOLOGIC | rx adalimumab/28 05-31; dx Z8615 2024-01-01                     | -
    LAB_TB_BIOLOGIC | rx adalimumab/28 05-31; dx A150 2019-10-01                      | -
    LAB_TB_BIOLOGIC | rx adalimumab/28 05-31; rx isoniazid/30 2020-01-01              | -
    # Only a year without one tells that it is the first.
    LAB_TB_BIOLOGIC | rx adalimumab/28 05-31; who enrollment_start_date=2025-05-31    | open
    LAB_TB_BIOLOGIC | rx adalimumab/28 05-31; who enrollment_start_date=2025-06-01    | -
    # Stopped since: the supply ended 45 days ago, and 46.
    LAB_TB_BIOLOGIC | rx adalimumab/28 04-19                                          | open
    LAB_TB_BIOLOGIC | rx adalimumab/28 04-18                                          | -
    LAB_TB_BIOLOGIC | rx adalimumab/28 01-01; rx adalimumab/28 06-01                  | open end=06-30
    LAB_TB_BIOLOGIC | rx adalimumab/28 2025-12-31; rx adalimumab/28 06-01             | -
    LAB_HBV         | rx adalimumab/28 05-31                                          | open says=surface_antigen,_hepatitis_B_core
    LAB_HBV         | rx adalimumab/28 05-31; cpt 87340 05-01                         | open says=core_antibody not=surface
    LAB_HBV         | rx adalimumab/28 05-31; cpt 87340 05-01; cpt 86704 05-01        | -
    LAB_HBV         | rx tofacitinib/28 05-31                                         | -
    LAB_HBV         | rx adalimumab/28 05-31; dx B181 2020-01-01                      | -
"""


# "JAK lipid 80061 4-12 wk after start": day 28 of 2 June is 30 June, day 84 is 25 August.
LIPIDS = """
    code      | events                                                          | row
    LAB_OTHER | rx tofacitinib/30 06-02                                         | open start=06-30 due=08-25 end=11-29 sensitive=no says=on_2026-06-02
    LAB_OTHER | rx tofacitinib/30 06-03                                         | prospective start=07-01
    LAB_OTHER | rx tofacitinib/30 06-02; cpt 80061 06-29                        | open
    LAB_OTHER | rx tofacitinib/30 06-02; cpt 80061 06-30                        | -
    LAB_OTHER | rx tofacitinib/30 06-02; cpt 80061 06-30 denied                 | open
    LAB_OTHER | rx tofacitinib/30 06-02; cpt 80053 06-30                        | open
    # Late is done, too.
    LAB_OTHER | rx tofacitinib/90 03-01                                         | open start=03-29 due=05-24 end=08-28
    LAB_OTHER | rx tofacitinib/90 03-01; cpt 80061 06-20                        | -
    LAB_OTHER | rx tofacitinib/90 01-01; rx tofacitinib/90 04-01                | open end=06-30
    LAB_OTHER | rx tofacitinib/90 2025-12-31; rx tofacitinib/90 03-31           | -
    # Another of the class 365 days before: no start; 366 days before: one.
    LAB_OTHER | rx tofacitinib/30 06-02; rx upadacitinib/30 2025-06-02          | -
    LAB_OTHER | rx tofacitinib/30 06-02; rx upadacitinib/30 2025-06-01          | open
    LAB_OTHER | rx tofacitinib/30 06-02; who enrollment_start_date=2025-06-02   | open
    LAB_OTHER | rx tofacitinib/30 06-02; who enrollment_start_date=2025-06-03   | -
    # The supply ended 45 days ago, and 46.
    LAB_OTHER | rx tofacitinib/30 04-17                                         | open
    LAB_OTHER | rx tofacitinib/30 04-16                                         | -
    LAB_OTHER | rx jakafi/30 06-02                                              | open
    LAB_OTHER | rx cream/30 06-02                                               | -
    LAB_OTHER | rx adalimumab/28 06-02                                          | -
    LAB_OTHER | rx tofacitinib/30 06-02; who hospice_flag=yes                   | -
"""

# "clozapine ANC": the label asks weekly for 6 months, every 2 weeks to 12, then every 4; claims come late, so that none in
# 28 days of the first year, and in 56 after it, is a gap. What tells of mental health is never named (rules 6.4).
NEUTROPHILS = """
    code      | events                                                          | row
    LAB_OTHER | rx clozapine/30 06-02                                           | open start=06-30 due=07-07 sensitive=yes says=Check_in not=neutrophil
    LAB_OTHER | rx clozapine/30 06-03                                           | -
    LAB_OTHER | rx clozapine/60 05-20; cpt 85025 06-02                          | open start=06-30
    LAB_OTHER | rx clozapine/60 05-20; cpt 85025 06-03                          | -
    LAB_OTHER | rx clozapine/60 05-20; cpt 85004 06-03                          | -
    LAB_OTHER | rx clozapine/60 05-20; cpt 85007 06-03                          | -
    # A count without a differential tells no neutrophils.
    LAB_OTHER | rx clozapine/60 05-20; cpt 85027 06-20                          | open
    # Twelve months to the day, and a day less.
    LAB_OTHER | rx clozapine/90 2025-06-30; rx clozapine/90 2025-12-20; rx clozapine/90 06-01; cpt 85025 05-05 | open start=06-30
    LAB_OTHER | rx clozapine/90 2025-06-30; rx clozapine/90 2025-12-20; rx clozapine/90 06-01; cpt 85025 05-06 | -
    LAB_OTHER | rx clozapine/90 2025-07-01; rx clozapine/90 2025-12-20; rx clozapine/90 06-01; cpt 85025 05-06 | open start=06-03
    LAB_OTHER | rx clozapine/30 05-02                                           | open
    LAB_OTHER | rx clozapine/30 05-01                                           | -
    LAB_OTHER | rx clozapine/60 05-02; bill 05-25..05-31                        | -
    LAB_OTHER | rx clozapine/60 05-02; bill 05-25..05-30                        | open
"""


@pytest.mark.parametrize(
    "table", [MONITORED, SCREENED, LIPIDS, NEUTROPHILS], ids=["monitored", "screened", "lipids", "neutrophils"]
)
def test_laboratory_tests(patients: Callable[[str], None], table: str) -> None:
    patients(table)


def test_evidence_names_the_infusion_that_began(con: duckdb.DuckDBPyConnection) -> None:
    """Specialty 4.2: the first biologic tells of the test, and an infusion is one; ann's began on 20 April with M1."""
    give(con, "raw.drug", GIVEN["raw.drug"])
    give(con, "raw.eligibility", "person_id | enrollment_start_date\nann | 2018-01-01")
    given = {
        "raw.medical_claim": """
            person_id | claim_id | claim_start_date | hcpcs_code
            ann       | M1       | 2026-04-20       | J1745
        """,
        "raw.pharmacy_claim": """
            person_id | claim_id | dispensing_date | ndc_code   | days_supply
            ann       | R1       | 2026-05-31      | adalimumab | 28
        """,
    }
    for table, rows in given.items():
        give(con, table, rows)
    build_models(con, [MODEL], AS_OF)
    told = con.execute(
        "select evidence from gaps.specialty where gap_code in ('LAB_TB_BIOLOGIC', 'LAB_HBV')"
    ).fetchall()
    assert len(told) == 2
    for [evidence] in told:
        assert (json.loads(evidence)["start_date"], json.loads(evidence)["claims"]) == (
            "2026-04-20",
            [{"claim_id": "M1", "date": "2026-04-20"}],
        )


# What other families ask ----------------------------------------------------------------------------------------------


def test_a_measure_does_not_ask_for_what_a_specialty_row_asks(story: Callable[..., None]) -> None:
    """Ann's refill is asked once; Bob's is not due; of Cal, who may be pregnant, the prescriber decides (1.7, 2.3)."""
    story(
        given=GIVEN
        | {
            "raw.eligibility": """
                person_id | enrollment_start_date
                ann       | 2018-01-01
                bob       | 2018-01-01
                cal       | 2018-01-01
            """,
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2026-06-02      | adalimumab   | 28
                bob       | 2026-06-20      | adalimumab   | 28
                cal       | 2026-06-02      | methotrexate | 28
            """,
            "facts.pregnancy": """
                member_key | episode | status  | tier | lmp_date
                3          | 1       | current | A    | 2026-03-01
            """,
            "facts.discharge": "member_key",
        },
        model="facts.held_subject",
        expect="""
            member_key | subject      | holding_reason
            1          | pdc_ra       | specialty_refill
            3          | methotrexate | clinical_review
            3          | supd         | clinical_review
        """,
    )


def test_a_review_in_a_pregnancy_is_asked_for_while_the_specialty_row_waits(story: Callable[..., None]) -> None:
    """Both have the medicine as their subject; 1.7 and 2.3: the prescriber is called today, no test is asked for."""
    story(
        given=GIVEN
        | {
            "raw.eligibility": "person_id | enrollment_start_date\nann | 2018-01-01",
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2026-05-02      | methotrexate | 90
            """,
            "facts.pregnancy": "member_key | episode | status | tier | lmp_date\n1 | 1 | current | A | 2026-03-01",
            "facts.maternal_gate": "closed_reason\n-",
            "facts.suppression": "member_key",
            "gaps.medication_review": """
                member_key | gap_code         | subject      | status
                1          | MED_REVIEW_TODAY | methotrexate | open
            """,
            **{f"gaps.{family}": "member_key" for family in (*OTHERS, "provider_desert")},
        },
        model="outreach.gap",
        expect="""
            gap_code         | subject      | status     | status_reason
            LAB_MTX_LEF_SSZ  | methotrexate | suppressed | clinical_review
            MED_REVIEW_TODAY | methotrexate | open       | no_channel
        """,
    )


def test_evidence_names_claim_rule_and_source(con: duckdb.DuckDBPyConnection) -> None:
    give(con, "raw.eligibility", "person_id | enrollment_start_date\nann | 2018-01-01")
    give(
        con,
        "raw.pharmacy_claim",
        "person_id | claim_id | dispensing_date | ndc_code | days_supply\nann | R1 | 2026-06-02 | adalimumab | 28",
    )
    give(con, "raw.drug", GIVEN["raw.drug"])
    build_models(con, [MODEL], AS_OF)
    found = con.execute(f"select gap_code, evidence, reason from {MODEL} order by gap_code").fetchall()
    told = {code: json.loads(evidence) for code, evidence, _ in found}
    assert told["SP_LATE_REFILL"] == {
        "claims": [{"claim_id": "R1", "fill_date": "2026-06-02", "days_supply": 28}],
        "supply_end_date": "2026-06-29", "days_late": 1, "rule": "specialty_refill late",
        "source": read_specialty_rules().refills["specialty_refill"].source,
    }  # fmt: skip
    assert told["LAB_TB_BIOLOGIC"]["claims"] == [{"claim_id": "R1", "date": "2026-06-02"}]
    # A list tells the kind of medicine in its sentence, never a name.
    assert not [reason for _, _, reason in found if "adalimumab" in reason]


def test_every_code_has_a_rule_and_no_sentence_names_a_drug() -> None:
    rules = read_specialty_rules()
    codes = {rule.gap_code for rule in rules.refills.values()} | {rules.first_fill.gap_code}
    assert codes < set(read_families()["specialty"].codes)
    # LAB_OTHER may follow a medicine of mental health.
    assert all(read_families()["specialty"].codes[code].public_code for code in (*codes, "LAB_OTHER"))
    words = " ".join(phase.reason for rule in rules.refills.values() for phase in rule.phases).lower()
    assert "cancer" not in words
    assert "restart" not in words
    assert {"blood_counts", "tuberculosis_tests", "hepatitis_b_tests"} <= set(read_value_sets())
