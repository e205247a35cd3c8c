"""Story members: the same few lives told again and again among the random ones, with answers worked out by hand.

Member number n tells story n modulo STORY_EVERY where there is one. Stories are five readable files: `story.csv` (who),
`story_fill.csv` and `story_visit.csv` (what is claimed), `story_notice.csv` (discharges of which the plan is told),
`story_truth.csv` (what must come out on LAST_DATE).
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from sample_data.calendar import HERE, NONE
from sample_data.draw import Integers

STORY_EVERY = 800
STORY_CLAIM = 230
"""The sequence of a story's medical claims is this and the number of the visit."""


@dataclass(frozen=True)
class Stories:
    """The files; a story's position in `who` is its number."""

    who: pl.DataFrame
    fill: pl.DataFrame
    visit: pl.DataFrame
    notice: pl.DataFrame
    truth: pl.DataFrame

    def told_by(self, number: Integers) -> Integers:
        """Find the story of each member number, or -1."""
        story = number % STORY_EVERY - 1
        return np.where((story >= 0) & (story < len(self.who)), story, -1)

    def days(self, column: str) -> Integers:
        """Read a date column of `who` as day numbers."""
        return self.who[column].cast(pl.Int32).fill_null(NONE).to_numpy().astype(np.int64)

    def told(self, rows: pl.DataFrame, number: Integers) -> pl.DataFrame:
        """Repeat rows of a story file for every member that tells it, `n` being the member number."""
        tellers = pl.DataFrame({"n": number, "teller": self.told_by(number)}).filter(pl.col("teller") >= 0)
        return tellers.join(rows, left_on="teller", right_on="story_number", how="inner").sort("n", "row")


def read_stories() -> Stories:
    """Read the story files."""
    who = pl.read_csv(
        HERE / "story.csv", try_parse_dates=True, schema_overrides={"death_date": pl.Date, "zip_code": pl.String}
    )
    number = who.select("story").with_row_index("story_number").cast({"story_number": pl.Int64})

    def of_stories(name: str) -> pl.DataFrame:
        text = {"value": pl.String, "subject": pl.String, "disposition": pl.String, "event": pl.String}
        rows = pl.read_csv(HERE / name, schema_overrides=text, try_parse_dates=True).with_row_index("row")
        return rows.join(number, on="story", how="left", validate="m:1")

    return Stories(who, *(of_stories(f"story_{name}.csv") for name in ("fill", "visit", "notice", "truth")))
