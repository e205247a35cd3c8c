"""Gaps as DEQM documents: what leaves, what stays, and every resource judged by the library (gap-exchange 1)."""

from __future__ import annotations

import csv
import datetime
import json
from pathlib import Path

import duckdb
import pytest
from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from assets.engine import fhir_gaps
from assets.engine.errors import PublicationError, SettingsError
from assets.engine.fhir_gaps import describe, export_gaps
from pipelines.cli import main
from tests.fhir_codes import codes_outside
from tests.story import empty_warehouse, give

MEMBERS = """
    member_key | person_id | birth_date | gender | payer  | plan | state
    1          | P1        | 1950-01-31 | F      | Plan A | A1   | TX
    2          | P2        | 1960-02-29 | male   | Plan A | A2   | TX
    3          | P3        | 1970-03-31 | -      | -      | -    | OH
    4          | P4        | 1980-04-30 | female | Plan A | A1   | TX
    5          | P5        | 1940-05-31 | female | Plan A | A1   | TX
    6          | P6        | 1990-06-30 | female | Plan A | A1   | TX
    7          | P7        | 1955-07-31 | female | Plan A | A1   | TX
"""
BLOCKS = """
    member_key | block_reason
    5          | deceased
    7          | hospice
"""
GAPS = """
    gap_id           | person_id | gap_family         | gap_code         | subject           | status      | status_reason    | opened_date | action                   | is_sensitive
    a000000000000001 | P1        | adherence          | ADHERENCE_LATE   | pdc_statins       | open        | -                | 2026-06-01  | Call about a refill      | no
    a000000000000002 | P1        | diabetes           | A1C              | a1c               | closed      | resolved         | 2026-02-01  | Offer an A1c test        | no
    a000000000000003 | P1        | diabetes           | EYE              | eye               | prospective | -                | -           | Help to book an eye exam | no
    # Closed, but not because nothing is left to do.
    b000000000000001 | P1        | diabetes           | KED              | ked               | closed      | declined         | 2026-02-01  | Help to get kidney tests | no
    b000000000000002 | P1        | diabetes           | DSMT             | dsmt              | closed      | expired          | 2026-02-01  | Offer diabetes education | no
    b000000000000003 | P1        | adherence          | ADHERENCE_LOST   | pdc_ras           | lost        | -                | 2026-02-01  | Talk about the medicine  | no
    b000000000000004 | P1        | diabetes           | SUPD             | supd              | suppressed  | clinical_review  | 2026-02-01  | Ask the prescriber       | no
    # Plan A2, closed by what the pharmacy recorded and by the member's word; an open gap that full lists left out.
    a000000000000004 | P2        | diabetes           | A1C              | a1c               | closed      | documented       | 2026-02-01  | Offer an A1c test        | no
    a000000000000005 | P2        | diabetes           | EYE              | eye               | closed      | reported         | 2026-02-01  | Help to book an eye exam | no
    a000000000000006 | P2        | diabetes           | KED              | ked               | open        | capacity         | 2026-02-01  | Help to get kidney tests | no
    # No payer. What needs a consent, what a state keeps back and the comparison group stay.
    a000000000000007 | P3        | provider_desert    | PD_PCP           | -                 | open        | -                | 2026-02-01  | Offer checks             | no
    b000000000000005 | P3        | community_resource | COMMUNITY_NEED   | food-insecurity   | open        | -                | 2026-02-01  | Ask about a need         | no
    b000000000000006 | P3        | diabetes           | A1C              | a1c               | open        | state_policy     | 2026-02-01  | Offer an A1c test        | no
    b000000000000007 | P3        | diabetes           | EYE              | eye               | open        | holdout          | 2026-02-01  | Help to book an eye exam | no
    b000000000000008 | P3        | diabetes           | KED              | ked               | open        | no_authorisation | 2026-02-01  | Help to get kidney tests | no
    # Sensitive by its mark, by its code, by its subject.
    b000000000000009 | P4        | adherence          | ADHERENCE_LATE   | pdc_statins       | open        | -                | 2026-02-01  | Call about a refill      | yes
    b000000000000010 | P4        | prenatal_supply    | NALOXONE_COPREG  | episode 1         | open        | -                | 2026-02-01  | Offer a safety kit       | no
    b000000000000011 | P4        | adherence          | ADHERENCE_LATE   | pdc_arv           | open        | -                | 2026-02-01  | Call about a refill      | no
    # A member who died.
    b000000000000012 | P5        | adherence          | ADHERENCE_LATE   | pdc_statins       | open        | deceased         | 2026-02-01  | Call about a refill      | no
    # A pregnancy, also of a code that nobody knows any more.
    b000000000000013 | P6        | prenatal_supply    | PNV_NONE         | episode 1         | open        | -                | 2026-02-01  | Ask about a vitamin      | no
    b000000000000014 | P6        | prenatal_supply    | BP_MONITOR       | episode 1         | closed      | resolved         | 2026-02-01  | Help to get a monitor    | no
    b000000000000015 | P6        | community_resource | COMMUNITY_OFFER_MATERNAL | -         | prospective | -                | -           | Offer help               | no
    b000000000000016 | P6        | prenatal_supply    | OLD_CODE         | episode 1         | open        | -                | 2026-02-01  | Ask                      | no
    # Hospice keeps nobody's record back.
    a000000000000008 | P7        | diabetes           | A1C              | a1c               | open        | hospice          | 2026-02-01  | Offer an A1c test        | no
"""
AS_OF = "2026-06-30"


