"""Measure suppression to ranked list: what it costs to turn the gaps of a million members into 20,000 pharmacies' lists.

    python bench/outreach.py                                  # to the terminal; about eight minutes and 3 GB of disk
    python bench/outreach.py --copies 20 --runs 1             # a hundred thousand members: a first look
    python bench/outreach.py --write                          # and rewrite docs/performance-outreach.md

Two nights of a sample are built in one process, with outcomes reported between them, so that the second has a state to
carry on. Then what the measured models read is multiplied: members, claims and gaps under new keys, pharmacies and ZIP
codes as often as gives the stated number of pharmacies. CPU seconds count, the least of the runs, since other work on
the machine only adds to them; wall seconds are shown. Beside them, in the same process, the floor: every gap read,
joined to its member, given an id by the same digest, and put in order of its score within its pharmacy.
"""

from __future__ import annotations

import argparse
import datetime
import json
import tempfile
import textwrap
from pathlib import Path
from typing import Any

import duckdb

from assets.engine import ingest, registry
from assets.engine.contract import Contract, all_contracts, contract_for
from assets.engine.families import all_models
from assets.engine.layout import read_layout
from assets.engine.model import ROOT
from assets.engine.reference import load_shipped
from assets.engine.settings import read_settings
from assets.engine.state import STATE_TABLES
from assets.engine.warehouse import SCHEMAS, build
from bench.measuring import allowed, child, open_database, peak_mb, processor, reset_peak, table, timed
from sample_data.generate import generate

FIRST_NIGHT, AS_OF = datetime.date(2026, 6, 29), datetime.date(2026, 6, 30)
SAMPLE_MEMBERS = 5_000
THREADS, MEMORY_GB = 2, 4.0
TARGET = 8.0
ANEW = "outreach.attribution, chosen anew"
# Suppression to ranked list, in the order of the flow.
JUDGED = (
    "facts.known_attempt",
    "facts.contact_attempt",
    "facts.suppression",
    "facts.ended_subject",
    "facts.held_subject",
    "facts.closing_word",
    "outreach.ledger",
    "outreach.contact_block",
    "outreach.contact_channel",
    "outreach.contact_pressure",
    "facts.programme_member",
    "outreach.gap_programme",
    "facts.subject_fill",
    "outreach.attribution",
    "outreach.scored_gap",
    "outreach.eligible_gap",
    "outreach.holdout_arm",
    "outreach.ranked_gap",
)
# What the families found, as one table; and what is read off the ranked list.
BEFORE = ("outreach.every_gap",)
AFTER = (
    "outreach.worklist",
    "outreach.contact",
    "outreach.release",
    "outreach.recall",
    "outreach.gap",
    "outreach.gap_state",
    "outreach.gap_history",
)
PAGE = ROOT / "docs" / "performance-outreach.md"
# Outcomes of what the first night listed, in percent of the rows; of the rest nothing is heard.
OUTCOMES = {
    "REACHED_COMPLETED": 15,
    "NO_ANSWER": 25,
    "LEFT_VM": 10,
    "REACHED_DECLINED": 5,
    "REACHED_CALLBACK": 5,
    "WRONG_NUMBER": 2,
    "OPT_OUT": 1,
    "NOT_MY_PATIENT": 1,
}
# Columns that name a member or what is theirs, and places; each is told apart by the number of its copy.
MEMBER_COLUMNS = ("member_key", "person_id")
PLACE_COLUMNS = ("npi", "pharmacy_npi", "dispensing_provider_npi", "preferred_pharmacy_npi", "zip_code", "zcta")
# Integer keys, with the table and column that number them: of members, then of places.
MEMBER_KEYS = {"member_key": ("core.member", "member_key"), "fill_key": ("core.fill", "fill_key")}
PLACE_KEYS = {
    "zcta_key": ("core.zcta", "zcta_key"),
    "site_row": ("core.site", "site_row"),
    "supplier_key": ("core.site", "site_row"),
}
FLOOR = """
select sum(place), max(digest)
from (
    select
        row_number() over (
            partition by attribution.pharmacy_npi order by every_gap.severity desc, member.member_key, every_gap.gap_code
        ) as place,
        substr(sha256(concat_ws('|', 'salt', member.person_id, every_gap.gap_code, every_gap.subject)), 1, 16) as digest
    from outreach.every_gap
    inner join core.member on every_gap.member_key = member.member_key
    left join outreach.attribution
        on member.person_id = attribution.person_id
        and every_gap.gap_family = attribution.gap_family
        and every_gap.subject is not distinct from attribution.subject
)
"""


