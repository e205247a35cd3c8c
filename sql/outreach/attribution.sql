-- The pharmacy that each gap goes to, and the rule that chose it.
--
-- First match (rules 6.5): the member's preferred pharmacy; most paid fills of the gap's drug class in the recent
-- window; most fills of any drug in it; the latest fill in the longer window; the nearest open in-network pharmacy in
-- the member's ZIP, for care that is too far away the nearest of any ZIP (`assigned_by_distance`, an offer only). Ties:
-- latest fill, more days supply, lowest NCPDP id, NPI.
-- Mail-order and closed pharmacies and vaccine fills never attribute a member.
with

gap_subjects as (
    select distinct
        ledger.person_id,
        ledger.member_key,
        ledger.gap_family,
        ledger.subject
    from outreach.ledger
    where ledger.member_key is not null
),

listable_pharmacies as (
    select
        pharmacy.npi,
        pharmacy.ncpdp_id,
        pharmacy.state,
        pharmacy.zip_code,
        pharmacy.latitude,
        pharmacy.longitude,
        pharmacy.is_in_network
    from core.pharmacy
    where
        pharmacy.is_open
        and not pharmacy.is_mail_order
        -- An identifier that fails its check digit never becomes a file name, so no list can reach it (interface 2.1).
        and pharmacy.is_valid_npi
),

desert_families as (
    select distinct gap_code.gap_family
    from raw.gap_code
    inner join raw.desert_rule
        on gap_code.gap_code = desert_rule.gap_code
),

fills as (
    select
        fill.fill_key,
        fill.member_key,
        fill.dispensing_provider_npi as npi,
        fill.fill_date,
        fill.days_supply,
        coalesce(fill.rx_number, fill.claim_id) as prescription
    from core.fill
    inner join listable_pharmacies
        on fill.dispensing_provider_npi = listable_pharmacies.npi
    left join core.drug
        on fill.drug_key = drug.drug_key
    where
        fill.fill_date > cast($as_of as date) - $last_fill_days
        and not fill.is_mail_order
        and coalesce(drug.product_class, '') <> 'vaccine'
),

