"""Pharmacy claims: what payers make of the fills, with the reversals, versions, duplicates and faults of real feeds.

Grain of the result: one claim row as delivered. Every fault is noted in the truth, by claim id.
"""

import numpy as np
import polars as pl

from sample_data import FIRST_DATE
from sample_data.calendar import LAST
from sample_data.draw import Draw
from sample_data.drugs import UNKNOWN_NDC, Drugs
from sample_data.members import person_id
from sample_data.sites import SERVICE_TYPES, Pharmacies, Providers
from sample_data.stories import STORY_EVERY

EVENTS = {
    "reversal": 1_300,
    "negative_reversal": 500,
    "adjusted": 600,
    "exact_duplicate": 400,
    "other_claim_duplicate": 300,
    "denied_first": 1_400,
    "pended_first": 150,
    "null_days_supply": 120,
    "zero_days_supply": 60,
    "days_supply_400": 60,
    "unknown_ndc": 250,
    "no_dispensing_date": 80,
    "no_ndc_code": 50,
    "no_person_id": 50,
    "unlinked": 40,
    "after_as_of": 30,
}
"""What happens to the claim of a fill, per 100,000 fills; the rest are paid and left alone."""

FACTS = {
    "reversal": ("planted_reversal", "version"),
    "negative_reversal": ("planted_reversal", "negative"),
    "adjusted": ("planted_adjustment", "version"),
    "exact_duplicate": ("planted_duplicate", "exact"),
    "other_claim_duplicate": ("planted_duplicate", "other_claim"),
    "denied": ("planted_denied", "only"),
    "denied_first": ("planted_denied", "then_paid"),
    "pended_first": ("planted_pended", "then_paid"),
    "null_days_supply": ("planted_unusable_days_supply", "null"),
    "zero_days_supply": ("planted_unusable_days_supply", "0"),
    "days_supply_400": ("planted_unusable_days_supply", "400"),
    "unknown_ndc": ("planted_unknown_ndc", UNKNOWN_NDC),
    "no_dispensing_date": ("planted_bad_row", "missing_dispensing_date"),
    "no_ndc_code": ("planted_bad_row", "missing_ndc_code"),
    "no_person_id": ("planted_bad_row", "missing_person_id"),
    "unlinked": ("planted_unlinked", "pharmacy_claim"),
    "after_as_of": ("planted_after_as_of", "pharmacy_claim"),
}


