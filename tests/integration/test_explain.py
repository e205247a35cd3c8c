"""`caregaps explain`, `status` and `sql`: told from what a night published."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from assets.engine import explain, releases
from assets.engine.families import all_models
from assets.engine.run_record import lock, lock_file
from pipelines.cli import main
from tests.integration.nightly_run import EARLY_REFILLS, LATE_REFILL, SECOND, Season, rows

Command = Callable[..., tuple[int, list[str], str]]


@pytest.fixture
def caregaps(capsys: pytest.CaptureFixture[str]) -> Command:
    """A command in this process: its status, its lines, its complaints."""

    def call(*arguments: object) -> tuple[int, list[str], str]:
        capsys.readouterr()
        status = main([str(a) for a in arguments])
        told = capsys.readouterr()
        return status, told.out.splitlines(), told.err

    return call


# Explain --------------------------------------------------------------------------------------------------------------


def listed_row(season: Season) -> dict[str, object]:
    """One row of a list whose member is measured, with its adherence."""
    with duckdb.connect() as con:
        found = con.execute(
            "select worklist.person_id, worklist.gap_id, worklist.gap_code, worklist.pharmacy_npi, worklist.list_rank, "
            "worklist.score, worklist.reason, adherence.measure_id, adherence.covered_days, adherence.treatment_days, "
            f"adherence.pdc from {season.table('worklist')} as worklist "
            f"inner join {season.table('adherence')} as adherence "
            "on worklist.person_id = adherence.person_id and worklist.subject = adherence.measure_id "
            "where worklist.gap_code = 'ADHERENCE_LATE' order by worklist.person_id, worklist.gap_id limit 1"
        )
        names = [d[0] for d in found.description]
        return dict(zip(names, found.fetchall()[0], strict=True))


@pytest.mark.parametrize("code", [None, "SUPD", "TDAP"])
def test_a_family_that_was_skipped_is_no_gap_of_nobody(
    caregaps: Command, season: Season, monkeypatch: pytest.MonkeyPatch, code: str | None
) -> None:
    """Interface 2: without an input its families are skipped; that no gap is there then says nothing of the person."""
    night, manifest = releases.last_night(season.output)
    skipped = {"specialty": "no drug table"}
    monkeypatch.setattr(explain, "last_night", lambda _: (night, manifest | {"skipped_families": skipped}))
    more = ["--gap", code] if code else []
    status, lines, error = caregaps(
        "explain", "--output", season.output, "--person", listed_row(season)["person_id"], *more
    )
    assert (status, error) == (0, "")
    assert lines[1] == "Not looked for: specialty (no drug table)."


def test_listed_person_is_explained_from_fills_to_rank(caregaps: Command, season: Season) -> None:
    row = listed_row(season)
    status, lines, error = caregaps("explain", "--output", season.output, "--person", row["person_id"])
    text = "\n".join(lines)
    assert (status, error) == (0, "")
    assert str(SECOND) in lines[0]
    assert f"{row['measure_id']}, measurement year 2026" in lines
    assert f"{row['covered_days']} of {row['treatment_days']} days = {row['pdc']}" in text
    assert f"id {row['gap_id']}" in text
    assert row["reason"] in text
    assert f"On the list of pharmacy {row['pharmacy_npi']}" in text
    assert f"as number {row['list_rank']}" in text
    assert f"Score {row['score']} = severity" in text
    # Every fill of the class, by its claim, as the restricted evidence has it.
    evidence = season.restricted / "class_supply.parquet"
    claims = rows(
        f"select claim_id, fill_date from read_parquet('{evidence}', hive_partitioning = false) "
        f"where person_id = '{row['person_id']}' and measure_id = '{row['measure_id']}'"
    )
    assert claims
    for claim, day in claims:
        assert any(claim in line and str(day) in line for line in lines)


def test_fills_of_the_explanation_add_up_to_its_covered_days(caregaps: Command, season: Season) -> None:
    # The sample's fourth story: five fills of 30 days, each a week early, from 2026-01-10: 150 of 172 days.
    _, lines, _ = caregaps("explain", "--output", season.output, "--person", EARLY_REFILLS)
    block = lines[lines.index("pdc_diabetes, measurement year 2026") :]
    covered = [line.split() for line in block if line.startswith("    covered")]
    assert sum(int(words[-2]) for words in covered) == 150
    assert [words[1] for words in covered] == ["2026-01-10"]
    fills = [line for line in block if re.match(r"    \d{4}-\d{2}-\d{2}  \S+  metformin", line)]
    assert len(fills) == 5
    assert sum("moved: earlier supply" in line for line in fills) == 4
    assert any("150 of 172 days" in line for line in block)


def test_unlisted_person_is_told_the_reason(caregaps: Command, season: Season) -> None:
    status, lines, error = caregaps("explain", "--output", season.output, "--person", LATE_REFILL)
    assert (status, error) == (0, "")
    assert "    Not on a list: do_not_contact." in lines


def test_person_cut_by_capacity_is_told_so(caregaps: Command, season: Season) -> None:
    [(person,)] = rows(f"select min(person_id) from {season.table('gap')} where status_reason = 'capacity'")
    _, lines, _ = caregaps("explain", "--output", season.output, "--person", person)
    assert "    Not on a list: capacity." in lines


def test_excluded_person_is_told_why_not_measured(caregaps: Command, season: Season) -> None:
    # The twelfth story takes insulin.
    _, lines, _ = caregaps("explain", "--output", season.output, "--person", "SYN0000012")
    block = lines[lines.index("pdc_diabetes, measurement year 2026") :]
    assert "insulin" in next(line for line in block if line.startswith("  Measured: no"))


def test_a_gap_without_a_due_date_is_told_without_one(caregaps: Command, season: Season) -> None:
    """What is not there is left out: a need of daily life has no day by which to act."""
    [(person, code, opened)] = rows(
        f"select person_id, gap_code, opened_date from {season.table('gap')} "
        "where due_date is null and opened_date is not null order by person_id, gap_code limit 1"
    )
    status, lines, _ = caregaps("explain", "--output", season.output, "--person", person, "--gap", code)
    assert status == 0
    assert f"    Opened {opened}." in lines
    assert not [line for line in lines if "None" in line]


def test_closed_gap_is_explained(caregaps: Command, season: Season) -> None:
    status, lines, _ = caregaps("explain", "--output", season.output, "--person", season.in_hospice)
    assert status == 0
    assert any(", closed, id " in line for line in lines)
    # In hospice the measure judges nobody: no claim closed the gap.
    assert any("Not on a list: expired" in line for line in lines)


def test_one_code_alone_is_explained(caregaps: Command, season: Season) -> None:
    row = listed_row(season)
    options = ("explain", "--output", season.output, "--person", row["person_id"], "--gap")
    _, lines, _ = caregaps(*options, "ADHERENCE_LATE")
    assert any(str(row["gap_id"]) in line for line in lines)
    assert {line.split()[1] for line in lines if line.startswith("  Gap: ")} == {"ADHERENCE_LATE"}


def test_code_that_the_person_does_not_have_is_told_so(caregaps: Command, season: Season) -> None:
    _, lines, _ = caregaps("explain", "--output", season.output, "--person", LATE_REFILL, "--gap", "COB")
    assert any("no published evidence" in line and "COB" in line for line in lines)


def test_unknown_person_is_told_in_one_line(caregaps: Command, season: Season) -> None:
    status, lines, _ = caregaps("explain", "--output", season.output, "--person", "nobody'; drop table gap; --")
    assert len(lines) == 1
    assert "no published evidence" in lines[0]
    assert status in {0, 1}


def test_explaining_where_nothing_is_published_is_one_line(caregaps: Command, tmp_path: Path) -> None:
    status, lines, error = caregaps("explain", "--output", tmp_path, "--person", "P")
    assert (status, lines) == (1, [])
    assert error.startswith("error: ")
    assert error.count("\n") == 1


# Status ---------------------------------------------------------------------------------------------------------------


def test_status_tells_the_last_night_and_its_age(caregaps: Command, season: Season) -> None:
    status, lines, error = caregaps("status", "--output", season.output)
    told = dict(line.split(":", 1) for line in lines)
    assert (status, error) == (0, "")
    assert str(SECOND) in told["last night"]
    assert re.search(r"\d+ days ago", told["last night"])
    assert int(told["nights"]) == len(list(season.output.glob("as_of=*")))
    assert told["run"].strip().startswith("none; the last one, of ")
    assert re.fullmatch(r"[\d,]+\.\d MB, [\d,]+\.\d MB free", told["disk used"].strip())


def test_status_sees_a_run_in_progress(caregaps: Command, tmp_path: Path) -> None:
    (tmp_path / ".warehouse").mkdir()
    with lock(lock_file(tmp_path)):
        _, lines, _ = caregaps("status", "--output", tmp_path)
    assert any(line.startswith("run:") and "in progress" in line for line in lines)
    assert any("none published" in line for line in lines)


def test_status_of_no_folder_is_one_line(caregaps: Command, tmp_path: Path) -> None:
    status, lines, error = caregaps("status", "--output", tmp_path / "nowhere")
    assert (status, lines) == (1, [])
    assert error.startswith("error: ")
    assert not (tmp_path / "nowhere").exists()


# SQL and sample -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", ["duckdb", "spark"])
def test_every_model_can_be_printed(caregaps: Command, dialect: str) -> None:
    for model in all_models():
        status, lines, error = caregaps("sql", model.name, "--dialect", dialect)
        assert (status, error) == (0, ""), model.name
        assert any(line.lower().startswith("select") for line in lines), model.name


def test_printed_model_is_the_file(caregaps: Command) -> None:
    [model] = [m for m in all_models() if m.name == "facts.adherence"]
    _, lines, _ = caregaps("sql", "facts.adherence")
    assert "\n".join(lines) == model.path.read_text(encoding="utf-8").rstrip()


@pytest.mark.parametrize(
    "arguments",
    [
        ("sql", "facts.adherance"),
        pytest.param(
            ("sql", "facts.adherence", "--dialect", "klingon"),
        ),
    ],
    ids=["model", "dialect"],
)
def test_unknown_model_or_dialect_is_one_line(caregaps: Command, arguments: tuple[str, ...]) -> None:
    status, lines, error = caregaps(*arguments)
    assert (status, lines) == (1, [])
    assert error.startswith("error: ")
    assert error.count("\n") == 1


def test_sample_says_what_it_wrote(caregaps: Command, tmp_path: Path) -> None:
    status, lines, error = caregaps("sample", "--members", 3, "--seed", 1, "--output", tmp_path / "deep" / "sample")
    assert (status, error) == (0, "")
    assert "3 members" in lines[0]
    assert (tmp_path / "deep" / "sample" / "truth.csv").is_file()


@pytest.mark.parametrize("members", ["0", "-5", "many"])
def test_sample_of_nobody_is_one_line(caregaps: Command, tmp_path: Path, members: str) -> None:
    status, _, error = caregaps("sample", "--members", members, "--seed", 1, "--output", tmp_path / "s")
    assert status == 1
    assert error.startswith("error: ")
    assert error.count("\n") == 1
