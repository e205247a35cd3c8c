"""Nights for integration tests: the real definitions on a small sample, and what a folder of nights holds."""

from __future__ import annotations

import datetime
import hashlib
import json
import shutil
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import polars as pl

from pipelines.launch import launch
from sample_data.generate import generate
from tests.outcome_sheets import send_back

ROOT = Path(__file__).resolve().parents[2]
MEMBERS, SEED = 400, 7

# One week apart, so that refills fall between them; the sample's planted answers hold on the second.
FIRST, SECOND, BEFORE_BOTH = datetime.date(2026, 6, 23), datetime.date(2026, 6, 30), datetime.date(2026, 6, 22)

# Stories of the sample, all late on the second night: the second wants no contact, the fifth no call.
LATE_REFILL, EARLY_REFILLS, SWITCH = "SYN0000002", "SYN0000004", "SYN0000005"

# Every format, and capacities that cut some lists.
SETTINGS = {
    'formats = ["parquet"]': 'formats = ["parquet", "csv", "xlsx"]',
    'salt = "change-me"': 'salt = "a-test-salt"',
}


def write_settings(path: Path, changes: dict[str, str]) -> Path:
    """The repository's settings with some lines changed."""
    text = (ROOT / "settings.toml").read_text(encoding="utf-8")
    for old, new in changes.items():
        assert text.count(old) == 1, f"settings.toml no longer says {old!r} once"
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    return path


def write_delivery(folder: Path) -> Path:
    """The sample, with reasons for which an open gap may stay off a list and a few more files than tables."""
    generate(MEMBERS, SEED, folder)
    # Two calls a week per pharmacy: some lists are cut, but not where the member fills whom only a letter may reach.
    fills = pl.read_parquet(folder / "pharmacy_claim.parquet").filter(pl.col("person_id") == SWITCH)
    is_switch = pl.col("npi").is_in(fills["dispensing_provider_npi"].unique().to_list())
    pharmacies = pl.read_parquet(folder / "pharmacy.parquet").with_columns(
        weekly_capacity=pl.when(is_switch).then(9).otherwise(2).cast(pl.Int32)
    )
    pharmacies.write_parquet(folder / "pharmacy.parquet")
    preferences = folder / "member_preference.csv"
    lines = preferences.read_text(encoding="utf-8").splitlines()
    header = lines[0].split(",")
    lines = [line for line in lines if not line.startswith((f"{LATE_REFILL},", f"{SWITCH},"))]
    for wish in (
        {"person_id": LATE_REFILL, "do_not_contact": "1", "contact_block_reason": "member_request"},
        {"person_id": SWITCH, "do_not_contact": "0", "restricted_channels": "sms;phone"},
    ):
        lines.append(",".join(wish.get(name, "") for name in header))
    preferences.write_text("\n".join(lines) + "\n", encoding="utf-8")
    # 2026-03-31 is 91 days before the second night.
    (folder / "outreach_outcome.csv").write_text(
        "person_id,gap_code,attempted_at,outcome_code\n"
        + "".join(
            f"{SWITCH},ADHERENCE_LATE,{day} 10:00:00,no_answer\n" for day in ("2026-03-31", "2026-06-01", "2026-06-20")
        ),
        encoding="utf-8",
    )
    (folder / "notes.txt").write_text("not a table\n", encoding="utf-8")
    (folder / ".done").write_text("", encoding="utf-8")
    return folder


def enter_hospice(delivery: Path, folder: Path, person: str) -> Path:
    """The delivery of a later night, in which one member is in hospice."""
    shutil.copytree(delivery, folder)
    members = pl.read_parquet(folder / "eligibility.parquet")
    in_hospice = pl.when(pl.col("person_id") == person).then(pl.lit(value=True)).otherwise("hospice_flag")
    members.with_columns(hospice_flag=in_hospice).write_parquet(folder / "eligibility.parquet")
    return folder


@dataclass(frozen=True)
class Answer:
    """One row of a list that a pharmacy answered on its outcome sheet."""

    gap_id: str
    person_id: str
    pharmacy_npi: str
    outcome_code: str


