-- Gaps in maternal care: what the rules of data_contracts/prenatal_rules.yaml ask of each pregnancy and birth.
--
-- One row per member, code and pregnancy, of the rule that is open, else of the first to open; who may be spoken of is
-- told in `facts.maternal_episode`, what claims say of each rule in `facts.maternal_rule`. What a pharmacist reports
-- takes no row away: the ledger hears it (`facts.closing_word`). Tier C and stale evidence get a neutral check-in, and
-- tier C an offer of rescue medicine from fills. `confidence` falls with the tier, and by half where products are often
-- bought without a claim. Wording follows rule L6 (maternal 1.7) and never says that something is missing.
with

rule_windows as (
    select
        maternal_rule.*,
        prenatal_rule.season_start is not null as is_seasonal,
        prenatal_rule.uses_least_gestational_age,
        case prenatal_rule.start_anchor
            when 'lmp' then maternal_rule.lmp_date
            when 'delivery' then maternal_rule.delivery_date
            when 'trigger' then maternal_rule.trigger_date
            when 'supply' then maternal_rule.supply_end_date
        end + prenatal_rule.start_day as start_date,
        -- Who enrolled late is asked until the day that is due for them.
        greatest(
            case prenatal_rule.end_anchor
                when 'lmp' then maternal_rule.lmp_date
                when 'delivery' then maternal_rule.delivery_date
                when 'trigger' then maternal_rule.trigger_date
                when 'supply' then maternal_rule.supply_end_date
            end + prenatal_rule.end_day,
            maternal_rule.enrollment_start_date + prenatal_rule.due_enrolled_days
        ) as end_date,
        greatest(
            case prenatal_rule.due_anchor
                when 'lmp' then maternal_rule.lmp_date
                when 'delivery' then maternal_rule.delivery_date
                when 'trigger' then maternal_rule.trigger_date
                when 'supply' then maternal_rule.supply_end_date
            end + prenatal_rule.due_day,
            maternal_rule.enrollment_start_date + prenatal_rule.due_enrolled_days
        ) as due_date
    from facts.maternal_rule
    inner join raw.prenatal_rule
        on maternal_rule.prenatal_rule_key = prenatal_rule.prenatal_rule_key
    where
        maternal_rule.is_needed
        and not maternal_rule.is_closed
        and not maternal_rule.is_stopped
        and (
            prenatal_rule.season_unknown_in is null
            or concat(';', prenatal_rule.season_unknown_in, ';')
            not like concat('%;', coalesce(maternal_rule.state, '?'), ';%')
        )
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
