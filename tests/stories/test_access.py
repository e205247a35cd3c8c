"""Access to care, told as stories: interface sections 2 and 3, domain page deserts.

Areas lie on the equator, where a mile north is 0.0144731482 degrees on a sphere of 3958.7613 miles; ten degrees apart, so
that none sees another's sites. An area of 1 square mile has as many people per square mile as it has people.
"""

from __future__ import annotations

import math

import pytest

AS_OF = "2026-06-30"
MODEL = "facts.access"


def north(miles: float) -> str:
    """The latitude of what is so many miles north of the equator."""
    return f"{math.degrees(miles / 3958.7613):.10f}"


def areas(*rows: str) -> str:
    """A `raw.zcta` table: one area on the equator for each row of `zcta | longitude | population | ...`."""
    header = "zcta | longitude | latitude | land_sq_mi | population | county_fips | county_type | low_income | households_without_vehicle"
    return "\n".join([header, *rows])


def area(zcta: str, longitude: int, population: int | str = 500, **more: object) -> str:
    told = {
        "latitude": 0,
        "land_sq_mi": 1,
        "county_fips": "-",
        "county_type": "-",
        "low_income": "-",
        "vehicles": "-",
        **more,
    }
    cells = (
        zcta, longitude, told["latitude"], told["land_sq_mi"], population, told["county_fips"], told["county_type"],
        told["low_income"], told["vehicles"],
    )  # fmt: skip
    return " | ".join(map(str, cells))


def pharmacies(*rows: tuple[str, float, float]) -> str:
    """A `raw.pharmacy` table of NPI, longitude and miles north."""
    return "npi | longitude | latitude\n" + "\n".join(f"{npi} | {lon} | {north(miles)}" for npi, lon, miles in rows)


def providers(code: str, *rows: tuple[str, float, float]) -> str:
    """A `raw.provider` table of NPI, longitude and miles north, all with one taxonomy."""
    return "npi | taxonomy_code | longitude | latitude\n" + "\n".join(
        f"{npi} | {code} | {lon} | {north(miles)}" for npi, lon, miles in rows
    )


PCP = "207Q00000X"
RHEUMATOLOGIST = "207RR0500X"


def only(*services: str, standard: str | None = None) -> str:
    """The base limits of a few services: other rows would only be read past."""
    from assets.engine.access_registry import ACCESS_TABLES

    header = "standard_id | service | area_class | max_miles | max_minutes | min_count | source"
    rows = [r for r in ACCESS_TABLES["adequacy_base"]() if r[1] in services and standard in (None, r[0])]
    return "\n".join([header, *(" | ".join("-" if c is None else str(c) for c in row) for row in rows)])


# Part D: 42 CFR 423.120(a)(1) -------------------------------------------------------------------------------------


def test_part_d_counts_two_five_and_fifteen_miles_by_density(story):
    """42 CFR 423.100: urban is more than 3,000 people per square mile, rural less than 1,000. The limit itself is near enough."""
    story(
        given={
            "raw.adequacy_base": only("retail_pharmacy", standard="PART_D"),
            "raw.zcta": areas(
                area("00001", 0, 3001), area("00002", 10, 3001), area("00003", 20, 3000), area("00004", 30, 3000),
                area("00005", 40, 1000), area("00006", 50, 999), area("00007", 60, 999),
            ),
            "raw.pharmacy": pharmacies(
                ("a", 0, 2), ("b", 10, 2.001), ("c", 20, 5), ("d", 30, 5.001), ("e", 40, 5.001), ("f", 50, 15),
                ("g", 60, 15.001),
            ),
        },
        expect="""
            zcta  | area_class | threshold_miles | nearest_npi | nearest_miles | is_beyond_limit | is_desert | site_count
            00001 | urban      | 2               | a           | 2.000         | no              | no        | 1
            00002 | urban      | 2               | b           | 2.001         | yes             | yes       | 0
            00003 | suburban   | 5               | c           | 5.000         | no              | no        | 1
            00004 | suburban   | 5               | d           | 5.001         | yes             | yes       | 0
            00005 | suburban   | 5               | e           | 5.001         | yes             | yes       | 0
            00006 | rural      | 15              | f           | 15.000        | no              | no        | 1
            00007 | rural      | 15              | g           | 15.001        | yes             | yes       | 0
        """,
    )  # fmt: skip


