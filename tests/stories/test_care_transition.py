"""Care after a hospital stay, told as stories: transitions 3, and the edge cases 11 to 14 of section 7.

Days are counted by hand from the page: the day of discharge is day 0. One line is one member; the shorthand is that of
`hospital.py`. Tonight is Tuesday 2026-06-30; Friday 3 July and Friday 19 June are federal holidays.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial

import duckdb
import pytest

from assets.engine.registry import read_families, read_value_sets
from assets.engine.transition_registry import business_days, read_transition_rules
from tests.stories import hospital
from tests.story import Story, build_models, give

MODEL = "gaps.care_transition"
FACT = "facts.discharge"
AS_OF = hospital.AS_OF
RULES = read_transition_rules()


@pytest.fixture
def patients(teller: Story) -> Callable[..., None]:
    """Tell a table of members: `patients(table, model, as_of=...)`; see `hospital.py`."""
    return partial(hospital.tell, teller)


def together(*tables: str) -> str:
    """Several tables of one shape as one, so that a warehouse is built once."""
    header, *_ = tables[0].strip().splitlines()
    return "\n".join([header, *(line for table in tables for line in table.strip().splitlines()[1:])])


@pytest.fixture
def con(teller: Story) -> Iterator[duckdb.DuckDBPyConnection]:
    """The stories' warehouse, for tests that ask in SQL; what it holds is forgotten."""
    teller.con.execute("begin")
    yield teller.con
    teller.con.execute("rollback")


# Which stays (3.1) ----------------------------------------------------------------------------------------------------

STAYS = """
    events                                                        | row
    bill 06-20..06-26                                             | not_asked_reason=none discharge_date=2026-06-26 destination=home trigger_source=claim
    bill 06-20..06-26 tob=121                                     | not_asked_reason=none
    bill 06-20..06-26 tob=411                                     | not_asked_reason=none
    # Without a type of bill a diagnosis-related group tells a hospital stay.
    bill 06-20..06-26 tob= drg=194                                | not_asked_reason=none
    bill 06-20..06-26 tob=                                        | -
    # Observation is outpatient (13x); skilled nursing alone, swing beds and subacute care are not acute.
    bill 06-20..06-26 tob=131 room=0762                           | -
    bill 06-20..06-26 tob=211                                     | not_asked_reason=not_acute
    bill 06-20..06-26 tob=221                                     | not_asked_reason=not_acute
    bill 06-20..06-26 tob=181                                     | not_asked_reason=not_acute
    bill 06-20..06-26 tob=171                                     | not_asked_reason=not_acute
    # Rooms: only psychiatric, detoxification, rehabilitation or subacute beds are not acute; one acute bed is enough.
    bill 06-20..06-26 room=0124                                   | not_asked_reason=not_acute
    bill 06-20..06-26 room=0126                                   | not_asked_reason=not_acute
    bill 06-20..06-26 room=0118                                   | not_asked_reason=not_acute
    bill 06-20..06-26 room=0190                                   | not_asked_reason=not_acute
    bill 06-20..06-26 room=0200+0118                              | not_asked_reason=none is_sensitive=no
    bill 06-20..06-26 room=0200+0124                              | not_asked_reason=none is_sensitive=yes
    bill 06-20..06-26 room=0210                                   | not_asked_reason=none
    bill 06-20..06-26 room=                                       | not_asked_reason=none
    # Newborns by room and by group; hospice.
    bill 06-20..06-26 room=0170                                   | -
    bill 06-20..06-26 drg=795                                     | -
    bill 06-20..06-26 tob=811                                     | -
    bill 06-20..06-26; bill 06-27..06-29 tob=811                  | not_asked_reason=hospice
    # A discharge needs frequency 1, 4 or 7 and a patient who is not still there; a void is no bill; unpaid is none either.
    bill 06-20..06-26 tob=114                                     | not_asked_reason=none
    bill 06-20..06-26 tob=117                                     | not_asked_reason=none
    bill 06-20..06-26 tob=112                                     | not_asked_reason=in_facility discharge_date=none
    bill 06-20..06-26 tob=113                                     | not_asked_reason=in_facility
    bill 06-20..06-26 status=30                                   | not_asked_reason=in_facility
    bill 06-20..06-26 tob=118                                     | -
    bill 06-20..06-26 denied                                      | -
    # A stay that ends after tonight goes on.
    bill 06-20..07-02                                             | not_asked_reason=in_facility
    # Where they went: home, home with care, planned twins; against advice; a facility waits; died; hospice.
    bill 06-20..06-26 status=06                                   | not_asked_reason=none destination=home
    bill 06-20..06-26 status=81                                   | not_asked_reason=none destination=home
    bill 06-20..06-26 status=86                                   | not_asked_reason=none destination=home
    bill 06-20..06-26 status=07                                   | not_asked_reason=none destination=against_advice
    bill 06-20..06-26 status=02                                   | not_asked_reason=deferred
    bill 06-20..06-26 status=62                                   | not_asked_reason=deferred
    bill 06-20..06-26 status=83                                   | not_asked_reason=deferred
    bill 06-20..06-26 status=20                                   | not_asked_reason=died
    bill 06-20..06-26 status=41                                   | not_asked_reason=died
    bill 06-20..06-26 status=50                                   | not_asked_reason=hospice
    bill 06-20..06-26 status=51                                   | not_asked_reason=hospice
    bill 06-20..06-26; who death_date=2026-06-28                  | not_asked_reason=died
    # 18 on the day of discharge and not the day before; custodial care.
    bill 06-20..06-26; who birth_date=2008-06-26                  | not_asked_reason=none
    bill 06-20..06-26; who birth_date=2008-06-27                  | not_asked_reason=minor
    bill 06-20..06-26; who long_term_institutional_flag=yes       | not_asked_reason=institutional
    # 130 days back.
    bill 02-15..02-20                                             | -
    bill 02-15..02-21                                             | not_asked_reason=none
"""

NOTICES = """
    events                                                        | row
    # The notice first: its day, its time, its clock. Without a status home is taken; the first notice starts the clock.
    notice 06-26T16:00 in=06-20 seen=06-26T20:00                  | not_asked_reason=none trigger_source=notice discharge_date=2026-06-26 notified_date=2026-06-26 sla_due_at=2026-06-27_20:00:00 contact_due_date=2026-06-30
    notice 06-26T16:00                                            | not_asked_reason=none notified_at=2026-06-26_16:00:00 sla_due_at=2026-06-27_16:00:00
    notice 06-26T16:00 seen=06-27T09:00; notice 06-26T16:00 seen=06-26T20:00 status=01 | sla_due_at=2026-06-27_20:00:00
    notice 06-26T16:00 in=06-20 seen=06-26T20:00; bill 06-20..06-26 seen=06-29 | trigger_source=notice notified_date=2026-06-26
    # The claim dates the discharge a day later than the notice: one stay, the notice's.
    notice 06-26T16:00 seen=06-26T20:00; bill 06-20..06-27 seen=06-29 | trigger_source=notice discharge_date=2026-06-26
    notice 06-27T09:00 seen=06-27T10:00; bill 06-20..06-26 seen=06-29 | trigger_source=notice discharge_date=2026-06-27
    # What the notice does not tell, the claim does.
    notice 06-26T16:00 in=06-20; bill 06-20..06-26 status=03      | not_asked_reason=deferred
    notice 06-26T16:00 in=06-20; bill 06-20..06-26 status=20      | not_asked_reason=died
    notice 06-26T16:00 in=06-20 status=01; bill 06-20..06-26 status=06 | not_asked_reason=none
    notice 06-26T16:00 status=3                                   | not_asked_reason=deferred
    notice 06-26T16:00 status=30                                  | not_asked_reason=in_facility
    # Tonight counts, tomorrow does not.
    notice 06-30T23:00                                            | not_asked_reason=none
    notice 07-01T00:00                                            | -
    # A psychiatric hospital or a hospice is no acute hospital; a hospital that has such a unit too is one.
    notice 06-26T16:00 npi=mind                                   | not_asked_reason=not_acute
    notice 06-26T16:00 npi=passing                                | -
    notice 06-26T16:00 npi=both                                   | not_asked_reason=none is_sensitive=no
    notice 06-26T16:00 npi=nursing                                | not_asked_reason=not_acute
    # A claim that tells when it came, and one that does not.
    bill 06-20..06-26 seen=06-30                                  | is_missed_at_source=no
    bill 06-20..06-25 seen=06-30                                  | is_missed_at_source=yes
    bill 06-20..06-26                                             | is_missed_at_source=no notified_date=none
    bill 06-20..06-25                                             | is_missed_at_source=yes
"""

