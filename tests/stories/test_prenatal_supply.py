"""Gaps in maternal care, told as stories: maternal 2, 1.6 (steps 0, 6, 7) and 1.8 .

Days are counted by hand from the page: w weeks and d days are day 7w + d since the LMP. One line is one member; the
shorthand is that of `maternity.py`. Tonight is Tuesday 2026-06-30, when neither flu nor RSV vaccine is offered.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import pytest

from assets.engine.maternal_registry import read_prenatal_rules
from assets.engine.registry import read_families, read_value_sets
from tests.stories import maternity
from tests.stories.maternity import UNSPEAKABLE, cases_of
from tests.story import Story

MODEL = "gaps.prenatal_supply"
AS_OF = "2026-06-30"
RULES = read_prenatal_rules()


@pytest.fixture
def mothers(teller: Story) -> Callable[..., None]:
    """Tell a table of members: `mothers(table, model, which rows, as_of)`; see `maternity.py`."""
    return partial(maternity.tell, teller)


def code_of(case: maternity.Case) -> str:
    """All rows of the code that the case's rule belongs to, so that no other rule of it may speak either."""
    rule = case["rule"] or ""
    return f"gap_code = '{RULES[rule].gap_code if rule in RULES else 'MATERNAL_CHECK_IN'}'"


# From 5w0d (35) to delivery (287, the last current day), best before 12w0d (84). Over the counter: half of 1 in tier A,
# of 0.7 in B. A fill of d days on day f lasts through f + d - 1.
PNV_NONE = """
    rule     | at   | tier | events                              | row
    pnv_none | g34  | A    | -                                   | prospective start=g35
    pnv_none | g35  | A    | -                                   | open start=g35 end=g287 due=g83 severity=55 confidence=0.5
    pnv_none | g83  | A    | -                                   | open severity=55
    pnv_none | g84  | A    | -                                   | open severity=40 due=g83
    pnv_none | g287 | A    | -                                   | open severity=40
    pnv_none | g60  | B    | -                                   | open severity=55 confidence=0.35
    pnv_none | g60  | C    | -                                   | -
    pnv_none | g60  | X    | -                                   | -
    # Run-out t-7 is enough; from then to 60 days the refill is late instead; from 61 days on there is none at hand.
    pnv_none | g120 | A    | t-36 rx:pnv/30                      | -
    pnv_none | g120 | A    | t-37 rx:pnv/30                      | -
    pnv_none | g120 | A    | t-89 rx:pnv/30                      | -
    pnv_none | g120 | A    | t-90 rx:pnv/30                      | open severity=40
    pnv_none | g120 | A    | t-90 rx:pnv/30; t-5 rx:pnv/30       | -
    # Bought before the pregnancy: g-1 to g33 is t-7, one day less is t-8 and no refill of this pregnancy is late.
    pnv_none | g40  | A    | g-1 rx:pnv/35                       | -
    pnv_none | g40  | A    | g-1 rx:pnv/34                       | open severity=55
    # Folic acid of 0.4 mg or more closes it before 14w0d (98), filled since the LMP.
    pnv_none | g97  | A    | g0 rx:folic/30                      | -
    pnv_none | g98  | A    | g0 rx:folic/30                      | open
    pnv_none | g90  | A    | g-1 rx:folic/90                     | open
    pnv_none | g90  | A    | g10 rx:folic-mcg/30                 | -
    pnv_none | g90  | A    | g10 rx:folic-low/30                 | open
    pnv_none | g90  | A    | g10 rx:b-complex/30                 | open
    # What is a prenatal vitamin (2.1): flagged, named, classed, or folic acid with iron and four vitamins; not three.
    pnv_none | g90  | A    | t-1 rx:pnv-named/30                 | -
    pnv_none | g90  | A    | t-1 rx:pnv-class/30                 | -
    pnv_none | g90  | A    | t-1 rx:pnv-made/30                  | -
    pnv_none | g90  | A    | t-1 rx:multivitamin/30              | open
    # Never more than 100 days: t-167 to t-68.
    pnv_none | g200 | A    | t-167 rx:pnv/180                    | open
    # A pharmacist's word closes for 90 days, a refusal for 180; an attempt closes nothing.
    pnv_none | g200 | A    | t-89 said:PNV_NONE=REACHED_COMPLETED | documented
    pnv_none | g200 | A    | t-90 said:PNV_NONE=REACHED_COMPLETED | open
    pnv_none | g200 | A    | t-89 said:PNV_NONE=GAP_ALREADY_CLOSED | reported
    pnv_none | g200 | A    | t-179 said:PNV_NONE=REACHED_DECLINED | declined
    pnv_none | g200 | A    | t-180 said:PNV_NONE=REACHED_DECLINED | open
    pnv_none | g200 | A    | t-1 said:PNV_NONE=NO_ANSWER         | open
    pnv_none | g200 | A    | t-1 said:TDAP=REACHED_COMPLETED     | open
    # Hyperemesis ranks down by half: 27.5, later 20.
    pnv_none | g60  | A    | g50 dx:O211                         | open severity=27.5
    pnv_none | g90  | A    | g50 dx:O211                         | open severity=20
    pnv_none | g60  | A    | g50 dx:O210                         | open severity=55
    pnv_none | g60  | A    | g-1 dx:O211                         | open severity=55
    pnv_none | p10  | -    | -                                   | -
"""

# From run-out + 7 to run-out + 60, of a fill of this pregnancy.
PNV_LATE = """
    rule     | at   | tier | events                              | row
    pnv_late | g120 | A    | t-35 rx:pnv/30                      | -
    pnv_late | g120 | A    | t-36 rx:pnv/30                      | open start=t0 end=t53 due=t53 severity=45 confidence=0.5
    pnv_late | g120 | B    | t-36 rx:pnv/30                      | open confidence=0.35
    pnv_late | g120 | C    | t-36 rx:pnv/30                      | -
    pnv_late | g120 | A    | t-89 rx:pnv/30                      | open end=t0
    pnv_late | g120 | A    | t-90 rx:pnv/30                      | -
    pnv_late | g120 | A    | t-60 rx:pnv/30; t-3 rx:pnv/30       | -
    pnv_late | g40  | A    | g-1 rx:pnv/30                       | -
    pnv_late | g40  | A    | g0 rx:pnv/30                        | open
    # At most 100 days, t-110 to t-11; without days one a day, t-36 to t-7; early refills queue, t-66 to t-7.
    pnv_late | g200 | A    | t-110 rx:pnv/180                    | open start=t-4
    pnv_late | g200 | A    | t-36 rx:pnv//30                     | open start=t0
    pnv_late | g200 | A    | t-66 rx:pnv/30; t-65 rx:pnv/30      | open start=t0
    pnv_late | g120 | A    | t-50 rx:pnv/30; g50 dx:O211         | open severity=22.5
    pnv_late | g120 | A    | t-50 rx:pnv/30; t-89 said:PNV_LATE=REACHED_COMPLETED | documented
    pnv_late | g120 | A    | t-50 rx:pnv/30; t-90 said:PNV_LATE=REACHED_COMPLETED | open
    pnv_late | g120 | A    | -                                   | -
"""

# Before 12w0d (84), a queue of reviews.
FOLIC_HIGH = """
    rule            | at  | tier | events                                  | row
    folic_acid_high | g34 | A    | g-100 dx:E119                           | prospective start=g35
    folic_acid_high | g35 | A    | g-100 dx:E119                           | open start=g35 end=g83 due=g83 severity=60 confidence=1
    folic_acid_high | g83 | A    | g-100 dx:E119                           | open
    folic_acid_high | g84 | A    | g-100 dx:E119                           | -
    folic_acid_high | g60 | B    | g-100 dx:E119                           | open confidence=0.7
    folic_acid_high | g60 | C    | g-100 dx:E119                           | -
    folic_acid_high | g60 | A    | -                                       | -
    folic_acid_high | g60 | A    | g20 dx:E109                             | open
    folic_acid_high | g60 | A    | g20 denied dx:E109                      | -
    folic_acid_high | g60 | A    | g-900 dx:Z8759                          | open
    # A malformation of an earlier pregnancy, not of this one.
    folic_acid_high | g60 | A    | g-1 dx:O3500X0                          | open
    folic_acid_high | g60 | A    | g0 dx:O3500X0                           | -
    folic_acid_high | g60 | A    | g50 rx:valproate/30                     | open
    folic_acid_high | g60 | A    | g50 rx:lamotrigine/30                   | -
    # Filled before: at hand tonight (g-10 to g60), or over (g-10 to g59).
    folic_acid_high | g60 | A    | g-10 rx:valproate/71                    | open
    folic_acid_high | g60 | A    | g-10 rx:valproate/70                    | -
    # Folic acid of 1 mg alone, since the LMP.
    folic_acid_high | g60 | A    | g-100 dx:E119; g0 rx:folic-1/30         | -
    folic_acid_high | g60 | A    | g-100 dx:E119; g-1 rx:folic-1/90        | open
    folic_acid_high | g60 | A    | g-100 dx:E119; g5 rx:folic/30           | open
    folic_acid_high | g60 | A    | g-100 dx:E119; g5 rx:b-complex/30       | open
    folic_acid_high | g60 | A    | g-100 dx:E119; g5 rx:pnv/30             | open
    folic_acid_high | g60 | A    | g-100 dx:E119; g40 said:FOLIC_HIGH=REACHED_COMPLETED | documented
"""