def test_part_d_knows_no_minutes(story):
    """Interface 3: `PART_D` is miles only. 10.5 miles at 999 people per square mile are 22.62 minutes, and no matter."""
    story(
        given={
            "raw.adequacy_base": only("retail_pharmacy", standard="PART_D"),
            "raw.zcta": areas(area("00001", 0, 999)),
            "raw.pharmacy": pharmacies(("a", 0, 10.5)),
            "raw.adequacy_standard": """
                county_fips | service         | standard_id | max_miles | max_minutes
                99999       | retail_pharmacy | PART_D      | 1         | 1
            """,
        },
        expect="""
            zcta  | nearest_minutes | threshold_minutes | is_desert | limit_source
            00001 | 22.620          | -                 | no        | base
        """,
    )


# CMS HSD: 42 CFR 422.116 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("miles", "minutes", "is_desert", "is_beyond", "count"),
    [
        # (10 - 2.9) / 1.89 = 3.7566: the ten minutes of a large metro run out before its five miles.
        (3.756, "9.999", "no", "no", 1),
        (3.757, "10.001", "yes", "no", 0),
        (5.000, "12.350", "yes", "no", 0),
        (5.001, "12.352", "yes", "yes", 0),
    ],
)
def test_minutes_or_miles_make_a_desert(story, miles, minutes, is_desert, is_beyond, count):
    """Interface 3: beyond either limit is a desert; beyond the limit is the distance test alone. Base limits of primary care."""
    story(
        given={
            "raw.adequacy_base": only("primary_care"),
            "raw.zcta": areas(area("00001", 0, 5000, county_type="Large Metro")),
            "raw.provider": providers(PCP, ("a", 0, miles)),
        },
        expect=f"""
            nearest_minutes | threshold_miles | threshold_minutes | is_desert | is_beyond_limit | provider_count | reach_miles
            {minutes}       | 5               | 10                | {is_desert} | {is_beyond}   | {count}        | 3.756
        """,
    )


@pytest.mark.parametrize(
    ("density", "minutes"),
    [
        (5000, "21.800"), (4999, "22.400"), (3000, "22.400"), (2999, "21.600"), (1000, "21.600"), (999, "21.800"),
        (100, "21.800"), (99, "23.700"), (10, "23.700"), (9, "25.100"),
    ],
)  # fmt: skip
def test_minutes_of_ten_miles_by_density(story, density, minutes):
    """Deserts 3.2: 2.9 + 1.89 m from 5,000 people per square mile on, then 3.5 + 1.89, 4.2 + 1.74, 5.4 + 1.64, ..."""
    story(
        given={
            "raw.adequacy_base": only("primary_care"),
            "raw.zcta": areas(area("00001", 0, density)),
            "raw.provider": providers(PCP, ("a", 0, 10)),
        },
        expect=f"nearest_miles | nearest_minutes\n10 | {minutes}",
    )


def test_county_limits_hold_where_a_county_has_them(story):
    """Deserts 4.6: the county's own row, else the base by county type. The county's minimum comes with its limits."""
    story(
        given={
            "raw.adequacy_base": only("rheumatology"),
            "raw.zcta": areas(
                area("00001", 0, 50, county_fips="48001", county_type="Rural"),
                area("00002", 10, 50, county_fips="48003", county_type="Rural"),
                area("00003", 20, 50, county_fips="48005", county_type="Rural"),
            ),
            "raw.provider": providers(RHEUMATOLOGIST, ("a", 0, 61), ("b", 10, 61), ("c", 20, 61)),
            # 61 miles are 108.36 minutes there. The base of a rural county is 90 miles, 110 minutes.
            "raw.adequacy_standard": """
                county_fips | service      | standard_id | max_miles | max_minutes | min_count
                48001       | rheumatology | HSD_2026    | 60        | 120         | 2
                48003       | rheumatology | HSD_2026    | 120       | 108         | 3
                48003       | cardiology   | HSD_2026    | 1         | 1           | 9
            """,
        },
        expect="""
            zcta  | service      | limit_source | threshold_miles | threshold_minutes | min_count | is_beyond_limit | is_desert
            00001 | cardiology   | -            | -               | -                 | -         | -               | -
            00001 | rheumatology | county       | 60              | 120               | 2         | yes             | yes
            00002 | cardiology   | county       | 1               | 1                 | 9         | yes             | yes
            00002 | rheumatology | county       | 120             | 108               | 3         | no              | yes
            00003 | cardiology   | -            | -               | -                 | -         | -               | -
            00003 | rheumatology | base         | 90              | 110               | -         | no              | no
        """,
    )


def test_each_county_type_has_its_base_limits(story):
    """42 CFR 422.116(d)(2), endocrinology: 15/30, 40/60, 75/100, 90/110 and 130/145."""
    types = ("Large Metro", "Metro", "Micro", "Rural", "CEAC")
    story(
        given={
            "raw.adequacy_base": only("endocrinology"),
            "raw.zcta": areas(*(area(f"0000{n}", 10 * n, county_type=t) for n, t in enumerate(types, start=1))),
        },
        expect="""
            zcta  | area_class  | threshold_miles | threshold_minutes
            00001 | Large Metro | 15              | 30
            00002 | Metro       | 40              | 60
            00003 | Micro       | 75              | 100
            00004 | Rural       | 90              | 110
            00005 | CEAC        | 130             | 145
        """,
    )


