"""The working warehouse is a cache: whatever lies in its place, the next run begins anew or stops with one line."""

from __future__ import annotations

import datetime
import errno
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from assets.engine import claim_view, kept, relation
from assets.engine.errors import CaregapsError, ModelError, PublicationError, SettingsError, WarehouseError
from assets.engine.night import Night
from assets.engine.settings import read_settings
from assets.engine.warehouse import cause_of, connect, damage_of, spill_folder
from assets.resources import workplace
from pipelines.launch import night_of_clock
from tests.story import build_models, empty_warehouse

pytestmark = pytest.mark.survival("faults")

NIGHT = datetime.date(2026, 6, 30)


def no_database(path: Path) -> None:
    path.write_text("person,birth date\n" * 900, encoding="utf-8")


def empty_file(path: Path) -> None:
    path.touch()


def sqlite_database(path: Path) -> None:
    with sqlite3.connect(path) as con:
        con.execute("create table members (id text)")


def analysts_database(path: Path) -> None:
    with duckdb.connect(str(path)) as con:
        con.execute("create table my_work as select 1 as one")


def older_version(path: Path) -> None:
    with duckdb.connect(str(path)) as con:
        con.execute("create schema door; create table door.built (table_name VARCHAR, as_of DATE)")


def ours(path: Path) -> None:
    with connect(path, 1, 1) as con:
        con.execute("create table raw.eligibility as select range as person_id from range(200000)")


def cut_off(path: Path) -> None:
    ours(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def header_overwritten(path: Path) -> None:
    ours(path)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 8192)


def log_of_another(path: Path) -> None:
    ours(path)
    path.with_name(path.name + ".wal").write_bytes(b"\x01" * 4096)


FOREIGN: dict[str, Callable[[Path], None]] = {
    f.__name__: f
    for f in (no_database, empty_file, sqlite_database, analysts_database, older_version, cut_off, header_overwritten)
}


@pytest.fixture
def take() -> Iterator[Callable[..., duckdb.DuckDBPyConnection]]:
    """What a run's first step does."""
    workplace.leave()

    def one(output: Path, warehouse_file: Path | None = None) -> duckdb.DuckDBPyConnection:
        night = Night(NIGHT, output, output, read_settings(), warehouse_file=warehouse_file)
        return workplace.connect(night)

    yield one
    workplace.leave()


@pytest.mark.parametrize("case", FOREIGN)
def test_the_default_one_is_replaced(take: Callable[..., duckdb.DuckDBPyConnection], tmp_path: Path, case: str) -> None:
    """Below the output nothing but ours belongs there, and a new one changes no published byte."""
    path = tmp_path / ".warehouse" / "working.duckdb"
    path.parent.mkdir()
    FOREIGN[case](path)
    con = take(tmp_path)
    assert con.execute("select count(*) from door.built").fetchall() == [(0,)]
    assert con.execute("select count(*) from duckdb_tables()").fetchall() == [(1,)]


@pytest.mark.parametrize("case", FOREIGN)
def test_one_that_the_operator_named_is_left_as_it_is(
    take: Callable[..., duckdb.DuckDBPyConnection], tmp_path: Path, case: str
) -> None:
    """It may be somebody's work: one line, and not a byte is changed."""
    path = tmp_path / "mine.duckdb"
    FOREIGN[case](path)
    before = path.read_bytes()
    with pytest.raises(WarehouseError, match="--fresh replaces it"):
        take(tmp_path / "output", path)
    assert path.read_bytes() == before


def test_our_own_is_taken_as_it_is(take: Callable[..., duckdb.DuckDBPyConnection], tmp_path: Path) -> None:
    path = tmp_path / "working.duckdb"
    ours(path)
    con = take(tmp_path / "output", path)
    assert con.execute("select count(*) from raw.eligibility").fetchall() == [(200_000,)]


def test_books_that_an_older_version_kept_otherwise_are_begun_anew(tmp_path: Path) -> None:
    """An upgrade costs one night from the start, and no night fails for it."""
    path = tmp_path / "working.duckdb"
    with connect(path, 1, 1) as con:
        con.execute(f"create table door.kept_table ({kept.KEPT_DDL.removesuffix(', told VARCHAR')})")
        con.execute(f"create table door.judged_table ({claim_view.JUDGED_TABLE_DDL})")
    with connect(path, 1, 1) as con:
        assert [relation.kind(con, f"door.{name}") for name in ("kept_table", "judged_table")] == [None, None]
        con.execute(f"create table door.kept_table ({kept.KEPT_DDL})")
    with connect(path, 1, 1) as con:
        assert relation.kind(con, "door.kept_table") == "table"


