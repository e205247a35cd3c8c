"""Publishes a prepared warehouse again and again, each time with a failure at another write, and judges what is left.

Run with the file layer preloaded: `python -m tests.faults.trials FOLDER [--thorough]`. Prints one line of JSON for
each scenario and kind of failure. The process itself opens no database, so that each attempt can be a fork of it.
"""

from __future__ import annotations

import ctypes
import datetime
import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pandas as pd  # noqa: F401  (imported once here rather than in every fork: DuckDB asks for it)
import pyarrow.parquet  # noqa: F401
import xlsxwriter  # noqa: F401

from assets.engine import publish as publisher
from assets.engine.contract import all_contracts
from assets.engine.errors import CaregapsError
from assets.engine.night import Night
from assets.engine.registry import read_families
from assets.engine.releases import damaged_files, nights, restricted_part
from assets.engine.settings import read_settings
from tests.faults.prepared import NIGHT, prepare, stamp

COUNT, KILL, BROKEN, FULL, READ_ONLY, TERMINATE = range(6)
FAILURES = {"killed": KILL, "disk broken": BROKEN, "disk full": FULL, "read-only": READ_ONLY, "asked to end": TERMINATE}
DAY = datetime.timedelta(1)
PUBLISHED, TOLD, BUG, ENDED = 0, 3, 4, 5

# One of each kind of file; the code that writes the others is the same.
FEW = {"outreach.worklist", "outreach.gap", "outreach.suppression"}
FEW_STATES = ("state_gap",)


@dataclass(frozen=True)
class Scenario:
    """What is published before, and what is being published: nights by distance from the last, and what lists say."""

    before: tuple[tuple[int, str], ...]
    night: tuple[int, str] = (0, "new")
    is_copied: bool = False
    damage: str = ""


SCENARIOS = {
    "the first night": Scenario(()),
    "a night after others, the oldest of which goes": Scenario(((-2, "old"), (-1, "old"))),
    "a night again with other content": Scenario(((-1, "old"), (0, "older"), (0, "old"))),
    "an earlier night again": Scenario(((-1, "old"), (0, "old")), (-1, "new")),
    "a damaged night again": Scenario(((-1, "old"), (0, "new")), damage="tables/worklist.parquet"),
    "a night that is copied": Scenario(((-1, "old"),), is_copied=True),
}


FULLY = "a night again with other content"
QUICKLY = {
    FULLY: ("killed", "disk full"),
    "the first night": ("killed", "asked to end"),
    "an earlier night again": ("killed", "disk broken", "read-only"),
}


@dataclass
class Verdict:
    """What all attempts of one scenario and failure came to."""

    scenario: str
    failure: str
    writes: int = 0
    attempts: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    messages: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)


class Bench:
    """A folder with a prepared warehouse and an output to fail upon."""

    def __init__(self, folder: Path, is_thorough: bool) -> None:
        """Prepare the warehouse in a fork: this process opens no database."""
        self.folder, self.is_thorough = folder, is_thorough
        self.layer = ctypes.CDLL(None)
        self.root = folder / "root"
        self.output, self.copy = self.root / "output", self.root / "copy"
        self.warehouse = folder / "working.duckdb"
        assert fork(lambda: prepare(self.warehouse)) == (PUBLISHED, "")
        self.nights: dict[tuple[int, bool], Night] = {}
        # What a fork would otherwise read anew each time.
        for layer in publisher.LAYERS:
            all_contracts(layer)
        read_families()

    def night(self, distance: int, is_copied: bool) -> Night:
        if (distance, is_copied) in self.nights:
            return self.nights[distance, is_copied]
        settings = read_settings()
        changed = {
            "retention_nights": 2, "retention_releases": 0, "formats": ("parquet", "csv", "xlsx") if self.is_thorough else ("parquet", "csv"),
            "destination": str(self.copy) if is_copied else "",
        }  # fmt: skip
        delivery = settings.delivery.model_copy(update=changed)
        settings = settings.model_copy(update={"delivery": delivery})
        night = Night(NIGHT + distance * DAY, self.folder / "input", self.output, settings)
        assert night.digest
        return self.nights.setdefault((distance, is_copied), night)

    def ready(self, distance: int, mark: str) -> Path:
        """The warehouse of a night that says `mark`."""
        path = self.folder / f"{distance}-{mark}.duckdb"
        if not path.exists():
            shutil.copy(self.warehouse, path)

            def make() -> None:
                with duckdb.connect(str(path), config={"threads": 1}) as con:
                    stamp(con, self.night(distance, is_copied=False), mark)

            assert fork(make) == (PUBLISHED, "")
        return path

    def publish(self, distance: int, mark: str, is_copied: bool, moment: int = 0, how: int = COUNT, log: int = -1):
        """Publish in a fork; the outcome and what was told."""
        ready, night = self.ready(distance, mark), self.night(distance, is_copied)

        def attempt() -> None:
            if not self.is_thorough:
                publisher.all_contracts = lambda layer: [
                    c for c in all_contracts(layer) if c.id in FEW or c.table.source == "state"
                ]
                publisher.STATE_TABLES = {k: v for k, v in publisher.STATE_TABLES.items() if k in FEW_STATES}
            # Drawing the report's charts takes a second and writes nothing; the two files are what is written.
            publisher.write_report = write_two_files
            with duckdb.connect(str(ready), config={"threads": 1}) as con:
                self.layer.fault_arm(str(self.root).encode(), moment, how, log)
                try:
                    publisher.publish(con, night, "run")
                finally:
                    self.layer.fault_disarm()

        return fork(attempt)


