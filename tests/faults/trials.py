"""Publishes a prepared warehouse, each time with a failure at another write, and judges what is left.

Run with the file layer preloaded: `python -m tests.faults.trials FOLDER [--thorough]`. Prints one line of JSON for
each scenario and kind of failure. The publication stops before each of its steps; what fails is a fork of it there, so
that an attempt takes hundredths of a second.
"""

from __future__ import annotations

import ctypes
import datetime
import json
import os
import shutil
import signal
import stat
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import duckdb
import pandas as pd  # noqa: F401  (imported once here rather than in every fork: DuckDB asks for it)
import pyarrow.parquet  # noqa: F401
import xlsxwriter  # noqa: F401

from assets.engine import delivery, files, releases
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
    FULLY: ("killed", "disk full", "asked to end"),
    "the first night": ("killed", "asked to end"),
    "a night after others, the oldest of which goes": ("killed", "disk broken"),
    "an earlier night again": ("killed", "disk broken", "read-only"),
}


@dataclass
class Verdict:
    """What all attempts of one scenario and failure came to."""

    scenario: str
    failure: str
    writes: int = 0
    attempts: int = 0
    recoveries: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
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

    def open(self, distance: int, mark: str) -> duckdb.DuckDBPyConnection:
        """The warehouse of a night, with few tables unless all are asked for; only ever called in a fork."""
        if not self.is_thorough:
            publisher.all_contracts = lambda layer: [
                c for c in all_contracts(layer) if c.id in FEW or c.table.source == "state"
            ]
            publisher.STATE_TABLES = {k: v for k, v in publisher.STATE_TABLES.items() if k in FEW_STATES}
        # Drawing the report's charts takes a second and writes nothing; the two files are what is written.
        publisher.write_report = write_two_files
        # One thread, so that the process can be forked while it is open.
        return duckdb.connect(str(self.ready(distance, mark)), config={"threads": 1})

    def publish(self, distance: int, mark: str, is_copied: bool) -> tuple[int, str]:
        """Publish in a fork without failure; the outcome and what was told."""
        night = self.night(distance, is_copied)

        def work() -> publisher.Release:
            with self.open(distance, mark) as con:
                return publisher.publish(con, night, "run")

        self.ready(distance, mark)
        return fork(work)


# Where the publisher has no file open: from here on a fork may fail while the others see nothing of it.
STEPS = (
    (publisher, ("_copy", "_write_database", "build_manifest", "write_data_docs", "write_log", "write_referrals", "copy_night")),
    (delivery, ("_write_pharmacy", "write_sheet")),
    (files, ("set_modes", "sync", "sync_folder", "switch", "make_folder")),
    (releases, ("show", "forget")),
)  # fmt: skip


class Rehearsal:
    """A night being published that stops before each step; a fork that is made there goes on, and fails."""

    def __init__(self, bench: Bench, scenario: Scenario, at_step: Callable[[int], None]) -> None:
        """`at_step` is called with the number of calls so far. Only ever made in a fork."""
        self.bench, self.at_step = bench, at_step
        self.con = bench.open(*scenario.night)
        self.night = bench.night(scenario.night[0], scenario.is_copied)
        self.report: int | None = None
        assert len(list(Path("/proc/self/task").iterdir())) == 1, "a process with threads cannot be forked"

    def run(self, log: int = -1) -> tuple[int, str]:
        """Publish, stopping before each step."""
        for module, names_of_steps in STEPS:
            for name in names_of_steps:
                setattr(module, name, self.stopping_before(getattr(module, name)))

        def work() -> publisher.Release:
            self.bench.layer.fault_arm(str(self.bench.root).encode(), 0, COUNT, log)
            self.stop()
            try:
                return publisher.publish(self.con, self.night, "run")
            finally:
                self.bench.layer.fault_disarm()

        told = outcome_of(work)
        if self.report is not None:
            leave(self.report, told)
        return told

    def stopping_before(self, step: Callable) -> Callable:
        def stop_and_go_on(*arguments, **options):
            self.stop()
            return step(*arguments, **options)

        return stop_and_go_on

    def stop(self) -> None:
        if self.report is None:
            self.bench.layer.fault_disarm()
            self.at_step(self.bench.layer.fault_seen())
            if self.report is None:
                self.bench.layer.fault_rearm()

    def fail_in_fork(self, calls_from_here: int, how: int) -> tuple[int, str] | None:
        """Go on in a fork that fails at a call; the outcome, or None in the fork, which must return at once."""
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            self.report = writer
            self.bench.layer.fault_arm(str(self.bench.root).encode(), calls_from_here, how, -1)
            return None
        os.close(writer)
        return outcome_from(reader, child)


