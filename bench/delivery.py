"""Measure per-pharmacy files beside creating and syncing as many files of equal size.

    python bench/delivery.py                          # to the terminal; about two minutes and 1 GB of disk
    python bench/delivery.py --pharmacies 1000        # a first look
    python bench/delivery.py --write                  # and rewrite docs/performance-delivery.md

Measured is the path of a night: `write_worklists` for made-up lists of thirty rows, each pharmacy's Parquet and outcome
sheet, the delivery log with its digests, one sync of the file system. The floor, in the same process and turn by turn,
creates files of the same number and sizes, syncs each of them, and knows nothing of what is in them; the floor of one
sync, as a night does it, is shown beside it. CPU and wall seconds, the least of the runs.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa

from assets.engine import files
from assets.engine.contract import contract_for
from assets.engine.delivery import write_log, write_worklists
from assets.engine.model import ROOT
from bench.measuring import processor, table, timed, yes

SIZES = (1_000, 20_000)
ROWS = 30
TARGET = 3.0
METADATA = {"as_of": "2026-06-30", "contract_version": "1.0.0", "settings_digest": "0" * 16}
PAGE = ROOT / "docs" / "performance-delivery.md"
# What tells one row from the next; every other column holds what its contract gives as an example.
TOLD = {
    "pharmacy_npi": "cast(1000000000 + pharmacy as varchar)",
    "list_rank": "cast(line as integer)",
    "gap_id": "substr(sha256(concat(pharmacy, '-', line)), 1, 16)",
    "person_id": "concat('P', pharmacy, '-', line)",
    "state": "'TX'",
    "score": "cast(60 - line as decimal(9, 4))",
    "reason": "concat('Last fill ran out on 2026-06-', 10 + line % 20, '; ', line, ' days may still be missed this year.')",
    "first_name": "concat('Given', line * pharmacy % 977)",
    "last_name": "concat('Family', line * pharmacy % 7919)",
    "phone": "cast(2025550000 + line * pharmacy % 9973 as varchar)",
    "rx_number": "cast(7000000 + line * pharmacy % 99991 as varchar)",
    "related_drug": "'atorvastatin'",
}


def draw(con: duckdb.DuckDBPyConnection, pharmacies: int) -> None:
    """Make the lists and their contact columns up."""
    con.execute("create schema if not exists outreach")
    for name in ("worklist", "contact"):
        contract = contract_for("outreach", name)
        con.execute(f"create or replace table {contract.id} ({contract.ddl()})")
        default = contract.default_row()
        con.execute(f"insert into {contract.id} values ({', '.join('?' * len(default))})", list(default.values()))
        told = ", ".join(f"{TOLD[c]} as {c}" if c in TOLD else f"one.{c}" for c in contract.columns)
        con.execute(
            f"create or replace table {contract.id} as select {told} from {contract.id} as one, "
            f"range({pharmacies}) as p (pharmacy), range(1, {ROWS + 1}) as l (line)"
        )


def deliver(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """What a night does."""
    delivered = write_worklists(con, folder / "worklists", ("parquet",), METADATA)
    write_log(folder / "delivery_log.csv", delivered, METADATA["as_of"])
    files.sync(folder)


def plain(folder: Path, sizes: list[int], *, each: bool) -> None:
    """Create files of the sizes given, and sync each of them or the file system once."""
    content = os.urandom(max(sizes))
    for number, size in enumerate(sizes):
        with (folder / f"{number}.bin").open("wb", buffering=0) as stream:
            stream.write(memoryview(content)[:size])
            if each:
                os.fsync(stream.fileno())
    files.sync(folder)


def measure(pharmacies: int, runs: int, place: Path | None) -> dict[str, tuple[float, float]]:
    """Least CPU and wall seconds of each way, turn by turn; `bytes` holds files and bytes."""
    samples: dict[str, list[tuple[float, float]]] = {"deliver": [], "each": [], "once": []}
    sizes: list[int] = []
    with duckdb.connect(config={"threads": 1}) as con, tempfile.TemporaryDirectory(dir=place) as folder:
        draw(con, pharmacies)
        ways: dict[str, Callable[[Path], None]] = {
            "deliver": lambda at: deliver(con, at),
            "each": lambda at: plain(at, sizes, each=True),
            "once": lambda at: plain(at, sizes, each=False),
        }
        for _ in range(runs):
            for name, way in ways.items():
                at = Path(folder) / name
                at.mkdir()
                samples[name].append(timed(lambda at=at, way=way: way(at)))
                if name == "deliver":
                    with (at / "delivery_log.csv").open(encoding="utf-8", newline="") as stream:
                        sizes = [int(line["bytes"]) for line in csv.DictReader(stream)]
                shutil.rmtree(at)
                files.sync(Path(folder))
    least = {name: (min(cpu for cpu, _ in times), min(wall for _, wall in times)) for name, times in samples.items()}
    return {**least, "bytes": (len(sizes), sum(sizes))}


def page(found: dict[int, dict[str, tuple[float, float]]], runs: int) -> str:
    """`docs/performance-delivery.md`."""
    ways = {
        "deliver": "lists, outcome sheets and log, one sync",
        "each": "plain files of the same sizes, each synced",
        "once": "plain files of the same sizes, one sync",
    }
    rows = []
    for pharmacies, result in found.items():
        for name, told in ways.items():
            rows.append([f"{pharmacies:,}", told, *(f"{value:.2f}" for value in result[name])])
    judged = []
    for pharmacies, result in found.items():
        for kind, at in (("CPU", 0), ("wall", 1)):
            ratio = result["deliver"][at] / result["each"][at]
            judged.append(
                [
                    f"{kind} seconds, {pharmacies:,} pharmacies",
                    f"{ratio:.1f}",
                    f"at most {TARGET:g}",
                    yes(ratio <= TARGET),
                ]
            )
    count, size = next(reversed(found.values()))["bytes"]
    return f"""# Performance of per-pharmacy files

Generated by `python bench/delivery.py --write`; do not edit. The least of {runs} runs on {processor()};
pyarrow {pa.__version__}. The machine was shared, so that wall seconds say little, and CPU seconds more than they would on a
quiet one. Delivery and floor took turns in one process.

A delivery is a Parquet file and an outcome sheet for each pharmacy, thirty rows each: {count:,.0f} files of
{size / count:,.0f} bytes on average for the larger number of pharmacies. The floor creates as many files of the same sizes
and syncs each of them; it knows nothing of what is in them.

{table(["Times the floor", "found", "target", "met"], judged)}

{table(["Pharmacies", "Written", "CPU s", "Wall s"], rows)}

Parquet writes a header, a page and a place in the footer for every column of every file, whatever the number of rows:
that is most of the CPU time here, and it grows with the columns, not with the rows. A pharmacy's file has no
dictionaries and no statistics for that reason, is made in memory and hashed there once. The record of each state is one
file and keeps both.
"""


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pharmacies", type=int, nargs="+", default=SIZES)
    parser.add_argument("--runs", type=int, default=3, help="the least is shown")
    parser.add_argument("--folder", type=Path, help="where the files lie meanwhile; on the disk that counts")
    parser.add_argument("--write", action="store_true", help="rewrite docs/performance-delivery.md")
    asked = parser.parse_args()
    text = page({size: measure(size, asked.runs, asked.folder) for size in asked.pharmacies}, asked.runs)
    print(text)
    if asked.write:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
