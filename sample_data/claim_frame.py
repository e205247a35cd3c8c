"""What a medical claim is here: its columns, the kinds of claims, the diagnoses and what may befall it.

`kind` is a row of `encounter_kind.csv`; diagnoses are positions in `DIAGNOSES` (-1: none); dates are day numbers.
"""

import numpy as np
import polars as pl

from sample_data.calendar import HERE, NONE
from sample_data.draw import Integers
from sample_data.members import CONDITIONS

DIAGNOSIS_COLUMNS = 5
ACUTE = ["J06.9", "M25.561", "R51.9", "N39.0", "R10.9", "J20.9", "Z00.00", "Z23", "L03.90", "H26.9",
         "R07.9", "Z12.31"]  # fmt: skip
SOCIAL = ["Z59.41", "Z59.00", "Z59.82", "Z60.2"]
OTHER = ["Z99.2", "E11.22", "I12.0", "C34.90", "I50.9", "I50.23", "I13.0", "J18.9", "A41.9", "I63.9", "K92.2",
         "S72.001A", "F11.20", "I21.4", "F32.2", "E66.9"]  # fmt: skip
MATERNITY = [
    "Z32.01", "Z32.02", "Z34.81", "Z34.82", "Z34.83", "O09.891", "O09.892", "O09.893", "Z36.82", "Z36.3", "Z36.85",
    "O30.041", "O30.042", "O30.043", "O24.410", "O24.420", "O10.011", "O10.012", "O10.013", "O10.02",
    "O13.1", "O13.2", "O13.3", "O13.4", "O14.10", "O14.12", "O14.13", "O14.14", "O99.011", "O99.012", "O99.013",
    "O99.02", "O60.12X0", "O60.14X0", "O80", "Z37.0", "Z37.1", "Z37.2", "Z37.3", "Z37.4", "Z39.1", "Z39.2", "Z13.32",
    "Z38.00", *(f"P07.2{i}" for i in range(2, 7)), *(f"P07.3{i}" for i in range(1, 10)),
    "O20.0", "O03.9", "O02.1", "O00.101", "O00.102", "O00.90", "O01.9", "Z33.2", "O04.80", "O36.4XX0",
]  # fmt: skip
PROGRAMMES = ["E11.65", "Z69.11"]
WEEKS = ["Z3A.01", *(f"Z3A.{week:02d}" for week in range(8, 43))]
DIAGNOSES = [
    *dict.fromkeys([*(c for c, _, _ in CONDITIONS.values()), *ACUTE, *SOCIAL, *OTHER, *MATERNITY, *WEEKS, *PROGRAMMES])
]
POSITION = {code: position for position, code in enumerate(DIAGNOSES)}

EVENTS = {
    "reversal": 500,
    "adjusted": 500,
    "exact_duplicate": 300,
    "denied": 900,
    "pended": 150,
    "replaced": 500,
    "voided": 250,
    "no_original": 40,
    "no_claim_start_date": 120,
    "no_person_id": 80,
    "ends_before_start": 20,
}
"""What happens to a claim (all its lines), per 100,000 claims."""
EVENT = {name: position for position, name in enumerate(EVENTS)}
NOTHING = len(EVENTS)
"""The event of a claim that is paid and left alone."""

PLAIN = {"admitted": NONE, "discharged": NONE, "disposition": NONE, "drg": NONE, "frequency": 1, "lines": 1,
         **{f"d{i}": -1 for i in range(1, DIAGNOSIS_COLUMNS + 1)},
         "event": NONE, "delay": NONE, "story": 0}  # fmt: skip
"""What is not given. `event` (a position in EVENTS) and `delay` (days to the file) are drawn where they are NONE."""
COLUMNS = ["n", "sequence", "kind", "start", "end", *PLAIN]


def read_kinds() -> pl.DataFrame:
    """The kinds of claims, in file order."""
    text = {"bill": pl.String, "place": pl.String, "rest_codes": pl.String, "first_codes": pl.String}
    return pl.read_csv(HERE / "encounter_kind.csv", schema_overrides=text)


KINDS = read_kinds()["kind"].to_list()
FULL_LINES = np.array([1 + len(text.split(";")) if text else 1 for text in read_kinds()["rest_codes"]])
"""Lines of a claim that shows each of its kind's further codes once."""


def kind_numbers(kinds: list[str]) -> Integers:
    """Find the numbers of kinds by name."""
    return np.array([KINDS.index(kind) for kind in kinds])


def claims_of(kind: str | Integers, n: Integers, sequence: Integers, start: Integers, **given: object) -> pl.DataFrame:
    """Claims as a frame; what is not given is plain: one day, no stay, frequency as the bill type says, no story."""
    columns = {**PLAIN, "end": start, **given, "n": n, "sequence": sequence, "start": start}
    columns["kind"] = KINDS.index(kind) if isinstance(kind, str) else kind
    return pl.DataFrame({c: np.broadcast_to(np.asarray(columns[c], dtype=np.int64), len(n)) for c in COLUMNS})


def claim_id(sequence: pl.Expr | None = None) -> pl.Expr:
    """MC, member number and sequence."""
    number = pl.col("n") * 1000 + (pl.col("sequence") if sequence is None else sequence)
    return pl.concat_str(pl.lit("MC"), number.cast(pl.String).str.zfill(10))
