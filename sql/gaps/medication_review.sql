-- Medication reviews: medicines on hand together on too many days, medicines that labels advise against together, and
-- medicines to review because of a pregnancy.
--
-- Concurrent use has one code per row of its registry (COB, POLY_ACH). A review cannot take counted days back, so no
-- day is the last on which acting helps: there is no due date, and the gap stays open through the year unless an
-- exclusion appears; no drug is named on the list. Reviews in a pregnancy have three urgencies, a queue of their own
-- and wording that says neither why nor to stop (maternal 2.3, rule L6 of 1.7); in tier C not even the medicine. The
-- gate holds them back too. An interaction (DDI) is open while the two were on hand together some days ago at most;
-- what tells of HIV, mental health or substance use stands under a public name. Source: PQA measure overviews COB and
-- POLY-ACH; ONC high-priority interactions; FDA labelling.
with

-- A review is known once the medicine and the reason are; the weekday counts from a Monday.
known_reviews as (
    select
        pregnancy_review.member_key,
        pregnancy_review.ingredient,
        pregnancy_review.urgency,
        pregnancy_review.gap_code,
        pregnancy_review.category,
        pregnancy_review.tier,
        pregnancy.lmp_date,
        last_fills.claim_id,
        last_fills.fill_date,
        last_fills.days_supply,
        greatest(last_fills.fill_date, pregnancy.first_evidence_date) as known_date,
        cast(
            greatest(last_fills.fill_date, pregnancy.first_evidence_date) - date '1900-01-01' as integer
        ) % 7 as weekday
    from facts.pregnancy_review
    cross join facts.maternal_gate
    inner join facts.pregnancy
        on
            pregnancy_review.member_key = pregnancy.member_key
            and pregnancy_review.episode = pregnancy.episode
    inner join core.fill as last_fills
        on pregnancy_review.last_fill_key = last_fills.fill_key
    where
        pregnancy_review.is_asked
        and maternal_gate.closed_reason is null
)

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
    drug_interaction.member_key,
    interaction_rule.gap_code,
    interaction_rule.drug_interaction_id as subject,
    'open' as status,
    drug_interaction.first_shared_date as window_start_date,
    drug_interaction.last_shared_date + interaction_rule.after_days as window_end_date,
    cast(null as date) as due_date,
    cast(interaction_rule.severity as decimal(9, 4)) as severity,
    cast(interaction_rule.confidence as decimal(9, 4)) as confidence,
    case
        when drug_interaction.is_sensitive then 'Check in, and go through the refills together.'
        else replace(
            replace(
                replace(interaction_rule.reason, '{medicines}', interaction_rule.medicines),
                '{first}', cast(drug_interaction.first_shared_date as varchar)
            ),
            '{last}', cast(drug_interaction.last_shared_date as varchar)
        )
    end as reason,
    concat(
        '{"claims":[', rtrim(cast(cast({ 'claim_id': first_fills.claim_id } as json) as varchar), '}'),
        ',"fill_date":"', first_fills.fill_date,
        '","days_supply":', coalesce(cast(first_fills.days_supply as varchar), 'null'),
        '},', rtrim(cast(cast({ 'claim_id': second_fills.claim_id } as json) as varchar), '}'),
        ',"fill_date":"', second_fills.fill_date,
        '","days_supply":', coalesce(cast(second_fills.days_supply as varchar), 'null'),
        '}],"first_shared_date":"', drug_interaction.first_shared_date,
        '","last_shared_date":"', drug_interaction.last_shared_date,
        '",', substr(
            cast(
                cast({ 'rule': interaction_rule.title, 'source': interaction_rule.source } as json) as varchar
            ),
            2
        )
    ) as evidence,
    drug_interaction.is_sensitive,
    cast(null as integer) as concurrent_days,
    drug_interaction.last_shared_date as last_concurrent_date
from facts.drug_interaction
inner join raw.drug_interaction as interaction_rule
    on drug_interaction.drug_interaction_key = interaction_rule.drug_interaction_key
inner join core.fill as first_fills
    on drug_interaction.first_fill_key = first_fills.fill_key
inner join core.fill as second_fills
    on drug_interaction.second_fill_key = second_fills.fill_key
where drug_interaction.last_shared_date + interaction_rule.after_days >= cast($as_of as date)
union all
select
    known_reviews.member_key,
    known_reviews.gap_code,
    known_reviews.ingredient as subject,
    'open' as status,
    known_reviews.fill_date as window_start_date,
    known_reviews.lmp_date + 287 as window_end_date,
    case known_reviews.urgency
        when 'today' then cast($as_of as date)
        -- Two business days: a weekend in between adds two.
        when 'soon'
            then greatest(
                known_reviews.known_date
                + case known_reviews.weekday when 3 then 4 when 4 then 4 when 5 then 3 else 2 end,
                cast($as_of as date)
            )
    end as due_date,
    cast(null as decimal(9, 4)) as severity,
    cast(case known_reviews.tier when 'A' then 1 when 'B' then 0.7 else 0.4 end as decimal(9, 4)) as confidence,
    case
        when known_reviews.tier = 'C' then 'Review the current medicines with the prescriber.'
        when known_reviews.urgency = 'today'
            then concat(
                'Contact the prescriber today to review ', known_reviews.ingredient, ', last filled on ',
                known_reviews.fill_date, '. Give no advice to change it before that.'
            )
        else concat(
            'Review ', known_reviews.ingredient, ' with the prescriber, last filled on ', known_reviews.fill_date,
            '. Give no advice to change it before that.'
        )
    end as reason,
    concat(
        '{"claims":[', rtrim(cast(cast({ 'claim_id': known_reviews.claim_id } as json) as varchar), '}'),
        ',"fill_date":"', known_reviews.fill_date,
        '","days_supply":', coalesce(cast(known_reviews.days_supply as varchar), 'null'),
        '}],"lmp_date":"', known_reviews.lmp_date,
        '","tier":"', known_reviews.tier,
        '","class":"', known_reviews.category,
        '","urgency":"', known_reviews.urgency,
        '","rule":"Medicine in a pregnancy, reviewed with the prescriber","source":"Maternal rules 2.3; FDA labelling"}'
    ) as evidence,
    known_reviews.tier = 'C' as is_sensitive,
    cast(null as integer) as concurrent_days,
    cast(null as date) as last_concurrent_date
from known_reviews
