"""One digest over all that turns claims into tables: what was kept from an earlier night is told apart by it."""

from __future__ import annotations

import hashlib
from functools import cache

import duckdb

from assets.engine.contract import CONTRACTS
from assets.engine.model import ROOT, SQL

SOURCES = (ROOT / "assets", CONTRACTS, SQL)


@cache
def code_digest() -> str:
    """Sixteen hex digits over the engine's version and every file of code, contracts, registries, value sets and SQL."""
    digest = hashlib.sha256(duckdb.__version__.encode())
    for path in sorted(path for folder in SOURCES for path in folder.rglob("*")):
        if path.is_file() and path.suffix not in (".pyc", ".png"):
            digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