CHAINS = """
    events                                                        | row
    # Edge case 11: a chain of interim bills with status 30 is one stay.
    bill 06-01..06-10 tob=112 status=30 npi=h; bill 06-11..06-20 tob=113 status=30 npi=h in=06-01; bill 06-21..06-26 tob=114 npi=h in=06-01 | not_asked_reason=none first_admission_date=2026-06-01 admission_date=2026-06-01 discharge_date=2026-06-26
    # The next bill without its admission on it: the day after, same place, status 30.
    bill 06-01..06-10 tob=112 status=30 npi=h; bill 06-11..06-26 tob=114 npi=h | admission_date=2026-06-01 discharge_date=2026-06-26
    # Another facility by the next day is a transfer, whatever the status; the last discharge counts.
    bill 06-10..06-15 npi=h status=02; bill 06-15..06-26 npi=k    | admission_date=2026-06-10 discharge_date=2026-06-26
    bill 06-10..06-15 npi=h; bill 06-16..06-26 npi=k              | admission_date=2026-06-10 discharge_date=2026-06-26
    # Two days later it is a readmission; so is the next day at the same facility after a discharge home.
    bill 06-10..06-15 npi=h; bill 06-17..06-26 npi=k              | first_admission_date=2026-06-10 admission_date=2026-06-17
    bill 06-10..06-15 npi=h; bill 06-16..06-26 npi=h              | first_admission_date=2026-06-10 admission_date=2026-06-16
    bill 06-10..06-15 npi=h; bill 06-15..06-26 npi=h              | admission_date=2026-06-10
    # Sent to another hospital, billed two days later: one episode all the same.
    bill 06-10..06-15 npi=h status=02; bill 06-17..06-26 npi=k    | admission_date=2026-06-10 discharge_date=2026-06-26
    # Nursing after the hospital: the task fires again when they leave there for home.
    bill 05-20..05-30 status=03; bill 05-30..06-26 tob=211        | not_asked_reason=none discharge_date=2026-06-26 admission_date=2026-05-20
    bill 05-20..05-30 status=03; bill 05-30..06-26 tob=211 status=30 | not_asked_reason=in_facility
    bill 05-20..05-30; bill 05-31..06-26 tob=211 status=20        | not_asked_reason=died
"""


# Maternal 1.7 and 3.2: a birth, a loss or a doubt is routed elsewhere, whatever of it is seen first, paid or not.
MATERNITY = """
    events                                                       | row
    bill 06-20..06-26 dx=O80+Z370                                | not_asked_reason=maternity
    bill 06-20..06-26 dx=J189+Z371                               | not_asked_reason=maternity
    bill 06-20..06-26 drg=807                                    | not_asked_reason=maternity
    bill 06-20..06-26 drg=770                                    | not_asked_reason=maternity
    bill 06-20..06-26 dx=O039                                    | not_asked_reason=maternity
    bill 06-20..06-26 dx=O200                                    | not_asked_reason=maternity
    bill 06-20..06-26 pcs=10D00Z1                                | not_asked_reason=maternity
    bill 06-20..06-26 dx=J189                                    | not_asked_reason=none
    # A stay in the pregnancy that tells neither: contact, in words that say nothing of it.
    bill 06-20..06-26 dx=O2302; preg status=current              | not_asked_reason=none
    # A loss within a week of the stay, from whatever source.
    bill 06-20..06-26 dx=J189; loss 06-13                        | not_asked_reason=maternity
    bill 06-20..06-26 dx=J189; loss 06-12                        | not_asked_reason=none
    bill 06-10..06-16 dx=J189; loss 06-23                        | not_asked_reason=maternity
    bill 06-10..06-16 dx=J189; loss 06-24                        | not_asked_reason=none
    bill 06-20..06-26 dx=J189; loss 06-20 by=care_manager        | not_asked_reason=none
    # A notice alone: nobody may guess, while she is pregnant and for 42 days after; then it is a stay like others.
    notice 06-26T16:00 in=06-20; preg status=current             | not_asked_reason=pregnancy_possible
    notice 06-26T16:00 in=06-20; preg status=ended end=05-09     | not_asked_reason=pregnancy_possible
    notice 06-26T16:00 in=06-20; preg status=ended end=05-08     | not_asked_reason=none
    notice 06-26T16:00 in=06-20; loss 05-09                      | not_asked_reason=pregnancy_possible
    notice 06-26T16:00 in=06-20; loss 05-08                      | not_asked_reason=none
    notice 06-26T16:00 in=06-20; bill 06-20..06-26 dx=J189; preg status=current | not_asked_reason=none
    # A birth and, ten days later, a readmission: her care stays with those who know.
    bill 06-02..06-05 dx=O80+Z370; bill 06-15..06-26 dx=J189     | not_asked_reason=maternity
"""


def test_which_discharges_are_acted_on(patients):
    """Transitions 3.1: type of bill, room, frequency, status; notices before claims; stitching and transfers."""
    patients(together(STAYS, NOTICES, CHAINS, MATERNITY), FACT)


def test_readmissions_within_30_days_are_one_chain(patients):
    """Transitions 3.2: 30 days later (31 in all) folds into the later discharge, 31 days later does not."""
    patients(
        """
        events                                          | row
        bill 05-10..05-15; bill 06-14..06-26            | first_admission_date=2026-05-10 discharge_date=2026-06-26
        """,
        FACT,
    )
    with pytest.raises(AssertionError, match="found 2 rows"):
        patients("events | row\nbill 05-10..05-15; bill 06-15..06-26 | not_asked_reason=none", FACT)


# The first contact (3.2) ----------------------------------------------------------------------------------------------