# 12w0d (84) to 28w6d (202), best before 16w0d (112). Table 2.2, high factors.
LDA = """
    rule             | at   | tier | events                       | row
    low_dose_aspirin | g83  | A    | g-10 dx:I10                  | prospective start=g84
    low_dose_aspirin | g84  | A    | g-10 dx:I10                  | open start=g84 end=g202 due=g111 severity=65 confidence=0.5
    low_dose_aspirin | g112 | A    | g-10 dx:I10                  | open due=g111
    low_dose_aspirin | g202 | A    | g-10 dx:I10                  | open
    low_dose_aspirin | g203 | A    | g-10 dx:I10                  | -
    low_dose_aspirin | g120 | B    | g-10 dx:I10                  | open confidence=0.35
    low_dose_aspirin | g120 | C    | g-10 dx:I10                  | -
    low_dose_aspirin | g120 | A    | -                            | -
    low_dose_aspirin | g120 | A    | g-10 denied dx:I10           | -
    # Twins of this pregnancy; chronic hypertension before 20w0d (140).
    low_dose_aspirin | g120 | A    | g60 dx:O30041                | open
    low_dose_aspirin | g120 | A    | g-1 dx:O30041                | -
    low_dose_aspirin | g150 | A    | g139 dx:O10012               | open
    low_dose_aspirin | g150 | A    | g140 dx:O10012               | -
    low_dose_aspirin | g150 | A    | g-900 dx:I150                | open
    low_dose_aspirin | g150 | A    | g-900 dx:I160                | -
    low_dose_aspirin | g150 | A    | g100 dx:O131                 | -
    # Diabetes: by its own codes whenever they come, E10 and E11 before the LMP.
    low_dose_aspirin | g150 | A    | g145 dx:O24012               | open
    low_dose_aspirin | g150 | A    | g145 dx:O24112               | open
    low_dose_aspirin | g150 | A    | g145 dx:O24312               | open
    low_dose_aspirin | g150 | A    | g145 dx:O24812               | -
    low_dose_aspirin | g150 | A    | g145 dx:O24410               | -
    low_dose_aspirin | g150 | A    | g-1 dx:E109                  | open
    low_dose_aspirin | g150 | A    | g-1 dx:E119                  | open
    low_dose_aspirin | g150 | A    | g0 dx:E119                   | -
    low_dose_aspirin | g150 | A    | g-1 dx:E139                  | -
    # Kidneys, without the unspecified stage; antibodies, without the skin's lupus.
    low_dose_aspirin | g120 | A    | g-50 dx:N032                 | open
    low_dose_aspirin | g120 | A    | g-50 dx:N059                 | open
    low_dose_aspirin | g120 | A    | g-50 dx:N1830                | open
    low_dose_aspirin | g120 | A    | g-50 dx:N189                 | -
    low_dose_aspirin | g120 | A    | g50 dx:O26831                | open
    low_dose_aspirin | g120 | A    | g-50 dx:M3210                | open
    low_dose_aspirin | g120 | A    | g-50 dx:L930                 | -
    low_dose_aspirin | g120 | A    | g-50 dx:D6861                | open
    low_dose_aspirin | g120 | A    | g-50 dx:D6862                | open
    low_dose_aspirin | g120 | A    | g-50 dx:D68312               | open
    # Pre-eclampsia of an earlier pregnancy; two unspecific histories together, neither alone.
    low_dose_aspirin | g120 | A    | g-1 dx:O1413                 | open
    low_dose_aspirin | g120 | A    | g-400 dx:O1500               | open
    low_dose_aspirin | g120 | A    | g-400 dx:O113                | open
    low_dose_aspirin | g120 | A    | g0 dx:O1402                  | -
    low_dose_aspirin | g120 | A    | g-400 dx:Z8759               | -
    low_dose_aspirin | g120 | A    | g50 dx:O09291                | -
    low_dose_aspirin | g120 | A    | g-400 dx:Z8759; g50 dx:O09291 | open
    # Taken: any product of aspirin alone up to 162 mg, or the code of long-term use, since the LMP; a pharmacist's word too.
    low_dose_aspirin | g120 | A    | g-10 dx:I10; g0 rx:aspirin-81/30     | -
    low_dose_aspirin | g120 | A    | g-10 dx:I10; g-1 rx:aspirin-81/90    | open
    low_dose_aspirin | g120 | A    | g-10 dx:I10; g20 rx:aspirin-162/30   | -
    low_dose_aspirin | g120 | A    | g-10 dx:I10; g20 rx:aspirin-325/30   | open
    low_dose_aspirin | g120 | A    | g-10 dx:I10; g20 rx:fiorinal/30      | open
    low_dose_aspirin | g120 | A    | g-10 dx:I10; g0 dx:Z7982             | -
    low_dose_aspirin | g120 | A    | g-10 dx:I10; g-1 dx:Z7982            | open
    low_dose_aspirin | g120 | A    | g-10 dx:I10; g0 said:LDA=REACHED_COMPLETED | documented
    low_dose_aspirin | g120 | A    | g-10 dx:I10; g-1 said:LDA=REACHED_COMPLETED | open
    # Not for her: allergy, bleeding and platelets ever, bleeding of the gut within 12 months, anticoagulants; unpaid too.
    low_dose_aspirin | g120 | A    | g-10 dx:I10; g-2000 dx:Z886          | -
    low_dose_aspirin | g120 | A    | g-10 dx:I10; g-9 denied dx:Z886      | -
    low_dose_aspirin | g120 | A    | g-10 dx:I10; g-2000 dx:D66           | -
    low_dose_aspirin | g120 | A    | g-10 dx:I10; g-2000 dx:D6951         | -
    low_dose_aspirin | g120 | A    | g-10 dx:I10; g-2000 dx:D696          | -
    low_dose_aspirin | g120 | A    | g-10 dx:I10; g30 dx:O99111           | -
    low_dose_aspirin | g120 | A    | g-10 dx:I10; t-364 dx:K254           | -
    low_dose_aspirin | g120 | A    | g-10 dx:I10; t-365 dx:K254           | open
    low_dose_aspirin | g120 | A    | g-10 dx:I10; t-364 dx:K922           | -
    low_dose_aspirin | g120 | A    | g-10 dx:I10; t-1 dx:K253             | open
    low_dose_aspirin | g120 | A    | g-10 dx:I10; g0 rx:enoxaparin/10     | -
    low_dose_aspirin | g84  | A    | g-10 dx:I10; g-9 rx:enoxaparin/94    | -
    low_dose_aspirin | g84  | A    | g-10 dx:I10; g-9 rx:enoxaparin/93    | open
    # The setting is off: two moderate factors ask for nothing.
    low_dose_aspirin_moderate | g120 | A | g50 dx:Z3401; g60 dx:O99211     | -
"""

# Two moderate factors, where the setting is on. LMP 2026-03-22 and expected date 2026-12-27 at g100; 35 on that day if
# born on 1991-12-27. An earlier birth on 2016-03-21 is more than ten years before the LMP, one on 2016-03-22 is not.
LDA_MODERATE = """
    rule                      | at   | tier | events                                          | row
    low_dose_aspirin_moderate | g100 | A    | -                                               | -
    low_dose_aspirin_moderate | g100 | A    | g50 dx:Z3401                                    | -
    low_dose_aspirin_moderate | g100 | A    | g50 dx:Z3401; g60 dx:O99211                     | open start=g84 end=g202 due=g111 severity=65 confidence=0.5
    low_dose_aspirin_moderate | g100 | B    | g50 dx:Z3401; g60 dx:O99211                     | open confidence=0.35
    low_dose_aspirin_moderate | g100 | C    | g50 dx:Z3401; g60 dx:O99211                     | -
    low_dose_aspirin_moderate | g203 | A    | g50 dx:Z3401; g60 dx:O99211                     | -
    low_dose_aspirin_moderate | g100 | A    | g50 dx:Z3401; g51 dx:Z3401; g60 dx:O09511       | -
    low_dose_aspirin_moderate | g100 | A    | g50 dx:Z6830; g60 dx:E669; g61 dx:O99211        | -
    low_dose_aspirin_moderate | g100 | A    | g50 dx:Z6845; g60 dx:O09811                     | open
    low_dose_aspirin_moderate | g100 | A    | g50 dx:Z6829; g60 dx:O09811                     | -
    low_dose_aspirin_moderate | g100 | A    | g50 dx:E663; g60 dx:O09811                      | -
    low_dose_aspirin_moderate | g100 | A    | g50 dx:Z3401; who:birth_date=1991-12-27         | open
    low_dose_aspirin_moderate | g100 | A    | g50 dx:Z3401; who:birth_date=1991-12-28         | -
    low_dose_aspirin_moderate | g100 | A    | g50 dx:O09521; g60 dx:O99211                    | -
    low_dose_aspirin_moderate | g100 | A    | g50 dx:Z3401; who:payer_type=medicaid           | open
    low_dose_aspirin_moderate | g100 | A    | g50 dx:Z3401; who:low_income_subsidy_indicator=yes | open
    low_dose_aspirin_moderate | g100 | A    | g50 dx:Z596; who:payer_type=medicaid            | -
    low_dose_aspirin_moderate | g100 | A    | g50 dx:Z3401; t-364 dx:Z595                     | open
    low_dose_aspirin_moderate | g100 | A    | g50 dx:Z3401; t-365 dx:Z595                     | -
    low_dose_aspirin_moderate | g100 | A    | g50 dx:O09291; g60 dx:O99211                    | open
    low_dose_aspirin_moderate | g100 | A    | 2016-03-21 birth; g60 dx:O99211                 | open
    low_dose_aspirin_moderate | g100 | A    | 2016-03-22 birth; g60 dx:O99211                 | -
    low_dose_aspirin_moderate | g100 | A    | 2012-03-21 birth; g60 dx:O99211; who:race=black | open
    low_dose_aspirin_moderate | g100 | A    | g60 dx:O99211; who:race=black                   | -
    low_dose_aspirin_moderate | g100 | A    | g50 dx:Z3401; g60 dx:O99211; g70 rx:aspirin-81/30 | -
    low_dose_aspirin_moderate | g100 | A    | g50 dx:Z3401; g60 dx:O99211; g-2000 dx:Z886     | -
    low_dose_aspirin          | g100 | A    | g50 dx:Z3401; g60 dx:O99211; g-10 dx:I10        | open
"""

