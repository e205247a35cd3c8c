"""A trial of other settings on a night that is built: its lists once more, in memory, from the night's own tables.

The working warehouse is attached read-only. Tables that a changed setting or registry can reach are built anew beside
it, by the models of the night; everything else is the night's. What the warehouse keeps besides tables of models, its
books at the door and the news of a night that carried on, stays out of sight: with them a kept table would be carried on
from a night that the trial cannot write into; without them it is built whole.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from assets.engine import claim_view, warehouse
from assets.engine.contract import all_contracts
from assets.engine.errors import PublicationError
from assets.engine.families import all_models
from assets.engine.news import CLAIM_DAYS
from assets.engine.registry import load_registry
from assets.engine.settings import Settings
from assets.engine.sql_text import literal

LAYERS = ("raw", "core", "facts", "gaps", "outreach")
LISTS = (("outreach", "worklist"), ("outreach", "gap"))
# A night may have used an operator's own value sets, of which the settings do not tell.
OPERATORS_OWN = {"value_set"}


@contextmanager
def trial_of(
    file: Path, manifest: dict[str, Any], settings: Settings, scratch: Path
) -> Iterator[tuple[duckdb.DuckDBPyConnection, list[str]]]:
    """The lists of a published night with other settings: `outreach.*` beside the night's own `night.outreach.*`.

    Args:
        file: The working warehouse of the night.
        manifest: The night's manifest: what was published must be what the warehouse holds.
        settings: The settings to try.
        scratch: Folder for what does not fit into memory; nothing is written anywhere else.

    Yields:
        A connection, and one line for each setting or registry that differs.

    Raises:
        PublicationError: The warehouse is absent, at work, or not of the published night.
        InputError: The trial needs claims of which a file is another than the night's.
    """
    config = warehouse.engine_config(settings.limits.threads, settings.limits.memory_gb, scratch)
    with duckdb.connect(config=config) as con:
        _attach(con, file, manifest)
        params = {**settings.params(), "as_of": datetime.date.fromisoformat(manifest["as_of"])}
        changes = changed_settings(manifest.get("settings", {}), settings.public_params())
        names = {line.split(":")[0] for line in changes}
        registries = _changed_registries(con)
        dirty: set[tuple[str, str]] = {("raw", table) for table in registries}
        wanted = _needed()
        for model in all_models():
            if model.key in wanted and (model.params & names or model.inputs & dirty):
                dirty.add(model.key)
                if model.inputs & {("raw", table) for table in CLAIM_DAYS}:
                    _refuse_other_claims(con)
                con.execute(f"drop view {model.name}")
                warehouse.build(con, model, params)
        yield con, [*changes, *(f"registry {table}: differs from the night's" for table in registries)]


def changed_settings(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """One line for each setting that differs; of a night that does not tell its settings, every one may."""
    return [
        f"{name}: {before.get(name, 'unknown')} -> {after.get(name, 'unknown')}"
        for name in sorted(before.keys() | after.keys())
        if name not in before or name not in after or before[name] != after[name]
    ]


def _attach(con: duckdb.DuckDBPyConnection, file: Path, manifest: dict[str, Any]) -> None:
    """Show the night's tables under their names, after a look at whether they are the published ones."""
    with warehouse.reading(file):
        con.execute(f"attach {literal(file)} as night (read_only)")
    built = con.execute(
        "select table_name from night.door.built where as_of = ? and settings_digest = ?",
        [manifest["as_of"], manifest["settings_digest"]],
    ).fetchall()
    if {contract.id for layer in LAYERS for contract in all_contracts(layer)} - {name for (name,) in built}:
        raise PublicationError(
            f"{file.name}: the tables of the working warehouse are not those of the published night; run the whole nightly job"
        )
    for layer in LAYERS:
        con.execute(f"create schema {layer}")
        tables = con.execute(
            "select table_name from information_schema.tables where (table_catalog, table_schema) = ('night', ?) order by all",
            [layer],
        ).fetchall()
        for (table,) in tables:
            con.execute(f"create view {layer}.{table} as from night.{layer}.{table}")


def _refuse_other_claims(con: duckdb.DuckDBPyConnection) -> None:
    """Claims may be a view of files that lie elsewhere: the night's answer came from the files of then."""
    con.execute("use night")
    claim_view.refuse_changed(con)
    con.execute("use memory")


def _changed_registries(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Registry tables of this checkout that differ from those of the night; they take the place of the night's."""
    changed = []
    for contract in all_contracts("raw"):
        table = contract.key[1]
        if contract.table.source == "registry" and table not in OPERATORS_OWN:
            con.execute(f"drop view {contract.id}")
            load_registry(con, table, None)
            [[rows]] = con.execute(
                f"select count(*) from ((from {contract.id} except all from night.{contract.id}) union all "
                f"(from night.{contract.id} except all from {contract.id}))"
            ).fetchall()
            changed += [table] if rows else []
    return changed


def _needed() -> set[tuple[str, str]]:
    """Everything that the lists are made from."""
    models = {model.key: model for model in all_models()}
    found: set[tuple[str, str]] = set()
    waiting = list(LISTS)
    while waiting:
        key = waiting.pop()
        if key in models and key not in found:
            found.add(key)
            waiting += models[key].inputs
    return found
