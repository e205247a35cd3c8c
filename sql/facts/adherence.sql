-- Proportion of days covered (PDC) of each member and measure, and what can still be done about it this year.
--
-- One row for everyone with a class fill in the measurement year, measured or not; `exclusion_reason` lists every
-- reason why not. PDC is to date: covered days over treatment days, both through the as-of date. `missed_days` leaves
-- the as-of date out, because a fill today still covers today. All days are community days where the year's rule takes
-- stays out. With N the days of the whole period and t the threshold, N * (1 - t), rounded down, may be missed; the
-- last impactable date is the day on which a refill, then kept up, still gives the threshold.
-- Source: CMS Star Ratings Technical Notes 2026, D08 to D10; the dates are derived (rules 4).
with

reasons as (
    select
        exclusion.period_key,
        concat_ws(
            ';',
            max(case when exclusion.reason_number = 1 then exclusion.reason end),
            max(case when exclusion.reason_number = 2 then exclusion.reason end),
            max(case when exclusion.reason_number = 3 then exclusion.reason end),
            max(case when exclusion.reason_number = 4 then exclusion.reason end),
            max(case when exclusion.reason_number = 5 then exclusion.reason end),
            max(case when exclusion.reason_number = 6 then exclusion.reason end),
            max(case when exclusion.reason_number = 7 then exclusion.reason end),
            max(case when exclusion.reason_number = 8 then exclusion.reason end),
            max(case when exclusion.reason_number = 9 then exclusion.reason end),
            max(case when exclusion.reason_number = 10 then exclusion.reason end),
            max(case when exclusion.reason_number = 11 then exclusion.reason end),
            max(case when exclusion.reason_number = 12 then exclusion.reason end),
            max(case when exclusion.reason_number = 13 then exclusion.reason end),
            max(case when exclusion.reason_number = 14 then exclusion.reason end),
            max(case when exclusion.reason_number = 15 then exclusion.reason end),
            max(case when exclusion.reason_number = 16 then exclusion.reason end),
            max(case when exclusion.reason_number = 17 then exclusion.reason end)
        ) as exclusion_reason
    from facts.exclusion
    group by exclusion.period_key
),

stay_days as (
    select
        treatment_period.period_key,
        cast(sum(period_stay.end_day - period_stay.start_day + 1) as integer) as stay_days,
        cast(
            sum(
                greatest(
                    least(
                        period_stay.end_day,
                        cast(measurement_year.as_of - treatment_period.index_date as integer)
                    ) - period_stay.start_day + 1,
                    0
                )
            ) as integer
        ) as stay_days_through_as_of,
        cast(
            sum(
                greatest(
                    least(
                        period_stay.end_day,
                        cast(measurement_year.as_of - treatment_period.index_date as integer) - 1
                    ) - period_stay.start_day + 1,
                    0
                )
            ) as integer
        ) as stay_days_before_as_of
    from facts.period_stay
    inner join facts.treatment_period
        on period_stay.period_key = treatment_period.period_key
    cross join facts.measurement_year
    group by treatment_period.period_key
),

periods as (
    select
        treatment_period.period_key,
        treatment_period.member_key,
        treatment_period.measure_key,
        treatment_period.index_date,
        treatment_period.treatment_end_date,
        treatment_period.fill_date_count,
        treatment_period.index_fill_key,
        treatment_period.last_fill_key,
        treatment_period.supplied_days,
        treatment_period.unusable_fill_count,
        treatment_period.is_latest,
        treatment_period.enrolled_months,
        greatest(treatment_period.calendar_days, 0) - coalesce(stay_days.stay_days, 0) as full_treatment_days,
        greatest(
            least(
                treatment_period.calendar_days,
                cast(measurement_year.as_of - treatment_period.index_date as integer) + 1
            ),
            0
        ) - coalesce(stay_days.stay_days_through_as_of, 0) as treatment_days,
        -- Days that are over: through yesterday, or the whole period once its end is past.
        greatest(
            least(
                treatment_period.calendar_days, cast(measurement_year.as_of - treatment_period.index_date as integer)
            ),
            0
        ) - case
            when measurement_year.as_of > treatment_period.treatment_end_date then coalesce(stay_days.stay_days, 0)
            else coalesce(stay_days.stay_days_before_as_of, 0)
        end as elapsed_days
    from facts.treatment_period
    cross join facts.measurement_year
    left join stay_days
        on treatment_period.period_key = stay_days.period_key
),

