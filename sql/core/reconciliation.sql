-- Rows of each input table by bucket: read is accepted plus rejected plus duplicate plus netted (interface 2.1).
with

door_counts as (
    select
        ingested.source_table,
        coalesce(sum(ingested.row_count) filter (where ingested.measure = 'read'), 0) as read_rows,
        coalesce(sum(ingested.row_count) filter (where ingested.measure = 'duplicate'), 0) as duplicate_rows,
        coalesce(sum(ingested.row_count) filter (where ingested.measure = 'netted'), 0) as netted_rows
    from raw.ingested
    group by ingested.source_table
),

removed_counts as (
    select
        'pharmacy_claim' as source_table,
        pharmacy_claim_removed.bucket,
        count(*) as row_count
    from core.pharmacy_claim_removed
    group by pharmacy_claim_removed.bucket
    union all
    select
        'medical_claim' as source_table,
        medical_claim_removed.bucket,
        count(*) as row_count
    from core.medical_claim_removed
    group by medical_claim_removed.bucket
),

rejected_counts as (
    select
        refused.source_table,
        sum(refused.row_count) as row_count
    from (
        select
            rejected.source_table,
            count(*) as row_count
        from raw.rejected
        group by rejected.source_table
        union all
        select
            removed_counts.source_table,
            removed_counts.row_count
        from removed_counts
        where removed_counts.bucket = 'rejected'
    ) as refused
    group by refused.source_table
),

kept_counts as (
    select
        ingested.source_table,
        coalesce(sum(ingested.row_count) filter (where ingested.measure = 'stored'), 0) as row_count
    from raw.ingested
    group by ingested.source_table
),

buckets as (
    select
        door_counts.source_table,
        'read' as bucket,
        door_counts.read_rows as row_count
    from door_counts
    union all
    select
        kept_counts.source_table,
        'accepted' as bucket,
        kept_counts.row_count - coalesce(
            (
                select sum(removed_counts.row_count)
                from removed_counts
                where removed_counts.source_table = kept_counts.source_table
            ),
            0
        ) as row_count
    from kept_counts
    union all
    select
        door_counts.source_table,
        'rejected' as bucket,
        coalesce(rejected_counts.row_count, 0) as row_count
    from door_counts
    left join rejected_counts
        on door_counts.source_table = rejected_counts.source_table
    union all
    select
        door_counts.source_table,
        'duplicate' as bucket,
        door_counts.duplicate_rows + coalesce(removed_counts.row_count, 0) as row_count
    from door_counts
    left join removed_counts
        on
            door_counts.source_table = removed_counts.source_table
            and removed_counts.bucket = 'duplicate'
    union all
    select
        door_counts.source_table,
        'netted' as bucket,
        door_counts.netted_rows + coalesce(removed_counts.row_count, 0) as row_count
    from door_counts
    left join removed_counts
        on
            door_counts.source_table = removed_counts.source_table
            and removed_counts.bucket = 'netted'
)

select
    buckets.source_table,
    buckets.bucket,
    cast(buckets.row_count as bigint) as row_count
from buckets
order by
    buckets.source_table,
    buckets.bucket