# Two business days after: Fri 26 June -> Tue 30; Sat 27 -> Tue 30; Thu 25 -> Mon 29; Mon 29 -> Wed 1 July.
TOC_CONTACT = """
    code        | events                                                        | row
    TOC_CONTACT | notice 06-26T16:00 seen=06-26T20:00                            | open start=06-26 end=06-30 due=06-30 missed=no source=notice says=of_2026-06-26_20:00 says=by_2026-06-30
    TOC_CONTACT | notice 06-27T16:00 seen=06-27T20:00                            | open end=06-30
    TOC_CONTACT | notice 06-28T16:00 seen=06-28T20:00                            | open end=06-30
    TOC_CONTACT | notice 06-29T16:00 seen=06-29T20:00                            | open end=07-01
    TOC_CONTACT | notice 06-30T16:00 seen=06-30T20:00                            | open start=06-30 end=07-02
    # Past the limit, known in time: expired, and the pharmacy's to answer for.
    TOC_CONTACT | notice 06-25T16:00 seen=06-25T20:00                            | -
    TOC_CONTACT | notice 06-25T16:00 seen=06-29T23:59                            | -
    # Known after the limit (Mon 29 June): late at the source, for 30 days.
    TOC_CONTACT | notice 06-25T16:00 seen=06-30T00:00                            | lost missed=yes says=too_late
    TOC_CONTACT | notice 05-31T16:00 seen=06-20T08:00                            | lost
    TOC_CONTACT | notice 05-30T16:00 seen=06-20T08:00                            | -
    TOC_CONTACT | bill 06-20..06-26 seen=06-29                                   | open source=claim says=notice,_by
    TOC_CONTACT | bill 06-10..06-15 seen=06-29                                   | lost missed=yes
    # What was reported closes it in the ledger; claims do here.
    TOC_CONTACT | notice 06-26T16:00; said TOC_CONTACT=REACHED_COMPLETED 06-27T10:00        | open
    # Against advice is called all the more; a visit claim is no contact.
    TOC_CONTACT | notice 06-26T16:00 status=07                                   | open
    TOC_CONTACT | notice 06-26T16:00; cpt 99496 06-29                            | open
    # Edge case 12: to a nursing facility, status 03: deferred. Without an end of that stay for 100 days.
    TOC_CONTACT | notice 06-26T16:00 status=03                                   | prospective start=06-26 due=none rule=deferred
    TOC_CONTACT | bill 03-10..03-22 status=03                                    | prospective end=06-30
    TOC_CONTACT | bill 03-10..03-21 status=03                                    | -
    TOC_CONTACT | bill 06-20..06-26 status=03; notice 06-29T12:00 npi=nursing status=01 | open start=06-29 end=07-01
    # Edge case 13: back on day 10: superseded; nothing while in hospital, and asked anew of the new discharge.
    TOC_CONTACT | notice 06-12T10:00 seen=06-12T11:00; bill 06-22..06-29 tob=112 status=30 | -
    TOC_CONTACT | notice 06-12T10:00 seen=06-12T11:00; notice 06-29T10:00 in=06-22 seen=06-29T11:00 | open start=06-29 subject=discharge_2026-06-29
    # Contacted after the first discharge, and not yet after the second.
    TOC_CONTACT | notice 06-12T10:00; said TOC_CONTACT=REACHED_COMPLETED 06-12T15:00; notice 06-29T10:00 in=06-22 | open start=06-29
    TOC_CONTACT | notice 06-26T16:00 in=06-20; preg status=current               | -
"""


# Day 0 to 30: 31 May is day 30 before tonight.
MRP = """
    code | events                                                        | row
    MRP  | notice 06-26T16:00                                            | open start=06-26 end=07-26 due=07-26 rule=medication_reconciliation
    MRP  | notice 06-30T16:00                                            | open start=06-30
    MRP  | notice 05-31T16:00                                            | open end=06-30
    MRP  | notice 05-30T16:00                                            | -
    MRP  | bill 05-20..05-31 seen=06-30                                  | open end=06-30
    # Closed from the day of discharge on by any of four codes; not before, not by a visit, not unpaid.
    MRP  | notice 06-20T16:00; cpt 1111F 06-20                           | -
    MRP  | notice 06-20T16:00; cpt 1111F 06-19                           | open
    MRP  | notice 06-20T16:00; cpt 99495 06-25                           | -
    MRP  | notice 06-20T16:00; cpt 99496 06-25                           | -
    MRP  | notice 06-20T16:00; cpt 99483 06-25                           | -
    MRP  | notice 06-20T16:00; cpt 99213 06-25                           | open
    MRP  | notice 06-20T16:00; cpt 1111F 06-25 denied                    | open
    MRP  | notice 06-20T16:00 status=03                                  | -
    # Known on day 30 it is open, on day 31 it is another code.
    MRP  | notice 05-31T16:00 seen=06-30T10:00                           | open
    MRP  | notice 05-30T16:00 seen=06-30T10:00                           | -
"""

# Known more than 30 days after: day 31 to 90; 1 April is day 90 before tonight.
POST_DC_REGIMEN_CHECK = """
    code                  | events                                         | row
    POST_DC_REGIMEN_CHECK | notice 05-30T16:00 seen=06-30T10:00            | open start=06-30 end=08-28 due=08-28
    POST_DC_REGIMEN_CHECK | notice 05-31T16:00 seen=06-30T10:00            | -
    POST_DC_REGIMEN_CHECK | bill 03-20..04-01 seen=06-20                   | open end=06-30
    POST_DC_REGIMEN_CHECK | bill 03-20..03-31 seen=06-20                   | -
    POST_DC_REGIMEN_CHECK | bill 04-20..05-10 seen=06-20; cpt 1111F 05-20  | -
    # A claim that tells no load date cannot be called late.
    POST_DC_REGIMEN_CHECK | bill 04-20..05-10                              | -
    POST_DC_REGIMEN_CHECK | bill 04-20..05-10 seen=06-05                   | -
    POST_DC_REGIMEN_CHECK | bill 04-20..05-10 seen=06-09                   | -
    POST_DC_REGIMEN_CHECK | bill 04-20..05-10 seen=06-10                   | open
"""

TCM_VISIT = """
    code      | events                                                 | row
    TCM_VISIT | notice 06-26T16:00                                     | open start=06-26 end=07-10 due=07-03
    TCM_VISIT | notice 06-16T16:00                                     | open end=06-30 due=06-23
    TCM_VISIT | notice 06-15T16:00                                     | -
    TCM_VISIT | notice 06-20T16:00; cpt 99495 06-30                    | -
    TCM_VISIT | notice 06-20T16:00; cpt 99496 06-26                    | -
    TCM_VISIT | notice 06-20T16:00; cpt 99214 06-26                    | open
    TCM_VISIT | notice 06-20T16:00; cpt 99495 06-19                    | open
"""

# Day 1 to 30, not the day of discharge.
PATIENT_ENGAGEMENT = """
    code               | events                                           | row
    PATIENT_ENGAGEMENT | notice 06-30T16:00                               | prospective start=07-01 end=07-30
    PATIENT_ENGAGEMENT | notice 06-29T16:00                               | open start=06-30
    PATIENT_ENGAGEMENT | notice 05-31T16:00                               | open end=06-30
    PATIENT_ENGAGEMENT | notice 05-30T16:00                               | -
    PATIENT_ENGAGEMENT | notice 06-20T16:00; cpt 99213 06-20              | open
    PATIENT_ENGAGEMENT | notice 06-20T16:00; cpt 99213 06-21              | -
    PATIENT_ENGAGEMENT | notice 06-20T16:00; cpt 99202 06-21              | -
    PATIENT_ENGAGEMENT | notice 06-20T16:00; cpt 99201 06-21              | open
    PATIENT_ENGAGEMENT | notice 06-20T16:00; cpt 99215 06-21              | -
    PATIENT_ENGAGEMENT | notice 06-20T16:00; cpt 99350 06-21              | -
    PATIENT_ENGAGEMENT | notice 06-20T16:00; cpt 99442 06-21              | -
    PATIENT_ENGAGEMENT | notice 06-20T16:00; cpt 98970 06-21              | -
    PATIENT_ENGAGEMENT | notice 06-20T16:00; cpt 99495 06-21              | -
    PATIENT_ENGAGEMENT | notice 06-20T16:00; cpt 99284 06-21              | open
"""

