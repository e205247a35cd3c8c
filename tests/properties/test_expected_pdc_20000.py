"""20,000 patients of the shared data against their brute-force, day-by-day PDC of 2024."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.story import build_models, empty_warehouse

ADHERENCE = Path(__file__).resolve().parents[3] / "shared" / "data" / "adherence"

pytestmark = pytest.mark.skipif(not ADHERENCE.is_dir(), reason="no ../shared/data/adherence beside the repository")


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """The fills as pharmacy claims of members who were enrolled throughout."""
    with empty_warehouse() as connection:
        connection.execute(f"create view fills as select * from '{ADHERENCE / 'fills_20000.parquet'}'")
        connection.execute(f"create view expected as select * from '{ADHERENCE / 'expected_pdc_20000.csv'}'")
        connection.execute(
            """
            insert into raw.drug by name
            select ndc as ndc_code, any_value(ingredient) as ingredients, 'drug.csv' as source_file,
                row_number() over () as line_number, row_number() over () as row_id
            from fills group by ndc;
            insert into raw.eligibility by name
            select patient_id as person_id, date '1960-01-01' as birth_date, date '2020-01-01' as enrollment_start_date,
                'eligibility.csv' as source_file, row_number() over () as line_number, row_number() over () as row_id
            from (select distinct patient_id from fills);
            insert into raw.pharmacy_claim by name
            select patient_id as person_id, 'C' || row_number() over () as claim_id, 1 as claim_line_number,
                cast(fill_date as date) as dispensing_date, ndc as ndc_code, cast(days_supply as integer) as days_supply,
                'pharmacy_claim.csv' as source_file, row_number() over () as line_number,
                row_number() over () as row_id
            from fills;
            """
        )
        build_models(connection, ["outreach.adherence"], "2024-12-31")
        yield connection


def test_every_patient_has_the_expected_days(con):
    """Treatment days, covered days and fill dates of every patient, and nobody else."""
    wrong = con.execute(
        """
        select *
        from (select * from outreach.adherence where measure_id = 'pdc_statins') as found
        full join expected on found.person_id = expected.patient_id
        where found.treatment_days is distinct from expected.treatment_days
            or found.covered_days is distinct from expected.covered_days
            or found.fill_date_count is distinct from expected.fill_date_count
        """
    ).fetchall()
    assert con.execute("select count(*) from expected").fetchall() == [(20_000,)]
    assert wrong == []


def test_exclusions_follow_from_the_expected_days(con):
    """Domain rule 1.2: two fill dates and 91 days; nothing else excludes these patients."""
    wrong = con.execute(
        """
        select found.person_id, found.exclusion_reason
        from outreach.adherence as found
        inner join expected on found.person_id = expected.patient_id
        where coalesce(found.exclusion_reason, '') <> concat_ws(
            ';',
            case when expected.fill_date_count < 2 then 'one_fill_date' end,
            case when expected.treatment_days < 91 then 'short_treatment_period' end
        )
        or found.is_adherent <> (5 * expected.covered_days >= 4 * expected.treatment_days)
        """
    ).fetchall()
    assert wrong == []
