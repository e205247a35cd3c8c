-- Medication reviews: medicines on hand together on too many days, and medicines to review because of a pregnancy.
--
-- Concurrent use has one code per row of its registry (COB, POLY_ACH). A review cannot take counted days back, so no day
-- is the last on which acting helps: there is no due date, and the gap stays open through the year unless an exclusion
-- appears; no drug is named on the list. Reviews in a pregnancy have three urgencies, a queue of their own and wording
-- that says neither why nor to stop (rules 2.3, L6); in tier C not even the medicine. The gate holds them back too.
-- Source: PQA measure overviews COB and POLY-ACH; FDA labelling.
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
    false as is_sensitive,
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
union all
select
    pregnancy_review.member_key,
    pregnancy_review.gap_code,
    pregnancy_review.ingredient as subject,
    'open' as status,
    last_fills.fill_date as window_start_date,
    pregnancy.lmp_date + 280 as window_end_date,
    case pregnancy_review.urgency
        when 'today' then cast($as_of as date)
        -- Two days from when both the medicine and the reason were known.
        when 'soon'
            then greatest(
                greatest(last_fills.fill_date, pregnancy.first_evidence_date) + 2, cast($as_of as date)
            )
    end as due_date,
    cast(null as decimal(9, 4)) as severity,
    cast(case pregnancy_review.tier when 'A' then 1 when 'B' then 0.7 else 0.4 end as decimal(9, 4)) as confidence,
    case
        when pregnancy_review.tier = 'C' then 'Review the current medicines with the prescriber.'
        when pregnancy_review.urgency = 'today'
            then concat(
                'Contact the prescriber today to review ', pregnancy_review.ingredient, ', last filled on ',
                last_fills.fill_date, '. Give no advice to change it before that.'
            )
        else concat(
            'Review ', pregnancy_review.ingredient, ' with the prescriber, last filled on ', last_fills.fill_date,
            '. Give no advice to change it before that.'
        )
    end as reason,
    concat(
        '{"claims":[', rtrim(cast(cast({ 'claim_id': last_fills.claim_id } as json) as varchar), '}'),
        ',"fill_date":"', last_fills.fill_date,
        '","days_supply":', coalesce(cast(last_fills.days_supply as varchar), 'null'),
        '}],"lmp_date":"', pregnancy.lmp_date,
        '","tier":"', pregnancy_review.tier,
        '","class":"', pregnancy_review.category,
        '","urgency":"', pregnancy_review.urgency,
        '","rule":"Medicine in a pregnancy, reviewed with the prescriber","source":"Rules 2.3; FDA labelling"}'
    ) as evidence,
    pregnancy_review.tier = 'C' as is_sensitive,
    cast(null as integer) as concurrent_days,
    cast(null as date) as last_concurrent_date
from facts.pregnancy_review
cross join facts.maternal_gate
inner join facts.pregnancy
    on
        pregnancy_review.member_key = pregnancy.member_key
        and pregnancy_review.episode = pregnancy.episode
inner join core.fill as last_fills
    on pregnancy_review.last_fill_key = last_fills.fill_key
where maternal_gate.closed_reason is null
order by
    member_key,
    gap_code,
    subject
