"""Pregnancies of random members: one row per episode, from its LMP to its end, with what makes it special.

Nothing here is a claim: `maternity.py` says what of it is billed, `pregnancy_fills.py` what is dispensed. A second
episode (`turn` 1) follows some losses. Days are day numbers, `NONE` where something does not happen.
"""

import numpy as np
import polars as pl

from sample_data.calendar import FIRST, LAST, NONE
from sample_data.draw import Draw, Integers
from sample_data.members import MEDICARE, Members

OUTCOMES = {
    # of 1,000 pregnancies, days from the LMP to the end (fewest, most)
    "live_birth": (855, 262, 287),
    "miscarriage": (100, 42, 130),
    "ectopic": (14, 42, 70),
    "molar": (4, 56, 98),
    "induced": (20, 45, 110),
    "stillbirth": (7, 154, 280),
    "mixed": (0, 238, 266),
}
"""`mixed` are twins of whom one lives; it is drawn from live births of twins."""
LIVE_BIRTH, MISCARRIAGE, ECTOPIC, MOLAR, INDUCED, STILLBIRTH, MIXED = range(len(OUTCOMES))
LOSSES = (MISCARRIAGE, ECTOPIC, MOLAR, INDUCED)
"""Those that one claim tells of, with no delivery."""
FATES = {"paid": 70, "denied": 9, "voided": 6, "reversed": 4, "back_dated": 11}
"""What becomes of that claim, of 100."""
CHRONIC, GESTATIONAL, SEVERE = range(1, 4)
"""High blood pressure before pregnancy and in it, and severe pre-eclampsia."""
TERM = 259
"""Born earlier is preterm: 37 weeks."""
GIRL_BORN = (LAST - 18 * 1461 // 4, LAST - 14 * 1461 // 4)
"""Born between: minors on LAST_DATE and at least 12 on FIRST_DATE; their pregnancies are theirs, no errors."""


def make_pregnancies(members: Members, draw: Draw) -> pl.DataFrame:
    """Episodes of women of 18 to 44 and of a few girls, in the order of member and turn."""
    age = members.age(FIRST)
    can = (members.story < 0) & members.female & (members.payer != MEDICARE)
    girl = (members.birth > GIRL_BORN[0]) & (members.birth < GIRL_BORN[1])
    rate = np.select([(age >= 18) & (age < 45), girl], [130_000, 45_000], 0)
    member = np.flatnonzero(can & draw.chance("pregnancy", rate, members.n))
    first = episodes(members, member, 0, draw.integer("lmp", FIRST - 60, LAST - 56, members.n[member]), draw)
    key = first["key"].to_numpy()
    again = first["end"].to_numpy() + draw.integer("months between", 42, 160, key)
    tries = ~first["outcome"].is_in([LIVE_BIRTH, MIXED]).to_numpy() & draw.chance("pregnant again", 420_000, key)
    tries &= again <= LAST - 56
    second = episodes(members, member[tries], 1, again[tries], draw)
    return pl.concat([first, second]).sort("n", "turn")


def episodes(members: Members, member: Integers, turn: int, lmp: Integers, draw: Draw) -> pl.DataFrame:
    """Pregnancies that begin on these days."""
    number = members.n[member]
    key = number * 2 + turn
    shares, fewest, most = (np.array(column) for column in zip(*OUTCOMES.values(), strict=True))
    outcome = draw.choice("outcome", shares, key)
    twins = np.isin(outcome, [LIVE_BIRTH, STILLBIRTH]) & draw.chance("twins", 33_000, key)
    outcome = np.where((outcome == LIVE_BIRTH) & twins & draw.chance("mixed", 80_000, key), MIXED, outcome)
    length = draw.integer("length", fewest[outcome], most[outcome], key)
    born = outcome == LIVE_BIRTH
    length = np.where(born & twins, draw.integer("twins length", 231, 270, key), length)
    early = born & ~twins & draw.chance("preterm", 90_000, key)
    most_early = np.where(draw.chance("very preterm", 150_000, key), 75, 25)
    length = np.where(early, TERM - draw.integer("days early", 1, most_early, key), length)
    late = born & ~twins & ~early & draw.chance("post-term", 20_000, key)
    length = np.where(late, draw.integer("days past term", 288, 293, key), length)

    rises = draw.choice("blood pressure", [922, 0, 65, 13], key)
    chronic = members.conditions["hypertension"][member] & draw.chance("chronic hypertension", 130_000, key)
    pressure = np.where(chronic, CHRONIC, rises)
    since = np.select(
        [pressure == kind for kind in (CHRONIC, GESTATIONAL, SEVERE)],
        [0, draw.integer("pressure rises", 142, 250, key), draw.integer("pressure is severe", 178, 255, key)],
        NONE,
    )
    soon = since + draw.integer("born after pre-eclampsia", 3, 16, key)
    length = np.where(born & (pressure == SEVERE), np.minimum(length, soon), length)

    def from_day(purpose: str, rate: int, low: int, high: int) -> Integers:
        day = lmp + draw.integer(f"{purpose} day", low, high, key)
        return np.where(draw.chance(purpose, rate, key) & (day < lmp + length), day, NONE)

    return pl.DataFrame({
        "member": member, "n": number, "turn": np.full(len(member), turn), "key": key,
        "lmp": lmp, "end": lmp + length, "outcome": outcome, "twins": twins,
        "visits_from": np.where(draw.chance("late entry", 75_000, key), draw.integer("entry", 143, 196, key), 0) + lmp,
        "diabetes": from_day("gestational diabetes", 80_000, 168, 200),
        "anaemia": from_day("anaemia", 100_000, 56, 230),
        "pressure": np.where((since != NONE) & (since < length), lmp + since, NONE), "pressure_kind": pressure,
        "fate": draw.choice("fate of the claim", list(FATES.values()), key),
        "under_mother": born & ~twins & draw.chance("newborn under mother", 22_000, key),
        "girl": members.birth[member] > GIRL_BORN[0],
    }).with_columns(seen=seen(members, member, lmp + length))  # fmt: skip


def seen(members: Members, member: Integers, end: Integers) -> pl.Series:
    """Whether the end is claimed: within the data and while enrolled."""
    return pl.Series(members.covered(member, end) & (end >= FIRST) & (end <= LAST - 1))


def pregnancy_truth(members: Members, pregnancies: pl.DataFrame) -> pl.DataFrame:
    """Every episode by its LMP: its outcome, `current` on LAST_DATE, or `not_claimed` when enrolment ended first.

    A birth with one of two living is a `live_birth` as measures count it, and a `mixed` loss in the facts of losses.
    """
    names = np.array(["live_birth", "loss", "loss", "loss", "loss", "stillbirth", "live_birth"])
    stays = members.covered(pregnancies["member"].to_numpy(), np.full(len(pregnancies), LAST))
    return pregnancies.select(
        "n",
        fact=pl.lit("planted_pregnancy"),
        subject=as_text("lmp"),
        value=pl.when("seen")
        .then(pl.Series(names[pregnancies["outcome"].to_numpy()], dtype=pl.String))
        .when((pl.col("end") >= LAST) & pl.Series(stays))
        .then(pl.lit("current"))
        .otherwise(pl.lit("not_claimed")),
    )


def as_text(column: str) -> pl.Expr:
    """Write a day number as a date."""
    return pl.col(column).cast(pl.Int32).cast(pl.Date).cast(pl.String)
