"""The gap ledger as FHIR R4 documents in the shape of the HL7 Da Vinci DEQM gaps-in-care report, one for each member.

Codes and extension are those of DEQM 5.0.0 (STU 5, on R4), the first with `prospective-gap`. No profile is claimed: none
has been validated. The library has no package of R4 alone; in its R4B these resources are as in R4 (gap-exchange 1).

Only what the public `gap` table holds can leave, and of that not what could not be taken back: a document outside is on
no recall list.
"""

from __future__ import annotations

import csv
import datetime
import itertools
import json
import shutil
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from assets.engine.errors import PublicationError, SettingsError
from assets.engine.files import SECRET_FOLDER, create_secret
from assets.engine.outreach_registry import read_sensitive_policy
from assets.engine.registry import read_families
from assets.engine.releases import last_night
from assets.engine.report.small_cells import lone_count
from assets.engine.warehouse import connect_for_reading

INDEX = "index.csv"
INDEX_COLUMNS: tuple[str, ...] = ("file", "payer", "plan", "members", "gaps")

# Ours.
GAP, GAP_CODE, PERSON = "urn:caregaps:gap", "urn:caregaps:gap-code", "urn:caregaps:person"
# DEQM 5.0.0: the status of a gap is a modifier extension of its DetectedIssue.
GAP_STATUS = "http://hl7.org/fhir/us/davinci-deqm/StructureDefinition/extension-gapStatus"
GAP_STATUS_CODES = "http://hl7.org/fhir/us/davinci-deqm/CodeSystem/gaps-status"
# HL7 terminology and LOINC, as DEQM fixes them.
CARE_GAP = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "CAREGAP", "display": "Caregap"}
REPORT_TYPE = {"system": "http://loinc.org", "code": "96315-7", "display": "Gaps in care report"}
POPULATIONS = "http://terminology.hl7.org/CodeSystem/measure-population"
NOTATION = "http://terminology.hl7.org/CodeSystem/measure-improvement-notation"

# Status of the ledger -> status of DEQM.
STATUS = {"open": "open-gap", "closed": "closed-gap", "prospective": "prospective-gap"}
# Reasons for which a closed gap was closed; of the others (declined, expired, superseded) DEQM would say no such thing.
CLOSED_AS = ("resolved", "documented", "reported")
# A need is a person's to tell: it leaves as a referral that they consented to, and no other way (community 5.3).
CONSENTED_FAMILIES = ("community_resource",)
# Of these members nothing leaves (rules 6.2).
BLOCKED_MEMBERS = ("deceased", "not_enrolled", "do_not_contact")
# These open gaps do not leave: no consent, a state's policy, or the comparison group, whom no one is asked to help.
BLOCKED_GAPS = ("do_not_contact", "no_authorisation", "state_policy", "holdout")

GENDERS = {"female": "female", "f": "female", "male": "male", "m": "male"}
NOT_STATED = "Plan not stated"

# What the export reads beside the published night; it must be of that night.
TABLES = ("core.member", "outreach.contact_block")

# The first reason for which a gap stays here; null for one that leaves.
LEDGER = """
with

ledger as (
    select
        member.payer,
        member.plan,
        gap.person_id,
        member.birth_date,
        member.gender,
        gap.gap_id,
        gap.gap_code,
        gap.subject,
        gap.status,
        gap.opened_date,
        gap.action,
        case
            when not list_contains($speakable_codes, gap.gap_code) then 'pregnancy'
            when
                gap.is_sensitive
                or list_contains($sensitive_codes, gap.gap_code)
                or coalesce(list_contains($sensitive_subjects, gap.subject), false)
                then 'sensitive'
            when list_contains($consented_families, gap.gap_family) then 'consent'
            when coalesce(list_contains($blocked_members, contact_block.block_reason), false) then 'member_blocked'
            when gap.status = 'open' and coalesce(list_contains($blocked_gaps, gap.status_reason), false)
                then 'gap_blocked'
            when not list_contains($statuses, gap.status) then gap.status
            when gap.status = 'closed' and not coalesce(list_contains($closed_as, gap.status_reason), false)
                then 'not_resolved'
        end as kept_for
    from read_parquet($gaps, hive_partitioning = false) as gap
    inner join core.member
        on gap.person_id = member.person_id
    left join outreach.contact_block
        on member.member_key = contact_block.member_key
    where member.state = $state or $state is null
)
"""
LEAVING = f"""
{LEDGER}
select * from ledger
where kept_for is null
order by payer nulls last, plan nulls last, person_id, gap_code, subject nulls first, gap_id
"""
KEPT = f"{LEDGER} select kept_for, count(*) from ledger where kept_for is not null group by kept_for order by kept_for"

Row = dict[str, Any]


