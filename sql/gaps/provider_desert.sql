-- Care that is too far away from members who need it: needs of desert_rules.yaml where access is beyond its limits.
--
-- One row per member and code, of the first rule that holds. A desert alone is no gap, and no rule asks for an income:
-- that only weighs in `social` (deserts 4.2, 4.3). Severity is the code's anchor times (1 + access deficit) / 2
-- (interface 3.1); after a closure the deficit is that of the nearest pharmacy left. Prenatal care is far as well where
-- the county has little or none of it (March of Dimes), or no hospital delivers within 30 minutes (deserts 4.2). Where
-- people may live nearer than their area's point says, the judgement counts 0.7. A pregnancy that may not be spoken of
-- has no row: who may be is in `facts.maternal_episode`. Rows are open; one that is gone closes in the ledger, and
-- so does one of which a pharmacist reports: here only claims count (rules 6.7).
with

-- The clock is the last visit, or the LMP if there is none (deserts 4.6). Sets of one group tell together.
prenatal_sets as (
    select
        maternal_episode.member_key,
        maternal_episode.episode,
        desert_rule_set.desert_rule_key,
        desert_rule_set.rule_group,
        desert_rule_set.at_least,
        desert_rule_set.desert_rule_set_key,
        max(maternal_care.event_date) as event_date
    from facts.maternal_episode
    inner join facts.maternal_care
        on
            maternal_episode.member_key = maternal_care.member_key
            and maternal_care.is_paid
            and maternal_episode.lmp_date <= maternal_care.event_date
    inner join raw.desert_rule_set
        on maternal_care.value_set = desert_rule_set.value_set
    inner join raw.desert_rule
        on
            desert_rule_set.desert_rule_key = desert_rule.desert_rule_key
            and desert_rule.kind = 'pregnancy'
    group by
        maternal_episode.member_key,
        maternal_episode.episode,
        desert_rule_set.desert_rule_key,
        desert_rule_set.rule_group,
        desert_rule_set.at_least,
        desert_rule_set.desert_rule_set_key
),

prenatal_groups as (
    select
        prenatal_sets.member_key,
        prenatal_sets.episode,
        prenatal_sets.desert_rule_key,
        max(prenatal_sets.event_date) as visit_date
    from prenatal_sets
    group by
        prenatal_sets.member_key,
        prenatal_sets.episode,
        prenatal_sets.desert_rule_key,
        prenatal_sets.rule_group,
        prenatal_sets.at_least
    having count(*) >= prenatal_sets.at_least
),

last_visits as (
    select
        prenatal_groups.member_key,
        prenatal_groups.episode,
        prenatal_groups.desert_rule_key,
        max(prenatal_groups.visit_date) as visit_date
    from prenatal_groups
    group by
        prenatal_groups.member_key,
        prenatal_groups.episode,
        prenatal_groups.desert_rule_key
),

prenatal_needs as (
    select
        maternal_episode.member_key,
        desert_rule.desert_rule_key,
        maternal_episode.tier,
        coalesce(last_visits.visit_date, maternal_episode.lmp_date) as since_date,
        coalesce(
            last_visits.visit_date + desert_rule.gap_days, maternal_episode.lmp_date + desert_rule.first_days
        ) as window_start_date,
        maternal_episode.lmp_date + 287 as window_end_date,
        maternal_episode.last_evidence_date
    from facts.maternal_episode
    inner join raw.desert_rule
        on desert_rule.kind = 'pregnancy'
    left join last_visits
        on
            maternal_episode.member_key = last_visits.member_key
            and maternal_episode.episode = last_visits.episode
            and desert_rule.desert_rule_key = last_visits.desert_rule_key
    where
        maternal_episode.population = 'pregnant'
        and maternal_episode.status = 'current'
        and maternal_episode.tier in ('A', 'B')
        and not maternal_episode.is_severe
),

dating_claims as (
    select
        prenatal_needs.member_key,
        min(pregnancy_evidence.claim_id) as claim_id
    from prenatal_needs
    inner join facts.pregnancy_evidence
        on
            prenatal_needs.member_key = pregnancy_evidence.member_key
            and prenatal_needs.last_evidence_date = pregnancy_evidence.event_date
            and pregnancy_evidence.is_counted
    group by prenatal_needs.member_key
),

-- Sites that close are still among the nearest until they do.
left_sites as (
    select
        nearest_site.zcta_key,
        site.service,
        nearest_site.place,
        site.npi,
        nearest_site.miles,
        row_number() over (
            partition by nearest_site.zcta_key, nearest_site.service_key
            order by nearest_site.place
        ) as choice
    from facts.nearest_site
    inner join core.site
        on nearest_site.supplier_key = site.site_row
    where site.npi not in (select closing_site.npi from facts.closing_site)
),

