"""Two at once: a second run on an output stops with one line, and who reads keeps what was opened."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from assets.engine.errors import PublicationError
from assets.engine.run_record import RunRecord, begin, end, is_held, lock, lock_file
from assets.resources import NightResource, workplace
from tests.faults.prepared import NIGHT, Publish
from tests.integration.nightly_run import ROOT, write_settings

pytestmark = pytest.mark.survival("two at once")

# What any run does first, whoever started it: it takes the output and its warehouse.
OTHER = """
import pathlib, sys
from assets.engine.run_record import lock, lock_file
held = [lock(lock_file(pathlib.Path(sys.argv[1]))), lock(pathlib.Path(sys.argv[2]).with_suffix(".lock"))]
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def other_run(output: Path, warehouse_file: Path) -> Iterator[None]:
    workplace.leave()
    command = [sys.executable, "-c", OTHER, str(output), str(warehouse_file)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}
    ) as other:
        assert other.stdout.readline() == "held\n"
        yield
        other.stdin.close()
        other.wait(20)


def own(output: Path) -> Path:
    return output / ".warehouse" / "working.duckdb"


def test_two_runs_with_warehouses_of_their_own_do_not_share_an_output(tmp_path: Path) -> None:
    output = tmp_path / "output"
    with other_run(output, tmp_path / "elsewhere" / "working.duckdb"):
        with pytest.raises(PublicationError, match="another run is working here; wait"):
            workplace.take(own(output), output)
        assert is_held(lock_file(output))
    workplace.take(own(output), output)
    workplace.leave()
    assert not is_held(lock_file(output))


def test_a_draft_goes_when_a_run_has_the_output_and_no_sooner(tmp_path: Path) -> None:
    """What a killed run left would keep a full disk full; what another run writes right now is its own."""
    output = tmp_path / "output"
    drafts = [output / ".nights" / ".draft", output / "restricted" / ".nights" / ".draft"]
    for draft in drafts:
        (draft / "tables").mkdir(parents=True)
        (draft / "tables" / "worklist.parquet").write_bytes(b"half")
    with other_run(output, tmp_path / "elsewhere" / "working.duckdb"):
        with pytest.raises(PublicationError, match="another run is working here; wait"):
            workplace.take(own(output), output)
        assert all((draft / "tables" / "worklist.parquet").is_file() for draft in drafts)
    # The warehouse is asked for after the output: whoever is refused it removes nothing either.
    shared = tmp_path / "shared" / "working.duckdb"
    with other_run(tmp_path / "elsewhere", shared), pytest.raises(PublicationError, match="another run"):
        workplace.take(shared, output)
    assert all(draft.is_dir() for draft in drafts)
    workplace.take(own(output), output)
    workplace.leave()
    assert not [draft for draft in drafts if draft.exists()]


def test_two_outputs_do_not_share_a_warehouse(tmp_path: Path) -> None:
    shared = tmp_path / "shared" / "working.duckdb"
    with other_run(tmp_path / "one", shared), pytest.raises(PublicationError, match="another run"):
        workplace.take(shared, tmp_path / "two")
    # What was taken before the refusal is given back.
    assert not is_held(lock_file(tmp_path / "two"))


def test_an_analysts_step_stops_while_the_nightly_run_is_at_work(tmp_path: Path) -> None:
    """A run of the UI and `caregaps run` take the same locks: neither writes a table of the other's night."""
    output = tmp_path / "output"
    touched = []

    @dg.asset
    def table(context: dg.AssetExecutionContext, night: NightResource) -> None:
        with night.open(context.run) as (con, _):
            touched.append(con)

    begin(output.parent, NIGHT, "")  # no folder for it: nothing is written, and nothing fails
    with other_run(output, own(output)):
        begin(output, NIGHT, "nightly")
        done = dg.materialize(
            [table],
            resources={"night": NightResource(input=str(tmp_path), output=str(output), as_of=str(NIGHT))},
            raise_on_error=False,
        )
        assert not done.success
        assert not touched
        # The record is that of the run that is at work.
        assert RunRecord.read(output).outcome == "running"
        assert RunRecord.read(output).run_id == "nightly"
    workplace.leave()


