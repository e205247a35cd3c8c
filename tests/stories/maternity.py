"""A shorthand for maternal stories: one line is one member, all lines of a table are told in one warehouse.

    rule | at   | tier | events            | row
    tdap | g189 | A    | g30 cpt:90715     | -

`at` is how far she is tonight: g189 is day 189 since the LMP, p28 is 28 days after a live birth at 39 weeks (day 273).
Events are separated by `;` and begin with their day: g30 and p7 count likewise, t-20 is twenty days before tonight, and
a date stands for itself. What happened then: `dx:` a diagnosis, `ev:` one that is evidence of the pregnancy, `cpt:` a
claim line, `rx:drug/days/quantity` a fill, `npi:` who rendered it; joined by `+` they are one claim. `denied` before it
is an unpaid claim, `hospital` an institutional one, `infant` one of her newborn. `said:CODE=OUTCOME` is what a
pharmacist recorded, `stay` a stay to tonight (`stay:t-1` until then), `loss` one that stands, `newborn` an infant of the
family, `birth` an earlier one, `again` a later pregnancy. Without a day, `who:state=AK` says something of her,
`preg:status=stale` of the pregnancy, `span:t-90..t-10` of another enrolment. `row` is `-` for none, or the status and
what else must hold: `open severity=40 due=g83 says=best_given`. Of a row that a standing word closes the status is what
the word is: `documented`, `reported`, `declined`.
"""

from __future__ import annotations

import datetime
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from tests.story import Story, read_table

FORMULARY = """
    ndc_code          | ingredients                                      | brand_name | route        | dose_form         | strength                       | is_prenatal_vitamin | product_class
    pnv               | ascorbic acid;ferrous fumarate;folic acid        | -          | oral         | tablet            | 28 mg iron/0.8 mg folate       | yes                 | -
    pnv-named         | doconexent                                       | Vitafol    | oral         | capsule           | -                              | -                   | -
    pnv-class         | docusate                                         | -          | oral         | capsule           | -                              | -                   | prenatal vitamins
    pnv-made          | ascorbic acid;carbonyl iron;folic acid;niacinamide;pyridoxine;vitamin e | - | oral | tablet        | -                              | -                   | -
    multivitamin      | ascorbic acid;carbonyl iron;folic acid;niacinamide;pyridoxine           | - | oral | tablet        | -                              | -                   | -
    folic             | folic acid                                       | -          | oral         | tablet            | 0.4 mg                         | -                   | -
    folic-mcg         | folic acid                                       | -          | oral         | tablet            | 800 mcg                        | -                   | -
    folic-low         | folic acid                                       | -          | oral         | tablet            | 0.3 mg                         | -                   | -
    folic-1           | folic acid                                       | -          | oral         | tablet            | 1 mg                           | -                   | -
    b-complex         | cyanocobalamin;folic acid                        | -          | oral         | tablet            | 2 mg/1 mg                      | -                   | -
    aspirin-81        | aspirin                                          | -          | oral         | tablet            | 81 mg                          | -                   | -
    aspirin-162       | aspirin                                          | -          | oral         | tablet            | 162 mg                         | -                   | -
    aspirin-325       | aspirin                                          | -          | oral         | tablet            | 325 mg                         | -                   | -
    fiorinal          | aspirin;butalbital;caffeine                      | -          | oral         | capsule           | 50 mg/325 mg/40 mg             | -                   | -
    valproate         | valproate sodium                                 | -          | oral         | tablet            | -                              | -                   | -
    lamotrigine       | lamotrigine                                      | -          | oral         | tablet            | -                              | -                   | -
    enoxaparin        | enoxaparin                                       | -          | subcutaneous | prefilled syringe | -                              | -                   | -
    iron              | ferrous sulfate                                  | -          | oral         | tablet            | 325 mg                         | -                   | -
    strips            | blood glucose test strip                         | -          | -            | -                 | -                              | -                   | -
    lancets           | lancets                                          | -          | -            | -                 | -                              | -                   | -
    libre             | device                                           | FreeStyle Libre 3 | -     | -                 | -                              | -                   | -
    boostrix          | diphtheria toxoid                                | Boostrix   | -            | -                 | -                              | -                   | -
    abrysvo           | rsv prefusion f                                  | Abrysvo    | -            | -                 | -                              | -                   | -
    arexvy            | rsv prefusion f3                                 | Arexvy     | -            | -                 | -                              | -                   | -
    flu-shot          | influenza a virus                                | -          | intramuscular | injectable suspension | -                         | -                   | -
    flu-nose          | influenza a virus                                | -          | nasal        | spray             | -                              | -                   | -
    buprenorphine     | buprenorphine;naloxone                           | -          | sublingual   | film              | 8 mg/2 mg                      | -                   | -
    methadone         | methadone                                        | -          | oral         | tablet            | 10 mg                          | -                   | -
    naloxone          | naloxone                                         | -          | nasal        | spray             | 4 mg                           | -                   | -
    narcan            | naloxone                                         | Narcan     | -            | -                 | -                              | -                   | -
    morphine-15       | morphine                                         | -          | oral         | tablet            | 15 mg                          | -                   | -
    oxycodone-apap    | acetaminophen;oxycodone                          | -          | oral         | tablet            | 325 mg/10 mg                   | -                   | -
    morphine-syrup    | morphine                                         | -          | oral         | solution          | 10 mg/5 ml                     | -                   | -
    sertraline        | sertraline                                       | -          | oral         | tablet            | -                              | -                   | -
    makena            | hydroxyprogesterone caproate                     | Makena     | -            | -                 | -                              | -                   | -
    progesterone      | progesterone                                     | -          | vaginal      | insert            | -                              | -                   | -
    warfarin          | warfarin                                         | -          | oral         | tablet            | -                              | -                   | -
    isotretinoin      | isotretinoin                                     | -          | oral         | capsule           | -                              | -                   | -
    mofetil           | mycophenolate mofetil                            | -          | oral         | tablet            | -                              | -                   | -
    lithium           | lithium carbonate                                | -          | oral         | capsule           | -                              | -                   | -
    lisinopril        | lisinopril                                       | -          | oral         | tablet            | -                              | -                   | -
    lisinopril-hctz   | hydrochlorothiazide;lisinopril                   | -          | oral         | tablet            | -                              | -                   | -
    methimazole       | methimazole                                      | -          | oral         | tablet            | -                              | -                   | -
    cotrimoxazole     | sulfamethoxazole;trimethoprim                    | -          | oral         | tablet            | -                              | -                   | -
    doxycycline       | doxycycline                                      | -          | oral         | tablet            | -                              | -                   | -
    minocycline-foam  | minocycline                                      | -          | topical      | foam              | -                              | -                   | -
    ibuprofen         | ibuprofen                                        | -          | oral         | tablet            | -                              | -                   | -
    diclofenac-gel    | diclofenac                                       | -          | topical      | gel               | -                              | -                   | -
    ketorolac-drops   | ketorolac                                        | -          | ophthalmic   | solution          | -                              | -                   | -
    fluconazole       | fluconazole                                      | -          | oral         | tablet            | 150 mg                         | -                   | -
    atorvastatin      | atorvastatin                                     | -          | oral         | tablet            | -                              | -                   | -
    metformin         | metformin                                        | -          | oral         | tablet            | -                              | -                   | -
    dolutegravir      | dolutegravir                                     | -          | oral         | tablet            | -                              | -                   | -
    bup-patch         | buprenorphine                                    | -          | transdermal  | patch             | -                              | -                   | -
    testosterone-gel  | testosterone                                     | -          | topical      | gel               | -                              | -                   | -
"""

