-- Tests, visits and supplies that are missing, now or soon: one row per member, monitoring rule and subject.
--
-- The rules are those of data_contracts/monitoring_rules.yaml, for every family that has some. Only members who are
-- enrolled tonight, alive and not in hospice; of the rules for diabetes, nobody from 66 on who lives in an institution.
-- A rule is met when each of its tests is found in any of its sets; two tests of a pair have the earlier of their days.
-- The first biologic or targeted medicine can be told only after so long an enrolment without one. The words are those
-- of `facts.monitoring_sentence`.
with

members as (
    select
        active_member.member_key,
        active_member.enrollment_start_date,
        least(
            active_member.enrollment_end_date, make_date(extract(year from cast($as_of as date)), 12, 31)
        ) as enrolled_through_date,
        cast(extract(year from cast($as_of as date)) - extract(year from member.birth_date) as integer) as age,
        member.is_institutional
    from facts.active_member
    inner join core.member
        on active_member.member_key = member.member_key
),

-- Of several results the latest tells; of several on one day the highest level.
last_results as (
    select
        clinical_event.member_key,
        max(
            concat(
                clinical_event.event_date,
                case when clinical_event.category = 'over_9' then '1' else '0' end
            )
        ) as last_result
    from facts.clinical_event
    where clinical_event.value_set = 'a1c_result'
    group by clinical_event.member_key
),

diabetes_events as (
    select
        diabetes_member.member_key,
        greatest(
            case
                when diabetes_member.first_date >= members.enrollment_start_date + 365
                    then diabetes_member.first_date
            end,
            case
                when substr(last_results.last_result, 11, 1) = '1'
                    then cast(substr(last_results.last_result, 1, 10) as date)
            end
        ) as event_date
    from facts.diabetes_member
    inner join members
        on diabetes_member.member_key = members.member_key
    left join last_results
        on diabetes_member.member_key = last_results.member_key
),

-- Days on which any medicine of a rule was filled or given, each with the one before it.
spaced_days as (
    select
        medicine_days.member_key,
        medicine_days.monitoring_rule_key,
        medicine_days.event_date,
        medicine_days.product,
        medicine_days.claim_id,
        lag(medicine_days.event_date) over (
            partition by medicine_days.member_key, medicine_days.monitoring_rule_key
            order by medicine_days.event_date
        ) as previous_date
    from (
        select
            clinical_event.member_key,
            monitoring_rule.monitoring_rule_key,
            clinical_event.event_date,
            min(coalesce(clinical_event.product, clinical_event.category)) as product,
            min(clinical_event.claim_id) as claim_id
        from facts.clinical_event
        inner join raw.monitoring_rule
            on
                clinical_event.value_set = monitoring_rule.medicines
                and monitoring_rule.population = 'start'
        group by
            clinical_event.member_key,
            monitoring_rule.monitoring_rule_key,
            clinical_event.event_date
    ) as medicine_days
),

last_starts as (
    select
        spaced_days.member_key,
        spaced_days.monitoring_rule_key,
        max(spaced_days.event_date) as start_date
    from spaced_days
    inner join raw.monitoring_rule
        on spaced_days.monitoring_rule_key = monitoring_rule.monitoring_rule_key
    where
        coalesce(
            cast(spaced_days.event_date - spaced_days.previous_date as integer) > monitoring_rule.clean_days, true
        )
    group by
        spaced_days.member_key,
        spaced_days.monitoring_rule_key
),

supplied_rules as (
    select distinct
        therapy.member_key,
        monitoring_rule.monitoring_rule_key,
        therapy.product,
        therapy.start_date,
        therapy.last_fill_date,
        therapy.last_claim_id as claim_id,
        -- Whole months of therapy.
        cast(
            (extract(year from cast($as_of as date)) - extract(year from therapy.start_date)) * 12
            + extract(month from cast($as_of as date)) - extract(month from therapy.start_date)
            - case
                when extract(day from cast($as_of as date)) < extract(day from therapy.start_date) then 1
                else 0
            end as integer
        ) as therapy_months
    from facts.therapy
    inner join facts.drug_group
        on therapy.last_drug_key = drug_group.drug_key
    inner join raw.monitoring_rule
        on drug_group.value_set = monitoring_rule.medicines
    where therapy.supply_end_date >= cast($as_of as date) - monitoring_rule.lapse_days
),