@pytest.mark.parametrize("name", ["core", "outreach", "changed"])
def test_one_named_as_a_layer_is_refused_before_it_is_made(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"{name}.duckdb"
    with pytest.raises(WarehouseError, match=f"^{name}.duckdb: found a working warehouse named as one of its layers;"):
        connect(path, threads=1, memory_gb=1)
    assert not path.exists()


def test_what_a_killed_run_spilled_is_gone(tmp_path: Path) -> None:
    """Rows of people that nobody else would remove."""
    path = tmp_path / "working.duckdb"
    spill = spill_folder(path)
    spill.mkdir()
    (spill / "duckdb_temp_storage_DEFAULT-0.tmp").write_bytes(b"rows")
    connect(path, 1, 1).close()
    assert not spill.exists()


# Memory and disk -------------------------------------------------------------------------------------------------------


def test_too_little_memory_is_one_line(tmp_path: Path) -> None:
    query = "create table raw.big as select range as a, md5(range::varchar) as b from range(3000000) order by b"
    with connect(tmp_path / "working.duckdb", 1, 0.03) as con:
        con.execute("set max_temp_directory_size = '1MB'")
        with pytest.raises(duckdb.Error) as found:
            con.execute(query)
    told = cause_of(found.value, "facts.adherence")
    assert isinstance(told, ModelError)
    assert str(told) == (
        "facts.adherence: memory ran out; raise limits.memory_gb in settings.toml, or lower it where the machine has less"
    )


SECRET = "PERSON-4711"
ERRORS = {
    "disk full, as Python says it": (OSError(errno.ENOSPC, "x", f"/out/{SECRET}"), "No space left on device"),
    "disk full, as DuckDB says it": (
        duckdb.IOException(f'Could not write file "{SECRET}": No space left on device'),
        "No space left on device",
    ),
    "quota": (OSError(errno.EDQUOT, "x"), "Disk quota exceeded"),
    "read-only": (duckdb.IOException("Cannot open file: Read-only file system"), "Read-only file system"),
    "a disk that fails to sync": (duckdb.FatalException("FATAL Error: fsync failed!"), "Fsync failed"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_what_the_machine_refuses_is_told_without_a_value(case: str) -> None:
    error, found = ERRORS[case]
    told = cause_of(error, "/out")
    assert isinstance(told, PublicationError)
    assert str(told) == f"/out: could not be written ({found}); free space and write access are expected"


@pytest.mark.parametrize("error", [ValueError(SECRET), duckdb.ConversionException(f"Could not convert {SECRET}")])
def test_what_is_our_bug_is_not_called_the_machines(error: Exception) -> None:
    assert cause_of(error, "/out") is None
    assert damage_of(error, Path("working.duckdb")) is None


def test_a_block_that_is_not_what_was_written_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "working.duckdb"
    ours(path)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xff" * 300_000)
    with pytest.raises((duckdb.Error, WarehouseError)) as found, connect(path, 1, 1) as con:
        con.execute("select sum(person_id) from raw.eligibility").fetchall()
    error = found.value
    assert isinstance(error, WarehouseError) or isinstance(damage_of(error, path), WarehouseError)


# The clock -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "as_of"),
    [
        ("2026-07-01T04:00:00", "2026-06-30"),  # the night after
        ("2026-08-14T04:00:00", "2026-08-13"),  # 45 days past the last one: an outage
        ("2026-08-15T04:00:00", None),  # 46: nobody believes it
        ("2031-01-01T04:00:00", None),
        ("2026-05-02T04:00:00", "2026-05-01"),  # back: a night of then may be run again, and moves no link
    ],
)
def test_a_clock_that_jumps_ahead_is_not_believed(tmp_path: Path, now: str, as_of: str | None) -> None:
    """`latest` never moves back, so that a night of the future would hold it until its day."""
    (tmp_path / "as_of=2026-06-29").mkdir()
    moment = datetime.datetime.fromisoformat(now)
    if as_of:
        assert str(night_of_clock(read_settings(), tmp_path, moment)) == as_of
    else:
        with pytest.raises(SettingsError, match="set the clock, or name the night with --as-of"):
            night_of_clock(read_settings(), tmp_path, moment)


def test_the_first_night_believes_the_clock(tmp_path: Path) -> None:
    assert str(night_of_clock(read_settings(), tmp_path, datetime.datetime(2026, 7, 1, 4))) == "2026-06-30"


# Tables and views ------------------------------------------------------------------------------------------------------


def test_a_contract_says_whether_a_model_is_a_view() -> None:
    """A warehouse of before, in which it was the other way round, is no hindrance; a second night is none either."""
    con = empty_warehouse()
    con.execute("create table outreach.every_gap as select 1 as one; create view outreach.ledger as select 1 as one")
    for _ in range(2):
        build_models(con, ["outreach.every_gap", "outreach.ledger"], NIGHT)
        assert relation.kind(con, "outreach.every_gap") == "view"
        assert relation.kind(con, "outreach.ledger") == "table"
    assert relation.kind(con, "outreach.nothing") is None


def test_every_error_of_a_warehouse_is_ours() -> None:
    assert issubclass(WarehouseError, CaregapsError)
