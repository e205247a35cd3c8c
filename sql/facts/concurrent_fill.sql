-- Fills that count for each measure of concurrent use in the measurement year through the as-of date.
--
-- Supply begins on the day it was dispensed: an early refill is not moved, unlike adherence (rules 2). A fill
-- without usable days supply counts as a fill date and supplies no day. Compounds are left out.
select
    concurrent_drug.concurrent_use_key,
    fill.member_key,
    concurrent_drug.medicine_key,
    concurrent_drug.is_index,
    fill.fill_key,
    fill.fill_date,
    fill.days_supply,
    -- Days to come are not on hand yet. (`least` alone would pass over an unknown end.)
    case
        when fill.days_supply is not null
            then least(fill.fill_date + (fill.days_supply - 1), measurement_year.as_of)
    end as supply_end_date
from core.fill
inner join facts.concurrent_drug
    on fill.drug_key = concurrent_drug.drug_key
inner join facts.measurement_year
    on fill.fill_date between measurement_year.year_start_date and measurement_year.as_of
where not fill.is_compound
order by
    concurrent_drug.concurrent_use_key,
    fill.member_key,
    concurrent_drug.medicine_key,
    fill.fill_key
