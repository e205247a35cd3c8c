-- Pregnancies by person, as facts.pregnancy tells them: published in the restricted part only.
--
-- Stale evidence overrides every tier (maternal 1.8). A man has no pregnancy: such claims are care management's.
select
    member.person_id,
    pregnancy.episode,
    pregnancy.status,
    case when pregnancy.status <> 'stale' then pregnancy.tier end as tier,
    pregnancy.lmp_date,
    pregnancy.edd_date,
    pregnancy.gestational_age_days,
    pregnancy.last_evidence_date,
    pregnancy.outcome,
    pregnancy.end_date,
    pregnancy.referral_reason
from facts.pregnancy
inner join core.member
    on pregnancy.member_key = member.member_key
where coalesce(member.gender, 'f') in ('f', 'female')
order by
    member.person_id,
    pregnancy.episode
