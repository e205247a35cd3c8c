-- Adherence gaps: a refill that is late or soon due, for members who can still reach the threshold this year.
--
-- First match of rules 4.1. Someone whose supply on hand already carries them over the threshold has no gap;
-- someone who can no longer reach it is `lost` and never listed. Members excluded from the measure have no gap; a
-- member with one fill date is not measured yet and is reminded before the first supply runs out.
-- Someone who filled the class last year, has not this year and has run out is not started: a first fill by the due
-- date still makes a treatment period that counts.
-- Wording says "no paid claim", never "not taking": cash, discount-card and sample fills are invisible (rules 5.14).
with

judged as (
    select
        adherence.member_key,
        adherence.measure_key,
        measure.measure_id,
        measure.drug_class,
        adherence.index_date,
        adherence.treatment_end_date,
        coalesce(adherence.covered_through_date, adherence.index_date - 1) as covered_through_date,
        adherence.refill_due_date,
        adherence.last_impactable_date,
        adherence.days_late,
        adherence.missed_days,
        adherence.allowed_missed_days,
        adherence.remaining_missed_days,
        adherence.pdc,
        adherence.unusable_fill_count,
        adherence.index_fill_key,
        adherence.last_fill_key,
        cast(adherence.refill_due_date - measurement_year.as_of as integer) as days_until_due,
        case
            when not adherence.is_reachable then 'ADHERENCE_LOST'
            when adherence.exclusion_reason is not null then 'ADHERENCE_FIRST_FILL'
            when adherence.is_safe then null
            when adherence.days_late >= 1 then 'ADHERENCE_LATE'
            when adherence.remaining_missed_days <= $at_risk_missed_days then 'ADHERENCE_AT_RISK'
            else 'ADHERENCE_LATE'
        end as gap_code
    from facts.adherence
    inner join raw.measure
        on adherence.measure_key = measure.measure_key
    cross join facts.measurement_year
    where
        adherence.pdc is not null
        and (
            adherence.exclusion_reason is null
            -- One fill date, and what only a second one can give.
            or adherence.exclusion_reason in (
                'one_fill_date',
                'one_fill_date;low_supplied_days',
                'one_fill_date;short_span',
                'one_fill_date;low_supplied_days;short_span'
            )
            -- Where several drugs are asked for, all of them were filled on that date.
            or (adherence.exclusion_reason = 'one_fill_date;few_ingredients' and adherence.covered_days > 0)
        )
),

not_started as (
    select
        prior_supply.member_key,
        prior_supply.measure_key,
        prior_supply.supplied_through_date,
        prior_supply.last_fill_key,
        measurement_year.year_end_date,
        -- The last index date that leaves the shortest treatment period (rules 1.2: October 2 for 91 days).
        measurement_year.year_end_date - (measure.min_treatment_days - 1) as last_index_date
    from facts.prior_supply
    inner join raw.measure
        on prior_supply.measure_key = measure.measure_key
    inner join core.member
        on prior_supply.member_key = member.member_key
    cross join facts.measurement_year
    -- Someone who has left or died has nothing to start.
    inner join core.enrollment
        on
            prior_supply.member_key = enrollment.member_key
            and measurement_year.as_of between enrollment.enrollment_start_date and enrollment.enrollment_end_date
    where
        prior_supply.supplied_through_date < measurement_year.as_of
        and prior_supply.ingredient_count >= measure.min_ingredients
        and measurement_year.as_of <= measurement_year.year_end_date - (measure.min_treatment_days - 1)
        and member.birth_date <= make_date(measurement_year.measurement_year - measure.min_age, 1, 1)
        and not exists (
            select 1
            from facts.adherence
            where
                adherence.member_key = prior_supply.member_key
                and adherence.measure_key = prior_supply.measure_key
        )
        and not exists (
            select 1
            from raw.measure_exclusion
            inner join facts.member_status
                on measure_exclusion.value_set = member_status.status
            where
                measure_exclusion.kind = 'status'
                and measure_exclusion.measure_key = prior_supply.measure_key
                and member_status.member_key = prior_supply.member_key
        )
),

gaps as (
    select
        judged.*,
        case
            when judged.gap_code = 'ADHERENCE_LOST' then 'lost'
            when judged.gap_code = 'ADHERENCE_FIRST_FILL' and judged.days_until_due <= $refill_due_days + 1 then 'open'
            when judged.gap_code = 'ADHERENCE_LATE' and judged.days_late >= 1 then 'open'
            when judged.gap_code = 'ADHERENCE_AT_RISK' and judged.days_until_due <= $refill_due_days then 'open'
            else 'prospective'
        end as status
    from judged
    where judged.gap_code is not null
)

