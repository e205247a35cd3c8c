-- Every gap code and, where nothing is said of it tonight, why: its gaps are neither closed nor forgotten meanwhile.
--
-- A code is skipped where an input that its family or the code itself needs is not there, delivered or shipped, or
-- where its rules by year say nothing of this one (interface 2). Codes of a pregnancy are held back while a loss could
-- not be seen (maternal 1.7, L9).
with

absent_tables as (
    select ingested.source_table
    from raw.ingested
    where ingested.measure = 'stored'
    group by ingested.source_table
    having sum(ingested.row_count) = 0
),

missing_needs as (
    select
        gap_need.gap_code,
        concat('no ', gap_need.needed_table, ' table') as missing_reason
    from raw.gap_need
    inner join absent_tables
        on gap_need.needed_table = absent_tables.source_table
    where gap_need.rule_year is null
    union all
    select
        gap_need.gap_code,
        concat(
            gap_need.needed_table, ': found no row for ', cast(extract(year from cast($as_of as date)) as varchar),
            '; allowed are the years ', cast(min(gap_need.rule_year) as varchar),
            ' to ', cast(max(gap_need.rule_year) as varchar)
        ) as missing_reason
    from raw.gap_need
    where gap_need.rule_year is not null
    group by
        gap_need.gap_code,
        gap_need.needed_table
    having max(case when gap_need.rule_year = extract(year from cast($as_of as date)) then 1 else 0 end) = 0
),

first_needs as (
    select
        missing_needs.gap_code,
        max(missing_needs.missing_reason) as missing_reason
    from missing_needs
    group by missing_needs.gap_code
)

select
    gap_code.gap_code,
    gap_code.gap_family,
    gap_code.is_pregnancy_dependent,
    coalesce(
        case when gap_code.is_pregnancy_dependent then maternal_gate.closed_reason end, first_needs.missing_reason
    ) as skipped_reason
from raw.gap_code
cross join facts.maternal_gate
left join first_needs
    on gap_code.gap_code = first_needs.gap_code
order by gap_code.gap_code
