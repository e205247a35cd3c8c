"""House rules: what every file of its kind keeps, told by file when one does not."""

from __future__ import annotations

import argparse
import ast
import csv
import re
from pathlib import Path

import pytest
import sqlglot
import yaml
from sqlglot import exp
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from assets.engine import families as families_module
from assets.engine.computed import COMPUTED, Computed
from assets.engine.contract import CONTRACTS, Contract, all_contracts, contract_for
from assets.engine.families import FAMILY_COLUMNS, all_models
from assets.engine.landing import SUFFIXES
from assets.engine.layout import read_layout
from assets.engine.model import ROOT, SQL, Model
from assets.engine.registry import read_families, read_measures, read_value_sets
from assets.engine.settings import read_settings
from pipelines.cli import COMMANDS, parser
from tests.mutate import listed, read_mutations

LAYERS = ("raw", "core", "facts", "gaps", "outreach")
FILES = tuple(Model(path) for path in sorted(SQL.glob("*/*.sql")))
MODELS = (*FILES, *(m for m in all_models() if m.name == "outreach.every_gap"))
CONTRACTED = tuple(contract for layer in LAYERS for contract in all_contracts(layer))
PYTHON = sorted(p for folder in ("assets", "pipelines", "sample_data", "bench") for p in (ROOT / folder).rglob("*.py"))

EVERY_MODEL = (*MODELS, *COMPUTED)

each_model = pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
every_model = pytest.mark.parametrize("model", EVERY_MODEL, ids=lambda m: m.name)
each_computed = pytest.mark.parametrize("model", COMPUTED, ids=lambda m: m.name)
each_file = pytest.mark.parametrize("model", FILES, ids=lambda m: m.name)
each_contract = pytest.mark.parametrize("contract", CONTRACTED, ids=lambda c: c.id)


# SQL ------------------------------------------------------------------------------------------------------------------


@each_model
def test_model_is_one_select(model: Model) -> None:
    assert isinstance(model.tree, exp.Query)


@every_model
def test_model_says_what_it_is(model: Model) -> None:
    assert len(model.description) > 20, "a leading comment says what a row is"
    assert model.description.rstrip().endswith((".", ")")), "the leading comment is made of sentences"


@each_model
def test_last_select_names_every_column(model: Model) -> None:
    stack = [model.tree]
    while stack:
        query = stack.pop()
        if isinstance(query, exp.SetOperation):
            stack += [query.this, query.expression]
            continue
        assert not [
            e
            for e in query.expressions
            if isinstance(e, exp.Star) or (isinstance(e, exp.Column) and isinstance(e.this, exp.Star))
        ]
        assert all(e.alias_or_name for e in query.expressions), "an output column without a name"


# Names that say nothing of the rows that they hold (style 3.4).
EMPTY_NAMES = re.compile(
    r"base|final|tmp|temp|cte\d*|t\d+|step_?\d*|joined\d*|data|result|output|x|y|stuff|all_data|src|source|sub\d*|q\d*"
)


@each_model
def test_ctes_are_named_for_their_rows(model: Model) -> None:
    names = [cte.alias for cte in model.tree.find_all(exp.CTE)]
    assert not [name for name in names if EMPTY_NAMES.fullmatch(name)]
    assert all(re.fullmatch(r"[a-z][a-z0-9_]{3,}", name) for name in names)
    assert len(names) == len(set(names)), "a name is used twice"


@each_model
def test_every_cte_is_used(model: Model) -> None:
    used = {t.name for t in model.tree.find_all(exp.Table) if not t.db}
    assert not {cte.alias for cte in model.tree.find_all(exp.CTE)} - used


RACE_OR_ETHNICITY = re.compile("(?<![a-z])race|ethnic")
"""In a name; `grace_days` is none."""


@every_model
def test_no_model_knows_race_or_ethnicity(model: Model) -> None:
    """Of a mapped delivery they reach `raw.eligibility` and no further: no fact, gap, score or list rests on them."""
    trees = model.trees.values() if isinstance(model, Computed) else [model.tree]
    if model.name != "cms_rif.eligibility":
        names = {name.name.lower() for tree in trees for name in tree.find_all(exp.Column, exp.Identifier, exp.Alias)}
        assert not {name for name in names if RACE_OR_ETHNICITY.search(name)}


