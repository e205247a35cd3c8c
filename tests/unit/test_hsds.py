"""A directory in HSDS 3 form becomes the input table: both forms, what is left out, and errors in one line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from assets.engine.contract import contract_for
from assets.engine.errors import InputError
from assets.engine.hsds import convert
from assets.engine.programme_registry import read_social_needs
from pipelines.cli import main

TABLES = {
    "organization": "id,name,description\no1,Example Pantry,Food for all\no2,Example Rides,Rides\n",
    "service": "id,organization_id,name,status,eligibility_description,assured_date\n"
    's1,o1,Food boxes,active,"Anyone in\nneed",2026-05-01\n'
    "s2,o2,Rides to care,active,,2026-05-02T10:00:00Z\n"
    "s3,o1,Old pantry,defunct,,\n"
    "s4,o1,Chess club,active,,\n"
    "s5,o1,,active,,\n"
    "s6,o1,Safe house,active,,\n",
    "service_at_location": "id,service_id,location_id\nsl1,s1,l1\nsl2,s1,l2\n",
    "location": "id,location_type\nl1,physical\nl2,physical\n",
    "address": "id,location_id,address_1,postal_code,state_province,address_type\n"
    "a0,l1,Box 1,99999,OH,postal\na1,l1,1 Example Street,78701,TX,physical\na2,l2,2 Example Street,78702-0001,TX,physical\n",
    "phone": "id,service_id,organization_id,number\np1,s1,,512-555-0100\np2,,o2,512-555-0101\n",
    "language": "id,service_id,name,code\ng1,s1,English,en\ng2,s1,Spanish,es\ng3,s1,Klingon,tlh\n",
    "attribute": "id,link_id,link_entity,taxonomy_term_id\nt1,s1,service,x1\nt2,s2,service,x2\nt3,s3,service,x1\n"
    "t4,s4,service,x3\nt5,s5,service,x1\nt6,s6,service,x4\nt7,s1,service,x5\n",
    "taxonomy_term": "id,code,name\nx1,,Food Pantry\nx2,transportation-insecurity,Something else\nx3,,Chess\n"
    "x4,,Intimate Partner Violence\nx5,,Diaper Bank\n",
}

PANTRY = {"organization_id": "o1", "organization_name": "Example Pantry", "name": "Food boxes"}
CARE = {
    "phone": "512-555-0100",
    "languages": "en;es",
    "eligibility_description": "Anyone in need",
    "assured_date": "2026-05-01",
}
EXPECTED = [
    {"service_id": "s2", "category": "transportation-insecurity", "organization_id": "o2", "organization_name": "Example Rides",
     "name": "Rides to care", "zip_code": "", "state": "", "phone": "512-555-0101", "languages": "",
     "eligibility_description": "", "assured_date": "2026-05-02"},
    *({"service_id": place, "category": category, "zip_code": code, "state": "TX", **PANTRY, **CARE}
      for place, code in (("sl1", "78701"), ("sl2", "78702-0001")) for category in ("diaper-bank", "food-insecurity")),
]  # fmt: skip
# The same directory as the API hands it out.
SERVICES = [
    {"id": "s1", "name": "Food boxes", "status": "active", "eligibility_description": "Anyone in need", "assured_date": "2026-05-01",
     "organization": {"id": "o1", "name": "Example Pantry"}, "phones": [{"number": "512-555-0100"}],
     "languages": [{"code": "en"}, {"code": "es"}, {"code": "tlh"}],
     "attributes": [{"taxonomy_term": {"name": "Food pantry"}}, {"taxonomy_term": {"term": "diapers"}}],
     "service_at_locations": [
         {"id": "sl1", "location": {"addresses": [{"postal_code": "78701", "state_province": "TX"}]}},
         {"id": "sl2", "location": {"addresses": [{"postal_code": "78702-0001", "state_province": "TX"}]}}]},
    {"id": "s2", "name": "Rides to care", "status": "active", "assured_date": "2026-05-02", "organization_id": "o2",
     "organization": {"id": "o2", "name": "Example Rides"}, "phones": [{"number": "512-555-0101"}],
     "attributes": [{"taxonomy_term": {"code": "TRANSPORTATION-INSECURITY"}}]},
    {"id": "s3", "name": "Old pantry", "status": "inactive", "attributes": [{"taxonomy_term": {"name": "food"}}]},
    {"id": "s4", "name": "Chess club", "status": "active"},
    {"id": None, "name": "Nobody's", "status": "active"},
    {"id": "s6", "name": "Safe house", "status": "active", "attributes": [{"taxonomy_term": {"code": "intimate-partner-violence"}}]},
]  # fmt: skip


def write_tables(folder: Path, **changes: str | None) -> Path:
    folder.mkdir()
    for name, text in (TABLES | changes).items():
        if text is not None:
            (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def rows_of(output: Path) -> list[dict[str, str]]:
    with (output / "community_service.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize("form", ["csv", "list", "page"])
def test_both_forms_give_the_same_table(tmp_path: Path, form: str) -> None:
    """One row per place and need; a postal address is no place; safe houses are never in it (community 5.1)."""
    source = tmp_path / "from"
    if form == "csv":
        write_tables(source)
    else:
        source.mkdir()
        content = SERVICES if form == "list" else {"total_items": 6, "contents": SERVICES}
        (source / "services.json").write_text(json.dumps(content), encoding="utf-8")
    found = convert(source, tmp_path / "to")
    assert rows_of(tmp_path / "to") == sorted(
        ({column: row[column] for column in contract_for("raw", "community_service").columns} for row in EXPECTED),
        key=lambda row: (row["service_id"], row["category"]),
    )
    assert dict(found.left_out) == {"not_active": 1, "no_known_category": 2, "no_id_or_name": 1}


def test_the_rest_of_the_tables_may_be_absent(tmp_path: Path) -> None:
    absent = dict.fromkeys(("service_at_location", "location", "address", "phone", "language"))
    convert(write_tables(tmp_path / "from", **absent), tmp_path / "to")
    assert [(row["service_id"], row["zip_code"]) for row in rows_of(tmp_path / "to")] == [
        ("s1", ""),
        ("s1", ""),
        ("s2", ""),
    ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"organization": None}, "found no organization.csv"),
        ({"service": "id,name\ns1,Food\n"}, "service.csv: found no column status"),
        ({"service": None}, "found no service"),
    ],
)
def test_what_is_no_directory_is_refused(tmp_path: Path, changes: dict[str, str | None], words: str) -> None:
    with pytest.raises(InputError, match=words):
        convert(write_tables(tmp_path / "from", **changes), tmp_path / "to")
    with pytest.raises(InputError, match="no such folder"):
        convert(tmp_path / "absent", tmp_path / "to")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "services.json").write_text("[", encoding="utf-8")
    with pytest.raises(InputError, match="not readable as JSON"):
        convert(tmp_path / "broken", tmp_path / "to")


def test_the_command_says_what_it_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["directory", "--from", str(write_tables(tmp_path / "from")), "--output", str(tmp_path / "to")]) == 0
    assert "5 rows; services left out: 1 no_id_or_name, 2 no_known_category, 1 not_active" in capsys.readouterr().out
    assert main(["directory", "--from", str(tmp_path / "absent"), "--output", str(tmp_path / "to")]) == 1


def test_a_word_means_one_category() -> None:
    words = [word for entry in read_social_needs().categories.values() for word in entry.terms]
    assert len(words) == len(set(words))
    assert all(word == word.lower() for word in words)
