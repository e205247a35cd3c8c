"""Medicines that are not used together, told as stories: specialty 4.2, "DDI: use ONC-high public pair list only".

Pairs and days of washout are those of ONC's list and of FDA labels. One line is one member; the shorthand is that of
`hospital.py`. Tonight is 2026-06-30; ten days from 10 June last through 19 June.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from itertools import combinations
from typing import Any

import duckdb
import pytest

from assets.engine.interaction_registry import read_interactions
from assets.engine.registry import read_families, value_set_rows
from tests.stories import hospital
from tests.story import Story, build_models, give

MODEL = "gaps.medication_review"
RULES = read_interactions()


def _drugs() -> str:
    names = [row[1] for row in value_set_rows("interacting_drugs", None)]
    lines = [f"{name} | {name} | oral" for name in names]
    lines += [
        "lotion | ketoconazole | topical",
        "kaletra | lopinavir;ritonavir | oral",
        "pravastatin | pravastatin | oral",
    ]
    lines += ["paxlovid | nirmatrelvir;ritonavir | oral", "evotaz | atazanavir;cobicistat | oral"]
    return "\n".join(["ndc_code | ingredients | route", *lines])


@pytest.fixture
def patients(teller: Story) -> Callable[..., None]:
    """Tell a table of members: `patients(table, as_of=...)`; see `hospital.py`."""
    return partial(hospital.tell, teller, model=MODEL, given={"raw.drug": _drugs()})


@pytest.fixture
def con(teller: Story) -> Iterator[duckdb.DuckDBPyConnection]:
    """The stories' warehouse, for tests that ask in SQL; what it holds is forgotten."""
    with teller.aside() as con:
        yield con


# The last day of one is the first of the other; open for 30 days after the last day together.
DAYS = """
    code | events                                                                  | row
    DDI  | rx simvastatin/90 05-01; rx clarithromycin/10 06-10                     | open start=06-10 end=07-19 due=none severity=90.0000 confidence=0.7000 subject=statin_cyp3a4 sensitive=no says=through_2026-06-19
    DDI  | rx simvastatin/10 06-10; rx clarithromycin/10 06-19                     | open start=06-19 end=07-19
    DDI  | rx simvastatin/10 06-10; rx clarithromycin/10 06-20                     | -
    DDI  | rx clarithromycin/10 06-10; rx simvastatin/90 06-19                     | open start=06-19
    DDI  | rx clarithromycin/10 06-10; rx simvastatin/90 06-20                     | -
    # Days to come are not on hand yet: through tonight.
    DDI  | rx simvastatin/90 06-01; rx itraconazole/30 06-29                       | open start=06-29 end=07-30 says=through_2026-06-30
    DDI  | rx simvastatin/90 06-01; rx itraconazole/30 06-30                       | open start=06-30
    # The last day together 30 days ago, and 31.
    DDI  | rx simvastatin/90 04-01; rx clarithromycin/10 05-22                     | open end=06-30
    DDI  | rx simvastatin/90 04-01; rx clarithromycin/10 05-21                     | -
    # From the first day to the last; fills of one medicine queue nowhere.
    DDI  | rx simvastatin/90 03-01; rx simvastatin/90 05-20; rx clarithromycin/10 04-01; rx clarithromycin/10 06-10 | open start=04-01 end=07-19
    # Within a year of fills.
    DDI  | rx simvastatin/365 2025-07-01; rx clarithromycin/10 06-10               | open
    DDI  | rx simvastatin/365 2025-06-30; rx clarithromycin/10 06-10               | -
    DDI  | rx simvastatin/0 06-01; rx clarithromycin/10 06-10                      | -
    DDI  | rx simvastatin/90 06-01                                                 | -
    DDI  | rx pravastatin/90 06-01; rx clarithromycin/10 06-10                     | -
    DDI  | rx simvastatin/90 06-01; rx clarithromycin/10 06-10 status=reversed     | -
    DDI  | rx simvastatin/90 06-01; rx clarithromycin/10 06-10 denied              | -
    DDI  | rx simvastatin/90 06-01; rx clarithromycin/10 06-10; who hospice_flag=yes | -
    DDI  | rx simvastatin/90 06-01; rx clarithromycin/10 06-10; who enrollment_end_date=2026-06-29 | -
    DDI  | rx simvastatin/90 06-01; rx clarithromycin/10 06-10; who death_date=2026-06-20 | -
    # What is put on the skin does not count.
    DDI  | rx simvastatin/90 06-01; rx ketoconazole/10 06-10                       | open
    DDI  | rx simvastatin/90 06-01; rx lotion/10 06-10                             | -
    # An MAO inhibitor counts for 14 days after its end: through 13 June, then 27 June.
    DDI  | rx phenelzine/30 05-15; rx sertraline/30 06-27                          | open start=06-27 end=07-27 severity=95.0000 subject=maoi_antidepressant
    DDI  | rx phenelzine/30 05-15; rx sertraline/30 06-28                          | -
    DDI  | rx sertraline/30 05-15; rx phenelzine/30 06-14                          | -
    DDI  | rx sertraline/30 05-15; rx phenelzine/30 06-13                          | open start=06-13
"""

