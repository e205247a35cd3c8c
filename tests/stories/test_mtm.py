"""Medication therapy management, told as stories: 42 CFR 423.153(d), MTM 4.1 of the domain page.

One line is one member; the shorthand is that of `hospital.py`, and `drugs N cost=C DAY` here is N maintenance drugs filled on
a day, of which the first costs C. Tonight is 2026-06-30. The days of evaluation are the first of January and of April.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import partial

import duckdb
import pytest

from assets.engine.registry import read_families
from assets.engine.skipped import skipped_families, skipped_warnings
from assets.engine.specialty_registry import management_years, read_specialty_rules
from tests.stories import hospital
from tests.story import Story, build_models, give

MODEL = "gaps.mtm"
AS_OF = hospital.AS_OF
GIVEN = {
    "raw.drug": "ndc_code | ingredients | is_maintenance\n"
    + "\n".join(f"d{n} | drug {n} | yes" for n in range(1, 11))
    + "\nacute | acute | no\nuntold | untold | -\nd1b | drug 1 | yes"
}
# "Alzheimer's; bone disease; CHF; diabetes; dyslipidemia; ESRD; HIV/AIDS; hypertension; mental health; respiratory", on
# "2 outpatient dates or 1 inpatient in 24 months".
THREE = "dx I10 02-01; dx I10 02-02; dx E119 02-01; dx E119 02-02; dx E785 02-01; dx E785 02-02"
MEDICARE = "who payer_type=medicare"


@pytest.fixture
def patients(teller: Story) -> Callable[..., None]:
    """Tell a table of members: `patients(table, as_of=...)`; see `hospital.py`."""
    return partial(hospital.tell, teller, model=MODEL, given=GIVEN)


@pytest.fixture
def con(teller: Story) -> Iterator[duckdb.DuckDBPyConnection]:
    """The stories' warehouse, for tests that ask in SQL; what it holds is forgotten."""
    with teller.aside() as con:
        yield con


