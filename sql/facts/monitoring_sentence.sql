-- What missing tests, visits or supplies are told with: one row per rule, missing tests, dates and manner of telling.
--
-- A few sentences serve many members: each is put together once here, and stands with its member in gaps.* alone.
with

told as (
    select distinct
        monitoring_need.monitoring_rule_key,
        monitoring_need.missing,
        monitoring_need.last_test_date,
        monitoring_need.frame_days,
        monitoring_need.start_date,
        monitoring_need.due_date,
        monitoring_need.is_sensitive
    from facts.monitoring_need
)

select
    told.monitoring_rule_key,
    told.missing,
    told.last_test_date,
    told.frame_days,
    told.start_date,
    told.due_date,
    told.is_sensitive,
    monitoring_rule.gap_family,
    monitoring_rule.gap_code,
    monitoring_rule.confidence,
    monitoring_rule.monitoring_rule_id,
    -- What tells of HIV, mental health or substance use names neither the medicine nor its tests (rules 6.4).
    case
        when told.is_sensitive then 'Check in, and go through the refills together.'
        else replace(
            replace(
                replace(
                    replace(
                        monitoring_rule.reason,
                        '{last}',
                        coalesce(
                            'since ' || cast(told.last_test_date as varchar),
                            'in the last ' || cast(told.frame_days as varchar) || ' days',
                            'this year'
                        )
                    ),
                    '{missing}', told.missing
                ),
                '{start}', coalesce(cast(told.start_date as varchar), '')
            ),
            '{due}', cast(told.due_date as varchar)
        )
    end as reason,
    concat(
        '"}],"last_test_date":', coalesce('"' || cast(told.last_test_date as varchar) || '"', 'null'),
        ',"start_date":', coalesce('"' || cast(told.start_date as varchar) || '"', 'null'),
        ',', substr(
            cast(
                cast(
                    {
                        'missing': told.missing,
                        'rule': monitoring_rule.monitoring_rule_id,
                        'source': monitoring_rule.source
                    } as json
                ) as varchar
            ),
            2
        )
    ) as evidence_end
from told
inner join raw.monitoring_rule
    on told.monitoring_rule_key = monitoring_rule.monitoring_rule_key
