"""After a loss nobody is called about a baby, told as stories: maternal 1.7 (L1 to L9) and 1.8.

Days count back from the as-of date. Ann and the others are in week 31 by two dated weeks, tier A, unless told otherwise:
17 + 206 = 223 days and 10 + 213 = 223.
"""

from __future__ import annotations

import pytest

from assets.engine.contract import contract_for
from assets.engine.registry import value_set_rows
from tests.stories.maternal import ago, claim, claims, gaps_of, table, told, women

MODEL = "outreach.suppression"
AS_OF = "2026-06-30"
GATE = "facts.maternal_gate"
LEDGER = "outreach.ledger"
PREGNANCY = "outreach.pregnancy"
STATE = "raw.state_suppression"
SUPPLY = "gaps.prenatal_supply"
WORKLIST = "outreach.worklist"

HOSPITAL = {"claim_type": "institutional", "bill_type_code": "111", "facility_npi": "hospital"}


def pregnant(who: str) -> list[dict[str, str]]:
    """Two dated weeks that agree: tier A, 223 days."""
    return [claim(who, 17, "Z3A29"), claim(who, 10, "Z3A30")]


def standing(losses: dict[str, int], days: int = 5) -> str:
    """An unlifted loss of each of them, with the lag of its kind."""
    rows = [f"{who} | L1 | {ago(days)} | {lag} | - | no | claim" for who, lag in losses.items()]
    head = "person_id | rule | trigger_date | proof_lag_days | released_by | is_voided | trigger_source"
    return "\n".join([head, *rows])


# L1: which codes. After an early loss a new pregnancy begins 14 days later at the least, else 28 (L4).

DIAGNOSES = {
    "O0090": 14, "O00": 14, "O019": 14, "O020": 14, "O021": 14, "O0289": 14, "O029": 14, "O02": 14, "O039": 14,
    "O0337": 14, "O045": 14, "O047": 14, "O080": 14, "O089": 14, "Z332": 14, "O364XX0": 28, "O364XX9": 28, "O364": 28,
    "Z371": 28, "Z373": 28, "Z374": 28, "Z3760": 28, "Z3769": 28, "Z3770": 28, "Z3779": 28, "P95": 28,
}  # fmt: skip
SERVICES = [
    "59100", "59120", "59121", "59130", "59135", "59136", "59140", "59150", "59151", "59870", "59812", "59820", "59821",
    "59830", "01965", "59840", "59841", "59850", "59851", "59852", "59855", "59856", "59857", "01966", "01964", "S0199",
    "S2260", "S2262", "S2265", "S2266", "S2267", "S0190", "S0191",
]  # fmt: skip
PROCEDURES = ["10A00ZZ", "10A07ZX", "10A08ZZ", "10D27ZZ", "10D28ZZ", "10T20ZZ", "10T27ZZ"]
GROUPS = ["770", "779", "777"]


def by_code(codes, **column: str) -> list[dict[str, str]]:
    """For each code a woman of its name: her weeks, and the code five days ago."""
    [(name, _)] = column.items()
    return [line for code in codes for line in (*pregnant(code), claim(code, 5, **{name: code}, **(
        HOSPITAL if name in {"procedure_code_1", "drg_code"} else {}
    )))]  # fmt: skip


LOSS_CODES = {
    "diagnoses": (by_code(DIAGNOSES, diagnosis_code_1=""), DIAGNOSES),
    "services": (by_code(SERVICES, hcpcs_code=""), dict.fromkeys(SERVICES, 14)),
    "procedures": (by_code(PROCEDURES, procedure_code_1=""), dict.fromkeys(PROCEDURES, 14)),
    "groups": (by_code(GROUPS, drg_code=""), dict.fromkeys(GROUPS, 14)),
}


@pytest.mark.parametrize(("lines", "losses"), LOSS_CODES.values(), ids=LOSS_CODES.keys())
def test_one_code_is_enough(story, lines, losses):
    """L1 and L2: a loss, no status but `suppressed`, no gap; and nobody's pregnancy is spoken of."""
    story(
        given=told(*lines),
        expect={
            MODEL: standing(losses),
            SUPPLY: "",
            "facts.pregnancy_review": "",
            LEDGER: "",
            "outreach.attribution": "",
        },
    )


NO_LOSS = [
    "Z370", "Z372", "Z3750", "Z379", "Z3201", "Z8751", "Z8759", "N96", "O2620", "O26891", "O3680X0", "O30001", "O360110",
    "Z390", "Z392", "O0900", "Z3141", "O701", "O901", "Z641",
]  # fmt: skip


def test_what_is_no_loss(story):
    """Births, history, recurrent loss as care or diagnosis, high risk: none of them is an L1 sign."""
    story(given=told(*(claim(code, 5, code) for code in NO_LOSS)), expect={"facts.loss_trigger": ""})
    story(
        given=told(
            *(claim(code, 5, drg_code=code, **HOSPITAL) for code in ("765", "789", "795", "807", "776", "817")),
            *(claim(code, 5, hcpcs_code=code) for code in ("59400", "59425", "59430", "76817", "99213")),
            *(claim(code, 5, procedure_code_1=code, **HOSPITAL) for code in ("10D17ZZ", "10D18ZZ", "10E0XZZ")),
        ),
        expect={"facts.loss_trigger": ""},
    )


# L1: any position, setting and payment status


@pytest.mark.parametrize("column", ["diagnosis", "procedure"])
def test_any_position_is_enough(story, column):
    """Twenty-five of each."""
    code = {"diagnosis": "O039", "procedure": "10A07ZZ"}[column]
    names = {f"{position:02}": 14 for position in range(1, 26)}
    lines = [
        claim(name, 5, **HOSPITAL, **{f"{column}_code_{position}": code})
        for position, name in enumerate(names, start=1)
    ]
    story(given=told(*lines), expect=standing(names))


SETTINGS = {
    "paid": {"claim_status": "paid"},
    "denied": {"claim_status": "denied"},
    "pended": {"claim_status": "pended"},
    "adjusted": {"claim_status": "adjusted"},
    "laboratory": {"place_of_service_code": "81", "hcpcs_code": "88305"},
    "imaging": {"hcpcs_code": "76817"},
    "emergency": {"place_of_service_code": "23"},
    "home": {"place_of_service_code": "12"},
    "hospital": HOSPITAL,
    "clinic": {"claim_type": "institutional", "bill_type_code": "131"},
    "interim": {"claim_type": "institutional", "bill_type_code": "112"},
}


def test_any_setting_and_payment_status_is_enough(story):
    """A denied miscarriage is still a miscarriage, and so is one that only a laboratory saw."""
    lines = [
        line
        for name, columns in SETTINGS.items()
        for line in (*pregnant(name), claim(name, 5, "R1030 O034", **columns))
    ]
    story(given=told(*lines), expect={MODEL: standing(dict.fromkeys(SETTINGS, 14)), SUPPLY: "", LEDGER: ""})


@pytest.mark.parametrize("kind", ["-", "icd-10-cm", "icd10", "10", "0", "abk", "icd-10-cm 2019", "9", "icd-9-cm"])
def test_however_a_feed_writes_the_code_system(story, kind):
    """What is not ICD-9 is ICD-10; no code of ICD-9 begins with an O, whatever the column says."""
    story(given=told(claim("ann", 5, "O039", diagnosis_code_type=kind)), expect=standing({"ann": 14}))


def test_a_code_of_the_ninth_revision_is_none_of_the_tenth(story):
    """E11.9 is diabetes in ICD-10, and E119 none of ICD-9; the type decides where letters and digits do not."""
    kinds = {"icd-9-cm": "9", "9": "9", "icd-10-cm 2019": "10", "abk": "10"}
    story(
        given=told(*(claim("ann", 5, "E119 632", claim_id=kind, diagnosis_code_type=kind) for kind in kinds)),
        model="core.diagnosis",
        expect="\n".join(
            ["claim_id | code | code_system"]
            + [f"{kind} | {code} | icd-{number}-cm" for kind, number in kinds.items() for code in ("E119", "632")]
        ),
    )


def test_zeros_lost_or_won_hide_no_loss(story):
    """1965 was 01965, 0770 is 770: services have five characters, groups three digits (interface 2)."""
    story(
        given=told(
            claim("service", 5, hcpcs_code="1965"),
            claim("voided", 5, hcpcs_code="1965", claim_status="reversed"),
            claim("group", 5, drg_code="770", **HOSPITAL),
            claim("long", 5, drg_code="0770", **HOSPITAL),
        ),
        expect="person_id | rule | is_voided\ngroup | L1 | no\nlong | L1 | no\nservice | L1 | no\nvoided | L1 | yes",
    )


