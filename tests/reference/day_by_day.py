"""PDC counted day by day: the domain rules as sets of dates, slow and obvious, to judge the SQL by.

Domain sections 1.2 to 1.6, 2 and 4; interface 2.1. One class of drugs; no claim is ever netted here. Nothing in this
file may be clever: no closed form, no day arithmetic where a set of days will do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

MIN_AGE = 18
MIN_FILL_DATES = 2
MIN_TREATMENT_DAYS = 91
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Rules:
    """What differs between measures (domain section 2); as they stand, those of CMS's three."""

    threshold_percent: int = 80
    min_supplied_days: int | None = None
    min_span_days: int | None = None
    min_ingredients: int = 1

    @property
    def threshold(self) -> Fraction:
        """The smallest PDC that is adherent."""
        return Fraction(self.threshold_percent, 100)


CMS = Rules()


@dataclass(frozen=True)
class Span:
    """An enrolment span; no end is open."""

    start: date
    end: date | None = None
    is_hospice: bool = False


@dataclass(frozen=True)
class Fill:
    """A paid fill of a drug of the class, or of one that excludes from it."""

    day: date
    claim_id: str
    product: str
    days_supply: int | None
    is_excluding: bool = False

    @property
    def ingredients(self) -> list[str]:
        """Target ingredients; a combination of two is named with a hyphen between them."""
        return self.product.split("-")


@dataclass(frozen=True)
class Stay:
    """Days in a facility, the day of discharge included."""

    admission: date
    discharge: date


@dataclass(frozen=True)
class History:
    """Everything that is known of a member."""

    person_id: str
    birth: date
    spans: tuple[Span, ...]
    fills: tuple[Fill, ...]
    stays: tuple[Stay, ...] = ()
    death: date | None = None


@dataclass
class Result:
    """What `outreach.adherence` must say of a member."""

    exclusion_reason: str | None = None
    index_date: date | None = None
    treatment_end_date: date | None = None
    fill_date_count: int = 0
    treatment_days: int = 0
    full_treatment_days: int = 0
    allowed_missed_days: int = 0
    covered_days: int | None = None
    missed_days: int | None = None
    remaining_missed_days: int | None = None
    is_reachable: bool | None = None
    is_adherent: bool | None = None
    projected_days: int | None = None
    best_possible_days: int | None = None
    covered_through_date: date | None = None
    refill_due_date: date | None = None
    days_late: int = 0
    last_impactable_date: date | None = None
    member_years: Fraction | None = None
    reasons: list[str] = field(default_factory=list)


def days(first: date, last: date) -> list[date]:
    """Every day from the first to the last, both included; none if the last is before the first."""
    found = []
    day = first
    while day <= last:
        found.append(day)
        day += DAY
    return found


def enrolled_days(history: History, year: int) -> set[date]:
    """Days of the year on which some span holds and the member lives."""
    found = set()
    for day in days(date(year, 1, 1), date(year, 12, 31)):
        alive = history.death is None or day <= history.death
        if alive and any(s.start <= day and (s.end is None or day <= s.end) for s in history.spans):
            found.add(day)
    return found


def episodes_of(enrolled: set[date]) -> list[list[date]]:
    """Unbroken runs of enrolled days."""
    runs: list[list[date]] = []
    for day in sorted(enrolled):
        if runs and runs[-1][-1] + DAY == day:
            runs[-1].append(day)
        else:
            runs.append([day])
    return runs


def stay_days(history: History, as_of: date) -> set[date]:
    """Days spent in a facility, as known on the as-of date."""
    return {d for s in history.stays if s.admission <= as_of for d in days(s.admission, min(s.discharge, as_of))}


def is_usable(fill: Fill) -> bool:
    """Whether the fill says for how many days it lasts."""
    return fill.days_supply is not None and 1 <= fill.days_supply <= 365


def supplied_days(fills: list[Fill], min_ingredients: int) -> set[date]:
    """Days with supply of so many ingredients: a fill waits for every ingredient that it shares (variant C)."""
    supplied: dict[date, set[str]] = {}
    free: dict[str, date] = {}
    for fill in sorted(fills, key=lambda f: (f.day, f.claim_id)):
        if not is_usable(fill):
            continue
        day = max([fill.day, *(free[i] for i in fill.ingredients if i in free)])
        for _ in range(fill.days_supply):
            supplied.setdefault(day, set()).update(fill.ingredients)
            day += DAY
        for ingredient in fill.ingredients:
            free[ingredient] = day
    return {day for day, ingredients in supplied.items() if len(ingredients) >= min_ingredients}


def without_stays(covered: set[date], stays: set[date], last: date) -> set[date]:
    """Covered days once each day met in a stay has moved to the first uncovered day after it, if there is one."""
    at_home = covered - stays
    for stranded in sorted(covered & stays):
        for day in days(stranded, last):
            if day not in stays and day not in at_home:
                at_home.add(day)
                break
    return at_home


