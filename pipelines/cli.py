"""The `caregaps` command. Thin: every verb hands its arguments to the job or to the engine.

An error is one line, `error: where: what was found; what is allowed`, and exit status 1; a traceback is our bug.
"""

from __future__ import annotations

if __name__ == "__main__":
    # `python -m pipelines.cli` is `caregaps`: nothing is imported before signals are heard.
    import pipelines.entry

    raise SystemExit(pipelines.entry.command())

import argparse
import datetime
import logging
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

from assets.engine.errors import CaregapsError, SettingsError, one_line

EPILOGUE = "Documentation: README.md and docs/."


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are errors of the command: one line, status 1."""

    def error(self, message: str) -> NoReturn:
        """Raise the parser's complaint as a settings error."""
        raise SettingsError(f"{self.prog}: {message}; see {self.prog} --help")


def parser() -> Parser:
    """Every command with its options."""
    root = Parser(
        prog="caregaps", description="Nightly care-gap worklists from pharmacy and medical claims.", epilog=EPILOGUE
    )
    commands = root.add_subparsers(dest="command", required=True, parser_class=Parser, metavar="COMMAND")

    run = commands.add_parser("run", help="run one night and publish it")
    run.add_argument("--input", required=True, type=Path, metavar="DIR", help="folder of input tables")
    run.add_argument("--output", required=True, type=Path, metavar="DIR", help="folder of published nights")
    run.add_argument("--as-of", type=as_of_date, metavar="YYYY-MM-DD", help="last day included; default: yesterday")
    run.add_argument("--layout", default="tuva", help="layout of the input: tuva or cms_rif (default tuva)")
    run.add_argument("--reference", type=Path, metavar="DIR", help="folder of reference tables")
    run.add_argument("--warehouse", type=Path, metavar="FILE", help="working warehouse; default: below the output")
    run.add_argument("--engine", default="duckdb", help="engine of the models: duckdb or spark (default duckdb)")
    run.add_argument("--config", type=Path, metavar="FILE", help="settings file; default: settings.toml")
    run.add_argument("--fresh", action="store_true", help="drop the working warehouse first")

    explain = commands.add_parser("explain", help="why a person is, or is not, on a list")
    explain.add_argument("--output", required=True, type=Path, metavar="DIR", help="folder of published nights")
    explain.add_argument("--person", required=True, metavar="ID", help="person_id")
    explain.add_argument("--gap", metavar="CODE", help="one gap code only")
    explain.add_argument(
        "--restricted",
        action="store_true",
        help="also what only the restricted part holds: pregnancies, losses, queues",
    )

    status = commands.add_parser(
        "status", help="last night, its age, a run in progress, the last failure; status 1 if someone must look"
    )
    status.add_argument("--output", required=True, type=Path, metavar="DIR", help="folder of published nights")
    status.add_argument(
        "--max-age-days",
        type=int,
        metavar="N",
        help="for a monitor: status 1 when a problem is found, older nights among them",
    )

    sample = commands.add_parser("sample", help="write seeded synthetic input")
    sample.add_argument("--members", required=True, type=int, metavar="N", help="number of members")
    sample.add_argument("--seed", required=True, type=int, metavar="S", help="seed; the same seed gives the same bytes")
    sample.add_argument("--output", required=True, type=Path, metavar="DIR", help="folder to write")

    directory = commands.add_parser(
        "directory", help="turn an HSDS resource directory into the table community_service"
    )
    directory.add_argument(
        "--from", required=True, type=Path, metavar="DIR", dest="source", help="folder of the directory"
    )
    directory.add_argument("--output", required=True, type=Path, metavar="DIR", help="folder to write the table into")

    gaps_export = commands.add_parser("gaps-export", help="write the gap ledger as FHIR gaps-in-care documents")
    gaps_export.add_argument("--output", required=True, type=Path, metavar="DIR", help="folder of published nights")
    gaps_export.add_argument("--to", required=True, type=Path, metavar="FOLDER", help="folder to make and write into")
    gaps_export.add_argument("--state", metavar="XX", help="only members who live in this state")
    gaps_export.add_argument(
        "--warehouse", type=Path, metavar="FILE", help="working warehouse; default: below the output"
    )

    ecare_plan = commands.add_parser(
        "ecare-plan", help="turn Pharmacist eCare Plan bundles into the table outreach_outcome"
    )
    ecare_plan.add_argument(
        "--from", required=True, type=Path, metavar="FOLDER", dest="source", help="folder of FHIR R4 bundles"
    )
    ecare_plan.add_argument("--output", required=True, type=Path, metavar="DIR", help="folder of input tables")

    reference = commands.add_parser("reference", help="downloaded public files into reference tables")
    reference.add_argument(
        "--from", required=True, type=Path, metavar="DIR", dest="source", help="folder of downloaded files"
    )
    reference.add_argument("--output", required=True, type=Path, metavar="DIR", help="folder of reference tables")

    whatif = commands.add_parser("whatif", help="areas and members that closures would leave too far from care")
    whatif.add_argument("--output", required=True, type=Path, metavar="DIR", help="folder of published nights")
    whatif.add_argument(
        "--close", metavar="NPI[,NPI...]", help="sites that close; default: all with a closing date in the near future"
    )
    whatif.add_argument("--warehouse", type=Path, metavar="FILE", help="working warehouse; default: below the output")
    whatif.add_argument(
        "--config", type=Path, metavar="FILE", help="settings file of the night; default: settings.toml"
    )

    assign = commands.add_parser("assign", help="give the night's specialty, MTM and transition cases to pharmacists")
    assign.add_argument("--output", required=True, type=Path, metavar="DIR", help="folder of published nights")
    assign.add_argument(
        "--capacity",
        type=Path,
        metavar="FILE",
        help="CSV file of today's pharmacists and their places; default: the night's own table of pharmacists",
    )

    compare = commands.add_parser("compare", help="who enters and leaves the lists, as counts, before it is adopted")
    compare.add_argument("output_a", type=Path, metavar="OUTPUT_A", help="folder of published nights")
    compare.add_argument("output_b", type=Path, nargs="?", metavar="OUTPUT_B", help="the other one")
    compare.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="settings to try on the last night of OUTPUT_A, in place of OUTPUT_B",
    )
    compare.add_argument(
        "--warehouse", type=Path, metavar="FILE", help="working warehouse of OUTPUT_A, with --config; default: below it"
    )

    docs = commands.add_parser("docs", help="write the measure pages of docs/measures from the registries")
    docs.add_argument("--check", action="store_true", help="write nothing; fail if a page is not current")

    sql = commands.add_parser("sql", help="print a model's SQL, in DuckDB's or another dialect")
    sql.add_argument("model", help="schema.table, such as facts.adherence")
    sql.add_argument("--dialect", default="duckdb", help="dialect to print, such as spark (default duckdb)")
    return root


