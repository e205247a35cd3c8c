"""Tests, visits and supplies in diabetes, told as stories: diabetes 4.3 of the domain page.

Days are counted by hand from the page. One line is one member; the shorthand is that of `hospital.py`, and `known` is two
days with a diagnosis of diabetes. Members are born in 1960 and enrolled from 2018 on. Tonight is 2026-06-30.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

import pytest

from assets.engine.monitoring_registry import read_monitoring_rules
from assets.engine.registry import read_families, read_value_sets
from tests.stories import hospital
from tests.story import Story

MODEL = "gaps.diabetes"
AS_OF = hospital.AS_OF
RULES = read_monitoring_rules()
GIVEN = {
    "raw.drug": """
        ndc_code  | ingredients              | brand_name
        metformin | metformin                | -
        wegovy    | semaglutide              | wegovy
        glargine  | insulin glargine         | -
        strips    | blood glucose test strips | -
        lancets   | lancets                  | -
        libre     | sensor                   | freestyle libre 3
    """,
    "raw.provider": """
        npi     | taxonomy_code
        eyes    | 152W00000X
        retina  | 207W00000X
        family  | 207Q00000X
    """,
}
KNOWN = "dx E119 2025-03-01; dx E119 2025-09-01"


@pytest.fixture
def patients(teller: Story) -> Callable[..., None]:
    """Tell a table of members: `patients(table, as_of=...)`; see `hospital.py`."""
    return partial(hospital.tell, teller, model=MODEL, given=GIVEN)


# "age 18-75, >=2 dx dates E08-E13 in 24 m, or insulin/antihyperglycemic fill + >=1 dx; exclude O24.4-only, E28.2-only
# metformin, hospice"; A1C "≥1 /12 m".
A1C = """
    code | events                                                    | row
    A1C  | known                                                     | open start=2025-03-01 end=12-31 says=in_the_last_365_days
    A1C  | known; cpt 83036 2025-06-30                               | open start=06-30 due=09-28 says=since_2025-06-30
    A1C  | known; cpt 83037 2025-07-01                               | prospective start=07-01
    A1C  | known; cpt 83036 2025-07-30                               | prospective start=07-30
    A1C  | known; cpt 83036 2025-07-31                               | -
    A1C  | known; cpt 3044F 2026-01-05                               | -
    A1C  | known; cpt 3046F 2026-01-05                               | -
    A1C  | known; cpt 3051F 2026-01-05                               | -
    A1C  | known; cpt 3052F 2026-01-05                               | -
    A1C  | known; cpt 83036 2026-01-05 denied                        | open
    # Two days in 24 months, counted from 2024-07-01 on; or one day and a medicine.
    A1C  | dx E119 2024-07-01; dx E119 2025-03-01                    | open
    A1C  | dx E119 2024-06-30; dx E119 2025-03-01                    | -
    A1C  | dx E119 2025-03-01                                        | -
    A1C  | dx E119 2025-03-01; rx metformin/30 2025-03-01            | open
    A1C  | dx E119 2025-03-01; rx glargine/30 2025-03-01             | open
    A1C  | rx metformin/30 2025-03-01; rx metformin/30 2025-06-01    | -
    A1C  | dx O24410 2025-03-01; dx O24410 2025-06-01; rx glargine/30 2025-06-01 | -
    A1C  | dx E282 2025-03-01; dx E282 2025-06-01; rx metformin/30 2025-06-01 | -
    A1C  | dx E0800 2025-03-01; dx E139 2025-06-01                   | open
    A1C  | dx E119 2025-03-01 denied; dx E119 2025-06-01             | -
    # 18 and 75 on 31 December.
    A1C  | known; who birth_date=2008-12-31                          | open
    A1C  | known; who birth_date=2009-01-01                          | -
    A1C  | known; who birth_date=1951-01-01                          | open
    A1C  | known; who birth_date=1950-12-31                          | -
    # What was done before an enrolment of a year is not known.
    A1C  | known; who enrollment_start_date=2025-06-30               | open start=06-30
    A1C  | known; who enrollment_start_date=2025-08-01               | -
    A1C  | known; who enrollment_end_date=2026-06-29                 | -
    A1C  | known; who hospice_flag=yes                               | -
    A1C  | known; who death_date=2026-06-01                          | -
    A1C  | known; dx Z515 02-01                                      | -
    A1C  | known; dx Z515 2025-12-31                                 | open
    # From 66 on: an institution, or frailty and advanced illness together.
    A1C  | known; who birth_date=1961-01-01 long_term_institutional_flag=yes | open
    A1C  | known; who birth_date=1960-12-31 long_term_institutional_flag=yes | -
    A1C  | known; dx R54 02-01; dx R54 02-02; dx G309 02-01; dx G309 02-02 | -
    A1C  | known; dx R54 02-01; dx G309 02-01; dx G309 02-02         | open
    A1C  | known; dx R54 02-01; dx R54 02-02; dx G309 02-01          | open
    A1C  | known; dx R54 2025-02-01; dx R54 02-02; dx G309 02-01; dx G309 02-02 | open
    A1C  | known; who birth_date=1961-01-01; dx R54 02-01; dx R54 02-02; dx G309 02-01; dx G309 02-02 | open
