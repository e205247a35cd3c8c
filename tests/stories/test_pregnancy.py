"""Pregnancies as claims tell them, as stories: maternal 1.2 to 1.6 and 1.8.

Members are women of 31 unless a story says otherwise. `Z3A20` is week 20, which implies 7 * 20 + 3 = 143 days since the
LMP; the gestational age on the as-of date is that and the days since the claim (see `maternal.py`).
"""

from __future__ import annotations

import pytest

from tests.stories.maternal import ago, claim, claims, told, women

MODEL = "outreach.pregnancy"
AS_OF = "2026-06-30"
EVIDENCE = "facts.pregnancy_evidence"
OUTCOME = "facts.pregnancy_outcome"
PREGNANCY = "facts.pregnancy"

OFFICE = {"hcpcs_code": "99213"}


# Evidence: what each code says (maternal 1.6, step 2)

# Code -> class, fewest, likely and most days since the LMP on the day of service, as the page's table has them.
DAYS = {
    "Z3A08": (1, 56, 59, 62),
    "Z3A20": (1, 140, 143, 146),
    "Z3A42": (1, 294, 297, 300),
    "Z3A49": (1, 295, 301, 308),
    "Z3A01": (2, 28, 42, 55),
    "Z3682": (3, 77, 88, 97),
    "Z3685": (3, 245, 255, 266),
    "O480": (3, 281, 287, 294),
    "O481": (3, 295, 301, 308),  # ours: beyond 42 completed weeks, as Z3A49
    "Z3401": (4, 28, 63, 97),
    "Z3402": (4, 98, 147, 195),
    "Z3403": (4, 196, 238, 287),
    "O09511": (4, 28, 63, 97),
    "Z331": (5, 28, 56, 140),
    "Z3201": (5, 28, 56, 140),
    "Z3400": (5, 28, 56, 140),
    "O0990": (5, 28, 56, 140),
    "Z3A00": (5, 28, 56, 140),
}
SERVICES = {
    "76813": (3, 77, 88, 97),
    "76811": (3, 126, 140, 160),
    "90384": (3, 182, 196, 217),
    "J2790": (3, 182, 196, 217),
    "87653": (3, 245, 255, 266),
    "87081": (3, 245, 255, 266),
}


def implied(days: dict[str, tuple[int, int, int, int]]) -> str:
    """Each code's class and the LMPs that it allows, for a service on the as-of date."""
    rows = [
        f"{code} | {kind} | {ago(most)} | {ago(likely)} | {ago(fewest)} | yes"
        for code, (kind, fewest, likely, most) in days.items()
    ]
    return "\n".join(["code | evidence_class | earliest_lmp_date | lmp_date | latest_lmp_date | is_counted", *rows])


def test_every_diagnosis_says_how_far_the_pregnancy_is(story):
    """Maternal 1.6, step 2."""
    story(model=EVIDENCE, given=told(*(claim("ann", 0, code) for code in DAYS)), expect=implied(DAYS))


def test_some_services_say_how_far_the_pregnancy_is(story):
    """Class 3. The office visit makes the claim none of a laboratory; supervision (Z34.90) ties the culture to pregnancy."""
    lines = [
        claim("ann", 0, "Z3490", claim_id=code, claim_line_number=line, hcpcs_code=service)
        for code in SERVICES
        for line, service in (("1", code), ("2", "99213"))
    ]
    supervision = [f"Z3490 | 5 | {ago(140)} | {ago(56)} | {ago(28)} | yes"] * len(SERVICES)
    story(model=EVIDENCE, given=told(*lines), expect="\n".join([implied(SERVICES), *supervision]))


def test_codes_that_are_no_evidence(story):
    """Maternal 1.2: negative and unconfirmed tests, fertility care, history, a carrier's and postpartum codes."""
    codes = [
        "Z3202", "Z3200", "Z3141", "Z333", "Z8759", "N96", "Z391", "Z98891", "O0281", "O200", "O039", "O701", "Z370",
    ]  # fmt: skip
    story(model=EVIDENCE, given=told(*(claim(code.lower(), 0, code) for code in codes)), expect="")


def test_the_strongest_meaning_of_a_code_is_the_only_one(story):
    """Maternal 1.2, precedence: O48.0 is a timed code before it is a condition, Z36.82 before it is a screening."""
    story(
        model=EVIDENCE,
        given=told(claim("ann", 0, "O480"), claim("ann", 0, "Z3682"), claim("ann", 0, "Z3681")),
        expect="""
            code  | value_set                  | evidence_class
            O480  | pregnancy_procedure_timing | 3
            Z3682 | pregnancy_procedure_timing | 3
            Z3681 | pregnancy_state            | 5
        """,
    )


# What does not count (maternal 1.6, step 1; 1.8)