# From the diagnosis + 7 to delivery (287); after it with O90.81 to day 42.
IRON_ANEMIA = """
    rule            | at   | tier | events                             | row
    iron_antepartum | g100 | A    | t-6 dx:O99011                      | prospective start=t1
    iron_antepartum | g100 | A    | t-7 dx:O99011                      | open start=t0 end=g287 due=g280 severity=50 confidence=0.5
    iron_antepartum | g100 | B    | t-7 dx:O99011                      | open confidence=0.35
    iron_antepartum | g100 | C    | t-7 dx:O99011                      | -
    iron_antepartum | g287 | A    | g90 dx:O99011                      | open
    iron_antepartum | g100 | A    | -                                  | -
    iron_antepartum | g100 | A    | g0 dx:D509                         | open
    iron_antepartum | g100 | A    | g-1 dx:D509                        | -
    iron_antepartum | g100 | A    | g50 dx:D649                        | open
    iron_antepartum | g100 | A    | g50 dx:D62                         | -
    iron_antepartum | g100 | A    | g50 dx:D509; t-2 dx:D509           | open start=g57
    # Iron since the LMP; the iron of a prenatal vitamin is no treatment.
    iron_antepartum | g100 | A    | g50 dx:D509; g0 rx:iron/30         | -
    iron_antepartum | g100 | A    | g50 dx:D509; g-1 rx:iron/90        | open
    iron_antepartum | g100 | A    | g50 dx:D509; g60 rx:pnv/90         | open
    iron_antepartum | g100 | A    | g50 dx:D509; g60 rx:pnv-made/90    | open
    iron_antepartum | g100 | A    | g50 dx:D509; g60 cpt:J1756         | -
    iron_antepartum | g100 | A    | g50 dx:D509; g60 cpt:Q0138         | -
    iron_antepartum | g100 | A    | g50 dx:D509; g60 denied cpt:J1756  | open
    iron_antepartum | g100 | A    | g50 dx:D509; g-900 dx:D563         | -
    iron_antepartum | g100 | A    | g50 dx:D509; g-900 dx:D573         | -
    iron_antepartum | g100 | A    | g50 dx:D509; g-900 dx:E83110       | -
    iron_antepartum | g200 | A    | g50 dx:D509; t-89 said:IRON_ANEMIA=REACHED_COMPLETED | documented
    iron_antepartum | g200 | A    | g50 dx:D509; t-90 said:IRON_ANEMIA=REACHED_COMPLETED | open
    iron_antepartum | p10  | -    | g250 dx:D509                       | -
    iron_postpartum | p6   | -    | p0 dx:O9081                        | prospective start=p7
    iron_postpartum | p7   | -    | p0 dx:O9081                        | open start=p7 end=p42 due=p42 severity=50 confidence=0.5
    iron_postpartum | p42  | -    | p-1 dx:O9081                       | open
    iron_postpartum | p43  | -    | p0 dx:O9081                        | -
    iron_postpartum | p20  | -    | p2 dx:O9081; preg:outcome=delivery | open
    iron_postpartum | p20  | -    | p2 dx:D509                         | -
    iron_postpartum | p20  | -    | p2 dx:O9081; p2 rx:iron/30         | -
    iron_postpartum | p20  | -    | p2 dx:O9081; p1 rx:iron/30         | open
    iron_postpartum | p20  | -    | p2 dx:O9081; p9 cpt:J1439          | -
    iron_postpartum | p20  | -    | p2 dx:O9081; g-900 dx:D571         | -
"""

# From the diagnosis + 3, best by + 21, and again where the supply ran out 7 days ago. A claim line supplies 90 days.
GDM_SUPPLY = """
    rule       | at   | tier | events                                   | row
    gdm_supply | g200 | A    | t-2 dx:O24410                            | prospective start=t1
    gdm_supply | g200 | A    | t-3 dx:O24410                            | open start=t0 end=g287 due=t18 severity=70 confidence=1
    gdm_supply | g200 | B    | t-3 dx:O24419                            | open confidence=0.7
    gdm_supply | g200 | C    | t-3 dx:O24410                            | -
    gdm_supply | g287 | A    | g200 dx:O24410                           | open due=g221
    gdm_supply | g200 | A    | -                                        | -
    gdm_supply | g200 | A    | g-1 dx:O24410                            | -
    gdm_supply | g200 | A    | t-40 dx:E119                             | -
    gdm_supply | g200 | A    | t-40 dx:O24410; t-35 rx:strips/30        | -
    gdm_supply | g200 | A    | t-40 dx:O24410; t-36 rx:strips/30        | open start=t-37
    gdm_supply | g200 | A    | t-40 dx:O24410; t-20 rx:libre/28         | -
    gdm_supply | g200 | A    | t-40 dx:O24410; t-5 rx:lancets/30        | open
    gdm_supply | g200 | A    | t-40 dx:O24410; t-95 cpt:A4253           | -
    gdm_supply | g200 | A    | t-99 dx:O24410; t-96 cpt:A4253           | open
    gdm_supply | g200 | A    | t-40 dx:O24410; t-30 cpt:E0607           | -
    gdm_supply | g200 | A    | t-40 dx:O24410; t-30 cpt:A4239           | -
    gdm_supply | g200 | A    | t-40 dx:O24410; t-30 cpt:A9277           | -
    gdm_supply | g200 | A    | t-40 dx:O24410; t-30 cpt:A4259           | open
    gdm_supply | g200 | A    | t-40 dx:O24410; t-30 denied cpt:E0607    | open
    gdm_supply | g200 | A    | t-99 dx:O24410; t-89 said:GDM_SUPPLY=REACHED_COMPLETED | documented
    gdm_supply | g200 | A    | t-99 dx:O24410; t-90 said:GDM_SUPPLY=REACHED_COMPLETED | open
    gdm_supply | p3   | -    | g200 dx:O24410                           | -
    gdm_supply_pregestational | g100 | A | t-2 dx:O24011              | prospective start=t1
    gdm_supply_pregestational | g100 | A | t-3 dx:O24011              | open start=t0 end=g287 due=t18 severity=70
    gdm_supply_pregestational | g100 | C | t-3 dx:O24011              | -
    gdm_supply_pregestational | g100 | A | t-9 dx:O24111              | open
    gdm_supply_pregestational | g100 | A | t-9 dx:O24311              | open
    gdm_supply_pregestational | g100 | A | t-9 dx:O24811              | open
    gdm_supply_pregestational | g100 | A | t-9 dx:O24911              | open
    gdm_supply_pregestational | g100 | A | g-1 dx:O24911              | -
    gdm_supply_pregestational | g100 | A | t-9 dx:O24011; t-179 cpt:A4253 | -
    gdm_supply_pregestational | g100 | A | t-9 dx:O24011; t-180 cpt:A4253 | open
    gdm_supply_pregestational | g100 | A | t-9 dx:O24011; t-179 rx:strips/30 | -
"""

