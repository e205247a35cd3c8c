"""Publication: a night becomes visible whole or not at all.

Everything is written to a directory that nobody reads, its restricted part first, and synced before it gets its name;
one rename of a link then shows it. `latest` follows last and never moves back.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from assets.engine import claim_view, files, releases, warehouse
from assets.engine.contract import Contract, all_contracts
from assets.engine.delivery import LOG, Delivered, write_emptied_lists, write_log, write_recalls, write_worklists
from assets.engine.delivery_keys import read_keys
from assets.engine.destination import copy_night
from assets.engine.errors import PublicationError
from assets.engine.fhir_referral import write_referrals
from assets.engine.night import Night
from assets.engine.quality import kept_results
from assets.engine.quality_page import told, write_data_docs
from assets.engine.refused_word import WORD_TABLES
from assets.engine.refused_word import warnings as word_warnings
from assets.engine.report import write_report
from assets.engine.skipped import skipped_families, skipped_warnings
from assets.engine.sql_text import literal, sql_path
from assets.engine.state import STATE_TABLES

# Version of the published interface (docs/interface.md): major for anything an importer can notice.
CONTRACT_VERSION = "1.0.0"
ROW_GROUP = 122_880
LAYERS = ("raw", "core", "facts", "gaps", "outreach")


@dataclass(frozen=True)
class Release:
    """One publication: where it is and what it holds."""

    folder: Path
    restricted: Path
    is_new: bool
    file_count: int
    worklist_rows: int
    warnings: list[str] = field(default_factory=list)
    # What it took to bring the release to the disk and to show it: the price of being atomic and durable.
    switch_seconds: float = 0.0


def publish(con: duckdb.DuckDBPyConnection, night: Night, run_id: str) -> Release:
    """Publish the night that the working warehouse holds.

    Args:
        con: Connection to the working warehouse, every table built for this night.
        night: The night.
        run_id: Named in the manifest.

    Raises:
        PublicationError: The warehouse holds tables of another night or other settings, or the output cannot be written.
        InputError: The claims are other ones than at the night's beginning.
    """
    refuse_mixture(con, night)
    claim_view.refuse_changed(con)
    try:
        release = _publish(con, night, run_id)
    except BaseException as error:
        # A half-written draft would take the space that the next attempt needs.
        releases.clear_drafts(night.output)
        if isinstance(error, Exception) and (told := warehouse.cause_of(error, str(night.output))):
            raise told from error
        raise
    delivery = night.settings.delivery
    if delivery.destination:
        copy_night(delivery.destination, release.folder, night.as_of, delivery.group)
    return release


def refuse_mixture(con: duckdb.DuckDBPyConnection, night: Night) -> None:
    """Refuse a warehouse whose tables were not all built for this night with these settings.

    Raises:
        PublicationError: They were not.
    """
    built = con.execute(
        "select table_name from door.built where as_of = ? and settings_digest = ?", [night.as_of, night.digest]
    ).fetchall()
    expected = {contract.id for layer in LAYERS for contract in all_contracts(layer)}
    if stale := expected - {name for (name,) in built}:
        raise PublicationError(
            f"{len(stale)} of {len(expected)} tables of the working warehouse are not of this night and these settings; "
            "run the whole nightly job"
        )


def _publish(con: duckdb.DuckDBPyConnection, night: Night, run_id: str) -> Release:
    output = night.output
    files.make_folder(output, files.PUBLIC_FOLDER)
    shelf = files.make_folder(output / releases.SHELF, files.PUBLIC_FOLDER)
    secret_root = files.make_folder(output / releases.SECRET, files.SECRET_FOLDER)
    secret_shelf = files.make_folder(secret_root / releases.SHELF, files.SECRET_FOLDER)
    draft, secret_draft = shelf / releases.DRAFT, secret_shelf / releases.DRAFT
    for leftover in (draft, secret_draft):
        if leftover.exists():
            shutil.rmtree(leftover)
        leftover.mkdir(mode=files.SECRET_FOLDER)

    metadata = {"as_of": str(night.as_of), "contract_version": CONTRACT_VERSION, "settings_digest": night.digest}
    _write_restricted(con, secret_draft, metadata)
    published = [c for layer in LAYERS for c in all_contracts(layer) if c.table.published]
    (draft / "tables").mkdir()
    for contract in published:
        _copy(
            con,
            public_rows(contract),
            contract.columns,
            order_of(contract),
            draft / "tables" / f"{contract.key[1]}.parquet",
            metadata,
        )
    warnings = [*night.warnings(), *_table_warnings(con), *skipped_warnings(con)]
    judged = kept_results(con)
    small_cell = night.settings.outreach.small_cell
    warnings += [f"{r.border} border: {r.description} Found {told(r, small_cell)}." for r in judged if not r.passed]
    delivered = _deliver(con, night, draft, metadata)
    if withheld := len({d.pharmacy_npi for d in delivered if d.withheld_reason}):
        warnings.append(f"delivery.key_folder: {withheld} pharmacies have no key; their files were not written")

    inventory = [*_inventory(draft, "", delivered), *_inventory(secret_draft, "restricted/")]
    digest = _digest(inventory, delivered, draft)
    folder, secret_folder, is_there = releases.place_for(output, night.as_of, digest)
    [[worklist_rows]] = con.execute("select count(*) from outreach.worklist").fetchall()
    if worklist_rows == 0:
        warnings.append("no_listable_gap")
    started = time.perf_counter()
    if is_there:
        shutil.rmtree(draft)
        shutil.rmtree(secret_draft)
    else:
        _write_database(con, published, draft)
        write_report(
            con,
            files.make_folder(draft / "report", files.PUBLIC_FOLDER),
            as_of=night.as_of,
            previous=releases.night_before(output, night.as_of),
            small_cell=small_cell,
            warnings=warnings,
        )
        write_data_docs(judged, draft / "report" / "quality.html", small_cell)
        inventory = [*_inventory(draft, "", delivered), *_inventory(secret_draft, "restricted/")]
        manifest = build_manifest(con, night, run_id, inventory, warnings)
        (draft / releases.MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        files.set_modes(secret_draft, files.SECRET_FOLDER, files.SECRET_FILE)
        files.set_modes(draft, files.PUBLIC_FOLDER, files.PUBLIC_FILE, night.settings.delivery.group)
        started = time.perf_counter()
        # On the disk before it has its name: what bears a release's name after a power cut holds what it says.
        files.sync(output)
        for target, source in ((secret_folder, secret_draft), (folder, draft)):
            # A leftover of a run that was cut off between these two names, or a damaged release that nobody sees.
            if target.exists():
                shutil.rmtree(target)
            source.rename(target)
            files.sync_folder(target.parent)
    releases.show(output, night.as_of, folder.name)
    seconds = time.perf_counter() - started
    delivery = night.settings.delivery
    try:
        releases.forget(output, night.as_of, delivery.retention_nights, delivery.retention_releases)
    except OSError as error:
        # The night is published; that an old one cannot go is no reason to say otherwise.
        warnings = [*warnings, f"{output}: an old night could not be removed ({error.strerror}); look at its owner"]
    return Release(folder, secret_folder, not is_there, len(inventory), worklist_rows, warnings, seconds)


def _deliver(con: duckdb.DuckDBPyConnection, night: Night, draft: Path, metadata: dict[str, str]) -> list[Delivered]:
    """Write what pharmacies receive, and its log."""
    delivery = night.settings.delivery
    keys = read_keys(Path(delivery.key_folder)) if delivery.key_folder else None
    delivered = [
        one
        for write in (write_worklists, write_emptied_lists, write_recalls)
        for one in write(con, draft / "worklists", delivery.formats, metadata, keys)
    ]
    write_log(draft / LOG, delivered, str(night.as_of))
    return delivered


def _digest(inventory: list[dict[str, Any]], delivered: list[Delivered], draft: Path) -> str:
    """Sixteen hex digits over every Parquet file: of an encrypted one over what it holds and the key, not its bytes."""
    contents = {
        d.file.path.relative_to(draft).as_posix(): f"{d.content} {d.key_id}" for d in delivered if d.file and d.content
    }
    told = [(f["path"], contents.get(f["path"], f["sha256"])) for f in inventory if f["path"].endswith(".parquet")]
    withheld = sorted((d.pharmacy_npi, d.kind) for d in delivered if d.withheld_reason)
    meaning = [CONTRACT_VERSION, told, *([withheld] if withheld else [])]
    return hashlib.sha256(json.dumps(meaning).encode()).hexdigest()[:16]


def _write_restricted(con: duckdb.DuckDBPyConnection, folder: Path, metadata: dict[str, str]) -> None:
    for contract in (c for layer in LAYERS for c in all_contracts(layer) if c.table.restricted):
        _copy(con, contract.id, contract.columns, order_of(contract), folder / f"{contract.key[1]}.parquet", metadata)
    for contract in (c for layer in LAYERS for c in all_contracts(layer) if c.table.sensitive_when):
        rows = f"(select * from {contract.id} where {contract.table.sensitive_when})"
        _copy(con, rows, contract.columns, order_of(contract), folder / f"{contract.key[1]}.parquet", metadata)
    (folder / "state").mkdir()
    for state, source in STATE_TABLES.items():
        contract = next(c for c in all_contracts("raw") if c.key[1] == state)
        _copy(con, source, contract.columns, contract.grain, folder / "state" / f"{state}.parquet", metadata)
    write_referrals(con, folder)


def order_of(contract: Contract) -> list[str]:
    """A total order of a published table: its grain, or every column where rows have no key."""
    if contract.key[1] == "worklist":
        return ["state", "pharmacy_npi", "list_rank"]
    return contract.grain or contract.columns


def public_rows(contract: Contract) -> str:
    """The rows of a table that analysts may read; those of sensitive codes are in the restricted part."""
    if contract.table.sensitive_when is None:
        return contract.id
    return f"(select * from {contract.id} where not coalesce({contract.table.sensitive_when}, false))"


def _copy(
    con: duckdb.DuckDBPyConnection,
    table: str,
    columns: list[str],
    order: list[str],
    path: Path,
    metadata: dict[str, str],
) -> None:
    pairs = ", ".join(f"{key}: '{value}'" for key, value in metadata.items())
    con.execute(
        f"copy (select {', '.join(columns)} from {table} order by {', '.join(f'{c} asc nulls first' for c in order)}) "
        # Level 1 packs these texts as small as level 3 does, at four fifths of the time.
        f"to {literal(path)} (format parquet, compression zstd, compression_level 1, row_group_size {ROW_GROUP}, "
        f"kv_metadata {{{pairs}}})"
    )


def _write_database(con: duckdb.DuckDBPyConnection, published: list[Contract], draft: Path) -> None:
    """The published tables once more, as one database: from their files, whose rows are sorted already."""
    # Nobody replays the log of a file that is written once; and where it cannot be cut back, DuckDB ends the process.
    con.execute(f"attach {literal(draft / 'warehouse.duckdb')} as published (recovery_mode 'no_wal_writes')")
    try:
        for contract in published:
            name = contract.key[1]
            rows = f"read_parquet({sql_path(draft / 'tables' / f'{name}.parquet')}, hive_partitioning = false)"
            con.execute(f"create table published.{name} as from {rows}")
        # close() can swallow a failed checkpoint; this one cannot.
        con.execute("checkpoint published")
    finally:
        con.execute("detach published")


def _inventory(folder: Path, prefix: str, delivered: Iterable[Delivered] = ()) -> list[dict[str, Any]]:
    """Every file below a folder with its size and digest; of pharmacies' files as they were written."""
    import pyarrow.parquet as pq

    known = {one.file.path: (one.file, one.row_count) for one in delivered if one.file}
    found = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        is_parquet = path.suffix == ".parquet"
        if path in known:
            file, rows = known[path]
        else:
            file, rows = files.written(path), pq.read_metadata(path).num_rows if is_parquet else None
        found.append(
            {
                "path": f"{prefix}{path.relative_to(folder).as_posix()}",
                "rows": rows if is_parquet else None,
                "bytes": file.size,
                "sha256": file.sha256,
            }
        )
    return found


