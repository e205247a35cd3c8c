"""Claims that nobody here made up: every number below was counted in the files, never taken from the night.

Counted with Python's csv module, one file at a time, and with awk; each expectation says how. The drug table is FDA's
directory of June 2020 with RxNorm ingredients (156,335 NDCs).
"""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.integration.nightly_run import ROOT, manifest_of, rows, run_night

SHARED = ROOT.parent / "shared" / "data"
CLAIMS, DRUGS = SHARED / "claims", SHARED / "reference" / "ndc_ingredient_2020.parquet"

pytestmark = pytest.mark.skipif(
    not (CLAIMS.is_dir() and DRUGS.is_file()),
    reason="no ../shared/data with claims and reference beside the repository",
)


def table(night: Path, name: str) -> str:
    """A published table, as SQL reads it."""
    return f"read_parquet('{night / 'tables' / name}.parquet', hive_partitioning = false)"


def records(night: Path, name: str, columns: str, order: str) -> list[tuple[Any, ...]]:
    return rows(f"select {columns} from {table(night, name)} order by {order}")


@pytest.fixture(scope="module")
def tuva(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Tuva seeds as of 2018-10-31, with the drug list beside nothing."""
    reference = tmp_path_factory.mktemp("reference")
    (reference / "drug.parquet").symlink_to(DRUGS)
    output = tmp_path_factory.mktemp("tuva") / "output"
    run_night(CLAIMS / "tuva", output, datetime.date(2018, 10, 31), reference=reference)
    return output / "latest"


@pytest.fixture(scope="module")
def cms_rif(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The RIF files as of 2020-12-31.

    The list of 2020 knows 3 of the 18 dispensed NDCs, none of them of a measure. So that the files reach a PDC, a second
    part of the drug table calls the two NDCs of 29 March 2020 simvastatin, which they need not be.
    """
    reference = tmp_path_factory.mktemp("reference")
    (reference / "drug").mkdir()
    (reference / "drug" / "list.parquet").symlink_to(DRUGS)
    (reference / "drug" / "ours.csv").write_text(
        "ndc_code,ingredients\n51655026752,simvastatin\n54868428602,Simvastatin\n", encoding="utf-8"
    )
    output = tmp_path_factory.mktemp("cms_rif") / "output"
    run_night(CLAIMS / "cms_rif", output, datetime.date(2020, 12, 31), layout="cms_rif", reference=reference)
    return output / "latest"


# Tuva -----------------------------------------------------------------------------------------------------------------


def test_tuva_rows_are_all_accounted_for(tuva: Path) -> None:
    inputs = manifest_of(tuva)["inputs"]
    # `tail -n +2 FILE | wc -l`: 31, 291 and 2,075; no two rows of a file are equal, no required value is empty.
    for name, read in (("eligibility", 31), ("pharmacy_claim", 291), ("medical_claim", 2075), ("drug", 156_335)):
        told = inputs[name]
        assert (told["read"], told["accepted"]) == (read, read), name
        assert (told["rejected_rows"], told["duplicate"], told["netted"]) == (0, 0, 0), name


def test_tuva_pharmacy_claims_set_apart(tuva: Path) -> None:
    told = manifest_of(tuva)["inputs"]["pharmacy_claim"]
    # days_supply is empty on every row; 86 rows have an NDC that the list lacks; 16 are dated after 2018-10-31; every
    # person_id is in eligibility; no row names a pharmacy.
    assert {k: told[k] for k in ("unusable_days_supply", "unknown_ndc", "after_as_of", "unlinked", "invalid_npi")} == {
        "unusable_days_supply": 291, "unknown_ndc": 86, "after_as_of": 16, "unlinked": 0, "invalid_npi": 0,
    }  # fmt: skip


def test_tuva_medical_claims_set_apart(tuva: Path) -> None:
    told = manifest_of(tuva)["inputs"]["medical_claim"]
    # 30 lines begin after 2018-10-31. Bills of frequency 7: 13 + 5 + 4 lines of three claims of one person, and no other
    # bill of the same facility, start date and type beside them.
    assert (told["after_as_of"], told["no_original"], told["unlinked"]) == (30, 22, 0)


def test_tuva_members_and_fills(tuva: Path) -> None:
    assets = manifest_of(tuva)["assets"]
    # 10 different person_id in 31 spans, no two of which touch; 291 - 16 fills through the as-of date.
    assert assets["core.member"]["rows"] == 10
    assert assets["core.enrollment"]["rows"] == 31
    assert assets["core.fill"]["rows"] == 275
    # State names become codes: Arizona 2, Iowa 1, and so on, by the last span of each of the 10 members.
    states = rows(f"select detail, value from {table(tuva, 'input_profile')} where measure = 'members_by_state'")
    assert sum(value for _, value in states) == 10
    assert {state for state, _ in states} <= {"AZ", "NC", "SC", "PA", "IA", "MI", "WI", "UT"}


def test_tuva_adherence_has_everyone_with_a_class_fill_and_no_pdc(tuva: Path) -> None:
    # Fills of 2018 through October whose ingredient is lisinopril or simvastatin: 10072 (8), 10113, 10017, 10111 (1 each).
    assert records(tuva, "adherence", "person_id, measure_id, pdc, covered_days, is_eligible, member_years", "all") == [
        ("10017", "pdc_ras", None, None, False, Decimal("0.0000")),
        ("10072", "pdc_statins", None, None, False, Decimal("0.0000")),
        ("10111", "pdc_ras", None, None, False, Decimal("0.0000")),
        ("10113", "pdc_statins", None, None, False, Decimal("0.0000")),
    ]


def test_tuva_treatment_periods_follow_the_enrolment_episode(tuva: Path) -> None:
    # 10113: filled 09-08, enrolled 2017-12-01 to 2018-12-31, so 23 + 31 + 30 + 31 days of which 23 + 31 are over.
    # 10017: filled 04-21, enrolled through 05-31: 10 + 31. 10111: filled 07-20, enrolled through 08-31: 12 + 31.
    found = records(
        tuva, "adherence",
        "person_id, index_date, treatment_end_date, full_treatment_days, treatment_days, allowed_missed_days, exclusion_reason",
        "all",
    )  # fmt: skip
    assert [r for r in found if r[0] != "10072"] == [
        (
            "10017",
            datetime.date(2018, 4, 21),
            datetime.date(2018, 5, 31),
            41,
            41,
            8,
            "one_fill_date;short_treatment_period",
        ),
        (
            "10111",
            datetime.date(2018, 7, 20),
            datetime.date(2018, 8, 31),
            43,
            43,
            8,
            "one_fill_date;short_treatment_period",
        ),
        ("10113", datetime.date(2018, 9, 8), datetime.date(2018, 12, 31), 115, 54, 23, "one_fill_date"),
    ]


def test_tuva_night_without_lists_is_published_with_a_warning(tuva: Path) -> None:
    manifest = manifest_of(tuva)
    assert "no_listable_gap" in manifest["warnings"]
    assert rows(f"select count(*) from {table(tuva, 'worklist')}") == [(0,)]
    assert not (tuva / "worklists").exists()
    assert [
        w
        for w in manifest["warnings"]
        if w.startswith("eligibility: columns ignored:") and "social_security_number" in w
    ]


# CMS RIF --------------------------------------------------------------------------------------------------------------


def test_rif_rows_are_all_accounted_for(cms_rif: Path) -> None:
    inputs = manifest_of(cms_rif)["inputs"]
    # Person-years with a Part D contract in some month: 33 less -1000018 in 2011, 2012, 2013, 2017 and the two files
    # below. beneficiary_2018.csv repeats the rows of 2019 (RFRNC_YR 2019): two enrolled people, twice.
    told = inputs["eligibility"]
    assert (told["read"], told["accepted"], told["duplicate"], told["rejected_rows"]) == (27, 25, 2, 0)
    # `awk 'FNR > 1' carrier dme hha hospice inpatient outpatient snf | wc -l`: 221 + 1 + 15 + 8 + 16 + 19 + 67.
    told = inputs["medical_claim"]
    assert (told["read"], told["accepted"], told["netted"], told["duplicate"]) == (347, 347, 0, 0)
    # CLM_FROM_DT later than 2020: 25 lines.
    assert told["after_as_of"] == 25
    told = inputs["pharmacy_claim"]
    assert (told["read"], told["accepted"], told["rejected_rows"]) == (18, 18, 0)
    # 04-Apr-2021 twice; 18 NDCs less digoxin, warfarin, leucovorin and our two; no SRVC_PRVDR_ID is an NPI.
    assert {k: told[k] for k in ("after_as_of", "unknown_ndc", "invalid_npi", "unusable_days_supply", "unlinked")} == {
        "after_as_of": 2, "unknown_ndc": 13, "invalid_npi": 18, "unusable_days_supply": 0, "unlinked": 0,
    }  # fmt: skip
    assert inputs["drug"]["read"] == 156_337


def test_rif_members_and_enrolment(cms_rif: Path) -> None:
    assets = manifest_of(cms_rif)["assets"]
    assert assets["core.member"]["rows"] == 3
    # 2018 is missing, so each has two episodes: before 2018 and from 2019 (the third from 2020) through May 2021.
    assert assets["core.enrollment"]["rows"] == 6
    assert assets["core.fill"]["rows"] == 16


def test_rif_adherence_row_worked_out_by_hand(cms_rif: Path) -> None:
    # Two fills of 90 days on 2020-03-29, one ingredient: 180 days from day 0, 03-29 to 09-24. The period runs to the end
    # of the year, enrolled through May 2021: 3 + 30 + 31 + 30 + 31 + 31 + 30 + 31 + 30 + 31 = 278 days, all but the last
    # over. Allowed 55 (a fifth, rounded down), missed 277 - 180 = 97. At best 180 + 1 of 278.
    # Late from 09-25 through 12-31: 6 + 31 + 30 + 31. Last impactable: day 180 + 55, 2020-11-19. A hospice claim of
    # November 2020 (bill type 81) excludes; both fills have one date.
    found = records(
        cms_rif, "adherence",
        "person_id, measure_id, index_date, treatment_end_date, treatment_days, covered_days, pdc, is_adherent, "
        "full_treatment_days, allowed_missed_days, missed_days, remaining_missed_days, is_reachable, projected_pdc, "
        "best_possible_pdc, covered_through_date, refill_due_date, days_late, last_impactable_date, surplus_days, "
        "exclusion_reason, is_eligible",
        "all",
    )  # fmt: skip
    day = datetime.date
    assert found == [
        (
            "-1000014", "pdc_statins", day(2020, 3, 29), day(2020, 12, 31), 278, 180, Decimal("0.6475"), False, 278, 55,
            97, -42, False, Decimal("0.6475"), Decimal("0.6511"), day(2020, 9, 24), day(2020, 9, 25), 98,
            day(2020, 11, 19), 0, "one_fill_date;hospice", False,
        ),
    ]  # fmt: skip


def test_rif_night_is_published_without_lists(cms_rif: Path) -> None:
    manifest = manifest_of(cms_rif)
    assert manifest["layout"] == "cms_rif"
    assert "no_listable_gap" in manifest["warnings"]
    # Counted by hand: of all files one member (born in 1945) has diabetes on four days of carrier claims of 2020, and in no
    # file an A1c, a blood pressure, a kidney or eye test. RIF has neither telephone nor address.
    found = rows(f"select person_id, gap_code, status, status_reason from {table(cms_rif, 'gap')} order by gap_code")
    assert found == [("-1000018", code, "open", "no_channel") for code in ("A1C", "BP", "EYE", "KED")]