# 28 to 84 days after any birth; a test counts from day 28 on.
GDM_PP_OGTT = """
    rule                | at  | tier | events                                   | row
    gdm_postpartum_test | p27 | -    | g200 dx:O24410                           | prospective start=p28
    gdm_postpartum_test | p28 | -    | g200 dx:O24410                           | open start=p28 end=p84 due=p84 severity=50 confidence=1
    gdm_postpartum_test | p84 | -    | g200 dx:O24410                           | open
    gdm_postpartum_test | p85 | -    | g200 dx:O24410                           | -
    gdm_postpartum_test | p40 | -    | -                                        | -
    gdm_postpartum_test | p40 | -    | g273 dx:O24420                           | open
    gdm_postpartum_test | p40 | -    | p20 dx:O24434                            | open
    gdm_postpartum_test | p40 | -    | g-1 dx:O24410                            | -
    gdm_postpartum_test | p40 | -    | g200 dx:O24410; preg:outcome=delivery    | open
    gdm_postpartum_test | p40 | -    | g200 dx:O24410; p28 cpt:82951            | -
    gdm_postpartum_test | p40 | -    | g200 dx:O24410; p27 cpt:82947            | open
    gdm_postpartum_test | p40 | -    | g200 dx:O24410; p30 cpt:82950            | -
    gdm_postpartum_test | p40 | -    | g200 dx:O24410; p30 cpt:82947            | -
    gdm_postpartum_test | p40 | -    | g200 dx:O24410; p30 cpt:83036            | -
    gdm_postpartum_test | p40 | -    | g200 dx:O24410; p30 denied cpt:83036     | open
    # Diabetes from before: its own codes, or E08 to E13 before the LMP; an unspecified one is not known to be older.
    gdm_postpartum_test | p40 | -    | g200 dx:O24410; g100 dx:O24112           | -
    gdm_postpartum_test | p40 | -    | g200 dx:O24410; g-1 dx:E119              | -
    gdm_postpartum_test | p40 | -    | g200 dx:O24410; g0 dx:E119               | open
    gdm_postpartum_test | p40 | -    | g200 dx:O24410; g100 dx:O24912           | open
    gdm_postpartum_test | p40 | -    | g200 dx:O24410; p30 said:GDM_PP_OGTT=REACHED_COMPLETED | documented
"""

# 24w0d (168) to 28w6d (202), of whom no claim says diabetes.
GDM_SCREEN = """
    rule       | at   | tier | events                       | row
    gdm_screen | g167 | A    | -                            | prospective start=g168
    gdm_screen | g168 | A    | -                            | open start=g168 end=g202 due=g202 severity=40 confidence=1
    gdm_screen | g202 | A    | -                            | open
    gdm_screen | g203 | A    | -                            | -
    gdm_screen | g180 | B    | -                            | open confidence=0.7
    gdm_screen | g180 | C    | -                            | -
    gdm_screen | g180 | A    | g0 cpt:82950                 | -
    gdm_screen | g180 | A    | g-1 cpt:82950                | open
    gdm_screen | g180 | A    | g170 cpt:82951               | -
    gdm_screen | g180 | A    | g170 cpt:82952               | -
    gdm_screen | g180 | A    | g170 cpt:82947               | open
    gdm_screen | g180 | A    | g150 dx:O24410               | -
    gdm_screen | g180 | A    | g-900 dx:O24410              | open
    gdm_screen | g180 | A    | g-900 dx:E119                | -
    gdm_screen | g180 | A    | g-900 dx:O24111              | -
    gdm_screen | g180 | A    | g50 dx:O24911                | -
    gdm_screen | g180 | A    | g50 denied dx:O24911         | -
    gdm_screen | g180 | A    | g-900 dx:O24911              | open
    gdm_screen | g180 | A    | g-900 dx:Z9884               | -
    gdm_screen | g180 | A    | g50 dx:O99841                | -
    gdm_screen | g180 | A    | g0 said:GDM_SCREEN=REACHED_COMPLETED  | documented
    gdm_screen | g180 | A    | g-1 said:GDM_SCREEN=REACHED_COMPLETED | open
"""

# From the diagnosis + 3 to 42 days after delivery (expected day 280 + 42 = 322); a monitor of the last three years.
BP_MONITOR = """
    rule                  | at   | tier | events                          | row
    bp_monitor_antepartum | g200 | A    | t-2 dx:O132                     | prospective start=t1
    bp_monitor_antepartum | g200 | A    | t-3 dx:O132                     | open start=t0 end=g322 severity=80 confidence=1
    bp_monitor_antepartum | g200 | B    | t-3 dx:O132                     | open confidence=0.7
    bp_monitor_antepartum | g200 | C    | t-3 dx:O132                     | -
    bp_monitor_antepartum | g287 | A    | g200 dx:O132                    | open
    bp_monitor_antepartum | g200 | A    | -                               | -
    bp_monitor_antepartum | g200 | A    | t-9 dx:O10012                   | open
    bp_monitor_antepartum | g200 | A    | t-9 dx:O112                     | open
    bp_monitor_antepartum | g200 | A    | t-9 dx:O1402                    | open
    bp_monitor_antepartum | g200 | A    | t-9 dx:O162                     | open
    bp_monitor_antepartum | g200 | A    | t-9 dx:O1202                    | -
    bp_monitor_antepartum | g200 | A    | g0 dx:I10                       | open
    bp_monitor_antepartum | g200 | A    | g-1 dx:I10                      | -
    bp_monitor_antepartum | g200 | A    | t-9 dx:I161                     | open
    bp_monitor_antepartum | g200 | A    | t-9 dx:O132; t-1095 cpt:A4670   | -
    bp_monitor_antepartum | g200 | A    | t-9 dx:O132; t-1096 cpt:A4670   | open
    bp_monitor_antepartum | g200 | A    | t-9 dx:O132; t-99 cpt:A4660     | -
    bp_monitor_antepartum | g200 | A    | t-9 dx:O132; t-99 cpt:A4663     | open
    bp_monitor_antepartum | g200 | A    | t-9 dx:O132; g0 cpt:99473       | -
    bp_monitor_antepartum | g200 | A    | t-9 dx:O132; g-1 cpt:99473      | open
    bp_monitor_antepartum | g200 | A    | t-9 dx:O132; t-5 cpt:99454      | -
    bp_monitor_antepartum | g200 | A    | t-9 dx:O132; t-5 cpt:S9211      | -
    bp_monitor_antepartum | g200 | A    | t-9 dx:O132; t-5 denied cpt:A4670 | open
    # Severe conditions are a clinician's (edge case 10), on an unpaid claim too; one of an earlier pregnancy is over.
    bp_monitor_antepartum | g200 | A    | t-9 dx:O132; t-5 dx:O1414       | -
    bp_monitor_antepartum | g200 | A    | t-9 dx:O132; t-5 dx:O1422       | -
    bp_monitor_antepartum | g200 | A    | t-9 dx:O132; t-5 dx:O1502       | -
    bp_monitor_antepartum | g200 | A    | t-9 dx:O132; t-5 denied dx:O1414 | -
    bp_monitor_antepartum | g200 | A    | t-9 dx:O132; g-1 dx:O1414       | open
    bp_monitor_postpartum | p20  | -    | p18 dx:O165                     | prospective start=p21
    bp_monitor_postpartum | p20  | -    | p17 dx:O165                     | open start=t0 end=p42 severity=80
    bp_monitor_postpartum | p42  | -    | g250 dx:O133                    | open end=t0
    bp_monitor_postpartum | p43  | -    | g250 dx:O133                    | -
    bp_monitor_postpartum | p20  | -    | p2 dx:I10; preg:outcome=delivery | open
    bp_monitor_postpartum | p20  | -    | g-1 dx:I10                      | -
    bp_monitor_postpartum | p20  | -    | p2 dx:O165; p5 cpt:A4670        | -
    bp_monitor_postpartum | p20  | -    | p2 dx:O165; p5 dx:O1415         | -
"""

# From 28w0d (196; in tier B by the least that it may be, here three days less) to 84 days after a live birth.
BREAST_PUMP = """
    rule               | at   | tier | events                                | row
    breast_pump_before | g195 | A    | -                                     | prospective start=g196
    breast_pump_before | g196 | A    | -                                     | open start=g196 due=g250 severity=40 confidence=1
    breast_pump_before | g287 | A    | -                                     | open
    breast_pump_before | g198 | B    | -                                     | -
    breast_pump_before | g199 | B    | -                                     | open confidence=0.7
    breast_pump_before | g260 | C    | -                                     | -
    breast_pump_before | g200 | A    | t-1095 cpt:E0602                      | -
    breast_pump_before | g200 | A    | t-1096 cpt:E0602                      | open
    breast_pump_before | g200 | A    | t-9 cpt:E0603                         | -
    breast_pump_before | g200 | A    | t-9 cpt:E0604                         | -
    breast_pump_before | g200 | A    | g0 cpt:A4281                          | -
    breast_pump_before | g200 | A    | g-1 cpt:A4281                         | open
    breast_pump_before | g200 | A    | t-9 cpt:A4286                         | -
    breast_pump_before | g200 | A    | t-9 cpt:A4287                         | open
    breast_pump_before | g200 | A    | t-9 cpt:K1005                         | open
    breast_pump_before | g200 | A    | t-9 dx:Z333                           | -
    breast_pump_before | g200 | A    | g-1 dx:Z333                           | open
    # Medicaid of Texas bills the infant, who is not born yet; elsewhere, and with other payers, the gap is asserted.
    breast_pump_before | g200 | A    | who:state=TX; who:payer_type=medicaid | -
    breast_pump_before | g200 | A    | who:state=LA; who:payer_type=medicaid | open
    breast_pump_before | g200 | A    | who:state=TX; who:payer_type=commercial | open
    breast_pump_after  | p0   | -    | -                                     | open start=p0 end=p84 due=p84 severity=40 confidence=1
    breast_pump_after  | p84  | -    | -                                     | open
    breast_pump_after  | p85  | -    | -                                     | -
    breast_pump_after  | p20  | -    | g260 cpt:E0603                        | -
    breast_pump_after  | p20  | -    | g260 said:BREAST_PUMP=REACHED_COMPLETED | documented
    breast_pump_after  | p20  | -    | g250 dx:Z333                          | -
    # A birth without its outcome, or not paid, is none, unless a newborn of the family has a paid claim (L5).
    breast_pump_after  | p20  | -    | preg:outcome=delivery                 | -
    breast_pump_after  | p20  | -    | preg:is_paid_outcome=no               | -
    breast_pump_after  | p20  | -    | preg:outcome=delivery; p0 newborn     | -
    breast_pump_after  | p20  | -    | preg:outcome=delivery; p0 newborn; p2 infant cpt:99460 | open
    breast_pump_after  | p20  | -    | preg:outcome=delivery; p0 newborn; p2 infant denied cpt:99460 | -
    breast_pump_after  | p20  | -    | preg:outcome=delivery; p7 newborn; p8 infant cpt:99460 | open
    breast_pump_after  | p20  | -    | preg:outcome=delivery; p8 newborn; p8 infant cpt:99460 | -
    # A pump on the infant's number closes the mother's gap (edge case 9).
    breast_pump_after  | p20  | -    | who:state=TX; who:payer_type=medicaid | -
    breast_pump_after  | p20  | -    | who:state=TX; who:payer_type=medicaid; p0 newborn | open
    breast_pump_after  | p20  | -    | who:state=TX; who:payer_type=medicaid; p0 newborn; p5 infant cpt:E0603 | -
    breast_pump_after  | p20  | -    | p0 newborn; p5 infant cpt:A4283       | -
    breast_pump_after  | p20  | -    | p0 newborn; p5 infant denied cpt:E0603 | open
"""

