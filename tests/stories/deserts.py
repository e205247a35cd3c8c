"""Members far from care, told one a line: who they are, what their claims say, and the row that must come out.

`who`: `age:49` (completed on that day), `from:t-364` (enrolled since), or any column of eligibility as `name=value`.
`events`, between semicolons: a day (`t-90`), then words: `denied`, `inpatient`, `mail`, `ltc`, `paidout` (out of network),
and what happened, joined by `+`: `visit:99213@pcp`, `dx:I500`, `rx:metformin/30@near`, `said:PD_PCP=REFERRED`. An NPI is
the name of whom it belongs to. `row`: `-` for none, else the status and what else matters (`due=t-3 severity=22.5`).

All lie on the equator, some degrees apart, so that none sees another's sites; tonight is Tuesday 2026-06-30.
"""

from __future__ import annotations

import datetime
import math
from collections import defaultdict
from typing import Any

from tests.stories.maternity import UNSPEAKABLE, as_table
from tests.story import Story, read_table

AS_OF = datetime.date(2026, 6, 30)
MODEL = "gaps.provider_desert"
CLINICIANS = {
    "pcp": "207Q00000X", "internist": "207R00000X", "endo": "207R00000X;207RE0101X", "cardio": "207RC0000X;207R00000X",
    "oncologist": "207RH0003X", "rheum": "207RR0500X", "dermatologist": "207N00000X", "psychiatrist": "2084P0800X",
    "counselor": "101YM0800X", "surgeon": "208600000X",
}  # fmt: skip
DRUGS = """
    ndc_code      | ingredients               | brand_name | product_class
    metformin     | metformin                 | -          | -
    glipizide     | glipizide                 | -          | -
    both          | glipizide;metformin       | -          | -
    wegovy        | semaglutide               | wegovy     | -
    insulin       | insulin glargine          | -          | -
    entresto      | sacubitril;valsartan      | -          | -
    imatinib      | imatinib                  | -          | -
    adalimumab    | adalimumab                | -          | -
    sertraline    | sertraline                | -          | -
    trazodone     | trazodone                 | -          | -
    methylphenidate | methylphenidate         | -          | -
    buprenorphine | buprenorphine;naloxone    | -          | -
    lisinopril    | lisinopril                | -          | -
    flu           | influenza vaccine         | -          | vaccine
"""
# ZCTA -> its longitude, miles north, and what is too far: everything, everything by a hair, or nothing.
AREAS = {
    "00001": (0, 0.0, "all"), "00002": (10, 0.0, "none"), "00003": (20, 0.0, "borderline"), "00006": (30, 0.0, "none"),
    "00007": (40, 0.0, "all"), "00008": (40, 103.0, "none"), "00009": (40, 103.001, "none"),
    "00010": (50, 0.0, "none"), "00011": (60, 0.0, "unknown"), "00012": (70, 0.0, "none"),
    "00013": (80, 0.0, "none"), "00014": (90, 0.0, "none"), "00015": (100, 0.0, "none"), "00016": (110, 0.0, "none"),
    "00017": (120, 0.0, "none"), "00018": (130, 0.0, "all"),
}  # fmt: skip
# Areas whose county has a class of maternity care, or a hospital for births so many minutes away.
MATERNITY: dict[str, dict[str, object]] = {
    "00013": {"maternity_class": "desert"}, "00014": {"maternity_class": "low"}, "00015": {"maternity_class": "moderate"},
    "00016": {"delivery_hospital_minutes": 30}, "00017": {"delivery_hospital_minutes": 30.5},
    "00018": {"maternity_class": "low"},
}  # fmt: skip
# Pharmacy -> its ZIP, miles north of that ZIP's longitude, and more.
PHARMACIES: dict[str, tuple[str, float, dict[str, object]]] = {
    "near": ("00001", 1, {}),
    "goes": ("00001", 1, {"closed_date": AS_OF + datetime.timedelta(30)}),
    "last": ("00012", 1, {"closed_date": AS_OF + datetime.timedelta(30)}),
    "far8": ("00002", 8.0, {}),
    "far7": ("00002", 7.999, {}),
    "twice": ("00006", 12.0, {}),
    "more": ("00006", 12.001, {}),
    "winter": ("00008", 103.0, {}),
    "exile": ("00009", 103.001, {}),
    "mail": ("00009", 103.001, {"taxonomy_code": "3336M0002X"}),
    "closes90": ("00010", 1, {"closed_date": AS_OF + datetime.timedelta(90)}),
    "closes91": ("00010", 1, {"closed_date": AS_OF + datetime.timedelta(91)}),
    "closes1": ("00010", 1, {"closed_date": AS_OF + datetime.timedelta(1)}),
    "closed0": ("00010", 1, {"closed_date": AS_OF}),
    "closed90": ("00010", 1, {"closed_date": AS_OF - datetime.timedelta(90)}),
    "closed91": ("00010", 1, {"closed_date": AS_OF - datetime.timedelta(91)}),
    "outside": ("00010", 1, {"in_network": "no"}),
    "stays": ("00010", 30, {}),
}
# Nearest in-network pharmacies by ZCTA, miles.
NEAREST = {
    "00001": [("near", 1)], "00002": [("n2", 3)], "00003": [("n3", 40)], "00006": [("n6", 6)], "00007": [("n7", 3)],
    "00010": [("closes90", 1), ("closes1", 1), ("stays", 30)], "00012": [("last", 1)],
}  # fmt: skip
SITES = [npi for sites in NEAREST.values() for npi, _ in sites]
SERVICES = {
    "primary_care": "HSD_2026", "endocrinology": "HSD_2026", "cardiology": "HSD_2026", "oncology": "HSD_2026",
    "rheumatology": "HSD_2026", "psychiatry": "HSD_2026", "ob_gyn": "HSD_2026", "retail_pharmacy": "PART_D",
}  # fmt: skip