def night(folder: Path, gaps: str = GAPS, built: str = AS_OF, as_of: str = AS_OF) -> Path:
    """A published night and its working warehouse, as far as the export reads them."""
    output = folder / "out"
    (output / "latest" / "tables").mkdir(parents=True)
    (output / "latest" / "manifest.json").write_text(json.dumps({"as_of": as_of}))
    con = empty_warehouse()
    for table, rows in (("core.member", MEMBERS), ("outreach.contact_block", BLOCKS), ("outreach.gap", gaps)):
        give(con, table, rows)
    con.execute(f"copy outreach.gap to '{output}/latest/tables/gap.parquet'")
    (output / ".warehouse").mkdir()
    con.execute(f"attach '{output}/.warehouse/working.duckdb' as working")
    con.execute("create schema working.core; create schema working.outreach; create schema working.door")
    con.execute("create table working.core.member as from core.member")
    con.execute("create table working.outreach.contact_block as from outreach.contact_block")
    con.execute(
        f"create table working.door.built as select table_name, date '{built}' as as_of "
        "from (values ('core.member'), ('outreach.contact_block')) as built (table_name)"
    )
    con.execute("detach working")
    return output


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    assert main(["gaps-export", "--output", str(night(folder)), "--to", str(folder / "to")]) == 0
    return folder / "to"


def documents(folder: Path) -> dict[str, dict[str, dict]]:
    """File -> member -> document."""
    found: dict[str, dict[str, dict]] = {}
    for path in sorted(folder.glob("*.ndjson")):
        for line in path.read_text().splitlines():
            bundle = json.loads(line)
            [member] = [r for r in resources(bundle) if r["resourceType"] == "Patient"]
            found.setdefault(path.name, {})[member["identifier"][0]["value"]] = bundle
    return found


def resources(bundle: dict) -> list[dict]:
    return [entry["resource"] for entry in bundle["entry"]]


def statuses(bundle: dict) -> dict[str, tuple[str, int]]:
    """Gap id -> status of DEQM, count in the numerator; through the evidence, as a reader would go."""
    by_url = {entry["fullUrl"]: entry["resource"] for entry in bundle["entry"]}
    found = {}
    for issue in resources(bundle):
        if issue["resourceType"] == "DetectedIssue":
            [extension] = issue["modifierExtension"]
            [coding] = extension["valueCodeableConcept"]["coding"]
            assert extension["url"] == "http://hl7.org/fhir/us/davinci-deqm/StructureDefinition/extension-gapStatus"
            assert coding["system"] == "http://hl7.org/fhir/us/davinci-deqm/CodeSystem/gaps-status"
            report = by_url[issue["evidence"][0]["detail"][0]["reference"]]
            populations = {p["code"]["coding"][0]["code"]: p["count"] for p in report["group"][0]["population"]}
            assert (populations["initial-population"], populations["denominator"]) == (1, 1)
            found[issue["identifier"][0]["value"]] = (coding["code"], populations["numerator"])
    return found


def test_open_closed_and_prospective_gaps_leave_and_nothing_else(exported: Path) -> None:
    """By hand: P1 has one of each; P2 two closed and one open; P3, without a payer, comes last; P7 one."""
    found = documents(exported)
    assert {file: sorted(members) for file, members in found.items()} == {
        "group_0001.ndjson": ["P1", "P7"],
        "group_0002.ndjson": ["P2"],
        "group_0003.ndjson": ["P3"],
    }
    assert {m: statuses(bundle) for members in found.values() for m, bundle in members.items()} == {
        "P1": {
            "a000000000000001": ("open-gap", 0),
            "a000000000000002": ("closed-gap", 1),
            "a000000000000003": ("prospective-gap", 0),
        },
        "P2": {
            "a000000000000004": ("closed-gap", 1),
            "a000000000000005": ("closed-gap", 1),
            "a000000000000006": ("open-gap", 0),
        },
        "P3": {"a000000000000007": ("open-gap", 0)},
        "P7": {"a000000000000008": ("open-gap", 0)},
    }


