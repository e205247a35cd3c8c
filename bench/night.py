"""Measure the whole night: Parquet in, published lists out, asset by asset, beside the floor of the same delivery.

    python bench/night.py --sizes 20000             # a first look; some five minutes
    python bench/night.py --input DIR               # a delivery of your own in the `tuva` layout
    python bench/night.py --write                   # 20,000, 100,000 and 1,000,000 members; rewrites docs/performance.md

A night runs in a process of its own, as `caregaps run` runs it. The floor is what nobody can leave out: a scan of the
claim columns that the night reads, a scan and one sort of the fills on their delivered text ids, and a scan of the
diagnosis columns. It is measured in that process, before and after the night, so that a busy machine slows both. CPU
seconds count; wall seconds are shown.
"""

from __future__ import annotations

import argparse
import functools
import json
import math
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb

from assets.engine.errors import CaregapsError
from assets.engine.families import all_models
from assets.engine.model import ROOT
from assets.engine.registry import read_families
from bench.adherence import SCREENING
from bench.alternatives import ALTERNATIVES, measure_alternative
from bench.claims import needed
from bench.floor import floors, source, step_floors, table_bytes
from bench.measuring import allowed, child, cpu_seconds, growth_chart, machine, peak_mb, reset_peak, table, timed

SIZES = (20_000, 100_000, 1_000_000)
AS_OF = "2026-06-30"
THREADS, MEMORY_GB = 2, 2
PAGE = ROOT / "docs" / "performance.md"
CHART = ROOT / "docs" / "images" / "night_bench.svg"
TARGETS = {"ratio": 6.0, "three": 4.0, "peak_mb": 4096.0, "exponent": 1.05, "programmes": 1.0}

# The programmes together may cost what these do: judged by what they add to a night, and as if either ran alone.
THREE_FAMILIES = ("adherence", "prenatal_supply", "provider_desert")
FIRST_FAMILIES = ("adherence", "medication_review", "prenatal_supply")
PROGRAMMES = ("care_transition", "community_resource", "diabetes", "mtm", "specialty")


class Meter:
    """CPU, wall and peak memory by asset, of calls that are told to it."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.cpu: dict[str, float] = defaultdict(float)
        self.wall: dict[str, float] = defaultdict(float)
        self.peak: dict[str, float] = defaultdict(float)

    def watch(self, module: Any, function: str, name_of: Callable[..., str]) -> None:
        """Measure every call of a module's function from here on."""
        plain = getattr(module, function)

        @functools.wraps(plain)
        def measured(*arguments: Any, **options: Any) -> Any:
            name = name_of(*arguments)
            self.peak["the night"] = max(self.peak["the night"], peak_mb())
            reset_peak()
            cpu, wall = cpu_seconds(), time.perf_counter()
            try:
                return plain(*arguments, **options)
            finally:
                self.cpu[name] += cpu_seconds() - cpu
                self.wall[name] += time.perf_counter() - wall
                self.peak[name] = max(self.peak[name], peak_mb())

        setattr(module, function, measured)


