"""A copy of a published night elsewhere: a local folder, or whatever fsspec reaches.

Locally the copy becomes visible by one rename of a link, as the night itself. A remote store knows no such rename:
there the manifest comes last, so that a night whose manifest is there is complete, and a night that is there already is
touched only once its new release has arrived whole beside it. The restricted part never leaves. A destination may hold
a password: no message names it.
"""

from __future__ import annotations

import datetime
import errno
import grp
import json
import os
import shutil
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any, cast

import fsspec
from fsspec.implementations.local import LocalFileSystem

from assets.engine import files
from assets.engine.delivery_keys import read_keys
from assets.engine.errors import PublicationError, SettingsError
from assets.engine.releases import DRAFT, MANIFEST, SHELF, nights
from assets.engine.settings import Delivery

POINTER = "latest.json"


def refuse_undeliverable(delivery: Delivery) -> None:
    """Find what no night could be handed over with, before it is run; the store itself is not asked.

    Raises:
        SettingsError: There is no such group, or the package of the store is not installed.
        PublicationError: A key cannot be used.
    """
    if delivery.key_folder:
        read_keys(Path(delivery.key_folder))
    if delivery.group:
        try:
            grp.getgrnam(delivery.group)
        except KeyError as error:
            raise SettingsError(
                f"delivery.group: found {delivery.group!r}; an existing POSIX group is expected"
            ) from error
    protocol, mark, _ = delivery.destination.partition("://")
    if mark:
        try:
            fsspec.get_filesystem_class(protocol)
        except ImportError as error:
            package = getattr(error.__cause__, "name", None) or "its package"
            raise SettingsError(
                f"delivery.destination: found a URL of {protocol}:// and no package that reaches it; {package} is to be "
                "installed beside caregaps"
            ) from error


def copy_night(destination: str, release: Path, as_of: datetime.date, group: str = "") -> int:
    """Bring a published night to a destination, and return how many files were written; 0 where it is there already.

    Args:
        destination: Absolute path or fsspec URL.
        release: The night's own folder.
        as_of: The night.
        group: POSIX group that may read a local copy.

    Raises:
        PublicationError: The destination cannot be reached or written. The night itself stays published.
    """
    try:
        parts = {p.relative_to(release).as_posix(): p for p in sorted(release.rglob("*")) if p.is_file()}
        # By now the release's files are as its manifest says: their sizes are those that a copy must have.
        parts[MANIFEST] = parts.pop(MANIFEST)
        store, root = fsspec.core.url_to_fs(destination)
        if isinstance(store, LocalFileSystem):
            return _copy_locally(Path(root), release, parts, as_of, group)
        return _copy_remotely(store, root.rstrip("/"), parts, as_of)
    except PublicationError:
        raise
    except Exception as error:  # noqa: BLE001  (each store's client has errors of its own, whose text may quote the URL)
        raise PublicationError(
            f"delivery.destination: the copy failed ({_cause(error)}); the night is published, and running it again "
            "copies it"
        ) from None


def _cause(error: Exception) -> str:
    """What may be told of an error: the system's own words for its number, never its text."""
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number) if number is not None and number in errno.errorcode else type(error).__name__


# A local path ---------------------------------------------------------------------------------------------------------


def _copy_locally(root: Path, release: Path, parts: dict[str, Path], as_of: datetime.date, group: str) -> int:
    # The folder itself may be another's: its mode is theirs.
    root.mkdir(parents=True, exist_ok=True)
    shelf = files.make_folder(root / SHELF, files.PUBLIC_FOLDER)
    link, draft = root / f"as_of={as_of}", shelf / DRAFT
    # What a run that was killed left takes the room that this one needs.
    shutil.rmtree(draft, ignore_errors=True)
    # A damaged copy is never repaired under its name while readers see it: another stands beside it.
    places = (shelf / release.name, shelf / f"{release.name}-again")
    copy, written = next((place for place in places if _is_whole(place, parts)), None), 0
    if copy is None:
        shown = link.resolve().name
        copy = next(place for place in places if place.name != shown)
        shutil.rmtree(copy, ignore_errors=True)
        try:
            _fill(draft, release, group)
            draft.rename(copy)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        files.sync_folder(shelf)
        written = len(parts)
    files.switch(link, f"{SHELF}/{copy.name}")
    if max(nights(root)) == as_of:
        files.switch(root / "latest", link.name)
    for place in places:
        if place != copy:
            shutil.rmtree(place, ignore_errors=True)
    return written


def _is_whole(copy: Path, parts: dict[str, Path]) -> bool:
    try:
        return all((copy / name).stat().st_size == path.stat().st_size for name, path in parts.items())
    except (FileNotFoundError, NotADirectoryError):
        return False


def _fill(draft: Path, release: Path, group: str) -> None:
    draft.mkdir(mode=files.SECRET_FOLDER)
    # File by file: `shutil.copytree` goes on after a disk is full, and then keeps to itself what was wrong.
    for path in sorted(release.rglob("*")):
        target = draft / path.relative_to(release)
        if path.is_dir():
            target.mkdir()
        else:
            shutil.copy2(path, target)
    files.set_modes(draft, files.PUBLIC_FOLDER, files.PUBLIC_FILE, group)
    # On the disk before it has its name: a copy is taken for whole by its files' sizes.
    files.sync(draft)


