"""The geometry of access as tables: nearest sites, sites within the limits, and floating catchments.

Each function takes the rows that `computed.py` selects and returns the rows of one table. Areas, suppliers, addresses and
limits go by their integer keys: text would take longer to sort, to look up and to write than the distances do to find.
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


def nearest_site(zcta: pa.Table, service: pa.Table, site: pa.Table) -> pa.Table:
    """The six nearest suppliers of each service from each ZCTA: open, in the network, with a place on the map.

    Miles are of the great circle from the ZCTA's point, R = 3958.7613, rounded to thousandths; ties fall to the lower
    NPI. A supplier at several places is measured to the nearest. Where a service has fewer suppliers, places are missing.
    """
    points = _points(zcta)
    parts = []
    zcta_key = _integers(zcta["zcta_key"])
    for service_key, _, rows in _services(service, site):
        key = _integers(rows["supplier_key"])
        supplier, distance = nearest(points, Places.of(*_coordinates(rows)), key - key[0], PLACES)
        area, place = np.nonzero(supplier >= 0)
        parts.append(
            pa.table(
                {
                    "zcta_key": zcta_key[area],
                    "service_key": np.full(len(area), service_key, np.int32),
                    "place": pa.array(place + 1, pa.int32()),
                    "supplier_key": supplier[area, place] + key[0],
                    "miles": distance[area, place] / 1000,
                }
            )
        )
    return _together(parts, {"zcta_key": 0, "service_key": 0, "place": 0, "supplier_key": 0, "miles": 0.0})


def site_count(zcta: pa.Table, service: pa.Table, site: pa.Table, reach: pa.Table) -> pa.Table:
    """How many suppliers and how many addresses lie within every limit, by the key of the limits.

    Suppliers are NPIs, each counted once however many addresses it has; an address is counted once however many NPIs
    share it (deserts 4.6). A ZCTA whose limits are unknown has no row.
    """
    points = _points(zcta)
    parts = []
    for service_key, _, rows in _services(service, site):
        asked = reach.filter(pc.equal(reach["service_key"], service_key))  # pyright: ignore[reportAttributeAccessIssue]
        area = np.searchsorted(_integers(zcta["zcta_key"]), _integers(asked["zcta_key"]))
        key = _integers(rows["supplier_key"])
        providers, sites = count_within(
            points[area],
            _integers(asked["reach"]),
            Places.of(*_coordinates(rows)),
            key - key[0],
            _integers(rows["site_key"]),
        )
        counts = {"provider_count": pa.array(providers, pa.int32()), "site_count": pa.array(sites, pa.int32())}
        parts.append(pa.table({"limit_key": asked["limit_key"], **counts}))
    return _together(parts, {"limit_key": 0, "provider_count": 0, "site_count": 0})


def accessibility(zcta: pa.Table, service: pa.Table, site: pa.Table, zone: pa.Table) -> pa.Table:
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
    for _, name, all_rows in _services(service, site):
        rows = all_rows.filter(all_rows["is_accepting"])
        # A supplier at several addresses is at each for a part of the week.
        _, number, addresses = np.unique(_integers(rows["supplier_key"]), return_inverse=True, return_counts=True)
        supply = supply_of_areas(points, unit_vectors(*_coordinates(rows)), 1 / addresses[number], most_miles)
        ratio = two_step(pairs, people, supply) * PEOPLE
        parts.append(
            pa.table(
                {
                    "zcta": zcta["zcta"],
                    "service": _repeat(name, len(points)),
                    "supply": pa.array(np.round(supply, 4)),
                    "accessibility": pa.array(np.round(np.minimum(ratio, LARGEST_RATIO), 4)),
                }
            )
        )
    return _together(parts, {"zcta": "", "service": "", "supply": 0.0, "accessibility": 0.0})


def _services(service: pa.Table, site: pa.Table) -> Iterator[tuple[int, str, pa.Table]]:
    """Key and name of each service with its rows, which come in the order of the services."""
    start = 0
    for key, name, rows in zip(*(service[c].to_pylist() for c in ("service_key", "service", "row_count")), strict=True):
        yield key, name, site.slice(start, rows)
        start += rows


def _integers(column: pa.ChunkedArray) -> Integers:
    return column.to_numpy().astype(np.int64)


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