def north(miles: float) -> str:
    """The latitude of what is so many miles north of the equator."""
    return f"{math.degrees(miles / 3958.7613):.10f}"


def _access() -> list[dict[str, Any]]:
    """Everything is 40 miles away where it is too far: an excess of ln 2, a deficit of 0.5."""
    rows = []
    for zcta, (_, _, kind) in AREAS.items():
        for service, standard in SERVICES.items():
            nearest = NEAREST.get(zcta, [("n", 40)])[0][1] if service == "retail_pharmacy" else 40
            rows.append({
                "zcta": zcta, "service": service, "standard_id": standard, "nearest_npi": "n",
                "nearest_miles": nearest if kind == "none" else 40, "nearest_minutes": 60,
                "threshold_miles": None if kind == "unknown" else 15, "threshold_minutes": None,
                "is_desert": {"none": "no", "unknown": None}.get(kind, "yes"),
                "is_borderline": "yes" if kind == "borderline" else "no",
                "access_deficit": {"none": 0, "unknown": None}.get(kind, 0.5),
            })  # fmt: skip
    return rows


PLACES: dict[str, str] = {
    "facts.access": as_table(_access()),
    "core.site": as_table([
        {"site_row": row, "service": "retail_pharmacy", "npi": npi} for row, npi in enumerate(SITES, start=1)
    ]),
    "core.service": as_table([{"service_key": 1, "service": "retail_pharmacy", "supplier": "pharmacy", "is_known": "yes"}]),
    "facts.nearest_site": as_table([
        {"zcta_key": list(AREAS).index(zcta) + 1, "service_key": 1, "place": place,
         "supplier_key": SITES.index(npi) + 1, "miles": miles}
        for zcta, sites in NEAREST.items() for place, (npi, miles) in enumerate(sites, start=1)
    ]),
    "raw.zcta": as_table([
        {"zcta": zcta, "longitude": longitude, "latitude": north(miles), "state": "TX"}
        | {"maternity_class": None, "delivery_hospital_minutes": None} | MATERNITY.get(zcta, {})
        for zcta, (longitude, miles, _) in AREAS.items()
    ]),
    "raw.pharmacy": as_table([
        {"npi": npi, "zip_code": zip_code, "longitude": AREAS[zip_code][0], "latitude": north(miles), "state": "TX", **more}
        for npi, (zip_code, miles, more) in PHARMACIES.items()
    ]),
    "raw.provider": as_table([{"npi": npi, "taxonomy_code": code} for npi, code in CLINICIANS.items()]),
    "raw.drug": DRUGS,
}  # fmt: skip
# What is told elsewhere: maternal episodes and adherence.
EMPTY = {"facts.maternal_episode": "", "facts.maternal_care": "", "facts.pregnancy_evidence": ""}