def measure(delivery: Path, work: Path, as_of: str) -> dict[str, Any]:
    """One night in this process, with its floor before and after."""
    before = floors(delivery, THREADS, MEMORY_GB)
    import assets.publication
    from assets.engine import ingest, registry, state, warehouse
    from pipelines import cli

    meter = Meter()
    meter.watch(warehouse, "build", lambda _, model, *__: model.name)
    meter.watch(warehouse, "broken_rules", lambda _, contract: contract.id)
    meter.watch(ingest, "load_table", lambda _, contract, *__: contract.id)
    meter.watch(registry, "load_registry", lambda *_: "raw, registries")
    meter.watch(state, "load_state", lambda *_: "raw, state of the night before")
    meter.watch(assets.publication, "publish", lambda *_: "publication")
    settings = work / "settings.toml"
    shipped = (ROOT / "settings.toml").read_text(encoding="utf-8")
    limited = re.sub(r"(?m)^threads = .*$", f"threads = {THREADS}", shipped)
    settings.write_text(re.sub(r"(?m)^memory_gb = .*$", f"memory_gb = {MEMORY_GB}", limited, count=1), encoding="utf-8")
    output = work / "output"
    night = [
        "run", "--input", str(delivery), "--output", str(output), "--as-of", as_of, "--config", str(settings),
    ]  # fmt: skip
    codes: list[int] = []
    reset_peak()
    cpu, wall = timed(lambda: codes.append(cli.main(night)))
    if codes != [0]:
        raise SystemExit("the night failed")
    meter.peak["the night"] = max(meter.peak.values())
    meter.cpu["Dagster, lineage, quality suites, imports"] = cpu - sum(meter.cpu.values())
    meter.wall["Dagster, lineage, quality suites, imports"] = wall - sum(meter.wall.values())
    after = floors(delivery, THREADS, MEMORY_GB)
    con = duckdb.connect()
    delivered = {name: source(delivery, name) for name in ("eligibility", "pharmacy_claim", "medical_claim")}
    rows = {name: con.execute(f"select count(*) from {one}").fetchall()[0][0] for name, one in delivered.items()}
    warehouse_file = output / ".warehouse" / "working.duckdb"
    held = table_bytes(warehouse_file)
    own = step_floors(
        warehouse_file,
        output / f"as_of={as_of}",
        {f"raw.{name}": one for name, one in delivered.items()},
        THREADS,
        MEMORY_GB,
    )
    return {
        "rows": rows,
        "cpu": cpu,
        "wall": wall,
        "peak_mb": meter.peak["the night"],
        "bytes": {
            "delivery": size_of(delivery),
            "working warehouse": size_of(output / ".warehouse"),
            "published night": size_of(output / f"as_of={as_of}"),
        },
        "floors": {name: (before[name] + after[name]) / 2 for name in before},
        "assets": {
            name: {
                "cpu": meter.cpu[name],
                "wall": meter.wall[name],
                "peak_mb": meter.peak.get(name, 0.0),
                "own_floor": own.get(name),
                "bytes": held.get(name),
            }
            for name in meter.cpu
        },
    }


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def bench(sizes: list[int], seed: int, folder: Path, given: Path | None, as_of: str) -> dict[int, dict[str, Any]]:
    """Make or take each delivery, and measure its night."""
    found: dict[int, dict[str, Any]] = {}
    for members in sizes:
        with tempfile.TemporaryDirectory(dir=folder) as work:
            delivery = given or Path(work) / "input"
            if given is None:
                command = ["sample", "--members", str(members), "--seed", str(seed), "--output", str(delivery)]
                subprocess.run([sys.executable, "-m", "pipelines.cli", *command], check=True, stdout=subprocess.DEVNULL)
            of_delivery = ("--measure", str(delivery), "--as-of", as_of)
            result = json.loads(child(__file__, *of_delivery, "--work", work).splitlines()[-1])
            floor = sum(result["floors"].values())
            print(
                f"{members:,} members: CPU {result['cpu']:.1f} s, floor {floor:.2f}, ratio {result['cpu'] / floor:.1f}, "
                f"peak {result['peak_mb']:.0f} MB",
                file=sys.stderr,
            )
            if members == min(sizes):
                result["alternatives"] = {
                    name: json.loads(child(__file__, "--alternative", name, *of_delivery).splitlines()[-1])
                    for name in ALTERNATIVES
                }
        found[members] = result
    return found


def reading_of(result: dict[str, Any]) -> set[str]:
    """Assets of the layers that read claims."""
    return {name for name in result["assets"] if name.startswith(("raw.", "core."))}


def cpu_of(result: dict[str, Any], steps: set[str]) -> float:
    """CPU seconds of some assets together."""
    return sum(asset["cpu"] for name, asset in result["assets"].items() if name in steps)


def steps_of(*families: str) -> set[str]:
    """Every table from `facts` on that a gap of these families rests on, their own included."""
    return steps_to(*(f"gaps.{family}" for family in families))


def steps_to(*tables: str) -> set[str]:
    """Every table from `facts` on that these rest on, themselves included."""
    models = {model.name: model for model in all_models()}
    read = {".".join(key) for model in models.values() for key in model.inputs if key[0] in {"raw", "core"}}
    return set().union(*(needed(table, models, read) for table in tables))


def by_family(result: dict[str, Any]) -> list[list[str]]:
    """CPU seconds of each family's steps, and of the groups that are compared."""
    every = sorted(read_families())
    rows = []
    for names in [(family,) for family in every] + [FIRST_FAMILIES, PROGRAMMES]:
        steps, others = steps_of(*names), steps_of(*set(every).difference(names))
        cpu, own = (cpu_of(result, some) for some in (steps, steps - others))
        rows.append([", ".join(f"`{name}`" for name in names), f"{cpu:.2f}", f"{own:.2f}"])
    return rows


def exponent(found: dict[int, dict[str, Any]]) -> float:
    """Growth of CPU with members from the second largest size to the largest: 1 is linear."""
    *_, (low, high) = pairwise(sorted(found))
    return math.log(found[high]["cpu"] / found[low]["cpu"]) / math.log(high / low)