# Family medicine, cardiology, and a midwife who is a nurse too.
PROVIDERS = """
    npi        | taxonomy_code
    1000000001 | 207Q00000X
    1000000002 | 207RC0000X
    1000000003 | 163W00000X;367A00000X
"""

BIRTH_DAY = 273  # since the LMP

Rows = list[dict[str, Any]]
Case = dict[str, str | None]


class Telling:
    """The raw rows of one table of cases."""

    def __init__(self, as_of: str) -> None:
        """Begin with nobody."""
        self.as_of = datetime.date.fromisoformat(as_of)
        self.rows: dict[str, Rows] = defaultdict(list)
        self.claims = 0

    def day(self, text: str, anchors: dict[str, datetime.date]) -> datetime.date:
        """g84, p7, t-20, t or a date."""
        anchor, rest = text[0], text[1:]
        if anchor not in anchors:
            return datetime.date.fromisoformat(text)
        return anchors[anchor] + datetime.timedelta(int(rest or 0))

    def member(self, key: int, case: Case) -> dict[str, datetime.date]:
        """Add one member with all that happened; the anchors of her days."""
        at = case["at"] or ""
        ago = datetime.timedelta(int(at[1:]))
        born = at[0] == "p"
        end = self.as_of - ago
        lmp = end - datetime.timedelta(BIRTH_DAY) if born else end
        anchors = {"g": lmp, "t": self.as_of, **({"p": end} if born else {})}
        person, infant = f"m{key:03}", f"z{key:03}"
        who = {
            "person_id": person, "birth_date": "1998-01-01", "gender": "female", "enrollment_start_date": "2010-01-01",
            "subscriber_id": f"s{key:03}",
        }  # fmt: skip
        pregnancy: dict[str, Any] = {
            "member_key": key, "episode": 1, "lmp_date": lmp, "first_evidence_date": lmp + datetime.timedelta(60),
            "last_evidence_date": self.as_of - datetime.timedelta(7), "gestational_age_days": (end if born else self.as_of) - lmp,
        }  # fmt: skip
        pregnancy["gestational_age_days"] = pregnancy["gestational_age_days"].days
        if born:
            pregnancy |= {"status": "ended", "outcome": "live_birth", "end_date": end, "is_paid_outcome": "yes"}
            pregnancy |= {"tier": None, "last_evidence_date": lmp + datetime.timedelta(250)}
        else:
            pregnancy |= {"status": "current", "tier": case.get("tier") or "A"}
            pregnancy["least_gestational_age_days"] = pregnancy["gestational_age_days"] - 3
        spans = []
        for event in (case["events"] or "").split(";"):
            words = event.split()
            if not words:
                continue
            if words[0].startswith("who:"):
                name, value = words[0][4:].split("=")
                who[name] = str(self.day(value, anchors)) if name.endswith("_date") else value
            elif words[0].startswith("preg:"):
                name, value = words[0][5:].split("=")
                pregnancy[name] = self.day(value, anchors) if name.endswith("_date") and value else value or None
            elif words[0].startswith("span:"):
                spans.append([self.day(part, anchors) for part in words[0][5:].split("..")])
            else:
                self.event(words, anchors, key, person, infant, lmp)
        self.rows["raw.eligibility"].append(who)
        for first, last in spans:
            self.rows["raw.eligibility"].append(who | {"enrollment_start_date": first, "enrollment_end_date": last})
        pregnancy["episode"] += sum(" birth" in event for event in (case["events"] or "").split(";"))
        self.rows["facts.pregnancy"].append(pregnancy)
        return anchors

    def event(
        self,
        words: list[str],
        anchors: dict[str, datetime.date],
        key: int,
        person: str,
        infant: str,
        lmp: datetime.date,
    ) -> None:
        """Add what happened on one day."""
        self.claims += 1
        date, claim = self.day(words[0], anchors), f"C{self.claims:04}"
        of = infant if "infant" in words else person
        paid = "denied" not in words
        kind_of_claim = "institutional" if "hospital" in words else "professional"
        line: dict[str, Any] = {
            "claim_id": claim, "person_id": of, "claim_start_date": date, "claim_status": "paid" if paid else "denied",
            "claim_type": kind_of_claim,
        }  # fmt: skip
        dated = []
        for part in words[-1].split("+"):
            kind, _, value = part.partition(":")
            if kind == "rx":
                drug, days, *quantity = value.split("/")
                self.rows["raw.pharmacy_claim"].append({
                    "claim_id": claim, "person_id": of, "dispensing_date": date, "ndc_code": drug,
                    "days_supply": days or None, "quantity": quantity[0] if quantity else None,
                })  # fmt: skip
            elif kind == "said":
                code, outcome = value.split("=")
                code, _, subject = code.partition("/")
                self.rows["raw.outreach_outcome"].append({
                    "person_id": person, "gap_code": code, "subject": subject or None, "outcome_code": outcome,
                    "attempted_at": f"{date} 15:00:00",
                })  # fmt: skip
            elif kind == "stay":
                last = self.day(value, anchors) if value else self.as_of
                self.rows["core.stay"].append({"member_key": key, "admission_date": date, "discharge_date": last})
            elif kind == "loss":
                self.rows["facts.suppression"].append({
                    "member_key": key, "rule": "L1", "trigger_date": date, "released_by": value or None,
                })  # fmt: skip
            elif kind == "newborn":
                self.rows["raw.eligibility"].append({
                    "person_id": infant, "birth_date": date, "enrollment_start_date": date, "subscriber_id": f"s{key:03}",
                })  # fmt: skip
            elif kind == "npi":
                line["rendering_npi"] = value
            elif kind == "cpt":
                line["hcpcs_code"] = value
                dated.append(part)
            elif kind == "birth":
                self.rows["facts.pregnancy"].append({
                    "member_key": key, "episode": 1, "status": "ended", "outcome": "live_birth", "end_date": date,
                    "lmp_date": date - datetime.timedelta(BIRTH_DAY),
                })  # fmt: skip
            elif kind == "again":
                self.rows["facts.pregnancy"].append({
                    "member_key": key, "episode": 2, "status": "current", "tier": "C", "lmp_date": date,
                    "gestational_age_days": (self.as_of - date).days, "last_evidence_date": self.as_of,
                })  # fmt: skip
            elif kind in {"dx", "ev"}:
                line["diagnosis_code_1"] = value
                dated.append(part)
                if kind == "ev":
                    week = 1 if value.startswith("Z3A") else 5
                    self.rows["facts.pregnancy_evidence"].append({
                        "member_key": key, "event_date": date, "claim_id": claim, "code": value, "evidence_class": week,
                        "lmp_date": lmp, "is_counted": "yes" if paid else "no",
                    })  # fmt: skip
            else:
                raise ValueError(f"{' '.join(words)}: {kind} is no kind of event")
        if dated:
            self.rows["raw.medical_claim"].append(line)


