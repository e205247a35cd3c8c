"""Ask at past dates what later claims confirm: were the pregnancies that lists would have spoken of still going on?

    python bench/backtest.py             # print the table
    python bench/backtest.py --write     # and rewrite docs/maternal-backtest.md with its chart

The sample is drawn, read through the door once, and cut to the members with any sign of a pregnancy. Each date is asked
twice: with every claim by its day of service, as a night that is run again sees them, and with those alone that had
arrived by then (`file_date`), as the night itself saw them. Precision is the share of tier A pregnancies that the last
date's claims confirm; recall is the share of the pregnancies that the claims in the end tell of, and that were past
eight weeks, which tier A had found.
"""

from __future__ import annotations

import argparse
import datetime
import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb

from assets.engine import ingest, registry, warehouse
from assets.engine.contract import all_contracts
from assets.engine.families import all_models
from assets.engine.layout import read_layout
from assets.engine.model import ROOT, Model
from assets.engine.settings import read_settings
from bench.claims import needed
from sample_data.generate import generate

DATES = tuple(datetime.date(2025, 10, 31) + datetime.timedelta(days=30 * turn) for turn in range(8))
LAST = datetime.date(2026, 6, 30)
TARGET = 0.97
PAGE = ROOT / "docs" / "maternal-backtest.md"
CHART = ROOT / "docs" / "images" / "maternal_backtest.svg"

# Members with a planted pregnancy or sign of one. Story members are left out: they repeat a few odd histories.
KEEP = """
    select person_id from truth where fact like '%pregnan%' or fact like '%loss%' or fact = 'planted_negative_test'
    except
    select person_id from truth where fact = 'story'
"""
# Pregnant on the date: an outcome after it, or evidence after it, of an episode that had begun.
LATER = """
    create or replace temp table later as
    select
        member_key,
        bool_or(coalesce(end_date > $1, last_evidence_date > $1) and lmp_date <= $1) as was_pregnant,
        bool_or(coalesce(end_date > $1, last_evidence_date > $1) and lmp_date + 56 <= $1) as was_eight_weeks,
        bool_or(member_key in (select member_key from final_loss where trigger_date <= $1)) as had_loss
    from final_pregnancy
    where lmp_date <= $1 and coalesce(end_date, last_evidence_date) is not null
    group by member_key
    having was_pregnant or max(end_date) <= $1
"""
COUNTED = """
    select
        (select count(*) from asked where tier = 'A') as tier_a,
        (select count(*) from asked inner join later using (member_key) where tier = 'A' and was_pregnant) as confirmed,
        (select count(*) from asked inner join later using (member_key) where tier = 'A' and not was_pregnant) as refuted,
        (
            select count(*) from asked inner join later using (member_key)
            where tier = 'A' and not was_pregnant and had_loss
        ) as lost,
        (select count(*) from later where was_pregnant and was_eight_weeks) as pregnant,
        (
            select count(*) from asked inner join later using (member_key)
            where tier = 'A' and was_pregnant and was_eight_weeks
        ) as found_a,
        (
            select count(*) from asked inner join later using (member_key)
            where tier in ('A', 'B', 'C') and was_pregnant and was_eight_weeks
        ) as found_any
"""


@dataclass(frozen=True)
class Asked:
    """One past date: counts of members."""

    as_of: datetime.date
    tier_a: int
    confirmed: int
    refuted: int
    lost: int
    pregnant: int
    found_a: int
    found_any: int

    @property
    def unseen(self) -> int:
        """Tier A pregnancies of which later claims say nothing."""
        return self.tier_a - self.confirmed - self.refuted


def share(part: int, whole: int) -> float:
    """A share, 1 of nothing."""
    return part / whole if whole else 1.0


