"""PDC of the measures beside CMS's three, told as stories: what domain section 2 adds, both sides of each boundary.

What they share with CMS's measures is told in `test_adherence.py`; that it holds for them too is told once, below.
"""

from __future__ import annotations

import pytest

from tests.stories.formulary import EVERYONE

MODEL = "outreach.adherence"
AS_OF = "2026-12-31"

FORMULARY = """
    ndc_code               | ingredients                                            | dose_form           | route
    apixaban               | apixaban                                               | oral tablet         | oral
    rivaroxaban            | rivaroxaban                                            | oral tablet         | oral
    warfarin               | warfarin                                               | oral tablet         | oral
    heparin                | heparin                                                | injectable solution | subcutaneous
    enoxaparin             | enoxaparin                                             | prefilled syringe   | subcutaneous
    dalteparin             | dalteparin                                             | prefilled syringe   | subcutaneous
    aspirin                | aspirin                                                | oral tablet         | oral
    clopidogrel            | clopidogrel                                            | oral tablet         | oral
    tiotropium             | tiotropium                                             | inhalation spray    | -
    umeclidinium-vilanterol | umeclidinium;vilanterol                               | dry powder inhaler  | -
    fluticasone-salmeterol | fluticasone;salmeterol                                 | dry powder inhaler  | -
    budesonide-formoterol  | budesonide;formoterol                                  | metered dose inhaler | -
    three-in-one           | budesonide;formoterol;glycopyrronium                   | metered dose inhaler | -
    formoterol-neb         | formoterol                                             | inhalation solution | -
    formoterol-unknown     | formoterol                                             | -                   | -
    arformoterol           | arformoterol                                           | -                   | -
    revefenacin            | revefenacin                                            | -                   | -
    glycopyrrolate-powder  | glycopyrrolate                                         | inhalation powder   | -
    glycopyrrolate-neb     | glycopyrrolate                                         | inhalation solution | -
    glycopyrrolate-inhalant | glycopyrrolate                                        | inhalant solution   | -
    glycopyrrolate-route   | glycopyrrolate                                         | -                   | nebulization
    glycopyrrolate-tablet  | glycopyrrolate                                         | oral tablet         | oral
    glycopyrrolate-drops   | glycopyrrolate                                         | oral solution       | oral
    glycopyrrolate-shot    | glycopyrrolate                                         | injectable solution | intravenous
    glycopyrronium-cloth   | glycopyrronium                                         | medicated pad       | topical
    albuterol              | albuterol                                              | metered dose inhaler | -
    adalimumab             | adalimumab                                             | prefilled syringe   | subcutaneous
    tocilizumab-pen        | tocilizumab                                            | auto-injector       | -
    tocilizumab-syringe    | tocilizumab                                            | prefilled syringe   | -
    tocilizumab-infusion   | tocilizumab                                            | injectable solution | intravenous
    tocilizumab-unknown    | tocilizumab                                            | -                   | -
    golimumab-pen          | golimumab                                              | auto-injector       | -
    golimumab-infusion     | golimumab                                              | -                   | intravenous
    abatacept-route        | abatacept                                              | -                   | subcutaneous
    abatacept-infusion     | abatacept                                              | injection           | intravenous
    infliximab             | infliximab                                             | injection           | intravenous
    rituximab              | rituximab                                              | -                   | -
    tofacitinib            | tofacitinib                                            | oral tablet         | oral
    methotrexate           | methotrexate                                           | oral tablet         | oral
    glatiramer             | glatiramer                                             | prefilled syringe   | subcutaneous
    dalfampridine          | dalfampridine                                          | oral tablet         | oral
    cladribine             | cladribine                                             | oral tablet         | oral
    natalizumab            | natalizumab                                            | -                   | -
    ocrelizumab            | ocrelizumab                                            | -                   | -
    alemtuzumab            | alemtuzumab                                            | -                   | -
    mitoxantrone           | mitoxantrone                                           | -                   | -
    ublituximab            | ublituximab                                            | -                   | -
    biktarvy               | bictegravir;emtricitabine;tenofovir alafenamide        | oral tablet         | oral
    triumeq                | abacavir;dolutegravir;lamivudine                       | oral tablet         | oral
    dovato                 | dolutegravir;lamivudine                                | oral tablet         | oral
    truvada                | emtricitabine;tenofovir disoproxil                     | oral tablet         | oral
    dolutegravir           | dolutegravir                                           | oral tablet         | oral
    darunavir              | darunavir                                              | oral tablet         | oral
    ritonavir              | ritonavir                                              | oral tablet         | oral
    prezcobix              | cobicistat;darunavir                                   | oral tablet         | oral
    symtuza                | cobicistat;darunavir;emtricitabine;tenofovir alafenamide | oral tablet       | oral
    kaletra                | lopinavir;ritonavir                                    | oral tablet         | oral
    lamivudine             | lamivudine                                             | oral tablet         | oral
"""

