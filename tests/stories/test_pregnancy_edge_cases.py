"""The edge cases that the specification names (section 7) as far as pregnancies go, each told as it is written there.

3, a back-dated loss, and 19, a void after a loss, are told in `test_loss_suppression.py`. 9 and 12 to 15 belong elsewhere.
"""

from __future__ import annotations

import datetime
import re

import pytest

from assets.engine.report import write_report
from tests.stories.maternal import AS_OF, ago, claim, claims, gaps_of, table, told, women
from tests.story import build_models, give

MODEL = "outreach.pregnancy"
LEDGER = "outreach.ledger"


def test_edge_case_01_consistent_weeks_on_three_dates_are_tier_a(story):
    """24 + 143 = 167, 14 + 150 = 164, 3 + 164 = 167: the median is 167, three days of spread, so the LMP is within 7 days."""
    story(
        model="facts.pregnancy",
        given=told(claim("ann", 24, "Z3A20"), claim("ann", 14, "Z3A21"), claim("ann", 3, "Z3A23")),
        expect=f"""
            status  | tier | lmp_date   | gestational_age_days | lmp_spread_days
            current | A    | {ago(167)} | 167                  | 3
        """,
    )


def test_edge_case_02_a_missed_abortion_the_week_after(teller):
    """Week 20, then O02.1 seven days later: until then there are rows, from that night on there are none."""
    weeks = [claim("ann", 21, "Z3A18"), claim("ann", 7, "Z3A20")]
    review = {
        "raw.drug": "ndc_code | ingredients\nisotretinoin | isotretinoin",
        "raw.pharmacy_claim": f"person_id | dispensing_date | ndc_code | days_supply\nann | {ago(20)} | isotretinoin | 30",
    }
    assert {"PNV_NONE", "MED_REVIEW_TODAY"} <= gaps_of(teller, told(*weeks) | review, ago(1))["ann"].keys()
    assert gaps_of(teller, told(*weeks, claim("ann", 0, "O021")) | review) == {}


def test_edge_case_04_a_negative_test_alone_is_no_pregnancy(story):
    """Z32.02, and nothing else."""
    story(
        given=told(claim("ann", 5, "Z3202", hcpcs_code="99213")),
        expect={MODEL: "", "outreach.suppression": "", LEDGER: ""},
    )


def test_edge_case_05_a_newborn_billed_under_the_mothers_number(story):
    """P07 or Z38, or the hospital's group of a newborn, without Z37: no pregnancy goes on; a delivery is proposed."""
    story(
        given=told(
            *(claim(who, 20, "Z3A34") for who in ("ann", "bea", "cal")),
            claim("ann", 9, "P0737"),
            claim("bea", 9, "Z3800"),
            claim("cal", 9, claim_type="institutional", bill_type_code="111", drg_code="790"),
        ),
        # 20 + 241 = 261 days ago.
        expect=f"""
            person_id | status | outcome  | end_date | lmp_date
            ann       | ended  | delivery | {ago(9)} | {ago(261)}
            bea       | ended  | delivery | {ago(9)} | {ago(261)}
            cal       | ended  | delivery | {ago(9)} | {ago(261)}
        """,
    )


def test_edge_case_06_twins_one_of_them_stillborn(story):
    """Z37.3: a live birth for measures, a loss for messages. Bea's twins live."""
    given = told(claim("ann", 20, "Z373 Z3A36"), claim("bea", 20, "Z372 Z3A36"), claim("bea", 1, "R059"))
    story(
        given=given,
        expect={
            "facts.pregnancy_outcome": "member_key | outcome | is_paid\n1 | live_birth | yes\n2 | live_birth | yes",
            MODEL: "person_id | status | outcome\nann | suppressed | live_birth\nbea | ended | live_birth",
            "outreach.suppression": "person_id | rule | proof_lag_days | released_by\nann | L1 | 28 | -",
            LEDGER: """
                person_id | gap_code
                bea       | BREAST_PUMP
                bea       | POSTPARTUM_VISIT
                bea       | PP_DEPRESSION_SCREEN
            """,
        },
    )


