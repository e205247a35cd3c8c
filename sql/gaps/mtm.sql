-- Medication therapy management: members in the programme whose comprehensive review of the year is not on record, and
-- those whose medicines nobody has reviewed this quarter.
--
-- The yearly review is open from 60 days in the programme on, to the end of the year or of enrolment, best asked for
-- early. The targeted review is open from the first day of each quarter, or of the programme, to its last; a
-- comprehensive one stands for it, a follow-up too. A review that a claim shows leaves no gap; one that the pharmacist
-- reports closes it. No one in hospice is asked. The sentence tells of no disease, and neither does the evidence: HIV
-- and mental health count for targeting and are never listed (rules 6.4). Nor do numbers of the member tell that a drug
-- management program alone targets them.
with

enrolled as (
    select
        management_member.*,
        management_year.gap_code,
        management_year.enrolled_days,
        management_year.due_days,
        management_year.confidence,
        management_year.reason,
        management_year.source,
        management_year.targeted_gap_code,
        management_year.targeted_confidence,
        management_year.targeted_reason,
        least(
            active_member.enrollment_end_date, make_date(extract(year from cast($as_of as date)), 12, 31)
        ) as window_end_date,
        concat('mtm ', cast(management_year.management_year as varchar)) as subject,
        concat(
            '{"claims":[],"enrolled_date":"', management_member.enrolled_date,
            '","fewest_drugs":', management_year.min_drugs,
            ',"fewest_diseases":', management_year.min_diseases,
            ',"cost_threshold":', management_year.cost_threshold, ','
        ) as targeting,
        case when management_member.is_like then 'mtm_like' else 'mtm' end as programme
    from facts.management_member
    inner join facts.active_member
        on management_member.member_key = active_member.member_key
    inner join raw.management_year
        on management_year.management_year = extract(year from cast($as_of as date))
),

quarter as (
    select
        quarters.quarter_number,
        make_date(extract(year from cast($as_of as date)), quarters.first_month, 1) as start_date,
        cast(
            make_date(extract(year from cast($as_of as date)), quarters.first_month, 1) + interval 3 month as date
        ) - 1 as end_date
    from (
        values (1, 1), (2, 4), (3, 7), (4, 10)
    ) as quarters (quarter_number, first_month)
    where extract(month from cast($as_of as date)) between quarters.first_month and quarters.first_month + 2
)

select
    enrolled.member_key,
    enrolled.gap_code,
    enrolled.subject,
    case
        when enrolled.enrolled_date + enrolled.enrolled_days <= cast($as_of as date) then 'open'
        else 'prospective'
    end as status,
    enrolled.enrolled_date + enrolled.enrolled_days as window_start_date,
    enrolled.window_end_date,
    least(
        enrolled.enrolled_date + enrolled.enrolled_days + enrolled.due_days, enrolled.window_end_date
    ) as due_date,
    cast(null as decimal(9, 4)) as severity,
    enrolled.confidence,
    replace(
        replace(enrolled.reason, '{start}', cast(enrolled.enrolled_date as varchar)),
        '{end}', cast(enrolled.window_end_date as varchar)
    ) as reason,
    concat(
        enrolled.targeting,
        substr(
            cast(cast({ 'rule': 'targeting', 'source': enrolled.source } as json) as varchar), 2
        )
    ) as evidence,
    enrolled.programme
from enrolled
where
    enrolled.review_date is null
    and enrolled.enrolled_date + enrolled.enrolled_days <= enrolled.window_end_date
union all
select
    enrolled.member_key,
    enrolled.targeted_gap_code as gap_code,
    concat(enrolled.subject, ' q', cast(quarter.quarter_number as varchar)) as subject,
    'open' as status,
    greatest(quarter.start_date, enrolled.enrolled_date) as window_start_date,
    least(quarter.end_date, enrolled.window_end_date) as window_end_date,
    least(quarter.end_date, enrolled.window_end_date) as due_date,
    cast(null as decimal(9, 4)) as severity,
    enrolled.targeted_confidence as confidence,
    replace(
        enrolled.targeted_reason,
        '{end}', cast(least(quarter.end_date, enrolled.window_end_date) as varchar)
    ) as reason,
    concat(
        enrolled.targeting,
        substr(
            cast(cast({ 'rule': 'targeted_review', 'source': enrolled.source } as json) as varchar), 2
        )
    ) as evidence,
    enrolled.programme
from enrolled
cross join quarter
where enrolled.quarter_review_date is null
