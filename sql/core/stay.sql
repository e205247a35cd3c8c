-- Institutional stays: days on which a facility, not a pharmacy, supplied the drugs; stays that touch are one.
--
-- Bill types 11x, 18x, 21x and 41x; without a discharge date a stay ends with its claim, and a patient who is still
-- there at the end of the last claim (status 30) stays through the as-of date (interface 2.1). The day of discharge
-- belongs to the stay (CMS Star Ratings Technical Notes 2026, attachment L). A void is no stay.
with

bills as (
    select
        inpatient_line.member_key,
        inpatient_line.claim_id,
        min(inpatient_line.admission_date) as admission_date,
        max(inpatient_line.bill_end_date) as bill_end_date,
        max(not inpatient_line.is_discharge_dated and inpatient_line.discharge_disposition_code = '30')
            as is_still_patient
    from core.inpatient_line
    where substr(inpatient_line.bill_type_code, 1, 2) in ('11', '18', '21', '41')
    group by
        inpatient_line.member_key,
        inpatient_line.claim_id
),

dated_bills as (
    select
        bills.member_key,
        bills.claim_id,
        bills.admission_date,
        least(greatest(bills.bill_end_date, bills.admission_date), $as_of) as bill_end_date,
        coalesce(bills.is_still_patient, false) as is_still_patient
    from bills
    where bills.admission_date <= $as_of
),

ordered_bills as (
    select
        dated_bills.*,
        max(dated_bills.bill_end_date) over (
            partition by dated_bills.member_key
            order by dated_bills.admission_date, dated_bills.bill_end_date, dated_bills.claim_id
            rows between unbounded preceding and 1 preceding
        ) as occupied_through_date
    from dated_bills
),

numbered_bills as (
    select
        ordered_bills.*,
        sum(case when ordered_bills.admission_date <= ordered_bills.occupied_through_date + 1 then 0 else 1 end) over (
            partition by ordered_bills.member_key
            order by ordered_bills.admission_date, ordered_bills.bill_end_date, ordered_bills.claim_id
            rows unbounded preceding
        ) as stay_number
    from ordered_bills
),

stays as (
    select
        numbered_bills.member_key,
        numbered_bills.stay_number,
        min(numbered_bills.admission_date) as admission_date,
        max(numbered_bills.bill_end_date) as last_bill_end_date
    from numbered_bills
    group by
        numbered_bills.member_key,
        numbered_bills.stay_number
),

open_stays as (
    select distinct
        numbered_bills.member_key,
        numbered_bills.stay_number
    from numbered_bills
    inner join stays
        on
            numbered_bills.member_key = stays.member_key
            and numbered_bills.stay_number = stays.stay_number
            and numbered_bills.bill_end_date = stays.last_bill_end_date
    where
        numbered_bills.is_still_patient
        -- Another bill that ends the same day with a discharge closes the stay.
        and not exists (
            select 1
            from numbered_bills as closing_bills
            where
                closing_bills.member_key = numbered_bills.member_key
                and closing_bills.stay_number = numbered_bills.stay_number
                and closing_bills.bill_end_date = numbered_bills.bill_end_date
                and not closing_bills.is_still_patient
        )
),

first_open_stays as (
    select
        open_stays.member_key,
        min(open_stays.stay_number) as stay_number
    from open_stays
    group by open_stays.member_key
)

select
    stays.member_key,
    min(stays.admission_date) as admission_date,
    max(case when first_open_stays.stay_number is not null then $as_of else stays.last_bill_end_date end)
        as discharge_date
from stays
left join first_open_stays
    on
        stays.member_key = first_open_stays.member_key
        and stays.stay_number >= first_open_stays.stay_number
group by
    stays.member_key,
    -- Whatever begins after an open stay lies inside it.
    coalesce(first_open_stays.stay_number, stays.stay_number)
order by
    stays.member_key,
    admission_date
