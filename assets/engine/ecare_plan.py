"""Pharmacist eCare Plan bundles as rows of the input table `outreach_outcome` (gap-exchange 2).

The guide (HL7 PhCP 1.0.0, on R4) fixes no code for how an attempt at a gap ended, so three ways are read: an outcome code
of ours, the SNOMED CT codes by which FHIR says that a procedure succeeded or was refused, and those of a loss. A resource
counts where it names its gap by the id of the list; nothing is guessed from a status or from what was done. What leaves a
row out is counted, and no count or message has a value of a person.
"""

from __future__ import annotations

import csv
import datetime
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assets.engine.contract import contract_for
from assets.engine.errors import InputError, PublicationError
from assets.engine.files import SECRET_FOLDER, create_secret
from assets.engine.outreach_registry import meant_outcome, read_outreach_outcomes

TABLE, FILE = "outreach_outcome", "ecare_plan.csv"

# A bundle holds a person's plan; checking a larger one would take many times its size of memory.
LARGEST_BUNDLE = 1 << 24

GAP, OUTCOME = "urn:caregaps:gap", "urn:caregaps:outcome"
NPI = "http://hl7.org/fhir/sid/us-npi"
SNOMED = "http://snomed.info/sct"
GAP_ID = re.compile("[0-9a-f]{16}")

# SNOMED CT -> our code. FHIR R4 binds Procedure.outcome to 385669000, 385670004 and 385671000; of these only success
# says that the gap is closed. 183944003 and 416432009 are of its value set procedure-not-performed-reason.
SUCCESS = {"385669000": "REACHED_COMPLETED"}
REFUSAL = {"183944003": "REACHED_DECLINED", "416432009": "REACHED_DECLINED"}
# A loss counts wherever in an outcome or a reason it stands, whatever the status: it only ever holds messages back.
LOSS = {
    "17369002": "MISCARRIAGE",
    "237364002": "STILLBIRTH",
    "276506001": "INFANT_DEATH",
    "276507005": "PREGNANCY_LOSS",
    "34801009": "PREGNANCY_LOSS",
    "417044008": "PREGNANCY_LOSS",
    "57797005": "PREGNANCY_LOSS",
}

# Type of a resource -> its elements that say how it ended, and those that say why it did not happen.
ENDED = {
    "Procedure": ("outcome",),
    "Task": ("businessStatus", "output"),
    "Encounter": (),
    "activity": ("outcomeCodeableConcept",),
}
REASONS = {
    "Procedure": ("statusReason",),
    "Task": ("statusReason",),
    "Encounter": ("reasonCode", "type"),
    "activity": ("statusReason",),
}
NAMES_GAPS = ("identifier", "basedOn", "focus", "reasonReference", "addresses")
DONE = {"completed", "finished"}
# Withdrawn: of it nothing happened.
NO_REPORT = {"entered-in-error"}

Resource = dict[str, Any]


@dataclass
class Report:
    """What became of the bundles: rows of the input table, bundles read, and what was left out and why."""

    rows: list[dict[str, str]] = field(default_factory=list)
    bundles: int = 0
    left_out: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def convert(source: Path, output: Path) -> Report:
    """Write `outreach_outcome/ecare_plan.csv` from a folder of bundles.

    Args:
        source: Folder of `.json` files, a bundle each, and `.ndjson` files, a bundle on each line.
        output: Folder of input tables.

    Raises:
        InputError: The folder holds no such file.
        PublicationError: The table cannot be written.
    """
    if not source.is_dir():
        raise InputError(f"{source}: found no such folder; a folder with eCare Plan bundles is expected")
    try:
        paths = sorted(path for path in source.iterdir() if path.suffix in {".json", ".ndjson"})
    except OSError as error:
        raise InputError(f"{source}: cannot be listed ({error.strerror}); a readable folder is expected") from error
    if odd := sum(not path.is_file() for path in paths):
        raise InputError(f"{source}: found {odd} folders or links to nothing with a file's ending; files are expected")
    if not paths:
        raise InputError(f"{source}: found no .json or .ndjson file; FHIR R4 bundles are expected")
    report = Report()
    found: set[tuple[str, ...]] = set()
    columns = contract_for("raw", TABLE).columns
    if other := sorted(path.name for path in output.glob(f"{TABLE}.*")):
        raise InputError(
            f"{output}: found {other[0]} beside the folder {TABLE}/ that this command writes into; one form is expected"
        )
    for path in paths:
        for text in _texts(path):
            if len(text) > LARGEST_BUNDLE:
                report.left_out["too_large"] += 1
                continue
            if (bundle := _bundle(text)) is None:
                report.left_out["invalid_bundle"] += 1
                continue
            report.bundles += 1
            for row in _rows(bundle, report.left_out):
                found.add(tuple(row.get(column, "") for column in columns))
    # A care plan that is sent again tells of the same attempts again.
    report.rows = [dict(zip(columns, row, strict=True)) for row in sorted(found)]
    try:
        _write(report.rows, output, columns)
    except OSError as error:
        raise PublicationError(
            f"{output}: {TABLE}/{FILE} could not be written ({error.strerror}); a writable folder is expected"
        ) from error
    return report


