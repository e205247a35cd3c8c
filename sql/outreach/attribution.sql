-- The pharmacy that each gap goes to, and the rule that chose it.
--
-- First match (rules 6.5): the member's preferred pharmacy; for a specialty drug the specialty pharmacy with most fills
-- of it; most paid fills of the gap's drug class in the recent window; most fills of any drug in it; the latest fill in
-- the longer window; the nearest open in-network pharmacy in the member's ZIP, for care that is too far away the
-- nearest of any ZIP (`assigned_by_distance`, an offer only). Ties: latest fill, more days supply, lowest NCPDP id,
-- NPI. Mail-order and closed pharmacies and vaccine fills never attribute a member; a specialty pharmacy may mail what
-- it dispenses.
--
-- Chosen again each month: before, the pharmacy stays, and an open gap keeps it for 30 days. A member's own wish, a
-- pharmacy that closed and one that says `NOT_MY_PATIENT` change it at once; such a pharmacy counts again with a fill
-- of later than its word.
with

gap_subjects as (
    select
        ledger.person_id,
        ledger.member_key,
        ledger.gap_family,
        ledger.subject,
        max(case when ledger.status = 'open' then 1 else 0 end) as is_open
    from outreach.ledger
    where ledger.member_key is not null
    group by
        ledger.person_id,
        ledger.member_key,
        ledger.gap_family,
        ledger.subject
),

