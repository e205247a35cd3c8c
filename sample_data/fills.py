"""Fills: courses of treatment (member x therapy) unrolled into dispensings, by column and by fill ordinal.

Grain of a course: one member and therapy. Grain of a fill: one dispensing that really happened; what goes wrong with
its claim afterwards is in `fill_claims.py`. Days supply in days, `ordinal` from 0 within the course.
"""

import numpy as np
import polars as pl

from sample_data.calendar import FIRST, HERE, LAST, NONE
from sample_data.draw import Booleans, Draw, Integers
from sample_data.drugs import MANUFACTURERS, Drugs
from sample_data.members import Members
from sample_data.pregnancy_fills import NEVER, pregnancy_courses
from sample_data.sites import Pharmacies, Providers
from sample_data.stories import Stories

MOST_FILLS = 28
COURSES = 64
"""More than there are therapies; a course is member number * COURSES + therapy, those of pregnancy from 30 on."""
STORY_COURSE = 60

LATE = np.array([[0, 1], [0, 4], [0, 24], [4, 75]])
"""Days late at each refill by grade, fewest and most; early refills come on top."""


def read_therapies() -> pl.DataFrame:
    """Read which therapy goes with which condition, and how long it lasts (0: to the end)."""
    return pl.read_csv(HERE / "therapies.csv").with_row_index("therapy_number")


