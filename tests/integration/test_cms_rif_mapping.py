"""Layout `cms_rif`: real RIF files become the canonical tables that a person counting in the files would expect.

Expected numbers come from the files, never from the queries: rows with `awk 'END {print NR - 1}'`, values with
`csv.DictReader` over one file at a time. Each test says what was counted. Dates, NDCs and amounts are still text here;
the typed door reads them later.
"""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CLAIMS = ROOT.parent / "shared" / "data" / "claims"
SQL = ROOT / "sql" / "cms_rif"
SOURCES = yaml.safe_load((ROOT / "data_contracts" / "layouts" / "cms_rif.yaml").read_text(encoding="utf-8"))["sources"]

real_files = pytest.mark.skipif(
    not (CLAIMS / "cms_rif").is_dir(), reason="no ../shared/data/claims/cms_rif beside the repository"
)


def header_of(path: Path) -> list[str]:
    """Column names of a file, upper case, without a byte order mark."""
    with path.open(encoding="utf-8-sig") as file:
        return file.readline().rstrip("\n").upper().split("|")


def files_of(folder: Path, source: str) -> list[Path]:
    """The files of a source in a folder, in name order."""
    excluded = {path for pattern in SOURCES[source].get("exclude", []) for path in folder.glob(pattern)}
    return sorted({path for pattern in SOURCES[source]["files"] for path in folder.glob(pattern)} - excluded)


def load(folder: Path) -> duckdb.DuckDBPyConnection:
    """Read every source of a folder as the layout says; a source without files is an empty table."""
    con = duckdb.connect()
    con.execute("set threads = 1; create schema cms_rif")
    for source, described in SOURCES.items():
        columns = ", ".join(f"{column} varchar" for column in described["columns"])
        con.execute(f"create table cms_rif.{source} ({columns}, source_file varchar, line_number bigint)")
        for path in files_of(folder, source):
            header = header_of(path)
            found = {c: next((a for a in names if a in header), None) for c, names in described["columns"].items()}
            assert all(found[column] for column in described["required"]), path.name
            values = ", ".join(f"nullif(trim(\"{alias}\"), '')" if alias else "null" for alias in found.values())
            con.execute(
                f"insert into cms_rif.{source} select {values}, '{path.name}', row_number() over () + 1 from read_csv("
                f"'{path}', delim = '|', quote = '', escape = '', header = false, skip = 1, auto_detect = false, "
                f"columns = {dict.fromkeys(header, 'VARCHAR')})"
            )
    return con