def test_the_maternity_class_is_told_or_follows_from_the_county(story):
    """March of Dimes, deserts 1.5: desert, then full, then low or moderate; 60 providers per 10,000 births, 10 % uninsured."""
    story(
        given={
            "raw.zcta": """
                zcta  | maternity_class       | obstetric_hospitals | obstetric_providers | births | women_uninsured
                00001 | -                     | 0                   | 0                   | 900    | 0.05
                00002 | -                     | 0                   | 1                   | 1000   | 0.1
                00003 | -                     | 1                   | 5.9                 | 1000   | 0.0999
                00004 | -                     | 1                   | 6                   | 1000   | 0.3
                00005 | -                     | 2                   | 0                   | -      | -
                00006 | -                     | 1                   | 0                   | 0      | 0.1
                00007 | -                     | 1                   | 3                   | 0      | 0.1
                00008 | -                     | 1                   | 3                   | 1000   | -
                00009 | -                     | -                   | 3                   | 1000   | 0.2
                00010 | Low access            | 2                   | 100                 | 1000   | 0.01
                00011 | Maternity Care Desert | -                   | -                   | -      | -
                00012 | unheard of            | 0                   | 0                   | 10     | 0.2
                00013 | -                     | 1                   | 59.9                | 10000  | 0.1
                00014 | -                     | 1                   | 60                  | 10000  | 0.1
            """
        },
        expect={
            "core.zcta": """
                zcta  | maternity_class
                00001 | desert
                00002 | low
                00003 | moderate
                00004 | full
                00005 | full
                # nobody delivers, whatever the births; providers without births say nothing
                00006 | low
                00007 | -
                00008 | -
                00009 | -
                00010 | low
                00011 | desert
                00012 | desert
                00013 | low
                00014 | full
            """
        },
    )


def test_a_county_without_a_type_takes_that_of_its_people(story):
    """42 CFR 422.116(c), on the areas of a county together; a type that the input names stands."""
    story(
        given={
            "raw.zcta": """
                zcta  | county_fips | county_type  | population | land_sq_mi
                00001 | 01001       | -            | 600000     | 500
                00002 | 01001       | -            | 600000     | 500
                00003 | 01003       | -            | 599999     | 400
                00004 | 01005       | -            | 50000      | 10
                00005 | 01007       | -            | 199999     | 2000
                00006 | 01009       | -            | 200000     | 2001
                00007 | 01011       | -            | 10000      | 200
                00008 | 01013       | -            | 9999       | 200
                00009 | 01015       | -            | 999        | 100
                00010 | 01017       | -            | -          | 100
                00011 | -           | -            | 600000     | 500
                00012 | 01001       | large metro  | 1          | 1
                00013 | 01019       | Frontier     | 60000      | 600
            """
        },
        expect={
            "core.zcta": """
                zcta  | county_type | is_county_type_derived
                # 1,200,001 people at 1,199 per square mile
                00001 | Large Metro | yes
                00002 | Large Metro | yes
                # 1,500 per square mile would do from half a million on
                00003 | Metro       | yes
                # 5,000 per square mile, whoever few
                00004 | Large Metro | yes
                # fewer than 200,000, and 99.9995 per square mile
                00005 | Micro       | yes
                00006 | Metro       | yes
                00007 | Micro       | yes
                00008 | Rural       | yes
                00009 | CEAC        | yes
                00010 | -           | no
                00011 | -           | no
                00012 | Large Metro | no
                00013 | Metro       | yes
            """
        },
    )


# Connecticut ------------------------------------------------------------------------------------------------------


def test_connecticut_finds_its_limits_under_both_of_its_codes(story):
    """Deserts 4.6: CMS names the counties of 2020 (09003), other sources the planning regions of 2022 (09110)."""
    story(
        given={
            "raw.adequacy_base": only("cardiology"),
            "raw.zcta": areas(
                area("06001", 0, "-", county_fips="09110"), area("06002", 10, "-", county_fips="09003"),
                area("06010", 20, "-", county_fips="09140"), area("06999", 30, "-", county_fips="09110"),
            ),
            "raw.connecticut_county": """
                zcta  | county_fips | planning_region_fips
                06001 | 09003       | 09110
                06002 | 09003       | 09110
                06010 | 09003       | 09140
            """,
            "raw.adequacy_standard": """
                county_fips | service    | standard_id | max_miles | max_minutes
                09003       | cardiology | HSD_2026    | 20        | 30
                09140       | cardiology | HSD_2026    | 35        | 50
            """,
        },
        expect="""
            zcta  | county_fips | threshold_miles | limit_source
            06001 | 09110       | 20              | county
            06002 | 09003       | 20              | county
            06010 | 09140       | 35              | county
            06999 | 09110       | -               | -
        """,
    )  # fmt: skip