# 27w0d (189) to 36w6d (258), late from then on.
TDAP = """
    rule | at   | tier | events                       | row
    tdap | g188 | A    | -                            | prospective start=g189
    tdap | g189 | A    | -                            | open start=g189 end=g287 due=g258 severity=60 confidence=1 says=best_given_by
    tdap | g258 | A    | -                            | open says=(Tdap),_best
    tdap | g259 | A    | -                            | open due=g258 severity=60 says=late
    tdap | g287 | A    | -                            | open says=late
    tdap | g200 | B    | -                            | open confidence=0.7
    tdap | g200 | C    | -                            | -
    tdap | g200 | A    | g140 cpt:90715               | -
    tdap | g200 | A    | g0 cpt:90715                 | -
    tdap | g200 | A    | g-1 cpt:90715                | open
    tdap | g200 | A    | g190 denied cpt:90715        | open
    tdap | g200 | A    | g190 cpt:90714               | open
    tdap | g200 | A    | g190 rx:boostrix/1           | -
    tdap | g200 | A    | g-900 dx:T8052XA             | -
    tdap | g200 | A    | g-900 dx:G0402               | -
    tdap | g200 | A    | g0 said:TDAP=REACHED_COMPLETED  | documented
    tdap | g200 | A    | g-1 said:TDAP=REACHED_COMPLETED | open
    tdap | p3   | -    | -                            | -
"""

# 32w0d (224) to 36w6d (258) and 1 September to 31 January. 34 days lie between g224 and g258.
RSV = {
    "2026-08-31": """
        rule         | at   | tier | events             | row
        rsv_maternal | g224 | A    | -                  | prospective start=2026-09-01 end=g258
        rsv_maternal | g257 | A    | -                  | prospective start=2026-09-01 end=2026-09-01
        rsv_maternal | g258 | A    | -                  | -
    """,
    "2026-09-01": """
        rule         | at   | tier | events             | row
        rsv_maternal | g223 | A    | -                  | prospective start=g224
        rsv_maternal | g224 | A    | -                  | open start=g224 end=g258 due=g258 severity=60 confidence=1
        rsv_maternal | g258 | A    | -                  | open start=t0 end=t0
        rsv_maternal | g259 | A    | -                  | -
        rsv_maternal | g230 | B    | -                  | open confidence=0.7
        rsv_maternal | g230 | C    | -                  | -
        # One dose ever is enough; another product is an error to review, and closes nothing.
        rsv_maternal | g230 | A    | g-900 cpt:90678    | -
        rsv_maternal | g230 | A    | t-1 cpt:90678      | -
        rsv_maternal | g230 | A    | t-1 rx:abrysvo/1   | -
        rsv_maternal | g230 | A    | t-1 denied cpt:90678 | open
        rsv_maternal | g230 | A    | g0 cpt:90679       | -
        rsv_maternal | g230 | A    | g-1 cpt:90679      | open
        rsv_maternal | g230 | A    | g-900 dx:T8052XA   | -
        rsv_maternal | g230 | A    | who:state=AK       | -
        rsv_maternal | g230 | A    | who:state=HI       | -
        rsv_maternal | g230 | A    | who:state=PR       | -
        rsv_maternal | g230 | A    | who:state=TX       | open
    """,
    # 31 December is g224: the season ends first, on g255. On g230 28 days are left.
    "2026-12-31": """
        rule         | at   | tier | events             | row
        rsv_maternal | g224 | A    | -                  | open start=g224 end=2027-01-31
        rsv_maternal | g230 | A    | -                  | open end=2027-01-28
    """,
    "2027-01-01": """
        rule         | at   | tier | events             | row
        rsv_maternal | g230 | A    | -                  | open end=2027-01-29
        rsv_maternal | g250 | A    | -                  | open start=2026-12-06
    """,
    # Edge case 16: 33 weeks (231) on 31 January, and on 2 February. From g223 on 31 January 32 weeks come in February.
    "2027-01-31": """
        rule         | at   | tier | events             | row
        rsv_maternal | g231 | A    | -                  | open end=2027-01-31 due=2027-01-31
        rsv_maternal | g224 | A    | -                  | open start=t0 end=t0
        rsv_maternal | g223 | A    | -                  | -
    """,
    "2027-02-01": """
        rule         | at   | tier | events             | row
        rsv_maternal | g231 | A    | -                  | -
        # g36 tonight is 32w0d 188 days later, on 8 August, and g258 on 11 September.
        rsv_maternal | g36  | A    | -                  | prospective start=2027-09-01 end=2027-09-11
    """,
}

RSV_REVIEW = """
    rule             | at   | tier | events              | row
    rsv_error_review | g150 | A    | g100 cpt:90683      | open start=g100 end=g287 due=g114 severity=60 confidence=1
    rsv_error_review | g150 | B    | g100 rx:arexvy/1    | open confidence=0.7
    rsv_error_review | g150 | C    | g100 cpt:90679      | -
    rsv_error_review | g150 | A    | g-1 cpt:90679       | -
    rsv_error_review | g150 | A    | g100 denied cpt:90679 | -
    rsv_error_review | g150 | A    | g100 cpt:90678      | -
    rsv_error_review | g150 | A    | g100 cpt:90679; g110 said:RSV_REVIEW=REACHED_COMPLETED | documented
"""

# Offered from September to March; a dose since 1 July counts. 252 days lie between g35 and g287.
FLU = {
    "2026-08-31": """
        rule      | at   | tier | events                | row
        influenza | g100 | A    | -                     | prospective start=2026-09-01 end=2027-03-06
        influenza | g287 | A    | -                     | -
    """,
    "2026-09-01": """
        rule      | at   | tier | events                | row
        influenza | g34  | A    | -                     | prospective start=g35
        influenza | g35  | A    | -                     | open start=g35 end=2027-03-31 due=2027-03-31 severity=45 confidence=1
        influenza | g287 | A    | -                     | open end=t0
        influenza | g100 | B    | -                     | open confidence=0.7
        influenza | g100 | C    | -                     | -
        influenza | g100 | A    | 2026-07-01 cpt:90686  | -
        influenza | g100 | A    | 2026-06-30 cpt:90686  | open
        influenza | g100 | A    | t-1 cpt:Q2037         | -
        influenza | g100 | A    | t-1 rx:flu-shot/1     | -
        influenza | g100 | A    | t-1 denied cpt:90686  | open
        # The live vaccine is not what is offered, and was given already.
        influenza | g100 | A    | t-1 cpt:90672         | -
        influenza | g100 | A    | t-1 rx:flu-nose/1     | -
        influenza | g100 | A    | g-900 dx:T8052XA      | -
        influenza | p10  | -    | -                     | -
    """,
    "2027-01-01": """
        rule      | at   | tier | events                | row
        influenza | g60  | A    | -                     | open end=2027-03-31
        influenza | g60  | A    | 2026-10-01 cpt:90686  | -
        influenza | g200 | A    | 2026-06-30 cpt:90686  | open
    """,
    # 211 days lie between 1 September and 31 March: a pharmacist's word lasts through the season.
    "2027-03-31": """
        rule      | at   | tier | events                | row
        influenza | g100 | A    | -                     | open end=t0
        influenza | g250 | A    | 2026-09-01 said:FLU=REACHED_COMPLETED | documented
        influenza | g250 | A    | 2026-08-31 said:FLU=REACHED_COMPLETED | open
    """,
    # g100 tonight is g253 on 1 September; g200 is over 87 days later.
    "2027-04-01": """
        rule      | at   | tier | events                | row
        influenza | g100 | A    | -                     | prospective start=2027-09-01 end=2027-10-05
        influenza | g200 | A    | -                     | -
    """,
}

