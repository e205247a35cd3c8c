-- Unmet needs of care in an area where it is too far: one row per member and desert rule of the kinds care and start.
--
-- Care: what the rule needs is there, one set of every group, and nothing that meets it within the look-back; the need
-- began when the last care fell out of the look-back, or when the member had been enrolled long enough. Start: what
-- starts is new, with none of the same set in the days before, its days have passed, and nothing meets it (deserts
-- 4.2). A start counts only of members who had been enrolled long enough before for it to be new.
with

asked as (
    select
        desert_member.member_key,
        desert_rule.desert_rule_key,
        desert_rule.kind,
        desert_member.enrollment_start_date,
        desert_member.enrollment_start_date + desert_rule.enrolled_days - 1 as enrolled_date,
        desert_rule.enrolled_days,
        desert_rule.after_days,
        desert_rule.within_days,
        desert_rule.clean_days
    from facts.desert_member
    inner join facts.access
        on desert_member.zcta = access.zcta
    inner join raw.desert_rule
        on
            access.service = desert_rule.service
            and access.standard_id = desert_rule.standard_id
            and desert_rule.kind in ('care', 'start')
            and desert_member.age >= desert_rule.min_age
    where
        access.is_desert
        and desert_member.enrollment_start_date + desert_rule.enrolled_days - 1 <= cast($as_of as date)
),

asked_care as (
    select
        asked.member_key,
        asked.desert_rule_key,
        desert_rule_set.desert_rule_set_key,
        desert_rule_set.rule_role,
        desert_rule_set.rule_group,
        desert_rule_set.since,
        desert_rule_set.since_days,
        desert_rule_set.fewest_dates,
        desert_rule_set.fewest_classes,
        asked.after_days,
        asked.within_days,
        asked.clean_days,
        asked.enrollment_start_date + asked.enrolled_days as first_start_date,
        desert_care.event_date,
        desert_care.category,
        desert_care.claim_id
    from asked
    inner join raw.desert_rule_set
        on asked.desert_rule_key = desert_rule_set.desert_rule_key
    inner join facts.desert_care
        on
            asked.member_key = desert_care.member_key
            and desert_rule_set.value_set = desert_care.value_set
    where
        (
            desert_rule_set.categories is null
            or desert_rule_set.categories like concat('%;', desert_care.category, ';%')
        )
        and (
            desert_rule_set.clinicians is null
            or desert_rule_set.clinicians like concat('%;', desert_care.specialty, ';%')
        )
        and (not desert_rule_set.is_inpatient or desert_care.is_inpatient)
),

found_sets as (
    select
        asked_care.member_key,
        asked_care.desert_rule_key,
        asked_care.rule_role,
        asked_care.rule_group,
        min(concat(asked_care.event_date, asked_care.claim_id)) as first_claim
    from asked_care
    where
        asked_care.rule_role <> 'start'
        and asked_care.since <> 'trigger'
        and (asked_care.since = 'ever' or asked_care.event_date > cast($as_of as date) - asked_care.since_days)
    group by
        asked_care.member_key,
        asked_care.desert_rule_key,
        asked_care.desert_rule_set_key,
        asked_care.rule_role,
        asked_care.rule_group,
        asked_care.fewest_dates,
        asked_care.fewest_classes
    having
        count(distinct asked_care.event_date) >= asked_care.fewest_dates
        and (asked_care.fewest_classes = 1 or count(distinct asked_care.category) >= asked_care.fewest_classes)
),

needed_groups as (
    select
        desert_rule_set.desert_rule_key,
        count(distinct desert_rule_set.rule_group) as group_count
    from raw.desert_rule_set
    where desert_rule_set.rule_role = 'need'
    group by desert_rule_set.desert_rule_key
),

found_needs as (
    select
        found_sets.member_key,
        found_sets.desert_rule_key,
        count(distinct found_sets.rule_group) as group_count,
        min(found_sets.first_claim) as first_claim
    from found_sets
    where found_sets.rule_role = 'need'
    group by
        found_sets.member_key,
        found_sets.desert_rule_key
),