# What is unknown --------------------------------------------------------------------------------------------------


def test_without_density_minutes_and_classes_are_unknown(story):
    """Interface 2: null, with a warning; a distance beyond the limit needs no minutes to be too far."""
    story(
        given={
            "raw.adequacy_base": only("primary_care", "retail_pharmacy"),
            "raw.zcta": areas(
                area("00001", 0, "-", county_type="Metro"), area("00002", 10, "-", county_type="Metro"),
                area("00003", 20, 500, land_sq_mi=0, county_type="Metro"), area("00004", 30, 500),
            ),
            "raw.provider": providers(PCP, ("a", 0, 9), ("b", 10, 11), ("c", 20, 9), ("d", 30, 1)),
            "raw.pharmacy": pharmacies(("p", 0, 1)),
        },
        expect={
            "facts.access": """
                zcta  | standard_id | nearest_minutes | threshold_miles | is_beyond_limit | is_desert | provider_count | is_borderline
                00001 | HSD_2026    | -               | 10              | no              | -         | -              | -
                00001 | PART_D      | -               | -               | -               | -         | -              | -
                00001 | QATO2014    | -               | -               | -               | -         | -              | -
                00001 | USC_NCPA    | -               | -               | -               | -         | -              | -
                00001 | WITT2024    | -               | -               | -               | -         | -              | -
                00002 | HSD_2026    | -               | 10              | yes             | yes       | -              | -
                00002 | PART_D      | -               | -               | -               | -         | -              | -
                00002 | QATO2014    | -               | -               | -               | -         | -              | -
                00002 | USC_NCPA    | -               | -               | -               | -         | -              | -
                00002 | WITT2024    | -               | -               | -               | -         | -              | -
                00003 | HSD_2026    | -               | 10              | no              | -         | -              | -
                00003 | PART_D      | -               | -               | -               | -         | -              | -
                00003 | QATO2014    | -               | -               | -               | -         | -              | -
                00003 | USC_NCPA    | -               | -               | -               | -         | -              | -
                00003 | WITT2024    | -               | -               | -               | -         | -              | -
                # The county is unknown, and so is its type: the limits are missing. 30 degrees are 2,072.803 miles.
                00004 | HSD_2026    | 7.040           | -               | -               | -         | -              | -
                00004 | PART_D      | 3404.797        | 15              | yes             | yes       | 0              | no
                00004 | QATO2014    | 3404.797        | -               | -               | -         | -              | -
                00004 | USC_NCPA    | 3404.797        | 10              | yes             | yes       | 0              | no
                00004 | WITT2024    | 3404.797        | 10              | yes             | -         | 0              | no
            """,
        },
    )  # fmt: skip


def test_warnings_count_what_is_unknown(story):
    story(
        given={
            "raw.zcta": areas(area("00001", 0, "-"), area("00002", 10, county_type="Metro", low_income="yes")),
            "raw.pharmacy": "npi | zip_code\na | 00001\nb | 99999",
            "raw.provider": "npi | taxonomy_code | zip_code | latitude | longitude\nc | x | - | - | -\nd | x | - | 1 | 1\ne | x | - | 1 | -",
            "raw.eligibility": "person_id | zip_code\nann | 00001\nbob | 99999\ncal | -",
            "core.medical_claim_removed": "",
            "core.pharmacy_claim_removed": "",
        },
        model="core.set_apart",
        expect={
            "core.set_apart": """
                source_table     | reason               | row_count
                discharge_notice | after_as_of          | 0
                discharge_notice | unlinked             | 0
                eligibility      | unknown_area         | 2
                medical_claim    | after_as_of          | 0
                medical_claim    | no_original          | 0
                medical_claim    | unlinked             | 0
                medical_claim    | withheld_part2       | 0
                member_preference | unlinked            | 0
                outreach_outcome | after_as_of          | 0
                outreach_outcome | unknown_outcome      | 0
                member_preference | unknown_channel     | 0
                member_consent   | unknown_scope        | 0
                outreach_outcome | unlinked             | 0
                pharmacy         | invalid_npi          | 2
                pharmacy         | unknown_place        | 1
                pharmacy_claim   | after_as_of          | 0
                pharmacy_claim   | invalid_npi          | 0
                pharmacy_claim   | unknown_ndc          | 0
                pharmacy_claim   | unknown_route        | 0
                pharmacy_claim   | unlinked             | 0
                pharmacy_claim   | unusable_days_supply | 0
                pharmacy_claim   | withheld_part2       | 0
                provider         | invalid_npi          | 3
                provider         | unknown_place        | 2
                zcta             | unknown_county_type  | 1
                zcta             | unknown_density      | 1
                zcta             | unknown_income       | 1
            """
        },
    )


