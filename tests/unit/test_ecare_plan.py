"""Returned care plans become outcomes: the three ways that are read, what is left out, and the door (gap-exchange 2)."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from assets.engine import ecare_plan, ingest
from assets.engine.contract import contract_for
from assets.engine.ecare_plan import LOSS, convert
from assets.engine.errors import InputError
from assets.engine.layout import read_layout
from assets.engine.outreach_registry import read_outreach_outcomes
from pipelines.cli import main
from tests.story import empty_warehouse

GAP, OTHER_GAP = "a000000000000001", "a000000000000002"
NPI = "1234567893"
PATIENT = {"reference": "Patient/p"}


def gap(value: str = GAP) -> dict:
    """A reference to a gap by its id on the list."""
    return {"identifier": {"system": "urn:caregaps:gap", "value": value}}


def codes(code: str, system: str = "http://snomed.info/sct") -> dict:
    return {"coding": [{"system": system, "code": code}]}


def ours(code: str) -> dict:
    return codes(code, "urn:caregaps:outcome")


def procedure(**elements) -> dict:
    return {
        "resourceType": "Procedure", "id": "x", "status": "completed", "subject": PATIENT, "reasonReference": [gap()],
        "performedDateTime": "2026-06-10", **elements,
    }  # fmt: skip


def task(**elements) -> dict:
    return {
        "resourceType": "Task", "id": "t", "status": "completed", "intent": "order", "focus": gap(),
        "lastModified": "2026-06-11T09:00:00-05:00", **elements,
    }  # fmt: skip


def encounter(**elements) -> dict:
    return {
        "resourceType": "Encounter", "id": "e", "status": "finished", "subject": PATIENT,
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "VR"},
        "period": {"start": "2026-06-12T16:30:15.250Z"}, "serviceProvider": {"reference": "Organization/o"}, **elements,
    }  # fmt: skip


def plan(*activities: dict, **elements) -> dict:
    return {
        "resourceType": "CarePlan", "id": "c", "status": "active", "intent": "plan", "subject": PATIENT,
        "created": "2026-06-13", "activity": list(activities), **elements,
    }  # fmt: skip


PHARMACY = {
    "resourceType": "Organization", "id": "o", "name": "Example Pharmacy",
    "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": NPI}],
}  # fmt: skip
MEMBER = {"resourceType": "Patient", "id": "p", "name": [{"family": "Secretname"}]}


def bundle(*resources: dict, **elements) -> dict:
    return {
        "resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in (*resources, MEMBER)],
        **elements,
    }  # fmt: skip


def read(tmp_path: Path, *bundles: dict | str) -> tuple[list[tuple[str, ...]], dict[str, int]]:
    """Rows of the file as attempted_at, outcome_code, gap_id, pharmacy_npi, and what was left out."""
    folder = tmp_path / "from"
    folder.mkdir()
    for number, content in enumerate(bundles):
        (folder / f"{number}.json").write_text(content if isinstance(content, str) else json.dumps(content))
    report = convert(folder, tmp_path / "to")
    with (tmp_path / "to" / "outreach_outcome" / "ecare_plan.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert all(list(row) == contract_for("raw", "outreach_outcome").columns for row in rows)
    assert rows == report.rows
    return [
        (r["attempted_at"], r["outcome_code"], r["gap_id"], r["pharmacy_npi"]) for r in rows
    ], dict(report.left_out)  # fmt: skip


DAY = "2026-06-10 00:00:00"


@pytest.mark.parametrize(
    ("resource", "row"),
    [
        # An outcome code of ours, wherever an outcome or a reason stands.
        (procedure(outcome=ours("REACHED_CALLBACK")), (DAY, "REACHED_CALLBACK", GAP, "")),
        (procedure(outcome=ours("Opted out (phone)")), (DAY, "OPT_OUT", GAP, "")),
        (procedure(status="not-done", statusReason=ours("NO_ANSWER")), (DAY, "NO_ANSWER", GAP, "")),
        (task(businessStatus=ours("LEFT_VM")), ("2026-06-11 09:00:00", "LEFT_VM", GAP, "")),
        (
            task(output=[{"type": {"text": "Outcome"}, "valueCodeableConcept": ours("PRESCRIBER_ACCEPTED")}]),
            ("2026-06-11 09:00:00", "PRESCRIBER_ACCEPTED", GAP, ""),
        ),
        (
            encounter(type=[ours("REACHED_ACCEPTED_PENDING")], reasonReference=[gap()]),
            ("2026-06-12 16:30:15", "REACHED_ACCEPTED_PENDING", GAP, NPI),
        ),
        # SNOMED: success of what was completed, refusal of what was not.
        (procedure(outcome=codes("385669000")), (DAY, "REACHED_COMPLETED", GAP, "")),
        (procedure(status="not-done", statusReason=codes("183944003")), (DAY, "REACHED_DECLINED", GAP, "")),
        (task(status="rejected", statusReason=codes("416432009")), ("2026-06-11 09:00:00", "REACHED_DECLINED", GAP, "")),
        (
            plan({"outcomeCodeableConcept": [codes("385669000")]}, addresses=[gap()]),
            ("2026-06-13 00:00:00", "REACHED_COMPLETED", GAP, ""),
        ),
        (
            plan({"detail": {"status": "cancelled", "statusReason": codes("183944003"), "reasonReference": [gap()]}}),
            ("2026-06-13 00:00:00", "REACHED_DECLINED", GAP, ""),
        ),
        # The gap as an identifier of the resource itself, and the beginning of a period.
        (
            {
                **procedure(outcome=codes("385669000"), performedPeriod={"start": "2026-06-09", "end": "2026-06-10"}),
                "reasonReference": [], "identifier": [gap()["identifier"]], "performedDateTime": None,
            },
            ("2026-06-09 00:00:00", "REACHED_COMPLETED", GAP, ""),
        ),
    ],
)  # fmt: skip
def test_an_outcome_is_read(tmp_path: Path, resource: dict, row: tuple[str, ...]) -> None:
    resource = {name: value for name, value in resource.items() if value not in (None, [])}
    assert read(tmp_path, bundle(resource, PHARMACY)) == ([row], {})


def test_what_a_procedure_does_not_say_its_encounter_says(tmp_path: Path) -> None:
    """The gap, the moment and the pharmacy; of two gaps in one conversation it does not say which."""
    silent = procedure(outcome=codes("385669000"), encounter={"reference": "Encounter/e"})
    del silent["reasonReference"], silent["performedDateTime"]
    of_one = bundle(silent, encounter(reasonReference=[gap()]), PHARMACY)
    of_two = bundle(silent, encounter(reasonReference=[gap(), gap(OTHER_GAP)]), PHARMACY)
    assert read(tmp_path, of_one, of_two) == (
        [("2026-06-12 16:30:15", "REACHED_COMPLETED", GAP, NPI)],
        {"no_gap": 1},
    )


def test_a_gap_may_be_named_by_the_issue_that_was_exported(tmp_path: Path) -> None:
    issue = {
        "resourceType": "DetectedIssue", "id": "i", "status": "final",
        "identifier": [{"system": "urn:caregaps:gap", "value": OTHER_GAP}],
    }  # fmt: skip
    pointing = procedure(outcome=codes("385669000"), reasonReference=[{"reference": "urn:uuid:1"}])
    content = bundle(pointing)
    content["entry"].append({"fullUrl": "urn:uuid:1", "resource": issue})
    assert read(tmp_path, content)[0] == [(DAY, "REACHED_COMPLETED", OTHER_GAP, "")]


@pytest.mark.parametrize(
    ("resource", "reason"),
    [
        (procedure(outcome=ours("UNHEARD_OF")), "unknown_outcome"),
        (procedure(outcome=codes("385671000")), "unknown_outcome"),
        (procedure(outcome=codes("385669000", "http://example.org")), "unknown_outcome"),
        # What only a care manager of the plan may say.
        (procedure(outcome=ours("LOSS_MISCODED_CONFIRMED")), "unknown_outcome"),
        # Nothing is guessed from a status.
        (procedure(), "no_outcome"),
        (task(), "no_outcome"),
        # A success of what was not done, a refusal of what was.
        (procedure(status="not-done", outcome=codes("385669000")), "unknown_outcome"),
        (procedure(statusReason=codes("183944003")), "unknown_outcome"),
        (procedure(status="entered-in-error", outcome=ours("NO_ANSWER")), "entered_in_error"),
        (plan({"outcomeCodeableConcept": [ours("NO_ANSWER")]}, status="entered-in-error", addresses=[gap()]), "entered_in_error"),
        (procedure(outcome=codes("385669000"), reasonReference=[gap("not an id")]), "no_gap"),
        (procedure(outcome=codes("385669000"), performedDateTime="2026-06"), "no_date"),
    ],
)  # fmt: skip
def test_what_says_too_little_is_counted_and_left_out(tmp_path: Path, resource: dict, reason: str) -> None:
    assert read(tmp_path, bundle(resource)) == ([], {reason: 1})


def test_a_conversation_alone_is_no_outcome_and_nothing_amiss(tmp_path: Path) -> None:
    """Nor is anything in a care plan that is of no gap."""
    other = procedure(code=codes("410123007"))
    del other["reasonReference"]
    assert read(tmp_path, bundle(encounter(reasonReference=[gap()]), other, PHARMACY)) == ([], {})


@pytest.mark.parametrize(("code", "outcome"), sorted(LOSS.items()))
def test_a_loss_counts_whatever_else_is_missing(tmp_path: Path, code: str, outcome: str) -> None:
    """No gap of its own, no day: it is the member's, and the bundle's day will do."""
    silent = procedure(status="not-done", statusReason=codes(code))
    del silent["reasonReference"], silent["performedDateTime"]
    content = bundle(silent, task(businessStatus=ours("NO_ANSWER")), timestamp="2026-06-20T08:00:00Z")
    assert read(tmp_path, content) == (
        [("2026-06-11 09:00:00", "NO_ANSWER", GAP, ""), ("2026-06-20 08:00:00", outcome, GAP, "")],
        {},
    )


def test_outcomes_that_foreign_codes_mean_are_registered() -> None:
    outcomes = read_outreach_outcomes()
    assert all(outcomes[code].loss for code in LOSS.values())
    assert {*ecare_plan.SUCCESS.values(), *ecare_plan.REFUSAL.values()} <= set(outcomes)


def test_a_bundle_that_is_not_valid_is_counted_and_told_by_no_value(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "from"
    folder.mkdir()
    good = bundle(procedure(outcome=codes("385669000")))
    broken = [
        "{", "[]", '"Secretname"', json.dumps({"resourceType": "Patient", "name": [{"family": "Secretname"}]}),
        json.dumps(bundle(procedure(performedDateTime="Secretname"))), json.dumps(bundle({"resourceType": "Secretname"})),
        json.dumps(bundle(type="")), json.dumps(bundle({"resourceType": 7})), json.dumps(bundle({"resourceType": {}})),
        json.dumps({"resourceType": "Bundle", "type": "collection", "entry": {"resource": 1}}), "[" * 100000,
        json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": []}]}),
    ]  # fmt: skip
    # A care plan that is sent again is one report.
    (folder / "many.ndjson").write_text("\n".join([json.dumps(good), *broken, "", json.dumps(good)]))
    (folder / "latin.json").write_bytes(b'{"resourceType": "\xff"}')
    (folder / "readme.txt").write_text("no bundle")
    assert main(["ecare-plan", "--from", str(folder), "--output", str(tmp_path / "to")]) == 0
    told = capsys.readouterr()
    assert told.out == (
        f"{tmp_path}/to/outreach_outcome/ecare_plan.csv: 1 rows of 2 bundles; left out: 13 invalid_bundle\n"
    )
    assert "Secretname" not in told.out + told.err
    written = tmp_path / "to" / "outreach_outcome" / "ecare_plan.csv"
    assert (written.parent.stat().st_mode & 0o777, written.stat().st_mode & 0o777) == (0o700, 0o600)
    assert "Secretname" not in written.read_text()


def test_what_is_no_folder_of_bundles_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match="no such folder"):
        convert(tmp_path / "absent", tmp_path / "to")
    with pytest.raises(InputError, match=r"no \.json or \.ndjson file"):
        convert(tmp_path, tmp_path / "to")
    (tmp_path / "1.json").write_text("{}")
    (tmp_path / "outreach_outcome.csv").write_text("")
    assert main(["ecare-plan", "--from", str(tmp_path), "--output", str(tmp_path)]) == 1
    assert "found outreach_outcome.csv beside the folder" in capsys.readouterr().err


def test_only_an_encounter_speaks_for_what_happened_in_it(tmp_path: Path) -> None:
    """A reference to something else, or round in a circle, names no gap."""
    silent = procedure(outcome=codes("385669000"), encounter={"reference": "Procedure/y"})
    round_about = procedure(id="z", outcome=codes("385669000"), encounter={"reference": "Procedure/z"})
    del silent["reasonReference"], round_about["reasonReference"]
    assert read(tmp_path, bundle(silent, round_about, procedure(id="y"))) == ([], {"no_gap": 2, "no_outcome": 1})


def test_the_rows_pass_the_door(tmp_path: Path) -> None:
    read(
        tmp_path,
        bundle(
            procedure(outcome=codes("385669000")), task(businessStatus=ours("LEFT_VM")),
            encounter(type=[ours("NO_ANSWER")], reasonReference=[gap(OTHER_GAP)]), PHARMACY,
        ),
    )  # fmt: skip
    con = empty_warehouse()
    inputs = ingest.find_inputs(read_layout("tuva"), tmp_path / "to", None)
    ingest.load_table(con, contract_for("raw", "outreach_outcome"), inputs, tmp_path)
    found = con.execute(
        "select attempted_at::varchar, outcome_code, gap_id, pharmacy_npi from raw.outreach_outcome order by all"
    ).fetchall()
    assert found == [
        ("2026-06-10 00:00:00", "REACHED_COMPLETED", GAP, None),
        ("2026-06-11 09:00:00", "LEFT_VM", GAP, None),
        ("2026-06-12 16:30:15", "NO_ANSWER", OTHER_GAP, NPI),
    ]