"""

# "year; prior-year negative carries 1 y; 92229 92250 92227/8, 92002-92014 (eye prof.), 67028...; 2022F-2026F 2033F; 3072F
# (next-year); exclude bilateral enucleation".
EYE = """
    code | events                                                    | row
    EYE  | known                                                     | open start=01-01 end=12-31 due=12-31
    EYE  | known; cpt 92229 01-01                                    | -
    EYE  | known; cpt 92250 2025-12-31                               | open
    EYE  | known; cpt 92227 02-01                                    | -
    EYE  | known; cpt 92228 02-01                                    | -
    EYE  | known; cpt 67028 02-01                                    | -
    EYE  | known; cpt 92014 02-01                                    | -
    EYE  | known; cpt 92004 02-01 npi=eyes                           | -
    EYE  | known; cpt 92012 02-01 npi=retina                         | -
    EYE  | known; cpt 92012 02-01 npi=family                         | open
    EYE  | known; cpt 2022F 02-01                                    | -
    EYE  | known; cpt 2024F 2025-11-01                               | open
    EYE  | known; cpt 2023F 2025-01-01                               | -
    EYE  | known; cpt 2025F 2025-11-01                               | -
    EYE  | known; cpt 2033F 2025-11-01                               | -
    EYE  | known; cpt 2033F 2024-12-31                               | open
    EYE  | known; cpt 3072F 02-01                                    | -
    EYE  | known; cpt 3072F 2025-11-01                               | open
    EYE  | known; cpt 65091 2020-01-01; cpt 65101 2020-01-15         | -
    EYE  | known; cpt 65091 2020-01-01; cpt 65101 2020-01-14         | open
    EYE  | known; cpt 65091 2020-01-01                               | open
    EYE  | known; who enrollment_start_date=2026-04-01               | open start=06-30
    EYE  | known; who enrollment_start_date=2026-04-02               | -
    EYE  | known; who enrollment_end_date=2026-09-30                 | open end=09-30
    EYE  | known; who birth_date=1950-12-31                          | -
"""

# "year: eGFR AND uACR; 82043 + 82570 <=4 d apart; exclude ESRD/dialysis ever", age 18 to 85.
KED = """
    code | events                                                    | row
    KED  | known                                                     | open start=01-01 due=12-31 says=(eGFR),_urine_albumin
    KED  | known; cpt 80053 02-01                                    | open says=urine_albumin not=eGFR
    KED  | known; cpt 82043 02-01; cpt 82570 02-01                   | open says=eGFR not=urine_albumin
    KED  | known; cpt 80053 02-01; cpt 82043 02-01; cpt 82570 02-05  | -
    KED  | known; cpt 80053 02-01; cpt 82043 02-05; cpt 82570 02-01  | -
    KED  | known; cpt 80053 02-01; cpt 82043 02-01; cpt 82570 02-06  | open
    KED  | known; cpt 80053 02-01; cpt 82043 02-06; cpt 82570 02-01  | open
    KED  | known; cpt 80053 02-01; cpt 82043 02-01                   | open
    KED  | known; cpt 82565 02-01; cpt 82043 01-03; cpt 82570 2025-12-31 | open
    KED  | known; cpt 82565 2025-12-31; cpt 82043 02-01; cpt 82570 02-01 | open
    KED  | known; cpt 80047 01-01; cpt 82043 01-01; cpt 82570 01-01  | -
    KED  | known; cpt 80050 06-30; cpt 82043 06-30; cpt 82570 06-30  | -
    KED  | known; dx N186 2018-05-01                                 | -
    KED  | known; dx Z992 2018-05-01                                 | -
    KED  | known; cpt 90935 2018-05-01                               | -
    KED  | known; who birth_date=1941-01-01                          | open
    KED  | known; who birth_date=1940-12-31                          | -