LEFT_OUT = {
    "a laboratory's place of service": (
        [claim("ann", 9, "Z3A20", place_of_service_code="81", hcpcs_code="99000")],
        "Z3A20 | diagnostic_claim",
    ),
    "laboratory services alone": (
        [
            claim("ann", 9, "Z3A20", claim_id="L", claim_line_number="1", hcpcs_code="80055"),
            claim("ann", 9, "Z3A20", claim_id="L", claim_line_number="2", hcpcs_code="88150"),
        ],
        "Z3A20 | diagnostic_claim",
    ),
    "imaging alone": ([claim("ann", 9, "Z3A20", hcpcs_code="76805")], "Z3A20 | diagnostic_claim"),
    # 1.8: the dated examination counts, the week on its claim does not.
    "imaging that dates a pregnancy": (
        [claim("ann", 9, "Z3A20", hcpcs_code="76811")],
        "Z3A20 | diagnostic_claim\n76811 | -",
    ),
    "imaging that dates a pregnancy, by its diagnosis": ([claim("ann", 9, "Z3682", hcpcs_code="76801")], "Z3682 | -"),
    # 1.8 spares imaging alone: what a laboratory says of group B streptococcus stays out.
    "a laboratory's strep test": (
        [claim("ann", 9, "Z3685", hcpcs_code="87653", place_of_service_code="81")],
        "Z3685 | diagnostic_claim\n87653 | diagnostic_claim",
    ),
    "imaging and laboratory on one bill": (
        [
            claim("ann", 9, "Z3A20", claim_id="L", claim_line_number="1", hcpcs_code="76811"),
            claim("ann", 9, "Z3A20", claim_id="L", claim_line_number="2", hcpcs_code="81001"),
        ],
        "Z3A20 | diagnostic_claim\n76811 | -",
    ),
    "a laboratory line beside a visit": (
        [
            claim("ann", 9, "Z3A20", claim_id="L", claim_line_number="1", hcpcs_code="81001"),
            claim("ann", 9, "Z3A20", claim_id="L", claim_line_number="2", hcpcs_code="99213"),
        ],
        "Z3A20 | -",
    ),
    # J02.0, a sore throat: the culture is the same code.
    "a culture of the throat": (
        [
            claim("ann", 9, "J020", claim_id="L", claim_line_number="1", hcpcs_code="87081"),
            claim("ann", 9, "J020", claim_id="L", claim_line_number="2", hcpcs_code="99213"),
        ],
        "87081 | unspecific_test",
    ),
    "a negative test": (
        [
            claim("ann", 9, "Z3202", claim_id="L", claim_line_number="1", hcpcs_code="90384"),
            claim("ann", 9, "Z3202", claim_id="L", claim_line_number="2", hcpcs_code="99213"),
        ],
        "90384 | negative_test",
    ),
    "an unconfirmed test": ([claim("ann", 9, "Z3200", hcpcs_code="90384")], "90384 | negative_test"),
    "a negative test beside a week": ([claim("ann", 9, "Z3202 Z3A08", **OFFICE)], "Z3A08 | -"),
    "denied": ([claim("ann", 9, "Z3A20", claim_status="denied")], "Z3A20 | not_paid"),
    "pended": ([claim("ann", 9, "Z3A20", claim_status="pended")], "Z3A20 | not_paid"),
    "reversed": ([claim("ann", 9, "Z3A20", claim_status="reversed")], "Z3A20 | not_paid"),
    "adjusted": ([claim("ann", 9, "Z3A20", claim_status="adjusted")], "Z3A20 | -"),
    "a void alone": (
        [claim("ann", 9, "Z3A20", claim_type="institutional", bill_type_code="138")],
        "Z3A20 | not_paid",
    ),
}


@pytest.mark.parametrize(("lines", "rows"), LEFT_OUT.values(), ids=LEFT_OUT.keys())
def test_what_counts_as_evidence(story, lines, rows):
    """Maternal 1.6, step 1, and 1.8; denied and pended claims count for suppression only."""
    story(model=EVIDENCE, given=told(*lines), expect=f"code | left_out_reason\n{rows}")


def test_a_service_after_the_as_of_date_is_not_known_yet(story):
    """Maternal 1.6: service dates through the as-of date."""
    story(given=told(claim("ann", -1, "Z3A20"), claim("bea", 0, "Z3A20")), expect="person_id\nbea")


def test_fills_alone_are_no_pregnancy(story):
    """Maternal 1.6, step 7: a prenatal vitamin never makes one."""
    story(
        given={
            "raw.eligibility": women("ann"),
            "raw.drug": "ndc_code | ingredients | is_prenatal_vitamin\npnv | folic acid;iron | yes",
            "raw.pharmacy_claim": f"person_id | dispensing_date | ndc_code | days_supply\nann | {ago(9)} | pnv | 30",
        },
        expect="",
    )


# LMP (maternal 1.6, step 4)


def test_the_lmp_is_the_median_of_dated_weeks(story):
    """Odd: 30 + 143 = 173, 20 + 157 = 177, 10 + 164 = 174; 174 is the middle one. Spread 177 - 173 = 4.

    Even: 177 and 174; half of three days later than 177 is one day, rounded down. Two claims of one day and week are one.
    """
    story(
        model=PREGNANCY,
        given=told(
            claim("1-odd", 30, "Z3A20"),
            claim("1-odd", 20, "Z3A22"),
            claim("1-odd", 10, "Z3A23"),
            claim("2-even", 20, "Z3A22"),
            claim("2-even", 10, "Z3A23"),
            claim("2-even", 10, "Z3A23"),
        ),
        expect=f"""
            member_key | lmp_date   | edd_date    | gestational_age_days | lmp_spread_days | tier
            1          | {ago(174)} | {ago(-106)} | 174                  | 4               | A
            2          | {ago(176)} | {ago(-104)} | 176                  | 3               | A
        """,
    )