# Rheumatoid arthritis and COPD in the year, for those measures that ask for a diagnosis.
DIAGNOSES = """
    person_id | claim_start_date | diagnosis_code_1 | diagnosis_code_2
    ann       | 2026-06-01       | M0579            | J449
    bob       | 2026-06-01       | M0579            | J449
    cal       | 2026-06-01       | M0579            | J449
    dee       | 2026-06-01       | M0579            | J449
    eve       | 2026-06-01       | M0579            | J449
    fay       | 2026-06-01       | M0579            | J449
    gus       | 2026-06-01       | M0579            | J449
    hal       | 2026-06-01       | M0579            | J449
"""

GIVEN = {"raw.drug": FORMULARY, "raw.eligibility": EVERYONE, "raw.medical_claim": DIAGNOSES}

# A drug of each measure, and what a single fill and a first fill in October lack beside what everyone lacks.
MEASURES = {
    "pdc_doac": ("apixaban", ";short_span", ";short_span", "esrd"),
    "pdc_copd": ("tiotropium", "", "", "-"),
    "pdc_ra": ("adalimumab", "", "", "-"),
    "pdc_ms": ("glatiramer", "", "", "-"),
    "pdc_arv": ("biktarvy", ";few_ingredients", "", "-"),
}


def two_fills(person: str, drug: str) -> str:
    """Two fills of 90 days, half a year apart."""
    return f"{person} | 2026-01-01 | {drug} | 90\n{person} | 2026-07-01 | {drug} | 90\n"


CLAIMS = "person_id | dispensing_date | ndc_code | days_supply\n"


# What they share with CMS's measures


@pytest.mark.parametrize(("measure_id", "rules"), MEASURES.items(), ids=MEASURES)
def test_the_rules_of_the_cms_measures_hold(story, measure_id, rules):
    """Domain section 2: 18 or older, two dates, 91 days, no hole, no hospice; ESRD is an exclusion of DOAC alone.

    Dee's first fill is of 3 October, 90 days before the year ends; fay's of 2 October is in time, but 90 days are no 180.
    """
    drug, of_one_fill, of_october, of_esrd = rules
    story(
        given={
            "raw.eligibility": """
                person_id | birth_date | enrollment_start_date | enrollment_end_date | hospice_flag | esrd_status
                ann       | 2008-01-01 | 2018-01-01            | -                   | -            | -
                bob       | 2008-01-02 | 2018-01-01            | -                   | -            | -
                cal       | 1960-01-01 | 2018-01-01            | -                   | -            | -
                dee       | 1960-01-01 | 2018-01-01            | -                   | -            | -
                eve       | 1960-01-01 | 2018-01-01            | 2026-04-30          | -            | -
                eve       | 1960-01-01 | 2026-05-02            | -                   | -            | -
                fay       | 1960-01-01 | 2018-01-01            | -                   | -            | -
                gus       | 1960-01-01 | 2018-01-01            | -                   | yes          | -
                hal       | 1960-01-01 | 2018-01-01            | -                   | -            | yes
            """,
            "raw.pharmacy_claim": CLAIMS
            + "".join(two_fills(person, drug) for person in ("ann", "bob", "eve", "gus", "hal"))
            + f"cal | 2026-01-01 | {drug} | 90\n"
            + f"dee | 2026-10-03 | {drug} | 30\ndee | 2026-12-31 | {drug} | 30\n"
            + f"fay | 2026-10-02 | {drug} | 30\nfay | 2026-12-31 | {drug} | 30\n",
        },
        expect=f"""
            person_id | measure_id   | exclusion_reason
            ann       | {measure_id} | -
            bob       | {measure_id} | under_18
            cal       | {measure_id} | one_fill_date{of_one_fill}
            dee       | {measure_id} | short_treatment_period{of_october}
            eve       | {measure_id} | enrollment_gap
            fay       | {measure_id} | {of_october.removeprefix(";") or "-"}
            gus       | {measure_id} | hospice
            hal       | {measure_id} | {of_esrd}
        """,
    )