def _table_warnings(con: duckdb.DuckDBPyConnection) -> list[str]:
    rows = con.execute(
        "select source_table, reason, row_count from core.set_apart where row_count > 0 order by all"
    ).fetchall()
    found = [f"{table}: {count} rows {reason}" for table, reason, count in rows]
    # Somebody wrote them for a person not to be called, or for a gap not to be asked about again (rules 6.2, 6.7).
    refused = con.execute(
        "select source_table, count(*) from raw.rejected where list_contains(?, source_table) group by all order by all",
        [list(WORD_TABLES)],
    ).fetchall()
    found += [
        f"{table}: {count} rows rejected; what can be read of them holds contact back" for table, count in refused
    ]
    found += word_warnings(con)
    ignored = con.execute(
        "select source_table, string_agg(name, ', ' order by name) from (select distinct source_table, "
        "regexp_replace(detail, '_[0-9]+$', '_*') as name from raw.ingested where measure = 'unknown_column') "
        "group by source_table order by source_table"
    ).fetchall()
    [[closed_reason]] = con.execute("select closed_reason from facts.maternal_gate").fetchall()
    if closed_reason:
        found.append(f"maternal lists are held back: {closed_reason}; see docs/maternal.md")
    # Whatever lies in a table's own folder was sent for it: what is not read may be a pharmacy's answers.
    unread = con.execute(
        "select split_part(name, '/', 1), string_agg(name, ', ' order by name) from door.ignored "
        "where contains(name, '/') group by 1 order by 1"
    ).fetchall()
    found += [f"{folder}/: not read: {names}; what they hold is in no list" for folder, names in unread]
    files_ignored = con.execute(
        "select string_agg(name, ', ' order by name) from door.ignored where not contains(name, '/')"
    ).fetchall()[0][0]
    if files_ignored:
        found.append(f"input folder: files ignored: {files_ignored}")
    return [*found, *(f"{table}: columns ignored: {names}" for table, names in ignored)]


