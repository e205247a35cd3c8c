"""`caregaps assign`: today's pharmacists and the published night in, a numbered plan out.

The night is read and never changed. A plan is a file of its own with the next number of its night; none is replaced. What
the file does not tell of a pharmacist, the night's own table does, as the input had it.
"""

from __future__ import annotations

import csv
import datetime
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from assets.engine import files
from assets.engine.assign import REASONS, Pharmacist, plan
from assets.engine.contract import contract_for
from assets.engine.errors import PublicationError, SettingsError
from assets.engine.releases import last_night, restricted_part
from assets.engine.report.small_cells import lone_count

# Of these two the night's table may tell instead.
REQUIRED = ("pharmacist_id", "licence_states", "weekly_capacity")
OPTIONAL = ("languages", "therapy_areas", "pharmacy_npi", "has_interpreter", "accepted_gap_ids")
# Of each value of a list: what it must look like, and in words.
FORMS = {
    "licence_states": (r"[A-Z]{2}", "two-letter codes of states"),
    "languages": (r"[a-z]{2,3}", "ISO 639-1 codes"),
    "therapy_areas": (r"[a-z_]+", "areas in lower case, such as oncology"),
    "pharmacy_npi": (r"[0-9]{10}", "NPIs of ten digits"),
    "accepted_gap_ids": (r"[0-9a-f]{16}", "ids of gaps"),
}
YES, NO = {"1", "true", "t", "yes", "y"}, {"", "0", "false", "f", "no", "n"}
LARGEST_CAPACITY = 1 << 26
# More than any pharmacist can call in a week; a larger number is a slip.
MOST_PLACES = 10_000


# Of one pharmacist, what the night's table says: columns of FILE as they would stand there.
Known = Mapping[str, Mapping[str, str]]


def describe_assignment(output: Path, capacity: Path | None, small_cell: int) -> Iterator[str]:
    """Plan the last published night anew, write the plan and tell its counts, line by line.

    Args:
        output: Folder of published nights.
        capacity: CSV file of today's pharmacists; without one, everyone of the night's own table.
        small_cell: Counts of members below it are hidden.

    Raises:
        PublicationError: The night is not there or cannot be read, or the plan cannot be written.
        SettingsError: The file says something that is not allowed.
    """
    night, manifest = last_night(output)
    as_of = datetime.date.fromisoformat(manifest["as_of"])
    with _reading(output):
        known = _night_pharmacists(restricted_part(night))
    pharmacists = read_capacity(capacity, known) if capacity else _of_the_night(output, as_of, known)
    with _reading(output):
        cases = _cases(output, as_of, restricted_part(night))
    result = plan(cases, pharmacists, _known(output))
    path = _write(output, as_of, result)

    def members(mask: list[bool]) -> str:
        people = {p for p, is_in in zip(result["person_id"].to_pylist(), mask, strict=True) if is_in}
        return lone_count(len(people), small_cell)

    yield f"Night of {as_of}, {len(pharmacists):,} pharmacists: {path}"
    accepted, reasons = result["is_accepted"].to_pylist(), result["unassigned_reason"].to_pylist()
    planned = [reason is None and not is_taken for reason, is_taken in zip(reasons, accepted, strict=True)]
    yield f"Members with work that was accepted and stays: {members(accepted)}"
    yield f"Members assigned: {members(planned)}"
    for reason in REASONS:
        if reason in reasons:
            yield f"Members not assigned, {reason}: {members([r == reason for r in reasons])}"


