-- Listed rows of the programmes that pharmacists of the plan work: specialty medicines, medication therapy management
-- and care after a hospital stay, with what a pharmacist must bring (specialty 4.2).
--
-- The state is that of the member's home, for there the pharmacist must be licensed. Areas of therapy are those of the
-- medicine or of the condition, else the family; of a sensitive row none is told, and its names are the public ones.
with

product_areas as (
    select
        drug.ingredients as product,
        max(drug_group.value_set = 'cardiology_drugs') as is_cardiology,
        max(drug_group.value_set in ('diabetes_drugs', 'insulins')) as is_endocrinology,
        max(drug_group.value_set in ('ms_agents', 'infused_ms_agents')) as is_neurology,
        max(drug_group.value_set = 'oncology_drugs') as is_oncology,
        max(drug_group.value_set in ('rheumatology_drugs', 'ra_biologics', 'infused_ra_biologics')) as is_rheumatology
    from core.drug
    inner join facts.drug_group
        on drug.drug_key = drug_group.drug_key
    group by drug.ingredients
),

listed_cases as (
    select
        worklist.gap_id,
        worklist.person_id,
        member.state,
        worklist.language,
        worklist.gap_family,
        worklist.gap_code,
        worklist.pharmacy_npi,
        worklist.priority_band,
        worklist.score,
        worklist.due_date,
        ledger.is_sensitive,
        ledger.gap_family as asked_family,
        nullif(
            concat_ws(
                ';',
                case
                    when product_areas.is_cardiology or ledger.gap_code in ('CARDIAC_DME', 'CARDIAC_REHAB')
                        then 'cardiology'
                end,
                case when product_areas.is_endocrinology then 'endocrinology' end,
                case when product_areas.is_neurology then 'neurology' end,
                case when product_areas.is_oncology or ledger.gap_code = 'ONC_ADH' then 'oncology' end,
                case when product_areas.is_rheumatology then 'rheumatology' end
            ),
            ''
        ) as therapy_areas
    from outreach.worklist
    inner join outreach.ledger
        on worklist.gap_id = ledger.gap_id
    inner join core.member
        on ledger.member_key = member.member_key
    left join product_areas
        on case when ledger.gap_family = 'specialty' then ledger.subject end = product_areas.product
    where ledger.gap_family in ('specialty', 'mtm', 'care_transition')
)

select
    listed_cases.gap_id,
    listed_cases.person_id,
    listed_cases.state,
    listed_cases.language,
    listed_cases.gap_family,
    listed_cases.gap_code,
    case
        when not listed_cases.is_sensitive then coalesce(listed_cases.therapy_areas, listed_cases.asked_family)
    end as therapy_areas,
    listed_cases.pharmacy_npi,
    listed_cases.priority_band,
    listed_cases.score,
    listed_cases.due_date
from listed_cases
order by listed_cases.gap_id
