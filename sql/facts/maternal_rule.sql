-- The rules of data_contracts/prenatal_rules.yaml for each pregnancy and birth that may be spoken of, and what claims
-- say of each: whether something calls for it, closes it, stops it or lowers it.
--
-- Claims alone: what a pharmacist reports is heard in `facts.closing_word`. So a gap that a word has closed is found
-- for as long as no claim closes it, and a claim that follows is told from a pregnancy that is over or in doubt: the
-- claim is the better proof (rules 6.7).
with

asked_episodes as (
    select
        maternal_episode.*,
        prenatal_rule.prenatal_rule_key,
        prenatal_rule.gap_code,
        prenatal_rule.recorded_days
    from facts.maternal_episode
    inner join raw.prenatal_rule
        on
            maternal_episode.population = prenatal_rule.population
            and maternal_episode.tier <= prenatal_rule.lowest_tier
            and (maternal_episode.is_live_birth or not prenatal_rule.needs_live_birth)
            and (
                prenatal_rule.most_evidence_age_days is null
                or maternal_episode.evidence_age_days <= prenatal_rule.most_evidence_age_days
            )
            and (prenatal_rule.setting is null or $aspirin_moderate_risk)
    where
        maternal_episode.status <> 'stale'
        and not maternal_episode.is_severe
),

-- Which rows of each rule are met; closing events after the trigger wait for the trigger.
met_sets as (
    select
        asked_episodes.member_key,
        asked_episodes.episode,
        asked_episodes.prenatal_rule_key,
        prenatal_rule_set.rule_role,
        prenatal_rule_set.rule_group,
        prenatal_rule_set.at_least,
        prenatal_rule_set.prenatal_rule_set_key,
        prenatal_rule_set.since,
        min(maternal_care.event_date) as first_date,
        max(maternal_care.event_date) as last_date,
        max(maternal_care.supply_end_date) as supply_end_date,
        min(concat(maternal_care.event_date, maternal_care.claim_id)) as first_claim
    from asked_episodes
    inner join raw.prenatal_rule_set
        on asked_episodes.prenatal_rule_key = prenatal_rule_set.prenatal_rule_key
    inner join facts.maternal_care
        on
            asked_episodes.member_key = maternal_care.member_key
            and prenatal_rule_set.value_set = maternal_care.value_set
            and (maternal_care.is_paid or prenatal_rule_set.rule_role = 'stop')
            and (
                prenatal_rule_set.categories is null
                or prenatal_rule_set.categories like concat('%;', maternal_care.category, ';%')
            )
            and maternal_care.event_date >= case prenatal_rule_set.since
                when 'lmp' then asked_episodes.lmp_date
                when 'delivery' then asked_episodes.delivery_date + prenatal_rule_set.from_day
                when 'days' then cast($as_of as date) - prenatal_rule_set.since_days + 1
                -- The last such day before tonight.
                when 'season'
                    then cast(
                        concat(
                            extract(year from cast($as_of as date))
                            - cast(
                                substr(cast(cast($as_of as date) as varchar), 6) < prenatal_rule_set.since_month_day
                                as integer
                            ),
                            '-',
                            prenatal_rule_set.since_month_day
                        ) as date
                    )
                else date '1900-01-01'
            end
            -- Needs speak of this pregnancy: what is recorded after its end is of the time after it.
            and (
                prenatal_rule_set.since <> 'lmp'
                or prenatal_rule_set.rule_role = 'close'
                or maternal_care.event_date <= coalesce(asked_episodes.delivery_date + 42, cast($as_of as date))
            )
    where
        (
            prenatal_rule_set.until_gestational_day is null
            or (
                prenatal_rule_set.rule_role = 'close'
                and asked_episodes.gestational_age_days <= prenatal_rule_set.until_gestational_day
            )
            or (
                prenatal_rule_set.rule_role <> 'close'
                and maternal_care.event_date <= asked_episodes.lmp_date + prenatal_rule_set.until_gestational_day
            )
        )
    group by
        asked_episodes.member_key,
        asked_episodes.episode,
        asked_episodes.prenatal_rule_key,
        prenatal_rule_set.rule_role,
        prenatal_rule_set.rule_group,
        prenatal_rule_set.at_least,
        prenatal_rule_set.prenatal_rule_set_key,
        prenatal_rule_set.since,
        prenatal_rule_set.event_kind,
        prenatal_rule_set.slack_days,
        prenatal_rule_set.fewest_claims
    having
        (
            prenatal_rule_set.fewest_claims = 1
            or count(distinct maternal_care.claim_id) >= prenatal_rule_set.fewest_claims
        )
        and (
            prenatal_rule_set.event_kind = 'event'
            or max(
                coalesce(maternal_care.supply_end_date, maternal_care.event_date + prenatal_rule_set.line_days - 1)
            ) >= cast($as_of as date) - prenatal_rule_set.slack_days
        )
),

