"""A second reading of maternal 1.2 to 1.8, member by member in plain Python; it shares nothing with the SQL."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import pairwise
from statistics import median, median_low

# Code -> (evidence class, lowest, likely and highest day of the pregnancy on the day of service), 1.6 step 2.
TIMED = {
    "Z3A01": (2, 28, 42, 55),
    "Z3A49": (1, 295, 301, 308),
    "76813": (3, 77, 88, 97),
    "76811": (3, 126, 140, 160),
    "J2790": (3, 182, 196, 217),
    "O480": (3, 281, 287, 294),
    "O0991": (4, 28, 63, 97),
    "Z3492": (4, 98, 147, 195),
    "O09523": (4, 196, 238, 287),
    **{code: (5, 28, 56, 140) for code in ("Z331", "Z3201", "Z3490", "O0990", "O139")},
    **{f"Z3A{week:02}": (1, 7 * week, 7 * week + 3, 7 * week + 6) for week in range(8, 43)},
}
# Code -> outcome, 1.2. Losses trigger L1 by themselves; Z37.3 is a live birth that does.
OUTCOMES = {
    "Z370": "live_birth", "O80": "live_birth", "Z373": "live_birth", "Z371": "stillbirth", "O364XX0": "stillbirth",
    "Z379": "delivery", "59409": "delivery", "O0090": "ectopic", "O019": "molar", "O045": "induced", "Z332": "induced",
    "O039": "miscarriage", "O021": "miscarriage", "59820": "miscarriage",
}  # fmt: skip
LOSSES = {code for code, outcome in OUTCOMES.items() if outcome not in {"live_birth", "delivery"}} | {"Z373"}
DOUBTS = {"O200", "O3110X0", "O0281", "O079"}
POSTPARTUM = {"Z391", "Z392", "59430", "0503F", "O860"}
RANK = {"live_birth": 1, "stillbirth": 2, "ectopic": 3, "molar": 3, "induced": 4, "miscarriage": 5, "delivery": 6}
RETRY = {"live_birth": 28, "stillbirth": 28, "delivery": 28}  # else 14, 1.3
BIRTHS = set(RETRY)


def retry(outcome: str) -> int:
    return RETRY.get(outcome, 14)


def spacing(before: str, after: str) -> int:
    """Least days between two outcomes, 1.4."""
    late = 0 if before in BIRTHS else -14
    if after == "live_birth":
        return 182 + late
    return (168 if after in BIRTHS else 70) + late


@dataclass(frozen=True)
class Claim:
    """One claim with one code."""

    claim_id: str
    day: date
    code: str
    paid: bool = True
    laboratory: bool = False


@dataclass
class Ended:
    outcome: str
    day: date
    accepted: date


@dataclass
class Reading:
    """What the claims of one member say on one day."""

    ended: list[Ended] = field(default_factory=list)
    losses: dict[date, bool] = field(default_factory=dict)  # day -> lifted
    doubts: dict[date, bool] = field(default_factory=dict)  # day -> dispelled
    status: str | None = None
    tier: str | None = None
    lmp: date | None = None


@dataclass(frozen=True)
class Row:
    day: date
    kind: int
    low: date
    lmp: date
    high: date
    pregnancy: int = 0  # which one it speaks of, by LMP; 0 of the weaker classes, which speak of none


def rows(claims: list[Claim]) -> list[Row]:
    """Evidence rows, 1.6 steps 1 and 2; a pregnancy without timing dates only at its first mention."""
    found = []
    for claim in claims:
        if claim.code not in TIMED or not claim.paid or claim.laboratory:
            continue
        kind, low, likely, high = TIMED[claim.code]
        found.append(Row(claim.day, kind, *[claim.day - timedelta(days=days) for days in (high, likely, low)]))
    return sorted(set(found), key=lambda r: (r.day, r.kind, r.lmp))


def outcomes(claims: list[Claim]) -> list[Ended]:
    """Ended pregnancies, 1.5 steps 1, 2 and 4. A denied birth or loss ends a pregnancy too: doubt leads to silence."""
    candidates = sorted(
        {(RANK[OUTCOMES[c.code]], c.day, c.claim_id, OUTCOMES[c.code]) for c in claims if c.code in OUTCOMES}
    )
    accepted: list[tuple[date, str]] = []
    for _, day, _, outcome in candidates:
        before = max((a for a in accepted if a[0] <= day), default=None)
        after = min((a for a in accepted if a[0] > day), default=None)
        if before and (day - before[0]).days < spacing(before[1], outcome):
            continue
        if after and (after[0] - day).days < spacing(outcome, after[1]):
            continue
        accepted.append((day, outcome))
    ended = []
    loss_days = {day for _, day, _, outcome in candidates if outcome not in BIRTHS}
    for number, (day, outcome) in enumerate(sorted(accepted)):
        if outcome not in BIRTHS:
            taken = ended[-1].accepted + timedelta(days=60) if number else date.min
            first = min(d for d in loss_days | {day} if d == day or (taken < d <= day and (day - d).days <= 60))
        else:
            first = day
        ended.append(Ended(outcome, first, day))
    return ended


def numbered(evidence: list[Row]) -> list[Row]:
    """Step 3: rows of classes 1 and 2 by LMP are of different pregnancies where more than 56 days lie between two."""
    found: list[Row] = []
    for row in sorted((r for r in evidence if r.kind <= 2), key=lambda r: r.lmp):
        number = found[-1].pregnancy + ((row.lmp - found[-1].lmp).days > 56) if found else 1
        found.append(replace(row, pregnancy=number))
    return sorted(found + [r for r in evidence if r.kind > 2], key=lambda r: (r.day, r.kind, r.lmp))


def clusters(evidence: list[Row]) -> list[list[Row]]:
    numbers = sorted({r.pregnancy for r in evidence if r.pregnancy})
    return [[r for r in evidence if r.pregnancy == number] for number in numbers]


def latest(evidence: list[Row]) -> list[Row]:
    """The pregnancy seen last, with the weaker rows that do not contradict it (step 3)."""
    for before, row in pairwise(evidence):
        if (row.day - before.day).days > 300:
            return latest([r for r in evidence if r.day >= row.day])
    found = clusters(evidence)
    if not found:
        return evidence
    cluster = max(found, key=lambda rows: (max(r.day for r in rows), rows[0].pregnancy))
    first, points = min(r.day for r in cluster), [r.lmp for r in cluster]
    near = min(points) - timedelta(days=56), max(points) + timedelta(days=56)
    weak = [
        r
        for r in evidence
        if r.kind > 2 and r.day >= min(points) + timedelta(days=14) and (r.day >= first or near[0] <= r.lmp <= near[1])
    ]
    return sorted(cluster + weak, key=lambda r: (r.day, r.kind, r.lmp))


def dated(cluster: list[Row], evidence: list[Row]) -> tuple[date, int]:
    """Step 4: LMP, and the spread of those that dated weeks imply. Class 5 dates a pregnancy at its first mention."""
    best = min(r.kind for r in cluster)
    picked = [r for r in cluster if r.kind == best]
    if best == 5:
        picked = [r for r in picked if r.day == picked[0].day]
    points = [r.lmp.toordinal() for r in {(r.day, r.lmp): r for r in picked}.values()]
    low, high = max(r.low for r in picked).toordinal(), min(r.high for r in picked).toordinal()
    if best == 1 or low > high:
        return date.fromordinal(int(median(points))), max(points) - min(points) if best == 1 else 0
    return date.fromordinal((low + high) // 2), 0


def lifts(loss: date, lag: int, evidence: list[Row]) -> bool:
    """L4: two weeks that prove a new pregnancy, and nothing in it that says it began before."""
    for cluster in clusters(evidence):
        later = [r for r in cluster if r.kind == 1 and (r.day - loss).days >= 28]
        if not later:
            continue
        proving = [r.day for r in later if (r.lmp - loss).days > lag]
        points = [r.lmp.toordinal() for r in {(r.day, r.lmp): r for r in later}.values()]
        if not proving or (max(proving) - min(proving)).days < 7:
            continue
        if max(points) - min(points) <= 14 and median_low(points) > loss.toordinal() + lag:
            return True
    return False


def read(claims: list[Claim], as_of: date) -> Reading:
    """All of it."""
    claims = [c for c in claims if c.day <= as_of]
    result = Reading(ended=outcomes(claims))
    lag: dict[date, int] = {}
    for c in claims:
        if c.code in LOSSES:
            days = 28 if OUTCOMES[c.code] in BIRTHS else 14
            lag[c.day] = max(lag.get(c.day, 0), days)
    # L4: a week coded up to 28 days after a loss is left over.
    left_over = {r for r in rows(claims) if r.kind <= 2 and any(0 <= (r.day - loss).days <= 28 for loss in lag)}
    fresh = numbered([r for r in rows(claims) if r not in left_over])
    result.losses = {loss: lifts(loss, days, fresh) for loss, days in lag.items()}
    recent = [r for r in fresh if (as_of - r.day).days < 308]
    for c in claims:
        if c.code in DOUBTS and recent and (as_of - c.day).days < 308:
            late = (as_of - c.day).days > 28
            result.doubts[c.day] = late and any(r.kind == 1 and r.day > c.day for r in fresh)
    is_lost = not all(result.losses.values())
    # What can only have begun before the last outcome and its recovery is of the pregnancy before (1.5, step 5).
    start = max((e.day + timedelta(days=retry(e.outcome)) for e in result.ended), default=date.min)
    evidence = [
        replace(r, low=max(r.low, next_day(start)), lmp=max(r.lmp, next_day(start))) for r in recent if r.high > start
    ]
    if not evidence or is_lost:
        result.status = "suppressed" if is_lost else None
        return result
    cluster = latest(evidence)
    result.lmp, spread = dated(cluster, evidence)
    age = (as_of - result.lmp).days
    first = min(r.day for r in cluster)
    timed = [r.day for r in cluster if r.kind <= 4] or [r.day for r in cluster]
    if any(c.code in POSTPARTUM and c.day >= first for c in claims) or age > 294:
        result.status = "outcome_unknown"
        return result
    if age < 35:
        result.lmp = None
        return result
    if age > 287:
        result.status = "overdue"
    elif (as_of - max(timed)).days > (42 if age < 196 else 35):
        result.status = "stale"
    else:
        result.status = "current"
    since = min(first, result.lmp + timedelta(days=14))
    in_doubt = any(not dispelled and day >= since for day, dispelled in result.doubts.items())
    result.tier = "X" if in_doubt or spread > 28 else tier(cluster, spread)
    return result


def next_day(day: date) -> date:
    return day + timedelta(days=1)


def tier(cluster: list[Row], spread: int) -> str:
    """Step 7 with 1.8."""
    days = sorted({r.day for r in cluster})
    ones = {r.day for r in cluster if r.kind == 1}
    if ones and (days[-1] - days[0]).days >= 7 and spread <= 14:
        return "A"
    if ones and len(days) >= 2:
        return "B"
    fours = [r for r in cluster if r.kind == 4]
    if len({r.day for r in fours}) >= 2 and max(r.low for r in fours) <= min(r.high for r in fours):
        return "B"
    return "C"
