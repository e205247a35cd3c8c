-- Gaps in maternal care: what the rules of data_contracts/prenatal_rules.yaml ask of each pregnancy and birth.
--
-- One row per member, code and pregnancy, of the rule that is open, else of the first to open; who may be spoken of is
-- told in `facts.maternal_episode`. Tier C and stale evidence get a neutral check-in, and tier C an offer of rescue
-- medicine from fills. `confidence` falls with the tier, and by half where products are often bought without a claim.
-- Wording follows rule L6 (maternal 1.7) and never says that something is missing.
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

-- A pharmacist's word closes a gap: done or in hand, or declined, which is not asked again for 180 days (rules 6.3).
recorded_outcomes as (
    select
        member.member_key,
        contact_attempt.gap_code,
        contact_attempt.outcome_code = 'REACHED_DECLINED' as is_declined,
        max(contact_attempt.attempted_date) as recorded_date
    from facts.contact_attempt
    inner join core.member
        on contact_attempt.person_id = member.person_id
    where
        contact_attempt.outcome_code in ('REACHED_COMPLETED', 'REACHED_DECLINED', 'GAP_ALREADY_CLOSED', 'REFERRED')
    group by
        member.member_key,
        contact_attempt.gap_code,
        contact_attempt.outcome_code = 'REACHED_DECLINED'
),

standing_rules as (
    select
        asked_episodes.*,
        found_needs.trigger_date,
        found_needs.supply_end_date,
        found_needs.claim_id,
        lowering.member_key is not null as is_lowered
    from asked_episodes
    left join found_needs
        on
            asked_episodes.member_key = found_needs.member_key
            and asked_episodes.episode = found_needs.episode
            and asked_episodes.prenatal_rule_key = found_needs.prenatal_rule_key
    left join (
        select distinct
            met_groups.member_key,
            met_groups.prenatal_rule_key
        from met_groups
        where met_groups.rule_role = 'lower'
    ) as lowering
        on
            asked_episodes.member_key = lowering.member_key
            and asked_episodes.prenatal_rule_key = lowering.prenatal_rule_key
    where
        (
            found_needs.member_key is not null
            or asked_episodes.prenatal_rule_key not in (
                select prenatal_rule_set.prenatal_rule_key
                from raw.prenatal_rule_set
                where prenatal_rule_set.rule_role = 'need'
            )
        )
        and not exists (
            select 1
            from met_groups
            where
                met_groups.member_key = asked_episodes.member_key
                and met_groups.episode = asked_episodes.episode
                and met_groups.prenatal_rule_key = asked_episodes.prenatal_rule_key
                and met_groups.rule_role in ('close', 'stop')
        )
        and not exists (
            select 1
            from met_sets
            where
                met_sets.member_key = asked_episodes.member_key
                and met_sets.episode = asked_episodes.episode
                and met_sets.prenatal_rule_key = asked_episodes.prenatal_rule_key
                and met_sets.rule_role = 'close'
                and met_sets.since = 'trigger'
                and met_sets.last_date >= found_needs.trigger_date
        )
        and not exists (
            select 1
            from recorded_outcomes
            where
                recorded_outcomes.member_key = asked_episodes.member_key
                and recorded_outcomes.gap_code = asked_episodes.gap_code
                and recorded_outcomes.recorded_date >= case
                    when recorded_outcomes.is_declined then cast($as_of as date) - 179
                    else coalesce(cast($as_of as date) - asked_episodes.recorded_days + 1, asked_episodes.lmp_date)
                end
        )
),

rule_windows as (
    select
        standing_rules.*,
        prenatal_rule.season_start is not null as is_seasonal,
        prenatal_rule.uses_least_gestational_age,
        case prenatal_rule.start_anchor
            when 'lmp' then standing_rules.lmp_date
            when 'delivery' then standing_rules.delivery_date
            when 'trigger' then standing_rules.trigger_date
            when 'supply' then standing_rules.supply_end_date
        end + prenatal_rule.start_day as start_date,
        -- Who enrolled late is asked until the day that is due for them.
        greatest(
            case prenatal_rule.end_anchor
                when 'lmp' then standing_rules.lmp_date
                when 'delivery' then standing_rules.delivery_date
                when 'trigger' then standing_rules.trigger_date
                when 'supply' then standing_rules.supply_end_date
            end + prenatal_rule.end_day,
            standing_rules.enrollment_start_date + prenatal_rule.due_enrolled_days
        ) as end_date,
        greatest(
            case prenatal_rule.due_anchor
                when 'lmp' then standing_rules.lmp_date
                when 'delivery' then standing_rules.delivery_date
                when 'trigger' then standing_rules.trigger_date
                when 'supply' then standing_rules.supply_end_date
            end + prenatal_rule.due_day,
            standing_rules.enrollment_start_date + prenatal_rule.due_enrolled_days
        ) as due_date
    from standing_rules
    inner join raw.prenatal_rule
        on standing_rules.prenatal_rule_key = prenatal_rule.prenatal_rule_key
    where
        prenatal_rule.season_unknown_in is null
        or concat(';', prenatal_rule.season_unknown_in, ';')
        not like concat('%;', coalesce(standing_rules.state, '?'), ';%')
),

