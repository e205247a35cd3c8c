"""Encounters: one row per medical claim that a member's care gives rise to, before lines and faults."""

import numpy as np
import polars as pl

from sample_data.calendar import FIRST, LAST, NONE
from sample_data.claim_frame import (
    ACUTE,
    DIAGNOSIS_COLUMNS,
    EVENT,
    FULL_LINES,
    KINDS,
    NOTHING,
    POSITION,
    SOCIAL,
    claim_id,
    claims_of,
    kind_numbers,
)
from sample_data.draw import Draw, Integers
from sample_data.maternity import maternity
from sample_data.maternity_care import pregnancy_care, strays
from sample_data.members import CONDITIONS, Members, person_id
from sample_data.sites import HOSPITAL, Providers
from sample_data.stories import STORY_CLAIM, Stories

STAY_REASONS = (("J18.9", 194, 18), ("I50.23", 291, 16), ("A41.9", 871, 16), ("I63.9", 65, 8), ("K92.2", 378, 9),
                ("S72.001A", 481, 7), ("N39.0", 690, 9), ("E11.22", 638, 6), ("J44.9", 190, 11))  # fmt: skip
"""Principal diagnosis, MS-DRG, how often."""
DISPOSITIONS = (("01", 52), ("06", 17), ("03", 18), ("62", 4), ("02", 4), ("07", 2), ("20", 3))


def lived_with(members: Members) -> tuple[Integers, Integers]:
    """Find each member's own diagnoses (six at most, -1 after the last) and how many there are."""
    has = np.stack(list(members.conditions.values()), axis=1)
    has = np.concatenate([has, members.conditions["esrd"][:, None]], axis=1)
    codes = np.array([*(POSITION[code] for code, _, _ in CONDITIONS.values()), POSITION["Z99.2"]])
    rank = np.cumsum(has, axis=1) - 1
    found = np.full((len(members.n), 6), -1)
    row, column = np.nonzero(has & (rank < 6))
    found[row, rank[row, column]] = codes[column]
    return found, np.minimum(has.sum(axis=1), 6)