def test_race_and_ethnicity_are_columns_of_eligibility_alone() -> None:
    holders = {
        (contract.id, p.name)
        for contract in CONTRACTED
        for p in contract.properties
        if RACE_OR_ETHNICITY.search(p.name)
    }
    assert holders == {("raw.eligibility", "race"), ("raw.eligibility", "ethnicity")}


def test_the_page_on_fairness_alone_reads_race_and_ethnicity() -> None:
    readers = {
        path.relative_to(ROOT).as_posix()
        for path in PYTHON
        if re.search(r"\b(race|ethnicity)\b", path.read_text(encoding="utf-8"), re.IGNORECASE)
    }
    assert readers - {"sample_data/members.py"} == {"assets/engine/report/fairness.py"}


def slow_outer_joins(tree: exp.Expression) -> list[str]:
    """Conditions of outer joins that DuckDB cannot hash: it then compares every row with every row, keys and all.

    A condition of the left side alone belongs into the key: `case when wanted then left_key end = right_key`.
    """

    def is_mixed(side: exp.Expression, joined: str) -> bool:
        tables = {column.table for column in side.find_all(exp.Column)}
        return joined in tables and len(tables) > 1

    found = []
    for join in tree.find_all(exp.Join):
        if join.side not in {"LEFT", "RIGHT", "FULL"} or (on := join.args.get("on")) is None:
            continue
        joined = join.this.alias_or_name
        conjuncts = list(on.unnest().flatten()) if isinstance(on.unnest(), exp.And) else [on]
        keyed = any(
            isinstance(part, exp.EQ) and len({c.table for c in part.find_all(exp.Column)}) > 1 for part in conjuncts
        )
        for part in conjuncts if keyed else ():
            tables = {column.table for column in part.find_all(exp.Column)}
            comparison = isinstance(part, (exp.EQ, exp.NullSafeEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between))
            sides = [side for side in part.args.values() if isinstance(side, exp.Expression)]
            if joined not in tables or (
                len(tables) > 1 and not (comparison and not any(is_mixed(side, joined) for side in sides))
            ):
                found.append(f"left join {joined}: {part.sql()}")
    return found


@each_model
def test_outer_joins_are_by_keys(model: Model) -> None:
    assert slow_outer_joins(model.tree) == []


@pytest.mark.parametrize(
    ("condition", "is_slow"),
    [
        ("a.k = b.k", False),
        ("a.k = b.k and b.kind = 'x'", False),
        ("a.k = b.k and a.day between b.first_day and b.last_day", False),
        ("case when a.wanted then a.k end = b.k", False),
        ("a.k = b.k and a.wanted", True),
        ("a.k = b.k and (b.kind is null or b.kind = a.kind)", True),
        ("a.k = b.k and a.kind = coalesce(b.kind, a.kind)", True),
    ],
)
def test_guard_of_outer_joins(condition: str, *, is_slow: bool) -> None:
    assert bool(slow_outer_joins(sqlglot.parse_one(f"select a.k from a left join b on {condition}"))) is is_slow


