-- Whether maternal lists may be published at all tonight: one row.
--
-- It fails closed (maternal 1.7, L9): medical claims that are too old, or a value set of losses, doubts or outcomes
-- that is missing or lacks a kind, would hide a loss. The feed is as old as its newest load time, else its newest day
-- of service; load times more than three days after the as-of date say nothing of it.
with

feed_dates as (
    select
        max(
            case when medical_claim.file_date <= cast($as_of as date) + 3 then medical_claim.file_date end
        ) as file_date,
        max(
            case
                when cast(medical_claim.ingest_datetime as date) <= cast($as_of as date) + 3
                    then cast(medical_claim.ingest_datetime as date)
            end
        ) as ingest_date,
        max(
            case when medical_claim.claim_start_date <= cast($as_of as date) then medical_claim.claim_start_date end
        ) as service_date
    from raw.medical_claim
),

feeds as (
    select
        coalesce(
            greatest(feed_dates.file_date, feed_dates.ingest_date),
            feed_dates.file_date,
            feed_dates.ingest_date,
            feed_dates.service_date
        ) as feed_date
    from feed_dates
),

needed_sets as (
    select
        needed.value_set,
        needed.category
    from (
        values
        ('pregnancy_loss', 'ectopic'),
        ('pregnancy_loss', 'molar'),
        ('pregnancy_loss', 'miscarriage'),
        ('pregnancy_loss', 'induced'),
        ('pregnancy_loss', 'stillbirth'),
        ('pregnancy_loss', 'mixed'),
        ('pregnancy_loss', 'infant_death'),
        ('pregnancy_loss_drugs', null),
        ('pregnancy_hold', null),
        ('pregnancy_hold_emergency', null),
        ('emergency_visit', null),
        ('pregnancy_negative', null),
        ('delivery', 'proof'),
        ('delivery', 'intrapartum'),
        ('live_birth', 'live'),
        ('postpartum', null),
        ('newborn', null)
    ) as needed (value_set, category)
),

missing_sets as (
    select count(*) as missing_count
    from needed_sets
    where not exists (
        select 1
        from raw.value_set
        where
            value_set.value_set = needed_sets.value_set
            and (needed_sets.category is null or value_set.category = needed_sets.category)
    )
)

select
    feeds.feed_date,
    cast(missing_sets.missing_count as integer) as missing_value_sets,
    case
        when missing_sets.missing_count > 0 then 'value_set_missing'
        when feeds.feed_date is null or cast(cast($as_of as date) - feeds.feed_date as integer) > $feed_age_days
            then 'medical_feed_stale'
    end as closed_reason
from feeds
cross join missing_sets