def growth(found: dict[int, dict[str, Any]], asset: str) -> str:
    """The same of one asset, as a cell of the table."""
    with_it = {members: one["assets"][asset] for members, one in found.items() if asset in one["assets"]}
    return f"{exponent(with_it):.2f}" if len(with_it) > 1 else ""


def page(found: dict[int, dict[str, Any]]) -> str:
    """`docs/performance.md`."""
    top = max(found)
    largest = found[top]
    floor = sum(largest["floors"].values())
    programmes, first = steps_of(*PROGRAMMES), steps_of(*FIRST_FAMILIES)
    added, cost = cpu_of(largest, programmes - first), cpu_of(largest, first)
    others = steps_of(*set(read_families()).difference(THREE_FAMILIES)) - steps_of(*THREE_FAMILIES)
    of_three = (largest["cpu"] - cpu_of(largest, others)) / floor
    judged = [
        ("CPU of the night over its floor", largest["cpu"] / floor, TARGETS["ratio"]),
        (
            "The same without what families beside adherence, prenatal and deserts need alone",
            of_three,
            TARGETS["three"],
        ),
        ("Peak memory of the process, MB", largest["peak_mb"], TARGETS["peak_mb"]),
        ("CPU that the programmes add, over that of the first families", added / cost, TARGETS["programmes"]),
        ("The same, with what both rest on counted twice", cpu_of(largest, programmes) / cost, TARGETS["programmes"]),
        *([("Growth exponent to this size", exponent(found), TARGETS["exponent"])] if len(found) > 1 else []),
    ]
    told = [[name, f"{value:.2f}", *allowed(value, target)] for name, value, target in judged]
    sized = [
        [
            f"{members:,}", f"{r['rows']['pharmacy_claim']:,}", f"{r['rows']['medical_claim']:,}", f"{r['cpu']:.1f}",
            f"{r['wall']:.1f}", f"{sum(r['floors'].values()):.2f}", f"{r['cpu'] / sum(r['floors'].values()):.1f}",
            f"{r['peak_mb']:.0f}", *(f"{size / 1e6:.0f}" for size in r["bytes"].values()),
        ]
        for members, r in sorted(found.items())
    ]  # fmt: skip
    dearest = sorted(largest["assets"].items(), key=lambda item: -item[1]["cpu"])
    shown = [(name, one) for name, one in dearest if one["cpu"] >= 0.005 * largest["cpu"]]
    rest = largest["cpu"] - sum(one["cpu"] for _, one in shown)
    assets = [
        [
            name if "," in name else f"`{name}`",
            f"{a['cpu']:.2f}",
            f"{a['wall']:.2f}",
            f"{a['peak_mb']:.0f}",
            f"{a['bytes'] / 1e6:.0f}" if a["bytes"] else "",
            growth(found, name),
            f"{a['cpu'] / floor:.2f}",
            *([f"{a['own_floor']:.2f}", f"{a['cpu'] / a['own_floor']:.1f}"] if a["own_floor"] else ["", ""]),
        ]
        for name, a in shown
    ] + [["all others", f"{rest:.2f}", "", "", "", "", f"{rest / floor:.2f}", "", ""]]
    with_floor = [one for one in largest["assets"].values() if one["own_floor"]]
    measured, own_floors = (sum(one[figure] for one in with_floor) for figure in ("cpu", "own_floor"))
    smallest = found[min(found)]
    adherence = cpu_of(smallest, steps_to("facts.adherence") - {*SCREENING})
    others = [
        [ALTERNATIVES[name], f"{a['fills']:,}", f"{a['cpu']:.2f}", f"{1e6 * a['cpu'] / a['fills']:.1f}"]
        for name, a in smallest.get("alternatives", {}).items()
    ]
    # The fills that the others were given: the night's models see those of earlier years too.
    given = [one["fills"] for one in smallest.get("alternatives", {}).values()]
    own = max(given, default=smallest["rows"]["pharmacy_claim"])
    sizes_told = table(
        ["Members", "Fills", "Medical lines", "CPU s", "Wall s", "Floor", "Ratio", "Peak MB", "Delivery MB", "Warehouse MB", "Published MB"],
        sized,
    )  # fmt: skip
    return f"""# Performance of a night

Generated by `python bench/night.py --write`; do not edit. {machine(THREADS, MEMORY_GB)}.
The machine was shared, so that wall seconds say little; a night and its floor ran in one process.

The floor is a scan of the claim columns that a night reads, a scan and one sort of the fills on their delivered text
ids, and a scan of the diagnosis columns: what any tool must do that reads these files. The deliveries are
`caregaps sample`'s, Parquet, as of {AS_OF}: 19 fills and 39 medical lines per member over two and a half years.

{table([f"At {top:,} members", "found", "target", "met"], told)}

## By size

{sizes_told}

![CPU seconds by members](images/night_bench.svg)

## By asset

At {top:,} members, dearest first; the contract of a table is judged in its asset. *Growth* is the exponent from the size
before. *Of the floor* is the ratio to the whole
floor, whose parts are: {", ".join(f"{name} {cpu:.2f}" for name, cpu in largest["floors"].items())}.
A step's *own floor* is to read each column that it names once, from each table that it reads, and to write its rows
once more, measured after the night; a table of `raw` is read whole from its files, what is published is written again
from Parquet. The steps with an own floor took {measured:.0f} CPU seconds, their floors {own_floors:.0f}: a night that keeps these
tables cannot cost less than that.

{table(["Asset", "CPU s", "Wall s", "Peak MB", "Table MB", "Growth", "Of the floor", "Own floor", "Times it"], assets)}

## By family

At {top:,} members: every table from `facts` on that a gap of the family rests on, and of these what no other family
needs. The last two rows are groups of families: together, the programmes may cost what the first families cost. What
both rest on, such as who is pregnant or in hospice, is built once, for the first families; a night of the programmes
alone would have to build it too, which is the second of the two figures above. Deserts are in neither group.

{table(["Families", "CPU s", "Of which their own"], by_family(largest))}

## Beside what else could be taken

CPU seconds of days covered per member and product, on fills of the same delivery of {min(found):,} members, as many as
each can bear. They expand days or loop over members, know no class, no early refill of another strength, no stay in
hospital and no enrolment; the night's own row is all of that: every model from fills to `facts.adherence`, the screening
of medical claims aside.

{table(["What", "Fills", "CPU s", "CPU s per million fills"], [*others, ["the night's adherence models", f"{own:,}", f"{adherence:.2f}", f"{1e6 * adherence / own:.1f}"]])}
"""