def spark_problems(tree: exp.Expression) -> list[str]:
    """What a query says that Spark could not, or would answer otherwise; sqlglot lets these through."""
    functions = {type(f).__name__.lower(): f for f in tree.find_all(exp.Func)}
    aggregates = [f for f in tree.find_all(exp.AggFunc)]
    return [
        *(f"unknown function {f.name}()" for f in tree.find_all(exp.Anonymous)),
        *(f"{j.method} join" for j in tree.find_all(exp.Join) if j.method in {"ASOF", "POSITIONAL"}),
        *("order by inside an aggregate" for o in tree.find_all(exp.Order) if isinstance(o.parent, exp.AggFunc)),
        *("order by inside an aggregate" for w in tree.find_all(exp.WithinGroup)),
        *(
            f"date_diff by {unit}"
            for d in tree.find_all(exp.DateDiff, exp.TimestampDiff)
            if (unit := (d.text("unit") or "day").lower()) in {"month", "year", "quarter", "week"}
        ),
        *(
            f"extract {unit}"
            for e in tree.find_all(exp.Extract)
            if (unit := e.this.name.lower()) in {"dow", "dayofweek", "isodow", "week"}
        ),
        *(
            "interval months without a cast to date"
            for i in tree.find_all(exp.Interval)
            if (i.text("unit") or "").lower().rstrip("s") in {"month", "year"}
            and not i.find_ancestor(exp.Cast, exp.TryCast)
        ),
        *("arg_max or arg_min with n" for a in tree.find_all(exp.ArgMax, exp.ArgMin) if a.args.get("count")),
        *("hash()" for name in functions if name in {"hash", "farmhash", "farmfingerprint"}),
        *(
            "quantile"
            for a in aggregates
            if isinstance(a, (exp.Quantile, exp.PercentileCont, exp.PercentileDisc, exp.Median))
        ),
        *("list()" for a in aggregates if isinstance(a, exp.ArrayAgg)),
        *("group by all" for g in tree.find_all(exp.Group) if g.args.get("all")),
        *("lambda" for _ in tree.find_all(exp.Lambda)),
        *("random or clock" for _ in tree.find_all(exp.Rand, exp.CurrentDate, exp.CurrentTimestamp, exp.Uuid)),
        *("sample" for _ in tree.find_all(exp.TableSample)),
        *(
            f"recursion that is no union all: {cte.alias}"
            for cte in tree.find_all(exp.CTE)
            if cte.alias in {table.name for table in cte.find_all(exp.Table) if not table.db}
            and (not isinstance(cte.this, exp.Union) or cte.this.args.get("distinct"))
        ),
    ]


def typed(model: Model) -> exp.Expression:
    """A model's query with the type of every expression that its inputs tell."""
    known: dict[str, dict[str, dict[str, str]]] = {}
    for schema, table in model.inputs:
        columns = {p.name: p.sql_type for p in contract_for(schema, table).properties}
        # What the door adds to every input table.
        door = {"source_file": "VARCHAR", "line_number": "BIGINT", "row_id": "BIGINT"} if schema == "raw" else {}
        known.setdefault(schema, {})[table] = {**door, **columns}
    return with_types(model.tree, known)


def with_types(tree: exp.Expression, known: dict[str, dict[str, dict[str, str]]]) -> exp.Expression:
    schema = MappingSchema(known, dialect="duckdb", normalize=False)
    tree = qualify(
        tree.copy(), schema=schema, dialect="duckdb", validate_qualify_columns=False, quote_identifiers=False
    )
    return annotate_types(tree, schema=schema, dialect="duckdb")


def spark_type_problems(tree: exp.Expression) -> list[str]:
    """What a query with types says of dates and whole numbers that Spark takes for something else.

    Days between two dates are an INTERVAL there, and a whole quotient a BIGINT, which no date can be moved by: both are
    cast to an integer at once.
    """

    def is_date(side: exp.Expression) -> bool:
        return side.unnest().is_type("date")

    def is_cast(node: exp.Expression) -> bool:
        parent = node.parent
        while isinstance(parent, exp.Paren):
            parent = parent.parent
        return isinstance(parent, exp.Cast)

    return [
        *(
            f"days between two dates without a cast: {sub.sql()}"
            for sub in tree.find_all(exp.Sub)
            if is_date(sub.this) and is_date(sub.expression) and not is_cast(sub)
        ),
        *(
            f"a whole quotient without a cast: {quotient.sql()}"
            for quotient in tree.find_all(exp.IntDiv)
            if not is_cast(quotient) and not isinstance(quotient.parent, exp.Predicate)
        ),
    ]


SAYS_WHAT_SPARK_CANNOT: dict[str, str] = {}


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(m, marks=pytest.mark.xfail(strict=True, reason=why))
        if (why := SAYS_WHAT_SPARK_CANNOT.get(m.name))
        else m
        for m in MODELS
    ],
    ids=lambda m: m.name,
)
def test_spark_could_say_it(model: Model) -> None:
    assert spark_problems(model.tree) == []
    if model.key[0] in LAYERS:
        assert spark_type_problems(typed(model)) == []


