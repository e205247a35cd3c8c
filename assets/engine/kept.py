"""Tables that a night carries on from the one before: only what the news touches is computed anew.

A model whose contract says `kept` puts the rows of a person together from that person's claims alone. When new files of
claims came beside those that it was built from, its own SQL runs once more over the claims of the persons with news, and
takes the place of their rows; everybody else's stand. News of a person are claims in a new file, claims that the as-of
date has reached by now, claims that Part 2 withholds by now or no longer does, claims that another person with news has
under the same id, and to have joined.

`door.kept_table` remembers what each table was built from. Whatever else changed, such as code, contracts, a value set, a
file of before, a number of a member, or an as-of date that goes back, has the table built from the start, and so has a
night of much news. A table that broke its contract, or was never judged by it, is nothing to carry on with either: of the
next one only the news would be judged.

What is added lies in the order in which it came, and what is replaced leaves holes: a table takes more of the disk as nights
go by. It is then written once more from itself, in order, for less than its claims cost. So it is where the drug table
numbers an NDC otherwise, as every new NDC makes it do: the number of a fill's drug follows from its NDC alone.
"""

from __future__ import annotations

import datetime
import json
import re
from dataclasses import astuple, dataclass, replace
from typing import Any

import duckdb

from assets.engine import news, relation
from assets.engine.claim_view import ROWS_OF_A_FILE
from assets.engine.code_digest import code_digest
from assets.engine.model import Model
from assets.engine.news import CLAIM_DAYS
from assets.engine.transaction import transaction

# What a kept model may read besides claims, and other kept tables.
OTHER_INPUTS = {"core.member", "core.withheld_claim", "core.drug"}
# Beyond this share of a table's rows, or of the persons, with news in one night, all of it is built from the start.
LARGEST_SHARE = 0.2
# Beyond this share of its rows replaced since it lay in order, a table is put in order again. Readers cost the same until
# then, within what can be measured; a table takes up to 15 % more of the disk.
LARGEST_DISORDER = 2.0

# What has to be as it was, and what is told where it is not.
SAME = {
    "code_digest": "other code, rules or value sets",
    "settings": "other settings",
    "generation": "files of before are gone or were judged again",
}

KEPT_DDL = (
    "table_name VARCHAR primary key, code_digest VARCHAR, settings VARCHAR, as_of DATE, generation VARCHAR, files INTEGER, "
    "withheld VARCHAR, members VARCHAR, drugs VARCHAR, changed_rows BIGINT, news VARCHAR, is_sound BOOLEAN, told VARCHAR"
)
# Who was a member when the kept tables were built; `members` is the digest of their numbers.
MEMBER_DDL = "members VARCHAR, person_id VARCHAR"
# Which rows of claims were withheld when the kept tables were built; `withheld` is their digest.
WITHHELD_DDL = "withheld VARCHAR primary key, row_ids BIGINT[]"


@dataclass(frozen=True)
class Basis:
    """What a kept table is built from.

    `generation` and `files` say which files of claims, `withheld` which claims Part 2 withholds, `members` and `drugs`
    who and which NDC has which number. `changed_rows` were replaced since the table lay in order.
    """

    code_digest: str
    settings: str
    as_of: datetime.date | None
    generation: str
    files: int
    withheld: str
    members: str
    drugs: str
    changed_rows: int = 0
    news: str | None = None


def load_known_members(con: duckdb.DuckDBPyConnection, ddl: str) -> int:
    """Add to `raw.known_member` whom `core.member` numbered since, and return how many are known.

    Args:
        con: Connection to the working warehouse.
        ddl: Columns of the table.
    """
    con.execute(f"create table if not exists raw.known_member ({ddl})")
    con.execute(f"create table if not exists door.kept_table ({KEPT_DDL})")
    con.execute(f"create table if not exists door.kept_member ({MEMBER_DDL})")
    if relation.kind(con, "core.member"):
        con.execute(
            "insert into raw.known_member select person_id, member_key from core.member "
            "where person_id not in (select person_id from raw.known_member)"
        )
        members = _members(con)
        # After a night that failed in between, the tables are still those of the members of before.
        if con.execute("select true from door.kept_table where members = ?", [members]).fetchone():
            con.execute("delete from door.kept_member")
            con.execute("insert into door.kept_member select ?, person_id from core.member", [members])
    [[rows]] = con.execute("select count(*) from raw.known_member").fetchall()
    return rows


