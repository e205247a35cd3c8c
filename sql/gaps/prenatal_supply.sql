-- Gaps in maternal care: what the rules of data_contracts/prenatal_rules.yaml ask of each pregnancy and birth.
--
-- One row per member, code and pregnancy, of the rule that is open, else of the first to open. Nothing here is said of
-- a member with an unlifted loss, in doubt, in hospital, under 18, or while the gate is closed (rules 1.6 to 1.8). Tier C
-- and stale evidence get a neutral check-in at most. `confidence` falls with the tier, and by half where products are
-- often bought without a claim. Wording follows rule L6 and never says that something is missing.
with

-- Episodes that may be spoken of, with their anchors; each member at most one pregnancy and one latest birth.
spoken_episodes as (
    select
        pregnancy.member_key,
        pregnancy.episode,
        case when pregnancy.end_date is null then 'pregnant' else 'postpartum' end as population,
        pregnancy.status,
        coalesce(pregnancy.tier, 'A') as tier,
        pregnancy.lmp_date,
        pregnancy.end_date as delivery_date,
        pregnancy.gestational_age_days,
        pregnancy.least_gestational_age_days,
        cast(cast($as_of as date) - pregnancy.last_evidence_date as integer) as evidence_age_days,
        pregnancy.last_evidence_date,
        coalesce(pregnancy.outcome = 'live_birth' and pregnancy.is_paid_outcome, false) as is_live_birth,
        enrollment.enrollment_start_date,
        member.state
    from facts.pregnancy
    cross join facts.maternal_gate
    inner join core.member
        on pregnancy.member_key = member.member_key
    inner join core.enrollment
        on
            pregnancy.member_key = enrollment.member_key
            and cast($as_of as date) between enrollment.enrollment_start_date and enrollment.enrollment_end_date
    where
        maternal_gate.closed_reason is null
        and pregnancy.referral_reason is null
        and coalesce(member.death_date > cast($as_of as date), true)
        and (
            (pregnancy.status in ('current', 'stale') and coalesce(pregnancy.tier, 'X') <> 'X')
            or (
                pregnancy.status = 'ended'
                and pregnancy.outcome in ('live_birth', 'delivery')
                and pregnancy.end_date > cast($as_of as date) - 366
            )
        )
        and pregnancy.member_key not in (
            select suppression.member_key
            from facts.suppression
            where
                suppression.rule = 'L1'
                and suppression.released_by is null
        )
        and pregnancy.member_key not in (
            select stay.member_key
            from core.stay
            where cast($as_of as date) between stay.admission_date and stay.discharge_date
        )
        -- A new pregnancy ends the time after the last birth.
        and (
            pregnancy.end_date is null
            or not exists (
                select 1
                from facts.pregnancy as later
                where
                    later.member_key = pregnancy.member_key
                    and later.episode > pregnancy.episode
            )
        )
),

-- Severe conditions are a clinician's: a pregnant member with one is on no routine list (rules 2, BP_MONITOR).
clinician_members as (
    select distinct spoken_episodes.member_key
    from spoken_episodes
    inner join facts.maternal_care
        on
            spoken_episodes.member_key = maternal_care.member_key
            and maternal_care.value_set = 'severe_preeclampsia'
            and maternal_care.event_date >= spoken_episodes.lmp_date
    where spoken_episodes.population = 'pregnant'
),

