"""What leaves a night and what comes back: programmes on lists, the delivery log, outcome sheets, encryption, copies."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from assets.engine.errors import PublicationError
from assets.engine.night import Night
from assets.engine.programme_registry import read_programmes
from assets.engine.publish import Release, publish
from assets.engine.settings import read_settings
from tests.integration.nightly_run import SECOND, Season, manifest_of, rows, write_settings


def log_of(night: Path) -> list[dict[str, str]]:
    """The delivery log."""
    with (night / "delivery_log.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


# Programmes -----------------------------------------------------------------------------------------------------------


def test_every_row_names_the_programme_and_service_of_the_family_that_it_shows(season: Season) -> None:
    listed = rows(f"select distinct gap_family, gap_code, programme, service_code from {season.table('worklist')}")
    assert len({family for family, _, _, _ in listed}) >= 6
    for family, code, programme, service in listed:
        told = read_programmes()[programme]
        assert family in told.gap_families
        assert service in told.services
        assert not told.services[service].gap_codes or code in told.services[service].gap_codes


def test_no_list_file_speaks_of_more_than_the_row_does(season: Season) -> None:
    """Interface 3.1: a row under a public code names the programme of its public family alone."""
    hidden = rows(
        f"select distinct programme from {season.table('worklist')} "
        "where gap_code in ('REFILL_REVIEW', 'CHECK_IN', 'SAFETY_KIT')"
    )
    assert hidden == [("medicines_review",)]


# The delivery log -----------------------------------------------------------------------------------------------------


def test_the_log_has_every_file_of_every_pharmacy_with_its_digest(season: Season) -> None:
    log = log_of(season.second)
    files = {p.relative_to(season.second).as_posix() for p in season.second.glob("worklists/state=*/*pharmacy_npi=*")}
    assert files
    assert {line["path"] for line in log} == files
    assert len(log) == len(files)
    told = {f["path"]: f for f in manifest_of(season.second)["files"]}
    for line in log:
        assert (line["sha256"], int(line["bytes"])) == (told[line["path"]]["sha256"], told[line["path"]]["bytes"])
        assert f"pharmacy_npi={line['pharmacy_npi']}." in line["path"]
        assert f"state={line['state']}/" in line["path"]
        assert (line["as_of"], line["is_encrypted"], line["withheld_reason"]) == (str(SECOND), "false", "")
    kinds = {kind: sum(int(x["row_count"]) for x in log if x["kind"] == kind) for kind in ("worklist", "outcome_sheet")}
    [(count,)] = rows(f"select count(*) from {season.table('worklist')}")
    assert kinds == {"worklist": 3 * count, "outcome_sheet": count}
    assert (
        told["delivery_log.csv"]["sha256"]
        == hashlib.sha256((season.second / "delivery_log.csv").read_bytes()).hexdigest()
    )


# The way back ---------------------------------------------------------------------------------------------------------


def test_sheets_come_back_as_they_are(season: Season) -> None:
    """Two sheets, one row answered on each; the other rows are no reports, and nothing is refused."""
    inputs = manifest_of(season.second)["inputs"]["outreach_outcome"]
    earlier = (season.delivery / "outreach_outcome" / "earlier.csv").read_text(encoding="utf-8").splitlines()
    assert inputs["read"] == len(earlier) - 1 + len(season.answers)
    assert inputs["rejected_rows"] == 0
    assert not inputs.get("unlinked")
    assert not inputs.get("unknown_outcome")
    state = (
        f"read_parquet('{season.restricted / 'state' / 'state_contact_attempt.parquet'}', hive_partitioning = false)"
    )
    known = rows(
        f"select gap_id, person_id, pharmacy_npi, outcome_code from {state} where gap_id is not null order by 3"
    )
    assert known == [(a.gap_id, a.person_id, a.pharmacy_npi, a.outcome_code) for a in season.answers]


def test_what_lies_among_the_sheets_and_is_none_is_told_by_itself(season: Season) -> None:
    """It may be somebody's answers: not one more name among the files that belong to no table."""
    warnings = manifest_of(season.second)["warnings"]
    told = [warning for warning in warnings if "outreach_outcome/" in warning]
    assert told == ["outreach_outcome/: not read: outreach_outcome/notes.docx; what they hold is in no list"]
    assert "input folder: files ignored: notes.txt, truth.csv" in warnings