def make_fill_claims(
    fills: pl.DataFrame, drugs: Drugs, pharmacies: Pharmacies, providers: Providers, draw: Draw
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Make the input table `pharmacy_claim` and its truth (n, fact, subject, value)."""
    number = fills["n"].to_numpy().astype(np.int64)
    key = (number * 64 + fills["course"].to_numpy()) * 128 + fills["ordinal"].to_numpy()
    share = [*EVENTS.values(), 100_000 - sum(EVENTS.values())]
    happens = pl.Series([*EVENTS, None]).gather(draw.choice("claim event", share, key))
    delay = draw.integer("claim delay", 1, 3, key)
    cents = fills["units"].to_numpy() * drugs.product["unit_cents"].to_numpy()[fills["product"].to_numpy()] + 180
    copay = np.minimum(cents, np.array([0, 100, 500, 1000])[draw.choice("copay", [35, 25, 25, 15], key)])
    in_network = pharmacies.table.join(pl.DataFrame({"npi": pharmacies.npi}).with_row_index("position"), on="npi").sort(
        "position"
    )["in_network"]
    claims = fills.with_columns(
        event=pl.when("story").then("event").otherwise(happens),
        person_id=person_id(pl.col("n")),
        claim_id=pl.concat_str(pl.lit("RX"), pl.Series(key).cast(pl.String).str.zfill(11)),
        claim_line_number=pl.lit(1, pl.Int32),
        dispensing_date=pl.col("day").cast(pl.Int32).cast(pl.Date),
        ndc_code=drugs.ndc().gather(fills["package"]),
        days_supply=pl.col("supply").cast(pl.Int32),
        quantity=pl.col("units").cast(pl.Float64),
        dispensing_provider_npi=pharmacies.npi.gather(fills["pharmacy"]),
        prescribing_provider_npi=providers.npi.gather(fills["prescriber"]),
        rx_number=pl.col("script").cast(pl.String),
        paid=pl.Series(cents - copay),
        copay=pl.Series(copay),
        in_network_flag=in_network.gather(fills["pharmacy"]),
        pharmacy_service_type=pl.Series(SERVICE_TYPES).gather(pharmacies.kind[fills["pharmacy"].to_numpy()]),
        claim_status=pl.lit("paid"),
        delay=pl.Series(delay),
        version=pl.lit(0, pl.Int32),
    )
    truth = truth_of(claims)
    rows = pl.concat([as_claimed(claims), *second_rows(claims)])
    return finish(rows.with_columns(file_date=pl.col("dispensing_day") + pl.duration(days=pl.col("delay")))), truth


def truth_of(claims: pl.DataFrame) -> pl.DataFrame:
    """Note one fact per claim with an event."""
    known = claims.filter(pl.col("event").is_not_null())
    names, values = ({event: pair[i] for event, pair in FACTS.items()} for i in (0, 1))
    late = claims.filter(pl.col("story") & (pl.col("day") > LAST))
    return pl.concat(
        [
            known.select(
                "n",
                fact=pl.col("event").replace_strict(names, return_dtype=pl.String),
                subject="claim_id",
                value=pl.col("event").replace_strict(values, return_dtype=pl.String),
            ),
            late.select("n", fact=pl.lit("planted_after_as_of"), subject="claim_id", value=pl.lit("pharmacy_claim")),
        ]
    )


def as_claimed(claims: pl.DataFrame) -> pl.DataFrame:
    """Make the first row of every claim, faults included."""
    event = pl.col("event")

    def blank(column: str, fault: str) -> pl.Expr:
        return pl.when(event.eq_missing(fault)).then(None).otherwise(pl.col(column)).alias(column)

    return claims.with_columns(dispensing_day="dispensing_date").with_columns(
        blank("dispensing_date", "no_dispensing_date"),
        blank("person_id", "no_person_id"),
        ndc_code=pl.when(event.eq_missing("no_ndc_code"))
        .then(None)
        .when(event.eq_missing("unknown_ndc"))
        .then(pl.lit(UNKNOWN_NDC))
        .otherwise("ndc_code"),
        days_supply=pl.when(event.eq_missing("null_days_supply"))
        .then(None)
        .when(event.eq_missing("zero_days_supply"))
        .then(0)
        .when(event.eq_missing("days_supply_400"))
        .then(400)
        .when(event.eq_missing("adjusted"))
        .then(90)
        .otherwise("days_supply")
        .cast(pl.Int32),
        claim_status=pl.when(event.eq_missing("denied")).then(pl.lit("denied")).otherwise("claim_status"),
    )


def second_rows(claims: pl.DataFrame) -> list[pl.DataFrame]:
    """Make the further rows that events bring: later versions, reversals, duplicates, earlier refusals, strays."""
    claims = claims.with_columns(dispensing_day="dispensing_date")

    def of(event: str) -> pl.DataFrame:
        return claims.filter(pl.col("event") == event)

    other_id = pl.concat_str("claim_id", pl.lit("X"))
    refused = {
        "claim_id": pl.concat_str("claim_id", pl.lit("D")),
        "paid": pl.lit(0, pl.Int64),
        "copay": pl.lit(0, pl.Int64),
    }
    two_days_before = pl.max_horizontal(pl.col("dispensing_date") - pl.duration(days=2), pl.lit(FIRST_DATE))
    same_claim = (pl.col("n") // STORY_EVERY + pl.col("ordinal")) % 2 == 0
    stray = {"claim_id": other_id, "rx_number": pl.concat_str("rx_number", pl.lit("9"))}
    later = pl.lit(LAST, pl.Int32).cast(pl.Date) + pl.duration(days=3)
    return [
        of("reversal").with_columns(
            claim_status=pl.lit("reversed"), delay=pl.col("delay") + 9, version=pl.lit(1, pl.Int32)
        ),
        of("adjusted").with_columns(
            claim_status=pl.lit("adjusted"), delay=pl.col("delay") + 20, version=pl.lit(1, pl.Int32)
        ),
        of("negative_reversal").with_columns(
            claim_id=pl.when(same_claim).then("claim_id").otherwise(other_id),
            quantity=-pl.col("quantity"),
            days_supply=-pl.col("days_supply"),
            paid=-pl.col("paid"),
            copay=-pl.col("copay"),
            delay=pl.col("delay") + 5,
            version=pl.lit(1, pl.Int32),
        ),
        of("exact_duplicate"),
        of("other_claim_duplicate").with_columns(claim_id=other_id, delay=pl.col("delay") + 1),
        of("denied_first").with_columns(**refused, claim_status=pl.lit("denied"), dispensing_date=two_days_before),
        of("pended_first").with_columns(**refused, claim_status=pl.lit("pended"), dispensing_date=two_days_before),
        of("unlinked").with_columns(
            **stray, person_id=pl.concat_str(pl.lit("SYN9"), pl.col("n").cast(pl.String).str.zfill(7))
        ),
        of("after_as_of").with_columns(**stray, dispensing_date=later, dispensing_day=later),
    ]


def finish(rows: pl.DataFrame) -> pl.DataFrame:
    """Select the columns as delivered, in a total order up to exact duplicates."""
    return rows.sort("n", "course", "ordinal", "version", "claim_id").select(
        "claim_id",
        "claim_line_number",
        "person_id",
        "dispensing_date",
        "ndc_code",
        "days_supply",
        "dispensing_provider_npi",
        "prescribing_provider_npi",
        "quantity",
        pl.col("refills").cast(pl.Int32),
        "rx_number",
        pl.col("fill_number").cast(pl.Int32),
        paid_date=pl.col("file_date"),
        paid_amount=pl.col("paid") / 100.0,
        allowed_amount=(pl.col("paid") + pl.col("copay")) / 100.0,
        copayment_amount=pl.col("copay") / 100.0,
        in_network_flag="in_network_flag",
        pharmacy_service_type="pharmacy_service_type",
        claim_status="claim_status",
        file_date="file_date",
        ingest_datetime=pl.col("file_date").cast(pl.Datetime("us")) + pl.duration(hours=3),
    )
