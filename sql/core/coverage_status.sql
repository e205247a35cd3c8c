-- Spans during which eligibility itself says that a member is in hospice or has end-stage renal disease.
--
-- A flag counts for the years that its span touches (interface 2.1); esrd_status is a flag in some feeds and a
-- Medicare status code in others, where 11, 21 and 31 are the codes with ESRD (CMS, Medicare Status Code).
with

flagged_spans as (
    select
        member.member_key,
        eligibility.enrollment_start_date,
        least(
            coalesce(eligibility.enrollment_end_date, date '2199-12-31'),
            coalesce(member.death_date, date '2199-12-31')
        ) as enrollment_end_date,
        coalesce(eligibility.hospice_flag, false) as is_hospice,
        coalesce(
            lower(eligibility.esrd_status) in ('1', 'y', 'yes', 't', 'true', 'esrd', '11', '21', '31'), false
        ) as is_esrd
    from raw.eligibility
    inner join core.member
        on eligibility.person_id = member.person_id
)

select
    flagged_spans.member_key,
    'hospice' as status,
    flagged_spans.enrollment_start_date as status_start_date,
    flagged_spans.enrollment_end_date as status_end_date
from flagged_spans
where flagged_spans.is_hospice
union
select
    flagged_spans.member_key,
    'esrd' as status,
    flagged_spans.enrollment_start_date as status_start_date,
    flagged_spans.enrollment_end_date as status_end_date
from flagged_spans
where flagged_spans.is_esrd
order by
    member_key,
    status,
    status_start_date,
    status_end_date
