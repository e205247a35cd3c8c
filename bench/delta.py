"""Measure nights that carry on: one more day of claims beside the files of before, and the same night from the start.

    python bench/delta.py --members 20000           # a first look
    python bench/delta.py --input DIR --every 1     # a delivery of your own, in Parquet and the `tuva` layout
    python bench/delta.py --write                   # a million members; rewrites docs/performance-delta.md

A night is published, then day after day new files come: of every 500 claims one is billed anew in the latest days under an
id of its own, and of those one in ten is reversed. A process publishes each night in the working warehouse of the nights before; of
the last night, or of every so many, another one does so in an empty warehouse, with the same published nights of before.
Their published files must be the same bytes.
"""

from __future__ import annotations

import argparse
import datetime
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import mean
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
BEFORE = datetime.date(2026, 6, 30)
DAY = datetime.timedelta(1)
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
    """The delivery as folders of files, so that others can come beside them.

    The files of before sort first: from the first file the engine guesses how long all of them are.
    """
    folder.mkdir(parents=True)
    for path in sorted(delivery.iterdir()):
        name = path.name.removesuffix(".parquet")
        if name in CLAIMS:
            (folder / name).mkdir()
            for part in sorted(path.glob("*.parquet")) if path.is_dir() else [path]:
                (folder / name / f"{BEFORE}-{part.name}").symlink_to(part.resolve())
        elif name != "truth.csv":
            (folder / path.name).symlink_to(path.resolve())


def bring_news(delivery: Path, folder: Path, as_of: datetime.date) -> dict[str, tuple[int, int]]:
    """Write one more day of each table of claims, and return the rows of before and the new ones.

    Args:
        delivery: What the claims of a day are made from: other ones of it each day.
        folder: Where they come beside the files of before.
        as_of: The day.
    """
    found = {}
    with duckdb.connect(config={"threads": THREADS}) as con:
        for name, (day, usable) in CLAIMS.items():
            old = source(delivery, name)
            columns = con.sql(f"from {old}").columns
            [[rows]] = con.execute(f"select count(*) from {source(folder, name)}").fetchall()
            dates = [c for c in columns if c.endswith("_date") and c != day]
            shifted = ", ".join(f'"{c}" + days as "{c}"' for c in [day, *dates])
            status = ", 'reversed' as claim_status" if "claim_status" in columns else ""
            draw = f"hash(claim_id || '{as_of}')"
            con.execute(
                f"create or replace temp table picked as select *, {draw} // {CLAIMS_PER_NEW} % {NEW_PER_REVERSAL} = 0 "
                f"as is_reversal, (date '{as_of}' - ({draw} % 7)::int - {day})::int as days "
                f"from {old} where {draw} % {CLAIMS_PER_NEW} = 0 and {usable} and {day} <= date '{BEFORE}'"
            )
            path = folder / name / f"{as_of}.parquet"
            reversals = f"union all by name select * exclude (days, is_reversal) replace ({status[2:]}) from picked where is_reversal"
            con.execute(
                f"copy (select * exclude (days, is_reversal) replace (claim_id || 'N{as_of:%m%d}' as claim_id, {shifted}) "
                f"from picked where not is_reversal {reversals if status else ''}) to {sql_path(path)} (format parquet)"
            )
            [[news]] = con.execute(f"select count(*) from {sql_path(path)}").fetchall()
            found[name] = (rows, news)
    return found


def published(output: Path, as_of: datetime.date) -> dict[str, str]:
    """Digest of every published Parquet file of the night."""
    night = output / f"as_of={as_of}"
    return {
        f"{part}/{path.relative_to(folder)}": sha256(path)
        for part, folder in (("public", night.resolve()), ("restricted", restricted_part(night)))
        for path in sorted(folder.rglob("*.parquet"))
    }


def told_of(output: Path) -> dict[str, str]:
    """How the last night came by each kept table, as its log says it."""
    with duckdb.connect(str(output / ".warehouse" / "working.duckdb"), read_only=True) as con:
        return dict(con.execute("select table_name, told from door.kept_table order by table_name").fetchall())


def measure(delivery: Path, folder: Path, nights: int, every: int) -> list[dict[str, Any]]:
    """The night before, then the next ones, every so many of them twice; the last one always."""
    given = folder / "input"
    lay_out(delivery, given)
    outputs = [folder / way / "output" for way in ("carried", "fresh")]

    def night(way: str, as_of: datetime.date) -> dict[str, Any]:
        (folder / way).mkdir(exist_ok=True)
        told = child(str(NIGHT), "--measure", str(given), "--work", str(folder / way), "--as-of", str(as_of))
        return json.loads(told.splitlines()[-1])

    night("carried", BEFORE)
    found = []
    for n in range(1, nights + 1):
        as_of = BEFORE + n * DAY
        news = bring_news(delivery, given, as_of)
        is_twice = n == nights or n % every == 0
        if is_twice:
            shutil.rmtree(folder / "fresh", ignore_errors=True)
            shutil.copytree(*outputs, symlinks=True, ignore=shutil.ignore_patterns(".warehouse"))
        found.append(
            {"as_of": str(as_of), "news": news, "carried": night("carried", as_of), "told": told_of(outputs[0])}
        )
        if is_twice:
            found[-1]["fresh"] = night("fresh", as_of)
            one, other = (published(output, as_of) for output in outputs)
            found[-1]["differences"] = len(dict(one.items() ^ other.items()))
        print(line_of(found[-1]), file=sys.stderr)
    return found