def measure(history: History, as_of: date, rules: Rules = CMS) -> Result | None:
    """The member's row, or None where there is none or where the page says nothing (never enrolled in the year)."""
    year = as_of.year
    in_year = [f for f in history.fills if date(year, 1, 1) <= f.day <= as_of]
    class_fills = [f for f in in_year if not f.is_excluding]
    enrolled = enrolled_days(history, year)
    if not class_fills or not enrolled:
        return None
    if year >= 2024:
        return period(history, as_of, class_fills, max(enrolled), enrolled, rules)
    # Member-years: each episode is judged for itself; the row is the one that holds the last class fill.
    row, months = None, 0
    for run in episodes_of(enrolled):
        own = [f for f in class_fills if f.day in run]
        if not own:
            continue
        result = period(history, as_of, own, run[-1], enrolled, rules)
        if result.exclusion_reason is None:
            months += len({d.month for d in run})
        if max(class_fills, key=lambda f: f.day).day in run:
            row = result
    if row is not None:
        row.member_years = Fraction(min(months, 12), 12)
    return row


def period(history: History, as_of: date, fills: list[Fill], end: date, enrolled: set[date], rules: Rules) -> Result:
    """Judge one treatment period, from the first of the fills to the end."""
    year = as_of.year
    result = Result(index_date=min(f.day for f in fills), treatment_end_date=end)
    start = result.index_date
    treatment = days(start, end)
    counted = [f for f in fills if start <= f.day <= end]
    result.fill_date_count = len({f.day for f in counted})
    stays = stay_days(history, as_of) & set(treatment) if year <= 2025 else set()

    if date(history.birth.year + MIN_AGE, 1, 1) > date(year, 1, 1) or (
        history.birth.year + MIN_AGE == year and (history.birth.month, history.birth.day) > (1, 1)
    ):
        result.reasons.append("under_18")
    if result.fill_date_count < MIN_FILL_DATES:
        result.reasons.append("one_fill_date")
    if len(treatment) < MIN_TREATMENT_DAYS:
        result.reasons.append("short_treatment_period")
    if start not in enrolled or any(d not in enrolled for d in treatment):
        result.reasons.append("enrollment_gap")
    if any(
        s.is_hospice and s.start <= date(year, 12, 31) and (s.end or date.max) >= date(year, 1, 1)
        for s in history.spans
    ):
        result.reasons.append("hospice")
    window = treatment if year >= 2024 else days(date(year, 1, 1), as_of)
    if any(f.is_excluding and f.day in window and f.day <= as_of for f in history.fills):
        result.reasons.append("insulin")
    if treatment and set(treatment) <= stays:
        result.reasons.append("stay_spans_treatment_period")
    if rules.min_supplied_days and sum(f.days_supply for f in counted if is_usable(f)) < rules.min_supplied_days:
        result.reasons.append("low_supplied_days")
    if rules.min_span_days and not any((f.day - start).days >= rules.min_span_days for f in counted):
        result.reasons.append("short_span")
    dates: dict[str, set[date]] = {}
    for fill in counted:
        for ingredient in fill.ingredients:
            dates.setdefault(ingredient, set()).add(fill.day)
    if rules.min_ingredients > 1 and len([i for i in dates if len(dates[i]) > 1]) < rules.min_ingredients:
        result.reasons.append("few_ingredients")
    result.exclusion_reason = ";".join(result.reasons) or None

    home = [d for d in treatment if d not in stays]
    result.full_treatment_days = len(home)
    result.treatment_days = len([d for d in home if d <= as_of])
    result.allowed_missed_days = max(k for k in range(len(home) + 1) if len(home) - k >= rules.threshold * len(home))
    # Without a usable supply, or without a day at home, nothing can be said of coverage.
    if not home or not any(is_usable(f) for f in counted):
        return result

    covered = without_stays(supplied_days(counted, rules.min_ingredients), stays, end) & set(home)
    over = [d for d in home if d < as_of]
    result.covered_days = len([d for d in covered if d <= as_of])
    if result.treatment_days > 0:
        result.is_adherent = result.covered_days >= rules.threshold * result.treatment_days
    result.missed_days = len([d for d in over if d not in covered])
    result.remaining_missed_days = result.allowed_missed_days - result.missed_days
    result.is_reachable = result.remaining_missed_days >= 0
    result.projected_days = len(covered)
    result.best_possible_days = len([d for d in over if d in covered]) + len([d for d in home if d >= as_of])

    # Unbroken coverage from the as-of date on, or from the first day at home after it; else the last day covered before.
    through = max((d for d in covered if d < as_of), default=None)
    for day in [d for d in home if d >= as_of]:
        if day not in covered:
            break
        through = day
    result.covered_through_date = through
    calendar = home + days(end + DAY, end + 400 * DAY)
    due = min(d for d in calendar if through is None or d > through)
    result.refill_due_date = due
    result.days_late = 0 if as_of > end else max(0, (as_of - due).days + 1)
    uncovered_before = len([d for d in home if d < due and d not in covered])
    result.last_impactable_date = calendar[calendar.index(due) + result.allowed_missed_days - uncovered_before]
    return result