@each_model
def test_text_stays_within_house_plainness(model: Model) -> None:
    code = re.sub(r"--[^\n]*", "", model.sql)
    code = re.sub(r"'[^']*'", "''", code)
    refused = re.findall(
        r"\b(?:list_\w+|to_days|arg_max|arg_min|quantile\w*|now|today|random|hash|haversine|st_\w+)\s*\(", code
    )
    assert refused == []
    # Keywords and names are lower case.
    assert not re.findall(r"\b[A-Z]{2,}\b", code)
    assert "\t" not in code


@each_model
def test_spark_text_can_be_written_and_read_again(model: Model) -> None:
    [query] = sqlglot.parse(model.to("spark"), read="spark")
    # Parameters become Spark's named markers.
    assert {str(p.this) for p in query.find_all(exp.Placeholder)} == model.params


@each_computed
def test_computed_model_is_handed_plain_selects(model: Computed) -> None:
    assert model.kind == "python"
    for name, tree in model.trees.items():
        assert isinstance(tree, exp.Select)
        assert len(list(tree.find_all(exp.Table))) == 1, name
        assert not list(tree.find_all(exp.Star)), name
        assert tree.args.get("order"), f"{name}: the order of rows decides nothing that it does not say"
        assert spark_problems(tree) == []
    assert sqlglot.parse(model.to("spark"), read="spark")
    assert not model.path.exists(), "the name is a function's, not a file's"


# Queries that the guard must refuse, so that a change of sqlglot does not blunt it.
REFUSED = {
    "unknown function": "select haversine(1, 2) as a from core.fill",
    "asof join": "select a.x from core.a asof join core.b on a.t >= b.t",
    "positional join": "select a.x from core.a positional join core.b",
    "ordered list": "select list(x order by y) as a from core.fill",
    "ordered text": "select string_agg(x, ';' order by y) as a from core.fill",
    "list": "select list(x) as a from core.fill",
    "months": "select date_diff('month', a, b) as m from core.fill",
    "years": "select date_diff('year', a, b) as m from core.fill",
    "weekday": "select extract(dow from a) as m from core.fill",
    "month interval": "select a + interval 1 month as m from core.fill",
    "quantile": "select quantile_cont(x, 0.5) as m from core.fill",
    "median": "select median(x) as m from core.fill",
    "group by all": "select a, count(*) as n from core.fill group by all",
    "clock": "select current_date as d from core.fill",
    "chance": "select random() as d from core.fill",
    "recursion of distinct rows": "with recursive r as (select 1 as n union select n from r) select n from r",
    "lambda": "select list_transform(a, lambda x: x + 1) as m from core.fill",
}
ALLOWED = {
    "days": "select date_diff('day', a, b) as d from core.fill",
    "year of a date": "select extract(year from a) as y from core.fill",
    "cast months": "select cast(a + interval 1 month as date) as m from core.fill",
    "running maximum": "select max(x) over (partition by a order by b rows unbounded preceding) as m from core.fill",
    "filter": "select count(*) filter (where x > 1) as n from core.fill",
}


@pytest.mark.parametrize("query", REFUSED.values(), ids=REFUSED)
def test_guard_refuses(query: str) -> None:
    assert spark_problems(sqlglot.parse_one(query, read="duckdb"))


@pytest.mark.parametrize("query", ALLOWED.values(), ids=ALLOWED)
def test_guard_allows(query: str) -> None:
    assert spark_problems(sqlglot.parse_one(query, read="duckdb")) == []


DATED = {"core": {"fill": {"a": "DATE", "b": "DATE", "n": "INTEGER"}}}
REFUSED_BY_TYPE = {
    "days": "select a - b as d from core.fill",
    "days and one": "select cast(a - b + 1 as integer) as d from core.fill",
    "days compared": "select n as m from core.fill where a - b > 30",
    "days by another name": "with days as (select max(a) as c, b from core.fill group by b) select c - b as d from days",
    "half": "select a + n // 2 as d from core.fill",
}
ALLOWED_BY_TYPE = {
    "cast days": "select cast(a - b as integer) + 1 as d from core.fill",
    "earlier": "select a - 30 as d from core.fill",
    "cast half": "select a + cast(n // 2 as integer) as d from core.fill",
    "half compared": "select n as m from core.fill where n = (n + 1) // 2",
}


