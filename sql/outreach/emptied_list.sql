-- Pharmacies on whose list nobody is left: each gets an empty one, or its list of an earlier night would look current.
--
-- For 35 nights after its last row, as a recall is named (interface 3): a pharmacy that missed the first of these
-- nights still learns of it, and what replaces a list in a folder of its own finds a file to do so every night. A
-- pharmacy that never had a row, or none for longer, gets nothing: no list of it stands anywhere.
with

held_lists as (
    select
        release.pharmacy_npi,
        release.state,
        release.last_listed_date,
        row_number() over (
            partition by release.pharmacy_npi
            order by
                release.last_listed_date desc,
                release.state asc
        ) as recency
    from outreach.release
    where release.last_listed_date > cast($as_of as date) - 35
),

listed_pharmacies as (
    select distinct worklist.pharmacy_npi
    from outreach.worklist
)

select
    held_lists.pharmacy_npi,
    held_lists.state,
    held_lists.last_listed_date
from held_lists
left join listed_pharmacies
    on held_lists.pharmacy_npi = listed_pharmacies.pharmacy_npi
where
    held_lists.recency = 1
    and listed_pharmacies.pharmacy_npi is null
order by held_lists.pharmacy_npi