def write_two_files(con, target: Path, **options) -> None:
    for name in ("index.html", "fairness.html"):
        (target / name).write_text("report", encoding="utf-8")


def fork(work: Callable[[], None]) -> tuple[int, str]:
    """Do something in a fork; its outcome, negative for a signal, and what it said."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code, text = PUBLISHED, ""
        # As the command does.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            work()
        except CaregapsError as error:
            code, text = TOLD, str(error)
        except KeyboardInterrupt:
            code = ENDED
        except BaseException:
            code, text = BUG, traceback.format_exc()
        os.write(writer, text.encode()[:60_000])
        os._exit(code)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        text = stream.read().decode()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), text


def seen(output: Path) -> dict[str, str]:
    """What readers see: each night's release and content, and which one is the latest; complaints where it is not whole."""
    found = {}
    for as_of, link in nights(output).items():
        release = link.resolve()
        missing = (
            damaged_files(link, restricted_part(link)) if (link / "manifest.json").is_file() else ["manifest.json"]
        )
        states = {p.read_bytes() for p in (release / "worklists").rglob("*.csv")}
        found[str(as_of)] = f"{release.name} {hash_of(states)}" if not missing else f"NOT WHOLE: {missing[:3]}"
    latest = output / "latest"
    if latest.is_symlink():
        found["latest"] = str(latest.readlink()) if latest.exists() else "DANGLING"
    return found


def hash_of(parts: set[bytes]) -> str:
    import hashlib

    return hashlib.sha256(b"".join(sorted(parts))).hexdigest()[:8]


def names(output: Path) -> list[str]:
    """Every path below a folder; what is in a database or a spreadsheet differs from run to run, the names do not."""
    return sorted(p.relative_to(output).as_posix() for p in output.rglob("*"))


def turning_points(calls: list[str], how: int) -> list[int]:
    """The first of every run of equal calls, and where the process dies the last too.

    A Parquet file is written in a hundred pieces, and a full disk stays full.
    """
    return [
        n for n, call in enumerate(calls, start=1)
        if n in {1, len(calls)} or call != calls[n - 2] or (how == KILL and call != calls[n])
    ]  # fmt: skip