@pytest.mark.parametrize("query", REFUSED_BY_TYPE.values(), ids=REFUSED_BY_TYPE)
def test_guard_of_types_refuses(query: str) -> None:
    assert spark_type_problems(with_types(sqlglot.parse_one(query, read="duckdb"), DATED))


@pytest.mark.parametrize("query", ALLOWED_BY_TYPE.values(), ids=ALLOWED_BY_TYPE)
def test_guard_of_types_allows(query: str) -> None:
    assert spark_type_problems(with_types(sqlglot.parse_one(query, read="duckdb"), DATED)) == []


@every_model
def test_parameters_are_settings_or_the_as_of_date(model: Model) -> None:
    assert not model.params - {"as_of", *read_settings().params()}
    # The text of a view outlives the night that gave its parameters.
    assert not model.params or contract_for(*model.key).table.physical_type == "table"


@every_model
def test_inputs_exist_and_lie_in_the_same_layer_or_before(model: Model) -> None:
    layer = model.key[0]
    if layer not in LAYERS:
        layout = read_layout(layer)
        assert {schema for schema, _ in model.inputs} == {layer}
        assert {table for _, table in model.inputs} <= set(layout.sources)
        return
    for schema, table in model.inputs:
        assert contract_for(schema, table)
        assert LAYERS.index(schema) <= LAYERS.index(layer), f"{schema}.{table} comes later"
    if layer == "gaps":
        assert not {s for s, _ in model.inputs} & {"gaps", "outreach"}


def test_nothing_lists_families_by_hand() -> None:
    for model in FILES:
        readers = {table for schema, table in model.inputs if schema == "gaps"}
        assert not readers or model.key[0] == "gaps", model.name


def test_every_setting_that_sql_may_use_is_used() -> None:
    used = set().union(*(m.params for m in all_models()))
    # `small_cell` is the report's.
    assert set(read_settings().params()) - used <= {"small_cell"}


# Contracts ------------------------------------------------------------------------------------------------------------


@each_contract
def test_contract_says_the_grain_first(contract: Contract) -> None:
    assert contract.table.description.startswith("One row per ")
    assert re.fullmatch(r"\d+\.\d+\.\d+", contract.version)


@each_contract
def test_contract_columns_are_told_once_and_well(contract: Contract) -> None:
    assert len(set(contract.columns)) == len(contract.columns)
    for p in contract.properties:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", p.name)
        assert p.description.endswith("."), p.name
        assert len(p.examples) == 1, p.name
        if p.logical_type == "boolean" and contract.key[0] != "raw":
            assert p.name.startswith(("is_", "has_")), p.name
        if p.name.endswith("_date"):
            assert p.logical_type == "date", p.name


@each_contract
def test_contract_examples_keep_the_contract(contract: Contract) -> None:
    for p in contract.properties:
        value = p.examples[0]
        if value is None:
            assert not p.required, p.name
            continue
        if p.enum:
            assert value in p.enum, p.name
        if p.options.pattern:
            assert re.fullmatch(p.options.pattern, str(value)), p.name


# What identifies a person: must carry `classification: restricted` wherever it appears.
OF_A_PERSON = {
    "person_id", "member_id", "subscriber_id", "first_name", "last_name", "birth_date", "death_date", "address", "phone",
    "email", "rx_number", "evidence", "reason",
}  # fmt: skip
# The pharmacy's or an organisation's own, or a rule's name.
NOT_OF_A_PERSON = {
    ("pharmacy", "phone"), ("pharmacy", "address"), ("community_service", "phone"), ("measure_exclusion", "reason"),
    ("medical_claim_removed", "reason"), ("pharmacy_claim_removed", "reason"), ("set_apart", "reason"),
    ("exclusion", "reason"), ("recall", "reason"), ("prenatal_rule", "reason"), ("transition_rule", "reason"),
    ("monitoring_rule", "reason"), ("refill_phase", "reason"), ("management_year", "reason"), ("drug_interaction", "reason"),
}  # fmt: skip


NOT_YET_RESTRICTED: dict[str, str] = {}


