"""Connection to community resources, told as stories: community 5.1 to 5.3, 1.7 and edge case 15.

One line is one member, in Texas and 41 years old unless told otherwise. Tonight is Tuesday 2026-06-30.
"""

from __future__ import annotations

import re

import pytest

from assets.engine.programme_registry import read_programmes, read_social_needs
from assets.engine.registry import value_set_rows
from tests.stories.maternal import ago, claim, claims, table
from tests.story import read_table

MODEL = "gaps.community_resource"
AS_OF = "2026-06-30"
NEED = "facts.social_need"
MEMBER = "facts.programme_member"
HOLD = "facts.referral_hold"
ANY = "sdoh-category-unspecified"

# What a story does not ask about is not built: pregnancies, the directory, referrals.
NO_PREGNANCY = {"facts.maternal_episode": "member_key"}
NO_REFERRAL = {"facts.service_match": "member_key", "facts.referral_hold": "member_key"}
QUIET = NO_PREGNANCY | NO_REFERRAL

# Two days with a diagnosis of diabetes in 24 months: the programme's population (community 5.2).
SUGAR = [(400, "E119"), (30, "E1165")]


def people(*names: str, **columns: str) -> str:
    """Eligibility of adults of 41 in Texas."""
    shared = {"birth_date": "1985-01-01", "enrollment_start_date": "2015-01-01", "state": "TX"} | columns
    return table([{"person_id": name} | shared for name in names])


def with_diabetes(*names: str) -> list[dict[str, str]]:
    """Claims of people with diabetes."""
    return [claim(name, days, code) for name in names for days, code in SUGAR]


def named(text: str) -> list[str]:
    """People of the first column."""
    return list(dict.fromkeys(row[0] for row in read_table(text)[1]))


def pregnant(who: str) -> list[dict[str, str]]:
    """Two dated weeks that agree: tier A, 223 days."""
    return [claim(who, 17, "Z3A29"), claim(who, 10, "Z3A30")]


# Documented needs -------------------------------------------------------------------------------------------------

# Maternal 5.1, code by code; what it does not list is no need of any category.
CATEGORIES = {
    "food-insecurity": "Z5941 Z5948 Z594",
    "homelessness": "Z590 Z5900 Z5901 Z5902",
    "housing-instability": "Z59811 Z59812 Z59819",
    "inadequate-housing": "Z5910 Z5911 Z5919",
    "utility-insecurity": "Z5912",
    "transportation-insecurity": "Z5982 Z753",
    "financial-insecurity": "Z5986 Z59861 Z595 Z596 Z597 Z5971",
    "material-hardship": "Z5987",
    "medical-cost-burden": "Z91120 Z91190",
    "employment-status": "Z560 Z5681 Z5689 Z569",
    "educational-attainment": "Z550 Z556",
    "social-connection": "Z602 Z604",
    "stress": "Z733 Z630 Z639",
    "veteran-status": "Z9182 Z5682",
    "intimate-partner-violence": "Z6911 T7411XA T7691XA",
    "incarceration-status": "Z651 Z652 Z653",
    "upbringing": "Z62810",
}
RESTRICTED = ("intimate-partner-violence", "incarceration-status", "upbringing")
NO_NEED = (
    "Z598 Z5989 Z599 Z592 Z593 Z603 Z605 Z650 Z654 Z73 Z732 Z754 Z91128 Z9119 Z9181 Z57 Z69010 Z6981 Z68 Z748 E119 I10"
)


def test_codes_tell_of_their_category(story):
    """5.1: one member for each code, named after it; the codes beside the list tell of nothing."""
    told = {code: category for category, codes in CATEGORIES.items() for code in codes.split()}
    rows = "\n".join(
        f"{number} | {category} | documented | {'no' if category in RESTRICTED else 'yes'}"
        for number, code in enumerate(sorted(told), start=1)
        for category in [told[code]]
    )
    none = NO_NEED.split()
    story(
        given=QUIET
        | {
            "raw.eligibility": people(*told, *(f"zz{code}" for code in none)),
            "raw.medical_claim": claims(
                *(claim(code, 5, code) for code in told), *(claim(f"zz{code}", 5, code) for code in none)
            ),
        },
        expect={NEED: f"member_key | category | need_tier | is_nameable\n{rows}"},
    )


