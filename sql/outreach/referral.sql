-- Referrals to community services as published in the restricted part, and as the next night reads them: a neutral
-- record that maps to a FHIR ServiceRequest and Task (community 5.3).
--
-- `member_token` stands for the member outside: a salted digest that says nothing of the person. Draft ones are kept
-- and go nowhere.
select
    referral.referral_id,
    member.person_id,
    substr(sha256(concat_ws('|', $salt, 'member', member.person_id)), 1, 16) as member_token,
    referral.category,
    referral.gap_code,
    social_need_category.code as category_code,
    social_need_category.display as category_display,
    'routine' as priority,
    case when not referral.is_recalled then social_need.claim_id end as reason_claim_id,
    referral.created_at,
    referral.pharmacy_npi,
    pharmacy.ncpdp_id as pharmacy_ncpdp_id,
    referral.service_id,
    community_service.organization_id,
    community_service.organization_name,
    community_service.name as service_name,
    referral.consent_scope,
    referral.consent_date,
    coalesce(preference.language, member.language) as language,
    preference.best_contact_time as contact_preference,
    referral.status,
    referral.status_reason,
    referral.status_at,
    referral.outcome_code,
    referral.declined_by,
    referral.is_closed_loop,
    referral.closed_at
from facts.referral
inner join core.member
    on referral.member_key = member.member_key
inner join raw.social_need_category
    on referral.category = social_need_category.category
left join facts.social_need
    on
        referral.member_key = social_need.member_key
        and referral.category = social_need.category
        and social_need.is_nameable
left join core.pharmacy
    on referral.pharmacy_npi = pharmacy.npi
left join core.preference
    on member.person_id = preference.person_id
left join (
    select
        community_service.service_id,
        min(community_service.organization_id) as organization_id,
        min(community_service.organization_name) as organization_name,
        min(community_service.name) as name
    from raw.community_service
    group by community_service.service_id
) as community_service
    on referral.service_id = community_service.service_id
order by referral.referral_id
