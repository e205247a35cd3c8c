-- Medicines to review with the prescriber because the member is pregnant: one row per member and ingredient.
--
-- On hand for a day or more from the LMP to the expected date, with the conditions of its class (maternal 2.3), in
-- every pregnancy that may go on. A pharmacist is asked (`is_asked`) in any tier, tier C too, but not in doubt or on
-- stale evidence, and not while the member is in hospital or not enrolled; the gaps that would ask for a refill are
-- held all the while. The prescriber's answer closes the gap for 90 days and takes nothing away here
-- (`facts.closing_word`).
with

local_forms as (
    select value_set.form
    from raw.value_set
    where
        value_set.value_set = 'unmeasured_forms'
        and value_set.category = 'local'
),

local_drugs as (
    select distinct drug.drug_key
    from core.drug
    inner join local_forms
        on concat_ws(' ', drug.route, drug.dose_form) like concat('%', local_forms.form, '%')
),

reviewed_drugs as (
    select distinct
        drug_category.drug_key,
        ingredient.ingredient,
        pregnancy_review_list.urgency,
        pregnancy_review_list.gap_code,
        drug_category.category,
        pregnancy_review_condition.from_gestational_day,
        pregnancy_review_condition.until_gestational_day,
        coalesce(pregnancy_review_condition.fewest_doses, 1) as fewest_doses,
        pregnancy_review_condition.spared_by
    from facts.drug_category
    inner join raw.pregnancy_review_list
        on drug_category.value_set = pregnancy_review_list.value_set
    inner join core.ingredient
        on drug_category.ingredient_key = ingredient.ingredient_key
    left join raw.pregnancy_review_condition
        on drug_category.category = pregnancy_review_condition.category
    where
        not coalesce(pregnancy_review_condition.is_systemic, false)
        or drug_category.drug_key not in (select local_drugs.drug_key from local_drugs)
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
    where
        diagnosis.code_system = 'icd-10-cm'
        and diagnosis.is_paid
),

present_members as (
    select enrollment.member_key
    from core.enrollment
    inner join core.member
        on enrollment.member_key = member.member_key
    where
        cast($as_of as date) between enrollment.enrollment_start_date and enrollment.enrollment_end_date
        and coalesce(member.death_date > cast($as_of as date), true)
        and enrollment.member_key not in (
            select stay.member_key
            from core.stay
            where cast($as_of as date) between stay.admission_date and stay.discharge_date
        )
),

-- A fill without usable days supply is on hand on its day.
fills as (
    select
        fill.member_key,
        fill.fill_key,
        fill.fill_date,
        fill.drug_key,
        fill.fill_date + coalesce(fill.days_supply, 1) - 1 as supply_end_date,
        case when fill.quantity <= 1 then 1 else coalesce(fill.days_supply, 1) end as doses
    from core.fill
),

exposures as (
    select
        pregnancy.member_key,
        pregnancy.episode,
        pregnancy.status,
        pregnancy.tier,
        pregnancy.referral_reason,
        reviewed_drugs.ingredient,
        reviewed_drugs.urgency,
        reviewed_drugs.gap_code,
        reviewed_drugs.category,
        reviewed_drugs.fewest_doses,
        count(distinct fills.fill_date) as fill_dates,
        sum(fills.doses) as doses,
        max(fills.fill_key) as last_fill_key,
        max(fills.supply_end_date) as supply_end_date
    from facts.pregnancy
    inner join fills
        on pregnancy.member_key = fills.member_key
    inner join reviewed_drugs
        on fills.drug_key = reviewed_drugs.drug_key
    left join spared_members
        on
            pregnancy.member_key = spared_members.member_key
            and reviewed_drugs.spared_by = spared_members.value_set
    where
        pregnancy.status in ('current', 'overdue', 'stale')
        and fills.supply_end_date >= pregnancy.lmp_date + coalesce(reviewed_drugs.from_gestational_day, 0)
        and fills.fill_date <= pregnancy.lmp_date + coalesce(reviewed_drugs.until_gestational_day, 280)
        and pregnancy.gestational_age_days >= coalesce(reviewed_drugs.from_gestational_day, 0)
        and (
            reviewed_drugs.until_gestational_day is null
            or pregnancy.gestational_age_days <= reviewed_drugs.until_gestational_day
        )
        and spared_members.member_key is null
    group by
        pregnancy.member_key,
        pregnancy.episode,
        pregnancy.status,
        pregnancy.tier,
        pregnancy.referral_reason,
        reviewed_drugs.ingredient,
        reviewed_drugs.urgency,
        reviewed_drugs.gap_code,
        reviewed_drugs.category,
        reviewed_drugs.fewest_doses
    having sum(fills.doses) >= reviewed_drugs.fewest_doses
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
    exposures.supply_end_date,
    exposures.status = 'current'
    and coalesce(exposures.tier, 'X') <> 'X'
    and exposures.referral_reason is null
    and present_members.member_key is not null as is_asked
from exposures
left join present_members
    on exposures.member_key = present_members.member_key
order by
    exposures.member_key,
    exposures.ingredient
