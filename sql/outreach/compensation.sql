-- Services that pharmacies reported and a programme pays for (rules 6.8), for the plan to settle with its own prices.
--
-- What pays is an outcome, never a referral or a prescription. It must answer a row that this pharmacy's list held
-- under that service, from its first night until a recall can have come. That nobody could be reached is the outcome of
-- the third attempt: without two more on record, of this row by this pharmacy while it held it and since somebody last
-- answered (rules 6.3), it pays nothing, though no list asks again. A member's family of gaps pays once in a
-- period, a completed service before an attempt, the first of equals. Of what a pharmacy is paid in a programme and
-- period at least a third is completed: fees for further attempts wait. One row in twenty is drawn for audit.
with

qualifying_reports as (
    select
        contact_attempt.person_id,
        contact_attempt.gap_id,
        contact_attempt.pharmacy_npi,
        contact_attempt.attempted_at,
        contact_attempt.attempted_date,
        contact_attempt.outcome_code,
        coalesce(contact_attempt.hold = 'unable_to_reach', false) as is_unreached,
        release.first_listed_date,
        release.programme,
        release.service_code,
        gap_code.gap_family,
        programme_outcome.pays_as,
        programme_outcome.once_per,
        extract(year from contact_attempt.attempted_date) as service_year,
        extract(month from contact_attempt.attempted_date) as service_month
    from facts.contact_attempt
    inner join outreach.release
        on
            contact_attempt.gap_id = release.gap_id
            and contact_attempt.pharmacy_npi = release.pharmacy_npi
    inner join raw.gap_code
        on release.gap_code = gap_code.gap_code
    inner join raw.programme_outcome
        on
            release.programme = programme_outcome.programme_id
            and release.service_code = programme_outcome.service_code
            and contact_attempt.outcome_code = programme_outcome.outcome_code
    where
        -- Of which day the service is, and so of which period, nobody could say.
        not contact_attempt.is_undated
        and contact_attempt.attempted_date >= release.first_listed_date
        and coalesce(contact_attempt.attempted_date <= release.recalled_date + 1, true)
),

last_answers as (
    select
        qualifying_reports.gap_id,
        qualifying_reports.pharmacy_npi,
        qualifying_reports.attempted_at,
        max(contact_attempt.attempted_at) as answered_at
    from qualifying_reports
    inner join facts.contact_attempt
        on
            qualifying_reports.gap_id = contact_attempt.gap_id
            and contact_attempt.is_live_contact
            and qualifying_reports.attempted_at >= contact_attempt.attempted_at
    where qualifying_reports.is_unreached
    group by
        qualifying_reports.gap_id,
        qualifying_reports.pharmacy_npi,
        qualifying_reports.attempted_at
),

-- Each attempt has a time of its own, however often it is told; the result is that of the last one.
given_up_rows as (
    select
        qualifying_reports.gap_id,
        qualifying_reports.pharmacy_npi,
        qualifying_reports.attempted_at
    from qualifying_reports
    inner join facts.contact_attempt
        on
            qualifying_reports.gap_id = contact_attempt.gap_id
            and qualifying_reports.pharmacy_npi = contact_attempt.pharmacy_npi
            and (contact_attempt.is_attempt or contact_attempt.hold = 'unable_to_reach')
            and not contact_attempt.is_undated
            and qualifying_reports.first_listed_date <= contact_attempt.attempted_date
            and qualifying_reports.attempted_at >= contact_attempt.attempted_at
    left join last_answers
        on
            qualifying_reports.gap_id = last_answers.gap_id
            and qualifying_reports.pharmacy_npi = last_answers.pharmacy_npi
            and qualifying_reports.attempted_at = last_answers.attempted_at
    where
        qualifying_reports.is_unreached
        and coalesce(contact_attempt.attempted_at > last_answers.answered_at, true)
    group by
        qualifying_reports.gap_id,
        qualifying_reports.pharmacy_npi,
        qualifying_reports.attempted_at
    having count(distinct contact_attempt.attempted_at) >= $max_attempts
),

paying_reports as (
    select qualifying_reports.*
    from qualifying_reports
    left join given_up_rows
        on
            qualifying_reports.gap_id = given_up_rows.gap_id
            and qualifying_reports.pharmacy_npi = given_up_rows.pharmacy_npi
            and qualifying_reports.attempted_at = given_up_rows.attempted_at
    where
        not qualifying_reports.is_unreached
        or given_up_rows.gap_id is not null
),

dated_reports as (
    select
        paying_reports.*,
        make_date(
            paying_reports.service_year,
            case
                when paying_reports.once_per = 'month' then paying_reports.service_month
                when paying_reports.once_per = 'year' or paying_reports.service_month <= 3 then 1
                when paying_reports.service_month <= 6 then 4
                when paying_reports.service_month <= 9 then 7
                else 10
            end,
            1
        ) as period_start_date
    from paying_reports
),

numbered_reports as (
    select
        dated_reports.*,
        row_number() over (
            partition by
                dated_reports.person_id,
                dated_reports.gap_family,
                dated_reports.once_per,
                dated_reports.period_start_date
            order by
                dated_reports.pays_as desc,
                dated_reports.attempted_at asc,
                dated_reports.gap_id asc,
                dated_reports.pharmacy_npi asc,
                dated_reports.outcome_code asc
        ) as report_number
    from dated_reports
),

counted_reports as (
    select
        numbered_reports.*,
        sum(case when numbered_reports.report_number = 1 and numbered_reports.pays_as = 'completed' then 1 else 0 end)
            over (
                partition by
                    numbered_reports.pharmacy_npi,
                    numbered_reports.programme,
                    numbered_reports.once_per,
                    numbered_reports.period_start_date
            ) as completed_count,
        row_number() over (
            partition by
                numbered_reports.pharmacy_npi,
                numbered_reports.programme,
                numbered_reports.once_per,
                numbered_reports.period_start_date,
                numbered_reports.report_number = 1,
                numbered_reports.pays_as
            order by
                numbered_reports.attempted_at,
                numbered_reports.gap_id,
                numbered_reports.outcome_code
        ) as attempt_number
    from numbered_reports
),

judged_reports as (
    select
        counted_reports.*,
        case
            when counted_reports.report_number > 1 then 'duplicate'
            when
                counted_reports.pays_as = 'attempted'
                and counted_reports.attempt_number > 2 * counted_reports.completed_count
                then 'unsuccessful_share'
        end as withheld_reason
    from counted_reports
)

select
    judged_reports.pharmacy_npi,
    judged_reports.person_id,
    judged_reports.gap_id,
    judged_reports.attempted_at,
    judged_reports.outcome_code,
    judged_reports.programme,
    judged_reports.service_code,
    judged_reports.gap_family,
    judged_reports.attempted_date as service_date,
    judged_reports.period_start_date,
    judged_reports.pays_as,
    judged_reports.withheld_reason is null as is_billable,
    judged_reports.withheld_reason,
    judged_reports.withheld_reason is null
    -- The first two hexadecimal digits: 13 of 256.
    and substr(md5(concat_ws('|', $salt, judged_reports.gap_id, judged_reports.attempted_at)), 1, 2) < '0d'
        as is_audit_sample
from judged_reports
order by
    judged_reports.pharmacy_npi,
    judged_reports.person_id,
    judged_reports.gap_id,
    judged_reports.attempted_at,
    judged_reports.outcome_code
