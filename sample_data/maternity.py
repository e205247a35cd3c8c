"""Medical claims of pregnancies: prenatal visits, births and losses. What is around them is in `maternity_care.py`.

Sequences of an episode's claims begin at BASE, those of a second episode EACH_TURN later.
"""

import numpy as np
import polars as pl

from sample_data.calendar import FIRST, LAST, NONE
from sample_data.claim_frame import EVENT, NOTHING, POSITION, claims_of, kind_numbers
from sample_data.draw import Draw, Integers
from sample_data.members import Members
from sample_data.pregnancies import (
    CHRONIC,
    ECTOPIC,
    FATES,
    GESTATIONAL,
    INDUCED,
    LIVE_BIRTH,
    LOSSES,
    MISCARRIAGE,
    MIXED,
    MOLAR,
    SEVERE,
    STILLBIRTH,
    TERM,
)

BASE, EACH_TURN = 400, 100
DELIVERY, BIRTH, LOSS, NEWBORN, CARE = 20, 21, 22, 23, 30
"""What is added to BASE; visits come first, from 0."""
VISIT_WEEKS = np.array([8, 12, 16, 20, 24, 28, 32, 34, 36, 37, 38, 39, 40])
TRIMESTERS = [98, 196]
"""First days of the second and the third."""
LOSS_CODES = {
    MISCARRIAGE: (["O03.9", "O03.9", "O02.1"], ["miscarriage care"]),
    ECTOPIC: (["O00.101", "O00.102", "O00.90"], ["ectopic surgery"]),
    MOLAR: (["O01.9"], ["molar evacuation"]),
    INDUCED: (["Z33.2", "Z33.2", "O04.80"], ["medication abortion", "surgical abortion"]),
}
"""Diagnoses and kinds of claims, each as often as it is listed."""


def codes(*names: str) -> Integers:
    """Positions of diagnoses."""
    return np.array([POSITION[name] for name in names])


