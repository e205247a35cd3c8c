-- Pharmacy claims of the last 180 days for which no paid claim stands: reversed, denied or still pended.
--
-- A version that a later one replaced is none of them, nor a copy, a reversal transaction, or a claim withheld under
-- 42 CFR Part 2. Products are those that specialty rules follow, and maintenance drugs.
with

asked_drugs as (
    select
        drug.drug_key,
        drug.ndc_code
    from core.drug
    where
        coalesce(drug.is_specialty, true)
        or coalesce(drug.is_maintenance, false)
        or drug.drug_key in (select followed_drug.drug_key from facts.followed_drug)
),

unpaid_claims as (
    select
        pharmacy_claim.row_id,
        pharmacy_claim.person_id,
        pharmacy_claim.dispensing_date,
        pharmacy_claim.ndc_code,
        pharmacy_claim.claim_id,
        pharmacy_claim.claim_line_number,
        pharmacy_claim.dispensing_provider_npi,
        case
            when pharmacy_claim.claim_status in ('denied', 'pended') then pharmacy_claim.claim_status
            else 'reversed'
        end as kind,
        case
            when pharmacy_claim.claim_status in ('denied', 'pended') then replace(pharmacy_claim.reject_codes, ' ', '')
        end as reject_codes
    from raw.pharmacy_claim
    where
        pharmacy_claim.dispensing_date <= cast($as_of as date)
        and pharmacy_claim.dispensing_date > cast($as_of as date) - 180
        -- By membership: a join would keep every claim of the window at hand instead of those that fell.
        and (
            (
                pharmacy_claim.claim_status in ('denied', 'pended')
                and pharmacy_claim.row_id not in (
                    select pharmacy_claim_removed.row_id
                    from core.pharmacy_claim_removed
                )
            )
            or (
                coalesce(pharmacy_claim.claim_status, 'paid') in ('paid', 'adjusted', 'reversed')
                and pharmacy_claim.row_id in (
                    select pharmacy_claim_removed.row_id
                    from core.pharmacy_claim_removed
                    where
                        pharmacy_claim_removed.bucket = 'netted'
                        and not pharmacy_claim_removed.is_transaction
                )
            )
        )
),

standing_lines as (
    select distinct
        fill.claim_id,
        fill.claim_line_number
    from core.fill
    inner join unpaid_claims
        on
            fill.claim_id = unpaid_claims.claim_id
            and fill.claim_line_number = unpaid_claims.claim_line_number
)

select
    unpaid_claims.row_id,
    member.member_key,
    unpaid_claims.dispensing_date as claim_date,
    asked_drugs.drug_key,
    unpaid_claims.kind,
    unpaid_claims.reject_codes,
    coalesce(pharmacy.is_specialty, false) as is_specialty_pharmacy,
    unpaid_claims.claim_id
from unpaid_claims
inner join core.member
    on unpaid_claims.person_id = member.person_id
inner join asked_drugs
    on unpaid_claims.ndc_code = asked_drugs.ndc_code
left join core.pharmacy
    on unpaid_claims.dispensing_provider_npi = pharmacy.npi
left join standing_lines
    on
        unpaid_claims.claim_id = standing_lines.claim_id
        and unpaid_claims.claim_line_number = standing_lines.claim_line_number
where
    standing_lines.claim_id is null
    and unpaid_claims.row_id not in (
        select withheld_claim.row_id
        from core.withheld_claim
        where withheld_claim.source_table = 'pharmacy_claim'
    )
order by unpaid_claims.row_id