def build_sample(con: duckdb.DuckDBPyConnection, sample: Path) -> None:
    """Build two nights of a sample, the second with the state of the first and the outcomes of its lists."""
    con.execute("".join(f"create schema if not exists {schema};" for schema in SCHEMAS))
    inputs = ingest.find_inputs(read_layout("tuva"), sample, None)
    for contract in ingest.input_contracts().values():
        if not ingest.load_table(con, contract, inputs, sample):
            load_shipped(con, contract)
    for contract in all_contracts("raw"):
        if contract.table.source == "registry":
            registry.load_registry(con, contract.key[1], None)
        elif contract.table.source is not None:
            con.execute(f"create or replace table {contract.id} ({contract.ddl()})")
    for as_of in (FIRST_NIGHT, AS_OF):
        params = {"as_of": as_of, **read_settings().params()}
        for model in all_models():
            build(con, model, params)
        if as_of == FIRST_NIGHT:
            hand_over(con)


def hand_over(con: duckdb.DuckDBPyConnection) -> None:
    """Keep the state of the first night, and report outcomes of what it listed."""
    for state, source in STATE_TABLES.items():
        columns = ", ".join(contract_for("raw", state).columns)
        con.execute(f"insert into raw.{state} by name select {columns} from {source}")
    bounds, share = [], 0
    for code, percent in OUTCOMES.items():
        share += percent
        bounds.append(f"when draw < {share} then '{code}'")
    con.execute(
        "insert into raw.outreach_outcome by name "
        f"select timestamp '{FIRST_NIGHT} 15:00:00' as attempted_at, case {' '.join(bounds)} end as outcome_code, "
        "gap_id, pharmacy_npi, 'phone' as channel, 'pharmacist' as staff_role "
        "from (select *, row_number() over (order by gap_id) * 37 % 100 as draw from outreach.worklist) "
        f"where draw < {share}"
    )


def multiply(con: duckdb.DuckDBPyConnection, sample: Path, copies: int, pharmacies: int) -> None:
    """Fill the tables that the measured models read, from a sample's, many times over."""
    con.execute("".join(f"create schema if not exists {schema};" for schema in SCHEMAS))
    con.execute(f"attach '{sample}' as one (read_only)")
    models = {model.name: model for model in all_models()}
    measured = {*JUDGED, *BEFORE, *AFTER}
    read = {".".join(key) for name in measured for key in models[name].inputs} - measured
    contracts = {contract.id: contract for schema in SCHEMAS[1:] for contract in all_contracts(schema)}
    [[sites]] = con.execute("select count(*) from one.core.pharmacy").fetchall()
    steps = {
        key: con.execute(f"select max({column}) from one.{numbered}").fetchall()[0][0]
        for key, (numbered, column) in {**MEMBER_KEYS, **PLACE_KEYS}.items()
    }
    places = max(1, round(pharmacies / sites))
    for name in sorted(read):
        con.execute(copied(contracts[name], copies, places, steps))
    con.execute("detach one")
    con.execute("checkpoint")


def copied(contract: Contract, copies: int, places: int, steps: dict[str, int]) -> str:
    """The statement that multiplies one table; a table that names neither members nor places is copied as it is."""
    columns = {p.name: p.sql_type for p in contract.properties}
    if set(MEMBER_COLUMNS) & set(columns):
        times, place = copies, f"copy % {places}"
    elif {*PLACE_COLUMNS, *PLACE_KEYS} & set(columns):
        times, place = places, "copy"
    else:
        times, place = 1, "0"
    selected = []
    for column, kind in columns.items():
        if column in steps:
            number = place if column in PLACE_KEYS else "copy"
            told = f"({column} + {number} * {steps[column]})::{kind}"
        elif column == "person_id":
            told = f"{column} || '-' || copy"
        elif column == "gap_id":
            told = f"substr(sha256({column} || copy), 1, 16)"
        elif column in PLACE_COLUMNS:
            # A letter for the first digit of an NPI, one more behind a ZIP code: neither gets longer than engines inline.
            kept = f"substr({column}, 2)" if column.endswith("npi") else column
            told = f"chr((65 + {place})::integer) || {kept}"
        else:
            told = column
        selected.append(f"{told} as {column}")
    # State lies in the order of its key, as a night reads it; other tables in that of their members.
    is_state = contract.key[1].startswith("state_") and contract.grain
    order = ", ".join(contract.grain or []) if is_state else "copy, line"
    return (
        f"create or replace table {contract.id} as select {', '.join(selected)} "
        f"from (select *, row_number() over () as line from one.{contract.id}) as t, range({times}) as copies (copy) order by {order}"
    )


