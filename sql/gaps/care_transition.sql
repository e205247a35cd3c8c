-- Care after a hospital stay: what the rules of data_contracts/transition_rules.yaml ask after each discharge.
--
-- One row per member, code and discharge, of the rule that is open, else of the first to open; which discharges are
-- acted on is told in `facts.discharge`. Contact of which the plan learned too late is `lost`, late at the source and
-- not at a pharmacy. While a member is in another facility, the contact waits (`prospective` here, held in the ledger).
-- Stays for mental health, substance use or HIV stand on lists under public names, and no sentence tells of the stay.
-- Kinds of medicine are named, never a drug. What a pharmacy reports closes a row in the ledger: here only claims do
-- (rules 6.7).
with

asked_discharges as (
    select
        discharge.member_key,
        discharge.chain,
        discharge.subject,
        discharge.admission_date,
        discharge.discharge_date,
        discharge.contact_due_date,
        discharge.is_missed_at_source,
        transition_rule.transition_rule_key,
        transition_rule.gap_code,
        transition_rule.has_needs,
        transition_rule.has_medicines,
        transition_rule.prior_days,
        transition_rule.most_supply_days,
        discharge.discharge_date + transition_rule.start_day as start_date,
        coalesce(discharge.discharge_date + transition_rule.end_day, discharge.contact_due_date) as end_date,
        least(
            coalesce(discharge.discharge_date + transition_rule.due_day, date '9999-12-31'),
            coalesce(discharge.discharge_date + transition_rule.end_day, discharge.contact_due_date)
        ) as due_date,
        transition_rule.notice = 'in_time' and discharge.is_missed_at_source as is_lost
    from facts.discharge
    inner join raw.transition_rule
        on
            transition_rule.notice in ('any', 'in_time')
            or (
                transition_rule.notice = 'within_30_days'
                and coalesce(discharge.notified_date <= discharge.discharge_date + 30, true)
            )
            or (
                transition_rule.notice = 'later'
                and discharge.notified_date > discharge.discharge_date + 30
            )
    where
        discharge.not_asked_reason is null
),

met_sets as (
    select
        asked_discharges.member_key,
        asked_discharges.chain,
        asked_discharges.transition_rule_key,
        transition_rule_set.rule_role,
        min(concat(transition_care.event_date, transition_care.claim_id)) as first_claim
    from asked_discharges
    inner join raw.transition_rule_set
        on asked_discharges.transition_rule_key = transition_rule_set.transition_rule_key
    inner join facts.transition_care
        on
            asked_discharges.member_key = transition_care.member_key
            and transition_rule_set.value_set = transition_care.value_set
            and transition_care.is_paid
            and (transition_care.is_principal or not transition_rule_set.is_principal)
            and (
                transition_rule_set.categories is null
                or transition_rule_set.categories like concat('%;', transition_care.category, ';%')
            )
    left join facts.facility_stay as bills
        on
            case when transition_rule_set.since = 'stay' then asked_discharges.member_key end = bills.member_key
            and asked_discharges.chain = bills.chain
            and transition_care.claim_id = bills.claim_id
    where
        case transition_rule_set.since
            when 'stay' then bills.claim_id is not null
            when 'discharge'
                then transition_care.event_date >= asked_discharges.discharge_date + transition_rule_set.from_day
            else transition_care.event_date > cast($as_of as date) - transition_rule_set.since_days
        end
    group by
        asked_discharges.member_key,
        asked_discharges.chain,
        asked_discharges.transition_rule_key,
        transition_rule_set.rule_role
),

standing_rules as (
    select
        asked_discharges.*,
        needs.first_claim
    from asked_discharges
    left join met_sets as needs
        on
            asked_discharges.member_key = needs.member_key
            and asked_discharges.chain = needs.chain
            and asked_discharges.transition_rule_key = needs.transition_rule_key
            and needs.rule_role = 'need'
    left join met_sets as closings
        on
            asked_discharges.member_key = closings.member_key
            and asked_discharges.chain = closings.chain
            and asked_discharges.transition_rule_key = closings.transition_rule_key
            and closings.rule_role = 'close'
    where
        (needs.member_key is not null or not asked_discharges.has_needs)
        and closings.member_key is null
),

rule_medicines as (
    select distinct
        transition_medicine.transition_rule_key,
        transition_medicine.medicine_number,
        transition_medicine.medicine
    from raw.transition_medicine
),

