-- Gaps that were opened this year and how they closed, by code, with each kind of proof apart (rules 6.7).
--
-- A claim is the best proof, a pharmacy's record the next, a member's word the last; each gap counts under the best
-- that there is. Gaps that another one stands for do not count; gaps that were declined or ran out, or whose member
-- died or left, were opened and are not closed in this sense.
with

opened_gaps as (
    select
        ledger.gap_family,
        ledger.gap_code,
        ledger.closing_reason
    from outreach.ledger
    where
        ledger.opened_date is not null
        and not ledger.is_sensitive
        and coalesce(ledger.closing_reason, '') <> 'superseded'
),

counts as (
    select
        opened_gaps.gap_family,
        opened_gaps.gap_code,
        count(*) as opened_count,
        count(*) filter (where opened_gaps.closing_reason = 'resolved') as claim_count,
        count(*) filter (where opened_gaps.closing_reason = 'documented') as documentation_count,
        count(*) filter (where opened_gaps.closing_reason = 'reported') as report_count
    from opened_gaps
    group by
        opened_gaps.gap_family,
        opened_gaps.gap_code
)

select
    counts.gap_code,
    counts.gap_family,
    cast($as_of as date) as as_of,
    cast(counts.opened_count as integer) as opened_count,
    cast(counts.claim_count as integer) as claim_count,
    cast(counts.documentation_count as integer) as documentation_count,
    cast(counts.report_count as integer) as report_count,
    cast(round(counts.claim_count / cast(counts.opened_count as double), 4) as decimal(9, 4)) as claim_rate,
    cast(
        round(
            (counts.claim_count + counts.documentation_count + counts.report_count)
            / cast(counts.opened_count as double),
            4
        ) as decimal(9, 4)
    ) as rate
from counts
order by counts.gap_code