asked_episodes as (
    select
        spoken_episodes.*,
        prenatal_rule.prenatal_rule_key,
        prenatal_rule.gap_code
    from spoken_episodes
    inner join raw.prenatal_rule
        on
            spoken_episodes.population = prenatal_rule.population
            and spoken_episodes.tier <= prenatal_rule.lowest_tier
            and (spoken_episodes.is_live_birth or not prenatal_rule.needs_live_birth)
            and spoken_episodes.evidence_age_days
            <= coalesce(prenatal_rule.most_evidence_age_days, spoken_episodes.evidence_age_days)
    where
        spoken_episodes.status <> 'stale'
        and spoken_episodes.member_key not in (select clinician_members.member_key from clinician_members)
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
        min(maternal_care.claim_id) as claim_id
    from asked_episodes
    inner join raw.prenatal_rule_set
        on asked_episodes.prenatal_rule_key = prenatal_rule_set.prenatal_rule_key
    inner join facts.maternal_care
        on
            asked_episodes.member_key = maternal_care.member_key
            and prenatal_rule_set.value_set = maternal_care.value_set
            and (
                prenatal_rule_set.categories is null
                or prenatal_rule_set.categories like concat('%;', maternal_care.category, ';%')
            )
            and maternal_care.event_date >= case prenatal_rule_set.since
                when 'lmp' then asked_episodes.lmp_date
                -- The claim of the birth itself is no care after it.
                when 'delivery' then asked_episodes.delivery_date + 1
                when 'days' then cast($as_of as date) - prenatal_rule_set.since_days + 1
                when 'season'
                    then case
                        when
                            cast(concat(extract(year from cast($as_of as date)), '-', prenatal_rule_set.since_month_day) as date)
                            <= cast($as_of as date)
                            then cast(
                                concat(extract(year from cast($as_of as date)), '-', prenatal_rule_set.since_month_day) as date
                            )
                        else cast(
                            concat(extract(year from cast($as_of as date)) - 1, '-', prenatal_rule_set.since_month_day) as date
                        )
                    end
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
        prenatal_rule_set.fewest_dates
    having
        count(distinct maternal_care.event_date) >= prenatal_rule_set.fewest_dates
        and (
            prenatal_rule_set.event_kind = 'event'
            or max(maternal_care.supply_end_date) >= cast($as_of as date) - prenatal_rule_set.slack_days
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
        min(met_sets.claim_id) as claim_id
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
        min(met_groups.claim_id) as claim_id
    from met_groups
    where met_groups.rule_role = 'need'
    group by
        met_groups.member_key,
        met_groups.episode,
        met_groups.prenatal_rule_key
),

rules_with_needs as (
    select distinct prenatal_rule_set.prenatal_rule_key
    from raw.prenatal_rule_set
    where prenatal_rule_set.rule_role = 'need'
),

-- A pharmacist's word closes a gap for 90 days: it was bought, done or declined.
recorded_outcomes as (
    select distinct
        member.member_key,
        coalesce(outreach_outcome.gap_code, state_gap.gap_code) as gap_code
    from raw.outreach_outcome
    left join raw.state_gap
        on outreach_outcome.gap_id = state_gap.gap_id
    inner join core.member
        on coalesce(outreach_outcome.person_id, state_gap.person_id) = member.person_id
    where
        outreach_outcome.outcome_code in ('REACHED_COMPLETED', 'REACHED_DECLINED', 'GAP_ALREADY_CLOSED', 'REFERRED')
        and cast(outreach_outcome.attempted_at as date)
        between cast($as_of as date) - 89 and cast($as_of as date)
),

standing_rules as (
    select
        asked_episodes.member_key,
        asked_episodes.episode,
        asked_episodes.population,
        asked_episodes.tier,
        asked_episodes.lmp_date,
        asked_episodes.delivery_date,
        asked_episodes.least_gestational_age_days,
        asked_episodes.last_evidence_date,
        asked_episodes.enrollment_start_date,
        asked_episodes.state,
        asked_episodes.prenatal_rule_key,
        found_needs.trigger_date,
        found_needs.supply_end_date,
        found_needs.claim_id,
        lowering.member_key is not null as is_lowered
    from asked_episodes
    left join rules_with_needs
        on asked_episodes.prenatal_rule_key = rules_with_needs.prenatal_rule_key
    left join found_needs
        on
            asked_episodes.member_key = found_needs.member_key
            and asked_episodes.episode = found_needs.episode
            and asked_episodes.prenatal_rule_key = found_needs.prenatal_rule_key
    left join (
        select distinct
            met_groups.member_key,
            met_groups.episode,
            met_groups.prenatal_rule_key
        from met_groups
        where met_groups.rule_role = 'lower'
    ) as lowering
        on
            asked_episodes.member_key = lowering.member_key
            and asked_episodes.episode = lowering.episode
            and asked_episodes.prenatal_rule_key = lowering.prenatal_rule_key
    where
        (rules_with_needs.prenatal_rule_key is null or found_needs.member_key is not null)
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
        )
),