def mapped(con: duckdb.DuckDBPyConnection, table: str) -> list[dict[str, str]]:
    """Rows of a canonical table, by column."""
    result = con.execute((SQL / f"{table}.sql").read_text(encoding="utf-8"))
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def written(folder: Path, name: str, *rows: dict[str, str]) -> None:
    """Write a file with the columns that matter to a test."""
    header = list(dict.fromkeys(column for row in rows for column in row))
    lines = ["|".join(header), *("|".join(row.get(column, "") for column in header) for row in rows)]
    (folder / name).write_text("\ufeff" + "\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def bfd() -> duckdb.DuckDBPyConnection:
    """The three BFD members with all claim types."""
    return load(CLAIMS / "cms_rif")


@pytest.fixture(scope="module")
def puf(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """The 10,000 members of the public enrolment file, under the name that the layout expects."""
    folder = tmp_path_factory.mktemp("puf")
    shutil.copyfile(CLAIMS / "cms_synthetic_puf_beneficiary_2025.csv", folder / "beneficiary_2025.csv")
    return load(folder)


@pytest.fixture(scope="module")
def handmade(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """BFD's hand-made samples, one row each, under the names that the layout expects."""
    folder = tmp_path_factory.mktemp("handmade")
    for path in (CLAIMS / "cms_rif_static").glob("sample-a-*.txt"):
        name = (
            path.stem.removeprefix("sample-a-").replace("bcarrier", "carrier").replace("beneficiaries", "beneficiary")
        )
        shutil.copyfile(path, folder / f"{name}.csv")
    return load(folder)


def test_claim_sources_share_their_columns() -> None:
    """medical_claim stacks seven sources by position."""
    lists = {tuple(SOURCES[s]["columns"]) for s in SOURCES if s not in {"beneficiary", "pde"}}
    assert len(lists) == 1


@real_files
def test_every_alias_is_a_header_of_some_real_file() -> None:
    """A misspelt alias would silently read as a column that is never there."""
    paths = [*(CLAIMS / "cms_rif").glob("*.csv"), *(CLAIMS / "cms_rif_static").glob("*.txt")]
    known = {name for path in [*paths, CLAIMS / "cms_synthetic_puf_beneficiary_2025.csv"] for name in header_of(path)}
    named = {alias for source in SOURCES.values() for names in source["columns"].values() for alias in names}
    assert named - known == set()


@real_files
def test_every_row_of_every_file_is_read(bfd: duckdb.DuckDBPyConnection) -> None:
    """Counted with awk 'END {print NR - 1}'; beneficiaries are 11 files of 3, without beneficiary_history.csv."""
    counted = {s: bfd.execute(f"select count(*) from cms_rif.{s}").fetchall()[0][0] for s in SOURCES}
    assert counted == {
        "beneficiary": 33,
        "pde": 18,
        "carrier": 221,
        "dme": 1,
        "inpatient": 16,
        "outpatient": 19,
        "snf": 67,
        "hha": 15,
        "hospice": 8,
    }


@real_files
def test_spans_are_runs_of_months_with_a_contract(bfd: duckdb.DuckDBPyConnection) -> None:
    """Contracts were listed with csv.DictReader, twelve months a row.

    -1000006 and -1000014 have one in every month of 2011 to 2020 and in January to May 2021. -1000018 has none in
    2011 to 2013, 2017 and 2019; December only in 2014; all of 2015, 2016 and 2020; January to May 2021, changing
    contract after January. beneficiary_2018.csv is beneficiary_2019.csv again (`diff`), with 2019 as its year: nobody
    has 2018, and the two rows of 2019 come twice.
    """
    spans = Counter(
        (r["person_id"], r["enrollment_start_date"], r["enrollment_end_date"]) for r in mapped(bfd, "eligibility")
    )
    full = [2011, 2012, 2013, 2014, 2015, 2016, 2017, 2019, 2019, 2020]
    expected = Counter((p, f"{y}-01-01", f"{y}-12-31") for p in ("-1000006", "-1000014") for y in full)
    expected += Counter(("-1000018", f"{y}-01-01", f"{y}-12-31") for y in (2015, 2016, 2020))
    expected += Counter([("-1000018", "2014-12-01", "2014-12-31")])
    expected += Counter((p, "2021-01-01", "2021-05-31") for p in ("-1000006", "-1000014", "-1000018"))
    assert spans == expected
    assert spans.total() == 27


@real_files
def test_a_span_carries_the_details_of_its_latest_month(bfd: duckdb.DuckDBPyConnection) -> None:
    """-1000018 in 2021: Z0004 in January, Z0010 from February; dual 1, cost share group 3; no ZIP; state 22 is MA."""
    [span] = [
        r
        for r in mapped(bfd, "eligibility")
        if (r["person_id"], r["source_file"]) == ("-1000018", "beneficiary_2021.csv")
    ]
    assert span == {
        "person_id": "-1000018",
        "member_id": "1S00E00AA18",
        "gender": "male",
        "race": "white",
        "birth_date": "23-Nov-1945",
        "death_date": None,
        "enrollment_start_date": "2021-01-01",
        "enrollment_end_date": "2021-05-31",
        "payer": "medicare",
        "payer_type": "medicare",
        "plan": "Z0010",
        "address": None,
        "city": None,
        "state": "MA",
        "zip_code": None,
        "first_name": span["first_name"],
        "last_name": span["last_name"],
        "dual_status_code": "01",
        "low_income_subsidy_indicator": "1",
        "medicaid_indicator": "1",
        "esrd_status": None,
        "source_file": "beneficiary_2021.csv",
        "line_number": 4,
    }


@real_files
def test_subsidy_and_medicaid_come_from_their_codes(bfd: duckdb.DuckDBPyConnection) -> None:
    """Cost share groups 1 and 3 are subsidised, 9 is not; dual status NA is not Medicaid.

    -1000006 has group 1 and dual 3 or 4 in its 11 spans, -1000014 group 9 and NA in its 11, -1000018 group 3 in its 5,
    with dual 8 in 2014, 6 in 2015 and 2016, 1 in 2020 and 2021: all Medicaid.
    """
    found = Counter(
        (r["person_id"], r["low_income_subsidy_indicator"], r["medicaid_indicator"]) for r in mapped(bfd, "eligibility")
    )
    assert found == {("-1000006", "1", "1"): 11, ("-1000014", "0", "0"): 11, ("-1000018", "1", "1"): 5}


@real_files
def test_public_enrolment_file_gives_its_spans(puf: duckdb.DuckDBPyConnection) -> None:
    """Members by the first letters of PTD_CNTRCT_ID_01, _02, _03 (no later month has any), with csv.DictReader.

    ZZZ 6,675; none 2,854; 000 310; 0ZZ 31; 00Z 29; --Z 20; -ZZ 18; ZZ- 17; Z-- 16; 0-- 15; 00- 13; 0-Z 1; -Z- 1.
    0 is not in Medicare. Every pattern has at most one run of Z.
    """
    spans = mapped(puf, "eligibility")
    assert len(spans) == len({r["person_id"] for r in spans}) == 6_808
    assert Counter((r["enrollment_start_date"], r["enrollment_end_date"]) for r in spans) == {
        ("2025-01-01", "2025-03-31"): 6_675,
        ("2025-02-01", "2025-03-31"): 31 + 18,
        ("2025-03-01", "2025-03-31"): 29 + 20 + 1,
        ("2025-01-01", "2025-02-28"): 17,
        ("2025-01-01", "2025-01-31"): 16,
        ("2025-02-01", "2025-02-28"): 1,
    }


@real_files
def test_public_enrolment_file_is_read_under_its_own_names(puf: duckdb.DuckDBPyConnection) -> None:
    """Counted with csv.DictReader among members who have a month with a contract of letter Z."""
    subsidised = {"01", "02", "03", "04", "05", "06", "07", "08"}
    expected: Counter[str] = Counter()
    with (CLAIMS / "cms_synthetic_puf_beneficiary_2025.csv").open(encoding="utf-8-sig") as file:
        for row in csv.DictReader(file, delimiter="|"):
            enrolled = [m for m in ("01", "02", "03") if row[f"PTD_CNTRCT_ID_{m}"].startswith("Z")]
            if enrolled:
                expected["women"] += row["SEX_IDENT_CD"] == "2"
                expected["without ZIP"] += row["ZIP_CD"] == "00000"
                expected["Californians"] += row["STATE_CODE"] == "05"
                expected["ESRD"] += row["ESRD_IND"] == "Y"
                expected["subsidised"] += row[f"CST_SHR_GRP_CD_{enrolled[-1]}"] in subsidised
    spans = mapped(puf, "eligibility")
    assert expected == {
        "women": sum(r["gender"] == "female" for r in spans),
        "without ZIP": sum(r["zip_code"] is None for r in spans),
        "Californians": sum(r["state"] == "CA" for r in spans),
        "ESRD": sum(r["esrd_status"] == "Y" for r in spans),
        "subsidised": sum(r["low_income_subsidy_indicator"] == "1" for r in spans),
    }
    assert all(r["state"] for r in spans)


@real_files
def test_dispensings_keep_their_numbers(bfd: duckdb.DuckDBPyConnection) -> None:
    """pde.csv with csv.DictReader: all 18 qualifiers are 01, though no pharmacy number is an NPI."""
    rows = mapped(bfd, "pharmacy_claim")
    assert len(rows) == len({r["claim_id"] for r in rows}) == 18
    assert Counter(r["dispensing_provider_npi"] for r in rows) == {"PCP257488": 12, "220135": 4, "220008": 2}
    assert Counter(r["pharmacy_service_type"] for r in rows) == {
        "institutional": 4,
        "home_infusion": 3,
        "compounding": 3,
        "ltc": 3,
        "mail": 2,
        "managed_care": 2,
        "retail": 1,
    }
    assert Counter(r["days_supply"] for r in rows) == {"90": 14, "49": 2, "14": 1, "39": 1}
    assert Counter(r["claim_status"] for r in rows) == {"paid": 18}
    assert sum(Decimal(r["paid_amount"]) for r in rows) == Decimal("34.13")
    assert sum(Decimal(r["copayment_amount"]) for r in rows) == Decimal("502.25")


@real_files
def test_an_adjusted_dispensing_with_a_national_pharmacy_number(handmade: duckdb.DuckDBPyConnection) -> None:
    """BFD's hand-made PDE, read by eye."""
    [row] = mapped(handmade, "pharmacy_claim")
    assert (row["claim_status"], row["dispensing_provider_npi"], row["prescribing_provider_npi"]) == (
        "adjusted",
        "1023011079",
        "1750384806",
    )
    assert (
        row["fill_number"],
        row["compound_code"],
        row["paid_amount"],
        row["allowed_amount"],
        row["copayment_amount"],
    ) == (
        "3",
        "1",
        "126.99",
        "550.00",
        "235.85",
    )


@real_files
def test_lines_of_all_claim_files_are_stacked(bfd: duckdb.DuckDBPyConnection) -> None:
    """Rows per file with awk; claims per file are distinct CLM_ID, and agree with export_summary.csv."""
    rows = mapped(bfd, "medical_claim")
    assert Counter((r["claim_type"], r["source_file"]) for r in rows) == {
        ("professional", "carrier.csv"): 221,
        ("professional", "dme.csv"): 1,
        ("institutional", "inpatient.csv"): 16,
        ("institutional", "outpatient.csv"): 19,
        ("institutional", "snf.csv"): 67,
        ("institutional", "hha.csv"): 15,
        ("institutional", "hospice.csv"): 8,
    }
    claims = Counter(source for source, _ in {(r["source_file"], r["claim_id"]) for r in rows})
    assert claims == {
        "carrier.csv": 37,
        "dme.csv": 1,
        "inpatient.csv": 16,
        "outpatient.csv": 19,
        "snf.csv": 1,
        "hha.csv": 14,
        "hospice.csv": 1,
    }
    assert Counter(r["bill_type_code"] for r in rows) == {
        None: 222,
        "111": 16,
        "131": 19,
        "211": 67,
        "331": 7,
        "339": 8,
        "811": 8,
    }
    assert Counter(r["claim_status"] for r in rows) == {"paid": 347}
    assert {(r["claim_type"], r["discharge_disposition_code"]) for r in rows} == {
        ("institutional", "01"),
        ("professional", None),
    }


@real_files
def test_a_claim_is_paid_once_however_many_lines_it_has(bfd: duckdb.DuckDBPyConnection) -> None:
    """Sum of CLM_PMT_AMT over distinct CLM_ID (institutional), of LINE_NCH_PMT_AMT over lines (professional).

    Summing the repeated header of snf.csv would give 2,147,540.28.
    """
    paid: Counter[str] = Counter()
    for row in mapped(bfd, "medical_claim"):
        paid[row["source_file"]] += Decimal(row["paid_amount"] or 0)
    assert paid == {
        "carrier.csv": Decimal("112165.91"),
        "dme.csv": Decimal(0),
        "inpatient.csv": Decimal("36386.46"),
        "outpatient.csv": Decimal("132056.09"),
        "snf.csv": Decimal("32052.84"),
        "hha.csv": Decimal("7289.59"),
        "hospice.csv": Decimal("5314.33"),
    }


@real_files
def test_a_stay_with_its_principal_diagnosis_first(bfd: duckdb.DuckDBPyConnection) -> None:
    """Inpatient claim -100001674: principal C188, listed fourth of I4891 K635 E669 C188 K621 D649; DRG 375."""
    [row] = [r for r in mapped(bfd, "medical_claim") if r["claim_id"] == "-100001674"]
    assert [row[f"diagnosis_code_{n}"] for n in range(1, 8)] == ["C188", "I4891", "K635", "E669", "K621", "D649", None]
    assert row["diagnosis_code_type"] == "icd-10-cm"
    assert (row["claim_start_date"], row["admission_date"], row["discharge_date"]) == (
        "19-Mar-2017",
        "19-Mar-2017",
        "20-Mar-2017",
    )
    assert (row["drg_code"], row["revenue_center_code"], row["hcpcs_code"]) == ("375", "0001", "99221")
    assert (row["facility_npi"], row["billing_npi"], row["rendering_npi"]) == ("8886687531", "8886687531", "9999994996")
    assert row["line_number"] == 2


@real_files
def test_no_diagnosis_is_lost(bfd: duckdb.DuckDBPyConnection) -> None:
    """Per line: PRNCPAL_DGNS_CD, then the file's ICD_DGNS_CD1 to 25 in their order without the first repeat of it.

    Another code that a claim lists twice, as 31 of these claims do, stays twice.
    """
    found = {(r["source_file"], r["line_number"]): r for r in mapped(bfd, "medical_claim")}
    for source in ("carrier", "dme", "inpatient", "outpatient", "snf", "hha", "hospice"):
        with (CLAIMS / "cms_rif" / f"{source}.csv").open(encoding="utf-8-sig") as file:
            for number, row in enumerate(csv.DictReader(file, delimiter="|"), start=2):
                listed = [code for n in range(1, 26) if (code := row.get(f"ICD_DGNS_CD{n}", "").strip())]
                if row["PRNCPAL_DGNS_CD"] in listed:
                    listed.remove(row["PRNCPAL_DGNS_CD"])
                line = found[f"{source}.csv", number]
                codes = [code for n in range(1, 26) if (code := line[f"diagnosis_code_{n}"])]
                assert codes == [row["PRNCPAL_DGNS_CD"], *listed]


@real_files
def test_old_codes_short_codes_and_non_payment_reasons(handmade: duckdb.DuckDBPyConnection) -> None:
    """BFD's hand-made claims, read by eye: three are ICD-9; revenue codes 22 and 1 lost zeros; A, B, P deny nothing."""
    rows = {r["source_file"]: r for r in mapped(handmade, "medical_claim")}
    assert {name: r["diagnosis_code_type"] for name, r in rows.items() if r["diagnosis_code_type"] == "icd-9-cm"} == {
        "hha.csv": "icd-9-cm",
        "hospice.csv": "icd-9-cm",
        "snf.csv": "icd-9-cm",
    }
    assert (rows["hha.csv"]["diagnosis_code_1"], rows["hha.csv"]["bill_type_code"]) == ("53081", "321")
    assert (rows["snf.csv"]["revenue_center_code"], rows["outpatient.csv"]["revenue_center_code"]) == ("0022", "0001")
    assert (rows["hospice.csv"]["discharge_disposition_code"], rows["hospice.csv"]["admission_date"]) == (
        "30",
        "06-JUL-2014",
    )
    assert {r["claim_status"] for r in rows.values()} == {"paid"}
    carrier = rows["carrier.csv"]
    assert (carrier["rendering_npi"], carrier["billing_npi"], carrier["facility_npi"]) == (
        "1923124",
        "1234567890",
        None,
    )
    assert (carrier["claim_line_number"], carrier["place_of_service_code"], carrier["hcpcs_modifier_1"]) == (
        "6",
        "11",
        "LT",
    )
    assert carrier["paid_amount"] == "37.5"
    assert rows["inpatient.csv"]["paid_amount"] == "7699.48"
    assert (rows["dme.csv"]["billing_npi"], rows["dme.csv"]["rendering_npi"]) == ("1244444444", None)


@real_files
def test_a_contract_of_zero_ends_a_span(handmade: duckdb.DuckDBPyConnection) -> None:
    """BFD's hand-made beneficiary has S4607 from January to November 2018 and 0 in December; its state is letters."""
    [span] = mapped(handmade, "eligibility")
    assert (span["enrollment_start_date"], span["enrollment_end_date"], span["plan"], span["state"]) == (
        "2018-01-01",
        "2018-11-30",
        "S4607",
        "MO",
    )


PERSON = {"BENE_ID": "1", "BENE_BIRTH_DT": "01-Jan-1950", "RFRNC_YR": "2024", "STATE_CODE": "5", "BENE_ZIP_CD": "90001"}
CLAIM = {"BENE_ID": "1", "CLM_FROM_DT": "01-Jan-2024"}


def test_a_gap_splits_a_year_and_only_real_contracts_enrol(tmp_path: Path) -> None:
    """N, 0, X alone and blanks are no enrolment; X with a number is the LI NET plan. February 2024 has 29 days."""
    contracts = {1: "H1234", 2: "S5678", 3: "N", 4: "0", 5: "X0001", 6: "X", 7: "", 8: "R1111", 12: "E2222"}
    written(tmp_path, "beneficiary_2024.csv", PERSON | {f"PTD_CNTRCT_ID_{m:02d}": c for m, c in contracts.items()})
    spans = [
        (r["enrollment_start_date"], r["enrollment_end_date"], r["plan"]) for r in mapped(load(tmp_path), "eligibility")
    ]
    assert sorted(spans) == [
        ("2024-01-01", "2024-02-29", "S5678"),
        ("2024-05-01", "2024-05-31", "X0001"),
        ("2024-08-01", "2024-08-31", "R1111"),
        ("2024-12-01", "2024-12-31", "E2222"),
    ]


def test_without_part_d_columns_months_of_part_a_or_b_count(tmp_path: Path) -> None:
    """The fallback is per file: beside a file with contracts, a file without them still gives spans, without a plan."""
    entitlement = {1: "0", 2: "1", 3: "3", 4: "C", 5: "0"}
    written(tmp_path, "beneficiary_2023.csv", PERSON | {"RFRNC_YR": "2023", "PTD_CNTRCT_ID_07": "S5678"})
    written(
        tmp_path, "beneficiary_2024.csv", PERSON | {f"MDCR_ENTLMT_BUYIN_IND_{m:02d}": c for m, c in entitlement.items()}
    )
    spans = [
        (r["enrollment_start_date"], r["enrollment_end_date"], r["plan"]) for r in mapped(load(tmp_path), "eligibility")
    ]
    assert sorted(spans) == [("2023-07-01", "2023-07-31", "S5678"), ("2024-02-01", "2024-04-30", None)]


def test_a_negative_payment_is_no_reversal(tmp_path: Path) -> None:
    """A deductible above the payment of a stay; the amount is dropped, the stay is not."""
    stay = CLAIM | {"CLM_ID": "7", "CLM_PMT_AMT": "-312.50"}
    written(tmp_path, "inpatient.csv", stay | {"CLM_LINE_NUM": "1"}, stay | {"CLM_LINE_NUM": "2"})
    rows = mapped(load(tmp_path), "medical_claim")
    assert [(r["claim_line_number"], r["paid_amount"], r["claim_status"]) for r in rows] == [
        ("1", None, "paid"),
        ("2", None, "paid"),
    ]


def test_the_lowest_line_carries_the_payment_in_any_file_order(tmp_path: Path) -> None:
    """Lines 10, 2 and 9 are compared as numbers."""
    stay = CLAIM | {"CLM_ID": "7", "CLM_PMT_AMT": "100.00"}
    written(tmp_path, "snf.csv", *(stay | {"CLM_LINE_NUM": n} for n in ("10", "2", "9")))
    paid = {r["claim_line_number"]: r["paid_amount"] for r in mapped(load(tmp_path), "medical_claim")}
    assert paid == {"10": None, "2": "100.00", "9": None}


STATUSES = {
    "0 denies a professional claim": ("carrier.csv", {"CARR_CLM_PMT_DNL_CD": "0"}, "denied"),
    "00 is another payer's turn": ("carrier.csv", {"CARR_CLM_PMT_DNL_CD": "00"}, "paid"),
    "a denied line of a paid claim": ("dme.csv", {"CARR_CLM_PMT_DNL_CD": "1", "LINE_PRCSG_IND_CD": "N"}, "denied"),
    "exhausted benefits still mean a stay": ("inpatient.csv", {"CLM_MDCR_NON_PMT_RSN_CD": "B"}, "paid"),
    "benefits refused": ("inpatient.csv", {"CLM_MDCR_NON_PMT_RSN_CD": "R"}, "denied"),
    "superseded": ("hha.csv", {"FINAL_ACTION": "N"}, "reversed"),
    "taken back": ("hospice.csv", {"FINAL_ACTION": "F", "DML_IND": "DELETE"}, "reversed"),
}


@pytest.mark.parametrize("story", STATUSES.values(), ids=STATUSES.keys())
def test_standing_of_a_medical_claim(tmp_path: Path, story: tuple[str, dict[str, str], str]) -> None:
    """Codes as ResDAC and BFD describe them."""
    name, codes, expected = story
    written(tmp_path, name, CLAIM | {"CLM_ID": "7", "CLM_LINE_NUM": "1"} | codes)
    [row] = mapped(load(tmp_path), "medical_claim")
    assert row["claim_status"] == expected


def test_standing_and_pharmacy_of_a_dispensing(tmp_path: Path) -> None:
    """A deletion and a superseded event are reversed; a number that is not called an NPI is not taken for one."""
    event = {"BENE_ID": "1", "SRVC_DT": "01-Jan-2024", "PROD_SRVC_ID": "00002143380", "DAYS_SUPLY_NUM": "30"}
    written(
        tmp_path,
        "pde.csv",
        event | {"PDE_ID": "1", "ADJSTMT_DLTN_CD": "D"},
        event | {"PDE_ID": "2", "ADJSTMT_DLTN_CD": "A", "FINAL_ACTION": "N"},
        event | {"PDE_ID": "3", "SRVC_PRVDR_ID_QLFYR_CD": "07", "SRVC_PRVDR_ID": "0123456"},
        event | {"PDE_ID": "4", "SRVC_PRVDR_ID_QLFYR_CD": "1", "SRVC_PRVDR_ID": "1023011079"},
    )
    rows = {
        r["claim_id"]: (r["claim_status"], r["dispensing_provider_npi"])
        for r in mapped(load(tmp_path), "pharmacy_claim")
    }
    assert rows == {"1": ("reversed", None), "2": ("reversed", None), "3": ("paid", None), "4": ("paid", "1023011079")}
