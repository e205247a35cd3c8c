-- Medication therapy management: members in the programme whose comprehensive review of the year is not on record.
--
-- Open from 60 days in the programme on, to the end of the year or of enrolment, best asked for early. A review that a
-- claim shows leaves no gap; one that the pharmacist reports closes it. No one in hospice is asked. The sentence tells
-- of no disease, and neither does the evidence: HIV and mental health count for targeting and are never listed (rules
-- 6.4). Nor do numbers of the member tell that a drug management program alone targets them.
with

enrolled as (
    select
        management_member.*,
        least(
            active_member.enrollment_end_date, make_date(extract(year from cast($as_of as date)), 12, 31)
        ) as window_end_date
    from facts.management_member
    inner join facts.active_member
        on management_member.member_key = active_member.member_key
    where management_member.review_date is null
)

select
    enrolled.member_key,
    management_year.gap_code,
    concat('mtm ', cast(management_year.management_year as varchar)) as subject,
    case
        when enrolled.enrolled_date + management_year.enrolled_days <= cast($as_of as date) then 'open'
        else 'prospective'
    end as status,
    enrolled.enrolled_date + management_year.enrolled_days as window_start_date,
    enrolled.window_end_date,
    least(
        enrolled.enrolled_date + management_year.enrolled_days + management_year.due_days, enrolled.window_end_date
    ) as due_date,
    cast(null as decimal(9, 4)) as severity,
    management_year.confidence,
    replace(
        replace(management_year.reason, '{start}', cast(enrolled.enrolled_date as varchar)),
        '{end}', cast(enrolled.window_end_date as varchar)
    ) as reason,
    concat(
        '{"claims":[],"enrolled_date":"', enrolled.enrolled_date,
        '","fewest_drugs":', management_year.min_drugs,
        ',"fewest_diseases":', management_year.min_diseases,
        ',"cost_threshold":', management_year.cost_threshold,
        ',', substr(
            cast(cast({ 'rule': 'targeting', 'source': management_year.source } as json) as varchar), 2
        )
    ) as evidence,
    case when enrolled.is_like then 'mtm_like' else 'mtm' end as programme
from enrolled
inner join raw.management_year
    on management_year.management_year = extract(year from cast($as_of as date))
where enrolled.enrolled_date + management_year.enrolled_days <= enrolled.window_end_date
order by enrolled.member_key