def test_a_table_that_was_not_delivered_is_no_desert(story):
    """Without providers nothing is known of primary care; with providers of whom none serves it, nobody is near."""
    given = {
        "raw.adequacy_base": only("primary_care"),
        "raw.zcta": areas(area("00001", 0, 500, county_type="Metro")),
    }
    columns = (
        "nearest_npi | nearest_miles | is_beyond_limit | is_desert | is_borderline | provider_count | access_deficit"
    )
    story(given=given, expect=f"{columns}\n- | - | - | - | - | - | -")
    story(
        given=given | {"raw.provider": providers(RHEUMATOLOGIST, ("a", 0, 1))},
        expect=f"{columns}\n- | - | yes | yes | no | 0 | 1",
    )


# Uncertainty ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("miles", "is_borderline"), [(11.220, "no"), (11.221, "yes"), (15, "yes"), (18.779, "yes"), (18.780, "no")]
)
def test_near_the_limit_is_borderline(story, miles, is_borderline):
    """Deserts 3.1: 100 square miles are a circle of 5.642 miles; 0.67 of it, 3.780 miles, either side of 15."""
    story(
        given={
            "raw.adequacy_base": only("retail_pharmacy", standard="PART_D"),
            "raw.zcta": areas(area("00001", 0, 500, land_sq_mi=100)),
            "raw.pharmacy": pharmacies(("a", 0, miles)),
        },
        expect=f"uncertainty_miles | is_borderline\n3.780 | {is_borderline}",
    )


@pytest.mark.parametrize(("miles", "is_borderline"), [(2.9, "no"), (3.0, "yes"), (4.5, "yes"), (4.65, "yes")])
def test_near_the_minutes_is_borderline_too(story, miles, is_borderline):
    """The ten minutes of a large metro run out at 3.757 miles, and the model errs by 1.5 minutes on average (deserts 3.2).

    2.9 miles are 8.381 minutes, 3.0 are 8.57, 4.5 are 11.405; 4.65 miles are 11.69, but within 0.378 of five miles.
    """
    story(
        given={
            "raw.adequacy_base": only("primary_care"),
            "raw.zcta": areas(area("00001", 0, 5000, county_type="Large Metro")),
            "raw.provider": providers(PCP, ("a", 0, miles)),
        },
        expect=f"uncertainty_miles | is_borderline\n0.378 | {is_borderline}",
    )


def test_factors_of_settings(story):
    """Interface 3: circuity and congestion are settings. Deserts 3.2: congestion is for the densest areas."""
    story(
        circuity_factor=1.4,
        congestion_factor=1.3,
        given={
            "raw.adequacy_base": only("primary_care"),
            "raw.zcta": areas(
                area("00001", 0, 5000, county_type="Large Metro"), area("00002", 10, 4999, county_type="Large Metro"),
                area("00003", 20, 5000, county_type="CEAC"),
            ),
            "raw.provider": providers(PCP, ("a", 0, 2), ("b", 10, 3.572), ("c", 20, 42)),
        },
        # 1.3 * (2.9 + 1.89 * 2) = 8.684. 3.572 * 1.4 = 5.0008. 1.3 * (2.9 + 1.89 * 42) = 106.964; 42 * 1.4 = 58.8.
        expect="""
            zcta  | nearest_miles | nearest_minutes | is_beyond_limit | is_desert | reach_miles
            00001 | 2             | 8.684           | no              | no        | 2.535
            00002 | 3.572         | 10.251          | yes             | yes       | 3.439
            00003 | 42            | 106.964         | no              | yes       | 26.955
        """,
    )  # fmt: skip


# Pharmacy deserts of the literature -------------------------------------------------------------------------------


