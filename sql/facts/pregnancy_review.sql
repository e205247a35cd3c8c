-- Medicines to review with the prescriber because the member is pregnant: one row per member and ingredient.
--
-- Any tier, tier C too, but no doubt and no stale evidence: on hand for a day or more since the LMP, with the conditions
-- of its class (rules 2.3). What a prescriber has answered within 90 days is left alone.
with

reviewed_drugs as (
    select distinct
        drug_group.drug_key,
        ingredient.ingredient,
        pregnancy_review_list.urgency,
        pregnancy_review_list.gap_code,
        value_set.category,
        pregnancy_review_condition.from_gestational_day,
        pregnancy_review_condition.until_gestational_day,
        coalesce(pregnancy_review_condition.fewest_fill_dates, 1) as fewest_fill_dates,
        pregnancy_review_condition.spared_by
    from facts.drug_group
    inner join raw.pregnancy_review_list
        on drug_group.value_set = pregnancy_review_list.value_set
    inner join core.ingredient
        on drug_group.ingredient_key = ingredient.ingredient_key
    inner join raw.value_set
        on
            drug_group.value_set = value_set.value_set
            and ingredient.ingredient = value_set.code
    left join raw.pregnancy_review_condition
        on value_set.category = pregnancy_review_condition.category
),

spared_members as (
    select distinct
        diagnosis.member_key,
        code_group.value_set
    from core.diagnosis
    inner join facts.code_group
        on
            code_group.code_system = 'icd10cm'
            and diagnosis.code = code_group.code
    inner join raw.pregnancy_review_condition
        on code_group.value_set = pregnancy_review_condition.spared_by
    where diagnosis.is_paid
),

answered as (
    select distinct
        member.member_key,
        coalesce(outreach_outcome.subject, state_gap.subject) as ingredient
    from raw.outreach_outcome
    left join raw.state_gap
        on outreach_outcome.gap_id = state_gap.gap_id
    inner join core.member
        on coalesce(outreach_outcome.person_id, state_gap.person_id) = member.person_id
    where
        outreach_outcome.outcome_code in ('PRESCRIBER_ACCEPTED', 'PRESCRIBER_REJECTED')
        and cast(outreach_outcome.attempted_at as date)
        between cast($as_of as date) - 89 and cast($as_of as date)
),

exposures as (
    select
        pregnancy.member_key,
        pregnancy.episode,
        pregnancy.tier,
        pregnancy.lmp_date,
        pregnancy.gestational_age_days,
        reviewed_drugs.ingredient,
        reviewed_drugs.urgency,
        reviewed_drugs.gap_code,
        reviewed_drugs.category,
        reviewed_drugs.fewest_fill_dates,
        count(distinct fill.fill_date) as fill_dates,
        max(fill.fill_key) as last_fill_key,
        max(fill.fill_date + coalesce(fill.days_supply, 1) - 1) as supply_end_date
    from facts.pregnancy
    inner join core.fill
        on pregnancy.member_key = fill.member_key
    inner join reviewed_drugs
        on fill.drug_key = reviewed_drugs.drug_key
    left join spared_members
        on
            pregnancy.member_key = spared_members.member_key
            and reviewed_drugs.spared_by = spared_members.value_set
    where
        pregnancy.status = 'current'
        and pregnancy.tier in ('A', 'B', 'C')
        and pregnancy.referral_reason is null
        and fill.fill_date + coalesce(fill.days_supply, 1) - 1 >= pregnancy.lmp_date
        and spared_members.member_key is null
        and (
            reviewed_drugs.from_gestational_day is null
            or fill.fill_date + coalesce(fill.days_supply, 1) - 1
            >= pregnancy.lmp_date + reviewed_drugs.from_gestational_day
        )
        and (
            reviewed_drugs.until_gestational_day is null
            or (
                fill.fill_date <= pregnancy.lmp_date + reviewed_drugs.until_gestational_day
                and pregnancy.gestational_age_days <= reviewed_drugs.until_gestational_day
            )
        )
    group by
        pregnancy.member_key,
        pregnancy.episode,
        pregnancy.tier,
        pregnancy.lmp_date,
        pregnancy.gestational_age_days,
        reviewed_drugs.ingredient,
        reviewed_drugs.urgency,
        reviewed_drugs.gap_code,
        reviewed_drugs.category,
        reviewed_drugs.fewest_fill_dates
)

select
    exposures.member_key,
    exposures.ingredient,
    exposures.episode,
    exposures.tier,
    exposures.urgency,
    exposures.gap_code,
    exposures.category,
    cast(exposures.fill_dates as integer) as fill_dates,
    exposures.last_fill_key,
    exposures.supply_end_date
from exposures
left join answered
    on
        exposures.member_key = answered.member_key
        and exposures.ingredient = answered.ingredient
where
    exposures.fill_dates >= exposures.fewest_fill_dates
    and answered.member_key is null
order by
    exposures.member_key,
    exposures.ingredient
