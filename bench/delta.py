"""Measure a night that carries on: one more day of claims beside the files of before, and the same night from the start.

    python bench/delta.py --members 20000           # a first look
    python bench/delta.py --input DIR               # a delivery of your own, in Parquet and the `tuva` layout
    python bench/delta.py --write                   # a million members; rewrites docs/performance-delta.md

A night is published, then new files come: of every 500 claims one is billed anew in the latest days under an id of its
own, and of those one in ten is reversed. Two processes each publish the next night, one in the working warehouse of the
night before, one in an empty one, both with the published nights of before. Their published files must be the same bytes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import duckdb

from assets.engine.files import sha256
from assets.engine.model import ROOT
from assets.engine.releases import restricted_part
from assets.engine.sql_text import sql_path
from bench.floor import source
from bench.measuring import allowed, child, machine, table, yes
from bench.night import MEMORY_GB, THREADS

NIGHT = Path(__file__).with_name("night.py")
BEFORE, AS_OF = "2026-06-30", "2026-07-01"
TARGET = 8.0
PAGE = ROOT / "docs" / "performance-delta.md"
# One claim of so many is billed again as news; one of so many of those is a reversal of what it repeats.
CLAIMS_PER_NEW, NEW_PER_REVERSAL = 500, 10
CLAIMS = {
    "pharmacy_claim": ("dispensing_date", "quantity > 0"),
    "medical_claim": ("claim_start_date", "true"),
}
SHOWN = 24


def lay_out(delivery: Path, folder: Path) -> None:
    """The delivery as folders of files, so that others can come beside them."""
    folder.mkdir(parents=True)
    for path in sorted(delivery.iterdir()):
        name = path.name.removesuffix(".parquet")
        if name in CLAIMS:
            (folder / name).mkdir()
            for part in sorted(path.glob("*.parquet")) if path.is_dir() else [path]:
                (folder / name / part.name).symlink_to(part.resolve())
        elif name != "truth.csv":
            (folder / path.name).symlink_to(path.resolve())


def bring_news(folder: Path) -> dict[str, tuple[int, int]]:
    """Write one more day of each table of claims, and return the rows of before and the new ones."""
    found = {}
    with duckdb.connect(config={"threads": THREADS}) as con:
        for name, (day, usable) in CLAIMS.items():
            old = source(folder, name)
            columns = con.sql(f"from {old}").columns
            [[rows]] = con.execute(f"select count(*) from {old}").fetchall()
            dates = [c for c in columns if c.endswith("_date") and c != day]
            shifted = ", ".join(f'"{c}" + days as "{c}"' for c in [day, *dates])
            status = ", 'reversed' as claim_status" if "claim_status" in columns else ""
            con.execute(
                f"create or replace temp table picked as select *, hash(claim_id) // {CLAIMS_PER_NEW} % {NEW_PER_REVERSAL} = 0 "
                f"as is_reversal, (date '{AS_OF}' - (hash(claim_id) % 7)::int - {day})::int as days "
                f"from {old} where hash(claim_id) % {CLAIMS_PER_NEW} = 0 and {usable} and {day} <= date '{BEFORE}'"
            )
            path = folder / name / f"{AS_OF}.parquet"
            reversals = f"union all by name select * exclude (days, is_reversal) replace ({status[2:]}) from picked where is_reversal"
            con.execute(
                f"copy (select * exclude (days, is_reversal) replace (claim_id || 'N' as claim_id, {shifted}) "
                f"from picked where not is_reversal {reversals if status else ''}) to {sql_path(path)} (format parquet)"
            )
            [[news]] = con.execute(f"select count(*) from {sql_path(path)}").fetchall()
            found[name] = (rows, news)
    return found


def published(output: Path) -> dict[str, str]:
    """Digest of every published Parquet file of the night."""
    night = output / f"as_of={AS_OF}"
    return {
        f"{part}/{path.relative_to(folder)}": sha256(path)
        for part, folder in (("public", night.resolve()), ("restricted", restricted_part(night)))
        for path in sorted(folder.rglob("*.parquet"))
    }


def measure(delivery: Path, folder: Path) -> dict[str, Any]:
    """The night before, then the next one twice."""
    given = folder / "input"
    lay_out(delivery, given)

    def night(work: str, as_of: str) -> dict[str, Any]:
        (folder / work).mkdir(exist_ok=True)
        told = child(str(NIGHT), "--measure", str(given), "--work", str(folder / work), "--as-of", as_of)
        return json.loads(told.splitlines()[-1])

    night("carried", BEFORE)
    news = bring_news(given)
    shutil.copytree(
        folder / "carried" / "output",
        folder / "fresh" / "output",
        symlinks=True,
        ignore=shutil.ignore_patterns(".warehouse"),
    )
    carried, fresh = night("carried", AS_OF), night("fresh", AS_OF)
    outputs = [published(folder / work / "output") for work in ("carried", "fresh")]
    return {
        "carried": carried,
        "fresh": fresh,
        "news": news,
        "differences": len(dict(outputs[0].items() ^ outputs[1].items())),
    }


def page(found: dict[str, Any], members: int) -> str:
    """`docs/performance-delta.md`."""
    carried, fresh = found["carried"], found["fresh"]
    ratio = fresh["cpu"] / carried["cpu"]
    judged = [
        [
            "CPU seconds from the start over those that carry on",
            f"{ratio:.2f}",
            f"at least {TARGET:g}",
            yes(ratio >= TARGET),
        ]
    ]
    judged.append(["Published files that differ", str(found["differences"]), *allowed(found["differences"], 0)])
    nights = [
        [name, f"{told['cpu']:.1f}", f"{told['wall']:.1f}", f"{told['peak_mb']:.0f}"]
        for name, told in (("from the start", fresh), ("carried on", carried))
    ]
    cost = {
        name: (told["cpu"], carried["assets"].get(name, {"cpu": 0.0})["cpu"]) for name, told in fresh["assets"].items()
    }
    dearest = sorted(cost, key=lambda name: -max(cost[name]))
    assets = [[f"`{name}`", *(f"{cpu:.2f}" for cpu in cost[name])] for name in dearest[:SHOWN]]
    assets.append(["all others", *(f"{sum(cost[n][way] for n in dearest[SHOWN:]):.2f}" for way in (0, 1))])
    rows = [
        [f"`{name}`", f"{old:,}", f"{new:,}", f"{100 * new / old:.2f} %"] for name, (old, new) in found["news"].items()
    ]
    return f"""# Performance of a night that carries on

