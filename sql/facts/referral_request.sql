-- Referrals that pharmacists made with the member's word: one row per member, category and day of an outcome REFERRED.
--
-- The outcome names the category as its subject; else that of its gap holds, else none. Referrals to what only a
-- pregnancy or a birth calls for come from maternal care, by their gap code (community 5.3).
with

outcomes as (
    select
        member.member_key,
        member.person_id,
        contact_attempt.gap_code,
        coalesce(contact_attempt.told_subject, contact_attempt.subject) as subject,
        contact_attempt.subject as gap_subject,
        contact_attempt.attempted_at,
        contact_attempt.pharmacy_npi
    from facts.contact_attempt
    inner join core.member
        on contact_attempt.person_id = member.person_id
    where contact_attempt.outcome_code = 'REFERRED'
),

categorised_outcomes as (
    select
        outcomes.member_key,
        outcomes.person_id,
        outcomes.gap_code,
        coalesce(
            maternal_category.category,
            named_category.category,
            gap_category.category,
            'sdoh-category-unspecified'
        ) as category,
        outcomes.attempted_at,
        outcomes.pharmacy_npi
    from outcomes
    left join raw.gap_code
        on outcomes.gap_code = gap_code.gap_code
    left join raw.social_need_category as maternal_category
        on outcomes.gap_code = maternal_category.gap_code
    left join raw.social_need_category as named_category
        on
            lower(outcomes.subject) = named_category.category
            and named_category.words is not null
            and named_category.gap_code is null
    left join raw.social_need_category as gap_category
        on
            outcomes.gap_subject = gap_category.category
            and gap_category.words is not null
            and gap_category.gap_code is null
    where
        gap_code.gap_family = 'community_resource'
        or maternal_category.category is not null
)

select
    substr(
        sha256(
            concat_ws(
                '|',
                $salt,
                'referral',
                categorised_outcomes.person_id,
                categorised_outcomes.category,
                cast(cast(categorised_outcomes.attempted_at as date) as varchar)
            )
        ),
        1,
        16
    ) as referral_id,
    categorised_outcomes.member_key,
    categorised_outcomes.category,
    min(categorised_outcomes.gap_code) as gap_code,
    min(categorised_outcomes.attempted_at) as created_at,
    min(categorised_outcomes.pharmacy_npi) as pharmacy_npi
from categorised_outcomes
group by
    categorised_outcomes.person_id,
    categorised_outcomes.member_key,
    categorised_outcomes.category,
    cast(categorised_outcomes.attempted_at as date)
order by
    categorised_outcomes.member_key,
    categorised_outcomes.category,
    created_at