rule_windows as (
    select
        standing_rules.*,
        prenatal_rule.prenatal_rule_id,
        prenatal_rule.gap_code,
        prenatal_rule.severity,
        prenatal_rule.is_over_the_counter,
        prenatal_rule.reason,
        prenatal_rule.source,
        prenatal_rule.season_start,
        prenatal_rule.season_end,
        prenatal_rule.uses_least_gestational_age,
        case prenatal_rule.start_anchor
            when 'lmp' then standing_rules.lmp_date
            when 'delivery' then standing_rules.delivery_date
            when 'trigger' then standing_rules.trigger_date
            when 'supply' then standing_rules.supply_end_date
        end + prenatal_rule.start_day as start_date,
        case prenatal_rule.end_anchor
            when 'lmp' then standing_rules.lmp_date
            when 'delivery' then standing_rules.delivery_date
            when 'trigger' then standing_rules.trigger_date
            when 'supply' then standing_rules.supply_end_date
        end + prenatal_rule.end_day as end_date,
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
        or concat(';', prenatal_rule.season_unknown_in, ';') not like concat('%;', coalesce(standing_rules.state, '?'), ';%')
),

-- A season's year is that of its first day; a window may touch the season before, of or after its own year.
seasons as (
    select
        rule_windows.member_key,
        rule_windows.prenatal_rule_key,
        rule_windows.episode,
        cast(
            concat(extract(year from rule_windows.start_date) + season_years.year_offset, '-', rule_windows.season_start) as date
        ) as season_start_date,
        cast(
            concat(
                extract(year from rule_windows.start_date)
                + season_years.year_offset
                + case when rule_windows.season_end < rule_windows.season_start then 1 else 0 end,
                '-',
                rule_windows.season_end
            ) as date
        ) as season_end_date
    from rule_windows
    cross join (values (-1), (0), (1)) as season_years (year_offset)
    where rule_windows.season_start is not null
),

-- The season that still lies ahead or is on; one that is over asks for nothing.
next_seasons as (
    select
        seasons.member_key,
        seasons.prenatal_rule_key,
        seasons.episode,
        min(seasons.season_start_date) as season_start_date,
        min(seasons.season_end_date) as season_end_date
    from seasons
    inner join rule_windows
        on
            seasons.member_key = rule_windows.member_key
            and seasons.prenatal_rule_key = rule_windows.prenatal_rule_key
            and seasons.episode = rule_windows.episode
    where
        seasons.season_end_date >= greatest(rule_windows.start_date, cast($as_of as date))
        and seasons.season_start_date <= rule_windows.end_date
    group by
        seasons.member_key,
        seasons.prenatal_rule_key,
        seasons.episode
),

dated_rules as (
    select
        rule_windows.*,
        greatest(rule_windows.start_date, next_seasons.season_start_date) as window_start_date,
        least(rule_windows.end_date, next_seasons.season_end_date) as window_end_date
    from rule_windows
    left join next_seasons
        on
            rule_windows.member_key = next_seasons.member_key
            and rule_windows.prenatal_rule_key = next_seasons.prenatal_rule_key
            and rule_windows.episode = next_seasons.episode
    where
        rule_windows.season_start is null
        or next_seasons.member_key is not null
),

windowed_rules as (
    select
        dated_rules.*,
        least(dated_rules.due_date, dated_rules.window_end_date) as last_date,
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
        -- Where the due date of pregnancy is uncertain, the latest that it may be decides (rules 1.8, breast pump).
        and (
            not dated_rules.uses_least_gestational_age
            or dated_rules.tier = 'A'
            or dated_rules.least_gestational_age_days >= cast(dated_rules.start_date - dated_rules.lmp_date as integer)
        )
),