@pytest.mark.parametrize("measure_id", ["pdc_doac", "pdc_copd", "pdc_ra", "pdc_ms"])
def test_eighty_percent_of_the_other_measures(story, measure_id):
    """Domain section 2: 80 %. As D2: 270 days to 09-27 and 22 or 21 from December on: 292/365 passes, 291 does not."""
    drug = MEASURES[measure_id][0]
    three = "{0} | 2026-01-01 | {1} | 90\n{0} | 2026-04-01 | {1} | 90\n{0} | 2026-06-30 | {1} | 90\n"
    story(
        given={
            "raw.pharmacy_claim": CLAIMS
            + three.format("ann", drug)
            + f"ann | 2026-12-10 | {drug} | 30\n"
            + three.format("bob", drug)
            + f"bob | 2026-12-11 | {drug} | 30\n"
        },
        expect=f"""
            person_id | measure_id   | covered_days | pdc    | is_adherent | allowed_missed_days | is_eligible
            ann       | {measure_id} | 292          | 0.8000 | yes         | 73                  | yes
            bob       | {measure_id} | 291          | 0.7973 | no          | 73                  | yes
        """,
    )


# Summed days and the span between fills


@pytest.mark.parametrize(("measure_id", "drug"), [("pdc_ra", "adalimumab"), ("pdc_ms", "glatiramer")])
def test_fifty_six_summed_days(story, measure_id, drug):
    """Domain section 2: two claims on different dates with 56 days in all, 55 are too few; for MS by analogy.

    Cal's second claim adds a date and no days. Dee's 56 days are of one date. Eve's last fill is after her enrolment.
    """
    story(
        given={
            "raw.eligibility": """
                person_id | enrollment_start_date | enrollment_end_date
                ann       | 2018-01-01            | -
                bob       | 2018-01-01            | -
                cal       | 2018-01-01            | -
                dee       | 2018-01-01            | -
                eve       | 2018-01-01            | 2026-06-30
            """,
            "raw.pharmacy_claim": f"""
                person_id | dispensing_date | ndc_code | days_supply
                ann       | 2026-01-01      | {drug}   | 28
                ann       | 2026-03-01      | {drug}   | 28
                bob       | 2026-01-01      | {drug}   | 28
                bob       | 2026-03-01      | {drug}   | 27
                cal       | 2026-01-01      | {drug}   | 56
                cal       | 2026-03-01      | {drug}   | -
                dee       | 2026-01-01      | {drug}   | 28
                dee       | 2026-01-01      | {drug}   | 28
                eve       | 2026-01-01      | {drug}   | 28
                eve       | 2026-03-01      | {drug}   | 27
                eve       | 2026-07-01      | {drug}   | 28
            """,
        },
        expect=f"""
            person_id | measure_id   | fill_date_count | exclusion_reason
            ann       | {measure_id} | 2               | -
            bob       | {measure_id} | 2               | low_supplied_days
            cal       | {measure_id} | 2               | -
            dee       | {measure_id} | 1               | one_fill_date
            eve       | {measure_id} | 2               | low_supplied_days
        """,
    )


def test_sixty_days_and_half_a_year_of_anticoagulants(story):
    """Domain section 2: two fills at least 180 days apart (1 January and 30 June), 60 days supply in all.

    Dee changes the drug. Fay's fills that are 180 days apart have another between them. Gus's enrolment ends a day
    before the fill that would do, and hal's fill without usable days supply is a date all the same.
    """
    story(
        given={
            "raw.eligibility": """
                person_id | enrollment_start_date | enrollment_end_date
                ann       | 2018-01-01            | -
                bob       | 2018-01-01            | -
                cal       | 2018-01-01            | -
                dee       | 2018-01-01            | -
                eve       | 2018-01-01            | -
                fay       | 2018-01-01            | -
                gus       | 2018-01-01            | 2026-06-29
                hal       | 2018-01-01            | -
            """,
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code    | days_supply
                ann       | 2026-01-01      | apixaban    | 30
                ann       | 2026-06-30      | apixaban    | 30
                bob       | 2026-01-01      | apixaban    | 30
                bob       | 2026-06-29      | apixaban    | 30
                cal       | 2026-01-01      | apixaban    | 30
                cal       | 2026-06-30      | apixaban    | 29
                dee       | 2026-01-01      | apixaban    | 30
                dee       | 2026-06-30      | rivaroxaban | 30
                eve       | 2026-01-01      | apixaban    | 29
                eve       | 2026-06-29      | apixaban    | 30
                fay       | 2026-01-01      | apixaban    | 20
                fay       | 2026-03-01      | apixaban    | 20
                fay       | 2026-06-30      | apixaban    | 20
                gus       | 2026-01-01      | apixaban    | 30
                gus       | 2026-03-01      | apixaban    | 30
                gus       | 2026-06-30      | apixaban    | 30
                hal       | 2026-01-01      | apixaban    | 60
                hal       | 2026-06-30      | apixaban    | 0
            """,
        },
        expect="""
            person_id | measure_id | exclusion_reason
            ann       | pdc_doac   | -
            bob       | pdc_doac   | short_span
            cal       | pdc_doac   | low_supplied_days
            dee       | pdc_doac   | -
            eve       | pdc_doac   | low_supplied_days;short_span
            fay       | pdc_doac   | -
            gus       | pdc_doac   | short_span
            hal       | pdc_doac   | -
        """,
    )


def test_copd_asks_for_no_summed_days(story):
    """Domain section 2: two claims on different dates, whatever their days supply."""
    story(
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code   | days_supply
                ann       | 2026-01-01      | tiotropium | 1
                ann       | 2026-01-02      | tiotropium | 1
            """
        },
        expect="""
            person_id | measure_id | covered_days | exclusion_reason
            ann       | pdc_copd   | 2            | -
        """,
    )


