"""Copies of a night elsewhere: locally by one rename, remotely with the manifest last; nothing of a URL is told.

Whatever fails, the lists of before stay where they were, and the next copy makes up for it.
"""

from __future__ import annotations

import datetime
import errno
import json
import os
import shutil
import stat
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.asyn_wrapper import AsyncFileSystemWrapper
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


@pytest.mark.parametrize(("name", "left"), [(LIST, b""), (LIST, None), ("manifest.json", b"{")])
def test_a_damaged_local_copy_is_made_again_beside_itself(tmp_path: Path, name: str, left: bytes | None) -> None:
    """Readers of what is left of it keep that until the new one is whole, whether making it succeeds or not."""
    own, target = release(tmp_path, "2026-06-29.aaaa", **{LIST: "one", "report/index.html": "page"}), tmp_path / "copy"
    night = target / "as_of=2026-06-29"
    # The second time the copy that is damaged is the one that was made beside the first.
    for _ in range(2):
        copy_night(str(target), own, NIGHT)
        if left is None:
            (night / name).unlink()
        else:
            (night / name).write_bytes(left)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(shutil, "copyfile", full_disk)
            with pytest.raises(PublicationError, match=r"the copy failed \(No space left on device\)"):
                copy_night(str(target), own, NIGHT)
        assert (night / "report" / "index.html").read_text(encoding="utf-8") == "page"
        assert copy_night(str(target), own, NIGHT) == 3
        assert (night / LIST).read_text(encoding="utf-8") == "one"
        assert (target / "latest").resolve() == night.resolve()
        assert [p.name for p in (target / ".nights").iterdir()] == [night.resolve().name]
        assert copy_night(str(target), own, NIGHT) == 0


def full_disk(source: Path, target: Path, **options: object) -> None:
    """What a copy meets on a disk with room for a few bytes more."""
    Path(target).write_bytes(b"o")
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))


def test_a_local_destination_that_is_full_is_not_left_so(tmp_path: Path) -> None:
    """The line says what was wrong, and where only as far as a setting's name."""
    own, target = release(tmp_path, "2026-06-29.aaaa", **{LIST: "one"}), tmp_path / "copy"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shutil, "copyfile", full_disk)
        with pytest.raises(PublicationError) as refused:
            copy_night(str(target), own, NIGHT)
    assert str(refused.value) == (
        "delivery.destination: the copy failed (No space left on device); the night is published, and running it again "
        "copies it"
    )
    assert list((target / ".nights").iterdir()) == []


def test_the_draft_of_a_killed_copy_goes_with_the_next(tmp_path: Path) -> None:
    """Also where the night itself is there already: its room is somebody's."""
    own, target = release(tmp_path, "2026-06-29.aaaa", **{LIST: "one"}), tmp_path / "copy"
    copy_night(str(target), own, NIGHT)
    (target / ".nights" / ".draft" / "tables").mkdir(parents=True)
    assert copy_night(str(target), own, NIGHT) == 0
    assert [p.name for p in (target / ".nights").iterdir()] == ["2026-06-29.aaaa"]


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


class Renaming(MemoryFileSystem):
    """A store that renames where the name is free, and copies nothing by itself: FTP."""

    protocol = "renamestore"

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return super()._strip_protocol(path.removeprefix("renamestore://"))

    def cp_file(self, path1: str, path2: str, **options: object) -> None:
        raise NotImplementedError

    def mv(self, path1: str, path2: str, **options: object) -> None:
        if self.exists(path2):
            raise FileExistsError(path2)
        self.store[path2] = self.store.pop(path1)


class ManyAtOnce(AsyncFileSystemWrapper):
    """A store whose client sends many requests at once, as those of the large object stores do."""

    protocol = "asyncstore"

    def __init__(self, **options: object) -> None:
        super().__init__(MemoryFileSystem(), **options)


@pytest.mark.parametrize("kind", [MemoryFileSystem, Renaming, ManyAtOnce])
def test_a_new_release_takes_over_once_it_has_arrived_whole(
    memory: MemoryFileSystem, tmp_path: Path, kind: type[fsspec.AbstractFileSystem]
) -> None:
    """Until then the lists of before are there with their manifest; afterwards nothing of them is."""
    url, root = f"{kind.protocol}://lists", "/lists"
    if kind is not MemoryFileSystem:
        fsspec.register_implementation(kind.protocol, kind, clobber=True)
    copy_night(url, release(tmp_path, "a", **{LIST: "one", "gone.csv": "x"}), NIGHT)
    before = {name: memory.cat_file(name) for name in memory.find(root)}
    own, seen = release(tmp_path, "b", **{LIST: "two", "new.csv": "y"}), []
    put = MemoryFileSystem.put_file

    def watched(self: MemoryFileSystem, source: str, target: str, **options: object) -> None:
        seen.append({name: self.cat_file(name) for name in before if self.exists(name)})
        put(self, source, target, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MemoryFileSystem, "put_file", watched)
        assert copy_night(url, own, NIGHT) == 3
    assert seen == [before] * 3
    names = {f"{root}/as_of=2026-06-29/{name}" for name in ("manifest.json", LIST, "new.csv")}
    assert set(memory.find(root)) == names | {f"{root}/latest.json"}
    assert memory.cat_file(f"{root}/as_of=2026-06-29/{LIST}") == b"two"
    assert not memory.exists(f"{root}/.draft")
    assert copy_night(url, own, NIGHT) == 0