-- A season's year is that of its first day.
season_years as (
    select extract(year from cast($as_of as date)) + year_offsets.year_offset as season_year
    from (values (-1), (0), (1)) as year_offsets (year_offset)
),

seasons as (
    select
        prenatal_rule.prenatal_rule_key,
        cast(concat(season_years.season_year, '-', prenatal_rule.season_start) as date) as season_start_date,
        cast(
            concat(
                season_years.season_year
                + case when prenatal_rule.season_end < prenatal_rule.season_start then 1 else 0 end,
                '-',
                prenatal_rule.season_end
            ) as date
        ) as season_end_date
    from raw.prenatal_rule
    cross join season_years
    where prenatal_rule.season_start is not null
),

-- Seasons that still lie ahead or are on; one that is over asks for nothing.
dated_rules as (
    select
        rule_windows.*,
        greatest(rule_windows.start_date, seasons.season_start_date) as window_start_date,
        least(rule_windows.end_date, seasons.season_end_date) as window_end_date
    from rule_windows
    left join seasons
        on
            rule_windows.prenatal_rule_key = seasons.prenatal_rule_key
            and greatest(rule_windows.start_date, cast($as_of as date)) <= seasons.season_end_date
            and rule_windows.end_date >= seasons.season_start_date
    where
        not rule_windows.is_seasonal
        or seasons.prenatal_rule_key is not null
),

windowed_rules as (
    select
        dated_rules.*,
        greatest(least(dated_rules.due_date, dated_rules.window_end_date), dated_rules.window_start_date) as best_date,
        row_number() over (
            partition by dated_rules.member_key, dated_rules.episode, dated_rules.gap_code
            order by
                dated_rules.window_start_date > cast($as_of as date),
                dated_rules.window_start_date,
                dated_rules.prenatal_rule_key
        ) as choice
    from dated_rules
    where
        dated_rules.window_end_date >= cast($as_of as date)
        -- Where the start is uncertain, the latest that it may be decides (maternal 1.8, breast pump).
        and (
            not dated_rules.uses_least_gestational_age
            or dated_rules.tier = 'A'
            or dated_rules.least_gestational_age_days >= cast(dated_rules.start_date - dated_rules.lmp_date as integer)
        )
),

-- What a rule says from a day inside its window on.
worded_rules as (
    select
        windowed_rules.*,
        coalesce(
            case prenatal_rule.later_anchor
                when 'lmp' then windowed_rules.lmp_date
                when 'delivery' then windowed_rules.delivery_date
                when 'due' then windowed_rules.best_date
            end + prenatal_rule.later_day <= cast($as_of as date),
            false
        ) as is_later
    from windowed_rules
    inner join raw.prenatal_rule
        on windowed_rules.prenatal_rule_key = prenatal_rule.prenatal_rule_key
    where windowed_rules.choice = 1
),

dating_claims as (
    select
        maternal_episode.member_key,
        maternal_episode.episode,
        min(pregnancy_evidence.claim_id) as claim_id
    from facts.maternal_episode
    inner join facts.pregnancy_evidence
        on
            maternal_episode.member_key = pregnancy_evidence.member_key
            and maternal_episode.last_evidence_date = pregnancy_evidence.event_date
            and pregnancy_evidence.is_counted
    group by
        maternal_episode.member_key,
        maternal_episode.episode
),

