"""How a query becomes steps of Spark, and what is told of its errors; the engine itself is tried in tests/integration."""

from __future__ import annotations

import datetime
import importlib.util
from pathlib import Path

import pytest
import sqlglot

from assets.engine.errors import SettingsError
from assets.engine.families import all_models
from assets.engine.model import Model, to_dialect
from assets.engine.night import Night
from assets.engine.settings import Spark as SparkSettings
from assets.engine.settings import read_settings
from assets.engine.spark import Spark, cause_of_spark
from assets.engine.spark_steps import REPEATED_READS, steps_of

WIDE = "select a from core.t0 " + " ".join(f"cross join core.t{n}" for n in range(1, REPEATED_READS + 1))


def steps(query: str) -> dict[str, str]:
    """Steps by name, as DuckDB's text."""
    return {s.name: s.query.sql(dialect="duckdb") for s in steps_of(sqlglot.parse_one(query, read="duckdb"))}


def test_query_without_repetition_is_one_step() -> None:
    query = "WITH once AS (SELECT a FROM core.fill) SELECT a FROM once"
    assert steps(query) == {"": query}


def test_short_expression_may_be_planned_twice() -> None:
    assert list(steps("with few as (select a from core.fill) select a from few union all select a from few")) == [""]


def test_long_expression_that_is_named_twice_is_a_step() -> None:
    """The step takes along what only it needs, and leaves what only the answer needs."""
    found = steps(
        f"with first as ({WIDE}), wide as (select a from first), last as (select a from wide) "
        "select a from last union all select a from wide"
    )
    assert list(found) == ["wide", ""]
    assert found["wide"].startswith("WITH first AS (")
    assert found["wide"].endswith("SELECT a FROM first")
    assert found[""] == "WITH last AS (SELECT a FROM wide) SELECT a FROM last UNION ALL SELECT a FROM wide"


def test_expressions_that_rest_on_one_another_are_counted_through() -> None:
    """Each doubles the reads of the one before: 1, 2, 4, 8, and of the fifth 16, which are not planned twice."""
    doubled = "".join(f", e{n} as (select a from e{n - 1} union all select a from e{n - 1})" for n in range(1, 6))
    assert list(steps(f"with e0 as (select a from core.fill){doubled} select a from e5")) == ["e4", ""]


def test_recursion_is_a_step_with_rounds() -> None:
    [step, answer] = steps_of(
        sqlglot.parse_one(
            "with recursive start as (select 1 as n), walk as (select n from start union all "
            "select n + 1 as n from walk where n < 3) select n from walk",
            read="duckdb",
        )
    )
    assert step.name == "walk"
    assert step.query.sql() == "WITH start AS (SELECT 1 AS n) SELECT n FROM start"
    assert step.next_round is not None
    assert step.next_round.sql() == "SELECT n + 1 AS n FROM walk WHERE n < 3"
    assert answer.query.sql() == "SELECT n FROM walk"


@pytest.mark.parametrize("model", [m for m in all_models() if m.kind == "sql"], ids=lambda m: m.name)
def test_steps_of_a_model_say_no_recursion_and_forget_nothing(model: Model) -> None:
    found = steps_of(model.tree)
    texts = [to_dialect(q, "spark") for step in found for q in (step.query, step.next_round) if q is not None]
    assert not any("RECURSIVE" in text for text in texts)
    inputs = {
        (t.db, t.name) for s in found for q in (s.query, s.next_round) if q for t in q.find_all(sqlglot.exp.Table)
    }
    assert {key for key in inputs if key[0]} == model.inputs
    assert found[-1].name == ""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[CAST_INVALID_INPUT] The value 'PERSON-4711' of the type", "ValueError"),
        ("java.lang.OutOfMemoryError: Java heap space", "memory ran out"),
        ("java.io.IOException: No space left on device", "no space left on a device"),
        ("ExecutorLostFailure (executor 1 exited caused by one of the running tasks)", "its workers were lost"),
        ("Job 3 cancelled because SparkContext was shut down", "its workers were lost"),
    ],
)
def test_cause_of_an_error_names_no_value(text: str, found: str) -> None:
    told, remedy = cause_of_spark(ValueError(text), is_ended=False)
    assert told == found
    assert "PERSON" not in remedy


def test_process_that_is_gone_is_the_cause_whatever_else_is_said() -> None:
    assert cause_of_spark(ValueError("no space left"), is_ended=True)[0] == "its Java process ended"


def test_session_that_spark_ended_has_lost_its_workers_unless_more_is_said() -> None:
    """A master removes an application whose workers die as fast as they begin; what fails last says nothing of them."""
    assert cause_of_spark(ValueError("null"), is_ended=False, is_stopped=True)[0] == "its workers were lost"
    assert cause_of_spark(ValueError("no space left"), is_ended=False, is_stopped=True)[0].startswith("no space left")


def test_night_without_the_extra_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"^engine: found no pyspark; spark needs the extra"):
        Night(datetime.date(2026, 6, 30), tmp_path, tmp_path, read_settings(), engine="spark")
    Night(datetime.date(2026, 6, 30), tmp_path, tmp_path, read_settings())


@pytest.mark.parametrize(
    ("master", "is_local"),
    [
        ("local", True),
        ("local[2]", True),
        ("local-cluster[2,1,2048]", False),
        ("spark://host:7077", False),
        ("yarn", False),
    ],
)
def test_workers_are_watched_where_there_are_any(master: str, *, is_local: bool, tmp_path: Path) -> None:
    spark = Spark(SparkSettings(master=master), tmp_path / "working.duckdb")
    assert spark._is_local is is_local
    assert ("spark.driver.host" in spark._conf()) is is_local


def test_settings_of_spark_go_before_ours_but_for_what_an_answer_means(tmp_path: Path) -> None:
    conf = {"spark.ui.enabled": True, "spark.executor.memory": "8g", "spark.sql.ansi.enabled": False}
    found = Spark(SparkSettings(conf=conf), tmp_path / "working.duckdb")._conf()
    assert (found["spark.ui.enabled"], found["spark.executor.memory"]) == ("true", "8g")
    assert found["spark.sql.ansi.enabled"] == "true"


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"folder": "shared"}, "absolute path"),
        ({"conf": {"executor.memory": "8g"}}, "begin with spark."),
        ({"partitions": 0}, "greater"),
    ],
)
def test_settings_that_spark_cannot_mean(section: dict, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        SparkSettings.model_validate(section)