select
    gaps.member_key,
    gaps.gap_code,
    gaps.measure_id as subject,
    gaps.status,
    gaps.refill_due_date as window_start_date,
    gaps.treatment_end_date as window_end_date,
    gaps.last_impactable_date as due_date,
    cast(null as decimal(9, 4)) as severity,
    -- A fill without usable days supply may have covered days that look missed.
    cast(case when gaps.unusable_fill_count > 0 then 0.7 else 1 end as decimal(9, 4)) as confidence,
    -- A number of days or a target would tell which measure it is (rules 6.4).
    case
        when measure.is_sensitive then 'Check in, and go through the refills together.'
        when gaps.gap_code = 'ADHERENCE_LOST'
            then
                concat(
                    'The target for ', gaps.drug_class, ' can no longer be reached this year: ', gaps.missed_days,
                    ' days without a paid claim, ', gaps.allowed_missed_days, ' allowed.'
                )
        when gaps.gap_code = 'ADHERENCE_FIRST_FILL'
            then
                concat(
                    'First fill of ', gaps.drug_class, ' this year ',
                    case when gaps.days_late >= 1 then 'ran out on ' else 'lasts through ' end,
                    gaps.covered_through_date, '; no paid claim for a second one yet.'
                )
        when gaps.days_late >= 1
            then
                concat(
                    'Supply of ', gaps.drug_class, ' ran out on ', gaps.covered_through_date, ', ', gaps.days_late,
                    case when gaps.days_late = 1 then ' day' else ' days' end, ' late with no paid claim; refill by ',
                    gaps.last_impactable_date, ' to stay on target this year.'
                )
        else concat(
            'Supply of ', gaps.drug_class, ' lasts through ', gaps.covered_through_date, '; ',
            gaps.remaining_missed_days, ' of ', gaps.allowed_missed_days,
            ' allowed days without a paid claim ', case when gaps.remaining_missed_days = 1 then 'is' else 'are' end,
            ' left this year.'
        )
    end as reason,
    concat(
        '{"claims":[',
        rtrim(cast(cast({ 'claim_id': index_fills.claim_id } as json) as varchar), '}'),
        ',"fill_date":"',
        index_fills.fill_date,
        '","days_supply":', coalesce(cast(index_fills.days_supply as varchar), 'null'),
        '},',
        rtrim(cast(cast({ 'claim_id': last_fills.claim_id } as json) as varchar), '}'),
        ',"fill_date":"',
        last_fills.fill_date,
        '","days_supply":', coalesce(cast(last_fills.days_supply as varchar), 'null'),
        '}],"covered_through_date":"', gaps.covered_through_date,
        '","pdc":', gaps.pdc,
        ',"missed_days":', gaps.missed_days,
        ',"allowed_missed_days":', gaps.allowed_missed_days,
        ',"rule":"PDC, covered days over treatment days, target ', measure.threshold_percent,
        ' %",', ltrim(cast(cast({ 'source': measure.source } as json) as varchar), '{')
    ) as evidence,
    measure.is_sensitive,
    gaps.days_late,
    gaps.remaining_missed_days,
    gaps.pdc
from gaps
inner join raw.measure
    on gaps.measure_key = measure.measure_key
inner join core.fill as index_fills
    on gaps.index_fill_key = index_fills.fill_key
inner join core.fill as last_fills
    on gaps.last_fill_key = last_fills.fill_key
union all
select
    not_started.member_key,
    'ADHERENCE_NOT_STARTED' as gap_code,
    measure.measure_id as subject,
    'open' as status,
    not_started.supplied_through_date + 1 as window_start_date,
    not_started.year_end_date as window_end_date,
    not_started.last_index_date as due_date,
    cast(null as decimal(9, 4)) as severity,
    cast(1 as decimal(9, 4)) as confidence,
    case
        when measure.is_sensitive then 'Check in, and go through the refills together.'
        else concat(
            'Supply of ', measure.drug_class, ' from last year ran out on ', not_started.supplied_through_date,
            '; no paid claim this year yet.'
        )
    end as reason,
    concat(
        '{"claims":[',
        rtrim(cast(cast({ 'claim_id': last_fills.claim_id } as json) as varchar), '}'),
        ',"fill_date":"',
        last_fills.fill_date,
        '","days_supply":', coalesce(cast(last_fills.days_supply as varchar), 'null'),
        '}],"covered_through_date":"', not_started.supplied_through_date,
        '","rule":"class fill last year, none this year",',
        ltrim(cast(cast({ 'source': measure.source } as json) as varchar), '{')
    ) as evidence,
    measure.is_sensitive,
    cast(null as integer) as days_late,
    cast(null as integer) as remaining_missed_days,
    cast(null as decimal(9, 4)) as pdc
from not_started
inner join raw.measure
    on not_started.measure_key = measure.measure_key
inner join core.fill as last_fills
    on not_started.last_fill_key = last_fills.fill_key