def test_edge_case_07_a_week_20_days_after_a_loss_and_a_new_pregnancy(story):
    """Loss on day 0, Z3A.01 on day 20: suppressed. Weeks 8 and 12 on days 80 and 108: both began on day 21 (80 - 59,
    108 - 87), more than 14 days after the loss; on day 110 the pregnancy is 89 days old."""
    loss, early = claim("ann", 110, "O039", claim_id="LOSS"), claim("ann", 90, "Z3A01")
    story(
        given=told(loss, early),
        as_of=ago(89),
        expect={
            MODEL: "episode | status | tier | outcome\n1 | suppressed | - | miscarriage",
            "outreach.suppression": "rule | released_by\nL1 | -",
        },
    )
    story(
        given=told(loss, early, claim("ann", 30, "Z3A08")),
        expect={
            MODEL: """
                episode | status     | tier | outcome
                1       | suppressed | -    | miscarriage
                2       | suppressed | -    | -
            """,
            "outreach.suppression": "rule | released_by\nL1 | -",
        },
    )
    story(
        given=told(loss, early, claim("ann", 30, "Z3A08"), claim("ann", 2, "Z3A12", claim_id="PROOF")),
        expect={
            MODEL: f"""
                episode | status  | tier | outcome     | lmp_date   | gestational_age_days
                1       | ended   | -    | miscarriage | {ago(180)} | 70
                2       | current | A    | -           | {ago(89)}  | 89
            """,
            "outreach.suppression": "rule | released_by\nL1 | PROOF",
            "facts.pregnancy_evidence": """
                code  | left_out_reason
                Z3A01 | after_loss
                Z3A08 | -
                Z3A12 | -
            """,
        },
    )


def test_edge_case_08_fifteen_days_past_the_expected_date(story):
    """12 + 283 = 295 days, 280 and 15: nobody knows, so nothing is said."""
    story(
        given=told(claim("ann", 19, "Z3A39"), claim("ann", 12, "Z3A40")),
        expect={MODEL: f"status | tier | edd_date\noutcome_unknown | - | {ago(15)}", LEDGER: ""},
    )


@pytest.mark.parametrize("code", ["O1414", "O1413", "O1420", "O1500"])
def test_edge_case_10_severe_preeclampsia_is_a_clinicians(story, code):
    """O14.1, O14.2 and O15 of a pregnancy that goes on: no row on any list, one for a clinician today.

    O14.14 says childbirth besides, without proof of it: claims in conflict, of which the last week is 10 days old.
    """
    conflict = f"care_management | ann | conflicting_evidence | soon | {ago(10)} | {ago(-7)}"
    story(
        given=told(claim("ann", 17, "Z3A29"), claim("ann", 10, "Z3A30"), claim("ann", 3, code)),
        expect={
            LEDGER: "",
            "outreach.care_queue": f"""
                queue     | person_id | queue_reason     | urgency | event_date | due_date
                clinician | ann       | severe_condition | today   | {ago(3)}   | {ago(0)}
            """
            + (conflict if code == "O1414" else ""),
        },
    )


def test_edge_case_11_a_chain_of_bills_of_one_stay(story):
    """Still a patient (30) at the end of two bills, home (01) at the end of the third: one stay."""
    bill = {"claim_type": "institutional"}
    story(
        model="core.stay",
        given=told(
            claim("ann", 60, bill_type_code="112", claim_end_date=ago(41), discharge_disposition_code="30", **bill),
            claim("ann", 40, bill_type_code="113", claim_end_date=ago(21), discharge_disposition_code="30", **bill),
            claim(
                "ann",
                20,
                bill_type_code="114",
                claim_end_date=ago(9),
                discharge_date=ago(9),
                discharge_disposition_code="01",
                **bill,
            ),
        ),
        expect=f"admission_date | discharge_date\n{ago(60)} | {ago(9)}",
    )


@pytest.mark.parametrize(("as_of", "status"), [("2026-01-31", "open"), ("2026-02-02", None)])
def test_edge_case_16_the_rsv_season_ends_with_january(teller, as_of, status):
    """Week 33: 7 + 227 = 234 days, 33 weeks and 3 days, on both days."""
    given = told(claim("ann", 14, "Z3A31", as_of=as_of), claim("ann", 7, "Z3A32", as_of=as_of))
    assert gaps_of(teller, given, as_of)["ann"].get("RSV_MATERNAL") == status