def test_the_map_names_categories_that_exist():
    """Every category of the value set is registered, and those that are never listed have no words."""
    registered = read_social_needs().categories
    assert {row[7] for row in value_set_rows("social_need", None)} == set(CATEGORIES) <= set(registered)
    assert [name for name, entry in registered.items() if entry.words is None] == list(RESTRICTED)


def test_a_documented_need_is_named_for_twelve_months(story):
    """5.1: documented is a Z code of at most twelve months on a paid claim; the latest day counts. Leap day below."""
    story(
        given=QUIET
        | {
            "raw.eligibility": people("ann", "bea", "cal", "dee", "eve"),
            "raw.medical_claim": claims(
                claim("ann", 365, "Z5941"),  # 2025-06-30
                claim("bea", 366, "Z5941"),  # 2025-06-29
                claim("cal", 5, "Z5941", claim_status="denied"),
                claim("dee", 200, "Z5941"),
                claim("dee", 3, "I10 Z5941 Z5900"),
                claim("eve", 3, "V600", diagnosis_code_type="icd-9-cm"),  # homelessness in ICD-9; only ICD-10 is read
            ),
        },
        expect="""
            member_key | gap_code       | subject         | status | severity | window_start_date | window_end_date | due_date | need_tier  | reason
            1          | COMMUNITY_NEED | food-insecurity | open   | 55       | 2025-06-30        | 2026-06-30      | -        | documented | A claim of 2025-06-30 tells of a need for help with food. Ask whether it still stands, and offer to connect.
            4          | COMMUNITY_NEED | food-insecurity | open   | 55       | 2026-06-27        | 2027-06-27      | -        | documented | A claim of 2026-06-27 tells of a need for help with food. Ask whether it still stands, and offer to connect.
            4          | COMMUNITY_NEED | homelessness    | open   | 55       | 2026-06-27        | 2027-06-27      | -        | documented | A claim of 2026-06-27 tells of a need for help with a place to stay. Ask whether it still stands, and offer to connect.
        """,
    )
    story(
        as_of="2024-02-29",
        given=QUIET
        | {
            "raw.eligibility": people("ann", "bea"),
            "raw.medical_claim": "person_id | claim_start_date | diagnosis_code_1\nann | 2023-02-28 | Z5941\nbea | 2023-02-27 | Z5941",
        },
        expect="member_key | window_end_date\n1 | 2024-02-28",
        model=MODEL,
    )


def test_a_screening_may_be_named_and_a_claim_outranks_it(story):
    """5.1: documented > screened; a negative answer, an old one and one from after tonight tell of nothing."""
    story(
        given=QUIET
        | {
            "raw.eligibility": people("ann", "bea", "cal", "dee"),
            "raw.medical_claim": claims(claim("bea", 100, "Z5982")),
            "raw.social_screening": """
                person_id | screened_date | category                  | is_positive
                ann       | 2026-05-01    | transportation-insecurity | yes
                ann       | 2026-05-01    | food-insecurity           | no
                ann       | 2025-06-29    | utility-insecurity        | yes
                bea       | 2026-06-01    | transportation-insecurity | yes
                cal       | 2026-07-01    | food-insecurity           | yes
                dee       | 2026-06-01    | intimate-partner-violence | yes
                dee       | 2026-06-01    | diaper-bank               | yes
            """,
        },
        expect="""
            member_key | subject                   | severity | need_tier  | reason
            1          | transportation-insecurity | 45       | screened   | A screening of 2026-05-01 tells of a need for help with transport. Ask whether it still stands, and offer to connect.
            2          | transportation-insecurity | 55       | documented | A claim of 2026-03-22 tells of a need for help with transport. Ask whether it still stands, and offer to connect.
        """,
    )


@pytest.mark.parametrize("category", RESTRICTED)
def test_what_is_restricted_is_never_listed_and_counts_for_nothing(story, category):
    """5.1: violence and imprisonment: no row of their own, and the offer that everyone gets weighs no more for them."""
    codes = " ".join(CATEGORIES[category].split())
    story(
        given=QUIET
        | {
            "raw.eligibility": people("ann", "bea", "cal"),
            "raw.medical_claim": claims(claim("ann", 5, codes), claim("bea", 5, codes), *with_diabetes("bea", "cal")),
        },
        expect=f"""
            member_key | gap_code        | subject | severity | need_tier
            2          | COMMUNITY_OFFER | {ANY}   | 10       | none
            3          | COMMUNITY_OFFER | {ANY}   | 10       | none
        """,
    )


