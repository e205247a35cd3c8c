-- Fills of the medicines that a row of a list names, and which of its medicines each is: a pharmacy is told only of
-- what it dispensed (rules 6.2).
--
-- Of two medicines together, those that the sentence rests on; of a measure or a product that specialty rules follow,
-- any fill of the last twelve months; of a measure that was not started again its last fill, of the insulin behind
-- missing supplies any. After a stay, the last fill of each kind of medicine that none follows. A view: read once, for
-- the rows that are listed.
select
    subject_fill.subject,
    subject_fill.gap_family,
    subject_fill.member_key,
    'all' as medicine,
    subject_fill.fill_key
from facts.subject_fill
where
    subject_fill.subject not in (
        select concurrent_use.concurrent_use_id
        from raw.concurrent_use
    )
union all
select
    measure.measure_id as subject,
    'adherence' as gap_family,
    prior_supply.member_key,
    'all' as medicine,
    prior_supply.last_fill_key as fill_key
from facts.prior_supply
inner join raw.measure
    on prior_supply.measure_key = measure.measure_key
union all
select
    concurrent_use.concurrent_use_id as subject,
    'medication_review' as gap_family,
    concurrent_fill.member_key,
    cast(concurrent_fill.medicine_key as varchar) as medicine,
    concurrent_fill.fill_key
from facts.concurrent_fill
inner join raw.concurrent_use
    on concurrent_fill.concurrent_use_key = concurrent_use.concurrent_use_key
union all
select
    interaction_rule.drug_interaction_id as subject,
    'medication_review' as gap_family,
    drug_interaction.member_key,
    'first' as medicine,
    drug_interaction.first_fill_key as fill_key
from facts.drug_interaction
inner join raw.drug_interaction as interaction_rule
    on drug_interaction.drug_interaction_key = interaction_rule.drug_interaction_key
union all
select
    interaction_rule.drug_interaction_id as subject,
    'medication_review' as gap_family,
    drug_interaction.member_key,
    'second' as medicine,
    drug_interaction.second_fill_key as fill_key
from facts.drug_interaction
inner join raw.drug_interaction as interaction_rule
    on drug_interaction.drug_interaction_key = interaction_rule.drug_interaction_key
union all
select
    pregnancy_review.ingredient as subject,
    'medication_review' as gap_family,
    pregnancy_review.member_key,
    'all' as medicine,
    pregnancy_review.last_fill_key as fill_key
from facts.pregnancy_review
union all
select
    monitoring_rule.subject,
    monitoring_rule.gap_family,
    fill.member_key,
    'all' as medicine,
    fill.fill_key
from core.fill
inner join facts.drug_group
    on
        fill.drug_key = drug_group.drug_key
        and drug_group.value_set = 'insulins'
inner join raw.monitoring_rule
    on monitoring_rule.population = 'insulin'
union all
select
    discharge.subject,
    'care_transition' as gap_family,
    transition_supply.member_key,
    concat(transition_supply.transition_rule_key, ' ', transition_supply.medicine_number) as medicine,
    fill.fill_key
from facts.transition_supply
inner join facts.discharge
    on
        transition_supply.member_key = discharge.member_key
        and transition_supply.chain = discharge.chain
inner join core.fill
    on
        transition_supply.member_key = fill.member_key
        and transition_supply.claim_id = fill.claim_id
        and transition_supply.last_fill_date = fill.fill_date
where
    transition_supply.next_fill_date is null
    -- A specialty drug is asked about under a code that names none.
    and transition_supply.product = ''
