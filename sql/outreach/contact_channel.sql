-- How each member may be reached: a channel that they restricted, whose consent is over or that failed is none.
--
-- A number that was reported wrong often enough is not called any more; a new number on file may be (rules 6.7). Mail
-- that came back is no channel either. Where the delivery has no phone column, everyone is taken to be reachable.
with

phones as (
    select count(*) as absent_columns
    from raw.ingested
    where
        ingested.source_table = 'eligibility'
        and ingested.measure = 'absent_column'
        and ingested.detail = 'phone'
),

wrong_numbers as (
    select
        contact_attempt.person_id,
        contact_attempt.phone_digest,
        count(distinct contact_attempt.attempted_at) as report_count
    from facts.contact_attempt
    where contact_attempt.phone_digest is not null
    group by
        contact_attempt.person_id,
        contact_attempt.phone_digest
),

-- Only numbers of members with a report are digested: most have none.
wrongly_numbered_members as (
    select
        member.member_key,
        max(
            case
                when
                    wrong_numbers.report_count >= $wrong_number_count
                    and wrong_numbers.phone_digest
                    = substr(sha256(concat_ws('|', $salt, translate(member.phone, '()-. +', ''))), 1, 16)
                    then 1
                else 0
            end
        ) as is_wrong_number
    from wrong_numbers
    inner join core.member
        on wrong_numbers.person_id = member.person_id
    group by member.member_key
),

channels as (
    select
        member.member_key,
        phones.absent_columns > 0
        or coalesce(
            length(translate(member.phone, '()-. +', '')) between 10 and 15
            and try_cast(translate(member.phone, '()-. +', '') as bigint) is not null,
            false
        ) as has_phone,
        member.address is not null
        and member.zip_code is not null
        and not coalesce(preference.is_mail_returned, false) as has_mail,
        coalesce(preference.is_phone_restricted, false)
        or not coalesce(phone_consents.is_valid, not $phone_consent_required) as is_phone_restricted,
        coalesce(preference.is_mail_restricted, false)
        or not coalesce(mail_consents.is_valid, true) as is_mail_restricted,
        coalesce(wrongly_numbered_members.is_wrong_number = 1, false) as is_wrong_number
    from core.member
    cross join phones
    left join core.preference
        on member.person_id = preference.person_id
    left join core.consent as phone_consents
        on
            member.person_id = phone_consents.person_id
            and phone_consents.scope = 'phone'
    left join core.consent as mail_consents
        on
            member.person_id = mail_consents.person_id
            and mail_consents.scope = 'mail'
    left join wrongly_numbered_members
        on member.member_key = wrongly_numbered_members.member_key
)

select
    channels.member_key,
    channels.has_phone
    and not channels.is_phone_restricted
    and not channels.is_wrong_number as is_phone_usable,
    channels.has_mail
    and not channels.is_mail_restricted as is_mail_usable,
    channels.is_phone_restricted,
    channels.is_wrong_number
from channels
