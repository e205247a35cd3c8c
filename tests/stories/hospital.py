"""A shorthand for stories of hospital stays: one line is one member, all lines of a table are told in one warehouse.

    code        | events                                                        | row
    TOC_CONTACT | notice 06-26T16:00 in=06-20 seen=06-26T20:00                  | open due=2026-06-30
    MRP         | bill 06-20..06-26 dx=I214 seen=06-28; cpt 1111F 06-27         | -

Events are separated by `;`; a day is `MM-DD` of 2026, or written in full. What happened: `bill FIRST..LAST` an inpatient
bill (`tob=` type of bill, `status=`, `dx=` codes joined by `+`, the first is principal, `drg=`, `pcs=`, `room=`, `npi=`,
`seen=` when the plan had it, `in=` the admission of an interim bill, `icd9`, `denied`), `notice TIME` a discharge notice
(`in=`, `seen=`, `status=`, `npi=`), `cpt CODE DAY` (`npi=`) and `dx CODE DAY` a claim of another kind (`denied`), `rx DRUG/DAYS DAY` a
fill (`npi=`, `status=` reversed or pended, `codes=` of a reject, `cost=` allowed), `said CODE=OUTCOME TIME` what a pharmacist recorded (`role=`, `of=` the discharge), `who column=value`,
`preg status=current end=DAY` and `loss DAY` what is known of a pregnancy.
`row` is `-` for none; else a status and what else must hold: `open start=.. end=.. due=.. says=word_word not=word`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.story import Story, read_table

AS_OF = "2026-06-30"
FORMULARY = """
    ndc_code      | ingredients            | product_class | is_specialty
    atorvastatin  | atorvastatin           | -             | no
    rosuvastatin  | rosuvastatin           | -             | no
    lisinopril    | lisinopril             | -             | no
    losartan      | losartan               | -             | no
    entresto      | sacubitril;valsartan   | -             | no
    metoprolol    | metoprolol             | -             | no
    clopidogrel   | clopidogrel            | -             | no
    metformin     | metformin              | -             | no
    glargine      | insulin glargine       | -             | no
    apixaban      | apixaban               | -             | no
    tiotropium    | tiotropium             | -             | no
    adalimumab    | adalimumab             | tnf           | yes
    etanercept    | etanercept             | tnf           | yes
    tofacitinib   | tofacitinib            | -             | -
    bictegravir   | bictegravir            | -             | yes
    naltrexone    | naltrexone             | -             | yes
    amoxicillin   | amoxicillin            | -             | no
"""
SETS = ("raw.medical_claim", "raw.pharmacy_claim", "raw.discharge_notice", "raw.outreach_outcome", "raw.eligibility")
PLACES = """
    npi     | taxonomy_code
    mind    | 283Q00000X
    both    | 282N00000X;273R00000X
    nursing | 314000000X
    passing | 315D00000X