def test_a_new_release_that_does_not_arrive_leaves_the_lists_of_before(
    memory: MemoryFileSystem, tmp_path: Path
) -> None:
    """And no half of it in a store that is full. What a killed copy left there goes with the next."""
    copy_night("memory://lists", release(tmp_path, "a", **{LIST: "one", "gone.csv": "x"}), NIGHT)
    before = {name: memory.cat_file(name) for name in memory.find("/lists")}
    own = release(tmp_path, "b", **{LIST: "two"})
    put = type(memory).put_file

    def full(self: MemoryFileSystem, source: str, target: str, **options: object) -> None:
        put(self, source, target, **options)
        if target.endswith("manifest.json"):
            raise OSError(errno.ENOSPC, "no space at memory://user:hunter2@lists")

    def killed(self: MemoryFileSystem, source: str, target: str, **options: object) -> None:
        put(self, source, target, **options)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(memory), "put_file", full)
        with pytest.raises(
            PublicationError, match=r"the copy failed \(No space left on device\); the night"
        ) as refused:
            copy_night("memory://lists", own, NIGHT)
    assert "hunter2" not in str(refused.value)
    assert {name: memory.cat_file(name) for name in memory.find("/lists")} == before
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(memory), "put_file", killed)
        with pytest.raises(KeyboardInterrupt):
            copy_night("memory://lists", own, NIGHT)
    memory.pipe_file("/lists/.draft/of-another.csv", b"x")
    assert copy_night("memory://lists", own, NIGHT) == 2
    assert sorted(memory.find("/lists")) == [
        f"/lists/as_of=2026-06-29/{name}" for name in ("manifest.json", LIST)
    ] + ["/lists/latest.json"]  # fmt: skip


def test_a_release_that_takes_over_in_part_is_no_night_until_the_next_copy(
    memory: MemoryFileSystem, tmp_path: Path
) -> None:
    copy_night("memory://lists", release(tmp_path, "a", **{LIST: "one"}), NIGHT)
    own = release(tmp_path, "b", **{LIST: "two", "z.csv": "x"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(memory), "cp_file", lambda *_, **__: 1 / 0)
        with pytest.raises(PublicationError, match=r"the copy failed \(ZeroDivisionError\)"):
            copy_night("memory://lists", own, NIGHT)
    assert not memory.exists("/lists/as_of=2026-06-29/manifest.json")
    assert not memory.exists("/lists/.draft")
    assert copy_night("memory://lists", own, NIGHT) == 3
    assert memory.cat_file(f"/lists/as_of=2026-06-29/{LIST}") == b"two"


def test_a_store_that_does_not_answer_is_not_taken_for_an_empty_one(memory: MemoryFileSystem, tmp_path: Path) -> None:
    """`exists` of fsspec says no whatever went wrong: nothing may be written over lists upon its word."""
    copy_night("memory://lists", release(tmp_path, "a", **{LIST: "one"}), NIGHT)

    def unreachable(self: MemoryFileSystem, path: str, **options: object) -> bytes:
        raise ConnectionError(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(memory), "cat_file", unreachable)
        patch.setattr(type(memory), "exists", lambda *_, **__: False)
        with pytest.raises(PublicationError, match=r"the copy failed \(ConnectionError\)"):
            copy_night("memory://lists", release(tmp_path, "b", **{LIST: "two"}), NIGHT)
    assert memory.cat_file(f"/lists/as_of=2026-06-29/{LIST}") == b"one"


def test_a_damaged_file_in_a_store_is_no_copy(memory: MemoryFileSystem, tmp_path: Path) -> None:
    own = release(tmp_path, "a", **{LIST: "one"})
    copy_night("memory://lists", own, NIGHT)
    memory.pipe_file(f"/lists/as_of=2026-06-29/{LIST}", b"")
    assert copy_night("memory://lists", own, NIGHT) == 2
    assert memory.cat_file(f"/lists/as_of=2026-06-29/{LIST}") == b"one"


def test_an_earlier_night_moves_no_pointer_back(memory: MemoryFileSystem, tmp_path: Path) -> None:
    for night in (LATER, NIGHT):
        copy_night("memory://lists", release(tmp_path, str(night), **{LIST: "x"}), night)
    assert json.loads(memory.cat_file("/lists/latest.json")) == {"as_of": str(LATER)}


def test_a_pointer_that_failed_is_written_by_the_next_run(memory: MemoryFileSystem, tmp_path: Path) -> None:
    copy_night("memory://lists", release(tmp_path, "a", **{LIST: "one"}), NIGHT)
    own = release(tmp_path, "b", **{LIST: "two"})

    def full(self: MemoryFileSystem, path: str, value: bytes, **options: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(memory), "pipe_file", full)
        with pytest.raises(PublicationError, match="the copy failed"):
            copy_night("memory://lists", own, LATER)
    assert json.loads(memory.cat_file("/lists/latest.json")) == {"as_of": str(NIGHT)}
    assert copy_night("memory://lists", own, LATER) == 0
    assert json.loads(memory.cat_file("/lists/latest.json")) == {"as_of": str(LATER)}


@pytest.mark.parametrize(
    "content", [b"", b'{"as_of": "2026-0', b"\xff", b"[]", b"{}", b'{"as_of": 5}', b'{"as_of": ""}']
)
@pytest.mark.parametrize("night", [NIGHT, LATER])
def test_an_unreadable_pointer_counts_as_none(
    memory: MemoryFileSystem, tmp_path: Path, content: bytes, night: datetime.date
) -> None:
    """Whichever night is copied next, the newest complete one is named again: an earlier one moves nothing back."""
    for one in (NIGHT, LATER):
        copy_night("memory://lists", release(tmp_path, str(one), **{LIST: "x"}), one)
    memory.pipe_file("/lists/as_of=2026-07-01/report/index.html", b"a night without its manifest")
    memory.pipe_file("/lists/as_of=readme/manifest.json", b"no night")
    memory.pipe_file("/lists/latest.json", content)
    assert copy_night("memory://lists", tmp_path / str(night), night) == 0
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