def _texts(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as stream:
            if path.suffix == ".json":
                yield stream.read(LARGEST_BUNDLE + 1)
                return
            while line := stream.readline(LARGEST_BUNDLE + 1):
                if line.strip():
                    yield line
                # The rest of a line that is too long is no bundle of its own.
                while len(line) > LARGEST_BUNDLE and not line.endswith(b"\n"):
                    line = stream.readline(LARGEST_BUNDLE + 1)
    except OSError as error:
        raise InputError(f"{path.parent}: found a file that cannot be read; readable files are expected") from error


def _bundle(text: bytes) -> Resource | None:
    """A bundle that is valid FHIR; of any other not even the reason, which would repeat its values."""
    from fhir.resources.R4B.bundle import Bundle

    try:
        content = json.loads(text)
        if not isinstance(content, dict) or content.get("resourceType") != "Bundle":
            return None
        Bundle.model_validate(json.loads(text))
    # The library also raises what its own look-ups raise, such as for a type that FHIR does not have.
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None
    return content


def _write(rows: list[dict[str, str]], output: Path, columns: list[str]) -> None:
    folder = output / TABLE
    folder.mkdir(parents=True, exist_ok=True, mode=SECRET_FOLDER)
    fresh = folder / f".{FILE}.new"
    fresh.unlink(missing_ok=True)
    with create_secret(fresh) as lines:
        writer = csv.DictWriter(lines, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    fresh.replace(folder / FILE)


class _Content:
    """The resources of a bundle and what they point at in it."""

    def __init__(self, bundle: Resource) -> None:
        self.timestamp: str | None = bundle.get("timestamp")
        self.resources: list[Resource] = []
        self._by_reference: dict[str, Resource] = {}
        for entry in bundle.get("entry") or []:
            resource = entry.get("resource")
            if resource:
                self.resources.append(resource)
                self._by_reference[f"{resource['resourceType']}/{resource.get('id')}"] = resource
                self._by_reference[entry.get("fullUrl") or ""] = resource

    def at(self, reference: Any) -> Resource:
        target = (reference or {}).get("reference")
        return self._by_reference.get(target, {}) if target else {}

    def encounter_of(self, resource: Resource) -> Resource:
        found = self.at(resource.get("encounter"))
        return found if found.get("resourceType") == "Encounter" else {}

    def identifiers(self, element: Any, system: str) -> set[str]:
        """Values of one system in an identifier, in a reference, or in what the reference points at."""
        found = set()
        for item in _items(element):
            if item.get("system") == system and item.get("value"):
                found.add(item["value"])
            found |= self._own(item.get("identifier"), system) | self._own(self.at(item).get("identifier"), system)
        return found

    def gaps(self, resource: Resource) -> set[str]:
        """Ids of the gaps that a resource names itself, else of the one that its encounter names."""
        if own := self._named(resource):
            return own
        of_encounter = self._named(self.encounter_of(resource))
        # Of several gaps that were spoken of it does not say which.
        return of_encounter if len(of_encounter) == 1 else set()

    def every_gap(self) -> set[str]:
        return set().union(*(self._named(resource) for resource in self.resources))

    def _named(self, resource: Resource) -> set[str]:
        found = set().union(*(self.identifiers(resource.get(name), GAP) for name in NAMES_GAPS))
        return {gap_id for gap_id in found if GAP_ID.fullmatch(gap_id)}

    @staticmethod
    def _own(element: Any, system: str) -> set[str]:
        return {i["value"] for i in _items(element) if i.get("system") == system and i.get("value")}


def _rows(bundle: Resource, left_out: dict[str, int]) -> Iterator[dict[str, str]]:
    content = _Content(bundle)
    for resource in content.resources:
        kind = resource["resourceType"]
        if kind == "CarePlan":
            for activity in resource.get("activity") or []:
                yield from _rows_of("activity", _as_event(activity, resource), content, left_out)
        elif kind in ENDED:
            yield from _rows_of(kind, resource, content, left_out)


def _as_event(activity: Resource, plan: Resource) -> Resource:
    """An activity of a care plan as an event of its own; what it does not say, the plan says."""
    detail = activity.get("detail") or {}
    event = {name: activity[name] for name in ("outcomeCodeableConcept",) if name in activity}
    event |= {name: detail[name] for name in ("status", "statusReason", "reasonReference") if name in detail}
    event |= {name: plan[name] for name in ("encounter", "created") if name in plan}
    if "reasonReference" not in event:
        event |= {name: plan[name] for name in ("identifier", "addresses", "basedOn") if name in plan}
    if plan.get("status") in NO_REPORT:
        event["status"] = plan["status"]
    return event


def _rows_of(kind: str, resource: Resource, content: _Content, left_out: dict[str, int]) -> Iterator[dict[str, str]]:
    ended = [c for name in ENDED[kind] for c in _codings(resource.get(name))]
    reasons = [c for name in REASONS[kind] for c in _codings(resource.get(name))]
    gaps = content.gaps(resource)
    outcomes = _outcomes(kind, resource.get("status"), ended, reasons)
    if not outcomes:
        # An encounter carries what happened in it, and most of a care plan is of no gap.
        if gaps and kind != "Encounter":
            left_out["unknown_outcome" if ended or reasons else "no_outcome"] += 1
        return
    if resource.get("status") in NO_REPORT:
        left_out["entered_in_error"] += 1
        return
    is_loss = any(read_outreach_outcomes()[code].loss for code in outcomes)
    if is_loss:
        # It is the member's, whichever gap was spoken of; one is enough to say whose.
        gaps = gaps or content.every_gap()
    if not gaps:
        left_out["no_gap"] += 1
        return
    encounter = content.encounter_of(resource)
    attempted_at = _moment(resource) or _moment(encounter) or (_told(content.timestamp) if is_loss else None)
    if attempted_at is None:
        left_out["no_date"] += 1
        return
    npi = _pharmacy(resource, content) or _pharmacy(encounter, content)
    for gap_id in sorted(gaps):
        for outcome in sorted(outcomes):
            yield {"attempted_at": attempted_at, "outcome_code": outcome, "gap_id": gap_id, "pharmacy_npi": npi}


def _outcomes(kind: str, status: str | None, ended: list[Resource], reasons: list[Resource]) -> set[str]:
    said = {meant_outcome(str(c.get("code"))) for c in [*ended, *reasons] if c.get("system") == OUTCOME}
    # A care manager of the plan lifts what holds messages back, never a pharmacy.
    found = {code for code, outcome in read_outreach_outcomes().items() if code in said and not outcome.lifts}
    found |= {LOSS[c["code"]] for c in [*ended, *reasons] if _is_of(c, LOSS)}
    if status in DONE or (kind == "activity" and status is None):
        found |= {SUCCESS[c["code"]] for c in ended if _is_of(c, SUCCESS)}
    elif kind != "Encounter":
        found |= {REFUSAL[c["code"]] for c in reasons if _is_of(c, REFUSAL)}
    return found


def _is_of(coding: Resource, codes: dict[str, str]) -> bool:
    return coding.get("system") == SNOMED and coding.get("code") in codes


def _codings(element: Any) -> Iterator[Resource]:
    for item in _items(element):
        yield from (item.get("valueCodeableConcept") or item).get("coding") or []


def _moment(resource: Resource) -> str | None:
    """When it happened, by the clock of the pharmacy; a month or a year alone is no day."""
    periods = [resource.get(name) or {} for name in ("performedPeriod", "executionPeriod", "period")]
    told = [resource.get("performedDateTime"), *(p.get("start") for p in periods)]
    return _told(next((t for t in [*told, resource.get("lastModified"), resource.get("created")] if t), None))


def _told(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return datetime.datetime.fromisoformat(text).replace(tzinfo=None, microsecond=0).isoformat(sep=" ")
    except ValueError:
        return None


def _pharmacy(resource: Resource, content: _Content) -> str:
    """The one NPI of the organization that did it; an individual's NPI is no pharmacy's."""
    places = [resource.get("serviceProvider"), *(p.get("onBehalfOf") for p in _items(resource.get("performer")))]
    found = set().union(*(content.identifiers(place, NPI) for place in places))
    return found.pop() if len(found) == 1 else ""


def _items(element: Any) -> list[Resource]:
    items = element if isinstance(element, list) else [element]
    return [item for item in items if isinstance(item, dict)]