asked_subjects as (
    select
        diabetes_member.member_key,
        monitoring_rule.monitoring_rule_key,
        monitoring_rule.subject,
        case
            when monitoring_rule.population = 'insulin' then diabetes_member.insulin_start_date
            when monitoring_rule.population = 'diabetes_event' then diabetes_events.event_date
            else diabetes_member.first_date
        end as first_date,
        diabetes_events.event_date as start_date,
        case
            when diabetes_member.insulin_end_date >= cast($as_of as date) - 30
                then coalesce(monitoring_rule.insulin_days, monitoring_rule.days)
            else monitoring_rule.days
        end as frame_days,
        diabetes_member.claim_id,
        diabetes_member.last_date as claim_date
    from facts.diabetes_member
    inner join raw.monitoring_rule
        on
            monitoring_rule.population = 'diabetes'
            or monitoring_rule.population = 'diabetes_event'
            or (
                monitoring_rule.population = 'insulin'
                and diabetes_member.insulin_end_date >= cast($as_of as date) - monitoring_rule.lapse_days
            )
    inner join diabetes_events
        on
            diabetes_member.member_key = diabetes_events.member_key
            and (monitoring_rule.population <> 'diabetes_event' or diabetes_events.event_date is not null)
    union all
    select
        supplied_rules.member_key,
        supplied_rules.monitoring_rule_key,
        supplied_rules.product as subject,
        supplied_rules.start_date as first_date,
        supplied_rules.start_date,
        case
            when supplied_rules.therapy_months < monitoring_rule.young_months then monitoring_rule.young_days
            else monitoring_rule.days
        end as frame_days,
        supplied_rules.claim_id,
        supplied_rules.last_fill_date as claim_date
    from supplied_rules
    inner join raw.monitoring_rule
        on
            supplied_rules.monitoring_rule_key = monitoring_rule.monitoring_rule_key
            and monitoring_rule.population = 'therapy'
    union all
    select
        last_starts.member_key,
        last_starts.monitoring_rule_key,
        spaced_days.product as subject,
        last_starts.start_date as first_date,
        last_starts.start_date,
        monitoring_rule.days as frame_days,
        spaced_days.claim_id,
        last_starts.start_date as claim_date
    from last_starts
    inner join spaced_days
        on
            last_starts.member_key = spaced_days.member_key
            and last_starts.monitoring_rule_key = spaced_days.monitoring_rule_key
            and last_starts.start_date = spaced_days.event_date
    inner join raw.monitoring_rule
        on last_starts.monitoring_rule_key = monitoring_rule.monitoring_rule_key
    inner join members
        on
            last_starts.member_key = members.member_key
            and last_starts.start_date >= members.enrollment_start_date + monitoring_rule.clean_days
    where
        exists (
            select 1
            from supplied_rules
            where
                supplied_rules.member_key = last_starts.member_key
                and supplied_rules.monitoring_rule_key = last_starts.monitoring_rule_key
        )
),