def build_manifest(
    con: duckdb.DuckDBPyConnection, night: Night, run_id: str, inventory: list[dict[str, Any]], warnings: list[str]
) -> dict[str, Any]:
    """The manifest of a release (interface 3): counts and hashes, never a person-level value."""
    buckets: dict[str, dict[str, int]] = {}
    for table, bucket, count in con.execute("select * from core.reconciliation").fetchall():
        buckets.setdefault(table, {})[bucket] = count
    reasons = con.execute(
        "select source_table, reason, count(*) from (select source_table, unnest(string_split(reasons, ';')) as reason "
        "from core.rejected) group by all order by all"
    ).fetchall()
    apart = con.execute("select source_table, reason, row_count from core.set_apart order by all").fetchall()
    repairs = con.execute(
        "select source_table, detail, sum(row_count)::bigint from raw.ingested where measure = 'repaired' "
        "group by all order by all"
    ).fetchall()
    inputs = {
        table: {
            "read": counts["read"],
            "accepted": counts["accepted"],
            "rejected_rows": counts["rejected"],
            "rejected": {reason: n for t, reason, n in reasons if t == table},
            "duplicate": counts["duplicate"],
            "netted": counts["netted"],
            "repaired": {column: n for t, column, n in repairs if t == table},
            **{reason: n for t, reason, n in apart if t == table},
        }
        for table, counts in sorted(buckets.items())
    }
    assets = con.execute("select table_name, seconds, row_count from door.built order by table_name").fetchall()
    score = night.settings.score
    return {
        "as_of": str(night.as_of),
        "run_id": run_id,
        "engine": night.engine,
        "contract_version": CONTRACT_VERSION,
        "settings_digest": night.digest,
        "layout": night.layout,
        "value_sets": night.value_set_versions,
        "score": score.model_dump(),
        "settings": night.settings.public_params(),
        "inputs": inputs,
        "files": inventory,
        "assets": {name: {"seconds": round(seconds, 3), "rows": rows} for name, seconds, rows in assets},
        "warnings": warnings,
        "skipped_families": skipped_families(con),
    }
