-- Gaps that were opened this year and how they closed, by code, with each kind of proof apart (rules 6.7).
--
-- A claim is the best proof, a pharmacy's record the next, a member's word the last; each gap counts under the best
-- that there is. Gaps that another one stands for do not count; gaps that were declined or ran out, or whose member
-- died or left, were opened and are not closed in this sense. One that opened again counts once for each life.
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
    union all
    -- A gap that opened again was closed before, and stays so in the count; of what is skipped tonight nothing is told.
    select
        earlier_life.gap_family,
        earlier_life.gap_code,
        earlier_life.closing_reason
    from outreach.earlier_life
    inner join facts.told_code
        on
            earlier_life.gap_code = told_code.gap_code
            and told_code.skipped_reason is null
    where
        earlier_life.opened_date is not null
        and not earlier_life.is_sensitive
        and earlier_life.closing_reason <> 'superseded'
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
