-- Members whom no list may name tonight, with the first reason that holds (rules 6.2).
with

blocks as (
    select
        member.member_key,
        case
            when member.death_date <= cast($as_of as date) then 'deceased'
            when enrollment.member_key is null then 'not_enrolled'
            when hospice.member_key is not null then 'hospice'
            when member_preference.person_id is not null then 'do_not_contact'
            when member.is_institutional then 'institutional'
        end as block_reason
    from core.member
    left join core.enrollment
        on
            member.member_key = enrollment.member_key
            and cast($as_of as date) between enrollment.enrollment_start_date and enrollment.enrollment_end_date
    left join (
        select distinct coverage_status.member_key
        from core.coverage_status
        where
            coverage_status.status = 'hospice'
            and cast($as_of as date) between coverage_status.status_start_date and coverage_status.status_end_date
    ) as hospice
        on member.member_key = hospice.member_key
    left join raw.member_preference
        on
            member.person_id = member_preference.person_id
            and (
                member_preference.do_not_contact
                or member_preference.contact_block_reason is not null
                or member_preference.consent_until < cast($as_of as date)
            )
)

select
    blocks.member_key,
    blocks.block_reason
from blocks
where blocks.block_reason is not null
order by blocks.member_key
