-- Diabetes gaps: no paid claim for a statin (SUPD), and tests, visits or supplies that are missing.
--
-- SUPD is a diabetes medicine twice this year and no statin of any strength. Open from the second diabetes fill date,
-- on which the member is first measured, while the year can still be met; `lost` once known enrolment or life has ended
-- before the as-of date. A statin fill or an exclusion leaves no gap.
-- Wording says "no paid claim", never "not taking": cash, discount-card and sample fills are invisible (rules 5.14).
-- Source: CMS Star Ratings Technical Notes 2026, D12; the other codes: data_contracts/monitoring_rules.yaml.
with

gaps as (
    select
        statin_use.member_key,
        statin_use.fill_date_count,
        statin_use.index_date,
        statin_use.second_fill_date,
        statin_use.enrolled_through_date,
        statin_use.index_fill_key,
        statin_use.second_fill_key,
        case when measurement_year.as_of <= statin_use.enrolled_through_date then 'open' else 'lost' end as status
    from facts.statin_use
    cross join facts.measurement_year
    where
        statin_use.is_eligible
        and not statin_use.has_statin
)

select
    gaps.member_key,
    'SUPD' as gap_code,
    'supd' as subject,
    gaps.status,
    gaps.second_fill_date as window_start_date,
    gaps.enrolled_through_date as window_end_date,
    gaps.enrolled_through_date as due_date,
    cast(null as decimal(9, 4)) as severity,
    cast(1 as decimal(9, 4)) as confidence,
    case
        when gaps.status = 'lost'
            then
                concat(
                    'No paid claim for a cholesterol medicine (statin) this year before enrolment ended on ',
                    gaps.enrolled_through_date, '.'
                )
        else concat(
            'No paid claim for a cholesterol medicine (statin) this year; diabetes medicine filled on ',
            gaps.fill_date_count, ' dates since ', gaps.index_date,
            '. Ask the prescriber whether a statin fits, by ', gaps.enrolled_through_date, '.'
        )
    end as reason,
    concat(
        '{"claims":[', rtrim(cast(cast({ 'claim_id': index_fills.claim_id } as json) as varchar), '}'),
        ',"fill_date":"', index_fills.fill_date,
        '","days_supply":', coalesce(cast(index_fills.days_supply as varchar), 'null'),
        '},', rtrim(cast(cast({ 'claim_id': second_fills.claim_id } as json) as varchar), '}'),
        ',"fill_date":"', second_fills.fill_date,
        '","days_supply":', coalesce(cast(second_fills.days_supply as varchar), 'null'),
        '}],"index_date":"', gaps.index_date,
        '","fill_date_count":', gaps.fill_date_count,
        ',"rule":"SUPD, ', measures.min_fill_dates,
        ' fill dates of diabetes medicine and no statin fill in the year, age ',
        measures.min_age, ' to ', measures.max_age,
        '","source":"', measures.source, '"}'
    ) as evidence,
    gaps.fill_date_count,
    gaps.index_date
from gaps
inner join facts.diabetes_fill as index_fills
    on gaps.index_fill_key = index_fills.fill_key
inner join facts.diabetes_fill as second_fills
    on gaps.second_fill_key = second_fills.fill_key
cross join raw.statin_use as measures
union all
select
    told_need.member_key,
    told_need.gap_code,
    told_need.subject,
    told_need.status,
    told_need.window_start_date,
    told_need.window_end_date,
    told_need.due_date,
    cast(null as decimal(9, 4)) as severity,
    told_need.confidence,
    told_need.reason,
    told_need.evidence,
    cast(null as integer) as fill_date_count,
    cast(null as date) as index_date
from facts.told_need
where told_need.gap_family = 'diabetes'
