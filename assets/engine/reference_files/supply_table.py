"""The `pharmacy` and `provider` tables: every NPI stays, and `site_id` tells which of them share an address.

Retail, mail order, long-term care and the rest are told apart by `taxonomy_code`, primary first, later.
"""

from __future__ import annotations

import duckdb

from assets.engine.reference_files.nppes import use_of
from assets.engine.reference_files.source import count_of

# The street line and ZIP code, in letters and digits alone, with USPS's abbreviations of the commonest words.
STREET_WORDS = {
    "STREET": "ST", "AVENUE": "AVE", "AV": "AVE", "BOULEVARD": "BLVD", "ROAD": "RD", "DRIVE": "DR", "LANE": "LN",
    "HIGHWAY": "HWY", "PARKWAY": "PKWY", "PLACE": "PL", "COURT": "CT", "SQUARE": "SQ", "SUITE": "STE", "NORTH": "N",
    "SOUTH": "S", "EAST": "E", "WEST": "W", "NORTHEAST": "NE", "NORTHWEST": "NW", "SOUTHEAST": "SE", "SOUTHWEST": "SW",
}  # fmt: skip


def site_of(street: str, zip_code: str) -> str:
    """SQL of the site that an address stands for, null without a street."""
    text = f"concat(' ', regexp_replace(upper({street}), '[^A-Z0-9]+', ' ', 'g'), ' ')"
    for word, short in STREET_WORDS.items():
        text = f"replace({text}, ' {word} ', ' {short} ')"
    return f"case when {street} is not null then left(md5(concat(replace({text}, ' ', ''), '|', {zip_code})), 16) end"


def build_supply(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Fill `raw.pharmacy` and `raw.provider`, and return what was found on the way."""
    con.execute(
        f"""create table ref.person as
        with newest as (
            select * from ref.nppes
            qualify row_number() over (partition by npi order by updated_date desc nulls last, source_label desc) = 1
        ),
        gone as (select npi, max(closed_date) as closed_date from ref.nppes_deactivated group by npi)
        select newest.* exclude (closed_date), {site_of("newest.street", "newest.zip_code")} as site_id,
            coalesce(newest.closed_date, case when gone.closed_date > newest.updated_date then gone.closed_date end)
                as closed_date
        from newest left join gone using (npi);
        create table ref.place as
        select zip_zcta.zip_code, area.latitude, area.longitude
        from (select zip_code, min(zcta) as zcta from ref.zip_zcta group by zip_code) as zip_zcta
        inner join ref.area as area on area.zcta = zip_zcta.zcta
        where zip_zcta.zip_code not in (select zcta from ref.area)"""
    )
    pharmacy, provider = use_of(con, "pharmacy"), use_of(con, "provider")
    con.execute(
        f"""insert into raw.pharmacy by name
        select person.npi, person.state, person.zip_code, person.ncpdp_id, person.name, person.phone, person.address,
            person.city, place.latitude, place.longitude, person.taxonomy_code, person.closed_date, person.site_id
        from ref.person as person left join ref.place as place using (zip_code) where {pharmacy};
        insert into raw.provider by name
        with site as (
            select npi, state, zip_code, site_id from ref.person
            union
            select npi, state, zip_code, {site_of("address", "zip_code")} as site_id from ref.nppes_location
        )
        select person.npi, person.taxonomy_code, person.name, site.state, site.zip_code, place.latitude, place.longitude,
            site.site_id
        from ref.person as person inner join site using (npi) left join ref.place as place on place.zip_code = site.zip_code
        where {provider} and person.closed_date is null"""
    )
    notes = []
    for words, query in (
        ("older rows of an NPI, superseded", "select count(*) - count(distinct npi) from ref.nppes"),
        ("sites of pharmacies", "select count(distinct site_id) from raw.pharmacy"),
        ("pharmacies closed", "select count(*) from raw.pharmacy where closed_date is not null"),
        (
            "providers at secondary locations",
            "select count(*) - count(distinct npi) from raw.provider",
        ),
        (
            "pharmacies in ZIP codes that are no ZCTA, placed by the ZIP to ZCTA file",
            "select count(*) from raw.pharmacy where latitude is not null",
        ),
        (
            "pharmacies in ZIP codes without a place",
            "select count(*) from raw.pharmacy where latitude is null and zip_code not in (select zcta from ref.area)",
        ),
        (
            "providers in ZIP codes without a place",
            "select count(*) from raw.provider where latitude is null and zip_code not in (select zcta from ref.area)",
        ),
    ):
        if count := count_of(con, query):
            notes.append(f"{count:,} {words}")
    return notes
