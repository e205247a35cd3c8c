-- The community service to propose to each member for each need: one row per member and category that has one.
--
-- Of the category, within 50 miles of the member's ZIP code or in it, or, where the directory gives no ZIP code, in the
-- member's state or without one. An entry that the directory last confirmed more than twelve months ago is stale and
-- is not proposed; one without that day comes after those with it (community 5.3). A service in the member's language
-- comes first, then the member's own ZIP code, then the nearest, then the one confirmed last; the id settles the rest.
-- A service that turned the member away in the last 180 days is not proposed again.
with

asked_pairs as (
    select
        social_need.member_key,
        social_need.category
    from facts.social_need
    where social_need.is_nameable
    union
    select
        referral_request.member_key,
        referral_request.category
    from facts.referral_request
),

fresh_services as (
    select
        community_service.service_id,
        community_service.category,
        community_service.zip_code,
        community_service.state,
        community_service.languages,
        community_service.assured_date,
        zcta.latitude,
        zcta.longitude
    from raw.community_service
    left join raw.zcta
        on community_service.zip_code = zcta.zcta
    where
        community_service.assured_date is null
        or community_service.assured_date >= cast(cast($as_of as date) - interval 12 month as date)
),

asked_places as (
    select distinct
        member.zip_code,
        member.state,
        asked_pairs.category,
        zcta.latitude,
        zcta.longitude
    from asked_pairs
    inner join core.member
        on asked_pairs.member_key = member.member_key
    left join raw.zcta
        on member.zip_code = zcta.zcta
),

-- Great-circle miles by the haversine formula, on a sphere of 3,958.8 miles.
placed_services as (
    select
        asked_places.zip_code,
        asked_places.state,
        asked_places.category,
        fresh_services.service_id,
        fresh_services.languages,
        fresh_services.assured_date,
        coalesce(fresh_services.zip_code = asked_places.zip_code, false) as is_same_zip,
        -- A place that is not on the map is at no distance: least() would take a null for none.
        case
            when fresh_services.latitude is not null and asked_places.latitude is not null
                then
                    cast(
                        round(
                            2 * 3958.8 * asin(
                                sqrt(
                                    least(
                                        1,
                                        pow(sin(radians(fresh_services.latitude - asked_places.latitude) / 2), 2)
                                        + cos(radians(asked_places.latitude)) * cos(radians(fresh_services.latitude))
                                        * pow(sin(radians(fresh_services.longitude - asked_places.longitude) / 2), 2)
                                    )
                                )
                            ),
                            3
                        ) as decimal(9, 3)
                    )
        end as distance_miles,
        fresh_services.zip_code is null as is_placeless,
        fresh_services.state as service_state
    from asked_places
    inner join fresh_services
        on asked_places.category = fresh_services.category
),

near_services as (
    select placed_services.*
    from placed_services
    where
        placed_services.is_same_zip
        or placed_services.distance_miles <= 50
        or (
            placed_services.is_placeless
            and (placed_services.service_state is null or placed_services.service_state = placed_services.state)
        )
),

-- What an organization told of an earlier referral of the member to it.
refusals as (
    select distinct
        member.member_key,
        state_referral.service_id
    from raw.state_referral
    inner join core.member
        on state_referral.person_id = member.person_id
    left join raw.referral_status
        on state_referral.referral_id = referral_status.referral_id
    where
        (
            coalesce(referral_status.status, state_referral.status) in ('rejected', 'cancelled')
            and coalesce(referral_status.declined_by, state_referral.declined_by) = 'organization'
        )
        and cast(coalesce(referral_status.status_at, state_referral.status_at) as date) > cast($as_of as date) - 180
),

ranked_services as (
    select
        asked_pairs.member_key,
        asked_pairs.category,
        near_services.service_id,
        near_services.distance_miles,
        coalesce(preference.language, member.language) is not null
        and concat(';', near_services.languages, ';')
        like concat('%;', coalesce(preference.language, member.language), ';%') as is_in_language,
        near_services.is_same_zip,
        near_services.assured_date
    from asked_pairs
    inner join core.member
        on asked_pairs.member_key = member.member_key
    left join core.preference
        on member.person_id = preference.person_id
    inner join near_services
        on
            asked_pairs.category = near_services.category
            and member.zip_code is not distinct from near_services.zip_code
            and member.state is not distinct from near_services.state
    where
        not exists (
            select 1
            from refusals
            where
                refusals.member_key = asked_pairs.member_key
                and refusals.service_id = near_services.service_id
        )
),

chosen_services as (
    select
        ranked_services.*,
        row_number() over (
            partition by ranked_services.member_key, ranked_services.category
            order by
                coalesce(ranked_services.is_in_language, false) desc,
                ranked_services.assured_date is null asc,
                ranked_services.is_same_zip desc,
                ranked_services.distance_miles asc nulls last,
                ranked_services.assured_date desc nulls last,
                ranked_services.service_id asc
        ) as choice
    from ranked_services
)

select
    chosen_services.member_key,
    chosen_services.category,
    chosen_services.service_id,
    chosen_services.distance_miles,
    coalesce(chosen_services.is_in_language, false) as is_in_language,
    chosen_services.is_same_zip
from chosen_services
where chosen_services.choice = 1
order by
    chosen_services.member_key,
    chosen_services.category