"""
SHORT = {"start": "window_start_date", "end": "window_end_date", "due": "due_date", "rule": "transition_rule_id",
         "missed": "is_missed_at_source", "row_rule": "rule_id", "sensitive": "is_sensitive", "source": "trigger_source"}  # fmt: skip


def day(text: str) -> str:
    """A day or time of 2026 in full."""
    text = text.replace("T", " ")
    return text if text[:2] == "20" else f"2026-{text}"


def _table(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return ""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return "\n".join([
        " | ".join(columns), *(" | ".join(str(row.get(name) or "-") for name in columns) for row in rows)
    ])  # fmt: skip


class _Told:
    """The input rows that the events of all members make."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {
            name: [] for name in (*SETS, "facts.pregnancy", "facts.suppression")
        }
        self.claims = 0

    def claim_id(self) -> str:
        self.claims += 1
        return f"C{self.claims:04}"

    def member(self, key: int, events: str) -> None:
        """Add one member."""
        person = f"m{key:03}"
        who = {
            "person_id": person,
            "birth_date": "1960-01-01",
            "enrollment_start_date": "2018-01-01",
            "gender": "female",
        }
        for event in filter(None, (e.strip() for e in events.split(";"))):
            kind, *words = event.split()
            options = dict(w.split("=", 1) for w in words[1:] if "=" in w)
            status = {"claim_status": "denied"} if "denied" in words else {}
            match kind:
                case "who":
                    who |= dict(w.split("=", 1) for w in words)
                case "bill":
                    self.bill(person, *words[0].split(".."), options, status, is_old="icd9" in words)
                case "notice":
                    self.rows["raw.discharge_notice"].append({
                        "person_id": person, "discharged_at": day(words[0]), "facility_npi": options.get("npi"),
                        "admitted_at": f"{day(options['in'])} 08:00:00" if "in" in options else None,
                        "notified_at": day(options["seen"]) if "seen" in options else None,
                        "discharge_disposition_code": options.get("status"),
                    })  # fmt: skip
                case "cpt" | "dx":
                    column = {"cpt": "hcpcs_code", "dx": "diagnosis_code_1"}[kind]
                    self.rows["raw.medical_claim"].append({
                        "claim_id": self.claim_id(), "claim_type": "professional", "person_id": person,
                        "claim_start_date": day(words[1]), column: words[0], "rendering_npi": options.get("npi"), **status,
                    })  # fmt: skip
                case "rx":
                    drug, days = words[0].split("/")
                    self.rows["raw.pharmacy_claim"].append({
                        "claim_id": self.claim_id(), "person_id": person, "dispensing_date": day(words[1]), "ndc_code": drug,
                        "days_supply": days, "dispensing_provider_npi": options.get("npi"), **status,
                        **({"claim_status": options["status"]} if "status" in options else {}),
                        "reject_codes": options.get("codes"), "allowed_amount": options.get("cost"),
                    })  # fmt: skip
                case "said":
                    code, outcome = words[0].split("=")
                    options = dict(w.split("=", 1) for w in words[2:])
                    self.rows["raw.outreach_outcome"].append({
                        "person_id": person, "gap_code": code, "outcome_code": outcome, "attempted_at": day(words[1]),
                        "staff_role": options.get("role"),
                        "subject": f"discharge {day(options['of'])}" if "of" in options else None,
                    })  # fmt: skip
                case "preg":
                    options = dict(w.split("=", 1) for w in words)
                    self.rows["facts.pregnancy"].append({
                        "member_key": key, "episode": 1, "status": options["status"],
                        "end_date": day(options["end"]) if "end" in options else None,
                    })  # fmt: skip
                case "loss":
                    self.rows["facts.suppression"].append(
                        {
                            "member_key": key,
                            "rule": "L1",
                            "trigger_date": day(words[0]),
                            "released_by": options.get("by"),
                        }
                    )
                case _:
                    raise ValueError(event)
        self.rows["raw.eligibility"].append(who)

    def bill(self, person: str, first: str, last: str, options: dict[str, str], status: dict, *, is_old: bool) -> None:
        """An inpatient bill: one line for its room, one for its drugs."""
        bill = options.get("tob", "111")
        ends = bill[2:] in {"1", "4", "7", "8"} and options.get("status") != "30"
        codes = {
            f"diagnosis_code_{n}": code
            for n, code in enumerate(filter(None, options.get("dx", "").split("+")), start=1)
        }
        shared = {
            "claim_id": self.claim_id(), "claim_type": "institutional", "person_id": person, "bill_type_code": bill,
            "claim_start_date": day(first), "claim_end_date": day(last), "admission_date": day(options.get("in", first)),
            "discharge_date": day(last) if ends else None, "discharge_disposition_code": options.get("status", "01"),
            "drg_code": options.get("drg"), "facility_npi": options.get("npi"), "procedure_code_1": options.get("pcs"),
            "file_date": day(options["seen"]) if "seen" in options else None,
            "diagnosis_code_type": "icd-9-cm" if is_old else "icd-10-cm", **codes, **status,
        }  # fmt: skip
        rooms = options.get("room", "0120").split("+")
        for line, room in enumerate([*filter(None, rooms), "0250"], start=1):
            self.rows["raw.medical_claim"].append({**shared, "claim_line_number": line, "revenue_center_code": room})


def tell(story: Story, text: str, model: str, *, as_of: str = AS_OF, given: Mapping[str, str] | None = None) -> None:
    """Tell every line of a table and compare each member's rows of its code.

    Raises:
        AssertionError: Other rows came out.
    """
    __tracebackhide__ = True
    header, lines = read_table(text)
    cases = [dict(zip(header, line, strict=True)) for line in lines]
    told = _Told()
    for key, case in enumerate(cases, start=1):
        told.member(key, case["events"] or "")
    tables = {name: _table(rows) for name, rows in told.rows.items()}
    tables |= {"raw.drug": FORMULARY, "raw.provider": PLACES} | dict(given or {})
    con = story.prepare([model], as_of, tables)
    columns = [c[0] for c in con.execute(f"describe {model}").fetchall()]
    wrong = []
    for key, case in enumerate(cases, start=1):
        code = f" and gap_code = '{case['code']}'" if case.get("code") and "gap_code" in columns else ""
        found = con.execute(f"select * from {model} where member_key = {key}{code}").fetchall()
        if problem := _compare(case["row"], [dict(zip(columns, row, strict=True)) for row in found]):
            wrong.append(f"{case.get('code', '')} | {case['events']} | {case['row'] or '-'}\n    {problem}")
    assert not wrong, "\n".join(wrong)


def _compare(row: str | None, found: list[dict[str, Any]]) -> str:
    if row is None:
        return "\n    ".join(f"+ {_shown(r)}" for r in found)
    if len(found) != 1:
        return f"found {len(found)} rows" + "".join(f"\n    + {_shown(r)}" for r in found)
    problems = []
    for word in row.split():
        name, _, value = word.partition("=") if "=" in word else ("status", "", word)
        if name in {"says", "not"}:
            if (value.replace("_", " ") in found[0]["reason"]) != (name == "says"):
                problems.append(f"{name} {value!r}: {found[0]['reason']}")
            continue
        shown = found[0][SHORT.get(name, name)]
        plain = {True: "yes", False: "no", None: "none"}.get(shown, str(shown)) if not isinstance(shown, str) else shown
        wanted = day(value) if name in {"start", "end", "due"} and value[0].isdigit() else value
        if plain.replace(" ", "_") != wanted.replace(" ", "_"):
            problems.append(f"{name}: found {plain}")
    return "; ".join(problems)


def _shown(row: dict[str, Any]) -> str:
    return " ".join(
        f"{name}={row[name]}" for name in ("status", "window_start_date", "window_end_date", "reason") if name in row
    )
