"""`caregaps assign`: a file of today's pharmacists and a published night in, a numbered plan out."""

from __future__ import annotations

import json
import stat
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assets.engine.assignments import describe_assignment
from assets.engine.contract import contract_for
from pipelines.cli import main

NIGHT = "2026-06-30"
GAP = "00000000000000{:02d}".format
TYPES = {"score": pa.decimal128(9, 4), "due_date": pa.date32()}


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """A folder of nights whose last one has twelve members in Texas, one in Ohio and one whose state is unknown."""
    night, secret = tmp_path / f"as_of={NIGHT}", tmp_path / "restricted" / f"as_of={NIGHT}"
    for folder in (night, secret):
        folder.mkdir(parents=True)
    (tmp_path / "latest").symlink_to(night.name)
    (night / "manifest.json").write_text(json.dumps({"as_of": NIGHT}))
    rows = [
        {
            "gap_id": GAP(n), "person_id": f"P{n}", "state": {13: "OH", 14: None}.get(n, "TX"), "language": "en",
            "gap_family": "mtm", "gap_code": "CMR_DUE", "therapy_areas": "mtm", "pharmacy_npi": "1999000015",
            "priority_band": "high", "score": Decimal(50 - n), "due_date": None,
        }
        for n in range(1, 15)
    ]  # fmt: skip
    names = contract_for("outreach", "assignment_case").columns
    schema = pa.schema([(name, TYPES.get(name, pa.string())) for name in names])
    pq.write_table(pa.Table.from_pylist(rows, schema), secret / "assignment_case.parquet")
    return tmp_path


