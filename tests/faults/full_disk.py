"""Runs a night again and again on a disk that is too small, and tells what became of it as lines of JSON.

`python -m tests.faults.full_disk FOLDER tmpfs` mounts a small file system of memory below FOLDER and fills it; in place of
`tmpfs`, `limit` sets the size that a file may have. The command is the real one; its job is one step that builds, checks and
publishes the night by its parts.
"""

import contextlib
import datetime
import io
import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import dagster as dg

import pipelines.launch
from assets import publication
from assets.engine import publish as publisher
from assets.engine.releases import damaged_files, restricted_part
from assets.resources import NightResource, workplace
from pipelines import nightly
from pipelines.cli import main
from tests.faults.trials import write_two_files
from tests.integration.growing_plan import DAY, START, Plan, publish_night
from tests.integration.nightly_run import ROOT, tree

SIZE = 256 << 20
SPILLS = (
    "create or replace table door.spilled as select range as a, md5(range::varchar) as b from range(4000000) order by b"
)


class Disk:
    """A file system of memory with so much free space, or files of no more than so much."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder, self.kind = folder, kind
        folder.mkdir()
        self.ballast = folder / "ballast"
        if kind == "tmpfs":
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=700", "none", folder], check=True)

    def leave(self, room: int) -> None:
        """Leave so much room."""
        if self.kind == "limit":
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
            return
        told = os.statvfs(self.folder)
        with self.ballast.open("wb") as stream:
            os.posix_fallocate(stream.fileno(), 0, max(1, told.f_bavail * told.f_frsize - room))

    def free(self) -> None:
        """Give all of it back."""
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self.ballast.unlink(missing_ok=True)


class Night:
    """The command on the plan, and what it left."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        self.plan, self.output = Plan(folder / "sample", folder / "input"), disk.folder / "output"
        self.query, self.before_publication = "", lambda: None
        self.settings = folder / "settings.toml"
        pipelines.launch.build_defs = self.definitions
        dg.DagsterInstance.get = dg.DagsterInstance.ephemeral
        publisher.write_report = write_two_files

    def definitions(self, last_night=None) -> dg.Definitions:
        @dg.asset(partitions_def=publication.nights(last_night, "UTC"))
        def work(context: dg.AssetExecutionContext, night: NightResource) -> None:
            with night.open(context.run) as (con, plan):
                if self.query:
                    con.execute(self.query)
                publish_night(con, plan, self.before_publication)

        return dg.Definitions(
            assets=[work], jobs=[nightly.job()], resources={"night": NightResource()}, executor=dg.in_process_executor
        )

    def limit(self, memory_gb: float) -> None:
        text = (ROOT / "settings.toml").read_text(encoding="utf-8")
        text = re.sub(r"(?m)^memory_gb = \S+", f"memory_gb = {memory_gb}", text, count=1)
        self.settings.write_text(text, encoding="utf-8")

    def run(self, as_of: datetime.date) -> tuple[int, str]:
        arguments = ["run", "--input", self.plan.folder, "--output", self.output]
        arguments += ["--as-of", as_of, "--config", self.settings]
        told = io.StringIO()
        with contextlib.redirect_stderr(told), contextlib.redirect_stdout(io.StringIO()):
            status = main([str(a) for a in arguments])
        workplace.leave()
        return status, told.getvalue()

    def seen(self) -> dict[str, str]:
        """What readers see; of what is being written nothing may be left."""
        return tree(self.output) if self.output.exists() else {}


def tell(**found) -> None:
    print(json.dumps(found), flush=True)


def try_all(folder: Path, kind: str) -> None:
    disk = Disk(folder / "disk", kind)
    night = Night(folder, disk)
    second = START + 10 * DAY
    night.plan.deliver(START)
    night.limit(2.0)
    status, error = night.run(START)
    assert status == 0, error
    release = (night.output / "latest").resolve()
    size = sum(p.stat().st_size for f in (release, restricted_part(release)) for p in f.rglob("*") if p.is_file())
    before = night.seen()
    night.plan.deliver(second)

    def attempt(case: str, room: int, query: str = "", memory_gb: float = 2.0, *, is_late: bool = False) -> None:
        night.query = query
        night.limit(memory_gb)
        if is_late:
            night.before_publication = lambda: disk.leave(room)
        elif room:
            disk.leave(room)
        status, error = night.run(second)
        disk.free()
        night.query, night.before_publication = "", lambda: None
        lines = [line for line in error.splitlines() if line.startswith("error: ")]
        left = [p.name for pattern in (".draft", "*.tmp") for p in night.output.rglob(pattern)]
        tell(
            case=case, status=status, error=error.replace(str(night.output), "OUTPUT"), lines=len(lines),
            is_as_before=night.seen() == before, left=left,
        )  # fmt: skip

    file = (night.output / ".warehouse" / "working.duckdb").stat().st_size
    early, half = (size // 10, size // 2) if kind == "tmpfs" else (file // 50, file // 20)
    attempt("no room at all", 1)
    attempt("room for a tenth of a night", early)
    attempt("room for half a night", half)
    attempt("half the room when publication begins", size // 2 if kind == "tmpfs" else 100_000, is_late=True)
    attempt("a disk that is full while a query spills", 12 << 20, SPILLS, 0.1)
    attempt("too little memory", 0, "set max_temp_directory_size = '1MB'; " + SPILLS, 0.1)

    night.limit(2.0)
    status, error = night.run(second)
    found = (night.output / "latest").resolve()
    is_whole = status == 0 and found.name.startswith(str(second)) and not damaged_files(found, restricted_part(found))
    tell(case="the next ordinary run", status=status, error=error, is_whole=is_whole)


if __name__ == "__main__":
    try_all(Path(sys.argv[1]), sys.argv[2])