asked as (
    select
        asked_subjects.member_key,
        asked_subjects.monitoring_rule_key,
        asked_subjects.subject,
        asked_subjects.start_date,
        asked_subjects.frame_days,
        asked_subjects.claim_id,
        asked_subjects.claim_date,
        members.age,
        members.enrolled_through_date,
        greatest(
            asked_subjects.first_date + monitoring_rule.first_days,
            members.enrollment_start_date + case
                when monitoring_rule.enrolled_days > 1 then monitoring_rule.enrolled_days
                else 0
            end
        ) as first_asked_date
    from asked_subjects
    inner join members
        on asked_subjects.member_key = members.member_key
    inner join raw.monitoring_rule
        on
            asked_subjects.monitoring_rule_key = monitoring_rule.monitoring_rule_key
            and members.age between monitoring_rule.min_age and monitoring_rule.max_age
    where
        not (members.is_institutional and members.age >= 66 and monitoring_rule.gap_family = 'diabetes')
        and not exists (
            select 1
            from core.stay
            where
                stay.member_key = asked_subjects.member_key
                and stay.admission_date <= cast($as_of as date)
                and stay.discharge_date >= cast($as_of as date) - monitoring_rule.stay_days
        )
),

stop_sets as (
    select
        asked.member_key,
        asked.monitoring_rule_key,
        monitoring_stop.monitoring_stop_key,
        monitoring_stop.stop_group,
        monitoring_stop.group_size
    from asked
    inner join raw.monitoring_stop
        on
            asked.monitoring_rule_key = monitoring_stop.monitoring_rule_key
            and asked.age >= monitoring_stop.min_age
    inner join facts.clinical_event
        on
            asked.member_key = clinical_event.member_key
            and monitoring_stop.value_set = clinical_event.value_set
            and (
                monitoring_stop.categories is null
                or monitoring_stop.categories like concat('%;', clinical_event.category, ';%')
            )
    where
        case monitoring_stop.since
            when 'ever' then true
            when 'year'
                then extract(year from clinical_event.event_date) = extract(year from cast($as_of as date))
            else clinical_event.event_date > cast($as_of as date) - monitoring_stop.since_days
        end
    group by
        asked.member_key,
        asked.monitoring_rule_key,
        monitoring_stop.monitoring_stop_key,
        monitoring_stop.stop_group,
        monitoring_stop.group_size,
        monitoring_stop.fewest_dates,
        monitoring_stop.apart_days
    having
        count(distinct clinical_event.event_date) >= monitoring_stop.fewest_dates
        and cast(
            max(clinical_event.event_date) - min(clinical_event.event_date) as integer
        ) >= monitoring_stop.apart_days
),

stopped as (
    select
        stop_sets.member_key,
        stop_sets.monitoring_rule_key,
        stop_sets.stop_group
    from stop_sets
    group by
        stop_sets.member_key,
        stop_sets.monitoring_rule_key,
        stop_sets.stop_group,
        stop_sets.group_size
    having count(distinct stop_sets.monitoring_stop_key) >= stop_sets.group_size
),

-- Events that a test asks for; of a pair, both within its days, the earlier one.
test_events as (
    select
        clinical_event.member_key,
        monitoring_test.monitoring_rule_key,
        monitoring_test.test_number,
        monitoring_test.value_set,
        monitoring_test.paired_category,
        monitoring_test.paired_days,
        monitoring_test.is_of_previous_year,
        clinical_event.event_date
    from raw.monitoring_test
    inner join facts.clinical_event
        on
            monitoring_test.value_set = clinical_event.value_set
            and (
                monitoring_test.categories is null
                or monitoring_test.categories like concat('%;', clinical_event.category, ';%')
            )
            and (
                monitoring_test.clinicians is null
                or monitoring_test.clinicians like concat('%;', clinical_event.specialty, ';%')
            )
),

test_dates as (
    select
        test_events.member_key,
        test_events.monitoring_rule_key,
        test_events.test_number,
        test_events.is_of_previous_year,
        test_events.event_date,
        test_events.event_date as test_date
    from test_events
    where test_events.paired_category is null
    union all
    select
        test_events.member_key,
        test_events.monitoring_rule_key,
        test_events.test_number,
        test_events.is_of_previous_year,
        test_events.event_date,
        least(test_events.event_date, paired_event.event_date) as test_date
    from test_events
    inner join facts.clinical_event as paired_event
        on
            test_events.member_key = paired_event.member_key
            and test_events.value_set = paired_event.value_set
            and test_events.paired_category = paired_event.category
            and paired_event.event_date between test_events.event_date - test_events.paired_days
            and test_events.event_date + test_events.paired_days
),