# From 8w0d (56), due on day 104 or 42 days after enrolment, late to 28w0d (196).
PRENATAL_VISIT = """
    rule           | at   | tier | events                              | row
    prenatal_visit | g55  | A    | -                                   | prospective start=g56
    prenatal_visit | g56  | A    | -                                   | open start=g56 end=g196 due=g104 severity=60 confidence=1
    prenatal_visit | g104 | A    | -                                   | open due=g104 says=yet,_best_made_by
    prenatal_visit | g105 | A    | -                                   | open due=g104 says=Late_entry
    prenatal_visit | g196 | A    | -                                   | open says=Late_entry
    prenatal_visit | g197 | A    | -                                   | -
    prenatal_visit | g80  | B    | -                                   | open confidence=0.7
    prenatal_visit | g80  | C    | -                                   | -
    # Enrolled on day 62: 104 either way; on day 63: 105; on day 190: 232, though 28 weeks are over.
    prenatal_visit | g105 | A    | who:enrollment_start_date=g62       | open due=g104 says=Late_entry
    prenatal_visit | g105 | A    | who:enrollment_start_date=g63       | open due=g105 says=yet,_best_made_by
    prenatal_visit | g232 | A    | who:enrollment_start_date=g190      | open due=g232 end=g232
    prenatal_visit | g233 | A    | who:enrollment_start_date=g190      | -
    # A hole of 45 days (g45 to g89) is bridged, one of 46 is not: due 42 days after g90.
    prenatal_visit | g105 | A    | who:enrollment_start_date=g90; span:2010-01-01..g44 | open due=g104
    prenatal_visit | g105 | A    | who:enrollment_start_date=g90; span:2010-01-01..g43 | open due=g132
    # Visits: an office visit with a pregnancy diagnosis by a clinician of prenatal care (or nobody known), or their own codes.
    prenatal_visit | g80  | A    | g60 cpt:99213+ev:O0991              | -
    prenatal_visit | g80  | A    | g60 cpt:99213+dx:J069               | open
    prenatal_visit | g80  | A    | g60 cpt:99213; g60 ev:O0991         | open
    prenatal_visit | g80  | A    | g60 cpt:99243+ev:O0991              | -
    prenatal_visit | g80  | A    | g60 cpt:98005+ev:O0991              | -
    prenatal_visit | g80  | A    | g60 cpt:99283+ev:O0991              | open
    prenatal_visit | g80  | A    | g60 cpt:99213+ev:O0991+npi:1000000001 | -
    prenatal_visit | g80  | A    | g60 cpt:99213+ev:O0991+npi:1000000002 | open
    prenatal_visit | g80  | A    | g60 cpt:99213+ev:O0991+npi:1000000003 | -
    prenatal_visit | g80  | A    | g60 cpt:99213+ev:O0991+npi:1999999992 | -
    prenatal_visit | g80  | A    | g0 cpt:0500F                        | -
    prenatal_visit | g80  | A    | g-1 cpt:0500F                       | open
    prenatal_visit | g80  | A    | g60 denied cpt:0500F                | open
    prenatal_visit | g80  | A    | g60 cpt:H1001                       | -
    prenatal_visit | g80  | A    | g60 cpt:59425                       | -
    prenatal_visit | g80  | A    | g60 cpt:99500                       | -
    # In care: ultrasound and panel together, or two professional claims with a dated week.
    prenatal_visit | g80  | A    | g60 cpt:76801; g61 cpt:80055        | -
    prenatal_visit | g80  | A    | g60 cpt:76801; g61 cpt:76817        | open
    prenatal_visit | g80  | A    | g60 cpt:80055; g61 cpt:80081        | open
    prenatal_visit | g80  | A    | g-1 cpt:76801; g61 cpt:80055        | open
    prenatal_visit | g80  | A    | g60 ev:Z3A08; g67 ev:Z3A09          | -
    prenatal_visit | g80  | A    | g60 ev:Z3A08; g60 ev:Z3A08          | -
    prenatal_visit | g80  | A    | g60 ev:Z3A08                        | open
    prenatal_visit | g80  | A    | g60 ev:Z3A08; g67 denied ev:Z3A09   | open
    prenatal_visit | g80  | A    | g60 ev:Z3A08; g67 hospital ev:Z3A09 | open
    prenatal_visit | g80  | A    | g60 said:PRENATAL_VISIT=REACHED_COMPLETED | documented
"""

# 7 to 84 days after a live birth, more urgent from day 60; bundles prove no visit.
POSTPARTUM_VISIT = """
    rule             | at  | tier | events                            | row
    postpartum_visit | p6  | -    | -                                 | prospective start=p7
    postpartum_visit | p7  | -    | -                                 | open start=p7 end=p84 due=p84 severity=55 confidence=1
    postpartum_visit | p59 | -    | -                                 | open severity=55
    postpartum_visit | p60 | -    | -                                 | open start=p7 end=p84 due=p84 severity=70
    postpartum_visit | p84 | -    | -                                 | open severity=70
    postpartum_visit | p85 | -    | -                                 | -
    postpartum_visit | p30 | -    | p7 dx:Z392                        | -
    postpartum_visit | p30 | -    | p6 dx:Z392                        | open
    postpartum_visit | p30 | -    | p20 denied dx:Z392                | open
    postpartum_visit | p30 | -    | p20 dx:Z391                       | -
    postpartum_visit | p30 | -    | p20 dx:Z01419                     | -
    postpartum_visit | p30 | -    | p20 dx:Z30430                     | -
    postpartum_visit | p30 | -    | p20 cpt:59430                     | -
    postpartum_visit | p30 | -    | p20 cpt:0503F                     | -
    postpartum_visit | p30 | -    | p20 cpt:57170                     | -
    postpartum_visit | p30 | -    | p20 cpt:99501                     | -
    postpartum_visit | p30 | -    | p20 cpt:G0101                     | -
    postpartum_visit | p30 | -    | p20 cpt:88142                     | -
    postpartum_visit | p30 | -    | p0 cpt:59400                      | open
    postpartum_visit | p30 | -    | p20 cpt:59510                     | open
    postpartum_visit | p30 | -    | p20 cpt:99213                     | open
    postpartum_visit | p30 | -    | preg:outcome=delivery             | -
    postpartum_visit | p30 | -    | preg:outcome=stillbirth           | -
    postpartum_visit | p30 | -    | preg:is_paid_outcome=no           | -
    postpartum_visit | p30 | -    | preg:outcome=delivery; p0 newborn; p1 infant cpt:99460 | open
    postpartum_visit | p30 | -    | p10 said:POSTPARTUM_VISIT=REACHED_COMPLETED | documented
    # A severe condition takes the monitor off the list, not the check-up; what no dated claim tells of is a birth as well.
    postpartum_visit | p30 | -    | p2 dx:O1415                       | open
    postpartum_visit | p30 | -    | preg:last_evidence_date=          | open
    postpartum_visit | p70 | -    | t-1 again                         | -
    postpartum_visit | g200 | A   | -                                 | -
"""

PP_DEPRESSION_SCREEN = """
    rule                         | at  | tier | events                           | row
    postpartum_depression_screen | p6  | -    | -                                | prospective start=p7
    postpartum_depression_screen | p7  | -    | -                                | open start=p7 end=p84 due=p84 severity=55 confidence=1
    postpartum_depression_screen | p84 | -    | -                                | open
    postpartum_depression_screen | p85 | -    | -                                | -
    postpartum_depression_screen | p30 | -    | p7 cpt:G8510                     | -
    postpartum_depression_screen | p30 | -    | p6 cpt:G8510                     | open
    postpartum_depression_screen | p30 | -    | p20 cpt:G8431                    | -
    postpartum_depression_screen | p30 | -    | p20 cpt:96127                    | -
    postpartum_depression_screen | p30 | -    | p20 denied cpt:96127             | open
    # At a visit of the infant only the code for the mother's screening is hers.
    postpartum_depression_screen | p30 | -    | p0 newborn; p20 infant cpt:96161 | -
    postpartum_depression_screen | p30 | -    | p0 newborn; p20 infant cpt:96127 | open
    # Who is in treatment ranks down by half.
    postpartum_depression_screen | p30 | -    | t-89 rx:sertraline/30            | open severity=27.5
    postpartum_depression_screen | p30 | -    | t-90 rx:sertraline/30            | open severity=55
    postpartum_depression_screen | p30 | -    | t-10 cpt:90834                   | open severity=27.5
    postpartum_depression_screen | p30 | -    | preg:outcome=delivery            | -
    postpartum_depression_screen | p30 | -    | p9 said:PP_DEPRESSION_SCREEN=REACHED_COMPLETED | documented
"""

