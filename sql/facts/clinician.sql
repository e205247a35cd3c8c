-- What clinicians do: one row per NPI and specialty, by the taxonomy codes of the provider table.
--
-- Primary care is what a clinician names first: an internist who practises a specialty names that (deserts, section 2).
-- A specialty counts wherever it is named. Who is known for none of them is `other`.
with

listed_codes as (
    select distinct provider.taxonomy_code
    from raw.provider
),

named_codes as (
    select
        listed_codes.taxonomy_code,
        unnest(string_split(listed_codes.taxonomy_code, ';')) as code
    from listed_codes
),

specialties as (
    select distinct
        named_codes.taxonomy_code,
        value_set.category as specialty
    from named_codes
    inner join raw.value_set
        on
            value_set.value_set = 'clinician_specialty'
            and named_codes.code >= value_set.code
            and named_codes.code <= coalesce(value_set.last_code, value_set.code)
    where
        value_set.category <> 'primary_care'
        or named_codes.code = split_part(named_codes.taxonomy_code, ';', 1)
)

select distinct
    provider.npi,
    coalesce(specialties.specialty, 'other') as specialty
from raw.provider
left join specialties
    on provider.taxonomy_code = specialties.taxonomy_code
order by
    npi,
    specialty