def test_a_procedure_counts_on_any_claim(story):
    """A procedure belongs on a hospital's claim; on a doctor's it is a loss all the same, whatever its position."""
    lines = [claim("ann", 5, procedure_code_1="10A07ZZ"), claim("bea", 5, procedure_code_25="10A07ZZ")]
    story(given=told(*lines), expect=standing({"ann": 14, "bea": 14}))


def test_the_first_of_several_days_and_all_of_them_are_signs(story):
    """One row per day; of one day the longest lag and the first claim."""
    story(
        given=told(
            claim("ann", 20, "O021", claim_id="B"),
            claim("ann", 18, hcpcs_code="59820", claim_id="A"),
            claim("ann", 18, "O364XX0", claim_id="C"),
        ),
        expect=f"trigger_date | proof_lag_days | claim_id\n{ago(20)} | 14 | B\n{ago(18)} | 28 | A",
    )


def test_a_loss_after_the_as_of_date_is_not_known_yet(story):
    """Service dates through the as-of date."""
    story(given=told(claim("ann", 0, "O039"), claim("bea", -1, "O039")), expect=standing({"ann": 14}, days=0))


# Voids (maternal 1.8)

VOIDS = {
    # The whole bill is taken back: by its void, by its last version, by a negative one, by a replacement without it.
    "a void with its original": (
        [claim("ann", 5, "O039", **HOSPITAL), claim("ann", 5, "O039", **HOSPITAL | {"bill_type_code": "118"})],
        "yes",
    ),
    "a void without an original": ([claim("ann", 5, "O039", **HOSPITAL | {"bill_type_code": "118"})], "yes"),
    "a reversed claim": ([claim("ann", 5, "O039", claim_status="reversed")], "yes"),
    "a claim reversed later": (
        [
            claim("ann", 5, "O039", claim_id="A", claim_status="paid", file_date=ago(4)),
            claim("ann", 5, "O039", claim_id="A", claim_status="reversed", file_date=ago(2)),
        ],
        "yes",
    ),
    "a negative amount": (
        [
            claim("ann", 5, "O039", claim_id="A", paid_amount="90"),
            claim("ann", 5, "O039", claim_id="A", paid_amount="-90"),
        ],
        "yes",
    ),
    "a later version without the code": (
        [
            claim("ann", 5, "O039", claim_id="A", file_date=ago(4)),
            claim("ann", 5, "Z3A30", claim_id="A", file_date=ago(2)),
        ],
        "yes",
    ),
    "a replacement without the code": (
        [
            claim("ann", 5, "O039", **HOSPITAL),
            claim("ann", 5, "Z3A30", **HOSPITAL | {"bill_type_code": "117"}),
        ],
        "yes",
    ),
    "a replacement with the code": (
        [
            claim("ann", 5, "O039", **HOSPITAL),
            claim("ann", 5, "O039", **HOSPITAL | {"bill_type_code": "117"}),
        ],
        "no",
    ),
    "a void, and another claim that stands": (
        [
            claim("ann", 5, "O039", **HOSPITAL),
            claim("ann", 5, "O039", **HOSPITAL | {"bill_type_code": "118"}),
            claim("ann", 5, "O039", claim_status="denied"),
        ],
        "no",
    ),
    "a voided service": (
        [claim("ann", 5, hcpcs_code="59820", claim_status="reversed")],
        "yes",
    ),
    "a voided group": (
        [
            claim("ann", 5, drg_code="779", **HOSPITAL),
            claim("ann", 5, drg_code="779", **HOSPITAL | {"bill_type_code": "118"}),
        ],
        "yes",
    ),
    "a voided procedure": (
        [
            claim("ann", 5, procedure_code_1="10A07ZZ", **HOSPITAL),
            claim("ann", 5, procedure_code_1="10A07ZZ", **HOSPITAL | {"bill_type_code": "118"}),
        ],
        "yes",
    ),
}


@pytest.mark.parametrize(("lines", "voided"), VOIDS.values(), ids=VOIDS.keys())
def test_a_voided_loss_releases_nothing(story, lines, voided):
    """Maternal 1.8: the member goes to manual review where only voided claims tell of the loss."""
    queue = "care_management | ann | voided_loss" if voided == "yes" else ""
    story(
        given=told(*pregnant("ann"), *lines),
        expect={
            MODEL: f"person_id | rule | released_by | is_voided\nann | L1 | - | {voided}",
            LEDGER: "",
            "outreach.care_queue": f"queue | person_id | queue_reason\n{queue}",
        },
    )


def test_edge_case_19_a_void_after_the_loss_was_known(story):
    """Freq 8, a night after the loss: nothing is lifted, and a person looks at it; not where other evidence stands."""
    remembered = f"""
        person_id | rule | trigger_date | claim_id | trigger_source | proof_lag_days | is_voided
        ann       | L1   | {ago(5)}     | A        | claim          | 14             | no
        bea       | L1   | {ago(5)}     | B        | claim          | 14             | no
    """
    story(
        given=told(
            *pregnant("ann"),
            claim("ann", 5, "O039", claim_id="A", **HOSPITAL),
            claim("ann", 5, "O039", claim_id="AV", **HOSPITAL | {"bill_type_code": "118"}),
            *pregnant("bea"),
            claim("bea", 5, "O039", claim_id="B", **HOSPITAL),
            claim("bea", 5, "O039", claim_id="BV", **HOSPITAL | {"bill_type_code": "118"}),
            claim("bea", 3, "O034", claim_id="D"),
        )
        | {STATE: remembered},
        expect={
            MODEL: f"""
                person_id | rule | trigger_date | released_by | is_voided
                ann       | L1   | {ago(5)}     | -           | yes
                bea       | L1   | {ago(5)}     | -           | yes
                bea       | L1   | {ago(3)}     | -           | no
            """,
            PREGNANCY: """
                person_id | status
                ann       | suppressed
                bea       | suppressed
            """,
            LEDGER: "",
            "outreach.care_queue": """
                queue           | person_id | queue_reason
                care_management | ann       | voided_loss
            """,
        },
    )


# Mifepristone, the death of a child, reports (L1)


def test_mifepristone_200_mg_is_a_sign_and_300_mg_is_not(story):
    """200 mg or a strength that is not stated, whatever the payment; 300 mg (Korlym) treats Cushing's syndrome."""
    story(
        given={
            "raw.eligibility": women("ann", "bea", "cal", "dee", "eve", "fay", "gia"),
            "raw.drug": """
                ndc_code | ingredients  | brand_name | strength
                m200     | mifepristone | Mifeprex   | 200 mg
                m        | mifepristone | -          | -
                m300     | mifepristone | -          | 300 MG
                korlym   | mifepristone | Korlym     | -
                other    | misoprostol  | Cytotec    | 200 mcg
            """,
            "raw.pharmacy_claim": f"""
                person_id | dispensing_date | ndc_code | days_supply | claim_status
                ann       | {ago(5)}        | m200     | 1           | paid
                bea       | {ago(5)}        | m        | 1           | denied
                cal       | {ago(5)}        | m200     | 1           | reversed
                dee       | {ago(5)}        | m300     | 30          | paid
                eve       | {ago(5)}        | korlym   | 30          | paid
                fay       | {ago(5)}        | other    | 30          | paid
                gia       | {ago(-1)}       | m200     | 1           | paid
            """,
        },
        expect=f"""
            person_id | rule | trigger_date | proof_lag_days | trigger_source | is_voided
            ann       | L1   | {ago(5)}     | 14             | fill           | no
            bea       | L1   | {ago(5)}     | 14             | fill           | no
            cal       | L1   | {ago(5)}     | 14             | fill           | yes
        """,
    )


FAMILY = [
    {"person_id": "mother", "birth_date": "1995-01-01", "gender": "female", "subscriber_id": "7"},
    {"person_id": "grandmother", "birth_date": "1969-01-01", "gender": "female", "subscriber_id": "7"},
    {"person_id": "brother", "birth_date": "2019-01-01", "gender": "male", "subscriber_id": "7"},
    {"person_id": "neighbour", "birth_date": "1995-01-01", "gender": "female", "subscriber_id": "8"},
]


def family(**infant: str) -> str:
    """A mother, her kin, an infant of 20 days, and a neighbour of another policy."""
    child = {"person_id": "infant", "birth_date": ago(20), "gender": "male", "subscriber_id": "7"}
    return table([row | {"enrollment_start_date": "2020-01-01"} for row in (*FAMILY, child | infant)])


BIRTHS = [claim("mother", 20, "Z370 Z3A39"), claim("neighbour", 20, "Z370 Z3A39")]