-- A transfer is arranged before the doors close and before the supply ends; without supply, before the doors close.
dated_pharmacy_needs as (
    select
        pharmacy_need.*,
        case
            when pharmacy_need.closing_date > cast($as_of as date)
                then least(
                    coalesce(pharmacy_need.supply_end_date, pharmacy_need.closing_date - 1),
                    pharmacy_need.closing_date - 1
                )
            when pharmacy_need.kind = 'closure'
                then coalesce(pharmacy_need.supply_end_date, cast($as_of as date))
            else pharmacy_need.supply_end_date
        end as due_date
    from facts.pharmacy_need
),

needs as (
    select
        care_need.member_key,
        care_need.desert_rule_key,
        desert_rule.kind,
        'A' as tier,
        care_need.trigger_date,
        care_need.since_date,
        care_need.window_start_date,
        cast(null as date) as window_end_date,
        cast(null as date) as due_date,
        care_need.claim_id,
        care_need.claim_date,
        cast(null as date) as supply_end_date,
        cast(null as decimal(9, 3)) as regular_miles,
        false as is_far_regular,
        cast(null as varchar) as closing_kind,
        cast(null as date) as closing_date
    from facts.care_need
    inner join raw.desert_rule
        on care_need.desert_rule_key = desert_rule.desert_rule_key
    union all
    select
        prenatal_needs.member_key,
        prenatal_needs.desert_rule_key,
        'pregnancy' as kind,
        prenatal_needs.tier,
        cast(null as date) as trigger_date,
        prenatal_needs.since_date,
        prenatal_needs.window_start_date,
        prenatal_needs.window_end_date,
        prenatal_needs.window_start_date as due_date,
        dating_claims.claim_id,
        prenatal_needs.last_evidence_date as claim_date,
        cast(null as date) as supply_end_date,
        cast(null as decimal(9, 3)) as regular_miles,
        false as is_far_regular,
        cast(null as varchar) as closing_kind,
        cast(null as date) as closing_date
    from prenatal_needs
    left join dating_claims
        on prenatal_needs.member_key = dating_claims.member_key
    where prenatal_needs.window_start_date <= cast($as_of as date)
    union all
    select
        dated_pharmacy_needs.member_key,
        desert_rule.desert_rule_key,
        dated_pharmacy_needs.kind,
        'A' as tier,
        cast(null as date) as trigger_date,
        cast(null as date) as since_date,
        dated_pharmacy_needs.claim_date as window_start_date,
        dated_pharmacy_needs.due_date as window_end_date,
        dated_pharmacy_needs.due_date,
        dated_pharmacy_needs.claim_id,
        dated_pharmacy_needs.claim_date,
        dated_pharmacy_needs.supply_end_date,
        dated_pharmacy_needs.regular_miles,
        dated_pharmacy_needs.is_far_regular,
        dated_pharmacy_needs.closing_kind,
        dated_pharmacy_needs.closing_date
    from dated_pharmacy_needs
    inner join raw.desert_rule
        on dated_pharmacy_needs.kind = desert_rule.kind
),

measured_needs as (
    select
        needs.*,
        desert_rule.desert_rule_id,
        desert_rule.gap_code,
        desert_rule.service,
        desert_rule.standard_id,
        desert_rule.place,
        desert_rule.reason,
        desert_rule.source,
        coalesce(access.is_desert and access.is_borderline and needs.kind <> 'closure', false) as is_borderline,
        access.threshold_miles,
        access.threshold_minutes,
        case when needs.kind = 'closure' then left_sites.miles else access.nearest_miles end as nearest_miles,
        case when needs.kind <> 'closure' then access.nearest_minutes end as nearest_minutes,
        cast(
            case
                when needs.kind <> 'closure' then access.access_deficit
                when access.threshold_miles is null then null
                when left_sites.miles is null then 1
                else
                    round(
                        1 - exp(
                            -greatest(
                                cast(left_sites.miles as double) * $circuity_factor
                                / cast(access.threshold_miles as double) - 1,
                                0
                            )
                        ),
                        4
                    )
            end as decimal(9, 4)
        ) as access_deficit,
        coalesce(access.is_desert, false) as is_desert,
        case when needs.kind = 'pregnancy' then zcta.maternity_class end as maternity_class,
        case when needs.kind = 'pregnancy' then zcta.delivery_hospital_minutes end as delivery_hospital_minutes,
        row_number() over (
            partition by needs.member_key, desert_rule.gap_code
            order by needs.desert_rule_key
        ) as choice
    from needs
    inner join raw.desert_rule
        on needs.desert_rule_key = desert_rule.desert_rule_key
    inner join facts.desert_member
        on needs.member_key = desert_member.member_key
    inner join core.zcta
        on desert_member.zcta = zcta.zcta
    left join facts.access
        on
            desert_member.zcta = access.zcta
            and desert_rule.service = access.service
            and desert_rule.standard_id = access.standard_id
    left join left_sites
        on
            zcta.zcta_key = left_sites.zcta_key
            and desert_rule.service = left_sites.service
            and left_sites.choice = 1
    where
        access.is_desert
        or needs.is_far_regular
        or needs.kind = 'closure'
        or (
            needs.kind = 'pregnancy'
            and (zcta.maternity_class in ('desert', 'low') or zcta.delivery_hospital_minutes > 30)
        )
),

