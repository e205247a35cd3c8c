-- Statin use of everyone with a diabetes medicine in the measurement year (SUPD): who is measured, who has a statin.
--
-- One row per member with a diabetes fill while enrolled; `exclusion_reason` lists every reason not to measure them.
-- A fill date counts once. A statin of any strength counts, alone or in a combination, with or without usable days
-- supply. What a diabetes medicine is: `facts.diabetes_fill`; compounds are left out.
-- Age is that on the first day of the year (confidence medium); conditions count any time in the year, never earlier.
-- Ages, days, drugs and exclusions: data_contracts/statin_use.yaml. Source: CMS Star Ratings Technical Notes 2026, D12.
with

counted_fills as (
    select
        diabetes_fill.member_key,
        diabetes_fill.fill_key,
        diabetes_fill.fill_date,
        dense_rank() over (
            partition by diabetes_fill.member_key
            order by diabetes_fill.fill_date
        ) as date_number
    from facts.diabetes_fill
    cross join facts.measurement_year
    left join facts.enrolled_year
        on diabetes_fill.member_key = enrolled_year.member_key
    where diabetes_fill.fill_date <= coalesce(enrolled_year.enrolled_through_date, measurement_year.year_end_date)
),

treated as (
    select
        counted_fills.member_key,
        cast(max(counted_fills.date_number) as integer) as fill_date_count,
        min(counted_fills.fill_date) as index_date,
        min(counted_fills.fill_key) as index_fill_key,
        min(case when counted_fills.date_number = 2 then counted_fills.fill_date end) as second_fill_date,
        min(case when counted_fills.date_number = 2 then counted_fills.fill_key end) as second_fill_key
    from counted_fills
    group by counted_fills.member_key
),

statins as (
    select
        fill.member_key,
        min(fill.fill_key) as statin_fill_key
    from core.fill
    inner join facts.drug_group
        on fill.drug_key = drug_group.drug_key
    inner join raw.statin_use as rule
        on drug_group.value_set = rule.statin_value_set
    inner join facts.measurement_year
        on fill.fill_date between measurement_year.year_start_date and measurement_year.as_of
    where not fill.is_compound
    group by fill.member_key
),

conditions as (
    select
        member_status.member_key,
        statin_use_exclusion.exclusion_reason,
        statin_use_exclusion.reason_number
    from facts.member_status
    inner join raw.statin_use_exclusion
        on
            member_status.status = statin_use_exclusion.value_set
            and statin_use_exclusion.kind = 'status'
    union
    select
        fill.member_key,
        statin_use_exclusion.exclusion_reason,
        statin_use_exclusion.reason_number
    from core.fill
    inner join facts.drug_group
        on fill.drug_key = drug_group.drug_key
    inner join raw.statin_use_exclusion
        on
            drug_group.value_set = statin_use_exclusion.value_set
            and statin_use_exclusion.kind = 'drug'
    inner join facts.measurement_year
        on fill.fill_date between measurement_year.year_start_date and measurement_year.as_of
),

named_conditions as (
    select
        conditions.member_key,
        concat_ws(
            ';',
            max(case when conditions.reason_number = 1 then conditions.exclusion_reason end),
            max(case when conditions.reason_number = 2 then conditions.exclusion_reason end),
            max(case when conditions.reason_number = 3 then conditions.exclusion_reason end),
            max(case when conditions.reason_number = 4 then conditions.exclusion_reason end),
            max(case when conditions.reason_number = 5 then conditions.exclusion_reason end),
            max(case when conditions.reason_number = 6 then conditions.exclusion_reason end),
            max(case when conditions.reason_number = 7 then conditions.exclusion_reason end)
        ) as condition_names
    from conditions
    group by conditions.member_key
),

judged as (
    select
        treated.*,
        enrolled_year.enrolled_through_date,
        statins.statin_fill_key,
        nullif(
            concat_ws(
                ';',
                case
                    when member.birth_date > make_date(measurement_year.measurement_year - rule.min_age, 1, 1)
                        then 'under_40'
                end,
                case
                    when member.birth_date <= make_date(measurement_year.measurement_year - rule.max_age - 1, 1, 1)
                        then 'over_75'
                end,
                case when treated.fill_date_count < rule.min_fill_dates then 'one_fill_date' end,
                case
                    when
                        cast(measurement_year.year_end_date - treated.index_date as integer) < rule.min_index_days
                        then 'late_index'
                end,
                case
                    when
                        enrolled_year.member_key is null
                        or enrolled_year.hole_count > rule.max_holes
                        or enrolled_year.longest_hole_days > rule.max_hole_days
                        then 'enrollment_gap'
                end,
                nullif(named_conditions.condition_names, '')
            ),
            ''
        ) as exclusion_reason
    from treated
    cross join raw.statin_use as rule
    cross join facts.measurement_year
    inner join core.member
        on treated.member_key = member.member_key
    left join facts.enrolled_year
        on treated.member_key = enrolled_year.member_key
    left join statins
        on treated.member_key = statins.member_key
    left join named_conditions
        on treated.member_key = named_conditions.member_key
)

select
    judged.member_key,
    judged.exclusion_reason is null as is_eligible,
    judged.exclusion_reason,
    judged.statin_fill_key is not null as has_statin,
    judged.fill_date_count,
    judged.index_date,
    judged.second_fill_date,
    judged.enrolled_through_date,
    judged.index_fill_key,
    judged.second_fill_key,
    judged.statin_fill_key
from judged
order by judged.member_key