INFANT_LOSSES = {
    "a date of death": (family(death_date=ago(2)), [], 2),
    "a death a year after the birth": (family(birth_date=ago(365), death_date=ago(0)), [], 0),
    "a stillbirth coded on the infant": (family(), [claim("infant", 20, "P95")], 20),
    "discharged dead": (
        family(),
        [claim("infant", 20, "P0722", claim_end_date=ago(9), discharge_disposition_code="20", **HOSPITAL)],
        9,
    ),
    "dead at home, in hospice": (
        family(),
        [claim("infant", 20, "P0722", claim_end_date=ago(9), discharge_disposition_code="40", **HOSPITAL)],
        9,
    ),
    "denied": (
        family(),
        [
            claim("infant", 20, "P0722", claim_end_date=ago(9), discharge_disposition_code="20", claim_status="denied")
            | HOSPITAL
        ],
        9,
    ),
    "a newborn billed under the mother's number": (
        family(),
        [claim("mother", 20, "Z3800", claim_end_date=ago(9), discharge_disposition_code="20", **HOSPITAL)],
        9,
    ),
}


@pytest.mark.parametrize(("people", "lines", "days"), INFANT_LOSSES.values(), ids=INFANT_LOSSES.keys())
def test_the_death_of_an_infant_of_the_family_is_a_sign(story, people, lines, days):
    """L1, by the subscriber's number; the grandmother is 56 and bore no child this year."""
    births = BIRTHS if days else [claim("mother", 365, "Z370"), claim("neighbour", 365, "Z370")]
    mothers = f"person_id | rule | trigger_date | proof_lag_days\nmother | L1 | {ago(days)} | 28"
    infant = f"\ninfant | L1 | {ago(days)} | 28" if any("P95" in line.values() for line in lines) else ""
    story(
        given={"raw.eligibility": people, "raw.medical_claim": claims(*births, *lines)},
        expect={MODEL: mothers + infant},
    )


def test_the_mothers_own_claims_may_come_later(story):
    """Any woman of 12 to 55 on the policy could be the mother. Care after the loss is for whom claims tell of it."""
    born = {
        "aunt": "1980-01-01",
        "sister": ago(20 + 4383),
        "child": ago(20 + 4382),
        "old": "1970-06-10",
        "55": "1970-06-11",
    }
    kin = [
        {"person_id": name, "birth_date": birth, "gender": "female", "subscriber_id": "7"}
        for name, birth in born.items()
    ]
    people = family(death_date=ago(2)) + "".join(
        f"\n{row['person_id']} | {row['birth_date']} | female | 7 | 2020-01-01 | -" for row in kin
    )
    story(
        given={
            "raw.eligibility": people,
            "raw.medical_claim": claims(claim("aunt", 30, "Z3A36"), claim("aunt", 1, "R059")),
        },
        expect={
            MODEL: """
                person_id | trigger_source
                55        | infant
                aunt      | infant
                mother    | infant
                sister    | infant
            """,
            "outreach.care_queue": "person_id | queue_reason\naunt | care_after_loss",
        },
    )


NO_INFANT_LOSSES = {
    "alive": (family(), [claim("infant", 20, "Z3800", discharge_disposition_code="01", **HOSPITAL)]),
    "another policy": (family(subscriber_id="9", death_date=ago(2)), []),
    "no policy": (family(subscriber_id="-", death_date=ago(2)), []),
    "a death after the first year": (family(birth_date=ago(366), death_date=ago(0)), []),
    "a death after the as-of date": (family(death_date=ago(-1)), []),
}


@pytest.mark.parametrize(("people", "lines"), NO_INFANT_LOSSES.values(), ids=NO_INFANT_LOSSES.keys())
def test_what_is_no_death_of_an_infant(story, people, lines):
    """A mother is known by the subscriber's number alone; a child of more than a year is no infant."""
    story(given={"raw.eligibility": people, "raw.medical_claim": claims(*BIRTHS, *lines)}, expect="")


def test_the_mother_of_an_infant_that_died_gets_no_row(story):
    """L5: a paid live birth, but an L1 sign."""
    story(
        given={
            "raw.eligibility": family(death_date=ago(2)),
            "raw.medical_claim": claims(*BIRTHS, claim("infant", 2, "Z3800")),
        },
        expect={
            PREGNANCY: """
                person_id | status     | outcome
                mother    | suppressed | live_birth
                neighbour | ended      | live_birth
            """,
            LEDGER: """
                person_id | gap_code
                neighbour | BREAST_PUMP
                neighbour | POSTPARTUM_VISIT
                neighbour | PP_DEPRESSION_SCREEN
            """,
        },
    )


REPORTS = [
    "NOT_PREGNANT_OR_NO_LONGER", "PREGNANCY_LOSS", "LOSS", "MISCARRIAGE", "STILLBIRTH", "STOP_PREGNANCY_MESSAGES",
]  # fmt: skip


@pytest.mark.parametrize("code", REPORTS)
def test_a_report_of_a_pharmacy_is_a_sign(story, code):
    """Maternal 1.8, report codes; it lies 28 days before a new pregnancy, for nobody knows what was lost."""
    story(
        given=told(*pregnant("ann"))
        | {
            "raw.outreach_outcome": f"""
                attempted_at         | outcome_code | person_id | gap_code
                {ago(3)} 16:30:00    | {code}       | ann       | TDAP
            """
        },
        expect={
            MODEL: f"""
                person_id | rule | trigger_date | proof_lag_days | trigger_source | released_by
                ann       | L1   | {ago(3)}     | 28             | report         | -
            """,
            PREGNANCY: "person_id | status\nann | suppressed",
            LEDGER: "",
        },
    )


def test_a_report_names_the_member_or_a_row_of_a_list(story):
    """By person; by a row that is still known; by a row of an earlier list of which only the release is left.

    Eve's is of a day to come: to miss it would do harm, so that it counts from tonight (rule 6.7).
    """
    story(
        given=told(*(line for who in ("ann", "bea", "cal", "dee", "eve") for line in pregnant(who)))
        | {
            "raw.outreach_outcome": f"""
                attempted_at      | outcome_code              | person_id | gap_id | gap_code
                {ago(3)} 16:30:00 | NOT_PREGNANT_OR_NO_LONGER | ann       | -      | TDAP
                {ago(3)} 16:30:00 | NOT_PREGNANT_OR_NO_LONGER | -         | known  | -
                {ago(3)} 16:30:00 | NOT_PREGNANT_OR_NO_LONGER | -         | listed | -
                {ago(3)} 16:30:00 | NOT_PREGNANT_OR_NO_LONGER | 12345     | mixed  | -
                {ago(-9)} 00:00:00 | NOT_PREGNANT_OR_NO_LONGER | eve      | -      | TDAP
                {ago(3)} 16:30:00 | NO_ANSWER                 | eve       | -      | TDAP
            """,
            "raw.state_gap": "gap_id | person_id | gap_code | subject\nknown | bea | TDAP | episode 1",
            "raw.state_release": "gap_id | person_id\nlisted | cal\nmixed | dee",
        },
        expect="""
            person_id | trigger_source
            ann       | report
            bea       | report
            cal       | report
            dee       | report
            eve       | report
        """,
    )


def test_a_report_counts_under_the_name_that_the_list_shows_and_from_a_refused_row(story):
    """Interface 3.1, rule 6.7: CHECK_IN stood for ann's screening, so that it is a report of her; bea's stood for a call
    after a discharge. Cal's row had an unreadable date, dee's no word that tells of a loss."""
    story(
        given=told(*(line for who in ("ann", "bea", "cal", "dee") for line in pregnant(who)))
        | {
            "raw.outreach_outcome": f"""
                attempted_at      | outcome_code | person_id | gap_code
                {ago(3)} 16:30:00 | NOT_ELIGIBLE | ann       | CHECK_IN
                {ago(3)} 16:30:00 | NOT_ELIGIBLE | bea       | CHECK_IN
            """,
            "raw.state_gap": """
                gap_id | person_id | gap_code             | subject   | is_sensitive
                screen | ann       | PP_DEPRESSION_SCREEN | episode 1 | yes
                call   | bea       | TOC_CONTACT          | chain 1   | yes
            """,
            "raw.refused_word": """
                source_table     | person_id | gap_code | outcome_code              | attempted_at
                outreach_outcome | cal       | TDAP     | NOT_PREGNANT_OR_NO_LONGER | -
                outreach_outcome | dee       | TDAP     | NO_ANSWER                 | -
            """,
        },
        expect=f"""
            person_id | trigger_date | trigger_source
            ann       | {ago(3)}     | report
            cal       | {ago(0)}     | report
        """,
    )


