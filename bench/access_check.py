"""Set access to real pharmacies beside what is published: shares of the nation by distance, class and definition.

    python bench/access_check.py --from DIR            # print the page; DIR holds the downloads of `caregaps reference`
    python bench/access_check.py --from DIR --write    # and rewrite docs/access-check.md

Every step is the product's own: the reference tables, the door and the models of a night.
"""

from __future__ import annotations

import argparse
import tempfile
import textwrap
from dataclasses import dataclass
from pathlib import Path

import duckdb

from assets.engine import ingest, registry, warehouse
from assets.engine.contract import all_contracts
from assets.engine.families import all_models
from assets.engine.layout import read_layout
from assets.engine.model import ROOT
from assets.engine.reference_files.build import build_reference
from assets.engine.settings import read_settings
from bench.claims import needed
from bench.measuring import table

AS_OF = "2026-06-30"
PAGE = ROOT / "docs" / "access-check.md"
REFERENCE = ROOT.parent / "shared" / "data" / "reference"
REFERENCE_TABLES = ("pharmacy", "zcta", "zip_zcta", "adequacy_standard")
BUILT = ("facts.access", "facts.accessibility", "facts.keystone")
# What a mile as the crow flies is by road (Boscoe 2012: 1.417).
DETOUR = 1.4

# Berenbrok 2022: people within so many miles by road of 61,715 pharmacies.
BY_ROAD = {1: 0.481, 2: 0.731, 5: 0.889, 10: 0.965}
# 42 CFR 423.120(a)(1): miles, and the share that a plan must reach.
PART_D = {"urban": (2, 0.90), "suburban": (5, 0.90), "rural": (15, 0.70)}
# The same points measured once before, apart from this code.
PART_D_BEFORE = {"urban": 0.961, "suburban": 0.984, "rural": 0.961}
BIASES = (
    (
        "**A pharmacy stands at the point of its ZIP code**, since NPPES has no coordinates. People of that ZIP code are 0 "
        "miles from it, so that short distances come out too short: shares within 1 and 2 miles are too high."
    ),
    (
        "**People stand at the point of their ZCTA**, which is not where most of them live. In large rural areas the error "
        "reaches miles; `uncertainty_miles` and `is_borderline` carry it on every row."
    ),
    "**Miles are as the crow flies.** Published shares are by road. The column with a detour of 1.4 shows what that makes.",
    (
        "**The pharmacies are some 90 % of the nation's**: the list is partial, which makes distances too long. Addresses in "
        "NPPES grow stale, which errs either way."
    ),
    (
        "**Density is that of the ZCTA**, on the land of its part in the county that holds most of it. Part D asks for "
        "five-digit ZIP codes, the definitions of pharmacy deserts for census tracts: a ZCTA mixes several of these."
    ),
    (
        "**Incomes are not in these files**, so that the definitions count everyone who is far, and more than the published "
        "deserts. Households without a vehicle are known by county alone (SVI): half a mile then holds for whole counties "
        "with large cities, where a ZCTA's point says nothing of half a mile."
    ),
)


@dataclass(frozen=True)
class Found:
    """What the models say of the nation."""

    areas: int
    people: int
    supply: int
    within: dict[int, tuple[float, float]]
    part_d: dict[str, float]
    beyond: dict[str, float]
    low_vehicle: float
    keystone: float


def prepare(con: duckdb.DuckDBPyConnection, downloads: Path, scratch: Path) -> None:
    """Turn downloads into reference tables, take them through the door and build access on them."""
    for _ in build_reference(downloads, scratch):
        pass
    con.execute("".join(f"create schema if not exists {schema};" for schema in warehouse.SCHEMAS))
    inputs = ingest.find_inputs(read_layout("tuva"), scratch, None)
    every = {model.name: model for model in all_models()}
    raw = {c.id for c in all_contracts("raw")}
    wanted = set().union(*(needed(name, every, raw) for name in BUILT))
    for contract in all_contracts("raw"):
        if contract.table.source == "registry":
            registry.load_registry(con, contract.key[1], None)
        elif contract.key[1] in REFERENCE_TABLES:
            ingest.load_table(con, contract, inputs, scratch)
        else:
            place = ", source_file VARCHAR, line_number BIGINT, row_id BIGINT" if contract.table.source is None else ""
            con.execute(f"create or replace table {contract.id} ({contract.ddl()}{place})")
    params = {"as_of": AS_OF, **read_settings().params()}
    for model in all_models():
        if model.name in wanted:
            warehouse.build(con, model, params)


