-- Needs of a pharmacy: one row per member and kind of desert rule, chronic_fills or closure.
--
-- Chronic fills: an ingredient filled on two dates or more in the last 180 days whose supply ended at most 30 days
-- ago, where the nearest pharmacy is beyond the limit, or the one in use is more than twice as far and at least 5 miles
-- farther. Closure: the regular pharmacy closed or will close, or has left the network since the plan last paid it as
-- one of its own, within the days of settings; over once everything supplied has its latest fill elsewhere. A closure
-- needs no desert: how far people go afterwards decides its weight (deserts 4.2, 4.6).
with

rules as (
    select
        desert_rule.kind,
        desert_rule.service,
        desert_rule.standard_id,
        desert_rule.fewest_fills,
        desert_rule.slack_days,
        desert_rule.times_nearest,
        desert_rule.more_miles
    from raw.desert_rule
    where desert_rule.kind in ('chronic_fills', 'closure')
),

closings as (
    select
        pharmacy.npi,
        'closed' as closing_kind,
        pharmacy.closed_date as closing_date
    from raw.pharmacy
    where
        pharmacy.closed_date between cast($as_of as date) - $closure_days and cast($as_of as date) + $closure_days
),

-- The input tells that a pharmacy is outside the network, and not since when: the plan's own payments do.
departures as (
    select
        pharmacy_claim.dispensing_provider_npi as npi,
        'left' as closing_kind,
        max(pharmacy_claim.dispensing_date) as closing_date
    from raw.pharmacy_claim
    inner join core.pharmacy
        on
            pharmacy_claim.dispensing_provider_npi = pharmacy.npi
            and not pharmacy.is_in_network
            and pharmacy.is_open
    where
        coalesce(pharmacy_claim.in_network_flag, true)
        and coalesce(pharmacy_claim.claim_status, 'paid') in ('paid', 'adjusted')
        and pharmacy_claim.dispensing_date
        between cast($as_of as date) - $closure_days and cast($as_of as date)
        and pharmacy_claim.dispensing_provider_npi not in (select closings.npi from closings)
    group by pharmacy_claim.dispensing_provider_npi
),

leaving_pharmacies as (
    select
        closings.npi,
        closings.closing_kind,
        closings.closing_date
    from closings
    union all
    select
        departures.npi,
        departures.closing_kind,
        departures.closing_date
    from departures
),

asked as (
    select
        desert_member.member_key,
        rules.kind,
        rules.fewest_fills,
        rules.slack_days,
        regular_pharmacy.npi,
        regular_pharmacy.miles,
        coalesce(
            regular_pharmacy.miles > rules.times_nearest * access.nearest_miles
            and regular_pharmacy.miles - access.nearest_miles >= rules.more_miles,
            false
        ) as is_far_regular,
        leaving_pharmacies.closing_kind,
        leaving_pharmacies.closing_date
    from facts.desert_member
    cross join rules
    left join facts.access
        on
            desert_member.zcta = access.zcta
            and rules.service = access.service
            and rules.standard_id = access.standard_id
    left join facts.regular_pharmacy
        on desert_member.member_key = regular_pharmacy.member_key
    left join leaving_pharmacies
        on case when rules.kind = 'closure' then regular_pharmacy.npi end = leaving_pharmacies.npi
    where
        (rules.kind = 'closure' and leaving_pharmacies.npi is not null)
        or (
            rules.kind = 'chronic_fills'
            and (
                access.is_desert
                or (
                    regular_pharmacy.miles > rules.times_nearest * access.nearest_miles
                    and regular_pharmacy.miles - access.nearest_miles >= rules.more_miles
                )
            )
        )
),

asked_members as (
    select distinct asked.member_key
    from asked
),

-- A product without known ingredients is a medicine of its own.
medicine_fills as (
    select
        fill.member_key,
        coalesce(cast(drug_ingredient.ingredient_key as varchar), fill.ndc_code) as medicine,
        fill.fill_key,
        fill.fill_date,
        fill.fill_date + fill.days_supply - 1 as supply_end_date,
        fill.dispensing_provider_npi as npi,
        fill.claim_id,
        row_number() over (
            partition by fill.member_key, coalesce(cast(drug_ingredient.ingredient_key as varchar), fill.ndc_code)
            order by fill.fill_key desc
        ) as recency
    from core.fill
    inner join asked_members
        on fill.member_key = asked_members.member_key
    left join core.drug
        on fill.drug_key = drug.drug_key
    left join core.drug_ingredient
        on fill.drug_key = drug_ingredient.drug_key
    where
        fill.fill_date > cast($as_of as date) - 180
        and coalesce(drug.product_class, '') <> 'vaccine'
),

medicines as (
    select
        medicine_fills.member_key,
        medicine_fills.medicine,
        count(distinct medicine_fills.fill_date) as fill_dates,
        max(medicine_fills.supply_end_date) as supply_end_date,
        max(case when medicine_fills.recency = 1 then medicine_fills.npi end) as npi,
        max(case when medicine_fills.recency = 1 then medicine_fills.claim_id end) as claim_id,
        max(medicine_fills.fill_date) as fill_date
    from medicine_fills
    group by
        medicine_fills.member_key,
        medicine_fills.medicine
),

judged_medicines as (
    select
        asked.member_key,
        asked.kind,
        medicines.medicine,
        medicines.supply_end_date,
        medicines.claim_id,
        medicines.fill_date,
        medicines.fill_dates >= coalesce(asked.fewest_fills, 1) as is_repeated,
        coalesce(medicines.supply_end_date >= cast($as_of as date) - asked.slack_days, false) as is_active,
        bool_or(coalesce(medicines.supply_end_date >= cast($as_of as date) - asked.slack_days, false)) over (
            partition by asked.member_key, asked.kind
        ) as has_active,
        coalesce(medicines.npi = asked.npi, false) as is_there
    from asked
    inner join medicines
        on asked.member_key = medicines.member_key
),

needed_medicines as (
    select
        judged_medicines.*,
        row_number() over (
            partition by judged_medicines.member_key, judged_medicines.kind
            order by
                judged_medicines.supply_end_date asc nulls last,
                judged_medicines.claim_id asc,
                judged_medicines.medicine asc
        ) as choice
    from judged_medicines
    where
        (judged_medicines.kind = 'chronic_fills' and judged_medicines.is_repeated and judged_medicines.is_active)
        or (
            judged_medicines.kind = 'closure'
            and judged_medicines.is_there
            -- Where nothing is supplied any more, the pharmacy of the fills is still where the member would go.
            and (judged_medicines.is_active or not judged_medicines.has_active)
        )
)

select
    asked.member_key,
    asked.kind,
    needed_medicines.claim_id,
    needed_medicines.fill_date as claim_date,
    case when needed_medicines.is_active then needed_medicines.supply_end_date end as supply_end_date,
    asked.npi as regular_npi,
    asked.miles as regular_miles,
    asked.is_far_regular,
    asked.closing_kind,
    asked.closing_date
from asked
inner join needed_medicines
    on
        asked.member_key = needed_medicines.member_key
        and asked.kind = needed_medicines.kind
        and needed_medicines.choice = 1
order by
    asked.member_key,
    asked.kind