def test_the_neutral_word_of_the_sheet_counts_where_the_row_depends_on_a_pregnancy(story):
    """An outcome sheet offers NOT_ELIGIBLE, since rule L6 keeps the other words off it: of such a row it is a report.

    Of a late refill (eve, fay and gus) it says nothing of a pregnancy.
    """
    names = ("ann", "bea", "cal", "eve", "fay", "gus")
    story(
        given=told(*(line for who in names for line in pregnant(who)))
        | {
            "raw.outreach_outcome": f"""
                attempted_at      | outcome_code | person_id | gap_id  | gap_code
                {ago(3)} 16:30:00 | NOT_ELIGIBLE | ann       | -       | TDAP
                {ago(3)} 16:30:00 | NOT_ELIGIBLE | -         | known   | -
                {ago(3)} 16:30:00 | NOT_ELIGIBLE | -         | listed  | -
                {ago(3)} 16:30:00 | NOT_ELIGIBLE | eve       | -       | ADHERENCE_LATE
                {ago(3)} 16:30:00 | NOT_ELIGIBLE | -         | refill  | -
                {ago(3)} 16:30:00 | NOT_ELIGIBLE | -         | earlier | -
            """,
            "raw.state_gap": """
                gap_id | person_id | gap_code       | subject
                known  | bea       | TDAP           | episode 1
                refill | fay       | ADHERENCE_LATE | pdc_statins
            """,
            "raw.state_release": "gap_id | person_id | gap_code\nlisted | cal | TDAP\nearlier | gus | ADHERENCE_LATE",
        },
        expect="""
            person_id | trigger_source
            ann       | report
            bea       | report
            cal       | report
        """,
    )


# What an earlier night knew


def test_a_loss_once_known_stays_known(story):
    """The claim is gone from tonight's delivery; zoe is gone from eligibility, and kept for the night she returns."""
    story(
        given=told(*pregnant("ann"), *pregnant("bea"), *pregnant("cal"))
        | {
            STATE: f"""
                person_id | rule | trigger_date | claim_id | trigger_source | proof_lag_days | is_voided | released_by
                ann       | L1   | {ago(5)}     | GONE     | claim          | 14             | no        | -
                bea       | L1   | {ago(5)}     | GONE     | fill           | 14             | no        | EARLIER
                cal       | L1   | {ago(-1)}    | LATER    | claim          | 14             | no        | -
                zoe       | L1   | {ago(400)}   | GONE     | report         | 28             | no        | -
            """
        },
        expect={
            MODEL: f"""
                person_id | rule | trigger_date | claim_id | trigger_source | released_by | is_voided
                ann       | L1   | {ago(5)}     | GONE     | claim          | -           | no
                bea       | L1   | {ago(5)}     | GONE     | fill           | -           | no
            """,
            PREGNANCY: """
                person_id | status
                ann       | suppressed
                bea       | suppressed
                cal       | current
            """,
            "outreach.suppression_state": f"""
                person_id | rule | trigger_date | claim_id
                ann       | L1   | {ago(5)}     | GONE
                bea       | L1   | {ago(5)}     | GONE
                zoe       | L1   | {ago(400)}   | GONE
            """,
        },
    )


def test_doubts_are_not_remembered(story):
    """A doubt is judged anew each night; only losses are carried on."""
    story(
        given=told(*pregnant("ann"), claim("ann", 5, "O200")),
        expect={MODEL: "rule\nL3", "outreach.suppression_state": ""},
    )


# L4: what lifts a loss

# The loss 120 days ago; week 8 (59 days) and week 10 (73) two weeks later. The LMP must lie more than 14 days after an
# early loss, 105 days ago at the earliest: 46 + 59 and 32 + 73; else more than 28 days, 91: 32 + 59 and 18 + 73.
LAGS = {
    "ectopic": ("O0090", 46, 32),
    "mole": ("O019", 46, 32),
    "miscarriage": ("O039", 46, 32),
    "termination": ("Z332", 46, 32),
    "stillbirth": ("O364XX0", 32, 18),
    "mixed birth": ("Z373", 32, 18),
}


@pytest.mark.parametrize(("code", "eight", "ten"), LAGS.values(), ids=LAGS.keys())
def test_a_new_pregnancy_begins_long_enough_after_the_loss(story, code, eight, ten):
    """More than 14 days after ECT, MOLAR, SA, AB; more than 28 after SB and LB. One day earlier proves nothing."""
    story(
        given=told(
            claim("ann", 120, code),
            claim("ann", eight, "Z3A08", claim_id="A8"),
            claim("ann", ten, "Z3A10", claim_id="A10"),
            claim("bea", 120, code),
            claim("bea", eight + 1, "Z3A08", claim_id="B8"),
            claim("bea", ten + 1, "Z3A10", claim_id="B10"),
            claim("cal", 120, code),
            claim("cal", eight, "Z3A08", claim_id="C8"),
            claim("cal", ten + 1, "Z3A10", claim_id="C10"),
        ),
        expect="person_id | released_by\nann | A10\nbea | -\ncal | -",
    )


# The loss 200 days ago: an LMP from 185 days ago on would do. Week 8 46 days ago: 105 days.
PROOFS = {
    "seven days apart": ([claim("ann", 46, "Z3A08"), claim("ann", 39, "Z3A09", claim_id="P")], "P"),
    "six days apart": ([claim("ann", 46, "Z3A08"), claim("ann", 40, "Z3A09")], "-"),
    # 46 + 59 = 105 and 32 + 59 = 91.
    "fourteen days of spread": ([claim("ann", 46, "Z3A08"), claim("ann", 32, "Z3A08", claim_id="P")], "P"),
    "fifteen days of spread": ([claim("ann", 46, "Z3A08"), claim("ann", 31, "Z3A08")], "-"),
    "one week": ([claim("ann", 46, "Z3A08"), claim("ann", 46, "Z3A08")], "-"),
    "a week and a trimester": ([claim("ann", 46, "Z3A08"), claim("ann", 32, "Z3401")], "-"),
    "before eight weeks": ([claim("ann", 46, "Z3A01"), claim("ann", 32, "Z3A01")], "-"),
    "a denied week": ([claim("ann", 46, "Z3A08"), claim("ann", 32, "Z3A10", claim_status="denied")], "-"),
    "a laboratory's week": ([claim("ann", 46, "Z3A08"), claim("ann", 32, "Z3A10", place_of_service_code="81")], "-"),
    # 105 days, 105, and 30 + 59 = 89: together sixteen days.
    "a third week that disagrees": (
        [claim("ann", 46, "Z3A08"), claim("ann", 39, "Z3A09"), claim("ann", 30, "Z3A08")],
        "-",
    ),
    # 45 + 143 = 188 days ago, before anything new could begin, and 172 in the same pregnancy: 29 + 143, 22 + 150.
    "a week of before that disagrees": (
        [claim("ann", 45, "Z3A20"), claim("ann", 29, "Z3A20"), claim("ann", 22, "Z3A21")],
        "-",
    ),
    # Weeks 8 and 9 imply an LMP 14 days after the loss (127 + 59, 120 + 66), weeks 14, 16 and 17 one of 15 days after it.
    "two weeks of four": (
        [claim("ann", day, code) for day, code in ((127, "Z3A08"), (120, "Z3A09"), (84, "Z3A14"), (70, "Z3A16"))],
        "-",
    ),
    "three weeks of five": (
        [
            claim("ann", day, code, claim_id=f"W{day}")
            for day, code in ((127, "Z3A08"), (120, "Z3A09"), (84, "Z3A14"), (70, "Z3A16"), (63, "Z3A17"))
        ],
        "W63",
    ),
    "trimesters alone": ([claim("ann", 60, "Z3401"), claim("ann", 30, "Z3402"), claim("ann", 5, "Z3402")], "-"),
    "nothing, however long": ([], "-"),
}


@pytest.mark.parametrize(("lines", "released_by"), PROOFS.values(), ids=PROOFS.keys())
def test_what_proves_a_new_pregnancy(story, lines, released_by):
    """L4: tier A, two dated weeks, seven days apart, within 14 days of each other; never time alone.

    Most of the weeks say that it began late enough, so that their median, the LMP of step 4, does.
    """
    story(given=told(claim("ann", 200, "O039"), *lines), expect=f"released_by\n{released_by}")


@pytest.mark.parametrize("days", [29, 309, 400, 1825])
def test_time_alone_lifts_nothing(story, days):
    """A loss of long ago, and one dated week of now."""
    given = told(claim("ann", days, "O039"), claim("ann", 3, "Z3A08"), claim("ann", 3, "Z331"))
    story(given=given, expect={MODEL: "rule | released_by\nL1 | -", SUPPLY: "", "facts.pregnancy_review": ""})
    story(given=given, model="facts.held_subject", expect="")


def test_a_later_loss_stands_though_an_earlier_one_is_lifted(story):
    """Lost 200 days ago, proven again 46 and 39 days ago, lost again 10 days ago: the whole year is suppressed."""
    story(
        given=told(
            claim("ann", 200, "O039"),
            claim("ann", 46, "Z3A08"),
            claim("ann", 39, "Z3A09", claim_id="P"),
            claim("ann", 10, "O034"),
        ),
        expect={
            MODEL: f"trigger_date | released_by\n{ago(200)} | P\n{ago(10)} | -",
            PREGNANCY: """
                episode | status     | outcome
                1       | suppressed | miscarriage
                2       | suppressed | miscarriage
            """,
            LEDGER: "",
        },
    )


