"""Write a sample: the input tables of the `tuva` layout and, beside them, `truth.csv` (what was planted, for whom).

Members are made in batches of fixed size and written in their order, so memory does not grow with the number of
members. Up to ONE_FILE members a claims table is one file, above it a folder of parts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from sample_data.areas import Areas, read_areas, zcta_table
from sample_data.claim_frame import claim_id
from sample_data.directory import community_services
from sample_data.draw import Draw
from sample_data.drugs import Drugs, drug_table, read_drugs
from sample_data.encounters import discharge_notices, make_encounters, stay_truth
from sample_data.fill_claims import make_fill_claims
from sample_data.fills import course_truth, make_courses, make_fills, story_fills
from sample_data.maternity_truth import maternity_truth
from sample_data.medical_claims import make_medical_claims
from sample_data.members import eligibility_table, make_members, member_truth, person_id
from sample_data.pregnancies import make_pregnancies, pregnancy_truth
from sample_data.sites import (
    Pharmacies,
    Providers,
    make_pharmacies,
    make_providers,
    other_pharmacies,
    other_providers,
)
from sample_data.stories import STORY_CLAIM, Stories, read_stories

BATCH = 20_000
ONE_FILE = 100_000
ROW_GROUP = 100_000
SMALL = ("member_preference", "discharge_notice", "truth")
"""Written as CSV; the other tables as Parquet."""


@dataclass(frozen=True)
class World:
    """What all members share."""

    areas: Areas
    drugs: Drugs
    pharmacies: Pharmacies
    providers: Providers
    stories: Stories
    draw: Draw


def generate(members: int, seed: int, output: Path) -> None:
    """Write the input of `members` synthetic members below `output`; the same arguments give the same bytes."""
    if members < 1:
        raise ValueError(f"members: {members}; at least 1 is needed")
    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    draw = Draw(seed)
    areas = read_areas(draw)
    world = World(
        areas,
        read_drugs(),
        make_pharmacies(members, areas, draw),
        make_providers(members, areas, draw),
        read_stories(),
        draw,
    )
    write(output / "pharmacy.parquet", [world.pharmacies.table, other_pharmacies(areas, draw)])
    write(output / "provider.parquet", [world.providers.table, other_providers(areas, draw)])
    write(output / "drug.parquet", [drug_table(world.drugs)])
    write(output / "zcta.parquet", [zcta_table(areas)])
    write(output / "community_service.parquet", [community_services(areas, draw)])
    small: dict[str, list[pl.DataFrame]] = {name: [] for name in SMALL}
    writers: dict[str, pq.ParquetWriter] = {}
    for part, tables in enumerate(batches(members, world)):
        for name in SMALL:
            small[name].append(tables.pop(name))
        for name, table in tables.items():
            if members > ONE_FILE:
                write(output / name / f"part-{part:04d}.parquet", [table])
            else:
                append(writers, output / f"{name}.parquet", table)
    for writer in writers.values():
        writer.close()
    for name, parts in small.items():
        pl.concat(parts).write_csv(output / f"{name}.csv", datetime_format="%Y-%m-%d %H:%M:%S")


def batches(members: int, world: World) -> Iterator[dict[str, pl.DataFrame]]:
    """Yield the tables of one batch of members after another."""
    for first in range(1, members + 1, BATCH):
        yield batch(np.arange(first, min(first + BATCH, members + 1), dtype=np.int64), world)


def batch(number: np.ndarray, world: World) -> dict[str, pl.DataFrame]:
    """Make the tables of the members with these numbers."""
    draw = world.draw
    people = make_members(number, world.areas, world.stories, draw)
    pregnancies = make_pregnancies(people, draw)
    courses = make_courses(people, pregnancies, world.drugs, draw)
    fills = pl.concat([
        make_fills(people, courses, world.pharmacies, world.providers, draw),
        story_fills(people, world.stories, world.drugs, world.pharmacies, world.providers, draw),
    ])  # fmt: skip
    fill_claims, fill_truth = make_fill_claims(fills, world.drugs, world.pharmacies, world.providers, draw)
    encounters = make_encounters(people, pregnancies, world.stories, draw)
    medical_claims, medical_truth = make_medical_claims(encounters, people, world.providers, draw)
    truth = [
        told_truth(number, world.stories), member_truth(people, draw), course_truth(fills, world.drugs),
        pregnancy_truth(people, pregnancies), maternity_truth(encounters, pregnancies), stay_truth(encounters), fill_truth, medical_truth,
    ]  # fmt: skip
    return {
        "eligibility": eligibility_table(people, world.areas, draw),
        "pharmacy_claim": fill_claims,
        "medical_claim": medical_claims,
        "member_preference": preference_table(number, draw),
        "discharge_notice": discharge_notices(encounters, people, world.stories, world.providers, draw),
        "truth": pl.concat(truth).sort("n", "fact", "subject", "value").select(
            person_id(pl.col("n")).alias("person_id"), "fact", "subject", "value"
        ),
    }  # fmt: skip


def told_truth(number: np.ndarray, stories: Stories) -> pl.DataFrame:
    """Repeat what `story_truth.csv` says, for every member that tells the story, and which story it is.

    `claim 3` there is the claim of the story's visit 3.
    """
    rows = stories.told(stories.truth, number).select(
        "n",
        "story",
        "fact",
        *(named_claim(pl.col(column).fill_null("")).alias(column) for column in ("subject", "value")),
    )
    names = pl.concat([rows.select("n", "story").unique(), rows.select("n", "story").clear()]).select(
        "n", fact=pl.lit("story"), subject="story", value=pl.lit("")
    )
    return pl.concat([rows.select("n", "fact", "subject", "value"), names])


def named_claim(text: pl.Expr) -> pl.Expr:
    """Put the claim id for `claim` and the number of a visit; leave other text alone."""
    visit = text.str.extract("^claim ([0-9]+)$").cast(pl.Int64)
    return pl.when(visit.is_null()).then(text).otherwise(claim_id(STORY_CLAIM + visit))


def preference_table(number: np.ndarray, draw: Draw) -> pl.DataFrame:
    """Make the input table `member_preference`: some 4 % of members, one row each."""
    chosen = number[draw.chance("has preference", 40_000, number)]
    kind = draw.choice("preference", [20, 25, 25, 30], chosen)
    return pl.DataFrame({"n": chosen, "kind": kind}).select(
        person_id(pl.col("n")).alias("person_id"),
        do_not_contact=(pl.col("kind") == 0).cast(pl.Int8),
        contact_block_reason=pl.when(pl.col("kind") == 0).then(pl.lit("member_request")),
        restricted_channels=pl.when(pl.col("kind") == 1).then(pl.lit("sms")),
        language=pl.when(pl.col("kind") == 2).then(pl.lit("es")),
        best_contact_time=pl.when(pl.col("kind") == 3).then(pl.lit("after 17:00")),
    )


def write(path: Path, tables: list[pl.DataFrame]) -> None:
    """Write one Parquet file."""
    writers: dict[str, pq.ParquetWriter] = {}
    for table in tables:
        append(writers, path, table)
    for writer in writers.values():
        writer.close()


def append(writers: dict[str, pq.ParquetWriter], path: Path, table: pl.DataFrame) -> None:
    """Add rows to a Parquet file, opened at its first rows; zstd bytes do not vary by CPU."""
    arrow = table.to_arrow()
    arrow = arrow.cast(pa.schema([field.with_type(plain(field.type)) for field in arrow.schema]))
    if str(path) not in writers:
        path.parent.mkdir(parents=True, exist_ok=True)
        writers[str(path)] = pq.ParquetWriter(path, arrow.schema, compression="zstd", compression_level=1)
    writers[str(path)].write_table(arrow, row_group_size=ROW_GROUP)


def plain(kind: pa.DataType) -> pa.DataType:
    """Choose Arrow's own text type instead of a view or a large one."""
    return pa.string() if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) else kind