# Clinical gaps (3.3) --------------------------------------------------------------------------------------------------

# Day 3 to 45: 27 June and 16 May. Three years are 1,096 days: 2023-07-01 is inside.
CARDIAC_DME = """
    code        | events                                                  | row
    CARDIAC_DME | bill 06-20..06-27 dx=I214                               | open start=06-30 end=08-11 due=08-11
    CARDIAC_DME | bill 06-20..06-28 dx=I214                               | prospective start=07-01
    CARDIAC_DME | bill 05-10..05-16 dx=I214                               | open end=06-30
    CARDIAC_DME | bill 05-10..05-15 dx=I214                               | -
    CARDIAC_DME | bill 06-10..06-20 dx=I220                               | open
    CARDIAC_DME | bill 06-10..06-20 dx=I200                               | open
    CARDIAC_DME | bill 06-10..06-20 dx=I209                               | -
    CARDIAC_DME | bill 06-10..06-20 dx=I248                               | open
    CARDIAC_DME | bill 06-10..06-20 dx=I5033                              | open
    CARDIAC_DME | bill 06-10..06-20 dx=I10                                | -
    # The principal diagnosis, of ICD-10, of the stay; not another position, not a visit.
    CARDIAC_DME | bill 06-10..06-20 dx=J189+I214                          | -
    CARDIAC_DME | bill 06-10..06-20 dx=I214 icd9                          | -
    CARDIAC_DME | bill 06-10..06-20 dx=J189; dx I214 06-20                | -
    # Procedures and groups of the stay, wherever they stand.
    CARDIAC_DME | bill 06-10..06-20 pcs=021009W                           | open
    CARDIAC_DME | bill 06-10..06-20 pcs=027034Z                           | open
    CARDIAC_DME | bill 06-10..06-20 pcs=02RF38Z                           | open
    CARDIAC_DME | bill 06-10..06-20 pcs=02RK0JZ                           | -
    CARDIAC_DME | bill 06-10..06-20 drg=215                               | open
    CARDIAC_DME | bill 06-10..06-20 drg=236                               | open
    CARDIAC_DME | bill 06-10..06-20 drg=321                               | open
    CARDIAC_DME | bill 06-10..06-20 drg=247                               | open
    CARDIAC_DME | bill 06-10..06-20 drg=293                               | open
    CARDIAC_DME | bill 06-10..06-20 drg=294                               | -
    CARDIAC_DME | notice 06-20T10:00 in=06-10                             | -
    # A monitor, cuff or manual set in three years, a service in 90 days (2 April); a word of the pharmacy.
    CARDIAC_DME | bill 06-10..06-20 dx=I214; cpt A4670 2023-07-01         | -
    CARDIAC_DME | bill 06-10..06-20 dx=I214; cpt A4670 2023-06-30         | open
    CARDIAC_DME | bill 06-10..06-20 dx=I214; cpt A4663 06-01              | -
    CARDIAC_DME | bill 06-10..06-20 dx=I214; cpt A4660 06-01              | -
    CARDIAC_DME | bill 06-10..06-20 dx=I214; cpt 99454 04-02              | -
    CARDIAC_DME | bill 06-10..06-20 dx=I214; cpt 99454 04-01              | open
    CARDIAC_DME | bill 06-10..06-20 dx=I214; cpt 99473 04-02              | -
    CARDIAC_DME | bill 06-10..06-20 dx=I214; cpt 99453 04-02              | -
    # "99473/99474/99453/99454": treatment management (99457) and care of a pregnancy (S9211) are no monitor at home.
    CARDIAC_DME | bill 06-10..06-20 dx=I214; cpt 99457 06-25              | open
    CARDIAC_DME | bill 06-10..06-20 dx=I214; cpt S9211 06-25              | open
    CARDIAC_DME | bill 06-10..06-20 dx=I214; cpt 93224 06-25              | open
    # A readmission for something else ten days later: asked anew of the later discharge.
    CARDIAC_DME | bill 06-01..06-05 dx=I214; bill 06-15..06-20 dx=J189    | open start=06-23 subject=discharge_2026-06-20
    # A transfer: the second hospital's bill has the procedure, the first the event.
    CARDIAC_DME | bill 06-10..06-12 dx=I214 status=02 npi=h; bill 06-12..06-20 dx=Z951 npi=k | open start=06-23
"""

# Day 3 to 90; heart failure from day 42: 19 May.
CARDIAC_REHAB = """
    code          | events                                                | row
    CARDIAC_REHAB | bill 06-20..06-27 dx=I214                             | open start=06-30 end=09-25 rule=cardiac_rehabilitation
    CARDIAC_REHAB | bill 03-20..04-01 dx=I214                             | open end=06-30
    CARDIAC_REHAB | bill 03-20..03-31 dx=I214                             | -
    CARDIAC_REHAB | bill 06-10..06-20 pcs=021009W                         | open
    CARDIAC_REHAB | bill 06-10..06-20 drg=216                             | open
    CARDIAC_REHAB | bill 06-10..06-20 drg=250                             | open
    CARDIAC_REHAB | bill 06-10..06-20 drg=222                             | -
    CARDIAC_REHAB | bill 06-10..06-20 dx=I200                             | -
    CARDIAC_REHAB | bill 05-10..05-19 dx=I5022                            | open start=06-30 end=08-17 rule=cardiac_rehabilitation_stable
    CARDIAC_REHAB | bill 05-10..05-20 dx=I5022                            | prospective start=07-01
    CARDIAC_REHAB | bill 05-10..05-19 dx=I5042                            | open
    CARDIAC_REHAB | bill 05-10..05-19 dx=I5032                            | -
    # Both reasons in one stay: one row, the first to open.
    CARDIAC_REHAB | bill 06-10..06-20 dx=I5022 pcs=021009W                | open start=06-23
    CARDIAC_REHAB | bill 06-10..06-20 dx=I214; cpt 93798 06-25            | -
    CARDIAC_REHAB | bill 06-10..06-20 dx=I214; cpt G0422 06-25            | -
    CARDIAC_REHAB | bill 06-10..06-20 dx=I214; cpt 93798 06-19            | open
    # 31 days later a stay is no readmission: nothing while it lasts, and the rehabilitation is asked for after it.
    CARDIAC_REHAB | bill 04-01..04-10 dx=I214; bill 06-25..06-29 tob=112 status=30 | -
    CARDIAC_REHAB | bill 04-01..04-10 dx=I214; bill 06-25..06-29 dx=J189  | open subject=discharge_2026-04-10
"""

