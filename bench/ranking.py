"""Measure what the order of a list is worth: closures captured in the top k, against other orders.

    python bench/ranking.py             # print the page
    python bench/ranking.py --write     # and rewrite docs/ranking-value.md with its chart

A sample is drawn and built up to the gaps that a pharmacy may raise. How a member answers a call is planted by chance,
never read from the score; then everyone is called, in one order after the other, as many a day as finish the list in
four weeks.
"""

from __future__ import annotations

import argparse
import datetime
import tempfile
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from assets.engine import ingest, registry, warehouse
from assets.engine.contract import all_contracts
from assets.engine.families import all_models
from assets.engine.layout import read_layout
from assets.engine.model import ROOT
from assets.engine.reference import load_shipped
from assets.engine.settings import read_settings
from bench.claims import needed
from sample_data.generate import generate

AS_OF = datetime.date(2026, 6, 30)
CALLING_DAYS = 28
DRAWS = 40
TOPS = (5, 10, 20, 30, 50)
PAGE = ROOT / "docs" / "ranking-value.md"
CHART = ROOT / "docs" / "images" / "ranking_value.svg"
ORDERS = {"score": "By score", "due": "By due date", "pdc": "By lowest PDC", "random": "At random"}
PLANTED = {
    "right": "The anchors are about right",
    "half": "The anchors are half right",
    "unrelated": "The anchors say nothing",
}
# What a pharmacy may raise tonight, before capacity and the comparison group take their part.
GAPS = """
select
    eligible_gap.gap_id, eligible_gap.person_id, ledger.gap_code, eligible_gap.gap_family,
    cast(scored_gap.score as double) as score, cast(scored_gap.severity as double) as severity,
    cast(scored_gap.impactability as double) as impactability, cast(scored_gap.confidence as double) as confidence,
    cast(scored_gap.channel_reach as double) as reach,
    coalesce(ledger.due_date - cast($as_of as date), 9999) as days_to_due,
    ledger.window_end_date - cast($as_of as date) as days_to_end,
    coalesce(
        min(cast(adherence.pdc as double)) filter (where measure.measure_id = ledger.subject),
        min(cast(adherence.pdc as double)),
        9
    ) as pdc
from outreach.eligible_gap
inner join outreach.ledger on eligible_gap.gap_id = ledger.gap_id
inner join outreach.scored_gap on eligible_gap.gap_id = scored_gap.gap_id
left join facts.adherence on eligible_gap.member_key = adherence.member_key and adherence.is_eligible
left join raw.measure on adherence.measure_key = measure.measure_key
where eligible_gap.block_reason is null
group by all order by eligible_gap.gap_id
"""


def gaps_of_a_sample(members: int, seed: int, folder: Path) -> pl.DataFrame:
    """Draw a sample and build the gaps that a pharmacy may raise."""
    sample = folder / "sample"
    generate(members, seed, sample)
    params = {"as_of": AS_OF, **read_settings().params()}
    with duckdb.connect(str(folder / "ranking.duckdb"), config={"threads": 2}) as con:
        con.execute("".join(f"create schema if not exists {schema};" for schema in warehouse.SCHEMAS))
        inputs = ingest.find_inputs(read_layout("tuva"), sample, None)
        for contract in ingest.input_contracts().values():
            if not ingest.load_table(con, contract, inputs, sample):
                load_shipped(con, contract)
        for contract in all_contracts("raw"):
            if contract.table.source == "registry":
                registry.load_registry(con, contract.key[1], None)
            elif contract.table.source is not None:
                con.execute(f"create or replace table {contract.id} ({contract.ddl()})")
        models = {model.name: model for model in all_models()}
        built = {contract.id for contract in all_contracts("raw")}
        wanted = needed("outreach.eligible_gap", models, built)
        for model in all_models():
            if model.name in wanted:
                warehouse.build(con, model, params)
        return con.sql(GAPS, params={"as_of": AS_OF}).pl()


def planted_rates(gaps: pl.DataFrame, dice: np.random.Generator) -> dict[str, np.ndarray]:
    """For each planting the chance that a call about a gap, in time and answered, closes it."""
    anchors = gaps.select("gap_code", "impactability").unique(subset="gap_code").sort("gap_code")
    known = anchors["impactability"].to_numpy()
    drawn = dice.permutation(dice.uniform(0.05, 0.7, len(known)))
    near = np.clip(known * dice.lognormal(0, 0.3, len(known)), 0.02, 0.95)
    of_code = {code: place for place, code in enumerate(anchors["gap_code"].to_list())}
    place = np.array([of_code[code] for code in gaps["gap_code"].to_list()])
    return {"right": near[place], "half": np.sqrt(near * drawn)[place], "unrelated": drawn[place]}


def captured(gaps: pl.DataFrame, seed: int) -> dict[tuple[str, str, str], np.ndarray]:
    """Share of all closures that are in hand after each percent of the list, by planting, order and weight.

    A member is more or less willing, a letter reaches half of them, a gap whose evidence is uncertain may be none, and
    nobody can close a gap whose window has ended before their turn. The whole is what closes if everyone is called
    today.
    """
    count = len(gaps)
    column = {
        name: gaps[name].to_numpy() for name in ("score", "severity", "confidence", "reach", "days_to_due", "pdc")
    }
    ends = gaps["days_to_end"].fill_null(9999).to_numpy()
    _, person = np.unique(gaps["person_id"].to_numpy().astype(str), return_inverse=True)
    found: dict[tuple[str, str, str], np.ndarray] = {}
    for draw in range(DRAWS):
        dice = np.random.default_rng((seed, draw))
        willing = dice.uniform(0.4, 1.6, person.max() + 1)[person]
        is_real = dice.random(count) < column["confidence"]
        luck, tie = dice.random(count), dice.random(count)
        orders = {
            "score": np.lexsort((tie, -column["score"])),
            "due": np.lexsort((tie, column["days_to_due"])),
            "pdc": np.lexsort((tie, column["pdc"])),
            "random": np.argsort(tie),
        }
        for planting, rate in planted_rates(gaps, dice).items():
            would_close = is_real & (luck < np.clip(rate * willing * column["reach"], 0, 0.95))
            for weight, worth in (("closures", np.ones(count)), ("severity", column["severity"])):
                whole = (worth * (would_close & (ends >= 0))).sum()
                for name, order in orders.items():
                    turn = np.arange(count) * CALLING_DAYS // count
                    gained = np.cumsum(worth[order] * (would_close[order] & (ends[order] >= turn))) / whole
                    marks = gained[[max(1, round(count * top / 100)) - 1 for top in range(1, 101)]]
                    key = (planting, name, weight)
                    found[key] = found.get(key, np.zeros(100)) + marks / DRAWS
    return found


