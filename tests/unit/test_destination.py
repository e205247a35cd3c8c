"""Copies of a night elsewhere: locally by one rename, remotely with the manifest last; nothing of a URL is told."""

from __future__ import annotations

import datetime
import json
import stat
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from assets.engine.destination import copy_night
from assets.engine.errors import PublicationError, SettingsError
from assets.engine.settings import read_settings
from tests.integration.nightly_run import write_settings

NIGHT, LATER = datetime.date(2026, 6, 29), datetime.date(2026, 6, 30)
LIST = "worklists/state=TX/pharmacy_npi=1234567893.parquet"


def release(folder: Path, name: str, **parts: str) -> Path:
    """A published night: its manifest names what it holds."""
    own = folder / name
    for path, text in {"manifest.json": json.dumps(parts), **parts}.items():
        (own / path).parent.mkdir(parents=True, exist_ok=True)
        (own / path).write_text(text, encoding="utf-8")
    return own


@pytest.fixture
def memory():
    """An empty store that no disk holds."""
    store = MemoryFileSystem()
    store.store.clear()
    yield store
    store.store.clear()


@pytest.mark.parametrize("form", ["{}", "file://{}"])
def test_a_local_copy_is_a_release_behind_links(tmp_path: Path, form: str) -> None:
    target = tmp_path / "copy"
    first = release(tmp_path, "2026-06-29.aaaa", **{LIST: "one", "report/index.html": "page"})
    assert copy_night(form.format(target), first, NIGHT) == 3
    assert (target / "as_of=2026-06-29" / LIST).read_text(encoding="utf-8") == "one"
    assert (target / "latest").readlink() == Path("as_of=2026-06-29")
    assert (target / "as_of=2026-06-29").readlink() == Path(".nights/2026-06-29.aaaa")
    assert stat.S_IMODE((target / "as_of=2026-06-29" / LIST).stat().st_mode) == 0o640
    assert copy_night(form.format(target), first, NIGHT) == 0
    # Another release of the night comes by a switch of the link; who reads the old one keeps it.
    second = release(tmp_path, "2026-06-29.bbbb", **{LIST: "two"})
    with (target / "as_of=2026-06-29" / LIST).open(encoding="utf-8") as reader:
        assert copy_night(form.format(target), second, NIGHT) == 2
        assert reader.read() == "one"
    assert {p.name for p in (target / "as_of=2026-06-29").iterdir()} == {"manifest.json", "worklists"}
    assert not list(target.rglob("*draft*"))


def test_an_earlier_night_moves_no_local_link_back(tmp_path: Path) -> None:
    for night in (LATER, NIGHT):
        copy_night(str(tmp_path / "copy"), release(tmp_path, f"{night}.cccc", **{LIST: str(night)}), night)
    assert (tmp_path / "copy" / "latest").readlink() == Path(f"as_of={LATER}")
    assert (tmp_path / "copy" / f"as_of={NIGHT}" / LIST).is_file()


def test_a_local_copy_that_was_cut_off_is_made_again(tmp_path: Path) -> None:
    own = release(tmp_path, "2026-06-29.aaaa", **{LIST: "one"})
    half = tmp_path / "copy" / ".nights" / own.name / "worklists"
    half.mkdir(parents=True)
    assert copy_night(str(tmp_path / "copy"), own, NIGHT) == 2
    assert (tmp_path / "copy" / "latest" / LIST).is_file()


def test_a_remote_copy_ends_with_its_manifest(memory: MemoryFileSystem, tmp_path: Path) -> None:
    own = release(tmp_path, "2026-06-29.aaaa", **{LIST: "one", "worklists/state=NC/worklist.parquet": "two"})
    order = []
    put = memory.put_file
    memory_class = type(memory)

    def watched(self: MemoryFileSystem, source: str, target: str, **options: object) -> None:
        order.append(target)
        put(source, target, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory_class, "put_file", watched)
        assert copy_night("memory://plan/lists", own, NIGHT) == 3
    assert order[-1].endswith("as_of=2026-06-29/manifest.json")
    assert memory.cat_file(f"/plan/lists/as_of=2026-06-29/{LIST}") == b"one"
    assert json.loads(memory.cat_file("/plan/lists/latest.json")) == {"as_of": "2026-06-29"}
    assert copy_night("memory://plan/lists", own, NIGHT) == 0


