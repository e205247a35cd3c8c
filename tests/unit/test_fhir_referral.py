"""Referrals as FHIR R4: what community 5.3 maps, judged by the library that builds them and by the published lists of R4."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest
from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from assets.engine import fhir_referral
from assets.engine.contract import contract_for
from assets.engine.fhir_referral import referral_bundle, write_referrals
from tests.fhir_codes import codes_outside
from tests.story import empty_warehouse, give

ROW = contract_for("outreach", "referral").default_row() | {
    "referral_id": "0123456789abcdef",
    "member_token": "fedcba9876543210",
    "created_at": datetime.datetime(2026, 6, 1, 10, 0),
    "status_at": datetime.datetime(2026, 6, 9, 11, 0),
    "pharmacy_npi": "1234567893",
    "service_id": "S1",
    "organization_name": "Example Pantry",
    "service_name": "Food boxes",
    "consent_scope": "programme",
    "consent_date": datetime.date(2026, 5, 1),
}

# R4 4.0.1: request-status and task-status, to which the two resources are bound (required).
REQUEST_STATUS = {"draft", "active", "on-hold", "revoked", "completed", "entered-in-error", "unknown"}
TASK_STATUS = {
    "draft", "requested", "received", "accepted", "rejected", "ready", "cancelled", "in-progress", "on-hold", "failed",
    "completed", "entered-in-error",
}  # fmt: skip

[STATUS] = [p for p in contract_for("outreach", "referral").properties if p.name == "status"]
SENT = set(STATUS.enum or []) - {"draft"}


def resources(**changes) -> tuple[dict, dict]:
    """The request and the task of one referral."""
    bundle = json.loads(referral_bundle([ROW | changes]))
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "collection")
    request, task = (entry["resource"] for entry in bundle["entry"])
    return request, task


def test_a_request_says_what_is_asked_of_whom() -> None:
    request, _ = resources()
    assert request == {
        "resourceType": "ServiceRequest",
        "id": "request-0123456789abcdef",
        "status": "active",
        "intent": "order",
        "category": [
            {
                "coding": [
                    {
                        "system": "http://hl7.org/fhir/us/sdoh-clinicalcare/CodeSystem/SDOHCC-CodeSystemTemporaryCodes",
                        "code": "food-insecurity",
                        "display": "Food Insecurity",
                    }
                ]
            }
        ],
        "priority": "routine",
        "code": {"text": "Food boxes"},
        "subject": {"type": "Patient", "identifier": {"system": "urn:caregaps:member", "value": "fedcba9876543210"}},
        "occurrencePeriod": {"start": "2026-06-01"},
        "authoredOn": "2026-06-01",
        "requester": {
            "type": "Organization",
            "identifier": {"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"},
        },
        "performer": [
            {
                "type": "HealthcareService",
                "identifier": {"system": "urn:caregaps:community-service", "value": "S1"},
                "display": "Example Pantry",
            }
        ],
        "reasonReference": [{"type": "Condition", "display": "Food Insecurity"}],
        "supportingInfo": [{"type": "Consent", "display": "Consent on record: programme, since 2026-05-01"}],
    }


def test_a_task_fulfils_its_request() -> None:
    """5.3: status, intent, code, focus, for, authoredOn, requester, owner."""
    request, task = resources()
    assert (task["status"], task["intent"]) == ("requested", "order")
    assert task["code"] == {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]}
    assert task["focus"] == {"reference": f"ServiceRequest/{request['id']}"}
    assert task["for"] == request["subject"]
    assert task["requester"] == request["requester"]
    assert task["owner"] == request["performer"][0]
    assert (task["authoredOn"], task["lastModified"]) == ("2026-06-01", "2026-06-09")
    assert "output" not in task
    assert "statusReason" not in task


@pytest.mark.parametrize("status", sorted(SENT))
def test_every_status_is_one_of_r4(status: str) -> None:
    """5.3: rejected, cancelled, on-hold and failed say why, be it that nobody told."""
    request, task = resources(status=status)
    assert request["status"] in REQUEST_STATUS
    assert task["status"] in TASK_STATUS
    for resource in (request, task):
        assert not list(codes_outside(get_fhir_model_class(resource["resourceType"]).model_validate(resource)))
    assert ("statusReason" in task) == (status in {"rejected", "cancelled", "on-hold", "failed"})
    _, told = resources(status=status, status_reason="No room")
    assert told.get("statusReason", {"text": "No room"}) == {"text": "No room"}


def test_a_closed_loop_has_an_output() -> None:
    """5.3: output = code of what was performed; completed alone has none."""
    _, unsaid = resources(status="completed")
    _, closed = resources(status="completed", is_closed_loop=True, outcome_code="467681000124101")
    assert "output" not in unsaid
    [output] = closed["output"]
    assert output["valueCodeableConcept"] == {"coding": [{"code": "467681000124101"}]}
    assert output["type"]["coding"][0]["code"] == "resulting-activity"


def test_what_is_not_known_is_left_out() -> None:
    request, task = resources(
        pharmacy_npi=None, service_id=None, organization_name=None, service_name=None, consent_scope=None
    )
    assert not {"requester", "performer", "supportingInfo"} & set(request)
    assert not {"requester", "owner"} & set(task)
    assert request["code"] == {"text": "Community service: Food Insecurity"}


def test_a_resource_that_is_not_valid_is_refused() -> None:
    with pytest.raises(ValidationError):
        referral_bundle([ROW | {"referral_id": "not an id"}])
    with pytest.raises(KeyError):
        referral_bundle([ROW | {"status": "unheard of"}])


def test_only_what_has_left_is_written_and_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    """A draft goes nowhere; the person stays inside, a token goes out; nothing to send, no file."""
    rows = """
        referral_id      | person_id | member_token | status    | category_code   | status_reason
        bbbbbbbbbbbbbbbb | P77       | token-two    | cancelled | food-insecurity | NOT_ELIGIBLE
        aaaaaaaaaaaaaaaa | P78       | token-one    | requested | food-insecurity | -
        cccccccccccccccc | P79       | token-three  | draft     | food-insecurity | consent_missing
    """
    con = empty_warehouse()
    give(con, "outreach.referral", rows)
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_referrals(con, tmp_path / name)
        found.append((tmp_path / name / "fhir" / "referral.json").read_text(encoding="utf-8"))
    assert found[0] == found[1]
    entries = [entry["resource"] for entry in json.loads(found[0])["entry"]]
    assert [resource["id"][-4:] for resource in entries] == ["aaaa", "aaaa", "bbbb", "bbbb"]
    assert "P7" not in found[0]
    assert "token-three" not in found[0]
    give(con, "outreach.referral", "referral_id | status\ncccccccccccccccc | draft")
    (tmp_path / "none").mkdir()
    write_referrals(con, tmp_path / "none")
    assert list((tmp_path / "none").iterdir()) == []


def test_the_library_is_of_the_release_that_is_declared() -> None:
    """The two resources and the Bundle are alike in R4 and R4B; another release would be another FHIR."""
    from fhir.resources.R4B import servicerequest, task

    assert fhir_referral.REQUEST_STATUS.keys() <= TASK_STATUS
    for module in (servicerequest, task):
        assert ".R4B." in module.__name__
