-- Covered and uncovered intervals as evidence: `facts.coverage_segment` under text ids, for `caregaps explain`.
with

-- Of all fills the few that an interval begins or ends with.
named_fills as (
    select
        fill.fill_key,
        fill.claim_id
    from core.fill
    where
        fill.fill_key in (
            select coverage_segment.first_fill_key
            from facts.coverage_segment
            where coverage_segment.first_fill_key is not null
            union all
            select coverage_segment.last_fill_key
            from facts.coverage_segment
            where coverage_segment.last_fill_key is not null
        )
)

select
    member.person_id,
    measure.measure_id,
    coverage_segment.start_date,
    coverage_segment.end_date,
    coverage_segment.is_covered,
    coverage_segment.counted_days,
    first_fills.claim_id as first_claim_id,
    last_fills.claim_id as last_claim_id
from facts.coverage_segment
inner join core.member
    on coverage_segment.member_key = member.member_key
inner join raw.measure
    on coverage_segment.measure_key = measure.measure_key
left join named_fills as first_fills
    on coverage_segment.first_fill_key = first_fills.fill_key
left join named_fills as last_fills
    on coverage_segment.last_fill_key = last_fills.fill_key
order by
    member.person_id,
    measure.measure_id,
    coverage_segment.start_date