def test_edge_case_17_tdap_at_20_weeks_of_this_pregnancy_counts(teller):
    """On day 223 the vaccine of 80 days ago was given on day 143, in week 20. One of before the LMP is another's."""
    given = told(
        *(line for who in ("ann", "bea", "cal") for line in (claim(who, 17, "Z3A29"), claim(who, 10, "Z3A30"))),
        claim("bea", 80, hcpcs_code="90715"),
        claim("cal", 224, hcpcs_code="90715"),
    )
    found = gaps_of(teller, given)
    assert [found[who].get("TDAP") for who in ("ann", "bea", "cal")] == ["open", None, "open"]


def test_edge_case_18_no_statin_is_asked_of_a_pregnant_member(teller):
    """Two diabetes fills and no statin in 2026; a statin of December 2025 lasts past the LMP: it is reviewed instead.

    Weeks 9 and 10 in December: 42 + 66 = 108 and 35 + 73 = 108 days on 31 January, LMP 15 October. Bea is not pregnant.
    """
    as_of = "2026-01-31"
    fills = "".join(
        f"\n{who} | {day} | {drug} | {days}"
        for who in ("ann", "bea")
        for day, drug, days in (
            ("2026-01-05", "metformin", 30),
            ("2026-01-20", "metformin", 30),
            ("2025-12-01", "atorvastatin", 90),
        )
    )
    given = {
        "raw.eligibility": women("ann", "bea", birth_date="1983-01-01"),
        "raw.medical_claim": claims(
            claim("ann", 42, "Z3A09", as_of=as_of),
            claim("ann", 35, "Z3A10", as_of=as_of),
            claim("bea", 5, "R059", as_of=as_of),
        ),
        "raw.drug": "ndc_code | ingredients\nmetformin | metformin\natorvastatin | atorvastatin",
        "raw.pharmacy_claim": f"person_id | dispensing_date | ndc_code | days_supply{fills}",
    }
    found = gaps_of(teller, given, as_of)
    assert [found[who].get("SUPD") for who in ("ann", "bea")] == ["suppressed", "open"]
    assert [found[who].get("MED_REVIEW_INFO") for who in ("ann", "bea")] == ["open", None]


def test_edge_case_20_seven_rows_of_a_pharmacy_are_no_number_of_the_report(teller, tmp_path):
    """Seven women in week 31 at one pharmacy, one row of the pump each: every count of them is shown as `<11`."""
    names = [f"w{number}" for number in range(7)]
    given = {
        "raw.eligibility": women(*names, phone="512-555-0100", zip_code="78701", state="TX"),
        "raw.medical_claim": claims(
            *(
                line
                for who in names
                for line in (
                    claim(who, 17, "Z3A29"),
                    claim(who, 10, "Z3A30"),
                    claim(who, 9, hcpcs_code="90715"),
                )
            )
        ),
        "raw.drug": "ndc_code | ingredients | is_prenatal_vitamin\npnv | folic acid | yes",
        "raw.pharmacy_claim": table(
            [
                {"person_id": who, "dispensing_date": ago(9), "ndc_code": "pnv", "days_supply": "30"}
                | {"dispensing_provider_npi": "north"}
                for who in names
            ]
        ),
        "raw.pharmacy": "npi | state | zip_code | taxonomy_code\nnorth | TX | 78701 | 3336C0003X",
        "core.npi": "npi | is_valid\nnorth | yes",
        "gaps.community_resource": "member_key",
    }
    with teller.aside() as con:
        for name, text in given.items():
            give(con, name, text)
        tables = [
            "outreach.worklist", "outreach.gap", "outreach.gap_history", "outreach.adherence", "outreach.measure_rate",
            "outreach.effect", "outreach.measure_rate_history", "outreach.earlier_life", "facts.pregnancy", "facts.maternal_gate", "core.reconciliation", "core.rejected", "core.set_apart", "core.pharmacy",
        ]  # fmt: skip
        build_models(con, tables, AS_OF, given)
        assert con.execute("select gap_code, count(*) from outreach.worklist group by gap_code").fetchall() == [
            ("BREAST_PUMP", 7)
        ]
        write_report(con, tmp_path, as_of=datetime.date.fromisoformat(AS_OF), previous=None, small_cell=11, warnings=[])
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    shown = [
        cell
        for part in re.findall(r"data-small-cells.*?</(?:table|figure|div)>", page, re.DOTALL)
        for cell in re.findall(r">\s*([^<>]+?)\s*<", part)
    ]
    assert "&lt;11" in shown
    assert "7" not in shown
