"""Claims of pregnancies as stories tell them: who, how many days before the as-of date, which codes.

A code says how many days a pregnancy has lasted on the day of service (maternal 1.6, step 2), so the gestational age on the
as-of date is the days since the claim and the days of its code together: `Z3A20`, 143 days, 17 days ago, is 160.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from tests.story import Story

AS_OF = "2026-06-30"


def ago(days: int, as_of: str = AS_OF) -> str:
    """The day that many days before the as-of date."""
    return (date.fromisoformat(as_of) - timedelta(days=days)).isoformat()


def table(rows: list[dict[str, str]]) -> str:
    """Rows as a pipe table with every column that one of them names."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [" | ".join(row.get(name, "-") for name in columns) for row in rows]
    return "\n".join([" | ".join(columns), *lines])


def claim(who: str, days_ago: int, diagnoses: str = "", *, as_of: str = AS_OF, **columns: str) -> dict[str, str]:
    """One claim line: its diagnoses in order, other columns by name."""
    codes = {f"diagnosis_code_{n}": code for n, code in enumerate(diagnoses.split(), start=1)}
    return {"person_id": who, "claim_start_date": ago(days_ago, as_of)} | codes | columns


def claims(*lines: dict[str, str]) -> str:
    """Medical claims; each that names no `claim_id` is a claim of its own."""
    return table([{"claim_id": f"C{number:04}"} | line for number, line in enumerate(lines, start=1)])


def women(*names: str, birth_date: str = "1995-01-01", **columns: str) -> str:
    """Eligibility of women of 31 who are enrolled throughout."""
    shared = {"birth_date": birth_date, "enrollment_start_date": "2020-01-01", "gender": "female"} | columns
    return table([{"person_id": name} | shared for name in names])


def told(*lines: dict[str, str]) -> dict[str, str]:
    """The claims, and eligibility of everyone in them."""
    return {
        "raw.medical_claim": claims(*lines),
        "raw.eligibility": women(*dict.fromkeys(line["person_id"] for line in lines)),
    }


def gaps_of(teller: Story, given: Mapping[str, str], as_of: str = AS_OF) -> dict[str, dict[str, str]]:
    """Status of each gap of the ledger by person and code, for stories that ask about one code among many."""
    con = teller.prepare(["outreach.ledger"], as_of, given)
    found: dict[str, dict[str, str]] = {}
    for person, code, status in con.execute("select person_id, gap_code, status from outreach.ledger").fetchall():
        found.setdefault(person, {})[code] = status
    return found