def test_without_dated_weeks_the_middle_of_what_the_best_class_allows(story):
    """Half of the interval is rounded down; the least gestational age is its latest LMP.

    Two trimesters: the first 60 days ago allows 60 + 97 = 157 to 60 + 28 = 88, the second 10 days ago 205 to 108. Both
    allow 157 to 108; 157 - 49 // 2 = 133. They disagree: the first 20 days ago allows 117 to 48, the third 10 days ago
    297 to 206; half-way between the points 20 + 63 = 83 and 10 + 238 = 248 lies 248 - 165 // 2 = 166.
    Before 8 weeks: 10 days ago 65 to 38, 65 - 27 // 2 = 52. Without timing: 5 days ago 145 to 33, 145 - 112 // 2 = 89.
    A timed examination: 10 days ago 170 to 136, 170 - 34 // 2 = 153, whatever the trimester says.
    """
    story(
        model=PREGNANCY,
        given=told(
            claim("1-trimesters", 60, "Z3401"),
            claim("1-trimesters", 10, "Z3402"),
            claim("2-disagree", 20, "Z3401"),
            claim("2-disagree", 10, "Z3403"),
            claim("3-early", 10, "Z3A01"),
            claim("4-untimed", 5, "Z331"),
            claim("5-timed", 10, hcpcs_code="76811"),
            claim("5-timed", 5, "Z3401"),
        ),
        expect="""
            member_key | gestational_age_days | least_gestational_age_days | lmp_spread_days | tier | status
            1          | 133                  | 108                        | 0               | B    | current
            2          | 166                  | 163                        | 0               | C    | current
            3          | 52                   | 38                         | 0               | C    | current
            4          | 89                   | 33                         | 0               | C    | current
            5          | 153                  | 136                        | 0               | C    | current
        """,
    )


def test_evidence_without_timing_dates_a_pregnancy_where_it_first_occurs(story):
    """Class 5: 50 days ago 190 to 78, 190 - 112 // 2 = 134. The later code only says that it goes on."""
    story(
        given=told(claim("ann", 50, "Z331"), claim("ann", 5, "Z331")),
        expect=f"""
            lmp_date   | gestational_age_days | last_evidence_date | tier | status
            {ago(134)} | 134                  | {ago(5)}           | C    | current
        """,
    )


def test_a_dated_week_goes_before_any_other_evidence(story):
    """Week 8, 59 days, 10 days ago: 69. The other codes would say 5 + 147 = 152 or 20 + 56 = 76."""
    story(
        given=told(claim("ann", 20, "Z3201"), claim("ann", 10, "Z3A08"), claim("ann", 5, "Z3402")),
        expect="gestational_age_days\n69",
    )


def test_a_leap_day(story):
    """29 February 2028 less 143 days: 60 days back is 31 December, 83 more 9 October. 280 days on: 84 to 1 January, 196
    more, in a leap year, to 15 July. On 1 March the pregnancy is one day older than week 20 and three days."""
    story(
        as_of="2028-03-01",
        given={
            "raw.eligibility": women("ann"),
            "raw.medical_claim": "person_id | claim_start_date | diagnosis_code_1\nann | 2028-02-29 | Z3A20",
        },
        expect="""
            lmp_date   | edd_date   | gestational_age_days | last_evidence_date
            2027-10-09 | 2028-07-15 | 144                  | 2028-02-29
        """,
    )


# Tiers (maternal 1.6, step 7; 1.8)

TIERS = {
    # A dated week and another day a week apart. 17 + 143 = 160, 10 + 150 = 160.
    "seven days apart": (["17 Z3A20", "10 Z3A21"], "A", 160),
    # 16 + 143 = 159, 10 + 150 = 160; half of one day is none.
    "six days apart": (["16 Z3A20", "10 Z3A21"], "B", 160),
    "seven days apart, one without timing": (["17 Z3A20", "10 Z3490"], "A", 160),
    "six days apart, one without timing": (["16 Z3A20", "10 Z3490"], "B", 159),
    # 30 + 143 = 173 and 16 + 143 = 159; the middle is 173 - 7.
    "a spread of 14": (["30 Z3A20", "16 Z3A20"], "A", 166),
    # 174 and 159; 174 - 15 // 2 = 167.
    "a spread of 15": (["31 Z3A20", "16 Z3A20"], "B", 167),
    # 38 + 143 = 181 and 153; 181 - 14.
    "a spread of 28": (["38 Z3A20", "10 Z3A20"], "B", 167),
    # 182 and 153; 182 - 14.
    "a spread of 29": (["39 Z3A20", "10 Z3A20"], "X", 168),
    "one dated week": (["10 Z3A20"], "C", 153),
    "one dated week on two claims of a day": (["10 Z3A20", "10 Z3A20"], "C", 153),
    # 20 days ago 117 to 48, 10 days ago 107 to 38; 107 - 59 // 2 = 78.
    "two days of one trimester": (["20 Z3401", "10 Z3401"], "B", 78),
    # 20 + 28 = 48 to 75, 10 + 28 = 38 to 65; 65 - 17 // 2 = 57.
    "two days before 8 weeks": (["20 Z3A01", "10 Z3A01"], "C", 57),
    # 20 days ago 160 to 48; 160 - 112 // 2 = 104.
    "two days without timing": (["20 Z331", "10 Z331"], "C", 104),
    # The trimester dates better: 10 days ago 107 to 38, 107 - 69 // 2 = 73.
    "a trimester and a day without timing": (["20 Z331", "10 Z3401"], "C", 73),
}