@dataclass
class Export:
    """What left, and how many gaps stayed here and why."""

    as_of: datetime.date
    groups: list[dict[str, Any]] = field(default_factory=list)
    kept: dict[str, int] = field(default_factory=dict)


def export_gaps(output: Path, warehouse: Path, folder: Path, state: str | None = None) -> Export:
    """Write the gaps of the last night, one file of documents for each payer and plan, and the index of the files.

    Args:
        output: Folder of published nights.
        warehouse: The working warehouse of the last night, which knows the members.
        folder: Folder to make.
        state: Only members who live there.

    Raises:
        PublicationError: There is no night, or the warehouse is at work, not readable or of another night.
        SettingsError: The folder is there and holds something, or the state is none.
    """
    if state is not None and not (len(state) == 2 and state.isascii() and state.isalpha() and state.isupper()):
        raise SettingsError("--state: found something else than a state; two capital letters such as TX are expected")
    folder = folder.resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SettingsError(f"{folder}: found something there already; a new or empty folder is expected")
    night, manifest = last_night(output)
    as_of = datetime.date.fromisoformat(manifest["as_of"])
    fresh = folder.with_name(f".{folder.name}.new")
    with _open(warehouse, as_of) as con:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True, mode=SECRET_FOLDER)
        fresh.chmod(SECRET_FOLDER)
        try:
            found = _write(con, fresh, as_of, _parameters(night / "tables" / "gap.parquet", state))
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
    if folder.exists():
        folder.rmdir()
    fresh.rename(folder)
    return found


def describe(found: Export, folder: Path, small_cell: int) -> Iterator[str]:
    """What was written, line by line, with counts of few people hidden."""
    members, gaps = (sum(group[name] for group in found.groups) for name in ("members", "gaps"))
    yield (
        f"Night of {found.as_of}: {lone_count(gaps, small_cell)} gaps of {lone_count(members, small_cell)} members in "
        f"{len(found.groups)} files; {folder / INDEX}"
    )
    for reason, count in found.kept.items():
        yield f"  kept here, {reason}: {lone_count(count, small_cell)}"


def _open(warehouse: Path, as_of: datetime.date) -> duckdb.DuckDBPyConnection:
    con = connect_for_reading(warehouse)
    try:
        built = con.execute(
            "select as_of from door.built where table_name in (select unnest(?))", [list(TABLES)]
        ).fetchall()
    except duckdb.CatalogException:
        built = []
    if built != [(as_of,)] * len(TABLES):
        con.close()
        raise PublicationError(
            f"{warehouse.name}: found another night than the published {as_of}; run that night again"
        )
    return con


def _parameters(gaps: Path, state: str | None) -> dict[str, Any]:
    codes = {code: entry for family in read_families().values() for code, entry in family.codes.items()}
    classes = read_sensitive_policy().classes.values()
    sensitive = {code for code, entry in codes.items() if entry.sensitive}
    return {
        "gaps": str(gaps),
        "state": state,
        "speakable_codes": sorted(code for code, entry in codes.items() if not entry.pregnancy_dependent),
        "sensitive_codes": sorted(sensitive.union(*(entry.codes for entry in classes))),
        "sensitive_subjects": sorted({subject for entry in classes for subject in entry.subjects}),
        "consented_families": list(CONSENTED_FAMILIES),
        "blocked_members": list(BLOCKED_MEMBERS),
        "blocked_gaps": list(BLOCKED_GAPS),
        "statuses": list(STATUS),
        "closed_as": list(CLOSED_AS),
    }


