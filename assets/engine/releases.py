"""Releases: the folders below `.nights`, which of them readers see, whether one is whole, and which may go.

The public link of a night is the one door: its restricted part is the folder of the same name below
`restricted/.nights`, so that one rename switches both.
"""

from __future__ import annotations

import datetime
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from assets.engine import files
from assets.engine.errors import PublicationError

MANIFEST, SHELF, SECRET, DRAFT = "manifest.json", ".nights", "restricted", ".draft"


def nights(folder: Path) -> dict[datetime.date, Path]:
    """The published nights below a folder of `as_of=` links, oldest first."""
    found = {}
    for path in folder.glob("as_of=*"):
        try:
            found[datetime.date.fromisoformat(path.name.removeprefix("as_of="))] = path
        except ValueError:
            continue
    return dict(sorted(found.items()))


def night_before(output: Path, as_of: datetime.date) -> Path | None:
    """The newest published night before `as_of`."""
    earlier = {night: link for night, link in nights(output).items() if night < as_of}
    return earlier[max(earlier)] if earlier else None


def restricted_part(night: Path) -> Path:
    """The restricted part of the release that a night's link shows at this moment."""
    release = night.resolve()
    if release.parent.name == SHELF:
        return release.parent.parent / SECRET / SHELF / release.name
    # A night that was restored as a folder in place of a link.
    return night.parent / SECRET / night.name


def last_night(output: Path) -> tuple[Path, dict[str, Any]]:
    """The release behind `latest`, as it is at this moment, and its manifest.

    Raises:
        PublicationError: Nothing is published, or it cannot be read.
    """
    release = (output / "latest").resolve()
    try:
        manifest = json.loads((release / MANIFEST).read_text(encoding="utf-8"))
        datetime.date.fromisoformat(manifest["as_of"])
    except (FileNotFoundError, NotADirectoryError) as error:
        raise PublicationError(f"{output}: found no published night; run `caregaps run` first") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PublicationError(
            f"{output}: the manifest of the last night cannot be read; restore the night from a backup, or run it again"
        ) from error
    return release, manifest


def damaged_files(night: Path, secret: Path, below: str = "") -> list[str]:
    """The files that a release's manifest names below a path and that are not there as they were written.

    Raises:
        PublicationError: There is no manifest that can be read.
    """
    try:
        told = json.loads((night / MANIFEST).read_text(encoding="utf-8"))["files"]
        named = {f["path"]: (f["bytes"], f["sha256"]) for f in told if f["path"].startswith(below)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PublicationError(
            f"{night.name}: found no readable manifest; restore the night from a backup, or run it again"
        ) from error
    return [path for path, written in named.items() if _read(_place(night, secret, path)) != written]


def _place(night: Path, secret: Path, path: str) -> Path:
    prefix = f"{SECRET}/"
    return secret / path.removeprefix(prefix) if path.startswith(prefix) else night / path


def _read(path: Path) -> tuple[int, str] | None:
    try:
        return path.stat().st_size, files.sha256(path)
    except OSError:
        return None


def is_whole(night: Path, secret: Path) -> bool:
    """Whether a release is there with every file of its manifest, byte for byte."""
    try:
        return night.is_dir() and secret.is_dir() and not damaged_files(night, secret)
    except PublicationError:
        return False


def place_for(output: Path, as_of: datetime.date, digest: str) -> tuple[Path, Path, bool]:
    """Where a release with this content belongs, and whether it is there already, whole.

    A release that was damaged is never repaired under its name while readers see it: another stands beside it.
    """
    shelf, secret_shelf = output / SHELF, output / SECRET / SHELF
    shown = (output / f"as_of={as_of}").resolve().name
    first = f"{as_of}.{digest}"
    later = sorted(p.name for p in shelf.glob(f"{first}-*"))
    for name in (shown, first, *later):
        if name in {first, *later} and is_whole(shelf / name, secret_shelf / name):
            return shelf / name, secret_shelf / name, True
    number = 1
    while (name := first if number == 1 else f"{first}-{number}") == shown:
        number += 1
    return shelf / name, secret_shelf / name, False


def clear_drafts(output: Path) -> None:
    """Remove what a run that was cut off left half-written, as far as it can be removed."""
    for shelf in (output / SHELF, output / SECRET / SHELF):
        shutil.rmtree(shelf / DRAFT, ignore_errors=True)


def show(output: Path, as_of: datetime.date, name: str) -> None:
    """Switch the links: the restricted one, the night, and `latest` unless a later night is already there."""
    link = f"as_of={as_of}"
    files.switch(output / SECRET / link, f"{SHELF}/{name}")
    files.switch(output / link, f"{SHELF}/{name}")
    if max(nights(output)) == as_of:
        files.switch(output / "latest", link)


def forget(output: Path, as_of: datetime.date, keep_nights: int, keep_releases: int) -> None:
    """Remove what is older than retention asks for.

    Kept are the newest nights and always `as_of`; of each night what its link shows, and the newest of the releases
    that it replaced. A reader who has a file of an older one open keeps it all the same.

    Raises:
        OSError: Something cannot be removed.
    """
    published = list(nights(output))
    kept = {as_of, *published[-keep_nights:]}
    for root in (output, output / SECRET):
        for night, link in nights(root).items():
            if night not in kept:
                link.unlink()
    shown = {night: (output / f"as_of={night}").resolve().name for night in kept}
    for root in (output, output / SECRET):
        for release in list(_superfluous(root / SHELF, shown, keep_releases)):
            shutil.rmtree(release)


def _superfluous(shelf: Path, shown: dict[datetime.date, str], keep_releases: int) -> Iterator[Path]:
    by_night: dict[str, list[Path]] = {}
    for release in shelf.iterdir():
        if not release.name.startswith("."):
            by_night.setdefault(release.name.partition(".")[0], []).append(release)
    kept = {str(night): name for night, name in shown.items()}
    for night, releases in by_night.items():
        if night not in kept:
            yield from releases
            continue
        replaced = sorted((r for r in releases if r.name != kept[night]), key=lambda r: (r.stat().st_mtime_ns, r.name))
        yield from replaced[: max(0, len(replaced) - keep_releases)]
