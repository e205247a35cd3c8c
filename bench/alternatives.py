"""What somebody would take instead, on the same fills: days covered per member and product over the last year.

Day expansion in DuckDB, polars and pandas, and the two packages of the package index that compute a proportion of days
covered. Each is given as many members as it can bear in about a minute.
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import duckdb

from bench.floor import present, source
from bench.measuring import timed

ALTERNATIVES = {
    "duckdb": "day expansion in DuckDB",
    "polars": "day expansion in polars",
    "pandas": "day expansion in pandas",
    "propdayscov": "propdayscov 1.2.0",
    "pdcscore": "pdcscore 1.1.9",
}
# Members at most; the packages loop over members in Python.
BEARABLE = {"propdayscov": 1_000, "pdcscore": 1_000}


def measure_alternative(name: str, delivery: Path, as_of: str) -> dict[str, Any]:
    """CPU and wall seconds of one of them, and how many fills of the year that ends on the as-of date it was given."""
    con = duckdb.connect(config={"threads": 2})
    fills_delivered = source(delivery, "pharmacy_claim")
    last = datetime.date.fromisoformat(as_of)
    window = (str(last - datetime.timedelta(364)), as_of)
    paid = "coalesce(claim_status, 'paid') = 'paid'" if present(con, fills_delivered, ["claim_status"]) else "true"
    some = (
        f"where person_id in (select distinct person_id from f order by 1 limit {BEARABLE[name]})"
        if name in BEARABLE
        else ""
    )
    con.execute(
        f"""
        create temp table f as
        select
            person_id, ndc_code, try_cast(dispensing_date as date) as dispensing_date,
            try_cast(days_supply as integer) as days_supply
        from {fills_delivered}
        where try_cast(days_supply as integer) between 1 and 365 and {paid} and person_id is not null
            and try_cast(dispensing_date as date) between date '{window[0]}' and date '{window[1]}'
        """
    )
    con.execute(
        f"create or replace temp table f as select * from f {some} order by person_id, ndc_code, dispensing_date"
    )
    [[fills]] = con.execute("select count(*) from f").fetchall()
    work = {
        "duckdb": by_duckdb,
        "polars": by_polars,
        "pandas": by_pandas,
        "propdayscov": by_propdayscov,
        "pdcscore": by_pdcscore,
    }
    cpu, wall = work[name](con, *window)
    return {"fills": fills, "cpu": cpu, "wall": wall}


def by_duckdb(con: duckdb.DuckDBPyConnection, _first_day: str, last_day: str) -> tuple[float, float]:
    """One row a day by `generate_series`."""
    return timed(
        lambda: con.execute(
            f"""
            select person_id, ndc_code, count(distinct day) / 365.0 from (
                select person_id, ndc_code, unnest(generate_series(dispensing_date, dispensing_date + days_supply - 1, interval 1 day)) as day
                from f
            ) where day <= date '{last_day}' group by all
            """
        ).fetch_arrow_table()
    )


def by_polars(con: duckdb.DuckDBPyConnection, _first_day: str, last_day: str) -> tuple[float, float]:
    """One row a day by `date_ranges` and `explode`."""
    import polars as pl

    frame = con.sql("select * from f").pl()
    last = pl.lit(last_day).str.to_date()

    def work() -> None:
        frame.with_columns(
            day=pl.date_ranges(
                "dispensing_date",
                pl.min_horizontal(pl.col("dispensing_date") + pl.duration(days=pl.col("days_supply") - 1), last),
            )
        ).explode("day").group_by("person_id", "ndc_code").agg(pl.col("day").n_unique() / 365)

    return timed(work)


def by_pandas(con: duckdb.DuckDBPyConnection, _first_day: str, last_day: str) -> tuple[float, float]:
    """One row a day by repeating rows."""
    import numpy as np
    import pandas as pd

    frame = con.sql("select * from f").df()

    def work() -> None:
        days = frame.loc[frame.index.repeat(frame["days_supply"])]
        offset = days.groupby(level=0).cumcount().to_numpy()
        day = days["dispensing_date"].to_numpy().astype("datetime64[D]") + offset.astype("timedelta64[D]")
        kept = days.assign(day=day)[day <= np.datetime64(last_day)]
        pd.DataFrame(
            kept.drop_duplicates(["person_id", "ndc_code", "day"]).groupby(["person_id", "ndc_code"]).size() / 365
        )

    return timed(work)


def by_propdayscov(con: duckdb.DuckDBPyConnection, _first_day: str, last_day: str) -> tuple[float, float]:
    """The package's own function, in one process."""
    import numpy as np
    import pandas as pd

    # The package asks for `pd.np`, which pandas dropped in its version 1.0.
    pd.np = np  # type: ignore[attr-defined]
    from propdayscov.propdayscov import calc_pdc

    frame = con.sql(
        'select person_id as "P_ID", ndc_code as "DRUGNAME", dispensing_date as "FILLDATE", days_supply as "DAYSSUPPLY", '
        f'min(dispensing_date) over (partition by person_id) as "MBRELIGSTART", date \'{last_day}\' as "MBRELIGEND" from f'
    ).df()
    return timed(lambda: calc_pdc(frame, druglevel="Y"))


def by_pdcscore(con: duckdb.DuckDBPyConnection, first_day: str, last_day: str) -> tuple[float, float]:
    """The package's own class, early refills shifted."""
    from pdcscore import pdcCalc

    frame = con.sql(
        "select person_id, ndc_code, dispensing_date, days_supply, "
        f"timestamp '{first_day}' as first_day, timestamp '{last_day}' as last_day from f"
    ).df()
    calculation = pdcCalc(
        frame, "person_id", "ndc_code", "dispensing_date", "days_supply", "first_day", "last_day", True
    )
    return timed(calculation.calculate_pdc_scores)