coverage as (
    select
        periods.period_key,
        cast(
            coalesce(
                sum(
                    greatest(least(community_block.end_day + 1, periods.treatment_days) - community_block.start_day, 0)
                ),
                0
            ) as integer
        ) as covered_days,
        cast(
            coalesce(
                sum(greatest(least(community_block.end_day + 1, periods.elapsed_days) - community_block.start_day, 0)),
                0
            ) as integer
        ) as covered_elapsed_days,
        cast(
            coalesce(
                sum(
                    greatest(
                        least(community_block.end_day + 1, periods.full_treatment_days) - community_block.start_day, 0
                    )
                ),
                0
            ) as integer
        ) as projected_covered_days,
        -- Of the runs that have begun: where several drugs are asked for, a hole can lie before the next one. Without
        -- a covered day there is no last one, and a refill has been due since the index date.
        cast(
            coalesce(
                sum(least(community_block.end_day + 1, periods.full_treatment_days) - community_block.start_day)
                filter (where community_block.start_day <= periods.elapsed_days),
                0
            ) as integer
        ) as covered_days_before_due,
        max(least(community_block.end_day, periods.full_treatment_days - 1))
        filter (where community_block.start_day <= periods.elapsed_days) as last_covered_day,
        coalesce(
            max(least(community_block.end_day, periods.full_treatment_days - 1))
            filter (where community_block.start_day <= periods.elapsed_days),
            -1
        ) + 1 as due_day
    from periods
    left join facts.community_block
        on
            periods.period_key = community_block.period_key
            and periods.full_treatment_days > community_block.start_day
    where
        periods.full_treatment_days > 0
        -- Without a single usable days supply nothing is known of coverage: no PDC, rather than one of zero.
        and periods.supplied_days is not null
    group by periods.period_key
),