Case = dict[str, str | None]


def day(text: str) -> datetime.date:
    """t, t-90, t+1 or a date."""
    if text[0] != "t":
        return datetime.date.fromisoformat(text)
    return AS_OF + datetime.timedelta(int(text[1:] or 0))


class Telling:
    """The raw rows of a list of cases; the member of case n is `p` and n."""

    def __init__(self, cases: list[Case]) -> None:
        """Tell them all."""
        self.rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for number, case in enumerate(cases, start=1):
            self.member(number, case)

    def member(self, number: int, case: Case) -> None:
        """Add one member and what happened to them."""
        person = f"p{number:04}"
        who: dict[str, Any] = {
            "person_id": person, "birth_date": AS_OF.replace(year=1960), "enrollment_start_date": "2020-01-01",
            "zip_code": "00001", "state": "TX",
        }  # fmt: skip
        spans = []
        for word in (case["who"] or "").split():
            if word.startswith("age:"):
                who["birth_date"] = AS_OF.replace(year=AS_OF.year - int(word[4:]))
            elif word.startswith("from:"):
                who["enrollment_start_date"] = day(word[5:])
            elif word.startswith("span:"):
                spans.append([day(part) if part else None for part in word[5:].split("..")])
            else:
                name, value = word.split("=")
                who[name] = day(value) if name.endswith("_date") else value or None
        for first, last in spans or [[who["enrollment_start_date"], None]]:
            self.rows["raw.eligibility"].append(who | {"enrollment_start_date": first, "enrollment_end_date": last})
        for place, event in enumerate((case["events"] or "").split(";"), start=1):
            if words := event.split():
                self.event(words, person, f"C{number:04}-{place}")

    def event(self, words: list[str], person: str, claim: str) -> None:
        """Add what happened on one day."""
        date, marks = day(words[0]), set(words[1:-1])
        line: dict[str, Any] = {
            "claim_id": claim, "person_id": person, "claim_start_date": date, "claim_type": "professional",
            "claim_status": "denied" if "denied" in marks else "paid",
        }  # fmt: skip
        if "inpatient" in marks:
            line |= {"claim_type": "institutional", "bill_type_code": "111", "admission_date": date}
        is_medical = False
        for part in words[-1].split("+"):
            kind, _, value = part.partition(":")
            code, _, npi = value.partition("@")
            if kind == "rx":
                drug, days = code.split("/")
                self.rows["raw.pharmacy_claim"].append({
                    "claim_id": claim, "person_id": person, "dispensing_date": date, "ndc_code": drug, "days_supply": days,
                    "dispensing_provider_npi": npi or "near", "claim_status": line["claim_status"],
                    "pharmacy_service_type": next(iter(marks & {"mail", "ltc"}), "retail"),
                    "in_network_flag": "no" if "paidout" in marks else "yes" if "paidin" in marks else None,
                })  # fmt: skip
                continue
            if kind == "said":
                code, outcome = value.split("=")
                self.rows["raw.outreach_outcome"].append({
                    "person_id": person, "gap_code": code, "outcome_code": outcome, "attempted_at": f"{date} 15:00:00",
                })  # fmt: skip
                continue
            if kind == "pdc":
                continue
            is_medical = True
            if kind == "visit":
                line |= {"hcpcs_code": code, "rendering_npi": npi or None}
            elif kind == "dx":
                line["diagnosis_code_1"] = value
            elif kind == "bill":
                line |= {"claim_type": "institutional", "bill_type_code": value}
            elif kind == "stay":
                line |= {"claim_type": "institutional", "bill_type_code": "111", "admission_date": date}
                if value:
                    line |= {
                        "claim_end_date": day(value),
                        "discharge_date": day(value),
                        "discharge_disposition_code": "01",
                    }
                else:
                    line |= {"claim_end_date": AS_OF, "discharge_disposition_code": "30"}
            else:
                raise ValueError(f"{' '.join(words)}: {kind} is no kind of event")
        if is_medical:
            self.rows["raw.medical_claim"].append(line)


