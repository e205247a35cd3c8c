-- Medicines that are not used together and were on hand together in the last year: one row per member and pair.
--
-- The pairs are rows of data_contracts/drug_interactions.yaml. Supply begins on the day it was dispensed, as for
-- concurrent use; of a pair with days of washout the first medicine counts so much longer. Days to come are not on hand
-- yet; a fill without usable days supply has none. Compounds are left out, and so are hospice and those who left.
-- Source: ONC high-priority list and FDA labels (specialty 4.2, DDI).
with

paired_drugs as (
    select distinct
        drug_interaction_side.drug_interaction_key,
        drug_interaction_side.side,
        drug_category.drug_key,
        sensitive_drug.drug_key is not null as is_sensitive
    from facts.drug_category
    inner join raw.drug_interaction_side
        on
            drug_category.value_set = drug_interaction_side.value_set
            and (
                drug_interaction_side.categories is null
                or drug_interaction_side.categories like concat('%;', drug_category.category, ';%')
            )
    left join facts.sensitive_drug
        on drug_category.drug_key = sensitive_drug.drug_key
),

supplies as (
    select
        paired_drugs.drug_interaction_key,
        paired_drugs.side,
        paired_drugs.is_sensitive,
        fill.member_key,
        fill.fill_key,
        fill.fill_date as start_date,
        fill.fill_date + (fill.days_supply - 1) as end_date
    from core.fill
    inner join paired_drugs
        on fill.drug_key = paired_drugs.drug_key
    inner join facts.active_member
        on fill.member_key = active_member.member_key
    where
        fill.fill_date > cast($as_of as date) - 365
        and fill.days_supply is not null
        and not fill.is_compound
),

meetings as (
    select
        first_supplies.drug_interaction_key,
        first_supplies.member_key,
        greatest(first_supplies.start_date, second_supplies.start_date) as start_date,
        least(
            first_supplies.end_date + drug_interaction.washout_days, second_supplies.end_date, cast($as_of as date)
        ) as end_date,
        first_supplies.fill_key as first_fill_key,
        second_supplies.fill_key as second_fill_key,
        drug_interaction.is_sensitive or first_supplies.is_sensitive or second_supplies.is_sensitive as is_sensitive
    from supplies as first_supplies
    inner join raw.drug_interaction
        on first_supplies.drug_interaction_key = drug_interaction.drug_interaction_key
    inner join supplies as second_supplies
        on
            first_supplies.member_key = second_supplies.member_key
            and first_supplies.drug_interaction_key = second_supplies.drug_interaction_key
            and first_supplies.end_date + drug_interaction.washout_days >= second_supplies.start_date
            and first_supplies.start_date <= second_supplies.end_date
    where
        first_supplies.side = 'first'
        and second_supplies.side = 'second'
),

-- The two fills that the evidence names are those that met last.
ordered_meetings as (
    select
        meetings.*,
        row_number() over (
            partition by meetings.drug_interaction_key, meetings.member_key
            order by meetings.end_date desc, meetings.second_fill_key desc, meetings.first_fill_key desc
        ) as recency
    from meetings
)

select
    ordered_meetings.drug_interaction_key,
    ordered_meetings.member_key,
    min(ordered_meetings.start_date) as first_shared_date,
    max(ordered_meetings.end_date) as last_shared_date,
    max(case when ordered_meetings.recency = 1 then ordered_meetings.first_fill_key end) as first_fill_key,
    max(case when ordered_meetings.recency = 1 then ordered_meetings.second_fill_key end) as second_fill_key,
    max(ordered_meetings.is_sensitive) as is_sensitive
from ordered_meetings
group by
    ordered_meetings.drug_interaction_key,
    ordered_meetings.member_key
order by
    ordered_meetings.drug_interaction_key,
    ordered_meetings.member_key
