"""How much memory there is: what the machine has, its cgroups allow and the process may address.

A limit above that is no limit: the system kills the night in the middle, without a word from it.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

from assets.engine.errors import SettingsError

# What a night takes beside DuckDB: Python, its libraries, what is handed from one to the other.
BESIDE_GB = 1.0
# With less the engine begins to fail on small plans.
LEAST_GB = 0.3
# What is addressed and never touched (stacks, arenas, mapped files): only a limit of addresses counts it.
UNTOUCHED_GB = 2.0

# Where the two versions of cgroups are mounted, and what they call the limit.
CGROUPS = (("", "sys/fs/cgroup", "memory.max"), ("memory", "sys/fs/cgroup/memory", "memory.limit_in_bytes"))


def memory_limit(memory_gb: float) -> float:
    """What DuckDB may take of the memory that there is: `memory_gb`, or less where the machine has less.

    Args:
        memory_gb: What settings allow.

    Raises:
        SettingsError: There is too little for a night.
    """
    return min(memory_gb, max(refuse_too_little() - BESIDE_GB, LEAST_GB))


def refuse_too_little() -> float:
    """The memory that there is, in gigabytes.

    Raises:
        SettingsError: It is too little for a night.
    """
    there = memory_there()
    if there < BESIDE_GB:
        raise SettingsError(
            f"memory: found {there:.2f} GB, by machine, cgroup and ulimit -v less {UNTOUCHED_GB:.0f} GB; at least {BESIDE_GB:.0f} GB is expected"
        )
    return there


def memory_there(root: Path = Path("/")) -> float:
    """The memory that this process may use, in gigabytes.

    Args:
        root: Where the system's files are.
    """
    address_space, _ = resource.getrlimit(resource.RLIMIT_AS)
    limits = [*_of_machine(root), *_of_cgroups(root)]
    if address_space != resource.RLIM_INFINITY:
        limits.append(max(address_space - UNTOUCHED_GB * 1e9, 0))
    return min(limits, default=float("inf")) / 1e9


def _of_machine(root: Path) -> Iterator[float]:
    with suppress(OSError, ValueError):
        for line in (root / "proc/meminfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("MemTotal:"):
                yield int(line.split()[1]) * 1024


def _of_cgroups(root: Path) -> Iterator[float]:
    """The limits of this process's cgroups and of all above them; a container may see its own as the root."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for controller, mount, name in CGROUPS:
            if controller not in controllers.split(","):
                continue
            below = PurePosixPath(path.lstrip("/"))
            for group in (below, *below.parents):
                with suppress(OSError, ValueError):
                    yield int((root / mount / group / name).read_text(encoding="utf-8"))
