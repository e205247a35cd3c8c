-- The codes in the claims that tell of a pregnancy, its end or doubt about it, with value set and category.
--
-- A code that several evidence sets hold dates by the most careful one: loss, doubt, delivery, week, timed procedure,
-- trimester, pregnancy without timing (maternal 1.2). What ends a pregnancy keeps every set: a mixed birth is a live
-- birth for measures and a loss for messages.
with

evidence_ranks as (
    select
        ranked.value_set,
        ranked.evidence_rank,
        ranked.is_dating
    from (
        values
        ('pregnancy_loss', 1, false),
        ('pregnancy_hold', 2, false),
        ('delivery', 3, false),
        ('live_birth', 3, false),
        ('newborn', 3, false),
        ('postpartum', 3, false),
        ('pregnancy_week', 4, true),
        ('pregnancy_procedure_timing', 5, true),
        ('pregnancy_trimester', 6, true),
        ('pregnancy_state', 7, true),
        ('pregnancy_hold_emergency', 8, false),
        ('pregnancy_negative', 9, false),
        ('gestational_carrier', 9, false)
    ) as ranked (value_set, evidence_rank, is_dating)
),

grouped_codes as (
    select
        code_category.value_set,
        code_category.code_system,
        code_category.code,
        code_category.category,
        evidence_ranks.evidence_rank,
        evidence_ranks.is_dating,
        min(evidence_ranks.evidence_rank) over (
            partition by code_category.code_system, code_category.code
        ) as first_rank
    from facts.code_category
    inner join evidence_ranks
        on code_category.value_set = evidence_ranks.value_set
)

select
    grouped_codes.value_set,
    grouped_codes.code_system,
    grouped_codes.code,
    max(grouped_codes.category) as category
from grouped_codes
where
    grouped_codes.evidence_rank = grouped_codes.first_rank
    or not grouped_codes.is_dating
group by
    grouped_codes.value_set,
    grouped_codes.code_system,
    grouped_codes.code
order by
    grouped_codes.code_system,
    grouped_codes.code,
    grouped_codes.value_set
