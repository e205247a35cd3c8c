"""CMS NPPES: who has an NPI, with which taxonomies, practising where.

The dissemination file has 330 columns and some nine million rows. A deactivated NPI stays as a row that has lost all but
its number and dates. There is no county, no coordinate and no NCPDP column; a practice address may be out of date.
"""

from __future__ import annotations

import duckdb

from assets.engine.contract import CONTRACTS
from assets.engine.reference_files.source import Finding, Source, count_of
from assets.engine.sql_text import literal
from assets.engine.value import FORMATS

URL = "https://download.cms.gov/nppes/NPI_Files.html (monthly dissemination file, V2)"
SLOTS, OTHER_IDS = range(1, 16), range(1, 51)
ADDRESS = "provider_business_practice_location_address"
SECOND = "provider_secondary_practice_location_address"

DATES = "['%m/%d/%Y', '%Y-%m-%d']"
STATE = FORMATS["state"]("state")
ZIP = FORMATS["zip"]("zip_code")
USABLE = f"{STATE} is not null and {ZIP} is not null and coalesce(country, 'US') = 'US'"
# A lost zero or a spreadsheet's `.0`; the plus-four digits are no repair.
IS_REPAIRED = "not regexp_full_match(zip_code, '[0-9]{5}|[0-9]{9}|[0-9]{5}-[0-9]{4}')"


def load_taxonomies(con: duckdb.DuckDBPyConnection) -> None:
    """Fill `ref.taxonomy`: the codes that make a pharmacy or a provider (`reference/loaded_taxonomy.csv`)."""
    con.execute(
        f"insert into ref.taxonomy select use, entity_type, rtrim(taxonomy, '*'), is_excluded::boolean "
        f"from read_csv({literal(str(CONTRACTS / 'reference' / 'loaded_taxonomy.csv'))}, all_varchar = true, header = true)"
    )


def _pattern(con: duckdb.DuckDBPyConnection, use: str, entity_type: str) -> str:
    """The condition that a `;`-joined list of codes has a wanted one; excluded codes are no match."""
    prefixes: dict[bool, list[str]] = {False: [], True: []}
    for prefix, is_excluded in con.execute(
        "select prefix, excluded from ref.taxonomy where use = ? and entity_type = ? order by prefix",
        [use, entity_type],
    ).fetchall():
        prefixes[is_excluded].append(prefix)
    # RE2 cannot look ahead: excluded codes are taken out of the list first.
    codes = "taxonomy_code"
    if refused := "|".join(prefixes[True]):
        codes = f"regexp_replace({codes}, '({refused})[^;]*', '', 'g')"
    return f"regexp_matches({codes}, '(^|;)({'|'.join(prefixes[False])})')"


def use_of(con: duckdb.DuckDBPyConnection, use: str) -> str:
    """The condition that a row of `ref.nppes` is a pharmacy, or a provider."""
    kinds = con.execute("select distinct entity_type from ref.taxonomy where use = ? order by all", [use]).fetchall()
    return "(" + " or ".join(f"entity_type = '{kind}' and {_pattern(con, use, kind)}" for (kind,) in kinds) + ")"


def _joined(*columns: str) -> str:
    return f"nullif(trim(regexp_replace(concat_ws(' ', {', '.join(columns)}), '\\s+', ' ', 'g')), '')"


def _load_people(con: duckdb.DuckDBPyConnection, finding: Finding) -> None:
    """The dissemination file, in one pass."""
    slots = ", ".join(f"tax_{i}" for i in SLOTS)
    switched = " ".join(f"when switch_{i} = 'Y' and tax_{i} is not null then tax_{i}" for i in SLOTS)
    ncpdp = " ".join(
        f"when contains(upper(issuer_{i}), 'NCPDP') and regexp_full_match(other_{i}, '[0-9]{{1,7}}') then lpad(other_{i}, 7, '0')"
        for i in OTHER_IDS
    )
    con.execute(
        "create or replace temp view told as select npi, regexp_replace(entity, '\\.0*$', '') as entity_type, "
        f"case when entity like '1%' then {_joined('first_name', 'last_name', 'credential')} else coalesce(dba, org) end "
        f"as name, address as street, {_joined('address', 'address2')} as address, city, state, zip_code, country, phone, "
        f"case {ncpdp} end as ncpdp_id, case {switched} end as switched_code, "
        f"list_filter([{slots}], code -> code is not null) as codes, updated, deactivated, reactivated from landed"
    )
    _keep(con, finding)


def _load_extract(con: duckdb.DuckDBPyConnection, finding: Finding) -> None:
    """Pharmacy organisations that someone took out of the dissemination file."""
    con.execute(
        "create or replace temp view told as select npi, '2' as entity_type, coalesce(dba, org) as name, address as street, "
        "address, city, state, coalesce(zip_code, zip9) as zip_code, null::varchar as country, phone, null::varchar as ncpdp_id, "
        "tax_1 as switched_code, string_split(replace(codes, '|', ';'), ';') as codes, updated, deactivated, reactivated "
        "from landed"
    )
    _keep(con, finding)


