"""The two borders of a night, the delivery and the worklists: the tables that each hands to its suite."""

from __future__ import annotations

BORDERS = ("raw", "outreach")

# What each border hands to its suite. A worklist leaves its members, its gaps and its sentences behind.
EXPORTS: dict[str, dict[str, str]] = {
    "raw": {
        "input_profile": "select source_table, measure, detail, value, row_count from core.input_profile",
    },
    "outreach": {
        "worklist_profile": """
            select
                pharmacy_npi, state, weekly_capacity, row_count, urgent_count, min_list_rank, max_list_rank,
                list_rank_count, cast(min_score as double) as min_score, cast(max_score as double) as max_score
            from outreach.worklist_profile
        """,
        "worklist": """
            select
                pharmacy_npi, list_rank, priority_band, gap_family, cast(score as double) as score,
                coalesce(trim(person_id) <> '', false) as has_person,
                coalesce(trim(reason) <> '', false) as has_reason,
                coalesce(trim(gap_id) <> '', false) as has_gap_id,
                count(*) over (partition by gap_id) as gap_row_count
            from outreach.worklist
        """,
    },
}

# The profile table of each border that is published, and so there to compare the next night with.
COMPARED = {"raw": "input_profile", "outreach": "worklist_profile"}

# What the suites judge: tonight beside the last published night. Without one, `previous_*` is null on every row.
COMPARISONS: dict[str, dict[str, str]] = {
    "raw": {
        "input_profile": """
            select
                source_table, measure, detail, tonight.value, tonight.row_count,
                previous.value as previous_value,
                coalesce(tonight.value, 0) / nullif(previous.value, 0) as growth,
                tonight.value - previous.value as change
            from tonight_input_profile as tonight
            full join previous_input_profile as previous using (source_table, measure, detail)
        """,
    },
    "outreach": {
        "worklist_volume": """
            with volumes as (
                select 'tonight' as night, state, pharmacy_npi, row_count, urgent_count, min_score, max_score
                from tonight_worklist_profile
                union all
                select 'previous' as night, state, pharmacy_npi, row_count, urgent_count, min_score, max_score
                from previous_worklist_profile
            ),
            totals as (
                select
                    night,
                    case when grouping(state) = 1 then 'all' else 'state' end as level,
                    case when grouping(state) = 1 then '' else coalesce(state, '') end as level_value,
                    sum(row_count) as row_count,
                    count(distinct pharmacy_npi) as pharmacy_count,
                    sum(urgent_count) / sum(row_count) as urgent_share,
                    max(row_count) / sum(row_count) as largest_list_share,
                    max(max_score) - min(min_score) as score_spread
                from volumes
                group by grouping sets ((night), (night, state))
            )
            select
                level, level_value, tonight.row_count, tonight.pharmacy_count, tonight.urgent_share,
                tonight.largest_list_share, tonight.score_spread,
                previous.row_count as previous_row_count, previous.pharmacy_count as previous_pharmacy_count,
                coalesce(tonight.row_count, 0) / previous.row_count as row_growth,
                coalesce(tonight.pharmacy_count, 0) / previous.pharmacy_count as pharmacy_growth
            from (from totals where night = 'tonight') as tonight
            full join (from totals where night = 'previous') as previous using (level, level_value)
        """,
        "worklist_profile": "from tonight_worklist_profile",
        "worklist": "from tonight_worklist",
    },
}
