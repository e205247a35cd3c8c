"""The night on Spark: every table equal to DuckDB's, on one machine and on workers, and what a night on Spark survives."""

from __future__ import annotations

import datetime
import os
import re
import shutil
import signal
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from assets.engine.contract import all_contracts, contract_for
from assets.engine.errors import ModelError, SettingsError
from assets.engine.families import all_models
from assets.engine.model import LAYERS, Model
from assets.engine.outreach_registry import read_outreach_outcomes
from assets.engine.settings import Spark as SparkSettings
from assets.engine.settings import read_settings
from assets.engine.spark import Spark
from assets.engine.spark_setup import refuse_without_java
from assets.engine.sql_text import sql_path
from assets.engine.warehouse import file_below, spill_folder
from pipelines.cli import main
from tests.integration.growing_plan import DAY, SAID_DEAD, START, Plan
from tests.integration.nightly_run import manifest_of, parquet_files, run_night, tree, write_settings

pytest.importorskip("pyspark")


def why_not() -> str:
    """Why no night is run on Spark here; empty where one is."""
    if "CAREGAPS_TEST_SPARK" not in os.environ:
        return "takes minutes; set CAREGAPS_TEST_SPARK=1"
    try:
        refuse_without_java()
    except SettingsError as error:
        return str(error)
    return ""