def test_a_follow_up_code_of_the_loss_must_be_outlived_too(story):
    """Miscarriage 120 days ago, coded again at a check 80 days ago: the LMP, 105 days ago, lies after the first alone."""
    story(
        given=told(
            claim("ann", 120, "O039"), claim("ann", 80, "O039"), claim("ann", 46, "Z3A08"), claim("ann", 32, "Z3A10")
        ),
        expect={
            MODEL: f"trigger_date | released_by\n{ago(120)} | C0004\n{ago(80)} | -",
            LEDGER: "",
        },
    )


# L4: the manual way

MANUAL = {
    "a care manager, the day after": ("LOSS_MISCODED_CONFIRMED", "care_manager", "ann", 39, "care_manager"),
    "the day of the loss": ("LOSS_MISCODED_CONFIRMED", "care_manager", "ann", 40, "-"),
    "before the loss": ("LOSS_MISCODED_CONFIRMED", "care_manager", "ann", 41, "-"),
    "after the as-of date": ("LOSS_MISCODED_CONFIRMED", "care_manager", "ann", -1, "-"),
    "a pharmacist": ("LOSS_MISCODED_CONFIRMED", "pharmacist", "ann", 30, "-"),
    "nobody in particular": ("LOSS_MISCODED_CONFIRMED", "-", "ann", 30, "-"),
    "another outcome": ("REACHED_COMPLETED", "care_manager", "ann", 30, "-"),
    "another member": ("LOSS_MISCODED_CONFIRMED", "care_manager", "bea", 30, "-"),
}


@pytest.mark.parametrize(("code", "role", "who", "days", "released_by"), MANUAL.values(), ids=MANUAL.keys())
def test_only_a_care_manager_lifts_a_loss_by_hand(story, code, role, who, days, released_by):
    """L4: after authenticated confirmation by the member, logged. A loss of the same day or later is not meant."""
    story(
        given=told(claim("ann", 40, "O039"), *pregnant("ann"))
        | {
            "raw.outreach_outcome": f"""
                attempted_at        | outcome_code | staff_role | person_id | gap_code
                {ago(days)} 10:00:00 | {code}      | {role}     | {who}     | TDAP
            """
        },
        expect=f"released_by\n{released_by}",
    )


def test_a_pregnancy_whose_loss_was_miscoded_goes_on(story):
    """Its weeks count, those right after the miscoded loss too, and it has no outcome: 45 + 178 = 223, 30 + 192 = 222.

    The median of 223, 222, 223 and 223 is 223. Bea's loss was not confirmed to be miscoded: at 45 - 40 + 178 days it is
    longer than a miscarriage can be, so the usual 70 days are assumed.
    """
    lines = [
        line
        for who in ("ann", "bea")
        for line in (claim(who, 45, "Z3A25"), claim(who, 40, "O039"), claim(who, 30, "Z3A27"), *pregnant(who))
    ]
    story(
        given=told(*lines)
        | {
            "raw.outreach_outcome": f"""
                attempted_at      | outcome_code            | staff_role   | person_id | gap_code
                {ago(2)} 10:00:00 | LOSS_MISCODED_CONFIRMED | care_manager | ann       | TDAP
            """
        },
        expect={
            PREGNANCY: """
                person_id | episode | status     | tier | gestational_age_days | outcome
                ann       | 1       | current    | A    | 223                  | -
                bea       | 1       | suppressed | -    | 70                   | miscarriage
            """,
            "facts.pregnancy_evidence": """
                member_key | code  | left_out_reason
                1          | Z3A25 | -
                1          | Z3A27 | -
                1          | Z3A29 | -
                1          | Z3A30 | -
                2          | Z3A25 | -
                2          | Z3A27 | after_loss
                2          | Z3A29 | after_loss
                2          | Z3A30 | -
            """,
        },
    )


# L3: doubts

DOUBTS = {
    "threatened abortion": "O200",
    "failed termination": "O074",
    "a papyraceous fetus": "O3101X0",
    "loss of one fetus": "O3111X1",
    "death of one fetus": "O3121X1",
    "reduction": "O3131X1",
    "abnormal hCG": "O0281",
    "negative test": "Z3202",
    "labour alone": "O701",
    "childbirth alone": "O1414",
}


@pytest.mark.parametrize("code", DOUBTS.values(), ids=DOUBTS.keys())
def test_a_doubt_holds_for_28_days_and_until_a_week_follows(story, code):
    """L3 and 1.8. Ann: 28 days ago, with weeks since: day 28 of the hold. Bea: 29 days ago: lifted. Cal: no week since."""
    lines = [
        claim("ann", 45, "Z3A25"),
        claim("ann", 28, code),
        *pregnant("ann"),
        claim("bea", 45, "Z3A25"),
        claim("bea", 29, code),
        claim("bea", 17, "Z3A29", claim_id="B1"),
        claim("bea", 10, "Z3A30", claim_id="B2"),
        claim("cal", 45, "Z3A25"),
        claim("cal", 32, "Z3A27"),
        claim("cal", 29, code),
        claim("cal", 5, "Z3493"),
    ]
    story(
        given=told(*lines),
        expect={
            MODEL: f"""
                person_id | rule | trigger_date | released_by
                ann       | L3   | {ago(28)}    | -
                bea       | L3   | {ago(29)}    | B1
                cal       | L3   | {ago(29)}    | -
            """,
            PREGNANCY: """
                person_id | status  | tier
                ann       | current | X
                bea       | current | A
                cal       | current | X
            """,
        },
    )


def test_nothing_is_said_while_a_doubt_holds(story):
    """Tier X: no gap, no review, a row for care management; when it is lifted, gaps are back."""
    review = {
        "raw.drug": "ndc_code | ingredients\nisotretinoin | isotretinoin",
        "raw.pharmacy_claim": f"""
            person_id | dispensing_date | ndc_code     | days_supply
            ann       | {ago(20)}       | isotretinoin | 30
        """,
    }
    story(
        given=told(*pregnant("ann"), claim("ann", 3, "O200")) | review,
        expect={
            LEDGER: "",
            "outreach.care_queue": """
                queue           | person_id | queue_reason
                care_management | ann       | conflicting_evidence
            """,
        },
    )
    story(
        given=told(claim("ann", 40, "O200"), *pregnant("ann")) | review,
        expect={
            LEDGER: """
                gap_code
                BREAST_PUMP
                FLU
                MED_REVIEW_TODAY
                PNV_NONE
                TDAP
            """,
            "outreach.care_queue": "",
        },
    )


def test_a_reduction_is_a_doubt(story):
    """CPT 59866: a pregnancy of several goes on with fewer."""
    story(
        given=told(*pregnant("ann"), claim("ann", 3, hcpcs_code="59866")),
        expect={MODEL: "rule | trigger_source\nL3 | claim", PREGNANCY: "tier\nX"},
    )


def test_a_doubt_before_the_first_evidence_holds_too(story):
    """Threatened abortion 20 days ago, the first week 10 days ago (213 days): well after the LMP, 223 days ago."""
    story(
        given=told(claim("ann", 20, "O200"), claim("ann", 10, "Z3A30"), claim("ann", 3, "Z3A31")),
        expect={MODEL: f"rule | trigger_date\nL3 | {ago(20)}", PREGNANCY: "status | tier\ncurrent | X"},
    )


def test_a_doubt_of_an_earlier_pregnancy_is_none_of_this_one(story):
    """Week 8, 10 days ago: LMP 69 days ago, conception 55: a doubt of 56 days ago is of another pregnancy.

    Without timing the LMP is earlier: 9 days ago 149 to 37, 149 - 112 // 2 = 93; 10 days ago 94.
    """
    story(
        given=told(
            claim("ann", 56, "O200"),
            claim("ann", 10, "Z3A08"),
            claim("bea", 55, "O200"),
            claim("bea", 10, "Z3A08", claim_status="denied"),
            claim("bea", 9, "Z331"),
            claim("cal", 55, "O701"),
            claim("cal", 10, "Z3201"),
        ),
        expect={
            PREGNANCY: """
                person_id | status  | tier
                ann       | current | C
                bea       | current | X
                cal       | current | X
            """
        },
    )


EMERGENCIES = {
    "an emergency room": ({"place_of_service_code": "23"}, "L3"),
    "an emergency visit": ({"hcpcs_code": "99284"}, "L3"),
    "an emergency room's revenue code": (HOSPITAL | {"bill_type_code": "131", "revenue_center_code": "0450"}, "L3"),
    "a revenue code without its zero": (HOSPITAL | {"bill_type_code": "131", "revenue_center_code": "456"}, "L3"),
    "denied": ({"place_of_service_code": "23", "claim_status": "denied"}, "L3"),
    "an office": ({"place_of_service_code": "11", "hcpcs_code": "99213"}, ""),
    "urgent care": ({"place_of_service_code": "20"}, ""),
}


