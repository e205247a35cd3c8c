"""The night on Spark: every table equal to DuckDB's, on one machine and on workers, and what a night on Spark survives."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from assets.engine.contract import all_contracts, contract_for
from assets.engine.errors import ModelError
from assets.engine.families import all_models
from assets.engine.model import LAYERS, Model
from assets.engine.settings import Spark as SparkSettings
from assets.engine.settings import read_settings
from assets.engine.spark import Spark
from assets.engine.warehouse import file_below, spill_folder
from pipelines.cli import main
from sample_data.generate import generate
from tests.integration.nightly_run import SECOND, manifest_of, parquet_files, run_night, tree, write_settings

pytest.importorskip("pyspark")
pytestmark = [
    pytest.mark.skipif(not (shutil.which("java") or os.environ.get("JAVA_HOME")), reason="no Java"),
    pytest.mark.skipif("CAREGAPS_TEST_SPARK" not in os.environ, reason="takes minutes; set CAREGAPS_TEST_SPARK=1"),
    pytest.mark.timeout(2400),
    # pyspark leaves sockets to the collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

MEMBERS, SEED = 40, 7

# A few rows in 300 queries: what Spark prepares for millions costs more than it saves.
SMALL = """"spark.sql.adaptive.enabled" = false
"spark.sql.codegen.wholeStage" = false
"spark.driver.extraJavaOptions" = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC -Xmn600m -XX:MetaspaceSize=300m"
"""
SMALL_CONF = {line.split('"')[1]: line.split(" = ")[1].strip('"') for line in SMALL.splitlines()}


@dataclass(frozen=True)
class Trial:
    """One delivery, and where each engine publishes it."""

    delivery: Path
    settings: Path
    duckdb: Path
    spark: Path


def settings_file(path: Path, master: str = "local[2]", conf: str = "") -> Path:
    return write_settings(
        path, {'master = "local[2]"': f'master = "{master}"', "[spark.conf]": f"[spark.conf]\n{SMALL}{conf}\n#"}
    )


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """A delivery, and its night by DuckDB."""
    folder = tmp_path_factory.mktemp("spark")
    generate(MEMBERS, SEED, folder / "delivery")
    settings = settings_file(folder / "settings.toml")
    trial = Trial(folder / "delivery", settings, folder / "duckdb", folder / "spark")
    run_night(trial.delivery, trial.duckdb, SECOND, config=settings)
    return trial


@pytest.fixture(scope="module")
def both(one: Trial) -> Trial:
    """The same delivery by both engines."""
    run_night(one.delivery, one.spark, SECOND, config=one.settings, engine="spark")
    return one


def test_published_files_are_equal_byte_for_byte(both: Trial) -> None:
    for part in (".", "restricted"):
        found = [parquet_files(output / part / f"as_of={SECOND}") for output in (both.duckdb, both.spark)]
        assert len(found[0]) > 5
        assert found[0] == found[1]
    engines = [manifest_of(output / f"as_of={SECOND}")["engine"] for output in (both.duckdb, both.spark)]
    assert engines == ["duckdb", "spark"]


def test_every_table_of_the_warehouse_is_equal_row_by_row(both: Trial) -> None:
    with duckdb.connect() as con:
        for name, output in (("one", both.duckdb), ("other", both.spark)):
            con.execute(f"attach '{file_below(output)}' as {name} (read_only)")
        tables = [c.id for layer in ("raw", *LAYERS) for c in all_contracts(layer)]
        assert differing(con, tables) == []


def differing(con: duckdb.DuckDBPyConnection, tables: list[str]) -> list[str]:
    """Tables of two databases that are not equal: columns with their types, and rows; their order is not always told."""
    return [
        table
        for table in tables
        if con.execute(f"describe one.{table}").fetchall() != con.execute(f"describe other.{table}").fetchall()
        or con.execute(f"from one.{table} order by all").fetchall()
        != con.execute(f"from other.{table} order by all").fetchall()
    ]


def test_nothing_of_the_night_is_left_but_the_warehouse(both: Trial) -> None:
    left = {p.name for p in (both.spark / ".warehouse").iterdir()}
    assert left <= {"working.duckdb", "working.lock", "working.tmp", "output.lock", "last_run.json"}
    assert list(spill_folder(file_below(both.spark)).glob("spark*")) == []


def test_a_night_whose_java_process_dies_leaves_the_lists(
    one: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """One line, status 1, yesterday's lists in place, and no row left behind."""
    output = Path(shutil.copytree(one.duckdb, tmp_path / "output", symlinks=True))
    before = tree(output)
    create = Spark.create

    def killed_in_core(spark: Spark, con: Any, model: Model, params: dict[str, Any]) -> None:
        if spark._session is not None:
            assert stat.S_IMODE(spark._folder.stat().st_mode) == 0o700
            os.kill(java_of(spark), signal.SIGKILL)
        create(spark, con, model, params)

    monkeypatch.setattr(Spark, "create", killed_in_core)
    monkeypatch.setattr(dg.DagsterInstance, "get", dg.DagsterInstance.ephemeral)
    night = ["run", "--input", one.delivery, "--output", output, "--as-of", SECOND, "--config", one.settings]
    status = main([*map(str, night), "--engine", "spark"])
    error = capfd.readouterr().err
    assert status == 1
    assert error.splitlines()[-1].startswith("error: core.")
    assert "Spark failed (its Java process ended); run the night again" in error.splitlines()[-1]
    assert sum(line.startswith("error: ") for line in error.splitlines()) == 1
    assert "Traceback" not in error
    assert tree(output) == before
    assert list(spill_folder(file_below(output)).glob("spark*")) == []


