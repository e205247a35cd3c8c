-- Connection to community resources: a need that is on record, else an offer to everyone whom the programme is for.
--
-- COMMUNITY_NEED names a documented or screened need, one row per category, and the service that the directory
-- proposes. Where nothing may be named, everyone in a programme's population is offered help in the same words,
-- whatever is known or guessed of means and area, which only rank the row (community 5.1). One offer per member: that
-- for diabetes, which outlasts a pregnancy, before that for a pregnancy. While a referral is under way its row waits,
-- and help from a navigator ends everything; what a pharmacist or a service reports closes or holds a row later on
-- (community 5.3, rules 6.7). Wording follows rule L6.
with

-- Means and area, of which nothing is printed: Medicaid, both payers or the low-income subsidy; a ZIP code of low
-- income or in the most vulnerable quarter of the Social Vulnerability Index.
guessed_tiers as (
    select
        member.member_key,
        case
            when member.is_dual_or_lis or member.payer_type = 'medicaid' then 'indicated'
            when zcta.low_income or zcta.svi >= 0.75 then 'area'
            else 'none'
        end as need_tier
    from core.member
    left join raw.zcta
        on member.zip_code = zcta.zcta
),

unnamed_needs as (
    select
        social_need.member_key,
        social_need.need_tier,
        social_need.event_date,
        social_need.claim_id
    from facts.social_need
    where
        not social_need.is_nameable
        and not social_need.is_restricted
),

needs as (
    select
        programme_member.member_key,
        'COMMUNITY_NEED' as gap_code,
        social_need.category,
        social_need.need_tier,
        greatest(social_need.event_date, programme_member.programme_start_date) as window_start_date,
        cast(social_need.event_date + interval 12 month as date) as window_end_date,
        social_need.event_date,
        social_need.claim_id,
        programme_member.programme_id,
        programme_member.population,
        programme_member.source
    from facts.programme_member
    inner join facts.social_need
        on
            programme_member.member_key = social_need.member_key
            and social_need.is_nameable
    where
        programme_member.population = 'documented_need'
        and programme_member.gap_family = 'community_resource'
),

offers as (
    select
        programme_member.member_key,
        case when programme_member.population = 'diabetes' then 'COMMUNITY_OFFER' else 'COMMUNITY_OFFER_MATERNAL' end
            as gap_code,
        'sdoh-category-unspecified' as category,
        coalesce(unnamed_needs.need_tier, guessed_tiers.need_tier) as need_tier,
        programme_member.window_start_date,
        programme_member.window_end_date,
        programme_member.event_date,
        programme_member.claim_id,
        programme_member.programme_id,
        programme_member.population,
        programme_member.source
    from facts.programme_member
    inner join guessed_tiers
        on programme_member.member_key = guessed_tiers.member_key
    left join unnamed_needs
        on programme_member.member_key = unnamed_needs.member_key
    where
        programme_member.population in ('diabetes', 'pregnant_tier_a')
        and programme_member.gap_family = 'community_resource'
        and programme_member.member_key not in (select needs.member_key from needs)
),

askings as (
    select needs.*
    from needs
    union all
    select offers.*
    from offers
),

-- One row per member and category, whichever programme and population it comes from.
chosen_askings as (
    select
        askings.*,
        row_number() over (
            partition by askings.member_key, askings.category
            order by
                askings.gap_code,
                askings.programme_id,
                askings.population
        ) as choice
    from askings
),

waiting_askings as (
    select
        chosen_askings.*,
        referral_hold.hold_until_date
    from chosen_askings
    left join facts.referral_hold
        on
            chosen_askings.member_key = referral_hold.member_key
            and chosen_askings.category = referral_hold.category
            and referral_hold.hold_reason in ('under_way', 'unverified')
    where
        chosen_askings.choice = 1
        and chosen_askings.member_key not in (
            select everything.member_key
            from facts.referral_hold as everything
            where everything.category is null
        )
),

services as (
    select
        service_match.member_key,
        service_match.category,
        service_match.service_id,
        community_service.organization_name,
        community_service.name,
        community_service.phone
    from facts.service_match
    inner join raw.community_service
        on
            service_match.service_id = community_service.service_id
            and service_match.category = community_service.category
)

select
    waiting_askings.member_key,
    waiting_askings.gap_code,
    waiting_askings.category as subject,
    case when waiting_askings.hold_until_date is null then 'open' else 'prospective' end as status,
    coalesce(waiting_askings.hold_until_date, waiting_askings.window_start_date) as window_start_date,
    greatest(waiting_askings.window_end_date, waiting_askings.hold_until_date) as window_end_date,
    cast(null as date) as due_date,
    cast(social_need_tier.severity as decimal(9, 4)) as severity,
    cast(1 as decimal(9, 4)) as confidence,
    case
        when waiting_askings.gap_code = 'COMMUNITY_NEED'
            then
                concat(
                    case
                        when waiting_askings.need_tier = 'documented' then 'A claim of '
                        else 'A screening of '
                    end,
                    waiting_askings.event_date, ' tells of a need for help with ', social_need_category.words,
                    '. Ask whether it still stands, and offer to connect',
                    case
                        when services.service_id is null then ''
                        else concat(
                            ': ',
                            concat_ws(', ', services.organization_name, services.name, services.phone)
                        )
                    end,
                    '.'
                )
        else
            'Offer help with everyday needs such as food, transport, housing or bills: ask whether any of it would be '
            || 'welcome, and connect.'
    end as reason,
    concat(
        '{"claims":[',
        case
            when waiting_askings.claim_id is not null
                then cast(cast({ 'claim_id': waiting_askings.claim_id } as json) as varchar)
            else ''
        end,
        '],"date":"', waiting_askings.event_date,
        '","rule":"',
        case
            when waiting_askings.gap_code = 'COMMUNITY_NEED' then 'A need on record within twelve months'
            else 'Universal offer to a population of the programme'
        end,
        '","programme":"', waiting_askings.programme_id,
        '","population":"', waiting_askings.population,
        '",',
        substr(
            cast(
                cast(
                    { 'source': waiting_askings.source, 'service_id': services.service_id } as json
                ) as varchar
            ),
            2
        )
    ) as evidence,
    waiting_askings.need_tier,
    waiting_askings.programme_id,
    waiting_askings.population,
    services.service_id
from waiting_askings
inner join raw.social_need_category
    on waiting_askings.category = social_need_category.category
inner join raw.social_need_tier
    on waiting_askings.need_tier = social_need_tier.need_tier
left join services
    on
        case when waiting_askings.gap_code = 'COMMUNITY_NEED' then waiting_askings.member_key end = services.member_key
        and waiting_askings.category = services.category
        and coalesce(services.organization_name, services.name, services.phone) is not null