# Diagnoses

CODES = {
    "M04 is an autoinflammatory syndrome": ("adalimumab", "M041", "no_diagnosis"),
    "M05 without further digits": ("adalimumab", "M05", "-"),
    "the first code of M05": ("adalimumab", "M0500", "-"),
    "the last code of M06": ("adalimumab", "M069", "-"),
    "M07 belongs to the bowel": ("adalimumab", "M0760", "no_diagnosis"),
    "M08 is juvenile": ("adalimumab", "M0800", "no_diagnosis"),
    "psoriatic arthritis": ("adalimumab", "L4050", "no_diagnosis"),
    "J40 is bronchitis of no kind": ("tiotropium", "J40", "no_diagnosis"),
    "the first code of J41": ("tiotropium", "J410", "-"),
    "J42 without further digits": ("tiotropium", "J42", "-"),
    "emphysema": ("tiotropium", "J439", "-"),
    "the last code of J44": ("tiotropium", "J449", "-"),
    "J44 with five digits": ("tiotropium", "J4489", "-"),
    "asthma": ("tiotropium", "J45909", "no_diagnosis"),
    "M05 says nothing of the lungs": ("tiotropium", "M0579", "no_diagnosis"),
}


@pytest.mark.parametrize(("drug", "code", "reason"), CODES.values(), ids=CODES)
def test_diagnosis(story, drug, code, reason):
    """Domain section 4.1: M05 to M06 for RA, J41 to J44 for COPD."""
    story(
        given={
            "raw.pharmacy_claim": CLAIMS + two_fills("ann", drug),
            "raw.medical_claim": f"""
                person_id | claim_start_date | diagnosis_code_25
                ann       | 2026-06-01       | {code}
            """,
        },
        expect=f"""
            person_id | exclusion_reason
            ann       | {reason}
        """,
    )


@pytest.mark.parametrize(("drug", "code"), [("adalimumab", "M0579"), ("tiotropium", "J449")])
def test_the_diagnosis_is_of_the_measurement_year(story, drug, code):
    """Domain section 2: a diagnosis in the measurement year, on either side of the index date; of a paid claim."""
    story(
        given={
            "raw.pharmacy_claim": CLAIMS + "".join(two_fills(person, drug) for person in ("ann", "bob", "cal", "dee", "eve")),
            "raw.medical_claim": f"""
                person_id | claim_start_date | diagnosis_code_1 | claim_status
                ann       | 2026-01-01       | {code}           | paid
                bob       | 2025-12-31       | {code}           | paid
                cal       | 2026-12-31       | {code}           | paid
                dee       | 2026-06-01       | {code}           | denied
            """,
        },
        expect="""
            person_id | exclusion_reason
            ann       | -
            bob       | no_diagnosis
            cal       | -
            dee       | no_diagnosis
            eve       | no_diagnosis
        """,
    )  # fmt: skip


def test_ms_anticoagulants_and_hiv_ask_for_no_diagnosis(story):
    """Domain section 2: a diagnosis is asked for by RA and COPD alone."""
    story(
        given={
            "raw.pharmacy_claim": CLAIMS + two_fills("ann", "glatiramer") + two_fills("bob", "apixaban") + two_fills("cal", "biktarvy"),
            "raw.medical_claim": "",
        },
        expect="""
            person_id | measure_id | exclusion_reason
            ann       | pdc_ms     | -
            bob       | pdc_doac   | -
            cal       | pdc_arv    | -
        """,
    )  # fmt: skip


# Which products count, and which exclude: route and dose form