@pytest.mark.parametrize(("codes", "tier", "age"), TIERS.values(), ids=TIERS.keys())
def test_a_tier_says_how_sure_the_pregnancy_is(story, codes, tier, age):
    """Maternal 1.6, step 7, and 1.8; each code with the days since its claim."""
    lines = [claim("ann", int(days), code) for days, code in (c.split() for c in codes)]
    story(given=told(*lines), expect=f"tier | gestational_age_days | status\n{tier} | {age} | current")


# Recency and length (maternal 1.6, steps 5 and 6; 1.8)


def test_how_old_evidence_may_be(story):
    """42 days before 28 weeks, 35 from then on; what is stale has no tier. Week 10: 42 + 73 = 115, 43 + 73 = 116; week 28: 35 + 199 = 234, 235.

    The border of the two limits, day 196, with evidence 38 and 39 days old: 38 + 157 = 195, 39 + 157 = 196.
    """
    story(
        given=told(
            claim("early-42", 42, "Z3A10"),
            claim("early-43", 43, "Z3A10"),
            claim("late-35", 35, "Z3A28"),
            claim("late-36", 36, "Z3A28"),
            claim("day-195", 38, "Z3A22"),
            claim("day-196", 39, "Z3A22"),
        ),
        expect="""
            person_id | gestational_age_days | status  | tier
            early-42  | 115                  | current | C
            early-43  | 116                  | stale   | -
            late-35   | 234                  | current | C
            late-36   | 235                  | stale   | -
            day-195   | 195                  | current | C
            day-196   | 196                  | stale   | -
        """,
    )


def test_evidence_without_timing_does_not_keep_a_dated_pregnancy_fresh(story):
    """Maternal 1.6, step 6: classes 1 to 4. Ann's week is 50 days old; a trimester is fresh enough for bea."""
    story(
        given=told(
            claim("ann", 50, "Z3A10"),
            claim("ann", 5, "Z331"),
            claim("bea", 50, "Z3A10"),
            claim("bea", 5, "Z3402"),
        ),
        expect=f"""
            person_id | status  | tier | last_evidence_date
            ann       | stale   | -    | {ago(50)}
            bea       | current | A    | {ago(5)}
        """,
    )


def test_how_long_a_pregnancy_may_last(story):
    """Week 40 is 283 days: 4, 5, 11 and 12 days ago make 287, 288, 294 and 295."""
    story(
        given=told(claim("a", 4, "Z3A40"), claim("b", 5, "Z3A40"), claim("c", 11, "Z3A40"), claim("d", 12, "Z3A40")),
        expect="""
            person_id | gestational_age_days | status          | tier
            a         | 287                  | current         | C
            b         | 288                  | overdue         | C
            c         | 294                  | overdue         | C
            d         | 295                  | outcome_unknown | -
        """,
    )


def test_prolonged_pregnancy_is_beyond_outreach(story):
    """O48.1, beyond 42 weeks: 301 days. O48.0, 40 to 42 weeks, allows 281 to 294 on that day: 294 - 13 // 2 = 288."""
    story(
        given=told(claim("ann", 0, "O480"), claim("bea", 0, "O481")),
        expect="""
            person_id | gestational_age_days | status
            ann       | 288                  | overdue
            bea       | 302                  | outcome_unknown
        """,
    )


def test_evidence_counts_for_308_days(story):
    """Maternal 1.6: 308 days with the as-of date. Week 8 was 59 days: 307 + 59 = 366."""
    story(
        given=told(claim("ann", 307, "Z3A08"), claim("bea", 308, "Z3A08")),
        expect="""
            person_id | gestational_age_days | status
            ann       | 366                  | outcome_unknown
        """,
    )


# Who (maternal 1.6, step 0)

AGES = {
    # On 30 June 2026, by birthdays on that day and the day after.
    "eleven": ("2014-07-01", "age_mismatch", "age_mismatch"),
    "twelve": ("2014-06-30", "minor", "minor"),
    "seventeen": ("2008-07-01", "minor", "minor"),
    "eighteen": ("2008-06-30", "-", "-"),
    "fifty": ("1975-07-01", "-", "-"),
    "fifty-one": ("1975-06-30", "-", "age_unproven"),
    "fifty-five": ("1970-07-01", "-", "age_unproven"),
    "fifty-six": ("1970-06-30", "age_mismatch", "age_mismatch"),
}