worded_needs as (
    select
        measured_needs.*,
        case
            when measured_needs.kind = 'pregnancy' and not measured_needs.is_desert
                then
                    case
                        when measured_needs.maternity_class = 'desert' then 'the county has no maternity care'
                        when measured_needs.maternity_class = 'low' then 'the county has little maternity care'
                        else concat(
                            'the nearest hospital for births is ',
                            cast(cast(round(measured_needs.delivery_hospital_minutes, 0) as integer) as varchar),
                            ' minutes away'
                        )
                    end
            when measured_needs.nearest_miles is null then concat('no other ', measured_needs.place, ' is known nearby')
            else concat(
                'the nearest ', measured_needs.place, ' is ',
                cast(cast(round(measured_needs.nearest_miles, 1) as decimal(9, 1)) as varchar),
                ' miles away'
            )
        end as distance_words,
        case
            when measured_needs.is_far_regular
                then concat(
                    ', the one in use ',
                    cast(cast(round(measured_needs.regular_miles, 1) as decimal(9, 1)) as varchar)
                )
            else ''
        end as regular_words,
        case
            when measured_needs.closing_kind = 'left' then 'is no longer in the network'
            when measured_needs.closing_date > cast($as_of as date)
                then concat('closes on ', measured_needs.closing_date)
            else concat('closed on ', measured_needs.closing_date)
        end as closing_words,
        case
            when measured_needs.supply_end_date is null then ''
            when measured_needs.kind <> 'closure'
                then concat(
                    case when measured_needs.supply_end_date < cast($as_of as date) then 'was' else 'is' end,
                    ' supplied through ', measured_needs.supply_end_date
                )
            else concat(
                '; supply at home ',
                case when measured_needs.supply_end_date < cast($as_of as date) then 'ended' else 'ends' end,
                ' on ', measured_needs.supply_end_date
            )
        end as supply_words
    from measured_needs
    where measured_needs.choice = 1
)

select
    worded_needs.member_key,
    worded_needs.gap_code,
    cast(null as varchar) as subject,
    'open' as status,
    worded_needs.window_start_date,
    worded_needs.window_end_date,
    worded_needs.due_date,
    cast(
        round(
            cast(gap_code.severity as double) * (1 + cast(coalesce(worded_needs.access_deficit, 0) as double)) / 2, 4
        ) as decimal(9, 4)
    ) as severity,
    cast(
        case worded_needs.tier when 'A' then 1 else 0.7 end
        * case when worded_needs.is_borderline then 0.7 else 1 end as decimal(9, 4)
    ) as confidence,
    replace(
        replace(
            replace(
                replace(
                    replace(
                        replace(worded_needs.reason, '{distance}', worded_needs.distance_words),
                        '{regular}', worded_needs.regular_words
                    ),
                    '{date}', coalesce(worded_needs.closing_words, '')
                ),
                '{supply}', coalesce(worded_needs.supply_words, '')
            ),
            '{trigger}', coalesce(cast(worded_needs.trigger_date as varchar), '')
        ),
        '{since}', coalesce(cast(worded_needs.since_date as varchar), '')
    ) as reason,
    concat(
        '{"claims":[',
        case
            when worded_needs.claim_id is not null
                then concat(
                    rtrim(cast(cast({ 'claim_id': worded_needs.claim_id } as json) as varchar), '}'),
                    ',"date":"', worded_needs.claim_date, '"}'
                )
            else ''
        end,
        '],"since_date":', coalesce('"' || cast(worded_needs.since_date as varchar) || '"', 'null'),
        ',"service":"', worded_needs.service,
        '","standard_id":"', worded_needs.standard_id,
        '","nearest_miles":', coalesce(cast(worded_needs.nearest_miles as varchar), 'null'),
        ',"nearest_minutes":', coalesce(cast(worded_needs.nearest_minutes as varchar), 'null'),
        ',"threshold_miles":', coalesce(cast(worded_needs.threshold_miles as varchar), 'null'),
        ',"threshold_minutes":', coalesce(cast(worded_needs.threshold_minutes as varchar), 'null'),
        ',"access_deficit":', coalesce(cast(worded_needs.access_deficit as varchar), 'null'),
        coalesce(',"maternity_class":"' || worded_needs.maternity_class || '"', ''),
        coalesce(',"delivery_hospital_minutes":' || cast(worded_needs.delivery_hospital_minutes as varchar), ''),
        ',',
        substr(
            cast(
                cast({ 'rule': worded_needs.desert_rule_id, 'source': worded_needs.source } as json) as varchar
            ),
            2
        )
    ) as evidence,
    worded_needs.desert_rule_id,
    worded_needs.access_deficit,
    worded_needs.is_borderline
from worded_needs
inner join raw.gap_code
    on worded_needs.gap_code = gap_code.gap_code