@pytest.mark.parametrize(("columns", "rule"), EMERGENCIES.values(), ids=EMERGENCIES.keys())
@pytest.mark.parametrize("code", ["O208", "O209", "O26853", "N939"])
def test_bleeding_on_an_emergency_visit_is_a_doubt(story, columns, rule, code):
    """L3: O20, O26.85 and N93.9 in a pregnancy of tier A to C; elsewhere they are none."""
    story(given=told(*pregnant("ann"), claim("ann", 3, f"R1030 {code}", **columns)), expect=f"rule\n{rule}")


def test_bleeding_before_a_pregnancy_was_known(story):
    """N93.9 alone says nothing of a pregnancy; O20.9 does, though its claim is denied and dates none."""
    story(
        given=told(
            claim("ann", 30, "N939", place_of_service_code="23"),
            *pregnant("ann"),
            claim("bea", 30, "O209", place_of_service_code="23", claim_status="denied"),
            *pregnant("bea"),
        ),
        expect=f"person_id | rule | trigger_date\nbea | L3 | {ago(30)}",
    )


def test_a_negative_test_is_a_doubt_after_positive_evidence_alone(story):
    """Ann's test came first; an unconfirmed one (Z32.00) is none; nothing is doubted of a member who is not pregnant."""
    story(
        given=told(
            claim("ann", 18, "Z3202"),
            *pregnant("ann"),
            *pregnant("bea"),
            claim("bea", 3, "Z3200"),
            *pregnant("cal"),
            claim("cal", 3, "Z3202"),
            claim("dee", 3, "Z3202"),
        ),
        expect="person_id | rule\ncal | L3",
    )


# L5: supplies need positive proof

BIRTHS_OF_ALL_KINDS = {
    "a paid live birth": ([claim("ann", 20, "Z370")], True),
    "twins, both alive": ([claim("ann", 20, "Z372")], True),
    "a denied birth": ([claim("ann", 20, "Z370", claim_status="denied")], False),
    "a delivery that says no more": ([claim("ann", 20, "Z379", hcpcs_code="59410")], False),
    "a newborn under her number": ([claim("ann", 20, "Z3800")], False),
    "a stillbirth": ([claim("ann", 20, "Z371")], False),
    "twins, one alive": ([claim("ann", 20, "Z373")], False),
    "a live birth and a loss on another claim": ([claim("ann", 20, "Z370"), claim("ann", 19, "O364XX0")], False),
    # 17 + 206 + 1 = 224 days, 32 weeks, by two weeks a week apart; one dated week alone is tier C.
    "32 weeks in tier A": ([claim("ann", 18, "Z3A29"), claim("ann", 11, "Z3A30")], True),
    "32 weeks in tier C": ([claim("ann", 11, "Z3A30")], False),
}


@pytest.mark.parametrize(("lines", "is_offered"), BIRTHS_OF_ALL_KINDS.values(), ids=BIRTHS_OF_ALL_KINDS.keys())
def test_diapers_are_offered_where_a_child_is_known_to_live(teller, lines, is_offered):
    """L5, to a member with Medicaid; the last claim keeps the feed young."""
    given = {
        "raw.eligibility": women("ann", payer_type="medicaid"),
        "raw.medical_claim": claims(*lines, claim("ann", 1, "R059")),
    }
    assert (gaps_of(teller, given).get("ann", {}).get("DIAPER_RESOURCE") == "open") is is_offered


# L9: nights that may not speak

FEEDS = {
    # Newest load time of any claim; without one the newest day of service.
    "ten days": ([{"claim_start_date": ago(40), "file_date": ago(10)}], ago(10), "-"),
    "eleven days": ([{"claim_start_date": ago(0), "file_date": ago(11)}], ago(11), "medical_feed_stale"),
    "the newest of all files": (
        [{"claim_start_date": ago(40), "file_date": ago(11)}, {"claim_start_date": ago(40), "file_date": ago(10)}],
        ago(10),
        "-",
    ),
    "loaded ten days ago": ([{"claim_start_date": ago(40), "ingest_datetime": f"{ago(10)} 00:00:00"}], ago(10), "-"),
    "loaded eleven days ago": (
        [{"claim_start_date": ago(0), "ingest_datetime": f"{ago(11)} 23:59:59"}],
        ago(11),
        "medical_feed_stale",
    ),
    "the later of file and load": (
        [{"claim_start_date": ago(40), "file_date": ago(20), "ingest_datetime": f"{ago(2)} 04:00:00"}],
        ago(2),
        "-",
    ),
    "service ten days ago": ([{"claim_start_date": ago(10)}], ago(10), "-"),
    "service eleven days ago": ([{"claim_start_date": ago(11)}], ago(11), "medical_feed_stale"),
    "service after the as-of date": (
        [{"claim_start_date": ago(11)}, {"claim_start_date": ago(-1)}],
        ago(11),
        "medical_feed_stale",
    ),
    "loaded the morning after": ([{"claim_start_date": ago(0), "file_date": ago(-1)}], ago(-1), "-"),
    # An earlier night run again long after: the load time says nothing, the days of service do.
    "loaded a month later": ([{"claim_start_date": ago(3), "file_date": ago(-30)}], ago(3), "-"),
    "loaded a month later, nothing of late": (
        [{"claim_start_date": ago(11), "file_date": ago(-30)}],
        ago(11),
        "medical_feed_stale",
    ),
    "a date of the far future beside old files": (
        [{"claim_start_date": ago(0), "file_date": ago(11)}, {"claim_start_date": ago(0), "file_date": "2062-06-20"}],
        ago(11),
        "medical_feed_stale",
    ),
    "no claim at all": ([], "-", "medical_feed_stale"),
}


@pytest.mark.parametrize(("rows", "feed_date", "reason"), FEEDS.values(), ids=FEEDS.keys())
def test_how_old_the_medical_claims_may_be(story, rows, feed_date, reason):
    """L9 and 1.8: ten days, compared with the as-of date."""
    story(
        model=GATE,
        given={"raw.medical_claim": claims(*rows) if rows else ""},
        expect=f"feed_date | closed_reason | missing_value_sets\n{feed_date} | {reason} | 0",
    )


def test_the_age_that_is_allowed_is_a_setting(story):
    """`maternal.feed_age_days`."""
    given = {"raw.medical_claim": claims({"claim_start_date": ago(12)})}
    story(model=GATE, given=given, feed_age_days=12, expect="closed_reason\n-")
    story(model=GATE, given=given, feed_age_days=11, expect="closed_reason\nmedical_feed_stale")


# Every set, and every kind in it, without which a loss, a doubt or an end could not be seen.
NEEDED = {
    "pregnancy_loss": ["ectopic", "molar", "miscarriage", "induced", "stillbirth", "mixed", "infant_death"],
    "pregnancy_loss_drugs": ["induced"],
    "pregnancy_hold": ["threatened"],
    "pregnancy_hold_emergency": ["bleeding"],
    "emergency_visit": ["emergency"],
    "pregnancy_negative": ["negative"],
    "delivery": ["proof", "intrapartum"],
    "live_birth": ["live"],
    "postpartum": ["postpartum"],
    "newborn": ["newborn"],
}
KINDS = [(name, kind) for name, kinds in NEEDED.items() for kind in kinds]


@pytest.mark.parametrize("missing", [None, *KINDS], ids=lambda m: "none" if m is None else "-".join(m))
def test_a_value_set_that_is_missing_holds_everything_back(story, missing):
    """L9: one row of each kind but one. A file that replaces a set must hold every kind of it."""
    rows = [
        {"value_set": name, "code_system": "icd10cm", "code": "X", "category": kind}
        for name, kind in KINDS
        if (name, kind) != missing
    ]
    story(
        model=GATE,
        given={"raw.value_set": table(rows), "raw.medical_claim": claims({"claim_start_date": ago(1)})},
        expect=f"closed_reason | missing_value_sets\n{'value_set_missing | 1' if missing else '- | 0'}",
    )


def test_the_shipped_value_sets_are_complete() -> None:
    """What the gate asks for is there."""
    assert [(name, kind) for name, kind in KINDS if kind not in {row[7] for row in value_set_rows(name, None)}] == []


# L2: what lists, ledger and state hold after a loss

PLACES = {
    "raw.pharmacy": """
        npi   | state | zip_code | ncpdp_id | taxonomy_code | weekly_capacity
        north | TX    | 78701    | 300      | 3336C0003X    | -
    """,
    "core.npi": "npi | is_valid\nnorth | yes",
    "raw.drug": "ndc_code | ingredients\nisotretinoin | isotretinoin\nomeprazole | omeprazole",
    "raw.pharmacy_claim": f"""
        person_id | dispensing_date | ndc_code     | days_supply | dispensing_provider_npi
        ann       | {ago(20)}       | isotretinoin | 30          | north
        bea       | {ago(20)}       | omeprazole   | 30          | north
    """,
}