@pytest.mark.parametrize(("birth_date", "tier_a", "tier_b"), AGES.values(), ids=AGES.keys())
def test_ages_that_may_be_spoken_to(story, birth_date, tier_a, tier_b):
    """18 to 50; 51 to 55 in tier A alone; 12 to 17 never without a care manager."""
    story(
        given={
            "raw.eligibility": women("ann", "bea", birth_date=birth_date),
            "raw.medical_claim": claims(
                claim("ann", 17, "Z3A20"),
                claim("ann", 10, "Z3A21"),
                claim("bea", 11, "Z3A20"),
                claim("bea", 10, "Z331"),
            ),
        },
        expect=f"person_id | tier | referral_reason\nann | A | {tier_a}\nbea | B | {tier_b}",
    )


@pytest.mark.parametrize(
    ("gender", "reason"),
    [("female", "-"), ("f", "-"), ("male", "sex_mismatch"), ("m", "sex_mismatch"), ("-", "sex_mismatch")],
)
def test_a_sex_that_does_not_fit_goes_to_a_person(story, gender, reason):
    """Maternal 1.6, step 0. An unknown sex is no F."""
    story(
        model=PREGNANCY,
        given={
            "raw.eligibility": women("ann", gender=gender),
            "raw.medical_claim": claims(claim("ann", 10, "Z3A20")),
        },
        expect=f"status | referral_reason\ncurrent | {reason}",
    )


def test_born_on_a_leap_day(story):
    """Eighteen on 1 March of a year that has no 29 February."""
    given = {
        "raw.eligibility": women("ann", birth_date="2008-02-29"),
        "raw.medical_claim": claims(claim("ann", 10, "Z3A20", as_of="2026-02-28")),
    }
    story(as_of="2026-02-28", given=given, expect="referral_reason\nminor")
    story(as_of="2026-03-01", given=given, expect="referral_reason\n-")


# One pregnancy or two (maternal 1.6, step 3)


def test_lmps_more_than_56_days_apart_are_two_pregnancies(story):
    """80 + 143 = 223 and 24 + 143 = 167 are 56 apart: one pregnancy, in conflict; 223 - 28 = 195.

    81 + 143 = 224 is 57 apart: the one seen last counts, alone.
    """
    story(
        given=told(
            claim("ann", 80, "Z3A20"), claim("ann", 24, "Z3A20"), claim("bea", 81, "Z3A20"), claim("bea", 24, "Z3A20")
        ),
        expect="""
            person_id | gestational_age_days | tier | status
            ann       | 195                  | X    | current
            bea       | 167                  | C    | current
        """,
    )


def test_the_pregnancy_seen_last_counts(story):
    """Seen, not begun: ann's week 30 (213 + 10 = 223) is younger evidence than week 20 (143 + 20 = 163), though older."""
    story(
        given=told(claim("ann", 20, "Z3A20"), claim("ann", 10, "Z3A30")),
        expect="gestational_age_days | tier\n223 | C",
    )


def test_only_the_two_best_classes_tell_pregnancies_apart(story):
    """A third trimester (62 + 238 = 300) disagrees with week 20 (10 + 143 = 153), yet is no pregnancy of its own."""
    story(
        given=told(claim("ann", 62, "Z3403"), claim("ann", 10, "Z3A20")),
        expect="gestational_age_days | tier\n153 | A",
    )


def test_weaker_evidence_belongs_to_a_pregnancy_from_its_conception_on(story):
    """Week 10, 10 days ago: LMP 83 days ago, conception 69. What was coded before that was another pregnancy's."""
    story(
        given=told(
            claim("ann", 69, "Z331"), claim("ann", 10, "Z3A10"), claim("bea", 70, "Z331"), claim("bea", 10, "Z3A10")
        ),
        expect="""
            person_id | gestational_age_days | tier
            ann       | 83                   | A
            bea       | 83                   | C
        """,
    )


def test_a_silence_of_more_than_300_days_parts_pregnancies(story):
    """301 days of silence: 5 days ago 145 to 33, 145 - 56 = 89. 300 days: 305 days ago 445 to 333, 445 - 56 = 389."""
    story(
        given=told(
            claim("ann", 306, "Z331"), claim("ann", 5, "Z331"), claim("bea", 305, "Z331"), claim("bea", 5, "Z331")
        ),
        expect="""
            person_id | gestational_age_days | status
            ann       | 89                   | current
            bea       | 389                  | outcome_unknown
        """,
    )


# How pregnancies ended (maternal 1.3 to 1.5)

