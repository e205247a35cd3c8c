"""The stories' warehouse: whatever it was told before, it holds what a build from the start comes to."""

from __future__ import annotations

import duckdb

from tests.story import Story, build_models, give, models_for

TARGETS = ("outreach.adherence", "outreach.contact_pressure")
AS_OF = "2026-06-30"
FILLS = {
    "raw.eligibility": "person_id | birth_date | enrollment_start_date\nann | 1960-01-01 | 2020-01-01",
    "raw.pharmacy_claim": """
        person_id | dispensing_date | ndc_code | days_supply
        ann       | 2026-01-01      | pill     | 30
        ann       | 2026-03-01      | pill     | 90
    """,
    "raw.drug": "ndc_code | ingredients\npill | atorvastatin",
}
ATTEMPTS = "person_id | gap_code | attempted_at | outcome_code\nann | ADHERENCE_LATE | 2026-06-01 10:00:00 | no_answer"

# Each differs from the one before in what a table rests on: rows, the day, a setting, a registry, a table or a view given.
TOLD: dict[str, tuple[dict[str, str], str, dict[str, int]]] = {
    "fills": (FILLS, AS_OF, {}),
    "another day": (FILLS, "2026-02-28", {}),
    "a setting": (FILLS, "2026-02-28", {"refill_due_days": 30}),
    "other fills": (FILLS | {"raw.pharmacy_claim": FILLS["raw.pharmacy_claim"].replace("90", "30")}, AS_OF, {}),
    "attempts": (FILLS | {"raw.outreach_outcome": ATTEMPTS}, AS_OF, {}),
    "a registry": (FILLS | {"raw.measure": ""}, AS_OF, {}),
    "a table in place of its model": (FILLS | {"core.fill": ""}, AS_OF, {}),
    "a table in place of a view": (FILLS | {"raw.outreach_outcome": ATTEMPTS, "facts.contact_attempt": ""}, AS_OF, {}),
    "nothing": ({}, AS_OF, {}),
    "fills again": (FILLS, AS_OF, {}),
}


def rows(con: duckdb.DuckDBPyConnection, given: dict[str, str]) -> dict[str, list[tuple]]:
    """What every table of the targets holds, in its order."""
    return {model.name: con.execute(f"from {model.name}").fetchall() for model in models_for(TARGETS, given)}


def test_what_was_told_before_changes_nothing() -> None:
    teller, found = Story(), {}
    for name, (given, as_of, settings) in TOLD.items():
        found[name] = rows(teller.prepare(TARGETS, as_of, given, **settings), given)
        with teller.aside() as con:
            for table, text in given.items():
                give(con, table, text)
            build_models(con, TARGETS, as_of, given, **settings)
            assert found[name] == rows(con, given), name
    assert found["fills"] == found["fills again"]
    # The stories are worth telling: every one but the last comes to other rows than the first.
    told = [name for name in TOLD if found[name] != found["fills"]]
    assert told == [name for name in TOLD if not name.startswith("fills")]
