-- Every National Provider Identifier that the input names, and whether its check digit holds.
--
-- The tenth digit is the Luhn check digit of the number prefixed with 80840 (CMS, NPI check digit); the prefix adds
-- the constant 24. Every second digit from the left is doubled, and a doubled digit above nine loses nine.
with

numbers as (
    select pharmacy_claim.dispensing_provider_npi as npi
    from raw.pharmacy_claim
    union
    select pharmacy.npi
    from raw.pharmacy
    union
    select provider.npi
    from raw.provider
    union
    select pharmacy_claim.prescribing_provider_npi
    from raw.pharmacy_claim
),

digits as (
    select
        numbers.npi,
        try_cast(substr(numbers.npi, 1, 1) as integer) as d1,
        try_cast(substr(numbers.npi, 2, 1) as integer) as d2,
        try_cast(substr(numbers.npi, 3, 1) as integer) as d3,
        try_cast(substr(numbers.npi, 4, 1) as integer) as d4,
        try_cast(substr(numbers.npi, 5, 1) as integer) as d5,
        try_cast(substr(numbers.npi, 6, 1) as integer) as d6,
        try_cast(substr(numbers.npi, 7, 1) as integer) as d7,
        try_cast(substr(numbers.npi, 8, 1) as integer) as d8,
        try_cast(substr(numbers.npi, 9, 1) as integer) as d9,
        try_cast(substr(numbers.npi, 10, 1) as integer) as d10
    from numbers
    where numbers.npi is not null
)

select
    digits.npi,
    length(digits.npi) = 10
    and coalesce(
        (
            24
            + 2 * (digits.d1 + digits.d3 + digits.d5 + digits.d7 + digits.d9)
            - 9 * (
                case when digits.d1 > 4 then 1 else 0 end
                + case when digits.d3 > 4 then 1 else 0 end
                + case when digits.d5 > 4 then 1 else 0 end
                + case when digits.d7 > 4 then 1 else 0 end
                + case when digits.d9 > 4 then 1 else 0 end
            )
            + digits.d2 + digits.d4 + digits.d6 + digits.d8 + digits.d10
        ) % 10 = 0,
        false
    ) as is_valid
from digits
order by digits.npi