# First and second code, days between them that make two outcomes, and what is left one day closer. Maternal 1.4.
SPACINGS = {
    "birth, then birth": ("Z370", "Z370", 182, "live_birth | first"),
    "birth, then stillbirth": ("Z370", "Z371", 168, "live_birth | first"),
    "birth, then delivery": ("Z370", "Z379", 168, "live_birth | first"),
    "birth, then ectopic pregnancy": ("Z370", "O009", 70, "live_birth | first"),
    "birth, then mole": ("Z370", "O019", 70, "live_birth | first"),
    "birth, then termination": ("Z370", "Z332", 70, "live_birth | first"),
    "birth, then miscarriage": ("Z370", "O039", 70, "live_birth | first"),
    "stillbirth, then birth": ("Z371", "Z370", 182, "live_birth | second"),
    "stillbirth, then miscarriage": ("Z371", "O039", 70, "stillbirth | first"),
    "delivery, then birth": ("Z379", "Z370", 182, "live_birth | second"),
    "delivery, then miscarriage": ("Z379", "O039", 70, "miscarriage | second"),
    "miscarriage, then birth": ("O039", "Z370", 168, "live_birth | second"),
    "miscarriage, then stillbirth": ("O039", "Z371", 154, "stillbirth | second"),
    "miscarriage, then delivery": ("O039", "Z379", 154, "miscarriage | first"),
    "miscarriage, then miscarriage": ("O039", "O039", 56, "miscarriage | first"),
    "ectopic pregnancy, then termination": ("O009", "Z332", 56, "ectopic | first"),
    "mole, then miscarriage": ("O019", "O039", 56, "molar | first"),
}


@pytest.mark.parametrize(("first", "second", "days", "left"), SPACINGS.values(), ids=SPACINGS.keys())
def test_how_soon_one_outcome_can_follow_another(story, first, second, days, left):
    """A candidate closer than the minimum is the same event; the kind of higher rank stands, of one kind the earlier."""
    story(
        model=OUTCOME,
        given=told(claim("ann", 300, first), claim("ann", 300 - days, second)),
        expect=f"outcome_number | end_date\n1 | {ago(300)}\n2 | {ago(300 - days)}",
    )
    outcome, which = left.split(" | ")
    story(
        model=OUTCOME,
        given=told(claim("ann", 300, first), claim("ann", 301 - days, second)),
        expect=f"outcome | end_date\n{outcome} | {ago(300 if which == 'first' else 301 - days)}",
    )


OUTCOMES = {
    # One day, several codes: the kind of highest rank.
    "birth and delivery": ([claim("ann", 50, "O701 Z370 Z379", hcpcs_code="59400")], "live_birth | 50"),
    "mixed birth": ([claim("ann", 50, "Z373")], "live_birth | 50"),
    "delivery alone": ([claim("ann", 50, hcpcs_code="59410")], "delivery | 50"),
    "anesthesia": ([claim("ann", 50, hcpcs_code="01967")], "delivery | 50"),
    "a group of the hospital": ([claim("ann", 50, claim_type="institutional", drg_code="807")], "delivery | 50"),
    "a procedure": (
        [claim("ann", 50, claim_type="institutional", procedure_code_1="10E0XZZ")],
        "delivery | 50",
    ),
    "retained products": ([claim("ann", 50, claim_type="institutional", procedure_code_1="10D17ZZ")], ""),
    "a tear alone": ([claim("ann", 50, "O701")], ""),
    "false labour": ([claim("ann", 50, "O479")], ""),
    # The loss is miscoded for measures (it is a loss for messages, whatever the measure says).
    "a birth soon after a loss": ([claim("ann", 150, "O039"), claim("ann", 50, "Z370")], "live_birth | 50"),
    # 56 days from the first one: 250 is dropped, 244 stands.
    "three in a row": (
        [claim("ann", 300, "O039"), claim("ann", 250, "O039"), claim("ann", 244, "O039")],
        "miscarriage | 300\nmiscarriage | 244",
    ),
    # Between two accepted ones, too close to the later: 120 days after, 40 before.
    "too close to the one after it": (
        [claim("ann", 290, "Z370"), claim("ann", 170, "O039"), claim("ann", 130, "Z332")],
        "live_birth | 290\ninduced | 170",
    ),
    # Maternal 1.5.4: the kind is that of the highest rank, the day that of the first code of the loss.
    "the first day of a loss": (
        [claim("ann", 40, "O021"), claim("ann", 38, hcpcs_code="S0190")],
        "induced | 40",
    ),
    "a denied birth": ([claim("ann", 50, "Z370", claim_status="denied")], "live_birth | 50"),
    "a voided birth": ([claim("ann", 50, "Z370", claim_status="reversed")], ""),
}


@pytest.mark.parametrize(("lines", "rows"), OUTCOMES.values(), ids=OUTCOMES.keys())
def test_outcomes(story, lines, rows):
    """Maternal 1.2 and 1.5."""
    expected = [f"{outcome} | {ago(int(days))}" for outcome, days in (r.split(" | ") for r in rows.split("\n") if r)]
    story(model=OUTCOME, given=told(*lines), expect="\n".join(["outcome | end_date", *expected]))


def test_births_are_given_from_12_to_55(story):
    """Maternal 1.5, on the day of the birth, 50 days before: 11 May 2026. An infant's own claims are no birth given."""
    ages = {"a": "2014-05-12", "b": "2014-05-11", "c": "1970-05-12", "d": "1970-05-11", "infant": "2026-05-11"}
    story(
        model=OUTCOME,
        given={
            "raw.eligibility": "\n".join(
                ["person_id | birth_date | enrollment_start_date | gender"]
                + [f"{name} | {birth} | 2020-01-01 | female" for name, birth in ages.items()]
                + ["man | 1990-01-01 | 2020-01-01 | male"]
            ),
            "raw.medical_claim": claims(*(claim(name, 50, "Z370 Z3800") for name in (*ages, "man"))),
        },
        expect="member_key | outcome\n2 | live_birth\n3 | live_birth",
    )