counted as (
    select
        periods.period_key,
        periods.member_key,
        periods.measure_key,
        periods.index_date,
        periods.treatment_end_date,
        periods.fill_date_count,
        periods.is_latest,
        periods.enrolled_months,
        periods.full_treatment_days,
        periods.treatment_days,
        periods.elapsed_days,
        coverage.covered_days,
        coverage.covered_elapsed_days,
        coverage.projected_covered_days,
        coverage.last_covered_day,
        periods.supplied_days,
        periods.unusable_fill_count,
        periods.index_fill_key,
        periods.last_fill_key,
        nullif(reasons.exclusion_reason, '') as exclusion_reason,
        measure.threshold_percent,
        cast(
            (periods.full_treatment_days * (100 - measure.threshold_percent)) // 100 as integer
        ) as allowed_missed_days,
        coverage.due_day,
        cast((periods.full_treatment_days * (100 - measure.threshold_percent)) // 100 as integer)
        + coverage.covered_days_before_due as last_impactable_day
    from periods
    inner join raw.measure
        on periods.measure_key = measure.measure_key
    left join coverage
        on periods.period_key = coverage.period_key
    left join reasons
        on periods.period_key = reasons.period_key
),

-- A community day is a calendar day later by the stay days before it.
stay_offsets as (
    select
        counted.period_key,
        cast(
            sum(
                case
                    when
                        period_stay.community_day <= counted.last_covered_day
                        then period_stay.end_day - period_stay.start_day + 1
                    else 0
                end
            )
            as integer
        ) as covered_offset,
        cast(
            sum(
                case
                    when
                        period_stay.community_day <= counted.due_day
                        then period_stay.end_day - period_stay.start_day + 1
                    else 0
                end
            )
            as integer
        ) as due_offset,
        cast(
            sum(
                case
                    when
                        period_stay.community_day <= counted.last_impactable_day
                        then period_stay.end_day - period_stay.start_day + 1
                    else 0
                end
            ) as integer
        ) as impactable_offset
    from counted
    inner join facts.period_stay
        on counted.period_key = period_stay.period_key
    group by counted.period_key
),

member_years as (
    select
        counted.member_key,
        counted.measure_key,
        cast(
            -- Episodes that share a calendar month cannot make more than a year of it.
            least(sum(case when counted.exclusion_reason is null then counted.enrolled_months else 0 end), 12) / 12.0
            as decimal(9, 4)
        ) as member_years
    from counted
    inner join facts.measurement_year
        on measurement_year.enrollment_rule = 'member_years'
    group by
        counted.member_key,
        counted.measure_key
)

select
    counted.member_key,
    counted.measure_key,
    counted.period_key,
    measurement_year.measurement_year,
    counted.exclusion_reason is null as is_eligible,
    counted.exclusion_reason,
    counted.index_date,
    counted.treatment_end_date,
    counted.treatment_days,
    counted.covered_days,
    cast(round(counted.covered_days / cast(nullif(counted.treatment_days, 0) as double), 4) as decimal(9, 4)) as pdc,
    -- Integers decide, so that no rounding can (rules 1.4).
    case
        when counted.treatment_days > 0
            then 100 * counted.covered_days >= counted.threshold_percent * counted.treatment_days
    end as is_adherent,
    counted.full_treatment_days,
    counted.allowed_missed_days,
    counted.elapsed_days - counted.covered_elapsed_days as missed_days,
    counted.allowed_missed_days - (counted.elapsed_days - counted.covered_elapsed_days) as remaining_missed_days,
    counted.elapsed_days - counted.covered_elapsed_days <= counted.allowed_missed_days as is_reachable,
    cast(
        round(counted.projected_covered_days / cast(nullif(counted.full_treatment_days, 0) as double), 4)
        as decimal(9, 4)
    ) as projected_pdc,
    cast(
        round(
            (counted.covered_elapsed_days + counted.full_treatment_days - counted.elapsed_days)
            / cast(nullif(counted.full_treatment_days, 0) as double),
            4
        ) as decimal(9, 4)
    ) as best_possible_pdc,
    counted.index_date + (counted.last_covered_day + coalesce(stay_offsets.covered_offset, 0)) as covered_through_date,
    counted.index_date + (counted.due_day + coalesce(stay_offsets.due_offset, 0)) as refill_due_date,
    case
        when measurement_year.as_of > counted.treatment_end_date then 0
        else greatest(
            cast(
                measurement_year.as_of
                - (counted.index_date + (counted.due_day + coalesce(stay_offsets.due_offset, 0)))
                as integer
            ) + 1,
            0
        )
    end as days_late,
    counted.index_date + (counted.last_impactable_day + coalesce(stay_offsets.impactable_offset, 0))
        as last_impactable_date,
    counted.supplied_days - counted.projected_covered_days as surplus_days,
    100 * counted.projected_covered_days >= counted.threshold_percent * counted.full_treatment_days as is_safe,
    counted.fill_date_count,
    counted.unusable_fill_count,
    counted.index_fill_key,
    counted.last_fill_key,
    last_supplies.days_supply as last_days_supply,
    greatest(
        counted.full_treatment_days - counted.allowed_missed_days - counted.projected_covered_days, 0
    ) as needed_days_supply,
    -- Refills of the last size that the rest of the year still takes.
    cast(
        ceil(
            greatest(counted.full_treatment_days - counted.allowed_missed_days - counted.projected_covered_days, 0)
            / cast(last_supplies.days_supply as double)
        ) as integer
    ) as needed_refills,
    -- A last fill of under 84 days (twelve weeks) can be offered as one of 90.
    last_supplies.days_supply < 84 as is_90_day_candidate,
    member_years.member_years
from counted
cross join facts.measurement_year
left join stay_offsets
    on counted.period_key = stay_offsets.period_key
left join facts.class_fill as last_supplies
    on
        counted.last_fill_key = last_supplies.fill_key
        and counted.measure_key = last_supplies.measure_key
        and last_supplies.is_first_ingredient
left join member_years
    on
        counted.member_key = member_years.member_key
        and counted.measure_key = member_years.measure_key
where counted.is_latest
order by
    counted.member_key,
    counted.measure_key