# 319 dollars in three months stand for 1,276 in a year.
TARGETED = f"""
    events                                                                    | row
    {MEDICARE}; {THREE}; drugs 8 cost=319 02-10                               | open start=05-31 end=12-31 due=08-29 programme=mtm says=by_2026-12-31
    {MEDICARE}; {THREE}; drugs 8 cost=318.99 02-10                            | -
    {MEDICARE}; {THREE}; drugs 7 cost=319 02-10                               | -
    # A strength is no drug of its own, nor is a medicine for a while.
    {MEDICARE}; {THREE}; drugs 7 cost=319 02-10; rx d1b/30 02-10              | -
    {MEDICARE}; {THREE}; drugs 7 cost=319 02-10; rx acute/10 02-10            | -
    # Where the drug table is silent, two fill dates tell.
    {MEDICARE}; {THREE}; drugs 7 cost=319 02-10; rx untold/30 02-10           | -
    {MEDICARE}; {THREE}; drugs 7 cost=319 02-10; rx untold/30 02-10; rx untold/30 03-10 | open
    # The three months before the first of April, and before the first of January.
    {MEDICARE}; {THREE}; drugs 8 cost=319 03-31                               | open start=05-31
    {MEDICARE}; {THREE}; drugs 8 cost=319 01-01                               | open start=05-31
    {MEDICARE}; {THREE}; drugs 8 cost=319 04-01                               | -
    {MEDICARE}; dx I10 2025-02-01; dx I10 2025-02-02; dx E119 2025-02-01; dx E119 2025-02-02; dx E785 2025-02-01; dx E785 2025-02-02; drugs 8 cost=319 2025-12-31 | open start=03-02
    {MEDICARE}; {THREE}; drugs 8 cost=319 2025-12-31                          | -
    # Two of three diseases; two days of each; a stay is enough.
    {MEDICARE}; dx I10 02-01; dx I10 02-02; dx E119 02-01; dx E119 02-02; drugs 8 cost=319 02-10 | -
    {MEDICARE}; dx I10 02-01; dx I10 02-02; dx E119 02-01; dx E119 02-02; dx E785 02-01; drugs 8 cost=319 02-10 | -
    {MEDICARE}; dx I10 02-01; dx I10 02-02; dx E119 02-01; dx E119 02-02; bill 02-01..02-05 dx=E785; drugs 8 cost=319 02-10 | open
    # Heart failure and hypertension of one code group each; gestational diabetes is none.
    {MEDICARE}; dx I10 02-01; dx I10 02-02; dx O24410 02-01; dx O24410 02-02; dx E785 02-01; dx E785 02-02; drugs 8 cost=319 02-10 | -
    # Twenty-four months before the first of April 2026.
    {MEDICARE}; dx I10 02-01; dx I10 02-02; dx E119 02-01; dx E119 02-02; dx E785 2024-04-01; dx E785 2024-04-02; drugs 8 cost=319 02-10 | open
    {MEDICARE}; dx I10 02-01; dx I10 02-02; dx E119 02-01; dx E119 02-02; dx E785 2024-03-31; dx E785 2024-04-02; drugs 8 cost=319 02-10 | -
    # Depression of unspecified kind (F32.A) is not counted; HIV and bipolar disorder are, and named nowhere.
    {MEDICARE}; dx I10 02-01; dx I10 02-02; dx E119 02-01; dx E119 02-02; dx F32A 02-01; dx F32A 02-02; drugs 8 cost=319 02-10 | -
    {MEDICARE}; dx I10 02-01; dx I10 02-02; dx B20 02-01; dx B20 02-02; dx F319 02-01; dx F319 02-02; drugs 8 cost=319 02-10 | open
    # Part D is Medicare's.
    who payer_type=commercial; {THREE}; drugs 8 cost=319 02-10                | -
    {MEDICARE} birth_date=2008-04-01; {THREE}; drugs 8 cost=319 02-10         | open
    {MEDICARE} birth_date=2008-04-02; {THREE}; drugs 8 cost=319 02-10         | -
    # At risk in a drug management program; declined; hospice; dead; gone.
    {MEDICARE} is_drug_management=yes                                         | open start=03-02
    {MEDICARE} is_drug_management=yes mtm_opt_out=yes                         | -
    {MEDICARE} mtm_opt_out=yes; {THREE}; drugs 8 cost=319 02-10               | -
    {MEDICARE} hospice_flag=yes; {THREE}; drugs 8 cost=319 02-10              | -
    {MEDICARE} death_date=2026-06-01; {THREE}; drugs 8 cost=319 02-10         | -
    {MEDICARE} enrollment_end_date=2026-06-29; {THREE}; drugs 8 cost=319 02-10 | -
    {MEDICARE} enrollment_end_date=2026-08-31; {THREE}; drugs 8 cost=319 02-10 | open end=08-31 due=08-29
    {MEDICARE} enrollment_end_date=2026-07-31; {THREE}; drugs 8 cost=319 02-10 | open end=07-31 due=07-31
    {MEDICARE} enrollment_start_date=2026-04-02; {THREE}; drugs 8 cost=319 02-10 | -
    # A review that a claim shows this year; last year's, a follow-up and a denied one are none.
    {MEDICARE}; {THREE}; drugs 8 cost=319 02-10; cpt 99605 05-02              | -
    {MEDICARE}; {THREE}; drugs 8 cost=319 02-10; cpt 99605 2025-12-31         | open
    {MEDICARE}; {THREE}; drugs 8 cost=319 02-10; cpt 99606 05-02              | open
    {MEDICARE}; {THREE}; drugs 8 cost=319 02-10; cpt 99605 05-02 denied       | open
"""


def drugs(match: re.Match[str]) -> str:
    """N fills of N drugs on a day, the first with its cost."""
    count, cost, day = match.groups()
    return "; ".join(f"rx d{n}/30 {day}" + (f" cost={cost}" if n == 1 else "") for n in range(1, int(count) + 1))


