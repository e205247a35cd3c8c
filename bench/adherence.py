"""Measure the adherence step alone: what it costs to turn fills, enrolment and stays into `facts.adherence`.

    python bench/adherence.py                       # all sizes; about 15 minutes and 1 GB of disk
    python bench/adherence.py --sizes 20000         # a first look
    python bench/adherence.py --write               # and rewrite docs/performance-adherence.md, its chart

Step and floor run in one process per size, over the same tables, so that a busy machine slows both. CPU seconds count;
wall seconds are shown.
"""

from __future__ import annotations

import argparse
import datetime
import itertools
import json
import math
import statistics
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from typing import Any

from assets.engine.model import ROOT
from assets.engine.warehouse import build
from bench.claims import AS_OF, SHAPE, Draw, step
from bench.measuring import child, growth_chart, machine, open_database, peak_mb, reset_peak, table, timed, yes

SIZES = (20_000, 200_000, 1_000_000)
CMS = ("pdc_diabetes", "pdc_ras", "pdc_statins")
THREADS = 2
MEMORY_GB = 1.2
# What screens medical claims for hospice, ESRD and diagnoses; the floor holds no medical line, so it is told apart.
SCREENING = ("facts.code_group", "facts.member_status")
SCAN = "select sum(member_key), max(fill_date), sum(drug_key), sum(days_supply), sum(fill_key) from core.fill"
SORT = """
select sum(days_supply * place), max(drug_key), max(fill_key)
from (select days_supply, drug_key, fill_key, row_number() over (order by member_key, fill_date) as place from core.fill)
"""
TARGETS = {"ratio": 6.0, "peak_mb": 1500.0, "exponent": 1.05, "all_to_cms": 3.0}
PAGE = ROOT / "docs" / "performance-adherence.md"
CHART = ROOT / "docs" / "images" / "adherence_bench.svg"


def measure(path: Path, runs: int, *, cms_only: bool) -> dict[str, Any]:
    """Run the step and its floor over drawn tables; medians over the runs."""
    con = open_database(path, THREADS, MEMORY_GB)
    if cms_only:
        con.execute(f"delete from raw.measure where measure_id not in {CMS}")
        con.execute("delete from raw.measure_exclusion where measure_key not in (select measure_key from raw.measure)")
    models, params = step(con), {"as_of": datetime.date.fromisoformat(AS_OF)}
    seconds: dict[str, list[tuple[float, float]]] = {model.name: [] for model in models}
    floors: dict[str, list[tuple[float, float]]] = {"scan": [], "sort": []}
    peak = 0.0
    for _ in range(runs):
        reset_peak()
        for model in models:
            seconds[model.name].append(timed(lambda model=model: build(con, model, params)))
        peak = max(peak, peak_mb())
        # Close to the step in time, so that a busy minute weighs on both.
        for _ in range(3):
            floors["scan"].append(timed(lambda: con.execute(SCAN).fetchall()))
            floors["sort"].append(timed(lambda: con.execute(SORT).fetchall()))
    counted = {name: f"select count(*) from {name}" for name in ("core.fill", "facts.class_fill", "facts.adherence")}
    rows = {name: con.execute(sql).fetchall()[0][0] for name, sql in counted.items()}
    con.close()

    def median(samples: list[tuple[float, float]], part: int) -> float:
        return statistics.median(sample[part] for sample in samples)

    totals = [[sum(seconds[m.name][run][part] for m in models) for run in range(runs)] for part in (0, 1)]
    return {
        "rows": rows,
        "peak_mb": peak,
        "cpu": statistics.median(totals[0]),
        "wall": statistics.median(totals[1]),
        "models": {name: median(samples, 0) for name, samples in seconds.items()},
        "floors": {name: median(samples, 0) for name, samples in floors.items()},
    }


def bench(sizes: list[int], runs: int, seed: int, folder: Path) -> dict[int, dict[str, dict[str, Any]]]:
    """Draw and measure every size."""
    found: dict[int, dict[str, dict[str, Any]]] = {}
    for members in sizes:
        path = folder / f"{members}.duckdb"
        started = time.perf_counter()
        child(__file__, "--draw", str(path), "--members", str(members), "--seed", str(seed))
        print(f"{members:,} members: drawn in {time.perf_counter() - started:.0f} s", file=sys.stderr)
        # The three measures come second: they are taken from the registry that the first run needs whole.
        found[members] = {
            which: json.loads(child(__file__, "--measure", str(path), "--runs", str(runs), *flags))
            for which, flags in (("all", []), ("cms", ["--cms"]))
        }
        path.unlink()
        print(summary(members, found[members]), file=sys.stderr)
    return found


def from_fills(result: dict[str, Any]) -> float:
    """CPU seconds of the step without the screening of medical claims."""
    return sum(cpu for name, cpu in result["models"].items() if name not in SCREENING)


def summary(members: int, result: dict[str, dict[str, Any]]) -> str:
    """One size in one line."""
    cms = result["cms"]
    return (
        f"{members:,} members: CPU {cms['cpu']:.2f} s, of which {from_fills(cms):.2f} from fills; "
        f"sort floor {cms['floors']['sort']:.3f}; ratio {from_fills(cms) / cms['floors']['sort']:.1f}, with screening "
        f"{cms['cpu'] / cms['floors']['sort']:.1f}; all measures {result['all']['cpu']:.2f} s; peak {result['all']['peak_mb']:.0f} MB"
    )