def _keep(con: duckdb.DuckDBPyConnection, finding: Finding) -> None:
    """Move usable rows of `told` into `ref.nppes` and tell what was wrong with the others."""
    wanted = f"({use_of(con, 'pharmacy')} or {use_of(con, 'provider')})"
    con.execute(
        "create or replace temp table person as with coded as (select *, coalesce(switched_code, codes[1]) as first_code, "
        "array_to_string(list_prepend(first_code, list_filter(codes, (code, i) -> code <> first_code and "
        "list_position(codes, code) = i)), ';') as taxonomy_code, "
        f"try_strptime(updated, {DATES})::date as updated_date, try_strptime(deactivated, {DATES})::date as off_date, "
        f"try_strptime(reactivated, {DATES})::date as on_date, "
        "off_date is not null and (on_date is null or on_date < off_date) as is_off from told) "
        f"select * exclude (codes), coalesce({wanted}, false) as is_wanted from coded "
        f"where regexp_full_match(npi, '[0-9]{{10}}') and (is_wanted or off_date is not null)"
    )
    con.execute("insert into ref.nppes_deactivated select npi, off_date from person where is_off")
    con.execute(
        f"insert into ref.nppes select npi, entity_type, name, street, address, city, {STATE}, {ZIP}, phone, taxonomy_code, "
        f"ncpdp_id, updated_date, case when is_off then off_date end, {literal(finding.part.label)} from person "
        f"where is_wanted and {USABLE}"
    )
    finding.tell(count_of(con, "select count(*) from person where is_wanted"), "rows of the taxonomies that are loaded")
    for words, condition in (
        ("deactivated NPIs without any detail, left out", "is_off and coalesce(taxonomy_code, '') = ''"),
        ("deactivated NPIs with their details, kept as closed", "is_off and is_wanted"),
        ("reactivated NPIs, kept", "off_date is not null and not is_off and is_wanted"),
        ("without a primary switch, first taxonomy taken", "is_wanted and switched_code is null"),
        ("practice ZIP codes repaired (lost zeros, decimals)", f"is_wanted and {USABLE} and {IS_REPAIRED}"),
        (
            "abroad or in no known state, left out",
            f"is_wanted and ({STATE} is null or coalesce(country, 'US') <> 'US')",
        ),
        ("without a usable practice ZIP code, left out", f"is_wanted and {STATE} is not null and {ZIP} is null"),
    ):
        finding.tell(count_of(con, f"select count(*) from person where {condition}"), words)


def _load_locations(con: duckdb.DuckDBPyConnection, finding: Finding) -> None:
    con.execute(f"insert into ref.nppes_location select npi, address, {STATE}, {ZIP} from landed where {USABLE}")
    finding.tell(
        finding.row_count - count_of(con, "select count(*) from ref.nppes_location"),
        "abroad or without a usable ZIP code, left out",
    )
    finding.tell(count_of(con, f"select count(*) from landed where {USABLE} and {IS_REPAIRED}"), "ZIP codes repaired")


PLACE = {
    "address": ("provider_first_line_business_practice_location_address",),
    "address2": ("provider_second_line_business_practice_location_address",),
    "city": (f"{ADDRESS}_city_name",),
    "state": (f"{ADDRESS}_state_name",),
    "zip_code": (f"{ADDRESS}_postal_code",),
    "country": (f"{ADDRESS}_country_code_if_outside_u_s",),
    "phone": (f"{ADDRESS}_telephone_number",),
}
NPPES = (
    Source(
        key="nppes",
        title="NPPES dissemination file",
        url=URL,
        gives="pharmacy and provider are not written",
        name=r"^npidata_pfile_(?!.*fileheader)",
        columns={
            "npi": ("npi",),
            "entity": ("entity_type_code",),
            "org": ("provider_organization_name_legal_business_name",),
            "dba": ("provider_other_organization_name",),
            "last_name": ("provider_last_name_legal_name",),
            "first_name": ("provider_first_name",),
            "credential": ("provider_credential_text",),
            **PLACE,
            "updated": ("last_update_date",),
            "deactivated": ("npi_deactivation_date",),
            "reactivated": ("npi_reactivation_date",),
            **{f"tax_{i}": (f"healthcare_provider_taxonomy_code_{i}",) for i in SLOTS},
            **{f"switch_{i}": (f"healthcare_provider_primary_taxonomy_switch_{i}",) for i in SLOTS},
            **{f"other_{i}": (f"other_provider_identifier_{i}",) for i in OTHER_IDS},
            **{f"issuer_{i}": (f"other_provider_identifier_issuer_{i}",) for i in OTHER_IDS},
        },
        required=("npi", "entity", "state", "zip_code", "deactivated", "tax_1", "switch_1"),
        load=_load_people,
        reads_all=True,
        is_large=True,
    ),
    Source(
        key="nppes_locations",
        title="NPPES secondary practice locations",
        url=URL + ", pl_pfile in the same zip",
        gives="a provider counts at the first practice address alone",
        name=r"^pl_pfile_(?!.*fileheader)",
        columns={
            "npi": ("npi",),
            "address": (f"{SECOND}_address_line_1",),
            "state": (f"{SECOND}_state_name",),
            "zip_code": (f"{SECOND}_postal_code",),
            "country": (f"{SECOND}_country_code_if_outside_u_s",),
        },
        required=("npi", "address", "state", "zip_code"),
        load=_load_locations,
        reads_all=True,
    ),
    Source(
        key="nppes_pharmacies",
        title="NPPES pharmacy organisations, taken out of the dissemination file",
        url=URL,
        gives="pharmacies come from the dissemination file",
        name=r"^nppes_pharmacy_orgs",
        columns={
            "npi": ("npi",),
            "org": ("org_name",),
            "dba": ("dba",),
            "address": ("addr", "address"),
            "city": ("city",),
            "state": ("state",),
            "zip_code": ("zip5",),
            "zip9": ("zip9",),
            "phone": ("phone",),
            "tax_1": ("prim_taxonomy",),
            "codes": ("pharm_taxonomies",),
            "updated": ("last_update",),
            "deactivated": ("deact_date",),
            "reactivated": ("react_date",),
        },
        required=("npi", "state", "zip_code", "tax_1", "codes"),
        load=_load_extract,
        reads_all=True,
    ),
)
