"""Which medicines a list names, told as stories: domain rules 6.2 (drugs that the pharmacy dispensed) and 6.4 (HIV).

Tonight is 2026-06-30. An NPI is the pharmacy's name, an NDC the drug's.
"""

from __future__ import annotations

from assets.engine.registry import read_concurrent_use, read_families, read_measures
from assets.engine.transition_registry import read_transition_rules
from tests.stories.formulary import FORMULARY
from tests.stories.outreach import rows
from tests.stories.test_worklist import PHARMACIES, VALID

MODEL = "outreach.worklist"
AS_OF = "2026-06-30"
GIVEN = {"raw.pharmacy": PHARMACIES, "core.npi": VALID}

CODES = {code: entry for family in read_families().values() for code, entry in family.codes.items()}
GO_THROUGH = "Check in, and go through the refills together."


def test_a_measures_class_is_named_where_it_was_dispensed(story):
    """Rule 6.2: both are late with a statin from north. Ann's row is north's; bob wished for south, which sold him none.

    150 days from 1 January end on 30 May; 31 days late on 30 June.
    """
    story(
        given={
            "raw.drug": FORMULARY,
            "raw.eligibility": "person_id | phone\nann | 5125550100\nbob | 5125550101",
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply | dispensing_provider_npi
                ann       | 2026-01-01      | atorvastatin | 90          | north
                ann       | 2026-04-01      | atorvastatin | 60          | north
                bob       | 2026-01-01      | atorvastatin | 90          | north
                bob       | 2026-04-01      | atorvastatin | 60          | north
                bob       | 2026-04-01      | lisinopril   | 30          | south
            """,
            "raw.member_preference": "person_id | preferred_pharmacy_npi\nbob | south",
        },
        expect=f"""
            pharmacy_npi | person_id | gap_code       | subject     | due_date   | reason
            north        | ann       | ADHERENCE_LATE | pdc_statins | 2026-08-12 | Supply of cholesterol medicine ran out on 2026-05-30, 31 days late with no paid claim; refill by 2026-08-12 to stay on target this year.
            south        | bob       | ADHERENCE_LATE | -           | 2026-08-12 | {CODES["ADHERENCE_LATE"].undispensed_reason}
        """,
    )


def test_a_first_fill_that_nobody_dispensed_is_named_nowhere(story):
    """Rule 6.2: omalizumab was billed by west and taken back; north, the nearest pharmacy, need not know of it.

    Bob's omalizumab came from north, and his refill is named there. 28 days from 26 May end on 22 June, eight days ago.
    """
    story(
        given={
            "raw.drug": """
                ndc_code   | ingredients | product_class | is_specialty
                omalizumab | omalizumab  | ige           | yes
            """,
            "raw.eligibility": "person_id | phone | zip_code\nann | 5125550100 | 78701\nbob | 5125550101 | 78701",
            "raw.pharmacy": "npi | state | zip_code | ncpdp_id\nnorth | TX | 78701 | 100",
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code   | days_supply | dispensing_provider_npi | claim_status
                ann       | 2026-06-10      | omalizumab | 28          | west                    | reversed
                bob       | 2026-05-26      | omalizumab | 28          | north                   | paid
            """,
        },
        expect={
            "outreach.attribution": """
                person_id | gap_family | subject    | attribution_rule
                ann       | specialty  | omalizumab | assigned_by_distance
                bob       | specialty  | omalizumab | most_class_fills
            """,
            MODEL: f"""
                pharmacy_npi | person_id | gap_code         | subject    | reason
                north        | ann       | SP_ABANDON_FIRST | -          | {CODES["SP_ABANDON_FIRST"].undispensed_reason}
                north        | bob       | SP_LATE_REFILL   | omalizumab | The supply of a specialty medicine ended on 2026-06-22, more than a week ago, with no paid claim since. Call today; ask what stands in the way, and tell the prescriber.
            """,
        },
    )  # fmt: skip


