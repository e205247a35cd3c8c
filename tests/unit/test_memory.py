"""How much memory there is, and what of it DuckDB is given."""

from __future__ import annotations

import errno
import resource
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from assets.engine import memory
from assets.engine.errors import CaregapsError, InputError, ModelError, PublicationError, SettingsError
from assets.engine.landing import InputFile, reading
from assets.engine.memory import memory_limit, memory_there
from assets.engine.warehouse import cause_of, connect

pytestmark = pytest.mark.survival("faults")

MACHINE = {"proc/meminfo": "MemTotal:       8000000 kB\nMemFree:        1 kB\n"}
V1, V2 = "sys/fs/cgroup/memory", "sys/fs/cgroup"

# What the system says, and the gigabytes that come of it.
SYSTEMS = {
    "a machine without cgroups": ({}, 8.192),
    "second version": (
        {"proc/self/cgroup": "0::/system.slice/caregaps\n", f"{V2}/system.slice/caregaps/memory.max": "2000000000\n"},
        2.0,
    ),
    "second version, of a folder above": (
        {
            "proc/self/cgroup": "0::/batch/caregaps\n",
            f"{V2}/batch/caregaps/memory.max": "max\n",
            f"{V2}/batch/memory.max": "3000000000\n",
        },
        3.0,
    ),
    "second version, in a container that sees its own as the root": (
        {"proc/self/cgroup": "0::/\n", f"{V2}/memory.max": "1500000000\n"},
        1.5,
    ),
    "first version": (
        {"proc/self/cgroup": "4:cpu,memory:/night\n0::/\n", f"{V1}/night/memory.limit_in_bytes": "450000000\n"},
        0.45,
    ),
    "first version, in a container whose path is of the machine": (
        {"proc/self/cgroup": "4:memory:/docker/0815\n", f"{V1}/memory.limit_in_bytes": "1000000000\n"},
        1.0,
    ),
    "first version without a limit": (
        {"proc/self/cgroup": "4:memory:/\n", f"{V1}/memory.limit_in_bytes": "9223372036854771712\n"},
        8.192,
    ),
}


@pytest.mark.parametrize("case", SYSTEMS)
def test_what_machine_and_cgroups_allow(tmp_path: Path, case: str) -> None:
    system, expected = SYSTEMS[case]
    for name, text in {**MACHINE, **system}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert memory_there(tmp_path) == pytest.approx(expected)


def test_a_limit_of_addresses_counts_what_is_never_touched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (5_000_000_000, 5_000_000_000))
    assert memory_there(tmp_path) == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("there", "wanted", "given"),
    [(64.0, 4.0, 4.0), (5.0, 4.0, 4.0), (3.0, 4.0, 2.0), (1.0, 4.0, 0.3), (1.0, 0.1, 0.1), (float("inf"), 4.0, 4.0)],
)
def test_duckdb_is_given_what_the_rest_of_the_night_leaves(
    monkeypatch: pytest.MonkeyPatch, there: float, wanted: float, given: float
) -> None:
    monkeypatch.setattr(memory, "memory_there", lambda: there)
    assert memory_limit(wanted) == pytest.approx(given)


def test_too_little_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "memory_there", lambda: 0.45)
    with pytest.raises(SettingsError, match=r"^memory: found 0\.45 GB, .*; at least 1 GB is expected$"):
        memory_limit(4.0)


def test_the_warehouse_is_opened_with_no_more_than_there_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(memory, "memory_there", lambda: 1.5)
    with connect(tmp_path / "working.duckdb", 1, 4.0) as con:
        [[limit]] = con.execute("select current_setting('memory_limit')").fetchall()
    assert limit == "476.8 MiB"


# While a file of the delivery is read ----------------------------------------------------------------------------------

OF_THE_MACHINE = {
    "Python": (MemoryError(), "working.duckdb: memory ran out; raise limits.memory_gb"),
    "Arrow": (
        pa.ArrowMemoryError("malloc of size 64 failed"),
        "working.duckdb: memory ran out; raise limits.memory_gb",
    ),
    "the system": (OSError(errno.ENOMEM, "x"), "working.duckdb: memory ran out; raise limits.memory_gb"),
    "the engine": (
        duckdb.OutOfMemoryException("x"),
        "f.csv: memory or disk ran out; raise limits.memory_gb, or lower it where the machine has less, or free space",
    ),
    "a full disk": (OSError(errno.ENOSPC, "x"), "working.duckdb: could not be written (No space left on device)"),
    "a quota of the engine": (duckdb.IOException("Disk quota exceeded"), "f.csv: the disk ran out; free space"),
}


@pytest.mark.parametrize("case", OF_THE_MACHINE)
def test_what_the_machine_lacks_is_no_fault_of_the_delivery(case: str) -> None:
    error, line = OF_THE_MACHINE[case]

    def read() -> None:
        try:
            with reading(InputFile(Path("f.csv"), "f.csv")):
                raise error
        except (duckdb.Error, OSError, MemoryError) as found:
            # As the night does with what no step explains.
            raise cause_of(found, "working.duckdb") or found from found

    with pytest.raises(CaregapsError) as told:
        read()
    assert isinstance(told.value, (ModelError, PublicationError))
    assert str(told.value).startswith(line)


@pytest.mark.parametrize("error", [OSError(errno.EIO, "x"), EOFError(), pa.ArrowInvalid("x")])
def test_what_the_file_lacks_is(error: Exception) -> None:
    with pytest.raises(InputError, match=r"^f\.csv: not readable; "), reading(InputFile(Path("f.csv"), "f.csv")):
        raise error