# Edge case 15 -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("as_of", "serviced", "tier"),
    [
        ("2026-06-30", "2025-12-31", "screened"),
        ("2026-06-30", "2026-01-01", "none"),
        ("2026-01-01", "2026-01-01", "none"),
        ("2025-12-31", "2025-12-31", "screened"),
        ("2024-06-30", "2024-01-01", "screened"),
        ("2024-06-30", "2023-12-31", "none"),
        ("2026-12-31", "2025-12-31", "screened"),
        ("2027-01-01", "2025-12-31", "none"),
    ],
)
def test_edge_case_15_g0136_in_2026_is_no_social_need(story, as_of, serviced, tier):
    """5.1 and 7.15: by the day of service, not the night. Its claim says nothing of a result, so nothing is named."""
    severity = {"screened": 45, "none": 10}[tier]
    story(
        as_of=as_of,
        given=QUIET
        | {
            "raw.eligibility": people("ann"),
            "raw.medical_claim": claims(
                *(claim("ann", days, code, as_of=as_of) for days, code in SUGAR),
                {"person_id": "ann", "claim_start_date": serviced, "hcpcs_code": "G0136"},
            ),
        },
        expect={
            NEED: f"member_key | category | need_tier\n{'1 | ' + ANY + ' | screened' if tier == 'screened' else ''}",
            MODEL: f"""
                gap_code        | subject | severity   | need_tier | reason
                COMMUNITY_OFFER | {ANY}   | {severity} | {tier}    | {OFFER}
            """,
        },
    )


def test_an_unpaid_assessment_tells_of_nothing(story):
    """Interface 2.1: denied claims count for suppression only."""
    story(
        as_of="2025-12-31",
        given=QUIET
        | {
            "raw.eligibility": people("ann", "bea"),
            "raw.medical_claim": claims(
                claim("ann", 5, as_of="2025-12-31", hcpcs_code="G0136", claim_status="denied"),
                claim("bea", 5, as_of="2025-12-31", hcpcs_code="G0137"),
            ),
        },
        expect={NEED: ""},
    )


# The universal offer ----------------------------------------------------------------------------------------------

OFFER = (
    "Offer help with everyday needs such as food, transport, housing or bills: ask whether any of it would be welcome, "
    "and connect."
)

# Means and area rank the offer and are printed nowhere; a named need takes its place.
TIERS = """
    person_id | dual_status_code | low_income_subsidy_indicator | medicaid_indicator | payer_type | zip_code
    a-dual    | 02               | -                            | -                  | medicare   | 10001
    b-lis     | -                | yes                          | -                  | medicare   | 10001
    c-aid     | -                | -                            | yes                | commercial | 10001
    d-payer   | -                | -                            | -                  | medicaid   | 10001
    e-area    | 00               | no                           | no                 | commercial | 10002
    f-income  | -                | -                            | -                  | commercial | 10003
    g-near    | 09               | -                            | -                  | commercial | 10004
    h-named   | 02               | yes                          | yes                | medicaid   | 10002
"""


def test_everyone_hears_the_same_offer_and_means_only_rank_it(story):
    """5.1: indicated > area; SVI of 0.75 is in the most vulnerable quarter, 0.7499 is not. Only a need is named."""
    header, rows = read_table(TIERS)
    shared = {"birth_date": "1985-01-01", "enrollment_start_date": "2015-01-01", "state": "TX"}
    who = [shared | {k: v or "-" for k, v in zip(header, row, strict=True)} for row in rows]
    names = named(TIERS)
    offers = "\n".join(
        f"{key} | COMMUNITY_OFFER | {tier} | {severity} | {OFFER}"
        for key, (tier, severity) in enumerate(
            [*[("indicated", 25)] * 4, ("area", 15), ("area", 15), ("none", 10)], start=1
        )
    )
    story(
        given=QUIET
        | {
            "raw.eligibility": table(who),
            "raw.medical_claim": claims(*with_diabetes(*names), claim("h-named", 9, "Z5941")),
            "raw.zcta": """
                zcta  | svi    | low_income
                10001 | 0.9    | yes
                10002 | 0.75   | -
                10003 | 0.1    | yes
                10004 | 0.7499 | no
            """,
        },
        expect=f"""
            member_key | gap_code | need_tier | severity | reason
            {offers}
            8 | COMMUNITY_NEED | documented | 55 | A claim of 2026-06-21 tells of a need for help with food. Ask whether it still stands, and offer to connect.
        """,
    )