def test_a_remote_copy_leaves_nothing_of_the_release_before(memory: MemoryFileSystem, tmp_path: Path) -> None:
    """While files change no manifest is there, so that nobody takes the mixture for a night."""
    copy_night("memory://lists", release(tmp_path, "a", **{LIST: "one", "gone.csv": "x"}), NIGHT)
    own = release(tmp_path, "b", **{LIST: "two"})
    had_manifest = []
    put = type(memory).put_file

    def watched(self: MemoryFileSystem, source: str, target: str, **options: object) -> None:
        had_manifest.append(self.exists("/lists/as_of=2026-06-29/manifest.json"))
        put(self, source, target, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(memory), "put_file", watched)
        copy_night("memory://lists", own, NIGHT)
    assert had_manifest == [False, False]
    assert sorted(memory.find("/lists")) == [
        f"/lists/as_of=2026-06-29/{name}" for name in ("manifest.json", LIST)
    ] + ["/lists/latest.json"]  # fmt: skip
    assert memory.cat_file(f"/lists/as_of=2026-06-29/{LIST}") == b"two"


def test_an_earlier_night_moves_no_pointer_back(memory: MemoryFileSystem, tmp_path: Path) -> None:
    for night in (LATER, NIGHT):
        copy_night("memory://lists", release(tmp_path, str(night), **{LIST: "x"}), night)
    assert json.loads(memory.cat_file("/lists/latest.json")) == {"as_of": str(LATER)}


def test_a_copy_that_arrives_short_is_no_copy(memory: MemoryFileSystem, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(memory), "size", lambda self, path: 1)
        with pytest.raises(PublicationError, match="arrived with another size"):
            copy_night("memory://lists", release(tmp_path, "a", **{LIST: "one"}), NIGHT)
    assert not memory.exists("/lists/as_of=2026-06-29/manifest.json")


def test_a_failing_store_is_one_line_without_the_url(tmp_path: Path) -> None:
    class Broken(fsspec.AbstractFileSystem):
        protocol = "brokenstore"

        def __init__(self, **options: object) -> None:
            raise ConnectionError("cannot reach brokenstore://user:hunter2@host")

    fsspec.register_implementation("brokenstore", Broken, clobber=True)
    with pytest.raises(PublicationError, match=r"delivery.destination: the copy failed") as refused:
        copy_night("brokenstore://user:hunter2@host/x", release(tmp_path, "a", **{LIST: "one"}), NIGHT)
    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None


# Settings -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('destination = "lists"', "an absolute path or a URL that fsspec knows"),
        ('destination = "gopher://user:hunter2@host/x"', "an absolute path or a URL that fsspec knows"),
        ('key_folder = "keys"', "an absolute path outside the repository"),
        (f'key_folder = "{Path(__file__).resolve().parents[2] / "keys"}"', "an absolute path outside the repository"),
    ],
)
def test_where_to_deliver_is_checked_before_the_night(tmp_path: Path, line: str, said: str) -> None:
    key = line.split(" ", 1)[0]
    path = write_settings(tmp_path / "settings.toml", {f'{key} = ""': line})
    with pytest.raises(SettingsError) as refused:
        read_settings(path)
    assert said in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_only_parquet_can_be_encrypted(tmp_path: Path) -> None:
    changes = {'formats = ["parquet"]': 'formats = ["parquet", "xlsx"]', 'key_folder = ""': 'key_folder = "/etc/keys"'}
    with pytest.raises(SettingsError, match="with key_folder only"):
        read_settings(write_settings(tmp_path / "settings.toml", changes))


def test_where_to_deliver_changes_no_digest(tmp_path: Path) -> None:
    """Neither a folder of keys nor a destination changes a published row."""
    changes = {'key_folder = ""': 'key_folder = "/etc/keys"', 'destination = ""': 'destination = "memory://x"'}
    moved = read_settings(write_settings(tmp_path / "settings.toml", changes))
    assert moved.digest() == read_settings().digest()