def test_a_run_of_the_ui_that_nobody_could_be_given_stops_at_its_first_step(tmp_path: Path) -> None:
    """As `caregaps run` does: not after the night, when its files are to have their group."""
    output, touched = tmp_path / "output", []
    settings = write_settings(tmp_path / "settings.toml", {'group = ""': 'group = "nosuchgroup"'})

    @dg.asset
    def table(context: dg.AssetExecutionContext, night: NightResource) -> None:
        with night.open(context.run) as (con, _):
            touched.append(con)

    night = NightResource(input=str(tmp_path), output=str(output), as_of=str(NIGHT), config=str(settings))
    done = dg.materialize([table], resources={"night": night}, raise_on_error=False)
    workplace.leave()
    assert not done.success
    assert not touched
    record = RunRecord.read(output)
    assert (record.outcome, record.error) == (
        "failed", "delivery.group: found 'nosuchgroup'; an existing POSIX group is expected",
    )  # fmt: skip


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    output = tmp_path / "output"
    workplace.leave()
    command = [sys.executable, "-c", OTHER, str(output), str(own(output))]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}
    ) as other:
        assert other.stdout.readline() == "held\n"
        other.kill()
        other.wait(20)
    workplace.take(own(output), output)
    workplace.leave()


def test_asking_whether_a_run_is_at_work_disturbs_none(tmp_path: Path) -> None:
    """A monitor that asks at the wrong moment must not cost a night."""
    path = lock_file(tmp_path)
    path.parent.mkdir()
    path.touch()
    is_over = threading.Event()

    def ask() -> None:
        while not is_over.is_set():
            is_held(path)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for _ in range(20):
            lock(path).close()
    finally:
        is_over.set()
        asking.join()


def test_a_reader_keeps_the_night_that_was_opened(publish: Publish, output: Path) -> None:
    """Through a switch, and through the removal of what was read."""
    publish(NIGHT, "old")
    latest = output / "latest"
    with (
        duckdb.connect(str((latest / "warehouse.duckdb").resolve()), read_only=True) as reader,
        (latest / "tables" / "worklist.parquet").open("rb") as file,
    ):
        size = (latest / "tables" / "worklist.parquet").stat().st_size
        # More releases than are kept: the first one's files are gone from their folder.
        for number in range(4):
            publish(NIGHT, f"new {number}")
        assert {reason for (reason,) in reader.execute("select reason from worklist").fetchall()} == {"old"}
        assert len(file.read()) == size
    with duckdb.connect(str((latest / "warehouse.duckdb").resolve()), read_only=True) as reader:
        assert {reason for (reason,) in reader.execute("select reason from worklist").fetchall()} == {"new 3"}


def test_a_reader_who_follows_the_link_once_reads_one_night(publish: Publish, output: Path) -> None:
    publish(NIGHT, "old")
    night = (output / "latest").resolve()
    publish(NIGHT, "new")
    found = duckdb.sql(f"select distinct reason from read_parquet('{night}/tables/worklist.parquet')").fetchall()
    assert found == [("old",)]


def test_a_record_tells_how_a_run_ended(tmp_path: Path) -> None:
    (tmp_path / ".warehouse").mkdir()
    assert RunRecord.read(tmp_path) is None
    begin(tmp_path, NIGHT, "r1")
    assert RunRecord.read(tmp_path).outcome == "running"
    end(tmp_path, NIGHT, "r1", "eligibility: found no file; this table is required")
    failed = RunRecord.read(tmp_path)
    assert (failed.outcome, failed.run_id) == ("failed", "r1")
    end(tmp_path, NIGHT, "r2")
    assert RunRecord.read(tmp_path).outcome == "published"
    (tmp_path / ".warehouse" / "last_run.json").write_text("{", encoding="utf-8")
    assert RunRecord.read(tmp_path) is None