WHY_NOT = why_not()
pytestmark = [
    pytest.mark.skipif(WHY_NOT != "", reason=WHY_NOT),
    pytest.mark.timeout(2400),
    # pyspark leaves sockets to the collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

CLUSTER = "local-cluster[2,1,2048]"
# Claims came late, were corrected and reversed since the first night; a member joined, and one is said to be dead.
LATER = START + SAID_DEAD * DAY

# A few rows in 300 queries: what Spark prepares for millions costs more than it saves.
SMALL = """"spark.sql.adaptive.enabled" = false
"spark.sql.codegen.wholeStage" = false
"spark.driver.extraJavaOptions" = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC -Xmn600m -XX:MetaspaceSize=300m"
"""
SMALL_CONF = {line.split('"')[1]: line.split(" = ")[1].strip('"') for line in SMALL.splitlines()}


@dataclass(frozen=True)
class Trial:
    """One delivery, what was published before it, and where DuckDB published its night."""

    delivery: Path
    settings: Path
    before: Path
    duckdb: Path


def settings_file(path: Path, master: str = "local[2]") -> Path:
    return write_settings(
        path, {'master = "local[2]"': f'master = "{master}"', "[spark.conf]": f"[spark.conf]\n{SMALL}#"}
    )


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """The second night of a plan by DuckDB: pharmacies have answered every row of the first, each outcome in turn."""
    folder = tmp_path_factory.mktemp("spark")
    plan = Plan(folder / "sample", folder / "delivery")
    trial = Trial(plan.folder, settings_file(folder / "settings.toml"), folder / "before", folder / "duckdb")
    plan.deliver(START)
    run_night(trial.delivery, trial.before, START, config=trial.settings)
    with duckdb.connect() as con:
        listed = con.execute(
            f"select gap_id from {sql_table(trial.before, 'worklist', START)} order by state, pharmacy_npi, list_rank"
        ).fetchall()
    offered = [code for code, outcome in read_outreach_outcomes().items() if outcome.offered]
    assert len(listed) > len(offered)
    plan.answers += [
        (gap, f"{START + DAY} 10:00:00", code) for (gap,), code in zip(listed, cycle(offered), strict=False)
    ]
    plan.deliver(LATER)
    run_night(trial.delivery, continued(trial, trial.duckdb), LATER, config=trial.settings)
    return trial


def sql_table(output: Path, table: str, as_of: datetime.date) -> str:
    return f"read_parquet({sql_path(output / f'as_of={as_of}' / 'tables' / f'{table}.parquet')})"


def continued(trial: Trial, output: Path) -> Path:
    """The output of the first night, for another second one; the working warehouse is a cache."""
    return Path(shutil.copytree(trial.before, output, symlinks=True, ignore=shutil.ignore_patterns(".warehouse")))


@pytest.fixture(scope="module")
def spark_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Workers of a local cluster keep their logs in the folder of Spark itself: a copy of links, to be forgotten."""
    import pyspark

    home = tmp_path_factory.mktemp("spark_home")
    for path in Path(pyspark.__file__).parent.iterdir():
        (home / path.name).symlink_to(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_HOME", str(home))
        yield


@pytest.fixture(scope="module", params=["local[2]", CLUSTER])
def spark(
    one: Trial, spark_home: None, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Where Spark published the same second night: within one process, and on two workers of their own."""
    folder = tmp_path_factory.mktemp("spark")
    settings = settings_file(folder / "settings.toml", request.param)
    run_night(one.delivery, continued(one, folder / "output"), LATER, config=settings, engine="spark")
    return folder / "output"


def test_published_files_are_equal_byte_for_byte(one: Trial, spark: Path) -> None:
    for part in (".", "restricted"):
        found = [parquet_files(output / part / f"as_of={LATER}") for output in (one.duckdb, spark)]
        assert len(found[0]) > 5
        assert found[0] == found[1]
    engines = [manifest_of(output / f"as_of={LATER}")["engine"] for output in (one.duckdb, spark)]
    assert engines == ["duckdb", "spark"]


def test_every_table_of_the_warehouse_is_equal_row_by_row(one: Trial, spark: Path) -> None:
    with duckdb.connect() as con:
        for name, output in (("one", one.duckdb), ("other", spark)):
            con.execute(f"attach '{file_below(output)}' as {name} (read_only)")
        tables = [c.id for layer in ("raw", *LAYERS) for c in all_contracts(layer)]
        assert differing(con, tables) == []
        # What nobody answered, took back or took over would be equal too.
        for told in ("facts.known_attempt", "facts.closing_word", "core.pharmacy_claim_removed", "outreach.recall"):
            assert con.execute(f"select count(*) > 0 from one.{told}").fetchall() == [(True,)], told


def differing(con: duckdb.DuckDBPyConnection, tables: list[str]) -> list[str]:
    """Tables of two databases that are not equal: columns with their types, and rows; their order is not always told."""
    return [
        table
        for table in tables
        if con.execute(f"describe one.{table}").fetchall() != con.execute(f"describe other.{table}").fetchall()
        or con.execute(f"from one.{table} order by all").fetchall()
        != con.execute(f"from other.{table} order by all").fetchall()
    ]


def test_nothing_of_the_night_is_left_but_the_warehouse(spark: Path) -> None:
    left = {p.name for p in (spark / ".warehouse").iterdir()}
    assert left <= {"working.duckdb", "working.lock", "working.tmp", "output.lock", "last_run.json"}
    assert list(spill_folder(file_below(spark)).glob("spark*")) == []


def test_a_night_whose_java_process_dies_leaves_the_lists(
    one: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """One line, status 1, yesterday's lists in place, and no row left behind."""
    output = Path(shutil.copytree(one.duckdb, tmp_path / "output", symlinks=True))
    before = tree(output)
    create = Spark.create

    def killed_at_the_second(spark: Spark, con: Any, model: Model, params: dict[str, Any]) -> None:
        if spark._session is not None:
            assert stat.S_IMODE(spark._folder.stat().st_mode) == 0o700
            os.kill(java_of(spark), signal.SIGKILL)
        create(spark, con, model, params)

    monkeypatch.setattr(Spark, "create", killed_at_the_second)
    monkeypatch.setattr(dg.DagsterInstance, "get", dg.DagsterInstance.ephemeral)
    night = ["run", "--input", one.delivery, "--output", output, "--as-of", LATER, "--config", one.settings]
    status = main([*map(str, night), "--engine", "spark"])
    error = capfd.readouterr().err
    assert status == 1
    told = r"error: \w+\.\w+: Spark failed \(its Java process ended\); run the night again"
    assert re.match(told, error.splitlines()[-1])
    assert sum(line.startswith("error: ") for line in error.splitlines()) == 1
    assert "Traceback" not in error
    assert tree(output) == before
    assert list(spill_folder(file_below(output)).glob("spark*")) == []


def java_of(spark: Spark) -> int:
    return spark._gateway.proc.pid


# On workers -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def cluster(spark_home: None, tmp_path: Path) -> Iterator[Callable[..., Spark]]:
    """Begin a session on two workers, each a process of its own."""
    made: list[Spark] = []

    def begin(warehouse: Path, **conf: str) -> Spark:
        settings = SparkSettings(
            master=CLUSTER,
            worker_wait_seconds=6,
            conf={**SMALL_CONF, "spark.deploy.maxExecutorRetries": "1"},
        )
        made.append(Spark(settings, warehouse))
        return made[-1]

    yield begin
    for spark in made:
        spark.close()


def workers_of(spark: Spark) -> list[int]:
    """Processes of the executors, which Java begins beside others that are soon over."""
    children = Path(f"/proc/{java_of(spark)}/task").glob("*/children")
    return sorted({int(pid) for path in children for pid in path.read_text().split() if is_executor(pid)})


def is_executor(pid: str) -> bool:
    with suppress(OSError):
        return b"CoarseGrainedExecutorBackend" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def test_the_loss_of_workers_is_one_line(
    one: Trial, cluster: Callable[..., Spark], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    warehouse = tmp_path / "working.duckdb"
    shutil.copy(file_below(one.duckdb), warehouse)
    params = {**read_settings(one.settings).params(), "as_of": LATER}
    models = {m.name: m for m in all_models()}
    spark = cluster(warehouse)

    def build(name: str) -> None:
        spark.create(con, models[name], {p: params[p] for p in models[name].params})

    def build_often(name: str) -> None:
        for _ in range(20):
            build(name)

    with duckdb.connect(str(warehouse)) as con:
        build("core.fill")
        assert len(workers_of(spark)) == 2

        # The value that cannot be cast stands in Spark's error, and in no line of ours.
        wrong = tmp_path / "core" / "ingredient.sql"
        wrong.parent.mkdir()
        first, *others = contract_for("core", "ingredient").columns
        columns = "".join(f", null as {name}" for name in others)
        wrong.write_text(f"select cast(person_id as integer) as {first}{columns} from core.member", encoding="utf-8")
        with pytest.raises(ModelError) as told:
            spark.create(con, Model(wrong), {})
        assert str(told.value) == "core.ingredient: Spark failed (CAST_INVALID_INPUT); CAREGAPS_TRACEBACK=1 shows more"

        # One worker is made good; without any the night ends.
        os.kill(workers_of(spark)[0], signal.SIGKILL)
        build("core.fill")
        ended = threading.Event()
        threading.Thread(target=kill_workers, args=[spark, ended], daemon=True).start()
        lost = r"^core.fill: Spark failed \(its workers were lost\); run the night again"
        with pytest.raises(ModelError, match=lost):
            build_often("core.fill")
        ended.set()
    heard = capfd.readouterr()
    assert heard.out + heard.err == ""


def kill_workers(spark: Spark, ended: threading.Event) -> None:
    while not ended.wait(0.2):
        for pid in workers_of(spark):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