"""

# "insulin user without strips/CGM 90 d"; "DSMT: new dx or A1c>9; G0108 G0109".
SUPPLIES = """
    code   | events                                                                | row
    SUPPLY | known; rx glargine/30 06-10                                           | open start=06-10 due=06-24
    SUPPLY | known; rx glargine/30 05-02                                           | open
    SUPPLY | known; rx glargine/30 05-01                                           | -
    SUPPLY | known; rx metformin/30 06-10                                          | -
    SUPPLY | known; rx glargine/90 04-20; rx strips/90 04-01                       | open start=06-30
    SUPPLY | known; rx glargine/90 04-20; rx strips/90 04-02                       | -
    SUPPLY | known; rx glargine/90 04-20; cpt A4253 04-02                          | -
    SUPPLY | known; rx glargine/90 04-20; cpt A4239 04-02                          | -
    SUPPLY | known; rx glargine/90 04-20; rx libre/30 06-01                        | -
    # A meter or lancets are no strips.
    SUPPLY | known; rx glargine/90 04-20; cpt E0607 06-01                          | open
    SUPPLY | known; rx glargine/90 04-20; rx lancets/90 06-01                      | open
    SUPPLY | known; rx glargine/30 06-10; who hospice_flag=yes                     | -
    DSMT   | known                                                                 | -
    DSMT   | dx E119 2025-06-30; dx E119 2025-09-01                                | open start=2025-06-30 end=06-30
    DSMT   | dx E119 2025-06-29; dx E119 2025-09-01                                | -
    DSMT   | dx E119 03-01; dx E119 04-01; cpt G0108 05-01                         | -
    DSMT   | dx E119 03-01; dx E119 04-01; cpt G0109 05-01 denied                  | open
    # A diagnosis within the first year of enrolment may be an old one.
    DSMT   | dx E119 03-01; dx E119 04-01; who enrollment_start_date=2025-03-01    | open start=03-01
    DSMT   | dx E119 03-01; dx E119 04-01; who enrollment_start_date=2025-03-02    | -
    DSMT   | known; cpt 3046F 05-01                                                | open start=05-01 end=2027-05-01 says=2026-05-01
    DSMT   | known; cpt 3046F 05-01; cpt 3052F 05-02                               | -
    DSMT   | known; cpt 3052F 05-01; cpt 3046F 05-02                               | open
    DSMT   | known; cpt 3046F 05-01; cpt G0108 2025-07-01                          | -
    DSMT   | known; cpt 3046F 05-01; cpt G0108 2025-06-30                          | open
    DSMT   | known; cpt 3046F 2025-06-29                                           | -
"""

# "BP: 3074F 3075F 3077F (sys), 3078F-3080F (dia); claims mostly absent -> ask item".
BP = """
    code | events                                                    | row
    BP   | known                                                     | open start=01-01 end=12-31 due=12-31 confidence=0.5000 says=Ask_for_the_last_reading
    BP   | known; cpt 3074F 01-01; cpt 3078F 01-01                   | -
    BP   | known; cpt 3075F 02-01; cpt 3079F 03-01                   | -
    # A high reading is a reading; what to do about it is the clinician's.
    BP   | known; cpt 3077F 02-01; cpt 3080F 02-01                   | -
    BP   | known; cpt 3074F 02-01                                    | open
    BP   | known; cpt 3079F 02-01                                    | open
    BP   | known; cpt 3074F 2025-12-31; cpt 3078F 2025-12-31         | open
    BP   | known; cpt 3074F 02-01; cpt 3078F 02-01 denied            | open
    BP   | known; cpt 3076F 02-01; cpt 3078F 02-01                   | open
    BP   | known; who enrollment_start_date=2026-04-01               | open start=06-30
    BP   | known; who enrollment_start_date=2026-04-02               | -
    BP   | known; who birth_date=1951-01-01                          | open
    BP   | known; who birth_date=1950-12-31                          | -
    BP   | known; who hospice_flag=yes                               | -
    BP   | known; dx Z515 02-01                                      | -
    BP   | dx I10 2025-03-01; dx I10 2025-09-01                      | -
