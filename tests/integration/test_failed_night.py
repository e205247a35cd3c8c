"""A night that fails: one line, status 1, and the night before it still in place."""

from __future__ import annotations

import datetime
import gzip
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

import assets.models
import pipelines.definitions
import pipelines.launch
from assets import publication, raw
from assets.engine.families import all_models
from assets.engine.model import Model
from assets.engine.programme_registry import check_programmes
from assets.engine.registry_file import read_yaml
from assets.resources import NightResource, workplace
from pipelines import nightly
from pipelines.cli import main
from tests.integration.nightly_run import ROOT, SECOND, Season, copy_output, tree, write_settings

pytestmark = pytest.mark.survival("failed nights")

# Values that describe a person and must reach no message.
PERSON, CLAIM, BIRTH_DATE = "PERSON-4711", "CLAIM-0815", "1953-07-19"

TABLES = {
    "eligibility": ["person_id,birth_date,enrollment_start_date", f"{PERSON},{BIRTH_DATE},2026-01-01"],
    "pharmacy_claim": [
        "claim_id,claim_line_number,person_id,dispensing_date,ndc_code,days_supply",
        f"{CLAIM},1,{PERSON},2026-02-03,99999000101,30",
    ],
    "medical_claim": [
        "claim_id,claim_line_number,claim_type,person_id,claim_start_date",
        f"M{CLAIM},1,professional,{PERSON},2026-02-03",
    ],
}


@dataclass(frozen=True)
class Told:
    """What a command said."""

    status: int
    error: str

    @property
    def last_line(self) -> str:
        return self.error.rstrip("\n").splitlines()[-1]

    def assert_is_one_line(self, *fragments: str) -> None:
        """The error contract of interface section 1, and what the line must name."""
        __tracebackhide__ = True
        assert self.status == 1, self.error
        assert self.last_line.startswith("error: "), self.error
        assert sum(line.startswith("error: ") for line in self.error.splitlines()) == 1
        assert "Traceback" not in self.error
        for secret in (PERSON, CLAIM, BIRTH_DATE):
            assert secret not in self.error
        for fragment in fragments:
            assert fragment in self.last_line, self.last_line


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Three tables of one row each."""
    folder = tmp_path / "input"
    folder.mkdir()
    for table, lines in TABLES.items():
        (folder / f"{table}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def short_night(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Told]:
    """`caregaps` in this process; the job is the required tables and the publication, for the sake of time."""
    required = {dg.AssetKey(["raw", table]) for table in TABLES}

    def required_tables(last_night: datetime.date | None = None) -> dg.Definitions:
        nights = publication.nights(last_night, "UTC")
        return dg.Definitions(
            assets=[*(a for a in raw.assets() if a.key in required), publication.night_asset(nights)],
            jobs=[nightly.job()],
            resources={"night": NightResource()},
            executor=dg.in_process_executor,
        )

    monkeypatch.setattr(pipelines.launch, "build_defs", required_tables)
    return in_process(monkeypatch, capsys)


@pytest.fixture
def raw_layer(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Told]:
    """`caregaps` in this process; the job is the raw layer with its checks and the publication."""
    for module, name in (("models", "assets"), ("quality", "checks")):
        monkeypatch.setattr(getattr(pipelines.definitions, module), name, list)
    return in_process(monkeypatch, capsys)


@pytest.fixture
def whole_night(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Told]:
    """`caregaps` in this process with the whole job."""
    return in_process(monkeypatch, capsys)


def in_process(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Told]:
    monkeypatch.setattr(dg.DagsterInstance, "get", dg.DagsterInstance.ephemeral)

    def tell(*arguments: object) -> Told:
        capsys.readouterr()
        status = main([str(a) for a in arguments])
        return Told(status, capsys.readouterr().err)

    return tell


def in_a_process_of_its_own(*arguments: object, folder: Path) -> Told:
    """The installed command, as an operator calls it."""
    storage = folder / "dagster"
    storage.mkdir()
    environment = {**os.environ, "CAREGAPS_DAGSTER_STORAGE": str(storage), "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", *map(str, arguments)],
        capture_output=True, text=True, cwd=folder, env=environment, check=False, timeout=300,
    )  # fmt: skip
    return Told(run.returncode, run.stderr)


# A delivery that cannot be read ---------------------------------------------------------------------------------------


def write(name: str, content: bytes | str) -> Callable[[Path], None]:
    """A change of the delivery: this file with this content, in place of the table's own."""

    def change(folder: Path) -> None:
        (folder / f"{name.split('.', maxsplit=1)[0].split('/', maxsplit=1)[0]}.csv").unlink()
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    return change