-- Kinds of medicine without a fill since the admission, from the day on which that is a question: not before the rule's
-- window, and not while the supply at home lasts.
unfilled_medicines as (
    select
        standing_rules.member_key,
        standing_rules.chain,
        standing_rules.gap_code,
        standing_rules.transition_rule_key,
        rule_medicines.medicine,
        transition_supply.is_sensitive,
        transition_supply.claim_id,
        transition_supply.last_fill_date,
        greatest(
            standing_rules.start_date, coalesce(transition_supply.supply_end_date + 1, standing_rules.start_date)
        ) as start_date
    from standing_rules
    inner join rule_medicines
        on standing_rules.transition_rule_key = rule_medicines.transition_rule_key
    left join facts.transition_supply
        on
            standing_rules.member_key = transition_supply.member_key
            and standing_rules.chain = transition_supply.chain
            and rule_medicines.transition_rule_key = transition_supply.transition_rule_key
            and rule_medicines.medicine_number = transition_supply.medicine_number
    where
        transition_supply.next_fill_date is null
        and (
            standing_rules.prior_days is null
            or transition_supply.last_fill_date >= standing_rules.admission_date - standing_rules.prior_days
        )
        and (
            standing_rules.most_supply_days is null
            or transition_supply.claimed_supply_end_date between standing_rules.admission_date
            and standing_rules.discharge_date + standing_rules.most_supply_days
        )
),

-- What a row names: the kinds that are open, else those that open first.
dated_medicines as (
    select
        unfilled_medicines.*,
        min(unfilled_medicines.start_date) over (
            partition by unfilled_medicines.member_key, unfilled_medicines.chain, unfilled_medicines.gap_code
        ) as first_start_date
    from unfilled_medicines
),

numbered_medicines as (
    select
        dated_medicines.member_key,
        dated_medicines.chain,
        dated_medicines.gap_code,
        dated_medicines.medicine,
        dense_rank() over (
            partition by dated_medicines.member_key, dated_medicines.chain, dated_medicines.gap_code
            order by dated_medicines.medicine
        ) as medicine_number
    from dated_medicines
    where dated_medicines.start_date <= greatest(cast($as_of as date), dated_medicines.first_start_date)
),

named_medicines as (
    select
        numbered_medicines.member_key,
        numbered_medicines.chain,
        numbered_medicines.gap_code,
        concat_ws(
            ', ',
            max(case when numbered_medicines.medicine_number = 1 then numbered_medicines.medicine end),
            max(case when numbered_medicines.medicine_number = 2 then numbered_medicines.medicine end),
            max(case when numbered_medicines.medicine_number = 3 then numbered_medicines.medicine end),
            case
                when max(numbered_medicines.medicine_number) > 3
                    then concat(cast(max(numbered_medicines.medicine_number) - 3 as varchar), ' more')
            end
        ) as medicine
    from numbered_medicines
    group by
        numbered_medicines.member_key,
        numbered_medicines.chain,
        numbered_medicines.gap_code
),

medicine_rules as (
    select
        unfilled_medicines.member_key,
        unfilled_medicines.chain,
        unfilled_medicines.transition_rule_key,
        min(unfilled_medicines.start_date) as start_date,
        min(cast(unfilled_medicines.last_fill_date as varchar) || unfilled_medicines.claim_id) as first_claim,
        max(coalesce(unfilled_medicines.is_sensitive, false)) as is_sensitive
    from unfilled_medicines
    group by
        unfilled_medicines.member_key,
        unfilled_medicines.chain,
        unfilled_medicines.transition_rule_key
),

windowed_rules as (
    select
        standing_rules.member_key,
        standing_rules.chain,
        standing_rules.subject,
        standing_rules.gap_code,
        standing_rules.transition_rule_key,
        standing_rules.discharge_date,
        standing_rules.is_lost,
        coalesce(medicine_rules.start_date, standing_rules.start_date) as window_start_date,
        standing_rules.end_date as window_end_date,
        greatest(standing_rules.due_date, coalesce(medicine_rules.start_date, standing_rules.start_date)) as due_date,
        coalesce(standing_rules.first_claim, medicine_rules.first_claim) as first_claim,
        coalesce(medicine_rules.is_sensitive, false) as is_sensitive
    from standing_rules
    left join medicine_rules
        on
            standing_rules.member_key = medicine_rules.member_key
            and standing_rules.chain = medicine_rules.chain
            and standing_rules.transition_rule_key = medicine_rules.transition_rule_key
    where
        medicine_rules.member_key is not null
        or not standing_rules.has_medicines
),

ranked_rules as (
    select
        windowed_rules.*,
        row_number() over (
            partition by windowed_rules.member_key, windowed_rules.chain, windowed_rules.gap_code
            order by
                windowed_rules.window_start_date > cast($as_of as date),
                windowed_rules.window_start_date,
                windowed_rules.transition_rule_key
        ) as choice
    from windowed_rules
    where
        windowed_rules.window_start_date <= windowed_rules.window_end_date
        and (
            windowed_rules.window_end_date >= cast($as_of as date)
            -- What came too late stays visible for as long as the stay is followed.
            or (windowed_rules.is_lost and windowed_rules.discharge_date + 30 >= cast($as_of as date))
        )
)