dating_claims as (
    select
        spoken_episodes.member_key,
        spoken_episodes.episode,
        min(pregnancy_evidence.claim_id) as claim_id
    from spoken_episodes
    inner join facts.pregnancy_evidence
        on
            spoken_episodes.member_key = pregnancy_evidence.member_key
            and spoken_episodes.last_evidence_date = pregnancy_evidence.event_date
            and pregnancy_evidence.is_counted
    group by
        spoken_episodes.member_key,
        spoken_episodes.episode
),

check_ins as (
    select
        spoken_episodes.member_key,
        spoken_episodes.episode,
        spoken_episodes.tier,
        spoken_episodes.last_evidence_date
    from spoken_episodes
    where
        spoken_episodes.population = 'pregnant'
        and spoken_episodes.evidence_age_days <= 70
        and (spoken_episodes.status = 'stale' or spoken_episodes.tier = 'C')
        and spoken_episodes.member_key not in (select clinician_members.member_key from clinician_members)
        and not exists (
            select 1
            from recorded_outcomes
            where
                recorded_outcomes.member_key = spoken_episodes.member_key
                and recorded_outcomes.gap_code = 'MATERNAL_CHECK_IN'
        )
)

select
    windowed_rules.member_key,
    windowed_rules.gap_code,
    concat('episode ', windowed_rules.episode) as subject,
    case when windowed_rules.window_start_date <= cast($as_of as date) then 'open' else 'prospective' end as status,
    windowed_rules.window_start_date,
    windowed_rules.window_end_date,
    greatest(windowed_rules.last_date, windowed_rules.window_start_date) as due_date,
    cast(
        coalesce(windowed_rules.severity, gap_code.severity) * case when windowed_rules.is_lowered then 0.5 else 1 end
        as decimal(9, 4)
    ) as severity,
    cast(
        case windowed_rules.tier when 'A' then 1 when 'B' then 0.7 else 0.4 end
        * case when windowed_rules.is_over_the_counter then 0.5 else 1 end as decimal(9, 4)
    ) as confidence,
    replace(
        replace(
            replace(
                replace(
                    windowed_rules.reason,
                    '{trigger}', coalesce(cast(windowed_rules.trigger_date as varchar), '')
                ),
                '{supply}', coalesce(cast(windowed_rules.supply_end_date as varchar), '')
            ),
            '{delivery}', coalesce(cast(windowed_rules.delivery_date as varchar), '')
        ),
        '{due}', cast(greatest(windowed_rules.last_date, windowed_rules.window_start_date) as varchar)
    ) as reason,
    concat(
        '{"claims":[',
        rtrim(cast(cast({ 'claim_id': coalesce(windowed_rules.claim_id, dating_claims.claim_id) } as json) as varchar), '}'),
        ',"date":',
        coalesce(
            concat('"', coalesce(windowed_rules.trigger_date, windowed_rules.last_evidence_date), '"'), 'null'
        ),
        '},',
        cast(cast({ 'claim_id': dating_claims.claim_id } as json) as varchar),
        '],"lmp_date":"', windowed_rules.lmp_date,
        '","tier":"', windowed_rules.tier,
        '",',
        substr(
            cast(
                cast({ 'rule': windowed_rules.prenatal_rule_id, 'source': windowed_rules.source } as json) as varchar
            ),
            2
        )
    ) as evidence,
    windowed_rules.tier = 'C' as is_sensitive,
    windowed_rules.tier,
    windowed_rules.prenatal_rule_id
from windowed_rules
inner join raw.gap_code
    on windowed_rules.gap_code = gap_code.gap_code
left join dating_claims
    on
        windowed_rules.member_key = dating_claims.member_key
        and windowed_rules.episode = dating_claims.episode
where windowed_rules.choice = 1
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
        '","rule":"Neutral check-in on weak or ageing evidence","source":"Rules 1.6, steps 6 and 7"}'
    ) as evidence,
    true as is_sensitive,
    check_ins.tier,
    'check_in' as prenatal_rule_id
from check_ins
left join dating_claims
    on
        check_ins.member_key = dating_claims.member_key
        and check_ins.episode = dating_claims.episode
order by
    member_key,
    gap_code,
    subject
