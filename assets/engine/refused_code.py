"""The codes of claims that the door refuses: such a claim is no care, but it may tell of a lost pregnancy (maternal 1.7)."""

from __future__ import annotations

import string

import duckdb

from assets.engine.contract import Contract

REFUSED_CODE_DDL = (
    "source_table VARCHAR, person_id VARCHAR, claim_id VARCHAR, service_date DATE, code_system VARCHAR, code VARCHAR"
)

# Columns, without the number that some end with, and the system of their codes; the dates of a row, the best one first.
CODE_SYSTEMS = {
    "hcpcs_code": "hcpcs",
    "drg_code": "ms_drg",
    "diagnosis_code_": "icd10cm",
    "procedure_code_": "icd10pcs",
    "ndc_code": "ndc",
}
SERVICE_DATES = {
    "medical_claim": ("claim_line_start_date", "claim_start_date", "claim_end_date", "file_date"),
    "pharmacy_claim": ("dispensing_date", "file_date"),
}


def create(con: duckdb.DuckDBPyConnection, table: str) -> None:
    """Make the empty table of a table's refused codes."""
    con.execute(f"create or replace table door.{table}_refused_code ({REFUSED_CODE_DDL})")


def keep(con: duckdb.DuckDBPyConnection, contract: Contract, refused: str) -> None:
    """Keep the codes of refused claims whose person can be read."""
    table = contract.key[1]
    codes = ", ".join(
        f"{{'code_system': '{system}', 'code': {name}}}"
        for name in contract.columns
        if (system := CODE_SYSTEMS.get(name.rstrip(string.digits)))
    )
    con.execute(
        f"insert into door.{table}_refused_code select distinct '{table}', person_id, claim_id, service_date, "
        f"told.code_system, told.code from (select person_id, claim_id, coalesce({', '.join(SERVICE_DATES[table])}) "
        f"as service_date, unnest([{codes}]) as told from ({refused})) "
        f"where person_id is not null and told.code is not null except select * from door.{table}_refused_code"
    )