def run_scenario(bench: Bench, name: str, failure: str) -> Verdict:
    """Fail at every write of one scenario."""
    scenario, verdict, how = SCENARIOS[name], Verdict(name, failure), FAILURES[failure]
    base = bench.folder / "base"
    for folder in (base, bench.root):
        shutil.rmtree(folder, ignore_errors=True)
    bench.root.mkdir()
    for distance, mark in scenario.before:
        assert bench.publish(distance, mark, scenario.is_copied) == (PUBLISHED, "")
    if scenario.damage:
        (bench.output / "latest" / scenario.damage).write_bytes(b"PAR1")
    shutil.copytree(bench.root, base, symlinks=True)

    old = seen(bench.output), seen(bench.copy)
    log = bench.folder / "writes.log"
    with log.open("wb") as stream:
        code, text = bench.publish(*scenario.night, scenario.is_copied, log=stream.fileno())
    assert code == PUBLISHED, text
    new, new_names = (seen(bench.output), seen(bench.copy)), names(bench.root)
    calls = log.read_text(encoding="utf-8").splitlines()
    verdict.writes = len(calls)
    if complaint := order_of_calls(calls, bench.output.name):
        verdict.wrong.append(complaint)

    def complain(moment: int, what: str) -> None:
        verdict.wrong.append(f"{moment} ({calls[moment - 1]}): {what}")

    recovered: set[tuple] = set()
    moments = turning_points(calls, how)
    if bench.is_thorough:
        moments = list(range(1, len(calls) + 1))
    elif name != FULLY:
        # Until the release is on the disk every night is written by the same lines.
        moments = [n for n in moments if n >= calls.index(f"syncfs /{bench.output.name}")]
    for moment in moments:
        shutil.rmtree(bench.root)
        shutil.copytree(base, bench.root, symlinks=True)
        code, text = bench.publish(*scenario.night, scenario.is_copied, moment, how)
        verdict.attempts += 1
        outcome = {PUBLISHED: "published", TOLD: "told", ENDED: "ended", -signal.SIGKILL: "killed"}.get(code, "bug")
        verdict.outcomes[outcome] = verdict.outcomes.get(outcome, 0) + 1
        if outcome == "bug":
            complain(moment, text[-600:])
        if outcome == "told":
            verdict.messages.add(text.replace(str(bench.root), "ROOT"))
        for place, now in ((0, seen(bench.output)), (1, seen(bench.copy))):
            allowed = between(old[place], new[place])
            for key in sorted({*now, *allowed}):
                if now.get(key) not in allowed.get(key, {None}):
                    complain(moment, f"{outcome}: {key} is {now.get(key)}, allowed {allowed.get(key)}")
            if outcome == "published" and now != new[place]:
                complain(moment, f"said to be published, but is {now}")
        # What was left behind under the same names is cleared by the same lines.
        left = (*now.items(), *(n for n in names(bench.root) if n.count("/") < 4 or "copy" in n))
        if left in recovered and not bench.is_thorough:
            continue
        recovered.add(left)
        code, text = bench.publish(*scenario.night, scenario.is_copied)
        if code != PUBLISHED:
            complain(moment, f"the next run failed: {text[-600:]}")
        elif (seen(bench.output), seen(bench.copy)) != new or names(bench.root) != new_names:
            odd = set(names(bench.root)) ^ set(new_names)
            complain(moment, f"after the next run: {sorted(odd)[:5]} {seen(bench.output)}")
    return verdict


def between(old: dict[str, str], new: dict[str, str]) -> dict[str, set[str | None]]:
    """What each link may show while a night is being published: the old or the new, where both are the same that."""
    return {key: {old.get(key), new.get(key)} for key in {*old, *new}}


def order_of_calls(calls: list[str], output: str) -> str:
    """Whether all of a release is on the disk before it has its name, and has its name before a link shows it."""
    release = [n for n, call in enumerate(calls) if call.startswith(f"rename /{output}/.nights/")]
    if not release:
        return ""
    writes = [
        n for n, c in enumerate(calls) if c.startswith(("write", "truncate")) and f"/{output}/" in c and ".draft" in c
    ]
    syncs = [n for n, call in enumerate(calls) if call == f"syncfs /{output}"]
    shown = [n for n, c in enumerate(calls) if c.startswith(f"rename /{output}/as_of=")]
    latest = [n for n, call in enumerate(calls) if call.startswith(f"rename /{output}/latest")]
    if not any(max(writes) < n < min(release) for n in syncs):
        return "no sync between the last write and the release's name"
    if not max(release) < min(shown) or (latest and not max(shown) < min(latest)):
        return "links are switched before the release has its name, or latest before its night"
    return ""


def main(folder: Path, is_thorough: bool) -> None:
    bench = Bench(folder, is_thorough)
    for name in SCENARIOS:
        # Unless all are asked for: one scenario with both that are met most, the others with what leaves most behind.
        for failure in FAILURES if is_thorough else QUICKLY.get(name, ("killed",)):
            verdict = run_scenario(bench, name, failure)
            line = vars(verdict) | {"messages": sorted(verdict.messages), "wrong": verdict.wrong[:10]}
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), "--thorough" in sys.argv)
