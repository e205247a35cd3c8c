"""What closures would change: the model `facts.closure_effect` with other closures in place of the known ones.

The query is the night's own; nothing is written but temporary tables, so that a warehouse opened read-only will do.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import duckdb
import pyarrow as pa
from sqlglot import exp

from assets.engine.computed import POINTS, SERVICES, SUPPLY
from assets.engine.geography import PLACES, nearest_site
from assets.engine.model import SQL, Model

EFFECT = Model(SQL / "facts" / "closure_effect.sql")
NEED = Model(SQL / "facts" / "pharmacy_need.sql")

# Who is called, and where they can go instead: of those whose regular pharmacy closes, whoever runs out first.
CALLS = """
select
    cast(row_number() over (order by need.supply_end_date asc nulls last, member.person_id) as integer) as call_rank,
    need.regular_npi as pharmacy_npi,
    pharmacy.closed_date as closing_date,
    member.person_id,
    member.first_name,
    member.last_name,
    case when not channel.is_phone_restricted and not channel.is_wrong_number then member.phone end as phone,
    need.supply_end_date,
    need.regular_miles as before_miles,
    case when effect.zcta is null then access.nearest_npi else effect.after_npi end as after_npi,
    case when effect.zcta is null then access.nearest_miles else effect.after_miles end as after_miles,
    coalesce(effect.is_new_desert, false) as is_new_desert
from ({need}) as need
inner join core.member on need.member_key = member.member_key
inner join outreach.contact_channel as channel on member.member_key = channel.member_key
inner join raw.pharmacy on need.regular_npi = pharmacy.npi
left join facts.regular_pharmacy on need.member_key = regular_pharmacy.member_key
left join facts.access
    on regular_pharmacy.zcta = access.zcta and access.service = 'retail_pharmacy' and access.standard_id = 'PART_D'
left join whatif_effect as effect
    on access.zcta = effect.zcta and access.service = effect.service and access.standard_id = effect.standard_id
where
    need.kind = 'closure'
    and need.regular_npi in (select npi from whatif_site)
    and need.member_key not in (select member_key from outreach.contact_block)
order by call_rank
"""


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
    con.execute(
        "create or replace temp table whatif_supplier as select distinct supplier_key from core.site "
        "where npi in (select npi from whatif_site)"
    )
    exhausted = con.sql(
        "select zcta_key, service_key from facts.nearest_site group by zcta_key, service_key having "
        f"count(*) = {PLACES} and count(*) filter (where supplier_key in (from whatif_supplier)) = {PLACES}"
    ).to_arrow_table()
    if exhausted.num_rows:
        con.register("whatif_exhausted", exhausted)
        is_left = "where supplier_key not in (from whatif_supplier) and"
        further = nearest_site(
            zcta=con.sql(
                POINTS.replace("order by", "where zcta_key in (select zcta_key from whatif_exhausted) order by")
            ).to_arrow_table(),
            service=con.sql(SERVICES.replace("where", is_left)).to_arrow_table(),
            site=con.sql(SUPPLY.replace("where", is_left)).to_arrow_table(),
        )
        con.register("whatif_further", further)
        con.execute(
            f"insert into whatif_nearest select zcta_key, service_key, place + {PLACES}, supplier_key, miles "
            "from whatif_further semi join whatif_exhausted using (zcta_key, service_key)"
        )
        con.unregister("whatif_further")
        con.unregister("whatif_exhausted")
    text = _with(EFFECT, {("facts", "closing_site"): "whatif_site", ("facts", "nearest_site"): "whatif_nearest"})
    found = con.sql(text, params={name: params[name] for name in EFFECT.params}).to_arrow_table()
    con.execute("drop table whatif_site; drop table whatif_supplier; drop table whatif_nearest")
    return found


def members_to_call(
    con: duckdb.DuckDBPyConnection, closed: Iterable[str], effect: pa.Table, params: dict[str, Any]
) -> pa.Table:
    """Members whose regular pharmacy is one of these, whoever runs out of medicine first coming first.

    Those whom no list may name are left out, and so are medicines. `after_npi` is the nearest pharmacy that stays open.

    Args:
        con: Connection to a warehouse whose night is built.
        closed: NPIs.
        effect: What `effect_of_closing` found for the same NPIs.
        params: The night's SQL parameters.
    """
    con.execute("create or replace temp table whatif_site (npi VARCHAR)")
    con.execute("insert into whatif_site select unnest(?)", [sorted(set(closed))])
    # The model looks at closings within the days of settings; when exactly decides nothing of who is found.
    con.execute(
        "create or replace temp table whatif_pharmacy as select pharmacy.* replace (case when npi in (select npi from "
        "whatif_site) then cast(? as date) + cast(? as integer) end as closed_date) from raw.pharmacy",
        [params["as_of"], params["closure_days"]],
    )
    con.register("whatif_effect", effect)
    need = _with(NEED, {("raw", "pharmacy"): "whatif_pharmacy"})
    found = con.sql(CALLS.format(need=need), params={name: params[name] for name in NEED.params}).to_arrow_table()
    con.unregister("whatif_effect")
    con.execute("drop table whatif_site; drop table whatif_pharmacy")
    return found


def _with(model: Model, replaced: dict[tuple[str, str], str]) -> str:
    """A model's query that reads other tables in place of some."""
    tree = model.tree.copy()
    for table in list(tree.find_all(exp.Table)):
        if (table.db, table.name) in replaced:
            other = exp.to_table(replaced[table.db, table.name])
            table.replace(exp.alias_(other, table.alias_or_name, table=True))
    return tree.sql(dialect="duckdb")