def as_table(rows: Rows) -> str:
    """Rows of a table in the text that a story takes."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[str(row.get(n)) if row.get(n) is not None else "-" for n in names] for row in rows]
    return "\n".join(" | ".join(line) for line in [names, *cells]) if rows else ""


TABLES = (
    "raw.eligibility", "raw.pharmacy_claim", "raw.medical_claim", "raw.outreach_outcome", "core.stay", "facts.pregnancy",
    "facts.pregnancy_evidence", "facts.suppression",
)  # fmt: skip


def cases_of(text: str) -> list[Case]:
    """The lines of a table of cases."""
    header, rows = read_table(text)
    return [dict(zip(header, row, strict=True)) for row in rows]


def tell(
    teller: Story,
    text: str,
    model: str,
    which: Callable[[Case], str],
    as_of: str,
    gate: str = "missing_value_sets\n0",
    more: Mapping[str, str] | None = None,
    **params: Any,
) -> None:
    """Tell all cases of a table in one warehouse, and compare the rows of each; every sentence must fit rule L6.

    Args:
        teller: The warehouse.
        text: The cases.
        model: The table that `row` speaks of.
        which: Of its rows those that a case is about, as a condition.
        as_of: Tonight.
        gate: Rows of `facts.maternal_gate`.
        more: Rows of other tables.
        params: Settings that differ.

    Raises:
        AssertionError: Other rows came out.
    """
    __tracebackhide__ = True
    telling, cases = Telling(as_of), cases_of(text)
    anchors = {key: telling.member(key, case) for key, case in enumerate(cases, start=1)}
    given = {name: as_table(telling.rows[name]) for name in TABLES}
    given |= {"raw.drug": FORMULARY, "raw.provider": PROVIDERS, "facts.maternal_gate": gate} | dict(more or {})
    # What a word closes, the ledger closes: the family finds it all the while (rules 6.7).
    con = teller.prepare([model, "facts.closing_word"], as_of, given, **params)
    wrong = []
    for [reason] in con.execute(f"select distinct reason from {model}").fetchall():
        wrong += [f"rule L6: {reason}"] if UNSPEAKABLE.search(reason) else []
    for key, case in enumerate(cases, start=1):
        cursor = con.execute(
            f"from (select told.* replace (coalesce(closing_word.closing_reason, told.status) as status) from {model} as told "
            "left join facts.closing_word on told.member_key = closing_word.member_key and "
            "told.gap_code = closing_word.gap_code and told.subject is not distinct from closing_word.subject) "
            f"where member_key = {key} and {which(case)}"
        )
        names = [column[0] for column in cursor.description or []]
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        if problem := _problem(case, found, telling, anchors[key]):
            wrong.append(f"{key:3} {' | '.join(c or '-' for c in case.values())}\n      {problem}")
    if wrong:
        raise AssertionError(f"{len(wrong)} wrong of {len(cases)} cases:\n" + "\n".join(wrong))


# What no sentence may hold (rule L6), a place without its date among them.
UNSPEAKABLE = re.compile(r"pregnan|baby|due date|missing|[{}]|\bstop|  |\bnone\b|\bnull\b", re.IGNORECASE)

# What `row` may speak of -> the column.
COLUMNS = {
    "start": "window_start_date", "end": "window_end_date", "due": "due_date", "severity": "severity",
    "confidence": "confidence", "sensitive": "is_sensitive", "code": "gap_code", "says": "reason", "claim": "evidence",
}  # fmt: skip


def _problem(case: Case, found: Rows, telling: Telling, anchors: dict[str, datetime.date]) -> str:
    row = case["row"] or "-"
    if row == "-":
        return f"found {found}; none is expected" if found else ""
    if len(found) != 1:
        return f"found {found}; one row is expected"
    status, *others = row.split()
    if found[0]["status"] != status:
        return f"found {found[0]['status']}"
    if "rule" in case and found[0]["prenatal_rule_id"] != case["rule"]:
        return f"found the rule {found[0]['prenatal_rule_id']}"
    for other in others:
        name, expected = other.split("=", 1)
        value = found[0][COLUMNS[name]]
        if name in {"says", "claim"}:
            agrees = expected in value.replace(" ", "_")
        elif expected == "none" or value is None:
            agrees = expected == "none" and value is None
        elif isinstance(value, datetime.date):
            agrees = telling.day(expected, anchors) == value
        elif isinstance(value, bool):
            agrees = {"yes": True, "no": False}[expected] == value
        elif isinstance(value, str):
            agrees = expected == value.replace(" ", "_")
        else:
            agrees = float(value) == float(expected)
        if not agrees:
            return f"{name}: found {value}; {expected} is expected"
    return ""