listable_pharmacies as (
    select
        pharmacy.npi,
        pharmacy.ncpdp_id,
        pharmacy.state,
        pharmacy.zip_code,
        pharmacy.latitude,
        pharmacy.longitude,
        pharmacy.is_in_network,
        pharmacy.is_specialty
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

refusals as (
    select
        member.member_key,
        contact_attempt.pharmacy_npi,
        max(contact_attempt.attempted_date) as refused_date
    from facts.contact_attempt
    inner join core.member
        on contact_attempt.person_id = member.person_id
    where
        contact_attempt.outcome_code = 'NOT_MY_PATIENT'
        and contact_attempt.pharmacy_npi is not null
    group by
        member.member_key,
        contact_attempt.pharmacy_npi
),

-- A wish, or the choice of before: where one stands, no claim is asked.
considered_subjects as (
    select
        gap_subjects.person_id,
        gap_subjects.member_key,
        gap_subjects.gap_family,
        gap_subjects.subject,
        wished_pharmacies.npi as wished_npi,
        wished_pharmacies.state as wished_state,
        wish_refusals.member_key is not null as is_wish_refused,
        known_pharmacies.npi as known_npi,
        known_pharmacies.state as known_state,
        state_attribution.attribution_rule as known_rule,
        state_attribution.fill_count as known_fill_count,
        state_attribution.last_fill_date as known_last_fill_date,
        state_attribution.attributed_date as known_date,
        coalesce(
            -- A wish that is no more a wish keeps nobody.
            state_attribution.attribution_rule <> 'preferred'
            and (
                (
                    extract(year from state_attribution.attributed_date) = extract(year from cast($as_of as date))
                    and extract(month from state_attribution.attributed_date) = extract(month from cast($as_of as date))
                )
                or (
                    gap_subjects.is_open = 1
                    and state_attribution.attributed_date > cast($as_of as date) - $freeze_days
                )
            )
            and (
                known_refusals.member_key is null
                or known_refusals.refused_date < state_attribution.attributed_date
            ),
            false
        ) as is_known_to_stand
    from gap_subjects
    left join core.preference
        on gap_subjects.person_id = preference.person_id
    left join listable_pharmacies as wished_pharmacies
        on preference.preferred_pharmacy_npi = wished_pharmacies.npi
    left join refusals as wish_refusals
        on
            gap_subjects.member_key = wish_refusals.member_key
            and wished_pharmacies.npi = wish_refusals.pharmacy_npi
    left join raw.state_attribution
        on
            gap_subjects.person_id = state_attribution.person_id
            and gap_subjects.gap_family = state_attribution.gap_family
            and gap_subjects.subject is not distinct from state_attribution.subject
    left join listable_pharmacies as known_pharmacies
        on state_attribution.pharmacy_npi = known_pharmacies.npi
    left join refusals as known_refusals
        on
            gap_subjects.member_key = known_refusals.member_key
            and known_pharmacies.npi = known_refusals.pharmacy_npi
),

standing_subjects as (
    select
        considered_subjects.person_id,
        considered_subjects.gap_family,
        considered_subjects.subject,
        'preferred' as attribution_rule,
        considered_subjects.wished_npi as npi,
        considered_subjects.wished_state as state,
        cast(null as integer) as fill_count,
        cast(null as date) as last_fill_date,
        -- Chosen again for the same wish, it is no new choice.
        case
            when
                considered_subjects.known_rule = 'preferred'
                and considered_subjects.known_npi = considered_subjects.wished_npi
                then considered_subjects.known_date
        end as attributed_date
    from considered_subjects
    where
        considered_subjects.wished_npi is not null
        and not considered_subjects.is_wish_refused
    union all
    select
        considered_subjects.person_id,
        considered_subjects.gap_family,
        considered_subjects.subject,
        considered_subjects.known_rule as attribution_rule,
        considered_subjects.known_npi as npi,
        considered_subjects.known_state as state,
        case
            when considered_subjects.known_rule <> 'assigned_by_distance'
                then coalesce(considered_subjects.known_fill_count, 0)
        end as fill_count,
        considered_subjects.known_last_fill_date as last_fill_date,
        considered_subjects.known_date as attributed_date
    from considered_subjects
    where
        considered_subjects.known_npi is not null
        and considered_subjects.is_known_to_stand
        and (considered_subjects.wished_npi is null or considered_subjects.is_wish_refused)
),

unplaced_subjects as (
    select
        considered_subjects.person_id,
        considered_subjects.member_key,
        considered_subjects.gap_family,
        considered_subjects.subject
    from considered_subjects
    where
        (considered_subjects.wished_npi is null or considered_subjects.is_wish_refused)
        and (considered_subjects.known_npi is null or not considered_subjects.is_known_to_stand)
),

unplaced_members as (
    select distinct unplaced_subjects.member_key
    from unplaced_subjects
),

fills as (
    select
        fill.fill_key,
        fill.member_key,
        fill.dispensing_provider_npi as npi,
        fill.fill_date,
        fill.days_supply,
        fill.is_mail_order,
        fill.fill_date > cast($as_of as date) - $recent_days as is_recent,
        listable_pharmacies.is_specialty and coalesce(drug.is_specialty, false) as is_specialty,
        coalesce(fill.rx_number, fill.claim_id) as prescription
    from core.fill
    inner join unplaced_members
        on fill.member_key = unplaced_members.member_key
    inner join listable_pharmacies
        on fill.dispensing_provider_npi = listable_pharmacies.npi
    left join core.drug
        on fill.drug_key = drug.drug_key
    left join refusals
        on
            fill.member_key = refusals.member_key
            and fill.dispensing_provider_npi = refusals.pharmacy_npi
    where
        fill.fill_date > cast($as_of as date) - $last_fill_days
        and coalesce(fill.fill_date > refusals.refused_date, true)
        and coalesce(drug.product_class, '') <> 'vaccine'
),

-- What was dispensed on one day for one prescription counts once.
class_dispensings as (
    select
        unplaced_subjects.member_key,
        unplaced_subjects.gap_family,
        unplaced_subjects.subject,
        fills.npi,
        fill_rules.attribution_rule,
        fill_rules.rule_rank,
        fills.fill_date,
        fills.prescription,
        sum(coalesce(fills.days_supply, 0)) as supplied_days
    from unplaced_subjects
    inner join facts.subject_fill
        on
            unplaced_subjects.member_key = subject_fill.member_key
            and unplaced_subjects.subject = subject_fill.subject
            and unplaced_subjects.gap_family = coalesce(subject_fill.gap_family, unplaced_subjects.gap_family)
    inner join fills
        on
            subject_fill.fill_key = fills.fill_key
            and fills.is_recent
    inner join (
        values ('specialty_fills', 3, true), ('most_class_fills', 4, false)
    ) as fill_rules (attribution_rule, rule_rank, is_specialty)
        on case when fill_rules.is_specialty then fills.is_specialty else not fills.is_mail_order end
    group by
        unplaced_subjects.member_key,
        unplaced_subjects.gap_family,
        unplaced_subjects.subject,
        fills.npi,
        fill_rules.attribution_rule,
        fill_rules.rule_rank,
        fills.fill_date,
        fills.prescription
),

member_dispensings as (
    select
        fills.member_key,
        fills.npi,
        fills.is_recent,
        fills.fill_date,
        fills.prescription,
        sum(coalesce(fills.days_supply, 0)) as supplied_days
    from fills
    where not fills.is_mail_order
    group by
        fills.member_key,
        fills.npi,
        fills.is_recent,
        fills.fill_date,
        fills.prescription
),

-- Distance is asked only of those whom no pharmacy served.
unserved_members as (
    select unplaced_members.member_key
    from unplaced_members
    where
        unplaced_members.member_key not in (
            select fills.member_key
            from fills
            where not fills.is_mail_order
        )
),

-- Rules that look at no gap are decided once for each member. A pharmacy of the recent window goes before any other,
-- so that the longer one is asked only of those without.
member_choices as (
    select
        member_dispensings.member_key,
        member_dispensings.npi,
        case when member_dispensings.is_recent then 'most_fills' else 'latest_fill' end as attribution_rule,
        case when member_dispensings.is_recent then 5 else 6 end as rule_rank,
        -- The latest fill decides alone, so its count does not.
        case when member_dispensings.is_recent then count(*) else 1 end as fill_count,
        max(member_dispensings.fill_date) as last_fill_date,
        cast(sum(member_dispensings.supplied_days) as bigint) as supplied_days,
        cast(0 as double) as distance
    from member_dispensings
    group by
        member_dispensings.member_key,
        member_dispensings.npi,
        member_dispensings.is_recent
    union all
    select
        unserved_members.member_key,
        listable_pharmacies.npi,
        'assigned_by_distance' as attribution_rule,
        7 as rule_rank,
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
    from unserved_members
    inner join core.member
        on unserved_members.member_key = member.member_key
    inner join listable_pharmacies
        on
            member.zip_code = listable_pharmacies.zip_code
            and listable_pharmacies.is_in_network
    left join raw.zcta
        on member.zip_code = zcta.zcta
    left join refusals
        on
            member.member_key = refusals.member_key
            and listable_pharmacies.npi = refusals.pharmacy_npi
    where refusals.member_key is null
),

ranked_member_choices as (
    select
        member_choices.*,
        row_number() over (
            partition by member_choices.member_key
            order by
                member_choices.rule_rank asc,
                member_choices.distance asc,
                member_choices.fill_count desc,
                member_choices.last_fill_date desc nulls last,
                member_choices.supplied_days desc,
                listable_pharmacies.ncpdp_id asc nulls last,
                member_choices.npi asc
        ) as choice_rank
    from member_choices
    inner join listable_pharmacies
        on member_choices.npi = listable_pharmacies.npi
),

choices as (
    select
        class_dispensings.member_key,
        class_dispensings.gap_family,
        class_dispensings.subject,
        class_dispensings.npi,
        class_dispensings.attribution_rule,
        class_dispensings.rule_rank,
        count(*) as fill_count,
        max(class_dispensings.fill_date) as last_fill_date,
        cast(sum(class_dispensings.supplied_days) as bigint) as supplied_days,
        cast(0 as double) as distance
    from class_dispensings
    group by
        class_dispensings.member_key,
        class_dispensings.gap_family,
        class_dispensings.subject,
        class_dispensings.npi,
        class_dispensings.attribution_rule,
        class_dispensings.rule_rank
    union all
    select
        unplaced_subjects.member_key,
        unplaced_subjects.gap_family,
        unplaced_subjects.subject,
        ranked_member_choices.npi,
        ranked_member_choices.attribution_rule,
        ranked_member_choices.rule_rank,
        ranked_member_choices.fill_count,
        ranked_member_choices.last_fill_date,
        ranked_member_choices.supplied_days,
        ranked_member_choices.distance
    from unplaced_subjects
    inner join ranked_member_choices
        on
            unplaced_subjects.member_key = ranked_member_choices.member_key
            and ranked_member_choices.choice_rank = 1
    union all
    -- Where care is far, so may be the pharmacy (deserts 4.2).
    select
        unplaced_subjects.member_key,
        unplaced_subjects.gap_family,
        unplaced_subjects.subject,
        listable_pharmacies.npi,
        'assigned_by_distance' as attribution_rule,
        8 as rule_rank,
        cast(0 as bigint) as fill_count,
        cast(null as date) as last_fill_date,
        cast(0 as bigint) as supplied_days,
        cast(nearest_site.miles as double) as distance
    from unplaced_subjects
    inner join unserved_members
        on unplaced_subjects.member_key = unserved_members.member_key
    inner join desert_families
        on unplaced_subjects.gap_family = desert_families.gap_family
    inner join core.member
        on unplaced_subjects.member_key = member.member_key
    inner join core.zip_area
        on member.zip_code = zip_area.zip_code
    inner join core.zcta
        on zip_area.zcta = zcta.zcta
    inner join facts.nearest_site
        on zcta.zcta_key = nearest_site.zcta_key
    inner join core.site
        on
            nearest_site.supplier_key = site.site_row
            and site.service = 'retail_pharmacy'
    inner join listable_pharmacies
        on site.npi = listable_pharmacies.npi
    left join refusals
        on
            unplaced_subjects.member_key = refusals.member_key
            and listable_pharmacies.npi = refusals.pharmacy_npi
    where refusals.member_key is null
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
),

chosen_subjects as (
    select
        unplaced_subjects.person_id,
        unplaced_subjects.gap_family,
        unplaced_subjects.subject,
        ranked_choices.attribution_rule,
        ranked_choices.npi,
        ranked_choices.state,
        case
            when ranked_choices.attribution_rule <> 'assigned_by_distance'
                then cast(ranked_choices.fill_count as integer)
        end as fill_count,
        ranked_choices.last_fill_date
    from ranked_choices
    inner join unplaced_subjects
        on
            ranked_choices.member_key = unplaced_subjects.member_key
            and ranked_choices.gap_family = unplaced_subjects.gap_family
            and ranked_choices.subject is not distinct from unplaced_subjects.subject
    where ranked_choices.choice_rank = 1
)

select
    standing_subjects.person_id,
    standing_subjects.gap_family,
    standing_subjects.subject,
    standing_subjects.npi as pharmacy_npi,
    standing_subjects.state,
    standing_subjects.attribution_rule,
    standing_subjects.fill_count,
    standing_subjects.last_fill_date,
    coalesce(standing_subjects.attributed_date, cast($as_of as date)) as attributed_date
from standing_subjects
union all
select
    chosen_subjects.person_id,
    chosen_subjects.gap_family,
    chosen_subjects.subject,
    chosen_subjects.npi as pharmacy_npi,
    chosen_subjects.state,
    chosen_subjects.attribution_rule,
    chosen_subjects.fill_count,
    chosen_subjects.last_fill_date,
    cast($as_of as date) as attributed_date
from chosen_subjects