def read_capacity(path: Path, known: Known) -> list[Pharmacist]:
    """Today's pharmacists; of a column that the file does not have, what the night's table says of each.

    Raises:
        SettingsError: The file cannot be read, or says something that is not allowed.
    """
    try:
        if path.exists() and (not path.is_file() or path.stat().st_size > LARGEST_CAPACITY):
            raise SettingsError(
                f"--capacity: {path.name} is no file of less than 64 MB; a line per pharmacist is expected"
            )
        with path.open(encoding="utf-8-sig", newline="") as stream:
            lines = [(number, row) for number, row in enumerate(csv.reader(stream, strict=True), 1) if any(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(f"--capacity: {path.name} could not be read; a CSV file in UTF-8 is expected") from error
    if not lines:
        raise SettingsError("--capacity: found an empty file; a header and a line for each pharmacist are expected")
    header = [name.strip().lower() for name in lines[0][1]]
    expected = f"{', '.join(REQUIRED)} are expected, {', '.join(OPTIONAL)} allowed"
    if odd := sorted({name for name in header if header.count(name) > 1 or name not in (*REQUIRED, *OPTIONAL)}):
        raise SettingsError(f"--capacity: found the columns {odd}, unknown or twice; {expected}")
    if missing := [name for name in REQUIRED if name not in header and (name == REQUIRED[0] or not known)]:
        raise SettingsError(f"--capacity: found no column {missing[0]!r}; {expected}")
    pharmacists = []
    for number, cells in lines[1:]:
        if len(cells) != len(header):
            raise SettingsError(f"--capacity: line {number}: found {len(cells)} cells; the header has {len(header)}")
        told = dict(zip(header, (c.strip() for c in cells), strict=True))
        of_night = known.get(told["pharmacist_id"], {})
        if silent := [name for name in REQUIRED[1:] if name not in header and not of_night.get(name)]:
            raise SettingsError(
                f"--capacity: line {number}: found no {silent[0]}, here or in the night's table of pharmacists; one is expected"
            )
        pharmacists.append(_pharmacist(number, {**of_night, **told}))
    for what, values in (
        ("pharmacist_id", [p.pharmacist_id for p in pharmacists]),
        ("accepted_gap_ids", [gap_id for p in pharmacists for gap_id in p.accepted]),
    ):
        if twice := sum(count > 1 for count in Counter(values).values()):
            raise SettingsError(f"--capacity: {what}: found {twice} on more than one line; each may stand on one")
    return pharmacists


def _pharmacist(number: int, cells: dict[str, str]) -> Pharmacist:
    def values(name: str) -> frozenset[str]:
        form, what = FORMS[name]
        found = [value.strip() for value in cells.get(name, "").split(";") if value.strip()]
        if not all(re.fullmatch(form, value) for value in found):
            raise SettingsError(f"--capacity: line {number}: {name}: {what} with ; between are expected")
        return frozenset(found)

    if not cells["pharmacist_id"]:
        raise SettingsError(f"--capacity: line {number}: found no pharmacist_id; each line needs one")
    if not cells["pharmacist_id"].isprintable():
        raise SettingsError(f"--capacity: line {number}: pharmacist_id: text without line breaks is expected")
    places = cells["weekly_capacity"]
    if not re.fullmatch(r"[0-9]{1,6}", places) or int(places) > MOST_PLACES:
        raise SettingsError(
            f"--capacity: line {number}: weekly_capacity: a whole number from 0 to {MOST_PLACES:,} is expected"
        )
    interpreter = cells.get("has_interpreter", "").lower()
    if interpreter not in YES | NO:
        raise SettingsError(f"--capacity: line {number}: has_interpreter: yes or no is expected")
    return Pharmacist(
        pharmacist_id=cells["pharmacist_id"],
        licence_states=values("licence_states"),
        weekly_capacity=int(places),
        languages=values("languages") or frozenset({"en"}),
        therapy_areas=values("therapy_areas"),
        pharmacies=values("pharmacy_npi"),
        has_interpreter=interpreter in YES,
        accepted=values("accepted_gap_ids"),
    )


def _of_the_night(output: Path, as_of: datetime.date, known: Known) -> list[Pharmacist]:
    """Everyone of the night's table; what they accepted stands in its last plan."""
    if not known:
        raise SettingsError(
            f"--capacity: found no file, and no pharmacist in the night of {as_of}; a CSV file of today's pharmacists is expected"
        )
    accepted: dict[str, set[str]] = defaultdict(set)
    for row in _plan_rows(plans[-1]) if (plans := _plans(output, f"as_of={as_of}")) else ():
        if row["is_accepted"]:
            accepted[row["pharmacist_id"]].add(row["gap_id"])
    # Who tells no number has no place, and what such a one accepted stays with them all the same.
    told = {name: {"weekly_capacity": "0", **of_night} for name, of_night in known.items()}
    told |= {name: {"weekly_capacity": "0"} for name in accepted.keys() - told.keys()}
    return [
        replace(_pharmacist(0, {**of_night, "pharmacist_id": name}), accepted=frozenset(accepted[name]))
        for name, of_night in told.items()
    ]


def _night_pharmacists(folder: Path) -> Known:
    """What the night's table says, a pharmacist of several pharmacies once: all lists together, the largest capacity.

    What is no code of a state, a language or an area is none: nobody is licensed by a slip.
    """
    path = folder / "assignment_pharmacist.parquet"
    lists: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    places: dict[str, int] = {}
    for row in pq.ParquetFile(path).read().to_pylist() if path.is_file() else ():
        name = row["pharmacist_id"]
        if not name.isprintable():
            continue
        for column in ("licence_states", "languages", "therapy_areas", "pharmacy_npi"):
            values = [value.strip() for value in (row[column] or "").split(";")]
            lists[name][column] |= {value for value in values if re.fullmatch(FORMS[column][0], value)}
        if row["weekly_capacity"] is not None:
            places[name] = max(places.get(name, 0), min(row["weekly_capacity"], MOST_PLACES))
    return {
        name: {column: ";".join(sorted(values)) for column, values in of_one.items()}
        | ({"weekly_capacity": str(places[name])} if name in places else {})
        for name, of_one in lists.items()
    }


def _cases(output: Path, as_of: datetime.date, folder: Path) -> pa.Table:
    path = folder / "assignment_case.parquet"
    if not path.is_file():
        raise PublicationError(
            f"{output}: the night of {as_of} has no table assignment_case; run it again with this version"
        )
    return pq.ParquetFile(path).read(columns=contract_for("outreach", "assignment_case").columns)


@contextmanager
def _reading(output: Path) -> Iterator[None]:
    """Read the restricted part of the last night within the block.

    Raises:
        PublicationError: It cannot be read.
    """
    try:
        yield
    except (OSError, pa.ArrowInvalid) as error:
        raise PublicationError(f"{output}: the night could not be read; the service user may read all of it") from error


def _known(output: Path) -> set[tuple[str, str]]:
    """Who accepted work for whom, in any earlier plan."""
    rows = (row for path in _plans(output, "as_of=*") for row in _plan_rows(path))
    return {(row["person_id"], row["pharmacist_id"]) for row in rows if row["is_accepted"]}


def _plans(output: Path, night: str) -> list[Path]:
    """Plans of a night in the order in which they were made; of several nights, night by night."""
    found = [path for path in (output / "assignments").glob(f"{night}/*.parquet") if path.stem.isdecimal()]
    return sorted(found, key=lambda path: (path.parent.name, int(path.stem)))


def _plan_rows(path: Path) -> list[dict[str, Any]]:
    try:
        columns = ["gap_id", "person_id", "pharmacist_id", "is_accepted"]
        return pq.ParquetFile(path).read(columns=columns).to_pylist()
    except (OSError, pa.ArrowInvalid, KeyError) as error:
        raise PublicationError(
            f"assignments/{path.parent.name}/{path.name}: not readable; a plan of `caregaps assign` is expected"
        ) from error


def _write(output: Path, as_of: datetime.date, result: pa.Table) -> Path:
    """Write a plan under the next number, whole or not at all; of two at the same time each gets its own."""
    try:
        root = files.make_folder(output / "assignments", files.SECRET_FOLDER)
        folder = files.make_folder(root / f"as_of={as_of}", files.SECRET_FOLDER)
        draft = folder / f".{os.getpid()}.draft"
        metadata = {"as_of": str(as_of), "contract_version": "1.0.0"}
        try:
            pq.write_table(result.replace_schema_metadata(metadata), draft, compression="zstd")
            draft.chmod(files.SECRET_FILE)
            files.sync(folder)
            number = 1 + max((int(p.stem) for p in folder.glob("[0-9]*.parquet") if p.stem.isdecimal()), default=0)
            while True:
                path = folder / f"{number:03}.parquet"
                try:
                    # A link is made under a free name only; a rename would replace another plan.
                    os.link(draft, path)
                except FileExistsError:
                    number += 1
                    continue
                return path
        finally:
            draft.unlink(missing_ok=True)
            files.sync(folder)
    except OSError as error:
        raise PublicationError(
            f"{output}: could not be written ({error.strerror}); free space and write access are expected"
        ) from error