def prepare(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Read a sample through the door, and keep the members with signs of a pregnancy."""
    inputs = ingest.find_inputs(read_layout("tuva"), folder, None)
    for contract in ingest.input_contracts().values():
        ingest.load_table(con, contract, inputs, folder)
    for contract in all_contracts("raw"):
        if contract.table.source == "registry":
            registry.load_registry(con, contract.key[1], None)
        elif contract.table.source is not None:
            con.execute(f"create or replace table {contract.id} ({contract.ddl()})")
    refused = " union all ".join(f"from door.{table}_refused_code" for table in ingest.VERSIONED_TABLES)
    con.execute(f"insert into raw.refused_code {refused}")
    con.execute(f"create temp table truth as from read_csv('{folder / 'truth.csv'}', all_varchar = true)")
    for table in ("eligibility", "medical_claim", "pharmacy_claim"):
        con.execute(f"delete from raw.{table} where person_id is null or person_id not in ({KEEP})")
    for table in ("medical_claim", "pharmacy_claim"):
        con.execute(f"create table all_{table} as from raw.{table}")


def ask(con: duckdb.DuckDBPyConnection, as_of: datetime.date, models: list[Model], *, arrived: bool) -> None:
    """Build `facts.pregnancy` as of a date, from all claims or from those that had arrived."""
    for table in ("medical_claim", "pharmacy_claim"):
        where = f"where file_date <= date '{as_of}'" if arrived else ""
        con.execute(f"create or replace table raw.{table} as from all_{table} {where}")
    params = {"as_of": as_of, **read_settings().params()}
    for model in models:
        warehouse.build(con, model, params)


def backtest(members: int, seed: int, folder: Path) -> dict[bool, list[Asked]]:
    """Ask at every date, of all claims (False) and of those that had arrived (True); the last date's claims answer."""
    generate(members, seed, folder / "sample")
    con = duckdb.connect(str(folder / "backtest.duckdb"), config={"threads": 2})
    con.execute("".join(f"create schema if not exists {schema};" for schema in warehouse.SCHEMAS))
    prepare(con, folder / "sample")
    models = {m.name: m for m in all_models()}
    built = {contract.id for contract in all_contracts("raw")}
    wanted = needed("facts.pregnancy", models, built)
    order = [m for m in all_models() if m.name in wanted]
    ask(con, LAST, order, arrived=False)
    con.execute("create table final_pregnancy as from facts.pregnancy")
    con.execute("create table final_loss as select distinct member_key, trigger_date from facts.loss_trigger")
    found: dict[bool, list[Asked]] = {False: [], True: []}
    for arrived, rows in found.items():
        for as_of in DATES:
            ask(con, as_of, order, arrived=arrived)
            con.execute(
                "create or replace temp table asked as select member_key, tier from facts.pregnancy where status = 'current'"
            )
            con.execute(LATER, [as_of])
            [row] = con.execute(COUNTED).fetchall()
            rows.append(Asked(as_of, *row))
    con.close()
    return found


def totals(found: list[Asked]) -> tuple[float, float, float, float]:
    """Over all dates: precision of tier A, recall of tier A and of any tier, and the share of tier A not lost."""

    def total(name: str) -> int:
        return sum(getattr(asked, name) for asked in found)

    return (
        share(total("confirmed"), total("confirmed") + total("refuted")),
        share(total("found_a"), total("pregnant")),
        share(total("found_any"), total("pregnant")),
        1 - total("lost") / max(1, total("confirmed") + total("refuted")),
    )


def table(found: list[Asked]) -> str:
    """One line per date."""
    head = "| Date | Tier A | Confirmed | Refuted | of these lost | Later silence | Precision | Pregnant | Found by tier A | Found by any tier |"
    lines = "\n".join(
        f"| {a.as_of} | {a.tier_a:,} | {a.confirmed:,} | {a.refuted:,} | {a.lost:,} | {a.unseen:,} | "
        f"{share(a.confirmed, a.confirmed + a.refuted):.1%} | {a.pregnant:,} | {share(a.found_a, a.pregnant):.1%} | "
        f"{share(a.found_any, a.pregnant):.1%} |"
        for a in found
    )
    return f"{head}\n| --- |{' ---: |' * 9}\n{lines}"


def page(found: dict[bool, list[Asked]], members: int, seed: int) -> str:
    """`docs/maternal-backtest.md`."""
    served, arrived = totals(found[False]), totals(found[True])
    return f"""# Back-test: were they still pregnant?

Generated by `make backtest` from a made-up sample of {members:,} members (seed {seed}); do not edit. The rules are in
[maternal.md](maternal.md); the claims of {LAST} are the judge. Members who leave the plan are silent later and judge
nothing. A sample cannot show how your claims lag or err: run it on your own history before you rely on it.

| Over all dates | Claims by day of service | Claims that had arrived |
| --- | ---: | ---: |
| Tier A pregnancies confirmed, of those judged (target {TARGET:.0%}) | {served[0]:.1%} | {arrived[0]:.1%} |
| Tier A pregnancies not lost by then, of those judged | {served[3]:.1%} | {arrived[3]:.1%} |
| Pregnancies past eight weeks found by tier A | {served[1]:.1%} | {arrived[1]:.1%} |
| Pregnancies past eight weeks found by any tier | {served[2]:.1%} | {arrived[2]:.1%} |

The first column is what a night finds when it is run again later: it judges the rules. The second is what the night
itself could know, with medical claims that arrive 4 to 45 days after the service in this sample: it judges the rules
and the feed. What it refutes is mostly a birth whose claim was still on its way; a loss on its way is why rows expire
after two days, why recalls exist, and why a faster feed (discharge notices, eligibility of newborns) is worth its price.

![Precision and recall by date](images/maternal_backtest.svg)

## Claims by day of service

{table(found[False])}

## Claims that had arrived

{table(found[True])}

*Refuted*: a birth or loss dated on or before the date was claimed later. *Later silence*: no later claim speaks of the
pregnancy.
"""


def chart(found: dict[bool, list[Asked]], path: Path) -> None:
    """Precision and recall by date."""
    import altair as alt

    points = []
    for arrived, rows in found.items():
        for a in rows:
            shares = {
                "precision of tier A": share(a.confirmed, a.confirmed + a.refuted),
                "found by tier A": share(a.found_a, a.pregnant),
            }
            points += [
                {"date": str(a.as_of), "share": value, "line": line, "claims": "arrived" if arrived else "by service"}
                for line, value in shares.items()
            ]
    target = (
        alt.Chart(alt.Data(values=[{"share": TARGET}])).mark_rule(strokeDash=[4, 4], color="#888").encode(y="share:Q")
    )
    lines = (
        alt.Chart(alt.Data(values=points), width=460, height=260)
        .mark_line(point=True)
        .encode(
            x=alt.X("date:O", title="As of", axis=alt.Axis(labelAngle=-40)),
            y=alt.Y("share:Q", title=None, axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])),
            color=alt.Color("line:N", title=None, scale=alt.Scale(scheme="tableau10")),
            strokeDash=alt.StrokeDash("claims:N", title="Claims", sort=["by service", "arrived"]),
        )
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    (target + lines).configure(background="white").save(str(path))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="rewrite docs/maternal-backtest.md and its chart")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = backtest(asked.members, asked.seed, Path(folder))
    text = page(found, asked.members, asked.seed)
    print(text)
    if asked.write:
        PAGE.write_text(text, encoding="utf-8")
        chart(found, CHART)


if __name__ == "__main__":
    main()
