-- The size and the shape of tonight's list of each pharmacy, beside the capacity that it should keep.
--
-- The outreach border of the quality suites reads this table; no member appears in it.
select
    worklist.pharmacy_npi,
    worklist.state,
    pharmacy.weekly_capacity,
    count(*) as row_count,
    count(*) filter (where worklist.priority_band = 'urgent') as urgent_count,
    count(distinct worklist.person_id) as person_count,
    min(worklist.list_rank) as min_list_rank,
    max(worklist.list_rank) as max_list_rank,
    count(distinct worklist.list_rank) as list_rank_count,
    min(worklist.score) as min_score,
    max(worklist.score) as max_score
from outreach.worklist
left join core.pharmacy
    on worklist.pharmacy_npi = pharmacy.npi
group by
    worklist.pharmacy_npi,
    worklist.state,
    pharmacy.weekly_capacity
order by
    worklist.pharmacy_npi,
    worklist.state