def news_of(con: duckdb.DuckDBPyConnection, name: str) -> str | None:
    """The table with the rows that a kept table took in when it was last built; None where it was built from the start."""
    if relation.kind(con, "door.kept_table") is None:
        return None
    found = con.execute("select news from door.kept_table where table_name = ?", [name]).fetchone()
    return found[0] if found else None


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
    if before is None:
        obstacle = "no table of before that kept its contract"
    elif (obstacle := _obstacle(con, before, basis)) is None:
        rows = _renew(con, model, before, basis, params)
    if before is None or rows is None:
        model.create(con, params)
        told = f"from the start: {obstacle or 'much news'}"
    else:
        changed_rows = before.changed_rows + rows
        told = f"carried on with {rows:,} rows of members with news"
        if before.drugs != basis.drugs or _is_in_disorder(con, model, changed_rows):
            _put_in_order(con, model)
            changed_rows = 0
            told += ", and put in order"
        basis = replace(basis, changed_rows=changed_rows, news=_news_table(model))
    _remember_withheld(con, model, basis)
    con.execute(f"create table if not exists door.kept_table ({KEPT_DDL})")
    con.execute(
        "insert into door.kept_table values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, false, ?)",
        [model.name, *astuple(basis), told],
    )


def settle(con: duckdb.DuckDBPyConnection, name: str, *, is_sound: bool) -> str | None:
    """Remember whether a table kept its contract: if not, it is built from the start the next time.

    Returns:
        How it was built, for the log; None where nobody could carry it on.
    """
    if relation.kind(con, "door.kept_table") is None:
        return None
    found = con.execute("select told from door.kept_table where table_name = ?", [name]).fetchone()
    con.execute("update door.kept_table set is_sound = true where table_name = ?", [name])
    if not is_sound:
        forget(con, name)
    return found[0] if found else None


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
        "select * exclude (table_name, is_sound, told) from door.kept_table where table_name = ? and is_sound",
        [model.name],
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
    inputs = {".".join(key) for key in model.inputs}
    # Other kept tables must rest on the same files.
    for name in inputs - OTHER_INPUTS - {f"raw.{claims}"}:
        there = "select true from door.kept_table where (table_name, generation, files) = (?, ?, ?)"
        if not con.execute(there, [name, generation, files]).fetchone():
            return None
    as_of = datetime.date.fromisoformat(str(params["as_of"])) if "as_of" in params else None
    settings = json.dumps(
        {name: value for name, value in params.items() if name != "as_of"}, sort_keys=True, default=str
    )
    return Basis(
        code_digest(),
        settings,
        as_of,
        generation,
        files,
        _withheld(con, claims, files) if "core.withheld_claim" in inputs else "",
        _members(con) if "core.member" in inputs else "",
        _numbers(con, "core.drug", "ndc_code", "drug_key") if "core.drug" in inputs else "",
    )


def _withheld(con: duckdb.DuckDBPyConnection, claims: str, files: int) -> str:
    """Digest of the withheld rows of a table of claims, of its first files."""
    [[digest]] = con.execute(
        "select concat(count(*), ' ', bit_xor(hash(row_id))) from core.withheld_claim where source_table = ? and row_id < ?",
        [claims, files * ROWS_OF_A_FILE],
    ).fetchall()
    return digest


def _remember_withheld(con: duckdb.DuckDBPyConnection, model: Model, now: Basis) -> None:
    """Keep which rows were withheld, for as long as a kept table rests on that."""
    con.execute(f"create table if not exists door.kept_withheld ({WITHHELD_DDL})")
    if now.withheld:
        con.execute("delete from door.kept_withheld where withheld not in (select withheld from door.kept_table)")
        con.execute(
            "insert or ignore into door.kept_withheld select ?, list(row_id) from core.withheld_claim "
            "where source_table = ? and row_id < ?",
            [now.withheld, _claims_of(model), now.files * ROWS_OF_A_FILE],
        )


def _members(con: duckdb.DuckDBPyConnection) -> str:
    return _numbers(con, "core.member", "person_id", "member_key")