def test_the_offer_tells_of_nothing(story):
    """5.1 and interface 3.1: neither the sentence nor the evidence of an offer holds means, area or a screening."""
    evidence = (
        '{"claims":[{"claim_id":"C0002"}],"date":"2026-05-31","rule":"Universal offer to a population of the programme",'
        '"programme":"community_connect","population":"diabetes",'
        '"source":"Optum Rx, pharmacy wellness programmes, release of 2023-05-30","service_id":null}'
    )
    story(
        given=QUIET
        | {
            "raw.eligibility": people("ann", dual_status_code="02"),
            "raw.medical_claim": claims(*with_diabetes("ann")),
        },
        expect=f"reason | evidence\n{OFFER} | {evidence}",
    )


def test_who_has_diabetes(story):
    """4.3: two days with a diagnosis in 24 months, or one and a fill; never a fill alone nor gestational diabetes."""
    story(
        given=QUIET
        | {
            "raw.eligibility": people(
                "a-two", "b-one", "c-fill", "d-insulin", "e-old", "f-alone", "g-gest", "h-same", "i-unpaid"
            ),
            "raw.drug": "ndc_code | ingredients\nmetformin | metformin\nglargine | insulin glargine\nstatin | atorvastatin",
            "raw.medical_claim": claims(
                claim("a-two", 729, "E0800"),
                claim("a-two", 10, "E139"),  # 2024-07-01: within 24 months
                claim("b-one", 10, "E119"),
                claim("c-fill", 10, "E119"),
                claim("d-insulin", 10, "E109"),
                claim("e-old", 730, "E119"),
                claim("e-old", 10, "E119"),  # 2024-06-30: 24 months ago
                claim("g-gest", 40, "O24410"),
                claim("g-gest", 10, "O24414 E282"),
                claim("h-same", 10, "E119"),
                claim("h-same", 10, "E1165"),
                claim("i-unpaid", 30, "E119"),
                claim("i-unpaid", 10, "E119", claim_status="pended"),
            ),
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code  | days_supply
                b-one     | 2026-06-01      | statin    | 30
                c-fill    | 2024-07-01      | metformin | 30
                d-insulin | 2026-06-01      | glargine  | 30
                e-old     | 2024-06-30      | metformin | 30
                f-alone   | 2026-06-01      | metformin | 30
                g-gest    | 2026-06-01      | metformin | 30
            """,
        },
        model=MEMBER,
        expect="""
            member_key | population | window_start_date | window_end_date
            1          | diabetes   | 2026-01-01        | 2026-12-31
            3          | diabetes   | 2026-01-01        | 2026-12-31
            4          | diabetes   | 2026-01-01        | 2026-12-31
        """,
    )


def test_adults_who_are_enrolled_and_alive(story):
    """1.6 and 6.2: 18 on the day, enrolled tonight; nobody who has died."""
    story(
        given=QUIET
        | {
            "raw.eligibility": """
                person_id | birth_date | enrollment_start_date | enrollment_end_date | death_date | state
                a-18      | 2008-06-30 | 2015-01-01            | -                   | -          | TX
                b-17      | 2008-07-01 | 2015-01-01            | -                   | -          | TX
                c-today   | 1985-01-01 | 2015-01-01            | 2026-06-30          | -          | TX
                d-left    | 1985-01-01 | 2015-01-01            | 2026-06-29          | -          | TX
                e-dead    | 1985-01-01 | 2015-01-01            | -                   | 2026-06-30 | TX
            """,
            "raw.medical_claim": claims(
                *(claim(who, 9, "Z5941") for who in ("a-18", "b-17", "c-today", "d-left", "e-dead"))
            ),
        },
        expect="member_key\n1\n3",
    )


# The programme ----------------------------------------------------------------------------------------------------

STATES = ("LA", "NC", "NE", "NJ", "NM", "NY", "TX")


@pytest.mark.parametrize(
    ("as_of", "states"),
    [
        ("2023-05-31", ""),
        ("2023-06-01", "LA NC NE NJ NM NY TX"),
        ("2023-09-30", "LA NC NE NJ NM NY TX"),
        ("2023-10-01", "CA LA NC NE NJ NM NY PR TX"),
    ],
)
def test_the_programme_begins_by_state(story, as_of, states):
    """5.2: seven states from 2023-06-01, the nation from an assumed day; residence counts, unknown residence is none."""
    homes = sorted((*STATES, "CA", "PR"))
    people_of = [
        {"person_id": home, "birth_date": "1985-01-01", "enrollment_start_date": "2015-01-01", "state": home}
        for home in homes
    ]
    zips = {"zip-tx": "78701", "zz-none": "-"}
    everyone = [*homes, "zip-tx", "zz-none"]
    people_of += [{**people_of[0], "person_id": who, "state": "-", "zip_code": code} for who, code in zips.items()]
    story(
        as_of=as_of,
        given=QUIET
        | {
            "raw.eligibility": table(people_of),
            "raw.zcta": "zcta | state\n78701 | TX",
            "raw.medical_claim": claims(
                *(claim(who, days, code, as_of=as_of) for who in (*homes, *zips) for days, code in SUGAR)
            ),
        },
        model=MEMBER,
        expect="\n".join(
            ["member_key | population | programme_start_date"]
            + [
                f"{everyone.index(who) + 1} | diabetes | {'2023-10-01' if who in {'CA', 'PR'} else '2023-06-01'}"
                for who in [*states.split(), *(["zip-tx"] if states else [])]
            ]
        ),
    )


def test_one_line_starts_a_programme_in_a_state(story):
    """5.2: phases are rows; one without a start has not begun, and a population that is not named is not asked."""
    story(
        given=QUIET
        | {
            "raw.programme": """
                programme_id | population      | phase | state | start_date
                here         | diabetes        | 1     | OH    | 2026-06-30
                here         | diabetes        | 2     | IN    | 2026-07-01
                here         | diabetes        | 3     | -     | -
                here         | documented_need | 1     | OH    | 2026-01-01
            """,
            "raw.eligibility": table([
                {"person_id": who, "birth_date": "1985-01-01", "enrollment_start_date": "2015-01-01", "state": home}
                for who, home in {"ann": "OH", "bea": "IN", "cal": "TX", "dee": "OH", "eve": "TX"}.items()
            ]),
            "raw.medical_claim": claims(
                *with_diabetes("ann", "bea", "cal"), claim("dee", 300, "Z5941"), claim("eve", 9, "Z5941"),
            ),
        },
        expect="""
            member_key | gap_code        | window_start_date | programme_id
            1          | COMMUNITY_OFFER | 2026-06-30        | here
            4          | COMMUNITY_NEED  | 2026-01-01        | here
        """,
    )  # fmt: skip


def test_the_seed_is_the_published_programme():
    """5.2: the states and the day of the announcement; the nation's day is marked as assumed."""
    [programme] = [p for p in read_programmes().values() if "community_resource" in p.gap_families]
    first, nation = programme.phases
    assert (str(first.start), first.states, first.is_assumed) == (
        "2023-06-01",
        ("NC", "NE", "NJ", "NM", "NY", "TX", "LA"),
        False,
    )
    assert (str(nation.start), nation.states, nation.is_assumed) == ("2023-10-01", (), True)
    assert {"diabetes", "pregnant_tier_a"} <= set(programme.populations)


# Pregnancy --------------------------------------------------------------------------------------------------------

# Ann, bea and the others are in week 31 by two dated weeks, tier A: 17 + 206 = 223 days and 10 + 213 = 223.
WOMEN = {"gender": "female", "birth_date": "1995-01-01"}


def test_the_offer_in_a_pregnancy_needs_tier_a(story):
    """5.2: PREGNANT_TIER_A. One dated week alone is less; severe conditions are a clinician's; stale evidence is none.

    The window is that of a pregnancy one may speak of: day 35 (2025-11-19 + 35) to day 287.
    """
    story(
        given=NO_REFERRAL
        | {
            "raw.eligibility": people("ann", "bea", "cal", "dee", "eve", **WOMEN),
            "raw.medical_claim": claims(
                *pregnant("ann"), claim("bea", 10, "Z3A30"),
                *pregnant("cal"), claim("cal", 2, "O1413"),
                claim("dee", 60, "Z3A23"), claim("dee", 53, "Z3A24"),
                *pregnant("eve"), *with_diabetes("eve"),
            ),
        },
        expect=f"""
            member_key | gap_code                 | subject | severity | window_start_date | window_end_date | reason
            1          | COMMUNITY_OFFER_MATERNAL | {ANY}   | 10       | 2025-12-24        | 2026-09-02      | {OFFER}
            5          | COMMUNITY_OFFER          | {ANY}   | 10       | 2026-01-01        | 2026-12-31      | {OFFER}
        """,
    )  # fmt: skip


PLACES = {
    "core.pharmacy": """
        npi   | state | zip_code | is_valid_npi | is_open | is_mail_order | weekly_capacity
        north | TX    | 78701    | yes          | yes     | no            | 25
    """,
    "core.npi": "npi | is_valid\nnorth | yes",
}
OUT = {
    "raw.state_gap": f"""
        gap_id | person_id | gap_family         | gap_code                 | subject | status | window_start_date | window_end_date | opened_date | closed_date
        a1     | ann       | community_resource | COMMUNITY_OFFER_MATERNAL | {ANY}   | open   | {ago(188)}        | {ago(-64)}      | {ago(9)}    | -
        b1     | bea       | community_resource | COMMUNITY_OFFER          | {ANY}   | open   | {ago(180)}        | {ago(-184)}     | {ago(9)}    | -
    """,
    "raw.state_release": f"""
        gap_id | pharmacy_npi | state | person_id | gap_code                 | first_listed_date | last_listed_date | recalled_date
        a1     | north        | TX    | ann       | COMMUNITY_OFFER_MATERNAL | {ago(9)}          | {ago(1)}         | -
        b1     | north        | TX    | bea       | COMMUNITY_OFFER          | {ago(9)}          | {ago(1)}         | -
    """,
}


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_loss_takes_the_row_away_the_same_night_and_says_nothing(story, is_lost):
    """1.7, L2 and L7. Ann is asked because of the pregnancy alone, bea because of her diabetes, cal because of a need.

    A denied claim three weeks back is enough. Bea's and cal's rows stay as they were; the recall of ann's gives no reason.
    """
    losses = [claim(who, 21, "O039", claim_status="denied") for who in ("ann", "bea", "cal")] if is_lost else []
    story(
        given={
            "raw.eligibility": people("ann", "bea", "cal", **WOMEN, phone="512-555-0100", zip_code="78701"),
            # Nothing but these three gaps: what maternal care asks is told elsewhere.
            "gaps.prenatal_supply": "member_key\n",
            "gaps.diabetes": "member_key\n",
            "raw.medical_claim": claims(
                *pregnant("ann"), *pregnant("bea"), *pregnant("cal"), *with_diabetes("bea"), claim("cal", 9, "Z5941"), *losses
            ),
        }
        | PLACES
        | OUT,
        expect={
            MODEL: f"""
                member_key | gap_code                 | subject         | need_tier
                {'' if is_lost else f'1 | COMMUNITY_OFFER_MATERNAL | {ANY} | none'}
                2          | COMMUNITY_OFFER          | {ANY}           | none
                3          | COMMUNITY_NEED           | food-insecurity | documented
            """,
            "outreach.ledger": f"""
                person_id | gap_code                 | status
                {'' if is_lost else 'ann | COMMUNITY_OFFER_MATERNAL | open'}
                bea       | COMMUNITY_OFFER          | open
                cal       | COMMUNITY_NEED           | open
            """,
            "outreach.worklist": f"""
                person_id | gap_code                 | expires_date
                {'' if is_lost else f'ann | COMMUNITY_OFFER_MATERNAL | {ago(-2)}'}
                bea       | COMMUNITY_OFFER          | -
                cal       | COMMUNITY_NEED           | -
            """,
            "outreach.recall": f"""
                gap_id | recalled_date | reason
                {f'a1 | {ago(0)} | NOT_ELIGIBLE' if is_lost else ''}
            """,
        },
    )  # fmt: skip


@pytest.mark.parametrize("text", [OFFER, *(entry.words or "" for entry in read_social_needs().categories.values())])
def test_words_fit_rule_l6(text):
    """1.7, L6: no word of a pregnancy, a baby or a due date; of diapers and seats speaks maternal care alone."""
    assert not re.search(r"pregnan|baby|due date", text, re.IGNORECASE)