found_tests as (
    select
        asked.member_key,
        asked.monitoring_rule_key,
        asked.subject,
        test_dates.test_number,
        max(test_dates.test_date) as test_date
    from asked
    inner join raw.monitoring_rule
        on asked.monitoring_rule_key = monitoring_rule.monitoring_rule_key
    inner join test_dates
        on
            asked.member_key = test_dates.member_key
            and asked.monitoring_rule_key = test_dates.monitoring_rule_key
    where
        case monitoring_rule.frame
            when 'rolling' then true
            when 'year'
                then
                    extract(year from test_dates.test_date)
                    >= extract(year from cast($as_of as date))
                    - case when test_dates.is_of_previous_year then 1 else 0 end
            when 'after' then test_dates.event_date >= asked.start_date + monitoring_rule.first_days
            else
                test_dates.event_date between asked.start_date - asked.frame_days
                and asked.start_date + monitoring_rule.grace_days
        end
    group by
        asked.member_key,
        asked.monitoring_rule_key,
        asked.subject,
        test_dates.test_number
),

numbered_tests as (
    select distinct
        monitoring_test.monitoring_rule_key,
        monitoring_test.test_number
    from raw.monitoring_test
),

test_names as (
    select
        monitoring_test.monitoring_rule_key,
        max(case when monitoring_test.test_number = 1 then monitoring_test.test_name end) as first_name,
        max(case when monitoring_test.test_number = 2 then monitoring_test.test_name end) as second_name,
        max(case when monitoring_test.test_number = 3 then monitoring_test.test_name end) as third_name
    from raw.monitoring_test
    group by monitoring_test.monitoring_rule_key
),

-- From which day on each test is missing; tests that are there for long are none.
missing_tests as (
    select
        asked.member_key,
        asked.monitoring_rule_key,
        asked.subject,
        numbered_tests.test_number,
        found_tests.test_date,
        case monitoring_rule.frame
            when 'year'
                then greatest(make_date(extract(year from cast($as_of as date)), 1, 1), asked.first_asked_date)
            when 'start' then asked.start_date + monitoring_rule.grace_days
            else greatest(
                asked.first_asked_date, coalesce(found_tests.test_date + asked.frame_days, asked.first_asked_date)
            )
        end as missing_date
    from asked
    inner join raw.monitoring_rule
        on asked.monitoring_rule_key = monitoring_rule.monitoring_rule_key
    inner join numbered_tests
        on asked.monitoring_rule_key = numbered_tests.monitoring_rule_key
    left join found_tests
        on
            asked.member_key = found_tests.member_key
            and asked.monitoring_rule_key = found_tests.monitoring_rule_key
            and asked.subject = found_tests.subject
            and numbered_tests.test_number = found_tests.test_number
    where
        found_tests.test_number is null
        or (
            monitoring_rule.frame = 'rolling'
            and found_tests.test_date + asked.frame_days <= cast($as_of as date) + monitoring_rule.ahead_days
        )
),

-- The tests of a rule side by side: a window over them would carry every row along.
test_needs as (
    select
        missing_tests.member_key,
        missing_tests.monitoring_rule_key,
        missing_tests.subject,
        min(missing_tests.missing_date) as window_start_date,
        greatest(cast($as_of as date), min(missing_tests.missing_date)) as told_through_date,
        max(case when missing_tests.test_number = 1 then missing_tests.missing_date end) as first_missing_date,
        max(case when missing_tests.test_number = 2 then missing_tests.missing_date end) as second_missing_date,
        max(case when missing_tests.test_number = 3 then missing_tests.missing_date end) as third_missing_date,
        max(case when missing_tests.test_number = 1 then missing_tests.test_date end) as first_test_date,
        max(case when missing_tests.test_number = 2 then missing_tests.test_date end) as second_test_date,
        max(case when missing_tests.test_number = 3 then missing_tests.test_date end) as third_test_date
    from missing_tests
    group by
        missing_tests.member_key,
        missing_tests.monitoring_rule_key,
        missing_tests.subject
),

