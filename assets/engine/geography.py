"""The geometry of access as tables: nearest sites, sites within the limits, and floating catchments.

Each function takes the rows that `computed.py` selects and returns the rows of one table; text becomes integers on the
way in and text again on the way out.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assets.engine.accessibility import Zones, pair_weights, supply_of_areas, two_step
from assets.engine.nearest import Places, count_within, nearest
from assets.engine.sphere import Floats, Integers, unit_vectors

# The nearest site and the next five (deserts 4.5): enough to see what a few closures change.
PLACES = 6

# The largest ratio that DECIMAL(9,4) holds, and what it counts per.
LARGEST_RATIO = 99_999.9999
PEOPLE = 10_000


def nearest_site(zcta: pa.Table, site: pa.Table) -> pa.Table:
    """The six nearest suppliers of each service from each ZCTA: open, in the network, with a place on the map.

    Miles are of the great circle from the ZCTA's point, R = 3958.7613, rounded to thousandths; ties fall to the lower
    NPI. A supplier at several places is measured to the nearest. Where a service has fewer suppliers, places are missing.
    """
    points = _points(zcta)
    parts = []
    for service, rows in _services(site):
        npi = _numbers(rows["npi"])
        supplier, distance = nearest(points, Places.of(*_coordinates(rows)), npi, PLACES)
        area, place = np.nonzero(supplier >= 0)
        first_row = np.flatnonzero(np.diff(npi, prepend=-1))
        parts.append(
            pa.table(
                {
                    "zcta": zcta["zcta"].take(pa.array(area)),
                    "service": _repeat(service, len(area)),
                    "place": pa.array(place + 1, pa.int32()),
                    "npi": rows["npi"].take(pa.array(first_row[supplier[area, place]])),
                    "miles": pa.array(distance[area, place] / 1000),
                }
            )
        )
    return _together(parts, {"zcta": "", "service": "", "place": 0, "npi": "", "miles": 0.0})


def site_count(zcta: pa.Table, site: pa.Table, reach: pa.Table) -> pa.Table:
    """How many suppliers and how many addresses lie within every limit, by ZCTA, service and standard.

    Suppliers are NPIs, each counted once however many addresses it has; an address is counted once however many NPIs
    share it (deserts 4.6). A ZCTA whose limits are unknown has no row.
    """
    points = _points(zcta)
    position = pc.index_in(reach["zcta"], value_set=zcta["zcta"].combine_chunks()).to_numpy()  # pyright: ignore[reportAttributeAccessIssue]
    parts = []
    for service, rows in _services(site):
        is_asked = pc.equal(reach["service"], service)  # pyright: ignore[reportAttributeAccessIssue]
        asked = reach.filter(is_asked)
        providers, sites = count_within(
            points[position[is_asked.to_numpy()]],
            asked["reach"].to_numpy(),
            Places.of(*_coordinates(rows)),
            _numbers(rows["npi"]),
            rows["site_key"].to_numpy().astype(np.int64),
        )
        counted = asked.drop_columns("reach").append_column("provider_count", pa.array(providers, pa.int32()))
        parts.append(counted.append_column("site_count", pa.array(sites, pa.int32())))
    return _together(parts, {"zcta": "", "service": "", "standard_id": "", "provider_count": 0, "site_count": 0})


def accessibility(zcta: pa.Table, site: pa.Table, zone: pa.Table) -> pa.Table:
    """Supply within reach per 10,000 people, by ZCTA and service: two-step floating catchments with zones (E2SFCA).

    Beside the threshold, since it counts who shares a site (deserts 4.4). Supply is an NPI that takes new patients,
    divided among its addresses, at the ZCTA whose point is nearest unless that is beyond the last zone; demand is the people of every ZCTA, and where their
    number is unknown none. Without any known population there are no rows.
    """
    people = _floats(zcta["population"])
    if not np.any(people > 0):
        return _together([], {"zcta": "", "service": "", "supply": 0.0, "accessibility": 0.0})
    points, people = _points(zcta), np.nan_to_num(people)
    zones = Zones(_floats(zone["up_to"]), _floats(zone["weight"]))
    base, per_mile = np.zeros(len(points)), np.ones(len(points))
    if zone["unit"][0].as_py() == "minutes":
        base, per_mile = _floats(zcta["base_minutes"]), _floats(zcta["minutes_per_mile"])
    miles = (zones.up_to[-1] - base) / per_mile
    most_miles = np.max(miles, initial=0, where=np.isfinite(miles))
    pairs = pair_weights(points, miles, zones, base, per_mile)
    parts = []
    for service, all_rows in _services(site):
        rows = all_rows.filter(all_rows["is_accepting"])
        # A supplier at several addresses is at each for a part of the week.
        _, number, addresses = np.unique(_numbers(rows["npi"]), return_inverse=True, return_counts=True)
        supply = supply_of_areas(points, unit_vectors(*_coordinates(rows)), 1 / addresses[number], most_miles)
        ratio = two_step(pairs, people, supply) * PEOPLE
        parts.append(
            pa.table(
                {
                    "zcta": zcta["zcta"],
                    "service": _repeat(service, len(points)),
                    "supply": pa.array(np.round(supply, 4)),
                    "accessibility": pa.array(np.round(np.minimum(ratio, LARGEST_RATIO), 4)),
                }
            )
        )
    return _together(parts, {"zcta": "", "service": "", "supply": 0.0, "accessibility": 0.0})


def _services(site: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Each service with its rows, which come sorted by service."""
    if not site.num_rows:
        return
    ends = pc.run_end_encode(site["service"].combine_chunks())  # pyright: ignore[reportAttributeAccessIssue]
    start = 0
    for service, end in zip(ends.values.to_pylist(), ends.run_ends.to_pylist(), strict=True):
        yield service, site.slice(start, end - start)
        start = end


def _numbers(text: pa.ChunkedArray) -> Integers:
    """Sorted text as numbers in the same order: equal text, equal number."""
    column = text.combine_chunks()
    numbers = np.zeros(len(column), np.int64)
    if len(column) > 1:
        numbers[1:] = np.cumsum(pc.not_equal(column[1:], column[:-1]).to_numpy(zero_copy_only=False))  # pyright: ignore[reportAttributeAccessIssue]
    return numbers


def _floats(column: pa.ChunkedArray) -> Floats:
    """Numbers, with null as not a number."""
    return column.cast(pa.float64()).to_numpy()


def _coordinates(rows: pa.Table) -> tuple[Floats, Floats]:
    return _floats(rows["latitude"]), _floats(rows["longitude"])


def _points(zcta: pa.Table) -> Floats:
    return unit_vectors(*_coordinates(zcta))


def _repeat(text: str, count: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int8)), pa.array([text]))


def _together(parts: list[pa.Table], like: dict[str, str | int | float]) -> pa.Table:
    """All services in one table, sorted; empty with the columns named where there is none."""
    if not parts:
        return pa.table({name: pa.array([value]).slice(0, 0) for name, value in like.items()})
    return pa.concat_tables(parts, promote_options="permissive").select(list(like))