# Filled in 90 days before the admission of 10 June (12 March); asked from day 14 on; the supply must be used up.
DISCHARGE_RX_NOT_FILLED = """
    code                    | events                                                                  | row
    DISCHARGE_RX_NOT_FILLED | bill 06-10..06-16 dx=J189; rx atorvastatin/30 05-01                      | open start=06-30 end=07-31 rule=discharge_medicines says=cholesterol_medicine_(statin)
    DISCHARGE_RX_NOT_FILLED | bill 06-10..06-17 dx=J189; rx atorvastatin/30 05-01                      | prospective start=07-01 says=for:_cholesterol_medicine_(statin).
    DISCHARGE_RX_NOT_FILLED | bill 05-10..05-16 dx=J189; rx atorvastatin/30 04-01                      | open end=06-30
    DISCHARGE_RX_NOT_FILLED | bill 05-10..05-15 dx=J189; rx atorvastatin/30 04-01                      | -
    DISCHARGE_RX_NOT_FILLED | bill 06-10..06-16 dx=J189; rx atorvastatin/30 03-12                      | open
    DISCHARGE_RX_NOT_FILLED | bill 06-10..06-16 dx=J189; rx atorvastatin/30 03-11                      | -
    # A fill on the day of admission or later closes it, of any drug of the kind; one of another kind does not.
    DISCHARGE_RX_NOT_FILLED | bill 06-10..06-16 dx=J189; rx atorvastatin/30 05-01; rx rosuvastatin/30 06-10 | -
    DISCHARGE_RX_NOT_FILLED | bill 06-10..06-16 dx=J189; rx atorvastatin/30 05-01; rx atorvastatin/30 06-30 | -
    DISCHARGE_RX_NOT_FILLED | bill 06-10..06-16 dx=J189; rx atorvastatin/30 05-01; rx atorvastatin/30 06-20 denied | open
    DISCHARGE_RX_NOT_FILLED | bill 06-10..06-16 dx=J189; rx atorvastatin/30 05-01; rx metformin/30 06-20 | open not=diabetes
    DISCHARGE_RX_NOT_FILLED | bill 06-10..06-16 dx=J189; rx losartan/30 05-01; rx entresto/30 06-20    | -
    # Supply: 4 May + 50 days ends 22 June, six days in hospital move it to 28 June; one of 52 to 30 June, not used up.
    DISCHARGE_RX_NOT_FILLED | bill 06-10..06-16 dx=J189; rx metformin/50 05-04                        | open start=06-30
    DISCHARGE_RX_NOT_FILLED | bill 06-10..06-16 dx=J189; rx metformin/52 05-04                        | prospective start=07-01
    # Early refills queue: 30 + 30 days from 1 May end on 29 June, and six more.
    DISCHARGE_RX_NOT_FILLED | bill 06-10..06-16 dx=J189; rx metformin/30 05-01; rx metformin/30 05-20 | prospective start=07-06
    # A supply that lasts beyond the window is no question.
    DISCHARGE_RX_NOT_FILLED | bill 06-10..06-16 dx=J189; rx metformin/90 05-01                        | -
    # Several kinds are one row that names them.
    DISCHARGE_RX_NOT_FILLED | bill 06-10..06-16 dx=J189; rx metformin/30 05-01; rx apixaban/30 05-01  | open says=blood_thinner,_diabetes_medicine.
    DISCHARGE_RX_NOT_FILLED | bill 06-10..06-16 dx=J189; rx metformin/30 05-01; rx apixaban/30 05-01; rx glargine/30 05-01; rx tiotropium/30 05-01; rx lisinopril/30 05-01 | open says=blood_pressure_medicine_(ACE_inhibitor_or_ARB),_blood_thinner,_diabetes_medicine,_2_more.
    DISCHARGE_RX_NOT_FILLED | bill 06-10..06-16 dx=J189; rx amoxicillin/30 05-01                      | -
    DISCHARGE_RX_NOT_FILLED | bill 06-10..06-16 dx=J189                                               | -
    # After a heart attack or a coronary intervention, four kinds from day 7 on, filled before or not.
    DISCHARGE_RX_NOT_FILLED | bill 06-17..06-23 dx=I214                                               | open start=06-30 end=08-07 due=07-07 rule=discharge_cardiac_medicines says=beta_blocker,_blood_pressure
    DISCHARGE_RX_NOT_FILLED | bill 06-18..06-24 dx=I214                                               | prospective start=07-01
    DISCHARGE_RX_NOT_FILLED | bill 06-17..06-23 pcs=027034Z                                           | open
    DISCHARGE_RX_NOT_FILLED | bill 06-17..06-23 dx=I5022                                              | -
    DISCHARGE_RX_NOT_FILLED | bill 06-17..06-23 dx=I214; rx metoprolol/30 06-23; rx clopidogrel/30 06-24; rx lisinopril/30 06-25 | open says=for:_cholesterol_medicine_(statin).
    DISCHARGE_RX_NOT_FILLED | bill 06-17..06-23 dx=I214; rx metoprolol/30 06-23; rx clopidogrel/30 06-24; rx lisinopril/30 06-25; rx atorvastatin/90 06-24 | -
    # 90 days of a statin from before last through 13 July with six days in hospital: no question on 30 June.
    DISCHARGE_RX_NOT_FILLED | bill 06-17..06-23 dx=I214; rx metoprolol/30 06-23; rx clopidogrel/30 06-24; rx lisinopril/30 06-25; rx atorvastatin/90 04-10 | prospective start=07-15
"""

# Day 7 on; the supply ended in the stay or within 30 days after it.
SPECIALTY_PAUSE = """
    code            | events                                                         | row
    SPECIALTY_PAUSE | bill 06-17..06-23 dx=J189; rx adalimumab/28 05-21               | open start=06-30 end=08-07 sensitive=no not=adalimumab
    SPECIALTY_PAUSE | bill 06-18..06-24 dx=J189; rx adalimumab/28 05-22               | prospective start=07-01
    # Ended on the day of admission (17 June), or the day before: late already, and not because of the stay.
    SPECIALTY_PAUSE | bill 06-17..06-23 dx=J189; rx adalimumab/28 05-20               | -
    # From 28 May 28 days end on 24 June, six more on 30 June: it is asked from the day after.
    SPECIALTY_PAUSE | bill 06-17..06-23 dx=J189; rx adalimumab/28 05-28               | prospective start=07-01
    SPECIALTY_PAUSE | bill 06-17..06-23 dx=J189; rx adalimumab/89 04-26               | prospective start=07-30
    SPECIALTY_PAUSE | bill 06-17..06-23 dx=J189; rx adalimumab/90 04-26               | -
    # Refilled, or another of its class instead.
    SPECIALTY_PAUSE | bill 06-17..06-23 dx=J189; rx adalimumab/28 05-21; rx adalimumab/28 06-30 | -
    SPECIALTY_PAUSE | bill 06-17..06-23 dx=J189; rx adalimumab/28 05-21; rx etanercept/28 06-25 | -
    SPECIALTY_PAUSE | bill 06-17..06-23 dx=J189; rx adalimumab/28 05-21; rx bictegravir/30 06-25 | open
    # A table that is silent: the pharmacy tells.
    SPECIALTY_PAUSE | bill 06-17..06-23 dx=J189; rx tofacitinib/30 05-20 npi=special  | open
    SPECIALTY_PAUSE | bill 06-17..06-23 dx=J189; rx tofacitinib/30 05-20 npi=corner   | -
    SPECIALTY_PAUSE | bill 06-17..06-23 dx=J189; rx atorvastatin/30 05-20 npi=special | -
    # HIV therapy is never named.
    SPECIALTY_PAUSE | bill 06-17..06-23 dx=J189; rx bictegravir/30 05-20              | open sensitive=yes says=Check_in,_and_go_through_the_medicines_together. not=hospital
    SPECIALTY_PAUSE | bill 06-17..06-23 dx=J189; rx naltrexone/30 05-20               | open sensitive=yes says=Check_in,_and_go_through_the_medicines_together. not=hospital
"""