def line_of(night: dict[str, Any]) -> str:
    """A night in one line, for whoever waits."""
    beside = f" beside {night['fresh']['cpu']:.1f}, {night['differences']} files differ" if "fresh" in night else ""
    return f"{night['as_of']}: CPU {night['carried']['cpu']:.1f} s{beside}; {night['told']}"


def page(nights: list[dict[str, Any]], members: int) -> str:
    """`docs/performance-delta.md`."""
    twice = [night for night in nights if "fresh" in night]
    carried, fresh = [night["carried"] for night in nights], [night["fresh"] for night in twice]
    ratio = mean(told["cpu"] for told in fresh) / mean(told["cpu"] for told in carried)
    differences = sum(night["differences"] for night in twice)
    judged = [
        [
            "CPU seconds of a night from the start over one that carries on",
            f"{ratio:.2f}",
            f"at least {TARGET:g}",
            yes(ratio >= TARGET),
        ],
        ["Published files that differ", str(differences), *allowed(differences, 0)],
    ]
    rows = [
        [f"`{name}`", f"{old:,}", f"{new:,}", f"{100 * new / old:.2f} %"]
        for name, (old, new) in nights[0]["news"].items()
    ]
    each = [
        [
            night["as_of"],
            *(
                f"{night[way][what]:.{digits}f}" if way in night else ""
                for what, digits in (("cpu", 1), ("peak_mb", 0))
                for way in ("fresh", "carried")
            ),
        ]
        for night in nights
    ]
    kept = sorted(nights[-1]["told"])
    told = [[f"`{name}`", *(short(night["told"].get(name)) for night in nights)] for name in kept]

    def cost(name: str, way: list[dict[str, Any]]) -> float:
        return mean(night["assets"].get(name, {"cpu": 0.0})["cpu"] for night in way)

    dearest = sorted(fresh[0]["assets"], key=lambda name: -max(cost(name, fresh), cost(name, carried)))
    shown, others = dearest[:SHOWN], dearest[SHOWN:]
    assets = [[f"`{name}`", *(f"{cost(name, way):.2f}" for way in (fresh, carried))] for name in shown]
    assets.append(["all others", *(f"{sum(cost(name, way) for name in others):.2f}" for way in (fresh, carried))])
    return f"""# Performance of nights that carry on

Generated by `python bench/delta.py --write`; do not edit. {machine(THREADS, MEMORY_GB)}.
The machine was shared: CPU seconds of one line are to be compared with each other, and wall seconds are not told.

{members:,} members of `caregaps sample`. After the night of {BEFORE} one more day of claims comes each day, as new files
beside the old ones: claims of the latest days under new ids, and reversals of old ones. The night is then published in the
working warehouse that is there, and, with the same published nights before it, in an empty one. What is carried on, and what
has it built from the start, is in [delta.md](delta.md).

{table(["", "found", "target", "met"], judged)}

{table(["Table", "Rows before", "New rows", "Share"], rows)}

{table(["Night", "From the start, CPU s", "Carried on, CPU s", "From the start, peak MB", "Carried on, peak MB"], each)}

## By table that is carried on

Rows of members with news that a night put in the place of others; `all` where it built the table from the start; `*` where
it put the table in order too.

{table(["Table", *(night["as_of"] for night in nights)], told)}

## By asset

CPU seconds of a night, the mean of those above, dearest first; the contract of a table is judged in its asset.

{table(["Asset", "From the start", "Carried on"], assets)}
"""


def short(told: str | None) -> str:
    """A cell of what a night did with a kept table: how many rows, or all."""
    found = re.match(r"carried on with ([\d,]+) rows", told or "")
    return f"{found[1]}{'*' * ('in order' in (told or ''))}" if found else "all"


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=1_000_000)
    parser.add_argument("--nights", type=int, default=7, help="how many nights, a day apart")
    parser.add_argument(
        "--every", type=int, default=7, help="every so many nights from the start as well; the last always"
    )
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
        found = measure(delivery, folder, asked.nights, asked.every)
        with duckdb.connect() as con:
            people = f"select count(distinct person_id) from {source(delivery, 'eligibility')}"
            [[members]] = con.execute(people).fetchall()
    text = page(found, members)
    print(text)
    if asked.write:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
