"""Whose claims have news, and all claims of theirs: gathered once a night, in the schema `changed`.

`changed.<claims>` holds what `raw.<claims>` shows of the persons in `changed.<claims>_person`.
"""

from __future__ import annotations

import datetime

import duckdb

from assets.engine.transaction import transaction

# The tables of claims, with the day by which a row counts.
CLAIM_DAYS = {
    "medical_claim": "coalesce(claim_line_start_date, claim_start_date)",
    "pharmacy_claim": "dispensing_date",
}

SCHEMA = "changed"
BASIS_DDL = "claims VARCHAR primary key, basis VARCHAR, reached VARCHAR"


def gather(con: duckdb.DuckDBPyConnection, claims: str, first_row: int, basis: str, most_persons: float) -> bool:
    """Gather the persons of new rows, and of rows that share a claim id with any of theirs, with all their claims.

    Args:
        con: Connection to the working warehouse.
        claims: The table of claims.
        first_row: The first new row's number.
        basis: What names these news; where they were gathered already, nothing is done.
        most_persons: With more persons than this nothing is gathered.

    Returns:
        Whether the news are there.
    """
    con.execute(f"create schema if not exists changed; create table if not exists changed.basis ({BASIS_DDL})")
    if con.execute("select true from changed.basis where (claims, basis) = (?, ?)", [claims, basis]).fetchone():
        return True
    con.execute("delete from changed.basis where claims = ?", [claims])
    people = f"changed.{claims}_person"
    con.execute(f"create or replace table {people} (person_id VARCHAR)")
    con.execute(f"create or replace table changed.{claims} as select * from raw.{claims} limit 0")
    con.execute(
        f"create or replace temp table newly as select distinct person_id from raw.{claims} where row_id >= {first_row}"
    )
    [[persons]] = con.execute("select count(*) from newly").fetchall()
    if persons > most_persons:
        return False
    # A claim id that two persons bear ties what stands of the one to the other.
    shared = f"select person_id from raw.{claims} where claim_id in (select claim_id from changed.{claims})"
    added = add(con, claims, "from newly")
    while added:
        added = add(con, claims, shared)
    con.execute("insert into changed.basis values (?, ?, null)", [claims, basis])
    return True


def reach(con: duckdb.DuckDBPyConnection, claims: str, since: datetime.date, as_of: datetime.date) -> None:
    """Add the persons of whose claims the as-of date has reached some by now."""
    reached = f"{since} {as_of}"
    if con.execute("select true from changed.basis where (claims, reached) = (?, ?)", [claims, reached]).fetchone():
        return
    day = CLAIM_DAYS[claims]
    add(con, claims, f"select person_id from raw.{claims} where {day} > date '{since}' and {day} <= date '{as_of}'")
    con.execute("update changed.basis set reached = ? where claims = ?", [reached, claims])


def withhold(con: duckdb.DuckDBPyConnection, claims: str, before: str, most_persons: float) -> bool:
    """Add the persons of whose claims Part 2 withholds others than it did; with more than so many nothing is added.

    Args:
        con: Connection to the working warehouse.
        claims: The table of claims.
        before: What `door.kept_withheld` calls the rows that were withheld.
        most_persons: With more persons than this nothing is added.

    Returns:
        Whether they were added.
    """
    now = f"(select row_id from core.withheld_claim where source_table = '{claims}')"
    then = f"(select unnest(row_ids) as row_id from door.kept_withheld where withheld = '{before}')"
    con.execute(
        f"create or replace temp table newly as select distinct person_id from raw.{claims} "
        f"where row_id in ({now} except {then} union all ({then} except {now}))"
    )
    [[persons]] = con.execute("select count(*) from newly").fetchall()
    if persons > most_persons:
        return False
    add(con, claims, "from newly")
    return True


def add(con: duckdb.DuckDBPyConnection, claims: str, persons: str) -> int:
    """Add persons, with all their claims, and return how many were not there before.

    Args:
        con: Connection to the working warehouse.
        claims: The table of claims.
        persons: Query with a column `person_id`.
    """
    people = f"changed.{claims}_person"
    con.execute(
        f"create or replace temp table added as select distinct person_id from ({persons}) "
        f"where person_id not in (select person_id from {people})"
    )
    [[rows]] = con.execute("select count(*) from added").fetchall()
    if rows:
        # Persons without their claims, or claims without their person, would be gathered once more by the next run.
        with transaction(con):
            con.execute(
                f"insert into changed.{claims} select * from raw.{claims} where person_id in (select person_id from added)"
            )
            con.execute(f"insert into {people} select person_id from added")
    con.execute("drop table added")
    return rows
