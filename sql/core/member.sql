-- Everyone in eligibility, with an integer key and what the latest enrolment span says of them.
--
-- The latest span is the one that starts last; spans that start on one day are told apart by their end and then by
-- plan, so that the order of rows in a delivery decides nothing. A person whom an earlier night numbered keeps the key;
-- others are numbered after all of those.
with

spans as (
    select
        eligibility.*,
        row_number() over (
            partition by eligibility.person_id
            order by
                eligibility.enrollment_start_date desc,
                coalesce(eligibility.enrollment_end_date, date '9999-12-31') desc,
                eligibility.payer asc nulls last,
                eligibility.plan asc nulls last,
                eligibility.member_id asc nulls last,
                eligibility.birth_date asc,
                eligibility.zip_code asc nulls last,
                eligibility.phone asc nulls last,
                eligibility.source_file asc,
                eligibility.line_number asc
        ) as recency
    from raw.eligibility
),

deaths as (
    select
        eligibility.person_id,
        max(eligibility.death_date) as death_date
    from raw.eligibility
    group by eligibility.person_id
),

last_keys as (
    select coalesce(max(known_member.member_key), 0) as member_key
    from raw.known_member
)

select
    coalesce(
        known_member.member_key,
        cast(
            last_keys.member_key
            + row_number() over (partition by known_member.member_key is null order by spans.person_id) as integer
        )
    ) as member_key,
    spans.person_id,
    spans.birth_date,
    deaths.death_date,
    spans.gender,
    spans.first_name,
    spans.last_name,
    spans.phone,
    spans.address,
    -- A delivery may leave the state to the ZIP code.
    coalesce(spans.state, zcta.state) as state,
    spans.zip_code,
    spans.payer,
    spans.payer_type,
    spans.plan,
    spans.language,
    spans.subscriber_id,
    coalesce(spans.long_term_institutional_flag, false) as is_institutional,
    -- Medicare's dual status codes 01 to 06 and 08 are Medicaid of some kind; 00, 09, NA and 99 are not. A member of
    -- whom eligibility says nothing stays unknown.
    case
        when
            spans.low_income_subsidy_indicator
            or spans.medicaid_indicator
            or lpad(spans.dual_status_code, 2, '0') in ('01', '02', '03', '04', '05', '06', '08')
            then true
        when
            spans.low_income_subsidy_indicator is not null
            or spans.medicaid_indicator is not null
            or spans.dual_status_code is not null
            then false
    end as is_dual_or_lis
from spans
inner join deaths
    on spans.person_id = deaths.person_id
cross join last_keys
left join raw.known_member
    on spans.person_id = known_member.person_id
left join core.zip_area
    on spans.zip_code = zip_area.zip_code
left join raw.zcta
    on zip_area.zcta = zcta.zcta
where spans.recency = 1
order by member_key