@pytest.mark.parametrize("word", ["episode", "pdc_arv", "NALOXONE", "PNV", "MATERNAL", "COMMUNITY", "P4", "P5", "P6"])
def test_what_may_not_be_spoken_of_is_in_no_file(exported: Path, word: str) -> None:
    assert not [path.name for path in exported.iterdir() if word in path.read_text()]


def test_every_resource_is_valid_on_its_own(exported: Path) -> None:
    bundles = [bundle for members in documents(exported).values() for bundle in members.values()]
    assert len(bundles) == 4
    for resource in [r for bundle in bundles for r in (bundle, *resources(bundle))]:
        assert not list(codes_outside(get_fhir_model_class(resource["resourceType"]).model_validate(resource)))


def test_a_code_that_r4_does_not_have_would_be_found(exported: Path) -> None:
    """The library alone takes any word for a status."""
    [report, *_] = [r for r in resources(documents(exported)["group_0001.ndjson"]["P1"]) if "period" in r]
    model = get_fhir_model_class("MeasureReport")
    assert list(codes_outside(model.model_validate(report | {"status": "done"}))) == ["MeasureReport.status: done"]


def test_a_document_is_one_of_r4(exported: Path) -> None:
    """R4, Bundle: a document has an identifier and a date and begins with its Composition (bdl-9, bdl-10, bdl-11)."""
    bundle = documents(exported)["group_0001.ndjson"]["P1"]
    assert (bundle["type"], bundle["timestamp"]) == ("document", "2026-06-30T00:00:00Z")
    assert bundle["identifier"]["system"] == "urn:ietf:rfc:3986"
    composition, *others = resources(bundle)
    assert composition["resourceType"] == "Composition"
    assert composition["type"]["coding"] == [
        {"system": "http://loinc.org", "code": "96315-7", "display": "Gaps in care report"}
    ]
    assert [r["resourceType"] for r in others] == [
        *["MeasureReport"] * 3, *["DetectedIssue"] * 3, "Patient", "Organization",
    ]  # fmt: skip
    urls = [entry["fullUrl"] for entry in bundle["entry"]]
    assert len(set(urls)) == len(urls)
    assert set(references(bundle)) <= set(urls)
    sections = [(s["title"], len(s["entry"])) for s in composition["section"]]
    assert sections == [("A1C a1c", 1), ("ADHERENCE_LATE pdc_statins", 1), ("EYE eye", 1)]


def references(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [value["reference"]] if isinstance(value.get("reference"), str) else []
        return own + [r for v in value.values() for r in references(v)]
    return [r for v in value for r in references(v)] if isinstance(value, list) else []


def test_a_member_is_a_number_a_birth_date_and_a_gender(exported: Path) -> None:
    patients = {
        member: next(r for r in resources(bundle) if r["resourceType"] == "Patient")
        for members in documents(exported).values()
        for member, bundle in members.items()
    }
    told = {
        m: {k: v for k, v in p.items() if k not in {"resourceType", "id", "identifier"}} for m, p in patients.items()
    }
    assert told == {
        "P1": {"gender": "female", "birthDate": "1950-01-31"},
        "P2": {"gender": "male", "birthDate": "1960-02-29"},
        "P3": {"birthDate": "1970-03-31"},
        "P7": {"gender": "female", "birthDate": "1955-07-31"},
    }


def test_an_issue_says_what_is_asked_and_since_when(exported: Path) -> None:
    """A prospective gap has not been open, so that it was detected on no day."""
    bundle = documents(exported)["group_0001.ndjson"]["P1"]
    issues = {r["identifier"][0]["value"]: r for r in resources(bundle) if r["resourceType"] == "DetectedIssue"}
    late = issues["a000000000000001"]
    assert (late["detail"], late["identifiedDateTime"]) == ("Call about a refill", "2026-06-01")
    assert [c["code"] for c in late["code"]["coding"]] == ["CAREGAP", "ADHERENCE_LATE"]
    assert "identifiedDateTime" not in issues["a000000000000003"]
    [report] = [r for r in resources(bundle) if r.get("measure") == "urn:caregaps:gap-code:ADHERENCE_LATE"]
    assert (report["type"], report["period"]) == ("individual", {"start": "2026-01-01", "end": "2026-12-31"})


def test_the_index_names_every_file_and_all_is_closed_to_others(exported: Path) -> None:
    with (exported / "index.csv").open(newline="") as lines:
        assert list(csv.reader(lines)) == [
            ["file", "payer", "plan", "members", "gaps"],
            ["group_0001.ndjson", "Plan A", "A1", "2", "4"],
            ["group_0002.ndjson", "Plan A", "A2", "1", "3"],
            ["group_0003.ndjson", "", "", "1", "1"],
        ]
    assert exported.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in exported.iterdir()} == {0o600}