met_groups as (
    select
        met_sets.member_key,
        met_sets.episode,
        met_sets.prenatal_rule_key,
        met_sets.rule_role,
        met_sets.rule_group,
        min(met_sets.first_date) as first_date,
        max(met_sets.supply_end_date) as supply_end_date,
        min(met_sets.first_claim) as first_claim
    from met_sets
    where met_sets.since <> 'trigger'
    group by
        met_sets.member_key,
        met_sets.episode,
        met_sets.prenatal_rule_key,
        met_sets.rule_role,
        met_sets.rule_group,
        met_sets.at_least
    having count(*) >= met_sets.at_least
),

found_needs as (
    select
        met_groups.member_key,
        met_groups.episode,
        met_groups.prenatal_rule_key,
        min(met_groups.first_date) as trigger_date,
        max(met_groups.supply_end_date) as supply_end_date,
        nullif(substr(min(met_groups.first_claim), 11), '') as claim_id
    from met_groups
    where met_groups.rule_role = 'need'
    group by
        met_groups.member_key,
        met_groups.episode,
        met_groups.prenatal_rule_key
),

met_roles as (
    select
        met_groups.member_key,
        met_groups.episode,
        met_groups.prenatal_rule_key,
        max(case when met_groups.rule_role = 'close' then 1 else 0 end) as is_closed,
        max(case when met_groups.rule_role = 'stop' then 1 else 0 end) as is_stopped,
        max(case when met_groups.rule_role = 'lower' then 1 else 0 end) as is_lowered
    from met_groups
    group by
        met_groups.member_key,
        met_groups.episode,
        met_groups.prenatal_rule_key
),

later_closings as (
    select
        met_sets.member_key,
        met_sets.episode,
        met_sets.prenatal_rule_key,
        max(met_sets.last_date) as last_date
    from met_sets
    where
        met_sets.rule_role = 'close'
        and met_sets.since = 'trigger'
    group by
        met_sets.member_key,
        met_sets.episode,
        met_sets.prenatal_rule_key
),

needy_rules as (
    select distinct prenatal_rule_set.prenatal_rule_key
    from raw.prenatal_rule_set
    where prenatal_rule_set.rule_role = 'need'
)

select
    asked_episodes.member_key,
    asked_episodes.episode,
    asked_episodes.prenatal_rule_key,
    asked_episodes.gap_code,
    asked_episodes.recorded_days,
    asked_episodes.tier,
    asked_episodes.lmp_date,
    asked_episodes.delivery_date,
    asked_episodes.gestational_age_days,
    asked_episodes.least_gestational_age_days,
    asked_episodes.last_evidence_date,
    asked_episodes.enrollment_start_date,
    asked_episodes.state,
    found_needs.trigger_date,
    found_needs.supply_end_date,
    found_needs.claim_id,
    needy_rules.prenatal_rule_key is null or found_needs.member_key is not null as is_needed,
    coalesce(met_roles.is_closed = 1, false) or coalesce(later_closings.last_date >= found_needs.trigger_date, false)
        as is_closed,
    coalesce(met_roles.is_stopped = 1, false) as is_stopped,
    coalesce(met_roles.is_lowered = 1, false) as is_lowered
from asked_episodes
left join needy_rules
    on asked_episodes.prenatal_rule_key = needy_rules.prenatal_rule_key
left join found_needs
    on
        asked_episodes.member_key = found_needs.member_key
        and asked_episodes.episode = found_needs.episode
        and asked_episodes.prenatal_rule_key = found_needs.prenatal_rule_key
left join met_roles
    on
        asked_episodes.member_key = met_roles.member_key
        and asked_episodes.episode = met_roles.episode
        and asked_episodes.prenatal_rule_key = met_roles.prenatal_rule_key
left join later_closings
    on
        asked_episodes.member_key = later_closings.member_key
        and asked_episodes.episode = later_closings.episode
        and asked_episodes.prenatal_rule_key = later_closings.prenatal_rule_key
order by
    asked_episodes.member_key,
    asked_episodes.episode,
    asked_episodes.prenatal_rule_key