def _write(con: duckdb.DuckDBPyConnection, folder: Path, as_of: datetime.date, parameters: dict[str, Any]) -> Export:
    from fhir.resources.R4B.bundle import Bundle

    found = Export(as_of, kept=dict(con.execute(KEPT, _used(KEPT, parameters)).fetchall()))
    rows = _stream(con.execute(LEAVING, _used(LEAVING, parameters)))
    for number, (group, members) in enumerate(
        itertools.groupby(rows, key=lambda row: (row["payer"], row["plan"])), start=1
    ):
        entry = {"file": f"group_{number:04}.ndjson", "payer": group[0], "plan": group[1], "members": 0, "gaps": 0}
        with create_secret(folder / entry["file"]) as lines:
            for _, gaps in itertools.groupby(members, key=lambda row: row["person_id"]):
                of_member = list(gaps)
                document = gap_document(of_member, as_of)
                Bundle.model_validate(document)
                lines.write(json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n")
                entry["members"] += 1
                entry["gaps"] += len(of_member)
        found.groups.append(entry)
    with create_secret(folder / INDEX) as lines:
        writer = csv.DictWriter(lines, list(INDEX_COLUMNS), lineterminator="\n")
        writer.writeheader()
        writer.writerows(found.groups)
    return found


def _used(query: str, parameters: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if f"${name}" in query}


def _stream(cursor: duckdb.DuckDBPyConnection) -> Iterator[Row]:
    names = [column[0] for column in cursor.description or []]
    while rows := cursor.fetchmany(2000):
        yield from (dict(zip(names, row, strict=True)) for row in rows)


def gap_document(rows: Iterable[Row], as_of: datetime.date) -> dict[str, Any]:
    """The gaps of one member as a document: what it is, the member, the plan, and for each gap a report and an issue.

    The same night gives the same document: ids are digests, and its moment is the beginning of the as-of date.
    """
    rows = list(rows)
    member = rows[0]
    patient, plan = _id("person", member["person_id"]), _id("payer", member["payer"] or "")
    reports = {row["gap_id"]: _id("report", row["gap_id"]) for row in rows}
    issues = {row["gap_id"]: _id("issue", row["gap_id"]) for row in rows}
    composition = {
        "resourceType": "Composition",
        "id": _id("composition", f"{as_of} {member['person_id']}"),
        "status": "final",
        "type": {"coding": [REPORT_TYPE]},
        "subject": _reference(patient),
        "date": as_of.isoformat(),
        "author": [_reference(plan)],
        "title": "Gaps in care report",
        "section": [
            {
                "title": _title(row),
                "focus": _reference(reports[row["gap_id"]]),
                "entry": [_reference(issues[row["gap_id"]])],
            }
            for row in rows
        ],
    }
    resources = [
        composition,
        *(_measure_report(row, as_of, reports[row["gap_id"]], patient, plan) for row in rows),
        *(_detected_issue(row, issues[row["gap_id"]], reports[row["gap_id"]], patient) for row in rows),
        _patient(member, patient),
        {"resourceType": "Organization", "id": plan, "name": member["payer"] or NOT_STATED},
    ]
    return {
        "resourceType": "Bundle",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": _uri(_id("document", composition["id"]))},
        "type": "document",
        "timestamp": f"{as_of}T00:00:00Z",
        "entry": [{"fullUrl": _uri(resource["id"]), "resource": resource} for resource in resources],
    }


def _measure_report(row: Row, as_of: datetime.date, identity: str, patient: str, plan: str) -> dict[str, Any]:
    """The member measured by this one gap: in the numerator where it is closed. Higher is better."""
    counts = {"initial-population": 1, "denominator": 1, "numerator": int(row["status"] == "closed")}
    return {
        "resourceType": "MeasureReport",
        "id": identity,
        "status": "complete",
        "type": "individual",
        "measure": f"{GAP_CODE}:{row['gap_code']}",
        "subject": _reference(patient),
        "date": as_of.isoformat(),
        "reporter": _reference(plan),
        "period": {"start": f"{as_of.year}-01-01", "end": f"{as_of.year}-12-31"},
        "improvementNotation": {"coding": [{"system": NOTATION, "code": "increase"}]},
        "group": [
            {
                "population": [
                    {"code": {"coding": [{"system": POPULATIONS, "code": code}]}, "count": count}
                    for code, count in counts.items()
                ]
            }
        ],
    }


def _detected_issue(row: Row, identity: str, report: str, patient: str) -> dict[str, Any]:
    status = {"coding": [{"system": GAP_STATUS_CODES, "code": STATUS[row["status"]]}]}
    opened = {"identifiedDateTime": row["opened_date"].isoformat()} if row["opened_date"] else {}
    return {
        "resourceType": "DetectedIssue",
        "id": identity,
        "modifierExtension": [{"url": GAP_STATUS, "valueCodeableConcept": status}],
        "identifier": [{"system": GAP, "value": row["gap_id"]}],
        "status": "final",
        "code": {"coding": [CARE_GAP, {"system": GAP_CODE, "code": row["gap_code"]}]},
        "patient": _reference(patient),
        **opened,
        "evidence": [{"detail": [_reference(report)]}],
        "detail": row["action"],
    }


def _patient(row: Row, identity: str) -> dict[str, Any]:
    """No more than it takes to find the member: the number, the date of birth and, where it is told, the gender."""
    gender = GENDERS.get((row["gender"] or "").strip().lower())
    return {
        "resourceType": "Patient",
        "id": identity,
        "identifier": [{"system": PERSON, "value": row["person_id"]}],
        **({"gender": gender} if gender else {}),
        "birthDate": row["birth_date"].isoformat(),
    }


def _title(row: Row) -> str:
    return f"{row['gap_code']} {row['subject']}" if row["subject"] else row["gap_code"]


def _id(kind: str, value: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:caregaps:{kind}:{value}"))


def _uri(identity: str) -> str:
    return f"urn:uuid:{identity}"


def _reference(identity: str) -> dict[str, str]:
    return {"reference": _uri(identity)}