check_ins as (
    select
        maternal_episode.member_key,
        maternal_episode.episode,
        maternal_episode.tier,
        maternal_episode.last_evidence_date
    from facts.maternal_episode
    where
        maternal_episode.population = 'pregnant'
        and maternal_episode.evidence_age_days <= 70
        and (maternal_episode.status = 'stale' or maternal_episode.tier = 'C')
        and not maternal_episode.is_severe
        and not exists (
            select 1
            from recorded_outcomes
            where
                recorded_outcomes.member_key = maternal_episode.member_key
                and recorded_outcomes.gap_code = 'MATERNAL_CHECK_IN'
                and recorded_outcomes.recorded_date
                > cast($as_of as date) - case when recorded_outcomes.is_declined then 180 else 90 end
        )
)

select
    worded_rules.member_key,
    worded_rules.gap_code,
    concat('episode ', worded_rules.episode) as subject,
    case when worded_rules.window_start_date <= cast($as_of as date) then 'open' else 'prospective' end as status,
    worded_rules.window_start_date,
    worded_rules.window_end_date,
    worded_rules.best_date as due_date,
    cast(
        coalesce(
            case when worded_rules.is_later then prenatal_rule.later_severity end,
            prenatal_rule.severity,
            gap_code.severity
        ) * case when worded_rules.is_lowered then 0.5 else 1 end
        as decimal(9, 4)
    ) as severity,
    cast(
        case worded_rules.tier when 'A' then 1 when 'B' then 0.7 else 0.4 end
        * case when prenatal_rule.is_over_the_counter then 0.5 else 1 end as decimal(9, 4)
    ) as confidence,
    replace(
        replace(
            replace(
                replace(
                    coalesce(case when worded_rules.is_later then prenatal_rule.later_reason end, prenatal_rule.reason),
                    '{trigger}', coalesce(cast(worded_rules.trigger_date as varchar), '')
                ),
                '{supply}', coalesce(cast(worded_rules.supply_end_date as varchar), '')
            ),
            '{delivery}', coalesce(cast(worded_rules.delivery_date as varchar), '')
        ),
        '{due}', cast(worded_rules.best_date as varchar)
    ) as reason,
    concat(
        '{"claims":[',
        rtrim(
            cast(cast({ 'claim_id': coalesce(worded_rules.claim_id, dating_claims.claim_id) } as json) as varchar), '}'
        ),
        ',"date":',
        coalesce(
            '"' || cast(coalesce(worded_rules.trigger_date, worded_rules.last_evidence_date) as varchar) || '"', 'null'
        ),
        '},',
        cast(cast({ 'claim_id': dating_claims.claim_id } as json) as varchar),
        '],"lmp_date":"', worded_rules.lmp_date,
        '","tier":"', worded_rules.tier,
        '",',
        substr(
            cast(
                cast({ 'rule': prenatal_rule.prenatal_rule_id, 'source': prenatal_rule.source } as json) as varchar
            ),
            2
        )
    ) as evidence,
    worded_rules.tier = 'C' as is_sensitive,
    worded_rules.tier,
    prenatal_rule.prenatal_rule_id
from worded_rules
inner join raw.prenatal_rule
    on worded_rules.prenatal_rule_key = prenatal_rule.prenatal_rule_key
inner join raw.gap_code
    on worded_rules.gap_code = gap_code.gap_code
left join dating_claims
    on
        worded_rules.member_key = dating_claims.member_key
        and worded_rules.episode = dating_claims.episode
union all
select
    check_ins.member_key,
    'MATERNAL_CHECK_IN' as gap_code,
    concat('episode ', check_ins.episode) as subject,
    'open' as status,
    check_ins.last_evidence_date as window_start_date,
    check_ins.last_evidence_date + 70 as window_end_date,
    check_ins.last_evidence_date + 70 as due_date,
    cast(null as decimal(9, 4)) as severity,
    cast(0.4 as decimal(9, 4)) as confidence,
    'Check in: ask whether there is anything that the pharmacy can help with.' as reason,
    concat(
        '{"claims":[',
        cast(cast({ 'claim_id': dating_claims.claim_id } as json) as varchar),
        '],"last_evidence_date":"', check_ins.last_evidence_date,
        '","rule":"Neutral check-in on weak or ageing evidence","source":"maternal 1.6, steps 6 and 7"}'
    ) as evidence,
    true as is_sensitive,
    check_ins.tier,
    'check_in' as prenatal_rule_id
from check_ins
left join dating_claims
    on
        check_ins.member_key = dating_claims.member_key
        and check_ins.episode = dating_claims.episode
