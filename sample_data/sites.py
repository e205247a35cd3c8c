"""Pharmacies and providers of the service areas: invented, with NPIs that pass the check digit.

NPIs start with 19990 to 19999; names, addresses and 555-01xx phones are visibly synthetic. Every area has a pharmacy
that never closes, a primary care clinician and one facility of each kind, so that every member has somewhere to go.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from sample_data.areas import REMOTE, Areas
from sample_data.calendar import FIRST, LAST, NONE, dates, texts
from sample_data.draw import Booleans, Draw, Integers

MAIL_PHARMACIES = 3
NEAREST = 4
RETAIL, MAIL, LTC = 0, 1, 2
SERVICE_TYPES = ["retail", "mail", "ltc"]
TAXONOMIES = ["3336C0003X", "3336M0002X", "3336L0003X", "3336C0003X;3336S0011X", "3336C0003X;3336L0003X"]

CLOSING_ZIP, CLOSING_DAY = "79059", LAST + 46
"""Where the remote pharmacy is, and when it closes: 15 August 2026."""

FACILITIES = ["282N00000X", "314000000X", "261QE0700X", "251G00000X"]
"""Hospital, skilled nursing facility, dialysis clinic, hospice: one of each in every area."""
HOSPITAL, NURSING, DIALYSIS, HOSPICE = range(4)

CLINICIANS = (
    ("207Q00000X", 30),  # family medicine
    ("207R00000X", 22),  # internal medicine
    ("363LF0000X", 14),  # family nurse practitioner
    ("208D00000X", 4),  # general practice
    ("207V00000X", 8),  # obstetrics and gynaecology
    ("207RC0000X", 6),  # cardiovascular disease
    ("2084P0800X", 5),  # psychiatry
    ("207RX0202X", 4),  # medical oncology
    ("207RE0101X", 3),  # endocrinology
    ("207RR0500X", 2),  # rheumatology
    ("261QR0405X", 2),  # substance use rehabilitation clinic
)
PRIMARY_CARE = 4
REHABILITATION = 10

# Numbers of those whom no member has been to, beyond all that a sample of any size has.
OTHER_PHARMACY, OTHER_PROVIDER = 75_000, 50_000


@dataclass(frozen=True)
class Pharmacies:
    """One position per pharmacy; `nearest[z]` are the closest retail pharmacies of ZCTA z, nearest first."""

    table: pl.DataFrame
    npi: pl.Series
    kind: Integers
    closed: Integers
    nearest: Integers
    ltc: Integers
    mail: Integers


@dataclass(frozen=True)
class Providers:
    """Facilities first (area by area), then clinicians; tables by area hold 64 positions, repeated.

    `rehabilitation` are the substance use clinics, whose claims 42 CFR part 2 protects.
    """

    table: pl.DataFrame
    npi: pl.Series
    primary_care: Integers
    specialists: Integers
    rehabilitation: Integers

    def facility(self, area: Integers, kind: int) -> Integers:
        """Find the position of an area's facility of one kind."""
        return area * len(FACILITIES) + kind


def npis(numbers: Integers) -> pl.Series:
    """Make NPIs 1999nnnnnC: C makes the Luhn sum of 80840 + NPI a multiple of ten (45 CFR 162.406)."""
    body = 199_900_000 + numbers
    total = np.full(len(numbers), 24)  # what the prefix 80840 adds
    for place in range(9):
        digit = body // 10**place % 10
        double = digit * 2
        total = total + (np.where(double > 9, double - 9, double) if place % 2 == 0 else digit)
    return pl.Series("npi", body * 10 + -total % 10).cast(pl.String)