def find(con: duckdb.DuckDBPyConnection) -> Found:
    """Read the shares of the nation off the built tables."""
    [[areas, people]] = con.execute("select count(*), sum(population) from core.zcta").fetchall()
    [[supply]] = con.execute(
        "select count(distinct npi) from core.site where is_supply and service = 'retail_pharmacy'"
    ).fetchall()

    def share(condition: str, standard: str = "PART_D", of: str = "true") -> float:
        [[found]] = con.execute(
            f"select sum(population) filter (where {condition}) / sum(population) from facts.access "
            f"inner join core.zcta using (zcta) where service = 'retail_pharmacy' and standard_id = '{standard}' and {of}"
        ).fetchall()
        return float(found)

    # The limit of the area's class, whatever its vehicles.
    plain = (
        "nearest_miles > (select max_miles from raw.adequacy_base as base where base.service = access.service "
        "and base.standard_id = access.standard_id and base.area_class = access.area_class)"
    )
    [[dependent]] = con.execute(
        "select sum(population) from facts.access inner join core.zcta using (zcta) "
        "where service = 'retail_pharmacy' and standard_id = 'USC_NCPA' and site_count = 1"
    ).fetchall()
    return Found(
        areas=areas,
        people=people,
        supply=supply,
        within={m: (share(f"nearest_miles <= {m}"), share(f"nearest_miles * {DETOUR} <= {m}")) for m in BY_ROAD},
        part_d={name: share(f"nearest_miles <= {m}", of=f"urbanicity = '{name}'") for name, (m, _) in PART_D.items()},
        beyond={standard: share(plain, standard) for standard in ("WITT2024", "USC_NCPA")},
        low_vehicle=share("is_beyond_limit", "WITT2024"),
        keystone=dependent / people,
    )


def page(found: Found) -> str:
    """`docs/access-check.md`."""
    distances = [
        [
            f"{miles}",
            percent(crow),
            percent(road),
            percent(BY_ROAD[miles]),
            percent(1 - crow),
            percent(1 - BY_ROAD[miles]),
        ]
        for miles, (crow, road) in found.within.items()
    ]
    classes = [
        [name, str(miles), percent(found.part_d[name]), percent(PART_D_BEFORE[name]), f"at least {least * 100:.0f} %"]
        for name, (miles, least) in PART_D.items()
    ]
    definitions = [
        ["1, 5 or 10 miles by density (WITT2024)", percent(found.beyond["WITT2024"]), "6.0 % of the same points",
         "4.7 % (Wittenauer 2024: tracts, low income as well)"],
        ["the same, half a mile where few have a car", percent(found.low_vehicle), "-", "-"],
        ["1, 2 or 10 miles by density (USC_NCPA)", percent(found.beyond["USC_NCPA"]), "9.2 % of the same points",
         "one in 8 neighbourhoods (USC/NCPA 2025: tracts, half a mile where few have a car)"],
        ["Dependent on one address by 1, 2 or 10 miles", percent(found.keystone), "11.5 % of the same points",
         "8.9 % (Mathis 2025: by travel time)"],
    ]  # fmt: skip
    biases = "\n".join(
        textwrap.fill(f"{n}. {text}", 119, subsequent_indent="   ") for n, text in enumerate(BIASES, start=1)
    )
    return f"""# Access, checked against the world

Generated by `python bench/access_check.py --write`; do not edit. The downloads of [`caregaps
reference`](operator.md#reference-data) become reference tables, pass the door, and are judged by the models of a night:
{found.supply:,} retail pharmacies that are open and have a place, of 53,435 organisations with a pharmacy taxonomy in NPPES
(October 2025), around {found.areas:,} ZCTAs with {found.people / 1e6:,.2f} million people (ACS 2019-2023).

## By distance

Share of the nation within so many miles of a retail pharmacy, and beyond them.

{table(["Miles", "Within, as the crow flies", f"Within, with a detour of {DETOUR}", "Within, published by road", "Beyond, as the crow flies", "Beyond, published by road"], distances)}

Published: Berenbrok 2022, by road, 61,715 pharmacies, people where they live. At 5 and 10 miles the points do, and the
shares are near the published ones; at 1 and 2 miles they flatter, for the first of the reasons below.

## Part D classes

Share of each class within the miles of 42 CFR 423.120(a)(1).

{table(["Class", "Miles", "Found", "Measured before on the same points", "Asked of a plan"], classes)}

## Definitions of pharmacy deserts

Share of the nation, incomes left out.

{table(["Beyond", "Found", "Measured before", "Published"], definitions)}

## Known biases

{biases}

A sensible reading: distances of 5 miles and more can be compared with published ones, shorter ones only between areas
that were measured alike. Coordinates in the `pharmacy` table remove the first bias, population-weighted points in `zcta`
most of the second.
"""


def percent(share: float) -> str:
    """A share in percent."""
    return f"{100 * share:.1f} %"


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", type=Path, dest="source", default=REFERENCE, help="folder of downloads")
    parser.add_argument("--write", action="store_true", help="rewrite docs/access-check.md")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, duckdb.connect(config={"threads": 2}) as con:
        prepare(con, asked.source, Path(scratch))
        text = page(find(con))
    print(text)
    if asked.write:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