def test_a_birth_is_proven_by_a_paid_claim_near_it(story):
    """Hospital denied, doctor paid 14 days later: proven; 15 days later: not."""
    story(
        model=OUTCOME,
        given=told(
            claim("ann", 50, "Z370", claim_status="denied"),
            claim("ann", 36, hcpcs_code="59400"),
            claim("bea", 50, "Z370", claim_status="pended"),
            claim("bea", 35, hcpcs_code="59400"),
        ),
        expect="member_key | outcome | is_paid\n1 | live_birth | yes\n2 | live_birth | no",
    )


STARTS = {
    # The week nearest to the birth, 50 days ago: 52 + 276 = 328, not 60 + 269.
    "nearest week": (["60 Z3A38", "52 Z3A39", "50 Z370"], 328, 278),
    "a week after the birth, 7 days": (["60 Z3A38", "43 Z3A39", "50 Z370"], 319, 269),
    # 8 days after the birth the week is left-over coding: 60 + 269 = 329.
    "a week after the birth, 8 days": (["60 Z3A38", "42 Z3A39", "50 Z370"], 329, 279),
    "a trimester where there is no week": (["60 Z3403", "50 Z370"], 298, 248),
    "what is usual where there is neither": (["50 Z370"], 320, 270),
    # 17 days before the birth 143 days, 160 at the birth: too short for a live birth, at least 161.
    "too short": (["67 Z3A20", "50 Z370"], 320, 270),
    "short": (["68 Z3A20", "50 Z370"], 211, 161),
    # 290 days and 18: 308 at most.
    "long": (["68 Z3A41", "50 Z370"], 358, 308),
    "too long": (["69 Z3A41", "50 Z370"], 320, 270),
    "a stillbirth's usual length": (["50 Z371"], 244, 194),
    "a miscarriage's": (["50 O039"], 120, 70),
    "an ectopic pregnancy's": (["50 O009"], 106, 56),
    "a mole's": (["50 O019"], 120, 70),
    "a termination's": (["50 Z332"], 120, 70),
    "a delivery's": (["50 Z379"], 320, 270),
}


@pytest.mark.parametrize(("codes", "began", "length"), STARTS.values(), ids=STARTS.keys())
def test_when_an_ended_pregnancy_began(story, codes, began, length):
    """Maternal 1.5, step 5, and 1.3; a dated week counts to the 7th day after the end, from the longest pregnancy before."""
    lines = [claim("ann", int(days), code) for days, code in (c.split() for c in codes)]
    story(
        given=told(*lines),
        expect=f"episode | lmp_date | gestational_age_days | end_date\n1 | {ago(began)} | {length} | {ago(50)}",
    )


def test_no_pregnancy_begins_before_the_recovery_from_the_last(story):
    """Births 300 and 118 days ago: 118 + 270 would be 388 days ago; 28 days after the first birth is 272, the next 271."""
    story(
        given=told(claim("ann", 300, "Z370"), claim("ann", 118, "Z370")),
        expect=f"episode | lmp_date\n1 | {ago(570)}\n2 | {ago(271)}",
    )


def test_a_new_pregnancy_begins_after_the_recovery_from_the_last(story):
    """Births 90 days ago: nothing begins until 28 days later, 62 days ago, so 61 days ago is the first LMP.

    Without timing, at least 28 days: 34 days ago allows 62 at the latest, which is too early; 33 days ago 61. A first
    trimester 20 days ago allows 117 to 48, of which 61 to 48 is left: 61 - 13 // 2 = 55. Births 200 days ago, the first
    LMP 171 days ago: week 20, 140 days at least, 32 days ago allows 172, 31 days ago 171.
    """
    story(
        given=told(
            claim("ann", 90, "Z370"),
            claim("ann", 34, "Z331"),
            claim("bea", 90, "Z370"),
            claim("bea", 33, "Z331"),
            claim("cal", 90, "Z370"),
            claim("cal", 20, "Z3401"),
            claim("dee", 200, "Z370"),
            claim("dee", 32, "Z3A20"),
            claim("eve", 200, "Z370"),
            claim("eve", 31, "Z3A20"),
        ),
        expect="""
            person_id | episode | status  | gestational_age_days
            ann       | 1       | ended   | 270
            bea       | 1       | ended   | 270
            bea       | 2       | current | 61
            cal       | 1       | ended   | 270
            cal       | 2       | current | 55
            dee       | 1       | ended   | 270
            eve       | 1       | ended   | 270
            eve       | 2       | current | 171
        """,
    )


def test_a_week_that_began_before_the_last_birth_is_left_over(story):
    """Maternal 1.6, step 5: an outcome after LMP + 14. Weeks 39 and 40 are coded 35 and 42 days after the birth."""
    story(
        given=told(claim("ann", 60, "Z370"), claim("ann", 25, "Z3A39"), claim("ann", 18, "Z3A40")),
        expect="episode | status | outcome\n1 | ended | live_birth",
    )


