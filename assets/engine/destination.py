"""A copy of a published night elsewhere: a local folder, or whatever fsspec reaches.

Locally the copy becomes visible by one rename of a link, as the night itself. A remote store knows no such rename:
there the manifest goes first and comes last, so that a night whose manifest is there is complete. The restricted part
never leaves. A destination may hold a password: no message names it.
"""

from __future__ import annotations

import datetime
import grp
import json
import shutil
from pathlib import Path, PurePosixPath

import fsspec
from fsspec.implementations.local import LocalFileSystem

from assets.engine import files
from assets.engine.delivery_keys import read_keys
from assets.engine.errors import PublicationError, SettingsError
from assets.engine.releases import MANIFEST, nights
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
        store, root = fsspec.core.url_to_fs(destination)
        if isinstance(store, LocalFileSystem):
            return _copy_locally(Path(root), release, as_of, group)
        return _copy_remotely(store, root.rstrip("/"), release, as_of)
    except PublicationError:
        raise
    except Exception as error:  # noqa: BLE001  (each store's client has errors of its own, whose text may quote the URL)
        raise PublicationError(
            f"delivery.destination: the copy failed ({type(error).__name__}); the night is published, and running it "
            "again copies it"
        ) from None


def _copy_locally(root: Path, release: Path, as_of: datetime.date, group: str) -> int:
    # The folder itself may be another's: its mode is theirs.
    root.mkdir(parents=True, exist_ok=True)
    shelf = files.make_folder(root / ".nights", files.PUBLIC_FOLDER)
    copy, written = shelf / release.name, 0
    if not (copy / MANIFEST).is_file():
        draft = shelf / ".draft"
        for leftover in (draft, copy):
            shutil.rmtree(leftover, ignore_errors=True)
        shutil.copytree(release, draft)
        files.set_modes(draft, files.PUBLIC_FOLDER, files.PUBLIC_FILE, group)
        # On the disk before it has its name: a copy is taken for whole by its manifest.
        files.sync(root)
        draft.rename(copy)
        files.sync_folder(shelf)
        written = sum(path.is_file() for path in copy.rglob("*"))
    link = f"as_of={as_of}"
    files.switch(root / link, f".nights/{copy.name}")
    if max(nights(root)) == as_of:
        files.switch(root / "latest", link)
    return written


def _copy_remotely(store: fsspec.AbstractFileSystem, root: str, release: Path, as_of: datetime.date) -> int:
    folder = f"{root}/as_of={as_of}"
    own = (release / MANIFEST).read_bytes()
    if store.exists(f"{folder}/{MANIFEST}"):
        if store.cat_file(f"{folder}/{MANIFEST}") == own:
            return 0
        store.rm_file(f"{folder}/{MANIFEST}")
    parts = {p.relative_to(release).as_posix(): p for p in sorted(release.rglob("*")) if p.is_file()}
    store.makedirs(folder, exist_ok=True)
    # What an earlier release of the night left, which this one does not have.
    for path in store.find(folder):
        if _below(str(path), folder) not in parts:
            store.rm_file(path)
    manifest = parts.pop(MANIFEST)
    for name, path in [*parts.items(), (MANIFEST, manifest)]:
        target = f"{folder}/{name}"
        store.makedirs(str(PurePosixPath(target).parent), exist_ok=True)
        store.put_file(str(path), target)
        if store.size(target) != path.stat().st_size:
            raise PublicationError(f"delivery.destination: {name} arrived with another size; the copy is not complete")
    pointer = f"{root}/{POINTER}"
    newest = json.loads(store.cat_file(pointer))["as_of"] if store.exists(pointer) else ""
    if str(as_of) >= newest:
        store.pipe_file(pointer, json.dumps({"as_of": str(as_of)}).encode())
    return len(parts) + 1


def _below(path: str, folder: str) -> str:
    """A path relative to a folder of the store; stores differ in leading slashes."""
    return path.lstrip("/").removeprefix(folder.lstrip("/")).lstrip("/")
