-- The medicines that the rules after a discharge ask about: what was filled before the admission, how far it lasts, and
-- the first fill since. One row per member, chain of stays, rule, kind of medicine and, of specialty drugs, product
-- class.
--
-- Early refills of a kind queue. Days in the hospital are not taken from the supply at home. A specialty drug is one
-- that the drug table calls so; where it is silent, one from a specialty pharmacy. One pass over fills.
with

discharges as (
    select
        discharge.member_key,
        discharge.chain,
        discharge.admission_date,
        discharge.discharge_date
    from facts.discharge
    where discharge.not_asked_reason is null
),

asked_drugs as (
    select distinct
        transition_medicine.transition_rule_key,
        transition_medicine.medicine_number,
        drug_group.drug_key,
        '' as product
    from raw.transition_medicine
    inner join facts.drug_group
        on transition_medicine.value_set = drug_group.value_set
    union all
    select distinct
        transition_medicine.transition_rule_key,
        transition_medicine.medicine_number,
        drug.drug_key,
        coalesce(drug.product_class, drug.ingredients) as product
    from raw.transition_medicine
    inner join core.drug
        on
            transition_medicine.value_set = 'specialty_drugs'
            and coalesce(drug.is_specialty, true)
),

fills as (
    select
        discharges.member_key,
        discharges.chain,
        discharges.admission_date,
        discharges.discharge_date,
        asked_drugs.transition_rule_key,
        asked_drugs.medicine_number,
        asked_drugs.product,
        fill.fill_key,
        fill.fill_date,
        fill.claim_id,
        fill.fill_date < discharges.admission_date as is_prior,
        sensitive_drug.drug_key is not null as is_sensitive,
        case when fill.fill_date < discharges.admission_date then coalesce(fill.days_supply, 1) else 0 end
            as days_supply
    from core.fill
    inner join discharges
        on
            fill.member_key = discharges.member_key
            and fill.fill_date > discharges.admission_date - 400
    inner join asked_drugs
        on fill.drug_key = asked_drugs.drug_key
    inner join core.drug
        on fill.drug_key = drug.drug_key
    left join facts.sensitive_drug
        on fill.drug_key = sensitive_drug.drug_key
    left join core.pharmacy
        on fill.dispensing_provider_npi = pharmacy.npi
    where
        not fill.is_compound
        and (
            asked_drugs.product = ''
            or drug.is_specialty
            or pharmacy.is_specialty
        )
),

queued_fills as (
    select
        fills.*,
        cast(
            coalesce(
                sum(fills.days_supply) over (
                    partition by
                        fills.member_key, fills.chain, fills.transition_rule_key, fills.medicine_number, fills.product
                    order by fills.fill_key
                    rows between unbounded preceding and 1 preceding
                ),
                0
            ) as integer
        ) as supplied_before
    from fills
),

supplies as (
    select
        queued_fills.*,
        max(queued_fills.fill_date - queued_fills.supplied_before) over (
            partition by
                queued_fills.member_key,
                queued_fills.chain,
                queued_fills.transition_rule_key,
                queued_fills.medicine_number,
                queued_fills.product
            order by queued_fills.fill_key
            rows unbounded preceding
        ) + queued_fills.supplied_before + queued_fills.days_supply - 1 as end_date
    from queued_fills
),

medicines as (
    select
        supplies.member_key,
        supplies.chain,
        supplies.transition_rule_key,
        supplies.medicine_number,
        supplies.product,
        supplies.admission_date,
        supplies.discharge_date,
        max(case when supplies.is_prior then supplies.fill_date end) as last_fill_date,
        max(case when supplies.is_prior then supplies.end_date end) as claimed_supply_end_date,
        min(case when not supplies.is_prior then supplies.fill_date end) as next_fill_date,
        max(case when supplies.is_prior then cast(supplies.fill_date as varchar) || supplies.claim_id end)
            as last_claim,
        max(supplies.is_sensitive) as is_sensitive
    from supplies
    group by
        supplies.member_key,
        supplies.chain,
        supplies.transition_rule_key,
        supplies.medicine_number,
        supplies.product,
        supplies.admission_date,
        supplies.discharge_date
)

select
    medicines.member_key,
    medicines.chain,
    medicines.transition_rule_key,
    medicines.medicine_number,
    medicines.product,
    medicines.last_fill_date,
    medicines.next_fill_date,
    medicines.claimed_supply_end_date,
    case
        when medicines.claimed_supply_end_date >= medicines.admission_date
            then
                medicines.claimed_supply_end_date
                + cast(medicines.discharge_date - medicines.admission_date as integer)
        else medicines.claimed_supply_end_date
    end as supply_end_date,
    substr(medicines.last_claim, 11) as claim_id,
    medicines.is_sensitive
from medicines
order by
    medicines.member_key,
    medicines.chain,
    medicines.transition_rule_key,
    medicines.medicine_number,
    medicines.product
