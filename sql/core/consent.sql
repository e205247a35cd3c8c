-- What members have consented to, and whether it holds tonight: one row per member and scope.
--
-- A consent given for several periods holds in each of them. One that is over, or not yet begun, withdraws what it
-- names, so that it is kept; of a scope without a row nothing was ever said. A scope is known by any of its names.
with

periods as (
    select
        member_consent.person_id,
        member_consent.scope as word,
        coalesce(member_consent.valid_from, date '1900-01-01') as first_date,
        coalesce(member_consent.valid_from <= cast($as_of as date), true)
        and coalesce(member_consent.valid_to >= cast($as_of as date), true) as is_valid
    from raw.member_consent
    union all
    -- Of a row that was refused nobody knows how long it holds: it may be the one that withdraws.
    select
        refused_word.person_id,
        refused_word.scope as word,
        date '1900-01-01' as first_date,
        false as is_valid
    from raw.refused_word
    where
        refused_word.source_table = 'member_consent'
        and refused_word.person_id is not null
        and refused_word.scope is not null
)

select
    periods.person_id,
    consent_scope.scope,
    bool_or(consent_scope.is_of_all_contact) as is_of_all_contact,
    bool_or(periods.is_valid) as is_valid,
    -- The earliest day that the input allows stands for no first day.
    nullif(min(case when periods.is_valid then periods.first_date end), date '1900-01-01') as consent_date
from periods
inner join core.consent_scope
    on periods.word = consent_scope.word
group by
    periods.person_id,
    consent_scope.scope
order by
    periods.person_id,
    consent_scope.scope