# What tells of HIV, mental health or substance use is never named (rules 6.4): by the pair, or by one of the medicines.
SENSITIVE = """
    code | events                                                                  | row
    DDI  | rx phenelzine/30 06-10; rx sumatriptan/9 06-12                          | open sensitive=yes says=Check_in not=migraine
    DDI  | rx tizanidine/30 06-10; rx fluvoxamine/30 06-12                         | open sensitive=yes says=Check_in
    DDI  | rx tizanidine/30 06-10; rx ciprofloxacin/7 06-12                        | open sensitive=no says=muscle_relaxant
    DDI  | rx kaletra/30 06-10; rx rifampin/30 06-12                               | open sensitive=yes says=Check_in subject=protease_inducer
    DDI  | rx ritonavir/30 06-10; rx rifampin/30 06-12                             | open sensitive=yes says=Check_in not=antiviral
    DDI  | rx atazanavir/30 06-10; rx omeprazole/30 06-12                          | open sensitive=yes says=Check_in
    DDI  | rx evotaz/30 06-10; rx simvastatin/30 06-12                             | open sensitive=yes subject=statin_cyp3a4
    # A course for five days against a virus of the lungs tells of none of them.
    DDI  | rx paxlovid/5 06-10; rx simvastatin/90 06-01                            | open sensitive=no subject=statin_cyp3a4
"""


@pytest.mark.parametrize("table", [DAYS, SENSITIVE], ids=["days", "sensitive"])
def test_two_medicines_on_hand(patients: Callable[..., None], table: str) -> None:
    patients(table)


def test_every_class_of_every_pair_is_found(patients: Callable[..., None]) -> None:
    """A medicine of each category on both sides; two medicines of a pair's one side are no pair."""
    drugs: dict[str, str] = {}
    for row in value_set_rows("interacting_drugs", None):
        drugs.setdefault(row[7], row[1])
    expected: dict[tuple[str, str], str] = {}
    for name, pair in RULES.interactions.items():
        for first in pair.first.categories:
            for second in pair.second.categories:
                expected[tuple(sorted((first, second)))] = name
    lines = [
        f"DDI | rx {drugs[one]}/30 06-10; rx {drugs[two]}/30 06-12 | "
        + (f"open subject={expected[one, two]}" if (one, two) in expected else "-")
        for one, two in combinations(sorted(drugs), 2)
    ]
    patients("\n".join(["code | events | row", *lines]))


def told_of(con: duckdb.DuckDBPyConnection, claims: str) -> tuple[dict[str, Any], str]:
    """Evidence and reason of ann's only row, from her pharmacy claims."""
    give(con, "raw.drug", _drugs())
    give(con, "raw.eligibility", "person_id | enrollment_start_date\nann | 2018-01-01")
    give(con, "raw.pharmacy_claim", claims)
    build_models(con, [MODEL], hospital.AS_OF)
    [(evidence, reason)] = con.execute(f"select evidence, reason from {MODEL}").fetchall()
    return json.loads(evidence), reason


def test_evidence_names_both_claims_pair_and_source(con: duckdb.DuckDBPyConnection) -> None:
    told, reason = told_of(
        con,
        """
        person_id | claim_id | dispensing_date | ndc_code    | days_supply
        ann       | R1       | 2026-06-01      | febuxostat  | 30
        ann       | R2       | 2026-06-20      | azathioprine | 30
        """,
    )
    pair = RULES.interactions["febuxostat_thiopurine"]
    assert told == {
        "claims": [
            {"claim_id": "R1", "fill_date": "2026-06-01", "days_supply": 30},
            {"claim_id": "R2", "fill_date": "2026-06-20", "days_supply": 30},
        ],
        "first_shared_date": "2026-06-20", "last_shared_date": "2026-06-30", "rule": pair.title, "source": pair.source,
    }  # fmt: skip
    assert reason == (
        "Paid claims show a gout medicine and a medicine that calms the immune system on hand together, from 2026-06-20 "
        "through 2026-06-30. The labels advise against it: ask whether both are taken, and call the prescriber. Give no "
        "advice to stop before the answer."
    )


def test_evidence_names_two_claims_that_met(con: duckdb.DuckDBPyConnection) -> None:
    """The later fill of each medicine need not have met the other's: R3 ended before R4 began, and R1 was on hand."""
    told, _ = told_of(
        con,
        """
        person_id | claim_id | dispensing_date | ndc_code       | days_supply
        ann       | R1       | 2026-01-05      | simvastatin    | 180
        ann       | R2       | 2026-02-25      | clarithromycin | 10
        ann       | R3       | 2026-03-01      | simvastatin    | 10
        ann       | R4       | 2026-06-05      | clarithromycin | 10
        """,
    )
    assert [claim["claim_id"] for claim in told["claims"]] == ["R1", "R4"]
    # From the first day that any two were on hand, 25 February, to the last, 14 June.
    assert (told["first_shared_date"], told["last_shared_date"]) == ("2026-02-25", "2026-06-14")


def test_words_name_no_drug_and_every_pair_has_a_source() -> None:
    names = {row[1] for row in value_set_rows("interacting_drugs", None)}
    words = " ".join([RULES.reason, *(i.medicines for i in RULES.interactions.values())]).lower()
    assert not [name for name in names if name in words]
    assert "stop taking" not in words
    assert all("PMC3422823" in i.source for i in RULES.interactions.values())
    gap = read_families()["medication_review"].codes[RULES.gap_code]
    assert gap.public_code
    # Urgent medicine safety: neither put off by an earlier call nor held out (rules 6.3 and 6.9).
    assert gap.weekly_cap_exempt
    assert gap.holdout_exempt