def week_code(days: Integers) -> Integers:
    """Z3A by days since the LMP."""
    weeks = np.clip(days // 7, 7, 42)
    return np.where(weeks < 8, POSITION["Z3A.01"], POSITION["Z3A.08"] + weeks - 8)


def trimester(days: Integers) -> Integers:
    """0, 1 or 2 by days since the LMP."""
    return np.searchsorted(TRIMESTERS, days, side="right")


def pressure_code(kind: Integers, days: Integers) -> Integers:
    """The code of high blood pressure, by its kind and the trimester."""
    table = np.stack([
        codes("O10.011", "O10.012", "O10.013"), codes("O13.1", "O13.2", "O13.3"), codes("O14.10", "O14.12", "O14.13"),
    ])  # fmt: skip
    return table[np.maximum(kind, CHRONIC) - CHRONIC, trimester(days)]


def maternity(members: Members, pregnancies: pl.DataFrame, draw: Draw) -> pl.DataFrame:
    """The claims that tell of the episodes of random members."""
    return pl.concat([prenatal(members, pregnancies, draw), births(pregnancies, draw), losses(pregnancies, draw)])


def prenatal(members: Members, pregnancies: pl.DataFrame, draw: Draw) -> pl.DataFrame:
    """Visits with a trimester or twin code, the week, and what has been found by then."""
    key, lmp, end = (pregnancies[name].to_numpy() for name in ("key", "lmp", "end"))
    day = lmp[:, None] + VISIT_WEEKS * 7 + draw.integer("visit shift", 0, 6, key[:, None], VISIT_WEEKS)
    comes = draw.chance("comes to visit", 860_000, key[:, None], VISIT_WEEKS)
    comes &= (day < end[:, None] - 3) & (day >= pregnancies["visits_from"].to_numpy()[:, None])
    row, visit = np.nonzero(comes & (day >= FIRST) & (day <= LAST))
    day = day[row, visit]
    enrolled = members.covered(pregnancies["member"].to_numpy()[row], day)
    row, visit, day = row[enrolled], visit[enrolled], day[enrolled]
    episode = pregnancies[row]
    days = day - lmp[row]
    found = {name: (episode[name].to_numpy() != NONE) & (episode[name].to_numpy() <= day)
             for name in ("diabetes", "pressure", "anaemia")}  # fmt: skip
    third = trimester(days)
    plain = np.where(found["diabetes"] | found["pressure"], codes("O09.891", "O09.892", "O09.893")[third],
                     codes("Z34.81", "Z34.82", "Z34.83")[third])  # fmt: skip
    return claims_of(
        "prenatal", episode["n"].to_numpy(), BASE + EACH_TURN * episode["turn"].to_numpy() + visit, day,
        lines=draw.integer("prenatal lines", 1, 3, key[row], day),
        d1=np.where(episode["twins"].to_numpy(), codes("O30.041", "O30.042", "O30.043")[third], plain),
        d2=week_code(days),
        d3=np.where(found["diabetes"], POSITION["O24.410"], -1),
        d4=np.where(found["pressure"], pressure_code(episode["pressure_kind"].to_numpy(), days), -1),
        d5=np.where(found["anaemia"], codes("O99.011", "O99.012", "O99.013")[third], -1),
    )  # fmt: skip


def births(pregnancies: pl.DataFrame, draw: Draw) -> pl.DataFrame:
    """Hospital stay and obstetrician of every delivery, or the newborn alone under the mother's id."""
    born = pregnancies.filter(pl.col("seen") & pl.col("outcome").is_in([LIVE_BIRTH, STILLBIRTH, MIXED]))
    n, key, end, outcome, kind = (born[name].to_numpy() for name in ("n", "key", "end", "outcome", "pressure_kind"))
    sequence = BASE + EACH_TURN * born["turn"].to_numpy()
    days = end - born["lmp"].to_numpy()
    twins, still, early = born["twins"].to_numpy(), outcome == STILLBIRTH, days < TERM
    pressed, sweet, pale = (born[name].to_numpy() != NONE for name in ("pressure", "diabetes", "anaemia"))
    preterm = np.where(days < TRIMESTERS[1], POSITION["O60.12X0"], POSITION["O60.14X0"])
    reasons = [
        (still, POSITION["O36.4XX0"]), (twins, codes("O30.041", "O30.042", "O30.043")[trimester(days)]),
        *((pressed & (kind == k), POSITION[c]) for k, c in ((SEVERE, "O14.14"), (GESTATIONAL, "O13.4"), (CHRONIC, "O10.02"))),
        (sweet, POSITION["O24.420"]), (early, preterm),
    ]  # fmt: skip
    shown = {
        "d1": np.select([has for has, _ in reasons], [code for _, code in reasons], POSITION["O80"]),
        "d2": np.select([still & twins, still, outcome == MIXED, twins], codes("Z37.4", "Z37.1", "Z37.3", "Z37.2"),
                        POSITION["Z37.0"]),
        "d3": week_code(days),
        "d4": np.where(early & ~still, preterm, -1),
        "d5": np.where(pale, POSITION["O99.02"], -1),
    }  # fmt: skip
    home = np.minimum(end + draw.integer("birth days", 1, 3, key), LAST)
    group = np.where(draw.chance("caesarean", 320_000, key), 788, 807)
    weeks = days // 7
    small = np.select([weeks < 28, early], [POSITION["P07.22"] + np.clip(weeks, 23, 27) - 23,
                                            POSITION["P07.31"] + np.clip(weeks, 28, 36) - 28], -1)  # fmt: skip
    alone = born["under_mother"]
    return pl.concat([
        claims_of("delivery", n, sequence + DELIVERY, end, end=home, admitted=end, discharged=home, disposition=1,
                  drg=group, lines=4, event=NOTHING, **shown).filter(~alone),
        claims_of("birth", n, sequence + BIRTH, end, lines=2, event=NOTHING, **shown).filter(~alone),
        claims_of("newborn care", n, sequence + NEWBORN, end, end=home, lines=2, event=NOTHING,
                  d1=POSITION["Z38.00"], d2=small).filter(alone),
    ])  # fmt: skip


def losses(pregnancies: pl.DataFrame, draw: Draw) -> pl.DataFrame:
    """One claim for each loss without a delivery, which its fate befalls."""
    lost = pregnancies.filter(pl.col("seen") & pl.col("outcome").is_in(LOSSES))
    key, end, outcome = (lost[name].to_numpy() for name in ("key", "end", "outcome"))
    fate = np.array(list(FATES))[lost["fate"].to_numpy()]
    code, kind = np.zeros(len(lost), np.int64), np.zeros(len(lost), np.int64)
    for loss, (options, kinds) in LOSS_CODES.items():
        rows = outcome == loss
        code[rows] = codes(*options)[draw.integer("loss code", 0, len(options) - 1, key[rows])]
        kind[rows] = kind_numbers(kinds)[draw.integer("loss kind", 0, len(kinds) - 1, key[rows])]
    # A bill of frequency 8 needs a facility.
    hospital = (fate == "voided") | ((outcome != INDUCED) & draw.chance("lost in hospital", 500_000, key))
    return claims_of(
        np.where(hospital, kind_numbers(["emergency"])[0], kind), lost["n"].to_numpy(),
        BASE + EACH_TURN * lost["turn"].to_numpy() + LOSS, end, d1=code, lines=2,
        event=np.select([fate == "denied", fate == "voided", fate == "reversed"],
                        [EVENT["denied"], EVENT["voided"], EVENT["reversal"]], NOTHING),
        delay=np.where(fate == "back_dated", draw.integer("back-dated days", 21, 56, key), NONE),
    )  # fmt: skip
