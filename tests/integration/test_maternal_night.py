"""A loss from night to night: what lists hold, what is recalled, what stays known, and nights that may not speak."""

from __future__ import annotations

import datetime
import shutil
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from assets.engine.explain import explain_person
from assets.engine.night import Night
from assets.engine.registry import read_families
from assets.engine.settings import read_settings
from sample_data.generate import generate
from tests.integration.growing_plan import publish_night, report_of_two_lines, workshop
from tests.integration.nightly_run import manifest_of, rows, write_settings

# The story "pregnancy": dated weeks on 2026-03-01, 04-15 and 06-10, tier A on every night here.
MOTHER = "SYN0000030"
BEFORE, LOSS, AFTER = (datetime.date(2026, 6, day) for day in (26, 27, 28))
DEPENDENT = sorted(
    code for family in read_families().values() for code, c in family.codes.items() if c.pregnancy_dependent
)
PUBLIC = sorted({c.public_code for f in read_families().values() for c in f.codes.values() if c.pregnancy_dependent})


@dataclass(frozen=True)
class Nights:
    """Three nights: before the loss is known, the night on which its claim arrives, and one whose delivery lacks it."""

    output: Path

    def table(self, night: datetime.date, name: str) -> str:
        return f"read_parquet('{self.output}/as_of={night}/tables/{name}.parquet', hive_partitioning = false)"

    def secret(self, night: datetime.date, name: str) -> str:
        return f"read_parquet('{self.output}/restricted/as_of={night}/{name}.parquet', hive_partitioning = false)"

    def listed(self, night: datetime.date) -> list[str]:
        """Ids of the mother's rows that depend on the pregnancy, as pharmacies see them."""
        found = rows(
            f"select worklist.gap_id from {self.table(night, 'worklist')} as worklist "
            f"where person_id = ? and (gap_code in {tuple(DEPENDENT)} or gap_code in {tuple(PUBLIC)})",
            MOTHER,
        )
        return sorted(gap_id for (gap_id,) in found)


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Nights:
    plain = tmp_path_factory.mktemp("maternal") / "plain"
    generate(400, 7, plain)
    with_loss = plain.parent / "with_loss"
    shutil.copytree(plain, with_loss)
    claims = pl.read_parquet(with_loss / "medical_claim.parquet")
    # Denied, dated three weeks back, in the fifth position: the weakest claim that a loss can leave.
    loss = claims.filter(pl.col("person_id") == MOTHER).head(1).with_columns(
        claim_id=pl.lit("LOSS1"), claim_status=pl.lit("denied"), diagnosis_code_1=pl.lit("R10.9"),
        **{f"diagnosis_code_{place}": pl.lit(None, pl.String) for place in (2, 3, 4)}, diagnosis_code_5=pl.lit("O03.9"),
        hcpcs_code=pl.lit("99283"), claim_start_date=pl.lit(datetime.date(2026, 6, 12)),
        claim_end_date=pl.lit(datetime.date(2026, 6, 12)), claim_line_start_date=pl.lit(datetime.date(2026, 6, 12)),
        claim_line_end_date=pl.lit(datetime.date(2026, 6, 12)),
    )  # fmt: skip
    pl.concat([claims, loss.select(claims.columns)]).write_parquet(with_loss / "medical_claim.parquet")
    found = Nights(plain.parent / "output")
    # The mother would be drawn for the comparison group, and be on no list to begin with.
    settings = write_settings(plain.parent / "settings.toml", {"control_percent = 10": "control_percent = 0"})
    with report_of_two_lines(), workshop(plain.parent / "working.duckdb") as con:
        for folder, as_of in ((plain, BEFORE), (with_loss, LOSS), (plain, AFTER)):
            publish_night(con, Night(as_of, folder, found.output, read_settings(settings)))
    return found


def test_before_the_loss_there_are_rows_and_they_expire_in_two_days(nights: Nights) -> None:
    assert nights.listed(BEFORE)
    expiries = rows(
        f"select distinct expires_date from {nights.table(BEFORE, 'worklist')} where gap_code in {tuple(DEPENDENT)}"
    )
    assert expiries == [(datetime.date(2026, 6, 28),)]


@pytest.mark.parametrize("night", [LOSS, AFTER])
def test_from_the_claim_on_nothing_depends_on_the_pregnancy(nights: Nights, night: datetime.date) -> None:
    """The second of these nights no longer has the claim in its delivery: the loss stays known."""
    assert nights.listed(night) == []
    codes = f"gap_code in {tuple(DEPENDENT)}"
    assert rows(f"select count(*) from {nights.table(night, 'gap')} where person_id = ? and {codes}", MOTHER) == [(0,)]
    assert rows(f"select count(*) from {nights.secret(night, 'gap')} where person_id = ? and {codes}", MOTHER) == [(0,)]
    families = "gap_family = 'prenatal_supply'"
    for place in (nights.table(night, "attribution"), nights.secret(night, "attribution")):
        assert rows(f"select count(*) from {place} where person_id = ? and {families}", MOTHER) == [(0,)]
    assert rows(f"select status, tier from {nights.secret(night, 'pregnancy')} where person_id = ?", MOTHER) == [
        ("suppressed", None)
    ]