def test_biologics_under_the_skin_count_and_infusions_exclude(story):
    """Domain section 2: abatacept, golimumab and tocilizumab count by pen or syringe and exclude by vein.

    Gus's tocilizumab tells neither route nor form: it is neither. Hal has nothing but infusions, so no row at all.
    """
    story(
        given={
            "raw.pharmacy_claim": CLAIMS
            + two_fills("ann", "tocilizumab-pen")
            + two_fills("bob", "tocilizumab-pen")
            + "bob | 2026-03-01 | tocilizumab-infusion | 28\n"
            + two_fills("cal", "golimumab-pen")
            + "cal | 2026-03-01 | golimumab-infusion | 28\n"
            + two_fills("dee", "abatacept-route")
            + "dee | 2026-03-01 | abatacept-infusion | 28\n"
            + two_fills("eve", "tocilizumab-syringe")
            + two_fills("fay", "abatacept-route")
            + two_fills("gus", "tocilizumab-pen")
            + two_fills("gus", "tocilizumab-unknown").replace("01-01", "04-01")
            + two_fills("hal", "tocilizumab-infusion")
        },
        expect="""
            person_id | measure_id | covered_days | exclusion_reason
            ann       | pdc_ra     | 180          | -
            bob       | pdc_ra     | 180          | infused_biologic
            cal       | pdc_ra     | 180          | infused_biologic
            dee       | pdc_ra     | 180          | infused_biologic
            eve       | pdc_ra     | 180          | -
            fay       | pdc_ra     | 180          | -
            gus       | pdc_ra     | 180          | -
        """,
    )


# A drug of the measure, one that excludes from it, and the reason.
EXCLUDING = {
    "infliximab": ("pdc_ra", "adalimumab", "infused_biologic"),
    "rituximab": ("pdc_ra", "adalimumab", "infused_biologic"),
    "natalizumab": ("pdc_ms", "glatiramer", "infused_ms_agent"),
    "ocrelizumab": ("pdc_ms", "glatiramer", "infused_ms_agent"),
    "alemtuzumab": ("pdc_ms", "glatiramer", "infused_ms_agent"),
    "mitoxantrone": ("pdc_ms", "glatiramer", "infused_ms_agent"),
    "ublituximab": ("pdc_ms", "glatiramer", "infused_ms_agent"),
    "warfarin": ("pdc_doac", "apixaban", "other_anticoagulant"),
    "heparin": ("pdc_doac", "apixaban", "other_anticoagulant"),
    "enoxaparin": ("pdc_doac", "apixaban", "other_anticoagulant"),
    "dalteparin": ("pdc_doac", "apixaban", "other_anticoagulant"),
    "arformoterol": ("pdc_copd", "tiotropium", "nebulized_bronchodilator"),
    "revefenacin": ("pdc_copd", "tiotropium", "nebulized_bronchodilator"),
    "formoterol-neb": ("pdc_copd", "tiotropium", "nebulized_bronchodilator"),
    "glycopyrrolate-neb": ("pdc_copd", "tiotropium", "nebulized_bronchodilator"),
    "glycopyrrolate-inhalant": ("pdc_copd", "tiotropium", "nebulized_bronchodilator"),
    "glycopyrrolate-route": ("pdc_copd", "tiotropium", "nebulized_bronchodilator"),
}


@pytest.mark.parametrize(("excluding", "rules"), EXCLUDING.items(), ids=EXCLUDING)
def test_excluding_drug(story, excluding, rules):
    """Domain section 2, in the window of domain rule 1.1: from the index date to the last day enrolled, and not outside.

    Fay takes the excluding drug alone: it is no drug of the measure.
    """
    measure_id, drug, reason = rules
    two = "".join(
        f"{person} | 2026-01-02 | {drug} | 90\n{person} | 2026-07-01 | {drug} | 90\n" for person in ("ann", "bob", "cal", "dee")
    )  # fmt: skip
    story(
        given={
            "raw.eligibility": """
                person_id | enrollment_start_date | enrollment_end_date
                ann       | 2018-01-01            | 2026-09-30
                bob       | 2018-01-01            | 2026-09-30
                cal       | 2018-01-01            | 2026-09-30
                dee       | 2018-01-01            | 2026-09-30
                fay       | 2018-01-01            | 2026-09-30
            """,
            "raw.pharmacy_claim": CLAIMS
            + two
            + f"""
                ann | 2026-01-01 | {excluding} | 30
                bob | 2026-01-02 | {excluding} | 30
                cal | 2026-09-30 | {excluding} | 30
                dee | 2026-10-01 | {excluding} | 30
                fay | 2026-01-02 | {excluding} | 90
                fay | 2026-07-01 | {excluding} | 90
            """,
        },
        expect=f"""
            person_id | measure_id   | covered_days | exclusion_reason
            ann       | {measure_id} | 180          | -
            bob       | {measure_id} | 180          | {reason}
            cal       | {measure_id} | 180          | {reason}
            dee       | {measure_id} | 180          | -
        """,
    )