def test_an_answer_decides_what_becomes_of_its_row(season: Season) -> None:
    done, unreached = season.answers
    status = {
        gap_id: (state, reason)
        for gap_id, state, reason in rows(f"select gap_id, status, status_reason from {season.table('gap')}")
    }
    assert status[done.gap_id] == ("closed", "documented")
    assert status[unreached.gap_id] == ("open", "unable_to_reach")
    assert not rows(f"select 1 from {season.table('worklist')} where gap_id in ('{done.gap_id}', '{unreached.gap_id}')")


def test_what_was_done_is_paid_and_a_result_without_its_attempts_is_not(season: Season) -> None:
    """Rules 6.8: `UTR3` is the result of three attempts, of which none was reported."""
    done, unreached = season.answers
    assert unreached.outcome_code == "UTR3"
    path = season.restricted / "compensation.parquet"
    found = rows(
        "select pharmacy_npi, person_id, gap_id, service_code, pays_as, is_billable, withheld_reason "
        f"from read_parquet('{path}', hive_partitioning = false) order by pharmacy_npi"
    )
    assert found == [
        (done.pharmacy_npi, done.person_id, done.gap_id, "ADHERENCE_CALL", "completed", True, None),
    ]  # fmt: skip


# Encryption and copies: the second night published once more, with keys, for a plan that has a store --------------------


class Encrypted:
    """The second night under keys, and a store that no disk holds."""

    def __init__(self, season: Season, folder: Path) -> None:
        """Make a key for every pharmacy that has a list or a recall, but one, and open a copy of the working warehouse."""
        self.folder, self.keys = folder, folder / "keys"
        self.keys.mkdir(mode=0o700)
        log = log_of(season.second)
        self.without_key = min(line["pharmacy_npi"] for line in log if line["kind"] == "worklist")
        npis = sorted({line["pharmacy_npi"] for line in log} - {self.without_key})
        self.texts = {npi: base64.b64encode(os.urandom(32)).decode() for npi in npis}
        for npi, text in self.texts.items():
            self.write_key(npi, text)
        changes = {
            'key_folder = ""': f'key_folder = "{self.keys}"',
            'destination = ""': 'destination = "memory://plan/nights"',
            'salt = "change-me"': 'salt = "a-test-salt"',
        }
        settings = read_settings(write_settings(folder / "settings.toml", changes))
        self.night = Night(SECOND, season.delivery, folder / "output", settings)
        self.con = duckdb.connect(shutil.copy(season.second_warehouse, folder / "working.duckdb"))
        # The tables are those of a night whose plan wants other formats; nothing in them depends on that.
        self.con.execute("update door.built set settings_digest = ?", [self.night.digest])

    def write_key(self, npi: str, text: str) -> None:
        path = self.keys / f"{npi}.key"
        path.write_text(text + "\n", encoding="ascii")
        path.chmod(0o600)

    def publish(self) -> Release:
        return publish(self.con, self.night, "a-run")


@pytest.fixture(scope="module")
def encrypted(season: Season, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encrypted]:
    MemoryFileSystem.store.clear()
    plan = Encrypted(season, tmp_path_factory.mktemp("encrypted"))
    yield plan
    plan.con.close()
    MemoryFileSystem.store.clear()


@pytest.fixture(scope="module")
def release(encrypted: Encrypted) -> Release:
    return encrypted.publish()


def test_each_pharmacy_opens_its_own_file_and_no_other(season: Season, encrypted: Encrypted, release: Release) -> None:
    """Its rows are those that it would have had in the clear, read by DuckDB and by pyarrow."""
    other = dict(zip(encrypted.texts, reversed(encrypted.texts.values()), strict=True))
    told = {p.stem: p for p in season.second.glob("worklists/state=*/pharmacy_npi=*.parquet")}
    found = sorted(release.folder.glob("worklists/state=*/pharmacy_npi=*.parquet"))
    assert {p.stem for p in found} == set(told) - {f"pharmacy_npi={encrypted.without_key}"}
    with duckdb.connect() as con:
        for path in found:
            npi = path.stem.removeprefix("pharmacy_npi=")
            con.execute(f"pragma add_parquet_key('k{npi}', '{encrypted.texts[npi]}')")
            read = (
                f"from read_parquet('{path}', hive_partitioning = false, encryption_config = {{footer_key: 'k{npi}'}})"
            )
            clear = pl.read_parquet(told[path.stem], hive_partitioning=False)
            assert con.execute(read).pl().equals(clear)
            key = pe.create_decryption_properties(footer_key=base64.b64decode(encrypted.texts[npi]))
            assert pq.ParquetFile(path, decryption_properties=key).read().num_rows == len(clear)
            if other[npi] != encrypted.texts[npi]:
                wrong = pe.create_decryption_properties(footer_key=base64.b64decode(other[npi]))
                with pytest.raises(OSError, match="decrypt"):
                    pq.ParquetFile(path, decryption_properties=wrong)