choices as (
    select
        gap_subjects.member_key,
        gap_subjects.gap_family,
        gap_subjects.subject,
        listable_pharmacies.npi,
        'preferred' as attribution_rule,
        1 as rule_rank,
        cast(0 as bigint) as fill_count,
        cast(null as date) as last_fill_date,
        cast(0 as bigint) as supplied_days,
        cast(0 as double) as distance
    from gap_subjects
    inner join raw.member_preference
        on gap_subjects.person_id = member_preference.person_id
    inner join listable_pharmacies
        on member_preference.preferred_pharmacy_npi = listable_pharmacies.npi
    union all
    select
        gap_subjects.member_key,
        gap_subjects.gap_family,
        gap_subjects.subject,
        fills.npi,
        'most_class_fills' as attribution_rule,
        3 as rule_rank,
        count(distinct concat_ws('|', fills.prescription, cast(fills.fill_date as varchar))) as fill_count,
        max(fills.fill_date) as last_fill_date,
        cast(sum(coalesce(fills.days_supply, 0)) as bigint) as supplied_days,
        cast(0 as double) as distance
    from gap_subjects
    inner join facts.subject_fill
        on
            gap_subjects.member_key = subject_fill.member_key
            and gap_subjects.subject = subject_fill.subject
    inner join fills
        on subject_fill.fill_key = fills.fill_key
    where fills.fill_date > cast($as_of as date) - $recent_days
    group by
        gap_subjects.member_key,
        gap_subjects.gap_family,
        gap_subjects.subject,
        fills.npi
    union all
    select
        gap_subjects.member_key,
        gap_subjects.gap_family,
        gap_subjects.subject,
        fills.npi,
        'most_fills' as attribution_rule,
        4 as rule_rank,
        count(distinct concat_ws('|', fills.prescription, cast(fills.fill_date as varchar))) as fill_count,
        max(fills.fill_date) as last_fill_date,
        cast(sum(coalesce(fills.days_supply, 0)) as bigint) as supplied_days,
        cast(0 as double) as distance
    from gap_subjects
    inner join fills
        on gap_subjects.member_key = fills.member_key
    where fills.fill_date > cast($as_of as date) - $recent_days
    group by
        gap_subjects.member_key,
        gap_subjects.gap_family,
        gap_subjects.subject,
        fills.npi
    union all
    -- The latest fill decides alone, so its count does not.
    select
        gap_subjects.member_key,
        gap_subjects.gap_family,
        gap_subjects.subject,
        fills.npi,
        'latest_fill' as attribution_rule,
        5 as rule_rank,
        cast(1 as bigint) as fill_count,
        max(fills.fill_date) as last_fill_date,
        cast(sum(coalesce(fills.days_supply, 0)) as bigint) as supplied_days,
        cast(0 as double) as distance
    from gap_subjects
    inner join fills
        on gap_subjects.member_key = fills.member_key
    group by
        gap_subjects.member_key,
        gap_subjects.gap_family,
        gap_subjects.subject,
        fills.npi
    union all
    select
        gap_subjects.member_key,
        gap_subjects.gap_family,
        gap_subjects.subject,
        listable_pharmacies.npi,
        'assigned_by_distance' as attribution_rule,
        6 as rule_rank,
        cast(0 as bigint) as fill_count,
        cast(null as date) as last_fill_date,
        cast(0 as bigint) as supplied_days,
        -- Within one ZIP squared degrees, narrowed by latitude, order sites as miles would.
        coalesce(
            (listable_pharmacies.latitude - zcta.latitude) * (listable_pharmacies.latitude - zcta.latitude)
            + (listable_pharmacies.longitude - zcta.longitude) * (listable_pharmacies.longitude - zcta.longitude)
            * cos(radians(zcta.latitude)) * cos(radians(zcta.latitude)),
            0
        ) as distance
    from gap_subjects
    inner join core.member
        on gap_subjects.member_key = member.member_key
    inner join listable_pharmacies
        on
            member.zip_code = listable_pharmacies.zip_code
            and listable_pharmacies.is_in_network
    left join raw.zcta
        on member.zip_code = zcta.zcta
    union all
    -- Where care is far, so may be the pharmacy (deserts 4.2).
    select
        gap_subjects.member_key,
        gap_subjects.gap_family,
        gap_subjects.subject,
        listable_pharmacies.npi,
        'assigned_by_distance' as attribution_rule,
        7 as rule_rank,
        cast(0 as bigint) as fill_count,
        cast(null as date) as last_fill_date,
        cast(0 as bigint) as supplied_days,
        cast(nearest_site.miles as double) as distance
    from gap_subjects
    inner join desert_families
        on gap_subjects.gap_family = desert_families.gap_family
    inner join core.member
        on gap_subjects.member_key = member.member_key
    inner join core.zip_area
        on member.zip_code = zip_area.zip_code
    inner join facts.nearest_site
        on
            zip_area.zcta = nearest_site.zcta
            and nearest_site.service = 'retail_pharmacy'
    inner join listable_pharmacies
        on nearest_site.npi = listable_pharmacies.npi
),

ranked_choices as (
    select
        choices.*,
        listable_pharmacies.state,
        row_number() over (
            partition by choices.member_key, choices.gap_family, choices.subject
            order by
                choices.rule_rank asc,
                choices.distance asc,
                choices.fill_count desc,
                choices.last_fill_date desc nulls last,
                choices.supplied_days desc,
                listable_pharmacies.ncpdp_id asc nulls last,
                choices.npi asc
        ) as choice_rank
    from choices
    inner join listable_pharmacies
        on choices.npi = listable_pharmacies.npi
)

select
    gap_subjects.person_id,
    gap_subjects.gap_family,
    gap_subjects.subject,
    ranked_choices.npi as pharmacy_npi,
    ranked_choices.state,
    ranked_choices.attribution_rule,
    case when ranked_choices.rule_rank in (3, 4, 5) then cast(ranked_choices.fill_count as integer) end as fill_count,
    ranked_choices.last_fill_date
from ranked_choices
inner join gap_subjects
    on
        ranked_choices.member_key = gap_subjects.member_key
        and ranked_choices.gap_family = gap_subjects.gap_family
        and ranked_choices.subject is not distinct from gap_subjects.subject
where ranked_choices.choice_rank = 1
order by
    gap_subjects.person_id,
    gap_subjects.gap_family,
    gap_subjects.subject