def test_every_code_that_names_a_medicine_has_a_sentence_that_names_none(story):
    """Rule 6.2: each code at the pharmacy that dispensed what is named, and at one that did not. Other codes say the same.

    A sensitive row has a public name already; its own sentence stands.
    """
    named = sorted(code for code, entry in CODES.items() if entry.undispensed_reason)
    others = ["TOC_CONTACT", "CMR_DUE", "A1C", "PD_PCP"]
    told = [
        (f"{npi}{number}", code, npi) for number, code in enumerate([*named, *others]) for npi in ("north", "south")
    ]
    family = {code: name for name, entry in read_families().items() for code in entry.codes}
    story(
        given={
            "core.member": "member_key | person_id\n1 | ann",
            "outreach.gap": rows(
                "gap_id | person_id | gap_code | gap_family | subject | reason | is_sensitive",
                *(f"{gap} | ann | {code} | {family[code]} | {code} | Named. | no" for gap, code, _ in told),
                "quiet | ann | SP_LATE_REFILL | specialty | quiet | Check in. | yes",
            ),
            "outreach.ledger": rows(
                "gap_id | person_id | member_key | gap_family | gap_code | subject | status",
                *(f"{gap} | ann | 1 | {family[code]} | {code} | {code} | open" for gap, code, _ in told),
                "quiet | ann | 1 | specialty | SP_LATE_REFILL | quiet | open",
            ),
            "outreach.eligible_gap": rows("gap_id", *(gap for gap, _, _ in told), "quiet"),
            "outreach.ranked_gap": rows(
                "gap_id | pharmacy_npi | state | list_rank | bundle_rank",
                *(f"{gap} | {npi} | TX | {rank} | 1" for rank, (gap, _, npi) in enumerate(told, start=1)),
                "quiet | south | TX | 99 | 1",
            ),
            "facts.named_fill": rows(
                "subject | gap_family | member_key | medicine | fill_key",
                *(f"{code} | {family[code]} | 1 | all | 1" for code in (*named, *others)),
            ),
            "core.fill": "fill_key | member_key | dispensing_provider_npi\n1 | 1 | north",
        },
        expect=rows(
            "gap_id | subject | reason",
            *(
                f"{gap} | - | {CODES[code].undispensed_reason}"
                if code in named and npi == "south"
                else f"{gap} | {code} | Named."
                for gap, code, npi in told
            ),
            "quiet | - | Check in.",
        ),
    )


def test_two_medicines_are_named_where_both_were_dispensed(story):
    """Rule 6.2: ann's two came from north. Bob's came from north and south, cat's from elsewhere: neither is told more."""
    story(
        given={
            "core.member": "member_key | person_id\n1 | ann\n2 | bob\n3 | cat",
            "outreach.gap": """
                gap_id | person_id | gap_code | gap_family        | subject | reason
                a      | ann       | DDI      | medication_review | pair    | Two.
                b      | bob       | DDI      | medication_review | pair    | Two.
                c      | cat       | DDI      | medication_review | pair    | Two.
            """,
            "outreach.ledger": """
                gap_id | person_id | member_key | gap_family        | gap_code | subject | status
                a      | ann       | 1          | medication_review | DDI      | pair    | open
                b      | bob       | 2          | medication_review | DDI      | pair    | open
                c      | cat       | 3          | medication_review | DDI      | pair    | open
            """,
            "outreach.eligible_gap": "gap_id\na\nb\nc",
            "outreach.ranked_gap": """
                gap_id | pharmacy_npi | state | list_rank | bundle_rank
                a      | north        | TX    | 1         | 1
                b      | north        | TX    | 2         | 1
                c      | north        | TX    | 3         | 1
            """,
            "facts.named_fill": """
                subject | gap_family        | member_key | medicine | fill_key
                pair    | medication_review | 1          | first    | 1
                pair    | medication_review | 1          | second   | 2
                pair    | medication_review | 2          | first    | 3
                pair    | medication_review | 2          | second   | 4
                pair    | medication_review | 3          | first    | 5
                pair    | medication_review | 3          | second   | 6
                # Another family's subject of the same name is none of it.
                pair    | specialty         | 3          | first    | 1
            """,
            "core.fill": """
                fill_key | dispensing_provider_npi
                1        | north
                2        | north
                3        | north
                4        | south
                5        | south
                6        | south
            """,
        },
        expect=f"""
            gap_id | subject | reason
            a      | pair    | Two.
            b      | -       | {CODES["DDI"].undispensed_reason}
            c      | -       | {CODES["DDI"].undispensed_reason}
        """,
    )