def test_who_has_no_key_gets_nothing_and_the_plan_is_told(encrypted: Encrypted, release: Release) -> None:
    assert not list(release.folder.rglob(f"*{encrypted.without_key}*"))
    withheld = [line for line in log_of(release.folder) if line["withheld_reason"]]
    assert {(line["pharmacy_npi"], line["withheld_reason"]) for line in withheld} == {(encrypted.without_key, "no_key")}
    assert any("1 pharmacies have no key" in warning for warning in manifest_of(release.folder)["warnings"])


def test_no_key_is_anywhere_in_a_release(encrypted: Encrypted, release: Release) -> None:
    secrets = [text.encode() for text in encrypted.texts.values()]
    secrets += [base64.b64decode(text) for text in secrets]
    for path in (encrypted.folder / "output").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not [s for s in secrets if s in content], path.name


def test_the_manifest_counts_the_rows_of_encrypted_files(season: Season, release: Release) -> None:
    told = {f["path"]: f["rows"] for f in manifest_of(season.second)["files"]}
    encrypted = {
        f["path"]: f["rows"]
        for f in manifest_of(release.folder)["files"]
        if "/pharmacy_npi=" in f["path"] and f["path"].endswith(".parquet")
    }
    assert encrypted
    assert {path: told[path] for path in encrypted} == encrypted


def test_the_copy_holds_the_public_night_and_ends_with_its_manifest(release: Release) -> None:
    store = MemoryFileSystem()
    folder = f"/plan/nights/as_of={SECOND}"
    copied = {path.removeprefix(f"{folder}/") for path in store.find(folder)}
    assert copied == {p.relative_to(release.folder).as_posix() for p in release.folder.rglob("*") if p.is_file()}
    manifest = json.loads(store.cat_file(f"{folder}/manifest.json"))
    for told in manifest["files"]:
        if not told["path"].startswith("restricted/"):
            assert hashlib.sha256(store.cat_file(f"{folder}/{told['path']}")).hexdigest() == told["sha256"]
    assert not [path for path in store.find("/plan") if "restricted" in path]
    assert json.loads(store.cat_file("/plan/nights/latest.json")) == {"as_of": str(SECOND)}


def test_the_same_night_again_is_the_same_release_until_a_key_changes(
    encrypted: Encrypted, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two encryptions of one list differ in every byte; what they hold and the key decide.

    A store that fails meanwhile keeps the release of before; the new one is published, and the next run copies it.
    """
    again = encrypted.publish()
    assert (again.folder, again.is_new) == (release.folder, False)

    def broken(self: MemoryFileSystem, *args: object, **options: object) -> None:
        raise ConnectionError("cannot reach memory://user:hunter2@plan")

    npi = next(iter(encrypted.texts))
    encrypted.write_key(npi, base64.b64encode(os.urandom(32)).decode())
    with monkeypatch.context() as patch:
        patch.setattr(MemoryFileSystem, "put_file", broken)
        with pytest.raises(
            PublicationError, match=r"^delivery.destination: the copy failed \(ConnectionError\)"
        ) as refused:
            encrypted.publish()
    assert "hunter2" not in str(refused.value)
    changed = (encrypted.folder / "output" / "latest").resolve()
    assert changed != release.folder
    # The lists of before are at the store meanwhile, whole.
    manifest = MemoryFileSystem().cat_file(f"/plan/nights/as_of={SECOND}/manifest.json")
    assert manifest == (release.folder / "manifest.json").read_bytes()
    key_ids = [
        {line["pharmacy_npi"]: line["key_id"] for line in log_of(folder) if line["key_id"]}
        for folder in (release.folder, changed)
    ]
    assert {n for n in key_ids[0] if key_ids[0][n] != key_ids[1][n]} == {npi}
    assert encrypted.publish().folder == changed
    copied = MemoryFileSystem().cat_file(f"/plan/nights/as_of={SECOND}/delivery_log.csv")
    assert copied == (changed / "delivery_log.csv").read_bytes()