def test_the_next_pregnancy_after_a_birth(story):
    """Birth 200 days ago; weeks 8 and 12, 40 + 59 = 99 and 12 + 87 = 99, began 101 days after it."""
    story(
        given=told(claim("ann", 200, "Z370"), claim("ann", 40, "Z3A08"), claim("ann", 12, "Z3A12")),
        expect="""
            episode | status  | tier | gestational_age_days | outcome
            1       | ended   | -    | 270                  | live_birth
            2       | current | A    | 99                   | -
        """,
    )


# Status (maternal 1.8)


def test_every_status(story):
    """Weeks 20, 40 and 42 as above. Fay's infant was born 5 days ago on her policy; gus has postpartum care on claims."""
    story(
        given={
            "raw.medical_claim": claims(
                claim("ann-current", 10, "Z3A20"),
                claim("bea-overdue", 5, "Z3A40"),
                claim("cal-stale", 43, "Z3A10"),
                claim("dee-ended", 20, "Z370"),
                claim("eve-suppressed", 30, "Z3A08"),
                claim("eve-suppressed", 20, "O039"),
                claim("fay-newborn", 10, "Z3A38"),
                claim("gia-postpartum", 20, "Z3A38"),
                claim("gia-postpartum", 3, "Z392"),
                claim("hal-too-long", 10, "Z3A42"),
            ),
            "raw.eligibility": f"""
                person_id      | birth_date | gender | enrollment_start_date | subscriber_id
                ann-current    | 1995-01-01 | female | 2020-01-01            | 1
                bea-overdue    | 1995-01-01 | female | 2020-01-01            | 2
                cal-stale      | 1995-01-01 | female | 2020-01-01            | 3
                dee-ended      | 1995-01-01 | female | 2020-01-01            | 4
                eve-suppressed | 1995-01-01 | female | 2020-01-01            | 5
                fay-newborn    | 1995-01-01 | female | 2020-01-01            | 6
                gia-postpartum | 1995-01-01 | female | 2020-01-01            | 7
                hal-too-long   | 1995-01-01 | female | 2020-01-01            | 8
                infant         | {ago(5)}   | female | {ago(5)}              | 6
            """,
        },
        expect="""
            person_id      | status          | tier
            ann-current    | current         | C
            bea-overdue    | overdue         | C
            cal-stale      | stale           | -
            dee-ended      | ended           | -
            eve-suppressed | suppressed      | -
            fay-newborn    | outcome_unknown | -
            gia-postpartum | outcome_unknown | -
            hal-too-long   | outcome_unknown | -
        """,
    )


OVER = {
    # Postpartum care on or after the first evidence, whatever its payment, not voided.
    "postpartum care": ([claim("ann", 10, "Z3A38"), claim("ann", 10, "Z392")], True),
    "a complication of the puerperium": ([claim("ann", 10, "Z3A38"), claim("ann", 3, "O864")], True),
    "a title that says puerperium": ([claim("ann", 10, "Z3A38"), claim("ann", 3, "O99335")], True),
    "a postpartum visit": ([claim("ann", 10, "Z3A38"), claim("ann", 3, hcpcs_code="59430")], True),
    "denied": ([claim("ann", 10, "Z3A38"), claim("ann", 3, "Z392", claim_status="denied")], True),
    "voided": ([claim("ann", 10, "Z3A38"), claim("ann", 3, "Z392", claim_status="reversed")], False),
    "postpartum care of before": ([claim("ann", 11, "Z391"), claim("ann", 10, "Z3A38")], False),
    "history": ([claim("ann", 10, "Z3A38"), claim("ann", 3, "Z8759")], False),
}


@pytest.mark.parametrize(("lines", "is_over"), OVER.values(), ids=OVER.keys())
def test_postpartum_care_says_that_a_pregnancy_is_over(story, lines, is_over):
    """Maternal 1.6, step 5: without an accepted outcome nobody knows how it ended. Week 38, 269 days, 10 days ago: 279."""
    story(given=told(*lines), expect=f"status\n{'outcome_unknown' if is_over else 'current'}")


def test_a_newborn_of_the_family_says_that_a_pregnancy_is_over(story):
    """Week 39 on the as-of date, 276 days: a child born on the policy since the conception, 262 days ago, is hers.

    One of the day before that is another's, and so is one of another policy or of nobody knows which.
    """
    births = {
        "ann": (262, "1", "1"),
        "bea": (263, "2", "2"),
        "cal": (3, "3", "9"),
        "dee": (3, "-", "-"),
        "eve": (0, "5", "5"),
    }
    people = [
        f"{who} | 1995-01-01 | {policy}\n{who}-infant | {ago(days)} | {infants}"
        for who, (days, policy, infants) in births.items()
    ]
    story(
        given={
            "raw.eligibility": "\n".join(["person_id | birth_date | subscriber_id", *people]),
            "raw.medical_claim": claims(*(claim(who, 0, "Z3A39") for who in births)),
        },
        expect="""
            person_id | status
            ann       | outcome_unknown
            bea       | current
            cal       | current
            dee       | current
            eve       | outcome_unknown
        """,
    )
