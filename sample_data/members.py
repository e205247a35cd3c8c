"""Members: who they are, when they are enrolled, what they live with. One position per member of a batch.

Nothing here depends on how many members there are; only the choice of a pharmacy later does.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from sample_data.areas import Areas
from sample_data.calendar import FIRST, LAST, MONTHS, NONE, dates, texts
from sample_data.calendar import day as day_of
from sample_data.draw import Booleans, Draw, Integers
from sample_data.sites import phones
from sample_data.stories import Stories

MEDICARE, MEDICAID, COMMERCIAL = 0, 1, 2
PAYER_TYPES = ["medicare", "medicaid", "commercial"]
PAYERS = ["Sample Medicare Plan", "Sample Medicaid Plan", "Sample Commercial Plan"]
PLANS = [
    "SAMPLE-MAPD-1",
    "SAMPLE-MAPD-2",
    "SAMPLE-PDP-1",
    "SAMPLE-MCO-1",
    "SAMPLE-MCO-2",
    "SAMPLE-PPO-1",
    "SAMPLE-HMO-1",
]

RACES = ["white", "black or african american", "asian", "american indian or alaska native", "other race"]

AGE_BANDS = np.array([0, 18, 30, 45, 55, 65, 70, 75, 80, 85, 96])
AGE_WEIGHTS = np.array(
    [[0, 1, 2, 4, 6, 26, 25, 18, 11, 7], [10, 25, 28, 20, 17, 0, 0, 0, 0, 0], [9, 24, 32, 20, 15, 0, 0, 0, 0, 0]]
)
"""Of each payer type, by band (first age to next band's first age)."""

CONDITIONS = {
    # diagnosis, per million aged 65 and over, per million aged 18 to 64
    "diabetes": ("E11.9", 290_000, 110_000),
    "hypertension": ("I10", 660_000, 230_000),
    "hyperlipidaemia": ("E78.5", 620_000, 220_000),
    "hypothyroidism": ("E03.9", 200_000, 70_000),
    "reflux": ("K21.9", 260_000, 110_000),
    "asthma": ("J45.909", 80_000, 90_000),
    "copd": ("J44.9", 110_000, 15_000),
    "depression": ("F32.9", 150_000, 130_000),
    "fibrillation": ("I48.91", 110_000, 6_000),
    "heart_failure": ("I50.22", 90_000, 8_000),
    "esrd": ("N18.6", 7_000, 1_200),
    "rheumatoid": ("M06.9", 16_000, 7_000),
    "sclerosis": ("G35", 2_000, 3_000),
    "hiv": ("B20", 3_000, 5_000),
    "pain": ("M54.50", 160_000, 80_000),
    "anxiety": ("F41.1", 70_000, 70_000),
    "bladder": ("N32.81", 90_000, 12_000),
}
AFTER_DIABETES = {"hypertension": 150_000, "hyperlipidaemia": 180_000}
"""Added per million where there is diabetes."""

YEAR_START = day_of(date(2026, 1, 1))
GRADES = [560_000, 190_000, 140_000]
"""Members who refill on time, a little late, often late, per million; the rest hardly keep up."""


@dataclass(frozen=True)
class Members:
    """A batch: `n` is the member number from 1; all dates are day numbers, `NONE` when there is none."""

    n: Integers
    story: Integers
    payer: Integers
    birth: Integers
    female: Booleans
    zcta: Integers
    area: Integers
    start: Integers
    end: Integers
    start_2: Integers
    end_2: Integers
    death: Integers
    hospice: Booleans
    dual: Integers
    low_income: Booleans
    grade: Integers
    conditions: dict[str, Booleans]

    @property
    def first(self) -> Integers:
        """The first day with claims."""
        return np.maximum(FIRST, self.start)

    @property
    def last(self) -> Integers:
        """The last day with claims."""
        end = np.where(self.start_2 != NONE, self.end_2, self.end)
        end = np.where(end == NONE, LAST, np.minimum(end, LAST))
        return np.where(self.death == NONE, end, np.minimum(end, self.death))

    @property
    def hospice_from(self) -> Integers:
        """The first day in hospice."""
        return np.where(self.hospice, self.start_2, NONE)

    def covered(self, member: Integers, day: Integers) -> Booleans:
        """Whether members (positions) are enrolled and alive on days."""
        within = (day >= self.start[member]) & (day <= self.last[member])
        hole = (self.start_2[member] != NONE) & (day > self.end[member]) & (day < self.start_2[member])
        return within & ~hole

    def age(self, day: int) -> Integers:
        """Whole years, near enough for choosing what a member has."""
        return (day - self.birth) * 100 // 36_525


def make_members(number: Integers, areas: Areas, stories: Stories, draw: Draw) -> Members:
    """Make the members of these numbers."""
    story = stories.told_by(number)
    told = story >= 0
    as_told = np.maximum(story, 0)

    def tell(column: str, random: Integers) -> Integers:
        return np.where(told, stories.days(column)[as_told], random)

    types = np.array([PAYER_TYPES.index(p) for p in stories.who["payer_type"]])
    payer = np.where(told, types[as_told], draw.choice("payer", [58, 18, 24], number))
    random_band = np.select(
        [payer == p for p in range(3)], [draw.choice(f"age {p}", AGE_WEIGHTS[p], number) for p in range(3)]
    )
    years = draw.integer("birth day", AGE_BANDS[random_band] * 1461, AGE_BANDS[random_band + 1] * 1461 - 1, number)
    birth = tell("birth_date", day_of(date(2025, 1, 1)) - years // 4 - 1)
    female = np.where(
        told, (stories.who["gender"] == "female").to_numpy()[as_told], draw.chance("female", 540_000, number)
    )
    start, end, start_2, end_2 = (
        tell(name, column)
        for name, column in zip(("start_1", "end_1", "start_2", "end_2"), spans(number, draw), strict=True)
    )
    age = (LAST - birth) * 100 // 36_525
    dies = draw.chance("dies", np.select([age >= 85, age >= 75, age >= 65], [90_000, 40_000, 16_000], 2_000), number)
    dying = draw.integer("death day", FIRST + 60, LAST - 5, number)
    dies &= (start_2 == NONE) & (end == NONE) & (dying > start + 30)
    death = tell("death_date", np.where(dies, dying, NONE))
    end = np.where(
        dies & ~told, MONTHS[np.minimum(np.searchsorted(MONTHS, dying, side="right"), len(MONTHS) - 1)] - 1, end
    )
    hospice_told = (stories.who["hospice_2"] == 1).to_numpy()[as_told]
    enters = draw.chance("hospice", 9_000, number) & (age >= 65) & ~told & (end == NONE) & (start < MONTHS[3])
    entered = MONTHS[draw.integer("hospice month", 6, 23, number)]
    end = np.where(enters, entered - 1, end)
    start_2 = np.where(enters, entered, start_2)
    poor = (payer == MEDICARE) & draw.chance("dual", 170_000, number) & ~told
    home = [-1 if z is None else areas.zcta["zcta"].to_list().index(z) for z in stories.who["zip_code"]]
    home = np.array(home)[as_told]
    zcta = np.where(told & (home >= 0), home, areas.pick(draw, "home", number))
    members = Members(
        number, story, payer, birth, female, zcta, areas.zcta["area"].to_numpy()[zcta].astype(np.int64),
        start, end, start_2, end_2, death, np.where(told, hospice_told, enters),
        np.where(poor, draw.choice("dual code", [50, 20, 15, 15], number), -1),
        poor | ((payer == MEDICARE) & draw.chance("lis", 60_000, number) & ~told),
        np.searchsorted(np.cumsum(GRADES), draw.integer("grade", 0, 999_999, number), side="right"),
        {},
    )  # fmt: skip
    members.conditions.update(make_conditions(members, draw))
    return members


def spans(number: Integers, draw: Draw) -> tuple[Integers, Integers, Integers, Integers]:
    """Draw the enrolment of random members: one open span, two adjoining years, a late start, an end, or a hole."""
    none = np.full(len(number), NONE)
    pattern = draw.choice("enrolment pattern", [59, 22, 8, 6, 1, 4], number)
    renewed, late, left, day_hole, month_hole = (pattern == p for p in range(1, 6))
    month = draw.integer("enrolment month", 2, 19, number)
    start = np.where(late, MONTHS[month], MONTHS[0] - draw.integer("enrolled before", 0, 2000, number))
    end = np.select([left | day_hole | month_hole, renewed], [MONTHS[month] - 1, YEAR_START - 1], none)
    months_out = draw.integer("months out", 1, 4, number)
    start_2 = np.select([renewed, day_hole, month_hole], [end + 1, end + 2, MONTHS[month + months_out]], none)
    return start, end, start_2, none.copy()


def make_conditions(members: Members, draw: Draw) -> dict[str, Booleans]:
    """Draw what each member lives with; story members and children have nothing of their own."""
    adult = (members.age(FIRST) >= 18) & (members.story < 0)
    old = members.age(FIRST) >= 65
    found: dict[str, Booleans] = {}
    for name, (_, senior, younger) in CONDITIONS.items():
        rate = np.where(old, senior, younger)
        if name in AFTER_DIABETES:
            rate = rate + AFTER_DIABETES[name] * found["diabetes"]
        found[name] = adult & draw.chance(name, rate, members.n)
    return found


def person_id(number: pl.Expr) -> pl.Expr:
    """Write SYN0000001 and so on."""
    return pl.concat_str(pl.lit("SYN"), number.cast(pl.String).str.zfill(7))


def eligibility_table(members: Members, areas: Areas, draw: Draw) -> pl.DataFrame:
    """Make the input table `eligibility`: one row per member and enrolment span."""
    number = members.n
    place = areas.zcta[members.zcta]
    has_phone = draw.chance("has phone", 930_000, number)
    speaks = draw.choice("language", [820, 120, 15, 15, 10, 10, 10], number)
    frame = pl.DataFrame({"n": number}).with_columns(
        person_id=person_id(pl.col("n")),
        member_id=pl.concat_str(pl.lit("M"), pl.col("n").cast(pl.String).str.zfill(7)),
        subscriber_id=pl.concat_str(pl.lit("S"), pl.col("n").cast(pl.String).str.zfill(7)),
        gender=texts("g", ["male", "female"], members.female.astype(np.int64)),
        race=texts("r", RACES,
                   draw.choice("race", [62, 18, 8, 3, 9], number) - 100 * draw.chance("race unknown", 200_000, number)),
        birth_date=dates("b", members.birth),
        death_date=dates("d", members.death),
        payer=texts("p", PAYERS, members.payer),
        payer_type=texts("t", PAYER_TYPES, members.payer),
        plan=texts("l", PLANS, np.select([members.payer == MEDICARE, members.payer == MEDICAID], [
            draw.choice("plan", [45, 25, 30], number), draw.choice("plan", [60, 40], number) + 3],
            draw.choice("plan", [60, 40], number) + 5)),
        first_name=pl.lit("Sample"),
        last_name=pl.format("Member-{}", pl.col("n").cast(pl.String).str.zfill(7)),
        address=pl.format("{} Example Street", pl.Series(draw.integer("street", 1, 9999, number))),
        city=place["city"],
        state=place["state"],
        zip_code=place["zcta"],
        phone=pl.when(pl.Series(has_phone)).then(phones(draw, "phone", number)),
        language=texts("l", ["en", "es", "zh", "vi", "ko", "ru", "ht"], speaks),
        dual_status_code=texts("d", ["02", "04", "08", "01"], members.dual),
        low_income_subsidy_indicator=pl.Series(members.low_income),
        medicaid_indicator=pl.Series((members.payer == MEDICAID) | (members.dual >= 0)),
        esrd_status=pl.Series(members.conditions["esrd"]),
        long_term_institutional_flag=pl.Series((members.age(LAST) >= 80) & (members.story < 0)
                                               & draw.chance("institution", 40_000, number)),
        mtm_opt_out=pl.Series(draw.chance("mtm opt out", 8_000, number)),
        is_drug_management=pl.Series(draw.chance("drug management", 2_000, number)),
    )  # fmt: skip
    none = np.full(len(number), NONE)
    first = frame.with_columns(
        dates("enrollment_start_date", members.start),
        dates("enrollment_end_date", members.end),
        hospice_flag=pl.lit(False),
    )
    second = frame.with_columns(
        dates("enrollment_start_date", members.start_2),
        dates("enrollment_end_date", np.where(members.start_2 == NONE, none, members.end_2)),
        hospice_flag=pl.Series(members.hospice),
    ).filter(pl.col("enrollment_start_date").is_not_null())
    bad = frame.with_columns(  # a second row that cannot be used: no start date
        pl.lit(None, pl.Date).alias("enrollment_start_date"),
        pl.lit(None, pl.Date).alias("enrollment_end_date"),
        hospice_flag=pl.lit(False),
    ).filter(pl.Series(draw.chance("bad eligibility row", 1_500, number) & (members.story < 0)))
    return pl.concat([first, second, bad]).sort("n", "enrollment_start_date", nulls_last=True).drop("n")


def member_truth(members: Members, draw: Draw) -> pl.DataFrame:
    """Note deaths, holes, disenrolments, hospice, ESRD and bad rows of random members."""
    random = members.story < 0
    hole = random & (members.start_2 != NONE) & (members.start_2 > members.end + 1)
    left = random & (members.end != NONE) & (members.start_2 == NONE) & (members.death == NONE)
    bad = draw.chance("bad eligibility row", 1_500, members.n) & random

    def rows(who: Booleans, fact: str, subject: Integers | str, value: Integers | str) -> pl.DataFrame:
        def column(given: Integers | str) -> pl.Expr | pl.Series:
            return pl.lit(given) if isinstance(given, str) else dates("day", given[who]).cast(pl.String)

        return pl.DataFrame({"n": members.n[who]}).select(
            "n", fact=pl.lit(fact), subject=column(subject), value=column(value)
        )

    holes = pl.DataFrame({"n": members.n[hole], "days": (members.start_2 - members.end - 1)[hole]}).select(
        "n",
        fact=pl.lit("planted_enrollment_gap"),
        subject=dates("day", members.end[hole] + 1).cast(pl.String),
        value=pl.col("days").cast(pl.String),
    )
    return pl.concat([
        holes,
        rows(random & (members.death != NONE), "planted_death", "", members.death),
        rows(left, "planted_disenrollment", "", members.end),
        rows(random & members.hospice, "planted_hospice", "eligibility", members.start_2),
        rows(random & members.conditions["esrd"], "planted_esrd", "eligibility", members.start),
        rows(bad, "planted_bad_row", "eligibility", "missing_enrollment_start_date"),
    ])  # fmt: skip