def test_pharmacy_deserts_take_density_vehicles_and_income(story):
    """Deserts 1.3, on ZCTAs. 0.0625 of households without a vehicle is low ownership; 5,000 people per square mile urban."""
    story(
        given={
            "raw.adequacy_base": only("retail_pharmacy"),
            "raw.zcta": areas(
                area("00001", 0, 5000, low_income="yes", vehicles=0.0624),
                area("00002", 10, 5000, low_income="yes", vehicles=0.0625),
                area("00003", 20, 5000, low_income="no", vehicles=0.0625),
                area("00004", 30, 4999, low_income="yes", vehicles=0),
                area("00005", 40, 999, low_income="yes", vehicles="-"),
            ),
            "raw.pharmacy": pharmacies(("a", 0, 0.9), ("b", 10, 0.9), ("c", 20, 0.9), ("d", 30, 3), ("e", 40, 11)),
        },
        expect="""
            zcta  | standard_id | area_class | limit_source | threshold_miles | is_beyond_limit | is_desert | method
            00001 | PART_D      | urban      | base         | 2               | no              | no        | modelled
            00001 | QATO2014    | urban      | base         | 1               | no              | no        | zcta_approximation
            00001 | USC_NCPA    | urban      | base         | 1               | no              | no        | zcta_approximation
            00001 | WITT2024    | urban      | base         | 1               | no              | no        | zcta_approximation
            00002 | PART_D      | urban      | base         | 2               | no              | no        | modelled
            00002 | QATO2014    | urban      | low_vehicle  | 0.5             | yes             | yes       | zcta_approximation
            00002 | USC_NCPA    | urban      | low_vehicle  | 0.5             | yes             | yes       | zcta_approximation
            00002 | WITT2024    | urban      | low_vehicle  | 0.5             | yes             | yes       | zcta_approximation
            # Not poor: the shorter limit is too far for WITT2024 and QATO2014, which make no desert of it; USC_NCPA does not shorten.
            00003 | PART_D      | urban      | base         | 2               | no              | no        | modelled
            00003 | QATO2014    | urban      | low_vehicle  | 0.5             | yes             | no        | zcta_approximation
            00003 | USC_NCPA    | urban      | base         | 1               | no              | no        | zcta_approximation
            00003 | WITT2024    | urban      | low_vehicle  | 0.5             | yes             | no        | zcta_approximation
            # QATO2014 was made for a city.
            00004 | PART_D      | urban      | base         | 2               | yes             | yes       | modelled
            00004 | QATO2014    | suburban   | -            | -               | -               | -         | zcta_approximation
            00004 | USC_NCPA    | suburban   | base         | 2               | yes             | yes       | zcta_approximation
            00004 | WITT2024    | suburban   | base         | 5               | no              | no        | zcta_approximation
            00005 | PART_D      | rural      | base         | 15              | no              | no        | modelled
            00005 | QATO2014    | rural      | -            | -               | -               | -         | zcta_approximation
            00005 | USC_NCPA    | rural      | base         | 10              | yes             | yes       | zcta_approximation
            00005 | WITT2024    | rural      | base         | 10              | yes             | yes       | zcta_approximation
        """,
    )


def test_unknown_income_decides_nothing(story):
    """Interface 3: null where a definition asks for incomes that are unknown; nobody lives where the population is 0."""
    story(
        given={
            "raw.adequacy_base": only("retail_pharmacy"),
            "raw.zcta": areas(
                area("00001", 0, 5000, vehicles=0.2), area("00002", 10, 5000, vehicles=0.2),
                area("00003", 20, 5000, vehicles=0.2), area("00004", 30, 0, low_income="yes"),
            ),
            "raw.pharmacy": pharmacies(("a", 0, 0.5), ("b", 10, 0.501), ("c", 20, 1.001), ("d", 30, 20)),
        },
        expect="""
            zcta  | standard_id | threshold_miles | undecided_miles | is_beyond_limit | is_desert
            00001 | PART_D      | 2               | -               | no              | no
            00001 | QATO2014    | 0.5             | -               | no              | -
            # Half a mile holds if incomes are low: not passed here, passed below, and passed with the whole mile after that.
            00001 | USC_NCPA    | 1               | 0.5             | no              | no
            00001 | WITT2024    | 0.5             | -               | no              | -
            00002 | PART_D      | 2               | -               | no              | no
            00002 | QATO2014    | 0.5             | -               | yes             | -
            00002 | USC_NCPA    | 1               | 0.5             | no              | -
            00002 | WITT2024    | 0.5             | -               | yes             | -
            00003 | PART_D      | 2               | -               | no              | no
            00003 | QATO2014    | 0.5             | -               | yes             | -
            00003 | USC_NCPA    | 1               | 0.5             | yes             | yes
            00003 | WITT2024    | 0.5             | -               | yes             | -
            00004 | PART_D      | 15              | -               | yes             | yes
            00004 | QATO2014    | -               | -               | -               | -
            00004 | USC_NCPA    | 10              | -               | yes             | -
            00004 | WITT2024    | 10              | -               | yes             | -
        """,
    )  # fmt: skip


# Supply -----------------------------------------------------------------------------------------------------------


