"""Medical claims: encounters unrolled into lines, then voids, replacements, versions, duplicates and faults.

Grain of the result: one claim line as delivered.
"""

import numpy as np
import polars as pl

from sample_data.calendar import NONE, dates, numbers, texts
from sample_data.claim_frame import (
    DIAGNOSES,
    DIAGNOSIS_COLUMNS,
    EVENT,
    EVENTS,
    KINDS,
    NOTHING,
    POSITION,
    claim_id,
    read_kinds,
)
from sample_data.draw import Draw, Integers
from sample_data.members import Members, person_id
from sample_data.sites import Providers

BILLED = [EVENT[name] for name in ("replaced", "voided", "no_original")]
"""These need a bill type, so they are drawn for outpatient claims only (and for more of those)."""

FACTS = {
    "reversal": ("planted_reversal", "version"),
    "adjusted": ("planted_adjustment", "version"),
    "exact_duplicate": ("planted_duplicate", "exact"),
    "denied": ("planted_denied", "only"),
    "pended": ("planted_pended", "only"),
    "replaced": ("planted_replacement", "7"),
    "voided": ("planted_void", "8"),
    "no_original": ("planted_no_original", "7"),
    "no_claim_start_date": ("planted_bad_row", "missing_claim_start_date"),
    "no_person_id": ("planted_bad_row", "missing_person_id"),
    "ends_before_start": ("planted_impossible_dates", "claim_end_date"),
}


def code_tables(column: str) -> tuple[list[str], list[str], Integers, Integers]:
    """Read revenue codes, HCPCS codes (flat, all kinds), and each kind's first position and count."""
    options = [(text or "").split(";") for text in read_kinds()[column]]
    flat = [entry.split(":") if ":" in entry else ["", entry] for row in options for entry in row]
    size = np.array([len(row) for row in options])
    return [entry[0] for entry in flat], [entry[1] for entry in flat], np.cumsum(size) - size, size


