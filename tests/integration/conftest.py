"""Nights that the integration tests share: a run takes seconds, so each is run once."""

from __future__ import annotations

import datetime
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from assets.engine import publish as publisher
from assets.engine.contract import all_contracts
from assets.engine.night import Night
from assets.engine.publish import Release
from assets.engine.settings import read_settings
from assets.resources import workplace
from tests.faults.prepared import REPLACED, RETENTION, Publish, prepare, stamp
from tests.faults.trials import FEW, FEW_STATES, write_two_files
from tests.integration.nightly_run import (
    FIRST,
    ROOT,
    SECOND,
    SETTINGS,
    Season,
    enter_hospice,
    rows,
    send_outcomes_back,
    write_delivery,
    write_settings,
)


@pytest.fixture(scope="session", autouse=True)
def _own_dagster_storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Runs of the tests stay out of the repository's own instance."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "DAGSTER_HOME", str(ROOT))
        patch.setitem(os.environ, "CAREGAPS_DAGSTER_STORAGE", str(tmp_path_factory.mktemp("dagster")))
        yield
    workplace.leave()


@pytest.fixture(scope="session")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An input folder in the `tuva` layout."""
    return write_delivery(tmp_path_factory.mktemp("delivery"))


@pytest.fixture(scope="session")
def first_night(delivery: Path, tmp_path_factory: pytest.TempPathFactory) -> Season:
    """One published night: the first that the output folder ever saw."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        # Fails where another core has made it: to make it on each takes minutes, and nothing else would tell.
        (tmp_path_factory.getbasetemp().parent / "first_night").mkdir()
    settings = write_settings(tmp_path_factory.mktemp("settings") / "settings.toml", SETTINGS)
    season = Season(delivery, settings, tmp_path_factory.mktemp("nights") / "output")
    season.run(FIRST, "first")
    return season


@pytest.fixture(scope="session")
def season(first_night: Season, tmp_path_factory: pytest.TempPathFactory) -> Season:
    """Two nights, the second knowing the first.

    Between them one member with an open gap enters hospice, and two pharmacies send their outcome sheets back.
    """
    [(first_night.in_hospice,)] = rows(
        f"select min(person_id) from {first_night.table('gap', first_night.first)} "
        "where status = 'open' and person_id > 'SYN0000200'"
    )
    folder = tmp_path_factory.mktemp("later") / "delivery"
    first_night.delivery = enter_hospice(first_night.delivery, folder, first_night.in_hospice)
    first_night.answers = send_outcomes_back(first_night)
    first_night.run(SECOND, "second")
    workplace.leave()
    shutil.copy(first_night.output / ".warehouse" / "working.duckdb", first_night.second_warehouse)
    return first_night


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A small warehouse, ready to publish."""
    path = tmp_path_factory.mktemp("prepared") / "working.duckdb"
    prepare(path)
    with duckdb.connect(str(path), config={"threads": 1}) as con:
        yield con


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """A folder of nights that is not there yet."""
    return tmp_path / "output"


@pytest.fixture
def publish(
    prepared: duckdb.DuckDBPyConnection, output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Publish:
    """Publish a night whose lists and state say `mark`: one table of each kind, the report without its charts."""
    monkeypatch.setattr(
        publisher,
        "all_contracts",
        lambda layer: [c for c in all_contracts(layer) if c.id in FEW or c.table.source == "state"],
    )
    monkeypatch.setattr(publisher, "STATE_TABLES", {k: v for k, v in publisher.STATE_TABLES.items() if k in FEW_STATES})
    monkeypatch.setattr(publisher, "write_report", write_two_files)
    settings = read_settings()
    kept = {"retention_nights": RETENTION, "retention_releases": REPLACED}
    settings = settings.model_copy(update={"delivery": settings.delivery.model_copy(update=kept)})

    def one(as_of: datetime.date, mark: str) -> Release:
        night = Night(as_of, tmp_path, output, settings)
        stamp(prepared, night, mark)
        return publisher.publish(prepared, night, f"run {as_of} {mark}")

    return one


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let two warnings of Dagster's pass, of what goes away in its version 2."""
    for item in items:
        if "integration" in item.path.parts:
            for message in ("Parameter `partitions_def`", "AssetExecutionContext.run_id"):
                item.add_marker(pytest.mark.filterwarnings(f"ignore:{message}:DeprecationWarning"))
