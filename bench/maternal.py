"""Measure the maternal step alone: what it costs to find pregnancies, losses and their gaps among all claim lines.

    python bench/maternal.py                     # a million members; about 10 minutes and 6 GB of disk
    python bench/maternal.py --members 20000     # a first look
    python bench/maternal.py --write             # and rewrite docs/performance-maternal.md

The floor reads the 25 diagnosis columns of every delivered claim line once and tells maternal codes by one range. Step and
floor run in one process over tables of the same lines.
"""

from __future__ import annotations

import argparse
import datetime
import statistics
import tempfile
from pathlib import Path

from assets.engine.contract import all_contracts
from assets.engine.families import all_models
from assets.engine.model import ROOT
from assets.engine.settings import read_settings
from assets.engine.warehouse import build
from bench.adherence import MEMORY_GB, THREADS
from bench.claims import AS_OF, FIRST_DAY, Draw, needed, numbers
from bench.measuring import machine, open_database, peak_mb, reset_peak, timed, yes

TARGETS = {"ratio": 2.5, "peak_mb": 2000.0}
PAGE = ROOT / "docs" / "performance-maternal.md"
PREGNANT = 15  # members in a thousand with a pregnancy in the year before the as-of date
GOALS = ("gaps.prenatal_supply", "facts.pregnancy_review", "facts.held_subject")
CODES = "{0} between 'O' and 'P'"
FLOOR = "select " + ", ".join(
    f"count(*) filter (where {CODES.format(f'diagnosis_code_{place}')})" for place in range(1, 26)
) + " from raw.medical_claim"  # fmt: skip


class MaternalDraw(Draw):
    """The tables of the adherence benchmark with pregnancies among them, and the delivered lines of the same claims."""

    def tables(self) -> None:
        """Fill `core`, the registries, and what of `raw` the maternal step reads."""
        super().tables()
        # What nothing here draws is there and empty.
        for contract in all_contracts("raw"):
            if contract.table.source != "registry":
                extra = "" if contract.table.source else ", source_file varchar, line_number bigint, row_id bigint"
                self.con.execute(f"create table {contract.id} ({contract.ddl()}{extra})")
        self.con.execute(
            "update core.member set person_id = 'P' || member_key, gender = case when member_key % 2 = 0 then 'female' "
            "else 'male' end, state = 'TX', payer_type = 'commercial'"
        )
        self._pregnancies()
        self._delivered()
        self.con.execute("checkpoint")

    def _pregnancies(self) -> None:
        self.con.execute(
            f"""
            create temp table drawn as
            select member_key, date '{AS_OF}' - 330 + {self.below(320, "lmp", "member_key")} as lmp_date,
                {self.below(100, "fate", "member_key")} as fate
            from core.member
            where gender = 'female' and birth_date between date '1982-01-01' and date '2004-12-31'
                and {self.below(1000, "pregnant", "member_key")} < {PREGNANT} * 6
            """
        )
        visits = f"""
            select member_key, number, lmp_date + number * 28 as day, 'V' || member_key || '-' || number as claim_id
            from drawn, {numbers(2, 10)}
            where lmp_date + number * 28 <= date '{AS_OF}' and (fate >= 14 or number < 4)
        """
        ends = f"""
            select member_key, fate, lmp_date + case when fate < 14 then 100 else 275 end as day, 'E' || member_key as claim_id
            from drawn where lmp_date + case when fate < 14 then 100 else 275 end <= date '{AS_OF}'
        """
        codes = f"""
            select member_key, claim_id, day, 'Z3A' || lpad(cast(number * 4 as varchar), 2, '0') as code from ({visits})
            union all select member_key, claim_id, day, 'Z348' || (1 + least(number * 28 // 98, 2)) from ({visits})
            union all select member_key, claim_id, day, case when fate < 14 then 'O039' else 'Z370' end from ({ends})
        """
        self._insert(
            "core.diagnosis",
            f"select member_key, claim_id, day as diagnosis_date, 'icd-10-cm' as code_system, code, true as is_paid, "
            f"false as is_voided from ({codes})",
        )
        self._insert(
            "core.medical_line",
            f"select member_key, claim_id, day as service_date, day as claim_start_date, day as claim_end_date, "
            f"'professional' as claim_type, '11' as place_of_service_code, '99213' as hcpcs_code, true as is_paid, "
            f"false as is_void from ({visits} union all select member_key, 0, day, claim_id from ({ends}))",
        )
        # Sorted by member again, as the models of `core` write them.
        for table, order in (("diagnosis", "member_key, diagnosis_date"), ("medical_line", "member_key, service_date")):
            self.con.execute(f"create or replace table core.{table} as from core.{table} order by {order}")

    def _delivered(self) -> None:
        others = ", ".join(
            f"'E' || (1000 + {self.any('other code', 'rowid', str(place))} % 4000) as diagnosis_code_{place}"
            for place in range(2, 6)
        )
        self._insert(
            "raw.medical_claim",
            f"select 'P' || member_key as person_id, diagnosis_date as claim_start_date, diagnosis_date + 20 as file_date, "
            f"code as diagnosis_code_1, {others} from core.diagnosis",
        )
        self._insert(
            "raw.pharmacy_claim",
            "select 'P' || fill.member_key as person_id, drug.ndc_code, fill.fill_date as dispensing_date, "
            "'F' || fill.fill_key as claim_id from core.fill inner join core.drug on fill.drug_key = drug.drug_key",
        )