def _numbers(con: duckdb.DuckDBPyConnection, table: str, *columns: str) -> str:
    """Digest of who or what has which number."""
    [[digest]] = con.execute(
        f"select concat(count(*), ' ', bit_xor(hash({', '.join(columns)}))) from {table}"
    ).fetchall()
    return digest


def _obstacle(con: duckdb.DuckDBPyConnection, before: Basis, now: Basis) -> str | None:
    """What differs between what a table was built from and what there is now, and is no news; None if all is."""
    for name, obstacle in SAME.items():
        if getattr(before, name) != getattr(now, name):
            return obstacle
    if before.files > now.files:
        return SAME["generation"]
    if before.as_of and now.as_of and now.as_of < before.as_of:
        return "an earlier as-of date"
    if before.members and before.members != now.members:
        known = con.execute("select true from door.kept_member where members = ? limit 1", [before.members])
        return None if known.fetchone() else "members of before that nobody knows"
    return None


def _news_table(model: Model) -> str:
    return f"changed.{'_'.join(model.key)}"


def _renew(
    con: duckdb.DuckDBPyConnection, model: Model, before: Basis, now: Basis, params: dict[str, Any]
) -> int | None:
    """Compute the rows of persons with news anew; None, with nothing done, where there is too much of it.

    Returns:
        How many rows were replaced or added.
    """
    claims = _claims_of(model)
    [[known]] = con.execute("select count(*) from raw.known_member").fetchall()
    named = f"{now.generation} {before.files} {now.files}"
    if before.files == now.files:
        # No files set nights apart that bring none: whom the as-of date or Part 2 brought one night is no news the next.
        named += f" {before.as_of} {now.as_of} {before.withheld} {now.withheld}"
    if not news.gather(con, claims, before.files * ROWS_OF_A_FILE, named, LARGEST_SHARE * known):
        return None
    if before.as_of and now.as_of and before.as_of != now.as_of:
        news.reach(con, claims, before.as_of, now.as_of)
    is_same = not before.withheld or before.withheld == _withheld(con, claims, before.files)
    if not is_same and not news.withhold(con, claims, before.withheld, LARGEST_SHARE * known):
        return None
    if before.members != now.members:
        news.add(
            con,
            claims,
            "select person_id from core.member where person_id not in (select person_id from door.kept_member)",
        )
    gone = f"row_id in (select row_id from changed.{claims})"
    if _order_of(con, model) == "member_key":
        gone = (
            "member_key not in (select member_key from core.member) or member_key in (select member_key "
            f"from core.member where person_id in (select person_id from changed.{claims}_person))"
        )
    [[all_rows]] = con.execute(f"select count(*) from {model.name}").fetchall()
    [[rows]] = con.execute(f"select count(*) from {model.name} where {gone}").fetchall()
    if rows > LARGEST_SHARE * all_rows:
        return None
    table = _news_table(model)
    query = re.sub(rf"\braw\.{claims}\b", f"changed.{claims}", model.sql)
    con.execute(f"create or replace table {table} as {query}", params)
    with transaction(con):
        con.execute(f"delete from {model.name} where {gone}")
        [[added]] = con.execute(f"insert into {model.name} select * from {table}").fetchall()
    return max(rows, added)


def _order_of(con: duckdb.DuckDBPyConnection, model: Model) -> str:
    """The column in whose order a kept table lies best."""
    columns = {name for name, *_ in con.execute(f"describe {model.name}").fetchall()}
    return "member_key" if "member_key" in columns else "row_id"


def _is_in_disorder(con: duckdb.DuckDBPyConnection, model: Model, changed_rows: int) -> bool:
    [[all_rows]] = con.execute(f"select count(*) from {model.name}").fetchall()
    return changed_rows > LARGEST_DISORDER * all_rows


def _put_in_order(con: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Write a table once more from itself: in order, without holes, and with the numbers that drugs have now.

    No claim counts that did not: of a drug a kept model shows the number alone, which an NDC that is new to the drug
    table gives to the fills that had none.
    """
    columns, rows = "*", model.name
    if ("core", "drug") in model.inputs:
        columns = "kept.* replace (drug.drug_key as drug_key)"
        rows = f"{model.name} as kept left join core.drug on kept.ndc_code = drug.ndc_code"
    con.execute(
        f"create or replace table {model.name} as select {columns} from {rows} order by {_order_of(con, model)}"
    )