@pytest.mark.parametrize(
    "contract",
    [
        pytest.param(c, marks=pytest.mark.xfail(strict=True, reason=why))
        if (why := NOT_YET_RESTRICTED.get(c.id))
        else c
        for c in CONTRACTED
    ],
    ids=lambda c: c.id,
)
def test_columns_of_a_person_are_restricted(contract: Contract) -> None:
    for p in contract.properties:
        if p.name in OF_A_PERSON and (contract.key[1], p.name) not in NOT_OF_A_PERSON:
            assert p.classification == "restricted", p.name


# An example that describes a person is plainly made up: short, a placeholder, or a sentence without digits.
# The numbers 555-0100 to 555-0199 are kept for fiction; a ZIP code alone is a place.
MADE_UP = re.compile(r"[A-Z]{1,3}\d{0,4}|\{.*\}|[^\d]*|\d{3}55501\d{2}|\d{5}")


@each_contract
def test_examples_of_restricted_columns_describe_nobody(contract: Contract) -> None:
    for p in contract.properties:
        if p.classification != "restricted" or p.examples[0] is None or p.logical_type != "string":
            continue
        assert MADE_UP.fullmatch(str(p.examples[0])), f"{p.name}: {p.examples[0]!r}"


@each_contract
def test_restricted_tables_are_not_published(contract: Contract) -> None:
    assert not (contract.table.published and contract.table.restricted)


def test_published_tables_have_names_of_their_own() -> None:
    for kind in ("published", "restricted"):
        names = [c.key[1] for c in CONTRACTED if getattr(c.table, kind)]
        assert len(names) == len(set(names)), kind


def test_pharmacies_see_no_restricted_input_that_they_need_not() -> None:
    public = {c.key[1] for c in CONTRACTED if c.table.published}
    assert not public & {"pregnancy", "suppression", "contact", "class_supply", "coverage_segment"}


# Registries -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", sorted(read_families()))
def test_family_has_its_query_its_contract_and_its_story(family: str) -> None:
    assert (SQL / "gaps" / f"{family}.sql").is_file(), (
        f"{family} is registered but sql/gaps/{family}.sql does not exist"
    )
    contract = contract_for("gaps", family)
    missing = [c for c in FAMILY_COLUMNS if c not in contract.columns]
    assert missing == []
    assert list((ROOT / "tests" / "stories").glob(f"test_{family}*.py")), (
        f"{family} has no tests/stories/test_{family}*.py"
    )


def test_every_gap_query_belongs_to_a_registered_family() -> None:
    assert {p.stem for p in (SQL / "gaps").glob("*.sql")} == set(read_families())


def test_gap_codes_are_named_once_in_capitals() -> None:
    codes = [code for family in read_families().values() for code in family.codes]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]+", code) for code in codes)


def test_sensitive_codes_have_public_names() -> None:
    for family in read_families().values():
        for code, entry in family.codes.items():
            if entry.sensitive:
                assert entry.public_code, code
                assert entry.public_family, code


def test_families_need_tables_that_exist() -> None:
    inputs = {c.key[1] for c in all_contracts("raw") if c.table.source is None}
    for name, family in read_families().items():
        assert {*family.needs, *(table for code in family.codes.values() for table in code.needs)} <= inputs, name


def test_every_code_that_a_query_writes_is_registered() -> None:
    for family, entry in read_families().items():
        tree = Model(SQL / "gaps" / f"{family}.sql").tree
        written = {
            literal.this
            for case in tree.find_all(exp.Case)
            for literal in case.find_all(exp.Literal)
            if literal.is_string and re.fullmatch(r"[A-Z][A-Z0-9]+(_[A-Z0-9]+)+", literal.this)
        }
        assert written <= set(entry.codes), family