def test_which_fills_a_row_names(story):
    """Rule 6.2: of two medicines each its fills, of a review its last; insulin behind missing supplies; what a stay left.

    The kinds of medicine that were filled since the stay are not named.
    """
    story(
        model="facts.named_fill",
        given={
            "raw.monitoring_rule": """
                monitoring_rule_key | monitoring_rule_id | gap_family | gap_code | subject | population
                1                   | supply             | diabetes   | SUPPLY   | supply  | insulin
                2                   | a1c                | diabetes   | A1C      | a1c     | diabetes
            """,
            "raw.concurrent_use": "concurrent_use_key | concurrent_use_id\n1 | cob",
            "raw.drug_interaction": "drug_interaction_key | drug_interaction_id\n1 | pair",
            "facts.subject_fill": """
                subject     | gap_family | member_key | fill_key
                pdc_statins | -          | 1          | 1
                adalimumab  | specialty  | 1          | 2
                # Told by its two medicines.
                cob         | -          | 1          | 3
            """,
            "raw.measure": "measure_key | measure_id\n1 | pdc_ras",
            # Not started again this year: the last fill is more than twelve months old.
            "facts.prior_supply": "measure_key | member_key | last_fill_key\n1 | 1 | 11",
            "facts.concurrent_fill": """
                concurrent_use_key | member_key | medicine_key | fill_key
                1                  | 1          | 1            | 3
                1                  | 1          | 2            | 4
            """,
            "facts.drug_interaction": "drug_interaction_key | member_key | first_fill_key | second_fill_key\n1 | 1 | 5 | 6",
            "facts.pregnancy_review": "member_key | ingredient | last_fill_key\n1 | warfarin | 7",
            "facts.drug_group": "value_set | drug_key\ninsulins | 1\nstatins | 2",
            "facts.discharge": "member_key | chain | subject\n1 | 1 | discharge 2026-06-17",
            "facts.transition_supply": """
                member_key | chain | transition_rule_key | medicine_number | claim_id | last_fill_date | next_fill_date
                1          | 1     | 4                   | 2               | C9       | 2026-05-01     | -
                1          | 1     | 4                   | 3               | C10      | 2026-05-01     | 2026-06-20
            """,
            "core.fill": """
                fill_key | member_key | drug_key | claim_id | fill_date
                8        | 1          | 1        | C8       | 2024-01-01
                9        | 1          | 2        | C9       | 2026-05-01
                10       | 1          | 2        | C10      | 2026-05-01
            """,
        },
        expect="""
            subject              | gap_family        | member_key | medicine | fill_key
            pdc_statins          | -                 | 1          | all      | 1
            pdc_ras              | adherence         | 1          | all      | 11
            adalimumab           | specialty         | 1          | all      | 2
            cob                  | medication_review | 1          | 1        | 3
            cob                  | medication_review | 1          | 2        | 4
            pair                 | medication_review | 1          | first    | 5
            pair                 | medication_review | 1          | second   | 6
            warfarin             | medication_review | 1          | all      | 7
            supply               | diabetes          | 1          | all      | 8
            discharge 2026-06-17 | care_transition   | 1          | 4 2      | 9
        """,
    )


def test_the_sentence_for_other_pharmacies_names_no_class():
    """Rule 6.2: no class of a measure, of concurrent use or after a stay. SUPD asks for a statin, which nobody dispensed."""
    names = {m.drug_class for m in read_measures().measures.values()}
    names |= {c.medicines for c in read_concurrent_use().values()}
    names |= {m.title for rule in read_transition_rules().values() for m in rule.medicines} - {"a specialty medicine"}
    for code, entry in CODES.items():
        if entry.undispensed_reason and code != "SUPD":
            found = [name for name in names - {"regular medicine"} if name.lower() in entry.undispensed_reason.lower()]
            assert not found, code


# What would tell of HIV (rule 6.4)


ARV = {
    "raw.drug": """
        ndc_code | ingredients                                       | brand_name
        biktarvy | bictegravir;emtricitabine;tenofovir alafenamide   | Biktarvy
        lisinopril | lisinopril                                      | -
    """,
    "raw.eligibility": "person_id | phone\nann | 5125550100",
}


def test_a_refill_of_a_sensitive_measure_looks_like_any_other_sensitive_refill(story):
    """Rule 6.4: late, soon due, filled once, not started: words, public code and action are those of SP_LATE_REFILL."""
    public = CODES["SP_LATE_REFILL"]
    for code, fills in {
        "ADHERENCE_LATE": ("2026-01-01 | 90", "2026-04-01 | 60"),
        "ADHERENCE_AT_RISK": ("2026-01-01 | 30", "2026-02-15 | 90", "2026-05-30 | 33"),
        "ADHERENCE_FIRST_FILL": ("2026-05-30 | 30",),
        "ADHERENCE_NOT_STARTED": ("2025-07-01 | 90",),
    }.items():
        story(
            given=ARV
            | {
                "raw.pharmacy_claim": rows(
                    "person_id | dispensing_date | days_supply | ndc_code | dispensing_provider_npi",
                    *(f"ann | {fill} | biktarvy | north" for fill in fills),
                )
            },
            expect={
                "outreach.gap": f"gap_code | subject | is_sensitive\n{code} | pdc_arv | yes",
                MODEL: f"""
                    gap_code             | gap_family             | subject | action                 | reason
                    {public.public_code} | {public.public_family} | -       | {public.public_action} | {GO_THROUGH}
                """,
            },
        )