def text_of(table: str) -> str:
    return "\n".join(TABLES[table]) + "\n"


def parquet_of(folder: Path, rows: int = 2000) -> bytes:
    path = folder / "made.parquet"
    pl.DataFrame(
        {"person_id": [f"{PERSON}-{n}" for n in range(rows)], "birth_date": [BIRTH_DATE] * rows}
    ).write_parquet(path)
    content = path.read_bytes()
    path.unlink()
    return content


def truncated_parquet(folder: Path) -> None:
    write("eligibility.parquet", parquet_of(folder)[:-100])(folder)


def parquet_without_a_column(folder: Path) -> None:
    write("eligibility.parquet", parquet_of(folder))(folder)


def second_form(folder: Path) -> None:
    shutil.copy(folder / "eligibility.csv", folder / "copy")
    (folder / "eligibility.csv.gz").write_bytes(gzip.compress((folder / "copy").read_bytes()))


def file_and_folder(folder: Path) -> None:
    (folder / "eligibility").mkdir()
    shutil.copy(folder / "eligibility.csv", folder / "eligibility" / "part.csv")


def part_without_a_column(folder: Path) -> None:
    write("pharmacy_claim/p1.csv", text_of("pharmacy_claim"))(folder)
    (folder / "pharmacy_claim" / "p2.csv").write_text(
        text_of("pharmacy_claim").replace("ndc_code", "ndc"), encoding="utf-8"
    )


def missing_table(folder: Path) -> None:
    (folder / "medical_claim.csv").unlink()