class Snapshot:
    """A folder as it was, to which it can be brought back by what differs."""

    def __init__(self, folder: Path, kept: Path) -> None:
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(folder, kept, symlinks=True)
        self.folder, self.kept = folder, kept
        self.marks = marks(folder)
        self.times = {name: (kept / name).stat() for name, mark in self.marks.items() if mark[0] == "folder"}

    def restore(self) -> None:
        now = marks(self.folder)
        differ = sorted(name for name in {*now, *self.marks} if now.get(name) != self.marks.get(name))
        if not differ:
            return
        for name in reversed(differ):
            if name in now and now[name][0] == "folder":
                if name not in self.marks:
                    (self.folder / name).rmdir()
            elif name in now:
                (self.folder / name).unlink()
        for name in differ:
            if name in self.marks:
                source, target = self.kept / name, self.folder / name
                if self.marks[name][0] == "folder":
                    target.mkdir(exist_ok=True)
                    target.chmod(stat.S_IMODE(source.stat().st_mode))
                else:
                    shutil.copy2(source, target, follow_symlinks=False)
                    self.marks[name] = mark_of(target.lstat())
        # Which release goes first is told by its folder's time.
        for name, times in self.times.items():
            os.utime(self.folder / name, ns=(times.st_atime_ns, times.st_mtime_ns))


def marks(folder: Path) -> dict[str, tuple]:
    """Everything below a folder with what changes whenever it does: of a folder its mode."""
    found: dict[str, tuple] = {}
    below = [folder]
    while below:
        for entry in os.scandir(below.pop()):
            told = mark_of(entry.stat(follow_symlinks=False))
            found[os.path.relpath(entry.path, folder)] = told
            if told[0] == "folder":
                below.append(Path(entry.path))
    return found


def mark_of(told: os.stat_result) -> tuple:
    if stat.S_ISDIR(told.st_mode):
        return ("folder", stat.S_IMODE(told.st_mode))
    return ("file", told.st_mode, told.st_ino, told.st_ctime_ns, told.st_size)


class Helper:
    """A process as this one was when it was made; each call does the work in a fork of it."""

    def __init__(self, work: Callable[[], publisher.Release | None]) -> None:
        self.asked, ask = os.pipe()
        answer, self.answered = os.pipe()
        self.child = os.fork()
        if self.child == 0:
            os.close(ask)
            os.close(answer)
            while os.read(self.asked, 1):
                text = json.dumps(fork(work)).encode()
                os.write(self.answered, text + b"\n")
            os._exit(0)
        os.close(self.asked)
        os.close(self.answered)
        self.ask, self.answer = ask, os.fdopen(answer, encoding="utf-8")

    def __call__(self) -> tuple[int, str]:
        os.write(self.ask, b"?")
        code, text = json.loads(self.answer.readline())
        return code, text

    def close(self) -> None:
        os.close(self.ask)
        os.waitpid(self.child, 0)


def write_two_files(con, target: Path, **options) -> None:
    for name in ("index.html", "fairness.html"):
        (target / name).write_text("report", encoding="utf-8")


