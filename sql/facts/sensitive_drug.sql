-- Products that tell of HIV, mental health or substance use: such a medicine is never named on a list (rules 6.4).
select distinct drug_group.drug_key
from facts.drug_group
where
    drug_group.value_set in (
        'antiretrovirals', 'opioid_agonists', 'psychiatric_treatment', 'mental_health_drugs', 'psychiatric_drugs'
    )
order by drug_group.drug_key
