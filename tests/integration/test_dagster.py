"""What Dagster keeps of a night: rows, lineage, checks; and never a value of a claim."""

from __future__ import annotations

import re

import dagster as dg
import pytest

from assets.engine.contract import all_contracts, contract_for
from assets.engine.families import all_models
from assets.publication import KEY
from tests.integration.nightly_run import Season, manifest_of

LAYERS = ("raw", "core", "facts", "gaps", "outreach")


@pytest.fixture(scope="module")
def instance(season: Season) -> dg.DagsterInstance:
    """The instance of the last run."""
    return season.instance


def metadata_of(instance: dg.DagsterInstance, key: dg.AssetKey) -> dict[str, dg.MetadataValue]:
    event = instance.get_latest_materialization_event(key)
    assert event is not None, key
    return dict(event.asset_materialization.metadata)


def test_every_table_was_materialised_with_its_row_count(season: Season, instance: dg.DagsterInstance) -> None:
    manifest = manifest_of(season.second)
    if instance.get_runs(limit=1)[0].run_id != manifest["run_id"]:
        pytest.skip("another night ran since")
    for name, told in manifest["assets"].items():
        assert metadata_of(instance, dg.AssetKey(name.split(".")))["dagster/row_count"].value == told["rows"], name


@pytest.mark.parametrize("model", all_models(), ids=lambda m: m.name)
def test_column_lineage_names_columns_that_exist(instance: dg.DagsterInstance, model) -> None:
    lineage = metadata_of(instance, dg.AssetKey(model.key))["dagster/column_lineage"].value
    contract = contract_for(*model.key)
    assert set(lineage.deps_by_column) == set(contract.columns)
    for column, sources in lineage.deps_by_column.items():
        for source in sources:
            schema, table = source.asset_key.path
            assert (schema, table) in model.inputs, column
            there = contract_for(schema, table)
            door = {"source_file", "line_number", "row_id"} if schema == "raw" and there.table.source is None else set()
            assert source.column_name in {*there.columns, *door}, column


def test_column_lineage_leads_from_a_list_to_the_claim(instance: dg.DagsterInstance) -> None:
    def sources(table: str, column: str) -> set[str]:
        lineage = metadata_of(instance, dg.AssetKey(table.split(".")))["dagster/column_lineage"].value
        return {f"{'.'.join(s.asset_key.path)}.{s.column_name}" for s in lineage.deps_by_column[column]}

    assert "core.fill.days_supply" in sources("facts.class_fill", "days_supply")
    assert "raw.pharmacy_claim.days_supply" in sources("core.fill", "days_supply")
    assert "outreach.gap.gap_id" in sources("outreach.worklist", "gap_id")
    assert "outreach.ledger.gap_id" in sources("outreach.gap", "gap_id")


def test_every_contract_was_checked_and_held(instance: dg.DagsterInstance) -> None:
    run = instance.get_runs(limit=1)[0]
    evaluations = [
        e.dagster_event.asset_check_evaluation_data
        for e in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    ]
    held = {tuple(e.asset_key.path) for e in evaluations if e.check_name == "contract" and e.passed}
    assert held == {c.key for layer in LAYERS for c in all_contracts(layer)}
    assert not [e.check_name for e in evaluations if e.blocking and not e.passed]


def test_publication_says_where_it_is(season: Season, instance: dg.DagsterInstance) -> None:
    metadata = metadata_of(instance, KEY)
    assert set(metadata) >= {"folder", "report", "files", "dagster/row_count", "is_new_release", "warnings"}
    event = instance.get_latest_materialization_event(KEY)
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", event.asset_materialization.partition)
    assert str(season.output) in metadata["folder"].value


def test_no_value_of_a_person_reaches_the_events(instance: dg.DagsterInstance) -> None:
    run = instance.get_runs(limit=1)[0]
    events = [dg.serialize_value(e) for e in instance.all_logs(run.run_id)]
    assert len(events) > 500
    text = "\n".join(events)
    # Members, claims and phones of the sample.
    for pattern in (r"SYN\d{7}", r"RX\d{11}", r"MC\d{10}", r"999555\d{4}", r"Member-\d{7}"):
        assert not re.search(pattern, text), pattern
    # The birth date of the second story, which no rule writes.
    assert "1950-07-12" not in text