# Tier A from 32w0d (224) on with evidence of the last 35 days, or to 365 days after a live birth; only with a sign of need.
DIAPERS = """
    rule          | at   | tier | events                                      | row
    diaper_before | g223 | A    | who:payer_type=medicaid                     | prospective start=g224
    diaper_before | g224 | A    | who:payer_type=medicaid                     | open start=g224 end=g287 due=g280 severity=40 confidence=1
    diaper_before | g287 | A    | who:payer_type=medicaid                     | open
    diaper_before | g240 | B    | who:payer_type=medicaid                     | -
    diaper_before | g240 | C    | who:payer_type=medicaid                     | -
    diaper_before | g240 | A    | who:payer_type=medicaid; preg:last_evidence_date=t-35 | open
    diaper_before | g240 | A    | who:payer_type=medicaid; preg:last_evidence_date=t-36 | -
    diaper_before | g240 | A    | -                                           | -
    diaper_before | g240 | A    | who:payer_type=commercial                   | -
    diaper_before | g240 | A    | who:medicaid_indicator=yes                  | open
    diaper_before | g240 | A    | who:dual_status_code=02                     | open
    diaper_before | g240 | A    | who:low_income_subsidy_indicator=yes        | open
    diaper_before | g240 | A    | t-364 dx:Z5900                              | open
    diaper_before | g240 | A    | t-365 dx:Z5900                              | -
    diaper_before | g240 | A    | who:payer_type=medicaid; g50 dx:Z333        | -
    # No claim closes it: a referral does, for 90 days, a refusal for 180.
    diaper_before | g240 | A    | who:payer_type=medicaid; t-5 cpt:T4529      | open
    diaper_before | g240 | A    | who:payer_type=medicaid; t-9 said:DIAPER_RESOURCE=REFERRED | documented
    diaper_after  | p0   | -    | who:payer_type=medicaid                     | open start=p0 end=p365 severity=40 confidence=1
    diaper_after  | p365 | -    | who:payer_type=medicaid                     | open
    diaper_after  | p366 | -    | who:payer_type=medicaid                     | -
    diaper_after  | p100 | -    | -                                           | -
    diaper_after  | p100 | -    | t-9 dx:Z5941                                | open
    diaper_after  | p100 | -    | who:payer_type=medicaid; g50 dx:Z333        | -
    diaper_after  | p100 | -    | who:payer_type=medicaid; preg:outcome=delivery | -
    diaper_after  | p100 | -    | who:payer_type=medicaid; preg:is_paid_outcome=no | -
    diaper_after  | p100 | -    | who:payer_type=medicaid; preg:outcome=delivery; p0 newborn; p1 infant cpt:99460 | open
    diaper_after  | p200 | -    | who:payer_type=medicaid; t-89 said:DIAPER_RESOURCE=REACHED_COMPLETED | documented
    diaper_after  | p200 | -    | who:payer_type=medicaid; t-90 said:DIAPER_RESOURCE=REACHED_COMPLETED | open
    diaper_after  | p200 | -    | who:payer_type=medicaid; t-179 said:DIAPER_RESOURCE=REACHED_DECLINED | declined
    diaper_after  | p200 | -    | who:payer_type=medicaid; t-180 said:DIAPER_RESOURCE=REACHED_DECLINED | open
    diaper_after  | p200 | -    | who:payer_type=medicaid; t-5 cpt:T4529      | open
"""

CAR_SEAT = """
    rule     | at   | tier | events                                      | row
    car_seat | g223 | A    | who:payer_type=medicaid                     | prospective start=g224
    car_seat | g224 | A    | who:payer_type=medicaid                     | open start=g224 end=g287 due=g280 severity=40 confidence=1
    car_seat | g287 | A    | who:payer_type=medicaid                     | open
    car_seat | g240 | B    | who:payer_type=medicaid                     | -
    car_seat | g240 | A    | -                                           | -
    car_seat | g240 | A    | t-9 dx:Z5986                                | open
    car_seat | g240 | A    | who:payer_type=medicaid; preg:last_evidence_date=t-36 | -
    car_seat | g240 | A    | who:payer_type=medicaid; g50 dx:Z333        | -
    car_seat | g240 | A    | who:payer_type=medicaid; t-89 said:CAR_SEAT=REFERRED | documented
    car_seat | g240 | A    | who:payer_type=medicaid; t-90 said:CAR_SEAT=REFERRED | open
    car_seat | p10  | -    | who:payer_type=medicaid                     | -
"""

# From fills alone, never from a diagnosis. 15 mg x 100 / 30 days = 50; 10 mg of oxycodone x 100 / 30 x 1.5 = 50.
NALOXONE = """
    rule     | at   | tier | events                                   | row
    naloxone | g100 | A    | t-5 rx:buprenorphine/7                   | open start=t-5 end=g287 severity=85 confidence=1 sensitive=no says=safety_kit
    naloxone | g100 | B    | t-5 rx:methadone/7                       | open confidence=0.7
    naloxone | g100 | C    | t-5 rx:buprenorphine/7                   | open confidence=0.4 sensitive=yes says=safety_kit
    naloxone | g100 | X    | t-5 rx:buprenorphine/7                   | -
    naloxone | g287 | A    | t-5 rx:buprenorphine/7                   | open
    naloxone | p10  | -    | t-5 rx:buprenorphine/7                   | -
    naloxone | g100 | A    | g0 rx:buprenorphine/7                    | open
    naloxone | g100 | A    | g-1 rx:buprenorphine/7                   | -
    naloxone | g100 | A    | t-5 dx:F1120                             | -
    naloxone | g100 | A    | -                                        | -
    naloxone | g100 | A    | t-5 rx:morphine-15/30/100                | open
    naloxone | g100 | A    | t-5 rx:morphine-15/30/99                 | -
    naloxone | g100 | A    | t-5 rx:oxycodone-apap/30/100             | open
    naloxone | g100 | A    | t-5 rx:oxycodone-apap/30/99              | -
    naloxone | g100 | A    | t-5 rx:morphine-syrup/10/300             | -
    naloxone | g100 | A    | g-1 rx:morphine-15/30/200                | -
    naloxone | g100 | A    | t-5 rx:buprenorphine/7; t-364 rx:naloxone/1 | -
    naloxone | g100 | A    | t-5 rx:buprenorphine/7; t-365 rx:naloxone/1 | open
    naloxone | g100 | A    | t-5 rx:buprenorphine/7; t-9 rx:narcan/1  | -
    naloxone | g100 | A    | t-5 rx:methadone/7; t-9 rx:buprenorphine/7 | open
    naloxone | g100 | A    | t-5 rx:buprenorphine/7; t-3 said:NALOXONE_COPREG=REACHED_COMPLETED | documented
"""

# Negative: 17-OHPC is never asked for, only spoken of where a claim shows it.
PROGESTERONE = """
    rule         | at   | tier | events                  | row
    progesterone | g150 | A    | g120 cpt:J1726          | open start=g120 end=g287 severity=60 confidence=1 says=never_recommend
    progesterone | g150 | B    | g120 cpt:J1729          | open confidence=0.7
    progesterone | g150 | C    | g120 cpt:J1729          | -
    progesterone | g150 | A    | g120 rx:makena/7        | open
    progesterone | g150 | A    | g-1 cpt:J1726           | -
    progesterone | g150 | A    | g120 denied cpt:J1726   | -
    progesterone | g150 | A    | g120 dx:O26872          | -
    progesterone | g150 | A    | g120 rx:progesterone/30 | -
    progesterone | g150 | A    | g-300 dx:O6014X0        | -
    progesterone | g150 | A    | g120 cpt:J1726; g130 said:PROGESTERONE=REACHED_COMPLETED | documented
"""

# Tier C, or stale to 70 days.
CHECK_IN = """
    rule     | at   | tier | events                                        | row
    check_in | g60  | C    | -                                             | open start=t-7 end=t63 severity=none confidence=0.4 sensitive=yes
    check_in | g60  | A    | -                                             | -
    check_in | g60  | B    | -                                             | -
    check_in | g60  | X    | -                                             | -
    check_in | g200 | A    | preg:status=stale; preg:last_evidence_date=t-70 | open end=t0 sensitive=yes
    check_in | g200 | B    | preg:status=stale; preg:last_evidence_date=t-71 | -
    check_in | g200 | X    | preg:status=stale; preg:last_evidence_date=t-50 | -
    check_in | g60  | C    | t-89 said:MATERNAL_CHECK_IN=REACHED_COMPLETED | documented
    check_in | g60  | C    | t-90 said:MATERNAL_CHECK_IN=REACHED_COMPLETED | open
    check_in | g60  | C    | t-179 said:MATERNAL_CHECK_IN=REACHED_DECLINED | declined
    check_in | g60  | C    | t-180 said:MATERNAL_CHECK_IN=REACHED_DECLINED | open
    check_in | g60  | C    | t-2 dx:O1414                                  | -
    check_in | p20  | -    | -                                             | -
"""

TABLES = {
    "PNV_NONE": PNV_NONE, "PNV_LATE": PNV_LATE, "FOLIC_HIGH": FOLIC_HIGH, "LDA": LDA, "IRON_ANEMIA": IRON_ANEMIA,
    "GDM_SUPPLY": GDM_SUPPLY, "GDM_PP_OGTT": GDM_PP_OGTT, "GDM_SCREEN": GDM_SCREEN, "BP_MONITOR": BP_MONITOR,
    "BREAST_PUMP": BREAST_PUMP, "TDAP": TDAP, "RSV_REVIEW": RSV_REVIEW, "PRENATAL_VISIT": PRENATAL_VISIT,
    "POSTPARTUM_VISIT": POSTPARTUM_VISIT, "PP_DEPRESSION_SCREEN": PP_DEPRESSION_SCREEN, "DIAPER_RESOURCE": DIAPERS,
    "CAR_SEAT": CAR_SEAT, "NALOXONE_COPREG": NALOXONE, "PROGESTERONE": PROGESTERONE, "MATERNAL_CHECK_IN": CHECK_IN,
}  # fmt: skip