def test_value_sets_are_registered_and_sourced() -> None:
    files = {p.stem for p in (CONTRACTS / "value_sets").glob("*.csv")}
    assert files == set(read_value_sets())
    for name in files:
        with (CONTRACTS / "value_sets" / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
            table = list(csv.DictReader(lines))
        assert table, name
        assert all(row["code"] and row["system"] and row["source"] for row in table), name
        told = [tuple(value for key, value in row.items() if key != "source") for row in table]
        assert len(told) == len(set(told)), f"{name}: a row twice"
        assert all(row["last_code"] == "" or row["last_code"] >= row["code"] for row in table), name


def test_measures_name_value_sets_that_exist() -> None:
    measures = read_measures()
    used = {m.value_set for m in measures.measures.values()}
    used |= {e.value_set for m in measures.measures.values() for e in m.exclusions}
    assert used <= set(read_value_sets())
    assert sorted(measures.years) == list(range(2018, 2028))


# The command line and the documents -----------------------------------------------------------------------------------


def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.skipif(not readme().strip(), reason="README.md is not written yet")
@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_command_is_in_the_readme(command: str) -> None:
    assert f"caregaps {command}" in readme()


@pytest.mark.parametrize(
    "command",
    [
        "run", "explain", "status", "sample", "sql", "reference", "compare",
    ],
)  # fmt: skip
def test_command_of_the_interface_exists_and_has_help(command: str) -> None:
    [commands] = [a for a in parser()._actions if isinstance(a, argparse._SubParsersAction)]
    assert set(commands.choices) == set(COMMANDS)
    options = commands.choices[command]
    assert all(action.help for action in options._actions)
    assert command in {choice.dest for choice in commands._choices_actions if choice.help}


def test_run_has_the_options_of_the_interface() -> None:
    [commands] = [a for a in parser()._actions if isinstance(a, argparse._SubParsersAction)]
    options = set(commands.choices["run"]._option_string_actions)
    assert options >= {
        "--input", "--output", "--as-of", "--layout", "--reference", "--warehouse", "--engine", "--config", "--fresh",
    }  # fmt: skip


@pytest.mark.skipif(not (ROOT / "CHANGELOG.md").exists(), reason="CHANGELOG.md is not written yet")
def test_changelog_has_a_section_for_what_comes_next() -> None:
    headings = re.findall(r"^## .+$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings
    assert re.match(r"## \[?(Unreleased|v?\d+\.\d+\.\d+)", headings[0])


def test_the_page_on_testing_lists_every_rule_that_is_broken_on_purpose() -> None:
    page = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    table = page.partition("### What is broken on purpose")[2]
    assert [line for line in table.splitlines() if line.startswith("| `")] == listed(read_mutations()), (
        "`python -m tests.mutate --list` prints the table"
    )


# Python ---------------------------------------------------------------------------------------------------------------


def imports_of(path: Path) -> set[str]:
    """Dotted names of the modules that a file imports, wherever in the file."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def reaches(names: set[str], package: str) -> set[str]:
    return {name for name in names if name == package or name.startswith(f"{package}.")}


@pytest.mark.parametrize("path", PYTHON, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_imports_go_one_way(path: Path) -> None:
    names, place = imports_of(path), path.relative_to(ROOT).as_posix()
    if place.startswith("assets/engine/"):
        outside = {n for n in reaches(names, "assets") if not (n == "assets.engine" or n.startswith("assets.engine."))}
        outside -= {"assets"}
        assert not outside | reaches(names, "pipelines") | reaches(names, "dagster")
    if place.startswith("assets/"):
        assert not reaches(names, "pipelines")
    if place.startswith("sample_data/"):
        assert not reaches(names, "assets") | reaches(names, "pipelines") | reaches(names, "dagster")
    assert not reaches(names, "tests")


@pytest.mark.parametrize("path", PYTHON, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_python_file_is_short_and_says_what_it_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    assert ast.get_docstring(ast.parse(text)), "a module says in a sentence what it is for"


def test_one_home_for_each_fact() -> None:
    assert not [p for p in ROOT.glob("*") if p.name in {"utils", "common", "helpers", "lib"}]
    names = {p.stem for p in PYTHON}
    assert not names & {"utils", "util", "common", "helpers", "helper", "misc"}


def test_suffixes_of_input_are_those_of_the_interface() -> None:
    assert set(SUFFIXES) == {".parquet", ".csv", ".csv.gz"}
    assert families_module.EveryGap().key == ("outreach", "every_gap")


def test_layouts_are_those_of_the_interface() -> None:
    assert {p.stem for p in (CONTRACTS / "layouts").glob("*.yaml")} == {"cms_rif"}
    for path in (CONTRACTS / "layouts").glob("*.yaml"):
        assert yaml.safe_load(path.read_text(encoding="utf-8"))["sources"]