NUTRITION = """
    code      | events                                                        | row
    NUTRITION | bill 06-20..06-27 dx=J189+E1122                               | open start=06-30 end=08-11
    NUTRITION | bill 06-20..06-28 dx=J189+E1122                               | prospective
    NUTRITION | bill 05-10..05-16 dx=J189+E669                                | open end=06-30
    NUTRITION | bill 05-10..05-15 dx=J189+E669                                | -
    NUTRITION | bill 06-10..06-20 dx=J189; dx N183 2025-07-01                 | open
    NUTRITION | bill 06-10..06-20 dx=J189; dx N183 2025-06-30                 | -
    NUTRITION | bill 06-10..06-20 dx=J189; dx Z724 06-01                      | open
    NUTRITION | bill 06-10..06-20 dx=J189; dx E119 06-01 denied               | -
    NUTRITION | bill 06-10..06-20 dx=J189; dx E109 06-01                      | -
    NUTRITION | bill 06-10..06-20 dx=I509; dx Z713 2025-07-01                 | -
    NUTRITION | bill 06-10..06-20 dx=I509; dx Z713 2025-06-30                 | open
    NUTRITION | bill 06-10..06-20 dx=I509; cpt 97802 06-25                    | -
    NUTRITION | bill 06-10..06-20 dx=I509; cpt G0108 06-25                    | -
    NUTRITION | bill 06-10..06-20 dx=I509; cpt S9470 06-25                    | -
"""

# Interface 3.1: mental health, substance use, HIV and violence by principal diagnosis or group, or a bed.
SENSITIVE = """
    code        | events                                       | row
    TOC_CONTACT | bill 06-20..06-26 dx=F322                    | open sensitive=yes says=Check_in,_and_go_through_the_medicines_together. not=hospital
    TOC_CONTACT | bill 06-20..06-26 dx=F1020                   | open sensitive=yes
    TOC_CONTACT | bill 06-20..06-26 dx=T402X2A                 | open sensitive=yes
    TOC_CONTACT | bill 06-20..06-26 dx=B20                     | open sensitive=yes
    TOC_CONTACT | bill 06-20..06-26 dx=R45851                  | open sensitive=yes
    TOC_CONTACT | bill 06-20..06-26 drg=885                    | open sensitive=yes
    TOC_CONTACT | bill 06-20..06-26 drg=897                    | open sensitive=yes
    TOC_CONTACT | bill 06-20..06-26 room=0200+0126             | open sensitive=yes
    MRP         | bill 06-20..06-26 dx=F322                    | open sensitive=yes not=hospital
    # Beside another reason it does not mark the stay; no row tells a diagnosis anyway.
    TOC_CONTACT | bill 06-20..06-26 dx=J189+F322               | open sensitive=no
    # A readmission keeps the mark.
    TOC_CONTACT | bill 06-01..06-05 dx=F322; bill 06-20..06-26 dx=J189 | open sensitive=yes
"""

TABLES = {
    "TOC_CONTACT": TOC_CONTACT, "MRP": MRP, "POST_DC_REGIMEN_CHECK": POST_DC_REGIMEN_CHECK, "TCM_VISIT": TCM_VISIT,
    "PATIENT_ENGAGEMENT": PATIENT_ENGAGEMENT, "CARDIAC_DME": CARDIAC_DME, "CARDIAC_REHAB": CARDIAC_REHAB,
    "DISCHARGE_RX_NOT_FILLED": DISCHARGE_RX_NOT_FILLED, "SPECIALTY_PAUSE": SPECIALTY_PAUSE, "NUTRITION": NUTRITION,
}  # fmt: skip
PHARMACIES = "npi | taxonomy_code\nspecial | 3336C0003X;3336S0011X\ncorner | 3336C0003X"


def test_each_code_opens_closes_and_keeps_its_window(patients):
    """Transitions 3.2 and 3.3, both sides of every boundary; all members are told at once."""
    patients(together(*TABLES.values(), SENSITIVE), MODEL, given={"raw.pharmacy": PHARMACIES})


def test_every_code_of_the_family_has_its_table():
    """A code without a story does not stand."""
    assert set(TABLES) == set(read_families()["care_transition"].codes) == {rule.gap_code for rule in RULES.values()}


# Edge case 14: Friday 15 January 2027, before Martin Luther King's day on Monday 18; and days around Independence Day
# 2026 (a Saturday, kept on Friday 3 July).
def test_a_friday_discharge_before_a_monday_holiday_is_due_on_wednesday(patients):
    """Edge case 14: discharge Fri 16:00 before Monday holiday is due Wed."""
    row = "code | events | row\nTOC_CONTACT | notice 2027-01-15T16:00 seen=2027-01-15T17:00 | open start=2027-01-15 end=2027-01-20 due=2027-01-20"
    patients(row, MODEL, as_of="2027-01-20")
    patients(
        "code | events | row\nTOC_CONTACT | notice 2027-01-15T16:00 seen=2027-01-15T17:00 | -",
        MODEL,
        as_of="2027-01-21",
    )
    patients(
        """
        code        | events                              | row
        TOC_CONTACT | notice 07-01T16:00 seen=07-01T17:00 | open end=07-06
        TOC_CONTACT | notice 07-02T16:00 seen=07-02T17:00 | open end=07-07
        TOC_CONTACT | notice 07-03T16:00 seen=07-03T17:00 | open end=07-07
        """,
        MODEL,
        as_of="2026-07-03",
    )


def test_business_days_leave_out_weekends_and_federal_holidays():
    """The calendar is data: 2024 has a leap day on a Thursday; Christmas 2026 is a Friday, New Year 2028 kept in 2027."""
    days = {str(day): (is_business, number) for day, is_business, _, number in business_days()}
    assert days["2024-02-29"][0]
    assert not days["2026-12-25"][0]
    assert not days["2026-07-03"][0]
    assert not days["2027-12-31"][0]
    assert days["2026-06-30"][1] - days["2026-06-26"][1] == 2
    # 365 days, 104 weekend days, 11 holidays of which none falls on a weekend but Independence Day, kept on Friday.
    assert sum(is_business for day, (is_business, _) in days.items() if day[:4] == "2026") == 365 - 104 - 11


# What lists show ------------------------------------------------------------------------------------------------------


