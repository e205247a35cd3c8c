-- What a monitoring rule asks for, told: each need with the words of its sentence, for the families with such rules.
--
-- A view: the words are put together where a family takes them, and written once, in gaps.*.
select
    monitoring_sentence.gap_family,
    monitoring_sentence.gap_code,
    monitoring_sentence.monitoring_rule_id,
    monitoring_need.member_key,
    monitoring_need.subject,
    monitoring_need.status,
    monitoring_need.window_start_date,
    monitoring_need.window_end_date,
    monitoring_need.due_date,
    monitoring_sentence.confidence,
    monitoring_sentence.reason,
    concat(
        '{"claims":[', rtrim(cast(cast({ 'claim_id': monitoring_need.claim_id } as json) as varchar), '}'),
        ',"date":"', monitoring_need.claim_date, monitoring_sentence.evidence_end
    ) as evidence,
    monitoring_need.is_sensitive
from facts.monitoring_need
inner join facts.monitoring_sentence
    on
        monitoring_need.monitoring_rule_key = monitoring_sentence.monitoring_rule_key
        and monitoring_need.missing = monitoring_sentence.missing
        and monitoring_need.last_test_date is not distinct from monitoring_sentence.last_test_date
        and monitoring_need.frame_days is not distinct from monitoring_sentence.frame_days
        and monitoring_need.start_date is not distinct from monitoring_sentence.start_date
        and monitoring_need.due_date = monitoring_sentence.due_date
        and monitoring_need.is_sensitive = monitoring_sentence.is_sensitive
