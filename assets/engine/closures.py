"""What closures change, told to the operator: areas and people by count, members by name only in the restricted part."""

from __future__ import annotations

import csv
import datetime
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from assets.engine import files
from assets.engine.delivery import as_cell
from assets.engine.errors import PublicationError, SettingsError
from assets.engine.report.small_cells import lone_count
from assets.engine.settings import Settings
from assets.engine.warehouse import connect_for_reading
from assets.engine.whatif import effect_of_closing, members_to_call

# What the answer rests on; all of it must be of one night.
TABLES = ("core.member", "core.site", "facts.access", "facts.nearest_site", "facts.regular_pharmacy")

BY_STANDARD = """
select
    service, standard_id, count(*) as areas, count(*) filter (where is_new_desert) as deserts,
    count(*) filter (where is_new_desert is null) as unknown,
    coalesce(sum(population) filter (where is_new_desert), 0) as people,
    coalesce(sum(member_count) filter (where is_new_desert), 0) as members
from effect group by service, standard_id order by service, standard_id
"""
NEW_DESERTS = """
select zcta, service, string_agg(standard_id, ', ' order by standard_id) as standards, any_value(before_miles) as before,
    any_value(after_npi) as after_npi, any_value(after_miles) as after_miles
from effect where is_new_desert group by zcta, service order by max(population) desc nulls last, zcta, service
"""
KEYSTONES = """
select npi, state, string_agg(standard_id, ', ' order by standard_id) as standards
from facts.keystone where npi in (select unnest(?)) group by npi, state order by npi
"""
# How many new deserts are named on the terminal; the file has all.
NAMED = 20


def describe_closures(output: Path, warehouse: Path, closed: list[str], settings: Settings) -> Iterator[str]:
    """Tell what changes if some sites close, line by line, and write who is to be called.

    Args:
        output: Folder of published nights.
        warehouse: The working warehouse of the last night.
        closed: NPIs; none asks for every closing that the pharmacy table tells.
        settings: The night's settings.

    Raises:
        PublicationError: The warehouse is not there, at work, or not of one night.
        SettingsError: An NPI is of no site.
    """
    with connect_for_reading(warehouse) as con:
        as_of = _night_of(con)
        params = {**settings.params(), "as_of": as_of}
        is_asked = bool(closed)
        sites = _known(con, closed) if is_asked else _closings(con)
        yield f"Night of {as_of}: {len(sites)} sites {'would close' if is_asked else 'have a closing date'}."
        for npi, what in sites.items():
            yield f"  {npi}  {what}"
        if not sites:
            return
        effect = effect_of_closing(con, sites, params)
        calls = members_to_call(con, sites, effect, params)
        yield from _tell(con, effect, sites, settings.outreach.small_cell)
        folder = _write(output, as_of, effect, calls)
    soonest = calls["supply_end_date"][0].as_py() if calls.num_rows else None
    yield (
        f"Members to call: {lone_count(calls.num_rows, settings.outreach.small_cell)}"
        f"{f', the first supply ends on {soonest}' if soonest else ''}; {folder / 'call_list.csv'}"
    )
    yield f"Every area: {folder / 'closure_effect.csv'}"


def _night_of(con: duckdb.DuckDBPyConnection) -> datetime.date:
    """The one night of the tables that the answer rests on."""
    try:
        nights = con.execute(
            "select as_of, count(*) from door.built where table_name in (select unnest(?)) group by as_of",
            [list(TABLES)],
        ).fetchall()
    except duckdb.CatalogException:
        nights = []
    if len(nights) != 1 or nights[0][1] != len(TABLES):
        raise PublicationError(f"the working warehouse holds tables of {len(nights)} nights; run the whole nightly job")
    return nights[0][0]


def _known(con: duckdb.DuckDBPyConnection, closed: list[str]) -> dict[str, str]:
    """NPIs and what they are."""
    found = dict(
        con.execute(
            "select npi, case when bool_or(is_supply) then string_agg(distinct service, ', ' order by service) "
            "else 'closed already, out of the network or without a place: nothing changes' end "
            "from core.site where npi in (select unnest(?)) group by npi order by npi",
            [closed],
        ).fetchall()
    )
    if missing := sorted(set(closed) - set(found)):
        raise SettingsError(
            f"--close: found {', '.join(missing)}; NPIs of a pharmacy or provider of some service are expected"
        )
    return found


def _closings(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    return dict(con.execute("select npi, 'closes on ' || closing_date from facts.closing_site order by npi").fetchall())


def _tell(con: duckdb.DuckDBPyConnection, effect: pa.Table, sites: dict[str, str], small_cell: int) -> Iterator[str]:
    con.register("effect", effect)
    for npi, state, standards in con.execute(KEYSTONES, [list(sites)]).fetchall():
        yield f"  {npi} ({state}) is a keystone: the only address within the limits of some area ({standards})"
    yield "Areas whose nearest site closes:" if effect.num_rows else "No area's nearest site closes."
    for service, standard, areas, deserts, unknown, people, members in con.execute(BY_STANDARD).fetchall():
        doubt = f", {unknown:,} cannot be told" if unknown else ""
        yield (
            f"  {service} {standard}: {areas:,}, of which {deserts:,} become a desert{doubt}; "
            f"{people:,} people and {lone_count(members, small_cell)} members live there"
        )
    named = con.execute(NEW_DESERTS).fetchall()
    yield from (["New deserts, the most people first:"] if named else [])
    for zcta, service, standards, before, after_npi, after in named[:NAMED]:
        instead = f"{after} to {after_npi}" if after_npi else "nobody known"
        yield f"  {zcta} {service} ({standards}): {before} miles, then {instead}"
    if len(named) > NAMED:
        yield f"  and {len(named) - NAMED:,} more"
    con.unregister("effect")


def _write(output: Path, as_of: datetime.date, effect: pa.Table, calls: pa.Table) -> Path:
    """Write both tables, for the service user only, in place of those of the question before."""
    files.make_folder(output / "restricted", files.SECRET_FOLDER)
    folder, draft = output / "restricted" / "whatif", output / "restricted" / ".whatif"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=files.SECRET_FOLDER)
    for name, table in (("closure_effect", effect), ("call_list", calls)):
        stamped = table.append_column("as_of", pa.array([as_of] * table.num_rows, pa.date32()))
        pq.write_table(stamped, draft / f"{name}.parquet", compression="zstd")
        with (draft / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
            _write_csv(stream, stamped)
    files.set_modes(draft, files.SECRET_FOLDER, files.SECRET_FILE)
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)
    return folder


def _write_csv(stream: Any, table: pa.Table) -> None:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(table.column_names)
    writer.writerows([as_cell(value) for value in row.values()] for row in table.to_pylist())
