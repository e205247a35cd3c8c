-- What each member wishes of contact: one row per member with a row of preferences, refused or not (rules 6.2).
--
-- Rows tell no time, so that of several the strictest counts: any block, every restricted channel, the earliest end of
-- a consent. Of a row that was refused nobody knows what it asks for: `is_readable` is false until all can be read.
-- Whatever restricts nobody is of the row that is last in byte order.
with

wishes as (
    select
        member_preference.person_id,
        coalesce(member_preference.do_not_contact, false) as is_do_not_contact,
        member_preference.contact_block_reason,
        coalesce(restricted_channel.is_phone_restricted, false) as is_phone_restricted,
        coalesce(restricted_channel.is_mail_restricted, false) as is_mail_restricted,
        member_preference.consent_until,
        true as is_readable,
        member_preference.language,
        member_preference.preferred_pharmacy_npi,
        member_preference.best_contact_time,
        row_number() over (
            partition by member_preference.person_id
            order by
                member_preference.do_not_contact desc nulls last,
                member_preference.contact_block_reason desc nulls last,
                member_preference.restricted_channels desc nulls last,
                member_preference.language desc nulls last,
                member_preference.preferred_pharmacy_npi desc nulls last,
                member_preference.consent_until desc nulls last,
                member_preference.best_contact_time desc nulls last
        ) as version
    from raw.member_preference
    left join core.restricted_channel
        on member_preference.restricted_channels = restricted_channel.restricted_channels
    union all
    select
        refused_word.person_id,
        false as is_do_not_contact,
        cast(null as varchar) as contact_block_reason,
        false as is_phone_restricted,
        false as is_mail_restricted,
        cast(null as date) as consent_until,
        false as is_readable,
        cast(null as varchar) as language,
        cast(null as varchar) as preferred_pharmacy_npi,
        cast(null as varchar) as best_contact_time,
        0 as version
    from raw.refused_word
    where
        refused_word.source_table = 'member_preference'
        and refused_word.person_id is not null
)

select
    wishes.person_id,
    bool_or(wishes.is_do_not_contact) as is_do_not_contact,
    -- Mail that came back blocks no call, and a guardian may authorise it; any other reason blocks.
    coalesce(
        min(
            case
                when wishes.contact_block_reason not in ('returned_mail', 'guardianship')
                    then wishes.contact_block_reason
            end
        ),
        min(case when wishes.contact_block_reason = 'guardianship' then wishes.contact_block_reason end),
        min(wishes.contact_block_reason)
    ) as contact_block_reason,
    bool_or(coalesce(wishes.contact_block_reason = 'returned_mail', false)) as is_mail_returned,
    bool_or(wishes.is_phone_restricted) as is_phone_restricted,
    bool_or(wishes.is_mail_restricted) as is_mail_restricted,
    min(wishes.consent_until) as consent_until,
    bool_and(wishes.is_readable) as is_readable,
    max(case when wishes.version = 1 then wishes.language end) as language,
    max(case when wishes.version = 1 then wishes.preferred_pharmacy_npi end) as preferred_pharmacy_npi,
    max(case when wishes.version = 1 then wishes.best_contact_time end) as best_contact_time
from wishes
group by wishes.person_id
order by wishes.person_id
