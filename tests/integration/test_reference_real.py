"""Real public files become reference tables: every number below is published, or was counted in the files themselves.

Published: the domain page deserts, sections 1.1 and 5. Counted: with `wc -l`, awk or SQL on the file alone.
"""

from __future__ import annotations

import csv
from pathlib import Path

import duckdb
import pytest

from assets.engine import ingest
from assets.engine.contract import CONTRACTS
from assets.engine.layout import read_layout
from assets.engine.model import ROOT
from assets.engine.reference_files.build import TABLES
from assets.engine.reference_files.hsd import SERVICES
from tests.reference_downloads import Built

REAL = ROOT.parent / "shared" / "data" / "reference"

pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="no ../shared/data with reference beside the repository")

PHARMACIES = "nppes_pharmacy_orgs_2025_partial.parquet"


def built(tmp_path_factory: pytest.TempPathFactory, *names: str) -> Built:
    """Tables from some of the real files."""
    folder = tmp_path_factory.mktemp("downloads")
    for name in names:
        (folder / name).symlink_to(REAL / name)
    return Built(folder, tmp_path_factory.mktemp("reference"))


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Tables from all of them, the sample of NPPES aside, whose NPIs are among the pharmacies too."""
    names = sorted(path.name for path in REAL.iterdir() if path.name != "nppes_sample_orgs_188.csv")
    return built(tmp_path_factory, *names)


def real_file(name: str) -> str:
    """A file as SQL reads it, values as text."""
    path = REAL / name
    return f"read_parquet('{path}')" if path.suffix == ".parquet" else f"read_csv('{path}', all_varchar = true)"


def query(sql: str) -> list[tuple]:
    with duckdb.connect(config={"threads": 2}) as con:
        return con.execute(sql).fetchall()


def test_every_source_is_found_and_the_rest_is_named(real: Built) -> None:
    for name, rows in {
        PHARMACIES: "53,435", "hsd2026_county.csv": "3,262", "hsd2026_county_time_distance.parquet": "140,266",
        "hsd2026_min_provider.parquet": "94,598", "zcta_centroid.csv": "33,791", "zcta_primary_county_2020.csv": "33,792",
        "zcta_population_acs2023.csv": "33,772", "zip_to_zcta_2015_uds.csv": "41,270",
        "hud_zip_county_062025.csv": "54,559", "RUCA2010zipcode.csv": "41,164", "SVI_2022_US_county.csv": "3,144",
    }.items():  # fmt: skip
        assert real.told(f"{name}: ").endswith(f", {rows} rows")
    unknown = real.told("Not known, not read")
    assert unknown.count(",") == 8
    assert "geoda_FQHC_geocoded.csv" in unknown
    assert not [line for line in real.said if "refused by the reader" in line or "unclosed quote" in line]


def test_county_types_are_those_of_cms(real: Built) -> None:
    assert real.told("Large Metro 84, Metro 763, Micro 763, Rural 1,074, CEAC 578")
    assert real.rows("zcta", "count(*)", "county_type is null") == [(0,)]


def test_county_type_rule_agrees_with_cms_but_for_newer_populations(
    real: Built, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ruled = built(tmp_path_factory, "zcta_primary_county_2020.csv", "SVI_2022_US_county.csv")
    mine = dict(ruled.rows("zcta", "distinct county_fips, county_type", "county_type is not null and state <> 'CT'"))
    official = dict(real.rows("zcta", "distinct county_fips, county_type"))
    shared = mine.keys() & official.keys()
    agreed = sum(mine[county] == official[county] for county in shared)
    # Deserts 1.1: 98.0 % of 3,133 counties. Connecticut's planning regions have no official type.
    assert len(shared) > 3_100
    assert agreed / len(shared) == pytest.approx(0.98, abs=0.002)


def test_minimum_number_formula_holds_in_every_cell_of_cms() -> None:
    # 42 CFR 422.116(e) on all 29 specialties: ratio * beneficiaries / 1,000, rounded up, at least one.
    [(cells, equal)] = query(
        f"""select count(*), count(*) filter (where greatest(1, ceil(
                (ratio.min_ratio_per_1000::decimal(6, 2) * 100)::bigint
                * county.beneficiaries_required_to_cover::bigint / 100000.0)) = minimum.min_count::integer)
        from {real_file("hsd2026_min_provider.parquet")} as minimum
        inner join {real_file("hsd2026_county.csv")} as county using (ssa_code)
        inner join {real_file("hsd2026_base_criteria.csv")} as ratio
            on ratio.hsd_code = minimum.hsd_code and ratio.county_type = county.county_type"""
    )
    assert (cells, equal) == (94_598, 94_598)


def test_minimum_numbers_follow_without_cms_s_table(real: Built, tmp_path_factory: pytest.TempPathFactory) -> None:
    without = built(
        tmp_path_factory, "hsd2026_county.csv", "hsd2026_county_time_distance.parquet", "zcta_population_acs2023.csv"
    )
    columns = "county_fips, service, max_miles, max_minutes, min_count"
    assert without.rows("adequacy_standard", columns) == real.rows("adequacy_standard", columns)


def test_limits_are_cms_s_and_never_tighter_than_the_base(real: Built) -> None:
    base = {
        (row["service"], row["area_class"]): (float(row["max_miles"]), float(row["max_minutes"]))
        for row in csv.DictReader((CONTRACTS / "reference" / "adequacy_base.csv").open(encoding="utf-8"))
        if row["standard_id"] == "HSD_2026"
    }
    codes = ", ".join(f"'{code}'" for code in SERVICES)
    published = query(
        "select hsd_code, county_type, max_distance_mi::double, max_time_min::double from "
        f"{real_file('hsd2026_base_criteria.csv')} where hsd_code in ({codes})"
    )
    assert {(SERVICES[code], kind): (miles, minutes) for code, kind, miles, minutes in published} == base
    types = dict(real.rows("zcta", "distinct county_fips, county_type", "county_fips is not null and state <> 'CT'"))
    cells = looser = 0
    for county, service, miles, minutes in real.rows(
        "adequacy_standard", "county_fips, service, max_miles, max_minutes"
    ):
        if county in types:
            least = base[service, types[county]]
            assert miles >= least[0], (county, service)
            assert minutes >= least[1], (county, service)
            cells += 1
            looser += (miles, minutes) != least
    # Deserts 1.1: 7,557 of 140,266 cells over all specialties.
    assert cells > 22_000
    assert 0.03 < looser / cells < 0.08


def test_every_county_has_its_limits(real: Built) -> None:
    # 3,262 SSA codes, 42 of them without a FIPS code: Los Angeles twice, islands that share a code or have several.
    assert real.told("42 SSA counties without a FIPS code, filled")
    for county in ("46102", "02158", "06037", "66010", "78020", "78030", "69110", "60050"):
        assert real.rows("adequacy_standard", "count(*)", f"county_fips = '{county}'") == [(7,)], county
    counties = {county for (county,) in real.rows("adequacy_standard", "distinct county_fips")}
    assert not {county for (county,) in real.rows("zcta", "distinct county_fips")} - counties


def test_connecticut_joins_under_both_names(real: Built) -> None:
    told = real.rows("zcta", "zcta, county_fips, planning_region_fips, svi, county_type", "state = 'CT'")
    assert len(told) == 288
    assert {county for _, county, *_ in told} == {f"090{n:02d}" for n in range(1, 16, 2)}
    assert {region for _, _, region, *_ in told} == {f"091{n}0" for n in range(1, 10)}
    assert all(svi is not None and kind for *_, svi, kind in told)
    limits = {c for (c,) in real.rows("adequacy_standard", "distinct county_fips", "county_fips like '09%'")}
    assert limits == {c for _, county, region, *_ in told for c in (county, region)}
    # No other state has regions.
    assert real.rows("zcta", "count(*)", "planning_region_fips is not null") == [(288,)]


def test_zctas_and_their_people(real: Built) -> None:
    # 19 ZCTAs of the points have no population: Guam, Samoa and the other islands that the survey leaves out.
    assert real.rows("zcta", "count(*), count(population), count(svi), count(ruca)") == [
        (33_791, 33_772, 33_642, 33_774)
    ]
    [(people,)] = real.rows("zcta", "sum(population)")
    assert people == 335_555_510
    # An Adjuntas ZCTA, Harvard Square, and the westernmost of the Aleutians.
    assert real.rows("zcta", "zcta, state, county_fips, ruca", "zcta in ('00601', '02138', '99546')") == [
        ("00601", "PR", "72001", 4), ("02138", "MA", "25017", 1), ("99546", "AK", "02016", 10),
    ]  # fmt: skip
    assert real.rows("zcta", "count(*)", "svi < 0 or svi > 1 or households_without_vehicle > 1") == [(0,)]


def test_pharmacies(real: Built) -> None:
    # 53,435 organisations, of which four practise abroad; TEXAS and PUERTO RICO are states by name.
    assert real.rows("pharmacy", "count(*), count(distinct npi)") == [(53_431, 53_431)]
    assert real.told("abroad or in no known state").startswith("4 ")
    assert real.told("reactivated").startswith("77 ")
    kinds = "taxonomy_code like '%3336C0003X%' or taxonomy_code like '333600000X%'"
    [(retail, sites)] = real.rows("pharmacy", "count(*), count(distinct site_id)", kinds)
    # Deserts 2: about 8 % of retail NPIs share an address and ZIP code with another.
    assert retail > 43_000
    assert 0.07 < 1 - sites / retail < 0.11
    # Deserts 2: next to none of them lie in a ZIP code without a place.
    assert real.told("pharmacies in ZIP codes without a place").startswith("18 ")
    assert real.rows("pharmacy", "count(*)", "length(zip_code) <> 5 or length(state) <> 2") == [(0,)]
    [(with_zeros,)] = real.rows("pharmacy", "count(*)", "zip_code like '0%'")
    assert with_zeros > 3_000


def test_nppes_sample_that_a_spreadsheet_saved(tmp_path_factory: pytest.TempPathFactory) -> None:
    made = built(tmp_path_factory, "nppes_sample_orgs_188.csv")
    assert made.told("nppes_sample_orgs_188.csv").endswith("NPPES dissemination file, 188 rows")
    # ZIP codes such as 276015210.0 and entity types such as 2.0.
    assert made.told("practice ZIP codes repaired").startswith("30 ")
    rows = made.rows("pharmacy", "npi, zip_code, state")
    assert rows
    assert all(len(zip_code) == 5 for _, zip_code, _ in rows)


def test_door_takes_the_real_tables(real: Built, tmp_path: Path) -> None:
    tables = set(TABLES) - {"provider"}
    inputs = ingest.find_inputs(read_layout("tuva"), tmp_path, real.output)
    with duckdb.connect(config={"threads": 2}) as con:
        for table in sorted(tables):
            [(expected,)] = real.rows(table, "count(*)")
            assert ingest.load_table(con, ingest.input_contracts()[table], inputs, tmp_path) == expected, table
            assert con.execute(f"select count(*) from door.{table}_rejected").fetchall() == [(0,)]
