"""A resource directory in HSDS 3 form, CSV tables or JSON, as the input table `community_service`.

One row per service, place and social need that it serves. The words by which a directory names its services are mapped
in `data_contracts/social_needs.yaml`; what no word places, what is not active and what is broken is counted and left out.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assets.engine.contract import contract_for
from assets.engine.errors import InputError, PublicationError
from assets.engine.programme_registry import read_social_needs

TABLE = "community_service"
# Tables of the CSV form -> columns that HSDS 3 requires; the last ones may be absent as a whole.
REQUIRED = {"organization": ("id", "name"), "service": ("id", "name", "status")}
OPTIONAL = ("service_at_location", "location", "address", "phone", "language", "attribute", "taxonomy_term")

Entry = dict[str, Any]


@dataclass
class Directory:
    """What became of a directory: rows of the input table, and how many services were left out and why."""

    rows: list[dict[str, str]] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def convert(source: Path, output: Path) -> Directory:
    """Write `community_service.csv` from a directory.

    Args:
        source: Folder with the CSV tables, or with one JSON file of services.
        output: Folder to write into.

    Raises:
        InputError: The folder holds no HSDS directory.
        PublicationError: The table cannot be written.
    """
    directory = Directory()
    for service in _services(source, directory.left_out):
        _place(service, directory)
    directory.rows.sort(key=lambda row: (row["service_id"], row["category"], row["zip_code"]))
    fresh = output / f".{TABLE}.new"
    try:
        output.mkdir(parents=True, exist_ok=True)
        with fresh.open("w", encoding="utf-8", newline="") as lines:
            writer = csv.DictWriter(lines, contract_for("raw", TABLE).columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(directory.rows)
        fresh.replace(output / f"{TABLE}.csv")
    except OSError as error:
        raise PublicationError(
            f"{output}: {TABLE}.csv could not be written ({error.strerror}); a writable folder is expected"
        ) from error
    return directory


def _services(source: Path, left_out: dict[str, int]) -> list[Entry]:
    """Services with all that belongs to them nested, as the JSON form has them."""
    if not source.is_dir():
        raise InputError(f"{source}: found no such folder; a folder with an HSDS directory is expected")
    files = sorted(source.glob("*.json"))
    if (source / "service.csv").exists():
        return _from_csv(source, left_out)
    found = [entry for file in files if file.name != "datapackage.json" for entry in _from_json(file)]
    if not found:
        raise InputError(
            f"{source}: found no service; HSDS tables (service.csv, organization.csv, ...) or a JSON file are expected"
        )
    return found


def _from_json(file: Path) -> list[Entry]:
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{file.name}: not readable as JSON; UTF-8 JSON of HSDS services is expected") from error
    # A page of the HSDS API holds its services under `contents`.
    entries = content.get("contents", content.get("services", [content])) if isinstance(content, dict) else content
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise InputError(f"{file.name}: found no list of services; HSDS services or a page of them are expected")
    return entries


def _from_csv(source: Path, left_out: dict[str, int]) -> list[Entry]:
    tables = {name: _read_table(source, name, left_out, columns) for name, columns in REQUIRED.items()}
    tables |= {name: _read_table(source, name, left_out) for name in OPTIONAL}
    if not tables["service"]:
        raise InputError("service.csv: found no row; a service on each is expected")

    def by(name: str, key: str) -> dict[str, list[Entry]]:
        found: dict[str, list[Entry]] = defaultdict(list)
        for row in tables[name]:
            if row.get(key):
                found[row[key]].append(row)
        return found

    organizations = {row["id"]: row for row in tables["organization"]}
    terms = {row["id"]: row for row in tables["taxonomy_term"] if row.get("id")}
    addresses, places = by("address", "location_id"), by("service_at_location", "service_id")
    attributes, languages = by("attribute", "link_id"), by("language", "service_id")
    phones, numbers = by("phone", "service_id"), by("phone", "organization_id")
    return [
        service
        | {
            "organization": organizations.get(service.get("organization_id", ""), {}),
            "service_at_locations": [
                place | {"location": {"addresses": addresses.get(place.get("location_id", ""), [])}}
                for place in places.get(service["id"], [])
            ],
            "phones": phones.get(service["id"], []) or numbers.get(service.get("organization_id", ""), []),
            "languages": languages.get(service["id"], []),
            "attributes": [
                {"taxonomy_term": terms.get(a.get("taxonomy_term_id", ""), {})}
                for a in attributes.get(service["id"], [])
            ],
        }
        for service in tables["service"]
    ]


def _read_table(source: Path, name: str, left_out: dict[str, int], required: tuple[str, ...] = ()) -> list[Entry]:
    file = source / f"{name}.csv"
    if not file.exists():
        if required:
            raise InputError(f"{source}: found no {file.name}; an HSDS directory has one")
        return []
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines, strict=True)
            if len(set(names := reader.fieldnames or [])) < len(names):
                raise InputError(f"{file.name}: found a column more than once in the header; each once is expected")
            if missing := [column for column in required if column not in (reader.fieldnames or [])]:
                raise InputError(
                    f"{file.name}: found no column {', '.join(missing)}; HSDS requires {', '.join(required)}"
                )
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{file.name}: not readable as CSV; UTF-8 with a header is expected") from error
    whole = [row for row in rows if None not in row and None not in row.values()]
    if broken := len(rows) - len(whole):
        left_out[f"{name}_rows_of_another_width"] += broken
    return [{key: value.strip() for key, value in row.items()} for row in whole]


def _place(service: Entry, directory: Directory) -> None:
    """Add the rows of one service."""
    identifier, name = _text(service.get("id")), _text(service.get("name"))
    if not identifier or not name:
        directory.left_out["no_id_or_name"] += 1
        return
    if _text(service.get("status")).lower() not in {"", "active"}:
        directory.left_out["not_active"] += 1
        return
    categories = sorted(set(_categories(service)))
    if not categories:
        directory.left_out["no_known_category"] += 1
        return
    organization = _entry(service.get("organization"))
    shared = {
        "organization_id": _text(organization.get("id") or service.get("organization_id")),
        "organization_name": _text(organization.get("name")),
        "name": name,
        "phone": next((n for p in _entries(service.get("phones")) if (n := _text(p.get("number")))), ""),
        "languages": ";".join(dict.fromkeys(_languages(service))),
        "eligibility_description": " ".join(_text(service.get("eligibility_description")).split()),
        "assured_date": _text(service.get("assured_date"))[:10],
    }
    for place, zip_code, state in _places(service, identifier):
        for category in categories:
            row = {"service_id": place, "category": category, "zip_code": zip_code, "state": state}
            directory.rows.append(shared | row)


def _places(service: Entry, identifier: str) -> Iterator[tuple[str, str, str]]:
    """Where a service is: its id there, ZIP code and state; nowhere, it is reached by telephone."""
    places = [p for p in _entries(service.get("service_at_locations")) if _text(p.get("id"))]
    if not places:
        yield identifier, "", ""
    for place in places:
        addresses = _entries(_entry(place.get("location")).get("addresses")) or [{}]
        # A physical address is where people go; a postal one is not.
        address = min(addresses, key=lambda a: _text(a.get("address_type")).lower() not in {"", "physical"})
        yield _text(place["id"]), _text(address.get("postal_code")), _text(address.get("state_province"))


def _categories(service: Entry) -> Iterator[str]:
    known = _known_terms()
    for attribute in _entries(service.get("attributes")):
        term = _entry(attribute.get("taxonomy_term"))
        for word in (term.get("code"), term.get("name"), term.get("term")):
            if category := known.get(_text(word).lower()):
                yield category


def _known_terms() -> dict[str, str]:
    """Words of directories -> category; categories that are never listed are not there."""
    listed = {name: entry for name, entry in read_social_needs().categories.items() if entry.words}
    return {
        word: name
        for name, entry in reversed(listed.items())
        for word in (*entry.terms, *([entry.display.lower()] if entry.code is None else []), name)
    }


def _languages(service: Entry) -> Iterator[str]:
    for language in _entries(service.get("languages")):
        code = _text(language.get("code")).lower()[:2] if len(_text(language.get("code"))) in {2, 5} else ""
        if code:
            yield code


def _entry(value: Any) -> Entry:
    """What is nested, empty where a directory has something else there."""
    return value if isinstance(value, dict) else {}


def _entries(value: Any) -> list[Entry]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    """A single value as text on one line; half of a surrogate pair, which JSON can hold, is none."""
    if value is None or isinstance(value, (dict, list)):
        return ""
    return " ".join(str(value).encode(errors="ignore").decode().replace("\0", " ").split())