Generated by `python bench/delta.py --write`; do not edit. {machine(THREADS, MEMORY_GB)}.
The machine was shared, so that wall seconds say little.

{members:,} members of `caregaps sample`. After the night of {BEFORE} one more day of claims comes, as new files beside the
old ones: claims of the latest days under new ids, and reversals of old ones. The night of {AS_OF} is then published twice,
with the same published nights before it: in the working warehouse that is there, and in an empty one. What is carried on,
and what has it built from the start, is in [delta.md](delta.md).

{table(["", "found", "target", "met"], judged)}

{table(["Table", "Rows before", "New rows", "Share"], rows)}

{table(["Night", "CPU s", "Wall s", "Peak MB"], nights)}

## By asset

CPU seconds, dearest first; the contract of a table is judged in its asset.

{table(["Asset", "From the start", "Carried on"], assets)}
"""


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--input", type=Path, help="a delivery in Parquet, instead of a made-up one")
    parser.add_argument("--folder", type=Path, help="where deliveries and nights lie meanwhile")
    parser.add_argument("--write", action="store_true", help="rewrite docs/performance-delta.md")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        folder = Path(name)
        delivery = asked.input or folder / "sample"
        if asked.input is None:
            command = ["sample", "--members", str(asked.members), "--seed", str(asked.seed), "--output", str(delivery)]
            subprocess.run([sys.executable, "-m", "pipelines.cli", *command], check=True, stdout=subprocess.DEVNULL)
        found = measure(delivery, folder)
        with duckdb.connect() as con:
            people = f"select count(distinct person_id) from {source(delivery, 'eligibility')}"
            [[members]] = con.execute(people).fetchall()
    text = page(found, members)
    print(text)
    if asked.write:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