# A drug of the measure, and one that neither counts for it nor excludes from it.
INDIFFERENT = {
    "aspirin": ("pdc_doac", "apixaban"),
    "clopidogrel": ("pdc_doac", "apixaban"),
    "tofacitinib": ("pdc_ra", "adalimumab"),
    "methotrexate": ("pdc_ra", "adalimumab"),
    "dalfampridine": ("pdc_ms", "glatiramer"),
    "cladribine": ("pdc_ms", "glatiramer"),
    "albuterol": ("pdc_copd", "tiotropium"),
    "formoterol-unknown": ("pdc_copd", "tiotropium"),
    "glycopyrrolate-tablet": ("pdc_copd", "tiotropium"),
    "glycopyrrolate-drops": ("pdc_copd", "tiotropium"),
    "glycopyrrolate-shot": ("pdc_copd", "tiotropium"),
    "glycopyrronium-cloth": ("pdc_copd", "tiotropium"),
    "ritonavir": ("pdc_arv", "biktarvy"),
}


@pytest.mark.parametrize(("other", "measure"), INDIFFERENT.items(), ids=INDIFFERENT)
def test_indifferent_drug(story, other, measure):
    """Domain section 2: not in the measure's lists, or not by this route; a user of nothing else has no row."""
    measure_id, drug = measure
    story(
        given={
            "raw.pharmacy_claim": CLAIMS
            + two_fills("ann", drug)
            + f"ann | 2026-04-01 | {other} | 90\n"
            + two_fills("bob", other)
        },
        expect=f"""
            person_id | measure_id   | fill_date_count | covered_days | exclusion_reason
            ann       | {measure_id} | 2               | 180          | -
        """,
    )


@pytest.mark.parametrize(
    "drug",
    [
        "umeclidinium-vilanterol",
        "fluticasone-salmeterol",
        "budesonide-formoterol",
        "three-in-one",
        "glycopyrrolate-powder",
    ],
)
def test_long_acting_inhaler(story, drug):
    """Domain section 2: long-acting inhaled bronchodilators and their combinations, with a steroid too.

    A combination of two of them is one supply of 90 days, not two.
    """
    story(
        given={"raw.pharmacy_claim": CLAIMS + two_fills("ann", drug)},
        expect="""
            person_id | measure_id | fill_date_count | covered_days | surplus_days | exclusion_reason
            ann       | pdc_copd   | 2               | 180          | 0            | -
        """,
    )


# Antiretrovirals: several at once


def test_ninety_percent_of_antiretrovirals(story):
    """Domain section 2: 90 %, so that 36 of 365 days may be missed. 270 days to 09-27 and 59 or 58 from November on."""
    three = "{0} | 2026-01-01 | biktarvy | 90\n{0} | 2026-04-01 | biktarvy | 90\n{0} | 2026-06-30 | biktarvy | 90\n"
    story(
        given={
            "raw.pharmacy_claim": CLAIMS
            + three.format("ann")
            + "ann | 2026-11-03 | biktarvy | 60\n"
            + three.format("bob")
            + "bob | 2026-11-04 | biktarvy | 60\n"
        },
        expect="""
            person_id | measure_id | covered_days | pdc    | is_adherent | allowed_missed_days | is_reachable
            ann       | pdc_arv    | 329          | 0.9014 | yes         | 36                  | yes
            bob       | pdc_arv    | 328          | 0.8986 | no          | 36                  | no
        """,
    )