def measure(members: int, runs: int, folder: Path) -> dict[str, float | dict[str, float]]:
    """Draw, build what is shared with adherence, then time the maternal models and the floor in turn."""
    path = folder / "maternal.duckdb"
    con = open_database(path, THREADS, MEMORY_GB)
    MaternalDraw(con, members, 1).tables()
    con.close()
    con = open_database(path, THREADS, MEMORY_GB)
    models = {model.name: model for model in all_models()}
    built = {f"{schema}.{table}" for schema, table in con.execute(
        "select table_schema, table_name from information_schema.tables where table_schema in ('raw', 'core')"
    ).fetchall()}  # fmt: skip
    params = {**read_settings().params(), "as_of": datetime.date.fromisoformat(AS_OF)}
    wanted = set().union(*(needed(goal, models, built) for goal in GOALS))
    maternal = [m for m in all_models() if m.name in wanted and is_maternal(m.name)]
    for model in all_models():
        if model.name in wanted and not is_maternal(model.name):
            build(con, model, params)
    seconds: dict[str, list[float]] = {model.name: [] for model in maternal}
    floors, peak = [], 0.0
    for _ in range(runs):
        reset_peak()
        for model in maternal:
            seconds[model.name].append(timed(lambda model=model: build(con, model, params))[0])
        peak = max(peak, peak_mb())
        floors += [timed(lambda: con.execute(FLOOR).fetchall())[0] for _ in range(2)]
    [[lines]] = con.execute("select count(*) from raw.medical_claim").fetchall()
    [[rows]] = con.execute("select count(*) from gaps.prenatal_supply").fetchall()
    con.close()
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    return {
        "lines": lines,
        "rows": rows,
        "peak_mb": peak,
        "floor": statistics.median(floors),
        "cpu": sum(medians.values()),
        "models": medians,
    }


def is_maternal(name: str) -> bool:
    """Whether a model is of the maternal step alone."""
    schema, table = name.split(".")
    own = ("maternal_", "pregnancy", "loss_trigger", "suppression", "held_subject", "prenatal_supply")
    return schema in {"facts", "gaps"} and table.startswith(own)


def page(found: dict, members: int, runs: int) -> str:
    """`docs/performance-maternal.md`."""
    ratio = found["cpu"] / found["floor"]
    judged = [
        ("CPU of the maternal step, in scans of the diagnosis columns", ratio, TARGETS["ratio"]),
        ("Peak memory of the process, MB", found["peak_mb"], TARGETS["peak_mb"]),
    ]
    lines = "\n".join(
        f"| {name} | {value:.2f} | at most {target:g} | {yes(value <= target)} |" for name, value, target in judged
    )
    models = "\n".join(
        f"| `{name}` | {cpu:.2f} |" for name, cpu in sorted(found["models"].items(), key=lambda pair: -pair[1])
    )
    return f"""# Performance of the maternal step

Generated by `python bench/maternal.py --write`; do not edit. Medians of {runs} runs on {machine(THREADS, MEMORY_GB)}. Made-up tables: {members:,} members,
{found["lines"]:,} claim lines with five diagnoses each, {PREGNANT} members in a thousand with a pregnancy; {found["rows"]:,} maternal gaps.
As of {AS_OF}; the first day of claims is {FIRST_DAY.removeprefix("date ")}.

The step is every model from `core` to `gaps.prenatal_supply` that adherence does not need. The floor scans the 25
diagnosis columns of the same lines once and tells maternal codes by one range: {found["floor"]:.2f} CPU seconds against {found["cpu"]:.2f}.

| At {members:,} members | found | target | met |
|---|---:|---:|---|
{lines}

| Model | CPU s |
| --- | ---: |
{models}
"""


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the drawn tables lie meanwhile")
    parser.add_argument("--write", action="store_true", help="rewrite docs/performance-maternal.md")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        found = measure(asked.members, asked.runs, Path(folder))
    text = page(found, asked.members, asked.runs)
    print(text)
    if asked.write:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