@pytest.mark.parametrize("text", TABLES.values(), ids=TABLES)
def test_gap(mothers, text):
    """Who is asked, from which day to which, what closes it, what holds it back, in which tier."""
    mothers(text, MODEL, code_of, AS_OF)


@pytest.mark.parametrize(("as_of", "text"), RSV.items(), ids=RSV)
def test_rsv_vaccine_in_its_season(mothers, as_of, text):
    """32 to 36 weeks and September to January, across the turn of the year."""
    mothers(text, MODEL, code_of, as_of)


@pytest.mark.parametrize(("as_of", "text"), FLU.items(), ids=FLU)
def test_flu_vaccine_in_its_season(mothers, as_of, text):
    """Any gestational age, offered from September to March, counted from 1 July."""
    mothers(text, MODEL, code_of, as_of)


def test_two_moderate_factors_where_the_setting_is_on(mothers):
    """Maternal 2.2: off by default, because most pregnancies have one; age by the birth date, never race."""
    mothers(LDA_MODERATE, MODEL, code_of, AS_OF, aspirin_moderate_risk=True)


# Who may be spoken of at all: everyone here is due a Tdap vaccine and, where the row is `-`, has no row of any kind.
SPOKEN_OF = """
    rule | at   | tier | events                                      | row
    tdap | g230 | A    | -                                           | open
    tdap | g230 | A    | t-400 loss                                  | -
    tdap | g230 | A    | t-400 loss:C0009                            | open
    tdap | g230 | X    | -                                           | -
    tdap | g230 | A    | preg:status=suppressed                      | -
    tdap | g230 | A    | preg:status=outcome_unknown                 | -
    tdap | g290 | A    | preg:status=overdue                         | -
    tdap | g230 | A    | preg:referral_reason=minor                  | -
    tdap | g230 | A    | preg:referral_reason=sex_mismatch           | -
    tdap | g230 | A    | preg:referral_reason=age_unproven           | -
    # In hospital to yesterday, to today, from tomorrow on; enrolled to yesterday, to today; died today, tomorrow.
    tdap | g230 | A    | t-5 stay:t-1                                | open
    tdap | g230 | A    | t-5 stay:t0                                 | -
    tdap | g230 | A    | t-5 stay:t9                                 | -
    tdap | g230 | A    | t1 stay:t9                                  | open
    tdap | g230 | A    | who:enrollment_end_date=t-1                 | -
    tdap | g230 | A    | who:enrollment_end_date=t0                  | open
    tdap | g230 | A    | who:enrollment_start_date=t1                | -
    tdap | g230 | A    | who:death_date=t0                           | -
    tdap | g230 | A    | t-9 dx:O1414                                | -
    postpartum_visit | p40 | - | -                                     | open
    postpartum_visit | p40 | - | p10 loss                              | -
    postpartum_visit | p40 | - | t-2 stay                              | -
    postpartum_visit | p40 | - | preg:status=suppressed                | -
    postpartum_visit | p40 | - | preg:referral_reason=minor            | -
    postpartum_visit | p40 | - | who:enrollment_end_date=t-1           | -
"""


def of_any_kind(case: maternity.Case) -> str:
    """All rows of a member of whom nothing may be said."""
    return "true" if case["row"] == "-" or case["row"] is None else code_of(case)


def test_who_may_be_spoken_of(mothers):
    """Maternal 1.6 to 1.8: no row after a loss, in doubt, in hospital, not enrolled, dead, or on the clinicians' queue."""
    mothers(SPOKEN_OF, MODEL, of_any_kind, AS_OF)


@pytest.mark.parametrize("reason", ["medical_feed_stale", "value_set_missing"])
def test_a_closed_gate_keeps_every_row_back(mothers, reason):
    """Maternal 1.7, L9: while a loss could be unseen nobody has a row."""
    text = "rule | at | tier | events | row\n tdap | g230 | A | - | -\n postpartum_visit | p40 | - | - | -"
    gate = f"missing_value_sets | closed_reason\n0 | {reason}"
    mothers(text, MODEL, of_any_kind, AS_OF, gate=gate)


# What stale evidence and tier C may be offered, of members for whom nearly every rule would speak.
AT_MOST = """
    rule     | at   | tier | events                                                                    | row
    check_in | g230 | C    | who:payer_type=medicaid; t-9 dx:O133; t-9 dx:D509; t-9 dx:O24410          | open
    check_in | g230 | A    | preg:status=stale; who:payer_type=medicaid; t-9 dx:O133; t-5 rx:methadone/7 | open
"""


def test_stale_evidence_and_tier_c_get_a_check_in_at_most(mothers):
    """Maternal 1.6, steps 6 and 7; 1.8: stale overrides every tier."""
    mothers(AT_MOST, MODEL, lambda case: "true", AS_OF)


# The public code stands in for what a list must not say (interface 3.1).
PUBLIC = {
    "PP_DEPRESSION_SCREEN": "CHECK_IN", "MATERNAL_CHECK_IN": "CHECK_IN", "NALOXONE_COPREG": "SAFETY_KIT",
    "MED_REVIEW_TODAY": "REFILL_REVIEW", "MED_REVIEW_SOON": "REFILL_REVIEW", "MED_REVIEW_INFO": "REFILL_REVIEW",
}  # fmt: skip
# Anchors of maternal 6.6.
SEVERITIES = {
    "MED_REVIEW_TODAY": 100, "BP_MONITOR": 80, "GDM_SUPPLY": 70, "LDA": 65, "TDAP": 60, "RSV_MATERNAL": 60,
    "FOLIC_HIGH": 60, "PNV_NONE": 55, "DIAPER_RESOURCE": 40, "CAR_SEAT": 40,
}  # fmt: skip


def test_codes_weigh_what_the_page_says():
    """Maternal 6.6; every maternal code has a public name without a subject, vaccines an impactability of 0.5."""
    families = read_families()
    codes = {**families["prenatal_supply"].codes, **families["medication_review"].codes}
    assert {code: codes[code].severity for code in SEVERITIES} == SEVERITIES
    for code, entry in codes.items():
        if entry.pregnancy_dependent:
            assert (entry.public_code, entry.public_subject) == (PUBLIC.get(code, "CHECK_IN"), None), code
            assert not UNSPEAKABLE.search(f"{entry.action} {entry.public_code} {entry.public_family}"), code
    assert {c for c, e in codes.items() if e.sensitive} == {
        "PP_DEPRESSION_SCREEN", "MATERNAL_CHECK_IN", "NALOXONE_COPREG",
    }  # fmt: skip
    reviews = {
        code for code, entry in codes.items() if entry.pregnancy_dependent and entry.queue == "medication_review"
    }
    assert reviews == {
        "FOLIC_HIGH", "PROGESTERONE", "RSV_REVIEW", "MED_REVIEW_TODAY", "MED_REVIEW_SOON", "MED_REVIEW_INFO",
    }  # fmt: skip
    assert {codes[code].impactability for code in ("TDAP", "RSV_MATERNAL", "FLU", "PNV_NONE")} == {0.5}


def test_every_rule_has_a_member_who_is_asked_and_one_who_is_not():
    """One story at least in which each rule speaks, and one in which it is closed, over, held back or not called for."""
    cases = [c for text in (*TABLES.values(), *RSV.values(), *FLU.values(), LDA_MODERATE) for c in cases_of(text)]
    asked = {c["rule"] for c in cases if (c["row"] or "").startswith("open")}
    silent = {c["rule"] for c in cases if c["row"] in {"-", None}}
    assert asked - {"check_in"} == set(RULES)
    assert silent - {"check_in"} == set(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_sentence_fits_rule_l6_with_its_dates(rule):
    """No pregnancy, no baby, no due date; nothing is missing and nobody is told to stop; every place has its date."""
    entry = RULES[rule]
    places = {"trigger": bool(entry.needs), "supply": bool(entry.needs), "delivery": entry.population == "postpartum"}
    for reason in filter(None, (entry.reason, entry.later.reason if entry.later else None)):
        named = set(re.findall(r"{(\w+)}", reason))
        assert named <= {"due", *(place for place, is_known in places.items() if is_known)}
        sentence = re.sub(r"{\w+}", "2026-06-30", reason)
        assert not UNSPEAKABLE.search(sentence)
        assert sentence.endswith(".")
        if entry.is_over_the_counter:
            assert re.search(r"\bask\b", sentence, re.IGNORECASE)


def test_rules_name_codes_and_value_sets_that_exist():
    """A slip of the pen in the registry would silently close nothing."""
    # Told by strength, by name, or by eligibility and the other tables: maternal_drug.sql, maternal_care.sql.
    derived = {
        "prenatal_vitamins", "low_dose_aspirin", "folic_acid_400_mcg", "folic_acid_one_mg", "high_dose_opioids",
        "income_support", "pump_billed_to_infant", "pregnancy_week_visits",
    }  # fmt: skip
    named = {s.value_set for r in RULES.values() for s in (*r.needs, *r.closes, *r.stops, *r.lowers)}
    assert named - derived <= set(read_value_sets())
    assert {rule.gap_code for rule in RULES.values()} | {"MATERNAL_CHECK_IN"} == set(
        read_families()["prenatal_supply"].codes
    )