def measure(path: Path, runs: int) -> dict[str, Any]:
    """Build every measured table in the order of the flow; the least of the runs."""
    con = open_database(path, THREADS, MEMORY_GB)
    wanted = {*JUDGED, *BEFORE, *AFTER}
    models = [model for model in all_models() if model.name in wanted]
    params = {"as_of": AS_OF, **read_settings().params()}
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in (*wanted, ANEW, "floor")}
    every = {model.name: model for model in models}
    peaks = []
    for _ in range(runs):
        reset_peak()
        for model in models:
            samples[model.name].append(timed(lambda model=model: build(con, model, params)))
        peaks.append(peak_mb())
        # On the first night nothing was chosen before, so that every pharmacy is chosen from claims.
        con.execute(
            "create or replace temp table kept as from raw.state_attribution; delete from raw.state_attribution"
        )
        samples[ANEW].append(timed(lambda: build(con, every["outreach.attribution"], params)))
        con.execute("insert into raw.state_attribution from kept; drop table kept")
        # Close to the models in time, so that a busy minute weighs on both.
        samples["floor"].append(timed(lambda: con.execute(FLOOR).fetchall()))
    counted = (*wanted, "core.member", "core.fill", "core.pharmacy", "raw.state_gap", "raw.outreach_outcome")
    rows = {name: con.execute(f"select count(*) from {name}").fetchall()[0][0] for name in counted}
    [[asked]] = con.execute("select count(distinct pharmacy_npi) from outreach.eligible_gap").fetchall()
    found = {
        "rows": {**rows, "asked pharmacies": asked},
        "cpu": {name: min(cpu for cpu, _ in times) for name, times in samples.items()},
        "wall": {name: min(wall for _, wall in times) for name, times in samples.items()},
        # A night is the first run of a process; the later ones begin with what it left.
        "peak_mb": peaks[0],
    }
    con.close()
    return found


def page(found: dict[str, Any], runs: int) -> str:
    """`docs/performance-outreach.md`."""
    rows, cpu, wall = found["rows"], found["cpu"], found["wall"]
    total = sum(cpu[name] for name in JUDGED)
    judged = [
        ["CPU seconds from suppression to ranked list", f"{total:.2f}", *allowed(total, TARGET)],
        ["the same against the floor", f"{total / cpu['floor']:.2f}", "", ""],
        ["Wall seconds", f"{sum(wall[name] for name in JUDGED):.2f}", "", ""],
        ["Peak memory of the process, MB", f"{found['peak_mb']:.0f}", "", ""],
    ]
    by_table = [
        [f"`{name}`", group, f"{rows[name]:,}", f"{cpu[name]:.2f}", f"{wall[name]:.2f}"]
        for names, group in ((BEFORE, "before"), (JUDGED, "judged"), (AFTER, "after"))
        for name in names
    ]
    by_table += [[name, "beside", "", f"{cpu[name]:.2f}", f"{wall[name]:.2f}"] for name in (ANEW, "floor")]
    shape = (
        f"{rows['core.member']:,} members with {rows['core.fill']:,} fills and {rows['outreach.every_gap']:,} gaps, of "
        f"which an earlier night knew {rows['raw.state_gap']:,}; {rows['core.pharmacy']:,} pharmacies; "
        f"{rows['raw.outreach_outcome']:,} outcomes reported since. {rows['outreach.ranked_gap']:,} gaps are open, at "
        f"{rows['asked pharmacies']:,} pharmacies, for members go where their copies went; {rows['outreach.worklist']:,} of "
        "them are on a list, since capacity cuts."
    )
    return f"""# Performance of suppression, ranking and attribution

Generated by `python bench/outreach.py --write`; do not edit. The least of {runs} runs on {processor()},
{THREADS} threads, DuckDB {duckdb.__version__} allowed {MEMORY_GB:g} GB.
The machine was shared, so that wall seconds say little, and CPU seconds more than they would on a quiet one. The floor is
run beside them: every gap joined to its member, given an id by the same digest, and put in order within its pharmacy.

{textwrap.fill(f"The tables are those of two nights of a sample of {SAMPLE_MEMBERS:,} members, multiplied under new keys: {shape}", 119)}

{table(["", "found", "target", "met"], judged)}

Judged is all that stands between the families' gaps and the place of each on a pharmacy's list: what is suppressed and
what is held, whom nobody may contact, the ledger, the pharmacy that a gap goes to, score, programme, comparison group,
rank. Before it lies the union of the families, after it what is read off the ranked list. Most gaps keep the pharmacy of
the night before; where none does, as on a first night, attribution costs what the row *chosen anew* says.

## By table

{table(["Table", "Group", "Rows", "CPU s", "Wall s"], by_table)}
"""


def main() -> None:
    """Read the command line; `--measure` is what the parent asks of its child."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--copies", type=int, default=200, help="times 5,000 members")
    parser.add_argument("--pharmacies", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3, help="the least is shown")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the tables lie meanwhile")
    parser.add_argument("--write", action="store_true", help="rewrite docs/performance-outreach.md")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(measure(asked.measure, asked.runs)))
        return
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        sample, path = Path(folder) / "sample.duckdb", Path(folder) / "lists.duckdb"
        generate(SAMPLE_MEMBERS, asked.seed, Path(folder) / "sample")
        with open_database(sample, THREADS, MEMORY_GB) as con:
            build_sample(con, Path(folder) / "sample")
        with open_database(path, THREADS, MEMORY_GB) as con:
            multiply(con, sample, asked.copies, asked.pharmacies)
        found = json.loads(child(__file__, "--measure", str(path), "--runs", str(asked.runs)))
    text = page(found, asked.runs)
    print(text)
    if asked.write:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