def java_of(spark: Spark) -> int:
    return spark._gateway.proc.pid


# On workers -----------------------------------------------------------------------------------------------------------

CLUSTER = "local-cluster[2,1,2048]"


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


@pytest.fixture
def cluster(spark_home: None, tmp_path: Path) -> Iterator[Callable[..., Spark]]:
    """Begin a session on two workers, each a process of its own."""
    made: list[Spark] = []

    def begin(warehouse: Path, **conf: str) -> Spark:
        settings = SparkSettings(
            master="local-cluster[2,1,2048]",
            worker_wait_seconds=6,
            conf={**SMALL_CONF, "spark.deploy.maxExecutorRetries": "1"},
        )
        made.append(Spark(settings, warehouse))
        return made[-1]

    yield begin
    for spark in made:
        spark.close()


def workers_of(spark: Spark) -> list[int]:
    """Processes of the executors, which Java begins."""
    children = Path(f"/proc/{java_of(spark)}/task").glob("*/children")
    return sorted({int(pid) for path in children for pid in path.read_text(encoding="utf-8").split()})


# Windows and running sums, both recursions, structs as JSON, digests, order by many keys.
ON_WORKERS = [
    "core.fill", "facts.supply", "facts.coupled_supply", "facts.adherence", "facts.pregnancy_outcome",
    "gaps.community_resource", "outreach.worklist",
]  # fmt: skip


def test_workers_answer_alike_and_their_loss_is_one_line(
    one: Trial, cluster: Callable[..., Spark], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    warehouse = tmp_path / "working.duckdb"
    shutil.copy(file_below(one.duckdb), warehouse)
    params = {**read_settings(one.settings).params(), "as_of": SECOND}
    models = {m.name: m for m in all_models()}
    spark = cluster(warehouse)

    def build(name: str) -> None:
        spark.create(con, models[name], {p: params[p] for p in models[name].params})

    def build_often(name: str) -> None:
        for _ in range(20):
            build(name)

    with duckdb.connect(str(warehouse)) as con:
        con.execute(f"attach '{file_below(one.duckdb)}' as one (read_only)")
        for name in ON_WORKERS:
            con.execute(f"drop table {name}")
            build(name)
            # In the order that the model asks for, if it asks for one.
            order = "" if models[name].tree.args.get("order") else "order by all"
            told, found = (con.execute(f"from {base}.{name} {order}").fetchall() for base in ("one", "working"))
            assert told == found, name
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
