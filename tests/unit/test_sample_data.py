"""The sample generator: same arguments, same bytes; plausible files; and what was planted is there."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

from sample_data import LAST_DATE
from sample_data import generate as module_of_generate
from sample_data.areas import read_areas, state_of_zip
from sample_data.calendar import FIRST, LAST, NONE
from sample_data.claim_frame import KINDS
from sample_data.draw import Draw
from sample_data.generate import generate
from sample_data.maternity import maternity
from sample_data.maternity_care import pregnancy_care, strays
from sample_data.maternity_truth import maternity_truth
from sample_data.members import make_members
from sample_data.pregnancies import FATES, LIVE_BIRTH, LOSSES, MIXED, OUTCOMES, TERM, make_pregnancies
from sample_data.stories import read_stories

MEMBERS = 3000
TABLES = ["eligibility", "pharmacy_claim", "medical_claim", "pharmacy", "provider", "drug", "zcta", "community_service"]
SMALL = ["member_preference", "discharge_notice", "truth"]
NAMED_STATES = {"NC", "NE", "NJ", "NM", "NY", "TX", "LA"}
YEAR_START = date(2026, 1, 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("sample")
    generate(MEMBERS, 7, output)
    return output


@pytest.fixture(scope="module")
def sample(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        for table in TABLES:
            connection.execute(f"create view {table} as select * from '{folder / table}.parquet'")
        for table in SMALL:
            connection.execute(
                f"create view {table} as select * from read_csv('{folder / table}.csv', all_varchar = true)"
            )
        yield connection


def values(sample: duckdb.DuckDBPyConnection, query: str) -> list[tuple]:
    return sample.sql(query).fetchall()


def number(sample: duckdb.DuckDBPyConnection, query: str) -> float:
    return values(sample, query)[0][0]


def pregnancies_of(first: int, last: int) -> tuple[int, pl.DataFrame, pl.DataFrame]:
    """Women of 18 to 44 outside Medicare, episodes and their claims, of members of these numbers."""
    draw = Draw(7)
    people = make_members(np.arange(first, last + 1), read_areas(draw), read_stories(), draw)
    pregnancies = make_pregnancies(people, draw)
    claims = [make(people, pregnancies, draw) for make in (maternity, pregnancy_care, strays)]
    age = people.age(FIRST)
    women = int(((people.story < 0) & people.female & (age >= 18) & (age < 45) & (people.payer > 0)).sum())
    return women, pregnancies, pl.concat(claims).sort("n", "sequence")


def passes_check_digit(npi: str) -> bool:
    digits = [int(digit) for digit in "80840" + npi][::-1]
    return sum(sum(divmod(d * 2, 10)) if place % 2 else d for place, d in enumerate(digits)) % 10 == 0


def test_same_seed_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    generate(MEMBERS, 7, tmp_path)
    names = sorted(path.name for path in folder.iterdir())
    assert names == sorted([*(f"{t}.parquet" for t in TABLES), *(f"{t}.csv" for t in SMALL)])
    assert [name for name in names if (folder / name).read_bytes() != (tmp_path / name).read_bytes()] == []


def test_another_seed_gives_other_members(folder: Path, tmp_path: Path) -> None:
    generate(MEMBERS, 8, tmp_path)
    assert (folder / "eligibility.parquet").read_bytes() != (tmp_path / "eligibility.parquet").read_bytes()


def test_a_member_is_the_same_whatever_the_number_of_members(folder: Path, tmp_path: Path) -> None:
    generate(500, 7, tmp_path)
    few, many = (pl.read_parquet(where / "eligibility.parquet") for where in (tmp_path, folder))
    assert few.equals(many.head(len(few)))


def test_pregnancies_are_the_same_whatever_the_number_of_members() -> None:
    few, many = (pregnancies_of(1, last) for last in (4_000, 20_000))
    assert len(few[1]) > 10
    assert few[1].equals(many[1].filter(pl.col("n") <= 4_000))
    assert few[2].equals(many[2].filter(pl.col("n") <= 4_000))
    # A batch begins anywhere.
    tail = pregnancies_of(4_001, 20_000)
    assert tail[1].drop("member").equals(many[1].filter(pl.col("n") > 4_000).drop("member"))
    assert tail[2].equals(many[2].filter(pl.col("n") > 4_000))


def test_batches_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generate(250, 7, tmp_path / "one")
    monkeypatch.setattr(module_of_generate, "BATCH", 100)
    monkeypatch.setattr(module_of_generate, "ONE_FILE", 200)
    generate(250, 7, tmp_path / "parts")
    for table in ("eligibility", "pharmacy_claim", "medical_claim"):
        parts = sorted((tmp_path / "parts" / table).iterdir())
        assert [part.name for part in parts] == ["part-0000.parquet", "part-0001.parquet", "part-0002.parquet"]
        assert pl.concat([pl.read_parquet(part) for part in parts]).equals(
            pl.read_parquet(tmp_path / "one" / f"{table}.parquet")
        )
    for table in SMALL:
        assert (tmp_path / "parts" / f"{table}.csv").read_bytes() == (tmp_path / "one" / f"{table}.csv").read_bytes()


def test_one_member_is_enough_and_none_is_refused(tmp_path: Path) -> None:
    generate(1, 1, tmp_path)
    assert len(pl.read_parquet(tmp_path / "eligibility.parquet")) == 1
    with pytest.raises(ValueError, match="at least 1"):
        generate(0, 1, tmp_path)


def test_every_npi_passes_its_check_digit(sample: duckdb.DuckDBPyConnection) -> None:
    npis = [npi for (npi,) in values(sample, "select npi from pharmacy union all select npi from provider")]
    assert len(npis) == len(set(npis))
    assert [npi for npi in npis if not (len(npi) == 10 and npi.startswith("1999") and passes_check_digit(npi))] == []


def test_ndcs_have_eleven_digits_and_an_invented_labeler(sample: duckdb.DuckDBPyConnection) -> None:
    assert number(sample, "select count(*) from drug where not regexp_full_match(ndc_code, '9999[123][0-9]{6}')") == 0
    assert number(sample, "select count(*) - count(distinct ndc_code) from drug") == 0
    assert number(sample, "select count(*) from drug where is_prenatal_vitamin") == 3


def test_sites_lie_in_all_named_states_and_near_their_zcta(sample: duckdb.DuckDBPyConnection) -> None:
    for table in ("pharmacy", "provider", "eligibility", "zcta"):
        assert {state for (state,) in values(sample, f"select distinct state from {table}")} >= NAMED_STATES
    far = "abs(p.latitude - z.latitude) > 0.01 or abs(p.longitude - z.longitude) > 0.01 or p.state <> z.state"
    assert number(sample, f"select count(*) from pharmacy p join zcta z on z.zcta = p.zip_code where {far}") == 0
    zips = values(sample, "select distinct zcta, state from zcta")
    assert [zcta for zcta, state in zips if state_of_zip(zcta) != state] == []


@pytest.mark.parametrize(
    ("zip_code", "state"),
    [
        ("06390", "NY"),
        ("00501", "NY"),
        ("07001", "NJ"),
        ("79901", "TX"),
        ("88501", "TX"),
        ("88001", "NM"),
        ("02134", None),
    ],
)
def test_zip_prefixes_tell_the_state(zip_code: str, state: str | None) -> None:
    assert state_of_zip(zip_code) == state


def test_claims_refer_to_what_exists(sample: duckdb.DuckDBPyConnection) -> None:
    strays = {
        "select count(*) from pharmacy_claim anti join eligibility using (person_id) where person_id is not null": (
            "planted_unlinked"
        ),
        "select count(*) from pharmacy_claim where ndc_code not in (select ndc_code from drug)": "planted_unknown_ndc",
    }
    for query, fact in strays.items():
        assert number(sample, query) == number(sample, f"select count(*) from truth where fact = '{fact}'") > 0
    for query in (
        "select count(*) from pharmacy_claim where dispensing_provider_npi not in (select npi from pharmacy)",
        "select count(*) from pharmacy_claim where prescribing_provider_npi not in (select npi from provider)",
        "select count(*) from medical_claim where rendering_npi not in (select npi from provider)",
        "select count(*) from medical_claim where facility_npi not in (select npi from provider)",
        "select count(*) from medical_claim where person_id not in (select person_id from eligibility)",
        "select count(*) from truth where person_id not in (select person_id from eligibility)",
        "select count(*) from eligibility where zip_code not in (select zcta from zcta)",
    ):
        assert number(sample, query) == 0, query


def test_volumes_and_shares_are_realistic(sample: duckdb.DuckDBPyConnection) -> None:
    bounds = {
        f"select count(*) / {MEMBERS} from pharmacy_claim": (16, 26),
        f"select count(*) / {MEMBERS} from medical_claim": (32, 50),
        "select avg((payer_type = 'medicare')::int) from eligibility": (0.5, 0.7),
        "select avg((phone is not null)::int) from eligibility": (0.88, 0.97),
        "select avg((birth_date > date '2008-06-30')::int) from eligibility": (0.01, 0.08),
        "select avg((pharmacy_service_type = 'mail')::int) from pharmacy_claim": (0.01, 0.12),
        "select avg((days_supply = 90)::int) from pharmacy_claim": (0.15, 0.45),
        "select count(distinct person_id) / (select count(distinct person_id) from eligibility) from pharmacy_claim": (
            0.7,
            1,
        ),
        "select avg((diagnosis_code_1 like '%.%')::int) from medical_claim": (0.03, 0.12),
    }
    found = {query: (number(sample, query), limits) for query, limits in bounds.items()}
    assert {query: pair for query, pair in found.items() if not pair[1][0] <= pair[0] <= pair[1][1]} == {}


def test_three_in_four_treated_members_are_adherent(sample: duckdb.DuckDBPyConnection) -> None:
    """A rough PDC of statins in 2025: union of fills by window, no shifts."""
    rate = number(sample, """
        with fill as (
            select person_id, dispensing_date as d, max(days_supply) as n from pharmacy_claim join drug using (ndc_code)
            where product_class like 'statin%' and claim_status = 'paid' and days_supply between 1 and 365
            and year(dispensing_date) = 2025 group by all),
        follow as (
            select *, lead(d, 1, date '2026-01-01') over (partition by person_id order by d) as next_d from fill),
        pdc as (
            select sum(least(n, next_d - d)) / (date '2026-01-01' - min(d)) as pdc, count(*) as fills
            from follow group by person_id having fills > 1 and min(d) < date '2025-10-03')
        select avg((pdc >= 0.8)::int) from pdc""")  # fmt: skip
    assert 0.6 < rate < 0.85


def test_reversals_are_as_planted(sample: duckdb.DuckDBPyConnection) -> None:
    def planted(value: str, prefix: str) -> float:
        return number(sample, f"select count(*) from truth where fact = 'planted_reversal' and value = '{value}' "
                              f"and subject like '{prefix}%'")  # fmt: skip

    assert planted("version", "RX") == number(
        sample, "select count(*) from pharmacy_claim where claim_status = 'reversed'"
    )
    assert planted("negative", "RX") == number(sample, "select count(*) from pharmacy_claim where quantity < 0")
    assert planted("version", "MC") == number(
        sample, "select count(distinct claim_id) from medical_claim where claim_status = 'reversed'"
    )
    later = """select count(*) from pharmacy_claim a join pharmacy_claim b using (claim_id, claim_line_number)
        where b.claim_status = 'reversed' and a.claim_status = 'paid' and b.ingest_datetime > a.ingest_datetime"""
    assert planted("version", "RX") == number(sample, later)


def test_every_negative_row_has_one_original(sample: duckdb.DuckDBPyConnection) -> None:
    query = """select count(*) from pharmacy_claim n join pharmacy_claim p
        on (p.person_id, p.dispensing_provider_npi, p.ndc_code, p.dispensing_date, p.quantity, p.days_supply)
         = (n.person_id, n.dispensing_provider_npi, n.ndc_code, n.dispensing_date, -n.quantity, -n.days_supply)
        and p.rx_number = n.rx_number where n.quantity < 0 and p.claim_status = 'paid'"""
    assert number(sample, query) == number(sample, "select count(*) from pharmacy_claim where quantity < 0")


def test_duplicates_bills_and_faults_are_as_planted(sample: duckdb.DuckDBPyConnection) -> None:
    counts = {
        ("planted_duplicate", "exact", "RX"): "select (select count(*) from pharmacy_claim) "
        "- (select count(*) from (select distinct * from pharmacy_claim))",
        ("planted_duplicate", "other_claim", "RX"): "select count(*) from pharmacy_claim a join pharmacy_claim b "
        "using (person_id, rx_number, fill_number, dispensing_date, ndc_code) where a.claim_id || 'X' = b.claim_id "
        "and b.quantity > 0",
        ("planted_void", "8", "MC"): "select count(distinct claim_id) from medical_claim where bill_type_code = '138'",
        (
            "planted_denied",
            "then_paid",
            "RX",
        ): "select count(*) from pharmacy_claim where claim_id like '%D' and claim_status = 'denied'",
        (
            "planted_bad_row",
            "missing_dispensing_date",
            "RX",
        ): "select count(*) from pharmacy_claim where dispensing_date is null",
        ("planted_unusable_days_supply", "400", "RX"): "select count(*) from pharmacy_claim where days_supply = 400",
        ("planted_unusable_days_supply", "0", "RX"): "select count(*) from pharmacy_claim where days_supply = 0",
        (
            "planted_after_as_of",
            "pharmacy_claim",
            "RX",
        ): f"select count(*) from pharmacy_claim where dispensing_date > '{LAST_DATE}'",
    }
    for (fact, value, prefix), query in counts.items():
        planted = f"select count(*) from truth where fact = '{fact}' and value = '{value}' and subject like '{prefix}%'"
        assert number(sample, planted) == number(sample, query) > 0, (fact, value)


def test_fill_numbers_run_within_their_refills(sample: duckdb.DuckDBPyConnection) -> None:
    assert number(sample, "select count(*) from pharmacy_claim where fill_number > refills") == 0
    several = (
        "select count(*) from (select 1 from pharmacy_claim group by rx_number having count(distinct person_id) > 2)"
    )
    assert number(sample, several) == 0


def test_stays_have_their_dates_and_chains_end(sample: duckdb.DuckDBPyConnection) -> None:
    planted = values(sample, "select subject, value from truth where fact = 'planted_stay'")
    found = dict(
        values(
            sample, "select claim_id, any_value(admission_date || '/' || discharge_date) from medical_claim group by 1"
        )
    )
    assert planted
    assert [claim for claim, stay in planted if found[claim] != stay] == []
    chain = "select count(distinct claim_id) from medical_claim where bill_type_code = "
    assert number(sample, f"{chain} '112'") == number(sample, f"{chain} '113'") == number(sample, f"{chain} '114'") > 0
    assert (
        number(
            sample,
            "select count(*) from medical_claim where discharge_disposition_code = '30' and bill_type_code = '113'",
        )
        > 0
    )


def test_deaths_and_gaps_are_in_eligibility(sample: duckdb.DuckDBPyConnection) -> None:
    dead = "select count(distinct person_id) from eligibility where death_date is not null"
    assert number(sample, dead) == number(sample, "select count(*) from truth where fact = 'planted_death'") > 0
    hole = """select count(*) from (select enrollment_start_date - 1 - lag(enrollment_end_date)
        over (partition by person_id order by enrollment_start_date) as days from eligibility
        where enrollment_start_date is not null) where days > 0"""
    assert (
        number(sample, hole) == number(sample, "select count(*) from truth where fact = 'planted_enrollment_gap'") > 0
    )


def test_every_story_is_told(sample: duckdb.DuckDBPyConnection) -> None:
    told = {story for (story,) in values(sample, "select distinct subject from truth where fact = 'story'")}
    assert told == set(read_stories().who["story"])


def covered_days(fills: list[tuple[date, int, str]], targets: set[str], last: date) -> tuple[int, int]:
    """Treatment and covered days of a class in 2026, day by day (domain/adherence.md 9, variant C)."""
    ends: dict[str, date] = {}
    covered: set[date] = set()
    first = None
    for day, supply, ingredients in fills:
        wanted = targets & set(ingredients.split(";"))
        if wanted and YEAR_START <= day <= last:
            first = first or day
            start = max([day, *(ends[i] + timedelta(1) for i in wanted if i in ends)])
            ends |= dict.fromkeys(wanted, start + timedelta(supply - 1))
            covered |= {start + timedelta(i) for i in range(supply)}
    assert first
    return (last - first).days + 1, len({day for day in covered if day <= last})


@pytest.fixture(scope="module")
def mothers() -> tuple[int, pl.DataFrame, pl.DataFrame]:
    return pregnancies_of(1, 200_000)


def test_pregnancies_of_every_kind_come_in_realistic_shares(mothers: tuple[int, pl.DataFrame, pl.DataFrame]) -> None:
    women, pregnancies, _ = mothers
    of = {name: pregnancies[name].to_numpy() for name in pregnancies.columns}
    outcome, days = of["outcome"], of["end"] - of["lmp"]
    birth = np.isin(outcome, [LIVE_BIRTH, MIXED])
    fate = of["fate"][np.isin(outcome, LOSSES)]
    shares = {
        "pregnant": (len(np.unique(of["n"])) / women, (0.12, 0.15)),
        "girls": (of["girl"].mean(), (0.002, 0.02)),
        "preterm": ((days < TERM)[birth].mean(), (0.09, 0.15)),
        "twins": (of["twins"][birth].mean(), (0.025, 0.045)),
        "late entry": ((of["visits_from"] > of["lmp"]).mean(), (0.06, 0.09)),
        "diabetes": ((of["diabetes"] != NONE)[birth].mean(), (0.06, 0.1)),
        "pressure": ((of["pressure"] != NONE)[birth].mean(), (0.07, 0.15)),
        "anaemia": ((of["anaemia"] != NONE)[birth].mean(), (0.07, 0.13)),
        "newborn under the mother": (of["under_mother"][birth].mean(), (0.01, 0.035)),
        "again": ((of["turn"] == 1).sum() / (~birth).sum(), (0.15, 0.45)),
        **{
            name: ((outcome == place).mean(), ((share or 3) / 2000, (share or 3) / 500))
            for place, (name, (share, _, _)) in enumerate(OUTCOMES.items())
        },
        **{
            name: ((fate == place).mean(), (share / 200, share / 50))
            for place, (name, share) in enumerate(FATES.items())
        },
    }
    assert {name: found for name, found in shares.items() if not found[1][0] <= found[0] <= found[1][1]} == {}
    again = pregnancies.filter(pl.col("turn") == 1).join(pregnancies.filter(pl.col("turn") == 0), on="n", suffix="_1")
    assert (again["lmp"] - again["end_1"]).to_numpy().min() >= 42
    assert 0.15 < (of["end"] > LAST).mean() < 0.4


def test_care_in_pregnancy_comes_in_its_time(mothers: tuple[int, pl.DataFrame, pl.DataFrame]) -> None:
    _, pregnancies, claims = mothers
    told = claims.drop("end").with_columns(turn=(pl.col("sequence") - 400) // 100).join(pregnancies, on=["n", "turn"])
    windows = {
        "nuchal scan": (11 * 7, 14 * 7 - 1),
        "glucose screen": (24 * 7, 28 * 7 + 6),
        "tdap": (27 * 7, 36 * 7 + 6),
        "rsv vaccine": (32 * 7, 36 * 7 + 6),
        "prenatal": (8 * 7, 42 * 7),
    }
    for kind, (fewest, most) in windows.items():
        rows = told.filter(pl.col("kind") == KINDS.index(kind))
        days = (rows["start"] - rows["lmp"]).to_numpy()
        assert len(days) > 100, kind
        assert fewest <= days.min() <= days.max() <= most, kind
    for kind in ("rsv vaccine", "flu vaccine"):
        day = told.filter(pl.col("kind") == KINDS.index(kind))["start"].cast(pl.Int32).cast(pl.Date)
        assert set(day.dt.month()) == {9, 10, 11, 12, 1}
    after = told.filter(pl.col("kind").is_in([KINDS.index("postpartum visit"), KINDS.index("depression screen")]))
    days = (after["start"] - after["end"]).to_numpy()
    assert 21 <= days.min() <= days.max() <= 56
    assert (after["outcome"] == LIVE_BIRTH).all()


def test_every_kind_of_fact_about_pregnancies_is_planted_among_random_members(
    mothers: tuple[int, pl.DataFrame, pl.DataFrame],
) -> None:
    _, pregnancies, claims = mothers
    facts = maternity_truth(claims, pregnancies)
    kinds = set(facts.select(pl.concat_str("fact", pl.lit(" "), "subject")).to_series())
    assert {f"planted_loss {name}" for name in [*OUTCOMES][1:]} <= kinds
    assert {f"planted_loss_claim {fate}" for fate in FATES} <= kinds
    assert set(facts["fact"]) == {*SHOWN_BY, *PLANTED}


SHOWN_BY = {
    "planted_twins": "O30",
    "planted_gestational_diabetes": "O244",
    "planted_hypertension": "O1[034]",
    "planted_anaemia": "O9901",
    "planted_newborn_under_mother": "Z38",
    "planted_negative_test": "Z3202",
    "planted_positive_test_only": "Z3201",
    "planted_sex_mismatch": "Z3A",
    "planted_minor_pregnancy": "Z3[24A]|O|P07",
    "planted_late_entry": "Z3A",
    "planted_preterm": "Z3A|P07",
}
"""What the claim that is the subject of the fact says; its first date is the value."""
PLANTED = {"planted_loss", "planted_loss_claim", "planted_pregnancy_after_loss"}
LOSS_CODE = "O0[0-4]|O08|Z332|O364|Z37[1346]"


@pytest.fixture(scope="module")
def coded(sample: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """The sample with `coded`: a row per claim, diagnosis without its dot, and day."""
    sample.execute("""
        create or replace temp table coded as
        with each_code as (
            select *, unnest([diagnosis_code_1, diagnosis_code_2, diagnosis_code_3, diagnosis_code_4, diagnosis_code_5])
            as dotted from medical_claim)
        select person_id, claim_id, claim_status, bill_type_code, replace(dotted, '.', '') as code,
            coalesce(claim_start_date, claim_line_start_date) as day, file_date from each_code
        where dotted is not null and person_id is not null""")  # fmt: skip
    return sample


def test_facts_about_pregnancies_are_in_the_claims(coded: duckdb.DuckDBPyConnection) -> None:
    for fact, pattern in SHOWN_BY.items():
        planted = f"select person_id, subject, value::date as day from truth where fact = '{fact}'"
        assert number(coded, f"select count(*) from ({planted})") > 0, fact
        missing = f"""select * from ({planted}) p where not exists (select 1 from coded c
            where c.claim_id = p.subject and c.person_id = p.person_id and c.day = p.day
            and regexp_matches(c.code, '^({pattern})'))"""
        assert values(coded, missing) == [], fact
    for fact in ("planted_twins", "planted_gestational_diabetes", "planted_newborn_under_mother"):
        strays = f"""select count(distinct person_id) from coded where regexp_matches(code, '^({SHOWN_BY[fact]})')
            and person_id not in (select person_id from truth where fact = '{fact}')"""
        assert number(coded, strays) == 0, fact
    who = """select distinct gender, birth_date + interval 18 year > date '2026-06-30' from eligibility
        where person_id in (select person_id from truth where fact = '{}')"""
    assert {sex for sex, _ in values(coded, who.format("planted_sex_mismatch"))} == {"male"}
    assert values(coded, who.format("planted_minor_pregnancy")) == [("female", True)]
    told_twice = """select count(*) from coded join truth using (person_id)
        where fact = 'planted_newborn_under_mother' and code like 'Z37%' and abs(day - value::date) < 180"""
    assert number(coded, told_twice) == 0
    for fact, others in (("planted_negative_test", "Z3202"), ("planted_positive_test_only", "Z3201")):
        assert values(coded, f"""select code from coded where regexp_matches(code, '^(O|Z3[234A])') and code <> '{others}'
            and person_id in (select person_id from truth where fact = '{fact}')""") == []  # fmt: skip


def test_losses_are_in_the_claims_and_each_met_its_fate(coded: duckdb.DuckDBPyConnection) -> None:
    lost = f"select distinct person_id from coded where regexp_matches(code, '^({LOSS_CODE})')"
    assert set(values(coded, lost)) == set(
        values(coded, "select person_id from truth where fact = 'planted_loss_claim'")
    )
    planted = values(coded, "select subject, value, person_id from truth where fact = 'planted_loss_claim'")
    days = values(coded, "select person_id, value::date from truth where fact = 'planted_loss'")
    assert {"denied", "voided", "back_dated", "paid"} <= {fate for fate, _, _ in planted}
    for fate, claim, person in planted:
        rows = values(coded, f"select claim_status, day, file_date from coded where claim_id = '{claim}'")
        statuses, day = {status for status, _, _ in rows}, rows[0][1]
        assert statuses == {"denied": {"denied"}, "reversed": {"paid", "reversed"}}.get(fate, {"paid"}), claim
        assert fate != "back_dated" or 21 <= (min(filed for _, _, filed in rows) - day).days <= 56
        void = number(coded, f"select count(*) from coded where claim_id = '{claim}F' and bill_type_code like '__8'")
        assert (void > 0) == (fate == "voided")
        # A void story's loss was billed in error.
        assert (person, day) in days or fate == "voided"
    assert number(coded, "select count(*) from truth where fact = 'planted_pregnancy_after_loss'") > 0
    early = (
        "select count(*) from truth where fact = 'planted_pregnancy_after_loss' and value::date - subject::date < 42"
    )
    assert number(coded, early) == 0


def test_pregnancies_end_as_they_are_claimed(coded: duckdb.DuckDBPyConnection) -> None:
    found = dict(values(coded, "select value, count(*) from truth where fact = 'planted_pregnancy' group by 1"))
    assert set(found) == {"live_birth", "loss", "stillbirth", "current", "not_claimed"}
    for value, pattern in (("live_birth", "Z37[023]|Z38"), ("loss", LOSS_CODE), ("stillbirth", "Z37[14]")):
        missing = f"""select person_id from truth where fact = 'planted_pregnancy' and value = '{value}' and not exists (
            select 1 from coded c where c.person_id = truth.person_id and regexp_matches(code, '^({pattern})')
            and c.day - subject::date between 28 and 308)"""
        assert values(coded, missing) == [], value


def test_stories_of_pregnancies_say_what_their_claims_say(coded: duckdb.DuckDBPyConnection) -> None:
    """The rules of domain 1.6 and 1.7 that a count can check; the rest of the answers is worked out by hand."""
    story = "(select person_id from truth where fact = 'expected_pregnancy_{}' and value = '{}')"
    weeks = """select person_id, count(distinct day), max(day) - min(day), max(lmp) - min(lmp), date '2026-06-30' - max(day),
        date '2026-06-30' - median(lmp)::date
        from (select person_id, day, day - (code[4:]::int * 7 + 3) as lmp from coded
              where regexp_matches(code, '^Z3A(0[89]|[1-4][0-9])$') and person_id in {0}
              and day > (select coalesce(max(value::date), date '2000-01-01') from truth
                         where fact = 'planted_loss' and truth.person_id = coded.person_id))
        group by all"""
    answered = "in ('current', 'overdue') and person_id in " + story.format("tier", "A")
    sure = values(
        coded,
        weeks.format(f"(select person_id from truth where fact = 'expected_pregnancy_status' and value {answered})"),
    )
    assert len(sure) >= 10
    for person, dates, apart, spread, since, days in sure:
        assert dates >= 2, person
        assert apart >= 7, person
        assert spread <= 14, person
        assert since <= (42 if days < 196 else 35), person
        assert 35 <= days <= 294, person
    assert {days > 294 for *_, days in values(coded, weeks.format(story.format("status", "outcome_unknown")))} == {True}
    assert {since > 42 for *_, since, _ in values(coded, weeks.format(story.format("status", "stale")))} == {True}
    lost = f"(select person_id from coded where regexp_matches(code, '^({LOSS_CODE})'))"
    suppressed = story.format("status", "suppressed")
    assert (
        values(coded, f"select person_id from truth where person_id in {suppressed} and person_id not in {lost}") == []
    )
    silent = "select distinct person_id from truth where fact = 'expected_maternal_rows'"
    assert set(values(coded, f"select * from {suppressed}")) <= set(values(coded, silent))
    late = """select count(*) from coded join truth using (person_id)
        where fact = 'expected_pregnancy_status' and file_date > date '2026-06-30'"""
    assert number(coded, late) == 0


TARGETS = {
    "pdc_diabetes": {"metformin", "glipizide"},
    "pdc_ras": {"lisinopril", "losartan", "valsartan", "benazepril"},
    "pdc_statins": {"atorvastatin", "rosuvastatin", "simvastatin", "pravastatin"},
}


def test_expected_days_are_what_a_day_by_day_count_gives(sample: duckdb.DuckDBPyConnection) -> None:
    sample.execute("""
        create or replace temp table standing as
        with newest as (select * from pharmacy_claim
            qualify row_number() over (
                partition by claim_id, claim_line_number, quantity > 0 order by ingest_datetime desc) = 1),
        positive as (select * from newest p where quantity > 0 and claim_status in ('paid', 'adjusted') and not exists (
            from newest n where n.quantity < 0 and n.rx_number = p.rx_number and n.dispensing_date = p.dispensing_date))
        select person_id, dispensing_date, days_supply, ingredients, min(claim_id) as claim_id
        from positive join drug using (ndc_code)
        where days_supply between 1 and 365 and dispensing_date is not null
        group by person_id, dispensing_date, days_supply, ingredients, rx_number, fill_number""")
    expected = values(sample, """
        select person_id, subject, fact, value::int from truth
        where fact in ('expected_covered_days', 'expected_treatment_days')
        and person_id < 'SYN0000400'""")  # fmt: skip
    assert len(expected) > 30
    for person, measure, fact, value in expected:
        standing = f"select dispensing_date, days_supply, ingredients from standing where person_id = '{person}'"
        fills = values(sample, f"{standing} order by dispensing_date, claim_id")
        died = values(sample, f"select any_value(death_date) from eligibility where person_id = '{person}'")[0][0]
        treatment, covered = covered_days(fills, TARGETS[measure], died or LAST_DATE)
        assert value == (covered if fact == "expected_covered_days" else treatment), (person, measure, fact)
