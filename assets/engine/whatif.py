"""What closures would change: the model `facts.closure_effect` with other closures in place of the known ones.

The query is the night's own; nothing is written but temporary tables, so that a warehouse opened read-only will do.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import duckdb
import pyarrow as pa
from sqlglot import exp

from assets.engine.computed import POINTS, SUPPLY
from assets.engine.geography import PLACES, nearest_site
from assets.engine.model import SQL, Model

EFFECT = Model(SQL / "facts" / "closure_effect.sql")
REPLACED = {("facts", "closing_site"): "whatif_site", ("facts", "nearest_site"): "whatif_nearest"}


def effect_of_closing(con: duckdb.DuckDBPyConnection, closed: Iterable[str], params: dict[str, Any]) -> pa.Table:
    """The rows of `facts.closure_effect` if these NPIs, and no others, closed.

    The six nearest sites answer for almost every area; where all six close the rest are looked at.

    Args:
        con: Connection to a warehouse whose night is built.
        closed: NPIs.
        params: The night's SQL parameters.
    """
    con.execute("create or replace temp table whatif_site (npi VARCHAR, closing_date DATE)")
    con.execute("insert into whatif_site select unnest(?), null", [sorted(set(closed))])
    con.execute("create or replace temp table whatif_nearest as select * from facts.nearest_site")
    exhausted = con.sql(
        "select zcta, service from facts.nearest_site group by zcta, service "
        f"having count(*) = {PLACES} and count(*) filter (where npi in (select npi from whatif_site)) = {PLACES}"
    ).to_arrow_table()
    if exhausted.num_rows:
        con.register("whatif_exhausted", exhausted)
        further = nearest_site(
            zcta=con.sql(
                POINTS.replace("order by", "where zcta in (select zcta from whatif_exhausted) order by")
            ).to_arrow_table(),
            site=con.sql(
                SUPPLY.replace("order by", "and npi not in (select npi from whatif_site) order by")
            ).to_arrow_table(),
        )
        con.register("whatif_further", further)
        con.execute(
            f"insert into whatif_nearest select zcta, service, place + {PLACES}, npi, miles from whatif_further "
            "semi join whatif_exhausted using (zcta, service)"
        )
        con.unregister("whatif_further")
        con.unregister("whatif_exhausted")
    tree = EFFECT.tree.copy()
    for table in tree.find_all(exp.Table):
        if (table.db, table.name) in REPLACED:
            replacement = exp.to_table(REPLACED[table.db, table.name])
            table.replace(exp.alias_(replacement, table.alias_or_name, table=True))
    found = con.sql(tree.sql(dialect="duckdb"), params={name: params[name] for name in EFFECT.params}).to_arrow_table()
    con.execute("drop table whatif_site; drop table whatif_nearest")
    return found
