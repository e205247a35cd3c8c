-- Members with diabetes: two days with a diagnosis in 24 months, or one and a fill of diabetes medicine (diabetes 4.3).
--
-- Gestational diabetes alone is none, nor is a diabetes medicine without a diagnosis. Diagnoses of paid claims count.
-- Insulin is told by its first fill that is known and the last day that one supplies.
with

diagnosis_days as (
    select
        diagnosis.member_key,
        min(diagnosis.diagnosis_date) as first_date,
        max(diagnosis.diagnosis_date) as last_date,
        min(
            case
                when diagnosis.diagnosis_date > cast(cast($as_of as date) - interval 24 month as date)
                    then diagnosis.diagnosis_date
            end
        ) as first_recent_date,
        max(concat(diagnosis.diagnosis_date, diagnosis.claim_id)) as last_claim
    from core.diagnosis
    inner join facts.code_group
        on
            code_group.value_set = 'diabetes_diagnosis'
            and code_group.code_system = 'icd10cm'
            and diagnosis.code = code_group.code
    where
        diagnosis.code_system = 'icd-10-cm'
        and diagnosis.is_paid
    group by diagnosis.member_key
),

medicines as (
    select
        fill.member_key,
        max(fill.fill_date) as last_date,
        min(case when drug_group.value_set = 'insulins' then fill.fill_date end) as insulin_start_date,
        max(
            case
                when drug_group.value_set = 'insulins' then fill.fill_date + (coalesce(fill.days_supply, 1) - 1)
            end
        ) as insulin_end_date
    from core.fill
    inner join facts.drug_group
        on
            fill.drug_key = drug_group.drug_key
            and drug_group.value_set in ('diabetes_drugs', 'insulins')
    group by fill.member_key
),

recently_treated as (
    select medicines.member_key
    from medicines
    where medicines.last_date > cast(cast($as_of as date) - interval 24 month as date)
)

select
    diagnosis_days.member_key,
    diagnosis_days.first_date,
    diagnosis_days.last_date,
    substr(diagnosis_days.last_claim, 11) as claim_id,
    recently_treated.member_key is not null as is_treated,
    medicines.insulin_start_date,
    medicines.insulin_end_date
from diagnosis_days
left join medicines
    on diagnosis_days.member_key = medicines.member_key
left join recently_treated
    on diagnosis_days.member_key = recently_treated.member_key
where
    diagnosis_days.first_recent_date < diagnosis_days.last_date
    or (diagnosis_days.first_recent_date = diagnosis_days.last_date and recently_treated.member_key is not null)
order by diagnosis_days.member_key