def exponent(found: dict[int, dict[str, dict[str, Any]]]) -> float:
    """Growth of CPU with members on the steepest step from one size to the next: 1 is linear."""
    steps = itertools.pairwise(sorted(found))
    return max(
        math.log(found[high]["cms"]["cpu"] / found[low]["cms"]["cpu"]) / math.log(high / low) for low, high in steps
    )


def page(found: dict[int, dict[str, dict[str, Any]]], runs: int) -> str:
    """`docs/performance-adherence.md`."""
    sizes, largest = sorted(found), found[max(found)]
    cms, everything = largest["cms"], largest["all"]
    judged = [
        ("CPU from fills to adherence, in sorts of the same fills", from_fills(cms) / cms["floors"]["sort"], TARGETS["ratio"]),
        ("Peak memory of the process, MB", everything["peak_mb"], TARGETS["peak_mb"]),
        *([("Growth exponent, steepest step between sizes", exponent(found), TARGETS["exponent"])] if len(found) > 1 else []),
        ("All registered measures over the three CMS measures", everything["cpu"] / cms["cpu"], TARGETS["all_to_cms"]),
    ]  # fmt: skip
    sized = []
    for members in sizes:
        one, every = found[members]["cms"], found[members]["all"]
        floor = one["floors"]
        sized.append(
            [
                f"{members:,}", f"{one['rows']['core.fill']:,}", f"{from_fills(one):.2f}",
                f"{one['cpu'] - from_fills(one):.2f}", f"{one['wall']:.2f}", f"{floor['scan']:.2f}",
                f"{floor['sort']:.2f}", f"{from_fills(one) / floor['sort']:.1f}", f"{one['cpu'] / floor['sort']:.1f}",
                f"{every['cpu']:.2f}", f"{every['peak_mb']:.0f}",
            ]
        )  # fmt: skip
    hot = sorted(everything["models"], key=lambda name: -everything["models"][name])
    return (
        f"""# Performance of the adherence step

Generated by `python bench/adherence.py --write`; do not edit. Medians of {runs} runs on
{machine(THREADS, MEMORY_GB)}. The machine was shared, so that wall seconds
say little; step and floor ran in one process over the same tables.

The step is every model between `core` and `facts.adherence`: class fills, treatment periods, the shift of early refills,
class coverage, hospital stays, exclusions, and the dates. The floor reads the columns needed of every fill and numbers
the fills once by member and date, the order in which they lie already; a sort that has to move them costs up to twice as
much. It is the floor of all fills, class or not.

{textwrap.fill(f"The tables are made up: {SHAPE}. The as-of date is {AS_OF}.", 119)}

| At {max(found):,} members | found | target | met |
|---|---:|---:|---|
"""
        + "\n".join(
            f"| {name} | {value:.2f} | at most {target:g} | {yes(value <= target)} |" for name, value, target in judged
        )
        + f"""

## By size

CPU seconds for the three CMS measures, unless said otherwise. Screening is what looks through 84 medical rows per member
for hospice, end-stage renal disease and the diagnoses that a measure asks for. The floor holds none of them, so the target
is judged without it; both ratios are shown. Below 200,000 members the fixed cost of the statements shows.

{table(["Members", "Fills", "From fills", "Screening", "Wall s", "Scan", "Scan and sort", "Ratio", "Ratio with screening", "All measures", "Peak MB"], sized)}

![CPU seconds by members](images/adherence_bench.svg)

## By model

CPU seconds at {max(found):,} members, dearest first.

{table(["Model", "Three CMS measures", "All measures"], [[f"`{m}`", f"{cms['models'].get(m, 0):.2f}", f"{everything['models'][m]:.2f}"] for m in hot])}
"""
    )


def chart(found: dict[int, dict[str, dict[str, Any]]], path: Path) -> None:
    """CPU seconds of the step and of its floor."""
    sized = sorted(found.items())
    growth_chart(
        {
            "all measures": {members: r["all"]["cpu"] for members, r in sized},
            "three CMS measures": {members: r["cms"]["cpu"] for members, r in sized},
            "of which from fills": {members: from_fills(r["cms"]) for members, r in sized},
            "one sort of the fills": {members: r["cms"]["floors"]["sort"] for members, r in sized},
        },
        path,
    )


def main() -> None:
    """Read the command line; `--draw` and `--measure` are what the parent asks of its children."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="members, separated by commas")
    parser.add_argument("--runs", type=int, default=3, help="runs per size; the median is shown")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--folder", type=Path, help="where the drawn tables lie meanwhile; default: the temporary folder"
    )
    parser.add_argument("--write", action="store_true", help="rewrite docs/performance-adherence.md and its chart")
    for hidden in ("--draw", "--measure"):
        parser.add_argument(hidden, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--members", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--cms", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.draw:
        Draw(open_database(asked.draw, THREADS, MEMORY_GB), asked.members, asked.seed).tables()
    elif asked.measure:
        print(json.dumps(measure(asked.measure, asked.runs, cms_only=asked.cms)))
    else:
        sizes = [int(size) for size in asked.sizes.split(",")]
        with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
            found = bench(sizes, asked.runs, asked.seed, Path(folder))
        text = page(found, asked.runs)
        print(text)
        if asked.write:
            PAGE.parent.mkdir(parents=True, exist_ok=True)
            PAGE.write_text(text, encoding="utf-8")
            chart(found, CHART)


if __name__ == "__main__":
    main()