TABLES = ("raw.eligibility", "raw.medical_claim", "raw.pharmacy_claim", "raw.outreach_outcome")


def cases_of(text: str, code: str) -> list[Case]:
    """The lines of a table of cases, each with the code that it is about."""
    header, rows = read_table(text)
    return [dict(zip(header, row, strict=True)) | {"code": code} for row in rows]


def found_gaps(teller: Story, cases: list[Case], **more: str) -> list[list[dict[str, Any]]]:
    """Rows of the case's code for each case, all told in one warehouse.

    Args:
        teller: The warehouse.
        cases: The cases.
        more: Tables that differ, with `__` for the dot.
    """
    telling = Telling(cases)
    given = {name: as_table(telling.rows[name]) for name in TABLES}
    low = [
        {"member_key": number, "measure_key": 1, "is_eligible": "yes", "is_adherent": event[4:]}
        for number, case in enumerate(cases, start=1)
        for event in (case["events"] or "").split()
        if event.startswith("pdc:")
    ]
    given |= (
        PLACES | EMPTY | {"facts.adherence": as_table(low), "raw.measure": "measure_key | measure_id\n1 | pdc_diabetes"}
    )
    given |= {name.replace("__", "."): text for name, text in more.items()}
    con = teller.prepare([MODEL], AS_OF, given)
    cursor = con.execute(f"select * from {MODEL} order by member_key, gap_code")
    names = [column[0] for column in cursor.description or []]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    wrong = [row["reason"] for row in rows if UNSPEAKABLE.search(row["reason"])]
    assert not wrong, wrong
    return [
        [row for row in rows if row["member_key"] == number and row["gap_code"] == case["code"]]
        for number, case in enumerate(cases, start=1)
    ]


COLUMNS = {
    "start": "window_start_date", "end": "window_end_date", "due": "due_date", "severity": "severity",
    "confidence": "confidence", "rule": "desert_rule_id", "says": "reason", "claim": "evidence",
}  # fmt: skip


def problem(case: Case, found: list[dict[str, Any]]) -> str:
    """What is wrong with the rows of a case, empty if nothing is."""
    expected = case["row"] or "-"
    if expected == "-":
        return f"found {found}; none is expected" if found else ""
    if len(found) != 1:
        return f"found {found}; one row is expected"
    status, *others = expected.split()
    if found[0]["status"] != status or found[0]["subject"] is not None:
        return f"found {found[0]}"
    for other in others:
        name, text = other.split("=", 1)
        value = found[0][COLUMNS[name]]
        if name in {"says", "claim"}:
            agrees = text in value.replace(" ", "_")
        elif text == "none" or value is None:
            agrees = (text == "none") == (value is None)
        elif isinstance(value, datetime.date):
            agrees = day(text) == value
        else:
            agrees = text == value if isinstance(value, str) else float(value) == float(text)
        if not agrees:
            return f"{name}: found {value}; {text} is expected"
    return ""