def test_lists_show_public_names_for_a_sensitive_stay(con):
    """Code, family, subject and action are the public ones; the row of another stay beside it has its own."""
    give(con, "raw.eligibility", "person_id | birth_date | phone | address | zip_code\nann | 1960-01-01 | 512-555-0100 | 1 Main St | 79901\nbob | 1960-01-01 | 512-555-0101 | 2 Main St | 79901")  # fmt: skip
    give(con, "raw.pharmacy", "npi | state | zip_code\n1234567893 | TX | 79901")
    give(con, "raw.medical_claim", """
        person_id | claim_type    | bill_type_code | claim_start_date | claim_end_date | discharge_date | discharge_disposition_code | diagnosis_code_1 | revenue_center_code
        ann       | institutional | 111            | 2026-06-20       | 2026-06-26     | 2026-06-26     | 01                         | F322             | 0120
        bob       | institutional | 111            | 2026-06-20       | 2026-06-26     | 2026-06-26     | 01                         | J189             | 0120
    """)  # fmt: skip
    build_models(con, ["outreach.worklist"], AS_OF)
    rows = con.execute(
        "select person_id, gap_code, gap_family, subject, action, reason from outreach.worklist"
    ).fetchall()
    ann = [row for row in rows if row[0] == "ann"]
    assert ann
    assert {row[1:5] for row in ann} == {("CHECK_IN", "medication_review", None, "Check in")}
    assert not [row for row in ann if "ospital" in " ".join(map(str, row)) or "stay" in " ".join(map(str, row))]
    assert ("bob", "TOC_CONTACT", "care_transition", "discharge 2026-06-26", "Call within 24 hours of the notice") in {
        row[:5] for row in rows
    }


def test_no_sentence_tells_of_a_pregnancy():
    """Maternal 1.7, L6."""
    for rule in RULES.values():
        assert not [word for word in ("pregnan", "baby", "due date", "birth") if word in rule.reason.lower()]


# What a pharmacy's word closes ---------------------------------------------------------------------------------------

WORDS = """
    code        | events                                                        | row
    # Reached in any way closes it; one attempt does not, two documented ones do, but not of one moment; UTR3 is three.
    TOC_CONTACT | notice 06-26T16:00; said TOC_CONTACT=REACHED_COMPLETED 06-27T10:00        | closing_reason=documented
    TOC_CONTACT | notice 06-26T16:00; said TOC_CONTACT=REACHED_ACCEPTED_PENDING 06-27T10:00 | closing_reason=documented
    TOC_CONTACT | notice 06-26T16:00; said TOC_CONTACT=REACHED_CALLBACK 06-27T10:00         | closing_reason=documented
    TOC_CONTACT | notice 06-26T16:00; said TOC_CONTACT=REACHED_DECLINED 06-27T10:00         | -
    TOC_CONTACT | notice 06-26T16:00; said TOC_CONTACT=UTR3 06-27T10:00                     | closing_reason=documented
    TOC_CONTACT | notice 06-26T16:00; said TOC_CONTACT=NO_ANSWER 06-27T10:00                | -
    TOC_CONTACT | notice 06-26T16:00; said TOC_CONTACT=NO_ANSWER 06-27T10:00; said TOC_CONTACT=LEFT_VM 06-27T15:00   | closing_reason=documented
    TOC_CONTACT | notice 06-26T16:00; said TOC_CONTACT=NO_ANSWER 06-27T10:00; said TOC_CONTACT=LEFT_VM 06-27T10:00   | -
    TOC_CONTACT | notice 06-26T16:00; said TOC_CONTACT=NO_ANSWER 06-27T10:00; said TOC_CONTACT=DUPLICATE 06-27T15:00 | -
    # What was said before the discharge, of another gap, of another discharge or after tonight closes nothing.
    TOC_CONTACT | notice 06-26T16:00; said TOC_CONTACT=REACHED_COMPLETED 06-25T10:00        | -
    TOC_CONTACT | notice 06-26T16:00; said MRP=REACHED_COMPLETED 06-27T10:00                | -
    TOC_CONTACT | notice 06-26T16:00; said TOC_CONTACT=REACHED_COMPLETED 06-27T10:00 of=06-26 | closing_reason=documented
    TOC_CONTACT | notice 06-26T16:00; said TOC_CONTACT=REACHED_COMPLETED 06-27T10:00 of=06-01 | -
    TOC_CONTACT | notice 06-26T16:00; said TOC_CONTACT=REACHED_COMPLETED 07-01T00:00        | -
    # A decline closes nothing and is no attempt to reach; the member's word is less than the pharmacy's record.
    TOC_CONTACT | notice 06-26T16:00; said TOC_CONTACT=NO_ANSWER 06-27T10:00; said TOC_CONTACT=REACHED_DECLINED 06-27T15:00 | -
    TOC_CONTACT | notice 06-26T16:00; said TOC_CONTACT=GAP_ALREADY_CLOSED 06-27T10:00 | closing_reason=reported
    TOC_CONTACT | notice 06-12T10:00; said TOC_CONTACT=REACHED_COMPLETED 06-12T15:00; notice 06-29T10:00 in=06-22 | -
    # Documented by a pharmacist, a prescriber or a nurse; not by a technician; contact alone is none.
    MRP  | notice 06-20T16:00; said MRP=REACHED_COMPLETED 06-25T10:00 role=pharmacist | closing_reason=documented
    MRP  | notice 06-20T16:00; said MRP=REACHED_COMPLETED 06-25T10:00 role=rn         | closing_reason=documented
    MRP  | notice 06-20T16:00; said MRP=REACHED_COMPLETED 06-25T10:00                 | closing_reason=documented
    MRP  | notice 06-20T16:00; said MRP=REACHED_COMPLETED 06-25T10:00 role=technician | -
    MRP  | notice 06-20T16:00; said MRP=REACHED_CALLBACK 06-25T10:00                  | -
    MRP  | notice 06-20T16:00; said MRP=REACHED_DECLINED 06-25T10:00                  | -
    MRP  | notice 06-20T16:00; said TOC_CONTACT=REACHED_COMPLETED 06-20T18:00         | -
    POST_DC_REGIMEN_CHECK | bill 04-20..05-10 seen=06-20; said POST_DC_REGIMEN_CHECK=REACHED_COMPLETED 06-25T10:00 | closing_reason=documented
    CARDIAC_DME | bill 06-10..06-20 dx=I214; said CARDIAC_DME=REFERRED 06-25T10:00 | closing_reason=documented
    NUTRITION | bill 06-10..06-20 dx=I509; said NUTRITION=REFERRED 06-25T10:00 | closing_reason=documented
    NUTRITION | bill 06-10..06-20 dx=I509; said NUTRITION=PRESCRIBER_CONTACTED 06-25T10:00 | -
    TCM_VISIT | notice 06-20T16:00; said TCM_VISIT=GAP_ALREADY_CLOSED 06-25T10:00 | closing_reason=reported
    DISCHARGE_RX_NOT_FILLED | bill 06-10..06-16 dx=J189; rx metformin/30 05-01; said DISCHARGE_RX_NOT_FILLED=PRESCRIBER_CONTACTED 06-30T10:00 | closing_reason=documented
    SPECIALTY_PAUSE | bill 06-17..06-23 dx=J189; rx adalimumab/28 05-21; said SPECIALTY_PAUSE=PRESCRIBER_REJECTED 06-29T10:00 | closing_reason=documented
"""


def test_a_pharmacys_word_closes_on_the_terms_of_its_rule(patients):
    """Transitions 3.2, rules 6.7: which outcome, of whom, since which discharge; two documented attempts are a contact."""
    patients(WORDS, "facts.closing_word")


# What earlier nights asked --------------------------------------------------------------------------------------------