def run(output: Path, text: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    (output / "today.csv").write_text(text, encoding="utf-8")
    status = main(["assign", "--output", str(output), "--capacity", str(output / "today.csv")])
    told = capsys.readouterr()
    return status, told.out, told.err


def plan_of(output: Path, number: int) -> dict[str, dict]:
    path = output / "assignments" / f"as_of={NIGHT}" / f"{number:03}.parquet"
    return {row["person_id"]: row for row in pq.ParquetFile(path).read().to_pylist()}


TODAY = "pharmacist_id,licence_states,weekly_capacity,therapy_areas\nmaria,TX;OK,11,mtm\nnoor,TX,0,mtm\n"


def test_a_plan_is_written_for_the_service_user_alone_and_counts_are_told(output, capsys) -> None:
    status, told, _ = run(output, TODAY, capsys)
    assert status == 0
    assert told.splitlines() == [
        f"Night of {NIGHT}, 2 pharmacists: {output}/assignments/as_of={NIGHT}/001.parquet",
        "Members with work that was accepted and stays: 0",
        "Members assigned: 11",
        "Members not assigned, unknown_state: <11",
        "Members not assigned, no_licence: <11",
        "Members not assigned, no_capacity: <11",
    ]
    found = plan_of(output, 1)
    assert {p: r["pharmacist_id"] for p, r in found.items() if r["pharmacist_id"]} == {
        f"P{n}": "maria" for n in range(1, 12)
    }
    # The lowest score of Texas is the one without a place.
    assert {p: r["unassigned_reason"] for p, r in found.items() if r["unassigned_reason"]} == {
        "P12": "no_capacity", "P13": "no_licence", "P14": "unknown_state",
    }  # fmt: skip
    assert found["P2"]["explanation"] == (
        "Licensed in TX. Speaks en. Covers mtm. Has not worked with the member before. 1 of 11 places were taken."
    )
    assert [found["P2"][c] for c in ("prior_cost", "load_cost", "total_cost")] == [100, 3, 103]
    folder = output / "assignments"
    kept = {p.relative_to(folder).as_posix(): stat.S_IMODE(p.stat().st_mode) for p in [folder, *folder.rglob("*")]}
    assert kept == {".": 0o700, f"as_of={NIGHT}": 0o700, f"as_of={NIGHT}/001.parquet": 0o600}


def test_during_the_day_accepted_work_stays_and_the_rest_is_planned_anew(output, capsys) -> None:
    """Maria accepted two rows and is off for the rest of the day; Noor takes over. No plan is replaced."""
    run(output, TODAY, capsys)
    first = plan_of(output, 1)
    later = (
        "\ufeffPharmacist_ID,licence_states,weekly_capacity,accepted_gap_ids,has_interpreter\n"
        f"maria,TX,2,{GAP(3)};{GAP(12)},\n\nnoor,TX,20,,yes\n"
    )
    status, told, _ = run(output, later, capsys)
    assert status == 0
    assert "002.parquet" in told
    found = plan_of(output, 2)
    assert {p for p, r in found.items() if r["is_accepted"]} == {"P3", "P12"}
    assert found["P3"]["pharmacist_id"] == found["P12"]["pharmacist_id"] == "maria"
    assert {r["pharmacist_id"] for p, r in found.items() if p not in {"P3", "P12", "P13", "P14"}} == {"noor"}
    assert plan_of(output, 1) == first
    # Whoever accepted a row of a member has worked with them.
    both = "pharmacist_id,licence_states,weekly_capacity\naaron,TX,50\nmaria,TX,50\n"
    run(output, both, capsys)
    third = plan_of(output, 3)
    assert third["P3"]["pharmacist_id"] == "maria"
    assert (third["P3"]["prior_cost"], third["P4"]["prior_cost"]) == (0, 100)


def test_the_same_file_gives_the_same_bytes_and_the_next_number(output, capsys) -> None:
    folder = output / "assignments" / f"as_of={NIGHT}"
    run(output, TODAY, capsys)
    run(output, TODAY, capsys)
    assert (folder / "001.parquet").read_bytes() == (folder / "002.parquet").read_bytes()
    (folder / "007.parquet").hardlink_to(folder / "001.parquet")
    run(output, TODAY, capsys)
    assert sorted(p.name for p in folder.iterdir()) == ["001.parquet", "002.parquet", "007.parquet", "008.parquet"]


def give_pharmacists(output: Path, text: str) -> None:
    """The night's table of pharmacists, `|` between its columns."""
    names = contract_for("outreach", "assignment_pharmacist").columns
    lines = [[cell.strip() or None for cell in line.split("|")] for line in text.strip().splitlines()]
    assert [cell for cell in lines[0] if cell] == names
    table = pa.Table.from_pylist(
        [dict(zip(names, line, strict=True)) for line in lines[1:]], pa.schema([(name, pa.string()) for name in names])
    )
    at = names.index("weekly_capacity")
    table = table.set_column(at, "weekly_capacity", table.column(at).cast(pa.int32()))
    pq.write_table(table, output / "restricted" / f"as_of={NIGHT}" / "assignment_pharmacist.parquet")


# Maria works at two pharmacies; of Noor nobody knows how many members; of Omar no state of licence can be read.
STAFF = """
    pharmacist_id | pharmacy_npi | licence_states | languages | therapy_areas | weekly_capacity
    maria         | 1999000015   | TX             | en;es     | mtm           | 4
    maria         | 1999000023   | OH             |           |               | 6
    noor          |              | TX             | en        | mtm           |
    omar          |              | Texas;OK       | en        |               | 20
"""


def test_a_column_that_the_file_lacks_is_taken_from_the_night(output, capsys) -> None:
    """Her two rows are one pharmacist: both states, the larger capacity, the pharmacy of the lists (50, no stranger)."""
    give_pharmacists(output, STAFF)
    assert run(output, "pharmacist_id\nmaria\n", capsys)[0] == 0
    found = plan_of(output, 1)
    assert {p for p, r in found.items() if r["pharmacist_id"]} == {f"P{n}" for n in range(1, 7)}
    assert [found["P1"][c] for c in ("therapy_cost", "prior_cost", "load_cost")] == [0, 50, 0]
    # What the file does say stands, a blank cell too: no area, no state.
    run(output, "pharmacist_id,weekly_capacity,therapy_areas\nmaria,1,\n", capsys)
    second = plan_of(output, 2)
    assert {p for p, r in second.items() if r["pharmacist_id"]} == {"P1"}
    assert second["P1"]["therapy_cost"] == 200
    run(output, "pharmacist_id,licence_states\nmaria,\n", capsys)
    assert not [r for r in plan_of(output, 3).values() if r["pharmacist_id"]]
    run(output, "pharmacist_id,weekly_capacity\nmaria,20\n", capsys)
    assert plan_of(output, 4)["P13"]["pharmacist_id"] == "maria", "licensed in Ohio by her other row"


@pytest.mark.parametrize("languages", [("en", "es"), ("es", "en")])
def test_two_lines_of_one_pharmacy_are_one_pharmacist(output, capsys, languages: tuple[str, str]) -> None:
    """Interface 3: all languages together and the larger of the two capacities, not their sum: six places, not ten."""
    head, *_ = STAFF.strip().splitlines()
    lines = [
        f"maria | 1999000015 | TX | {told} | mtm | {places}" for told, places in zip(languages, (4, 6), strict=True)
    ]
    give_pharmacists(output, "\n".join([head, *lines]))
    assert run(output, "pharmacist_id\nmaria\n", capsys)[0] == 0
    found = [r for r in plan_of(output, 1).values() if r["pharmacist_id"] == "maria"]
    assert len(found) == 6
    assert {r["language_cost"] for r in found} == {0}


@pytest.mark.parametrize("name", ["noor", "nobody of the night"])
def test_a_number_that_neither_tells_stops_the_plan(output, capsys, name: str) -> None:
    give_pharmacists(output, STAFF)
    status, _, error = run(output, f"pharmacist_id,licence_states\nmaria,TX\n{name},TX\n", capsys)
    assert status == 1
    assert error.splitlines() == [
        "error: --capacity: line 3: found no weekly_capacity, here or in the night's table of pharmacists; one is expected"
    ]
    assert not (output / "assignments").exists()


def without_file(output: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    status = main(["assign", "--output", str(output)])
    told = capsys.readouterr()
    return status, told.out, told.err


def test_without_a_file_everyone_of_the_night_is_there(output, capsys) -> None:
    """Noor has no place and Omar no licence that can be read."""
    give_pharmacists(output, STAFF)
    status, told, _ = without_file(output, capsys)
    assert status == 0
    assert told.startswith(f"Night of {NIGHT}, 3 pharmacists: ")
    found = plan_of(output, 1)
    assert {r["pharmacist_id"] for r in found.values()} == {"maria", None}
    assert sum(r["pharmacist_id"] == "maria" for r in found.values()) == 6


def test_without_a_file_accepted_work_of_the_last_plan_stays(output, capsys) -> None:
    """Noor accepted P12, and nobody of the night's table P3; both stay. The tenth plan is later than the ninth."""
    give_pharmacists(output, STAFF)
    head = "pharmacist_id,licence_states,weekly_capacity,accepted_gap_ids\n"
    run(output, f"{head}maria,TX,6,{GAP(3)}\n", capsys)
    folder = output / "assignments" / f"as_of={NIGHT}"
    (folder / "001.parquet").rename(folder / "999.parquet")
    run(output, f"{head}noor,TX,0,{GAP(12)}\ngone,TX,0,{GAP(3)}\n", capsys)
    assert without_file(output, capsys)[0] == 0
    found = plan_of(output, 1001)
    assert {p: r["pharmacist_id"] for p, r in found.items() if r["is_accepted"]} == {"P12": "noor", "P3": "gone"}
    assert sum(r["pharmacist_id"] == "maria" for r in found.values()) == 6


def test_without_a_file_and_without_pharmacists_there_is_no_plan(output, capsys) -> None:
    line = f"error: --capacity: found no file, and no pharmacist in the night of {NIGHT}; a CSV file of today's pharmacists is expected\n"
    assert without_file(output, capsys) == (1, "", line)
    give_pharmacists(output, STAFF.splitlines()[1])
    assert without_file(output, capsys) == (1, "", line)


HEAD = "pharmacist_id,licence_states,weekly_capacity"
BAD = {
    "empty": ("", "found an empty file"),
    "no capacity column": ("pharmacist_id,licence_states\na,TX", "found no column 'weekly_capacity'"),
    "unknown column": (f"{HEAD},accepted\na,TX,1,", "found the columns ['accepted'], unknown or twice"),
    "column twice": (f"{HEAD},languages,languages\na,TX,1,en,es", "found the columns ['languages'], unknown or twice"),
    "cells": (f"{HEAD}\na,TX", "line 2: found 2 cells; the header has 3"),
    "no name": (f"{HEAD}\na,TX,1\n,TX,1", "line 3: found no pharmacist_id"),
    "state": (f"{HEAD}\na,Texas,1", "line 2: licence_states: two-letter codes of states"),
    "negative": (f"{HEAD}\na,TX,-1", "line 2: weekly_capacity: a whole number from 0 to 10,000"),
    "slip": (f"{HEAD}\na,TX,10001", "line 2: weekly_capacity: a whole number from 0 to 10,000"),
    "no number": (f"{HEAD}\na,TX,", "line 2: weekly_capacity: a whole number from 0 to 10,000"),
    "language": (f"{HEAD},languages\na,TX,1,Spanish", "line 2: languages: ISO 639-1 codes"),
    "area": (f"{HEAD},therapy_areas\na,TX,1,Oncology", "line 2: therapy_areas: areas in lower case"),
    "npi": (f"{HEAD},pharmacy_npi\na,TX,1,12", "line 2: pharmacy_npi: NPIs of ten digits"),
    "gap": (f"{HEAD},accepted_gap_ids\na,TX,1,P1", "line 2: accepted_gap_ids: ids of gaps"),
    "interpreter": (f"{HEAD},has_interpreter\na,TX,1,maybe", "line 2: has_interpreter: yes or no"),
    "twice": (f"{HEAD}\nsecret,TX,1\nsecret,OK,2", "pharmacist_id: found 1 on more than one line"),
    "accepted twice": (
        f"{HEAD},accepted_gap_ids\na,TX,1,{GAP(1)}\nb,TX,1,{GAP(1)}",
        "accepted_gap_ids: found 1 on more than one line",
    ),
    "quote": (f'{HEAD}\n"a,TX,1', "could not be read"),
}


@pytest.mark.parametrize(("text", "complaint"), BAD.values(), ids=BAD)
def test_a_bad_file_gives_one_line_and_no_plan(output, capsys, text: str, complaint: str) -> None:
    status, told, error = run(output, text, capsys)
    assert (status, told) == (1, "")
    [line] = error.splitlines()
    assert line.startswith("error: --capacity: ")
    assert complaint in line
    assert "secret" not in line, "a pharmacist is a person"
    assert GAP(1) not in line
    assert not (output / "assignments").exists()


def test_a_file_that_is_not_there_or_no_text_gives_one_line(output, capsys) -> None:
    assert main(["assign", "--output", str(output), "--capacity", str(output / "none.csv")]) == 1
    assert capsys.readouterr().err.startswith("error: --capacity: none.csv could not be read")
    (output / "today.csv").write_bytes(b"\xff\xfe\x00")
    assert main(["assign", "--output", str(output), "--capacity", str(output / "today.csv")]) == 1
    assert "a CSV file in UTF-8 is expected" in capsys.readouterr().err


def test_without_a_night_or_its_cases_there_is_no_plan(output, tmp_path, capsys) -> None:
    (output / "restricted" / f"as_of={NIGHT}" / "assignment_case.parquet").unlink()
    assert "has no table assignment_case" in run(output, TODAY, capsys)[2]
    (output / "latest").unlink()
    assert "found no published night" in run(output, TODAY, capsys)[2]


def test_a_plan_that_is_no_plan_stops_the_next_one(output, capsys) -> None:
    run(output, TODAY, capsys)
    (output / "assignments" / f"as_of={NIGHT}" / "001.parquet").write_bytes(b"no Parquet")
    status, _, error = run(output, TODAY, capsys)
    assert status == 1
    assert "001.parquet: not readable" in error


def test_two_plans_at_one_time_each_get_a_number(output, capsys, monkeypatch) -> None:
    """The other plan is linked after the number was chosen and before this one is linked."""
    run(output, TODAY, capsys)
    folder = output / "assignments" / f"as_of={NIGHT}"
    import os

    link, others = os.link, []

    def late(source, target) -> None:
        if not others:
            others.append(target)
            target.write_bytes(b"of the other")
        link(source, target)

    monkeypatch.setattr(os, "link", late)
    [first, *_] = describe_assignment(output, output / "today.csv", 11)
    assert first.endswith("003.parquet")
    assert (folder / "002.parquet").read_bytes() == b"of the other"
    assert (folder / "003.parquet").read_bytes() == (folder / "001.parquet").read_bytes()
