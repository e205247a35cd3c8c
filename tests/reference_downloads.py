"""Made-up downloads with the real headers: tiny files as CMS, Census, HUD, HRSA, CDC and USDA publish them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import xlsxwriter

from assets.engine.reference_files.build import build_reference

PRACTICE = "Provider Business Practice Location Address"
NPPES_HEADER = [
    "NPI", "Entity Type Code", "Replacement NPI", "Employer Identification Number (EIN)",
    "Provider Organization Name (Legal Business Name)", "Provider Last Name (Legal Name)", "Provider First Name",
    "Provider Middle Name", "Provider Name Prefix Text", "Provider Name Suffix Text", "Provider Credential Text",
    "Provider Other Organization Name", "Provider Other Organization Name Type Code",
    *(f"Provider {name}" for name in (
        "Other Last Name", "Other First Name", "Other Middle Name", "Other Name Prefix Text", "Other Name Suffix Text",
        "Other Credential Text", "Other Last Name Type Code",
    )),
    *(f"Provider {line} Business {kind} Address" for kind in ("Mailing",) for line in ("First Line", "Second Line")),
    *(f"Provider Business Mailing Address {name}" for name in (
        "City Name", "State Name", "Postal Code", "Country Code (If outside U.S.)", "Telephone Number", "Fax Number",
    )),
    "Provider First Line Business Practice Location Address", "Provider Second Line Business Practice Location Address",
    *(f"{PRACTICE} {name}" for name in (
        "City Name", "State Name", "Postal Code", "Country Code (If outside U.S.)", "Telephone Number", "Fax Number",
    )),
    "Provider Enumeration Date", "Last Update Date", "NPI Deactivation Reason Code", "NPI Deactivation Date",
    "NPI Reactivation Date", "Provider Sex Code",
    *(f"Authorized Official {name}" for name in (
        "Last Name", "First Name", "Middle Name", "Title or Position", "Telephone Number",
    )),
    *(name for i in range(1, 16) for name in (
        f"Healthcare Provider Taxonomy Code_{i}", f"Provider License Number_{i}",
        f"Provider License Number State Code_{i}", f"Healthcare Provider Primary Taxonomy Switch_{i}",
    )),
    *(name for i in range(1, 51) for name in (
        f"Other Provider Identifier_{i}", f"Other Provider Identifier Type Code_{i}",
        f"Other Provider Identifier State_{i}", f"Other Provider Identifier Issuer_{i}",
    )),
    "Is Sole Proprietor", "Is Organization Subpart", "Parent Organization LBN", "Parent Organization TIN",
    *(f"Authorized Official {name}" for name in ("Name Prefix Text", "Name Suffix Text", "Credential Text")),
    *(f"Healthcare Provider Taxonomy Group_{i}" for i in range(1, 16)),
    "Certification Date",
]  # fmt: skip
SECOND = "Provider Secondary Practice Location Address"
LOCATION_HEADER = [
    "NPI", f"{SECOND}- Address Line 1", f"{SECOND}-  Address Line 2", f"{SECOND} - City Name", f"{SECOND} - State Name",
    f"{SECOND} - Postal Code", f"{SECOND} - Country Code (If outside U.S.)", f"{SECOND} - Telephone Number",
    f"{SECOND} - Telephone Extension", "Provider Practice Location Address - Fax Number",
]  # fmt: skip
# The header of 2026 and its trailing comma.
HPSA_HEADER = [
    "HPSA Name", "HPSA ID", "Designation Type", "HPSA Discipline Class", "HPSA Score", "PC MCTA Score",
    "Primary State Abbreviation", "HPSA Status", "HPSA Designation Date", "HPSA Designation Last Update Date",
    "Metropolitan Indicator", "HPSA Geography Identification Number", "HPSA Degree of Shortage", "Withdrawn Date",
    "HPSA FTE", "HPSA Designation Population", "% of Population Below 100% Poverty", "HPSA Formal Ratio",
    "HPSA Population Type", "Rural Status", "Longitude", "Latitude", "BHCMIS Organization Identification Number",
    "Common County Name", "Common State County FIPS Code", "HPSA Component Name", "HPSA Component Type Code",
    "HPSA Component Type Description", "HPSA Estimated Underserved Population", "HPSA Shortage", "HPSA Status Code",
    "State and County Federal Information Processing Standard Code", "Data Warehouse Record Create Date", "",
]  # fmt: skip
MUA_HEADER = [
    "MUA/P ID", "MUA/P Area Code", "MUA/P Service Area Name", "Designation Type Code", "Designation Type",
    "MUA/P Status Code", "MUA/P Status Description", "Designation Date", "IMU Score", "Population Type",
    "Medically Underserved Area/Population (MUA/P) Component Geographic Type Code", "State FIPS Code",
    "State and County Federal Information Processing Standard Code", "County Description",
    "County Subdivision FIPS Code", "Census Tract", "",
]  # fmt: skip
SVI_HEADER = [
    "ST", "STATE", "ST_ABBR", "STCNTY", "COUNTY", "FIPS", "LOCATION", "AREA_SQMI", "E_TOTPOP", "E_NOVEH", "EP_NOVEH",
    "RPL_THEME1", "RPL_THEMES", "F_TOTAL",
]  # fmt: skip
TAB20_HEADER = [
    "OID_ZCTA5_20", "GEOID_ZCTA5_20", "NAMELSAD_ZCTA5_20", "AREALAND_ZCTA5_20", "AREAWATER_ZCTA5_20", "MTFCC_ZCTA5_20",
    "CLASSFP_ZCTA5_20", "FUNCSTAT_ZCTA5_20", "OID_COUNTY_20", "GEOID_COUNTY_20", "NAMELSAD_COUNTY_20",
    "AREALAND_COUNTY_20", "AREAWATER_COUNTY_20", "MTFCC_COUNTY_20", "CLASSFP_COUNTY_20", "FUNCSTAT_COUNTY_20",
    "AREALAND_PART", "AREAWATER_PART",
]  # fmt: skip
HUD_HEADER = [
    "ZIP", "COUNTY", "USPS_ZIP_PREF_CITY", "USPS_ZIP_PREF_STATE", "RES_RATIO", "BUS_RATIO", "OTH_RATIO", "TOT_RATIO",
]  # fmt: skip
UDS_HEADER = ["ZIP_CODE", "PO_NAME", "STATE", "ZIP_TYPE", "ZCTA", "zip_join_type"]
SQ_M = 2_589_988.110336


def csv_text(
    header: Sequence[str], rows: Iterable[Mapping[str, Any]], delimiter: str = ",", *, quote_all: bool = False
) -> str:
    """Rows by column name as a CSV file; columns that a row does not name are empty."""
    stream = io.StringIO()
    quoting = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n", quoting=quoting)
    writer.writerow(header)
    for row in rows:
        assert set(row) <= set(header), set(row) - set(header)
        writer.writerow([row.get(name, "") for name in header])
    return stream.getvalue()


def npi(number: int, taxonomy: str = "207Q00000X", entity: int = 1, **more: str) -> dict[str, str]:
    """A row of the dissemination file; keywords are short for its longest names."""
    short = {
        "zip_code": f"{PRACTICE} Postal Code",
        "state": f"{PRACTICE} State Name",
        "country": f"{PRACTICE} Country Code (If outside U.S.)",
        "street": "Provider First Line Business Practice Location Address",
        "deactivated": "NPI Deactivation Date",
        "reactivated": "NPI Reactivation Date",
        "updated": "Last Update Date",
        "org": "Provider Organization Name (Legal Business Name)",
        "dba": "Provider Other Organization Name",
    }
    row = {
        "NPI": str(number),
        "Entity Type Code": str(entity),
        "Healthcare Provider Taxonomy Code_1": taxonomy,
        "Healthcare Provider Primary Taxonomy Switch_1": "Y",
        "Last Update Date": "07/08/2024",
        **{short[name]: value for name, value in {
            "zip_code": "787010000", "state": "TX", "country": "US", "street": "1 MAIN ST",
        }.items()},
    }  # fmt: skip
    return row | {short.get(name, name): value for name, value in more.items()}


def gone(number: int, day: str) -> dict[str, str]:
    """A deactivated NPI: CMS blanks everything but number and dates."""
    return {"NPI": str(number), "NPI Deactivation Date": day}


def nppes(*rows: Mapping[str, str], header: Sequence[str] = NPPES_HEADER) -> str:
    """The dissemination file."""
    return csv_text(header, rows, quote_all=True)


def tab20(*rows: tuple[str, str, float, float]) -> bytes:
    """Census ZCTA to county: (ZCTA, county, square miles of the part, of the ZCTA)."""
    text = csv_text(
        TAB20_HEADER,
        [
            {
                "GEOID_ZCTA5_20": zcta, "GEOID_COUNTY_20": county, "NAMELSAD_COUNTY_20": "X County",
                "AREALAND_PART": round(part * SQ_M), "AREALAND_ZCTA5_20": round(whole * SQ_M) if whole else "",
            }
            for zcta, county, part, whole in rows
        ],
        "|",
    )  # fmt: skip
    return b"\xef\xbb\xbf" + text.encode()


def workbook(path: Path, **sheets: Sequence[Sequence[Any]]) -> None:
    """An xlsx file of plain rows."""
    with xlsxwriter.Workbook(path) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for at, row in enumerate(rows):
                sheet.write_row(at, 0, row)


def hsd_workbook(path: Path, counties: Sequence[tuple[str, str, str, str, int]]) -> None:
    """CMS's workbook, three header rows and merged pairs: counties as (name, state, SSA code, type, beneficiaries).

    Limits and minimum numbers follow from the position of the county, so that a mixed-up row shows.
    """
    specialties = [("Primary Care", "S03"), ("Cardiology", "008"), ("Gynecology, OB/GYN (see Notes)", "016")]
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("Master").write(0, 0, "Base time and distance")
        minima = book.add_worksheet("Minimum Provider #s")
        minima.write(0, 0, "Minimum number of providers; see Notes")
        heads = ["COUNTY", "ST", "COUNTY_STATE", "SSACD", "TOTAL BENEFICIARIES", "COUNTY DESIGNA-TION",
                 "95th PERCENTILE BASE POPULATION RATIO", "BENEFICIARIES REQUIRED TO COVER"]  # fmt: skip
        # The primary care codes that S03 sums have no numbers of their own.
        minima.write_row(1, 0, [*heads, "General Practice", *(name for name, _ in specialties)])
        minima.write_row(2, 0, [""] * 8 + ["001", *(code for _, code in specialties)])
        times = book.add_worksheet("Provider Time & Distance")
        times.write(0, 0, "Maximum time (minutes) and distance (miles)")
        for at, name in enumerate(["COUNTY", "ST", "COUNTY_STATE", "SSACD", "COUNTY DESIGNA-TION"]):
            times.write(1, at, name)
        for at, (name, code) in enumerate(specialties):
            column = 5 + 2 * at
            times.merge_range(1, column, 1, column + 1, name)
            times.merge_range(2, column, 2, column + 1, code)
            times.write_row(3, column, ["Time", "Distance"])
        facilities = book.add_worksheet("Facility Time & Distance")
        facilities.write_row(2, 5, [40, "", 41, ""])
        for at, (name, state, ssa, kind, people) in enumerate(counties):
            minima.write_row(3 + at, 0, [name, state, f"{name}, {state}", ssa, people, kind, 0.1, people // 10])
            minima.write_row(3 + at, 8, ["", 10 + at, 20 + at, 30 + at])
            times.write_row(4 + at, 0, [name, state, f"{name}, {state}", ssa, kind])
            times.write_row(4 + at, 5, [10 + at, 5 + at, 20 + at, 10 + at, 30 + at, 15 + at])


class Built:
    """What `caregaps reference` made of a folder, and what it said."""

    def __init__(self, folder: Path, output: Path) -> None:
        self.output = output
        # A test's folder has the test's name.
        self.said = [line.replace(str(folder.parent), "") for line in build_reference(folder, output)]

    def rows(self, table: str, columns: str, where: str = "true") -> list[tuple[Any, ...]]:
        """Rows of a table that was written."""
        with duckdb.connect(config={"threads": 1}) as con:
            source = f"read_parquet('{self.output / table}.parquet')"
            return con.execute(f"select {columns} from {source} where {where} order by all").fetchall()

    def told(self, words: str) -> str:
        """The one line that has these words, without its indent."""
        [line] = [line for line in self.said if words in line]
        return line.strip()