# Any other store ------------------------------------------------------------------------------------------------------


def _copy_remotely(store: fsspec.AbstractFileSystem, root: str, parts: dict[str, Path], as_of: datetime.date) -> int:
    # Others may have written there since this process last looked.
    store.invalidate_cache()
    folder, draft, written = _folder(root, as_of), f"{root}/{DRAFT}", 0
    _clear(store, draft)
    there = _read(store, f"{folder}/{MANIFEST}")
    if there is None:
        # Nobody takes it for a night until its manifest is there.
        _remove_others(store, folder, parts)
        _upload(store, folder, parts)
        written = len(parts)
    elif there != parts[MANIFEST].read_bytes() or not _holds(store, folder, parts):
        try:
            _upload(store, draft, parts)
            _take_over(store, draft, folder, parts)
        except Exception:
            # A store that is full would stay so. One that is out of reach is cleared by the next copy.
            with suppress(Exception):
                _clear(store, draft)
            raise
        _clear(store, draft)
        written = len(parts)
    _point(store, root, as_of)
    return written


def _upload(store: fsspec.AbstractFileSystem, folder: str, parts: dict[str, Path]) -> None:
    """Bring every file to a folder of the store, the manifest last."""
    store.makedirs(folder, exist_ok=True)
    for name, path in parts.items():
        target = f"{folder}/{name}"
        store.makedirs(_parent(target), exist_ok=True)
        store.put_file(str(path), target)
        if store.size(target) != path.stat().st_size:
            raise PublicationError(f"delivery.destination: {name} arrived with another size; the copy is not complete")


def _take_over(store: fsspec.AbstractFileSystem, draft: str, folder: str, parts: dict[str, Path]) -> None:
    """Put a release that has arrived in the place of the one before it: the old manifest goes first, the new one last."""
    store.rm_file(f"{folder}/{MANIFEST}")
    _remove_others(store, folder, parts)
    names = [name for name in parts if name != MANIFEST]
    for parent in sorted({_parent(f"{folder}/{name}") for name in names}):
        store.makedirs(parent, exist_ok=True)
    for some in (names, [MANIFEST]):
        _copy_within(store, [f"{draft}/{name}" for name in some], [f"{folder}/{name}" for name in some])


def _copy_within(store: fsspec.AbstractFileSystem, sources: list[str], targets: list[str]) -> None:
    try:
        if store.async_impl:
            # Many at once: until the manifest is there the night has no lists.
            store.copy(sources, targets)
            return
        for source, target in zip(sources, targets, strict=True):
            store.cp_file(source, target)
    except NotImplementedError:
        # SFTP and its like copy nothing by themselves; they rename, where the name is free.
        for source, target in zip(sources, targets, strict=True):
            if store.exists(target):
                store.rm_file(target)
            store.mv(source, target)


def _point(store: fsspec.AbstractFileSystem, root: str, as_of: datetime.date) -> None:
    """Let the pointer name the newest night; one that cannot be read counts as none."""
    pointer = f"{root}/{POINTER}"
    try:
        pointed = datetime.date.fromisoformat(json.loads(_read(store, pointer) or b"")["as_of"])
    except (ValueError, KeyError, TypeError):
        pointed = None
    newest = max(as_of, pointed or _last_night(store, root, as_of))
    # Not on every store is a file replaced at once: what is right is left alone.
    if newest != pointed:
        store.pipe_file(pointer, json.dumps({"as_of": str(newest)}).encode())


def _last_night(store: fsspec.AbstractFileSystem, root: str, as_of: datetime.date) -> datetime.date:
    """The newest complete night of a store from `as_of` on."""
    later = {as_of}
    for path in store.ls(root, detail=False):
        with suppress(ValueError):
            night = datetime.date.fromisoformat(str(path).rstrip("/").rpartition("/as_of=")[2])
            if night > as_of and _read(store, f"{_folder(root, night)}/{MANIFEST}"):
                later.add(night)
    return max(later)


def _read(store: fsspec.AbstractFileSystem, path: str) -> bytes | None:
    """A file of the store; None where it is not there. `exists` also says no of a store that does not answer."""
    try:
        return cast("bytes", store.cat_file(path))
    except FileNotFoundError:
        return None


def _holds(store: fsspec.AbstractFileSystem, folder: str, parts: dict[str, Path]) -> bool:
    listed = cast("dict[str, dict[str, Any]]", store.find(folder, detail=True))
    sizes = {_below(path, folder): told["size"] for path, told in listed.items()}
    return all(sizes.get(name) == path.stat().st_size for name, path in parts.items())


def _remove_others(store: fsspec.AbstractFileSystem, folder: str, parts: dict[str, Path]) -> None:
    """Remove what an earlier release of the night left and this one does not have."""
    for path in store.find(folder):
        if _below(str(path), folder) not in parts:
            store.rm_file(path)


def _clear(store: fsspec.AbstractFileSystem, folder: str) -> None:
    if store.exists(folder):
        store.rm(folder, recursive=True)


def _folder(root: str, night: datetime.date) -> str:
    return f"{root}/as_of={night}"


def _parent(path: str) -> str:
    return str(PurePosixPath(path).parent)


def _below(path: str, folder: str) -> str:
    """A path relative to a folder of the store; stores differ in leading slashes."""
    return path.lstrip("/").removeprefix(folder.lstrip("/")).lstrip("/")
