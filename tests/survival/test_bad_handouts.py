"""Every other file that a person hands in: settings, keys, value sets, capacity, care plans, directories, downloads, sheets.

Each case goes through the command. It ends with status 1 and one line, or tells what it left out; no published night moves.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import random
import sys
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from assets.engine.contract import contract_for
from assets.engine.errors import CaregapsError, SettingsError
from assets.engine.landing import InputFile, land
from assets.engine.model import ROOT
from assets.engine.reference_files.build import build_reference
from assets.engine.settings import read_settings
from pipelines.cli import main, parser
from pipelines.nightly import job, schedule
from tests.reference_downloads import HUD_HEADER, hsd_workbook, npi, nppes, workbook

SETTINGS = (ROOT / "settings.toml").read_text(encoding="utf-8")


@pytest.fixture
def tell(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., tuple[int, str, str]]:
    """Run a command: its status, the line on stderr, and stdout."""
    monkeypatch.setenv("CAREGAPS_DAGSTER_STORAGE", str(tmp_path / "dagster"))

    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main([str(a) for a in arguments])
        told = capsys.readouterr()
        if status:
            assert status == 1
            assert told.err.count("\n") == 1, told.err
            assert told.err.startswith("error: ")
        assert "Traceback" not in told.err
        assert "fault of the program" not in told.err
        return status, told.err, told.out

    return run


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """An output folder with a night in it."""
    output = tmp_path / "output"
    (output / ".nights" / "2026-06-29.0").mkdir(parents=True)
    (output / ".nights" / "2026-06-29.0" / "manifest.json").write_text('{"as_of": "2026-06-29"}', encoding="utf-8")
    (output / "as_of=2026-06-29").symlink_to(".nights/2026-06-29.0")
    (output / "latest").symlink_to("as_of=2026-06-29")
    return output


def picture(folder: Path) -> list[tuple[str, str]]:
    return [(str(p), str(p.readlink()) if p.is_symlink() else "") for p in sorted(folder.rglob("*"))]


@pytest.fixture
def delivery(tmp_path: Path) -> Path:
    """Three tables of one row each."""
    folder = tmp_path / "input"
    folder.mkdir()
    for table in ("eligibility", "pharmacy_claim", "medical_claim"):
        row = {p.name: str(p.examples[0]) for p in contract_for("raw", table).properties if p.is_column_required}
        (folder / f"{table}.csv").write_text(f"{','.join(row)}\n{','.join(row.values())}\n", encoding="utf-8")
    return folder


# Settings -------------------------------------------------------------------------------------------------------------


def changed(old: str, new: str) -> bytes:
    assert SETTINGS.count(old) == 1
    return SETTINGS.replace(old, new).encode()


BAD_SETTINGS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "paths"),
    "NUL": (b"\x00", "TOML"),
    "Latin-1": ("# ä\n".encode("latin-1") + SETTINGS.encode("latin-1", "replace"), "TOML"),
    "UTF-16": (SETTINGS.encode("utf-16"), "TOML"),
    "cut": (SETTINGS[:300].encode(), "found nothing; a "),
    "a hundred thousand brackets": (b"a = " + b"[" * 100_000, "TOML"),
    "memory without end": (changed("memory_gb = 4.0", "memory_gb = inf"), "limits.memory_gb"),
    "memory that is no number": (changed("memory_gb = 4.0", "memory_gb = nan"), "limits.memory_gb"),
    "more memory than there is": (changed("memory_gb = 4.0", "memory_gb = 1e300"), "limits.memory_gb"),
    "truth for a number": (changed("threads = 2", "threads = true"), "limits.threads"),
    "text for a number": (changed("threads = 2", 'threads = "two"'), "limits.threads"),
    "more nights than days have passed": (changed("retention_nights = 35", "retention_nights = 999999999999"), "delivery.retention_nights"),
    "days beyond every calendar": (changed("refill_due_days = 7", "refill_due_days = 9999999999"), "outreach.refill_due_days"),
    "a band without end": (changed("band_urgent_score = 40.0", "band_urgent_score = inf"), "score.band_urgent_score"),
    "a detour without end": (changed("circuity_factor = 1.0", "circuity_factor = inf"), "access.circuity_factor"),
    "a zone that is a path": (changed('"America/New_York"', '"../../etc/passwd"'), "schedule.time_zone"),
    "no format": (changed('formats = ["parquet"]', "formats = []"), "delivery.formats"),
    "a format twice": (changed('formats = ["parquet"]', 'formats = ["csv", "csv"]'), "delivery.formats"),
    "no salt": (changed('salt = "change-me"', 'salt = ""'), "identity.salt"),
    "keys in a path with NUL": (changed('key_folder = ""', 'key_folder = "/tmp/\\u0000"'), "delivery.key_folder: found another value; an absolute path outside"),
    "no ratio": (changed("expansion_ratio = 200", "expansion_ratio = 0"), "limits.expansion_ratio"),
    "an unknown name": (changed("threads = 2", "treads = 2"), "limits.treads: found no setting of this name; allowed are expansion_ratio, "),
}  # fmt: skip


@pytest.mark.survival("settings")
@pytest.mark.parametrize("kind", BAD_SETTINGS)
def test_settings(tell, delivery: Path, published: Path, tmp_path: Path, kind: str) -> None:
    content, fragment = BAD_SETTINGS[kind]
    (tmp_path / "settings.toml").write_bytes(content)
    before = picture(published / ".nights")
    _, line, _ = tell(
        "run",
        "--input",
        delivery,
        "--output",
        published,
        "--as-of",
        "2026-06-30",
        "--config",
        tmp_path / "settings.toml",
    )
    assert "settings.toml" in line
    assert fragment in line
    assert picture(published / ".nights") == before
    assert os.readlink(published / "latest") == "as_of=2026-06-29"


@pytest.mark.survival("settings")
@pytest.mark.parametrize("cron", ["at night", "", "99 4 * * *", "0 4 * *\n* *"])
def test_timetable(tmp_path: Path, cron: str) -> None:
    (tmp_path / "settings.toml").write_bytes(changed('cron = "0 4 * * *"', f"cron = {json.dumps(cron)}"))
    with pytest.raises(SettingsError, match=r"schedule\.cron: found"):
        schedule(read_settings(tmp_path / "settings.toml"), job())


@pytest.mark.survival("settings")
def test_timetable_of_a_file_that_the_command_names(tell, delivery: Path, published: Path, tmp_path: Path) -> None:
    """Told when a person is there to read it, not when the schedule is next loaded."""
    path = tmp_path / "settings.toml"
    path.write_bytes(changed('cron = "0 4 * * *"', 'cron = "at night"'))
    _, line, _ = tell("run", "--input", delivery, "--output", published, "--as-of", "2026-06-30", "--config", path)
    assert "schedule.cron: found 'at night'; a cron expression of five fields is expected" in line


@pytest.mark.survival("settings")
@pytest.mark.parametrize(
    ("line", "instead", "said"),
    [
        ('group = ""', 'group = "nosuchgroup"', "delivery.group: found 'nosuchgroup'; an existing POSIX group"),
        (
            'destination = ""',
            'destination = "s3://bucket/x"',
            "delivery.destination: found a URL of s3:// and no package",
        ),
    ],
)
def test_what_no_night_could_be_handed_over_with_is_told_before_one_is_run(
    tell, delivery: Path, published: Path, tmp_path: Path, monkeypatch, line: str, instead: str, said: str
) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    (tmp_path / "settings.toml").write_bytes(changed(line, instead))
    arguments = ("--input", delivery, "--output", published, "--as-of", "2026-06-30", "--config")
    _, told, _ = tell("run", *arguments, tmp_path / "settings.toml")
    assert said in told
    assert not (published / ".warehouse" / "working.duckdb").exists()


@pytest.mark.survival("settings")
@pytest.mark.parametrize("kind", ["folder", "link to itself", "nothing"])
def test_settings_that_are_no_file(tell, delivery: Path, published: Path, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "settings.toml"
    if kind == "folder":
        path.mkdir()
    elif kind == "link to itself":
        path.symlink_to(path)
    _, line, _ = tell("run", "--input", delivery, "--output", published, "--as-of", "2026-06-30", "--config", path)
    assert "settings.toml: found no readable file" in line


# What the command is pointed at ---------------------------------------------------------------------------------------


@pytest.mark.survival("bad files")
@pytest.mark.parametrize(
    "kind", ["pipe", "folder for a file", "file for a folder", "name of two lines", "pattern in the output"]
)
def test_delivery_that_cannot_be_read_stops_before_the_night(tell, delivery: Path, published: Path, kind: str) -> None:
    table = delivery / "eligibility.csv"
    output, expected = published, "eligibility.csv: found"
    if kind == "pipe":
        table.unlink()
        os.mkfifo(table)
    elif kind == "folder for a file":
        table.unlink()
        table.mkdir()
    elif kind == "file for a folder":
        table.rename(delivery / "eligibility")
        expected = "eligibility: found a file without an ending"
    elif kind == "name of two lines":
        (delivery / "drug").mkdir()
        (delivery / "drug" / "a\nerror: all is well.csv").symlink_to("nowhere")
        expected = "drug/a\\nerror: all is well.csv: found"
    else:
        output, expected = published.parent / "output[1]", "output: found ["
    before = picture(published)
    _, line, _ = tell("run", "--input", delivery, "--output", output, "--as-of", "2026-06-30")
    assert line.startswith(f"error: {expected}")
    assert picture(published) == before


# Value sets -----------------------------------------------------------------------------------------------------------

SET_HEADER = "code,last_code,system,from,to,source,category\n"
VALUE_SETS: dict[str, tuple[str, bytes | None, str]] = {
    "a folder": ("statins.csv", None, "not readable"),
    "a name that no set has": ("statin.csv", SET_HEADER.encode(), "no value set of this name"),
    "empty": ("statins.csv", b"", "header"),
    "header alone": ("statins.csv", SET_HEADER.encode(), "found no row"),
    "another header": ("statins.csv", b"code\nx\n", "header"),
    "Latin-1": ("statins.csv", SET_HEADER.encode() + b"\xe9,,ingredient,,,s,\n", "not readable"),
    "UTF-16": ("statins.csv", (SET_HEADER + "a,,ingredient,,,s,\n").encode("utf-16"), "not readable"),
    "a giant field": ("statins.csv", SET_HEADER.encode() + b"x" * 200_000 + b",,ingredient,,,s,\n", "not readable"),
    "a row too short": ("statins.csv", SET_HEADER.encode() + b"a,,ingredient\n", "1 rows with more or fewer cells"),
    "a row too long": (
        "statins.csv",
        SET_HEADER.encode() + b"a,,ingredient,,,s,c,d\n",
        "1 rows with more or fewer cells",
    ),
    "no code": ("statins.csv", SET_HEADER.encode() + b",,ingredient,,,s,\n", "1 rows without code"),
    "an unknown system": ("statins.csv", SET_HEADER.encode() + b"a,,Ingredients,,,s,\n", "1 rows of an unknown system"),
    "an impossible date": ("statins.csv", SET_HEADER.encode() + b"a,,ingredient,2026-02-30,,s,\n", "dates YYYY-MM-DD"),
}


@pytest.mark.survival("value sets")
@pytest.mark.parametrize("kind", VALUE_SETS)
def test_value_set_of_the_operator(tell, delivery: Path, published: Path, tmp_path: Path, kind: str) -> None:
    """Ours in its place, in silence, would be another measure."""
    name, content, fragment = VALUE_SETS[kind]
    path = tmp_path / "licensed" / "value_sets" / name
    path.parent.mkdir(parents=True)
    path.mkdir() if content is None else path.write_bytes(content)
    before = picture(published)
    _, line, _ = tell(
        "run", "--input", delivery, "--output", published, "--as-of", "2026-06-30", "--reference", tmp_path / "licensed"
    )
    assert line.startswith(f"error: value_sets/{name}: ")
    assert fragment in line
    assert picture(published) == before


# Keys -----------------------------------------------------------------------------------------------------------------

GOOD_KEY = base64.b64encode(b"k" * 32)
KEYS: dict[str, Callable[[Path], object]] = {
    "empty": lambda key: key.write_bytes(b""),
    "too short": lambda key: key.write_bytes(base64.b64encode(b"k" * 16)),
    "no base64": lambda key: key.write_bytes(b"?" * 44),
    "NUL": lambda key: key.write_bytes(b"\x00" * 44),
    "UTF-16": lambda key: key.write_bytes(GOOD_KEY.decode().encode("utf-16")),
    "letters of another alphabet": lambda key: key.write_text("к" * 44, encoding="utf-8"),
    "two lines": lambda key: key.write_bytes(GOOD_KEY + b"\n" + GOOD_KEY),
    "a folder": lambda key: key.mkdir(mode=0o700),
    "a link to itself": lambda key: key.symlink_to(key.name),
}


@pytest.mark.survival("keys")
@pytest.mark.parametrize("kind", KEYS)
def test_key(tell, delivery: Path, published: Path, tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    key = folder / "1234567893.key"
    KEYS[kind](key)
    if key.is_file():
        key.chmod(0o600)
    (tmp_path / "settings.toml").write_bytes(changed('key_folder = ""', f'key_folder = "{folder}"'))
    _, line, _ = tell(
        "run",
        "--input",
        delivery,
        "--output",
        published,
        "--as-of",
        "2026-06-30",
        "--config",
        tmp_path / "settings.toml",
    )
    assert line.startswith("error: delivery.key_folder: ")
    assert GOOD_KEY.decode() not in line


# Capacity -------------------------------------------------------------------------------------------------------------

CAPACITY = b"pharmacist_id,licence_states,weekly_capacity\nr1,TX,5\n"
CAPACITIES: dict[str, bytes] = {
    "empty": b"",
    "blank": b"\n\n",
    "UTF-16": CAPACITY.decode().encode("utf-16"),
    "UTF-16 without a mark": CAPACITY.decode().encode("utf-16-be"),
    "Latin-1": CAPACITY + b"\xe9,TX,5\n",
    "NUL": CAPACITY + b"r\x002,TX,5\n",
    "a giant field": CAPACITY + b"x" * 200_000 + b",TX,5\n",
    "unclosed quote": CAPACITY + b'"r2,TX,5\n',
    "an id of two lines": CAPACITY + b'"r\n2",TX,5\n',
    "semicolons": CAPACITY.replace(b",", b";"),
    "column twice": CAPACITY.replace(b"licence_states", b"pharmacist_id"),
    "digits of another script": CAPACITY + "r2,TX,٥\n".encode(),
    "a number with a point": CAPACITY + b"r2,TX,5.5\n",
    "a number below zero": CAPACITY + b"r2,TX,-1\n",
    "a row too short": CAPACITY + b"r2,TX\n",
    "a state that is a path": CAPACITY + b"r2,..,5\n",
    "gzip": gzip.compress(CAPACITY),
    "a page of an error": b"<html>",
}


@pytest.mark.survival("capacity")
@pytest.mark.parametrize("kind", [*CAPACITIES, "a folder", "a pipe", "a link to itself", "nothing"])
def test_capacity(tell, published: Path, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "capacity.csv"
    if kind in CAPACITIES:
        path.write_bytes(CAPACITIES[kind])
    elif kind == "a folder":
        path.mkdir()
    elif kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a link to itself":
        path.symlink_to(path)
    before = picture(published)
    _, line, _ = tell("assign", "--output", published, "--capacity", path)
    assert line.startswith("error: --capacity: ")
    assert picture(published) == before


# Care plans -----------------------------------------------------------------------------------------------------------

BUNDLE = json.dumps({"resourceType": "Bundle", "type": "collection", "entry": []}).encode()
INVALID_BUNDLES: dict[str, bytes] = {
    "empty": b"",
    "NUL": b"\x00" * 10,
    "Latin-1": b'{"resourceType": "B\xe9"}',
    "cut": BUNDLE[:20],
    "a hundred thousand brackets": b"[" * 100_000,
    "ten thousand digits": b"9" * 10_000,
    "no number": b"NaN",
    "a list": b"[]",
    "an entry that is none": BUNDLE.replace(b"[]", b"[null]"),
    "entries that are none": BUNDLE.replace(b"[]", b'{"a": 1}'),
    "half of a surrogate pair": BUNDLE.replace(b'"type"', b'"id": "\\ud800", "type"'),
}


@pytest.mark.survival("care plans")
@pytest.mark.parametrize("suffix", [".json", ".ndjson"])
@pytest.mark.parametrize("kind", INVALID_BUNDLES)
def test_care_plan(tell, tmp_path: Path, kind: str, suffix: str) -> None:
    folder = tmp_path / "plans"
    folder.mkdir()
    (folder / f"bad{suffix}").write_bytes(INVALID_BUNDLES[kind])
    (folder / "good.json").write_bytes(BUNDLE)
    status, _, out = tell("ecare-plan", "--from", folder, "--output", tmp_path / "to")
    assert status == 0
    # A line without anything is no bundle, a file without anything is a broken one.
    broken = "none" if (kind, suffix) == ("empty", ".ndjson") else "1 invalid_bundle"
    assert f"of 1 bundles; left out: {broken}" in out


@pytest.mark.survival("care plans")
def test_care_plan_that_is_too_large(tell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assets.engine.ecare_plan.LARGEST_BUNDLE", 1000)
    folder = tmp_path / "plans"
    folder.mkdir()
    (folder / "a.json").write_bytes(BUNDLE + b" " * 1000)
    (folder / "b.ndjson").write_bytes(BUNDLE + b" " * 5000 + b"\n" + BUNDLE + b"\n")
    _, _, out = tell("ecare-plan", "--from", folder, "--output", tmp_path / "to")
    assert "of 1 bundles; left out: 2 too_large" in out


@pytest.mark.survival("care plans")
@pytest.mark.parametrize(
    "kind", ["folder", "link to itself", "file for the folder", "file for the output", "file for the table"]
)
def test_care_plan_in_the_wrong_place(tell, tmp_path: Path, kind: str) -> None:
    folder, output = tmp_path / "plans", tmp_path / "to"
    folder.mkdir()
    (folder / "good.json").write_bytes(BUNDLE)
    if kind == "folder":
        (folder / "a.json").mkdir()
    elif kind == "link to itself":
        (folder / "a.json").symlink_to("a.json")
    elif kind == "file for the folder":
        folder = folder / "good.json"
    elif kind == "file for the output":
        output = folder / "good.json"
    else:
        output.mkdir()
        (output / "outreach_outcome").write_bytes(b"")
    status, line, _ = tell("ecare-plan", "--from", folder, "--output", output)
    assert status == 1
    assert "expected" in line


# Directories ----------------------------------------------------------------------------------------------------------

TERM = '"attributes": [{"taxonomy_term": {"name": "food pantry"}}]'
DIRECTORIES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "JSON"),
    "NUL": (b"\x00", "JSON"),
    "UTF-16": ('[{"id": "1"}]'.encode("utf-16"), "JSON"),
    "Latin-1": (b'[{"id": "\xe9"}]', "JSON"),
    "cut": (b'[{"id"', "JSON"),
    "a hundred thousand brackets": (b"[" * 100_000, "JSON"),
    "ten thousand digits": (b'[{"id": ' + b"9" * 10_000 + b"}]", "JSON"),
    "a number": (b"5", "list of services"),
    "a list of text": (b'["a"]', "list of services"),
    "no service": (b"[]", "no service"),
}
ODD_SERVICES = {
    "text for an organization": f'[{{"id": "1", "name": "n", "organization": "x", {TERM}}}]',
    "text for a telephone": f'[{{"id": "1", "name": "n", "phones": ["x"], "languages": [5], {TERM}}}]',
    "one for many": f'[{{"id": "1", "name": "n", "phones": {{"number": "1"}}, "languages": "en", {TERM}}}]',
    "text for a place": f'[{{"id": "1", "name": "n", "service_at_locations": ["x"], {TERM}}}]',
    "text for a location": f'[{{"id": "1", "name": "n", "service_at_locations": [{{"id": "p", "location": "x"}}], {TERM}}}]',
    "text for an address": f'[{{"id": "1", "name": "n", "service_at_locations": [{{"id": "p", "location": {{"addresses": ["x"]}}}}], {TERM}}}]',
    "half of a surrogate pair": f'[{{"id": "1", "name": "\\ud800n", {TERM}}}]',
    "byte order mark": f'\ufeff[{{"id": "1", "name": "n", {TERM}}}]',
}


@pytest.mark.survival("resource directories")
@pytest.mark.parametrize("kind", DIRECTORIES)
def test_directory(tell, tmp_path: Path, kind: str) -> None:
    content, fragment = DIRECTORIES[kind]
    (tmp_path / "a.json").write_bytes(content)
    status, line, _ = tell("directory", "--from", tmp_path, "--output", tmp_path / "to")
    assert status == 1
    assert fragment in line
    assert not (tmp_path / "to").exists()


@pytest.mark.survival("resource directories")
@pytest.mark.parametrize("kind", ODD_SERVICES)
def test_service_with_something_else_in_it_keeps_the_rest(tell, tmp_path: Path, kind: str) -> None:
    (tmp_path / "a.json").write_text(ODD_SERVICES[kind], encoding="utf-8")
    status, _, out = tell("directory", "--from", tmp_path, "--output", tmp_path / "to")
    assert status == 0
    assert ": 1 rows; services left out: none" in out


SERVICE = b"id,organization_id,name,status\ns1,o1,n,active\n"
SERVICE_TABLES: dict[str, tuple[bytes | None, str]] = {
    "a folder": (None, "CSV"),
    "empty": (b"", "no column id"),
    "header alone": (SERVICE[:31], "no row"),
    "UTF-16": (SERVICE.decode().encode("utf-16"), "CSV"),
    "Latin-1": (SERVICE + b"\xe9,o1,n,active\n", "CSV"),
    "a giant field": (SERVICE + b"x" * 200_000 + b",o1,n,active\n", "CSV"),
    "unclosed quote": (SERVICE + b'"s2,o1,n,active\ns3,o1,n,active\n', "CSV"),
    "semicolons": (SERVICE.replace(b",", b";"), "no column id"),
    "column twice": (SERVICE.replace(b"organization_id", b"id"), "more than once"),
}


@pytest.mark.survival("resource directories")
@pytest.mark.parametrize("kind", SERVICE_TABLES)
def test_directory_of_tables(tell, tmp_path: Path, kind: str) -> None:
    content, fragment = SERVICE_TABLES[kind]
    (tmp_path / "organization.csv").write_bytes(b"id,name\no1,N\n")
    path = tmp_path / "service.csv"
    path.mkdir() if content is None else path.write_bytes(content)
    status, line, _ = tell("directory", "--from", tmp_path, "--output", tmp_path / "to")
    assert status == 1
    assert line.startswith("error: service.csv: ")
    assert fragment in line


@pytest.mark.survival("resource directories")
def test_rows_of_another_width_are_counted(tell, tmp_path: Path) -> None:
    """Cut short, a service that has ended would look like one that is active."""
    (tmp_path / "organization.csv").write_bytes(b"id,name\no1,N\n")
    (tmp_path / "service.csv").write_bytes(SERVICE + b"s2,o1,n\ns3,o1,n,active,x\n")
    _, _, out = tell("directory", "--from", tmp_path, "--output", tmp_path / "to")
    assert "2 service_rows_of_another_width" in out


# Downloads ------------------------------------------------------------------------------------------------------------


def downloads(folder: Path) -> dict[str, bytes]:
    people = nppes(npi(1234567893), npi(1679576722, "3336C0003X", 2)).encode()
    hsd_workbook(folder / "HSD2026.xlsx", [("45940", "Travis", "TX", "Metro", 1000)])
    workbook(folder / "ZIP_COUNTY.xlsx", data=[HUD_HEADER, ["78701", "48453", "AUSTIN", "TX", 1.0, 1.0, 1.0, 1.0]])
    pq.write_table(pa.table({"GEOID": ["78701"], "INTPTLAT": ["30.1"], "INTPTLONG": ["-97.5"]}), folder / "gaz.parquet")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as members:
        members.writestr("npidata_pfile_20260101.csv", people)
    return {
        "npidata_pfile_20260101.csv": people,
        "npidata_pfile_20260102.csv.gz": gzip.compress(people),
        "NPPES.zip": archive.getvalue(),
        "gaz_zcta.txt": b"GEOID|INTPTLAT|INTPTLONG|ALAND\n78701|30.2|-97.7|1000000\n",
        **{path.name: path.read_bytes() for path in sorted(folder.iterdir())},
    }


def shaken(content: bytes, seed: int) -> bytes:
    pick, found = random.Random(seed), bytearray(content)
    for _ in range(20):
        found[pick.randrange(len(found))] = pick.randrange(256)
    return bytes(found)


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda whole: b"",
    "half": lambda whole: whole[: len(whole) // 2],
    "a NUL byte": lambda whole: whole[:50] + b"\x00" + whole[50:],
    "a giant first line": lambda whole: b"y" * 300_000 + b"," + whole,
    "changed bytes": lambda whole: shaken(whole, 1),
}
DOWNLOADS = ("npidata_pfile_20260101.csv", "npidata_pfile_20260102.csv.gz", "NPPES.zip", "gaz_zcta.txt", "HSD2026.xlsx",
             "ZIP_COUNTY.xlsx", "gaz.parquet")  # fmt: skip


@pytest.fixture(scope="module")
def downloaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return downloads(tmp_path_factory.mktemp("downloads"))


@pytest.mark.survival("downloads")
@pytest.mark.parametrize("kind", DAMAGE)
@pytest.mark.parametrize("name", DOWNLOADS)
def test_damaged_download_is_a_line_or_its_rows(
    downloaded: dict[str, bytes], tmp_path: Path, name: str, kind: str
) -> None:
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / name).write_bytes(DAMAGE[kind](downloaded[name]))
    with suppress(CaregapsError):
        list(build_reference(tmp_path / "from", tmp_path / "to"))
    assert not [p for p in (tmp_path / "to").iterdir() if p.name.startswith(".")], "nothing unpacked stays"


@pytest.mark.survival("downloads")
def test_download_in_a_folder_that_is_a_pattern(downloaded: dict[str, bytes], tmp_path: Path) -> None:
    folder = tmp_path / "state=TX" / "load[1]*?"
    folder.mkdir(parents=True)
    (folder / "gaz_zcta.txt").write_bytes(downloaded["gaz_zcta.txt"])
    assert any("1 rows" in line for line in build_reference(folder, tmp_path / "to"))


# Outcome sheets -------------------------------------------------------------------------------------------------------


def sheet() -> bytes:
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, ["gap_id", "attempted_at", "outcome_code"])
        page.write_row(1, 0, ["0123456789abcdef", "2026-01-01", "UTR3"])
    return stream.getvalue()


def rewritten(content: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name.endswith(part) else old.read(name))
    return stream.getvalue()


SHEETS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda whole: b"",
    "text": lambda whole: b"gap_id,attempted_at\n",
    "half": lambda whole: whole[: len(whole) // 2],
    "no sheet in it": lambda whole: rewritten(whole, "sheet1.xml", lambda part: b""),
    "a cell beyond the last": lambda whole: rewritten(whole, "sheet1.xml", lambda part: part.replace(b'"A1"', b'"ZZZZZZZ1"')),
    "a row of no number": lambda whole: rewritten(whole, "sheet1.xml", lambda part: part.replace(b'"A1"', b'"A"')),
    "no text in it": lambda whole: rewritten(whole, "sharedStrings.xml", lambda part: part[:40]),
    **{f"changed bytes {n}": (lambda whole, n=n: shaken(whole, n)) for n in range(8)},
}  # fmt: skip


@pytest.mark.survival("outcome sheets")
@pytest.mark.parametrize("kind", SHEETS)
def test_outcome_sheet(tmp_path: Path, capfd: pytest.CaptureFixture[str], kind: str) -> None:
    path = tmp_path / "outreach_outcome.xlsx"
    path.write_bytes(SHEETS[kind](sheet()))
    line = f"{path.name}: "
    with duckdb.connect() as con:
        try:
            land(con, InputFile(path, path.name), 0)
        except CaregapsError as error:
            line = str(error)
    assert line.startswith("outreach_outcome.xlsx: ")
    assert line.endswith("expected") or kind.startswith("changed") or kind == "no text in it"
    assert capfd.readouterr().err == "", "no panic of the reader"


def test_every_kind_of_file_that_is_handed_in_is_here() -> None:
    """The options of the command that name a file or a folder to read."""
    actions: list[Any] = [a for a in parser()._actions if hasattr(a, "choices") and isinstance(a.choices, dict)]
    read = {
        (name, option)
        for name, command in actions[0].choices.items()
        for action in command._actions
        for option in action.option_strings
        if action.type is Path and option not in {"--output", "--to", "--warehouse"}
    }
    assert read == {
        ("run", "--input"), ("run", "--reference"), ("run", "--config"), ("whatif", "--config"), ("compare", "--config"),
        ("assign", "--capacity"), ("directory", "--from"), ("ecare-plan", "--from"), ("reference", "--from"),
    }, "a new option has its cases above"  # fmt: skip
