"""Referrals as FHIR R4 JSON: a ServiceRequest and a Task each, built and checked by `fhir.resources`.

The library has no package of R4 alone; in its R4B these two resources and the Bundle are as in R4 (community 5.3).
Outside, a member is a token, and a referral without consent does not leave.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

FOLDER, FILE = "fhir", "referral.json"

CATEGORIES = "http://hl7.org/fhir/us/sdoh-clinicalcare/CodeSystem/SDOHCC-CodeSystemTemporaryCodes"
TASK_CODES = "http://hl7.org/fhir/CodeSystem/task-code"
NPI = "http://hl7.org/fhir/sid/us-npi"
MEMBER, SERVICE = "urn:caregaps:member", "urn:caregaps:community-service"

# Status of the task -> status of the request that it fulfils.
REQUEST_STATUS = {
    "requested": "active",
    "accepted": "active",
    "in-progress": "active",
    "on-hold": "on-hold",
    "completed": "completed",
    "rejected": "revoked",
    "cancelled": "revoked",
    "failed": "revoked",
    "entered-in-error": "entered-in-error",
}
# Statuses that must say why.
EXPLAINED = {"rejected", "cancelled", "on-hold", "failed"}
NOT_STATED = "Not stated"

Row = dict[str, Any]


def write_referrals(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Write the referrals that have left as one Bundle in the restricted part of the night; nothing where none has."""
    cursor = con.execute("select * from outreach.referral where status <> 'draft' order by referral_id")
    names = [column[0] for column in cursor.description or []]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    if rows:
        (folder / FOLDER).mkdir()
        (folder / FOLDER / FILE).write_text(referral_bundle(rows) + "\n", encoding="utf-8")


def referral_bundle(rows: Iterable[Row]) -> str:
    """The referrals as the JSON of a Bundle, a ServiceRequest and its Task after each other.

    Raises:
        pydantic.ValidationError: A resource would not be valid FHIR.
    """
    from fhir.resources.R4B.bundle import Bundle

    resources = [resource for row in rows for resource in (service_request(row), task(row))]
    bundle = Bundle.model_validate({
        "resourceType": "Bundle", "type": "collection", "entry": [{"resource": resource} for resource in resources],
    })  # fmt: skip
    return bundle.model_dump_json(indent=1)


def service_request(row: Row) -> dict[str, Any]:
    """What is asked for, of whom and by whom."""
    category = {"system": CATEGORIES, "code": row["category_code"], "display": row["category_display"]}
    return _without_nulls({
        "resourceType": "ServiceRequest",
        "id": f"request-{row['referral_id']}",
        "status": REQUEST_STATUS[row["status"]],
        "intent": "order",
        "category": [{"coding": [category]}],
        "priority": row["priority"],
        "code": {"text": row["service_name"] or f"Community service: {row['category_display']}"},
        "subject": _member(row),
        "occurrencePeriod": {"start": _day(row["created_at"])},
        "authoredOn": _day(row["created_at"]),
        "requester": _pharmacy(row),
        "performer": [service] if (service := _service(row)) else None,
        "reasonReference": [{"type": "Condition", "display": row["category_display"]}],
        "supportingInfo": [consent] if (consent := _consent(row)) else None,
    })  # fmt: skip


def task(row: Row) -> dict[str, Any]:
    """How far it has come."""
    output = {
        "type": {"coding": [{"system": CATEGORIES, "code": "resulting-activity", "display": "Resulting Activity"}]},
        "valueCodeableConcept": {"coding": [{"code": row["outcome_code"]}]},
    }
    return _without_nulls({
        "resourceType": "Task",
        "id": f"task-{row['referral_id']}",
        "status": row["status"],
        "statusReason": {"text": row["status_reason"] or NOT_STATED} if row["status"] in EXPLAINED else None,
        "intent": "order",
        "priority": row["priority"],
        "code": {"coding": [{"system": TASK_CODES, "code": "fulfill"}]},
        "focus": {"reference": f"ServiceRequest/request-{row['referral_id']}"},
        "for": _member(row),
        "authoredOn": _day(row["created_at"]),
        "lastModified": _day(row["status_at"]),
        "requester": _pharmacy(row),
        "owner": _service(row),
        "output": [output] if row["is_closed_loop"] else None,
    })  # fmt: skip


def _member(row: Row) -> dict[str, Any]:
    return {"type": "Patient", "identifier": {"system": MEMBER, "value": row["member_token"]}}


def _pharmacy(row: Row) -> dict[str, Any] | None:
    return (
        {"type": "Organization", "identifier": {"system": NPI, "value": row["pharmacy_npi"]}}
        if row["pharmacy_npi"]
        else None
    )


def _service(row: Row) -> dict[str, Any] | None:
    """The service of the directory, an organization to FHIR's Task and ServiceRequest alike."""
    if row["service_id"] is None:
        return None
    reference = {
        "type": "HealthcareService",
        "identifier": {"system": SERVICE, "value": row["service_id"]},
        "display": row["organization_name"],
    }
    return _without_nulls(reference)


def _consent(row: Row) -> dict[str, Any] | None:
    if row["consent_scope"] is None:
        return None
    since = f", since {row['consent_date']}" if row["consent_date"] else ""
    return {"type": "Consent", "display": f"Consent on record: {row['consent_scope']}{since}"}


def _day(moment: Any) -> str:
    """To the day: the time zone of a pharmacy's clock is not known, and FHIR wants it with a time."""
    return moment.date().isoformat()


def _without_nulls(resource: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in resource.items() if value is not None}