def chart(found: dict[int, dict[str, Any]], path: Path) -> None:
    """CPU seconds of the night, of its reading of claims, and of its floor."""
    sized = sorted(found.items())
    growth_chart(
        {
            "the night": {members: r["cpu"] for members, r in sized},
            "of which reading claims": {members: cpu_of(r, reading_of(r)) for members, r in sized},
            "the floor": {members: sum(r["floors"].values()) for members, r in sized},
        },
        path,
    )


def sizes_of(text: str) -> list[int]:
    """Numbers of members, separated by commas."""
    sizes = [int(size) for size in text.split(",")]
    if min(sizes) < 1:
        raise ValueError
    return sizes


def members_of(delivery: Path) -> int:
    """How many persons a delivery holds."""
    persons = f"select count(distinct person_id) from {source(delivery, 'eligibility')}"
    [[members]] = duckdb.connect().execute(persons).fetchall()
    return int(members)


def main() -> None:
    """Read the command line; `--measure` and `--alternative` are what the parent asks of its children."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=sizes_of, default=SIZES, help="members, separated by commas")
    parser.add_argument("--input", type=Path, help="a delivery in Parquet, instead of made-up ones")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where deliveries and nights lie meanwhile")
    parser.add_argument("--write", action="store_true", help="rewrite docs/performance.md and its chart")
    for hidden in ("--measure", "--work"):
        parser.add_argument(hidden, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--alternative", help=argparse.SUPPRESS)
    parser.add_argument("--as-of", default=AS_OF, help="the as-of date; that of made-up deliveries if not told")
    asked = parser.parse_args()
    if asked.alternative:
        print(json.dumps(measure_alternative(asked.alternative, asked.measure, asked.as_of)))
        return
    if asked.measure:
        print(json.dumps(measure(asked.measure, asked.work, asked.as_of)))
        return
    if asked.write and asked.input:
        parser.error("--write takes made-up deliveries alone: docs/performance.md is of those")
    try:
        sizes = [members_of(asked.input)] if asked.input else asked.sizes
        with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
            found = bench(sizes, asked.seed, Path(folder), asked.input, asked.as_of)
    except CaregapsError as error:
        parser.exit(1, f"error: {error}\n")
    text = page(found)
    print(text)
    if asked.write:
        PAGE.write_text(text, encoding="utf-8")
        chart(found, CHART)


if __name__ == "__main__":
    main()
