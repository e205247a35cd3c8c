"""What was planted around pregnancies: each fact with the claim that first shows it, or the days it is about."""

import polars as pl

from sample_data.claim_frame import DIAGNOSES, DIAGNOSIS_COLUMNS, claim_id
from sample_data.maternity import BASE, DELIVERY, EACH_TURN, LOSS, NEWBORN, VISIT_WEEKS
from sample_data.maternity_care import STRAY
from sample_data.pregnancies import FATES, LIVE_BIRTH, LOSSES, MISCARRIAGE, MIXED, OUTCOMES, STILLBIRTH, TERM, as_text

SIGNS = {
    "planted_twins": ("O30.",),
    "planted_gestational_diabetes": ("O24.4",),
    "planted_hypertension": ("O10.", "O13.", "O14."),
    "planted_anaemia": ("O99.01",),
    "planted_newborn_under_mother": ("Z38.",),
}
"""Facts whose subject is the first claim of the episode with such a code, and whose value is its date."""
STRAYS = ["planted_negative_test", "planted_positive_test_only", "planted_sex_mismatch"]
"""In the order of `strays`."""


def maternity_truth(encounters: pl.DataFrame, pregnancies: pl.DataFrame) -> pl.DataFrame:
    """Facts (n, fact, subject, value) of random members; those of stories are written out in `story_truth.csv`."""
    claims = (
        encounters.filter((pl.col("sequence") >= BASE) & (pl.col("sequence") < STRAY + len(STRAYS)))
        .select(
            "n",
            "kind",
            "start",
            *(f"d{i}" for i in range(1, DIAGNOSIS_COLUMNS + 1)),
            turn=(pl.col("sequence") - BASE) // EACH_TURN,
            place=(pl.col("sequence") - BASE) % EACH_TURN,
            claim=claim_id(),
        )
        .sort("n", "turn", "start", "place")
    )
    stray = claims.filter(pl.col("turn") == (STRAY - BASE) // EACH_TURN)
    told = claims.join(pregnancies, on=["n", "turn"], how="inner", maintain_order="left")
    return pl.concat([
        *(first(told.filter(has(prefixes)), fact) for fact, prefixes in SIGNS.items()),
        *(first(stray.filter(pl.col("place") == place), fact) for place, fact in enumerate(STRAYS)),
        first(told.filter("girl"), "planted_minor_pregnancy"),
        first(
            told.filter((pl.col("visits_from") > pl.col("lmp")) & (pl.col("place") < len(VISIT_WEEKS))),
            "planted_late_entry",
        ),
        first(
            told.filter(
                (pl.col("outcome") == LIVE_BIRTH)
                & (pl.col("end") - pl.col("lmp") < TERM)
                & pl.col("place").is_in([DELIVERY, NEWBORN])
            ),
            "planted_preterm",
        ),
        *of_losses(told),
    ])  # fmt: skip


def first(claims: pl.DataFrame, fact: str) -> pl.DataFrame:
    """The earliest claim of each episode."""
    found = claims.group_by("n", "turn", maintain_order=True).first()
    return found.select("n", fact=pl.lit(fact), subject="claim", value=as_text("start"))


def has(prefixes: tuple[str, ...]) -> pl.Expr:
    """Whether a claim has a diagnosis that begins like one of these."""
    wanted = [position for position, code in enumerate(DIAGNOSES) if code.startswith(prefixes)]
    return pl.any_horizontal(pl.col(f"d{i}").is_in(wanted) for i in range(1, DIAGNOSIS_COLUMNS + 1))


def of_losses(told: pl.DataFrame) -> list[pl.DataFrame]:
    """Losses by their kind and day, the claim that tells of each by its fate, and the pregnancies after them."""
    alone = pl.col("outcome").is_in(LOSSES) & (pl.col("place") == LOSS)
    with_birth = pl.col("outcome").is_in([STILLBIRTH, MIXED]) & (pl.col("place") == DELIVERY)
    lost = told.filter(alone | with_birth)
    kinds = pl.Series(list(OUTCOMES)).gather(lost["outcome"])
    fates = pl.Series(list(FATES)).gather(lost["fate"])
    again = told.filter(pl.col("turn") == 1).group_by("n", maintain_order=True).first()
    before = lost.filter((pl.col("turn") == 0) & (pl.col("outcome") >= MISCARRIAGE))
    return [
        lost.select("n", fact=pl.lit("planted_loss"), subject=kinds, value=as_text("end")),
        lost.select(
            "n",
            fact=pl.lit("planted_loss_claim"),
            subject=pl.when(pl.col("outcome").is_in(LOSSES)).then(fates).otherwise(pl.lit("paid")),
            value="claim",
        ),
        again.join(before, on="n", how="inner", suffix="_before", maintain_order="left").select(
            "n", fact=pl.lit("planted_pregnancy_after_loss"), subject=as_text("end_before"), value=as_text("lmp")
        ),
    ]
