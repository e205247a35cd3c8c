"""The community directory: a few services in every area, of which some are stale, some speak Spanish, some have no place.

Every state has one line by telephone; every area has a food bank that was confirmed of late.
"""

import numpy as np
import polars as pl

from sample_data.areas import Areas
from sample_data.calendar import LAST, dates
from sample_data.draw import Draw

SERVICES = {
    "food-insecurity": "Food Bank",
    "transportation-insecurity": "Ride Programme",
    "utility-insecurity": "Bill Help",
    "homelessness": "Shelter",
    "housing-instability": "Rent Help",
    "diaper-bank": "Diaper Bank",
}
BY_TELEPHONE = "sdoh-category-unspecified"
YEAR = 365


def community_services(areas: Areas, draw: Draw) -> pl.DataFrame:
    """Make the input table `community_service`: one row per service and the need that it serves."""
    names = list(SERVICES)
    count = len(areas.area) * len(names)
    number = np.arange(count)
    area, kind = number // len(names), number % len(names)
    place = areas.zcta[areas.pick_in(area, draw, "service zcta", number)]
    is_stale = (kind > 0) & draw.chance("service is stale", 250_000, number)
    age = draw.integer("service age", 10, YEAR - 10, number) + YEAR * is_stale
    placed = pl.DataFrame({"number": number + 1}).select(
        service_id=pl.format("SVC{}", pl.col("number").cast(pl.String).str.zfill(5)),
        category=pl.Series([names[k] for k in kind]),
        organization_name=pl.format("Sample {} Community Services", place["city"]),
        name=pl.Series([SERVICES[names[k]] for k in kind]),
        zip_code=place["zcta"],
        state=place["state"],
        phone=pl.format("99955501{}", pl.Series(number % 100).cast(pl.String).str.zfill(2)),
        languages=pl.when(pl.Series(draw.chance("service in spanish", 400_000, number)))
        .then(pl.lit("en;es"))
        .otherwise(pl.lit("en")),
        assured_date=dates("assured_date", LAST - age),
    )
    states = areas.area.select("state").unique().sort("state")["state"]
    lines = pl.DataFrame({"state": states}).select(
        service_id=pl.format("LINE-{}", "state"),
        category=pl.lit(BY_TELEPHONE),
        organization_name=pl.format("Sample Help Line {}", "state"),
        name=pl.lit("Information and referral"),
        zip_code=pl.lit(None, pl.String),
        state="state",
        phone=pl.lit("9995550100"),
        languages=pl.lit("en;es;vi;zh"),
        assured_date=dates("assured_date", np.full(len(states), LAST - 30)),
    )
    return pl.concat([placed, lines]).sort("service_id")