@pytest.mark.parametrize("night", [LOSS, AFTER])
def test_rows_already_out_are_recalled_and_nothing_says_why(nights: Nights, night: datetime.date) -> None:
    released = nights.listed(BEFORE)
    recalled = rows(f"select gap_id, recalled_date, reason from {nights.table(night, 'recall')} order by gap_id")
    assert set(released) <= {gap_id for gap_id, _, _ in recalled}
    assert {day for gap_id, day, _ in recalled if gap_id in released} == {LOSS}
    assert {reason for _, _, reason in recalled} == {"NOT_ELIGIBLE"}
    # The pharmacy's own file names the same rows.
    files = f"{nights.output}/as_of={night}/worklists/*/recall_pharmacy_npi=*.parquet"
    assert set(released) <= {
        g for (g,) in rows(f"select gap_id from read_parquet('{files}', hive_partitioning = false)")
    }


def test_no_public_table_but_recall_still_holds_the_rows(nights: Nights) -> None:
    released = nights.listed(BEFORE)
    holding = []
    for path in sorted((nights.output / f"as_of={LOSS}").rglob("*.parquet")):
        source = f"read_parquet('{path}', hive_partitioning = false)"
        columns = [name for name, *_ in rows(f"describe select * from {source}")]
        if "gap_id" in columns and rows(f"select count(*) from {source} where gap_id in {tuple(released)}") != [(0,)]:
            holding.append(path.stem.split("_pharmacy")[0])
    assert set(holding) == {"recall"}


def test_the_history_of_a_pregnancy_is_restricted(nights: Nights) -> None:
    released = tuple(nights.listed(BEFORE))
    assert rows(f"select count(*) from {nights.table(LOSS, 'gap_history')} where gap_id in {released}") == [(0,)]
    ended = rows(f"select distinct valid_to from {nights.secret(LOSS, 'gap_history')} where gap_id in {released}")
    assert ended == [(LOSS,)]


def test_explain_says_not_eligible_and_tells_more_only_where_asked(nights: Nights, tmp_path: Path) -> None:
    output = tmp_path / "output"
    shutil.copytree(nights.output, output, symlinks=True, ignore=shutil.ignore_patterns(".warehouse"))
    told = "\n".join(explain_person(output, MOTHER, "TDAP"))
    assert told.endswith("TDAP: not eligible.")
    plain = "\n".join(explain_person(output, MOTHER, None))
    assert not [word for word in ("suppress", "O03", "loss", "L1 of", "TDAP") if word in plain]
    secret = "\n".join(explain_person(output, MOTHER, None, is_restricted=True))
    assert "L1 of 2026-06-12 (claim LOSS1): standing." in secret
    assert "suppressed" in secret


def test_a_stale_feed_publishes_no_maternal_row_and_the_run_says_so(nights: Nights, tmp_path: Path) -> None:
    """Newest claim of 2026-06-16 and as of 2026-06-27: eleven days, one more than allowed."""
    folder = tmp_path / "stale"
    generate(400, 7, folder)
    claims = pl.read_parquet(folder / "medical_claim.parquet")
    limit = datetime.date(2026, 6, 16)
    claims.with_columns(
        file_date=pl.min_horizontal("file_date", pl.lit(limit)),
        ingest_datetime=pl.min_horizontal("ingest_datetime", pl.lit(datetime.datetime(2026, 6, 16))),
    ).write_parquet(folder / "medical_claim.parquet")
    output = tmp_path / "output"
    shutil.copytree(
        nights.output, output, symlinks=True, ignore=shutil.ignore_patterns(".warehouse", "as_of=2026-06-2[78]")
    )
    with workshop(tmp_path / "working.duckdb") as con:
        publish_night(con, Night(LOSS, folder, output, read_settings()))
    night = Nights(output)
    codes = f"gap_code in {tuple(DEPENDENT)}"
    assert rows(f"select count(*) from {night.table(LOSS, 'gap')} where {codes}") == [(0,)]
    assert rows(f"select count(*) from {night.table(LOSS, 'worklist')} where expires_date is not null") == [(0,)]
    manifest = manifest_of(output / f"as_of={LOSS}")
    assert manifest["skipped_families"] == {"prenatal_supply": "medical_feed_stale"}
    assert any("maternal lists are held back: medical_feed_stale" in warning for warning in manifest["warnings"])
    # Held back is not forgotten: the next night finds every id again.
    kept = rows(
        f"select count(*) from read_parquet('{output}/restricted/as_of={LOSS}/state/state_gap.parquet') where {codes}"
    )
    assert kept[0][0] > 0