# What the night before knew: ann's and bea's vaccine and ann's review, all on north's list; ann's pump not opened yet;
# her visit done long ago; and the vaccine of zoe, whom tonight's eligibility does not name.
KNOWN = {
    "raw.state_gap": f"""
        gap_id | person_id | gap_family        | gap_code         | subject      | status      | window_start_date | window_end_date | opened_date | closed_date
        a1     | ann       | prenatal_supply   | TDAP             | episode 1    | open        | {ago(34)}         | {ago(-57)}      | {ago(9)}    | -
        a2     | ann       | medication_review | MED_REVIEW_TODAY | isotretinoin | open        | {ago(20)}         | {ago(-57)}      | {ago(9)}    | -
        a3     | ann       | prenatal_supply   | CAR_SEAT         | episode 1    | prospective | {ago(-1)}         | {ago(-57)}      | -           | -
        a4     | ann       | prenatal_supply   | PRENATAL_VISIT   | episode 1    | closed      | {ago(167)}        | {ago(27)}       | {ago(99)}   | {ago(90)}
        b1     | bea       | prenatal_supply   | TDAP             | episode 1    | open        | {ago(34)}         | {ago(-57)}      | {ago(9)}    | -
        z1     | zoe       | prenatal_supply   | TDAP             | episode 1    | open        | {ago(34)}         | {ago(-57)}      | {ago(9)}    | -
    """,
    "raw.state_release": f"""
        gap_id | pharmacy_npi | state | person_id | gap_code         | first_listed_date | last_listed_date | recalled_date
        a1     | north        | TX    | ann       | TDAP             | {ago(9)}          | {ago(1)}         | -
        a2     | north        | TX    | ann       | MED_REVIEW_TODAY | {ago(9)}          | {ago(1)}         | -
        b1     | north        | TX    | bea       | TDAP             | {ago(9)}          | {ago(1)}         | -
        z1     | north        | TX    | zoe       | TDAP             | {ago(9)}          | {ago(1)}         | -
    """,
    "raw.state_gap_history": f"""
        gap_id | valid_from | status      | valid_to | is_restricted
        a1     | {ago(40)}  | prospective | {ago(9)} | yes
        a1     | {ago(9)}   | open        | -        | yes
        a2     | {ago(9)}   | open        | -        | yes
        a3     | {ago(9)}   | prospective | -        | yes
        b1     | {ago(9)}   | open        | -        | yes
    """,
}

REACHABLE = {"phone": "512-555-0100", "zip_code": "78701"}


def night(*lines: dict[str, str]) -> dict[str, str]:
    """Ann and bea, both in week 31 and known since nine days ago, and the claims beside their weeks."""
    weeks = [*pregnant("ann"), *pregnant("bea"), claim("bea", 1, "R059")]
    return (
        {"raw.medical_claim": claims(*weeks, *lines), "raw.eligibility": women("ann", "bea", **REACHABLE)}
        | PLACES
        | KNOWN
    )


def test_without_a_loss_both_are_on_the_list_for_two_days(story):
    """Interface 3: rows that depend on a pregnancy expire two days after their night."""
    story(
        given=night(),
        expect={
            WORKLIST: f"""
                person_id | gap_code         | pharmacy_npi | expires_date
                ann       | MED_REVIEW_TODAY | north        | {ago(-2)}
                ann       | TDAP             | north        | {ago(-2)}
                ann       | BREAST_PUMP      | north        | {ago(-2)}
                ann       | PNV_NONE         | north        | {ago(-2)}
                bea       | TDAP             | north        | {ago(-2)}
                bea       | BREAST_PUMP      | north        | {ago(-2)}
                bea       | PNV_NONE         | north        | {ago(-2)}
            """,
            "outreach.recall": f"""
                gap_id | recalled_date | reason
                z1     | {ago(0)}      | NOT_ELIGIBLE
            """,
        },
    )


@pytest.mark.parametrize("days", [0, 5, 60])
def test_after_a_loss_nothing_is_left_but_the_recall(story, days):
    """L2: the same night, whenever the loss was. Bea's rows stay. The recall names ann's two rows that are out, and not why."""
    story(
        given=night(claim("ann", days, "O039", claim_status="denied")),
        expect={
            LEDGER: """
                person_id | gap_code    | status
                bea       | BREAST_PUMP | open
                bea       | FLU         | prospective
                bea       | PNV_NONE    | open
                bea       | TDAP        | open
            """,
            "outreach.gap": """
                person_id | gap_code
                bea       | BREAST_PUMP
                bea       | FLU
                bea       | PNV_NONE
                bea       | TDAP
            """,
            "outreach.attribution": """
                person_id | gap_family
                bea       | prenatal_supply
            """,
            WORKLIST: """
                person_id | gap_code
                bea       | BREAST_PUMP
                bea       | PNV_NONE
                bea       | TDAP
            """,
            "outreach.recall": f"""
                pharmacy_npi | gap_id | recalled_date | reason
                north        | a1     | {ago(0)}      | NOT_ELIGIBLE
                north        | a2     | {ago(0)}      | NOT_ELIGIBLE
                north        | z1     | {ago(0)}      | NOT_ELIGIBLE
            """,
            "outreach.gap_state": """
                person_id
                bea
                bea
                bea
                bea
            """,
        },
    )


def test_the_history_of_a_lost_pregnancy_ends_tonight(story):
    """Restricted, and without a word about why; what was over keeps its dates. Bea's weeks are not delivered: closed."""
    story(
        given=night() | {"raw.medical_claim": claims(*pregnant("ann"), claim("ann", 5, "O039"))},
        model="outreach.gap_history",
        expect=f"""
            gap_id | valid_from | status      | valid_to | is_restricted
            a1     | {ago(40)}  | prospective | {ago(9)} | yes
            a1     | {ago(9)}   | open        | {ago(0)} | yes
            a2     | {ago(9)}   | open        | {ago(0)} | yes
            a3     | {ago(9)}   | prospective | {ago(0)} | yes
            b1     | {ago(9)}   | open        | {ago(0)} | yes
            b1     | {ago(0)}   | closed      | -        | yes
        """,
    )


def test_edge_case_03_a_back_dated_loss_recalls_what_is_out(story):
    """O03 of before the row was first listed (9 days ago), arriving tonight."""
    story(
        given=night(claim("ann", 12, "O034", file_date=ago(0))),
        model="outreach.recall",
        expect=f"""
            gap_id | recalled_date | reason
            a1     | {ago(0)}      | NOT_ELIGIBLE
            a2     | {ago(0)}      | NOT_ELIGIBLE
            z1     | {ago(0)}      | NOT_ELIGIBLE
        """,
    )


def test_a_row_that_is_finished_needs_no_recall_and_a_recalled_one_keeps_its_day(story):
    """L2: un-worked rows. An unanswered call is not finished; the first day of a recall stands for 35 nights."""
    story(
        given=night(claim("ann", 5, "O039"))
        | {
            "raw.state_release": f"""
                gap_id | pharmacy_npi | state | person_id | gap_code | first_listed_date | last_listed_date | recalled_date
                done   | north        | TX    | ann       | TDAP     | {ago(9)}          | {ago(1)}         | -
                tried  | north        | TX    | ann       | FLU      | {ago(9)}          | {ago(1)}         | -
                told   | north        | TX    | ann       | LDA      | {ago(60)}         | {ago(40)}        | {ago(34)}
                old    | north        | TX    | ann       | LDA      | {ago(60)}         | {ago(40)}        | {ago(35)}
                gone   | north        | TX    | ann       | LDA      | {ago(200)}        | {ago(183)}       | -
                other  | north        | TX    | ann       | COB      | {ago(9)}          | {ago(1)}         | -
            """,
            "raw.outreach_outcome": f"""
                attempted_at      | outcome_code      | gap_id
                {ago(1)} 10:00:00 | REACHED_COMPLETED | done
                {ago(1)} 10:00:00 | NO_ANSWER         | tried
            """,
        },
        model="outreach.recall",
        expect=f"""
            gap_id | recalled_date | reason
            told   | {ago(34)}     | NOT_ELIGIBLE
            tried  | {ago(0)}      | NOT_ELIGIBLE
        """,
    )


def test_a_doubt_recalls_what_is_out_too(story):
    """L3: rows that stand no more are taken back; the gaps are closed in the ledger, with nothing that says why."""
    story(
        given=night(claim("ann", 5, "O200")),
        expect={
            "outreach.recall": f"""
                gap_id | recalled_date | reason
                a1     | {ago(0)}      | NOT_ELIGIBLE
                a2     | {ago(0)}      | NOT_ELIGIBLE
                z1     | {ago(0)}      | NOT_ELIGIBLE
            """,
            WORKLIST: """
                person_id | gap_code
                bea       | BREAST_PUMP
                bea       | PNV_NONE
                bea       | TDAP
            """,
        },
    )