-- Days on which something of a set was found, each with the one before it.
spaced_starts as (
    select
        asked_care.member_key,
        asked_care.desert_rule_key,
        asked_care.event_date,
        asked_care.after_days,
        asked_care.within_days,
        asked_care.clean_days,
        asked_care.first_start_date,
        min(asked_care.claim_id) as claim_id,
        lag(asked_care.event_date) over (
            partition by asked_care.member_key, asked_care.desert_rule_key, asked_care.desert_rule_set_key
            order by asked_care.event_date
        ) as previous_date
    from asked_care
    where asked_care.rule_role = 'start'
    group by
        asked_care.member_key,
        asked_care.desert_rule_key,
        asked_care.desert_rule_set_key,
        asked_care.event_date,
        asked_care.after_days,
        asked_care.within_days,
        asked_care.clean_days,
        asked_care.first_start_date
),

new_starts as (
    select
        spaced_starts.member_key,
        spaced_starts.desert_rule_key,
        min(concat(spaced_starts.event_date, spaced_starts.claim_id)) as first_claim
    from spaced_starts
    where
        coalesce(
            cast(spaced_starts.event_date - spaced_starts.previous_date as integer) > spaced_starts.clean_days, true
        )
        and spaced_starts.event_date >= spaced_starts.first_start_date
        and spaced_starts.event_date <= cast($as_of as date) - spaced_starts.after_days
        and spaced_starts.event_date > cast($as_of as date) - spaced_starts.within_days
    group by
        spaced_starts.member_key,
        spaced_starts.desert_rule_key
),

needs as (
    select
        asked.member_key,
        asked.desert_rule_key,
        asked.kind,
        asked.enrollment_start_date,
        asked.enrolled_date,
        asked.after_days,
        cast(substr(new_starts.first_claim, 1, 10) as date) as trigger_date,
        coalesce(new_starts.first_claim, found_needs.first_claim) as first_claim
    from asked
    left join new_starts
        on
            asked.member_key = new_starts.member_key
            and asked.desert_rule_key = new_starts.desert_rule_key
    left join needed_groups
        on asked.desert_rule_key = needed_groups.desert_rule_key
    left join found_needs
        on
            asked.member_key = found_needs.member_key
            and asked.desert_rule_key = found_needs.desert_rule_key
    where
        (asked.kind <> 'start' or new_starts.member_key is not null)
        and coalesce(found_needs.group_count, 0) >= coalesce(needed_groups.group_count, 0)
),

-- How far back each rule looks for care, and the last care of any day.
look_backs as (
    select
        desert_rule_set.desert_rule_key,
        max(desert_rule_set.since_days) as since_days
    from raw.desert_rule_set
    where desert_rule_set.rule_role = 'met'
    group by desert_rule_set.desert_rule_key
),

last_care as (
    select
        asked_care.member_key,
        asked_care.desert_rule_key,
        max(asked_care.event_date) as event_date
    from asked_care
    where asked_care.rule_role = 'met'
    group by
        asked_care.member_key,
        asked_care.desert_rule_key
)

select
    needs.member_key,
    needs.desert_rule_key,
    needs.trigger_date,
    greatest(
        needs.enrollment_start_date, cast($as_of as date) - look_backs.since_days + 1
    ) as since_date,
    case
        when needs.kind = 'start' then needs.trigger_date + needs.after_days
        else greatest(needs.enrolled_date, last_care.event_date + look_backs.since_days)
    end as window_start_date,
    nullif(substr(needs.first_claim, 11), '') as claim_id,
    cast(nullif(substr(needs.first_claim, 1, 10), '') as date) as claim_date
from needs
inner join look_backs
    on needs.desert_rule_key = look_backs.desert_rule_key
left join last_care
    on
        needs.member_key = last_care.member_key
        and needs.desert_rule_key = last_care.desert_rule_key
where
    not exists (
        select 1
        from found_sets
        where
            found_sets.member_key = needs.member_key
            and found_sets.desert_rule_key = needs.desert_rule_key
            and found_sets.rule_role = 'met'
    )
    and not exists (
        select 1
        from asked_care
        where
            asked_care.member_key = needs.member_key
            and asked_care.desert_rule_key = needs.desert_rule_key
            and asked_care.rule_role = 'met'
            and asked_care.since = 'trigger'
            and asked_care.event_date > needs.trigger_date
    )
order by
    needs.member_key,
    needs.desert_rule_key
