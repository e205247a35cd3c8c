"""One digest over all that turns claims into tables: what was kept from an earlier night is told apart by it."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import duckdb

from assets.engine.contract import CONTRACTS
from assets.engine.model import ROOT, SQL

SOURCES = (ROOT / "assets", CONTRACTS, SQL)

# No row at the door and no kept table comes from these: layers after `core`, with their contracts, and words of pages.
LATER = [folder / layer for folder in (CONTRACTS, SQL) for layer in ("facts", "gaps", "outreach")]
PAGES = {".jinja", ".css", ".md", ".png"}


def sources() -> list[Path]:
    """Every file of code, contracts, registries, value sets and SQL that what is kept from an earlier night may rest on."""
    paths = sorted(path for folder in SOURCES for path in folder.rglob("*"))
    return [
        path
        for path in paths
        if path.is_file() and path.suffix not in PAGES | {".pyc"} and not set(LATER).intersection(path.parents)
    ]


@cache
def code_digest() -> str:
    """Sixteen hex digits over the engine's version and all those files."""
    digest = hashlib.sha256(duckdb.__version__.encode())
    for path in sources():
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
