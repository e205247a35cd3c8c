"""Pregnancies: one row per episode of a random member, with its visits and its end. Weeks count from the LMP."""

import numpy as np
import polars as pl

from sample_data.calendar import FIRST, LAST
from sample_data.draw import Draw, Integers
from sample_data.members import MEDICARE, Members

VISIT_WEEKS = np.array([8, 12, 16, 20, 24, 28, 32, 34, 36, 37, 38, 39])
LIVE_BIRTH, LOSS, STILLBIRTH = 0, 1, 2
OUTCOMES = ["live_birth", "loss", "stillbirth"]


def make_pregnancies(members: Members, draw: Draw) -> pl.DataFrame:
    """Episodes of women of 18 to 44: `member` is the position, `lmp` and `end` are day numbers."""
    age = members.age(FIRST)
    can = (members.story < 0) & members.female & (age >= 18) & (age < 45) & (members.payer != MEDICARE)
    member = np.flatnonzero(can & draw.chance("pregnancy", 130_000, members.n))
    number = members.n[member]
    lmp = draw.integer("lmp", FIRST - 60, LAST - 70, number)
    outcome = draw.choice("outcome", [855, 138, 7], number)
    length = np.where(
        outcome == LOSS,
        draw.integer("loss after", 42, 130, number),
        draw.integer("term", 262, 287, number) - 28 * draw.chance("preterm", 90_000, number),
    )
    return pl.DataFrame({
        "member": member, "n": number, "lmp": lmp, "end": lmp + length, "outcome": outcome,
        "vitamin": draw.chance("takes vitamin", 640_000, number),
    })  # fmt: skip


def prenatal_visits(members: Members, pregnancies: pl.DataFrame, draw: Draw) -> tuple[Integers, Integers, Integers]:
    """Row of `pregnancies`, day and completed weeks of every prenatal visit kept."""
    lmp, end = pregnancies["lmp"].to_numpy(), pregnancies["end"].to_numpy()
    number = pregnancies["n"].to_numpy()
    day = lmp[:, None] + VISIT_WEEKS * 7 + draw.integer("visit shift", 0, 6, number[:, None], VISIT_WEEKS)
    comes = draw.chance("comes to visit", 860_000, number[:, None], VISIT_WEEKS)
    row, visit = np.nonzero(comes & (day < end[:, None] - 3) & (day >= FIRST) & (day <= LAST))
    day = day[row, visit]
    enrolled = members.covered(pregnancies["member"].to_numpy()[row], day)
    return row[enrolled], day[enrolled], (day[enrolled] - lmp[row[enrolled]]) // 7


def ended(members: Members, pregnancies: pl.DataFrame) -> pl.DataFrame:
    """Episodes whose end is claimed: within the data and while enrolled."""
    end = pregnancies["end"].to_numpy()
    seen = members.covered(pregnancies["member"].to_numpy(), end) & (end >= FIRST) & (end <= LAST - 1)
    return pregnancies.filter(pl.Series(seen))


def pregnancy_truth(members: Members, pregnancies: pl.DataFrame) -> pl.DataFrame:
    """Every episode by its LMP: its outcome, `current` on LAST_DATE, or `not_claimed` when enrolment ended first."""
    seen = ended(members, pregnancies)["n"]
    names = pl.Series(OUTCOMES)
    return pregnancies.select(
        "n",
        fact=pl.lit("planted_pregnancy"),
        subject=pl.col("lmp").cast(pl.Int32).cast(pl.Date).cast(pl.String),
        value=pl.when(pl.col("n").is_in(seen.implode()))
        .then(names.gather(pregnancies["outcome"]))
        .when(
            (pl.col("end") >= LAST)
            & pl.Series(members.covered(pregnancies["member"].to_numpy(), np.full(len(pregnancies), LAST)))
        )
        .then(pl.lit("current"))
        .otherwise(pl.lit("not_claimed")),
    )
