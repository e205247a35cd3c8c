-- Pregnancies by person, as facts.pregnancy tells them: published in the restricted part only.
select
    member.person_id,
    pregnancy.episode,
    pregnancy.status,
    pregnancy.tier,
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
order by
    member.person_id,
    pregnancy.episode