def make_pharmacies(members: int, areas: Areas, draw: Draw) -> Pharmacies:
    """Make about one pharmacy per 60 members, at least one per area, three that ship by mail and a remote one, the last."""
    count = min(20_000, max(len(areas.area) + MAIL_PHARMACIES, members // 60))
    number = np.arange(count + 1)
    last = number == count
    mail = number < MAIL_PHARMACIES
    first = (number >= MAIL_PHARMACIES) & (number < MAIL_PHARMACIES + len(areas.area))
    home_area = np.where(first, number - MAIL_PHARMACIES, 0)
    zcta = np.where(
        first, areas.pick_in(home_area, draw, "pharmacy zcta", number), areas.pick(draw, "pharmacy zcta", number)
    )
    last_zcta = areas.zcta["zcta"].to_list().index(CLOSING_ZIP)
    zcta = np.where(last, last_zcta, zcta)
    ltc = ~mail & ~first & ~last & draw.chance("pharmacy is ltc", 40_000, number)
    kind = np.select([mail, ltc], [MAIL, LTC], RETAIL)
    both = draw.choice("pharmacy taxonomy", [88, 7, 5], number)
    taxonomy = np.where(kind == RETAIL, np.array([0, 3, 4])[both], kind)
    closes = ~mail & ~first & ~last & draw.chance("pharmacy closes", 40_000, number)
    closed = np.where(closes, draw.integer("pharmacy closed date", FIRST + 90, LAST, number), NONE)
    npi = npis(1 + number)
    in_network = first | mail | last | ~draw.chance("pharmacy out of network", 60_000, number)
    closing = ~mail & ~first & (closed == NONE) & draw.chance("pharmacy will close", 60_000, number)
    will_close = np.where(closing, LAST + draw.integer("pharmacy closing date", 1, 90, number), closed)
    will_close = np.where(last, CLOSING_DAY, will_close)
    table = pharmacy_table(number, zcta, taxonomy, mail, in_network, will_close, areas, draw)
    retail = np.flatnonzero((kind == RETAIL) & ~last)
    nearest = nearest_sites(areas, retail[np.argsort(zcta[retail], kind="stable")], zcta)
    # Who lives far away fills at one pharmacy: at one that never closes, or at the one that will.
    stable = nearest_sites(areas, np.flatnonzero(first), zcta)
    for remote in REMOTE:
        row = areas.zcta["zcta"].to_list().index(remote)
        nearest[row] = count if remote == CLOSING_ZIP else stable[row, 0]
    return Pharmacies(
        table.sort("npi"), npi, kind, closed, nearest,
        np.flatnonzero(kind == LTC), np.flatnonzero(mail),
    )  # fmt: skip


def pharmacy_table(
    number: Integers,
    zcta: Integers,
    taxonomy: Integers,
    mail: Booleans,
    in_network: Booleans,
    closed: Integers,
    areas: Areas,
    draw: Draw,
) -> pl.DataFrame:
    """Make the input table `pharmacy` of some pharmacies: where they are and what is known of each."""
    place = areas.zcta[zcta]
    offset = [pl.Series(draw.integer(f"pharmacy {axis}", -900, 900, number) / 100_000) for axis in ("north", "east")]
    return pl.DataFrame({"npi": npis(1 + number), "number": number + 1}).with_columns(
        ncpdp_id=(pl.col("number") + 9_900_000).cast(pl.String),
        name=pl.format("Sample Pharmacy {}", pl.col("number").cast(pl.String).str.zfill(4)),
        phone=phones(draw, "pharmacy phone", number),
        address=pl.format("{} Example Street", pl.Series(draw.integer("pharmacy street", 1, 9999, number))),
        city=place["city"],
        state=place["state"],
        zip_code=place["zcta"],
        latitude=(place["latitude"] + offset[0]).round(6),
        longitude=(place["longitude"] + offset[1]).round(6),
        taxonomy_code=texts("taxonomy_code", TAXONOMIES, taxonomy),
        is_independent=pl.Series(~mail & draw.chance("pharmacy independent", 380_000, number)),
        in_network=pl.Series(in_network),
        opened_date=dates("opened_date", FIRST - draw.integer("pharmacy opened", 200, 12_000, number)),
        closed_date=dates("closed_date", closed),
        services=texts("services", ["immunization", "immunization;delivery", "immunization;mtm", "delivery"],
                       draw.choice("pharmacy services", [40, 25, 25, 10], number)),
        languages=texts("languages", ["en", "en;es", "en;es;zh", "en;vi"],
                        draw.choice("pharmacy languages", [60, 30, 5, 5], number)),
        weekly_capacity=pl.Series(5 * draw.integer("pharmacy capacity", 1, 8, number)),
    ).drop("number")  # fmt: skip


def other_pharmacies(areas: Areas, draw: Draw) -> pl.DataFrame:
    """Make retail pharmacies that no member has been to: about one for 9,000 people, or all but a few areas were deserts."""
    zcta = by_population(areas, 9_000, draw, "other pharmacies")
    number = OTHER_PHARMACY + np.arange(len(zcta))
    past = draw.chance("pharmacy closes", 20_000, number)
    soon = ~past & draw.chance("pharmacy will close", 30_000, number)
    closed = np.select(
        [past, soon],
        [
            draw.integer("pharmacy closed date", FIRST + 90, LAST, number),
            LAST + draw.integer("pharmacy closing date", 1, 90, number),
        ],
        NONE,
    )
    in_network = ~draw.chance("pharmacy out of network", 60_000, number)
    nobody = np.zeros(len(number), bool)
    return pharmacy_table(number, zcta, np.zeros_like(number), nobody, in_network, closed, areas, draw)


def other_providers(areas: Areas, draw: Draw) -> pl.DataFrame:
    """Make clinicians whom no member has seen: about one for 2,500 people."""
    zcta = by_population(areas, 2_500, draw, "other providers")
    number = OTHER_PROVIDER + np.arange(len(zcta))
    specialty = draw.choice("provider specialty", [w for _, w in CLINICIANS[:REHABILITATION]], number)
    return provider_table(
        number, zcta, texts("t", [code for code, _ in CLINICIANS], specialty),
        ~draw.chance("provider out of network", 80_000, number), np.zeros(len(number), bool), areas, draw,
    )  # fmt: skip


def by_population(areas: Areas, people: int, draw: Draw, purpose: str) -> Integers:
    """Draw ZCTA positions, each as often as so many people live there; the rest of a division is drawn."""
    population = areas.zcta["population"].cast(pl.Int64).to_numpy()
    rest = draw.integer(purpose, 0, people - 1, areas.zcta["zcta"].cast(pl.Int64).to_numpy())
    served = np.where(areas.zcta["pull"].to_numpy() > 0, (population + rest) // people, 0)
    return np.repeat(np.arange(len(population)), served)


def nearest_sites(areas: Areas, sites: Integers, zcta: Integers) -> Integers:
    """Find the NEAREST sites of every ZCTA within its state, on an integer grid so that ties are settled alike."""
    state = areas.zcta["state"].to_numpy()
    north = (areas.zcta["latitude"].to_numpy() * 1000).astype(np.int64)
    east = (areas.zcta["longitude"].to_numpy() * 800).astype(np.int64)  # a degree of longitude is shorter
    found = np.zeros((len(state), NEAREST), dtype=np.int64)
    for name in np.unique(state):
        rows = np.flatnonzero(state == name)
        near = np.sort(sites[state[zcta[sites]] == name])
        apart = (north[rows][:, None] - north[zcta[near]]) ** 2 + (east[rows][:, None] - east[zcta[near]]) ** 2
        order = np.argsort(apart, axis=1, kind="stable")[:, :NEAREST]
        found[rows] = near[np.pad(order, ((0, 0), (0, NEAREST - order.shape[1])), mode="edge")]
    return found


def make_providers(members: int, areas: Areas, draw: Draw) -> Providers:
    """Make about one clinician per 25 members, and the facilities of every area."""
    area_count = len(areas.area)
    facilities = area_count * len(FACILITIES)
    count = min(40_000, facilities + max(4 * area_count, members // 25))
    number = np.arange(count)
    is_facility = number < facilities
    clinician = number - facilities
    first = ~is_facility & (clinician < area_count)
    area = np.where(is_facility, number // len(FACILITIES), np.where(first, clinician, 0))
    zcta = np.where(
        is_facility | first,
        areas.pick_in(area, draw, "provider zcta", number),
        areas.pick(draw, "provider zcta", number),
    )
    area = areas.zcta["area"].to_numpy()[zcta].astype(np.int64)
    specialty = np.where(first, 0, draw.choice("provider specialty", [w for _, w in CLINICIANS], number))
    codes = [*FACILITIES, *(code for code, _ in CLINICIANS)]
    npi = npis(30_001 + number)
    table = provider_table(
        number,
        zcta,
        texts("t", codes, np.where(is_facility, number % len(FACILITIES), specialty + len(FACILITIES))),
        is_facility | first | ~draw.chance("provider out of network", 80_000, number),
        ~is_facility & (specialty == REHABILITATION),
        areas,
        draw,
    )
    rank = ~is_facility & (specialty < PRIMARY_CARE)
    return Providers(
        table.sort("npi"),
        npi,
        by_area(np.flatnonzero(rank), area, area_count),
        by_area(np.flatnonzero(~is_facility & (specialty != REHABILITATION)), area, area_count),
        np.flatnonzero(~is_facility & (specialty == REHABILITATION)),
    )


def provider_table(
    number: Integers,
    zcta: Integers,
    taxonomy: pl.Series,
    in_network: Booleans,
    is_part2: Booleans,
    areas: Areas,
    draw: Draw,
) -> pl.DataFrame:
    """Make the input table `provider` of some providers, each at the point of its ZCTA."""
    place = areas.zcta[zcta]
    return pl.DataFrame({"npi": npis(30_001 + number), "number": number + 1}).select(
        "npi",
        name=pl.format("Sample Provider {}", pl.col("number").cast(pl.String).str.zfill(5)),
        taxonomy_code=taxonomy,
        state=place["state"],
        zip_code=place["zcta"],
        latitude=place["latitude"],
        longitude=place["longitude"],
        in_network=pl.Series(in_network),
        accepts_new_patients=pl.Series(~draw.chance("provider full", 150_000, number)),
        is_part2=pl.Series(is_part2),
    )  # fmt: skip


def by_area(positions: Integers, area: Integers, area_count: int, width: int = 64) -> Integers:
    """Make a table of `width` positions per area: the area's own, repeated."""
    ordered = positions[np.argsort(area[positions], kind="stable")]
    sorted_area = area[ordered]
    low = np.searchsorted(sorted_area, np.arange(area_count), side="left")
    size = np.searchsorted(sorted_area, np.arange(area_count), side="right") - low
    return ordered[low[:, None] + np.arange(width) % size[:, None]]


def phones(draw: Draw, purpose: str, *keys: Integers) -> pl.Series:
    """Make fictional numbers: 555-0100 through 555-0199 in an area code that is never assigned."""
    return pl.Series("phone", 9_995_550_100 + draw.integer(purpose, 0, 99, *keys)).cast(pl.String)
