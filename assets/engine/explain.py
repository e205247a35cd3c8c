"""Why a person is, or is not, on a list: told from what the night published, nothing recomputed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from assets.engine.errors import PublicationError
from assets.engine.registry import read_families
from assets.engine.releases import last_night, restricted_part
from assets.engine.timeline import draw

NO_GAP = "no gap tonight"

# What depends on a pregnancy is told the same way whether there is none, a loss or a doubt (interface 3.1).
NOT_ELIGIBLE = "Maternal care and supplies: not eligible."


def explain_person(output: Path, person_id: str, gap_code: str | None, *, is_restricted: bool = False) -> Iterator[str]:
    """Tell one person's night, line by line.

    Args:
        output: Folder of published nights.
        person_id: The person.
        gap_code: Only this code, where given.
        is_restricted: Tell of pregnancies, losses and the plan's own queues too.

    Raises:
        PublicationError: Nothing is published there, its restricted part cannot be read, or it does not know the person.
    """
    night, manifest = last_night(output)
    try:
        person = _Evidence(night / "tables", restricted_part(night), person_id)
        lines = list(_tell(person, manifest, gap_code))
        lines += _tell_restricted(person) if is_restricted else []
    except (duckdb.IOException, PermissionError) as error:
        raise PublicationError(f"{output}: the night could not be read; the service user may read all of it") from error
    yield from lines


class _Evidence:
    """The published rows of one person."""

    def __init__(self, tables: Path, secret: Path, person_id: str) -> None:
        self._con = duckdb.connect()
        self._tables = tables
        self._secret = secret
        self._person_id = person_id

    def rows(self, table: str, order: str, secret: bool = False) -> list[dict[str, Any]]:
        path = (self._secret if secret else self._tables) / f"{table}.parquet"
        found = self._con.execute(
            f"select * from read_parquet(?) where person_id = ? order by {order}", [str(path), self._person_id]
        )
        names = [d[0] for d in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _tell(person: _Evidence, manifest: dict[str, Any], gap_code: str | None) -> Iterator[str]:
    found = [*person.rows("gap", "gap_code, subject"), *person.rows("gap", "gap_code, subject", secret=True)]
    gaps = [gap for gap in found if gap_code in (None, gap["gap_code"])]
    measured = person.rows("adherence", "measure_id")
    listed = {row["gap_id"]: row for row in person.rows("worklist", "gap_id")}
    families = read_families()
    if not gaps and (gap_code or not measured):
        if gap_code in {code for f in families.values() for code, c in f.codes.items() if c.pregnancy_dependent}:
            yield f"Night of {manifest['as_of']}: {gap_code}: not eligible."
        else:
            yield f"Night of {manifest['as_of']}: no published evidence of this person{_about(gap_code)}."
        yield from _tell_skipped(manifest)
        return
    yield f"Night of {manifest['as_of']}, engine {manifest['engine']}, settings {manifest['settings_digest']}"
    yield from _tell_skipped(manifest)
    for row in measured:
        of_measure = [g for g in gaps if g["subject"] == row["measure_id"]]
        if gap_code is None or of_measure:
            yield ""
            yield from _tell_measure(person, row)
            for gap in of_measure:
                yield from _tell_gap(gap, listed.get(gap["gap_id"]), manifest)
            if not of_measure:
                yield f"  Gap: {NO_GAP}."
    told = {row["measure_id"] for row in measured}
    for gap in gaps:
        if gap["subject"] not in told:
            yield ""
            yield from _tell_gap(gap, listed.get(gap["gap_id"]), manifest)
    if gap_code is None and not any(families[gap["gap_family"]].is_pregnancy_dependent for gap in gaps):
        yield ""
        yield NOT_ELIGIBLE


def _tell_skipped(manifest: dict[str, Any]) -> Iterator[str]:
    """What nobody looked for that night: there, no gap says nothing of the person."""
    for family, reason in sorted(manifest["skipped_families"].items()):
        yield f"Not looked for: {family} ({reason})."


def _tell_restricted(person: _Evidence) -> Iterator[str]:
    yield ""
    yield "Restricted:"
    for row in person.rows("pregnancy", "episode", secret=True):
        outcome = (
            f"{row['outcome']} on {row['end_date']}" if row["outcome"] else f"last evidence {row['last_evidence_date']}"
        )
        yield (
            f"  Pregnancy {row['episode']}: {row['status']}, tier {row['tier'] or 'none'}, LMP {row['lmp_date']}, expected "
            f"{row['edd_date']}, {outcome}{', ' + row['referral_reason'] if row['referral_reason'] else ''}."
        )
    for row in person.rows("suppression", "rule, trigger_date", secret=True):
        lifted = f"lifted by {row['released_by']}" if row["released_by"] else "standing"
        yield f"  {row['rule']} of {row['trigger_date']} ({row['trigger_source']} {row['claim_id'] or ''}): {lifted}."
    for row in person.rows("care_queue", "queue, queue_reason", secret=True):
        yield f"  Queue {row['queue']}: {row['queue_reason']}, {row['urgency']}, due {row['due_date']}."


def _about(gap_code: str | None) -> str:
    return f" and {gap_code}" if gap_code else ""


def _tell_measure(person: _Evidence, row: dict[str, Any]) -> Iterator[str]:
    yield f"{row['measure_id']}, measurement year {row['measurement_year']}"
    if row["is_eligible"]:
        yield "  Measured: yes."
    else:
        yield f"  Measured: no ({row['exclusion_reason'].replace(';', ', ')})."
    yield f"  Treatment period: {row['index_date']} to {row['treatment_end_date']}, {row['full_treatment_days']} days."
    if row["pdc"] is None:
        yield "  PDC: none; no fill has usable days supply."
    else:
        yield (
            f"  PDC to date: {row['covered_days']} of {row['treatment_days']} days = {row['pdc']}; "
            f"with no more fills {row['projected_pdc']}, at best {row['best_possible_pdc']}."
        )
        yield (
            f"  Missed: {row['missed_days']} of {row['allowed_missed_days']} allowed days; covered through "
            f"{row['covered_through_date']}, refill due {row['refill_due_date']}, {row['days_late']} days late, "
            f"last impactable {row['last_impactable_date']}."
        )
    yield "  Fills (date, claim, ingredient, days supply -> days counted):"
    for fill in person.rows("class_supply", "fill_date, claim_id, claim_line_number, ingredient", secret=True):
        if fill["measure_id"] == row["measure_id"]:
            counted = (
                f"{fill['supply_start_date']} to {fill['supply_end_date']}"
                if fill["supply_start_date"]
                else "none (no usable days supply, or outside the treatment period)"
            )
            shifted = fill["supply_start_date"] and fill["supply_start_date"] > fill["fill_date"]
            yield (
                f"    {fill['fill_date']}  {fill['claim_id']}  {fill['ingredient']}  {fill['days_supply']} -> {counted}"
                f"{'  (moved: earlier supply of the same ingredient)' if shifted else ''}"
            )
    segments = [
        segment
        for segment in person.rows("coverage_segment", "start_date", secret=True)
        if segment["measure_id"] == row["measure_id"]
    ]
    yield "  The year:"
    intervals = [(s["start_date"], s["end_date"], s["is_covered"]) for s in segments]
    for line in draw(intervals, row["index_date"], row["treatment_end_date"], row["as_of"], row["measurement_year"]):
        yield f"    {line}"
    yield "  Intervals:"
    for segment in segments:
        kind = "covered  " if segment["is_covered"] else "uncovered"
        yield f"    {kind}  {segment['start_date']} to {segment['end_date']}  {segment['counted_days']} days"


def _tell_gap(gap: dict[str, Any], listed: dict[str, Any] | None, manifest: dict[str, Any]) -> Iterator[str]:
    subject = f" ({gap['subject']})" if gap["subject"] else ""
    yield f"  Gap: {gap['gap_code']}{subject}, {gap['status']}, id {gap['gap_id']}"
    yield f"    {gap['reason']}"
    evidence = json.loads(gap["evidence"])
    yield f"    Rule: {evidence.get('rule', 'not stated')}. Source: {evidence.get('source', 'not stated')}."
    weight = manifest["score"]["social_weight"]
    yield (
        f"    Score {gap['score']} = severity {gap['severity']} x impactability {gap['impactability']} x urgency "
        f"{gap['urgency']} x confidence {gap['confidence']} x (1 + {weight} x social {gap['social']}) x reach "
        f"{gap['channel_reach']}"
    )
    due = f"Due {gap['due_date']}, {gap['days_left']} days left; opened" if gap["due_date"] else "Opened"
    yield f"    {due} {gap['opened_date'] or 'not yet'}."
    if listed:
        yield (
            f"    On the list of pharmacy {listed['pharmacy_npi']} ({listed['state']}) as number "
            f"{listed['list_rank']}, band {listed['priority_band']}."
        )
    else:
        yield f"    Not on a list: {gap['status_reason'] or 'status ' + gap['status']}."