def told(table: str) -> str:
    """A table with its drugs; lines that name no code tell of the yearly review."""
    header, *lines = [line.strip() for line in table.strip().splitlines()]
    if not header.startswith("code"):
        lines = [line if line.startswith("#") else f"CMR_DUE | {line}" for line in lines]
        table = "\n".join([f"code | {header}", *lines])
    return re.sub(r"drugs (\d+) cost=([\d.]+) ([\d-]+)", drugs, table)


def test_targeting_and_the_review_of_the_year(patients: Callable[..., None]) -> None:
    patients(told(TARGETED))


# "MTM enrolled >= 60 d": 1 April and 60 days are 31 May.
@pytest.mark.parametrize(("as_of", "row"), [("2026-05-30", "prospective"), ("2026-05-31", "open")])
def test_sixty_days_in_the_programme(patients: Callable[..., None], as_of: str, row: str) -> None:
    patients(told(f"events | row\n{MEDICARE}; {THREE}; drugs 8 cost=319 02-10 | {row} start=05-31"), as_of=as_of)


# "TMR >= quarterly": of each quarter, from the day of targeting on, 1 April here.
QUARTER = f"""
    code    | events                                                          | row
    TMR_DUE | {MEDICARE}; {THREE}; drugs 8 cost=319 02-10                      | open start=04-01 end=06-30 due=06-30 programme=mtm subject=mtm_2026_q2 says=by_2026-06-30
    TMR_DUE | {MEDICARE}; {THREE}; drugs 8 cost=318.99 02-10                   | -
    # In the programme since January: the second quarter is a row of its own.
    TMR_DUE | {MEDICARE} is_drug_management=yes                                | open start=04-01 subject=mtm_2026_q2
    TMR_DUE | {MEDICARE} is_drug_management=yes; cpt 99606 04-01               | -
    TMR_DUE | {MEDICARE} is_drug_management=yes; cpt 99606 06-30               | -
    TMR_DUE | {MEDICARE} is_drug_management=yes; cpt 99606 03-31               | open
    TMR_DUE | {MEDICARE} is_drug_management=yes; cpt 99606 2025-05-02          | open
    TMR_DUE | {MEDICARE} is_drug_management=yes; cpt 99606 05-02 denied        | open
    # A comprehensive review stands for a targeted one; added time alone is none.
    TMR_DUE | {MEDICARE} is_drug_management=yes; cpt 99605 05-02               | -
    TMR_DUE | {MEDICARE} is_drug_management=yes; cpt 99605 03-31               | open
    TMR_DUE | {MEDICARE} is_drug_management=yes; cpt 99607 05-02               | open
    # And a targeted one for no comprehensive one.
    CMR_DUE | {MEDICARE} is_drug_management=yes; cpt 99606 05-02               | open
    TMR_DUE | {MEDICARE} is_drug_management=yes mtm_opt_out=yes                | -
    TMR_DUE | {MEDICARE} is_drug_management=yes hospice_flag=yes               | -
    TMR_DUE | {MEDICARE} is_drug_management=yes enrollment_end_date=2026-06-29 | -
    TMR_DUE | who payer_type=commercial is_drug_management=yes                 | -
"""


def test_a_targeted_review_each_quarter(patients: Callable[..., None]) -> None:
    patients(told(QUARTER))


# The first and last day of a quarter, and an enrolment that ends in it.
QUARTER_DAYS = {
    "2026-07-01": "open start=07-01 end=08-31 due=08-31 subject=mtm_2026_q3",
    "2026-04-01": "open start=04-01 end=06-30 subject=mtm_2026_q2",
    "2026-03-31": "open start=01-01 end=03-31 subject=mtm_2026_q1",
}


@pytest.mark.parametrize("as_of", sorted(QUARTER_DAYS))
def test_the_days_of_a_quarter(patients: Callable[..., None], as_of: str) -> None:
    who = f"{MEDICARE} is_drug_management=yes enrollment_end_date=2026-08-31"
    patients(f"code | events | row\nTMR_DUE | {who} | {QUARTER_DAYS[as_of]}", as_of=as_of)