STATE = """
    gap_id           | person_id | gap_code    | gap_family      | subject              | status      | window_start_date | window_end_date | opened_date
    aaaaaaaaaaaaaaa1 | ann       | MRP         | care_transition | discharge 2026-06-12 | open        | 2026-06-12        | 2026-07-12      | 2026-06-13
    aaaaaaaaaaaaaaa2 | bob       | MRP         | care_transition | discharge 2026-06-12 | open        | 2026-06-12        | 2026-07-12      | 2026-06-13
    aaaaaaaaaaaaaaa3 | cal       | TOC_CONTACT | care_transition | discharge 2026-06-26 | open        | 2026-06-26        | 2026-06-30      | 2026-06-27
    aaaaaaaaaaaaaaa4 | cal       | MRP         | care_transition | discharge 2026-06-26 | open        | 2026-06-26        | 2026-07-26      | 2026-06-27
    aaaaaaaaaaaaaaa5 | dee       | TOC_CONTACT | care_transition | discharge 2026-06-25 | open        | 2026-06-25        | 2026-06-29      | 2026-06-26
    aaaaaaaaaaaaaaa6 | eve       | TOC_CONTACT | care_transition | discharge 2026-05-30 | suppressed  | 2026-05-30        | 2026-09-07      | -
"""
NIGHT = {
    "facts.pregnancy": "", "facts.suppression": "", "raw.state_gap": STATE,
    "raw.eligibility": "person_id | birth_date\n" + "\n".join(f"{p} | 1960-01-01" for p in ("ann", "bob", "cal", "dee", "eve", "fay")),
    "raw.outreach_outcome": "gap_id | outcome_code | attempted_at\naaaaaaaaaaaaaaa3 | REACHED_COMPLETED | 2026-06-29 10:00:00",
    "raw.discharge_notice": """
        person_id | discharged_at       | admitted_at         | notified_at         | discharge_disposition_code | facility_npi
        ann       | 2026-06-12 10:00:00 | 2026-06-05 10:00:00 | 2026-06-12 11:00:00 | 01                         | -
        ann       | 2026-06-29 10:00:00 | 2026-06-22 10:00:00 | 2026-06-29 11:00:00 | 01                         | -
        bob       | 2026-06-12 10:00:00 | 2026-06-05 10:00:00 | 2026-06-12 11:00:00 | 01                         | -
        cal       | 2026-06-26 10:00:00 | 2026-06-22 10:00:00 | 2026-06-26 11:00:00 | 01                         | -
        dee       | 2026-06-25 10:00:00 | 2026-06-22 10:00:00 | 2026-06-25 11:00:00 | 01                         | -
        eve       | 2026-05-30 10:00:00 | 2026-05-22 10:00:00 | 2026-05-30 11:00:00 | 03                         | -
        eve       | 2026-06-29 10:00:00 | 2026-05-30 12:00:00 | 2026-06-29 11:00:00 | 01                         | home-care
        fay       | 2026-06-29 10:00:00 | 2026-06-20 12:00:00 | 2026-06-29 11:00:00 | 03                         | -
    """,
    "raw.medical_claim": """
        person_id | claim_type    | bill_type_code | claim_start_date | claim_end_date | discharge_disposition_code | revenue_center_code
        bob       | institutional | 112            | 2026-06-22       | 2026-06-29     | 30                         | 0120
    """,
}  # fmt: skip


def test_what_a_readmission_supersedes_opens_again_after_it(con):
    """Transitions 3.2, edge case 13; a gap that was answered is documented, though another of its discharge stays open.

    Ann is home from the second stay: the first MRP is superseded, the new one is another gap. Bob is still there: superseded,
    nothing open. Cal was reached; dee was not, in two business days; eve left the nursing facility, fay went to one.
    """
    for name, text in NIGHT.items():
        give(con, name, text)
    build_models(con, ["outreach.gap"], AS_OF, NIGHT)
    found = con.execute(
        "select person_id, gap_code, subject, status, status_reason, gap_id like 'aaaa%' from outreach.gap "
        "where gap_code in ('MRP', 'TOC_CONTACT') order by 1, 2, 3"
    ).fetchall()
    listed = "no_channel"  # nobody here has a phone or an address
    assert found == [
        ("ann", "MRP", "discharge 2026-06-12", "closed", "superseded_readmit", True),
        ("ann", "MRP", "discharge 2026-06-29", "open", listed, False),
        ("ann", "TOC_CONTACT", "discharge 2026-06-29", "open", listed, False),
        ("bob", "MRP", "discharge 2026-06-12", "closed", "superseded_readmit", True),
        ("cal", "MRP", "discharge 2026-06-26", "open", listed, True),
        ("cal", "TOC_CONTACT", "discharge 2026-06-26", "closed", "documented", True),
        ("dee", "MRP", "discharge 2026-06-25", "open", listed, False),
        ("dee", "TOC_CONTACT", "discharge 2026-06-25", "closed", "expired", True),
        ("eve", "MRP", "discharge 2026-06-29", "open", listed, False),
        ("eve", "TOC_CONTACT", "discharge 2026-05-30", "closed", "superseded", True),
        ("eve", "TOC_CONTACT", "discharge 2026-06-29", "open", listed, False),
        ("fay", "TOC_CONTACT", "discharge 2026-06-29", "suppressed", "deferred", False),
    ]


def test_a_notice_in_a_pregnancy_goes_to_a_care_manager(story):
    """Maternal 1.7: what the stay was is not known; the call is due by the same day, and no pharmacy makes it."""
    story(
        given={
            "raw.eligibility": "person_id | birth_date | gender\nann | 1995-01-01 | female",
            "raw.discharge_notice": "person_id | discharged_at\nann | 2026-06-26 16:00:00",
            "raw.medical_claim": """
                person_id | claim_type   | claim_start_date | diagnosis_code_1
                ann       | professional | 2026-06-01       | Z3A20
                ann       | professional | 2026-06-20       | Z3A22
            """,
        },
        expect={
            "outreach.care_queue": """
                queue           | person_id | queue_reason           | urgency | event_date | claim_id | due_date
                care_management | ann       | discharge_in_pregnancy | today   | 2026-06-26 | -        | 2026-06-30
            """,
            MODEL: "",
        },
    )


def test_the_evidence_tells_the_clocks(con):
    """Decision 9: the trigger, when it came, both clocks, the rule and its source."""
    given = {
        "facts.pregnancy": "", "facts.suppression": "", "raw.eligibility": "person_id\nann",
        "raw.discharge_notice": "person_id | discharged_at | notified_at\nann | 2026-06-26 16:00:00 | 2026-06-26 20:00:00",
    }  # fmt: skip
    for name, text in given.items():
        give(con, name, text)
    build_models(con, [MODEL], AS_OF, given)
    [[text]] = con.execute(f"select evidence from {MODEL} where gap_code = 'TOC_CONTACT'").fetchall()
    assert json.loads(text) == {
        "claims": [{"claim_id": None}],
        "trigger_source": "notice",
        "discharge_date": "2026-06-26",
        "destination": "home",
        "notified_date": "2026-06-26",
        "sla_due_at": "2026-06-27 20:00:00",
        "contact_due_date": "2026-06-30",
        "sla": "on_time",
        "rule": "toc_contact",
        "source": RULES["toc_contact"].source,
    }


def test_rules_name_value_sets_and_categories_that_exist():
    """A set that is misspelt would never be found."""
    named = {s.value_set for r in RULES.values() for s in (*r.needs, *r.closes)}
    named |= {name for r in RULES.values() for m in r.medicines for name in m.value_sets}
    assert named - {"specialty_drugs"} <= set(read_value_sets())