def test_only_open_retail_pharmacies_in_the_network_count(story):
    """Deserts 4.6: any slot 3336C0003X or primary 333600000X. Interface 2: null is in network, closed from `closed_date` on."""
    story(
        given={
            "raw.adequacy_base": only("retail_pharmacy", standard="PART_D"),
            "raw.zcta": areas(area("00001", 0, 500)),
            "raw.pharmacy": """
                npi    | latitude | longitude | taxonomy_code         | in_network | opened_date | closed_date
                chain  | 0.01     | 0         | 3336C0003X            | -          | -           | -
                plain  | 0.02     | 0         | 333600000X            | yes        | -           | 2026-07-01
                said   | 0.03     | 0         | -                     | -          | -           | -
                both   | 0.04     | 0         | 3336L0003X;3336C0003X | -          | -           | -
                closed | 0        | 0         | 3336C0003X            | -          | -           | 2026-06-30
                future | 0        | 0         | 3336C0003X            | -          | 2026-07-01  | -
                other  | 0        | 0         | 3336C0003X            | no         | -           | -
                mail   | 0        | 0         | 3336M0002X            | -          | -           | -
                ltc    | 0        | 0         | 3336L0003X;333600000X | -          | -           | -
                clinic | 0        | 0         | 3336C0002X            | -          | -           | -
                tribal | 0        | 0         | 332800000X            | -          | -           | -
            """,
        },
        expect={
            "facts.access": "nearest_npi | provider_count | site_count\nchain | 4 | 4",
            "core.site": """
                service         | npi    | is_open | is_in_network | is_supply
                retail_pharmacy | both   | yes     | yes           | yes
                retail_pharmacy | chain  | yes     | yes           | yes
                retail_pharmacy | closed | no      | yes           | no
                retail_pharmacy | future | no      | yes           | no
                retail_pharmacy | other  | yes     | no            | no
                retail_pharmacy | plain  | yes     | yes           | yes
                retail_pharmacy | said   | yes     | yes           | yes
            """,
            # By NPI the sites are both, chain, closed, future, other, plain and said.
            "facts.nearest_site": """
                place | supplier_key | miles
                1     | 2            | 0.691
                2     | 6            | 1.382
                3     | 7            | 2.073
                4     | 1            | 2.764
            """,
        },
    )


def test_who_serves_what(story):
    """Deserts 2 and 4.6: primary care by the first taxonomy, without paediatrics; specialties by any; OB/GYN is 207V and 207VX0."""
    story(
        given={
            "raw.provider": """
                npi         | taxonomy_code         | accepts_new_patients | in_network
                internist   | 207R00000X            | no                   | -
                cardio      | 207RC0000X;207R00000X | -                    | -
                late-cardio | 207R00000X;207RI0011X | -                    | -
                child       | 208000000X            | -                    | -
                hospice     | 207QH0002X            | -                    | -
                sports      | 207QS0010X            | -                    | -
                weight      | 207QB0002X            | -                    | -
                adult       | 207QA0505X            | -                    | no
                np          | 363LF0000X            | -                    | -
                np-women    | 363LW0102X            | -                    | -
                obgyn       | 207V00000X            | -                    | -
                ob          | 207VX0000X            | -                    | -
                gyn         | 207VG0400X            | -                    | -
                onc         | 207RX0202X            | -                    | -
                psych       | 2084P0800X            | -                    | -
                neuro       | 2084N0400X            | -                    | -
                endo        | 207RE0101X            | -                    | -
                rheum       | 207RR0500X            | -                    | -
            """
        },
        expect={
            "core.site": """
                service       | npi         | is_accepting | is_in_network
                cardiology    | cardio      | yes          | yes
                cardiology    | late-cardio | yes          | yes
                endocrinology | endo        | yes          | yes
                ob_gyn        | ob          | yes          | yes
                ob_gyn        | obgyn       | yes          | yes
                oncology      | onc         | yes          | yes
                primary_care  | adult       | yes          | no
                primary_care  | internist   | no           | yes
                primary_care  | late-cardio | yes          | yes
                primary_care  | np          | yes          | yes
                psychiatry    | psych       | yes          | yes
                rheumatology  | rheum       | yes          | yes
            """
        },
    )


