"""Durable files: modes, hashes, one sync, one rename."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from assets.engine.errors import PublicationError

PUBLIC_FOLDER, PUBLIC_FILE = 0o750, 0o640
SECRET_FOLDER, SECRET_FILE = 0o700, 0o600


def make_folder(path: Path, mode: int) -> Path:
    """Make a folder and its parents; the folder itself gets `mode`, whatever the umask."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(mode)
    return path


def create_secret(path: Path) -> TextIO:
    """A new text file that nobody else may read, from its first byte on."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, SECRET_FILE)
    return os.fdopen(descriptor, "w", encoding="utf-8", newline="")


def set_modes(folder: Path, folder_mode: int, file_mode: int, group: str = "") -> None:
    """Give a finished tree its modes and, where one is named, its group.

    Raises:
        PublicationError: There is no such group.
    """
    for path in [folder, *folder.rglob("*")]:
        path.chmod(folder_mode if path.is_dir() else file_mode)
        if group:
            try:
                shutil.chown(path, group=group)
            except LookupError as error:
                raise PublicationError(
                    f"delivery.group: found {group!r}; an existing POSIX group is expected"
                ) from error


@dataclass(frozen=True)
class Written:
    """A file with its size and digest, so that nobody needs to read it again to know them."""

    path: Path
    size: int
    sha256: str


def write(path: Path, content: bytes | memoryview) -> Written:
    """Write a file whole."""
    path.write_bytes(content)
    return Written(path, len(content), hashlib.sha256(content).hexdigest())


def written(path: Path) -> Written:
    """What somebody else wrote."""
    return Written(path, path.stat().st_size, sha256(path))


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Bring everything written to the file system of `path` to the disk: once, before the switch."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Bring the names in a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def switch(link: Path, target: str) -> None:
    """Point a relative link at `target` by one rename: readers see the old or the new, never neither."""
    fresh = link.with_name(f".{link.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)
    sync_folder(link.parent)