BROKEN = {
    "missing required table": (missing_table, ["medical_claim", "required"]),
    "missing required column": (
        write("pharmacy_claim.csv", text_of("pharmacy_claim").replace("dispensing_date", "service_date")),
        ["pharmacy_claim.csv", "no column dispensing_date"],
    ),
    "missing column whose values may be null": (
        write("pharmacy_claim.csv", text_of("pharmacy_claim").replace(",days_supply", ",supply")),
        ["pharmacy_claim.csv", "days_supply"],
    ),
    "missing column in one of the parts": (part_without_a_column, ["pharmacy_claim/p2.csv", "ndc_code"]),
    "missing column in Parquet": (parquet_without_a_column, ["eligibility.parquet", "enrollment_start_date"]),
    "wrong delimiter": (
        write("eligibility.csv", text_of("eligibility").replace(",", "|")),
        ["eligibility.csv", "'|'", "','"],
    ),
    "semicolons": (
        write("eligibility.csv", text_of("eligibility").replace(",", ";")),
        ["eligibility.csv", "';'", "','"],
    ),
    "unclosed quote": (
        write(
            "eligibility.csv", text_of("eligibility") + f'"{PERSON},{BIRTH_DATE},2026-01-01\n' + text_of("eligibility")
        ),
        ["eligibility.csv", "quot"],
    ),
    "truncated gzip": (
        write("eligibility.csv.gz", gzip.compress(text_of("eligibility").encode() * 500)[:-40]),
        ["eligibility.csv.gz", "complete"],
    ),
    "no gzip at all": (write("eligibility.csv.gz", text_of("eligibility")), ["eligibility.csv.gz"]),
    "truncated Parquet": (truncated_parquet, ["eligibility.parquet", "Parquet"]),
    "no Parquet at all": (write("eligibility.parquet", text_of("eligibility")), ["eligibility.parquet", "Parquet"]),
    "two files of one table": (second_form, ["eligibility", "eligibility.csv, eligibility.csv.gz"]),
    "file and folder of one table": (file_and_folder, ["eligibility", "2 forms"]),
    "empty file": (write("medical_claim.csv", ""), ["medical_claim.csv", "empty"]),
    "empty gzip": (write("medical_claim.csv.gz", gzip.compress(b"")), ["medical_claim.csv.gz", "empty"]),
    "header only": (write("medical_claim.csv", TABLES["medical_claim"][0] + "\n"), ["medical_claim", "no row"]),
    "UTF-16": (write("eligibility.csv", text_of("eligibility").encode("utf-16")), ["eligibility.csv", "UTF-8"]),
    "UTF-16 without a mark": (
        write("eligibility.csv", text_of("eligibility").encode("utf-16-le")),
        ["eligibility.csv", "UTF-8"],
    ),
    "header in Latin-1": (
        write("eligibility.csv", text_of("eligibility").replace("date,", "daté,").encode("latin-1")),
        ["eligibility.csv", "UTF-8"],
    ),
    "bytes that are no text": (
        write("eligibility.csv", text_of("eligibility").encode() + b"\x00\x01\x02\n"),
        ["eligibility.csv", "UTF-8"],
    ),
    "duplicate column": (
        write(
            "eligibility.csv",
            f"person_id,birth_date,enrollment_start_date,Person_ID\n{PERSON},{BIRTH_DATE},2026-01-01,X\n",
        ),
        ["eligibility.csv", "person_id", "once"],
    ),
    "column without a name": (
        write("eligibility.csv", f"person_id,birth_date,,enrollment_start_date\n{PERSON},{BIRTH_DATE},,2026-01-01\n"),
        ["eligibility.csv", "without a name"],
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_unreadable_delivery_stops_the_night_and_names_the_file(
    short_night: Callable[..., Told], small: Path, tmp_path: Path, case: str
) -> None:
    change, fragments = BROKEN[case]
    change(small)
    told = short_night("run", "--input", small, "--output", tmp_path / "output", "--as-of", SECOND)
    told.assert_is_one_line(*fragments)
    assert not list((tmp_path / "output").glob("as_of=*"))
    assert not (tmp_path / "output" / "latest").exists()


def test_too_many_rejected_rows_stop_the_night(raw_layer: Callable[..., Told], small: Path, tmp_path: Path) -> None:
    # 300 rows, of which 150 have no date: more than 20 % and more than 100.
    header, row = TABLES["pharmacy_claim"]
    bad = row.replace("2026-02-03", "")
    lines = [header, *(f"{n}{row}" for n in range(150)), *(f"{n}{bad}" for n in range(150))]
    (small / "pharmacy_claim.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    told = raw_layer("run", "--input", small, "--output", tmp_path / "output", "--as-of", SECOND)
    told.assert_is_one_line("pharmacy_claim", "150", "300", "missing_dispensing_date", "20%")


# Arguments ------------------------------------------------------------------------------------------------------------

ARGUMENTS = {
    "unknown layout": (["--layout", "omop"], ["'omop'", "cms_rif", "tuva"]),
    "as-of that is no date": (["--as-of", "30.06.2026"], ["'30.06.2026'", "YYYY-MM-DD"]),
    "as-of that does not exist": (["--as-of", "2026-02-30"], ["2026-02-30"]),
    "as-of with a time": (["--as-of", "2026-06-30T00:00"], ["YYYY-MM-DD"]),
    "year before the rules": (["--as-of", "2017-12-31"], ["2017-12-31", "2018", "2027"]),
    "year after the rules": (["--as-of", "2028-01-01"], ["2028-01-01", "2018", "2027"]),
    "unknown engine": (["--engine", "sqlite"], ["'sqlite'", "duckdb"]),
    "no such reference folder": (["--reference", "nowhere"], ["--reference", "nowhere"]),
    "no such settings": (["--config", "nowhere.toml"], ["nowhere.toml", "TOML"]),
    "unknown option": (["--speed", "9"], ["--speed"]),
}


@pytest.mark.parametrize("case", ARGUMENTS)
def test_bad_argument_is_one_line(whole_night: Callable[..., Told], small: Path, tmp_path: Path, case: str) -> None:
    options, fragments = ARGUMENTS[case]
    night = [] if "--as-of" in options else ["--as-of", SECOND]
    told = whole_night("run", "--input", small, "--output", tmp_path / "output", *night, *options)
    told.assert_is_one_line(*fragments)
    assert not list((tmp_path / "output").glob("as_of=*"))


@pytest.mark.parametrize(
    ("change", "fragments"),
    [
        ({"threads = 2": "threads = 0"}, ["limits.threads"]),
        ({"small_cell = 11": "small_cells = 11"}, ["outreach.small_cell"]),
        ({'time_zone = "America/New_York"': 'time_zone = "Mars"'}, ["schedule.time_zone"]),
        ({"[paths]": "[paths"}, ["settings.toml"]),
        ({'formats = ["parquet"]': 'formats = ["pdf"]'}, ["delivery.formats", "csv"]),
    ],
    ids=["out of range", "unknown name", "unknown zone", "no TOML", "unknown format"],
)
def test_bad_settings_are_one_line(
    whole_night: Callable[..., Told], small: Path, tmp_path: Path, change: dict[str, str], fragments: list[str]
) -> None:
    settings = write_settings(tmp_path / "settings.toml", change)
    told = whole_night(
        "run", "--input", small, "--output", tmp_path / "output", "--as-of", SECOND, "--config", settings
    )
    told.assert_is_one_line("settings.toml", *fragments)


@pytest.mark.parametrize(
    "arguments", [[], ["run"], ["dance"], ["run", "--input"], ["explain", "--person", "P"], ["sql"]]
)
def test_command_without_what_it_needs_is_one_line(whole_night: Callable[..., Told], arguments: list[str]) -> None:
    whole_night(*arguments).assert_is_one_line("caregaps")


def test_no_input_folder_is_one_line(whole_night: Callable[..., Told], tmp_path: Path) -> None:
    told = whole_night("run", "--input", tmp_path / "nowhere", "--output", tmp_path / "output", "--as-of", SECOND)
    told.assert_is_one_line("--input", "nowhere")
    told = whole_night("run", "--input", ROOT / "settings.toml", "--output", tmp_path / "output", "--as-of", SECOND)
    told.assert_is_one_line("--input", "settings.toml")


def test_output_that_cannot_be_written_is_one_line(
    whole_night: Callable[..., Told], small: Path, tmp_path: Path
) -> None:
    # A file where a folder is needed: nobody can write below it, the superuser neither.
    (tmp_path / "file").write_text("", encoding="utf-8")
    for output in (tmp_path / "file" / "output", tmp_path / "file"):
        told = whole_night("run", "--input", small, "--output", output, "--as-of", SECOND)
        told.assert_is_one_line("file", "writable")


def test_warehouse_that_is_no_database_is_one_line(
    short_night: Callable[..., Told], small: Path, tmp_path: Path
) -> None:
    warehouse = tmp_path / "work" / "working.duckdb"
    warehouse.parent.mkdir()
    warehouse.write_text("no database", encoding="utf-8")
    told = short_night("run", "--input", small, "--output", tmp_path / "o", "--as-of", SECOND, "--warehouse", warehouse)
    told.assert_is_one_line("working.duckdb", "--fresh")


# The night before stays -----------------------------------------------------------------------------------------------


@pytest.fixture
def published(season: Season, tmp_path: Path) -> Path:
    """A folder of published nights to fail upon."""
    return copy_output(season.output, tmp_path / "published")


class Broken(Model):
    """A model whose query yields one forbidden value."""

    @property
    def sql(self) -> str:  # type: ignore[override]
        """The file's text with the band of every row in capitals."""
        return self.path.read_text(encoding="utf-8").replace("'routine'", "'ROUTINE'").replace("'high'", "'HIGH'")


def test_broken_contract_of_the_last_table_leaves_the_published_night(
    whole_night: Callable[..., Told], season: Season, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [Broken(m.path) if m.name == "outreach.worklist" else m for m in all_models()]
    monkeypatch.setattr(assets.models, "all_models", lambda: found)
    before = tree(published)
    told = whole_night(
        "run", "--input", season.delivery, "--output", published, "--as-of", SECOND, "--config", season.settings
    )
    told.assert_is_one_line("outreach.worklist", "contract failed", "priority_band enum")
    assert tree(published) == before


def test_delivery_without_a_single_member_leaves_the_published_night(
    whole_night: Callable[..., Told], small: Path, published: Path
) -> None:
    # One refused row is no reason to stop at the door; that nobody is left is one, in core.
    (small / "eligibility.csv").write_text(text_of("eligibility").replace(BIRTH_DATE, "unknown"), encoding="utf-8")
    before = tree(published)
    told = whole_night("run", "--input", small, "--output", published, "--as-of", SECOND)
    told.assert_is_one_line("core.member", "rows expected")
    assert tree(published) == before


def test_broken_delivery_in_a_process_of_its_own_leaves_the_published_night(
    small: Path, published: Path, tmp_path: Path
) -> None:
    missing_table(small)
    before = tree(published)
    told = in_a_process_of_its_own("run", "--input", small, "--output", published, "--as-of", SECOND, folder=tmp_path)
    told.assert_is_one_line("medical_claim", "required")
    assert tree(published) == before


def test_bad_argument_in_a_process_of_its_own(tmp_path: Path) -> None:
    told = in_a_process_of_its_own("run", "--input", ".", "--output", "o", "--as-of", "tomorrow", folder=tmp_path)
    told.assert_is_one_line("--as-of", "'tomorrow'")
    assert told.error.count("\n") == 1


LOCKER = """
import fcntl, pathlib, sys
lock = pathlib.Path(sys.argv[1]).open("a")
fcntl.flock(lock, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def test_another_run_in_the_same_output_stops_with_one_line(
    whole_night: Callable[..., Told], small: Path, tmp_path: Path
) -> None:
    workplace.leave()
    folder = tmp_path / "output" / ".warehouse"
    folder.mkdir(parents=True)
    command = [sys.executable, "-c", LOCKER, str(folder / "output.lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        told = whole_night("run", "--input", small, "--output", tmp_path / "output", "--as-of", SECOND)
        busy = whole_night("status", "--output", tmp_path / "output")
        other.stdin.close()
        other.wait(10)
    told.assert_is_one_line("another run", "wait")
    assert busy.status == 0


# What leaves the night ------------------------------------------------------------------------------------------------


def test_keys_that_others_may_read_stop_the_night_before_it_begins(
    whole_night: Callable[..., Told], small: Path, tmp_path: Path
) -> None:
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o750)
    settings = write_settings(tmp_path / "settings.toml", {'key_folder = ""': f'key_folder = "{keys}"'})
    told = whole_night(
        "run", "--input", small, "--output", tmp_path / "output", "--as-of", SECOND, "--config", settings
    )
    told.assert_is_one_line("delivery.key_folder", "0700")
    assert not (tmp_path / "output").exists()


def test_a_misspelt_programme_stops_the_night_before_it_begins(
    whole_night: Callable[..., Told], small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = read_yaml("programmes.yaml")
    content["medication_adherence"]["phases"] = [{"start": "2026-01-01", "states": ["OI"]}]
    monkeypatch.setattr(pipelines.launch, "read_programmes", lambda: check_programmes(content))
    told = whole_night("run", "--input", small, "--output", tmp_path / "output", "--as-of", SECOND)
    told.assert_is_one_line("programmes.yaml: medication_adherence.phases.0.states", "['OI']", "OH")
    assert not (tmp_path / "output").exists()