def make_courses(members: Members, pregnancies: pl.DataFrame, drugs: Drugs, draw: Draw) -> dict[str, Integers]:
    """Make every random member's courses, as columns."""
    parts = []
    for therapy in read_therapies().iter_rows(named=True):
        condition = members.conditions.get(therapy["condition"] or "", members.story < 0)
        has = condition & draw.chance(f"treated {therapy['therapy']}", therapy["per_million"], members.n)
        member = np.flatnonzero(has)
        key = members.n[member] * COURSES + therapy["therapy_number"]
        low, high = members.first[member], np.maximum(members.first[member], members.last[member])
        short = therapy["maximum_days"] > 0
        positions, weights = drugs.of(therapy["therapy"])
        supply = np.array([30, 90, 100])[draw.choice("days supply", [56, 34, 10], key)]
        pens = drugs.product["product_class"].is_in(["insulin", "glp-1 receptor agonist", "tnf inhibitor"]).to_numpy()
        product = positions[draw.choice("product", weights, key)].astype(np.int64)
        supply = np.where(short, 10 if therapy["therapy"] == "acute" else 30, np.where(pens[product], 28, supply))
        starts_late = draw.chance("starts late", 1_000_000 if short else 280_000, key)
        soon = np.minimum(low + draw.integer("first fill", 0, np.minimum(supply, 90) - 1, key), high)
        start = np.where(starts_late, draw.integer("start", low, high, key), soon)
        length = draw.integer("length", therapy["minimum_days"], max(therapy["maximum_days"], 1), key)
        stops = draw.chance("stops", 140_000, key)
        stop = np.where(short, start + length, np.where(stops, draw.integer("stop", start, high, key), NEVER + LAST))
        once = draw.chance("only once", 0 if short else 35_000, key)
        parts.append({
            "member": member, "key": key, "start": start,
            "stop": np.where(once, start, np.minimum(stop, high)),
            "product": product,
            "product_2": positions[draw.choice("second product", weights, key)].astype(np.int64),
            "switch": np.where(draw.chance("switches", 90_000, key), draw.integer("switch at", 2, 9, key), NEVER),
            "supply": supply,
        })  # fmt: skip
    parts += pregnancy_courses(members, pregnancies, drugs, draw, COURSES)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def make_fills(
    members: Members, courses: dict[str, Integers], pharmacies: Pharmacies, providers: Providers, draw: Draw
) -> pl.DataFrame:
    """Unroll courses into the dispensings of random members: one row each, sorted by member, course, ordinal."""
    member, key = courses["member"], courses["key"]
    ordinal = np.arange(MOST_FILLS)
    grade = members.grade[member]
    converts = draw.chance("converts", 60_000, key) & (courses["supply"] == 30)
    from_here = np.where(converts, draw.integer("converts at", 3, 8, key), NEVER)
    supply = np.where(ordinal >= from_here[:, None], 90, courses["supply"][:, None])
    bounds = LATE[grade]
    late = draw.integer("late", bounds[:, :1], bounds[:, 1:], key[:, None], ordinal)
    pause = draw.chance("pause", np.array([4_000, 10_000, 25_000, 40_000])[grade][:, None], key[:, None], ordinal)
    late += np.where(pause, draw.integer("pause days", 30, 120, key[:, None], ordinal), 0)
    early = np.where(ordinal > 0, draw.integer("early", 0, 5, key[:, None], ordinal), 0)
    step = supply + late
    day = courses["start"][:, None] + np.cumsum(step, axis=1) - step - np.minimum(early, supply // 4)
    kept = (day <= courses["stop"][:, None]) & (day <= LAST) & (day >= FIRST)
    row, k = np.nonzero(kept)
    day = day[row, k]
    enrolled = members.covered(member[row], day)
    row, k, day = row[enrolled], k[enrolled], day[enrolled]
    supply = supply[row, k]
    switched = k >= courses["switch"][row]
    product = np.where(switched, courses["product_2"][row], courses["product"][row])
    maker_key = key[row]
    maker = draw.integer("manufacturer", 0, MANUFACTURERS - 1, maker_key)
    changes = draw.chance("manufacturer changes", 150_000, maker_key) & (
        k >= draw.integer("changes at", 1, 8, maker_key)
    )
    since = np.where(switched, k - courses["switch"][row], k)
    refills = np.where(supply >= 90, 3, np.where(supply >= 28, 5, 0))
    script = np.where(switched, 32, 0) + since // (refills + 1)
    who = member[row]
    by_mail = (supply == 100) & draw.chance("uses mail", 800_000, members.n[who])
    frame = pl.DataFrame({
        "n": members.n[who], "course": key[row] % COURSES, "ordinal": k, "day": day, "supply": supply,
        "package": product * MANUFACTURERS + (maker + changes) % MANUFACTURERS,
        "product": product, "units": units(product, supply),
        "script": (key[row] * 64 + script), "fill_number": since % (refills + 1), "refills": refills,
        "pharmacy": choose_pharmacy(members, who, day, by_mail, key[row] * 64 + k, pharmacies, draw),
        "prescriber": providers.primary_care[members.area[who], draw.integer("prescriber", 0, 63, members.n[who])],
    })  # fmt: skip
    return frame.with_columns(event=pl.lit(None, pl.String), story=pl.lit(False)).sort("n", "course", "ordinal")


def units(product: Integers, supply: Integers) -> Integers:
    """Count the quantity dispensed: one a day or two, by product."""
    return supply * (1 + product % 2)


def choose_pharmacy(
    members: Members,
    who: Integers,
    day: Integers,
    by_mail: Booleans,
    fill: Integers,
    pharmacies: Pharmacies,
    draw: Draw,
) -> Integers:
    """Choose the home pharmacy mostly, for some members a second one now and then; another once it has closed."""
    number = members.n[who]
    home = draw.choice("home pharmacy", [62, 26, 12], number)
    wanders = draw.chance("wanders", 220_000, number) & draw.chance("this time elsewhere", 300_000, fill)
    near = pharmacies.nearest[members.zcta[who]]
    place = np.where(wanders, (home + 1) % near.shape[1], home)
    at = near[np.arange(len(who)), place]
    gone = (pharmacies.closed[at] != NONE) & (pharmacies.closed[at] <= day)
    other = near[np.arange(len(who)), (place + 1) % near.shape[1]]
    at = np.where(gone, other, at)
    mail = pharmacies.mail[draw.integer("mail pharmacy", 0, len(pharmacies.mail) - 1, number)]
    if len(pharmacies.ltc):
        facility = pharmacies.ltc[draw.integer("ltc pharmacy", 0, len(pharmacies.ltc) - 1, number)]
        resident = (members.age(LAST)[who] >= 80) & draw.chance("institution", 40_000, number)
        at = np.where(resident, facility, at)
    return np.where(by_mail, mail, at)


def story_fills(
    members: Members, stories: Stories, drugs: Drugs, pharmacies: Pharmacies, providers: Providers, draw: Draw
) -> pl.DataFrame:
    """Make the dispensings of `story_fill.csv` for every teller; each is its own prescription."""
    told = stories.told(stories.fill, members.n)
    number = told["n"].to_numpy().astype(np.int64)
    who = np.searchsorted(members.n, number)
    product = told["product"].replace_strict(
        drugs.product["product"].to_list(), drugs.product["position"].to_list(), return_dtype=pl.Int64
    )
    row = told["row"].to_numpy().astype(np.int64)
    day = told["date"].cast(pl.Int32).to_numpy().astype(np.int64)
    supply = told["days_supply"].to_numpy()
    key = (number * COURSES + STORY_COURSE) * 64
    mail = told["event"].fill_null("").to_numpy() == "mail"
    at = choose_pharmacy(members, who, day, mail, key, pharmacies, draw)
    return pl.DataFrame({
        "n": number, "course": np.full(len(who), STORY_COURSE), "ordinal": row % 100, "day": day, "supply": supply,
        "package": product.to_numpy() * MANUFACTURERS + told["manufacturer"].to_numpy(),
        "product": product.to_numpy(), "units": units(product.to_numpy(), supply),
        "script": key + row % 64, "fill_number": np.zeros(len(who), np.int64), "refills": np.zeros(len(who), np.int64),
        "pharmacy": at,
        "prescriber": providers.primary_care[members.area[who], draw.integer("prescriber", 0, 63, number)],
    }).with_columns(event=told["event"].replace("mail", None), story=pl.lit(True))  # fmt: skip


def course_truth(fills: pl.DataFrame, drugs: Drugs) -> pl.DataFrame:
    """Note switches, combination starts, only fills, insulin and sacubitril/valsartan of random members."""
    names = drugs.product.select(
        product=pl.col("position").cast(pl.Int64), therapy="therapy", ingredients="ingredients"
    )
    known = fills.filter(~pl.col("story")).join(names, on="product", how="left").sort("n", "course", "ordinal")
    of_measure = known.filter(pl.col("therapy").is_in(["diabetes", "ras", "statin"]))
    changed = of_measure.with_columns(before=pl.col("ingredients").shift(1).over("n", "course")).filter(
        pl.col("before").is_not_null() & (pl.col("before") != pl.col("ingredients"))
    )
    day = pl.col("day").cast(pl.Int32).cast(pl.Date).cast(pl.String)
    one = (
        of_measure.group_by("n", "therapy")
        .agg(pl.col("day").min(), pl.len().alias("fills"))
        .filter(pl.col("fills") == 1)
    )
    kinds = [
        changed.select("n", fact=pl.lit("planted_switch"), subject="therapy", value=day),
        changed.filter(pl.col("ingredients").str.contains(";")).select(
            "n", fact=pl.lit("planted_combination"), subject="therapy", value=day
        ),
        one.select("n", fact=pl.lit("planted_first_fill_only"), subject="therapy", value=day),
        *(
            known.filter(pl.col("therapy") == therapy)
            .group_by("n")
            .agg(pl.col("day").min())
            .select("n", fact=pl.lit(fact), subject=pl.lit("pharmacy_claim"), value=day)
            for therapy, fact in (("insulin", "planted_insulin"), ("arni", "planted_sacubitril_valsartan"))
        ),
    ]
    return pl.concat(kinds)
