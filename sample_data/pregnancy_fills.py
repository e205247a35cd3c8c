"""What is dispensed in pregnancy: the rows of `pregnancy_fill.csv`, each a course for some of the episodes.

Columns: `who` (blank: everyone), `anchor` (the day from which `first_day` and `last_day` count), `until_day` (blank: the
end of the pregnancy; else days after the anchor).
"""

import numpy as np
import polars as pl

from sample_data.calendar import HERE, NONE
from sample_data.draw import Booleans, Draw, Integers
from sample_data.drugs import Drugs
from sample_data.members import Members
from sample_data.pregnancies import CHRONIC, INDUCED

FIRST_COURSE, EACH_TURN = 30, 10
"""Course numbers of a first episode follow from FIRST_COURSE, those of a second EACH_TURN later."""
NEVER = 10_000


def pregnancy_courses(
    members: Members, pregnancies: pl.DataFrame, drugs: Drugs, draw: Draw, courses: int
) -> list[dict[str, Integers]]:
    """Make the courses of all episodes, as columns like those of `make_courses`; `courses` is its key width."""
    rows = pl.read_csv(HERE / "pregnancy_fill.csv", schema_overrides={"who": pl.String})
    groups = groups_of(pregnancies)
    parts = []
    for place, row in enumerate(rows.iter_rows(named=True)):
        anchor = pregnancies[row["anchor"]].to_numpy()
        key = pregnancies["key"].to_numpy()
        has = groups[row["who"]] & (anchor != NONE) & draw.chance(f"takes {place}", row["per_million"], key)
        member, key, anchor = pregnancies["member"].to_numpy()[has], key[has], anchor[has]
        turn = pregnancies["turn"].to_numpy()[has]
        last = anchor + row["until_day"] if row["until_day"] is not None else pregnancies["end"].to_numpy()[has]
        product = np.full(len(member), drugs.position(row["product"]))
        supply = np.array([row["days_supply"], max(row["days_supply"], row["other_supply"])])
        parts.append({
            "member": member, "key": members.n[member] * courses + FIRST_COURSE + EACH_TURN * turn + place,
            "start": anchor + draw.integer(f"starts {place}", row["first_day"], row["last_day"], key),
            "stop": np.minimum(last, members.last[member]),
            "product": product, "product_2": product, "switch": np.full(len(member), NEVER),
            "supply": supply[draw.choice("pregnancy supply", [40, 60], key)],
        })  # fmt: skip
    return parts


def groups_of(pregnancies: pl.DataFrame) -> dict[str | None, Booleans]:
    """Which episodes a row of the file is about."""
    pressure = (pregnancies["pressure_kind"] == CHRONIC).to_numpy()
    return {
        None: np.ones(len(pregnancies), dtype=np.bool_),
        "chronic": pressure,
        "high risk": pressure | pregnancies["twins"].to_numpy(),
        "induced": (pregnancies["outcome"] == INDUCED).to_numpy(),
    }