def make_medical_claims(
    encounters: pl.DataFrame, members: Members, providers: Providers, draw: Draw
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Make the input table `medical_claim` and its truth (n, fact, subject, value)."""
    key = encounters["n"].to_numpy() * 1000 + encounters["sequence"].to_numpy()
    outpatient = (encounters["kind"] == KINDS.index("outpatient")).to_numpy()
    drawn = draw.choice("medical event", [*EVENTS.values(), 100_000 - sum(EVENTS.values())], key)
    drawn = np.where(np.isin(drawn, BILLED) & ~outpatient, NOTHING, drawn)
    rebilled = outpatient & (drawn == NOTHING) & draw.chance("rebilled", 12_000, key)
    drawn = np.where(rebilled, EVENT["replaced"], drawn)
    given, delay = encounters["event"].to_numpy(), encounters["delay"].to_numpy()
    happens = pl.Series([*EVENTS, None]).gather(np.where(given == NONE, drawn, given))
    who = np.searchsorted(members.n, encounters["n"].to_numpy())
    kinds = read_kinds()
    kind = encounters["kind"].to_numpy()
    professional = (kinds["claim_type"] == "professional").to_numpy()[kind]
    facility = kinds["facility"].fill_null(-1).to_numpy()[kind]
    site = providers.facility(members.area[who], np.maximum(facility, 0))
    special = draw.chance("sees specialist", 300_000, key)
    turn = draw.integer("clinician", 0, 63, members.n[who], np.where(special, key, 0))
    area = members.area[who]
    office = (kind == KINDS.index("office")) & (encounters["story"] == 0).to_numpy()
    protected = office & draw.chance("protected visit", 3_000, key) & (len(providers.rehabilitation) > 0)
    clinics = providers.rehabilitation if len(providers.rehabilitation) else np.zeros(1, dtype=np.int64)
    doctor = np.where(special, providers.specialists[area, turn], providers.primary_care[area, turn])
    doctor = np.where(protected, clinics[draw.integer("clinic", 0, len(clinics) - 1, members.n[who])], doctor)
    claims = encounters.with_columns(
        d1=pl.when(pl.Series(protected)).then(POSITION["F11.20"]).otherwise("d1"),
        event=happens,
        claim_id=claim_id(),
        person_id=person_id(pl.col("n")),
        claim_type=kinds["claim_type"].gather(kind),
        bill=pl.Series(kinds["bill"].cast(pl.Int64).fill_null(-1).to_numpy()[kind]),
        place_of_service_code=kinds["place"].gather(kind),
        rendering_npi=providers.npi.gather(doctor),
        billing_npi=providers.npi.gather(np.where(professional, doctor, site)),
        facility_npi=pl.when(pl.Series(~professional)).then(providers.npi.gather(site)),
        delay=pl.Series(np.where(delay == NONE, draw.integer("medical delay", 4, 45, key), delay)),
        dotted=pl.Series(draw.chance("dotted", 80_000, key)),
        claim_status=pl.when(happens.is_in(["denied", "pended"])).then(happens).otherwise(pl.lit("paid")),
        version=pl.lit(0, pl.Int32),
        sign=pl.lit(1, pl.Int64),
    ).with_columns(
        frequency=pl.when(pl.col("event") == "no_original").then(7).otherwise("frequency").cast(pl.Int64),
    )
    known = claims.filter(pl.col("event").is_not_null())
    names, values = ({event: pair[i] for event, pair in FACTS.items()} for i in (0, 1))
    truth = known.select(
        "n",
        fact=pl.col("event").replace_strict(names, return_dtype=pl.String),
        subject="claim_id",
        value=pl.col("event").replace_strict(values, return_dtype=pl.String),
    )
    part2 = claims.filter(pl.Series(protected)).select(
        "n", fact=pl.lit("planted_part2"), subject="claim_id", value="rendering_npi"
    )
    return lines_of(pl.concat([claims, *second_claims(claims)]), draw), pl.concat([truth, part2])


def second_claims(claims: pl.DataFrame) -> list[pl.DataFrame]:
    """Make later versions under the same claim id, and bills of frequency 7 and 8 under their own."""

    def of(event: str, **columns: pl.Expr) -> pl.DataFrame:
        return claims.filter(pl.col("event") == event).with_columns(**columns)

    one = pl.lit(1, pl.Int32)
    other_id = pl.concat_str("claim_id", pl.lit("F"))
    return [
        of("reversal", claim_status=pl.lit("reversed"), delay=pl.col("delay") + 14, version=one),
        of("adjusted", claim_status=pl.lit("adjusted"), delay=pl.col("delay") + 30, version=one),
        of("exact_duplicate"),
        of("replaced", claim_id=other_id, frequency=pl.lit(7, pl.Int64), delay=pl.col("delay") + 40, version=one),
        of("voided", claim_id=other_id, frequency=pl.lit(8, pl.Int64), delay=pl.col("delay") + 40, version=one),
    ]


def lines_of(claims: pl.DataFrame, draw: Draw) -> pl.DataFrame:
    """Make one row per line, in the order of member, sequence, version, claim and line."""
    claims = claims.sort("n", "sequence", "version", "claim_id")
    times = claims["lines"].to_numpy()
    rows = claims[np.repeat(np.arange(len(claims)), times)]
    line = np.arange(len(rows)) - np.repeat(np.cumsum(times) - times, times) + 1
    key = rows["n"].to_numpy() * 1000 + rows["sequence"].to_numpy()
    kind = rows["kind"].to_numpy()
    first, rest = code_tables("first_codes"), code_tables("rest_codes")
    turn = draw.integer("line code", 0, 719, key)
    code = np.where(
        line == 1,
        first[2][kind] + turn % first[3][kind],
        len(first[0]) + rest[2][kind] + (turn + line) % rest[3][kind],
    )
    revenue, hcpcs = pl.Series([*first[0], *rest[0]]), pl.Series([*first[1], *rest[1]])
    start, end = rows["start"].to_numpy(), rows["end"].to_numpy()
    event = rows["event"].fill_null("").to_numpy()
    cents = read_kinds()["paid_cents"].to_numpy()[kind] * draw.integer("line cost", 60, 140, key, line) // 100
    cents = np.where(line == 1, cents, cents // 8)
    unpaid = rows["claim_status"].is_in(["denied", "pended"]).to_numpy()
    bill = rows["bill"].to_numpy()
    plain = [code.replace(".", "") for code in DIAGNOSES]
    dotted = rows["dotted"].to_numpy()
    codes = [
        texts(f"diagnosis_code_{i}", [*plain, *DIAGNOSES], np.where(d < 0, -1, d + dotted * len(DIAGNOSES)))
        for i in range(1, DIAGNOSIS_COLUMNS + 1)
        for d in [rows[f"d{i}"].to_numpy()]
    ]
    file_date = dates("file_date", end + rows["delay"].to_numpy())
    return rows.select(
        "claim_id",
        numbers("claim_line_number", line).cast(pl.Int32),
        "claim_type",
        person_id=pl.when(pl.Series((event == "no_person_id") & (line == 1))).then(None).otherwise("person_id"),
        claim_start_date=pl.when(pl.Series((event == "no_claim_start_date") & (line == 1)))
        .then(None)
        .otherwise(dates("s", start)),
        claim_end_date=dates("e", np.where(event == "ends_before_start", start - 400, end)),
        claim_line_start_date=dates("ls", start),
        claim_line_end_date=dates("le", end),
        admission_date=dates("a", rows["admitted"].to_numpy()),
        discharge_date=dates("d", rows["discharged"].to_numpy()),
        discharge_disposition_code=numbers("c", rows["disposition"].to_numpy()).cast(pl.String).str.zfill(2),
        place_of_service_code="place_of_service_code",
        bill_type_code=pl.when(pl.Series(bill >= 0)).then(
            pl.Series(
                bill // 10 * 10 + np.where(rows["frequency"].to_numpy() == 1, bill % 10, rows["frequency"].to_numpy())
            ).cast(pl.String)
        ),
        drg_code=numbers("g", rows["drg"].to_numpy()).cast(pl.String).str.zfill(3),
        revenue_center_code=pl.Series(revenue.gather(code).replace("", None)),
        hcpcs_code=pl.Series(hcpcs.gather(code).replace("", None)),
        rendering_npi="rendering_npi",
        billing_npi="billing_npi",
        facility_npi="facility_npi",
        paid_date=file_date,
        paid_amount=pl.Series(np.where(unpaid, 0, cents)) / 100.0,
        diagnosis_code_type=pl.lit("icd-10-cm"),
        **{column.name: column for column in codes},
        claim_status="claim_status",
        file_date=file_date,
        ingest_datetime=file_date.cast(pl.Datetime("us")) + pl.duration(hours=4),
    )