def fork(work: Callable[[], publisher.Release | None]) -> tuple[int, str]:
    """Do something in a fork; its outcome, negative for a signal, and what it said."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        # As the command does.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        leave(writer, outcome_of(work))
    os.close(writer)
    return outcome_from(reader, child)


def outcome_of(work: Callable[[], publisher.Release | None]) -> tuple[int, str]:
    """How it went and what was said: of a night that is published, what could not be removed."""
    try:
        release = work()
    except CaregapsError as error:
        return TOLD, str(error)
    except KeyboardInterrupt:
        return ENDED, ""
    except BaseException as error:
        # What DuckDB makes of a signal during a query; the command tells it like any other.
        return (ENDED, "") if str(error) == "Query interrupted" else (BUG, traceback.format_exc())
    return PUBLISHED, "; ".join(w for w in (release.warnings if release else ()) if "removed" in w)


def succeed(told: tuple[int, str]) -> None:
    code, text = told
    assert code == PUBLISHED, text


def leave(writer: int, told: tuple[int, str]) -> NoReturn:
    """End a fork with its outcome."""
    code, text = told
    os.write(writer, text.encode()[-60_000:])
    os._exit(code)


def outcome_from(reader: int, child: int) -> tuple[int, str]:
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


def turning_points(calls: list[str], how: int) -> set[int]:
    """The first of every run of equal calls, and where the process dies the last too.

    A Parquet file is written in a hundred pieces, and a full disk stays full.
    """
    return {
        n for n, call in enumerate(calls, start=1)
        if n in {1, len(calls)} or call != calls[n - 2] or (how == KILL and call != calls[n])
    }  # fmt: skip


def run_scenario(bench: Bench, name: str, failures: tuple[str, ...]) -> list[Verdict]:
    """Fail at every write of one scenario."""
    scenario = SCENARIOS[name]
    shutil.rmtree(bench.root, ignore_errors=True)
    bench.root.mkdir()
    for distance, mark in scenario.before:
        assert bench.publish(distance, mark, scenario.is_copied) == (PUBLISHED, "")
    if scenario.damage:
        (bench.output / "latest" / scenario.damage).write_bytes(b"PAR1")
    bench.ready(*scenario.night)
    base = Snapshot(bench.root, bench.folder / "base")
    old = what_is_seen(bench)

    log, told = bench.folder / "writes.log", bench.folder / "told.json"

    def rehearse() -> None:
        """Once without failure: the calls, and after how many of them each step begins."""
        starts: list[int] = []
        with log.open("wb") as stream:
            code, text = Rehearsal(bench, scenario, starts.append).run(stream.fileno())
        assert code == PUBLISHED, text
        told.write_text(json.dumps(starts), encoding="utf-8")

    succeed(fork(rehearse))
    calls, starts = log.read_text(encoding="utf-8").splitlines(), json.loads(told.read_text(encoding="utf-8"))
    whole = Whole(name, old, what_is_seen(bench), names(bench.root), calls, starts)
    base.restore()

    def try_all() -> None:
        told.write_text(json.dumps([vars(v) for v in attempts(bench, scenario, whole, failures)]), encoding="utf-8")

    succeed(fork(try_all))
    return [Verdict(**line) for line in json.loads(told.read_text(encoding="utf-8"))]


@dataclass(frozen=True)
class Whole:
    """A scenario without failure: what was seen before and after, and every call of it."""

    name: str
    old: tuple[dict[str, str], dict[str, str]]
    new: tuple[dict[str, str], dict[str, str]]
    names: list[str]
    calls: list[str]
    starts: list[int]

    def moments(self, how: int, is_thorough: bool) -> set[int]:
        """The calls at which to fail, from one on."""
        chosen = set(range(1, len(self.calls) + 1)) if is_thorough else turning_points(self.calls, how)
        if self.name != FULLY:
            # Until the release is on the disk every night is written by the same lines.
            chosen = {n for n in chosen if n >= self.calls.index("syncfs /output")}
        return chosen


def what_is_seen(bench: Bench) -> tuple[dict[str, str], dict[str, str]]:
    return seen(bench.output), seen(bench.copy)


def attempts(bench: Bench, scenario: Scenario, whole: Whole, failures: tuple[str, ...]) -> list[Verdict]:
    """Publish, and before each step fail at each of its calls in a fork; then see whether the next run succeeds."""
    verdicts = {f: Verdict(whole.name, f, len(whole.calls)) for f in failures}
    moments = {f: whole.moments(FAILURES[f], bench.is_thorough) for f in failures}
    if complaint := order_of_calls(whole.calls, bench.output.name):
        for verdict in verdicts.values():
            verdict.wrong.append(complaint)
    ends = [*whole.starts[1:], len(whole.calls)]
    steps = iter(zip(whole.starts, ends, strict=True))
    recovered: set[tuple] = set()
    looks: dict[tuple, tuple] = {}

    def look() -> tuple[dict[str, str], dict[str, str]]:
        """What is seen; what did not change since was seen before."""
        key = tuple(sorted(item for item in marks(bench.root).items() if ".draft" not in item[0]))
        if key not in looks:
            looks[key] = what_is_seen(bench)
        return looks[key]

    def at_step(calls_so_far: int) -> None:
        start, end = next(steps)
        assert calls_so_far == start, "the calls are not those of the rehearsal"
        snapshot = None
        for failure in failures:
            for moment in sorted(m for m in moments[failure] if start < m <= end):
                snapshot = snapshot or Snapshot(bench.root, bench.folder / "step")
                told = rehearsal.fail_in_fork(moment - start, FAILURES[failure])
                if told is None:
                    return
                judge(verdicts[failure], moment, *told)
                snapshot.restore()

    def judge(verdict: Verdict, moment: int, code: int, text: str) -> None:
        def complain(what: str) -> None:
            verdict.wrong.append(f"{moment} ({whole.calls[moment - 1]}): {what}")

        verdict.attempts += 1
        outcome = {PUBLISHED: "published", TOLD: "told", ENDED: "ended", -signal.SIGKILL: "killed"}.get(code, "bug")
        verdict.outcomes[outcome] = verdict.outcomes.get(outcome, 0) + 1
        if outcome == "bug":
            complain(text[-600:])
        told = text.replace(str(bench.root), "ROOT")
        if outcome == "told" and told not in verdict.messages:
            verdict.messages.append(told)
        now = look()
        for place in (0, 1):
            allowed = between(whole.old[place], whole.new[place])
            for key in sorted({*now[place], *allowed}):
                if now[place].get(key) not in allowed.get(key, {None}):
                    complain(f"{outcome}: {key} is {now[place].get(key)}, allowed {allowed.get(key)}")
            if outcome == "published" and not whole.new[place].items() <= now[place].items():
                complain(f"said to be published, but is {now[place]}")
        if outcome == "published" and now[0] != whole.new[0] and "an old night could not be removed" not in text:
            complain("an old night is still there, and nobody is told")
        # What was left behind under the same names and modes is cleared by the same lines, whatever is in it.
        left = (json.dumps(now), *sorted((n, m[1]) for n, m in marks(bench.root).items()))
        if left in recovered:
            return
        recovered.add(left)
        verdict.recoveries += 1
        code, text = publish_again()
        if code != PUBLISHED:
            complain(f"the next run failed: {text[-600:]}")
        elif (after := what_is_seen(bench)) != whole.new or names(bench.root) != whole.names:
            odd = set(names(bench.root)) ^ set(whole.names)
            complain(f"after the next run: {sorted(odd)[:5]} {after}")

    rehearsal = Rehearsal(bench, scenario, at_step)
    publish_again = Helper(lambda: publisher.publish(rehearsal.con, rehearsal.night, "run"))
    code, text = rehearsal.run()
    publish_again.close()
    assert code == PUBLISHED, text
    assert next(steps, None) is None
    for failure, verdict in verdicts.items():
        assert verdict.attempts == len(moments[failure])
    return list(verdicts.values())


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
        started = time.monotonic()
        verdicts = run_scenario(bench, name, tuple(FAILURES) if is_thorough else QUICKLY.get(name, ("killed",)))
        print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
        for verdict in verdicts:
            print(json.dumps(vars(verdict) | {"wrong": verdict.wrong[:10]}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), "--thorough" in sys.argv)