-- A day long before every other stands for a test that was never done.
needs as (
    select
        test_needs.member_key,
        test_needs.monitoring_rule_key,
        test_needs.subject,
        test_needs.window_start_date,
        nullif(
            least(
                case
                    when test_needs.first_missing_date <= test_needs.told_through_date
                        then coalesce(test_needs.first_test_date, date '1900-01-01')
                end,
                case
                    when test_needs.second_missing_date <= test_needs.told_through_date
                        then coalesce(test_needs.second_test_date, date '1900-01-01')
                end,
                case
                    when test_needs.third_missing_date <= test_needs.told_through_date
                        then coalesce(test_needs.third_test_date, date '1900-01-01')
                end
            ),
            date '1900-01-01'
        ) as last_test_date,
        concat_ws(
            ', ',
            case when test_needs.first_missing_date <= test_needs.told_through_date then test_names.first_name end,
            case when test_needs.second_missing_date <= test_needs.told_through_date then test_names.second_name end,
            case when test_needs.third_missing_date <= test_needs.told_through_date then test_names.third_name end
        ) as missing
    from test_needs
    inner join test_names
        on test_needs.monitoring_rule_key = test_names.monitoring_rule_key
),

window_ends as (
    select
        needs.*,
        asked.start_date,
        asked.frame_days,
        asked.claim_id,
        asked.claim_date,
        case
            when monitoring_rule.window_days is not null then asked.start_date + monitoring_rule.window_days
            when monitoring_rule.frame = 'year' then asked.enrolled_through_date
            else greatest(asked.enrolled_through_date, needs.window_start_date + monitoring_rule.due_days)
        end as window_end_date
    from needs
    inner join asked
        on
            needs.member_key = asked.member_key
            and needs.monitoring_rule_key = asked.monitoring_rule_key
            and needs.subject = asked.subject
    inner join raw.monitoring_rule
        on needs.monitoring_rule_key = monitoring_rule.monitoring_rule_key
    where
        needs.window_start_date <= cast($as_of as date) + greatest(
            monitoring_rule.ahead_days, monitoring_rule.grace_days
        )
),

-- What tells of HIV, mental health or substance use: neither it nor its tests are named (rules 6.4).
sensitive_products as (
    select distinct therapy.product
    from facts.therapy
    where therapy.is_sensitive
),

windows as (
    select
        window_ends.*,
        sensitive_products.product is not null as is_sensitive,
        case
            when monitoring_rule.frame = 'year' then window_ends.window_end_date
            else least(window_ends.window_start_date + monitoring_rule.due_days, window_ends.window_end_date)
        end as due_date
    from window_ends
    inner join raw.monitoring_rule
        on window_ends.monitoring_rule_key = monitoring_rule.monitoring_rule_key
    left join sensitive_products
        on window_ends.subject = sensitive_products.product
    left join stopped
        on
            window_ends.member_key = stopped.member_key
            and window_ends.monitoring_rule_key = stopped.monitoring_rule_key
    where
        stopped.member_key is null
        and window_ends.window_start_date <= window_ends.window_end_date
        and window_ends.window_end_date >= cast($as_of as date)
)

select
    windows.member_key,
    windows.monitoring_rule_key,
    windows.subject,
    case when windows.window_start_date <= cast($as_of as date) then 'open' else 'prospective' end as status,
    windows.window_start_date,
    windows.window_end_date,
    windows.due_date,
    windows.claim_id,
    windows.claim_date,
    windows.start_date,
    windows.frame_days,
    windows.last_test_date,
    windows.missing,
    windows.is_sensitive
from windows
order by
    windows.member_key,
    windows.monitoring_rule_key,
    windows.subject
