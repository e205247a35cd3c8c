"""Keys of pharmacies: one file each, outside the repository, for the service user's eyes only.

A key never reaches a message, a log or a published file; what names it there is a fingerprint.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from pathlib import Path

from assets.engine.errors import PublicationError

# DuckDB takes a text of 16, 24 or 32 characters for the key itself, so that shorter keys in base64 would be misread.
KEY_BYTES = 32
OTHERS = 0o077


@dataclass(frozen=True)
class Key:
    """One pharmacy's key."""

    secret: bytes

    @property
    def key_id(self) -> str:
        """Eight hex digits that tell one key from another, and nothing of it."""
        return hashlib.sha256(self.secret).hexdigest()[:8]

    def __repr__(self) -> str:
        """The fingerprint: a key must not be printed by accident."""
        return f"Key({self.key_id})"


def read_keys(folder: Path) -> dict[str, Key]:
    """Every `<npi>.key` of a folder, by NPI: one line of base64, 32 bytes.

    Raises:
        PublicationError: There is no such folder, others may read it, or a file holds no key or another's.
    """
    where = "delivery.key_folder"
    try:
        if folder.stat().st_mode & OTHERS:
            raise PublicationError(f"{where}: others may read the folder; mode 0700 is expected")
        files = sorted(folder.glob("*.key"))
        if exposed := sum(bool(path.stat().st_mode & OTHERS) for path in files):
            raise PublicationError(
                f"{where}: others may read {exposed} of {len(files)} key files; mode 0600 is expected"
            )
        keys = {path.stem: _key(path) for path in files}
    except OSError as error:
        raise PublicationError(
            f"{where}: cannot be read ({error.strerror}); a folder of key files is expected"
        ) from error
    if len({key.secret for key in keys.values()}) < len(keys):
        raise PublicationError(f"{where}: found one key in several files; a key of its own per pharmacy is expected")
    return keys


def _key(path: Path) -> Key:
    try:
        secret = base64.b64decode(path.read_text(encoding="ascii").strip(), validate=True)
    except (binascii.Error, UnicodeDecodeError):
        secret = b""
    if len(secret) != KEY_BYTES:
        # Without `from`: the cause would quote what the file holds.
        raise PublicationError(
            f"delivery.key_folder: {path.name}: found no key; one line of base64, {KEY_BYTES} bytes, is expected"
        ) from None
    return Key(secret)