@pytest.mark.parametrize("days", [10, 11])
def test_while_the_feed_is_stale_no_family_of_pregnancies_is_published(story, days):
    """L9: ten days are allowed. Behind the gate the gaps of those without a loss keep their ids for the night it opens."""
    held = """
        gap_id | person_id | status
        b1     | bea       | open
    """
    given = {
        "raw.medical_claim": claims(
            *(
                line | {"file_date": ago(days)}
                for line in (*pregnant("ann"), *pregnant("bea"), claim("ann", 12, "O039"))
            )
        ),
        "raw.eligibility": women("ann", "bea", **REACHABLE),
    }
    stale = days > 10
    story(
        given=given | PLACES | KNOWN,
        expect={
            WORKLIST: "" if stale else "person_id | gap_code\nbea | BREAST_PUMP\nbea | PNV_NONE\nbea | TDAP",
            LEDGER: "" if stale else "gap_code\nBREAST_PUMP\nFLU\nPNV_NONE\nTDAP",
            "outreach.gap_state": held if stale else "person_id\nbea\nbea\nbea\nbea",
            "outreach.recall": "gap_id\na1\na2\nb1\nz1" if stale else "gap_id\na1\na2\nz1",
            MODEL: "person_id | rule\nann | L1",
        },
    )


# The queue of people (maternal 1.6 to 1.8)


PEOPLE_OF_THE_QUEUE = [
    "severe", "minor", "man", "old", "unproven", "conflict", "still", "mixed", "early", "stop", "long-ago",
]  # fmt: skip


def test_what_goes_to_clinicians_and_care_managers(story):
    """Severe pre-eclampsia today; minors, other sexes and ages; claims that conflict; a loss at birth for its 84 days.

    A miscarriage, and a member who wants no messages, have no check-up after a birth. A loss 84 days ago is through.
    """
    born = {
        "minor": "2010-01-01",
        "old": "1969-01-01",
        "unproven": "1973-01-01",
    }
    people = [
        {"person_id": name, "birth_date": born.get(name, "1995-01-01"), "enrollment_start_date": "2020-01-01"}
        | {"gender": "male" if name == "man" else "female"}
        for name in PEOPLE_OF_THE_QUEUE
    ]
    story(
        given={
            "raw.eligibility": table(people),
            "raw.medical_claim": claims(
                *pregnant("severe"),
                claim("severe", 3, "O1413"),
                *pregnant("minor"),
                *pregnant("man"),
                *pregnant("old"),
                claim("unproven", 10, "Z3A30"),
                claim("conflict", 39, "Z3A26"),
                claim("conflict", 10, "Z3A26"),
                claim("still", 20, "Z371"),
                claim("mixed", 83, "Z373"),
                claim("early", 20, "O039"),
                *pregnant("stop"),
                claim("long-ago", 84, "Z371"),
            ),
            "raw.outreach_outcome": f"""
                attempted_at      | outcome_code            | person_id | gap_code
                {ago(3)} 10:00:00 | STOP_PREGNANCY_MESSAGES | stop      | TDAP
            """,
        },
        model="outreach.care_queue",
        expect=f"""
            queue           | person_id | queue_reason         | urgency | event_date | due_date
            clinician       | severe    | severe_condition     | today   | {ago(3)}   | {ago(0)}
            care_management | minor     | minor                | soon    | {ago(10)}  | {ago(-7)}
            care_management | man       | sex_mismatch         | soon    | {ago(10)}  | {ago(-7)}
            care_management | old       | age_mismatch         | soon    | {ago(10)}  | {ago(-7)}
            care_management | unproven  | age_unproven         | soon    | {ago(10)}  | {ago(-7)}
            care_management | conflict  | conflicting_evidence | soon    | {ago(10)}  | {ago(-7)}
            care_management | still     | care_after_loss      | soon    | {ago(20)}  | {ago(-64)}
            care_management | mixed     | care_after_loss      | soon    | {ago(83)}  | {ago(-1)}
        """,
    )


def test_the_queue_is_empty_while_the_gate_is_closed_and_names_no_one_who_left(story):
    """It rests on the same evidence; the dead and those who are not enrolled are nobody's to call."""
    minor = {"birth_date": "2010-01-01"}
    stale = [line | {"file_date": ago(11)} for line in pregnant("ann")]
    story(
        model="outreach.care_queue",
        given={"raw.eligibility": women("ann", **minor), "raw.medical_claim": claims(*stale)},
        expect="",
    )
    story(
        model="outreach.care_queue",
        given={
            "raw.eligibility": women("ann", **minor, enrollment_end_date=ago(1)) + "\n",
            "raw.medical_claim": claims(*pregnant("ann")),
        },
        expect="",
    )
    story(
        model="outreach.care_queue",
        given={
            "raw.eligibility": women("ann", **minor, death_date=ago(1)),
            "raw.medical_claim": claims(*pregnant("ann")),
        },
        expect="",
    )


def test_no_list_names_whom_the_queue_names(story):
    """A minor, a man, a member of 56, one in doubt: no gap."""
    story(
        given={
            "raw.eligibility": table(
                [
                    {"person_id": name, "birth_date": birth, "gender": sex, "enrollment_start_date": "2020-01-01"}
                    for name, birth, sex in (
                        ("minor", "2008-07-01", "female"),
                        ("man", "1995-01-01", "male"),
                        ("old", "1970-06-30", "female"),
                        ("doubt", "1995-01-01", "female"),
                    )
                ]
            ),
            "raw.medical_claim": claims(
                *pregnant("minor"), *pregnant("man"), *pregnant("old"), *pregnant("doubt"), claim("doubt", 3, "O200")
            ),
        },
        expect={LEDGER: "", "facts.pregnancy_review": ""},
    )


# L7


@pytest.mark.parametrize("table", ["suppression", "pregnancy", "care_queue"])
def test_reasons_are_restricted(table):
    """What tells of a loss is published in the restricted part or not at all; a recall has no column that could."""
    assert contract_for("outreach", table).table.restricted
    assert not contract_for("outreach", table).table.published
    columns = {p.name for p in contract_for("outreach", "recall").properties}
    assert columns == {"pharmacy_npi", "gap_id", "state", "recalled_date", "reason"}


def test_a_loss_on_a_claim_that_the_door_refused_counts(story) -> None:
    """L1: whatever else is wrong with the claim, one sign is enough; a date that nobody can read is that of the first night.

    Ann's is an early loss, Bea's a stillbirth, Cleo's a fill of mifepristone; Dora's is dated tomorrow, Eve's has no date
    and was known ten days ago already, Fay's none and is new, Gina's tells of a birth. A service with its modifier, or
    without its first zero, is the service.
    """
    story(
        given={
            "raw.eligibility": women("ann", "bea", "cleo", "dora", "eve", "fay", "gina", "hana", "iris"),
            "raw.drug": "ndc_code | ingredients | strength\n00000000011 | mifepristone | 200 mg",
            "raw.refused_code": f"""
                source_table   | person_id | claim_id | service_date | code_system | code
                medical_claim  | ann       | R1       | {ago(5)}     | icd10cm     | O039
                medical_claim  | bea       | R2       | {ago(5)}     | icd10cm     | Z371
                pharmacy_claim | cleo      | R3       | {ago(5)}     | ndc         | 00000000011
                medical_claim  | dora      | R4       | {ago(-1)}    | icd10cm     | O039
                medical_claim  | eve       | R5       | -            | icd10cm     | O039
                medical_claim  | fay       | R6       | -            | ms_drg      | 0770
                medical_claim  | gina      | R7       | {ago(5)}     | icd10cm     | Z370
                medical_claim  | hana      | -        | {ago(5)}     | hcpcs       | 59820-22
                medical_claim  | iris      | R9       | {ago(5)}     | hcpcs       | 1965
            """,
            STATE: f"""
                person_id | rule | trigger_date | claim_id | proof_lag_days | is_voided | trigger_source
                eve       | L1   | {ago(10)}    | R5       | 14             | no        | claim
            """,
        },
        expect=f"""
            person_id | rule | trigger_date | claim_id | proof_lag_days | is_voided | trigger_source
            ann       | L1   | {ago(5)}     | R1       | 14             | no        | claim
            bea       | L1   | {ago(5)}     | R2       | 28             | no        | claim
            cleo      | L1   | {ago(5)}     | R3       | 14             | no        | claim
            eve       | L1   | {ago(10)}    | R5       | 14             | no        | claim
            fay       | L1   | {AS_OF}      | R6       | 14             | no        | claim
            hana      | L1   | {ago(5)}     | -        | 14             | no        | claim
            iris      | L1   | {ago(5)}     | R9       | 14             | no        | claim
        """,
    )
