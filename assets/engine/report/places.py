"""What the report's maps show: how much of each county lies in a desert, and where the lists are worked.

Deserts are shares of the areas' inhabitants, public figures and no members. The load is rows of lists, counts of people:
a county is drawn by its size class alone, and only where `small_cells.size_classes` allows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb

# Where a county is unknown, the first three digits of the ZIP code stand for it. People count where everybody's number
# is known, else each area counts as one.
JUDGED = """
    select
        coalesce(zcta.county_fips, left(zcta.zcta, 3)) as county, zcta.state, zcta.latitude, zcta.longitude,
        access.service, access.is_desert,
        case when bool_and(zcta.population is not null) over () then zcta.population else 1 end as people
    from facts.access
    inner join core.zcta on access.zcta = zcta.zcta
    where access.method = 'modelled' and zcta.state in (select state from core.member)
"""
SHARE = (
    "coalesce(sum(people) filter (where is_desert), 0) / nullif(sum(people) filter (where is_desert is not null), 0)"
)


@dataclass(frozen=True)
class County:
    """One county on the map."""

    state: str
    latitude: float
    longitude: float


@dataclass
class Places:
    """Everything with a place on the map; `listed` are counts of people and never shown as they are."""

    services: list[str] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    state_share: dict[tuple[str, str], float] = field(default_factory=dict)
    counties: dict[str, County] = field(default_factory=dict)
    county_share: dict[tuple[str, str], float] = field(default_factory=dict)
    listed: dict[str, dict[str, int]] = field(default_factory=dict)
    work_counties: dict[str, County] = field(default_factory=dict)

    def out_of_reach(self, county: str) -> int | None:
        """How many services other than pharmacies most people of a county have too far; None where none is known."""
        shares = [
            self.county_share[county, service]
            for service in self.services
            if service != "retail_pharmacy" and (county, service) in self.county_share
        ]
        return sum(share > 0.5 for share in shares) if shares else None


def read_places(con: duckdb.DuckDBPyConnection) -> Places:
    """Shares of deserts by state and county, and listed rows by the county of the pharmacy."""
    places = Places()

    def rows(query: str) -> Sequence[tuple[Any, ...]]:
        return con.execute(query).fetchall()

    for state, county, service, share, *place in rows(
        f"select state, county, service, {SHARE}, min(state), round(avg(latitude), 3), round(avg(longitude), 3) "
        f"from ({JUDGED}) group by grouping sets ((state, service), (county, service), (county)) order by all"
    ):
        if service is None:
            places.counties[county] = County(*place)
        elif share is None:
            continue
        elif county is None:
            places.state_share[state, service] = share
        else:
            places.county_share[county, service] = share
    places.states = sorted({state for state, _ in places.state_share})
    places.services = sorted({service for _, service in places.state_share})
    for county, state, latitude, longitude, listed in rows(
        """
        select
            coalesce(zcta.county_fips, left(zcta.zcta, 3)), worklist.state, round(avg(zcta.latitude), 3),
            round(avg(zcta.longitude), 3), count(*)
        from outreach.worklist
        inner join core.pharmacy on worklist.pharmacy_npi = pharmacy.npi
        inner join core.zip_area on pharmacy.zip_code = zip_area.zip_code
        inner join core.zcta on zip_area.zcta = zcta.zcta
        group by all order by all
        """
    ):
        places.listed.setdefault(state, {})[county] = listed
        places.work_counties[county] = County(state, latitude, longitude)
    return places