"""


@pytest.mark.parametrize("table", [A1C, EYE, KED, SUPPLIES, BP], ids=["A1C", "EYE", "KED", "SUPPLY and DSMT", "BP"])
def test_diabetes_care(patients: Callable[..., None], table: str) -> None:
    patients(table.replace("known", KNOWN))


# The year begins with two kidney tests of the old one; 29 February is a day like any other.
DAYS = {
    "2026-01-01": f"KED | {KNOWN}; cpt 80053 2025-12-31 | open start=01-01 says=eGFR",
    "2028-02-29": "A1C | dx E119 2027-03-01; dx E119 2027-09-01; cpt 83036 2027-03-01 | open start=2028-02-29",
    "2028-02-28": "A1C | dx E119 2027-03-01; dx E119 2027-09-01; cpt 83036 2027-03-01 | prospective start=2028-02-29",
}


@pytest.mark.parametrize("as_of", sorted(DAYS))
def test_first_and_leap_days(patients: Callable[..., None], as_of: str) -> None:
    patients(f"code | events | row\n{DAYS[as_of]}", as_of=as_of)


def test_a_pregnancy_holds_the_statin_and_nothing_else(story) -> None:
    """4.3: "pregnancy => suppress" the statin; strips, eyes and kidneys are asked for all the same."""
    claims = "\n".join(f"ann | 2026-0{n}-01 | E119 | -" for n in (1, 3)) + "\nann | 2026-05-01 | Z331 | 99213"
    story(
        model="outreach.gap",
        as_of=AS_OF,
        given={
            "raw.drug": GIVEN["raw.drug"],
            "raw.eligibility": "person_id | birth_date | gender | enrollment_start_date\nann | 1984-01-01 | female | 2018-01-01",
            "raw.medical_claim": "person_id | claim_start_date | diagnosis_code_1 | hcpcs_code\n" + claims,
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code  | days_supply
                ann       | 2026-03-01      | metformin | 30
                ann       | 2026-06-10      | glargine  | 30
            """,
            "facts.pregnancy": "member_key | episode | status | tier | lmp_date\n1 | 1 | current | C | 2026-04-01",
            "facts.maternal_gate": "closed_reason\n-",
            "facts.statin_use": """
                member_key | is_eligible | has_statin | index_fill_key | second_fill_key
                1          | yes         | no         | 2147483649     | 2147483650
            """,
            "gaps.prenatal_supply": "member_key",
            "gaps.community_resource": "member_key",
            "gaps.medication_review": "member_key",
            "gaps.provider_desert": "member_key",
            "gaps.adherence": "member_key",
            "gaps.care_transition": "member_key",
        },
        expect="""
            gap_code | status     | status_reason
            A1C      | open       | no_channel
            BP       | open       | no_channel
            DSMT     | open       | no_channel
            EYE      | open       | no_channel
            KED      | open       | no_channel
            SUPPLY   | open       | no_channel
            SUPD     | suppressed | clinical_review
        """,
    )


def test_evidence_is_read_and_every_code_has_a_rule() -> None:
    assert {r.gap_code for r in RULES.values() if r.gap_family == "diabetes"} | {"SUPD"} == set(
        read_families()["diabetes"].codes
    )
    named = {s.value_set for r in RULES.values() for sets in r.tests.values() for s in sets}
    named |= {s.value_set for r in RULES.values() for sets in r.stops.values() for s in sets}
    assert named <= set(read_value_sets())
    assert json.dumps(sorted(named))