def send_outcomes_back(season: Season) -> list[Answer]:
    """Two pharmacies of the first night fill their outcome sheets in, each in one row, and send them back as they are.

    The rows are a late refill and a need on record, of members about whom nothing was planted.
    """
    planted = f"read_csv('{season.delivery / 'truth.csv'}', all_varchar = true)"
    folder = season.delivery / "outreach_outcome"
    folder.mkdir()
    # One form of a table: what was a file is now one of several.
    (season.delivery / "outreach_outcome.csv").rename(folder / "earlier.csv")
    answers = []
    for code, outcome in (("ADHERENCE_LATE", "REACHED_COMPLETED"), ("COMMUNITY_NEED", "UTR3")):
        [(gap_id, person_id, npi, state, rank)] = rows(
            f"select gap_id, person_id, pharmacy_npi, state, list_rank from {season.table('worklist', season.first)} "
            f"where gap_code = '{code}' and person_id <> '{season.in_hospice}' and person_id not in "
            f"(select person_id from {planted} where person_id is not null) order by pharmacy_npi, list_rank limit 1"
        )
        sheet = season.first / "worklists" / f"state={state}" / f"outcome_sheet_pharmacy_npi={npi}.xlsx"
        told = {"attempted_at": str(FIRST + datetime.timedelta(3)), "outcome_code": outcome}
        send_back(sheet, season.delivery, {rank: told})
        answers.append(Answer(gap_id, person_id, npi, outcome))
    # Any file name will do; what is no sheet, and what programs leave beside one, is there too.
    sent = folder / sheet.name
    sent.rename(sent.with_suffix(".XLSX"))
    for name in ("notes.docx", f"~${sent.name}", ".DS_Store"):
        (folder / name).write_bytes(b"x")
    return answers


def run_night(delivery: Path, output: Path, as_of: datetime.date, **options: Any) -> dg.DagsterInstance:
    """Run and publish one night through the nightly job, on an instance that is forgotten afterwards."""
    instance = dg.DagsterInstance.ephemeral()
    launch(input=delivery, output=output, as_of=as_of, instance=instance, **options)
    return instance


def tree(folder: Path) -> dict[str, str]:
    """Every path below a folder with its kind, mode and content; the working warehouse aside, which is a cache."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name.startswith(".warehouse"):
            continue
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        else:
            mode = stat.S_IMODE(path.stat().st_mode)
            content = "folder" if path.is_dir() else hashlib.sha256(path.read_bytes()).hexdigest()
            found[name] = f"{mode:o} {content}"
    return found


def parquet_files(night: Path) -> dict[str, str]:
    """Digest of every Parquet file of a night; `rejected` aside, which names files and lines."""
    return {
        path.relative_to(night).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(night.rglob("*.parquet"))
        if path.stem != "rejected"
    }


def manifest_of(night: Path) -> dict[str, Any]:
    """A night's manifest."""
    return json.loads((night / "manifest.json").read_text(encoding="utf-8"))


def rows(query: str, *values: object) -> list[tuple]:
    """A query's rows; a Parquet file is named by its path."""
    with duckdb.connect() as con:
        return con.execute(query, list(values)).fetchall()


@dataclass
class Season:
    """A few nights in one output folder, and what it held after each run."""

    delivery: Path
    settings: Path
    output: Path
    instance: dg.DagsterInstance | None = None
    after: dict[str, dict[str, str]] = field(default_factory=dict)
    in_hospice: str = ""
    answers: list[Answer] = field(default_factory=list)

    @property
    def second_warehouse(self) -> Path:
        """The working warehouse as the second night left it; later runs overwrite the one in the output folder."""
        return self.output.parent / "second.duckdb"

    @property
    def first(self) -> Path:
        """The night that ran first."""
        return self.output / f"as_of={FIRST}"

    @property
    def second(self) -> Path:
        """The night that read the first one's state."""
        return self.output / f"as_of={SECOND}"

    @property
    def restricted(self) -> Path:
        """The restricted part of the second night."""
        return self.output / "restricted" / f"as_of={SECOND}"

    def table(self, name: str, night: Path | None = None) -> str:
        """A published table, as SQL reads it."""
        # Without this, the folder `as_of=...` would come back as a column.
        return f"read_parquet('{(night or self.second) / 'tables' / name}.parquet', hive_partitioning = false)"

    def gaps(self, night: Path | None = None) -> str:
        """Every gap of a night, those of sensitive codes included, as SQL reads it."""
        night = night or self.second
        secret = self.output / "restricted" / night.name / "gap.parquet"
        return f"(from {self.table('gap', night)} union all from read_parquet('{secret}', hive_partitioning = false))"

    def run(self, as_of: datetime.date, moment: str) -> None:
        """Run a night and remember what the folder holds."""
        self.instance = run_night(self.delivery, self.output, as_of, config=self.settings)
        self.after[moment] = tree(self.output)


def copy_output(output: Path, target: Path) -> Path:
    """A copy of published nights, links and modes included, to fail upon."""
    return Path(shutil.copytree(output, target, symlinks=True, ignore=shutil.ignore_patterns(".warehouse")))