def as_of_date(text: str) -> datetime.date:
    """A date argument."""
    try:
        return datetime.date.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(f"--as-of: found {text!r}; a date YYYY-MM-DD is expected") from error


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    try:
        options = parser().parse_args(arguments)
        return carry_out(options)
    except CaregapsError as error:
        print(f"error: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("error: interrupted; the night before it is still published", file=sys.stderr)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        where = one_line(str(error.filename or options.command))
        found = error.strerror or type(error).__name__
        print(f"error: {where}: found {found}; a readable, writable place with free space is expected", file=sys.stderr)
    except MemoryError:
        print("error: caregaps: memory ran out; give the machine more", file=sys.stderr)
    return 1


def carry_out(options: argparse.Namespace) -> int:
    """Carry one command out.

    Raises:
        CaregapsError: Something is wrong that nobody foresaw. Its text may hold a person's values: only its kind is told.
    """
    try:
        return COMMANDS[options.command](options)
    except (CaregapsError, OSError, MemoryError):
        raise
    except Exception as error:
        if os.environ.get("CAREGAPS_TRACEBACK"):
            raise
        raise CaregapsError(
            f"{options.command}: found {type(error).__name__}, a fault of the program; CAREGAPS_TRACEBACK=1 shows where"
        ) from error


def run(options: argparse.Namespace) -> int:
    """One night through the nightly job, on the configured instance."""
    from assets.engine import memory, model

    show_progress()
    memory.refuse_too_little()
    os.environ.setdefault("DAGSTER_HOME", str(model.ROOT))
    os.environ.setdefault("CAREGAPS_DAGSTER_STORAGE", str(model.ROOT / ".dagster"))
    from pipelines.entry import raise_on
    from pipelines.launch import launch

    # A service manager stops with SIGTERM: told like Ctrl-C, and cleaned up after like it.
    raise_on((signal.SIGTERM, signal.SIGINT))
    release = launch(
        input=options.input,
        output=options.output,
        as_of=options.as_of,
        layout=options.layout,
        reference=options.reference,
        warehouse=options.warehouse,
        engine=options.engine,
        config=options.config,
        fresh=options.fresh,
    )
    print(f"night:     {release}")
    print(f"worklists: {release / 'worklists'}")
    print(f"report:    {release / 'report' / 'index.html'}")
    return 0


def show_progress() -> None:
    """Progress of the night on stderr."""
    from rich.console import Console
    from rich.logging import RichHandler

    log = logging.getLogger("caregaps")
    log.setLevel(logging.INFO)
    log.propagate = False
    log.handlers = [RichHandler(console=Console(stderr=True), show_path=False, markup=False, highlighter=None)]


def explain(options: argparse.Namespace) -> int:
    """Print what the published night knows of one person."""
    from assets.engine.explain import explain_person

    for line in explain_person(options.output, options.person, options.gap, is_restricted=options.restricted):
        print(one_line(line))
    return 0


def status(options: argparse.Namespace) -> int:
    """Print what an operator asks first."""
    from assets.engine.status import describe_output

    for line in describe_output(options.output, options.max_age_days):
        print(one_line(line))
    return 0


def sample(options: argparse.Namespace) -> int:
    """Write synthetic input."""
    from sample_data.generate import generate

    if options.members < 1:
        raise SettingsError(f"--members: found {options.members}; at least 1 is expected")
    options.output.mkdir(parents=True, exist_ok=True)
    generate(options.members, options.seed, options.output)
    files = sum(1 for path in options.output.rglob("*") if path.is_file())
    print(f"{options.output}: {options.members:,} members in {files} files; what was planted is in truth.csv")
    return 0


def directory(options: argparse.Namespace) -> int:
    """Write `community_service.csv` from a resource directory."""
    from assets.engine.hsds import TABLE, convert

    found = convert(options.source, options.output)
    left_out = ", ".join(f"{count:,} {reason}" for reason, count in sorted(found.left_out.items())) or "none"
    print(f"{options.output / TABLE}.csv: {len(found.rows):,} rows; services left out: {left_out}")
    return 0


def gaps_export(options: argparse.Namespace) -> int:
    """Write the gap ledger as documents."""
    from assets.engine.fhir_gaps import describe, export_gaps
    from assets.engine.settings import read_settings
    from assets.engine.warehouse import file_below

    warehouse = options.warehouse or file_below(options.output)
    found = export_gaps(options.output, warehouse, options.to, options.state)
    for line in describe(found, options.to, read_settings().outreach.small_cell):
        print(one_line(line))
    return 0


def ecare_plan(options: argparse.Namespace) -> int:
    """Write `outreach_outcome/ecare_plan.csv` from returned care plans."""
    from assets.engine.ecare_plan import FILE, TABLE, convert

    report = convert(options.source, options.output)
    left_out = ", ".join(f"{count:,} {reason}" for reason, count in sorted(report.left_out.items())) or "none"
    print(
        f"{options.output / TABLE / FILE}: {len(report.rows):,} rows of {report.bundles:,} bundles; left out: {left_out}"
    )
    return 0


def reference(options: argparse.Namespace) -> int:
    """Turn downloaded files into reference tables."""
    from assets.engine.reference_files.build import build_reference

    for line in build_reference(options.source, options.output):
        print(one_line(line), flush=True)
    return 0


def whatif(options: argparse.Namespace) -> int:
    """Print what closures would change, and write who is to be called."""
    from assets.engine.closures import describe_closures
    from assets.engine.settings import read_settings
    from assets.engine.warehouse import file_below

    closed = [npi.strip() for npi in (options.close or "").split(",")] if options.close is not None else []
    if not all(len(npi) == 10 and npi.isdecimal() for npi in closed):
        raise SettingsError(
            "--close: found something else than NPIs; ten digits each, with commas between, are expected"
        )
    warehouse = options.warehouse or file_below(options.output)
    for line in describe_closures(options.output, warehouse, closed, read_settings(options.config)):
        print(one_line(line))
    return 0


def assign(options: argparse.Namespace) -> int:
    """Plan who works with whom, and print the counts."""
    from assets.engine.assignments import describe_assignment
    from assets.engine.settings import read_settings

    for line in describe_assignment(options.output, options.capacity, read_settings().outreach.small_cell):
        print(one_line(line))
    return 0


def compare(options: argparse.Namespace) -> int:
    """Print who would enter and leave the lists."""
    from assets.engine.compare import compare_nights, compare_settings
    from assets.engine.settings import read_settings
    from assets.engine.warehouse import file_below

    if (options.output_b is None) == (options.config is None):
        raise SettingsError("compare: found no single other side; OUTPUT_B or --config FILE is expected, not both")
    if options.output_b is not None:
        lines = compare_nights(options.output_a, options.output_b, read_settings())
    else:
        warehouse = options.warehouse or file_below(options.output_a)
        lines = compare_settings(options.output_a, warehouse, read_settings(options.config))
    for line in lines:
        print(one_line(line))
    return 0


def docs(options: argparse.Namespace) -> int:
    """Write the measure pages, or say which are not current."""
    from assets.engine.measure_pages import PAGES, stale_pages, write_pages

    if options.check:
        if stale := stale_pages(PAGES):
            raise SettingsError(f"docs/measures: found {', '.join(stale)} not current; run `caregaps docs`")
        return 0
    print(f"{PAGES}: {len(write_pages(PAGES))} pages")
    return 0


def sql(options: argparse.Namespace) -> int:
    """Print a model."""
    from assets.engine.families import all_models

    models = {model.name: model for model in all_models()}
    if options.model not in models:
        raise SettingsError(f"model: found {options.model!r}; allowed are {', '.join(sorted(models))}")
    model = models[options.model]
    from sqlglot.dialects.dialect import Dialect

    if Dialect.get(options.dialect) is None:
        raise SettingsError(f"--dialect: found {options.dialect!r}; a dialect of sqlglot, such as spark, is expected")
    print(model.sql.rstrip() if options.dialect == "duckdb" else model.to(options.dialect))
    return 0


COMMANDS = {
    "run": run,
    "explain": explain,
    "status": status,
    "sample": sample,
    "directory": directory,
    "gaps-export": gaps_export,
    "ecare-plan": ecare_plan,
    "reference": reference,
    "whatif": whatif,
    "assign": assign,
    "compare": compare,
    "docs": docs,
    "sql": sql,
}