def test_npis_and_addresses_are_counted_once(story):
    """Deserts 4.6: NPIs count, addresses are counted beside them. Ties fall to the lower NPI; who takes nobody new counts."""
    story(
        given={
            "raw.adequacy_base": only("rheumatology"),
            "raw.zcta": areas(area("00001", 0, 500, county_type="Metro")),
            "raw.provider": f"""
                npi | taxonomy_code    | latitude   | longitude | site_id | accepts_new_patients
                # Two at one address, and one of them at a second, nearer than the first.
                a   | {RHEUMATOLOGIST} | {north(9)} | 0         | s1      | no
                b   | {RHEUMATOLOGIST} | {north(9)} | 0         | s1      | -
                a   | {RHEUMATOLOGIST} | {north(4)} | 0         | s2      | -
                # As far to the south: the lower NPI is the nearest.
                c   | {RHEUMATOLOGIST} | -{north(4)} | 0        | -       | -
                # Too far.
                d   | {RHEUMATOLOGIST} | {north(50)} | 0        | s3      | -
                b   | {RHEUMATOLOGIST} | {north(50)} | 0        | s3      | -
            """,
        },
        expect={
            "facts.access": "nearest_npi | nearest_miles | provider_count | site_count\na | 4 | 3 | 3",
            "core.site": """
                site_row | supplier_key | npi
                1        | 1            | a
                2        | 1            | a
                3        | 3            | b
                4        | 3            | b
                5        | 5            | c
                6        | 6            | d
            """,
            "facts.nearest_site": "place | supplier_key | miles\n1 | 1 | 4\n2 | 5 | 4\n3 | 3 | 9\n4 | 6 | 50",
        },
    )


def test_pharmacies_at_one_street_are_one_address(story):
    """Deserts 2: normalised address and ZIP code; without a street the coordinates, without these the NPI."""
    story(
        given={
            "raw.adequacy_base": only("retail_pharmacy", standard="PART_D"),
            "raw.zcta": areas(area("00001", 0, 500)),
            "raw.pharmacy": """
                npi | zip_code | address        | site_id | latitude | longitude
                a   | 00001    | 1 Main St.     | -       | -        | -
                b   | 00001    | 1  MAIN ST     | -       | -        | -
                c   | 00002    | 1 Main St      | -       | 0        | 0
                d   | 00001    | -              | -       | 0.01     | 0
                e   | 00001    | -              | -       | 0.01     | 0
                f   | 00001    | -              | -       | -        | -
                g   | 00001    | -              | -       | -        | -
                h   | 00001    | 9 Side Street  | mall    | -        | -
                i   | 00001    | 11 Side Street | mall    | -        | -
            """,
        },
        expect="provider_count | site_count\n9 | 6",
    )


def test_a_zip_code_that_is_no_zcta(story):
    """Deserts 2: a post office box lies in a ZCTA of another number; a ZIP code that no table knows has no place."""
    story(
        given={
            "raw.adequacy_base": only("retail_pharmacy", standard="PART_D"),
            "raw.zcta": areas(area("00601", 0, 500), area("02138", 10, 500)),
            "raw.zip_zcta": """
                zip_code | zcta
                00602    | 00601
                02138    | 00601
                02139    | 99998
            """,
            "raw.pharmacy": """
                npi | zip_code | latitude | longitude
                box | 00602    | -        | -
                own | 02138    | -        | -
                odd | 02139    | -        | -
                # Half a pair of coordinates is none.
                bad | 02138    | 55       | -
            """,
        },
        expect={
            "facts.access": """
                zcta  | nearest_npi | nearest_miles | provider_count
                00601 | box         | 0             | 1
                02138 | bad         | 0             | 2
            """,
            "core.site": """
                npi | latitude | longitude | is_supply
                bad | 0        | 10        | yes
                box | 0        | 0         | yes
                odd | -        | -         | no
                own | 0        | 10        | yes
            """,
            "core.zip_area": "zip_code | zcta\n00601 | 00601\n00602 | 00601\n02138 | 02138",
        },
    )


# How far is too far -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("miles", "deficit"),
    [
        (15, "0"),
        # 1 - exp(-(16.5 / 15 - 1))
        (16.5, "0.0952"),
        (30, "0.6321"),
        (3000, "1"),
    ],
)
def test_the_deficit_grows_from_nothing_to_one(story, miles, deficit):
    """Deserts 4.3: 1 - exp(-excess), the excess over the limit in limits."""
    story(
        given={
            "raw.adequacy_base": only("retail_pharmacy", standard="PART_D"),
            "raw.zcta": areas(area("00001", 0, 500)),
            "raw.pharmacy": pharmacies(("a", 0, miles)),
        },
        expect=f"access_deficit\n{deficit}",
    )


def test_the_deficit_takes_the_worse_of_miles_and_minutes(story):
    """Four miles are 10.46 minutes in the densest areas: 1.046 of ten minutes, 0.8 of five miles."""
    story(
        given={
            "raw.adequacy_base": only("primary_care"),
            "raw.zcta": areas(area("00001", 0, 5000, county_type="Large Metro")),
            "raw.provider": providers(PCP, ("a", 0, 4)),
        },
        expect="is_desert | is_beyond_limit | access_deficit\nyes | no | 0.0450",
    )
