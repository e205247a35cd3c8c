"""Order and repetition: nights out of order, again, and many of them; no published night changes behind a reader's back.

Told at the level of publication, where a night takes a fraction of a second; whole nights are in `test_night.py`.
"""

from __future__ import annotations

import datetime
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest

from assets.engine.errors import PublicationError
from assets.engine.releases import damaged_files, night_before, nights, restricted_part
from assets.engine.state import load_state
from tests.faults.prepared import NIGHT, REPLACED, RETENTION, Publish
from tests.integration.nightly_run import tree

pytestmark = pytest.mark.survival("repetition")

DAY = datetime.timedelta(1)


def known(prepared: duckdb.DuckDBPyConnection, output: Path, as_of: datetime.date) -> set[str]:
    """What a night would read of the nights before it."""
    load_state(prepared, "state_gap", output, as_of)
    return {reason for (reason,) in prepared.execute("select distinct reason from raw.state_gap").fetchall()}


def release_of(output: Path, as_of: datetime.date) -> dict[str, str]:
    """What a night holds, its restricted part with it."""
    night = output / f"as_of={as_of}"
    return {**tree(night.resolve()), **{f"restricted/{k}": v for k, v in tree(restricted_part(night)).items()}}


def test_the_same_night_twice_changes_nothing(publish: Publish, output: Path) -> None:
    publish(NIGHT, "a")
    before = tree(output)
    assert not publish(NIGHT, "a").is_new
    assert tree(output) == before


def test_a_night_goes_back_to_what_it_said_before(publish: Publish, output: Path) -> None:
    """The release that says so is there still; it is shown again, not written again."""
    first = publish(NIGHT, "a")
    assert publish(NIGHT, "b").is_new
    assert not publish(NIGHT, "a").is_new
    assert (output / "latest").resolve() == first.folder.resolve()
    assert (output / "restricted" / f"as_of={NIGHT}").resolve() == first.restricted.resolve()


def test_nights_out_of_order_read_only_what_is_before_them(
    publish: Publish, output: Path, prepared: duckdb.DuckDBPyConnection
) -> None:
    for distance in (4, 0, 2, 1):
        publish(NIGHT + distance * DAY, f"night {distance}")
    assert [(n - NIGHT).days for n in nights(output)] == [0, 1, 2, 4]
    assert (output / "latest").readlink() == Path(f"as_of={NIGHT + 4 * DAY}")
    told = {d: known(prepared, output, NIGHT + d * DAY) for d in (0, 1, 2, 3, 4, 5)}
    assert told == {0: set(), 1: {"night 0"}, 2: {"night 1"}, 3: {"night 2"}, 4: {"night 2"}, 5: {"night 4"}}


def test_an_earlier_night_again_leaves_later_ones_and_latest(publish: Publish, output: Path) -> None:
    for distance in range(3):
        publish(NIGHT + distance * DAY, "a")
    later = {d: release_of(output, NIGHT + d * DAY) for d in (1, 2)}
    publish(NIGHT, "late claims")
    assert {d: release_of(output, NIGHT + d * DAY) for d in (1, 2)} == later
    assert (output / "latest").readlink() == Path(f"as_of={NIGHT + 2 * DAY}")


def test_restricted_part_and_night_are_switched_by_one_rename(publish: Publish, output: Path) -> None:
    """Between the two links' renames readers still find the restricted part of the night that they see."""
    first = publish(NIGHT, "a")
    second = publish(NIGHT, "b")
    # As if the process had been killed between the two renames.
    link = output / f"as_of={NIGHT}"
    link.unlink()
    link.symlink_to(f".nights/{first.folder.name}")
    assert (output / "restricted" / f"as_of={NIGHT}").resolve().name == second.folder.name
    assert restricted_part(link).resolve() == first.restricted.resolve()
    assert damaged_files(link, restricted_part(link)) == []