def table(found: dict[tuple[str, str, str], np.ndarray], planting: str, weight: str) -> str:
    """One line per order."""
    head = "| Order | " + " | ".join(f"Top {top} %" for top in TOPS) + " |\n| --- |" + " ---: |" * len(TOPS)
    lines = "\n".join(
        f"| {title} | " + " | ".join(f"{found[planting, name, weight][top - 1]:.1%}" for top in TOPS) + " |"
        for name, title in ORDERS.items()
    )
    return f"{head}\n{lines}"


def page(
    found: dict[str, dict[tuple[str, str, str], np.ndarray]], sizes: dict[str, int], members: int, seed: int
) -> str:
    """`docs/ranking-value.md`."""
    every, adherence = found["every"], found["adherence"]
    ahead = every["right", "score", "severity"][19] / every["right", "random", "severity"][19]
    return f"""# What the order of a list is worth

Generated by `make ranking-value` from a made-up sample of {members:,} members (seed {seed}) with planted answers; do not edit.
The score and its factors are in [interface 3.1](interface.md#31-order-score-and-small-print).

A fifth of the list, by score, holds {ahead:.1f} times what a random fifth holds, each closure counted by its severity,
where the severities and impactabilities of `gap_families.yaml` are about right. These anchors are judgement; where they
say nothing of who can be helped, the order still knows what is urgent, who can be reached and which evidence is sure,
and the tables show what is left of it. Where each closure counts the same, an order that puts the severe first gains
less and may fall behind chance further down: it spends calls on what matters more and closes less often. A planted
answer is no proof: the comparison group of [rules 6.9](rules.md#69-the-comparison-group) measures what calls do among
your own members.

![Closures captured by share of the list called, by order](images/ranking_value.svg)

## How it is measured

{sizes["every"]:,} gaps that a pharmacy may raise as of {AS_OF} are called as one list, in {CALLING_DAYS} days, in each of four orders.
A call closes a gap by chance: the rate of its code, times how willing the member is (0.4 to 1.6), half by letter. A gap
whose evidence is uncertain may be none (`confidence`), and nobody can close a gap whose window ended before their turn. The
rates of codes are planted in three ways: near the anchors (30 % off, either way), halfway to chance, and by chance
alone. Severity is in none of them. The whole, 100 %, is what closes if everybody is called on the first day; each number
is the mean of {DRAWS} draws.

## Closures, counted by severity

{PLANTED["right"]}:

{table(every, "right", "severity")}

{PLANTED["half"]}:

{table(every, "half", "severity")}

{PLANTED["unrelated"]}:

{table(every, "unrelated", "severity")}

## Closures, each counted once

{PLANTED["right"]}:

{table(every, "right", "closures")}

{PLANTED["unrelated"]}:

{table(every, "unrelated", "closures")}

## Adherence gaps alone

The {sizes["adherence"]:,} gaps of the family for which PDC is known, each closure counted once. {PLANTED["right"]}:

{table(adherence, "right", "closures")}
"""


def chart(found: dict[tuple[str, str, str], np.ndarray], path: Path) -> None:
    """Captured closures by share of the list, one panel per planting."""
    import altair as alt

    points = [
        {"called": top / 100, "captured": share, "order": ORDERS[name], "planted": PLANTED[planting]}
        for (planting, name, weight), shares in found.items()
        if weight == "severity"
        for top, share in [(0, 0.0), *enumerate(shares.tolist(), start=1)]
    ]
    lines = (
        alt.Chart(alt.Data(values=points), width=230, height=230)
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X(
                "called:Q", title="Share of the list called", axis=alt.Axis(format="%", values=[0, 0.25, 0.5, 0.75, 1])
            ),
            y=alt.Y("captured:Q", title="Closures captured, by severity", axis=alt.Axis(format="%")),
            color=alt.Color(
                "order:N",
                title=None,
                sort=list(ORDERS.values()),
                scale=alt.Scale(domain=list(ORDERS.values()), range=["#0a6b75", "#d06a00", "#6b5b95", "#8a8f98"]),
            ),
            column=alt.Column("planted:N", title=None, sort=list(PLANTED.values())),
        )
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    lines.configure(background="white").save(str(path))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="rewrite docs/ranking-value.md and its chart")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        every = gaps_of_a_sample(asked.members, asked.seed, Path(folder))
    parts = {"every": every, "adherence": every.filter(pl.col("gap_family") == "adherence")}
    found = {name: captured(gaps, asked.seed) for name, gaps in parts.items()}
    text = page(found, {name: len(gaps) for name, gaps in parts.items()}, asked.members, asked.seed)
    print(text)
    if asked.write:
        PAGE.write_text(text, encoding="utf-8")
        chart(found["every"], CHART)


if __name__ == "__main__":
    main()
