"""Medical claims around pregnancies: tests, scans, vaccines, supplies; and codes where there is no pregnancy."""

import numpy as np
import polars as pl

from sample_data.calendar import FIRST, HERE, LAST, NONE, dates
from sample_data.claim_frame import FULL_LINES, KINDS, NOTHING, POSITION, claims_of
from sample_data.draw import Draw
from sample_data.maternity import BASE, CARE, EACH_TURN, codes, pressure_code, trimester, week_code
from sample_data.members import MEDICARE, Members
from sample_data.pregnancies import LIVE_BIRTH

STRAY = BASE + 2 * EACH_TURN
"""The first sequence of what `strays` makes."""


def pregnancy_care(members: Members, pregnancies: pl.DataFrame, draw: Draw) -> pl.DataFrame:
    """The rows of `pregnancy_care.csv`: care that some of the episodes show, some days after an anchor.

    Words among the diagnoses stand for codes that depend on the day: `trimester`, `weeks`, `sugar`, `pressure`,
    `after birth` (the trimester before it). Vaccines have months; the pump and what follows a birth need a live one.
    """
    rows = pl.read_csv(HERE / "pregnancy_care.csv")
    key, member, lmp, end = (pregnancies[name].to_numpy() for name in ("key", "member", "lmp", "end"))
    alive = ((pregnancies["outcome"] == LIVE_BIRTH) & (pregnancies["seen"] | (pregnancies["end"] >= LAST))).to_numpy()
    parts = []
    for place, row in enumerate(rows.iter_rows(named=True)):
        anchor = pregnancies[row["anchor"]].to_numpy()
        day = anchor + draw.integer(f"care day {place}", row["first_day"], row["last_day"], key)
        kept = draw.chance(f"care {place}", row["per_million"], key) & (anchor != NONE)
        kept &= (day >= np.maximum(FIRST, pregnancies["visits_from"].to_numpy())) & (day <= LAST)
        kept &= alive if row["anchor"] == "end" else day < end - 3
        if row["first_month"] is not None:
            month = dates("day", day).dt.month().to_numpy()
            kept &= (month >= row["first_month"]) | (month <= row["last_month"])
        kept &= members.covered(member, day)
        episode, day = pregnancies.filter(pl.Series(kept)), day[kept]
        days = day - lmp[kept]
        by_third = codes("Z34.81", "Z34.82", "Z34.83")[trimester(days)]
        words = {
            "trimester": by_third,
            "weeks": week_code(days),
            "sugar": POSITION["O24.410"],
            "pressure": pressure_code(episode["pressure_kind"].to_numpy(), days),
            "after birth": np.where(day < end[kept], by_third, POSITION["Z39.1"]),
        }
        shown = [words[word] if word in words else POSITION[word] for word in row["diagnoses"].split(";")]
        parts.append(claims_of(
            row["kind"], episode["n"].to_numpy(), BASE + EACH_TURN * episode["turn"].to_numpy() + CARE + place, day,
            lines=FULL_LINES[KINDS.index(row["kind"])],
            **{f"d{i + 1}": code for i, code in enumerate(shown)},
        ))  # fmt: skip
    return pl.concat(parts)


def strays(members: Members, pregnancies: pl.DataFrame, draw: Draw) -> pl.DataFrame:
    """Tests of women with no episode, negative or with nothing after a positive one, and men with a pregnancy code."""
    number, age = members.n, members.age(FIRST)
    young = (members.story < 0) & (members.payer != MEDICARE) & (age >= 18) & (age < 50)
    free = ~np.isin(np.arange(len(number)), pregnancies["member"].to_numpy())
    drawn = draw.choice("pregnancy test", [10_000, 300, 60], number)
    woman = young & members.female & free
    parts = []
    for place, (who, kind, shown) in enumerate((
        (woman & (drawn == 1), "pregnancy test", ("Z32.02",)),
        (woman & (drawn == 2), "pregnancy test", ("Z32.01",)),
        (young & ~members.female & draw.chance("wrong member", 1_500, number), "prenatal", ("Z34.82", "Z3A.20")),
    )):  # fmt: skip
        member = np.flatnonzero(who)
        day = draw.integer(f"stray day {place}", FIRST, LAST - 1, number[member])
        kept = members.covered(member, day)
        parts.append(claims_of(
            kind, number[member][kept], np.full(kept.sum(), STRAY + place), day[kept], lines=2, event=NOTHING,
            **{f"d{i + 1}": POSITION[code] for i, code in enumerate(shown)},
        ))  # fmt: skip
    return pl.concat(parts)