def test_ninety_percent_exactly_passes(story):
    """Domain rule 1.4: 90 of the 100 days from 1 January to 10 April pass, 89 do not."""
    story(
        given={
            "raw.eligibility": """
                person_id | enrollment_start_date | enrollment_end_date
                ann       | 2018-01-01            | 2026-04-10
                bob       | 2018-01-01            | 2026-04-10
            """,
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code | days_supply
                ann       | 2026-01-01      | biktarvy | 60
                ann       | 2026-03-01      | biktarvy | 30
                bob       | 2026-01-01      | biktarvy | 60
                bob       | 2026-03-01      | biktarvy | 29
            """,
        },
        expect="""
            person_id | treatment_days | covered_days | pdc    | is_adherent
            ann       | 100            | 90           | 0.9000 | yes
            bob       | 100            | 89           | 0.8900 | no
        """,
    )


# What is taken, on two dates each, and whether it makes three antiretrovirals.
REGIMENS = {
    "one tablet of three": (["biktarvy"], "-"),
    "one tablet of two": (["dovato"], "few_ingredients"),
    "pre-exposure prophylaxis": (["truvada"], "few_ingredients"),
    "a tablet of two and a third drug": (["truvada", "dolutegravir"], "-"),
    "ritonavir is a booster": (["darunavir", "ritonavir", "dolutegravir"], "few_ingredients"),
    "ritonavir in a tablet too": (["kaletra", "lamivudine"], "few_ingredients"),
    "cobicistat is a booster": (["prezcobix", "dolutegravir"], "few_ingredients"),
    "cobicistat beside three others": (["symtuza"], "-"),
    "a boosted drug and a tablet of two": (["prezcobix", "dovato"], "-"),
    "the same drug in two tablets is one": (["dovato", "lamivudine"], "few_ingredients"),
}


@pytest.mark.parametrize(("drugs", "reason"), REGIMENS.values(), ids=REGIMENS)
def test_regimen(story, drugs, reason):
    """Domain section 2: at least three distinct antiretrovirals, single or combined; boosters are not counted."""
    story(
        given={"raw.pharmacy_claim": CLAIMS + "".join(two_fills("ann", drug) for drug in drugs)},
        expect=f"""
            person_id | measure_id | fill_date_count | exclusion_reason
            ann       | pdc_arv    | 2               | {reason}
        """,
    )


def test_each_antiretroviral_is_filled_on_two_dates(story):
    """Domain section 2, pharmacy version: each with two dates of service.

    Ann takes six on one date each. Cal's dolutegravir is filled twice on one day. Days supply does not matter to a date
    of service (domain rule 1.2), so that eve's does not either.
    """
    story(
        given={
            "raw.pharmacy_claim": CLAIMS
            + "ann | 2026-01-01 | biktarvy | 90\nann | 2026-02-01 | triumeq | 90\n"
            + two_fills("bob", "truvada")
            + "bob | 2026-01-01 | dolutegravir | 90\n"
            + two_fills("cal", "truvada")
            + "cal | 2026-01-01 | dolutegravir | 30\ncal | 2026-01-01 | dolutegravir | 90\n"
            + two_fills("dee", "truvada")
            + two_fills("dee", "dolutegravir")
            + two_fills("eve", "truvada")
            + "eve | 2026-01-01 | dolutegravir | 90\neve | 2026-07-01 | dolutegravir | -\n"
        },
        expect="""
            person_id | measure_id | exclusion_reason
            ann       | pdc_arv    | few_ingredients
            bob       | pdc_arv    | few_ingredients
            cal       | pdc_arv    | few_ingredients
            dee       | pdc_arv    | -
            eve       | pdc_arv    | -
        """,
    )


# Days from 1 January: two drugs on 0 to 89 (the refill of day 50 waits for day 60), a third on 10 to 39 and 50 to 79.
PARTS = """
    person_id | dispensing_date | ndc_code     | days_supply
    ann       | 2026-01-01      | truvada      | 60
    ann       | 2026-02-20      | truvada      | 30
    ann       | 2026-01-11      | dolutegravir | 30
    ann       | 2026-02-20      | dolutegravir | 30
"""
HUNDRED_DAYS = """
    person_id | enrollment_start_date | enrollment_end_date
    ann       | 2018-01-01            | 2026-04-10
"""
DEPTHS = {
    1: "90 | yes | 2026-03-31 | 60 | -",
    2: "90 | yes | 2026-03-31 | 60 | -",
    3: "60 | no | 2026-03-21 | 90 | -",
    4: "0 | no | - | 150 | few_ingredients",
}


@pytest.mark.parametrize(("depth", "row"), DEPTHS.items(), ids=[f"k = {k}" for k in DEPTHS])
def test_days_with_several_antiretrovirals(story, depth, row):
    """Domain section 2: days with at least k distinct antiretrovirals, where k is a parameter.

    At k = 3 days 10 to 39 and 50 to 79 of 100 are covered; the treatment period begins with the first drug all the same.
    Supplied are 150 days by four fills: 90 of two drugs, 60 of the third.
    """
    story(
        given={
            "raw.eligibility": HUNDRED_DAYS,
            "raw.pharmacy_claim": PARTS,
            "raw.measure": f"""
                measure_key | measure_id | value_set      | threshold_percent | min_ingredients
                8           | pdc_arv    | antiretrovirals | 90               | {depth}
            """,
        },
        expect=f"""
            person_id | index_date | treatment_days | covered_days | is_adherent | covered_through_date | surplus_days | exclusion_reason
            ann       | 2026-01-01 | 100            | {row}
        """,
    )


def test_intervals_with_three_antiretrovirals_are_evidence(story):
    """Issue point 7: covered and uncovered intervals with the claims that they rest on, where k = 3 too."""
    story(
        model="outreach.coverage_segment",
        given={"raw.eligibility": HUNDRED_DAYS, "raw.pharmacy_claim": PARTS},
        expect="""
            person_id | start_date | end_date   | is_covered | counted_days | first_claim_id | last_claim_id
            ann       | 2026-01-01 | 2026-01-10 | no         | 10           | -              | -
            ann       | 2026-01-11 | 2026-02-09 | yes        | 30           | C0001          | C0003
            ann       | 2026-02-10 | 2026-02-19 | no         | 10           | -              | -
            ann       | 2026-02-20 | 2026-03-21 | yes        | 30           | C0001          | C0004
            ann       | 2026-03-22 | 2026-04-10 | no         | 20           | -              | -
        """,
    )


def test_a_change_of_regimen_leaves_no_hole(story):
    """Domain rule 1.5.3: days on which two regimens overlap count once, and days 0 to 49 are one interval.

    Biktarvy lasts through day 29, triumeq from day 20 on through day 49; of 60 days supplied ten are surplus.
    """
    story(
        as_of="2026-06-30",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code | days_supply
                ann       | 2026-01-01      | biktarvy | 15
                ann       | 2026-01-16      | biktarvy | 15
                ann       | 2026-01-21      | triumeq  | 15
                ann       | 2026-02-05      | triumeq  | 15
            """
        },
        expect="""
            person_id | covered_days | covered_through_date | surplus_days | exclusion_reason
            ann       | 50           | 2026-02-19           | 10           | -
        """,
    )


