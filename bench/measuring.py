"""What every benchmark measures with: CPU, wall and peak memory of this process, a process apart, tables and a chart."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from assets.engine.warehouse import engine_config


def open_database(path: Path, threads: int, memory_gb: float) -> duckdb.DuckDBPyConnection:
    """A benchmark's tables in a database set up as the working warehouse is, with what is stated."""
    return duckdb.connect(str(path), config=engine_config(threads, memory_gb, Path(f"{path}.tmp")))


def cpu_seconds() -> float:
    """CPU seconds of this process so far, of all its threads."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """CPU and wall seconds of one call."""
    cpu, wall = cpu_seconds(), time.perf_counter()
    work()
    return cpu_seconds() - cpu, time.perf_counter() - wall


def reset_peak() -> None:
    """Forget the peak memory of this process."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_mb() -> float:
    """Peak memory since the last reset, all of the process included."""
    line = next(s for s in Path("/proc/self/status").read_text(encoding="ascii").splitlines() if s.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def child(file: str, *arguments: str) -> str:
    """Run a benchmark's file in a process of its own, so that no measurement meets another's memory."""
    command = [sys.executable, file, *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def processor() -> str:
    """The processor that the figures belong to."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    return next((line.split(":")[1].strip() for line in text.splitlines() if line.startswith("model name")), "unknown")


def machine(threads: int, memory_gb: float) -> str:
    """The processor and the engine that the figures belong to."""
    return f"{processor()}, {threads} threads, DuckDB {duckdb.__version__} allowed {memory_gb} GB"


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table, numbers to the right."""
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def yes(met: bool) -> str:
    """A cell of the column `met`."""
    return "yes" if met else "no"


def allowed(value: float, target: float | None) -> list[str]:
    """The cells of the columns `target` and `met`; a figure without a target is only told."""
    return ["", ""] if target is None else [f"at most {target:g}", yes(value <= target)]


def growth_chart(lines: dict[str, dict[int, float]], path: Path) -> None:
    """Draw CPU seconds by members, both axes logarithmic: a straight line that climbs one decade per decade is linear.

    Args:
        lines: Of each line its CPU seconds by members, in the order of the legend.
        path: The SVG.
    """
    import altair as alt

    points = [{"members": m, "cpu": cpu, "line": line} for line, found in lines.items() for m, cpu in found.items()]
    sizes = sorted({point["members"] for point in points})
    drawing = (
        alt.Chart(alt.Data(values=points), width=460, height=300)
        .mark_line(point=True)
        .encode(
            x=alt.X("members:Q", title="Members", scale=alt.Scale(type="log"), axis=alt.Axis(values=sizes, format=",")),
            y=alt.Y(
                "cpu:Q",
                title="CPU seconds",
                scale=alt.Scale(type="log"),
                axis=alt.Axis(values=[10.0**power for power in range(-2, 5)], format="~g"),
            ),
            color=alt.Color(
                "line:N",
                title=None,
                sort=list(lines),
                scale=alt.Scale(scheme="tableau10"),
                legend=alt.Legend(symbolType="stroke"),
            ),
            # Told apart in print too; the legend is in the order of the lines.
            strokeDash=alt.StrokeDash("line:N", sort=list(lines), legend=None),
        )
        .configure(background="white")
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    drawing.save(str(path))