def visits(members: Members, draw: Draw) -> pl.DataFrame:
    """Ambulatory care of random members: more of it with more conditions and more age."""
    own, count = lived_with(members)
    busy = 4 + count * 4 + 9 * (members.age(FIRST) >= 65)
    planned = np.where(members.story < 0, busy + draw.integer("visits", -2, 5, members.n), 0)
    span = np.maximum(members.last - members.first + 1, 0)
    times = np.minimum(planned * span // (LAST - FIRST + 1), 120)
    who = np.repeat(np.arange(len(members.n)), times)
    sequence = np.arange(len(who)) - np.repeat(np.cumsum(times) - times, times)
    key = members.n[who] * 256 + sequence
    day = draw.integer("visit day", members.first[who], members.last[who], key)
    kept = members.covered(who, day)
    who, sequence, key, day = who[kept], sequence[kept], key[kept], day[kept]
    kind = kind_numbers(["office", "laboratory", "telehealth", "outpatient", "emergency"])
    acute = draw.chance("acute visit", 260_000, key) | (count[who] == 0)
    turn = draw.integer("first diagnosis", 0, 5, key) % np.maximum(count[who], 1)
    chosen = np.stack([
        np.where(i < count[who], own[who, (turn + i) % np.maximum(count[who], 1)], -1) for i in range(DIAGNOSIS_COLUMNS)
    ], axis=1)  # fmt: skip
    complaint = np.array([POSITION[c] for c in ACUTE])[draw.integer("complaint", 0, len(ACUTE) - 1, key)]
    need = np.array([POSITION[c] for c in SOCIAL])[draw.integer("social need", 0, len(SOCIAL) - 1, members.n[who])]
    chosen[:, 0] = np.where(acute, complaint, chosen[:, 0])
    needy = draw.chance("has social need", 40_000, members.n[who]) & draw.chance("told today", 250_000, key)
    chosen[:, 4] = np.where(needy, need, chosen[:, 4])
    return claims_of(
        kind[draw.choice("visit kind", [52, 17, 7, 17, 7], key)], members.n[who], sequence, day,
        lines=draw.integer("visit lines", 1, 4, key), **{f"d{i + 1}": chosen[:, i] for i in range(DIAGNOSIS_COLUMNS)},
    )  # fmt: skip


def stays(members: Members, draw: Draw) -> pl.DataFrame:
    """Hospital stays of random members: single bills, interim chains, professional days, skilled nursing after some."""
    age = members.age(FIRST)
    frail = np.select([age >= 80, age >= 65], [280_000, 170_000], 45_000) * (members.story < 0)
    parts: list[pl.DataFrame] = []
    for turn in range(2):
        member = np.flatnonzero(draw.chance("stay", frail if turn == 0 else frail // 3, members.n, turn))
        key = members.n[member] * 4 + turn
        admitted = draw.integer(
            "admitted", members.first[member], np.maximum(members.first[member], members.last[member]), key
        )
        long = draw.chance("long stay", 60_000, key)
        days = np.where(long, draw.integer("long days", 35, 70, key), draw.integer("days", 1, 9, key))
        out = admitted + days
        kept = members.covered(member, admitted) & members.covered(member, out) & (out <= LAST)
        member, key, admitted, long, out = (column[kept] for column in (member, key, admitted, long, out))
        n = members.n[member]
        reason = draw.choice("stay reason", [w for _, _, w in STAY_REASONS], key)
        disposition = draw.choice("disposition", [w for _, w in DISPOSITIONS], key)
        code = np.array([int(d) for d, _ in DISPOSITIONS])[disposition]
        code = np.where((code == 20) & (members.death[member] != out), 1, code)
        own, _ = lived_with(members)
        shared = {
            "admitted": admitted, "drg": np.array([d for _, d, _ in STAY_REASONS])[reason],
            "d1": np.array([POSITION[c] for c, _, _ in STAY_REASONS])[reason],
            **{f"d{i + 2}": own[member, i] for i in range(4)},
        }  # fmt: skip
        base = 150 + 20 * turn
        lines = draw.integer("stay lines", 3, 6, key)
        whole = claims_of("inpatient", n, np.full(len(n), base), admitted, end=out, discharged=out, disposition=code,
                          lines=lines, **shared)  # fmt: skip
        parts += [whole.filter(pl.Series(~long)), *chain(n, admitted, out, code, base, lines, shared, long)]
        parts += [
            claims_of(
                "hospital visit", n, np.full(len(n), base + 5), admitted, end=out, lines=2, **shared
            ).with_columns(admitted=pl.lit(NONE, pl.Int64), drg=pl.lit(NONE, pl.Int64)),
            nursing(members, member, out, code == 3, base, shared, draw),
        ]
    return pl.concat(parts)


def chain(
    n: Integers,
    admitted: Integers,
    out: Integers,
    code: Integers,
    base: int,
    lines: Integers,
    shared: dict,
    long: np.ndarray,
) -> list[pl.DataFrame]:
    """A long stay billed in three: first and continuing with status 30, then the last with the discharge."""
    third = (out - admitted) // 3
    starts = [admitted, admitted + third, admitted + 2 * third]
    ends = [starts[1] - 1, starts[2] - 1, out]
    return [
        claims_of(
            "interim", n, np.full(len(n), base + i), starts[i], end=ends[i], frequency=2 + i, lines=lines,
            discharged=out if i == 2 else NONE, disposition=code if i == 2 else 30, **shared,
        ).filter(pl.Series(long))
        for i in range(3)
    ]  # fmt: skip


def nursing(
    members: Members, member: Integers, day: Integers, goes: np.ndarray, base: int, shared: dict, draw: Draw
) -> pl.DataFrame:
    """Skilled nursing from the day of discharge, home afterwards."""
    n = members.n[member]
    days = draw.integer("nursing days", 8, 32, n, base)
    home = goes & members.covered(member, day + days) & (day + days <= LAST)
    diagnoses = {name: value for name, value in shared.items() if name.startswith("d") and name != "drg"}
    return claims_of(
        "nursing", n, np.full(len(n), base + 8), day, end=day + days, admitted=day, discharged=day + days,
        disposition=1, lines=4, **diagnoses,
    ).filter(pl.Series(home))  # fmt: skip


def monthly(members: Members, kind: str, since: Integers, diagnoses: list[str], base: int, status: int) -> pl.DataFrame:
    """Claims every 30 days from `since` (dialysis, hospice)."""
    ordinal = np.arange((LAST - FIRST) // 30)
    day = since[:, None] + 30 * ordinal
    who, turn = np.nonzero(
        (since != NONE)[:, None] & (day <= LAST - 29) & (day >= FIRST) & (members.story < 0)[:, None]
    )
    day = day[who, turn]
    kept = members.covered(who, day)
    return claims_of(
        kind, members.n[who][kept], base + turn[kept], day[kept], end=day[kept] + 29, lines=3, disposition=status,
        **{f"d{i + 1}": POSITION[code] for i, code in enumerate(diagnoses)},
    )  # fmt: skip


def told(members: Members, stories: Stories) -> pl.DataFrame:
    """List the visits of `story_visit.csv`, of three lines at most."""
    visit = stories.visit
    rows = stories.told(visit, members.n)
    start, end = (rows[c].cast(pl.Int32).to_numpy().astype(np.int64) for c in ("start_date", "end_date"))
    shown = [[POSITION[c] for c in text.split(";")] for text in visit["diagnoses"]]
    table = np.array([[*row, *[-1] * (DIAGNOSIS_COLUMNS - len(row))] for row in shown])
    events = np.array([EVENT[event] if event else NOTHING for event in visit["event"]])
    kind = kind_numbers(visit["kind"].to_list())
    row = rows["row"].to_numpy().astype(np.int64)
    stay = rows["kind"].is_in(["inpatient", "delivery"]).to_numpy()
    return claims_of(
        kind[row], rows["n"].to_numpy().astype(np.int64), STORY_CLAIM + rows["visit"].to_numpy(), start, end=end,
        lines=np.minimum(FULL_LINES, 3)[kind[row]], story=1, event=events[row],
        delay=rows["delay_days"].cast(pl.Int64).fill_null(NONE).to_numpy(),
        admitted=np.where(stay, start, NONE), discharged=np.where(stay, end, NONE),
        disposition=rows["disposition"].cast(pl.Int64).fill_null(NONE).to_numpy(),
        drg=rows["drg"].cast(pl.Int64).fill_null(NONE).to_numpy(),
        **{f"d{i + 1}": table[row, i] for i in range(DIAGNOSIS_COLUMNS)},
    )  # fmt: skip


def make_encounters(members: Members, pregnancies: pl.DataFrame, stories: Stories, draw: Draw) -> pl.DataFrame:
    """Every medical claim of a batch, in the order of member and sequence."""
    esrd = np.where(members.conditions["esrd"], members.first + 5, NONE)
    return pl.concat([
        visits(members, draw),
        stays(members, draw),
        monthly(members, "dialysis", esrd, ["N18.6", "Z99.2"], 256, 1),
        monthly(members, "hospice", np.maximum(members.hospice_from, NONE), ["C34.90", "I50.9"], 300, 30),
        maternity(members, pregnancies, draw),
        pregnancy_care(members, pregnancies, draw),
        strays(members, pregnancies, draw),
        told(members, stories),
    ]).sort("n", "sequence")  # fmt: skip


def stay_truth(encounters: pl.DataFrame) -> pl.DataFrame:
    """Hospital stays by claim id: admitted/discharged (the last bill of a chain, or the only one)."""
    bills = [KINDS.index(kind) for kind in ("inpatient", "interim", "delivery")]
    ends = encounters.filter(pl.col("kind").is_in(bills) & (pl.col("discharged") != NONE))
    day = [pl.col(c).cast(pl.Int32).cast(pl.Date).cast(pl.String) for c in ("admitted", "discharged")]
    return ends.select("n", fact=pl.lit("planted_stay"), subject=claim_id(), value=pl.concat_str(day, separator="/"))


def discharge_notices(
    encounters: pl.DataFrame, members: Members, stories: Stories, providers: Providers, draw: Draw
) -> pl.DataFrame:
    """Make the input table `discharge_notice`: those of stories, and two in three random ones of the last 30 days."""
    bills = [KINDS.index("inpatient"), KINDS.index("interim")]
    recent = encounters.filter(
        pl.col("kind").is_in(bills) & (pl.col("discharged") > LAST - 30) & (pl.col("story") == 0)
    )
    number = recent["n"].to_numpy()
    area = members.area[np.searchsorted(members.n, number)]
    hour = draw.integer("notice hour", 8, 18, number)
    day = {
        name: pl.col(name).cast(pl.Int32).cast(pl.Date).cast(pl.Datetime("us")) for name in ("admitted", "discharged")
    }
    random = recent.select(
        person_id(pl.col("n")).alias("person_id"),
        discharged_at=day["discharged"] + pl.duration(hours=pl.Series(hour)),
        facility_npi=providers.npi.gather(providers.facility(area, HOSPITAL)),
        admitted_at=day["admitted"] + pl.duration(hours=12),
        notified_at=day["discharged"] + pl.duration(hours=pl.Series(hour + 20)),
        discharge_disposition_code=pl.col("disposition").cast(pl.String).str.zfill(2),
    ).filter(pl.Series(draw.chance("noticed", 667_000, number)))
    told = stories.told(stories.notice, members.n)
    where = members.area[np.searchsorted(members.n, told["n"].to_numpy())]
    return pl.concat([
        random,
        told.select(
            person_id(pl.col("n")).alias("person_id"),
            pl.col("discharged_at").cast(pl.Datetime("us")),
            facility_npi=providers.npi.gather(providers.facility(where, HOSPITAL)),
            admitted_at=pl.col("admitted_at").cast(pl.Datetime("us")),
            notified_at=pl.col("notified_at").cast(pl.Datetime("us")),
            discharge_disposition_code=pl.col("disposition"),
        ),
    ]).sort("person_id", "discharged_at")  # fmt: skip
