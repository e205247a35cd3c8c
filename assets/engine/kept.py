"""Tables that a night carries on from the one before: only what the news touches is computed anew.

A model whose contract says `kept` puts the rows of a person together from that person's claims alone. When new files of
claims came beside those that it was built from, its own SQL runs once more over the claims of the persons with news, and
takes the place of their rows; everybody else's stand. News of a person are claims in a new file, claims that the as-of
date has reached by now, and claims that another person with news has under the same id. Of tables by member, somebody
without a row counts as news too: they may have joined since.

`door.kept_table` remembers what each table was built from. Whatever else changed, such as code, contracts, a value set, a
file of before, a number of a member, consents, or an as-of date that goes back, has the table built from the start, and so
has much news: what is added lies in the order in which it came, and is dearer to read.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import duckdb

from assets.engine import relation
from assets.engine.claim_view import ROWS_OF_A_FILE
from assets.engine.code_digest import code_digest
from assets.engine.model import Model
from assets.engine.transaction import transaction

# The tables of claims, with the day by which a row counts.
CLAIM_DAYS = {
    "medical_claim": "coalesce(claim_line_start_date, claim_start_date)",
    "pharmacy_claim": "dispensing_date",
}
# What a kept model may read besides claims, and other kept tables.
OTHER_INPUTS = {"core.member", "core.withheld_claim"}
# Beyond this share of a table's rows, or of the persons, all of it is built from the start.
LARGEST_SHARE = 0.2

KEPT_DDL = (
    "table_name VARCHAR primary key, code_digest VARCHAR, settings VARCHAR, as_of DATE, generation VARCHAR, files INTEGER, "
    "withheld VARCHAR, members VARCHAR, changed_rows BIGINT"
)
ABSORBED_DDL = "members VARCHAR primary key"


@dataclass(frozen=True)
class Basis:
    """What a kept table is built from.

    `generation` and `files` say which files of claims, `withheld` which claims Part 2 withholds, `members` who has
    which number.
    """

    code_digest: str
    settings: str
    as_of: datetime.date | None
    generation: str
    files: int
    withheld: str
    members: str
    changed_rows: int = 0


def load_known_members(con: duckdb.DuckDBPyConnection, ddl: str) -> int:
    """Add to `raw.known_member` whom `core.member` numbered since, and return how many are known.

    Args:
        con: Connection to the working warehouse.
        ddl: Columns of the table.
    """
    con.execute(f"create table if not exists raw.known_member ({ddl})")
    con.execute(f"create table if not exists door.absorbed_members ({ABSORBED_DDL})")
    if relation.kind(con, "core.member"):
        con.execute(
            "insert into raw.known_member select person_id, member_key from core.member "
            "where person_id not in (select person_id from raw.known_member)"
        )
        con.execute("insert or ignore into door.absorbed_members values (?)", [_members(con)])
    [[rows]] = con.execute("select count(*) from raw.known_member").fetchall()
    return rows


def build(con: duckdb.DuckDBPyConnection, model: Model, params: dict[str, Any]) -> None:
    """Bring a kept table up to date: by the news alone where that gives the same, else from the start.

    Args:
        con: Connection to the warehouse.
        model: The model.
        params: The parameters that the model names, and no others.
    """
    basis = _basis_now(con, model, params)
    before = _basis_before(con, model)
    forget(con, model.name)
    if basis is None:
        model.create(con, params)
        return
    rows = None
    if before is not None and _carries_on(con, model, before, basis):
        rows = _renew(con, model, before, basis, params)
    if rows is None:
        model.create(con, params)
    con.execute(f"create table if not exists door.kept_table ({KEPT_DDL})")
    con.execute(
        "insert into door.kept_table values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            model.name, basis.code_digest, basis.settings, basis.as_of, basis.generation, basis.files, basis.withheld,
            basis.members, 0 if rows is None or before is None else before.changed_rows + rows,
        ],
    )  # fmt: skip


def forget(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """Have a table built from the start the next time."""
    if relation.kind(con, "door.kept_table"):
        con.execute("delete from door.kept_table where table_name = ?", [name])


def _claims_of(model: Model) -> str:
    [claims] = [table for layer, table in model.inputs if layer == "raw" and table in CLAIM_DAYS]
    return claims


def _basis_before(con: duckdb.DuckDBPyConnection, model: Model) -> Basis | None:
    if relation.kind(con, "door.kept_table") is None or relation.kind(con, model.name) != "table":
        return None
    found = con.execute(
        "select * exclude (table_name) from door.kept_table where table_name = ?", [model.name]
    ).fetchone()
    return Basis(*found) if found else None


def _basis_now(con: duckdb.DuckDBPyConnection, model: Model, params: dict[str, Any]) -> Basis | None:
    """What the table would be built from now; None where nobody could say so later."""
    claims = _claims_of(model)
    if relation.kind(con, "door.judged_table") is None:
        return None
    judged = con.execute(
        "select generation, (select count(*) from door.judged_file where source_table = ?) from door.judged_table "
        "where source_table = ?",
        [claims, claims],
    ).fetchone()
    if judged is None:
        return None
    generation, files = judged
    for layer, table in model.inputs:
        name = f"{layer}.{table}"
        if layer == "raw" or name in OTHER_INPUTS:
            continue
        # Another kept table: it must rest on the same files.
        if (
            con.execute(
                "select true from door.kept_table where table_name = ? and generation = ? and files = ?",
                [name, generation, files],
            ).fetchone()
            is None
        ):
            return None
    as_of = datetime.date.fromisoformat(str(params["as_of"])) if "as_of" in params else None
    settings = json.dumps(
        {name: value for name, value in params.items() if name != "as_of"}, sort_keys=True, default=str
    )
    inputs = {".".join(key) for key in model.inputs}
    return Basis(
        code_digest(),
        settings,
        as_of,
        generation,
        files,
        _withheld(con, claims, files) if "core.withheld_claim" in inputs else "",
        _members(con) if "core.member" in inputs else "",
    )


def _withheld(con: duckdb.DuckDBPyConnection, claims: str, files: int) -> str:
    """Digest of the withheld rows of a table of claims, of its first files."""
    [[digest]] = con.execute(
        "select concat(count(*), ' ', bit_xor(hash(row_id))) from core.withheld_claim where source_table = ? and row_id < ?",
        [claims, files * ROWS_OF_A_FILE],
    ).fetchall()
    return digest


def _members(con: duckdb.DuckDBPyConnection) -> str:
    """Digest of who has which number."""
    [[digest]] = con.execute(
        "select concat(count(*), ' ', bit_xor(hash(person_id, member_key))) from core.member"
    ).fetchall()
    return digest


def _carries_on(con: duckdb.DuckDBPyConnection, model: Model, before: Basis, now: Basis) -> bool:
    """Whether all that differs between what a table was built from and what there is now is news."""
    if (before.code_digest, before.settings, before.generation) != (now.code_digest, now.settings, now.generation):
        return False
    if before.files > now.files or (before.as_of and now.as_of and now.as_of < before.as_of):
        return False
    if before.withheld and _withheld(con, _claims_of(model), before.files) != before.withheld:
        return False
    if before.members and before.members != now.members:
        absorbed = con.execute("select true from door.absorbed_members where members = ?", [before.members]).fetchone()
        return absorbed is not None
    return True


def _renew(
    con: duckdb.DuckDBPyConnection, model: Model, before: Basis, now: Basis, params: dict[str, Any]
) -> int | None:
    """Compute the rows of persons with news anew; None, with nothing done, where there is too much of it.

    Returns:
        How many rows went in.
    """
    claims = _claims_of(model)
    is_by_member = "member_key" in {name for name, *_ in con.execute(f"describe {model.name}").fetchall()}
    with _changed_claims(con, claims, before, now):
        if is_by_member:
            con.execute(
                f"insert into changed.person select person_id from core.member where member_key not in "
                f"(select member_key from {model.name}) and person_id not in (select person_id from changed.person)"
            )
            gone = (
                "member_key not in (select member_key from core.member) or member_key in (select member_key "
                "from core.member where person_id in (select person_id from changed.person))"
            )
        else:
            gone = f"row_id in (select row_id from changed.{claims})"
        [[all_rows]] = con.execute(f"select count(*) from {model.name}").fetchall()
        [[rows]] = con.execute(f"select count(*) from {model.name} where {gone}").fetchall()
        if before.changed_rows + rows > LARGEST_SHARE * all_rows:
            return None
        query = re.sub(rf"\braw\.{claims}\b", f"changed.{claims}", model.sql)
        con.execute(f"create or replace temp table renewed as {query}", params)
        with transaction(con):
            con.execute(f"delete from {model.name} where {gone}")
            [[added]] = con.execute(f"insert into {model.name} select * from renewed").fetchall()
        con.execute("drop table renewed")
    return max(rows, added)


@contextmanager
def _changed_claims(con: duckdb.DuckDBPyConnection, claims: str, before: Basis, now: Basis) -> Iterator[None]:
    """`changed.person`, the persons with news, and `changed.<claims>`, all their claims, within the block."""
    con.execute("drop schema if exists changed cascade; create schema changed")
    try:
        day = CLAIM_DAYS[claims]
        reached = f"or ({day} > $since and {day} <= $as_of)" if before.as_of != now.as_of else ""
        dates = {"since": before.as_of, "as_of": now.as_of} if reached else {}
        con.execute(
            f"create table changed.person as select distinct person_id from raw.{claims} where row_id >= $first {reached}",
            {"first": before.files * ROWS_OF_A_FILE, **dates},
        )
        con.execute(
            f"create view changed.{claims} as select * from raw.{claims} "
            "where person_id in (select person_id from changed.person)"
        )
        # A claim id that two persons bear ties what stands of the one to the other.
        while con.execute(
            f"insert into changed.person select distinct person_id from raw.{claims} where claim_id in "
            f"(select claim_id from changed.{claims}) and person_id not in (select person_id from changed.person)"
        ).fetchall() != [(0,)]:
            pass
        yield
    finally:
        with suppress(duckdb.Error):
            con.execute("drop schema if exists changed cascade")
