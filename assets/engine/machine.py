"""What a machine that ran out of memory or disk says while a file of the delivery is read: no fault of the file."""

from __future__ import annotations

import errno

import duckdb

from assets.engine.errors import PublicationError

# What is written while a file is read lands beside the warehouse; reading alone meets none of these.
DISK_WORDS = ("no space left", "disk quota", "file too large")
DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG}


def refuse_for_machine(error: Exception, label: str) -> None:
    """Raise what tells of the machine, and return where an error is of another kind.

    Args:
        error: What was raised while a file was read.
        label: The file's name in messages.

    Raises:
        PublicationError: The engine had no memory or no disk.
        MemoryError: Python or Arrow had none; `warehouse.cause_of` tells it.
        OSError: Something else could not be written; the same.
    """
    if isinstance(error, duckdb.OutOfMemoryException):
        raise PublicationError(
            f"{label}: memory or disk ran out; raise limits.memory_gb, or lower it where the machine has less, or free space"
        ) from error
    if isinstance(error, duckdb.Error) and any(word in str(error).lower() for word in DISK_WORDS):
        raise PublicationError(f"{label}: the disk ran out; free space beside the warehouse") from error
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        raise MemoryError from error
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in DISK_ERRORS):
        raise error