def test_a_year_without_a_threshold_has_no_row(patients: Callable[..., None]) -> None:
    lines = told(f"events | row\n{MEDICARE} is_drug_management=yes; {THREE}; drugs 8 cost=9999 2027-02-10 | -")
    patients(lines.replace("CMR_DUE |", " |"), as_of="2027-06-30")


# "2024 $5,330; 2025 $1,623"; HIV became a core disease with 2025.
YEARS = {
    "2024-06-30": ("1332.50", "1332.49"),
    "2025-06-30": ("405.75", "405.74"),
    "2026-06-30": ("319", "318.99"),
}


@pytest.mark.parametrize("as_of", sorted(YEARS))
def test_thresholds_by_year(patients: Callable[..., None], as_of: str) -> None:
    year = as_of[:4]
    diseases = "; ".join(f"dx {code} {year}-02-0{day}" for code in ("I10", "E119", "{third}") for day in (1, 2))
    lines = [
        f"{MEDICARE}; {diseases.format(third=third)}; drugs 8 cost={cost} {year}-02-10 | {row}"
        for third, cost, row in [
            ("E785", YEARS[as_of][0], "open"),
            ("E785", YEARS[as_of][1], "-"),
            ("B20", YEARS[as_of][0], "-" if year == "2024" else "open"),
        ]
    ]
    patients(told("events | row\n" + "\n".join(lines)), as_of=as_of)


def test_a_year_without_a_threshold_stops_the_family_with_a_line(con: duckdb.DuckDBPyConnection) -> None:
    """2027 has none yet: no row, and the manifest says why."""
    assert 2027 not in management_years()
    line = "management_year: found no row for 2027; allowed are the years 2024 to 2026"
    give(con, "facts.maternal_gate", "closed_reason\n-")
    build_models(con, ["facts.told_code"], "2027-01-01", ["facts.maternal_gate"])
    assert skipped_families(con) == {"mtm": line}
    assert skipped_warnings(con) == [f"mtm is skipped: {line}"]
    build_models(con, ["facts.told_code"], AS_OF, ["facts.maternal_gate"])
    assert skipped_families(con) == {}
    assert skipped_warnings(con) == []


def test_no_row_tells_of_a_sensitive_disease(con: duckdb.DuckDBPyConnection) -> None:
    """HIV and mental health are counted and never named, nor is a number that would tell of them (rules 6.4)."""
    codes = ("I10", "B20", "F319", "E119")
    give(con, "raw.drug", GIVEN["raw.drug"])
    give(con, "raw.eligibility", "person_id | payer_type | enrollment_start_date\nann | medicare | 2018-01-01")
    give(
        con,
        "raw.medical_claim",
        "person_id | claim_start_date | diagnosis_code_1\n"
        + "\n".join(f"ann | 2026-02-0{day} | {code}" for code in codes for day in (1, 2)),
    )
    give(
        con,
        "raw.pharmacy_claim",
        "person_id | dispensing_date | ndc_code | days_supply | allowed_amount\n"
        + "\n".join(f"ann | 2026-02-10 | d{n} | 30 | 100" for n in range(1, 10)),
    )
    build_models(con, [MODEL], AS_OF)
    found = con.execute(f"select reason, evidence from {MODEL} order by gap_code").fetchall()
    assert json.loads(found[1][1]) == json.loads(found[0][1]) | {"rule": "targeted_review"}
    assert "HIV" not in found[1][0]
    [(reason, evidence), _] = found
    assert json.loads(evidence) == {
        "claims": [], "enrolled_date": "2026-04-01", "fewest_drugs": 8, "fewest_diseases": 3, "cost_threshold": 1276, "rule": "targeting",
        "source": read_specialty_rules().medication_therapy_management.source,
    }  # fmt: skip
    assert "HIV" not in reason
    assert set(read_families()["mtm"].codes) == {"CMR_DUE", "TMR_DUE"}