def test_a_night_again_and_again_keeps_the_last_releases_only(publish: Publish, output: Path) -> None:
    for number in range(12):
        publish(NIGHT, f"delivery {number}")
    for shelf in (output / ".nights", output / "restricted" / ".nights"):
        assert len(list(shelf.iterdir())) == 1 + REPLACED
    assert damaged_files(output / "latest", restricted_part(output / "latest")) == []


def test_seventy_nights_keep_what_settings_ask_for_and_change_nothing_published(publish: Publish, output: Path) -> None:
    published: dict[datetime.date, dict[str, str]] = {}
    sizes = []
    for distance in range(70):
        as_of = NIGHT + distance * DAY
        publish(as_of, f"night {distance}")
        published[as_of] = release_of(output, as_of)
        if distance % 9 == 4:
            # The night before once more, with a delivery that came late.
            publish(as_of - DAY, f"late for night {distance}")
            published[as_of - DAY] = release_of(output, as_of - DAY)
        kept = list(nights(output))
        assert kept == sorted(published)[-RETENTION:]
        assert (output / "latest").readlink() == Path(f"as_of={as_of}")
        sizes.append(sum(p.stat().st_size for p in output.rglob("*") if p.is_file() and not p.is_symlink()))
    for as_of in nights(output):
        assert release_of(output, as_of) == published[as_of]
    assert list(nights(output / "restricted")) == list(nights(output))
    assert len(list((output / ".nights").iterdir())) <= RETENTION * (1 + REPLACED)
    # A week's nights, and no more, from the second week to the tenth.
    assert max(sizes[2 * RETENTION :]) < 1.5 * max(sizes[RETENTION : 2 * RETENTION])


# State that is not what it was -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("harm", ["cut off", "gone", "restricted part gone", "manifest gone"])
def test_state_that_is_not_as_it_was_written_stops_the_next_night(
    publish: Publish, output: Path, prepared: duckdb.DuckDBPyConnection, harm: str
) -> None:
    """A forgotten opt-out or loss would be a call that must not be made."""
    release = publish(NIGHT, "a")
    state = release.restricted / "state" / "state_gap.parquet"
    if harm == "cut off":
        state.write_bytes(state.read_bytes()[:-20])
    elif harm == "gone":
        state.unlink()
    elif harm == "restricted part gone":
        release.restricted.rename(output / "elsewhere")
    else:
        (release.folder / "manifest.json").unlink()
    with pytest.raises(PublicationError, match="restore"):
        known(prepared, output, NIGHT + DAY)
    # The way out that the line names: that night again.
    publish(NIGHT, "a")
    assert known(prepared, output, NIGHT + DAY) == {"a"}


def test_a_damaged_night_is_never_repaired_under_a_readers_eyes(publish: Publish, output: Path) -> None:
    publish(NIGHT, "a")
    broken = (output / "latest").resolve()
    (broken / "tables" / "worklist.parquet").write_bytes(b"PAR1")
    again = publish(NIGHT, "a")
    assert again.is_new
    assert again.folder.name == f"{broken.name}-2"
    assert damaged_files(output / "latest", restricted_part(output / "latest")) == []
    assert not publish(NIGHT, "a").is_new


# Backup and restore ----------------------------------------------------------------------------------------------------


def test_a_restored_backup_goes_on_where_it_was(
    publish: Publish, output: Path, tmp_path: Path, prepared: duckdb.DuckDBPyConnection
) -> None:
    """`tar` of the output without `.warehouse` is a backup: links, modes and state come back with it."""
    for distance in range(3):
        publish(NIGHT + distance * DAY, f"night {distance}")
    before = tree(output)
    backup = tmp_path / "backup.tar"
    subprocess.run(["tar", "-cpf", backup, "--exclude=.warehouse", "-C", output, "."], check=True)
    shutil.rmtree(output)
    output.mkdir()
    subprocess.run(["tar", "-xpf", backup, "-C", output], check=True)
    assert tree(output) == before
    assert known(prepared, output, NIGHT + 3 * DAY) == {"night 2"}
    assert night_before(output, NIGHT + 3 * DAY) == output / f"as_of={NIGHT + 2 * DAY}"
    assert not publish(NIGHT + 2 * DAY, "night 2").is_new
