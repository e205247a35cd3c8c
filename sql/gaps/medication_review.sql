-- Medication reviews: medicines on hand together on as many days as their measure allows at most, or more.
--
-- One code per row of the registry (COB, POLY_ACH). A review cannot take counted days back, so no day is the last on
-- which acting helps: there is no due date, and the gap stays open through the year unless an exclusion appears. The
-- wording asks for a review with the prescribers and never to stop a medicine; no drug is named on the list.
-- Source: PQA measure overviews COB and POLY-ACH.
select
    concurrent_use.member_key,
    measure.gap_code,
    measure.concurrent_use_id as subject,
    'open' as status,
    concurrent_use.first_concurrent_date as window_start_date,
    measurement_year.year_end_date as window_end_date,
    cast(null as date) as due_date,
    cast(null as decimal(9, 4)) as severity,
    cast(1 as decimal(9, 4)) as confidence,
    concat(
        'Paid claims show ', measure.medicines, ' on hand together on ', concurrent_use.concurrent_days,
        ' days this year, from ', concurrent_use.first_concurrent_date, ' through ',
        concurrent_use.last_concurrent_date, '; worth a review with the prescribers.'
    ) as reason,
    concat(
        '{"claims":[', rtrim(cast(cast({ 'claim_id': first_fills.claim_id } as json) as varchar), '}'),
        ',"fill_date":"', first_fills.fill_date,
        '","days_supply":', coalesce(cast(first_fills.days_supply as varchar), 'null'),
        '},', rtrim(cast(cast({ 'claim_id': last_fills.claim_id } as json) as varchar), '}'),
        ',"fill_date":"', last_fills.fill_date,
        '","days_supply":', coalesce(cast(last_fills.days_supply as varchar), 'null'),
        '}],"index_date":"', concurrent_use.index_date,
        '","concurrent_days":', concurrent_use.concurrent_days,
        ',"first_concurrent_date":"', concurrent_use.first_concurrent_date,
        '","last_concurrent_date":"', concurrent_use.last_concurrent_date,
        '",', substr(
            cast(
                cast(
                    {
                        'rule': concat(measure.title, ', ', measure.min_concurrent_days, ' days or more in the year'),
                        'source': measure.source
                    } as json
                ) as varchar
            ),
            2
        )
    ) as evidence,
    concurrent_use.concurrent_days,
    concurrent_use.last_concurrent_date
from facts.concurrent_use
inner join raw.concurrent_use as measure
    on concurrent_use.concurrent_use_key = measure.concurrent_use_key
cross join facts.measurement_year
inner join core.fill as first_fills
    on concurrent_use.first_fill_key = first_fills.fill_key
inner join core.fill as last_fills
    on concurrent_use.last_fill_key = last_fills.fill_key
where
    concurrent_use.is_eligible
    and concurrent_use.is_concurrent
order by
    concurrent_use.member_key,
    measure.gap_code
