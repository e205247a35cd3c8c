"""Made-up core tables of any size, integer-keyed and sorted by member, drawn inside DuckDB.

Every draw is a hash of the seed, the member and a word: the same seed gives the same tables, and the members of a small
draw are the first members of a large one.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

import duckdb

from assets.engine.contract import all_contracts
from assets.engine.families import all_models
from assets.engine.model import Model
from assets.engine.registry import load_registry
from assets.engine.warehouse import SCHEMAS, build

AS_OF = "2025-12-31"  # the last day of a year in which stays are taken out: every rule has work to do
FIRST_DAY = "date '2024-01-01'"
DAYS = 731
BATCH = 200_000  # members drawn at a time, so that the draw needs little memory

# Members in a thousand who take a product of the value set. The second row for diabetes is add-on therapy; those who
# take antiretrovirals take three.
THERAPIES = (
    ("statins", 200),
    ("ras_antagonists", 180),
    ("diabetes_drugs", 110),
    ("diabetes_drugs", 40),
    ("insulins", 25),
    ("sacubitril_valsartan", 5),
    ("doacs", 40),
    ("long_acting_bronchodilators", 45),
    ("ra_biologics", 8),
    ("ms_agents", 3),
    ("antiretrovirals", 5),
    ("antiretrovirals", 5),
    ("antiretrovirals", 5),
)
PACKAGES = 8  # NDCs of each ingredient or combination
OTHER_PRODUCTS = 500  # ingredients that no measure knows
INSULINS = ("insulin glargine", "insulin lispro", "insulin degludec")
COMBINATIONS = (
    ("glipizide;metformin", "tablet"),
    ("hydrochlorothiazide;lisinopril", "tablet"),
    ("hydrochlorothiazide;losartan", "tablet"),
    ("amlodipine;benazepril", "capsule"),
    ("ezetimibe;simvastatin", "tablet"),
    ("sacubitril;valsartan", "tablet"),
    ("umeclidinium;vilanterol", "inhaler"),
    ("emtricitabine;tenofovir alafenamide", "tablet"),
)

SHAPE = (
    "22 fills per member over two years, sorted by member and date; 31 % of them in the three CMS classes, 37 % in any "
    "registered class; 45 % of therapies are filled by 30 days, the rest by 90; half of them drift late, refills come up "
    "to six days early, 5 % are skipped; 3 % of diabetes fills hold two target ingredients; 8 % of members have a stay in "
    "the year, 8 % an enrolment that ends or has a hole; 42 medical lines and 42 diagnosis codes per member"
)


def model(name: str) -> Model:
    """The model of a table."""
    return next(m for m in all_models() if m.name == name)


class Draw:
    """One draw: the SQL of its hashes."""

    def __init__(self, con: duckdb.DuckDBPyConnection, members: int, seed: int) -> None:
        """Remember where, how many and which."""
        self.con, self.members, self.seed = con, members, seed

    def any(self, word: str, *keys: str) -> str:
        """A large number that depends on the seed, the word and the keys alone."""
        return f"hash({', '.join(keys)}, {zlib.crc32(word.encode()) + self.seed})"

    def below(self, bound: int | str, word: str, *keys: str) -> str:
        """A number from 0 to the bound, without it."""
        return f"cast({self.any(word, *keys)} % {bound} as integer)"

    def tables(self) -> None:
        """Fill `core` and the registries of an empty database."""
        self.con.execute("".join(f"create schema {schema};" for schema in SCHEMAS))
        for contract in all_contracts("raw"):
            if contract.table.source == "registry":
                load_registry(self.con, contract.key[1], None)
        # A column that nothing here draws is there and null, so that a model may begin to read it.
        for contract in all_contracts("core"):
            if contract.key[1] not in {"ingredient", "drug_ingredient"}:
                self.con.execute(f"create table {contract.id} ({contract.ddl()})")
        self._products()
        self._members()
        for first in range(1, self.members + 1, BATCH):
            some = f"member_key between {first} and {first + BATCH - 1}"
            self._fills(some)
            self._medical(some)
        self.con.execute("checkpoint")

    def _insert(self, table: str, query: str) -> None:
        self.con.execute(f"insert into {table} by name {query}")

    def _products(self) -> None:
        combinations = ", ".join(f"('{names}', '{form}')" for names, form in COMBINATIONS)
        insulins = ", ".join(f"('{name}', 'pen injector')" for name in INSULINS)
        self._insert(
            "core.drug",
            f"""
            with products (ingredients, dose_form) as (
                select distinct code, coalesce(form, 'tablet') from raw.value_set
                where code_system = 'ingredient' and last_code is null and code not in ('sacubitril', 'human insulin')
                union select * from (values {combinations}, {insulins})
                union select 'other ' || number, 'tablet' from {numbers(1, OTHER_PRODUCTS)}
            )
            select
                cast(row_number() over (order by ingredients, dose_form, number) as integer) as drug_key,
                printf('%011d', row_number() over (order by ingredients, dose_form, number)) as ndc_code,
                ingredients, dose_form, false as is_prenatal_vitamin
            from products, {numbers(1, PACKAGES)}
            order by drug_key
            """,
        )
        for name in ("core.ingredient", "core.drug_ingredient", "facts.drug_group"):
            build(self.con, model(name), {"as_of": AS_OF})
        therapies = ", ".join(f"({key}, '{name}', {share})" for key, (name, share) in enumerate(THERAPIES))
        self.con.execute(
            f"""
            create temp table therapy as
            select * from (values {therapies}) as therapies (therapy_key, value_set, share)
            inner join (
                select value_set, list(drug_key order by drug_key) as drug_keys
                from (select distinct value_set, drug_key from facts.drug_group) group by value_set
            ) using (value_set)
            """
        )

    def _members(self) -> None:
        key = "member_key"
        self._insert(
            "core.member",
            f"""
            select number as member_key, date '1935-01-01' + {self.below(25_000, "born", "number")} as birth_date
            from {numbers(1, self.members)} order by member_key
            """,
        )
        self._insert(
            "core.enrollment",
            f"""
            with draws as (
                select member_key, {self.below(1000, "enrolled", key)} as draw,
                    {FIRST_DAY} + {self.below(DAYS, "hole", key)} as hole_date
                from core.member
            )
            select member_key, {FIRST_DAY} - 365 as enrollment_start_date,
                case when draw < 80 then hole_date else date '2199-12-31' end as enrollment_end_date
            from draws
            union all
            select member_key, hole_date + 40, date '2199-12-31' from draws where draw < 30
            order by member_key, enrollment_start_date
            """,
        )
        self._insert(
            "core.stay",
            f"""
            with stays as (
                select member_key, {self.below(15, "nights", key, "number")} as nights,
                    {FIRST_DAY} + number * 366 + {self.below(300, "admitted", key, "number")} as admission_date
                from core.member, {numbers(0, 1)} where {self.below(1000, "in hospital", key, "number")} < 80
            )
            select member_key, admission_date, admission_date + nights as discharge_date
            from stays order by member_key, admission_date
            """,
        )
        self._insert(
            "core.coverage_status",
            f"""
            with draws as (select member_key, {self.below(1000, "status", key)} as draw from core.member)
            select member_key, case when draw < 8 then 'hospice' else 'esrd' end as status,
                date '2025-03-01' as status_start_date, date '2199-12-31' as status_end_date
            from draws where draw < 14 order by member_key
            """,
        )

    def _fills(self, some: str) -> None:
        therapy, fill = ("member_key", "therapy_key"), ("member_key", "therapy_key", "number")
        self._insert(
            "core.fill",
            f"""
            with therapies as (
                select
                    member_key,
                    therapy_key,
                    drug_keys[1 + {self.below("len(drug_keys)", "product", *therapy)}] as drug_key,
                    case when {self.below(1000, "size", *therapy)} < 450 then 30 else 90 end as days_supply,
                    case when {self.below(1000, "new", *therapy)} < 250 then {self.below(DAYS, "start", *therapy)}
                        else {self.below(60, "start", *therapy)} end as start_day,
                    greatest({self.below(6, "drift", *therapy)} - 2, 0) as drift
                from core.member
                -- All antiretrovirals of a member are drawn together.
                inner join therapy on case value_set when 'antiretrovirals' then {self.below(1000, "arv", "member_key")}
                    else {self.below(1000, "takes", *therapy)} end < share
                where {some}
            ),
            fills as (
                select
                    member_key,
                    drug_key,
                    {FIRST_DAY} + greatest(start_day + number * (days_supply + drift)
                        + {self.below(13, "day", *fill)} - 6, 0) as fill_date,
                    case when {self.below(1000, "unusable", *fill)} >= 5 then days_supply end as days_supply
                from therapies, {numbers(0, 24)}
                where start_day + number * (days_supply + drift) < {DAYS - 7}
                    and {self.below(1000, "skipped", *fill)} >= 50
                union all
                select
                    member_key,
                    other_keys[1 + {self.below("len(other_keys)", "other", "member_key", "number")}],
                    {FIRST_DAY} + {self.below(DAYS, "other day", "member_key", "number")},
                    case when {self.below(10, "other size", "member_key", "number")} < 7 then 30 else 10 end
                from core.member, {numbers(1, 28)},
                    (select list(drug_key order by drug_key) as other_keys from core.drug where ingredients like 'other %')
                where {some} and number <= {self.below(29, "others", "member_key")}
            )
            select
                cast((select count(*) from core.fill)
                    + row_number() over (order by member_key, fill_date, hash(drug_key, days_supply)) as integer) as fill_key,
                member_key, fill_date, drug_key, days_supply,
                {self.below(1000, "compound", "member_key", "fill_date")} < 1 as is_compound
            from fills order by fill_key
            """,
        )

    def _medical(self, some: str) -> None:
        day = f"{FIRST_DAY} + {self.below(DAYS, 'visit', 'member_key', 'number // 3')}"
        self._insert(
            "core.medical_line",
            f"""
            with draws as (
                select member_key, {day} as service_date, {self.any("line", "member_key", "number")} as draw
                from core.member, {numbers(1, 42)} where {some}
            )
            select
                member_key, service_date, draw % 100 >= 5 as is_paid,
                case when draw % 100 < 30 then case (draw // 100) % 200 when 0 then '811' else ['111', '131', '131', '851'][1 + cast((draw // 100) % 4 as integer)] end end as bill_type_code,
                case when draw % 100 < 30 then printf('%04d', 100 + (draw // 100) % 540 + 260 * ((draw // 54000) % 2)) end as revenue_center_code,
                case when draw % 100 >= 30 then case (draw // 100) % 20000 when 0 then 'Q5001' else 'J' || (1000 + (draw // 100) % 900) end end as hcpcs_code
            from draws order by member_key, service_date, draw
            """,
        )
        self._insert(
            "core.diagnosis",
            f"""
            with draws as (
                select member_key, {day} as diagnosis_date, {self.any("code", "member_key", "number")} as draw,
                    {self.below(1000, "chronic", "member_key")} as chronic
                from core.member, {numbers(1, 42)} where {some}
            )
            select
                member_key, diagnosis_date, 'icd-10-cm' as code_system,
                case
                    when draw % 20000 = 0 then 'N186' when chronic < 60 and draw % 8 = 0 then 'J449'
                    when chronic > 990 and draw % 8 = 0 then 'M0579' else 'E' || (1000 + draw % 4000)
                end as code,
                (draw // 20000) % 100 >= 5 as is_paid
            from draws order by member_key, diagnosis_date, draw
            """,
        )


def numbers(first: int, last: int) -> str:
    """SQL of a table `numbers` of integers, both ends included; dates take no BIGINT."""
    return f"(select cast(number as integer) as number from generate_series({first}, {last}) as series (number)) as numbers"


def step(con: duckdb.DuckDBPyConnection) -> list[Model]:
    """The models that turn `core` into `facts.adherence`, in building order."""
    models = {m.name: m for m in all_models()}
    built = {f"{schema}.{table}" for schema, table in con.execute(
        "select table_schema, table_name from information_schema.tables where table_schema in ('raw', 'core')"
    ).fetchall()}  # fmt: skip
    wanted = needed("facts.adherence", models, built)
    return [m for m in all_models() if m.name in wanted]


def needed(name: str, models: dict[str, Model], built: Iterable[str]) -> set[str]:
    """The table and all that it is built from, except what is built."""
    found, stack, built = set(), [name], set(built)
    while stack:
        table = stack.pop()
        if table not in found and table not in built:
            found.add(table)
            stack += [".".join(key) for key in models[table].inputs]
    return found