def test_what_stays_is_counted_by_reason_and_small_counts_are_hidden(tmp_path: Path) -> None:
    output = night(tmp_path)
    found = export_gaps(output, output / ".warehouse" / "working.duckdb", tmp_path / "to")
    assert found.kept == {
        "consent": 1,
        "gap_blocked": 3,
        "lost": 1,
        "member_blocked": 1,
        "not_resolved": 2,
        "pregnancy": 5,
        "sensitive": 2,
        "suppressed": 1,
    }
    lines = list(describe(found, tmp_path / "to", small_cell=8))
    assert lines[0] == f"Night of 2026-06-30: 8 gaps of <8 members in 3 files; {tmp_path}/to/index.csv"
    assert lines[6] == "  kept here, pregnancy: <8"


def test_a_state_is_where_the_member_lives_and_the_same_night_gives_the_same_bytes(tmp_path: Path) -> None:
    output = night(tmp_path)
    for name in ("one", "two"):
        assert main(["gaps-export", "--output", str(output), "--to", str(tmp_path / name), "--state", "OH"]) == 0
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one == two
    assert [*documents(tmp_path / "one")["group_0001.ndjson"]] == ["P3"]


def test_after_a_loss_no_file_differs_from_one_without_a_pregnancy(tmp_path: Path) -> None:
    """The night leaves nothing of it in `gap`; before the loss nothing left either, so that nobody sees it go."""
    lines = [line for line in GAPS.splitlines() if "| P6 " not in line]
    found = []
    for name, gaps in (("before", GAPS), ("after", "\n".join(lines))):
        output = night(tmp_path / name, gaps)
        export_gaps(output, output / ".warehouse" / "working.duckdb", tmp_path / name / "to")
        found.append({path.name: path.read_bytes() for path in (tmp_path / name / "to").iterdir()})
    assert found[0] == found[1]


def test_what_cannot_be_exported_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = night(tmp_path, built="2026-07-01")
    to = tmp_path / "to"
    with pytest.raises(PublicationError, match="another night than the published 2026-06-30"):
        export_gaps(output, output / ".warehouse" / "working.duckdb", to)
    with pytest.raises(PublicationError, match="no working warehouse"):
        export_gaps(output, tmp_path / "absent.duckdb", to)
    with pytest.raises(PublicationError, match="no published night"):
        export_gaps(tmp_path / "absent", tmp_path / "absent.duckdb", to)
    with pytest.raises(SettingsError, match="two capital letters"):
        export_gaps(output, tmp_path / "absent.duckdb", to, "Ohio")
    duckdb.connect(str(tmp_path / "other.duckdb")).close()
    with pytest.raises(PublicationError, match="another night"):
        export_gaps(output, tmp_path / "other.duckdb", to)
    to.mkdir()
    (to / "mine.txt").write_text("kept")
    assert main(["gaps-export", "--output", str(output), "--to", str(to)]) == 1
    assert capsys.readouterr().err.startswith("error: ")
    assert [path.name for path in to.iterdir()] == ["mine.txt"]


def test_a_resource_that_is_not_valid_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = night(tmp_path)
    monkeypatch.setitem(fhir_gaps.STATUS, "open", "")
    with pytest.raises(ValidationError):
        export_gaps(output, output / ".warehouse" / "working.duckdb", tmp_path / "to")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_document_rests_on_the_night_alone() -> None:
    row = {
        "payer": None, "plan": None, "person_id": "P1", "birth_date": datetime.date(1950, 1, 1), "gender": "X",
        "gap_id": "a000000000000001", "gap_code": "A1C", "subject": None, "status": "open", "opened_date": None,
        "action": "Offer an A1c test",
    }  # fmt: skip
    bundle = fhir_gaps.gap_document([row], datetime.date(2026, 6, 30))
    assert [r.get("name") for r in resources(bundle)][-1] == "Plan not stated"
    assert bundle == fhir_gaps.gap_document([row], datetime.date(2026, 6, 30))