select
    ranked_rules.member_key,
    ranked_rules.gap_code,
    ranked_rules.subject,
    case
        when ranked_rules.is_lost then 'lost'
        when ranked_rules.window_start_date <= cast($as_of as date) then 'open'
        else 'prospective'
    end as status,
    ranked_rules.window_start_date,
    ranked_rules.window_end_date,
    ranked_rules.due_date,
    cast(null as decimal(9, 4)) as severity,
    cast(1 as decimal(9, 4)) as confidence,
    case
        when discharge.is_sensitive or ranked_rules.is_sensitive
            then 'Check in, and go through the medicines together.'
        when ranked_rules.is_lost
            then concat(
                'Left the hospital on ', discharge.discharge_date, '. The plan learned of it after ',
                discharge.contact_due_date, ', too late for the first contact.'
            )
        else replace(
            replace(
                replace(
                    replace(
                        replace(
                            transition_rule.reason, '{discharge}', cast(discharge.discharge_date as varchar)
                        ),
                        '{notified}',
                        coalesce(' of ' || substr(cast(discharge.notified_at as varchar), 1, 16), '')
                    ),
                    '{due}', cast(ranked_rules.due_date as varchar)
                ),
                '{end}', cast(ranked_rules.window_end_date as varchar)
            ),
            '{medicine}', coalesce(named_medicines.medicine, '')
        )
    end as reason,
    concat(
        '{"claims":[',
        concat_ws(
            ',',
            cast(cast({ 'claim_id': discharge.claim_id } as json) as varchar),
            case
                when ranked_rules.first_claim is not null
                    then concat(
                        rtrim(
                            cast(cast({ 'claim_id': substr(ranked_rules.first_claim, 11) } as json) as varchar), '}'
                        ),
                        ',"date":"', substr(ranked_rules.first_claim, 1, 10), '"}'
                    )
            end
        ),
        '],"trigger_source":"', discharge.trigger_source,
        '","discharge_date":"', discharge.discharge_date,
        '","destination":"', discharge.destination,
        '","notified_date":', coalesce('"' || cast(discharge.notified_date as varchar) || '"', 'null'),
        ',"sla_due_at":', coalesce('"' || cast(discharge.sla_due_at as varchar) || '"', 'null'),
        ',"contact_due_date":"', discharge.contact_due_date,
        '","sla":"', case when discharge.is_missed_at_source then 'missed_at_source' else 'on_time' end,
        '",',
        substr(
            cast(
                cast(
                    { 'rule': transition_rule.transition_rule_id, 'source': transition_rule.source } as json
                ) as varchar
            ),
            2
        )
    ) as evidence,
    discharge.is_sensitive or ranked_rules.is_sensitive as is_sensitive,
    discharge.trigger_source,
    discharge.is_missed_at_source,
    transition_rule.transition_rule_id
from ranked_rules
inner join facts.discharge
    on
        ranked_rules.member_key = discharge.member_key
        and ranked_rules.chain = discharge.chain
inner join raw.transition_rule
    on ranked_rules.transition_rule_key = transition_rule.transition_rule_key
left join named_medicines
    on
        ranked_rules.member_key = named_medicines.member_key
        and ranked_rules.chain = named_medicines.chain
        and ranked_rules.gap_code = named_medicines.gap_code
where ranked_rules.choice = 1
union all
select
    discharge.member_key,
    'TOC_CONTACT' as gap_code,
    discharge.subject,
    'prospective' as status,
    discharge.discharge_date as window_start_date,
    -- Medicare pays for at most 100 days of skilled nursing after a stay.
    discharge.discharge_date + 100 as window_end_date,
    cast(null as date) as due_date,
    cast(null as decimal(9, 4)) as severity,
    cast(1 as decimal(9, 4)) as confidence,
    'Wait for the discharge from the next facility.' as reason,
    concat(
        '{"claims":[', cast(cast({ 'claim_id': discharge.claim_id } as json) as varchar),
        '],"trigger_source":"', discharge.trigger_source,
        '","discharge_date":"', discharge.discharge_date,
        '","destination":"', discharge.destination,
        '","rule":"deferred","source":"Transitions 3.1: a discharge to a facility is deferred"}'
    ) as evidence,
    discharge.is_sensitive,
    discharge.trigger_source,
    false as is_missed_at_source,
    'deferred' as transition_rule_id
from facts.discharge
where
    discharge.not_asked_reason = 'deferred'
    and discharge.discharge_date + 100 >= cast($as_of as date)