@pytest.mark.parametrize(
    ("as_of", "late", "missed"), [("2026-01-20", 0, 0), ("2026-02-10", 11, 10)], ids=["before the hole", "in it"]
)
def test_supply_on_hand_ends_before_a_hole(story, as_of, late, missed):
    """Domain section 4: covered-through is the unbroken coverage, though the tablet of two covers days 90 to 119 again.

    At k = 2: lamivudine lasts through day 89, dolutegravir through day 29, and dovato, which holds both, waits for the
    later of them. 90 % of 365 days leave 36 to miss: from 31 January on, that is through 7 March.
    """
    story(
        as_of=as_of,
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2026-01-01      | lamivudine   | 90
                ann       | 2026-01-01      | dolutegravir | 30
                ann       | 2026-01-10      | dovato       | 30
            """,
            "raw.measure": """
                measure_key | measure_id | value_set       | threshold_percent | min_ingredients
                8           | pdc_arv    | antiretrovirals | 90                | 2
            """,
        },
        expect=f"""
            person_id | covered_through_date | refill_due_date | last_impactable_date | days_late | missed_days | projected_pdc
            ann       | 2026-01-30           | 2026-01-31      | 2026-03-08           | {late}    | {missed}    | 0.1644
        """,
    )


def test_a_first_fill_of_antiretrovirals_is_a_first_fill(story):
    """Domain section 4.1: one fill date so far. A second one gives each drug its two dates, if all three were filled.

    Cal fills his three as two products. Bob's two make no HIV therapy, so nobody asks him about one.
    """
    story(
        model="outreach.ledger",
        as_of="2026-03-23",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2026-03-01      | biktarvy     | 30
                bob       | 2026-03-01      | truvada      | 30
                cal       | 2026-03-01      | truvada      | 30
                cal       | 2026-03-01      | dolutegravir | 30
            """
        },
        expect="""
            person_id | subject | gap_code             | status | window_start_date
            ann       | pdc_arv | ADHERENCE_FIRST_FILL | open   | 2026-03-31
            cal       | pdc_arv | ADHERENCE_FIRST_FILL | open   | 2026-03-31
        """,
    )


def test_therapy_that_was_not_started_again_was_therapy_before(story):
    """Domain section 2: two antiretrovirals are pre-exposure prophylaxis or hepatitis B therapy, last year too."""
    story(
        model="outreach.ledger",
        as_of="2026-06-30",
        given={
            "raw.pharmacy_claim": """
                person_id | dispensing_date | ndc_code     | days_supply
                ann       | 2025-10-01      | biktarvy     | 30
                bob       | 2025-10-01      | truvada      | 30
                cal       | 2025-08-01      | truvada      | 30
                cal       | 2025-10-01      | dolutegravir | 30
            """
        },
        expect="""
            person_id | subject | gap_code              | status
            ann       | pdc_arv | ADHERENCE_NOT_STARTED | open
            cal       | pdc_arv | ADHERENCE_NOT_STARTED | open
        """,
    )
