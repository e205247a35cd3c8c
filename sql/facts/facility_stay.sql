-- Inpatient bills and discharge notices in the order of a member's stays: one row each, with its episode and its chain.
--
-- An episode is what a member spends away from home without a day between: bills of one stay, interim bills, and
-- transfers to another facility by the next day, or within 30 days where the status says that the member went on to
-- one. A chain holds episodes that follow each other within 30 days: readmissions (transitions 3.1, 3.2). The next
-- day's admission to the same facility after a discharge home is a readmission, no transfer. A notice without its
-- admission is of a stay that ends within a day of it; what kind of facility sent it, the first taxonomy of that
-- facility says.
with

statuses as (
    select
        value_set.code,
        value_set.category
    from raw.value_set
    where value_set.value_set = 'discharge_status'
),

facility_kinds as (
    select
        provider.npi,
        max(value_set.category) as stay_kind
    from raw.provider
    inner join raw.value_set
        on
            value_set.value_set = 'facility_kind'
            and substr(provider.taxonomy_code, 1, 10) >= value_set.code
            and substr(provider.taxonomy_code, 1, 10) <= coalesce(value_set.last_code, value_set.code)
    group by provider.npi
),

records as (
    select
        facility_bill.member_key,
        'claim' as trigger_source,
        facility_bill.claim_id,
        facility_bill.facility_npi,
        facility_bill.stay_kind,
        facility_bill.is_psychiatric,
        true as has_admission,
        facility_bill.admission_date,
        facility_bill.bill_end_date as end_date,
        facility_bill.has_discharge,
        statuses.category as destination,
        cast(null as timestamp) as discharged_at,
        cast(null as timestamp) as notified_at,
        facility_bill.received_date as notified_date
    from facts.facility_bill
    left join statuses
        on facility_bill.discharge_disposition_code = statuses.code
    where facility_bill.stay_kind in ('acute', 'post_acute', 'psychiatric')
    union all
    select
        member.member_key,
        'notice' as trigger_source,
        cast(null as varchar) as claim_id,
        discharge_notice.facility_npi,
        coalesce(facility_kinds.stay_kind, 'acute') as stay_kind,
        coalesce(facility_kinds.stay_kind = 'psychiatric', false) as is_psychiatric,
        discharge_notice.admitted_at is not null as has_admission,
        least(
            coalesce(
                cast(discharge_notice.admitted_at as date), cast(discharge_notice.discharged_at as date) - 1
            ),
            cast(discharge_notice.discharged_at as date)
        ) as admission_date,
        cast(discharge_notice.discharged_at as date) as end_date,
        coalesce(statuses.category <> 'still_patient', true) as has_discharge,
        statuses.category as destination,
        discharge_notice.discharged_at,
        coalesce(discharge_notice.notified_at, discharge_notice.discharged_at) as notified_at,
        cast(coalesce(discharge_notice.notified_at, discharge_notice.discharged_at) as date) as notified_date
    from raw.discharge_notice
    inner join core.member
        on discharge_notice.person_id = member.person_id
    left join facility_kinds
        on discharge_notice.facility_npi = facility_kinds.npi
    left join statuses
        on lpad(discharge_notice.discharge_disposition_code, 2, '0') = statuses.code
    where
        cast(discharge_notice.discharged_at as date) <= cast($as_of as date)
        and cast(discharge_notice.discharged_at as date) > cast($as_of as date) - 400
        and coalesce(facility_kinds.stay_kind, 'acute') <> 'hospice'
),

numbered_records as (
    select
        records.*,
        cast(
            row_number() over (
                partition by records.member_key
                order by
                    records.admission_date,
                    records.end_date,
                    records.trigger_source,
                    records.claim_id nulls first,
                    records.discharged_at nulls first,
                    records.notified_at nulls first,
                    records.facility_npi nulls first,
                    records.destination nulls first
            ) as integer
        ) as record_number
    from records
),

-- The last end so far with what follows it, as one text: its day, whether the member went on to a facility, and where.
ordered_records as (
    select
        numbered_records.*,
        max(
            concat(
                cast(numbered_records.end_date as varchar),
                case
                    when
                        not numbered_records.has_discharge
                        or coalesce(numbered_records.destination = 'facility', false)
                        then '1'
                    else '0'
                end,
                coalesce(numbered_records.facility_npi, '')
            )
        ) over (
            partition by numbered_records.member_key
            order by numbered_records.record_number
            rows between unbounded preceding and 1 preceding
        ) as earlier_end
    from numbered_records
),

episode_records as (
    select
        ordered_records.*,
        sum(
            case
                when ordered_records.earlier_end is null then 1
                when
                    substr(ordered_records.earlier_end, 11, 1) = '1'
                    and ordered_records.admission_date <= cast(substr(ordered_records.earlier_end, 1, 10) as date) + 30
                    then 0
                when
                    ordered_records.admission_date > cast(substr(ordered_records.earlier_end, 1, 10) as date) + 1
                    then 1
                when
                    ordered_records.has_admission
                    and ordered_records.admission_date = cast(substr(ordered_records.earlier_end, 1, 10) as date) + 1
                    and ordered_records.facility_npi = substr(ordered_records.earlier_end, 12)
                    then 1
                else 0
            end
        ) over (
            partition by ordered_records.member_key
            order by ordered_records.record_number
            rows unbounded preceding
        ) as episode
    from ordered_records
),

episodes as (
    select
        episode_records.member_key,
        episode_records.episode,
        min(episode_records.admission_date) as episode_start_date,
        max(episode_records.end_date) as episode_end_date
    from episode_records
    group by
        episode_records.member_key,
        episode_records.episode
),

readmissions as (
    select
        episodes.*,
        case
            when
                episodes.episode_start_date <= lag(episodes.episode_end_date) over (
                    partition by episodes.member_key
                    order by episodes.episode
                ) + 30
                then 0
            else 1
        end as is_first_of_chain
    from episodes
),

chained_episodes as (
    select
        readmissions.*,
        sum(readmissions.is_first_of_chain) over (
            partition by readmissions.member_key
            order by readmissions.episode
            rows unbounded preceding
        ) as chain
    from readmissions
)

select
    episode_records.member_key,
    episode_records.record_number,
    cast(chained_episodes.chain as integer) as chain,
    cast(episode_records.episode as integer) as episode,
    chained_episodes.episode_start_date,
    chained_episodes.episode_end_date,
    episode_records.trigger_source,
    episode_records.claim_id,
    episode_records.facility_npi,
    episode_records.stay_kind,
    episode_records.is_psychiatric,
    episode_records.admission_date,
    episode_records.end_date,
    episode_records.has_discharge,
    episode_records.destination,
    episode_records.discharged_at,
    episode_records.notified_at,
    episode_records.notified_date
from episode_records
inner join chained_episodes
    on
        episode_records.member_key = chained_episodes.member_key
        and episode_records.episode = chained_episodes.episode
order by
    episode_records.member_key,
    episode_records.record_number
